//! Checked files get their names. Nothing else in the program gives a name to a cut, under a platform or in `held/`.

use super::beside::make_room;
use super::delivered;
use super::durable::{make_folder, sync_folder};
use super::journal::{Checked, Entry, Journal, Stamp};
use super::store::set_shared_mode;
use crate::fault::{Fault, cannot_write};
use crate::intake::Digest;
use crate::worker::Verified;
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
        make_folder(folder)?;
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

/// How deep below the output folder files of ours lie: `.housecall/cache/probe/...`.
const DEPTH: usize = 3;

/// Removes what a run that was killed left on its way, wherever in the output folder. Only whoever holds its lock may call
/// it.
pub fn sweep(out: &Path) {
    sweep_below(out, DEPTH);
}

fn sweep_below(folder: &Path, depth: usize) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if delivered::is_of_others(&path) {
            continue;
        }
        if is_on_its_way(&entry.file_name().to_string_lossy()) {
            drop(fs::remove_file(path));
        } else if depth > 0 && is_folder(&entry) {
            sweep_below(&path, depth - 1);
        }
    }
}

/// Whether it is a folder, or leads to one. Nothing is asked about a plain file: there are many.
fn is_folder(entry: &fs::DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir() || (!kind.is_file() && entry.path().is_dir()))
}

/// Whether a file's name is one of those that files on their way have: `.a1B2c3.part`. Other programs' `.part` files are
/// theirs.
pub(super) fn is_on_its_way(name: &str) -> bool {
    let middle = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part"));
    middle.is_some_and(|middle| middle.len() == 6 && middle.bytes().all(|byte| byte.is_ascii_alphanumeric()))
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
        make_folder(folder)?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_files_on_their_way_are_swept_and_all_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path();
        let on_their_way =
            ["", "x", "held/x", "transcripts", ".housecall", ".housecall/cache/probe"].map(|below| out.join(below));
        let others = ["x/.someone.mp4.part", "x/film.part", "x/.a1B2c3", "x/a.mp4", "x/.a1B2c.part", "x/.a1B2-3.part"];
        for folder in &on_their_way {
            fs::create_dir_all(folder).unwrap();
            let file = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(folder).unwrap();
            file.keep().unwrap();
        }
        for file in others {
            fs::write(out.join(file), "").unwrap();
        }
        sweep(out);
        for folder in &on_their_way {
            for left in fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_file()) {
                assert!(others.iter().any(|file| out.join(file) == left.path()), "{:?}", left.path());
            }
        }
        assert!(others.iter().all(|file| out.join(file).exists()));
    }
}
