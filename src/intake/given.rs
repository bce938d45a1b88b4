//! Transcripts that are given instead of listening: `--transcript`, a file or a folder of them.

use super::{ClipSource, GivenTranscript, name_of};
use crate::captions;
use crate::fault::Fault;
use crate::plain_file::{self, Links};
use crate::quoted::without_quoted;
use crate::speech::{Transcript, Word};
use crate::units::Time;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// What a transcript may end in, in the order in which they are looked for.
const EXTENSIONS: [&str; 3] = ["json", "srt", "vtt"];

/// No clip is longer, and sums of such times stay far from the largest number.
const LATEST: Time = Time::from_millis(1000 * 60 * 60 * 1000);

/// The transcript that `place` has for a clip: the file itself when it bears the clip's name or the clip is `alone` in the
/// inbox, or the file of the clip's name in the folder. None where there is none; then the clip is listened to.
///
/// # Errors
/// The file cannot be read or is no transcript; the fault names the file and, in a subtitle file, the line.
pub fn given_transcript(place: &Path, source: &ClipSource, alone: bool) -> Result<Option<GivenTranscript>, Fault> {
    let stem = source.path.file_stem().unwrap_or_default();
    let files: Vec<PathBuf> = match place.is_dir() {
        true => {
            let named = |name: &OsStr| {
                EXTENSIONS.map(|extension| {
                    let mut file = name.to_os_string();
                    file.push(format!(".{extension}"));
                    place.join(file)
                })
            };
            [named(stem), named(OsStr::new(&source.name))].concat()
        }
        false if alone || place.file_stem() == Some(stem) || place.file_stem().is_some_and(|s| *s == *source.name) => {
            // Whoever names one file means what it leads to; what lies in a folder of clips is not followed.
            vec![fs::canonicalize(place).unwrap_or_else(|_| place.to_path_buf())]
        }
        false => Vec::new(),
    };
    files.into_iter().find(|file| file.is_file()).map(|file| read(&file)).transpose()
}

fn read(file: &Path) -> Result<GivenTranscript, Fault> {
    let name = name_of(file);
    let wrong = |what: String| Fault::new(format!("{name}: {what}"), "give an SRT, VTT or JSON transcript in UTF-8");
    let text = plain_file::text(file, plain_file::MOST_WORDS, Links::Refused)
        .map_err(|e| wrong(format!("it cannot be read ({e})")))?;
    transcript_of(file, &text)
}

/// The transcript that a file's text holds: JSON by its name, else subtitles.
///
/// # Errors
/// It is no transcript; the fault names the file and, in a subtitle file, the line.
pub fn transcript_of(file: &Path, text: &str) -> Result<GivenTranscript, Fault> {
    let name = name_of(file);
    let wrong = |what: String| Fault::new(format!("{name}: {what}"), "give an SRT, VTT or JSON transcript in UTF-8");
    if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        // The parser may quote the transcript's words.
        let transcript: Transcript = serde_json::from_str(text).map_err(|e| wrong(without_quoted(&e.to_string())))?;
        let ordered = transcript.words.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start);
        let whole = transcript.words.iter().all(|word| word.span.start <= word.span.end);
        let within = transcript.words.iter().all(|word| word.span.start >= Time::ZERO && word.span.end <= LATEST);
        if !within {
            return Err(wrong("a word's time lies outside of any clip".to_string()));
        }
        return match ordered && whole {
            true => Ok(GivenTranscript::Words(transcript.words.into_iter().filter_map(tidied).collect())),
            false => Err(wrong("its words are not in the order of their times".to_string())),
        };
    }
    let captions = captions::read_subtitles(text)
        .map_err(|fault| Fault::new(format!("{name}, {}", fault.what()), fault.advice()))?;
    Ok(GivenTranscript::Captions(captions))
}

/// A word as later stages take it for granted: some text on one line without spaces around it, a confidence from 0 to 1.
fn tidied(word: Word) -> Option<Word> {
    let printed: String = word.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    let confidence = if word.confidence.is_nan() { 0.0 } else { word.confidence.clamp(0.0, 1.0) };
    (!text.is_empty()).then_some(Word { text, confidence, ..word })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::intake::Digest;
    use std::fs;

    fn source(file: &str) -> ClipSource {
        ClipSource {
            path: PathBuf::from(file),
            name: file.split('.').next().unwrap_or_default().to_string(),
            digest: Digest("00".into()),
            looked: None,
            question: None,
            settings: Default::default(),
            texts: Default::default(),
        }
    }

    #[test]
    fn a_file_is_for_the_clip_of_its_name_or_the_only_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("razor.v2.srt");
        fs::write(&file, "1\n00:00:01,000 --> 00:00:02,000\nHola.\n").unwrap();
        let other = source("other.mp4");
        assert!(given_transcript(&file, &source("razor.v2.mp4"), false).unwrap().is_some());
        assert!(given_transcript(&file, &other, false).unwrap().is_none());
        assert!(given_transcript(&file, &other, true).unwrap().is_some());
        assert!(given_transcript(folder.path(), &source("razor.v2.mov"), false).unwrap().is_some());
        assert!(given_transcript(folder.path(), &other, true).unwrap().is_none());
    }

    #[test]
    fn what_is_no_transcript_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let word =
            |start: f64| format!("{{\"text\":\"a\",\"start\":{start},\"end\":{},\"confidence\":1}}", start + 0.5);
        let json =
            |words: String| format!("{{\"clip\":\"a\",\"model\":\"m\",\"language\":\"es\",\"words\":[{words}]}}");
        for (file, text, wrong) in [
            ("a.srt", "1\nsoon --> later\nx".to_string(), Some("a.srt, line 2")),
            ("b.json", "{}".to_string(), Some("b.json: missing field")),
            ("c.json", json(format!("{},{}", word(1.0), word(0.0))), Some("order")),
            ("d.json", json(format!("{},{}", word(0.0), word(1.0))), None),
            ("e.json", json(word(-1.0)), Some("outside of any clip")),
            ("f.json", json(word(1e300)), Some("outside of any clip")),
        ] {
            let path = folder.path().join(file);
            fs::write(&path, text).unwrap();
            match (given_transcript(&path, &source("x.mp4"), true), wrong) {
                (Ok(Some(GivenTranscript::Words(words))), None) => assert_eq!(words.len(), 2),
                (Err(fault), Some(wrong)) => assert!(fault.what().contains(wrong), "{fault}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn words_of_other_tools_are_tidied() {
        let word = |text: &str, confidence: &str| {
            format!("{{\"text\":{text:?},\"start\":0,\"end\":0,\"confidence\":{confidence}}}")
        };
        let words = [word(" Is\n it ", "7"), word("\t", "1"), word("safe?", "-1")].join(",");
        let text = format!("{{\"clip\":\"a\",\"model\":\"m\",\"language\":\"en\",\"words\":[{words}]}}");
        let Ok(GivenTranscript::Words(words)) = transcript_of(Path::new("a.json"), &text) else { panic!("{text}") };
        let words: Vec<(&str, f32)> = words.iter().map(|word| (word.text.as_str(), word.confidence)).collect();
        assert_eq!(words, [("Is it", 1.0), ("safe?", 0.0)]);
    }
}
