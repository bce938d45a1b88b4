//! `housecall watch`: a run whenever the inbox has something new that is at rest.

use super::{ALL_WELL, Batch, run};
use crate::fault::{Cancel, Fault};
use crate::intake::{self, Drive, Places, Readiness, SETTLE, Sight, Vigil};
use crate::pipeline::{self, Event, Outcome, Request};
use crate::report::{ClipState, Progress};
use crate::trace::Trace;
use std::io::{IsTerminal, Write};
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
    let sight = Sight::of(&Places {
        inbox: &arguments.inbox,
        out: &arguments.out,
        practice: arguments.practice.as_deref(),
        transcripts: arguments.transcript.as_deref(),
    })?;
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
