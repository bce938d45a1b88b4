//! How loud parts of a clip are, and the gain that brings them to the target. Pure.

use super::MAX_GAIN;
use crate::speech::Loudness;
use crate::units::{Span, Time};

/// Integrated loudness that cuts are brought to, LUFS: YouTube plays at about that; the others publish nothing.
pub const TARGET: f64 = -14.0;

/// Highest true peak of a cut, dBTP: room for the overshoot of the platforms' own encoders.
pub const CEILING: f64 = -1.5;

/// Gates of ITU-R BS.1770-4: absolute in LUFS, relative in LU below the mean of what passes the absolute one.
const ABSOLUTE_GATE: f64 = -70.0;
const RELATIVE_GATE: f64 = -10.0;

/// Integrated loudness of the parts in LUFS, gated by ITU-R BS.1770-4; none where all of them are silent or none holds a
/// whole 400 ms block. The momentary values are that standard's blocks: 400 ms long, one every 100 ms.
pub fn integrated(loudness: &Loudness, parts: &[Span]) -> Option<f64> {
    let inside = |index: usize| {
        let end = Time::from_millis((index as i64 + 1) * 100);
        let start = end - Time::from_millis(400);
        parts.iter().any(|part| part.start <= start && end <= part.end)
    };
    let blocks = loudness.momentary.iter().enumerate().filter(|(index, _)| inside(*index));
    let audible: Vec<f64> = blocks.map(|(_, block)| f64::from(*block)).filter(|block| *block > ABSOLUTE_GATE).collect();
    let gate = mean(audible.iter().copied())? + RELATIVE_GATE;
    mean(audible.into_iter().filter(|block| *block > gate))
}

/// Gain in dB that brings the parts to [`TARGET`], at most [`MAX_GAIN`], to the hundredth so that plans made on
/// different machines agree; 0 for silence.
pub fn gain(loudness: &Loudness, parts: &[Span]) -> f64 {
    let gain = integrated(loudness, parts).map_or(0.0, |loudness| (TARGET - loudness).min(MAX_GAIN));
    (gain * 100.0).round() / 100.0
}

/// Mean of loudness values by their power. The standard's offset of -0.691 dB cancels out.
fn mean(blocks: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = blocks.fold((0.0, 0), |(sum, count), block| (sum + 10f64.powf(block / 10.0), count + 1));
    (count > 0).then(|| 10.0 * (sum / f64::from(count)).log10())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn clip(parts: &[(usize, f32)]) -> Loudness {
        let momentary = parts.iter().flat_map(|(count, value)| vec![*value; *count]).collect();
        Loudness { momentary, peaks: Vec::new() }
    }

    fn seconds(start: f64, end: f64) -> [Span; 1] {
        [Span::new(Time::from_seconds(start), Time::from_seconds(end))]
    }

    #[test]
    fn pauses_do_not_count() {
        // The mean of what passes -70 is -26.0, so the relative gate of -36.0 drops the pause at -40.
        let clip = clip(&[(100, -23.0), (100, -40.0), (100, -120.0)]);
        assert!((integrated(&clip, &seconds(0.0, 30.0)).unwrap() + 23.0).abs() < 1e-6);
        assert_eq!(gain(&clip, &seconds(0.0, 30.0)), 9.0);
    }

    #[test]
    fn only_the_range_counts() {
        let clip = clip(&[(100, -30.0), (100, -20.0)]);
        // Blocks that reach over the border belong to neither side.
        assert_eq!(gain(&clip, &seconds(0.0, 10.0)), 16.0);
        assert_eq!(gain(&clip, &seconds(9.7, 20.0)), 6.0);
    }

    #[test]
    fn what_is_left_out_does_not_count() {
        let clip = clip(&[(100, -20.0), (100, -6.0), (100, -20.0)]);
        let parts = [seconds(0.0, 10.0), seconds(20.3, 30.0)].concat();
        assert_eq!(gain(&clip, &parts), 6.0);
        assert!(gain(&clip, &seconds(0.0, 30.0)) < 0.0);
    }

    #[test]
    fn power_is_averaged_not_decibels() {
        let clip = clip(&[(100, -20.0), (100, -26.0)]);
        let power = (10f64.powf(-2.0) * 97.0 + 10f64.powf(-2.6) * 100.0) / 197.0;
        assert!((integrated(&clip, &seconds(0.0, 20.0)).unwrap() - 10.0 * power.log10()).abs() < 1e-6);
    }

    #[test]
    fn silence_and_whispers_are_not_blown_up() {
        assert_eq!(gain(&clip(&[(50, -120.0)]), &seconds(0.0, 5.0)), 0.0);
        assert_eq!(gain(&clip(&[(50, -60.0)]), &seconds(0.0, 5.0)), MAX_GAIN);
        assert_eq!(gain(&clip(&[(50, -20.0)]), &seconds(0.0, 0.3)), 0.0);
    }
}
