//! The cache in the output folder: what was learned about clips, by content. Every entry carries a checksum and its key;
//! one that is damaged, or of a form that this version does not read, counts as absent and is made again.
//!
//! It holds what was said in the clips. The folder that it lies in is closed to other users of the computer.

use super::durable::{make_folder, sync_folder};
use crate::fault::{Fault, cannot_write};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Entries by kind and key, one file each.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    /// Another store that is looked into as well, and never written to.
    lower: Option<PathBuf>,
}

/// An entry as it goes from one store to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    kind: String,
    key: String,
    /// What it holds, as JSON.
    body: String,
}

/// An entry as it lies in its folder.
#[derive(Debug)]
pub struct Kept {
    /// What kind of thing it holds.
    pub kind: String,
    /// Of what; none where it is damaged, or of an earlier version.
    pub key: Option<String>,
    /// Whether it is as it was written.
    pub is_whole: bool,
    /// Where it lies.
    pub file: PathBuf,
}

impl Store {
    /// The store in `root`, which need not exist yet.
    pub fn new(root: PathBuf) -> Self {
        Store { root, lower: None }
    }

    /// The same, which finds what is not in it in the store in `lower`.
    pub fn over(self, lower: PathBuf) -> Self {
        Store { lower: Some(lower), ..self }
    }

    fn file(&self, kind: &str, key: &str) -> PathBuf {
        file_in(&self.root, kind, key)
    }

    /// The entry, if it is there and whole.
    pub fn get<T: DeserializeOwned>(&self, kind: &str, key: &str) -> Option<T> {
        self.find(kind, key, |body| serde_json::from_str(&body).ok())
    }

    /// What the entry holds, as JSON, if it is there and whole: the same as long as nothing else is put there.
    pub fn text(&self, kind: &str, key: &str) -> Option<String> {
        self.find(kind, key, Some)
    }

    fn find<T>(&self, kind: &str, key: &str, take: impl Fn(String) -> Option<T>) -> Option<T> {
        let read = |root: &PathBuf| {
            let (known, body) = whole(&fs::read(file_in(root, kind, key)).ok()?)?;
            // Entries of earlier versions have no key.
            if known.is_some_and(|known| known != key) { None } else { take(body) }
        };
        read(&self.root).or_else(|| self.lower.as_ref().and_then(read))
    }

    /// Whole entries of these kinds, but not those of the store below, to be taken elsewhere.
    pub fn pack(&self, kinds: &[&str]) -> Vec<Packed> {
        let mut packed: Vec<Packed> = Vec::new();
        for Kept { kind, key, is_whole, file } in self.entries() {
            let Some(key) = key.filter(|_| is_whole && kinds.contains(&kind.as_str())) else { continue };
            let body = fs::read(&file).ok().and_then(|bytes| whole(&bytes)).map(|(_, body)| body);
            packed.extend(body.map(|body| Packed { kind, key, body }));
        }
        packed.sort_by(|a, b| (&a.kind, &a.key).cmp(&(&b.kind, &b.key)));
        packed
    }

    /// Writes an entry of another store as it was there, unless it is there as it should be.
    ///
    /// # Errors
    /// The disk takes no file.
    pub fn unpack(&self, entry: &Packed) -> Result<(), Fault> {
        self.write(&entry.kind, &entry.key, &entry.body)
    }

    /// Every entry of a kind that is whole, one after the other, in no order.
    pub fn each<T: DeserializeOwned>(&self, kind: &str) -> impl Iterator<Item = T> {
        let files = fs::read_dir(self.root.join(kind)).into_iter().flatten().flatten();
        files.filter_map(|file| serde_json::from_str(&whole(&fs::read(file.path()).ok()?)?.1).ok())
    }

    /// Every file that is an entry by its name, in no order.
    pub fn entries(&self) -> Vec<Kept> {
        let below =
            |folder: &Path| -> Vec<fs::DirEntry> { fs::read_dir(folder).into_iter().flatten().flatten().collect() };
        let kinds = below(&self.root).into_iter().filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir()));
        let files = kinds.flat_map(|kind| {
            let name = kind.file_name().to_string_lossy().into_owned();
            below(&kind.path()).into_iter().map(move |entry| (name.clone(), entry))
        });
        let kept = files.filter_map(|(kind, entry)| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let stem = name.strip_suffix(".json")?;
            let ours = stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
            let file = entry.path();
            let is_file = entry.file_type().is_ok_and(|t| t.is_file());
            let state = (ours && is_file).then(|| whole(&fs::read(&file).ok()?))?;
            Some(Kept { kind, is_whole: state.is_some(), key: state.and_then(|(key, _)| key), file })
        });
        kept.collect()
    }

    /// Forgets the entry; one that cannot be removed is only in the way.
    pub fn remove(&self, kind: &str, key: &str) {
        drop(fs::remove_file(self.file(kind, key)));
    }

    /// Writes the entry, unless it is there as it should be: to flush a file takes longer than to read one.
    pub fn put<T: Serialize>(&self, kind: &str, key: &str, value: &T) -> Result<(), Fault> {
        let body = serde_json::to_string(value)
            .map_err(|e| Fault::new(format!("the cache cannot be written ({e})"), "report this"))?;
        self.write(kind, key, &body)
    }

    fn write(&self, kind: &str, key: &str, body: &str) -> Result<(), Fault> {
        let rest = format!("{}\n{body}", serde_json::Value::from(key));
        let text = format!("{}\n{rest}", blake3::hash(rest.as_bytes()).to_hex());
        let file = self.file(kind, key);
        if fs::read(&file).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(());
        }
        write_whole(&file, text.as_bytes())
    }
}

fn file_in(root: &Path, kind: &str, key: &str) -> PathBuf {
    // Keys may hold anything, file names may not.
    root.join(kind).join(format!("{}.json", blake3::hash(key.as_bytes()).to_hex()))
}

/// The key and the content of an entry that is whole. Entries of earlier versions have no key.
fn whole(bytes: &[u8]) -> Option<(Option<String>, String)> {
    let (sum, rest) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
    if blake3::hash(rest.as_bytes()).to_hex().as_str() != sum {
        return None;
    }
    match rest.split_once('\n') {
        Some((key, body)) => Some((Some(serde_json::from_str(key).ok()?), body.to_string())),
        None => Some((None, rest.to_string())),
    }
}

/// Writes a file so that under its name there is the old content or the new, never a part: temporary file in the same
/// folder, flushed to the disk, renamed, and the name flushed too: what is written next may count on it.
pub fn write_whole(file: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        make_folder(folder)?;
        let mut temporary = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(folder)?;
        temporary.write_all(bytes)?;
        set_shared_mode(temporary.as_file())?;
        temporary.as_file().sync_all()?;
        temporary.persist(file).map_err(|e| e.error)?;
        sync_folder(folder)
    };
    write().map_err(|e| cannot_write(file, &e))
}

/// Temporary files are private to the user; what is published should follow the folder's custom.
pub(super) fn set_shared_mode(file: &fs::File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_damaged_entry_counts_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().to_path_buf());
        let key = "a/b: c\nand \"more\"";
        store.put("probe", key, &vec![1, 2, 3]).unwrap();
        assert_eq!(store.get::<Vec<i32>>("probe", key), Some(vec![1, 2, 3]));
        assert_eq!(store.entries()[0].key.as_deref(), Some(key));
        let file = store.file("probe", key);
        let text = fs::read(&file).unwrap();
        for at in 0..text.len() {
            let mut damaged = text.clone();
            damaged[at] ^= 4;
            fs::write(&file, &damaged).unwrap();
            assert_eq!(store.get::<Vec<i32>>("probe", key), None, "{at}");
            fs::write(&file, &text[..at]).unwrap();
            assert_eq!(store.get::<Vec<i32>>("probe", key), None, "{at}");
            assert!(!store.entries()[0].is_whole, "{at}");
        }
        store.put("probe", key, &vec![1, 2, 3]).unwrap();
        assert_eq!(store.get::<Vec<i32>>("probe", key), Some(vec![1, 2, 3]));
    }

    #[test]
    fn what_lies_below_is_found_and_never_written_to() {
        let (below, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let lower = Store::new(below.path().to_path_buf());
        lower.put("speech", "a", &0.1_f64).unwrap();
        let store = Store::new(folder.path().to_path_buf()).over(below.path().to_path_buf());
        assert_eq!(store.get::<f64>("speech", "a"), Some(0.1));
        store.put("speech", "a", &0.2_f64).unwrap();
        store.put("speech", "b", &0.3_f64).unwrap();
        store.put("clip", "b", &1).unwrap();
        assert_eq!((store.get::<f64>("speech", "a"), lower.get::<f64>("speech", "a")), (Some(0.2), Some(0.1)));
        // What is taken elsewhere is the same there, to the last byte.
        let packed = store.pack(&["speech"]);
        assert_eq!(packed.len(), 2);
        let third = tempfile::tempdir().unwrap();
        let third = Store::new(third.path().to_path_buf());
        packed.iter().for_each(|entry| third.unpack(entry).unwrap());
        for key in ["a", "b"] {
            assert_eq!(fs::read(third.file("speech", key)).unwrap(), fs::read(store.file("speech", key)).unwrap());
        }
    }

    #[test]
    fn an_entry_that_lies_where_another_belongs_or_is_of_another_form_counts_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().to_path_buf());
        store.put("speech", "a", &vec![1]).unwrap();
        fs::copy(store.file("speech", "a"), store.file("speech", "b")).unwrap();
        assert_eq!(store.get::<Vec<i32>>("speech", "b"), None);
        assert_eq!(store.get::<String>("speech", "a"), None);
        // As earlier versions wrote them.
        let body = "[4]";
        fs::write(store.file("speech", "c"), format!("{}\n{body}", blake3::hash(body.as_bytes()).to_hex())).unwrap();
        assert_eq!(store.get::<Vec<i32>>("speech", "c"), Some(vec![4]));
    }
}
