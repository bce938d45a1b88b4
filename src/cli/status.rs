//! `housecall status`: what every clip is at, and why.

use super::{ALL_WELL, SOME_FAILED, SOME_HELD};
use crate::fault::Fault;
use crate::pipeline::{self, ClipStatus, Now, Overview, Stage, Standing, Step};
use crate::report::{ClipReport, ClipState, CutState};
use serde::Serialize;
use std::path::Path;

/// A clip as `--json` prints it.
#[derive(Default, Serialize)]
struct Line<'a> {
    clip: &'a str,
    state: &'static str,
    why: Vec<String>,
    by: Option<&'a str>,
    at: Option<&'a str>,
    note: Option<&'a str>,
    advice: Option<&'a str>,
}

#[derive(Serialize)]
struct Counts {
    clips: usize,
    held: usize,
    approved: usize,
    done: usize,
    failed: usize,
    working: usize,
    #[serde(rename = "cut-off")]
    cut_off: usize,
    missing: usize,
}

/// The states in the order in which clips are listed: those that need somebody come first.
const STATES: [&str; 7] = ["held", "failed", "cut-off", "missing", "working", "approved", "done"];

/// Of an approved clip whose cuts are not all there.
const UNMADE: &str = "the next run makes its cuts";

/// Lists every clip with its state; those that need somebody come first. Only reads. Ends as a run would end that finds
/// things like this.
pub fn status(out: &Path, json: bool) -> Result<u8, Fault> {
    let Overview { clips, record_is_whole, damaged, holder } = pipeline::status(out)?;
    let mut lines: Vec<Line> = clips.iter().map(line).collect();
    lines.sort_by_key(|line| STATES.iter().position(|state| *state == line.state));
    let count = |state: &str| lines.iter().filter(|line| line.state == state).count();
    let [held, failed, cut_off, missing, working, approved, done] = STATES.map(count);
    if json {
        lines.iter().try_for_each(print)?;
        print(&Counts { clips: lines.len(), held, approved, done, failed, working, cut_off, missing })?;
    } else {
        for line in &lines {
            say!("{:<28} {}", line.clip, words(line));
        }
        let further = [(working, "being made"), (cut_off, "cut off"), (missing, "with missing cuts")];
        let further: String = further.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}, ")).collect();
        say!("{held} waiting for approval, {failed} failed, {further}{approved} approved, {done} done");
        if held > 0 {
            eprintln!("Look at the clips in report.html, then: housecall approve NAME --by YOU");
        }
        if cut_off + missing > 0 || lines.iter().any(|line| line.state == "approved" && !line.why.is_empty()) {
            eprintln!("To have the rest made, run `housecall run` again.");
        }
    }
    if let Some(holder) = holder {
        eprintln!("At work now: {}.", holder.in_words());
    }
    if damaged > 0 {
        let lines = if damaged == 1 { "1 line".to_string() } else { format!("{damaged} lines") };
        eprintln!("{lines} of the journal torn or damaged; the next run makes anew what is not known to be in place.");
    }
    if !record_is_whole {
        eprintln!("The record of approvals was changed by hand or is damaged: lines are missing or out of order.");
    }
    Ok(match (failed + cut_off + missing > 0 || !record_is_whole, held) {
        (true, _) => SOME_FAILED,
        (false, 0) => ALL_WELL,
        (false, _) => SOME_HELD,
    })
}

fn print(line: &impl Serialize) -> Result<(), Fault> {
    let text = serde_json::to_string(line)
        .map_err(|e| Fault::new(format!("the status cannot be printed ({e})"), "report this"))?;
    data!(text);
    Ok(())
}

fn line(clip: &ClipStatus) -> Line<'_> {
    let bare = |state, why| Line { clip: &clip.name, state, why, ..Line::default() };
    match (&clip.now, &clip.report) {
        (Now::Working(step, at), _) => Line { at: Some(at), ..bare("working", vec![doing(step)]) },
        (Now::CutOff(step), _) => bare("cut-off", vec![doing(step)]),
        (Now::Failed(step), report) => failed(clip, step, report.as_ref().map(|(report, _)| report)),
        (_, Some((ClipReport { state: ClipState::Failed { what, advice, .. }, .. }, _))) => {
            Line { advice: Some(advice), ..bare("failed", vec![what.clone()]) }
        }
        (Now::Missing(files), _) => {
            bare("missing", files.iter().map(|file| format!("{} is gone or was changed", file.display())).collect())
        }
        (Now::Rests(_), Some((_, standing @ Standing::Held(_)))) => bare("held", standing.reasons()),
        (Now::Rests(_), Some((report, _))) if report.has_failure() => {
            let advice = report.cuts.iter().find_map(|cut| match &cut.state {
                CutState::Failed { advice, .. } => Some(advice.as_str()),
                _ => None,
            });
            Line { advice, ..bare("failed", vec!["not every cut could be made".into()]) }
        }
        (Now::Rests(_), Some((report, Standing::Approved(decision)))) => Line {
            by: decision.by.as_deref(),
            at: Some(&decision.at),
            note: decision.note.as_deref(),
            ..bare("approved", report.has_unmade().then(|| UNMADE.to_string()).into_iter().collect())
        },
        (Now::Rests(_), Some((report, Standing::Free))) if report.has_unmade() => {
            bare("cut-off", vec!["waiting to be rendered".into()])
        }
        (Now::Rests(_), Some((_, Standing::Free))) => bare("done", Vec::new()),
        // The report is lost; the journal still knows.
        (Now::Rests(Some(Step::Held)), None) => bare("held", vec!["the next run finds out why".into()]),
        (Now::Rests(Some(step @ Step::Failed { .. })), None) => failed(clip, step, None),
        (Now::Rests(_), None) => bare("done", Vec::new()),
    }
}

/// A clip of which the journal says that it failed. The report has the same in full where it is of the same failure.
fn failed<'a>(clip: &'a ClipStatus, step: &'a Step, report: Option<&'a ClipReport>) -> Line<'a> {
    let bare = |why, advice| Line { clip: &clip.name, state: "failed", why, advice, ..Line::default() };
    match (step, report.map(|report| &report.state)) {
        (Step::Failed { stage, .. }, Some(ClipState::Failed { stage: known, what, advice }))
            if stage.name() == known =>
        {
            bare(vec![what.clone()], Some(advice.as_str()))
        }
        (Step::Failed { stage, platforms, what, advice }, _) => {
            let platforms = if platforms.is_empty() { String::new() } else { format!(" for {}", platforms.join(", ")) };
            bare(vec![format!("while {}{platforms}: {what}", stage.doing())], Some(advice))
        }
        _ => bare(Vec::new(), None),
    }
}

/// How far a clip is, in words.
fn doing(step: &Step) -> String {
    match step {
        Step::Waiting => "waiting for its turn".into(),
        Step::At { stage: Stage::Probe } => "being read".into(),
        Step::At { stage: Stage::Speech } => "being transcribed".into(),
        Step::At { stage: Stage::Plan } => "understood, and waiting to be rendered".into(),
        Step::At { stage: Stage::Render } => "being rendered".into(),
        Step::At { stage } => format!("at the stage {}", stage.name()),
        Step::Again { why } => format!("being tried once more: {why}"),
        Step::Failed { what, .. } => what.clone(),
        Step::Held => "held".into(),
        Step::Finished => "finished".into(),
    }
}

fn words(line: &Line) -> String {
    let why = line.why.join("; ");
    match (line.state, line.by, line.at) {
        ("held", ..) => format!("waiting for approval: {why}"),
        ("failed", ..) => {
            let advice = line.advice.map(|advice| format!(". What to do: {advice}")).unwrap_or_default();
            format!("failed: {why}{advice}")
        }
        ("cut-off", ..) => format!("was {why} when the run was cut off; run again to go on"),
        ("missing", ..) => format!("was done, but {why}; run again to have it made"),
        ("working", ..) => why,
        ("approved", Some(by), Some(at)) => {
            let note = line.note.map(|note| format!(" ({note})")).unwrap_or_default();
            let further = if why.is_empty() { String::new() } else { format!("; {why}") };
            format!("approved by {by}, {at}{note}{further}")
        }
        (state, ..) => state.to_string(),
    }
}
