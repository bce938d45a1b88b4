//! What many computers make of many clips: a model of clips a day against nodes, and what a task costs beside the same clip
//! in a batch on one computer. The tables in docs/scale.md are this program's. Linux only, as what it measures with.
//!
//! `cargo bench --bench cluster` prints the model; every figure in it can be given anew. `cargo bench --bench cluster --
//! --measure samples/clips --practice samples/practice.toml --model models/starter.bin` measures. No Slurm is needed for that:
//! `sbatch` is a script that takes every job, and the tasks are done here one after the other.
#![allow(clippy::print_stdout)]

mod common;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use common::{Cost, measure, median};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const HOUSECALL: &str = env!("CARGO_BIN_EXE_housecall");
const DAY: f64 = 86_400.0;

/// Slurm's commands, as far as submitting needs them.
const FAKES: [(&str, &str); 3] = [
    ("sbatch", "n=$(($(cat \"$FAKE/n\" 2>/dev/null || echo 0) + 1)); echo $n > \"$FAKE/n\"; echo $n"),
    ("squeue", "exit 0"),
    ("scontrol", "echo 'MaxArraySize = 100001'"),
];

/// Clips a day against nodes, and what a task costs beside a batch
#[derive(Debug, Parser)]
struct Arguments {
    /// How long a clip is, in seconds
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Processor time for all cuts of a second of clip, in seconds (docs/encoding.md, clip A: 36.5 for 12)
    #[arg(long, default_value_t = 3.04)]
    make: f64,
    /// Processor time to listen to a second of clip, in seconds (docs/encoding.md, base.en's shape)
    #[arg(long, default_value_t = 0.31)]
    listen: f64,
    /// Longest chain of work for a second of clip that nothing can be done beside, in seconds: its slowest encode on one core
    #[arg(long, default_value_t = 1.42)]
    chain: f64,
    /// What a task adds, in seconds of processor time: see --measure
    #[arg(long, default_value_t = 0.0)]
    task: f64,
    /// What gathering costs for a clip, in seconds: see --measure
    #[arg(long, default_value_t = 0.0)]
    gather: f64,
    /// Size of a clip, in MB for a second
    #[arg(long, default_value_t = 2.1)]
    clip: f64,
    /// What is delivered of a clip, in MB for a second: its unique renders
    #[arg(long, default_value_t = 2.8)]
    delivered: f64,
    /// What the shared folder carries, in MB a second, read and written together
    #[arg(long, default_value_t = 110.0)]
    share: f64,
    /// Cores of a node
    #[arg(long, default_value_t = 8.0)]
    cores: f64,
    /// Clips of the day
    #[arg(long, default_value_t = 10_000.0)]
    clips: f64,
    /// Length of the longest of them, in seconds
    #[arg(long, default_value_t = 600.0)]
    longest: f64,
    /// Measure instead, with the clips in this folder
    #[arg(long)]
    measure: Option<PathBuf>,
    /// Their practice
    #[arg(long)]
    practice: Option<PathBuf>,
    /// The speech model that listens to them
    #[arg(long)]
    model: Option<PathBuf>,
    /// Platforms that they are made for, by id
    #[arg(long)]
    platforms: Option<String>,
    /// How often each is done, in turns; the medians are printed
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match &arguments.measure {
        Some(inbox) => measured(&arguments, inbox),
        None => {
            modelled(&arguments);
            Ok(())
        }
    }
}

/// What binds a day's work, and how much of it there is.
struct Day {
    nodes: f64,
    /// Clips a day that the cores make.
    by_cores: f64,
    /// Clips a day that the shared folder carries.
    by_share: f64,
    /// Clips a day that the last job puts into place.
    by_gather: f64,
    /// Until all clips of the day are made, in seconds.
    until_done: f64,
    /// Until the longest is, if it is begun first, in seconds.
    longest: f64,
}

impl Day {
    fn of(nodes: f64, a: &Arguments) -> Self {
        let cpu = a.seconds * (a.make + a.listen) + a.task;
        let by_cores = nodes * a.cores * DAY / cpu;
        let by_share = DAY * a.share / moved(a);
        let by_gather = if a.gather > 0.0 { DAY / a.gather } else { f64::INFINITY };
        let a_day = by_cores.min(by_share).min(by_gather);
        let longest = a.longest * (a.listen + a.chain) + a.task;
        Day { nodes, by_cores, by_share, by_gather, until_done: (a.clips / a_day * DAY).max(longest), longest }
    }

    fn a_day(&self) -> f64 {
        self.by_cores.min(self.by_share).min(self.by_gather)
    }

    fn bound(&self) -> &'static str {
        match () {
            () if self.until_done <= self.longest => "the longest clip",
            () if self.a_day() >= self.by_cores => "cores",
            () if self.a_day() >= self.by_share => "the shared folder",
            () => "gathering",
        }
    }
}

/// What goes over the shared folder for a clip, in MB: it is read when it is submitted and by its task; what is made of it is
/// delivered, and read when it is put into place.
fn moved(a: &Arguments) -> f64 {
    a.seconds * 2.0 * (a.clip + a.delivered)
}

fn modelled(a: &Arguments) {
    let cpu = a.seconds * (a.make + a.listen) + a.task;
    println!(
        "A clip of {:.0} s: {cpu:.0} core seconds, {:.0} MB over the shared folder; {:.0} clips: {:.0} core hours.\n",
        a.seconds,
        moved(a),
        a.clips,
        a.clips * cpu / 3600.0
    );
    println!("| nodes | clips a day | {:.0} clips in h | bound by |", a.clips);
    println!("|------:|------------:|----------------:|----------|");
    for power in 0..=9 {
        let day = Day::of(f64::from(1 << power), a);
        let hours = day.until_done / 3600.0;
        println!("| {:>5.0} | {:>11.0} | {hours:>15.1} | {} |", day.nodes, day.a_day(), day.bound());
    }
}

/// What is measured in one round.
struct Round {
    batch: Cost,
    submit: Cost,
    tasks: Vec<Cost>,
    gather: Cost,
    /// Bytes that the tasks delivered.
    delivered: u64,
}

fn measured(a: &Arguments, inbox: &Path) -> Result<()> {
    let mut rounds = Vec::new();
    for number in 1..=a.rounds {
        let round = round(a, inbox)?;
        let tasks = total(&round.tasks);
        println!(
            "round {number}: batch {:.1} CPU s ({:.1} s); submit {:.2}, {} tasks {:.1} ({:.1} s), gather {:.2}",
            round.batch.cpu,
            round.batch.wall,
            round.submit.cpu,
            round.tasks.len(),
            tasks.cpu,
            tasks.wall,
            round.gather.cpu
        );
        rounds.push(round);
    }
    let of = |what: &dyn Fn(&Round) -> f64| median(&rounds.iter().map(what).collect::<Vec<f64>>());
    let count = of(&|round| round.tasks.len() as f64);
    let batch = of(&|round| round.batch.cpu);
    let (submit, tasks) = (of(&|round| round.submit.cpu), of(&|round| total(&round.tasks).cpu));
    let gather = of(&|round| round.gather.cpu);
    println!("\n| CPU seconds a clip | batch | submit | task | gather | task beside batch | all beside batch |");
    println!("|--------------------|------:|-------:|-----:|-------:|------------------:|-----------------:|");
    println!(
        "| {count:.0} clips | {:.2} | {:.2} | {:.2} | {:.2} | {:+.1} % | {:+.1} % |",
        batch / count,
        submit / count,
        tasks / count,
        gather / count,
        (tasks / batch - 1.0) * 100.0,
        ((submit + tasks + gather) / batch - 1.0) * 100.0
    );
    let delivered = of(&|round| round.delivered as f64) / 1e6;
    println!("\nPeak of a task: {:.0} MiB. Delivered: {delivered:.1} MB.", of(&|round| total(&round.tasks).peak_mib));
    Ok(())
}

fn total(costs: &[Cost]) -> Cost {
    costs.iter().fold(Cost::default(), |sum, cost| sum.then(*cost))
}

/// The same clips in one batch, and as tasks; both in empty folders.
fn round(a: &Arguments, inbox: &Path) -> Result<Round> {
    let room = tempfile::tempdir()?;
    let (alone, shared, fake) = (room.path().join("alone"), room.path().join("shared"), room.path().join("fake"));
    fs::create_dir(&fake)?;
    for (name, script) in FAKES {
        let file = fake.join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n"))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    let path = format!("{}:{}", fake.display(), std::env::var("PATH").context("no PATH")?);
    let housecall = |verb: &[&str]| {
        let mut command = Command::new(HOUSECALL);
        command.args(verb).env("PATH", &path).env("FAKE", &fake).env("TMPDIR", room.path());
        command.stderr(std::process::Stdio::null());
        command
    };
    let with_batch = |verb: &[&str], out: &Path| {
        let mut command = housecall(verb);
        command.arg(inbox).arg("--out").arg(out).args(["--offline", "--json"]);
        let paths = [("--practice", &a.practice), ("--model", &a.model)];
        for (name, value) in paths.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            command.arg(name).arg(value);
        }
        if let Some(platforms) = &a.platforms {
            command.arg("--platforms").arg(platforms);
        }
        command
    };
    // Clips may wait for a person; both ways they do.
    let done = [0, 3];
    let batch = measure(&mut with_batch(&["run"], &alone), &done)?;
    // What is measured is not kept; a shell keeps it.
    let (said, command) = (room.path().join("submitted"), with_batch(&["submit", "slurm"], &shared));
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$@\" > \"$SAID\"", "sh"]).arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("SAID", &said);
    let submit = measure(&mut shell, &[0])?;
    let events = fs::read_to_string(&said)?;
    let mut events = events.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let jobs = events.find(|event| event["event"] == "submitted");
    let jobs = jobs.context("nothing was submitted")?;
    let folder = jobs["jobs"].as_str().context("no folder of jobs")?.to_string();
    let count = jobs["tasks"].as_u64().context("no number of tasks")?;
    let task = |number: u64| measure(&mut housecall(&["task", &folder, &number.to_string()]), &[0]);
    let tasks = (0..count).map(task).collect::<Result<Vec<Cost>>>()?;
    let delivered = files(&shared.join(".housecall/delivered"))?.values().sum();
    let gather = measure(housecall(&["gather"]).arg(&shared).arg("--json"), &done)?;
    let (one, other) = (cuts(&alone)?, cuts(&shared)?);
    ensure!(!one.is_empty() && one == other, "the cuts are not the same: {} and {}", one.len(), other.len());
    Ok(Round { batch, submit, tasks, gather, delivered })
}

/// Sizes of all files below a folder, by their places.
fn files(folder: &Path) -> Result<BTreeMap<PathBuf, u64>> {
    let (mut all, mut folders) = (BTreeMap::new(), vec![folder.to_path_buf()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| next.display().to_string())? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => folders.push(entry.path()),
                false => drop(all.insert(entry.path().strip_prefix(folder)?.to_path_buf(), entry.metadata()?.len())),
            }
        }
    }
    Ok(all)
}

/// The cuts of an output folder, by their places, with the BLAKE3 of each.
fn cuts(out: &Path) -> Result<BTreeMap<PathBuf, blake3::Hash>> {
    let is_cut = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "mp4");
    let all = files(out)?.into_keys().filter(|file| is_cut(file) && !file.starts_with(".housecall"));
    all.map(|file| Ok((file.clone(), blake3::hash(&fs::read(out.join(&file))?)))).collect()
}
