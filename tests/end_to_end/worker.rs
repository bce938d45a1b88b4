//! A process for each clip: one that dies, hangs or takes too much costs one attempt and nothing else.

use crate::common::desk::{Desk, small, small_x};
use housecall::config;
use housecall::fault::Cancel;
use housecall::pipeline::{self, Event, Outcome, Request};
use housecall::report::{ClipBrief, ClipReport, ClipState, CutState};
use housecall::speech::ModelFile;
use housecall::trace::Trace;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

const HOUSECALL: &str = env!("CARGO_BIN_EXE_housecall");

/// Longer than a process takes to start on a computer that has other things to do.
const PATIENCE: Duration = Duration::from_secs(8);

/// A batch whose workers are started by a script, and what it told.
struct Bench {
    desk: Desk,
    notes: Mutex<Vec<String>>,
}

impl Bench {
    fn new(platforms: &str) -> Self {
        let desk = Desk::new();
        desk.practice(platforms);
        Bench { desk, notes: Mutex::default() }
    }

    /// Runs with workers that do as `script` says: `$kind` is what one is for, `$nth` the how many-th of these it is, and
    /// `"$housecall" "$@"` what it would be. Without a word more it is that.
    fn run(&self, platforms: &[&str], script: &str) -> Outcome {
        let program = self.count("program");
        let counts = program.parent().unwrap().display();
        let text = format!(
            "#!/bin/sh\nkind=$2\nhousecall={HOUSECALL}\necho >> '{counts}'/$kind\nnth=$(wc -l < '{counts}'/$kind)\n\
             case \"$kind $nth\" in\n{script}\nesac\nexec \"$housecall\" \"$@\"\n"
        );
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let practice = config::load(&self.desk.inbox().join("practice.toml")).unwrap();
        let platforms: Vec<String> = platforms.iter().map(|id| id.to_string()).collect();
        let request = Request {
            inbox: self.desk.inbox(),
            out: self.desk.out(),
            practice: practice.with_platforms(&platforms).unwrap(),
            // The clips are silent: nobody listens to them.
            defaults: None,
            model: ModelFile { name: "none".into(), path: "none".into(), entry: None },
            transcripts: None,
            jobs: None,
            settle: Duration::ZERO,
            more_to_come: false,
            wait: false,
            looked: None,
            only: None,
            hold_back: false,
            trace: Trace::default(),
            program,
            patience: PATIENCE,
        };
        pipeline::run(&request, &Cancel::new(), &|event| {
            if let Event::Note { text, .. } = event {
                self.notes.lock().unwrap().push(text);
            }
        })
        .unwrap()
    }

    fn count(&self, kind: &str) -> PathBuf {
        let counts = self.desk.inbox().with_file_name("counts");
        fs::create_dir_all(&counts).unwrap();
        counts.join(kind)
    }

    /// How many workers of a kind were started.
    fn started(&self, kind: &str) -> usize {
        fs::read_to_string(self.count(kind)).map_or(0, |text| text.lines().count())
    }

    /// What was told of attempts that failed.
    fn deaths(&self) -> Vec<String> {
        self.notes.lock().unwrap().iter().filter(|note| note.contains("once more")).cloned().collect()
    }

    /// Files on their way that were left behind.
    fn strays(&self) -> Vec<PathBuf> {
        let odd = |file: &PathBuf| {
            let name = file.file_name().unwrap().to_string_lossy();
            name.ends_with(".part") || file.starts_with(".housecall/scratch") || name.ends_with(".pcm")
        };
        self.desk.files().into_keys().filter(odd).collect()
    }
}

/// Whether all of so many cuts were made and are in their places.
fn is_done(outcome: &Outcome, cuts: usize) -> bool {
    let published: usize = outcome.reports.iter().map(ClipBrief::published).sum();
    outcome.reports.iter().all(|r| r.state == ClipState::Done && !r.is_held()) && published == cuts
}

#[test]
fn a_worker_that_dies_in_any_way_costs_one_attempt() {
    let bench = Bench::new(&small_x());
    for name in ["a", "b", "c", "d", "e", "f"] {
        // Each of another length, so that none is linked to another one's file.
        let seconds = 1 + u32::from(name.as_bytes()[0] - b'a');
        bench.desk.drop_file(&format!("{name}.mp4"), &bench.desk.clip(seconds));
    }
    let outcome = bench.run(
        &["x"],
        "'read 6') kill -KILL $$ ;;
         'render 1') kill -KILL $$ ;;
         'render 2') kill -ABRT $$ ;;
         'render 3') exec sleep 1000 ;;
         'render 4') ulimit -d 40000 ;;
         'render 5') ulimit -f 8 ;;",
    );
    let deaths = bench.deaths();
    assert!(is_done(&outcome, 6) && !outcome.has_failure(), "{:?}", outcome.reports);
    assert_eq!((bench.started("read"), bench.started("render")), (6 + 1, 5 + 6), "{deaths:?}");
    for words in ["(out of memory?)", "gave up", "no sign of life for 8 s", "memory", "wrote more"] {
        assert!(deaths.iter().any(|note| note.contains(words)), "{words}: {deaths:?}");
    }
    assert_eq!(bench.strays(), Vec::<PathBuf>::new());
}

#[test]
fn what_was_published_before_a_worker_died_stays_and_only_the_rest_is_made() {
    let bench = Bench::new(&(small_x() + &small("youtube", &[(480, 270)])));
    bench.desk.drop_file("a.mp4", &bench.desk.clip(1));
    // The worker lives on after its starter was killed, and holds the pipes open.
    let until_made = "\"$housecall\" \"$@\" | while IFS= read -r line; do printf '%s\\n' \"$line\"; \
                      case \"$line\" in '{\"made\"'*) kill -KILL $$; sleep 100 ;; esac; done ;;";
    let outcome = bench.run(&["x", "youtube"], &format!("'render 1') {until_made}"));
    assert!(is_done(&outcome, 2), "{:?}", outcome.reports);
    assert_eq!(bench.deaths().len(), 1, "{:?}", bench.deaths());
    assert_eq!(outcome.work.encodes, 2 + 1);

    let bench = Bench::new(&(small_x() + &small("youtube", &[(480, 270)])));
    bench.desk.drop_file("a.mp4", &bench.desk.clip(1));
    bench.desk.drop_file("b.mp4", &bench.desk.clip(2));
    // The shorter one comes first. It dies a second time when all else is done, and before anything of it is made.
    let outcome = bench.run(&["x", "youtube"], &format!("'render 1') {until_made}\n'render 3') kill -SEGV $$ ;;"));
    let whole: Vec<ClipReport> =
        outcome.reports.iter().map(|clip| pipeline::kept_report(&bench.desk.out(), clip)).collect();
    let [a, b] = &whole[..] else { panic!("{:?}", outcome.reports) };
    assert!(b.cuts.iter().all(|cut| cut.state == CutState::Published), "{b:?}");
    let (failed, published): (Vec<_>, Vec<_>) =
        a.cuts.iter().partition(|cut| matches!(cut.state, CutState::Failed { .. }));
    assert_eq!((failed.len(), published.len()), (1, 1), "{a:?}");
    let CutState::Failed { what, advice, .. } = &failed[0].state else { panic!() };
    assert!(what.contains("the process that renders the clip crashed"), "{what}");
    let log = bench.desk.out().join(".housecall/logs/a.log");
    assert!(advice.contains(log.to_str().unwrap()), "{advice}");
    assert_eq!(fs::read_to_string(log).unwrap().matches("the process that").count(), 2);
    assert!(bench.desk.out().join(&published[0].file).exists());
    assert_eq!(bench.strays(), Vec::<PathBuf>::new());
    // The next run makes what is missing.
    let outcome = bench.run(&["x", "youtube"], "");
    assert_eq!((outcome.has_failure(), outcome.work.encodes), (false, 1), "{:?}", outcome.reports);
}

/// Processes whose parent is this one, with their arguments.
fn children(of: u32) -> Vec<(u32, String)> {
    let of = of.to_string();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let child = |process: u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)? == of;
        let arguments = fs::read_to_string(format!("/proc/{process}/cmdline")).ok()?;
        parent.then(|| (process, arguments.replace('\0', " ")))
    };
    numbers.filter_map(child).collect()
}

/// Waits until a worker of this kind is at work.
fn wait_for(parent: u32, kind: &str) -> u32 {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(120) {
        if let Some((process, _)) = children(parent).into_iter().find(|(_, a)| a.contains(&format!("worker {kind}"))) {
            return process;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("no worker was started");
}

fn ends_within(process: u32, seconds: u64) -> bool {
    let began = Instant::now();
    // One that nobody has waited for yet still has a number, and no arguments.
    let lives = || fs::read_to_string(format!("/proc/{process}/cmdline")).is_ok_and(|text| !text.is_empty());
    while lives() && began.elapsed() < Duration::from_secs(seconds) {
        thread::sleep(Duration::from_millis(10));
    }
    !lives()
}

#[test]
fn workers_end_with_their_supervisor_and_are_bound() {
    let desk = Desk::new();
    desk.practice("[platform.x]\npreset = \"veryslow\"\n");
    desk.drop_file("a.mp4", &desk.clip(20));
    let mut command = desk.command(&["run", "inbox", "--offline", "--platforms", "x"]);
    let mut supervisor = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let worker = wait_for(supervisor.id(), "render");
    let limits = || fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
    let is_bound = |what: &str| limits().lines().any(|l| l.starts_with(what) && !l[26..46].contains("unlimited"));
    let began = Instant::now();
    while !(is_bound("Max data size") && is_bound("Max file size")) {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", limits());
        thread::sleep(Duration::from_millis(10));
    }
    assert!(limits().lines().any(|l| l.starts_with("Max core file size") && l[26..46].trim() == "0"), "{}", limits());
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    assert!(ends_within(worker, 20), "a worker outlived its supervisor");
}

#[test]
fn a_worker_that_is_killed_while_it_works_is_replaced() {
    let desk = Desk::new();
    desk.practice("[platform.x]\npreset = \"ultrafast\"\n");
    desk.drop_file("a.mp4", &desk.clip(20));
    let supervisor = desk.command(&["run", "inbox", "--offline", "--json", "--platforms", "x"]).spawn().unwrap();
    let worker = wait_for(supervisor.id(), "render");
    // It has opened its file, so the clip is being rendered.
    let file = || fs::read_dir(desk.out().join(".housecall/scratch")).into_iter().flatten().next();
    let began = Instant::now();
    while file().is_none() && began.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-KILL", &worker.to_string()]).status().unwrap().success());
    let done = crate::common::desk::Done::of(supervisor.wait_with_output().unwrap());
    assert_eq!(done.code, 0, "{} {}", done.out, done.err);
    let notes = done.events("note");
    assert!(notes.iter().any(|n| n["text"].as_str().unwrap().contains("stopped by the system")), "{notes:?}");
    assert_eq!(done.events("failed"), Vec::<Value>::new());
    assert!(desk.out().join("x/a.mp4").exists() && !desk.out().join(".housecall/scratch").exists());
}

#[test]
fn a_worker_of_nobody_says_who_it_is_and_ends() {
    let output = Command::new(HOUSECALL).args(["worker", "render"]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("{\"hello\":") && said.contains(env!("CARGO_PKG_VERSION")), "{said}");
    for verb in ["--help", "man"] {
        let output = Command::new(HOUSECALL).arg(verb).output().unwrap();
        assert!(!String::from_utf8(output.stdout).unwrap().contains("worker"), "{verb}");
    }
}
