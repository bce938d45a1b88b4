//! Word times that can be shown: in order, not overlapping, never empty, where somebody speaks. Pure.

use super::Word;
use crate::units::{Span, Time};

/// Shortest word: two frames at 30 a second, and about the shortest syllable.
const SHORTEST_WORD: Time = Time::from_millis(60);

/// The same words in the same order with repaired times inside `0..clip_end`.
///
/// A word that spans a pause keeps the side that holds more of it; one that lies in a pause goes to the nearest speech.
/// Then starts are spread so that each word has 60 ms (less only where the clip has no room for that). Without any
/// speech span, only order and length are repaired.
pub(super) fn repair(mut words: Vec<Word>, speech: &[Span], clip_end: Time) -> Vec<Word> {
    for word in &mut words {
        word.span = into_speech(word.span, speech);
    }
    spread(&mut words, clip_end);
    words
}

/// The part of `span` where somebody speaks, or the nearest moment of speech.
fn into_speech(span: Span, speech: &[Span]) -> Span {
    let clipped = |s: &Span| Span::new(span.start.max(s.start), span.end.min(s.end));
    if let Some(best) = speech.iter().filter(|s| s.overlaps(span)).map(clipped).max_by_key(|s| s.duration()) {
        return best;
    }
    let distance = |s: &Span| (s.start - span.end).max(span.start - s.end).max(Time::ZERO);
    match speech.iter().min_by_key(|s| distance(s)) {
        Some(s) if s.start >= span.end => Span::new(s.start, s.start + SHORTEST_WORD),
        Some(s) if span.start >= s.end => Span::new(s.end - SHORTEST_WORD, s.end),
        _ => span,
    }
}

/// Orders the words in time with at least [`SHORTEST_WORD`] each.
fn spread(words: &mut [Word], clip_end: Time) {
    let least = SHORTEST_WORD.min(Time(clip_end.0.max(0) / words.len().max(1) as i64));
    let mut earliest = Time::ZERO;
    for word in words.iter_mut() {
        word.span.start = word.span.start.max(earliest);
        earliest = word.span.start + least;
    }
    let mut latest = clip_end;
    for word in words.iter_mut().rev() {
        let start = word.span.start.min(latest - least);
        word.span = Span { start, end: word.span.end.clamp(start + least, latest) };
        latest = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(start: i64, end: i64) -> Span {
        Span::new(Time::from_millis(start), Time::from_millis(end))
    }

    fn repaired(words: &[(i64, i64)], speech: &[(i64, i64)], clip_end: i64) -> Vec<(i64, i64)> {
        let words = words.iter().map(|&(a, b)| Word { text: "w".into(), span: span(a, b), confidence: 1.0 }).collect();
        let speech: Vec<Span> = speech.iter().map(|&(a, b)| span(a, b)).collect();
        let out = repair(words, &speech, Time::from_millis(clip_end));
        out.iter().map(|w| (w.span.start.millis(), w.span.end.millis())).collect()
    }

    #[test]
    fn a_word_that_swallowed_a_pause_gives_it_back() {
        let speech = [(0, 1000), (3000, 4000)];
        assert_eq!(repaired(&[(600, 2800)], &speech, 5000), [(600, 1000)]);
        assert_eq!(repaired(&[(950, 3300)], &speech, 5000), [(3000, 3300)]);
    }

    #[test]
    fn a_word_in_silence_goes_to_the_nearest_speech() {
        let speech = [(0, 1000), (3000, 4000)];
        assert_eq!(repaired(&[(1200, 1500)], &speech, 5000), [(940, 1000)]);
        assert_eq!(repaired(&[(2600, 2900)], &speech, 5000), [(3000, 3060)]);
    }

    #[test]
    fn empty_and_overlapping_words_get_room() {
        let words = [(500, 500), (500, 900), (700, 700), (980, 1000), (1000, 1000)];
        let expected = [(500, 560), (560, 700), (700, 760), (880, 940), (940, 1000)];
        assert_eq!(repaired(&words, &[(0, 1000)], 1000), expected);
    }

    proptest! {
        #[test]
        fn repaired_words_are_in_order_apart_and_inside_the_clip(
            words in proptest::collection::vec((-500i64..9_000, -200i64..3_000), 0..120),
            speech in proptest::collection::vec((1i64..2_000, 100i64..2_000), 0..5),
            clip_end in 0i64..8_000,
        ) {
            let mut at = 0;
            let speech: Vec<(i64, i64)> = speech.iter().map(|&(gap, length)| {
                let start = at + gap;
                at = start + length;
                (start, at)
            }).collect();
            let words: Vec<(i64, i64)> = words.iter().map(|&(a, length)| (a, a + length)).collect();
            let out = repaired(&words, &speech, clip_end);
            prop_assert_eq!(out.len(), words.len());
            prop_assert!(out.windows(2).all(|w| w[0].1 <= w[1].0), "{:?}", out);
            prop_assert!(out.iter().all(|&(a, b)| a >= 0 && b <= clip_end), "{:?}", out);
            if clip_end >= 60 * words.len() as i64 {
                prop_assert!(out.iter().all(|&(a, b)| b - a >= 59), "{:?}", out);
            }
        }
    }
}
