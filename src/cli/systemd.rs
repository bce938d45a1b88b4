//! systemd's user services: the text of a unit, and the only place that runs `systemctl` and `journalctl`.

use crate::fault::Fault;
use crate::plain_file::{self, Links};
use std::ffi::OsStr;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The first line of every unit that Housecall wrote, and of none that it did not.
pub const MARK: &str = "# Written by `housecall service install`; `housecall service remove` takes it away.";

/// What is to run as a service.
#[derive(Debug)]
pub struct Service<'a> {
    /// The folder that is watched, as a person reads it.
    pub folder: &'a str,
    /// The program with a full path, and its arguments.
    pub command: &'a [String],
    /// Variables that it needs, with their values.
    pub environment: &'a [(String, String)],
    /// Whether it may never open a network connection.
    pub offline: bool,
}

/// The text of the unit (systemd.service(5), systemd.exec(5)).
///
/// `PrivateTmp` and other things that need a name space of their own are left out: in a user's manager they need user name
/// spaces, which some distributions forbid, and the service would not start at all.
pub fn unit(service: &Service) -> String {
    let command: Vec<String> = service.command.iter().map(|word| quoted(word)).collect();
    // The colon: nothing is taken for a variable, so that a dollar sign in a folder's name is one.
    let command = command.join(" ").replacen('"', "\":", 1);
    let mut environment = String::new();
    for (name, value) in service.environment {
        // Writing to a string cannot fail.
        let _ = writeln!(environment, "Environment={}", quoted(&format!("{name}={value}")));
    }
    let families = if service.offline { "AF_UNIX AF_NETLINK" } else { "AF_UNIX AF_NETLINK AF_INET AF_INET6" };
    let folder = printed(service.folder);
    format!(
        "{MARK}
[Unit]
Description=Housecall watches {folder}
# A drive that is connected later is tried for every two minutes, and after a working day no longer.
StartLimitIntervalSec=1d
StartLimitBurst=300

[Service]
Type=exec
ExecStart={command}
{environment}Restart=on-failure
RestartSec=2min
TimeoutStopSec=30
# The computer stays usable while cuts are made, and other programs are spared if memory runs out.
Nice=10
IOSchedulingClass=best-effort
IOSchedulingPriority=7
CPUWeight=20
OOMScoreAdjust=500
# What a crash leaves behind would hold pictures of clips.
LimitCORE=0
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
RestrictAddressFamilies={families}

[Install]
WantedBy=default.target
"
    )
}

/// One word of a command line in a unit: between quotation marks, with backslashes, quotation marks and control characters
/// written as C does, and no percent sign taken for a specifier (systemd.syntax(7), \"Quoting\"; systemd.unit(5),
/// \"Specifiers\").
pub fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    for c in word.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '%' => text.push_str("%%"),
            // A command line may not hold the character 0, so none comes here.
            c if c.is_ascii_control() => {
                let _ = write!(text, "\\x{:02x}", c as u32);
            }
            c => text.push(c),
        }
    }
    text + "\""
}

/// Text for a person on one line of a unit. A backslash at its end would join the next line.
fn printed(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '\\' { ' ' } else { c }).collect::<String>().replace('%', "%%")
}

/// The name of a folder as part of a unit's name: lower-case letters, digits and single hyphens, at most 60.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.truncate(60);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "inbox".into() } else { slug.into() }
}

/// Whether a file is a unit that Housecall wrote.
pub fn is_ours(unit: &Path) -> bool {
    plain_file::text(unit, plain_file::MOST_SETTINGS, Links::Refused)
        .is_ok_and(|text| text.lines().next() == Some(MARK))
}

/// Runs `systemctl --user` and gives what it prints.
///
/// # Errors
/// There is no systemd, or it refuses; the fault says so in its words.
pub fn systemctl(arguments: &[&str]) -> Result<String, Fault> {
    ask("systemctl", arguments)
}

/// The last lines that a service told, oldest first.
///
/// # Errors
/// As [`systemctl`].
pub fn last_lines(unit: &str, count: usize) -> Result<String, Fault> {
    ask("journalctl", &["--unit", unit, "--lines", &count.to_string(), "--output", "cat", "--no-pager"])
}

fn ask(program: &str, arguments: &[&str]) -> Result<String, Fault> {
    let asked = Command::new(program)
        .arg("--user")
        .args(arguments.iter().map(OsStr::new))
        .stdin(Stdio::null())
        .env("LC_ALL", "C.UTF-8")
        .output();
    let output = asked.map_err(|error| {
        Fault::new(
            format!("this computer has no systemd that could be asked ({program}: {error})"),
            "start `housecall watch` at log-in in another way: on a Mac as a Login Item or LaunchAgent, on Windows with \
             the Task Scheduler, elsewhere from the session's autostart",
        )
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it gave no reason");
    Err(Fault::new(
        format!("systemd could not be asked to {} ({said})", arguments.first().unwrap_or(&"do it")),
        "log in at the computer itself, not with su or sudo, and run the same command again; or run `housecall watch` in a \
         window",
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(arguments: &[&str]) -> String {
        let command: Vec<String> = arguments.iter().map(|word| (*word).to_string()).collect();
        let environment = [("HOUSECALL_MODELS".to_string(), "/srv/100% models".to_string())];
        unit(&Service { folder: "/home/dana/50% \\ off", command: &command, environment: &environment, offline: true })
    }

    #[test]
    fn the_unit_is_as_it_was_read_and_approved() {
        let text = written(&["/usr/local/bin/housecall", "watch", "/home/dana/Answers", "--out", "/home/dana/cuts"]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], MARK);
        for line in [
            "Description=Housecall watches /home/dana/50%%   off",
            "ExecStart=\":/usr/local/bin/housecall\" \"watch\" \"/home/dana/Answers\" \"--out\" \"/home/dana/cuts\"",
            "Environment=\"HOUSECALL_MODELS=/srv/100%% models\"",
            "Restart=on-failure",
            "Nice=10",
            "LimitCORE=0",
            "NoNewPrivileges=yes",
            "RestrictAddressFamilies=AF_UNIX AF_NETLINK",
            "WantedBy=default.target",
        ] {
            assert!(lines.contains(&line), "{line}\n{text}");
        }
    }

    #[test]
    fn nothing_in_a_name_means_something_to_systemd() {
        let text = written(&["/opt/a b/housecall", "a \"b\" \\ %h $HOME ${X} ; # '\n[Service]"]);
        let line = text.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
        let expected = r#"ExecStart=":/opt/a b/housecall" "a \"b\" \\ %%h $HOME ${X} ; # '\x0a[Service]""#;
        assert_eq!(line, expected);
    }

    #[test]
    fn any_folder_gives_a_name_for_a_unit() {
        for (name, slugged) in [
            ("Answers", "answers"),
            ("Answers 2026 (new)", "answers-2026-new"),
            ("..", "inbox"),
            ("Praxis Müller", "praxis-m-ller"),
            ("回答", "inbox"),
            ("a/../b%h", "a-b-h"),
        ] {
            assert_eq!(slug(name), slugged);
        }
        assert!(slug(&"x".repeat(1000)).len() <= 60);
    }
}
