//! What goes on in a day by itself: looking at the inbox, reading, rendering. When each is done is the business of the
//! [lanes](super::lanes); what they find out lies in the day's state.

use super::cards::{At, id_of};
use super::contract::{ClipId, Problem, Told};
use super::day::{Clip, Shared};
use crate::fault::{Cancel, Fault};
use crate::intake::{
    Candidate, ClipSource, DigestCache, Drive, Looked, Places, Readiness, Sight, Texts, Vigil, name_of,
};
use crate::pipeline::{self, Bench, Event, Found, Proof, Request, Stage, Standing};
use crate::report::{ClipReport, ClipState};
use crate::units::Time;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime};

/// The report's page is written when nobody has changed anything for so long.
const REST: Duration = Duration::from_secs(5);

/// Shows the clips that are known from an earlier day at once, before anybody looked twice.
///
/// # Errors
/// The inbox cannot be read.
pub fn begin(shared: &Shared) -> Result<(), Fault> {
    let bench = shared.state().bench.clone();
    let sight = sight(shared)?;
    let digests = DigestCache::load(&shared.tenure.state().join("digests.json"));
    let clips: Vec<(Candidate, Readiness)> = sight
        .clips
        .into_iter()
        .map(|clip| {
            let readiness = if digests.knows(&clip) { Readiness::Settled } else { Readiness::Writing };
            (clip, readiness)
        })
        .collect();
    present(shared, &clips, false);
    if clips.iter().any(|(_, readiness)| matches!(readiness, Readiness::Settled)) {
        let found = take_in(shared, &bench, Looked { clips, strange: Vec::new() })?;
        take(shared, &bench, found.sources, Settle::Later);
    }
    Ok(())
}

/// When clips are planned that were not planned as they are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settle {
    Now,
    /// At the next look.
    Later,
}

/// Looks at the inbox once, and takes up what is new there.
pub fn look(shared: &Shared) {
    let mut watcher = shared.watcher.lock().unwrap_or_else(PoisonError::into_inner);
    match watcher.look(shared) {
        Ok(()) => shared.tell_problem(None),
        Err(Fault::Cancelled) => {}
        // What is wrong now (a half-edited practice.toml, a drive that is away) may be mended while we wait.
        Err(fault) => shared.tell_problem(Some(problem(&fault))),
    }
}

pub fn problem(fault: &Fault) -> Problem {
    Problem { what: fault.what().into(), advice: fault.advice().into() }
}

/// What the watcher remembers from look to look.
pub struct Watcher {
    settle: Duration,
    vigil: Vigil,
    drive: Drive,
    /// Texts that the bench depends on, as they were when it was made.
    made_from: Option<Texts>,
    /// Whether it looked before.
    looked: bool,
}

impl Watcher {
    /// One that has not looked yet; files and texts have to be unchanged for `settle`.
    pub fn new(settle: Duration) -> Self {
        Watcher { settle, vigil: Vigil::new(settle), drive: Drive::default(), made_from: None, looked: false }
    }

    /// Looks at the inbox as if it had not before.
    pub fn forget(&mut self) {
        self.vigil = Vigil::new(self.settle);
    }

    fn look(&mut self, shared: &Shared) -> Result<(), Fault> {
        self.drive.check(shared.tenure.out())?;
        let sight = sight(shared)?;
        let seen = self.vigil.look(&sight, SystemTime::now());
        seen.news.into_iter().for_each(|text| shared.note(text));
        present(shared, &seen.clips, std::mem::replace(&mut self.looked, true));
        let Some(looked) = seen.run else { return Ok(()) };
        let copying: BTreeSet<PathBuf> = looked
            .clips
            .iter()
            .filter(|(_, stand)| matches!(stand, Readiness::Writing))
            .map(|(clip, _)| clip.path.clone())
            .collect();
        self.renew(shared, &sight)?;
        let bench = shared.state().bench.clone();
        let found = take_in(shared, &bench, looked)?;
        let whole = found.unsettled.iter().all(|name| copying.iter().any(|path| name_of(path) == *name));
        refused(shared, found.failed);
        take(shared, &bench, found.sources, Settle::Now);
        self.vigil.ran(whole, may_mend(shared), SystemTime::now());
        self.drive.check(shared.tenure.out())
    }

    /// Has practice.toml read anew, and makes everything ready once more where something of it changed.
    fn renew(&mut self, shared: &Shared, sight: &Sight) -> Result<(), Fault> {
        let request = (shared.setup.request)()?;
        let now = made_from(&request, sight, shared.tenure.out());
        let same = {
            let state = shared.state();
            let before = state.bench.request();
            before.practice == request.practice
                && before.model.key() == request.model.key()
                && before.transcripts == request.transcripts
        };
        let first = self.made_from.is_none();
        // The day began with what lay there then.
        if !same || !(first || self.made_from.as_ref() == Some(&now)) {
            shared.renew(request)?;
        }
        self.made_from = Some(now);
        Ok(())
    }
}

/// What lies in the inbox and around it.
fn sight(shared: &Shared) -> Result<Sight, Fault> {
    let bench = shared.state().bench.clone();
    let Request { inbox, out, practice, defaults, transcripts, .. } = bench.request();
    let elsewhere = Some(practice.file.as_path()).filter(|file| file.parent() != Some(inbox));
    let (defaults, transcripts) = (defaults.as_deref(), transcripts.as_deref());
    Sight::of(&Places { inbox, out, practice: elsewhere, defaults, transcripts })
}

/// The texts that decide what is true for all clips, and the logo, with their sizes and dates.
fn made_from(request: &Request, sight: &Sight, out: &Path) -> Texts {
    let checks = request.practice.check_files.as_deref();
    let glossary = pipeline::glossary_file(out);
    let is_of_all = |file: &Path| {
        file == glossary
            || file == request.practice.file
            || request.defaults.as_deref() == Some(file)
            || (checks.is_some() && file.parent() == checks)
    };
    let mut texts: Texts = sight.texts.iter().filter(|(file, ..)| is_of_all(file)).cloned().collect();
    texts.extend(request.practice.logo.iter().map(|logo| {
        let about = logo.metadata().ok();
        let date = about.as_ref().and_then(|about| about.modified().ok());
        (logo.clone(), about.map_or(0, |about| about.len()), date)
    }));
    texts
}

/// Shows which clips lie there, and which are being copied. `watched` says that somebody looked before.
fn present(shared: &Shared, clips: &[(Candidate, Readiness)], watched: bool) {
    let mut state = shared.state();
    let mut there = BTreeSet::new();
    for (candidate, readiness) in clips {
        let file = name_of(&candidate.path);
        let id = id_of(&file);
        let clip = state.clips.entry(id.clone()).or_insert_with(|| Clip { file, ..Clip::default() });
        let same = clip
            .source
            .as_ref()
            .is_some_and(|source| source.looked.is_none_or(|looked| looked == (candidate.bytes, candidate.modified)));
        match readiness {
            // At the first look nobody knows whether a clip is being copied.
            Readiness::Writing if watched && !same => {
                (clip.source, clip.report, clip.at, clip.may_be_made) = (None, None, At::Copying, false);
            }
            Readiness::Settled | Readiness::Broken(_) if clip.at == At::Copying => clip.at = At::Unread,
            _ => {}
        }
        shared.tell_card(&mut state, &id);
        there.insert(id);
    }
    let gone: Vec<ClipId> = state.clips.keys().filter(|id| !there.contains(*id)).cloned().collect();
    for id in gone {
        state.clips.remove(&id);
        state.sheet_is_old = Some(Instant::now());
        shared.audience.tell(&Told::Gone(id));
    }
}

fn take_in(shared: &Shared, bench: &Bench, looked: Looked) -> Result<Found, Fault> {
    shared.state().looked = looked.clone();
    let bench = bench.with(|request| request.looked = Some(looked));
    pipeline::take_in(&shared.tenure, &bench, &shared.cancel, &|event| shared.listener(event))
}

/// Shows why clips cannot be taken up.
fn refused(shared: &Shared, failed: Vec<ClipReport>) {
    for report in failed {
        shared.change(&id_of(&report.file), |clip| {
            (clip.source, clip.may_be_made) = (None, false);
            (clip.at, clip.report) = (At::Unread, Some(report));
        });
    }
}

/// Takes up what was found: what is known of a clip is shown, and what is not is found out.
fn take(shared: &Shared, bench: &Bench, sources: Vec<ClipSource>, settle: Settle) {
    for source in sources {
        let id = id_of(&name_of(&source.path));
        let number = shared.state().benches;
        let known = {
            let state = shared.state();
            let Some(clip) = state.clips.get(&id) else { continue };
            let whole = clip.report.as_ref().is_some_and(|report| !report.has_failure());
            let busy = matches!(clip.at, At::Reading | At::Rendering);
            clip.source.as_ref() == Some(&source) && clip.bench == number && (whole || busy)
        };
        if known {
            continue;
        }
        // What is being made of it just now is not what it is any more.
        shared.tenure.changed(&source.name);
        let foreseen = pipeline::foreseen(&shared.tenure, bench, &source);
        let is_foreseen = foreseen.is_some();
        shared.change(&id, |clip| {
            let other = clip.source.as_ref().is_none_or(|before| before.digest != source.digest);
            clip.source = Some(source);
            clip.bench = number;
            if let Some(report) = foreseen {
                clip.may_be_made = !report.is_held() && (report.has_unmade() || report.has_failure());
                clip.at = At::Read;
                clip.report = Some(report);
            } else if other {
                (clip.at, clip.report, clip.unseen, clip.may_be_made) = (At::Unread, None, false, false);
            }
        });
        // What was read before is planned anew; what was not, is read in its turn.
        if !is_foreseen && settle == Settle::Now {
            shared.settle(&id);
        }
    }
    shared.wake();
}

/// Whether something failed that waiting may mend. What is wrong with a clip itself stays wrong until the clip changes.
fn may_mend(shared: &Shared) -> bool {
    let of_the_clip = |state: &ClipState| matches!(state, ClipState::Failed { stage, .. } if stage == "intake");
    let state = shared.state();
    let reports = state.clips.values().filter_map(|clip| clip.report.as_ref());
    let mut failed = reports.filter(|report| report.has_failure());
    failed.any(|report| !of_the_clip(&report.state))
}

/// What the reading lane can do for a day, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ToRead {
    /// A clip that a person has open.
    Open,
    /// A clip that nobody has read.
    Unread,
    /// A copy of a clip that needs a look.
    CopyToLook,
    /// A copy of another.
    Copy,
}

/// The most urgent that there is to read, or to copy.
pub fn to_read(shared: &Shared) -> Option<ToRead> {
    let unread = unread(shared);
    // Whether a copy is there is asked of the disk.
    let is_any_wanted = || shared.state().clips.values().any(|clip| clip.wanted);
    let copy = if unread.is_none() || is_any_wanted() { uncopied(shared) } else { None };
    let copy = copy.map(|(open, held, _)| match (open, held) {
        (true, _) => ToRead::Open,
        (false, true) => ToRead::CopyToLook,
        (false, false) => ToRead::Copy,
    });
    unread.into_iter().chain(copy).min()
}

/// Whether there is a clip to read, and whether somebody waits for it. Looks at no file.
pub fn unread(shared: &Shared) -> Option<ToRead> {
    let state = shared.state();
    let unread = state.clips.values().filter(|clip| clip.is_unread());
    unread.map(|clip| if clip.wanted { ToRead::Open } else { ToRead::Unread }).min()
}

/// Whether a person waits for something of this day that is not there.
pub fn is_wanted(shared: &Shared) -> bool {
    let any = shared.state().clips.values().any(|clip| clip.wanted);
    any && to_read(shared) == Some(ToRead::Open)
}

/// Reads clips one after the other as long as `go_on`, which is told how many were read, says so; makes one copy to look
/// at where there is none to read. What a person has open comes first, then reading, then the copies of clips that need a
/// look, then those of the others.
///
/// # Errors
/// The disk takes nothing.
pub fn read(shared: &Shared, go_on: &dyn Fn(usize) -> bool) -> Result<(), Fault> {
    let (bench, number) = {
        let state = shared.state();
        (state.bench.clone(), state.benches)
    };
    let count = Cell::new(0);
    // The model stays with whoever reads, so that reading goes on as long as there is something to read.
    let mut next = || {
        if shared.cancel.is_cancelled() || !go_on(count.get()) {
            return None;
        }
        let state = shared.state();
        let mut unread: Vec<&Clip> = state.clips.values().filter(|clip| clip.is_unread()).collect();
        unread.sort_by(|a, b| b.wanted.cmp(&a.wanted).then(a.file.cmp(&b.file)));
        let same = state.benches == number;
        unread.first().filter(|_| same).and_then(|clip| clip.source.clone())
    };
    let open_copies = || {
        while let Some((_, _, id)) = uncopied(shared).filter(|(open, ..)| *open) {
            to_look_at(shared, &bench, &id, Wanted::Copy);
        }
    };
    open_copies();
    if next().is_none() {
        if let Some((_, _, id)) = uncopied(shared) {
            to_look_at(shared, &bench, &id, Wanted::Copy);
        }
        return Ok(());
    }
    let told = |event: Event| {
        reading(shared, &event);
        shared.listener(event);
    };
    let mut read = |source: &ClipSource, failed: Option<ClipReport>| {
        count.set(count.get() + 1);
        let id = id_of(&name_of(&source.path));
        match failed {
            Some(report) => shared.change(&id, |clip| {
                (clip.at, clip.progress, clip.report) = (At::Unread, None, Some(report));
            }),
            None => {
                shared.change(&id, |clip| (clip.at, clip.progress) = (At::Read, None));
                shared.settle(&id);
                to_look_at(shared, &bench, &id, Wanted::Picture);
                open_copies();
            }
        }
    };
    let done = pipeline::read_clips(&shared.tenure, &bench, &shared.cancel, &told, &mut next, &mut read);
    // One that was begun and not ended is begun anew.
    let begun = |clip: &Clip| clip.at == At::Reading;
    let begun: Vec<ClipId> =
        shared.state().clips.iter().filter(|(_, clip)| begun(clip)).map(|(id, _)| id.clone()).collect();
    for id in begun {
        shared.change(&id, |clip| (clip.at, clip.progress) = (At::Unread, None));
    }
    done.or_else(|fault| gone_wrong(shared, fault))
}

/// Shows why something could not be begun; that all work stops is no such thing.
fn gone_wrong(shared: &Shared, fault: Fault) -> Result<(), Fault> {
    if fault.is_cancelled() {
        return Ok(());
    }
    shared.tell_problem(Some(problem(&fault)));
    Err(fault)
}

/// What the state has of an event of reading.
fn reading(shared: &Shared, event: &Event) {
    match event {
        Event::Entered { clip, stage: Stage::Probe | Stage::Speech } => {
            by_name(shared, clip, |clip| (clip.at, clip.progress) = (At::Reading, None));
        }
        Event::Progress { clip, stage: Stage::Speech, done, .. } => {
            by_name(shared, clip, |clip| clip.progress = Some(*done));
        }
        _ => {}
    }
}

/// Changes what is known of the clip whose outputs have that name.
fn by_name(shared: &Shared, name: &str, change: impl FnOnce(&mut Clip)) {
    let named = |clip: &Clip| clip.source.as_ref().is_some_and(|source| source.name == name);
    let id = shared.state().clips.iter().find(|(_, clip)| named(clip)).map(|(id, _)| id.clone());
    if let Some(id) = id {
        shared.change(&id, change);
    }
}

/// The clip that a copy is made of next: whether a person has it open, and whether it needs a look.
fn uncopied(shared: &Shared) -> Option<(bool, bool, ClipId)> {
    let state = shared.state();
    let lacks = |clip: &Clip| {
        let source = clip.source.as_ref().filter(|_| matches!(clip.at, At::Read | At::Rendering) && !clip.unseen);
        source.is_some_and(|source| !shared.seen_file(source, "mp4").is_file())
    };
    let held = |clip: &Clip| clip.report.as_ref().is_some_and(ClipReport::is_held);
    let rank = |clip: &Clip| (!clip.wanted, !held(clip), clip.file.clone());
    let lacking = state.clips.iter().filter(|(_, clip)| !shared.cancel.is_cancelled() && lacks(clip));
    lacking.min_by_key(|(_, clip)| rank(clip)).map(|(id, clip)| (clip.wanted, held(clip), id.clone()))
}

/// What is made of a clip for a person's eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// A small picture.
    Picture,
    /// That, and a copy that plays in every browser.
    Copy,
}

/// Makes what a person looks at of a clip that was read.
fn to_look_at(shared: &Shared, bench: &Bench, id: &str, wanted: Wanted) {
    let Some(source) = shared.state().clips.get(id).and_then(|clip| clip.source.clone()) else { return };
    let proof = Proof::of(&shared.tenure, bench, &source, &shared.cancel);
    let made = match proof {
        Ok(Some(proof)) => {
            let (understood, looker) = (&proof.planned.understood, &shared.looker);
            let (clip, probe, digest) = (&source.path, &understood.probe, &source.digest);
            // Whoever begins to speak looks into the camera.
            let spoken = understood.speech.first().map_or(Time(probe.duration.0 / 3), |span| span.start);
            let still = shared.seen_file(&source, "jpg");
            let still = match still.is_file() {
                true => Ok(()),
                false => pipeline::poster(looker, clip, probe, digest, spoken, &still),
            };
            let copy = shared.seen_file(&source, "mp4");
            let copy = match copy.is_file() || wanted == Wanted::Picture {
                true => Ok(()),
                false => pipeline::view_copy(looker, clip, probe, digest, &copy),
            };
            still.and(copy)
        }
        Ok(None) => Ok(()),
        // Why it cannot be planned stands on its card.
        Err((_, fault)) => Err(fault),
    };
    let failed = made.as_ref().err().filter(|fault| !fault.is_cancelled());
    if let Some(fault) = failed {
        let text = format!("There is no copy to look at: {}.", fault.what());
        shared.listener(Event::Note { clip: Some(source.name.clone()), text });
    }
    if wanted == Wanted::Copy {
        let there = shared.seen_file(&source, "mp4").is_file();
        shared.change(id, |clip| (clip.wanted, clip.unseen) = (false, !there));
    }
}

/// Whether there is something to render, or the report's page to write.
pub fn to_render(shared: &Shared) -> bool {
    let state = shared.state();
    let ready = state.clips.values().any(Clip::is_ready);
    ready || state.sheet_is_old.is_some_and(|since| since.elapsed() >= REST)
}

/// Renders what may go out, one round of it, or writes the report's page where nothing may. Few clips a round, so that
/// what is approved meanwhile waits little.
///
/// # Errors
/// The round could not be begun.
pub fn round(shared: &Shared) -> Result<(), Fault> {
    let Round { bench, number, clips: round } = next_round(shared);
    if round.is_empty() {
        write_sheet(shared, &bench);
        write_overview(shared);
        return Ok(());
    }
    shared.state().sheet_is_old = None;
    let only: BTreeSet<String> = round.values().map(|(name, _)| name.clone()).collect();
    let looked = shared.state().looked.clone();
    let bench = bench.with(|request| (request.only, request.looked) = (Some(only), Some(looked)));
    let told = |event: Event| {
        rendering(shared, &event);
        shared.listener(event);
    };
    let outcome = pipeline::run_under(&shared.tenure, &bench, &shared.cancel, &told);
    let (reports, failed) = match outcome {
        Ok(outcome) => (outcome.reports, outcome.unreported),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    for (id, (name, changes)) in &round {
        let report = reports.iter().find(|report| report.name == *name);
        let same = shared.tenure.changes(name) == *changes && shared.state().benches == number;
        let report = report.filter(|_| same).map(|brief| pipeline::kept_report(shared.tenure.out(), brief));
        let is_old = report.is_none();
        shared.change(id, |clip| {
            (clip.at, clip.progress) = (if clip.at == At::Rendering { At::Read } else { clip.at }, None);
            if let Some(report) = report {
                // What failed is tried again when something changes, or after a while.
                clip.may_be_made = false;
                clip.report = Some(report);
            }
        });
        // A clip that changed while it was made has no report of this round, or an old one; what is true of it now is
        // found out, and the next round makes it.
        if is_old && !shared.cancel.is_cancelled() {
            shared.settle(id);
        }
    }
    // All clips of the practice are counted for it: not after every few of thousands.
    let is_last = !shared.state().clips.values().any(Clip::is_ready);
    if is_last {
        write_overview(shared);
    }
    failed.map_or(Ok(()), |fault| gone_wrong(shared, fault))
}

/// Writes what was decided last into the report's page, when all work of the day has stopped.
pub fn close(shared: &Shared) {
    let bench = shared.state().bench.clone();
    if shared.state().sheet_is_old.is_some() && !shared.tenure.is_lost() {
        write_sheet(shared, &bench);
        write_overview(shared);
    }
}

/// Has the page about all practices say how this one stands, where it is one of many.
fn write_overview(shared: &Shared) {
    if let Err(fault) = pipeline::overview_of(shared.tenure.out()) {
        shared.tell_problem(Some(problem(&fault)));
    }
}

/// Writes the report's page, which takes seconds for many clips with covers. A round of no clips does just that.
fn write_sheet(shared: &Shared, bench: &Bench) {
    let looked = shared.state().looked.clone();
    shared.state().sheet_is_old = None;
    let bench = bench.with(|request| (request.only, request.looked) = (Some(BTreeSet::new()), Some(looked)));
    // It is also written when all work stops: what was decided last belongs there.
    let done = pipeline::run_under(&shared.tenure, &bench, &Cancel::new(), &|_| ());
    if let Some(fault) = done.map_or_else(Some, |outcome| outcome.unreported) {
        shared.tell_problem(Some(problem(&fault)));
    }
}

/// What is rendered together.
struct Round {
    bench: Bench,
    /// Which bench that is.
    number: u64,
    /// Name of each clip, and how often it was changed before.
    clips: BTreeMap<ClipId, (String, u64)>,
}

/// Clips of which something can be made: those that somebody approved come first.
fn next_round(shared: &Shared) -> Round {
    let state = shared.state();
    let ready = state.clips.iter().filter(|(_, clip)| clip.is_ready());
    let mut ready: Vec<(bool, &str, &ClipId)> = ready
        .filter_map(|(id, clip)| {
            let (source, report) = (clip.source.as_ref()?, clip.report.as_ref()?);
            let approved = matches!(report.signoff.standing, Standing::Approved(_));
            Some((!approved, source.name.as_str(), id))
        })
        .collect();
    ready.sort();
    let few = ready.into_iter().take(state.bench.clips_at_once() + 1);
    let clips = few.map(|(_, name, id)| (id.clone(), (name.to_string(), shared.tenure.changes(name)))).collect();
    Round { bench: state.bench.clone(), number: state.benches, clips }
}

/// What the state has of an event of a round.
fn rendering(shared: &Shared, event: &Event) {
    match event {
        Event::Entered { clip, stage: Stage::Render } => {
            by_name(shared, clip, |clip| (clip.at, clip.progress) = (At::Rendering, Some(0.0)));
        }
        Event::Progress { clip, stage: Stage::Render, done, .. } => {
            by_name(shared, clip, |clip| clip.progress = Some(*done));
        }
        _ => {}
    }
}
