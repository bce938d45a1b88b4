//! What a camera's special modes leave in a file, told by keys and track codes. Only kinds are kept, never values.

use super::{Special, boxes, ffi};
use crate::plain_file;
use ffmpeg_next as ff;
use ffmpeg_next::codec::packet::side_data;
use ffmpeg_next::format::context::Input;
use std::io::BufReader;
use std::path::Path;

/// Frames a second that the camera took, where Android's is not the rate at which the file plays.
const CAPTURED: &str = "com.android.capture.fps";
/// The author that iPhones write into recordings of their own screen.
const SCREEN: &str = "ReplayKitRecording";
/// Begins the keys of Apple's Cinematic mode, in the index's key list and in those of its timed metadata.
const CINEMATIC: &[u8] = b"com.apple.quicktime.cinematic-video";
/// Goes on that key where an app only says whether the mode was meant; may say no.
const INTENT: &[u8] = b"-intent";
/// The track of a Cinematic clip that holds how far away everything is.
const DISPARITY: [u8; 4] = *b"dish";
/// Apple's spatial audio codec.
const SPATIAL: [u8; 4] = *b"apac";

/// The special modes that the clip at `path` was recorded in; `video` is the track that is shown.
pub(super) fn modes(input: &Input, path: &Path, video: usize) -> Vec<Special> {
    let mut found = Vec::new();
    let codes: Vec<[u8; 4]> = input.streams().map(|s| ffi::codec_tag(&s.parameters())).collect();
    if let Some(fps) = captured_rate(input.metadata()) {
        found.push(Special::Captured { fps });
    }
    if codes.contains(&DISPARITY) || names_cinematic(path) {
        found.push(Special::Cinematic);
    }
    let configured = |kind| kind == side_data::Type::DOVI_CONF;
    if input.stream(video).is_some_and(|s| s.side_data().any(|data| configured(data.kind()))) {
        found.push(Special::DolbyVision);
    }
    if codes.contains(&SPATIAL) {
        found.push(Special::SpatialAudio);
    }
    if input.metadata().iter().any(|(_, value)| value == SCREEN) {
        found.push(Special::ScreenRecording);
    }
    found
}

fn captured_rate(metadata: ff::DictionaryRef) -> Option<u32> {
    let fps: f64 = metadata.get(CAPTURED)?.trim().parse().ok()?;
    (1.0..=10_000.0).contains(&fps).then_some(fps.round() as u32)
}

/// Whether the index holds a key of Cinematic mode. FFmpeg hands out text only, and this key's value is a number.
fn names_cinematic(path: &Path) -> bool {
    let index = plain_file::open(path).and_then(|file| boxes::index(BufReader::new(file)));
    let Ok(Some(index)) = index else { return false };
    let at = |start: usize| index.get(start..).unwrap_or_default();
    (0..index.len()).any(|i| at(i).starts_with(CINEMATIC) && !at(i + CINEMATIC.len()).starts_with(INTENT))
}
