//! The trace of a run: what it shows of a clip, and that it tells nothing that was said.

use crate::common::desk::{Desk, samples};
use crate::common::ffmpeg;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// What happens to one clip that goes to one platform, each once.
const STAGES: [&str; 15] = [
    "cover",
    "decode",
    "digest",
    "encode",
    "faces",
    "hear",
    "plan",
    "probe",
    "produce",
    "publish",
    "render",
    "sound",
    "transcribe",
    "verify",
    "voice activity",
];

/// The first three seconds of a sample, small, with its speech.
fn clip(desk: &Desk) {
    let (from, to) = (samples().join("clips/headache-medicine.mp4"), desk.inbox().join("made.mp4"));
    let encoding = ["-t", "3", "-vf", "scale=180:320", "-preset", "ultrafast", "-c:a", "copy"];
    ffmpeg(&[&["-i", from.to_str().unwrap()], &encoding[..], &[to.to_str().unwrap()]].concat());
    let bytes = fs::read(&to).unwrap();
    fs::remove_file(to).unwrap();
    desk.drop_file("a.mp4", &bytes);
}

#[test]
fn every_stage_of_a_clip_stands_in_the_trace_once_and_no_word_of_it() {
    let desk = Desk::new();
    desk.practice("[platform.x]\npreset = \"ultrafast\"\n");
    clip(&desk);
    let file = desk.out().with_file_name("trace.json");
    let done = desk.batch("run", &["--platforms", "x", "--trace", file.to_str().unwrap()]);
    assert_eq!(done.events("failed"), Vec::<Value>::new(), "{}", done.err);
    let text = fs::read_to_string(&file).unwrap();
    let events: Vec<Value> = serde_json::from_str(&text).unwrap();
    let spans = || events.iter().filter(|e| e["ph"] == "X");

    let of_clip = |e: &&Value| e["args"]["clip"].as_str().is_some_and(|clip| clip.starts_with('a'));
    let mut stages: Vec<&str> = spans().filter(of_clip).map(|e| e["name"].as_str().unwrap()).collect();
    stages.sort_unstable();
    assert_eq!(stages, STAGES);
    assert_eq!(spans().filter(|e| e["name"] == "settle").count(), 1);

    let mut rows: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
    for span in spans() {
        let [from, length, row] = ["ts", "dur", "tid"].map(|key| span[key].as_u64().unwrap());
        rows.entry(row).or_default().push((from, from + length));
    }
    for row in rows.values() {
        for (i, a) in row.iter().enumerate() {
            let nests =
                |b: &(u64, u64)| a.1 <= b.0 || b.1 <= a.0 || (a.0 <= b.0 && b.1 <= a.1) || (b.0 <= a.0 && a.1 <= b.1);
            assert!(row[i + 1..].iter().all(nests), "{row:?}");
        }
    }
    let named = |row: &u64| events.iter().any(|e| e["ph"] == "M" && e["tid"] == *row && e["args"]["name"].is_string());
    assert!(rows.keys().all(named));

    let srt = fs::read_to_string(desk.out().join("transcripts/a.srt")).unwrap().to_lowercase();
    let words: Vec<&str> = srt.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 3).collect();
    assert!(!words.is_empty(), "{srt}");
    let text = text.to_lowercase();
    assert!(words.iter().all(|word| !text.contains(word)), "{words:?}");
}

#[test]
fn a_trace_that_cannot_be_written_is_told_before_any_work() {
    let desk = Desk::new();
    desk.practice("");
    let done = desk.batch("run", &["--trace", "nowhere/trace.json"]);
    assert_eq!(done.code, 1);
    assert!(done.err.contains("nowhere/trace.json") && done.err.contains("--trace"), "{}", done.err);
    assert!(!desk.out().exists());
}
