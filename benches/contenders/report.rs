//! What was measured, as it is kept, merged, judged and printed.

use crate::common::{Cost, median};
use crate::quality::{Closeness, Floor};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

/// Everything that is known, each part from the last run that measured it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Book {
    /// Housecall beside the others, by part: A, B, C, D.
    #[serde(default)]
    pub comparisons: BTreeMap<String, Comparison>,
    /// Everything from the clips on, nothing prepared.
    #[serde(default)]
    pub pipeline: Option<Pipeline>,
    /// Whether memory grows.
    #[serde(default)]
    pub memory: Option<Memory>,
}

/// When and on what something was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stamp {
    /// The day.
    pub date: String,
    /// What the processor calls itself.
    pub processor: String,
    /// Cores.
    pub cores: usize,
    /// How many programs wanted a core in the minute before: what else ran then.
    pub load_before: f64,
}

/// One contender's result over all rounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    /// Median, seconds.
    pub wall_s: f64,
    /// Median of user and system time, seconds.
    pub cpu_s: f64,
    /// Median of the largest resident memory at one time, MiB.
    pub peak_mib: f64,
    /// Processor time by wall time and cores, of the medians; 1 keeps every core busy.
    pub busy: f64,
    /// Share of the wall time in which every core was at least 95 % busy; what else runs counts too. Median.
    pub all_cores_busy: f64,
    /// All cuts together, MB; a file with several names counts once for each.
    pub megabytes: f64,
    /// How close the files come to the clip.
    pub ssim: Option<Closeness>,
    /// Wall time of each round, seconds.
    pub walls_s: Vec<f64>,
    /// Processor time of each round, seconds.
    pub cpus_s: Vec<f64>,
}

impl Figures {
    /// The medians of `costs`.
    pub fn of(costs: &[Cost], megabytes: f64, ssim: Option<Closeness>, cores: usize) -> Self {
        let each = |figure: fn(&Cost) -> f64| costs.iter().map(figure).collect::<Vec<f64>>();
        let (walls_s, cpus_s) = (each(|cost| cost.wall), each(|cost| cost.cpu));
        let (wall_s, cpu_s) = (median(&walls_s), median(&cpus_s));
        Figures {
            wall_s,
            cpu_s,
            peak_mib: median(&each(|cost| cost.peak_mib)),
            busy: cpu_s / (wall_s * cores as f64),
            all_cores_busy: median(&each(|cost| cost.full / cost.wall)),
            megabytes,
            ssim,
            walls_s,
            cpus_s,
        }
    }
}

/// One part of the benchmark.
#[derive(Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// When and on what.
    pub stamp: Stamp,
    /// What the clips are.
    pub clips: Vec<String>,
    /// All clips together, seconds.
    pub clip_seconds: f64,
    /// Files that are made.
    pub cuts: usize,
    /// Unique encodes among them.
    pub renders: usize,
    /// By name: housecall, expert, script.
    pub contenders: BTreeMap<String, Figures>,
    /// The least that anybody could spend, measured once.
    pub floor: Option<Floor>,
}

/// The starter model on the sample clips.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pipeline {
    /// When and on what.
    pub stamp: Stamp,
    /// How many clips.
    pub clips: usize,
    /// Median wall time, seconds.
    pub wall_s: f64,
    /// Median processor time, seconds.
    pub cpu_s: f64,
    /// Median of the largest resident memory, MiB.
    pub peak_mib: f64,
    /// Median of the time from the start to the first cut in its place, seconds.
    pub first_cut_s: f64,
}

/// Peaks of memory, MiB.
#[derive(Debug, Serialize, Deserialize)]
pub struct Memory {
    /// When and on what.
    pub stamp: Stamp,
    /// By seconds of one clip.
    pub by_length: BTreeMap<u32, f64>,
    /// By number of short clips.
    pub by_count: BTreeMap<u32, f64>,
}

/// Something that was promised.
pub struct Goal {
    /// What it is about.
    pub what: String,
    /// The figure that was promised.
    pub wanted: f64,
    /// Whether more is better.
    pub at_least: bool,
    /// What was measured.
    pub found: f64,
}

impl Goal {
    fn is_met(&self) -> bool {
        if self.at_least { self.found >= self.wanted } else { self.found <= self.wanted }
    }

    /// One line: what was wanted, what is.
    pub fn line(&self) -> String {
        let sign = if self.at_least { ">=" } else { "<=" };
        let verdict = match self.is_met() {
            true => "met".to_string(),
            false => format!("missed by {:.0} %", (self.found / self.wanted - 1.0).abs() * 100.0),
        };
        format!("{:52} {sign} {:.2}  {:7.2}  {verdict}", self.what, self.wanted, self.found)
    }
}

impl Comparison {
    /// The wall time of another contender by Housecall's.
    pub fn wall_ratio(&self, other: &str) -> Option<f64> {
        Some(self.contenders.get(other)?.wall_s / self.contenders.get("housecall")?.wall_s)
    }

    /// Housecall's processor time by the floor's.
    pub fn over_floor(&self) -> Option<f64> {
        Some(self.contenders.get("housecall")?.cpu_s / self.floor?.cpu_s())
    }

    fn goals(&self, part: &str) -> Vec<Goal> {
        let mut goals = Vec::new();
        let mut goal = |what: &str, wanted: f64, at_least: bool, found: Option<f64>| {
            let what = format!("{part}: {what}");
            goals.extend(found.map(|found| Goal { what, wanted, at_least, found }));
        };
        let script = match part {
            "A" => Some(2.5),
            "B" => Some(6.0),
            _ => None,
        };
        if let Some(wanted) = script {
            goal("script by Housecall, wall time", wanted, true, self.wall_ratio("script"));
        }
        let wanted = if part == "D" { 1.15 } else { 1.0 };
        goal("expert by Housecall, wall time", wanted, true, self.wall_ratio("expert"));
        goal("Housecall by floor, processor time", 1.10, false, self.over_floor());
        let ours = self.contenders.get("housecall");
        if part == "D" {
            goal("share of all cores that is used", 0.95, true, ours.map(|ours| ours.busy));
        }
        if part == "A" {
            let peak = |who| self.contenders.get(who).map(|f: &Figures| f.peak_mib);
            let found = peak("housecall").zip(peak("expert")).map(|(ours, theirs)| ours / theirs);
            goal("Housecall by expert, peak memory", 1.2, false, found);
        }
        goals
    }

    fn print(&self, part: &str, out: &mut impl Write) -> std::io::Result<()> {
        let Stamp { date, processor, cores, load_before } = &self.stamp;
        writeln!(
            out,
            "\n{part}: {:.1} s in {} clips, {} cuts, {} renders; {date}, {cores} cores ({processor}), load before {load_before:.1}",
            self.clip_seconds,
            self.clips.len(),
            self.cuts,
            self.renders
        )?;
        for clip in &self.clips {
            writeln!(out, "  {clip}")?;
        }
        writeln!(
            out,
            "{:10} {:>8} {:>8} {:>8} {:>6} {:>9} {:>7} {:>7} {:>7} {:>7}  wall/CPU of each round",
            "", "wall s", "CPU s", "peak MiB", "busy", "all >95%", "MB", "SSIM Y", "worst", "all"
        )?;
        for (name, f) in &self.contenders {
            let each: Vec<String> = f.walls_s.iter().zip(&f.cpus_s).map(|(w, c)| format!("{w:.1}/{c:.1}")).collect();
            let ssim = f.ssim.map_or_else(
                || format!("{:>7} {:>7} {:>7}", "-", "-", "-"),
                |s| format!("{:>7.4} {:>7.4} {:>7.4}", s.luma, s.worst, s.all),
            );
            writeln!(
                out,
                "{name:10} {:>8.1} {:>8.1} {:>8.0} {:>6.2} {:>9.2} {:>7.1} {ssim}  {}",
                f.wall_s,
                f.cpu_s,
                f.peak_mib,
                f.busy,
                f.all_cores_busy,
                f.megabytes,
                each.join(", ")
            )?;
        }
        if let Some(floor) = self.floor {
            writeln!(
                out,
                "{:10} {:>8} {:>8.1}   decode once {:.1}, encode {:.1}; reading raw pictures, not counted, {:.1}",
                "floor",
                "-",
                floor.cpu_s(),
                floor.decode_s,
                floor.encode_s,
                floor.reading_s
            )?;
        }
        for other in ["expert", "script"] {
            if let Some((ratio, (theirs, ours))) =
                self.wall_ratio(other).zip(self.contenders.get(other).zip(self.contenders.get("housecall")))
            {
                writeln!(
                    out,
                    "{other} by Housecall: wall {ratio:.2}, CPU {:.2}, peak memory {:.2}",
                    theirs.cpu_s / ours.cpu_s,
                    theirs.peak_mib / ours.peak_mib
                )?;
            }
        }
        Ok(())
    }
}

impl Memory {
    fn goals(&self) -> Vec<Goal> {
        let grown = |peaks: &BTreeMap<u32, f64>| Some(peaks.last_key_value()?.1 / peaks.first_key_value()?.1);
        let goal = |what: &str, found: Option<f64>| {
            found.map(|found| Goal { what: what.into(), wanted: 1.10, at_least: false, found })
        };
        let length = goal("memory: longest clip by shortest", grown(&self.by_length));
        length.into_iter().chain(goal("memory: most clips by fewest", grown(&self.by_count))).collect()
    }
}

impl Book {
    /// What stands in a file; empty if there is none.
    pub fn read(file: &Path) -> Result<Self> {
        if !file.exists() {
            return Ok(Book::default());
        }
        let text = fs::read_to_string(file)?;
        serde_json::from_str(&text).with_context(|| format!("{} is no file of this benchmark", file.display()))
    }

    /// Writes the file.
    pub fn write(&self, file: &Path) -> Result<()> {
        fs::write(file, serde_json::to_string_pretty(self)? + "\n").with_context(|| file.display().to_string())
    }

    /// Everything as tables, and which goals are met.
    pub fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        for (part, comparison) in &self.comparisons {
            comparison.print(part, out)?;
        }
        if let Some(p) = &self.pipeline {
            writeln!(
                out,
                "\npipeline: {} sample clips with the starter model, nothing prepared; {}, {} cores, load before {:.1}",
                p.clips, p.stamp.date, p.stamp.cores, p.stamp.load_before
            )?;
            writeln!(
                out,
                "wall {:.1} s, CPU {:.1} s, peak {:.0} MiB; first cut in its place after {:.1} s",
                p.wall_s, p.cpu_s, p.peak_mib, p.first_cut_s
            )?;
        }
        if let Some(m) = &self.memory {
            writeln!(out, "\nmemory: peak MiB; {}, {} cores", m.stamp.date, m.stamp.cores)?;
            for (seconds, peak) in &m.by_length {
                writeln!(out, "one clip of {seconds:4} s   {peak:>6.0}")?;
            }
            for (count, peak) in &m.by_count {
                writeln!(out, "{count:4} short clips     {peak:>6.0}")?;
            }
        }
        let of_parts = self.comparisons.iter().flat_map(|(part, comparison)| comparison.goals(part));
        let goals: Vec<Goal> = of_parts.chain(self.memory.iter().flat_map(Memory::goals)).collect();
        if !goals.is_empty() {
            writeln!(out, "\n{:52} {:>7}  {:>7}", "goal", "wanted", "found")?;
        }
        for goal in goals {
            writeln!(out, "{}", goal.line())?;
        }
        Ok(())
    }
}
