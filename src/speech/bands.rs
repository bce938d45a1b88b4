//! How strong a sound is in four bands of pitch, every 10 ms. Pure.

use super::SAMPLE_RATE;
use std::f32::consts::{FRAC_1_SQRT_2, TAU};

/// Samples from one frame to the next: 10 ms.
pub(super) const HOP: usize = SAMPLE_RATE as usize / 100;
/// How many bands there are.
pub(super) const BANDS: usize = 4;
/// The level of each band, in dB, lowest band first.
pub(super) type Frame = [f32; BANDS];

/// Where the bands begin and end, in Hz: the voice itself with the murmur of "m" and "n"; the open mouth of a vowel; what
/// tells vowels apart, with the bursts of "k" and "g"; hiss. What is below 100 Hz is hum and handling.
const EDGES: [(f32, Option<f32>); BANDS] =
    [(100.0, Some(500.0)), (500.0, Some(1500.0)), (1500.0, Some(3500.0)), (3500.0, None)];
/// The level of digital silence, in dB.
const NOTHING: f32 = -120.0;

/// The frames of `pcm` (16 kHz mono); the last samples that fill none are left out. Levels are smoothed over three frames,
/// so that the pulses of a low voice do not show.
pub(super) fn frames(pcm: &[f32]) -> Vec<Frame> {
    let mut frames = vec![[NOTHING; BANDS]; pcm.len() / HOP];
    for (band, &(low, high)) in EDGES.iter().enumerate() {
        let mut filters: Vec<Filter> = [Filter::above(low); 2].into_iter().collect();
        filters.extend(high.iter().flat_map(|&edge| [Filter::below(edge); 2]));
        let mut filtered = |x: &f32| filters.iter_mut().fold(*x, |x, filter| filter.next(x));
        let power = |hop: &[f32]| hop.iter().map(|x| filtered(x).powi(2)).sum::<f32>() / HOP as f32;
        let powers: Vec<f32> = pcm.chunks_exact(HOP).map(power).collect();
        for (i, frame) in frames.iter_mut().enumerate() {
            let beside = powers[i.saturating_sub(1)] + powers[(i + 1).min(powers.len() - 1)];
            frame[band] = (10.0 * (0.25 * beside + 0.5 * powers[i]).log10()).max(NOTHING);
        }
    }
    frames
}

/// A filter of second order (Butterworth), in the transposed direct form II.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filter {
    forward: [f32; 3],
    back: [f32; 2],
    kept: [f32; 2],
}

impl Filter {
    fn above(edge: f32) -> Self {
        let cosine = (TAU * edge / SAMPLE_RATE as f32).cos();
        Self::new(edge, [(1.0 + cosine) / 2.0, -(1.0 + cosine), (1.0 + cosine) / 2.0])
    }

    pub(super) fn below(edge: f32) -> Self {
        let cosine = (TAU * edge / SAMPLE_RATE as f32).cos();
        Self::new(edge, [(1.0 - cosine) / 2.0, 1.0 - cosine, (1.0 - cosine) / 2.0])
    }

    fn new(edge: f32, forward: [f32; 3]) -> Self {
        let turn = TAU * edge / SAMPLE_RATE as f32;
        let wide = turn.sin() / (2.0 * FRAC_1_SQRT_2);
        let unit = 1.0 + wide;
        let back = [-2.0 * turn.cos() / unit, (1.0 - wide) / unit];
        Filter { forward: forward.map(|x| x / unit), back, kept: [0.0; 2] }
    }

    pub(super) fn next(&mut self, x: f32) -> f32 {
        let y = self.forward[0] * x + self.kept[0];
        self.kept = [self.forward[1] * x - self.back[0] * y + self.kept[1], self.forward[2] * x - self.back[1] * y];
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_lies_in_its_band_at_its_level() {
        for (pitch, band) in [(220.0, 0), (900.0, 1), (2400.0, 2), (5500.0, 3)] {
            let tone: Vec<f32> = (0..8000).map(|i| 0.1 * (TAU * pitch * i as f32 / SAMPLE_RATE as f32).sin()).collect();
            let frame = frames(&tone)[25];
            assert!((frame[band] + 23.0).abs() < 2.5, "{pitch} Hz: {frame:?}");
            assert!((0..BANDS).all(|b| b == band || frame[b] < -33.0), "{pitch} Hz: {frame:?}");
        }
    }

    #[test]
    fn silence_and_scraps_are_no_trouble() {
        assert_eq!(frames(&[0.0; 4 * HOP + 3]), [[NOTHING; BANDS]; 4]);
        assert_eq!(frames(&[0.5; HOP - 1]), [] as [Frame; 0]);
    }
}
