//! All rules with a practice's switches, and the check itself.

use super::allowed::Allowed;
use super::finding::{Category, Finding, Place, Severity};
use super::names::Names;
use super::reading::Reading;
use super::rule_file::{self, Rule, What};
use crate::fault::Fault;
use crate::speech::Word;
use regex::bytes::Regex;
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

/// What a practice changes about the rules.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Switches {
    /// Rules that are not looked for.
    pub off: Vec<String>,
    /// Rules that hold a clip although their file says `note`.
    pub hold: Vec<String>,
    /// Rules that only note although their file says `hold`.
    pub note: Vec<String>,
    /// What may always be said: the practice's name, phone, site, address, and the people who speak for it.
    pub allow: Vec<String>,
}

/// The rules, loaded once for a batch.
#[derive(Debug, Clone)]
pub struct Rules {
    rules: Vec<Rule>,
    names: Names,
    allowed: Allowed,
}

impl Rules {
    /// The embedded rules with a practice's own files (`<folder>/*.toml`) and its switches.
    ///
    /// # Errors
    /// A file cannot be read, a rule is wrong, or a switch names a rule that there is none of; the fault says which.
    pub fn load(folder: Option<&Path>, switches: &Switches) -> Result<Rules, Fault> {
        let (mut rules, names) = rule_file::load(folder)?;
        for id in switches.off.iter().chain(&switches.hold).chain(&switches.note) {
            if rules.iter().all(|rule| rule.id != *id) {
                return Err(unknown(&rules, id));
            }
        }
        rules.retain(|rule| !switches.off.contains(&rule.id));
        for rule in &mut rules {
            if switches.note.contains(&rule.id) {
                rule.severity = Severity::Note;
            }
            // Where a rule is named under both, the careful one counts.
            if switches.hold.contains(&rule.id) {
                rule.severity = Severity::Hold;
            }
        }
        Ok(Rules { rules, names, allowed: Allowed::new(&switches.allow) })
    }

    /// The ids of the rules that count.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.id.as_str())
    }

    /// What is flagged in the words of a clip, in the order of speaking, each with its time.
    pub fn check_transcript(&self, words: &[Word]) -> Vec<Finding> {
        self.check(&Place::Transcript, &Reading::of_words(words), words)
    }

    /// What is flagged in a written text, in its order.
    pub fn check_text(&self, place: &Place, text: &str) -> Vec<Finding> {
        self.check(place, &Reading::of_text(place, text), &[])
    }

    fn check(&self, place: &Place, reading: &Reading, words: &[Word]) -> Vec<Finding> {
        let allowed = self.allowed.places(&reading.text);
        let is_allowed = |at: &Range<usize>| Allowed::frees(&allowed, &reading.text, at);
        let marked = self.names.mark(&reading.text);
        let mut found: Vec<(Range<usize>, &Rule)> = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.reads(place)) {
            let places = match &rule.what {
                What::Wording { patterns, except, marks } => {
                    let text = if *marks { &marked.text } else { &reading.text };
                    let matches: Vec<_> = whole_words(patterns.regex(), text).collect();
                    let kept = match except.as_ref().filter(|_| !matches.is_empty()) {
                        Some(except) => untouched(matches, whole_words(except.regex(), text)),
                        None => matches,
                    };
                    if *marks { kept.into_iter().map(|at| marked.unmarked(at)).collect() } else { kept }
                }
                What::Unsure(least) => unsure(words, *least)
                    .map(|run| reading.word_at(run.start).start..reading.word_at(run.end - 1).end)
                    .collect(),
            };
            found.extend(places.into_iter().filter(|at| !at.is_empty() && !is_allowed(at)).map(|at| (at, rule)));
        }
        let finding = |(at, rule): (Range<usize>, &Rule)| Finding {
            rule: rule.id.clone(),
            category: rule.category,
            severity: rule.severity,
            place: place.clone(),
            words: reading.written(&at).to_string(),
            span: reading.span(&at),
            advice: rule.advice.clone(),
        };
        most_specific(found).into_iter().map(finding).collect()
    }
}

/// What is left when the same words are told once, in order: of privacy findings within each other the longest, of equal
/// ones of a category that of the earlier rule. One that holds the clip is never left out for one that only notes.
fn most_specific(mut found: Vec<(Range<usize>, &Rule)>) -> Vec<(Range<usize>, &Rule)> {
    // Stable: of equal places the earlier rule stays first.
    found.sort_by_key(|(at, rule)| (at.start, Reverse(at.end), Reverse(rule.severity)));
    let mut kept: Vec<(Range<usize>, &Rule)> = Vec::new();
    // Where the last privacy finding that holds ends, and where the last one of either kind does.
    let (mut held, mut told) = (0, 0);
    for (at, rule) in found {
        let mut before = kept.iter().rev().take_while(|(other, _)| *other == at);
        let again = before.any(|(_, other)| other.category == rule.category);
        let within =
            rule.category == Category::Privacy && at.end <= if rule.severity == Severity::Hold { held } else { told };
        if again || within {
            continue;
        }
        if rule.category == Category::Privacy {
            told = told.max(at.end);
            if rule.severity == Severity::Hold {
                held = held.max(at.end);
            }
        }
        kept.push((at, rule));
    }
    kept.sort_by_key(|(at, _)| (at.start, at.end));
    kept
}

/// The matches that do not begin or end within a word of letters that the patterns do not know (`cureé`).
fn whole_words<'t>(pattern: &'t Regex, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
    let in_word = |at: usize| {
        if !text.is_char_boundary(at) {
            return true;
        }
        let before = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        before && text[at..].chars().next().is_some_and(char::is_alphanumeric)
    };
    pattern.find_iter(text.as_bytes()).map(|hit| hit.range()).filter(move |at| !in_word(at.start) && !in_word(at.end))
}

/// The matches that touch none of the exceptions; both in order.
fn untouched(matches: Vec<Range<usize>>, exceptions: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut exceptions = exceptions.peekable();
    let mut kept = matches;
    kept.retain(|at| {
        while exceptions.next_if(|except| except.end <= at.start).is_some() {}
        exceptions.peek().is_none_or(|except| except.start >= at.end)
    });
    kept
}

/// Runs of words that the engine was less sure of.
fn unsure(words: &[Word], least: f32) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    words.chunk_by(move |a, b| (a.confidence < least) == (b.confidence < least)).filter_map(move |run| {
        let range = from..from + run.len();
        from = range.end;
        (run[0].confidence < least).then_some(range)
    })
}

fn unknown(rules: &[Rule], id: &str) -> Fault {
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    let nearest = ids.iter().max_by(|a, b| strsim::jaro_winkler(a, id).total_cmp(&strsim::jaro_winkler(b, id)));
    let guess = match nearest.filter(|nearest| strsim::jaro_winkler(nearest, id) > 0.75) {
        Some(nearest) => format!("perhaps \"{nearest}\" was meant"),
        None => format!("known are {}", ids.into_iter().collect::<Vec<_>>().join(", ")),
    };
    Fault::new(format!("there is no check \"{id}\""), format!("correct its name; {guess}"))
}
