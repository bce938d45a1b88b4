//! Small clips to be mutated, as phones and messengers make them: a second each, made once.

use crate::common::ffmpeg;
use std::fs;
use std::sync::LazyLock;

/// A clip and what its file ends in.
pub struct Clip {
    pub bytes: Vec<u8>,
    pub extension: &'static str,
}

/// H.264 and AAC with the index before the data: the good clip of every folder, too.
pub fn early() -> &'static [u8] {
    &FOOTAGE[0].bytes
}

/// The same with the index behind the data, so that the index may grow.
pub fn late() -> &'static [u8] {
    &FOOTAGE[1].bytes
}

/// All of them.
pub static FOOTAGE: LazyLock<Vec<Clip>> = LazyLock::new(|| {
    let h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-pix_fmt", "yuv420p"];
    let aac = ["-c:a", "aac", "-b:a", "48k"];
    let with = |parts: &[&[&str]], extension| Clip { bytes: made(&parts.concat(), extension), extension };
    vec![
        with(&[&h264, &aac, &["-movflags", "+faststart"]], "mp4"),
        // Pictures out of order (ctts) and an edit list.
        with(&[&["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-pix_fmt", "yuv420p"], &aac], "mov"),
        with(
            &[&["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params", "log-level=none"], &aac],
            "mov",
        ),
        with(&[&h264, &aac, &["-movflags", "+frag_keyframe+empty_moov"]], "mp4"),
        with(&[&h264, &aac], "mkv"),
        with(&[&["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"]], "webm"),
        with(&[&["-c:v", "mpeg4", "-c:a", "aac"]], "3gp"),
    ]
});

/// A second of moving picture and a tone.
fn made(coding: &[&str], extension: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(format!("clip.{extension}"));
    let inputs = ["-f", "lavfi", "-i", "testsrc2=size=176x144:rate=15:duration=1", "-f", "lavfi", "-i"];
    ffmpeg(&[&inputs[..], &["sine=440:duration=1"], coding, &[file.to_str().unwrap()]].concat());
    fs::read(file).unwrap()
}
