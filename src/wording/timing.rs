//! Times for words that nobody timed: shared out between those that were. Pure.

use super::align::{Step, align, plain, plain_words};
use crate::speech::Word;
use crate::units::{Span, Time};

/// The least that a word is given where there is no room for it.
const LEAST: Time = Time::from_millis(80);
/// About what a letter takes to say, and a word beside its letters.
const LETTER: Time = Time::from_millis(55);
const WORD: Time = Time::from_millis(60);

/// How long a text takes to say, about.
pub fn about(text: &str) -> Time {
    Time(WORD.0 + LETTER.0 * text.chars().filter(|c| c.is_alphanumeric()).count() as i64)
}

/// `texts` with the times of `heard`: a word that was heard keeps its time and confidence, one that stands for others
/// takes theirs, one that was not heard is put between its neighbours, where somebody speaks if `speech` says so.
/// `speech` and `heard` are in order and in the same time base; what is given back is in order and does not overlap.
pub fn timed(texts: &[String], heard: &[Word], speech: &[Span], end: Time) -> Vec<Word> {
    let wanted: Vec<String> = texts.iter().map(|text| plain(text)).collect();
    let steps = align(&wanted, &plain_words(heard));
    let mut words: Vec<Word> = Vec::with_capacity(texts.len());
    let mut at = 0;
    while at < steps.len() {
        if let Step::Same(i, j) = steps[at] {
            words.push(Word { text: texts[i].clone(), ..heard[j].clone() });
            at += 1;
            continue;
        }
        // A stretch of changes is timed as a whole.
        let stretch = steps[at..].iter().take_while(|step| !matches!(step, Step::Same(..))).count();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for step in &steps[at..at + stretch] {
            match *step {
                Step::Same(i, j) | Step::Changed(i, j) => {
                    ours.push(i);
                    theirs.push(j);
                }
                Step::Missing(i) => ours.push(i),
                Step::Extra(j) => theirs.push(j),
            }
        }
        at += stretch;
        let next = steps.get(at).and_then(|step| match step {
            Step::Same(_, j) => Some(heard[*j].span),
            _ => None,
        });
        let texts: Vec<&str> = ours.iter().map(|i| texts[*i].as_str()).collect();
        let heard: Vec<&Word> = theirs.iter().map(|j| &heard[*j]).collect();
        if texts.is_empty() {
            continue;
        }
        if texts.len() == heard.len() {
            words.extend(
                texts.iter().zip(&heard).map(|(text, word)| Word { text: text.to_string(), ..(*word).clone() }),
            );
            continue;
        }
        let (window, confidence) = match (heard.first(), heard.last()) {
            (Some(first), Some(last)) => {
                let least = heard.iter().map(|word| word.confidence).fold(1.0, f32::min);
                (Span::new(first.span.start, last.span.end), least)
            }
            _ => (between(&mut words, next, &texts, speech, end), 0.0),
        };
        share(&texts, window, confidence, &mut words);
    }
    in_order(&mut words);
    words
}

/// Where words that nobody heard were said: between the ones around them.
fn between(words: &mut [Word], next: Option<Span>, texts: &[&str], speech: &[Span], end: Time) -> Span {
    let needed = Time(texts.iter().map(|text| about(text).0).sum());
    let least = Time(LEAST.0 * texts.len() as i64);
    let before = words.last().map(|word| word.span);
    let from = before.map_or(Time::ZERO, |span| span.end);
    let to = next.map_or(end.max(from), |span| span.start);
    if to - from >= needed {
        // In a long gap they are where somebody speaks, else close to what they follow, or to what follows them.
        let gap = Span::new(from, to);
        let inside = |s: &Span| Span::new(s.start.max(gap.start), s.end.min(gap.end));
        let spoken = speech.iter().filter(|s| s.overlaps(gap)).map(inside).max_by_key(|s| s.duration());
        return match spoken.filter(|s| s.duration() >= least) {
            Some(spoken) => Span::new(spoken.start, spoken.end.min(spoken.start + Time(needed.0 * 2))),
            None if before.is_none() => Span::new(to - needed, to),
            None => Span::new(from, from + needed),
        };
    }
    if to - from >= least {
        return Span::new(from, to);
    }
    // No room: the word before gives up to half of its time, and where that is too little, the one after does.
    let missing = least - (to - from);
    let mut from = from;
    if let Some(word) = words.last_mut() {
        word.span.end = word.span.end - missing.min(Time(word.span.duration().0 / 2));
        from = word.span.end.min(from);
    }
    let half = next.map_or(Time::ZERO, |span| Time(span.duration().0 / 2));
    Span::new(from, to.max(from) + (least - (to.max(from) - from)).max(Time::ZERO).min(half))
}

/// Gives each text its part of the window, by how long it takes to say.
pub(super) fn share(texts: &[&str], window: Span, confidence: f32, words: &mut Vec<Word>) {
    let total = texts.iter().map(|text| about(text).0).sum::<i64>().max(1);
    let mut done = 0;
    for text in texts {
        let start = window.start + Time(window.duration().0 * done / total);
        done += about(text).0;
        let end = window.start + Time(window.duration().0 * done / total);
        words.push(Word { text: text.to_string(), span: Span::new(start, end), confidence });
    }
}

fn in_order(words: &mut [Word]) {
    let mut latest = Time::ZERO;
    for word in words {
        let start = word.span.start.max(latest);
        word.span = Span::new(start, word.span.end.max(start));
        latest = word.span.end;
    }
}

#[cfg(test)]
mod tests {
    use super::super::sentences::tests::spoken;
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    fn span(start: i64, end: i64) -> Span {
        Span::new(Time::from_millis(start), Time::from_millis(end))
    }

    const END: Time = Time::from_millis(60_000);

    #[test]
    fn words_that_stayed_keep_their_times_and_their_confidence() {
        let heard = spoken("use a thin layer of treat in on at night");
        let words = timed(&texts("Use a thin layer of tretinoin at night."), &heard, &[], END);
        assert_eq!(words[5].text, "tretinoin");
        assert_eq!(words[5].span, Span::new(heard[5].span.start, heard[7].span.end));
        assert_eq!((words[6].span, words[7].span), (heard[8].span, heard[9].span));
        assert_eq!((&*words[7].text, words[0].confidence), ("night.", heard[0].confidence));
    }

    #[test]
    fn a_word_nobody_heard_goes_where_somebody_speaks() {
        let mut heard = spoken("one four");
        heard[1].span = span(5000, 5500);
        let words =
            timed(&texts("one two three four"), &heard, &[span(0, 500), span(3000, 3700), span(5000, 5500)], END);
        assert_eq!(words[1].span.start, Time::from_millis(3000));
        assert_eq!(words[2].span.end, Time::from_millis(3700));
        let words = timed(&texts("one two three four"), &heard, &[], END);
        assert_eq!(words[1].span.start, heard[0].span.end, "else right after the one before");
    }

    #[test]
    fn without_any_gap_the_word_before_gives_room() {
        let heard = spoken("do take it");
        let words = timed(&texts("do not take it"), &heard, &[], END);
        assert_eq!(words[1].span, span(420, 500));
        assert_eq!(words[2].span, heard[1].span);
    }

    #[test]
    fn before_the_first_word_the_one_after_gives_room() {
        let words = timed(&texts("do not take it"), &spoken("take it"), &[], END);
        assert_eq!(
            (words[0].span, words[1].span),
            (Span::new(Time::ZERO, Time(68_860)), Span::new(Time(68_860), Time::from_millis(160)))
        );
        assert_eq!(words[2].span, span(160, 500));
    }

    #[test]
    fn text_without_any_heard_word_is_spread_over_the_speech() {
        let words = timed(&texts("Hola a todos"), &[], &[span(1000, 3000)], END);
        assert_eq!(words[0].span.start, Time::from_millis(1000));
        assert!(words[2].span.end <= Time::from_millis(3000), "{words:?}");
    }

    proptest! {
        #[test]
        fn every_text_gets_a_time_in_order(
            wanted in prop::collection::vec("[a-d]{1,3}", 0..20),
            heard in prop::collection::vec("[a-d]{1,3}", 0..20),
        ) {
            let heard = spoken(&heard.join(" "));
            let words = timed(&wanted, &heard, &[], END);
            prop_assert_eq!(words.iter().map(|w| w.text.clone()).collect::<Vec<_>>(), wanted);
            prop_assert!(words.windows(2).all(|w| w[0].span.end <= w[1].span.start), "{:?}", words);
            prop_assert!(words.iter().all(|w| w.span.end >= w.span.start));
        }
    }
}
