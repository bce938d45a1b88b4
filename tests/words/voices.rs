//! Synthetic voices that say when they spoke: flite prints when each phoneme ended.

use super::sounds::samples;
use housecall::speech::SAMPLE_RATE;
use housecall::units::Time;
use std::collections::HashMap;
use std::process::Command;
use std::sync::{LazyLock, Mutex};

/// A spoken word and when it truly begins.
#[derive(Debug, Clone)]
pub struct Said {
    pub word: String,
    /// In seconds.
    pub start: f64,
    /// Whether a sentence ends with it.
    pub ends: bool,
}

/// Sound, and what is said in it.
#[derive(Debug, Clone, Default)]
pub struct Take {
    pub pcm: Vec<f32>,
    pub said: Vec<Said>,
}

impl Take {
    /// Adds another take after this one.
    pub fn push(&mut self, other: &Take) {
        let offset = Time::of_samples(self.pcm.len() as u64, SAMPLE_RATE).seconds();
        self.pcm.extend_from_slice(&other.pcm);
        self.said.extend(other.said.iter().map(|s| Said {
            word: s.word.clone(),
            start: s.start + offset,
            ends: s.ends,
        }));
    }

    /// Adds silence.
    pub fn wait(&mut self, seconds: f32) {
        self.pcm.resize(self.pcm.len() + samples(seconds), 0.0);
    }

    pub fn seconds(&self) -> f32 {
        self.pcm.len() as f32 / SAMPLE_RATE as f32
    }
}

/// Lower case letters and digits, as words are compared.
pub fn plain(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == '\'').collect()
}

/// Runs flite; returns the phonemes with when they end, in seconds.
fn flite(voice: &str, text: &str, file: &str) -> Vec<(String, f64)> {
    let said = Command::new("flite").args(["-voice", voice, "-psdur", "-t", text, "-o", file]).output().unwrap();
    assert!(said.status.success(), "flite: {}", String::from_utf8_lossy(&said.stderr));
    let pairs = String::from_utf8(said.stdout).unwrap();
    let pair = |p: &str| p.split_once(':').map(|(name, end)| (name.to_string(), end.parse().unwrap()));
    pairs.split_whitespace().filter_map(pair).collect()
}

/// How many phonemes a word has: it is said alone, once.
fn length(word: &str) -> usize {
    static KNOWN: LazyLock<Mutex<HashMap<String, usize>>> = LazyLock::new(Mutex::default);
    if let Some(&known) = KNOWN.lock().unwrap().get(word) {
        return known;
    }
    // The quickest voice; all of them share the dictionary. The sound itself is thrown away.
    let count = flite("kal16", &format!("{word}."), "none").iter().filter(|p| p.0 != "pau").count();
    KNOWN.lock().unwrap().insert(word.to_string(), count);
    count
}

/// A voice says a text; nothing where its words have other phonemes in the sentence than alone, so that nobody knows
/// where they begin.
pub fn speak(voice: &str, text: &str) -> Option<Take> {
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("a.wav");
    let mut phonemes = Vec::new();
    let mut start = 0.0;
    for (name, end) in flite(voice, text, wav.to_str().unwrap()) {
        if name != "pau" {
            phonemes.push(start);
        }
        start = end;
    }
    let bytes = std::fs::read(&wav).unwrap();
    // flite writes the plain 44-byte header and 16-bit samples.
    assert_eq!(u32::from_le_bytes(bytes[24..28].try_into().unwrap()), SAMPLE_RATE);
    let sample = |b: &[u8]| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0;
    let pcm = bytes[44..].chunks_exact(2).map(sample).collect();
    let mut rest = phonemes.as_slice();
    let mut said = Vec::new();
    for written in text.split(' ') {
        let word = plain(written);
        let (own, after) = rest.split_at_checked(length(&word)).filter(|(own, _)| !own.is_empty())?;
        said.push(Said { word, start: own[0], ends: written.ends_with(['.', '?']) });
        rest = after;
    }
    rest.is_empty().then_some(Take { pcm, said })
}
