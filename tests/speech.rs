//! Synthetic voices through the whole of `speech`: what is heard is what was said, when it was said.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use housecall::fault::Cancel;
use housecall::speech::{Located, Recogniser, SAMPLE_RATE, Transcript, find, speech_spans};
use housecall::units::{Span, Time};
use std::process::Command;

/// Voice, text: sentences of the starter model's kind.
const CLIPS: [(&str, &str); 5] = [
    ("slt", "Hello and welcome back. Today we are talking about a cold sore. Keep your lips clean and dry."),
    ("slt", "That is a great question. The short answer is yes. Follow us for more answers."),
    ("rms", "How long does a fever last? If it does not get better in nine days, see your dentist."),
    ("slt", "Is a steroid safe for children? Ask your dentist if an antihistamine is right for you."),
    ("awb", "It is not caused by oily skin or hay fever. Come and see us if you have questions."),
];

/// What a voice said: the sound, and when each phoneme but silence was spoken.
struct Spoken {
    pcm: Vec<f32>,
    phonemes: Vec<Span>,
}

fn speak(voice: &str, text: &str) -> Spoken {
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("a.wav");
    let said = Command::new("flite").args(["-voice", voice, "-psdur", "-t", text, "-o"]).arg(&wav).output().unwrap();
    assert!(said.status.success(), "flite: {}", String::from_utf8_lossy(&said.stderr));
    let bytes = std::fs::read(&wav).unwrap();
    // flite writes the plain 44-byte header and 16-bit samples.
    assert_eq!(u32::from_le_bytes(bytes[24..28].try_into().unwrap()), SAMPLE_RATE);
    let sample = |b: &[u8]| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0;
    let pcm = bytes[44..].chunks_exact(2).map(sample).collect();
    let mut phonemes = Vec::new();
    let mut start = Time::ZERO;
    for pair in String::from_utf8(said.stdout).unwrap().split_whitespace() {
        let (name, end) = pair.split_once(':').unwrap();
        let end = Time::from_seconds(end.parse().unwrap());
        if name != "pau" {
            phonemes.push(Span::new(start, end));
        }
        start = end;
    }
    Spoken { pcm, phonemes }
}

fn recogniser() -> Recogniser {
    let Located::Present(model) = find(Some("starter"), "en", &[]).unwrap() else { panic!("no starter model") };
    Recogniser::new(&model, 2).unwrap()
}

fn hear(recogniser: &mut Recogniser, pcm: &[f32]) -> Transcript {
    let mut share = 0.0;
    let mut progress = |now: f64| {
        assert!((share..=1.0).contains(&now), "progress goes from {share} to {now}");
        share = now;
    };
    let spans = speech_spans(pcm);
    recogniser.transcribe("a.mov", pcm, &spans, "en", &Cancel::new(), &mut progress).unwrap()
}

fn plain(text: &str) -> Vec<String> {
    let keep = |c: &char| c.is_alphanumeric() || c.is_whitespace() || *c == '\'';
    text.to_lowercase().chars().filter(keep).collect::<String>().split_whitespace().map(String::from).collect()
}

/// Edit distance in words.
fn errors(said: &[String], heard: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, a) in said.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in heard.iter().enumerate() {
            let cost = if a == b { diagonal } else { 1 + diagonal.min(row[j]).min(row[j + 1]) };
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[heard.len()]
}

fn at_level(pcm: &[f32], dbfs: f32, noise_db_below: Option<f32>) -> Vec<f32> {
    let rms = (pcm.iter().map(|x| x * x).sum::<f32>() / pcm.len() as f32).sqrt();
    let level = 10f32.powf(dbfs / 20.0);
    let noise = noise_db_below.map_or(0.0, |db| level * 10f32.powf(-db / 20.0) * 3f32.sqrt());
    let mut state = 88_172_645_463_325_252u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    pcm.iter().map(|x| (x * level / rms + noise * random()).clamp(-1.0, 1.0)).collect()
}

#[test]
fn what_is_heard_is_what_was_said_when_it_was_said() {
    let mut recogniser = recogniser();
    let (mut wrong, mut total) = (0, 0);
    for (voice, text) in CLIPS {
        let spoken = speak(voice, text);
        let transcript = hear(&mut recogniser, &spoken.pcm);
        let (said, heard) = (plain(text), transcript.words.iter().flat_map(|w| plain(&w.text)).collect::<Vec<_>>());
        println!("{voice}: {}", heard.join(" "));
        if std::env::var("DUMP").is_ok() {
            for w in &transcript.words {
                println!("   {} {:.2}-{:.2} {:.2}", w.text, w.span.start.seconds(), w.span.end.seconds(), w.confidence);
            }
            for p in &spoken.phonemes {
                print!("{:.2}-{:.2} ", p.start.seconds(), p.end.seconds());
            }
            println!();
            for p in speech_spans(&spoken.pcm) {
                print!("{:.2}-{:.2} ", p.start.seconds(), p.end.seconds());
            }
            println!();
        }
        wrong += errors(&said, &heard);
        total += said.len();
        for word in &transcript.words {
            let inside: i64 = spoken.phonemes.iter().map(|p| overlap(*p, word.span)).sum();
            let share = inside as f64 / word.span.duration().0 as f64;
            println!("{:>12} {:?} {share:.2}", word.text, word.span.start.seconds());
        }
    }
    println!("WER {:.3}", wrong as f64 / total as f64);
}

fn overlap(a: Span, b: Span) -> i64 {
    (a.end.min(b.end) - a.start.max(b.start)).0.max(0)
}

#[test]
fn speech_is_found_at_any_level() {
    for voice in ["slt", "rms"] {
        let text = "Wash your face twice a day. The short answer is yes. This video is for education only.";
        let mut spoken = speak(voice, text);
        // a second of silence in front and behind
        let second = Time::from_seconds(1.0);
        spoken.pcm.splice(0..0, vec![0.0; 16_000]);
        spoken.pcm.extend(vec![0.0; 16_000]);
        let phonemes: Vec<Span> = spoken.phonemes.iter().map(|p| p.shifted(second)).collect();
        for (db, noise) in
            [(-20.0, None), (-40.0, None), (-50.0, None), (-20.0, Some(20.0)), (-40.0, Some(20.0)), (-30.0, Some(10.0))]
        {
            let spans = speech_spans(&at_level(&spoken.pcm, db, noise));
            let spoken_time: i64 = phonemes.iter().map(|p| p.duration().0).sum();
            let found: i64 = phonemes.iter().flat_map(|p| spans.iter().map(move |s| overlap(*p, *s))).sum();
            let all: i64 = spans.iter().map(|s| s.duration().0).sum();
            println!(
                "{voice} {db} {noise:?}: found {:.3}, false {:.3} s, {}",
                found as f64 / spoken_time as f64,
                (all - found) as f64 / 1e6,
                spans.len()
            );
        }
    }
}
