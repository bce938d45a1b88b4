//! Where music holds its notes. Pure.
//!
//! The voice activity detection takes chords for vowels, and Whisper then makes words of them. But a note is held: its
//! spectrum is the same a moment later, while a voice glides and goes on to the next sound. Music under a voice does not
//! count, because the voice is what is strong then.

use super::SAMPLE_RATE;
use super::bands::Filter;
use crate::units::{Span, Time};
use std::f32::consts::TAU;

/// Notes are compared by what is below 1600 Hz, which a quarter of the samples can tell.
const EACH: usize = 4;
const RATE: f32 = SAMPLE_RATE as f32 / EACH as f32;
const PITCHES: (f32, f32) = (100.0, 1600.0);
const EDGE: f32 = 1500.0;
/// A spectrum is of 64 ms, every 20 ms, ...
const WINDOW: usize = 256;
const HOP: usize = 80;
/// ... and is compared with the one that comes 120 ms later: the length of a short note, and of a sound of speech.
const LATER: usize = 6;
/// How alike (cosine) the two are where a note is held. Of four synthetic voices, alone, in noise or over music 10 dB
/// below, at most 7% of the time is that steady; of chords, 70%; of notes of a quarter of a second, 40%.
const ALIKE: f32 = 0.97;
/// Notes that follow each other this soon (in spectra) are one piece of music: where a note changes, the spectrum is
/// unsteady for 0.18 s.
const TOGETHER: usize = 12;
/// Music is held for at least this share of it ...
const HELD: f32 = 0.25;
/// ... and lasts: the longest that came together so in a voice was 0.5 s.
const SHORTEST: Time = Time::from_millis(1000);

/// Where music and nobody's voice is heard in `pcm` (16 kHz, mono): in order, not overlapping. Music of very short or
/// gliding notes is not found.
pub(super) fn held_notes(pcm: &[f32]) -> Vec<Span> {
    let spectra = spectra(pcm);
    let held = spectra.iter().zip(spectra.iter().skip(LATER)).map(|(a, b)| cosine(a, b) >= ALIKE);
    let mut runs: Vec<Run> = Vec::new();
    for (at, _) in held.enumerate().filter(|(_, held)| *held) {
        match runs.last_mut() {
            Some(run) if at - run.last <= TOGETHER => *run = Run { last: at, held: run.held + 1, ..*run },
            _ => runs.push(Run { first: at, last: at, held: 1 }),
        }
    }
    runs.retain(|run| run.held as f32 >= HELD * (run.last - run.first + 1) as f32);
    runs.iter().map(Run::span).filter(|span| span.duration() >= SHORTEST).collect()
}

/// The parts of `spans` that lie outside of `others`; both in order and without overlap.
pub(super) fn without(spans: &[Span], others: &[Span]) -> Vec<Span> {
    let mut left = Vec::new();
    for &span in spans {
        let mut start = span.start;
        for other in others.iter().filter(|other| other.overlaps(span)) {
            if other.start > start {
                left.push(Span::new(start, other.start));
            }
            start = start.max(other.end);
        }
        if start < span.end {
            left.push(Span::new(start, span.end));
        }
    }
    left
}

/// Spectra that are held, close together.
struct Run {
    first: usize,
    last: usize,
    held: usize,
}

impl Run {
    /// From the first sound that was looked at to the last.
    fn span(&self) -> Span {
        let time = |sample: usize| Time::of_samples((sample * EACH) as u64, SAMPLE_RATE);
        Span::new(time(self.first * HOP), time((self.last + LATER) * HOP + WINDOW))
    }
}

/// How strong each pitch is, every [`HOP`] samples.
fn spectra(pcm: &[f32]) -> Vec<Vec<f32>> {
    let mut filters = [Filter::below(EDGE); 2];
    let filtered = pcm.iter().map(|x| filters.iter_mut().fold(*x, |x, filter| filter.next(x)));
    // Every sample has to go through the filters, and few are kept.
    let low: Vec<f32> = filtered.enumerate().filter(|(i, _)| i % EACH == 0).map(|(_, x)| x).collect();
    let pitches = (PITCHES.0 as usize * WINDOW / RATE as usize)..(PITCHES.1 as usize * WINDOW / RATE as usize);
    let waves: Vec<Vec<(f32, f32)>> = pitches.map(wave).collect();
    let strength = |sound: &[f32], wave: &[(f32, f32)]| {
        let (a, b) = sound.iter().zip(wave).fold((0.0, 0.0), |(a, b), (x, (c, s))| (a + x * c, b + x * s));
        a.hypot(b)
    };
    let windows = low.windows(WINDOW).step_by(HOP);
    windows.map(|sound| waves.iter().map(|wave| strength(sound, wave)).collect()).collect()
}

/// A cosine and a sine of `turns` turns in a window that swells and ebbs.
fn wave(turns: usize) -> Vec<(f32, f32)> {
    let at = |i: usize| {
        let turn = TAU * i as f32 / WINDOW as f32;
        let (sine, cosine) = (turn * turns as f32).sin_cos();
        let swell = 0.5 - 0.5 * turn.cos();
        (swell * cosine, swell * sine)
    };
    (0..WINDOW).map(at).collect()
}

/// 1.0 where both have the same shape; 0.0 where one of them is silence.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f32::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: i64, end: i64) -> Span {
        Span::new(Time::from_millis(start), Time::from_millis(end))
    }

    /// Tones one after the other, each of `seconds`, that glide by `glide` octaves.
    fn tones(seconds: f32, glide: f32) -> Vec<f32> {
        let mut phase = 0f32;
        let tone = |pitch: f32| {
            let samples = (seconds * SAMPLE_RATE as f32) as usize;
            let rise = move |i: usize| pitch * 2f32.powf(glide * i as f32 / samples as f32);
            (0..samples).map(rise).collect::<Vec<f32>>()
        };
        let pitches = [220.0, 330.0, 262.0, 392.0].map(tone).concat().repeat(2);
        let next = |pitch: f32| {
            phase = (phase + pitch / SAMPLE_RATE as f32).fract();
            0.1 * (TAU * phase).sin() + 0.05 * (2.0 * TAU * phase).sin() + 0.03 * (3.0 * TAU * phase).sin()
        };
        pitches.into_iter().map(next).collect()
    }

    #[test]
    fn held_notes_are_music_and_gliding_ones_are_not() {
        for seconds in [0.3, 0.9] {
            let found = held_notes(&tones(seconds, 0.0));
            let length = (f64::from(seconds) * 8000.0) as i64;
            assert_eq!(found.len(), 1, "{seconds} s: {found:?}");
            assert!(found[0].start < Time::from_millis(200), "{seconds} s: {found:?}");
            assert!(found[0].end > Time::from_millis(length - 200), "{seconds} s: {found:?}");
        }
        assert_eq!(held_notes(&tones(0.3, 0.4)), []);
    }

    #[test]
    fn neither_silence_nor_a_short_tone_is_music() {
        assert_eq!(held_notes(&[0.0; 48_000]), []);
        assert_eq!(held_notes(&[0.1; 100]), []);
        let mut beep = vec![0.0; 48_000];
        beep[16_000..28_000].copy_from_slice(&tones(0.9, 0.0)[..12_000]);
        assert_eq!(held_notes(&beep), []);
    }

    #[test]
    fn what_is_taken_out_leaves_the_rest() {
        let spans = [span(0, 1000), span(2000, 3000), span(4000, 5000)];
        let others = [span(500, 600), span(700, 2200), span(3500, 4000), span(4900, 6000)];
        assert_eq!(without(&spans, &others), [span(0, 500), span(600, 700), span(2200, 3000), span(4000, 4900)]);
        assert_eq!(without(&spans, &[]), spans);
        assert_eq!(without(&spans, &[span(0, 9000)]), []);
    }
}
