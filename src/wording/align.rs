//! Which word of one text is which word of another: edit distance over words. Pure.

use crate::speech::Word;

/// One step through two texts, by index: the wanted words and those that were heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The same word.
    Same(usize, usize),
    /// One stands for the other.
    Changed(usize, usize),
    /// Wanted, and not heard.
    Missing(usize),
    /// Heard, and not wanted.
    Extra(usize),
}

/// What a word costs that stands in one text alone. A change costs less than a word that is missing and one too many, so
/// that words pair up; two words with nothing in common cost nearly as much, so that those alike pair first.
const ALONE: u16 = 8;
const CHANGED: u16 = 14;
const ALIKE: u16 = 8;
/// Most pairs of words that are weighed against each other, a byte each: 8,000 words against 8,000, an hour of speech.
const MOST_PAIRS: usize = 64 << 20;
/// What may stand before a word without being part of it.
pub(super) const OPENERS: [char; 12] =
    ['(', '[', '{', '"', '\'', '\u{201C}', '\u{2018}', '\u{201E}', '\u{AB}', '\u{2039}', '\u{BF}', '\u{A1}'];

/// The cheapest way from `wanted` to `heard`, in order. Words are compared as [`plain`] gives them. Takes time in
/// proportion to the product of the lengths: 5,000 words against 5,000 take a few tenths of a second. What both have in
/// common at the start and at the end costs nothing; where the rest is too long to be weighed, its words are paired as
/// they come.
pub fn align(wanted: &[String], heard: &[String]) -> Vec<Step> {
    let pairs = wanted.iter().zip(heard);
    let start = pairs.take_while(|(a, b)| a == b).count();
    let pairs = wanted[start..].iter().rev().zip(heard[start..].iter().rev());
    let end = pairs.take_while(|(a, b)| a == b).count();
    let (ours, theirs) = (&wanted[start..wanted.len() - end], &heard[start..heard.len() - end]);
    let weighable = (ours.len() + 1).saturating_mul(theirs.len() + 1) <= MOST_PAIRS;
    let middle = if weighable { cheapest(ours, theirs) } else { as_they_come(ours, theirs) };
    let shifted = middle.into_iter().map(|step| match step {
        Step::Same(i, j) => Step::Same(i + start, j + start),
        Step::Changed(i, j) => Step::Changed(i + start, j + start),
        Step::Missing(i) => Step::Missing(i + start),
        Step::Extra(j) => Step::Extra(j + start),
    });
    let last = (0..end).map(|n| Step::Same(wanted.len() - end + n, heard.len() - end + n));
    (0..start).map(|n| Step::Same(n, n)).chain(shifted).chain(last).collect()
}

/// Each word with the one at its place, and those without one after them.
fn as_they_come(wanted: &[String], heard: &[String]) -> Vec<Step> {
    let step = |n: usize| match (wanted.get(n), heard.get(n)) {
        (Some(a), Some(b)) if a == b => Step::Same(n, n),
        (Some(_), Some(_)) => Step::Changed(n, n),
        (Some(_), None) => Step::Missing(n),
        _ => Step::Extra(n),
    };
    (0..wanted.len().max(heard.len())).map(step).collect()
}

fn cheapest(wanted: &[String], heard: &[String]) -> Vec<Step> {
    #[derive(Clone, Copy)]
    enum From {
        Both,
        Wanted,
        Heard,
    }
    let width = heard.len() + 1;
    let mut from = vec![From::Heard; (wanted.len() + 1) * width];
    let mut row: Vec<u32> = (0..width as u32).map(|j| j * u32::from(ALONE)).collect();
    for (i, word) in wanted.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] += u32::from(ALONE);
        from[(i + 1) * width] = From::Wanted;
        for (j, other) in heard.iter().enumerate() {
            let both = diagonal + u32::from(distance(word, other));
            let (without, extra) = (row[j + 1] + u32::from(ALONE), row[j] + u32::from(ALONE));
            diagonal = row[j + 1];
            let cheapest = both.min(without).min(extra);
            row[j + 1] = cheapest;
            from[(i + 1) * width + j + 1] = match cheapest {
                cost if cost == both => From::Both,
                cost if cost == without => From::Wanted,
                _ => From::Heard,
            };
        }
    }
    let (mut i, mut j) = (wanted.len(), heard.len());
    let mut steps = Vec::with_capacity(i.max(j));
    while i > 0 || j > 0 {
        steps.push(match from[i * width + j] {
            From::Both => {
                (i, j) = (i - 1, j - 1);
                if wanted[i] == heard[j] { Step::Same(i, j) } else { Step::Changed(i, j) }
            }
            From::Wanted => {
                i -= 1;
                Step::Missing(i)
            }
            From::Heard => {
                j -= 1;
                Step::Extra(j)
            }
        });
    }
    steps.reverse();
    steps
}

/// What it costs to take one word for the other: little when they begin alike.
fn distance(a: &str, b: &str) -> u16 {
    if a == b {
        return 0;
    }
    let shared = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    if shared * 2 >= a.len().max(b.len()) { ALIKE } else { CHANGED }
}

/// A word as it is compared: lower case, straight apostrophes inside, nothing else but letters and digits. Signs that are
/// part of a number stay ("1.5", "1/2", "5-10", "-5"), so that no two numbers are the same word; commas in thousands go. A
/// word of signs alone stays what it is.
pub fn plain(word: &str) -> String {
    let chars: Vec<char> = word
        .chars()
        .map(|c| match c {
            '\u{2019}' => '\'',
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '\u{2044}' => '/',
            c => c,
        })
        .collect();
    let digit = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(char::is_ascii_digit);
    let first = chars.iter().position(|c| !OPENERS.contains(c)).unwrap_or(0);
    let is_sign = |c: char| matches!(c, '-' | '+' | '<' | '>');
    let thousands = |at: usize| (1..=3).all(|n| digit(Some(at + n))) && !digit(Some(at + 4));
    let mut letters = String::new();
    for (at, &c) in chars.iter().enumerate() {
        let inside = digit(at.checked_sub(1)) && digit(Some(at + 1));
        let kept = match c {
            '\'' | '%' => true,
            ',' => inside && !thousands(at),
            _ if inside => true,
            '.' if digit(Some(at + 1)) && (at == first || (at == first + 1 && is_sign(chars[first]))) => {
                letters.push('0');
                true
            }
            c if is_sign(c) => {
                at == first && (digit(Some(at + 1)) || (chars.get(at + 1) == Some(&'.') && digit(Some(at + 2))))
            }
            c => c.is_alphanumeric(),
        };
        if kept {
            letters.extend(c.to_lowercase());
        }
    }
    let bare = letters.trim_matches('\'');
    if bare.is_empty() { word.to_string() } else { bare.to_string() }
}

/// The words as they are compared.
pub fn plain_words(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| plain(&word.text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(plain).collect()
    }

    #[test]
    fn the_words_that_stayed_are_found_around_those_that_changed() {
        use Step::{Changed, Extra, Missing, Same};
        let steps =
            align(&list("Use a thin layer of tretinoin at night."), &list("use thin layer of tretin oin at at night"));
        let expected = [
            Same(0, 0),
            Missing(1),
            Same(2, 1),
            Same(3, 2),
            Same(4, 3),
            Changed(5, 4),
            Extra(5),
            Extra(6),
            Same(6, 7),
            Same(7, 8),
        ];
        // Either "at" may be the one that stayed.
        let stayed = steps.iter().filter(|s| matches!(s, Same(..))).count();
        assert_eq!((stayed, steps.len()), (6, expected.len()), "{steps:?}");
        assert_eq!(steps[..6], expected[..6]);
    }

    #[test]
    fn words_are_compared_without_dress() {
        assert_eq!(list("\u{201C}Don\u{2019}t,\u{201D} 50% — É"), ["don't", "50%", "—", "é"]);
    }

    #[test]
    fn numbers_that_differ_are_never_the_same_word() {
        let numbers =
            ["1.5", "15", "1/2", "12", "-5", "5", "5-10", "510", "1,5", "10:30", "1030", "0.5", "<5", "5x10", "5~10"];
        let words: std::collections::HashSet<String> = numbers.iter().map(|number| plain(number)).collect();
        assert_eq!(words.len(), numbers.len(), "{words:?}");
        for (a, b) in [
            ("1,000", "1000"),
            ("(5\u{2013}10).", "5-10"),
            ("\u{2212}5,", "-5"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("5\u{2014}10", "5-10"),
            ("-b12", "b12"),
        ] {
            assert_eq!(plain(a), plain(b), "{a} and {b}");
        }
    }

    #[test]
    fn texts_too_long_to_be_weighed_are_paired_as_they_come() {
        use Step::{Changed, Extra, Same};
        let many = |word: &str, count: usize| vec![word.to_string(); count];
        let wanted = [many("start", 2), many("a", 20_000), many("end", 3)].concat();
        let heard = [many("start", 2), many("b", 20_001), many("end", 3)].concat();
        let steps = align(&wanted, &heard);
        assert_eq!(steps[..3], [Same(0, 0), Same(1, 1), Changed(2, 2)]);
        assert_eq!(steps[20_001..20_004], [Changed(20_001, 20_001), Extra(20_002), Same(20_002, 20_003)]);
    }

    proptest! {
        #[test]
        fn every_word_of_both_is_passed_once_and_in_order(
            a in prop::collection::vec("[a-c]{1,2}", 0..30),
            b in prop::collection::vec("[a-c]{1,2}", 0..30),
        ) {
            let steps = align(&a, &b);
            let wanted: Vec<usize> = steps.iter().filter_map(|s| match s {
                Step::Same(i, _) | Step::Changed(i, _) | Step::Missing(i) => Some(*i),
                Step::Extra(_) => None,
            }).collect();
            let heard: Vec<usize> = steps.iter().filter_map(|s| match s {
                Step::Same(_, j) | Step::Changed(_, j) | Step::Extra(j) => Some(*j),
                Step::Missing(_) => None,
            }).collect();
            prop_assert_eq!(wanted, (0..a.len()).collect::<Vec<_>>());
            prop_assert_eq!(heard, (0..b.len()).collect::<Vec<_>>());
            for step in steps {
                if let Step::Same(i, j) = step {
                    prop_assert_eq!(&a[i], &b[j]);
                }
            }
        }
    }
}
