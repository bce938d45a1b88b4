//! How the proof that a file is as planned goes from the process that checked it to the one that publishes it.

use crate::fault::{Cancel, Fault};
use crate::intake::{self, Digest};
use crate::media::verify;
use crate::units::Time;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Bytes that are copied at once.
const CHUNK: usize = 1 << 20;

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

/// What a check found of a file that goes to another computer: bound to what the file holds, since how it looks changes on
/// the way. Made of a checked file alone, and read back from what was delivered with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    content: Digest,
    bytes: u64,
    duration: Time,
    loudness: Option<f64>,
    true_peak: Option<f64>,
    damaged: usize,
}

impl Carried {
    /// BLAKE3 of the file.
    pub fn content(&self) -> &Digest {
        &self.content
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
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

    /// Copies the file to `to`, which goes to another computer, and says what its check found of the bytes that went there.
    ///
    /// # Errors
    /// It cannot be read or written, or is not the file that was checked any more.
    pub fn carry(&self, to: &mut impl Write) -> io::Result<Carried> {
        let (mut file, mut hasher) = (File::open(&self.file)?, blake3::Hasher::new());
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(&chunk[..count]);
                    to.write_all(&chunk[..count])?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if Looks::of(&self.file) != Some(self.passed.looks) {
            return Err(io::Error::other(changed().what().to_string()));
        }
        let content = Digest(hasher.finalize().to_hex().to_string());
        let Passed { looks, duration, loudness, true_peak, damaged } = self.passed.clone();
        Ok(Carried { content, bytes: looks.bytes, duration, loudness, true_peak, damaged })
    }

    /// The file that was carried here, once its bytes are those that a check passed on another computer.
    ///
    /// # Errors
    /// They are not; the file cannot be read; [`Fault::Cancelled`].
    pub fn arrived(carried: Carried, file: &Path, cancel: &Cancel) -> Result<Self, Fault> {
        let before = Looks::of(file);
        let content = intake::digest(file, cancel)?;
        let looks = Looks::of(file).filter(|now| Some(*now) == before).ok_or_else(changed)?;
        if content != carried.content || looks.bytes != carried.bytes {
            let what = "a finished file that was delivered is not the one that was checked: it was damaged on the way";
            return Err(Fault::new(what, "submit again, and check the disk that the folder is on"));
        }
        let Carried { duration, loudness, true_peak, damaged, .. } = carried;
        let passed = Passed { looks, duration, loudness, true_peak, damaged };
        Ok(Verified { file: file.to_path_buf(), passed })
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

    #[test]
    fn a_file_that_was_carried_has_to_arrive_bit_by_bit() {
        let folder = tempfile::tempdir().unwrap();
        let (file, there) = (folder.path().join("cut.mp4"), folder.path().join("there.mp4"));
        fs::write(&file, "checked").unwrap();
        let looks = Looks::of(&file).unwrap();
        let passed = Passed { looks, duration: Time(5), loudness: Some(-14.0), true_peak: None, damaged: 2 };
        let verified = Verified::receive(passed, &file).unwrap();
        let mut bytes = Vec::new();
        let carried = verified.carry(&mut bytes).unwrap();
        let told: Carried = serde_json::from_str(&serde_json::to_string(&carried).unwrap()).unwrap();
        fs::write(&there, &bytes).unwrap();
        let arrived = Verified::arrived(told.clone(), &there, &Cancel::new()).unwrap();
        assert_eq!((arrived.bytes(), arrived.damaged(), arrived.loudness()), (7, 2, Some(-14.0)));
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&there, &damaged).unwrap();
            assert!(Verified::arrived(told.clone(), &there, &Cancel::new()).is_err(), "{bit}");
        }
        fs::write(&there, &bytes[..6]).unwrap();
        assert!(Verified::arrived(told, &there, &Cancel::new()).is_err());
        // What was written to since its check is not carried.
        fs::write(&file, "CHECKED, and more").unwrap();
        assert!(verified.carry(&mut Vec::new()).is_err());
    }
}
