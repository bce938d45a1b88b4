//! Subtitle files that a person wrote or edited: SubRip and WebVTT. Forgiving about what tools leave out, strict about
//! what would lose words.

use crate::fault::Fault;
use crate::units::{Span, Time};
use serde::{Deserialize, Serialize};

/// A caption as a file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subtitle {
    /// When it stands.
    pub span: Span,
    /// Its text, lines joined by spaces, without markup.
    pub text: String,
}

/// Most captions of a file; half an hour of one caption a second has fewer.
pub(super) const MOST: usize = 5000;

/// Longest tag, in bytes; what is longer is text.
const LONGEST_TAG: usize = 200;

/// The captions of an SRT or a WebVTT file, in the order of their times; empty ones are left out. A byte order mark, line
/// ends of any system, missing numbers, hours left out, and point or comma before the milliseconds are all taken.
///
/// # Errors
/// A line of times that cannot be read (named by its number), times that run backwards, text before the first times.
pub fn read_subtitles(text: &str) -> Result<Vec<Subtitle>, Fault> {
    let text = text.trim_start_matches('\u{FEFF}').replace("\r\n", "\n").replace('\r', "\n");
    let vtt = text.starts_with("WEBVTT");
    let mut found: Vec<Subtitle> = Vec::new();
    let worded = |text: &mut String, lines: &[&str]| match vtt {
        true => append(text, &lines.iter().map(|line| entities(&plain(line))).collect::<Vec<_>>()),
        false => append(text, &lines.iter().map(|line| plain(line)).collect::<Vec<_>>()),
    };
    let blocks = blocks(&text);
    for (index, Block { first_line, lines }) in blocks.iter().enumerate() {
        // Where an empty line was deleted, a block holds more than one caption.
        let timings: Vec<usize> = (0..lines.len()).filter(|at| is_timing(lines[*at])).collect();
        let before = &lines[..timings.first().copied().unwrap_or(lines.len())];
        let followed = blocks.get(index + 1).is_some_and(|next| is_timing(next.lines[0]));
        // Headers, notes and styles of WebVTT, and what numbers or names the caption that follows, are no text.
        let header = vtt && ["WEBVTT", "NOTE", "STYLE", "REGION"].iter().any(|word| lines[0].starts_with(word));
        let labelled = match timings.is_empty() {
            true => before.len() == 1 && followed && is_number(before[0]),
            false => before.last().is_some_and(|line| vtt || is_number(line)),
        };
        let text = if header { &[] } else { &before[..before.len() - usize::from(labelled)] };
        match found.last_mut() {
            // An empty line within a caption parts it from its times.
            Some(last) => worded(&mut last.text, text),
            None if text.is_empty() => {}
            None => return Err(fault(*first_line, "there is text before the first times")),
        }
        for (n, &at) in timings.iter().enumerate() {
            let span = span(lines[at]).ok_or_else(|| {
                fault(first_line + at, "these are no times; they look like 00:00:01,000 --> 00:00:02,500")
            })?;
            if span.end < span.start {
                return Err(fault(first_line + at, "the end comes before the start"));
            }
            let until = match timings.get(n + 1) {
                Some(&next) if next - 1 > at && is_number(lines[next - 1]) => next - 1,
                Some(&next) => next,
                None => lines.len(),
            };
            let mut text = String::new();
            worded(&mut text, &lines[at + 1..until]);
            found.push(Subtitle { span, text });
            if found.len() > MOST {
                return Err(fault(first_line + at, "there are more than 5000 captions"));
            }
        }
    }
    found.retain(|subtitle| !subtitle.text.is_empty());
    found.sort_by_key(|subtitle| subtitle.span.start);
    Ok(found)
}

/// Whether a line has the times of a caption, rightly written or not.
fn is_timing(line: &str) -> bool {
    line.contains("-->")
}

/// Whether a line holds nothing but the number of a caption.
fn is_number(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit())
}

/// Lines without an empty one between them.
struct Block<'a> {
    /// Counted from 1.
    first_line: usize,
    lines: Vec<&'a str>,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            open = false;
        } else if let Some(block) = blocks.last_mut().filter(|_| open) {
            block.lines.push(line);
        } else {
            blocks.push(Block { first_line: index + 1, lines: vec![line] });
            open = true;
        }
    }
    blocks
}

fn fault(line: usize, what: &str) -> Fault {
    Fault::new(format!("line {line}: {what}"), "mend that line, or delete the file to have the captions written anew")
}

/// `00:00:01,000 --> 00:00:02,500`, whatever follows on the line.
fn span(line: &str) -> Option<Span> {
    let (start, rest) = line.split_once("-->")?;
    Some(Span { start: time(start.trim())?, end: time(rest.split_whitespace().next()?)? })
}

/// `1:02:03,456` or `02:03.456` or `3.5`.
fn time(text: &str) -> Option<Time> {
    let mut seconds = 0i64;
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, "0"));
    let parts: Vec<&str> = whole.split(':').collect();
    if parts.len() > 3 || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    for part in parts {
        let digits = !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
        seconds = seconds * 60 + digits.then(|| part.parse::<i64>().ok())??;
    }
    let digits = fraction.bytes().all(|b| b.is_ascii_digit());
    let micros: i64 = digits.then(|| format!("{fraction:0<6}")[..6].parse().ok())??;
    Some(Time(seconds * 1_000_000 + micros))
}

/// Puts the words of the lines after what is there already.
fn append(text: &mut String, lines: &[String]) {
    for word in lines.iter().flat_map(|line| line.split_whitespace()) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
}

/// Without the tags that subtitle files use: `<i>`, `</c.red>`, `<00:01.000>`, `{\an8}`. A `<` that opens no such tag is
/// text: "< 2 mg", "<5mg>".
pub(super) fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['<', '{']) {
        out.push_str(&rest[..at]);
        let angled = rest[at..].starts_with('<');
        let close = if angled { '>' } else { '}' };
        // Only a tag's length is searched: else a line of a million brackets would be read a million times over.
        let near = rest[at + 1..].bytes().take(LONGEST_TAG).position(|byte| byte == close as u8);
        let inside = near.map(|end| &rest[at + 1..at + 1 + end]);
        let is_tag = |tag: &&str| if angled { is_tag(tag) } else { tag.starts_with('\\') };
        match inside.filter(is_tag) {
            Some(tag) => rest = &rest[at + tag.len() + 2..],
            None => {
                out.push_str(&rest[at..=at]);
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whether this stands between the brackets of a tag that SubRip or WebVTT know: a name with classes and, for some, a
/// value, or a time.
fn is_tag(inside: &str) -> bool {
    let (name, value) = match inside.split_once(' ') {
        Some((name, value)) => (name, Some(value)),
        None => (inside, None),
    };
    let name = name.strip_prefix('/').unwrap_or(name);
    let name = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let is_time = || inside.contains(':') && time(inside).is_some();
    match name.as_str() {
        "v" | "lang" | "font" => true,
        "i" | "b" | "u" | "c" | "ruby" | "rt" => value.is_none(),
        _ => is_time(),
    }
}

/// The entities of WebVTT.
fn entities(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u{A0}");
    text.replace("&lrm;", "").replace("&rlm;", "").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Cue, srt, vtt};
    use super::*;
    use crate::speech::Word;
    use proptest::prelude::*;

    fn found(text: &str) -> Vec<(i64, i64, String)> {
        let subtitles = read_subtitles(text).unwrap();
        subtitles.into_iter().map(|s| (s.span.start.millis(), s.span.end.millis(), s.text)).collect()
    }

    #[test]
    fn what_tools_write_is_read() {
        let wanted = vec![(1000, 2500, "Take < 2 mg.".to_string()), (62_003, 63_000, "Ask us.".to_string())];
        for text in [
            "1\n00:00:01,000 --> 00:00:02,500\nTake\n< 2 mg.\n\n2\n00:01:02,003 --> 00:01:03,000\nAsk us.\n",
            "\u{FEFF}1\r\n00:00:01.000 --> 00:00:02.500 X1:0\r\n<i>Take</i> {\\an8}< 2 mg.\r\n\r\n\r\n0:01:02,003-->0:01:03,000\r\nAsk us.",
            "WEBVTT - by hand\n\nNOTE hello\n\nSTYLE\n::cue {}\n\none\n00:01.000 --> 00:02.500 line:0\n<c.red>Take</c> &lt; 2 mg.\n\n01:02.003 --> 01:03.000\nAsk us.\n",
            // Out of order, and with an empty line inside a caption.
            "2\n00:01:02,003 --> 00:01:03,000\nAsk us.\n\n3\n00:02:00,000 --> 00:02:01,000\n\n1\n00:00:01,000 --> 00:00:02,500\nTake\n\n< 2 mg.",
        ] {
            assert_eq!(found(text), wanted, "{text}");
        }
        assert_eq!(found(""), []);
    }

    #[test]
    fn a_deleted_empty_line_lets_no_times_and_no_number_into_a_caption() {
        let wanted = vec![(1000, 2000, "Take 2 mg.".to_string()), (3000, 4000, "Ask us.".to_string())];
        for text in [
            "1\n00:00:01,000 --> 00:00:02,000\nTake 2 mg.\n2\n00:00:03,000 --> 00:00:04,000\nAsk us.\n",
            "00:00:01,000 --> 00:00:02,000\nTake 2 mg.\n00:00:03,000 --> 00:00:04,000\nAsk us.\n",
            "1\n00:00:01,000 --> 00:00:02,000\nTake 2 mg.\n\n2\n\n00:00:03,000 --> 00:00:04,000\nAsk us.\n",
            "1\n00:00:01,000 --> 00:00:02,000\nTake\n\n2 mg.\n2\n00:00:03,000 --> 00:00:04,000\nAsk us.\n",
            "WEBVTT\n00:01.000 --> 00:02.000\nTake 2 mg.\n00:03.000 --> 00:04.000\nAsk us.\n",
        ] {
            assert_eq!(found(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_number_that_stands_alone_is_a_dose_where_no_times_follow() {
        let wanted = vec![(1000, 2000, "Take 10 mg.".to_string()), (3000, 4000, "Ask us.".to_string())];
        let text = "1\n00:00:01,000 --> 00:00:02,000\nTake\n\n10\n\nmg.\n\n2\n00:00:03,000 --> 00:00:04,000\nAsk us.";
        assert_eq!(found(text), wanted);
        let text = "1\n00:00:01,000 --> 00:00:02,000\n2\n3\n00:00:03,000 --> 00:00:04,000\n4\n";
        assert_eq!(found(text), vec![(1000, 2000, "2".to_string()), (3000, 4000, "4".to_string())]);
    }

    #[test]
    fn only_tags_of_subtitles_are_markup() {
        for text in ["<5mg>", "<30%>", "<2> mg", "</5mg>", "<bid>", "<b5mg>", "< i>", "<i 5 mg>", "<12:>", "<:>"] {
            assert_eq!(plain(text), text);
        }
        for (text, wanted) in [
            ("<I>a</I> <b>b</b> <u>c</u>", "a b c"),
            ("<c.red.big>a</c> <v Dr. Fred>b</v> <v.loud Ann>c</v> <lang en-GB>d</lang>", "a b c d"),
            ("<ruby>a<rt>b</rt></ruby> <font color=\"red\">c</font>", "ab c"),
            ("<00:01.000>a <01:00:01.000>b", "a b"),
        ] {
            assert_eq!(plain(text), wanted);
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        for (text, line) in [
            ("1\n00:00:01,000 --> soon\nTake\n", "line 2"),
            ("1\n00:00:02,000 --> 00:00:01,000\nTake\n", "line 2"),
            ("Take two.\n\n1\n00:00:02,000 --> 00:00:03,000\nx", "line 1"),
            ("1\n00:00:02,000 --> 00:00:03,000\nx\n2\n00:00:04,000 --> late\ny", "line 5"),
        ] {
            let fault = read_subtitles(text).unwrap_err();
            assert!(fault.what().starts_with(line), "{fault}");
        }
    }

    #[test]
    fn a_long_file_takes_time_in_proportion_to_its_length() {
        let began = std::time::Instant::now();
        let times = "1\n00:00:01,000 --> 00:00:02,000\n";
        for text in ["<".repeat(2_000_000), "{".repeat(2_000_000), "ab\n\n".repeat(500_000)] {
            assert_eq!(found(&(times.to_string() + &text)).len(), 1);
        }
        assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(?s).{0,300}", times in "[0-9:,.> -]{0,60}") {
            let _ = read_subtitles(&text);
            let _ = read_subtitles(&format!("1\n{times}\n{text}"));
            let _ = read_subtitles(&format!("WEBVTT\n\n{times} --> {times}\n{text}"));
        }

        #[test]
        fn what_is_written_is_read_again(words in prop::collection::vec("[a-z<>&{}%é薬'.,]{1,9}", 1..8)) {
            let line = words.iter().map(|text| Word { text: text.clone(), span: Span::default(), confidence: 1.0 }).collect();
            let cue = Cue { span: Span::new(Time(1_000_000), Time(2_000_000)), lines: vec![line] };
            let text = cue.text().join(" ");
            // SubRip has no way to say that a tag is none.
            if plain(&text) == text {
                prop_assert_eq!(&read_subtitles(&srt(std::slice::from_ref(&cue))).unwrap()[0].text, &text);
            }
            if !text.contains("&lt;") {
                prop_assert_eq!(&read_subtitles(&vtt(std::slice::from_ref(&cue))).unwrap()[0].text, &text);
            }
        }
    }
}
