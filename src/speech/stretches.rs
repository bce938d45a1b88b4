//! What goes to the recogniser at once: stretches of speech, cut at pauses. Pure.

use super::SAMPLE_RATE;
use crate::units::{Span, Time};

/// A stretch starts this long before its speech: enough for a soft onset, and well under the 1 s after which
/// whisper.cpp refuses a first time stamp.
const LEAD: Time = Time::from_millis(250);
/// A stretch ends this long after its speech, so that the last word is not cut.
const TAIL: Time = Time::from_millis(250);
/// Whisper invents text in long silences and loses its clock there, so such a pause always ends a stretch. Shorter ones
/// do not, because each stretch costs the encoding of a full window.
const LONG_PAUSE: Time = Time::from_millis(1500);

/// A shorter pause may be one inside a phrase, or even a word: Whisper makes other words of the halves.
const REAL_PAUSE: Time = Time::from_millis(150);

/// Groups `speech` (in order, not overlapping) into stretches of at most `longest`, which has to be above 2 s; all lie
/// between 0 and `clip_end`, in order and without overlap, and hold all speech.
///
/// A stretch that is full ends at the longest pause in its second half; if that may be inside a phrase, at the last
/// real pause before; without any, at it nevertheless. Speech without a
/// pause is cut where `quietest` says: it gets a span and names a moment in it.
pub fn stretches(speech: &[Span], longest: Time, clip_end: Time, quietest: &dyn Fn(Span) -> Time) -> Vec<Span> {
    let room = longest - LEAD - TAIL;
    let pieces: Vec<Span> = speech.iter().flat_map(|&span| split(span, room, quietest)).collect();
    let mut groups: Vec<Span> = Vec::new();
    let mut first = 0;
    while first < pieces.len() {
        let last = last_of_group(&pieces[first..], room) + first;
        groups.push(Span::new(pieces[first].start, pieces[last].end));
        first = last + 1;
    }
    let border = |i: usize| -> Option<Time> {
        let (before, after) = (groups.get(i.checked_sub(1)?)?, groups.get(i)?);
        Some(Time((before.end.0 + after.start.0) / 2))
    };
    (0..groups.len())
        .map(|i| {
            let start = (groups[i].start - LEAD).max(border(i).unwrap_or(Time::ZERO));
            let end = (groups[i].end + TAIL).min(border(i + 1).unwrap_or(clip_end));
            Span::new(start, end)
        })
        .collect()
}

/// Index of the last piece that goes into the same stretch as the first.
fn last_of_group(pieces: &[Span], room: Time) -> usize {
    let start = pieces[0].start;
    let pause = |i: usize| pieces[i + 1].start - pieces[i].end;
    let mut fits = 0;
    while fits + 1 < pieces.len() && pieces[fits + 1].end - start <= room {
        if pause(fits) >= LONG_PAUSE {
            return fits;
        }
        fits += 1;
    }
    if fits + 1 == pieces.len() {
        return fits;
    }
    let half = (0..=fits).find(|&i| (pieces[i].end - start).0 * 2 >= room.0).unwrap_or(0);
    let longest = (half..=fits).max_by_key(|&i| pause(i)).unwrap_or(fits);
    let real = (0..=longest).rev().find(|&i| pause(i) >= REAL_PAUSE);
    real.unwrap_or(longest)
}

/// Cuts a span into pieces of at most `room`.
fn split(span: Span, room: Time, quietest: &dyn Fn(Span) -> Time) -> Vec<Span> {
    let mut pieces = Vec::new();
    let mut start = span.start;
    while span.end - start > room {
        let window = Span::new(start + Time(room.0 / 2), start + room);
        let cut = quietest(window).clamp(window.start, window.end);
        pieces.push(Span::new(start, cut));
        start = cut;
    }
    pieces.push(Span::new(start, span.end));
    pieces
}

/// The middle of the quietest 100 ms of `pcm` (16 kHz mono) inside `window`.
pub fn quietest_moment(pcm: &[f32], window: Span) -> Time {
    let step = SAMPLE_RATE as usize / 100;
    let wide = 10 * step;
    let (from, to) = (window.start.samples(SAMPLE_RATE), window.end.samples(SAMPLE_RATE).min(pcm.len()));
    let energy = |at: usize| pcm[at..at + wide].iter().map(|x| f64::from(x * x)).sum::<f64>();
    (from..to.saturating_sub(wide))
        .step_by(step)
        .min_by(|&a, &b| energy(a).total_cmp(&energy(b)))
        .map_or(window.end, |at| Time::of_samples((at + wide / 2) as u64, SAMPLE_RATE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans(seconds: &[(f64, f64)]) -> Vec<Span> {
        seconds.iter().map(|&(a, b)| Span::new(Time::from_seconds(a), Time::from_seconds(b))).collect()
    }

    fn late(window: Span) -> Time {
        window.end
    }

    #[test]
    fn a_full_stretch_ends_at_its_longest_pause() {
        let speech = spans(&[(0.5, 3.0), (3.2, 6.0), (7.0, 8.5), (8.7, 12.0)]);
        let cut = stretches(&speech, Time::from_seconds(10.0), Time::from_seconds(13.0), &late);
        assert_eq!(cut, spans(&[(0.25, 6.25), (6.75, 12.25)]));
    }

    #[test]
    fn a_break_inside_a_phrase_is_no_place_to_cut_where_there_is_a_better_one() {
        let end = Time::from_seconds(13.0);
        let speech = spans(&[(0.5, 3.0), (3.4, 7.0), (7.058, 12.0)]);
        let cut = stretches(&speech, Time::from_seconds(10.0), end, &late);
        assert_eq!(cut, spans(&[(0.25, 3.2), (3.2, 12.25)]));
        let unbroken = spans(&[(0.5, 3.0), (3.04, 7.0), (7.058, 12.0)]);
        let cut = stretches(&unbroken, Time::from_seconds(10.0), end, &late);
        assert_eq!(cut[0].end, Time::from_seconds(7.029));
    }

    #[test]
    fn a_long_pause_always_ends_a_stretch() {
        let speech = spans(&[(1.0, 2.0), (5.0, 6.0)]);
        let cut = stretches(&speech, Time::from_seconds(28.0), Time::from_seconds(6.1), &late);
        assert_eq!(cut, spans(&[(0.75, 2.25), (4.75, 6.1)]));
    }

    #[test]
    fn unbroken_speech_is_cut_at_its_quietest() {
        let mut pcm = vec![0.1; 16 * 16_000];
        pcm[7 * 16_000..7 * 16_000 + 3200].fill(0.001);
        let speech = spans(&[(0.0, 16.0)]);
        let quiet = |window: Span| quietest_moment(&pcm, window);
        let cut = stretches(&speech, Time::from_seconds(10.0), Time::from_seconds(16.0), &quiet);
        assert_eq!(cut.len(), 2);
        assert!((7.0..7.2).contains(&cut[0].end.seconds()), "{:?}", cut[0]);
        assert_eq!(cut[0].end, cut[1].start);
    }

    proptest! {
        #[test]
        fn stretches_hold_all_speech_in_order_and_are_never_too_long(
            parts in proptest::collection::vec((0i64..4_000, 20i64..20_000), 0..40),
            longest in 3i64..30,
            after in 0i64..1_000,
        ) {
            let mut at = 0;
            let speech: Vec<Span> = parts.iter().map(|&(pause, length)| {
                let start = at + pause + 1;
                at = start + length;
                Span::new(Time::from_millis(start), Time::from_millis(at))
            }).collect();
            let clip_end = Time::from_millis(at + after);
            let longest = Time::from_millis(longest * 1000);
            let cut = stretches(&speech, longest, clip_end, &|w| Time((w.start.0 + w.end.0) / 2));
            for s in &cut {
                prop_assert!(s.duration() <= longest && s.start >= Time::ZERO && s.end <= clip_end);
                let first = speech.iter().find(|p| p.overlaps(*s)).map_or(s.end, |p| p.start.max(s.start));
                prop_assert!(first - s.start <= Time::from_millis(300), "{s:?} starts too early");
            }
            prop_assert!(cut.windows(2).all(|w| w[0].end <= w[1].start));
            for p in &speech {
                let held: i64 = cut.iter().map(|s| (p.end.min(s.end) - p.start.max(s.start)).0.max(0)).sum();
                prop_assert_eq!(held, p.duration().0, "{:?} is not wholly held", p);
            }
        }
    }
}
