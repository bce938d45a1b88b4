//! What became of a clip, for its report.

use super::renders::{Measurement, Outcomes, Rejected};
use super::{Planned, Workshop};
use crate::cuts::Render;
use crate::fault::Fault;
use crate::intake::ClipSource;
use crate::pipeline::event::{Event, Stage};
use crate::pipeline::shelf::Shelf;
use crate::report::{ClipReport, ClipState, CutReport, CutState};
use crate::wording;
use std::collections::HashMap;

impl Workshop<'_> {
    pub(super) fn report(&self, planned: &Planned, renders: &[Render], outcomes: &Outcomes) -> ClipReport {
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
