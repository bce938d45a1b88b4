//! What would be made, without making it.

use super::{Batch, Request};
use crate::cuts::ClipPlan;
use crate::fault::{Cancel, Fault, cannot_write};
use crate::intake::{self, ClipSource};
use crate::pipeline::bench::Bench;
use crate::pipeline::event::{Listener, Stage};
use crate::pipeline::record::Record;
use crate::pipeline::tenure::{BESIDE, state_folder};
use crate::pipeline::understand::{Reader, at};
use crate::report::ClipState;
use serde::{Deserialize, Serialize};
use std::sync::Mutex;

/// What is to be made, without making it.
#[derive(Debug)]
pub struct Preview {
    /// The clip's file name.
    pub file: String,
    /// Its plan, or why there is none.
    pub plan: Result<ClipPlan, (Stage, Fault)>,
}

/// A plan as it lies in the cache, under the clip's name.
#[derive(Serialize, Deserialize)]
struct KeptPlan {
    /// See [`Batch::planned_by`].
    by: String,
    plan: ClipPlan,
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

impl Batch<'_> {
    /// The plan of a clip that was planned before just as it is now. Corrected captions are looked at anew each time: whose
    /// they are is decided then.
    fn kept_plan(&self, source: &ClipSource) -> Option<ClipPlan> {
        let kept: KeptPlan = self.store.get("plan", &source.name)?;
        (source.texts.corrected.is_none() && kept.by == self.planned_by(source)).then_some(kept.plan)
    }

    /// What a plan is kept with: it is of use only to the program that made it, with the fonts that it measured.
    fn planned_by(&self, source: &ClipSource) -> String {
        let fonts = self.fonts.get_or_init(|| self.bench.ready.fonts.digest());
        format!("{} {} {}", self.fingerprint(source).0, env!("CARGO_PKG_VERSION"), fonts.0)
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
}
