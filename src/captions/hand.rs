//! Captions from a person's hand as a file that says just the same when it is read again, whatever somebody typed. Pure.

use super::read::{MOST, plain};
use super::text::clean;
use super::{Cue, Subtitle, read_subtitles, srt};
use crate::fault::Fault;
use crate::speech::Word;
use crate::units::{Span, Time};

/// No clip is longer, and the file's times have room for it.
const LATEST: Time = Time::from_millis(99 * 60 * 60 * 1000);
/// Most bytes of a file of captions that is written; an hour of words is 100 kB.
const MOST_BYTES: usize = 4 << 20;

/// The captions as an SRT file, one line each.
///
/// # Errors
/// As [`handwritten`].
pub fn srt_of(captions: &[Subtitle]) -> Result<String, Fault> {
    let captions = handwritten(captions)?;
    let cue = |caption: &Subtitle| Cue {
        span: caption.span,
        lines: vec![vec![Word { text: caption.text.clone(), span: caption.span, confidence: 1.0 }]],
    };
    let text = srt(&captions.iter().map(cue).collect::<Vec<_>>());
    if text.len() > MOST_BYTES {
        return Err(Fault::new("the captions are too long to be those of a clip", "shorten them and save again"));
    }
    // What is checked above is what is known to go wrong; this is what counts.
    match read_subtitles(&text)? == captions {
        true => Ok(text),
        false => {
            Err(Fault::new("the captions would not be read as they are written", "take back what is unusual in them"))
        }
    }
}

/// The captions as they will be read again: white space as single spaces, without what nobody can see, times to the
/// millisecond; without those that have no words.
///
/// # Errors
/// One holds what no subtitle file can say, or its times are not in order; the fault says which one, counted from 1, and
/// what. Or none has any words.
pub fn handwritten(captions: &[Subtitle]) -> Result<Vec<Subtitle>, Fault> {
    if captions.len() > MOST {
        return Err(Fault::new(format!("there are more than {MOST} captions"), "join some of them and save again"));
    }
    let mut written: Vec<Subtitle> = Vec::new();
    for (index, caption) in captions.iter().enumerate() {
        let text = words_of(&caption.text).map_err(|(why, advice)| {
            Fault::new(format!("caption {}: {why}", index + 1), format!("{advice} and save again"))
        })?;
        let ms = |time: Time| Time::from_millis(time.millis());
        let span = Span { start: ms(caption.span.start), end: ms(caption.span.end) };
        let before = written.last().map_or(Time::ZERO, |before| before.span.start);
        if span.start < before || span.end < span.start || span.end > LATEST {
            let what = format!("caption {}: its times are not in order", index + 1);
            return Err(Fault::new(what, "correct them and save again"));
        }
        if !text.is_empty() {
            written.push(Subtitle { span, text });
        }
    }
    if written.is_empty() {
        let advice = "leave a word in one of them, or give the correction up to have the captions written anew";
        return Err(Fault::new("no caption has a word left", advice));
    }
    Ok(written)
}

/// The text of a caption as it is read; or why it cannot stand in a file, and what to do.
fn words_of(text: &str) -> Result<String, (&'static str, &'static str)> {
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(("it holds a control character, which cannot be printed", "type it anew"));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = clean(&words.join(" "));
    if text.contains("-->") {
        return Err(("it holds \"-->\", which parts the times in a subtitle file", "write it in another way"));
    }
    if plain(&text) != text {
        return Err(("a part of it between brackets would be taken for formatting", "leave out the brackets"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn caption(start: i64, end: i64, text: &str) -> Subtitle {
        Subtitle { span: Span { start: Time(start), end: Time(end) }, text: text.into() }
    }

    #[test]
    fn whatever_is_typed_is_read_as_it_was_or_refused() {
        let long = "w".repeat(10_000);
        for (typed, read) in [
            ("Take 2 mg.", "Take 2 mg."),
            ("two\nlines\r\n\r\nand 7\n", "two lines and 7"),
            ("12", "12"),
            ("1\n00:00:01,000 → 00:00:02,000", "1 00:00:01,000 → 00:00:02,000"),
            ("< 2 mg, <5mg> & {x}", "< 2 mg, <5mg> & {x}"),
            ("WEBVTT", "WEBVTT"),
            ("خذ \u{200F}2 mg", "خذ 2 mg"),
            ("薬を飲む", "薬を飲む"),
            ("می\u{200C}خواهم", "می\u{200C}خواهم"),
            (long.as_str(), long.as_str()),
        ] {
            let text = srt_of(&[caption(0, 1_000_999, typed), caption(1_000_999, 1_000_999, "End.")]).unwrap();
            let found = read_subtitles(&text).unwrap();
            assert_eq!(found, [caption(0, 1_000_000, read), caption(1_000_000, 1_000_000, "End.")], "{text}");
        }
        for (typed, why) in [
            ("a --> b", "-->"),
            ("00:00:01,000 --> 00:00:02,000", "-->"),
            ("<i>Take</i>", "formatting"),
            ("{\\an8}Take", "formatting"),
            ("<b\u{200B}>Take", "formatting"),
            ("a\u{1b}[2J", "control"),
            ("a\0b", "control"),
        ] {
            let fault = srt_of(&[caption(0, 1, "Fine."), caption(1, 2, typed)]).unwrap_err();
            assert!(fault.what().starts_with("caption 2: ") && fault.what().contains(why), "{fault}");
        }
    }

    #[test]
    fn captions_without_words_go_and_times_run_forward() {
        let some = [caption(0, 1, " \n"), caption(5_000, 9_000, "Yes."), caption(9_000, 9_000, "\u{200B}")];
        assert_eq!(handwritten(&some).unwrap(), [caption(5_000, 9_000, "Yes.")]);
        assert!(handwritten(&some[..1]).unwrap_err().what().contains("no caption has a word"));
        for (first, second) in [
            (caption(5_000, 9_000, "a"), caption(4_000, 9_000, "b")),
            (caption(0, 9_000, "a"), caption(5_000, 4_000, "b")),
            (caption(0, 1, "a"), caption(0, i64::MAX, "b")),
        ] {
            assert!(handwritten(&[first, second]).unwrap_err().what().starts_with("caption 2: its times"));
        }
        assert!(handwritten(&[caption(-1_000, 4_000, "b")]).is_err());
        assert!(handwritten(&vec![caption(0, 1, "a"); MOST + 1]).is_err());
    }

    proptest! {
        #[test]
        fn what_is_saved_is_read_again(
            parts in prop::collection::vec((0i64..5_000_000, 0i64..5_000_000, "([ -~]|\\PC|[<>{}/\\\\:,0-9\n-]){0,24}"), 1..12),
        ) {
            let mut at = 0;
            let captions: Vec<Subtitle> = parts
                .iter()
                .map(|(gap, length, text)| { at += gap; caption(at, at + length, text) })
                .collect();
            if let Ok(text) = srt_of(&captions) {
                let wanted = handwritten(&captions).unwrap();
                prop_assert_eq!(read_subtitles(&text).unwrap(), wanted.clone());
                // What was read once is read in the same way ever after.
                prop_assert_eq!(srt_of(&wanted).unwrap(), text);
                let words = |captions: &[Subtitle]| {
                    let all: Vec<&str> = captions.iter().flat_map(|c| c.text.split_whitespace()).collect();
                    clean(&all.join(" "))
                };
                prop_assert_eq!(words(&captions), words(&wanted));
            }
        }
    }
}
