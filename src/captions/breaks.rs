//! How bad it is to part two words, so that cues and lines break where a reader pauses.
//!
//! The order follows the BBC's and Netflix' subtitle guides: best after punctuation, then before a conjunction or
//! preposition; never between words that mean something only together. In a clinician's mouth the worst partings are
//! those that change the meaning: "do not | take", "2 | mg". The word lists are English; other languages break at
//! punctuation, pauses and where Unicode allows (UAX #14).

use super::text::{clean, space_between};
use unicode_linebreak::linebreaks;

/// Unicode allows no break here, such as before a full stop of its own or inside a number.
pub(super) const FORBIDDEN: f64 = 1000.0;
/// The reader would take the words for something else: a negation, a dose, a name.
const HARMFUL: f64 = 90.0;
/// The words belong closely together: an article and its noun, a preposition and its object.
const CLOSE: f64 = 45.0;
/// The words belong together, but a reader copes: subject and verb, a first and a last name.
const LOOSE: f64 = 28.0;
/// Nothing speaks for or against.
const NEUTRAL: f64 = 14.0;
const BEFORE_PREPOSITION: f64 = 8.0;
const BEFORE_CONJUNCTION: f64 = 5.0;
const AFTER_CLAUSE: f64 = 2.0;

const TITLES: &str = "dr mr mrs ms mx prof professor doctor nurse st";
/// Words whose full stop ends no sentence.
const ABBREVIATIONS: &str = "dr mr mrs ms mx prof st e.g i.e approx etc vs";
const NEGATIONS: &str = "not never no cannot without neither nor hardly";
const ARTICLES: &str = "a an the my your his her its our their this that these those each every any some another both";
const PREPOSITIONS: &str = "in on at by for with from of to into onto over under about after before between through \
    during against around behind below above near off out up down until till within without per than like";
const CONJUNCTIONS: &str = "and or but nor so yet because if when while although though unless whereas since as that \
    which who whose where whether then";
const AUXILIARIES: &str = "is are was were be been being am do does did have has had will would can could may might \
    must shall should let lets gonna";
const PRONOUNS: &str = "i you he she we they it i'm you're he's she's we're they're it's i've you've we've they've i'd \
    you'd we'd they'd i'll you'll he'll she'll we'll they'll it'll there there's";
const DEGREES: &str = "very too really quite more most less least only just almost about";
const NUMBERS: &str = "one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty \
    sixty seventy eighty ninety hundred thousand half quarter";
const LABELS: &str = "spf type stage grade phase level factor vitamin number step day week hepatitis covid omega ph";

/// Whether the space-separated list holds the word.
fn among(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|entry| entry == word)
}

/// A word in lower case, with straight apostrophes, without the punctuation around it.
fn core(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase().replace('\u{2019}', "'")
}

/// Whether the word ends a sentence: with a full stop, question or exclamation mark of any script, perhaps inside
/// closing quotes, unless it is an abbreviation.
pub(super) fn ends_sentence(word: &str) -> bool {
    let bare = word.trim_end_matches(['"', '\'', ')', ']', '”', '’', '»', '」', '』', '）']);
    match bare.chars().next_back() {
        Some('.') => {
            let stem = core(bare);
            !among(ABBREVIATIONS, &stem) || bare.ends_with("..")
        }
        Some(last) => matches!(last, '!' | '?' | '…' | '。' | '！' | '？' | '؟' | '۔' | '।' | '‼' | '⁉'),
        None => false,
    }
}

/// The penalty of a break between two words, 0 (the end of a sentence) to `FORBIDDEN`.
pub(super) fn penalty(before: &str, after: &str) -> f64 {
    let (before, after) = (clean(before), clean(after));
    if !unicode_allows(&before, &after) {
        return FORBIDDEN;
    }
    if ends_sentence(&before) {
        return 0.0;
    }
    let (a, b) = (core(&before), core(&after));
    let capital = |word: &str| word.chars().find(|c| c.is_alphanumeric()).is_some_and(char::is_uppercase);
    if among(TITLES, &a) && capital(&after) {
        return HARMFUL;
    }
    if before.ends_with([',', ';', ':', '–', '—', ')', '、', '，', '；', '：', '،', '؛'])
        || after.starts_with(['(', '–', '—'])
    {
        return AFTER_CLAUSE;
    }
    if space_between(&before, &after).is_empty() {
        return unspaced_penalty(&before, &after);
    }
    let is_number = |word: &str| word.ends_with(|c: char| c.is_numeric()) || among(NUMBERS, word);
    let is_unit = after.starts_with(['%', '‰', '°', '℃', '℉']);
    let negates = among(NEGATIONS, &a) || a.ends_with("n't");
    let rules = [
        (negates, HARMFUL),
        (among("not never", &b), HARMFUL),
        (is_number(&a) && (is_unit || b.chars().any(char::is_alphabetic)) && !among(CONJUNCTIONS, &b), HARMFUL),
        (is_number(&a) && is_number(&b), HARMFUL),
        (among(LABELS, &a) && (is_number(&b) || (b.chars().count() == 1 && capital(&after) && b != "i")), HARMFUL),
        (among(ARTICLES, &a) || among(PREPOSITIONS, &a) || among(CONJUNCTIONS, &a), CLOSE),
        (among(AUXILIARIES, &a) || among(PRONOUNS, &a) || among(DEGREES, &a), CLOSE),
        (capital(&before) && capital(&after) && b != "i" && !b.starts_with("i'"), CLOSE),
        (among("of than", &b), LOOSE),
        (among(CONJUNCTIONS, &b), BEFORE_CONJUNCTION),
        (among(PREPOSITIONS, &b), BEFORE_PREPOSITION),
        (among(AUXILIARIES, &b) || b.ends_with("n't"), LOOSE),
    ];
    rules.iter().find(|(applies, _)| *applies).map_or(NEUTRAL, |&(_, cost)| cost)
}

/// Whether UAX #14 allows a break between the words as they are joined.
fn unicode_allows(before: &str, after: &str) -> bool {
    let joined = format!("{before}{}{after}", space_between(before, after));
    let border = joined.len() - after.len();
    linebreaks(&joined).any(|(at, _)| at == border)
}

/// In scripts without spaces: after kana and before anything else a Japanese phrase tends to end; elsewhere a break
/// may fall inside a word.
fn unspaced_penalty(before: &str, after: &str) -> f64 {
    let kana = |c: Option<char>| c.is_some_and(|c| matches!(u32::from(c), 0x3040..=0x30FF));
    if kana(before.chars().next_back()) && !kana(after.chars().next()) { BEFORE_CONJUNCTION } else { LOOSE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_mean_something_only_together_cost_most() {
        for (a, b) in [
            ("not", "take"),
            ("do", "not"),
            ("don\u{2019}t", "shave"),
            ("no", "dairy"),
            ("2", "mg"),
            ("two", "tablets"),
            ("100", "000"),
            ("Dr.", "Reed"),
            ("SPF", "30"),
            ("vitamin", "D"),
            ("never", "share"),
        ] {
            assert_eq!(penalty(a, b), HARMFUL, "{a} | {b}");
        }
        for (a, b) in [("the", "skin"), ("of", "water"), ("should", "shave"), ("you", "shave"), ("Mary", "Reed")] {
            assert_eq!(penalty(a, b), CLOSE, "{a} | {b}");
        }
        assert_eq!(penalty("ですか", "。"), FORBIDDEN);
        assert_eq!(penalty("「", "薬"), FORBIDDEN);
    }

    #[test]
    fn the_better_break_is_cheaper() {
        let order =
            [("skin.", "Then"), ("skin,", "then"), ("skin", "and"), ("skin", "with"), ("dry", "skin"), ("skin", "is")];
        let costs: Vec<f64> = order.iter().map(|(a, b)| penalty(a, b)).collect();
        assert!(costs.windows(2).all(|pair| pair[0] < pair[1]), "{costs:?}");
        assert!(penalty("薬を", "飲む") < penalty("検", "査"));
    }

    #[test]
    fn abbreviations_do_not_end_sentences() {
        for end in ["skin.", "why?", "now!\u{201D}", "doctor.", "No.", "です。", "wait…", "5.", "متى؟"] {
            assert!(ends_sentence(end), "{end}");
        }
        for inside in ["Dr.", "e.g.", "approx.", "skin,", "2.5", "", "—"] {
            assert!(!ends_sentence(inside), "{inside}");
        }
    }
}
