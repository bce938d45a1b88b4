//! Who works on an output folder: one Housecall at a time, on whichever computer.
//!
//! The system's own lock on `.housecall/lock` is what counts where the drive knows locks: it is gone with its holder,
//! however that ended. Who holds it stands in `.housecall/holder.json`. That file also keeps apart computers that share a
//! drive which knows no locks, or knows them on each computer alone: its holder writes to it every few seconds, and one
//! that has not been written to for a while, or whose process is gone, is stale. Times are compared as the drive gives
//! them, so that computers need not agree about the hour.

use super::store::write_whole;
use crate::fault::{Cancel, Fault, cannot_write};
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often the holder shows that it is alive.
const BEAT: Duration = Duration::from_secs(10);

/// A holder that cannot be asked and has shown nothing for so long is gone.
const STALE: Duration = Duration::from_secs(60);

/// How long is waited for what takes a moment: an approval, or tidying up.
const MOMENT: Duration = Duration::from_secs(10);

/// How often is looked whether the folder is free.
const LOOK: Duration = Duration::from_millis(100);

/// A wait is told of once it is as long as this.
const SILENCE: Duration = Duration::from_millis(500);

/// The name of the file that says who holds the folder.
const HOLDER: &str = "holder.json";

/// A program at work on an output folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// What it does: `run`, `watch`, `review`, `approve`.
    pub verb: String,
    /// Since when: UTC, RFC 3339.
    pub since: String,
    /// Name of the computer.
    pub computer: String,
    /// What tells this start of this computer, and its processes' numbers, from others; none where nothing does.
    home: Option<Home>,
    /// When the process began, in the system's ticks; none where nobody knows.
    started: Option<u64>,
    /// Tells this holder from every other.
    token: String,
}

/// Where a process lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Home {
    /// The start of the computer.
    boot: String,
    /// The space of process numbers: containers have their own.
    space: String,
}

/// The right to work on an output folder, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    state: PathBuf,
    token: String,
    lost: Arc<AtomicBool>,
    /// Ends the beat when it is dropped.
    beat: Option<(Sender<()>, JoinHandle<()>)>,
    /// Locked where the drive knows locks. Closed last.
    _file: File,
}

/// How long somebody waits for another Housecall.
pub struct Patience<'a> {
    /// Until it is done, however long; else only where that takes a moment.
    pub wait: bool,
    /// Ends the wait. Also told when another computer takes the folder over, as it may while this one sleeps.
    pub cancel: &'a Cancel,
    /// Told in a whole sentence that it waits, and for whom.
    pub tell: &'a dyn Fn(String),
}

/// Why the folder is not free.
struct Taken {
    holder: Option<Holder>,
}

impl Lock {
    /// Takes the folder `state` in an output folder for `verb`, waiting as long as `patience` has.
    ///
    /// # Errors
    /// Another Housecall works there; the fault says which one. The folder cannot be written to. [`Fault::Cancelled`].
    pub fn take(state: &Path, verb: &str, patience: &Patience) -> Result<Self, Fault> {
        let (began, mut told) = (Instant::now(), false);
        loop {
            let taken = match attempt(state, verb, patience.cancel, &try_lock)? {
                Ok(lock) => return Ok(lock),
                Err(taken) => taken,
            };
            patience.cancel.check()?;
            let waited = began.elapsed();
            if !patience.wait && waited > taken.holder.as_ref().map_or(MOMENT, Holder::bears) {
                return Err(busy(state, verb, taken.holder.as_ref()));
            }
            if !told && waited > SILENCE {
                let who = taken.holder.as_ref().map_or("another Housecall".into(), Holder::in_words);
                (patience.tell)(format!("Waiting until {who} is done with {}.", out_of(state).display()));
                told = true;
            }
            thread::sleep(LOOK);
        }
    }

    /// Whether another computer took the folder over while this one slept; then nothing more may be written there.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some((stop, beat)) = self.beat.take() {
            drop(stop);
            drop(beat.join());
        }
        if read(&self.state).is_some_and(|holder| holder.token == self.token) {
            drop(fs::remove_file(self.state.join(HOLDER)));
        }
    }
}

/// Who works on the output folder of this state folder, as far as can be told without touching anything.
pub fn holder(state: &Path) -> Option<Holder> {
    let quiet = fs::metadata(state.join(HOLDER)).and_then(|about| about.modified()).ok()?;
    let quiet = SystemTime::now().duration_since(quiet).unwrap_or_default();
    let here = Holder::here("status");
    read(state).filter(|holder| holder.lives(&here, quiet))
}

/// Whether somebody works on an output folder, as far as can be told without touching anything.
pub fn is_held(out: &Path) -> bool {
    holder(&out.join(".housecall")).is_some()
}

/// What the drive says to a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nobody has it but us, now.
    Ours,
    /// Somebody else has it.
    Theirs,
    /// It knows no locks.
    Unknown,
}

/// Takes the lock of a file, until the file is closed, unless somebody has it.
pub(super) fn try_lock(file: &File) -> Answer {
    match file.try_lock() {
        Ok(()) => Answer::Ours,
        Err(TryLockError::WouldBlock) => Answer::Theirs,
        Err(TryLockError::Error(_)) => Answer::Unknown,
    }
}

/// Takes the folder if it is free.
fn attempt(
    state: &Path,
    verb: &str,
    cancel: &Cancel,
    ask: &dyn Fn(&File) -> Answer,
) -> Result<Result<Lock, Taken>, Fault> {
    let path = state.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let mut file = file.map_err(|e| cannot_write(&path, &e))?;
    let answer = ask(&file);
    if answer == Answer::Theirs {
        return Ok(Err(Taken { holder: read(state) }));
    }
    // Where there are no locks, one looks and writes at a time.
    let guard = match answer {
        Answer::Unknown => match Guard::take(state, &mut file)? {
            Some(guard) => Some(guard),
            None => return Ok(Err(Taken { holder: read(state) })),
        },
        _ => None,
    };
    let here = Holder::here(verb);
    if let Some(before) = read(state) {
        let quiet = quiet(&state.join(HOLDER), &mut file).map_err(|e| cannot_write(&path, &e))?;
        // A lock that is ours was given up by whoever had it on this computer.
        let gone = answer == Answer::Ours && before.is_of_this_computer(&here);
        if !gone && before.lives(&here, quiet) {
            return Ok(Err(Taken { holder: Some(before) }));
        }
    }
    write_holder(state, &here)?;
    drop(guard);
    let lost = Arc::new(AtomicBool::new(false));
    let beat = beat(state, &here, &lost, cancel);
    Ok(Ok(Lock { state: state.to_path_buf(), token: here.token, lost, beat, _file: file }))
}

/// Only one process at a time looks who holds the folder, where the drive knows no locks.
struct Guard(PathBuf);

impl Guard {
    fn take(state: &Path, probe: &mut File) -> Result<Option<Self>, Fault> {
        let path = state.join("lock.claim");
        let failed = |e: &io::Error| cannot_write(&path, e);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => Ok(Some(Guard(path))),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                // It is there for a moment only; one that stays is of somebody who was killed in that moment.
                if quiet(&path, probe).map_err(|e| failed(&e))? > STALE {
                    drop(fs::remove_file(&path));
                }
                Ok(None)
            }
            Err(e) => Err(failed(&e)),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// How long nobody has written to a file, by the drive's own clock: `probe` is a file on the same drive, which is written
/// to. Nothing where the file is gone or the drive keeps no times: then it counts as written to just now.
fn quiet(file: &Path, probe: &mut File) -> io::Result<Duration> {
    probe.set_len(0)?;
    probe.write_all(b"\n")?;
    probe.sync_all()?;
    let now = probe.metadata()?.modified();
    let then = fs::metadata(file).and_then(|about| about.modified());
    Ok(now.ok().zip(then.ok()).and_then(|(now, then)| now.duration_since(then).ok()).unwrap_or_default())
}

fn read(state: &Path) -> Option<Holder> {
    serde_json::from_slice(&fs::read(state.join(HOLDER)).ok()?).ok()
}

fn write_holder(state: &Path, holder: &Holder) -> Result<(), Fault> {
    let text = serde_json::to_vec(holder)
        .map_err(|e| Fault::new(format!("the lock cannot be written ({e})"), "report this"))?;
    write_whole(&state.join(HOLDER), &text)
}

/// Writes the same bytes once more, for the time that the drive gives the file then.
fn touch(state: &Path, holder: &Holder) -> io::Result<()> {
    let text = serde_json::to_vec(holder)?;
    OpenOptions::new().write(true).open(state.join(HOLDER))?.write_all(&text)
}

/// Shows every few seconds that the holder is alive, and looks whether it still is the holder.
fn beat(
    state: &Path,
    holder: &Holder,
    lost: &Arc<AtomicBool>,
    cancel: &Cancel,
) -> Option<(Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = bounded::<()>(0);
    let (state, holder, lost, cancel) = (state.to_path_buf(), holder.clone(), lost.clone(), cancel.clone());
    let work = move || {
        while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            match read(&state) {
                Some(other) if other.token != holder.token => {
                    lost.store(true, Ordering::Relaxed);
                    cancel.cancel();
                    return;
                }
                // A drive that is away for a moment is no reason to stop.
                Some(_) => drop(touch(&state, &holder)),
                None => drop(write_holder(&state, &holder)),
            }
        }
    };
    let thread = thread::Builder::new().name("lock".into()).spawn(work).ok()?;
    Some((stop, thread))
}

/// The output folder that a lock is about: the one that holds the program's own folder, in which it lies.
fn out_of(state: &Path) -> &Path {
    let own = state.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == ".housecall"));
    own.unwrap_or(state).parent().unwrap_or(state)
}

/// The folder is taken by another Housecall.
fn busy(state: &Path, verb: &str, holder: Option<&Holder>) -> Fault {
    let out = out_of(state).display();
    let what = match holder {
        Some(holder) => format!("another Housecall is working on {out}: {}", holder.in_words()),
        None => format!("another Housecall is working on {out}"),
    };
    let watched = holder.is_some_and(|holder| matches!(holder.verb.as_str(), "watch" | "review")) && verb == "run";
    let first = if watched { "there is nothing to do for clips in the folder that it watches; else " } else { "" };
    let elsewhere = if verb == "run" { ", or choose another folder with --out" } else { "" };
    Fault::new(what, format!("{first}wait until it is done, as the same command does with --wait{elsewhere}"))
}

impl Holder {
    fn here(verb: &str) -> Self {
        let pid = std::process::id();
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
        let computer = gethostname::gethostname().to_string_lossy().into_owned();
        let token = format!("{computer}-{pid}-{nanos}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let since = jiff::Timestamp::now().to_string();
        Holder { pid, verb: verb.into(), since, computer, home: home(), started: started(pid), token }
    }

    /// Whether it is at work, `quiet` being how long it has shown nothing.
    fn lives(&self, here: &Holder, quiet: Duration) -> bool {
        match (&self.home, &here.home) {
            // A number may be another program's by now; that began later.
            (Some(theirs), Some(ours)) if theirs == ours => match started(self.pid) {
                // Some systems hide the processes of other users, the first one among them.
                None if started(1).is_none() => quiet < STALE,
                now => now.is_some() && now == self.started,
            },
            _ => quiet < STALE,
        }
    }

    fn is_of_this_computer(&self, here: &Holder) -> bool {
        let boot = |holder: &Holder| holder.home.as_ref().map(|home| home.boot.clone());
        self.computer == here.computer || (boot(self).is_some() && boot(self) == boot(here))
    }

    /// How long somebody waits for it who did not ask to wait.
    fn bears(&self) -> Duration {
        if matches!(self.verb.as_str(), "run" | "watch" | "review") { Duration::ZERO } else { MOMENT }
    }

    /// As a person reads it: `housecall watch on FRONT-DESK since 14:02 (process 4711)`.
    pub fn in_words(&self) -> String {
        let Holder { pid, verb, computer, .. } = self;
        let since: Option<jiff::Timestamp> = self.since.parse().ok();
        let since = since.map_or_else(|| self.since.clone(), |since| clock(since, &jiff::Zoned::now()));
        format!("housecall {verb} on {computer} since {since} (process {pid})")
    }
}

/// The hour, and the day where it is not today.
fn clock(time: jiff::Timestamp, now: &jiff::Zoned) -> String {
    let time = time.to_zoned(now.time_zone().clone());
    let form = if time.date() == now.date() { "%H:%M" } else { "%-d %B, %H:%M" };
    time.strftime(form).to_string()
}

/// What tells this start of the computer from others, where the system says it.
fn home() -> Option<Home> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_string();
    let space = fs::read_link("/proc/self/ns/pid").ok()?.to_string_lossy().into_owned();
    Some(Home { boot, space })
}

/// When a process began, in the system's ticks since its start; none where there is no such process, or where the system
/// does not say it (proc(5), `/proc/pid/stat`, field 22).
fn started(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    // A process that has ended and that nobody has asked for yet does nothing any more.
    let dead = fields.next().is_some_and(|state| state == "Z" || state == "X");
    if dead { None } else { fields.nth(18)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs::FileTimes;

    fn no_locks(_: &File) -> Answer {
        Answer::Unknown
    }

    fn attempt_with(state: &Path, ask: &dyn Fn(&File) -> Answer) -> Result<Lock, Box<Option<Holder>>> {
        attempt(state, "run", &Cancel::new(), ask).unwrap().map_err(|taken| Box::new(taken.holder))
    }

    /// A holder's file, written so long ago.
    fn leave(state: &Path, holder: &Holder, ago: Duration) {
        write_holder(state, holder).unwrap();
        let file = File::options().write(true).open(state.join(HOLDER)).unwrap();
        file.set_times(FileTimes::new().set_modified(SystemTime::now() - ago)).unwrap();
    }

    fn elsewhere() -> Holder {
        let home = Some(Home { boot: "another start".into(), space: "pid:[1]".into() });
        Holder { computer: "FRONT-DESK".into(), home, token: "theirs".into(), ..Holder::here("watch") }
    }

    #[test]
    fn a_folder_has_one_holder_with_locks_and_without() {
        for ask in [&try_lock as &dyn Fn(&File) -> Answer, &no_locks] {
            let folder = tempfile::tempdir().unwrap();
            let first = attempt_with(folder.path(), ask).unwrap();
            let holder = attempt_with(folder.path(), ask).unwrap_err().unwrap();
            assert_eq!((holder.pid, holder.verb.as_str()), (std::process::id(), "run"));
            drop(first);
            let second = attempt_with(folder.path(), ask).unwrap();
            assert!(!second.is_lost());
            drop(second);
            let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
            assert_eq!(left, ["lock"]);
        }
    }

    #[test]
    fn where_a_drive_knows_no_locks_many_threads_never_hold_together() {
        let folder = tempfile::tempdir().unwrap();
        let (state, inside, taken) = (folder.path(), AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let Ok(_lock) = attempt_with(state, &no_locks) else { continue };
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        taken.fetch_add(1, Ordering::SeqCst);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(taken.into_inner() > 0);
    }

    #[test]
    fn a_holder_that_is_gone_holds_nothing() {
        let here = Holder::here("run");
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let other_program = Holder { pid: child.id(), token: "old".into(), ..here.clone() };
        let quiet = STALE + Duration::from_secs(5);
        let restarted = Holder { home: elsewhere().home, ..here.clone() };
        let fresh = Duration::from_secs(5);
        for (name, left, ago, ask, free) in [
            ("its number is another program's", other_program, fresh, Answer::Unknown, true),
            ("its process is gone", Holder { pid: u32::MAX, ..here.clone() }, fresh, Answer::Unknown, true),
            ("it lives", here.clone(), quiet, Answer::Unknown, false),
            ("the computer was started again, and the lock is ours", restarted.clone(), fresh, Answer::Ours, true),
            ("perhaps it was started again", restarted.clone(), fresh, Answer::Unknown, false),
            ("it was started again", restarted, quiet, Answer::Unknown, true),
            ("another computer, at work", elsewhere(), fresh, Answer::Unknown, false),
            ("another computer, at work, and locks that are not shared", elsewhere(), fresh, Answer::Ours, false),
            ("another computer, gone", elsewhere(), quiet, Answer::Unknown, true),
            ("another computer, gone, and locks", elsewhere(), quiet, Answer::Ours, true),
        ] {
            let folder = tempfile::tempdir().unwrap();
            leave(folder.path(), &left, ago);
            assert_eq!(attempt_with(folder.path(), &|_| ask).is_ok(), free, "{name}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_file_that_holds_nothing_readable_keeps_nobody_out() {
        for text in ["", "{", "[]", "{\"pid\":-1}"] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(HOLDER), text).unwrap();
            assert!(attempt_with(folder.path(), &try_lock).is_ok(), "{text}");
            assert!(attempt_with(folder.path(), &no_locks).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_claim_that_was_left_behind_is_removed_once_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let claim = folder.path().join("lock.claim");
        let file = File::create(&claim).unwrap();
        assert!(attempt_with(folder.path(), &no_locks).is_err());
        file.set_times(FileTimes::new().set_modified(SystemTime::now() - STALE * 2)).unwrap();
        assert!(attempt_with(folder.path(), &no_locks).is_err(), "the next one takes it");
        assert!(attempt_with(folder.path(), &no_locks).is_ok());
    }

    #[test]
    fn whoever_is_refused_reads_who_works_there_and_what_to_do() {
        let state = Path::new("cuts/.housecall");
        let (watch, run) = (elsewhere(), Holder { verb: "run".into(), ..elsewhere() });
        for (verb, holder, says, leaves_out) in [
            (
                "run",
                &watch,
                vec!["cuts: housecall watch on FRONT-DESK since ", "nothing to do", "--wait", "--out"],
                "??",
            ),
            ("run", &run, vec!["cuts: housecall run on FRONT-DESK since ", "--wait", "--out"], "nothing to do"),
            ("approve", &watch, vec!["housecall watch on FRONT-DESK", "--wait"], "--out"),
        ] {
            let text = busy(state, verb, Some(holder)).to_string();
            assert!(says.iter().all(|part| text.contains(part)) && !text.contains(leaves_out), "{text}");
        }
        let deeper = busy(&state.join("locks/watch"), "watch", Some(&watch)).to_string();
        assert!(deeper.starts_with("another Housecall is working on cuts: housecall watch"), "{deeper}");
        let now: jiff::Zoned = "2026-11-22T15:00:00[UTC]".parse().unwrap();
        assert_eq!(clock("2026-11-22T14:02:00Z".parse().unwrap(), &now), "14:02");
        assert_eq!(clock("2026-11-21T14:02:00Z".parse().unwrap(), &now), "21 November, 14:02");
    }
}
