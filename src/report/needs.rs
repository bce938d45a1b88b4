//! What stands at the head of a page of the report: how many clips and cuts there are, what failed, and which clips wait.

use super::brief::ClipBrief;
use super::clip_report::{ClipReport, ClipState, CutState};
use super::phrases::{counted, sentence};
use super::sheet::{heading, name_of};
use std::collections::BTreeMap;

/// The head of a page.
#[derive(Default)]
pub(super) struct Needs {
    pub clips: String,
    pub cuts: String,
    /// How much failed, where anything did.
    pub failures: Option<String>,
    pub skipped: Option<String>,
    /// How many clips wait for approval, where any do.
    pub waiting: Option<String>,
    /// Clips of which something failed, and how many more there are than stand here.
    pub problems: Vec<Problem>,
    pub more_problems: usize,
    /// Clips that wait, and how many more there are than stand here.
    pub held: Vec<Waiting>,
    pub more_held: usize,
}

/// Why something of a clip was not made.
pub(super) struct Problem {
    /// Where the clip stands.
    pub link: String,
    pub heading: String,
    /// What failed for the clip as a whole, and what to do.
    pub clip: Option<(String, String)>,
    /// What failed for single cuts: platform, what, advice.
    pub cuts: Vec<(String, String, String)>,
}

/// A clip that waits for approval.
pub(super) struct Waiting {
    /// Where the clip stands.
    pub link: String,
    pub heading: String,
    pub name: String,
    pub why: Vec<String>,
}

impl Problem {
    /// What failed of a clip that stands at `link`; none where nothing did. `names` are those of the platforms.
    pub fn of(report: &ClipReport, link: String, names: &BTreeMap<String, String>) -> Option<Self> {
        let clip = match &report.state {
            ClipState::Failed { what, advice, .. } => Some((sentence(what), sentence(advice))),
            ClipState::Done | ClipState::Unchanged => None,
        };
        let cuts = report.cuts.iter().filter_map(|cut| match &cut.state {
            CutState::Failed { what, advice, .. } => {
                Some((name_of(&cut.platform, names), sentence(what), sentence(advice)))
            }
            CutState::Published | CutState::Held | CutState::Unmade => None,
        });
        let cuts: Vec<_> = cuts.collect();
        let heading = heading(report).to_string();
        (clip.is_some() || !cuts.is_empty()).then_some(Problem { link, heading, clip, cuts })
    }
}

impl Waiting {
    /// Why a clip waits that stands at `link`; none where it does not.
    pub fn of(report: &ClipReport, link: String) -> Option<Self> {
        let (heading, name, why) = (heading(report), &report.name, report.signoff.standing.reasons());
        report.is_held().then(|| Waiting { link, heading: heading.to_string(), name: name.clone(), why })
    }
}

/// Sums over the clips of a page, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub clips: usize,
    pub cuts: usize,
    pub failures: usize,
    pub skipped: usize,
    /// Clips that wait for approval.
    pub held: usize,
    /// Clips of which something failed.
    pub failed: usize,
}

impl Totals {
    /// Counts one more.
    pub fn add(&mut self, clip: &ClipBrief) {
        self.clips += 1;
        self.cuts += clip.published();
        self.failures += clip.failures();
        self.skipped += clip.skipped();
        self.held += usize::from(clip.is_held());
        self.failed += usize::from(clip.has_failure());
    }

    /// The head of a page with these sums, and the clips that `needs` names.
    pub fn told(&self, needs: Needs) -> Needs {
        let some = |count: usize, what: &str| (count > 0).then(|| counted(count, what));
        Needs {
            clips: counted(self.clips, "clip"),
            cuts: counted(self.cuts, "cut"),
            failures: some(self.failures, "problem"),
            skipped: some(self.skipped, "cut"),
            waiting: some(self.held, "clip"),
            more_problems: self.failed.saturating_sub(needs.problems.len()),
            more_held: self.held.saturating_sub(needs.held.len()),
            ..needs
        }
    }
}
