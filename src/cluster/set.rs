//! What was submitted together: a folder with one job file a clip, and `set.json`, which says what they are and who has
//! them.

use super::job::{Exact, Job, Place, cannot_write, flush, put, unsealed};
use crate::fault::Fault;
use crate::pipeline::{Errand, Need, state_folder};
use crate::speech::ModelFile;
use crate::worker::Hello;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const SET: &str = "set.json";

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
    /// Jobs, which are numbered from 0.
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
    count: usize,
    need: Need,
    platforms: Vec<String>,
    transcripts: Option<Exact>,
    parts: Vec<Part>,
    arrays: Vec<Array>,
    over: bool,
}

/// A set that is being written.
#[derive(Debug)]
pub struct Draft {
    set: JobSet,
}

/// Where sets lie in an output folder.
fn sets(out: &Path) -> PathBuf {
    out.join(".housecall").join("jobs")
}

impl Draft {
    /// Begins a set in the output folder of all, which is made if it is missing.
    ///
    /// # Errors
    /// The disk takes nothing.
    pub fn begin(out: &Path, platforms: &[String], transcripts: Option<&Path>) -> Result<Self, Fault> {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let out = absolute(out);
        state_folder(&out)?;
        let above = sets(&out);
        let made = fs::create_dir_all(&above).map_err(|e| cannot_write(&above, &e));
        made?;
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
        Ok(Draft {
            set: JobSet {
                folder,
                out,
                count: 0,
                need: Need::default(),
                platforms: platforms.to_vec(),
                transcripts: transcripts.map(absolute),
                parts: Vec::new(),
                arrays: Vec::new(),
                over: false,
            },
        })
    }

    /// Adds a clip.
    ///
    /// # Errors
    /// The disk takes no file.
    pub fn add(&mut self, place: &Place, model: &ModelFile, errand: Errand) -> Result<(), Fault> {
        let job = Job::new(place.clone(), self.set.platforms.clone(), model.clone(), errand);
        job.write(&self.set.folder, self.set.count)?;
        self.set.count += 1;
        Ok(())
    }

    /// Says what a practice has in the set, and what its clips need.
    pub fn part(&mut self, part: Part, need: Need) {
        self.set.need = self.set.need.max(need);
        self.set.parts.push(part);
    }

    /// How many jobs there are.
    pub fn count(&self) -> usize {
        self.set.count
    }

    /// Makes it a set that others can read.
    ///
    /// # Errors
    /// The disk takes nothing.
    pub fn finish(self) -> Result<JobSet, Fault> {
        self.set.save()?;
        flush(&self.set.folder)?;
        Ok(self.set)
    }

    /// Leaves nothing of it.
    pub fn discard(self) {
        self.set.discard();
    }
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
        let Stored { out, count, need, platforms, transcripts, parts, arrays, over, .. } = stored;
        let (out, transcripts) = (out.0, transcripts.map(|exact| exact.0));
        Ok(JobSet { folder, out, count, need, platforms, transcripts, parts, arrays, over })
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
        Ok(())
    }

    /// Leaves nothing of it.
    pub fn discard(&self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}
