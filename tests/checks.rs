//! The checks against a corpus: what they find of what must be found, and how often they cry wolf.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use housecall::speech::Word;
use housecall::units::{Span, Time};
use housecall::wording::checks::{Category, Finding, Place, Rules, Switches};
use std::collections::BTreeSet;
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

#[derive(Default, Clone, Copy)]
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

const TUNE: &str = include_str!("data/checks/tune.tsv");
const HELD_OUT: &str = include_str!("data/checks/held_out.tsv");

#[test]
fn tuned_sentences() {
    score("tune", TUNE, str::to_string);
}

#[test]
#[ignore]
fn held_out_sentences() {
    score("held out", HELD_OUT, str::to_string);
}
