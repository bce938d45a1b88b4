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

/// Whether the text has right-to-left letters (Hebrew, Arabic and their neighbours).
pub(super) fn is_rtl(text: &str) -> bool {
    text.chars()
        .any(|c| matches!(u32::from(c), 0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFC | 0x1E800..=0x1EEFF))
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
