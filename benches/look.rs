//! What it costs to look at a clip before anything is made: a picture of a cut by a worker that is new and by one that
//! drew before, the copy that a page plays, and the small still. Linux only, since processor time is read from `/proc`.
//!
//! `cargo bench --bench look -- CLIP...`
#![allow(clippy::print_stdout)]

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use housecall::cuts::{self, Placement, Recipe};
use housecall::fault::{Cancel, Fault};
use housecall::intake::Digest;
use housecall::media::probe::probe;
use housecall::media::render::shared_size;
use housecall::pipeline::{self, Looker};
use housecall::units::{Rect, Size, Time};
use housecall::worker::PATIENCE;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

const HOUSECALL: &str = env!("CARGO_BIN_EXE_housecall");
/// `/proc` counts processor time in these, whatever the kernel's own clock.
const TICKS_A_SECOND: f64 = 100.0;
/// What most platforms take.
const CANVAS: Size = Size::new(1080, 1920);

/// Measures what it costs to look at clips
#[derive(Debug, Parser)]
struct Arguments {
    /// Clips
    #[arg(required = true)]
    clips: Vec<PathBuf>,
    /// How many moments of each clip are drawn
    #[arg(long, default_value_t = 8)]
    moments: i64,
    /// Leaves the copy out
    #[arg(long)]
    stills: bool,
    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let (folder, cancel) = (tempfile::tempdir()?, Cancel::new());
    let looker = || Looker::new(HOUSECALL.into(), folder.path(), PATIENCE, &cancel);
    for clip in &arguments.clips {
        let found = probe(clip, &cancel).map_err(failed)?;
        let video = &found.video;
        let seconds = found.duration.seconds();
        println!(
            "{}: {} {} {} {:.2} fps, {seconds:.1} s",
            clip.display(),
            video.displayed,
            video.codec,
            video.bits,
            video.rate.fps()
        );
        let digest = Digest("bench".into());
        let recipe = recipe(&cuts::viewing_recipe(&found, &digest), video.displayed);
        let shared = shared_size(&found, &[&recipe]);
        let mut drawn = [const { (Vec::new(), Vec::new()) }; 2];
        for n in 0..arguments.moments {
            // Whoever draws is new to the first of two, and has drawn before the second.
            let looker = looker();
            for (of, (walls, cpus)) in drawn.iter_mut().enumerate() {
                // Evenly spread, and not on what may be key pictures.
                let part = (n as f64 + 0.37 + 0.5 * of as f64) / arguments.moments as f64;
                let at = Time::from_seconds(seconds * part);
                let (wall, cpu) = cost(|| pipeline::frame(&looker, clip, &found, &recipe, shared, at).map(drop))?;
                walls.push(wall * 1000.0);
                cpus.push(cpu * 1000.0);
            }
        }
        for (what, (walls, cpus)) in ["first", "next "].iter().zip(&mut drawn) {
            println!("  {what}   wall {} ms   CPU {} ms", spread(walls), spread(cpus));
        }
        let looker = looker();
        let still = folder.path().join("still.jpg");
        let (wall, cpu) = cost(|| pipeline::poster(&looker, clip, &found, &digest, Time::from_millis(1300), &still))?;
        println!(
            "  poster  wall {:.0} ms   CPU {:.0} ms   {} bytes",
            wall * 1e3,
            cpu * 1e3,
            fs::metadata(&still)?.len()
        );
        if arguments.stills {
            continue;
        }
        let copy = folder.path().join("copy.mp4");
        let (wall, cpu) = cost(|| pipeline::view_copy(&looker, clip, &found, &digest, &copy))?;
        let minutes = seconds / 60.0;
        let megabytes = fs::metadata(&copy)?.len() as f64 / 1e6;
        println!(
            "  copy    wall {:.1} s a minute of clip   CPU {:.1} s   {:.1} MB",
            wall / minutes,
            cpu / minutes,
            megabytes / minutes
        );
    }
    Ok(())
}

/// A cut with captions, a hook and a text mark that fills its canvas from the middle of the clip.
fn recipe(whole: &Recipe, displayed: Size) -> Recipe {
    let (width, height) = (f64::from(displayed.width), f64::from(displayed.height));
    let even = |side: f64| (side / 2.0) as u32 * 2;
    let (w, h) = (width.min(height * CANVAS.aspect()), height.min(width / CANVAS.aspect()));
    let crop = Rect::new(even((width - w) / 2.0), even((height - h) / 2.0), even(w), even(h));
    let script = include_str!("../tests/golden/portrait-clear.ass").to_string();
    Recipe { canvas: CANVAS, placement: Placement::Fill { crop }, script: Some(script), ..whole.clone() }
}

/// Wall and processor seconds of a call, the latter of this process and of its children, gone or not.
fn cost(work: impl FnOnce() -> Result<(), Fault>) -> Result<(f64, f64)> {
    let (before, began) = (cpu()?, Instant::now());
    work().map_err(failed)?;
    Ok((began.elapsed().as_secs_f64(), cpu()? - before))
}

/// Processor time of this process, of its children, and of those that ended before, seconds.
fn cpu() -> Result<f64> {
    let own = std::process::id().to_string();
    let children = fs::read_dir("/proc")?.flatten().filter_map(|entry| stat(&entry.path()));
    let children = children.filter(|fields| fields.get(1) == Some(&own)).map(|fields| ticks(&fields));
    let here = stat(Path::new("/proc/self")).context("no stat")?;
    Ok((ticks(&here) + children.sum::<f64>()) / TICKS_A_SECOND)
}

/// What is told of a process, from its state on (proc(5)).
fn stat(process: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(process.join("stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(String::from).collect())
}

fn ticks(fields: &[String]) -> f64 {
    fields.iter().skip(11).take(4).map(|ticks| ticks.parse().unwrap_or(0.0)).sum()
}

/// Least, median and most.
fn spread(values: &mut [f64]) -> String {
    values.sort_by(f64::total_cmp);
    format!("{:.0} / {:.0} / {:.0}", values[0], values[values.len() / 2], values[values.len() - 1])
}

fn failed(fault: Fault) -> anyhow::Error {
    anyhow!("{fault}")
}
