//! What runs of the program give, and what its parts give together. One program, so that it is linked once and its tests
//! fill the cores to the end.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod centre;
mod checks;
mod cli;
#[cfg(target_os = "linux")]
mod cluster;
mod corrections;
mod day;
mod keeping;
mod languages;
mod never_again;
mod overview;
mod practices;
mod render;
mod samples;
#[cfg(unix)]
mod sessions;
mod signoff;
mod speech;
mod trace;
#[cfg(target_os = "linux")]
mod worker;
