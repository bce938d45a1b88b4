//! What the lines of a journal say, read from its bytes, and the lines that are left when those are dropped that later ones
//! make void.

use super::super::store::write_whole;
use super::{Entry, LastBatch, Line, Stamp, Standpoint, checksum};
use crate::fault::Fault;
use crate::intake::Digest;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

/// What the lines of a journal say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replay {
    pub(super) published: HashMap<PathBuf, (Digest, Stamp)>,
    pub(super) done: HashMap<String, (Digest, Vec<(PathBuf, Stamp)>)>,
    pub(super) clips: BTreeMap<String, Standpoint>,
    pub(super) batch: Option<LastBatch>,
}

/// How a journal's file looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// Lines that are whole.
    pub(super) whole: usize,
    /// Lines that are torn or damaged.
    pub(super) damaged: usize,
    /// Whether the last line lacks its end.
    pub(super) torn: bool,
    /// Whether there is nothing in it.
    pub(super) empty: bool,
}

impl Default for Look {
    fn default() -> Self {
        Look { whole: 0, damaged: 0, torn: false, empty: true }
    }
}

impl Replay {
    /// What the journal of that file says now, without opening it; an absent one says nothing. The number of lines that
    /// are torn or damaged comes with it; the last line may be torn because it is just being written.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn read(file: &Path) -> Result<(Self, usize), Fault> {
        let (said, look) = Replay::of_file(file)?;
        Ok((said, look.damaged))
    }

    pub(super) fn of_file(file: &Path) -> Result<(Self, Look), Fault> {
        match fs::File::open(file) {
            Ok(opened) => Replay::of(BufReader::with_capacity(1 << 17, opened)).map_err(|e| cannot_read(file, &e)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Default::default()),
            Err(e) => Err(cannot_read(file, &e)),
        }
    }

    /// Line by line: a journal takes more room than what it says.
    pub(super) fn of(mut reader: impl BufRead) -> io::Result<(Self, Look)> {
        let (mut said, mut look) = (Replay::default(), Look::default());
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            look.empty = false;
            look.torn = !line.ends_with(b"\n");
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            match (!text.is_empty()).then(|| parsed(text)) {
                Some(Read::Entry(line, _)) => {
                    look.whole += 1;
                    said.apply(*line);
                }
                Some(Read::Foreign(_)) => look.whole += 1,
                Some(Read::Damaged) => look.damaged += 1,
                None => {}
            }
            line.clear();
        }
        Ok((said, look))
    }

    pub(super) fn apply(&mut self, Line { at, entry }: Line) {
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
    pub(super) fn lines(&self) -> usize {
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
pub(super) const MOST_LINES: usize = 2000;

/// How many times as many lines as needed are borne.
pub(super) const BLOAT: usize = 3;

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
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(parsed)
}

fn parsed(line: &[u8]) -> Read<'_> {
    let text = std::str::from_utf8(line).ok().and_then(|text| text.split_once(' '));
    match text.filter(|(sum, body)| checksum(body) == *sum) {
        Some((_, body)) => match serde_json::from_str(body) {
            Ok(entry) => Read::Entry(Box::new(entry), line),
            Err(_) => Read::Foreign(line),
        },
        None => Read::Damaged,
    }
}

/// The lines of a journal that no later one makes void, in their order, as far as they are whole and `needed`.
pub(super) fn compacted(bytes: &[u8], needed: &dyn Fn(&Entry) -> bool) -> Vec<u8> {
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

pub(super) fn read(file: &Path) -> Result<Vec<u8>, Fault> {
    match fs::read(file) {
        Ok(bytes) => Ok(bytes),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(cannot_read(file, &e)),
    }
}

pub(super) fn cannot_read(file: &Path, error: &std::io::Error) -> Fault {
    let what = format!("the journal {} cannot be read ({error})", file.display());
    Fault::new(what, "close the program that has it open, and run again")
}
