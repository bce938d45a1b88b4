//! Decoded pictures of a clip, in the order they are shown.

use super::probe::stamp;
use super::{VideoTrack, ffi, input};
use crate::fault::{Cancel, Fault};
use crate::units::{Size, Time};
use ffmpeg_next as ff;
use ffmpeg_next::codec::threading;
use ffmpeg_next::{codec, frame};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;

/// Damaged pictures that are bridged by the one before; with more the clip is given up.
const MAX_BAD_PACKETS: usize = 15;
/// Longest side that pictures may grow to, unless the track declares a longer one.
const LONGEST_SIDE: u32 = 8192;
/// A track may honestly grow half-way, as what a browser records does; up to this many pixels it costs no more than any
/// clip.
const FULL_HD: i64 = 1920 * 1088;

/// Whoever takes pictures with their times, and says whether there is use for more.
pub type Each<'a> = &'a mut dyn FnMut(frame::Video, Time) -> Result<ControlFlow<()>, Fault>;

/// Hands every picture of `track` with its time (from the clip's time zero) to `each`, until the end or until `each`
/// breaks off. Pictures before time zero are left out. Tells how many pictures were damaged: those that are missing and
/// were bridged by the one before, and those that the decoder patched.
///
/// # Errors
/// The file cannot be opened or decoded, a picture is larger than the file declares, `each` failed, or the work was
/// cancelled.
pub fn pictures(path: &Path, track: &VideoTrack, threads: usize, cancel: &Cancel, each: Each) -> Result<usize, Fault> {
    pictures_from(path, track, None, threads, cancel, each)
}

/// As [`pictures`], from about that time of the clip on: where the container finds a key picture before it. It may find
/// one that is late, and the first pictures behind it may be missing.
///
/// # Errors
/// As [`pictures`]; the container cannot be read from there.
pub fn pictures_from(
    path: &Path,
    track: &VideoTrack,
    from: Option<Time>,
    threads: usize,
    cancel: &Cancel,
    each: Each,
) -> Result<usize, Fault> {
    let undecodable = |e: ff::Error| {
        Fault::new(
            format!("the picture cannot be decoded ({e})"),
            "copy the clip from the phone again, or export it as H.264",
        )
    };
    let mut input = input::open(path)?;
    if let Some(from) = from {
        let at = (track.start + from).0;
        input.seek(at, ..at).map_err(undecodable)?;
    }
    let stream = input
        .stream(track.index)
        .ok_or_else(|| Fault::new("the video track is gone", "run again; the file changed while it was read"))?;
    let base = stream.time_base();
    let mut context = codec::Context::from_parameters(stream.parameters()).map_err(undecodable)?;
    let limit = max_pixels(track.coded);
    ffi::set_max_pixels(&mut context, limit);
    context.set_threading(threading::Config {
        kind: threading::Type::Frame,
        count: threads.max(1),
        ..Default::default()
    });
    let mut decoder = context.decoder().video().map_err(undecodable)?;
    let longest = LONGEST_SIDE.max(track.coded.width).max(track.coded.height);
    let mut last = None;
    let (bad, patched) = (Cell::new(0), Cell::new(0));
    // What is wrong now is bridged, or it is the last straw.
    let bridge = |decoder: &codec::decoder::Video, e: ff::Error| -> Result<(), Fault> {
        // A decoder that refuses a size either keeps it or forgets the one it had.
        if decoder.width() == 0 || i64::from(decoder.width()) * i64::from(decoder.height()) > limit {
            return Err(too_large());
        }
        if bad.get() >= MAX_BAD_PACKETS {
            return Err(undecodable(e));
        }
        bad.set(bad.get() + 1);
        Ok(())
    };
    let mut drain = |decoder: &mut codec::decoder::Video| -> Result<ControlFlow<()>, Fault> {
        loop {
            let mut picture = frame::Video::empty();
            match is_ready(decoder.receive_frame(&mut picture)) {
                Ok(true) => {}
                Ok(false) => return Ok(ControlFlow::Continue(())),
                // With frame threads a damaged packet shows here, packets later.
                Err(e) => {
                    bridge(decoder, e)?;
                    continue;
                }
            }
            if picture.width().max(picture.height()) > longest {
                return Err(too_large());
            }
            let Some(at) = picture.timestamp().map(|t| stamp(t, base) - track.start) else { continue };
            // Broken time stamps may run backwards; a picture that is late has no place any more.
            if at < Time::ZERO || last.is_some_and(|l| at <= l) {
                continue;
            }
            last = Some(at);
            if picture.is_corrupt() || picture.has_decode_errors() {
                patched.set(patched.get() + 1);
            }
            if each(picture, at)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    };
    let mut packet = ff::Packet::empty();
    loop {
        cancel.check()?;
        match input::read(&mut input, &mut packet) {
            Ok(()) => {}
            Err(ff::Error::Eof) => break,
            Err(e) => return Err(undecodable(e)),
        }
        if packet.stream() != track.index {
            continue;
        }
        decoder.send_packet(&packet).or_else(|e| bridge(&decoder, e))?;
        if drain(&mut decoder)?.is_break() {
            return Ok(bad.get() + patched.get());
        }
    }
    // A damaged packet of the last few may show only now.
    decoder.send_eof().or_else(|e| bridge(&decoder, e))?;
    drain(&mut decoder).map(|_ended| bad.get() + patched.get())
}

/// The most pixels that a picture of a track of this declared size may have. Decoders round sides up to whole blocks.
pub(super) fn max_pixels(declared: Size) -> i64 {
    let blocks = |side: u32| i64::from(side.next_multiple_of(64));
    (blocks(declared.width) * blocks(declared.height)).max(FULL_HD)
}

fn too_large() -> Fault {
    Fault::new(
        "the clip holds pictures that are larger than the file declares",
        "copy the clip from the phone again, or export it as H.264",
    )
}

/// Whether a coder handed something out; none ready and no more to come are no errors.
pub(super) fn is_ready(received: Result<(), ff::Error>) -> Result<bool, ff::Error> {
    match received {
        Ok(()) => Ok(true),
        Err(ff::Error::Eof | ff::Error::Other { errno: ff::error::EAGAIN }) => Ok(false),
        Err(e) => Err(e),
    }
}
