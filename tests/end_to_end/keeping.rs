//! What is kept in the output folder: who works there, what every clip is at, what was learned, and what goes.

use crate::common::desk::{Desk, Done, small_x};
use crate::common::measure::holds;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout};

/// One small platform, so that a cut takes a moment; with words that are given.
const SMALL: [&str; 4] = ["--platforms", "x", "--transcript", "inbox/said"];

/// A desk with silent clips of these names whose words are given.
fn desk(clips: &[(&str, &str)]) -> Desk {
    let desk = Desk::new();
    desk.practice(&small_x());
    fs::create_dir(desk.inbox().join("said")).unwrap();
    let clip = desk.clip(1);
    for (index, (name, said)) in clips.iter().enumerate() {
        // Another clip each, by a box that no reader minds.
        let padding = [&[0, 0, 0, 9][..], b"free", &[index as u8]].concat();
        desk.drop_file(&format!("{name}.mp4"), &[clip.clone(), padding].concat());
        let captions = format!("1\n00:00:00,100 --> 00:00:00,900\n{said}\n");
        fs::write(desk.inbox().join(format!("said/{name}.srt")), captions).unwrap();
    }
    desk
}

fn run(desk: &Desk) -> Done {
    desk.batch("run", &SMALL)
}

/// A program at work, and what it prints.
struct Working {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Working {
    /// Starts a batch and waits until it prints a line with all of these.
    fn start(desk: &Desk, further: &[&str], until: &[&str]) -> Self {
        let mut child = desk.command(&[&["run", "inbox", "--offline", "--json"], further].concat()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !until.iter().all(|part| line.contains(part)) {
            line.clear();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "it ended before it printed {until:?}");
        }
        Working { child, lines }
    }

    /// As when the power fails.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn end(mut self) -> Done {
        let mut out = String::new();
        std::io::Read::read_to_string(&mut self.lines, &mut out).unwrap();
        Done { out, ..Done::of(self.child.wait_with_output().unwrap()) }
    }
}

#[test]
fn a_second_program_is_told_who_is_at_work_and_a_killed_one_holds_nothing() {
    let rendering = ["\"progress\"", "\"render\""];
    let desk = desk(&[]);
    desk.practice("[platform.x]\npreset = \"veryslow\"");
    desk.drop_file("long.mp4", &desk.clip(10));
    let first = Working::start(&desk, &["--platforms", "x"], &rendering);
    let who = format!("(process {})", first.child.id());
    let second = desk.batch("run", &["--platforms", "x"]);
    assert_eq!(second.code, 1, "{second:?}");
    for said in ["another Housecall is working on cuts: housecall run on ", &who, "--wait", "--out"] {
        assert!(second.err.contains(said), "{said}: {}", second.err);
    }
    let others: [&[&str]; 3] = [&["approve", "long", "--by", "Ana"], &["hold", "long"], &["clean", "--yes"]];
    for refused in others.map(|arguments| desk.housecall(arguments)) {
        assert!(refused.code == 1 && refused.err.contains(&who) && refused.err.contains("--wait"), "{refused:?}");
    }
    let status = desk.housecall(&["status"]);
    assert!(status.code == 0 && status.err.contains(&who), "{status:?}");
    assert!(status.out.contains("being rendered") && status.out.contains("1 being made"), "{}", status.out);

    first.kill();
    let status = desk.housecall(&["status"]);
    assert_eq!(status.code, 2, "{status:?}");
    assert!(status.out.contains("was being rendered when the run was cut off; run again"), "{}", status.out);
    assert!(!status.err.contains("At work"), "{}", status.err);
    assert_eq!(desk.housecall(&["status", "--json"]).lines()[0]["state"], "cut-off");

    // It takes over from the killed one at once, and whoever waits takes over when it is stopped.
    let next = Working::start(&desk, &["--platforms", "x"], &rendering);
    desk.practice(&small_x());
    let waiting =
        Working::start(&desk, &["--platforms", "x", "--wait"], &["\"note\"", "Waiting until housecall run on"]);
    next.kill();
    let done = waiting.end();
    assert_eq!((done.code, done.events("ended").len()), (0, 1), "{done:?}");
    let status = desk.housecall(&["status", "--json"]);
    assert_eq!((status.code, &status.lines()[0]["state"]), (0, &"done".into()), "{status:?}");

    // The journal says no more than is true.
    fs::remove_file(desk.out().join("x/long.mp4")).unwrap();
    let status = desk.housecall(&["status"]);
    assert!(status.code == 2 && status.out.contains("was done, but x/long.mp4 is gone"), "{status:?}");
}

/// Everything that was published, by name.
fn cuts(desk: &Desk) -> BTreeMap<PathBuf, Vec<u8>> {
    let ours = |file: &PathBuf| !file.starts_with(".housecall") && file != Path::new("report.html");
    let files = desk.files().into_keys().filter(ours);
    files.map(|file| (file.clone(), fs::read(desk.out().join(&file)).unwrap())).collect()
}

#[test]
fn whatever_is_damaged_in_the_cache_is_made_again_and_the_cuts_stay_the_same() {
    let desk = desk(&[("rest", "Drink water and rest."), ("knee", "Put ice on your knee.")]);
    let first = run(&desk);
    assert_eq!(first.code, 0, "{first:?}");
    let whole = cuts(&desk);
    assert!(whole.contains_key(Path::new("x/rest.mp4")) && whole.contains_key(Path::new("x/knee.srt")));
    let seed: [u8; 32] = std::array::from_fn(|byte| (std::process::id() >> (byte % 4 * 8)) as u8);
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    type Damage = (&'static str, fn(Vec<u8>, u32) -> Vec<u8>);
    let kinds: [Damage; 4] = [
        ("flipped", |mut bytes, random| {
            let at = random as usize % bytes.len();
            bytes[at] ^= 1 << (random >> 29);
            bytes
        }),
        ("cut", |bytes, random| bytes[..random as usize % bytes.len()].to_vec()),
        ("of another form", |_, _| format!("{}\n{{}}", blake3::hash(b"{}").to_hex()).into_bytes()),
        ("mixed up", |bytes, random| bytes.iter().map(|byte| byte.wrapping_add(random as u8 | 1)).collect()),
    ];
    for (kind, damage) in kinds {
        let name = format!("{kind}, seed {seed:?}");
        let kept = |file: &PathBuf| {
            ["cache", "captions", "beside", "digests.json", "journal.ndjson"]
                .iter()
                .any(|part| file.starts_with(Path::new(".housecall").join(part)))
        };
        let files: Vec<PathBuf> = desk.files().into_keys().filter(kept).collect();
        // The cuts themselves are found by the journal. Where that is lost too they are made again, alike.
        let files = files.iter().filter(|file| kind == "flipped" || !file.ends_with("journal.ndjson"));
        for file in files {
            let file = desk.out().join(file);
            let bytes = fs::read(&file).unwrap();
            fs::write(&file, damage(bytes, random.next_u32())).unwrap();
        }
        let done = run(&desk);
        assert_eq!(done.code, 0, "{name}: {done:?}");
        assert!(cuts(&desk) == whole, "{name}: {:?}", cuts(&desk).keys());
        let status = desk.housecall(&["status"]);
        assert_eq!(status.code, 0, "{name}: {status:?}");
        let again = run(&desk);
        assert_eq!(again.events("ended")[0]["unchanged"], 2, "{name}: {again:?}");
    }
}

#[test]
fn cleaning_says_what_it_would_remove_and_removes_nothing_that_anybody_needs() {
    let desk = desk(&[("rest", "Drink water and rest."), ("knee", "Put ice on your knee.")]);
    assert_eq!(run(&desk).code, 0);
    let captions = desk.out().join("transcripts/knee.srt");
    fs::write(&captions, fs::read_to_string(&captions).unwrap().replace("ice", "much ice")).unwrap();
    assert_eq!(run(&desk).code, 0);
    assert_eq!(desk.housecall(&["hold", "rest", "--by", "Ana"]).code, 0);

    let useless =
        [".housecall/failed/a.mp4", ".housecall/scratch/b/c.mp4", "x/.a1B2c3.part", ".housecall/.a1B2c3.part"];
    let theirs =
        ["x/film.part", "x/.notes.part", "set-aside/x/old.txt", "own/.a1B2c3.part", ".housecall/cache/my.json"];
    for file in useless.iter().chain(&theirs) {
        let file = desk.out().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x").unwrap();
    }
    fs::remove_file(desk.inbox().join("knee.mp4")).unwrap();
    let before = desk.files();
    let inbox = || fs::read_dir(desk.inbox()).unwrap().count();
    let clips = inbox();
    let told = desk.housecall(&["clean"]);
    assert_eq!(told.code, 0, "{told:?}");
    for said in [
        "cut off, 3 files",
        "failed their check, 1 file",
        "logs, ",
        "clips that are gone, ",
        "--yes",
        "Nothing was removed",
    ] {
        assert!(told.out.contains(said) || told.err.contains(said), "{said}: {told:?}");
    }
    assert!(desk.files().keys().eq(before.keys()), "it only said so");

    let done = desk.housecall(&["clean", "--yes"]);
    assert!(done.code == 0 && done.out.contains("Removed: "), "{done:?}");
    let after = desk.files();
    for file in useless {
        assert!(!after.contains_key(Path::new(file)), "{file}");
    }
    let of_knee = desk.files().into_keys().filter(|file| file.starts_with(".housecall/cache/probe")).count();
    assert_eq!((of_knee, inbox()), (1, clips));
    let own =
        |file: &&PathBuf| !file.starts_with(".housecall") && !useless.iter().any(|other| *file == Path::new(other));
    for file in before.keys().filter(own).chain(&theirs.map(PathBuf::from)) {
        assert!(after.contains_key(file), "{} is gone", file.display());
    }
    assert!(fs::read_to_string(&captions).unwrap().contains("much ice"));
    assert!(after.contains_key(Path::new(".housecall/record.ndjson")));
    let again = desk.housecall(&["clean", "--yes"]);
    assert!(again.out.contains("nothing to remove"), "{again:?}");
    // What is known of the clip that is there is still known, and the other one can still be decided about.
    let next = run(&desk);
    assert_eq!((next.code, &next.events("ended")[0]["unchanged"]), (3, &1.into()), "{next:?}");
    assert_eq!(desk.housecall(&["hold", "knee", "--by", "Ana"]).code, 0);

    // A drive that is away is not an inbox from which everything was taken.
    let known = |desk: &Desk| desk.files().keys().filter(|file| file.starts_with(".housecall/cache")).count();
    let entries = known(&desk);
    for away in [None, Some("inbox/said")] {
        fs::rename(desk.inbox(), desk.inbox().with_file_name("away")).unwrap();
        fs::create_dir_all(desk.inbox().join("said")).unwrap();
        let further: Vec<&str> = away.iter().flat_map(|folder| ["--inbox", folder]).collect();
        let done = desk.housecall(&[&["clean", "--yes"], &further[..]].concat());
        assert!(done.code == 0 && done.err.contains("left alone"), "{done:?}");
        assert_eq!(known(&desk), entries);
        fs::remove_dir_all(desk.inbox()).unwrap();
        fs::rename(desk.inbox().with_file_name("away"), desk.inbox()).unwrap();
    }
    // What is not Housecall's is not touched.
    fs::create_dir_all(desk.inbox().join(".housecall/failed")).unwrap();
    fs::write(desk.inbox().join(".housecall/failed/a.mp4"), "x").unwrap();
    let refused = desk.housecall(&["clean", "--out", "inbox", "--yes"]);
    assert!(refused.code == 1 && refused.err.contains("not a folder that Housecall made cuts in"), "{refused:?}");
    assert!(desk.inbox().join(".housecall/failed/a.mp4").exists());
}

/// Words that stand nowhere else.
const CANARIES: [&str; 4] = ["Zymurgy", "Quokka", "Xylograph", "Wombat"];

#[test]
fn words_of_a_clip_stand_only_where_they_belong() {
    let desk = desk(&[
        ("held", "My patient Mr. Zymurgy asked me about this."),
        ("plain", "Drink Quokka water and rest."),
        ("broken", ""),
        ("own", "Drink water."),
    ]);
    let file = |name: &str, text: &str| drop(desk.drop_file(name, text.as_bytes()));
    file("plain.txt", "Drink Quokka water and rest.");
    file("questions.csv", "file,question\nplain.mp4,Is Xylograph safe?\nIs Xylograph safe?\n\"Is Xylograph\" safe?,\n");
    file("own.toml", "patient_visible = \"Wombat\"");
    fs::remove_file(desk.inbox().join("said/broken.srt")).unwrap();
    let broken = r#"{"clip":"a","model":"m","language":"en","words":"Zymurgy \"Quokka\" Wombat"}"#;
    fs::write(desk.inbox().join("said/broken.json"), broken).unwrap();
    let done = run(&desk);
    assert_eq!(done.code, 2, "{done:?}");
    assert_eq!(done.events("failed").len(), 2, "{done:?}");
    assert_eq!(desk.housecall(&["hold", "plain"]).code, 0);
    assert_eq!(run(&desk).code, 2);

    let says =
        |file: &Path| file.extension().is_some_and(|e| e == "txt" || e == "srt") || file.ends_with("report.html");
    let may = |file: &Path| file.starts_with("transcripts") || file.starts_with(".housecall/cache") || says(file);
    let files: Vec<PathBuf> = desk.files().into_keys().collect();
    let (may, must_not): (Vec<&PathBuf>, Vec<&PathBuf>) = files.iter().partition(|file| may(file));
    let found = |file: &Path| {
        let bytes = fs::read(desk.out().join(file)).unwrap();
        CANARIES.into_iter().find(|word| holds(&bytes, word) || holds(&bytes, &word.to_lowercase()))
    };
    assert!(may.iter().any(|file| found(file).is_some()), "they stand somewhere");
    for file in &must_not {
        assert_eq!(found(file), None, "{}", file.display());
    }
    let logs: Vec<&&PathBuf> = must_not.iter().filter(|file| file.starts_with(".housecall/logs")).collect();
    let text = fs::read_to_string(desk.out().join(logs[0])).unwrap();
    for said in ["held: rendering", "held: waits for a person, 1 reason", "broken", "failed while", "own", "ended: "] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let status = desk.housecall(&["status"]);
    assert_eq!(status.code, 2, "{status:?}");
    for said in
        ["broken                       failed: broken.json: ", ". What to do: ", "2 waiting for approval, 2 failed"]
    {
        assert!(status.out.contains(said), "{said}: {}", status.out);
    }
    for printed in [&done.out, &done.err, &status.out] {
        assert!(!["Zymurgy", "Quokka"].iter().any(|word| printed.contains(word)), "{printed}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(desk.out().join(".housecall")).unwrap().permissions().mode();
        assert_eq!(mode & 0o007, 0, "the cache holds what was said: {mode:o}");
    }
}
