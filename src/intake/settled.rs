//! When a file has come to rest: its size and date stay the same, and its container opens whole.

use super::container::{self, Wholeness};
use super::scan::{Candidate, scan};
use crate::fault::{Cancel, Fault};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

/// How long a file has to stay unchanged before it is taken up, unless a caller knows better.
pub const SETTLE: Duration = Duration::from_secs(3);

/// How long an unchanged file may lack a part before it is called broken instead of unfinished: longer than a phone or
/// a network drive pauses in the middle of a copy.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a candidate stands at one look.
#[derive(Debug, Clone)]
pub enum Readiness {
    /// At rest and whole.
    Settled,
    /// It changes, or a part is not there yet: look again later.
    Writing,
    /// Waiting does not help.
    Broken(Fault),
}

/// What earlier looks at the inbox saw. Fed with what a scan found and the time, so that it never sleeps itself.
#[derive(Debug)]
pub struct Looks {
    settle: Duration,
    seen: HashMap<PathBuf, Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    bytes: u64,
    modified: SystemTime,
    /// When a look first saw the file like this.
    since: SystemTime,
    /// Whether it once looked different. Its own date is not believed then: some programs set it before they finish.
    changed: bool,
}

impl Looks {
    /// No file seen yet; a file is at rest once unchanged for `settle`.
    pub fn new(settle: Duration) -> Self {
        Looks { settle, seen: HashMap::new() }
    }

    /// Looks at everything that a scan found, at the time `now`, and forgets files that are gone. Only files at rest
    /// are opened.
    pub fn look(&mut self, candidates: &[Candidate], now: SystemTime) -> Vec<Readiness> {
        self.seen.retain(|path, _| candidates.iter().any(|c| c.path == *path));
        candidates
            .iter()
            .map(|candidate| match self.quiet(candidate, now) {
                Some(quiet) if quiet >= self.settle => judge(candidate, quiet),
                _ => Readiness::Writing,
            })
            .collect()
    }

    /// For how long the file has not changed; none at the first look, which can tell nothing.
    fn quiet(&mut self, candidate: &Candidate, now: SystemTime) -> Option<Duration> {
        let Candidate { path, bytes, modified } = candidate;
        let fresh = Seen { bytes: *bytes, modified: *modified, since: now, changed: false };
        let Some(seen) = self.seen.get_mut(path) else {
            self.seen.insert(path.clone(), fresh);
            return None;
        };
        if (seen.bytes, seen.modified) != (*bytes, *modified) {
            *seen = Seen { changed: true, ..fresh };
        }
        // A date in the future (a camera's clock, a time zone) and a clock that was set back count as no time at all.
        let watched = now.duration_since(seen.since).unwrap_or_default();
        let dated = now.duration_since(*modified).unwrap_or_default();
        Some(if seen.changed { watched } else { watched.max(dated) })
    }
}

/// One pass over an inbox: scans it, looks twice, and waits once for files that changed only just now. Nothing is waited
/// for that is `known` to be at rest since an earlier pass.
///
/// # Errors
/// As [`scan`]; [`Fault::Cancelled`] while it waits.
pub fn settle(
    inbox: &Path,
    output: &Path,
    settle: Duration,
    known: &dyn Fn(&Candidate) -> bool,
    cancel: &Cancel,
) -> Result<Vec<(Candidate, Readiness)>, Fault> {
    let mut looks = Looks::new(settle);
    looks.look(&scan(inbox, output)?, SystemTime::now());
    let mut candidates = scan(inbox, output)?;
    let mut stand = looks.look(&candidates, SystemTime::now());
    for (candidate, stand) in candidates.iter().zip(&mut stand) {
        if matches!(stand, Readiness::Writing) && known(candidate) {
            *stand = judge(candidate, settle);
        }
    }
    if stand.iter().any(|r| matches!(r, Readiness::Writing)) {
        let end = SystemTime::now() + settle;
        while SystemTime::now() < end {
            cancel.check()?;
            thread::sleep(Duration::from_millis(20));
        }
        candidates = scan(inbox, output)?;
        stand = looks.look(&candidates, SystemTime::now());
    }
    Ok(candidates.into_iter().zip(stand).collect())
}

fn judge(candidate: &Candidate, quiet: Duration) -> Readiness {
    let inspected = File::open(&candidate.path).and_then(|mut file| container::inspect(&mut file, candidate.bytes));
    match inspected {
        Ok(Wholeness::Whole) => Readiness::Settled,
        Ok(Wholeness::Incomplete(_)) if quiet < PATIENCE => Readiness::Writing,
        Ok(Wholeness::Incomplete(what)) => {
            Readiness::Broken(Fault::new(format!("the file is not complete: {what}"), "copy it from the phone again"))
        }
        Ok(Wholeness::Broken(what)) => Readiness::Broken(Fault::new(
            format!("the file cannot be read: {what}"),
            "play it on the phone; if it plays there, copy it again, else record it again",
        )),
        // Another program may hold the file shut, or it vanished between the scan and now.
        Err(_) if quiet < PATIENCE => Readiness::Writing,
        Err(error) => Readiness::Broken(Fault::new(
            format!("the file cannot be opened ({error})"),
            "close other programs that use it, and check that you may read it",
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::container::tests::mp4;
    use super::*;
    use std::fs;

    const NOON: SystemTime = SystemTime::UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        NOON + Duration::from_secs(1_000_000 + seconds)
    }

    fn seen(bytes: u64, modified: u64) -> Candidate {
        Candidate { path: PathBuf::from("clip.mp4"), bytes, modified: at(modified) }
    }

    #[test]
    fn an_old_file_needs_two_looks_and_no_waiting() {
        let mut looks = Looks::new(SETTLE);
        assert_eq!(looks.quiet(&seen(5, 0), at(100)), None);
        assert_eq!(looks.quiet(&seen(5, 0), at(100)), Some(Duration::from_secs(100)));
    }

    #[test]
    fn a_growing_file_is_not_believed_because_of_its_old_date() {
        let mut looks = Looks::new(SETTLE);
        for second in 0..10 {
            let quiet = looks.quiet(&seen(second, 0), at(1000 + second));
            assert!(quiet.is_none_or(|q| q < SETTLE), "at {second}");
        }
        assert_eq!(looks.quiet(&seen(9, 0), at(1011)), Some(Duration::from_secs(2)));
        assert_eq!(looks.quiet(&seen(9, 0), at(1012)), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_date_in_the_future_does_not_hold_a_clip_forever() {
        let mut looks = Looks::new(SETTLE);
        looks.quiet(&seen(5, 9999), at(0));
        assert_eq!(looks.quiet(&seen(5, 9999), at(2)), Some(Duration::from_secs(2)));
        assert_eq!(looks.quiet(&seen(5, 9999), at(3)), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_file_that_was_replaced_starts_anew() {
        let mut looks = Looks::new(SETTLE);
        looks.quiet(&seen(5, 0), at(100));
        looks.look(&[], at(101));
        assert_eq!(looks.quiet(&seen(5, 0), at(102)), None);
    }

    /// Twice the same look at one file with these bytes, `age` after it was written.
    fn stands(bytes: &[u8], age: Duration) -> Readiness {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        fs::write(&path, bytes).unwrap();
        let candidate = scan(folder.path(), Path::new("cuts")).unwrap();
        let mut looks = Looks::new(SETTLE);
        let now = candidate[0].modified + age;
        looks.look(&candidate, now);
        looks.look(&candidate, now).remove(0)
    }

    #[test]
    fn unfinished_and_broken_files_are_told_apart() {
        let (fresh, old) = (Duration::from_secs(5), PATIENCE * 2);
        let whole = mp4();
        assert!(matches!(stands(&whole, Duration::from_secs(2)), Readiness::Writing));
        assert!(matches!(stands(&whole, fresh), Readiness::Settled));
        assert!(matches!(stands(&whole[..50], fresh), Readiness::Writing));
        let Readiness::Broken(fault) = stands(&whole[..50], old) else { panic!("a broken copy is waited for") };
        assert!(fault.what().starts_with("the file is not complete"), "{fault}");
        assert!(matches!(stands(b"minutes of the meeting", fresh), Readiness::Broken(_)));
    }

    #[test]
    fn a_pass_waits_once_for_what_was_copied_just_now() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("clip.mp4"), mp4()).unwrap();
        let settle_for = |time| settle(folder.path(), Path::new("cuts"), time, &|_| false, &Cancel::new()).unwrap();
        assert!(matches!(settle_for(Duration::from_millis(200))[..], [(_, Readiness::Settled)]));
        let stopped = Cancel::new();
        stopped.cancel();
        let day = Duration::from_secs(86_400);
        let pass = |known| settle(folder.path(), Path::new("cuts"), day, &|_| known, &stopped);
        assert!(pass(false).is_err_and(|f| f.is_cancelled()));
        assert!(matches!(pass(true).unwrap()[..], [(_, Readiness::Settled)]), "what is known is not waited for");
    }
}
