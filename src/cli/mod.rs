//! Arguments, and one file a verb; the only place that prints.

#![allow(clippy::print_stdout, clippy::print_stderr)]

/// Prints a line on stdout. A reader that went away, such as `head`, is no reason to panic.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write;
        drop(writeln!(std::io::stdout(), "{}", crate::printable::printable(&format!($($words)*))));
    }};
}

/// Prints a line of JSON on stdout as it is: a program reads it.
macro_rules! data {
    ($line:expr) => {{
        use std::io::Write;
        drop(writeln!(std::io::stdout(), "{}", $line));
    }};
}

/// In this room nothing reaches a terminal that it would obey, and a reader that went away is no reason to panic.
macro_rules! eprintln {
    ($($words:tt)*) => {{
        use std::io::Write;
        drop(writeln!(std::io::stderr(), "{}", crate::printable::printable(&format!($($words)*))));
    }};
}

mod approve;
mod arguments;
mod centre;
mod clean;
mod doctor;
mod gather;
mod hold;
mod init;
mod models;
mod plan;
mod platforms;
mod review;
mod run;
mod service;
mod shell;
mod status;
mod submit;
mod systemd;
mod task;
mod watch;

pub use arguments::{Arguments, Batch, Decide, Page, ServiceVerb, Slurm, SubmitVerb, Tidying, Verb};

use crate::fault::{Cancel, Fault};
use crate::pipeline::Patience;
use crate::worker;
use clap::Parser;
use std::process::ExitCode;

/// Everything asked for is in its place.
const ALL_WELL: u8 = 0;
/// The work could not start: usage, configuration, no model.
const NO_START: u8 = 1;
/// Some clips or cuts failed, or the work was stopped.
const SOME_FAILED: u8 = 2;
/// Nothing failed, but some clips wait for a person.
const SOME_HELD: u8 = 3;

/// Parses the command line and runs it.
pub fn main() -> ExitCode {
    // Nobody types this: neither help nor manual nor completions know it. Who gives the jobs also stops the worker.
    if std::env::args_os().nth(1).is_some_and(|verb| verb == worker::VERB) {
        return worker::serve();
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(usage) => {
            // Help and version are answers, not errors.
            drop(usage.print());
            return ExitCode::from(if usage.use_stderr() { NO_START } else { ALL_WELL });
        }
    };
    let cancel = Cancel::new();
    let on_signal = cancel.clone();
    // Without a handler Ctrl-C ends the program at once; what is half-made then lies in the scratch folder only. The same
    // is true of whoever presses it twice because the first took too long.
    drop(ctrlc::set_handler(move || if on_signal.is_cancelled() { end_at_once() } else { on_signal.cancel() }));
    match dispatch(arguments.verb, &cancel) {
        Ok(code) => ExitCode::from(code),
        Err(fault) => {
            eprintln!("housecall: {}.", fault.what());
            eprintln!("What to do: {}.", fault.advice());
            ExitCode::from(NO_START)
        }
    }
}

/// How a verb that takes a moment waits for another Housecall.
fn patience(wait: bool, cancel: &Cancel) -> Patience<'_> {
    Patience { wait, cancel, tell: &|text| eprintln!("{text}") }
}

#[expect(clippy::exit)]
fn end_at_once() {
    // What a shell gives for a program that Ctrl-C ended.
    std::process::exit(130);
}

fn dispatch(verb: Verb, cancel: &Cancel) -> Result<u8, Fault> {
    match verb {
        Verb::Init { folder, name } => init::init(&folder, name.as_deref()),
        Verb::Run(batch) => run::run(&batch, cancel),
        Verb::Watch { batch, review: true, page } | Verb::Review { batch, page } => {
            review::review(&batch, &page, cancel)
        }
        Verb::Watch { page, .. } if page != Page::default() => {
            let what =
                "--port, --listen, --new-token and --open are about the page, which watch serves with --review alone";
            Err(Fault::new(what, "add --review, or leave them away"))
        }
        Verb::Watch { batch, .. } => watch::watch(&batch, cancel),
        Verb::Service { what } => service::service(&what, cancel),
        Verb::Plan(batch) => plan::plan(&batch, cancel),
        Verb::Approve { decide, by } => approve::approve(&decide, &by, cancel),
        Verb::Hold { decide, by } => hold::hold(&decide, by.as_deref(), cancel),
        Verb::Status { out, json } => status::status(&out, json),
        Verb::Clean(tidying) => clean::clean(&tidying, cancel),
        Verb::Platforms => platforms::platforms(),
        Verb::Models => models::models(),
        Verb::Doctor { out } => doctor::doctor(out.as_deref()),
        Verb::Completions { shell } => Ok(shell::completions(shell)),
        Verb::Man => shell::man(),
        Verb::Submit { what } => submit::submit(&what, cancel),
        Verb::Gather { out, jobs, wait, json } => gather::gather(&out, jobs.as_deref(), wait, json, cancel),
        Verb::Task { folder, index, scratch } => task::task(&folder, index, scratch.as_deref(), cancel),
    }
}
