//! What of an output folder's clips is with a cluster. Only reads: what was handed out is told by whoever knows of jobs, what
//! came back by the receipts, what became of it here by the journal.

use super::delivered::{Delivered, Failure};
use super::desk::Now;
use super::journal::{Glance, Step};
use crate::intake::Digest;

/// A clip that was handed to a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// Name of its outputs.
    pub clip: String,
    /// What decides its outputs.
    pub fingerprint: Digest,
    /// When it was submitted: UTC, RFC 3339.
    pub at: String,
}

/// How far a clip is that was handed to a cluster and is not in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Away {
    /// Its task has not said anything yet.
    Out,
    /// All of it was delivered, and nobody has put it into place.
    Back,
    /// It could not be made there, or not all of it.
    Failed {
        /// On which computer.
        computer: String,
        /// Why; of the whole clip first.
        failures: Vec<Failure>,
    },
}

/// How far a clip is, and since when, that is `now` so far by what is known here; none where it is not away any more.
pub(super) fn away(handed: &Handed, now: &Now, journal: &Glance, delivered: &Delivered) -> Option<(Away, String)> {
    let later = |at: &str| {
        let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
        time(at) > time(&handed.at)
    };
    let made_here = || journal.done(&handed.clip).is_some_and(|(by, at)| by == handed.fingerprint && later(&at));
    if matches!(now, Now::Working(..)) || made_here() {
        return None;
    }
    if let Some(receipt) = delivered.receipt(&handed.clip).filter(|receipt| receipt.fingerprint == handed.fingerprint) {
        if receipt.is_complete() {
            return Some((Away::Back, receipt.at));
        }
        let failures = receipt.failed.into_iter().chain(receipt.cuts).collect();
        return Some((Away::Failed { computer: receipt.computer, failures }, receipt.at));
    }
    // Whoever gathered since has said that it did not come, or a run here had it in hand.
    let said = journal.said().clips().get(&handed.clip).filter(|point| later(&point.at));
    let told_here = said.is_some_and(|point| matches!(point.step, Step::Failed { .. }) || point.step.is_under_way());
    (!told_here).then(|| (Away::Out, handed.at.clone()))
}
