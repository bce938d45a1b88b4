//! `housecall clean`: what no clip needs goes.

use super::{ALL_WELL, Tidying, centre, patience};
use crate::fault::{Cancel, Fault};
use crate::pipeline;

/// Files of one kind that are named; of more only the number is told.
const NAMED: usize = 5;

/// Says what would be removed, and with `--yes` removes it.
pub fn clean(arguments: &Tidying, cancel: &Cancel) -> Result<u8, Fault> {
    let Tidying { out, inbox, yes, wait } = arguments;
    centre::of_one(out, &[])?;
    let tidy = pipeline::clean(out, inbox.as_deref(), *yes, &patience(*wait, cancel))?;
    let bytes: u64 = tidy.leftovers.iter().map(|leftover| leftover.bytes()).sum();
    for leftover in &tidy.leftovers {
        let files = match leftover.files.len() {
            1 => "1 file".to_string(),
            many => format!("{many} files"),
        };
        say!("{:>9}  {}, {files}", size(leftover.bytes()), leftover.what);
        for (file, _) in leftover.files.iter().take(NAMED) {
            say!("           {}", file.display());
        }
        if leftover.files.len() > NAMED {
            say!("           and {} more", leftover.files.len() - NAMED);
        }
    }
    for note in &tidy.notes {
        eprintln!("{note}");
    }
    match (tidy.leftovers.is_empty(), yes) {
        (true, _) => say!("There is nothing to remove in {}.", out.display()),
        (false, true) => say!("Removed: {}.", size(bytes)),
        (false, false) => {
            say!("{} in all. Nothing was removed yet.", size(bytes));
            eprintln!("To remove it: the same command with --yes. Cuts, texts, transcripts and approvals stay.");
        }
    }
    Ok(ALL_WELL)
}

/// A size as a person reads it: `3.4 MB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
