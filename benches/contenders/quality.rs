//! How close each contender's files come to the clip, and what decoding and encoding cost by themselves.
//!
//! The pictures that all are compared with come from the clip in one step after the other at full size, with the same
//! crop, captions and watermark, and are never coded. HDR is brought to SDR by Housecall's definition of the curve, as a
//! table of 65 nodes for `lut3d`: ffmpeg's own filters bend with the same curve, but do not cut off what BT.709 cannot show.

use crate::commands::{self, Author};
use crate::common;
use crate::task::Task;
use anyhow::{Context, Result, ensure};
use housecall::cuts::{self, Recipe, Render};
use housecall::media::Transfer;
use housecall::media::tone::ToneMap;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Nodes of the table a side.
const NODES: usize = 65;

/// How close a contender's file comes to the pictures before the encode (Wang et al. 2004, as FFmpeg's `ssim` has it); 1
/// is equal.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Closeness {
    /// Of luma alone, mean over all renders.
    pub luma: f64,
    /// Of luma and chroma, mean over all renders.
    pub all: f64,
    /// Of luma, for the worst render.
    pub worst: f64,
}

/// The least that anybody could spend.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Floor {
    /// Decoding each clip once, processor seconds.
    pub decode_s: f64,
    /// Encoding each unique render from finished pictures, less the reading of these, processor seconds.
    pub encode_s: f64,
    /// Reading the finished pictures, which is not counted, processor seconds.
    pub reading_s: f64,
}

impl Floor {
    /// Processor seconds in all.
    pub fn cpu_s(&self) -> f64 {
        self.decode_s + self.encode_s
    }

    /// Both together.
    pub fn with(self, other: Floor) -> Floor {
        Floor {
            decode_s: self.decode_s + other.decode_s,
            encode_s: self.encode_s + other.encode_s,
            reading_s: self.reading_s + other.reading_s,
        }
    }
}

/// The finished pictures of a clip, uncoded, one file a render.
pub struct Reference<'a> {
    task: &'a Task,
    renders: Vec<Render<'a>>,
    folder: PathBuf,
}

impl<'a> Reference<'a> {
    /// Makes the pictures in `folder`.
    pub fn new(task: &'a Task, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let table = folder.join("curve.cube");
        if task.probe.video.colour.transfer != Transfer::Sdr {
            fs::write(&table, common::cube(&ToneMap::new(&task.probe.video.colour), NODES))?;
        }
        let reference = Reference { task, renders: task.renders(), folder: folder.into() };
        let mut files = Vec::new();
        for (i, render) in reference.renders.iter().enumerate() {
            let script = folder.join(format!("{i}.ass"));
            fs::write(&script, render.recipe.script.as_deref().unwrap_or_default())?;
            files.push((script, reference.file(i)));
        }
        let renders: Vec<&Render> = reference.renders.iter().collect();
        common::measure(&mut commands::cut(Author::Reference(&table), task, &renders, &files)?, &[0])?;
        Ok(reference)
    }

    fn file(&self, i: usize) -> PathBuf {
        self.folder.join(format!("{i}.yuv"))
    }

    /// Input options that read a render's pictures.
    fn read(&self, command: &mut Command, i: usize) {
        let Recipe { canvas, rate, .. } = self.renders[i].recipe;
        command.args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", &format!("{}x{}", canvas.width, canvas.height)]);
        command.args(["-framerate", &format!("{}/{}", rate.num, rate.den), "-i"]).arg(self.file(i));
    }

    /// For each render of a contender's folder the SSIM of luma and of all.
    pub fn closeness(&self, out: &Path) -> Result<Vec<(f64, f64)>> {
        (0..self.renders.len()).map(|i| self.ssim(i, &out.join(&self.renders[i].cuts[0].file))).collect()
    }

    fn ssim(&self, i: usize, file: &Path) -> Result<(f64, f64)> {
        let rate = self.renders[i].recipe.rate;
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-hide_banner", "-i"]).arg(file);
        self.read(&mut command, i);
        // Compared picture by picture, whatever the container says of their times.
        let count = format!("settb={}/{},setpts=N", rate.den, rate.num);
        command.arg("-lavfi");
        command.arg(format!("[0:v]{count},format=yuv420p[made];[1:v]{count}[wanted];[made][wanted]ssim=shortest=1"));
        let told = command.args(["-f", "null", "-"]).output()?;
        let text = String::from_utf8_lossy(&told.stderr);
        ensure!(told.status.success(), "{} could not be compared: {text}", file.display());
        let value = |name: &str| -> Result<f64> {
            let line = text.lines().rfind(|line| line.contains("SSIM Y:")).context("ffmpeg told no SSIM")?;
            let (_, behind) = line.split_once(name).context("an SSIM of another kind")?;
            Ok(behind.split_whitespace().next().unwrap_or_default().parse()?)
        };
        Ok((value(" Y:")?, value(" All:")?))
    }

    /// What decoding once and each encode cost by themselves.
    pub fn floor(&self) -> Result<Floor> {
        let mut decode = commands::ffmpeg();
        decode.arg("-noautorotate");
        commands::kept(&mut decode, self.task, self.renders[0].recipe);
        decode.args(["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "null", "-"]);
        let mut floor = Floor { decode_s: common::measure(&mut decode, &[0])?.cpu, ..Floor::default() };
        let file = self.folder.join("floor.mp4");
        for (i, render) in self.renders.iter().enumerate() {
            let mut reading = commands::ffmpeg();
            self.read(&mut reading, i);
            let read = common::measure(reading.args(["-f", "null", "-"]), &[0])?.cpu;
            let mut encode = commands::ffmpeg();
            self.read(&mut encode, i);
            commands::encoder(&mut encode, render.recipe, Some(cuts::ENCODER_THREADS));
            floor.encode_s += common::measure(encode.arg(&file), &[0])?.cpu - read;
            floor.reading_s += read;
        }
        Ok(floor)
    }
}

impl Drop for Reference<'_> {
    fn drop(&mut self) {
        // Gigabytes; what is left goes with the benchmark's own folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The mean over all renders.
pub fn mean(each: &[(f64, f64)]) -> Option<Closeness> {
    let count = each.len() as f64;
    (!each.is_empty()).then(|| Closeness {
        luma: each.iter().map(|(luma, _)| luma).sum::<f64>() / count,
        all: each.iter().map(|(_, all)| all).sum::<f64>() / count,
        worst: each.iter().map(|(luma, _)| *luma).fold(1.0, f64::min),
    })
}
