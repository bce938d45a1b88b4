//! Words for words: what stands for what was heard, with the times kept. Pure.

use super::timing::share;
use crate::speech::Word;
use crate::units::{Span, Time};
use serde::{Deserialize, Serialize};

/// A place where the captions show other words than were heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// When, in clip time.
    pub at: Time,
    /// As recognised.
    pub heard: String,
    /// As shown.
    pub shown: String,
}

/// Goes through the words; where `rule` says how many of them, from an index on, become which texts, those stand in their
/// place: in their time, with the signs before the first and after the last, and with a capital where there was one at the
/// start. A rule that changes nothing is not told.
pub fn replace(words: &[Word], rule: impl Fn(usize) -> Option<(usize, Vec<String>)>) -> (Vec<Word>, Vec<Replaced>) {
    let (mut out, mut told) = (Vec::with_capacity(words.len()), Vec::new());
    let mut at = 0;
    while at < words.len() {
        let found = rule(at).filter(|(taken, texts)| *taken > 0 && at + taken <= words.len() && !texts.is_empty());
        let Some((taken, mut texts)) = found else {
            out.push(words[at].clone());
            at += 1;
            continue;
        };
        let heard = &words[at..at + taken];
        let (first, last) = (&heard[0], &heard[taken - 1]);
        let is_sign = |c: &char| !c.is_alphanumeric() && !matches!(c, '%' | '$' | '€' | '£' | '+' | '-');
        let mut before: String = first.text.chars().take_while(is_sign).collect();
        // The point of ".5" is no sign before it.
        if before.ends_with('.') && first.text[before.len()..].starts_with(|c: char| c.is_ascii_digit()) {
            before.pop();
        }
        let after: Vec<char> = last.text.chars().rev().take_while(is_sign).collect();
        if first.text.chars().find(|c| c.is_alphanumeric()).is_some_and(char::is_uppercase) {
            texts[0] = capital(&texts[0]);
        }
        texts[0].insert_str(0, &before);
        if let Some(text) = texts.last_mut() {
            text.extend(after.iter().rev());
        }
        let joined = |words: &[Word]| words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        if joined(heard) == texts.join(" ") {
            out.extend_from_slice(heard);
        } else {
            told.push(Replaced { at: first.span.start, heard: joined(heard), shown: texts.join(" ") });
            let confidence = heard.iter().map(|word| word.confidence).fold(1.0, f32::min);
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            share(&texts, Span::new(first.span.start, last.span.end), confidence, &mut out);
        }
        at += taken;
    }
    (out, told)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
