//! The service: what is written, what systemd is asked to do, and what is left behind. systemd itself is played by a
//! script that notes what it is asked.
#![cfg(unix)]

use crate::common::desk::{Desk, Done};
use crate::watching::{quick_desk, tiny};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A desk whose systemd is a script.
struct Office {
    desk: Desk,
}

impl Office {
    /// `answer` is what the script does after it noted its arguments.
    fn new(answer: &str) -> Self {
        let desk = quick_desk();
        let office = Office { desk };
        for program in ["systemctl", "journalctl"] {
            let file = office.home().join(format!("bin/{program}"));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let script = format!("#!/bin/sh\necho \"{program} $*\" >> '{}'\n{answer}\n", office.log().display());
            fs::write(&file, script).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        office
    }

    fn home(&self) -> PathBuf {
        self.desk.inbox().parent().unwrap().to_path_buf()
    }

    fn log(&self) -> PathBuf {
        self.home().join("asked")
    }

    fn units(&self) -> PathBuf {
        self.home().join(".config/systemd/user")
    }

    /// Everything that systemd was asked since the last time.
    fn asked(&self) -> Vec<String> {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        drop(fs::remove_file(self.log()));
        text.lines().map(String::from).collect()
    }

    fn service(&self, arguments: &[&str]) -> Done {
        let path = format!("{}:{}", self.home().join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = self.desk.command(&[&["service"], arguments].concat());
        Done::of(command.env("PATH", path).env_remove("HOUSECALL_MODELS").output().unwrap())
    }
}

fn exec_start(unit: &Path) -> String {
    let text = fs::read_to_string(unit).unwrap();
    text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap().to_string()
}

#[test]
fn a_service_is_installed_changed_shown_and_removed_without_a_trace() {
    let office = Office::new(
        "case \"$*\" in *show\\ housecall*) printf 'UnitFileState=enabled\\nActiveState=active\\nSubState=running\\n\
         ActiveEnterTimestamp=Mon 2026-11-23 08:00:01 UTC\\n';; *--unit*) echo 'skin: done, 1 cut';; esac",
    );
    let installed = office.service(&["install", "inbox", "--offline", "--platforms", "x"]);
    assert_eq!(installed.code, 0, "{installed:?}");
    assert!(installed.err.contains("loginctl enable-linger"), "{installed:?}");
    let unit = office.units().join("housecall-inbox.service");
    let (inbox, out) = (office.desk.inbox(), office.desk.out());
    let (inbox, out) = (inbox.canonicalize().unwrap(), out.display().to_string());
    let start = exec_start(&unit);
    let rest =
        format!("\"watch\" \"--out\" \"{out}\" \"--platforms\" \"x\" \"--offline\" \"--\" \"{}\"", inbox.display());
    assert!(start.starts_with("\":/") && start.ends_with(&rest), "{start}");
    let expected = [
        "systemctl --user show-environment",
        "systemctl --user daemon-reload",
        "systemctl --user enable housecall-inbox.service",
        "systemctl --user restart housecall-inbox.service",
    ];
    assert_eq!(office.asked(), expected);
    // The same folder again: with other settings. Another folder of that name: not in its place.
    assert_eq!(office.service(&["install", "inbox", "--offline", "--jobs", "2"]).code, 0);
    assert!(exec_start(&unit).contains("\"--jobs\" \"2\""));
    let elsewhere = office.home().join("elsewhere/inbox");
    fs::create_dir_all(&elsewhere).unwrap();
    for file in ["practice.toml", "logo.png"] {
        fs::copy(inbox.join(file), elsewhere.join(file)).unwrap();
    }
    let taken = office.service(&["install", "elsewhere/inbox", "--offline"]);
    assert_eq!(taken.code, 1, "{taken:?}");
    assert!(taken.err.contains("--name"), "{taken:?}");
    assert_eq!(office.service(&["install", "elsewhere/inbox", "--offline", "--name", "Room 2"]).code, 0);
    assert!(office.units().join("housecall-room-2.service").is_file());

    let told = office.service(&["status"]);
    assert_eq!(told.code, 0, "{told:?}");
    for words in ["inbox: watches", "room-2: watches", "runs since Mon 2026-11-23", "starts at log-in", "| skin: done"]
    {
        assert!(told.out.contains(words), "{words}: {told:?}");
    }
    office.asked();
    let which = office.service(&["remove"]);
    assert!(which.code == 1 && which.err.contains("inbox, room-2"), "{which:?}");
    let foreign = office.units().join("housecall-other.service");
    fs::write(&foreign, "[Service]\nExecStart=/bin/true\n").unwrap();
    let refused = office.service(&["remove", "other"]);
    assert!(refused.code == 1 && refused.err.contains("not written by Housecall"), "{refused:?}");
    assert!(
        office.service(&["install", "inbox", "--offline", "--name", "other"]).err.contains("not written by Housecall")
    );
    assert_eq!(fs::read_to_string(&foreign).unwrap(), "[Service]\nExecStart=/bin/true\n");
    office.asked();
    for name in ["inbox", "housecall-room-2.service"] {
        assert_eq!(office.service(&["remove", name]).code, 0);
    }
    assert_eq!(office.asked()[0], "systemctl --user disable --now housecall-inbox.service");
    let left: Vec<_> = fs::read_dir(office.units()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["housecall-other.service"]);
    assert!(office.service(&["status"]).out.contains("no service is installed"));
    assert_eq!(office.service(&["remove"]).code, 1);
    assert!(inbox.join("practice.toml").is_file());
}

#[test]
fn without_systemd_it_says_what_to_do_instead_and_leaves_nothing() {
    let refusing = Office::new("echo 'Failed to connect to bus: No medium found' >&2; exit 1");
    let done = refusing.service(&["install", "inbox", "--offline"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains("No medium found") && done.err.contains("housecall watch"), "{done:?}");
    assert!(!refusing.units().exists());
    // It starts, and then something fails: nothing is left that would start at the next log-in.
    let failing = Office::new("case \"$*\" in *restart*) echo 'Job failed.' >&2; exit 1;; esac");
    let done = failing.service(&["install", "inbox", "--offline"]);
    assert!(done.code == 1 && done.err.contains("Job failed"), "{done:?}");
    assert_eq!(fs::read_dir(failing.units()).unwrap().count(), 0);
    // No systemd at all.
    let none = Office::new("");
    let mut command = none.desk.command(&["service", "install", "inbox", "--offline"]);
    let done = Done::of(command.env("PATH", none.home().join("nothing")).output().unwrap());
    assert!(done.code == 1 && done.err.contains("no systemd") && done.err.contains("Task Scheduler"), "{done:?}");
    // What would keep the watch from starting is said before anything is asked or written.
    let done = none.service(&["install", "nowhere", "--offline"]);
    assert!(done.code == 1 && done.err.contains("is not a folder"), "{done:?}");
    assert_eq!(none.asked(), Vec::<String>::new());
}

#[test]
fn systemd_itself_understands_the_unit_of_a_folder_with_any_name() {
    let office = Office::new("");
    let name = "Dana's 100% \"best\" $HOME ${X} \\ %h ; answers";
    let inbox = office.home().join(name);
    fs::rename(office.desk.inbox(), &inbox).unwrap();
    fs::write(inbox.join("skin.mp4"), tiny(&[])).unwrap();
    let installed = office.service(&["install", name, "--offline", "--name", "odd"]);
    assert_eq!(installed.code, 0, "{installed:?}");
    let unit = office.units().join("housecall-odd.service");
    let there = Command::new("systemd-analyze").arg("--version").stdout(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        println!("there is no systemd-analyze here: the unit was compared with what was read and approved alone");
        return;
    }
    let checked = Command::new("systemd-analyze")
        .args(["verify", "--user", "--man=no"])
        .arg(&unit)
        .env("XDG_RUNTIME_DIR", office.home())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    let about: Vec<&str> = said.lines().filter(|line| line.contains("housecall-odd")).collect();
    assert!(about.is_empty(), "{said}");
}
