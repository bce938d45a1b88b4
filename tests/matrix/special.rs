//! Special modes of a camera, told from what they leave in the file.

use crate::common::ffmpeg;
use crate::footage::read;
use crate::private::{append_inside, atom};
use housecall::media::Special;
use std::fs;
use std::path::Path;

/// A fifth of a second of picture with two sound tracks; no index before the data, so that boxes can be added to it.
fn made(folder: &Path, name: &str, further: &[&str]) -> Vec<u8> {
    let file = folder.join(name);
    let inputs = ["-f", "lavfi", "-i", "testsrc2=size=64x64:rate=30:duration=0.3", "-f", "lavfi", "-i"];
    let sound = ["sine=440:duration=0.3", "-map", "0:v", "-map", "1:a", "-map", "1:a"];
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    ffmpeg(&[&inputs[..], &sound, &coding, further, &[file.to_str().unwrap()]].concat());
    fs::read(file).unwrap()
}

fn replaced(bytes: &[u8], old: &[u8; 4], new: &[u8; 4], nth: usize) -> Vec<u8> {
    let at = (0..bytes.len()).filter(|i| bytes[*i..].starts_with(old)).nth(nth).unwrap();
    [&bytes[..at], new, &bytes[at + 4..]].concat()
}

#[test]
fn each_special_mode_is_recognised_and_ordinary_clips_have_none() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = |pair: &str| made(folder, "key.mov", &["-metadata", pair, "-movflags", "use_metadata_tags"]);
    let plain = made(folder, "plain.mov", &[]);
    // In MP4 the sound's code stands once a track.
    let tracks = made(folder, "plain.mp4", &[]);
    let dolby_vision = {
        let mut bytes = plain.clone();
        // Version 1.0, profile 8, level 4, metadata and base layer present, base compatible with HLG.
        let record = [&[1, 0, 8 << 1, 4 << 3 | 0b101, 4 << 4][..], &[0; 19]].concat();
        let path = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"];
        append_inside(&mut bytes, &path, &atom(b"dvvC", &record));
        bytes
    };
    let numbered = {
        // As the phone writes it: the key in a list of its own, the value a number that FFmpeg does not hand out.
        let name = b"com.apple.quicktime.cinematic-video";
        let keys = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &atom(b"mdta", name)].concat();
        let value = atom(b"ilst", &atom(&[0, 0, 0, 1], &atom(b"data", &[0, 0, 0, 75, 0, 0, 0, 0, 1])));
        let mut bytes = plain.clone();
        append_inside(&mut bytes, &[b"moov"], &atom(b"meta", &[atom(b"keys", &keys), value].concat()));
        bytes
    };
    let cases = [
        ("plain", plain.clone(), vec![]),
        ("slowed", key("com.android.capture.fps=240.0"), vec![Special::Captured { fps: 240 }]),
        ("nonsense", key("com.android.capture.fps=fast"), vec![]),
        ("cinematic", numbered, vec![Special::Cinematic]),
        ("disparity", replaced(&tracks, b"mp4a", b"dish", 1), vec![Special::Cinematic]),
        ("not meant so", key("com.apple.quicktime.cinematic-video-intent=0"), vec![]),
        ("screen", key("com.apple.quicktime.author=ReplayKitRecording"), vec![Special::ScreenRecording]),
        ("author", key("com.apple.quicktime.author=Somebody"), vec![]),
        ("spatial", replaced(&tracks, b"mp4a", b"apac", 0), vec![Special::SpatialAudio]),
        ("dolby vision", dolby_vision, vec![Special::DolbyVision]),
    ];
    for (name, bytes, special) in cases {
        let file = folder.join("clip.mov");
        fs::write(&file, bytes).unwrap();
        let found = read(&file);
        assert_eq!(found.special, special, "{name}: {found:?}");
        assert!(found.audio.is_some(), "{name}: {found:?}");
    }
}
