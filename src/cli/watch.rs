//! `housecall watch`: a run whenever the inbox has something new.

use super::{ALL_WELL, Batch, run};
use crate::fault::{Cancel, Fault};
use crate::intake::{self, Candidate};
use crate::pipeline;
use crate::report::Progress;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often the inbox is looked at. Looking is one listing of a folder; network drives send no reliable notices.
const INTERVAL: Duration = Duration::from_secs(2);

/// Runs until it is stopped.
pub fn watch(arguments: &Batch, cancel: &Cancel) -> Result<u8, Fault> {
    let progress = Progress::new(arguments.json, std::io::stderr().is_terminal());
    let mut seen: Option<Vec<Candidate>> = None;
    // Found out at once, not when the first clip arrives at the end of a filming day.
    run::request(arguments, cancel, &progress)?;
    if !arguments.json {
        eprintln!("Watching {}. Stop with Ctrl-C.", arguments.inbox.display());
    }
    let mut complaint = None;
    while !cancel.is_cancelled() {
        let looked = round(arguments, cancel, &progress, &mut seen);
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
    seen: &mut Option<Vec<Candidate>>,
) -> Result<(), Fault> {
    let now = intake::scan(&arguments.inbox, &arguments.out)?;
    if seen.as_ref() == Some(&now) || now.is_empty() {
        return Ok(());
    }
    // practice.toml is read anew, so that a change there needs no restart.
    let request = run::request(arguments, cancel, progress)?;
    let outcome = pipeline::run(&request, cancel, &|event| progress.tell(event));
    progress.clear();
    let outcome = outcome?;
    if !arguments.json {
        run::summarise(&request, &outcome);
    }
    *seen = outcome.unsettled.is_empty().then_some(now);
    Ok(())
}
