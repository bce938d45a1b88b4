//! A finished file is opened and read again, and measured against its plan, before it may get its name.
//!
//! Of a file that was just made, every packet must be the one that its encoder gave; the sound, the key pictures and the
//! last group of pictures are decoded (see [`super::proof`]). Any other file is decoded as a whole.

use super::decode::is_ready;
use super::loudness::{Measured, Meter};
use super::probe::stamp;
use super::proof::{self, Proof, Seal};
use super::render::Rendered;
use super::sound::{self, CUT_RATE};
use super::{boxes, input};
use crate::cuts::{Limits, Recipe};
use crate::fault::{Cancel, Fault};
use crate::units::{Rate, Time};
use ffmpeg_next as ff;
use ffmpeg_next::{Rational, codec, color, format, frame, media};
use std::path::{Path, PathBuf};

/// Metadata that an MP4 cannot do without, or that says nothing.
const HARMLESS: [&str; 6] =
    ["major_brand", "minor_version", "compatible_brands", "language", "handler_name", "vendor_id"];
/// Names that the muxer gives its tracks.
const HANDLERS: [&str; 2] = ["VideoHandler", "SoundHandler"];
/// All boxes that a cut may hold. Anything else could be an edit list, user data or metadata (`meta` and `ilst` are
/// written empty).
const ALLOWED_BOXES: [&[u8; 4]; 29] = [
    b"ftyp", b"moov", b"mvhd", b"trak", b"tkhd", b"mdia", b"mdhd", b"hdlr", b"minf", b"vmhd", b"smhd", b"dinf",
    b"stbl", b"stsd", b"stts", b"stss", b"ctts", b"stsc", b"stsz", b"stco", b"co64", b"sgpd", b"sbgp", b"udta",
    b"meta", b"ilst", b"free", b"mdat", b"sdtp",
];
/// Loudness of the file may differ this much from the target, in LU.
const LOUDNESS_SLACK: f64 = 1.0;

/// A file that has been read again and keeps its plan. Only this can be published.
#[derive(Debug)]
pub struct Verified {
    file: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// Duration of the picture.
    pub duration: Time,
    /// Loudness and true peak as decoded from the file; none without sound.
    pub sound: Option<Measured>,
    /// Pictures of the clip that were damaged and were bridged or patched on the way; 0 for a file that was there.
    pub damaged: usize,
}

impl Verified {
    /// The checked file, still under its temporary name.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

/// Checks a finished file against its plan and every platform's limits.
///
/// # Errors
/// The first thing that is not as planned. The file stays where it is, for a person to look at.
pub fn verify(rendered: Rendered, recipe: &Recipe, limits: &[&Limits], cancel: &Cancel) -> Result<Verified, Fault> {
    let Rendered { file, damaged, proof, .. } = rendered;
    let wrong = |what: String| {
        Fault::new(
            format!("the finished file failed its check: {what}"),
            "run again; if it fails again, report the clip",
        )
    };
    let bytes = std::fs::metadata(&file).map_err(|e| wrong(format!("it cannot be read ({e})")))?.len();
    check_layout(&file).map_err(wrong)?;
    let decoded = Decoded::read(&file, recipe.rate, proof.as_ref(), cancel)?;
    decoded.check_picture(recipe).map_err(wrong)?;
    decoded.check_sound(recipe).map_err(wrong)?;
    let duration = recipe.rate.time_of(decoded.frames);
    for limit in limits {
        if bytes > limit.max_bytes {
            return Err(wrong(format!("{bytes} bytes where {} are allowed", limit.max_bytes)));
        }
        if duration > limit.max_duration || duration < limit.min_duration {
            return Err(wrong(format!(
                "{duration} long where {} to {} are allowed",
                limit.min_duration, limit.max_duration
            )));
        }
    }
    Ok(Verified { file, bytes, duration, sound: decoded.sound, damaged })
}

/// Index first, no edit list, nothing private between the boxes.
fn check_layout(file: &Path) -> Result<(), String> {
    let kinds = std::fs::File::open(file)
        .and_then(|f| boxes::list(std::io::BufReader::new(f)))
        .map_err(|e| format!("its boxes are broken ({e})"))?;
    if let Some(kind) = kinds.iter().find(|k| !ALLOWED_BOXES.contains(k)) {
        return Err(format!("it holds a {} box", String::from_utf8_lossy(kind)));
    }
    let place = |kind: &[u8; 4]| kinds.iter().position(|k| k == kind);
    match (place(b"moov"), place(b"mdat")) {
        (Some(index), Some(data)) if index < data => Ok(()),
        _ => Err("its index does not come first".into()),
    }
}

/// What reading the whole file showed.
struct Decoded {
    frames: i64,
    size: (u32, u32),
    odd_frame: bool,
    /// What is not as it was when the file was made.
    changed: Option<String>,
    format: format::Pixel,
    tags: (color::Space, color::Primaries, color::TransferCharacteristic, color::Range),
    starts: Vec<Time>,
    container_duration: Time,
    sound_samples: u64,
    sound: Option<Measured>,
    private: Option<String>,
    tracks: usize,
}

impl Decoded {
    fn read(file: &Path, rate: Rate, proof: Option<&Proof>, cancel: &Cancel) -> Result<Self, Fault> {
        let broken = |e: ff::Error| {
            Fault::new(
                format!("the finished file does not decode ({e})"),
                "run again; if it fails again, report the clip",
            )
        };
        let missing = || broken(ff::Error::StreamNotFound);
        let mut input = input::open(file)?;
        let picture = input.streams().find(|s| s.parameters().medium() == media::Type::Video).ok_or_else(missing)?;
        let (picture_index, picture_parameters) = (picture.index(), picture.parameters());
        let (picture_base, frame) = (picture.time_base(), Rational::new(rate.den as i32, rate.num as i32));
        let sound = input
            .streams()
            .find(|s| s.parameters().medium() == media::Type::Audio)
            .map(|s| (s.index(), s.parameters(), s.time_base()));
        let starts = input.streams().map(|s| stamp(s.start_time(), s.time_base())).collect();
        let private = private_metadata(&input);
        let (container_duration, tracks) = (Time(input.duration()), input.streams().count());
        let mut context = codec::Context::from_parameters(picture_parameters).map_err(broken)?;
        context.set_threading(codec::threading::Config {
            kind: codec::threading::Type::Frame,
            count: 2,
            ..Default::default()
        });
        let mut decoder = context.decoder().video().map_err(broken)?;
        let mut sound_decoder = match &sound {
            Some((_, parameters, _)) => Some(
                codec::Context::from_parameters(parameters.clone())
                    .and_then(|c| c.decoder().audio())
                    .map_err(broken)?,
            ),
            None => None,
        };
        let mut meter = Meter::new()?;
        let (mut frames, mut sound_samples, mut odd_frame) = (0, 0, false);
        let (mut picture_seal, mut sound_seal, mut strange) = (Seal::default(), Seal::default(), None);
        let (size, format) = ((decoder.width(), decoder.height()), decoder.format());
        let mut count = |decoder: &mut codec::decoder::Video| -> Result<(), ff::Error> {
            let mut picture = frame::Video::empty();
            while is_ready(decoder.receive_frame(&mut picture))? {
                odd_frame |= (picture.width(), picture.height()) != size
                    || picture.format() != format
                    || picture.is_corrupt()
                    || picture.has_decode_errors();
                frames += 1;
                if let Some(proof) = proof {
                    let number = proof::whole(picture.timestamp(), picture_base, frame);
                    if !number.is_some_and(|number| proof.shows(number, &picture)) {
                        strange = strange.or(number).or(Some(0));
                    }
                }
            }
            Ok(())
        };
        let mut packet = ff::Packet::empty();
        loop {
            cancel.check()?;
            match input::read(&mut input, &mut packet) {
                Ok(()) => {}
                Err(ff::Error::Eof) => break,
                Err(e) => return Err(broken(e)),
            }
            let data = packet.data().unwrap_or_default();
            if packet.stream() == picture_index {
                let number = proof::whole(packet.pts(), picture_base, frame);
                picture_seal.add(number, packet.is_key(), proof::units_by_length(data));
                let looked_at =
                    proof.is_none_or(|proof| number.is_none_or(|number| proof.looks_at(number, packet.is_key())));
                if looked_at {
                    decoder.send_packet(&packet).map_err(broken)?;
                    count(&mut decoder).map_err(broken)?;
                }
            } else if let Some((decoder, (_, _, base))) = sound_decoder.as_mut().zip(sound.as_ref()) {
                let number = proof::whole(packet.pts(), *base, Rational::new(1, CUT_RATE as i32));
                sound_seal.add(number, true, std::iter::once(data));
                decoder.send_packet(&packet).map_err(broken)?;
                sound_samples += sound::measure_decoded(decoder, &mut meter)?;
            }
        }
        decoder.send_eof().map_err(broken)?;
        count(&mut decoder).map_err(broken)?;
        let tags = (
            decoder.color_space(),
            decoder.color_primaries(),
            decoder.color_transfer_characteristic(),
            decoder.color_range(),
        );
        let (picture_seal, sound_seal) = (picture_seal.close(), sound.as_ref().map(|_| sound_seal.close()));
        let changed = proof.and_then(|proof| {
            let packets = picture_seal.packets;
            if packets != proof.seals.picture.packets {
                Some(format!("{packets} pictures where {} were encoded", proof.seals.picture.packets))
            } else if picture_seal != proof.seals.picture {
                Some("its picture is not the one that was encoded".to_string())
            } else if sound_seal != proof.seals.sound {
                Some("its sound is not the one that was encoded".to_string())
            } else if let Some(number) = strange {
                Some(format!("the picture at {} does not show what was encoded", rate.time_of(number)))
            } else {
                let looked_at = proof.looked_at();
                (frames != looked_at).then(|| format!("{frames} pictures decode where {looked_at} should"))
            }
        });
        // Of a proven file the packets were counted, each of which is a picture.
        let frames = if proof.is_some() { picture_seal.packets } else { frames };
        let sound = sound.map(|_| meter.read()).transpose()?;
        Ok(Decoded {
            frames,
            size,
            odd_frame,
            changed,
            format,
            tags,
            starts,
            container_duration,
            sound_samples,
            sound,
            private,
            tracks,
        })
    }

    fn check_picture(&self, recipe: &Recipe) -> Result<(), String> {
        if let Some(changed) = &self.changed {
            return Err(changed.clone());
        }
        let planned = recipe.frames();
        if self.frames != planned {
            return Err(format!("{} pictures where {planned} were planned", self.frames));
        }
        let off = self.container_duration - recipe.duration();
        if off.0.abs() > recipe.rate.frame().0 + 22_000 {
            return Err(format!("{} long where {} were planned", self.container_duration, recipe.duration()));
        }
        if self.size != (recipe.canvas.width, recipe.canvas.height) || self.odd_frame {
            return Err(format!("pictures of {}x{} where {} was planned", self.size.0, self.size.1, recipe.canvas));
        }
        if self.format != format::Pixel::YUV420P {
            return Err("its pixel format is not yuv420p".into());
        }
        use color::{Primaries, Range, Space, TransferCharacteristic};
        if self.tags != (Space::BT709, Primaries::BT709, TransferCharacteristic::BT709, Range::MPEG) {
            return Err("its colour tags are not BT.709, limited range".into());
        }
        if let Some(key) = &self.private {
            return Err(format!("it carries the metadata {key}"));
        }
        let tracks = 1 + usize::from(recipe.sound.is_some());
        if self.tracks != tracks {
            return Err(format!("{} tracks where {tracks} were planned", self.tracks));
        }
        if self.starts.iter().any(|start| start.0.abs() > 1_000) {
            return Err("picture and sound do not start together at zero".into());
        }
        Ok(())
    }

    fn check_sound(&self, recipe: &Recipe) -> Result<(), String> {
        let (Some(planned), Some(measured)) = (&recipe.sound, &self.sound) else {
            return if recipe.sound.is_none() == self.sound.is_none() {
                Ok(())
            } else {
                Err("its sound is missing".into())
            };
        };
        let length = Time::of_samples(self.sound_samples, CUT_RATE);
        let off = length - recipe.duration();
        // The last AAC frame is as long as the others, whatever part of it is needed.
        if off.0.abs() > recipe.rate.frame().0 + 45_000 {
            return Err(format!("{length} of sound for {} of picture", recipe.duration()));
        }
        let Some(target) = planned.target else { return Ok(()) };
        if measured.true_peak > planned.ceiling + 0.05 {
            return Err(format!(
                "a true peak of {:.1} dBTP where {:.1} is allowed",
                measured.true_peak, planned.ceiling
            ));
        }
        // What is almost silent, or a whisper between claps, cannot be brought to the target without distortion.
        let held_by_peaks = measured.loudness < target && measured.true_peak > planned.ceiling - 1.5;
        let reachable = planned.gain < crate::cuts::MAX_GAIN && measured.loudness > -50.0 && !held_by_peaks;
        if reachable && (measured.loudness - target).abs() > LOUDNESS_SLACK {
            return Err(format!("a loudness of {:.1} LUFS where {target:.1} was planned", measured.loudness));
        }
        Ok(())
    }
}

/// The first metadata key that a cut should not carry.
fn private_metadata(input: &ff::format::context::Input) -> Option<String> {
    let telling = |metadata: ff::DictionaryRef| {
        metadata
            .iter()
            .find(|(key, value)| !HARMLESS.contains(key) || (*key == "handler_name" && !HANDLERS.contains(value)))
            .map(|(key, _)| key.to_string())
    };
    telling(input.metadata())
        .or_else(|| input.streams().find_map(|s| telling(s.metadata())))
        .or_else(|| input.chapters().next().map(|_| "chapters".to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::encode::Encoder;
    use super::super::mux::Muxer;
    use super::super::proof::Prints;
    use super::*;
    use crate::cuts::{PictureCodec, Placement};
    use crate::intake::Digest;
    use crate::units::{Size, Span};

    const FRAMES: i64 = 75;

    fn recipe() -> Recipe {
        let canvas = Size::new(160, 96);
        Recipe {
            clip: Digest("test".into()),
            canvas,
            rate: Rate::new(30, 1),
            kept: Span::new(Time::ZERO, Time::from_seconds(FRAMES as f64 / 30.0)).into(),
            hold: Time::ZERO,
            placement: Placement::Fill { crop: canvas.rect() },
            script: None,
            marks: Vec::new(),
            sound: None,
            codec: PictureCodec {
                encoder: "libx264".into(),
                preset: "veryfast".into(),
                crf: 28.0,
                max_rate: 400,
                target_rate: None,
                gop: 30,
            },
        }
    }

    /// A bright block that moves over grain.
    fn picture(number: i64) -> frame::Video {
        let mut picture = frame::Video::new(format::Pixel::YUV420P, 160, 96);
        let stride = picture.stride(0);
        for (i, value) in picture.data_mut(0).iter_mut().enumerate() {
            let (column, row) = ((i % stride) as i64, (i / stride) as i64);
            let inside = (number..number + 50).contains(&column) && (20..70).contains(&row);
            let grain = (column * 7919 + row * 104_729 + number * 1_299_709) % 31;
            *value = (if inside { 190 } else { 60 + row } + grain) as u8;
        }
        picture.data_mut(1).fill(128);
        picture.data_mut(2).fill(128);
        picture
    }

    /// A file whose encoder was given pictures and made something of them.
    fn made(folder: &Path, of: &dyn Fn(i64) -> frame::Video) -> Rendered {
        let recipe = recipe();
        let file = folder.join("made.mp4");
        super::super::start();
        let mut encoder = Encoder::open(&recipe).unwrap();
        let mut muxer = Muxer::create(&file, encoder.context(), recipe.rate, None).unwrap();
        let mut prints = Prints::default();
        for number in 0..=FRAMES {
            if number < FRAMES {
                prints.note(&picture(number), number);
                encoder.send(&of(number), number).unwrap();
            } else {
                encoder.finish().unwrap();
            }
            while let Some(packet) = encoder.packet().unwrap() {
                prints.pass(&packet);
                muxer.write(packet).unwrap();
            }
        }
        let seals = muxer.finish().unwrap();
        Rendered { file, sound: None, damaged: 0, proof: Some(Proof { seals, prints: prints.close() }) }
    }

    #[test]
    fn what_an_encoder_made_of_other_pictures_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { min_duration: Time::ZERO, max_duration: Time::from_seconds(60.0), max_bytes: 1 << 20 };
        let check = |of: &dyn Fn(i64) -> frame::Video| {
            verify(made(folder.path(), of), &recipe(), &[&limits], &Cancel::new()).map_err(|fault| fault.to_string())
        };
        let good = check(&picture).unwrap();
        assert_eq!(good.duration, recipe().duration());
        let black = |_: i64| {
            let mut black = picture(0);
            black.data_mut(0).fill(16);
            black
        };
        let late_black = |number: i64| if number < FRAMES - 3 { picture(number) } else { black(number) };
        for (what, of) in [
            ("black", &black as &dyn Fn(i64) -> frame::Video),
            ("black at the end", &late_black),
            ("frozen", &|_| picture(0)),
            ("late", &|number| picture((number - 30).max(0))),
        ] {
            let said = check(of).unwrap_err();
            assert!(said.contains("does not show what was encoded"), "{what}: {said}");
        }
    }

    #[test]
    fn only_key_pictures_and_the_last_group_are_decoded() {
        let folder = tempfile::tempdir().unwrap();
        let rendered = made(folder.path(), &picture);
        let proof = rendered.proof.unwrap();
        // Three groups of at most 30: two keys, and the group of the third.
        assert!((3..=17).contains(&proof.looked_at()), "{} decoded", proof.looked_at());
    }
}
