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
    while !cancel.is_cancelled() {
        let now = intake::scan(&arguments.inbox, &arguments.out)?;
        if seen.as_ref() != Some(&now) && !now.is_empty() {
            // practice.toml is read anew, so that a change there needs no restart.
            let request = run::request(arguments, cancel, &progress)?;
            match pipeline::run(&request, cancel, &|event| progress.tell(event)) {
                Ok(outcome) => {
                    if !arguments.json {
                        run::summarise(&request, &outcome);
                    }
                    seen = outcome.unsettled.is_empty().then_some(now);
                }
                Err(Fault::Cancelled) => break,
                Err(fault) => return Err(fault),
            }
        }
        let next = Instant::now() + INTERVAL;
        while Instant::now() < next && !cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(ALL_WELL)
}
