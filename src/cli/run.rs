//! `housecall run`: typed arguments to a request, and the outcome to a few lines and an exit code.

use super::centre::{self, Task};
use super::{ALL_WELL, Batch, NO_START, SOME_FAILED, SOME_HELD};
use crate::centre::{Centre, Site};
use crate::config;
use crate::fault::{Cancel, Fault};
use crate::intake;
use crate::pipeline::{self, Event, Outcome, Request};
use crate::report::{ClipBrief, ClipState, Progress};
use crate::speech::{self, Located, ModelFile};
use crate::trace::Trace;
use crate::worker;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Runs a batch once; of many practices one after the other.
pub fn run(arguments: &Batch, cancel: &Cancel) -> Result<u8, Fault> {
    let progress = Progress::new(arguments.json, std::io::stderr().is_terminal());
    let trace = trace(arguments)?;
    match centre::task(arguments)? {
        Task::One(site) => match run_site(arguments, &site, &trace, &progress, &Models::default(), cancel) {
            Err(Fault::Cancelled) => {
                eprintln!("Stopped before anything was begun.");
                Ok(SOME_FAILED)
            }
            ended => Ok(worse(code(&ended?), centre::told_of(&site.out))),
        },
        Task::Many { centre, chosen } => run_all(arguments, &centre, &chosen, &trace, &progress, cancel),
    }
}

/// One practice's run, told of as it goes.
fn run_site(
    arguments: &Batch,
    site: &Site,
    trace: &Trace,
    progress: &Progress,
    models: &Models,
    cancel: &Cancel,
) -> Result<Outcome, Fault> {
    let request = Request { trace: trace.clone(), ..request_with(arguments, site, models, cancel, progress)? };
    let outcome = pipeline::run(&request, cancel, &|event| progress.tell_of(&site.id, event));
    progress.clear();
    let outcome = outcome?;
    // Of a hundred practices those that have nothing new are no news.
    let quiet = !site.id.is_empty() && code(&outcome) == ALL_WELL && !has_news(&outcome);
    if !arguments.json && !quiet {
        summarise(&request, &outcome);
    }
    if let Some(fault) = &outcome.unreported {
        eprintln!("housecall: {}.", fault.what());
        eprintln!("What to do: {}.", fault.advice());
    }
    Ok(outcome)
}

/// Whether anything is other than it was before.
pub fn has_news(outcome: &Outcome) -> bool {
    outcome.reports.iter().any(|report| report.state != ClipState::Unchanged)
}

fn code(outcome: &Outcome) -> u8 {
    let incomplete = outcome.has_failure() || outcome.stopped || outcome.unreported.is_some();
    match (incomplete, outcome.held()) {
        (true, _) => SOME_FAILED,
        (false, 0) => ALL_WELL,
        (false, _) => SOME_HELD,
    }
}

/// The end of a run of many practices.
#[derive(Default, Serialize)]
struct All {
    event: &'static str,
    /// Practices that were run.
    practices: usize,
    /// Practices for which nothing was begun.
    refused: usize,
    clips: usize,
    unchanged: usize,
    failed: usize,
    held: usize,
    /// Cuts that are in their place; those that wait do not count.
    cuts: usize,
    stopped: bool,
    overview: Option<PathBuf>,
}

impl All {
    fn add(&mut self, outcome: &Outcome) {
        self.practices += 1;
        self.clips += outcome.reports.len();
        self.unchanged += outcome.reports.iter().filter(|r| r.state == ClipState::Unchanged).count();
        self.failed += outcome.reports.iter().filter(|r| r.has_failure()).count();
        self.held += outcome.held();
        self.cuts += outcome.reports.iter().map(ClipBrief::published).sum::<usize>();
        self.stopped |= outcome.stopped;
    }
}

/// Runs one practice after the other: what is wrong with one stops no other.
fn run_all(
    arguments: &Batch,
    centre: &Centre,
    chosen: &[Site],
    trace: &Trace,
    progress: &Progress,
    cancel: &Cancel,
) -> Result<u8, Fault> {
    let models = Models::default();
    let mut all = All { event: "all-ended", ..All::default() };
    let mut worst = ALL_WELL;
    centre.strays.iter().for_each(|stray| progress.tell(Event::Note { clip: None, text: format!("{stray}.") }));
    for site in chosen {
        match run_site(arguments, site, trace, progress, &models, cancel) {
            Ok(outcome) => {
                worst = worse(worst, code(&outcome));
                all.add(&outcome);
            }
            Err(Fault::Cancelled) => all.stopped = true,
            Err(fault) => {
                all.refused += 1;
                progress.refused(&site.id, &fault);
            }
        }
        if cancel.is_cancelled() {
            all.stopped = true;
            break;
        }
    }
    if all.practices == 0 && all.refused > 0 {
        worst = NO_START;
    } else if all.refused > 0 || all.stopped || !centre.strays.is_empty() {
        worst = SOME_FAILED;
    }
    match pipeline::overview(centre) {
        Ok(file) => all.overview = Some(file),
        Err(fault) => {
            worst = worse(worst, SOME_FAILED);
            eprintln!("housecall: {}. What to do: {}.", fault.what(), fault.advice());
        }
    }
    if arguments.json {
        let line = serde_json::to_string(&all);
        data!(line.map_err(|e| Fault::new(format!("the end cannot be printed ({e})"), "report this"))?);
    } else {
        summarise_all(&all);
    }
    Ok(worst)
}

fn summarise_all(all: &All) {
    let before = if all.unchanged > 0 { format!(", {} of them done before", all.unchanged) } else { String::new() };
    let (cuts, clips) = (plural(all.cuts, "cut"), plural(all.clips, "clip"));
    say!("In all: {cuts} from {clips} of {}{before}", plural(all.practices, "practice"));
    if all.failed > 0 {
        say!("{} failed in whole or in part", plural(all.failed, "clip"));
    }
    if all.held > 0 {
        say!("{} {} for approval", plural(all.held, "clip"), if all.held == 1 { "waits" } else { "wait" });
    }
    if all.refused > 0 {
        say!("{} could not be begun; above it says which and what to do", plural(all.refused, "practice"));
    }
    if let Some(overview) = &all.overview {
        say!("overview: {}", overview.display());
    }
    if all.stopped {
        say!("Stopped. What is listed is finished and checked; run the same command to go on.");
    }
}

/// The exit code that says more: could not start, then failed, then held.
pub fn worse(a: u8, b: u8) -> u8 {
    let weight = |code: u8| [ALL_WELL, SOME_HELD, SOME_FAILED, NO_START].iter().position(|known| *known == code);
    if weight(a) >= weight(b) { a } else { b }
}

/// What a command has to be told of an output folder: nothing of the one that is taken anyway.
pub fn naming(out: &Path) -> String {
    match out.to_str() {
        Some("cuts") | None => String::new(),
        Some(out) => format!(" --out \"{out}\""),
    }
}

/// Whether what the arguments are about could be run; what is wrong with one practice among many is told of.
///
/// # Errors
/// As [`request_of`], where that keeps everything from being begun.
pub fn foresee(arguments: &Batch, cancel: &Cancel, progress: &Progress) -> Result<(), Fault> {
    let models = Models::default();
    match centre::task(arguments)? {
        Task::One(site) => request_with(arguments, &site, &models, cancel, progress).map(drop),
        Task::Many { chosen, .. } => {
            let mut refused = None;
            for site in &chosen {
                match request_with(arguments, site, &models, cancel, progress) {
                    Ok(_) => return Ok(()),
                    Err(Fault::Cancelled) => return Err(Fault::Cancelled),
                    Err(fault) => {
                        progress.refused(&site.id, &fault);
                        refused = Some(fault);
                    }
                }
            }
            refused.map_or(Ok(()), Err)
        }
    }
}

/// What the arguments mean for one practice, with everything looked up: settings, platforms, model.
pub fn request_of(arguments: &Batch, site: &Site, cancel: &Cancel, progress: &Progress) -> Result<Request, Fault> {
    request_with(arguments, site, &Models::default(), cancel, progress)
}

/// Models that were looked up, by name and language: once for all practices, also where that failed. Without network each
/// of them would try it anew.
#[derive(Debug, Default)]
pub struct Models(RefCell<HashMap<Wanted, Result<ModelFile, Fault>>>);

/// The name of a model, where one was named, and the language.
type Wanted = (Option<String>, String);

impl Models {
    /// The model of that name, or for that language, as it was found before, or as `look` finds it.
    ///
    /// # Errors
    /// As `look`, now or before; that it was stopped is not remembered.
    fn of(
        &self,
        wanted: Option<&str>,
        language: &str,
        look: impl FnOnce() -> Result<ModelFile, Fault>,
    ) -> Result<ModelFile, Fault> {
        let key = (wanted.map(str::to_string), language.to_string());
        if let Some(known) = self.0.borrow().get(&key) {
            return known.clone();
        }
        let found = look();
        if !matches!(found, Err(Fault::Cancelled)) {
            self.0.borrow_mut().insert(key, found.clone());
        }
        found
    }
}

/// As [`request_of`], with the models that were looked up before.
///
/// # Errors
/// As [`request_of`].
pub fn request_with(
    arguments: &Batch,
    site: &Site,
    models: &Models,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Request, Fault> {
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
    let mut practice = config::load_under(&file, site.defaults.as_deref())?;
    if !arguments.platforms.is_empty() {
        practice = practice.with_platforms(&arguments.platforms)?;
    }
    let wanted = arguments.model.as_deref().or(practice.model.as_deref());
    let language = &practice.language;
    let model = models.of(wanted, language, || model(wanted, language, arguments.offline, cancel, progress))?;
    Ok(Request {
        inbox: site.inbox.clone(),
        out: site.out.clone(),
        practice,
        defaults: site.defaults.clone(),
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
pub(super) fn program() -> Result<PathBuf, Fault> {
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

pub(super) fn plural(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// The result, in few lines.
pub fn summarise(request: &Request, outcome: &Outcome) {
    let clips = outcome.reports.len();
    let cuts: usize = outcome.reports.iter().map(ClipBrief::published).sum();
    let failed = outcome.reports.iter().filter(|r| r.has_failure()).count();
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
        let out = naming(&request.out);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_model_is_looked_up_once_whether_it_is_there_or_not() {
        let (models, looks) = (Models::default(), Cell::new(0));
        let look = |found: Result<ModelFile, Fault>| {
            looks.set(looks.get() + 1);
            found
        };
        let there = || Ok(ModelFile { name: "small".into(), path: "small.bin".into(), entry: None });
        let away = || Err(Fault::new("there is no network", "connect the computer"));
        assert!(models.of(Some("small"), "en", || look(Err(Fault::Cancelled))).unwrap_err().is_cancelled());
        assert_eq!(models.of(Some("small"), "en", || look(there())).unwrap().name, "small");
        assert_eq!(models.of(Some("small"), "en", || look(away())).unwrap().name, "small");
        for _ in 0..3 {
            assert_eq!(models.of(None, "en", || look(away())).unwrap_err().what(), "there is no network");
        }
        assert!(models.of(None, "es", || look(there())).is_ok());
        assert_eq!(looks.get(), 4);
    }
}
