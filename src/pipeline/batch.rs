//! A batch: every clip of an inbox through two lanes. One speech lane owns the model; the render lanes take clips as
//! they are planned, from a bounded channel, and decode them in turn. A clip that fails fails alone.

use super::bench::{Bench, Role};
use super::choices;
use super::delivered::Delivered;
use super::edits::{Edits, written_captions};
use super::event::{Event, Listener, Stage};
use super::journal::Step;
use super::lock::Patience;
use super::produce::{Attempt, Planned, Workshop};
use super::record::Record;
use super::sheet_file;
use super::signoff::{About, Signoff};
use super::store::{Store, cannot_write};
use super::tenure::{BESIDE, Tenure, state_folder};
use super::turns::{Turn, Turns};
use super::understand::{READ_BY, Reader, Understood, at};
use super::work::{Tally, Work};
use crate::config::Practice;
use crate::cuts::{self, ClipPlan, Inputs};
use crate::fault::{Cancel, Fault};
use crate::intake::{self, Candidate, ClipSource, Digest, DigestCache, KnownTexts, Looked, Readiness};
use crate::report::{ClipBrief, ClipReport, ClipState, CutState};
use crate::speech::{ModelFile, Word};
use crate::trace::Trace;
use crate::units::{Span, Time};
use crate::wording::{self, Material, Wording};
use crate::worker::Crew;
use crossbeam_channel::bounded;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// Planned clips that wait for a render lane. The speech lane stops there, so that memory does not grow with the batch.
const WAITING: usize = 2;

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

/// What is to be made, without making it.
#[derive(Debug)]
pub struct Preview {
    /// The clip's file name.
    pub file: String,
    /// Its plan, or why there is none.
    pub plan: Result<ClipPlan, (Stage, Fault)>,
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

/// A plan as it lies in the cache, under the clip's name.
#[derive(Serialize, Deserialize)]
struct KeptPlan {
    /// See [`Batch::planned_by`].
    by: String,
    plan: ClipPlan,
}

/// What intake found.
#[derive(Debug)]
pub struct Found {
    /// Clips that are whole, with what is known of them.
    pub sources: Vec<ClipSource>,
    /// Clips that could not be taken up.
    pub failed: Vec<ClipReport>,
    /// Files that are still being written, by name.
    pub unsettled: Vec<String>,
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

/// Plans every clip of an inbox and renders nothing; each plan is given away as soon as it is made. Clips are read and
/// transcribed, and that is kept for the run; so is the plan of a clip that nobody corrected, and one that was planned before
/// as it is now is not planned again.
///
/// # Errors
/// As [`run`]; whatever `each` gives back.
pub fn preview(
    request: &Request,
    cancel: &Cancel,
    listener: Listener,
    each: &mut dyn FnMut(Preview) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let state = state_folder(&request.out)?;
    let (bench, record) = (Bench::new(request.clone())?, Mutex::new(Record::open(&state)?));
    let batch = Batch::new(&bench, &state, &record, cancel, listener);
    batch.tell_of_record();
    let found = batch.intake(&state)?;
    let scratch = tempfile::Builder::new().prefix(BESIDE).tempdir_in(&state).map_err(|e| cannot_write(&state, &e))?;
    let mut reader = batch.reader(scratch.path());
    for report in found.failed {
        if let ClipState::Failed { what, advice, .. } = report.state {
            each(Preview { file: report.file, plan: Err((Stage::Intake, Fault::new(what, advice))) })?;
        }
    }
    for source in &found.sources {
        cancel.check()?;
        let plan = match batch.kept_plan(source) {
            Some(plan) => Ok(plan),
            None => batch.plan_anew(&mut reader, source),
        };
        each(Preview { file: intake::name_of(&source.path), plan })?;
    }
    Ok(())
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

    /// The clip's turn to be worked on.
    pub(super) fn turn(&self, clip: &Digest) -> Turn<'_> {
        self.turns.take(clip)
    }

    pub(super) fn reader<'b>(&'b self, scratch: &'b Path) -> Reader<'b> {
        Reader {
            store: &self.store,
            crew: &self.crew,
            scratch,
            model: &self.request.model,
            language: &self.request.practice.language,
            prompt: self.bench.ready.glossary.prompt(),
            bounds: self.request.practice.bounds,
            budget: self.bench.ready.budget,
            turns: &self.turns,
            trace: &self.request.trace,
            listener: self.listener,
            tally: &self.tally,
            listening: None,
        }
    }

    /// Keeps what is known of all clips now and writes the report; its file, if there is one. `others` are of clips of the
    /// inbox that were not worked on.
    fn keep(
        &self,
        sources: &[ClipSource],
        reports: &[ClipBrief],
        others: &[ClipBrief],
    ) -> Result<Option<PathBuf>, Fault> {
        // What a person decides about later; those that are made, or were before, are kept already.
        for clip in reports.iter().filter(|clip| matches!(clip.state, ClipState::Failed { .. })) {
            self.store.put("clip", &clip.name, &sheet_file::whole_report(&self.store, clip))?;
        }
        let sheet: Vec<&ClipBrief> = reports.iter().chain(others).collect();
        let names = sources.iter().map(|source| &source.name);
        let clips: BTreeSet<&String> = names.chain(sheet.iter().map(|report| &report.name)).collect();
        // A file that could not be taken up is told of under its own name until it can, or is gone.
        for name in self.store.get::<BTreeSet<String>>("sheet", "clips").unwrap_or_default() {
            let nameless = |report: ClipBrief| report.name == report.file;
            if !clips.contains(&name) && self.store.get("clip", &name).is_some_and(nameless) {
                self.store.remove("clip", &name);
            }
        }
        self.store.put("sheet", "clips", &clips)?;
        let platforms = self.request.practice.platforms.iter().map(|p| (p.id.clone(), p.name.clone())).collect();
        let about = sheet_file::About { practice: self.request.practice.name.clone(), platforms };
        sheet_file::write(&self.store, &self.request.out, &about, sheet)
    }

    /// Finds the clips that are at rest, and says what is wrong with the others.
    pub(super) fn intake(&self, state: &Path) -> Result<Found, Fault> {
        let Request { inbox, out, settle, .. } = self.request;
        let trace = &self.request.trace;
        let mut digests = DigestCache::load(&state.join("digests.json"));
        // Whoever watched has told of these already.
        let told = self.request.looked.is_some();
        let note = |text: String| (self.listener)(Event::Note { clip: None, text });
        let looked = match self.request.looked.clone() {
            Some(looked) => looked,
            None => {
                let _span = trace.span("settle");
                intake::settle(inbox, out, *settle, &|clip| digests.knows(clip), self.cancel)?
            }
        };
        looked.strange.iter().filter(|_| !told).for_each(|stranger| note(format!("{}.", stranger.told())));
        let looked = looked.clips;
        let scanned: Vec<Candidate> = looked.iter().map(|(candidate, _)| candidate.clone()).collect();
        let (mut settled, mut failed, mut unsettled) = (Vec::new(), Vec::new(), Vec::new());
        for (candidate, readiness) in looked {
            let file = intake::name_of(&candidate.path);
            match readiness {
                Readiness::Writing => {
                    if !told {
                        note(format!("{file} is still being copied; it waits for the next run."));
                    }
                    unsettled.push(file);
                }
                Readiness::Broken(fault) => failed.push(self.refused(&file, &file, &fault)),
                Readiness::Settled => {
                    let name = candidate.path.file_stem().unwrap_or_default().to_string_lossy();
                    match trace.of(&name).during("digest", || digests.digest(&candidate, *settle, self.cancel)) {
                        Ok(digest) => settled.push((candidate, digest)),
                        Err(Fault::Cancelled) => return Err(Fault::Cancelled),
                        // It changed or went away since it was looked at, which is no failure of the clip.
                        Err(_) if !candidate.is_as_seen() => unsettled.push(file),
                        Err(fault) => failed.push(self.refused(&file, &file, &fault)),
                    }
                }
            }
        }
        digests.keep_only(inbox, &scanned);
        digests.save()?;
        let (mut sources, complaints) = intake::sources(inbox, &scanned, &settled);
        complaints.iter().for_each(|complaint| note(format!("{complaint}.")));
        let alone = scanned.len() == 1 && !self.request.more_to_come;
        // All that follows needs of thousands of clips is in the sources.
        drop((digests, scanned, settled));
        let mut stopped = false;
        sources.retain_mut(|source| {
            // Of what is left as it is, only the name counts.
            if stopped || !self.takes(&source.name) {
                return true;
            }
            let file = intake::name_of(&source.path);
            match self.complete(source, alone) {
                Ok(true) => return true,
                Ok(false) => {
                    let text = "Its captions are being saved just now; it waits for the next run.".to_string();
                    (self.listener)(Event::Note { clip: Some(source.name.clone()), text });
                    unsettled.push(file);
                }
                Err(Fault::Cancelled) => stopped = true,
                Err(fault) => failed.push(self.refused(&source.name, &file, &fault)),
            }
            false
        });
        if stopped {
            return Err(Fault::Cancelled);
        }
        let unused = self.request.transcripts.as_deref().filter(|place| place.is_file()).filter(|_| {
            let may_come = self.request.more_to_come || !failed.is_empty() || !unsettled.is_empty();
            !may_come && !sources.is_empty() && sources.iter().all(|source| source.texts.given.is_none())
        });
        if let Some(place) = unused {
            let what = format!("no clip has the name of the transcript {}", place.display());
            return Err(Fault::new(what, "give it the name of its clip, or name a folder of transcripts"));
        }
        Ok(Found { sources, failed, unsettled })
    }

    /// Adds to a clip what people wrote about it; whether that is at rest.
    fn complete(&self, source: &mut ClipSource, alone: bool) -> Result<bool, Fault> {
        let edits = Edits { out: &self.request.out, store: &self.store };
        let is_at_rest = edits.is_at_rest(&source.name, &source.digest, self.request.settle, self.cancel)?;
        if is_at_rest {
            *source = self.completed(source, alone)?;
        }
        Ok(is_at_rest)
    }

    /// The clip with what people wrote about it, as it lies there now.
    ///
    /// # Errors
    /// Something that they wrote cannot be read.
    pub(super) fn completed(&self, source: &ClipSource, alone: bool) -> Result<ClipSource, Fault> {
        let settings = choices::settings(&self.request.out, source, &self.request.practice.known)?;
        let texts = self.texts(source, alone)?;
        Ok(ClipSource { settings, texts, ..source.clone() })
    }

    /// What is known of a clip's words without listening; `alone` says that no other clip is in the inbox or will be.
    fn texts(&self, source: &ClipSource, alone: bool) -> Result<KnownTexts, Fault> {
        let Request { out, transcripts, .. } = self.request;
        let given = transcripts.as_deref().map(|place| intake::given_transcript(place, source, alone)).transpose()?;
        let corrected = Edits { out, store: &self.store }.look(&source.name, &source.digest)?;
        Ok(KnownTexts { given: given.flatten(), corrected, ..source.texts.clone() })
    }

    /// Takes every clip that is not done through both lanes, and gives away the report of each as soon as there is one.
    pub(super) fn process(&self, sources: &[ClipSource], tenure: &Tenure, told: &(dyn Fn(ClipReport) + Sync)) {
        let (journal, scratch) = (&tenure.journal, &tenure.scratch());
        let add = |report: ClipReport| {
            if report.is_held() {
                let files = report.cuts.iter().filter(|cut| cut.state == CutState::Held).map(|cut| cut.file.clone());
                let (clip, why, files) = (report.name.clone(), report.signoff.standing.reasons(), files.collect());
                (self.listener)(Event::Held { clip, why, files });
            }
            (self.listener)(Event::Finished {
                clip: report.name.clone(),
                cuts: report.made(),
                held: report.is_held(),
                unchanged: report.state == ClipState::Unchanged,
                failed: report.has_failure(),
            });
            told(report);
        };
        let fail = |source: &ClipSource, stage: Stage, fault: &Fault| {
            // The echo of a stop is no failure of the clip.
            if !fault.is_cancelled() {
                add(self.failure(&source.name, &intake::name_of(&source.path), stage, fault));
            }
        };
        let mut pending = Vec::new();
        for source in sources {
            match self.known_report(source, tenure) {
                Ok(Some(report)) => add(report),
                Ok(None) => pending.push(source),
                Err(fault) => fail(source, Stage::Publish, &fault),
            }
        }
        pending.iter().for_each(|source| journal.step(&source.name, Step::Waiting));
        in_good_order(&mut pending);
        let workshop = self.workshop(tenure, scratch);
        // Clips whose worker died; each is tried once more, when nothing else is worked on.
        let again = Mutex::new(Vec::new());
        let fail_first = |source: &ClipSource, stage: Stage, fault: &Fault| {
            if !fault.is_death() {
                return fail(source, stage, fault);
            }
            let text = format!("While {}, {}. It is tried once more after the others.", stage.doing(), fault.what());
            (self.listener)(Event::Note { clip: Some(source.name.clone()), text });
            journal.step(&source.name, Step::Again { why: fault.what().into() });
            again.lock().unwrap_or_else(|e| e.into_inner()).push(source.clone());
        };
        let produce = |clip: &Planned, attempt: Attempt| {
            let turn = self.turns.take(&clip.source.digest);
            let trace = self.request.trace.of(&clip.source.name);
            let _span = trace.span("produce");
            guarded(Stage::Render, || workshop.produce(clip, &turn, attempt))
        };
        let (planned, to_render) = bounded::<Planned>(WAITING);
        thread::scope(|scope| {
            let (mut lanes, mut refused) = (0, None);
            for _ in 0..self.bench.ready.budget.lanes.min(pending.len()) {
                let to_render = to_render.clone();
                let (produce, fail_first, add) = (&produce, &fail_first, &add);
                let lane = move || {
                    for clip in to_render {
                        match produce(&clip, Attempt::First) {
                            Ok(report) => add(report),
                            Err((stage, fault)) => fail_first(&clip.source, stage, &fault),
                        }
                    }
                };
                match thread::Builder::new().spawn_scoped(scope, lane) {
                    Ok(_) => lanes += 1,
                    Err(e) => refused = Some(e),
                }
            }
            drop(to_render);
            // With fewer lanes it takes longer; with none nobody would ever take a clip.
            if let Some(e) = refused.filter(|_| lanes == 0) {
                let fault =
                    Fault::new(format!("no thread could be started ({e})"), "close other programs and run again");
                pending.iter().for_each(|source| fail(source, Stage::Render, &fault));
                return;
            }
            // What has the model ends with this reader, so that a clip that is tried again has all of the memory.
            let mut reader = self.reader(scratch);
            for source in &pending {
                if self.cancel.is_cancelled() {
                    break;
                }
                match guarded(Stage::Plan, || self.plan(&mut reader, source)) {
                    // The render lanes end only when this end of the channel is gone.
                    Ok(clip) => drop(planned.send(clip)),
                    Err((stage, fault)) => fail_first(source, stage, &fault),
                }
            }
            drop(planned);
        });
        let again = again.into_inner().unwrap_or_else(|e| e.into_inner());
        for source in pending.iter().filter(|source| again.iter().any(|died| died.name == source.name)) {
            if self.cancel.is_cancelled() {
                break;
            }
            let clip = guarded(Stage::Plan, || self.plan(&mut self.reader(scratch), source));
            match clip.and_then(|clip| produce(&clip, Attempt::Last)) {
                Ok(report) => add(report),
                Err((stage, fault)) => fail(source, stage, &fault),
            }
        }
    }

    /// What gives clips their files.
    pub(super) fn workshop<'b>(&'b self, tenure: &'b Tenure, scratch: &'b Path) -> Workshop<'b> {
        Workshop {
            out: &self.request.out,
            scratch,
            practice: &self.request.practice,
            tenure,
            journal: &tenure.journal,
            store: &self.store,
            threads: self.bench.ready.budget.decoder,
            hold_back: self.request.hold_back,
            delivered: &self.delivered,
            role: &self.bench.role,
            crew: &self.crew,
            cancel: self.cancel,
            listener: self.listener,
            tally: &self.tally,
            trace: &self.request.trace,
        }
    }

    /// The report of a clip that is wholly in place. It is what is known of the clip from here on, whatever was planned or
    /// failed meanwhile.
    ///
    /// # Errors
    /// The disk takes nothing.
    fn known_report(&self, source: &ClipSource, tenure: &Tenure) -> Result<Option<ClipReport>, Fault> {
        let fingerprint = self.fingerprint(source);
        if !tenure.journal.is_done(&source.name, &fingerprint) {
            return Ok(None);
        }
        let known: Option<ClipReport> = self.store.get("report", &fingerprint.0);
        // Nobody decides about it while it is looked at; somebody may have done so after it was made.
        let record = self.record();
        let known = known.filter(|report| report.signoff.decide(record.last(&source.name)) == report.signoff.standing);
        known.as_ref().map_or(Ok(()), |report| self.store.put("clip", &source.name, report))?;
        Ok(known.map(|report| ClipReport { state: ClipState::Unchanged, ..report }))
    }

    /// What an earlier plan of the clip as it is now said, with what people decided since; none where nobody planned it, or
    /// where something that was made is gone.
    pub(super) fn foreseen(&self, source: &ClipSource, tenure: &Tenure) -> Option<ClipReport> {
        let fingerprint = self.fingerprint(source);
        let report: ClipReport = self.store.get("report", &fingerprint.0)?;
        let standing = report.signoff.decide(self.record().last(&source.name));
        let moved = standing.shelf() != report.signoff.standing.shelf();
        let in_place = tenure.journal.is_done(&source.name, &fingerprint) && !moved;
        (in_place || report.made() == 0).then(|| report.standing(standing))
    }

    /// What decides a clip's outputs.
    pub(super) fn fingerprint(&self, source: &ClipSource) -> Digest {
        let own = (&source.digest, &source.name, &source.question, &source.settings, &source.texts);
        let parts = format!("{} {READ_BY:?} {own:?} {}", cuts::ENGINE, self.common());
        Digest(blake3::hash(parts.as_bytes()).to_hex().to_string())
    }

    /// What decides the outputs of all clips. It is put together once: a practice takes longer to write down than a clip.
    fn common(&self) -> &str {
        self.common.get_or_init(|| {
            let ready = &self.bench.ready;
            let practice = &self.request.practice;
            let parts = format!(
                "{} {:?} {:?} {} {}",
                practice.identity(),
                ready.logo.as_ref().map(|logo| &logo.digest),
                self.request.model.key(),
                ready.encoder,
                ready.checks.0,
            );
            // Where nobody added anything it is as it was before anybody could.
            let glossary = &ready.glossary;
            if *glossary == practice.glossary { parts } else { format!("{parts} {glossary:?}") }
        })
    }

    /// What a plan is kept with: it is of use only to the program that made it, with the fonts that it measured.
    fn planned_by(&self, source: &ClipSource) -> String {
        let fonts = self.fonts.get_or_init(|| self.bench.ready.fonts.digest());
        format!("{} {} {}", self.fingerprint(source).0, env!("CARGO_PKG_VERSION"), fonts.0)
    }

    /// The plan of a clip that was planned before just as it is now. Corrected captions are looked at anew each time: whose
    /// they are is decided then.
    fn kept_plan(&self, source: &ClipSource) -> Option<ClipPlan> {
        let kept: KeptPlan = self.store.get("plan", &source.name)?;
        (source.texts.corrected.is_none() && kept.by == self.planned_by(source)).then_some(kept.plan)
    }

    /// Reads a clip, plans it, and keeps the plan.
    fn plan_anew(&self, reader: &mut Reader, source: &ClipSource) -> Result<ClipPlan, (Stage, Fault)> {
        let planned = match self.plan(reader, source) {
            // Nothing else is worked on, so it is tried once more at once.
            Err((_, fault)) if fault.is_death() => self.plan(reader, source),
            planned => planned,
        }?;
        let kept = KeptPlan { by: self.planned_by(source), plan: planned.plan };
        if source.texts.corrected.is_none() {
            self.store.put("plan", &source.name, &kept).or_else(at(Stage::Plan))?;
        }
        Ok(kept.plan)
    }

    fn plan(&self, reader: &mut Reader, source: &ClipSource) -> Result<Planned, (Stage, Fault)> {
        // From here on every change counts.
        let changes = self.changes(source);
        let learned = self.delivered.learn(&source.digest, &self.store).or_else(at(Stage::Intake))?;
        let understood = match &self.bench.role {
            Role::Gather { .. } => match reader.recall_delivered(source, learned)? {
                Some(understood) => understood,
                None => return Err(self.undelivered(source)),
            },
            Role::Task { .. } => {
                let understood = reader.read(source)?;
                // A task that is killed later on has not listened for nothing.
                self.delivered.give_learned(&source.digest, &self.store).or_else(at(Stage::Speech))?;
                understood
            }
            Role::Whole => reader.read(source)?,
        };
        self.planned(source, understood, changes)
    }

    /// Why nothing of a clip was delivered.
    fn undelivered(&self, source: &ClipSource) -> (Stage, Fault) {
        let receipt = self.delivered.receipt(&source.name);
        let changed = receipt.as_ref().is_some_and(|receipt| receipt.fingerprint != self.fingerprint(source));
        match receipt.filter(|_| !changed).and_then(|receipt| receipt.failed) {
            Some(failure) => (failure.stage, failure.fault()),
            None => (Stage::Intake, not_delivered(changed)),
        }
    }

    /// How often a person changed the clip so far.
    pub(super) fn changes(&self, source: &ClipSource) -> u64 {
        self.tenure.map_or(0, |tenure| tenure.changes(&source.name))
    }

    /// The plan of a clip that was read, `changes` being how often it was changed before.
    pub(super) fn planned(
        &self,
        source: &ClipSource,
        understood: Understood,
        changes: u64,
    ) -> Result<Planned, (Stage, Fault)> {
        let trace = self.request.trace.of(&source.name);
        let _span = trace.span("plan");
        (self.listener)(Event::Entered { clip: source.name.clone(), stage: Stage::Plan });
        let practice = &self.request.practice;
        let within =
            Span::new(source.settings.start.unwrap_or(Time::ZERO), source.settings.end.unwrap_or(Time(i64::MAX)));
        let worded = |texts: &KnownTexts| self.worded(source, &understood, texts, within);
        let mut planned = source.clone();
        if let Some(captions) = &source.texts.corrected {
            let texts = KnownTexts { corrected: None, ..source.texts.clone() };
            let without = worded(&texts);
            let srt = written_captions(&without, &practice.style);
            let edits = Edits { out: &self.request.out, store: &self.store };
            let found = edits.is_correction(&source.name, &source.digest, captions, &without.words, &srt);
            if !found.or_else(at(Stage::Plan))? {
                planned.texts = texts;
            }
        }
        let wording = worded(&planned.texts);
        let source = planned;
        let inputs = Inputs {
            source: &source,
            probe: &understood.probe,
            loudness: &understood.loudness,
            speech: &understood.speech,
            faces: &understood.faces,
            wording: &wording,
            practice: &self.request.practice,
            fonts: &self.bench.ready.fonts,
            logo: self.bench.ready.logo.as_ref(),
            encoder: self.bench.ready.encoder,
        };
        let (plan, drawings) = cuts::plan_drawn(&inputs).or_else(at(Stage::Plan))?;
        let with_cut = practice.platforms.iter().filter(|p| plan.cuts.iter().any(|cut| cut.platform == p.id));
        let posts: Vec<_> =
            with_cut.map(|p| (p.id.clone(), wording::chosen_post(p, practice, &wording, &source.settings))).collect();
        let kept = |word: &&Word| word.span.is_mostly_in(within);
        let heard: Vec<Word> = understood.transcript.words.iter().filter(kept).cloned().collect();
        let about = About {
            name: &source.name,
            clip: &source.digest,
            heard: &heard,
            wording: &wording,
            posts: &posts,
            platforms: &practice.platforms,
            settings: &source.settings,
            rules: &self.bench.ready.rules,
            require: practice.review,
        };
        let signoff = Signoff::of(&about, self.record().last(&source.name));
        let fingerprint = self.fingerprint(&source);
        Ok(Planned { source, fingerprint, understood, wording, plan, drawings, posts, signoff, changes })
    }

    /// The report of a clip that cannot be taken up. It is told of where the clip is to be worked on.
    fn refused(&self, clip: &str, file: &str, fault: &Fault) -> ClipReport {
        if self.takes_failure(clip) {
            self.failure(clip, file, Stage::Intake, fault)
        } else {
            ClipReport::failed(clip, file, Stage::Intake, fault)
        }
    }

    /// What is said in the part `within` of a clip that was read, by what is known of its words.
    pub(super) fn worded(
        &self,
        source: &ClipSource,
        understood: &Understood,
        texts: &KnownTexts,
        within: Span,
    ) -> Wording {
        wording::wording(&Material {
            heard: &understood.transcript.words,
            language: &understood.transcript.language,
            speech: &understood.speech,
            end: understood.probe.duration,
            within,
            texts,
            question: source.asked(),
            glossary: &self.bench.ready.glossary,
            digits: self.request.practice.digits,
        })
    }

    /// Tells of a clip that failed as a whole, and gives its report.
    pub(super) fn failure(&self, clip: &str, file: &str, stage: Stage, fault: &Fault) -> ClipReport {
        (self.listener)(Event::Failed {
            clip: clip.to_string(),
            platforms: Vec::new(),
            stage,
            what: fault.what().to_string(),
            advice: fault.advice().to_string(),
        });
        ClipReport::failed(clip, file, stage, fault)
    }
}

/// Why something that was submitted is not there, where nobody said anything else; `changed` says that the clip or a setting
/// is another one than what was submitted.
pub(super) fn not_delivered(changed: bool) -> Fault {
    match changed {
        true => Fault::new("the clip or a setting changed after it was submitted", "submit again"),
        false => Fault::new(
            "it was not delivered",
            "see whether its task is still at work, and its log; then submit again, which does what is missing",
        ),
    }
}

/// Runs one clip's work so that a fault of the program in it fails this clip alone.
fn guarded<T>(stage: Stage, work: impl FnOnce() -> Result<T, (Stage, Fault)>) -> Result<T, (Stage, Fault)> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let advice = "run again; if it happens again, take the clip out of the folder and report it";
        Err((stage, Fault::new("the program made a mistake with this clip", advice)))
    })
}

/// The order in which clips are taken up, judged by the size of their files: the least work first, so that somebody has
/// a finished cut soon; then the most, so that no long clip is left alone at the end.
fn in_good_order(clips: &mut [&ClipSource]) {
    clips.sort_by_cached_key(|clip| Reverse(clip.path.metadata().map_or(0, |about| about.len())));
    clips.rotate_right(clips.len().min(1));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    #[test]
    fn the_smallest_clip_comes_first_and_then_the_largest() {
        let folder = tempfile::tempdir().unwrap();
        let clips = [("a", 20), ("b", 5), ("c", 30), ("d", 10)].map(|(name, bytes)| {
            let path = folder.path().join(name);
            fs::write(&path, vec![0; bytes]).unwrap();
            let (settings, texts) = Default::default();
            ClipSource {
                path,
                name: name.into(),
                digest: Digest(name.into()),
                looked: None,
                question: None,
                settings,
                texts,
            }
        });
        let mut order: Vec<&ClipSource> = clips.iter().collect();
        in_good_order(&mut order);
        assert_eq!(order.iter().map(|clip| clip.name.as_str()).collect::<String>(), "bcad");
        in_good_order(&mut []);
    }

    #[test]
    fn a_mistake_of_the_program_fails_one_clip() {
        let result: Result<(), _> = guarded(Stage::Plan, || panic!("a mistake"));
        assert!(matches!(result, Err((Stage::Plan, Fault::Failed { .. }))));
    }
}
