//! What several tests need: inputs made with the ffmpeg command, and plans without a practice.
#![allow(dead_code, clippy::unwrap_used, clippy::print_stdout)]

pub mod desk;
pub mod measure;
pub mod torture;
pub mod tree;

use housecall::cuts::{PictureCodec, Placement, Recipe, Sound};
use housecall::intake::Digest;
use housecall::units::{Rate, Rect, Size, Span, Time};
use std::path::Path;
use std::process::Command;

/// Runs the ffmpeg command, which tests use to make inputs and to measure outputs.
pub fn ffmpeg(arguments: &[&str]) -> String {
    run("ffmpeg", &[&["-hide_banner", "-nostdin", "-y"], arguments].concat())
}

/// Runs ffprobe and returns what it prints.
pub fn ffprobe(arguments: &[&str], file: &Path) -> String {
    run("ffprobe", &[&["-v", "error"], arguments, &[file.to_str().unwrap()]].concat())
}

fn run(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}; see the README for its package"));
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{program} {arguments:?}: {err}");
    // Filters that measure print to stderr.
    if out.is_empty() { err.into_owned() } else { out.into_owned() }
}

/// A plan for `seconds` of a clip of `displayed` size that fills `canvas` from the middle.
pub fn recipe(displayed: Size, canvas: Size, seconds: f64) -> Recipe {
    let wide = displayed.aspect() > canvas.aspect();
    let (width, height) = if wide {
        ((f64::from(displayed.height) * canvas.aspect() / 2.0).round() as u32 * 2, displayed.height & !1)
    } else {
        (displayed.width & !1, (f64::from(displayed.width) / canvas.aspect() / 2.0).round() as u32 * 2)
    };
    let crop = Rect::new(((displayed.width - width) / 2) & !1, ((displayed.height - height) / 2) & !1, width, height);
    Recipe {
        clip: Digest("test".into()),
        canvas,
        rate: Rate::new(30, 1),
        kept: Span::new(Time::ZERO, Time::from_seconds(seconds)).into(),
        hold: Time::ZERO,
        placement: Placement::Fill { crop },
        script: None,
        marks: Vec::new(),
        sound: Some(Sound { gain: 0.0, target: Some(-14.0), ceiling: -1.5, bit_rate: 128 }),
        codec: PictureCodec {
            encoder: "libx264".into(),
            preset: "superfast".into(),
            crf: 22.0,
            max_rate: 12000,
            target_rate: None,
            gop: 60,
        },
    }
}
