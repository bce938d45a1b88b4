//! What a person looks at before anything is made is what will be made: a picture of a cut, and a copy of the whole clip.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use common::desk::samples;
use common::measure::{describe, holds, outer_boxes, picture_times};
use common::{ffmpeg, ffprobe, recipe};
use housecall::cuts::{Kept, Mark, Placement, Recipe, SUBPIXELS, Waypoint};
use housecall::fault::Cancel;
use housecall::intake::Digest;
use housecall::media::Probe;
use housecall::media::probe::probe;
use housecall::media::render::{Job, Setting, render, shared_size};
use housecall::media::still::{Moment, draw};
use housecall::pipeline::{self, Looker};
use housecall::trace::Trace;
use housecall::units::{Rate, Rect, Size, Span, Time};
use image::RgbImage;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const HOUSECALL: &str = env!("CARGO_BIN_EXE_housecall");
const CANVAS: Size = Size::new(360, 640);
const RATE: Rate = Rate::new(30, 1);

/// A folder for clips, and a looker whose workers are this program.
struct Bench {
    folder: TempDir,
    cancel: Cancel,
    looker: Looker,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| HOUSECALL.into())
    }

    fn with(program: impl FnOnce(&Path) -> PathBuf) -> Self {
        let (folder, cancel) = (tempfile::tempdir().unwrap(), Cancel::new());
        let (program, state) = (program(folder.path()), folder.path().join("state"));
        let looker = Looker::new(program, &state, Duration::from_secs(60), &cancel);
        Bench { folder, cancel, looker }
    }

    /// Workers that are started by a script, which may end before it does.
    fn scripted(script: &str) -> Self {
        Self::with(|folder| self::script(folder, script))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Five seconds of moving picture that lies, coded and timed as told.
    fn clip(&self, name: &str, filter: &str, coding: &str) -> PathBuf {
        let file = self.file(name);
        let picture = format!("testsrc2=size=640x360:rate=30:duration=5,{filter}");
        let coding: Vec<&str> = coding.split_whitespace().collect();
        ffmpeg(&[&["-f", "lavfi", "-i", &picture][..], &coding, &[file.to_str().unwrap()]].concat());
        file
    }

    /// Files on their way that were left behind.
    fn strays(&self) -> usize {
        fs::read_dir(self.file("state/look")).map_or(0, Iterator::count)
    }
}

/// A program that does as the script says and then is this one.
fn script(folder: &Path, script: &str) -> PathBuf {
    let program = folder.join("program");
    fs::write(&program, format!("#!/bin/sh\n{script}\nexec {HOUSECALL} \"$@\"\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

const BY_X264: &str = "-c:v libx264 -preset superfast -bf 2 -g 60 -pix_fmt yuv420p";
/// Its groups are open: pictures that are shown before a key picture need what came before it.
const BY_X265: &str = "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=20:min-keyint=20:open-gop=1 \
                       -pix_fmt yuv420p10le -color_trc arib-std-b67 -colorspace bt2020nc -color_primaries bt2020 -tag:v hvc1";
const UNEVEN: &str = "select='not(eq(mod(n,7),3))*not(between(n,100,104))',setpts='(PTS*TB+0.011*sin(N*1.7)+0.012)/TB'";

/// The clip as it lies, turned by a display matrix.
fn turned(clip: &Path) -> PathBuf {
    let turned = clip.with_extension("turned.mov");
    let location = "location=+48.8577+002.295/";
    let how = ["-c", "copy", "-metadata:s:v:0", "rotate=90", "-metadata", location, turned.to_str().unwrap()];
    ffmpeg(&[&["-i", clip.to_str().unwrap()], &how[..]].concat());
    turned
}

/// A cut with all that can be on one: two parts of the clip, captions, hook, text mark, logos, and a card at the end.
fn cut(displayed: Size, placement: Option<Placement>) -> Recipe {
    let plain = recipe(displayed, CANVAS, 5.0);
    let script = include_str!("golden/portrait-clear.ass");
    let script = script.replace("0:00:14.99", "0:00:02.99").replace("0:00:17.99", "0:00:04.00");
    let logo = Mark {
        file: samples().join("logo.png"),
        digest: Digest("logo".into()),
        place: Rect::new(250, 40, 90, 60),
        opacity: 0.8,
        span: Span::new(Time::ZERO, Time::from_seconds(3.0)),
    };
    let later = Mark {
        place: Rect::new(20, 500, 90, 60),
        span: Span::new(Time::from_seconds(3.0), Time::from_seconds(4.0)),
        ..logo.clone()
    };
    Recipe {
        kept: Kept::of_frames(RATE, [10..50, 81..131]),
        hold: Time::from_seconds(1.0),
        placement: placement.unwrap_or(plain.placement.clone()),
        script: Some(script),
        marks: vec![logo, later],
        sound: None,
        codec: housecall::cuts::PictureCodec {
            preset: "ultrafast".into(),
            crf: 1.0,
            max_rate: 200_000,
            ..plain.codec.clone()
        },
        ..plain
    }
}

/// What the encoder was given, as near as its file tells.
fn rendered(clip: &Path, probe: &Probe, recipe: &Recipe, shared: Size, file: &Path) {
    let setting = Setting {
        clip,
        probe,
        shared: Some(shared),
        threads: 2,
        cancel: &Cancel::new(),
        progress: &|_| {},
        decoded: &|| {},
        trace: &Trace::default(),
    };
    let job = Job { recipe, file: file.to_path_buf() };
    render(&setting, &[job], None, &|_, _| Ok(())).0.remove(0).unwrap();
}

/// These frames of a file.
fn frames(file: &Path, numbers: &[i64]) -> Vec<RgbImage> {
    let raw = file.with_extension("rgb");
    let wanted = numbers.iter().map(|n| format!("eq(n,{n})")).collect::<Vec<_>>().join("+");
    let scale = "scale=in_color_matrix=bt709:in_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,format=rgb24";
    let filter = format!("select='{wanted}',{scale}");
    let how = ["-vf", &filter, "-fps_mode", "passthrough", "-f", "rawvideo", raw.to_str().unwrap()];
    ffmpeg(&[&["-i", file.to_str().unwrap()], &how[..]].concat());
    let bytes = fs::read(raw).unwrap();
    let size = (CANVAS.width * CANVAS.height * 3) as usize;
    assert_eq!(bytes.len(), size * numbers.len());
    bytes.chunks(size).map(|f| RgbImage::from_raw(CANVAS.width, CANVAS.height, f.to_vec()).unwrap()).collect()
}

/// Peak signal to noise, dB.
fn psnr(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let squares: f64 = a.iter().zip(b.iter()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares.max(1e-9)).log10()
}

#[test]
fn a_picture_is_the_one_that_the_encoder_is_given() {
    let bench = Bench::new();
    let upright = Size::new(360, 640);
    let waypoint = |at, x| Waypoint { at: Time::from_seconds(at), x: x * SUBPIXELS, y: 0 };
    let follow = Placement::Follow { size: Size::new(202, 360), path: vec![waypoint(0.2, 60), waypoint(2.8, 340)] };
    let fit = Placement::Fit { picture: Rect::new(0, 218, 360, 202) };
    let hlg = bench.clip("hlg.mov", "format=yuv420p10le", BY_X265);
    let vfr = format!("{BY_X264} -fps_mode vfr -video_track_timescale 90000");
    for (clip, placement, displayed) in [
        (bench.clip("sdr.mp4", "format=yuv420p", BY_X264), Some(follow), Size::new(640, 360)),
        (turned(&hlg), None, upright),
        (bench.clip("vfr.mp4", UNEVEN, &vfr), Some(fit), Size::new(640, 360)),
    ] {
        let probe = probe(&clip, &Cancel::new()).unwrap();
        assert_eq!(probe.video.displayed, displayed);
        assert_eq!(probe.video.constant_rate, !clip.ends_with("vfr.mp4"));
        let recipe = cut(displayed, placement);
        let shared = shared_size(&probe, &[&recipe]);
        let file = clip.with_extension("cut.mp4");
        rendered(&clip, &probe, &recipe, shared, &file);
        // In the middle, the first one behind the join, one behind a gap, the last one, and the card over it.
        for (number, moves) in [(20, true), (40, true), (65, true), (89, false), (105, false)] {
            let at = RATE.time_of(number) + Time::from_millis(11);
            let made = frames(&file, &[number - 1, number, number + 1]);
            let moment = Moment { clip: &clip, probe: &probe, recipe: &recipe, shared, at };
            let drawn = draw(&moment, 2, &Cancel::new()).unwrap();
            let like: Vec<f64> = made.iter().map(|made| psnr(made, &drawn)).collect();
            println!("{}, frame {number}: {like:.1?} dB", clip.display());
            assert!(like[1] > 45.0, "{} frame {number}: {like:?}", clip.display());
            // A picture that has no neighbour for a while fills more than one frame.
            assert!(!moves || like[0].min(like[2]) + 5.0 < like[1], "{number} is not told apart: {like:?}");
            if [40, 105].contains(&number) {
                let jpeg = pipeline::frame(&bench.looker, &clip, &probe, &recipe, shared, at).unwrap();
                let jpeg = image::load_from_memory(&jpeg).unwrap().into_rgb8();
                println!("as JPEG {:.1} dB", psnr(&jpeg, &drawn));
                assert!(psnr(&jpeg, &drawn) > 30.0 && (!moves || psnr(&jpeg, &made[0]) < 25.0));
            }
        }
    }
    assert_eq!(bench.strays(), 0);
}

/// The mean luma of each picture of a file.
fn lumas(file: &Path) -> Vec<u8> {
    let raw = file.with_extension("grey");
    let filter = "scale=1:1:flags=area,format=yuv420p";
    let how = ["-an", "-vf", filter, "-fps_mode", "passthrough", "-f", "rawvideo", raw.to_str().unwrap()];
    ffmpeg(&[&["-i", file.to_str().unwrap()], &how[..]].concat());
    fs::read(raw).unwrap().chunks(3).map(|codes| codes[0]).collect()
}

/// A file's sound in its place, mono at 48 kHz.
fn sound(file: &Path) -> Vec<f32> {
    let raw = file.with_extension("pcm");
    let how = ["-vn", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", "48000", "-f", "f32le"];
    ffmpeg(&[&["-i", file.to_str().unwrap()], &how[..], &[raw.to_str().unwrap()]].concat());
    let bytes = fs::read(raw).unwrap();
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// The times that ffprobe tells of a file's pictures, in order.
fn seconds(file: &Path, entries: &str, further: &[&str]) -> Vec<f64> {
    let how = ["-select_streams", "v", "-show_entries", entries, "-of", "csv=p=0"];
    let text = ffprobe(&[&how, further].concat(), file);
    let mut times: Vec<f64> = text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    times
}

#[test]
fn a_viewing_copy_is_the_whole_clip_in_its_own_time_and_nothing_private() {
    let bench = Bench::new();
    let lying = bench.file("lying.mp4");
    // White for a fifth of a second and 1 kHz with it, at every full second; the sound track starts late, and pictures
    // are missing.
    let flash = "color=black:s=320x240:r=30,format=yuv420p,\
                 geq=lum='if(lt(mod(T\\,1)\\,0.2)\\,235\\,16)':cb=128:cr=128,\
                 select='not(eq(mod(n,7),3))*not(between(n,89,92))'[v]";
    let beep = "aevalsrc='if(lt(mod(t\\,1)\\,0.2)\\,0.3*sin(2*PI*1000*t)\\,0)':s=48000,atrim=start=0.5[a]";
    let graph = format!("{flash};{beep}");
    let how = "-map [v] -map [a] -t 6 -fps_mode vfr -c:v libx264 -preset ultrafast -c:a aac";
    let how: Vec<&str> = how.split(' ').collect();
    ffmpeg(&[&["-filter_complex", &graph][..], &how, &[lying.to_str().unwrap()]].concat());
    let clip = turned(&lying);
    let found = probe(&clip, &Cancel::new()).unwrap();
    assert!(!found.video.constant_rate && found.private.iter().any(|field| field.key == "location"));

    let copy = bench.file("view/flash.mp4");
    pipeline::view_copy(&bench.looker, &clip, &found, &Digest("flash".into()), &copy).unwrap();
    let about = describe(&copy);
    let (video, audio) = (&about["streams"][0], &about["streams"][1]);
    assert_eq!((&video["width"], &video["height"]), (&240.into(), &320.into()));
    assert_eq!((&video["codec_name"], &video["pix_fmt"]), (&"h264".into(), &"yuv420p".into()));
    assert_eq!((&video["color_transfer"], &video["color_range"]), (&"bt709".into(), &"tv".into()));
    assert_eq!((&audio["codec_name"], &video["avg_frame_rate"]), (&"aac".into(), &"30/1".into()));
    assert!(
        (about["format"]["duration"].as_str().unwrap().parse::<f64>().unwrap() - found.duration.seconds()).abs() < 0.05
    );

    let bytes = fs::read(&copy).unwrap();
    assert_eq!(outer_boxes(&bytes).0, ["ftyp", "moov", "free", "mdat"]);
    assert!(!holds(&bytes, "48.8577") && !holds(&bytes, "rotate"), "something private is in the copy");
    let keys = seconds(&copy, "frame=pts_time", &["-skip_frame", "nokey"]);
    assert!(keys.len() >= 12 && keys.windows(2).all(|two| two[1] - two[0] < 0.501), "{keys:?}");
    assert_eq!(picture_times(&copy).len() as i64, RATE.frames_in(found.duration));

    let lumas = lumas(&copy);
    let sounds = [&copy, &clip].map(|file| sound(file));
    let stamps = seconds(&clip, "packet=pts_time", &[]);
    for second in 1..5 {
        // The first white picture of the clip itself may be missing.
        let begun = stamps.iter().find(|at| **at >= f64::from(second) - 0.001).unwrap();
        let white = (second as usize * 30 - 6..).find(|n| lumas[*n] > 128).unwrap() as f64 / 30.0;
        assert!((white - begun).abs() <= 0.5 / 30.0 + 0.001, "white at {white:.3}, in the clip at {begun:.3}");
        let heard = sounds.each_ref().map(|samples| {
            let from = second as usize * 48_000 - 9_600;
            (samples[from..].iter().position(|s| s.abs() > 0.1).unwrap() + from) as f64 / 48_000.0
        });
        assert!((heard[0] - heard[1]).abs() < 0.002, "heard at {:.4}, in the clip at {:.4}", heard[0], heard[1]);
    }
    // As loud as it was recorded.
    let [ours, theirs] = sounds.map(|samples| samples.iter().fold(0.0f32, |most, sample| most.max(sample.abs())));
    assert!((ours / theirs - 1.0).abs() < 0.1 && theirs > 0.25, "{ours} where the clip has {theirs}");
    assert_eq!(bench.strays(), 0);
}

#[test]
fn an_hdr_clip_gets_a_copy_and_a_still_for_ordinary_screens() {
    let bench = Bench::new();
    // Diffuse white in HLG, which is code 721 of 10 bits (ITU-R BT.2408).
    let grey = "format=yuv420p10le,geq=lum=721:cb=512:cr=512,trim=duration=1";
    let clip = turned(&bench.clip("hlg.mov", grey, BY_X265));
    let found = probe(&clip, &Cancel::new()).unwrap();
    let (copy, digest) = (bench.file("copy.mp4"), Digest("hlg".into()));
    pipeline::view_copy(&bench.looker, &clip, &found, &digest, &copy).unwrap();
    let about = describe(&copy);
    assert_eq!(about["streams"].as_array().unwrap().len(), 1, "a clip without sound gets a copy without");
    assert_eq!(about["streams"][0]["color_transfer"], "bt709");
    let lumas = lumas(&copy);
    assert!(lumas.len() == 30 && lumas.iter().all(|luma| luma.abs_diff(202) <= 3), "{lumas:?}");

    let still = bench.file("poster.jpg");
    pipeline::poster(&bench.looker, &clip, &found, &digest, Time::from_millis(400), &still).unwrap();
    let still = image::open(still).unwrap().into_rgb8();
    assert_eq!(still.dimensions(), (270, 480));
    // Luma 202 of 16 to 235.
    let [r, g, b] = still.get_pixel(135, 240).0;
    assert!([r, g, b].iter().all(|code| code.abs_diff(217) <= 3), "{r} {g} {b}");
}

#[test]
fn whoever_drew_last_draws_the_next_one_of_its_clip_and_is_replaced_where_it_is_gone() {
    let bench = Bench::with(|folder| script(folder, &format!("echo $$ >> {}/workers", folder.display())));
    let one = bench.clip("one.mp4", "format=yuv420p", BY_X264);
    let two = bench.file("two.mp4");
    fs::copy(&one, &two).unwrap();
    let found = probe(&one, &Cancel::new()).unwrap();
    let recipe = recipe(found.video.displayed, CANVAS, 5.0);
    let shared = shared_size(&found, &[&recipe]);
    let frame = |clip: &Path, at: f64| {
        let at = Time::from_seconds(at);
        pipeline::frame(&bench.looker, clip, &found, &recipe, shared, at).unwrap()
    };
    let workers = || fs::read_to_string(bench.file("workers")).unwrap().lines().map(String::from).collect::<Vec<_>>();
    let first = frame(&one, 1.0);
    assert!(frame(&one, 3.0) != first && frame(&one, 1.0) == first);
    assert_eq!(workers().len(), 1);
    assert!(Command::new("kill").args(["-KILL", &workers()[0]]).status().unwrap().success());
    assert!(frame(&one, 1.0) == first);
    assert_eq!(workers().len(), 2);
    // Another clip's bytes go to another process.
    assert!(frame(&two, 1.0) == first);
    assert_eq!(workers().len(), 3);
}

#[test]
fn what_cannot_be_made_is_a_fault_and_leaves_nothing() {
    let bench = Bench::scripted("ulimit -f 8");
    let clip = bench.clip("sdr.mp4", "format=yuv420p", BY_X264);
    let found = probe(&clip, &Cancel::new()).unwrap();
    let (copy, digest) = (bench.file("copy.mp4"), Digest("sdr".into()));
    fs::write(&copy, "what was there before").unwrap();
    let fault = pipeline::view_copy(&bench.looker, &clip, &found, &digest, &copy).unwrap_err();
    assert!(fault.is_death() && fault.what().contains("wrote more"), "{fault}");
    let recipe = cut(found.video.displayed, None);
    let shared = shared_size(&found, &[&recipe]);
    let ask = |bench: &Bench| {
        let began = Instant::now();
        let asked = pipeline::frame(&bench.looker, &clip, &found, &recipe, shared, Time::from_seconds(1.0));
        (asked.unwrap_err(), began.elapsed())
    };
    assert!(ask(&bench).0.is_death());
    assert_eq!(fs::read_to_string(&copy).unwrap(), "what was there before");
    assert_eq!(bench.strays(), 0);

    let bench = Bench::new();
    fs::write(&clip, vec![7; 100_000]).unwrap();
    let fault = ask(&bench).0;
    assert!(!fault.is_death() && !fault.is_cancelled(), "{fault}");

    let bench = Bench::scripted("sleep 100");
    let cancel = bench.cancel.clone();
    let (fault, took) = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            cancel.cancel();
        });
        ask(&bench)
    });
    assert!(fault.is_cancelled() && took < Duration::from_secs(20), "{fault} after {took:?}");
    assert!(pipeline::view_copy(&bench.looker, &clip, &found, &digest, &copy).unwrap_err().is_cancelled());
}
