//! What lies beside a cut: the text of the post and the captions. Whoever changes such a file keeps it: it is never
//! written over, goes where its clip goes, and is told of once.

use super::durable::{make_folder, sync_folder};
use super::journal::{Entry, Journal, Stamp};
use super::shelf::{self, Good, Shelf};
use super::store::{Store, write_whole};
use crate::fault::{Fault, cannot_write};
use crate::intake::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a person's file goes when the clip that it was written for is another one now.
const ASIDE: &str = "set-aside";

/// Texts that are remembered of a file.
const REMEMBERED: usize = 4;

/// What is known of one file beside a cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Written {
    /// The clip that it was written for.
    clip: Digest,
    /// What Housecall wrote there, the latest last. A file that holds anything else is a person's.
    ours: Vec<Digest>,
    /// The person's text that was told of, and the one that would have been written instead.
    told: Option<(Digest, Digest)>,
}

/// By the files' places among the public ones.
type Known = BTreeMap<PathBuf, Written>;

/// What is to become of a text.
enum Fate {
    /// It is written, or stands there already.
    Write,
    /// A person's stands here instead, and stays.
    Keep(PathBuf, Digest),
    /// A person's stands here, and belongs to another clip.
    Replace(PathBuf),
}

/// What was done with all texts of a clip.
#[derive(Debug, Default)]
pub struct Laid {
    /// What stands there now.
    pub goods: Vec<Good>,
    /// Files of a person's among them, by their places among the public ones.
    pub kept: Vec<PathBuf>,
    /// What a person should hear now, in whole sentences.
    pub notes: Vec<String>,
}

/// The files beside the cuts of an output folder.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// Output folder.
    pub out: &'a Path,
    /// What is in place.
    pub journal: &'a Journal,
}

impl Beside<'_> {
    /// Puts the texts of a clip, by their places among the public files, onto a shelf.
    ///
    /// # Errors
    /// The disk takes no file, or gives none.
    pub fn lay(&self, name: &str, clip: &Digest, texts: &[(PathBuf, String)], to: Shelf) -> Result<Laid, Fault> {
        // Beside the journal, not in the cache: who empties that must not make a person's words of the program's.
        let records = Store::new(self.out.join(".housecall"));
        let before: Known = records.get("beside", name).unwrap_or_default();
        let (mut known, mut laid, mut fates) = (before.clone(), Laid::default(), Vec::new());
        for (file, text) in texts {
            let now = digest_of(text.as_bytes());
            let fate = self.fate(before.get(file), clip, file, to, &now)?;
            let entry = known.entry(file.clone()).or_insert_with(|| fresh(clip));
            if let Fate::Keep(place, theirs) = &fate {
                let pair = Some((theirs.clone(), now.clone()));
                if entry.told != pair {
                    laid.notes.push(kept_note(&to.place(place), entry.ours.last() == Some(&now)));
                    entry.told = pair;
                }
            } else {
                *entry = Written { clip: clip.clone(), told: None, ..entry.clone() };
                if entry.ours.last() != Some(&now) {
                    entry.ours.push(now.clone());
                    entry.ours.drain(..entry.ours.len().saturating_sub(REMEMBERED));
                }
            }
            fates.push((file, text, now, fate));
        }
        if known != before {
            // Remembered first: a text that is there without a record would be taken for a person's.
            records.put("beside", name, &known)?;
        }
        for (file, text, now, fate) in fates {
            let kept = matches!(fate, Fate::Keep(..));
            let key = match fate {
                Fate::Keep(place, theirs) => {
                    self.adopt(place, &theirs)?;
                    laid.kept.push(file.clone());
                    theirs
                }
                Fate::Replace(place) => {
                    let aside = set_aside(&place, self.out)?;
                    laid.notes.push(format!(
                        "The clip is another one than before. {}, which a person had changed for the old one, is kept as {}.",
                        place.display(),
                        aside.display()
                    ));
                    now
                }
                Fate::Write => now,
            };
            let good = Good { file: file.clone(), key };
            shelf::bring(std::slice::from_ref(&good), to, self.out, self.journal)?;
            let place = to.place(file);
            if !self.journal.holds(&place, &good.key) {
                // Somebody may have saved it since it was looked at.
                if kept || !self.is_ours(before.get(file), file, &place, &good.key)? {
                    let what = format!("{} is being saved just now", place.display());
                    return Err(Fault::new(what, "run again"));
                }
                let target = self.out.join(&place);
                if fs::read(&target).ok().as_deref() != Some(text.as_bytes()) {
                    write_whole(&target, text.as_bytes())?;
                }
                self.adopt(place, &good.key)?;
            }
            self.clear(before.get(file), file, to, &good.key)?;
            laid.goods.push(good);
        }
        Ok(laid)
    }

    /// Whether nothing stands at a place of the file, or what stands there is this text or an earlier one of ours.
    fn is_ours(&self, known: Option<&Written>, file: &Path, place: &Path, now: &Digest) -> Result<bool, Fault> {
        let there = self.present(place)?;
        Ok(there.is_none_or(|text| text == *now || self.wrote(known, file, &text)))
    }

    /// Whether Housecall wrote this text to the file before.
    fn wrote(&self, known: Option<&Written>, file: &Path, text: &Digest) -> bool {
        match known {
            Some(written) => written.ours.contains(text),
            // Of a time when only the journal told.
            None => self.journal.was_published(file, text),
        }
    }

    /// Leaves nothing of a file that stands under a platform's name in `held/`: what is ours goes, what is not is set aside.
    fn clear(&self, known: Option<&Written>, file: &Path, to: Shelf, now: &Digest) -> Result<(), Fault> {
        let place = to.other().place(file);
        if to == Shelf::Held || !self.out.join(&place).exists() {
            return Ok(());
        }
        if self.is_ours(known, file, &place, now)? {
            drop(fs::remove_file(self.out.join(&place)));
            return Ok(());
        }
        set_aside(&place, self.out).map(drop)
    }

    /// What is to become of a text for a file, by what stands there, on this shelf or on the other one.
    fn fate(
        &self,
        known: Option<&Written>,
        clip: &Digest,
        file: &Path,
        to: Shelf,
        now: &Digest,
    ) -> Result<Fate, Fault> {
        for place in [to, to.other()].map(|shelf| shelf.place(file)) {
            let Some(theirs) = self.present(&place)? else { continue };
            if theirs == *now || self.wrote(known, file, &theirs) {
                continue;
            }
            // Without a record nobody knows for which clip it was written, so for this one.
            return Ok(match known.is_none_or(|written| written.clip == *clip) {
                true => Fate::Keep(place, theirs),
                false => Fate::Replace(place),
            });
        }
        Ok(Fate::Write)
    }

    /// Digest of what stands there; a file that nobody touched is not read.
    fn present(&self, place: &Path) -> Result<Option<Digest>, Fault> {
        if let Some(checked) = self.journal.checked(place) {
            return Ok(Some(checked.key().clone()));
        }
        match fs::read(self.out.join(place)) {
            Ok(bytes) => Ok(Some(digest_of(&bytes))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => {
                let what = format!("{} cannot be read ({e})", place.display());
                Err(Fault::new(what, "close the program that has it open, and run again"))
            }
        }
    }

    /// Has the journal know a file as it stands there.
    fn adopt(&self, place: PathBuf, key: &Digest) -> Result<(), Fault> {
        if self.journal.holds(&place, key) {
            return Ok(());
        }
        let stamp = Stamp::of(&self.out.join(&place))
            .ok_or_else(|| Fault::new(format!("{} vanished", place.display()), "run again"))?;
        self.journal.append(Entry::Published { file: place, key: key.clone(), stamp })
    }
}

/// Makes room for a text that is about to be renamed: one that stands under the new name and says something else is set
/// aside, since somebody wrote it.
///
/// # Errors
/// The file cannot be moved.
pub(super) fn make_room(source: &Path, to: &Path, out: &Path) -> Result<(), Fault> {
    let is_text = to.extension().is_some_and(|extension| extension == "txt" || extension == "srt");
    let differ = || fs::read(out.join(to)).is_ok_and(|there| fs::read(source).is_ok_and(|text| text != there));
    if is_text && differ() { set_aside(to, out).map(drop) } else { Ok(()) }
}

/// Renames a person's file to a dated name of its own; that name, relative to the output folder.
fn set_aside(place: &Path, out: &Path) -> Result<PathBuf, Fault> {
    let day = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
    let public = Path::new(ASIDE).join(Shelf::Public.place(place));
    let extension = place.extension().unwrap_or_default().to_string_lossy().into_owned();
    let dated = |n: u32| match n {
        1 => public.with_extension(format!("{day}.{extension}")),
        _ => public.with_extension(format!("{day}-{n}.{extension}")),
    };
    let free = (1..).map(dated).find(|name| !out.join(name).exists()).unwrap_or_else(|| public.clone());
    let target = out.join(&free);
    let folder = target.parent().unwrap_or(out);
    let put = || {
        make_folder(folder)?;
        fs::rename(out.join(place), &target)?;
        sync_folder(folder)
    };
    put().map_err(|e| cannot_write(&target, &e))?;
    Ok(free)
}

fn fresh(clip: &Digest) -> Written {
    Written { clip: clip.clone(), ours: Vec::new(), told: None }
}

/// What is told of a person's file, and whether ours would say what it said before.
fn kept_note(place: &Path, same: bool) -> String {
    let place = place.display();
    match same {
        true => format!("{place} was changed by a person and stays as it is."),
        false => format!(
            "{place} was changed by a person and stays as it is, although another text belongs there now; delete the \
             file to have that written."
        ),
    }
}

fn digest_of(bytes: &[u8]) -> Digest {
    Digest(blake3::hash(bytes).to_hex().to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Desk {
        folder: tempfile::TempDir,
        journal: Journal,
    }

    impl Desk {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let journal = Journal::open(&folder.path().join("journal"), folder.path()).unwrap();
            Desk { folder, journal }
        }

        fn lay(&self, clip: &str, text: &str, to: Shelf) -> Laid {
            let beside = Beside { out: self.folder.path(), journal: &self.journal };
            beside.lay("a", &Digest(clip.into()), &[("x/a.txt".into(), text.into())], to).unwrap()
        }

        fn read(&self, place: &str) -> Option<String> {
            fs::read_to_string(self.folder.path().join(place)).ok()
        }

        fn edit(&self, place: &str, text: &str) {
            fs::write(self.folder.path().join(place), text).unwrap();
        }
    }

    #[test]
    fn what_nobody_touched_follows_the_program() {
        let desk = Desk::new();
        for text in ["one", "two", "two", "three"] {
            let laid = desk.lay("1", text, Shelf::Public);
            assert!(laid.notes.is_empty() && laid.kept.is_empty(), "{laid:?}");
            assert_eq!(desk.read("x/a.txt").unwrap(), text);
        }
        // Copied back from a backup: another date, the same text.
        fs::remove_file(desk.folder.path().join("x/a.txt")).unwrap();
        desk.edit("x/a.txt", "three");
        assert!(desk.lay("1", "four", Shelf::Public).kept.is_empty());
        assert_eq!(desk.read("x/a.txt").unwrap(), "four");
        fs::remove_file(desk.folder.path().join("x/a.txt")).unwrap();
        desk.lay("1", "four", Shelf::Public);
        assert_eq!(desk.read("x/a.txt").unwrap(), "four", "a file that was deleted is written anew");
    }

    #[test]
    fn a_persons_text_stays_and_is_told_of_once_for_each_reason() {
        let desk = Desk::new();
        desk.lay("1", "one", Shelf::Public);
        desk.edit("x/a.txt", "mine");
        let told = |text: &str| {
            let laid = desk.lay("1", text, Shelf::Public);
            assert_eq!((desk.read("x/a.txt").unwrap().as_str(), laid.kept.len()), ("mine", 1));
            assert_eq!(laid.goods[0].key, digest_of(b"mine"));
            assert!(desk.journal.holds(Path::new("x/a.txt"), &laid.goods[0].key));
            laid.notes
        };
        assert!(told("one")[0].ends_with("stays as it is."));
        assert!(told("one").is_empty());
        assert!(told("two")[0].contains("another text belongs there now"));
        assert!(told("two").is_empty());
        fs::remove_file(desk.folder.path().join("x/a.txt")).unwrap();
        desk.lay("1", "two", Shelf::Public);
        assert_eq!(desk.read("x/a.txt").unwrap(), "two");
    }

    #[test]
    fn a_persons_text_goes_where_its_clip_goes() {
        let desk = Desk::new();
        desk.lay("1", "one", Shelf::Held);
        desk.edit("held/x/a.txt", "mine");
        desk.lay("1", "one", Shelf::Public);
        assert_eq!((desk.read("x/a.txt").as_deref(), desk.read("held/x/a.txt")), (Some("mine"), None));
        desk.edit("x/a.txt", "mine again");
        shelf::withdraw("a", desk.folder.path(), &desk.journal).unwrap();
        let laid = desk.lay("1", "one", Shelf::Held);
        assert_eq!((desk.read("held/x/a.txt").as_deref(), desk.read("x/a.txt")), (Some("mine again"), None));
        assert!(shelf::missing(&laid.goods, &desk.journal).is_empty(), "it can be approved");
    }

    /// What was set aside, sorted.
    fn aside(desk: &Desk) -> Vec<String> {
        let files = fs::read_dir(desk.folder.path().join("set-aside/x")).unwrap();
        let mut texts: Vec<String> = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        texts.sort();
        texts
    }

    #[test]
    fn a_text_that_is_saved_in_both_places_is_lost_in_neither() {
        for by_approval in [false, true] {
            let desk = Desk::new();
            desk.lay("1", "ours", Shelf::Public);
            desk.edit("x/a.txt", "first edit");
            let held = desk.lay("1", "ours", Shelf::Held);
            assert_eq!(desk.read("held/x/a.txt").unwrap(), "first edit");
            desk.edit("x/a.txt", "saved by an editor that was still open");
            if by_approval {
                shelf::bring(&held.goods, Shelf::Public, desk.folder.path(), &desk.journal).unwrap();
                assert_eq!(desk.read("x/a.txt").unwrap(), "first edit");
                assert_eq!(aside(&desk), ["saved by an editor that was still open"]);
            } else {
                desk.lay("1", "ours", Shelf::Public);
                assert_eq!(desk.read("x/a.txt").unwrap(), "saved by an editor that was still open");
                assert_eq!(aside(&desk), ["first edit"]);
            }
            assert_eq!(desk.read("held/x/a.txt"), None);
        }
    }

    #[test]
    fn a_text_of_another_clip_is_set_aside_and_never_lost() {
        let desk = Desk::new();
        desk.lay("0", "text 0", Shelf::Public);
        let mut aside = Vec::new();
        for round in 1..4 {
            let (mine, ours) = (format!("mine for {round}"), format!("text {round}"));
            desk.edit("x/a.txt", &mine);
            let laid = desk.lay(&round.to_string(), &ours, Shelf::Public);
            assert_eq!((desk.read("x/a.txt").unwrap(), laid.kept.len()), (ours, 0));
            let name = laid.notes[0].split(" is kept as ").nth(1).unwrap().trim_end_matches('.').to_string();
            aside.push((name, mine));
        }
        for (name, text) in aside {
            assert_eq!(desk.read(&name).unwrap(), text);
        }
    }

    #[test]
    fn a_text_that_nobody_knows_is_a_persons() {
        let desk = Desk::new();
        fs::create_dir_all(desk.folder.path().join("x")).unwrap();
        desk.edit("x/a.txt", "whose?");
        assert_eq!(desk.lay("1", "one", Shelf::Public).kept.len(), 1);
        assert_eq!(desk.read("x/a.txt").unwrap(), "whose?");
        // What an earlier version journalled is not.
        let desk = Desk::new();
        desk.lay("1", "one", Shelf::Public);
        fs::remove_dir_all(desk.folder.path().join(".housecall")).unwrap();
        assert!(desk.lay("1", "two", Shelf::Public).kept.is_empty());
        assert_eq!(desk.read("x/a.txt").unwrap(), "two");
    }

    #[test]
    fn who_is_stopped_between_remembering_and_writing_makes_no_edit() {
        let desk = Desk::new();
        desk.lay("1", "one", Shelf::Public);
        desk.lay("1", "two", Shelf::Public);
        // The record is of "two", the file still of "one".
        desk.edit("x/a.txt", "one");
        assert!(desk.lay("1", "three", Shelf::Public).kept.is_empty());
        assert_eq!(desk.read("x/a.txt").unwrap(), "three");
    }
}
