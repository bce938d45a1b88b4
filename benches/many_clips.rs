//! What a done day costs to look at when it is a large one: `plan`, `run` with nothing to do and `status`, for as many
//! clips as are asked for. Linux only, since memory and processor time are read from `/proc`.
//!
//! The day is a real one, multiplied. Each of its clips stands for many that hold other bytes: what was read in it is
//! written down for each of them, its files get each one's names, and a run of the program itself writes all that it
//! writes for clips that are in place. So only the pictures of the clips and of the cuts are not their own.
//!
//! `housecall run INBOX --out OUT`, then `cargo bench --bench many_clips -- INBOX OUT --clips 100,1000,10000`
#![allow(clippy::print_stdout)]

use anyhow::{Context, Result, ensure};
use clap::Parser;
use housecall::cuts::{self, ClipPlan};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const HOUSECALL: &str = env!("CARGO_BIN_EXE_housecall");
/// `/proc` counts processor time in these, whatever the kernel's own clock.
const TICKS_A_SECOND: f64 = 100.0;
/// What is known of a clip before it is planned.
const READ: [&str; 5] = ["probe", "faces", "loudness", "speech", "transcript"];

/// Measures what a large day costs when it is done
#[derive(Debug, Parser)]
struct Arguments {
    /// A folder of clips
    inbox: PathBuf,
    /// Where `housecall run` made their cuts; all of them in place, and none held
    out: PathBuf,
    /// How many clips
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000")]
    clips: Vec<usize>,
    /// Into how many practices they are divided; each has folders of its own, and they are gone through in turn
    #[arg(long, default_value_t = 1)]
    practices: usize,
    /// The platforms that INBOX was made for, where they were named
    #[arg(long)]
    platforms: Option<String>,
    /// The program that is measured
    #[arg(long, default_value = HOUSECALL)]
    program: PathBuf,
    /// Where the day is built; kept, and used again where it is there
    #[arg(long)]
    folder: PathBuf,
    /// How often each is measured; the median is printed
    #[arg(long, default_value_t = 3)]
    times: usize,
    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,
}

/// A clip of the day that is multiplied.
struct Seed {
    name: String,
    digest: String,
    /// What is known of it: kind, the rest of its key, what is kept.
    read: Vec<(&'static str, String, String)>,
    /// What was measured of its cut, by the platform.
    measured: HashMap<String, String>,
}

/// What a command took.
#[derive(Debug, Clone, Copy)]
struct Cost {
    seconds: f64,
    processor: f64,
    peak_kib: u64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let seeds = seeds(&arguments)?;
    for clips in &arguments.clips {
        let root = arguments.folder.join(format!("{clips}-in-{}", arguments.practices));
        let each = clips / arguments.practices;
        for practice in 0..arguments.practices {
            let folder = root.join(format!("{practice:04}"));
            if !folder.join("made").exists() {
                make(&arguments, &seeds, &folder, each)
                    .with_context(|| format!("{} could not be built", folder.display()))?;
                fs::write(folder.join("made"), "")?;
            }
        }
        for verb in ["plan", "run", "status"] {
            let mut costs = Vec::new();
            for _ in 0..arguments.times {
                let mut all = Cost { seconds: 0.0, processor: 0.0, peak_kib: 0 };
                for practice in 0..arguments.practices {
                    let cost = measured(&mut command(&arguments, verb, &root.join(format!("{practice:04}"))))?;
                    all.seconds += cost.seconds;
                    all.processor += cost.processor;
                    all.peak_kib = all.peak_kib.max(cost.peak_kib);
                }
                costs.push(all);
            }
            costs.sort_by(|a, b| a.processor.total_cmp(&b.processor));
            let Cost { seconds, processor, peak_kib } = costs[costs.len() / 2];
            println!(
                "{clips:>6} clips in {} practices: {verb:<6} {seconds:>8.2} s, {processor:>8.2} CPU-s, peak {:>7.1} MiB",
                arguments.practices,
                peak_kib as f64 / 1024.0
            );
        }
    }
    Ok(())
}

fn command(arguments: &Arguments, verb: &str, folder: &Path) -> Command {
    let mut command = Command::new(&arguments.program);
    command.current_dir(folder).arg(verb).args(["--out", "out"]);
    if verb != "status" {
        command.arg("in");
        command.args(arguments.platforms.iter().flat_map(|platforms| ["--platforms", platforms]));
    }
    command
}

/// Runs a command to its end and reads what it took of its memory and time, that of its workers with it.
fn measured(command: &mut Command) -> Result<Cost> {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut told = child.stderr.take().context("no pipe")?;
    let reader = thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut told, &mut text).map(|_| text)
    });
    let about = PathBuf::from(format!("/proc/{}", child.id()));
    let mut peak_kib = 0;
    let ticks = loop {
        let status = fs::read_to_string(about.join("status"))?;
        let high = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let high = high.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or_default();
        peak_kib = peak_kib.max(high);
        if status.lines().any(|line| line.starts_with("State:") && line.contains('Z')) {
            // It still can be asked for what it took, and its workers' time has been added to its own.
            let stat = fs::read_to_string(about.join("stat"))?;
            let (_, fields) = stat.rsplit_once(')').context("stat")?;
            break fields.split_whitespace().skip(11).take(4).filter_map(|n| n.parse::<f64>().ok()).sum::<f64>();
        }
        thread::sleep(Duration::from_millis(5));
    };
    let seconds = began.elapsed().as_secs_f64();
    let code = child.wait()?.code();
    let told = reader.join().map_err(|_| anyhow::anyhow!("no reader"))??;
    ensure!(code == Some(0), "ended with {code:?}: {}", told.lines().take(5).collect::<Vec<_>>().join("\n"));
    Ok(Cost { seconds, processor: ticks / TICKS_A_SECOND, peak_kib })
}

/// The clips of the day that is multiplied.
fn seeds(arguments: &Arguments) -> Result<Vec<Seed>> {
    let state = arguments.out.join(".housecall");
    let digests = fs::read_to_string(state.join("digests.json"))?;
    let digests: Value = serde_json::from_str(digests.split_once('\n').context("digests.json")?.1)?;
    let mut read: HashMap<String, Vec<(&'static str, String, String)>> = HashMap::new();
    for kind in READ {
        for entry in fs::read_dir(state.join("cache").join(kind))? {
            let (key, body) = entry_of(&entry?.path())?;
            let (digest, rest) = key.split_at(64.min(key.len()));
            read.entry(digest.to_string()).or_default().push((kind, rest.to_string(), body));
        }
    }
    let mut measured: HashMap<String, HashMap<String, String>> = HashMap::new();
    for line in fs::read_to_string(state.join("journal.ndjson"))?.lines() {
        let told: Value = serde_json::from_str(line.split_once(' ').context("journal")?.1)?;
        let (Some(file), Some(key)) = (told["file"].as_str().map(Path::new), told["key"].as_str()) else { continue };
        let kept = state.join("cache/measured").join(format!("{}.json", blake3::hash(key.as_bytes()).to_hex()));
        if let (Some(name), Some(platform), true) = (file.file_stem(), file.parent(), kept.exists()) {
            let platforms = measured.entry(name.to_string_lossy().into_owned()).or_default();
            platforms.insert(platform.to_string_lossy().into_owned(), entry_of(&kept)?.1);
        }
    }
    let known = digests.as_object().context("digests.json")?;
    let mut seeds = Vec::new();
    for (path, entry) in known {
        let digest = entry["digest"].as_str().context("digests.json")?.to_string();
        let name = Path::new(path).file_stem().context("a clip without a name")?.to_string_lossy().into_owned();
        let (read, measured) = (read.remove(&digest), measured.remove(&name));
        if let (Some(read), Some(measured)) = (read, measured) {
            seeds.push(Seed { name, digest, read, measured });
        }
    }
    ensure!(!seeds.is_empty(), "no clip of {} is in place", arguments.out.display());
    Ok(seeds)
}

/// Key and content of an entry of the cache.
fn entry_of(file: &Path) -> Result<(String, String)> {
    let text = fs::read_to_string(file)?;
    let mut lines = text.splitn(3, '\n').skip(1);
    let key = serde_json::from_str(lines.next().context("no key")?)?;
    Ok((key, lines.next().context("no content")?.to_string()))
}

/// Writes an entry of the cache as the program does, without flushing it.
fn put(state: &Path, kind: &str, key: &str, body: &str) -> Result<()> {
    let rest = format!("{}\n{body}", Value::from(key));
    let folder = state.join("cache").join(kind);
    fs::create_dir_all(&folder)?;
    let name = format!("{}.json", blake3::hash(key.as_bytes()).to_hex());
    Ok(fs::write(folder.join(name), format!("{}\n{rest}", blake3::hash(rest.as_bytes()).to_hex()))?)
}

/// Builds a done day of so many clips.
fn make(arguments: &Arguments, seeds: &[Seed], folder: &Path, clips: usize) -> Result<()> {
    drop(fs::remove_dir_all(folder));
    let (inbox, out) = (folder.join("in"), folder.join("out"));
    let state = out.join(".housecall");
    fs::create_dir_all(&inbox)?;
    fs::create_dir_all(&state)?;
    for name in ["practice.toml", "logo.png"] {
        if arguments.inbox.join(name).exists() {
            fs::copy(arguments.inbox.join(name), inbox.join(name))?;
        }
    }
    let whole = folder.join("whole.mp4");
    let source = ["-f", "lavfi", "-i", "color=size=64x64:duration=0.2", "-c:v", "libx264"];
    let made = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(source).arg(&whole).status()?;
    ensure!(made.success(), "ffmpeg made no clip");
    let whole = fs::read(whole)?;
    let old = SystemTime::now() - Duration::from_secs(86_400);
    let mut of_name = HashMap::new();
    for number in 0..clips {
        let seed = &seeds[number % seeds.len()];
        let name = format!("{}-{number:05}", seed.name);
        // A box that every reader passes over makes the bytes its own.
        let bytes = [&whole[..], &[0, 0, 0, 16], b"free", &(number as u64).to_be_bytes()].concat();
        let mut file = File::create(inbox.join(format!("{name}.mp4")))?;
        file.write_all(&bytes)?;
        file.set_modified(old)?;
        let digest = blake3::hash(&bytes).to_hex().to_string();
        for (kind, rest, body) in &seed.read {
            put(&state, kind, &format!("{digest}{rest}"), &body.replace(&seed.digest, &digest))?;
        }
        of_name.insert(name, seed);
    }
    let planned = command(arguments, "plan", folder).arg("--json").stderr(Stdio::inherit()).output()?;
    ensure!(planned.status.success(), "the clips could not be planned");
    let mut journal = File::create(state.join("journal.ndjson"))?;
    for line in String::from_utf8(planned.stdout)?.lines() {
        let plan: ClipPlan = serde_json::from_str(line)?;
        let seed = of_name.get(&plan.name).context("a clip that nobody made")?;
        for render in cuts::renders(&plan) {
            for cut in &render.cuts {
                if let Some(body) = seed.measured.get(&cut.platform) {
                    put(&state, "measured", &render.key.0, body)?;
                    let own = Path::new(&cut.platform).join(format!("{}.mp4", seed.name));
                    publish(arguments, &out, &own, &cut.file, &render.key.0, &mut journal)?;
                }
            }
        }
        if let Some(cover) = &plan.cover {
            let covers = |name: &str| Path::new("covers").join(format!("{name}.jpg"));
            publish(arguments, &out, &covers(&seed.name), &covers(&plan.name), &cover.key().0, &mut journal)?;
        }
    }
    drop(journal);
    let done = command(arguments, "run", folder).stdout(Stdio::null()).status()?;
    ensure!(done.success(), "the day is not done: {done}");
    Ok(())
}

/// Gives a file of the day its name in the larger one, and writes that down as the program does. The bytes are there once,
/// however many names they have: the cuts of ten thousand clips fill a disk.
fn publish(arguments: &Arguments, out: &Path, from: &Path, to: &Path, key: &str, journal: &mut File) -> Result<()> {
    let (once, target) = (out.with_file_name("cuts").join(from), out.join(to));
    for file in [&once, &target] {
        fs::create_dir_all(file.parent().context("a cut without a folder")?)?;
    }
    if !once.exists() {
        fs::copy(arguments.out.join(from), &once)?;
    }
    fs::hard_link(&once, &target).with_context(|| format!("{} got no second name", once.display()))?;
    let about = fs::metadata(&target)?;
    let modified = about.modified()?.duration_since(UNIX_EPOCH)?.as_nanos() as u64;
    let line = json!({
        "at": "2026-01-01T00:00:00Z", "event": "published", "file": to, "key": key,
        "stamp": { "bytes": about.len(), "modified": modified },
    });
    let body = line.to_string();
    Ok(writeln!(journal, "{} {body}", &blake3::hash(body.as_bytes()).to_hex()[..16])?)
}
