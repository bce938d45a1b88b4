//! What is done is not done again: every test counts the decodes, transcriptions and encodes of a further run.

use crate::common::desk::{Desk, Done, samples};
use crate::common::ffmpeg;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

/// Platforms with a picture so small that a cut takes a moment. The first two take the same picture.
const SMALL: [(&str, u32); 4] = [("tiktok", 432), ("instagram-reels", 432), ("pinterest", 430), ("x", 428)];

/// A practice that posts to these platforms, with further lines in `[cuts]` and after it.
fn practice(desk: &Desk, platforms: &[&str], further: &str) {
    let mut text = format!("[cuts]\nplatforms = {}\n{further}\n", json!(platforms));
    for (id, height) in SMALL {
        let canvas = format!(
            "{{ size = {{ width = 240, height = {height} }}, text_box = {{ x = 4, y = 4, width = 232, height = 400 }} }}"
        );
        text += &format!(
            "[platform.{id}]\nmin_seconds = 0.5\npreset = \"ultrafast\"\ncrf = 30\nmax_rate = 2000\ntarget_rate = 0\n\
             gop_seconds = 2\naudio_rate = 96\nframe_rate = [24, 30]\ncanvases = [{canvas}]\n"
        );
    }
    desk.practice(&text);
}

/// Without a card at the end a cut is as short as its clip.
const BARE: &str = "[end_card]\nenabled = false";

/// A short silent clip and what is said in it.
fn silent(desk: &Desk, name: &str, clip: &[u8], number: u32) {
    // A box that players pass over makes every clip one of its own.
    let own = [&[0, 0, 0, 12][..], b"free", &number.to_be_bytes()].concat();
    desk.drop_file(&format!("{name}.mp4"), &[clip, &own].concat());
    let said = desk.inbox().join("said");
    fs::create_dir_all(&said).unwrap();
    let text = format!("1\n00:00:00,100 --> 00:00:00,900\nDrink water and rest, {number} times.\n");
    fs::write(said.join(format!("{name}.srt")), text).unwrap();
}

const GIVEN: [&str; 2] = ["--transcript", "inbox/said"];

fn run(desk: &Desk, further: &[&str]) -> Done {
    desk.batch("run", further)
}

/// Decodes, transcriptions and encodes of a run that ended well.
fn work(done: &Done) -> [u64; 3] {
    assert_eq!(done.code, 0, "{}\n{}", done.err, done.out);
    let work = done.events("ended")[0]["work"].clone();
    ["decodes", "transcriptions", "encodes"].map(|what| work[what].as_u64().unwrap())
}

const NOTHING: [u64; 3] = [0; 3];

/// Every file of the output folder with its date and size. Taking the lock may date its file anew.
fn everything(desk: &Desk) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let look = |about: fs::Metadata| (about.len(), about.modified().unwrap());
    let mut files: BTreeMap<_, _> = desk.files().into_iter().map(|(file, about)| (file, look(about))).collect();
    files.remove(Path::new(".housecall/lock"));
    files
}

/// Runs the program through a shell that tells the processor time of it: user and system together.
fn timed(desk: &Desk, further: &[&str]) -> (Duration, Duration, Done) {
    let program = desk.command(&[&["run", "inbox", "--offline", "--json"], further].concat());
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$@\" && times >&2", "sh"]).arg(program.get_program()).args(program.get_args());
    shell.current_dir(program.get_current_dir().unwrap());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let began = Instant::now();
    let done = Done::of(shell.output().unwrap());
    let wall = began.elapsed();
    // The last line is of the shell's children: 0m0.050s 0m0.040s.
    let line = done.err.lines().last().unwrap_or_default().to_string();
    let seconds = |text: &str| {
        let (minutes, seconds) = text.trim_end_matches('s').split_once('m').unwrap();
        minutes.parse::<f64>().unwrap() * 60.0 + seconds.parse::<f64>().unwrap()
    };
    let cpu = Duration::from_secs_f64(line.split(' ').map(seconds).sum());
    (wall, cpu, done)
}

/// As many clips as a busy week has with `HOUSECALL_MATRIX=all`, else a quarter of them.
#[test]
fn a_second_run_over_unchanged_clips_reads_and_writes_next_to_nothing() {
    let clips: u32 = if std::env::var("HOUSECALL_MATRIX").is_ok_and(|all| all == "all") { 100 } else { 25 };
    let desk = Desk::new();
    practice(&desk, &["x"], BARE);
    let clip = desk.clip(1);
    (1..=clips).for_each(|number| silent(&desk, &format!("clip{number}"), &clip, number));
    // From a camera whose clock is ahead.
    let ahead = File::options().append(true).open(desk.inbox().join("clip1.mp4")).unwrap();
    ahead.set_modified(SystemTime::now() + Duration::from_secs(8 * 3600)).unwrap();
    drop(ahead);
    let n = u64::from(clips);
    assert_eq!(work(&run(&desk, &GIVEN)), [2 * n, 0, n]);

    let before = everything(&desk);
    let (mut wall, mut cpu) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        let (took, used, done) = timed(&desk, &GIVEN);
        assert_eq!(work(&done), NOTHING);
        assert_eq!((&done.events("ended")[0]["unchanged"], done.events("entered").len()), (&json!(clips), 0));
        (wall, cpu) = (wall.min(took), cpu.min(used));
    }
    assert_eq!(everything(&desk), before, "a run that has nothing to do writes nothing");
    println!("{clips} unchanged clips: {wall:?}, of that {cpu:?} on a processor");
    // In the whole suite others are at work on the same cores.
    assert!(clips < 100 || wall <= Duration::from_secs(1), "{wall:?}");
    // What is the same for every batch, and a share for every clip; both with room for a slower computer.
    let most = Duration::from_millis(300 + 7 * n);
    assert!(cpu <= most, "{cpu:?} of processor time, of {most:?}");
}

/// The first seconds of a sample's speech under a small picture.
fn spoken(desk: &Desk, sample: &str, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (samples().join("clips").join(sample), folder.path().join("small.mp4"));
    let small = ["-vf", "scale=180:-2", "-r", "24", "-c:v", "libx264", "-preset", "ultrafast", "-map_metadata", "-1"];
    ffmpeg(&[&["-t", "3", "-i", from.to_str().unwrap()], &small[..], &[to.to_str().unwrap()]].concat());
    desk.drop_file(name, &fs::read(to).unwrap());
}

#[test]
fn a_change_makes_only_what_it_changes() {
    let desk = Desk::new();
    let to = |platforms: &[&str], further: &str| practice(&desk, platforms, &format!("{further}\n{BARE}"));
    let made = |what: &str, expected: [u64; 3]| assert_eq!(work(&run(&desk, &[])), expected, "{what}");
    to(&["tiktok"], "");
    spoken(&desk, "VID_20260914_101500.mp4", "tennis.mp4");
    spoken(&desk, "fever-in-children.mp4", "fever.mp4");
    desk.drop_file("questions.csv", b"file,question\ntennis.mp4,What helps?\nfever.mp4,What is a fever?\n");
    made("faces and cuts, of two clips", [4, 2, 2]);
    made("nothing changed", NOTHING);

    let captions = desk.out().join("transcripts/tennis.srt");
    let written = fs::read_to_string(&captions).unwrap();
    let (first, _) = written.lines().nth(2).unwrap().split_once(' ').unwrap();
    fs::write(&captions, written.replacen(first, "Otherwise", 1)).unwrap();
    made("one edited word", [1, 0, 1]);

    to(&["tiktok", "pinterest"], "");
    made("one more platform", [2, 0, 2]);
    to(&["tiktok", "pinterest", "instagram-reels"], "");
    made("one more that takes the same picture as another", NOTHING);
    assert!(desk.out().join("instagram-reels/fever.mp4").exists());
    to(&["tiktok"], "");
    made("platforms taken away", NOTHING);

    let logo = desk.inbox().join("logo.png");
    let other = desk.inbox().join("other.png");
    ffmpeg(&["-i", logo.to_str().unwrap(), "-vf", "negate=components=r+g+b", other.to_str().unwrap()]);
    assert_ne!(fs::read(&logo).unwrap(), fs::read(&other).unwrap());
    fs::rename(&other, &logo).unwrap();
    made("another logo", [2, 0, 2]);

    desk.drop_file("questions.csv", b"file,question\ntennis.mp4,Does it help?\nfever.mp4,What is a fever?\n");
    made("a question that stands in the picture", [1, 0, 1]);

    let practice = desk.inbox().join("practice.toml");
    let text = fs::read_to_string(&practice).unwrap();
    fs::write(&practice, text.replace("#health", "#healthy")).unwrap();
    made("a hashtag", NOTHING);
    assert!(fs::read_to_string(desk.out().join("tiktok/fever.txt")).unwrap().contains("#healthy"));

    fs::write(&practice, text + "[hook]\nenabled = false\n").unwrap();
    made("no questions in the picture", [2, 0, 2]);
    desk.drop_file("questions.csv", b"file,question\ntennis.mp4,Does it ache?\nfever.mp4,What is a fever?\n");
    made("a question that stands on the cover and in the post alone", [1, 0, 0]);
    assert!(fs::read_to_string(desk.out().join("tiktok/tennis.txt")).unwrap().contains("Does it ache?"));
}

/// What a run told before it was stopped.
#[derive(Default)]
struct Stopped {
    /// Whether it had work left.
    early: bool,
    /// Clips that began to be rendered, in order.
    rendered: Vec<String>,
    /// Cuts that were published.
    published: Vec<(String, String)>,
}

/// Starts a run, sends it this signal once it tells such an event for the `n`th time, and hears it out.
fn stop(desk: &Desk, signal: &str, event: &str, n: usize) -> Stopped {
    let arguments = [&["run", "inbox", "--offline", "--json", "--jobs", "1"], &GIVEN[..]].concat();
    let mut child = desk.command(&arguments).spawn().unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap());
    let (mut text, mut line) = (String::new(), String::new());
    while text.matches(event).count() < n {
        line.clear();
        if events.read_line(&mut line).unwrap() == 0 {
            // Nothing of that kind was left to do.
            break;
        }
        text += &line;
    }
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    events.read_to_string(&mut text).unwrap();
    let mut stopped = Stopped { early: child.wait().unwrap().code() != Some(0), ..Stopped::default() };
    // The last line of a killed run may be cut off.
    for event in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let field = |name: &str| event[name].as_str().unwrap_or_default().to_string();
        match (event["event"].as_str().unwrap(), event["stage"].as_str()) {
            ("entered", Some("render")) => stopped.rendered.push(field("clip")),
            ("published", _) => stopped.published.push((field("clip"), field("platform"))),
            _ => {}
        }
    }
    stopped
}

#[test]
fn a_batch_that_is_interrupted_repeats_at_most_what_was_being_rendered() {
    let desk = Desk::new();
    practice(&desk, &["tiktok", "pinterest"], BARE);
    let (clip, clips) = (desk.clip(2), 7);
    (1..=clips).for_each(|number| silent(&desk, &format!("clip{number}"), &clip, number));
    let all = 2 * clips as usize;
    let (mut published, mut early) = (BTreeSet::new(), 0);
    let moments = [
        ("-KILL", "\"stage\":\"render\"", 1),
        ("-KILL", "\"event\":\"published\"", 1),
        ("-INT", "\"event\":\"published\"", 1),
        ("-KILL", "\"event\":\"finished\"", 1),
        ("-INT", "\"stage\":\"render\"", 4),
        ("-KILL", "\"event\":\"published\"", 2),
    ];
    for (signal, event, n) in moments {
        // What is in place already is told of as finished, and is not rendered.
        let done = if event.contains("finished") { finished(&desk, &published) } else { 0 };
        let stopped = stop(&desk, signal, event, n + done);
        early += usize::from(stopped.early);
        for cut in &stopped.published {
            assert!(published.insert(cut.clone()), "{cut:?} was made again after {signal} at {event}");
        }
        // One clip is decoded at a time, and the one before may be in its tail.
        for clip in stopped.rendered.iter().rev().skip(2) {
            let whole = ["tiktok", "pinterest"].iter().all(|p| published.contains(&(clip.clone(), p.to_string())));
            assert!(whole, "{clip} was begun and is lost after {signal} at {event}");
        }
    }
    let left = all - published.len();
    assert!(early >= 4, "only {early} runs were stopped in the middle");
    let done = run(&desk, &GIVEN);
    let [_, _, encodes] = work(&done);
    assert!(encodes as usize <= left, "{encodes} encodes for {left} cuts that were missing");
    assert_eq!(desk.files().keys().filter(|f| f.extension().is_some_and(|e| e == "mp4")).count(), all);
    assert_eq!(work(&run(&desk, &GIVEN)), NOTHING);
}

/// How many clips a run finds unchanged.
fn finished(desk: &Desk, published: &BTreeSet<(String, String)>) -> usize {
    let text = fs::read_to_string(desk.out().join(".housecall/journal.ndjson")).unwrap();
    let done: BTreeSet<String> = published.iter().map(|(clip, _)| clip.clone()).collect();
    done.iter().filter(|clip| text.contains(&format!("\"event\":\"done\",\"clip\":\"{clip}\""))).count()
}

/// What the notes of a run say about texts that a person changed.
fn notes(done: &Done) -> Vec<String> {
    let texts = done.events("note").into_iter().map(|note| note["text"].as_str().unwrap().to_string());
    texts.filter(|text| text.contains("a person")).collect()
}

#[test]
fn a_post_or_captions_that_a_person_changed_stay_and_are_told_of_once() {
    let desk = Desk::new();
    practice(&desk, &["x"], BARE);
    let clip = desk.clip(1);
    silent(&desk, "advice", &clip, 1);
    assert_eq!(work(&run(&desk, &GIVEN)), [2, 0, 1]);
    let [post, captions] = ["x/advice.txt", "x/advice.srt"].map(|file| desk.out().join(file));
    fs::write(&post, "Our own words.\n").unwrap();
    fs::write(&captions, "1\n00:00:00,100 --> 00:00:00,900\nRest, and drink.\n").unwrap();
    let mine = || [&post, &captions].map(|file| fs::read_to_string(file).unwrap_or_default());
    let edited = mine();

    let done = run(&desk, &GIVEN);
    assert_eq!((work(&done), mine(), notes(&done).len()), (NOTHING, edited.clone(), 2), "{}", done.out);
    let report = fs::read_to_string(desk.out().join("report.html")).unwrap();
    assert!(report.contains("x/advice.txt was changed by a person"));
    let done = run(&desk, &GIVEN);
    assert_eq!((&done.events("ended")[0]["unchanged"], notes(&done).len()), (&json!(1), 0), "{}", done.out);

    // Ours would be another one now.
    let practice = desk.inbox().join("practice.toml");
    let text = fs::read_to_string(&practice).unwrap();
    fs::write(&practice, text.replace("#health", "#healthy")).unwrap();
    let done = run(&desk, &GIVEN);
    assert_eq!((work(&done), mine()), (NOTHING, edited.clone()));
    assert!(notes(&done).len() == 1 && notes(&done)[0].contains("although another text"), "{:?}", notes(&done));

    // It goes where its clip goes, and there it can be changed too.
    let hold = desk.housecall(&["hold", "advice", "--by", "Ana Silva"]);
    assert_eq!((hold.code, mine()), (0, [String::new(), String::new()]), "{hold:?}");
    let waiting = desk.out().join("held/x/advice.txt");
    assert_eq!(fs::read_to_string(&waiting).unwrap(), edited[0]);
    fs::write(&waiting, "Our own better words.\n").unwrap();
    let approve = || desk.housecall(&["approve", "advice", "--by", "Ana Silva"]);
    assert_eq!(approve().code, 1, "nobody has seen it in the report");
    assert_eq!(run(&desk, &GIVEN).code, 3);
    assert_eq!(approve().code, 0);
    assert_eq!(mine(), ["Our own better words.\n".to_string(), edited[1].clone()]);
    assert_eq!(work(&run(&desk, &GIVEN)), NOTHING);

    // Another clip of that name has nothing to do with it.
    silent(&desk, "advice", &clip, 2);
    let done = run(&desk, &GIVEN);
    assert_eq!((done.code, notes(&done).len()), (3, 2), "{}", done.out);
    let aside: Vec<String> = fs::read_dir(desk.out().join("set-aside/x"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert!(aside.contains(&"Our own better words.\n".to_string()) && aside.contains(&edited[1]), "{aside:?}");
    assert!(!fs::read_to_string(desk.out().join("held/x/advice.txt")).unwrap().contains("Our own"));
}
