//! A watch that runs, what it tells, and what it takes of the computer.

use crate::common::desk::{Desk, small_x};
use crate::common::ffmpeg;
use crate::common::torture::long_form;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Whether the long forms are asked for.
pub fn is_torture() -> bool {
    long_form().is_some()
}

/// A desk whose cuts take a moment: no hook, no end card, few pixels.
pub fn quick_desk() -> Desk {
    let desk = Desk::new();
    desk.practice(&format!("[hook]\nenabled = false\n[end_card]\nenabled = false\n{}", small_x()));
    desk
}

/// A silent clip of a second as the bytes of an MP4, with these options of ffmpeg's muxer.
pub fn tiny(muxer: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tiny.mp4");
    let picture = "testsrc2=size=160x120:rate=15:duration=1";
    let encoding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "5"];
    ffmpeg(&[&["-f", "lavfi", "-i", picture], &encoding[..], muxer, &[file.to_str().unwrap()]].concat());
    fs::read(file).unwrap()
}

/// The same clip with other bytes: a box that no reader looks into is put at its end.
pub fn other(clip: &[u8], number: usize) -> Vec<u8> {
    let mark = format!("{number:08}");
    [clip, &16_u32.to_be_bytes(), b"free", mark.as_bytes()].concat()
}

/// A watch of a desk's inbox.
pub struct Watching {
    pub child: Child,
    events: Arc<Mutex<Vec<(Instant, Value)>>>,
}

impl Watching {
    /// Starts it, and waits until it has looked for the first time or is about to.
    pub fn start(desk: &Desk) -> Self {
        let mut child = desk.command(&["watch", "inbox", "--offline", "--json", "--platforms", "x"]).spawn().unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let (lines, told) = (BufReader::new(child.stdout.take().unwrap()), events.clone());
        thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let event: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
                told.lock().unwrap().push((Instant::now(), event));
            }
        });
        Watching { child, events }
    }

    /// What it told, each with the time.
    pub fn told(&self) -> Vec<(Instant, Value)> {
        self.events.lock().unwrap().clone()
    }

    /// Events of one kind about one clip.
    pub fn of(&self, kind: &str, clip: &str) -> Vec<(Instant, Value)> {
        self.told().into_iter().filter(|(_, event)| event["event"] == kind && event["clip"] == clip).collect()
    }

    /// Notes that hold these words.
    pub fn notes(&self, words: &str) -> usize {
        let holds = |event: &Value| event["event"] == "note" && event["text"].as_str().unwrap().contains(words);
        self.told().iter().filter(|(_, event)| holds(event)).count()
    }

    /// How often a clip was made, and not only found in place.
    pub fn made(&self, clip: &str) -> usize {
        self.of("finished", clip).iter().filter(|(_, event)| event["unchanged"] == false).count()
    }

    /// Waits until this holds; panics with everything that was told if it never does.
    pub fn until(&self, what: &str, limit: Duration, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + limit;
        while !holds(self) {
            assert!(Instant::now() < end, "never: {what}\n{:#?}", self.told());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Ends it, and gives its exit code and how long it took to end.
    pub fn end(mut self, signal: &str) -> (Option<i32>, Duration) {
        let began = Instant::now();
        self.signal(signal);
        (self.child.wait().unwrap().code(), began.elapsed())
    }

    /// What it takes of the computer now.
    pub fn usage(&self) -> Usage {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        let count = |folder: &str| fs::read_dir(process.join(folder)).unwrap().count();
        let status = fs::read_to_string(process.join("status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let stat = fs::read_to_string(process.join("stat")).unwrap();
        // After the name in brackets: utime and stime are fields 14 and 15, in hundredths of a second (proc(5)).
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = |field: usize| fields[field - 3].parse::<u64>().unwrap();
        Usage {
            handles: count("fd"),
            threads: count("task"),
            resident: resident.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024,
            cpu: Duration::from_millis(10 * (ticks(14) + ticks(15))),
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // A test that failed must not leave a program behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a process takes of the computer.
#[derive(Debug)]
pub struct Usage {
    pub handles: usize,
    pub threads: usize,
    /// Megabytes in memory.
    pub resident: u64,
    pub cpu: Duration,
}
