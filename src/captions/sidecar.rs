//! Cues as SubRip and WebVTT files. UTF-8, no markup, times to the millisecond.

use super::Cue;
use crate::units::Time;
use std::fmt::Write;

/// The cues as an SRT file. Plain text: YouTube takes no markup, and the format has no way to escape it.
pub fn srt(cues: &[Cue]) -> String {
    let mut file = String::new();
    for (i, cue) in cues.iter().enumerate() {
        let text = cue.text().join("\n").replace("-->", "→");
        // Writing to a String cannot fail.
        let _ = write!(file, "{}\n{} --> {}\n{text}\n\n", i + 1, stamp(cue.span.start, ','), stamp(cue.span.end, ','));
    }
    file
}

/// The cues as a WebVTT file (W3C WebVTT: `&`, `<` and `>` are escaped, which rules out a stray `-->`).
pub fn vtt(cues: &[Cue]) -> String {
    let mut file = String::from("WEBVTT\n\n");
    for cue in cues {
        let text = cue.text().join("\n").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(file, "{} --> {}\n{text}\n\n", stamp(cue.span.start, '.'), stamp(cue.span.end, '.'));
    }
    file
}

/// `00:01:02,345`. Both ends are rounded down, so that cues that touch still do; before the start counts as the start.
fn stamp(time: Time, point: char) -> String {
    let ms = time.millis().max(0);
    format!("{:02}:{:02}:{:02}{point}{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::Word;
    use crate::units::Span;

    fn cue(start: i64, end: i64, lines: &[&str]) -> Cue {
        let word = |t: &&str| Word { text: t.to_string(), span: Span::default(), confidence: 1.0 };
        let lines = lines.iter().map(|line| vec![word(line)]).collect();
        Cue { span: Span::new(Time(start), Time(end)), lines }
    }

    #[test]
    fn files_keep_their_frame_whatever_the_words_say() {
        let cues = [cue(-5, 1_499_999, &["1 < 2", "& so\n\non"]), cue(1_499_999, 3_723_004_000, &["a --> b"])];
        assert_eq!(
            srt(&cues),
            "1\n00:00:00,000 --> 00:00:01,499\n1 < 2\n& so on\n\n2\n00:00:01,499 --> 01:02:03,004\na → b\n\n"
        );
        assert_eq!(
            vtt(&cues),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.499\n1 &lt; 2\n&amp; so on\n\n00:00:01.499 --> 01:02:03.004\na --&gt; b\n\n"
        );
        assert_eq!((srt(&[]).as_str(), vtt(&[]).as_str()), ("", "WEBVTT\n\n"));
    }
}
