//! How the proof that a file is as planned goes from the process that checked it to the one that publishes it.

use crate::fault::Fault;
use crate::media::verify;
use crate::units::Time;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What a worker's check found of a file that passed it. Made by a check alone, and read from a worker's message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passed {
    looks: Looks,
    duration: Time,
    /// Silence has no loudness, and JSON no infinity.
    loudness: Option<f64>,
    true_peak: Option<f64>,
    damaged: usize,
}

/// How a file looks from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Looks {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: u64,
    /// 0 where the system has none.
    inode: u64,
}

impl Looks {
    /// Of a file, if it is there.
    pub fn of(file: &Path) -> Option<Self> {
        let about = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
        let modified = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&about);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Looks { bytes: about.len(), modified: u64::try_from(modified).ok()?, inode })
    }
}

impl Passed {
    /// Of a file that looked so before it was checked.
    ///
    /// # Errors
    /// It looks different now: somebody else wrote to it.
    pub(super) fn of(verified: &verify::Verified, before: Option<Looks>) -> Result<Self, Fault> {
        let looks = Looks::of(verified.file()).filter(|now| Some(*now) == before).ok_or_else(changed)?;
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        Ok(Passed {
            looks,
            duration: verified.duration,
            loudness: verified.sound.and_then(|sound| finite(sound.loudness)),
            true_peak: verified.sound.and_then(|sound| finite(sound.true_peak)),
            damaged: verified.damaged,
        })
    }
}

/// A file that a worker has read again and that keeps its plan. Only this can be published.
#[derive(Debug)]
pub struct Verified {
    file: PathBuf,
    passed: Passed,
}

impl Verified {
    /// The file that a worker's check passed.
    ///
    /// # Errors
    /// It is not the file that was checked any more.
    pub fn receive(passed: Passed, file: &Path) -> Result<Self, Fault> {
        match Looks::of(file) {
            Some(looks) if looks == passed.looks => Ok(Verified { file: file.to_path_buf(), passed }),
            _ => Err(changed()),
        }
    }

    /// The checked file, still under its temporary name.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        self.passed.looks.bytes
    }

    /// Duration of the picture.
    pub fn duration(&self) -> Time {
        self.passed.duration
    }

    /// Integrated loudness in LUFS, as decoded from the file; none for silence or without sound.
    pub fn loudness(&self) -> Option<f64> {
        self.passed.loudness
    }

    /// True peak in dBTP, likewise.
    pub fn true_peak(&self) -> Option<f64> {
        self.passed.true_peak
    }

    /// Pictures of the clip that were damaged and were bridged or patched on the way; 0 for a file that was there.
    pub fn damaged(&self) -> usize {
        self.passed.damaged
    }
}

fn changed() -> Fault {
    let advice = "run again; if it happens again, see which other program writes to the output folder";
    Fault::new("the finished file was changed while it was checked", advice)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_that_is_not_the_one_that_was_checked_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cut.mp4");
        fs::write(&file, "checked").unwrap();
        let looks = Looks::of(&file).unwrap();
        let passed = Passed { looks, duration: Time::ZERO, loudness: None, true_peak: None, damaged: 0 };
        let told: Passed = serde_json::from_str(&serde_json::to_string(&passed).unwrap()).unwrap();
        assert_eq!(Verified::receive(told, &file).unwrap().bytes(), 7);
        fs::write(&file, "CHECKED, and more").unwrap();
        assert!(Verified::receive(passed.clone(), &file).is_err());
        fs::remove_file(&file).unwrap();
        assert!(Verified::receive(passed, &file).is_err());
    }
}
