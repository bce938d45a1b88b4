//! When a file has come to rest: its size and date stay the same, its container opens whole, and no program of this
//! computer has it open for writing.

use super::container::{self, Wholeness};
use super::scan::{Candidate, Stranger, Survey, UNFINISHED, survey};
use super::writers;
use crate::fault::{Cancel, Fault};
use crate::plain_file;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};
use std::{fs, io};

/// How long a file has to stay unchanged before it is taken up, unless a caller knows better.
pub const SETTLE: Duration = Duration::from_secs(3);

/// How long an unchanged file may lack a part before it is called broken instead of unfinished, and how long one must stay
/// unchanged whose structure has no end: longer than a phone or a network drive pauses in the middle of a copy.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a whole file is left to a program that has it open for writing and writes nothing: players and editors may
/// keep it open all day.
const OPEN_PATIENCE: Duration = Duration::from_secs(600);

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

/// What earlier looks at the inbox saw. Fed with what a survey found and the time, so that it never sleeps itself.
///
/// The date of a file is its drive's word, and a network drive's clock may be hours off, store two seconds at a time, or be
/// set by the program that copies. So it is believed only for files that lay there at the first look and did not change
/// since; all others are timed by our own clock.
#[derive(Debug)]
pub struct Looks {
    settle: Duration,
    seen: HashMap<PathBuf, Seen>,
    looked: bool,
}

#[derive(Debug, Clone)]
struct Seen {
    bytes: u64,
    modified: SystemTime,
    /// When a look first saw the file like this.
    since: SystemTime,
    /// Whether it came, or changed, while we looked. Its own date is not believed then: some programs set it before they
    /// finish.
    watched: bool,
    /// What it was found to be; it stays so until it changes.
    verdict: Option<Readiness>,
}

/// What can be asked about a file that has not changed for a while.
trait Examine {
    /// What its structure says.
    fn wholeness(&self, candidate: &Candidate) -> io::Result<Wholeness>;
    /// Whether some program is known to be at work on it.
    fn is_worked_on(&self, candidate: &Candidate) -> bool;
}

/// The files themselves, during one look.
#[derive(Default)]
struct Disk {
    /// Real paths of files that are open for writing; found out once, when first asked.
    written: OnceCell<HashSet<PathBuf>>,
}

impl Examine for Disk {
    fn wholeness(&self, candidate: &Candidate) -> io::Result<Wholeness> {
        container::inspect(&mut plain_file::open(&candidate.path)?, candidate.bytes)
    }

    fn is_worked_on(&self, candidate: &Candidate) -> bool {
        // A browser keeps an empty file of the final name beside what it is loading.
        let loading = UNFINISHED.iter().any(|end| {
            let mut name = candidate.path.clone().into_os_string();
            name.push(end);
            Path::new(&name).exists()
        });
        let written = self.written.get_or_init(writers::open_for_writing);
        // The inbox may be named through a link; a clip never is one.
        loading || fs::canonicalize(&candidate.path).is_ok_and(|real| written.contains(&real))
    }
}

impl Looks {
    /// No file seen yet; a file is at rest once unchanged for `settle`.
    pub fn new(settle: Duration) -> Self {
        Looks { settle, seen: HashMap::new(), looked: false }
    }

    /// Looks at everything that a survey found, at the time `now`, and forgets files that are gone. Only files at rest are
    /// opened, and each once until it changes.
    pub fn look(&mut self, candidates: &[Candidate], now: SystemTime) -> Vec<Readiness> {
        self.look_with(candidates, now, &Disk::default())
    }

    fn look_with(&mut self, candidates: &[Candidate], now: SystemTime, examine: &impl Examine) -> Vec<Readiness> {
        let present: HashSet<&PathBuf> = candidates.iter().map(|candidate| &candidate.path).collect();
        self.seen.retain(|path, _| present.contains(path));
        let stands = candidates.iter().map(|candidate| self.stands(candidate, now, examine)).collect();
        self.looked = true;
        stands
    }

    fn stands(&mut self, candidate: &Candidate, now: SystemTime, examine: &impl Examine) -> Readiness {
        let quiet = match self.quiet(candidate, now) {
            Some(quiet) if quiet >= self.settle => quiet,
            _ => return Readiness::Writing,
        };
        let Some(seen) = self.seen.get_mut(&candidate.path) else { return Readiness::Writing };
        if let Some(verdict) = &seen.verdict {
            return verdict.clone();
        }
        let (verdict, lasts) = judge(candidate, quiet, examine);
        if lasts {
            seen.verdict = Some(verdict.clone());
        }
        verdict
    }

    /// For how long the file has not changed; none at the first look, which can tell nothing.
    fn quiet(&mut self, candidate: &Candidate, now: SystemTime) -> Option<Duration> {
        let Candidate { path, bytes, modified } = candidate;
        let watched = self.looked;
        let fresh = Seen { bytes: *bytes, modified: *modified, since: now, watched, verdict: None };
        let Some(seen) = self.seen.get_mut(path) else {
            self.seen.insert(path.clone(), fresh);
            return None;
        };
        if (seen.bytes, seen.modified) != (*bytes, *modified) {
            *seen = Seen { watched: true, ..fresh };
        }
        // A date in the future (a camera's clock, a time zone) and a clock that was set back count as no time at all.
        if now < seen.since {
            seen.since = now;
        }
        let unchanged = now.duration_since(seen.since).unwrap_or_default();
        let dated = now.duration_since(*modified).unwrap_or_default();
        Some(if seen.watched { unchanged } else { unchanged.max(dated) })
    }
}

/// What one pass over an inbox found.
#[derive(Debug, Clone, Default)]
pub struct Looked {
    /// The clips and how they stand, in the survey's order.
    pub clips: Vec<(Candidate, Readiness)>,
    /// What is not taken and has to be told of.
    pub strange: Vec<Stranger>,
}

/// One pass over an inbox: surveys it, looks twice, and waits once for files that changed only just now. Nothing is waited
/// for that is `known` to be at rest since an earlier pass.
///
/// # Errors
/// As [`survey`]; [`Fault::Cancelled`] while it waits.
pub fn settle(
    inbox: &Path,
    output: &Path,
    settle: Duration,
    known: &dyn Fn(&Candidate) -> bool,
    cancel: &Cancel,
) -> Result<Looked, Fault> {
    let mut looks = Looks::new(settle);
    // Only what was at rest is ever remembered, so what has not changed since need not be looked into again.
    let mut stands = |candidates: &[Candidate]| {
        let (mut stands, new): (Vec<Readiness>, Vec<bool>) =
            candidates.iter().map(|candidate| (Readiness::Settled, !known(candidate))).unzip();
        let unknown: Vec<Candidate> =
            candidates.iter().zip(&new).filter(|(_, new)| **new).map(|(c, _)| c.clone()).collect();
        let mut looked = looks.look(&unknown, SystemTime::now()).into_iter();
        stands.iter_mut().zip(new).filter(|(_, new)| *new).for_each(|(stand, _)| {
            *stand = looked.next().unwrap_or(Readiness::Writing);
        });
        stands
    };
    let mut survey_now = survey(inbox, output)?;
    let mut stand = stands(&survey_now.clips);
    // The first look at a file can tell nothing; where none is new, one look is enough.
    if stand.iter().any(|r| matches!(r, Readiness::Writing)) {
        survey_now = survey(inbox, output)?;
        stand = stands(&survey_now.clips);
    }
    if stand.iter().any(|r| matches!(r, Readiness::Writing)) {
        let end = SystemTime::now() + settle;
        while SystemTime::now() < end {
            cancel.check()?;
            thread::sleep(Duration::from_millis(20));
        }
        survey_now = survey(inbox, output)?;
        stand = stands(&survey_now.clips);
    }
    let Survey { clips, strange, .. } = survey_now;
    Ok(Looked { clips: clips.into_iter().zip(stand).collect(), strange })
}

/// How a file stands that has not changed for `quiet`, and whether that lasts until it changes.
fn judge(candidate: &Candidate, quiet: Duration, examine: &impl Examine) -> (Readiness, bool) {
    let wholeness = match examine.wholeness(candidate) {
        Ok(wholeness) => wholeness,
        // Another program may hold the file shut, or it vanished between the survey and now.
        Err(_) if quiet < PATIENCE => return (Readiness::Writing, false),
        Err(error) => {
            let what = format!("the file cannot be opened ({error})");
            let advice = "close other programs that use it, and check that you may read it";
            return (Readiness::Broken(Fault::new(what, advice)), false);
        }
    };
    let wait = match wholeness {
        Wholeness::Whole => Duration::ZERO,
        Wholeness::OpenEnded | Wholeness::Incomplete(_) | Wholeness::Damaged(_) => PATIENCE,
        // No copy that is under way begins like this.
        Wholeness::Broken(_) => Duration::ZERO,
    };
    if quiet < wait || quiet < OPEN_PATIENCE && examine.is_worked_on(candidate) {
        return (Readiness::Writing, false);
    }
    let broken = |what: &str, why: &str, advice: &str| Readiness::Broken(Fault::new(format!("{what}: {why}"), advice));
    let verdict = match wholeness {
        Wholeness::Whole | Wholeness::OpenEnded => Readiness::Settled,
        Wholeness::Incomplete(why) => broken("the file is not complete", &why, "copy it from the phone again"),
        Wholeness::Damaged(why) | Wholeness::Broken(why) => broken(
            "the file cannot be read",
            &why,
            "play it on the phone; if it plays there, copy it again, else record it again",
        ),
    };
    (verdict, true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::container::tests::{fragments, index_first, mp4};
    use super::*;

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

    /// A file on a drive that is simulated.
    #[derive(Default)]
    struct Drive {
        bytes: Vec<u8>,
        worked_on: bool,
    }

    impl Examine for Drive {
        fn wholeness(&self, _: &Candidate) -> io::Result<Wholeness> {
            container::inspect(&mut io::Cursor::new(&self.bytes), self.bytes.len() as u64)
        }

        fn is_worked_on(&self, _: &Candidate) -> bool {
            self.worked_on
        }
    }

    /// How a program copies.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Way {
        /// From front to back.
        Growing,
        /// The room first, then from front to back.
        Reserved,
        /// The end first, then from front to back.
        EndFirst,
    }

    /// A clip of 300 bytes of pictures with its index at the end.
    fn index_last() -> Vec<u8> {
        let first = index_first();
        let (head, data) = first.split_at(first.len() - 308);
        let (kind, mut index) = (head[..16].to_vec(), head[16..].to_vec());
        let table = index.windows(4).position(|four| four == b"stco").unwrap() + 12;
        for (place, at) in [24_u32, 124, 224].iter().zip((table..).step_by(4)) {
            index[at..at + 4].copy_from_slice(&place.to_be_bytes());
        }
        [&kind[..], data, &index].concat()
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

        /// However a program copies, and however long it pauses in between (up to 20 s, as a slow network drive does; up to
        /// 55 s for kinds of files whose end nobody can see), nothing is taken before the last byte is there, it is taken
        /// soon after, and it is never called broken meanwhile; whatever the drive's clock says, and however coarsely.
        #[test]
        fn no_copy_is_taken_early_none_is_missed(
            kind in 0..4_usize,
            way in 0..3_usize,
            skew in -7200..7200_i64,
            coarse in proptest::bool::ANY,
            keeps_date in proptest::bool::ANY,
            pauses in proptest::collection::vec(0..=20_u64, 40),
            interval in 1..=5_u64,
        ) {
            let whole = [mp4(), index_first(), index_last(), fragments()][kind].clone();
            let way = [Way::Growing, Way::Reserved, Way::EndFirst][way];
            // The end of a clip of which the index is there already is so short here that no look finds the room before it.
            let way = if way == Way::EndFirst && kind != 2 { Way::Reserved } else { way };
            let (mut drive, piece) = (Drive::default(), whole.len().div_ceil(12));
            let mut parts: Vec<std::ops::Range<usize>> =
                (0..whole.len()).step_by(piece).map(|at| at..(at + piece).min(whole.len())).collect();
            if way == Way::EndFirst {
                // The index is one piece: it is shorter than what is written at once.
                let index = 16 + 308;
                parts.retain(|part| part.start < index);
                parts.last_mut().unwrap().end = index;
                parts.insert(0, index..whole.len());
            }
            let mut looks = Looks::new(SETTLE);
            // The watch looked before the copy began.
            looks.look_with(&[], at(0), &drive);
            let (mut now, mut written) = (10_u64, 0_u64);
            let mut next_look = now;
            let date = |time: u64| {
                let time = if coarse { time / 2 * 2 } else { time };
                NOON + Duration::from_secs(1_000_000_u64.saturating_add_signed(skew) + time)
            };
            let look = |looks: &mut Looks, drive: &Drive, written: u64, now: u64| {
                let modified = if keeps_date { at(0) - Duration::from_secs(86_400) } else { date(written) };
                let candidate = Candidate { path: PathBuf::from("clip.mp4"), bytes: drive.bytes.len() as u64, modified };
                looks.look_with(&[candidate], at(now), drive).remove(0)
            };
            let last = parts.len() - 1;
            for (index, part) in parts.into_iter().enumerate() {
                if way != Way::Growing {
                    drive.bytes.resize(whole.len(), 0);
                }
                let end = part.end.max(drive.bytes.len());
                drive.bytes.resize(end, 0);
                drive.bytes[part.clone()].copy_from_slice(&whole[part]);
                written = now;
                if index == last {
                    break;
                }
                // A copy that keeps the old date and the size says nothing while it goes on. Its structure mostly does; where
                // that proves nothing, it is given a minute.
                let until = now + pauses[index] * if kind == 3 && way == Way::Growing { 2 } else { 1 };
                while next_look <= until {
                    let stand = look(&mut looks, &drive, written, next_look);
                    let settled = matches!(stand, Readiness::Settled);
                    let silent = keeps_date && way != Way::Growing;
                    proptest::prop_assert!(!settled || silent && next_look >= 10 + PATIENCE.as_secs(), "taken after part {index}");
                    proptest::prop_assert!(!matches!(stand, Readiness::Broken(_)) || silent, "part {index}: {stand:?}");
                    next_look += interval;
                }
                now = until;
            }
            let limit = now + 60 + 4 * interval;
            let mut taken = false;
            while !taken && next_look <= limit {
                taken = matches!(look(&mut looks, &drive, written, next_look), Readiness::Settled);
                next_look += interval;
            }
            proptest::prop_assert!(taken || keeps_date && way != Way::Growing, "missed: {way:?}");
        }
    }

    #[test]
    fn a_whole_file_that_a_program_still_writes_to_is_left_to_it_for_a_while() {
        let mut looks = Looks::new(SETTLE);
        let mut drive = Drive { bytes: mp4(), worked_on: true };
        let clip = seen(drive.bytes.len() as u64, 0);
        let mut stand =
            |drive: &Drive, second| looks.look_with(std::slice::from_ref(&clip), at(second), drive).remove(0);
        stand(&drive, 1);
        assert!(matches!(stand(&drive, 60), Readiness::Writing));
        assert!(matches!(stand(&drive, 590), Readiness::Writing));
        drive.worked_on = false;
        assert!(matches!(stand(&drive, 592), Readiness::Settled));
        // And not for ever.
        drive.worked_on = true;
        let mut looks = Looks::new(SETTLE);
        for second in [1, 700] {
            let stand = looks.look_with(std::slice::from_ref(&clip), at(second), &drive).remove(0);
            assert_eq!(matches!(stand, Readiness::Settled), second == 700);
        }
    }

    #[test]
    fn a_verdict_stands_until_the_file_changes_but_one_that_could_not_be_opened_is_tried_again() {
        struct Counted(std::cell::Cell<usize>, bool);
        impl Examine for Counted {
            fn wholeness(&self, _: &Candidate) -> io::Result<Wholeness> {
                self.0.set(self.0.get() + 1);
                if self.1 { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(Wholeness::Whole) }
            }
            fn is_worked_on(&self, _: &Candidate) -> bool {
                false
            }
        }
        let mut looks = Looks::new(SETTLE);
        let open = Counted(Default::default(), false);
        let mut look = |bytes, second, on: &Counted| looks.look_with(&[seen(bytes, 0)], at(second), on).remove(0);
        (0..10).for_each(|second| drop(look(5, 1000 + second, &open)));
        assert_eq!(open.0.get(), 1, "an inbox at rest is not opened again and again");
        (0..10).for_each(|second| drop(look(6, 1010 + second, &open)));
        assert_eq!(open.0.get(), 2);
        let shut = Counted(Default::default(), true);
        (0..4).for_each(|second| drop(look(7, 2000 + 100 * second, &shut)));
        assert_eq!(shut.0.get(), 3);
        assert!(matches!(look(7, 2500, &open), Readiness::Settled));
    }

    #[test]
    fn a_file_that_came_while_we_looked_is_timed_by_our_own_clock() {
        let mut looks = Looks::new(SETTLE);
        looks.look(&[], at(0));
        assert_eq!(looks.quiet(&seen(5, 0), at(1000)), None);
        assert_eq!(looks.quiet(&seen(5, 0), at(1001)), Some(Duration::from_secs(1)), "whatever its date says");
        // Our own clock is set back an hour.
        let mut late = Looks::new(SETTLE);
        late.quiet(&seen(5, 9999), at(5000));
        late.quiet(&seen(5, 9999), at(1400));
        assert_eq!(late.quiet(&seen(5, 9999), at(1403)), Some(Duration::from_secs(3)));
    }

    /// Twice the same look at one file with these bytes, `age` after it was written.
    fn stands(bytes: &[u8], age: Duration) -> Readiness {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        fs::write(&path, bytes).unwrap();
        let candidate = survey(folder.path(), Path::new("cuts")).unwrap().clips;
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
        let settle_for =
            |time| settle(folder.path(), Path::new("cuts"), time, &|_| false, &Cancel::new()).unwrap().clips;
        assert!(matches!(settle_for(Duration::from_millis(200))[..], [(_, Readiness::Settled)]));
        let stopped = Cancel::new();
        stopped.cancel();
        let day = Duration::from_secs(86_400);
        let pass = |known| settle(folder.path(), Path::new("cuts"), day, &|_| known, &stopped);
        assert!(pass(false).is_err_and(|f| f.is_cancelled()));
        assert!(matches!(pass(true).unwrap().clips[..], [(_, Readiness::Settled)]), "what is known is not waited for");
    }
}
