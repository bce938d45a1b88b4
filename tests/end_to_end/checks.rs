//! The checks against a corpus: what they find of what must be found, and how often they cry wolf.

use housecall::speech::Word;
use housecall::units::{Span, Time};
use housecall::wording::checks::{Category, Finding, Place, Rules, Severity, Switches};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const CATEGORIES: [Category; 3] = [Category::Privacy, Category::Claims, Category::Care];

/// The practice of the corpus; what it may always say.
fn rules() -> Rules {
    let allow = ["Alder Lane Clinic", "555 0142", "alderlane.example", "@alderlaneclinic", "12 Alder Lane"];
    Rules::load(None, &Switches { allow: allow.map(Into::into).into(), ..Switches::default() }).unwrap()
}

/// Half a second a word, all of them heard well.
fn spoken(text: &str) -> Vec<Word> {
    let at = |i: usize| Time::from_millis(i as i64 * 500);
    let word =
        |(i, text): (usize, &str)| Word { text: text.into(), span: Span::new(at(i), at(i + 1)), confidence: 0.9 };
    text.split_whitespace().enumerate().map(word).collect()
}

/// Sentences with the categories that have to be found in them. Each line: labels or `-`, a tab, the sentence.
fn corpus(text: &'static str) -> Vec<(BTreeSet<Category>, &'static str)> {
    let label = |name: &str| match name {
        "privacy" => Category::Privacy,
        "claims" => Category::Claims,
        "care" => Category::Care,
        other => panic!("no label: {other}"),
    };
    let line = |line: &'static str| {
        let (labels, sentence) = line.split_once('\t').unwrap();
        (labels.split(',').filter(|name| *name != "-").map(label).collect(), sentence)
    };
    text.lines().map(line).collect()
}

#[derive(Debug, Default, Clone, Copy)]
struct Score {
    hit: usize,
    missed: usize,
    cried_wolf: usize,
}

impl Score {
    fn recall(self) -> f64 {
        self.hit as f64 / (self.hit + self.missed) as f64
    }

    fn precision(self) -> f64 {
        self.hit as f64 / (self.hit + self.cried_wolf) as f64
    }
}

/// Judges by sentence and category, prints the figures and every slip, and gives the figures in the order of
/// [`CATEGORIES`].
fn score(name: &str, text: &'static str, heard_as: impl Fn(&str) -> String) -> [Score; 3] {
    let rules = rules();
    let sentences = corpus(text);
    let innocent = sentences.iter().filter(|(labels, _)| labels.is_empty()).count();
    println!("{name}: {} sentences, {innocent} of them innocent", sentences.len());
    let mut scores = [Score::default(); 3];
    for (labels, sentence) in &sentences {
        let found = rules.check_transcript(&spoken(&heard_as(sentence)));
        for (category, score) in CATEGORIES.iter().zip(&mut scores) {
            let of_it: Vec<&Finding> = found.iter().filter(|finding| finding.category == *category).collect();
            match (labels.contains(category), of_it.first()) {
                (true, Some(_)) => score.hit += 1,
                (true, None) => {
                    score.missed += 1;
                    println!("  missed {category:?}: {sentence}");
                }
                (false, Some(first)) => {
                    score.cried_wolf += 1;
                    println!("  {category:?} for nothing ({}, \"{}\"): {sentence}", first.rule, first.words);
                }
                (false, None) => {}
            }
        }
    }
    for (category, score) in CATEGORIES.iter().zip(&scores) {
        let (recall, precision, hit) = (score.recall(), score.precision(), score.hit);
        println!("  {category:?}: recall {recall:.3}, precision {precision:.3} ({hit} found)");
    }
    scores
}

const TUNE: &str = include_str!("../data/checks/tune.tsv");
/// Written before any rule was, and left alone while rules were tuned. The same person wrote both.
const HELD_OUT: &str = include_str!("../data/checks/held_out.tsv");
/// Written to be hard when the first rules stood. They found half of what is private in it; it was tuned on then.
const HARD: &str = include_str!("../data/checks/hard.tsv");
/// Written to be hard after that. The rules of then found two thirds of it; it was tuned on then.
const UNSEEN: &str = include_str!("../data/checks/unseen.tsv");
/// Written by somebody who had read no rule, before changing them. At the first look 0.940 of what is private in it was
/// found, and nothing innocent flagged (precision 1.000); it was tuned on then.
const BLIND: &str = include_str!("../data/checks/blind.tsv");
/// Written by the same person after that. At the first look recall was 0.867 (26 of 30) and precision 0.963: the figures that are
/// nearest to what a practice will see. What it showed was then mended, so it is no measure any more.
const BLIND_2: &str = include_str!("../data/checks/blind2.tsv");

/// At least these; what the figures really are is printed.
fn assert_reached(scores: [Score; 3], privacy: (f64, f64), others: (f64, f64)) {
    for (category, score) in CATEGORIES.iter().zip(scores) {
        let (recall, precision) = if *category == Category::Privacy { privacy } else { others };
        assert!(score.recall() >= recall, "{category:?}: recall {:.3}", score.recall());
        assert!(score.precision() >= precision, "{category:?}: precision {:.3}", score.precision());
    }
}

/// As small speech models write: no capitals, no punctuation but what is part of a word.
fn bare(sentence: &str) -> String {
    let word = |word: &str| word.trim_end_matches(['.', ',', '?', '!', ':', ';']).to_lowercase();
    sentence.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_corpus_is_large_and_half_of_it_is_innocent() {
    let all: Vec<_> = corpus(TUNE).into_iter().chain(corpus(HELD_OUT)).collect();
    let distinct: BTreeSet<&str> = all.iter().map(|(_, sentence)| *sentence).collect();
    let innocent = all.iter().filter(|(labels, _)| labels.is_empty()).count();
    assert_eq!(distinct.len(), all.len());
    assert!(all.len() >= 480 && innocent * 20 >= all.len() * 9, "{} sentences, {innocent} innocent", all.len());
}

#[test]
fn the_sentences_that_rules_are_tuned_on_are_judged_right() {
    assert_reached(score("tune", TUNE, str::to_string), (0.95, 0.95), (0.95, 0.95));
}

#[test]
fn sentences_that_no_rule_was_tuned_on_are_judged_right() {
    assert_reached(score("held out", HELD_OUT, str::to_string), (0.95, 0.95), (0.95, 0.95));
}

#[test]
fn hard_sentences_are_found_once_tuned_on_and_mostly_found_unseen() {
    assert_reached(score("hard", HARD, str::to_string), (0.95, 0.95), (0.95, 0.8));
    let [privacy, ..] = score("unseen", UNSEEN, str::to_string);
    assert!(privacy.recall() >= 0.95 && privacy.precision() >= 0.95);
}

#[test]
fn sentences_that_were_written_blind_are_judged_right() {
    for (name, text, recall) in [("blind", BLIND, 0.95), ("blind 2", BLIND_2, 0.86)] {
        let [privacy, ..] = score(name, text, str::to_string);
        assert!(privacy.recall() >= recall && privacy.precision() >= 0.85, "{name}: {privacy:?}");
    }
}

#[test]
fn most_is_found_without_capitals_and_punctuation() {
    for (name, text) in [("tune, bare", TUNE), ("held out, bare", HELD_OUT)] {
        assert_reached(score(name, text, bare), (0.8, 0.95), (0.9, 0.9));
    }
}

fn ids(found: &[Finding]) -> Vec<&str> {
    found.iter().map(|finding| finding.rule.as_str()).collect()
}

fn in_post(rules: &Rules, text: &str) -> Vec<Finding> {
    rules.check_text(&Place::Post("tiktok".into()), text)
}

#[test]
fn a_finding_has_words_time_rule_and_advice() {
    let mut words = spoken("Yesterday I saw Mr. Alvarez, and he takes two hundred milligrams of Ibuprofen.");
    words[12].confidence = 0.2;
    words[11].confidence = 0.3;
    let found = rules().check_transcript(&words);
    assert_eq!(ids(&found), ["name-after-title", "dose", "unsure-word", "drug-name"]);
    let whole: Vec<(&str, i64, i64)> = found
        .iter()
        .map(|f| (f.words.as_str(), f.span.unwrap().start.millis(), f.span.unwrap().end.millis()))
        .collect();
    assert_eq!(whole[0], ("Mr. Alvarez", 1500, 2500));
    assert_eq!(whole[1], ("two hundred milligrams of Ibuprofen", 4000, 6500));
    assert_eq!(whole[2], ("of Ibuprofen.", 5500, 6500));
    assert_eq!(found[0].severity, Severity::Hold);
    assert!(found[0].advice.contains("consent"));
    assert!(found[1..].iter().all(|finding| finding.severity == Severity::Note));
}

#[test]
fn every_rule_is_needed_and_says_what_to_do() {
    let rules = rules();
    let mut seen = BTreeSet::from(["unsure-word".to_string()]);
    for (_, sentence) in corpus(TUNE).into_iter().chain(corpus(HELD_OUT)).chain(corpus(UNSEEN)) {
        for finding in rules.check_transcript(&spoken(sentence)) {
            let advice = &finding.advice;
            assert!(advice.ends_with('.') && advice.len() < 200, "{}: {advice}", finding.rule);
            assert!(!advice.to_lowercase().contains("complian") && !advice.contains("HIPAA"), "{advice}");
            assert_eq!(finding.severity == Severity::Note, finding.category == Category::Care, "{}", finding.rule);
            seen.insert(finding.rule);
        }
    }
    let idle: Vec<&str> = rules.ids().filter(|id| !seen.contains(*id)).collect();
    assert!(idle.is_empty(), "nothing in the corpus needs {idle:?}");
}

#[test]
fn a_practice_may_say_its_own_name_and_numbers_but_no_others() {
    let rules = rules();
    for own in [
        "Call 555-0142.",
        "call five five five oh one four two",
        "Her text to our phone, 555 0142, came late.",
        "Find us at 12 Alder Lane.",
        "Mail the Alder Lane Clinic, or see alderlane dot example.",
    ] {
        assert_eq!(ids(&in_post(&rules, own)), [""; 0], "{own}");
    }
    for other in [
        "Call 555-0143.",
        "her cell is 415 555 0142",
        "call one five five five oh one four two",
        "She lives at 112 Alder Lane.",
    ] {
        assert!(!in_post(&rules, other).is_empty(), "{other}");
    }
}

#[test]
fn switches_turn_rules_off_and_change_what_they_do() {
    let text = "Our expert team cured Mr. Alvarez. Do not scratch.";
    let list = |ids: &[&str]| ids.iter().map(|id| id.to_string()).collect();
    let switches = Switches {
        off: list(&["cure"]),
        hold: list(&["negated-instruction"]),
        note: list(&["specialist"]),
        allow: vec![],
    };
    let found = in_post(&Rules::load(None, &switches).unwrap(), text);
    assert_eq!(ids(&found), ["specialist", "name-after-title", "negated-instruction"]);
    assert_eq!(found.iter().map(|f| f.severity).collect::<Vec<_>>(), [Severity::Note, Severity::Hold, Severity::Hold]);
    let fault = Rules::load(None, &Switches { off: list(&["cures"]), ..Switches::default() }).unwrap_err();
    assert!(fault.to_string().contains("\"cure\" was meant"), "{fault}");
}

#[test]
fn a_practice_adds_and_replaces_rules_and_is_told_what_is_wrong_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let load = || Rules::load(Some(folder.path()), &Switches::default());
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let head = "category = \"claims\"\n[[rule]]\nadvice = \"Say it otherwise.\"\n";
    write("claims.toml", &format!("{head}id = \"cheap\"\npatterns = ['cheap(?:er|est)?']"));
    write("ours.toml", &format!("{head}id = \"email-address\"\npatterns = ['the {{month}} offer']"));
    let rules = load().unwrap();
    assert_eq!(ids(&in_post(&rules, "The CHEAPEST cure, in the May offer: a@b.example.")), ["cheap", "email-address"]);
    assert_eq!(in_post(&rules, "a@b.example, in the May offer")[0].words, "the May offer");
    assert_eq!(in_post(&rules, "cheap")[0].severity, Severity::Note);
    for (rest, told) in [
        ("id = \"x\"\npatterns = ['a(']", "unclosed group"),
        ("id = \"x\"\npatterns = ['{monht}']", "no part {monht}"),
        ("id = \"x\"\npatterns = ['(?u:\\w){1000}{1000}']", "too large"),
        ("id = \"x\"", "either patterns or confidence_below"),
        ("id = \"x\"\npatern = ['a']", "unknown option"),
    ] {
        write("ours.toml", &format!("{head}{rest}"));
        let fault = load().unwrap_err().to_string();
        assert!(fault.contains(told) && fault.contains("ours.toml"), "{fault}");
    }
}

#[test]
fn a_date_in_a_file_name_is_the_phones_and_a_name_is_somebodys() {
    let rules = rules();
    for innocent in ["IMG_20240305_123456.mov", "2024-03-05 12.33.11.mp4", "VID-20240305-WA0001.mp4", "razor-bumps.mov"]
    {
        assert_eq!(ids(&rules.check_text(&Place::FileName, innocent)), [""; 0], "{innocent}");
    }
    for private in ["maria-gonzalez-acne.mov", "Mrs_Okafor_2.mp4", "patient_Tyrone.mov"] {
        let found = rules.check_text(&Place::FileName, private);
        assert!(found.iter().any(|finding| finding.category == Category::Privacy), "{private}");
        assert_eq!(found[0].span, None);
    }
}

#[test]
fn shouted_posts_and_curly_quotes_are_read_too() {
    let found = in_post(&rules(), "MY PATIENT MARIA SAID HER HUSBAND’S BEST\nLINE");
    assert_eq!(found.iter().map(|f| f.words.as_str()).collect::<Vec<_>>(), ["MY PATIENT MARIA"]);
    let found = in_post(&rules(), "The patient’s name is Zoë; it’s “risk–free”.");
    assert_eq!(ids(&found), ["patient-name", "risk-free"]);
    assert_eq!(found[1].words, "risk–free");
}

#[test]
fn a_clip_is_read_in_milliseconds() {
    let start = Instant::now();
    let rules = rules();
    let loaded = start.elapsed();
    println!("rules loaded in {loaded:.0?}");
    assert!(loaded < Duration::from_millis(150), "{loaded:?}");
    let text = corpus(TUNE).iter().map(|(_, sentence)| *sentence).collect::<Vec<_>>().join(" ");
    let words = &spoken(&text)[..450];
    let time = || {
        let start = Instant::now();
        rules.check_transcript(words);
        start.elapsed()
    };
    let first = time();
    let best = (0..20).map(|_| time()).min().unwrap();
    println!("a clip of three minutes ({} words): the first in {first:.1?}, later ones in {best:.1?}", words.len());
    assert!(best < Duration::from_millis(5), "{best:?}");
}

#[test]
fn long_words_take_time_in_proportion() {
    let rules = rules();
    let pieces =
        ["a", "-", "9 ", "é", "five ", "my patient ", "Mr", "A-", "a@", "never ", "the the ", "dot ", "1.", "字"];
    for piece in pieces {
        let text = piece.repeat(100_000 / piece.len());
        let start = Instant::now();
        rules.check_transcript(&[Word { text: text.clone(), span: Span::default(), confidence: 1.0 }]);
        in_post(&rules, &text);
        let took = start.elapsed();
        println!("100,000 bytes of {piece:?}, twice: {took:.1?}");
        assert!(took < Duration::from_secs(5), "{piece:?} took {took:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_text_breaks_the_checks(text in "\\PC{0,80}|[ \n\t\u{200B}MrsDé’.0-9a-zß字İ@-]{0,120}") {
        let found = RULES.check_transcript(&spoken(&text));
        prop_assert!(found.iter().all(|finding| finding.span.is_some()));
        for place in [Place::Question, Place::FileName] {
            for finding in RULES.check_text(&place, &text) {
                prop_assert!(text.contains(&finding.words));
            }
        }
    }
}

/// Loaded once for all the cases.
static RULES: LazyLock<Rules> = LazyLock::new(rules);
