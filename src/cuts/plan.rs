//! The hinge: a plan holds everything that decides the bits of a cut, and nothing that still needs a look-up.

use super::Kept;
use crate::intake::Digest;
use crate::units::{Rate, Rect, Size, Span, Time};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything that will be made from one clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipPlan {
    /// Stem of every file: `razor-bumps`.
    pub name: String,
    /// One entry a platform that gets a cut.
    pub cuts: Vec<CutPlan>,
    /// One entry a platform that gets none.
    pub skipped: Vec<Skipped>,
    /// The still with the question on it; its picture is one of those that are kept. None without any cut.
    pub cover: Option<Recipe>,
    /// What a person should know about this clip, in whole sentences.
    pub notes: Vec<String>,
}

/// A platform that gets no cut of this clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Platform id.
    pub platform: String,
    /// Why, and which setting would change it.
    pub reason: String,
}

/// What one clip becomes on one platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CutPlan {
    /// Platform id.
    pub platform: String,
    /// Where the file goes, relative to the output folder: `tiktok/razor-bumps.mp4`.
    pub file: PathBuf,
    /// What the platform takes; checked again on the finished file.
    pub limits: Limits,
    /// Everything that decides the bits. Cuts with equal recipes share one render.
    pub recipe: Recipe,
}

/// What a platform takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Shortest cut.
    pub min_duration: Time,
    /// Longest cut.
    pub max_duration: Time,
    /// Largest file in bytes.
    pub max_bytes: u64,
}

/// Everything that decides the bits of a render. Its hash, with the engine's version, is the key of the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The clip it is made from.
    pub clip: Digest,
    /// Size of the finished picture.
    pub canvas: Size,
    /// Constant frame rate of the finished picture.
    pub rate: Rate,
    /// The parts of the clip that are shown, one after the other; on frames of `rate`.
    pub kept: Kept,
    /// How long the last picture is held after them, for the end card; zero without one.
    pub hold: Time,
    /// Where the picture goes.
    pub placement: Placement,
    /// Captions, hook, watermark text and end card as a whole ASS document, in cut time; none for a clean cut.
    pub script: Option<String>,
    /// Pictures laid over, in order.
    pub marks: Vec<Mark>,
    /// The sound; none when the clip has none.
    pub sound: Option<Sound>,
    /// How the picture is encoded.
    pub codec: PictureCodec,
}

/// Where the clip's picture goes on the canvas. Source rectangles are in displayed pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// This part of the picture fills the canvas.
    Fill {
        /// Inside the displayed picture, even numbers.
        crop: Rect,
    },
    /// A part of the picture that moves with the speaker fills the canvas.
    Follow {
        /// Size of the part; even numbers.
        size: Size,
        /// Where its top left corner is, in cut time and in order; see [`follow::position`](super::follow::position).
        /// Not empty.
        path: Vec<Waypoint>,
    },
    /// The whole picture stands here, over a blurred copy that fills the canvas.
    Fit {
        /// Inside the canvas, even numbers.
        picture: Rect,
    },
}

/// Where a moving part of the picture is at one moment. Between two waypoints it moves evenly; two at the same moment
/// are a jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waypoint {
    /// When.
    pub at: Time,
    /// Left edge, in [`SUBPIXELS`] of a displayed pixel.
    pub x: u32,
    /// Top edge, likewise.
    pub y: u32,
}

/// A picture laid over the cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// PNG with alpha.
    #[serde(with = "crate::exact_path")]
    pub file: PathBuf,
    /// Its bytes, so that a changed logo is a changed plan.
    pub digest: Digest,
    /// Where it stands on the canvas; the picture is scaled to this size.
    pub place: Rect,
    /// 0.0 to 1.0.
    pub opacity: f64,
    /// When it is seen, in cut time.
    pub span: Span,
}

/// How the sound is mastered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sound {
    /// Gain in dB that brings what is kept to the target before limiting.
    pub gain: f64,
    /// Integrated loudness aimed at, LUFS (ITU-R BS.1770-4); none where the gain is given and nobody asks how loud it gets.
    pub target: Option<f64>,
    /// Highest true peak allowed in the finished file, dBTP; without a target, what peaks are limited to before encoding.
    pub ceiling: f64,
    /// AAC bit rate in kbit/s.
    pub bit_rate: u32,
}

/// How the picture is encoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PictureCodec {
    /// ffmpeg's encoder name: `libx264`.
    pub encoder: String,
    /// x264 preset.
    pub preset: String,
    /// Constant rate factor.
    pub crf: f64,
    /// Peak bit rate, kbit/s, low enough that the whole file stays below the platform's size.
    pub max_rate: u32,
    /// Mean bit rate aimed at instead of `crf`, kbit/s.
    pub target_rate: Option<u32>,
    /// Frames in a closed group of pictures.
    pub gop: u32,
}

impl Recipe {
    /// How long the finished cut is.
    pub fn duration(&self) -> Time {
        self.rate.time_of(self.frames())
    }

    /// Which frame is seen at a moment of the cut; before it the first, after it the last.
    pub fn frame_at(&self, at: Time) -> i64 {
        let nearest = self.rate.frames_in(at);
        let begun = if self.rate.time_of(nearest) > at { nearest - 1 } else { nearest };
        begun.clamp(0, (self.frames() - 1).max(0))
    }

    /// How many frames the finished cut has.
    pub fn frames(&self) -> i64 {
        self.kept.frames(self.rate) + self.rate.frames_in(self.hold)
    }
}

/// How finely a moving part of the picture is placed: steps of a displayed pixel.
pub const SUBPIXELS: u32 = 16;
/// Most gain that is given, in dB; beyond it the room is louder than the voice.
pub const MAX_GAIN: f64 = 30.0;
/// Size of the encoder's rate buffer in seconds of its peak rate.
pub const BUFFER_SECONDS: u32 = 2;
/// Threads of each x264. With more, and a peak rate that binds, the bits depend on which thread happens to be ahead: the
/// same cut came out different in each of six runs. The cores are filled by renders and clips side by side.
pub const ENCODER_THREADS: u32 = 1;
