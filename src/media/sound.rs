//! Sound: heard once for recognition and loudness, mastered once for each unique range of the clip.

use super::decode::is_ready;
use super::limiter::Limiter;
use super::probe::stamp;
use super::{AudioTrack, Probe, input};
use crate::cuts::Sound;
use crate::fault::{Cancel, Fault};
use crate::speech::{Loudness, SAMPLE_RATE};
use crate::units::{Span, Time};
use ebur128::{EbuR128, Mode};
use ffmpeg_next as ff;
use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::format::sample::{Sample, Type};
use ffmpeg_next::{ChannelLayout, Dictionary, codec, frame};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

/// Sample rate of all cuts.
pub const CUT_RATE: u32 = 48_000;
/// Samples that an AAC encoder puts before the first one it was given.
const AAC_PRIMING: usize = 1024;
/// Samples of one AAC frame.
const AAC_FRAME: usize = 1024;
/// Loudness of a finished cut may differ this much from the target, in LU.
pub const LOUDNESS_TOLERANCE: f64 = 0.5;
/// A mean at or below this is silence, in LUFS; no gain makes it speech.
const SILENCE: f64 = -69.0;
/// Length of the fade where a range ends, in samples: 30 ms, so that no click is heard.
const FADE: u64 = 1_440;

fn unusable(e: ff::Error) -> Fault {
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
    decode(path, track, probe.video.start, true, cancel, &mut |piece| {
        match piece {
            Piece::Speech(samples) => pcm.extend_from_slice(&samples[..samples.len().min(limit - pcm.len())]),
            Piece::Full(samples) => meter.add(samples)?,
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((pcm, meter.finish()))
}

/// Follows momentary loudness and true peak in steps of 100 ms.
struct StepMeter {
    meter: EbuR128,
    pending: Vec<f32>,
    loudness: Loudness,
}

impl StepMeter {
    const STEP: usize = CUT_RATE as usize / 10 * 2;

    fn new() -> Result<Self, Fault> {
        Ok(StepMeter { meter: meter(Mode::M | Mode::TRUE_PEAK)?, pending: Vec::new(), loudness: Loudness::default() })
    }

    fn add(&mut self, samples: &[f32]) -> Result<(), Fault> {
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

    /// What is left over is less than a step and is not judged.
    fn finish(self) -> Loudness {
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

/// The finished sound of one range, ready to go into any number of files.
pub struct Mastered {
    /// AAC packets in order; time stamps count samples from the start of the cut.
    pub packets: Vec<ff::Packet>,
    /// The encoder, kept for the stream parameters it gives each file.
    pub encoder: Mutex<codec::encoder::audio::Encoder>,
    /// What the packets decode to.
    pub measured: Measured,
}

/// Masters the sound of `range`, followed by silence for `hold`: one gain, a true-peak limiter, AAC. The packets are
/// decoded again and measured; where the limiter or the coder moved the loudness or the peak, gain and ceiling are set
/// anew and the pass repeats, so that the file and not the intention is on target.
///
/// # Errors
/// The file cannot be read, the encoder is missing, or the work was cancelled.
pub fn master(
    path: &Path,
    probe: &Probe,
    range: Span,
    hold: Time,
    sound: &Sound,
    cancel: &Cancel,
) -> Result<Mastered, Fault> {
    let track = probe
        .audio
        .as_ref()
        .ok_or_else(|| Fault::new("the clip has no sound", "run again; the file changed while it was read"))?;
    let mut gain = sound.gain;
    // The coder adds up to about 1 dB to a peak that the limiter left at its ceiling.
    let mut ceiling = sound.ceiling - 0.5;
    let mut result = None;
    for _ in 0..4 {
        let pass = master_once(path, track, probe.video.start, range, hold, (gain, ceiling), sound.bit_rate, cancel)?;
        let Measured { loudness, true_peak } = pass.measured;
        result = Some(pass);
        let off = sound.target - loudness;
        let quiet_enough = true_peak <= sound.ceiling;
        if loudness <= SILENCE || (quiet_enough && off.abs() <= LOUDNESS_TOLERANCE * 0.6) {
            break;
        }
        if !quiet_enough {
            ceiling -= true_peak - sound.ceiling + 0.2;
        }
        gain = (gain + off).min(crate::cuts::MAX_GAIN);
    }
    result.ok_or_else(|| Fault::new("the sound could not be mastered", "run again"))
}

#[allow(clippy::too_many_arguments)]
fn master_once(
    path: &Path,
    track: &AudioTrack,
    zero: Time,
    range: Span,
    hold: Time,
    (gain, ceiling): (f64, f64),
    bit_rate: u32,
    cancel: &Cancel,
) -> Result<Mastered, Fault> {
    let mut coder = Coder::new(bit_rate)?;
    let mut limiter = Limiter::new(ceiling);
    let factor = 10f64.powf(gain / 20.0) as f32;
    let (first, last) = (range.start.samples(CUT_RATE) as u64, range.end.samples(CUT_RATE) as u64);
    let mut at = 0u64;
    let mut ready = Vec::new();
    let mut feed = |samples: &[f32], coder: &mut Coder| -> Result<(), Fault> {
        ready.clear();
        limiter.process(samples, &mut ready);
        coder.add(&ready)
    };
    let mut part = Vec::new();
    decode(path, track, zero, false, cancel, &mut |piece| {
        let Piece::Full(samples) = piece else { return Ok(ControlFlow::Continue(())) };
        part.clear();
        for pair in samples.chunks_exact(2) {
            if (first..last).contains(&at) {
                let fade = ((last - at) as f32 / FADE as f32).min(1.0);
                part.extend([pair[0] * factor * fade, pair[1] * factor * fade]);
            }
            at += 1;
        }
        feed(&part, &mut coder)?;
        Ok(if at >= last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    // Silence to the end of the cut, also where the sound ends before the picture.
    let missing = (last - at.clamp(first, last)) + hold.samples(CUT_RATE) as u64;
    let silence = vec![0.0; CUT_RATE as usize / 5];
    let mut left = missing as usize * 2;
    while left > 0 {
        cancel.check()?;
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
    packets: Vec<ff::Packet>,
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
            packets: Vec::new(),
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
            let number = self.packets.len() as i64;
            packet.set_pts(Some(number * AAC_FRAME as i64));
            packet.set_dts(packet.pts());
            packet.set_duration(AAC_FRAME as i64);
            self.check.send_packet(&packet).map_err(encoding)?;
            measure_decoded(&mut self.check, &mut self.meter)?;
            self.packets.push(packet);
        }
    }

    fn finish(mut self) -> Result<Mastered, Fault> {
        if !self.pending.is_empty() {
            let rest = std::mem::take(&mut self.pending);
            self.send(&rest)?;
        }
        self.encoder.send_eof().map_err(encoding)?;
        self.collect()?;
        let measured = self.meter.read()?;
        Ok(Mastered { packets: self.packets, encoder: Mutex::new(self.encoder), measured })
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

/// A stretch of decoded sound.
enum Piece<'a> {
    /// Interleaved stereo at 48 kHz.
    Full(&'a [f32]),
    /// Mono at 16 kHz.
    Speech(&'a [f32]),
}

/// Hands out the track's sound from the clip's time zero on without holes: gaps in the time stamps become silence,
/// overlaps are dropped, clocks that drift are resampled to the picture's.
fn decode(
    path: &Path,
    track: &AudioTrack,
    zero: Time,
    speech: bool,
    cancel: &Cancel,
    each: &mut dyn FnMut(Piece) -> Result<ControlFlow<()>, Fault>,
) -> Result<(), Fault> {
    let mut input = input::open(path)?;
    let stream = input
        .stream(track.index)
        .ok_or_else(|| Fault::new("the audio track is gone", "run again; the file changed while it was read"))?;
    let base = stream.time_base();
    let mut decoder =
        codec::Context::from_parameters(stream.parameters()).and_then(|c| c.decoder().audio()).map_err(unusable)?;
    let mut graph: Option<Resampler> = None;
    let mut packet = ff::Packet::empty();
    let mut ended = false;
    while !ended {
        cancel.check()?;
        match packet.read(&mut input) {
            Ok(()) if packet.stream() != track.index => continue,
            // A damaged packet is a short hole in the sound; the resampler fills it with silence.
            Ok(()) => drop(decoder.send_packet(&packet)),
            Err(ff::Error::Eof) => {
                ended = true;
                decoder.send_eof().map_err(unusable)?;
            }
            Err(e) => return Err(unusable(e)),
        }
        let mut frame = frame::Audio::empty();
        while decoder.receive_frame(&mut frame).is_ok() {
            let Some(at) = frame.timestamp().map(|t| stamp(t, base) - zero) else { continue };
            frame.set_pts(Some(at.0));
            let resampler = match &mut graph {
                Some(resampler) if resampler.fits(&frame) => resampler,
                // A phone may change the channel layout in mid-track; what was heard so far stays.
                _ => {
                    if let Some(mut old) = graph.take() {
                        old.finish()?;
                        if old.drain(each)?.is_break() {
                            return Ok(());
                        }
                    }
                    graph.insert(Resampler::new(&frame, speech)?)
                }
            };
            resampler.push(&frame)?;
            if resampler.drain(each)?.is_break() {
                return Ok(());
            }
        }
    }
    if let Some(mut resampler) = graph {
        resampler.finish()?;
        let _ended = resampler.drain(each)?;
    }
    Ok(())
}

/// Decoded frames to 48 kHz stereo, and to 16 kHz mono where asked.
struct Resampler {
    graph: Graph,
    speech: bool,
    shape: (u32, u16, Sample),
    /// Whether the first output has been put in its place.
    placed: [bool; 2],
    /// Samples (a channel) still to be dropped since they lie before time zero.
    early: [usize; 2],
}

impl Resampler {
    fn new(frame: &frame::Audio, speech: bool) -> Result<Self, Fault> {
        let layout = match frame.channel_layout().bits() {
            0 => ChannelLayout::default(i32::from(frame.channels())).bits(),
            bits => bits,
        };
        let find = |name: &str| filter::find(name).ok_or_else(|| unusable(ff::Error::FilterNotFound));
        let source = format!(
            "time_base=1/1000000:sample_rate={}:sample_fmt={}:channel_layout=0x{layout:x}",
            frame.rate(),
            frame.format().name()
        );
        let mut graph = Graph::new();
        super::ffi::set_graph_threads(&mut graph, 1);
        graph.add(&find("abuffer")?, "in", &source).map_err(unusable)?;
        graph.add(&find("abuffersink")?, "full", "").map_err(unusable)?;
        // Gaps over 50 ms are filled or cut at once, smaller differences are stretched away unheard.
        let full = "aresample=48000:async=1000:min_hard_comp=0.05,aformat=sample_fmts=flt:channel_layouts=stereo";
        let parser = graph.output("in", 0).map_err(unusable)?.input("full", 0).map_err(unusable)?;
        if speech {
            drop(parser);
            graph.add(&find("abuffersink")?, "speech", "").map_err(unusable)?;
            let spec = format!(
                "[in]{full},asplit[full][wide];[wide]aresample={SAMPLE_RATE},aformat=sample_fmts=flt:channel_layouts=mono[speech]"
            );
            let parser = graph.output("in", 0).and_then(|p| p.input("full", 0)).and_then(|p| p.input("speech", 0));
            parser.and_then(|p| p.parse(&spec)).map_err(unusable)?;
        } else {
            parser.parse(&format!("[in]{full}[full]")).map_err(unusable)?;
        }
        graph.validate().map_err(unusable)?;
        let shape = (frame.rate(), frame.channels(), frame.format());
        Ok(Resampler { graph, speech, shape, placed: [false; 2], early: [0; 2] })
    }

    fn fits(&self, frame: &frame::Audio) -> bool {
        self.shape == (frame.rate(), frame.channels(), frame.format())
    }

    fn push(&mut self, frame: &frame::Audio) -> Result<(), Fault> {
        self.graph.get("in").ok_or_else(|| unusable(ff::Error::Bug))?.source().add(frame).map_err(unusable)
    }

    fn finish(&mut self) -> Result<(), Fault> {
        self.graph.get("in").ok_or_else(|| unusable(ff::Error::Bug))?.source().flush().map_err(unusable)
    }

    fn drain(
        &mut self,
        each: &mut dyn FnMut(Piece) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<ControlFlow<()>, Fault> {
        let mut flow = self.drain_sink(0, "full", CUT_RATE, 2, &mut |s| each(Piece::Full(s)))?;
        if self.speech && flow.is_continue() {
            flow = self.drain_sink(1, "speech", SAMPLE_RATE, 1, &mut |s| each(Piece::Speech(s)))?;
        }
        Ok(flow)
    }

    fn drain_sink(
        &mut self,
        which: usize,
        name: &str,
        rate: u32,
        channels: usize,
        each: &mut dyn FnMut(&[f32]) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<ControlFlow<()>, Fault> {
        let mut frame = frame::Audio::empty();
        loop {
            let mut context = self.graph.get(name).ok_or_else(|| unusable(ff::Error::Bug))?;
            let base = context.sink().time_base();
            if context.sink().frame(&mut frame).is_err() {
                return Ok(ControlFlow::Continue(()));
            }
            if !std::mem::replace(&mut self.placed[which], true) {
                let at = frame.pts().map_or(Time::ZERO, |t| stamp(t, base));
                self.early[which] = Time(-at.0.min(0)).samples(rate);
                let silence = vec![0.0; at.samples(rate) * channels];
                if !silence.is_empty() && each(&silence)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            let count = frame.samples() * channels;
            let bytes = &frame.data(0)[..count * 4];
            let samples: Vec<f32> =
                bytes.chunks_exact(4).map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect();
            let dropped = (self.early[which] * channels).min(samples.len());
            self.early[which] -= dropped / channels;
            if dropped < samples.len() && each(&samples[dropped..])?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}
