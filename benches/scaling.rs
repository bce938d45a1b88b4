//! Where more cores stop to help: what each stage of the sample clips costs is measured, and a day of clips is then played
//! through on 1 to 32 cores, with the split that `ThreadBudget` chooses.
//!
//! Every stage runs alone in this process, so that its processor time is the process's. What decoding costs beside the
//! encodes follows from two ways to make the same files: all from one decode, and each from its own. The day is a model:
//! work flows at the rate at which the cores can share it, each stage bound by the threads that it has. Linux only, since
//! processor time is read from `/proc`.
#![allow(clippy::print_stdout)]

use anyhow::{Context, Result, anyhow, ensure};
use clap::Parser;
use housecall::cuts;
use housecall::fault::Cancel;
use housecall::media::probe::probe;
use housecall::media::render::{Job, Rendered, Setting, render};
use housecall::media::verify::verify;
use housecall::media::{self, faces, sound};
use housecall::pipeline::budget::{Demand, Machine, ThreadBudget};
use housecall::speech::{self, Located, Recogniser};
use housecall::trace::Trace;
use housecall::units::Size;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
const CORES: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// `/proc` counts processor time in these, whatever the kernel's own clock.
const TICKS_A_SECOND: f64 = 100.0;
/// An encoder has one thread.
const ENCODER_CORES: f64 = 1.0;
/// Pictures leave a decoder with so many threads; what follows it on its own thread, filters and tone-mapping, does not
/// grow with them.
const SERIAL_DECODE: f64 = 0.5;

/// Plays a day of clips through on many cores
#[derive(Debug, Parser)]
#[command(name = "scaling")]
struct Options {
    /// Folder with the clips that are measured [default: the samples]
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/clips"))]
    clips: PathBuf,
    /// Where the clips go
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "tiktok,instagram-reels,youtube-shorts,snapchat-spotlight,facebook-feed,linkedin,x,youtube"
    )]
    platforms: Vec<String>,
    /// Costs that were measured before, instead of measuring; written there by --keep
    #[arg(long)]
    costs: Option<PathBuf>,
    /// File to keep the costs in
    #[arg(long)]
    keep: Option<PathBuf>,
    /// File for the picture
    #[arg(long)]
    picture: Option<PathBuf>,
    /// What cargo hands to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// Processor seconds of one clip's stages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Costs {
    /// Probe, sound, voice activity: one thread.
    hear: f64,
    transcribe: f64,
    faces: f64,
    /// Decoding, shared filters, sound.
    decode: f64,
    /// Each unique render: filters and encoder.
    encodes: Vec<f64>,
    /// Each check of a file.
    checks: Vec<f64>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let costs: Vec<Costs> = match &options.costs {
        Some(file) => serde_json::from_str(&fs::read_to_string(file)?)?,
        None => measure_all(&options)?,
    };
    if let Some(file) = &options.keep {
        fs::write(file, serde_json::to_string_pretty(&costs)?)?;
    }
    ensure!(!costs.is_empty(), "there are no clips");
    let mean = |cost: &dyn Fn(&Costs) -> f64| costs.iter().map(cost).sum::<f64>() / costs.len() as f64;
    println!(
        "Mean CPU s of a clip: hear {:.2}, transcribe {:.2}, faces {:.2}, decode {:.2}, {:.1} encodes {:.2}, checks {:.2}",
        mean(&|c| c.hear),
        mean(&|c| c.transcribe),
        mean(&|c| c.faces),
        mean(&|c| c.decode),
        mean(&|c| c.encodes.len() as f64),
        mean(&|c| c.encodes.iter().sum()),
        mean(&|c| c.checks.iter().sum())
    );
    let mut lines = Vec::new();
    // The clips as they are can be run for real beside it.
    for clips in [costs.len(), 12, 100] {
        println!(
            "\n{clips} clips\n{:>5} {:>6} {:>7} {:>8} {:>8} {:>7} {:>12}",
            "cores", "clips", "lanes", "wall s", "speedup", "busy %", "first cut s"
        );
        let day: Vec<&Costs> = costs.iter().cycle().take(clips).collect();
        let mut line = Vec::new();
        for cores in CORES {
            let budget = budget(cores, &costs);
            let Day { wall, work, first } = play(&day, &budget);
            let one = line.first().map_or(wall, |(_, wall): &(usize, f64)| *wall);
            println!(
                "{cores:>5} {:>6} {:>7} {wall:>8.1} {:>8.2} {:>7.1} {first:>12.1}",
                budget.clips,
                budget.lanes,
                one / wall,
                100.0 * work / (wall * cores as f64)
            );
            line.push((cores, wall));
        }
        if clips != costs.len() {
            lines.push((clips, line));
        }
    }
    println!("\nSpeedup is against one core. A model, not a run: see docs/encoding.md.");
    options.picture.as_deref().map_or(Ok(()), |file| Ok(fs::write(file, picture(&lines)?)?))
}

/// What the program would choose, with memory enough.
fn budget(cores: usize, costs: &[Costs]) -> ThreadBudget {
    let renders = costs.iter().map(|c| c.encodes.len()).max().unwrap_or(1);
    let demand = Demand { canvases: vec![Size::new(1080, 1920); renders], model: 0, jobs: None };
    ThreadBudget::new(&Machine { cores, memory: None }, &demand)
}

/// A day that was played through, in seconds.
struct Day {
    wall: f64,
    /// Processor time.
    work: f64,
    /// When the first clip was in its place.
    first: f64,
}

/// Work of one kind that is under way.
struct Task {
    clip: usize,
    stage: Stage,
    /// Processor seconds that are left.
    left: f64,
    /// Cores that it can use at most.
    most: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Hear,
    Faces,
    Transcribe,
    /// Decode and all encodes: pictures go through together, at the pace of the slowest.
    Render,
    Check,
}

/// Plays a day: one reader in order, turns to be decoded, checks that overlap the next clip.
fn play(day: &[&Costs], budget: &ThreadBudget) -> Day {
    let cores = budget.cores as f64;
    let sum = |costs: &[f64]| costs.iter().sum::<f64>();
    // The least work first, then the most.
    let mut order: Vec<&Costs> = day.to_vec();
    order.sort_by(|a, b| (sum(&b.encodes) + b.decode).total_cmp(&(sum(&a.encodes) + a.decode)));
    order.rotate_right(1);
    let (mut now, mut work, mut first) = (0.0, 0.0, None);
    let (mut tasks, mut next, mut ready): (Vec<Task>, usize, Vec<usize>) = (Vec::new(), 0, Vec::new());
    loop {
        let rendering = |tasks: &[Task]| tasks.iter().filter(|t| t.stage == Stage::Render).count();
        let reading = tasks.iter().any(|t| matches!(t.stage, Stage::Hear | Stage::Faces | Stage::Transcribe));
        // Two planned clips wait before a lane, and one in it.
        if !reading && next < order.len() && ready.len() < 3 {
            let costs = order[next];
            let task = |stage, left, most| Task { clip: next, stage, left, most };
            tasks.push(task(Stage::Hear, costs.hear, 1.0));
            tasks.push(task(Stage::Faces, costs.faces, 1.0));
            next += 1;
        }
        while rendering(&tasks) < budget.clips && !ready.is_empty() {
            let clip = ready.remove(0);
            let costs = order[clip];
            let all = costs.decode + sum(&costs.encodes);
            let slowest = costs.encodes.iter().copied().fold(0.0, f64::max) / ENCODER_CORES;
            let serial = costs.decode * (SERIAL_DECODE + (1.0 - SERIAL_DECODE) / budget.decoder as f64);
            tasks.push(Task { clip, stage: Stage::Render, left: all, most: all / slowest.max(serial).max(1e-9) });
        }
        if tasks.is_empty() {
            break;
        }
        let rates = shares(&tasks.iter().map(|t| t.most).collect::<Vec<_>>(), cores);
        let step = tasks.iter().zip(&rates).map(|(t, rate)| t.left / rate).fold(f64::INFINITY, f64::min);
        now += step;
        work += step * rates.iter().sum::<f64>();
        for (task, rate) in tasks.iter_mut().zip(&rates) {
            task.left -= step * rate;
        }
        let (over, on): (Vec<Task>, Vec<Task>) = tasks.into_iter().partition(|t| t.left <= 1e-9);
        tasks = on;
        for Task { clip, stage, .. } in over {
            let costs = order[clip];
            let has = |stage: Stage| tasks.iter().any(|t| t.clip == clip && t.stage == stage);
            match stage {
                Stage::Hear => {
                    let threads = if rendering(&tasks) == 0 { budget.cores.min(8) } else { budget.speech };
                    tasks.push(Task { clip, stage: Stage::Transcribe, left: costs.transcribe, most: threads as f64 });
                }
                Stage::Faces if !has(Stage::Hear) && !has(Stage::Transcribe) => ready.push(clip),
                Stage::Transcribe if !has(Stage::Faces) && !ready.contains(&clip) => ready.push(clip),
                Stage::Render => {
                    let most = 2.0 * costs.checks.len().max(1) as f64;
                    tasks.push(Task { clip, stage: Stage::Check, left: sum(&costs.checks), most });
                }
                Stage::Check => first = first.or(Some(now)),
                Stage::Faces | Stage::Transcribe => {}
            }
        }
    }
    Day { wall: now, work, first: first.unwrap_or(now) }
}

/// Cores shared in proportion to what each can use, as a scheduler does with threads that are alike.
fn shares(most: &[f64], cores: f64) -> Vec<f64> {
    let wanted: f64 = most.iter().sum();
    let share = (cores / wanted).min(1.0);
    most.iter().map(|m| m * share).collect()
}

/// Every clip of a folder, planned by the program and each stage measured.
fn measure_all(options: &Options) -> Result<Vec<Costs>> {
    let folder = tempfile::tempdir()?;
    let inbox = folder.path().join("inbox");
    fs::create_dir(&inbox)?;
    for entry in fs::read_dir(&options.clips)? {
        let path = entry?.path();
        let target = inbox.join(path.file_name().context("a file has a name")?);
        fs::copy(&path, &target)?;
        // A file that was copied just now would be waited for.
        fs::File::options().append(true).open(target)?.set_modified(SystemTime::UNIX_EPOCH)?;
    }
    let plans = Command::new(env!("CARGO_BIN_EXE_housecall"))
        .args(["plan", "--json", "--offline", "--practice"])
        .arg(Path::new(SAMPLES).join("practice.toml"))
        .arg("--platforms")
        .arg(options.platforms.join(","))
        .arg("--out")
        .arg(folder.path().join("cuts"))
        .arg(&inbox)
        .stderr(Stdio::inherit())
        .output()?;
    let plans = String::from_utf8(plans.stdout)?;
    let plans: Vec<cuts::ClipPlan> = plans.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut files: Vec<PathBuf> = fs::read_dir(&inbox)?.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    files.sort();
    media::start();
    plans
        .iter()
        .map(|plan| {
            let clip = files.iter().find(|file| {
                let ours = file.extension().is_some_and(|e| ["mp4", "mov", "m4v"].iter().any(|known| e == *known));
                ours && file.file_stem().is_some_and(|stem| stem.to_string_lossy() == plan.name)
            });
            let clip = clip.with_context(|| format!("no clip is called {}", plan.name))?;
            measure(clip, plan, folder.path()).with_context(|| plan.name.clone())
        })
        .collect()
}

/// One clip's stages, one after the other.
fn measure(clip: &Path, plan: &cuts::ClipPlan, scratch: &Path) -> Result<Costs> {
    let cancel = Cancel::new();
    let fault = |fault: housecall::fault::Fault| anyhow!("{fault}");
    let (found, probing) = cost(|| probe(clip, &cancel))?;
    let found = found.map_err(fault)?;
    let (heard, listening) =
        cost(|| sound::listen(clip, &found, &cancel).map(|(pcm, _)| (speech::speech_spans(&pcm), pcm)))?;
    let (spoken, pcm) = heard.map_err(fault)?;
    let Located::Present(model) =
        speech::find(Some("starter"), "en", &speech::folders().map_err(fault)?).map_err(fault)?
    else {
        return Err(anyhow!("the starter model is not there"));
    };
    // Loaded once for a whole batch, so outside the clip's cost.
    let mut recogniser = Recogniser::new(&model, 1).map_err(fault)?;
    let (words, transcribe) = cost(|| recogniser.transcribe(&plan.name, &pcm, &spoken, "en", &cancel, &mut |_| {}))?;
    words.map_err(fault)?;
    let (looked, faces) = cost(|| faces::look(clip, &found.video, 1, &cancel))?;
    looked.map_err(fault)?;

    let trace = Trace::default();
    let setting = Setting {
        clip,
        probe: &found,
        shared: None,
        threads: 1,
        cancel: &cancel,
        progress: &|_| {},
        decoded: &|| {},
        trace: &trace,
    };
    let renders = cuts::renders(plan);
    let jobs: Vec<Job> = renders
        .iter()
        .enumerate()
        .map(|(i, render)| Job { recipe: render.recipe, file: scratch.join(format!("{i}.mp4")) })
        .collect();
    let make = |jobs: &[Job]| -> Result<(Vec<Rendered>, f64)> {
        let ((made, _), cost) = cost(|| render(&setting, jobs, None, &|_, rendered| Ok(rendered)))?;
        Ok((made.into_iter().map(|r| r.map_err(fault)).collect::<Result<_>>()?, cost))
    };
    let alone: Vec<f64> = jobs.chunks(1).map(|job| Ok(make(job)?.1)).collect::<Result<_>>()?;
    let (made, together) = make(&jobs)?;
    // Each render alone decodes for itself: together they saved all decodes but one.
    let others = jobs.len() as f64 - 1.0;
    let decode = if others > 0.0 { ((alone.iter().sum::<f64>() - together) / others).max(0.0) } else { 0.0 };
    let checks = made.into_iter().zip(&renders).map(|(made, render)| {
        let limits: Vec<_> = render.cuts.iter().map(|cut| &cut.limits).collect();
        let (checked, cost) = cost(|| verify(made, render.recipe, &limits, &cancel))?;
        checked.map_err(fault).map(|_| cost)
    });
    let checks = checks.collect::<Result<_>>()?;
    let encodes = alone.iter().map(|cost| (cost - decode).max(0.0)).collect();
    Ok(Costs { hear: probing + listening, transcribe, faces, decode, encodes, checks })
}

/// What this gives, and the processor seconds of the whole process meanwhile.
fn cost<T>(work: impl FnOnce() -> T) -> Result<(T, f64)> {
    let before = own_cpu()?;
    let result = work();
    Ok((result, own_cpu()? - before))
}

/// User and system time of this process, all threads, in seconds.
fn own_cpu() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The program's name stands in brackets and may hold anything; the fields after it are numbers (proc(5)).
    let (_, numbers) = stat.rsplit_once(')').context("/proc/self/stat is of another kind")?;
    let numbers: Vec<&str> = numbers.split_whitespace().collect();
    let ticks = |at: usize| numbers.get(at).and_then(|n| n.parse::<f64>().ok()).context("/proc/self/stat is short");
    Ok((ticks(11)? + ticks(12)?) / TICKS_A_SECOND)
}

/// Speedup over cores, both in doublings, beside the line that would be ideal.
fn picture(lines: &[(usize, Vec<(usize, f64)>)]) -> Result<String> {
    let place = |cores: f64, speedup: f64| (60.0 + cores.log2() * 90.0, 330.0 - speedup.log2() * 58.0);
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 600 390\" font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"600\" height=\"390\" fill=\"#fff\"/>\n",
    );
    for n in CORES {
        let ((x, _), (_, y)) = (place(n as f64, 1.0), place(1.0, n as f64));
        writeln!(
            svg,
            "<path d=\"M{x} 330V40M60 {y}H510\" stroke=\"#ddd\"/><text x=\"{x}\" y=\"350\" text-anchor=\"middle\">{n}</text><text x=\"50\" y=\"{y}\" dy=\"4\" text-anchor=\"end\">{n}x</text>"
        )?;
    }
    writeln!(
        svg,
        "<text x=\"285\" y=\"376\" text-anchor=\"middle\">cores</text><text x=\"60\" y=\"24\">Speed against one core (model from measured costs)</text>"
    )?;
    let ideal: Vec<(usize, f64)> = CORES.iter().map(|n| (*n, 1.0 / *n as f64)).collect();
    let curves = [("ideal".to_string(), &ideal, "#999")].into_iter();
    let curves = curves.chain(
        lines
            .iter()
            .zip(["#1F6F5C", "#B5541C"])
            .map(|((clips, line), colour)| (format!("{clips} clips"), line, colour)),
    );
    for (at, (name, line, colour)) in curves.enumerate() {
        let one = line.first().map_or(1.0, |(_, wall)| *wall);
        let points: Vec<String> = line
            .iter()
            .map(|(cores, wall)| {
                let (x, y) = place(*cores as f64, one / wall);
                format!("{x:.1},{y:.1}")
            })
            .collect();
        writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/><text x=\"80\" y=\"{}\" fill=\"{colour}\">{name}</text>",
            points.join(" "),
            60 + 18 * at
        )?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}
