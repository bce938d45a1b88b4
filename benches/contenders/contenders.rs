//! The contenders that ffmpeg runs for: each makes every cut of every clip, one clip after the other.

use crate::commands::{self, Author};
use crate::common::{self, Cost};
use crate::task::Task;
use anyhow::{Context, Result, ensure};
use housecall::cuts::{Recipe, Render};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// One ffmpeg command a platform, one after the other.
pub fn script(tasks: &[Task], out: &Path) -> Result<Cost> {
    let mut total = Cost::default();
    for task in tasks {
        for render in &task.renders() {
            for cut in &render.cuts {
                let files = [named(out, &cut.file, render.recipe)?];
                total =
                    total.then(common::measure(&mut commands::cut(Author::Script, task, &[render], &files)?, &[0])?);
            }
        }
    }
    Ok(total)
}

/// One ffmpeg command a clip; files are copied for cuts that share one.
pub fn expert(tasks: &[Task], out: &Path) -> Result<Cost> {
    let mut total = Cost::default();
    for task in tasks {
        let renders = task.renders();
        let mut files = Vec::new();
        for render in &renders {
            files.push(named(out, &render.cuts[0].file, render.recipe)?);
        }
        let all: Vec<&Render> = renders.iter().collect();
        total = total.then(common::measure(&mut commands::cut(Author::Expert, task, &all, &files)?, &[0])?);
        let began = Instant::now();
        for (render, (_, made)) in renders.iter().zip(&files) {
            for cut in &render.cuts[1..] {
                fs::copy(made, named(out, &cut.file, render.recipe)?.1)?;
            }
        }
        total.wall += began.elapsed().as_secs_f64();
    }
    Ok(total)
}

/// The captions and the file of a cut below `out`; the captions are written, the folder made.
fn named(out: &Path, file: &Path, recipe: &Recipe) -> Result<(PathBuf, PathBuf)> {
    let file = out.join(file);
    fs::create_dir_all(file.parent().context("a cut lies in its platform's folder")?)?;
    let script = file.with_extension("ass");
    fs::write(&script, recipe.script.as_deref().unwrap_or_default())?;
    Ok((script, file))
}

/// Makes sure that a contender made every planned cut with all its frames; the size of all, in MB. A file with several
/// names counts once for each.
pub fn check(tasks: &[Task], out: &Path) -> Result<f64> {
    let mut bytes = 0;
    for cut in tasks.iter().flat_map(|task| &task.plan.cuts) {
        let file = out.join(&cut.file);
        let counted = Command::new("ffprobe")
            .args(["-v", "error", "-select_streams", "v:0", "-count_packets"])
            .args(["-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"])
            .arg(&file)
            .output()?;
        let text = String::from_utf8_lossy(&counted.stdout);
        let frames: i64 =
            text.trim().trim_end_matches(',').parse().with_context(|| format!("{} was not made", file.display()))?;
        let planned = cut.recipe.frames();
        // ffmpeg's own rounding of times to frames may end a script's cut one frame early.
        ensure!((frames - planned).abs() <= 1, "{} has {frames} frames where {planned} were planned", file.display());
        bytes += fs::metadata(&file)?.len();
    }
    Ok(bytes as f64 / 1e6)
}
