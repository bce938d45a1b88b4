//! From a file to what is said in it: probe, sound, words. Everything learned is kept by content, so that a clip is read
//! and transcribed once however often it is planned.

use super::budget::ThreadBudget;
use super::event::{Event, Listener, Stage};
use super::store::Store;
use super::turns::Turns;
use super::work::Tally;
use crate::config::Bounds;
use crate::fault::{Cancel, Fault};
use crate::intake::{ClipSource, Digest};
use crate::media::faces::{self, Faces};
use crate::media::{self, Probe};
use crate::speech::{self, Heard, Loudness, ModelFile, Recogniser, Transcript};
use crate::trace::Trace;
use crate::units::Span;
use std::panic::resume_unwind;
use std::thread;
use std::time::Instant;

/// What is known of a clip before anything is planned.
#[derive(Debug, Clone)]
pub struct Understood {
    /// What the phone recorded.
    pub probe: Probe,
    /// Where faces are in it.
    pub faces: Faces,
    /// How loud it is along the way.
    pub loudness: Loudness,
    /// Where somebody speaks, by voice activity: in order, not overlapping.
    pub speech: Vec<Span>,
    /// What is said.
    pub transcript: Transcript,
}

/// Threads that whisper.cpp still gains from.
const MOST_THREADS: usize = 8;

/// How files are read, heard and looked at: with any of these raised, what was made before is made anew.
pub const READ_BY: [u32; 3] = [media::probe::READING, speech::HEARING, faces::LOOK];

/// What faces are remembered by. They lie where the probe says that the picture is.
fn faces_key(clip: &Digest) -> String {
    format!("{} {} {}", clip.0, media::probe::READING, faces::LOOK)
}

/// What sound and words are remembered by. They are of the track that the probe chose.
fn sound_key(clip: &Digest) -> String {
    format!("{} {} {}", clip.0, media::probe::READING, speech::HEARING)
}

/// A stage's failure with the stage's name.
pub type Staged<T> = Result<T, (Stage, Fault)>;

/// Names the stage that a fault belongs to.
pub fn at<T>(stage: Stage) -> impl Fn(Fault) -> Result<T, (Stage, Fault)> {
    move |fault| Err((stage, fault))
}

/// Reads and transcribes clips, with one model for all of them, loaded when the first clip needs it.
pub struct Reader<'a> {
    /// Where what is learned is kept.
    pub store: &'a Store,
    /// The model that is used.
    pub model: &'a ModelFile,
    /// ISO 639-1 code, or `auto`.
    pub language: &'a str,
    /// What is too large or too long to be taken.
    pub bounds: Bounds,
    /// Words that the model is told to expect, if it takes any.
    pub prompt: Option<String>,
    /// Threads for the model and for the decoder that looks for faces.
    pub budget: ThreadBudget,
    /// Whether clips are rendered at the same time.
    pub turns: &'a Turns,
    /// Told what goes on when.
    pub trace: &'a Trace,
    /// Stops the work.
    pub cancel: &'a Cancel,
    /// Told of stages and progress.
    pub listener: Listener<'a>,
    /// Counts what is costly.
    pub tally: &'a Tally,
    /// The loaded model.
    pub recogniser: Option<Recogniser>,
}

impl Reader<'_> {
    /// Everything about one clip, from the cache where it is there.
    pub fn read(&mut self, source: &ClipSource) -> Staged<Understood> {
        let key = &format!("{} {}", source.digest.0, media::probe::READING);
        (self.listener)(Event::Entered { clip: source.name.clone(), stage: Stage::Probe });
        let trace = self.trace.of(&source.name);
        let probe = match self.store.get("probe", key) {
            Some(probe) => probe,
            None => {
                let _span = trace.span("probe");
                let probe =
                    media::probe::probe_within(&source.path, &self.bounds, self.cancel).or_else(at(Stage::Probe))?;
                source
                    .check_unchanged()
                    .and_then(|()| self.store.put("probe", key, &probe))
                    .or_else(at(Stage::Probe))?;
                probe
            }
        };
        // What is remembered may be from a time of wider bounds.
        media::probe::check_bounds(&probe, &self.bounds).or_else(at(Stage::Probe))?;
        let (store, threads, cancel, tally) = (self.store, self.budget.speech, self.cancel, self.tally);
        let (heard, faces) = thread::scope(|scope| {
            let look = || known_faces(store, source, &probe, threads, cancel, tally, &trace);
            match thread::Builder::new().spawn_scoped(scope, look) {
                Ok(seeing) => (self.hear(source, &probe, &trace), seeing.join()),
                // One after the other, then.
                Err(_) => (self.hear(source, &probe, &trace), Ok(look())),
            }
        });
        let (loudness, speech, transcript) = heard.or_else(at(Stage::Speech))?;
        let faces = faces.unwrap_or_else(|panic| resume_unwind(panic)).or_else(at(Stage::Probe))?;
        Ok(Understood { probe, faces, loudness, speech, transcript })
    }

    fn hear(
        &mut self,
        source: &ClipSource,
        probe: &Probe,
        trace: &Trace,
    ) -> Result<(Loudness, Vec<Span>, Transcript), Fault> {
        let key = &sound_key(&source.digest);
        let prompt = self.prompt.as_deref().filter(|_| self.model.takes_prompt()).unwrap_or_default();
        let words_key = format!("{key} {} {} {prompt}", self.model.key(), self.language);
        let file = source.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let given = source.texts.given.as_ref().map(|_| Transcript {
            clip: file.clone(),
            model: "given".to_string(),
            language: self.language.to_string(),
            words: Vec::new(),
        });
        let known = given.or_else(|| self.store.get::<Transcript>("transcript", &words_key));
        let known = known.map(|transcript| Transcript { clip: file.clone(), ..transcript });
        let sound = self.store.get("loudness", key).zip(self.store.get("speech", key));
        if let (Some((loudness, speech)), Some(transcript)) = (sound, &known) {
            return Ok((loudness, speech, transcript.clone()));
        }
        (self.listener)(Event::Entered { clip: source.name.clone(), stage: Stage::Speech });
        let (pcm, loudness) = trace.during("hear", || media::sound::listen(&source.path, probe, self.cancel))?;
        let heard = Heard { speech: trace.during("voice activity", || speech::speech_spans(&pcm)), pcm, loudness };
        // Words are costly: where only the sound is not known any more, they stay.
        let transcript = known.map_or_else(|| self.transcribe(source, &file, &heard, trace), Ok)?;
        source.check_unchanged()?;
        self.store.put("loudness", key, &heard.loudness)?;
        self.store.put("speech", key, &heard.speech)?;
        if source.texts.given.is_none() {
            self.store.put("transcript", &words_key, &transcript)?;
        }
        Ok((heard.loudness, heard.speech, transcript))
    }

    fn transcribe(
        &mut self,
        source: &ClipSource,
        file: &str,
        heard: &Heard,
        trace: &Trace,
    ) -> Result<Transcript, Fault> {
        let _span = trace.span("transcribe");
        let Heard { pcm, speech: spoken, .. } = heard;
        if spoken.is_empty() {
            let (model, language) = (self.model.name.clone(), self.language.to_string());
            return Ok(Transcript { clip: file.into(), model, language, words: Vec::new() });
        }
        let recogniser = match &mut self.recogniser {
            Some(recogniser) => recogniser,
            none => none.insert(Recogniser::new(self.model, self.budget.speech)?.expecting(self.prompt.as_deref())),
        };
        // While nothing is rendered the renders wait for words, so that the model may have every core.
        let threads = if self.turns.is_idle() { self.budget.cores } else { self.budget.speech };
        recogniser.use_threads(threads.min(MOST_THREADS));
        self.tally.transcribe();
        let (began, seconds) = (Instant::now(), pcm.len() as f64 / f64::from(speech::SAMPLE_RATE));
        let (clip, listener) = (&source.name, self.listener);
        recogniser.transcribe(file, pcm, spoken, self.language, self.cancel, &mut |done| {
            let speed = done * seconds / began.elapsed().as_secs_f64().max(1e-3);
            listener(Event::Progress { clip: clip.clone(), stage: Stage::Speech, done, speed });
        })
    }
}

/// The faces of a clip. Where nothing could be looked at, framing falls back to its anchor, and the next run looks again.
fn known_faces(
    store: &Store,
    source: &ClipSource,
    probe: &Probe,
    threads: usize,
    cancel: &Cancel,
    tally: &Tally,
    trace: &Trace,
) -> Result<Faces, Fault> {
    let key = faces_key(&source.digest);
    if let Some(faces) = store.get("faces", &key) {
        return Ok(faces);
    }
    let _span = trace.span("faces");
    tally.decode();
    let Some(faces) = faces::look(&source.path, &probe.video, threads, cancel)? else { return Ok(Faces::default()) };
    source.check_unchanged()?;
    store.put("faces", &key, &faces)?;
    Ok(faces)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::path::Path;

    #[test]
    fn a_clip_that_could_not_be_looked_at_is_not_remembered_as_one_without_faces() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().to_path_buf());
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/clips/fever-in-children.mp4");
        let probe = media::probe::probe_within(&clip, &Bounds::default(), &Cancel::new()).unwrap();
        let away = ClipSource {
            path: folder.path().join("away.mp4"),
            name: "away".into(),
            digest: Digest("00".into()),
            looked: None,
            question: None,
            settings: Default::default(),
            texts: Default::default(),
        };
        let faces =
            known_faces(&store, &away, &probe, 1, &Cancel::new(), &Tally::default(), &Trace::default()).unwrap();
        assert_eq!(faces, Faces::default());
        assert_eq!(store.get::<Faces>("faces", &faces_key(&away.digest)), None);
    }

    #[test]
    fn what_a_probe_led_to_is_forgotten_when_clips_are_probed_in_another_way() {
        let clip = Digest("a".into());
        let parts = |key: String| key.split(' ').map(String::from).collect::<Vec<_>>();
        let [reading, hearing, look] = READ_BY.map(|version| version.to_string());
        assert_eq!(parts(sound_key(&clip)), ["a".to_string(), reading.clone(), hearing]);
        assert_eq!(parts(faces_key(&clip)), ["a".to_string(), reading, look]);
    }
}
