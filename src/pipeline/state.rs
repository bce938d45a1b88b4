//! In one word how a clip stands.

use super::away::Away;
use super::desk::{ClipStatus, Now};
use super::journal::Step;
use super::signoff::Standing;
use crate::report::ClipState;

/// How a clip stands. In the order in which clips are listed: those that need somebody come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It waits for a person.
    Held,
    /// It or one of its cuts could not be made.
    Failed,
    /// A run was stopped or killed before it was done.
    CutOff,
    /// Cuts that were made are gone or were changed.
    Missing,
    /// A cluster made it, and nobody has put it into place.
    Back,
    /// Somebody is at it.
    Working,
    /// It is with a cluster.
    Away,
    /// Somebody approved it.
    Approved,
    /// It needed nobody.
    Done,
}

impl State {
    /// All, in their order.
    pub const ALL: [State; 9] = [
        State::Held,
        State::Failed,
        State::CutOff,
        State::Missing,
        State::Back,
        State::Working,
        State::Away,
        State::Approved,
        State::Done,
    ];

    /// As `housecall status --json` names it.
    pub fn name(self) -> &'static str {
        match self {
            State::Held => "held",
            State::Failed => "failed",
            State::CutOff => "cut-off",
            State::Missing => "missing",
            State::Back => "delivered",
            State::Working => "working",
            State::Away => "with-cluster",
            State::Approved => "approved",
            State::Done => "done",
        }
    }
}

impl ClipStatus {
    /// How it stands, in one word.
    pub fn state(&self) -> State {
        match (&self.now, &self.report) {
            (Now::Working(..), _) => State::Working,
            (Now::Away(Away::Out, _), _) => State::Away,
            (Now::Away(Away::Back, _), _) => State::Back,
            (Now::Away(Away::Failed { .. }, _), _) => State::Failed,
            (Now::CutOff(_), _) => State::CutOff,
            (Now::Failed(_), _) => State::Failed,
            (_, Some((report, _))) if matches!(report.state, ClipState::Failed { .. }) => State::Failed,
            (Now::Missing(_), _) => State::Missing,
            (Now::Rests(_), Some((_, Standing::Held(_)))) => State::Held,
            (Now::Rests(_), Some((report, _))) if report.has_failure() => State::Failed,
            (Now::Rests(_), Some((_, Standing::Approved(_)))) => State::Approved,
            (Now::Rests(_), Some((report, Standing::Free))) if report.has_unmade() => State::CutOff,
            // The report is lost; the journal still knows.
            (Now::Rests(Some(Step::Held)), None) => State::Held,
            (Now::Rests(Some(Step::Failed { .. })), None) => State::Failed,
            (Now::Rests(_), _) => State::Done,
        }
    }
}
