//! The only place that touches whisper: audio to words; voice activity; models.

mod transcript;

pub use transcript::{Heard, Loudness, SAMPLE_RATE, Transcript, Word};
