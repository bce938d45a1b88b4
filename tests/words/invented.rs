//! Where nobody speaks, no word is written.

use super::sounds::{Dice, at_level, babble, breath, clicks, fan, hum, music, room, samples};
use super::{all, hear, recogniser};
use housecall::speech::speech_spans;

type Maker = fn(f32, &mut Dice) -> Vec<f32>;

const KINDS: [(&str, Maker); 8] = [
    ("silence", |seconds, _| vec![0.0; samples(seconds)]),
    ("room", room),
    ("breathing", breath),
    ("hum", hum),
    ("fan", fan),
    ("clicks", clicks),
    ("music", music),
    ("babble", babble),
];

#[test]
fn no_words_are_invented_where_nobody_speaks() {
    let mut recogniser = recogniser();
    // Clips of half a minute, each at a level of its own.
    let rounds = if all() { 15 } else { 1 };
    let seconds = if all() { 30.0 } else { 38.0 };
    let mut invented = 0;
    for (kind, make) in KINDS {
        let (mut heard, mut detected) = (Vec::new(), 0.0);
        for round in 0..rounds {
            let mut dice = Dice::new(round + 1);
            let pcm = at_level(make(seconds, &mut dice), dice.between(-50.0, -15.0));
            detected += speech_spans(&pcm).iter().map(|s| s.duration().seconds()).sum::<f64>();
            heard.extend(hear(&mut recogniser, &pcm));
        }
        let minutes = seconds * rounds as f32 / 60.0;
        println!("{kind:10} {minutes:4.1} min, taken for a voice {detected:5.1} s, words invented {}", heard.len());
        for word in &heard {
            println!("    {} ({:.2}) at {}", word.text, word.confidence, word.span.start);
        }
        assert_eq!(heard.len(), 0, "words in {kind}");
        invented += heard.len();
    }
    println!("{invented} words invented in all");
}
