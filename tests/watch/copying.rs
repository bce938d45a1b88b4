//! Clips on their way into the folder: none is taken up before its last byte is there, none is missed, none is done twice.

use crate::common::desk::small_x;
use crate::watching::{Watching, is_torture, other, quick_desk, tiny};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How a clip gets into the folder.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// From front to back, the index last.
    Growing,
    /// Room for all of it first; the index is in front, so that it opens long before it is whole.
    Reserved,
    /// The end with the index first, in front of it nothing.
    EndFirst,
    /// Under another name, and renamed when it is whole.
    Renamed(&'static str),
    /// Under another name, and renamed while it is copied.
    RenamedEarly,
    /// At once, but the program keeps it open.
    HeldOpen,
    /// Its settings and its question come before it.
    TextsFirst,
    /// They come right after it.
    TextsLast,
    /// An empty file of the final name lies there until the other is renamed over it, as browsers do.
    Placeholder,
}

const WAYS: [Way; 9] = [
    Way::Growing,
    Way::Reserved,
    Way::EndFirst,
    Way::Renamed("part"),
    Way::RenamedEarly,
    Way::HeldOpen,
    Way::TextsFirst,
    Way::TextsLast,
    Way::Placeholder,
];

/// Pauses between the pieces of a copy.
struct Pauses {
    state: u64,
    longest: Duration,
}

impl Pauses {
    fn next(&mut self) -> Duration {
        // SplitMix64 (Steele, Lea and Flood 2014).
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        self.longest.mul_f64((z >> 40) as f64 / (1_u64 << 24) as f64)
    }

    /// The first pause of a copy is as long as they get: longer than a file has to be left alone.
    fn wait(&mut self, piece: usize) {
        thread::sleep(if piece == 1 { self.longest } else { self.next().mul_f64(0.5) });
    }
}

fn texts(inbox: &Path, name: &str) {
    fs::write(inbox.join(format!("{name}.toml")), "framing = \"fit\"\n").unwrap();
    fs::write(inbox.join(format!("{name}.question.txt")), "Does it hurt?\n").unwrap();
}

/// Copies a clip, and gives the time at which its last byte was there.
fn copy(inbox: &Path, name: &str, bytes: &[u8], way: Way, pauses: &mut Pauses) -> Instant {
    let target = inbox.join(format!("{name}.mp4"));
    let beside = |end: &str| inbox.join(format!("{name}.mp4.{end}"));
    let third = bytes.len() / 3;
    let mut pieces = vec![(0, &bytes[..third]), (third, &bytes[third..2 * third]), (2 * third, &bytes[2 * third..])];
    let write = |place: &Path, pieces: &[(usize, &[u8])], pauses: &mut Pauses, room: u64| {
        let mut file = File::create(place).unwrap();
        file.set_len(room).unwrap();
        for (index, (at, piece)) in pieces.iter().enumerate() {
            pauses.wait(index);
            file.seek(SeekFrom::Start(*at as u64)).unwrap();
            file.write_all(piece).unwrap();
        }
        // Another computer's writer: nothing here has it open between the pieces.
        drop(file);
    };
    match way {
        Way::Growing | Way::Reserved | Way::EndFirst => {
            if way == Way::EndFirst {
                pieces.rotate_right(1);
            }
            let room = if way == Way::Growing { 0 } else { bytes.len() as u64 };
            // Over a network nobody here has the file open, so each piece is written by a handle of its own.
            for (index, (at, piece)) in pieces.iter().enumerate() {
                pauses.wait(index);
                let mut file = File::options().create(true).truncate(false).write(true).open(&target).unwrap();
                if index == 0 {
                    file.set_len(room).unwrap();
                }
                file.seek(SeekFrom::Start(*at as u64)).unwrap();
                file.write_all(piece).unwrap();
            }
        }
        Way::Renamed(end) => {
            write(&beside(end), &pieces, pauses, 0);
            fs::rename(beside(end), &target).unwrap();
        }
        Way::RenamedEarly => {
            let (first, rest) = pieces.split_at(1);
            write(&beside("tmp"), first, pauses, 0);
            fs::rename(beside("tmp"), &target).unwrap();
            for (index, (_, piece)) in rest.iter().enumerate() {
                pauses.wait(index + 1);
                File::options().append(true).open(&target).unwrap().write_all(piece).unwrap();
            }
        }
        Way::HeldOpen => {
            let mut file = File::create(&target).unwrap();
            file.write_all(bytes).unwrap();
            pauses.wait(1);
            drop(file);
        }
        Way::TextsFirst => {
            texts(inbox, name);
            pauses.wait(1);
            fs::write(&target, bytes).unwrap();
        }
        Way::TextsLast => {
            fs::write(&target, bytes).unwrap();
            thread::sleep(Duration::from_millis(500));
            texts(inbox, name);
        }
        Way::Placeholder => {
            fs::write(&target, "").unwrap();
            write(&beside("part"), &pieces, pauses, 0);
            fs::rename(beside("part"), &target).unwrap();
        }
    }
    Instant::now()
}

#[test]
fn no_clip_is_taken_early_missed_or_done_twice() {
    let (count, longest) =
        if is_torture() { (100, Duration::from_secs(20)) } else { (WAYS.len(), Duration::from_secs(4)) };
    let seed = std::env::var("HOUSECALL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122_u64);
    println!("HOUSECALL_SEED={seed}");
    let desk = quick_desk();
    let (index_last, index_first) = (tiny(&[]), tiny(&["-movflags", "+faststart"]));
    let mut watching = Watching::start(&desk);
    desk.drop_file("first.mp4", &other(&index_last, 1000));
    watching.until("the first clip", Duration::from_secs(60), |w| w.made("first") == 1);
    thread::sleep(Duration::from_secs(3));
    let before = watching.usage();

    let inbox = desk.inbox();
    let finished: Vec<(String, Way, Instant)> = thread::scope(|scope| {
        // Copies that never become a clip.
        let half = inbox.join("given-up.mp4");
        fs::write(&half, &index_last[..index_last.len() / 2]).unwrap();
        fs::write(inbox.join("loading.mp4.crdownload"), &index_last).unwrap();
        fs::write(inbox.join("loading.tmp.mp4"), &index_last).unwrap();
        let copies: Vec<_> = (0..count)
            .map(|number| {
                let (way, inbox) = (WAYS[number % WAYS.len()], &inbox);
                let clip = if way == Way::Reserved { &index_first } else { &index_last };
                let bytes = other(clip, number);
                let mut pauses = Pauses { state: seed.wrapping_add(number as u64), longest };
                scope.spawn(move || {
                    let name = format!("clip-{number}");
                    let end = copy(inbox, &name, &bytes, way, &mut pauses);
                    (name, way, end)
                })
            })
            .collect();
        thread::sleep(longest);
        fs::remove_file(half).unwrap();
        // Another clip takes the name of one that was done.
        let new = inbox.join("new.part");
        fs::write(&new, other(&index_first, 2000)).unwrap();
        fs::rename(new, inbox.join("first.mp4")).unwrap();
        copies.into_iter().map(|copy| copy.join().unwrap()).collect()
    });

    let limit = Duration::from_secs(if is_torture() { 1800 } else { 120 });
    watching.until("every clip done", limit, |w| {
        finished.iter().all(|(name, ..)| w.made(name) > 0) && w.made("first") == 2
    });
    // A few looks more: what would be done twice would be done now.
    thread::sleep(Duration::from_secs(4));
    for (name, way, end) in &finished {
        let taken = watching.of("entered", name)[0].0;
        assert!(taken >= *end, "{name} ({way:?}) was taken up {:?} before it was whole", *end - taken);
        let published = watching.of("published", name).len();
        assert_eq!((watching.made(name), published), (1, 1), "{name} ({way:?}): {:#?}", watching.told());
        assert!(desk.out().join(format!("x/{name}.mp4")).is_file());
    }
    let failed: Vec<_> = watching.told().into_iter().filter(|(_, event)| event["event"] == "failed").collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for name in ["given-up", "loading", "loading.tmp"] {
        assert!(watching.of("entered", name).is_empty(), "{name}");
    }
    // All of this left nothing behind in the program.
    println!("before: {before:?}\nafter {count} clips: {:?}", watching.usage());
    watching.until("as few handles and threads as before", Duration::from_secs(20), |w| {
        let after = w.usage();
        after.handles <= before.handles && after.threads <= before.threads && after.resident < before.resident + 100
    });
    watching.signal("-INT");
    assert_eq!(watching.child.wait().unwrap().code(), Some(0));

    let files = fs::read_dir(&inbox).unwrap().count();
    let again = desk.batch("run", &["--platforms", "x"]);
    assert_eq!(again.code, 0, "{again:?}");
    let ended = &again.events("ended")[0];
    assert_eq!((&ended["clips"], &ended["unchanged"]), (&(count + 1).into(), &(count + 1).into()), "{again:?}");
    assert_eq!(fs::read_dir(&inbox).unwrap().count(), files);
}

#[test]
fn a_clip_that_is_replaced_or_taken_away_while_it_is_made_is_not_published_as_what_it_was() {
    let desk = quick_desk();
    // Slow enough to be caught at it.
    let slow = small_x().replace("ultrafast", "medium");
    desk.practice(&format!("[hook]\nenabled = false\n[end_card]\nenabled = false\n{slow}"));
    let (long, limit) = (desk.clip(5), Duration::from_secs(120));
    let watching = Watching::start(&desk);
    let at_work = |name: &str| {
        watching.until(name, limit, |w| w.of("progress", name).iter().any(|(_, event)| event["stage"] == "render"));
    };
    desk.drop_file("swapped.mp4", &other(&long, 1));
    at_work("swapped");
    let new: PathBuf = desk.inbox().join("new.part");
    fs::write(&new, other(&tiny(&[]), 2)).unwrap();
    fs::rename(new, desk.inbox().join("swapped.mp4")).unwrap();
    watching.until("the new one is published", limit, |w| !w.of("published", "swapped").is_empty());
    let cut = crate::common::measure::describe(&desk.out().join("x/swapped.mp4"));
    let seconds: f64 = cut["format"]["duration"].as_str().unwrap().parse().unwrap();
    assert!(seconds < 2.0, "a cut of {seconds} s is of the clip that was replaced");
    desk.drop_file("gone.mp4", &other(&long, 3));
    at_work("gone");
    fs::remove_file(desk.inbox().join("gone.mp4")).unwrap();
    watching.until("its end", limit, |w| !w.of("finished", "gone").is_empty());
    let failed = watching.of("failed", "gone");
    assert!(failed.iter().any(|(_, event)| event["what"].as_str().unwrap().contains("taken away")), "{failed:?}");
    assert!(watching.of("published", "gone").is_empty() && !desk.out().join("x/gone.mp4").exists());
}
