//! Names that are known: thousands of them, looked up word by word and marked for the rules. As alternatives in the
//! patterns they would make every rule that speaks of names slow to load.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Before a name that is hardly ever another word.
const LISTED: char = '\u{1}';
/// Before a name that is a word too, where its capital makes it a name.
const WORD_LISTED: char = '\u{2}';

/// The parts that stand for the marks in patterns. [`needs_marks`] knows the first two by how they are written.
pub(super) const PARTS: [(&str, &str); 3] = [("listed", r"\x01"), ("word_listed", r"\x02"), ("mark", r"[\x{1}\x{2}]?")];

/// Whether a pattern, its parts filled in, looks for a name of the lists.
pub(super) fn needs_marks(pattern: &str) -> bool {
    PARTS[..2].iter().any(|(_, mark)| pattern.contains(mark))
}

/// `[names]` of a file, each list with a space between.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NameFields {
    names: String,
    word_names: String,
    nobody: Vec<String>,
}

/// All the lists, in an order of their own, so that what is printed of them is the same in every run.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    names: BTreeSet<String>,
    word_names: BTreeSet<String>,
    /// Wordings that are nobody's name, the words of each by its first one.
    nobody: BTreeMap<String, Vec<Vec<String>>>,
}

impl Names {
    /// Adds what a file lists.
    pub fn extend(&mut self, fields: &NameFields) {
        self.names.extend(fields.names.split_whitespace().map(folded));
        self.word_names.extend(fields.word_names.split_whitespace().map(folded));
        for wording in &fields.nobody {
            let words: Vec<String> = wording.split_whitespace().map(|word| owner(&folded(word)).to_string()).collect();
            if let Some(first) = words.first() {
                self.nobody.entry(first.clone()).or_default().push(words);
            }
        }
    }

    /// A text with a mark before each name of the lists.
    pub fn mark(&self, text: &str) -> Marked {
        let words: Vec<Range<usize>> = words(text).collect();
        let keys: Vec<String> = words.iter().map(|at| owner(&folded(&text[at.clone()])).to_string()).collect();
        let mut marked = Marked { text: String::with_capacity(text.len() + words.len() / 4), marks: Vec::new() };
        let mut copied = 0;
        let mut free_until = 0;
        for (i, at) in words.iter().enumerate() {
            for wording in self.nobody.get(&keys[i]).into_iter().flatten() {
                if keys[i..].starts_with(wording) {
                    free_until = free_until.max(i + wording.len());
                }
            }
            let mark = if i < free_until {
                None
            } else if has(&self.names, &keys[i], text[at.start..].starts_with(char::is_uppercase)) {
                Some(LISTED)
            } else if self.word_names.contains(&keys[i]) && is_capital_for_a_name(text, &words, i) {
                Some(WORD_LISTED)
            } else {
                None
            };
            if let Some(mark) = mark {
                marked.text.push_str(&text[copied..at.start]);
                marked.marks.push(marked.text.len());
                marked.text.push(mark);
                copied = at.start;
            }
        }
        marked.text.push_str(&text[copied..]);
        marked
    }
}

/// Whether a word is in a list, as it is, or as two joined by a hyphen; with a capital as the plural that a family has too
/// (`Garcias`).
fn has(list: &BTreeSet<String>, key: &str, capital: bool) -> bool {
    let several = |ending: &str| key.strip_suffix(ending).is_some_and(|one| one.len() > 4 && list.contains(one));
    let joined = || key.split_once('-').is_some_and(|(first, rest)| list.contains(first) && list.contains(rest));
    list.contains(key) || (capital && (several("s") || several("es"))) || joined()
}

/// A text with marks in it.
#[derive(Debug)]
pub(super) struct Marked {
    pub text: String,
    /// Where the marks stand, in order.
    marks: Vec<usize>,
}

impl Marked {
    /// A range of the marked text in the text without marks.
    pub fn unmarked(&self, range: Range<usize>) -> Range<usize> {
        let place = |at: usize| at - self.marks.partition_point(|mark| *mark < at);
        place(range.start)..place(range.end)
    }
}

/// Whether the capital of a word says that it is a name: it has one, though it begins no sentence and no heading's words
/// all have one.
fn is_capital_for_a_name(text: &str, words: &[Range<usize>], i: usize) -> bool {
    let has_capital = |at: &Range<usize>| text[at.clone()].starts_with(char::is_uppercase);
    let long_small = |at: &&Range<usize>| at.len() > 3 && !has_capital(at);
    let begins = i == 0 || text[words[i - 1].end..words[i].start].contains(['.', '!', '?', '\n', ':', '"']);
    let near = &words[i.saturating_sub(4)..(i + 5).min(words.len())];
    has_capital(&words[i]) && !begins && near.iter().any(|at| long_small(&at))
}

/// Where the words stand: letters, with an apostrophe or a hyphen within.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut letters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = letters.find(|(_, letter)| letter.is_alphabetic())?;
        let mut end = start + first.len_utf8();
        while let Some((at, letter)) = letters.next_if(|(_, letter)| letter.is_alphabetic() || "'-".contains(*letter)) {
            if letter.is_alphabetic() {
                end = at + letter.len_utf8();
            }
        }
        Some(start..end)
    })
}

/// A word without the `'s` of what it owns.
fn owner(key: &str) -> &str {
    key.strip_suffix("'s").unwrap_or(key)
}

/// In small letters, without the accents that speech engines leave out.
fn folded(word: &str) -> String {
    let plain = |letter: char| match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'ī' | 'ı' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ś' | 'š' | 'ş' => 's',
        'ź' | 'ż' | 'ž' => 'z',
        'ý' | 'ÿ' => 'y',
        'ł' => 'l',
        'ř' => 'r',
        'ğ' => 'g',
        other => other,
    };
    word.chars().flat_map(char::to_lowercase).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str) -> Marked {
        let mut names = Names::default();
        names.extend(&NameFields {
            names: "maria garcia zoe hugo victor hyun".into(),
            word_names: "mark rose".into(),
            nobody: vec!["victor hugo".into()],
        });
        names.mark(text)
    }

    fn shown(text: &str) -> String {
        marked(text).text.replace(LISTED, "<").replace(WORD_LISTED, "~")
    }

    #[test]
    fn names_are_marked_with_and_without_capitals_accents_and_endings() {
        assert_eq!(shown("then maria, Zoë's and the Garcias"), "then <maria, <Zoë's and the <Garcias");
        assert_eq!(shown("two garcias"), "two garcias");
        assert_eq!(shown("Garcia-Hugo, not sugar-maria"), "<Garcia-Hugo, not sugar-maria");
    }

    #[test]
    fn a_word_is_a_name_by_its_capital_within_a_sentence() {
        assert_eq!(shown("Mark it. we told Mark about it, mark it"), "Mark it. we told ~Mark about it, mark it");
        assert_eq!(shown("How To Mark A Mole"), "How To Mark A Mole");
    }

    #[test]
    fn people_in_books_are_nobody() {
        assert_eq!(shown("Victor Hugo wrote, Victor read, Hugo too"), "Victor Hugo wrote, <Victor read, <Hugo too");
    }

    #[test]
    fn places_without_marks_are_found_again() {
        let marked = marked("saw Zoë and Maria.");
        let at = marked.text.find("\u{1}Maria").unwrap_or_default();
        assert_eq!(marked.unmarked(at..at + 6), 13..18);
    }
}
