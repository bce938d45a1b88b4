//! The record of who decided what about which clip: append-only, one line a decision, never rewritten.
//!
//! Each line carries its checksum and that of the line before it, so that a line that was changed or taken out shows.

use super::durable::sync_folder;
use super::signoff::{Decision, Subject};
use crate::fault::{Fault, cannot_write};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It may be posted as it is.
    Approve,
    /// It has to wait.
    Hold,
}

/// A decision about a clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// Name of the clip's outputs.
    pub clip: String,
    /// What was decided.
    pub action: Action,
    /// Who, when, why.
    #[serde(flatten)]
    pub decision: Decision,
    /// What it was decided about.
    #[serde(flatten)]
    pub subject: Subject,
    /// Where the patient's consent is filed.
    pub consent: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    signed: Signed,
    /// Checksum of the line before; empty in the first.
    after: String,
}

/// All decisions in an output folder.
#[derive(Debug)]
pub struct Record {
    file: PathBuf,
    last: HashMap<String, Signed>,
    /// Checksum of the last whole line.
    sum: String,
    whole: bool,
    torn: bool,
}

impl Record {
    /// Reads the record in the state folder; one that is not there is empty. A line that was torn or changed does not
    /// count.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn open(state: &Path) -> Result<Self, Fault> {
        let file = state.join("record.ndjson");
        let text = match fs::read(&file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => {
                let what = format!("the record of approvals {} cannot be read ({e})", file.display());
                return Err(Fault::new(what, "close the program that has it open, and run again"));
            }
        };
        let torn = !text.is_empty() && !text.ends_with('\n');
        let mut record = Record { file, last: HashMap::new(), sum: String::new(), whole: true, torn };
        let mut damaged = false;
        for line in text.split_inclusive('\n') {
            // A last line without its end was never written whole, so that nothing was decided by it.
            let (line, ended) = line.strip_suffix('\n').map_or((line, false), |line| (line, true));
            let whole = line.split_once(' ').filter(|(sum, body)| checksum(body) == *sum);
            let Some((sum, line)) = whole.and_then(|(sum, body)| Some((sum, serde_json::from_str::<Line>(body).ok()?)))
            else {
                damaged |= ended;
                continue;
            };
            damaged = false;
            record.whole &= line.after == record.sum;
            record.sum = sum.to_string();
            record.last.insert(line.signed.clip.clone(), line.signed);
        }
        // Where others follow, the next line says that one is missing.
        record.whole &= !damaged;
        Ok(record)
    }

    /// What was decided last about a clip.
    pub fn last(&self, clip: &str) -> Option<&Signed> {
        self.last.get(clip)
    }

    /// Whether every line follows the one that it was written after.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Adds a decision and makes sure that it is on the disk. Whoever calls has the output folder's lock.
    ///
    /// # Errors
    /// The disk takes nothing.
    pub fn append(&mut self, signed: Signed) -> Result<(), Fault> {
        let line = Line { signed, after: self.sum.clone() };
        let body = serde_json::to_string(&line)
            .map_err(|e| Fault::new(format!("the record of approvals cannot be written ({e})"), "report this"))?;
        // A torn last line must not swallow this one.
        let start = if self.torn { "\n" } else { "" };
        let sum = checksum(&body);
        let put = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().create(true).append(true).open(&self.file)?;
            file.write_all(format!("{start}{sum} {body}\n").as_bytes())?;
            file.sync_all()?;
            // Files are moved next, and their approval must not be lost where they are not.
            sync_folder(self.file.parent().unwrap_or(Path::new(".")))
        };
        put().map_err(|e| cannot_write(&self.file, &e))?;
        (self.sum, self.torn) = (sum, false);
        self.last.insert(line.signed.clip.clone(), line.signed);
        Ok(())
    }
}

/// The first 32 hex digits of the BLAKE3 of a line.
fn checksum(body: &str) -> String {
    blake3::hash(body.as_bytes()).to_hex()[..32].to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn signed(clip: &str, action: Action) -> Signed {
        let decision = Decision { by: Some("Ana".into()), at: "2026-11-22T12:00:00Z".into(), note: None };
        Signed { clip: clip.into(), action, decision, subject: Subject::default(), consent: None }
    }

    #[test]
    fn the_last_decision_counts_and_earlier_lines_stay() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::open(folder.path()).unwrap();
        record.append(signed("a", Action::Approve)).unwrap();
        let before = fs::read(folder.path().join("record.ndjson")).unwrap();
        record.append(signed("a", Action::Hold)).unwrap();
        let after = fs::read(folder.path().join("record.ndjson")).unwrap();
        assert!(after.starts_with(&before) && after.len() > before.len());
        let record = Record::open(folder.path()).unwrap();
        assert_eq!(record.last("a").map(|s| s.action), Some(Action::Hold));
        assert!(record.is_whole() && record.last("b").is_none());
    }

    #[test]
    fn a_torn_line_loses_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("record.ndjson");
        let mut record = Record::open(folder.path()).unwrap();
        record.append(signed("a", Action::Approve)).unwrap();
        let first = fs::read(&file).unwrap().len();
        record.append(signed("a", Action::Hold)).unwrap();
        let all = fs::read(&file).unwrap();
        for length in first + 1..all.len() - 1 {
            fs::write(&file, &all[..length]).unwrap();
            let mut record = Record::open(folder.path()).unwrap();
            assert_eq!(record.last("a").map(|s| s.action), Some(Action::Approve), "{length}");
            record.append(signed("b", Action::Hold)).unwrap();
            let record = Record::open(folder.path()).unwrap();
            assert!(record.is_whole() && record.last("b").is_some(), "{length}");
        }
    }

    #[test]
    fn a_line_that_was_changed_or_taken_out_shows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("record.ndjson");
        let mut record = Record::open(folder.path()).unwrap();
        for clip in ["a", "b", "c"] {
            record.append(signed(clip, Action::Approve)).unwrap();
        }
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replacen("\"clip\":\"b\"", "\"clip\":\"z\"", 1)).unwrap();
        let record = Record::open(folder.path()).unwrap();
        assert!(!record.is_whole() && record.last("z").is_none() && record.last("c").is_some());
        // Nothing follows the last one, and it may have held the clip.
        fs::write(&file, text.replacen("\"clip\":\"c\"", "\"clip\":\"z\"", 1)).unwrap();
        assert!(!Record::open(folder.path()).unwrap().is_whole());
        let without: String = text.split_inclusive('\n').skip(1).collect();
        fs::write(&file, without).unwrap();
        assert!(!Record::open(folder.path()).unwrap().is_whole());
    }
}
