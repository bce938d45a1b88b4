//! One clip through all stages; lanes across clips; cache; journal; events.
//!
//! [`batch::run`] is the main job. `understand` takes a file to words, `produce` takes a plan to files in their places,
//! `publish` is the only code that gives a cut its name.

pub mod batch;
mod edits;
pub mod event;
mod journal;
mod produce;
mod publish;
mod store;
mod understand;

pub use batch::{Outcome, Preview, Request, ThreadBudget, preview, run};
pub use event::{Event, Listener, Stage};
