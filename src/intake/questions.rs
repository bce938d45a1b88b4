//! Which question each clip answers: questions.csv, else `<stem>.question.txt` beside the clip, else a telling file name.

use super::names::unique_names;
use super::scan::{Candidate, name_of};
use super::telling::telling;
use super::{ClipSource, Digest, KnownTexts};
use crate::config::ClipSettings;
use crate::fault::Fault;
use crate::plain_file::{self, Links};
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use unicode_normalization::UnicodeNormalization;

/// The shot list's name in the inbox.
pub const SHOT_LIST: &str = "questions.csv";
/// Names of the two columns in a heading, in lower case.
const FILE_COLUMN: [&str; 5] = ["file", "filename", "file name", "clip", "video"];
const QUESTION_COLUMN: [&str; 2] = ["question", "questions"];
/// Longest question, in characters: what is longer is no question, and no box holds it.
const MOST_CHARACTERS: usize = 500;
const TOO_LONG: &str = "write a question of one sentence, 500 characters at most";
const SAVE_AGAIN: &str = "open it in the spreadsheet program and save it as \"CSV UTF-8\"";

/// Clips with their names and questions, in the order of `settled`, and what is wrong with the question files; that
/// stops no clip.
///
/// `scanned` is everything that lies in the inbox, so that a clip's name does not depend on which others are settled yet.
pub fn sources(inbox: &Path, scanned: &[Candidate], settled: &[(Candidate, Digest)]) -> (Vec<ClipSource>, Vec<Fault>) {
    let paths: Vec<&Path> = scanned.iter().map(|c| c.path.as_path()).collect();
    let names: HashMap<&Path, String> = paths.iter().copied().zip(unique_names(&paths)).collect();
    let (list, mut faults) = shot_list(&inbox.join(SHOT_LIST));
    faults.extend(unknown_clips(&list, &paths));
    let mut clips = Vec::new();
    for (candidate, digest) in settled {
        // A clip that came after the scan is taken up at the next one.
        let Some(name) = names.get(candidate.path.as_path()) else { continue };
        let file = name_of(&candidate.path);
        let stem = file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem);
        let question = list.get(&key(&file)).or_else(|| list.get(&key(stem))).cloned();
        let question = question.or_else(|| {
            let sidecar = inbox.join(format!("{stem}.question.txt"));
            match text_of(&sidecar) {
                Ok(text) => {
                    let text = text.map(|text| tidy(&text)).filter(|text| !text.is_empty());
                    let too_long = text.as_ref().is_some_and(|text| text.chars().count() > MOST_CHARACTERS);
                    let what = || format!("the question in {stem}.question.txt is too long; it is not used");
                    faults.extend(too_long.then(|| Fault::new(what(), TOO_LONG)));
                    text.filter(|_| !too_long)
                }
                Err(fault) => {
                    faults.push(fault);
                    None
                }
            }
        });
        let question = question.or_else(|| telling(stem));
        let script = text_of(&inbox.join(format!("{stem}.txt"))).unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        let script = script.filter(|text| !text.trim().is_empty());
        clips.push(ClipSource {
            path: candidate.path.clone(),
            name: name.clone(),
            digest: digest.clone(),
            looked: Some((candidate.bytes, candidate.modified)),
            question,
            settings: ClipSettings::default(),
            texts: KnownTexts { script, ..KnownTexts::default() },
        });
    }
    (clips, faults)
}

/// A complaint about questions for files that are not there: more often a slip of the pen than a clip of another day.
fn unknown_clips(list: &HashMap<String, String>, paths: &[&Path]) -> Option<Fault> {
    let names = paths.iter().map(|path| name_of(path));
    let known: HashSet<String> = names
        .flat_map(|file| [key(&file), key(file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem))])
        .collect();
    let mut unknown: Vec<&str> = list.keys().filter(|file| !known.contains(*file)).map(String::as_str).collect();
    unknown.sort_unstable();
    let (what, files) = (format!("{SHOT_LIST} has questions for files that are not in the folder"), unknown.join(", "));
    (!unknown.is_empty()).then(|| Fault::new(format!("{what}: {files}"), "compare the spelling with the files' names"))
}

/// Questions by the key of the file they are for, and what is wrong with the list, each with its line.
fn shot_list(path: &Path) -> (HashMap<String, String>, Vec<Fault>) {
    match text_of(path) {
        Ok(text) => parse(&text.unwrap_or_default()),
        Err(fault) => (HashMap::new(), vec![fault]),
    }
}

/// What a shot list of these bytes says: questions by the key of the file that they are for (its name in lower case), and
/// what is wrong with the list, each with its line.
pub fn questions_of(bytes: &[u8]) -> (HashMap<String, String>, Vec<Fault>) {
    parse(&decode(bytes))
}

fn parse(text: &str) -> (HashMap<String, String>, Vec<Fault>) {
    // Excel takes a first line such as `sep=;` as its own and shows it to nobody.
    let (text, before) = match text.split_once('\n') {
        Some((first, rest)) if first.to_lowercase().starts_with("sep=") => (rest, 1),
        _ => (text, 0),
    };
    let delimiter = delimiter(text);
    let mut faults = Vec::new();
    let text = match stray_quote(text, delimiter) {
        None => text,
        Some(Stray { line, start }) => {
            let line = line + before;
            faults.push(Fault::new(
                format!(
                    "{SHOT_LIST}, line {line}: a quotation mark is not where it belongs; the list was read up to there"
                ),
                "write each question between two quotation marks, or without any",
            ));
            &text[..start]
        }
    };
    let mut list = HashMap::new();
    let mut columns = (0, 1);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter as u8)
        .from_reader(text.as_bytes());
    for (row, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.push(Fault::new(format!("{SHOT_LIST} is damaged ({error})"), SAVE_AGAIN));
                break;
            }
        };
        if row == 0
            && let Some(heading) = heading(&record)
        {
            columns = heading;
            continue;
        }
        let line = before + record.position().map_or(0, |position| position.line());
        if let Err((what, advice)) = take(&record, columns, delimiter, &mut list) {
            faults.push(Fault::new(format!("{SHOT_LIST}, line {line}: {what}"), advice));
        }
    }
    (list, faults)
}

/// Where the columns for file and question are, if the row names both.
fn heading(row: &csv::StringRecord) -> Option<(usize, usize)> {
    let column = |names: &[&str]| row.iter().position(|cell| names.contains(&tidy(cell).to_lowercase().as_str()));
    Some((column(&FILE_COLUMN)?, column(&QUESTION_COLUMN)?))
}

/// Puts one row into the list; else says what is wrong with it and what to do.
fn take(
    row: &csv::StringRecord,
    (file_at, question_at): (usize, usize),
    delimiter: char,
    list: &mut HashMap<String, String>,
) -> Result<(), (String, &'static str)> {
    let cell = |at: usize| tidy(row.get(at).unwrap_or_default());
    let file = cell(file_at);
    let question = if question_at < file_at {
        cell(question_at)
    } else {
        // A comma that was typed into a question without quotation marks belongs to the question.
        let rest: Vec<&str> = row.iter().skip(question_at).collect();
        tidy(rest.join(&delimiter.to_string()).trim_end_matches(delimiter))
    };
    // A folder's name alone ends in a separator: it names no file either.
    match (key(&file).is_empty(), question.is_empty()) {
        (true, true) => Ok(()),
        (true, false) => Err(("there is no file name".into(), "write the clip's file name beside the question")),
        (false, true) => Err((format!("there is no question for {file}"), "write the question beside the file name")),
        (false, false) if question.chars().count() > MOST_CHARACTERS => {
            Err((format!("the question for {file} is too long; it is not used"), TOO_LONG))
        }
        (false, false) => match list.insert(key(&file), question.clone()) {
            Some(known) if known != question => Err((
                format!("{file} stands in the list twice; the later question is used"),
                "remove one of the two lines",
            )),
            _ => Ok(()),
        },
    }
}

/// The first character outside of quotation marks that a spreadsheet program puts between cells.
fn delimiter(text: &str) -> char {
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' | ';' | '\t' if !quoted => return c,
            _ => {}
        }
    }
    ','
}

/// Where a row starts that has a quotation mark in a wrong place: the rows after it cannot be told apart.
struct Stray {
    line: u64,
    start: usize,
}

/// Looks for a quoted cell that is not closed, or not followed by the end of its cell (RFC 4180, section 2). The CSV
/// reader accepts both, and takes the following lines for one long question.
fn stray_quote(text: &str, delimiter: char) -> Option<Stray> {
    let mut row = Stray { line: 1, start: 0 };
    let (mut line, mut cell_starts) = (1, true);
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c == '"' && cell_starts {
            let mut closed = false;
            while let Some((_, c)) = rest.next() {
                line += u64::from(c == '\n');
                if c == '"' && rest.next_if(|(_, c)| *c == '"').is_none() {
                    closed = true;
                    break;
                }
            }
            let ends = rest.peek().is_none_or(|(_, c)| *c == delimiter || matches!(c, '\r' | '\n'));
            if !closed || !ends {
                return Some(row);
            }
        }
        if c == '\n' {
            line += 1;
            row = Stray { line, start: at + 1 };
        }
        cell_starts = c == delimiter || c == '\n';
    }
    None
}

/// What a text file holds; none if it is not there.
fn text_of(path: &Path) -> Result<Option<String>, Fault> {
    let name = name_of(path);
    match plain_file::bytes(path, plain_file::MOST_SETTINGS, Links::Refused) {
        Ok(bytes) if bytes.contains(&0) => Err(Fault::new(format!("{name} is no plain text"), SAVE_AGAIN)),
        Ok(bytes) => Ok(Some(decode(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if matches!(error.kind(), io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidInput) => {
            let what = error.to_string();
            let what = what.strip_prefix("it ").unwrap_or(&what);
            Err(Fault::new(format!("{name} {what}"), "check that it is the right file"))
        }
        Err(error) => Err(Fault::new(format!("{name} cannot be read ({error})"), "close other programs that use it")),
    }
}

/// UTF-8 with or without a byte order mark, else what Excel writes as "CSV" in Western Europe and America.
fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().map(|byte| windows_1252(*byte)).collect(),
    }
}

/// Windows-1252 as the WHATWG Encoding Standard has it: Latin-1 but for 0x80 to 0x9F.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// One line, with single spaces and nothing that cannot be printed.
fn tidy(text: &str) -> String {
    let printed: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    printed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A file name as the list is searched for it: without folders, case and the differences of spelling between systems.
fn key(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.to_lowercase().nfc().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;
    use std::path::PathBuf;
    use std::time::SystemTime;

    fn read(text: &[u8]) -> (Vec<(String, String)>, Vec<String>) {
        let (list, faults) = parse(&decode(text));
        let mut list: Vec<_> = list.into_iter().collect();
        list.sort();
        (list, faults.iter().map(|f| f.what().to_string()).collect())
    }

    fn one(file: &str, question: &str) -> (Vec<(String, String)>, Vec<String>) {
        (vec![(file.into(), question.into())], vec![])
    }

    #[test]
    fn every_spreadsheet_program_is_understood() {
        let expected = one("müde.mp4", "Warum bin ich müde?");
        for text in [
            "file,question\nmüde.mp4,Warum bin ich müde?\n".as_bytes(),
            "\u{FEFF}file;question\r\nmüde.mp4;Warum bin ich müde?\r\n".as_bytes(),
            "sep=;\r\nQuestion;File\r\n\"Warum bin  ich müde?\";\"MÜDE.mp4\"\r\n".as_bytes(),
            "mu\u{308}de.mp4\tWarum bin ich müde?".as_bytes(),
            b"file;question;note\r\nm\xFCde.mp4;Warum bin ich m\xFCde?;;\r\n\r\n;;\r\n",
        ] {
            assert_eq!(read(text), expected, "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(read(b"a.mp4,\x93Why\x94 \x80 5?"), one("a.mp4", "“Why” € 5?"));
    }

    #[test]
    fn a_row_for_a_folder_and_a_question_without_end_are_told_of() {
        let (list, faults) = read(format!("clips/,Why?\na.mp4,{}\nb.mp4,Why?\n", "why ".repeat(200)).as_bytes());
        assert_eq!(list, [("b.mp4".to_string(), "Why?".to_string())]);
        assert_eq!(faults.len(), 2);
        assert!(faults[0].contains("line 1: there is no file name"), "{faults:?}");
        assert!(faults[1].contains("line 2: the question for a.mp4 is too long"), "{faults:?}");
    }

    #[test]
    fn quotation_marks_and_commas_belong_to_the_question() {
        assert_eq!(read(b"a.mp4,\"Is \"\"it\"\" safe,\nreally?\"\n"), one("a.mp4", "Is \"it\" safe, really?"));
        assert_eq!(read(b"a.mp4,Is it safe, and when?\n"), one("a.mp4", "Is it safe, and when?"));
        assert_eq!(read(b"a.mp4,What is a \"bump\"?\n"), one("a.mp4", "What is a \"bump\"?"));
    }

    #[test]
    fn a_damaged_list_names_the_line_and_keeps_the_rest() {
        let (list, faults) = read(b"file,question\na.mp4,Does it hurt?\nb.mp4,\"Is it safe?\nc.mp4,When?\n");
        assert_eq!(list, one("a.mp4", "Does it hurt?").0);
        assert!(faults.len() == 1 && faults[0].contains("line 3"), "{faults:?}");
        let (list, faults) = read(b"a.mp4,Does it hurt?\nb.mp4,\"Is it safe?\nc.mp4,\"When?\"\n");
        assert_eq!((list.len(), faults.len()), (1, 1));
        let (list, faults) = read(b"a.mp4\n,Why?\nc.mp4,When?\nC.mp4,Where?\n");
        assert_eq!(list, one("c.mp4", "Where?").0);
        for (fault, line) in faults.iter().zip(["line 1: there is no question", "line 2: there is no file", "line 4"]) {
            assert!(fault.contains(line), "{fault}");
        }
        assert_eq!(faults.len(), 3);
    }

    #[test]
    fn nothing_and_noise_are_no_error() {
        for text in [&b""[..], b"\n\n", b"file,question", b"\xEF\xBB\xBF", b",,,\n ,"] {
            assert_eq!(read(text), (vec![], vec![]), "{text:?}");
        }
    }

    #[test]
    fn the_list_goes_before_the_sidecar_before_the_name() {
        let inbox = tempfile::tempdir().unwrap();
        fs::write(inbox.path().join("questions.csv"), "IMG_1.mov,From the list?\nrazor-bumps,Without extension?\n,x")
            .unwrap();
        fs::write(inbox.path().join("IMG_1.question.txt"), "not used").unwrap();
        fs::write(inbox.path().join("IMG_2.question.txt"), "\u{FEFF}From the\r\n sidecar?\n").unwrap();
        fs::write(inbox.path().join("IMG_5.question.txt"), [0, 1, 2]).unwrap();
        let names = ["img_1.MOV", "IMG_2.mov", "Razor-Bumps.mp4", "IMG_4.mov", "IMG_5.mov", "cold-sores.mp4"];
        let clips: Vec<_> = names
            .iter()
            .map(|name| {
                let path: PathBuf = inbox.path().join(name);
                (Candidate { path, bytes: 1, modified: SystemTime::UNIX_EPOCH }, Digest((*name).into()))
            })
            .collect();
        let scanned: Vec<_> = clips.iter().map(|(c, _)| c.clone()).collect();
        let (sources, faults) = sources(inbox.path(), &scanned, &clips);
        let asked: Vec<_> = sources.iter().map(|s| s.question.as_deref()).collect();
        let expected = [
            Some("From the list?"),
            Some("From the sidecar?"),
            Some("Without extension?"),
            None,
            None,
            Some("Cold sores"),
        ];
        assert_eq!(asked, expected);
        assert_eq!(sources[0].name, "img_1");
        let faults: Vec<_> = faults.iter().map(|f| f.what()).collect();
        assert_eq!(faults, ["questions.csv, line 3: there is no file name", "IMG_5.question.txt is no plain text"]);
    }
}
