//! Captions that a person corrected: found, never overwritten, set aside when the clip they belong to is another one.

use super::durable::sync_folder;
use super::store::{Store, write_whole};
use crate::captions::{self, Subtitle};
use crate::config::Style;
use crate::fault::{Cancel, Fault, cannot_write};
use crate::intake::Digest;
use crate::plain_file::{self, Links};
use crate::speech::Word;
use crate::wording::Wording;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

/// Where the captions of a clip lie that a person may correct, relative to the output folder.
pub fn captions_file(clip: &str) -> PathBuf {
    Path::new("transcripts").join(format!("{clip}.srt"))
}

/// The captions of a clip as they are written for a person.
pub fn written_captions(wording: &Wording, style: &Style) -> String {
    captions::srt(&captions::sidecar_cues(&wording.words, wording.breaks.as_deref(), style))
}

/// A file that nobody knows is taken for a clip's captions if at least that share of its words is said in the clip.
const LIKE: f64 = 0.3;

/// Fewer words than this say nothing about which clip they belong to.
const FEW: usize = 4;

/// Texts that are remembered of a clip.
const REMEMBERED: usize = 4;

/// What was written last under a clip's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Written {
    /// The clip that it was written for.
    clip: Digest,
    /// The text, after those before it: whoever is stopped between remembering and writing leaves the one before.
    texts: Vec<Digest>,
    /// What a person saved with [`save_captions`], so that nobody has to guess whose it is or whether it is whole.
    #[serde(default)]
    saved: Option<Digest>,
}

/// Captions as they lie there, with what is known of them: for whoever plans the clip elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Packed {
    text: String,
    written: Option<Written>,
}

/// Who wrote the captions that lie there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Author {
    Housecall,
    Person,
    PersonOfAnotherClip,
}

/// The captions of all clips in an output folder.
#[derive(Debug, Clone, Copy)]
pub struct Edits<'a> {
    /// Output folder.
    pub out: &'a Path,
    /// The cache, in which earlier versions kept what was written.
    pub store: &'a Store,
}

impl Edits<'_> {
    /// Records lie beside the journal: who empties the cache must not make a person's words of the program's.
    fn records(&self) -> Store {
        Store::new(self.out.join(".housecall"))
    }

    fn record(&self, name: &str) -> Option<Written> {
        self.records().get("captions", name).or_else(|| self.store.get("captions", name))
    }

    /// Whether nobody is saving a correction just now: waits for as long as a file has to stay unchanged, once.
    ///
    /// # Errors
    /// The file cannot be read; the work was cancelled.
    pub fn is_at_rest(&self, name: &str, clip: &Digest, settle: Duration, cancel: &Cancel) -> Result<bool, Fault> {
        for waited in [false, true] {
            let (relative, present) = self.present(name)?;
            let Some(bytes) = present else { return Ok(true) };
            let changed = fs::metadata(self.out.join(relative)).and_then(|about| about.modified());
            // A date in the future is the clock's mistake; waiting for it would take for ever.
            let quiet = changed.ok().and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or(settle);
            let written_whole = self.author(name, clip, &bytes) == Author::Housecall || self.is_saved(name, &bytes);
            if quiet >= settle || written_whole {
                return Ok(true);
            }
            let end = SystemTime::now() + (settle - quiet);
            while !waited && SystemTime::now() < end {
                cancel.check()?;
                thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(false)
    }

    /// Whether captions that were found are a correction, now that is known what is said and what would be written
    /// without them. A file that says just that is the program's own from now on.
    ///
    /// # Errors
    /// The file comes from nobody knows where and is about something else.
    pub fn is_correction(
        &self,
        name: &str,
        clip: &Digest,
        captions: &[Subtitle],
        heard: &[Word],
        without: &str,
    ) -> Result<bool, Fault> {
        let (relative, present) = self.present(name)?;
        let is_saved = present.as_ref().is_some_and(|bytes| self.is_saved(name, bytes));
        // What was changed in captions that were written for this clip is a correction, however much it was.
        if !is_saved && self.record(name).is_some_and(|written| !written.texts.is_empty()) {
            return Ok(true);
        }
        let is_same = match is_saved {
            // Every change was taken back.
            true => captions::read_subtitles(without).is_ok_and(|without| without == captions),
            false => present.as_deref() == Some(without.as_bytes()),
        };
        if is_same {
            let texts = present.iter().map(|bytes| digest_of(bytes)).collect();
            self.records().put("captions", name, &Written { clip: clip.clone(), texts, saved: None })?;
            return Ok(false);
        }
        if is_saved {
            return Ok(true);
        }
        if is_like(captions, heard) {
            return Ok(true);
        }
        let what = format!("the captions in {} say other things than the clip does", relative.display());
        let advice = "delete the file if it belongs to another clip; to use it all the same, move it elsewhere and give \
                      it with --transcript";
        Err(Fault::new(what, advice))
    }

    /// The captions of the clip of that name and content as a person corrected them; none where nobody did, and where
    /// they belong to another clip that had the name. A file that nobody knows belongs to this clip from now on.
    ///
    /// # Errors
    /// The file cannot be read, holds no captions, or is no subtitle file; the fault names the line.
    pub fn look(&self, name: &str, clip: &Digest) -> Result<Option<Vec<Subtitle>>, Fault> {
        let (relative, present) = self.present(name)?;
        let Some(bytes) = present.filter(|bytes| self.author(name, clip, bytes) == Author::Person) else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes).map_err(|_| {
            let what = format!("{} is no plain text in UTF-8", relative.display());
            Fault::new(what, "save it as UTF-8, or delete it to have the captions written anew")
        })?;
        let captions = captions::read_subtitles(&text)
            .map_err(|fault| Fault::new(format!("{}, {}", relative.display(), fault.what()), fault.advice()))?;
        if captions.is_empty() {
            let what = format!("{} has no captions in it", relative.display());
            return Err(Fault::new(
                what,
                "delete it to have the captions written anew, or save it again with its text",
            ));
        }
        if self.record(name).is_none() {
            self.records().put("captions", name, &Written { clip: clip.clone(), texts: Vec::new(), saved: None })?;
        }
        Ok(Some(captions))
    }

    /// The captions of the clip of that name, for another output folder; none where there are none, or no text.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn pack(&self, name: &str) -> Result<Option<Packed>, Fault> {
        let (_, present) = self.present(name)?;
        let text = present.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(text.map(|text| Packed { text, written: self.record(name) }))
    }

    /// Lays captions of another output folder in this one.
    ///
    /// # Errors
    /// The disk takes no file.
    pub fn unpack(&self, name: &str, packed: &Packed) -> Result<(), Fault> {
        if let Some(written) = &packed.written {
            self.records().put("captions", name, written)?;
        }
        write_whole(&self.out.join(captions_file(name)), packed.text.as_bytes())
    }

    fn present(&self, name: &str) -> Result<(PathBuf, Option<Vec<u8>>), Fault> {
        let relative = captions_file(name);
        match plain_file::bytes(&self.out.join(&relative), plain_file::MOST_WORDS, Links::Followed) {
            Ok(bytes) => Ok((relative, Some(bytes))),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok((relative, None)),
            Err(e) => {
                let what = format!("{} cannot be read ({e})", relative.display());
                let advice = match e.kind() {
                    ErrorKind::FileTooLarge | ErrorKind::InvalidInput => "delete it to have the captions written anew",
                    _ => "close the program that has it open, and run again",
                };
                Err(Fault::new(what, advice))
            }
        }
    }

    /// Whether this is what a person saved last with [`save_captions`].
    fn is_saved(&self, name: &str, bytes: &[u8]) -> bool {
        self.record(name).is_some_and(|written| written.saved == Some(digest_of(bytes)))
    }

    fn author(&self, name: &str, clip: &Digest, bytes: &[u8]) -> Author {
        match self.record(name) {
            Some(written) if written.texts.contains(&digest_of(bytes)) => Author::Housecall,
            Some(written) if written.clip != *clip => Author::PersonOfAnotherClip,
            // Without a record nobody knows whether a person wrote it, so a person did.
            _ => Author::Person,
        }
    }

    /// Writes the captions of a clip and remembers them, unless a person corrected them meanwhile. A correction that
    /// belongs to another clip is first renamed, and its new name given back, relative to the output folder.
    ///
    /// # Errors
    /// The disk takes no file.
    pub fn write(&self, name: &str, clip: &Digest, text: &str) -> Result<Option<PathBuf>, Fault> {
        let (relative, present) = self.present(name)?;
        let file = self.out.join(relative);
        let set_aside = match present.as_ref().map(|bytes| self.author(name, clip, bytes)) {
            Some(Author::Person) => return Ok(None),
            Some(Author::PersonOfAnotherClip) => Some(set_aside(self.out, &captions_file(name))?),
            Some(Author::Housecall) | None => None,
        };
        let mut texts = self.record(name).map_or_else(Vec::new, |written| written.texts);
        let now = digest_of(text.as_bytes());
        if texts.last() != Some(&now) {
            texts.push(now);
            texts.drain(..texts.len().saturating_sub(REMEMBERED));
        }
        // Remembered first: a file that is there without a record would be taken for a person's.
        self.records().put("captions", name, &Written { clip: clip.clone(), texts, saved: None })?;
        if set_aside.is_some() || present.as_deref() != Some(text.as_bytes()) {
            write_whole(&file, text.as_bytes())?;
        }
        Ok(set_aside)
    }

    /// As [`save_captions`].
    fn save(&self, name: &str, clip: &Digest, captions: &[Subtitle]) -> Result<(), Fault> {
        let text = if captions.is_empty() { None } else { Some(captions::srt_of(captions)?) };
        let (relative, present) = self.present(name)?;
        let file = self.out.join(&relative);
        let author = present.as_ref().map(|bytes| self.author(name, clip, bytes));
        if author == Some(Author::PersonOfAnotherClip) {
            set_aside(self.out, &relative)?;
        }
        let mut texts = self.record(name).map_or_else(Vec::new, |written| written.texts);
        let Some(text) = text else {
            if author == Some(Author::Person) {
                remove(&file)?;
            }
            return Ok(());
        };
        // The program may have written just this before it would write something else: a person who goes back to it means it.
        let saved = digest_of(text.as_bytes());
        texts.retain(|text| *text != saved);
        self.records().put("captions", name, &Written { clip: clip.clone(), texts, saved: Some(saved) })?;
        write_whole(&file, text.as_bytes())
    }
}

/// Writes the captions of a clip as a person corrected them, whole, as an SRT file that says just the same when it is read. An
/// empty list gives the correction up: the next run writes the captions anew. Captions of another clip that had the name are
/// kept under a dated one. Captions that say what the program would write count as no correction at the next plan.
///
/// # Errors
/// A caption cannot stand in such a file; the fault says which and why. The disk takes no file. What was there stays.
pub fn save_captions(out: &Path, name: &str, clip: &Digest, captions: &[Subtitle]) -> Result<(), Fault> {
    let store = Store::new(out.join(".housecall").join("cache"));
    Edits { out, store: &store }.save(name, clip, captions)
}

/// Gives a file of `transcripts` a dated name that no other has; its new name, relative to the output folder as the old one.
pub(super) fn set_aside(out: &Path, relative: &Path) -> Result<PathBuf, Fault> {
    let part = |name: Option<&OsStr>| name.unwrap_or_default().to_string_lossy().into_owned();
    let (name, kind) = (part(relative.file_stem()), part(relative.extension()));
    let day = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
    let names = (1..).map(|n| if n == 1 { format!("{name}.{day}.{kind}") } else { format!("{name}.{day}-{n}.{kind}") });
    let free = names.map(|name| relative.with_file_name(name)).find(|path| !out.join(path).exists());
    let free = free.unwrap_or_else(|| relative.with_file_name(format!("{name}.old.{kind}")));
    fs::rename(out.join(relative), out.join(&free)).map_err(|e| cannot_write(&out.join(&free), &e))?;
    Ok(free)
}

/// Removes a file for good, through a power cut too; one that is not there is no error.
pub(super) fn remove(file: &Path) -> Result<(), Fault> {
    let removed = match fs::remove_file(file) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        removed => removed.and_then(|()| sync_folder(file.parent().unwrap_or(Path::new(".")))),
    };
    removed.map_err(|e| {
        let what = format!("{} cannot be removed ({e})", file.display());
        Fault::new(what, "close the program that has it open, and try again")
    })
}

/// Whether captions may be those of a clip in which these words were heard. Where either has next to no words, nobody can
/// tell.
fn is_like(captions: &[Subtitle], heard: &[Word]) -> bool {
    let letters = |text: &str| -> Vec<String> {
        let text = text.to_lowercase();
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(String::from);
        // Scripts without spaces are compared by their letters.
        words
            .flat_map(
                |w| if w.contains(captions::is_unspaced) { w.chars().map(String::from).collect() } else { vec![w] },
            )
            .collect()
    };
    let said: HashSet<String> = heard.iter().flat_map(|word| letters(&word.text)).collect();
    let written: Vec<String> = captions.iter().flat_map(|caption| letters(&caption.text)).collect();
    let shared = written.iter().filter(|word| said.contains(*word)).count();
    heard.len() < FEW || written.len() < FEW || shared as f64 >= LIKE * written.len() as f64
}

fn digest_of(bytes: &[u8]) -> Digest {
    Digest(blake3::hash(bytes).to_hex().to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::units::Time;

    const WRITTEN: &str = "1\n00:00:01,000 --> 00:00:02,000\nHello there.\n\n";

    fn clip(name: &str) -> Digest {
        Digest(name.into())
    }

    #[test]
    fn what_was_written_is_no_correction_and_what_a_person_changed_is() {
        let out = tempfile::tempdir().unwrap();
        let store = Store::new(out.path().join(".housecall"));
        let edits = Edits { out: out.path(), store: &store };
        assert_eq!(edits.look("a", &clip("1")).unwrap(), None);
        edits.write("a", &clip("1"), WRITTEN).unwrap();
        assert_eq!(edits.look("a", &clip("1")).unwrap(), None);
        // The clip changed and nobody had corrected anything.
        assert_eq!(edits.look("a", &clip("2")).unwrap(), None);

        let file = out.path().join(captions_file("a"));
        let corrected = WRITTEN.replace("there", "again");
        fs::write(&file, &corrected).unwrap();
        assert_eq!(edits.look("a", &clip("1")).unwrap().unwrap()[0].text, "Hello again.");
        assert_eq!(edits.write("a", &clip("1"), WRITTEN).unwrap(), None);
        assert_eq!(fs::read_to_string(&file).unwrap(), corrected, "a correction is never written over");
    }

    fn said(list: &[(i64, i64, &str)]) -> Vec<Subtitle> {
        let span = |start, end| crate::units::Span::new(Time::from_millis(start), Time::from_millis(end));
        list.iter().map(|&(start, end, text)| Subtitle { span: span(start, end), text: text.into() }).collect()
    }

    #[test]
    fn what_a_person_saves_is_their_correction_until_they_give_it_up() {
        let out = tempfile::tempdir().unwrap();
        let store = Store::new(out.path().join(".housecall/cache"));
        let edits = Edits { out: out.path(), store: &store };
        let save = |name: &str, captions: &[Subtitle]| save_captions(out.path(), "a", &clip(name), captions);
        let file = out.path().join(captions_file("a"));
        edits.write("a", &clip("1"), WRITTEN).unwrap();
        let corrected = said(&[(1000, 1400, "Hello\u{301},"), (1400, 2000, "again —  you.")]);
        save("1", &corrected).unwrap();
        let read = said(&[(1000, 1400, "Hello\u{301},"), (1400, 2000, "again — you.")]);
        assert_eq!(edits.look("a", &clip("1")).unwrap().unwrap(), read);
        // It is whole, so nobody waits for it, and it is this clip's, whatever it says.
        assert!(edits.is_at_rest("a", &clip("1"), Duration::from_secs(60), &Cancel::new()).unwrap());
        assert!(edits.is_correction("a", &clip("1"), &read, &[], WRITTEN).unwrap());
        assert_eq!(edits.write("a", &clip("1"), WRITTEN).unwrap(), None);
        assert_eq!(edits.look("a", &clip("1")).unwrap().unwrap(), read);
        // What cannot be saved leaves what was.
        assert!(save("1", &said(&[(0, 1, "a --> b")])).unwrap_err().what().contains("caption 1"));
        assert_eq!(edits.look("a", &clip("1")).unwrap().unwrap(), read);

        // Another clip takes the name, and somebody corrects that.
        save("2", &said(&[(0, 10, "Other.")])).unwrap();
        let kept = fs::read_dir(out.path().join("transcripts")).unwrap().map(|file| file.unwrap().path());
        let kept: Vec<String> =
            kept.filter(|path| *path != file).map(|path| fs::read_to_string(path).unwrap()).collect();
        assert!(kept.len() == 1 && kept[0].contains("again — you."), "{kept:?}");
        save("2", &[]).unwrap();
        assert!(!file.exists());
        edits.write("a", &clip("2"), WRITTEN).unwrap();
        save("2", &[]).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), WRITTEN, "there is no correction to give up");
    }

    #[test]
    fn who_goes_back_to_what_was_written_means_it_unless_nothing_is_changed_then() {
        let out = tempfile::tempdir().unwrap();
        let store = Store::new(out.path().join(".housecall/cache"));
        let edits = Edits { out: out.path(), store: &store };
        let captions = said(&[(1000, 2000, "Hello there.")]);
        // As the program wrote it once; by now the glossary would have it say something else.
        edits.write("a", &clip("1"), WRITTEN).unwrap();
        save_captions(out.path(), "a", &clip("1"), &captions).unwrap();
        assert_eq!(edits.look("a", &clip("1")).unwrap().as_ref(), Some(&captions));
        let now = WRITTEN.replace("there", "theirs");
        assert!(edits.is_correction("a", &clip("1"), &captions, &[], &now).unwrap());
        assert_eq!(edits.write("a", &clip("1"), &now).unwrap(), None);
        // Every change was taken back.
        assert!(!edits.is_correction("a", &clip("1"), &captions, &[], WRITTEN).unwrap());
        assert_eq!(edits.look("a", &clip("1")).unwrap(), None);
        edits.write("a", &clip("1"), &now).unwrap();
        assert_eq!(fs::read_to_string(out.path().join(captions_file("a"))).unwrap(), now);
    }

    #[test]
    fn a_file_that_is_too_large_to_be_captions_is_not_read() {
        let out = tempfile::tempdir().unwrap();
        let store = Store::new(out.path().join(".housecall/cache"));
        let edits = Edits { out: out.path(), store: &store };
        let file = out.path().join(captions_file("a"));
        fs::create_dir(out.path().join("transcripts")).unwrap();
        fs::File::create(&file).unwrap().set_len(plain_file::MOST_WORDS + 1).unwrap();
        let fault = edits.look("a", &clip("1")).unwrap_err();
        assert!(fault.what().contains("too large") && fault.advice().contains("delete it"), "{fault}");
        assert!(save_captions(out.path(), "a", &clip("1"), &said(&[(0, 10, "Yes.")])).is_err());
        assert_eq!(fs::metadata(file).unwrap().len(), plain_file::MOST_WORDS + 1);
    }

    #[test]
    fn a_correction_of_another_clip_is_set_aside_and_never_lost() {
        let out = tempfile::tempdir().unwrap();
        let store = Store::new(out.path().join(".housecall"));
        let edits = Edits { out: out.path(), store: &store };
        let file = out.path().join(captions_file("a"));
        edits.write("a", &clip("0"), WRITTEN).unwrap();
        let mut kept = Vec::new();
        for round in 1..4 {
            let edit = WRITTEN.replace("there", &format!("number {round}"));
            fs::write(&file, &edit).unwrap();
            let clip = clip(&round.to_string());
            assert_eq!(edits.look("a", &clip).unwrap(), None);
            let aside = edits.write("a", &clip, WRITTEN).unwrap().unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), WRITTEN);
            kept.push((out.path().join(aside), edit));
        }
        for (file, text) in kept {
            assert_eq!(fs::read_to_string(file).unwrap(), text);
        }
    }

    #[test]
    fn a_file_without_a_record_is_bound_to_the_first_clip_that_it_is_found_for() {
        let out = tempfile::tempdir().unwrap();
        let store = Store::new(out.path().join(".housecall/cache"));
        let edits = Edits { out: out.path(), store: &store };
        write_whole(&out.path().join(captions_file("IMG_0001")), WRITTEN.as_bytes()).unwrap();
        assert!(edits.look("IMG_0001", &clip("1")).unwrap().is_some());
        // The phone begins to count anew.
        assert_eq!(edits.look("IMG_0001", &clip("2")).unwrap(), None);
        assert!(edits.write("IMG_0001", &clip("2"), "").unwrap().is_some(), "it is set aside");
    }

    #[test]
    fn who_empties_the_cache_makes_no_corrections() {
        let out = tempfile::tempdir().unwrap();
        let cache = out.path().join(".housecall/cache");
        let store = Store::new(cache.clone());
        let edits = Edits { out: out.path(), store: &store };
        edits.write("a", &clip("1"), WRITTEN).unwrap();
        drop(fs::remove_dir_all(cache));
        assert_eq!(edits.look("a", &clip("1")).unwrap(), None);
        // Records of earlier versions count.
        let texts = vec![digest_of(WRITTEN.as_bytes())];
        store.put("captions", "b", &Written { clip: clip("1"), texts, saved: None }).unwrap();
        write_whole(&out.path().join(captions_file("b")), WRITTEN.as_bytes()).unwrap();
        assert_eq!(edits.look("b", &clip("1")).unwrap(), None);
    }

    #[test]
    fn a_file_that_nobody_knows_has_to_be_about_the_clip() {
        let out = tempfile::tempdir().unwrap();
        let store = Store::new(out.path().join(".housecall/cache"));
        let edits = Edits { out: out.path(), store: &store };
        let heard = |text: &str| -> Vec<Word> {
            let word = |text: &str| Word { text: text.into(), span: Default::default(), confidence: 1.0 };
            text.split(' ').map(word).collect()
        };
        let text = "1\n00:00:01,000 --> 00:00:02,000\nIce helps with a swollen knee.\n\n";
        write_whole(&out.path().join(captions_file("a")), text.as_bytes()).unwrap();
        let found = edits.look("a", &clip("1")).unwrap().unwrap();
        let asked = |said: &str, without: &str| edits.is_correction("a", &clip("1"), &found, &heard(said), without);
        assert!(asked("eyes help with a swollen knee", WRITTEN).unwrap());
        assert!(asked("um", WRITTEN).unwrap(), "nobody can tell");
        let fault = asked("brush your teeth twice each day with fluoride", WRITTEN).unwrap_err();
        assert!(fault.what().contains("a.srt") && fault.advice().contains("delete"), "{fault}");
        // What would be written without it is no correction, and none later.
        assert!(!asked("brush your teeth twice each day", text).unwrap());
        assert_eq!(edits.look("a", &clip("1")).unwrap(), None);
        // What was written for this clip may be changed altogether.
        fs::write(out.path().join(captions_file("a")), text.replace("Ice", "Heat")).unwrap();
        assert!(asked("brush your teeth twice each day", WRITTEN).unwrap());
    }

    #[test]
    fn a_file_without_captions_is_a_fault_and_one_that_is_being_saved_waits() {
        let out = tempfile::tempdir().unwrap();
        let store = Store::new(out.path().join(".housecall/cache"));
        let edits = Edits { out: out.path(), store: &store };
        let (cancel, file) = (Cancel::new(), out.path().join(captions_file("a")));
        let rests = |millis| edits.is_at_rest("a", &clip("1"), Duration::from_millis(millis), &cancel).unwrap();
        assert!(rests(60_000), "there is none");
        edits.write("a", &clip("1"), WRITTEN).unwrap();
        assert!(rests(60_000), "nobody saves what the program wrote");
        for text in ["", "\n", "1\n00:00:01,000 --> 00:00:02,000\n\n"] {
            fs::write(&file, text).unwrap();
            let fault = edits.look("a", &clip("1")).unwrap_err();
            assert!(fault.what().contains("a.srt") && fault.advice().contains("delete it"), "{fault}");
        }
        assert!(rests(100), "it came to rest meanwhile");
        thread::scope(|scope| {
            let saving = scope.spawn(|| {
                for _ in 0..40 {
                    fs::write(&file, WRITTEN.replace("there", "again")).unwrap();
                    thread::sleep(Duration::from_millis(20));
                }
            });
            thread::sleep(Duration::from_millis(40));
            assert!(!rests(300), "it is still being written");
            saving.join().unwrap();
        });
    }

    #[test]
    fn a_file_without_a_record_is_a_persons() {
        let out = tempfile::tempdir().unwrap();
        let store = Store::new(out.path().join(".housecall"));
        let edits = Edits { out: out.path(), store: &store };
        fs::create_dir(out.path().join("transcripts")).unwrap();
        let file = out.path().join(captions_file("a"));
        fs::write(&file, WRITTEN).unwrap();
        assert!(edits.look("a", &clip("1")).unwrap().is_some());
        fs::write(&file, "1\nsoon --> later\nHello.").unwrap();
        let fault = edits.look("a", &clip("1")).unwrap_err();
        assert!(fault.what().contains("a.srt, line 2"), "{fault}");
        fs::write(&file, [0xFF, 0xFE, 0]).unwrap();
        assert!(edits.look("a", &clip("1")).is_err());
        assert_eq!(edits.write("a", &clip("1"), WRITTEN).unwrap(), None);
        assert_eq!(fs::read(&file).unwrap(), [0xFF, 0xFE, 0]);
    }
}
