//! `housecall approve`: clips that waited get the platforms' names.

use super::{ALL_WELL, Decide};
use crate::fault::Fault;
use crate::pipeline;

/// Approves clips in somebody's name.
pub fn approve(arguments: &Decide, by: &str) -> Result<u8, Fault> {
    for clip in pipeline::approve(&arguments.out, &arguments.clips, by, arguments.note.as_deref())? {
        let again = if clip.known { "was approved before" } else { "approved" };
        let cuts = if clip.cuts == 1 { "1 cut is".to_string() } else { format!("{} cuts are", clip.cuts) };
        say!("{}: {again}; {cuts} ready to post", clip.clip);
    }
    Ok(ALL_WELL)
}
