//! What can go wrong, as a person has to read it, and the token that stops all work.

use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Why a stage gave no result.
///
/// The stage that fails knows what happened and what helps; the pipeline adds which clip and which stage.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
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
    /// The process that did the work died or was stopped. That may be no fault of the clip, so another attempt is worth it.
    #[error("{what}; {advice}")]
    Died {
        /// As in [`Fault::Failed`].
        what: String,
        /// Likewise.
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

    /// The process that did the work died: what happened and what to do next.
    pub fn died(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Fault::Died { what: what.into(), advice: advice.into() }
    }

    /// Whether the process that did the work died, so that the same work may succeed once more.
    pub fn is_death(&self) -> bool {
        matches!(self, Fault::Died { .. })
    }

    /// What to do next, where the fault knows.
    pub fn advice(&self) -> &str {
        match self {
            Fault::Cancelled => "run the same command again to go on",
            Fault::Failed { advice, .. } | Fault::Died { advice, .. } => advice,
        }
    }

    /// What happened, without the advice.
    pub fn what(&self) -> &str {
        match self {
            Fault::Cancelled => "stopped",
            Fault::Failed { what, .. } | Fault::Died { what, .. } => what,
        }
    }
}

/// A fault for a file that cannot be written, with advice by cause.
pub fn cannot_write(file: &Path, error: &io::Error) -> Fault {
    let advice = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space on the disk and run again; nothing that was finished is lost"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "choose an output folder that you may write to, with --out"
        }
        _ => "check the disk and run again",
    };
    Fault::new(format!("{} cannot be written ({error})", file.display()), advice)
}

/// One token reaches every stage; once cancelled it stays so. Every loop asks it, so it also knows whether work goes on.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    stopped: AtomicBool,
    times: AtomicU64,
    /// What also stops this work.
    whole: Option<Cancel>,
}

impl Cancel {
    /// A token that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// A token for a part of the work, which stops with the whole and can be stopped alone.
    pub fn part(&self) -> Self {
        Cancel(Arc::new(Asked { whole: Some(self.clone()), ..Asked::default() }))
    }

    /// Asks all work that holds this token to stop.
    pub fn cancel(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether work should stop. For whoever waits: it is no sign that work goes on.
    pub fn is_cancelled(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed) || self.0.whole.as_ref().is_some_and(Cancel::is_cancelled)
    }

    /// `Err(Fault::Cancelled)` once work should stop, so that a loop can say `cancel.check()?`. Counts.
    pub fn check(&self) -> Result<(), Fault> {
        self.0.times.fetch_add(1, Ordering::Relaxed);
        if self.is_cancelled() { Err(Fault::Cancelled) } else { Ok(()) }
    }

    /// How often work has checked. While it moves, nothing hangs.
    pub fn checks(&self) -> u64 {
        self.0.times.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_stops_with_the_whole_and_can_be_stopped_alone() {
        let whole = Cancel::new();
        let (one, other) = (whole.part(), whole.part());
        one.cancel();
        assert!(one.is_cancelled() && !other.is_cancelled() && !whole.is_cancelled());
        whole.cancel();
        assert!(other.is_cancelled() && other.check().is_err());
    }
}
