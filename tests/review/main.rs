//! The page where staff read, fix and approve, in a real browser: the program serves it, Chromium shows it, and what was
//! done there is looked for on the disk.
//!
//! `make test` runs the short form; `make test-page` (`HOUSECALL_PAGE=all`) runs all of it, with what takes long clips or
//! many, and with what only a computer that does nothing else can be measured by. `make screenshots`
//! (`HOUSECALL_SCREENSHOTS=FOLDER`) writes the pictures of the README; `HOUSECALL_CENTRE_PICTURES=FOLDER` keeps what the test of
//! many practices sees.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod axe;
mod centre;
mod chromium;
mod clip;
#[path = "../common/mod.rs"]
mod common;
mod day;
mod deciding;
mod editing;
mod host;
mod keeping;
mod keyboard;
mod looks;
mod modules;
mod page;
mod speed;

/// Whether the long form is asked for.
fn all() -> bool {
    std::env::var("HOUSECALL_PAGE").is_ok_and(|form| form == "all")
}
