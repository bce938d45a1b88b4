//! Which words a person should look at twice: numbers, amounts with their unit, negations. Pure. A hint for the eye and
//! nothing more; what holds a clip is found by the [checks](super::checks).

use super::align::plain;
use super::numbers::is_number_word;

/// Units of doses and of what is measured in a patient, as they are said and as they are written.
const UNITS: [&str; 64] = [
    "mg",
    "mcg",
    "µg",
    "μg",
    "g",
    "kg",
    "ml",
    "cl",
    "dl",
    "l",
    "cc",
    "iu",
    "ie",
    "meq",
    "mmol",
    "mmhg",
    "oz",
    "tsp",
    "tbsp",
    "milligram",
    "milligrams",
    "microgram",
    "micrograms",
    "gram",
    "grams",
    "milliliter",
    "milliliters",
    "millilitre",
    "millilitres",
    "teaspoon",
    "teaspoons",
    "tablespoon",
    "tablespoons",
    "ounce",
    "ounces",
    "unit",
    "units",
    "drop",
    "drops",
    "puff",
    "puffs",
    "spray",
    "sprays",
    "tablet",
    "tablets",
    "pill",
    "pills",
    "capsule",
    "capsules",
    "patch",
    "patches",
    "dose",
    "doses",
    "injection",
    "injections",
    "times",
    "percent",
    "milligramm",
    "gramm",
    "tropfen",
    "tabletten",
    "gotas",
    "pastillas",
    "comprimidos",
];

/// Words that turn round what is said, by language; those of English count everywhere but where they mean something else.
const NEGATIONS: [(&str, &str); 4] = [
    ("en", "not no never without none neither nor cannot nothing nobody nowhere"),
    ("de", "nicht kein keine keinen keinem keiner keines nie niemals ohne nichts niemand weder"),
    ("es", "no nunca sin jamás ninguno ninguna ningún nada nadie ni tampoco"),
    ("fr", "pas jamais sans aucun aucune rien personne ni ne"),
];

/// Whether a word is a number, in digits of any script or said in English. "One" is not: it mostly counts nothing.
pub fn is_number(text: &str) -> bool {
    let counts = |part: &str| !matches!(part, "one" | "point") && is_number_word(part);
    // "Twenty-one" is a number although "one" is none.
    let mut parts = text.split('-').map(plain);
    text.contains(char::is_numeric)
        || parts.next().is_some_and(|part| counts(&part) && parts.all(|part| is_number_word(&part)))
}

/// Whether a word turns round what is said, in a language by its ISO 639-1 code; English where that is not known.
pub fn is_negation(text: &str, language: &str) -> bool {
    let word = text.to_lowercase().replace('\u{2019}', "'");
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let known = NEGATIONS.iter().find(|(code, _)| *code == language).unwrap_or(&NEGATIONS[0]);
    let contracted = known.0 == "en" && word.ends_with("n't");
    contracted || known.1.split(' ').any(|negation| negation == word)
}

/// Which of the words are an amount with its unit: `2 mg`, `two tablets`, `10mg`.
pub fn amounts(texts: &[&str]) -> Vec<bool> {
    let mut marked = vec![false; texts.len()];
    for (at, text) in texts.iter().enumerate() {
        let word = plain(text);
        let ends_phrase = text.ends_with(['.', ',', ';', ':', '!', '?']);
        let joined = word.trim_start_matches(|c: char| c.is_numeric() || matches!(c, '.' | ',' | '-'));
        if joined.len() < word.len() && (UNITS.contains(&joined) || text.contains('%')) {
            marked[at] = true;
        } else if let Some(next) = texts.get(at + 1).filter(|_| (is_number(text) || word == "one") && !ends_phrase)
            && UNITS.contains(&plain(next).as_str())
        {
            (marked[at], marked[at + 1]) = (true, true);
        }
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_seen_in_digits_of_any_script_and_in_english_words() {
        for text in ["2", "10mg", "(5)", "٣", "twenty-five,", "Three", "½", "1,000"] {
            assert!(is_number(text), "{text}");
        }
        for text in ["one", "someone", "tent", "point", "", "—", "often"] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn negations_are_seen_by_language() {
        for (text, language) in
            [("Not", "en"), ("don\u{2019}t.", "en"), ("never,", "auto"), ("keine", "de"), ("sin", "es"), ("pas", "fr")]
        {
            assert!(is_negation(text, language), "{text} {language}");
        }
        for (text, language) in [("knot", "en"), ("notice", "en"), ("sin", "en"), ("want", "en"), ("no", "de")] {
            assert!(!is_negation(text, language), "{text} {language}");
        }
    }

    #[test]
    fn an_amount_is_a_number_with_its_unit() {
        let marked = |text: &str| -> String {
            let texts: Vec<&str> = text.split(' ').collect();
            let all = texts.iter().zip(amounts(&texts));
            all.filter(|(_, marked)| *marked).map(|(text, _)| *text).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(marked("Take 2 mg or two tablets, one drop"), "2 mg two tablets, one drop");
        assert_eq!(marked("a 10mg pill at 2.5% strength"), "10mg 2.5%");
        assert_eq!(marked("I have two. Tablets help"), "", "a stop parts them");
        assert_eq!(marked("one of the pills, 20 people"), "");
    }
}
