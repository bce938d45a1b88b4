//! `housecall status`: which clips wait for a person, and why.

use super::ALL_WELL;
use crate::fault::Fault;
use crate::pipeline::{self, ClipStatus, Standing};
use crate::report::ClipState;
use serde::Serialize;
use std::path::Path;

/// A clip as `--json` prints it.
#[derive(Serialize)]
struct Line<'a> {
    clip: &'a str,
    state: &'static str,
    why: Vec<String>,
    by: Option<&'a str>,
    at: Option<&'a str>,
    note: Option<&'a str>,
}

#[derive(Default, Serialize)]
struct Counts {
    clips: usize,
    held: usize,
    approved: usize,
    done: usize,
    failed: usize,
}

/// Lists every clip with its state; those that need somebody come first. Only reads.
pub fn status(out: &Path, json: bool) -> Result<u8, Fault> {
    let (clips, whole) = pipeline::status(out)?;
    let mut lines: Vec<Line> = clips.iter().map(line).collect();
    let order = ["held", "failed", "approved", "done"];
    lines.sort_by_key(|line| order.iter().position(|state| *state == line.state));
    let count = |state: &str| lines.iter().filter(|line| line.state == state).count();
    let counts = Counts {
        clips: lines.len(),
        held: count("held"),
        approved: count("approved"),
        done: count("done"),
        failed: count("failed"),
    };
    if json {
        lines.iter().try_for_each(print)?;
        print(&counts)?;
    } else {
        for line in &lines {
            say!("{:<28} {}", line.clip, words(line));
        }
        let Counts { held, approved, done, failed, .. } = counts;
        say!("{held} waiting for approval, {failed} failed, {approved} approved, {done} done");
        if held > 0 {
            eprintln!("Look at the clips in report.html, then: housecall approve NAME --by YOU");
        }
    }
    if !whole {
        eprintln!("The record of approvals was changed by hand or is damaged: lines are missing or out of order.");
    }
    Ok(ALL_WELL)
}

fn print(line: &impl Serialize) -> Result<(), Fault> {
    let text = serde_json::to_string(line)
        .map_err(|e| Fault::new(format!("the status cannot be printed ({e})"), "report this"))?;
    say!("{text}");
    Ok(())
}

fn line(clip: &ClipStatus) -> Line<'_> {
    let bare = |state, why| Line { clip: &clip.report.name, state, why, by: None, at: None, note: None };
    match (&clip.report.state, &clip.standing) {
        (ClipState::Failed { what, .. }, _) => bare("failed", vec![what.clone()]),
        (_, Standing::Held(_)) => bare("held", clip.standing.reasons()),
        _ if clip.report.has_failure() => bare("failed", vec!["not every cut could be made".into()]),
        (_, Standing::Approved(decision)) => Line {
            by: decision.by.as_deref(),
            at: Some(&decision.at),
            note: decision.note.as_deref(),
            ..bare("approved", Vec::new())
        },
        (_, Standing::Free) => bare("done", Vec::new()),
    }
}

fn words(line: &Line) -> String {
    let why = line.why.join("; ");
    match (line.state, line.by, line.at) {
        ("held", ..) => format!("waiting for approval: {why}"),
        ("failed", ..) => format!("failed: {why}"),
        ("approved", Some(by), Some(at)) => {
            let note = line.note.map(|note| format!(" ({note})")).unwrap_or_default();
            format!("approved by {by}, {at}{note}")
        }
        (state, ..) => state.to_string(),
    }
}
