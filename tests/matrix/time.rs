//! A flash and a beep each second, however the phone counts time.
//!
//! A clip's truth is known from how it was made, never from reading it: when each flash and each beep is due, counted
//! from the first picture. In every cut flashes and beeps are found anew, by decoding.

use crate::audio::write_wav;
use crate::common::ffmpeg;
use crate::common::measure::picture_times;
use crate::footage::{cut, filling, long, read};
use crate::page;
use housecall::cuts::rate::output_rate;
use housecall::fault::Cancel;
use housecall::media::probe::probe;
use housecall::units::{Rate, Size, Span, Time};
use std::path::{Path, PathBuf};

/// The sides of the pictures: what is asked here is when, not what.
const SIDE: u32 = 64;

/// The shapes of the cuts that are made of each clip, from one decode.
const SHAPES: [Size; 3] =
    [Size { width: 64, height: 64 }, Size { width: 36, height: 64 }, Size { width: 64, height: 36 }];

/// How far sound may be from its place, and how far that may change along a clip, in seconds.
const DRIFT: f64 = 0.010;

/// When flashes and beeps are due, in seconds from the clip's first picture.
#[derive(Debug, Clone)]
struct Truth {
    flashes: Vec<f64>,
    beeps: Vec<f64>,
}

impl Truth {
    /// Both at the same moments.
    fn of(moments: impl IntoIterator<Item = f64>) -> Self {
        let flashes: Vec<f64> = moments.into_iter().collect();
        Truth { beeps: flashes.clone(), flashes }
    }

    /// Each full second of `seconds`, as pictures of a constant rate can show it.
    fn each_second(seconds: u32, fps: f64) -> Self {
        let beeps: Vec<f64> = (0..seconds).map(f64::from).collect();
        Truth { flashes: beeps.iter().map(|second| (second * fps).round() / fps).collect(), beeps }
    }
}

/// A short tone at each full second, in mono at 48 kHz; `speed` above 1 has more samples a second, as a fast clock does.
fn beeps(file: &Path, seconds: u32, speed: f64) {
    let rate = 48_000.0 * speed;
    let count = (f64::from(seconds) * rate) as usize;
    let tone = |n: usize| {
        let at = n as f64 / rate % 1.0;
        if at < 0.1 { (std::f64::consts::TAU * 1000.0 * at).sin() as f32 * 0.5 } else { 0.0 }
    };
    write_wav(file, 48_000, 1, &(0..count).map(tone).collect::<Vec<_>>());
}

/// Makes a clip whose picture flashes for a tenth of a second at each full second, and which beeps with it. `stamps`
/// are filters that move the pictures in time, `more` the arguments of the encoders and the file.
fn flashing(folder: &Path, name: &str, (seconds, fps): (u32, &str), stamps: &str, more: &[&str]) -> PathBuf {
    let (sound, clip) = (folder.join(format!("{name}.wav")), folder.join(name));
    beeps(&sound, seconds, 1.0);
    let rate: f64 = fps.split('/').map(|n| n.parse::<f64>().unwrap()).reduce(|n, d| n / d).unwrap();
    // Half a frame early, so that the nearest picture is the first white one.
    let white = format!("drawbox=color=white:t=fill:enable='lt(mod(t+{:.6}\\,1)\\,0.1)'", 0.5 / rate);
    let picture = format!("color=black:s={SIDE}x{SIDE}:r={fps},format=yuv420p,settb=1/90000,{white}{stamps}");
    let length = seconds.to_string();
    let inputs = ["-f", "lavfi", "-t", &length, "-i", &picture, "-i", sound.to_str().unwrap()];
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "48", "-fps_mode", "passthrough", "-enc_time_base"];
    let rest = ["1/90000", "-video_track_timescale", "90000", "-c:a", "aac"];
    ffmpeg(&[&inputs, &coding[..], &rest, more, &[clip.to_str().unwrap()]].concat());
    clip
}

/// When the picture of a file turns white and when a tone begins, in seconds, by decoding it.
fn found_in(file: &Path) -> Truth {
    let (grey, sound) = (file.with_extension("grey"), file.with_extension("f32"));
    let picture = ["-i", file.to_str().unwrap(), "-map", "0:v", "-vf", "scale=1:1:flags=area,format=gray"];
    let raw = ["-fps_mode", "passthrough", "-f", "rawvideo", grey.to_str().unwrap()];
    let tone = ["-map", "0:a", "-ac", "1", "-f", "f32le", sound.to_str().unwrap()];
    ffmpeg(&[&picture[..], &raw, &tone].concat());
    let lumas = std::fs::read(grey).unwrap();
    let times = picture_times(file);
    let base: f64 = {
        let shown = crate::common::measure::describe(file);
        let text = shown["streams"][0]["time_base"].as_str().unwrap().to_string();
        text.split('/').map(|n| n.parse::<f64>().unwrap()).reduce(|n, d| n / d).unwrap()
    };
    assert_eq!(lumas.len(), times.len(), "{}", file.display());
    let white = |n: usize| lumas[n] > 128;
    let flashes = (0..lumas.len()).filter(|n| white(*n) && (*n == 0 || !white(n - 1)));
    let flashes = flashes.map(|n| times[n] as f64 * base).collect();

    let bytes = std::fs::read(sound).unwrap();
    let samples: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let loudest = samples.iter().fold(0.0f32, |m, s| m.max(s.abs()));
    let (mut beeps, mut heard) = (Vec::new(), None);
    for (n, _) in samples.iter().enumerate().filter(|(_, s)| s.abs() > loudest * 0.3) {
        let at = n as f64 / 48_000.0;
        if heard.is_none_or(|last| at - last > 0.05) {
            beeps.push(at);
        }
        heard = Some(at);
    }
    Truth { flashes, beeps }
}

/// By how much what was found is off each moment that is due. Moments at the very ends do not count: what begins there is
/// cut off, and AAC without an edit list has no room for the first 21 ms of sound.
fn offsets(case: &str, what: &str, due: &[f64], found: &[f64], seconds: f64) -> Vec<f64> {
    let inner = |moments: &[f64]| -> Vec<f64> {
        moments.iter().copied().filter(|t| (0.05..seconds - 0.15).contains(t)).collect()
    };
    let (due, found) = (inner(due), inner(found));
    assert!(due.len() > 1, "{case}: too few {what} are due");
    assert_eq!(found.len(), due.len(), "{case}: {what} due at {due:.3?}, found at {found:.3?}");
    due.iter().zip(found).map(|(due, found)| found - due).collect()
}

/// Makes the cuts of a clip, at its own rate and two others, and holds them against the truth.
fn check(case: &str, clip: &Path, truth: &Truth) {
    check_within(DRIFT, case, clip, truth);
}

/// The same, where sound may be off its place by more.
fn check_within(drift: f64, case: &str, clip: &Path, truth: &Truth) {
    let found = read(clip);
    let own = output_rate(found.video.rate, found.video.constant_rate, (24, 60));
    let rates = [own, Rate::new(30, 1), Rate::new(24, 1)];
    let recipes: Vec<_> = SHAPES
        .into_iter()
        .zip(rates)
        .map(|(shape, rate)| {
            let mut recipe = filling(&found, shape);
            recipe.rate = rate;
            recipe.kept = Span::new(Time::ZERO, rate.time_of(rate.frames_in(found.duration))).into();
            recipe
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    for (made, recipe) in cut(clip, &found, &recipes, folder.path()).iter().zip(&recipes) {
        let (frame, seconds) = (recipe.rate.frame().seconds(), recipe.duration().seconds());
        let case = format!("{case}, {} at {:.3} fps", recipe.canvas, recipe.rate.fps());
        let shown = found_in(made.file());
        let flashes = offsets(&case, "flashes", &truth.flashes, &shown.flashes, seconds);
        let beeps = offsets(&case, "beeps", &truth.beeps, &shown.beeps, seconds);
        let worst = |all: &[f64]| all.iter().fold(0.0f64, |m, o| if o.abs() > m.abs() { *o } else { m });
        let spread =
            |all: &[f64]| all.iter().copied().fold(f64::MIN, f64::max) - all.iter().copied().fold(f64::MAX, f64::min);
        let apart = flashes.iter().zip(&beeps).map(|(f, b)| (b - f).abs()).fold(0.0, f64::max);
        let measured = format!(
            "{seconds:.1} s, flashes off by {:.1} ms, beeps by {:.1} ms, apart {:.1} ms, drift {:.1} ms",
            worst(&flashes) * 1e3,
            worst(&beeps) * 1e3,
            apart * 1e3,
            spread(&beeps) * 1e3
        );
        println!("{case}: {measured}");
        if recipe.canvas == SHAPES[0] {
            page::show("time", &case, clip, made.file(), truth.flashes.get(1).map_or(1.0, |t| t + 0.05), &measured);
        }
        let slack = frame + 0.001;
        assert!(worst(&flashes).abs() <= slack, "{case}: flashes off by {flashes:.4?}");
        assert!(worst(&beeps).abs() <= drift, "{case}: beeps off by {beeps:.4?}");
        assert!(apart <= slack, "{case}: apart by {apart:.4}");
        assert!(spread(&beeps) <= drift, "{case}: beeps drift {beeps:.4?}");
    }
}

/// Tracks (`v` or `a`) and the expressions that move them.
type Filters<'a> = &'a [(&'a str, &'a str)];

/// Sends each packet of some tracks to another time: FFmpeg's `setts` filter with an expression of `TS`, in which `HZ`
/// stands for the ticks of a second.
fn restamped(clip: &Path, name: &str, filters: Filters, more: &[&str]) -> PathBuf {
    let moved = clip.with_file_name(name);
    let mut arguments = vec!["-i".to_string(), clip.to_str().unwrap().to_string(), "-c".into(), "copy".into()];
    for (track, expression) in filters {
        let ticks = match (name.ends_with("mkv"), *track) {
            (true, _) => "1000",
            (false, "v") => "90000",
            (false, _) => "48000",
        };
        arguments.extend([format!("-bsf:{track}"), format!("setts=ts='{}'", expression.replace("HZ", ticks))]);
    }
    arguments.extend(more.iter().map(|m| m.to_string()));
    arguments.push(moved.to_str().unwrap().to_string());
    ffmpeg(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    moved
}

/// Where a box begins and how long it is, inside of the `within` bytes of an outer one (ISO/IEC 14496-12, 4.2).
fn boxes(bytes: &[u8], (mut at, end): (usize, usize), kind: &[u8; 4]) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    while at + 8 <= end {
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        if &bytes[at + 4..at + 8] == kind {
            out.push((at, at + size));
        }
        at += size.max(8);
    }
    out
}

/// Gives a track of an MP4 that ends in its index the edits (length, start) in seconds; -1 starts nowhere. Starts count
/// from the first picture or sample that is meant to be shown.
fn edit(clip: &Path, track: usize, scale: f64, edits: &[(f64, f64)]) {
    let mut bytes = std::fs::read(clip).unwrap();
    let moov = boxes(&bytes, (0, bytes.len()), b"moov")[0];
    assert_eq!(moov.1, bytes.len(), "the index must come last, or the table of chunks would have to move");
    let trak = boxes(&bytes, (moov.0 + 8, moov.1), b"trak")[track];
    let edts = boxes(&bytes, (trak.0 + 8, trak.1), b"edts")[0];
    let elst = boxes(&bytes, (edts.0 + 8, edts.1), b"elst")[0];
    // One edit that starts after the delay of B-frames or the priming of AAC is there already.
    let known = i32::from_be_bytes(bytes[elst.1 - 8..elst.1 - 4].try_into().unwrap());
    let mut table = b"elst\0\0\0\0".to_vec();
    table.extend((edits.len() as u32).to_be_bytes());
    for (length, start) in edits {
        let start = if *start < 0.0 { -1 } else { known + (start * scale).round() as i32 };
        table.extend(((length * 1000.0).round() as u32).to_be_bytes());
        table.extend(start.to_be_bytes());
        table.extend([0, 1, 0, 0]);
    }
    let grown = (table.len() + 4) as i64 - (elst.1 - elst.0) as i64;
    for (start, end) in [moov, trak, edts, elst] {
        let size = (end - start) as i64 + grown;
        bytes[start..start + 4].copy_from_slice(&(size as u32).to_be_bytes());
    }
    bytes.splice(elst.0 + 4..elst.1, table);
    std::fs::write(clip, bytes).unwrap();
}

#[test]
fn every_rate_that_phones_record() {
    let folder = tempfile::tempdir().unwrap();
    let all = ["24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60", "120", "240"];
    let few = ["24000/1001", "30000/1001", "60", "240"];
    for fps in if long() { &all[..] } else { &few[..] } {
        let seconds = 4;
        let name = format!("{}.mp4", fps.replace('/', "-"));
        let clip = flashing(folder.path(), &name, (seconds, fps), "", &[]);
        let rate: f64 = fps.split('/').map(|n| n.parse::<f64>().unwrap()).reduce(|n, d| n / d).unwrap();
        check(fps, &clip, &Truth::each_second(seconds, rate));
    }
}

#[test]
fn uneven_rates_and_gaps() {
    let folder = tempfile::tempdir().unwrap();
    // Up to 12 ms from its place, as phones do in changing light; at full seconds in place.
    let jitter = ",setpts='(N/30+0.012*sin(N*PI/5))/TB'";
    let clip = flashing(folder.path(), "jitter.mp4", (5, "30"), jitter, &[]);
    check("jitter", &clip, &Truth::each_second(5, 30.0));
    // Pictures missing between flashes: 0.3 s to 0.9 s of seconds one and three.
    let gaps = ",select='not(between(mod(t\\,2)\\,1.3\\,1.9))'";
    let clip = flashing(folder.path(), "gaps.mp4", (5, "30"), gaps, &[]);
    check("gaps", &clip, &Truth::each_second(5, 30.0));
    // From 30 to 15 a second in the dark, and back.
    let slower = ",select='not(between(t\\,2\\,4)*mod(n\\,2))'";
    let clip = flashing(folder.path(), "slower.mp4", (6, "30"), slower, &[]);
    check("slower in the dark", &clip, &Truth::each_second(6, 30.0));
}

#[test]
fn starts_apart() {
    let folder = tempfile::tempdir().unwrap();
    let clip = flashing(folder.path(), "plain.mp4", (5, "30"), "", &[]);
    // Only fragments keep times below zero; elsewhere an edit list takes what lies before.
    let negative = ["-avoid_negative_ts", "disabled", "-movflags", "frag_keyframe+delay_moov+default_base_moof"];
    // (name, what happens to the tracks, arguments, when the first beep is due).
    let cases: [(&str, Filters, &[&str], f64); 5] = [
        ("both-late.mp4", &[("v", "TS+2.5*HZ"), ("a", "TS+2.5*HZ")], &[], 0.0),
        ("sound-late.mp4", &[("a", "TS+0.7*HZ")], &[], 0.7),
        ("picture-late.mp4", &[("v", "TS+0.7*HZ")], &[], -0.7),
        ("sound-late.mkv", &[("a", "TS+0.7*HZ")], &[], 0.7),
        ("negative.mp4", &[("v", "TS-1.5*HZ"), ("a", "TS-1.5*HZ")], &negative, 0.0),
    ];
    for (name, filters, more, beeps) in cases {
        let moved = restamped(&clip, name, filters, more);
        let shift = |by: f64| (0..5).map(|n| f64::from(n) + by).collect();
        check(name, &moved, &Truth { flashes: shift(0.0), beeps: shift(beeps) });
    }
}

#[test]
fn edit_lists_that_trim() {
    let folder = tempfile::tempdir().unwrap();
    // Groups of 48 pictures are 1.6 s long, so 0.7 s and 2.3 s lie in the middle of one.
    for (name, more) in
        [("plain", &[][..]), ("pyramid", &["-preset", "fast", "-bf", "5", "-x264-params", "b-pyramid=normal"][..])]
    {
        let whole = flashing(folder.path(), &format!("{name}.mp4"), (6, "30"), "", more);
        let trimmed = |to: &str| {
            let copy = folder.path().join(format!("{name}-{to}.mp4"));
            std::fs::copy(&whole, &copy).unwrap();
            copy
        };
        let part = |start: f64, length: f64| Truth::of((0..6).map(|n| f64::from(n) - start).filter(|t| *t < length));
        check(&format!("{name}, not trimmed"), &whole, &part(0.0, 6.0));
        let both = trimmed("both");
        edit(&both, 0, 90_000.0, &[(3.0, 2.3)]);
        edit(&both, 1, 48_000.0, &[(3.0, 2.3)]);
        check(&format!("{name}, both tracks trimmed"), &both, &part(2.3, 3.0));
        let picture = trimmed("picture");
        edit(&picture, 0, 90_000.0, &[(5.0, 0.7)]);
        let apart = Truth { flashes: part(0.7, 5.0).flashes, beeps: part(0.0, 6.0).beeps };
        check(&format!("{name}, picture trimmed"), &picture, &apart);
        let sound = trimmed("sound");
        edit(&sound, 1, 48_000.0, &[(5.0, 0.7)]);
        check(&format!("{name}, sound trimmed"), &sound, &Truth { flashes: apart.beeps, beeps: apart.flashes });
        let waits = trimmed("waits");
        edit(&waits, 1, 48_000.0, &[(0.5, -1.0), (5.0, 0.7)]);
        let late = Truth { flashes: part(0.0, 6.0).flashes, beeps: part(0.2, 5.5).beeps };
        check(&format!("{name}, sound waits"), &waits, &late);
        // FFmpeg's reader begins the second edit of a sound track with a whole packet, 21 ms long, of which less is meant,
        // and where pictures are reordered, the second edit of a picture track two pictures late.
        if name == "plain" {
            let middle = trimmed("middle");
            for (track, scale) in [(0, 90_000.0), (1, 48_000.0)] {
                edit(&middle, track, scale, &[(1.5, 0.0), (2.0, 3.2)]);
            }
            check_within(0.022, &format!("{name}, middle left out"), &middle, &Truth::of([0.0, 1.0, 2.3, 3.3]));
        }
    }
}

#[test]
fn open_groups_at_a_cut() {
    let folder = tempfile::tempdir().unwrap();
    let open = ["-preset", "fast", "-x264-params", "open-gop=1:bframes=3:keyint=30:min-keyint=30:scenecut=0"];
    let whole = flashing(folder.path(), "open.mp4", (6, "30"), "", &open);
    let trimmed = folder.path().join("open-trimmed.mp4");
    std::fs::copy(&whole, &trimmed).unwrap();
    for (track, scale) in [(0, 90_000.0), (1, 48_000.0)] {
        edit(&trimmed, track, scale, &[(3.0, 2.4)]);
    }
    check("open groups, trimmed", &trimmed, &Truth::of((0..6).map(|n| f64::from(n) - 2.4)));
    // The same without the groups before: the first pictures of the group refer to what is gone.
    let name = "open-cut.mp4";
    let cut = folder.path().join(name);
    ffmpeg(&["-ss", "2.4", "-i", whole.to_str().unwrap(), "-c", "copy", cut.to_str().unwrap()]);
    check("open groups, cut off", &cut, &Truth::of((0..6).map(|n| f64::from(n) - 2.4)));
}

#[test]
fn jumps_in_mid_file() {
    let folder = tempfile::tempdir().unwrap();
    let clip = flashing(folder.path(), "plain.mp4", (6, "30"), "", &[]);
    let after = |by: f64| Truth::of((0..6).map(|n| f64::from(n) + if n > 2 { by } else { 0.0 }));
    let later = "TS+gte(TS\\,2.5*HZ)*1.3*HZ";
    for kind in ["mp4", "mkv"] {
        let both = restamped(&clip, &format!("both.{kind}"), &[("v", later), ("a", later)], &[]);
        check(&format!("both jump, {kind}"), &both, &after(1.3));
        let picture = restamped(&clip, &format!("picture.{kind}"), &[("v", later)], &[]);
        check(&format!("the picture jumps, {kind}"), &picture, &Truth { beeps: after(0.0).beeps, ..after(1.3) });
        let sound = restamped(&clip, &format!("sound.{kind}"), &[("a", later)], &[]);
        check(&format!("the sound jumps, {kind}"), &sound, &Truth { beeps: after(1.3).beeps, ..after(0.0) });
    }
}

#[test]
fn fragments_with_base_times_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let clip = flashing(folder.path(), "plain.mp4", (5, "30"), "", &[]);
    let fragments = ["-movflags", "frag_keyframe+delay_moov+default_base_moof"];
    let both = |by: f64| Truth::of((0..5).map(|n| f64::from(n) + by));
    let plain = restamped(&clip, "fragments.mp4", &[], &fragments);
    check("fragments", &plain, &both(0.0));
    let late = restamped(&clip, "fragments-late.mp4", &[("v", "TS+3*HZ"), ("a", "TS+3.4*HZ")], &fragments);
    check("fragments, base times apart", &late, &Truth { beeps: both(0.4).beeps, ..both(0.0) });
}

#[test]
fn a_sound_clock_that_runs_fast() {
    let folder = tempfile::tempdir().unwrap();
    // 100 ppm are 18 ms in three minutes; the short form makes up for its length.
    let (seconds, ppm) = if long() { (180, 100.0) } else { (30, 600.0) };
    let clip = flashing(folder.path(), "plain.mp4", (seconds, "30"), "", &[]);
    let fast = folder.path().join("fast.wav");
    let speed = 1.0 + ppm * 1e-6;
    beeps(&fast, seconds, speed);
    let clip_name = clip.to_str().unwrap();
    for (kind, codec) in [("mkv", "aac"), ("mov", "aac"), ("mkv", "pcm_s16le")] {
        let joined = folder.path().join(format!("joined-{codec}.{kind}"));
        let inputs = ["-i", clip_name, "-i", fast.to_str().unwrap(), "-map", "0:v", "-map", "1:a", "-c:v", "copy"];
        let stamped = format!("asetpts=PTS/{speed}");
        let sound = ["-af", &stamped, "-c:a", codec, joined.to_str().unwrap()];
        ffmpeg(&[&inputs[..], &sound].concat());
        check(&format!("a fast sound clock, {codec} in {kind}"), &joined, &Truth::each_second(seconds, 30.0));
    }
}

#[test]
fn nothing_adds_up_along_a_clip() {
    let folder = tempfile::tempdir().unwrap();
    let seconds = if long() { 180 } else { 40 };
    // Uneven and a little slow, as phones are: 29.7 pictures a second on average, in steps of 24 to 43 ms.
    let uneven = ",setpts='(N/29.7+0.009*sin(N*2.1))/TB'";
    let clip = folder.path().join("uneven.mp4");
    let white = "lt(mod(t+0.5/29.7\\,1)\\,0.1)";
    let picture = format!(
        "color=black:s={SIDE}x{SIDE}:r=30,format=yuv420p,settb=1/90000{uneven},drawbox=color=white:t=fill:enable='{white}'"
    );
    let sound = folder.path().join("sound.wav");
    beeps(&sound, seconds, 1.0);
    let length = seconds.to_string();
    let inputs = ["-f", "lavfi", "-i", &picture, "-i", sound.to_str().unwrap(), "-t", &length];
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", "-fps_mode", "passthrough", "-enc_time_base", "1/90000"];
    ffmpeg(&[&inputs[..], &coding, &["-c:a", "aac", clip.to_str().unwrap()]].concat());
    let at = |n: u32| f64::from(n) / 29.7 + 0.009 * (f64::from(n) * 2.1).sin();
    let first_white = |second: u32| {
        let due = f64::from(second) - 0.5 / 29.7;
        (0..seconds * 30).map(at).find(|t| *t >= due).unwrap_or(f64::MAX)
    };
    let beeps = (0..seconds).map(f64::from).collect();
    check("uneven", &clip, &Truth { flashes: (0..seconds).map(first_white).collect(), beeps });
}

/// Parts of a transport stream, each beginning at its second, one after the other: (start, sound's rate, channels).
fn joined(folder: &Path, name: &str, parts: &[(&str, &str, &str)]) -> PathBuf {
    let plain = flashing(folder, &format!("{name}.mp4"), (3, "30"), "", &[]);
    let mut bytes = Vec::new();
    for (start, rate, channels) in parts {
        let part = folder.join("part.ts");
        let sound = ["-c:v", "copy", "-c:a", "aac", "-ar", rate, "-ac", channels, "-output_ts_offset", start];
        let file = ["-muxdelay", "0", "-muxpreload", "0", part.to_str().unwrap()];
        ffmpeg(&[&["-i", plain.to_str().unwrap()], &sound[..], &file].concat());
        bytes.extend(std::fs::read(part).unwrap());
    }
    let whole = folder.join(name);
    std::fs::write(&whole, bytes).unwrap();
    whole
}

#[test]
fn sound_stays_in_place_when_its_format_changes() {
    let folder = tempfile::tempdir().unwrap();
    let parts = [("1", "48000", "1"), ("4", "44100", "2"), ("7", "16000", "1")];
    let clip = joined(folder.path(), "changes.ts", &parts);
    // What fills up the last packet before a change, 21 ms at most, covers the beep after it.
    check_within(0.022, "a format that changes twice", &clip, &Truth::each_second(9, 30.0));
}

#[test]
fn hostile_times_stay_bounded() {
    let folder = tempfile::tempdir().unwrap();
    // Back to the start in mid-file: as long as its times say, and no longer.
    let back = joined(folder.path(), "back.ts", &[("8", "48000", "1"), ("1", "48000", "1")]);
    let found = read(&back);
    println!("back: {} long", found.duration);
    assert!((9.9..10.2).contains(&found.duration.seconds()), "{}", found.duration);
    let made = cut(&back, &found, &[filling(&found, SHAPES[0])], folder.path());
    assert!((made[0].duration - found.duration).0.abs() < 40_000, "{}", made[0].duration);
    // Hours later: refused by the length that is claimed, in either track.
    let plain = flashing(folder.path(), "plain.mp4", (3, "30"), "", &[]);
    for track in ["v", "a"] {
        let name = format!("huge-{track}.mkv");
        let huge = restamped(&plain, &name, &[(track, "TS+gte(TS\\,2*HZ)*36000*HZ")], &[]);
        let fault = probe(&huge, &Cancel::new()).unwrap_err().to_string();
        println!("huge, {track}: {fault}");
        assert!(fault.contains("the clip lasts 60"), "{fault}");
    }
}
