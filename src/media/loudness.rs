//! Loudness and true peak by ITU-R BS.1770-4, as ebur128 measures them.

use super::sound::CUT_RATE;
use crate::fault::Fault;
use crate::speech::Loudness;
use ebur128::{EbuR128, Mode};

/// Follows momentary loudness and true peak in steps of 100 ms.
pub struct StepMeter {
    meter: EbuR128,
    pending: Vec<f32>,
    loudness: Loudness,
}

impl StepMeter {
    const STEP: usize = CUT_RATE as usize / 10 * 2;

    /// An empty meter.
    pub fn new() -> Result<Self, Fault> {
        Ok(StepMeter { meter: meter(Mode::M | Mode::TRUE_PEAK)?, pending: Vec::new(), loudness: Loudness::default() })
    }

    /// Adds interleaved stereo samples at 48 kHz.
    pub fn add(&mut self, samples: &[f32]) -> Result<(), Fault> {
        self.pending.extend_from_slice(samples);
        let whole = self.pending.len() / Self::STEP * Self::STEP;
        let rest = self.pending.split_off(whole);
        for step in std::mem::replace(&mut self.pending, rest).chunks_exact(Self::STEP) {
            self.step(step)?;
        }
        Ok(())
    }

    fn step(&mut self, samples: &[f32]) -> Result<(), Fault> {
        self.meter.add_frames_f32(samples).map_err(no_meter)?;
        let momentary = self.meter.loudness_momentary().map_err(no_meter)?;
        self.loudness.momentary.push(momentary.max(-120.0) as f32);
        let peak = (0..2).filter_map(|c| self.meter.prev_true_peak(c).ok()).fold(0.0, f64::max);
        self.loudness.peaks.push(decibels(peak) as f32);
        Ok(())
    }

    /// What was measured. What is left over is less than a step and is not judged.
    pub fn finish(self) -> Loudness {
        self.loudness
    }
}

fn meter(mode: Mode) -> Result<EbuR128, Fault> {
    EbuR128::new(2, CUT_RATE, mode).map_err(no_meter)
}

fn no_meter(e: ebur128::Error) -> Fault {
    Fault::new(format!("loudness cannot be measured ({e})"), "run again; if it happens again, report it")
}

fn decibels(amplitude: f64) -> f64 {
    if amplitude > 1e-6 { 20.0 * amplitude.log10() } else { -120.0 }
}

/// Integrated loudness in LUFS (-infinity for silence) and true peak in dBTP of a whole piece of sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Integrated loudness, LUFS.
    pub loudness: f64,
    /// True peak, dBTP.
    pub true_peak: f64,
}

/// Measures stereo sound at 48 kHz (ITU-R BS.1770-4).
pub struct Meter(EbuR128);

impl Meter {
    /// An empty meter.
    pub fn new() -> Result<Self, Fault> {
        meter(Mode::I | Mode::TRUE_PEAK).map(Meter)
    }

    /// Adds interleaved stereo samples.
    pub fn add(&mut self, samples: &[f32]) -> Result<(), Fault> {
        self.0.add_frames_f32(samples).map_err(no_meter)
    }

    /// What the meter shows for all that was added.
    pub fn read(&self) -> Result<Measured, Fault> {
        let peak = (0..2).filter_map(|c| self.0.true_peak(c).ok()).fold(0.0, f64::max);
        Ok(Measured { loudness: self.0.loudness_global().map_err(no_meter)?, true_peak: decibels(peak) })
    }
}
