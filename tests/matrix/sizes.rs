//! Pictures from tiny to 4K, odd, wide and tall.

use super::chart::{Chart, UPRIGHT, frames};
use super::footage::{canvases, cut, filling, find_chart, long, read};
use super::page;
use crate::common::desk::Desk;
use crate::common::ffmpeg;
use housecall::fault::Cancel;
use housecall::media::render::{Job, Setting, render};
use housecall::trace::Trace;
use housecall::units::Size;
use std::fs;
use std::path::{Path, PathBuf};

/// What phones record, what they recorded once, and what nobody expects; where `true`, in the short form too. Odd sides
/// need a codec that has them.
const SIZES: [(u32, u32, &str, bool); 14] = [
    (176, 144, "libx264", true),
    (320, 240, "libx264", false),
    (640, 480, "libx264", false),
    (720, 720, "libx264", false),
    (480, 480, "libx264", true),
    (1920, 1080, "libx264", false),
    (3840, 2160, "libx264", true),
    (2160, 3840, "libx264", false),
    (3840, 800, "libx264", true),
    (720, 3200, "libx264", true),
    (1079, 1919, "mpeg4", true),
    (1919, 1079, "mpeg4", false),
    (1079, 1919, "libvpx", false),
    (351, 287, "libvpx-vp9", true),
];

/// Records a tenth of a second of the chart in pixels of `size`.
fn record(size: Size, encoder: &str, folder: &Path, container: &str) -> PathBuf {
    let (still, clip) = (folder.join("chart.ppm"), folder.join(format!("{size}.{container}")));
    Chart { shown: size }.draw(size, UPRIGHT, &still);
    let input = ["-loop", "1", "-framerate", "30", "-i", still.to_str().unwrap(), "-t", "0.1"];
    let colour = ["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", "-colorspace", "bt709"];
    let tags = ["-color_primaries", "bt709", "-color_trc", "bt709", "-c:v", encoder];
    let quality: &[&str] = match encoder {
        "libx264" => &["-preset", "ultrafast", "-qp", "8"],
        "mpeg4" => &["-q:v", "2"],
        _ => &["-deadline", "realtime", "-cpu-used", "8", "-b:v", "20M"],
    };
    ffmpeg(&[&input[..], &colour, &tags, quality, &[clip.to_str().unwrap()]].concat());
    clip
}

#[test]
fn everything_is_in_its_place_from_tiny_to_4k() {
    for (width, height, encoder, short) in SIZES {
        if !short && !long() {
            continue;
        }
        let (folder, size) = (tempfile::tempdir().unwrap(), Size::new(width, height));
        let container = if encoder.starts_with("libvpx") { "webm" } else { "mp4" };
        let clip = record(size, encoder, folder.path(), container);
        println!("{size} by {encoder}");
        let files = find_chart(Chart { shown: size }, &clip, 0.03, folder.path());
        let case = format!("{size} {encoder}");
        page::show("sizes", &case, &clip, &files[0], 0.03, "every quarter, the disc and the edge in place");
    }
}

/// Joins recordings into one track that changes its size where one ends and the next begins.
fn joined(sizes: &[Size], folder: &Path) -> PathBuf {
    let (all, clip) = (folder.join("joined.h264"), folder.join("joined.mp4"));
    let parts: Vec<u8> =
        sizes.iter().flat_map(|size| fs::read(record(*size, "libx264", folder, "h264")).unwrap()).collect();
    fs::write(&all, parts).unwrap();
    ffmpeg(&["-framerate", "30", "-i", all.to_str().unwrap(), "-c", "copy", clip.to_str().unwrap()]);
    clip
}

#[test]
fn a_track_that_changes_its_size_stays_in_place_and_unstretched() {
    let (first, grown, turned) = (Size::new(640, 360), Size::new(1280, 720), Size::new(360, 640));
    let folder = tempfile::tempdir().unwrap();
    let clip = joined(&[first, grown, turned], folder.path());
    find_chart(Chart { shown: first }, &clip, 0.03, folder.path());
    let files = find_chart(Chart { shown: first }, &clip, 0.14, folder.path());
    page::show("sizes", "grows half-way", &clip, &files[0], 0.14, "every quarter, the disc and the edge in place");

    // The turned part stands upright in the middle of the frame that the clip began with.
    let found = read(&clip);
    let plan = filling(&found, Size::new(1920, 1080));
    let made = cut(&clip, &found, std::slice::from_ref(&plan), folder.path());
    let frame = &frames(&[(made[0].file().to_path_buf(), plan.canvas)], 0.24)[0];
    let (inner, scale) = (Size::new(202, 360), 3.0);
    let (left, right) =
        ((640.0 - f64::from(inner.width)) / 2.0 * scale, (640.0 + f64::from(inner.width)) / 2.0 * scale);
    for (x, wanted) in [(left - 30.0, [0, 0, 0]), (left + 60.0, [255, 0, 0]), (right - 60.0, [0, 160, 0])] {
        let got = frame.at(x as u32, 200);
        assert!(
            got.iter().zip(wanted).all(|(got, wanted)| got.abs_diff(wanted) <= 40),
            "{got:?}, not {wanted:?}, at {x}"
        );
    }
}

#[test]
fn a_track_that_grows_beyond_what_it_declares_is_refused() {
    for later in [Size::new(2560, 1440), Size::new(8320, 128)] {
        let folder = tempfile::tempdir().unwrap();
        let clip = joined(&[Size::new(320, 176), later], folder.path());
        let (found, cancel) = (read(&clip), Cancel::new());
        let setting = Setting {
            shared: None,
            clip: &clip,
            probe: &found,
            threads: 2,
            cancel: &cancel,
            progress: &|_| {},
            decoded: &|| {},
            trace: &Trace::default(),
        };
        let plan = filling(&found, canvases()[2]);
        let job = Job { recipe: &plan, file: folder.path().join("cut.mp4") };
        let said = render(&setting, &[job], None, &|_, _| Ok(())).0.remove(0).unwrap_err().to_string();
        assert!(said.contains("larger than the file declares"), "{later}: {said}");
    }
}

#[test]
fn a_small_clip_is_not_enlarged_past_twice_without_a_word() {
    let desk = Desk::new();
    desk.practice("");
    for (size, name) in [(Size::new(176, 144), "tiny.mp4"), (Size::new(540, 960), "half.mp4")] {
        let folder = tempfile::tempdir().unwrap();
        desk.drop_file(name, &fs::read(record(size, "libx264", folder.path(), "mp4")).unwrap());
    }
    let planned = desk.batch("plan", &["--platforms", "tiktok"]);
    assert_eq!(planned.code, 0, "{planned:?}");
    for plan in planned.lines() {
        let told =
            plan["notes"].as_array().unwrap().iter().any(|note| note.as_str().unwrap().contains("is enlarged up to"));
        assert_eq!(told, plan["name"] == "tiny", "{plan}");
    }
    assert_eq!(planned.lines().len(), 2);
}
