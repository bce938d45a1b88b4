//! Synthetic voices through the whole of `speech`: what is heard is what was said, when it was said.

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
    Recogniser::new(&model, 1).unwrap()
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

fn overlap(a: Span, b: Span) -> i64 {
    (a.end.min(b.end) - a.start.max(b.start)).0.max(0)
}

/// When each word of `text` truly begins: said one by one, the words tell how many phonemes each has.
fn onsets(voice: &str, text: &str, spoken: &Spoken) -> Vec<Time> {
    let mut at = 0;
    let mut begins = Vec::new();
    for word in text.split(' ') {
        let alone = speak(voice, &format!("{}.", word.trim_end_matches(['.', ',', '?'])));
        begins.push(spoken.phonemes[at].start);
        at += alone.phonemes.len();
    }
    assert_eq!(at, spoken.phonemes.len(), "{voice} says \"{text}\" with other phonemes than its words alone");
    begins
}

#[test]
fn what_is_heard_is_what_was_said_when_it_was_said() {
    let mut recogniser = recogniser();
    let (mut wrong, mut total) = (0, 0);
    let mut late: Vec<f64> = Vec::new();
    for (voice, text) in CLIPS {
        let spoken = speak(voice, text);
        let transcript = hear(&mut recogniser, &spoken.pcm);
        let (said, heard) = (plain(text), transcript.words.iter().flat_map(|w| plain(&w.text)).collect::<Vec<_>>());
        println!("{voice}: {}", heard.join(" "));
        wrong += errors(&said, &heard);
        total += said.len();
        if said == heard {
            let begins = onsets(voice, text, &spoken);
            late.extend(transcript.words.iter().zip(begins).map(|(w, t)| (w.span.start - t).seconds().abs()));
        }
        assert!(transcript.words.windows(2).all(|w| w[0].span.end <= w[1].span.start));
        assert!(transcript.words.iter().all(|w| (0.0..=1.0).contains(&w.confidence)));
    }
    let rate = wrong as f64 / total as f64;
    late.sort_by(f64::total_cmp);
    let (mean, worst) = (late.iter().sum::<f64>() / late.len() as f64, late[late.len() - 1]);
    println!("word error rate {rate:.3} of {total} words; onsets off by {mean:.3} s on average, {worst:.3} s at worst");
    assert!(rate <= 0.10, "word error rate {rate}");
    assert!(late.len() * 2 > total && mean <= 0.04 && worst <= 0.4, "onsets off by {mean} s, {worst} s at worst");
}

#[test]
fn a_long_pause_stays_empty_and_times_after_it_are_right() {
    let (first, second) = (speak("slt", "The short answer is yes."), speak("slt", "Keep your lips clean and dry."));
    let pause = 3 * SAMPLE_RATE as usize;
    let pcm = [first.pcm.as_slice(), &vec![0.0; pause], &second.pcm].concat();
    let transcript = hear(&mut recogniser(), &pcm);
    let texts: Vec<&str> = transcript.words.iter().map(|w| w.text.as_str()).collect();
    assert_eq!(texts.join(" "), "The short answer is yes. Keep your lips clean and dry.");
    let after = Time::of_samples((first.pcm.len() + pause) as u64, SAMPLE_RATE);
    let (yes, keep) = (transcript.words[4].span, transcript.words[5].span);
    assert!(yes.end <= Time::of_samples(first.pcm.len() as u64, SAMPLE_RATE), "\"yes\" ends at {}", yes.end);
    let begins = second.phonemes[0].start + after;
    assert!((keep.start - begins).seconds().abs() < 0.08, "\"Keep\" begins at {}, not {begins}", keep.start);
}

#[test]
fn silence_and_noise_give_an_empty_transcript() {
    let mut recogniser = recogniser();
    let silence = vec![0.0; 5 * SAMPLE_RATE as usize];
    let click: Vec<f32> = (0..silence.len()).map(|i| if i == 40_000 { 0.5 } else { 0.0 }).collect();
    for (name, pcm) in [("silence", silence), ("noise", at_level(&click, -30.0, Some(0.0)))] {
        assert_eq!(hear(&mut recogniser, &pcm).words, [], "{name}");
    }
}

#[test]
fn speech_is_found_at_any_level_and_silence_is_not() {
    let second = Time::from_seconds(1.0);
    for voice in ["slt", "rms"] {
        let spoken = speak(voice, "Wash your face twice a day. The short answer is yes. Follow us for more answers.");
        let quiet = vec![0.0; second.samples(SAMPLE_RATE)];
        let pcm = [quiet.as_slice(), &spoken.pcm, &quiet].concat();
        let truth: Vec<Span> = spoken.phonemes.iter().map(|p| p.shifted(second)).collect();
        let all: i64 = truth.iter().map(|p| p.duration().0).sum();
        for (level, noise) in [(-20.0, None), (-40.0, None), (-55.0, None), (-20.0, Some(20.0)), (-40.0, Some(20.0))] {
            let spans = speech_spans(&at_level(&pcm, level, noise));
            let found: i64 = truth.iter().flat_map(|p| spans.iter().map(|s| overlap(*p, *s))).sum();
            let reported: i64 = spans.iter().map(|s| s.duration().0).sum();
            let (share, extra) = (found as f64 / all as f64, (reported - found) as f64 / 1e6);
            println!("{voice} at {level} dBFS, noise {noise:?} dB below: {share:.3} found, {extra:.2} s too much");
            // Of 2 s of silence and the pauses between sentences.
            assert!(share >= 0.93 && extra <= 0.8, "{voice} at {level} dBFS, noise {noise:?}: {share}, {extra} s");
        }
    }
}
