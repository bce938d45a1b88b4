//! What the tasks of a cluster bring into a practice's output folder, until it is put into place there: finished renders
//! and covers, what was learned of clips, and a receipt for each task.
//!
//! Nobody has a lock here. Every file is written under a temporary name in its own folder, flushed and renamed, so that it
//! is whole or not there; a render lies under the digest of what it holds, so that two tasks of one clip never write to the
//! same file. What is kept with a render is what its check found of just those bytes.

use super::durable::{make_folder, sync_folder};
use super::event::Stage;
use super::journal::Journal;
use super::publish::is_on_its_way;
use super::store::{Packed, Store, set_shared_mode, write_whole};
use crate::fault::{Cancel, Fault, cannot_write};
use crate::intake::{self, Digest};
use crate::worker::{Carried, Verified};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The folder in the program's own folder.
pub(super) const FOLDER: &str = "delivered";

/// Folder of the finished files.
const FILES: &str = "files";

/// Extension of files that did not pass their check: a good render may hold the same, and neither goes with the other.
const REJECTED: &str = "rejected";

/// A file on its way that nobody wrote to for so long is nobody's: a task writes one in minutes.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// Kinds of entries that are learned of a clip by reading it.
const LEARNED: [&str; 5] = ["probe", "faces", "loudness", "speech", "transcript"];

/// What a task says of its clip when it is through with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Name of the clip's outputs.
    pub clip: String,
    /// What the clip holds.
    pub content: Digest,
    /// What decided the outputs when the task was submitted.
    pub fingerprint: Digest,
    /// Which computer worked on it.
    pub computer: String,
    /// When it was through: UTC, RFC 3339.
    pub at: String,
    /// Why there is nothing of it.
    pub failed: Option<Failure>,
    /// Why single cuts are not there.
    pub cuts: Vec<Failure>,
    /// Keys of the renders that the clip needs and that are there.
    pub renders: Vec<Digest>,
    /// Key of its cover, if it is there.
    pub cover: Option<Digest>,
    /// Files that did not pass their check, for a person to look at: what they hold by their names.
    pub rejected: BTreeMap<String, Digest>,
}

/// Why something was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Ids of the platforms; none where it is about the whole clip.
    pub platforms: Vec<String>,
    /// Where.
    pub stage: Stage,
    /// What happened, without a stop.
    pub what: String,
    /// What to do next, without a stop.
    pub advice: String,
}

/// A cover that was made elsewhere.
#[derive(Serialize, Deserialize)]
struct Still {
    content: Digest,
}

/// What was delivered into one output folder.
#[derive(Debug, Clone)]
pub struct Delivered {
    root: PathBuf,
    notes: Store,
    /// Whether anything was when this was made.
    any: bool,
}

impl Receipt {
    /// Whether all that the clip needs was made.
    pub fn is_complete(&self) -> bool {
        self.failed.is_none() && self.cuts.is_empty()
    }
}

impl Failure {
    /// As a fault.
    pub fn fault(&self) -> Fault {
        Fault::new(&self.what, &self.advice)
    }
}

impl Delivered {
    /// Of the output folder `out`.
    pub fn of(out: &Path) -> Self {
        let root = out.join(".housecall").join(FOLDER);
        Delivered { notes: Store::new(root.clone()), any: root.is_dir(), root }
    }

    /// Delivers a render with what its check found, unless it is there.
    ///
    /// # Errors
    /// The disk takes no file, or the render is not as it was checked any more.
    pub fn give(&self, key: &Digest, verified: &Verified) -> Result<(), Fault> {
        let folder = self.root.join(FILES);
        if self.notes.get::<Carried>("render", &key.0).is_some_and(|carried| self.is_there(&carried)) {
            return Ok(());
        }
        let put = || -> std::io::Result<Carried> {
            make_folder(&folder)?;
            let mut waiting = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(&folder)?;
            let carried = verified.carry(waiting.as_file_mut())?;
            set_shared_mode(waiting.as_file())?;
            waiting.as_file().sync_all()?;
            waiting.persist(self.file(carried.content(), "mp4")).map_err(|e| e.error)?;
            sync_folder(&folder)?;
            Ok(carried)
        };
        let carried = put().map_err(|e| cannot_write(&folder, &e))?;
        // The file first: what is told of is there.
        self.notes.put("render", &key.0, &carried)
    }

    /// Delivers a cover.
    ///
    /// # Errors
    /// The disk takes no file.
    pub fn give_cover(&self, key: &Digest, bytes: &[u8]) -> Result<(), Fault> {
        let content = Digest(blake3::hash(bytes).to_hex().to_string());
        write_whole(&self.file(&content, "jpg"), bytes)?;
        self.notes.put("cover", &key.0, &Still { content })
    }

    /// Delivers what `store` itself knows of a clip of that content.
    ///
    /// # Errors
    /// The disk takes no file.
    pub fn give_learned(&self, clip: &Digest, store: &Store) -> Result<(), Fault> {
        self.notes.put("learned", &clip.0, &store.pack(&LEARNED))
    }

    /// Delivers what became of a clip: the last of it.
    ///
    /// # Errors
    /// The disk takes no file.
    pub fn give_receipt(&self, receipt: &Receipt) -> Result<(), Fault> {
        let before = self.receipt(&receipt.clip);
        self.notes.put("receipt", &receipt.clip, receipt)?;
        // Nobody is told any more of what was rejected the time before.
        let told = |content: &Digest| receipt.rejected.values().any(|known| known == content);
        let void = before.iter().flat_map(|before| before.rejected.values()).filter(|content| !told(content));
        void.for_each(|content| drop(fs::remove_file(self.file(content, REJECTED))));
        Ok(())
    }

    /// Delivers a file that did not pass its check; what it holds, by which a receipt names it.
    ///
    /// # Errors
    /// The file cannot be read, or the disk takes none; [`Fault::Cancelled`].
    pub fn give_rejected(&self, file: &Path, cancel: &Cancel) -> Result<Digest, Fault> {
        let content = intake::digest(file, cancel)?;
        let folder = self.root.join(FILES);
        let put = || -> std::io::Result<()> {
            make_folder(&folder)?;
            let mut waiting = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(&folder)?;
            std::io::copy(&mut fs::File::open(file)?, waiting.as_file_mut())?;
            set_shared_mode(waiting.as_file())?;
            waiting.as_file().sync_all()?;
            waiting.persist(self.file(&content, REJECTED)).map_err(|e| e.error)?;
            sync_folder(&folder)
        };
        put().map_err(|e| cannot_write(&folder, &e))?;
        Ok(content)
    }

    /// Takes a file of that name that did not pass its check to `target`; whether it lies there.
    pub fn take_rejected(&self, receipt: &Receipt, name: &str, target: &Path) -> bool {
        let Some(content) = receipt.rejected.get(name) else { return false };
        let put = || -> std::io::Result<()> {
            make_folder(target.parent().unwrap_or(Path::new(".")))?;
            fs::rename(self.file(content, REJECTED), target)
        };
        // Whoever gathered before has it there already.
        put().is_ok() || target.exists()
    }

    /// A render that was delivered: none where it was not, a fault where it is not the file that was checked.
    pub fn render(&self, key: &Digest, cancel: &Cancel) -> Option<Result<Verified, Fault>> {
        let carried: Carried = self.any.then(|| self.notes.get("render", &key.0))??;
        let file = self.file(carried.content(), "mp4");
        file.exists().then(|| Verified::arrived(carried, &file, cancel))
    }

    /// Whether anything was delivered when this was begun.
    pub fn has_any(&self) -> bool {
        self.any
    }

    /// A cover that was delivered whole.
    pub fn cover(&self, key: &Digest) -> Option<Vec<u8>> {
        let still: Still = self.any.then(|| self.notes.get("cover", &key.0))??;
        let bytes = fs::read(self.file(&still.content, "jpg")).ok()?;
        (blake3::hash(&bytes).to_hex().as_str() == still.content.0).then_some(bytes)
    }

    /// Puts what was learned of a clip of that content into `store`; whether anything was.
    ///
    /// # Errors
    /// The disk takes no file.
    pub fn learn(&self, clip: &Digest, store: &Store) -> Result<bool, Fault> {
        let learned: Option<Vec<Packed>> = if self.any { self.notes.get("learned", &clip.0) } else { None };
        let Some(learned) = learned else { return Ok(false) };
        learned.iter().try_for_each(|entry| store.unpack(entry))?;
        Ok(true)
    }

    /// What became of the clip of that name.
    pub fn receipt(&self, clip: &str) -> Option<Receipt> {
        if self.any { self.notes.get("receipt", clip) } else { None }
    }

    /// Whether all that a receipt tells of lies there.
    pub fn has_all(&self, receipt: &Receipt) -> bool {
        let there = |key: &Digest| self.notes.get("render", &key.0).is_some_and(|carried| self.is_there(&carried));
        receipt.is_complete() && receipt.renders.iter().all(there)
    }

    /// Removes a render that is not as it was checked, so that nobody counts on it.
    pub fn discard(&self, key: &Digest) {
        if let Some(carried) = self.notes.get::<Carried>("render", &key.0) {
            self.notes.remove("render", &key.0);
            drop(fs::remove_file(self.file(carried.content(), "mp4")));
        }
    }

    /// Removes everything of a clip, which is in place: its name, what it holds, what decided its outputs, its renders and its
    /// cover. What a task delivered that was asked for something else stays, if all of it is there: it may still be wanted.
    pub fn forget(&self, name: &str, clip: &Digest, fingerprint: &Digest, renders: &[&Digest], cover: Option<&Digest>) {
        if !self.any {
            return;
        }
        renders.iter().for_each(|key| self.discard(key));
        if let Some(still) = cover.and_then(|key| self.notes.get::<Still>("cover", &key.0)) {
            cover.iter().for_each(|key| self.notes.remove("cover", &key.0));
            drop(fs::remove_file(self.file(&still.content, "jpg")));
        }
        let receipt = self.receipt(name);
        if receipt.as_ref().is_some_and(|other| other.fingerprint != *fingerprint && self.has_all(other)) {
            return;
        }
        let rejected = receipt.iter().flat_map(|receipt| receipt.rejected.values());
        rejected.for_each(|content| drop(fs::remove_file(self.file(content, REJECTED))));
        self.notes.remove("learned", &clip.0);
        self.notes.remove("receipt", name);
    }

    fn is_there(&self, carried: &Carried) -> bool {
        fs::metadata(self.file(carried.content(), "mp4")).is_ok_and(|about| about.len() == carried.bytes())
    }

    fn file(&self, content: &Digest, extension: &str) -> PathBuf {
        self.root.join(FILES).join(format!("{}.{extension}", content.0))
    }
}

/// Whether a path is the folder of what tasks deliver: what is on its way there may be of one that goes on.
pub(super) fn is_of_others(path: &Path) -> bool {
    path.ends_with(Path::new(".housecall").join(FOLDER))
}

/// What became of the clip of that name on another computer, where that was delivered into the output folder `out` and is not
/// in place.
pub fn receipt(out: &Path, clip: &str) -> Option<Receipt> {
    Delivered::of(out).receipt(clip)
}

/// Takes back what a task said of a clip of the output folder `out` that was handed out again, unless a task said something
/// else since: what failed before is not what becomes of it now. What was made of it stays.
pub fn take_back(out: &Path, receipt: &Receipt) {
    let delivered = Delivered::of(out);
    if delivered.receipt(&receipt.clip).as_ref() == Some(receipt) {
        delivered.notes.remove("receipt", &receipt.clip);
        receipt.rejected.values().for_each(|content| drop(fs::remove_file(delivered.file(content, REJECTED))));
    }
}

/// Removes what nobody waits for: what tasks that were killed left on its way, once it is too old to be anybody's, and what
/// came of clips when they had been made in `out` by somebody else.
pub(super) fn sweep(out: &Path, journal: &Journal) {
    let delivered = Delivered::of(out);
    for file in abandoned(&out.join(".housecall")) {
        drop(fs::remove_file(file));
    }
    for receipt in delivered.notes.each::<Receipt>("receipt") {
        let Receipt { clip, content, fingerprint, renders, cover, .. } = &receipt;
        if journal.is_done(clip, fingerprint) {
            delivered.forget(clip, content, fingerprint, &renders.iter().collect::<Vec<_>>(), cover.as_ref());
        }
    }
}

/// Files on their way in `state` that nobody writes to any more.
pub(super) fn abandoned(state: &Path) -> Vec<PathBuf> {
    let below = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = below(state.join(FOLDER)).flat_map(below);
    files.filter(|file| is_on_its_way(&intake::name_of(file)) && is_older(file, ABANDONED)).collect()
}

/// Whether nobody wrote to a file for so long.
pub(super) fn is_older(file: &Path, age: Duration) -> bool {
    let changed = fs::symlink_metadata(file).and_then(|about| about.modified());
    changed.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|quiet| quiet >= age))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn receipt(fingerprint: &str, rejected: &[(&str, &Digest)]) -> Receipt {
        Receipt {
            clip: "a".into(),
            content: Digest("clip".into()),
            fingerprint: Digest(fingerprint.into()),
            computer: "n1".into(),
            at: "2026-11-23T02:00:00Z".into(),
            failed: None,
            cuts: Vec::new(),
            renders: Vec::new(),
            cover: None,
            rejected: rejected.iter().map(|(name, content)| (name.to_string(), (*content).clone())).collect(),
        }
    }

    #[test]
    fn a_file_that_did_not_pass_lies_there_until_it_is_taken_or_the_clip_was_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let (out, cancel) = (folder.path().join("cuts"), Cancel::new());
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        [&one, &two].iter().for_each(|file| fs::write(file, file.as_os_str().as_encoded_bytes()).unwrap());
        fs::create_dir_all(out.join(".housecall").join(FOLDER)).unwrap();
        let delivered = Delivered::of(&out);
        let first = delivered.give_rejected(&one, &cancel).unwrap();
        let told = receipt("f", &[("a-1.mp4", &first)]);
        delivered.give_receipt(&told).unwrap();
        let target = out.join(".housecall/failed/a-1.mp4");
        assert!(!delivered.take_rejected(&told, "a-2.mp4", &target) && !target.exists());
        for _ in 0..2 {
            assert!(delivered.take_rejected(&told, "a-1.mp4", &target));
            assert_eq!(fs::read(&target).unwrap(), fs::read(&one).unwrap());
        }
        let second = delivered.give_rejected(&two, &cancel).unwrap();
        delivered.give_receipt(&receipt("f", &[("a-1.mp4", &second)])).unwrap();
        assert!(delivered.file(&second, REJECTED).exists());
        // A good render may hold the same.
        fs::copy(&two, delivered.file(&second, "mp4")).unwrap();
        delivered.give_receipt(&receipt("f", &[])).unwrap();
        assert!(delivered.file(&second, "mp4").exists());
        assert!(!delivered.file(&second, REJECTED).exists(), "nobody is told of it any more");
    }

    #[test]
    fn what_was_said_of_a_clip_that_is_handed_out_again_goes_unless_a_task_said_more_since() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".housecall").join(FOLDER)).unwrap();
        let delivered = Delivered::of(folder.path());
        let before = receipt("f", &[]);
        let since = Receipt { at: "2026-11-23T02:00:01Z".into(), ..before.clone() };
        delivered.give_receipt(&since).unwrap();
        take_back(folder.path(), &before);
        assert_eq!(delivered.receipt("a"), Some(since.clone()));
        take_back(folder.path(), &since);
        assert_eq!(delivered.receipt("a"), None);
    }

    #[test]
    fn a_clip_that_is_in_place_leaves_what_was_delivered_for_something_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".housecall").join(FOLDER)).unwrap();
        let delivered = Delivered::of(folder.path());
        let (clip, [f, g]) = (Digest("clip".into()), ["f", "g"].map(|name| Digest(name.into())));
        delivered.give_receipt(&receipt("f", &[])).unwrap();
        delivered.forget("a", &clip, &g, &[], None);
        assert!(delivered.receipt("a").is_some());
        delivered.forget("a", &clip, &f, &[], None);
        assert_eq!(delivered.receipt("a"), None);
        // What failed, or is not all there, is of no use to anyone.
        delivered.give_receipt(&Receipt { renders: vec![g.clone()], ..receipt("f", &[]) }).unwrap();
        delivered.forget("a", &clip, &g, &[], None);
        assert_eq!(delivered.receipt("a"), None);
    }
}
