//! One folder on many computers: what tasks deliver and gathering puts into place is what one run makes. There is no Slurm
//! here: its commands are scripts that write down what they were asked, and the tests start the tasks.

use crate::common::desk::{Desk, Done, samples, small};
use crate::common::ffmpeg;
use crate::common::tree::{assert_same, files, is_on_its_way, public, strays, tree};
use serde_json::Value;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;

/// Slurm's commands, as scripts. `$FAKE` is a folder: `calls` tells what was asked, `queue` what `squeue` says, `refuse` from
/// which call on `sbatch` refuses.
const FAKES: [(&str, &str); 4] = [
    (
        "sbatch",
        "n=$(($(cat \"$FAKE/n\" 2>/dev/null || echo 0) + 1)); [ \"$n\" != \"$(cat \"$FAKE/refuse\" 2>/dev/null)\" ] || \
         { echo 'sbatch: error: invalid partition' >&2; exit 1; }\n\
         echo $n > \"$FAKE/n\"; echo \"sbatch $*\" >> \"$FAKE/calls\"; echo \"$n;cluster\"",
    ),
    (
        "squeue",
        "echo \"squeue $*\" >> \"$FAKE/calls\"; [ -e \"$FAKE/queue\" ] || \
         { echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1; }\ncat \"$FAKE/queue\"",
    ),
    ("scontrol", "echo 'MaxArraySize            = 2'"),
    ("scancel", "echo \"scancel $*\" >> \"$FAKE/calls\""),
];

/// A desk with clips that are made in a moment, and a cluster beside it.
struct Cluster {
    desk: Desk,
}

impl Cluster {
    /// Clips of a second, their words given, on two small platforms.
    fn of(clips: usize) -> Self {
        let desk = Desk::new();
        desk.practice(&settings());
        fs::create_dir(desk.inbox().join("said")).unwrap();
        (1..=clips).for_each(|n| drop_clip(&desk.inbox(), n, 1));
        let cluster = Cluster { desk };
        fs::create_dir(cluster.home().join("node")).unwrap();
        fs::create_dir(cluster.fake()).unwrap();
        for (name, script) in FAKES {
            let file = cluster.fake().join(name);
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        cluster
    }

    fn home(&self) -> PathBuf {
        self.desk.inbox().parent().unwrap().to_path_buf()
    }

    fn fake(&self) -> PathBuf {
        self.home().join("fake")
    }

    /// The program with the cluster's commands, in a node's temporary folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.desk.command(arguments);
        let path = std::env::var("PATH").unwrap();
        command.env("FAKE", self.fake()).env("PATH", format!("{}:{path}", self.fake().display()));
        command.env("TMPDIR", self.home().join("node"));
        command
    }

    fn housecall(&self, arguments: &[&str]) -> Done {
        Done::of(self.command(arguments).output().unwrap())
    }

    /// What a run or a submission of the inbox is given.
    fn batch(&self, verb: &[&str], out: &Path, further: &[&str]) -> Done {
        let (inbox, said) = (self.desk.inbox(), self.desk.inbox().join("said"));
        let common = [inbox.to_str().unwrap(), "--out", out.to_str().unwrap(), "--offline", "--json"];
        let which = ["--platforms", "x,youtube", "--transcript", said.to_str().unwrap()];
        self.housecall(&[verb, &common, &which, further].concat())
    }

    fn submit(&self, further: &[&str]) -> (Value, Done) {
        let done = self.batch(&["submit", "slurm"], &self.desk.out(), further);
        let told = done.events("submitted").pop().unwrap_or(Value::Null);
        (told, done)
    }

    fn run(&self, out: &Path) -> Done {
        self.batch(&["run"], out, &[])
    }

    /// Does the jobs of what was submitted, as the engine would: by its script.
    fn tasks(&self, told: &Value) -> Vec<Output> {
        let count = told["tasks"].as_u64().unwrap() as usize;
        (0..count).map(|number| self.script(told, number).output().unwrap()).collect()
    }

    /// Does the jobs, all of which have to succeed.
    fn assert_work(&self, told: &Value) {
        self.tasks(told).iter().for_each(|task| assert!(task.status.success(), "{task:?}"));
    }

    /// The lines of `housecall status`, the counts last, and its exit code.
    fn status(&self) -> (Vec<Value>, i32) {
        let done = self.housecall(&["status", "--out", self.desk.out().to_str().unwrap(), "--json"]);
        (done.lines(), done.code)
    }

    /// Every clip with its state, by name.
    fn states(&self) -> Vec<(String, String)> {
        let (mut lines, _) = self.status();
        lines.pop();
        let field = |line: &Value, name: &str| line[name].as_str().unwrap().to_string();
        let mut states: Vec<_> = lines.iter().map(|line| (field(line, "clip"), field(line, "state"))).collect();
        states.sort();
        states
    }

    fn script(&self, told: &Value, number: usize) -> Command {
        let mut command = Command::new("sh");
        command.arg(jobs(told).join("task.sh")).arg((number / 2 * 2).to_string());
        command.env("SLURM_ARRAY_TASK_ID", (number % 2).to_string()).env("HOME", self.home());
        command.env("TMPDIR", self.home().join("node")).current_dir("/");
        command
    }

    fn gather(&self) -> Done {
        self.housecall(&["gather", self.desk.out().to_str().unwrap(), "--json"])
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.fake().join("calls")).unwrap_or_default()
    }

    /// Asserts that gathering leaves just what a run of one computer leaves, in `reference`.
    fn assert_gathers(&self, reference: &Path, about: &str) {
        self.assert_gathers_with(0, reference, about);
    }

    fn assert_gathers_with(&self, code: i32, reference: &Path, about: &str) {
        let done = self.gather();
        assert_eq!(done.code, code, "{about}: {done:?}");
        let work = &done.events("ended")[0]["work"];
        assert_eq!((&work["decodes"], &work["encodes"]), (&Value::from(0), &Value::from(0)), "{about}");
        assert_same(&tree(&self.desk.out()), &tree(reference), about);
        assert_eq!(strays(&self.desk.out()), [""; 0].map(PathBuf::from), "{about}");
        assert_eq!(self.delivered(), [""; 0].map(PathBuf::from), "{about}: nothing is left");
        assert_eq!(
            files(&self.home().join("node")),
            [""; 0].map(PathBuf::from),
            "{about}: nothing is left on the node"
        );
    }

    /// What was delivered and not put into place.
    fn delivered(&self) -> Vec<PathBuf> {
        files(&self.desk.out().join(".housecall/delivered"))
    }
}

/// This thread and all that it starts on one core, until this is dropped: threads of the speech model that wait for a busy core
/// burn more processor time than they work.
struct OneCore {
    before: String,
}

impl OneCore {
    fn take() -> Self {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let before =
            status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim().to_string();
        let first = before.split(['-', ',']).next().unwrap();
        OneCore::set(first);
        OneCore { before: before.clone() }
    }

    fn set(cores: &str) {
        let thread = fs::read_link("/proc/thread-self").unwrap();
        let thread = thread.file_name().unwrap();
        let done = Command::new("taskset").args(["-c", "-p", cores]).arg(thread).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

impl Drop for OneCore {
    fn drop(&mut self) {
        OneCore::set(&self.before);
    }
}

fn settings() -> String {
    let platforms = small("x", &[(320, 240)]) + &small("youtube", &[(480, 360)]);
    format!("[end_card]\nenabled = false\n{platforms}")
}

fn jobs(told: &Value) -> PathBuf {
    PathBuf::from(told["jobs"].as_str().unwrap_or_else(|| panic!("{told}")))
}

/// Practice and clip of each job, by its number.
fn briefs(told: &Value) -> Vec<(String, String)> {
    let text = fs::read_to_string(jobs(told).join("index.json")).unwrap();
    let briefs: Vec<Value> = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let field = |brief: &Value, name: &str| brief[name].as_str().unwrap().to_string();
    briefs.iter().map(|brief| (field(brief, "practice"), field(brief, "clip"))).collect()
}

/// Seconds of moving picture with a tone, a different one for each number, and its words.
fn drop_clip(inbox: &Path, number: usize, seconds: usize) {
    let picture = format!("testsrc2=size=480x360:rate=15:duration={seconds},hue=h={}", number * 40);
    let tone = format!("sine=frequency={}:duration={seconds}", 200 + 50 * number);
    drop_made(inbox, &format!("clip-{number}"), &picture, &tone, "aac");
    let words = format!("1\n00:00:00,100 --> 00:00:00,900\nDrink water and rest, part {number}.\n");
    fs::write(inbox.join(format!("said/clip-{number}.srt")), words).unwrap();
}

/// A second with single loud samples in silence, which no gain brings to a platform's loudness.
fn drop_clicks(inbox: &Path) {
    let (picture, clicks) = ("testsrc2=size=320x240:rate=15:duration=1", "if(lt(mod(n\\,4000)\\,1)\\,1\\,0)");
    drop_made(inbox, "clicks", picture, &format!("aevalsrc='{clicks}':s=48000:d=1"), "pcm_s16le");
    fs::write(inbox.join("said/clicks.srt"), "1\n00:00:00,100 --> 00:00:00,900\nDrink water and rest.\n").unwrap();
}

/// A clip of generated picture and sound.
fn drop_made(inbox: &Path, name: &str, picture: &str, sound: &str, codec: &str) {
    let file = inbox.join(format!("{name}.{}", if codec == "aac" { "mp4" } else { "mov" }));
    let inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound];
    let encoding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", codec];
    ffmpeg(&[&inputs, &encoding[..], &[file.to_str().unwrap()]].concat());
    age(&file);
}

/// The first seconds of a sample's speech under a small picture; nobody gives its words.
fn drop_spoken(inbox: &Path) {
    let (sample, file) = (samples().join("clips/VID_20260914_101500.mp4"), inbox.join("spoken.mp4"));
    let inputs = ["-t", "2.5", "-i", sample.to_str().unwrap(), "-f", "lavfi", "-t", "2.5", "-i"];
    let picture = ["testsrc2=size=180x320:rate=25", "-map", "1:v", "-map", "0:a", "-map_metadata", "-1"];
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", file.to_str().unwrap()];
    ffmpeg(&[&inputs[..], &picture, &coding].concat());
    age(&file);
}

/// As if it had lain there for an hour.
fn age(file: &Path) {
    let hour = std::time::SystemTime::now() - Duration::from_secs(3600);
    File::options().append(true).open(file).unwrap().set_modified(hour).unwrap();
}

#[test]
fn many_computers_leave_just_what_one_leaves() {
    let _one = OneCore::take();
    let cluster = Cluster::of(0);
    drop_spoken(&cluster.desk.inbox());
    let (out, reference) = (cluster.desk.out(), cluster.home().join("reference"));
    // What people added to the glossary before anything was made.
    for folder in [&out, &reference] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("glossary.toml"), "[replace]\n\"tennis\" = \"padel\"\n").unwrap();
    }
    assert_eq!(cluster.run(&reference).code, 0);
    let (told, _) = cluster.submit(&[]);
    cluster.assert_work(&told);
    assert_eq!(public(&out).len(), 1, "nothing has a platform's name before it is gathered");
    // Who submits again has nothing to do, and hears why.
    let (again, _) = cluster.submit(&[]);
    assert_eq!((&again["tasks"], &again["delivered"]), (&0.into(), &1.into()));
    cluster.assert_gathers(&reference, "from nothing");
    let said = |file: &str| fs::read_to_string(out.join(file)).unwrap();
    assert!(said("x/spoken.srt").contains("padel"), "{}", said("x/spoken.srt"));
    let (again, _) = cluster.submit(&[]);
    assert_eq!((&again["tasks"], &again["in_place"]), (&0.into(), &1.into()));
    let run = cluster.run(&out);
    assert_eq!(run.events("ended")[0]["unchanged"], 1, "a run finds nothing to do");

    // What they write about a clip: a correction and choices.
    for folder in [&out, &reference] {
        let captions = folder.join("transcripts/spoken.srt");
        let text = fs::read_to_string(&captions).unwrap();
        fs::write(&captions, text.replace("patient", "neighbour")).unwrap();
        age(&captions);
        let choices = "start = 0.2\nend = 1.7\nhook = \"Look\"\npatient_visible = true\n";
        fs::write(folder.join("transcripts/spoken.toml"), choices).unwrap();
    }
    assert_eq!(cluster.run(&reference).code, 3, "a clip that shows a patient waits for a person");
    let (told, _) = cluster.submit(&[]);
    cluster.assert_work(&told);
    cluster.assert_gathers_with(3, &reference, "with what people wrote");
    assert!(out.join("held/x/spoken.mp4").exists() && !out.join("x/spoken.mp4").exists());
    assert!(said("held/x/spoken.srt").contains("neighbour"), "{}", said("held/x/spoken.srt"));
}

#[test]
fn a_task_that_is_killed_is_done_again_takes_no_lock_of_the_folder_and_bears_another_beside_it() {
    let cluster = Cluster::of(1);
    let (out, reference) = (cluster.desk.out(), cluster.home().join("reference"));
    // With another number of threads than tasks have: the bits do not depend on it.
    assert_eq!(cluster.batch(&["run"], &reference, &["--jobs", "5"]).code, 0);
    let (told, _) = cluster.submit(&[]);
    for milliseconds in [150, 400, 700, 1000] {
        let mut task = cluster.script(&told, 0).spawn().unwrap();
        sleep(Duration::from_millis(milliseconds));
        task.kill().unwrap();
        task.wait().unwrap();
        assert!(public(&out).is_empty(), "killed after {milliseconds} ms");
    }
    drop(fs::remove_dir_all(cluster.home().join("node")));
    fs::create_dir(cluster.home().join("node")).unwrap();
    let traced = cluster.home().join("traced");
    let task = cluster.script(&told, 0);
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-e", "trace=openat,flock,fcntl,rename,renameat,renameat2,link,linkat", "-o"])
        .arg(&traced);
    strace.arg(task.get_program()).args(task.get_args()).current_dir("/");
    strace.envs(task.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // Another one of the same clip at the same time.
    let mut other = cluster.script(&told, 0).spawn().unwrap();
    let done = strace.output().expect("strace, which the tests' packages bring");
    assert!(other.wait().unwrap().success() && done.status.success(), "{done:?}");
    let (state, calls) = (out.join(".housecall"), fs::read_to_string(&traced).unwrap());
    let in_state = format!("\"{}/", state.display());
    // Whatever it opens to write, makes or renames below the cuts lies among what is delivered.
    let writes = |line: &&str| {
        line.contains("O_WRONLY") || line.contains("O_RDWR") || line.contains("O_CREAT") || !line.contains("openat(")
    };
    let touched: Vec<&str> =
        calls.lines().filter(|line| line.contains(&format!("\"{}/", out.display()))).filter(writes).collect();
    assert!(!touched.is_empty());
    let delivering = format!("{in_state}delivered/");
    assert!(touched.iter().all(|line| line.contains(&delivering)), "{touched:#?}");
    // The jobs are lost; what came of them is not.
    fs::remove_dir_all(jobs(&told)).unwrap();
    let (again, _) = cluster.submit(&[]);
    assert_eq!((&again["tasks"], &again["delivered"]), (&0.into(), &1.into()));
    cluster.assert_gathers(&reference, "after four kills and two at once");
}

#[test]
fn a_cut_that_fails_its_check_on_a_node_is_kept_as_where_it_fails_on_one_computer() {
    let cluster = Cluster::of(0);
    drop_clicks(&cluster.desk.inbox());
    let (out, reference) = (cluster.desk.out(), cluster.home().join("reference"));
    assert_eq!(cluster.run(&reference).code, 2);
    let (told, _) = cluster.submit(&[]);
    assert_eq!(cluster.tasks(&told)[0].status.code(), Some(2));
    let (status, code) = cluster.status();
    let computer = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!((code, &status[0]["state"], &status[0]["computer"]), (2, &"failed".into(), &computer.trim().into()));
    let why = status[0]["why"][0].as_str().unwrap();
    assert!(why.starts_with("while checking for ") && why.contains("failed its check"), "{why}");
    // Once more, as after a power cut: what is told stays the same.
    for _ in 0..2 {
        assert_eq!(cluster.gather().code, 2);
        let failed = |out: &Path| {
            let files = files(&out.join(".housecall/failed")).into_iter();
            files.map(|file| (fs::read(out.join(".housecall/failed").join(&file)).unwrap(), file)).collect::<Vec<_>>()
        };
        assert!(!failed(&reference).is_empty());
        assert!(failed(&out) == failed(&reference), "{:?}", files(&out.join(".housecall")));
        let report = |out: &Path| fs::read_to_string(out.join("report.html")).unwrap();
        assert!(
            report(&out).contains(".housecall/failed/clicks-") && report(&reference).contains(".housecall/failed/")
        );
    }
    // What was said of it is void once it is handed out again, and not before.
    cluster.submit(&["--dry-run"]);
    fs::write(cluster.fake().join("refuse"), "3").unwrap();
    assert_eq!(cluster.submit(&[]).1.code, 1);
    assert_eq!(cluster.status().0[0]["computer"], computer.trim());
    fs::remove_file(cluster.fake().join("refuse")).unwrap();
    assert_eq!(cluster.submit(&[]).0["tasks"], 1);
    assert_eq!(cluster.states(), [("clicks".to_string(), "with-cluster".to_string())]);
    fs::write(cluster.fake().join("queue"), "0\n").unwrap();
    let notes = cluster.gather().events("note");
    assert!(notes.iter().any(|note| note["text"].as_str().unwrap().starts_with("1 clip is still with")), "{notes:?}");
}

#[test]
fn what_is_damaged_or_missing_is_told_and_made_again() {
    let cluster = Cluster::of(2);
    let (out, reference) = (cluster.desk.out(), cluster.home().join("reference"));
    assert_eq!(cluster.run(&reference).code, 0);
    let (told, _) = cluster.submit(&[]);
    let [(_, first), (_, second)] = &briefs(&told)[..] else { panic!("{told}") };
    assert!(cluster.script(&told, 0).output().unwrap().status.success());
    let is_cut = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "mp4");
    let cut = out.join(".housecall/delivered").join(cluster.delivered().into_iter().find(is_cut).unwrap());
    let mut bytes = fs::read(&cut).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&cut, bytes).unwrap();
    let (status, code) = cluster.status();
    let counts = status.last().unwrap();
    assert_eq!(
        (code, &counts["clips"], &counts["with-cluster"], &counts["delivered"]),
        (0, &2.into(), &1.into(), &1.into())
    );
    let words = cluster.housecall(&["status", "--out", out.to_str().unwrap()]);
    let told_so =
        ["back from the cluster, waits for `housecall gather`", "1 with the cluster, 1 back from the cluster, "];
    assert!(
        told_so.iter().all(|said| words.out.contains(said)) && words.err.contains("housecall gather \""),
        "{words:?}"
    );
    let done = cluster.gather();
    assert_eq!(done.code, 2, "{done:?}");
    let failed = done.events("failed");
    let about = |clip: &str| failed.iter().find(|event| event["clip"] == clip).unwrap_or_else(|| panic!("{failed:?}"));
    let (damaged, missing) = (about(first), about(second));
    assert!(damaged["what"].as_str().unwrap().contains("damaged on the way"), "{damaged}");
    assert_eq!(damaged["platforms"].as_array().unwrap().len(), 1, "the other cut is in place");
    assert!(missing["what"].as_str().unwrap().contains("was not delivered"), "{missing}");
    assert_eq!(public(&out).keys().filter(|file| is_cut(file)).count(), 1);
    let states = |state: &str| ["clip-1", "clip-2"].map(|clip| (clip.to_string(), state.to_string()));
    assert_eq!(cluster.states(), states("failed"), "what was discarded waits for nobody");

    // The second one comes; of the first only what is missing is made.
    let (again, _) = cluster.submit(&[]);
    assert_eq!(again["tasks"], 2, "{again}");
    cluster.assert_work(&again);
    assert_eq!(cluster.delivered().iter().filter(|file| is_cut(file)).count(), 3);
    cluster.assert_gathers(&reference, "once more");

    // A setting changes between submitting and working: neither side makes something of both.
    cluster.desk.practice(&(settings() + "[hook]\nseconds = 1.5\n"));
    let (told, _) = cluster.submit(&[]);
    assert_eq!(told["tasks"], 2, "{told}");
    cluster.desk.practice(&(settings() + "[hook]\nseconds = 2.5\n"));
    let task = cluster.script(&told, 0).output().unwrap();
    let said = String::from_utf8_lossy(&task.stderr);
    assert!(task.status.code() == Some(2) && said.contains("a setting changed after the clip was submitted"), "{said}");
    assert_eq!(cluster.delivered().iter().filter(|file| is_cut(file)).count(), 0);
    // One computer does it all by itself, whatever was delivered or is about to be.
    let (told, _) = cluster.submit(&[]);
    assert_eq!(cluster.states(), states("with-cluster"));
    assert_eq!(cluster.run(&out).code, 0);
    assert_eq!(cluster.delivered(), [""; 0].map(PathBuf::from), "what was said of failures is void");
    assert!(cluster.script(&told, 0).output().unwrap().status.success());
    assert!(!cluster.delivered().is_empty());
    assert_eq!(cluster.states(), states("done"));
    assert_eq!(cluster.gather().code, 0);
    assert_eq!(cluster.delivered(), [""; 0].map(PathBuf::from), "what comes too late goes");
}

#[test]
fn what_waits_in_the_queue_is_not_submitted_again_and_what_slurm_refuses_leaves_nothing() {
    let cluster = Cluster::of(2);
    drop_clip(&cluster.desk.inbox(), 3, 3);
    fs::write(cluster.fake().join("refuse"), "2").unwrap();
    let (_, refused) = cluster.submit(&[]);
    assert!(refused.code == 1 && refused.err.contains("invalid partition"), "{refused:?}");
    assert!(cluster.calls().contains("scancel 1"), "{}", cluster.calls());
    let left = fs::read_dir(cluster.desk.out().join(".housecall/jobs")).unwrap().count();
    assert_eq!(left, 0, "no job is left");
    fs::remove_file(cluster.fake().join("refuse")).unwrap();

    let would = &cluster.submit(&["--dry-run"]).1.events("would-submit")[0];
    assert_eq!((&would["tasks"], &would["array_tasks"]), (&3.into(), &serde_json::json!([2, 1])), "{would}");
    assert_eq!(cluster.calls().matches("sbatch").count(), 1, "a dry run submits nothing");
    let left = fs::read_dir(cluster.desk.out().join(".housecall/jobs")).unwrap().count();
    assert_eq!(left, 0, "and writes no job");
    let (told, _) = cluster.submit(&["--partition", "day", "--array-limit", "7", "--gres", "gpu:1"]);
    for same in ["tasks", "array_tasks", "cores", "mebibytes"] {
        assert_eq!(told[same], would[same], "{same}");
    }
    assert_eq!(told["arrays"], serde_json::json!(["2", "3"]));
    assert_eq!(briefs(&told)[0].1, "clip-3", "the longest clip comes first");
    let calls = cluster.calls();
    let wanted = ["--array=0-1%7", "--array=0-0%7", "--requeue", "--partition=day", "--gres=gpu:1"];
    assert!(wanted.iter().all(|wanted| calls.contains(wanted)), "{calls}");
    // With a limit the arrays follow each other, and the last job follows both.
    assert!(calls.contains("--dependency=afterany:2 ") && calls.contains("--dependency=afterany:2:3 "), "{calls}");
    // Index 1 of the first array, and nothing of the second one, which has only index 0.
    fs::write(cluster.fake().join("queue"), "1\n").unwrap();
    let (again, _) = cluster.submit(&[]);
    assert_eq!((&again["tasks"], &again["queued"]), (&2.into(), &1.into()), "{again}");
    let calls = cluster.calls();
    let last = calls.lines().rfind(|line| line.contains("last.sh")).unwrap();
    let first = told["arrays"][0].as_str().unwrap();
    assert!(last.contains(&format!(":{first} ")), "the last job waits for what is in the queue: {last}");
    // Whoever gathers meanwhile misses what is not in the queue any more, and nothing else.
    let names = briefs(&told).into_iter().map(|(_, clip)| clip);
    let mut states: Vec<_> = names.zip(["failed", "with-cluster", "failed"].map(String::from)).collect();
    states.sort();
    fs::write(cluster.fake().join("queue"), "1\n").unwrap();
    fs::remove_dir_all(jobs(&again)).unwrap();
    let gathered = cluster.gather();
    assert_eq!((gathered.code, gathered.events("failed").len()), (2, 2), "{gathered:?}");
    let notes = gathered.events("note");
    let still =
        notes.iter().filter(|note| note["text"].as_str().unwrap().starts_with("1 clip is still with the cluster"));
    assert_eq!((still.count(), notes.len()), (1, 1), "{notes:?}");
    assert_eq!(cluster.states(), states);
    let missing = Command::new(env!("CARGO_BIN_EXE_housecall"))
        .args(["submit", "slurm"])
        .arg(cluster.desk.inbox())
        .arg("--out")
        .arg(cluster.home().join("elsewhere"))
        .args(["--offline", "--platforms", "x"])
        .env("PATH", cluster.home())
        .env("HOME", cluster.home())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&missing.stderr);
    assert!(missing.status.code() == Some(1) && said.contains("sbatch is not on this computer"), "{said}");
    assert!(said.contains("--dry-run"), "{said}");
}

#[test]
fn each_practice_of_a_centre_gets_its_own_under_names_that_a_shell_would_take_apart() {
    let cluster = Cluster::of(0);
    let root = cluster.home().join("it's a \"centre\" of $HOME");
    for (practice, number) in [("alder lane", 1), ("birch", 2)] {
        let inbox = root.join(practice);
        fs::create_dir_all(inbox.join("said")).unwrap();
        for file in ["practice.toml", "logo.png"] {
            fs::copy(cluster.desk.inbox().join(file), inbox.join(file)).unwrap();
        }
        drop_clip(&inbox, number, 1);
    }
    let out = root.join("cuts, all");
    let model = "starter";
    let done = cluster.housecall(&[
        "submit",
        "slurm",
        root.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--offline",
        "--json",
        "--platforms",
        "x",
        "--model",
        model,
    ]);
    let told = done.events("submitted").pop().unwrap_or_else(|| panic!("{done:?}"));
    assert_eq!(told["tasks"], 2);
    // Over all practices the longest comes first, whichever it is of.
    let bytes =
        |(practice, clip): &(String, String)| fs::metadata(root.join(practice).join(clip).with_extension("mp4"));
    let bytes: Vec<u64> = briefs(&told).iter().map(|brief| bytes(brief).unwrap().len()).collect();
    assert!(bytes[0] > bytes[1], "{bytes:?}");
    let of_one = cluster.housecall(&["status", "--out", out.join("birch").to_str().unwrap(), "--json"]);
    assert_eq!(of_one.lines()[0]["state"], "with-cluster", "{of_one:?}");
    let of_all = cluster.housecall(&["status", "--out", out.to_str().unwrap(), "--json"]);
    assert_eq!(of_all.lines().pop().unwrap()["with-cluster"], 2, "{of_all:?}");
    cluster.assert_work(&told);
    let gathered = Command::new("sh").arg(jobs(&told).join("last.sh")).env("HOME", cluster.home()).output().unwrap();
    assert!(gathered.status.success(), "{gathered:?}");
    for (practice, clip) in [("alder lane", "clip-1"), ("birch", "clip-2")] {
        let reference = cluster.home().join(practice);
        let inbox = root.join(practice);
        let run =
            ["run", inbox.to_str().unwrap(), "--out", reference.to_str().unwrap(), "--offline", "--platforms", "x"];
        let run = cluster.housecall(&[&run[..], &["--model", model]].concat());
        assert_eq!(run.code, 0, "{run:?}");
        assert_same(&tree(&out.join(practice)), &tree(&reference), practice);
        assert!(out.join(practice).join(format!("x/{clip}.mp4")).exists());
    }
    let of_others = files(&out.join("birch")).into_iter().filter(|file| file.to_string_lossy().contains("clip-1"));
    assert_eq!(of_others.count(), 0, "one practice never sees another's");
    assert!(files(&out).iter().all(|file| !is_on_its_way(file)));
}
