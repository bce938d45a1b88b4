//! Sounds that are no speech, made by arithmetic from a seed: the same on every machine.

use housecall::speech::SAMPLE_RATE;
use std::f32::consts::TAU;

const RATE: f32 = SAMPLE_RATE as f32;

/// A small generator of random numbers (xorshift).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        // The first numbers of neighbouring seeds are alike.
        for _ in 0..8 {
            dice.unit();
        }
        dice
    }

    /// 0.0 to 1.0.
    pub fn unit(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }
}

pub fn samples(seconds: f32) -> usize {
    (seconds * RATE) as usize
}

pub fn rms(pcm: &[f32]) -> f32 {
    (pcm.iter().map(|x| x * x).sum::<f32>() / pcm.len().max(1) as f32).sqrt()
}

/// The sound brought to a level, as RMS against full scale.
pub fn at_level(mut pcm: Vec<f32>, dbfs: f32) -> Vec<f32> {
    let gain = 10f32.powf(dbfs / 20.0) / rms(&pcm).max(1e-9);
    pcm.iter_mut().for_each(|x| *x = (*x * gain).clamp(-1.0, 1.0));
    pcm
}

/// `over` laid over `pcm`, so that it lies `below` dB under it.
pub fn mixed(pcm: &[f32], over: &[f32], below: f32) -> Vec<f32> {
    let gain = rms(pcm) * 10f32.powf(-below / 20.0) / rms(over).max(1e-9);
    pcm.iter().zip(over).map(|(a, b)| (a + b * gain).clamp(-1.0, 1.0)).collect()
}

/// A room's noise: falling by about 3 dB an octave.
pub fn room(seconds: f32, dice: &mut Dice) -> Vec<f32> {
    // Three one-pole low-pass filters an octave and a half apart, and some of the white noise itself.
    let mut poles = [0f32; 3];
    let mut next = || {
        let white = dice.between(-1.0, 1.0);
        for (pole, (keep, gain)) in poles.iter_mut().zip([(0.995, 0.1), (0.96, 0.3), (0.7, 0.6)]) {
            *pole = *pole * keep + white * gain * (1.0 - keep) * 4.0;
        }
        poles.iter().sum::<f32>() + white * 0.15
    };
    (0..samples(seconds)).map(|_| next()).collect()
}

/// Chords of a plucked instrument, changing every 0.9 s, with a bass and a soft beat.
pub fn music(seconds: f32, dice: &mut Dice) -> Vec<f32> {
    const ROOTS: [f32; 4] = [220.0, 174.61, 261.63, 196.0];
    let mut pcm = vec![0f32; samples(seconds)];
    let step = samples(0.9);
    for (bar, part) in pcm.chunks_mut(step).enumerate() {
        let root = ROOTS[bar % 4] * if dice.unit() < 0.2 { 0.5 } else { 1.0 };
        for (i, x) in part.iter_mut().enumerate() {
            let t = i as f32 / RATE;
            for ratio in [0.5, 1.0, 1.26, 1.498] {
                for partial in 1..5 {
                    let p = partial as f32;
                    *x += (root * ratio * p * t * TAU).sin() * (-t * (1.5 + p)).exp() / p;
                }
            }
            let beat = t % 0.45;
            *x += dice.between(-1.0, 1.0) * 0.5 * (-beat * 60.0).exp();
        }
    }
    pcm
}

/// Somebody breathes: soft noise that swells and ebbs, in and out.
pub fn breath(seconds: f32, dice: &mut Dice) -> Vec<f32> {
    let (mut pcm, mut dark) = (Vec::new(), 0.0);
    while pcm.len() < samples(seconds) {
        let (length, strong, keep) = (dice.between(0.6, 1.6), dice.between(0.3, 1.0), dice.between(0.3, 0.8));
        for i in 0..samples(length) {
            let swell = (i as f32 / samples(length) as f32 * TAU / 2.0).sin();
            dark = dark * keep + dice.between(-1.0, 1.0) * (1.0 - keep);
            pcm.push(dark * strong * swell * swell);
        }
        pcm.resize(pcm.len() + samples(dice.between(0.2, 1.2)), 0.0);
    }
    pcm.truncate(samples(seconds));
    pcm
}

/// Hum of the mains with its harmonics.
pub fn hum(seconds: f32, dice: &mut Dice) -> Vec<f32> {
    let pitch = if dice.unit() < 0.5 { 50.0 } else { 60.0 };
    let parts: Vec<f32> = (1..=12).map(|n| dice.between(0.2, 1.0) / n as f32).collect();
    let wave = |t: f32| parts.iter().zip(1..).map(|(a, n)| a * (TAU * ((pitch * n as f32 * t) % 1.0)).sin()).sum();
    (0..samples(seconds)).map(|i| wave(i as f32 / RATE)).collect()
}

/// A fan: room noise that beats with its blades.
pub fn fan(seconds: f32, dice: &mut Dice) -> Vec<f32> {
    let (blades, depth) = (dice.between(4.0, 30.0), dice.between(0.1, 0.5));
    let beat = |i: usize| 1.0 + depth * (TAU * ((blades * i as f32 / RATE) % 1.0)).sin();
    room(seconds, dice).into_iter().enumerate().map(|(i, x)| x * beat(i)).collect()
}

/// A keyboard and a mouse: bursts of clicks of different colours.
pub fn clicks(seconds: f32, dice: &mut Dice) -> Vec<f32> {
    let mut pcm = vec![0f32; samples(seconds)];
    let mut at = 0;
    while at < pcm.len() {
        let (loud, pitch, fades) = (dice.between(0.2, 1.0), dice.between(300.0, 4000.0), dice.between(60.0, 400.0));
        for (i, x) in pcm[at..].iter_mut().take(samples(0.08)).enumerate() {
            let t = i as f32 / RATE;
            *x += loud * (-t * fades).exp() * (0.5 * (TAU * pitch * t).sin() + dice.between(-0.5, 0.5));
        }
        at += samples(if dice.unit() < 0.1 { dice.between(0.5, 2.0) } else { dice.between(0.06, 0.3) });
    }
    pcm
}

/// A crowd far off: noise in the bands of vowels that come and go at the pace of syllables. Nobody says a word.
pub fn babble(seconds: f32, dice: &mut Dice) -> Vec<f32> {
    let mut pcm = vec![0f32; samples(seconds)];
    for _ in 0..6 {
        let (mut low, mut high, mut at) = (0f32, 0f32, 0);
        while at < pcm.len() {
            let (length, strong, pitch) = (dice.between(0.1, 0.35), dice.unit(), dice.between(300.0, 2200.0));
            // A resonance of one syllable (Chamberlin's filter).
            let tune = 2.0 * (TAU * pitch / RATE / 2.0).sin();
            for i in 0..samples(length).min(pcm.len() - at) {
                let swell = (i as f32 / samples(length) as f32 * TAU / 2.0).sin();
                low += tune * high;
                high += tune * (dice.between(-1.0, 1.0) - low - 0.2 * high);
                pcm[at + i] += high * strong * swell;
            }
            at += samples(length);
        }
    }
    pcm
}
