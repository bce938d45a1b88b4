//! What Housecall relies on in a folder for cuts, tried there: a drive's name says little about what it does. Nothing that
//! lies in the folder is touched; everything happens in a folder of its own that is removed at the end.
//!
//! What is seen is what one computer sees. That others see the same is the drive's word, which docs/scale.md names.

use super::lock::{Answer, try_lock};
use crate::fault::{Fault, cannot_write};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How the folder is named in which everything is tried.
const PROBE: &str = ".housecall-probe-";

/// One that is older was left by a trial that was killed.
const LEFT: Duration = Duration::from_secs(3600);

/// How much is written to see how fast that is, in bytes: more than a network drive takes without sending it.
const MUCH: u64 = 64 << 20;

/// How often a file is replaced while another thread reads it.
const RENAMES: usize = 200;

/// The coarsest dates are 2 s apart (FAT).
const COARSEST: Duration = Duration::from_millis(2500);

/// How a trial went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As Housecall wants it; with what was seen, where that is worth a word.
    Good(String),
    /// Housecall does without it, in this way.
    Absent(String),
    /// Nothing works without it; what to do.
    Missing(String),
}

/// Something that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// What Housecall needs, as a person reads it.
    pub what: &'static str,
    /// How it went.
    pub verdict: Verdict,
}

/// Tries in `folder` everything that Housecall needs of a folder for cuts. Takes a few seconds, and 64 MB of room for as long.
///
/// # Errors
/// There is no such folder.
pub fn try_folder(folder: &Path) -> Result<Vec<Trial>, Fault> {
    try_with(folder, MUCH)
}

fn try_with(folder: &Path, much: u64) -> Result<Vec<Trial>, Fault> {
    if !folder.is_dir() {
        return Err(Fault::new(format!("{} is not a folder", folder.display()), "make it, and try again"));
    }
    sweep(folder);
    let room = room(folder);
    let probe = match tempfile::Builder::new().prefix(PROBE).tempdir_in(folder) {
        Ok(probe) => probe,
        Err(e) => {
            let verdict = Verdict::Missing(cannot_write(folder, &e).to_string());
            return Ok(vec![Trial { what: "files can be made", verdict }]);
        }
    };
    let at = probe.path();
    let trials: [(&'static str, &dyn Fn() -> io::Result<Verdict>); 10] = [
        ("files can be made and flushed to the disk", &|| flush(at)),
        ("folders can be flushed to the disk", &|| Ok(flushed_folder(File::open(at)?.sync_all()))),
        ("a file is replaced in one step, also while it is read", &|| replace(at)),
        ("a file may have two names (hard link)", &|| Ok(linked(link(at)))),
        ("locks keep programs apart", &|| lock(at)),
        ("only one program makes a file of a name", &|| exclusive(at)),
        ("times of change move on", &|| times(at)),
        ("names may have letters of all languages", &|| named(at, "é-ß-日本語-עברית.mp4")),
        ("names may have 200 bytes", &|| named(at, &"n".repeat(200))),
        ("64 MB are written", &|| written(at, much)),
    ];
    let judged = |(what, attempt): (&'static str, &dyn Fn() -> io::Result<Verdict>)| {
        let verdict = attempt().unwrap_or_else(|e| Verdict::Missing(cannot_write(folder, &e).to_string()));
        Trial { what, verdict }
    };
    let mut trials: Vec<Trial> = trials.into_iter().map(judged).collect();
    trials.extend(room);
    Ok(trials)
}

/// Removes what trials that were killed left. Younger ones may be going on.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = || SystemTime::now().duration_since(entry.metadata().ok()?.modified().ok()?).ok();
        let ours = entry.file_name().to_string_lossy().starts_with(PROBE);
        if ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) && age().is_some_and(|age| age > LEFT) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

fn good() -> Verdict {
    Verdict::Good(String::new())
}

fn flush(at: &Path) -> io::Result<Verdict> {
    put(&at.join("flushed"), b"flushed")?;
    Ok(good())
}

fn put(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(file)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn flushed_folder(flushed: io::Result<()>) -> Verdict {
    match flushed {
        Ok(()) => good(),
        Err(_) => {
            Verdict::Absent("a power cut may take the names of the last cuts; the next run makes them again".into())
        }
    }
}

/// Replaces a file again and again, as every cut and every report is, while it is read.
fn replace(at: &Path) -> io::Result<Verdict> {
    let advice = "a half-made file could be seen; use a drive on which a file is renamed in one step, such as NFS or SMB, and \
                  copy the cuts to the object storage from there";
    let file = at.join("replaced");
    // Longer than what one read gives, so that half of one would show.
    let texts = [vec![b'a'; 40_000], vec![b'b'; 70_000]];
    put(&file, &texts[0])?;
    let mut reader = File::open(&file)?;
    let (over, torn) = (AtomicBool::new(false), AtomicBool::new(false));
    let replaced = thread::scope(|scope| {
        let watch = thread::Builder::new().spawn_scoped(scope, || {
            while !over.load(Ordering::Relaxed) {
                // On a network drive a file that was replaced after it was opened may be gone while it is read (ESTALE).
                let whole = match fs::read(&file) {
                    Ok(bytes) => texts.contains(&bytes),
                    Err(e) => e.kind() == ErrorKind::StaleNetworkFileHandle,
                };
                torn.fetch_or(!whole, Ordering::Relaxed);
            }
        });
        let replace = || -> io::Result<()> {
            watch?;
            for round in 0..RENAMES {
                let next = at.join("replacing");
                fs::write(&next, &texts[round % 2])?;
                fs::rename(&next, &file)?;
            }
            put(&at.join("replacing"), &texts[1])?;
            fs::rename(at.join("replacing"), &file)
        };
        let replaced = replace();
        over.store(true, Ordering::Relaxed);
        replaced
    });
    if let Err(e) = replaced {
        // Windows' servers refuse it while anybody has the file open, and take it afterwards.
        drop(reader);
        let alone = fs::write(at.join("replacing"), &texts[1]).and_then(|()| fs::rename(at.join("replacing"), &file));
        return Ok(match alone.and_then(|()| fs::read(&file)) {
            Ok(bytes) if bytes == texts[1] && !torn.into_inner() => {
                Verdict::Absent("a cut that somebody has open is not replaced; close it and run again".into())
            }
            _ => Verdict::Missing(format!("it failed ({e}); {advice}")),
        });
    }
    if torn.into_inner() || fs::read(&file)? != texts[1] {
        return Ok(Verdict::Missing(advice.into()));
    }
    let mut before = Vec::new();
    Ok(match reader.read_to_end(&mut before) {
        Ok(_) if before == texts[0] => good(),
        _ => Verdict::Absent("whoever plays a cut that is made anew meanwhile has to open it again".into()),
    })
}

fn link(at: &Path) -> io::Result<bool> {
    let names = [at.join("one"), at.join("other")];
    put(&names[0], b"first")?;
    fs::hard_link(&names[0], &names[1])?;
    // Two names of one file, not two files.
    put(&names[0], b"second")?;
    Ok(fs::read(&names[1])? == b"second")
}

fn linked(linked: io::Result<bool>) -> Verdict {
    match linked {
        Ok(true) => good(),
        _ => Verdict::Absent("cuts that several platforms share are copied, which takes more room and time".into()),
    }
}

fn lock(at: &Path) -> io::Result<Verdict> {
    let file = at.join("lock");
    let (one, other) = (File::create(&file)?, OpenOptions::new().write(true).open(&file)?);
    let (first, second) = (try_lock(&one), try_lock(&other));
    drop(one);
    Ok(locked(first, second))
}

/// `first` is what whoever came first was told, `second` the one after.
fn locked(first: Answer, second: Answer) -> Verdict {
    match (first, second) {
        (Answer::Ours, Answer::Theirs) => good(),
        _ => Verdict::Absent(
            "who works on the folder writes so into it every few seconds; after a computer was switched off at work, the next \
             one waits a minute"
                .into(),
        ),
    }
}

fn exclusive(at: &Path) -> io::Result<Verdict> {
    let make = || OpenOptions::new().write(true).create_new(true).open(at.join("exclusive"));
    make()?;
    Ok(match make() {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => good(),
        _ => Verdict::Missing("two programs could take the folder at once; use another drive".into()),
    })
}

fn times(at: &Path) -> io::Result<Verdict> {
    let mut file = File::create(at.join("times"))?;
    let changed = |file: &mut File| {
        file.set_len(0)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::metadata(at.join("times"))?.modified()
    };
    let (before, began) = (changed(&mut file)?, Instant::now());
    while began.elapsed() < COARSEST {
        thread::sleep(Duration::from_millis(20));
        if changed(&mut file)? > before {
            return Ok(good());
        }
    }
    Ok(Verdict::Absent(
        "after a computer was switched off at work, remove .housecall/holder.json once nobody works there".into(),
    ))
}

/// Makes a file of a name and looks for it in its folder.
fn named(at: &Path, name: &str) -> io::Result<Verdict> {
    let advice = || "give the clips short names of plain letters and digits".to_string();
    if let Err(e) = put(&at.join(name), b"named") {
        return Ok(Verdict::Absent(format!("such names fail ({e}); {}", advice())));
    }
    let there = fs::read_dir(at)?.flatten().any(|entry| entry.file_name().to_str() == Some(name));
    Ok(if there { good() } else { Verdict::Absent(format!("they are changed; {}", advice())) })
}

fn written(at: &Path, much: u64) -> io::Result<Verdict> {
    // Nothing that a drive could make smaller.
    let mut noise = blake3::Hasher::new().update(b"noise").finalize_xof();
    let (mut chunk, mut left) = (vec![0; 1 << 20], much);
    let (mut file, mut took) = (File::create(at.join("much"))?, Duration::ZERO);
    while left > 0 {
        let count = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        noise.fill(&mut chunk[..count]);
        let began = Instant::now();
        file.write_all(&chunk[..count])?;
        took += began.elapsed();
        left -= count as u64;
    }
    let began = Instant::now();
    file.sync_all()?;
    let rate = much as f64 / 1e6 / (took + began.elapsed()).as_secs_f64().max(1e-6);
    Ok(Verdict::Good(format!("{rate:.0} MB/s")))
}

/// How much room there is, where the system says it.
#[cfg(target_os = "linux")]
fn room(folder: &Path) -> Option<Trial> {
    let about = rustix::fs::statvfs(folder).ok()?;
    let bytes = about.f_bavail.saturating_mul(about.f_frsize);
    let verdict = match bytes {
        0 => Verdict::Missing("free some space on the disk".into()),
        _ => Verdict::Good(format!("{:.1} GB free", bytes as f64 / 1e9)),
    };
    Some(Trial { what: "there is room", verdict })
}

#[cfg(not(target_os = "linux"))]
fn room(_: &Path) -> Option<Trial> {
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::process::Command;

    fn is_empty(folder: &Path) -> bool {
        fs::read_dir(folder).unwrap().next().is_none()
    }

    #[test]
    fn a_folder_of_this_computer_has_all_and_nothing_stays_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(format!("{PROBE}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join("replaced"), "").unwrap();
        let old = SystemTime::now() - 2 * LEFT;
        File::open(&left).unwrap().set_modified(old).unwrap();
        let trials = try_with(folder.path(), 1 << 20).unwrap();
        let good = |trial: &&Trial| matches!(trial.verdict, Verdict::Good(_));
        assert_eq!(trials.iter().filter(good).count(), trials.len(), "{trials:?}");
        assert!(trials.len() >= 10 && is_empty(folder.path()));
        assert!(try_folder(&folder.path().join("away")).is_err());
    }

    #[test]
    fn a_trial_that_goes_on_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join(format!("{PROBE}other"));
        fs::create_dir(&other).unwrap();
        sweep(folder.path());
        assert!(other.is_dir());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn where_nothing_can_be_made_that_is_all_that_is_said() {
        // Nobody can make a folder there, not even root.
        let trials = try_folder(Path::new("/proc/sys")).unwrap();
        assert!(matches!(&trials[..], [Trial { verdict: Verdict::Missing(why), .. }] if !why.is_empty()), "{trials:?}");
    }

    /// A file system in memory of so many bytes, where the system lets us have one.
    struct Mount(tempfile::TempDir);

    impl Mount {
        fn of(options: &str) -> Option<Mount> {
            let folder = tempfile::tempdir().unwrap();
            let done = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder.path()).output();
            let mounted = done.is_ok_and(|done| done.status.success());
            mounted.then_some(Mount(folder))
        }
    }

    impl Drop for Mount {
        fn drop(&mut self) {
            drop(Command::new("umount").arg(self.0.path()).status());
        }
    }

    #[test]
    fn a_full_disk_and_one_that_may_not_be_written_to_are_told_of() {
        let Some(small) = Mount::of("size=1m") else {
            // Only who may mount a file system in memory has a disk that is full.
            return;
        };
        let trials = try_folder(small.0.path()).unwrap();
        let missing = |trial: &&Trial| matches!(trial.verdict, Verdict::Missing(_));
        let missing: Vec<&Trial> = trials.iter().filter(missing).collect();
        assert!(missing.len() == 1 && missing[0].what.starts_with("64 MB"), "{trials:?}");
        assert!(matches!(&missing[0].verdict, Verdict::Missing(why) if why.contains("free some space")), "{missing:?}");
        assert!(is_empty(small.0.path()));

        let read_only = Mount::of("ro").unwrap();
        let trials = try_folder(read_only.0.path()).unwrap();
        assert!(
            matches!(&trials[..], [Trial { verdict: Verdict::Missing(why), .. }] if why.contains("--out")),
            "{trials:?}"
        );
    }

    #[test]
    fn what_is_done_without_is_said_so() {
        let absent = |verdict: &Verdict| matches!(verdict, Verdict::Absent(_));
        let refused = || io::Error::from(ErrorKind::Unsupported);
        assert!(absent(&flushed_folder(Err(refused()))) && flushed_folder(Ok(())) == good());
        assert!(absent(&linked(Err(refused()))) && absent(&linked(Ok(false))) && linked(Ok(true)) == good());
        assert_eq!(locked(Answer::Ours, Answer::Theirs), good());
        for (first, second) in [
            (Answer::Unknown, Answer::Unknown),
            // Each computer, or each program, has its own locks.
            (Answer::Ours, Answer::Ours),
            (Answer::Theirs, Answer::Theirs),
        ] {
            assert!(absent(&locked(first, second)), "{first:?} {second:?}");
        }
    }
}
