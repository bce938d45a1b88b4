//! Text as a reader sees it: cleaned of what cannot be seen, joined, counted.

use crate::speech::Word;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// The text without anything that hides or reorders other text: controls and separators become single spaces; bidi
/// controls, zero-width characters, soft hyphens and variation selectors go. The joiners U+200C and U+200D stay,
/// because Persian and Indic spelling needs them.
pub(super) fn clean(text: &str) -> String {
    let visible: String = text
        .chars()
        .filter(|&c| !is_hidden(c))
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect();
    visible.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_hidden(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180B}'..='\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// The joiners that stay in the text but need no glyph of their own.
pub(super) fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// Whether the character belongs to a script that is written without spaces between words.
pub fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF          // Thai, Lao, Myanmar, Khmer
        | 0x2E80..=0x312F | 0x3190..=0x9FFF | 0xF900..=0xFAFF        // CJK, kana, their punctuation; not Hangul
        | 0xFE30..=0xFE4F | 0xFF00..=0xFF9F | 0x20000..=0x3FFFF)
}

/// Whether the letter is right-to-left (Hebrew, Arabic and their neighbours).
pub(super) fn is_rtl(c: char) -> bool {
    matches!(u32::from(c), 0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFC | 0x1E800..=0x1EEFF) && c.is_alphabetic()
}

/// Whether most letters of a text are right-to-left, so that it is read from the right, whatever it begins with.
pub(super) fn reads_rtl<'t>(texts: impl Iterator<Item = &'t str>) -> bool {
    let (mut rtl, mut others) = (0usize, 0usize);
    for c in texts.flat_map(str::chars).filter(|c| c.is_alphabetic()) {
        if is_rtl(c) { rtl += 1 } else { others += 1 }
    }
    rtl > others
}

/// Bidi controls of our own, each at the byte before which it stands: what makes a line with right-to-left letters read
/// as it is meant. The line's direction is that of the whole text, not of its first letter. A number and the unit after
/// it stay in that order ("2 mg"), and left-to-right words do not draw the marks and numbers after them to their side.
/// A line in which nothing runs from the right, in a text that does not, needs none.
pub(super) fn directed(line: &str, rtl: bool) -> Vec<(usize, char)> {
    const TO_RIGHT: char = '\u{200E}';
    const TO_LEFT: char = '\u{200F}';
    const EMBED: char = '\u{202A}';
    const END: char = '\u{202C}';
    if !rtl {
        return if line.contains(is_rtl) { vec![(0, TO_RIGHT)] } else { Vec::new() };
    }
    let latin = |c: char| c.is_alphabetic() && !is_rtl(c);
    let mut controls = vec![(0, TO_LEFT)];
    let mut rest = 0;
    // A stretch of left-to-right words, with a number before them if there is one.
    while let Some(first) = line[rest..].find(latin).map(|at| rest + at) {
        let before = line[rest..first].trim_end_matches([' ', '\u{A0}', '\u{202F}']);
        let number = before.trim_end_matches(|c: char| c.is_numeric() || matches!(c, '.' | ',' | '-' | '–' | '/'));
        let starts_in_digit = before[number.len()..].starts_with(char::is_numeric);
        let start = if starts_in_digit { rest + number.len() } else { first };
        let stops = |c: char| is_rtl(c) || "()[]{}«»\"“”،؛؟;!?".contains(c);
        let end = line[first..].find(stops).map_or(line.len(), |at| first + at);
        // What closes the stretch is a letter, or a number after one; marks after it belong to the line.
        let end = first + line[first..end].trim_end_matches(|c: char| !c.is_alphanumeric()).len();
        controls.extend([(start, EMBED), (end, END), (end, TO_LEFT)]);
        rest = end;
    }
    controls
}

/// What stands between two words: nothing where either side is written without spaces, else a space.
pub(super) fn space_between(before: &str, after: &str) -> &'static str {
    let unspaced = |c: Option<char>| c.is_none_or(is_unspaced);
    if unspaced(before.chars().next_back()) || unspaced(after.chars().next()) { "" } else { " " }
}

/// The words as one line of clean text.
pub(super) fn join(words: &[Word]) -> String {
    join_with_ranges(words).0
}

/// The words as one line of clean text, and the bytes that each has in it.
pub(super) fn join_with_ranges(words: &[Word]) -> (String, Vec<Range<usize>>) {
    let mut line = String::new();
    let mut ranges = Vec::with_capacity(words.len());
    for word in words {
        let text = clean(&word.text);
        line.push_str(space_between(&line, &text));
        ranges.push(line.len()..line.len() + text.len());
        line.push_str(&text);
    }
    (line, ranges)
}

/// How long a text is in characters as a reader counts them (grapheme clusters); the full-width characters of East
/// Asian scripts count twice, because captioning guides allow half as many of them.
pub(super) fn length(text: &str) -> usize {
    let wide = |g: &str| {
        g.chars().next().is_some_and(|c| {
            matches!(u32::from(c), 0x1100..=0x115F | 0x2E80..=0xD7A3
        | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF00..=0xFF60 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFF)
        })
    };
    text.graphemes(true).map(|g| if wide(g) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    #[test]
    fn hidden_and_breaking_characters_do_not_survive() {
        assert_eq!(clean("a\u{202E}b\u{200B}\r\n\tc\u{2028}d \u{FEFF}"), "ab c d");
        assert_eq!(clean("می\u{200C}خواهم"), "می\u{200C}خواهم");
    }

    #[test]
    fn a_line_runs_as_its_text_does_and_doses_stay_in_order() {
        let shown = |line: &str, rtl: bool| {
            let mut out = line.to_string();
            for &(at, c) in directed(line, rtl).iter().rev() {
                let name = match c {
                    '\u{200E}' => "→",
                    '\u{200F}' => "←",
                    '\u{202A}' => "<",
                    _ => ">",
                };
                out.insert_str(at, name);
            }
            out
        };
        assert_eq!(shown("خذ 2 mg من HPV (3 مرات).", true), "←خذ <2 mg>← من <HPV>← (3 مرات).");
        assert_eq!(shown("HPV فيروس", true), "←<HPV>← فيروس");
        assert_eq!(shown("Vitamin D 1.5 mg.", true), "←<Vitamin D 1.5 mg>←.");
        assert_eq!(shown("قل שלום again", false), "→قل שלום again");
        assert_eq!(shown("2 mg", false), "2 mg");
        assert!(reads_rtl(["HPV فيروس شائع"].into_iter()) && !reads_rtl(["say شكرا to them"].into_iter()));
    }

    #[test]
    fn scripts_without_spaces_are_joined_without_spaces() {
        let words = |list: &[&str]| -> Vec<Word> {
            list.iter().map(|t| Word { text: t.to_string(), span: Span::default(), confidence: 1.0 }).collect()
        };
        assert_eq!(join(&words(&["take", "2", "mg"])), "take 2 mg");
        assert_eq!(join(&words(&["1", "日", "2", "回", "CT", "検査", "です。"])), "1日2回CT検査です。");
        assert_eq!(join(&words(&["하루", "두", "번"])), "하루 두 번");
        assert_eq!((length("日本"), length("e\u{301}a")), (4, 2));
    }
}
