//! Many practices under one root: each has its own words and its own output, and one's trouble is no other's.

use crate::common::desk::{Desk, Done, samples, small_x};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// What one practice alone has: its name, what is said in its clip, its question, and a term of its glossary.
struct Own {
    folder: &'static str,
    name: &'static str,
    said: &'static str,
    question: &'static str,
    term: &'static str,
}

const ALDER: Own = Own {
    folder: "alder",
    name: "Alder Orchard",
    said: "Marigold tea is pleasant",
    question: "Does marigold help?",
    term: "Zeldaprine",
};
const BIRCH: Own = Own {
    folder: "birch",
    name: "Birch Harbour",
    said: "Walnut shells are hard",
    question: "Are walnuts hard?",
    term: "Quorvamil",
};

/// Writes a file as if it had lain there for an hour.
fn put(file: PathBuf, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, bytes).unwrap();
    let hour = SystemTime::now() - Duration::from_secs(3600);
    File::options().append(true).open(&file).unwrap().set_modified(hour).unwrap();
}

/// A practice's folder with one clip that is called as every other's.
fn settle(desk: &Desk, own: &Own, clip: &[u8]) {
    let folder = desk.inbox().join(own.folder);
    let text = format!("[practice]\nname = \"{}\"\n[glossary]\nterms = [\"{}\"]\n", own.name, own.term);
    let logo = if own.folder == "birch" { "[brand]\nlogo = \"logo.png\"\n" } else { "" };
    put(folder.join("practice.toml"), text + logo);
    put(folder.join("logo.png"), fs::read(samples().join("logo.png")).unwrap());
    put(folder.join("answer.mp4"), [clip, &[0, 0, 0, 9], b"free", &own.folder.as_bytes()[..1]].concat());
    put(folder.join("answer.question.txt"), own.question);
    put(desk.inbox().join("words").join(own.folder).join("answer.srt"), said(own));
}

fn said(own: &Own) -> String {
    format!("1\n00:00:00,100 --> 00:00:00,900\n{}\n", own.said)
}

/// A root with two practices that have their defaults in common.
fn desk() -> Desk {
    let desk = Desk::new();
    let defaults = "[speech]\nmodel = \"starter\"\n[hook]\nenabled = false\n[end_card]\nenabled = false\n[cuts]\nplatforms = [\"x\"]\n";
    put(desk.inbox().join("practice.toml"), format!("{defaults}{}", small_x()));
    let clip = desk.clip(1);
    settle(&desk, &ALDER, &clip);
    settle(&desk, &BIRCH, &clip);
    desk
}

fn run(desk: &Desk, further: &[&str]) -> Done {
    desk.batch("run", further)
}

/// Every event is of a practice, but what is of all.
fn of<'a>(events: &'a [Value], practice: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["practice"] == practice).collect()
}

/// Files below a folder that hold these bytes, in their contents or their names.
fn holding(folder: &Path, words: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, words));
        } else {
            let bytes = fs::read(&path).unwrap();
            if bytes.windows(words.len()).any(|part| part.eq_ignore_ascii_case(words.as_bytes())) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn practices_share_defaults_and_nothing_else() {
    let desk = desk();
    // Each has its words from a transcript of its own; a practice is run with those alone.
    let words = |own: &Own| format!("inbox/words/{}", own.folder);
    for own in [&ALDER, &BIRCH] {
        let done = run(&desk, &["--only", own.folder, "--transcript", &words(own)]);
        assert_eq!(done.code, 0, "{done:?}");
        let last = done.lines().pop().unwrap();
        assert_eq!((&last["event"], &last["practices"], &last["cuts"]), (&"all-ended".into(), &1.into(), &1.into()));
        assert!(done.lines().iter().rev().skip(1).all(|event| event["practice"] == own.folder), "{}", done.out);
    }
    for (own, other) in [(&ALDER, &BIRCH), (&BIRCH, &ALDER)] {
        let out = desk.out().join(own.folder);
        for file in ["x/answer.mp4", "x/answer.txt", "report.html", ".housecall/journal.ndjson"] {
            assert!(out.join(file).is_file(), "{file}");
        }
        for mine in [own.said, own.question, own.name] {
            assert!(!holding(&out, mine).is_empty(), "{mine}");
        }
        for foreign in [other.said, other.question, other.name, other.term, other.folder] {
            let found = holding(&out, foreign);
            assert!(found.is_empty(), "{foreign}: {found:?}");
        }
    }
    let page = fs::read_to_string(desk.out().join("overview.html")).unwrap();
    for own in [&ALDER, &BIRCH] {
        assert!(page.contains(own.name) && page.contains(&format!("href=\"{}/report.html\"", own.folder)), "{page}");
        for private in [own.said, own.question, own.term, "answer"] {
            assert!(!page.contains(private), "{private}");
        }
    }
    // Where nothing changed the page is left as it is.
    let stamp = || fs::metadata(desk.out().join("overview.html")).unwrap().modified().unwrap();
    let before = stamp();
    assert_eq!(run(&desk, &["--only", "birch", "--transcript", &words(&BIRCH)]).entered("render"), 0);
    assert_eq!(stamp(), before);
    let status = desk.housecall(&["status", "--json"]);
    let lines = status.lines();
    assert_eq!(status.code, 0, "{status:?}");
    assert_eq!((of(&lines, "alder").len(), of(&lines, "birch").len()), (2, 2), "{}", status.out);
    assert_eq!((&lines[4]["practices"], &lines[4]["clips"], &lines[4]["done"]), (&2.into(), &2.into(), &2.into()));
    let text = desk.housecall(&["status"]);
    assert!(
        text.out.contains("alder: 0 waiting") && text.out.contains("In all 2 practices: 0 waiting"),
        "{}",
        text.out
    );
    assert_eq!(stamp(), before);
}

#[test]
fn one_practices_trouble_is_no_other_ones() {
    let desk = desk();
    put(desk.inbox().join("cedar/practice.toml"), "[practice]\nname = \"Cedar\"\n[cuts]\nframing = \"zoom\"\n");
    put(desk.inbox().join("dogwood/stray.mp4"), b"");
    let done = run(&desk, &[]);
    assert_eq!(done.code, 2, "{done:?}");
    let events = done.lines();
    let refused = &done.events("refused")[0];
    assert_eq!(refused["practice"], "cedar");
    assert!(refused["what"].as_str().unwrap().contains("inbox/cedar/practice.toml, line 4"), "{refused}");
    assert!(done.events("note").iter().any(|note| note["text"].as_str().unwrap().contains("dogwood")), "{}", done.out);
    for practice in ["alder", "birch"] {
        let ended: Vec<_> = of(&events, practice).into_iter().filter(|event| event["event"] == "ended").collect();
        assert_eq!((ended.len(), &ended[0]["cuts"]), (1, &1.into()), "{}", done.out);
    }
    let last = events.last().unwrap();
    assert_eq!((&last["practices"], &last["refused"], &last["clips"]), (&2.into(), &1.into(), &2.into()));
    let page = fs::read_to_string(desk.out().join("overview.html")).unwrap();
    let cedar = page.find(">cedar</bdi>").unwrap();
    assert!(cedar < page.find("Alder Orchard").unwrap() && page.contains("Nothing can be made:"), "{page}");

    // Nothing changed: nothing is made anew. A value that moves into the practice's own file changes nothing either.
    fs::remove_dir_all(desk.inbox().join("cedar")).unwrap();
    fs::remove_dir_all(desk.inbox().join("dogwood")).unwrap();
    let own = desk.inbox().join("alder/practice.toml");
    put(own.clone(), fs::read_to_string(&own).unwrap() + "[hook]\nenabled = false\n");
    let again = run(&desk, &[]);
    assert_eq!((again.code, again.entered("render")), (0, 0), "{again:?}");
    assert_eq!(again.lines().last().unwrap()["unchanged"], 2, "{}", again.out);

    // Who works on one practice's output holds that one alone.
    let held = run_alone_while_held(&desk);
    assert_eq!(held.code, 2, "{held:?}");
    assert_eq!(held.events("refused")[0]["practice"], "alder");
    assert_eq!(of(&held.lines(), "birch").iter().filter(|event| event["event"] == "ended").count(), 1);

    // What is of one practice is told to name it, and what is wrong with the defaults is told once.
    for verb in [&["approve", "answer", "--by", "Ana"][..], &["hold", "answer"], &["clean"]] {
        let refused = desk.housecall(verb);
        assert!(refused.code == 1 && refused.err.contains("--out \"cuts/alder\""), "{refused:?}");
    }
    let beside = desk.housecall(&["run", "inbox/alder", "--offline"]);
    assert!(beside.code == 1 && beside.err.contains("many practices"), "{beside:?}");
    let unknown = run(&desk, &["--only", "elder"]);
    assert!(unknown.code == 1 && unknown.err.contains("alder, birch"), "{unknown:?}");
    put(desk.inbox().join("practice.toml"), "[cuts]\nframing = \"zoom\"\n");
    let wrong = run(&desk, &[]);
    assert_eq!((wrong.code, wrong.err.matches("line 2: ").count(), wrong.out.as_str()), (1, 1, ""), "{wrong:?}");
}

/// A run while alder's output folder is another program's.
fn run_alone_while_held(desk: &Desk) -> Done {
    put(desk.inbox().join("long/alder.mp4"), desk.clip(20));
    let text = "[practice]\nname = \"L\"\n[speech]\nmodel = \"starter\"\n[platform.x]\npreset = \"veryslow\"\n";
    put(desk.inbox().join("long/own.toml"), text);
    let arguments =
        ["run", "inbox/long", "--out", "cuts/alder", "--practice", "inbox/long/own.toml", "--platforms", "x"];
    let mut child = desk.command(&[&arguments[..], &["--offline", "--json"]].concat()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("\"render\"")));
    let done = run(desk, &[]);
    child.kill().unwrap();
    child.wait().unwrap();
    fs::remove_dir_all(desk.inbox().join("long")).unwrap();
    done
}

#[test]
fn plans_name_their_practice() {
    let desk = desk();
    let done = desk.batch("plan", &[]);
    assert_eq!(done.code, 0, "{done:?}");
    let lines = done.lines();
    assert_eq!((of(&lines, "alder").len(), of(&lines, "birch").len(), lines.len()), (1, 1, 2), "{}", done.out);
    let one = desk.housecall(&["plan", "inbox", "--offline", "--only", "birch"]);
    assert!(one.out.starts_with("birch/answer.mp4") && !one.out.contains("alder"), "{}", one.out);
}

#[test]
fn a_watch_takes_up_new_practices_and_changed_defaults() {
    let desk = desk();
    fs::rename(desk.inbox().join("birch"), desk.out().with_file_name("aside")).unwrap();
    let mut child = desk.command(&["watch", "inbox", "--offline", "--json"]).spawn().unwrap();
    let events = BufReader::new(child.stdout.take().unwrap()).lines();
    let (tell, told) = std::sync::mpsc::channel::<Value>();
    let reader = thread::spawn(move || {
        events.map_while(Result::ok).for_each(|line| drop(tell.send(serde_json::from_str(&line).unwrap())));
    });
    let until = |practice: &str, unchanged: bool| {
        let end = Instant::now() + Duration::from_secs(180);
        loop {
            let event = told.recv_timeout(end - Instant::now()).unwrap_or_else(|_| panic!("never: {practice}"));
            if event["event"] == "ended" && event["practice"] == practice && (event["unchanged"] == 1) == unchanged {
                return;
            }
        }
    };
    until("alder", false);
    fs::rename(desk.out().with_file_name("aside"), desk.inbox().join("birch")).unwrap();
    until("birch", false);
    let defaults = fs::read_to_string(desk.inbox().join("practice.toml")).unwrap();
    fs::write(desk.inbox().join("practice.toml"), defaults + "max_seconds = 77\n").unwrap();
    until("birch", false);
    assert!(std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    reader.join().unwrap();
    let page = fs::read_to_string(desk.out().join("overview.html")).unwrap();
    assert!(page.contains(ALDER.name) && page.contains(BIRCH.name), "{page}");
}
