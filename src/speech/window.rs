//! How much of its window of 30 s Whisper's encoder goes over. Pure.

use super::SAMPLE_RATE;
use serde::{Deserialize, Serialize};

/// Samples of one position of the encoder: 20 ms.
const POSITION: usize = SAMPLE_RATE as usize / 50;
/// Positions of the whole window.
const WHOLE: usize = 30 * SAMPLE_RATE as usize / POSITION;
/// Positions of silence after a stretch, 2.56 s: without some, a model does not know that the speech has ended.
const AFTER: usize = 128;
/// Positions are counted in these, so that the arithmetic works on whole blocks.
const BLOCK: usize = 64;

/// How much of its window a model's encoder goes over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AudioContext {
    /// All of it, as in training: a short stretch takes as long as one of 30 s.
    #[default]
    Full,
    /// The stretch and a little silence after it.
    Fitted,
}

impl AudioContext {
    /// The positions of 20 ms that the encoder goes over for a stretch of so many samples (16 kHz), at most the whole
    /// window; all of the stretch is within them.
    pub fn positions(self, samples: usize) -> usize {
        match self {
            AudioContext::Full => WHOLE,
            AudioContext::Fitted => (samples.div_ceil(POSITION) + AFTER).next_multiple_of(BLOCK).min(WHOLE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fitted_window_holds_the_stretch_and_is_never_more_than_the_whole() {
        let second = SAMPLE_RATE as usize;
        for samples in (0..=30 * second).step_by(777).chain([30 * second]) {
            let positions = AudioContext::Fitted.positions(samples);
            assert!(positions * POSITION >= samples && positions <= WHOLE, "{samples}: {positions}");
            assert_eq!(AudioContext::Full.positions(samples), 1500);
        }
        assert_eq!(AudioContext::Fitted.positions(6 * second), 448);
    }
}
