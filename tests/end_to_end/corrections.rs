//! What people say about the words: corrected captions, scripts, transcripts of their own, a glossary.

use crate::common::desk::{Desk, samples, small_x};
use crate::common::ffmpeg;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A practice that posts to one small platform, encoded fast.
fn desk(further: &str) -> Desk {
    let desk = Desk::new();
    desk.practice(&format!("{}{further}", small_x()));
    desk
}

/// The first seconds of a sample's speech under a small picture that is not the sample's, so that none has to be decoded.
fn spoken(desk: &Desk, sample: &str, seconds: &str, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (samples().join("clips").join(sample), folder.path().join("small.mp4"));
    let inputs = ["-t", seconds, "-i", from.to_str().unwrap(), "-f", "lavfi", "-t", seconds, "-i"];
    let picture = ["testsrc2=size=180x320:rate=25", "-map", "1:v", "-map", "0:a", "-map_metadata", "-1"];
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", to.to_str().unwrap()];
    ffmpeg(&[&inputs[..], &picture, &coding].concat());
    desk.drop_file(name, &fs::read(to).unwrap());
}

fn run(desk: &Desk, further: &[&str]) -> crate::common::desk::Done {
    desk.batch("run", &[&["--platforms", "x"], further].concat())
}

fn words(desk: &Desk, name: &str) -> Vec<Value> {
    let file = desk.out().join(format!("transcripts/{name}.json"));
    let transcript: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    transcript["words"].as_array().unwrap().clone()
}

fn word<'a>(words: &'a [Value], text: &str) -> &'a Value {
    words.iter().find(|word| word["text"] == text).unwrap_or_else(|| panic!("no \"{text}\" in {words:?}"))
}

fn report(desk: &Desk) -> String {
    fs::read_to_string(desk.out().join("report.html")).unwrap()
}

#[test]
fn a_correction_keeps_the_times_renders_one_clip_and_transcribes_none() {
    let desk = desk("");
    spoken(&desk, "VID_20260914_101500.mp4", "5", "tennis.mp4");
    spoken(&desk, "fever-in-children.mp4", "3", "fever.mp4");
    let first = run(&desk, &[]);
    assert_eq!((first.code, first.entered("speech")), (0, 2), "{}", first.err);
    let before = words(&desk, "tennis");

    let file = desk.out().join("transcripts/tennis.srt");
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.contains("tennis elbow"), "{written}");
    // A word is changed, and a caption is parted in two.
    let corrected = written.replacen("tennis", "golfer's", 1);
    fs::write(&file, &corrected).unwrap();
    let second = run(&desk, &[]);
    assert_eq!((second.code, second.entered("speech"), second.entered("render")), (0, 0, 1), "{}", second.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), corrected, "a person's file is never written over");
    let after = words(&desk, "tennis");
    let (old, new) = (word(&before, "tennis"), word(&after, "golfer's"));
    assert_eq!((&old["start"], &old["end"]), (&new["start"], &new["end"]));
    assert_eq!(before.len(), after.len());
    assert!(report(&desk).contains("corrected by a person"));
    let third = run(&desk, &[]);
    assert_eq!((third.entered("plan"), third.entered("render")), (0, 0), "nothing is left to do");

    // Another clip takes the name: the correction was not for it.
    spoken(&desk, "root-canal.m4v", "5", "tennis.mp4");
    let fourth = run(&desk, &[]);
    assert_eq!(fourth.code, 0, "{}", fourth.err);
    assert!(fs::read_to_string(&file).unwrap().contains("root canal"));
    let kept = |entry: &Path| fs::read_to_string(entry).unwrap() == corrected;
    let aside = fs::read_dir(desk.out().join("transcripts")).unwrap().map(|entry| entry.unwrap().path());
    let aside: Vec<_> = aside.filter(|path| path != &file && kept(path)).collect();
    assert_eq!(aside.len(), 1, "the correction is kept under another name");
    let told = fourth.events("note");
    assert!(
        told.iter().any(|note| note["text"].as_str().unwrap().contains("kept as transcripts/tennis.20")),
        "{told:?}"
    );
}

#[test]
fn a_caption_file_that_cannot_be_read_fails_its_clip_alone_and_stays() {
    let desk = desk("");
    desk.drop_file("a.mp4", &desk.clip(1));
    desk.drop_file("b.mp4", &desk.clip(2));
    fs::create_dir_all(desk.out().join("transcripts")).unwrap();
    let file = desk.out().join("transcripts/a.srt");
    fs::write(&file, "1\nsoon --> later\nHello.\n").unwrap();
    let done = run(&desk, &[]);
    assert_eq!(done.code, 2);
    let failed = done.events("failed");
    assert_eq!((failed.len(), &failed[0]["clip"]), (1, &Value::from("a")));
    assert!(failed[0]["what"].as_str().unwrap().contains("a.srt, line 2"), "{failed:?}");
    assert!(desk.out().join("x/b.mp4").exists() && !desk.out().join("x/a.mp4").exists());
    assert_eq!(fs::read_to_string(file).unwrap(), "1\nsoon --> later\nHello.\n");
}

#[test]
fn a_script_mends_what_was_misheard_and_the_glossary_spells() {
    let desk = desk("[glossary]\nreplace = { \"tennis elbow\" = \"Tennis Elbow\" }");
    spoken(&desk, "VID_20260914_101500.mp4", "15", "tennis.mp4");
    assert_eq!(run(&desk, &[]).code, 0);
    assert_eq!(word(&words(&desk, "tennis"), "Elbow")["text"], "Elbow");
    assert!(report(&desk).contains("became \"<bdi>Tennis Elbow"), "the report tells what was respelled");
    // What staff added for these cuts goes before the practice's own.
    let additions = desk.out().join("glossary.toml");
    fs::write(&additions, "[replace]\n\"tennis elbow\" = \"TENNIS Elbow\"\n").unwrap();
    let plan = desk.batch("plan", &["--platforms", "x"]);
    assert!(plan.out.contains("TENNIS"), "{}", plan.err);
    fs::write(&additions, "[replace]\nno\n").unwrap();
    let refused = run(&desk, &[]);
    assert!(refused.code == 1 && refused.err.contains("glossary.toml, line 2"), "{}", refused.err);
    fs::remove_file(additions).unwrap();

    let script = "A patient asked me about tennis elbow this week. What helps with tennis elbow? The best thing you can do is \
                  to rest it, never to race. Ibuprofen can help with tennis elbow, but stretch as well. Thanks for watching, and see \
                  you next time.";
    desk.drop_file("tennis.txt", script.as_bytes());
    let done = run(&desk, &[]);
    assert_eq!((done.code, done.entered("speech"), done.entered("render")), (0, 0, 1), "{}", done.err);
    let shown: Vec<String> = words(&desk, "tennis").iter().map(|w| w["text"].as_str().unwrap().to_string()).collect();
    let shown = shown.join(" ");
    assert!(shown.contains("Ibuprofen can help with tennis elbow, but stretch"), "{shown}");
    assert!(!shown.contains("never"), "what was not said is not shown: {shown}");
    let page = report(&desk);
    assert!(
        page.contains("Where the speaker left the script") && page.contains("Listen: a number"),
        "the report tells"
    );
}

#[test]
fn a_transcript_that_is_given_is_used_and_nobody_listens() {
    let desk = desk("");
    spoken(&desk, "fever-in-children.mp4", "6", "fiebre.mp4");
    let given =
        "1\n00:00:01,000 --> 00:00:03,000\n¿Qué es la fiebre?\n\n2\n00:00:03,000 --> 00:00:05,000\nBeba agua.\n";
    let file = desk.drop_file("spanish.srt", given.as_bytes());
    let done = run(&desk, &["--transcript", file.to_str().unwrap()]);
    assert_eq!(done.code, 0, "{}", done.err);
    let found = words(&desk, "fiebre");
    assert_eq!(found.len(), 6);
    assert_eq!((&found[0]["text"], &found[0]["start"]), (&Value::from("¿Qué"), &Value::from(1.0)));
    let written = fs::read_to_string(desk.out().join("transcripts/fiebre.srt")).unwrap();
    assert!(
        written.contains("¿Qué es la fiebre?\n\n2\n00:00:03,000"),
        "captions begin where the file has them: {written}"
    );
    assert_eq!(run(&desk, &["--transcript", "nowhere.srt"]).code, 1);
    // With a second clip nobody knows which of them it is for.
    desk.drop_file("other.mp4", &desk.clip(1));
    let unused = run(&desk, &["--transcript", file.to_str().unwrap()]);
    assert_eq!(unused.code, 1, "{}", unused.err);
    assert!(unused.err.contains("no clip has the name of the transcript"), "{}", unused.err);
}

#[test]
fn captions_whose_record_is_lost_are_no_correction_and_go_on_no_other_clip() {
    let desk = desk("");
    spoken(&desk, "fever-in-children.mp4", "4", "IMG_0001.mp4");
    assert_eq!(run(&desk, &[]).code, 0);
    let file = desk.out().join("transcripts/IMG_0001.srt");
    let written = fs::read_to_string(&file).unwrap();
    fs::remove_dir_all(desk.out().join(".housecall")).unwrap();
    let again = run(&desk, &[]);
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(!report(&desk).contains("corrected by a person"), "the program wrote them");
    assert_eq!(run(&desk, &[]).entered("plan"), 0, "nothing is left to do");

    // The phone begins to count anew.
    fs::remove_dir_all(desk.out().join(".housecall")).unwrap();
    spoken(&desk, "VID_20260914_101500.mp4", "5", "IMG_0001.mp4");
    let other = run(&desk, &[]);
    assert_eq!(other.code, 2, "{}", other.err);
    assert!(other.events("failed")[0]["what"].as_str().unwrap().contains("say other things"), "{}", other.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
    fs::write(&file, "").unwrap();
    let empty = run(&desk, &[]);
    assert_eq!(empty.code, 2);
    assert!(empty.events("failed")[0]["what"].as_str().unwrap().contains("no captions in it"), "{}", empty.err);
}

#[test]
fn what_is_chosen_for_a_clip_is_honoured_and_renders_that_clip_alone() {
    let desk = desk("");
    desk.drop_file("a.mp4", &desk.clip(4));
    desk.drop_file("b.mp4", &desk.clip(2));
    desk.drop_file("a.toml", b"question = \"From the inbox?\"\nend = 3.5\n");
    assert_eq!(run(&desk, &[]).code, 0);
    let text = |file: &str| fs::read_to_string(desk.out().join(file)).unwrap();
    assert!(text("x/a.txt").starts_with("From the inbox?"), "{}", text("x/a.txt"));
    let chosen =
        "question = \"Chosen?\"\nhook = \"Look here\"\nstart = 1.0\ncover = 2.0\n[posts.x]\ntext = \"By hand.\"\n";
    let file = desk.out().join("transcripts/a.toml");
    fs::write(&file, chosen).unwrap();

    let plans = desk.batch("plan", &["--platforms", "x"]);
    let plan = &plans.lines()[0];
    let (recipe, cover) = (&plan["cuts"][0]["recipe"], &plan["cover"]);
    let says = |recipe: &Value, text: &str| recipe["script"].as_str().unwrap().contains(text);
    assert!(says(recipe, "Look here") && !says(recipe, "Chosen?") && says(cover, "Chosen?"), "{plan}");
    assert_eq!(recipe["kept"], serde_json::json!([{ "start": 1_000_000, "end": 3_500_000 }]));
    assert_eq!(cover["kept"], serde_json::json!([{ "start": 2_000_000, "end": 2_033_333 }]));

    let second = run(&desk, &[]);
    assert_eq!((second.code, second.entered("plan"), second.entered("render")), (0, 1, 1), "{}", second.err);
    assert_eq!(text("x/a.txt"), "By hand.\n");
    assert!(report(&desk).contains("Chosen?"));
    // Another text needs no render.
    fs::write(&file, chosen.replace("By hand.", "Typed anew.")).unwrap();
    let third = run(&desk, &[]);
    assert_eq!((third.code, third.entered("plan"), third.entered("render")), (0, 1, 0), "{}", third.err);
    assert_eq!(text("x/a.txt"), "Typed anew.\n");
    // One that X does not take is kept whole, and waits for a person.
    fs::write(&file, chosen.replace("By hand.", &"ab ".repeat(200))).unwrap();
    let fourth = run(&desk, &[]);
    assert_eq!(fourth.code, 3, "{}", fourth.err);
    assert!(report(&desk).contains("X takes at most 280 characters of text, and this has 599"), "the report tells");
    assert_eq!(text("held/x/a.txt").trim(), "ab ".repeat(200).trim());
    // A mistake fails its clip alone, with its line.
    fs::write(&file, "hook = \"a\"\ncovr = 1\n").unwrap();
    let fifth = run(&desk, &[]);
    let failed = fifth.events("failed");
    assert_eq!((fifth.code, failed.len(), &failed[0]["clip"]), (2, 1, &Value::from("a")));
    assert!(failed[0]["what"].as_str().unwrap().contains("transcripts/a.toml, line 2"), "{failed:?}");
}

#[test]
fn what_a_clips_own_file_cuts_away_stands_in_no_transcript() {
    let desk = desk("");
    spoken(&desk, "VID_20260914_101500.mp4", "8", "tennis.mp4");
    assert_eq!(run(&desk, &[]).code, 0);
    let whole = words(&desk, "tennis");
    desk.drop_file("tennis.toml", b"end = 3.0\n");
    let done = run(&desk, &[]);
    assert_eq!(done.code, 0, "{}", done.err);
    let left = words(&desk, "tennis");
    assert!(!left.is_empty() && left.len() < whole.len());
    assert!(left.iter().all(|word| word["start"].as_f64().unwrap() < 3.0), "{left:?}");
}
