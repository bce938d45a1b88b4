//! Lines: what fits on one, and the best way to break a few words into as few as needed.

use super::breaks;
use super::fonts::Measure;
use super::text::{clean, is_unspaced, join, length, space_between};
use super::tongues::Tongue;
use crate::speech::Word;
use crate::units::{Span, Time};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// What a second line costs and what a further one does, in the unit of `breaks::penalty`: a cue that fits on one line
/// stands on one, and two cues are better than three lines unless that parts what belongs together.
const EXTRA_LINE: (f64, f64) = (14.0, 50.0);
/// What lines of very different lengths cost.
const IMBALANCE: f64 = 24.0;

/// Longest text that is wrapped, in characters: more than a few lines of any canvas hold. Shaping ten thousand words to
/// find that out would take seconds.
const MOST_WRAPPED: usize = 2000;

/// How much one line holds.
#[derive(Clone, Copy)]
pub(super) struct Room<'m> {
    /// Most characters, by `text::length`.
    pub chars: usize,
    /// Widest text in pixels, and at what line height, where a width is to be kept.
    pub width: Option<(&'m Measure<'m>, f64, f64)>,
}

impl Room<'_> {
    /// Whether one line holds the text.
    pub(super) fn holds(&self, text: &str) -> bool {
        length(text) <= self.chars
            && self.width.is_none_or(|(measure, most, height)| measure.width(text, height) <= most)
    }
}

/// The words, each no longer than a line: a longer one is parted where Unicode allows a break, else between syllables with
/// a hyphen, else between graphemes; its time is shared out by length. Words without visible text are left out.
pub(super) fn pieces(words: &[Word], room: &Room) -> Vec<Word> {
    let visible = words.iter().filter(|w| !clean(&w.text).is_empty());
    visible
        .flat_map(|word| if room.holds(&clean(&word.text)) { vec![word.clone()] } else { part(word, room) })
        .collect()
}

fn part(word: &Word, room: &Room) -> Vec<Word> {
    let text = clean(&word.text);
    let mut parts: Vec<String> = Vec::new();
    let mut start = 0;
    for (end, _) in unicode_linebreak::linebreaks(&text) {
        let atom = &text[start..end];
        // Atoms of scripts without spaces stay apart, so that lines can be balanced; others would be read with a space
        // between them, so they fill their line.
        match parts.last_mut() {
            Some(last)
                if !atom.contains(is_unspaced)
                    && !last.contains(is_unspaced)
                    && room.holds(&format!("{last}{atom}")) =>
            {
                last.push_str(atom);
            }
            _ if room.holds(atom) => parts.push(atom.to_string()),
            _ => parts.extend(part_graphemes(atom, room)),
        }
        start = end;
    }
    // Hyphens count, so that the last part, too, has its share of the time.
    let total = parts.iter().map(|part| length(part)).sum::<usize>().max(1) as i64;
    let at = |chars: usize| Time(word.span.start.0 + word.span.duration().0 * chars as i64 / total);
    let mut done = 0;
    let timed = parts.into_iter().map(|text| {
        let start = at(done);
        done += length(&text);
        Word { text, span: Span::new(start, at(done)), confidence: word.confidence }
    });
    timed.collect()
}

fn part_graphemes(text: &str, room: &Room) -> Vec<String> {
    let hyphen = if text.chars().all(|c| c.is_alphabetic() && c < '\u{500}') { "-" } else { "" };
    let graphemes: Vec<&str> = text.graphemes(true).collect();
    let mut parts = Vec::new();
    let mut rest = &graphemes[..];
    loop {
        // No more is measured than a line holds, so that a word of any length takes time in proportion to it.
        let held = (1..=rest.len()).take_while(|&n| room.holds(&rest[..n].concat())).last().unwrap_or(1);
        if held >= rest.len() {
            break;
        }
        let most = (2..=held).rev().find(|&n| room.holds(&(rest[..n].concat() + hyphen))).unwrap_or(1);
        let at = if hyphen.is_empty() { most } else { syllable_end(rest, most) };
        parts.push(rest[..at].concat() + hyphen);
        rest = &rest[at..];
    }
    parts.push(rest.concat());
    parts
}

/// The last place, up to `most` letters, at which a long word may be parted: before a consonant that a vowel follows, as
/// German and the Romance languages do, three letters from either end; `most` where there is none in the second half.
fn syllable_end(letters: &[&str], most: usize) -> usize {
    let vowel = |i: usize| letters[i].starts_with(|c: char| "aeiouyäöüáàâãéèêëíìîïóòôõúùûœæ".contains(c));
    let joined = |i: usize| matches!((letters[i - 1], letters[i]), ("c", "h" | "k") | ("p" | "t", "h"));
    let last = most.min(letters.len().saturating_sub(3));
    let ends = |&i: &usize| !vowel(i) && vowel(i + 1) && !joined(i);
    (most.div_ceil(2).max(3)..=last).rev().find(ends).unwrap_or(most)
}

/// Words prepared for breaking: penalties and lengths once, widths as they are asked for.
pub(super) struct Passage<'a> {
    pub words: &'a [Word],
    room: Room<'a>,
    max_lines: usize,
    /// Penalty of a break before each word; the first entry means nothing.
    pub penalties: Vec<f64>,
    /// Length of all words before each one, spaces between them included.
    ends: Vec<(usize, usize)>,
    fits: RefCell<HashMap<(usize, usize), bool>>,
}

impl<'a> Passage<'a> {
    /// The words must be `pieces`: each fits on a line.
    pub(super) fn new(words: &'a [Word], room: Room<'a>, max_lines: usize, tongue: Tongue) -> Self {
        let texts: Vec<String> = words.iter().map(|w| clean(&w.text)).collect();
        let mut penalties = vec![0.0; words.len()];
        let mut ends = Vec::with_capacity(words.len());
        let mut at = 0;
        for (i, text) in texts.iter().enumerate() {
            if i > 0 {
                penalties[i] = breaks::penalty(&texts[i - 1], text, tongue);
                at += space_between(&texts[i - 1], text).len();
            }
            ends.push((at, at + length(text)));
            at += length(text);
        }
        Passage { words, room, max_lines: max_lines.max(1), penalties, ends, fits: RefCell::default() }
    }

    /// Length of the range on one line; 0 when it is empty.
    pub(super) fn length(&self, range: Range<usize>) -> usize {
        if range.is_empty() { 0 } else { self.ends[range.end - 1].1 - self.ends[range.start].0 }
    }

    /// Most characters that a cue of so many lines can hold, or as many as are allowed if those are fewer.
    pub(super) fn capacity(&self, lines: usize) -> usize {
        self.room.chars.saturating_mul(self.max_lines.min(lines))
    }

    fn fits(&self, range: Range<usize>) -> bool {
        range.len() == 1
            || (self.length(range.clone()) <= self.room.chars
                && *self
                    .fits
                    .borrow_mut()
                    .entry((range.start, range.end))
                    .or_insert_with(|| self.room.holds(&join(&self.words[range]))))
    }

    /// The cheapest way to put the range on lines, and its cost; none when it does not fit.
    pub(super) fn lay_out(&self, range: Range<usize>) -> Option<(f64, Vec<Range<usize>>)> {
        let mut best = None;
        let mut lines = Vec::with_capacity(self.max_lines);
        self.try_lines(range, 0.0, &mut lines, &mut best);
        best
    }

    fn try_lines(
        &self,
        rest: Range<usize>,
        cost: f64,
        lines: &mut Vec<Range<usize>>,
        best: &mut Option<(f64, Vec<Range<usize>>)>,
    ) {
        if best.as_ref().is_some_and(|(least, _)| cost >= *least) {
            return;
        }
        if self.fits(rest.clone()) {
            lines.push(rest.clone());
            let total = cost + self.imbalance(lines);
            if best.as_ref().is_none_or(|(least, _)| total < *least) {
                *best = Some((total, lines.clone()));
            }
            lines.pop();
        }
        if lines.len() + 1 < self.max_lines {
            let extra = if lines.is_empty() { EXTRA_LINE.0 } else { EXTRA_LINE.1 };
            for border in (rest.start + 1)..rest.end {
                if !self.fits(rest.start..border) {
                    break;
                }
                lines.push(rest.start..border);
                self.try_lines(border..rest.end, cost + extra + self.penalties[border], lines, best);
                lines.pop();
            }
        }
    }

    fn imbalance(&self, lines: &[Range<usize>]) -> f64 {
        let lengths = || lines.iter().map(|line| self.length(line.clone()));
        let longest = lengths().max().unwrap_or(0);
        let shortest = lengths().min().unwrap_or(0);
        let share = (longest - shortest) as f64 / longest.max(1) as f64;
        IMBALANCE * share * share
    }
}

/// A text on at most `max_lines` lines of `width` pixels at a line height in pixels; none when it does not fit.
pub(super) fn wrap(text: &str, width: f64, max_lines: usize, height: f64, measure: &Measure) -> Option<Vec<String>> {
    if length(text) > MOST_WRAPPED {
        return None;
    }
    let room = Room { chars: usize::MAX, width: Some((measure, width, height)) };
    let whole: Vec<Word> = clean(text)
        .split_ascii_whitespace()
        .map(|text| Word { text: text.to_string(), span: Span::default(), confidence: 1.0 })
        .collect();
    let words = pieces(&whole, &room);
    let passage = Passage::new(&words, room, max_lines, Tongue::of(&words));
    let (_, lines) = passage.lay_out(0..words.len())?;
    Some(lines.into_iter().map(|line| join(&words[line])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word> {
        let word = |(i, t): (usize, &str)| {
            let start = Time::from_millis(300 * i as i64);
            Word { text: t.to_string(), span: Span::new(start, start + Time::from_millis(280)), confidence: 1.0 }
        };
        text.split(' ').enumerate().map(word).collect()
    }

    fn lines(text: &str, chars: usize, max_lines: usize) -> Vec<String> {
        let room = Room { chars, width: None };
        let words = pieces(&words(text), &room);
        let passage = Passage::new(&words, room, max_lines, Tongue::of(&words));
        let (_, lines) = passage.lay_out(0..words.len()).unwrap_or_default();
        lines.into_iter().map(|line| join(&words[line])).collect()
    }

    #[test]
    fn lines_break_where_a_reader_pauses() {
        assert_eq!(lines("Shave with the grain.", 25, 2), ["Shave with the grain."]);
        assert_eq!(lines("If it itches, do not take more", 25, 2), ["If it itches,", "do not take more"]);
        assert_eq!(
            lines("Rinse the blade and shave with the grain", 25, 2),
            ["Rinse the blade", "and shave with the grain"]
        );
        assert!(lines("one two three four five", 8, 2).is_empty());
    }

    #[test]
    fn a_word_wider_than_a_line_is_parted_where_unicode_allows_first() {
        let room = Room { chars: 10, width: None };
        let parts = |text: &str| -> Vec<String> { pieces(&words(text), &room).into_iter().map(|w| w.text).collect() };
        assert_eq!(parts("self-examination"), ["self-", "examina-", "tion"]);
        assert_eq!(parts("Donaudampfer"), ["Donaudamp-", "fer"]);
        assert_eq!(parts("Taschentuch"), ["Taschen-", "tuch"]);
        assert_eq!(parts("12345678901"), ["1234567890", "1"], "a number gets no hyphen");
        assert_eq!(parts("薬を毎日二回飲んでください。").concat(), "薬を毎日二回飲んでください。");
        let timed = pieces(&words("Donaudampfer"), &room);
        assert_eq!((timed[0].span.end, timed[1].span.end), (timed[1].span.start, Time::from_millis(280)));
        assert!(parts("\u{200B} \u{202E}").is_empty());
    }
}
