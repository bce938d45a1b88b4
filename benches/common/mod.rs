//! What the benchmarks share: how processes are measured, and the tone curve's definition as a file for `lut3d`.
//! Linux only, since times and memory are read from `/proc`.
#![allow(dead_code)] // Each benchmark is a program of its own and uses its part.

use anyhow::{Context, Result, bail};
use housecall::media::tone::ToneMap;
use std::fmt::Write;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// `/proc` counts processor time in these, whatever the kernel's own clock.
const TICKS_A_SECOND: f64 = 100.0;
/// How often a running process is asked for its memory.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Over how long the cores are looked at together: 40 ticks, so that 95 % is a whole number of them.
const BUSY_WINDOW: Duration = Duration::from_millis(400);
/// From which share of its ticks on a core counts as busy.
const BUSY: f64 = 0.95;

/// What it took to do something once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Seconds.
    pub wall: f64,
    /// User and system time of the process and of the processes that it waited for, seconds.
    pub cpu: f64,
    /// Largest resident memory of the process and its living children together, MiB.
    pub peak_mib: f64,
    /// Seconds of `wall` in which every core of the computer was at least 95 % busy, whoever kept it so.
    pub full: f64,
}

impl Cost {
    /// Both, one after the other.
    pub fn then(self, next: Cost) -> Cost {
        Cost {
            wall: self.wall + next.wall,
            cpu: self.cpu + next.cpu,
            peak_mib: self.peak_mib.max(next.peak_mib),
            full: self.full + next.full,
        }
    }
}

/// Runs a command to its end; `codes` are the exit codes that mean success.
pub fn measure(command: &mut Command, codes: &[i32]) -> Result<Cost> {
    measure_until(command, codes, |_| false).map(|(cost, _)| cost)
}

/// Runs a command to its end and tells after how many seconds it printed the first line that is `awaited`.
pub fn measure_until(
    command: &mut Command,
    codes: &[i32],
    awaited: impl Fn(&str) -> bool + Send + 'static,
) -> Result<(Cost, Option<f64>)> {
    let before = children_cpu()?;
    let began = Instant::now();
    command.stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("{:?} could not be started", command.get_program()))?;
    let lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
    let reader = thread::spawn(move || {
        let mut first = None;
        for line in lines.map_while(std::io::Result::ok) {
            if first.is_none() && awaited(&line) {
                first = Some(began.elapsed().as_secs_f64());
            }
        }
        first
    });
    let mut cost = Cost::default();
    let (mut cores, mut window) = (core_ticks()?, Instant::now());
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        cost.peak_mib = cost.peak_mib.max(peak_memory(child.id()));
        if window.elapsed() >= BUSY_WINDOW {
            let now = core_ticks()?;
            if all_busy(&cores, &now) {
                cost.full += window.elapsed().as_secs_f64();
            }
            (cores, window) = (now, Instant::now());
        }
        thread::sleep(LOOK_EVERY);
    };
    cost.wall = began.elapsed().as_secs_f64();
    let first = reader.join().ok().flatten();
    if !status.code().is_some_and(|code| codes.contains(&code)) {
        bail!("{status} from {command:?}");
    }
    cost.cpu = children_cpu()? - before;
    Ok((cost, first))
}

/// User and system time of all child processes that have ended, in seconds.
fn children_cpu() -> Result<f64> {
    own_ticks(13).map(|ticks| ticks / TICKS_A_SECOND)
}

/// User and system time of this process, in ms.
pub fn processor_time() -> Result<f64> {
    own_ticks(11).map(|ticks| ticks / TICKS_A_SECOND * 1e3)
}

/// Two fields of `/proc/self/stat` that follow each other, added.
fn own_ticks(at: usize) -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The program's name stands in brackets and may hold anything; the fields after it are numbers (proc(5)).
    let (_, numbers) = stat.rsplit_once(')').context("/proc/self/stat is of another kind")?;
    let numbers: Vec<&str> = numbers.split_whitespace().collect();
    let ticks = |at: usize| numbers.get(at).and_then(|n| n.parse::<f64>().ok()).context("/proc/self/stat is short");
    Ok(ticks(at)? + ticks(at + 1)?)
}

/// For every core its ticks in all and those in which it did nothing, since the computer started.
fn core_ticks() -> Result<Vec<(f64, f64)>> {
    let stat = fs::read_to_string("/proc/stat")?;
    let of_core = |line: &str| {
        let ticks: Vec<f64> = line.split_whitespace().skip(1).take(8).filter_map(|n| n.parse().ok()).collect();
        // Fourth and fifth: idle, and idle while something is read or written.
        (ticks.iter().sum(), ticks.iter().skip(3).take(2).sum())
    };
    Ok(stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).map(of_core).collect())
}

fn all_busy(before: &[(f64, f64)], after: &[(f64, f64)]) -> bool {
    before.iter().zip(after).all(|(before, after)| (after.1 - before.1) <= (1.0 - BUSY) * (after.0 - before.0) + 1e-9)
}

/// The most memory that a running process ever held, and its children with it, in MiB. Nothing for one that is gone.
fn peak_memory(process: u32) -> f64 {
    let own = fs::read_to_string(format!("/proc/{process}/status")).ok().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    });
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<u32> =
        children.flat_map(|c| c.split_whitespace().flat_map(str::parse).collect::<Vec<_>>()).collect();
    own.unwrap_or_default() / 1024.0 + children.into_iter().map(peak_memory).sum::<f64>()
}

/// The middle value, or the mean of the two middle ones; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

/// The definition of the tone curve as a file for `lut3d`: BT.2020 HLG R'G'B' to BT.709 R'G'B'.
pub fn cube(map: &ToneMap, nodes: usize) -> String {
    let mut text = format!("LUT_3D_SIZE {nodes}\n");
    let at = |node: usize| node as f64 / (nodes - 1) as f64;
    for (b, g, r) in (0..nodes.pow(3)).map(|i| (at(i / nodes / nodes), at(i / nodes % nodes), at(i % nodes))) {
        let luma = 0.2627 * r + 0.678 * g + 0.0593 * b;
        let codes = [64.0 + 876.0 * luma, 512.0 + 896.0 * (b - luma) / 1.8814, 512.0 + 896.0 * (r - luma) / 1.4746];
        let [y, cb, cr] = map.codes(codes);
        let (y, cb, cr) = ((y - 16.0) / 219.0, (cb - 128.0) / 224.0, (cr - 128.0) / 224.0);
        let (r, b) = (y + 1.5748 * cr, y + 1.8556 * cb);
        let g = (y - 0.2126 * r - 0.0722 * b) / 0.7152;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{r:.7} {g:.7} {b:.7}");
    }
    text
}
