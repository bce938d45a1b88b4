//! What tasks delivered, and why something of it is not there.

use super::renders::Rejected;
use super::{FAILED, Planned, Workshop};
use crate::cuts::{CutPlan, Render};
use crate::fault::cannot_write;
use crate::intake::Digest;
use crate::pipeline::batch::not_delivered;
use crate::pipeline::bench::Role;
use crate::pipeline::delivered::Receipt;
use crate::pipeline::event::{Event, Stage};
use std::fs;
use std::path::{Path, PathBuf};

impl Workshop<'_> {
    /// Publishes a render that a task delivered; none where there is none.
    pub(super) fn take(&self, planned: &Planned, render: &Render, absent: &[&CutPlan]) -> Option<Result<(), Rejected>> {
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
    pub(super) fn take_cover(&self, planned: &Planned, file: &Path, key: &Digest) -> bool {
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
    pub(super) fn undelivered(&self, planned: &Planned, render: &Render) -> Rejected {
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
}

/// With a capital: the beginning of a sentence.
fn capital(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
