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

/// The cheapest way from `wanted` to `heard`, in order. Words are compared as [`plain`] gives them. Takes time in
/// proportion to the product of the lengths: 5,000 words against 5,000 take a few tenths of a second.
pub fn align(wanted: &[String], heard: &[String]) -> Vec<Step> {
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

/// A word as it is compared: lower case, straight apostrophes inside, nothing else but letters and digits. A word of
/// signs alone stays what it is.
pub fn plain(word: &str) -> String {
    let letters: String = word
        .chars()
        .map(|c| if c == '\u{2019}' { '\'' } else { c })
        .filter(|c| c.is_alphanumeric() || matches!(c, '\'' | '%'))
        .flat_map(char::to_lowercase)
        .collect();
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
