//! Garbage in, and texts that look like commands: nothing crashes, hangs, fills the memory, is obeyed or is passed over in
//! silence. `make test` runs the short form; `HOUSECALL_TORTURE=2000` makes so many mutated clips instead. Every failure
//! prints the seed that makes it again (`HOUSECALL_SEED`).
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod clips;
mod corpus;
mod files;
mod footage;
mod mutants;
mod text;
mod watched;

#[path = "../../fuzz/targets.rs"]
mod targets;

/// The seed of everything that is random here: printed by whoever uses it.
fn seed() -> u64 {
    std::env::var("HOUSECALL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122)
}

/// How much of something is made: the short form, or what `HOUSECALL_TORTURE` asks for.
fn amount(short: usize) -> usize {
    std::env::var("HOUSECALL_TORTURE").ok().and_then(|amount| amount.parse().ok()).unwrap_or(short)
}
