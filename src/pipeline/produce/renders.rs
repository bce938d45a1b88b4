//! Renders that are missing: made by a worker, checked, and given every name that waits for them.

use super::{Attempt, FAILED, Planned, Workshop, good};
use crate::cuts::{CutPlan, Limits, Recipe, Render};
use crate::fault::Fault;
use crate::intake::Digest;
use crate::media::render::shared_size;
use crate::pipeline::bench::Role;
use crate::pipeline::event::{Event, Stage};
use crate::pipeline::publish::publish;
use crate::pipeline::shelf::Shelf;
use crate::pipeline::turns::Turn;
use crate::pipeline::understand::unanswered;
use crate::units::Time;
use crate::worker::{self, Job, Kind, Message, Part, Passed, Verified};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What verification measured, kept by the key of the render.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Measurement {
    pub bytes: u64,
    pub duration: Time,
    pub loudness: Option<f64>,
    pub true_peak: Option<f64>,
    /// Pictures of the clip that were damaged.
    #[serde(default)]
    pub damaged: usize,
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
pub(super) type Outcomes = HashMap<Digest, Result<(), Rejected>>;

/// Why a render gave no published file, and where its file was kept.
#[derive(Clone)]
pub(super) struct Rejected {
    pub stage: Stage,
    pub fault: Fault,
    pub kept: Option<PathBuf>,
}

impl Rejected {
    /// Nobody tried: it waits until somebody approved the clip.
    fn waits() -> Self {
        Rejected { stage: Stage::Plan, fault: Fault::Cancelled, kept: None }
    }
}

impl Workshop<'_> {
    /// Has a worker render and check what is missing, and publishes each file as soon as it passed; the outcome of each
    /// render by its key.
    pub(super) fn make(
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
    pub(super) fn place(
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

    /// Puts a file that failed its check aside, for a person to look at.
    fn keep(&self, file: &Path) -> Option<PathBuf> {
        let kept = Path::new(FAILED).join(file.file_name()?);
        let target = self.out.join(&kept);
        fs::create_dir_all(target.parent()?).ok()?;
        fs::rename(file, &target).ok().map(|()| kept)
    }
}
