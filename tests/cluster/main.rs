//! Housecall on a real cluster: Slurm with two nodes on this computer, in which nodes die, disks fill and people cancel.
//! `make test` runs the short form where slurm-wlm and munge are installed, `make test-cluster` installs them and runs all.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod array;
mod centre;
mod slurm;
