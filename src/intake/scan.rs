//! Which files of a folder are clips, judged by name and place alone.

use crate::fault::Fault;
use crate::plain_file;
use std::cmp::Ordering;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Extensions of clips, best known first; the order also settles which of `a.mp4` and `a.mov` is named `a`.
pub(super) const EXTENSIONS: [&str; 6] = ["mp4", "mov", "m4v", "3gp", "mkv", "webm"];

/// Endings of a stem that mark an unfinished copy or download: `razor-bumps.part.mp4`.
pub(super) const UNFINISHED: [&str; 8] =
    [".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".aria2"];

/// A file in the inbox that is a clip by its name and place. Nothing is known yet about what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where it lies: the inbox as it was given, and the file's name.
    pub path: PathBuf,
    /// Size in bytes when it was looked at.
    pub bytes: u64,
    /// Modification time when it was looked at.
    pub modified: SystemTime,
}

impl Candidate {
    /// Whether the file is still a regular one with this size and date.
    pub fn is_as_seen(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|about| {
            about.is_file()
                && about.len() == self.bytes
                && about.modified().is_ok_and(|modified| modified == self.modified)
        })
    }
}

/// What lies in an inbox.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The clips, sorted by name as a person sorts (`clip2` before `clip10`).
    pub clips: Vec<Candidate>,
    /// What has the name of a clip and is none that may be opened, sorted by name.
    pub strange: Vec<Stranger>,
    /// Names of what people wrote beside clips, or for all of them: everything that ends in one of [`TEXTS`].
    pub texts: Vec<PathBuf>,
}

/// Extensions of what people write about clips, in lower case.
pub const TEXTS: [&str; 6] = ["toml", "csv", "txt", "srt", "vtt", "json"];

/// Something in the inbox that has the name of a clip but is not taken: a link, a folder, a pipe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stranger {
    /// Its name in the inbox.
    pub name: String,
    /// What it is: `a link`.
    pub what: &'static str,
}

impl Stranger {
    /// The sentence that a person reads, without a stop.
    pub fn told(&self) -> String {
        let Stranger { name, what } = self;
        format!("{name} is {what} and is not followed or opened; put a copy of the clip itself there")
    }
}

/// Looks at `inbox` itself, not below it. Nothing is opened, and nothing is followed: a link could lead out of the inbox
/// to what nobody meant to post.
///
/// Left out: files of other kinds, hidden and unfinished ones, and what vanishes meanwhile. `output` need not exist yet.
///
/// # Errors
/// The inbox cannot be read, or as [`apart`].
pub fn survey(inbox: &Path, output: &Path) -> Result<Survey, Fault> {
    apart(inbox, output)?;
    let mut survey = Survey::default();
    for entry in fs::read_dir(inbox).map_err(|error| unreadable(inbox, &error))? {
        let entry = entry.map_err(|error| unreadable(inbox, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_clip_name(&name) {
            if is_text_name(&name) {
                survey.texts.push(entry.path());
            }
            continue;
        }
        // Of the entry itself, not of what a link leads to.
        let Ok(about) = entry.metadata() else { continue };
        match (plain_file::strange(about.file_type()), about.modified()) {
            (Some(what), _) => survey.strange.push(Stranger { name, what }),
            (None, Ok(modified)) => survey.clips.push(Candidate { path: entry.path(), bytes: about.len(), modified }),
            (None, Err(_)) => {}
        }
    }
    survey.clips.sort_by(|a, b| natural(&name_of(&a.path), &name_of(&b.path)));
    survey.strange.sort_by(|a, b| natural(&a.name, &b.name));
    survey.texts.sort();
    Ok(survey)
}

/// Refuses to work where inbox and output are one folder, or the inbox lies in the output: cuts would be taken for clips,
/// and Housecall would write among a person's files. An output folder inside of the inbox is no harm, since only the inbox
/// itself is looked at. Touches nothing.
///
/// # Errors
/// They are not apart, or the inbox is not there.
pub fn apart(inbox: &Path, output: &Path) -> Result<(), Fault> {
    let home = fs::canonicalize(inbox).map_err(|error| unreadable(inbox, &error))?;
    if fs::canonicalize(output).is_ok_and(|output| home.starts_with(output)) {
        return Err(Fault::new(
            format!("the inbox {} lies in the folder that the cuts are written to", inbox.display()),
            "name another folder for the cuts with --out",
        ));
    }
    Ok(())
}

/// A file's name without its folder, with what is no Unicode replaced.
pub fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_clip_name(name: &str) -> bool {
    let name = name.to_lowercase();
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    EXTENSIONS.contains(&extension)
        && !stem.is_empty()
        && !name.starts_with(['.', '~'])
        && !UNFINISHED.iter().any(|end| stem.ends_with(end))
}

fn is_text_name(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    TEXTS.iter().any(|text| extension.eq_ignore_ascii_case(text))
}

fn unreadable(inbox: &Path, error: &io::Error) -> Fault {
    let inbox = inbox.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            Fault::new(format!("there is no folder {inbox}"), "check the name, or make the folder and put clips in it")
        }
        io::ErrorKind::NotADirectory => {
            Fault::new(format!("{inbox} is a file"), "name the folder that the clips lie in")
        }
        _ => Fault::new(
            format!("the folder {inbox} cannot be read ({error})"),
            "check that the disk is connected and that you may open the folder",
        ),
    }
}

/// Compares names as a person does: digits by their value, letters without regard to case.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let order = match (left.chars().next(), right.chars().next()) {
            // `a.mp4` and `A.mp4` are different files; their order must not depend on the file system's.
            (None, None) => return a.cmp(b),
            (None, _) => Ordering::Less,
            (_, None) => Ordering::Greater,
            (Some(l), Some(r)) if l.is_ascii_digit() && r.is_ascii_digit() => {
                by_value(take_digits(&mut left), take_digits(&mut right))
            }
            (Some(l), Some(r)) => {
                left = &left[l.len_utf8()..];
                right = &right[r.len_utf8()..];
                l.to_lowercase().cmp(r.to_lowercase())
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn take_digits<'a>(text: &mut &'a str) -> &'a str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    digits.trim_start_matches('0')
}

/// Numbers of any length without leading zeros: the longer one is larger.
fn by_value(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn found(inbox: &Path, output: &Path) -> Vec<String> {
        survey(inbox, output).unwrap().clips.iter().map(|c| name_of(&c.path)).collect()
    }

    #[test]
    fn only_finished_clips_of_the_folder_itself_are_found() {
        let inbox = tempfile::tempdir().unwrap();
        let names = [
            "clip10.mp4",
            "clip2.MOV",
            "Clip1.webm",
            "clip02.mp4",
            ".hidden.mp4",
            "._clip2.MOV",
            "~clip.mp4",
            "notes.txt",
            "razor.mp4.part",
            "razor.part.mp4",
            "razor.TMP.mp4",
            "a.crdownload",
            "mp4",
            ".mp4",
            "clip10.question.txt",
        ];
        for name in names {
            fs::write(inbox.path().join(name), name).unwrap();
        }
        fs::create_dir_all(inbox.path().join("cuts/tiktok")).unwrap();
        fs::write(inbox.path().join("cuts/tiktok/clip2.mp4"), "a cut").unwrap();
        fs::create_dir(inbox.path().join("folder.mp4")).unwrap();
        let expected = ["Clip1.webm", "clip2.MOV", "clip02.mp4", "clip10.mp4"];
        assert_eq!(found(inbox.path(), &inbox.path().join("cuts")), expected);
    }

    #[test]
    fn own_cuts_are_never_taken_for_clips() {
        let inbox = tempfile::tempdir().unwrap();
        let cuts = inbox.path().join("cuts");
        fs::create_dir_all(cuts.join("tiktok")).unwrap();
        assert!(survey(&cuts.join("tiktok"), &cuts).unwrap_err().advice().contains("--out"));
        assert!(survey(inbox.path(), inbox.path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_folders_and_pipes_are_left_out_and_told_of() {
        use std::os::unix::fs::symlink;
        let (inbox, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(elsewhere.path().join("private.mp4"), "not for posting").unwrap();
        fs::create_dir(inbox.path().join("cuts")).unwrap();
        fs::write(inbox.path().join("real.mp4"), "x").unwrap();
        symlink(elsewhere.path().join("private.mp4"), inbox.path().join("link.mp4")).unwrap();
        symlink("/dev/zero", inbox.path().join("zero.mp4")).unwrap();
        fs::write(inbox.path().join("cuts/cut.mp4"), "a cut").unwrap();
        symlink("cuts/cut.mp4", inbox.path().join("cut.mp4")).unwrap();
        symlink("nowhere", inbox.path().join("dangling.mp4")).unwrap();
        symlink("real.mp4", inbox.path().join("second.mp4")).unwrap();
        fs::create_dir(inbox.path().join("folder.mov")).unwrap();
        symlink("nowhere", inbox.path().join("no-clip.txt")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(inbox.path().join("pipe.mp4")).status().unwrap();
        assert!(pipe.success());
        assert_eq!(found(inbox.path(), &inbox.path().join("cuts")), ["real.mp4"]);
        let told: Vec<String> =
            survey(inbox.path(), Path::new("cuts")).unwrap().strange.iter().map(Stranger::told).collect();
        let names = ["cut.mp4", "dangling.mp4", "folder.mov", "link.mp4", "pipe.mp4", "second.mp4", "zero.mp4"];
        assert_eq!(told.len(), names.len(), "{told:?}");
        assert!(told.iter().zip(names).all(|(told, name)| told.starts_with(&format!("{name} is "))), "{told:?}");
        assert!(
            told[2].contains("is a folder") && told[3].contains("is a link") && told[4].contains("pipe"),
            "{told:?}"
        );
    }

    #[test]
    fn a_missing_inbox_says_what_to_do() {
        let inbox = tempfile::tempdir().unwrap();
        let fault = survey(&inbox.path().join("Answers"), inbox.path()).unwrap_err();
        assert!(fault.what().contains("there is no folder"), "{fault}");
        let file = inbox.path().join("a.mp4");
        fs::write(&file, "x").unwrap();
        assert!(survey(&file, Path::new("cuts")).unwrap_err().what().ends_with("is a file"));
    }

    #[test]
    fn names_sort_by_the_value_of_their_numbers() {
        let mut names = ["b1", "a10", "A9", "a2b", "a2", "a1000000000000000000000000", "a010"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a2", "a2b", "A9", "a010", "a10", "a1000000000000000000000000", "b1"]);
    }
}
