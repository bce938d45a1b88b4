//! Memory that is not given back: a long clip must not take more of it than a short one.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use common::ffmpeg;
use housecall::config::Bounds;
use housecall::cuts::Sound;
use housecall::fault::Cancel;
use housecall::media::{faces, probe, sound};
use housecall::units::Time;
use std::fs;

/// Bytes that the process has in memory for itself, without the pages of files.
fn held() -> usize {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

// The only test of its file: another one in the same process would be counted too.
#[test]
fn a_clip_is_read_again_and_again_without_being_held() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mov");
    // Many bytes in few small pictures, so that reading costs little.
    let source = "testsrc2=size=320x240:rate=25:duration=6,noise=alls=100:allf=t";
    let voice = "anoisesrc=duration=6:sample_rate=48000:amplitude=0.1";
    let coded = ["-c:v", "mjpeg", "-q:v", "1", "-qmin", "1", "-pix_fmt", "yuvj444p", "-c:a", "pcm_s16le"];
    let inputs = ["-f", "lavfi", "-i", source, "-f", "lavfi", "-i", voice];
    ffmpeg(&[&inputs[..], &coded, &[clip.to_str().unwrap()]].concat());
    let size = fs::metadata(&clip).unwrap().len() as usize;
    assert!(size > 12 << 20, "the clip has {size} bytes; too few to show");

    let cancel = Cancel::new();
    let pass = || {
        let probe = probe::probe_within(&clip, &Bounds::default(), &cancel).unwrap();
        let (pcm, _) = sound::listen(&clip, &probe, &cancel).unwrap();
        assert!(pcm.len() > 5 * 16_000);
        assert!(!faces::look(&clip, &probe.video, 1, &cancel).unwrap().unwrap().seen.is_empty());
        let target = Sound { gain: 0.0, target: Some(-14.0), ceiling: -1.5, bit_rate: 128 };
        let whole = 0..6 * u64::from(sound::CUT_RATE);
        let mastered = sound::master(&clip, &probe, &[whole], Time::ZERO, &target, &cancel).unwrap();
        assert!(mastered.frames.len() > 250);
    };
    // What is set up once, and what the allocator keeps for later, comes with the first pass.
    pass();
    let before = held();
    pass();
    let grown = held().saturating_sub(before);
    assert!(grown < size / 2, "{grown} bytes more after reading a clip of {size} bytes again");
}
