//! Captions come when the words are said.

use super::corpus::{VOICES, matched, quantile, take};
use super::sounds::{Dice, at_level, mixed, music, room};
use super::voices::{Said, Take};
use super::{all, hear, recogniser};
use housecall::captions::{sidecar_cues, style, style_names};
use housecall::speech::{Recogniser, Word};
use std::collections::BTreeMap;
use std::time::Instant;

/// How much earlier than its first sound a cue may come, in seconds ...
const EARLIEST: f64 = 0.08;
/// ... and how much later it comes before the test tells of it.
const LATEST: f64 = 0.2;

/// How far off the onsets of one kind of sound are, in seconds; early is negative.
#[derive(Default)]
struct Score {
    /// Words that were said, and that were written rightly.
    said: usize,
    right: usize,
    /// Of the words written rightly.
    off: Vec<f64>,
    /// Of those in sentences that were written rightly from the first word to the last.
    whole: Vec<f64>,
    /// Of the cues that begin with a word written rightly: their in-times.
    cues: Vec<f64>,
}

impl Score {
    fn add(&mut self, said: &[Said], heard: &[Word]) {
        let pairs = matched(said, heard);
        self.said += said.len();
        self.right += pairs.len();
        let off = |&(i, j): &(usize, usize)| heard[j].span.start.seconds() - said[i].start;
        self.off.extend(pairs.iter().map(off));
        let style = style(style_names()[0]).unwrap();
        for cue in sidecar_cues(heard, None, &style) {
            let first = pairs.iter().find(|(_, j)| heard[*j].span.start == cue.lines[0][0].span.start);
            let off = first.map(|(i, _)| cue.span.start.seconds() - said[*i].start);
            if off.is_some_and(|off| !(-EARLIEST..=LATEST).contains(&off)) {
                println!("    a cue is off by {:.3} s: {}", off.unwrap_or_default(), cue.text().join(" "));
            }
            self.cues.extend(off);
        }
        for sentence in sentences(said) {
            let inside: Vec<_> = pairs.iter().filter(|(i, _)| sentence.contains(i)).collect();
            if inside.len() == sentence.len() && inside.windows(2).all(|p| p[1].1 == p[0].1 + 1) {
                self.whole.extend(inside.into_iter().map(off));
            }
        }
    }

    fn join(&mut self, other: &Score) {
        self.said += other.said;
        self.right += other.right;
        self.off.extend(&other.off);
        self.whole.extend(&other.whole);
        self.cues.extend(&other.cues);
    }

    fn print(&self, name: &str) {
        let row = |off: &[f64]| {
            let [middle, most, worst] = [0.5, 0.95, 1.0].map(|share| 1000.0 * quantile(off, share));
            let (early, late) = (off.iter().copied().fold(0.0, f64::min), off.iter().copied().fold(0.0, f64::max));
            format!(
                "{:4}: median {middle:3.0} ms, 95% {most:4.0}, worst {worst:4.0} (early {:5.0}, late {:4.0}, middle {:3.0})",
                off.len(),
                1000.0 * early,
                1000.0 * late,
                1000.0 * middle_of(off),
            )
        };
        println!("{name:16} {:4} of {:4} written rightly", self.right, self.said);
        println!("    all of them           {}", row(&self.off));
        println!("    in whole sentences    {}", row(&self.whole));
        println!("    in-times of cues      {}", row(&self.cues));
    }
}

fn middle_of(off: &[f64]) -> f64 {
    let mut off = off.to_vec();
    off.sort_by(f64::total_cmp);
    off.get(off.len() / 2).copied().unwrap_or(0.0)
}

/// The sentences of what was said, as ranges of words.
fn sentences(said: &[Said]) -> Vec<std::ops::Range<usize>> {
    let ends = (0..said.len()).filter(|&i| said[i].ends).map(|i| i + 1);
    ends.scan(0, |from, end| Some(std::mem::replace(from, end)..end)).collect()
}

/// One clip heard in one condition.
fn under(condition: &str, take: &Take, dice: &mut Dice) -> Vec<f32> {
    let seconds = take.seconds() + 0.01;
    match condition {
        "noise at 20 dB" => mixed(&take.pcm, &room(seconds, dice), 20.0),
        "noise at 10 dB" => mixed(&take.pcm, &room(seconds, dice), 10.0),
        "music at 20 dB" => mixed(&take.pcm, &music(seconds, dice), 20.0),
        "at -20 dBFS" => at_level(take.pcm.clone(), -20.0),
        "at -40 dBFS" => at_level(take.pcm.clone(), -40.0),
        "pauses" => mixed(&take.pcm, &room(seconds, dice), 40.0),
        _ => take.pcm.clone(),
    }
}

const CONDITIONS: [&str; 7] =
    ["clean", "noise at 20 dB", "noise at 10 dB", "music at 20 dB", "at -20 dBFS", "at -40 dBFS", "pauses"];

fn add(scores: &mut BTreeMap<String, Score>, name: &str, recogniser: &mut Recogniser, take: &Take, pcm: &[f32]) {
    let heard = hear(recogniser, pcm);
    assert!(heard.windows(2).all(|w| w[0].span.end <= w[1].span.start), "{name}: words overlap");
    assert!(heard.iter().all(|w| w.span.end > w.span.start), "{name}: a word lasts no time");
    scores.entry(name.to_string()).or_default().add(&take.said, &heard);
}

#[test]
fn words_begin_when_they_are_said() {
    let mut recogniser = recogniser();
    let mut dice = Dice::new(1);
    let mut scores = BTreeMap::new();
    for (c, condition) in CONDITIONS.iter().enumerate() {
        for (v, voice) in VOICES.iter().enumerate() {
            // The short form hears each condition from one voice, and each voice in some of them.
            if !all() && v != c % 4 && c > 0 {
                continue;
            }
            for round in 0..if all() { 3 } else { 1 } {
                let first = 20 + 5 * v + 3 * c + 11 * round;
                let pause = if *condition == "pauses" { (1.0, 8.0) } else { (0.0, 0.3) };
                let take = take(voice, (0..3).map(|k| 20 + (first + 7 * k) % 20), pause, &mut dice);
                let pcm = under(condition, &take, &mut dice);
                add(&mut scores, condition, &mut recogniser, &take, &pcm);
            }
        }
    }
    let mut total = Score::default();
    for condition in CONDITIONS {
        scores[condition].print(condition);
        // In loud noise the starter hears too few words rightly to judge their times.
        if condition != "noise at 10 dB" {
            total.join(&scores[condition]);
        }
    }
    total.print("all but 10 dB");
    assert!(total.right * 10 >= total.said * 8, "{} of {} words", total.right, total.said);
    let [middle, most, worst] = [0.5, 0.95, 1.0].map(|share| quantile(&total.whole, share));
    assert!(middle <= 0.06 && most <= 0.15, "onsets off by {middle} s, {most} s");
    assert!(worst <= if all() { 1.5 } else { 0.4 }, "an onset is off by {worst} s");
    let early = total.cues.iter().filter(|off| **off < -EARLIEST).count();
    println!("{early} of {} cues come more than {EARLIEST} s before their first sound", total.cues.len());
    assert!(early * 50 <= if all() { total.cues.len() } else { 0 }, "{early} cues come early");
}

#[test]
fn a_long_clip_is_as_good_at_its_end_as_at_its_start() {
    if !all() {
        println!("three minutes are heard in the long form");
        return;
    }
    let mut dice = Dice::new(3);
    let take = take("slt", 0..64, (0.1, 0.9), &mut dice);
    let began = Instant::now();
    let heard = hear(&mut recogniser(), &take.pcm);
    println!("{:.0} s of sound in {:.1} s", take.seconds(), began.elapsed().as_secs_f64());
    let pairs = matched(&take.said, &heard);
    let off = |from: f64, to: f64| -> Vec<f64> {
        let inside = pairs.iter().filter(|(i, _)| (from..to).contains(&take.said[*i].start));
        inside.map(|&(i, j)| heard[j].span.start.seconds() - take.said[i].start).collect()
    };
    let seconds = f64::from(take.seconds());
    assert!(seconds >= 170.0, "{seconds} s");
    let (start, end) = (off(0.0, 60.0), off(seconds - 60.0, seconds));
    for (name, off) in [("first minute", &start), ("last minute", &end)] {
        let [middle, most, worst] = [0.5, 0.95, 1.0].map(|share| 1000.0 * quantile(off, share));
        println!("{name}: {} words, median {middle:.0} ms, 95% {most:.0}, worst {worst:.0}", off.len());
        assert!(middle <= 60.0 && most <= 150.0, "{name}: {middle} ms, {most} ms");
    }
}
