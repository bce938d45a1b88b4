//! `housecall approve`: clips that waited get the platforms' names.

use super::{Decide, centre, patience};
use crate::fault::{Cancel, Fault};
use crate::pipeline;

/// Approves clips in somebody's name.
pub fn approve(arguments: &Decide, by: &str, cancel: &Cancel) -> Result<u8, Fault> {
    let Decide { clips, note, out, wait } = arguments;
    centre::of_one(out, clips)?;
    for clip in pipeline::approve(out, clips, by, note.as_deref(), &patience(*wait, cancel))? {
        let again = if clip.known { "was approved before" } else { "approved" };
        let cuts = if clip.cuts == 1 { "1 cut is".to_string() } else { format!("{} cuts are", clip.cuts) };
        match clip.unmade {
            0 => say!("{}: {again}; {cuts} ready to post", clip.clip),
            _ => say!("{}: {again}; the next run makes its cuts", clip.clip),
        }
        clip.beyond.iter().for_each(|what| eprintln!("{}: {what}", clip.clip));
    }
    Ok(centre::told_of(out))
}
