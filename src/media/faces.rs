//! Where faces are in a clip: about two pictures a second are looked at, small and grey.
//!
//! Where a phone leaves a key picture each second, only those are decoded, which costs next to nothing; else every
//! picture that others refer to is. The detector is SeetaFace (the `rustface` crate); its model is part of the program.

use super::decode::{is_ready, max_pixels};
use super::probe::stamp;
use super::{Orientation, VideoTrack, ffi, input};
use crate::fault::{Cancel, Fault};
use crate::units::{Rect, Size, Time};
use ffmpeg_next as ff;
use ffmpeg_next::codec::discard::Discard;
use ffmpeg_next::codec::threading;
use ffmpeg_next::software::scaling;
use ffmpeg_next::{codec, format, frame};
use rustface::{Detector, ImageData};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// SeetaFace's frontal model, as the crate's package holds it; its licence lies beside it.
const MODEL: &[u8] = include_bytes!("../../presets/faces/seeta_fd_frontal_v1.0.bin");

/// Version of how faces are looked for; what was kept by another is looked for anew.
pub const LOOK: u32 = 1;

/// Longer side of the pictures that are looked at. The detector sees faces from 40 pixels on, which is a twelfth of it.
const LOOKED_AT: u32 = 480;

/// Pictures are looked at no closer together than this.
const STEP: Time = Time::from_millis(480);

/// Key pictures that lie further apart than this are too few.
const SPARSE: Time = Time::from_millis(1500);

/// Below this score SeetaFace sees faces in curtains: its false alarms reach 3 to 4, real faces begin at about 6.
const LEAST_SCORE: f64 = 5.0;

/// Cells across and down whose mean brightness tells scenes apart, and how much they differ on average at a cut, of 255.
/// A phone that is swung about stays below half of it from one picture to the next.
const CELLS: (usize, usize) = (16, 9);
const CUT: f64 = 28.0;

/// Two cuts closer than this are a flash, not a scene.
const FLASH: Time = Time::from_millis(300);

/// What was seen of faces in a clip.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Faces {
    /// The pictures that were looked at, in order; those without a face count too.
    pub seen: Vec<Seen>,
    /// When another scene starts, in order: the time of its first picture.
    pub cuts: Vec<Time>,
}

/// The faces in one picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Time of the picture from the clip's time zero.
    pub at: Time,
    /// All that were found.
    pub faces: Vec<FaceBox>,
}

/// One face.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FaceBox {
    /// From the brow to the chin, in displayed pixels, inside the picture.
    pub place: Rect,
    /// How sure the detector is; 5 is little, 20 is much.
    pub score: f64,
}

/// Looks for faces; none where nothing can be seen, for whatever reason. It may pass (a file that is locked, a network
/// drive that is away), so it must not be remembered as a clip without faces; a clip that is broken is told of where it
/// is rendered.
///
/// # Errors
/// The work was cancelled.
pub fn look(path: &Path, track: &VideoTrack, threads: usize, cancel: &Cancel) -> Result<Option<Faces>, Fault> {
    let seen = || {
        let dense = key_gap(path, track, cancel)? <= SPARSE;
        let found = pass(path, track, if dense { Discard::NonKey } else { Discard::NonReference }, threads, cancel)?;
        // Between two key pictures nobody saw when the scene changed.
        let exact = if found.cuts.is_empty() { found } else { pass(path, track, Discard::None, threads, cancel)? };
        Ok(exact)
    };
    match seen() {
        Err(Fault::Cancelled) => Err(Fault::Cancelled),
        found => Ok(found.ok()),
    }
}

/// The longest time between two key pictures, by the packets alone.
fn key_gap(path: &Path, track: &VideoTrack, cancel: &Cancel) -> Result<Time, Fault> {
    let mut input = input::open(path)?;
    let base = input.stream(track.index).ok_or_else(unseen)?.time_base();
    let (mut keys, mut last) = (Vec::new(), Time::ZERO);
    let mut packet = ff::Packet::empty();
    while input::read(&mut input, &mut packet).is_ok() {
        cancel.check()?;
        if packet.stream() != track.index {
            continue;
        }
        let Some(at) = packet.pts().or(packet.dts()).map(|t| stamp(t, base) - track.start) else { continue };
        last = last.max(at);
        if packet.is_key() {
            keys.push(at);
        }
    }
    keys.sort_unstable();
    let ends = keys.iter().skip(1).chain([&last]);
    Ok(keys.iter().zip(ends).map(|(from, to)| *to - *from).max().unwrap_or(last))
}

/// Decodes what `skip` leaves, and looks at it.
fn pass(path: &Path, track: &VideoTrack, skip: Discard, threads: usize, cancel: &Cancel) -> Result<Faces, Fault> {
    let mut input = input::open(path)?;
    let stream = input.stream(track.index).ok_or_else(unseen)?;
    let base = stream.time_base();
    let mut context = codec::Context::from_parameters(stream.parameters()).map_err(|_| unseen())?;
    ffi::set_max_pixels(&mut context, max_pixels(track.coded));
    context.set_threading(threading::Config {
        kind: threading::Type::Frame,
        count: threads.max(1),
        ..Default::default()
    });
    let keys_only = matches!(skip, Discard::NonKey);
    let mut decoder = context.decoder();
    decoder.skip_frame(skip);
    // At this size nobody sees the blocks that the loop filter smooths.
    decoder.skip_loop_filter(Discard::All);
    let mut decoder = decoder.video().map_err(|_| unseen())?;
    let mut looker = Looker::new(track)?;
    let drain = |decoder: &mut codec::decoder::Video, looker: &mut Looker| loop {
        let mut picture = frame::Video::empty();
        match is_ready(decoder.receive_frame(&mut picture)) {
            Ok(true) => {}
            // What cannot be decoded cannot be looked at; the next packet may bring a picture that can.
            Ok(false) | Err(_) => return,
        }
        if let Some(at) = picture.timestamp().map(|t| stamp(t, base) - track.start) {
            looker.look(&picture, at);
        }
    };
    let mut packet = ff::Packet::empty();
    while input::read(&mut input, &mut packet).is_ok() {
        cancel.check()?;
        if packet.stream() != track.index || (keys_only && !packet.is_key()) {
            continue;
        }
        if decoder.send_packet(&packet).is_ok() {
            drain(&mut decoder, &mut looker);
        }
    }
    if decoder.send_eof().is_ok() {
        drain(&mut decoder, &mut looker);
    }
    Ok(Faces { seen: looker.seen, cuts: without_flashes(looker.cuts) })
}

/// Never shown: a clip that cannot be looked at has no faces.
fn unseen() -> Fault {
    Fault::new("no face could be looked for", "run again")
}

/// Cuts that a person would call one.
fn without_flashes(cuts: Vec<Time>) -> Vec<Time> {
    let far = |pair: Option<(&Time, &Time)>| pair.is_none_or(|(a, b)| *b - *a >= FLASH);
    let kept = |i: usize| {
        far(i.checked_sub(1).map(|before| (&cuts[before], &cuts[i])))
            && far(cuts.get(i + 1).map(|next| (&cuts[i], next)))
    };
    (0..cuts.len()).filter(|i| kept(*i)).map(|i| cuts[i]).collect()
}

/// Sees pictures one after the other.
struct Looker<'a> {
    track: &'a VideoTrack,
    detector: Box<dyn Detector>,
    /// Size of the pictures that are looked at, upright.
    small: Size,
    /// With the shape of the pictures that it was made for.
    scaler: Option<(scaling::Context, (u32, u32, format::Pixel))>,
    last: Option<(Time, Vec<f64>)>,
    next: Time,
    seen: Vec<Seen>,
    cuts: Vec<Time>,
}

impl<'a> Looker<'a> {
    fn new(track: &'a VideoTrack) -> Result<Self, Fault> {
        let model = rustface::read_model(MODEL).map_err(|_| unseen())?;
        let displayed = track.displayed;
        let scale = f64::from(LOOKED_AT) / f64::from(displayed.width.max(displayed.height));
        let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(2);
        let small = Size::new(side(displayed.width), side(displayed.height));
        let mut detector = rustface::create_detector_with_model(model);
        detector.set_score_thresh(LEAST_SCORE);
        Ok(Looker {
            track,
            detector,
            small,
            scaler: None,
            last: None,
            next: Time(i64::MIN),
            seen: Vec::new(),
            cuts: Vec::new(),
        })
    }

    /// Looks at a decoded picture. One that comes late by its time stamp has no place any more.
    fn look(&mut self, picture: &frame::Video, at: Time) {
        if at < Time::ZERO || self.last.as_ref().is_some_and(|(last, _)| at <= *last) {
            return;
        }
        let Some(grey) = self.shrink(picture) else { return };
        let cells = cells(&grey, self.small);
        let cut = self.last.replace((at, cells.clone())).is_some_and(|(_, before)| difference(&before, &cells) > CUT);
        if cut {
            self.cuts.push(at);
        }
        if cut || at >= self.next {
            self.next = at + STEP;
            let faces = self.faces(&grey);
            self.seen.push(Seen { at, faces });
        }
    }

    /// The picture small, grey and upright, row by row.
    fn shrink(&mut self, picture: &frame::Video) -> Option<Vec<u8>> {
        let shape = (picture.width(), picture.height(), picture.format());
        let Orientation { degrees, mirrored } = self.track.orientation;
        let Size { width, height } = self.small;
        let (w, h) = if self.track.orientation.swaps_sides() { (height, width) } else { (width, height) };
        if self.scaler.as_ref().is_none_or(|(_, of)| *of != shape) {
            let (from, flags) = (shape.2, scaling::Flags::FAST_BILINEAR);
            let scaler = scaling::Context::get(from, shape.0, shape.1, format::Pixel::GRAY8, w, h, flags).ok()?;
            self.scaler = Some((scaler, shape));
        }
        let mut small = frame::Video::empty();
        self.scaler.as_mut()?.0.run(picture, &mut small).ok()?;
        let (w, h, stride, data) = (w as usize, h as usize, small.stride(0), small.data(0));
        let coded = |x: usize, y: usize| data[y * stride + if mirrored { w - 1 - x } else { x }];
        let upright = |i: usize| {
            let (x, y) = (i % width as usize, i / width as usize);
            match degrees {
                90 => coded(y, h - 1 - x),
                180 => coded(w - 1 - x, h - 1 - y),
                270 => coded(w - 1 - y, x),
                _ => coded(x, y),
            }
        };
        Some((0..(width * height) as usize).map(upright).collect())
    }

    fn faces(&mut self, grey: &[u8]) -> Vec<FaceBox> {
        // The detector's window has 40 pixels a side.
        if self.small.short_side() < 40 {
            return Vec::new();
        }
        let found = self.detector.detect(&ImageData::new(grey, self.small.width, self.small.height));
        let displayed = self.track.displayed;
        let scale = f64::from(displayed.width) / f64::from(self.small.width);
        let pixels = |from: i32, length: u32, most: u32| {
            let edge = |at: f64| ((at * scale).round().max(0.0) as u32).min(most);
            (edge(f64::from(from)), edge(f64::from(from) + f64::from(length)))
        };
        let boxed = |face: &rustface::FaceInfo| {
            let of = face.bbox();
            let (left, right) = pixels(of.x(), of.width(), displayed.width);
            let (top, bottom) = pixels(of.y(), of.height(), displayed.height);
            FaceBox { place: Rect::new(left, top, right - left, bottom - top), score: face.score() }
        };
        found.iter().map(boxed).filter(|face| face.place.width > 0 && face.place.height > 0).collect()
    }
}

/// Mean brightness of every cell of a picture.
fn cells(grey: &[u8], size: Size) -> Vec<f64> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut sums = vec![(0.0, 0.0); CELLS.0 * CELLS.1];
    for y in (0..height).step_by(2) {
        for x in (0..width).step_by(2) {
            let cell = &mut sums[y * CELLS.1 / height * CELLS.0 + x * CELLS.0 / width];
            *cell = (cell.0 + f64::from(grey[y * width + x]), cell.1 + 1.0);
        }
    }
    sums.into_iter().map(|(sum, count)| sum / f64::max(count, 1.0)).collect()
}

/// How far the cells are apart on average.
fn difference(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b).abs()).sum::<f64>() / one.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flash_is_no_scene() {
        let at = |millis: &[i64]| millis.iter().map(|m| Time::from_millis(*m)).collect::<Vec<_>>();
        assert_eq!(without_flashes(at(&[1000, 1040, 5000])), at(&[5000]));
        assert_eq!(without_flashes(at(&[1000, 2000])), at(&[1000, 2000]));
    }

    #[test]
    fn cells_tell_scenes_apart_and_not_noise() {
        let size = Size::new(64, 36);
        let picture = |f: &dyn Fn(usize) -> u8| cells(&(0..64 * 36).map(f).collect::<Vec<_>>(), size);
        let (left, right) = (picture(&|i| if i % 64 < 32 { 40 } else { 200 }), picture(&|i| (i % 64 * 3) as u8));
        let noisy = picture(&|i| if i % 64 < 32 { 30 + (i % 20) as u8 } else { 190 + (i % 20) as u8 });
        assert!(difference(&left, &right) > CUT && difference(&left, &noisy) < CUT / 4.0);
    }
}
