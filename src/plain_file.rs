//! Small files that people write: read whole, and never without bounds.
//!
//! A folder may hold anything under the name of a settings file: a video, a pipe that nobody writes to, a device without
//! an end. None of these may hang the program or fill its memory.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Settings, lists and scripts larger than this are something else by mistake.
pub const MOST_SETTINGS: u64 = 1 << 20;
/// Subtitles and transcripts larger than this are something else by mistake: an hour of words with their times is 1 MB.
pub const MOST_WORDS: u64 = 16 << 20;

/// All bytes of a regular file.
///
/// # Errors
/// As the system reports them; [`ErrorKind::InvalidInput`] for what is no regular file, [`ErrorKind::FileTooLarge`] for
/// more than `most` bytes.
pub fn bytes(file: &Path, most: u64) -> Result<Vec<u8>> {
    // Asked before it is opened: opening a pipe waits for whoever writes to it.
    if !fs::metadata(file)?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is no plain file"));
    }
    let mut bytes = Vec::new();
    File::open(file)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Error::new(ErrorKind::FileTooLarge, "it is too large to be what its name says"));
    }
    Ok(bytes)
}

/// All of a regular file as text.
///
/// # Errors
/// As [`bytes`]; [`ErrorKind::InvalidData`] for what is not UTF-8.
pub fn text(file: &Path, most: u64) -> Result<String> {
    String::from_utf8(bytes(file, most)?).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_plain_files_within_bounds_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        fs::write(&file, b"name = 1").unwrap();
        assert_eq!(text(&file, 8).unwrap(), "name = 1");
        let kind = |file: &Path, most| text(file, most).unwrap_err().kind();
        assert_eq!(kind(&file, 7), ErrorKind::FileTooLarge);
        assert_eq!(kind(folder.path(), 7), ErrorKind::InvalidInput);
        assert_eq!(kind(&folder.path().join("absent"), 7), ErrorKind::NotFound);
        fs::write(&file, [0xFF]).unwrap();
        assert_eq!(kind(&file, 7), ErrorKind::InvalidData);
        if cfg!(unix) {
            assert_eq!(kind(Path::new("/dev/zero"), 7), ErrorKind::InvalidInput);
        }
    }
}
