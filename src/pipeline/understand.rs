//! From a file to what is said in it: probe, sound, words. Everything learned is kept by content, so that a clip is read
//! and transcribed once however often it is planned.

use super::budget::ThreadBudget;
use super::event::{Event, Listener, Stage};
use super::store::Store;
use super::turns::Turns;
use super::work::Tally;
use crate::config::Bounds;
use crate::fault::Fault;
use crate::intake::{ClipSource, Digest};
use crate::media::faces::{self, Faces};
use crate::media::{self, Probe};
use crate::speech::{self, Loudness, ModelFile, Transcript};
use crate::trace::Trace;
use crate::units::Span;
use crate::worker::{Crew, Job, Kind, Listen, Message, Read, Sound, Worker};
use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

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

/// Seconds of sound that voice activity goes over in a second at the very least, all at once.
const VOICE_SPEED: f64 = 100.0;

/// How files are read, heard and looked at: with any of these raised, what was made before is made anew.
pub const READ_BY: [u32; 3] = [media::probe::READING, speech::HEARING, faces::LOOK];

/// What a clip's probe is remembered by.
pub(super) fn probe_key(clip: &Digest) -> String {
    format!("{} {}", clip.0, media::probe::READING)
}

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

/// Reads and transcribes clips in workers: one for each clip that is read, and one that keeps the model for all of them,
/// started when the first clip needs it.
pub struct Reader<'a> {
    /// Where what is learned is kept.
    pub store: &'a Store,
    /// Starts workers.
    pub crew: &'a Crew,
    /// Folder for the sound of a clip on its way from one worker to the other.
    pub scratch: &'a Path,
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
    /// Told of stages and progress.
    pub listener: Listener<'a>,
    /// Counts what is costly.
    pub tally: &'a Tally,
    /// Whoever has the model.
    pub listening: Option<Worker>,
}

/// What is known of a clip's sound and words.
struct Known {
    sound: Option<(Loudness, Vec<Span>)>,
    transcript: Option<Transcript>,
    /// What the transcript is remembered by.
    words_key: String,
}

impl Reader<'_> {
    /// Everything about one clip, where all of it is known already; starts no worker.
    ///
    /// # Errors
    /// It is larger or longer than is taken.
    pub fn recall(&self, source: &ClipSource) -> Staged<Option<Understood>> {
        self.recall_delivered(source, false)
    }

    /// As [`recall`](Self::recall), of a clip that a task read, if it was `learned` there: where nothing is known of faces
    /// then, nothing could be looked at.
    ///
    /// # Errors
    /// As [`recall`](Self::recall).
    pub fn recall_delivered(&self, source: &ClipSource, learned: bool) -> Staged<Option<Understood>> {
        let key = probe_key(&source.digest);
        let Some(probe) = self.store.get::<Probe>("probe", &key) else { return Ok(None) };
        media::probe::check_bounds(&probe, &self.bounds).or_else(at(Stage::Probe))?;
        let known = self.known(source);
        let faces: Option<Faces> = self.store.get("faces", &faces_key(&source.digest));
        let faces = faces.or_else(|| learned.then(Faces::default));
        match (known.sound.is_some() && known.transcript.is_some(), faces) {
            (true, Some(faces)) => understood(probe, faces, known).map(Some),
            _ => Ok(None),
        }
    }

    /// Everything about one clip, from the cache where it is there.
    pub fn read(&mut self, source: &ClipSource) -> Staged<Understood> {
        let key = &probe_key(&source.digest);
        (self.listener)(Event::Entered { clip: source.name.clone(), stage: Stage::Probe });
        let trace = self.trace.of(&source.name);
        let probe: Option<Probe> = self.store.get("probe", key);
        if let Some(probe) = &probe {
            // What is remembered may be from a time of wider bounds.
            media::probe::check_bounds(probe, &self.bounds).or_else(at(Stage::Probe))?;
        }
        let known = self.known(source);
        let faces: Option<Faces> = self.store.get("faces", &faces_key(&source.digest));
        let wants_sound = known.sound.is_none() || known.transcript.is_none();
        if let (Some(probe), false, Some(faces)) = (&probe, wants_sound, &faces) {
            return understood(probe.clone(), faces.clone(), known);
        }
        let pcm = Passing(self.scratch.join(format!("{}.pcm", source.name)));
        let job = Read {
            clip: source.path.clone(),
            bounds: self.bounds,
            probe: probe.clone(),
            sound: wants_sound.then(|| Sound { pcm: pcm.0.clone() }),
            faces: faces.is_none(),
            threads: self.budget.speech,
        };
        let mut worker = self.crew.start(Kind::Read, &source.name).or_else(at(Stage::Probe))?;
        worker.give(&source.name, Job::Read(Box::new(job))).or_else(at(Stage::Probe))?;
        let probe = match probe {
            Some(probe) => probe,
            None => {
                let probe = loop {
                    match worker.told().or_else(at(Stage::Probe))? {
                        Some(Message::Probed(probe)) => break *probe.or_else(at(Stage::Probe))?,
                        Some(_) => {}
                        None => return at(Stage::Probe)(unanswered()),
                    }
                };
                source
                    .check_unchanged()
                    .and_then(|()| self.store.put("probe", key, &probe))
                    .or_else(at(Stage::Probe))?;
                probe
            }
        };
        if faces.is_none() {
            self.tally.decode();
        }
        if wants_sound {
            worker.bear(Duration::from_secs_f64(probe.duration.seconds().max(0.0) / VOICE_SPEED));
            (self.listener)(Event::Entered { clip: source.name.clone(), stage: Stage::Speech });
        }
        let mut seen = None;
        let heard = if wants_sound { Some(self.heard(&mut worker, &mut seen)?) } else { None };
        let store = self.store;
        // Faces may take longer than the sound. While they are looked for, the model listens.
        let (words, faces) = thread::scope(|scope| {
            let seeing = thread::Builder::new().spawn_scoped(scope, move || match faces {
                Some(faces) => Ok(faces),
                None => remember_faces(store, source, the_faces(&mut worker, seen)?),
            });
            let words = heard.map(|sound| self.words(source, known, sound, &pcm.0, &trace));
            let refused =
                |e| Fault::new(format!("no thread could be started ({e})"), "close other programs and run again");
            (words, seeing.map_or_else(|e| Ok(Err(refused(e))), |seeing| seeing.join()))
        });
        let known = match words {
            Some(words) => words.or_else(at(Stage::Speech))?,
            None => self.known(source),
        };
        let faces = faces.unwrap_or_else(|panic| resume_unwind(panic)).or_else(at(Stage::Probe))?;
        understood(probe, faces, known)
    }

    /// What was learned of the sound and the words before.
    fn known(&self, source: &ClipSource) -> Known {
        let key = &sound_key(&source.digest);
        let prompt = self.prompt.as_deref().filter(|_| self.model.takes_prompt()).unwrap_or_default();
        let words_key = format!("{key} {} {} {prompt}", self.model.key(), self.language);
        let clip = file_name(source);
        let given = source.texts.given.as_ref().map(|_| Transcript {
            clip: clip.clone(),
            model: "given".to_string(),
            language: self.language.to_string(),
            words: Vec::new(),
        });
        let transcript = given.or_else(|| self.store.get::<Transcript>("transcript", &words_key));
        Known {
            sound: self.store.get("loudness", key).zip(self.store.get("speech", key)),
            transcript: transcript.map(|transcript| Transcript { clip, ..transcript }),
            words_key,
        }
    }

    /// Waits until the sound of a clip was heard. Faces that were seen meanwhile are kept.
    fn heard(
        &self,
        worker: &mut Worker,
        seen: &mut Option<Result<Option<Faces>, Fault>>,
    ) -> Staged<(Loudness, Vec<Span>)> {
        loop {
            match worker.told().or_else(at(Stage::Speech))? {
                Some(Message::Heard(sound)) => return sound.or_else(at(Stage::Speech)),
                Some(Message::Seen(faces)) => *seen = Some(faces),
                Some(_) => {}
                None => return at(Stage::Speech)(unanswered()),
            }
        }
    }

    /// Completes what is known by what was heard, and keeps it.
    fn words(
        &mut self,
        source: &ClipSource,
        known: Known,
        (loudness, speech): (Loudness, Vec<Span>),
        pcm: &Path,
        trace: &Trace,
    ) -> Result<Known, Fault> {
        // Words are costly: where only the sound is not known any more, they stay.
        let transcript = known.transcript.map_or_else(|| self.transcribe(source, &speech, pcm, trace), Ok)?;
        source.check_unchanged()?;
        let key = &sound_key(&source.digest);
        self.store.put("loudness", key, &loudness)?;
        self.store.put("speech", key, &speech)?;
        if source.texts.given.is_none() {
            self.store.put("transcript", &known.words_key, &transcript)?;
        }
        Ok(Known { sound: Some((loudness, speech)), transcript: Some(transcript), words_key: known.words_key })
    }

    fn transcribe(
        &mut self,
        source: &ClipSource,
        speech: &[Span],
        pcm: &Path,
        trace: &Trace,
    ) -> Result<Transcript, Fault> {
        let _span = trace.span("transcribe");
        let clip = file_name(source);
        if speech.is_empty() {
            let (model, language) = (self.model.name.clone(), self.language.to_string());
            return Ok(Transcript { clip, model, language, words: Vec::new() });
        }
        let mut worker = match self.listening.take() {
            Some(worker) => worker,
            None => self.crew.start(Kind::Listen, &source.name)?,
        };
        // While nothing is rendered the renders wait for words, so that the model may have every core.
        let threads = if self.turns.is_idle() { self.budget.cores } else { self.budget.speech };
        let job = Listen {
            model: self.model.clone(),
            prompt: self.prompt.clone(),
            language: self.language.to_string(),
            threads: threads.min(MOST_THREADS),
            clip,
            pcm: pcm.to_path_buf(),
            speech: speech.to_vec(),
        };
        self.tally.transcribe();
        let seconds = pcm.metadata().map_or(0, |about| about.len()) as f64 / (4.0 * f64::from(speech::SAMPLE_RATE));
        let began = Instant::now();
        worker.give(&source.name, Job::Listen(Box::new(job)))?;
        let mut said = None;
        while let Some(message) = worker.told()? {
            match message {
                Message::Listened(done) => {
                    let speed = done * seconds / began.elapsed().as_secs_f64().max(1e-3);
                    let clip = source.name.clone();
                    (self.listener)(Event::Progress { clip, stage: Stage::Speech, done, speed });
                }
                Message::Said(words) => said = Some(words),
                _ => {}
            }
        }
        // One that failed in order can go on with the next clip; one that died is not there any more.
        self.listening = Some(worker);
        said.unwrap_or_else(|| Err(unanswered()))
    }
}

fn file_name(source: &ClipSource) -> String {
    source.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn understood(probe: Probe, faces: Faces, known: Known) -> Staged<Understood> {
    let Some(((loudness, speech), transcript)) = known.sound.zip(known.transcript) else {
        return at(Stage::Speech)(unanswered());
    };
    Ok(Understood { probe, faces, loudness, speech, transcript })
}

/// The faces that a worker sees, if it has not told before.
fn the_faces(worker: &mut Worker, seen: Option<Result<Option<Faces>, Fault>>) -> Result<Option<Faces>, Fault> {
    if let Some(seen) = seen {
        return seen;
    }
    while let Some(message) = worker.told()? {
        if let Message::Seen(seen) = message {
            return seen;
        }
    }
    Err(unanswered())
}

/// Keeps what was seen. Where nothing could be looked at, framing falls back to its anchor, and the next run looks again.
fn remember_faces(store: &Store, source: &ClipSource, seen: Option<Faces>) -> Result<Faces, Fault> {
    let Some(faces) = seen else { return Ok(Faces::default()) };
    source.check_unchanged()?;
    store.put("faces", &faces_key(&source.digest), &faces)?;
    Ok(faces)
}

/// A worker that is done and has not told what it was asked for.
pub(super) fn unanswered() -> Fault {
    Fault::died("the process that worked on the clip left something out", "run again; if it stays, report it")
}

/// A file that lasts only while it is passed on.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_clip_that_could_not_be_looked_at_is_not_remembered_as_one_without_faces() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("cache"));
        let unseen = ClipSource {
            path: folder.path().join("unseen.mp4"),
            name: "unseen".into(),
            digest: Digest("00".into()),
            looked: None,
            question: None,
            settings: Default::default(),
            texts: Default::default(),
        };
        let kept = || store.get::<Faces>("faces", &faces_key(&unseen.digest));
        fs::write(&unseen.path, "a clip").unwrap();
        assert_eq!(remember_faces(&store, &unseen, None).unwrap(), Faces::default());
        assert_eq!(kept(), None);
        remember_faces(&store, &unseen, Some(Faces::default())).unwrap();
        assert_eq!(kept(), Some(Faces::default()));
    }

    #[test]
    fn what_was_seen_of_a_clip_that_was_taken_away_is_not_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("cache"));
        let away = ClipSource {
            path: folder.path().join("away.mp4"),
            name: "away".into(),
            digest: Digest("00".into()),
            looked: None,
            question: None,
            settings: Default::default(),
            texts: Default::default(),
        };
        let fault = remember_faces(&store, &away, Some(Faces::default())).unwrap_err();
        assert!(fault.what().contains("taken away"), "{fault}");
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
