//! What the pipeline tells while it works. Events hold file names and stages, never what was said.

use super::work::Work;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where a clip is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Stage {
    Intake,
    Probe,
    Speech,
    Plan,
    Render,
    Verify,
    Publish,
}

impl Stage {
    /// As a person reads it: `transcribing`.
    pub fn doing(self) -> &'static str {
        match self {
            Stage::Intake => "looking",
            Stage::Probe => "reading",
            Stage::Speech => "transcribing",
            Stage::Plan => "planning",
            Stage::Render => "rendering",
            Stage::Verify => "checking",
            Stage::Publish => "publishing",
        }
    }

    /// As reports name it: `speech`.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Intake => "intake",
            Stage::Probe => "probe",
            Stage::Speech => "speech",
            Stage::Plan => "plan",
            Stage::Render => "render",
            Stage::Verify => "verify",
            Stage::Publish => "publish",
        }
    }
}

/// One thing that happened. With `--json` each is a line of its own, tagged by `event`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Work on a batch begins.
    Started {
        /// Clips that are whole and taken up.
        clips: usize,
        /// The output folder.
        out: PathBuf,
    },
    /// A model is being downloaded.
    Download {
        /// Name of the model.
        model: String,
        /// Bytes that are there.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A clip entered a stage.
    Entered {
        /// Name of the clip's outputs.
        clip: String,
        /// Which stage.
        stage: Stage,
    },
    /// A clip went on within its stage.
    Progress {
        /// Name of the clip's outputs.
        clip: String,
        /// Which stage.
        stage: Stage,
        /// 0.0 to 1.0.
        done: f64,
        /// Seconds of clip a second.
        speed: f64,
    },
    /// A cut is in its place.
    Published {
        /// Name of the clip's outputs.
        clip: String,
        /// Platform id.
        platform: String,
        /// Relative to the output folder.
        file: PathBuf,
    },
    /// A clip waits for a person: its cuts are made and checked, and wait in `held/`; or they are made once it is approved.
    Held {
        /// Name of the clip's outputs.
        clip: String,
        /// Why, one sentence each, without a stop.
        why: Vec<String>,
        /// The cuts that are made, relative to the output folder.
        files: Vec<PathBuf>,
    },
    /// A clip or one of its cuts failed.
    Failed {
        /// Name of the clip's outputs, or of its file where it has none yet.
        clip: String,
        /// Platform ids, where only some cuts failed.
        platforms: Vec<String>,
        /// Where.
        stage: Stage,
        /// What happened.
        what: String,
        /// What to do next.
        advice: String,
    },
    /// Something a person should know, in a whole sentence.
    Note {
        /// Name of the clip's outputs, where it is about one.
        clip: Option<String>,
        /// The sentence.
        text: String,
    },
    /// All work on a clip is over.
    Finished {
        /// Name of the clip's outputs.
        clip: String,
        /// Cuts that are in their place, or wait in `held/`.
        cuts: usize,
        /// Whether they wait for a person.
        held: bool,
        /// Whether it was all there before.
        unchanged: bool,
        /// Whether it or one of its cuts failed.
        failed: bool,
    },
    /// The batch is over.
    Ended {
        /// Clips in all.
        clips: usize,
        /// Of these, found unchanged.
        unchanged: usize,
        /// Of these, failed in whole or in part.
        failed: usize,
        /// Of these, waiting for a person.
        held: usize,
        /// Cuts that are in their place; those that wait do not count.
        cuts: usize,
        /// Whether somebody stopped it.
        stopped: bool,
        /// What it cost.
        work: Work,
        /// The report's file, where one was written.
        report: Option<PathBuf>,
    },
}

/// Receives events from any thread.
pub type Listener<'a> = &'a (dyn Fn(Event) + Sync);
