//! What a journal says after anything that can happen to its file.

#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn done(clip: &str, out: &Path) -> Entry {
    let files = vec![(PathBuf::from("a.mp4"), Stamp::of(&out.join("a.mp4")).unwrap())];
    Entry::Done { clip: clip.into(), fingerprint: Digest("f".into()), files }
}

#[test]
fn a_torn_last_line_loses_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (out, file) = (folder.path(), folder.path().join("journal.ndjson"));
    fs::write(out.join("a.mp4"), "cut").unwrap();
    let journal = Journal::open(&file, out).unwrap();
    journal.append(done("one", out)).unwrap();
    journal.append(done("two", out)).unwrap();
    let whole = fs::read(&file).unwrap();
    let first = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
    for length in first..whole.len() - 1 {
        fs::write(&file, &whole[..length]).unwrap();
        let journal = Journal::open(&file, out).unwrap();
        assert!(
            journal.is_done("one", &Digest("f".into())) && !journal.is_done("two", &Digest("f".into())),
            "{length}"
        );
        journal.append(done("three", out)).unwrap();
        assert!(Journal::open(&file, out).unwrap().is_done("three", &Digest("f".into())), "{length}");
    }
}

#[test]
fn a_touched_file_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let (out, file) = (folder.path(), folder.path().join("journal.ndjson"));
    fs::write(out.join("a.mp4"), "cut").unwrap();
    let journal = Journal::open(&file, out).unwrap();
    journal.append(done("one", out)).unwrap();
    fs::write(out.join("a.mp4"), "another").unwrap();
    assert!(!journal.is_done("one", &Digest("f".into())));
}

/// A journal of these entries as it lies on the disk.
fn written(entries: &[Entry]) -> Vec<u8> {
    let line = |(number, entry): (usize, &Entry)| {
        let at = format!("2026-11-22T12:00:{:02}Z", number % 60);
        let body = serde_json::to_string(&Line { at, entry: entry.clone() }).unwrap();
        format!("{} {body}\n", checksum(&body)).into_bytes()
    };
    entries.iter().enumerate().flat_map(line).collect()
}

fn any_step() -> impl Strategy<Value = Step> {
    let stage = prop_oneof![Just(Stage::Probe), Just(Stage::Speech), Just(Stage::Render)];
    prop_oneof![
        Just(Step::Waiting),
        stage.clone().prop_map(|stage| Step::At { stage }),
        Just(Step::Again { why: "it died".into() }),
        (stage, "[ -~]{0,12}").prop_map(|(stage, what)| Step::Failed {
            stage,
            platforms: vec!["x".into()],
            what,
            advice: "a".into()
        }),
        Just(Step::Held),
        Just(Step::Finished),
    ]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let clip = "[ab]|é \"\n";
    let digest = "[0-3]".prop_map(Digest);
    let stamp = (0..4u64, 0..4u64).prop_map(|(bytes, modified)| Stamp { bytes, modified });
    let file = "[xy]/[ab]\\.mp4".prop_map(PathBuf::from);
    let files = prop::collection::vec((file.clone(), stamp.clone()), 0..3);
    prop_oneof![
        (file, digest.clone(), stamp).prop_map(|(file, key, stamp)| Entry::Published { file, key, stamp }),
        (clip, digest, files).prop_map(|(clip, fingerprint, files)| Entry::Done { clip, fingerprint, files }),
        Just(Entry::Begun { verb: "run".into(), inbox: "in".into() }),
        any::<bool>().prop_map(|stopped| Entry::Ended { stopped }),
        (clip, any_step()).prop_map(|(clip, step)| Entry::Step { clip, step }),
    ]
}

/// Asserts that nothing is said that no line told.
fn assert_told(said: &Replay, entries: &[Entry]) {
    for (clip, (fingerprint, files)) in &said.done {
        let (clip, fingerprint, files) = (clip.clone(), fingerprint.clone(), files.clone());
        assert!(entries.contains(&Entry::Done { clip, fingerprint, files }), "{said:?}");
    }
    for (file, (key, stamp)) in &said.published {
        let told = Entry::Published { file: file.clone(), key: key.clone(), stamp: *stamp };
        assert!(entries.contains(&told), "{said:?}");
    }
    for (clip, point) in &said.clips {
        assert!(entries.contains(&Entry::Step { clip: clip.clone(), step: point.step.clone() }), "{said:?}");
    }
}

proptest! {
    #[test]
    fn a_journal_that_is_cut_anywhere_says_what_its_whole_lines_say(
        entries in prop::collection::vec(any_entry(), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = written(&entries);
        let cut = cut.index(whole.len() + 1);
        let (said, look) = Replay::of(&whole[..cut]).unwrap();
        // The line before the cut counts where only its end is missing.
        let told = (0..=entries.len()).rfind(|n| written(&entries[..*n]).len() <= cut + 1).unwrap();
        prop_assert_eq!(&said, &Replay::of(&written(&entries[..told])[..]).unwrap().0);
        prop_assert_eq!(look.whole, told);
        prop_assert!(look.damaged <= 1);

        // Whoever goes on with it loses nothing of what was said and nothing of what is added.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.ndjson");
        fs::write(&file, &whole[..cut]).unwrap();
        let journal = Journal::open(&file, folder.path()).unwrap();
        prop_assert_eq!(journal.damaged(), look.damaged);
        journal.append(Entry::Step { clip: "new".into(), step: Step::Held }).unwrap();
        let (mut after, damaged) = Replay::read(&file).unwrap();
        prop_assert_eq!(damaged, 0);
        prop_assert!(after.clips.remove("new").is_some_and(|point| point.step == Step::Held));
        prop_assert_eq!(after, said);
    }

    #[test]
    fn a_journal_whose_bytes_were_changed_says_nothing_that_was_not_told(
        entries in prop::collection::vec(any_entry(), 1..12),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 1..8),
    ) {
        let mut bytes = written(&entries);
        for (at, change) in changes {
            let at = at.index(bytes.len());
            bytes[at] ^= change;
        }
        let (said, _) = Replay::of(&bytes[..]).unwrap();
        assert_told(&said, &entries);
        assert_told(&Replay::of(&compacted(&bytes, &|_| true)[..]).unwrap().0, &entries);
    }

    #[test]
    fn a_journal_that_was_compacted_says_the_same(entries in prop::collection::vec(any_entry(), 0..30)) {
        let bytes = written(&entries);
        let less = compacted(&bytes, &|_| true);
        prop_assert!(less.len() <= bytes.len());
        prop_assert_eq!(Replay::of(&less[..]).unwrap().0, Replay::of(&bytes[..]).unwrap().0);
        prop_assert_eq!(&compacted(&less, &|_| true), &less);
    }

    #[test]
    fn a_glance_says_of_clips_what_the_whole_journal_says(
        entries in prop::collection::vec(any_entry(), 0..30),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = written(&entries);
        let bytes = &whole[..cut.index(whole.len() + 1)];
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.ndjson");
        fs::write(&file, bytes).unwrap();
        let (said, look) = Replay::of(bytes).unwrap();
        let glance = Glance::of(&file).unwrap();
        prop_assert_eq!((glance.said().clips(), glance.said().batch()), (said.clips(), said.batch()));
        prop_assert_eq!(glance.damaged(), look.damaged);
        for clip in ["a", "b", "é \"\n", "nobody"] {
            prop_assert_eq!(glance.files(clip), said.done.get(clip).map_or_else(Vec::new, |(_, files)| files.clone()));
        }
    }

    #[test]
    fn what_is_found_is_what_a_look_at_all_files_finds(entries in prop::collection::vec(any_entry(), 0..30)) {
        let folder = tempfile::tempdir().unwrap();
        let (out, file) = (folder.path(), folder.path().join("journal.ndjson"));
        fs::create_dir(out.join("x")).unwrap();
        fs::write(out.join("x/a.mp4"), "").unwrap();
        let there = Stamp::of(&out.join("x/a.mp4")).unwrap();
        let journal = Journal::open(&file, out).unwrap();
        for (number, entry) in entries.into_iter().enumerate() {
            let entry = match entry {
                Entry::Published { file, key, .. } => Entry::Published { file, key, stamp: there },
                other => other,
            };
            journal.append(entry).unwrap();
            // From the middle on there is an index that has to follow.
            if number < 10 {
                continue;
            }
            let (said, _) = Replay::read(&file).unwrap();
            for key in ["0", "1", "2", "3"] {
                let of_key = |(file, (known, _)): &(&PathBuf, &(Digest, Stamp))| known.0 == key && out.join(file).exists();
                let found = said.published.iter().filter(of_key).map(|(file, _)| out.join(file)).min();
                prop_assert_eq!(journal.find(&Digest(key.into())), found);
            }
            let mut all: Vec<PathBuf> = said.published.keys().filter(|file| file.ends_with("a.mp4")).cloned().collect();
            all.sort();
            prop_assert_eq!(journal.files_of("a"), all);
        }
    }

    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Replay::of(&bytes[..]).unwrap().0, Replay::default());
    }
}

#[test]
fn a_journal_that_is_mostly_void_is_written_anew_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.ndjson");
    let step = |n: usize| Entry::Step { clip: "a".into(), step: Step::Again { why: n.to_string() } };
    fs::write(&file, written(&(0..=MOST_LINES).map(step).collect::<Vec<_>>())).unwrap();
    let before = Replay::read(&file).unwrap();
    drop(Journal::open(&file, folder.path()).unwrap());
    assert_eq!(Replay::read(&file).unwrap(), before);
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 1);
}

#[test]
fn to_look_for_a_file_takes_no_longer_among_ten_times_as_many() {
    let median = |clips: usize| {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.ndjson"), folder.path()).unwrap();
        let stamp = Stamp { bytes: 1, modified: 1 };
        for clip in 0..clips {
            let file = PathBuf::from(format!("x/{clip}.mp4"));
            journal.append(Entry::Published { file, key: Digest(clip.to_string()), stamp }).unwrap();
        }
        let look = |clip: usize| {
            let began = std::time::Instant::now();
            assert_eq!(journal.files_of(&clip.to_string()).len(), 1);
            assert_eq!(journal.find(&Digest(clip.to_string())), None, "it is not there");
            began.elapsed()
        };
        // Half of the looks may be disturbed by whatever else the computer does.
        let mut took: Vec<_> = (0..300).map(look).collect();
        took.sort();
        took[took.len() / 2]
    };
    let (few, many) = (median(300), median(3000));
    assert!(many < few * 5, "{few:?} among 300 clips, {many:?} among 3000");
}

#[test]
fn lines_of_a_later_version_are_kept_and_are_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.ndjson");
    let body = "{\"at\":\"2030-01-01T00:00:00Z\",\"event\":\"sung\"}";
    let text = format!("{} {body}\n", checksum(body));
    fs::write(&file, format!("{text}torn")).unwrap();
    assert_eq!(Journal::open(&file, folder.path()).unwrap().damaged(), 1);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_batch_that_finds_nothing_to_do_leaves_no_line_and_one_that_fails_says_so_without_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.ndjson");
    let journal = Journal::open(&file, folder.path()).unwrap();
    let work = Default::default();
    let ended =
        Event::Ended { clips: 1, unchanged: 1, failed: 0, held: 0, cuts: 1, stopped: false, work, report: None };
    let finished =
        |failed: bool| Event::Finished { clip: "a".into(), cuts: 1, held: false, unchanged: !failed, failed };
    for (round, lines) in [(0, 3), (1, 3)] {
        journal.begin("run", folder.path());
        journal.tell(&finished(false));
        journal.tell(&ended);
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), lines, "round {round}");
    }
    journal.begin("run", folder.path());
    let (clip, platforms) = ("a".to_string(), vec![]);
    let (what, advice) = ("it says \"Mr. Alvarez\"".into(), "mend it".into());
    journal.tell(&Event::Failed { clip, platforms, stage: Stage::Plan, what, advice });
    journal.tell(&finished(true));
    let (said, _) = Replay::read(&file).unwrap();
    assert!(matches!(&said.clips["a"].step, Step::Failed { what, .. } if what == "it says \"…\""), "{said:?}");
    assert_eq!(said.batch().unwrap().ended, None);
    // What was cut off is over once a batch went through, even one with nothing to do.
    drop(journal);
    let journal = Journal::open(&file, folder.path()).unwrap();
    journal.begin("run", folder.path());
    journal.tell(&ended);
    assert_eq!(Replay::read(&file).unwrap().0.batch().unwrap().ended, Some(false));
}
