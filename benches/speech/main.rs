//! What listening costs and what it is worth: threads, beams, how much of its window Whisper's encoder goes over, and flash
//! attention.
//!
//! The starter model hears sentences of known words from synthetic voices that tell when they spoke, through all of
//! Housecall's own listening; word errors and onsets are those of the finished transcript. A model of random weights in
//! base.en's shape tells what a model for real clips costs; since its text is nonsense without end, each stretch is given
//! the same number of tokens, as many as people speak in that time, and is decoded once. Processor time is that of this
//! process. Linux only, since it is read from `/proc`; needs flite.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // The voices are shared with tests.

#[path = "../../tests/words/corpus.rs"]
mod corpus;
#[allow(dead_code)] // The benchmark needs few of them.
#[path = "../../tests/words/sounds.rs"]
mod sounds;
#[path = "../../tests/words/voices.rs"]
mod voices;
mod weights;

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use housecall::fault::Cancel;
use housecall::speech::{AudioContext, Listening, Located, ModelFile, Recogniser, SAMPLE_RATE, find, speech_spans};
use housecall::units::Span;
use serde::Serialize;
use sounds::{Dice, mixed, room};
use std::path::PathBuf;
use std::time::Instant;
use voices::Said;
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters};

/// Sentences that each voice says, quiet and in noise.
const SENTENCES_EACH: usize = 8;
/// Tokens of a second of speech: about 2.5 words, each about 1.3 tokens, and some punctuation.
const TOKENS_A_SECOND: f64 = 4.0;
/// `/proc` counts processor time in these, whatever the kernel's own clock.
const TICKS_A_SECOND: f64 = 100.0;

/// What listening costs and what it is worth
#[derive(Debug, Parser)]
#[command(name = "speech")]
struct Options {
    /// Models, separated by commas
    #[arg(long, value_delimiter = ',', value_enum, default_value = "starter,base")]
    models: Vec<Model>,
    /// Threads, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "1,2,4")]
    threads: Vec<usize>,
    /// Beams, separated by commas; 1 takes the likeliest token each time
    #[arg(long, value_delimiter = ',', default_value = "1,2,5")]
    beams: Vec<u8>,
    /// How much of its window the encoder goes over, separated by commas
    #[arg(long, value_delimiter = ',', value_enum, default_value = "full,fitted")]
    contexts: Vec<Window>,
    /// Flash attention, separated by commas
    #[arg(long, value_delimiter = ',', value_enum, default_value = "off,on")]
    flash: Vec<Flash>,
    /// Seconds of the stretch that the model in base.en's shape hears
    #[arg(long, default_value_t = 10.0)]
    stretch: f64,
    /// How often each way is run; figures are medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print one line of JSON for each way instead of tables
    #[arg(long)]
    json: bool,
    /// What cargo hands to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Model {
    /// The model that comes with the program.
    Starter,
    /// Random weights in base.en's shape.
    Base,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Window {
    Full,
    Fitted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Flash {
    Off,
    On,
}

/// One way to listen.
#[derive(Debug, Clone, Copy)]
struct Way {
    threads: usize,
    listening: Listening,
}

/// What a way took for each second of sound, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Cost {
    cpu_ms: f64,
    wall_ms: f64,
}

/// How right a transcript is.
#[derive(Debug, Clone, Copy, Serialize)]
struct Right {
    /// Words wrong, missing or too many, in percent of those said.
    word_errors: f64,
    /// How far off the onsets of the right words are, in ms: half of them are nearer ...
    onset_median_ms: f64,
    /// ... and 95 % of them.
    onset_95_ms: f64,
}

#[derive(Debug, Serialize)]
struct Row {
    model: &'static str,
    threads: usize,
    beams: u8,
    context: &'static str,
    flash: bool,
    rounds: usize,
    /// Medians.
    #[serde(flatten)]
    cost: Cost,
    /// The lowest of all rounds: what was least disturbed.
    least_cpu_ms: f64,
    #[serde(flatten)]
    right: Option<Right>,
}

/// A clip of the corpus.
struct Clip {
    pcm: Vec<f32>,
    speech: Vec<Span>,
    said: Vec<Said>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let Located::Present(starter) = find(Some("starter"), "en", &[])? else { bail!("there is no starter model") };
    if options.models.contains(&Model::Starter) {
        let clips = clips();
        let seconds: f64 = clips.iter().map(|clip| seconds(&clip.pcm)).sum();
        let words: usize = clips.iter().map(|clip| clip.said.len()).sum();
        if !options.json {
            println!("starter: {} clips, {seconds:.0} s, {words} words\n", clips.len());
            spent_besides(&clips, seconds)?;
            println!(
                "| threads | beams | window | flash | CPU ms/s | least | wall ms/s | word errors | onset | 95 % |"
            );
            println!(
                "|--------:|------:|--------|-------|---------:|------:|----------:|------------:|------:|-----:|"
            );
        }
        rounds(&options, "starter", &mut |way| hear(&starter, way, &clips, seconds))?;
    }
    if options.models.contains(&Model::Base) {
        let file = base(&starter)?;
        if !options.json {
            let tokens = tokens(options.stretch);
            println!("\nbase.en's shape: one stretch of {} s, {tokens} tokens\n", options.stretch);
            println!("| threads | beams | window | flash | CPU ms/s | least | wall ms/s |");
            println!("|--------:|------:|--------|-------|---------:|------:|----------:|");
        }
        rounds(&options, "base.en's shape", &mut |way| Ok((decode(&file, way, options.stretch)?, None)))?;
    }
    Ok(())
}

/// Runs every way as often as was asked for, each once before the next time, and prints what it took.
fn rounds(
    options: &Options,
    model: &'static str,
    run: &mut dyn FnMut(Way) -> Result<(Cost, Option<Right>)>,
) -> Result<()> {
    let mut ways = Vec::new();
    for &threads in &options.threads {
        for &beams in &options.beams {
            for &context in &options.contexts {
                for &flash in &options.flash {
                    let audio_context = match context {
                        Window::Full => AudioContext::Full,
                        Window::Fitted => AudioContext::Fitted,
                    };
                    let listening = Listening { beams, audio_context, flash_attention: flash == Flash::On };
                    ways.push(Way { threads, listening });
                }
            }
        }
    }
    let mut results = vec![Vec::new(); ways.len()];
    for round in 1..=options.rounds {
        for (way, results) in ways.iter().zip(&mut results) {
            results.push(run(*way)?);
            if round == options.rounds {
                print(options.json, &row(model, *way, results))?;
            }
        }
    }
    Ok(())
}

/// What a way's rounds come to.
fn row(model: &'static str, way: Way, results: &[(Cost, Option<Right>)]) -> Row {
    let cpus: Vec<f64> = results.iter().map(|(cost, _)| cost.cpu_ms).collect();
    let walls: Vec<f64> = results.iter().map(|(cost, _)| cost.wall_ms).collect();
    Row {
        model,
        threads: way.threads,
        beams: way.listening.beams,
        context: if way.listening.audio_context == AudioContext::Full { "full" } else { "fitted" },
        flash: way.listening.flash_attention,
        rounds: results.len(),
        cost: Cost { cpu_ms: median(&cpus), wall_ms: median(&walls) },
        least_cpu_ms: cpus.iter().copied().fold(f64::INFINITY, f64::min),
        right: results.first().and_then(|(_, right)| *right),
    }
}

fn print(json: bool, row: &Row) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(row)?);
        return Ok(());
    }
    let Row { threads, beams, context, flash, cost, least_cpu_ms, right, .. } = row;
    let flash = if *flash { "on" } else { "off" };
    let Cost { cpu_ms, wall_ms } = cost;
    let right = right.map_or(String::new(), |right| {
        format!(" {:.1} % | {:.0} ms | {:.0} ms |", right.word_errors, right.onset_median_ms, right.onset_95_ms)
    });
    println!("| {threads} | {beams} | {context} | {flash} | {cpu_ms:.1} | {least_cpu_ms:.1} | {wall_ms:.1} |{right}");
    Ok(())
}

/// The corpus: each voice says some sentences, once in a quiet room and once in noise 20 dB below it.
fn clips() -> Vec<Clip> {
    let mut dice = Dice::new(5);
    let mut clips = Vec::new();
    for (v, voice) in corpus::VOICES.iter().enumerate() {
        let picks = (0..SENTENCES_EACH).map(|k| 5 * v + 3 * k);
        let take = corpus::take(voice, picks, (0.1, 0.6), &mut dice);
        let noise = room(take.seconds() + 0.01, &mut dice);
        for pcm in [take.pcm.clone(), mixed(&take.pcm, &noise, 20.0)] {
            clips.push(Clip { speech: speech_spans(&pcm), pcm, said: take.said.clone() });
        }
    }
    clips
}

fn seconds(pcm: &[f32]) -> f64 {
    pcm.len() as f64 / f64::from(SAMPLE_RATE)
}

/// What finding the speech takes beside all that follows.
fn spent_besides(clips: &[Clip], seconds: f64) -> Result<()> {
    let (_, cost) = spent(seconds, || Ok(clips.iter().map(|clip| speech_spans(&clip.pcm).len()).sum::<usize>()))?;
    println!("Finding where somebody speaks: {:.1} CPU ms for each second of sound.\n", cost.cpu_ms);
    Ok(())
}

/// The starter hears all clips.
fn hear(model: &ModelFile, way: Way, clips: &[Clip], seconds: f64) -> Result<(Cost, Option<Right>)> {
    let mut recogniser = Recogniser::listening(model, way.threads, way.listening)?;
    let (heard, cost) = spent(seconds, || {
        let hear = |clip: &Clip| recogniser.transcribe("a", &clip.pcm, &clip.speech, "en", &Cancel::new(), &mut |_| {});
        Ok(clips.iter().map(hear).collect::<Result<Vec<_>, _>>()?)
    })?;
    let (mut wrong, mut said, mut off) = (0, 0, Vec::new());
    for (clip, transcript) in clips.iter().zip(&heard) {
        let pairs = corpus::matched(&clip.said, &transcript.words);
        wrong += errors(&pairs, clip.said.len(), transcript.words.len());
        said += clip.said.len();
        off.extend(pairs.iter().map(|&(i, j)| transcript.words[j].span.start.seconds() - clip.said[i].start));
    }
    let right = Right {
        word_errors: 100.0 * wrong as f64 / said as f64,
        onset_median_ms: 1000.0 * corpus::quantile(&off, 0.5),
        onset_95_ms: 1000.0 * corpus::quantile(&off, 0.95),
    };
    Ok((cost, Some(right)))
}

/// Words that were changed, left out or added: between two right words, as many as the longer side has.
fn errors(pairs: &[(usize, usize)], said: usize, heard: usize) -> usize {
    let ends = pairs.iter().copied().chain([(said, heard)]);
    let mut from = (0, 0);
    let mut wrong = 0;
    for (i, j) in ends {
        wrong += (i - from.0).max(j - from.1);
        from = (i + 1, j + 1);
    }
    wrong
}

fn tokens(seconds: f64) -> i32 {
    (seconds * TOKENS_A_SECOND).round() as i32
}

/// The model in base.en's shape, made once.
fn base(starter: &ModelFile) -> Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("random-base.en.bin");
    if !file.is_file() {
        let part = folder.join("random-base.en.part");
        weights::write(&part, &starter.path)?;
        std::fs::rename(&part, &file)?;
    }
    Ok(file)
}

/// The model in base.en's shape hears one stretch: one pass of the encoder, and so many tokens.
fn decode(file: &PathBuf, way: Way, length: f64) -> Result<Cost> {
    let Listening { beams, audio_context, flash_attention } = way.listening;
    let mut loading = WhisperContextParameters::new();
    loading.flash_attn(flash_attention);
    whisper_rs::install_logging_hooks();
    let context = WhisperContext::new_with_params(file, loading).context("the random model cannot be loaded")?;
    let mut state = context.create_state()?;
    let mut dice = Dice::new(7);
    let pcm = room(length as f32, &mut dice);
    let mut p = FullParams::new(match beams {
        0 | 1 => SamplingStrategy::Greedy { best_of: 1 },
        beams => SamplingStrategy::BeamSearch { beam_size: beams.into(), patience: -1.0 },
    });
    p.set_n_threads(way.threads as i32);
    p.set_audio_ctx(audio_context.positions(pcm.len()) as i32);
    p.set_language(Some("en"));
    p.set_no_context(true);
    p.set_single_segment(true);
    // Random time tokens would end the text anywhere, and unlikely text would be tried again.
    p.set_no_timestamps(true);
    p.set_temperature_inc(0.0);
    p.set_max_tokens(tokens(length));
    p.set_print_progress(false);
    let (found, cost) = spent(length, || {
        state.full(p, &pcm)?;
        Ok(state.as_iter().map(|segment| segment.n_tokens()).sum::<i32>())
    })?;
    // It may hit the end-of-text token by chance; then the figure would be too low.
    anyhow::ensure!((found - tokens(length)).abs() <= 1, "{found} tokens instead of {}", tokens(length));
    Ok(cost)
}

/// Runs something; what it took for each second of the sound.
fn spent<T>(seconds: f64, run: impl FnOnce() -> Result<T>) -> Result<(T, Cost)> {
    let (cpu, began) = (processor_time()?, Instant::now());
    let result = run()?;
    let wall_ms = 1000.0 * began.elapsed().as_secs_f64() / seconds;
    Ok((result, Cost { cpu_ms: 1000.0 * (processor_time()? - cpu) / seconds, wall_ms }))
}

/// User and system time of this process and all its threads, in seconds.
fn processor_time() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The program's name stands in brackets and may hold anything; the fields after it are numbers (proc(5)).
    let (_, numbers) = stat.rsplit_once(')').context("/proc/self/stat is of another kind")?;
    let numbers: Vec<&str> = numbers.split_whitespace().collect();
    let ticks = |at: usize| numbers.get(at).and_then(|n| n.parse::<f64>().ok()).context("/proc/self/stat is short");
    Ok((ticks(11)? + ticks(12)?) / TICKS_A_SECOND)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}
