//! A set that is being put together. Its jobs are written as they are found, so that ten thousand of them are never in
//! memory, and get their numbers at the end, when it is known which is the longest. A rehearsal counts and writes nothing.

use super::job::{Job, Place, flush, sealed};
use super::set::{Brief, INDEX, JobSet, Part, sets};
use crate::fault::{Fault, cannot_write};
use crate::pipeline::{Errand, Need, state_folder};
use crate::speech::ModelFile;
use crate::units::Time;
use std::cmp::Reverse;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A set that is being put together.
#[derive(Debug)]
pub struct Draft {
    out: PathBuf,
    platforms: Vec<String>,
    transcripts: Option<PathBuf>,
    parts: Vec<Part>,
    need: Need,
    /// Work and content of each job, in the order in which they came.
    jobs: Vec<(Time, Brief)>,
    keeping: Keeping,
}

/// What of a draft is on the disk.
#[derive(Debug)]
enum Keeping {
    /// Nothing, and nothing will be.
    Rehearsal,
    /// Its folder is made with the first job: where there is nothing to do nothing is left.
    NotYet,
    /// Job files in this folder, under passing names.
    In(PathBuf),
}

impl Draft {
    /// Begins a set in the output folder of all.
    pub fn begin(out: &Path, platforms: &[String], transcripts: Option<&Path>) -> Self {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        Draft {
            out: absolute(out),
            platforms: platforms.to_vec(),
            transcripts: transcripts.map(absolute),
            parts: Vec::new(),
            need: Need::default(),
            jobs: Vec::new(),
            keeping: Keeping::NotYet,
        }
    }

    /// The same of which nothing is written: it only counts.
    pub fn rehearse(out: &Path, platforms: &[String], transcripts: Option<&Path>) -> Self {
        Draft { keeping: Keeping::Rehearsal, ..Draft::begin(out, platforms, transcripts) }
    }

    /// Adds a clip; `work` is how long it is, as far as that is known.
    ///
    /// # Errors
    /// The disk takes no file.
    pub fn add(&mut self, place: &Place, model: &ModelFile, errand: Errand, work: Time) -> Result<(), Fault> {
        let brief = Brief {
            practice: place.id.clone(),
            clip: errand.source.name.clone(),
            fingerprint: errand.fingerprint.clone(),
        };
        let came = self.jobs.len();
        if let Some(file) = self.folder()?.map(|folder| passing(folder, came)) {
            Job::new(place.clone(), self.platforms.clone(), model.clone(), errand).write(&file)?;
        }
        self.jobs.push((work, brief));
        Ok(())
    }

    /// Says what a practice has in the set, and what its clips need.
    pub fn part(&mut self, part: Part, need: Need) {
        self.need = self.need.max(need);
        self.parts.push(part);
    }

    /// How many jobs there are.
    pub fn count(&self) -> usize {
        self.jobs.len()
    }

    /// What each needs at most.
    pub fn need(&self) -> Need {
        self.need
    }

    /// Makes it a set that others can read, the longest clip first; none of a rehearsal. A fault leaves nothing of it.
    ///
    /// # Errors
    /// The disk takes nothing.
    pub fn finish(mut self) -> Result<Option<JobSet>, Fault> {
        let Some(folder) = self.folder()?.map(Path::to_path_buf) else { return Ok(None) };
        let kept = self.keep(&folder);
        if kept.is_err() {
            self.discard();
        }
        kept.map(Some)
    }

    /// Leaves nothing of it.
    pub fn discard(&self) {
        if let Keeping::In(folder) = &self.keeping {
            drop(fs::remove_dir_all(folder));
        }
    }

    fn keep(&self, folder: &Path) -> Result<JobSet, Fault> {
        let mut briefs = Vec::with_capacity(self.jobs.len());
        for (number, came) in longest_first(&self.jobs).into_iter().enumerate() {
            let file = Job::file(folder, number);
            fs::rename(passing(folder, came), &file).map_err(|e| cannot_write(&file, &e))?;
            briefs.push(&self.jobs[came].1);
        }
        let index = folder.join(INDEX);
        fs::write(&index, sealed(&briefs)?).map_err(|e| cannot_write(&index, &e))?;
        let set = JobSet {
            folder: folder.to_path_buf(),
            out: self.out.clone(),
            at: jiff::Timestamp::now().to_string(),
            count: self.jobs.len(),
            need: self.need,
            platforms: self.platforms.clone(),
            transcripts: self.transcripts.clone(),
            parts: self.parts.clone(),
            arrays: Vec::new(),
            over: false,
        };
        // The jobs first: a set that can be read has all of them.
        flush(folder)?;
        set.save()?;
        Ok(set)
    }

    /// The folder that it is written into, made if it is missing; none of a rehearsal.
    fn folder(&mut self) -> Result<Option<&Path>, Fault> {
        if matches!(self.keeping, Keeping::NotYet) {
            self.keeping = Keeping::In(new_folder(&self.out)?);
        }
        match &self.keeping {
            Keeping::In(folder) => Ok(Some(folder)),
            Keeping::Rehearsal | Keeping::NotYet => Ok(None),
        }
    }
}

/// A folder for a set in the output folder of all, which is made if it is missing.
fn new_folder(out: &Path) -> Result<PathBuf, Fault> {
    state_folder(out)?;
    let above = sets(out);
    fs::create_dir_all(&above).map_err(|e| cannot_write(&above, &e))?;
    let day = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
    let names = (1..).map(|n| if n == 1 { day.clone() } else { format!("{day}-{n}") });
    let mut made = Err(ErrorKind::AlreadyExists.into());
    let mut folder = above.clone();
    for name in names.take(1000) {
        folder = above.join(name);
        made = fs::create_dir(&folder);
        if !made.as_ref().is_err_and(|e| e.kind() == ErrorKind::AlreadyExists) {
            break;
        }
    }
    made.and_then(|()| fs::create_dir(folder.join("logs"))).map_err(|e| cannot_write(&folder, &e))?;
    Ok(folder)
}

/// Where a job lies that came at that place and has no number yet.
fn passing(folder: &Path, came: usize) -> PathBuf {
    folder.join(format!("{came}.new"))
}

/// Places of jobs, the one with the most work first: it is what all wait for in the end. As they came, where they are
/// alike.
fn longest_first(jobs: &[(Time, Brief)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|place| Reverse(jobs[*place].0));
    order
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::intake::Digest;

    fn brief(clip: &str) -> Brief {
        Brief { practice: String::new(), clip: clip.into(), fingerprint: Digest(clip.into()) }
    }

    #[test]
    fn the_longest_clip_gets_the_first_number_and_those_alike_keep_their_order() {
        let jobs = [("a", 2.0), ("b", 60.0), ("c", 2.0), ("d", 0.0), ("e", 61.0)]
            .map(|(clip, seconds)| (Time::from_seconds(seconds), brief(clip)));
        let order: String = longest_first(&jobs).into_iter().map(|place| jobs[place].1.clip.as_str()).collect();
        assert_eq!(order, "ebacd");
    }

    #[test]
    fn a_draft_without_jobs_and_a_rehearsal_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("cuts");
        drop(Draft::begin(&out, &[], None));
        assert_eq!(Draft::rehearse(&out, &[], None).finish().unwrap(), None);
        assert!(!out.exists());
        let set = Draft::begin(&out, &[], None).finish().unwrap().unwrap();
        assert_eq!((JobSet::read(&set.folder).unwrap(), set.briefs()), (set.clone(), Vec::new()));
    }
}
