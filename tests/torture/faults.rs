//! What goes wrong below the program: disks, limits, clips that change. Each time a person is told what happened and what
//! to do, nothing half-made has a name, and the next run without the fault leaves what it would have left anyway.
//!
//! The short form is part of `make test`. `HOUSECALL_TORTURE=200 cargo test --release --test torture faults:: -- --show-output` goes
//! through so many failing system calls.

use crate::common::desk::{Desk, Done, samples, small};
use crate::common::ffmpeg;
use crate::common::torture::{Dice, Scene, long_form};
use crate::common::tree::{assert_same, assert_whole, public, strays, tree};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// The command, run by another one: `prlimit --nofile=30 housecall run ...`.
fn through(wrapper: &[&str], command: &Command) -> Command {
    let mut wrapped = Command::new(wrapper[0]);
    wrapped.args(&wrapper[1..]).arg(command.get_program()).args(command.get_args());
    wrapped.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    wrapped.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    wrapped
}

/// Whether a command can be used here at all.
fn works(command: &[&str]) -> bool {
    let mut command_line = Command::new(command[0]);
    let tried = command_line.args(&command[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok_and(|end| end.success())
}

/// Permissions count for the administrator too: without it, tests that run as root could read and write everything.
fn as_a_user(command: &Command) -> Command {
    let is_root = fs::read_to_string("/proc/self/status").unwrap().lines().any(|line| line.starts_with("Uid:\t0\t"));
    if is_root {
        through(&["setpriv", "--bounding-set=-dac_override,-dac_read_search"], command)
    } else {
        through(&["env"], command)
    }
}

/// Runs it to its end, which it has to reach by itself and within a minute.
fn finish(command: Command) -> Done {
    Done::of(assert_cmd::Command::from_std(command).timeout(Duration::from_secs(60)).output().unwrap())
}

/// Asserts that what a run tells of its faults is meant for a person.
fn assert_told(done: &Done, about: &str) {
    assert!(!done.err.contains("panicked"), "{about}: {}", done.err);
    match done.code {
        0 => {}
        1 => assert!(done.err.contains("What to do: "), "{about}: {done:?}"),
        2 => {
            let failed = done.events("failed");
            assert!(!failed.is_empty() || done.err.contains("What to do: "), "{about}: {done:?}");
            for event in failed {
                let says = |field: &str| event[field].as_str().is_some_and(|text| !text.is_empty());
                assert!(["clip", "stage", "what", "advice"].into_iter().all(says), "{about}: {event}");
            }
        }
        code => panic!("{about}: it ended with {code}: {done:?}"),
    }
}

/// Everything that was told, in one text.
fn told(done: &Done) -> String {
    format!("{}{}", done.out, done.err)
}

/// Runs with a fault and asserts what has to be true after any; the scene is as it was left.
fn suffer(scene: &Scene, about: &str, command: Command) -> Done {
    let done = finish(command);
    assert_told(&done, about);
    assert_whole(&scene.out(), &scene.undisturbed, about);
    assert_eq!(strays(&scene.out()), [""; 0].map(PathBuf::from), "{about}");
    if done.code == scene.code {
        scene.assert_complete(about);
    }
    done
}

/// The same from an empty output folder, and then a run without the fault.
fn suffer_and_recover(scene: &Scene, about: &str, command: Command) -> Done {
    scene.begin_anew();
    let done = suffer(scene, about, command);
    scene.assert_completes(about);
    done
}

#[test]
fn a_full_disk_keeps_what_is_finished() {
    let mut dice = Dice::new("full disk");
    let scene = Scene::of(2, "");
    // A limit on a file's size can be had everywhere: the call that writes fails as on a full disk.
    for bytes in [1_000, 20_000] {
        let limit = format!("--fsize={bytes}");
        let about = format!("files of up to {bytes} bytes");
        let command =
            through(&["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\"", "prlimit", &limit], &scene.command("run"));
        let done = suffer_and_recover(&scene, &about, command);
        assert_ne!(done.code, 0, "{about}: {done:?}");
        assert!(told(&done).contains("File too large"), "{about}: {done:?}");
    }
    if !works(&["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /tmp"]) {
        println!("no tmpfs can be mounted here: only limits on files were tried");
        return;
    }
    let (mut full, tries) = (0, long_form().unwrap_or(2));
    for attempt in 0..tries {
        // By turns too few bytes and too few files.
        let (size, inodes) = match attempt % 2 {
            0 => (8 + dice.below(500), 10_000),
            _ => (100_000, 6 + dice.below(60)),
        };
        let about = format!("a disk of {size} KiB and {inodes} files");
        let room = scene.out().with_file_name("room");
        drop(fs::remove_dir_all(&room));
        fs::create_dir(&room).unwrap();
        scene.begin_anew();
        let script = format!(
            "mount -t tmpfs -o size={size}k,nr_inodes={inodes} tmpfs cuts && \"$0\" \"$@\" >room/out 2>room/err; \
             echo $? >room/code; \
             mkdir room/left && cp -a cuts/. room/left/ && mount -o remount,size=100m,nr_inodes=100000 cuts && \
             \"$0\" \"$@\" >room/last.out 2>&1; echo $? >room/last.code; mkdir room/last && cp -a cuts/. room/last/"
        );
        let mut command = through(&["unshare", "-rm", "sh", "-c", &script], &scene.command("run"));
        let ended = command.output().unwrap();
        let read = |name: &str| fs::read_to_string(room.join(name)).unwrap_or_default();
        let code = read("code").trim().parse().unwrap_or_else(|_| panic!("{about}: {ended:?}"));
        let done = Done { code, out: read("out"), err: read("err") };
        assert_told(&done, &about);
        let left = room.join("left");
        assert_whole(&left, &scene.undisturbed, &about);
        assert_eq!(strays(&left), [""; 0].map(PathBuf::from), "{about}");
        if done.code != 0 {
            assert!(told(&done).contains("free some space on the disk"), "{about}: {done:?}");
            full += 1;
        }
        assert_eq!(read("last.code").trim(), "0", "{about}: {}", read("last.out"));
        assert_same(&tree(&room.join("last")), &scene.undisturbed, &about);
    }
    println!("of {tries} small disks {full} were full");
    assert!(full > 0);
}

#[test]
fn system_calls_that_fail_are_told_of_and_undone() {
    let mut dice = Dice::new("system calls");
    if !works(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"]) {
        println!("no system call can be made to fail here, for lack of strace or of the right to use it: not tried");
        return;
    }
    let scene = Scene::of(1, "");
    // What fails, how, how often it is called in a run, and whether from then on or once.
    let calls = [
        ("write", "ENOSPC", 60),
        ("fsync", "EIO", 40),
        ("fdatasync", "EIO", 8),
        ("rename", "EACCES", 4),
        ("rename,renameat,renameat2", "EIO", 40),
        ("linkat", "EPERM", 2),
        ("mkdir", "ENOSPC", 14),
        ("openat", "EMFILE", 900),
        ("clone3", "EAGAIN", 8),
        ("unlink", "EIO", 4),
    ];
    let (tries, mut failed) = (long_form().unwrap_or(4), 0);
    for attempt in 0..tries {
        let (call, error, often) = calls[(attempt % calls.len() as u64) as usize];
        let (first, on) = (1 + dice.below(often), if dice.below(2) == 0 { "+" } else { "" });
        let about = format!("{call} {error} from call {first}{on}");
        let inject = format!("inject={call}:error={error}:when={first}{on}");
        let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject];
        scene.begin_anew();
        let done = finish(through(&strace, &scene.command("run")));
        // Where no write ever works again nothing can be told either; it is no success then.
        let is_mute = call == "write" && on == "+";
        // Before the program's own first line even the loader may fail.
        if done.code != 127 && !is_mute {
            assert_told(&done, &about);
        }
        assert_whole(&scene.out(), &scene.undisturbed, &about);
        if call != "unlink" {
            assert_eq!(strays(&scene.out()), [""; 0].map(PathBuf::from), "{about}");
        }
        failed += u64::from(done.code != 0);
        scene.assert_completes(&about);
    }
    println!("{failed} of {tries} runs failed");
    assert!(failed > 0);
}

#[test]
fn a_kill_between_any_two_steps_on_the_disk_loses_nothing() {
    let mut dice = Dice::new("kill at a step");
    let steps = "fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,ftruncate";
    let kill = |when: u64| format!("inject={steps}:signal=KILL:when={when}");
    if !works(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "true"]) {
        println!("no system call can be watched here, for lack of strace or of the right to use it: not tried");
        return;
    }
    let scene = Scene::of(1, "");
    let mut killed = 0;
    let tries = long_form().unwrap_or(2);
    for attempt in 1..=tries {
        // The long form takes them in order.
        let when = if long_form().is_some() { attempt } else { 1 + dice.below(40) };
        let about = format!("killed at step {when}");
        scene.begin_anew();
        let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={steps}"), "-e", &kill(when)];
        let end = through(&strace, &scene.command("run")).output().unwrap();
        assert_whole(&scene.out(), &scene.undisturbed, &about);
        killed += u64::from(!end.status.success());
        scene.assert_completes(&about);
    }
    println!("{killed} of {tries} runs were killed");
    assert!(killed > 0);
}

#[test]
fn a_file_is_flushed_before_it_gets_its_name_and_its_folder_after() {
    if !works(&["strace", "-f", "-qq", "-y", "-o", "/dev/null", "-e", "trace=fsync", "true"]) {
        println!("no system call can be watched here, for lack of strace or of the right to use it: not tried");
        return;
    }
    let scene = Scene::of(1, "");
    scene.begin_anew();
    let log = scene.out().with_file_name("calls");
    let calls = "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat";
    let strace = ["strace", "-f", "-y", "-s", "4096", "-o", log.to_str().unwrap(), "-e", calls];
    let done = finish(through(&strace, &scene.command("run")));
    assert_eq!(done.code, 0, "{done:?}");
    let text = fs::read_to_string(&log).unwrap();
    // Calls of several threads may overlap: one that is unfinished began there, and began is enough for one that names.
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("resumed>")).collect();
    let home = scene.out().with_file_name("").canonicalize().unwrap();
    let flushed = |range: &[&str], path: &Path| {
        let shown = format!("<{}>", home.join(path).display());
        range.iter().any(|line| (line.contains("fsync(") || line.contains("fdatasync(")) && line.contains(&shown))
    };
    let mut named = 0;
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("rename")) {
        let names: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        let [from, to] = names[..] else { panic!("{line}") };
        let (from, to) = (Path::new(from), Path::new(to));
        assert!(flushed(&lines[..at], from), "{} got its name before it was flushed", to.display());
        // What is only remembered may be lost; whoever learns it again has lost nothing.
        if to != Path::new("cuts/.housecall/digests.json") {
            let folder = to.parent().unwrap();
            assert!(flushed(&lines[at..], folder), "the name of {} is not flushed", to.display());
        }
        named += 1;
    }
    assert!(named > 15, "{named} files were named");
    // The journal tells of a cut once its name lasts.
    let place = |what: &str| lines.iter().position(|line| line.contains("rename") && line.contains(what)).unwrap();
    let after = &lines[place("cuts/x/clip-1.mp4")..];
    let folder = after.iter().position(|line| flushed(&[line], Path::new("cuts/x"))).unwrap();
    let journal = after.iter().position(|line| flushed(&[line], Path::new("cuts/.housecall/journal.ndjson"))).unwrap();
    assert!(folder < journal, "{after:#?}");
}

#[test]
fn limits_of_the_system_are_told_of() {
    let scene = Scene::of(1, "");
    let mut failed = 0;
    for files in [4, 8, 14] {
        let limit = format!("--nofile={files}:{files}");
        let done = through(&["prlimit", &limit], &scene.command("run"));
        scene.begin_anew();
        let done = finish(done);
        let about = format!("{files} open files: {done:?}");
        // With next to none the loader itself cannot open the libraries.
        if done.code != 127 {
            assert_told(&done, &about);
        }
        failed += u32::from(done.code != 0);
        assert_whole(&scene.out(), &scene.undisturbed, &about);
        scene.assert_completes(&about);
    }
    assert!(failed > 0);
    // Fonts that cannot be opened are there all the same.
    let mut short = 0;
    for files in 5..9 {
        let limit = format!("--nofile={files}:{files}");
        let done = finish(through(&["prlimit", &limit], &scene.desk.command(&["doctor"])));
        assert!(
            !told(&done).contains("install fonts") && !told(&done).contains("install the package"),
            "{files}: {done:?}"
        );
        short += u32::from(told(&done).contains("allow more open files"));
    }
    assert!(short > 0, "at no limit were files too few for the fonts");
    for megabytes in [300, 350] {
        let limit = format!("--as={megabytes}000000");
        scene.begin_anew();
        // Who gets no memory may be ended by the allocator; what counts is what is left behind.
        let end = through(&["prlimit", &limit], &scene.command("run")).output().unwrap();
        let about = format!("{megabytes} MB: {}", String::from_utf8_lossy(&end.stderr));
        assert!(end.status.success() || !end.stderr.is_empty() || !end.stdout.is_empty(), "{about}");
        assert_whole(&scene.out(), &scene.undisturbed, &about);
        scene.assert_completes(&about);
    }
    if works(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "true"]) {
        // Every flush and rename takes a fiftieth of a second, as on a drive at the other end of a network.
        let calls = "fsync,fdatasync,rename,renameat,renameat2,unlink,mkdir";
        let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:delay_enter=20000"));
        let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
        let done = suffer_and_recover(&scene, "a slow disk", through(&strace, &scene.command("run")));
        assert_eq!(done.code, 0, "{done:?}");
    }
}

#[test]
fn nobody_has_to_listen_and_no_home_is_needed() {
    let scene = Scene::of(1, "");
    let shell = |line: &str| {
        scene.begin_anew();
        let end = through(&["sh", "-c", line], &scene.command("run")).output().unwrap();
        assert!(end.status.success(), "{line}: {end:?}");
        scene.assert_complete(line);
    };
    shell("exec \"$0\" \"$@\" >&-");
    shell("exec \"$0\" \"$@\" 2>&-");
    shell("exec \"$0\" \"$@\" >/dev/full 2>/dev/full");
    // A reader that goes away after a line.
    shell("{ \"$0\" \"$@\"; echo $? >code; } | head -1 && test $(cat code) = 0");
    let mut homeless = scene.command("run");
    homeless.env_remove("HOME").env("TMPDIR", "/nowhere/at/all");
    scene.begin_anew();
    let done = finish(homeless);
    assert_eq!(done.code, 0, "{done:?}");
    let mut wanted = scene.undisturbed.clone();
    wanted.retain(|file, _| !file.starts_with(".housecall"));
    assert_same(&public(&scene.out()), &wanted, "without a home and a folder for temporary files");
}

#[test]
fn what_stands_in_the_way_is_named() {
    let scene = Scene::of(2, "");
    let out = scene.out();
    let run = || finish(scene.command("run"));

    // A platform's name is taken by a file: its cuts fail, the others' are made.
    scene.begin_anew();
    fs::write(out.join("x"), "mine").unwrap();
    let done = run();
    assert_eq!(done.code, 2, "{done:?}");
    assert_told(&done, "a file where a folder should be");
    assert!(
        done.events("failed").iter().all(|event| event["what"].as_str().unwrap().contains("cuts/x/clip-")),
        "{done:?}"
    );
    assert_eq!(fs::read_to_string(out.join("x")).unwrap(), "mine", "what is not ours stays");
    assert!(out.join("youtube/clip-1.mp4").is_file() && out.join("youtube/clip-2.mp4").is_file());
    fs::remove_file(out.join("x")).unwrap();
    scene.assert_completes("a file where a folder should be");

    // The report's name is taken by a folder: everything else is in place, and it is told what is not.
    scene.begin_anew();
    fs::create_dir_all(out.join("report.html/mine")).unwrap();
    let done = run();
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.err.contains("report.html cannot be written") && done.err.contains("What to do: "), "{done:?}");
    assert_eq!(done.events("ended")[0]["failed"], 0, "the clips did not fail");
    assert_eq!(done.events("ended")[0]["cuts"], 4);
    fs::remove_dir_all(out.join("report.html")).unwrap();
    scene.assert_completes("a folder where the report should be");

    // The output folder, and one below it, may not be written to.
    let allow = |folder: &Path, mode| fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    scene.begin_anew();
    fs::create_dir(out.join(".housecall")).unwrap();
    allow(&out.join(".housecall"), 0o555);
    let done = finish(as_a_user(&scene.command("run")));
    allow(&out.join(".housecall"), 0o755);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains("cannot be written") && done.err.contains("--out"), "{done:?}");
    fs::create_dir(out.join("x")).unwrap();
    allow(&out.join("x"), 0o555);
    let done = finish(as_a_user(&scene.command("run")));
    allow(&out.join("x"), 0o755);
    assert_eq!(done.code, 2, "{done:?}");
    assert_told(&done, "a platform's folder that is read-only");
    assert!(fs::read_dir(out.join("x")).unwrap().next().is_none());
    scene.assert_completes("folders that were read-only");

    // A read-only drive.
    if works(&["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /tmp"]) {
        let script = "mount --bind cuts cuts && mount -o remount,ro,bind cuts && exec \"$0\" \"$@\"";
        scene.begin_anew();
        let done = finish(through(&["unshare", "-rm", "sh", "-c", script], &scene.command("run")));
        assert_eq!(done.code, 1, "{done:?}");
        assert!(done.err.contains("Read-only file system") && done.err.contains("--out"), "{done:?}");
        scene.assert_completes("a read-only drive");
    } else {
        println!("nothing can be mounted here: a read-only drive was not tried");
    }

    // Folders above are made; a file above is named.
    let mut deep = scene.command("run");
    deep.args(["--out", "a/b/c"]);
    let done = finish(deep);
    assert_eq!(done.code, 0, "{done:?}");
    let mut below = scene.command("run");
    below.args(["--out", "inbox/practice.toml/cuts"]);
    let done = finish(below);
    assert!(
        done.code == 1 && done.err.contains("inbox/practice.toml") && done.err.contains("What to do: "),
        "{done:?}"
    );

    // Dates from tomorrow and from long ago, on clips and on cuts.
    let date =
        |file: &Path, time: SystemTime| File::options().append(true).open(file).unwrap().set_modified(time).unwrap();
    let (day, now) = (Duration::from_secs(86_400), SystemTime::now());
    for time in [now + 400 * day, SystemTime::UNIX_EPOCH + day] {
        for file in ["x/clip-1.mp4", "x/clip-1.txt", "covers/clip-1.jpg", "report.html", "transcripts/clip-2.srt"] {
            date(&out.join(file), time);
        }
        scene.assert_completes("dates of another time");
    }

    // A cache that the disk has eaten.
    for file in crate::common::tree::files(&out.join(".housecall/cache")) {
        let file = out.join(".housecall/cache").join(file);
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    }
    scene.assert_completes("a damaged cache");
    for file in ["x/clip-1.mp4", "youtube/clip-1.mp4", "covers/clip-1.jpg"] {
        fs::write(out.join(file), "eaten").unwrap();
    }
    scene.assert_completes("damaged cuts");
    // One cut comes out the same whether the other is made with it or not: they share the clip's pictures.
    for file in ["x/clip-1.mp4", "youtube/clip-1.mp4", "covers/clip-1.jpg"] {
        fs::remove_file(out.join(file)).unwrap();
        scene.assert_completes(file);
    }
}

/// Runs, and does something when an event of a clip comes.
fn run_and(scene: &Scene, kind: &str, stage: &str, clip: &str, act: impl FnOnce()) -> Done {
    let mut child = scene.command("run").spawn().unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap());
    let (mut out, mut line) = (String::new(), String::new());
    let is_it = |line: &str| [kind, stage, clip].iter().all(|part| line.contains(part));
    while !is_it(&line) {
        line.clear();
        assert_ne!(events.read_line(&mut line).unwrap(), 0, "it ended before {kind} {stage} {clip}: {out}");
        out += &line;
    }
    act();
    events.read_to_string(&mut out).unwrap();
    Done { out, ..Done::of(child.wait_with_output().unwrap()) }
}

#[test]
fn clips_that_change_while_they_are_read_are_left_for_later() {
    let scene = Scene::of(2, "");
    let clip = scene.desk.inbox().join("clip-2.mp4");
    let (ours, other) = (fs::read(&clip).unwrap(), fs::read(scene.desk.inbox().join("clip-1.mp4")).unwrap());
    let date = clip.metadata().unwrap().modified().unwrap();
    let restore = || {
        fs::write(&clip, &ours).unwrap();
        File::options().append(true).open(&clip).unwrap().set_modified(date).unwrap();
    };
    let changes: [(&str, &dyn Fn()); 4] = [
        ("taken away", &|| fs::remove_file(&clip).unwrap()),
        ("cut off", &|| File::options().write(true).open(&clip).unwrap().set_len(ours.len() as u64 / 2).unwrap()),
        ("written on", &|| fs::write(&clip, [&ours[..], &other[..]].concat()).unwrap()),
        ("made another", &|| fs::write(&clip, &other).unwrap()),
    ];
    let stages = ["probe", "plan", "render"];
    let (mut dice, mut noticed) = (Dice::new("clips that change"), 0);
    for (how, change) in changes {
        let chosen = stages[dice.below(3) as usize];
        // The long form tries all of them.
        for stage in stages.into_iter().filter(|stage| long_form().is_some() || *stage == chosen) {
            let about = format!("{how} at {stage}");
            scene.begin_anew();
            let done = run_and(&scene, "entered", stage, "clip-2", change);
            assert_told(&done, &about);
            // What was read before the change is right; nothing that was read after it is kept.
            assert_whole(&scene.out(), &scene.undisturbed, &about);
            if ["written on", "made another"].contains(&how) {
                assert_eq!(done.code, 2, "{about}: {done:?}");
            }
            let what = |event: &Value| event["what"].as_str().unwrap().contains("clip-2.mp4 changed while");
            noticed += u32::from(done.events("failed").iter().any(what));
            assert!(scene.out().join("x/clip-1.mp4").is_file(), "{about}: the other clip");
            restore();
            scene.assert_completes(&about);
        }
    }
    assert!(noticed > 0, "no change was noticed by size and date");
    // One that may not be read.
    scene.begin_anew();
    fs::set_permissions(&clip, fs::Permissions::from_mode(0o000)).unwrap();
    let done = finish(as_a_user(&scene.command("run")));
    fs::set_permissions(&clip, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(done.code, 2, "{done:?}");
    let failed = &done.events("failed")[0];
    assert!(
        failed["clip"] == "clip-2.mp4" && failed["what"].as_str().unwrap().contains("ermission denied"),
        "{failed}"
    );
    assert_whole(&scene.out(), &scene.undisturbed, "a clip that may not be read");
    scene.assert_completes("a clip that may not be read");
}

#[test]
fn a_logo_that_goes_away_fails_the_cuts_that_need_it() {
    let scene = Scene::of(1, "");
    let logo = scene.desk.inbox().join("logo.png");
    let bytes = fs::read(&logo).unwrap();
    for gone in [true, false] {
        scene.begin_anew();
        let away = || if gone { fs::remove_file(&logo).unwrap() } else { fs::write(&logo, &bytes[..100]).unwrap() };
        let done = run_and(&scene, "started", "", "", away);
        assert_eq!(done.code, 2, "{done:?}");
        assert_told(&done, "a logo that went away");
        assert!(done.events("failed")[0]["what"].as_str().unwrap().contains("logo.png"), "{done:?}");
        assert_whole(&scene.out(), &scene.undisturbed, "a logo that went away");
        fs::write(&logo, &bytes).unwrap();
        scene.assert_completes("a logo that is back");
    }
}

#[test]
fn a_model_that_is_none_is_named() {
    let desk = Desk::new();
    desk.practice(&(small("x", &[(240, 426)]) + "[end_card]\nenabled = false\n"));
    let (from, to) = (samples().join("clips/headache-medicine.mp4"), desk.inbox().join("made.mp4"));
    let encoding = ["-t", "3", "-vf", "scale=180:320", "-preset", "ultrafast", "-c:a", "copy"];
    ffmpeg(&[&["-i", from.to_str().unwrap()], &encoding[..], &[to.to_str().unwrap()]].concat());
    let bytes = fs::read(&to).unwrap();
    fs::remove_file(to).unwrap();
    desk.drop_file("said.mp4", &bytes);
    let starter = housecall::speech::find(Some("starter"), "en", &housecall::speech::folders().unwrap());
    let housecall::speech::Located::Present(starter) = starter.unwrap() else { panic!("the starter model is here") };
    let model = fs::read(starter.path).unwrap();
    // One whose words are there needs no model.
    desk.drop_file("given.mp4", &desk.clip(1));
    let words = desk.inbox().join("words");
    fs::create_dir(&words).unwrap();
    fs::write(words.join("given.srt"), "1\n00:00:00,100 --> 00:00:00,900\nDrink water and rest.\n").unwrap();
    let run =
        |model: &[&str]| desk.batch("run", &[&["--platforms", "x", "--transcript", "inbox/words"], model].concat());
    let with = |place: usize, number: u32| {
        let mut bytes = model.clone();
        bytes[place..place + 4].copy_from_slice(&number.to_le_bytes());
        bytes
    };
    // Filters of 80 bands and so many columns stand in front of the words; a tensor has the length of its name and two
    // sizes in front of that name.
    let columns = with(13 * 4, 0x7fff_ffff);
    let name = b"decoder.positional_embedding";
    let name = model.windows(name.len()).position(|bytes| bytes == name).expect("a tensor that every model has");
    let file = desk.inbox().with_file_name("model.bin");
    let damaged = "model.bin is not a whole speech model";
    for (bytes, about, says) in [
        (&model[..model.len() / 2], "half", damaged),
        (b"no model at all", "text", damaged),
        (&model[..100], "100 bytes", damaged),
        (&columns, "filters larger than the file", damaged),
        // What nobody looks at before whisper.cpp does ends the process that listens, and nothing else.
        (&with(name - 16, u32::MAX), "a name without end", "the process that listens to the clip gave up"),
    ] {
        fs::write(&file, bytes).unwrap();
        let done = run(&["--model", file.to_str().unwrap()]);
        assert_eq!(done.code, 2, "{about}: {done:?}");
        assert_told(&done, about);
        let failed = done.events("failed");
        assert_eq!(failed.len(), 1, "{about}: {done:?}");
        let [what, advice] = ["what", "advice"].map(|field| failed[0][field].as_str().unwrap());
        assert!(failed[0]["clip"] == "said" && what.contains(says), "{about}: {done:?}");
        assert!(advice.contains("delete") && advice.contains("model") && !what.contains('\n'), "{about}: {done:?}");
        assert!(!desk.out().join("x/said.mp4").exists());
        assert!(desk.out().join("x/given.mp4").is_file(), "{about}: the clip whose words are there");
    }
    let done = run(&[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(desk.out().join("x/said.mp4").is_file());
}
