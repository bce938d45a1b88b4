//! The cache in the output folder: what was learned about clips, by content. Every entry carries a checksum; one that
//! is damaged counts as absent and is made again.

use crate::fault::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Entries by kind and key, one file each.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The store in `root`, which need not exist yet.
    pub fn new(root: PathBuf) -> Self {
        Store { root }
    }

    fn file(&self, kind: &str, key: &str) -> PathBuf {
        // Keys may hold anything, file names may not.
        self.root.join(kind).join(format!("{}.json", blake3::hash(key.as_bytes()).to_hex()))
    }

    /// The entry, if it is there and whole.
    pub fn get<T: DeserializeOwned>(&self, kind: &str, key: &str) -> Option<T> {
        read(&self.file(kind, key))
    }

    /// Every entry of a kind that is whole, in no order.
    pub fn all<T: DeserializeOwned>(&self, kind: &str) -> Vec<T> {
        let files = fs::read_dir(self.root.join(kind)).into_iter().flatten().flatten();
        files.filter_map(|file| read(&file.path())).collect()
    }

    /// Writes the entry, unless it is there as it should be: to flush a file takes longer than to read one.
    pub fn put<T: Serialize>(&self, kind: &str, key: &str, value: &T) -> Result<(), Fault> {
        let body = serde_json::to_string(value)
            .map_err(|e| Fault::new(format!("the cache cannot be written ({e})"), "report this"))?;
        let text = format!("{}\n{body}", blake3::hash(body.as_bytes()).to_hex());
        let file = self.file(kind, key);
        if fs::read(&file).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(());
        }
        write_whole(&file, text.as_bytes())
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let text = fs::read_to_string(file).ok()?;
    let (sum, body) = text.split_once('\n')?;
    (blake3::hash(body.as_bytes()).to_hex().as_str() == sum).then(|| serde_json::from_str(body).ok())?
}

/// Writes a file so that under its name there is the old content or the new, never a part: temporary file in the same
/// folder, flushed to the disk, renamed.
pub fn write_whole(file: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut temporary = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(folder)?;
        temporary.write_all(bytes)?;
        temporary.as_file().sync_all()?;
        set_shared_mode(temporary.as_file())?;
        temporary.persist(file).map_err(|e| e.error)?;
        Ok(())
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

/// A fault for a file that cannot be written, with advice by cause.
pub fn cannot_write(file: &Path, error: &std::io::Error) -> Fault {
    let advice = match error.kind() {
        std::io::ErrorKind::StorageFull => {
            "free some space on the disk and run again; nothing that was finished is lost"
        }
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            "choose an output folder that you may write to, with --out"
        }
        _ => "check the disk and run again",
    };
    Fault::new(format!("{} cannot be written ({error})", file.display()), advice)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_damaged_entry_counts_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().to_path_buf());
        store.put("probe", "a/b: c", &vec![1, 2, 3]).unwrap();
        assert_eq!(store.get::<Vec<i32>>("probe", "a/b: c"), Some(vec![1, 2, 3]));
        let file = store.file("probe", "a/b: c");
        let damaged = fs::read_to_string(&file).unwrap().replace("[1,2", "[1,7");
        fs::write(&file, damaged).unwrap();
        assert_eq!(store.get::<Vec<i32>>("probe", "a/b: c"), None);
        fs::write(&file, "torn").unwrap();
        assert_eq!(store.get::<Vec<i32>>("probe", "a/b: c"), None);
    }
}
