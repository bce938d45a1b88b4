//! What the synthetic voices say, and which word that was heard is which word that was said. Shared with the benchmark of
//! listening.

use super::sounds::Dice;
use super::voices::{Said, Take, plain, speak};
use housecall::speech::Word;

/// Sentences of the kind and the vocabulary that the starter model knows.
pub const SENTENCES: [&str; 40] = [
    "Wash your face twice a day.",
    "The short answer is yes.",
    "Keep your lips clean and dry.",
    "Follow us for more answers.",
    "Hello and welcome back.",
    "Today we are talking about a cold sore.",
    "That is a great question.",
    "How long does a fever last?",
    "If it does not get better in nine days, see your dentist.",
    "Is a steroid safe for children?",
    "Ask your dentist if an antihistamine is right for you.",
    "It is not caused by oily skin or hay fever.",
    "Come and see us if you have questions.",
    "Thanks for watching, and see you next time.",
    "Second, try retinol right away.",
    "Never put petroleum jelly on broken skin.",
    "Teenagers should wash your face every day.",
    "A patient asked me about tennis elbow this week.",
    "The best thing you can do is check your skin.",
    "Most cases of allergies get better in nine days.",
    "Too much aspirin can upset your stomach.",
    "What helps with a headache?",
    "How do I get rid of dark spots?",
    "Avoid hot water, because it dries out your back.",
    "Remember to cut back on sugar in the summer.",
    "If you have swelling or a change in color, go to the emergency room.",
    "Shoulder pain is often normal in the first two days.",
    "One more tip, breathe slowly all year round.",
    "Talk to your doctor before you start an antibiotic.",
    "The honest answer is that it depends.",
    "Is melatonin safe for older adults?",
    "Gum disease is more common than you think.",
    "You can stretch at home.",
    "Does teeth whitening hurt?",
    "First, sleep once a week.",
    "When should I worry about chest pain?",
    "Can I take iron with aspirin?",
    "I recommend benzoyl peroxide for dark spots.",
    "Let's talk about it at your next visit.",
    "This video is for education only.",
];
pub const VOICES: [&str; 4] = ["slt", "rms", "awb", "kal16"];

/// The quantile of how far off, early or late.
pub fn quantile(off: &[f64], share: f64) -> f64 {
    let mut far: Vec<f64> = off.iter().map(|x| x.abs()).collect();
    far.sort_by(f64::total_cmp);
    far.get((far.len().saturating_sub(1) as f64 * share).ceil() as usize).copied().unwrap_or(0.0)
}

/// Which word that was said is which word that was heard, by edit distance; among equals the nearest in time.
pub fn matched(said: &[Said], heard: &[Word]) -> Vec<(usize, usize)> {
    let heard: Vec<(String, f64)> = heard.iter().map(|w| (plain(&w.text), w.span.start.seconds())).collect();
    let cost = |i: usize, j: usize| match said[i].word == heard[j].0 {
        true => (said[i].start - heard[j].1).abs().min(9.0) * 1e-3,
        false => 1.0,
    };
    let mut costs = vec![vec![0f64; heard.len() + 1]; said.len() + 1];
    for i in 0..=said.len() {
        for j in 0..=heard.len() {
            costs[i][j] = match (i, j) {
                (0, _) => j as f64,
                (_, 0) => i as f64,
                _ => (costs[i - 1][j - 1] + cost(i - 1, j - 1)).min(costs[i - 1][j] + 1.0).min(costs[i][j - 1] + 1.0),
            };
        }
    }
    let (mut i, mut j) = (said.len(), heard.len());
    let mut pairs = Vec::new();
    while i > 0 && j > 0 {
        if costs[i][j] == costs[i - 1][j - 1] + cost(i - 1, j - 1) {
            (i, j) = (i - 1, j - 1);
            pairs.extend((said[i].word == heard[j].0).then_some((i, j)));
        } else if costs[i][j] == costs[i - 1][j] + 1.0 {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    pairs.reverse();
    pairs
}

/// A voice says some sentences, with a pause of `pause` seconds (from, to) after each.
pub fn take(voice: &str, picks: impl Iterator<Item = usize>, pause: (f32, f32), dice: &mut Dice) -> Take {
    let mut take = Take::default();
    for spoken in picks.filter_map(|i| speak(voice, SENTENCES[i % SENTENCES.len()])) {
        take.push(&spoken);
        take.wait(dice.between(pause.0, pause.1));
    }
    take
}
