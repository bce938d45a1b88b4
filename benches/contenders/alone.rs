//! What is measured of Housecall alone: the whole way from clips to cuts, and whether memory grows.

use crate::commands::ffmpeg;
use crate::common::{measure, median};
use crate::footage::{self, Footage};
use crate::report::{Memory, Pipeline, Stamp};
use crate::say;
use crate::task::{Desk, PLATFORMS, SAMPLES};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Long clips are too long for most platforms; here X takes them.
const LONG_ON_X: &str = "\n[platform.x]\nmax_seconds = 1200\nmax_megabytes = 8000\n";

/// All sample clips for all platforms, from nothing; `short` takes the first only.
pub fn pipeline(folder: &Path, rounds: u32, short: bool, stamp: Stamp) -> Result<Pipeline> {
    let mut clips: Vec<PathBuf> =
        fs::read_dir(Path::new(SAMPLES).join("clips"))?.filter_map(|entry| entry.ok().map(|e| e.path())).collect();
    clips.retain(|clip| clip.extension().is_some_and(|e| e == "mp4" || e == "m4v" || e == "mov"));
    clips.sort();
    if short {
        clips.truncate(1);
    }
    let named: Vec<(String, PathBuf)> = clips.into_iter().map(|clip| (file_name(&clip), clip)).collect();
    let desk = Desk::new(&folder.join("pipeline"), &named, "", &PLATFORMS)?;
    let (mut costs, mut firsts) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        say(&format!("pipeline, round {round} of {rounds}: housecall"));
        let out = folder.join("pipeline-cuts");
        let (cost, first) = desk.run_until_published(None, &out)?;
        costs.push(cost);
        firsts.push(first.context("no cut was published")?);
        fs::remove_dir_all(&out)?;
    }
    let middle = |figure: fn(&crate::common::Cost) -> f64| median(&costs.iter().map(figure).collect::<Vec<_>>());
    Ok(Pipeline {
        stamp,
        clips: named.len(),
        wall_s: middle(|cost| cost.wall),
        cpu_s: middle(|cost| cost.cpu),
        peak_mib: middle(|cost| cost.peak_mib),
        first_cut_s: median(&firsts),
    })
}

/// Peaks for a short and a long clip and for few and many, each for one platform; `short` keeps all of it small.
pub fn memory(folder: &Path, short: bool, stamp: Stamp) -> Result<Memory> {
    let (lengths, counts): ([u32; 2], [u32; 2]) = if short { ([5, 25], [2, 6]) } else { ([30, 600], [3, 100]) };
    let source = footage::part("A", if short { 0.25 } else { 1.0 }, short)?.swap_remove(0);
    let source = footage::make(&source)?;
    let mut by_length = BTreeMap::new();
    for seconds in lengths {
        say(&format!("memory: one clip of {seconds} s"));
        let place = folder.join(format!("length-{seconds}"));
        fs::create_dir_all(&place)?;
        let clip = place.join("clip.mp4");
        let mut copy = ffmpeg();
        copy.args(["-stream_loop", "-1", "-i"]).arg(&source).args(["-t", &seconds.to_string(), "-c", "copy"]);
        measure(copy.arg(&clip), &[0])?;
        let peak = peak(&place, &[("clip.mp4".into(), clip)], f64::from(seconds))?;
        by_length.insert(seconds, peak);
        fs::remove_dir_all(&place)?;
    }
    let small = Footage { name: "m-small".into(), size: (360, 640), megabits: 1, seconds: 2.0, ..small_from(short)? };
    let small = footage::make(&small)?;
    let mut by_count = BTreeMap::new();
    for count in counts {
        say(&format!("memory: {count} short clips"));
        let place = folder.join(format!("count-{count}"));
        fs::create_dir_all(&place)?;
        let mut clips = Vec::new();
        for number in 0..count {
            // Each with other bytes, or they would be one clip.
            let (name, title) = (format!("clip-{number:03}.mp4"), format!("title={number}"));
            let mut copy = ffmpeg();
            copy.arg("-i").arg(&small).args(["-c", "copy", "-metadata", &title]).arg(place.join(&name));
            measure(&mut copy, &[0])?;
            clips.push((name.clone(), place.join(name)));
        }
        by_count.insert(count, peak(&place, &clips, 2.0)?);
        fs::remove_dir_all(&place)?;
    }
    Ok(Memory { stamp, by_length, by_count })
}

/// What the small clip has of the others.
fn small_from(short: bool) -> Result<Footage> {
    Ok(footage::part("A", 1.0, short)?.swap_remove(0))
}

/// The most memory that making all cuts of these clips for X takes, MiB.
fn peak(place: &Path, clips: &[(String, PathBuf)], seconds: f64) -> Result<f64> {
    let transcripts = place.join("transcripts");
    fs::create_dir_all(&transcripts)?;
    for (name, _) in clips {
        fs::write(transcripts.join(name).with_extension("srt"), captions(seconds))?;
    }
    let desk = Desk::new(&place.join("desk"), clips, LONG_ON_X, &["x"])?.with_transcripts(transcripts);
    Ok(desk.run(None, &place.join("cuts"))?.peak_mib)
}

/// A few words every two seconds, as SRT.
fn captions(seconds: f64) -> String {
    let stamp = |t: f64| {
        let ms = (t * 1000.0) as u64;
        format!("{:02}:{:02}:{:02},{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
    };
    let cue = |number: usize| {
        let start = number as f64 * 2.0;
        let end = (start + 1.8).min(seconds - 0.05);
        format!("{}\n{} --> {}\nShave with the grain of the hair\n\n", number + 1, stamp(start), stamp(end))
    };
    (0..(seconds / 2.0).ceil() as usize).map(cue).collect()
}

fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
