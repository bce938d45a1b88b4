//! `housecall hold`: clips wait until somebody approves them.

use super::{Decide, centre, patience};
use crate::fault::{Cancel, Fault};
use crate::pipeline;

/// Holds clips, in somebody's name if it is given.
pub fn hold(arguments: &Decide, by: Option<&str>, cancel: &Cancel) -> Result<u8, Fault> {
    let Decide { clips, note, out, wait } = arguments;
    centre::of_one(out, clips)?;
    for clip in pipeline::hold(out, clips, by, note.as_deref(), &patience(*wait, cancel))? {
        let again = if clip.known { "was held before" } else { "held" };
        match clip.cuts {
            0 => say!("{}: {again}; nothing is made of it until somebody approves it", clip.clip),
            _ => say!("{}: {again}; its files wait in {}", clip.clip, out.join("held").display()),
        }
    }
    eprintln!("What was posted already stays where it was posted. To go on: housecall approve NAME --by YOU");
    Ok(centre::told_of(out))
}
