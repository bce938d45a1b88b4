//! `housecall run`: typed arguments to a request, and the outcome to a few lines and an exit code.

use super::{ALL_WELL, Batch, SOME_FAILED, SOME_HELD};
use crate::centre::Site;
use crate::config;
use crate::fault::{Cancel, Fault};
use crate::intake;
use crate::pipeline::{self, Event, Outcome, Request};
use crate::report::{ClipReport, ClipState, Progress};
use crate::speech::{self, Located, ModelFile};
use crate::trace::Trace;
use crate::worker;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Runs a batch once.
pub fn run(arguments: &Batch, cancel: &Cancel) -> Result<u8, Fault> {
    let progress = Progress::new(arguments.json, std::io::stderr().is_terminal());
    let request = Request { trace: trace(arguments)?, ..request(arguments, cancel, &progress)? };
    let outcome = pipeline::run(&request, cancel, &|event| progress.tell(event));
    progress.clear();
    let outcome = match outcome {
        Err(Fault::Cancelled) => {
            eprintln!("Stopped before anything was begun.");
            return Ok(SOME_FAILED);
        }
        other => other?,
    };
    if !arguments.json {
        summarise(&request, &outcome);
    }
    if let Some(fault) = &outcome.unreported {
        eprintln!("housecall: {}.", fault.what());
        eprintln!("What to do: {}.", fault.advice());
    }
    let incomplete = outcome.has_failure() || outcome.stopped || outcome.unreported.is_some();
    Ok(match (incomplete, outcome.held()) {
        (true, _) => SOME_FAILED,
        (false, 0) => ALL_WELL,
        (false, _) => SOME_HELD,
    })
}

/// What the arguments mean for the practice that they are about, as [`request_of`].
pub fn request(arguments: &Batch, cancel: &Cancel, progress: &Progress) -> Result<Request, Fault> {
    let site = Site::alone(&arguments.inbox, &arguments.out, arguments.practice.as_deref());
    request_of(arguments, &site, cancel, progress)
}

/// What the arguments mean for one practice, with everything looked up: settings, platforms, model.
pub fn request_of(arguments: &Batch, site: &Site, cancel: &Cancel, progress: &Progress) -> Result<Request, Fault> {
    if !site.inbox.is_dir() {
        let advice = "give the folder that the clips are in";
        return Err(Fault::new(format!("{} is not a folder", site.inbox.display()), advice));
    }
    if let Some(place) = arguments.transcript.as_ref().filter(|place| !place.exists()) {
        let advice = "give an SRT, VTT or JSON file, or a folder of them";
        return Err(Fault::new(format!("there is no transcript at {}", place.display()), advice));
    }
    intake::apart(&site.inbox, &site.out)?;
    let file = config::find_practice(site.settings.as_deref(), &site.inbox)?;
    let mut practice = config::load(&file)?;
    if !arguments.platforms.is_empty() {
        practice = practice.with_platforms(&arguments.platforms)?;
    }
    let wanted = arguments.model.as_deref().or(practice.model.as_deref());
    let model = model(wanted, &practice.language, arguments.offline, cancel, progress)?;
    Ok(Request {
        inbox: site.inbox.clone(),
        out: site.out.clone(),
        practice,
        model,
        transcripts: arguments.transcript.clone(),
        jobs: arguments.jobs.map(usize::from),
        settle: intake::SETTLE,
        more_to_come: false,
        wait: arguments.wait,
        looked: None,
        only: None,
        hold_back: false,
        trace: Trace::default(),
        program: program()?,
        patience: worker::PATIENCE,
    })
}

/// This program's own file, which every clip is worked on with.
fn program() -> Result<PathBuf, Fault> {
    std::env::current_exe()
        .map_err(|e| Fault::new(format!("the program does not find its own file ({e})"), "start it by its whole path"))
}

/// Where the trace goes, if one is asked for.
pub fn trace(arguments: &Batch) -> Result<Trace, Fault> {
    arguments.trace.as_deref().map_or_else(|| Ok(Trace::default()), Trace::to_file)
}

/// The model's file; downloaded if it is missing and that is allowed.
fn model(
    wanted: Option<&str>,
    language: &str,
    offline: bool,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<ModelFile, Fault> {
    let folders = speech::folders()?;
    match speech::find(wanted, language, &folders)? {
        Located::Present(model) => Ok(model),
        Located::Missing { entry, target } if offline => Err(speech::offline_fault(&entry, &target)),
        Located::Missing { entry, target } => {
            let name = entry.name.clone();
            speech::download(&entry, &target, cancel, &mut |done, total| {
                progress.tell(Event::Download { model: name.clone(), done, total });
            })?;
            match speech::find(wanted, language, &folders)? {
                Located::Present(model) => Ok(model),
                Located::Missing { .. } => {
                    Err(Fault::new("the speech model is gone right after it was downloaded", "run again"))
                }
            }
        }
    }
}

/// The result, in few lines.
pub fn summarise(request: &Request, outcome: &Outcome) {
    let clips = outcome.reports.len();
    let cuts: usize = outcome.reports.iter().map(ClipReport::published).sum();
    let failed = outcome.reports.iter().filter(|r| r.has_failure()).count();
    let plural = |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    if clips == 0 && !outcome.stopped {
        // Those that are still being copied were told of already.
        if !outcome.unsettled.is_empty() {
            return;
        }
        say!("No clips in {}.", request.inbox.display());
        return;
    }
    let unchanged = outcome.reports.iter().filter(|r| r.state == ClipState::Unchanged).count();
    let before = if unchanged > 0 { format!(", {unchanged} of them done before") } else { String::new() };
    say!("{} from {}{before}, in {}", plural(cuts, "cut"), plural(clips, "clip"), request.out.display());
    if failed > 0 {
        say!("{} failed in whole or in part; the report says which and what to do", plural(failed, "clip"));
    }
    let held = outcome.held();
    if held > 0 {
        let name = outcome.reports.iter().find(|r| r.is_held()).map_or("NAME", |r| r.name.as_str());
        let out = match request.out.to_str() {
            Some("cuts") | None => String::new(),
            Some(out) => format!(" --out \"{out}\""),
        };
        let wait = if held == 1 { "waits" } else { "wait" };
        say!("{} {wait} for approval in {}", plural(held, "clip"), request.out.join("held").display());
        say!("to see why: housecall status{out}");
        say!("to go on:   housecall approve \"{name}\" --by \"YOUR NAME\"{out}");
    }
    if let Some(report) = &outcome.report {
        say!("report: {}", report.display());
    }
    if outcome.stopped {
        say!("Stopped. What is listed is finished and checked; run the same command to go on.");
    }
}
