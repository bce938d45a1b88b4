//! Slurm's commands: `sbatch` takes a set as job arrays and a last job, `squeue` says what of them is not over, `scontrol`
//! how large an array may be.

use super::set::{Array, JobSet};
use crate::fault::{Cancel, Fault, cannot_write};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

/// `MaxArraySize` where Slurm's own configuration says nothing: indexes are below it.
const MOST_IN_ARRAY: usize = 1001;

/// What of the cluster is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Which partition; none: Slurm's default.
    pub partition: Option<String>,
    /// Most tasks that run at once.
    pub limit: Option<usize>,
    /// Generic resources for each task, such as `gpu:1`.
    pub gres: Option<String>,
}

/// What was submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// Numbers of the arrays.
    pub arrays: Vec<String>,
    /// Number of the last job.
    pub last: String,
}

/// Submits a set, whose tasks are done by `program`; its last job also waits for the arrays `others`, which have what was
/// not submitted again. A fault leaves nothing submitted and nothing of the set.
///
/// # Errors
/// Slurm is not there or refuses; the disk takes nothing; [`Fault::Cancelled`].
pub fn submit(
    set: &mut JobSet,
    asked: &Asked,
    program: &Path,
    others: &BTreeSet<String>,
    cancel: &Cancel,
) -> Result<Submitted, Fault> {
    let done = submit_all(set, asked, program, others, cancel);
    if done.is_err() {
        for array in &set.arrays {
            // Of a job that is gone Slurm says so, and there is nothing more to do about it.
            drop(command("scancel").arg(&array.id).output());
        }
        set.discard();
    }
    done
}

fn submit_all(
    set: &mut JobSet,
    asked: &Asked,
    program: &Path,
    others: &BTreeSet<String>,
    cancel: &Cancel,
) -> Result<Submitted, Fault> {
    let (task, last) = (set.folder.join("task.sh"), set.folder.join("last.sh"));
    write(&task, &task_script(program, &set.folder))?;
    write(&last, &last_script(program, &set.out, &set.folder))?;
    let pieces = pieces(set.count, most_in_array());
    for (first, count) in pieces {
        cancel.check()?;
        // With a limit, one array after the other: the limit of each is its own.
        let before = asked.limit.and(set.arrays.last()).map(|array| array.id.clone());
        let id = sbatch(array_arguments(set, asked, count, before.as_deref()), &task, &[first.to_string().into()])?;
        set.arrays.push(Array { id, first, count });
        set.save()?;
    }
    cancel.check()?;
    let arrays: Vec<String> = set.arrays.iter().map(|array| array.id.clone()).collect();
    let before: Vec<&String> = arrays.iter().chain(others).collect();
    let last = sbatch(last_arguments(set, asked, &before), &last, &[])?;
    Ok(Submitted { arrays, last })
}

/// Numbers of the jobs of an array that wait or run.
///
/// # Errors
/// Slurm is not there or does not answer.
pub fn queued(array: &Array) -> Result<BTreeSet<usize>, Fault> {
    let mut squeue = command("squeue");
    squeue.args(["-h", "-r", "-j", &array.id, "-o", "%K"]);
    let done = squeue.output().map_err(|e| missing("squeue", &e))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        // It forgets jobs minutes after they are over.
        if said.contains("Invalid job id") {
            return Ok(BTreeSet::new());
        }
        return Err(refused("squeue", &said));
    }
    let said = String::from_utf8_lossy(&done.stdout);
    let indexes = said.lines().filter_map(|line| line.trim().parse::<usize>().ok());
    Ok(indexes.filter(|index| *index < array.count).map(|index| array.first + index).collect())
}

/// How many jobs each array would have in which so many are submitted here.
pub fn arrays(count: usize) -> Vec<usize> {
    pieces(count, most_in_array()).into_iter().map(|(_, count)| count).collect()
}

/// How many jobs an array may have.
fn most_in_array() -> usize {
    let said = command("scontrol").args(["show", "config"]).output().map(|done| done.stdout).unwrap_or_default();
    array_size(&String::from_utf8_lossy(&said)).unwrap_or(MOST_IN_ARRAY).max(1)
}

fn array_size(config: &str) -> Option<usize> {
    let line = config.lines().find_map(|line| line.trim().strip_prefix("MaxArraySize"))?;
    line.trim_start().strip_prefix('=')?.trim().parse().ok()
}

/// The first job and the number of jobs of each array.
fn pieces(count: usize, most: usize) -> Vec<(usize, usize)> {
    (0..count).step_by(most).map(|first| (first, most.min(count - first))).collect()
}

fn array_arguments(set: &JobSet, asked: &Asked, count: usize, before: Option<&str>) -> Vec<OsString> {
    let limit = asked.limit.map(|limit| format!("%{limit}")).unwrap_or_default();
    let mut arguments = common(set, asked, "logs/%A_%a.log");
    arguments.push(format!("--array=0-{}{limit}", count - 1).into());
    // A task that was requeued adds to its log.
    arguments.extend(["--requeue", "--open-mode=append"].map(OsString::from));
    arguments.push(format!("--cpus-per-task={}", set.need.cores).into());
    arguments.push(format!("--mem={}M", set.need.mebibytes).into());
    arguments.extend(asked.gres.as_ref().map(|gres| format!("--gres={gres}").into()));
    arguments.extend(before.map(|id| format!("--dependency=afterany:{id}").into()));
    arguments
}

/// The last job renders nothing; what it checks again takes a decoder at most.
fn last_arguments(set: &JobSet, asked: &Asked, before: &[&String]) -> Vec<OsString> {
    let mut arguments = common(set, asked, "logs/last_%j.log");
    arguments.extend(["--requeue", "--open-mode=append"].map(OsString::from));
    arguments.push(format!("--cpus-per-task={}", set.need.cores.min(2)).into());
    arguments.push(format!("--mem={}M", set.need.mebibytes).into());
    let before: String = before.iter().map(|id| format!(":{id}")).collect();
    arguments.push(format!("--dependency=afterany{before}").into());
    arguments
}

fn common(set: &JobSet, asked: &Asked, log: &str) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["--parsable".into(), "--job-name=housecall".into()];
    // Logs are named from there: Slurm takes % in a path for its own.
    arguments.push(with("--chdir=", set.folder.as_os_str()));
    arguments.push(format!("--output={log}").into());
    arguments.extend(asked.partition.as_ref().map(|partition| format!("--partition={partition}").into()));
    arguments
}

fn with(name: &str, value: &OsStr) -> OsString {
    let mut argument = OsString::from(name);
    argument.push(value);
    argument
}

/// Submits a script; its number.
fn sbatch(arguments: Vec<OsString>, script: &Path, further: &[OsString]) -> Result<String, Fault> {
    let done = command("sbatch").args(arguments).arg(script).args(further).output();
    let done = done.map_err(|e| missing("sbatch", &e))?;
    if !done.status.success() {
        return Err(refused("sbatch", &String::from_utf8_lossy(&done.stderr)));
    }
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    // With several clusters their name follows.
    let id = said.trim().lines().next_back().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(id.to_string()),
        false => Err(refused("sbatch", &format!("instead of a job's number it said {said:?}"))),
    }
}

/// One of Slurm's commands. What people put into the environment for their own use of it does not change what is asked for.
fn command(name: &str) -> Command {
    let mut command = Command::new(name);
    for variable in ["SBATCH_ARRAY_INX", "SBATCH_NO_REQUEUE", "SQUEUE_FORMAT", "SQUEUE_STATES", "SQUEUE_PARTITION"] {
        command.env_remove(variable);
    }
    command
}

fn missing(name: &str, e: &std::io::Error) -> Fault {
    match e.kind() {
        ErrorKind::NotFound => Fault::new(
            format!("Slurm's command {name} is not on this computer"),
            "run this where jobs are submitted from (Debian's package is slurm-client), or see with --dry-run what it would do",
        ),
        _ => Fault::new(format!("{name} could not be started ({e})"), "try again"),
    }
}

fn refused(name: &str, said: &str) -> Fault {
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = said.trim_end_matches('.');
    Fault::new(
        format!("{name} refused: {said}"),
        "correct what it says, or ask whoever runs the cluster, and submit again",
    )
}

/// What a task of an array runs; its argument is the number of the array's first job.
fn task_script(program: &Path, folder: &Path) -> OsString {
    let mut script = OsString::from("#!/bin/sh\nexec ");
    script.push(quoted(program));
    script.push(" task ");
    script.push(quoted(folder));
    script.push(" \"$((SLURM_ARRAY_TASK_ID + $1))\"\n");
    script
}

fn last_script(program: &Path, out: &Path, folder: &Path) -> OsString {
    let mut script = OsString::from("#!/bin/sh\nexec ");
    script.push(quoted(program));
    script.push(" gather ");
    script.push(quoted(out));
    script.push(" --wait --jobs ");
    script.push(quoted(folder));
    script.push("\n");
    script
}

/// A path as one word of a shell, whatever is in it.
#[cfg(unix)]
fn quoted(path: &Path) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let quote = |byte: &u8| if *byte == b'\'' { b"'\\''".to_vec() } else { vec![*byte] };
    let inside: Vec<u8> = path.as_os_str().as_bytes().iter().flat_map(quote).collect();
    OsString::from_vec([b"'", &inside[..], b"'"].concat())
}

/// Nobody submits from a computer without such a shell.
#[cfg(not(unix))]
fn quoted(path: &Path) -> OsString {
    path.as_os_str().to_os_string()
}

fn write(file: &Path, script: &OsStr) -> Result<(), Fault> {
    fs::write(file, script.as_encoded_bytes()).map_err(|e| cannot_write(file, &e))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn arrays_are_as_large_as_slurm_takes_them_and_hold_every_job_once() {
        assert_eq!(pieces(0, 1001), []);
        assert_eq!(pieces(1001, 1001), [(0, 1001)]);
        assert_eq!(pieces(2500, 1001), [(0, 1001), (1001, 1001), (2002, 498)]);
        assert_eq!(array_size("A = 1\nMaxArraySize            = 4001\nB = 2"), Some(4001));
        assert_eq!(array_size("MaxArraySizes = 1"), None);
    }

    #[test]
    fn a_shell_reads_a_path_as_it_is() {
        for path in ["/a b/c", "/it's \"here\"", "/$HOME/`x`\\", "/a\nb", "/'"] {
            let mut script = OsString::from("printf %s ");
            script.push(quoted(Path::new(path)));
            let said = Command::new("sh").arg("-c").arg(script).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), path);
        }
    }
}
