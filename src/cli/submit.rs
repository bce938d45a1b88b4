//! `housecall submit`: what is to be done, as jobs for an engine that hands them out to many computers.

use super::arguments::{Kubernetes, Slurm, SubmitVerb};
use super::centre::{self, Task};
use super::run::Models;
use super::{ALL_WELL, Batch, SOME_FAILED, run};
use crate::centre::Site;
use crate::cluster::{Draft, Job, JobSet, Part, Place, kubernetes, slurm};
use crate::config;
use crate::fault::{Cancel, Fault};
use crate::intake::Digest;
use crate::pipeline::{self, Need, Request, Survey};
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
}

/// A job that somebody has already: whose, of which clip, and what it would make.
type Known = (String, String, Digest);

/// Hands the clips of a folder to an engine.
pub fn submit(what: &SubmitVerb, cancel: &Cancel) -> Result<u8, Fault> {
    match what {
        SubmitVerb::Slurm(asked) => to_slurm(asked, cancel),
        SubmitVerb::Kubernetes(asked) => for_kubernetes(asked, cancel),
    }
}

fn to_slurm(arguments: &Slurm, cancel: &Cancel) -> Result<u8, Fault> {
    let batch = absolute(&arguments.batch)?;
    // A dry run asks nobody, so that it can be tried anywhere.
    let (known, others) = if arguments.dry_run { Default::default() } else { waiting(&batch.out)? };
    let (draft, count) = draft(&batch, &known, cancel)?;
    if draft.count() == 0 {
        draft.discard();
        return Ok(tell_of_nothing(&batch, &count));
    }
    let asked = slurm::Asked {
        partition: arguments.partition.clone(),
        limit: arguments.array_limit.map(usize::from),
        gres: arguments.gres.clone(),
    };
    let mut set = draft.finish()?;
    if arguments.dry_run {
        set.discard();
        tell(&batch, &set, &count, None);
    } else {
        let program = run::program()?;
        let submitted = slurm::submit(&mut set, &asked, &program, &others, cancel)?;
        tell(&batch, &set, &count, Some(&submitted));
        if !batch.json {
            say!("every node has to see {} and the folders above under these names", program.display());
        }
    }
    Ok(if count.failed > 0 { SOME_FAILED } else { ALL_WELL })
}

fn for_kubernetes(arguments: &Kubernetes, cancel: &Cancel) -> Result<u8, Fault> {
    let batch = absolute(&arguments.batch)?;
    // Nobody is asked what waits there.
    let (draft, count) = draft(&batch, &BTreeSet::new(), cancel)?;
    if draft.count() == 0 {
        draft.discard();
        return Ok(tell_of_nothing(&batch, &count));
    }
    let set = draft.finish()?;
    let options = kubernetes::Options {
        image: arguments.image.clone(),
        namespace: arguments.namespace.clone(),
        claims: arguments.claim.clone(),
        parallelism: arguments.parallelism.map(usize::from),
    };
    let manifest = kubernetes::write(&set, &options)?;
    if batch.json {
        data!(serde_json::json!({
            "event": "written", "jobs": set.folder.to_string_lossy(), "manifest": manifest.to_string_lossy(),
            "tasks": set.count, "cores": set.need.cores, "mebibytes": set.need.mebibytes,
            "in_place": count.in_place, "delivered": count.delivered, "failed": count.failed,
            "unsettled": count.unsettled,
        }));
    } else {
        let tasks = if set.count == 1 { "1 pod".to_string() } else { format!("{} pods", set.count) };
        let each = format!("{} cores and {} MiB each", set.need.cores, set.need.mebibytes);
        say!("wrote {tasks}, {each}{}: {}", cared_for(&count), manifest.display());
        say!("to begin, to wait, and to put into place what was made:");
        kubernetes::commands(&manifest, &set, &options).iter().for_each(|command| say!("  {command}"));
    }
    Ok(if count.failed > 0 { SOME_FAILED } else { ALL_WELL })
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
fn waiting(out: &Path) -> Result<(BTreeSet<Known>, BTreeSet<String>), Fault> {
    let (mut known, mut arrays) = (BTreeSet::new(), BTreeSet::new());
    for set in JobSet::all(out) {
        for array in &set.arrays {
            for number in slurm::queued(array)? {
                // One that nobody can read is done by nobody either.
                let Ok(job) = Job::read(&set.folder, number) else { continue };
                known.insert((job.place.id, job.errand.source.name, job.errand.fingerprint));
                arrays.insert(array.id.clone());
            }
        }
    }
    Ok((known, arrays))
}

/// Writes a job for each clip that nobody has done or is to do.
fn draft(batch: &Batch, known: &BTreeSet<Known>, cancel: &Cancel) -> Result<(Draft, Count), Fault> {
    let (sites, strays) = match centre::task(batch)? {
        Task::One(site) => (vec![site], Vec::new()),
        Task::Many { centre, chosen } => (chosen, centre.strays),
    };
    let progress = Progress::new(batch.json, std::io::stderr().is_terminal());
    strays.iter().for_each(|stray| eprintln!("{stray}."));
    let models = Models::default();
    let mut draft = Draft::begin(&batch.out, &batch.platforms, batch.transcript.as_deref())?;
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
    known: &BTreeSet<Known>,
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
    let survey = pipeline::survey(&request, cancel, &|event| progress.tell_of(&site.id, event), &mut |errand| {
        let job = (site.id.clone(), errand.source.name.clone(), errand.fingerprint.clone());
        if known.contains(&job) {
            queued += 1;
            return Ok(());
        }
        draft.add(&place, &request.model, errand)
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

fn tell(batch: &Batch, set: &JobSet, count: &Count, submitted: Option<&slurm::Submitted>) {
    if batch.json {
        let event = if submitted.is_some() { "submitted" } else { "would-submit" };
        data!(serde_json::json!({
            "event": event,
            "jobs": submitted.map(|_| set.folder.to_string_lossy()),
            "tasks": set.count,
            "arrays": submitted.map_or(&[][..], |submitted| &submitted.arrays),
            "last": submitted.map(|submitted| &submitted.last),
            "cores": set.need.cores,
            "mebibytes": set.need.mebibytes,
            "in_place": count.in_place,
            "delivered": count.delivered,
            "queued": count.queued,
            "failed": count.failed,
            "unsettled": count.unsettled,
        }));
        return;
    }
    let tasks = if set.count == 1 { "1 task".to_string() } else { format!("{} tasks", set.count) };
    let each = format!("{} cores and {} MiB each", set.need.cores, set.need.mebibytes);
    let Some(submitted) = submitted else {
        say!("would submit {tasks}, {each}, and one that puts into place what they made{}", cared_for(count));
        return;
    };
    say!("submitted {tasks}, {each}{}", cared_for(count));
    say!("to watch:    squeue -j {},{}", submitted.arrays.join(","), submitted.last);
    say!("how it goes: housecall status --out \"{}\"", batch.out.display());
    say!("logs:        {}", set.logs().display());
}

fn tell_of_nothing(batch: &Batch, count: &Count) -> u8 {
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
    if count.failed > 0 { SOME_FAILED } else { ALL_WELL }
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
