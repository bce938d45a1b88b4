//! A folder that is watched, and the promise that nothing in it is touched: copies of every kind under way, drives that come
//! and go, and what has no business among clips. The program itself is driven, as from a shell.
//!
//! `HOUSECALL_TORTURE=1` asks for the long forms: a hundred clips with pauses of 20 s, and hours of arrivals
//! (`HOUSECALL_SOAK_MINUTES`). `HOUSECALL_SEED` repeats what a failed run printed.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;
mod copying;
mod keeping_on;
mod sacred;
mod service;
mod watching;
