//! Captions that a person wrote or corrected, back to words with times. Pure.

use super::timing::{about, timed};
use crate::captions::Subtitle;
use crate::speech::Word;
use crate::units::{Span, Time};
use unicode_linebreak::linebreaks;

/// Words with the places where a person wants a new caption to begin.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Captioned {
    /// In the order of speaking, in clip time.
    pub words: Vec<Word>,
    /// When each caption's first word starts, in order.
    pub breaks: Vec<Time>,
}

/// The corrected captions with the times of `heard`, the words that they were made from: every word that is still there
/// keeps its time, others are put where they belong (see [`timed`]). The captions' own times are not looked at, since
/// they are those that were written; the clip ends at `end`.
pub fn corrected(captions: &[Subtitle], heard: &[Word], speech: &[Span], end: Time) -> Captioned {
    let parts: Vec<Vec<String>> = captions.iter().map(|caption| tokens(&caption.text)).collect();
    let words = timed(&parts.concat(), heard, speech, end);
    let mut first = 0;
    let starts = parts.iter().map(|part| {
        let start = words.get(first).map(|word: &Word| word.span.start);
        first += part.len();
        start.filter(|_| !part.is_empty())
    });
    let breaks = starts.flatten().collect();
    Captioned { words, breaks }
}

/// Captions that nobody has listened for: their own times, shared out among their words by how long each takes to say.
/// What a person wrote is sure. Captions that overlap are put one after the other.
pub fn given(captions: &[Subtitle], end: Time) -> Captioned {
    let mut all = Captioned::default();
    for (index, caption) in captions.iter().enumerate() {
        let next = captions.get(index + 1).map_or(end, |next| next.span.start);
        let texts = tokens(&caption.text);
        let start = caption.span.start.min(end).max(all.words.last().map_or(Time::ZERO, |word| word.span.end));
        let stop = caption.span.end.min(next.max(start)).min(end).max(start);
        let total = texts.iter().map(|text| about(text).0).sum::<i64>().max(1);
        let at = |done: i64| start + Time((stop - start).0 * done / total);
        let mut done = 0;
        all.breaks.extend((!texts.is_empty()).then_some(start));
        for text in texts {
            let from = at(done);
            done += about(&text).0;
            all.words.push(Word { text, span: Span::new(from, at(done)), confidence: 1.0 });
        }
    }
    all
}

/// The words of a caption. Scripts without spaces are parted where a line may break (UAX #14), so that each part can keep
/// its time and lines can be balanced.
fn tokens(text: &str) -> Vec<String> {
    let part = |word: &str| -> Vec<String> {
        let mut start = 0;
        let ends: Vec<usize> = linebreaks(word).map(|(end, _)| end).collect();
        ends.into_iter().map(|end| word[std::mem::replace(&mut start, end)..end].to_string()).collect()
    };
    let unspaced = |word: &str| word.contains(crate::captions::is_unspaced);
    text.split_whitespace().flat_map(|word| if unspaced(word) { part(word) } else { vec![word.to_string()] }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::sentences::tests::spoken;
    use super::*;
    use crate::captions::read_subtitles;

    const END: Time = Time::from_millis(60_000);

    fn captions(list: &[(i64, i64, &str)]) -> Vec<Subtitle> {
        let span = |start, end| Span::new(Time::from_millis(start), Time::from_millis(end));
        list.iter().map(|&(start, end, text)| Subtitle { span: span(start, end), text: text.into() }).collect()
    }

    #[test]
    fn a_corrected_word_takes_the_time_of_what_it_corrects_and_the_rest_keep_theirs() {
        let heard = spoken("use tret in oin at night never in the morning");
        let edit = captions(&[(0, 1000, "Use tretinoin at night,"), (1000, 2000, "never in the morning.")]);
        let Captioned { words, breaks } = corrected(&edit, &heard, &[], END);
        assert_eq!(words[1].span, Span::new(heard[1].span.start, heard[3].span.end));
        for (ours, theirs) in [(0, 0), (2, 4), (3, 5), (4, 6), (7, 9)] {
            assert_eq!(words[ours].span, heard.get(theirs).map_or(words[ours].span, |w| w.span), "{ours}");
        }
        assert_eq!(breaks, [heard[0].span.start, heard[6].span.start]);
    }

    #[test]
    fn lines_in_another_order_are_words_in_another_order() {
        let heard = spoken("one two three four five six");
        let edit = captions(&[(0, 1, "four five six"), (1, 2, "one two three")]);
        let Captioned { words, .. } = corrected(&edit, &heard, &[], END);
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["four", "five", "six", "one", "two", "three"]);
        assert!(words.windows(2).all(|w| w[0].span.end <= w[1].span.start));
    }

    #[test]
    fn given_captions_keep_their_times_in_every_script() {
        for (text, parts) in [
            ("Tome dos pastillas.", vec!["Tome", "dos", "pastillas."]),
            ("薬を飲んでください。", vec!["薬", "を", "飲", "ん", "で", "く", "だ", "さ", "い。"]),
            ("1日2回 CT検査", vec!["1", "日", "2", "回", "CT", "検", "査"]),
        ] {
            let Captioned { words, breaks } = given(&captions(&[(1000, 3000, text), (2500, 4000, "x")]), END);
            assert_eq!(words.iter().map(|w| &*w.text).collect::<Vec<_>>()[..parts.len()], parts);
            assert_eq!((words[0].span.start, words[parts.len() - 1].span.end), (breaks[0], breaks[1]));
            assert_eq!(breaks, [Time::from_millis(1000), Time::from_millis(2500)]);
            assert!(words.windows(2).all(|w| w[0].span.end <= w[1].span.start));
        }
    }

    #[test]
    fn captions_after_the_clips_end_do_no_harm() {
        let text = "1\n00:00:01,000 --> 99:00:00,000\nHello there.\n\n2\n99:00:01,000 --> 99:00:02,000\nLate.\n";
        let Captioned { words, .. } = given(&read_subtitles(text).unwrap(), Time::from_millis(2000));
        assert_eq!(words.len(), 3);
        assert!(words.iter().all(|word| word.span.end <= Time::from_millis(2000)), "{words:?}");
    }
}
