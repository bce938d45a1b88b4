//! From a plan to files in their places: what is missing is rendered from one decode, checked, published; what is there
//! is left alone.

use super::batch::not_delivered;
use super::bench::Role;
use super::beside::{Beside, Laid};
use super::choices;
use super::delivered::{Delivered, Receipt};
use super::edits::{Edits, captions_file, written_captions};
use super::event::{Event, Listener, Stage};
use super::journal::{Entry, Journal, Stamp};
use super::publish::publish;
use super::record::Record;
use super::shelf::{self, Good, Shelf};
use super::signoff::Signoff;
use super::store::{Store, cannot_write, write_whole};
use super::tenure::Tenure;
use super::turns::Turn;
use super::understand::{Understood, unanswered};
use super::work::Tally;
use crate::captions;
use crate::config::{Platform, Practice};
use crate::cuts::{self, ClipPlan, CutPlan, Drawing, Limits, Recipe, Render};
use crate::fault::{Cancel, Fault};
use crate::intake::{ClipSource, Digest};
use crate::media::render::shared_size;
use crate::report::{ClipReport, ClipState, CutReport, CutState};
use crate::speech::Transcript;
use crate::trace::Trace;
use crate::units::Time;
use crate::wording::{self, PostText, Wording};
use crate::worker::{self, Cover, Crew, Job, Kind, Message, Part, Passed, Verified};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;
use std::time::Instant;

/// Where files lie that did not pass their check, relative to the output folder.
const FAILED: &str = ".housecall/failed";

/// A clip that is ready to be rendered.
pub struct Planned {
    /// The file.
    pub source: ClipSource,
    /// What decides its outputs.
    pub fingerprint: Digest,
    /// What is known of it.
    pub understood: Understood,
    /// What its captions say.
    pub wording: Wording,
    /// What is made from it.
    pub plan: ClipPlan,
    /// What stands where on each cut, in the order of the plan's cuts.
    pub drawings: Vec<Drawing>,
    /// The text of each platform's post, by the platform's id.
    pub posts: Vec<(String, PostText)>,
    /// Whether it waits for a person.
    pub signoff: Signoff,
    /// How often a person had changed the clip when this was begun.
    pub changes: u64,
}

/// What all clips of a batch share on their way out.
pub struct Workshop<'a> {
    /// Output folder.
    pub out: &'a Path,
    /// Folder for files on their way, on the same file system.
    pub scratch: &'a Path,
    /// Who posts.
    pub practice: &'a Practice,
    /// The right to give files their names.
    pub tenure: &'a Tenure,
    /// What is in place.
    pub journal: &'a Journal,
    /// What is known.
    pub store: &'a Store,
    /// Threads of a decoder.
    pub threads: usize,
    /// Whether a clip that waits is made only when somebody approved it.
    pub hold_back: bool,
    /// What tasks delivered, or are to deliver.
    pub delivered: &'a Delivered,
    /// What part of the work is done here.
    pub role: &'a Role,
    /// Starts workers.
    pub crew: &'a Crew,
    /// Stops the work.
    pub cancel: &'a Cancel,
    /// Told of everything.
    pub listener: Listener<'a>,
    /// Counts what is costly.
    pub tally: &'a Tally,
    /// Told what goes on when.
    pub trace: &'a Trace,
}

/// What verification measured, kept by the key of the render.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Measurement {
    bytes: u64,
    duration: Time,
    loudness: Option<f64>,
    true_peak: Option<f64>,
    /// Pictures of the clip that were damaged.
    #[serde(default)]
    damaged: usize,
}

impl Measurement {
    fn of(verified: &Verified) -> Self {
        Measurement {
            bytes: verified.bytes(),
            duration: verified.duration(),
            loudness: verified.loudness(),
            true_peak: verified.true_peak(),
            damaged: verified.damaged(),
        }
    }
}

/// What became of each render, by its key.
type Outcomes = HashMap<Digest, Result<(), Rejected>>;

/// Why a render gave no published file, and where its file was kept.
#[derive(Clone)]
struct Rejected {
    stage: Stage,
    fault: Fault,
    kept: Option<PathBuf>,
}

impl Rejected {
    /// Nobody tried: it waits until somebody approved the clip.
    fn waits() -> Self {
        Rejected { stage: Stage::Plan, fault: Fault::Cancelled, kept: None }
    }
}

/// Whether a clip whose worker dies will be tried once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Nothing is made at all; what is missing waits.
    None,
    /// It will; until then nothing is said of it.
    First,
    /// It will not; what is missing then has failed.
    Last,
}

impl Workshop<'_> {
    /// Makes and publishes everything of one clip that is not in place, and gives its turn on as soon as another clip may
    /// be decoded.
    ///
    /// # Errors
    /// Cancellation, a disk that takes no file, or a worker that died at the first attempt. What fails for single cuts
    /// stands in the report.
    pub fn produce(&self, planned: &Planned, turn: &Turn, attempt: Attempt) -> Result<ClipReport, (Stage, Fault)> {
        let renders = cuts::renders(&planned.plan);
        let shelf = planned.shelf();
        let attempt = if self.hold_back && shelf == Shelf::Held { Attempt::None } else { attempt };
        self.shelve(planned, &renders).map_err(|fault| (Stage::Publish, fault))?;
        let outcomes = self.make(planned, &renders, turn, attempt)?;
        let _still = self.still(planned).map_err(|fault| (Stage::Publish, fault))?;
        // Something was refused for what was a change for a moment.
        let refused = |made: &Result<(), Rejected>| {
            made.as_ref().is_err_and(|rejected| rejected.stage == Stage::Publish && rejected.fault.is_cancelled())
        };
        if outcomes.values().any(refused) {
            return Err((Stage::Publish, Fault::Cancelled));
        }
        let mut report = self.report(planned, &renders, &outcomes);
        let made: Vec<Good> = planned.goods(&renders).into_iter().filter(|g| self.has(planned, g)).collect();
        let cover = cover_file(&planned.source.name);
        let has_cover = made.iter().any(|good| good.file == cover);
        report.cover = has_cover.then(|| shelf.place(&cover));
        let (mut files, laid) = self.write_words(planned, &report).map_err(|fault| (Stage::Publish, fault))?;
        report.goods = made.into_iter().chain(laid.goods).collect();
        let kept = |file: &PathBuf| {
            format!("{} was changed by a person; what stands in it was not checked.", shelf.place(file).display())
        };
        report.notes.extend(laid.kept.iter().map(kept));
        if shelf == Shelf::Public {
            shelf::tidy(&report.goods, self.out);
        }
        let planned_cover = &planned.plan.cover;
        let is_whole = !report.has_failure() && !report.has_unmade() && has_cover == planned_cover.is_some();
        self.store.put("clip", &planned.source.name, &report).map_err(|fault| (Stage::Publish, fault))?;
        if report.has_unmade() {
            // What is foreseen is found again without planning.
            self.store.put("report", &planned.fingerprint.0, &report).map_err(|fault| (Stage::Publish, fault))?;
            return Ok(report);
        }
        // With anything missing the clip is not done, and the next run tries again.
        if is_whole {
            files.extend(report.goods.iter().map(|good| shelf.place(&good.file)));
            let stamp = |file: PathBuf| Stamp::of(&self.out.join(&file)).map(|stamp| (file, stamp));
            if let Some(files) = files.into_iter().map(stamp).collect::<Option<Vec<_>>>() {
                let (clip, fingerprint) = (planned.source.name.clone(), planned.fingerprint.clone());
                let done = self.store.put("report", &planned.fingerprint.0, &report);
                done.and_then(|()| self.journal.append(Entry::Done { clip, fingerprint, files }))
                    .map_err(|fault| (Stage::Publish, fault))?;
            }
        }
        if is_whole && !self.delivers() {
            let keys: Vec<&Digest> = renders.iter().map(|render| &render.key).collect();
            let cover = planned_cover.as_ref().map(Recipe::key);
            let Planned { source, fingerprint, .. } = planned;
            self.delivered.forget(&source.name, &source.digest, fingerprint, &keys, cover.as_ref());
        }
        Ok(report)
    }

    /// That what was planned still is what people want, as long as the answer is kept.
    ///
    /// # Errors
    /// [`Fault::Cancelled`]: somebody changed the clip since, or decided about it. What is made of it then is not published.
    fn still(&self, planned: &Planned) -> Result<MutexGuard<'_, Record>, Fault> {
        let (record, name) = (self.tenure.record(), &planned.source.name);
        let shelf = planned.signoff.decide(record.last(name)).shelf();
        let same = shelf == planned.shelf() && self.tenure.changes(name) == planned.changes;
        if same { Ok(record) } else { Err(Fault::Cancelled) }
    }

    /// Brings what was made before to where it belongs now. What waits is nowhere under a platform's name from here on.
    fn shelve(&self, planned: &Planned, renders: &[Render]) -> Result<(), Fault> {
        let _still = self.still(planned)?;
        if planned.shelf() == Shelf::Held {
            return shelf::withdraw(&planned.source.name, self.out, self.journal);
        }
        for file in shelf::bring(&planned.goods(renders), Shelf::Public, self.out, self.journal)? {
            if let Some(cut) = planned.plan.cuts.iter().find(|cut| cut.file == file) {
                let (clip, platform) = (planned.source.name.clone(), cut.platform.clone());
                (self.listener)(Event::Published { clip, platform, file });
            }
        }
        Ok(())
    }

    /// Whether a file is where it belongs.
    fn has(&self, planned: &Planned, good: &Good) -> bool {
        self.journal.holds(&planned.shelf().place(&good.file), &good.key)
    }

    /// Has a worker render and check what is missing, and publishes each file as soon as it passed; the outcome of each
    /// render by its key.
    fn make(
        &self,
        planned: &Planned,
        renders: &[Render],
        turn: &Turn,
        attempt: Attempt,
    ) -> Result<Outcomes, (Stage, Fault)> {
        let mut outcomes = HashMap::new();
        let mut missing = Vec::new();
        for render in renders {
            // A file of which nobody knows any more what was measured is checked again.
            let measured = self.store.get::<Measurement>("measured", &render.key.0).is_some();
            let is_absent = |cut: &&CutPlan| !measured || !self.has(planned, &good(cut, render));
            let absent: Vec<&CutPlan> = render.cuts.iter().copied().filter(is_absent).collect();
            if absent.is_empty() || self.is_elsewhere(&render.key) {
                outcomes.insert(render.key.clone(), Ok(()));
                continue;
            } else if attempt == Attempt::None {
                outcomes.insert(render.key.clone(), Err(Rejected::waits()));
                continue;
            }
            let taken = self.take(planned, render, &absent);
            if matches!(taken, Some(Ok(()))) || self.link(planned, render, &absent) {
                outcomes.insert(render.key.clone(), Ok(()));
            } else if matches!(self.role, Role::Gather { .. }) {
                let rejected = taken.and_then(Result::err).unwrap_or_else(|| self.undelivered(planned, render));
                outcomes.insert(render.key.clone(), Err(rejected));
            } else {
                missing.push((render, absent));
            }
        }
        self.cancel.check().map_err(|fault| (Stage::Render, fault))?;
        let cover = self.cover_job(planned).filter(|_| attempt != Attempt::None);
        let cover = cover.filter(|(cover, key)| !self.take_cover(planned, &cover.file, key));
        if missing.is_empty() && cover.is_none() {
            return Ok(outcomes);
        }
        drop(self.still(planned).map_err(|fault| (Stage::Render, fault))?);
        let clip = planned.source.name.clone();
        let trace = self.trace.of(&clip);
        let _span = trace.span("render");
        (self.listener)(Event::Entered { clip: clip.clone(), stage: Stage::Render });
        let parts: Vec<Part> = missing
            .iter()
            .map(|(render, _)| self.part(render, self.scratch_file(planned, &render.key, "mp4")))
            .collect();
        let mut files: Vec<PathBuf> = parts.iter().map(|part| part.file.clone()).collect();
        files.extend(cover.iter().map(|(cover, _)| cover.file.clone()));
        let (cover, cover_key) = cover.unzip();
        let cover_file = cover.as_ref().map(|cover| cover.file.clone());
        let all: Vec<&Recipe> = renders.iter().map(|render| render.recipe).chain(&planned.plan.cover).collect();
        let job = worker::Render {
            clip: planned.source.path.clone(),
            probe: planned.understood.probe.clone(),
            shared: shared_size(&planned.understood.probe, &all),
            threads: self.threads,
            parts,
            cover,
        };
        self.tally.decode();
        self.tally.encode(missing.len());
        turn.renders(missing.len());
        let mut made_cover = None;
        let done = self.work(planned, job, turn, &mut |message| match message {
            Message::Made(index, made) => {
                if let Some((render, absent)) = missing.get(index) {
                    let file = &files[index];
                    let settled =
                        made.map_err(|(fault, at_check)| self.rejected(fault, at_check, file)).and_then(|passed| {
                            let changed = |fault| Rejected { stage: Stage::Render, fault, kept: None };
                            planned.source.check_unchanged().map_err(changed)?;
                            self.settle(planned, render, absent, passed, file)
                        });
                    outcomes.insert(render.key.clone(), settled);
                    turn.render_is_over();
                }
            }
            Message::Cover(made) => made_cover = Some(made),
            _ => {}
        });
        let died = match done {
            Ok(()) => {
                let unmade = missing.iter().any(|(render, _)| !outcomes.contains_key(&render.key));
                (unmade || made_cover.is_some() != cover_key.is_some()).then(unanswered)
            }
            Err(fault) => Some(fault),
        };
        let starved = || {
            let made = missing.iter().filter_map(|(render, _)| outcomes.get(&render.key)?.as_ref().err());
            made.map(|rejected| rejected.fault.clone()).find(Fault::is_death)
        };
        let died = died.or_else(starved);
        if let (Some((file, key)), Some(made)) = (cover_file.zip(cover_key), made_cover) {
            let made = made.and_then(|()| planned.source.check_unchanged());
            self.publish_cover(planned, &file, key, made);
        }
        // A file of a render that failed is of no use to anyone.
        files.iter().for_each(|file| drop(fs::remove_file(file)));
        self.cancel.check().map_err(|fault| (Stage::Render, fault))?;
        if let Some(fault) = died {
            if fault.is_cancelled() || (fault.is_death() && attempt == Attempt::First) {
                return Err((Stage::Render, fault));
            }
            for (render, _) in &missing {
                let failed = || Err(Rejected { stage: Stage::Render, fault: fault.clone(), kept: None });
                outcomes.entry(render.key.clone()).or_insert_with(failed);
            }
        }
        Ok(outcomes)
    }

    /// Has a worker render; `told` hears what it makes.
    fn work(
        &self,
        planned: &Planned,
        job: worker::Render,
        turn: &Turn,
        told: &mut dyn FnMut(Message),
    ) -> Result<(), Fault> {
        let (clip, length) = (&planned.source.name, job.probe.duration.seconds().max(0.001));
        let mut worker = self.crew.start(Kind::Render, clip)?;
        worker.give(clip, Job::Render(Box::new(job)))?;
        let began = Instant::now();
        while let Some(message) = worker.told()? {
            match message {
                Message::At(at) => {
                    let speed = at.seconds() / began.elapsed().as_secs_f64().max(1e-3);
                    let done = (at.seconds() / length).clamp(0.0, 1.0);
                    (self.listener)(Event::Progress { clip: clip.clone(), stage: Stage::Render, done, speed });
                }
                Message::Decoded => turn.decoded(),
                other => told(other),
            }
        }
        Ok(())
    }

    fn part(&self, render: &Render, file: PathBuf) -> Part {
        let limits: Vec<Limits> = render.cuts.iter().map(|cut| cut.limits.clone()).collect();
        Part { recipe: render.recipe.clone(), file, limits }
    }

    /// Gives the absent cuts the file of another one that holds the same render, if there is such a file and it still
    /// passes every check. Else it is rendered again, and the other's file is left alone.
    fn link(&self, planned: &Planned, render: &Render, absent: &[&CutPlan]) -> bool {
        let Some(twin) = self.journal.find(&render.key) else { return false };
        let trace = self.trace.of(&planned.source.name);
        let passed = trace.during("verify", || self.check(planned, render, &twin));
        passed.is_ok_and(|passed| self.settle(planned, render, absent, passed, &twin).is_ok())
    }

    /// Publishes a render that a task delivered; none where there is none.
    fn take(&self, planned: &Planned, render: &Render, absent: &[&CutPlan]) -> Option<Result<(), Rejected>> {
        if !self.delivered.has_any() {
            return None;
        }
        let trace = self.trace.of(&planned.source.name);
        let arrived = trace.during("take", || self.delivered.render(&render.key, self.cancel))?;
        let verified = match arrived {
            Ok(verified) => verified,
            Err(fault) => {
                if !fault.is_cancelled() {
                    // Whoever submits again has it made again.
                    self.delivered.discard(&render.key);
                    let text = format!("{}.", capital(fault.what()));
                    (self.listener)(Event::Note { clip: Some(planned.source.name.clone()), text });
                }
                return Some(Err(Rejected { stage: Stage::Verify, fault, kept: None }));
            }
        };
        let placed = self.place(planned, render, absent, &verified);
        if placed.is_ok() && !self.delivers() {
            self.delivered.discard(&render.key);
        }
        Some(placed)
    }

    /// Puts a cover in place that a task delivered; whether there was one, or nobody else makes it.
    fn take_cover(&self, planned: &Planned, file: &Path, key: &Digest) -> bool {
        let delivered = self.delivered.cover(key);
        let gathers = matches!(self.role, Role::Gather { .. });
        if delivered.is_none() && !gathers {
            return false;
        }
        let put = match delivered {
            Some(bytes) => fs::write(file, bytes).map_err(|e| cannot_write(file, &e)),
            None => Err(not_delivered(false)),
        };
        self.publish_cover(planned, file, key.clone(), put);
        drop(fs::remove_file(file));
        true
    }

    /// Why a render is not there that a task was to deliver.
    fn undelivered(&self, planned: &Planned, render: &Render) -> Rejected {
        let receipt = self.delivered.receipt(&planned.source.name);
        let changed = receipt.as_ref().is_some_and(|receipt| receipt.fingerprint != planned.fingerprint);
        let of_render = |platforms: &Vec<String>| render.cuts.iter().any(|cut| platforms.contains(&cut.platform));
        // What went wrong with something else is not why this is missing.
        let receipt = receipt.filter(|_| !changed);
        let name = self.scratch_file(planned, &render.key, "mp4").file_name().map(PathBuf::from).unwrap_or_default();
        let place = Path::new(FAILED).join(&name);
        let is_kept =
            |receipt: &Receipt| self.delivered.take_rejected(receipt, &name.to_string_lossy(), &self.out.join(&place));
        let kept = receipt.as_ref().is_some_and(is_kept).then_some(place);
        let failures = receipt.into_iter().flat_map(|receipt| receipt.cuts.into_iter().chain(receipt.failed));
        let mut failures = failures.filter(|failure| failure.platforms.is_empty() || of_render(&failure.platforms));
        match failures.next() {
            // What is not planned waits; this does not.
            Some(failure) if failure.stage == Stage::Plan => {
                Rejected { stage: Stage::Render, fault: failure.fault(), kept }
            }
            Some(failure) => Rejected { stage: failure.stage, fault: failure.fault(), kept },
            None => Rejected { stage: Stage::Render, fault: not_delivered(changed), kept: None },
        }
    }

    /// Whether it is in place where this is delivered to.
    fn is_elsewhere(&self, key: &Digest) -> bool {
        matches!(self.role, Role::Task { have, .. } if have.contains(key))
    }

    /// Whether what is made here is delivered elsewhere.
    fn delivers(&self) -> bool {
        matches!(self.role, Role::Task { .. })
    }

    /// Has a worker check a file that was published before.
    fn check(&self, planned: &Planned, render: &Render, file: &Path) -> Result<Passed, Fault> {
        let mut worker = self.crew.start(Kind::Check, &planned.source.name)?;
        worker.give(&planned.source.name, Job::Check(Box::new(self.part(render, file.to_path_buf()))))?;
        while let Some(message) = worker.told()? {
            if let Message::Checked(passed) = message {
                return passed;
            }
        }
        Err(unanswered())
    }

    /// What becomes of a file that was not made, or did not pass its check.
    fn rejected(&self, fault: Fault, at_check: bool, file: &Path) -> Rejected {
        let kept = if at_check && !fault.is_cancelled() { self.keep(file) } else { None };
        Rejected { stage: if at_check { Stage::Verify } else { Stage::Render }, fault, kept }
    }

    /// Publishes a file that passed its check under every name that waits for it.
    fn settle(
        &self,
        planned: &Planned,
        render: &Render,
        absent: &[&CutPlan],
        passed: Passed,
        file: &Path,
    ) -> Result<(), Rejected> {
        let failed_check = |fault| Rejected { stage: Stage::Verify, fault, kept: None };
        let verified = Verified::receive(passed, file).map_err(failed_check)?;
        self.place(planned, render, absent, &verified)
    }

    /// Gives a checked file every name that waits for it.
    fn place(
        &self,
        planned: &Planned,
        render: &Render,
        absent: &[&CutPlan],
        verified: &Verified,
    ) -> Result<(), Rejected> {
        let _still = self.still(planned).map_err(|fault| Rejected { stage: Stage::Publish, fault, kept: None })?;
        let trace = self.trace.of(&planned.source.name);
        let _span = trace.span("publish");
        let failed = |fault| Rejected { stage: Stage::Publish, fault, kept: None };
        if self.delivers() {
            self.delivered.give(&render.key, verified).map_err(failed)?;
        }
        let mut measured = Measurement::of(verified);
        // The file of an earlier run does not tell what was damaged in the clip; what was noted then does.
        let before: Option<Measurement> = self.store.get("measured", &render.key.0);
        measured.damaged = measured.damaged.max(before.map_or(0, |before| before.damaged));
        self.store.put("measured", &render.key.0, &measured).map_err(failed)?;
        for cut in absent {
            let place = planned.shelf().place(&cut.file);
            let published = publish(verified, &place, &render.key, self.out, self.journal).map_err(failed)?;
            // Cuts that wait are told of when all are there.
            if planned.shelf() == Shelf::Public {
                let (clip, platform) = (planned.source.name.clone(), cut.platform.clone());
                (self.listener)(Event::Published { clip, platform, file: published.file });
            }
        }
        Ok(())
    }

    /// A file on its way. Its name holds the clip's too: two clips of the same bytes ask for the same render.
    fn scratch_file(&self, planned: &Planned, key: &Digest, extension: &str) -> PathBuf {
        self.scratch.join(format!("{}-{}.{extension}", planned.source.name, &key.0[..16]))
    }

    /// Puts a file that failed its check aside, for a person to look at.
    fn keep(&self, file: &Path) -> Option<PathBuf> {
        let kept = Path::new(FAILED).join(file.file_name()?);
        let target = self.out.join(&kept);
        fs::create_dir_all(target.parent()?).ok()?;
        fs::rename(file, &target).ok().map(|()| kept)
    }

    /// The cover, unless it is in place.
    fn cover_job(&self, planned: &Planned) -> Option<(Cover, Digest)> {
        let recipe = planned.plan.cover.clone()?;
        let key = recipe.key();
        let file = self.scratch_file(planned, &key, "jpg");
        let wanted = !self.journal.holds(&planned.cover_place(), &key) && !self.is_elsewhere(&key);
        wanted.then_some((Cover { recipe, file }, key))
    }

    /// A cover that cannot be made is told of and stops nothing.
    fn publish_cover(&self, planned: &Planned, file: &Path, key: Digest, made: Result<(), Fault>) {
        let name = planned.cover_place();
        let target = self.out.join(&name);
        let put = made.and_then(|()| {
            let bytes = fs::read(file).map_err(|e| cannot_write(file, &e))?;
            if self.delivers() {
                self.delivered.give_cover(&key, &bytes)?;
            }
            let _still = self.still(planned)?;
            write_whole(&target, &bytes)?;
            let stamp = Stamp::of(&target).ok_or_else(|| Fault::new("the cover vanished", "run again"))?;
            self.journal.append(Entry::Published { file: name, key, stamp })
        });
        if let Err(fault) = put.or_else(|fault| if fault.is_cancelled() { Ok(()) } else { Err(fault) }) {
            let clip = Some(planned.source.name.clone());
            (self.listener)(Event::Note { clip, text: format!("No cover was made: {fault}.") });
        }
    }

    fn report(&self, planned: &Planned, renders: &[Render], outcomes: &Outcomes) -> ClipReport {
        let Planned { source, understood, wording, plan, .. } = planned;
        let (mut reports, mut damaged) = (Vec::new(), 0);
        self.tell_failures(source, renders, outcomes);
        for render in renders {
            let measured: Option<Measurement> = self.store.get("measured", &render.key.0);
            let missing = Rejected { stage: Stage::Render, fault: Fault::Cancelled, kept: None };
            damaged = damaged.max(measured.as_ref().map_or(0, |m| m.damaged));
            let outcome = outcomes.get(&render.key).cloned().unwrap_or(Err(missing));
            for cut in &render.cuts {
                let state = match &outcome {
                    Ok(()) if planned.shelf() == Shelf::Held => CutState::Held,
                    Ok(()) => CutState::Published,
                    Err(rejected) if rejected.stage == Stage::Plan => CutState::Unmade,
                    Err(rejected) => {
                        let (what, advice) = (rejected.fault.what().to_string(), rejected.fault.advice().to_string());
                        CutState::Failed { what, advice, kept: rejected.kept.clone() }
                    }
                };
                let platform = self.platform(&cut.platform);
                let known = measured.as_ref().filter(|_| outcome.is_ok());
                reports.push(CutReport {
                    platform: cut.platform.clone(),
                    file: planned.shelf().place(&cut.file),
                    state,
                    canvas: cut.recipe.canvas,
                    bytes: known.map_or(0, |m| m.bytes),
                    duration: known.map_or(cut.recipe.duration(), |m| m.duration),
                    loudness: known.and_then(|m| m.loudness),
                    true_peak: known.and_then(|m| m.true_peak),
                    limits: cut.limits.clone(),
                    shared_with: render
                        .cuts
                        .iter()
                        .filter(|c| c.platform != cut.platform)
                        .map(|c| c.platform.clone())
                        .collect(),
                    post: platform.map(|p| wording::chosen_post(p, self.practice, wording, &source.settings)),
                });
            }
        }
        let order: HashMap<&str, usize> = plan.cuts.iter().enumerate().map(|(i, c)| (c.platform.as_str(), i)).collect();
        reports.sort_by_key(|r| order.get(r.platform.as_str()).copied());
        ClipReport {
            name: source.name.clone(),
            file: understood.transcript.clip.clone(),
            question: wording.question.clone(),
            state: ClipState::Done,
            duration: Some(understood.probe.duration),
            transcript: wording.words.clone(),
            origin: wording.origin,
            replaced: wording.replaced.clone(),
            departures: wording.departures.clone(),
            signoff: planned.signoff.clone(),
            goods: Vec::new(),
            cover: None,
            cuts: reports,
            skipped: plan.skipped.clone(),
            notes: plan.notes.iter().cloned().chain(damage_note(damaged)).collect(),
            removed: kinds_removed(planned),
        }
    }

    /// Tells each cause once, with all the platforms that it hit.
    fn tell_failures(&self, source: &ClipSource, renders: &[Render], outcomes: &Outcomes) {
        let mut causes: Vec<(&Rejected, Vec<String>)> = Vec::new();
        for render in renders {
            let Some(Err(rejected)) = outcomes.get(&render.key) else { continue };
            if rejected.stage == Stage::Plan {
                continue;
            }
            let platforms = render.cuts.iter().map(|cut| cut.platform.clone());
            match causes.iter_mut().find(|(known, _)| known.fault.what() == rejected.fault.what()) {
                Some((_, hit)) => hit.extend(platforms),
                None => causes.push((rejected, platforms.collect())),
            }
        }
        for (Rejected { stage, fault, .. }, platforms) in causes {
            (self.listener)(Event::Failed {
                clip: source.name.clone(),
                platforms,
                stage: *stage,
                what: fault.what().into(),
                advice: fault.advice().into(),
            });
        }
    }

    fn platform(&self, id: &str) -> Option<&Platform> {
        self.practice.platforms.iter().find(|p| p.id == id)
    }

    /// Transcripts, by their place relative to the output folder; sidecar captions and post texts, beside their cuts.
    fn write_words(&self, planned: &Planned, report: &ClipReport) -> Result<(Vec<PathBuf>, Laid), Fault> {
        let Planned { source, understood, wording, .. } = planned;
        let style = &self.practice.style;
        let transcripts = Path::new("transcripts");
        let said = Transcript { words: wording.words.clone(), ..understood.transcript.clone() };
        let json = serde_json::to_string_pretty(&said)
            .map_err(|e| Fault::new(format!("the transcript cannot be written ({e})"), "report this"))?;
        let srt = written_captions(wording, style);
        let edits = Edits { out: self.out, store: self.store };
        if let Some(aside) = edits.write(&source.name, &source.digest, &srt)? {
            let text = format!(
                "The clip is another one than before. The captions that were corrected for the old one are kept as {}.",
                aside.display()
            );
            (self.listener)(Event::Note { clip: Some(source.name.clone()), text });
        }
        if let Some(aside) = choices::settle(self.out, &source.name, &source.digest)? {
            let text = format!(
                "The clip is another one than before. What was chosen for the old one is kept as {}.",
                aside.display()
            );
            (self.listener)(Event::Note { clip: Some(source.name.clone()), text });
        }
        let transcript = transcripts.join(format!("{}.json", source.name));
        self.write_text(&transcript, &(json + "\n"))?;
        let mut texts = Vec::new();
        for (cut, plan) in report
            .cuts
            .iter()
            .filter(|c| matches!(c.state, CutState::Published | CutState::Held))
            .filter_map(|c| Some((c, planned.cut(&c.platform)?)))
        {
            let Some(platform) = self.platform(&cut.platform) else { continue };
            // A platform without text gets no empty file.
            if let Some(post) = cut.post.as_ref().filter(|post| post.title.is_some() || !post.text.is_empty()) {
                texts.push((plan.file.with_extension("txt"), wording::file_text(post)));
            }
            if platform.sidecar_srt && !wording.words.is_empty() {
                let words = plan.recipe.kept.words(&wording.words);
                let breaks = wording.breaks.as_ref().map(|breaks| plan.recipe.kept.moments(breaks));
                let cues = captions::sidecar_cues(&words, breaks.as_deref(), style);
                texts.push((plan.file.with_extension("srt"), captions::srt(&cues)));
            }
        }
        let beside = Beside { out: self.out, journal: self.journal };
        let laid = beside.lay(&source.name, &source.digest, &texts, planned.shelf())?;
        for text in &laid.notes {
            (self.listener)(Event::Note { clip: Some(source.name.clone()), text: text.clone() });
        }
        Ok((vec![captions_file(&source.name), transcript], laid))
    }

    /// Writes a text unless it stands there already.
    fn write_text(&self, file: &Path, text: &str) -> Result<(), Fault> {
        let target = self.out.join(file);
        if fs::read(&target).ok().as_deref() != Some(text.as_bytes()) {
            write_whole(&target, text.as_bytes())?;
        }
        Ok(())
    }
}

impl Planned {
    /// Where its files belong.
    fn shelf(&self) -> Shelf {
        self.signoff.standing.shelf()
    }

    fn cover_place(&self) -> PathBuf {
        self.shelf().place(&cover_file(&self.source.name))
    }

    /// Its cuts and its cover.
    fn goods(&self, renders: &[Render]) -> Vec<Good> {
        let cuts = renders.iter().flat_map(|render| render.cuts.iter().map(|cut| good(cut, render)));
        let cover =
            self.plan.cover.as_ref().map(|recipe| Good { file: cover_file(&self.source.name), key: recipe.key() });
        cuts.chain(cover).collect()
    }

    fn cut(&self, platform: &str) -> Option<&CutPlan> {
        self.plan.cuts.iter().find(|c| c.platform == platform)
    }
}

fn good(cut: &CutPlan, render: &Render) -> Good {
    Good { file: cut.file.clone(), key: render.key.clone() }
}

/// With a capital: the beginning of a sentence.
fn capital(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Where a clip's cover lies among the public files, relative to the output folder.
fn cover_file(name: &str) -> PathBuf {
    Path::new("covers").join(format!("{name}.jpg"))
}

/// What a person should know about damaged pictures.
fn damage_note(damaged: usize) -> Option<String> {
    let pictures = match damaged {
        0 => return None,
        1 => "1 picture was damaged and was".to_string(),
        more => format!("{more} pictures were damaged and were"),
    };
    Some(format!("{pictures} bridged; look at the cuts before you post them, or copy the clip from the phone again."))
}

/// What kinds of private metadata the clip carries; its cuts carry none of it.
fn kinds_removed(planned: &Planned) -> Vec<String> {
    let kind = |key: &str| {
        let key = key.to_lowercase();
        let any = |words: &[&str]| words.iter().any(|w| key.contains(w));
        if any(&["location", "gps", "xyz"]) {
            "location"
        } else if any(&["creation", "date", "timecode"]) {
            "dates and times"
        } else if any(&["make", "model", "software", "encoder", "handler", "android"]) {
            "device and software"
        } else {
            "other descriptions"
        }
    };
    let mut kinds: Vec<String> =
        planned.understood.probe.private.iter().map(|field| kind(&field.key).to_string()).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}
