//! Settings, lists, logos, fonts and files of the program's own that are garbage: a message that names the file and says
//! what to do, or the work is done without it; no crash, no hang, little memory.

use crate::common::desk::{Desk, small_x};
use crate::footage::early;
use crate::seed;
use crate::watched::{Seen, assert_whole, contents, watched};
use fastrand::Rng;
use std::fs;
use std::path::Path;

/// The most that planning one small clip may take, whatever lies beside it.
const MOST_MEMORY: u64 = 400 << 20;

/// A desk with a second of clip and its words.
fn desk(further: &str) -> Desk {
    let desk = Desk::new();
    let plain = "[end_card]\nenabled = false\n";
    desk.practice(&format!("{plain}{further}{}min_seconds = 0.2\n", small_x()));
    desk.drop_file("ask.mp4", early());
    let words = desk.out().with_file_name("words");
    fs::create_dir(&words).unwrap();
    fs::write(words.join("ask.srt"), "1\n00:00:00,100 --> 00:00:00,800\nAsk us.\n").unwrap();
    desk
}

fn housecall(desk: &Desk, verb: &str) -> Seen {
    let seen = watched(desk.command(&[verb, "inbox", "--offline", "--platforms", "x", "--transcript", "words"]));
    seen.assert_sound();
    assert!(seen.peak < MOST_MEMORY, "{} MiB: {}", seen.peak >> 20, seen.err);
    seen
}

/// Files that are something else than their name says, and what a text file never holds.
fn strange(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let flipped: Vec<u8> =
        text.bytes().enumerate().map(|(at, byte)| if at % 9 == 4 { byte ^ 0xA5 } else { byte }).collect();
    vec![
        ("a film", early().to_vec()),
        ("no text", flipped),
        ("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("nested", "[".repeat(100_000).into()),
        ("huge", text.repeat(2_000_000 / text.len() + 1).into()),
        ("cut off", text.as_bytes()[..text.find('"').map_or(text.len() / 2, |quote| quote + 2)].to_vec()),
    ]
}

#[test]
fn settings_that_are_garbage_are_named_with_what_to_do() {
    let desk = desk("");
    let good = fs::read_to_string(desk.inbox().join("practice.toml")).unwrap();
    for (what, bytes) in strange(&good) {
        desk.drop_file("practice.toml", &bytes);
        let seen = housecall(&desk, "plan");
        assert_eq!(seen.code, Some(1), "{what}: {seen:?}");
        assert!(seen.err.contains("practice.toml") && seen.err.contains("What to do: "), "{what}: {}", seen.err);
        assert!(seen.err.len() < 2000, "{what}: {}", seen.err);
    }
    desk.drop_file("practice.toml", good.as_bytes());
    let clip = "framing = \"fit\"\nanchor = [0.3, 0.4]\ntrim = false\nstart = 0.1\nend = 0.9\n";
    for (what, bytes) in strange(clip) {
        desk.drop_file("ask.toml", &bytes);
        let seen = housecall(&desk, "plan");
        assert_eq!(seen.code, Some(2), "{what}: {seen:?}");
        assert!(seen.err.contains("ask.toml") && seen.err.contains("What to do: "), "{what}: {}", seen.err);
    }
    fs::remove_file(desk.inbox().join("ask.toml")).unwrap();
    let list = "file,question\nask.mp4,\"Is it safe?\"\nother.mp4,Why?\n";
    for (what, bytes) in strange(list) {
        desk.drop_file("questions.csv", &bytes);
        let seen = housecall(&desk, "plan");
        // What is wrong with the list stops no clip.
        assert_eq!(seen.code, Some(0), "{what}: {seen:?}");
        assert!(what == "nested" || seen.err.contains("questions.csv"), "{what}: {}", seen.err);
    }
    fs::remove_file(desk.inbox().join("questions.csv")).unwrap();
    let words = desk.out().with_file_name("words");
    fs::remove_file(words.join("ask.srt")).unwrap();
    let json = "{\"clip\":\"ask.mp4\",\"model\":\"m\",\"language\":\"en\",\"words\":[{\"text\":\"Ask\",\"start\":0.1,\"end\":0.4,\"confidence\":1}]}";
    for (file, text) in [("ask.json", json), ("ask.srt", "1\n00:00:00,100 --> 00:00:00,800\nAsk us.\n")] {
        for (what, bytes) in
            strange(text).into_iter().filter(|(what, _)| file == "ask.json" || !what.starts_with("cut"))
        {
            fs::write(words.join(file), bytes).unwrap();
            let seen = housecall(&desk, "plan");
            let told = seen.code == Some(2) && seen.err.contains(file) && seen.err.contains("What to do: ");
            // The same captions again and again are captions.
            assert!(told || what == "huge", "{file}, {what}: {seen:?}");
        }
        fs::remove_file(words.join(file)).unwrap();
    }
}

/// A PNG file of one colour that says so much of itself.
fn png(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], body: &[u8]| {
        let sum = crc32(&[&kind[..], body].concat());
        [&(body.len() as u32).to_be_bytes()[..], kind, body, &sum.to_be_bytes()].concat()
    };
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colour, 0, 0, 0]].concat();
    // Nothing but an empty deflate stream: whoever believes the header reserves room first.
    let data = [0x78, 0x01, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01];
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), chunk(b"IDAT", &data), chunk(b"IEND", &[])].concat()
}

/// As PNG has it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 })
    })
}

fn encoded(picture: &image::DynamicImage, format: image::ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

#[test]
fn a_logo_that_is_garbage_is_refused_and_an_odd_one_is_drawn() {
    use image::{DynamicImage, ImageFormat};
    let desk = desk("[hook]\nenabled = false\n");
    let real = fs::read(desk.inbox().join("logo.png")).unwrap();
    let mut noisy = real.clone();
    Rng::with_seed(seed()).fill(&mut noisy[200..3000]);
    let page = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec();
    for (what, bytes) in [
        ("a bomb", png(60_000, 60_000, 16, 6)),
        ("wide", png(u32::MAX >> 1, 1, 8, 6)),
        ("nothing", png(0, 0, 8, 6)),
        ("cut off", real[..real.len() / 2].to_vec()),
        ("noise", noisy),
        ("a page", page),
        ("empty", Vec::new()),
        ("too much", encoded(&DynamicImage::new_luma8(9000, 4), ImageFormat::Png)),
        ("a film", early().to_vec()),
    ] {
        desk.drop_file("logo.png", &bytes);
        let seen = housecall(&desk, "plan");
        assert_eq!(seen.code, Some(1), "{what}: {seen:?}");
        assert!(seen.err.contains("logo.png") && seen.err.contains("What to do: "), "{what}: {}", seen.err);
    }
    for (what, bytes) in [
        ("16 bits", encoded(&DynamicImage::new_rgba16(64, 32), ImageFormat::Png)),
        ("grey", encoded(&DynamicImage::new_luma8(3, 3), ImageFormat::Png)),
        ("a JPEG", encoded(&DynamicImage::new_rgb8(40, 30), ImageFormat::Jpeg)),
        ("a line across", encoded(&DynamicImage::new_rgba8(4000, 1), ImageFormat::Png)),
        ("a line down", encoded(&DynamicImage::new_rgba8(1, 4000), ImageFormat::Png)),
    ] {
        desk.drop_file("logo.png", &bytes);
        let seen = housecall(&desk, "run");
        assert!(matches!(seen.code, Some(0 | 3)), "{what}: {seen:?}");
        assert_whole(&desk.out().join("x/ask.mp4"));
    }
}

#[test]
fn fonts_that_are_garbage_are_passed_over() {
    let desk = desk("");
    let fonts = desk.out().with_file_name(".local").join("share/fonts");
    fs::create_dir_all(&fonts).unwrap();
    let installed = ["/usr/share/fonts", "/usr/local/share/fonts"].map(|folder| contents(Path::new(folder)));
    let is_inter = |path: &&Path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("Inter"));
    let inter = installed.iter().flatten().find(|(path, _)| is_inter(&path.as_path())).unwrap().1;
    let mut broken = inter.clone();
    let mut rng = Rng::with_seed(seed());
    for _ in 0..2000 {
        let at = rng.usize(300..broken.len());
        broken[at] = rng.u8(..);
    }
    fs::write(fonts.join("Inter-Bold.ttf"), &inter[..inter.len() / 3]).unwrap();
    fs::write(fonts.join("Inter-SemiBold.otf"), broken).unwrap();
    fs::write(fonts.join("Inter-Regular.ttf"), early()).unwrap();
    fs::write(fonts.join("Inter {\\pos(0,0)}.ttc"), [0; 64]).unwrap();
    let seen = housecall(&desk, "run");
    assert!(matches!(seen.code, Some(0 | 3)), "{seen:?}");
    assert_whole(&desk.out().join("x/ask.mp4"));
}

#[test]
fn the_programs_own_files_may_be_garbage_and_the_cuts_are_still_there() {
    let desk = desk("");
    assert!(matches!(housecall(&desk, "run").code, Some(0 | 3)));
    let cut = desk.out().join("x/ask.mp4");
    assert_whole(&cut);
    let mut rng = Rng::with_seed(seed());
    for how in ["flipped", "cut off", "empty", "noise", "doubled"] {
        let own = contents(&desk.out().join(".housecall"));
        assert!(own.len() > 3, "{own:?}");
        for (file, bytes) in own.iter().filter(|(_, bytes)| !bytes.is_empty()) {
            let mut bytes = bytes.clone();
            match how {
                "flipped" => (0..5).for_each(|_| {
                    let at = rng.usize(0..bytes.len());
                    bytes[at] ^= 1 << rng.u8(0..8);
                }),
                "cut off" => bytes.truncate(rng.usize(0..bytes.len())),
                "empty" => bytes.clear(),
                "noise" => rng.fill(&mut bytes),
                _ => bytes = bytes.repeat(2),
            }
            fs::write(file, bytes).unwrap();
        }
        let seen = housecall(&desk, "run");
        assert!(matches!(seen.code, Some(0 | 2 | 3)), "{how}: {seen:?}");
        assert!(seen.code != Some(2) || seen.err.contains("What to do: "), "{how}: {seen:?}");
        assert_whole(&cut);
    }
    // With all of it gone the next run makes what it needs.
    fs::remove_dir_all(desk.out().join(".housecall")).unwrap();
    let seen = housecall(&desk, "run");
    assert!(matches!(seen.code, Some(0 | 3)), "{seen:?}");
}
