//! What supervisor and worker tell each other.

use super::verified::Passed;
use crate::config::Bounds;
use crate::cuts::{self, Limits, Recipe};
use crate::fault::Fault;
use crate::media::faces::{self, Faces};
use crate::media::{self, Probe};
use crate::speech::{self, Loudness, ModelFile, Transcript};
use crate::units::{Size, Span, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// Version of the jobs and messages. Raise it with each change that another version would not understand.
const PROTOCOL: u32 = 2;

/// Who speaks; both sides compare it before anything else is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    version: String,
    /// Of the protocol, and of all that decides what is made.
    made_by: [u32; 5],
}

impl Hello {
    /// This program's.
    pub fn ours() -> Self {
        let made_by = [PROTOCOL, cuts::ENGINE, media::probe::READING, speech::HEARING, faces::LOOK];
        Hello { version: env!("CARGO_PKG_VERSION").to_string(), made_by }
    }
}

/// A job with what is said around it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub hello: Hello,
    /// Whether spans are told.
    pub trace: bool,
    /// Name of the clip's outputs, for spans.
    pub clip: String,
    pub job: Job,
}

/// What a worker is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Takes one [`Job::Read`].
    Read,
    /// Takes [`Job::Listen`] as often as it is asked.
    Listen,
    /// Takes one [`Job::Render`].
    Render,
    /// Takes one [`Job::Check`].
    Check,
    /// Takes [`Job::Frame`] as often as it is asked.
    Frame,
}

impl Kind {
    /// As the command line names it, for whoever looks at the list of processes.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Read => "read",
            Kind::Listen => "listen",
            Kind::Render => "render",
            Kind::Check => "check",
            Kind::Frame => "frame",
        }
    }

    /// What it does with a clip, in words.
    pub fn doing(self) -> &'static str {
        match self {
            Kind::Read => "reads the clip",
            Kind::Listen => "listens to the clip",
            Kind::Render => "renders the clip",
            Kind::Check => "checks a finished file",
            Kind::Frame => "draws a picture of the clip",
        }
    }
}

/// What a worker is to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Job {
    /// Learn what is not known of a clip.
    Read(Box<Read>),
    /// Write down what is said.
    Listen(Box<Listen>),
    /// Make files from a clip, and check each.
    Render(Box<Render>),
    /// Check a file that was published before.
    Check(Box<Part>),
    /// Draw one picture of a cut.
    Frame(Box<Frame>),
}

/// What is to be learned of a clip.
#[derive(Debug, Serialize, Deserialize)]
pub struct Read {
    /// The clip's file.
    #[serde(with = "crate::exact_path")]
    pub clip: PathBuf,
    /// What is too large or too long to be taken.
    pub bounds: Bounds,
    /// What is known of its tracks; without it, it is probed first.
    pub probe: Option<Probe>,
    /// Whether its sound is wanted, and the file that samples are written to if somebody is to listen to them.
    pub sound: Option<Sound>,
    /// Whether faces are looked for.
    pub faces: bool,
    /// Threads of the decoder that looks for faces.
    pub threads: usize,
}

/// Where a clip's sound goes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sound {
    /// 16 kHz mono from the clip's time zero, as little-endian `f32`.
    #[serde(with = "crate::exact_path")]
    pub pcm: PathBuf,
}

/// What is to be listened to.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listen {
    /// The model, which is loaded if it is not yet.
    pub model: ModelFile,
    /// Words that the model is told to expect.
    pub prompt: Option<String>,
    /// ISO 639-1 code, or `auto`.
    pub language: String,
    /// Threads of the model.
    pub threads: usize,
    /// The clip's file name, for the transcript.
    pub clip: String,
    /// See [`Sound::pcm`].
    #[serde(with = "crate::exact_path")]
    pub pcm: PathBuf,
    /// Where somebody speaks: in order, not overlapping.
    pub speech: Vec<Span>,
}

/// What is to be made of a clip, in one pass.
#[derive(Debug, Serialize, Deserialize)]
pub struct Render {
    /// The clip's file.
    #[serde(with = "crate::exact_path")]
    pub clip: PathBuf,
    /// What it holds.
    pub probe: Probe,
    /// See [`crate::media::render::shared_size`]: of all renders of the clip, whichever are missing.
    pub shared: Size,
    /// Threads of the decoder and of shared filters.
    pub threads: usize,
    /// Unique renders.
    pub parts: Vec<Part>,
    /// The cover.
    pub cover: Option<Cover>,
}

/// A file and what it has to be.
#[derive(Debug, Serialize, Deserialize)]
pub struct Part {
    /// What is made.
    pub recipe: Recipe,
    /// The file; temporary, for one that is made.
    #[serde(with = "crate::exact_path")]
    pub file: PathBuf,
    /// What the platforms take that it is for.
    pub limits: Vec<Limits>,
}

/// A cover to be made.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cover {
    /// See [`crate::media::cover::CoverJob`].
    pub recipe: Recipe,
    /// Temporary JPEG file.
    #[serde(with = "crate::exact_path")]
    pub file: PathBuf,
}

/// A picture of a cut.
#[derive(Debug, Serialize, Deserialize)]
pub struct Frame {
    /// The clip's file.
    #[serde(with = "crate::exact_path")]
    pub clip: PathBuf,
    /// What it holds.
    pub probe: Probe,
    /// The cut.
    pub recipe: Recipe,
    /// See [`Render::shared`].
    pub shared: Size,
    /// When, in cut time.
    pub at: Time,
    /// Threads of the decoder and of its filters.
    pub threads: usize,
    /// Temporary JPEG file.
    #[serde(with = "crate::exact_path")]
    pub file: PathBuf,
}

/// What a worker tells.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// The first message.
    Hello(Hello),
    /// Work went on since the message before.
    Alive,
    /// A [`Job::Read`] without a probe: what was found.
    Probed(Result<Box<Probe>, Fault>),
    /// A [`Job::Read`] that asked for the sound: how loud it is, and where somebody speaks. The samples are in their file.
    Heard(Result<(Loudness, Vec<Span>), Fault>),
    /// A [`Job::Read`] that asked for faces; none where nothing could be looked at.
    Seen(Result<Option<Faces>, Fault>),
    /// A [`Job::Listen`]: so much is done, 0.0 to 1.0.
    Listened(f64),
    /// A [`Job::Listen`]: the words.
    Said(Result<Transcript, Fault>),
    /// A [`Job::Render`]: the clip is decoded up to this time.
    At(Time),
    /// A [`Job::Render`]: the last picture was handed out.
    Decoded,
    /// A [`Job::Render`]: the part of this number is made and checked, or failed, and whether at its check.
    Made(usize, Result<Passed, (Fault, bool)>),
    /// A [`Job::Render`] with a cover: whether it is there.
    Cover(Result<(), Fault>),
    /// A [`Job::Check`].
    Checked(Result<Passed, Fault>),
    /// A [`Job::Frame`]: whether it is there.
    Drawn(Result<(), Fault>),
    /// An event for the trace.
    Trace(Value),
    /// The job could not be done at all.
    Failed(Fault),
    /// The job is done.
    Done,
}
