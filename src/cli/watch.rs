//! `housecall watch`: a run whenever the inbox has something new that is at rest.

use super::vigil::{Sight, Vigil};
use super::{ALL_WELL, Batch, run};
use crate::config;
use crate::fault::{Cancel, Fault};
use crate::intake::{self, Readiness, SETTLE, TEXTS};
use crate::pipeline::{self, Event, Outcome, Request, glossary_file};
use crate::report::{ClipState, Progress};
use crate::trace::Trace;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// How often the inbox is looked at. Looking is one listing of a folder; network drives send no reliable notices.
const INTERVAL: Duration = Duration::from_secs(2);
/// A look may take at most one part in so many of the time, however slow the drive is.
const SHARE: u32 = 20;
/// Longest time between two looks.
const LONGEST: Duration = Duration::from_secs(60);

/// Runs until it is stopped.
pub fn watch(arguments: &Batch, cancel: &Cancel) -> Result<u8, Fault> {
    let progress = Progress::new(arguments.json, std::io::stderr().is_terminal());
    let trace = run::trace(arguments)?;
    // Found out at once, not when the first clip arrives at the end of a filming day.
    run::request(arguments, cancel, &progress)?;
    if !arguments.json {
        // A terminal that was closed must not stop the work.
        drop(writeln!(std::io::stderr(), "Watching {}. Stop with Ctrl-C.", arguments.inbox.display()));
    }
    let note = |text: String| progress.tell(Event::Note { clip: None, text });
    let mut vigil = Vigil::new(SETTLE);
    let mut drive = Drive::default();
    let mut complaint = None;
    while !cancel.is_cancelled() {
        let mut took = Duration::ZERO;
        let looked = round(arguments, cancel, &progress, &trace, &mut vigil, &mut drive, &mut took);
        // What is wrong now (a half-edited practice.toml, a drive that is away) may be mended while we wait.
        match looked {
            Ok(()) => {
                if complaint.take().is_some() {
                    note("That is mended; watching goes on.".into());
                }
            }
            Err(Fault::Cancelled) => break,
            Err(fault) => {
                let text = format!("{}. What to do: {}.", fault.what(), fault.advice());
                if complaint.as_ref() != Some(&text) {
                    note(format!("{text} Still watching."));
                    complaint = Some(text);
                }
            }
        }
        let next = Instant::now() + (took * SHARE).clamp(INTERVAL, LONGEST);
        while Instant::now() < next && !cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(ALL_WELL)
}

/// Looks once, and runs if there is something new. `took` becomes how long the look alone took.
fn round(
    arguments: &Batch,
    cancel: &Cancel,
    progress: &Progress,
    trace: &Trace,
    vigil: &mut Vigil,
    drive: &mut Drive,
    took: &mut Duration,
) -> Result<(), Fault> {
    let began = Instant::now();
    drive.check(&arguments.out)?;
    let sight = look(arguments)?;
    let seen = vigil.look(&sight, SystemTime::now());
    *took = began.elapsed();
    seen.news.into_iter().for_each(|text| progress.tell(Event::Note { clip: None, text }));
    let Some(looked) = seen.run else { return Ok(()) };
    // practice.toml is read anew, so that a change there needs no restart.
    let request = run::request(arguments, cancel, progress)?;
    let copying: Vec<String> = looked
        .clips
        .iter()
        .filter(|(_, stand)| matches!(stand, Readiness::Writing))
        .map(|(clip, _)| intake::name_of(&clip.path))
        .collect();
    let request = Request { more_to_come: true, wait: true, looked: Some(looked), trace: trace.clone(), ..request };
    let outcome = pipeline::run(&request, cancel, &|event| progress.tell(event));
    progress.clear();
    let outcome = outcome?;
    if let Some(fault) = outcome.unreported {
        return Err(fault);
    }
    // What this run itself wrote is looked at once more; there is nothing to tell of it.
    let news = vigil.is_first() || outcome.reports.iter().any(|report| report.state != ClipState::Unchanged);
    if !arguments.json && news {
        run::summarise(&request, &outcome);
    }
    let whole = outcome.unsettled.iter().all(|name| copying.contains(name));
    vigil.ran(whole, may_mend(&outcome), SystemTime::now());
    drive.check(&arguments.out)
}

/// Whether something failed that waiting may mend, such as a disk without room. What is wrong with a clip itself stays
/// wrong until the clip changes.
fn may_mend(outcome: &Outcome) -> bool {
    let of_the_clip = |state: &ClipState| matches!(state, ClipState::Failed { stage, .. } if stage == "intake");
    outcome.reports.iter().any(|report| report.has_failure() && !of_the_clip(&report.state))
}

/// What lies there now. The inbox is listed once, and only what is about its clips is asked for its date.
fn look(arguments: &Batch) -> Result<Sight, Fault> {
    let survey = intake::survey(&arguments.inbox, &arguments.out)?;
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
    let practice = arguments.practice.iter().filter_map(|file| file.parent().map(PathBuf::from));
    let folders = [arguments.out.join("transcripts")].into_iter().chain(own).chain(practice);
    for folder in folders.chain(arguments.transcript.clone()).filter(|folder| *folder != arguments.inbox) {
        for path in std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| TEXTS.iter().any(|text| extension == *text)) {
                texts.push(path);
            }
        }
    }
    texts.extend(arguments.transcript.iter().chain(&arguments.practice).filter(|file| file.is_file()).cloned());
    texts.extend(Some(glossary_file(&arguments.out)).filter(|file| file.is_file()));
    texts.sort();
    texts.dedup();
    let dated = |path: PathBuf| {
        let about = path.metadata().ok();
        let date = about.as_ref().and_then(|about| about.modified().ok());
        (path, about.map_or(0, |about| about.len()), date)
    };
    Ok(Sight { clips: survey.clips, strange: survey.strange, texts: texts.into_iter().map(dated).collect() })
}

/// On which drive the cuts lie. A drive that is away leaves an empty folder, or none, where it was; making everything anew
/// there would fill the wrong disk.
#[derive(Default)]
struct Drive(Option<u64>);

impl Drive {
    /// # Errors
    /// The cuts were on another drive before than the one that is there now.
    fn check(&mut self, out: &Path) -> Result<(), Fault> {
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

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        batch: Batch,
    }

    #[test]
    fn what_people_write_in_the_folder_for_the_cuts_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let (inbox, out) = (folder.path().join("inbox"), folder.path().join("cuts"));
        fs::create_dir_all(&inbox).unwrap();
        fs::create_dir_all(out.join("transcripts")).unwrap();
        let arguments = ["watch".as_ref(), inbox.as_os_str(), "--out".as_ref(), out.as_os_str()];
        let Line { batch } = clap::Parser::parse_from(arguments);
        for file in ["transcripts/a.srt", "transcripts/a.toml", "glossary.toml"] {
            let file = out.join(file);
            let seen = |sight: &Sight| sight.texts.iter().any(|(text, ..)| *text == file);
            assert!(!seen(&look(&batch).unwrap()), "{file:?}");
            fs::write(&file, "#").unwrap();
            assert!(seen(&look(&batch).unwrap()), "{file:?}");
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
