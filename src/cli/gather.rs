//! `housecall gather`: puts into place what tasks delivered, and says what is missing.

use super::run::worse;
use super::{ALL_WELL, Batch, SOME_FAILED, SOME_HELD, run};
use crate::cluster::{JobSet, Part, slurm};
use crate::fault::{Cancel, Fault};
use crate::pipeline::{self, Event, Outcome, Request};
use crate::report::Progress;
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// One practice with everything that was submitted of it.
struct Due {
    part: Part,
    platforms: Vec<String>,
    transcripts: Option<PathBuf>,
    clips: BTreeSet<String>,
    /// Of these, those that the engine still has.
    away: BTreeSet<String>,
}

/// Gathers what was submitted into an output folder: of one set, or of all that are not over.
pub fn gather(out: &Path, jobs: Option<&Path>, wait: bool, json: bool, cancel: &Cancel) -> Result<u8, Fault> {
    let sets = match jobs {
        Some(folder) => vec![JobSet::read(folder)?],
        None => JobSet::all(&std::path::absolute(out).unwrap_or_else(|_| out.to_path_buf())),
    };
    if sets.is_empty() {
        let what = format!("nothing was submitted whose cuts go to {}, or all of it is in place", out.display());
        return Err(Fault::new(what, "submit with `housecall submit`, or name the folder of the jobs with --jobs"));
    }
    let mut code = ALL_WELL;
    for sets in alike(sets) {
        code = worse(code, gather_alike(sets, wait, json, cancel)?);
        if cancel.is_cancelled() {
            return Ok(SOME_FAILED);
        }
    }
    Ok(code)
}

/// Sets that ask for the same platforms and give the same transcripts, together; what was asked for last comes last, as if
/// each had been a run of its own.
fn alike(sets: Vec<JobSet>) -> Vec<Vec<JobSet>> {
    let mut all: Vec<Vec<JobSet>> = Vec::new();
    for set in sets {
        let asks = |other: &JobSet| other.platforms == set.platforms && other.transcripts == set.transcripts;
        let mut group = match all.iter().position(|group| group.first().is_some_and(asks)) {
            Some(there) => all.remove(there),
            None => Vec::new(),
        };
        group.push(set);
        all.push(group);
    }
    all
}

fn gather_alike(sets: Vec<JobSet>, wait: bool, json: bool, cancel: &Cancel) -> Result<u8, Fault> {
    let mut code = ALL_WELL;
    let mut due = due(&sets);
    mark_away(&mut due, &sets);
    let many = due.len() > 1 || due.keys().any(|id| !id.is_empty());
    for (id, due) in &due {
        if many && !json {
            say!("{id}:");
        }
        let one = gather_one(due, wait, json, cancel).unwrap_or_else(|fault| {
            eprintln!("{}: {}.", due.part.place.out().display(), fault.what());
            eprintln!("What to do: {}.", fault.advice());
            SOME_FAILED
        });
        code = worse(code, one);
        if cancel.is_cancelled() {
            return Ok(SOME_FAILED);
        }
    }
    let mut unwritten = ALL_WELL;
    if let Some(centre) = pipeline::kept_centre(&sets[0].out)? {
        match pipeline::overview(&centre) {
            Ok(overview) if !json => say!("overview: {}", overview.display()),
            Ok(_) => {}
            // The cuts are in place all the same.
            Err(fault) => {
                eprintln!("{}. What to do: {}.", fault.what(), fault.advice());
                unwritten = SOME_FAILED;
            }
        }
    }
    if code != SOME_FAILED {
        let earlier =
            JobSet::all(&sets[0].out).into_iter().filter(|set| sets.iter().any(|own| own.is_about_all_of(set)));
        let mut over: Vec<JobSet> = earlier.collect();
        over.extend(sets);
        over.iter_mut().try_for_each(JobSet::end)?;
    }
    Ok(worse(code, unwritten))
}

/// By practice; where several sets have something of one, as the last of them has it.
fn due(sets: &[JobSet]) -> BTreeMap<String, Due> {
    let mut all: BTreeMap<String, Due> = BTreeMap::new();
    for set in sets {
        for part in &set.parts {
            let mut clips: BTreeSet<String> = part.clips.iter().cloned().collect();
            let before = all.remove(&part.place.id);
            clips.extend(before.into_iter().flat_map(|due| due.clips));
            let (platforms, transcripts) = (set.platforms.clone(), set.transcripts.clone());
            let due = Due { part: part.clone(), platforms, transcripts, clips, away: BTreeSet::new() };
            all.insert(part.place.id.clone(), due);
        }
    }
    all
}

/// Marks clips that the engine still has, and that said nothing yet. Who asks on a computer without Slurm's commands hears
/// of none.
fn mark_away(due: &mut BTreeMap<String, Due>, sets: &[JobSet]) {
    // What another set has that is not over is as little to be missed.
    let mut all = JobSet::all(&sets[0].out);
    all.retain(|set| sets.iter().all(|own| own.folder != set.folder));
    for set in all.iter().chain(sets).filter(|set| !set.over) {
        let queued: Vec<usize> = set.arrays.iter().filter_map(|array| slurm::queued(array).ok()).flatten().collect();
        if queued.is_empty() {
            continue;
        }
        let (briefs, outs) = (set.briefs(), outs(set));
        for brief in queued.into_iter().filter_map(|number| briefs.get(number)) {
            let asked_for = |due: &&mut Due| due.platforms == set.platforms && due.transcripts == set.transcripts;
            let Some(due) = due.get_mut(&brief.practice).filter(asked_for) else { continue };
            let receipt = outs.get(brief.practice.as_str()).and_then(|out| pipeline::receipt(out, &brief.clip));
            // A task that is through stays in the queue for a moment.
            if receipt.is_none_or(|receipt| receipt.fingerprint != brief.fingerprint) {
                due.away.insert(brief.clip.clone());
            }
        }
    }
}

/// The practices' output folders.
fn outs(set: &JobSet) -> BTreeMap<&str, &Path> {
    set.parts.iter().map(|part| (part.place.id.as_str(), part.place.out())).collect()
}

fn gather_one(due: &Due, wait: bool, json: bool, cancel: &Cancel) -> Result<u8, Fault> {
    let progress = Progress::new(json, std::io::stderr().is_terminal());
    let arguments = Batch {
        platforms: due.platforms.clone(),
        transcript: due.transcripts.clone(),
        model: Some(due.part.model.path.to_string_lossy().into_owned()),
        offline: true,
        wait,
        ..Batch::default()
    };
    let request = run::request_of(&arguments, &due.part.place.site(), cancel, &progress)?;
    let request = Request { model: due.part.model.clone(), ..request };
    let tell = |event: Event| progress.tell_of(&due.part.place.id, event);
    let outcome = pipeline::gather(&request, due.clips.clone(), due.away.clone(), cancel, &tell);
    if !due.away.is_empty() {
        let (clips, they) = if due.away.len() == 1 { ("clip is", "it is") } else { ("clips are", "they are") };
        let text = format!("{} {clips} still with the cluster; gather again when {they} back.", due.away.len());
        tell(Event::Note { clip: None, text });
    }
    progress.clear();
    let outcome = outcome?;
    if !json {
        run::summarise(&request, &outcome);
    }
    if let Some(fault) = &outcome.unreported {
        eprintln!("{}. What to do: {}.", fault.what(), fault.advice());
    }
    Ok(if due.away.is_empty() { code(&outcome) } else { SOME_FAILED })
}

fn code(outcome: &Outcome) -> u8 {
    let incomplete = outcome.has_failure() || outcome.stopped || outcome.unreported.is_some();
    match (incomplete, outcome.held()) {
        (true, _) => SOME_FAILED,
        (false, 0) => ALL_WELL,
        (false, _) => SOME_HELD,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cluster::Draft;

    #[test]
    fn what_was_asked_for_alike_is_gathered_together_and_the_last_last() {
        let out = tempfile::tempdir().unwrap();
        let set = |platforms: &[&str]| {
            let platforms: Vec<String> = platforms.iter().map(|id| id.to_string()).collect();
            Draft::begin(out.path(), &platforms, None).finish().unwrap().unwrap()
        };
        let (first, second, third) = (set(&["tiktok"]), set(&[]), set(&["tiktok"]));
        let groups = alike(vec![first.clone(), second.clone(), third.clone()]);
        assert_eq!(groups, [vec![second], vec![first, third]]);
    }
}
