//! What a rule found.

use crate::units::Span;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Words that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which rule found it: `name-after-title`.
    pub rule: String,
    /// What is at stake.
    pub category: Category,
    /// Whether the clip waits for a person.
    pub severity: Severity,
    /// Where the words stand.
    pub place: Place,
    /// The words as they are written there.
    pub words: String,
    /// When they are spoken, in clip time; none in written text.
    pub span: Option<Span>,
    /// What to do, for the person who reads it.
    pub advice: String,
}

/// What is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Something may tell who a patient is.
    Privacy,
    /// Something promises more than a practice can keep, or advertises without saying so.
    Claims,
    /// Something that a patient may act on and that has to be right.
    Care,
    /// Something that a platform does not take.
    Platform,
}

/// What a finding does to the clip. The stronger one is the greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It is shown in the report and blocks nothing.
    Note,
    /// The clip waits until a person has looked.
    Hold,
}

/// Where the words stand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// What is said, and so what the captions show.
    Transcript,
    /// The question that stands at the start of the clip.
    Question,
    /// What stands at the start of the clip instead of the question.
    Hook,
    /// Title and text of a post; the platform's id.
    Post(String),
    /// The clip's file name, which the cuts carry on.
    FileName,
}

impl fmt::Display for Place {
    /// As the report names it: `the post for tiktok`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Transcript => f.write_str("what is said"),
            Place::Question => f.write_str("the question"),
            Place::Hook => f.write_str("the hook"),
            Place::Post(platform) => write!(f, "the post for {platform}"),
            Place::FileName => f.write_str("the file name"),
        }
    }
}
