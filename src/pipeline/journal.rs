//! The journal: append-only, one line an event, each with a checksum; replayed at the start.
//!
//! It tells what is in place, and what every clip is at, so that whoever asks after a kill is told. It holds file names and
//! stages, and nothing of what is said in a clip. What only tells how far a clip was is not flushed to the disk: a power
//! cut may take it, and nothing is lost with it.

use super::durable::sync_folder;
use super::event::{Event, Stage};
use super::shelf::Shelf;
use super::store::write_whole;
use crate::fault::{Fault, cannot_write};
use crate::intake::Digest;
use crate::quoted::without_quoted;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::UNIX_EPOCH;

mod glance;
mod index;
mod replay;

pub use glance::Glance;
use index::Index;
use replay::{BLOAT, MOST_LINES, cannot_read, compacted, read};
pub use replay::{Replay, compact};

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
    /// A batch begins that has something to do. What earlier ones told of clips is of the past from here on.
    Begun {
        /// `run`, `watch` or `review`.
        verb: String,
        /// The folder with the clips.
        inbox: PathBuf,
    },
    /// A batch is over.
    Ended {
        /// Whether somebody stopped it before it was through.
        stopped: bool,
    },
    /// A clip went a step.
    Step {
        /// Name of the clip's outputs, or of its file where it has none yet.
        clip: String,
        /// Which.
        #[serde(flatten)]
        step: Step,
    },
}

/// How far a clip is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// It was taken up and waits for its turn.
    Waiting,
    /// It entered a stage.
    At {
        /// Which.
        stage: Stage,
    },
    /// It is tried once more.
    Again {
        /// What went wrong the first time, without a stop.
        why: String,
    },
    /// It failed, or its cuts for some platforms did.
    Failed {
        /// Where.
        stage: Stage,
        /// Ids of the platforms; none where it failed as a whole.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        platforms: Vec<String>,
        /// What happened, without a stop.
        what: String,
        /// What to do next, without a stop.
        advice: String,
    },
    /// It waits for a person: its cuts are made, or are when somebody approved it.
    Held,
    /// Its cuts are in their places.
    Finished,
}

impl Step {
    /// Whether somebody has to be at work on the clip, or was cut off.
    pub fn is_under_way(&self) -> bool {
        matches!(self, Step::Waiting | Step::At { .. } | Step::Again { .. })
    }
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
    /// When it was written, UTC, RFC 3339.
    at: String,
    #[serde(flatten)]
    entry: Entry,
}

/// How far a clip was, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standpoint {
    /// How far.
    pub step: Step,
    /// Time in UTC, RFC 3339.
    pub at: String,
    /// Whether the last batch told it.
    pub recent: bool,
}

/// The last batch that had something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastBatch {
    /// `run` or `watch`.
    pub verb: String,
    /// The folder with the clips.
    pub inbox: PathBuf,
    /// When it began: UTC, RFC 3339.
    pub at: String,
    /// Whether it was stopped; none while it goes on, and where it was killed.
    pub ended: Option<bool>,
}

/// An open journal and what its lines say.
#[derive(Debug)]
pub struct Journal {
    out: PathBuf,
    damaged: usize,
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
    /// Whether the last line may lack its end, since the disk did not take it whole.
    torn: bool,
    /// What is written down before the next line.
    begun: Option<Entry>,
    said: Replay,
    /// Made when somebody first looks for a file: a batch that finds everything in its place never does.
    index: Option<Index>,
}

impl Journal {
    /// Opens or creates the journal of the output folder `out` and replays it. Lines that are torn or damaged are passed
    /// over: what they told is done again. A journal that holds much that later lines make void is written anew without
    /// that. Whoever calls has the output folder's lock.
    ///
    /// # Errors
    /// The file cannot be opened or written.
    pub fn open(file: &Path, out: &Path) -> Result<Self, Fault> {
        let (said, look) = Replay::of_file(file)?;
        let mut torn = look.torn;
        if look.damaged > 0 || look.whole > MOST_LINES.max(said.lines() * BLOAT) {
            write_whole(file, &compacted(&read(file)?, &|_| true))?;
            torn = false;
        }
        let handle = OpenOptions::new().create(true).append(true).open(file).map_err(|e| cannot_write(file, &e))?;
        if look.empty {
            sync_folder(file.parent().unwrap_or(Path::new("."))).map_err(|e| cannot_write(file, &e))?;
        }
        let inner = Mutex::new(Inner { file: handle, torn, begun: None, said, index: None });
        Ok(Journal { out: out.to_path_buf(), damaged: look.damaged, inner })
    }

    /// How many lines were torn or damaged when it was opened.
    pub fn damaged(&self) -> usize {
        self.damaged
    }

    /// Says which batch the following lines are of. It is written down with the first of them: a batch that finds nothing
    /// to do leaves no line.
    pub fn begin(&self, verb: &str, inbox: &Path) {
        // A name that is no Unicode cannot stand in a line.
        let inbox = std::path::absolute(inbox).unwrap_or_else(|_| inbox.to_path_buf());
        let inbox = PathBuf::from(inbox.to_string_lossy().into_owned());
        self.lock().begun = Some(Entry::Begun { verb: verb.to_string(), inbox });
    }

    /// Writes down how far an event brought a clip, or that the batch is over.
    pub fn tell(&self, event: &Event) {
        match event {
            Event::Entered { clip, stage } => self.step(clip, Step::At { stage: *stage }),
            Event::Failed { clip, platforms, stage, what, advice } => {
                let (what, advice) = (without_quoted(what), without_quoted(advice));
                self.step(clip, Step::Failed { stage: *stage, platforms: platforms.clone(), what, advice });
            }
            Event::Finished { failed: true, .. } => {}
            Event::Finished { clip, held: true, .. } => self.step(clip, Step::Held),
            Event::Finished { clip, .. } => self.step(clip, Step::Finished),
            Event::Ended { stopped, .. } => self.end(*stopped),
            Event::Started { .. }
            | Event::Download { .. }
            | Event::Progress { .. }
            | Event::Published { .. }
            | Event::Held { .. }
            | Event::Note { .. } => {}
        }
    }

    /// Writes down that the batch is over, if it left a line or the one before was cut off.
    pub fn end(&self, stopped: bool) {
        let nothing_new = {
            let inner = self.lock();
            let last_ended = inner.said.batch.as_ref().is_none_or(|batch| batch.ended == Some(false));
            inner.begun.is_some() && last_ended
        };
        if !nothing_new {
            drop(self.append(Entry::Ended { stopped }));
        }
    }

    /// Whether the batch has begun something that is not at its end.
    pub fn is_under_way(&self) -> bool {
        self.lock().said.clips.values().any(|clip| clip.recent && clip.step.is_under_way())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Appends a line. One that says that a clip is done is on the disk afterwards, with all before it; what the others
    /// tell can be found out again.
    ///
    /// # Errors
    /// The disk takes nothing.
    pub fn append(&self, entry: Entry) -> Result<(), Fault> {
        let mut inner = self.lock();
        if let Some(begun) = inner.begun.take() {
            inner.append(begun)?;
        }
        inner.append(entry)
    }
    /// Makes sure that all lines are on the disk.
    ///
    /// # Errors
    /// The disk takes nothing.
    pub fn flush(&self) -> Result<(), Fault> {
        self.lock().file.sync_data().map_err(|e| cannot_write(Path::new("the journal"), &e))
    }

    /// Appends what a clip is at, unless that was the last that was said of it. What is not taken is lost: whoever cannot
    /// write here hears of it elsewhere.
    pub fn step(&self, clip: &str, step: Step) {
        let known = |said: &Standpoint| said.step == step && (said.recent || !step.is_under_way());
        let same = self.lock().said.clips.get(clip).is_some_and(known);
        if !same {
            drop(self.append(Entry::Step { clip: clip.to_string(), step }));
        }
    }

    /// Whether the cut is in place, holds this render, and was not touched since.
    pub fn holds(&self, file: &Path, key: &Digest) -> bool {
        let inner = self.lock();
        let known = inner.said.published.get(file).filter(|(k, _)| k == key).map(|(_, stamp)| *stamp);
        known.is_some_and(|stamp| Stamp::of(&self.out.join(file)) == Some(stamp))
    }

    /// The published file of that name, if it was not touched since.
    pub fn checked(&self, file: &Path) -> Option<Checked> {
        let (key, stamp) = self.lock().said.published.get(file).cloned()?;
        let untouched = Stamp::of(&self.out.join(file)) == Some(stamp);
        untouched.then(|| Checked { file: file.to_path_buf(), key, stamp })
    }

    /// Whether this was the last to be published under that name, on whichever shelf.
    pub fn was_published(&self, file: &Path, key: &Digest) -> bool {
        let inner = self.lock();
        [Shelf::Public, Shelf::Held]
            .iter()
            .any(|shelf| inner.said.published.get(&shelf.place(file)).is_some_and(|(k, _)| k == key))
    }

    /// Every file that was ever published of the clip of that name, relative to the output folder, in order.
    pub fn files_of(&self, clip: &str) -> Vec<PathBuf> {
        self.lock().index().of_clip(clip).map(Path::to_path_buf).collect()
    }

    /// What decided the outputs of a clip when it was last done, and its files then.
    pub fn done(&self, clip: &str) -> Option<(Digest, Vec<(PathBuf, Stamp)>)> {
        self.lock().said.done.get(clip).cloned()
    }

    /// A published file that holds this render and was not touched since.
    pub fn find(&self, key: &Digest) -> Option<PathBuf> {
        let mut inner = self.lock();
        inner.index();
        let Inner { index, said, .. } = &*inner;
        let holds = |file: &&Path| {
            let known = said.published.get(*file).filter(|(known, _)| known == key);
            known.is_some_and(|(_, stamp)| Stamp::of(&self.out.join(file)) == Some(*stamp))
        };
        index.as_ref()?.holding(key).find(holds).map(|file| self.out.join(file))
    }

    /// Whether everything that this fingerprint asks for is in place and untouched.
    pub fn is_done(&self, clip: &str, fingerprint: &Digest) -> bool {
        self.lock().said.is_done(&self.out, clip, fingerprint)
    }
}

impl Inner {
    fn append(&mut self, entry: Entry) -> Result<(), Fault> {
        let line = Line { at: jiff::Timestamp::now().to_string(), entry };
        let body = serde_json::to_string(&line)
            .map_err(|e| Fault::new(format!("the journal cannot be written ({e})"), "report this"))?;
        let start = if self.torn { "\n" } else { "" };
        let text = format!("{start}{} {body}\n", checksum(&body));
        let is_done = matches!(line.entry, Entry::Done { .. });
        let written = self.file.write_all(text.as_bytes());
        let written = written.and_then(|()| if is_done { self.file.sync_data() } else { Ok(()) });
        self.torn = written.is_err();
        written.map_err(|e| cannot_write(Path::new("the journal"), &e))?;
        if let (Some(index), Entry::Published { file, key, .. }) = (&mut self.index, &line.entry) {
            index.add(file, key);
        }
        self.said.apply(line);
        Ok(())
    }

    /// Where to look for published files.
    fn index(&mut self) -> &Index {
        let said = &self.said;
        self.index.get_or_insert_with(|| Index::of(said.published()))
    }
}

impl Entry {
    /// What the entry is about: a later one about the same makes it void.
    fn subject(&self) -> String {
        match self {
            Entry::Published { file, .. } => format!("file {}", file.display()),
            Entry::Done { clip, .. } => format!("done {clip}"),
            Entry::Begun { .. } => "begun".into(),
            Entry::Ended { .. } => "ended".into(),
            Entry::Step { clip, .. } => format!("clip {clip}"),
        }
    }
}

/// The first 16 hex digits of the BLAKE3 of a line: plenty against tearing.
fn checksum(body: &str) -> String {
    blake3::hash(body.as_bytes()).to_hex()[..16].to_string()
}

#[cfg(test)]
mod tests;
