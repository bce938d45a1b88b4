//! Opening what somebody else put into a folder: regular files alone, without ever waiting for the other end of a pipe;
//! and small files that people write, read whole and never without bounds.
//!
//! The folder of clips belongs to people, and may hold anything under the name of a clip or a settings file: a video, a pipe
//! that nobody writes to, a device without an end. Between the moment a file was seen and the moment it is opened, anybody
//! may have put another thing in its place, so what counts is what the open file says that it is.

use std::fs::{self, File, FileType};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Settings, lists and scripts larger than this are something else by mistake.
pub const MOST_SETTINGS: u64 = 1 << 20;
/// Subtitles and transcripts larger than this are something else by mistake: an hour of words with their times is 1 MB.
pub const MOST_WORDS: u64 = 16 << 20;

/// What is done about a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// It is followed: a person named this file, or keeps settings in it.
    Followed,
    /// It is refused: the file lies in a folder that nothing may lead out of.
    Refused,
}

/// Opens a regular file of a folder of clips for reading; a link is none.
///
/// # Errors
/// As [`File::open`]; [`ErrorKind::InvalidInput`] for everything that is no regular file: links, folders, pipes, sockets,
/// devices.
pub fn open(path: &Path) -> Result<File> {
    open_with(path, Links::Refused)
}

fn open_with(path: &Path, links: Links) -> Result<File> {
    // Opening alone already means something to some devices (a tape winds back), so they are not even opened.
    let about = if links == Links::Refused { fs::symlink_metadata(path)? } else { fs::metadata(path)? };
    refuse(about.file_type())?;
    let file = without_waiting(path, links)?;
    refuse(file.metadata()?.file_type())?;
    Ok(file)
}

/// All bytes of a regular file.
///
/// # Errors
/// As [`open`]; [`ErrorKind::FileTooLarge`] for more than `most` bytes.
pub fn bytes(file: &Path, most: u64, links: Links) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_with(file, links)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Error::new(ErrorKind::FileTooLarge, "it is too large to be what its name says"));
    }
    Ok(bytes)
}

/// All of a regular file as text.
///
/// # Errors
/// As [`bytes`]; [`ErrorKind::InvalidData`] for what is not UTF-8.
pub fn text(file: &Path, most: u64, links: Links) -> Result<String> {
    let bytes = bytes(file, most, links)?;
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// What a thing in a folder is, in words, if it is no regular file: `a link`.
pub fn strange(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_symlink() => Some("a link"),
        kind if kind.is_dir() => Some("a folder"),
        _ => Some("no file but a pipe, a socket or a device"),
    }
}

fn refuse(kind: FileType) -> Result<()> {
    strange(kind).map_or(Ok(()), |what| Err(Error::new(ErrorKind::InvalidInput, format!("it is {what}"))))
}

#[cfg(unix)]
fn without_waiting(path: &Path, links: Links) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // Without O_NONBLOCK a pipe is waited for until somebody writes into it; a regular file knows no difference.
    let through = if links == Links::Refused { libc::O_NOFOLLOW } else { 0 };
    let flags = through | libc::O_NONBLOCK | libc::O_NOCTTY;
    File::options().read(true).custom_flags(flags).open(path).map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => Error::new(ErrorKind::InvalidInput, "it is a link"),
        _ => error,
    })
}

#[cfg(not(unix))]
fn without_waiting(path: &Path, _: Links) -> Result<File> {
    File::open(path)
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
        assert_eq!(text(&file, 8, Links::Refused).unwrap(), "name = 1");
        let kind = |file: &Path, most| text(file, most, Links::Followed).unwrap_err().kind();
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

#[cfg(all(test, unix))]
mod links {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_regular_files_are_opened_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "words").unwrap();
        symlink(at("file"), at("link")).unwrap();
        assert_eq!(text(&at("link"), 9, Links::Followed).unwrap(), "words");
        fs::create_dir(at("folder")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
        assert!(pipe.success());
        let _socket = UnixListener::bind(at("socket")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        symlink(at("pipe"), at("to-pipe")).unwrap();
        for name in ["link", "folder", "pipe", "socket", "zero", "to-pipe"] {
            assert_eq!(open(&at(name)).unwrap_err().kind(), ErrorKind::InvalidInput, "{name}");
            let followed = text(&at(name), 9, Links::Followed).map_err(|e| e.kind());
            assert_eq!(followed.is_ok(), name == "link", "{name}: {followed:?}");
        }
        assert_eq!(open(Path::new("/dev/zero")).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(open(&at("gone")).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn what_took_a_files_place_after_it_was_seen_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("private"), "not for posting").unwrap();
        symlink(at("private"), at("swapped")).unwrap();
        let opened = without_waiting(&at("swapped"), Links::Refused);
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        for links in [Links::Refused, Links::Followed] {
            let opened = without_waiting(&at("pipe"), links).unwrap();
            assert!(refuse(opened.metadata().unwrap().file_type()).is_err());
        }
    }
}
