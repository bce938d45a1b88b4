//! A true-peak limiter with lookahead. Pure.

use std::collections::VecDeque;

/// Coefficients of the four-times oversampling filter of ITU-R BS.1770-4, Annex 2, first two phases; the other two are
/// these reversed.
const PHASES: [[f32; 12]; 2] = [
    [
        0.001_708_984_4,
        0.010_986_328,
        -0.019_653_32,
        0.033_203_125,
        -0.059_448_242,
        0.137_329_1,
        0.972_167_97,
        -0.102_294_92,
        0.047_607_42,
        -0.026_611_328,
        0.014_892_578,
        -0.008_300_781,
    ],
    [
        -0.029_174_805,
        0.029_296_875,
        -0.051_757_812,
        0.089_111_33,
        -0.166_503_9,
        0.465_087_9,
        0.779_785_16,
        -0.200_317_38,
        0.101_562_5,
        -0.058_227_54,
        0.033_081_055,
        -0.018_920_898,
    ],
];
const TAPS: usize = 12;
/// The window over which gain moves, in samples: 5 ms at 48 kHz, short enough not to be heard as pumping.
const RAMP: usize = 240;
/// How far the audio runs behind, so that the gain is down before the peak arrives.
const DELAY: usize = RAMP + TAPS / 2 + 2;
/// How long a peak holds the gain down, in samples.
const HOLD: usize = RAMP + TAPS + 4;
/// Share of the way back to unity gain that is gone each sample: about 100 ms at 48 kHz.
const RELEASE: f32 = 1.0 / 4800.0;

/// Keeps the true peak of stereo sound at 48 kHz at or below a ceiling. Both channels get the same gain, so that the
/// image does not move.
pub struct Limiter {
    ceiling: f32,
    history: [VecDeque<f32>; 2],
    delayed: VecDeque<[f32; 2]>,
    /// Candidates for the lowest gain of the last `HOLD` samples, ascending: (sample number, gain).
    lowest: VecDeque<(u64, f32)>,
    released: f32,
    ramp: VecDeque<f32>,
    ramp_sum: f64,
    count: u64,
}

impl Limiter {
    /// A limiter for a ceiling in dBTP.
    pub fn new(ceiling_db: f64) -> Self {
        Limiter {
            ceiling: 10f64.powf(ceiling_db / 20.0) as f32,
            history: [VecDeque::from(vec![0.0; TAPS]), VecDeque::from(vec![0.0; TAPS])],
            delayed: VecDeque::with_capacity(DELAY + 1),
            lowest: VecDeque::new(),
            released: 1.0,
            ramp: VecDeque::from(vec![1.0; RAMP]),
            ramp_sum: RAMP as f64,
            count: 0,
        }
    }

    /// Takes interleaved stereo samples and appends what is ready to `out`.
    pub fn process(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        for pair in samples.chunks_exact(2) {
            self.step([pair[0], pair[1]], out);
        }
    }

    /// Appends what is still inside. The output is then as long as the input was.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let wanted = out.len() + self.delayed.len() * 2;
        while out.len() < wanted {
            self.step([0.0, 0.0], out);
        }
        self.delayed.clear();
    }

    fn step(&mut self, sample: [f32; 2], out: &mut Vec<f32>) {
        let peak = self.true_peak(sample);
        let needed = if peak > self.ceiling { self.ceiling / peak } else { 1.0 };
        while self.lowest.back().is_some_and(|(_, gain)| *gain >= needed) {
            self.lowest.pop_back();
        }
        self.lowest.push_back((self.count, needed));
        while self.lowest.front().is_some_and(|(at, _)| at + (HOLD as u64) <= self.count) {
            self.lowest.pop_front();
        }
        let held = self.lowest.front().map_or(1.0, |(_, gain)| *gain);
        self.released = if held < self.released { held } else { self.released + (held - self.released) * RELEASE };
        self.ramp.push_back(self.released);
        let oldest = self.ramp.pop_front().unwrap_or(1.0);
        self.ramp_sum += f64::from(self.released) - f64::from(oldest);
        let gain = (self.ramp_sum / RAMP as f64).min(1.0) as f32;
        self.delayed.push_back(sample);
        self.count += 1;
        if self.delayed.len() > DELAY
            && let Some([left, right]) = self.delayed.pop_front()
        {
            out.extend([left * gain, right * gain]);
        }
    }

    /// The highest of the samples and the points between them, half a filter length ago.
    fn true_peak(&mut self, sample: [f32; 2]) -> f32 {
        let mut peak = 0.0f32;
        for (history, value) in self.history.iter_mut().zip(sample) {
            history.pop_front();
            history.push_back(value);
            let largest = history.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            peak = peak.max(largest);
            // No filter of these coefficients more than doubles a peak.
            if largest * 2.0 <= self.ceiling {
                continue;
            }
            for phase in &PHASES {
                let forward: f32 = history.iter().zip(phase).map(|(h, c)| h * c).sum();
                let backward: f32 = history.iter().zip(phase.iter().rev()).map(|(h, c)| h * c).sum();
                peak = peak.max(forward.abs()).max(backward.abs());
            }
        }
        peak
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(input: &[f32], ceiling: f64) -> Vec<f32> {
        let mut limiter = Limiter::new(ceiling);
        let mut out = Vec::new();
        for chunk in input.chunks(998) {
            limiter.process(chunk, &mut out);
        }
        limiter.finish(&mut out);
        out
    }

    fn true_peak_db(samples: &[f32]) -> f64 {
        let mut meter = ebur128::EbuR128::new(2, 48_000, ebur128::Mode::TRUE_PEAK).expect("a meter");
        meter.add_frames_f32(samples).expect("frames");
        20.0 * meter.true_peak(0).expect("a peak").max(meter.true_peak(1).expect("a peak")).log10()
    }

    #[test]
    fn peaks_between_samples_stay_below_the_ceiling() {
        // A quarter of the sampling rate, 45 degrees off: its samples read 3 dB below its true peak.
        let mut loud: Vec<f32> = (0..48_000)
            .flat_map(|n| {
                let burst = if n / 6000 % 2 == 0 { 1.4 } else { 0.3 };
                let v = (std::f32::consts::FRAC_PI_2 * n as f32 + std::f32::consts::FRAC_PI_4).sin() * burst;
                [v, v * 0.5]
            })
            .collect();
        loud[30_001] = 2.0;
        assert!(true_peak_db(&loud) > 2.0);
        let out = limited(&loud, -1.5);
        assert_eq!(out.len(), loud.len());
        assert!(true_peak_db(&out) <= -1.4, "{}", true_peak_db(&out));
    }

    #[test]
    fn sound_below_the_ceiling_is_only_delayed_back_into_place() {
        let quiet: Vec<f32> = (0..9_600).map(|n| (n as f32 * 0.01).sin() * 0.3).collect();
        assert_eq!(limited(&quiet, -1.5), quiet);
    }
}
