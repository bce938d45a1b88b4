//! Killed anywhere, the program loses nothing and leaves nothing under a name that is not whole.
//!
//! The short form is part of `make test`. `HOUSECALL_TORTURE=200 cargo test --release --test torture kill:: -- --show-output` kills
//! so often, on the sample clips; `HOUSECALL_SEED` says at which moments.

use crate::common::desk::{Desk, Done, small};
use crate::common::torture::{Dice, Scene, long_form};
use crate::common::tree::{assert_same, assert_whole, files, is_on_its_way, tree};
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a program that was asked to stop may take, on a computer that does other things too.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program that is about to be killed, with all that it started.
struct Victim {
    child: Child,
    mark: String,
    printed: PathBuf,
}

impl Victim {
    /// Starts it in a process group of its own. What it prints goes to a file: nobody may have to read.
    fn start(mut command: Command, printed: PathBuf) -> Self {
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let mark = format!("HOUSECALL_TEST_MARK={}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        let (name, value) = mark.split_once('=').unwrap();
        let file = File::create(&printed).unwrap();
        command.env(name, value).process_group(0).stdout(file.try_clone().unwrap()).stderr(file);
        Victim { child: command.spawn().unwrap(), mark, printed }
    }

    /// Everything that still runs of what it started, itself included, whichever group or parent it has by now.
    fn family(&self) -> Vec<String> {
        let has_mark = |pid: &String| {
            let environment = fs::read(Path::new("/proc").join(pid).join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == self.mark.as_bytes())
        };
        let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name());
        let pids = processes.filter_map(|name| name.into_string().ok()).filter(|name| name.parse::<u32>().is_ok());
        pids.filter(has_mark).collect()
    }

    fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Kills the group at once, and then whatever left it.
    fn kill_tree(mut self) -> ExitStatus {
        signal("KILL", &[format!("-{}", self.child.id())]);
        let end = self.child.wait().unwrap();
        for _ in 0..100 {
            let left = self.family();
            if left.is_empty() {
                return end;
            }
            signal("KILL", &left);
            sleep(Duration::from_millis(10));
        }
        panic!("{:?} cannot be killed", self.family());
    }

    /// Kills the first process alone, as a system that is out of memory may. The others have to end by themselves.
    fn kill_first(mut self) -> ExitStatus {
        self.child.kill().unwrap();
        let (end, killed) = (self.child.wait().unwrap(), Instant::now());
        while !self.family().is_empty() {
            assert!(killed.elapsed() < PATIENCE, "{:?} go on without the one that started them", self.family());
            sleep(Duration::from_millis(20));
        }
        end
    }

    /// Asks the first process to stop, and gives how it ended.
    fn stop(mut self, by: &str) -> (Done, Duration) {
        let asked = Instant::now();
        signal(by, &[self.child.id().to_string()]);
        while !self.is_over() {
            assert!(asked.elapsed() < PATIENCE, "{by} did not stop it: {:?}", fs::read_to_string(&self.printed));
            sleep(Duration::from_millis(5));
        }
        let took = asked.elapsed();
        let end = self.child.wait().unwrap();
        while !self.family().is_empty() {
            assert!(asked.elapsed() < PATIENCE, "{:?} go on after {by}", self.family());
            sleep(Duration::from_millis(20));
        }
        let out = fs::read_to_string(&self.printed).unwrap();
        (
            Done { code: end.code().unwrap_or_else(|| panic!("{by} killed it: {end} {out}")), out, err: String::new() },
            took,
        )
    }
}

fn signal(name: &str, to: &[String]) {
    // Whoever ended meanwhile gets none, and that is well.
    let _ended =
        Command::new("kill").arg(format!("-{name}")).arg("--").args(to).stderr(Stdio::null()).status().unwrap();
}

/// When to kill.
#[derive(Debug)]
enum Moment {
    /// So long after the start.
    After(Duration),
    /// When this can be seen in the output folder, and a moment later.
    Sight(Sight, Duration),
}

#[derive(Debug, Clone, Copy)]
enum Sight {
    /// A file that has no name yet.
    Part,
    /// A cut that is being made.
    Scratch,
    /// Another line in the journal.
    Journal,
    /// Another entry in the cache.
    Cache,
    /// Another cut under a platform's name.
    Cut,
}

impl Sight {
    /// How much of it there is: the moment comes when that changes.
    fn look(self, out: &Path) -> u64 {
        let count = |is: &dyn Fn(&PathBuf) -> bool| files(out).iter().filter(|file| is(file)).count() as u64;
        let mp4 = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "mp4");
        match self {
            Sight::Part => count(&|file| is_on_its_way(file)),
            Sight::Scratch => count(&|file| file.starts_with(".housecall/scratch")),
            Sight::Journal => out.join(".housecall/journal.ndjson").metadata().map_or(0, |about| about.len()),
            Sight::Cache => count(&|file| file.starts_with(".housecall/cache")),
            Sight::Cut => count(&|file| mp4(file) && !file.starts_with(".housecall")),
        }
    }
}

impl Moment {
    /// Half of them anywhere in the time that a run takes, half right after something was seen.
    fn of(dice: &mut Dice, length: Duration) -> Self {
        let sights = [Sight::Part, Sight::Scratch, Sight::Journal, Sight::Cache, Sight::Cut];
        match dice.below(2) {
            0 => Moment::After(dice.within(length)),
            _ => {
                let sight = sights[dice.below(5) as usize];
                Moment::Sight(sight, dice.within(Duration::from_millis(20)))
            }
        }
    }

    /// Waits for it; whether it came before the end.
    fn comes(&self, victim: &mut Victim, out: &Path) -> bool {
        let began = Instant::now();
        match self {
            Moment::After(time) => {
                while began.elapsed() < *time && !victim.is_over() {
                    sleep(Duration::from_millis(1));
                }
            }
            Moment::Sight(sight, later) => {
                let before = sight.look(out);
                while sight.look(out) == before && !victim.is_over() {
                    sleep(Duration::from_micros(300));
                }
                sleep(*later);
            }
        }
        !victim.is_over()
    }
}

impl Scene {
    fn start(&self, verb: &str) -> Victim {
        Victim::start(self.command(verb), self.desk.inbox().with_file_name("printed"))
    }
}

/// Kills so many runs, each of which goes on from what the one before left.
fn kill_runs(scene: &Scene, dice: &mut Dice, kills: u64) {
    scene.begin_anew();
    let began = Instant::now();
    scene.assert_completes("a second run that nothing disturbs");
    let length = began.elapsed();
    scene.begin_anew();
    let (mut killed, mut ended) = (0, 0);
    while killed < kills {
        let moment = Moment::of(dice, length);
        let alone = dice.below(4) == 0;
        let mut victim = scene.start("run");
        if !moment.comes(&mut victim, &scene.out()) {
            let end = victim.child.wait().unwrap();
            assert_eq!(end.code(), Some(scene.code), "{}", fs::read_to_string(&victim.printed).unwrap());
            scene.assert_complete("a run that came to its end");
            scene.begin_anew();
            ended += 1;
            assert!(ended < 20 + 5 * kills, "runs end before they are killed");
            continue;
        }
        let end = if alone { victim.kill_first() } else { victim.kill_tree() };
        killed += u64::from(end.signal() == Some(9));
        let about = format!("kill {killed} {moment:?}{}", if alone { " of the first process" } else { "" });
        println!("{about}");
        assert_whole(&scene.out(), &scene.undisturbed, &about);
        // From time to time the state that was left is completed; else the next kill comes on top.
        if killed == kills || dice.below(3) == 0 {
            scene.assert_completes(&about);
            let again = scene.run();
            assert_eq!(again.entered("plan"), 0, "{about}: all is done, so nothing is done again");
            scene.begin_anew();
        }
    }
    println!("{killed} runs were killed and {ended} ended before; an undisturbed one takes {length:.1?}");
}

/// Small cuts of all sample clips, which are listened to.
fn samples() -> Scene {
    let desk = Desk::new();
    desk.practice(&(small("x", &[(426, 240), (240, 426)]) + &small("tiktok", &[(240, 426)])));
    let clips = fs::read_dir(crate::common::desk::samples().join("clips")).unwrap().flatten();
    let names: Vec<String> = clips.map(|clip| clip.file_name().into_string().unwrap()).collect();
    let is_clip = |name: &&str| ["mp4", "mov", "m4v"].iter().any(|extension| name.ends_with(extension));
    desk.drop_samples(&names.iter().map(String::as_str).filter(is_clip).collect::<Vec<_>>());
    Scene::with(desk, &["--platforms", "x,tiktok"])
}

#[test]
fn a_run_that_is_killed_anywhere_loses_nothing() {
    let mut dice = Dice::new("kill a run");
    match long_form() {
        None => kill_runs(&Scene::of(2, ""), &mut dice, 6),
        Some(kills) => kill_runs(&samples(), &mut dice, kills),
    }
}

/// A second folder with the same files of the same dates.
fn copy(from: &Path, to: &Path) {
    drop(fs::remove_dir_all(to));
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

#[test]
fn approving_and_holding_can_be_killed_between_any_two_files() {
    let mut dice = Dice::new("kill a decision");
    let scene = Scene::of(2, "[review]\nrequire = \"all\"\n");
    let clips = ["clip-1", "clip-2"];
    let approve = [&["approve", "--by", "Ana Silva"], &clips[..]].concat();
    let hold = [&["hold", "--by", "Ben"], &clips[..]].concat();
    let before = scene.desk.inbox().with_file_name("before");
    for (verb, arguments) in [("approve", approve), ("hold", hold)] {
        copy(&scene.out(), &before);
        let began = Instant::now();
        let done = scene.desk.housecall(&arguments);
        assert_eq!(done.code, 0, "{done:?}");
        let (length, decided) = (began.elapsed(), tree(&scene.out()));
        for attempt in 1..=long_form().unwrap_or(6) {
            copy(&before, &scene.out());
            let moment = Moment::of(&mut dice, length);
            let printed = scene.desk.inbox().with_file_name("printed");
            let mut victim = Victim::start(scene.desk.command(&arguments), printed);
            moment.comes(&mut victim, &scene.out());
            victim.kill_tree();
            let about = format!("{verb} {attempt} {moment:?}");
            assert_whole(&scene.out(), &decided, &about);
            let now = tree(&scene.out());
            let record = now.get(Path::new(".housecall/record.ndjson")).cloned().unwrap_or_default();
            for cut in now.keys().filter(|file| file.starts_with("x") || file.starts_with("youtube")) {
                let clip = cut.file_stem().unwrap().to_str().unwrap();
                assert!(record.contains(&format!("\"{clip}\" \"approve\"")), "{about}: {} is out", cut.display());
            }
            let done = scene.desk.housecall(&arguments);
            assert_eq!(done.code, 0, "{about}: {done:?}");
            assert_same(&tree(&scene.out()), &decided, &about);
            assert_eq!(scene.run().entered("plan"), 0, "{about}: nothing is left to do");
            assert_same(&tree(&scene.out()), &decided, &about);
            assert_eq!(scene.leftovers(), [""; 0].map(PathBuf::from), "{about}");
        }
    }
}

#[test]
fn a_watch_that_is_killed_is_taken_up_again() {
    let mut dice = Dice::new("kill a watch");
    let scene = Scene::of(2, "");
    for attempt in 1..=long_form().unwrap_or(2) {
        scene.begin_anew();
        let moment = Moment::of(&mut dice, Duration::from_secs(1));
        let mut victim = scene.start("watch");
        assert!(moment.comes(&mut victim, &scene.out()), "a watch does not end by itself");
        victim.kill_tree();
        let about = format!("watch {attempt} {moment:?}");
        assert_whole(&scene.out(), &scene.undisturbed, &about);
        let victim = scene.start("watch");
        let (began, done) = (Instant::now(), |text: String| text.contains("\"event\":\"ended\""));
        while !done(fs::read_to_string(&victim.printed).unwrap()) {
            assert!(began.elapsed() < Duration::from_secs(60), "{about}: the second watch does nothing");
            sleep(Duration::from_millis(20));
        }
        let (stopped, _) = victim.stop("TERM");
        assert_eq!(stopped.code, 0, "{about}: {}", stopped.out);
        scene.assert_complete(&about);
    }
}

#[test]
fn a_run_that_is_asked_to_stop_says_what_is_kept() {
    let mut dice = Dice::new("stop a run");
    let scene = Scene::of(2, "");
    for attempt in 1..=long_form().unwrap_or(4) {
        let by = if attempt % 2 == 0 { "INT" } else { "TERM" };
        scene.begin_anew();
        let moment = Moment::Sight(Sight::Cache, dice.within(Duration::from_millis(400)));
        let mut victim = scene.start("run");
        let about = format!("{by} {attempt} {moment:?}");
        if !moment.comes(&mut victim, &scene.out()) {
            continue;
        }
        let (done, took) = victim.stop(by);
        assert!(took < PATIENCE, "{about}: {took:?}");
        // It may have come to its end just then.
        let stopped = done.out.contains("\"stopped\":true");
        assert_eq!(done.code, if stopped { 2 } else { scene.code }, "{about}: {}", done.out);
        assert_whole(&scene.out(), &scene.undisturbed, &about);
        assert_eq!(scene.leftovers(), [""; 0].map(PathBuf::from), "{about}");
        scene.assert_completes(&about);
    }
}
