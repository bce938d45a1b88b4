//! Many computers for one folder of clips: jobs that an engine such as Slurm hands out, one a clip.
//!
//! Housecall schedules nothing itself. A [`Job`] is a file that says everything about one clip; a [`JobSet`] is the folder
//! of all that were submitted together; [`slurm`] hands it to Slurm. What a task does, and what becomes of what it made,
//! is the pipeline's: [`work`](crate::pipeline::work) and [`gather`](crate::pipeline::gather).
//!
//! This room writes job files and speaks to the engine's commands; it prints nothing.

mod draft;
mod handed;
mod job;
pub mod kubernetes;
mod set;
pub mod slurm;

pub use draft::Draft;
pub use handed::handed_out;
pub use job::{Job, Place};
pub use set::{Array, Brief, JobSet, Part};
