//! What no clip needs any more, and its removal. Everything that is looked at lies in the program's own folder, or has the
//! name of a file on its way there; cuts, texts, transcripts, the record and the inbox are none of its business.

use super::delivered;
use super::desk::state_of;
use super::journal::{self, Entry, Replay};
use super::lock::{Lock, Patience};
use super::logbook;
use super::look;
use super::sheet_file;
use super::shelf::Shelf;
use super::store::Store;
use super::tenure;
use crate::config;
use crate::fault::{Cancel, Fault, cannot_write};
use crate::intake::{self, DigestCache};
use crate::report::ClipReport;
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Kinds of entries whose keys begin with the digest of a clip.
const OF_CLIPS: [&str; 5] = ["probe", "faces", "loudness", "speech", "transcript"];

/// What other computers are given or give is not needed any more when nobody touched it for so long.
const FORGOTTEN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Files, and the size of each in bytes.
type Files = Vec<(PathBuf, u64)>;

/// Something that nobody needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What it is, as a person reads it: `cuts that failed their check`.
    pub what: &'static str,
    /// Its files, and the size of each in bytes, relative to the output folder. Of a file that is only made smaller, by
    /// how much.
    pub files: Vec<(PathBuf, u64)>,
}

/// What there is to tidy up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tidy {
    /// What nobody needs.
    pub leftovers: Vec<Leftover>,
    /// Why some things were left alone, in whole sentences.
    pub notes: Vec<String>,
}

impl Leftover {
    /// In bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes).sum()
    }
}

/// Says what in an output folder no clip needs, and removes it if `remove` says so. `inbox` is the folder with the clips;
/// without it, that of the last batch.
///
/// # Errors
/// It is no output folder of Housecall's; another Housecall works there; a file cannot be read or removed.
pub fn clean(out: &Path, inbox: Option<&Path>, remove: bool, patience: &Patience) -> Result<Tidy, Fault> {
    let state = state_of(out)?;
    let is_ours = ["journal.ndjson", "cache", "digests.json"].iter().any(|name| state.join(name).exists());
    if !is_ours || fs::symlink_metadata(&state).is_ok_and(|about| about.is_symlink()) {
        let what = format!("{} is not a folder that Housecall made cuts in", out.display());
        return Err(Fault::new(what, "name the folder with the cuts with --out"));
    }
    let _lock = Lock::take(&state, "clean", patience)?;
    let mut desk = Desk { out, state, notes: Vec::new() };
    let (said, _) = Replay::read(&desk.journal())?;
    let inbox = inbox.or_else(|| said.batch().map(|batch| batch.inbox.as_path()));
    let clips = desk.clips(inbox, patience.cancel)?;
    let mut leftovers = vec![
        Leftover { what: "files on their way, of runs that were cut off", files: desk.unfinished() },
        Leftover { what: "cuts that failed their check", files: sizes(below(&desk.state.join("failed"), 1)) },
        Leftover {
            what: "what tasks of a cluster delivered and nobody put into place",
            files: desk.forgotten(delivered::FOLDER),
        },
        Leftover { what: "jobs that were submitted long ago", files: desk.forgotten("jobs") },
        Leftover { what: "logs", files: sizes(below(&logbook::folder(&desk.state), 1)) },
    ];
    let store = Store::new(desk.state.join("cache"));
    leftovers.push(Leftover { what: "copies to look at, of clips that are gone", files: desk.copies(clips.as_ref()) });
    let (known, damaged) = desk.entries(&store, &said, inbox, clips.as_ref());
    leftovers.push(Leftover { what: "what was learned of clips that are gone", files: known });
    leftovers.push(Leftover { what: "damaged entries of the cache", files: damaged });
    for leftover in &mut leftovers {
        leftover.files.retain_mut(|(file, _)| match file.strip_prefix(out) {
            Ok(relative) => {
                *file = relative.to_path_buf();
                true
            }
            Err(_) => false,
        });
    }
    if remove {
        desk.remove(&leftovers)?;
    }
    let gone = |name: &str| clips.is_some() && !desk.is_needed(&store, name, inbox);
    let needed = |entry: &Entry| match entry {
        Entry::Published { file, .. } => out.join(file).exists(),
        Entry::Done { clip, .. } => !gone(clip),
        Entry::Step { clip, step } => step.is_under_way() || !gone(clip),
        Entry::Begun { .. } | Entry::Ended { .. } => true,
    };
    let saved = journal::compact(&desk.journal(), &needed, remove)?;
    if saved > 0 {
        let files = vec![(Path::new(".housecall").join("journal.ndjson"), saved)];
        leftovers.push(Leftover { what: "lines of the journal that later ones make void", files });
    }
    leftovers.retain(|leftover| !leftover.files.is_empty());
    Ok(Tidy { leftovers, notes: desk.notes })
}

/// An output folder that is tidied up.
struct Desk<'a> {
    out: &'a Path,
    state: PathBuf,
    notes: Vec<String>,
}

impl Desk<'_> {
    fn journal(&self) -> PathBuf {
        self.state.join("journal.ndjson")
    }

    /// Digests of all clips that are there; none where that cannot be told. A drive that is away must not look like an
    /// inbox from which everything was taken.
    fn clips(&mut self, inbox: Option<&Path>, cancel: &Cancel) -> Result<Option<HashSet<String>>, Fault> {
        let mut alone = |why: String| {
            self.notes.push(format!("What was learned of clips is left alone: {why}."));
            Ok(None)
        };
        let Some(inbox) = inbox else {
            return alone("nobody knows which folder they come from; name it with --inbox".into());
        };
        if !inbox.is_dir() {
            return alone(format!("{} is not there; name the folder with the clips with --inbox", inbox.display()));
        }
        let found = intake::survey(inbox, self.out)?.clips;
        if found.is_empty() {
            return alone(format!("there is no clip in {}; perhaps its drive is away", inbox.display()));
        }
        let digests = DigestCache::load(&self.state.join("digests.json"));
        let there = |path: &Path| path.exists() || path.file_name().is_some_and(|name| inbox.join(name).exists());
        // Clips of other inboxes count too.
        let mut clips: HashSet<String> =
            digests.all().filter(|(path, _)| there(path)).map(|(_, digest)| digest.0.clone()).collect();
        for clip in found {
            let about = fs::metadata(&clip.path).ok();
            // One that was renamed has been read under another name.
            let digest = match about.and_then(|about| digests.get(&clip.path, &about)) {
                Some(digest) => digest,
                None => intake::digest(&clip.path, cancel)?,
            };
            clips.insert(digest.0);
        }
        Ok(Some(clips))
    }

    /// Whether somebody may still ask for a clip: it is in the inbox, or some of its files are in the output folder.
    fn is_needed(&self, store: &Store, name: &str, inbox: Option<&Path>) -> bool {
        store.get::<ClipReport>("clip", name).is_some_and(|report| {
            let stands = |file: &Path| {
                [Shelf::Public, Shelf::Held].iter().any(|shelf| self.out.join(shelf.place(file)).exists())
            };
            inbox.is_some_and(|inbox| inbox.join(&report.file).exists())
                || report.goods.iter().any(|good| stands(&good.file))
        })
    }

    /// Entries of the cache that no clip needs, and those that are damaged.
    fn entries(
        &self,
        store: &Store,
        said: &Replay,
        inbox: Option<&Path>,
        clips: Option<&HashSet<String>>,
    ) -> (Files, Files) {
        let asked_for: BTreeSet<&str> = said
            .fingerprints()
            .filter(|(clip, _)| self.is_needed(store, clip, inbox))
            .map(|(_, fingerprint)| fingerprint.0.as_str())
            .collect();
        let in_place: HashSet<&str> =
            said.published().filter(|(file, _)| self.out.join(file).exists()).map(|(_, key)| key.0.as_str()).collect();
        let (mut unneeded, mut damaged) = (Vec::new(), Vec::new());
        for entry in store.entries() {
            let needed = match (entry.kind.as_str(), &entry.key, clips) {
                _ if !entry.is_whole => {
                    damaged.push(entry.file);
                    continue;
                }
                (kind, Some(key), Some(clips)) if OF_CLIPS.contains(&kind) => {
                    key.split(' ').next().is_some_and(|digest| clips.contains(digest))
                }
                ("clip" | "plan", Some(name), Some(_)) => self.is_needed(store, name, inbox),
                ("report", Some(fingerprint), Some(_)) => asked_for.contains(fingerprint.as_str()),
                ("measured", Some(key), Some(_)) => in_place.contains(key.as_str()),
                // Entries of earlier versions do not say what they are of, and other kinds are of no clip.
                _ => true,
            };
            if !needed {
                unneeded.push(entry.file);
            }
        }
        (sizes(unneeded), sizes(damaged))
    }

    /// Copies that were made for the page, of clips that are not there any more.
    fn copies(&self, clips: Option<&HashSet<String>>) -> Files {
        let Some(clips) = clips else { return Vec::new() };
        let is_gone = |file: &PathBuf| file.file_stem().is_none_or(|stem| !clips.contains(&*stem.to_string_lossy()));
        sizes(below(&tenure::copies(&self.state), 1).into_iter().filter(is_gone))
    }

    /// What lies in a folder that is for other computers, and was left alone for so long that none of them needs it.
    fn forgotten(&self, folder: &str) -> Files {
        sizes(below(&self.state.join(folder), 3).into_iter().filter(|file| delivered::is_older(file, FORGOTTEN)))
    }

    /// What a run that was killed left on its way.
    fn unfinished(&self) -> Files {
        let platforms = config::platforms().unwrap_or_default().into_iter().map(|platform| platform.id);
        let folders =
            platforms.chain(["held", "covers", "transcripts", sheet_file::FOLDER, ".housecall"].map(String::from));
        let below = folders.flat_map(|folder| below(&self.out.join(folder), 3));
        let top = below_here(self.out).into_iter().filter(is_file).map(|entry| entry.path());
        let parts = below.chain(top).filter(|file| is_on_its_way(&intake::name_of(file)));
        let passing = ["scratch", look::FOLDER].into_iter().flat_map(|folder| below_all(&self.state.join(folder)));
        // Tasks deliver without a lock: what is on its way there may be of one that goes on.
        let delivering = self.state.join(delivered::FOLDER);
        let parts = parts.filter(|file| !file.starts_with(&delivering)).chain(delivered::abandoned(&self.state));
        let files: BTreeSet<PathBuf> = parts.chain(passing).collect();
        sizes(files)
    }

    fn remove(&self, leftovers: &[Leftover]) -> Result<(), Fault> {
        for (file, _) in leftovers.iter().flat_map(|leftover| &leftover.files) {
            let file = self.out.join(file);
            match fs::remove_file(&file) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(cannot_write(&file, &e)),
                _ => {}
            }
        }
        // Folders that became empty; the others stay.
        for folder in ["scratch", look::FOLDER, "failed", "logs"] {
            drop(fs::remove_dir(self.state.join(folder)));
        }
        Ok(())
    }
}

/// Whether a file's name is one that files on their way have: `.a1B2c3.part`. Other programs' are theirs.
fn is_on_its_way(name: &str) -> bool {
    let middle = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part"));
    middle.is_some_and(|middle| middle.len() == 6 && middle.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn below_here(folder: &Path) -> Vec<DirEntry> {
    // A link may lead anywhere.
    if fs::symlink_metadata(folder).is_ok_and(|about| about.is_symlink()) {
        return Vec::new();
    }
    fs::read_dir(folder).into_iter().flatten().flatten().collect()
}

fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_file())
}

/// Files in a folder and in folders in it, `depth` deep. Links are not followed.
fn below(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in below_here(folder) {
        if is_file(&entry) {
            files.push(entry.path());
        } else if depth > 1 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files.extend(below(&entry.path(), depth - 1));
        }
    }
    files
}

fn below_all(folder: &Path) -> Vec<PathBuf> {
    below(folder, usize::MAX)
}

fn sizes(files: impl IntoIterator<Item = PathBuf>) -> Files {
    let size = |file: PathBuf| fs::symlink_metadata(&file).ok().map(|about| (file, about.len()));
    let mut files: Vec<(PathBuf, u64)> = files.into_iter().filter_map(size).collect();
    files.sort();
    files
}
