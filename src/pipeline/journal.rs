//! The journal: append-only, one line an event, each with a checksum; replayed at the start.
//!
//! It tells what is in place, and what every clip is at, so that whoever asks after a kill is told. It holds file names and
//! stages, and nothing of what is said in a clip. What only tells how far a clip was is not flushed to the disk: a power
//! cut may take it, and nothing is lost with it.

use super::durable::sync_folder;
use super::event::{Event, Stage};
use super::shelf::Shelf;
use super::store::{cannot_write, write_whole};
use crate::fault::Fault;
use crate::intake::Digest;
use crate::quoted::without_quoted;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::UNIX_EPOCH;

mod glance;
mod index;

pub use glance::Glance;
use index::Index;

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

/// What the lines of a journal say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replay {
    published: HashMap<PathBuf, (Digest, Stamp)>,
    done: HashMap<String, (Digest, Vec<(PathBuf, Stamp)>)>,
    clips: BTreeMap<String, Standpoint>,
    batch: Option<LastBatch>,
}

/// How a journal's file looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    /// Lines that are whole.
    whole: usize,
    /// Lines that are torn or damaged.
    damaged: usize,
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
        let bytes = read(file)?;
        let (said, look) = Replay::of(&bytes);
        let mut torn = !bytes.is_empty() && !bytes.ends_with(b"\n");
        if look.damaged > 0 || look.whole > MOST_LINES.max(said.lines() * BLOAT) {
            write_whole(file, &compacted(&bytes, &|_| true))?;
            torn = false;
        }
        let handle = OpenOptions::new().create(true).append(true).open(file).map_err(|e| cannot_write(file, &e))?;
        if bytes.is_empty() {
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

impl Replay {
    /// What the journal of that file says now, without opening it; an absent one says nothing. The number of lines that
    /// are torn or damaged comes with it; the last line may be torn because it is just being written.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn read(file: &Path) -> Result<(Self, usize), Fault> {
        let (said, look) = Replay::of(&read(file)?);
        Ok((said, look.damaged))
    }

    fn of(bytes: &[u8]) -> (Self, Look) {
        let (mut said, mut look) = (Replay::default(), Look::default());
        for line in lines(bytes) {
            match line {
                Read::Entry(line, _) => {
                    look.whole += 1;
                    said.apply(*line);
                }
                Read::Foreign(_) => look.whole += 1,
                Read::Damaged => look.damaged += 1,
            }
        }
        (said, look)
    }

    fn apply(&mut self, Line { at, entry }: Line) {
        match entry {
            Entry::Published { file, key, stamp } => drop(self.published.insert(file, (key, stamp))),
            Entry::Done { clip, fingerprint, files } => drop(self.done.insert(clip, (fingerprint, files))),
            Entry::Begun { verb, inbox } => {
                // Whatever was cut off is taken up again now, or is gone.
                self.clips.retain(|_, clip| !clip.step.is_under_way());
                self.clips.values_mut().for_each(|clip| clip.recent = false);
                self.batch = Some(LastBatch { verb, inbox, at, ended: None });
            }
            Entry::Ended { stopped } => {
                if let Some(batch) = &mut self.batch {
                    batch.ended = Some(stopped);
                }
            }
            Entry::Step { clip, step } => drop(self.clips.insert(clip, Standpoint { step, at, recent: true })),
        }
    }

    /// How many lines it takes to say this.
    fn lines(&self) -> usize {
        self.published.len() + self.done.len() + self.clips.len() + 2
    }

    /// What every clip is at, by name.
    pub fn clips(&self) -> &BTreeMap<String, Standpoint> {
        &self.clips
    }

    /// The last batch that had something to do.
    pub fn batch(&self) -> Option<&LastBatch> {
        self.batch.as_ref()
    }

    /// What decided the outputs of the clips that were done, by name.
    pub fn fingerprints(&self) -> impl Iterator<Item = (&String, &Digest)> {
        self.done.iter().map(|(clip, (fingerprint, _))| (clip, fingerprint))
    }

    /// Whether everything that this fingerprint asks for is in place in the output folder `out`, and untouched.
    pub fn is_done(&self, out: &Path, clip: &str, fingerprint: &Digest) -> bool {
        self.done.get(clip).is_some_and(|(known, files)| {
            known == fingerprint && files.iter().all(|(file, stamp)| Stamp::of(&out.join(file)) == Some(*stamp))
        })
    }

    /// Every file that was published, with its last key and how it looked then.
    pub fn stamped(&self) -> impl Iterator<Item = (&Path, &Digest, Stamp)> {
        self.published.iter().map(|(file, (key, stamp))| (file.as_path(), key, *stamp))
    }

    /// Every file that was published under its last key.
    pub fn published(&self) -> impl Iterator<Item = (&PathBuf, &Digest)> {
        self.published.iter().map(|(file, (key, _))| (file, key))
    }
}

/// A journal is looked at for what is void in it only from here on.
const MOST_LINES: usize = 2000;

/// How many times as many lines as needed are borne.
const BLOAT: usize = 3;

/// A line as it is read.
enum Read<'a> {
    /// Whole; with its text.
    Entry(Box<Line>, &'a [u8]),
    /// Whole, and of a version of the program that knows more.
    Foreign(&'a [u8]),
    /// Torn or damaged.
    Damaged,
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Read<'_>> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| {
        let text = std::str::from_utf8(line).ok().and_then(|text| text.split_once(' '));
        match text.filter(|(sum, body)| checksum(body) == *sum) {
            Some((_, body)) => match serde_json::from_str(body) {
                Ok(entry) => Read::Entry(Box::new(entry), line),
                Err(_) => Read::Foreign(line),
            },
            None => Read::Damaged,
        }
    })
}

/// The lines of a journal that no later one makes void, in their order, as far as they are whole and `needed`.
fn compacted(bytes: &[u8], needed: &dyn Fn(&Entry) -> bool) -> Vec<u8> {
    let mut kept: BTreeMap<usize, &[u8]> = BTreeMap::new();
    let mut last: HashMap<String, usize> = HashMap::new();
    for (number, line) in lines(bytes).enumerate() {
        match line {
            Read::Entry(line, text) if needed(&line.entry) => {
                if let Some(before) = last.insert(line.entry.subject(), number) {
                    kept.remove(&before);
                }
                kept.insert(number, text);
            }
            Read::Foreign(text) => drop(kept.insert(number, text)),
            Read::Entry(..) | Read::Damaged => {}
        }
    }
    kept.into_values().flat_map(|line| [line, b"\n"]).flatten().copied().collect()
}

/// Rewrites a journal without what is void or not `needed`, if that makes it smaller; what that saves or would save, in
/// bytes. Whoever calls has the output folder's lock, and no journal open.
///
/// # Errors
/// The file cannot be read or written.
pub fn compact(file: &Path, needed: &dyn Fn(&Entry) -> bool, write: bool) -> Result<u64, Fault> {
    let bytes = read(file)?;
    let rest = compacted(&bytes, needed);
    if write && rest.len() < bytes.len() {
        write_whole(file, &rest)?;
    }
    Ok(bytes.len().saturating_sub(rest.len()) as u64)
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

fn read(file: &Path) -> Result<Vec<u8>, Fault> {
    match fs::read(file) {
        Ok(bytes) => Ok(bytes),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(cannot_read(file, &e)),
    }
}

fn cannot_read(file: &Path, error: &std::io::Error) -> Fault {
    let what = format!("the journal {} cannot be read ({error})", file.display());
    Fault::new(what, "close the program that has it open, and run again")
}

/// The first 16 hex digits of the BLAKE3 of a line: plenty against tearing.
fn checksum(body: &str) -> String {
    blake3::hash(body.as_bytes()).to_hex()[..16].to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

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

    /// A journal of these entries as it lies on the disk.
    fn written(entries: &[Entry]) -> Vec<u8> {
        let line = |(number, entry): (usize, &Entry)| {
            let at = format!("2026-11-22T12:00:{:02}Z", number % 60);
            let body = serde_json::to_string(&Line { at, entry: entry.clone() }).unwrap();
            format!("{} {body}\n", checksum(&body)).into_bytes()
        };
        entries.iter().enumerate().flat_map(line).collect()
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let stage = prop_oneof![Just(Stage::Probe), Just(Stage::Speech), Just(Stage::Render)];
        prop_oneof![
            Just(Step::Waiting),
            stage.clone().prop_map(|stage| Step::At { stage }),
            Just(Step::Again { why: "it died".into() }),
            (stage, "[ -~]{0,12}").prop_map(|(stage, what)| Step::Failed {
                stage,
                platforms: vec!["x".into()],
                what,
                advice: "a".into()
            }),
            Just(Step::Held),
            Just(Step::Finished),
        ]
    }

    fn any_entry() -> impl Strategy<Value = Entry> {
        let clip = "[ab]|é \"\n";
        let digest = "[0-3]".prop_map(Digest);
        let stamp = (0..4u64, 0..4u64).prop_map(|(bytes, modified)| Stamp { bytes, modified });
        let file = "[xy]/[ab]\\.mp4".prop_map(PathBuf::from);
        let files = prop::collection::vec((file.clone(), stamp.clone()), 0..3);
        prop_oneof![
            (file, digest.clone(), stamp).prop_map(|(file, key, stamp)| Entry::Published { file, key, stamp }),
            (clip, digest, files).prop_map(|(clip, fingerprint, files)| Entry::Done { clip, fingerprint, files }),
            Just(Entry::Begun { verb: "run".into(), inbox: "in".into() }),
            any::<bool>().prop_map(|stopped| Entry::Ended { stopped }),
            (clip, any_step()).prop_map(|(clip, step)| Entry::Step { clip, step }),
        ]
    }

    /// Asserts that nothing is said that no line told.
    fn assert_told(said: &Replay, entries: &[Entry]) {
        for (clip, (fingerprint, files)) in &said.done {
            let (clip, fingerprint, files) = (clip.clone(), fingerprint.clone(), files.clone());
            assert!(entries.contains(&Entry::Done { clip, fingerprint, files }), "{said:?}");
        }
        for (file, (key, stamp)) in &said.published {
            let told = Entry::Published { file: file.clone(), key: key.clone(), stamp: *stamp };
            assert!(entries.contains(&told), "{said:?}");
        }
        for (clip, point) in &said.clips {
            assert!(entries.contains(&Entry::Step { clip: clip.clone(), step: point.step.clone() }), "{said:?}");
        }
    }

    proptest! {
        #[test]
        fn a_journal_that_is_cut_anywhere_says_what_its_whole_lines_say(
            entries in prop::collection::vec(any_entry(), 0..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = written(&entries);
            let cut = cut.index(whole.len() + 1);
            let (said, look) = Replay::of(&whole[..cut]);
            // The line before the cut counts where only its end is missing.
            let told = (0..=entries.len()).rfind(|n| written(&entries[..*n]).len() <= cut + 1).unwrap();
            prop_assert_eq!(&said, &Replay::of(&written(&entries[..told])).0);
            prop_assert_eq!(look.whole, told);
            prop_assert!(look.damaged <= 1);

            // Whoever goes on with it loses nothing of what was said and nothing of what is added.
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("journal.ndjson");
            fs::write(&file, &whole[..cut]).unwrap();
            let journal = Journal::open(&file, folder.path()).unwrap();
            prop_assert_eq!(journal.damaged(), look.damaged);
            journal.append(Entry::Step { clip: "new".into(), step: Step::Held }).unwrap();
            let (mut after, damaged) = Replay::read(&file).unwrap();
            prop_assert_eq!(damaged, 0);
            prop_assert!(after.clips.remove("new").is_some_and(|point| point.step == Step::Held));
            prop_assert_eq!(after, said);
        }

        #[test]
        fn a_journal_whose_bytes_were_changed_says_nothing_that_was_not_told(
            entries in prop::collection::vec(any_entry(), 1..12),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 1..8),
        ) {
            let mut bytes = written(&entries);
            for (at, change) in changes {
                let at = at.index(bytes.len());
                bytes[at] ^= change;
            }
            let (said, _) = Replay::of(&bytes);
            assert_told(&said, &entries);
            assert_told(&Replay::of(&compacted(&bytes, &|_| true)).0, &entries);
        }

        #[test]
        fn a_journal_that_was_compacted_says_the_same(entries in prop::collection::vec(any_entry(), 0..30)) {
            let bytes = written(&entries);
            let less = compacted(&bytes, &|_| true);
            prop_assert!(less.len() <= bytes.len());
            prop_assert_eq!(Replay::of(&less).0, Replay::of(&bytes).0);
            prop_assert_eq!(&compacted(&less, &|_| true), &less);
        }

        #[test]
        fn a_glance_says_of_clips_what_the_whole_journal_says(
            entries in prop::collection::vec(any_entry(), 0..30),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = written(&entries);
            let bytes = &whole[..cut.index(whole.len() + 1)];
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("journal.ndjson");
            fs::write(&file, bytes).unwrap();
            let (said, look) = Replay::of(bytes);
            let glance = Glance::of(&file).unwrap();
            prop_assert_eq!((glance.said().clips(), glance.said().batch()), (said.clips(), said.batch()));
            prop_assert_eq!(glance.damaged(), look.damaged);
            for clip in ["a", "b", "é \"\n", "nobody"] {
                prop_assert_eq!(glance.files(clip), said.done.get(clip).map_or_else(Vec::new, |(_, files)| files.clone()));
            }
        }

        #[test]
        fn what_is_found_is_what_a_look_at_all_files_finds(entries in prop::collection::vec(any_entry(), 0..30)) {
            let folder = tempfile::tempdir().unwrap();
            let (out, file) = (folder.path(), folder.path().join("journal.ndjson"));
            fs::create_dir(out.join("x")).unwrap();
            fs::write(out.join("x/a.mp4"), "").unwrap();
            let there = Stamp::of(&out.join("x/a.mp4")).unwrap();
            let journal = Journal::open(&file, out).unwrap();
            for (number, entry) in entries.into_iter().enumerate() {
                let entry = match entry {
                    Entry::Published { file, key, .. } => Entry::Published { file, key, stamp: there },
                    other => other,
                };
                journal.append(entry).unwrap();
                // From the middle on there is an index that has to follow.
                if number < 10 {
                    continue;
                }
                let (said, _) = Replay::read(&file).unwrap();
                for key in ["0", "1", "2", "3"] {
                    let of_key = |(file, (known, _)): &(&PathBuf, &(Digest, Stamp))| known.0 == key && out.join(file).exists();
                    let found = said.published.iter().filter(of_key).map(|(file, _)| out.join(file)).min();
                    prop_assert_eq!(journal.find(&Digest(key.into())), found);
                }
                let mut all: Vec<PathBuf> = said.published.keys().filter(|file| file.ends_with("a.mp4")).cloned().collect();
                all.sort();
                prop_assert_eq!(journal.files_of("a"), all);
            }
        }

        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Replay::of(&bytes).0, Replay::default());
        }
    }

    #[test]
    fn a_journal_that_is_mostly_void_is_written_anew_when_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.ndjson");
        let step = |n: usize| Entry::Step { clip: "a".into(), step: Step::Again { why: n.to_string() } };
        fs::write(&file, written(&(0..=MOST_LINES).map(step).collect::<Vec<_>>())).unwrap();
        let before = Replay::read(&file).unwrap();
        drop(Journal::open(&file, folder.path()).unwrap());
        assert_eq!(Replay::read(&file).unwrap(), before);
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 1);
    }

    #[test]
    fn to_look_for_a_file_takes_no_longer_among_ten_times_as_many() {
        let median = |clips: usize| {
            let folder = tempfile::tempdir().unwrap();
            let journal = Journal::open(&folder.path().join("journal.ndjson"), folder.path()).unwrap();
            let stamp = Stamp { bytes: 1, modified: 1 };
            for clip in 0..clips {
                let file = PathBuf::from(format!("x/{clip}.mp4"));
                journal.append(Entry::Published { file, key: Digest(clip.to_string()), stamp }).unwrap();
            }
            let look = |clip: usize| {
                let began = std::time::Instant::now();
                assert_eq!(journal.files_of(&clip.to_string()).len(), 1);
                assert_eq!(journal.find(&Digest(clip.to_string())), None, "it is not there");
                began.elapsed()
            };
            // Half of the looks may be disturbed by whatever else the computer does.
            let mut took: Vec<_> = (0..300).map(look).collect();
            took.sort();
            took[took.len() / 2]
        };
        let (few, many) = (median(300), median(3000));
        assert!(many < few * 5, "{few:?} among 300 clips, {many:?} among 3000");
    }

    #[test]
    fn lines_of_a_later_version_are_kept_and_are_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.ndjson");
        let body = "{\"at\":\"2030-01-01T00:00:00Z\",\"event\":\"sung\"}";
        let text = format!("{} {body}\n", checksum(body));
        fs::write(&file, format!("{text}torn")).unwrap();
        assert_eq!(Journal::open(&file, folder.path()).unwrap().damaged(), 1);
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }

    #[test]
    fn a_batch_that_finds_nothing_to_do_leaves_no_line_and_one_that_fails_says_so_without_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.ndjson");
        let journal = Journal::open(&file, folder.path()).unwrap();
        let work = Default::default();
        let ended =
            Event::Ended { clips: 1, unchanged: 1, failed: 0, held: 0, cuts: 1, stopped: false, work, report: None };
        let finished =
            |failed: bool| Event::Finished { clip: "a".into(), cuts: 1, held: false, unchanged: !failed, failed };
        for (round, lines) in [(0, 3), (1, 3)] {
            journal.begin("run", folder.path());
            journal.tell(&finished(false));
            journal.tell(&ended);
            assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), lines, "round {round}");
        }
        journal.begin("run", folder.path());
        let (clip, platforms) = ("a".to_string(), vec![]);
        let (what, advice) = ("it says \"Mr. Alvarez\"".into(), "mend it".into());
        journal.tell(&Event::Failed { clip, platforms, stage: Stage::Plan, what, advice });
        journal.tell(&finished(true));
        let (said, _) = Replay::read(&file).unwrap();
        assert!(matches!(&said.clips["a"].step, Step::Failed { what, .. } if what == "it says \"…\""), "{said:?}");
        assert_eq!(said.batch().unwrap().ended, None);
        // What was cut off is over once a batch went through, even one with nothing to do.
        drop(journal);
        let journal = Journal::open(&file, folder.path()).unwrap();
        journal.begin("run", folder.path());
        journal.tell(&ended);
        assert_eq!(Replay::read(&file).unwrap().0.batch().unwrap().ended, Some(false));
    }
}
