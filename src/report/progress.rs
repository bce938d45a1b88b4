//! One listener behind three ways of telling: bars on a terminal, plain lines elsewhere, NDJSON for programs.

use crate::fault::Fault;
use crate::pipeline::{Event, Stage};
use crate::printable::printable;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;
use std::collections::HashMap;
use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

/// How events are told.
pub enum Progress {
    /// Bars on the terminal behind stderr.
    Bars(Mutex<Bars>),
    /// A line on stderr for what a person would want to know later.
    Lines(Mutex<Lines>),
    /// Every event as a line of JSON on stdout.
    Json,
}

/// The bars on screen.
pub struct Bars {
    all: MultiProgress,
    batch: Option<ProgressBar>,
    clips: HashMap<String, ProgressBar>,
    download: Option<ProgressBar>,
}

/// How far the batch is, for the numbers at the start of lines.
#[derive(Default)]
pub struct Lines {
    clips: usize,
    finished: usize,
    /// Tenth of a download that was told last.
    tenth: u64,
}

impl Progress {
    /// JSON if asked for, bars if stderr is a terminal, else lines.
    pub fn new(json: bool, terminal: bool) -> Self {
        match (json, terminal) {
            (true, _) => Progress::Json,
            (false, true) => {
                let all = MultiProgress::new();
                Progress::Bars(Mutex::new(Bars { all, batch: None, clips: HashMap::new(), download: None }))
            }
            (false, false) => Progress::Lines(Mutex::default()),
        }
    }

    /// Tells an event.
    pub fn tell(&self, event: Event) {
        self.tell_of("", event);
    }

    /// Tells an event of one practice among many, by the name of its folder; empty: of the only one.
    pub fn tell_of(&self, practice: &str, event: Event) {
        match self {
            Progress::Bars(bars) => bars.lock().unwrap_or_else(|e| e.into_inner()).tell(practice, event),
            Progress::Lines(lines) => {
                let line = lines.lock().unwrap_or_else(|e| e.into_inner()).line(event);
                // A closed stderr must not stop the work.
                drop(line.map(|line| writeln!(std::io::stderr(), "{}", printable(&named(practice, &line)))));
            }
            Progress::Json => json(&Told { event: &event, practice }),
        }
    }

    /// Tells that nothing was begun for one practice among many, while the others go on.
    pub fn refused(&self, practice: &str, fault: &Fault) {
        let (what, advice) = (fault.what(), fault.advice());
        let line = || named(practice, &format!("nothing was begun: {what}. What to do: {advice}."));
        match self {
            Progress::Bars(bars) => bars.lock().unwrap_or_else(|e| e.into_inner()).print(&line()),
            Progress::Lines(_) => drop(writeln!(std::io::stderr(), "{}", printable(&line()))),
            Progress::Json => json(&Refused { event: "refused", practice, what, advice }),
        }
    }

    /// Takes the bars off the screen.
    pub fn clear(&self) {
        if let Progress::Bars(bars) = self {
            drop(bars.lock().unwrap_or_else(|e| e.into_inner()).all.clear());
        }
    }
}

/// An event as a line of JSON has it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(skip_serializing_if = "str::is_empty")]
    practice: &'a str,
}

#[derive(Serialize)]
struct Refused<'a> {
    event: &'static str,
    practice: &'a str,
    what: &'a str,
    advice: &'a str,
}

fn json(line: &impl Serialize) {
    if let Ok(line) = serde_json::to_string(line) {
        let mut out = std::io::stdout().lock();
        // A reader that went away must not stop the work.
        drop(writeln!(out, "{line}").and_then(|()| out.flush()));
    }
}

/// A line that says which practice it is about, where there are many.
fn named(practice: &str, line: &str) -> String {
    if practice.is_empty() { line.to_string() } else { format!("{practice}: {line}") }
}

/// What a person should read of a failure or a note, in one line.
fn remark(event: &Event) -> Option<String> {
    match event {
        Event::Failed { clip, platforms, stage, what, advice } => {
            let platforms = if platforms.is_empty() { String::new() } else { format!(" for {}", platforms.join(", ")) };
            Some(format!("{clip}{platforms}: failed while {}: {what}. What to do: {advice}.", stage.doing()))
        }
        Event::Held { clip, why, .. } => Some(format!("{clip}: held: {}.", why.join("; "))),
        Event::Note { clip: Some(clip), text } => Some(format!("{clip}: {text}")),
        Event::Note { clip: None, text } => Some(text.clone()),
        _ => None,
    }
}

/// How a clip ended, in one line.
fn ending(clip: &str, cuts: usize, held: bool, unchanged: bool, failed: bool) -> String {
    if held && !failed && cuts == 0 {
        return format!("{clip}: waits for approval; its cuts are made then");
    }
    let how = match (unchanged, failed, cuts) {
        (true, ..) => "unchanged",
        (false, true, 0) => return format!("{clip}: failed"),
        (false, true, _) => "done in part",
        (false, false, _) => "done",
    };
    let waiting = match (held, cuts) {
        (false, _) => "",
        (true, 1) => " that waits for approval",
        (true, _) => " that wait for approval",
    };
    format!("{clip}: {how}, {cuts} {}{waiting}", if cuts == 1 { "cut" } else { "cuts" })
}

impl Lines {
    fn line(&mut self, event: Event) -> Option<String> {
        match event {
            Event::Started { clips, .. } => {
                *self = Lines { clips, ..Lines::default() };
                Some(format!("{clips} {}", if clips == 1 { "clip" } else { "clips" }))
            }
            Event::Download { model, done, total } => {
                let tenth = done * 10 / total.max(1);
                let told = std::mem::replace(&mut self.tenth, tenth);
                (told != tenth).then(|| format!("downloading the speech model {model}: {}%", tenth * 10))
            }
            Event::Entered { clip, stage: stage @ (Stage::Speech | Stage::Render) } => {
                Some(format!("{clip}: {}", stage.doing()))
            }
            Event::Finished { clip, cuts, held, unchanged, failed } => {
                self.finished += 1;
                // A hundred clips that were done before are no news.
                let ending = (!unchanged).then(|| ending(&clip, cuts, held, unchanged, failed))?;
                Some(format!("[{}/{}] {ending}", self.finished, self.clips))
            }
            other => remark(&other),
        }
    }
}

impl Bars {
    fn style(template: &str) -> ProgressStyle {
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ ")
    }

    fn tell(&mut self, practice: &str, event: Event) {
        match &event {
            Event::Started { clips, .. } => {
                let bar = self.all.add(ProgressBar::new(*clips as u64));
                bar.set_style(Self::style("{bar:30.green} {pos} of {len} clips  {elapsed} {msg}"));
                bar.set_message(printable(practice).into_owned());
                bar.enable_steady_tick(Duration::from_millis(250));
                self.batch = Some(bar);
            }
            Event::Download { model, done, total } => {
                let bar = self.download.get_or_insert_with(|| {
                    let bar = self.all.add(ProgressBar::new(*total));
                    bar.set_style(Self::style(
                        "{bar:30.cyan} {msg}  {bytes} of {total_bytes}  {binary_bytes_per_sec}  {eta} left",
                    ));
                    bar.set_message(format!("speech model {model}"));
                    bar
                });
                bar.set_position(*done);
                if done == total {
                    bar.finish_and_clear();
                }
            }
            Event::Entered { clip, stage } => {
                let bar = self.clip(clip);
                bar.set_position(0);
                bar.reset_eta();
                bar.set_message(stage.doing());
            }
            Event::Progress { clip, stage, done, speed } => {
                let done = *done;
                let bar = self.clip(clip);
                bar.set_position((done * 1000.0) as u64);
                // Before anything is done nobody knows how long it takes.
                let left = if done > 0.0 { format!("  {}s left", bar.eta().as_secs()) } else { String::new() };
                bar.set_message(format!("{} {speed:.1}x{left}", stage.doing()));
            }
            Event::Finished { clip, cuts, held, unchanged, failed } => {
                if let Some(bar) = self.clips.remove(clip) {
                    bar.finish_and_clear();
                }
                if let Some(batch) = &self.batch {
                    batch.inc(1);
                }
                if !unchanged {
                    self.print(&named(practice, &ending(clip, *cuts, *held, *unchanged, *failed)));
                }
            }
            Event::Ended { .. } => {
                self.clips.drain().for_each(|(_, bar)| bar.finish_and_clear());
                if let Some(batch) = self.batch.take() {
                    batch.finish_and_clear();
                }
            }
            Event::Failed { .. } | Event::Held { .. } | Event::Note { .. } => {
                if let Some(line) = remark(&event) {
                    self.print(&named(practice, &line));
                }
            }
            Event::Published { .. } => {}
        }
    }

    fn clip(&mut self, clip: &str) -> &ProgressBar {
        self.clips.entry(clip.to_string()).or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new(1000));
            bar.set_style(Self::style("  {bar:28.cyan} {prefix}  {msg}"));
            bar.set_prefix(printable(clip).into_owned());
            bar
        })
    }

    fn print(&self, line: &str) {
        // A closed stderr must not stop the work.
        drop(self.all.println(printable(line)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_clip_never_says_done_of_a_failure() {
        assert_eq!(ending("a", 1, false, false, false), "a: done, 1 cut");
        assert_eq!(ending("a", 2, false, false, true), "a: done in part, 2 cuts");
        assert_eq!(ending("a", 0, false, false, true), "a: failed");
        assert_eq!(ending("a", 3, false, true, false), "a: unchanged, 3 cuts");
        assert_eq!(ending("a", 3, true, false, false), "a: done, 3 cuts that wait for approval");
    }

    #[test]
    fn a_failure_says_which_clip_which_stage_what_and_what_to_do() {
        let event = Event::Failed {
            clip: "razor-bumps".into(),
            platforms: vec!["tiktok".into(), "x".into()],
            stage: Stage::Render,
            what: "the disk is full".into(),
            advice: "free some space".into(),
        };
        let line = Lines::default().line(event);
        assert_eq!(
            line.as_deref(),
            Some("razor-bumps for tiktok, x: failed while rendering: the disk is full. What to do: free some space.")
        );
    }
}
