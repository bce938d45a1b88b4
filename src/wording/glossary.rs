//! How the practice's words are spelled: terms for the recogniser to expect, and what to write for what it mishears. Pure.

use super::align::{plain, plain_words};
use super::replaced::{Replaced, replace};
use crate::speech::Word;
use serde::{Deserialize, Serialize};

/// Most characters of a prompt. Whisper takes 224 tokens; rare words take one for every two or three letters.
const PROMPT: usize = 500;

/// Terms and replacements, complete and checked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Glossary {
    /// As they are to be written, the most important last.
    pub terms: Vec<String>,
    /// What is heard, and what is meant. Longer ones win over shorter ones.
    pub replace: Vec<(String, String)>,
}

impl Glossary {
    /// This glossary with more words, which win over its own.
    pub fn with(mut self, more: Glossary) -> Glossary {
        self.terms.extend(more.terms);
        self.replace.extend(more.replace);
        self
    }

    /// What is told to the recogniser before it listens: the terms, as many as it bears, the last ones first of all. None
    /// without terms.
    pub fn prompt(&self) -> Option<String> {
        let mut left = PROMPT;
        let mut chosen: Vec<&str> = Vec::new();
        for term in self.terms.iter().rev() {
            let length = term.chars().count() + 2;
            if length > left || chosen.contains(&term.as_str()) {
                continue;
            }
            left -= length;
            chosen.push(term);
        }
        chosen.reverse();
        (!chosen.is_empty()).then(|| format!("{}.", chosen.join(", ")))
    }

    /// The words with what was misheard replaced, whole words only, and what was changed. A term that was heard in other
    /// capitals gets its own.
    pub fn apply(&self, words: &[Word]) -> (Vec<Word>, Vec<Replaced>) {
        let split = |text: &str| text.split_whitespace().map(plain).collect::<Vec<String>>();
        let own = |term: &String| term.contains(char::is_uppercase).then(|| (split(term), term.clone()));
        let mut rules: Vec<(Vec<String>, String)> =
            self.replace.iter().map(|(from, to)| (split(from), to.clone())).collect();
        rules.extend(self.terms.iter().filter_map(own));
        rules.retain(|(from, _)| !from.is_empty());
        // The longest first; of equals the practice's own, which stand last.
        rules.reverse();
        rules.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
        let heard = plain_words(words);
        replace(words, |at| {
            rules.iter().find_map(|(from, to)| {
                let there = heard.get(at..at + from.len())?;
                // A sign between the words ends a phrase: "I treat, in October".
                let unbroken = words[at..at + from.len() - 1].iter().all(|word| {
                    word.text.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '\'' | '\u{2019}'))
                });
                let (last, init) = there.split_last()?;
                let (wanted, before) = from.split_last()?;
                let ending = last.strip_prefix(wanted.as_str()).filter(|ending| matches!(*ending, "" | "'s"))?;
                let texts: Vec<String> = format!("{to}{ending}").split_whitespace().map(String::from).collect();
                (unbroken && init == before).then_some((from.len(), texts))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sentences::tests::spoken;
    use super::*;
    use proptest::prelude::*;

    fn glossary() -> Glossary {
        let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
        Glossary {
            terms: vec!["tretinoin".into(), "benzoyl peroxide".into(), "Alder Lane".into()],
            replace: vec![
                pair("tret in oin", "tretinoin"),
                pair("oin", "ointment"),
                pair("benzol peroxide", "benzoyl peroxide"),
                pair("a cute Tane", "Accutane"),
            ],
        }
    }

    fn applied(text: &str) -> String {
        let (words, _) = glossary().apply(&spoken(text));
        words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn whole_words_are_replaced_and_keep_what_stands_around_them() {
        for (heard, shown) in [
            ("Use tret in oin, at night.", "Use tretinoin, at night."),
            ("\u{201C}Tret in oin\u{2019}s gel\u{201D} is strong.", "\u{201C}Tretinoin's gel\u{201D} is strong."),
            ("Benzol peroxide bleaches.", "Benzoyl peroxide bleaches."),
            ("we at alder lane say", "we at Alder Lane say"),
            ("a cute tane", "Accutane"),
            ("the oin works", "the ointment works"),
            // Not whole words, and not one phrase.
            ("tret in oins", "tret in oins"),
            ("I tret, in oin", "I tret, in ointment"),
        ] {
            assert_eq!(applied(heard), shown, "{heard}");
        }
    }

    #[test]
    fn times_are_kept_and_changes_told() {
        let heard = spoken("use tret in oin at night");
        let (words, told) = glossary().apply(&heard);
        assert_eq!(words[1].span.start, heard[1].span.start);
        assert_eq!(words[1].span.end, heard[3].span.end);
        assert_eq!(words[2], heard[4]);
        assert_eq!(told.len(), 1);
        assert_eq!((&*told[0].heard, &*told[0].shown, told[0].at), ("tret in oin", "tretinoin", heard[1].span.start));
    }

    #[test]
    fn the_prompt_keeps_to_its_budget_and_the_practices_own_terms() {
        let mut glossary = glossary();
        assert_eq!(glossary.prompt().as_deref(), Some("tretinoin, benzoyl peroxide, Alder Lane."));
        glossary.terms = (0..500).map(|n| format!("term{n}")).chain(["Alder Lane".to_string()]).collect();
        let prompt = glossary.prompt().unwrap_or_default();
        assert!(prompt.chars().count() <= PROMPT && prompt.ends_with("term499, Alder Lane."), "{prompt}");
        assert_eq!(Glossary::default().prompt(), None);
    }

    proptest! {
        #[test]
        fn applying_twice_changes_nothing_more(words in prop::collection::vec("tret|in|oin|benzol|peroxide|alder|Lane,|x\\PC?", 0..20)) {
            let glossary = glossary();
            let (once, _) = glossary.apply(&spoken(&words.join(" ")));
            let (twice, told) = glossary.apply(&once);
            prop_assert_eq!(&once, &twice);
            prop_assert!(told.is_empty());
        }
    }
}
