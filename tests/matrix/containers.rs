//! Every codec and container.

use super::chart::{Chart, UPRIGHT, frames};
use super::footage::{canvases, cut, filling, long, read};
use super::page;
use crate::common::desk::{Desk, small_x};
use crate::common::measure::{describe, outer_boxes};
use crate::common::{ffmpeg, recipe};
use housecall::media::Probe;
use housecall::units::Size;
use std::fs;
use std::path::{Path, PathBuf};

/// A size that every codec has, H.263 among them.
const CIF: Size = Size { width: 352, height: 288 };
/// What is heard in the track that belongs to the picture, and in one that does not, in Hz.
const BEEP: f64 = 1000.0;
const OTHER_BEEP: f64 = 2500.0;

/// Every sensible pair of codec and container: ffmpeg's name of the encoder, the container's extension, the sound's
/// encoder, whether it is in the short form.
const PAIRS: [(&str, &str, &str, bool); 22] = [
    ("libx264", "mp4", "aac", true),
    ("libx264", "mov", "pcm_s16le", false),
    ("libx264", "3gp", "aac", false),
    ("libx264", "mkv", "libopus", true),
    ("libx265", "mp4", "aac", true),
    ("libx265", "mov", "aac", false),
    ("libx265", "mkv", "aac", false),
    ("mpeg4", "mp4", "aac", false),
    ("mpeg4", "mov", "aac", false),
    ("mpeg4", "3gp", "libopencore_amrnb", true),
    ("mpeg4", "mkv", "libmp3lame", false),
    ("h263", "3gp", "libopencore_amrnb", true),
    ("h263", "mov", "aac", false),
    ("h263", "mkv", "aac", false),
    ("libvpx", "webm", "libvorbis", true),
    ("libvpx", "mkv", "libopus", false),
    ("libvpx-vp9", "webm", "libopus", true),
    ("libvpx-vp9", "mp4", "aac", false),
    ("libvpx-vp9", "mkv", "libopus", false),
    ("libsvtav1", "mp4", "aac", true),
    ("libsvtav1", "webm", "libopus", false),
    ("libsvtav1", "mkv", "libopus", false),
];

/// Half a second of the chart and of a decoy, as files that further commands take.
struct Studio {
    folder: tempfile::TempDir,
    chart: Chart,
}

impl Studio {
    fn new() -> Self {
        Self::of(CIF)
    }

    /// For a codec whose 352x288 pixels are not square, the size that they are shown at.
    fn of(shown: Size) -> Self {
        let studio = Studio { folder: tempfile::tempdir().unwrap(), chart: Chart { shown } };
        studio.chart.draw(CIF, UPRIGHT, &studio.path("chart.ppm"));
        studio
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs ffmpeg on the chart (input 0), its beep (input 1), and further inputs; the clip is called `name`.
    fn record(&self, inputs: &[&str], how: &[&str], name: &str) -> PathBuf {
        let (still, clip) = (self.path("chart.ppm"), self.path(name));
        let beep = format!("sine=frequency={BEEP}:sample_rate=48000:duration=0.5");
        let chart = ["-loop", "1", "-framerate", "30", "-t", "0.5", "-i", still.to_str().unwrap()];
        let sound = ["-f", "lavfi", "-i", &beep];
        ffmpeg(&[&chart[..], &sound, inputs, how, &[clip.to_str().unwrap()]].concat());
        clip
    }

    /// An ordinary clip.
    fn plain(&self, how: &[&str], name: &str) -> PathBuf {
        self.record(&[], &[&H264[..], how].concat(), name)
    }

    /// Makes a cut and looks for the chart and the beep in it, and for anything else.
    fn find(&self, clip: &Path, case: &str) -> Probe {
        let found = read(clip);
        assert_eq!(found.video.displayed, self.chart.shown, "{case}: {:?}", found.ignored);
        let folder = tempfile::tempdir().unwrap();
        let plan = filling(&found, canvases()[2]);
        let made = cut(clip, &found, std::slice::from_ref(&plan), folder.path());
        let file = made[0].file();
        let kinds: Vec<String> =
            describe(file)["streams"].as_array().unwrap().iter().map(|s| s["codec_type"].to_string()).collect();
        assert_eq!(kinds, ["\"video\"", "\"audio\""], "{case}");
        let frame = &frames(&[(file.to_path_buf(), plan.canvas)], 0.2)[0];
        if let Err(wrong) = self.chart.find(frame, &plan.placement) {
            panic!("{case}: {wrong}");
        }
        let (beep, other) = (strength(file, BEEP), strength(file, OTHER_BEEP));
        assert!(beep > 0.02 && other < beep / 50.0, "{case}: the beep is {beep:.4}, the other {other:.4}");
        page::show("containers", case, clip, file, 0.2, "the chart and the beep that belong there, and nothing else");
        found
    }
}

/// The picture of input 0 as H.264 with BT.709's colours.
const H264: [&str; 16] = [
    "-vf",
    "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-qp",
    "8",
    "-colorspace",
    "bt709",
    "-color_primaries",
    "bt709",
    "-color_trc",
    "bt709",
    "-c:a",
    "aac",
];

/// The amplitude of a tone in a file's first 0.4 s (Goertzel).
fn strength(file: &Path, frequency: f64) -> f64 {
    let raw = file.with_extension("raw");
    let sound = ["-vn", "-ac", "1", "-ar", "48000", "-t", "0.4", "-f", "f32le"];
    ffmpeg(&[&["-i", file.to_str().unwrap()], &sound[..], &[raw.to_str().unwrap()]].concat());
    let samples = fs::read(raw).unwrap();
    let samples: Vec<f64> =
        samples.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect();
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let angle = std::f64::consts::TAU * frequency * n as f64 / 48_000.0;
        re += sample * angle.cos();
        im += sample * angle.sin();
    }
    2.0 * f64::hypot(re, im) / samples.len() as f64
}

/// Whether the installed ffmpeg has the encoder.
fn has_encoder(name: &str) -> bool {
    let listed = ffmpeg(&["-encoders"]);
    listed.lines().any(|line| line.split_whitespace().nth(1) == Some(name))
}

#[test]
fn every_codec_in_every_container_gives_its_picture_and_its_beep() {
    // H.263's standard sizes have pixels of 12 to 11.
    let (square, standard) = (Studio::new(), Studio::of(Size::new(384, 288)));
    for (picture, container, sound, _) in PAIRS.into_iter().filter(|(.., short)| *short || long()) {
        let case = format!("{picture} in {container} with {sound}");
        // The other sound that such phones had; AMR has few encoders.
        let sound = match has_encoder(sound) {
            true => sound,
            false => {
                println!("{case}: this ffmpeg cannot encode {sound}; aac instead");
                "aac"
            }
        };
        if !has_encoder(picture) {
            println!("{case}: not made, this ffmpeg cannot encode {picture}");
            continue;
        }
        let tags = if matches!(picture, "h263" | "mpeg4") { &["-q:v", "2"][..] } else { &H264[8..14] };
        let speed: &[&str] = match picture {
            "libx264" => &["-preset", "ultrafast", "-qp", "8"],
            "libx265" => &["-preset", "ultrafast", "-x265-params", "log-level=error:qp=8", "-tag:v", "hvc1"],
            "libvpx" | "libvpx-vp9" => &["-deadline", "realtime", "-cpu-used", "8", "-b:v", "4M"],
            "libsvtav1" => &["-preset", "12", "-crf", "15"],
            _ => &[],
        };
        let speed = if container == "mkv" && picture == "libx265" { &speed[..4] } else { speed };
        // What knows no tags is taken for BT.601 at this size.
        let matrix = if matches!(picture, "h263" | "mpeg4") { "smpte170m" } else { "bt709" };
        let filters = format!("scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p");
        let rate: &[&str] = match (sound, picture) {
            ("libopencore_amrnb", _) => &["-ar", "8000", "-ac", "1", "-b:a", "12.2k"],
            _ => &[],
        };
        let how = [&["-vf", &filters, "-c:v", picture], tags, speed, &["-c:a", sound], rate].concat();
        let studio = if picture == "h263" { &standard } else { &square };
        let clip = studio.record(&[], &how, &format!("{picture}-{sound}.{container}"));
        println!("{case}");
        studio.find(&clip, &case);
    }
}

#[test]
fn fragments_and_an_index_at_the_end_are_read() {
    let studio = Studio::new();
    let last = studio.plain(&[], "index-last.mp4");
    let (boxes, _) = outer_boxes(&fs::read(&last).unwrap());
    assert_eq!(boxes.last().map(String::as_str), Some("moov"), "{boxes:?}");
    studio.find(&last, "index at the end");
    let first = studio.plain(&["-g", "5", "-movflags", "frag_keyframe+empty_moov"], "fragments.mp4");
    let (boxes, _) = outer_boxes(&fs::read(&first).unwrap());
    assert!(boxes.iter().filter(|name| *name == "moof").count() >= 3, "{boxes:?}");
    studio.find(&first, "fragmented");
}

/// Renames a subtitle track to what phones write their timed metadata as: the handler `meta`, the format `mebx`.
fn made_to_metadata(clip: &Path) {
    let mut bytes = fs::read(clip).unwrap();
    let handler =
        |window: &[u8]| window.starts_with(b"hdlr") && (window.ends_with(b"sbtl") || window.ends_with(b"text"));
    let at = bytes.windows(16).position(handler).expect("a subtitle track");
    bytes[at + 12..at + 16].copy_from_slice(b"meta");
    // The format's name stands 16 bytes into the table of formats.
    let format = at + bytes[at..].windows(4).position(|window| window == b"stsd").expect("a table of formats") + 16;
    bytes[format..format + 4].copy_from_slice(b"mebx");
    fs::write(clip, bytes).unwrap();
}

#[test]
fn further_tracks_are_left_out_and_named() {
    let studio = Studio::new();
    let (words, cover) = (studio.path("words.srt"), studio.path("cover.jpg"));
    fs::write(&words, "1\n00:00:00,000 --> 00:00:00,400\nWritten by the phone\n").unwrap();
    ffmpeg(&["-f", "lavfi", "-i", "color=white:s=800x800", "-frames:v", "1", cover.to_str().unwrap()]);
    let (words, cover) = (words.to_str().unwrap(), cover.to_str().unwrap());

    let texts = ["-map", "1:a", "-map", "2:s", "-map", "0:v", "-c:s", "mov_text"];
    let timecode = ["-timecode", "10:11:12:00"];
    let clip = studio.record(&["-i", words], &[&H264[..], &texts, &timecode].concat(), "texts.mov");
    let named = studio.find(&clip, "sound first, subtitles, timecode").ignored;
    assert_eq!(named, ["subtitle track 1 (mov_text)", "data track 3 (tmcd)"]);

    made_to_metadata(&clip);
    let named = studio.find(&clip, "timed metadata, timecode").ignored;
    assert_eq!(named, ["data track 1 (mebx)", "data track 3 (tmcd)"]);

    let covered = ["-map", "2:v", "-map", "0:v", "-map", "1:a", "-c:v:0", "mjpeg", "-disposition:v:0", "attached_pic"];
    let mut how = H264.to_vec();
    // The cover keeps its own codec.
    (how[0], how[2]) = ("-filter:v:1", "-c:v:1");
    let clip = studio.record(&["-i", cover], &[&how[..], &covered].concat(), "cover.mp4");
    let named = studio.find(&clip, "cover image").ignored;
    assert!(named.len() == 1 && named[0].ends_with("a cover image"), "{named:?}");
}

#[test]
fn of_several_picture_tracks_the_one_that_plays_is_shown() {
    let studio = Studio::new();
    let (decoy, tiny) = ("color=gray:s=704x576:r=30:d=0.5", "color=gray:s=88x72:r=30:d=0.5");
    let other_sound = format!("sine=frequency={OTHER_BEEP}:sample_rate=48000:duration=0.5");
    let still = ["-f", "lavfi", "-i", "color=gray:s=704x576:r=30:d=0.03"];
    let chart_first = ["-map", "0:v", "-map", "2:v", "-map", "1:a", "-map", "3:a"];
    let chart_last = ["-map", "2:v", "-map", "0:v", "-map", "1:a", "-map", "3:a"];
    let second_plays = ["-disposition:v:0", "0", "-disposition:v:1", "default"];
    let both_play = ["-disposition:v:0", "default", "-disposition:v:1", "default"];
    let larger = ["-f", "lavfi", "-i", decoy];
    let smaller = ["-f", "lavfi", "-i", tiny];
    for (case, further, order, plays) in [
        ("a larger picture that is switched off", larger, chart_first, &[][..]),
        ("the second picture is the default", larger, chart_last, &second_plays[..]),
        ("a small preview first", smaller, chart_last, &both_play[..]),
        ("a still first", still, chart_last, &both_play[..]),
    ] {
        let inputs = [&further[..], &["-f", "lavfi", "-i", &other_sound]].concat();
        let clip = studio.record(&inputs, &[&H264[..], &order, plays].concat(), "several.mp4");
        let named = studio.find(&clip, case).ignored;
        assert_eq!(named.len(), 2, "{case}: {named:?}");
        assert!(named[0].ends_with("is shown") && named[1].contains("another one is heard"), "{case}: {named:?}");
    }
}

/// Overwrites a twentieth of the pictures of a clip whose index comes first, from their middle on.
fn damage(clip: &Path) -> PathBuf {
    let mut bytes = fs::read(clip).unwrap();
    let at = bytes.windows(4).position(|window| window == b"mdat").unwrap() + 4;
    let length = bytes.len() - at;
    bytes[at + length / 2..at + length / 2 + length / 20].fill(0xff);
    let damaged = clip.with_file_name("damaged.mp4");
    fs::write(&damaged, bytes).unwrap();
    damaged
}

#[test]
fn damaged_pictures_are_counted() {
    let studio = Studio::new();
    let clip = studio.plain(&["-g", "1", "-an", "-movflags", "+faststart"], "whole.mp4");
    let folder = tempfile::tempdir().unwrap();
    for (clip, damaged) in [(damage(&clip), true), (clip, false)] {
        let found = read(&clip);
        let mut plan = recipe(CIF, Size::new(320, 240), found.duration.seconds());
        plan.sound = None;
        let made = cut(&clip, &found, &[plan], folder.path());
        println!("{}: {} pictures damaged", clip.display(), made[0].damaged);
        assert_eq!(made[0].damaged > 0, damaged);
        assert!(made[0].damaged <= 3);
    }
}

#[test]
fn a_person_is_told_of_damaged_pictures() {
    let (studio, desk) = (Studio::new(), Desk::new());
    desk.practice(&small_x());
    let clip = damage(&studio.plain(&["-g", "1", "-an", "-movflags", "+faststart"], "whole.mp4"));
    desk.drop_file("scratched.mp4", &fs::read(clip).unwrap());
    let report = || fs::read_to_string(desk.out().join("report.html")).unwrap();
    let told = "were damaged and were bridged";
    let done = desk.batch("run", &["--platforms", "x"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(report().contains(told), "{}", report());
    // It is known in a later run too, which decodes nothing.
    let again = desk.batch("run", &["--platforms", "x"]);
    assert_eq!((again.code, again.entered("render")), (0, 0), "{again:?}");
    assert!(report().contains(told), "{}", report());
}
