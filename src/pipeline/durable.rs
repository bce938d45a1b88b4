//! What lasts through a power cut. A file is flushed before it gets its name; the folder that holds the name is flushed
//! after it, and before anything is written that counts on it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Makes the names in a folder last.
///
/// # Errors
/// The folder is not there or the disk fails. A network drive that cannot flush folders is no error: nobody can do better
/// there.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

/// Makes a folder with all that are missing above it, so that its own name lasts too.
///
/// # Errors
/// A folder cannot be made there.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(above)?;
    match fs::create_dir(folder) {
        // Another clip's files came first.
        Err(e) if e.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(e) => Err(e),
        Ok(()) => sync_folder(above),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn folders_are_made_where_they_can_be() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b/c");
        make_folder(&deep).unwrap();
        make_folder(&deep).unwrap();
        assert!(deep.is_dir());
        fs::write(deep.join("file"), "").unwrap();
        assert!(make_folder(&deep.join("file")).is_err());
        assert!(make_folder(&deep.join("file/below")).is_err());
        assert!(sync_folder(&deep).is_ok() && sync_folder(&root.path().join("away")).is_err());
    }
}
