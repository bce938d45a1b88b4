//! `housecall init`: a practice.toml to fill in.

use super::ALL_WELL;
use crate::config;
use crate::fault::Fault;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Writes a practice.toml with every setting explained. An existing one is never touched.
pub fn init(folder: &Path, name: Option<&str>) -> Result<u8, Fault> {
    let file = folder.join("practice.toml");
    let text = config::template(name.unwrap_or("My Practice"));
    let create = |()| OpenOptions::new().write(true).create_new(true).open(&file);
    let written = std::fs::create_dir_all(folder).and_then(create).and_then(|mut f| f.write_all(text.as_bytes()));
    written.map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => Fault::new(
            format!("{} is there already", file.display()),
            "open it and change what you like, or name another folder",
        ),
        _ => Fault::new(format!("{} cannot be written ({e})", file.display()), "name a folder that you may write to"),
    })?;
    say!("{}", file.display());
    eprintln!("Open it, put in the practice's name and what else you like, then: housecall run {}", folder.display());
    Ok(ALL_WELL)
}
