//! The program under observation: that it goes on telling, how much memory it and its children take, what it leaves.

use crate::common::desk::Desk;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// A program that tells of nothing for so long hangs.
const SILENCE: Duration = Duration::from_secs(60);

/// How a run ended.
#[derive(Debug)]
pub struct Seen {
    /// Exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// How it ended, in words.
    pub status: String,
    pub out: String,
    pub err: String,
    /// The most memory that the program and its children held at one time, in bytes.
    pub peak: u64,
}

impl Seen {
    /// Asserts that it ended as documented and that no mistake of the program shows.
    pub fn assert_sound(&self) {
        assert!(self.code.is_some_and(|code| (0..=3).contains(&code)), "{}: {}", self.status, self.err);
        for word in ["panicked", "RUST_BACKTRACE", "the program made a mistake", "AddressSanitizer"] {
            assert!(!self.err.contains(word) && !self.out.contains(word), "{self:#?}");
        }
    }
}

/// Runs a command to its end, or fails when it says nothing for a minute.
pub fn watched(mut command: Command) -> Seen {
    let mut child = command.spawn().unwrap();
    let (over, peak) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let sampler = {
        let (over, peak, id) = (over.clone(), peak.clone(), child.id());
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                peak.fetch_max(memory_of(id), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(15));
            }
        })
    };
    let (tell, told) = mpsc::channel();
    let drain = |pipe: Box<dyn Read + Send>| {
        let tell = tell.clone();
        thread::spawn(move || {
            let (mut all, mut pipe) = (Vec::new(), BufReader::new(pipe));
            while pipe.read_until(b'\n', &mut all).unwrap() > 0 {
                let _ = tell.send(());
            }
            String::from_utf8(all).unwrap()
        })
    };
    let out = drain(Box::new(child.stdout.take().unwrap()));
    let err = drain(Box::new(child.stderr.take().unwrap()));
    drop(tell);
    let hangs = loop {
        match told.recv_timeout(SILENCE) {
            Ok(()) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break false,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill().unwrap();
                break true;
            }
        }
    };
    let status = child.wait().unwrap();
    over.store(true, Ordering::Relaxed);
    sampler.join().unwrap();
    let (out, err) = (out.join().unwrap(), err.join().unwrap());
    assert!(!hangs, "it hangs: {out}{err}");
    Seen { code: status.code(), status: status.to_string(), out, err, peak: peak.load(Ordering::Relaxed) }
}

/// What a process and all below it hold in memory just now.
fn memory_of(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let own = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    let own: u64 = own.trim().trim_end_matches("kB").trim().parse().unwrap_or(0);
    let threads = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let children = threads.flat_map(|thread| {
        let text = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        text.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>()
    });
    (own << 10) + children.map(memory_of).sum::<u64>()
}

/// Every file below a folder with its bytes, to see that nobody touched it.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => all.extend(contents(&path)),
            path => drop(all.insert(path.clone(), fs::read(path).unwrap())),
        }
    }
    all
}

/// Asserts that no file on its way is left in the output folder, nor anything in the folder for temporary files.
pub fn assert_tidy(desk: &Desk, temporary: &Path) {
    let unfinished = |file: &Path| {
        file.starts_with(".housecall/scratch") || file.extension().is_some_and(|extension| extension == "part")
    };
    let left: Vec<PathBuf> = desk.files().into_keys().filter(|file| unfinished(file)).collect();
    assert!(left.is_empty(), "{left:?}");
    let left: Vec<PathBuf> = contents(temporary).into_keys().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Asserts that other programs can read a finished cut and decode all of it without a complaint.
pub fn assert_whole(cut: &Path) {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-nostdin", "-i"])
        .arg(cut)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success() && complaint.is_empty(), "{}: {complaint}", cut.display());
}
