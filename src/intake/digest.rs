//! What a file holds, and a cache of it, so that an inbox that has not changed is not read again.

use super::{Candidate, Digest};
use crate::fault::{Cancel, Fault, cannot_write};
use crate::plain_file;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes read at once; between two reads the cancel token is asked.
const CHUNK: usize = 1 << 20;

/// A date is believed once it is this old. File systems store dates as coarsely as 2 s (FAT), so that a younger file may
/// change again and keep its date.
const TRUSTED_AGE: Duration = Duration::from_secs(2);

/// BLAKE3 of the file's bytes.
///
/// # Errors
/// The file cannot be read; [`Fault::Cancelled`].
pub fn digest(path: &Path, cancel: &Cancel) -> Result<Digest, Fault> {
    let mut file = plain_file::open(path).map_err(|error| unreadable(path, &error))?;
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        cancel.check()?;
        match file.read(&mut chunk) {
            Ok(0) => return Ok(Digest(hasher.finalize().to_hex().to_string())),
            Ok(count) => hasher.update(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(path, &error)),
        };
    }
}

/// Digests of files by their path, size, date and inode.
///
/// An entry is never wrong unless a program changes a file and restores its size, date and inode; a missing or damaged
/// cache only costs reading.
#[derive(Debug)]
pub struct DigestCache {
    file: PathBuf,
    entries: BTreeMap<String, Entry>,
    dirty: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    stat: Stat,
    /// When the digest was taken, in nanoseconds since 1970.
    recorded: u64,
    /// Whether the file had been seen unchanged for so long that its date counts, however young it is: a camera whose
    /// clock is ahead gives dates of tomorrow.
    #[serde(default)]
    at_rest: bool,
    digest: Digest,
}

/// What a file system says about a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Stat {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: u64,
    /// 0 where the system has none.
    inode: u64,
}

impl DigestCache {
    /// What `file` holds; empty when it is missing, damaged or of another version.
    pub fn load(file: &Path) -> Self {
        let entries = fs::read_to_string(file).ok().and_then(|text| {
            // A digit of a digest that was damaged would make another clip of it.
            let (sum, body) = text.split_once('\n')?;
            (blake3::hash(body.as_bytes()).to_hex().as_str() == sum).then(|| serde_json::from_str(body).ok())?
        });
        DigestCache { file: file.to_path_buf(), entries: entries.unwrap_or_default(), dirty: false }
    }

    /// The digest of the file, if it has not changed since it was recorded.
    pub fn get(&self, path: &Path, metadata: &Metadata) -> Option<Digest> {
        let entry = self.entries.get(&key(path))?;
        let old_enough = entry.stat.modified.saturating_add(TRUSTED_AGE.as_nanos() as u64) <= entry.recorded;
        ((old_enough || entry.at_rest) && stat(metadata) == Some(entry.stat)).then(|| entry.digest.clone())
    }

    /// Every file that is remembered, with its digest; by the path that it was read under.
    pub fn all(&self) -> impl Iterator<Item = (&Path, &Digest)> {
        self.entries.iter().map(|(path, entry)| (Path::new(path), &entry.digest))
    }

    /// Forgets the files of a folder that are not among these any more. Where nothing is left in it, perhaps its drive is away,
    /// and nothing is forgotten; of other folders nothing is either.
    pub fn keep_only(&mut self, folder: &Path, clips: &[Candidate]) {
        if clips.is_empty() {
            return;
        }
        let there: HashSet<String> = clips.iter().map(|clip| key(&clip.path)).collect();
        let before = self.entries.len();
        self.entries.retain(|path, _| there.contains(path) || Path::new(path).parent() != Some(folder));
        self.dirty |= self.entries.len() < before;
    }

    /// Whether the clip's digest is remembered and the clip has not changed since: then it is at rest.
    pub fn knows(&self, clip: &Candidate) -> bool {
        fs::symlink_metadata(&clip.path).is_ok_and(|metadata| self.get(&clip.path, &metadata).is_some())
    }

    /// Remembers the digest of a file that had this metadata before and after it was read, at the time `now`.
    fn put(&mut self, path: &Path, metadata: &Metadata, digest: Digest, now: SystemTime, at_rest: bool) {
        if let (Some(stat), Some(recorded)) = (stat(metadata), nanos(now)) {
            self.entries.insert(key(path), Entry { stat, recorded, at_rest, digest });
            self.dirty = true;
        }
    }

    /// The digest of a clip that was seen unchanged for `quiet`: remembered, else read and remembered.
    ///
    /// # Errors
    /// The file cannot be read, or changes while it is; [`Fault::Cancelled`].
    pub fn digest(&mut self, clip: &Candidate, quiet: Duration, cancel: &Cancel) -> Result<Digest, Fault> {
        let path = clip.path.as_path();
        let look = || fs::symlink_metadata(path).map_err(|error| unreadable(path, &error));
        let before = look()?;
        let changed = || Fault::new(format!("{} changed while it was read", path.display()), "wait until it is copied");
        // What changed after it was seen was not watched: it may be half of the next copy.
        if before.len() != clip.bytes || before.modified().ok() != Some(clip.modified) {
            return Err(changed());
        }
        if let Some(known) = self.get(path, &before) {
            return Ok(known);
        }
        // The time before reading: what changes later has a later date.
        let now = SystemTime::now();
        let digest = digest(path, cancel)?;
        if stat(&look()?) != stat(&before) {
            return Err(changed());
        }
        self.put(path, &before, digest.clone(), now, quiet >= TRUSTED_AGE);
        Ok(digest)
    }

    /// Writes the cache if anything is new, so that a crash leaves the old one or the new one.
    ///
    /// # Errors
    /// The folder, which must exist, cannot be written to.
    pub fn save(&mut self) -> Result<(), Fault> {
        if !self.dirty {
            return Ok(());
        }
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let written = serde_json::to_vec(&self.entries).map_err(io::Error::from).and_then(|bytes| {
            let mut scratch = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(folder)?;
            writeln!(scratch, "{}", blake3::hash(&bytes).to_hex())?;
            scratch.write_all(&bytes)?;
            scratch.as_file().sync_all()?;
            scratch.persist(&self.file).map_err(|error| error.error)
        });
        written.map_err(|error| cannot_write(&self.file, &error))?;
        self.dirty = false;
        Ok(())
    }
}

/// Two names that are no Unicode may share a key; their inodes and dates still tell them apart.
fn key(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// None where the system gives no date, or one before 1970.
fn stat(metadata: &Metadata) -> Option<Stat> {
    Some(Stat { bytes: metadata.len(), modified: nanos(metadata.modified().ok()?)?, inode: inode(metadata) })
}

fn nanos(time: SystemTime) -> Option<u64> {
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

fn unreadable(path: &Path, error: &io::Error) -> Fault {
    Fault::new(
        format!("{} cannot be read ({error})", path.display()),
        "check that the file is there, and copy it again",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs::File;

    fn aged(path: &Path, bytes: &[u8], age: u64) -> Metadata {
        fs::write(path, bytes).unwrap();
        let time = SystemTime::now() - Duration::from_secs(age);
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        fs::metadata(path).unwrap()
    }

    fn seen(path: &Path) -> Candidate {
        let about = fs::metadata(path).unwrap();
        Candidate { path: path.to_path_buf(), bytes: about.len(), modified: about.modified().unwrap() }
    }

    #[test]
    fn the_digest_is_blake3_of_all_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        // One byte more than two whole reads.
        let bytes: Vec<u8> = (0..=2 * CHUNK).map(|i| (i % 251) as u8).collect();
        fs::write(&path, &bytes).unwrap();
        let expected = blake3::hash(&bytes).to_hex().to_string();
        assert_eq!(digest(&path, &Cancel::new()).unwrap(), Digest(expected));
        fs::write(&path, "").unwrap();
        let empty = digest(&path, &Cancel::new()).unwrap();
        assert_eq!(empty.0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    }

    #[test]
    fn reading_stops_when_asked_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        fs::write(&path, "x").unwrap();
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(digest(&path, &cancel).unwrap_err().is_cancelled());
    }

    #[test]
    fn an_unchanged_file_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (file, path) = (folder.path().join("digests.json"), folder.path().join("clip.mp4"));
        let metadata = aged(&path, b"one", 60);
        let mut cache = DigestCache::load(&file);
        let first = cache.digest(&seen(&path), Duration::ZERO, &Cancel::new()).unwrap();
        cache.save().unwrap();
        let again = DigestCache::load(&file);
        assert_eq!(again.entries, cache.entries);
        assert_eq!(again.get(&path, &metadata), Some(first));
    }

    #[test]
    fn files_that_are_gone_are_forgotten_and_those_of_other_folders_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (inbox, other) = (folder.path().join("inbox"), folder.path().join("inbox/other"));
        fs::create_dir_all(&other).unwrap();
        let mut cache = DigestCache::load(&folder.path().join("digests.json"));
        let files = [inbox.join("a.mp4"), inbox.join("b.mp4"), other.join("c.mp4")];
        for file in &files {
            aged(file, b"one", 60);
            cache.digest(&seen(file), Duration::ZERO, &Cancel::new()).unwrap();
        }
        cache.save().unwrap();
        let paths = |cache: &DigestCache| cache.all().map(|(path, _)| path.to_path_buf()).collect::<Vec<_>>();
        let all = paths(&cache);
        cache.keep_only(&inbox, &[]);
        assert_eq!((paths(&cache), cache.dirty), (all, false), "its drive is away");
        cache.keep_only(&inbox, &[seen(&files[1])]);
        assert_eq!((paths(&cache), cache.dirty), (vec![files[1].clone(), files[2].clone()], true));
    }

    #[test]
    fn a_changed_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        let metadata = aged(&path, b"one", 60);
        let mut cache = DigestCache::load(&folder.path().join("digests.json"));
        cache.put(&path, &metadata, Digest("old".into()), SystemTime::now(), false);
        assert_eq!(cache.get(&path, &metadata), Some(Digest("old".into())));
        assert_eq!(cache.get(&path, &aged(&path, b"two", 50)), None, "another date");
        assert_eq!(cache.get(&path, &aged(&path, b"three", 60)), None, "another size");
        assert_eq!(cache.get(&folder.path().join("other.mp4"), &metadata), None, "another name");
    }

    #[test]
    fn a_file_that_may_still_change_within_its_date_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        let metadata = aged(&path, b"one", 0);
        let mut cache = DigestCache::load(&folder.path().join("digests.json"));
        let written = metadata.modified().unwrap();
        cache.put(&path, &metadata, Digest("one".into()), written + Duration::from_millis(1_999), false);
        assert_eq!(cache.get(&path, &metadata), None);
        cache.put(&path, &metadata, Digest("one".into()), written + Duration::from_millis(2_000), false);
        assert!(cache.get(&path, &metadata).is_some());
    }

    #[test]
    fn a_date_in_the_future_is_trusted_once_the_file_was_watched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        aged(&path, b"one", 0);
        let tomorrow = |path: &Path| {
            let date = SystemTime::now() + Duration::from_secs(86_400);
            File::options().write(true).open(path).unwrap().set_modified(date).unwrap();
        };
        tomorrow(&path);
        let mut cache = DigestCache::load(&folder.path().join("digests.json"));
        let clip = seen(&path);
        let mut read = |clip: &Candidate, quiet| {
            let read = cache.digest(clip, quiet, &Cancel::new());
            let known = cache.knows(clip);
            cache.entries.clear();
            read.map(|_| known).map_err(|fault| fault.what().to_string())
        };
        assert_eq!(read(&clip, Duration::from_millis(1_999)), Ok(false));
        assert_eq!(read(&clip, Duration::from_secs(2)), Ok(true));
        // It was written to after it was seen.
        fs::write(&path, b"other").unwrap();
        tomorrow(&path);
        assert!(read(&clip, Duration::from_secs(2)).unwrap_err().contains("changed while it was read"));
    }

    #[test]
    fn a_damaged_cache_costs_reading_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (file, path) = (folder.path().join("digests.json"), folder.path().join("clip.mp4"));
        fs::write(&file, "{\"clip.mp4\": {\"bytes\": ").unwrap();
        aged(&path, b"one", 60);
        let mut cache = DigestCache::load(&file);
        assert!(cache.digest(&seen(&path), Duration::ZERO, &Cancel::new()).is_ok());
        cache.save().unwrap();
        assert_eq!(DigestCache::load(&file).entries.len(), 1);
        let mut lost = DigestCache::load(&folder.path().join("gone/digests.json"));
        lost.digest(&seen(&path), Duration::ZERO, &Cancel::new()).unwrap();
        assert!(lost.save().unwrap_err().what().contains("cannot be written"));
    }
}
