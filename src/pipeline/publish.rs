//! Checked files get their names. Nothing else in the program gives a name to a cut, under a platform or in `held/`.

use super::beside::make_room;
use super::journal::{Checked, Entry, Journal, Stamp};
use super::store::{cannot_write, set_shared_mode};
use crate::fault::Fault;
use crate::intake::Digest;
use crate::media::verify::Verified;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A cut that is in its place.
#[derive(Debug)]
pub struct Published {
    /// Relative to the output folder.
    pub file: PathBuf,
}

/// Gives a checked file one of its names, as a hard link where the file system has them and as a copy elsewhere, and
/// journals it. An older file of that name is replaced in one step.
///
/// # Errors
/// The file cannot be put there; what stood under the name before still does.
pub fn publish(
    verified: &Verified,
    file: &Path,
    key: &Digest,
    out: &Path,
    journal: &Journal,
) -> Result<Published, Fault> {
    let target = out.join(file);
    let put = || -> std::io::Result<()> {
        let folder = target.parent().unwrap_or(out);
        fs::create_dir_all(folder)?;
        // The name of a file on its way begins with a dot and ends in .part: no platform's uploader picks it up.
        let waiting = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(folder)?.into_temp_path();
        fs::remove_file(&waiting)?;
        if fs::hard_link(verified.file(), &waiting).is_err() {
            fs::copy(verified.file(), &waiting)?;
        }
        let handle = File::open(&waiting)?;
        set_shared_mode(&handle)?;
        handle.sync_all()?;
        fs::rename(&waiting, &target)?;
        // Where both names are one file already, renaming does nothing and leaves this one; else it is gone by now.
        drop(waiting);
        sync_folder(folder)
    };
    put().map_err(|e| cannot_write(&target, &e))?;
    let stamp = Stamp::of(&target).ok_or_else(|| cannot_write(&target, &std::io::ErrorKind::NotFound.into()))?;
    journal.append(Entry::Published { file: file.to_path_buf(), key: key.clone(), stamp })?;
    Ok(Published { file: file.to_path_buf() })
}

/// Removes what a run that was killed left on its way in the folders of platforms. Only whoever holds the output folder's
/// lock may call it.
pub fn sweep(out: &Path) {
    let folders = |of: &Path| -> Vec<std::path::PathBuf> {
        fs::read_dir(of)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect()
    };
    for folder in [folders(out), folders(&out.join("held"))].concat() {
        for file in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') && name.ends_with(".part") {
                drop(fs::remove_file(file.path()));
            }
        }
    }
}

/// Gives a file that was published another name by renaming it. The journal knows the new name first: a line counts only
/// while the file is there.
///
/// # Errors
/// The file cannot be moved; it stays under the name that it had.
pub fn relocate(checked: Checked, to: &Path, out: &Path, journal: &Journal) -> Result<(), Fault> {
    let (source, target) = (out.join(checked.file()), out.join(to));
    make_room(&source, to, out)?;
    journal.append(Entry::Published { file: to.to_path_buf(), key: checked.key().clone(), stamp: checked.stamp() })?;
    journal.flush()?;
    let put = || -> std::io::Result<()> {
        let folder = target.parent().unwrap_or(out);
        fs::create_dir_all(folder)?;
        fs::rename(&source, &target)?;
        // Where both names are one file already, renaming does nothing and leaves this one.
        match fs::remove_file(&source) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        sync_folder(folder)?;
        sync_folder(source.parent().unwrap_or(out))
    };
    put().map_err(|e| cannot_write(&target, &e))
}

/// Makes a rename last through a power cut.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
