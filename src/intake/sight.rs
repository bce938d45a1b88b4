//! What lies in an inbox and around it at one moment, told apart by names, sizes and dates alone.

use super::vigil::Sight;
use super::{TEXTS, survey};
use crate::config::{self, glossary_file};
use crate::fault::Fault;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Where everything lies that a run depends on.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Folder with the clips.
    pub inbox: &'a Path,
    /// Output folder.
    pub out: &'a Path,
    /// The practice's file, where it is not the inbox's.
    pub practice: Option<&'a Path>,
    /// What holds where that says nothing.
    pub defaults: Option<&'a Path>,
    /// A transcript that is given, or a folder of them.
    pub transcripts: Option<&'a Path>,
}

impl Sight {
    /// What lies there now. The inbox is listed once, and only what is about its clips is asked for its date.
    ///
    /// # Errors
    /// The inbox cannot be read, or is not apart from the output folder.
    pub fn of(places: &Places) -> Result<Sight, Fault> {
        let survey = survey(places.inbox, places.out)?;
        let stems: HashSet<&OsStr> = survey.clips.iter().filter_map(|clip| clip.path.file_stem()).collect();
        let ours = |text: &&PathBuf| {
            let is_stem = |stem: Option<&Path>| stem.is_some_and(|stem| stems.contains(stem.as_os_str()));
            let stem = text.file_stem().map(Path::new);
            let question = stem.filter(|stem| stem.extension().is_some_and(|e| e == "question"));
            let of_all = text.file_name().is_some_and(|name| name == "questions.csv" || name == "practice.toml");
            of_all || is_stem(stem) || is_stem(question.and_then(Path::file_stem).map(Path::new))
        };
        let mut texts: Vec<PathBuf> = survey.texts.iter().filter(ours).cloned().collect();
        let own = config::user_folder()
            .into_iter()
            .flat_map(|user| ["", "checks", "glossaries", "platforms"].map(|folder| user.join(folder)));
        // A folder that is also the inbox was listed above.
        let practice = places.practice.iter().filter_map(|file| file.parent().map(PathBuf::from));
        let folders = [places.out.join("transcripts")].into_iter().chain(own).chain(practice);
        let given = places.transcripts.map(PathBuf::from);
        for folder in folders.chain(given).filter(|folder| *folder != places.inbox) {
            for path in std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
                if path.extension().is_some_and(|extension| TEXTS.iter().any(|text| extension == *text)) {
                    texts.push(path);
                }
            }
        }
        let glossary = glossary_file(places.out);
        let single = [places.transcripts, places.practice, places.defaults, Some(&glossary)].into_iter().flatten();
        texts.extend(single.filter(|file| file.is_file()).map(PathBuf::from));
        texts.sort();
        texts.dedup();
        let dated = |path: PathBuf| {
            let about = path.metadata().ok();
            let date = about.as_ref().and_then(|about| about.modified().ok());
            (path, about.map_or(0, |about| about.len()), date)
        };
        Ok(Sight { clips: survey.clips, strange: survey.strange, texts: texts.into_iter().map(dated).collect() })
    }
}

/// On which drive the cuts lie. A drive that is away leaves an empty folder, or none, where it was; making everything anew
/// there would fill the wrong disk.
#[derive(Debug, Default)]
pub struct Drive(Option<u64>);

impl Drive {
    /// Looks whether the output folder is where it was.
    ///
    /// # Errors
    /// The cuts were on another drive before than the one that is there now.
    pub fn check(&mut self, out: &Path) -> Result<(), Fault> {
        let now = device(out);
        if out.join(".housecall").is_dir() {
            self.0 = now;
        } else if self.0.is_some() && now != self.0 {
            let what = format!("the drive with the cuts, {}, is away", out.display());
            return Err(Fault::new(what, "connect it again, or stop watching and choose another folder with --out"));
        }
        Ok(())
    }
}

/// Number of the drive that a path lies on, or would lie on; none where the system has no such number.
#[cfg(unix)]
fn device(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    let path = std::path::absolute(path).ok()?;
    path.ancestors().find_map(|folder| folder.metadata().ok()).map(|about| about.dev())
}

#[cfg(not(unix))]
fn device(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    #[test]
    fn what_people_write_in_the_folder_for_the_cuts_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let (inbox, out) = (folder.path().join("inbox"), folder.path().join("cuts"));
        fs::create_dir_all(&inbox).unwrap();
        fs::create_dir_all(out.join("transcripts")).unwrap();
        let places = Places { inbox: &inbox, out: &out, practice: None, defaults: None, transcripts: None };
        for file in ["transcripts/a.srt", "transcripts/a.toml", "glossary.toml"] {
            let file = out.join(file);
            let seen = || Sight::of(&places).unwrap().texts.iter().any(|(text, ..)| *text == file);
            assert!(!seen(), "{file:?}");
            fs::write(&file, "#").unwrap();
            assert!(seen(), "{file:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_output_folder_is_missed_only_where_its_drive_changed() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("cuts");
        let mut drive = Drive::default();
        assert!(drive.check(&out).is_ok(), "nothing was made yet");
        fs::create_dir_all(out.join(".housecall")).unwrap();
        assert!(drive.check(&out).is_ok());
        fs::remove_dir_all(&out).unwrap();
        assert!(drive.check(&out).is_ok(), "a person deleted the cuts to have them made anew");
        // As if they had been on a drive that is not mounted now.
        drive.0 = drive.0.map(|device| device + 1);
        assert!(drive.check(&out).unwrap_err().what().contains("is away"));
        fs::create_dir_all(&out).unwrap();
        assert!(drive.check(&out).is_err(), "an empty folder is what a drive leaves behind");
        fs::create_dir_all(out.join(".housecall")).unwrap();
        assert!(drive.check(&out).is_ok(), "it is back, perhaps by another number");
    }
}
