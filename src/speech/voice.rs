//! Where somebody speaks.

use super::SAMPLE_RATE;
use super::notes::{held_notes, without};
use crate::units::{Span, Time};
use earshot::Detector;

/// Samples that the detector judges at a time: 16 ms.
const FRAME: usize = 256;
/// Frames that are averaged (80 ms): one click is no voice, one stop consonant no pause.
const SMOOTH: usize = 5;
/// Mean score at which speech begins, and below which it ends. Apart, so that a wavering voice is one span.
const ON: f32 = 0.6;
const OFF: f32 = 0.45;
/// Shorter bursts are coughs, clicks and chair legs; the shortest spoken answer ("No.") is about 0.2 s.
const SHORTEST_SPEECH: Time = Time::from_millis(140);
/// Shorter breaks are inside words (a long "t") and tell nothing about where a sentence ends.
const SHORTEST_PAUSE: Time = Time::from_millis(160);
/// Breathy onsets score low, and the detector lets go late: a span is widened more in front than behind.
const BEFORE: Time = Time::from_millis(120);
const AFTER: Time = Time::from_millis(30);
/// The level that the loud parts are brought to before detection, as RMS. Around -40 dBFS the detector hears voices
/// as surely as at -20, while noise 20 dB below them no longer scores (it does when it is above about -45 dBFS).
const DETECTION_RMS: f32 = 0.01;
/// A recording whose loud parts lie below this RMS (-75 dBFS) is silence; raising it would only raise dither.
const SILENCE_RMS: f32 = 1.8e-4;

/// Where somebody speaks in `pcm` (16 kHz, mono, -1.0 to 1.0): in order, not overlapping, inside the sound; empty when
/// nobody does. Quiet and loud voices are treated alike; music that holds its notes is no voice.
pub fn speech_spans(pcm: &[f32]) -> Vec<Span> {
    let Some(gain) = detection_gain(pcm) else { return Vec::new() };
    let scores = smoothed(&scores(pcm, gain));
    let end = Time::of_samples(pcm.len() as u64, SAMPLE_RATE);
    let mut spans: Vec<Span> = Vec::new();
    for span in without(&active(&scores), &held_notes(pcm)) {
        match spans.last_mut() {
            Some(last) if span.start - last.end < SHORTEST_PAUSE => last.end = span.end,
            _ => spans.push(span),
        }
    }
    spans.retain(|span| span.duration() >= SHORTEST_SPEECH);
    // The shortest pause is longer than both together, so widened spans still do not touch.
    spans.into_iter().map(|s| Span::new((s.start - BEFORE).max(Time::ZERO), (s.end + AFTER).min(end))).collect()
}

/// What brings the loud parts to the detection level; `None` where there is only silence.
fn detection_gain(pcm: &[f32]) -> Option<f32> {
    let mut levels: Vec<f32> = pcm.chunks_exact(FRAME).map(rms).collect();
    levels.sort_by(f32::total_cmp);
    // Not the peak, which a single knock on the table can set.
    let loud = *levels.get(levels.len() * 98 / 100)?;
    (loud > SILENCE_RMS).then(|| DETECTION_RMS / loud)
}

fn rms(frame: &[f32]) -> f32 {
    (frame.iter().map(|x| x * x).sum::<f32>() / frame.len() as f32).sqrt()
}

/// The detector's score of each frame, 0.0 to 1.0.
fn scores(pcm: &[f32], gain: f32) -> Vec<f32> {
    let mut detector = Detector::default_boxed();
    let mut frame = [0.0; FRAME];
    pcm.chunks_exact(FRAME)
        .map(|samples| {
            for (to, from) in frame.iter_mut().zip(samples) {
                *to = (from * gain).clamp(-1.0, 1.0);
            }
            detector.predict_f32(&frame)
        })
        .collect()
}

/// The mean over [`SMOOTH`] frames, centred.
fn smoothed(scores: &[f32]) -> Vec<f32> {
    let reach = SMOOTH / 2;
    (0..scores.len())
        .map(|i| {
            let window = &scores[i.saturating_sub(reach)..(i + reach + 1).min(scores.len())];
            window.iter().sum::<f32>() / window.len() as f32
        })
        .collect()
}

/// Runs of frames from a score of [`ON`] to one below [`OFF`].
fn active(scores: &[f32]) -> Vec<Span> {
    let time = |frame: usize| Time::of_samples((frame * FRAME) as u64, SAMPLE_RATE);
    let mut spans = Vec::new();
    let mut since = None;
    for (i, &score) in scores.iter().enumerate() {
        match since {
            None if score >= ON => since = Some(i),
            Some(start) if score < OFF => {
                spans.push(Span::new(time(start), time(i)));
                since = None;
            }
            _ => {}
        }
    }
    spans.extend(since.map(|start| Span::new(time(start), time(scores.len()))));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(samples: usize, rms: f32) -> Vec<f32> {
        let mut state = 88_172_645_463_325_252u64;
        (0..samples)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * rms * 3f32.sqrt()
            })
            .collect()
    }

    fn share(spans: &[Span], pcm: &[f32]) -> f64 {
        let spoken: f64 = spans.iter().map(|s| s.duration().seconds()).sum();
        spoken / Time::of_samples(pcm.len() as u64, SAMPLE_RATE).seconds()
    }

    #[test]
    fn silence_and_scraps_hold_no_speech() {
        for samples in [0, 1, FRAME - 1, 160_000] {
            assert_eq!(speech_spans(&vec![0.0; samples]), [], "{samples} samples");
        }
        assert_eq!(speech_spans(&noise(160_000, 1e-4)), [], "dither");
    }

    #[test]
    fn noise_and_hum_hold_next_to_no_speech() {
        for level in [0.3, 0.03, 0.003, 0.0005] {
            let white = noise(160_000, level);
            let found = share(&speech_spans(&white), &white);
            assert!(found < 0.05, "white noise at {level}: {found}");
            let hum: Vec<f32> = (0..160_000)
                .map(|i| {
                    let turn = i as f32 / SAMPLE_RATE as f32 * std::f32::consts::TAU;
                    level * ((50.0 * turn).sin() + 0.5 * (100.0 * turn).sin() + 0.3 * (150.0 * turn).sin())
                })
                .collect();
            let found = share(&speech_spans(&hum), &hum);
            assert!(found < 0.05, "hum at {level}: {found}");
        }
    }

    #[test]
    fn short_bursts_are_dropped_and_short_breaks_bridged() {
        let scores = |runs: &[(usize, f32)]| -> Vec<f32> {
            runs.iter().flat_map(|&(n, score)| std::iter::repeat_n(score, n)).collect()
        };
        assert_eq!(active(&scores(&[(10, 0.1), (20, 0.9), (10, 0.5), (10, 0.1)])).len(), 1);
        assert_eq!(active(&scores(&[(20, 0.9)])), [Span::new(Time::ZERO, Time::from_millis(320))]);
    }
}
