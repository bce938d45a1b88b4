//! What the output folder of a centre tells: how every practice stands, and in which folder one's clip is decided about.

use crate::common::desk::{Desk, Done, small_x};
use housecall::centre::{Centre, Shape};
use housecall::pipeline;
use serde_json::Value;
use std::fs;

/// Three practices: of alder a clip waits that names a patient, of birch one is done, of cedar nothing was made.
fn centre() -> (Desk, Centre) {
    let desk = Desk::new();
    let clip = desk.clip(1);
    desk.practice(&small_x());
    let settings = fs::read_to_string(desk.inbox().join("practice.toml")).unwrap();
    let logo = fs::read(desk.inbox().join("logo.png")).unwrap();
    for file in ["practice.toml", "logo.png"] {
        fs::remove_file(desk.inbox().join(file)).unwrap();
    }
    for (id, said) in [("alder", "My patient Mr. Alvarez asked me."), ("birch", "Drink water."), ("cedar", "Rest.")] {
        fs::create_dir_all(desk.inbox().join(id).join("said")).unwrap();
        desk.drop_file(&format!("{id}/practice.toml"), settings.as_bytes());
        desk.drop_file(&format!("{id}/logo.png"), &logo);
        desk.drop_file(&format!("{id}/advice-{id}.mp4"), &clip);
        let srt = format!("1\n00:00:00,100 --> 00:00:00,900\n{said}\n");
        desk.drop_file(&format!("{id}/said/advice-{id}.srt"), srt.as_bytes());
    }
    // Longer than X takes it, by seven characters.
    let long = format!("[posts.x]\ntext = \"{}\"\n", "a".repeat(287));
    desk.drop_file("alder/advice-alder.toml", long.as_bytes());
    for (id, code) in [("alder", 3), ("birch", 0)] {
        let (inbox, out, said) = (format!("inbox/{id}"), format!("cuts/{id}"), format!("inbox/{id}/said"));
        let more = ["--offline", "--platforms", "x", "--transcript", &said];
        let done = desk.housecall(&[&["run", &inbox, "--out", &out][..], &more].concat());
        assert_eq!(done.code, code, "{}", done.err);
    }
    let Shape::Many(centre) = Shape::of(&desk.inbox(), &desk.out(), None).unwrap() else { panic!("one") };
    (desk, centre)
}

fn page(desk: &Desk) -> String {
    fs::read_to_string(desk.out().join("overview.html")).unwrap()
}

/// The lines of the status that are about a practice.
fn of<'a>(lines: &'a [Value], practice: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["practice"] == practice).collect()
}

fn assert_refused(done: &Done, says: &[&str], not: &str) {
    assert_eq!(done.code, 1, "{} {}", done.out, done.err);
    for part in says {
        assert!(done.err.contains(part), "{part}: {}", done.err);
    }
    assert!(!done.err.contains(not), "{}", done.err);
}

#[test]
fn a_centre_tells_how_every_practice_stands_and_whose_clip_is_where() {
    let (desk, centre) = centre();
    pipeline::keep_centre(&centre).unwrap();
    pipeline::overview(&centre).unwrap();
    let first = page(&desk);
    for shown in ["3 practices<", "1 waiting for approval", "href=\"alder/report.html\"", "href=\"birch/report.html\""]
    {
        assert!(first.contains(shown), "{shown}: {first}");
    }
    assert!(first.find("\"alder/") < first.find("<bdi>birch</bdi>"), "who is needed first");
    for hidden in ["advice", "Alvarez", "water", "\"cedar/"] {
        assert!(!first.contains(hidden), "{hidden}: {first}");
    }

    let said = desk.housecall(&["status"]);
    assert_eq!(said.code, 3, "{}", said.err);
    for shown in
        ["alder: 1 waiting", "\n  advice-alder ", "birch: 0 waiting", "cedar: no cuts yet", "In all 3 practices: 1 "]
    {
        assert!(said.out.contains(shown), "{shown}: {}", said.out);
    }
    let lines = desk.housecall(&["status", "--json"]).lines();
    let (alder, birch, cedar) = (of(&lines, "alder"), of(&lines, "birch"), of(&lines, "cedar"));
    assert_eq!((&alder[0]["state"], &alder[1]["held"], &birch[1]["done"]), (&"held".into(), &1.into(), &1.into()));
    assert_eq!((alder.len(), birch.len(), cedar.len(), &cedar[0]["clips"]), (2, 2, 1, &0.into()));
    let all = lines.last().unwrap();
    assert_eq!((&all["practices"], &all["clips"], &all["held"]), (&3.into(), &2.into(), &1.into()));
    assert!(all.get("practice").is_none());

    // One practice's folder is as it always was.
    let alone = desk.housecall(&["status", "--out", "cuts/birch", "--json"]);
    assert!(alone.code == 0 && !alone.out.contains("practice"), "{}", alone.out);

    let decide = |verb: &str, clip: &str| desk.housecall(&[verb, clip, "--by", "Ana"]);
    let many = "cuts holds the cuts of many practices";
    assert_refused(&decide("approve", "advice-alder"), &[many, "give --out \"cuts/alder\""], "birch");
    assert_refused(&decide("hold", "advice-birch"), &[many, "give --out \"cuts/birch\""], "alder");
    assert_refused(&desk.housecall(&["clean"]), &[many, "--out \"cuts/alder\""], "birch");

    let approved = desk.housecall(&["approve", "advice-alder", "--by", "Ana", "--out", "cuts/alder"]);
    assert_eq!(approved.code, 0, "{}", approved.err);
    assert!(approved.err.contains("X takes at most 280 characters of text, and this has 287"), "{approved:?}");
    let second = page(&desk);
    assert!(second.contains("Nobody is needed") && !second.contains("Ana"), "{second}");
    assert_eq!(desk.housecall(&["status"]).code, 0);
    let held = desk.housecall(&["hold", "advice-birch", "--by", "Ana", "--out", "cuts/birch"]);
    assert!(held.code == 0 && page(&desk).contains("1 waiting for approval"), "{}", held.err);
    let approved = desk.housecall(&["approve", "advice-birch", "--by", "Ana", "--out", "cuts/birch/"]);
    assert!(approved.code == 0 && page(&desk) == second, "{}", approved.err);

    // Whoever cannot be read is told of, and the others are there all the same.
    let journal = desk.out().join("alder/.housecall/journal.ndjson");
    fs::remove_file(&journal).unwrap();
    fs::create_dir(&journal).unwrap();
    pipeline::overview(&centre).unwrap();
    assert!(page(&desk).contains("1 practice needs") && page(&desk).contains("href=\"birch/report.html\""));
    let said = desk.housecall(&["status", "--json"]);
    let lines = said.lines();
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(of(&lines, "alder")[0]["fault"].as_str().unwrap().contains("journal"), "{lines:?}");
    assert_eq!(
        (of(&lines, "birch")[0]["state"].as_str(), &lines.last().unwrap()["clips"]),
        (Some("approved"), &1.into())
    );

    // Who left the root is listed and asks nobody for anything; under a new name it is another practice.
    fs::remove_dir(&journal).unwrap();
    fs::rename(desk.inbox().join("alder"), desk.inbox().join("aspen")).unwrap();
    let left = desk.housecall(&["status"]);
    let says = "alder: its folder is gone from the root; its cuts stay";
    assert!(left.code == 0 && left.out.contains(says) && left.out.contains("In all 2 practices: "), "{left:?}");
    let Shape::Many(renamed) = Shape::of(&desk.inbox(), &desk.out(), None).unwrap() else { panic!("one") };
    pipeline::keep_centre(&renamed).unwrap();
    pipeline::overview(&renamed).unwrap();
    assert!(page(&desk).contains("Its folder is gone from the root") && page(&desk).contains("3 practices<"));
    let lines = desk.housecall(&["status", "--json"]).lines();
    let gone = of(&lines, "alder");
    assert_eq!((gone.len(), &gone[0]["clips"], gone[0]["gone"].is_string()), (1, &1.into(), true), "{lines:?}");
    assert_eq!((of(&lines, "aspen").len(), &lines.last().unwrap()["clips"]), (1, &1.into()));
    assert_refused(&decide("hold", "advice-alder"), &[many, "give --out \"cuts/alder\""], "birch");
    fs::rename(desk.inbox().join("aspen"), desk.inbox().join("alder")).unwrap();
    assert!(!desk.housecall(&["status"]).out.contains("gone"));
}
