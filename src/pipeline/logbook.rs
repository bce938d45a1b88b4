//! One small log a batch, in `.housecall/logs`: when what happened to which clip, for whoever has to find out later. It
//! holds file names, stages, durations and faults, and no words of a clip, its question or its posts.

use super::event::{Event, Stage};
use crate::intake;
use crate::quoted::without_quoted;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

/// A log that is longer takes no more lines.
const MOST_BYTES: usize = 1 << 20;

/// Logs that are kept; older ones go.
const KEPT: usize = 30;

/// The log of one batch. Its file is made when there is something to tell: a folder that is watched is looked at often.
pub struct Logbook {
    folder: PathBuf,
    verb: String,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    file: Option<File>,
    /// Lines that are worth a log only if others follow.
    waiting: String,
    bytes: usize,
    /// What each clip is at, and since when.
    at: HashMap<String, (Stage, Instant)>,
}

impl Logbook {
    /// The log of a batch that begins.
    pub fn new(state: &Path, verb: &str) -> Self {
        let inner =
            Inner { waiting: line(&format!("housecall {} {verb}", env!("CARGO_PKG_VERSION"))), ..Inner::default() };
        Logbook { folder: folder(state), verb: verb.to_string(), inner: Mutex::new(inner) }
    }

    /// Writes down an event. A disk that takes nothing is told of by those who need it.
    pub fn tell(&self, event: &Event) {
        let mut inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
        let Some(text) = inner.words(event) else { return };
        let text = line(&text);
        if is_idle(event) && inner.file.is_none() {
            inner.waiting.push_str(&text);
            return;
        }
        if inner.file.is_none() {
            inner.file = self.create().ok();
        }
        let text = std::mem::take(&mut inner.waiting) + &text;
        let before = inner.bytes;
        inner.bytes += text.len();
        let text = match (before < MOST_BYTES, inner.bytes < MOST_BYTES) {
            (_, true) => text,
            (true, false) => line("this log is full"),
            (false, false) => return,
        };
        if let Some(file) = &mut inner.file {
            drop(file.write_all(text.as_bytes()));
        }
    }

    fn create(&self) -> std::io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let old = logs(&self.folder);
        for file in old.iter().take((old.len() + 1).saturating_sub(KEPT)) {
            drop(fs::remove_file(file));
        }
        let day = jiff::Zoned::now().strftime("%Y-%m-%dT%H%M%S").to_string();
        let name = format!("{day}-{}-{}.log", self.verb, std::process::id());
        OpenOptions::new().create(true).append(true).open(self.folder.join(name))
    }
}

/// Where the logs of an output folder lie.
pub fn folder(state: &Path) -> PathBuf {
    state.join("logs")
}

/// The logs of batches in a folder, the oldest first.
fn logs(folder: &Path) -> Vec<PathBuf> {
    // `2026-11-22T142210-run-4711.log`: other logs lie here that are named after clips.
    let is_log = |file: &PathBuf| {
        let name = intake::name_of(file);
        let form = |(at, byte): (usize, u8)| match at {
            4 | 7 | 17 => byte == b'-',
            10 => byte == b'T',
            _ => byte.is_ascii_digit(),
        };
        name.len() > 18 && name.ends_with(".log") && name.bytes().take(18).enumerate().all(form)
    };
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut logs: Vec<PathBuf> = files.filter(is_log).collect();
    logs.sort();
    logs
}

/// Whether the event alone is worth no log.
fn is_idle(event: &Event) -> bool {
    matches!(event, Event::Started { .. } | Event::Finished { unchanged: true, .. })
        || matches!(event, Event::Ended { clips, unchanged, .. } if clips == unchanged)
}

fn line(text: &str) -> String {
    // What is said on one line cannot pass for another one.
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{} {text}\n", jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S"))
}

impl Inner {
    /// What stands in the log of an event.
    fn words(&mut self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Started { clips, .. } => format!("begun: {}", many(*clips, "clip")),
            Event::Download { .. } | Event::Progress { .. } => return None,
            Event::Entered { clip, stage } => {
                let before = self.at.insert(clip.clone(), (*stage, Instant::now()));
                format!("{clip}: {}{}", stage.doing(), took(before))
            }
            Event::Published { clip, platform, file } => format!("{clip}: published {platform} {}", file.display()),
            // Why stands in the report; a person's own remark may be part of it.
            Event::Held { clip, why, .. } => format!("{clip}: waits for a person, {}", many(why.len(), "reason")),
            Event::Failed { clip, platforms, stage, what, advice } => {
                let platforms = platforms.join(", ");
                let (what, advice) = (without_quoted(what), without_quoted(advice));
                format!("{clip}: failed while {} {platforms}: {what}; {advice}", stage.doing())
            }
            // A spreadsheet's cells may stand in it.
            Event::Note { clip: None, text } if text.starts_with(intake::SHOT_LIST) => {
                format!("something is wrong in {}", intake::SHOT_LIST)
            }
            Event::Note { clip: Some(clip), text } => format!("{clip}: {}", without_quoted(text)),
            Event::Note { clip: None, text } => without_quoted(text),
            Event::Finished { clip, cuts, held, unchanged, failed } => {
                let how = match (unchanged, failed, held) {
                    (true, ..) => "unchanged",
                    (_, true, _) => "ended with a failure",
                    (_, _, true) => "done, waits",
                    _ => "done",
                };
                format!("{clip}: {how}, {}{}", many(*cuts, "cut"), took(self.at.remove(clip)))
            }
            Event::Ended { clips, unchanged, failed, held, cuts, stopped, .. } => {
                let stopped = if *stopped { "stopped" } else { "ended" };
                format!("{stopped}: {clips} clips, {unchanged} unchanged, {failed} failed, {held} held, {cuts} cuts")
            }
        })
    }
}

fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// How long the stage before took.
fn took(before: Option<(Stage, Instant)>) -> String {
    before.map_or_else(String::new, |(stage, began)| {
        format!(" ({} took {:.1} s)", stage.doing(), began.elapsed().as_secs_f64())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn note(text: &str) -> Event {
        Event::Note { clip: None, text: text.into() }
    }

    #[test]
    fn a_batch_that_finds_nothing_to_do_leaves_no_log_and_others_say_what_happened() {
        let folder = tempfile::tempdir().unwrap();
        let book = Logbook::new(folder.path(), "watch");
        book.tell(&Event::Started { clips: 1, out: "cuts".into() });
        let finished = |unchanged| Event::Finished { clip: "a".into(), cuts: 2, held: false, unchanged, failed: false };
        book.tell(&finished(true));
        assert!(logs(&super::folder(folder.path())).is_empty());
        book.tell(&Event::Entered { clip: "a".into(), stage: Stage::Render });
        book.tell(&note("two\nlines"));
        book.tell(&finished(false));
        let files = logs(&super::folder(folder.path()));
        let text = fs::read_to_string(&files[0]).unwrap();
        let lines: Vec<&str> = text.lines().map(|line| &line["2026-11-22 12:00:00 ".len()..]).collect();
        assert!(lines[0].starts_with("housecall ") && lines[0].ends_with(" watch"), "{text}");
        assert_eq!(lines[1..5], ["begun: 1 clip", "a: unchanged, 2 cuts", "a: rendering", "two lines"]);
        assert!(lines[5].starts_with("a: done, 2 cuts (rendering took "), "{text}");
    }

    #[test]
    fn logs_are_bounded_in_number_and_size() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        fs::create_dir(super::folder(state)).unwrap();
        fs::write(super::folder(state).join("my own.log"), "").unwrap();
        for number in 0..KEPT + 5 {
            fs::write(super::folder(state).join(format!("2020-01-01T0000{number:02}-run-1.log")), "").unwrap();
        }
        let book = Logbook::new(state, "run");
        let long = "x".repeat(MOST_BYTES / 8);
        (0..20).for_each(|_| book.tell(&note(&long)));
        let files = logs(&super::folder(state));
        assert_eq!(files.len(), KEPT);
        let last = fs::read_to_string(&files[KEPT - 1]).unwrap();
        assert!(last.len() < MOST_BYTES + 100 && last.ends_with("this log is full\n"), "{}", last.len());
        assert!(super::folder(state).join("my own.log").exists());
    }
}
