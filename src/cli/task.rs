//! `housecall task`: one job of a set, on whichever computer it was given to. Nobody types this; the engine does.

use super::{ALL_WELL, Batch, SOME_FAILED, run};
use crate::centre::Site;
use crate::cluster::Job;
use crate::fault::{Cancel, Fault};
use crate::pipeline::{self, Request};
use crate::report::Progress;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// How the folders of tasks begin.
const PREFIX: &str = "housecall-task-";

/// A folder of a task that was killed is left for so long.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// Variables in which engines say which job of an array this is, and where there is room on the node.
const INDEXES: [&str; 2] = ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"];
const ROOMS: [&str; 2] = ["SLURM_TMPDIR", "TMPDIR"];

/// Does the job of that number in the folder of a set; none: the one that the engine says.
pub fn task(folder: &Path, index: Option<usize>, scratch: Option<&Path>, cancel: &Cancel) -> Result<u8, Fault> {
    let number = match index {
        Some(number) => number,
        None => INDEXES.iter().find_map(|name| std::env::var(name).ok()?.parse().ok()).ok_or_else(|| {
            let what = format!("nobody says which job of {} is to be done", folder.display());
            Fault::new(what, "name its number, as a job array does in SLURM_ARRAY_TASK_ID")
        })?,
    };
    let job = Job::read(folder, number)?;
    let room = scratch.map(PathBuf::from).or_else(|| ROOMS.iter().find_map(std::env::var_os).map(PathBuf::from));
    let room = room.unwrap_or_else(std::env::temp_dir);
    tidy(&room);
    let began = Instant::now();
    let progress = Progress::new(false, false);
    // A node whose disk takes no folder tells of it like any other failure.
    let private = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&room);
    let prepare = || {
        let private = private.as_ref().map_err(|e| {
            let what = format!("no folder could be made in {} on this computer ({e})", room.display());
            Fault::new(what, "free some space there, or name another folder with --scratch, and submit again")
        })?;
        request(&job, private.path(), cancel, &progress)
    };
    let receipt = pipeline::work(&prepare, job.place.out(), &job.errand, cancel, &|event| progress.tell(event));
    progress.clear();
    let receipt = match receipt {
        Err(Fault::Cancelled) => {
            eprintln!("Stopped; nothing that was delivered is lost.");
            return Ok(SOME_FAILED);
        }
        other => other?,
    };
    let renders = run::plural(receipt.renders.len(), "render");
    let state = if receipt.is_complete() { "delivered" } else { "failed in whole or in part" };
    say!("{}: {state}, {renders}, {:.1} s", receipt.clip, began.elapsed().as_secs_f64());
    Ok(if receipt.is_complete() { ALL_WELL } else { SOME_FAILED })
}

/// What a run of that one clip in a folder of this computer's would be asked.
fn request(job: &Job, private: &Path, cancel: &Cancel, progress: &Progress) -> Result<Request, Fault> {
    if !job.model.path.is_file() {
        let what = format!("the speech model {} is not on this computer", job.model.path.display());
        let advice = "keep models on the shared folder (HOUSECALL_MODELS names it), and submit again";
        return Err(Fault::new(what, advice));
    }
    let arguments = Batch {
        platforms: job.platforms.clone(),
        model: Some(job.model.path.to_string_lossy().into_owned()),
        jobs: Some(1),
        offline: true,
        ..Batch::default()
    };
    let site = Site { out: private.join("cuts"), ..job.place.site() };
    let request = run::request_of(&arguments, &site, cancel, progress)?;
    Ok(Request { model: job.model.clone(), ..request })
}

/// Removes what tasks that were killed left behind long ago.
fn tidy(room: &Path) {
    for entry in fs::read_dir(room).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let age = entry.metadata().and_then(|about| about.modified()).ok();
        let age = age.and_then(|at| SystemTime::now().duration_since(at).ok());
        if ours && age.is_some_and(|age| age > ABANDONED) && !pipeline::is_held(&entry.path().join("cuts")) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
