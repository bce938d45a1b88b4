//! A clip's sound track, decoded in time with its picture.

use super::probe::stamp;
use super::sound::{CUT_RATE, unusable};
use super::{AudioTrack, ffi, input};
use crate::fault::{Cancel, Fault};
use crate::speech::SAMPLE_RATE;
use crate::units::Time;
use ffmpeg_next as ff;
use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::format::sample::Sample;
use ffmpeg_next::{ChannelLayout, codec, frame};
use std::ops::ControlFlow;
use std::path::Path;

/// Whether whoever takes the samples wants more.
pub type Flow = Result<ControlFlow<()>, Fault>;

/// The sound of a clip.
pub struct SoundTrack<'a> {
    /// The clip's file.
    pub path: &'a Path,
    /// Which of its tracks.
    pub track: &'a AudioTrack,
    /// The clip's time zero, in container time.
    pub zero: Time,
    /// How long the clip is; sound that claims to be later is left out, since a gap before it would be filled.
    pub duration: Time,
    /// Stops the work.
    pub cancel: &'a Cancel,
}

/// A stretch of decoded sound.
pub enum Piece<'a> {
    /// Interleaved stereo at 48 kHz.
    Full(&'a [f32]),
    /// Mono at 16 kHz.
    Speech(&'a [f32]),
}

impl SoundTrack<'_> {
    /// Hands out the track's sound from the clip's time zero on without holes: gaps in the time stamps become silence,
    /// overlaps are dropped, clocks that drift are resampled to the picture's.
    /// Sound at 16 kHz for recognition comes with it if `speech` says so.
    pub fn decode(&self, speech: bool, each: &mut dyn FnMut(Piece) -> Flow) -> Result<(), Fault> {
        let mut input = input::open(self.path)?;
        let stream = input
            .stream(self.track.index)
            .ok_or_else(|| Fault::new("the audio track is gone", "run again; the file changed while it was read"))?;
        let base = stream.time_base();
        let mut decoder = codec::Context::from_parameters(stream.parameters())
            .and_then(|c| {
                let mut decoder = c.decoder();
                // Without it, samples that are skipped at the start would not move the time stamps.
                decoder.set_packet_time_base(base);
                decoder.audio()
            })
            .map_err(unusable)?;
        let mut graph: Option<Resampler> = None;
        let mut packet = ff::Packet::empty();
        let mut ended = false;
        while !ended {
            self.cancel.check()?;
            match input::read(&mut input, &mut packet) {
                Ok(()) if packet.stream() != self.track.index => continue,
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
                let Some(at) = frame.timestamp().map(|t| stamp(t, base) - self.zero) else { continue };
                if at > self.duration {
                    continue;
                }
                frame.set_pts(Some(at.0));
                let resampler = match &mut graph {
                    Some(resampler) if resampler.fits(&frame) => resampler,
                    // A phone may change the channel layout in mid-track; what was heard so far stays.
                    _ => {
                        let mut given = [0; 2];
                        if let Some(mut old) = graph.take() {
                            old.finish()?;
                            if old.drain(each)?.is_break() {
                                return Ok(());
                            }
                            given = old.given;
                        }
                        graph.insert(Resampler::new(&frame, speech, given, self.track.only)?)
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
}

/// Decoded frames to 48 kHz stereo, and to 16 kHz mono where asked.
struct Resampler {
    graph: Graph,
    speech: bool,
    shape: (u32, u16, Sample),
    /// Whether the first output has been put in its place.
    placed: [bool; 2],
    /// Samples (a channel) handed out since time zero, by this and the resamplers before it.
    given: [usize; 2],
    /// Samples (a channel) still to be dropped since they lie before what was handed out already.
    early: [usize; 2],
}

impl Resampler {
    fn new(frame: &frame::Audio, speech: bool, given: [usize; 2], only: Option<usize>) -> Result<Self, Fault> {
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
        ffi::set_graph_threads(&mut graph, 1);
        graph.add(&find("abuffer")?, "in", &source).map_err(unusable)?;
        graph.add(&find("abuffersink")?, "full", "").map_err(unusable)?;
        // Gaps over 50 ms are filled or cut at once, smaller differences are stretched away unheard.
        let full = "aresample=48000:async=1000:min_hard_comp=0.05,aformat=sample_fmts=flt:channel_layouts=stereo";
        let full = match only.filter(|_| frame.channels() == 2) {
            Some(channel) => format!("pan=stereo|c0=c{channel}|c1=c{channel},{full}"),
            None => full.to_string(),
        };
        if speech {
            graph.add(&find("abuffersink")?, "speech", "").map_err(unusable)?;
            let spec = format!(
                "[in]{full},asplit[full][wide];[wide]aresample={SAMPLE_RATE},aformat=sample_fmts=flt:channel_layouts=mono[speech]"
            );
            let parser = graph.output("in", 0).and_then(|p| p.input("full", 0)).and_then(|p| p.input("speech", 0));
            parser.and_then(|p| p.parse(&spec)).map_err(unusable)?;
        } else {
            let parser = graph.output("in", 0).and_then(|p| p.input("full", 0));
            parser.and_then(|p| p.parse(&format!("[in]{full}[full]"))).map_err(unusable)?;
        }
        graph.validate().map_err(unusable)?;
        let shape = (frame.rate(), frame.channels(), frame.format());
        Ok(Resampler { graph, speech, shape, placed: [false; 2], given, early: [0; 2] })
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

    fn drain(&mut self, each: &mut dyn FnMut(Piece) -> Flow) -> Flow {
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
        each: &mut dyn FnMut(&[f32]) -> Flow,
    ) -> Flow {
        let mut frame = frame::Audio::empty();
        loop {
            let mut context = self.graph.get(name).ok_or_else(|| unusable(ff::Error::Bug))?;
            let base = context.sink().time_base();
            if context.sink().frame(&mut frame).is_err() {
                return Ok(ControlFlow::Continue(()));
            }
            if !std::mem::replace(&mut self.placed[which], true) {
                let at = frame.pts().map_or(Time::ZERO, |t| stamp(t, base));
                self.early[which] =
                    Time(-at.0.min(0)).samples(rate) + self.given[which].saturating_sub(at.samples(rate));
                let mut missing = at.samples(rate).saturating_sub(self.given[which]);
                let silence = vec![0.0; rate as usize * channels];
                while missing > 0 {
                    let piece = missing.min(rate as usize);
                    self.given[which] += piece;
                    missing -= piece;
                    if each(&silence[..piece * channels])?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
            let count = frame.samples() * channels;
            let bytes = &frame.data(0)[..count * 4];
            let samples: Vec<f32> =
                bytes.chunks_exact(4).map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect();
            let dropped = (self.early[which] * channels).min(samples.len());
            self.early[which] -= dropped / channels;
            self.given[which] += (samples.len() - dropped) / channels;
            if dropped < samples.len() && each(&samples[dropped..])?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}
