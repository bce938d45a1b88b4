//! What can go wrong, as a person has to read it, and the token that stops all work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why a stage gave no result.
///
/// The stage that fails knows what happened and what helps; the pipeline adds which clip and which stage.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// Somebody asked for the work to stop. Never the root cause of a failure.
    #[error("stopped")]
    Cancelled,
    /// The stage failed.
    #[error("{what}; {advice}")]
    Failed {
        /// What happened, in words of the field, without a final stop: `the file has no video track`.
        what: String,
        /// What the person can do next, likewise: `export it again from the phone`.
        advice: String,
    },
}

impl Fault {
    /// A failure with what happened and what to do next.
    pub fn new(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Fault::Failed { what: what.into(), advice: advice.into() }
    }

    /// Whether this is only the echo of a cancellation.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Fault::Cancelled)
    }

    /// What to do next, where the fault knows.
    pub fn advice(&self) -> &str {
        match self {
            Fault::Cancelled => "run the same command again to go on",
            Fault::Failed { advice, .. } => advice,
        }
    }

    /// What happened, without the advice.
    pub fn what(&self) -> &str {
        match self {
            Fault::Cancelled => "stopped",
            Fault::Failed { what, .. } => what,
        }
    }
}

/// One token reaches every stage; once cancelled it stays so.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A token that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks all work that holds this token to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether work should stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// `Err(Fault::Cancelled)` once work should stop, so that a loop can say `cancel.check()?`.
    pub fn check(&self) -> Result<(), Fault> {
        if self.is_cancelled() { Err(Fault::Cancelled) } else { Ok(()) }
    }
}
