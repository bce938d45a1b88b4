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
        if delivered.has_all(&receipt) {
            return Some((Away::Back, receipt.at));
        }
        // Of one that says all is well something was damaged on the way: who gathered told of that.
        if !receipt.is_complete() {
            let failures = receipt.failed.into_iter().chain(receipt.cuts).collect();
            return Some((Away::Failed { computer: receipt.computer, failures }, receipt.at));
        }
    }
    // Whoever gathered since has said that it did not come, or a run here had it in hand.
    let said = journal.said().clips().get(&handed.clip).filter(|point| later(&point.at));
    let told_here = said.is_some_and(|point| matches!(point.step, Step::Failed { .. }) || point.step.is_under_way());
    (!told_here).then(|| (Away::Out, handed.at.clone()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::delivered::Receipt;
    use super::super::event::Stage;
    use super::super::journal::{Entry, Journal};
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;

    fn digest(text: &str) -> Digest {
        Digest(text.into())
    }

    fn failure() -> Failure {
        Failure { platforms: Vec::new(), stage: Stage::Intake, what: "no room".into(), advice: "make room".into() }
    }

    #[test]
    fn a_clip_is_away_until_it_is_in_place_or_somebody_here_says_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let (out, state) = (folder.path(), folder.path().join(".housecall"));
        fs::create_dir_all(state.join("delivered")).unwrap();
        let file = state.join("journal.ndjson");
        let journal = Journal::open(&file, out).unwrap();
        for (clip, fingerprint) in [("in-place", "new"), ("in-place-and-back", "new"), ("as-before", "old")] {
            let (clip, fingerprint) = (clip.to_string(), digest(fingerprint));
            journal.append(Entry::Done { clip, fingerprint, files: Vec::new() }).unwrap();
        }
        let (stage, what, advice) = (Stage::Intake, "it was not delivered".to_string(), "submit again".to_string());
        for clip in ["missed", "damaged"] {
            let (what, advice) = (what.clone(), advice.clone());
            journal.step(clip, Step::Failed { stage, platforms: Vec::new(), what, advice });
        }
        journal.step("approved-before", Step::Finished);
        let delivered = Delivered::of(out);
        let receipts = [
            ("back", "new", None, Vec::new()),
            ("back-too-late", "old", None, Vec::new()),
            ("damaged", "new", None, vec![digest("discarded")]),
            ("in-place-and-back", "new", None, Vec::new()),
            ("failed", "new", Some(failure()), Vec::new()),
            ("failed-before", "old", Some(failure()), Vec::new()),
        ];
        for (clip, fingerprint, failed, renders) in receipts {
            let receipt = Receipt {
                clip: clip.into(),
                content: digest("clip"),
                fingerprint: digest(fingerprint),
                computer: "n2".into(),
                at: "2026-11-23T02:00:00Z".into(),
                failed,
                cuts: Vec::new(),
                renders,
                cover: None,
                rejected: BTreeMap::new(),
            };
            delivered.give_receipt(&receipt).unwrap();
        }
        let journal = Glance::of(&file).unwrap();
        let so_far = |clip: &str, at: &str, now: &Now| {
            let handed = Handed { clip: clip.into(), fingerprint: digest("new"), at: at.into() };
            away(&handed, now, &journal, &delivered).map(|(away, _)| away)
        };
        let failed = Away::Failed { computer: "n2".into(), failures: vec![failure()] };
        let rests = Now::Rests(None);
        for (clip, wanted) in [
            ("new", Some(Away::Out)),
            ("as-before", Some(Away::Out)),
            ("approved-before", Some(Away::Out)),
            ("back", Some(Away::Back)),
            ("back-too-late", Some(Away::Out)),
            ("failed", Some(failed)),
            ("failed-before", Some(Away::Out)),
            ("in-place", None),
            ("in-place-and-back", None),
            ("missed", None),
            ("damaged", None),
        ] {
            assert_eq!(so_far(clip, "2026-01-01T00:00:00Z", &rests), wanted, "{clip}");
        }
        // What was said before it was submitted once more counts no more.
        for clip in ["in-place", "missed", "damaged"] {
            assert_eq!(so_far(clip, "2226-01-01T00:00:00Z", &rests), Some(Away::Out), "{clip}");
        }
        assert_eq!(so_far("back", "2026-01-01T00:00:00Z", &Now::Working(Step::Waiting, String::new())), None);
    }
}
