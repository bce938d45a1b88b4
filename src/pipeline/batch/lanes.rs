//! Two lanes: one reads and plans clips, the others make what was planned.

use super::Batch;
use crate::fault::Fault;
use crate::intake::{self, ClipSource, Digest};
use crate::pipeline::event::{Event, Stage};
use crate::pipeline::journal::Step;
use crate::pipeline::produce::{Attempt, Planned, Workshop};
use crate::pipeline::tenure::Tenure;
use crate::pipeline::turns::Turn;
use crate::report::{ClipReport, ClipState, CutState};
use crossbeam_channel::bounded;
use std::cmp::Reverse;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::thread;

/// Planned clips that wait for a render lane. The speech lane stops there, so that memory does not grow with the batch.
const WAITING: usize = 2;

impl Batch<'_> {
    /// Takes every clip that is not done through both lanes, and gives away the report of each as soon as there is one.
    pub fn process(&self, sources: &[ClipSource], tenure: &Tenure, told: &(dyn Fn(ClipReport) + Sync)) {
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
    pub fn workshop<'b>(&'b self, tenure: &'b Tenure, scratch: &'b Path) -> Workshop<'b> {
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

    /// The clip's turn to be worked on.
    pub fn turn(&self, clip: &Digest) -> Turn<'_> {
        self.turns.take(clip)
    }

    /// Tells of a clip that failed as a whole, and gives its report.
    pub fn failure(&self, clip: &str, file: &str, stage: Stage, fault: &Fault) -> ClipReport {
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
