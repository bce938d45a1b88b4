//! `housecall hold`: clips wait until somebody approves them.

use super::{ALL_WELL, Decide};
use crate::fault::Fault;
use crate::pipeline;

/// Holds clips, in somebody's name if it is given.
pub fn hold(arguments: &Decide, by: Option<&str>) -> Result<u8, Fault> {
    for clip in pipeline::hold(&arguments.out, &arguments.clips, by, arguments.note.as_deref())? {
        let again = if clip.known { "was held before" } else { "held" };
        say!("{}: {again}; its files wait in {}", clip.clip, arguments.out.join("held").display());
    }
    eprintln!("What was posted already stays where it was posted. To go on: housecall approve NAME --by YOU");
    Ok(ALL_WELL)
}
