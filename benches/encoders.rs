//! What each encoder setting costs, how big its files are, and how much of its quality is left once a platform has
//! encoded them again.
//!
//! Each setting is one `ffmpeg` that reads raw frames and has the very options of `media::encode` (whose x264 it shares);
//! the time to read the frames is taken off. The frames are made up here: a person in front of shelves, held by hand,
//! with a sensor's noise, put through a phone's own encoder before captions are burned in, so that they hold what decoded
//! footage holds. Processor time is that of the child process, read from `/proc`; Linux only.
//!
//! What a platform does is not published. Two encodes stand for it: H.264 at 1080x1920 and 4500 kbit/s, and at 720x1280
//! and 2000 kbit/s (docs/encoding.md says where these come from).
#![allow(clippy::print_stdout, clippy::print_stderr)]

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use housecall::cuts::{BUFFER_SECONDS, ENCODER_THREADS};
use housecall::units::{Rect, Size};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

#[path = "encoders/scene.rs"]
mod scene;

const CANVAS: Size = Size { width: 1080, height: 1920 };
const RATE: u32 = 30;
/// `/proc` counts processor time in these, whatever the kernel's own clock.
const TICKS_A_SECOND: f64 = 100.0;
/// What a phone's own encoder writes for 1080p at 30 frames a second, kbit/s.
const PHONE_RATE: u32 = 16_000;
/// Peak rate where a setting names none: that of the 9:16 presets, kbit/s.
const MAX_RATE: u32 = 8000;

/// Where the captions stand, and a part of the face: what a viewer looks at.
const CAPTIONS: Rect = Rect { x: 120, y: 1050, width: 660, height: 198 };
const FACE: Rect = Rect { x: 360, y: 480, width: 360, height: 420 };

/// What a platform delivers, as assumed: size and mean bit rate in kbit/s.
const DELIVERED: [(Size, u32); 2] = [(CANVAS, 4500), (Size { width: 720, height: 1280 }, 2000)];

/// What is compared unless `--settings` says otherwise.
const SETTINGS: &str = "ultrafast/20/8000/cabac=1 \
    superfast/18 superfast/20 superfast/22 superfast/24 superfast/20/12000 superfast/22/12000 superfast/24/12000 superfast/20/25000 \
    superfast/18/8000/mbtree=1:rc-lookahead=10 superfast/22/8000/mbtree=1:rc-lookahead=10 superfast/22/12000/aq-mode=2 \
    veryfast/18 veryfast/20 veryfast/22 veryfast/24 veryfast/20/8000/threads=1 veryfast/20/5000 veryfast/20/25000 \
    superfast/22/12000/keyint=15 veryfast/20/12000/keyint=15 \
    faster/20 faster/22 fast/20 fast/22 medium/20 medium/22";

/// What each encoder setting costs, and what survives a platform's own encoder
#[derive(Debug, Parser)]
#[command(name = "encoders")]
struct Options {
    /// Clips of at least 1080x1920 to take instead of the one that is made up, separated by commas
    #[arg(long, value_delimiter = ',')]
    clips: Vec<PathBuf>,
    /// Seconds of each clip, from its first second on
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// How often each setting encodes; its processor time is the median
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Settings as preset/crf, preset/crf/maxrate or preset/crf/maxrate/x264-params, separated by spaces
    #[arg(long, default_value = SETTINGS)]
    settings: String,
    /// Keep the files of every setting here
    #[arg(long)]
    keep: Option<PathBuf>,
    /// What cargo hands to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// One way to encode.
#[derive(Debug, Clone)]
struct Setting {
    preset: String,
    crf: f64,
    /// kbit/s.
    max_rate: u32,
    /// Further x264 parameters, perhaps empty.
    further: String,
}

impl FromStr for Setting {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.splitn(4, '/');
        let preset = parts.next().context("a setting starts with a preset")?.to_string();
        let crf = parts.next().with_context(|| format!("{text} names no CRF"))?.parse()?;
        let max_rate = parts.next().map_or(Ok(MAX_RATE), str::parse)?;
        let further = parts.next().unwrap_or_default().to_string();
        Ok(Setting { preset, crf, max_rate, further })
    }
}

impl Setting {
    fn name(&self) -> String {
        let further = if self.further.is_empty() { String::new() } else { format!(", {}", self.further) };
        format!("{} {}{further}", self.preset, self.crf)
    }
}

/// Structural similarity (luma) with the raw frames, of the whole picture and of its parts that count.
#[derive(Debug, Clone, Copy, Default)]
struct Likeness {
    whole: f64,
    captions: f64,
    face: f64,
}

/// What came out of one setting.
struct Outcome {
    setting: Setting,
    /// Processor time of each round, seconds.
    cpus: Vec<f64>,
    bytes: u64,
    /// Of the file itself.
    itself: Likeness,
    /// After each encode of [`DELIVERED`].
    survived: Vec<Likeness>,
}

/// Raw frames on disk.
struct Footage {
    name: String,
    file: PathBuf,
    seconds: u32,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let folder = tempfile::tempdir()?;
    let settings: Vec<Setting> = options.settings.split_whitespace().map(str::parse).collect::<Result<_>>()?;
    let clips = match options.clips.is_empty() {
        true => vec![made_up(folder.path(), options.seconds + 1)?],
        false => options.clips.clone(),
    };
    for clip in clips {
        let footage = raw_frames(&clip, folder.path(), options.seconds)?;
        let work = options.keep.as_deref().unwrap_or(folder.path());
        fs::create_dir_all(work)?;
        compare(&footage, &settings, options.rounds, work)?;
    }
    Ok(())
}

/// Films the made-up scene and puts it through what stands for the phone's encoder.
fn made_up(folder: &Path, seconds: u32) -> Result<PathBuf> {
    let clip = folder.join("made-up.mp4");
    let mut encoder = ffmpeg()
        .args(raw_input(CANVAS))
        .args(["-i", "-", "-c:v", "libx264", "-preset", "superfast", "-bf", "0", "-g", "30"])
        .args(["-b:v", &format!("{PHONE_RATE}k"), "-maxrate", &format!("{}k", PHONE_RATE * 5 / 4)])
        .args(["-bufsize", &format!("{PHONE_RATE}k"), "-color_range", "tv", "-colorspace", "bt709"])
        .arg(&clip)
        .stdin(Stdio::piped())
        .spawn()
        .context("ffmpeg could not be started")?;
    let mut pipe = BufWriter::new(encoder.stdin.take().context("ffmpeg takes frames from a pipe")?);
    let scene = scene::Scene::new(CANVAS);
    for number in 0..seconds * RATE {
        pipe.write_all(&scene.frame(number))?;
    }
    drop(pipe.into_inner()?);
    ensure!(encoder.wait()?.success(), "the made-up clip could not be encoded");
    Ok(clip)
}

/// The clip's frames on the canvas with captions burned in.
fn raw_frames(clip: &Path, folder: &Path, seconds: u32) -> Result<Footage> {
    let name = clip.file_stem().context("a clip has a name")?.to_string_lossy().into_owned();
    let (script, file) = (folder.join("captions.ass"), folder.join(format!("{name}.yuv")));
    fs::write(&script, captions(seconds))?;
    let (w, h) = (CANVAS.width, CANVAS.height);
    let filters = format!(
        "fps={RATE},scale={w}:{h}:force_original_aspect_ratio=increase:flags=lanczos,crop={w}:{h},setsar=1,\
         format=yuv420p,ass=filename={}",
        script.display()
    );
    run(ffmpeg()
        .args(["-ss", "1", "-i"])
        .arg(clip)
        .args(["-an", "-vf", &filters, "-frames:v", &(seconds * RATE).to_string()])
        .args(["-pix_fmt", "yuv420p", "-f", "rawvideo"])
        .arg(&file))?;
    let wanted = u64::from(seconds * RATE) * u64::from(w * h) * 3 / 2;
    ensure!(fs::metadata(&file)?.len() == wanted, "{} is shorter than {} s", clip.display(), seconds + 1);
    Ok(Footage { name, file, seconds })
}

/// Captions as the style `clear` draws them, two lines that change every second.
fn captions(seconds: u32) -> String {
    const LINES: [&str; 3] = [
        "Razor bumps are hairs\\Nthat grow back inward,",
        "so stop shaving\\Nfor a few weeks",
        "and wash with\\Nwarm water.",
    ];
    let mut script = format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: {}\nPlayResY: {}\n\n[V4+ Styles]\n\
         Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, BorderStyle, Outline, Shadow, \
         Alignment, MarginL, MarginR, MarginV\n\
         Style: Default,Inter,72,&H00FFFFFF,&H00000000,&H00000000,-1,1,5,0,2,{},{},{}\n\n\
         [Events]\nFormat: Start, End, Style, Text\n",
        CANVAS.width,
        CANVAS.height,
        CAPTIONS.x,
        CANVAS.width - CAPTIONS.x - CAPTIONS.width,
        CANVAS.height - CAPTIONS.y - CAPTIONS.height + 10,
    );
    for (second, line) in (0..seconds).zip(LINES.iter().cycle()) {
        let at = |s: u32| format!("0:{:02}:{:02}.00", s / 60, s % 60);
        script.push_str(&format!("Dialogue: {},{},Default,{line}\n", at(second), at(second + 1)));
    }
    script
}

/// Encodes the footage in every way, all ways once a round, and prints the table.
fn compare(footage: &Footage, settings: &[Setting], rounds: u32, folder: &Path) -> Result<()> {
    let mut reading = Vec::new();
    for _ in 0..rounds {
        reading.push(run(ffmpeg().args(raw_input(CANVAS)).arg("-i").arg(&footage.file).args(["-f", "null", "-"]))?);
    }
    let reading = median(&reading);

    let best = DELIVERED.iter().map(|to| delivered(footage, None, *to, folder)).collect::<Result<Vec<_>>>()?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for round in 0..rounds {
        for (index, setting) in settings.iter().enumerate() {
            let file = folder.join(format!("{}-{index}.mp4", footage.name));
            let cpu = (run(&mut encode(footage, setting, &file))? - reading).max(0.0);
            if round > 0 {
                outcomes[index].cpus.push(cpu);
                continue;
            }
            check(&file)?;
            let survived = DELIVERED.iter().map(|to| delivered(footage, Some(&file), *to, folder));
            let outcome = Outcome {
                setting: setting.clone(),
                cpus: vec![cpu],
                bytes: fs::metadata(&file)?.len(),
                itself: likeness(footage, &file, CANVAS)?,
                survived: survived.collect::<Result<_>>()?,
            };
            eprintln!("{}", row(footage, &outcome, &best));
            outcomes.push(outcome);
        }
    }

    let cores = std::thread::available_parallelism()?.get();
    let Footage { name, seconds, .. } = footage;
    println!("{name}: {seconds} s of 1080x1920 at {RATE} frames a second, {rounds} rounds, {cores} cores");
    println!();
    println!("{HEAD}");
    for outcome in &outcomes {
        println!("{}", row(footage, outcome, &best));
    }
    let cells: Vec<String> =
        best.iter().flat_map(|l| [l.whole, l.captions, l.face]).map(|v| format!("{v:.4}")).collect();
    println!("| raw frames | | | | | | | | {} |", cells.join(" | "));
    println!();
    Ok(())
}

const HEAD: &str = "\
| preset and CRF | peak | CPU s/s | Mbit/s | MB/min | SSIM | captions | face | 1080 | captions | face | 720 | captions | face |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|";

/// A line of the table: what survives is given as the loss against what raw frames would have kept, in thousandths.
fn row(footage: &Footage, outcome: &Outcome, best: &[Likeness]) -> String {
    let seconds = f64::from(footage.seconds);
    let megabits = outcome.bytes as f64 * 8.0 / 1e6 / seconds;
    let Likeness { whole, captions, face } = outcome.itself;
    let mut line = format!(
        "| {} | {} | {:.2} | {megabits:.1} | {:.0} | {whole:.4} | {captions:.4} | {face:.4} |",
        outcome.setting.name(),
        outcome.setting.max_rate,
        median(&outcome.cpus) / seconds,
        megabits * 60.0 / 8.0,
    );
    for (survived, best) in outcome.survived.iter().zip(best) {
        let loss = |kept: f64, most: f64| format!(" {:.1} |", (kept - most) * 1000.0);
        line += &loss(survived.whole, best.whole);
        line += &loss(survived.captions, best.captions);
        line += &loss(survived.face, best.face);
    }
    line
}

/// The command with the options that `media::encode` sets. Further x264 parameters come last and win.
fn encode(footage: &Footage, setting: &Setting, file: &Path) -> Command {
    let mut command = ffmpeg();
    command.args(raw_input(CANVAS)).arg("-i").arg(&footage.file);
    command.args(["-c:v", "libx264", "-preset", &setting.preset, "-crf", &setting.crf.to_string()]);
    command.args(["-maxrate", &format!("{}k", setting.max_rate)]);
    command.args(["-bufsize", &format!("{}k", setting.max_rate * BUFFER_SECONDS)]);
    command.args(["-profile:v", "high", "-8x8dct", "1", "-threads", &ENCODER_THREADS.to_string()]);
    command.args(["-g", &(2 * RATE).to_string(), "-bf", "2", "-flags", "+cgop", "-pix_fmt", "yuv420p"]);
    if !setting.further.is_empty() {
        command.args(["-x264-params", &setting.further]);
    }
    command.arg(file);
    command
}

/// The file (or the raw frames) as the platform would encode it again, measured against the raw frames at that size.
fn delivered(footage: &Footage, file: Option<&Path>, (size, rate): (Size, u32), folder: &Path) -> Result<Likeness> {
    let again = folder.join("again.mp4");
    let mut command = ffmpeg();
    match file {
        Some(file) => command.arg("-i").arg(file),
        None => command.args(raw_input(CANVAS)).arg("-i").arg(&footage.file),
    };
    command.args(["-vf", &format!("scale={}:{}:flags=bicubic", size.width, size.height)]);
    command.args(["-c:v", "libx264", "-preset", "fast", "-b:v", &format!("{rate}k")]);
    command.args(["-maxrate", &format!("{}k", rate * 3 / 2), "-bufsize", &format!("{}k", rate * 2)]);
    run(command.args(["-g", &(4 * RATE).to_string()]).arg(&again))?;
    likeness(footage, &again, size)
}

/// Structural similarity of a file with the raw frames brought to its size.
fn likeness(footage: &Footage, file: &Path, size: Size) -> Result<Likeness> {
    let scaled = |n: u32| n * size.width / CANVAS.width;
    let crop = |r: Rect| format!("crop={}:{}:{}:{}", scaled(r.width), scaled(r.height), scaled(r.x), scaled(r.y));
    let (captions, face) = (crop(CAPTIONS), crop(FACE));
    let graph = format!(
        "[0:v]scale={}:{}:flags=bicubic,split=3[a][b][c];[1:v]settb=1/{RATE},split=3[d][e][f];\
         [a][d]ssim@whole[x];[b]{captions}[g];[e]{captions}[h];[g][h]ssim@captions[y];[c]{face}[i];[f]{face}[j];[i][j]ssim@face[z]",
        size.width, size.height
    );
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner"]).args(raw_input(CANVAS)).arg("-i").arg(&footage.file).arg("-i").arg(file);
    command.args(["-filter_complex", &graph]);
    for label in ["[x]", "[y]", "[z]"] {
        command.args(["-map", label, "-f", "null", "-"]);
    }
    let printed = command.output()?;
    let told = String::from_utf8_lossy(&printed.stderr);
    let of = |part: &str| -> Result<f64> {
        let line = told.lines().find(|line| line.contains(&format!("ssim@{part}")) && line.contains("SSIM Y:"));
        let value = line.and_then(|line| line.split("SSIM Y:").nth(1)).and_then(|rest| rest.split_whitespace().next());
        value
            .with_context(|| format!("ffmpeg told no likeness of {}: {told}", file.display()))?
            .parse()
            .context("a number")
    };
    Ok(Likeness { whole: of("whole")?, captions: of("captions")?, face: of("face")? })
}

/// What every platform asks for: H.264 High.
fn check(file: &Path) -> Result<()> {
    let printed = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-show_entries", "stream=profile", "-of", "csv=p=0"])
        .arg(file)
        .output()?;
    let profile = String::from_utf8_lossy(&printed.stdout).trim().to_string();
    ensure!(profile == "High", "{} came out as {profile}", file.display());
    Ok(())
}

fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-y", "-loglevel", "error"]);
    command
}

fn raw_input(size: Size) -> Vec<String> {
    let (size, rate) = (format!("{}x{}", size.width, size.height), RATE.to_string());
    ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", &size, "-framerate", &rate].map(String::from).into()
}

/// Runs a command to its end; the processor time it took, in seconds.
fn run(command: &mut Command) -> Result<f64> {
    let before = children_cpu()?;
    let status = command.stdin(Stdio::null()).status().context("ffmpeg could not be started")?;
    if !status.success() {
        bail!("{status} from {command:?}");
    }
    Ok(children_cpu()? - before)
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

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}
