//! Sound to words, by Whisper.

use super::models::{ModelFile, english_only};
use super::tokens::{Token, words};
use super::window::AudioContext;
use super::{SAMPLE_RATE, Transcript, Word, align, bands, doubt, header, quietest_moment, repair, stretches};
use crate::fault::{Cancel, Fault};
use crate::units::{Span, Time};
use std::collections::VecDeque;
use std::fs::File;
use std::io::BufReader;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use whisper_rs::{
    DtwMode, DtwModelPreset, DtwParameters, FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters,
    WhisperError, WhisperState,
};

/// Beams of the search, as in OpenAI's own command.
const BEAMS: u8 = 5;
/// Longest stretch for a model that the catalogue does not know: whisper's window is 30 s.
const STRETCH_SECONDS: u32 = 28;
/// Sound is filled up with silence to this many samples (1.1 s): whisper.cpp drops less than 0.1 s, and its DTW aborts
/// the whole process on less than 0.16 s.
const LEAST_SAMPLES: usize = SAMPLE_RATE as usize * 11 / 10;
/// Memory that whisper.cpp's DTW works in; it aborts the process when that runs out. 224 tokens against 1500 steps of
/// sound for large-v2's 23 heads take about 100 MB. Unused memory costs nothing.
const DTW_MEMORY: usize = 256 << 20;
/// Most tokens of a stretch: two below the number at which whisper.cpp gives up (half of the 448 text positions that
/// every model has, less four). 28 s of fast speech take about 150.
const MOST_TOKENS: i32 = 448 / 2 - 6;
/// Speech that the model left out at the end of a stretch is heard again from there if it lasts at least this long.
const LEFT_OUT: Time = Time::from_millis(1000);
/// How far from what the detector took for speech a word may reach.
const DETECTOR_LAG: Time = Time::from_millis(350);
/// How often a waiting call looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(50);
/// How long a cancelled run may take to end in order before it is left alone. whisper.cpp looks for cancellation only
/// between an encoder pass and a decoder step, and an encoder pass of a large model takes many seconds.
const GRACE: Duration = Duration::from_millis(1000);

/// How Whisper listens: what trades time against what is heard. docs/encoding.md has what each is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    /// Beams of the search, 1 to 8; with 1, each token is the likeliest one.
    pub beams: u8,
    /// How much of its window the model goes over.
    pub audio_context: AudioContext,
    /// Whether attention is computed in one go, without the weights that word times by DTW are read from; a model that
    /// has its times from there goes without it whatever is said here.
    pub flash_attention: bool,
}

impl Listening {
    /// As the model is best run. A file that the catalogue does not know is taken for one of Whisper's.
    pub fn of(model: &ModelFile) -> Self {
        let audio_context = model.entry.as_ref().map_or(AudioContext::Full, |entry| entry.audio_context);
        Listening { beams: BEAMS, audio_context, flash_attention: false }
    }
}

/// A loaded Whisper model; loaded once for a whole batch.
#[derive(Debug)]
pub struct Recogniser {
    context: WhisperContext,
    model: ModelFile,
    listening: Listening,
    /// Whether word times come from DTW.
    dtw: bool,
    threads: usize,
    /// Text that it is to take for what was said before.
    prompt: Option<String>,
}

impl Recogniser {
    /// Loads the model, to run on `threads` threads (at least one is used), listening as is best for it.
    ///
    /// # Errors
    /// The file is missing, is not a Whisper model in ggml format, or has not the size of the model it is named after.
    pub fn new(model: &ModelFile, threads: usize) -> Result<Self, Fault> {
        Self::listening(model, threads, Listening::of(model))
    }

    /// The same, listening in a way of the caller's choice.
    ///
    /// # Errors
    /// As [`Recogniser::new`].
    pub fn listening(model: &ModelFile, threads: usize, listening: Listening) -> Result<Self, Fault> {
        whisper_rs::install_logging_hooks();
        let shown = model.path.display();
        let unreadable = |e| {
            Fault::new(format!("the speech model {shown} cannot be read ({e})"), "check the path, or download it again")
        };
        let file = File::open(&model.path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let damaged = || {
            let advice = "delete it and run the same command again, or give a Whisper model in ggml format";
            Fault::new(format!("{shown} is not a whole speech model"), advice)
        };
        if model.entry.as_ref().is_some_and(|e| e.bytes != size)
            || !header::is_plausible(BufReader::new(file), size).map_err(unreadable)?
        {
            return Err(damaged());
        }
        let mode = model.entry.as_ref().map_or(DtwMode::None, |e| dtw_mode(&e.dtw));
        let dtw = !matches!(mode, DtwMode::None);
        let mut parameters = WhisperContextParameters::new();
        // Flash attention would silently turn DTW off.
        parameters
            .flash_attn(listening.flash_attention && !dtw)
            .dtw_parameters(DtwParameters { mode, dtw_mem_size: DTW_MEMORY });
        let context = WhisperContext::new_with_params(&model.path, parameters).map_err(|_| damaged())?;
        Ok(Recogniser { context, model: model.clone(), listening, dtw, threads: threads.max(1), prompt: None })
    }

    /// Works on so many threads from here on, at least one.
    pub fn use_threads(&mut self, threads: usize) {
        self.threads = threads.max(1);
    }

    /// The same, told to expect these words, if the model was trained for that; see [`ModelFile::takes_prompt`]. Zero bytes
    /// and what exceeds the model's room for it (about 224 tokens) are left out.
    pub fn expecting(self, prompt: Option<&str>) -> Self {
        let prompt = prompt.filter(|_| self.model.takes_prompt()).map(|text| text.replace('\0', ""));
        Recogniser { prompt, ..self }
    }

    /// The words of a clip named `clip`: `pcm` is its sound (16 kHz mono, -1.0 to 1.0, sample 0 at the clip's time
    /// zero), `speech` says where somebody speaks (in order, not overlapping). `language` is an ISO 639-1 code or
    /// `auto`. `progress` gets the share that is done, 0.0 to 1.0. Without speech the transcript is empty.
    ///
    /// # Errors
    /// A language that the model does not know (before any work), a failure inside Whisper, and [`Fault::Cancelled`]
    /// within two seconds of `cancel`.
    pub fn transcribe(
        &mut self,
        clip: &str,
        pcm: &[f32],
        speech: &[Span],
        language: &str,
        cancel: &Cancel,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Transcript, Fault> {
        let language = self.known_language(language)?;
        cancel.check()?;
        progress(0.0);
        let clip_end = Time::of_samples(pcm.len() as u64, SAMPLE_RATE);
        let longest = self.model.entry.as_ref().map_or(STRETCH_SECONDS, |e| e.stretch_seconds);
        let longest = Time::from_seconds(f64::from(longest));
        let cut = stretches(speech, longest, clip_end, &|window| quietest_moment(pcm, window));
        let mut transcript = Transcript {
            clip: clip.to_string(),
            model: self.model.name.clone(),
            language: language.unwrap_or("en").to_string(),
            words: Vec::new(),
        };
        if !cut.is_empty() {
            let sample = |t: Time| t.samples(SAMPLE_RATE).min(pcm.len());
            let sound = |s: &Span| pcm[sample(s.start)..sample(s.end)].to_vec();
            let run = Run {
                state: self.context.create_state().map_err(|e| whisper_failed(&e))?,
                end_of_text: self.context.token_eot(),
                first_mark: self.context.token_beg(),
                whole_window: usize::try_from(self.context.model_n_audio_ctx()).unwrap_or_default(),
                threads: self.threads,
                listening: self.listening,
                dtw: self.dtw,
                language,
                stretches: cut.iter().map(|s| (*s, sound(s))).collect(),
                speech: speech.to_vec(),
                prompt: self.prompt.clone(),
                cancel: cancel.clone(),
            };
            let (heard, spoken) = watch(run, cancel, progress)?;
            transcript.language = heard;
            let rough = repair::repair(doubt::said(spoken), speech, clip_end);
            // The sound itself says better than the detector where a word begins, but no word is far from all speech: over
            // music in a pause the sound says much.
            let near: Vec<Span> = near(speech, clip_end);
            transcript.words = repair::repair(align::align(rough, &bands::frames(pcm), speech), &near, clip_end);
        }
        progress(1.0);
        Ok(transcript)
    }

    /// The language as whisper.cpp writes it; `None` to detect it.
    fn known_language(&self, language: &str) -> Result<Option<&'static str>, Fault> {
        // whisper-rs panics on a zero byte, so only letters get there.
        let plain = !language.is_empty() && language.bytes().all(|b| b.is_ascii_lowercase());
        let code =
            Some(language).filter(|_| plain).and_then(whisper_rs::get_lang_id).and_then(whisper_rs::get_lang_str);
        match code {
            None if language != "auto" => Err(Fault::new(
                format!("\"{language}\" is no language that Whisper knows"),
                "give a two-letter code such as \"en\", \"es\" or \"de\", or \"auto\"",
            )),
            code if code != Some("en") && !self.context.is_multilingual() => {
                Err(english_only(&self.model.name, language))
            }
            code => Ok(code),
        }
    }
}

/// Where speech may be that the detector did not hear begin or end: it lags soft onsets by up to a third of a second.
fn near(speech: &[Span], clip_end: Time) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for span in speech {
        let start = (span.start - DETECTOR_LAG).max(Time::ZERO);
        let end = (span.end + DETECTOR_LAG).min(clip_end);
        match spans.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => spans.push(Span::new(start, end)),
        }
    }
    spans
}

/// What the working thread reports.
enum Report {
    /// Share done, 0.0 to 1.0.
    Progress(f64),
    /// The language and the words, or why there are none.
    Ended(Result<(String, Vec<Word>), Fault>),
}

/// Runs Whisper on a thread of its own, so that a cancelled call can answer although an encoder pass still runs. A run
/// that is left behind ends at its next look at `cancel`; it owns all it needs.
fn watch(run: Run, cancel: &Cancel, progress: &mut dyn FnMut(f64)) -> Result<(String, Vec<Word>), Fault> {
    let (reports, inbox) = mpsc::channel();
    let work = move || {
        let ended = run.all(&mut |share| {
            // Nobody listens any more once the call was cancelled.
            let _ = reports.send(Report::Progress(share));
        });
        let _ = reports.send(Report::Ended(ended));
    };
    std::thread::Builder::new().name("whisper".into()).spawn(work).map_err(|e| {
        Fault::new(format!("the speech recogniser could not be started ({e})"), "close other programs and try again")
    })?;
    let mut waited = Duration::ZERO;
    loop {
        match inbox.recv_timeout(LOOK) {
            Ok(Report::Progress(share)) => progress(share),
            Ok(Report::Ended(_)) if cancel.is_cancelled() => return Err(Fault::Cancelled),
            Ok(Report::Ended(ended)) => return ended,
            Err(RecvTimeoutError::Disconnected) => {
                let advice = "run the same command again; if it stays, choose another model";
                return Err(Fault::new("the speech recogniser ended without an answer", advice));
            }
            Err(RecvTimeoutError::Timeout) if waited >= GRACE => return Err(Fault::Cancelled),
            Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => waited += LOOK,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// One clip on its way through Whisper.
struct Run {
    state: WhisperState,
    /// Tokens from here on are no text.
    end_of_text: i32,
    /// The time token of 0.00 s; each later one adds 20 ms.
    first_mark: i32,
    /// Positions of the model's whole window.
    whole_window: usize,
    threads: usize,
    listening: Listening,
    /// Whether word times come from DTW.
    dtw: bool,
    language: Option<&'static str>,
    /// Where each stretch lies in the clip, and its sound.
    stretches: VecDeque<(Span, Vec<f32>)>,
    speech: Vec<Span>,
    prompt: Option<String>,
    cancel: Cancel,
}

impl Run {
    fn all(mut self, progress: &mut dyn FnMut(f64)) -> Result<(String, Vec<Word>), Fault> {
        let language = match self.language {
            Some(code) => code,
            None => self.detect_language()?,
        };
        let mut parameters = parameters(language, self.threads, self.listening.beams, &self.cancel, self.dtw);
        if let Some(prompt) = &self.prompt {
            // The setter leaks its copy: some hundred bytes a clip.
            parameters.set_initial_prompt(prompt);
        }
        let end = self.stretches.back().map_or(Time::ZERO, |(s, _)| s.end);
        let mut spoken = Vec::new();
        while let Some((stretch, mut sound)) = self.stretches.pop_front() {
            self.cancel.check()?;
            let samples = sound.len();
            sound.resize(samples.max(LEAST_SAMPLES), 0.0);
            let positions = self.listening.audio_context.positions(sound.len());
            parameters.set_audio_ctx(positions.min(self.whole_window) as i32);
            let result = self.state.full(parameters.clone(), &sound);
            self.cancel.check()?;
            result.map_err(|e| whisper_failed(&e))?;
            let heard = self.tokens(stretch);
            let invented = doubt::is_invented(heard.no_speech, &heard.tokens);
            if !invented && !doubt::is_music(stretch, &self.speech, &heard.tokens) {
                spoken.extend(words(&heard.tokens));
            }
            // A model may end early. What it left out is heard again, so that no speech goes without a caption.
            if let Some(ended) = heard.ended.filter(|&at| self.left_out(stretch, at) >= LEFT_OUT) {
                let from = (ended - stretch.start).samples(SAMPLE_RATE).min(samples);
                self.stretches.push_front((Span::new(ended, stretch.end), sound[from..samples].to_vec()));
                continue;
            }
            progress(stretch.end.seconds() / end.seconds());
        }
        Ok((language.to_string(), spoken))
    }

    /// The language of the longest stretch: a clip has one, and a short stretch says little.
    fn detect_language(&mut self) -> Result<&'static str, Fault> {
        let longest = self.stretches.iter().max_by_key(|(span, _)| span.duration());
        let (id, _) = longest
            .ok_or(WhisperError::NoSamples)
            .and_then(|(_, sound)| self.state.pcm_to_mel(sound, self.threads))
            .and_then(|()| self.state.lang_detect(0, self.threads))
            .map_err(|e| whisper_failed(&e))?;
        whisper_rs::get_lang_str(id).ok_or_else(|| {
            Fault::new("the language of the clip could not be told", "set the language, for example \"en\"")
        })
    }

    /// How much speech a stretch holds after `at`; nothing unless the model got on by at least as much.
    fn left_out(&self, stretch: Span, at: Time) -> Time {
        let rest = Span::new(at, stretch.end);
        let inside = |s: &Span| s.end.min(rest.end) - s.start.max(rest.start);
        let speech = self.speech.iter().filter(|s| s.overlaps(rest)).map(|s| inside(s).0).sum();
        if at - stretch.start >= LEFT_OUT { Time(speech) } else { Time::ZERO }
    }

    /// The text tokens of the stretch that was just run, with times in the clip.
    fn tokens(&self, stretch: Span) -> Listened {
        let at = |centiseconds: i64| (stretch.start + Time::from_millis(centiseconds * 10)).min(stretch.end);
        let mut listened = Listened { tokens: Vec::new(), no_speech: 0.0, ended: None };
        // A time token after text ends a phrase: no word before it ends later, none after it begins earlier. Those before
        // text are ignored, because one of them far off would drag a whole phrase along.
        let (mut phrase, mut before) = (0, stretch.start);
        for segment in self.state.as_iter() {
            listened.no_speech = segment.no_speech_probability();
            for token in (0..segment.n_tokens()).filter_map(|i| segment.get_token(i)) {
                let data = token.token_data();
                if self.dtw && data.id >= self.first_mark {
                    let mark = at(i64::from(data.id - self.first_mark) * 2);
                    if phrase < listened.tokens.len() {
                        for token in &mut listened.tokens[phrase..] {
                            token.span = Span { start: token.span.start.min(mark), end: token.span.end.min(mark) };
                        }
                        (phrase, before) = (listened.tokens.len(), mark);
                    }
                    listened.ended = Some(mark);
                } else if let (true, Ok(bytes)) = (data.id < self.end_of_text, token.to_bytes()) {
                    // DTW knows when a token ends; it begins where the one before it ended.
                    let span = match data.t_dtw {
                        -1 => Span::new(at(data.t0), at(data.t1)),
                        end => Span::new(before, at(end)),
                    };
                    before = span.end;
                    listened.ended = None;
                    listened.tokens.push(Token { bytes: bytes.to_vec(), span, probability: data.p });
                }
            }
        }
        listened
    }
}

/// What Whisper made of one stretch.
struct Listened {
    tokens: Vec<Token>,
    /// Probability that there was no speech at all.
    no_speech: f32,
    /// The time token that closes the text, in clip time, where the whole stretch was one segment. Otherwise whisper.cpp
    /// goes on by itself where a segment ended early.
    ended: Option<Time>,
}

/// How Whisper is run. whisper-rs never frees what its setters are given (a few bytes), so this is made once a clip.
fn parameters(
    language: &'static str,
    threads: usize,
    beams: u8,
    cancel: &Cancel,
    dtw: bool,
) -> FullParams<'static, 'static> {
    let mut p = FullParams::new(match beams {
        0 | 1 => SamplingStrategy::Greedy { best_of: 1 },
        beams => SamplingStrategy::BeamSearch { beam_size: beams.into(), patience: -1.0 },
    });
    p.set_n_threads(i32::try_from(threads).unwrap_or(1));
    p.set_language(Some(language));
    // A wrong word must not lead the next stretch astray.
    p.set_no_context(true);
    p.set_token_timestamps(true);
    p.set_suppress_nst(true);
    // When a beam search gives unlikely or repetitive text, it is tried again at these steps up to 1.0 (OpenAI's values).
    p.set_temperature_inc(0.2);
    p.set_entropy_thold(2.4);
    p.set_logprob_thold(-1.0);
    // One segment with a bound on its tokens keeps whisper.cpp from ending a window early at an implausible time token,
    // where its DTW finds too few steps of sound and aborts the process. Without DTW, more segments give better times.
    if dtw {
        p.set_single_segment(true);
        p.set_max_tokens(MOST_TOKENS);
    }
    p.set_print_progress(false);
    p.set_print_special(false);
    p.set_print_realtime(false);
    p.set_print_timestamps(false);
    let cancel = cancel.clone();
    // As released, this setter is sound only for a closure that is already boxed: it reads the box back as its own type.
    p.set_abort_callback_safe::<_, Box<dyn FnMut() -> bool>>(Box::new(move || cancel.check().is_err()) as Box<_>);
    p
}

/// The heads that follow the sound; none for an unknown name.
fn dtw_mode(name: &str) -> DtwMode<'static> {
    let model_preset = match name {
        "tiny" => DtwModelPreset::Tiny,
        "tiny.en" => DtwModelPreset::TinyEn,
        "base" => DtwModelPreset::Base,
        "base.en" => DtwModelPreset::BaseEn,
        "small" => DtwModelPreset::Small,
        "small.en" => DtwModelPreset::SmallEn,
        "medium" => DtwModelPreset::Medium,
        "medium.en" => DtwModelPreset::MediumEn,
        "large-v3" => DtwModelPreset::LargeV3,
        "large-v3-turbo" => DtwModelPreset::LargeV3Turbo,
        "top-2" => return DtwMode::TopMost { n_top: 2 },
        _ => return DtwMode::None,
    };
    DtwMode::ModelPreset { model_preset }
}

fn whisper_failed(error: &WhisperError) -> Fault {
    let advice = "close other programs to free memory and run again, or choose a smaller model";
    Fault::new(format!("the speech recogniser failed ({error})"), advice)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::speech::models::{Located, catalogue, find};
    use std::time::Instant;

    fn starter() -> Recogniser {
        let Located::Present(model) = find(Some("starter"), "en", &[]).unwrap() else { panic!() };
        Recogniser::new(&model, 1).unwrap()
    }

    #[test]
    fn every_published_model_has_heads_for_word_times() {
        for entry in catalogue().unwrap() {
            assert_eq!(matches!(dtw_mode(&entry.dtw), DtwMode::None), entry.url.is_empty(), "{}", entry.name);
        }
    }

    #[test]
    fn dtw_survives_sound_that_is_no_speech_and_sound_that_is_too_short() {
        let Located::Present(mut model) = find(Some("starter"), "en", &[]).unwrap() else { panic!() };
        model.entry.as_mut().unwrap().dtw = "top-2".into();
        let mut recogniser = Recogniser::new(&model, 1).unwrap();
        assert!(recogniser.dtw);
        let pcm = buzz(4);
        for millis in [30, 150, 900, 4000] {
            let speech = [Span::new(Time::ZERO, Time::from_millis(millis))];
            let end = speech[0].end.samples(SAMPLE_RATE);
            let heard = recogniser.transcribe("a", &pcm[..end], &speech, "en", &Cancel::new(), &mut |_| {}).unwrap();
            assert!(heard.words.iter().all(|w| w.span.end <= speech[0].end), "{:?}", heard.words);
        }
    }

    /// Seconds of a saw-tooth like a voice's, which is no word.
    fn buzz(seconds: usize) -> Vec<f32> {
        (0..seconds * SAMPLE_RATE as usize).map(|i| 0.2 * ((i % 133) as f32 / 66.0 - 1.0)).collect()
    }

    #[test]
    fn a_cancelled_run_stops_within_two_seconds() {
        // Many stretches: far more than two seconds of work.
        let pcm = buzz(60);
        let speech = [Span::new(Time::ZERO, Time::from_seconds(60.0))];
        let cancel = Cancel::new();
        let mut asked = None;
        let result = starter().transcribe("a", &pcm, &speech, "en", &cancel, &mut |share| {
            if share == 0.0 {
                asked = Some(Instant::now());
                let cancel = cancel.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(150));
                    cancel.cancel();
                });
            }
        });
        assert!(result.unwrap_err().is_cancelled());
        assert!(asked.unwrap().elapsed() < Duration::from_millis(2150), "{:?}", asked.unwrap().elapsed());
    }

    #[test]
    fn other_languages_are_refused_before_any_work() {
        let mut recogniser = starter();
        let mut refuse = |language: &str| {
            let none = &mut |_: f64| panic!("work began");
            recogniser.transcribe("a", &[0.0; 16_000], &[], language, &Cancel::new(), none).unwrap_err().to_string()
        };
        assert!(refuse("es").contains("knows only English"));
        assert!(refuse("auto").contains("cannot tell languages apart"));
        assert!(refuse("e\0n").contains("no language that Whisper knows"));
        assert!(refuse("tlh").contains("no language that Whisper knows"));
    }

    #[test]
    fn what_is_no_model_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.bin");
        let whole = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/models/starter.bin")).unwrap();
        for bytes in [&b""[..], b"<html>404</html>", &whole[..5_000_000]] {
            std::fs::write(&path, bytes).unwrap();
            let model = ModelFile { name: "x".into(), path: path.clone(), entry: None };
            assert!(Recogniser::new(&model, 1).unwrap_err().what().contains("not a whole speech model"));
        }
    }

    #[test]
    fn sound_without_speech_gives_no_words() {
        let transcript = starter().transcribe("a", &[0.0; 80_000], &[], "en", &Cancel::new(), &mut |_| {}).unwrap();
        assert_eq!((transcript.words.len(), transcript.model.as_str()), (0, "starter"));
    }
}
