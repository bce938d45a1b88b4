//! Words to cues: which words stand together, on which lines, from when to when.
//!
//! A long pause or the end of a sentence parts the words into passages. Within a passage the cues and their lines are
//! those of the least total penalty over all possible breaks (dynamic programming over the last break). Times follow:
//! a cue stands from its first word, long enough to be read where there is room, and never into the next cue.

use super::breaks::ends_sentence;
use super::fonts::Fonts;
use super::lines::{Passage, Room, pieces};
use super::styles::line_height;
use super::text::join;
use super::tongues::Tongue;
use crate::config::Style;
use crate::speech::Word;
use crate::units::{Rect, Size, Span, Time};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A pause after which no cue goes on.
const LONG_PAUSE: Time = Time::from_millis(700);
/// How long a cue stays after its last word, where there is room.
const LAG: Time = Time::from_millis(250);
/// The longest that a cue stays after its last word for the sake of slow readers (BBC: at most 1.5 s).
const MAX_LAG: Time = Time::from_millis(1500);
/// Penalty of every cue, so that no more are made than needed.
const EACH_CUE: f64 = 10.0;
/// Penalty of a nearly empty cue; squared, it makes the cues of a sentence equally full.
const EMPTINESS: f64 = 40.0;
/// A cue is full enough at this share of two lines; few breaks fall so that lines fill up.
const FULL: f64 = 0.8;
/// A break between cues hides the words before it, so it weighs more than one between lines.
const CUE_BREAK: f64 = 3.0;
/// Penalty of a cue that flashes by.
const TOO_SHORT: f64 = 300.0;
/// Penalty of each character a second above the speed aimed at, and above the highest.
const FAST: (f64, f64) = (1.0, 4.0);

/// A caption that is on screen at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cue {
    /// When it stands, in the words' own time base.
    pub span: Span,
    /// Its words by line; neither it nor a line is empty.
    pub lines: Vec<Vec<Word>>,
}

impl Cue {
    /// Its lines as clean text.
    pub fn text(&self) -> Vec<String> {
        self.lines.iter().map(|line| join(line)).collect()
    }
}

/// How much room a cue has on one canvas.
#[derive(Debug, Clone, PartialEq)]
pub struct LineLimits {
    /// Most characters in a line; full-width characters count twice.
    pub max_chars: usize,
    /// Most lines of a cue.
    pub max_lines: usize,
    /// Widest line in pixels, outline included; kept only where fonts are given.
    pub max_width: Option<f64>,
    /// Height of a line in pixels.
    pub line_height: f64,
}

impl LineLimits {
    /// What a style allows in an area of a canvas.
    pub fn new(style: &Style, canvas: Size, area: Rect) -> Self {
        let portrait = canvas.is_portrait();
        LineLimits {
            max_chars: if portrait { style.max_chars.0 } else { style.max_chars.1 },
            max_lines: if portrait { style.max_lines.0 } else { style.max_lines.1 },
            max_width: Some(f64::from(area.width)),
            line_height: line_height(style, canvas),
        }
    }
}

/// The cues of the words, in order; every word with visible text stands in exactly one of them (one that is wider than
/// a line is parted into several). Words must be in the order of speaking.
///
/// `breaks` are the times at which a person wants a cue to begin: then cues begin there, and elsewhere only where one
/// would not fit. Without them, cues begin where the language and the pauses suggest it.
///
/// Cues do not overlap, start with their first word, keep the limits, and stand at least the style's shortest duration
/// unless the next cue follows sooner.
pub fn cues(
    words: &[Word],
    breaks: Option<&[Time]>,
    style: &Style,
    limits: &LineLimits,
    fonts: Option<&Fonts>,
) -> Vec<Cue> {
    let measure = fonts.map(Fonts::measure);
    // The outline stands out on both sides; one more pixel a side for anti-aliasing.
    let outline = limits.line_height / style.line_height * style.outline;
    let width = limits.max_width.map(|w| w - 2.0 * (outline + 1.0));
    let width = measure.as_ref().zip(width).map(|(m, w)| (m, w, limits.line_height));
    let room = Room { chars: limits.max_chars.max(1), width };

    let words = in_order(pieces(words, &room));
    let passages = match breaks {
        Some(breaks) => parted(&words, breaks),
        None => passages(&words, style),
    };
    let tongue = Tongue::of(&words);
    let mut cues = Vec::new();
    for range in passages {
        let next = words.get(range.end).map(|w| w.span.start);
        let passage = Passage::new(&words[range], room, limits.max_lines, tongue);
        cues.extend(best_cues(&passage, next, style));
    }
    cues
}

/// The cues for a subtitle file beside a cut: phrases of at most 2 lines of 42 characters, whatever the canvas.
pub fn sidecar_cues(words: &[Word], breaks: Option<&[Time]>, style: &Style) -> Vec<Cue> {
    let limits = LineLimits { max_chars: 42, max_lines: 2, max_width: None, line_height: 0.0 };
    cues(words, breaks, style, &limits, None)
}

/// Recognised words may start before the one before them; captions may not.
fn in_order(mut words: Vec<Word>) -> Vec<Word> {
    let mut latest = Time(i64::MIN);
    for word in &mut words {
        latest = latest.max(word.span.start);
        word.span = Span::new(latest, word.span.end);
    }
    words
}

/// Passages that begin at the given times, or at the first word after them.
fn parted(words: &[Word], breaks: &[Time]) -> Vec<Range<usize>> {
    // Where parts of a clip are put together, times are off by a few microseconds.
    let first = |at: &Time| words.partition_point(|word| word.span.start + Time::from_millis(1) <= *at);
    let mut starts: Vec<usize> = breaks.iter().map(first).collect();
    starts.extend([0, words.len()]);
    starts.sort_unstable();
    starts.dedup();
    starts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// Where passages end: at long pauses, and at the ends of sentences, unless the sentence is so short that its cue would
/// flash by.
fn passages(words: &[Word], style: &Style) -> Vec<Range<usize>> {
    let shortest = Time::from_seconds(style.duration.0);
    let mut start = 0;
    let mut passages = Vec::new();
    for (i, pair) in words.windows(2).enumerate() {
        let pause = pair[1].span.start - pair[0].span.end > LONG_PAUSE;
        let room = pair[1].span.start - words[start].span.start;
        if pause || (ends_sentence(&pair[0].text) && room >= shortest) {
            passages.push(start..i + 1);
            start = i + 1;
        }
    }
    if start < words.len() {
        passages.push(start..words.len());
    }
    passages
}

/// The best way to show a passage before `next`, when the words after it start.
fn best_cues(passage: &Passage, next: Option<Time>, style: &Style) -> Vec<Cue> {
    struct Step {
        cost: f64,
        from: usize,
        lines: Vec<Range<usize>>,
    }
    let words = passage.words;
    let start_of = |i: usize| words.get(i).map(|w| w.span.start).or(next);
    let longest = Time::from_seconds(style.duration.1);
    let mut steps = vec![Step { cost: 0.0, from: 0, lines: Vec::new() }];
    for end in 1..=words.len() {
        let mut best: Option<Step> = None;
        for from in (0..end).rev() {
            let spoken = words[end - 1].span.end - words[from].span.start;
            let one = end - from == 1;
            if !one && (passage.length(from..end) > passage.capacity(usize::MAX) || spoken > longest) {
                break;
            }
            let Some((cost, lines)) = passage.lay_out(from..end) else { continue };
            let span = span_of(&words[from..end], passage.length(from..end), start_of(end), style);
            let cost = steps[from].cost
                + cost
                + CUE_BREAK * passage.penalties[from]
                + cue_penalty(span, passage.length(from..end), passage.capacity(2), style);
            if best.as_ref().is_none_or(|b| cost < b.cost) {
                best = Some(Step { cost, from, lines });
            }
        }
        // One word always fits, so there is always a step.
        steps.extend(best);
    }

    let mut cues = Vec::new();
    let mut end = words.len();
    while end > 0 {
        let step = &steps[end];
        let length = passage.length(step.from..end);
        let span = span_of(&words[step.from..end], length, start_of(end), style);
        cues.push(Cue { span, lines: step.lines.iter().map(|line| words[line.clone()].to_vec()).collect() });
        end = step.from;
    }
    cues.reverse();
    cues
}

/// What a cue costs beside its breaks; `capacity` is that of two lines.
fn cue_penalty(span: Span, length: usize, capacity: usize, style: &Style) -> f64 {
    let seconds = span.duration().seconds();
    let speed = length as f64 / seconds.max(0.1);
    let full = (length as f64 / (capacity as f64 * FULL)).min(1.0);
    EACH_CUE
        + EMPTINESS * (1.0 - full).powi(2)
        + TOO_SHORT * (1.0 - seconds / style.duration.0).max(0.0)
        + FAST.0 * (speed - style.aim_cps).clamp(0.0, 15.0)
        + FAST.1 * (speed - style.max_cps).clamp(0.0, 15.0)
}

/// When a cue stands: from its first word until it can be read, but neither into the next cue nor beyond the longest
/// duration. A gap to the next cue that is too short to be seen as one is closed.
fn span_of(words: &[Word], length: usize, next: Option<Time>, style: &Style) -> Span {
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return Span::default() };
    let start = first.span.start;
    let spoken = words.iter().map(|w| w.span.end).fold(last.span.end, Time::max);
    let read = start + Time::from_seconds(length as f64 / style.aim_cps);
    let wanted = read.clamp(spoken + LAG, spoken + MAX_LAG).max(start + Time::from_seconds(style.duration.0));
    let latest = start + Time::from_seconds(style.duration.1);
    let end = match next {
        Some(next) if next - wanted < Time::from_seconds(style.close_gap) => next,
        _ => wanted,
    };
    Span::new(start, end.min(latest))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::style;
    use super::super::text::length;
    use super::*;
    use proptest::prelude::*;

    /// Words at a speaker's pace: 60 ms a character; `|` is a pause of one second.
    fn speech(text: &str) -> Vec<Word> {
        let mut at = 0;
        let mut words = Vec::new();
        for token in text.split(' ') {
            if token == "|" {
                at += 1000;
                continue;
            }
            let end = at + 60 * token.chars().count() as i64;
            let span = Span::new(Time::from_millis(at), Time::from_millis(end));
            words.push(Word { text: token.to_string(), span, confidence: 0.9 });
            at = end + 60;
        }
        words
    }

    fn portrait() -> LineLimits {
        LineLimits { max_chars: 25, max_lines: 3, max_width: None, line_height: 80.0 }
    }

    fn texts(words: &[Word], limits: &LineLimits) -> Vec<String> {
        cues(words, None, &style("clear").unwrap(), limits, None).iter().map(|c| c.text().join(" / ")).collect()
    }

    #[test]
    fn sentences_and_pauses_part_cues_and_meaning_holds_them_together() {
        let words = speech(
            "You should shave with the grain, and rinse the blade often. Do not take more than 2 mg a day unless \
             Dr. Mary Reed tells you to. | Then wait",
        );
        assert_eq!(
            texts(&words, &portrait()),
            [
                "You should shave / with the grain,",
                "and rinse / the blade often.",
                "Do not take / more than 2 mg a day",
                "unless Dr. Mary Reed / tells you to.",
                "Then wait",
            ]
        );
    }

    #[test]
    fn a_persons_breaks_are_kept_and_what_does_not_fit_is_parted_within_them() {
        let words = speech("Keep it dry. And never share a towel with anybody who has it already or may have it soon.");
        let at = |i: usize| words[i].span.start;
        let breaks = [at(0), at(2), at(5)];
        let found = cues(&words, Some(&breaks), &style("clear").unwrap(), &portrait(), None);
        let texts: Vec<String> = found.iter().map(|c| c.text().join(" / ")).collect();
        assert_eq!(texts[..2], ["Keep it", "dry. And never"]);
        assert!(texts.len() > 3 && texts[2].starts_with("share a"), "{texts:?}");
    }

    #[test]
    fn a_sentence_too_short_to_read_joins_the_next() {
        assert_eq!(texts(&speech("No. You can shave daily."), &portrait()), ["No. You can shave daily."]);
        assert_eq!(texts(&speech("No. | You can shave daily."), &portrait()), ["No.", "You can shave daily."]);
    }

    #[test]
    fn gaps_below_a_second_close_and_longer_ones_stay() {
        let style = style("clear").unwrap();
        let mut words = speech("Wash your face gently. Then moisturise it well.");
        let spans = |words: &[Word]| -> Vec<Span> {
            cues(words, None, &style, &portrait(), None).iter().map(|c| c.span).collect()
        };
        let chained = spans(&words);
        assert_eq!(chained[0].end, chained[1].start);
        for word in &mut words[4..] {
            word.span = word.span.shifted(Time::from_seconds(4.0));
        }
        let apart = spans(&words);
        assert!(apart[1].start - apart[0].end >= Time::from_seconds(style.close_gap), "{apart:?}");
        assert!(apart[0].end >= words[3].span.end + LAG);
    }

    #[test]
    fn sidecars_have_phrases_of_two_lines() {
        let words = speech(
            "Razor bumps are small and itchy, and they appear when a hair curls back into the skin after a close shave.",
        );
        let cues = sidecar_cues(&words, None, &style("spoken").unwrap());
        assert!(cues.len() >= 2 && cues.iter().all(|c| c.lines.len() <= 2));
        assert!(cues.iter().flat_map(Cue::text).all(|line| length(&line) <= 42));
    }

    #[test]
    fn every_part_of_a_word_that_was_said_in_no_time_is_shown_for_a_moment() {
        let span = |from, to| Span::new(Time::from_millis(from), Time::from_millis(to));
        let word = |text: &str, span| Word { text: text.to_string(), span, confidence: 1.0 };
        let words = [word(&"a".repeat(30), span(0, 40)), word("go", span(40, 80))];
        let limits = LineLimits { max_chars: 8, max_lines: 1, max_width: None, line_height: 80.0 };
        let cues = cues(&words, None, &style("clear").unwrap(), &limits, None);
        assert_eq!(cues.len(), 5);
        assert!(cues.iter().all(|cue| cue.span.duration() > Time::ZERO));
    }

    fn tokens() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => "[a-z]{1,9}[.,?]{0,1}",
            2 => prop::sample::select(vec!["do", "not", "the", "2", "mg", "Dr.", "and", "\u{200B}", "{\\b1}", "a\\N"]).prop_map(String::from),
            1 => "[ぁ-ん薬日回検査]{1,4}[。、]{0,1}",
            1 => "[a-z]{30,60}",
        ]
    }

    fn spoken_words() -> impl Strategy<Value = Vec<Word>> {
        let timed = (tokens(), 40i64..900, prop_oneof![4 => 0i64..120, 1 => 0i64..3000]);
        prop::collection::vec(timed, 0..60).prop_map(|list| {
            let mut at = 0;
            let mut word = |(text, length, gap): (String, i64, i64)| {
                let span = Span::new(Time::from_millis(at + gap), Time::from_millis(at + gap + length));
                at += gap + length;
                Word { text, span, confidence: 1.0 }
            };
            list.into_iter().map(&mut word).collect()
        })
    }

    fn squeezed<'a>(words: impl Iterator<Item = &'a Word>) -> String {
        words.flat_map(|w| w.text.chars()).filter(|c| !c.is_whitespace() && !matches!(c, '\u{200B}' | '-')).collect()
    }

    fn hold_the_rules(
        words: &[Word],
        style: &Style,
        limits: &LineLimits,
        fonts: Option<&Fonts>,
    ) -> Result<(), TestCaseError> {
        let cues = cues(words, None, style, limits, fonts);
        let shown = cues.iter().flat_map(|c| c.lines.iter().flatten());
        prop_assert_eq!(squeezed(shown), squeezed(words.iter()));
        let (shortest, longest) = (Time::from_seconds(style.duration.0), Time::from_seconds(style.duration.1));
        for (i, cue) in cues.iter().enumerate() {
            prop_assert_eq!(cue.span.start, cue.lines[0][0].span.start);
            prop_assert!(cue.span.duration() > Time::ZERO && cue.span.duration() <= longest);
            let next = cues.get(i + 1).map(|c| c.span.start);
            prop_assert!(next.is_none_or(|n| n >= cue.span.end), "overlap at {}", i);
            prop_assert!(cue.span.duration() >= shortest || next == Some(cue.span.end), "flashes by with room left");
            prop_assert!((1..=limits.max_lines).contains(&cue.lines.len()));
            for line in cue.text() {
                prop_assert!(!line.is_empty() && length(&line) <= limits.max_chars, "{:?}", line);
                if let (Some(fonts), Some(most)) = (fonts, limits.max_width) {
                    let width = fonts.width(&line, limits.line_height) + 2.0 * 5.4;
                    prop_assert!(width <= most, "{} is {} px wide", line, width);
                }
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn cues_hold_every_word_once_in_order_and_keep_the_limits(words in spoken_words(), chars in 8usize..45, lines in 1usize..4) {
            let limits = LineLimits { max_chars: chars, max_lines: lines, max_width: None, line_height: 80.0 };
            hold_the_rules(&words, &style("clear").unwrap(), &limits, None)?;
        }

        #[test]
        fn words_at_impossible_times_neither_panic_nor_overlap(
            list in prop::collection::vec(("[a-z]{1,9}[.]{0,1}", -500i64..4000, -200i64..9000), 0..40),
        ) {
            let word = |(text, start, length): (String, i64, i64)| {
                Word { text, span: Span::new(Time::from_millis(start), Time::from_millis(start + length)), confidence: 1.0 }
            };
            let words: Vec<Word> = list.into_iter().map(word).collect();
            let cues = cues(&words, None, &style("clear").unwrap(), &portrait(), None);
            prop_assert!(cues.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
            let shown = cues.iter().flat_map(|c| c.lines.iter().flatten());
            prop_assert_eq!(squeezed(shown), squeezed(words.iter()));
        }
    }

    #[test]
    fn measured_lines_keep_the_width() {
        use proptest::test_runner::{Config, TestRunner};
        let style = style("clear").unwrap();
        let fonts = Fonts::load(&style.fonts, style.bold).unwrap();
        let limits = LineLimits { max_width: Some(500.0), ..portrait() };
        let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
        runner.run(&spoken_words(), |words| hold_the_rules(&words, &style, &limits, Some(&fonts))).unwrap();
    }
}
