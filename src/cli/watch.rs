//! `housecall watch`: a run whenever the inbox has something new.

use super::{ALL_WELL, Batch, run};
use crate::config;
use crate::fault::{Cancel, Fault};
use crate::intake::{self, Candidate};
use crate::pipeline::{self, Request};
use crate::report::{ClipState, Progress};
use crate::trace::Trace;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// How often the inbox is looked at. Looking is one listing of a folder; network drives send no reliable notices.
const INTERVAL: Duration = Duration::from_secs(2);
/// Extensions of what people write about clips.
const TEXTS: [&str; 6] = ["toml", "csv", "txt", "srt", "vtt", "json"];

/// What a look finds: clips, and what people wrote about them.
#[derive(PartialEq)]
struct Seen {
    clips: Vec<Candidate>,
    /// Settings, scripts, questions in the inbox and captions in the output folder, each with its time of change.
    texts: Vec<(PathBuf, Option<SystemTime>)>,
}

impl Seen {
    fn now(arguments: &Batch) -> Result<Self, Fault> {
        let clips = intake::scan(&arguments.inbox, &arguments.out)?;
        let mut texts = Vec::new();
        let own = config::user_folder()
            .into_iter()
            .flat_map(|user| ["", "checks", "glossaries", "platforms"].map(|f| user.join(f)));
        let practice = arguments.practice.iter().filter_map(|file| file.parent().map(PathBuf::from));
        let given = arguments.transcript.iter().cloned();
        let folders = [arguments.inbox.clone(), arguments.out.join("transcripts")]
            .into_iter()
            .chain(own)
            .chain(practice)
            .chain(given);
        for folder in folders {
            for path in std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
                if path.extension().is_some_and(|extension| TEXTS.iter().any(|text| extension == *text)) {
                    let changed = path.metadata().and_then(|about| about.modified()).ok();
                    texts.push((path, changed));
                }
            }
        }
        texts.sort();
        Ok(Seen { clips, texts })
    }
}

/// Runs until it is stopped.
pub fn watch(arguments: &Batch, cancel: &Cancel) -> Result<u8, Fault> {
    let progress = Progress::new(arguments.json, std::io::stderr().is_terminal());
    let mut seen: Option<Seen> = None;
    let trace = run::trace(arguments)?;
    // Found out at once, not when the first clip arrives at the end of a filming day.
    run::request(arguments, cancel, &progress)?;
    if !arguments.json {
        eprintln!("Watching {}. Stop with Ctrl-C.", arguments.inbox.display());
    }
    let mut complaint = None;
    while !cancel.is_cancelled() {
        let looked = round(arguments, cancel, &progress, &trace, &mut seen);
        // What is wrong now (a half-edited practice.toml, a drive that is away) may be mended while we wait.
        match looked {
            Ok(()) => complaint = None,
            Err(Fault::Cancelled) => break,
            Err(fault) => {
                let text = format!("{}. What to do: {}.", fault.what(), fault.advice());
                if complaint.as_ref() != Some(&text) {
                    eprintln!("{text} Still watching.");
                    complaint = Some(text);
                }
            }
        }
        let next = Instant::now() + INTERVAL;
        while Instant::now() < next && !cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(ALL_WELL)
}

/// Looks once, and runs if there is something new. `seen` is what the last complete run found.
fn round(
    arguments: &Batch,
    cancel: &Cancel,
    progress: &Progress,
    trace: &Trace,
    seen: &mut Option<Seen>,
) -> Result<(), Fault> {
    let now = Seen::now(arguments)?;
    if seen.as_ref() == Some(&now) || now.clips.is_empty() {
        return Ok(());
    }
    // practice.toml is read anew, so that a change there needs no restart.
    let request =
        Request { more_to_come: true, wait: true, trace: trace.clone(), ..run::request(arguments, cancel, progress)? };
    let outcome = pipeline::run(&request, cancel, &|event| progress.tell(event));
    progress.clear();
    let outcome = outcome?;
    if let Some(fault) = outcome.unreported {
        return Err(fault);
    }
    // What this run itself wrote is looked at once more; there is nothing to tell of it.
    let news = seen.is_none() || outcome.reports.iter().any(|report| report.state != ClipState::Unchanged);
    if !arguments.json && news {
        run::summarise(&request, &outcome);
    }
    *seen = outcome.unsettled.is_empty().then_some(now);
    Ok(())
}
