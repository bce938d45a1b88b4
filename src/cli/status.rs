//! `housecall status`: what every clip is at, and why.

use super::run::{naming, worse};
use super::{ALL_WELL, SOME_FAILED, SOME_HELD};
use crate::centre::{Centre, why_gone};
use crate::cluster;
use crate::fault::Fault;
use crate::pipeline::{self, Away, ClipStatus, Failure, Handed, Now, Overview, Stage, Standing, State, Step};
use crate::report::{ClipReport, ClipState, CutState};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
    /// Which computer of a cluster failed to make it.
    #[serde(skip_serializing_if = "Option::is_none")]
    computer: Option<&'a str>,
    /// Its practice, where there are many.
    #[serde(skip_serializing_if = "str::is_empty")]
    practice: &'a str,
}

#[derive(Default, Serialize)]
struct Counts<'a> {
    /// Its practice, where there are many and these are one's.
    #[serde(skip_serializing_if = "str::is_empty")]
    practice: &'a str,
    /// How many practices, where there are many.
    #[serde(skip_serializing_if = "Option::is_none")]
    practices: Option<usize>,
    clips: usize,
    held: usize,
    approved: usize,
    done: usize,
    failed: usize,
    working: usize,
    #[serde(rename = "cut-off")]
    cut_off: usize,
    missing: usize,
    #[serde(rename = "with-cluster")]
    with_cluster: usize,
    delivered: usize,
    /// Why a practice that has cuts is not one of the centre's any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<&'static str>,
}

/// A practice that cannot be read, as `--json` prints it.
#[derive(Serialize)]
struct Unread<'a> {
    practice: &'a str,
    fault: &'a str,
    advice: &'a str,
}

/// Of an approved clip whose cuts are not all there.
const UNMADE: &str = "the next run makes its cuts";

impl<'a> Counts<'a> {
    fn of(practice: &'a str, clips: &[ClipStatus]) -> Self {
        let count = |state: State| clips.iter().filter(|clip| clip.state() == state).count();
        let [held, failed, cut_off, missing, delivered, working, with_cluster, approved, done] = State::ALL.map(count);
        Counts {
            practice,
            practices: None,
            clips: clips.len(),
            held,
            approved,
            done,
            failed,
            working,
            cut_off,
            missing,
            with_cluster,
            delivered,
            gone: None,
        }
    }

    fn add(&mut self, other: &Counts<'_>) {
        self.clips += other.clips;
        self.held += other.held;
        self.approved += other.approved;
        self.done += other.done;
        self.failed += other.failed;
        self.working += other.working;
        self.cut_off += other.cut_off;
        self.missing += other.missing;
        self.with_cluster += other.with_cluster;
        self.delivered += other.delivered;
    }

    fn in_words(&self) -> String {
        let further = [
            (self.working, "being made"),
            (self.with_cluster, "with the cluster"),
            (self.delivered, "back from the cluster"),
            (self.cut_off, "cut off"),
            (self.missing, "with missing cuts"),
        ];
        let further: String = further.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}, ")).collect();
        let Counts { held, failed, approved, done, .. } = self;
        format!("{held} waiting for approval, {failed} failed, {further}{approved} approved, {done} done")
    }
}

/// Lists every clip with its state; those that need somebody come first. Only reads. Ends as a run would end that finds
/// things like this.
pub fn status(out: &Path, json: bool) -> Result<u8, Fault> {
    match pipeline::kept_centre(out)? {
        Some(centre) => status_of_all(&centre, json),
        None => {
            let (jobs, handed) = handed_out_of(out);
            let overview = pipeline::status_with(out, &handed)?;
            let counts = Counts::of("", &overview.clips);
            let unmade = list("", &overview, json)?;
            if json {
                print(&counts)?;
            } else {
                say!("{}", counts.in_words());
                advise(&counts, unmade, "report.html", &naming(out), &jobs);
            }
            Ok(told(&overview, &counts))
        }
    }
}

/// What a cluster has of the practice whose cuts go to `out`, and the output folder that it was submitted for: the practice may
/// be one of many, whose jobs lie with all of them.
fn handed_out_of(out: &Path) -> (PathBuf, Vec<Handed>) {
    let of_many = || {
        let whole = std::path::absolute(out).ok()?;
        let (above, id) = (whole.parent()?, whole.file_name()?.to_str()?);
        let centre = pipeline::kept_centre(above).ok().flatten()?;
        let is_of_it = centre.sites.iter().any(|site| site.id == id);
        is_of_it.then(|| (above.to_path_buf(), cluster::handed_out(above).remove(id).unwrap_or_default()))
    };
    of_many().unwrap_or_else(|| (out.to_path_buf(), cluster::handed_out(out).remove("").unwrap_or_default()))
}

/// The same of many practices, each under its name.
fn status_of_all(centre: &Centre, json: bool) -> Result<u8, Fault> {
    let (mut all, mut worst, mut unmade) = (Counts::default(), ALL_WELL, false);
    let handed: BTreeMap<String, Vec<Handed>> = cluster::handed_out(&centre.out);
    for site in &centre.sites {
        if !site.out.join(".housecall").is_dir() {
            match json {
                true => print(&Counts { practice: &site.id, ..Counts::default() })?,
                false => say!("{}: no cuts yet", site.id),
            }
            continue;
        }
        let handed = handed.get(&site.id).map_or(&[][..], Vec::as_slice);
        let overview = match pipeline::status_with(&site.out, handed) {
            Ok(overview) => overview,
            // One practice's trouble hides no other.
            Err(fault) => {
                eprintln!("{}: {}. What to do: {}.", site.id, fault.what(), fault.advice());
                if json {
                    print(&Unread { practice: &site.id, fault: fault.what(), advice: fault.advice() })?;
                }
                worst = SOME_FAILED;
                continue;
            }
        };
        let counts = Counts::of(&site.id, &overview.clips);
        if !json {
            say!("{}: {}", site.id, counts.in_words());
        }
        unmade |= list(&site.id, &overview, json)?;
        if json {
            print(&counts)?;
        }
        worst = worse(worst, told(&overview, &counts));
        all.add(&counts);
    }
    // They need nobody, and are of no sum.
    for site in centre.gone() {
        let clips = pipeline::status(&site.out).map(|overview| overview.clips).unwrap_or_default();
        match json {
            true => print(&Counts { gone: Some(why_gone(&site)), ..Counts::of(&site.id, &clips) })?,
            false => say!("{}: {}", site.id, why_gone(&site)),
        }
    }
    all.practices = Some(centre.sites.len());
    if json {
        print(&all)?;
    } else {
        let many = if centre.sites.len() == 1 {
            "1 practice".to_string()
        } else {
            format!("{} practices", centre.sites.len())
        };
        say!("In all {many}: {}", all.in_words());
        let of_one = format!(" --out \"{}/PRACTICE\"", centre.out.display());
        advise(&all, unmade, "its practice's report.html", &of_one, &centre.out);
    }
    Ok(worst)
}

/// Prints a practice's clips; whether one of them is approved and not made.
fn list(practice: &str, overview: &Overview, json: bool) -> Result<bool, Fault> {
    let mut clips: Vec<&ClipStatus> = overview.clips.iter().collect();
    clips.sort_by_key(|clip| clip.state());
    let lines: Vec<Line> = clips.into_iter().map(|clip| Line { practice, ..line(clip) }).collect();
    let indent = if practice.is_empty() { "" } else { "  " };
    for line in &lines {
        match json {
            true => print(line)?,
            false => say!("{indent}{:<28} {}", line.clip, words(line)),
        }
    }
    Ok(lines.iter().any(|line| line.state == State::Approved.name() && !line.why.is_empty()))
}

/// Says what helps; `of_one` is what `approve` has to be told besides, `out` the output folder of all.
fn advise(counts: &Counts, unmade: bool, report: &str, of_one: &str, out: &Path) {
    if counts.held > 0 {
        eprintln!("Look at the clips in {report}, then: housecall approve NAME --by YOU{of_one}");
    }
    if counts.delivered > 0 {
        eprintln!("To put into place what is back from the cluster: housecall gather \"{}\"", out.display());
    }
    if counts.cut_off + counts.missing > 0 || unmade {
        eprintln!("To have the rest made, run `housecall run` again.");
    }
}

/// Says what is not about single clips; the exit code.
fn told(overview: &Overview, counts: &Counts) -> u8 {
    let Overview { record_is_whole, damaged, holder, .. } = overview;
    if let Some(holder) = holder {
        eprintln!("At work now: {}.", holder.in_words());
    }
    if *damaged > 0 {
        let lines = if *damaged == 1 { "1 line".to_string() } else { format!("{damaged} lines") };
        eprintln!("{lines} of the journal torn or damaged; the next run makes anew what is not known to be in place.");
    }
    if !record_is_whole {
        eprintln!("The record of approvals was changed by hand or is damaged: lines are missing or out of order.");
    }
    match (counts.failed + counts.cut_off + counts.missing > 0 || !record_is_whole, counts.held) {
        (true, _) => SOME_FAILED,
        (false, 0) => ALL_WELL,
        (false, _) => SOME_HELD,
    }
}

fn print(line: &impl Serialize) -> Result<(), Fault> {
    let text = serde_json::to_string(line)
        .map_err(|e| Fault::new(format!("the status cannot be printed ({e})"), "report this"))?;
    data!(text);
    Ok(())
}

fn line(clip: &ClipStatus) -> Line<'_> {
    let bare = |why| Line { clip: &clip.name, state: clip.state().name(), why, ..Line::default() };
    match (&clip.now, &clip.report) {
        (Now::Away(Away::Failed { computer, failures }, at), _) => Line {
            at: Some(at),
            advice: failures.first().map(|failure| failure.advice.as_str()),
            computer: Some(computer),
            ..bare(
                failures
                    .iter()
                    .map(|Failure { stage, platforms, what, .. }| while_at(*stage, platforms, what))
                    .collect(),
            )
        },
        (Now::Away(_, at), _) => Line { at: Some(at), ..bare(Vec::new()) },
        (Now::Working(step, at), _) => Line { at: Some(at), ..bare(vec![doing(step)]) },
        (Now::CutOff(step), _) => bare(vec![doing(step)]),
        (Now::Failed(step), report) => failed(clip, step, report.as_ref().map(|(report, _)| report)),
        (_, Some((ClipReport { state: ClipState::Failed { what, advice, .. }, .. }, _))) => {
            Line { advice: Some(advice), ..bare(vec![what.clone()]) }
        }
        (Now::Missing(files), _) => {
            bare(files.iter().map(|file| format!("{} is gone or was changed", file.display())).collect())
        }
        (Now::Rests(_), Some((_, standing @ Standing::Held(_)))) => bare(standing.reasons()),
        (Now::Rests(_), Some((report, _))) if report.has_failure() => {
            let advice = report.cuts.iter().find_map(|cut| match &cut.state {
                CutState::Failed { advice, .. } => Some(advice.as_str()),
                _ => None,
            });
            Line { advice, ..bare(vec!["not every cut could be made".into()]) }
        }
        (Now::Rests(_), Some((report, Standing::Approved(decision)))) => Line {
            by: decision.by.as_deref(),
            at: Some(&decision.at),
            note: decision.note.as_deref(),
            ..bare(report.has_unmade().then(|| UNMADE.to_string()).into_iter().collect())
        },
        (Now::Rests(_), Some((report, Standing::Free))) if report.has_unmade() => {
            bare(vec!["waiting to be rendered".into()])
        }
        (Now::Rests(_), Some((_, Standing::Free))) => bare(Vec::new()),
        // The report is lost; the journal still knows.
        (Now::Rests(Some(Step::Held)), None) => bare(vec!["the next run finds out why".into()]),
        (Now::Rests(Some(step @ Step::Failed { .. })), None) => failed(clip, step, None),
        (Now::Rests(_), None) => bare(Vec::new()),
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
            bare(vec![while_at(*stage, platforms, what)], Some(advice))
        }
        _ => bare(Vec::new(), None),
    }
}

/// What went wrong, and where.
fn while_at(stage: Stage, platforms: &[String], what: &str) -> String {
    let platforms = if platforms.is_empty() { String::new() } else { format!(" for {}", platforms.join(", ")) };
    format!("while {}{platforms}: {what}", stage.doing())
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
            let there = line.computer.map(|computer| format!(" on computer {computer}")).unwrap_or_default();
            format!("failed{there}: {why}{advice}")
        }
        ("cut-off", ..) => format!("was {why} when the run was cut off; run again to go on"),
        ("missing", ..) => format!("was done, but {why}; run again to have it made"),
        ("working", ..) => why,
        ("with-cluster", ..) => "with the cluster".into(),
        ("delivered", ..) => "back from the cluster, waits for `housecall gather`".into(),
        ("approved", Some(by), Some(at)) => {
            let note = line.note.map(|note| format!(" ({note})")).unwrap_or_default();
            let further = if why.is_empty() { String::new() } else { format!("; {why}") };
            format!("approved by {by}, {at}{note}{further}")
        }
        (state, ..) => state.to_string(),
    }
}
