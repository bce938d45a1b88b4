//! The journal: append-only, one line an event, each with a checksum; replayed at the start.

use super::shelf::Shelf;
use super::store::cannot_write;
use crate::fault::Fault;
use crate::intake::Digest;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::UNIX_EPOCH;

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Entry {
    /// A checked cut was renamed into place, or is about to be; so was a text or a cover.
    Published {
        /// Relative to the output folder.
        file: PathBuf,
        /// Key of the render that it holds, or digest of the text.
        key: Digest,
        /// How the file looks there.
        stamp: Stamp,
    },
    /// Everything that a clip needs is in place.
    Done {
        /// Name of the clip's outputs.
        clip: String,
        /// What decided the outputs: content, question, practice, model, engine.
        fingerprint: Digest,
        /// Files relative to the output folder, and how they looked right after.
        files: Vec<(PathBuf, Stamp)>,
    },
}

/// How a file looks from outside; a changed file shows by it without being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Size in bytes.
    pub bytes: u64,
    /// Modification time, nanoseconds since 1970.
    pub modified: u64,
}

impl Stamp {
    /// The stamp of a file, if it is there.
    pub fn of(file: &Path) -> Option<Self> {
        let metadata = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        let modified = u64::try_from(modified).ok()?;
        Some(Stamp { bytes: metadata.len(), modified })
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    /// When it was written, for people.
    at: String,
    #[serde(flatten)]
    entry: Entry,
}

/// An open journal and what its lines say.
#[derive(Debug)]
pub struct Journal {
    out: PathBuf,
    inner: Mutex<Inner>,
}

/// A file that was checked before it was published, and that nobody touched since. Only a journal gives one out.
#[derive(Debug)]
pub struct Checked {
    file: PathBuf,
    key: Digest,
    stamp: Stamp,
}

impl Checked {
    /// Relative to the output folder.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What it holds.
    pub fn key(&self) -> &Digest {
        &self.key
    }

    /// How it looks; moving changes nothing about that.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }
}

#[derive(Debug)]
struct Inner {
    file: File,
    published: HashMap<PathBuf, (Digest, Stamp)>,
    done: HashMap<String, (Digest, Vec<(PathBuf, Stamp)>)>,
}

impl Journal {
    /// Opens or creates the journal of the output folder `out` and replays it. Lines that are torn or damaged are passed
    /// over: what they told is done again.
    ///
    /// # Errors
    /// The file cannot be opened or written.
    pub fn open(file: &Path, out: &Path) -> Result<Self, Fault> {
        let text = match fs::read(file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(cannot_write(file, &e)),
        };
        let mut handle = OpenOptions::new().create(true).append(true).open(file).map_err(|e| cannot_write(file, &e))?;
        if !text.is_empty() && !text.ends_with('\n') {
            // A torn last line must not swallow the next one.
            handle.write_all(b"\n").map_err(|e| cannot_write(file, &e))?;
        }
        let mut inner = Inner { file: handle, published: HashMap::new(), done: HashMap::new() };
        text.lines().filter_map(parse).for_each(|entry| inner.apply(entry));
        Ok(Journal { out: out.to_path_buf(), inner: Mutex::new(inner) })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Appends a line and makes sure that it is on the disk.
    pub fn append(&self, entry: Entry) -> Result<(), Fault> {
        let mut inner = self.lock();
        let line = Line { at: jiff::Timestamp::now().to_string(), entry };
        let body = serde_json::to_string(&line)
            .map_err(|e| Fault::new(format!("the journal cannot be written ({e})"), "report this"))?;
        let text = format!("{} {body}\n", checksum(&body));
        let written = inner.file.write_all(text.as_bytes()).and_then(|()| inner.file.sync_data());
        written.map_err(|e| cannot_write(Path::new("the journal"), &e))?;
        inner.apply(line.entry);
        Ok(())
    }

    /// Whether the cut is in place, holds this render, and was not touched since.
    pub fn holds(&self, file: &Path, key: &Digest) -> bool {
        let inner = self.lock();
        let known = inner.published.get(file).filter(|(k, _)| k == key).map(|(_, stamp)| *stamp);
        known.is_some_and(|stamp| Stamp::of(&self.out.join(file)) == Some(stamp))
    }

    /// The published file of that name, if it was not touched since.
    pub fn checked(&self, file: &Path) -> Option<Checked> {
        let (key, stamp) = self.lock().published.get(file).cloned()?;
        let untouched = Stamp::of(&self.out.join(file)) == Some(stamp);
        untouched.then(|| Checked { file: file.to_path_buf(), key, stamp })
    }

    /// Whether this was the last to be published under that name, on whichever shelf.
    pub fn was_published(&self, file: &Path, key: &Digest) -> bool {
        let inner = self.lock();
        [Shelf::Public, Shelf::Held]
            .iter()
            .any(|shelf| inner.published.get(&shelf.place(file)).is_some_and(|(k, _)| k == key))
    }

    /// Every file that was ever published of the clip of that name, relative to the output folder, in order.
    pub fn files_of(&self, clip: &str) -> Vec<PathBuf> {
        let inner = self.lock();
        let of_clip = |file: &&PathBuf| file.file_stem().is_some_and(|stem| stem == clip);
        let mut files: Vec<PathBuf> = inner.published.keys().filter(of_clip).cloned().collect();
        files.sort();
        files
    }

    /// What decided the outputs of a clip when it was last done, and its files then.
    pub fn done(&self, clip: &str) -> Option<(Digest, Vec<(PathBuf, Stamp)>)> {
        self.lock().done.get(clip).cloned()
    }

    /// A published file that holds this render and was not touched since.
    pub fn find(&self, key: &Digest) -> Option<PathBuf> {
        let inner = self.lock();
        let mut files: Vec<&PathBuf> = inner
            .published
            .iter()
            .filter(|(file, (k, stamp))| k == key && Stamp::of(&self.out.join(file)) == Some(*stamp))
            .map(|(file, _)| file)
            .collect();
        files.sort();
        files.first().map(|file| self.out.join(file))
    }

    /// Whether everything that this fingerprint asks for is in place and untouched.
    pub fn is_done(&self, clip: &str, fingerprint: &Digest) -> bool {
        let inner = self.lock();
        inner.done.get(clip).is_some_and(|(known, files)| {
            known == fingerprint && files.iter().all(|(file, stamp)| Stamp::of(&self.out.join(file)) == Some(*stamp))
        })
    }
}

impl Inner {
    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Published { file, key, stamp } => drop(self.published.insert(file, (key, stamp))),
            Entry::Done { clip, fingerprint, files } => drop(self.done.insert(clip, (fingerprint, files))),
        }
    }
}

/// The first 16 hex digits of the BLAKE3 of a line: plenty against tearing.
fn checksum(body: &str) -> String {
    blake3::hash(body.as_bytes()).to_hex()[..16].to_string()
}

fn parse(line: &str) -> Option<Entry> {
    let (sum, body) = line.split_once(' ')?;
    (checksum(body) == sum).then(|| serde_json::from_str::<Line>(body).ok())?.map(|line| line.entry)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn done(clip: &str, out: &Path) -> Entry {
        let files = vec![(PathBuf::from("a.mp4"), Stamp::of(&out.join("a.mp4")).unwrap())];
        Entry::Done { clip: clip.into(), fingerprint: Digest("f".into()), files }
    }

    #[test]
    fn a_torn_last_line_loses_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (out, file) = (folder.path(), folder.path().join("journal.ndjson"));
        fs::write(out.join("a.mp4"), "cut").unwrap();
        let journal = Journal::open(&file, out).unwrap();
        journal.append(done("one", out)).unwrap();
        journal.append(done("two", out)).unwrap();
        let whole = fs::read(&file).unwrap();
        let first = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
        for length in first..whole.len() - 1 {
            fs::write(&file, &whole[..length]).unwrap();
            let journal = Journal::open(&file, out).unwrap();
            assert!(
                journal.is_done("one", &Digest("f".into())) && !journal.is_done("two", &Digest("f".into())),
                "{length}"
            );
            journal.append(done("three", out)).unwrap();
            assert!(Journal::open(&file, out).unwrap().is_done("three", &Digest("f".into())), "{length}");
        }
    }

    #[test]
    fn a_touched_file_is_not_done() {
        let folder = tempfile::tempdir().unwrap();
        let (out, file) = (folder.path(), folder.path().join("journal.ndjson"));
        fs::write(out.join("a.mp4"), "cut").unwrap();
        let journal = Journal::open(&file, out).unwrap();
        journal.append(done("one", out)).unwrap();
        fs::write(out.join("a.mp4"), "another").unwrap();
        assert!(!journal.is_done("one", &Digest("f".into())));
    }
}
