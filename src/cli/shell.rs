//! `housecall completions` and `housecall man`, from the same definitions as the parser.

use super::{ALL_WELL, Arguments};
use crate::fault::Fault;
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;

/// Prints completions for a shell.
pub fn completions(shell: Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "housecall", &mut script);
    // A reader that went away is no reason to panic.
    drop(std::io::stdout().write_all(&script));
    ALL_WELL
}

/// Prints the manual page: the program's, followed by one for each verb.
pub fn man() -> Result<u8, Fault> {
    let mut page = Vec::new();
    let program = Arguments::command();
    let rendered = clap_mangen::Man::new(program.clone()).render(&mut page).and_then(|()| {
        program.get_subcommands().try_for_each(|verb| clap_mangen::Man::new(verb.clone()).render(&mut page))
    });
    rendered
        .and_then(|()| std::io::stdout().write_all(&page))
        .map_err(|e| Fault::new(format!("the manual page cannot be printed ({e})"), "print it to a file"))?;
    Ok(ALL_WELL)
}
