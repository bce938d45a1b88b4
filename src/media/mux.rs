//! Writing a finished file: one picture track, at most one sound track, nothing else.

use super::proof::{self, Seal, Seals};
use super::sound::Mastered;
use crate::fault::Fault;
use crate::units::Rate;
use ffmpeg_next as ff;
use ffmpeg_next::format::context::Output;
use ffmpeg_next::{Dictionary, Rational, codec};
use std::path::Path;
use std::sync::Arc;

/// How the MP4 is laid out: `moov` first, and no edit list, which several platforms refuse; negative composition
/// offsets take its place, so that both tracks start at zero.
const HEADER: [(&str, &str); 3] =
    [("movflags", "+faststart+negative_cts_offsets"), ("use_editlist", "0"), ("fflags", "+bitexact")];

/// An MP4 being written under a temporary name.
pub struct Muxer {
    output: Output,
    picture_base: Rational,
    rate: Rate,
    picture: Seal,
    sound: Option<SoundTrack>,
}

struct SoundTrack {
    mastered: Arc<Mastered>,
    next: usize,
    base: Rational,
    seal: Seal,
}

fn writing(e: ff::Error) -> Fault {
    let advice = match e {
        ff::Error::Other { errno: ff::error::ENOSPC } => "free some space on the disk and run again",
        _ => "check that the output folder can be written to and run again",
    };
    Fault::new(format!("the file cannot be written ({e})"), advice)
}

impl Muxer {
    /// Creates the file and writes its header.
    pub fn create(
        path: &Path,
        picture: &codec::Context,
        rate: Rate,
        sound: Option<Arc<Mastered>>,
    ) -> Result<Self, Fault> {
        if path.to_str().is_none() {
            return Err(Fault::new("the output folder's name is not plain text", "choose another one with --out"));
        }
        let mut output = ff::format::output_as(path, "mp4").map_err(writing)?;
        let frames = Rational::new(rate.den as i32, rate.num as i32);
        let mut stream = output.add_stream_with(picture).map_err(writing)?;
        stream.set_time_base(frames);
        stream.set_avg_frame_rate(Rational::new(rate.num as i32, rate.den as i32));
        if let Some(mastered) = &sound {
            let encoder = mastered.encoder.lock().unwrap_or_else(|e| e.into_inner());
            let mut stream = output.add_stream_with(&encoder).map_err(writing)?;
            stream.set_time_base(Rational::new(1, super::sound::CUT_RATE as i32));
        }
        output.write_header_with(Dictionary::from_iter(HEADER)).map_err(writing)?;
        let base = |index| output.stream(index).map_or(frames, |s| s.time_base());
        let (picture_base, sound_base) = (base(0), base(1));
        let sound = sound.map(|mastered| SoundTrack { mastered, next: 0, base: sound_base, seal: Seal::default() });
        Ok(Muxer { output, picture_base, rate, picture: Seal::default(), sound })
    }

    /// Writes a picture packet, whose time stamps count frames, and the sound up to it.
    pub fn write(&mut self, mut packet: ff::Packet) -> Result<(), Fault> {
        let frames = Rational::new(self.rate.den as i32, self.rate.num as i32);
        let until = packet.dts().unwrap_or(0) as f64 * f64::from(self.rate.den) / f64::from(self.rate.num);
        self.write_sound(Some(until))?;
        let units = proof::units_by_start_code(packet.data().unwrap_or_default());
        self.picture.add(packet.pts(), packet.is_key(), units);
        packet.set_stream(0);
        packet.set_duration(1);
        packet.rescale_ts(frames, self.picture_base);
        packet.set_position(-1);
        packet.write_interleaved(&mut self.output).map_err(writing)
    }

    fn write_sound(&mut self, until: Option<f64>) -> Result<(), Fault> {
        let Some(sound) = &mut self.sound else { return Ok(()) };
        let samples = Rational::new(1, super::sound::CUT_RATE as i32);
        while let Some(mut packet) = sound.mastered.frames.packet(sound.next) {
            let at = packet.pts().unwrap_or(0) as f64 / f64::from(super::sound::CUT_RATE);
            if until.is_some_and(|until| at > until) {
                break;
            }
            sound.seal.add(packet.pts(), true, packet.data().into_iter());
            packet.set_stream(1);
            packet.rescale_ts(samples, sound.base);
            packet.set_position(-1);
            packet.write_interleaved(&mut self.output).map_err(writing)?;
            sound.next += 1;
        }
        Ok(())
    }

    /// Writes the rest of the sound and closes the file; the seals of picture and sound, of all packets as they were
    /// handed in.
    pub fn finish(mut self) -> Result<Seals, Fault> {
        self.write_sound(None)?;
        self.output.write_trailer().map_err(writing)?;
        Ok(Seals { picture: self.picture.close(), sound: self.sound.map(|sound| sound.seal.close()) })
    }
}
