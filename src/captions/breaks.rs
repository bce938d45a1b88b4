//! How bad it is to part two words, so that cues and lines break where a reader pauses.
//!
//! The order follows the BBC's and Netflix' subtitle guides: best after punctuation, then before a conjunction or
//! preposition; never between words that mean something only together. In a clinician's mouth the worst partings are
//! those that change the meaning: "do not | take", "2 | mg". The words that tell are in `tongues`, for a few languages;
//! others break at punctuation, pauses and where Unicode allows (UAX #14). Japanese breaks between phrases as far as its
//! kinds of letters show them.

use super::text::{clean, space_between};
use super::tongues::{Tongue, among};
use unicode_linebreak::linebreaks;

/// Unicode allows no break here, such as before a full stop of its own or inside a number.
pub(super) const FORBIDDEN: f64 = 1000.0;
/// The reader would take the words for something else: a negation, a dose, a name.
const HARMFUL: f64 = 90.0;
/// The break falls inside what is read as one word, in a script without spaces.
const INSIDE: f64 = 75.0;
/// The words belong closely together: an article and its noun, a preposition and its object.
const CLOSE: f64 = 45.0;
/// The words belong together, but a reader copes: subject and verb, a first and a last name.
const LOOSE: f64 = 28.0;
/// Nothing speaks for or against.
const NEUTRAL: f64 = 14.0;
const BEFORE_PREPOSITION: f64 = 8.0;
const BEFORE_CONJUNCTION: f64 = 5.0;
const AFTER_CLAUSE: f64 = 2.0;

/// Words whose full stop ends no sentence, in any language.
const ABBREVIATIONS: &str = "dr mr mrs ms mx prof st e.g i.e approx etc vs dra sr sra srta ud uds p.ej mme mlle \
    bzw z.b d.h z d ca evtl ggf";

/// A word in lower case, with straight apostrophes, without the punctuation around it.
pub(super) fn core(word: &str) -> String {
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

/// The penalty of a break between two words of a language, 0 (the end of a sentence) to `FORBIDDEN`.
pub(super) fn penalty(before: &str, after: &str, tongue: Tongue) -> f64 {
    let (before, after) = (clean(before), clean(after));
    // French and others set a space before a closing quote and after an opening one, where UAX #14 allows a break.
    let is_quote = |word: &str, quotes: &[char]| !word.is_empty() && word.chars().all(|c| quotes.contains(&c));
    if !unicode_allows(&before, &after)
        || after.starts_with(['»', '›', ':', ';', '!', '?'])
        || is_quote(&before, &['«', '‹', '¿', '¡'])
    {
        return FORBIDDEN;
    }
    if ends_sentence(&before) {
        return 0.0;
    }
    let words = tongue.words();
    let (a, b) = (core(&before), core(&after));
    let capital = |word: &str| word.chars().find(|c| c.is_alphanumeric()).is_some_and(char::is_uppercase);
    if among(words.titles, &a) && capital(&after) {
        return HARMFUL;
    }
    if before.ends_with([',', ';', ':', '–', '—', ')', '»', '、', '，', '；', '：', '،', '؛'])
        || after.starts_with(['(', '–', '—'])
    {
        return AFTER_CLAUSE;
    }
    if space_between(&before, &after).is_empty() {
        return unspaced_penalty(&before, &after);
    }
    let is_number = |word: &str| word.ends_with(|c: char| c.is_numeric()) || among(words.numbers, word);
    let is_unit = after.starts_with(['%', '‰', '°', '℃', '℉', '٪']);
    let negates = among(words.negations, &a) || words.negating_ends.iter().any(|end| a.ends_with(end));
    let negated = among(words.late_negations, &b) || words.negating_starts.iter().any(|start| a.starts_with(start));
    // In German every noun has a capital, so capitals tell no names.
    let names = capital(&before) && capital(&after) && tongue != Tongue::German;
    let rules = [
        (negates || negated, HARMFUL),
        (is_number(&a) && (is_unit || b.chars().any(char::is_alphabetic)) && !among(words.conjunctions, &b), HARMFUL),
        (is_number(&a) && is_number(&b), HARMFUL),
        (
            among(words.labels, &a) && (is_number(&b) || (b.chars().count() == 1 && capital(&after) && b != "i")),
            HARMFUL,
        ),
        (among(words.articles, &a) || among(words.prepositions, &a) || among(words.conjunctions, &a), CLOSE),
        (among(words.auxiliaries, &a) || among(words.pronouns, &a) || among(words.degrees, &a), CLOSE),
        (names && b != "i" && !b.starts_with("i'"), CLOSE),
        (among(words.trailing, &b), LOOSE),
        (among(words.conjunctions, &b), BEFORE_CONJUNCTION),
        (among(words.prepositions, &b), BEFORE_PREPOSITION),
        (among(words.auxiliaries, &b) || words.negating_ends.iter().any(|end| b.ends_with(end)), LOOSE),
    ];
    rules.iter().find(|(applies, _)| *applies).map_or(NEUTRAL, |&(_, cost)| cost)
}

/// Whether UAX #14 allows a break between the words as they are joined.
fn unicode_allows(before: &str, after: &str) -> bool {
    let joined = format!("{before}{}{after}", space_between(before, after));
    let border = joined.len() - after.len();
    linebreaks(&joined).any(|(at, _)| at == border)
}

/// What a letter of Japanese is part of.
#[derive(Clone, Copy, PartialEq)]
enum Letter {
    Hiragana,
    Katakana,
    Han,
    Digit,
    Other,
}

fn letter(c: char) -> Letter {
    match u32::from(c) {
        0x3041..=0x309F => Letter::Hiragana,
        0x30A0..=0x30FF | 0x31F0..=0x31FF | 0xFF66..=0xFF9F => Letter::Katakana,
        0x3005..=0x3007 | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF => Letter::Han,
        _ if c.is_numeric() => Letter::Digit,
        _ => Letter::Other,
    }
}

/// In scripts without spaces. A Japanese phrase begins with Han, katakana or a number, and ends with hiragana, mostly a
/// particle: so a break is best where hiragana ends, worst where it begins, and parts no loanword and no number from its
/// counter. Elsewhere a break may fall inside a word.
fn unspaced_penalty(before: &str, after: &str) -> f64 {
    use Letter::{Digit, Han, Hiragana, Katakana, Other};
    let (Some(last), Some(first)) = (before.chars().next_back(), after.chars().next()) else { return NEUTRAL };
    match (letter(last), letter(first)) {
        (Digit, _) => HARMFUL,
        (Katakana, Katakana) => INSIDE,
        (Hiragana, Hiragana) => match last {
            'を' => BEFORE_PREPOSITION,
            'て' | 'で' | 'は' | 'ば' => LOOSE,
            _ => INSIDE,
        },
        // A prefix of politeness, unless it ends a word of hiragana.
        (Hiragana, _) if matches!(before, "お" | "ご") => INSIDE,
        (Hiragana, _) => match last {
            'を' | 'は' | 'が' | 'に' | 'で' | 'と' | 'も' | 'へ' | 'て' | 'ば' => BEFORE_CONJUNCTION,
            'の' => NEUTRAL,
            _ => BEFORE_PREPOSITION,
        },
        (Han | Katakana | Other, Hiragana) => INSIDE,
        (Han, Digit) if matches!(last, '第' | '約') => HARMFUL,
        (Han | Katakana, Han | Katakana | Digit | Other) | (Other, _) => LOOSE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn penalty(before: &str, after: &str) -> f64 {
        super::penalty(before, after, Tongue::English)
    }

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

    #[test]
    fn what_belongs_together_costs_most_in_each_language() {
        use Tongue::{Arabic, French, German, Spanish};
        for (tongue, a, b) in [
            (Spanish, "no", "tome"),
            (Spanish, "2", "mg"),
            (Spanish, "dos", "pastillas"),
            (Spanish, "Dra.", "Ruiz"),
            (Spanish, "sin", "receta"),
            (French, "ne", "prenez"),
            (French, "prenez", "pas"),
            (French, "n\u{2019}est", "pas"),
            (French, "deux", "comprimés"),
            (French, "Mme", "Petit"),
            (German, "nicht", "mehr"),
            (German, "Sie", "nicht"),
            (German, "kein", "Fieber"),
            (German, "zwei", "Tabletten"),
            (German, "Frau", "Meier"),
            (Arabic, "لا", "تأخذ"),
            (Arabic, "5", "حبات"),
        ] {
            assert_eq!(super::penalty(a, b, tongue), HARMFUL, "{a} | {b}");
        }
        for (tongue, a, b) in [
            (Spanish, "la", "piel"),
            (Spanish, "con", "agua"),
            (French, "de", "l\u{2019}eau"),
            (French, "vous", "pouvez"),
            (German, "der", "Arzt"),
            (German, "mit", "Wasser"),
            (Arabic, "مع", "الطعام"),
        ] {
            assert_eq!(super::penalty(a, b, tongue), CLOSE, "{a} | {b}");
        }
        for (tongue, a, b) in [
            (Spanish, "agua", "y"),
            (French, "peau", "mais"),
            (German, "Wasser", "und"),
            (German, "Haut", "weil"),
            (Arabic, "الماء", "أو"),
        ] {
            assert_eq!(super::penalty(a, b, tongue), BEFORE_CONJUNCTION, "{a} | {b}");
        }
        assert_eq!(super::penalty("Impfung", "Kinder", German), NEUTRAL);
    }

    #[test]
    fn marks_with_a_space_of_their_own_stay_with_their_word() {
        for (a, b) in [("va", "?"), ("ceci", ":"), ("eau", ";"), ("non", "!"), ("dit", "»"), ("«", "oui"), ("¿", "Qué")]
        {
            assert_eq!(super::penalty(a, b, Tongue::French), FORBIDDEN, "{a} | {b}");
        }
        assert_eq!(super::penalty("Hola.", "¿Qué", Tongue::Spanish), 0.0);
        assert_eq!(super::penalty("oui", "«", Tongue::French), NEUTRAL);
    }

    #[test]
    fn japanese_lines_neither_begin_nor_end_where_kinsoku_forbids() {
        for (a, b) in [("薬", "、"), ("す", "。"), ("薬", "」"), ("「", "薬"), ("（", "朝"), ("朝", "）"), ("薬", "々")]
        {
            assert_eq!(penalty(a, b), FORBIDDEN, "{a} | {b}");
        }
        for (a, b) in [("し", "ょ"), ("飲", "っ"), ("コ", "ー"), ("チ", "ェ"), ("き", "ゃ"), ("シ", "ャ"), ("に", "ゅ")]
        {
            assert_eq!(penalty(a, b), FORBIDDEN, "{a} | {b}");
        }
    }

    #[test]
    fn japanese_breaks_after_a_phrase() {
        let rising = [("薬は", "朝"), ("毎日の", "薬"), ("検", "査"), ("薬", "を"), ("2", "回")];
        let costs: Vec<f64> = rising.iter().map(|(a, b)| penalty(a, b)).collect();
        assert!(costs.windows(2).all(|pair| pair[0] < pair[1]), "{costs:?}");
        for (a, b) in [("ワク", "チン"), ("飲", "んで"), ("お", "薬"), ("飲ま", "ない")] {
            assert_eq!(penalty(a, b), INSIDE, "{a} | {b}");
        }
    }
}
