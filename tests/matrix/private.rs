//! Nothing private in anything that is written.
//!
//! Clips carry made-up markers wherever phones, apps and editors put something private: in words, and dates as the
//! numbers that files hold. After a whole run no byte of the output folder may hold any of them.

use crate::common::desk::{Desk, small};
use crate::common::measure::{describe, holds};
use crate::common::{ffmpeg, ffprobe};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// In every text that is private.
const MARK: &str = "ZQ-SECRET";
/// A place and a date that nothing else has.
const PLACE: &str = "+11.2233-044.5566/";
const DATE: &str = "2011-03-09T07:08:09Z";
/// The date in seconds since 1904, as MP4 writes it, and in nanoseconds since 2001, as Matroska does.
const SINCE_1904: u32 = 1_299_654_489 + 2_082_844_800;
const SINCE_2001: u64 = (1_299_654_489 - 978_307_200) * 1_000_000_000;
/// Metadata that says nothing about anybody.
const HARMLESS: [&str; 6] =
    ["major_brand", "minor_version", "compatible_brands", "language", "handler_name", "vendor_id"];

/// Everything that must not be found, as bytes.
fn markers() -> Vec<Vec<u8>> {
    let utf16: Vec<u8> = MARK.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let texts = [MARK, "+11.2233", "-044.5566", "2011-03-09", "07:08:09", "2011:03:09"];
    let mut all: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    all.extend([utf16, SINCE_1904.to_be_bytes().to_vec(), SINCE_2001.to_be_bytes().to_vec(), captions()]);
    all
}

/// Pairs of characters as closed captions carry them inside the picture's stream (CTA-708, marked as line 21).
fn captions() -> Vec<u8> {
    MARK.as_bytes()[..8].chunks(2).flat_map(|pair| [0xFC, pair[0], pair[1]]).collect()
}

fn found(bytes: &[u8]) -> Vec<String> {
    let all = markers();
    let there = all.iter().filter(|marker| bytes.windows(marker.len()).any(|window| window == &marker[..]));
    there.map(|marker| String::from_utf8_lossy(marker).into_owned()).collect()
}

pub fn atom(kind: &[u8], body: &[u8]) -> Vec<u8> {
    [&(8 + body.len() as u32).to_be_bytes()[..], kind, body].concat()
}

/// A text of QuickTime user data: length, language, letters.
fn user_text(kind: &[u8], text: &str) -> Vec<u8> {
    atom(kind, &[&(text.len() as u16).to_be_bytes()[..], &0x15C7_u16.to_be_bytes(), text.as_bytes()].concat())
}

/// User data as Apple, Android, 3GPP and editors write it.
fn user_data() -> Vec<u8> {
    let place = [&[0, 0, 0, 0, 0x15, 0xC7][..], b"ZQ-SECRET-PLACE\0", &[0; 13], b"earth\0ZQ-SECRET-NOTES\0"].concat();
    let boxes = [
        user_text(b"\xA9xyz", PLACE),
        user_text(b"\xA9day", DATE),
        user_text(b"\xA9mak", "ZQ-SECRET-MAKE"),
        user_text(b"\xA9mod", "ZQ-SECRET-MODEL"),
        user_text(b"\xA9swr", "ZQ-SECRET-SOFTWARE"),
        atom(b"loci", &place),
        atom(b"XMP_", b"<x:xmpmeta>ZQ-SECRET-XMP</x:xmpmeta>"),
        atom(b"smta", &atom(b"mdln", b"ZQ-SECRET-SAMSUNG")),
    ];
    atom(b"udta", &boxes.concat())
}

/// Puts `more` at the end of the first box of that kind inside `bytes`, which starts with a box itself.
pub fn append_inside(bytes: &mut Vec<u8>, path: &[&[u8; 4]], more: &[u8]) {
    let (mut start, mut end) = (0, bytes.len());
    for kind in path {
        let size_of = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let mut at = start;
        while bytes[at + 4..at + 8] != kind[..] {
            at += size_of(at);
            assert!(at < end, "no {}", String::from_utf8_lossy(&kind[..]));
        }
        let size = size_of(at);
        bytes[at..at + 4].copy_from_slice(&((size + more.len()) as u32).to_be_bytes());
        // Some boxes have fields before the boxes that they hold.
        let fields = match &kind[..] {
            b"stsd" => 8,
            b"avc1" | b"hvc1" => 78,
            _ => 0,
        };
        (start, end) = (at + 8 + fields, at + size);
    }
    bytes.splice(end..end, more.iter().copied());
}

/// A supplemental message (SEI) of H.264 or HEVC: its header, the kind of message, and what it says.
fn message(header: &[u8], kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 1], header, &[kind, payload.len() as u8], payload, &[0x80]].concat()
}

/// Puts messages before the first slice of a raw stream, since parameter sets have to come first.
fn before_first_slice(stream: &[u8], is_slice: fn(u8) -> bool, messages: &[Vec<u8>]) -> Vec<u8> {
    let at = stream.windows(4).position(|w| w[..3] == [0, 0, 1] && is_slice(w[3])).unwrap();
    let at = if at > 0 && stream[at - 1] == 0 { at - 1 } else { at };
    [&stream[..at], &messages.concat(), &stream[at..]].concat()
}

/// Makes inputs in a folder of its own.
struct Maker(TempDir);

impl Maker {
    fn new() -> Self {
        let maker = Maker(tempfile::tempdir().unwrap());
        let chapters = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=ZQ-SECRET-CHAPTER\n\
                        [CHAPTER]\nTIMEBASE=1/1000\nSTART=400\nEND=1000\ntitle=ZQ-SECRET-CHAPTER-2\n";
        fs::write(maker.at("chapters.txt"), chapters).unwrap();
        maker
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_string()
    }

    /// Runs ffmpeg with a second of picture and sound as inputs 0 and 1; the last argument names the file.
    fn make(&self, further: &[&str], name: &str) -> Vec<u8> {
        let sources = ["-f", "lavfi", "-i", "testsrc2=size=180x320:rate=15:duration=1", "-f", "lavfi"];
        let file = self.text(name);
        ffmpeg(&[&sources[..], &["-i", "sine=440:duration=1"], further, &[&file]].concat());
        fs::read(file).unwrap()
    }

    /// A raw stream with messages in it, as a file that ffmpeg can copy from.
    fn raw(&self, codec: &str, name: &str, is_slice: fn(u8) -> bool, messages: &[Vec<u8>]) -> String {
        let quiet = if codec == "libx265" { ["-x265-params", "log-level=none"] } else { ["-bf", "0"] };
        let stream = self.make(
            &[&["-map", "0:v", "-c:v", codec, "-preset", "ultrafast", "-pix_fmt", "yuv420p"], &quiet[..]].concat(),
            name,
        );
        fs::write(self.at(name), before_first_slice(&stream, is_slice, messages)).unwrap();
        self.text(name)
    }

    /// As an iPhone writes it, and worse: keys, tracks, chapters, timecode, XMP, user data of the movie and of a track,
    /// and words inside the picture's stream.
    fn apple(&self) -> Vec<u8> {
        let unregistered = [&b"\x08\x6f\x36\x93\xb7\xb3\x4f\x2c\x96\x53\x21\x49\x2f\xee\xe5\xb8"[..], b"ZQ-SECRET-SEI"];
        // User data registered to the United States: ATSC's closed captions (A/53, part 4).
        let captions = [&[0xB5, 0, 0x31][..], b"GA94", &[3, 0x40 | 4, 0xFF], &captions(), &[0xFF]].concat();
        let messages = [message(&[6], 5, &unregistered.concat()), message(&[6], 4, &captions)];
        let h264 = self.raw("libx264", "sei.h264", |header| matches!(header & 0x1F, 1 | 5), &messages);
        let chapters = self.text("chapters.txt");
        let place = format!("com.apple.quicktime.location.ISO6709={PLACE}");
        let (date, stamp) = (format!("com.apple.quicktime.creationdate={DATE}"), format!("creation_time={DATE}"));
        let inputs = ["-r", "15", "-i", &h264, "-i", &chapters, "-map", "2:v", "-map", "1:a", "-map_chapters", "3"];
        let container = [
            ["-metadata", &place],
            ["-metadata", &date],
            ["-metadata", &stamp],
            ["-metadata", "com.apple.quicktime.make=ZQ-SECRET-MAKE"],
            ["-metadata", "com.apple.quicktime.model=ZQ-SECRET-MODEL"],
            ["-metadata", "com.apple.quicktime.software=ZQ-SECRET-SOFTWARE"],
            ["-metadata:s:v", &stamp],
            ["-metadata:s:a", &stamp],
            ["-metadata:s:v", "handler_name=ZQ-SECRET-HANDLER"],
            ["-metadata:s:a", "handler_name=ZQ-SECRET-HANDLER"],
            ["-metadata:s:v", "timecode=07:08:09:01"],
            ["-movflags", "use_metadata_tags"],
        ];
        let coding = ["-c:v", "copy", "-c:a", "aac"];
        let mut bytes = self.make(&[&inputs, &coding[..], &container.concat()].concat(), "apple.mov");
        append_inside(&mut bytes, &[b"moov", b"trak"], &user_data());
        append_inside(&mut bytes, &[b"moov"], &user_data());
        let xmp = b"\xBE\x7A\xCF\xCB\x97\xA9\x42\xE8\x9C\x71\x99\x94\x91\xE3\xAF\xAC<x:xmpmeta>ZQ-SECRET-XMP";
        bytes.extend(atom(b"uuid", xmp));
        bytes
    }

    /// As Android and messengers write it: HEVC, tags of the iTunes kind, and a cover picture with a place of its own.
    fn android(&self) -> Vec<u8> {
        let uuid = b"\x17\x0f\x13\x35\xb7\xb3\x4f\x2c\x96\x53\x21\x49\x2f\xee\xe5\xb8ZQ-SECRET-SEI";
        let messages = [message(&[0x4E, 1], 5, uuid)];
        let hevc = self.raw("libx265", "sei.hevc", |header| (header >> 1) & 0x3F < 32, &messages);
        ffmpeg(&["-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1", &self.text("plain.jpg")]);
        let plain = fs::read(self.at("plain.jpg")).unwrap();
        let note = b"Exif\0\0MM\0*\0\0\0\x08ZQ-SECRET-GPS 2011:03:09";
        let segment = [&[0xFF, 0xE1][..], &(note.len() as u16 + 2).to_be_bytes(), note].concat();
        fs::write(self.at("cover.jpg"), [&plain[..2], &segment, &plain[2..]].concat()).unwrap();
        let cover = self.text("cover.jpg");
        let stamp = format!("creation_time={DATE}");
        let inputs = ["-r", "15", "-i", &hevc, "-i", &cover, "-map", "2:v", "-map", "1:a", "-map", "3:v"];
        let tags = [
            ["-metadata", &stamp],
            ["-metadata", "title=ZQ-SECRET-TITLE"],
            ["-metadata", "artist=ZQ-SECRET-ARTIST"],
            ["-metadata", "comment=ZQ-SECRET-COMMENT"],
            ["-metadata", "date=2011-03-09"],
            ["-metadata", "encoding_tool=ZQ-SECRET-TOOL"],
            ["-disposition:v:1", "attached_pic"],
            ["-tag:v:0", "hvc1"],
        ];
        let coding = ["-c:v", "copy", "-c:a", "aac"];
        let mut bytes = self.make(&[&inputs, &coding[..], &tags.concat()].concat(), "android.mp4");
        append_inside(&mut bytes, &[b"moov", b"udta"], &user_text(b"\xA9xyz", PLACE));
        bytes
    }

    /// As programs of computers write it: tags of the file, tracks and chapters, and an attached file.
    fn matroska(&self) -> Vec<u8> {
        fs::write(self.at("note.txt"), "ZQ-SECRET-ATTACHMENT").unwrap();
        let (chapters, note) = (self.text("chapters.txt"), self.text("note.txt"));
        let stamp = format!("creation_time={DATE}");
        let inputs = ["-i", &chapters, "-map", "0:v", "-map", "1:a", "-map_chapters", "2", "-attach", &note];
        let tags = [
            ["-metadata:s:t", "mimetype=text/plain"],
            ["-metadata", &stamp],
            ["-metadata", "title=ZQ-SECRET-TITLE"],
            ["-metadata", "ARTIST=ZQ-SECRET-ARTIST"],
            ["-metadata", "LOCATION=+11.2233-044.5566/"],
            ["-metadata:s:v", "title=ZQ-SECRET-TRACK"],
            ["-metadata:s:a", "ARTIST=ZQ-SECRET-ARTIST"],
            ["-c:v", "libx264"],
            ["-preset", "ultrafast"],
            ["-pix_fmt", "yuv420p"],
            ["-c:a", "libmp3lame"],
        ];
        self.make(&[&inputs, &tags.concat()[..]].concat(), "computer.mkv")
    }
}

fn files_below(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, all) } else { all.push(path) }
    }
}

#[test]
fn nothing_private_reaches_any_file_or_line() {
    let (maker, desk) = (Maker::new(), Desk::new());
    let (tall, feed) = (small("tiktok", &[(240, 426)]), small("facebook-feed", &[(240, 300)]));
    let short = "min_seconds = 0.5\n";
    desk.practice(&format!("[end_card]\nenabled = false\n{tall}{short}{feed}{short}"));
    let clips = [
        ("apple.mov", maker.apple(), 6),
        ("VID_20260114_153000.mp4", maker.android(), 5),
        ("computer.mkv", maker.matroska(), 3),
    ];
    for (name, bytes, least) in &clips {
        let planted = found(bytes);
        println!("{name}: {planted:?}");
        assert!(planted.len() >= *least, "{name} has only {planted:?}");
        assert!(holds(bytes, MARK));
        desk.drop_file(name, bytes);
    }
    let platforms = ["--platforms", "tiktok,facebook-feed"];
    let done = desk.batch("run", &platforms);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.events("published").len(), 6, "{}", done.out);
    let plan = desk.batch("plan", &platforms);
    for (name, text) in [("--json", &done.out), ("messages", &done.err), ("plan", &plan.out), ("plan's", &plan.err)] {
        assert!(found(text.as_bytes()).is_empty(), "{name}: {:?}", found(text.as_bytes()));
    }

    let mut files = Vec::new();
    files_below(&desk.out(), &mut files);
    let leaks: Vec<_> = files.iter().map(|file| (file, found(&fs::read(file).unwrap()))).collect();
    let leaks: Vec<_> = leaks.into_iter().filter(|(_, found)| !found.is_empty()).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    let cuts: Vec<_> = files.iter().filter(|file| file.extension().is_some_and(|e| e == "mp4")).collect();
    let of = |folder: &str| files.iter().filter(|file| file.parent().unwrap().ends_with(folder)).count();
    assert_eq!((cuts.len(), of("covers")), (6, 3), "{files:?}");
    for cut in cuts {
        nothing_but_picture_and_sound(cut);
    }

    let report = fs::read_to_string(desk.out().join("report.html")).unwrap();
    for kind in ["location", "dates and times", "device and software"] {
        assert!(report.contains(kind), "the report does not say that {kind} was left out");
    }
}

/// As another program sees a cut: no chapters, no other tracks, no dates, no words.
fn nothing_but_picture_and_sound(cut: &Path) {
    let about = describe(cut);
    let streams = about["streams"].as_array().unwrap();
    let kinds: Vec<_> = streams.iter().map(|stream| stream["codec_type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["video", "audio"], "{}", cut.display());
    for part in streams.iter().chain([&about["format"]]) {
        for (key, value) in part["tags"].as_object().into_iter().flatten() {
            let plain =
                HARMLESS.contains(&&**key) && (key != "handler_name" || value.as_str().unwrap().ends_with("Handler"));
            assert!(plain, "{}: {key} = {value}", cut.display());
        }
    }
    let side = ffprobe(&["-show_chapters", "-show_entries", "frame_side_data=side_data_type", "-of", "csv=p=0"], cut);
    for private in ["chapter", "timecode", "Closed Captions", "ATSC"] {
        assert!(!side.contains(private), "{}: {side}", cut.display());
    }
}
