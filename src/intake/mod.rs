//! The inbox: which files are clips, whether they are whole, which question each answers. Reads the inbox, never
//! writes to it.
//!
//! ```text
//! survey   -> Candidate     a file that looks like a clip by its name and place
//! Looks    -> Readiness     whether it has come to rest and its container opens whole
//! digest   -> Digest        what it holds, from the cache where the file has not changed
//! sources  -> ClipSource    with its name in the output folder and the question that it answers
//! ```

use crate::captions::Subtitle;
use crate::config::ClipSettings;
use crate::fault::Fault;
use crate::speech::Word;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

mod container;
mod digest;
mod exact_words;
mod given;
mod names;
mod questions;
mod scan;
mod settled;
mod sight;
mod telling;
mod vigil;
mod writers;

pub use container::{Wholeness, inspect};
pub use digest::{DigestCache, digest};
pub use given::{given_transcript, transcript_of};
pub use names::unique_names;
pub use questions::{SHOT_LIST, questions_of, sources};
pub use scan::{Candidate, Stranger, Survey, TEXTS, apart, name_of, natural, survey};
pub use settled::{Looked, Looks, Readiness, SETTLE, settle};
pub use sight::{Drive, Places};
pub use vigil::{Seen, Sight, Texts, Vigil};

/// BLAKE3 of a file's bytes, as 64 hex digits. A clip is what its bytes are: never its name, size or date.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

/// A settled file in the inbox, with its sidecars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipSource {
    /// Where it lies.
    #[serde(with = "crate::exact_path")]
    pub path: PathBuf,
    /// Stem of every file made from it; unique in the inbox: `razor-bumps`.
    pub name: String,
    /// What it holds.
    pub digest: Digest,
    /// Size in bytes and date of change when that was found out; none where nobody looked.
    pub looked: Option<(u64, SystemTime)>,
    /// The question that it answers, where the inbox says so (questions.csv, a sidecar, a telling file name).
    pub question: Option<String>,
    /// What is different for this clip, from its own `<clip>.toml` and what was chosen beside its transcript.
    pub settings: ClipSettings,
    /// What is known of its words without listening.
    pub texts: KnownTexts,
}

impl ClipSource {
    /// The question that it answers as far as a person said so: for this clip, else in the inbox. Empty where a person said
    /// that it answers none.
    pub fn asked(&self) -> Option<&str> {
        self.settings.question.as_deref().or(self.question.as_deref())
    }

    /// Whether the file still is the one that the digest is of. To be asked after the file was read and before anything
    /// is kept or published under its digest.
    ///
    /// # Errors
    /// It was changed, another one has its name, or it was taken away: perhaps since it should not be posted.
    pub fn check_unchanged(&self) -> Result<(), Fault> {
        let name = name_of(&self.path);
        let Ok(about) = fs::symlink_metadata(&self.path) else {
            let what = format!("{name} was taken away while it was worked on");
            return Err(Fault::new(what, "put it back into the folder and run again"));
        };
        let now = about.modified().map(|modified| (about.len(), modified)).ok();
        match (self.looked, now) {
            (Some(before), Some(now)) if before != now => {
                let what = format!("{name} changed while it was worked on");
                Err(Fault::new(what, "wait until it is copied, and run again"))
            }
            _ => Ok(()),
        }
    }
}

/// What is known of a clip's words without listening.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KnownTexts {
    /// What the speaker meant to say, from `<clip>.txt` beside the clip.
    pub script: Option<String>,
    /// A transcript that was given with `--transcript`.
    pub given: Option<GivenTranscript>,
    /// The captions as a person corrected them in the output folder.
    pub corrected: Option<Vec<Subtitle>>,
}

/// A transcript that somebody else made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GivenTranscript {
    /// An SRT or WebVTT file.
    Captions(Vec<Subtitle>),
    /// A transcript as Housecall writes it, with a time for each word.
    Words(#[serde(with = "exact_words")] Vec<Word>),
}
