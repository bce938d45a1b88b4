//! Which clips wait for a person, what an approval is good for, and that nothing of a clip that waits stands under a
//! platform's name.

use crate::common::desk::{Desk, Done, samples, small_x};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const NAMED: &str = "My patient Mr. Alvarez asked me about this.";
const CLEAN: &str = "Drink water and rest.";

/// A practice that posts to one small platform, encoded fast, and a silent clip whose words are given.
fn desk(said: &str, further: &str) -> Desk {
    let desk = Desk::new();
    desk.practice(&format!("{}{further}", small_x()));
    desk.drop_file("advice.mp4", &desk.clip(1));
    say(&desk, said);
    desk
}

fn say(desk: &Desk, said: &str) {
    let folder = desk.inbox().join("said");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("advice.srt"), format!("1\n00:00:00,100 --> 00:00:00,900\n{said}\n")).unwrap();
}

fn run(desk: &Desk) -> Done {
    desk.batch("run", &["--platforms", "x", "--transcript", "inbox/said"])
}

fn approve(desk: &Desk) -> Done {
    desk.housecall(&["approve", "advice", "--by", "Ana Silva", "--note", "Mr. Alvarez signed"])
}

/// Every file below the output folder that is not Housecall's own, with its size, time and, on Unix, its inode.
fn standing(desk: &Desk) -> BTreeMap<PathBuf, String> {
    let own = |file: &Path| {
        file.starts_with(".housecall") || file.starts_with("transcripts") || file.ends_with("report.html")
    };
    let look = |about: &fs::Metadata| {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(about);
        #[cfg(not(unix))]
        let inode = 0;
        format!("{} {:?} {inode}", about.len(), about.modified().unwrap())
    };
    desk.files().into_iter().filter(|(file, _)| !own(file)).map(|(file, about)| (file, look(&about))).collect()
}

fn names(files: &BTreeMap<PathBuf, String>) -> Vec<String> {
    files.keys().map(|file| file.to_str().unwrap().to_string()).collect()
}

const HELD: [&str; 4] = ["held/covers/advice.jpg", "held/x/advice.mp4", "held/x/advice.srt", "held/x/advice.txt"];
const PUBLIC: [&str; 4] = ["covers/advice.jpg", "x/advice.mp4", "x/advice.srt", "x/advice.txt"];

fn status(desk: &Desk) -> Vec<Value> {
    let done = desk.housecall(&["status", "--json"]);
    let lines = done.lines();
    let code = if lines.iter().any(|line| line["state"] == "held") { 3 } else { 0 };
    assert_eq!(done.code, code, "{} {}", done.out, done.err);
    lines
}

fn report(desk: &Desk) -> String {
    fs::read_to_string(desk.out().join("report.html")).unwrap()
}

fn record(desk: &Desk) -> String {
    fs::read_to_string(desk.out().join(".housecall/record.ndjson")).unwrap_or_default()
}

/// The clip is held, for this reason, and nothing of it stands under a platform's name.
fn assert_held(desk: &Desk, done: &Done, why: &str) {
    assert_eq!(done.code, 3, "{} {}", done.out, done.err);
    let held = done.events("held");
    assert!(held[0]["why"].to_string().contains(why), "{why}: {held:?}");
    assert_eq!(names(&standing(desk)), HELD);
    let ended = &done.events("ended")[0];
    assert_eq!((&ended["held"], &ended["cuts"], &ended["failed"]), (&1.into(), &0.into(), &0.into()));
    assert_eq!(status(desk)[0]["state"], "held");
}

#[test]
fn a_patients_name_holds_the_clip_and_an_approval_moves_it_without_encoding() {
    let desk = desk(NAMED, "");
    let first = run(&desk);
    assert_held(&desk, &first, "flagged for review");
    assert_eq!((first.entered("render"), first.events("published").len()), (1, 0));
    assert!(!first.out.contains("Alvarez"), "events never hold what was said");
    let page = report(&desk);
    for shown in
        ["Waiting for approval", "Needs a look", "Alvarez</bdi>\" at 0:00.", "patient-name", "./held/x/advice.mp4"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.to_lowercase().contains("complian"));
    let again = run(&desk);
    assert_held(&desk, &again, "flagged for review");
    assert_eq!((again.entered("plan"), again.entered("render")), (0, 0), "held and unchanged costs no work");
    let work = |done: &Done| {
        ["decodes", "transcriptions", "encodes"].map(|what| done.events("ended")[0]["work"][what].as_u64().unwrap())
    };
    assert_eq!((work(&first), work(&again)), ([2, 0, 1], [0, 0, 0]), "one look for faces, one pass for the render");

    let waiting = standing(&desk);
    let done = approve(&desk);
    assert_eq!((done.code, done.out.as_str()), (0, "advice: approved; 1 cut is ready to post\n"), "{}", done.err);
    let ready = standing(&desk);
    assert_eq!(names(&ready), PUBLIC);
    assert!(ready.values().eq(waiting.values()), "the same files: {waiting:?} {ready:?}");
    let page = report(&desk);
    for shown in ["Approved</strong> by <bdi>Ana Silva</bdi> on ", "Mr. Alvarez signed", "./x/advice.mp4"] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("./held/"), "no link leads to where nothing is");
    let line = &status(&desk)[0];
    assert_eq!((&line["state"], &line["by"]), (&"approved".into(), &"Ana Silva".into()));

    let after = run(&desk);
    assert_eq!((after.code, after.entered("plan"), after.entered("render")), (0, 0, 0), "{}", after.err);
    assert_eq!(standing(&desk), ready);
    let before = record(&desk);
    assert_eq!(approve(&desk).out, "advice: was approved before; 1 cut is ready to post\n");
    assert_eq!(record(&desk), before, "what is approved already needs no second line");
}

#[test]
fn holding_moves_it_back_and_the_record_only_grows() {
    let desk = desk(CLEAN, "");
    assert_eq!(run(&desk).code, 0);
    let ready = standing(&desk);
    assert_eq!(names(&ready), PUBLIC);
    let done = desk.housecall(&["hold", "advice", "--by", "Ben", "--note", "wrong tooth"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let waiting = standing(&desk);
    assert_eq!(names(&waiting), HELD);
    assert!(ready.values().eq(waiting.values()));
    assert!(report(&desk).contains("Ben held it on "));
    let first = record(&desk);
    let done = run(&desk);
    assert_held(&desk, &done, "wrong tooth");
    assert_eq!((done.entered("plan"), done.entered("render")), (0, 0));

    assert_eq!(approve(&desk).code, 0);
    assert_eq!(names(&standing(&desk)), PUBLIC);
    let second = record(&desk);
    assert!(second.starts_with(&first) && first.lines().count() == 1 && second.lines().count() == 2);
    let line: Value = serde_json::from_str(second.lines().last().unwrap().split_once(' ').unwrap().1).unwrap();
    for (field, value) in
        [("action", "approve"), ("by", "Ana Silva"), ("clip", "advice"), ("note", "Mr. Alvarez signed")]
    {
        assert_eq!(line[field], value, "{line}");
    }
    assert!(line["at"].as_str().unwrap().ends_with('Z') && line["content"].as_str().unwrap().len() == 64, "{line}");
    assert_eq!(run(&desk).code, 0);
}

#[test]
fn any_change_voids_an_approval_and_withdraws_what_stood_there() {
    let desk = desk(NAMED, "");
    assert_eq!(run(&desk).code, 3);
    assert_eq!(approve(&desk).code, 0);
    let changes: [(&str, &dyn Fn()); 4] = [
        ("transcript", &|| say(&desk, "My patient Mrs. Alvarez asked me about this.")),
        ("question", &|| drop(desk.drop_file("questions.csv", b"file,question\nadvice.mp4,Does it hurt?\n"))),
        ("post", &|| {
            let file = desk.inbox().join("practice.toml");
            let text = fs::read_to_string(&file).unwrap().replace("#health", "#healthy");
            fs::write(file, text).unwrap();
        }),
        ("clip", &|| drop(desk.drop_file("advice.mp4", &desk.clip(2)))),
    ];
    for (what, change) in changes {
        change();
        let done = run(&desk);
        assert_eq!(done.entered("render"), usize::from(what != "post"), "{what}");
        assert_held(&desk, &done, "changed since Ana Silva approved it on ");
        assert_eq!(approve(&desk).code, 0, "{what}");
        assert_eq!(names(&standing(&desk)), PUBLIC, "{what}");
        let done = run(&desk);
        assert_eq!((done.code, done.entered("render")), (0, 0), "{what}: {}", done.err);
    }
    assert_eq!(record(&desk).lines().count(), 5);
}

#[test]
fn a_patient_who_can_be_seen_needs_a_consent() {
    let desk = desk(CLEAN, "[review]\nrequire = \"none\"");
    desk.drop_file("advice.toml", b"patient_visible = true\n");
    assert_held(&desk, &run(&desk), "names no consent");
    let refused = approve(&desk);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("write consent = "), "{}", refused.err);
    assert_eq!((names(&standing(&desk)), record(&desk)), (HELD.map(String::from).to_vec(), String::new()));

    desk.drop_file("advice.toml", b"patient_visible = true\nconsent = \"binder 3, sheet 17\"\n");
    let done = run(&desk);
    assert_eq!((done.code, done.entered("render"), done.events("published").len()), (0, 0, 1), "{}", done.err);
    assert_eq!(names(&standing(&desk)), PUBLIC);
    assert!(report(&desk).contains("binder 3, sheet 17"));
    assert_eq!(approve(&desk).code, 0);
    assert!(record(&desk).contains("\"consent\":\"binder 3, sheet 17\""));
}

#[test]
fn the_practice_says_which_clips_wait() {
    let desk = desk(CLEAN, "[review]\nrequire = \"all\"");
    assert_held(&desk, &run(&desk), "every clip waits");
    let practice = |require: &str, further: &str| {
        desk.practice(&format!("{}[review]\nrequire = \"{require}\"\n{further}", small_x()));
    };
    practice("flagged", "");
    let done = run(&desk);
    assert_eq!((done.code, done.entered("render")), (0, 0), "{}", done.err);
    assert_eq!(names(&standing(&desk)), PUBLIC);

    say(&desk, NAMED);
    assert_held(&desk, &run(&desk), "flagged for review");
    practice("none", "");
    assert_eq!(run(&desk).code, 0);
    assert_eq!(names(&standing(&desk)), PUBLIC);
    assert!(report(&desk).contains("Needs a look"), "what is not held is shown all the same");
    practice("flagged", "[checks]\nallow = [\"Mr. Alvarez\"]\nnote = [\"patient-name\"]");
    assert_eq!(run(&desk).code, 0);
    practice("flagged", "[checks]\noff = [\"patients-name\"]");
    let wrong = run(&desk);
    assert!(wrong.code == 1 && wrong.err.contains("patient-name"), "{}", wrong.err);
}

#[test]
fn whoever_is_stopped_in_the_middle_of_approving_has_approved() {
    let desk = desk(NAMED, "");
    assert_eq!(run(&desk).code, 3);
    let waiting = standing(&desk);
    let state = desk.out().join(".housecall");
    let before: BTreeMap<PathBuf, Vec<u8>> = read_all(&state);
    assert_eq!(approve(&desk).code, 0);
    let after = fs::read(state.join("record.ndjson")).unwrap();
    let journal = fs::read_to_string(state.join("journal.ndjson")).unwrap();
    let known = String::from_utf8(before[&state.join("journal.ndjson")].clone()).unwrap().lines().count();
    // The decision, then so many lines of the journal, with or without the move that each tells of, and then a kill.
    for lines in 0..=4 {
        for moved in [lines.max(1) - 1, lines] {
            for by_command in [false, true] {
                for file in PUBLIC {
                    drop(fs::remove_file(desk.out().join("held").join(file)));
                    fs::rename(desk.out().join(file), desk.out().join("held").join(file)).unwrap();
                }
                for (file, bytes) in &before {
                    fs::write(file, bytes).unwrap();
                }
                fs::write(state.join("record.ndjson"), &after).unwrap();
                let torn: String = journal.split_inclusive('\n').take(known + lines).collect();
                fs::write(state.join("journal.ndjson"), torn).unwrap();
                for file in ["covers/advice.jpg", "x/advice.txt", "x/advice.srt", "x/advice.mp4"].iter().take(moved) {
                    fs::rename(desk.out().join("held").join(file), desk.out().join(file)).unwrap();
                }
                if by_command {
                    assert_eq!(approve(&desk).code, 0, "{lines} {moved}");
                    assert_eq!(names(&standing(&desk)), PUBLIC, "{lines} {moved}");
                }
                let done = run(&desk);
                assert_eq!((done.code, done.entered("render")), (0, 0), "{lines} {moved}: {}", done.err);
                let ready = standing(&desk);
                assert_eq!(names(&ready), PUBLIC, "{lines} {moved}");
                assert!(ready.values().eq(waiting.values()), "{lines} {moved}");
                assert_eq!(fs::read(state.join("record.ndjson")).unwrap(), after);
            }
        }
    }
}

fn read_all(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(read_all(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn what_cannot_be_approved_is_refused_and_nothing_moves() {
    let desk = desk(NAMED, "");
    assert_eq!(desk.housecall(&["status"]).code, 1, "there are no cuts yet");
    assert_eq!(run(&desk).code, 3);
    let waiting = standing(&desk);
    for by in ["", "  ", "a\tb\nc", "Ana\u{202E}", &"a".repeat(81)] {
        assert_eq!(desk.housecall(&["approve", "advice", "--by", by]).code, 1, "{by:?}");
    }
    assert_eq!(desk.housecall(&["approve", "advice"]).code, 1, "whoever approves says who they are");
    let unknown = desk.housecall(&["approve", "advice", "advise", "--by", "Ana"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("perhaps \"advice\" was meant"), "{}", unknown.err);
    fs::write(desk.out().join("held/x/advice.txt"), "Another text.").unwrap();
    let touched = approve(&desk);
    assert!(touched.code == 1 && touched.err.contains("x/advice.txt is gone, or is not"), "{}", touched.err);
    assert_eq!(record(&desk), "");
    assert_eq!(names(&standing(&desk)), names(&waiting));
    assert_eq!(run(&desk).code, 3);
    assert_eq!(approve(&desk).code, 0, "the next run wrote it anew");
}

#[test]
fn a_file_name_may_tell_who_a_patient_is() {
    let desk = desk(CLEAN, "");
    fs::rename(desk.inbox().join("advice.mp4"), desk.inbox().join("mrs-alvarez.mp4")).unwrap();
    let done = run(&desk);
    assert_eq!(done.code, 3, "{}", done.err);
    assert!(standing(&desk).keys().all(|file| file.starts_with("held")));
    assert!(report(&desk).contains("in the file name"));
}

#[test]
fn nothing_in_the_samples_holds_them() {
    use housecall::wording::checks::{Place, Rules, Severity};
    let practice = housecall::config::load_with(&samples().join("practice.toml"), None).unwrap();
    let rules = Rules::load(None, &practice.checks).unwrap();
    let mut texts = 0;
    for entry in fs::read_dir(samples().join("truth")).unwrap() {
        let truth: Value = serde_json::from_str(&fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
        let found = rules.check_text(&Place::Question, truth["script"].as_str().unwrap());
        assert!(found.iter().all(|finding| finding.severity == Severity::Note), "{found:?}");
        texts += 1;
    }
    assert!(texts >= 6 && !rules.check_text(&Place::Question, NAMED).is_empty());
}
