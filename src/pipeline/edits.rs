//! Captions that a person corrected: found, never overwritten, set aside when the clip they belong to is another one.

use super::store::{Store, cannot_write, write_whole};
use crate::captions::{self, Subtitle};
use crate::fault::Fault;
use crate::intake::Digest;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the captions of a clip lie that a person may correct, relative to the output folder.
pub fn captions_file(clip: &str) -> PathBuf {
    Path::new("transcripts").join(format!("{clip}.srt"))
}

/// Texts that are remembered of a clip.
const REMEMBERED: usize = 4;

/// What was written last under a clip's name.
#[derive(Serialize, Deserialize)]
struct Written {
    /// The clip that it was written for.
    clip: Digest,
    /// The text, after those before it: whoever is stopped between remembering and writing leaves the one before.
    texts: Vec<Digest>,
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
    /// What was written is kept here.
    pub store: &'a Store,
}

impl Edits<'_> {
    /// The captions of the clip of that name and content as a person corrected them; none where nobody did, and where
    /// they belong to another clip that had the name.
    ///
    /// # Errors
    /// The file cannot be read, or is no subtitle file; the fault names the line.
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
        Ok(Some(captions))
    }

    fn present(&self, name: &str) -> Result<(PathBuf, Option<Vec<u8>>), Fault> {
        let relative = captions_file(name);
        match fs::read(self.out.join(&relative)) {
            Ok(bytes) => Ok((relative, Some(bytes))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok((relative, None)),
            Err(e) => {
                let what = format!("{} cannot be read ({e})", relative.display());
                Err(Fault::new(what, "close the program that has it open, and run again"))
            }
        }
    }

    fn author(&self, name: &str, clip: &Digest, bytes: &[u8]) -> Author {
        match self.store.get::<Written>("captions", name) {
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
            Some(Author::PersonOfAnotherClip) => Some(self.set_aside(name, &file)?),
            Some(Author::Housecall) | None => None,
        };
        let before: Option<Written> = self.store.get("captions", name);
        let mut texts = before.map_or_else(Vec::new, |written| written.texts);
        let now = digest_of(text.as_bytes());
        if texts.last() != Some(&now) {
            texts.push(now);
            texts.drain(..texts.len().saturating_sub(REMEMBERED));
        }
        // Remembered first: a file that is there without a record would be taken for a person's.
        self.store.put("captions", name, &Written { clip: clip.clone(), texts })?;
        if set_aside.is_some() || present.as_deref() != Some(text.as_bytes()) {
            write_whole(&file, text.as_bytes())?;
        }
        Ok(set_aside)
    }

    fn set_aside(&self, name: &str, file: &Path) -> Result<PathBuf, Fault> {
        let day = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
        let names = (1..).map(|n| if n == 1 { format!("{name}.{day}.srt") } else { format!("{name}.{day}-{n}.srt") });
        let free = names.map(|name| Path::new("transcripts").join(name)).find(|path| !self.out.join(path).exists());
        let free = free.unwrap_or_else(|| Path::new("transcripts").join(format!("{name}.old.srt")));
        fs::rename(file, self.out.join(&free)).map_err(|e| cannot_write(&self.out.join(&free), &e))?;
        Ok(free)
    }
}

fn digest_of(bytes: &[u8]) -> Digest {
    Digest(blake3::hash(bytes).to_hex().to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

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
