//! Work on a clip's bytes in processes of their own, so that a library that crashes takes one attempt along and not the
//! batch. [`Crew`] is the supervisor's side, [`serve`] the worker's; [`Job`] and [`Message`] are what they tell each other,
//! one line of JSON each: a job on the worker's standard input, messages on its standard output.
//!
//! A worker ends when its input does, so that none outlives a supervisor that was killed. It may take the memory and
//! write the files that its job can need, and no more. It gives a sign of life while its work goes on; without one it is
//! stopped. What a worker made counts only if its own check passed it: [`Verified`] comes from such a message alone.
//!
//! This room starts processes, and calls media and speech on the worker's side; it prints nothing but messages.

mod inside;
mod job;
mod limits;
mod outside;
mod verified;

/// The first argument of a worker; a second one says what for, for whoever looks at the list of processes.
pub const VERB: &str = "worker";

pub use inside::serve;
pub use job::{Cover, Frame, Hello, Job, Kind, Listen, Message, Part, Read, Render, Sound};
pub use outside::{Crew, PATIENCE, Worker};
pub use verified::{Carried, Passed, Verified};
