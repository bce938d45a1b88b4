//! Decoded pictures of a clip, in the order they are shown.

use super::probe::stamp;
use super::{VideoTrack, ffi, input};
use crate::fault::{Cancel, Fault};
use crate::units::Time;
use ffmpeg_next as ff;
use ffmpeg_next::codec::threading;
use ffmpeg_next::{codec, frame};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;

/// Damaged pictures that are bridged by the one before; with more the clip is given up.
const MAX_BAD_PACKETS: usize = 15;

/// Pixels of the largest picture that a track may change to half-way, unless it began larger: 4K.
const MOST_PIXELS: i64 = 4096 * 2304;

/// Hands every picture of `track` with its time (from the clip's time zero) to `each`, until the end or until `each`
/// breaks off. Pictures before time zero are left out.
///
/// # Errors
/// The file cannot be opened or decoded, `each` failed, or the work was cancelled.
pub fn pictures(
    path: &Path,
    track: &VideoTrack,
    threads: usize,
    cancel: &Cancel,
    each: &mut dyn FnMut(frame::Video, Time) -> Result<ControlFlow<()>, Fault>,
) -> Result<(), Fault> {
    let undecodable = |e: ff::Error| {
        Fault::new(
            format!("the picture cannot be decoded ({e})"),
            "copy the clip from the phone again, or export it as H.264",
        )
    };
    let mut input = input::open(path)?;
    let stream = input
        .stream(track.index)
        .ok_or_else(|| Fault::new("the video track is gone", "run again; the file changed while it was read"))?;
    let base = stream.time_base();
    let mut context = codec::Context::from_parameters(stream.parameters()).map_err(undecodable)?;
    let pixels = i64::from(track.coded.width) * i64::from(track.coded.height);
    ffi::set_most_pixels(&mut context, MOST_PIXELS.max(2 * pixels));
    context.set_threading(threading::Config {
        kind: threading::Type::Frame,
        count: threads.max(1),
        ..Default::default()
    });
    let mut decoder = context.decoder().video().map_err(undecodable)?;
    let mut last = None;
    let bad = Cell::new(0);
    let mut drain = |decoder: &mut codec::decoder::Video| -> Result<ControlFlow<()>, Fault> {
        loop {
            let mut picture = frame::Video::empty();
            match is_ready(decoder.receive_frame(&mut picture)) {
                Ok(true) => {}
                Ok(false) => return Ok(ControlFlow::Continue(())),
                // With frame threads a damaged packet shows here, packets later.
                Err(_) if bad.get() < MAX_BAD_PACKETS => {
                    bad.set(bad.get() + 1);
                    continue;
                }
                Err(e) => return Err(undecodable(e)),
            }
            let Some(at) = picture.timestamp().map(|t| stamp(t, base) - track.start) else { continue };
            // Broken time stamps may run backwards; a picture that is late has no place any more.
            if at < Time::ZERO || last.is_some_and(|l| at <= l) {
                continue;
            }
            last = Some(at);
            if each(picture, at)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    };
    let mut packet = ff::Packet::empty();
    loop {
        cancel.check()?;
        match packet.read(&mut input) {
            Ok(()) => {}
            Err(ff::Error::Eof) => break,
            Err(e) => return Err(undecodable(e)),
        }
        if packet.stream() != track.index {
            continue;
        }
        match decoder.send_packet(&packet) {
            Ok(()) => {}
            Err(e) if bad.get() >= MAX_BAD_PACKETS => return Err(undecodable(e)),
            Err(_) => bad.set(bad.get() + 1),
        }
        if drain(&mut decoder)?.is_break() {
            return Ok(());
        }
    }
    decoder.send_eof().map_err(undecodable)?;
    drain(&mut decoder).map(|_ended| ())
}

/// Whether a coder handed something out; none ready and no more to come are no errors.
pub(super) fn is_ready(received: Result<(), ff::Error>) -> Result<bool, ff::Error> {
    match received {
        Ok(()) => Ok(true),
        Err(ff::Error::Eof | ff::Error::Other { errno: ff::error::EAGAIN }) => Ok(false),
        Err(e) => Err(e),
    }
}
