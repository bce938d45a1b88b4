//! Housecall beside what people write without it, on clips like those of phones, posted to eight platforms.
//!
//! - *script*: one `ffmpeg` for each platform.
//! - *expert*: one `ffmpeg` with `split`, one encode for each unique render, scaled before the tone-map, files copied.
//! - *floor*: the processor time of decoding once and of each unique encode from finished pictures, by themselves.
//!
//! All have the same crop, captions, watermark, gain and encoder settings, taken from Housecall's own plan, and start from
//! a transcript that is there. Nobody follows a face, since no such command can. Each contender runs as processes of its
//! own, alone; who goes first changes from round to round, so that none always finds the clip in the system's memory.
//! Housecall's time includes the cover, the report and its check of every file (its packets compared, its sound and key
//! pictures decoded, all measured against the plan); the others check nothing.
#![allow(clippy::print_stderr)]

mod alone;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod contenders;
mod footage;
mod picture;
mod quality;
mod report;
mod scene;
mod task;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use common::Cost;
use footage::Footage;
use quality::{Floor, Reference};
use report::{Book, Comparison, Figures, Stamp};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use task::{Desk, PLATFORMS};

/// What the practice of the comparisons has beside that of the samples: a short card, and a crop that stands still.
const SETTINGS: &str = "\n[cuts]\nfollow = false\n\n[end_card]\nseconds = 1.0\n";
/// How long clip A is without `--seconds`.
const SECONDS: f64 = 12.0;

/// Housecall beside scripts of ffmpeg
#[derive(Debug, Parser)]
#[command(name = "contenders")]
struct Options {
    /// Parts, separated by commas: clips A, B, C, the day D, the whole pipeline, and memory
    #[arg(long, value_delimiter = ',', default_value = "A,B,C,D,pipeline")]
    only: Vec<String>,
    /// How often each contender makes all cuts; those of the day once less, but once at least, and the pipeline once
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Contenders, separated by commas: housecall, expert, script, floor [default: all; on D all but script, which takes
    /// longest and has no goal there]
    #[arg(long, value_delimiter = ',')]
    contenders: Vec<String>,
    /// Length of clip A; the others are longer or shorter with it
    #[arg(long, default_value_t = SECONDS)]
    seconds: f64,
    /// Also the part `memory`: whether it grows with the length of a clip and with the number of clips; takes long
    #[arg(long)]
    memory: bool,
    /// Tiny clips and one round: shows that the benchmark works, not how fast anything is
    #[arg(long)]
    quick: bool,
    /// Merge the figures into this file; what this run does not measure stays
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw all figures of the file as SVG
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// What cargo hands to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// Tells how far it is.
fn say(text: &str) {
    eprintln!("[{}] {text}", jiff::Zoned::now().strftime("%H:%M:%S"));
}

fn main() -> Result<()> {
    let options = Options::parse();
    let known = ["housecall", "expert", "script", "floor"];
    for name in &options.contenders {
        ensure!(known.contains(&name.as_str()), "{name} is no contender: {}", known.join(", "));
    }
    let more = options.memory.then(|| "memory".to_string());
    let mut parts: Vec<String> = options.only.iter().cloned().chain(more).collect();
    parts.dedup();
    for part in parts.iter().filter(|part| *part != "pipeline" && *part != "memory") {
        footage::part(part, 1.0, true)?;
    }
    let mut book = options.json.as_deref().map_or_else(|| Ok(Book::default()), Book::read)?;
    for part in &parts {
        let folder = tempfile::tempdir_in(scratch()?)?;
        let (place, short) = (folder.path(), options.quick);
        match part.as_str() {
            "pipeline" => {
                let rounds = rounds(&options, part);
                book.pipeline = Some(alone::pipeline(place, rounds, short, Stamp::now()?)?);
            }
            "memory" => book.memory = Some(alone::memory(place, short, Stamp::now()?)?),
            clips => {
                book.comparisons.insert(clips.into(), compare(clips, &options, place)?);
            }
        }
        keep(&book, &options)?;
    }
    book.print(&mut std::io::stdout())?;
    Ok(())
}

/// Where cuts and uncoded pictures go, gigabytes of them: a folder of the disk, since `/tmp` may be memory.
fn scratch() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-scratch");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Writes what is known so far, so that a run that is stopped keeps what it has.
fn keep(book: &Book, options: &Options) -> Result<()> {
    if let Some(file) = &options.json {
        book.write(file)?;
    }
    if let Some(file) = &options.picture {
        fs::write(file, picture::draw(book)).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn rounds(options: &Options, part: &str) -> u32 {
    match part {
        _ if options.quick => 1,
        "pipeline" => 1,
        "D" => (options.rounds - 1).max(1),
        _ => options.rounds,
    }
}

/// One part: all contenders in turn, and what they made beside the clip.
fn compare(part: &str, options: &Options, folder: &Path) -> Result<Comparison> {
    let scale = if options.quick { 0.25 } else { options.seconds / SECONDS };
    let footage = footage::part(part, scale, options.quick)?;
    let mut clips = Vec::new();
    for one in &footage {
        clips.push((format!("{}.mp4", one.name), footage::make(one)?));
    }
    say(&format!("{part}: planning"));
    let desk = Desk::new(folder, &clips, SETTINGS, &PLATFORMS)?;
    let prepared = folder.join("prepared");
    let tasks = desk.plan(&prepared)?;
    ensure!(tasks.len() == clips.len(), "{part}: {} of {} clips have a plan", tasks.len(), clips.len());

    let wanted = |name: &str| match options.contenders.is_empty() {
        true => part != "D" || name != "script",
        false => options.contenders.iter().any(|wanted| wanted == name),
    };
    let runners: Vec<&str> = ["housecall", "expert", "script"].into_iter().filter(|name| wanted(name)).collect();
    let (rounds, stamp) = (rounds(options, part), Stamp::now()?);
    let mut costs: BTreeMap<&str, Vec<Cost>> = BTreeMap::new();
    let mut megabytes = BTreeMap::new();
    for round in 0..rounds as usize {
        for turn in 0..runners.len() {
            let name = runners[(turn + round) % runners.len()];
            let out = folder.join(name);
            if out.exists() {
                fs::remove_dir_all(&out)?;
            }
            let cost = match name {
                "housecall" => desk.run(Some(&prepared), &out)?,
                "expert" => contenders::expert(&tasks, &out)?,
                _ => contenders::script(&tasks, &out)?,
            };
            say(&format!("{part}, round {} of {rounds}: {name} {:.1} s, CPU {:.1} s", round + 1, cost.wall, cost.cpu));
            megabytes.insert(name, contenders::check(&tasks, &out)?);
            costs.entry(name).or_default().push(cost);
        }
    }

    let mut close: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    let mut floor: Option<Floor> = None;
    for task in &tasks {
        say(&format!("{part}: quality and floor of {}", task.plan.name));
        let reference = Reference::new(task, &folder.join("reference"))?;
        for name in &runners {
            close.entry(name).or_default().extend(reference.closeness(&folder.join(name))?);
        }
        if wanted("floor") {
            floor = Some(floor.unwrap_or_default().with(reference.floor()?));
        }
    }
    let of_contender = |(name, costs): (&&str, &Vec<Cost>)| {
        let ssim = close.get(name).and_then(|each| quality::mean(each));
        (name.to_string(), Figures::of(costs, megabytes[name], ssim, stamp.cores))
    };
    Ok(Comparison {
        clips: footage.iter().map(Footage::about).collect(),
        clip_seconds: tasks.iter().map(|task| task.probe.duration.seconds()).sum(),
        cuts: tasks.iter().map(|task| task.plan.cuts.len()).sum(),
        renders: tasks.iter().map(|task| task.renders().len()).sum(),
        contenders: costs.iter().map(of_contender).collect(),
        floor,
        stamp,
    })
}

impl Stamp {
    /// Now, on this computer.
    fn now() -> Result<Self> {
        let told = fs::read_to_string("/proc/cpuinfo")?;
        let model = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let load = fs::read_to_string("/proc/loadavg")?;
        Ok(Stamp {
            date: jiff::Zoned::now().date().to_string(),
            processor: model.map_or("unknown", |(_, name)| name.trim()).to_string(),
            cores: std::thread::available_parallelism()?.get(),
            load_before: load.split_whitespace().next().unwrap_or_default().parse()?,
        })
    }
}
