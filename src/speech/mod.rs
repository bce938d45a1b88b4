//! The only place that touches whisper: audio to words; voice activity; models.

mod stretches;
mod transcript;
mod voice;

pub use stretches::{quietest_moment, stretches};
pub use transcript::{Heard, Loudness, SAMPLE_RATE, Transcript, Word};
pub use voice::speech_spans;
