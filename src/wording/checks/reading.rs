//! A text as the rules read it, and the way back to the words.

use super::finding::Place;
use crate::speech::Word;
use crate::units::Span;
use std::ops::Range;

/// A text in one spelling: straight quotes, plain hyphens and digits, one space between words and `\n` between lines; a
/// text all in capitals in small letters, since its capitals say nothing about names.
pub(super) struct Reading<'a> {
    /// As it was given; a transcript's words with a space between.
    written: String,
    /// What the rules look at.
    pub text: String,
    /// For each byte of `text` where its character starts in `written`; one more for the end.
    origins: Vec<usize>,
    /// A transcript's words, and where each starts in `written`.
    words: &'a [Word],
    starts: Vec<usize>,
}

impl<'a> Reading<'a> {
    /// A transcript's words as running text.
    pub fn of_words(words: &'a [Word]) -> Self {
        let mut written = String::new();
        let mut starts = Vec::with_capacity(words.len());
        for word in words {
            if !written.is_empty() {
                written.push(' ');
            }
            starts.push(written.len());
            written.push_str(&word.text);
        }
        Self::new(written, words, starts, false)
    }

    /// A written text; a file name's dashes and underscores are its spaces.
    pub fn of_text(place: &Place, text: &str) -> Self {
        Self::new(text.to_string(), &[], Vec::new(), *place == Place::FileName)
    }

    fn new(written: String, words: &'a [Word], starts: Vec<usize>, file_name: bool) -> Self {
        let shouted = written.chars().any(char::is_uppercase) && !written.chars().any(char::is_lowercase);
        let mut text = String::with_capacity(written.len());
        let mut origins = Vec::with_capacity(written.len() + 1);
        for (at, letter) in written.char_indices() {
            let letter = if file_name && matches!(letter, '_' | '-' | '+') { ' ' } else { plain(letter) };
            match letter {
                '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' => {
                }
                letter if letter.is_whitespace() => {
                    let line = matches!(letter, '\n' | '\r' | '\u{2028}' | '\u{2029}');
                    if text.ends_with(' ') && line {
                        text.pop();
                        origins.pop();
                    }
                    if !text.ends_with([' ', '\n']) {
                        text.push(if line { '\n' } else { ' ' });
                    }
                }
                letter if shouted => text.extend(letter.to_lowercase()),
                letter => text.push(letter),
            }
            origins.resize(text.len(), at);
        }
        origins.push(written.len());
        Reading { written, text, origins, words, starts }
    }

    /// The words at a range of `text`, as they were written.
    pub fn written(&self, range: &Range<usize>) -> &str {
        self.written[self.origin(range)].trim_matches(|c: char| c.is_whitespace() || ",;:".contains(c))
    }

    /// When the words at a range of `text` are spoken.
    pub fn span(&self, range: &Range<usize>) -> Option<Span> {
        let words = &self.words[self.word_range(range)];
        Some(Span::new(words.first()?.span.start, words.last()?.span.end))
    }

    /// Where the word of that index stands in `text`.
    pub fn word_at(&self, index: usize) -> Range<usize> {
        let end = self.starts.get(index + 1).copied().unwrap_or(self.written.len());
        let place = |written: usize| self.origins.partition_point(|origin| *origin < written);
        let range = place(self.starts[index])..place(end).min(self.text.len());
        range.start..range.start + self.text[range].trim_end().len()
    }

    fn word_range(&self, range: &Range<usize>) -> Range<usize> {
        let origin = self.origin(range);
        let first = self.starts.partition_point(|start| *start <= origin.start).saturating_sub(1);
        let end = self.starts.partition_point(|start| *start < origin.end);
        first.min(end)..end
    }

    /// A range of `text` in `written`. A character that became several is whole in it.
    fn origin(&self, range: &Range<usize>) -> Range<usize> {
        let last = range.end.checked_sub(1).filter(|last| *last >= range.start);
        let start = self.origins[range.start];
        let end = last.map_or(start, |last| {
            let from = self.origins[last];
            from + self.written[from..].chars().next().map_or(0, char::len_utf8)
        });
        start..end
    }
}

/// A character in the spelling that the rules are written in.
fn plain(letter: char) -> char {
    match letter {
        '‘' | '’' | 'ʼ' | '＇' => '\'',
        '“' | '”' | '„' | '«' | '»' => '"',
        '‐'..='―' | '−' => '-',
        // Full-width forms, as Japanese and Chinese keyboards give them: digits, letters, @ and the full stop.
        '！'..='～' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
        _ => letter,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::wording::sentences::tests::spoken;
    use proptest::prelude::*;

    #[test]
    fn spelling_is_evened_out_and_the_way_back_is_kept() {
        let reading = Reading::of_text(&Place::Question, "It’s  “５５５–０１４２”,\r\n  O\u{AD}K?");
        assert_eq!(reading.text, "It's \"555-0142\",\nOK?");
        let at = reading.text.find("555-0142").unwrap();
        assert_eq!(reading.written(&(at..at + 8)), "５５５–０１４２");
        let ok = reading.text.find("OK").unwrap();
        assert_eq!(reading.written(&(ok..ok + 2)), "O\u{AD}K");
    }

    #[test]
    fn a_shouted_text_loses_its_capitals_and_another_keeps_them() {
        assert_eq!(Reading::of_text(&Place::Question, "MY PATIENT SAİD").text, "my patient sai̇d");
        assert_eq!(Reading::of_text(&Place::Question, "MY patient").text, "MY patient");
        assert_eq!(Reading::of_text(&Place::FileName, "maria_gonzalez-2.mov").text, "maria gonzalez 2.mov");
    }

    #[test]
    fn a_match_has_its_words_and_their_times() {
        let words = spoken("I saw Mr. Alvarez, who is well.");
        let reading = Reading::of_words(&words);
        let at = reading.text.find("Mr.").unwrap()..reading.text.find(", who").unwrap();
        assert_eq!(reading.written(&at), "Mr. Alvarez");
        assert_eq!(reading.span(&at), Some(Span::new(words[2].span.start, words[3].span.end)));
        assert_eq!(&reading.text[reading.word_at(3)], "Alvarez,");
        assert_eq!(&reading.text[reading.word_at(6)], "well.");
    }

    proptest! {
        #[test]
        fn every_range_leads_back(text in "\\PC{0,40}", breaks in "[ \n\t\u{200B}İß’]{0,6}") {
            let text = format!("{breaks}{text}{breaks}");
            let words = spoken(&text);
            for reading in [Reading::of_words(&words), Reading::of_text(&Place::FileName, &text)] {
                prop_assert_eq!(reading.origins.len(), reading.text.len() + 1);
                let cuts: Vec<usize> = (0..=reading.text.len()).filter(|at| reading.text.is_char_boundary(*at)).collect();
                for pair in cuts.windows(2) {
                    let range = pair[0]..pair[1];
                    reading.written(&range);
                    prop_assert_eq!(reading.span(&range).is_some(), !reading.words.is_empty());
                }
            }
            let reading = Reading::of_words(&words);
            for index in 0..words.len() {
                reading.word_at(index);
            }
        }
    }
}
