//! What a journal says of clips, for whoever only asks: it is read from end to end and not kept. What takes the room, the
//! files of each clip, is read again when that clip is asked about.

use super::{Entry, Line, Replay, Stamp, cannot_read, checksum};
use crate::fault::Fault;
use crate::intake::Digest;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A journal that was looked at; what comes later is not seen.
#[derive(Debug, Default)]
pub struct Glance {
    /// Steps and batches; no file.
    said: Replay,
    /// Where the last line begins that says that a clip is done, by the clip's name, in bytes.
    done: HashMap<String, u64>,
    /// Lines that are torn or damaged.
    damaged: usize,
    file: Option<File>,
}

/// As much of a line as tells what to do with it.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    clip: Option<Cow<'a, str>>,
}

impl Glance {
    /// Looks at a journal without opening it for work; an absent one says nothing. The last line may be torn because it is
    /// just being written.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn of(file: &Path) -> Result<Self, Fault> {
        let opened = match File::open(file) {
            Ok(opened) => opened,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Glance::default()),
            Err(e) => return Err(cannot_read(file, &e)),
        };
        let mut glance = Glance::default();
        let (mut reader, mut line, mut at) = (BufReader::with_capacity(1 << 17, &opened), Vec::new(), 0);
        loop {
            line.clear();
            let count = reader.read_until(b'\n', &mut line).map_err(|e| cannot_read(file, &e))?;
            if count == 0 {
                break;
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            if !text.is_empty() {
                glance.take(text, at);
            }
            at += count as u64;
        }
        drop(reader);
        Ok(Glance { file: Some(opened), ..glance })
    }

    fn take(&mut self, line: &[u8], at: u64) {
        let Some(body) = body(line) else {
            self.damaged += 1;
            return;
        };
        match serde_json::from_str::<Kind>(body) {
            Ok(Kind { event, .. }) if event == "published" => {}
            Ok(Kind { event, clip: Some(clip) }) if event == "done" => drop(self.done.insert(clip.into_owned(), at)),
            // Of a version of the program that knows more, where it cannot be read.
            _ => drop(serde_json::from_str::<Line>(body).map(|line| self.said.apply(line))),
        }
    }

    /// What clips and batches are at. It knows no files.
    pub fn said(&self) -> &Replay {
        &self.said
    }

    /// How many lines are torn or damaged.
    pub fn damaged(&self) -> usize {
        self.damaged
    }

    /// The files of a clip that was done, as they looked then; none where it was not, or where the line is gone since.
    pub fn files(&self, clip: &str) -> Vec<(PathBuf, Stamp)> {
        match self.line(clip).map(|line| line.entry) {
            Some(Entry::Done { files, .. }) => files,
            _ => Vec::new(),
        }
    }

    /// What decided the outputs of a clip when it was last done, and when that was: UTC, RFC 3339.
    pub fn done(&self, clip: &str) -> Option<(Digest, String)> {
        let line = self.line(clip)?;
        match line.entry {
            Entry::Done { fingerprint, .. } => Some((fingerprint, line.at)),
            _ => None,
        }
    }

    /// The last line that says that a clip is done.
    fn line(&self, clip: &str) -> Option<Line> {
        let (at, mut file) = (*self.done.get(clip)?, self.file.as_ref()?);
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut line = Vec::new();
        BufReader::with_capacity(1 << 13, file.by_ref()).read_until(b'\n', &mut line).ok()?;
        let line: Line = serde_json::from_str(body(line.strip_suffix(b"\n").unwrap_or(&line))?).ok()?;
        matches!(&line.entry, Entry::Done { clip: of, .. } if of == clip).then_some(line)
    }
}

/// What a line that is whole says.
fn body(line: &[u8]) -> Option<&str> {
    let (sum, body) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    (checksum(body) == sum).then_some(body)
}
