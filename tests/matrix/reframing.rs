//! The speaker's face stays in the picture: a real face moved over a background, on a track that is known. A red patch
//! below it tells where the face is in the finished cut, to a fraction of a pixel.

use crate::common::ffmpeg;
use crate::{footage, page};
use housecall::config::Anchor;
use housecall::cuts::{Placement, Recipe, follow};
use housecall::fault::Cancel;
use housecall::media::Probe;
use housecall::media::faces::{Faces, look};
use housecall::units::{Rect, Size, Time};
use image::imageops::FilterType;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

const PICTURE: Size = Size::new(640, 360);
/// A 9:16 part of it, and what that is shown on.
const WINDOW: Size = Size::new(202, 360);
const CANVAS: Size = Size::new(270, 480);
const FPS: f64 = 25.0;
/// Width of the picture of the face, its face's middle, and how far below that the patch is.
const FACE: u32 = 130;
const MIDDLE: (f64, f64) = (64.0, 72.0);
const PATCH: (i64, i64) = (96, 18);

/// One frame: where the middle of the face is, if it is there, and which of two rooms it is in.
type Shot = (Option<(i64, i64)>, usize);

/// Writes a clip of `frames` shots; `options` decide how it is encoded.
fn film(folder: &Path, name: &str, frames: u32, options: &[&str], shot: impl Fn(f64) -> Shot) -> PathBuf {
    let face = image::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/face.png")).unwrap().into_luma8();
    let face = image::imageops::resize(&face, FACE, face.height() * FACE / face.width(), FilterType::Triangle);
    let raw = folder.join(format!("{name}.rgb"));
    let mut out = BufWriter::new(File::create(&raw).unwrap());
    for frame in 0..frames {
        let (place, room) = shot(f64::from(frame) / FPS);
        let mut pixels = Vec::with_capacity(PICTURE.width as usize * PICTURE.height as usize * 3);
        for y in 0..i64::from(PICTURE.height) {
            for x in 0..i64::from(PICTURE.width) {
                let wave = (x as f64 / 40.0).sin() * 30.0 + (y as f64 / 25.0).cos() * 20.0;
                let wall = if room == 0 { 80.0 + wave } else { 170.0 - wave } as u8;
                let on_face = place.and_then(|(px, py)| {
                    let (fx, fy) = (x - px + MIDDLE.0 as i64, y - py + MIDDLE.1 as i64);
                    let patch = (x - px).abs() < PATCH.1 && (y - py - PATCH.0).abs() < PATCH.1;
                    let inside = fx >= 0 && fy >= 0 && fx < i64::from(face.width()) && fy < i64::from(face.height());
                    match (patch, inside) {
                        (true, _) => Some([220, 20, 20]),
                        (_, true) => Some([face.get_pixel(fx as u32, fy as u32).0[0]; 3]),
                        _ => None,
                    }
                });
                pixels.extend(on_face.unwrap_or([wall, wall, wall.saturating_add(10)]));
            }
        }
        out.write_all(&pixels).unwrap();
    }
    out.flush().unwrap();
    let (clip, size) = (folder.join(format!("{name}.mp4")), PICTURE.to_string());
    let input = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", &size, "-r", "25", "-i", raw.to_str().unwrap()];
    let codec = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "16"];
    ffmpeg(&[&input[..], &codec, options, &[clip.to_str().unwrap()]].concat());
    fs::remove_file(raw).unwrap();
    clip
}

/// What is seen of a clip, and what is cut from it.
fn reframed(clip: &Path) -> (Probe, Faces, Recipe) {
    let found = footage::read(clip);
    let faces = look(clip, &found.video, 2, &Cancel::new()).unwrap().unwrap();
    let mut recipe = footage::filling(&found, CANVAS);
    let sightings = follow::speaker(&faces, found.duration);
    let anchor = Anchor { x: 0.5, y: 0.4 };
    let path = follow::path(&sightings, &faces.cuts, PICTURE, WINDOW, anchor, found.duration);
    if let Some(path) = path {
        recipe.placement = Placement::Follow { size: WINDOW, path: follow::in_cut_time(&path, recipe.kept.spans()) };
    }
    recipe.rate = found.video.rate;
    (found, faces, recipe)
}

/// The middle of the red patch in every frame of the cut, as shares of the canvas' width; none where it is not whole.
fn patches(cut: &Path, folder: &Path) -> Vec<Option<f64>> {
    let raw = folder.join("cut.rgb");
    ffmpeg(&["-i", cut.to_str().unwrap(), "-pix_fmt", "rgb24", "-f", "rawvideo", raw.to_str().unwrap()]);
    let frame = CANVAS.width as usize * CANVAS.height as usize * 3;
    let pixels = fs::read(&raw).unwrap();
    fs::remove_file(raw).unwrap();
    let middle = |picture: &[u8]| {
        let (mut sum, mut weight) = (0.0, 0.0);
        for (i, pixel) in picture.chunks(3).enumerate() {
            let red = f64::from(pixel[0]) - f64::from(pixel[1].max(pixel[2]));
            if red > 60.0 {
                sum += (i % CANVAS.width as usize) as f64 * red;
                weight += red;
            }
        }
        (weight > 1000.0 * 100.0).then(|| (sum / weight + 0.5) / f64::from(CANVAS.width))
    };
    pixels.chunks(frame).map(middle).collect()
}

/// A walk from 160 to 480 between two rests; on even pixels, so that the patch's chroma lies the same everywhere.
fn walk(at: f64) -> i64 {
    (80.0 + 160.0 * ((at - 1.2) / 3.6).clamp(0.0, 1.0)).round() as i64 * 2
}

#[test]
fn a_walker_stays_in_the_middle_and_the_picture_moves_evenly() {
    let folder = tempfile::tempdir().unwrap();
    // Key pictures as far apart as an app leaves them, and once a second as a phone does.
    let forms = [("sparse", "250"), ("phone", "25")];
    for (name, gop) in if footage::long() { &forms[..] } else { &forms[1..] } {
        let options = ["-g", gop, "-sc_threshold", "0"];
        let clip = film(folder.path(), name, 150, &options, |at| (Some((walk(at), 150)), 0));
        let (found, faces, recipe) = reframed(&clip);
        for seen in &faces.seen {
            let [face] = seen.faces[..] else { panic!("{seen:?}") };
            let middle = f64::from(face.place.x) + f64::from(face.place.width) / 2.0;
            let off = middle - walk(seen.at.seconds()) as f64;
            assert!(off.abs() < 12.0, "{name}: a face is seen {off} pixels off at {}", seen.at);
        }
        assert!(faces.cuts.is_empty(), "{:?}", faces.cuts);
        let cut = &footage::cut(&clip, &found, std::slice::from_ref(&recipe), folder.path())[0];
        let patches = patches(cut.file(), folder.path());
        assert_eq!(patches.len(), 150);
        let mut worst: f64 = 0.0;
        let mut strays: Vec<f64> = Vec::new();
        for (frame, patch) in patches.iter().enumerate() {
            let patch = patch.unwrap_or_else(|| panic!("{name}: the face has left frame {frame}"));
            worst = worst.max((patch - 0.5).abs());
            // How far the window is from the left, in pixels of the clip, as the finished cut shows it.
            let shown = walk(frame as f64 / FPS) as f64 + 0.5 - patch * f64::from(WINDOW.width);
            strays.push(shown - planned_left(&recipe, frame));
        }
        let stray = (strays.iter().map(|s| s * s).sum::<f64>() / strays.len() as f64).sqrt();
        let moved = planned_left(&recipe, 149) - planned_left(&recipe, 0);
        println!(
            "reframing {name}: at most {:.1}% of the window off its middle, it moved {moved:.0} px and strayed {stray:.2} px from its way",
            worst * 100.0
        );
        page::show("reframing", name, &clip, cut.file(), 3.0, &format!("{:.1}% off the middle", worst * 100.0));
        assert!(worst < 0.2, "{worst}");
        // One that moved in whole pixels would stray by 0.29 of one, in pairs of them by 0.58.
        assert!(stray < 0.2, "{stray}");
        assert!(moved > 250.0, "it did not follow: {moved}");
    }
}

/// Where the plan has the window in a frame of the cut.
fn planned_left(recipe: &Recipe, frame: usize) -> f64 {
    let Placement::Follow { path, .. } = &recipe.placement else { panic!("{:?}", recipe.placement) };
    let reach = Time(recipe.rate.frame().0 * 45 / 100);
    follow::position(path, recipe.rate.time_of(frame as i64) + reach).0
}

#[test]
fn a_speaker_who_sways_gets_a_window_that_does_not_move() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["-g", "25", "-sc_threshold", "0"];
    let sway = |at: f64| (Some((220 + (at * 2.0).sin().round() as i64 * 8, 150)), 0);
    let clip = film(folder.path(), "sway", 75, &options, sway);
    let (.., recipe) = reframed(&clip);
    let Placement::Follow { path, .. } = &recipe.placement else { panic!("{:?}", recipe.placement) };
    assert_eq!(path.len(), 1, "{path:?}");
    let crop = recipe.placement.crop_at(Time::ZERO).unwrap();
    assert!((crop.x + crop.width / 2).abs_diff(220) <= 14, "{crop:?}");
}

#[test]
fn the_window_jumps_at_the_very_frame_of_a_scene_cut() {
    let folder = tempfile::tempdir().unwrap();
    // Between two key pictures, so that the encoder gives nothing away.
    let options = ["-g", "25", "-sc_threshold", "0"];
    let scene = |at: f64| if at < 37.0 / FPS { (Some((130, 150)), 0) } else { (Some((500, 160)), 1) };
    let clip = film(folder.path(), "scenes", 75, &options, scene);
    let (found, faces, recipe) = reframed(&clip);
    assert_eq!(faces.cuts, [Time::from_seconds(37.0 / FPS)]);
    let cut = &footage::cut(&clip, &found, std::slice::from_ref(&recipe), folder.path())[0];
    for (frame, patch) in patches(cut.file(), folder.path()).iter().enumerate() {
        let off = patch.map_or(1.0, |patch| (patch - 0.5).abs());
        assert!(off < 0.12, "frame {frame}: {off:.2}");
    }
    page::show("reframing", "scenes", &clip, cut.file(), 2.0, "jumped at the cut");
}

#[test]
fn an_empty_room_has_no_faces_and_the_crop_lies_at_the_anchor() {
    let folder = tempfile::tempdir().unwrap();
    let clip = film(folder.path(), "empty", 50, &["-g", "25"], |_| (None, 0));
    let (_, faces, recipe) = reframed(&clip);
    assert!(faces.seen.len() >= 2 && faces.seen.iter().all(|seen| seen.faces.is_empty()), "{faces:?}");
    assert!(matches!(recipe.placement, Placement::Fill { .. }));
}

#[test]
fn a_face_is_found_where_it_is_shown_however_the_phone_was_held() {
    let folder = tempfile::tempdir().unwrap();
    for degrees in if footage::long() { vec!["0", "90", "180", "270"] } else { vec!["90"] } {
        // Turned the one way in the pixels, and back by the display matrix; the muxer's angles are counter-clockwise.
        let turn = match degrees {
            "90" => "transpose=clock",
            "180" => "hflip,vflip",
            "270" => "transpose=cclock",
            _ => "null",
        };
        let plain = film(folder.path(), "plain", 30, &["-g", "25", "-vf", turn], |_| (Some((200, 140)), 0));
        let clip = folder.path().join("turned.mp4");
        let tag = format!("rotate={degrees}");
        let copy = ["-i", plain.to_str().unwrap(), "-c", "copy", "-metadata:s:v:0", &tag];
        ffmpeg(&[&copy[..], &[clip.to_str().unwrap()]].concat());
        let found = footage::read(&clip);
        assert_eq!(found.video.displayed, PICTURE, "{degrees}");
        let faces = look(&clip, &found.video, 1, &Cancel::new()).unwrap().unwrap();
        let [face] = faces.seen[0].faces[..] else { panic!("{degrees}: {faces:?}") };
        let Rect { x, y, width, height } = face.place;
        let (x, y) = (x + width / 2, y + height / 2);
        assert!(x.abs_diff(200) <= 12 && y.abs_diff(140) <= 14, "{degrees}: {x}, {y}");
    }
}
