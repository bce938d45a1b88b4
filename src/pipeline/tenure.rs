//! The right to work on an output folder and what everybody shares who works there under it: the journal, the record of
//! approvals, the log. One program may work on several things at once there, such as a page on which somebody approves
//! while cuts are made; all of them go through these.

use super::delivered;
use super::durable::make_folder;
use super::event::Event;
use super::journal::Journal;
use super::lock::{Lock, Patience};
use super::logbook::Logbook;
use super::publish;
use super::record::Record;
use super::store::Store;
use crate::fault::{Fault, cannot_write};
use crate::intake::Digest;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How the folders of work beside a batch begin, for files on their way.
pub(super) const BESIDE: &str = "preview-";

/// An output folder that is ours until this is dropped.
pub struct Tenure {
    out: PathBuf,
    state: PathBuf,
    /// Whether it is for many batches, which count as one.
    lasts: bool,
    pub(super) journal: Journal,
    record: Mutex<Record>,
    pub(super) logbook: Logbook,
    /// Damaged lines of the journal that nobody was told of.
    untold: AtomicUsize,
    /// How often a clip was changed by a person under this tenure, by its name.
    changes: Mutex<HashMap<String, u64>>,
    lock: Lock,
}

impl Tenure {
    /// Takes the output folder `out` for `verb`; it is made if it is missing.
    ///
    /// # Errors
    /// Another Housecall works there, the folder cannot be written to, or the journal or the record cannot be read.
    pub fn take(out: &Path, verb: &str, patience: &Patience) -> Result<Self, Fault> {
        let state = state_folder(out)?;
        Self::of(out, state, verb, patience, false)
    }

    /// As [`take`](Self::take), for as many batches as come: for the journal they are one, which began in `inbox` and ends
    /// with the tenure.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn lasting(out: &Path, inbox: &Path, verb: &str, patience: &Patience) -> Result<Self, Fault> {
        let state = state_folder(out)?;
        let tenure = Self::of(out, state, verb, patience, true)?;
        tenure.journal.begin(verb, inbox);
        Ok(tenure)
    }

    /// As [`take`](Self::take), of a folder that is there already.
    pub(super) fn of(out: &Path, state: PathBuf, verb: &str, patience: &Patience, lasts: bool) -> Result<Self, Fault> {
        let lock = Lock::take(&state, verb, patience)?;
        let journal = Journal::open(&state.join("journal.ndjson"), out)?;
        let record = Mutex::new(Record::open(&state)?);
        let logbook = Logbook::new(&state, verb);
        let untold = AtomicUsize::new(journal.damaged());
        let changes = Mutex::default();
        Ok(Tenure { out: out.to_path_buf(), state, lasts, journal, record, logbook, untold, changes, lock })
    }

    /// Removes what work that was cut off left behind, and makes the scratch folder. To be called before anything is begun:
    /// files on their way are not told from those that were left.
    ///
    /// # Errors
    /// The disk takes nothing.
    pub fn tidy(&self) -> Result<(), Fault> {
        let scratch = self.scratch();
        drop(fs::remove_dir_all(&scratch));
        for entry in fs::read_dir(&self.state).into_iter().flatten().flatten() {
            // One that is going on, of `housecall plan`, reads its clip once more.
            if entry.file_name().to_string_lossy().starts_with(BESIDE) {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
        fs::create_dir_all(&scratch).map_err(|e| cannot_write(&scratch, &e))?;
        publish::sweep(&self.out);
        delivered::sweep(&self.out, &self.journal);
        Ok(())
    }

    /// Says that a person changed a clip: what is being made of it now is not published any more.
    pub fn changed(&self, clip: &str) {
        *locked(&self.changes).entry(clip.to_string()).or_default() += 1;
    }

    /// How often a clip was changed.
    pub fn changes(&self, clip: &str) -> u64 {
        locked(&self.changes).get(clip).copied().unwrap_or_default()
    }

    /// What people decided. Whoever gives a file its name, or takes one away, has this until it is done: so that nothing
    /// is published that somebody just held.
    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        locked(&self.record)
    }

    /// Likewise, for whoever also works without a tenure.
    pub(super) fn records(&self) -> &Mutex<Record> {
        &self.record
    }

    /// The output folder.
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// Where a copy of a clip to look at lies, or will: beside what is known of clips, by what they hold.
    pub fn copy(&self, clip: &Digest, extension: &str) -> PathBuf {
        copies(&self.state).join(format!("{}.{extension}", clip.0))
    }

    /// The program's own folder in it.
    pub fn state(&self) -> &Path {
        &self.state
    }

    pub(super) fn scratch(&self) -> PathBuf {
        self.state.join("scratch")
    }

    pub(super) fn store(&self) -> Store {
        Store::new(self.state.join("cache"))
    }

    /// Whether another computer took the folder over while this one slept; then nothing more may be written there.
    pub fn is_lost(&self) -> bool {
        self.lock.is_lost()
    }

    /// What a person should know of the journal, once.
    pub(super) fn damage(&self) -> Option<String> {
        let lines = self.untold.swap(0, Ordering::Relaxed);
        let what = match lines {
            0 => return None,
            1 => "A line of the journal was",
            _ => "Lines of the journal were",
        };
        Some(format!("{what} torn or damaged ({lines}); what is not known to be in place is made again."))
    }

    /// Writes an event down, in the journal and in the log.
    pub(super) fn tell(&self, event: &Event) {
        // The batches of a tenure that lasts are one, and it ends with the tenure.
        if !(self.lasts && matches!(event, Event::Ended { .. })) {
            self.journal.tell(event);
        }
        self.logbook.tell(event);
    }
}

impl Drop for Tenure {
    fn drop(&mut self) {
        if self.lasts {
            self.journal.end(self.journal.is_under_way());
        }
        if !self.is_lost() {
            drop(fs::remove_dir_all(self.scratch()));
        }
    }
}

/// The folder of copies to look at, in the program's own folder.
pub(super) fn copies(state: &Path) -> PathBuf {
    state.join("cache").join("view")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program's own folder in an output folder, made if it is missing. What was said in the clips lies there, so that it
/// is closed to other users of the computer; the group keeps what the system gives it.
///
/// # Errors
/// The folder cannot be made.
pub fn state_folder(out: &Path) -> Result<PathBuf, Fault> {
    let state = out.join(".housecall");
    make_folder(&state).map_err(|e| cannot_write(&state, &e))?;
    #[cfg(unix)]
    if let Ok(about) = fs::metadata(&state) {
        use std::os::unix::fs::PermissionsExt;
        let mode = about.permissions().mode();
        if mode & 0o007 != 0 {
            // A drive without such rights, or a folder of another user's, stays as it is.
            drop(fs::set_permissions(&state, fs::Permissions::from_mode(mode & !0o007)));
        }
    }
    Ok(state)
}
