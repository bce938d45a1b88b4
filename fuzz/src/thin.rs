//! The rooms of Housecall that are fuzzed, by path: what reads files of people. Neither FFmpeg nor Whisper is linked, so
//! that a target builds in a minute and runs thousands of times a second.
#![allow(dead_code, unused_imports)]

#[path = "../../src/captions/mod.rs"]
pub mod captions;
#[path = "../../src/config/mod.rs"]
pub mod config;
#[path = "../../src/exact_path.rs"]
pub mod exact_path;
#[path = "../../src/fault.rs"]
pub mod fault;
#[path = "../../src/intake/mod.rs"]
pub mod intake;
#[path = "../../src/plain_file.rs"]
pub mod plain_file;
#[path = "../../src/quoted.rs"]
pub mod quoted;
pub mod speech;
#[path = "../../src/units.rs"]
pub mod units;
#[path = "../../src/wording/mod.rs"]
pub mod wording;
