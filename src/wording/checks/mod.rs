//! Flags words for a person's eye before they are posted: what may tell who a patient is, what promises too much, what
//! a slip would make dangerous. Pure.
//!
//! The rules are data, `presets/checks/*.toml`; a practice adds files of its own and turns single rules off. They know
//! English, and they match wordings, not meaning: a name that is in no list and that no context gives away is not
//! found, nor is anything that only the picture shows. A clip without findings is one that nothing was found in; it has
//! not been certified by anyone.
//!
//! ```text
//! words or text -> Reading{folded text, where each letter came from} -> every rule's matches
//!   -> without exceptions and what the practice allows -> Vec<Finding>
//! ```

mod allowed;
mod finding;
mod names;
mod reading;
mod rule_file;
mod rules;

pub use finding::{Category, Finding, Place, Severity};
pub use rules::{Rules, Switches};
