//! What kills, starves and robs the program, and what stands after it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod faults;
mod kill;
