//! The supervisor's side: starts workers, gives them jobs, reads what they tell, and stops those that hang.

use super::job::{Hello, Job, Kind, Message, Order};
use crate::fault::{Cancel, Fault};
use crate::trace::{Adopted, Trace};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long a worker may give no sign of life.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// whisper.cpp gives none within one pass of a model over its window, which for a large one on a slow computer takes a
/// minute, nor while it loads the model.
const LISTENING_PATIENCE: u32 = 10;

/// How often a waiting supervisor looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// Messages that wait to be heard; a worker that tells more than is heard waits.
const WAITING: usize = 256;

/// Longest message, in bytes. The words of ten hours are a tenth of it.
const LONGEST_MESSAGE: u64 = 256 << 20;

/// Last lines of a worker's standard error that are kept, and how much of each, in bytes.
const LOG_LINES: usize = 20;
const LOG_LINE: u64 = 400;

/// What helps where memory was short.
pub(super) const MEMORY_ADVICE: &str =
    "close other programs, or run again with --jobs 1, so that one clip is made at a time";

/// What all workers of a batch are started with.
#[derive(Debug, Clone)]
pub struct Crew {
    /// This program.
    pub program: PathBuf,
    /// Folder for the last words of workers that died.
    pub logs: PathBuf,
    /// How long a worker may give no sign of life; [`PATIENCE`] if nothing speaks against it.
    pub patience: Duration,
    /// Stops all work.
    pub cancel: Cancel,
    /// Told what goes on when.
    pub trace: Trace,
}

/// A process that works. It ends with this handle.
#[derive(Debug)]
pub struct Worker {
    kind: Kind,
    crew: Crew,
    child: Child,
    orders: ChildStdin,
    messages: Receiver<Told>,
    /// Set whenever a message arrives.
    alive: Arc<AtomicBool>,
    /// The last lines that it wrote to standard error.
    log: Arc<Mutex<VecDeque<String>>>,
    /// The clip that it works on.
    clip: String,
    /// How long it may give no sign of life.
    patience: Duration,
    adopted: Adopted,
    /// Whether it has ended and nothing that it started is left.
    over: bool,
}

/// What came from a worker's standard output.
#[derive(Debug)]
enum Told {
    Message(Box<Message>),
    /// What is no message.
    Nonsense,
}

/// Why a worker is not waited for any longer.
enum Death {
    /// By itself or by somebody else.
    Ended(Option<ExitStatus>),
    Silent,
    Nonsense,
}

impl Crew {
    /// Starts a worker, first for this clip, and waits until it says that it is this program.
    ///
    /// # Errors
    /// It cannot be started, or it is another version; [`Fault::Cancelled`].
    pub fn start(&self, kind: Kind, clip: &str) -> Result<Worker, Fault> {
        let mut command = Command::new(&self.program);
        command.args([super::VERB, kind.name()]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What is typed in a terminal is for the supervisor, which stops its workers itself.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let unable = |e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => replaced(format!("{} is gone", self.program.display())),
            _ => {
                let what = format!("the process that {} could not be started ({e})", kind.doing());
                Fault::died(what, "close other programs and run again")
            }
        };
        let mut child = command.spawn().map_err(unable)?;
        let piped = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
        let Some(((orders, output), errors)) = piped else {
            return Err(unable(io::ErrorKind::BrokenPipe.into()));
        };
        let (sender, messages) = bounded(WAITING);
        let alive = Arc::new(AtomicBool::new(false));
        let log = Arc::new(Mutex::new(VecDeque::new()));
        let (sign, lines) = (alive.clone(), log.clone());
        // Both end when the process does.
        let reading = thread::Builder::new().name("messages".into()).spawn(move || read(output, &sender, &sign));
        let keeping = thread::Builder::new().name("last words".into()).spawn(move || keep(errors, &lines));
        let mut worker = Worker {
            kind,
            crew: self.clone(),
            child,
            orders,
            messages,
            alive,
            log,
            clip: clip.to_string(),
            patience: if kind == Kind::Listen { self.patience * LISTENING_PATIENCE } else { self.patience },
            adopted: self.trace.adopt(),
            over: false,
        };
        reading.and(keeping).map_err(unable)?;
        match worker.hear()? {
            Some(Message::Hello(hello)) if hello == Hello::ours() => Ok(worker),
            Some(Message::Hello(_)) => Err(replaced("the program is another version now".into())),
            _ => Err(worker.lost(Death::Nonsense)),
        }
    }
}

fn replaced(how: String) -> Fault {
    Fault::new(format!("Housecall was replaced while it worked: {how}"), "run the same command again")
}

impl Worker {
    /// Gives it a job about a clip, whose name stands in logs and spans.
    ///
    /// # Errors
    /// It is gone.
    pub fn give(&mut self, clip: &str, job: Job) -> Result<(), Fault> {
        self.clip = clip.to_string();
        let order = Order { hello: Hello::ours(), trace: self.crew.trace.is_on(), clip: self.clip.clone(), job };
        let line = serde_json::to_string(&order)
            .map_err(|e| Fault::new(format!("the job cannot be written down ({e})"), "report this"))?;
        self.adopted = self.crew.trace.adopt();
        // A worker reads its input whatever else it does, so this does not wait for one that hangs.
        match self.orders.write_all((line + "\n").as_bytes()) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.gone()),
        }
    }

    /// Waits so much longer for signs of life: one step of the job gives none.
    pub fn bear(&mut self, longer: Duration) {
        self.patience += longer;
    }

    /// The next thing that it tells about its job; none once the job is done.
    ///
    /// # Errors
    /// It failed as a whole; it died or was stopped, which [`Fault::is_death`] tells; [`Fault::Cancelled`].
    pub fn told(&mut self) -> Result<Option<Message>, Fault> {
        match self.hear()? {
            Some(Message::Done) => Ok(None),
            Some(Message::Failed(fault)) => Err(fault),
            Some(Message::Hello(_)) => Err(self.lost(Death::Nonsense)),
            message => Ok(message),
        }
    }

    /// The next message that is meant for whoever gave the job.
    fn hear(&mut self) -> Result<Option<Message>, Fault> {
        // Only what passes while this side is awake counts: it may itself have been stopped for a while.
        let mut silent = Duration::ZERO;
        let mut ended = 0;
        loop {
            self.crew.cancel.check()?;
            match self.messages.recv_timeout(LOOK) {
                Ok(Told::Message(message)) => match *message {
                    Message::Alive => {}
                    Message::Trace(event) => self.adopted.add(event),
                    message => return Ok(Some(message)),
                },
                Ok(Told::Nonsense) => return Err(self.lost(Death::Nonsense)),
                Err(RecvTimeoutError::Disconnected) => return Err(self.gone()),
                Err(RecvTimeoutError::Timeout) => {
                    silent = if self.alive.swap(false, Ordering::Relaxed) { Duration::ZERO } else { silent + LOOK };
                    if silent >= self.patience {
                        return Err(self.lost(Death::Silent));
                    }
                    // Something that it started may still hold its output open. What it told last is heard all the same.
                    ended += u32::from(matches!(self.child.try_wait(), Ok(Some(_))));
                    if ended > 2 {
                        return Err(self.gone());
                    }
                }
            }
        }
    }

    /// It closed its output, or is seen to have ended.
    fn gone(&mut self) -> Fault {
        // Its output closes a moment before its end can be seen.
        let began = Instant::now();
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if began.elapsed() < LOOK * 20 => thread::sleep(LOOK / 10),
                _ => break None,
            }
        };
        // Whoever stops this program by its group or service stops its workers too, perhaps a moment earlier.
        while began.elapsed() < LOOK * 4 && !self.crew.cancel.is_cancelled() {
            thread::sleep(LOOK / 10);
        }
        match self.crew.cancel.is_cancelled() {
            true => Fault::Cancelled,
            false => self.lost(Death::Ended(status)),
        }
    }

    /// Stops it, if that is still needed, and says what happened.
    fn lost(&mut self, death: Death) -> Fault {
        self.stop();
        // What it said last may still be on its way.
        thread::sleep(LOOK);
        let words: Vec<String> = self.log.lock().unwrap_or_else(|e| e.into_inner()).iter().cloned().collect();
        let (how, advice) = match death {
            Death::Ended(status) => how_it_ended(self.kind, status, &words),
            Death::Silent => (
                format!("gave no sign of life for {} s and was stopped", self.patience.as_secs()),
                "look at the clip on its own, and copy it from the phone again if it does not play".to_string(),
            ),
            Death::Nonsense => (
                "told something that makes no sense and was stopped".into(),
                "run again; if it stays, report it".into(),
            ),
        };
        let what = format!("the process that {} {how}", self.kind.doing());
        let advice = match self.write_log(&what, &words) {
            Some(log) => format!("{advice}; its last words are in {}", log.display()),
            None => advice,
        };
        Fault::died(what, advice)
    }

    /// Adds the last words to the clip's log; where that cannot be written they are lost.
    fn write_log(&self, what: &str, words: &[String]) -> Option<PathBuf> {
        fs::create_dir_all(&self.crew.logs).ok()?;
        let file = self.crew.logs.join(format!("{}.log", self.clip));
        let mut log = File::options().create(true).append(true).open(&file).ok()?;
        let words: String = words.iter().map(|line| format!("    {line}\n")).collect();
        let text = format!("{} {what}\n{words}", jiff::Timestamp::now());
        log.write_all(text.as_bytes()).ok().map(|()| file)
    }

    /// Ends it, and whatever it started.
    fn stop(&mut self) {
        // Its number may be another's once it is gone.
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        // Without groups, or where it is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How a process ended, in words, and what helps.
fn how_it_ended(kind: Kind, status: Option<ExitStatus>, words: &[String]) -> (String, String) {
    let again = match kind {
        // It gets nothing of the clip's file, but all of the model's.
        Kind::Listen => {
            "run again; if other clips fail likewise, the speech model is damaged: delete its file, so that it is \
             downloaded again, or give another with --model"
        }
        _ => "copy the clip from the phone again, or take it out of the folder and report it",
    }
    .to_string();
    let no_memory = words.iter().any(|line| line.contains("memory allocation of"));
    let Some(status) = status else { return ("is gone".into(), again) };
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        use rustix::process::Signal;
        let is = |of: Signal| of.as_raw() == signal;
        return if is(Signal::KILL) {
            ("was stopped by the system (out of memory?)".into(), MEMORY_ADVICE.into())
        } else if is(Signal::XFSZ) {
            ("wrote more than a file of this clip may hold".into(), again)
        } else if is(Signal::ABORT) && no_memory {
            ("needed more memory than it may have".into(), MEMORY_ADVICE.into())
        } else if is(Signal::ABORT) {
            ("gave up (a library aborted)".into(), again)
        } else if [Signal::SEGV, Signal::BUS, Signal::ILL, Signal::FPE].into_iter().any(is) {
            (format!("crashed (signal {signal})"), again)
        } else {
            (format!("was stopped (signal {signal})"), "run the same command again".into())
        };
    }
    if no_memory {
        return ("needed more memory than it may have".into(), MEMORY_ADVICE.into());
    }
    match status.code() {
        Some(code) => (format!("ended before it was done (exit code {code})"), again),
        None => ("ended before it was done".into(), again),
    }
}

/// Reads messages until there are no more, or nobody hears them.
fn read(from: impl Read, to: &Sender<Told>, alive: &AtomicBool) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut from).take(LONGEST_MESSAGE).read_until(b'\n', &mut line);
        // A line without an end was cut off by the death of who wrote it.
        let whole = read.is_ok() && line.ends_with(b"\n");
        if !whole && (line.len() as u64) < LONGEST_MESSAGE {
            return;
        }
        alive.store(true, Ordering::Relaxed);
        let told = match serde_json::from_slice(&line) {
            Ok(Message::Alive) => continue,
            Ok(message) => Told::Message(Box::new(message)),
            Err(_) => Told::Nonsense,
        };
        if to.send(told).is_err() {
            return;
        }
    }
}

/// Keeps the last lines of what it reads.
fn keep(from: impl Read, lines: &Mutex<VecDeque<String>>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line that is too long counts as several.
        match (&mut from).take(LOG_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line).trim_end().chars().filter(|c| !c.is_control()).collect();
        let mut lines = lines.lock().unwrap_or_else(|e| e.into_inner());
        lines.push_back(text);
        if lines.len() > LOG_LINES {
            lines.pop_front();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Instant;

    /// A crew whose program is a script.
    fn crew(folder: &tempfile::TempDir, script: &str) -> Crew {
        let program = folder.path().join("program");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let patience = Duration::from_millis(400);
        let (cancel, trace) = (Cancel::new(), Trace::default());
        Crew { program, logs: folder.path().join("logs"), patience, cancel, trace }
    }

    fn hello() -> String {
        format!("echo '{}'", serde_json::to_string(&Message::Hello(Hello::ours())).unwrap())
    }

    fn fault(script: &str) -> Fault {
        fault_of(Kind::Render, script)
    }

    fn fault_of(kind: Kind, script: &str) -> Fault {
        let folder = tempfile::tempdir().unwrap();
        let started = crew(&folder, script).start(kind, "a");
        started.and_then(|mut worker| worker.told().map(|_| ())).unwrap_err()
    }

    #[test]
    fn every_way_to_die_is_told_in_words() {
        for (script, words) in [
            ("kill -KILL $$", "stopped by the system (out of memory?)"),
            ("kill -ABRT $$", "gave up"),
            ("kill -SEGV $$", "crashed"),
            ("kill -XFSZ $$", "wrote more"),
            ("echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$", "more memory"),
            ("exit 3", "exit code 3"),
            ("sleep 100", "no sign of life"),
            ("echo nonsense; sleep 100", "makes no sense"),
            // What it left behind holds its pipes open.
            ("sleep 3 & exit 4", "exit code 4"),
        ] {
            let said = fault(&format!("{}\n{script}", hello()));
            assert!(said.is_death() && said.what().contains(words), "{script}: {said}");
            assert!(said.what().starts_with("the process that renders the clip"), "{said}");
        }
    }

    #[test]
    fn who_listens_dies_of_the_model_and_not_of_the_clip() {
        for (kind, advice) in [(Kind::Listen, "the speech model is damaged"), (Kind::Read, "copy the clip")] {
            let said = fault_of(kind, &format!("{}\nkill -ABRT $$", hello()));
            assert!(said.is_death() && said.advice().contains(advice), "{said}");
        }
    }

    #[test]
    fn another_version_and_a_program_that_is_gone_are_told_apart_from_deaths() {
        let other =
            serde_json::to_string(&Message::Hello(Hello::ours())).unwrap().replace(env!("CARGO_PKG_VERSION"), "0");
        let said = fault(&format!("echo '{other}'; sleep 100"));
        assert!(!said.is_death() && said.what().contains("another version"), "{said}");
        let folder = tempfile::tempdir().unwrap();
        let crew = Crew { program: folder.path().join("away"), ..crew(&folder, "") };
        let said = crew.start(Kind::Read, "a").unwrap_err();
        assert!(!said.is_death() && said.what().contains("away is gone"), "{said}");
    }

    #[test]
    fn signs_of_life_are_enough_and_a_stop_is_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("{}\nfor i in 1 2 3 4 5; do sleep 0.2; echo '\"alive\"'; done\necho '\"done\"'", hello());
        let mut worker = crew(&folder, &script).start(Kind::Check, "a").unwrap();
        assert!(worker.told().unwrap().is_none());
        let crew = crew(&folder, &format!("{}\nsleep 100", hello()));
        let mut worker = Crew { patience: PATIENCE, ..crew }.start(Kind::Check, "a").unwrap();
        worker.crew.cancel.cancel();
        let began = Instant::now();
        assert!(worker.told().unwrap_err().is_cancelled());
        drop(worker);
        assert!(began.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn last_words_go_to_the_clips_log() {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("{}\nread job\nfor i in $(seq 30); do echo word $i >&2; done\nkill -ABRT $$", hello());
        let crew = crew(&folder, &script);
        let mut worker = crew.start(Kind::Render, "razor-bumps").unwrap();
        worker.orders.write_all(b"a job\n").unwrap();
        let said = worker.told().unwrap_err();
        let log = crew.logs.join("razor-bumps.log");
        assert!(said.advice().contains(log.to_str().unwrap()), "{said}");
        let text = fs::read_to_string(log).unwrap();
        assert!(text.contains("gave up") && text.contains("word 30") && !text.contains("word 10\n"), "{text}");
    }
}
