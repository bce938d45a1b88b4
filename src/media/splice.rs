//! Parts of a sound, one after the other, without a click where they meet. Pure.

use super::sound::CUT_RATE;
use crate::cuts::Kept;
use crate::units::Rate;
use std::collections::VecDeque;
use std::f32::consts::FRAC_PI_2;
use std::ops::Range;

/// Half of a crossfade in samples: two sides share 12 ms at 48 kHz, too short to hear as a fade, too long for a click.
const HALF: i64 = 288;
/// Length of the fades at the very start and end in samples: 10 ms.
const FADE: i64 = 480;

/// The kept parts as samples of the clip at [`CUT_RATE`], each exactly as long as its pictures: lengths are counted from
/// the start of the cut, so that rounding does not add up over many joins.
pub fn pieces(kept: &Kept, rate: Rate) -> Vec<Range<u64>> {
    let place = |frame: i64| rate.time_of(frame).samples(CUT_RATE) as u64;
    let mut shown = 0;
    let piece = |part: Range<i64>| {
        let (start, before) = (place(part.start), place(shown));
        shown += part.end - part.start;
        start..start + place(shown) - before
    };
    kept.parts(rate).map(piece).collect()
}

/// Takes a clip's stereo samples in order and gives those of the cut.
///
/// A crossfade lies across each join: it takes 6 ms of each side from what is left out there, so the parts stay where
/// they are and keep in step with the picture. The two sides are strangers to each other (a room's noise), so their
/// powers and not their amplitudes add up to one.
pub struct Splice {
    pieces: Vec<Range<u64>>,
    /// Where each piece starts in the cut.
    places: Vec<u64>,
    /// Samples at the start that nobody will hear; the fade comes after them.
    unheard: i64,
    /// Number of the clip's next sample.
    at: u64,
    /// The first piece that may still get samples.
    current: usize,
    /// Samples of the cut that may still get more of a crossfade.
    open: VecDeque<[f32; 2]>,
    /// Samples of the cut that were given away.
    given: u64,
}

impl Splice {
    /// A splice of these pieces, in order and not overlapping. The first `unheard` samples of the cut are silent.
    pub fn new(pieces: Vec<Range<u64>>, unheard: usize) -> Self {
        let mut length = 0;
        let place = |piece: &Range<u64>| {
            length += piece.end - piece.start;
            length - (piece.end - piece.start)
        };
        let places = pieces.iter().map(place).collect();
        Splice { pieces, places, unheard: unheard as i64, at: 0, current: 0, open: VecDeque::new(), given: 0 }
    }

    /// Takes interleaved samples of the clip and appends what is ready to `out`.
    pub fn add(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        for pair in samples.chunks_exact(2) {
            for index in self.current..self.pieces.len() {
                let number = self.at as i64 - self.pieces[index].start as i64;
                if number < -self.reach_before(index) {
                    break;
                }
                if number < self.length(index) + self.reach_after(index) {
                    self.mix(index, number, [pair[0], pair[1]]);
                }
            }
            self.at += 1;
            while self.current < self.pieces.len() && self.at as i64 >= self.end_of(self.current) {
                self.current += 1;
            }
        }
        self.give(self.settled(), out);
    }

    /// Whether no further sample of the clip is heard in the cut.
    pub fn is_done(&self) -> bool {
        self.current == self.pieces.len()
    }

    /// Appends what is still inside; how many samples are then missing, where the clip's sound ended before its picture.
    pub fn finish(&mut self, out: &mut Vec<f32>) -> u64 {
        let end = self.places.last().map_or(0, |place| place + self.length(self.places.len() - 1) as u64);
        self.give((self.given + self.open.len() as u64).min(end), out);
        end - self.given
    }

    fn length(&self, index: usize) -> i64 {
        (self.pieces[index].end - self.pieces[index].start) as i64
    }

    /// How far a piece reaches into the one before it in the cut.
    fn reach_before(&self, index: usize) -> i64 {
        if index == 0 { 0 } else { HALF }
    }

    /// How far a piece reaches into the one after it in the cut.
    fn reach_after(&self, index: usize) -> i64 {
        if index + 1 == self.pieces.len() { 0 } else { HALF }
    }

    /// The first sample of the clip after all that a piece takes.
    fn end_of(&self, index: usize) -> i64 {
        self.pieces[index].end as i64 + self.reach_after(index)
    }

    /// Adds a sample to its place in the cut; `number` counts from the start of its piece.
    fn mix(&mut self, index: usize, number: i64, pair: [f32; 2]) {
        let weight = self.weight(index, number);
        let Ok(place) = usize::try_from(self.places[index] as i64 + number - self.given as i64) else { return };
        if self.open.len() <= place {
            self.open.resize(place + 1, [0.0; 2]);
        }
        let [left, right] = &mut self.open[place];
        *left += pair[0] * weight;
        *right += pair[1] * weight;
    }

    fn weight(&self, index: usize, number: i64) -> f32 {
        let share = |done: i64, of: i64| ((done as f32 + 0.5) / of as f32).clamp(0.0, 1.0);
        let rise = match index {
            0 if number < self.unheard => 0.0,
            0 => share(number - self.unheard, FADE),
            _ => (share(number + HALF, 2 * HALF) * FRAC_PI_2).sin(),
        };
        let left = self.length(index) - number;
        let fall = match self.reach_after(index) {
            0 => share(left - 1, FADE),
            _ => (share(left + HALF - 1, 2 * HALF) * FRAC_PI_2).sin(),
        };
        rise * fall
    }

    /// The first sample of the cut that may still change.
    fn settled(&self) -> u64 {
        let next = |index: usize| {
            let reached = self.at as i64 - self.pieces[index].start as i64;
            self.places[index] as i64 + reached.max(-self.reach_before(index))
        };
        let open = (self.current..self.pieces.len()).take(2).map(next).min();
        open.map_or(self.given + self.open.len() as u64, |place| place.max(0) as u64)
    }

    fn give(&mut self, until: u64, out: &mut Vec<f32>) {
        let ready = (until.saturating_sub(self.given) as usize).min(self.open.len());
        out.extend(self.open.drain(..ready).flatten());
        self.given += ready as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The left channel of the cut, from sound that comes in uneven chunks.
    fn spliced(pieces: &[Range<u64>], clip: &[f32], unheard: usize) -> (Vec<f32>, u64) {
        let mut splice = Splice::new(pieces.to_vec(), unheard);
        let mut out = Vec::new();
        for chunk in clip.chunks(997) {
            let pairs: Vec<f32> = chunk.iter().flat_map(|s| [*s, -*s]).collect();
            splice.add(&pairs, &mut out);
        }
        let missing = splice.finish(&mut out);
        assert!(out.chunks_exact(2).all(|pair| pair[0] == -pair[1]));
        (out.chunks_exact(2).map(|pair| pair[0]).collect(), missing)
    }

    #[test]
    fn parts_lie_sample_by_sample_where_they_belong() {
        let clip: Vec<f32> = (0..400_000).map(|n| n as f32).collect();
        let pieces: Vec<Range<u64>> = (0..40).map(|n| 5_000 + n * 9_000..5_000 + n * 9_000 + 4_000 + n % 3).collect();
        let (cut, missing) = spliced(&pieces, &clip, 0);
        let mut place = 0;
        for (index, piece) in pieces.iter().enumerate() {
            let length = (piece.end - piece.start) as usize;
            let (first, last) = (if index == 0 { FADE } else { HALF }, if index == 39 { FADE } else { HALF });
            for n in first as usize..length - last as usize {
                assert_eq!(cut[place + n], clip[piece.start as usize + n], "sample {n} of piece {index}");
            }
            place += length;
        }
        assert_eq!((cut.len(), missing), (place, 0));
    }

    #[test]
    fn nothing_jumps_at_a_join_or_at_the_ends() {
        // A loud low tone, cut where its two sides are far apart.
        let clip: Vec<f32> = (0..100_000).map(|n| (n as f32 * 0.01).sin()).collect();
        let (cut, _) = spliced(&[1_000..20_157, 40_000..60_000, 60_471..90_000], &clip, 1_024);
        assert!(cut[..1_024].iter().all(|s| *s == 0.0) && cut[1_024].abs() < 0.01 && cut[cut.len() - 1].abs() < 0.01);
        let step = cut.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.02, "a step of {step}");
        assert!(cut.iter().all(|s| s.abs() < 1.45), "a join is louder than both sides");
    }

    #[test]
    fn noise_keeps_its_level_through_a_join() {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let clip: Vec<f32> = (0..4_000_000).map(|_| noise()).collect();
        let pieces: Vec<Range<u64>> = (0..400).map(|n| n * 10_000..n * 10_000 + 5_000).collect();
        let (cut, _) = spliced(&pieces, &clip, 0);
        let power = |of: &mut dyn Iterator<Item = usize>| {
            let (sum, count) = of.fold((0.0, 0), |(sum, count), n| (sum + f64::from(cut[n].powi(2)), count + 1));
            10.0 * (sum / f64::from(count)).log10()
        };
        let joins = power(&mut (1..400).flat_map(|n| n * 5_000 - 100..n * 5_000 + 100));
        let middles = power(&mut (1..400).flat_map(|n| n * 5_000 + 2_000..n * 5_000 + 3_000));
        assert!((joins - middles).abs() < 0.3, "{joins:.2} dB at joins, {middles:.2} dB between");
    }

    #[test]
    fn sound_that_ends_early_leaves_silence_to_be_filled() {
        let clip = vec![0.5; 10_000];
        let (cut, missing) = spliced(&[0..5_000, 8_000..14_000, 20_000..21_000], &clip, 0);
        assert_eq!((cut.len(), missing), (7_000, 5_000));
        let (cut, missing) = spliced(&[12_000..15_000, 16_000..16_500], &clip, 0);
        assert_eq!((cut.len(), missing), (0, 3_500));
    }

    #[test]
    fn pieces_do_not_drift_from_their_pictures() {
        let rate = Rate::new(30_000, 1001);
        let kept = Kept::of_frames(rate, (0..60).map(|n| n * 31 + 7..n * 31 + 20));
        let pieces = pieces(&kept, rate);
        assert_eq!(pieces.len(), 60);
        for (n, piece) in pieces.iter().enumerate() {
            let exact = (n as f64 * 31.0 + 7.0) * 1001.0 / 30_000.0 * 48_000.0;
            assert!((piece.start as f64 - exact).abs() <= 1.0);
        }
        let total: u64 = pieces.iter().map(|piece| piece.end - piece.start).sum();
        assert_eq!(total, rate.time_of(60 * 13).samples(CUT_RATE) as u64);
    }
}
