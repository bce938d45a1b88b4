//! How often a batch did what is costly. What is known or in place must not be made again, and this shows whether it was.

use serde::Serialize;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often a batch began what is costly. Checks of finished files do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Work {
    /// Passes over a clip's pictures: one to look for faces, one for all its renders and its cover together.
    pub decodes: usize,
    /// Clips that the speech model listened to.
    pub transcriptions: usize,
    /// Unique renders that were encoded; cuts that share one count once.
    pub encodes: usize,
}

/// Counts the work of all threads of a batch.
#[derive(Debug, Default)]
pub struct Tally {
    decodes: AtomicUsize,
    transcriptions: AtomicUsize,
    encodes: AtomicUsize,
}

impl Tally {
    /// A pass over a clip's pictures begins.
    pub fn decode(&self) {
        self.decodes.fetch_add(1, Ordering::Relaxed);
    }

    /// The model begins to listen to a clip.
    pub fn transcribe(&self) {
        self.transcriptions.fetch_add(1, Ordering::Relaxed);
    }

    /// So many renders begin to be encoded.
    pub fn encode(&self, renders: usize) {
        self.encodes.fetch_add(renders, Ordering::Relaxed);
    }

    /// What was counted until now.
    pub fn work(&self) -> Work {
        Work {
            decodes: self.decodes.load(Ordering::Relaxed),
            transcriptions: self.transcriptions.load(Ordering::Relaxed),
            encodes: self.encodes.load(Ordering::Relaxed),
        }
    }
}
