//! The folder of clips belongs to people: whatever Housecall does, nothing in it is written, renamed or deleted, and nothing
//! is followed out of it.
#![cfg(unix)]

use crate::common::desk::Desk;
use crate::watching::{Watching, other, quick_desk, tiny};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What is known of one thing in a folder: kind and mode, inode, names that lead to it, size, times, bytes. Not when it
/// was last read.
type Thing = (u32, u64, u64, u64, (i64, i64), (i64, i64), Option<Vec<u8>>);

/// Everything in a folder, and the folder itself.
fn snapshot(folder: &Path) -> BTreeMap<OsString, Thing> {
    let thing = |path: &Path| {
        let about = fs::symlink_metadata(path).unwrap();
        let bytes = about.is_file().then(|| fs::read(path).unwrap());
        let (modified, changed) = ((about.mtime(), about.mtime_nsec()), (about.ctime(), about.ctime_nsec()));
        (about.mode(), about.ino(), about.nlink(), about.len(), modified, changed, bytes)
    };
    let mut found = BTreeMap::from([(OsString::from("."), thing(folder))]);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.insert(path.file_name().unwrap().to_os_string(), thing(&path));
    }
    found
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A desk with everything in its inbox that should not be there, which may be read only.
fn crowded() -> (Desk, UnixListener) {
    let desk = quick_desk();
    let (inbox, clip) = (desk.inbox(), tiny(&[]));
    desk.practice(
        "[hook]\nenabled = false\n[end_card]\nenabled = false\n[review]\nrequire = \"all\"\n[platform.x]\npreset = \"ultrafast\"",
    );
    desk.drop_file("real.mp4", &clip);
    let elsewhere = inbox.with_file_name("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("private.mp4"), other(&clip, 1)).unwrap();
    fs::write(elsewhere.join("private.txt"), "The patient in room four is called Zebedee.").unwrap();
    symlink(elsewhere.join("private.mp4"), inbox.join("link.mp4")).unwrap();
    symlink("real.mp4", inbox.join("second.mp4")).unwrap();
    symlink("/dev/zero", inbox.join("zero.mov")).unwrap();
    symlink("loop.mp4", inbox.join("loop.mp4")).unwrap();
    for text in ["real.txt", "real.question.txt"] {
        symlink(elsewhere.join("private.txt"), inbox.join(text)).unwrap();
    }
    pipe(&inbox.join("pipe.mp4"));
    pipe(&inbox.join("questions.csv"));
    fs::create_dir(inbox.join("folder.mp4")).unwrap();
    let socket = UnixListener::bind(inbox.join("socket.mp4")).unwrap();
    for entry in fs::read_dir(&inbox).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o444)).unwrap();
        }
    }
    fs::set_permissions(&inbox, fs::Permissions::from_mode(0o555)).unwrap();
    (desk, socket)
}

#[test]
fn no_verb_touches_anything_in_the_inbox_or_follows_anything_out_of_it() {
    let (desk, _socket) = crowded();
    let inbox = desk.inbox();
    let before = snapshot(&inbox);
    let untouched = |after: &str| assert_eq!(snapshot(&inbox), before, "after {after}");
    let strange = ["folder.mp4", "link.mp4", "loop.mp4", "pipe.mp4", "second.mp4", "socket.mp4", "zero.mov"];

    let planned = desk.batch("plan", &["--platforms", "x"]);
    assert_eq!(planned.lines().len(), 1, "{planned:?}");
    untouched("plan");
    let done = desk.batch("run", &["--platforms", "x"]);
    assert_eq!(done.code, 3, "{done:?}");
    let notes: Vec<String> = done.events("note").iter().map(|e| e["text"].as_str().unwrap().to_string()).collect();
    for name in strange {
        let told = notes.iter().filter(|note| note.starts_with(&format!("{name} is "))).count();
        assert_eq!(told, 1, "{name}: {notes:#?}");
    }
    assert!(notes.iter().any(|note| note.contains("real.txt") && note.contains("a link")), "{notes:#?}");
    untouched("run");
    for (arguments, code) in [
        (&["status"][..], 3),
        (&["approve", "real", "--by", "Dana Reed"], 0),
        (&["hold", "real", "--by", "Dana Reed"], 0),
        (&["approve", "real", "--by", "Dana Reed"], 0),
        (&["clean", "--yes"], 0),
    ] {
        let done = desk.housecall(arguments);
        assert_eq!(done.code, code, "{done:?}");
        untouched(arguments[0]);
    }
    let watching = Watching::start(&desk);
    watching.until("it took the clip up", Duration::from_secs(60), |w| !w.of("finished", "real").is_empty());
    thread::sleep(Duration::from_secs(5));
    for name in strange {
        assert_eq!(watching.notes(&format!("{name} is ")), 1, "{name}: {:#?}", watching.told());
    }
    assert_eq!(watching.end("-INT").0, Some(0));
    untouched("watch");
    let cuts: Vec<_> = desk.files().into_keys().filter(|f| f.extension().is_some_and(|e| e == "mp4")).collect();
    assert_eq!(cuts, [Path::new("x/real.mp4")]);
    for (file, _) in desk.files() {
        let bytes = fs::read(desk.out().join(&file)).unwrap();
        assert!(!bytes.windows(7).any(|seven| seven == b"Zebedee"), "{} holds private words", file.display());
    }
}

#[test]
fn an_inbox_that_is_the_output_or_lies_in_it_is_refused_untouched() {
    let desk = quick_desk();
    desk.drop_file("real.mp4", &tiny(&[]));
    let (inbox, home) = (desk.inbox(), desk.inbox().with_file_name("."));
    symlink(&inbox, desk.inbox().with_file_name("also-inbox")).unwrap();
    let before = snapshot(&inbox);
    for verb in ["run", "plan", "watch"] {
        for out in ["inbox", "also-inbox", home.to_str().unwrap(), "inbox/../inbox"] {
            let done = desk.batch(verb, &["--platforms", "x", "--out", out]);
            assert_eq!(done.code, 1, "{verb} {out}: {done:?}");
            assert!(done.err.contains("--out"), "{}", done.err);
            assert_eq!(snapshot(&inbox), before, "{verb} {out}");
        }
    }
    assert!(!desk.inbox().with_file_name(".housecall").exists());
    // Cuts below the inbox are a person's choice. They are never taken for clips.
    for _ in 0..2 {
        let done = desk.batch("run", &["--platforms", "x", "--out", "inbox/cuts"]);
        assert_eq!((done.code, done.events("ended")[0]["clips"].as_u64()), (0, Some(1)), "{done:?}");
    }
    let mut after = snapshot(&inbox);
    assert!(after.remove(&OsString::from("cuts")).is_some());
    let without_home = |mut things: BTreeMap<OsString, Thing>| {
        things.remove(&OsString::from("."));
        things
    };
    assert_eq!(without_home(after), without_home(before));
}

#[test]
fn what_is_swapped_for_a_pipe_or_a_link_at_the_last_moment_is_neither_waited_for_nor_followed() {
    let desk = quick_desk();
    let (inbox, clip) = (desk.inbox(), tiny(&[]));
    let elsewhere = inbox.with_file_name("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let private = elsewhere.join("private.mp4");
    fs::write(&private, other(&clip, 9)).unwrap();
    let real = desk.drop_file("swapped.mp4", &clip);
    let kept = elsewhere.join("kept.mp4");
    fs::copy(&real, &kept).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (pipe_at, link_at, real_at) = (elsewhere.join("pipe"), elsewhere.join("link"), elsewhere.join("real"));
            while !stop.load(Ordering::Relaxed) {
                pipe(&pipe_at);
                symlink(&private, &link_at).unwrap();
                for strange in [&pipe_at, &link_at] {
                    fs::rename(strange, &real).unwrap();
                    thread::sleep(Duration::from_millis(2));
                    fs::copy(&kept, &real_at).unwrap();
                    let hour = std::time::SystemTime::now() - Duration::from_secs(3600);
                    fs::File::options().append(true).open(&real_at).unwrap().set_modified(hour).unwrap();
                    fs::rename(&real_at, &real).unwrap();
                    thread::sleep(Duration::from_millis(5));
                }
            }
        });
        for _ in 0..2 {
            let began = Instant::now();
            let done = desk.batch("run", &["--platforms", "x"]);
            assert!(matches!(done.code, 0 | 2), "{done:?}");
            assert!(began.elapsed() < Duration::from_secs(60), "it waited for a pipe");
        }
        stop.store(true, Ordering::Relaxed);
    });
    let digest = blake3::hash(&fs::read(&private).unwrap()).to_hex().to_string();
    let known = fs::read_to_string(desk.out().join(".housecall/digests.json")).unwrap_or_default();
    assert!(!known.contains(&digest), "the private clip was read through a link");
}
