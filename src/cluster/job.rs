//! One clip to be made somewhere: a file that is written once and holds all that decides what is made.

use crate::centre::Site;
use crate::fault::{Fault, cannot_write};
use crate::pipeline::{Errand, write_whole};
use crate::speech::ModelFile;
use crate::worker::Hello;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// A path in JSON, whatever bytes it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exact(#[serde(with = "crate::exact_path")] pub PathBuf);

/// Where a practice's clips lie and where its cuts go, by absolute paths that are the same on every computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Name of its folder in the root; empty where there is no root.
    pub id: String,
    inbox: Exact,
    out: Exact,
    settings: Option<Exact>,
    defaults: Option<Exact>,
}

/// A clip and where it belongs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    made_by: Hello,
    /// Whose it is.
    pub place: Place,
    /// Platforms that were chosen; none: the practice's.
    pub platforms: Vec<String>,
    /// The speech model.
    pub model: ModelFile,
    /// What is to be done.
    pub errand: Errand,
}

impl Place {
    /// Of a practice; `settings` is its practice.toml where that was looked for.
    pub fn of(site: &Site, settings: &Path) -> Self {
        let exact = |path: &Path| Exact(std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()));
        Place {
            id: site.id.clone(),
            inbox: exact(&site.inbox),
            out: exact(&site.out),
            settings: Some(exact(settings)),
            defaults: site.defaults.as_deref().map(exact),
        }
    }

    /// As a site.
    pub fn site(&self) -> Site {
        let path = |exact: &Option<Exact>| exact.as_ref().map(|exact| exact.0.clone());
        Site {
            id: self.id.clone(),
            inbox: self.inbox.0.clone(),
            out: self.out.0.clone(),
            settings: path(&self.settings),
            defaults: path(&self.defaults),
        }
    }

    /// Its output folder.
    pub fn out(&self) -> &Path {
        &self.out.0
    }
}

impl Job {
    /// A job of this version.
    pub fn new(place: Place, platforms: Vec<String>, model: ModelFile, errand: Errand) -> Self {
        let model = ModelFile { path: std::path::absolute(&model.path).unwrap_or(model.path), ..model };
        Job { made_by: Hello::ours(), place, platforms, model, errand }
    }

    /// Where the job of that number lies in the folder of a set.
    pub fn file(folder: &Path, number: usize) -> PathBuf {
        folder.join(format!("{number:05}.json"))
    }

    /// Writes it down. Nobody may count on it before [`flush`] was called for its folder.
    ///
    /// # Errors
    /// The disk takes no file.
    pub(super) fn write(mut self, file: &Path) -> Result<(), Fault> {
        // A clip dated before 1970 has a date that JSON does not hold; its content still is compared.
        self.errand.source.looked = self.errand.source.looked.filter(|(_, at)| *at >= std::time::UNIX_EPOCH);
        fs::write(file, sealed(&self)?).map_err(|e| cannot_write(file, &e))
    }

    /// The job of that number.
    ///
    /// # Errors
    /// It is not there, damaged, or of another version of Housecall.
    pub fn read(folder: &Path, number: usize) -> Result<Self, Fault> {
        let file = Job::file(folder, number);
        let text = fs::read_to_string(&file).map_err(|e| {
            let what = format!("the job {} cannot be read ({e})", file.display());
            Fault::new(
                what,
                "if its clip is in place all is well; else check that this computer sees the folder, and submit again",
            )
        })?;
        let job: Job = unsealed(&text).ok_or_else(|| {
            let what = format!("the job {} is damaged, or of another version of Housecall", file.display());
            Fault::new(what, "submit again with the Housecall that the nodes run")
        })?;
        if job.made_by != Hello::ours() {
            let what = format!("the job {} is of another version of Housecall", file.display());
            return Err(Fault::new(what, "submit again with the Housecall that the nodes run"));
        }
        Ok(job)
    }
}

/// Makes sure that all that was written in a folder is on the disk, in one go: a flush for each of ten thousand files would
/// take minutes.
///
/// # Errors
/// The disk fails.
pub(super) fn flush(folder: &Path) -> Result<(), Fault> {
    let flushed = fs::File::open(folder).and_then(|handle| {
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&handle)?;
        #[cfg(not(target_os = "linux"))]
        for entry in fs::read_dir(folder)?.flatten().filter(|entry| entry.path().is_file()) {
            fs::File::open(entry.path())?.sync_all()?;
        }
        drop(handle);
        Ok(())
    });
    flushed.map_err(|e| cannot_write(folder, &e))
}

/// A line with the checksum and one with the JSON.
pub(super) fn sealed(value: &impl Serialize) -> Result<String, Fault> {
    let body = serde_json::to_string(value)
        .map_err(|e| Fault::new(format!("a job cannot be written down ({e})"), "report this"))?;
    Ok(format!("{}\n{body}\n", blake3::hash(body.as_bytes()).to_hex()))
}

/// What [`sealed`] wrote; none where it is damaged or of another form.
pub(super) fn unsealed<T: DeserializeOwned>(text: &str) -> Option<T> {
    let (sum, body) = text.split_once('\n')?;
    let body = body.strip_suffix('\n')?;
    (blake3::hash(body.as_bytes()).to_hex().as_str() == sum).then(|| serde_json::from_str(body).ok())?
}

/// Writes a file whole, with its checksum.
pub(super) fn put(file: &Path, value: &impl Serialize) -> Result<(), Fault> {
    write_whole(file, sealed(value)?.as_bytes())
}
