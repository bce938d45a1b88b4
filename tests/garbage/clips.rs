//! Mutated clips through the whole program, with good ones among them.

use crate::common::desk::{Desk, small};
use crate::footage::early;
use crate::mutants::{Mutant, mutant};
use crate::watched::{assert_tidy, assert_whole, contents, watched};
use crate::{amount, seed};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// How many lie in one folder.
const A_FOLDER: usize = 50;
/// The most that the program and its children may hold at one time. Two clips at once, each with what FFmpeg itself takes
/// for the largest picture that it believes.
const MOST_MEMORY: u64 = 3 << 29;

#[test]
fn mutated_clips_are_all_told_of_and_the_good_ones_among_them_are_done() {
    let (seed, all) = (seed(), amount(48));
    println!("{all} mutants of HOUSECALL_SEED={seed}");
    for from in (0..all).step_by(A_FOLDER) {
        let mutants: Vec<Mutant> = (from..all.min(from + A_FOLDER)).map(|number| mutant(seed, number)).collect();
        folder_of(&mutants);
    }
}

fn folder_of(mutants: &[Mutant]) {
    let desk = Desk::new();
    let plain = "[end_card]\nenabled = false\n[hook]\nenabled = false\n";
    desk.practice(&format!("{plain}{}min_seconds = 0.2\n", small("tiktok", &[(240, 426)])));
    let (temporary, words) = (desk.out().with_file_name("temporary"), desk.out().with_file_name("words"));
    [&temporary, &words].into_iter().for_each(|folder| fs::create_dir(folder).unwrap());
    let captions = "1\n00:00:00,100 --> 00:00:00,800\nAsk us.\n";
    let good = ["good-one.mp4", "the-other-good-one.mp4"];
    for name in good {
        desk.drop_file(name, early());
    }
    for Mutant { name, bytes } in mutants {
        desk.drop_file(name, bytes);
    }
    for name in mutants.iter().map(|m| m.name.as_str()).chain(good) {
        fs::write(words.join(Path::new(name).with_extension("srt")), captions).unwrap();
    }
    let before = contents(&desk.inbox());
    let mut command = desk.command(&["run", "inbox", "--offline", "--json", "--platforms", "tiktok", "--jobs", "2"]);
    command.args(["--transcript", "words"]).env("TMPDIR", &temporary);
    let began = Instant::now();
    let seen = watched(command);
    println!("{} mutants, {:.1} s, peak {} MiB", mutants.len(), began.elapsed().as_secs_f64(), seen.peak >> 20);
    let files = desk.files();
    let page = fs::read_to_string(desk.out().join("report.html")).unwrap_or_default();
    let kept = keep_on_failure(mutants);
    seen.assert_sound();
    assert!(seen.peak < MOST_MEMORY, "{} MiB", seen.peak >> 20);
    assert!(contents(&desk.inbox()) == before, "the inbox was written to");
    assert_tidy(&desk, &temporary);

    let events: Vec<Value> = seen.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut failures = 0;
    for name in mutants.iter().map(|m| m.name.as_str()).chain(good) {
        let stem = name.rsplit_once('.').unwrap().0;
        // A clip that is not taken up is named by its file, any other by the stem of its files.
        let of = |kind: &str| events.iter().find(|e| e["event"] == kind && (e["clip"] == name || e["clip"] == stem));
        let cut = files.contains_key(Path::new(&format!("tiktok/{stem}.mp4")))
            || files.contains_key(Path::new(&format!("held/tiktok/{stem}.mp4")));
        match of("failed") {
            Some(told) => {
                failures += 1;
                let says = |key: &str| told[key].as_str().is_some_and(|text| !text.trim().is_empty());
                assert!(says("what") && says("advice") && says("stage") && !good.contains(&name), "{told}");
                assert!(!cut, "{name} failed and has a cut");
            }
            None => {
                let finished = of("finished").unwrap_or_else(|| panic!("{name} is passed over: {}", seen.err));
                // What is too short for the platform is left out, and the report says why.
                let card = page.split("<article").find(|card| card.contains(name)).unwrap_or_default();
                assert!(cut || (finished["cuts"] == 0 && card.contains("Left out")), "{name}: {finished}");
            }
        }
        assert!(page.contains(name), "{name} is not in the report: {}", seen.err);
    }
    assert_eq!(seen.code, Some(if failures > 0 { 2 } else { 0 }), "{}", seen.err);
    for cut in files.keys().filter(|file| file.extension().is_some_and(|e| e == "mp4")) {
        if !cut.starts_with(".housecall") {
            assert_whole(&desk.out().join(cut));
        }
    }
    drop(kept);
}

/// Leaves the files in target/garbage if the test fails, for whoever looks into it.
fn keep_on_failure(mutants: &[Mutant]) -> impl Drop + '_ {
    struct Kept<'a>(&'a [Mutant]);
    impl Drop for Kept<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/garbage");
                drop(fs::create_dir_all(&folder));
                self.0.iter().for_each(|m| drop(fs::write(folder.join(&m.name), &m.bytes)));
                println!("the clips are in {}", folder.display());
            }
        }
    }
    Kept(mutants)
}
