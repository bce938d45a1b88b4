//! What stays in memory of a clip while thousands are gone through: who it is and how it stands, a few hundred bytes. All
//! that is said, posted and made of it lies in the cache, as a [`ClipReport`].

use super::clip_report::{ClipReport, ClipState, CutState};
use crate::pipeline::Standing;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// How a clip stands, without what is said in it. It can be read from a whole report, of which it takes no more than that.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Stored")]
pub struct ClipBrief {
    /// Stem of every file made from it: `razor-bumps`.
    pub name: String,
    /// File name of the clip, without its folder.
    pub file: String,
    /// What became of it as a whole.
    pub state: ClipState,
    is_held: bool,
    published: usize,
    failed: usize,
    skipped: usize,
}

/// What of a report counts here; the rest is passed over.
#[derive(Deserialize)]
struct Stored {
    name: String,
    file: String,
    state: ClipState,
    signoff: StoredSignoff,
    cuts: Vec<StoredCut>,
    skipped: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct StoredSignoff {
    standing: Standing,
}

#[derive(Deserialize)]
struct StoredCut {
    state: CutState,
}

impl ClipBrief {
    /// Whether the clip or any of its cuts failed.
    pub fn has_failure(&self) -> bool {
        self.failures() > 0
    }

    /// Whether the clip waits for a person. One that could not be made at all waits for nobody.
    pub fn is_held(&self) -> bool {
        self.is_held
    }

    /// How many cuts are in their place.
    pub fn published(&self) -> usize {
        self.published
    }

    /// How much of it failed: cuts, and the clip as a whole.
    pub fn failures(&self) -> usize {
        self.failed + usize::from(matches!(self.state, ClipState::Failed { .. }))
    }

    /// How many platforms get no cut of it.
    pub fn skipped(&self) -> usize {
        self.skipped
    }
}

impl From<Stored> for ClipBrief {
    fn from(stored: Stored) -> Self {
        let Stored { name, file, state, signoff, cuts, skipped } = stored;
        let is_held = signoff.standing.is_held() && !matches!(state, ClipState::Failed { .. });
        let count = |of: fn(&CutState) -> bool| cuts.iter().filter(|cut| of(&cut.state)).count();
        let published = count(|state| *state == CutState::Published);
        let failed = count(|state| matches!(state, CutState::Failed { .. }));
        ClipBrief { name, file, state, is_held, published, failed, skipped: skipped.len() }
    }
}

impl From<&ClipReport> for ClipBrief {
    fn from(report: &ClipReport) -> Self {
        ClipBrief {
            name: report.name.clone(),
            file: report.file.clone(),
            state: report.state.clone(),
            is_held: report.is_held(),
            published: report.published(),
            failed: report.cuts.iter().filter(|cut| matches!(cut.state, CutState::Failed { .. })).count(),
            skipped: report.skipped.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cuts::{Limits, Skipped};
    use crate::fault::Fault;
    use crate::pipeline::Stage;
    use crate::pipeline::signoff::Why;
    use crate::report::CutReport;
    use crate::units::{Size, Time};

    fn cut(state: CutState) -> CutReport {
        CutReport {
            platform: "x".into(),
            file: "x/a.mp4".into(),
            state,
            canvas: Size::new(720, 1280),
            bytes: 1,
            duration: Time::ZERO,
            loudness: None,
            true_peak: None,
            limits: Limits { min_duration: Time::ZERO, max_duration: Time::from_seconds(60.0), max_bytes: 2 },
            shared_with: Vec::new(),
            post: None,
        }
    }

    #[test]
    fn ten_thousand_briefs_are_a_few_megabytes() {
        assert!(size_of::<ClipBrief>() <= 200, "{} bytes, and what its names take", size_of::<ClipBrief>());
    }

    #[test]
    fn a_brief_is_the_same_from_memory_and_from_the_cache() {
        let failed = ClipReport::failed("a", "a.mov", Stage::Probe, &Fault::new("no video", "copy it again"));
        let lost = CutState::Failed { what: "too quiet".into(), advice: "run again".into(), kept: None };
        let mixed = ClipReport {
            state: ClipState::Done,
            cuts: [CutState::Published, CutState::Held, CutState::Unmade, lost].map(cut).into(),
            skipped: vec![Skipped { platform: "tiktok".into(), reason: "too long".into() }],
            ..failed.clone()
        };
        let held = ClipReport { cuts: vec![cut(CutState::Published)], ..mixed.clone() };
        let held = held.standing(Standing::Held(vec![Why::EveryClip]));
        for (report, counts) in [(&failed, (0, 1, 0, false)), (&mixed, (1, 1, 1, false)), (&held, (0, 0, 1, true))] {
            let brief = ClipBrief::from(report);
            assert_eq!((brief.published(), brief.failures(), brief.skipped(), brief.is_held()), counts, "{report:?}");
            assert_eq!((brief.has_failure(), brief.is_held()), (report.has_failure(), report.is_held()));
            let text = serde_json::to_string(report).unwrap();
            assert_eq!(serde_json::from_str::<ClipBrief>(&text).unwrap(), brief);
        }
        let waits = failed.standing(Standing::Held(vec![Why::EveryClip]));
        assert!(!ClipBrief::from(&waits).is_held() && !waits.is_held());
    }
}
