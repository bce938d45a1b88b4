//! What a clip holds, found by opening it, reading every packet and decoding sound: a little of each track, and all of
//! it where there are two channels, of which one may be dead.

use super::colour::{Tags, peak};
use super::{AudioTrack, Colour, Orientation, PrivateField, Probe, VideoTrack, ffi, input, special};
use crate::config::Bounds;
use crate::fault::{Cancel, Fault};
use crate::units::{Rate, Size, Time};
use ffmpeg_next as ff;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::format::stream::Disposition;
use ffmpeg_next::{Rational, Stream, codec, media};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;

/// Raised whenever the same file is read in another way, so that what was remembered of it is found out anew.
pub const READING: u32 = 2;

/// No setting allows a longer side than this; whoever claims more is damaged.
const LARGEST_SIDE: i64 = 16_384;
/// Nobody films longer than this without a break; whoever claims more is damaged.
const LONGEST: Time = Time::from_millis(24 * 3600 * 1000);
/// Less than this is a photo, or what is left of a clip: one or two pictures.
const SHORTEST: Time = Time::from_millis(90);
/// Packets of an audio track that are tried before it is given up as undecodable.
const AUDIO_ATTEMPTS: usize = 64;
/// A channel this much below the other, in power over the whole clip (30 dB), is dead: two microphones of a phone hear
/// the same voice within a few dB.
const DEAD: f64 = 1e-3;
/// A picture of less than one in this many pixels of another one is a preview of it.
const PREVIEW: i64 = 4;
/// A step between pictures may differ this much from the mean in footage of constant rate.
const RATE_TOLERANCE: f64 = 0.02;

/// Reads what `path` holds, within the usual bounds. Decodes no picture.
///
/// # Errors
/// As [`probe_within`].
pub fn probe(path: &Path, cancel: &Cancel) -> Result<Probe, Fault> {
    probe_within(path, &Bounds::default(), cancel)
}

/// Reads what `path` holds. Decodes no picture.
///
/// # Errors
/// The file is no container, holds no picture that can be decoded, claims a size or duration beyond the bounds, is no more than a moment, or ends
/// before it should.
pub fn probe_within(path: &Path, bounds: &Bounds, cancel: &Cancel) -> Result<Probe, Fault> {
    let mut input = input::open(path)?;
    let mut ignored = Vec::new();
    let video_index = choose_video(&input, &mut ignored)?;
    let candidates = audio_candidates(&input, video_index, &mut ignored);
    let private = private_fields(&input);
    let special = special::modes(&input, path, video_index);
    let mut video = describe_video(&input, video_index, bounds)?;

    let scan = Scan::read(&mut input, video_index, candidates, cancel)?;
    let stamps = scan.stamps;
    let (Some(&first), Some(&last)) = (stamps.first(), stamps.last()) else {
        return Err(Fault::new("the video track holds no pictures", "copy the clip from the phone again"));
    };
    video.start = first;
    let steps: Vec<i64> = stamps.windows(2).map(|w| w[1].0 - w[0].0).filter(|s| *s > 0).collect();
    video.rate = mean_rate(&steps, video.rate);
    video.constant_rate = is_constant(&steps);
    let picture_end = last - first + video.rate.frame();

    let audio = scan.audio.map(|found| AudioTrack { start: found.start - first, ..found.track });
    let sound_end = scan.audio_end.map_or(Time::ZERO, |end| end - first);
    ignored.extend(scan.undecodable);
    let duration = picture_end.max(sound_end);
    check_duration(duration, bounds)?;
    Ok(Probe { container: input.format().name().to_string(), duration, video, audio, ignored, private, special })
}

/// Whether a clip that was read before is within the bounds of today.
///
/// # Errors
/// It is too large or too long.
pub fn check_bounds(probe: &Probe, bounds: &Bounds) -> Result<(), Fault> {
    check_side(i64::from(probe.video.coded.width), i64::from(probe.video.coded.height), bounds)?;
    check_duration(probe.duration, bounds)
}

fn check_side(width: i64, height: i64, bounds: &Bounds) -> Result<(), Fault> {
    let longest = width.max(height);
    if width <= 0 || height <= 0 || longest > LARGEST_SIDE {
        return Err(Fault::new(
            format!("the picture claims to be {width}x{height} pixels, which no phone records"),
            "copy the clip from the phone again",
        ));
    }
    if longest > i64::from(bounds.max_side) {
        return Err(Fault::new(
            format!("the picture is {width}x{height} pixels; at most {} a side are taken", bounds.max_side),
            "record it in 4K or less, or raise max_side under [intake] in practice.toml",
        ));
    }
    Ok(())
}

fn check_duration(duration: Time, bounds: &Bounds) -> Result<(), Fault> {
    if duration < SHORTEST {
        return Err(Fault::new(
            format!("the clip lasts only {duration}"),
            "copy it from the phone again; if it is no longer there, record the answer again",
        ));
    }
    if duration > LONGEST {
        return Err(Fault::new("the clip claims to last longer than a day", "copy the clip from the phone again"));
    }
    if duration > bounds.max_duration {
        return Err(Fault::new(
            format!("the clip lasts {duration} and the longest that is taken is {}", bounds.max_duration),
            "cut it into shorter clips, or raise max_minutes under [intake] in practice.toml",
        ));
    }
    Ok(())
}

/// The track that is shown: one that moves, is no cover image and has a decoder. Of several the one that the container
/// marks as its default, and of these the first, unless it is a small preview of another.
fn choose_video(input: &Input, ignored: &mut Vec<String>) -> Result<usize, Fault> {
    let mut usable = Vec::new();
    for stream in input.streams() {
        let parameters = stream.parameters();
        if parameters.medium() != media::Type::Video {
            continue;
        }
        let index = stream.index();
        let (width, height) = ffi::declared_size(&parameters);
        if stream.disposition().contains(Disposition::ATTACHED_PIC) {
            ignored.push(format!("track {index}: a cover image"));
        } else if codec::decoder::find(parameters.id()).is_none() {
            ignored.push(format!("video track {index} ({}): no decoder", parameters.id().name()));
        } else {
            // A header may claim any size.
            usable.push((stream, width.saturating_mul(height)));
        }
    }
    let largest = usable.iter().map(|(_, area)| *area).max().unwrap_or(0);
    let rank = |(stream, area): &(Stream, i64)| {
        let moves = stream.frames() != 1;
        let default = stream.disposition().contains(Disposition::DEFAULT);
        (moves, default, area.saturating_mul(PREVIEW) >= largest, Reverse(stream.index()))
    };
    let shown = usable.iter().max_by_key(|track| rank(track)).map(|(stream, _)| stream.index()).ok_or_else(|| {
        Fault::new("the file holds no picture", "record the answer as a video, or take the file out of the folder")
    })?;
    let others = usable.iter().map(|(stream, _)| stream.index()).filter(|index| *index != shown);
    ignored.extend(others.map(|index| format!("video track {index}: track {shown} is shown")));
    Ok(shown)
}

/// Sound tracks with a decoder, in the file's order; everything else that is not shown goes to `ignored`.
fn audio_candidates(input: &Input, video: usize, ignored: &mut Vec<String>) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for stream in input.streams().filter(|s| s.index() != video) {
        let (index, parameters) = (stream.index(), stream.parameters());
        let name = parameters.id().name();
        match parameters.medium() {
            media::Type::Audio => match Candidate::open(&stream) {
                Some(candidate) => candidates.push(candidate),
                None => ignored.push(format!("audio track {index} ({}): no decoder", codec_name(&parameters))),
            },
            media::Type::Video => {}
            media::Type::Subtitle => ignored.push(format!("subtitle track {index} ({name})")),
            _ => ignored.push(format!("data track {index} ({})", codec_name(&parameters))),
        }
    }
    candidates
}

/// The codec's name, or the container's own code for it where FFmpeg knows none.
fn codec_name(parameters: &codec::Parameters) -> String {
    if parameters.id() != codec::Id::None {
        return parameters.id().name().to_string();
    }
    ffi::codec_tag(parameters).iter().map(|b| char::from(*b)).filter(char::is_ascii_graphic).collect()
}

fn describe_video(input: &Input, index: usize, bounds: &Bounds) -> Result<VideoTrack, Fault> {
    let stream = input.stream(index).ok_or_else(|| Fault::new("the video track is gone", "copy the clip again"))?;
    let parameters = stream.parameters();
    let (width, height) = ffi::declared_size(&parameters);
    check_side(width, height, bounds)?;
    let coded = Size::new(width as u32, height as u32);
    let decoder = codec::Context::from_parameters(parameters.clone())
        .and_then(|c| c.decoder().video())
        .map_err(|e| Fault::new(format!("the picture cannot be decoded ({e})"), "export the clip as H.264 or HEVC"))?;
    let descriptor = decoder.format().descriptor();
    let pixel_format = descriptor.map_or("unknown", |d| d.name()).to_string();
    let bits = bits_of(&pixel_format);
    let matrix = stream.side_data().find(|d| d.kind() == codec::packet::side_data::Type::DisplayMatrix);
    let orientation = matrix.map_or_else(Orientation::default, |d| Orientation::from_matrix(d.data()));
    let aspect = ffi::sample_aspect(&stream);
    let sample_aspect = match (aspect.numerator(), aspect.denominator()) {
        // Real ones lie between 1:4 and 4:1; a header that claims more asks for a picture of gigabytes.
        (n, d) if n > 0 && d > 0 && n <= d.saturating_mul(4) && d <= n.saturating_mul(4) => (n as u32, d as u32),
        _ => (1, 1),
    };
    let mut colour = Colour::from_tags(&Tags {
        space: decoder.color_space(),
        range: decoder.color_range(),
        primaries: decoder.color_primaries(),
        transfer: decoder.color_transfer_characteristic(),
        height: coded.short_side(),
        full_range_format: pixel_format.starts_with("yuvj"),
    });
    // Some containers say it instead of the pictures.
    let told = |kind| stream.side_data().find(|d| d.kind() == kind);
    use codec::packet::side_data::Type::{ContentLightLevel, MasteringDisplayMetadata};
    let (mastering, light) = (told(MasteringDisplayMetadata), told(ContentLightLevel));
    colour.peak = peak(mastering.as_ref().map(|d| d.data()), light.as_ref().map(|d| d.data()));
    Ok(VideoTrack {
        index,
        codec: parameters.id().name().to_string(),
        coded,
        orientation,
        sample_aspect,
        displayed: displayed_size(coded, sample_aspect, orientation),
        rate: rate_of(&stream),
        constant_rate: true,
        start: Time::ZERO,
        bits,
        pixel_format,
        colour,
    })
}

/// Bits a sample, from the format's name: `yuv420p10le` has 10.
fn bits_of(pixel_format: &str) -> u32 {
    let name = pixel_format.trim_end_matches("le").trim_end_matches("be");
    let digits: String =
        name.chars().rev().take_while(char::is_ascii_digit).collect::<String>().chars().rev().collect();
    match digits.parse() {
        Ok(bits @ (9 | 10 | 12 | 14 | 16)) if name.contains('p') => bits,
        _ => 8,
    }
}

/// The size as a person sees it. A sample aspect other than 1:1 widens or heightens the picture, so that no line of it
/// is lost.
fn displayed_size(coded: Size, (num, den): (u32, u32), orientation: Orientation) -> Size {
    let stretch =
        |length: u32, by: u32, over: u32| ((f64::from(length) * f64::from(by) / f64::from(over)).round() as u32).max(1);
    let square = match num.cmp(&den) {
        std::cmp::Ordering::Greater => Size::new(stretch(coded.width, num, den), coded.height),
        std::cmp::Ordering::Less => Size::new(coded.width, stretch(coded.height, den, num)),
        std::cmp::Ordering::Equal => coded,
    };
    if orientation.swaps_sides() { Size::new(square.height, square.width) } else { square }
}

fn rate_of(stream: &Stream) -> Rate {
    let usable = |r: Rational| {
        (r.numerator() > 0 && r.denominator() > 0).then(|| Rate::new(r.numerator() as u32, r.denominator() as u32))
    };
    usable(stream.avg_frame_rate()).or_else(|| usable(stream.rate())).unwrap_or(Rate::new(30, 1))
}

/// The mean rate of the steps, in microseconds; `declared` where it says the same or there is only one picture.
fn mean_rate(steps: &[i64], declared: Rate) -> Rate {
    let total: i64 = steps.iter().sum();
    if total <= 0 {
        return declared;
    }
    let measured = steps.len() as f64 * 1e6 / total as f64;
    if (measured / declared.fps() - 1.0).abs() < 0.002 {
        return declared;
    }
    Rate::new((measured * 1000.0).round().max(1.0) as u32, 1000)
}

fn is_constant(steps: &[i64]) -> bool {
    let Some(mean) = steps.iter().sum::<i64>().checked_div(steps.len() as i64) else { return true };
    // Container time bases as coarse as 1 ms round every step.
    let slack = (mean as f64 * RATE_TOLERANCE).max(1_100.0);
    steps.iter().all(|s| ((s - mean) as f64).abs() <= slack)
}

/// The part of a field's name that says it is about a person, a place, a time or a device.
const PRIVATE_KEYS: [&str; 19] = [
    "location",
    "gps",
    "xyz",
    "make",
    "model",
    "software",
    "creation",
    "date",
    "author",
    "artist",
    "comment",
    "description",
    "title",
    "xmp",
    "timecode",
    "com.apple",
    "com.android",
    "encoder",
    "copyright",
];

fn private_fields(input: &Input) -> Vec<PrivateField> {
    let mut found = BTreeMap::new();
    let mut note = |place: String, metadata: ff::DictionaryRef| {
        for (key, value) in metadata.iter() {
            let lower = key.to_lowercase();
            let telling_handler = lower == "handler_name"
                && !["VideoHandler", "SoundHandler", "Core Media Video", "Core Media Audio"].contains(&value);
            if PRIVATE_KEYS.iter().any(|p| lower.contains(p)) || telling_handler {
                found.insert((place.clone(), key.to_string()), ());
            }
        }
    };
    note("container".into(), input.metadata());
    for stream in input.streams() {
        note(format!("stream {}", stream.index()), stream.metadata());
    }
    for (number, chapter) in input.chapters().enumerate() {
        note(format!("chapter {}", number + 1), chapter.metadata());
    }
    found.into_keys().map(|(place, key)| PrivateField { place, key }).collect()
}

/// An audio track whose decoder opened; whether it decodes is found out by trying.
struct Candidate {
    index: usize,
    decoder: codec::decoder::Audio,
    time_base: Rational,
    attempts: usize,
    works: bool,
    start: Option<Time>,
    end: Option<Time>,
    /// Sums of the squared samples of two channels.
    power: [f64; 2],
}

impl Candidate {
    fn open(stream: &Stream) -> Option<Self> {
        let decoder = codec::Context::from_parameters(stream.parameters()).ok()?.decoder().audio().ok()?;
        let (index, time_base) = (stream.index(), stream.time_base());
        Some(Candidate {
            index,
            decoder,
            time_base,
            attempts: 0,
            works: false,
            start: None,
            end: None,
            power: [0.0; 2],
        })
    }

    fn feed(&mut self, packet: &ff::Packet) {
        // Edit lists mark sound before the start, too.
        if let Some(pts) = packet.pts().filter(|_| !ffi::is_discarded(packet)) {
            let start = stamp(pts, self.time_base);
            self.start.get_or_insert(start);
            let end = start + stamp(packet.duration(), self.time_base);
            self.end = Some(self.end.map_or(end, |known| known.max(end)));
        }
        let settled = if self.works { self.decoder.channels() != 2 } else { self.attempts >= AUDIO_ATTEMPTS };
        if settled {
            return;
        }
        self.attempts += 1;
        if self.decoder.send_packet(packet).is_err() {
            return;
        }
        let mut frame = ff::frame::Audio::empty();
        while self.decoder.receive_frame(&mut frame).is_ok() {
            self.works |= frame.rate() > 0;
            for (sum, power) in self.power.iter_mut().zip(channel_power(&frame)) {
                *sum += power;
            }
        }
    }

    /// The only one of two channels that carries sound, if one is dead.
    fn only(&self) -> Option<usize> {
        let [left, right] = self.power;
        match left.max(right) {
            loudest if loudest <= 0.0 => None,
            loudest if right < loudest * DEAD => Some(0),
            loudest if left < loudest * DEAD => Some(1),
            _ => None,
        }
    }
}

/// Sums of the squared samples of both channels; zero where there are not two, or in formats that no phone records.
fn channel_power(frame: &ff::frame::Audio) -> [f64; 2] {
    fn planar<T: Copy + Into<f64> + ff::frame::audio::Sample>(frame: &ff::frame::Audio) -> [f64; 2] {
        [0, 1].map(|channel| frame.plane::<T>(channel).iter().map(|s| (*s).into().powi(2)).sum())
    }
    fn packed<T: Copy + Into<f64>>(frame: &ff::frame::Audio) -> [f64; 2]
    where
        (T, T): ff::frame::audio::Sample,
    {
        frame
            .plane::<(T, T)>(0)
            .iter()
            .fold([0.0; 2], |[left, right], (l, r)| [left + (*l).into().powi(2), right + (*r).into().powi(2)])
    }
    use ff::format::sample::{Sample, Type::*};
    if frame.channels() != 2 {
        return [0.0; 2];
    }
    match frame.format() {
        Sample::I16(Packed) => packed::<i16>(frame),
        Sample::I32(Packed) => packed::<i32>(frame),
        Sample::F32(Packed) => packed::<f32>(frame),
        Sample::I16(Planar) => planar::<i16>(frame),
        Sample::I32(Planar) => planar::<i32>(frame),
        Sample::F32(Planar) => planar::<f32>(frame),
        _ => [0.0; 2],
    }
}

struct FoundAudio {
    track: AudioTrack,
    start: Time,
}

/// What reading every packet tells.
struct Scan {
    /// Presentation times of the pictures in container time, in order.
    stamps: Vec<Time>,
    audio: Option<FoundAudio>,
    audio_end: Option<Time>,
    undecodable: Vec<String>,
}

impl Scan {
    fn read(input: &mut Input, video: usize, mut candidates: Vec<Candidate>, cancel: &Cancel) -> Result<Self, Fault> {
        let mut stamps = Vec::new();
        let mut packet = ff::Packet::empty();
        let video_base = input.stream(video).map_or(Rational::new(1, 90_000), |s| s.time_base());
        loop {
            cancel.check()?;
            match input::read(input, &mut packet) {
                Ok(()) => {}
                Err(ff::Error::Eof) => break,
                Err(e) => {
                    return Err(Fault::new(
                        format!("the file ends or breaks in the middle ({e})"),
                        "copy the clip from the phone again",
                    ));
                }
            }
            if packet.stream() == video {
                // Edit lists mark pictures before the start for decoding only.
                if let Some(at) = packet.pts().or(packet.dts())
                    && !ffi::is_discarded(&packet)
                {
                    stamps.push(stamp(at, video_base));
                }
            } else if let Some(candidate) = candidates.iter_mut().find(|c| c.index == packet.stream()) {
                candidate.feed(&packet);
            }
        }
        stamps.sort_unstable();
        let mut undecodable = Vec::new();
        let mut chosen: Option<Candidate> = None;
        for candidate in candidates {
            if !candidate.works {
                undecodable.push(format!(
                    "audio track {} ({}): it does not decode",
                    candidate.index,
                    candidate.decoder.id().name()
                ));
            } else if chosen.is_some() {
                undecodable.push(format!("audio track {}: another one is heard", candidate.index));
            } else {
                chosen = Some(candidate);
            }
        }
        let audio_end = chosen.as_ref().and_then(|c| c.end);
        let audio = chosen.map(|c| FoundAudio {
            start: c.start.unwrap_or(Time::ZERO),
            track: AudioTrack {
                index: c.index,
                codec: c.decoder.id().name().to_string(),
                sample_rate: c.decoder.rate(),
                channels: u32::from(c.decoder.channels()),
                start: Time::ZERO,
                only: c.only(),
            },
        });
        Ok(Scan { stamps, audio, audio_end, undecodable })
    }
}

/// A time stamp of a track in microseconds.
pub(super) fn stamp(ticks: i64, base: Rational) -> Time {
    let (num, den) = (i128::from(base.numerator()), i128::from(base.denominator()));
    // A hostile header may claim any time; a century is enough, and leaves room to add and subtract.
    const CENTURY: i128 = 100 * 365 * 86_400 * 1_000_000;
    Time((i128::from(ticks) * num * 1_000_000 / den.max(1)).clamp(-CENTURY, CENTURY) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_from_the_formats_own_name() {
        for (name, bits) in
            [("yuv420p", 8), ("yuvj420p", 8), ("yuv420p10le", 10), ("yuv422p12le", 12), ("nv12", 8), ("gray10le", 8)]
        {
            assert_eq!(bits_of(name), bits, "{name}");
        }
    }

    #[test]
    fn jitter_is_not_constant_and_rounding_is() {
        assert!(is_constant(&[33_000, 34_000, 33_000, 33_000]));
        assert!(!is_constant(&[33_000, 50_000, 33_000, 20_000]));
        assert!(is_constant(&[]));
    }

    #[test]
    fn odd_sample_aspects_lose_no_line() {
        let upright = Orientation::default();
        assert_eq!(displayed_size(Size::new(720, 1080), (2, 1), upright), Size::new(1440, 1080));
        assert_eq!(displayed_size(Size::new(1440, 720), (1, 2), upright), Size::new(1440, 1440));
        let turned = Orientation { degrees: 90, mirrored: false };
        assert_eq!(displayed_size(Size::new(1920, 1080), (1, 1), turned), Size::new(1080, 1920));
    }
}
