//! Lays words along the sound: when each begins and ends. Pure.
//!
//! Whisper knows the words well and their times roughly. Here the sounds of the words, guessed from their letters, are
//! laid along the bands of the sound all at once, so that each lies where the sound is of its kind: hiss where it hisses,
//! a closure where it is all but silent. Between words there may be a pause, or speech that Whisper left out.

use super::bands::{BANDS, Frame, HOP};
use super::phones::{Kind, phones};
use super::{SAMPLE_RATE, Word};
use crate::units::{Span, Time};

/// How each kind of sound is: its level in each band against the loud parts of the voice (dB), how far it strays from
/// that (dB), and how long it usually lasts (frames). Found on two synthetic voices by laying words along them again and
/// again, and rounded; half or double of any weight below changes little.
struct Usual {
    levels: Frame,
    strays: f32,
    lasts: f32,
}

const fn usual(kind: Kind) -> Usual {
    match kind {
        Kind::Vowel => Usual { levels: [-3.0, -15.0, -26.0, -32.0], strays: 5.0, lasts: 9.0 },
        Kind::Sonorant => Usual { levels: [-3.0, -22.0, -38.0, -41.0], strays: 6.0, lasts: 6.0 },
        Kind::Hiss => Usual { levels: [-38.0, -45.0, -29.0, -16.0], strays: 12.0, lasts: 9.0 },
        Kind::Breath => Usual { levels: [-30.0, -41.0, -37.0, -33.0], strays: 11.0, lasts: 6.0 },
        Kind::Closure => Usual { levels: [-23.0, -45.0, -50.0, -47.0], strays: 12.0, lasts: 3.5 },
        Kind::Burst => Usual { levels: [-30.0, -38.0, -32.0, -30.0], strays: 8.0, lasts: 3.0 },
    }
}

const KINDS: [Kind; 6] = [Kind::Vowel, Kind::Sonorant, Kind::Hiss, Kind::Breath, Kind::Closure, Kind::Burst];
/// How far a pause strays from the noise of the room, in dB.
const PAUSE_STRAYS: f32 = 5.0;
/// The quietest level that is looked at, in dB against the voice. Below is what no microphone hears.
const QUIETEST: f32 = -60.0;
/// What a deviation costs at most, in squared strays: a click must not outweigh a word.
const ODDEST: f32 = 16.0;
/// Frames lie so close that each tells little that the one before did not: what one of them counts.
const FRAME_COUNTS: f32 = 0.3;
/// What it costs when a sound lasts e times longer or shorter than usual.
const ODD_LENGTH: f32 = 1.5;
/// What a frame of voice costs where no voice was detected.
const UNDETECTED: f32 = 0.5;
/// What it costs to begin a pause, so that a closure inside a phrase is none.
const PAUSE: f32 = 3.0;
/// What a frame of speech without words costs. Whisper seldom leaves something out.
const WORDLESS: f32 = 0.7;
/// What a second between a word and its rough time costs ...
const FAR: f32 = 1.0;
/// ... and how far from it the word is looked for: the starter is sometimes that far off where music goes on in a pause.
const REACH: Time = Time::from_millis(3000);
/// The longest sound, in frames.
const LONGEST: usize = 40;
/// The cost of what cannot be.
const NEVER: f32 = f32::INFINITY;

/// The words with times laid along the sound. `frames` are those of the whole clip; `words` come with rough times, in
/// order; `speech` says where somebody speaks. Where the words have no room, they stay as they are.
pub(super) fn align(mut words: Vec<Word>, frames: &[Frame], speech: &[Span]) -> Vec<Word> {
    if let Some(spans) = Course::new(frames, speech).and_then(|course| course.lay(&words)) {
        for (word, span) in words.iter_mut().zip(spans) {
            word.span = span;
        }
    }
    words
}

fn frame_at(time: Time) -> usize {
    (time.samples(SAMPLE_RATE) + HOP / 2) / HOP
}

fn time_of(frame: usize) -> Time {
    Time::of_samples((frame * HOP) as u64, SAMPLE_RATE)
}

/// What the frames of a clip would cost as each kind of sound.
struct Course {
    /// For each frame, the cost of all frames before it as each kind.
    sums: Vec<[f32; KINDS.len()]>,
    /// The cost of each frame as no word: a pause, or speech that was left out.
    wordless: Vec<f32>,
}

/// One sound of one word.
struct Step {
    word: usize,
    opens: bool,
    kind: Kind,
    lasts: f32,
    /// Frames at which it may begin and end: from, to (both included).
    from: usize,
    to: usize,
}

/// How a step is best ended at each of its frames.
struct Walked {
    /// Frames that it then lasted.
    lasted: Vec<u8>,
    /// Where the step before ended, by the frame at which this one begins, if it opens a word.
    left: Vec<u32>,
}

impl Course {
    /// `None` without sound or speech.
    fn new(frames: &[Frame], speech: &[Span]) -> Option<Self> {
        let mut spoken = vec![false; frames.len()];
        for span in speech {
            let end = frame_at(span.end).min(frames.len());
            spoken[frame_at(span.start).min(end)..end].fill(true);
        }
        let level = |f: &Frame| 10.0 * f.iter().map(|x| 10f32.powf(x / 10.0)).sum::<f32>().log10();
        let voice = frames.iter().zip(&spoken).filter(|(_, spoken)| **spoken).map(|(f, _)| level(f)).collect();
        let loud = percentile(voice, 0.9)?;
        let mut room = [0.0; BANDS];
        for (band, floor) in room.iter_mut().enumerate() {
            // The quiet tenth lies a little under the mean of the noise.
            *floor = (percentile(frames.iter().map(|f| f[band]).collect(), 0.1)? - loud + 1.0).max(QUIETEST);
        }
        // In noise, a sound is as loud as both together.
        let both = |a: f32, b: f32| 10.0 * (10f32.powf(a / 10.0) + 10f32.powf(b / 10.0)).log10();
        let kinds = KINDS.map(usual).map(|u| (std::array::from_fn(|b| both(u.levels[b], room[b])), u.strays));
        let mut course = Course { sums: vec![[0.0; KINDS.len()]], wordless: Vec::new() };
        let mut sum = [0.0; KINDS.len()];
        for (frame, spoken) in frames.iter().zip(spoken) {
            let heard: Frame = std::array::from_fn(|b| (frame[b] - loud).max(room[b]));
            let pause = cost(&heard, &room, PAUSE_STRAYS);
            let costs = kinds.map(|(levels, strays)| cost(&heard, &levels, strays));
            let speech = costs.iter().copied().fold(NEVER, f32::min) + WORDLESS;
            // Counted from the pause, so that the sums stay small and exact.
            for (sum, cost) in sum.iter_mut().zip(costs) {
                *sum += cost - pause + if spoken { 0.0 } else { UNDETECTED };
            }
            course.sums.push(sum);
            course.wordless.push((speech - pause).min(0.0));
        }
        Some(course)
    }

    /// Where the words lie; nothing if they have no room.
    fn lay(&self, words: &[Word]) -> Option<Vec<Span>> {
        let steps = self.steps(words);
        let mut walked: Vec<Walked> = Vec::with_capacity(steps.len());
        let mut ended: Vec<f32> = Vec::new();
        for (i, step) in steps.iter().enumerate() {
            let (mut entered, left) = match i.checked_sub(1) {
                None => self.first(step),
                Some(before) => self.entered(step, &steps[before], &ended),
            };
            if step.opens {
                let rough = words[step.word].span.start;
                for (cost, frame) in entered.iter_mut().zip(step.from..) {
                    *cost += FAR * (time_of(frame) - rough).seconds().abs() as f32;
                }
            }
            let (costs, lasted) = self.walk(step, &entered);
            ended = costs;
            walked.push(Walked { lasted, left });
        }
        let last = steps.last()?;
        let mut after = 0.0;
        let mut best = (NEVER, last.to);
        for frame in (last.from..=last.to).rev() {
            let cost = ended[frame - last.from] + after;
            if cost < best.0 {
                best = (cost, frame);
            }
            after += frame.checked_sub(1).map_or(0.0, |f| self.wordless[f]);
        }
        (best.0 < NEVER).then(|| back(&steps, &walked, best.1, words.len()))
    }

    fn steps(&self, words: &[Word]) -> Vec<Step> {
        let end = self.wordless.len();
        let mut steps = Vec::new();
        for (word, w) in words.iter().enumerate() {
            let from = frame_at(w.span.start - REACH).min(end);
            let to = frame_at(w.span.end + REACH).clamp(from, end);
            for (i, (kind, longer)) in phones(&w.text).into_iter().enumerate() {
                steps.push(Step { word, opens: i == 0, kind, lasts: usual(kind).lasts * longer, from, to });
            }
        }
        steps
    }

    /// What it costs to begin the first step at each of its frames.
    fn first(&self, step: &Step) -> (Vec<f32>, Vec<u32>) {
        let mut sum = 0.0;
        let before = self.wordless[step.from..step.to].iter().map(|cost| {
            sum += cost;
            sum
        });
        (std::iter::once(0.0).chain(before).collect(), Vec::new())
    }

    /// What it costs to begin a step at each of its frames, after the step before, which ends at a cost of `ended`; and
    /// where that one then ended, if a pause may lie between.
    fn entered(&self, step: &Step, before: &Step, ended: &[f32]) -> (Vec<f32>, Vec<u32>) {
        let direct = |frame: usize| {
            let at = frame.checked_sub(before.from);
            at.and_then(|at| ended.get(at)).copied().unwrap_or(NEVER)
        };
        if !step.opens {
            return ((step.from..=step.to).map(direct).collect(), Vec::new());
        }
        let mut pause = (NEVER, 0);
        let (mut entered, mut left) = (Vec::new(), Vec::new());
        for frame in before.from.min(step.from)..=step.to {
            let direct = direct(frame);
            if direct + PAUSE < pause.0 {
                pause = (direct + PAUSE, frame);
            }
            if frame >= step.from {
                let (cost, from) = if direct <= pause.0 { (direct, frame) } else { pause };
                entered.push(cost);
                left.push(from as u32);
            }
            pause.0 += self.wordless.get(frame).copied().unwrap_or(0.0);
        }
        (entered, left)
    }

    /// What it costs at best to end a step at each of its frames, and how long it then lasted.
    fn walk(&self, step: &Step, entered: &[f32]) -> (Vec<f32>, Vec<u8>) {
        let kind = step.kind as usize;
        let odd: Vec<f32> =
            (1..=LONGEST).map(|frames| ODD_LENGTH * (frames as f32 / step.lasts).ln().powi(2)).collect();
        let begun: Vec<f32> = entered.iter().zip(&self.sums[step.from..]).map(|(c, sum)| c - sum[kind]).collect();
        let ended = |at: usize| {
            let (cost, lasted) = (1..=LONGEST.min(at))
                .map(|lasted| (begun[at - lasted] + odd[lasted - 1], lasted))
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .unwrap_or((NEVER, 0));
            (cost + self.sums[step.from + at][kind], lasted as u8)
        };
        (0..begun.len()).map(ended).unzip()
    }
}

/// Follows the best way back from where the last step ends.
fn back(steps: &[Step], walked: &[Walked], end: usize, words: usize) -> Vec<Span> {
    let mut spans = vec![Span::default(); words];
    let mut frame = end;
    let mut closes = true;
    for (step, walked) in steps.iter().zip(walked).rev() {
        if closes {
            spans[step.word].end = time_of(frame);
        }
        frame -= usize::from(walked.lasted[frame - step.from]);
        closes = step.opens;
        if step.opens {
            spans[step.word].start = time_of(frame);
            frame = walked.left.get(frame - step.from).map_or(frame, |&left| left as usize);
        }
    }
    spans
}

/// What it costs that a frame is as it is, where `levels` were to be expected.
fn cost(heard: &Frame, levels: &Frame, strays: f32) -> f32 {
    let odd = |(a, b): (&f32, &f32)| 0.5 * ((a - b) / strays).powi(2).min(ODDEST) + strays.ln();
    heard.iter().zip(levels).map(odd).sum::<f32>() * FRAME_COUNTS
}

fn percentile(mut values: Vec<f32>, share: f32) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    values.get((values.len().saturating_sub(1) as f32 * share) as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A sound that is as it usually is: how loud the voice is, in dB, and what it says for how many frames.
    fn sound(loud: f32, parts: &[(Option<Kind>, usize)]) -> Vec<Frame> {
        let part = |&(kind, frames): &(Option<Kind>, usize)| {
            let levels = kind.map_or([QUIETEST; BANDS], |kind| usual(kind).levels);
            vec![levels.map(|level| level + loud); frames]
        };
        parts.iter().flat_map(part).collect()
    }

    fn word(text: &str, start: i64, end: i64) -> Word {
        Word { text: text.into(), span: Span::new(Time::from_millis(start), Time::from_millis(end)), confidence: 1.0 }
    }

    fn times(words: &[Word]) -> Vec<(i64, i64)> {
        words.iter().map(|w| (w.span.start.millis(), w.span.end.millis())).collect()
    }

    /// "Say ... me": a hiss and a vowel, a pause, a murmur and a vowel.
    const SAY_ME: [(Option<Kind>, usize); 7] = [
        (None, 50),
        (Some(Kind::Hiss), 10),
        (Some(Kind::Vowel), 14),
        (None, 60),
        (Some(Kind::Sonorant), 8),
        (Some(Kind::Vowel), 12),
        (None, 50),
    ];

    #[test]
    fn words_lie_where_the_sound_is_of_their_kind() {
        let speech = [Span::new(Time::from_millis(400), Time::from_millis(1600))];
        for loud in [-20.0, -45.0] {
            let frames = sound(loud, &SAY_ME);
            for rough in [[word("say", 500, 740), word("me", 1340, 1540)], [word("say", 0, 60), word("me", 60, 120)]] {
                let laid = times(&align(rough.to_vec(), &frames, &speech));
                for (found, true_time) in laid.iter().flat_map(|w| [w.0, w.1]).zip([500, 740, 1340, 1540]) {
                    assert!((found - true_time).abs() <= 20, "at {loud} dB: {laid:?}");
                }
            }
        }
    }

    #[test]
    fn a_word_waits_for_its_sound_after_a_pause() {
        // The detector lets go late and hears the voice early: only the sound says where the pause is.
        let frames = sound(-20.0, &SAY_ME);
        let speech = [Span::new(Time::ZERO, Time::from_millis(2000))];
        let laid = times(&align(vec![word("say", 400, 900), word("me", 900, 1500)], &frames, &speech));
        assert!((1320..=1360).contains(&laid[1].0), "{laid:?}");
        assert!((720..=760).contains(&laid[0].1), "{laid:?}");
    }

    #[test]
    fn without_sound_speech_or_room_words_stay_as_they_are() {
        let words = vec![word("say", 100, 200), word("me", 200, 300)];
        let all = [Span::new(Time::ZERO, Time::from_millis(2000))];
        assert_eq!(align(words.clone(), &[], &all), words);
        assert_eq!(align(words.clone(), &sound(-20.0, &SAY_ME), &[]), words);
        assert_eq!(align(words.clone(), &sound(-20.0, &[(Some(Kind::Vowel), 3)]), &all), words);
        assert_eq!(align(Vec::new(), &sound(-20.0, &SAY_ME), &all), []);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn words_keep_their_order_and_their_length_and_stay_near(
            frames in proptest::collection::vec(proptest::array::uniform4(-120f32..0.0), 60..300),
            texts in proptest::collection::vec((0usize..6, 0i64..400), 1..7),
        ) {
            let mut at = 0;
            let words: Vec<Word> = texts.iter().map(|&(text, pause)| {
                let start = at + pause;
                at = start + 200;
                word(["a", "face", "stretch", "20", "皮膚", "%"][text], start, at)
            }).collect();
            let clip_end = Time::of_samples((frames.len() * HOP) as u64, SAMPLE_RATE);
            let laid = align(words.clone(), &frames, &[Span::new(Time::ZERO, clip_end)]);
            prop_assert_eq!(laid.len(), words.len());
            if laid != words {
                prop_assert!(laid.iter().all(|w| w.span.start < w.span.end && w.span.end <= clip_end), "{:?}", times(&laid));
                prop_assert!(laid.windows(2).all(|w| w[0].span.end <= w[1].span.start), "{:?}", times(&laid));
                for (laid, rough) in laid.iter().zip(&words) {
                    let near = Span::new(rough.span.start - REACH, rough.span.end + REACH);
                    prop_assert!(laid.span.start >= near.start && laid.span.end <= near.end, "{:?}", laid);
                }
            }
        }
    }
}
