//! What the other rooms know of speech: words and transcripts.

#[path = "../../src/speech/transcript.rs"]
mod transcript;
pub use transcript::{Heard, Loudness, SAMPLE_RATE, Transcript, Word};
