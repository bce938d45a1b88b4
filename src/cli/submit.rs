//! `housecall submit`: what is to be done, as jobs for an engine that hands them out to many computers.

use super::arguments::{Kubernetes, Slurm, SubmitVerb};
use super::centre::{self, Task};
use super::run::{Models, plural};
use super::{ALL_WELL, Batch, SOME_FAILED, run};
use crate::centre::Site;
use crate::cluster::{Brief, Draft, Job, JobSet, Part, Place, kubernetes, slurm};
use crate::config;
use crate::fault::{Cancel, Fault};
use crate::pipeline::{self, Need, Receipt, Request, Survey};
use crate::report::Progress;
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// What a set would hold, and what of the clips is cared for already.
#[derive(Default)]
struct Count {
    in_place: usize,
    delivered: usize,
    queued: usize,
    failed: usize,
    unsettled: usize,
    /// What tasks said before of clips that are handed out again, by the output folders.
    void: Vec<(PathBuf, Receipt)>,
}

/// Hands the clips of a folder to an engine.
pub fn submit(what: &SubmitVerb, cancel: &Cancel) -> Result<u8, Fault> {
    match what {
        SubmitVerb::Slurm(asked) => to_slurm(asked, cancel),
        SubmitVerb::Kubernetes(asked) => for_kubernetes(asked, cancel),
    }
}

fn to_slurm(arguments: &Slurm, cancel: &Cancel) -> Result<u8, Fault> {
    let batch = absolute(&arguments.batch)?;
    let begin = if arguments.dry_run { Draft::rehearse } else { Draft::begin };
    let (known, others) = match waiting(&batch.out) {
        // A dry run can be tried anywhere, also where nobody can be asked what waits.
        Err(_) if arguments.dry_run => Default::default(),
        waiting => waiting?,
    };
    let (draft, count) = draft(&batch, begin, &known, cancel)?;
    if draft.count() == 0 {
        return nothing(&batch, draft, &count);
    }
    if arguments.dry_run {
        tell(&batch, draft.count(), draft.need(), &count, None);
        return Ok(code(&count));
    }
    let asked = slurm::Asked {
        partition: arguments.partition.clone(),
        limit: arguments.array_limit.map(usize::from),
        gres: arguments.gres.clone(),
    };
    if let Some(mut set) = draft.finish()? {
        let program = run::program()?;
        let submitted = slurm::submit(&mut set, &asked, &program, &others, cancel)?;
        take_back(&count);
        tell(&batch, set.count, set.need, &count, Some((&set, &submitted)));
        if !batch.json {
            say!("every node has to see {} and the folders above under these names", program.display());
        }
    }
    Ok(code(&count))
}

fn for_kubernetes(arguments: &Kubernetes, cancel: &Cancel) -> Result<u8, Fault> {
    let batch = absolute(&arguments.batch)?;
    // Nobody is asked what waits there.
    let (draft, count) = draft(&batch, Draft::begin, &BTreeSet::new(), cancel)?;
    if draft.count() == 0 {
        return nothing(&batch, draft, &count);
    }
    let Some(set) = draft.finish()? else { return Ok(code(&count)) };
    let options = kubernetes::Options {
        image: arguments.image.clone(),
        namespace: arguments.namespace.clone(),
        claims: arguments.claim.clone(),
        parallelism: arguments.parallelism.map(usize::from),
    };
    let manifest = kubernetes::write(&set, &options)?;
    take_back(&count);
    if batch.json {
        data!(serde_json::json!({
            "event": "written", "jobs": set.folder.to_string_lossy(), "manifest": manifest.to_string_lossy(),
            "tasks": set.count, "cores": set.need.cores, "mebibytes": set.need.mebibytes,
            "in_place": count.in_place, "delivered": count.delivered, "failed": count.failed,
            "unsettled": count.unsettled,
        }));
    } else {
        let (pods, each) = (plural(set.count, "pod"), each(set.need));
        say!("wrote {pods}, {each}{}: {}", cared_for(&count), manifest.display());
        say!("to begin, to wait, and to put into place what was made:");
        kubernetes::commands(&manifest, &set, &options).iter().for_each(|command| say!("  {command}"));
    }
    Ok(code(&count))
}

/// Takes back what is void once clips are handed out again, and not before: until then it is all that is known of them.
fn take_back(count: &Count) {
    count.void.iter().for_each(|(out, receipt)| pipeline::take_back(out, receipt));
}

fn code(count: &Count) -> u8 {
    if count.failed > 0 { SOME_FAILED } else { ALL_WELL }
}

/// The arguments with paths that mean the same on every computer.
fn absolute(batch: &Batch) -> Result<Batch, Fault> {
    if batch.jobs.is_some() || batch.wait || batch.trace.is_some() {
        let what = "--jobs, --wait and --trace are about work on this computer, and submit does none";
        return Err(Fault::new(what, "leave them away"));
    }
    let whole = |path: &Path| {
        std::path::absolute(path)
            .map_err(|e| Fault::new(format!("{} is no path ({e})", path.display()), "name it by its whole path"))
    };
    let of = |path: &Option<PathBuf>| path.as_deref().map(whole).transpose();
    Ok(Batch {
        inbox: whole(&batch.inbox)?,
        out: whole(&batch.out)?,
        practice: of(&batch.practice)?,
        transcript: of(&batch.transcript)?,
        ..batch.clone()
    })
}

/// What of earlier sets waits or runs, and the numbers of the arrays that it is in.
fn waiting(out: &Path) -> Result<(BTreeSet<Brief>, BTreeSet<String>), Fault> {
    let (mut known, mut arrays) = (BTreeSet::new(), BTreeSet::new());
    for set in JobSet::all(out) {
        let briefs = set.briefs();
        for array in &set.arrays {
            for number in slurm::queued(array)? {
                // One that is not there is done by nobody either.
                let Some(brief) = briefs.get(number).filter(|_| Job::file(&set.folder, number).is_file()) else {
                    continue;
                };
                known.insert(brief.clone());
                arrays.insert(array.id.clone());
            }
        }
    }
    Ok((known, arrays))
}

/// A draft of a set, as the output folder, the platforms and the transcripts say.
type Begin = fn(&Path, &[String], Option<&Path>) -> Draft;

/// Drafts a job for each clip that nobody has done or is to do.
fn draft(batch: &Batch, begin: Begin, known: &BTreeSet<Brief>, cancel: &Cancel) -> Result<(Draft, Count), Fault> {
    let (sites, strays) = match centre::task(batch)? {
        Task::One(site) => (vec![site], Vec::new()),
        Task::Many { centre, chosen } => (chosen, centre.strays),
    };
    let progress = Progress::new(batch.json, std::io::stderr().is_terminal());
    strays.iter().for_each(|stray| eprintln!("{stray}."));
    let models = Models::default();
    let mut draft = begin(&batch.out, &batch.platforms, batch.transcript.as_deref());
    let mut count = Count::default();
    for site in &sites {
        let request = |site: &Site| run::request_with(batch, site, &models, cancel, &progress);
        let added = add(request, site, known, &mut draft, &mut count, &progress, cancel);
        progress.clear();
        match added {
            Ok(()) => {}
            // One practice's mistake must not keep the others from being made.
            Err(fault) if !fault.is_cancelled() && !site.id.is_empty() => {
                eprintln!("{}: {}. What to do: {}.", site.id, fault.what(), fault.advice());
                count.failed += 1;
            }
            Err(fault) => {
                draft.discard();
                return Err(fault);
            }
        }
    }
    Ok((draft, count))
}

fn add(
    request: impl Fn(&Site) -> Result<Request, Fault>,
    site: &Site,
    known: &BTreeSet<Brief>,
    draft: &mut Draft,
    count: &mut Count,
    progress: &Progress,
    cancel: &Cancel,
) -> Result<(), Fault> {
    let settings = config::find_practice(site.settings.as_deref(), &site.inbox)?;
    let place = Place::of(site, &settings);
    let request = request(&place.site())?;
    let need = Need::of(&request.practice, request.model.path.metadata().map_or(0, |about| about.len()));
    let mut queued = 0;
    let survey =
        pipeline::survey(&request, cancel, &|event| progress.tell_of(&site.id, event), &mut |errand, length| {
            let (practice, clip) = (site.id.clone(), errand.source.name.clone());
            if known.contains(&Brief { practice, clip, fingerprint: errand.fingerprint.clone() }) {
                queued += 1;
                return Ok(());
            }
            let said = pipeline::receipt(place.out(), &errand.source.name);
            let void = said.filter(|receipt| receipt.fingerprint == errand.fingerprint);
            count.void.extend(void.map(|receipt| (place.out().to_path_buf(), receipt)));
            draft.add(&place, &request.model, errand, length)
        })?;
    let Survey { clips, in_place, delivered, failed, unsettled } = survey;
    draft.part(Part { place, model: request.model, clips }, need);
    count.queued += queued;
    count.in_place += in_place;
    count.delivered += delivered;
    count.failed += failed.len();
    count.unsettled += unsettled.len();
    Ok(())
}

/// Tells of what was submitted, or would be.
fn tell(batch: &Batch, tasks: usize, need: Need, count: &Count, submitted: Option<(&JobSet, &slurm::Submitted)>) {
    let arrays = match submitted {
        Some((set, _)) => set.arrays.iter().map(|array| array.count).collect(),
        None => slurm::arrays(tasks),
    };
    if batch.json {
        data!(serde_json::json!({
            "event": if submitted.is_some() { "submitted" } else { "would-submit" },
            "jobs": submitted.map(|(set, _)| set.folder.to_string_lossy()),
            "tasks": tasks,
            "arrays": submitted.map_or(&[][..], |(_, submitted)| &submitted.arrays),
            "array_tasks": arrays,
            "last": submitted.map(|(_, submitted)| &submitted.last),
            "cores": need.cores,
            "mebibytes": need.mebibytes,
            "in_place": count.in_place,
            "delivered": count.delivered,
            "queued": count.queued,
            "failed": count.failed,
            "unsettled": count.unsettled,
        }));
        return;
    }
    let (tasks, each) = (plural(tasks, "task"), each(need));
    let arrays = if arrays.len() == 1 { String::new() } else { format!(" in {} arrays", arrays.len()) };
    let Some((set, submitted)) = submitted else {
        say!(
            "would submit {tasks}{arrays}, {each}, and a last one that puts into place what is made{}",
            cared_for(count)
        );
        return;
    };
    say!("submitted {tasks}{arrays}, {each}{}", cared_for(count));
    say!("to watch:    squeue -j {},{}", submitted.arrays.join(","), submitted.last);
    say!("how it goes: housecall status --out \"{}\"", batch.out.display());
    say!("logs:        {}", set.logs().display());
}

/// Tells that there is nothing to submit; the exit code.
///
/// # Errors
/// The disk takes nothing.
fn nothing(batch: &Batch, draft: Draft, count: &Count) -> Result<u8, Fault> {
    // What lies there of jobs that nobody knows any more can be gathered when somebody does.
    if count.delivered > 0 && JobSet::all(&batch.out).iter().all(|set| set.over) {
        draft.finish()?;
    }
    if batch.json {
        data!(serde_json::json!({
            "event": "submitted", "jobs": null, "tasks": 0, "arrays": [], "last": null,
            "in_place": count.in_place, "delivered": count.delivered, "queued": count.queued,
            "failed": count.failed, "unsettled": count.unsettled,
        }));
    } else {
        say!("nothing to submit{}", cared_for(count));
        if count.delivered > 0 {
            say!("to put into place what was delivered: housecall gather \"{}\"", batch.out.display());
        }
    }
    Ok(code(count))
}

/// What each task asks for.
fn each(need: Need) -> String {
    format!("{} and {} MiB each", plural(need.cores, "core"), need.mebibytes)
}

/// What is not submitted, and why.
fn cared_for(count: &Count) -> String {
    let parts = [
        (count.in_place, "in place"),
        (count.delivered, "delivered"),
        (count.queued, "in the queue already"),
        (count.unsettled, "still being copied"),
        (count.failed, "failed"),
    ];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if parts.is_empty() { String::new() } else { format!("; {}", parts.join(", ")) }
}
