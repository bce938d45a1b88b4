//! What became of a clip, as a person reads it.

use crate::cuts::{Limits, Skipped};
use crate::fault::Fault;
use crate::pipeline::{Good, Signoff, Stage, Standing};
use crate::speech::Word;
use crate::units::{Size, Time};
use crate::wording::{Departure, Origin, PostText, Replaced};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything that a person may want to know about one clip. Holds no value of any private metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipReport {
    /// Stem of every file made from it: `razor-bumps`.
    pub name: String,
    /// File name of the clip, without its folder.
    pub file: String,
    /// The question that it answers, if anyone knows it.
    pub question: Option<String>,
    /// What became of it as a whole.
    pub state: ClipState,
    /// How long the clip is; none when it could not be read.
    pub duration: Option<Time>,
    /// What the captions say; empty when nobody speaks.
    pub transcript: Vec<Word>,
    /// Where those words come from.
    pub origin: Origin,
    /// Where they differ from what was heard, by glossary and rules.
    pub replaced: Vec<Replaced>,
    /// Where the speaker left the script.
    pub departures: Vec<Departure>,
    /// What was flagged in it, and whether it waits for a person.
    pub signoff: Signoff,
    /// Everything that belongs beside a platform's name: cuts, texts, cover.
    pub goods: Vec<Good>,
    /// Picture with the question on it, relative to the output folder: `covers/razor-bumps.jpg`.
    pub cover: Option<PathBuf>,
    /// One entry a platform that was to get a cut.
    pub cuts: Vec<CutReport>,
    /// One entry a platform that gets none.
    pub skipped: Vec<Skipped>,
    /// What else a person should know, in whole sentences.
    pub notes: Vec<String>,
    /// Kinds of private metadata that the clip carries and no cut does: `location`, `device`. Never values.
    pub removed: Vec<String>,
}

/// What became of a clip as a whole; single cuts may still have failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClipState {
    /// It went through all stages in this run.
    Done,
    /// Everything was there already from an earlier run.
    Unchanged,
    /// A stage failed, so that no cut was made.
    Failed {
        /// Where: `intake`, `probe`, `speech`.
        stage: String,
        /// What happened, without a stop.
        what: String,
        /// What to do next, without a stop.
        advice: String,
    },
}

/// What became of one cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CutReport {
    /// Platform id.
    pub platform: String,
    /// Where the cut is, relative to the output folder: `tiktok/razor-bumps.mp4`, `held/tiktok/razor-bumps.mp4`.
    pub file: PathBuf,
    /// Whether it is there.
    pub state: CutState,
    /// Size of the picture.
    pub canvas: Size,
    /// Size of the file; 0 when there is none.
    pub bytes: u64,
    /// How long it is, as measured, or as planned when it failed.
    pub duration: Time,
    /// Integrated loudness as measured, LUFS (ITU-R BS.1770-4); none without sound.
    pub loudness: Option<f64>,
    /// True peak as measured, dBTP; none without sound.
    pub true_peak: Option<f64>,
    /// What the platform takes.
    pub limits: Limits,
    /// Ids of the other platforms that get the same picture and sound.
    pub shared_with: Vec<String>,
    /// What to paste beside it.
    pub post: Option<PostText>,
}

/// Whether a cut is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CutState {
    /// Checked and in its place.
    Published,
    /// Checked, and waiting in `held/` for a person.
    Held,
    /// Not made yet: it is once somebody approved the clip, or when its turn comes.
    Unmade,
    /// It could not be made, or did not pass its checks.
    Failed {
        /// What happened, without a stop.
        what: String,
        /// What to do next, without a stop.
        advice: String,
        /// The file that did not pass, relative to the output folder, for a person to look at.
        kept: Option<PathBuf>,
    },
}

impl ClipReport {
    /// Of a clip that failed as a whole, at a stage; `clip` is the name of its outputs, or of its file where it has none.
    pub fn failed(clip: &str, file: &str, stage: Stage, fault: &Fault) -> Self {
        let (what, advice) = (fault.what().to_string(), fault.advice().to_string());
        ClipReport::bare(clip, file, ClipState::Failed { stage: stage.name().into(), what, advice })
    }

    /// Of a clip of which nothing is known but what became of it.
    pub fn bare(clip: &str, file: &str, state: ClipState) -> Self {
        ClipReport {
            name: clip.to_string(),
            file: file.to_string(),
            question: None,
            state,
            duration: None,
            transcript: Vec::new(),
            origin: Origin::Heard,
            replaced: Vec::new(),
            departures: Vec::new(),
            signoff: Signoff::default(),
            goods: Vec::new(),
            cover: None,
            cuts: Vec::new(),
            skipped: Vec::new(),
            notes: Vec::new(),
            removed: Vec::new(),
        }
    }

    /// How many cuts are in their place.
    pub fn published(&self) -> usize {
        self.cuts.iter().filter(|cut| cut.state == CutState::Published).count()
    }

    /// How many cuts are in their place or wait.
    pub fn made(&self) -> usize {
        self.cuts.iter().filter(|cut| matches!(cut.state, CutState::Published | CutState::Held)).count()
    }

    /// Whether any cut was left for later.
    pub fn has_unmade(&self) -> bool {
        self.cuts.iter().any(|cut| cut.state == CutState::Unmade)
    }

    /// Whether the clip or any of its cuts failed.
    pub fn has_failure(&self) -> bool {
        let failed = |cut: &CutReport| matches!(cut.state, CutState::Failed { .. });
        matches!(self.state, ClipState::Failed { .. }) || self.cuts.iter().any(failed)
    }

    /// Whether the clip waits for a person. One that could not be made at all waits for nobody.
    pub fn is_held(&self) -> bool {
        self.signoff.standing.is_held() && !matches!(self.state, ClipState::Failed { .. })
    }

    /// The same without what is said, posted and made: who it is, what failed and what is still to be made. It takes a
    /// hundredth of the room.
    pub fn in_brief(self) -> Self {
        let of_note = |cut: &CutReport| matches!(cut.state, CutState::Failed { .. } | CutState::Unmade);
        let cuts = self.cuts.into_iter().filter(of_note).map(|cut| CutReport { post: None, ..cut }).collect();
        let Signoff { consent, require, standing, .. } = self.signoff;
        let signoff = Signoff { consent, require, standing, ..Signoff::default() };
        ClipReport {
            question: None,
            transcript: Vec::new(),
            replaced: Vec::new(),
            departures: Vec::new(),
            signoff,
            goods: Vec::new(),
            cover: None,
            cuts,
            skipped: Vec::new(),
            notes: Vec::new(),
            removed: Vec::new(),
            ..self
        }
    }

    /// The same clip with another standing: its cuts and its cover are where they belong then.
    pub fn standing(self, standing: Standing) -> Self {
        let shelf = standing.shelf();
        let cuts = self.cuts.into_iter().map(|cut| match cut.state {
            CutState::Failed { .. } => cut,
            CutState::Unmade => CutReport { file: shelf.place(&cut.file), ..cut },
            CutState::Published | CutState::Held => {
                let state = if standing.is_held() { CutState::Held } else { CutState::Published };
                CutReport { state, file: shelf.place(&cut.file), ..cut }
            }
        });
        let (cuts, cover) = (cuts.collect(), self.cover.map(|cover| shelf.place(&cover)));
        ClipReport { cuts, cover, signoff: Signoff { standing, ..self.signoff }, ..self }
    }
}
