//! `housecall service`: a watch that starts at log-in, as a user's systemd unit.

use super::systemd::{self, Service, is_ours, last_lines, slug, systemctl};
use super::{ALL_WELL, Batch, ServiceVerb, run};
use crate::fault::{Cancel, Fault};
use crate::report::Progress;
use etcetera::BaseStrategy;
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// How many of its last lines a service's status shows.
const LINES: usize = 5;
/// What a service would otherwise not know of the shell that it was installed from.
const VARIABLES: [&str; 4] = ["HOUSECALL_MODELS", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"];

/// Installs, removes, or tells of services.
pub fn service(what: &ServiceVerb, cancel: &Cancel) -> Result<u8, Fault> {
    let folder = units()?;
    match what {
        ServiceVerb::Install { batch, name } => install(&folder, batch, name.as_deref(), cancel),
        ServiceVerb::Remove { name } => remove(&folder, name.as_deref()),
        ServiceVerb::Status { name } => status(&folder, name.as_deref()),
    }
}

/// Where a user's units lie (systemd.unit(5)).
fn units() -> Result<PathBuf, Fault> {
    let strategy = etcetera::choose_base_strategy()
        .map_err(|_| Fault::new("you have no home folder", "set the variable HOME to where your files are"))?;
    Ok(strategy.config_dir().join("systemd/user"))
}

fn install(folder: &Path, batch: &Batch, name: Option<&str>, cancel: &Cancel) -> Result<u8, Fault> {
    let batch = settled(batch)?;
    // What would keep it from starting is said now, to somebody who reads it; and a model is fetched now.
    run::foresee(&batch, cancel, &Progress::new(false, std::io::stderr().is_terminal()))?;
    let inbox = text(&batch.inbox)?;
    let called = batch.inbox.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = slug(name.map_or_else(|| called.unwrap_or_default(), str::to_string).as_str());
    let unit = unit_of(&name);
    let file = folder.join(&unit);
    let before = fs::symlink_metadata(&file).is_ok();
    if before && !is_ours(&file) {
        let what = format!("{} is there and was not written by Housecall", file.display());
        return Err(Fault::new(what, "give the service another name with --name"));
    }
    let command = command(&batch)?;
    let old = fs::read_to_string(&file).unwrap_or_default();
    let same = |line: &str| line.starts_with("ExecStart=") && line.ends_with(&systemd::quoted(inbox));
    if before && !old.lines().any(same) {
        let what = format!("the service {name} watches {} already", watched(&old).unwrap_or_default());
        return Err(Fault::new(what, "give this one another name with --name"));
    }
    let environment: Vec<(String, String)> =
        VARIABLES.iter().filter_map(|name| Some(((*name).to_string(), std::env::var(name).ok()?))).collect();
    let service = Service { folder: inbox, command: &command, environment: &environment, offline: batch.offline };
    // Asked before anything is written: where there is no systemd nothing is left lying about.
    systemctl(&["show-environment"])?;
    write(&file, &systemd::unit(&service))?;
    let started = systemctl(&["daemon-reload"])
        .and_then(|_| systemctl(&["enable", &unit]))
        // Starts it, or starts it anew with what has changed.
        .and_then(|_| systemctl(&["restart", &unit]));
    if let Err(fault) = started {
        if !before {
            drop(systemctl(&["disable", &unit]));
            drop(fs::remove_file(&file));
            drop(systemctl(&["daemon-reload"]));
        }
        return Err(fault);
    }
    say!("{name}: watches {inbox}, now and whenever you log in; cuts go to {}", batch.out.display());
    say!("to see how it goes: housecall service status {name}");
    say!("to end it:          housecall service remove {name}");
    eprintln!("It ends when you log out. To have it work while nobody is logged in: loginctl enable-linger");
    Ok(ALL_WELL)
}

fn remove(folder: &Path, name: Option<&str>) -> Result<u8, Fault> {
    let installed = installed(folder);
    let name = match (name, installed.as_slice()) {
        (Some(name), _) => slug(name.trim_start_matches("housecall-").trim_end_matches(".service")),
        (None, [only]) => only.clone(),
        (None, []) => return Err(Fault::new("no service is installed", "there is nothing to remove")),
        (None, several) => {
            let what = format!("several services are installed: {}", several.join(", "));
            return Err(Fault::new(what, "name the one to remove"));
        }
    };
    let (unit, file) = (unit_of(&name), folder.join(unit_of(&name)));
    if fs::symlink_metadata(&file).is_err() {
        let known = if installed.is_empty() { "none".to_string() } else { installed.join(", ") };
        let what = format!("there is no service {name}; installed: {known}");
        return Err(Fault::new(what, "name one that is installed"));
    }
    if !is_ours(&file) {
        let what = format!("{} was not written by Housecall", file.display());
        return Err(Fault::new(what, "remove it by hand if you do not need it"));
    }
    let stopped = systemctl(&["disable", "--now", &unit]);
    // Without systemd to do it, the link that starts it at log-in is ours to take away.
    let link = folder.join("default.target.wants").join(&unit);
    if stopped.is_err() && fs::read_link(&link).is_ok() {
        drop(fs::remove_file(&link));
    }
    fs::remove_file(&file).map_err(|error| unwritable(&file, &error))?;
    let reloaded = systemctl(&["daemon-reload"]);
    say!("{name}: removed; what was made stays");
    if let Err(fault) = stopped.and(reloaded) {
        eprintln!("{}. If it still runs, it ends when you log out.", fault.what());
    }
    Ok(ALL_WELL)
}

fn status(folder: &Path, name: Option<&str>) -> Result<u8, Fault> {
    let wanted = name.map(|name| slug(name.trim_start_matches("housecall-").trim_end_matches(".service")));
    let shown: Vec<String> =
        installed(folder).into_iter().filter(|name| wanted.as_ref().is_none_or(|wanted| wanted == name)).collect();
    if shown.is_empty() {
        let which = wanted.map(|name| format!(" {name}")).unwrap_or_default();
        say!("no service{which} is installed; `housecall service install FOLDER` installs one");
        return Ok(ALL_WELL);
    }
    for name in shown {
        let unit = unit_of(&name);
        let text = fs::read_to_string(folder.join(&unit)).unwrap_or_default();
        say!("{name}: watches {}", watched(&text).unwrap_or_else(|| "a folder".into()));
        let properties = "UnitFileState,ActiveState,SubState,Result,ActiveEnterTimestamp,InactiveEnterTimestamp";
        match systemctl(&["show", &unit, "--property", properties]) {
            Ok(told) => say!("  {}", standing(&told)),
            Err(fault) => say!("  {}", fault.what()),
        }
        let lines = last_lines(&unit, LINES).unwrap_or_default();
        lines.lines().filter(|line| !line.trim().is_empty()).for_each(|line| say!("  | {line}"));
    }
    Ok(ALL_WELL)
}

/// What `systemctl show` says about a unit, in words.
fn standing(told: &str) -> String {
    let value = |name: &str| {
        told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default().trim().to_string()
    };
    let since = |date: String| if date.is_empty() { String::new() } else { format!(" since {date}") };
    let enabled = match value("UnitFileState").as_str() {
        "enabled" => "starts at log-in",
        _ => "does not start at log-in",
    };
    let runs = match (value("ActiveState").as_str(), value("SubState").as_str()) {
        ("active", _) => format!("runs{}", since(value("ActiveEnterTimestamp"))),
        ("activating", "auto-restart") => format!("failed ({}) and is tried again soon", value("Result")),
        ("activating", _) => "is being started".into(),
        ("failed", _) => format!("failed ({}){}", value("Result"), since(value("InactiveEnterTimestamp"))),
        _ => format!("does not run{}", since(value("InactiveEnterTimestamp"))),
    };
    format!("{runs}; {enabled}")
}

/// The arguments with full paths: a service runs in another folder.
fn settled(batch: &Batch) -> Result<Batch, Fault> {
    let full = |path: &Path| {
        std::path::absolute(path).map_err(|error| {
            Fault::new(format!("{} has no full path ({error})", path.display()), "write the folder's full path")
        })
    };
    let full_if = |path: &Option<PathBuf>| path.as_deref().map(full).transpose();
    // A model may be a name or a file.
    let model = match &batch.model {
        Some(model) if Path::new(model).is_file() => Some(text(&full(Path::new(model))?)?.to_string()),
        other => other.clone(),
    };
    // An inbox that ends in `/.` has no name of its own.
    let inbox = fs::canonicalize(&batch.inbox).or_else(|_| full(&batch.inbox))?;
    Ok(Batch {
        inbox,
        out: full(&batch.out)?,
        practice: full_if(&batch.practice)?,
        transcript: full_if(&batch.transcript)?,
        trace: full_if(&batch.trace)?,
        model,
        ..batch.clone()
    })
}

/// The program and its arguments.
fn command(batch: &Batch) -> Result<Vec<String>, Fault> {
    let program = std::env::current_exe().map_err(|error| {
        Fault::new(format!("the program's own place is not known ({error})"), "start housecall by its full path")
    })?;
    let mut command = vec![text(&program)?.to_string(), "watch".into()];
    let mut option = |name: &str, value: &str| command.extend([name.to_string(), value.to_string()]);
    option("--out", text(&batch.out)?);
    for (name, path) in
        [("--practice", &batch.practice), ("--transcript", &batch.transcript), ("--trace", &batch.trace)]
    {
        if let Some(path) = path {
            option(name, text(path)?);
        }
    }
    if !batch.only.is_empty() {
        option("--only", &batch.only.join(","));
    }
    if !batch.platforms.is_empty() {
        option("--platforms", &batch.platforms.join(","));
    }
    if let Some(model) = &batch.model {
        option("--model", model);
    }
    if let Some(jobs) = batch.jobs {
        option("--jobs", &jobs.to_string());
    }
    command.extend(batch.offline.then(|| "--offline".to_string()));
    command.extend(batch.json.then(|| "--json".to_string()));
    command.extend(["--".to_string(), text(&batch.inbox)?.to_string()]);
    Ok(command)
}

/// The folder that a unit of ours watches, as its description names it.
fn watched(unit: &str) -> Option<String> {
    let folder = unit.lines().find_map(|line| line.strip_prefix("Description=Housecall watches "))?;
    Some(folder.replace("%%", "%"))
}

fn unit_of(name: &str) -> String {
    format!("housecall-{name}.service")
}

/// Names of the services that Housecall installed, in order.
fn installed(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| is_ours(&entry.path()));
    let name = |file: String| Some(file.strip_prefix("housecall-")?.strip_suffix(".service")?.to_string());
    let mut names: Vec<String> = files.filter_map(|e| name(e.file_name().to_string_lossy().into_owned())).collect();
    names.sort();
    names
}

/// A path as text: a unit is UTF-8.
fn text(path: &Path) -> Result<&str, Fault> {
    path.to_str().ok_or_else(|| {
        let what = format!("the name of {} holds characters that a service cannot be given", path.display());
        Fault::new(what, "rename it")
    })
}

fn write(file: &Path, text: &str) -> Result<(), Fault> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| {
        let mut scratch = tempfile::NamedTempFile::new_in(folder)?;
        scratch.write_all(text.as_bytes())?;
        scratch.persist(file).map_err(|error| error.error)
    });
    written.map(drop).map_err(|error| unwritable(file, &error))
}

fn unwritable(file: &Path, error: &std::io::Error) -> Fault {
    Fault::new(format!("{} cannot be changed ({error})", file.display()), "check that the folder is yours to write to")
}

#[cfg(test)]
mod tests {
    use super::standing;

    #[test]
    fn what_systemd_says_is_put_into_words() {
        let told = |state: &str| format!("UnitFileState=enabled\nResult=exit-code\n{state}\n");
        let active = "ActiveState=active\nSubState=running\nActiveEnterTimestamp=Mon 2026-11-23 08:00:01 UTC";
        assert_eq!(standing(&told(active)), "runs since Mon 2026-11-23 08:00:01 UTC; starts at log-in");
        let again = "ActiveState=activating\nSubState=auto-restart";
        assert_eq!(standing(&told(again)), "failed (exit-code) and is tried again soon; starts at log-in");
        let failed = "ActiveState=failed\nSubState=failed\nInactiveEnterTimestamp=Mon";
        assert_eq!(standing(&told(failed)), "failed (exit-code) since Mon; starts at log-in");
        assert_eq!(standing("ActiveState=inactive\n"), "does not run; does not start at log-in");
    }
}
