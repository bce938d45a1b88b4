//! What a watch remembers from look to look, and when it is time to run. Holds no clock and opens nothing but clips that
//! are at rest.

use super::{Candidate, Looked, Looks, Readiness, Stranger};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Texts that go on changing are waited for this long and no longer.
const MOST_UNREST: Duration = Duration::from_secs(30);
/// A copy that takes longer than this is told of.
const LONG_COPY: Duration = Duration::from_secs(30);
/// When what failed is tried again for the first time; each further time it takes twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(600);
/// Longest time until what failed is tried again.
const LAST_RETRY: Duration = Duration::from_secs(4 * 3600);

/// Settings, scripts, questions and captions: where they lie, their size and when they were changed.
pub type Texts = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// What lies there at one look.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// The clips.
    pub clips: Vec<Candidate>,
    /// What is not taken.
    pub strange: Vec<Stranger>,
    /// What people wrote, in order of their places.
    pub texts: Texts,
}

/// What follows from a look.
#[derive(Debug, Default)]
pub struct Seen {
    /// What a person should know, in whole sentences; each is told once.
    pub news: Vec<String>,
    /// The clips and how they stand.
    pub clips: Vec<(Candidate, Readiness)>,
    /// With what to run, if it is time to.
    pub run: Option<Looked>,
}

/// Everything that what a run makes depends on: clips at rest, with what is wrong with those that are broken, and texts.
#[derive(Debug, Clone, PartialEq, Default)]
struct Key {
    clips: Vec<(Candidate, Option<String>)>,
    texts: Texts,
}

/// What a watch remembers.
#[derive(Debug)]
pub struct Vigil {
    settle: Duration,
    looks: Looks,
    /// Texts at the look before, when they were first seen so, and since when they have been changing.
    texts: Option<(Texts, SystemTime, SystemTime)>,
    /// What the last complete run was about.
    done: Option<Key>,
    /// What this look would be about.
    now: Key,
    /// Whether any run was complete.
    ran: bool,
    /// When what failed is tried again, and how long that was waited for.
    retry: Option<(SystemTime, Duration)>,
    /// Names that were told of as not taken.
    strange: BTreeSet<Stranger>,
    /// Clips that are being copied, since when, and whether that was told.
    copying: BTreeMap<PathBuf, (SystemTime, bool)>,
    /// Whether the look before saw clips.
    had_clips: bool,
    /// Whether any look did.
    knows_clips: bool,
}

impl Vigil {
    /// Nothing seen; files and texts have to be unchanged for `settle`.
    pub fn new(settle: Duration) -> Self {
        Vigil {
            settle,
            looks: Looks::new(settle),
            texts: None,
            done: None,
            now: Key::default(),
            ran: false,
            retry: None,
            strange: BTreeSet::new(),
            copying: BTreeMap::new(),
            had_clips: false,
            knows_clips: false,
        }
    }

    /// Whether no run was complete so far.
    pub fn is_first(&self) -> bool {
        !self.ran
    }

    /// Takes in a look at the time `now`, and says whether it is time to run.
    pub fn look(&mut self, sight: &Sight, now: SystemTime) -> Seen {
        let mut news = self.strangers(&sight.strange);
        if sight.clips.is_empty() {
            // A drive that goes away leaves an empty folder. Nothing that was made is given up for that.
            if std::mem::take(&mut self.had_clips) {
                news.push(
                    "The folder has no clips any more; nothing is changed for that. If it lies on a drive, check that \
                     the drive is connected. Still watching."
                        .into(),
                );
            }
            // What was known of the clips counts when they are back as they were. Before the first clip, a look that saw
            // nothing says that whatever comes later came while we looked.
            if !self.knows_clips {
                self.looks.look(&[], now);
            }
            self.copying.clear();
            return Seen { news, clips: Vec::new(), run: None };
        }
        (self.had_clips, self.knows_clips) = (true, true);
        let stands = self.looks.look(&sight.clips, now);
        let clips: Vec<(Candidate, Readiness)> = sight.clips.iter().cloned().zip(stands).collect();
        news.extend(self.long_copies(&clips, now));
        let ready = clips.iter().filter_map(|(clip, stand)| match stand {
            Readiness::Writing => None,
            Readiness::Settled => Some((clip.clone(), None)),
            Readiness::Broken(fault) => Some((clip.clone(), Some(fault.what().to_string()))),
        });
        self.now = Key { clips: ready.collect(), texts: sight.texts.clone() };
        let at_rest = self.texts_at_rest(&sight.texts, now);
        let new = self.done.as_ref() != Some(&self.now) || self.retry.is_some_and(|(time, _)| now >= time);
        let run = new && at_rest && !self.now.clips.is_empty();
        let run = run.then(|| Looked { clips: clips.clone(), strange: sight.strange.clone() });
        Seen { news, clips, run }
    }

    /// A run about the last look ended at the time `now`. `whole` says that it took up every clip that was at rest,
    /// `may_mend` that something failed which waiting may mend.
    pub fn ran(&mut self, whole: bool, may_mend: bool, now: SystemTime) {
        self.ran |= whole;
        // What changed or vanished while it was worked on was perhaps not done, and may look the same when it is back.
        let same = self.now.clips.iter().all(|(clip, _)| clip.is_as_seen());
        let key = std::mem::take(&mut self.now);
        let again = self.done.as_ref() == Some(&key);
        self.retry = may_mend.then(|| {
            let before = self.retry.filter(|_| again).map(|(_, wait)| wait * 2);
            let wait = before.unwrap_or(FIRST_RETRY).min(LAST_RETRY);
            (now + wait, wait)
        });
        // What is still being copied is not part of the key, and counts as new once it is at rest.
        self.done = (whole && same).then_some(key);
    }

    fn strangers(&mut self, strange: &[Stranger]) -> Vec<String> {
        let now: BTreeSet<Stranger> = strange.iter().cloned().collect();
        let news = now.difference(&self.strange).map(|stranger| format!("{}.", stranger.told())).collect();
        self.strange = now;
        news
    }

    fn long_copies(&mut self, clips: &[(Candidate, Readiness)], now: SystemTime) -> Vec<String> {
        let writing = clips.iter().filter(|(_, stand)| matches!(stand, Readiness::Writing));
        let copying = writing.map(|(clip, _)| {
            let known = self.copying.get(&clip.path).copied();
            (clip.path.clone(), known.unwrap_or((now, false)))
        });
        self.copying = copying.collect();
        let long = |since: SystemTime| now.duration_since(since).is_ok_and(|time| time >= LONG_COPY);
        let news = self.copying.iter_mut().filter(|(_, (since, told))| !*told && long(*since));
        news.map(|(path, (_, told))| {
            *told = true;
            format!("{} is still being copied; it is taken up when it is whole.", super::name_of(path))
        })
        .collect()
    }

    /// Whether no text was changed just now: half a sidecar is no sidecar, and one that is copied together with its clip
    /// should be there when the clip is taken up.
    fn texts_at_rest(&mut self, texts: &Texts, now: SystemTime) -> bool {
        let (since, unrest) = match &self.texts {
            Some((before, since, unrest)) if before == texts => (*since, *unrest),
            Some((_, since, unrest)) => {
                let rested = now.duration_since(*since).is_ok_and(|time| time >= self.settle);
                (now, if rested { now } else { *unrest })
            }
            // What lay there before the watch began has rested since its date.
            None => {
                let newest = texts.iter().filter_map(|(_, _, date)| *date).max().unwrap_or(SystemTime::UNIX_EPOCH);
                (newest.min(now), newest.min(now))
            }
        };
        // A clock that was set back would make everything wait for it.
        let (since, unrest) = (since.min(now), unrest.min(now));
        if self.texts.as_ref().is_none_or(|(before, ..)| before != texts) {
            self.texts = Some((texts.clone(), since, unrest));
        }
        let lasts = |since: SystemTime, time: Duration| now.duration_since(since).is_ok_and(|passed| passed >= time);
        lasts(since, self.settle) || lasts(unrest, MOST_UNREST)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs::{self, File};
    use tempfile::TempDir;

    const SETTLE: Duration = Duration::from_secs(3);

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + second)
    }

    /// An inbox with clips that open whole and were written at the time 0.
    fn inbox(names: &[&str]) -> (TempDir, Sight) {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            // A type, data, and an index with a track.
            fs::write(&path, b"\0\0\0\x10ftypisomiso2\0\0\0\x0Cmdat\x07\x07\x07\x07\0\0\0\x10moov\0\0\0\x08trak")
                .unwrap();
            File::options().append(true).open(path).unwrap().set_modified(at(0)).unwrap();
        }
        let survey = super::super::survey(folder.path(), &folder.path().join("cuts")).unwrap();
        (folder, Sight { clips: survey.clips, strange: survey.strange, texts: Vec::new() })
    }

    fn runs(vigil: &mut Vigil, sight: &Sight, second: u64) -> bool {
        vigil.look(sight, at(second)).run.is_some()
    }

    #[test]
    fn an_inbox_that_does_not_change_is_run_once() {
        let (_folder, sight) = inbox(&["a.mp4", "b.mp4"]);
        let mut vigil = Vigil::new(SETTLE);
        assert!(!runs(&mut vigil, &sight, 100));
        assert!(runs(&mut vigil, &sight, 102));
        vigil.ran(true, false, at(103));
        assert!((104..100_000).step_by(2000).all(|second| !runs(&mut vigil, &sight, second)));
        let fewer = Sight { clips: sight.clips[..1].to_vec(), ..Sight::default() };
        assert!(runs(&mut vigil, &fewer, 200_000), "a clip was taken away, and the report should say so");
    }

    #[test]
    fn an_empty_folder_is_told_of_once_and_changes_nothing() {
        let (_folder, sight) = inbox(&["a.mp4"]);
        let mut vigil = Vigil::new(SETTLE);
        assert!(!runs(&mut vigil, &sight, 100) && runs(&mut vigil, &sight, 102));
        vigil.ran(true, false, at(103));
        let empty = Sight::default();
        let news: Vec<String> = (104..110).flat_map(|second| vigil.look(&empty, at(second)).news).collect();
        assert_eq!(news.len(), 1, "{news:?}");
        assert!((110..120).all(|second| !runs(&mut vigil, &sight, second)), "it is back as it was");
    }

    #[test]
    fn texts_are_waited_for_but_not_for_ever() {
        let (_folder, clips) = inbox(&["a.mp4"]);
        let text = |second: u64| vec![(PathBuf::from("a.toml"), second, Some(at(second)))];
        let sight = |second: u64| Sight { texts: text(second), ..clips.clone() };
        let mut vigil = Vigil::new(SETTLE);
        runs(&mut vigil, &clips, 100);
        // Copied while we looked: at rest three seconds later.
        assert!(!runs(&mut vigil, &sight(1), 101) && !runs(&mut vigil, &sight(1), 103));
        assert!(runs(&mut vigil, &sight(1), 104));
        vigil.ran(true, false, at(105));
        // A program that saves all the time.
        let first = (106..200).find(|second| runs(&mut vigil, &sight(*second), *second));
        assert_eq!(first, Some(136));
        // What lay there before is not waited for.
        let mut late = Vigil::new(SETTLE);
        runs(&mut late, &sight(1), 100);
        assert!(runs(&mut late, &sight(1), 101));
    }

    #[test]
    fn what_failed_is_tried_again_ever_more_rarely() {
        let (_folder, sight) = inbox(&["a.mp4"]);
        let mut vigil = Vigil::new(SETTLE);
        runs(&mut vigil, &sight, 0);
        let mut tries = Vec::new();
        for second in (100..100_000).step_by(100) {
            if runs(&mut vigil, &sight, second) {
                tries.push(second);
                vigil.ran(true, true, at(second));
            }
        }
        let waits: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(waits[..6], [600, 1200, 2400, 4800, 9600, 14_400], "{waits:?}");
        vigil.ran(true, false, at(100_000));
        assert!(!runs(&mut vigil, &sight, 300_000), "nothing fails any more");
    }

    #[test]
    fn a_run_during_which_a_clip_changed_does_not_count() {
        let (folder, sight) = inbox(&["a.mp4"]);
        let mut vigil = Vigil::new(SETTLE);
        assert!(!runs(&mut vigil, &sight, 100) && runs(&mut vigil, &sight, 102));
        fs::rename(folder.path().join("a.mp4"), folder.path().join("away")).unwrap();
        vigil.ran(true, false, at(103));
        assert!(runs(&mut vigil, &sight, 104), "the drive is back with the clip as it was");
    }

    #[test]
    fn what_is_not_taken_and_long_copies_are_told_of_once() {
        let (_folder, mut sight) = inbox(&["a.mp4"]);
        sight.strange = vec![Stranger { name: "link.mp4".into(), what: "a link" }];
        let mut vigil = Vigil::new(SETTLE);
        let mut news = Vec::new();
        for second in 100..200 {
            sight.clips[0].bytes = second;
            news.extend(vigil.look(&sight, at(second)).news);
        }
        assert_eq!(news.len(), 2, "{news:?}");
        assert!(news[0].starts_with("link.mp4 is a link") && news[1].starts_with("a.mp4 is still being copied"));
    }
}
