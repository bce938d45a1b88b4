//! Leaves out what Whisper wrote although nobody said it. Pure.

use super::Word;
use super::tokens::Token;
use crate::units::{Span, Time};

/// A window is doubted when the model holds it for silence with at least this probability ...
/// (OpenAI's `no_speech_threshold`)
const NO_SPEECH: f32 = 0.6;
/// ... and its tokens have less than this mean probability. OpenAI's `logprob_threshold` of -1.0 is 0.37; a clinician's
/// captions are better left without a doubtful phrase than with an invented one.
const DOUBTFUL: f32 = 0.45;
/// Nobody speaks this long without a breath or a closure that the voice activity detection takes for a break ...
const UNBROKEN: Time = Time::from_millis(5000);
/// ... so what it takes for such a voice may be music that `notes` did not find, and is doubted below this geometric mean
/// of the probabilities. The starter's right sentences have at least 0.74, over music and at 10 dB of noise too. What it
/// makes of music often has less, but by no means always.
const UNSURE: f32 = 0.65;
/// Longest phrase, in words, that is looked for as a repetition.
const LONGEST_LOOP: usize = 12;
/// How often in a row a phrase has to come to be a decoding loop. People do say "very, very, very": a single word has
/// to come more often.
const PHRASE_LOOP: usize = 3;
const WORD_LOOP: usize = 5;
/// Longest sound description, in words: `[upbeat music playing]`.
const LONGEST_SOUND: usize = 4;

/// Whether a window's text is invented: the model itself heard no speech and was not sure of its tokens.
pub(super) fn is_invented(no_speech: f32, tokens: &[Token]) -> bool {
    let mean = tokens.iter().map(|t| t.probability).sum::<f32>() / tokens.len().max(1) as f32;
    no_speech >= NO_SPEECH && mean < DOUBTFUL
}

/// Whether a window's text is what a model makes of music: `speech` says where somebody seems to speak, and does so without
/// a break, while the model is not sure of its tokens.
pub(super) fn is_music(window: Span, speech: &[Span], tokens: &[Token]) -> bool {
    let unbroken = |s: &Span| {
        let inside = s.end.min(window.end) - s.start.max(window.start);
        s.duration() >= UNBROKEN && inside.0 * 10 >= window.duration().0 * 8
    };
    let logarithms = tokens.iter().map(|t| t.probability.max(f32::MIN_POSITIVE).ln()).sum::<f32>();
    speech.iter().any(unbroken) && (logarithms / tokens.len().max(1) as f32).exp() < UNSURE
}

/// The words without described sounds (`[Music]`, `(applause)`, `♪`) and without the echoes of decoding loops.
pub(super) fn said(words: Vec<Word>) -> Vec<Word> {
    without_loops(without_sounds(words))
}

fn without_sounds(words: Vec<Word>) -> Vec<Word> {
    let mut kept: Vec<Word> = Vec::with_capacity(words.len());
    let mut rest = words.as_slice();
    while let Some((word, after)) = rest.split_first() {
        if let Some(length) = sound_length(rest) {
            rest = &rest[length..];
            continue;
        }
        if !word.text.chars().all(|c| matches!(c, '♪' | '♫' | '♩' | '♬') || c.is_ascii_punctuation()) {
            kept.push(word.clone());
        }
        rest = after;
    }
    kept
}

/// How many of the first words are one bracketed sound.
fn sound_length(words: &[Word]) -> Option<usize> {
    let close = match words.first()?.text.chars().next()? {
        '[' => ']',
        '(' => ')',
        '*' => '*',
        '♪' => '♪',
        _ => return None,
    };
    let ends = |(i, w): (usize, &Word)| {
        let text = w.text.trim_end_matches(['.', ',', '!', '?']);
        text.ends_with(close) && (i > 0 || text.chars().count() > 1)
    };
    words.iter().take(LONGEST_SOUND).enumerate().position(ends).map(|last| last + 1)
}

fn without_loops(words: Vec<Word>) -> Vec<Word> {
    let keys: Vec<String> = words.iter().map(|w| key(&w.text)).collect();
    let mut kept = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let (length, times) = loop_at(&keys[at..]).unwrap_or((1, 1));
        kept.extend_from_slice(&words[at..at + length]);
        at += length * times;
    }
    kept
}

/// The shortest phrase that comes too often in a row at the start of `keys`: its length in words, and how often.
fn loop_at(keys: &[String]) -> Option<(usize, usize)> {
    (1..=LONGEST_LOOP.min(keys.len() / PHRASE_LOOP)).find_map(|length| {
        let times = keys.chunks_exact(length).take_while(|chunk| *chunk == &keys[..length]).count();
        // "very very" twice is still the single word.
        let single = keys[..length].iter().all(|k| *k == keys[0]);
        (times >= if single { WORD_LOOP } else { PHRASE_LOOP }).then_some((length, times))
    })
}

/// A word as compared: case and punctuation do not make a repetition another phrase.
fn key(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str) -> String {
        let words = text.split(' ').map(|t| Word { text: t.to_string(), span: Span::default(), confidence: 1.0 });
        said(words.collect()).iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn described_sounds_are_left_out() {
        assert_eq!(left("[Music] Hello (applause). and *door slams* welcome ♪ ♪♪ back"), "Hello and welcome back");
        assert_eq!(left("[upbeat music playing] Yes"), "Yes");
        assert_eq!(left("♪ la la ♪ Yes"), "Yes");
    }

    #[test]
    fn brackets_that_never_close_or_hold_a_sentence_stay() {
        assert_eq!(left("take [one a day"), "take [one a day");
        let aside = "take it (with food and not on an empty stomach) daily";
        assert_eq!(left(aside), aside);
    }

    #[test]
    fn a_loop_is_said_once() {
        assert_eq!(left("So. Thank you. Thank you. thank you Bye."), "So. Thank you. Bye.");
        assert_eq!(left("no no no no no no pain"), "no pain");
    }

    #[test]
    fn what_people_do_repeat_stays() {
        for text in ["very, very, very dry", "Rest and rest and", "wash it, wash it now", "no, no, no, no"] {
            assert_eq!(left(text), text);
        }
    }

    #[test]
    fn only_unsure_text_in_silence_is_invented() {
        let token = |probability| [Token { bytes: b" x".to_vec(), span: Span::default(), probability }];
        assert!(is_invented(0.9, &token(0.2)));
        assert!(!is_invented(0.9, &token(0.8)));
        assert!(!is_invented(0.1, &token(0.2)));
    }

    #[test]
    fn unsure_text_is_music_only_where_a_voice_never_breaks() {
        let token = |probability| Token { bytes: b" x".to_vec(), span: Span::default(), probability };
        let (unsure, sure) = ([token(0.04), token(0.9), token(0.9), token(0.9)], [token(0.5), token(0.9), token(0.9)]);
        let span = |a, b| Span::new(Time::from_millis(a), Time::from_millis(b));
        let (window, long) = (span(6000, 11_500), [span(0, 30_000)]);
        assert!(is_music(window, &long, &unsure));
        assert!(!is_music(window, &long, &sure));
        assert!(!is_music(window, &[span(6200, 8500), span(8700, 11_300)], &unsure));
        assert!(!is_music(window, &long, &[]));
    }
}
