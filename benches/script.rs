//! Housecall beside what people write without it: a script with one `ffmpeg` command for each platform, with the same
//! filters and encoder settings. Both start from a transcript that is there already.
//!
//! Each contender runs as a process of its own, alone. Who goes first changes from round to round, so that neither always
//! finds the clip in the system's memory. Processor time is that of the process and of the processes it waited for; peak
//! memory is the largest of any one process. Linux only, since both are read from `/proc`.
#![allow(clippy::print_stdout)]

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use housecall::cuts::{self, ClipPlan, CutPlan, Placement};
use housecall::fault::Cancel;
use housecall::media::{self, Colour, Probe, Transfer, probe::probe};
use housecall::units::{Size, Time};
use serde::Serialize;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

const HOUSECALL: &str = env!("CARGO_BIN_EXE_housecall");
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
/// `/proc` counts processor time in these, whatever the kernel's own clock.
const TICKS_A_SECOND: f64 = 100.0;
/// How often a running process is asked for its memory.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Housecall beside a script of one ffmpeg command for each platform
#[derive(Debug, Parser)]
#[command(name = "script")]
struct Options {
    /// Sample clips, separated by commas; or `all`
    #[arg(long, value_delimiter = ',', default_value = "fever-in-children.mp4")]
    clips: Vec<String>,
    /// How often each contender makes all cuts
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Platforms, separated by commas [default: all that the practice posts to]
    #[arg(long, value_delimiter = ',')]
    platforms: Vec<String>,
    /// Print one line of JSON instead of the table
    #[arg(long)]
    json: bool,
    /// What cargo hands to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// What it took to make every cut once.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    wall: f64,
    cpu: f64,
    peak_mib: f64,
}

/// One contender's result over all rounds.
#[derive(Debug, Serialize)]
struct Figures {
    /// Median, seconds.
    wall_s: f64,
    /// Median of user and system time, seconds.
    cpu_s: f64,
    /// Largest resident memory of one process in any round, MiB.
    peak_mib: f64,
    /// All cuts together, MB; a file with several names counts once for each.
    megabytes: f64,
    /// Wall time of each round, seconds.
    walls_s: Vec<f64>,
    /// Processor time of each round, seconds.
    cpus_s: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct Comparison {
    cores: usize,
    clips: Vec<String>,
    clip_seconds: f64,
    cuts: usize,
    /// Encodes that Housecall makes for these cuts.
    renders: usize,
    rounds: u32,
    housecall: Figures,
    script: Figures,
    /// The script's median by Housecall's.
    wall_ratio: f64,
    cpu_ratio: f64,
}

/// A clip and everything that both contenders need to know of it.
struct Task {
    clip: PathBuf,
    probe: Probe,
    plan: ClipPlan,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let folder = tempfile::tempdir()?;
    let inbox = fill_inbox(folder.path(), &options.clips)?;
    let prepared = folder.path().join("prepared");
    let tasks = plan(&inbox, &prepared, &options.platforms)?;

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut megabytes = (0.0, 0.0);
    for round in 0..options.rounds {
        let (out, scripted) = (folder.path().join("housecall"), folder.path().join("script"));
        let mut housecall = || -> Result<()> {
            ours.push(run_housecall(&inbox, &prepared, &out, &options.platforms)?);
            Ok(())
        };
        let mut script = || -> Result<()> {
            theirs.push(run_script(&tasks, &scripted)?);
            Ok(())
        };
        if round % 2 == 0 {
            housecall()?;
            script()?;
        } else {
            script()?;
            housecall()?;
        }
        megabytes = (check(&tasks, &out)?, check(&tasks, &scripted)?);
        fs::remove_dir_all(&out)?;
        fs::remove_dir_all(&scripted)?;
    }

    let (housecall, script) = (figures(&ours, megabytes.0), figures(&theirs, megabytes.1));
    let comparison = Comparison {
        cores: thread::available_parallelism()?.get(),
        clips: tasks.iter().map(|task| task.plan.name.clone()).collect(),
        clip_seconds: tasks.iter().map(|task| task.probe.duration.seconds()).sum(),
        cuts: tasks.iter().map(|task| task.plan.cuts.len()).sum(),
        renders: tasks.iter().map(|task| cuts::renders(&task.plan).len()).sum(),
        rounds: options.rounds,
        wall_ratio: script.wall_s / housecall.wall_s,
        cpu_ratio: script.cpu_s / housecall.cpu_s,
        housecall,
        script,
    };
    if options.json {
        println!("{}", serde_json::to_string(&comparison)?);
    } else {
        print_table(&comparison);
    }
    Ok(())
}

/// A folder with the sample clips, old enough that Housecall does not wait for them to settle.
fn fill_inbox(folder: &Path, clips: &[String]) -> Result<PathBuf> {
    let inbox = folder.join("inbox");
    fs::create_dir(&inbox)?;
    let old = SystemTime::now() - Duration::from_secs(3600);
    let all = clips.iter().any(|clip| clip == "all");
    for entry in fs::read_dir(Path::new(SAMPLES).join("clips"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let telling = name.ends_with(".csv") || name.ends_with(".txt");
        if all || telling || clips.contains(&name) {
            fs::copy(entry.path(), inbox.join(&name))?;
            File::options().write(true).open(inbox.join(&name))?.set_modified(old)?;
        }
    }
    for clip in clips.iter().filter(|clip| *clip != "all") {
        ensure!(inbox.join(clip).exists(), "{clip} is none of the sample clips");
    }
    Ok(inbox)
}

fn housecall(verb: &str, inbox: &Path, out: &Path, platforms: &[String]) -> Command {
    let mut command = Command::new(HOUSECALL);
    command.arg(verb).arg(inbox).arg("--out").arg(out).arg("--offline").arg("--json");
    command.arg("--practice").arg(Path::new(SAMPLES).join("practice.toml"));
    if !platforms.is_empty() {
        command.arg("--platforms").arg(platforms.join(","));
    }
    command
}

/// Lets Housecall read and transcribe the clips, outside the clock; what it would make of each.
fn plan(inbox: &Path, prepared: &Path, platforms: &[String]) -> Result<Vec<Task>> {
    let printed = housecall("plan", inbox, prepared, platforms).stderr(Stdio::inherit()).output()?;
    ensure!(printed.status.success(), "the clips could not be planned");
    media::start();
    let mut tasks = Vec::new();
    for line in String::from_utf8(printed.stdout)?.lines() {
        let plan: ClipPlan = serde_json::from_str(line)?;
        let clip = fs::read_dir(inbox)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .find(|path| {
                let telling = path.extension().is_some_and(|e| e == "txt" || e == "csv");
                !telling && path.file_stem().is_some_and(|stem| stem.to_string_lossy() == plan.name)
            })
            .with_context(|| format!("no clip is called {}", plan.name))?;
        let probe = probe(&clip, &Cancel::new()).map_err(|fault| anyhow::anyhow!("{fault}"))?;
        tasks.push(Task { clip, probe, plan });
    }
    ensure!(!tasks.is_empty(), "nothing was planned");
    Ok(tasks)
}

fn run_housecall(inbox: &Path, prepared: &Path, out: &Path, platforms: &[String]) -> Result<Cost> {
    copy_folder(prepared, out)?;
    let mut command = housecall("run", inbox, out, platforms);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    measure(&mut command)
}

fn run_script(tasks: &[Task], out: &Path) -> Result<Cost> {
    let mut total = Cost::default();
    for task in tasks {
        for cut in &task.plan.cuts {
            let file = out.join(&cut.file);
            fs::create_dir_all(file.parent().context("a cut lies in its platform's folder")?)?;
            let script = file.with_extension("ass");
            if let Some(text) = &cut.recipe.script {
                fs::write(&script, text)?;
            }
            let cost = measure(&mut ffmpeg(task, cut, &script, &file))?;
            total.wall += cost.wall;
            total.cpu += cost.cpu;
            total.peak_mib = total.peak_mib.max(cost.peak_mib);
        }
    }
    Ok(total)
}

/// The filters that people use to bring a picture to BT.709; HDR with the curve that Housecall has.
fn to_bt709(colour: &Colour, size: Size) -> Vec<String> {
    let curve = match colour.transfer {
        Transfer::Sdr => return colour.filters(size.width, size.height).into(),
        Transfer::Hlg => "arib-std-b67",
        Transfer::Pq => "smpte2084",
    };
    let range = if colour.full_range { "full" } else { "limited" };
    let input = format!("min={}:pin={}:tin={curve}:rin={range}", colour.matrix, colour.primaries);
    vec![
        format!("zscale=w={}:h={}:f=bicubic:{input}:d=none", size.width, size.height),
        "zscale=t=linear:npl=203".into(),
        "format=gbrpf32le".into(),
        "zscale=p=709".into(),
        "tonemap=mobius:peak=4.93:desat=0".into(),
        "zscale=m=709:t=709:r=limited:d=none".into(),
        "format=yuv420p".into(),
    ]
}

/// The command that a person would write for this cut. ffmpeg turns the picture upright by itself; HDR is tone-mapped at
/// the clip's full size. How many threads are used is left to ffmpeg, which takes all cores.
fn ffmpeg(task: &Task, cut: &CutPlan, script: &Path, file: &Path) -> Command {
    let recipe = &cut.recipe;
    let track = &task.probe.video;
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-y", "-loglevel", "error"]);
    command.args(["-ss", &recipe.kept.start().seconds().to_string()]);
    command.args(["-t", &recipe.kept.duration().seconds().to_string()]);
    command.arg("-i").arg(&task.clip);
    for mark in &recipe.marks {
        command.arg("-i").arg(&mark.file);
    }

    let mut picture = vec![format!("fps={}/{}", recipe.rate.num, recipe.rate.den)];
    if !track.colour.is_plain() {
        picture.extend(to_bt709(&track.colour, track.displayed));
    }
    picture.push(placed(cut));
    picture.push("setsar=1".into());
    if recipe.hold.0 > 0 {
        picture.push(format!("tpad=stop_mode=clone:stop_duration={}", recipe.hold.seconds()));
    }
    if recipe.script.is_some() {
        picture.push(format!("ass=filename={}", script.display()));
    }
    let mut graph = format!("[0:v:0]{}[p0]", picture.join(","));
    for (i, mark) in recipe.marks.iter().enumerate() {
        let (place, next) = (mark.place, i + 1);
        graph.push_str(&format!(
            ";[{next}:v]scale={}:{},format=rgba,colorchannelmixer=aa={}[m{i}];\
             [p{i}][m{i}]overlay=x={}:y={}:enable='gte(t,{})*lt(t,{})'[p{next}]",
            place.width,
            place.height,
            mark.opacity,
            place.x,
            place.y,
            mark.span.start.seconds(),
            mark.span.end.seconds()
        ));
    }
    let last = recipe.marks.len();
    graph.push_str(&format!(";[p{last}]format=yuv420p[picture]"));
    if let Some(sound) = &recipe.sound {
        let limit = 10f64.powf((sound.ceiling - 0.5) / 20.0);
        graph.push_str(&format!(
            ";[0:a:0]aresample=48000,volume={}dB,alimiter=limit={limit}:level=disabled,apad=whole_dur={}[sound]",
            sound.gain,
            recipe.duration().seconds()
        ));
    }
    command.args(["-filter_complex", &graph, "-map", "[picture]"]);

    let codec = &recipe.codec;
    command.args(["-c:v", &codec.encoder, "-preset", &codec.preset, "-profile:v", "high"]);
    match codec.target_rate {
        Some(mean) => command.args(["-b:v", &format!("{mean}k")]),
        None => command.args(["-crf", &codec.crf.to_string()]),
    };
    command.args(["-maxrate", &format!("{}k", codec.max_rate)]);
    command.args(["-bufsize", &format!("{}k", codec.max_rate * cuts::BUFFER_SECONDS)]);
    command.args(["-g", &codec.gop.to_string(), "-bf", "2", "-flags", "+cgop"]);
    command.args(["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]);
    command.args(["-frames:v", &recipe.frames().to_string()]);
    if let Some(sound) = &recipe.sound {
        command.args(["-map", "[sound]", "-c:a", "aac", "-ac", "2", "-b:a", &format!("{}k", sound.bit_rate)]);
    }
    command.args(["-map_metadata", "-1", "-movflags", "+faststart"]).arg(file);
    command
}

/// The filters that put the picture on the canvas: the recipe's own crop, or the whole over a blurred copy.
fn placed(cut: &CutPlan) -> String {
    let canvas = cut.recipe.canvas;
    match &cut.recipe.placement {
        other @ (Placement::Fill { .. } | Placement::Follow { .. }) => {
            // A plain script follows nobody: it keeps the place where the window starts.
            let crop = other.crop_at(Time::ZERO).unwrap_or(canvas.rect());
            format!(
                "crop={}:{}:{}:{}:exact=1,scale={}:{}:flags=lanczos",
                crop.width, crop.height, crop.x, crop.y, canvas.width, canvas.height
            )
        }
        Placement::Fit { picture } => {
            let (w, h) = ((canvas.width / 8).next_multiple_of(2), (canvas.height / 8).next_multiple_of(2));
            format!(
                "split[back][front];\
                 [back]scale={w}:{h}:force_original_aspect_ratio=increase:flags=area,crop={w}:{h},\
                 gblur=sigma=6,lutyuv=y='16+(val-16)*0.55',scale={}:{}:flags=bicubic,setsar=1[blurred];\
                 [front]scale={}:{}:flags=lanczos,setsar=1[sharp];[blurred][sharp]overlay=x={}:y={}",
                canvas.width, canvas.height, picture.width, picture.height, picture.x, picture.y
            )
        }
    }
}

/// Runs a command to its end.
fn measure(command: &mut Command) -> Result<Cost> {
    let before = children_cpu()?;
    let began = Instant::now();
    let mut child = command.spawn().with_context(|| format!("{:?} could not be started", command.get_program()))?;
    let mut peak_mib = 0f64;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak_mib = peak_mib.max(peak_memory(child.id()).unwrap_or_default());
        thread::sleep(LOOK_EVERY);
    };
    let wall = began.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{status} from {command:?}");
    }
    Ok(Cost { wall, cpu: children_cpu()? - before, peak_mib })
}

/// User and system time of all child processes that have ended, in seconds.
fn children_cpu() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The program's name stands in brackets and may hold anything; the fields after it are numbers (proc(5)).
    let (_, numbers) = stat.rsplit_once(')').context("/proc/self/stat is of another kind")?;
    let numbers: Vec<&str> = numbers.split_whitespace().collect();
    let ticks = |at: usize| numbers.get(at).and_then(|n| n.parse::<f64>().ok()).context("/proc/self/stat is short");
    Ok((ticks(13)? + ticks(14)?) / TICKS_A_SECOND)
}

/// The most memory that a running process ever held, in MiB.
fn peak_memory(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

/// Makes sure that a contender made every planned cut with all its frames; the size of all, in MB.
fn check(tasks: &[Task], out: &Path) -> Result<f64> {
    let mut bytes = 0;
    for cut in tasks.iter().flat_map(|task| &task.plan.cuts) {
        let file = out.join(&cut.file);
        let counted = Command::new("ffprobe")
            .args(["-v", "error", "-select_streams", "v:0", "-count_packets"])
            .args(["-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"])
            .arg(&file)
            .output()?;
        let frames: i64 = String::from_utf8_lossy(&counted.stdout).trim().trim_end_matches(',').parse()?;
        let planned = cut.recipe.frames();
        // ffmpeg's own rounding of times to frames may end a script's cut one frame early.
        ensure!((frames - planned).abs() <= 1, "{} has {frames} frames where {planned} were planned", file.display());
        bytes += fs::metadata(&file)?.len();
    }
    Ok(bytes as f64 / 1e6)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn figures(costs: &[Cost], megabytes: f64) -> Figures {
    let walls: Vec<f64> = costs.iter().map(|cost| cost.wall).collect();
    let cpus: Vec<f64> = costs.iter().map(|cost| cost.cpu).collect();
    Figures {
        wall_s: median(&walls),
        cpu_s: median(&cpus),
        peak_mib: costs.iter().map(|cost| cost.peak_mib).fold(0.0, f64::max),
        megabytes,
        walls_s: walls,
        cpus_s: cpus,
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

fn print_table(comparison: &Comparison) {
    let Comparison { cores, clips, clip_seconds, cuts, renders, rounds, housecall, script, .. } = comparison;
    println!("{} ({clip_seconds:.1} s), {cuts} cuts, {rounds} rounds, {cores} cores", clips.join(", "));
    println!();
    println!("{:12} {:>9} {:>9} {:>11} {:>9}", "", "wall s", "CPU s", "peak MiB", "MB out");
    for (name, f) in [("Housecall", housecall), ("script", script)] {
        println!("{name:12} {:>9.1} {:>9.1} {:>11.0} {:>9.1}", f.wall_s, f.cpu_s, f.peak_mib, f.megabytes);
    }
    let peak = script.peak_mib / housecall.peak_mib;
    println!("{:12} {:>9.2} {:>9.2} {peak:>11.2}", "script / ours", comparison.wall_ratio, comparison.cpu_ratio);
    println!();
    println!("Medians; memory is the largest of one process. Transcripts were there before the clock started.");
    println!(
        "Housecall: {renders} encodes for {cuts} cuts. Its time includes the cover, the report and its check of every"
    );
    println!("file (decoded again and measured against the plan); the script checks nothing.");
    println!("Script: {cuts} ffmpeg commands, one after another, with the same filters and encoder settings.");
    for (name, f) in [("Housecall", housecall), ("script", script)] {
        let each: Vec<String> = f.walls_s.iter().zip(&f.cpus_s).map(|(w, c)| format!("{w:.1}/{c:.1}")).collect();
        println!("{name}, wall/CPU of each round: {}", each.join(", "));
    }
}
