//! Clips as no phone makes them, from a seed: flipped, cut, spliced, with headers that lie, and files that are no clips.

use crate::footage::{FOOTAGE, early, late};
use fastrand::Rng;

/// A file for the inbox.
pub struct Mutant {
    /// Says how it was made: `0012-flipped-bits.mp4`.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Numbers that lie well.
const LIES: [u32; 14] =
    [0, 1, 2, 7, 8, 9, 0x7F, 0xFF, 0xFFFF, 0x1_0000, 0x00FF_FFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF];

/// Boxes whose fields decide what is read, reserved or drawn.
const BOXES: [&[u8; 4]; 24] = [
    b"mvhd", b"tkhd", b"mdhd", b"elst", b"hdlr", b"stsd", b"stts", b"ctts", b"stsc", b"stsz", b"stco", b"stss",
    b"avcC", b"hvcC", b"avc1", b"hvc1", b"mp4a", b"esds", b"colr", b"pasp", b"trun", b"tfhd", b"tfdt", b"trex",
];

/// The mutant of this number: the first of each kind first, then kinds at random.
pub fn mutant(seed: u64, number: usize) -> Mutant {
    let mut rng = Rng::with_seed(seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let special = specials();
    if let Some((kind, extension, bytes)) = special.into_iter().nth(number) {
        return Mutant { name: format!("{number:04}-{kind}.{extension}"), bytes };
    }
    let clip = rng.choice(FOOTAGE.iter()).unwrap();
    let mut bytes = clip.bytes.clone();
    let kind = match rng.u8(0..10) {
        0 => flipped_bits(&mut rng, &mut bytes),
        1 => flipped_index(&mut rng, &mut bytes),
        2 => noise(&mut rng, &mut bytes),
        3 => cut(&mut rng, &mut bytes),
        4 => spliced(&mut rng, &mut bytes),
        5 => sizes(&mut rng, &mut bytes),
        6 | 7 => fields(&mut rng, &mut bytes),
        8 => lengths(&mut rng, &mut bytes),
        _ => {
            fields(&mut rng, &mut bytes);
            flipped_bits(&mut rng, &mut bytes);
            "lies-and-flips"
        }
    };
    // Messengers rename one kind to another.
    let others = ["mp4", "mov", "m4v", "3gp", "mkv", "webm"];
    let extension = if rng.u8(0..4) == 0 { others[rng.usize(0..others.len())] } else { clip.extension };
    Mutant { name: format!("{number:04}-{kind}.{extension}"), bytes }
}

fn flipped_bits(rng: &mut Rng, bytes: &mut [u8]) -> &'static str {
    for _ in 0..1 << rng.u32(0..9) {
        let at = rng.usize(0..bytes.len());
        bytes[at] ^= 1 << rng.u8(0..8);
    }
    "flipped-bits"
}

fn flipped_index(rng: &mut Rng, bytes: &mut [u8]) -> &'static str {
    let (from, to) = match place(bytes, b"moov") {
        Some(at) => (at, at + size_at(bytes, at).min(bytes.len() - at)),
        None => (0, bytes.len().min(600)),
    };
    for _ in 0..1 << rng.u32(0..6) {
        let at = rng.usize(from..to);
        bytes[at] = if rng.bool() { rng.u8(..) } else { [0, 1, 0x7F, 0x80, 0xFF][rng.usize(0..5)] };
    }
    "flipped-index"
}

fn noise(rng: &mut Rng, bytes: &mut [u8]) -> &'static str {
    let from = rng.usize(0..bytes.len());
    let length = rng.usize(1..=(bytes.len() - from).min(4096));
    rng.fill(&mut bytes[from..from + length]);
    "noise"
}

fn cut(rng: &mut Rng, bytes: &mut Vec<u8>) -> &'static str {
    if rng.bool() {
        bytes.truncate(rng.usize(0..bytes.len()));
        return "cut-off";
    }
    let from = rng.usize(0..bytes.len());
    let to = rng.usize(from..=bytes.len().min(from + 2000));
    bytes.drain(from..to);
    "cut-out"
}

fn spliced(rng: &mut Rng, bytes: &mut Vec<u8>) -> &'static str {
    let other = &rng.choice(FOOTAGE.iter()).unwrap().bytes;
    bytes.truncate(rng.usize(0..bytes.len()));
    bytes.extend_from_slice(&other[rng.usize(0..other.len())..]);
    "spliced"
}

/// A box that says it is larger, smaller or endless.
fn sizes(rng: &mut Rng, bytes: &mut [u8]) -> &'static str {
    let kinds =
        [&BOXES[..], &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mdat", b"edts", b"moof", b"traf", b"udta"]];
    if let Some(at) = some_place(rng, bytes, &kinds.concat()) {
        let now = size_at(bytes, at) as u32;
        let near = now.wrapping_add_signed(rng.i32(-9..9));
        let size = if rng.bool() { near } else { LIES[rng.usize(0..LIES.len())] };
        bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    "size-of-a-box"
}

/// A number in a header that is far off.
fn fields(rng: &mut Rng, bytes: &mut [u8]) -> &'static str {
    for _ in 0..rng.usize(1..4) {
        let Some(at) = some_place(rng, bytes, &BOXES) else { continue };
        let length = size_at(bytes, at).min(bytes.len() - at);
        if length < 13 {
            continue;
        }
        let into = at + 8 + rng.usize(0..length - 12);
        let lie = LIES[rng.usize(0..LIES.len())].to_be_bytes();
        let width = [1, 2, 4][rng.usize(0..3)];
        bytes[into..into + width].copy_from_slice(&lie[4 - width..]);
    }
    "lying-field"
}

/// Lengths of the pieces of pictures, and whatever else stands in front of them.
fn lengths(rng: &mut Rng, bytes: &mut [u8]) -> &'static str {
    let from = place(bytes, b"mdat").map_or(bytes.len() / 2, |at| at + 8);
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(from..bytes.len() - 4);
        let lie = LIES[rng.usize(0..LIES.len())];
        bytes[at..at + 4].copy_from_slice(&lie.to_be_bytes());
    }
    "length-of-a-piece"
}

/// What is worth to be tried in every run.
fn specials() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let patch = |kind: &[u8; 4], after: usize, new: &[u8]| {
        let mut bytes = early().to_vec();
        let at = place(&bytes, kind).unwrap() + 8 + after;
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    let large = u32::MAX.to_be_bytes();
    let track = boxed_at(late(), b"trak");
    let nested = (0..20_000)
        .fold(Vec::new(), |inside: Vec<u8>, _| if inside.len() < 150_000 { boxed(b"udta", &inside) } else { inside });
    let run = [[0, 0, 0, 0].as_slice(), &large, &[0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1]].concat();
    let bomb: Vec<u8> =
        [&[0; 4][..], &100_000_u32.to_be_bytes(), &[0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1].repeat(100_000)].concat();
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n";
    let concat = "ffconcat version 1.0\nfile '/etc/passwd'\n";
    let wav = [
        b"RIFF\x24\x10\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x44\xAC\0\0\x88\x58\x01\0\x02\0\x10\0data\0\x10\0\0"
            .as_slice(),
        &[0; 4096],
    ]
    .concat();
    let gif = b"GIF89a\xFF\xFF\xFF\xFF\x80\0\0\0\0\0\xFF\xFF\xFF,\0\0\0\0\xFF\xFF\xFF\xFF\0\x02\x02D\x01\0;".to_vec();
    vec![
        ("empty", "mp4", Vec::new()),
        ("one-byte", "mov", vec![0]),
        ("no-sound-rate", "mp4", patch(b"mp4a", 24, &[0; 4])),
        ("no-time-scale", "mp4", patch(b"mdhd", 12, &[0; 4])),
        ("no-size", "mp4", patch(b"avc1", 24, &[0; 4])),
        ("size-65535", "mp4", patch(b"avc1", 24, &[0xFF; 4])),
        ("endless-movie", "mp4", patch(b"mvhd", 16, &large)),
        ("endless-track", "mp4", patch(b"tkhd", 20, &large)),
        ("no-matrix", "mp4", patch(b"tkhd", 40, &[0; 36])),
        ("huge-matrix", "mp4", patch(b"tkhd", 40, &[0x7F; 36])),
        ("endless-run", "mp4", patch(b"stts", 0, &run)),
        ("many-tracks", "mov", grown(late(), &[b"moov"], &track.repeat(3000))),
        ("deep-boxes", "mov", grown(late(), &[b"moov"], &nested)),
        ("bomb-of-times", "mov", replaced(late(), b"stts", &bomb)),
        (
            "edits-without-end",
            "mov",
            replaced(
                late(),
                b"elst",
                &[&[0; 4][..], &50_000_u32.to_be_bytes(), &[0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0].repeat(50_000)]
                    .concat(),
            ),
        ),
        ("data-before-the-file", "mp4", patch(b"stco", 8, &[0; 4])),
        ("data-behind-the-file", "mp4", patch(b"stco", 8, &large)),
        ("playlist", "mp4", text.into()),
        ("list-of-files", "mov", concat.into()),
        ("page", "mp4", b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>".to_vec()),
        ("music", "mp4", [b"ID3\x04\0\0\0\0\0\x0A".as_slice(), &[0xFF, 0xFB, 0x90, 0x64].repeat(300)].concat()),
        ("sound", "mov", wav),
        (
            "picture",
            "m4v",
            [b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".as_slice(), &[0x55; 400]].concat(),
        ),
        ("moving-picture", "webm", gif),
        ("old-video", "mov", [b"RIFF\xFF\xFF\0\0AVI LIST\xC0\0\0\0hdrlavih\x38\0\0\0".as_slice(), &[1; 600]].concat()),
        ("other-container", "mp4", FOOTAGE[4].bytes.clone()),
        ("zeros", "mp4", vec![0; 70_000]),
        ("twice", "mp4", early().repeat(2)),
    ]
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

/// Where the first box of a kind starts, if there is one.
fn place(bytes: &[u8], kind: &[u8; 4]) -> Option<usize> {
    bytes.windows(4).position(|window| window == kind).and_then(|at| at.checked_sub(4))
}

fn some_place(rng: &mut Rng, bytes: &[u8], kinds: &[&[u8; 4]]) -> Option<usize> {
    let there: Vec<usize> = (4..bytes.len().saturating_sub(16))
        .filter(|at| kinds.iter().any(|kind| bytes[*at..*at + 4] == kind[..]))
        .map(|at| at - 4)
        .collect();
    rng.choice(there)
}

fn size_at(bytes: &[u8], at: usize) -> usize {
    bytes[at..at + 4].iter().fold(0, |size, byte| size << 8 | usize::from(*byte))
}

fn boxed_at(bytes: &[u8], kind: &[u8; 4]) -> Vec<u8> {
    let at = place(bytes, kind).unwrap();
    bytes[at..at + size_at(bytes, at)].to_vec()
}

/// A copy with more at the end of a box, and the boxes around it so much larger.
fn grown(bytes: &[u8], around: &[&[u8; 4]], more: &[u8]) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    let within = place(&copy, around[around.len() - 1]).unwrap();
    let end = within + size_at(&copy, within);
    for kind in around {
        let at = place(&copy, kind).unwrap();
        let size = (size_at(&copy, at) + more.len()) as u32;
        copy[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    copy.splice(end..end, more.iter().copied());
    copy
}

/// A copy in which the first box of a kind has another body, and the boxes around it are so much larger.
fn replaced(bytes: &[u8], kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    let (at, new) = (place(&copy, kind).unwrap(), boxed(kind, body));
    let old = size_at(&copy, at);
    for around in [b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl"] {
        let outer = place(&copy, around).unwrap();
        let size = size_at(&copy, outer);
        if outer < at && at < outer + size {
            copy[outer..outer + 4].copy_from_slice(&((size - old + new.len()) as u32).to_be_bytes());
        }
    }
    copy.splice(at..at + old, new);
    copy
}
