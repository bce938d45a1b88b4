//! The only place that touches whisper: audio to words; voice activity; models.

mod align;
mod bands;
mod doubt;
mod download;
mod header;
mod models;
mod notes;
mod phones;
mod recognise;
mod repair;
mod stretches;
mod tokens;
mod transcript;
mod voice;
mod window;

/// Raised whenever the same sound is heard in another way, so that what was remembered of it is heard anew.
pub const HEARING: u32 = 5;

pub use download::{download, offline_fault};
pub use models::{Checksum, Located, ModelEntry, ModelFile, catalogue, find, folders};
pub use recognise::{Listening, Recogniser};
pub use stretches::{quietest_moment, stretches};
pub use transcript::{Heard, Loudness, SAMPLE_RATE, Transcript, Word};
pub use voice::speech_spans;
pub use window::AudioContext;
