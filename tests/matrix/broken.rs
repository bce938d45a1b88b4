//! Files that are no clips, and clips that are damaged.
//!
//! All lie in one inbox with one good clip. Each has to be told of in one line that says what to do, the good one has to
//! be published, and neither time nor memory may run away.

use crate::common::desk::{Desk, Done, small};
use crate::common::{ffmpeg, ffprobe};
use crate::footage::long;
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

/// The largest picture that FFmpeg itself takes to find out what a file holds, a few times over; far less than any lie
/// asks for.
const MOST_MEMORY: u64 = 1 << 30;
/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(240);

/// What has to become of a file.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fate {
    /// Told of at this stage with these words.
    Refused(&'static str, &'static str),
    /// What is wrong does no harm: the clip is published like any other.
    Published,
    /// What can be seen may be published and what cannot is told of; both are right.
    Either,
}
use Fate::{Either, Published, Refused};

struct Case {
    name: String,
    bytes: Vec<u8>,
    fate: Fate,
}

fn case(name: &str, bytes: Vec<u8>, fate: Fate) -> Case {
    Case { name: name.to_string(), bytes, fate }
}

/// A second of moving picture and a tone, as the file that these arguments make.
fn made(further: &[&str], name: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    let inputs = ["-f", "lavfi", "-i", "testsrc2=size=320x256:rate=15:duration=1", "-f", "lavfi", "-i"];
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "5", "-pix_fmt", "yuv420p"];
    ffmpeg(&[&inputs[..], &["sine=440:duration=1"], &coding[..], further, &[file.to_str().unwrap()]].concat());
    fs::read(file).unwrap()
}

fn place(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

/// A copy with `new` written over what stands `after` bytes behind the name of the first box of that kind.
fn patched(bytes: &[u8], kind: &[u8; 4], after: usize, new: &[u8]) -> Vec<u8> {
    let at = place(bytes, kind) + 4 + after;
    let mut copy = bytes.to_vec();
    copy[at..at + new.len()].copy_from_slice(new);
    copy
}

/// Noise that is the same in every run.
fn noise(bytes: &mut [u8]) {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    for byte in bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = state as u8;
    }
}

/// Bits of a parameter set, as H.264 packs them.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn plain(mut self, value: u32, count: u32) -> Self {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    /// An Exp-Golomb number.
    fn number(self, value: u32) -> Self {
        let length = 32 - (value + 1).leading_zeros();
        self.plain(0, length - 1).plain(value + 1, length)
    }

    fn bytes(mut self) -> Vec<u8> {
        self.0.push(true);
        self.0.resize(self.0.len().div_ceil(8) * 8, false);
        self.0.chunks(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
    }
}

/// The good file's picture with parameter sets that claim so many macroblocks a side, all or all but the first.
fn with_claimed_size(macroblocks: u32, all: bool) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let claim = Bits::default().plain(66, 8).plain(0, 8).plain(52, 8).number(0);
    // Four bits of frame numbers, order of display as decoded, one reference, the size, frames only, no cropping.
    let claim = claim.number(0).number(2).number(1).plain(0, 1).number(macroblocks - 1).number(macroblocks - 1);
    let claim = [&[0, 0, 1, 0x67][..], &claim.plain(1, 1).plain(1, 1).plain(0, 2).bytes(), &[0]].concat();
    let mut stream = made(&["-map", "0:v", "-profile:v", "baseline"], "stream.h264");
    let mut from = if all { 0 } else { 8 };
    while let Some(start) = stream[from..].windows(4).position(|w| w == [0, 0, 1, 0x67]).map(|at| from + at) {
        let end = start + place(&stream[start..], &[0, 0, 1, 0x68]);
        stream.splice(start..end, claim.iter().copied());
        from = start + claim.len();
    }
    fs::write(at("stream.h264"), stream).unwrap();
    ffmpeg(&["-r", "15", "-i", &at("stream.h264"), "-c", "copy", &at("clip.mp4")]);
    fs::read(at("clip.mp4")).unwrap()
}

/// Cut off after a share of the file, by where the index lies.
fn truncated(early: &[u8], late: &[u8]) -> Vec<Case> {
    let shares: Vec<usize> = if long() { (2..100).step_by(2).collect() } else { vec![2, 30, 60, 90, 99] };
    let cut = |bytes: &[u8], share: usize| bytes[..bytes.len() * share / 100].to_vec();
    let one = |of: &str, bytes: &[u8], share: usize| {
        let fate = Refused("intake", "is not complete");
        case(&format!("{of}-{share:02}.mp4"), cut(bytes, share), fate)
    };
    let early = shares.iter().map(|share| one("early", early, *share));
    early.chain(shares.iter().map(|share| one("late", late, *share))).collect()
}

/// Everything that goes wrong between a phone and a folder.
fn cases() -> Vec<Case> {
    let early = made(&["-c:a", "aac", "-movflags", "+faststart"], "early.mp4");
    let late = made(&["-c:a", "aac"], "late.mp4");
    let matroska = made(&["-c:a", "aac"], "clip.mkv");
    let fragments = made(&["-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov"], "fragments.mp4");
    let (data, index) = (place(&late, b"mdat") - 4, place(&late, b"moov") - 4);
    let empty = [&late[..data], &[0, 0, 0, 8], b"mdat", &late[index..]].concat();
    let mut garbage = early.clone();
    let begun = place(&early, b"mdat") + (early.len() - place(&early, b"mdat")) / 2;
    noise(&mut garbage[begun..]);
    let mut all_garbage = early.clone();
    noise(&mut all_garbage[place(&early, b"mdat") + 4..]);
    let size = place(&matroska, &[0xB0, 0x82, 0x01, 0x40, 0xBA, 0x82, 0x01, 0x00]);
    let mut wide = matroska.clone();
    // Width 100,000 and height 240, in the room of 320 and 256.
    wide[size..size + 8].copy_from_slice(&[0xB0, 0x83, 0x01, 0x86, 0xA0, 0xBA, 0x81, 0xF0]);
    let stream = place(&early, b"avcC") + 4;
    let mut corrupt = early.clone();
    corrupt[stream + 8..stream + 20].fill(0xFF);
    let ten_years = 10 * 365 * 86_400_u32;
    let mut no_video = vec!["-map", "1:a", "-c:a", "aac"];
    let sound_only = made(&no_video, "sound.m4a");
    no_video = vec!["-c:a", "aac", "-frames:v", "1", "-t", "0.05"];
    let one_frame = made(&no_video, "one.mp4");
    let picture = made(&["-map", "0:v", "-c:v", "png", "-pix_fmt", "rgb24", "-frames:v", "1"], "picture.png");
    let no_video = Refused("intake", "it is no MP4, MOV, 3GP, MKV or WebM video");
    let cut = Refused("intake", "is not complete");
    let mut all = vec![
        case("zero.mp4", Vec::new(), Refused("intake", "only 0 bytes are there")),
        case("shopping.mp4", b"milk, bread, and a word with Dr. Lane about Tuesday\n".to_vec(), no_video),
        case("page.mov", b"<!DOCTYPE html><html><body>Sign in to download</body></html>".to_vec(), no_video),
        case("archive.mov", [&b"PK\x03\x04\x14\0\0\0\x08\0"[..], &[7; 300]].concat(), no_video),
        case("picture.mov", picture, no_video),
        case("no-index.mp4", late[..index].to_vec(), Refused("intake", "its index (moov) is not there")),
        case("empty-data.mp4", empty, Refused("intake", "its pictures and sound (mdat) are not there")),
        case("sound-only.mp4", sound_only, Refused("probe", "holds no picture")),
        case("one-frame.mp4", one_frame, Refused("probe", "lasts only")),
        case("cut-off.mkv", matroska[..matroska.len() * 2 / 3].to_vec(), cut),
        case("cut-off-fragments.mp4", fragments[..fragments.len() * 2 / 3].to_vec(), cut),
        case("garbage-from-the-middle.mp4", garbage, Either),
        case("garbage.mp4", all_garbage, Refused("render", "")),
        case("wide.mkv", wide, Published),
        case("claims-16000.mp4", with_claimed_size(1000, true), Refused("probe", "at most 8192 a side")),
        case("grows-to-16000.mp4", with_claimed_size(1000, false), Refused("render", "larger than the file declares")),
        case("corrupt-parameters.mp4", corrupt, Refused("render", "could be decoded")),
        // Ten years in the movie's and the track's header: players believe the pictures, and so do we.
        case("ten-years-movie.mp4", patched(&early, b"mvhd", 16, &ten_years.to_be_bytes()), Published),
        case(
            "ten-years-pictures.mp4",
            patched(&early, b"stts", 12, &0x7FFF_FFFF_u32.to_be_bytes()),
            Refused("probe", ""),
        ),
        case("a-billion-pictures.mp4", patched(&early, b"stsz", 4, &[0, 0, 0, 1, 0x0A, 0, 0, 0]), Refused("", "")),
    ];
    let mut lying = early.clone();
    let track = place(&early, b"trak") - 4;
    lying[track..track + 4].copy_from_slice(&0x00FF_FFFF_u32.to_be_bytes());
    all.push(case("track-past-the-index.mp4", lying, Refused("intake", "")));
    let mut lying = early.clone();
    let data = place(&early, b"mdat") - 4;
    lying[data..data + 4].copy_from_slice(&24_u32.to_be_bytes());
    all.push(case("data-too-short.mp4", lying, Refused("intake", "")));
    if long() {
        all.extend([
            case("size-of-the-sample.mp4", patched(&early, b"avc1", 24, &[0xFF; 4]), Published),
            case(
                "size-of-the-track.mp4",
                patched(&early, b"tkhd", 76, &[0x7F, 0xFF, 0, 0, 0x7F, 0xFF, 0, 0]),
                Published,
            ),
            case("ten-years-track.mp4", patched(&early, b"mdhd", 16, &u32::MAX.to_be_bytes()), Published),
        ]);
    }
    all.extend(truncated(&early, &late));
    all
}

/// Peak memory of a running program, in bytes, as the system counts it; none where it does not say or it has ended.
fn peak_memory(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? << 10)
}

/// Runs to the end, or fails when that takes too long; the peak of memory with it.
fn watched(desk: &Desk, arguments: &[&str]) -> (Done, u64) {
    let mut child = desk.command(arguments).spawn().unwrap();
    let drain = |mut pipe: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut text = Vec::new();
            pipe.read_to_end(&mut text).unwrap();
            text
        })
    };
    let out = drain(Box::new(child.stdout.take().unwrap()));
    let err = drain(Box::new(child.stderr.take().unwrap()));
    let (began, mut peak) = (Instant::now(), 0);
    let status = loop {
        peak = peak_memory(&child).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it hangs: {}", String::from_utf8_lossy(&err.join().unwrap()));
        }
        thread::sleep(Duration::from_millis(10));
    };
    let output = std::process::Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() };
    (Done::of(output), peak)
}

/// Nothing is drawn that would cost time, and the shortest clip is taken.
fn quick() -> String {
    let plain = "[end_card]\nenabled = false\n[hook]\nenabled = false\n";
    format!("{plain}{}min_seconds = 0.2\n", small("tiktok", &[(240, 426)]))
}

#[test]
fn every_damage_is_told_in_one_line_and_the_good_clip_is_published() {
    let desk = Desk::new();
    desk.practice(&quick());
    desk.drop_file("good.mp4", &made(&["-c:a", "aac"], "good.mp4"));
    let cases = cases();
    for Case { name, bytes, .. } in &cases {
        desk.drop_file(name, bytes);
    }
    let began = Instant::now();
    let arguments = ["run", "inbox", "--offline", "--json", "--platforms", "tiktok"];
    let (done, peak) = watched(&desk, &arguments);
    println!("{} files, {:.1} s, peak {} MiB", cases.len(), began.elapsed().as_secs_f64(), peak >> 20);
    assert_eq!(done.code, 2, "{done:?}");
    let files = desk.files();
    assert!(files.contains_key(Path::new("tiktok/good.mp4")), "{files:?}");
    let (failed, mut wrong) = (done.events("failed"), Vec::new());
    for Case { name, fate, .. } in &cases {
        let stem = name.rsplit_once('.').unwrap().0;
        let told: Vec<&Value> =
            failed.iter().filter(|event| event["clip"] == **name || event["clip"] == stem).collect();
        let cut = files.keys().find(|file| file.file_stem().unwrap() == stem && file.ends_with(format!("{stem}.mp4")));
        let text = |key: &str| told.first().map_or("", |event| event[key].as_str().unwrap());
        let (stage, what, advice) = (text("stage"), text("what"), text("advice"));
        println!("{name}: {}", if told.is_empty() { format!("{cut:?}") } else { format!("{stage}: {what}; {advice}") });
        let plain = |text: &str| !text.is_empty() && !text.contains(['\n', '/']) && text.len() < 120;
        let refused = told.len() == 1 && cut.is_none() && plain(what) && plain(advice);
        let as_said = match fate {
            Refused(where_, words) => refused && stage.contains(where_) && what.contains(words),
            Published => told.is_empty() && cut.is_some(),
            Either => refused || told.is_empty(),
        };
        if !as_said {
            wrong.push(format!("{name}: {fate:?}, but {told:?}, {cut:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(peak < MOST_MEMORY, "{} MiB", peak >> 20);
    let length: f64 = ffprobe(
        &["-show_entries", "format=duration", "-of", "csv=p=0"],
        &desk.out().join("tiktok/ten-years-movie.mp4"),
    )
    .trim()
    .parse()
    .unwrap();
    assert!((0.9..1.2).contains(&length), "{length}");
}

#[test]
fn a_limit_that_is_changed_counts_for_clips_that_are_known() {
    let desk = Desk::new();
    let with = |limits: &str| {
        desk.practice(&format!("{}[intake]\n{limits}\n", quick()));
        desk.batch("run", &["--platforms", "tiktok"])
    };
    desk.drop_file("good.mp4", &made(&["-c:a", "aac"], "good.mp4"));
    assert_eq!(with("").code, 0);
    let done = with("max_side = 300");
    let failed = done.events("failed");
    assert_eq!((done.code, failed.len()), (2, 1), "{done:?}");
    assert!(failed[0]["what"].as_str().unwrap().contains("320x256 pixels; at most 300"), "{failed:?}");
    assert!(failed[0]["advice"].as_str().unwrap().contains("max_side under [intake]"), "{failed:?}");
    assert_eq!(with("max_side = 320").code, 0);
}
