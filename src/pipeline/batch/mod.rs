//! A batch: every clip of an inbox through two lanes. One speech lane owns the model; the render lanes take clips as
//! they are planned, from a bounded channel, and decode them in turn. A clip that fails fails alone.
//!
//! `found` says which clips there are, `plan` what is to be made of one, `lanes` takes them through, `keep` remembers them, and
//! `preview` only plans.

use super::bench::{Bench, Role};
use super::delivered::Delivered;
use super::event::{Event, Listener};
use super::lock::Patience;
use super::record::Record;
use super::store::Store;
use super::tenure::Tenure;
use super::turns::Turns;
use super::work::{Tally, Work};
use crate::config::Practice;
use crate::fault::{Cancel, Fault};
use crate::intake::{ClipSource, Digest, Looked};
use crate::report::{ClipBrief, ClipState};
use crate::speech::ModelFile;
use crate::trace::Trace;
use crate::worker::Crew;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

mod found;
mod keep;
mod lanes;
mod plan;
mod preview;

pub use found::Found;
pub(super) use plan::not_delivered;
pub use preview::{Preview, preview};

/// What a batch is to do.
#[derive(Debug, Clone)]
pub struct Request {
    /// Folder with the clips.
    pub inbox: PathBuf,
    /// Output folder.
    pub out: PathBuf,
    /// Who posts, where, and how.
    pub practice: Practice,
    /// The file with what holds for every practice of a centre, which `practice` was read over.
    pub defaults: Option<PathBuf>,
    /// The speech model.
    pub model: ModelFile,
    /// A transcript, or a folder of them, that is used instead of listening.
    pub transcripts: Option<PathBuf>,
    /// Clips that are rendered at once; none: by the number of cores.
    pub jobs: Option<usize>,
    /// How long a file must have been left alone before it is taken up.
    pub settle: Duration,
    /// Whether further clips may come to the inbox later, as they do while it is watched. A transcript then goes by its
    /// name alone, and may wait for its clip.
    pub more_to_come: bool,
    /// Whether to wait until another Housecall is done with the output folder.
    pub wait: bool,
    /// How the inbox stands, where somebody watched it for longer than a run would; none: the run looks itself.
    pub looked: Option<Looked>,
    /// Names of the outputs of the clips that are worked on; none: all. The others are left as they are, and stand in the
    /// report as the run before told them.
    pub only: Option<BTreeSet<String>>,
    /// Whether a clip that waits for a person is only read and planned, and made when somebody approved it.
    pub hold_back: bool,
    /// Where it is told what each thread did when.
    pub trace: Trace,
    /// The program that clips are worked on with, each in a process of its own: Housecall itself, of this very version.
    pub program: PathBuf,
    /// How long such a process may give no sign of life; [`PATIENCE`](crate::worker::PATIENCE) if nothing speaks against it.
    pub patience: Duration,
}

/// How a batch ended.
#[derive(Debug)]
pub struct Outcome {
    /// How each clip stands, in the inbox's order; [`kept_report`](super::kept_report) has all of it.
    pub reports: Vec<ClipBrief>,
    /// Files that are still being written, by name.
    pub unsettled: Vec<String>,
    /// Whether somebody stopped it.
    pub stopped: bool,
    /// How often it did what is costly.
    pub work: Work,
    /// The report's file.
    pub report: Option<PathBuf>,
    /// Why what is reported could not be written, although the cuts are as it says.
    pub unreported: Option<Fault>,
}

impl Outcome {
    /// Whether any clip or cut failed.
    pub fn has_failure(&self) -> bool {
        self.reports.iter().any(ClipBrief::has_failure)
    }

    /// How many clips wait for a person.
    pub fn held(&self) -> usize {
        self.reports.iter().filter(|report| report.is_held()).count()
    }
}

/// A batch in preparation: everything that is the same for all its clips.
pub(super) struct Batch<'a> {
    bench: &'a Bench,
    request: &'a Request,
    cancel: &'a Cancel,
    listener: Listener<'a>,
    pub(super) store: Store,
    pub(super) delivered: Delivered,
    turns: Turns,
    crew: Crew,
    record: &'a Mutex<Record>,
    /// None where nothing is made.
    tenure: Option<&'a Tenure>,
    tally: Tally,
    /// See [`Batch::common`].
    common: OnceLock<String>,
    fonts: OnceLock<Digest>,
}

/// Runs a batch to its end. Clips that fail stand in the outcome.
///
/// # Errors
/// What keeps the whole batch from working: folders, fonts, another run on the same output.
pub fn run(request: &Request, cancel: &Cancel, listener: Listener) -> Result<Outcome, Fault> {
    let verb = if request.more_to_come { "watch" } else { "run" };
    run_in(request, Role::Whole, verb, cancel, listener)
}

/// Puts into place what tasks delivered, and makes nothing. What is missing of the clips that were `submitted` has failed,
/// with why; of others only what was known before is told. Those that are `away` are still to be delivered.
///
/// # Errors
/// As [`run`].
pub fn gather(
    request: &Request,
    submitted: BTreeSet<String>,
    away: BTreeSet<String>,
    cancel: &Cancel,
    listener: Listener,
) -> Result<Outcome, Fault> {
    let submitted = Arc::new(submitted.difference(&away).cloned().collect());
    run_in(request, Role::Gather { submitted, away: Arc::new(away) }, "gather", cancel, listener)
}

fn run_in(request: &Request, role: Role, verb: &str, cancel: &Cancel, listener: Listener) -> Result<Outcome, Fault> {
    let tell = |text| listener(Event::Note { clip: None, text });
    let tenure = Tenure::take(&request.out, verb, &Patience { wait: request.wait, cancel, tell: &tell })?;
    tenure.tidy()?;
    tenure.journal.begin(verb, &request.inbox);
    run_under(&tenure, &Bench::in_role(request.clone(), role)?, cancel, listener)
}

/// As [`run`], for whoever has the output folder already, and everything ready.
///
/// # Errors
/// As [`run`].
pub fn run_under(tenure: &Tenure, bench: &Bench, cancel: &Cancel, listener: Listener) -> Result<Outcome, Fault> {
    let request = &bench.request;
    let told = |event: Event| {
        tenure.tell(&event);
        listener(event);
    };
    let listener: Listener = &told;
    if let Some(text) = tenure.damage() {
        listener(Event::Note { clip: None, text });
    }
    let batch = Batch::under(tenure, bench, cancel, listener);
    batch.tell_of_record();
    let found = batch.intake(tenure.state())?;
    let mut sources = found.sources;
    let others: Vec<ClipSource> = sources.extract_if(.., |source| !batch.takes(&source.name)).collect();
    batch.tell_of_newcomers(&others, tenure);
    listener(Event::Started { clips: sources.len(), out: request.out.clone() });
    let told = Mutex::new(Vec::new());
    batch.process(&sources, tenure, &|report| {
        told.lock().unwrap_or_else(PoisonError::into_inner).push(ClipBrief::from(&report));
    });
    if tenure.is_lost() {
        let what = format!("another computer took over the work on {} while this one slept", request.out.display());
        return Err(Fault::new(what, "leave it to that computer, or stop it there and run again"));
    }

    let (stopped, work) = (cancel.is_cancelled(), batch.tally.work());
    let failed = found.failed.iter().map(ClipBrief::from);
    let (failed, refused): (Vec<ClipBrief>, Vec<ClipBrief>) = failed.partition(|clip| batch.takes_failure(&clip.name));
    let known = |source: &ClipSource| batch.store.get::<ClipBrief>("clip", &source.name);
    let others: Vec<ClipBrief> = others.iter().filter_map(known).chain(refused).collect();
    let mut reports = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    reports.extend(failed);
    reports.sort_by(|a, b| a.file.cmp(&b.file));
    let (report, unreported) = match batch.keep(&sources, &reports, &others) {
        Ok(report) => (report, None),
        Err(fault) => (None, Some(fault)),
    };
    listener(Event::Ended {
        clips: reports.len(),
        unchanged: reports.iter().filter(|r| r.state == ClipState::Unchanged).count(),
        failed: reports.iter().filter(|r| r.has_failure()).count(),
        held: reports.iter().filter(|r| r.is_held()).count(),
        cuts: reports.iter().map(ClipBrief::published).sum(),
        stopped,
        work,
        report: report.clone(),
    });
    Ok(Outcome { reports, unsettled: found.unsettled, stopped, work, report, unreported })
}

impl Request {
    /// Whether the clip of that name is worked on.
    fn takes(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(name))
    }
}

impl<'a> Batch<'a> {
    /// `state` is the program's own folder in the output folder.
    pub(super) fn new(
        bench: &'a Bench,
        state: &Path,
        record: &'a Mutex<Record>,
        cancel: &'a Cancel,
        listener: Listener<'a>,
    ) -> Self {
        let request = &bench.request;
        let turns = Turns::new(bench.ready.budget.clips, bench.ready.budget.cores);
        let store = Store::new(state.join("cache"));
        let (store, delivered) = match &bench.role {
            Role::Task { home, .. } => (store.over(home.join(".housecall").join("cache")), Delivered::of(home)),
            Role::Whole | Role::Gather { .. } => (store, Delivered::of(&request.out)),
        };
        let crew = Crew {
            program: request.program.clone(),
            logs: state.join("logs"),
            patience: request.patience,
            cancel: cancel.clone(),
            trace: request.trace.clone(),
        };
        let (tenure, tally, common, fonts) = (None, Tally::default(), OnceLock::new(), OnceLock::new());
        Batch { bench, request, cancel, listener, store, delivered, turns, crew, record, tenure, tally, common, fonts }
    }

    /// A batch that may make things.
    pub(super) fn under(tenure: &'a Tenure, bench: &'a Bench, cancel: &'a Cancel, listener: Listener<'a>) -> Self {
        let batch = Batch::new(bench, tenure.state(), tenure.records(), cancel, listener);
        Batch { tenure: Some(tenure), ..batch }
    }

    /// Says so where the record of approvals is not as it was written.
    fn tell_of_record(&self) {
        if !self.record().is_whole() {
            let text = "The record of approvals was changed by hand or is damaged; `housecall status` shows what still counts.";
            (self.listener)(Event::Note { clip: None, text: text.into() });
        }
    }

    /// Whether the clip of that name is worked on.
    fn takes(&self, name: &str) -> bool {
        let submitted = match &self.bench.role {
            Role::Gather { submitted, .. } => submitted.contains(name),
            Role::Whole | Role::Task { .. } => true,
        };
        submitted && self.request.takes(name)
    }

    /// Whether it is told of a clip of that name that it cannot be taken up. Such a one cannot be submitted.
    fn takes_failure(&self, name: &str) -> bool {
        self.request.takes(name)
    }

    /// Says which clips nobody submitted and are not in place.
    fn tell_of_newcomers(&self, others: &[ClipSource], tenure: &Tenure) {
        let Role::Gather { away, .. } = &self.bench.role else { return };
        let is_new = |source: &&ClipSource| {
            let known = away.contains(&source.name) || tenure.journal.done(&source.name).is_some();
            self.request.takes(&source.name) && !known
        };
        let count = others.iter().filter(is_new).count();
        if count > 0 {
            let clips = if count == 1 { "1 clip was".to_string() } else { format!("{count} clips were") };
            let text = format!("{clips} not submitted; submit again to have all of them made.");
            (self.listener)(Event::Note { clip: None, text });
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
