//! Which files programs of this computer have open for writing, as far as the system tells.

use std::collections::HashSet;
use std::path::PathBuf;

/// Real paths of all files that some process has open for writing. Linux tells that of the user's own processes; elsewhere,
/// of other users' processes and of other computers nothing is known, and the set lacks them.
#[cfg(target_os = "linux")]
pub(super) fn open_for_writing() -> HashSet<PathBuf> {
    use std::fs;
    let list = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let is_number = |name: &std::ffi::OsStr| name.to_string_lossy().bytes().all(|b| b.is_ascii_digit());
    let processes = list("/proc".into()).filter(|entry| is_number(&entry.file_name()));
    let open = processes.flat_map(|process| {
        let process = process.path();
        list(process.join("fd")).map(move |fd| (fd.path(), process.join("fdinfo").join(fd.file_name())))
    });
    open.filter_map(|(fd, about)| {
        // Pipes and sockets have no place in a folder, and most of what is open are those.
        let file = fs::read_link(fd).ok().filter(|target| target.is_absolute())?;
        writes(&fs::read_to_string(about).ok()?).then_some(file)
    })
    .collect()
}

/// See above.
#[cfg(not(target_os = "linux"))]
pub(super) fn open_for_writing() -> HashSet<PathBuf> {
    HashSet::new()
}

/// Whether the flags in what `/proc/PID/fdinfo/FD` says are those of a file open for writing: octal, the last two bits are
/// the access mode (proc(5), open(2)).
#[cfg(target_os = "linux")]
fn writes(about: &str) -> bool {
    let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| matches!(flags & 3, 1 | 2))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs::{self, File};

    #[test]
    fn a_file_that_is_open_for_writing_is_told_from_one_that_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(folder.path()).unwrap().join("clip.mp4");
        fs::write(&path, "x").unwrap();
        assert!(!open_for_writing().contains(&path));
        let reading = File::open(&path).unwrap();
        assert!(!open_for_writing().contains(&path));
        let writing = File::options().append(true).open(&path).unwrap();
        assert!(open_for_writing().contains(&path));
        drop((reading, writing));
        assert!(!open_for_writing().contains(&path));
    }

    #[test]
    fn access_modes_are_read_from_the_flags() {
        for (flags, is) in [("0100000", false), ("0100001", true), ("0100002", true), ("02100001", true), ("x", false)]
        {
            assert_eq!(writes(&format!("pos:\t0\nflags:\t{flags}\nmnt_id:\t1\n")), is, "{flags}");
        }
        assert!(!writes(""));
    }
}
