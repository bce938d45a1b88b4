//! `housecall models`: what there is, and what is here.

use super::ALL_WELL;
use crate::fault::Fault;
use crate::speech::{self, Located};

/// Lists the speech models and whether each is on this computer.
pub fn models() -> Result<u8, Fault> {
    let folders = speech::folders()?;
    for entry in speech::catalogue()? {
        let language = if entry.multilingual { "auto" } else { "en" };
        let here = matches!(speech::find(Some(&entry.name), language, &folders), Ok(Located::Present(_)));
        let place = if here { "here" } else { "" };
        say!("{:<20} {:>5} MB  {place:<5} {}", entry.name, entry.bytes.div_ceil(1_000_000), entry.about);
    }
    eprintln!("A missing model is downloaded when a run first needs it. Models are kept in {}.", folders[0].display());
    Ok(ALL_WELL)
}
