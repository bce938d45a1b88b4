//! Where a clip's files stand: under the platforms' names, or waiting in `held/`. They are moved by renaming, never made
//! again.
//!
//! The journal names a file's new place before it is moved. It believes a line only where the file is there and looks as
//! it says, so that a kill before the move leaves the old place true, and one after it the new place.

use super::beside::make_room;
use super::durable::{make_folder, sync_folder};
use super::journal::Journal;
use super::publish::relocate;
use crate::config;
use crate::fault::{Fault, cannot_write};
use crate::intake::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folder for the files of clips that wait, in the output folder.
const HELD: &str = "held";

/// Where files stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Under the platforms' names: `tiktok/razor-bumps.mp4`.
    Public,
    /// Waiting for a person: `held/tiktok/razor-bumps.mp4`.
    Held,
}

/// A file that belongs to a clip: a cut, what goes beside it, the cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Good {
    /// Its place among the public ones, relative to the output folder.
    pub file: PathBuf,
    /// What it holds: the key of a render or of a cover, the digest of a text.
    pub key: Digest,
}

impl Shelf {
    /// Where a file stands there, from its place on either shelf.
    pub fn place(self, file: &Path) -> PathBuf {
        let public = file.strip_prefix(HELD).unwrap_or(file);
        match self {
            Shelf::Public => public.to_path_buf(),
            Shelf::Held => Path::new(HELD).join(public),
        }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Shelf::Public => Shelf::Held,
            Shelf::Held => Shelf::Public,
        }
    }
}

/// Takes files to a shelf as far as they lie ready on the other one, checked and untouched; those that were moved, by
/// their new places. A cut comes after what goes beside it, so that whoever finds it finds everything.
///
/// # Errors
/// A file cannot be moved. What was moved before it stays there; the next attempt goes on.
pub fn bring(goods: &[Good], to: Shelf, out: &Path, journal: &Journal) -> Result<Vec<PathBuf>, Fault> {
    let mut moved = Vec::new();
    let (cuts, beside): (Vec<&Good>, Vec<&Good>) =
        goods.iter().partition(|good| good.file.extension().is_some_and(|extension| extension == "mp4"));
    for good in beside.into_iter().chain(cuts) {
        let target = to.place(&good.file);
        if journal.holds(&target, &good.key) {
            continue;
        }
        if let Some(checked) = journal.checked(&to.other().place(&good.file)).filter(|file| *file.key() == good.key) {
            relocate(checked, &target, out, journal)?;
            moved.push(target);
        }
    }
    Ok(moved)
}

/// Those of the files that are on neither shelf as they were checked.
pub fn missing<'a>(goods: &'a [Good], journal: &Journal) -> Vec<&'a Path> {
    let there = |good: &Good| {
        [Shelf::Public, Shelf::Held].iter().any(|shelf| journal.holds(&shelf.place(&good.file), &good.key))
    };
    goods.iter().filter(|good| !there(good)).map(|good| good.file.as_path()).collect()
}

/// Takes everything of a clip away from the platforms' names, whatever it holds and for whichever platforms it was made:
/// cuts first, since nobody may find one any more.
///
/// # Errors
/// A file cannot be moved.
pub fn withdraw(clip: &str, out: &Path, journal: &Journal) -> Result<(), Fault> {
    let public = |file: &PathBuf| !file.starts_with(HELD);
    let mut files: BTreeSet<PathBuf> = journal.files_of(clip).into_iter().filter(public).collect();
    // What a run that was killed had renamed and not yet told of.
    files.extend(folders(out).into_iter().map(|folder| Path::new(&folder).join(format!("{clip}.mp4"))));
    files.insert(Path::new("covers").join(format!("{clip}.jpg")));
    let mut files: Vec<PathBuf> = files.into_iter().filter(|file| out.join(file).exists()).collect();
    files.sort_by_key(|file| file.extension().is_none_or(|extension| extension != "mp4"));
    let beside = |file: &PathBuf| ["txt", "srt"].map(|extension| file.with_extension(extension));
    let texts: Vec<PathBuf> = files.iter().flat_map(beside).filter(|text| !files.contains(text)).collect();
    for file in files.into_iter().chain(texts) {
        let target = Shelf::Held.place(&file);
        if let Some(checked) = journal.checked(&file) {
            relocate(checked, &target, out, journal)?;
        } else if out.join(&file).exists() {
            // Somebody touched it. It must not stay; that it is made anew is right.
            make_room(&out.join(&file), &target, out)?;
            let target = out.join(target);
            let folder = target.parent().unwrap_or(out);
            let put = || {
                make_folder(folder)?;
                fs::rename(out.join(&file), &target)?;
                sync_folder(folder)?;
                sync_folder(out.join(&file).parent().unwrap_or(out))
            };
            put().map_err(|e| cannot_write(&target, &e))?;
        }
    }
    Ok(())
}

/// The folders of platforms in the output folder.
fn folders(out: &Path) -> Vec<String> {
    let known = config::platforms().unwrap_or_default();
    known.into_iter().map(|platform| platform.id).filter(|id| out.join(id).is_dir()).collect()
}

/// Removes what is left in `held/` of files that stand under the platforms' names. Texts are none of its business: a person
/// may have changed them.
pub fn tidy(goods: &[Good], out: &Path) {
    let is_text =
        |good: &&Good| good.file.extension().is_some_and(|extension| extension == "txt" || extension == "srt");
    for good in goods.iter().filter(|good| !is_text(good)) {
        drop(fs::remove_file(out.join(Shelf::Held.place(&good.file))));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::journal::{Entry, Stamp};
    use super::*;

    fn good(file: &str) -> Good {
        Good { file: file.into(), key: Digest(format!("key of {file}")) }
    }

    /// An output folder in which the goods wait.
    fn waiting(goods: &[Good]) -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal"), folder.path()).unwrap();
        for good in goods {
            let file = Shelf::Held.place(&good.file);
            let path = folder.path().join(&file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, good.key.0.as_bytes()).unwrap();
            journal.append(Entry::Published { file, key: good.key.clone(), stamp: Stamp::of(&path).unwrap() }).unwrap();
        }
        (folder, journal)
    }

    #[test]
    fn a_kill_between_any_two_steps_loses_nothing() {
        let goods = ["x/a.txt", "x/a.srt", "x/a.mp4", "tiktok/a.mp4", "covers/a.jpg"].map(good);
        for moved in 0..=goods.len() {
            for named in 0..=1 {
                let (folder, journal) = waiting(&goods);
                let out = folder.path();
                bring(&goods[..moved], Shelf::Public, out, &journal).unwrap();
                if let Some(next) = goods.get(moved).filter(|_| named == 1) {
                    // The journal names the new place, and then the power fails.
                    let stamp = Stamp::of(&out.join(Shelf::Held.place(&next.file))).unwrap();
                    let (file, key) = (next.file.clone(), next.key.clone());
                    journal.append(Entry::Published { file, key, stamp }).unwrap();
                }
                drop(journal);
                let journal = Journal::open(&out.join("journal"), out).unwrap();
                assert_eq!(missing(&goods, &journal), [""; 0].map(Path::new), "{moved} {named}");
                assert_eq!(bring(&goods, Shelf::Public, out, &journal).unwrap().len(), goods.len() - moved);
                for good in &goods {
                    assert!(journal.holds(&good.file, &good.key), "{moved} {named}: {}", good.file.display());
                    assert!(!out.join(Shelf::Held.place(&good.file)).exists());
                }
                withdraw("a", out, &journal).unwrap();
                assert!(goods.iter().all(|g| !out.join(&g.file).exists() && out.join("held").join(&g.file).exists()));
            }
        }
    }

    #[test]
    fn what_was_touched_or_holds_something_else_is_not_made_public() {
        let goods = ["x/a.mp4", "x/b.mp4"].map(good);
        let (folder, journal) = waiting(&goods);
        fs::write(folder.path().join("held/x/a.mp4"), "something else").unwrap();
        let other = Good { key: Digest("another render".into()), ..goods[1].clone() };
        let wanted = [goods[0].clone(), other];
        assert_eq!(bring(&wanted, Shelf::Public, folder.path(), &journal).unwrap(), [""; 0].map(PathBuf::from));
        assert_eq!(missing(&wanted, &journal), ["x/a.mp4", "x/b.mp4"].map(Path::new));
        assert!(!folder.path().join("x").exists());
    }

    #[test]
    fn a_withdrawn_clip_takes_all_its_files_along_and_no_others() {
        let goods = ["x/a.mp4", "x/a-b.mp4", "x/a.b.mp4"].map(good);
        let (folder, journal) = waiting(&goods);
        let out = folder.path();
        bring(&goods, Shelf::Public, out, &journal).unwrap();
        // Beside a cut from before texts were journalled, and a cut that somebody cut again.
        fs::write(out.join("x/a.txt"), "post").unwrap();
        fs::write(out.join("x/a.mp4"), "cut again").unwrap();
        withdraw("a", out, &journal).unwrap();
        assert!(!out.join("x/a.mp4").exists() && !out.join("x/a.txt").exists());
        assert!(out.join("held/x/a.mp4").exists() && out.join("held/x/a.txt").exists());
        assert!(out.join("x/a-b.mp4").exists() && out.join("x/a.b.mp4").exists());
    }
}
