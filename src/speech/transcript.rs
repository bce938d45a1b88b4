//! What was heard and what was said.

use crate::units::{Span, Time};
use serde::{Deserialize, Serialize};

/// Samples a second that Whisper and the voice activity detection work at.
pub const SAMPLE_RATE: u32 = 16_000;

/// A clip's sound, prepared for recognition.
#[derive(Debug, Clone)]
pub struct Heard {
    /// Mono, 16 kHz, -1.0 to 1.0. Sample 0 is at the clip's time zero (the first picture).
    pub pcm: Vec<f32>,
    /// Where somebody speaks: in order, not overlapping.
    pub speech: Vec<Span>,
    /// How loud the sound is.
    pub loudness: Loudness,
}

/// Loudness along a clip, so that any range of it can be judged without decoding again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Loudness {
    /// Momentary loudness (ITU-R BS.1770, 400 ms window) at each 100 ms step, in LUFS; the window of entry `i` ends at
    /// `(i + 1) * 100 ms`. Silence is at or below -120.
    pub momentary: Vec<f32>,
    /// Highest true peak within each 100 ms step, in dBTP.
    pub peaks: Vec<f32>,
}

/// The words of one clip, as recognised or as a person corrected them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// File name of the clip, without its folder.
    pub clip: String,
    /// Which model heard it.
    pub model: String,
    /// ISO 639-1 code of the language: `en`.
    pub language: String,
    /// In the order of speaking; spans do not overlap.
    pub words: Vec<Word>,
}

/// One spoken word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredWord", into = "StoredWord")]
pub struct Word {
    /// As it is written, with its punctuation and without spaces around it.
    pub text: String,
    /// When it is spoken, in clip time.
    pub span: Span,
    /// 0.0 (a guess) to 1.0 (sure).
    pub confidence: f32,
}

/// A word as the transcript's JSON holds it: times in seconds of the source clip, to the millisecond.
#[derive(Serialize, Deserialize)]
struct StoredWord {
    text: String,
    start: f64,
    end: f64,
    confidence: f32,
}

impl From<StoredWord> for Word {
    fn from(stored: StoredWord) -> Self {
        let span = Span::new(Time::from_seconds(stored.start), Time::from_seconds(stored.end));
        Word { text: stored.text, span, confidence: stored.confidence }
    }
}

impl From<Word> for StoredWord {
    fn from(word: Word) -> Self {
        let round = |t: Time| (t.seconds() * 1000.0).round() / 1000.0;
        let confidence = (word.confidence * 1000.0).round() / 1000.0;
        StoredWord { text: word.text, start: round(word.span.start), end: round(word.span.end), confidence }
    }
}
