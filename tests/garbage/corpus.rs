//! The corpus of the fuzz targets and a few mutations of each of its files through the same functions.

use crate::{amount, seed, targets};
use fastrand::Rng;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Mutations of each target's files in the short form; `make fuzz` tries millions.
const EACH: usize = 150;
/// Far longer than any text of a few thousand bytes needs.
const LONGEST: Duration = Duration::from_secs(10);

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 7] = [
    ("container", targets::container),
    ("questions", targets::questions),
    ("clip_toml", targets::clip_toml),
    ("practice_toml", targets::practice_toml),
    ("subtitles", targets::subtitles),
    ("transcript", targets::transcript),
    ("captions", targets::captions),
];

#[test]
fn the_corpus_and_mutations_of_it_pass_every_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let seed = seed();
    println!("HOUSECALL_SEED={seed}");
    for (name, target) in TARGETS {
        let mut files: Vec<_> =
            fs::read_dir(fuzz.join("corpus").join(name)).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        let seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        let tokens = tokens(&fs::read_to_string(fuzz.join(format!("dictionaries/{name}.dict"))).unwrap());
        assert!(!seeds.is_empty() && !tokens.is_empty(), "{name}");
        let mut rng = Rng::with_seed(seed);
        let mutations = (0..amount(EACH)).map(|_| mutated(&mut rng, &seeds, &tokens));
        for bytes in seeds.iter().cloned().chain(mutations) {
            let began = Instant::now();
            let shown = String::from_utf8_lossy(&bytes).into_owned();
            std::panic::catch_unwind(|| target(&bytes)).unwrap_or_else(|_| panic!("{name}: {shown:?}"));
            assert!(began.elapsed() < LONGEST, "{name}: {shown:?}");
        }
    }
}

fn mutated(rng: &mut Rng, seeds: &[Vec<u8>], tokens: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = rng.choice(seeds).unwrap().clone();
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(0..=bytes.len());
        match rng.u8(0..5) {
            0 => drop(bytes.splice(at..at, rng.choice(tokens).unwrap().iter().copied())),
            1 => bytes.truncate(at),
            2 => {
                let to = rng.usize(at..=bytes.len());
                let part = bytes[at..to].repeat(rng.usize(0..4));
                bytes.splice(at..to, part);
            }
            3 => {
                let other = rng.choice(seeds).unwrap();
                bytes.extend_from_slice(&other[rng.usize(0..=other.len())..]);
            }
            _ if at < bytes.len() => bytes[at] = rng.u8(..),
            _ => {}
        }
    }
    bytes.truncate(20_000);
    bytes
}

/// The entries of a libFuzzer dictionary.
fn tokens(text: &str) -> Vec<Vec<u8>> {
    let entry = |line: &str| {
        let mut rest = line.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
        let mut token = Vec::new();
        while let [first, after @ ..] = rest {
            let (byte, length) = match after {
                [b'x', hex @ ..] if *first == b'\\' => {
                    (u8::from_str_radix(std::str::from_utf8(&hex[..2]).ok()?, 16).ok()?, 4)
                }
                [escaped, ..] if *first == b'\\' => (*escaped, 2),
                _ => (*first, 1),
            };
            token.push(byte);
            rest = &rest[length..];
        }
        Some(token)
    };
    text.lines().filter_map(entry).collect()
}
