//! Where a sentence ends.

use crate::captions::is_unspaced;
use crate::speech::Word;

/// Words with a stop that ends no sentence.
const ABBREVIATIONS: [&str; 18] = [
    "dr.", "mr.", "mrs.", "ms.", "st.", "vs.", "e.g.", "i.e.", "approx.", "no.", "prof.", "z.b.", "dra.", "sr.",
    "sra.", "p.ej.", "d.h.", "bzw.",
];

/// What ends a sentence, in the scripts that have signs of their own.
const ENDS: [char; 10] = ['.', '!', '?', '…', '。', '！', '？', '؟', '۔', '।'];
/// The question marks among them, with the Greek one as Unicode spells it.
const QUESTIONS: [char; 4] = ['?', '？', '؟', '\u{37E}'];
/// What may stand after the sign.
const CLOSERS: [char; 10] = ['"', '\'', '”', '’', '»', ')', ']', '」', '』', '）'];

/// The sentences of a transcript, in order; every word is in one. Words after the last stop are a sentence too.
pub fn sentences(words: &[Word]) -> impl Iterator<Item = &[Word]> {
    words.split_inclusive(|word| {
        let text = word.text.trim_end_matches(CLOSERS);
        (text.ends_with(ENDS) || text.ends_with(QUESTIONS)) && !ABBREVIATIONS.contains(&text.to_lowercase().as_str())
    })
}

/// Whether a sentence ends in a question mark.
pub(super) fn asks(sentence: &[Word]) -> bool {
    sentence.last().is_some_and(|word| word.text.trim_end_matches(CLOSERS).ends_with(QUESTIONS))
}

/// A sentence as text, beginning with a capital; without spaces where its script has none.
pub(super) fn text_of(sentence: &[Word]) -> String {
    let mut text = String::new();
    for word in sentence.iter().map(|word| word.text.trim()) {
        let unspaced = |c: Option<char>| c.is_none_or(is_unspaced);
        if !unspaced(text.chars().next_back()) && !unspaced(word.chars().next()) {
            text.push(' ');
        }
        text.push_str(word);
    }
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::units::{Span, Time};

    /// Half a second a word.
    pub fn spoken(text: &str) -> Vec<Word> {
        let at = |i: usize| Time::from_millis(i as i64 * 500);
        let word =
            |(i, text): (usize, &str)| Word { text: text.into(), span: Span::new(at(i), at(i + 1)), confidence: 0.9 };
        text.split_whitespace().enumerate().map(word).collect()
    }

    #[test]
    fn sentences_end_at_stops_and_not_at_titles() {
        let words = spoken("Hi, I am Dr. Lee. Take 2.5 mg, e.g. daily! \"Why?\" Because");
        let found: Vec<String> = sentences(&words).map(text_of).collect();
        assert_eq!(found, ["Hi, I am Dr. Lee.", "Take 2.5 mg, e.g. daily!", "\"Why?\"", "Because"]);
        assert_eq!(sentences(&words).flatten().count(), words.len());
        assert_eq!(sentences(&[]).count(), 0);
    }

    #[test]
    fn sentences_of_other_scripts_end_and_read_as_they_are_written() {
        let words = spoken("¿Puedo ver a la Dra. Ruiz? 薬 は 1 日 2 回 です か？ 「は い。」 هل هذا آمن؟ نعم۔ Ja.");
        let found: Vec<String> = sentences(&words).map(text_of).collect();
        let wanted = ["¿Puedo ver a la Dra. Ruiz?", "薬は1日2回ですか？", "「はい。」", "هل هذا آمن؟", "نعم۔", "Ja."];
        assert_eq!(found, wanted);
    }
}
