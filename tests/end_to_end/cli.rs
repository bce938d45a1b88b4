//! The program as it is used from a shell: what it prints, what it leaves in the output folder, how it ends.

use crate::common::desk::{Desk, Done, small_x};
use crate::common::measure::describe;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command};
use std::time::{Duration, Instant};

/// One small platform, so that a cut takes a moment.
const SMALL: [&str; 2] = ["--platforms", "x"];

/// A desk with a practice whose platform `x` takes small pictures, encoded fast.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.practice(&small_x());
    desk
}

/// Files of people, by their path relative to the output folder; the program's own folder is left out.
fn results(desk: &Desk) -> Vec<PathBuf> {
    desk.files().into_keys().filter(|file| !file.starts_with(".housecall")).collect()
}

/// Asserts that no file on its way is left anywhere.
fn assert_tidy(desk: &Desk) {
    let unfinished = |file: &Path| {
        file.starts_with(".housecall/scratch") || file.extension().is_some_and(|extension| extension == "part")
    };
    let left: Vec<PathBuf> = desk.files().into_keys().filter(|file| unfinished(file)).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A run that has begun to render a clip.
struct Working {
    child: Child,
    events: BufReader<ChildStdout>,
}

impl Working {
    /// Starts a run of the desk's inbox and waits until pictures go through it.
    fn start(desk: &Desk) -> Self {
        let arguments = ["run", "inbox", "--offline", "--json", "--platforms", "x"];
        let mut child = desk.command(&arguments).spawn().unwrap();
        let mut events = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !(line.contains("\"progress\"") && line.contains("\"render\"")) {
            line.clear();
            assert_ne!(events.read_line(&mut line).unwrap(), 0, "the run ended before it rendered anything");
        }
        Working { child, events }
    }

    /// What Ctrl-C sends, and how the run ended.
    fn interrupt(mut self) -> Done {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
        let mut out = String::new();
        self.events.read_to_string(&mut out).unwrap();
        Done { out, ..Done::of(self.child.wait_with_output().unwrap()) }
    }
}

/// A clip whose render takes many seconds: pictures as large as the platform has them, at a slow preset.
fn long_desk() -> Desk {
    let desk = Desk::new();
    desk.practice("[platform.x]\npreset = \"veryslow\"");
    desk.drop_file("long.mp4", &desk.clip(10));
    desk
}

#[test]
fn ctrl_c_stops_at_once_leaves_nothing_half_made_and_the_next_run_completes() {
    let desk = long_desk();
    let working = Working::start(&desk);
    let pressed = Instant::now();
    let done = working.interrupt();
    let took = pressed.elapsed();
    assert!(took < Duration::from_secs(2), "it took {took:?} to stop");
    assert_eq!(done.code, 2, "{done:?}");
    assert_eq!(done.events("ended")[0]["stopped"], true);
    let cuts: Vec<PathBuf> = results(&desk).into_iter().filter(|f| f.extension().is_some_and(|e| e == "mp4")).collect();
    assert!(cuts.is_empty(), "{cuts:?} though the render was not done");
    assert_tidy(&desk);

    desk.practice(&small_x());
    let done = desk.batch("run", &SMALL);
    assert_eq!(done.code, 0, "{done:?}");
    let cut = describe(&desk.out().join("x/long.mp4"));
    let seconds: f64 = cut["format"]["duration"].as_str().unwrap().parse().unwrap();
    assert!((seconds - 13.0).abs() < 0.05, "{seconds}: 10 s of clip and 3 s of end card");
    assert_tidy(&desk);
}

#[test]
fn a_second_run_on_the_same_output_is_refused_and_the_first_goes_on() {
    let desk = long_desk();
    let working = Working::start(&desk);
    let second = desk.batch("run", &SMALL);
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.err.contains("another Housecall is working on") && second.err.contains("--out"), "{}", second.err);
    let first = working.interrupt();
    assert_eq!(first.events("ended")[0]["stopped"], true, "the first was still at work");
}

#[test]
fn damaged_clips_fail_alone() {
    let desk = desk();
    let clip = desk.clip(3);
    desk.drop_file("whole.mp4", &clip);
    desk.drop_file("cut-off.mp4", &clip[..clip.len() / 2]);
    desk.drop_file("letter.mp4", b"Dear patient, this is no clip at all.");
    let done = desk.batch("run", &SMALL);
    assert_eq!(done.code, 2, "{done:?}");
    let mut failed: Vec<String> = done.events("failed").iter().map(|e| e["clip"].as_str().unwrap().into()).collect();
    failed.sort();
    assert_eq!(failed, ["cut-off.mp4", "letter.mp4"]);
    for event in done.events("failed") {
        assert!(["what", "advice"].iter().all(|field| !event[*field].as_str().unwrap().is_empty()), "{event}");
    }
    assert!(desk.out().join("x/whole.mp4").is_file());
    assert!(!desk.out().join("x/cut-off.mp4").exists() && !desk.out().join("x/letter.mp4").exists());
    let report = fs::read_to_string(desk.out().join("report.html")).unwrap();
    assert!(["whole", "cut-off.mp4", "letter.mp4"].iter().all(|clip| report.contains(clip)));
    assert_tidy(&desk);
}

#[test]
fn clips_of_one_stem_get_outputs_of_their_own() {
    let desk = desk();
    desk.drop_file("skin.mp4", &desk.clip(2));
    desk.drop_file("skin.mov", &desk.clip(4));
    let done = desk.batch("run", &SMALL);
    assert_eq!(done.code, 0, "{done:?}");
    let seconds = |name: &str| -> f64 {
        describe(&desk.out().join("x").join(name))["format"]["duration"].as_str().unwrap().parse().unwrap()
    };
    let mut lengths = [seconds("skin.mp4"), seconds("skin-mov.mp4")];
    lengths.sort_by(f64::total_cmp);
    assert!((lengths[0] - 5.0).abs() < 0.05 && (lengths[1] - 7.0).abs() < 0.05, "{lengths:?} with 3 s of end card");
    for name in ["skin", "skin-mov"] {
        assert!(desk.out().join(format!("covers/{name}.jpg")).is_file());
        assert!(desk.out().join(format!("transcripts/{name}.json")).is_file());
    }
}

#[test]
fn a_plan_makes_no_cut_and_says_what_a_run_would_make() {
    let desk = desk();
    desk.drop_file("skin.mp4", &desk.clip(2));
    let told = desk.housecall(&["plan", "inbox", "--offline", "--platforms", "x,tiktok"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains("x/skin.mp4") && told.out.contains("tiktok/skin.mp4"), "{}", told.out);
    let planned = desk.batch("plan", &SMALL);
    assert_eq!(planned.code, 0, "{planned:?}");
    assert_eq!(planned.lines()[0]["cuts"][0]["file"], "x/skin.mp4");
    assert_eq!(results(&desk), Vec::<PathBuf>::new());
}

#[test]
fn init_never_overwrites() {
    let desk = Desk::new();
    let first = desk.housecall(&["init", "inbox", "--name", "Alder Lane Clinic"]);
    assert_eq!(first.code, 0, "{first:?}");
    let file = desk.inbox().join("practice.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("Alder Lane Clinic"));
    let second = desk.housecall(&["init", "inbox", "--name", "Another Practice"]);
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.err.contains("is there already"), "{}", second.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn what_init_writes_is_taken_by_run() {
    let desk = Desk::new();
    desk.housecall(&["init", "inbox", "--name", "Alder Lane Clinic"]);
    desk.drop_file("skin.mp4", &desk.clip(2));
    let planned = desk.batch("plan", &["--model", "starter", "--platforms", "x"]);
    assert_eq!(planned.code, 0, "{planned:?}");
    assert_eq!(planned.lines()[0]["cuts"][0]["platform"], "x");
}

#[test]
fn without_a_practice_the_error_names_init() {
    let desk = Desk::new();
    desk.drop_file("skin.mp4", &desk.clip(2));
    let done = desk.batch("run", &[]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains("practice.toml") && done.err.contains("housecall init"), "{}", done.err);
    assert!(!desk.out().exists());
}

#[test]
fn what_is_misspelt_ends_with_a_suggestion() {
    let desk = desk();
    let platform = desk.batch("run", &["--platforms", "tictok"]);
    assert_eq!(platform.code, 1, "{platform:?}");
    assert!(platform.err.contains("perhaps \"tiktok\" was meant"), "{}", platform.err);
    let verb = desk.housecall(&["rum", "inbox"]);
    assert_eq!(verb.code, 1, "{verb:?}");
    assert!(verb.err.contains("'run'"), "{}", verb.err);
    let folder = desk.housecall(&["run", "inbux", "--offline"]);
    assert_eq!(folder.code, 1, "{folder:?}");
    assert!(folder.err.contains("inbux is not a folder"), "{}", folder.err);
    assert!(!desk.out().exists());
}

#[test]
fn a_missing_model_is_not_fetched_offline() {
    let desk = desk();
    desk.drop_file("skin.mp4", &desk.clip(2));
    let done = desk.batch("run", &["--platforms", "x", "--model", "tiny.en"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains("tiny.en"), "{}", done.err);
}

#[test]
fn completions_and_the_manual_come_from_the_same_definitions() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let done = desk.housecall(&["completions", shell]);
        assert_eq!(done.code, 0, "{done:?}");
        assert!(["housecall", "watch", "offline"].iter().all(|word| done.out.contains(word)), "{shell}: {}", done.out);
    }
    let man = desk.housecall(&["man"]);
    assert_eq!(man.code, 0, "{man:?}");
    assert!(man.out.contains(".TH housecall") && man.out.contains("watch"), "{}", man.out);
    let platforms = desk.housecall(&["platforms"]);
    assert_eq!(platforms.code, 0, "{platforms:?}");
    for id in housecall::config::platforms_with(None).unwrap().iter().map(|platform| &platform.id) {
        assert!(platforms.out.lines().any(|line| line.starts_with(&format!("{id}  "))), "{id}");
    }
}

/// Reads events until one of this kind comes; panics at the end of the stream.
fn wait_for(events: &mut BufReader<ChildStdout>, kind: &str) {
    let mut line = String::new();
    while !line.contains(&format!("\"event\":\"{kind}\"")) {
        line.clear();
        assert_ne!(events.read_line(&mut line).unwrap(), 0, "the program ended without {kind}");
    }
}

#[test]
fn watch_takes_clips_up_as_they_arrive_and_ends_well() {
    let desk = desk();
    let arguments = ["watch", "inbox", "--offline", "--json", "--platforms", "x"];
    let mut child = desk.command(&arguments).spawn().unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap());
    for name in ["first.mp4", "second.mp4"] {
        desk.drop_file(name, &desk.clip(2));
        wait_for(&mut events, "published");
        wait_for(&mut events, "ended");
    }
    let pressed = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(pressed.elapsed() < Duration::from_secs(2), "{:?}", pressed.elapsed());
    assert_tidy(&desk);
    let cuts = results(&desk).into_iter().filter(|file| file.extension().is_some_and(|e| e == "mp4")).count();
    assert_eq!(cuts, 2);
}

#[test]
fn every_container_that_is_taken_up_gives_a_cut() {
    let desk = desk();
    let source = desk.drop_file("plain.MP4", &desk.clip(2));
    let source = source.to_str().unwrap();
    let vp9: &[&str] = &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus"];
    let h263: &[&str] = &["-c:v", "h263", "-s", "352x288", "-an"];
    for (name, how) in [
        ("a.mkv", &["-c", "copy"][..]),
        ("b.mov", &["-c", "copy"]),
        ("c.m4v", &["-c", "copy"]),
        ("d.webm", vp9),
        ("e.3gp", h263),
    ] {
        let file = desk.inbox().join(name);
        crate::common::ffmpeg(&[&["-i", source], how, &[file.to_str().unwrap()]].concat());
        let bytes = fs::read(&file).unwrap();
        desk.drop_file(name, &bytes);
    }
    let done = desk.batch("run", &SMALL);
    assert_eq!(done.code, 0, "{done:?}");
    for name in ["plain", "a", "b", "c", "d", "e"] {
        assert!(desk.out().join("x").join(format!("{name}.mp4")).exists(), "{name}: {done:?}");
    }
}

#[test]
fn hook_and_end_card_can_be_turned_off_and_plain_lines_say_how_it_went() {
    let desk = desk();
    desk.practice(&format!("[hook]\nenabled = false\n[end_card]\nenabled = false\n{}", small_x()));
    desk.drop_file("skin.mp4", &desk.clip(2));
    let done = desk.housecall(&["run", "inbox", "--offline", "--platforms", "x"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.err.contains("[1/1] skin: done, 1 cut") && !done.err.contains('\u{1b}'), "{done:?}");
    assert!(done.out.contains("report: cuts/report.html"), "{done:?}");
    let about = describe(&desk.out().join("x/skin.mp4"));
    assert_eq!(about["streams"][0]["nb_frames"], "60", "{about}");
    let report = fs::read_to_string(desk.out().join("report.html")).unwrap();
    assert!(report.contains("No speech"), "the report says why there are no captions");
}

#[test]
fn the_readme_shows_the_practice_file_that_init_writes() {
    let desk = Desk::new();
    assert_eq!(desk.housecall(&["init", "new", "--name", "Alder Lane Clinic"]).code, 0);
    let written = fs::read_to_string(desk.inbox().with_file_name("new").join("practice.toml")).unwrap();
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    assert!(readme.contains(&written), "README.md shows another practice.toml than `housecall init` writes");
}
