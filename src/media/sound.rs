//! Sound: heard once for recognition and loudness, mastered once for each unique choice of its parts.

use super::Probe;
use super::aac_frames::{AAC_FRAME, AacFrames};
use super::decode::is_ready;
use super::limiter::Limiter;
use super::loudness::{Measured, Meter, StepMeter};
use super::soundtrack::{Piece, SoundTrack};
use super::splice::Splice;
use crate::cuts::Sound;
use crate::fault::{Cancel, Fault};
use crate::speech::{Loudness, SAMPLE_RATE};
use crate::units::Time;
use ffmpeg_next as ff;
use ffmpeg_next::format::sample::{Sample, Type};
use ffmpeg_next::{ChannelLayout, Dictionary, codec, frame};
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Mutex;

/// Sample rate of all cuts.
pub const CUT_RATE: u32 = 48_000;
/// Samples that an AAC encoder puts before the first one it was given.
const AAC_PRIMING: usize = 1024;
/// Loudness of a finished cut may differ this much from the target, in LU.
pub const LOUDNESS_TOLERANCE: f64 = 0.5;
/// Times that sound is mastered at most until its file is on target.
const MAX_PASSES: usize = 8;
/// A mean at or below this is silence, in LUFS; no gain makes it speech.
const SILENCE: f64 = -69.0;

pub(super) fn unusable(e: ff::Error) -> Fault {
    Fault::new(format!("the sound cannot be read ({e})"), "copy the clip from the phone again")
}

/// A clip's sound as recognition needs it: 16 kHz mono from the clip's time zero, and its loudness along the way. A clip
/// without sound gives none.
///
/// # Errors
/// The file cannot be read, or the work was cancelled.
pub fn listen(path: &Path, probe: &Probe, cancel: &Cancel) -> Result<(Vec<f32>, Loudness), Fault> {
    let Some(track) = &probe.audio else { return Ok((Vec::new(), Loudness::default())) };
    let limit = probe.duration.samples(SAMPLE_RATE);
    let mut pcm = Vec::with_capacity(limit);
    let mut meter = StepMeter::new()?;
    let track = SoundTrack { path, track, zero: probe.video.start, duration: probe.duration, cancel };
    track.decode(true, &mut |piece| {
        match piece {
            Piece::Speech(samples) => pcm.extend_from_slice(&samples[..samples.len().min(limit - pcm.len())]),
            Piece::Full(samples) => meter.add(samples)?,
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((pcm, meter.finish()))
}

/// The finished sound of one choice of parts, ready to go into any number of files.
pub struct Mastered {
    /// What the encoder made.
    pub frames: AacFrames,
    /// The encoder, kept for the stream parameters it gives each file.
    pub encoder: Mutex<codec::encoder::audio::Encoder>,
    /// What the frames decode to.
    pub measured: Measured,
}

/// Masters the sound of `pieces` (samples of the clip, see [`super::splice`]), followed by silence for `hold`: one gain, a true-peak limiter, AAC. The frames are
/// decoded again and measured; where the limiter or the coder moved the loudness or the peak, gain and ceiling are set
/// anew and the pass repeats, so that the file and not the intention is on target. Without a target one pass does.
///
/// # Errors
/// The file cannot be read, the encoder is missing, or the work was cancelled.
pub fn master(
    path: &Path,
    probe: &Probe,
    pieces: &[Range<u64>],
    hold: Time,
    sound: &Sound,
    cancel: &Cancel,
) -> Result<Mastered, Fault> {
    let track = probe
        .audio
        .as_ref()
        .ok_or_else(|| Fault::new("the clip has no sound", "run again; the file changed while it was read"))?;
    let track = SoundTrack { path, track, zero: probe.video.start, duration: probe.duration, cancel };
    let mut gain = sound.gain;
    // The coder adds up to about 1 dB to a peak that the limiter left at its ceiling.
    let mut ceiling = sound.ceiling - 0.5;
    let mut result = None;
    for number in 0..MAX_PASSES {
        // The pass before is of no use any more, and as large.
        drop(result.take());
        let pass = master_once(&track, pieces, hold, (gain, ceiling), sound.bit_rate)?;
        let Measured { loudness, true_peak } = pass.measured;
        result = Some(pass);
        let Some(target) = sound.target else { break };
        let off = target - loudness;
        let quiet_enough = true_peak <= sound.ceiling;
        if quiet_enough && (loudness <= SILENCE || off.abs() <= LOUDNESS_TOLERANCE * 0.6) {
            break;
        }
        if !quiet_enough {
            ceiling -= true_peak - sound.ceiling + 0.2;
        }
        // More gain moves the peaks as well; the last passes are for them alone.
        if loudness > SILENCE && number < MAX_PASSES / 2 {
            gain = (gain + off).min(crate::cuts::MAX_GAIN);
        }
    }
    result.ok_or_else(|| Fault::new("the sound could not be mastered", "run again"))
}

fn master_once(
    track: &SoundTrack,
    pieces: &[Range<u64>],
    hold: Time,
    (gain, ceiling): (f64, f64),
    bit_rate: u32,
) -> Result<Mastered, Fault> {
    let mut coder = Coder::new(bit_rate)?;
    let mut limiter = Limiter::new(ceiling);
    let factor = 10f64.powf(gain / 20.0) as f32;
    // The coder leaves out its own priming, so a fade that began earlier would not be heard.
    let mut splice = Splice::new(pieces.to_vec(), AAC_PRIMING);
    let mut ready = Vec::new();
    let mut feed = |samples: &[f32], coder: &mut Coder| -> Result<(), Fault> {
        ready.clear();
        limiter.process(samples, &mut ready);
        coder.add(&ready)
    };
    let mut part = Vec::new();
    track.decode(false, &mut |piece| {
        let Piece::Full(samples) = piece else { return Ok(ControlFlow::Continue(())) };
        part.clear();
        splice.add(samples, &mut part);
        part.iter_mut().for_each(|sample| *sample *= factor);
        feed(&part, &mut coder)?;
        Ok(if splice.is_done() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    // Silence to the end of the cut, also where the sound ends before the picture.
    part.clear();
    let missing = splice.finish(&mut part) + hold.samples(CUT_RATE) as u64;
    part.iter_mut().for_each(|sample| *sample *= factor);
    feed(&part, &mut coder)?;
    let silence = vec![0.0; CUT_RATE as usize / 5];
    let mut left = missing as usize * 2;
    while left > 0 {
        track.cancel.check()?;
        let piece = left.min(silence.len());
        feed(&silence[..piece], &mut coder)?;
        left -= piece;
    }
    let mut tail = Vec::new();
    limiter.finish(&mut tail);
    coder.add(&tail)?;
    coder.finish()
}

/// Encodes stereo sound to AAC and decodes it again at once to measure what a listener gets.
struct Coder {
    encoder: codec::encoder::audio::Encoder,
    check: codec::decoder::Audio,
    meter: Meter,
    pending: Vec<f32>,
    /// Samples still to be left out at the start.
    skip: usize,
    sent: i64,
    frames: AacFrames,
}

impl Coder {
    fn new(bit_rate: u32) -> Result<Self, Fault> {
        let missing = |e: ff::Error| {
            Fault::new(
                format!("the AAC encoder cannot be used ({e})"),
                "install FFmpeg's libraries with their built-in AAC encoder",
            )
        };
        let aac = codec::encoder::find_by_name("aac").ok_or_else(|| missing(ff::Error::EncoderNotFound))?;
        let mut context = codec::Context::new_with_codec(aac);
        context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::BITEXACT);
        let mut encoder = context.encoder().audio().map_err(missing)?;
        encoder.set_rate(CUT_RATE as i32);
        encoder.set_format(Sample::F32(Type::Planar));
        encoder.set_channel_layout(ChannelLayout::STEREO);
        encoder.set_bit_rate(bit_rate as usize * 1000);
        encoder.set_time_base((1, CUT_RATE as i32));
        let encoder = encoder.open_as_with(aac, Dictionary::new()).map_err(missing)?;
        let check = codec::Context::from_parameters(codec::Parameters::from(&encoder))
            .and_then(|c| c.decoder().audio())
            .map_err(missing)?;
        // An AAC stream without an edit list plays late by its priming; leaving out as many samples at the start puts
        // every later one in its place.
        Ok(Coder {
            encoder,
            check,
            meter: Meter::new()?,
            pending: Vec::new(),
            skip: AAC_PRIMING,
            sent: 0,
            frames: AacFrames::default(),
        })
    }

    fn add(&mut self, samples: &[f32]) -> Result<(), Fault> {
        let left_out = (self.skip * 2).min(samples.len());
        self.skip -= left_out / 2;
        self.pending.extend_from_slice(&samples[left_out..]);
        let whole = self.pending.len() / (AAC_FRAME * 2) * (AAC_FRAME * 2);
        let rest = self.pending.split_off(whole);
        for piece in std::mem::replace(&mut self.pending, rest).chunks_exact(AAC_FRAME * 2) {
            self.send(piece)?;
        }
        Ok(())
    }

    fn send(&mut self, interleaved: &[f32]) -> Result<(), Fault> {
        let samples = interleaved.len() / 2;
        let mut frame = frame::Audio::new(Sample::F32(Type::Planar), samples, ChannelLayout::STEREO);
        frame.set_rate(CUT_RATE);
        for channel in 0..2 {
            for (to, from) in frame.plane_mut::<f32>(channel).iter_mut().zip(interleaved[channel..].iter().step_by(2)) {
                *to = *from;
            }
        }
        frame.set_pts(Some(self.sent));
        self.sent += samples as i64;
        self.encoder.send_frame(&frame).map_err(encoding)?;
        self.collect()
    }

    fn collect(&mut self) -> Result<(), Fault> {
        loop {
            let mut packet = ff::Packet::empty();
            if !is_ready(self.encoder.receive_packet(&mut packet)).map_err(encoding)? {
                return Ok(());
            }
            self.check.send_packet(&packet).map_err(encoding)?;
            measure_decoded(&mut self.check, &mut self.meter)?;
            self.frames.push(&packet);
        }
    }

    fn finish(mut self) -> Result<Mastered, Fault> {
        if !self.pending.is_empty() {
            let rest = std::mem::take(&mut self.pending);
            self.send(&rest)?;
        }
        self.encoder.send_eof().map_err(encoding)?;
        self.collect()?;
        // The last frame is filled up with silence; the file need not last for that.
        self.frames.end_at(self.sent as usize + AAC_PRIMING);
        let measured = self.meter.read()?;
        Ok(Mastered { frames: self.frames, encoder: Mutex::new(self.encoder), measured })
    }
}

fn encoding(e: ff::Error) -> Fault {
    Fault::new(format!("the sound could not be encoded ({e})"), "run again; if it happens again, report the clip")
}

/// Adds all frames that a stereo 48 kHz decoder has ready to the meter.
pub(super) fn measure_decoded(decoder: &mut codec::decoder::Audio, meter: &mut Meter) -> Result<u64, Fault> {
    let mut frame = frame::Audio::empty();
    let mut interleaved = Vec::new();
    let mut total = 0;
    while is_ready(decoder.receive_frame(&mut frame)).map_err(unusable)? {
        interleaved.clear();
        let (left, right) = (frame.plane::<f32>(0), frame.plane::<f32>(1));
        interleaved.extend(left.iter().zip(right).flat_map(|(l, r)| [*l, *r]));
        meter.add(&interleaved)?;
        total += left.len() as u64;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sound_is_held_as_its_coded_bytes_and_little_else() {
        let (seconds, bit_rate) = (20, 128);
        crate::media::start();
        let mut coder = Coder::new(bit_rate).expect("an encoder");
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 25) as f32 - 0.25
        };
        let mut waiting = 0;
        for _ in 0..seconds * 10 {
            let piece: Vec<f32> = (0..CUT_RATE as usize / 10 * 2).map(|_| noise()).collect();
            coder.add(&piece).expect("encoded");
            waiting = waiting.max(coder.pending.len());
        }
        let mastered = coder.finish().expect("finished");
        assert_eq!(mastered.frames.len(), (seconds * CUT_RATE as usize).div_ceil(AAC_FRAME));
        assert!(waiting < AAC_FRAME * 2, "{waiting} samples wait");
        // A growing list may be half empty. As samples it would be 7.7 MB.
        let (held, coded) = (mastered.frames.held(), seconds * bit_rate as usize * 125);
        assert!(held < coded * 5 / 2, "{held} bytes for {coded}");
    }
}
