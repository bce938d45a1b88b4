//! The inbox: which files are clips, whether they are whole, which question each answers. Reads the inbox, never
//! writes to it.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// BLAKE3 of a file's bytes, as 64 hex digits. A clip is what its bytes are: never its name, size or date.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

/// A settled file in the inbox, with its sidecars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipSource {
    /// Where it lies.
    pub path: PathBuf,
    /// Stem of every file made from it; unique in the inbox: `razor-bumps`.
    pub name: String,
    /// What it holds.
    pub digest: Digest,
    /// The question that it answers, where the inbox says so (questions.csv, a sidecar, a telling file name).
    pub question: Option<String>,
}
