//! Footage of every kind that a phone of the last fifteen years records, each with a known answer. `make test` runs the
//! short form; `make matrix` runs all of it (`HOUSECALL_MATRIX=all`) and makes a page for a person's eye.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod audio;
mod broken;
mod chart;
mod colour;
mod containers;
mod footage;
mod orientation;
mod page;
mod private;
mod reframing;
mod sizes;
mod special;
mod time;
mod trimming;
