//! The page where staff read, fix and approve. Serves it, and holds nothing that the command line has not: every change
//! is a file or a decision that `run` and `approve` know too.
//!
//! ```text
//! day       what goes on: reads clips, renders what may go out, tells of both        (library calls of pipeline)
//! contract  what page and day say to each other
//! guard     who may ask: token, cookie, Host, Origin, limits
//! server    addresses to calls of the day
//! pages     HTML from what the day says; scripts and styles inside the program
//! ```

pub mod assets;
pub mod contract;
pub mod pages;
