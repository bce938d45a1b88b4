//! What was submitted together: a folder with one job file a clip, `index.json`, which says whose they are, and `set.json`,
//! which says what they are for and who has them.

use super::job::{Exact, Job, Place, put, unsealed};
use crate::fault::Fault;
use crate::intake::Digest;
use crate::pipeline::Need;
use crate::speech::ModelFile;
use crate::worker::Hello;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

const SET: &str = "set.json";
pub(super) const INDEX: &str = "index.json";

/// One practice's part in a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Whose it is.
    pub place: Place,
    /// The speech model.
    pub model: ModelFile,
    /// Names of the outputs of all its clips, also of those that were in place.
    pub clips: Vec<String>,
}

/// What a job is about, told without its file: ten thousand of those are read in a minute, and their index at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Brief {
    /// Name of the practice's folder in the root; empty where there is no root.
    pub practice: String,
    /// Name of the clip's outputs.
    pub clip: String,
    /// What decides its outputs.
    pub fingerprint: Digest,
}

/// Jobs that were given to the engine under one number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Array {
    /// The engine's number for it.
    pub id: String,
    /// Number of its first job.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// Jobs that were submitted together.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSet {
    /// Folder of the job files, by an absolute path.
    pub folder: PathBuf,
    /// Output folder of all.
    pub out: PathBuf,
    /// When it was put together: UTC, RFC 3339.
    pub at: String,
    /// Jobs, which are numbered from 0, the longest clip first.
    pub count: usize,
    /// What each needs at most.
    pub need: Need,
    /// Platforms that were chosen; none: the practices'.
    pub platforms: Vec<String>,
    /// Transcripts that were given.
    pub transcripts: Option<PathBuf>,
    /// One a practice.
    pub parts: Vec<Part>,
    /// What the engine was given.
    pub arrays: Vec<Array>,
    /// Whether all of it is in place.
    pub over: bool,
}

/// As it is written down.
#[derive(Serialize, Deserialize)]
struct Stored {
    made_by: Hello,
    out: Exact,
    at: String,
    count: usize,
    need: Need,
    platforms: Vec<String>,
    transcripts: Option<Exact>,
    parts: Vec<Part>,
    arrays: Vec<Array>,
    over: bool,
}

/// Where sets lie in an output folder.
pub(super) fn sets(out: &Path) -> PathBuf {
    out.join(".housecall").join("jobs")
}

impl JobSet {
    /// The set in that folder.
    ///
    /// # Errors
    /// There is none, it is damaged, or of another version of Housecall.
    pub fn read(folder: &Path) -> Result<Self, Fault> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        let advice = "name the folder that `housecall submit` told of";
        let text = fs::read_to_string(folder.join(SET))
            .map_err(|e| Fault::new(format!("there are no jobs in {} ({e})", folder.display()), advice))?;
        let stored: Option<Stored> = unsealed(&text);
        let Some(stored) = stored.filter(|stored| stored.made_by == Hello::ours()) else {
            let what = format!("the jobs in {} are damaged, or of another version of Housecall", folder.display());
            return Err(Fault::new(what, "submit again"));
        };
        let Stored { out, at, count, need, platforms, transcripts, parts, arrays, over, .. } = stored;
        let (out, transcripts) = (out.0, transcripts.map(|exact| exact.0));
        Ok(JobSet { folder, out, at, count, need, platforms, transcripts, parts, arrays, over })
    }

    /// All sets of an output folder that are not over, the oldest first; where all are, the last one. One that cannot be
    /// read, such as one that is just being written, is left out.
    pub fn all(out: &Path) -> Vec<JobSet> {
        let folders = fs::read_dir(sets(out)).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut found: Vec<JobSet> = folders.filter_map(|folder| JobSet::read(&folder).ok()).collect();
        found.sort_by(|a, b| a.folder.cmp(&b.folder));
        let last = found.last().cloned();
        found.retain(|set| !set.over);
        if found.is_empty() { last.into_iter().collect() } else { found }
    }

    /// Writes down what is known of it.
    ///
    /// # Errors
    /// The disk takes no file.
    pub fn save(&self) -> Result<(), Fault> {
        let exact = |path: &PathBuf| Exact(path.clone());
        let stored = Stored {
            made_by: Hello::ours(),
            out: exact(&self.out),
            at: self.at.clone(),
            count: self.count,
            need: self.need,
            platforms: self.platforms.clone(),
            transcripts: self.transcripts.as_ref().map(exact),
            parts: self.parts.clone(),
            arrays: self.arrays.clone(),
            over: self.over,
        };
        put(&self.folder.join(SET), &stored)
    }

    /// What its jobs are about, by their numbers; nothing where the set is over or its folder is damaged.
    pub fn briefs(&self) -> Vec<Brief> {
        let text = fs::read_to_string(self.folder.join(INDEX)).ok();
        let briefs: Option<Vec<Brief>> = text.and_then(|text| unsealed(&text));
        briefs.filter(|briefs| briefs.len() == self.count).unwrap_or_default()
    }

    /// Where the logs of its tasks lie.
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// Whether all that an earlier set is about is in place when all that this one is about is.
    pub fn is_about_all_of(&self, earlier: &JobSet) -> bool {
        let asks = |set: &JobSet| (set.platforms.clone(), set.transcripts.clone());
        let same = |part: &Part| self.parts.iter().any(|own| own.place == part.place && own.model == part.model);
        earlier.folder <= self.folder && asks(earlier) == asks(self) && earlier.parts.iter().all(same)
    }

    /// Says that all of it is in place. Its jobs, which hold what is known of clips, go; its logs stay.
    ///
    /// # Errors
    /// The disk takes no file.
    pub fn end(&mut self) -> Result<(), Fault> {
        self.over = true;
        self.save()?;
        (0..self.count).for_each(|number| drop(fs::remove_file(Job::file(&self.folder, number))));
        drop(fs::remove_file(self.folder.join(INDEX)));
        Ok(())
    }

    /// Leaves nothing of it.
    pub fn discard(&self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}
