//! The head of a Whisper model's file in ggml format, looked at before whisper.cpp reads it: that believes every number
//! and aborts the process, or goes on for a long time, where one is wrong.

use std::io::{self, Read};

/// What a file in ggml format begins with: "ggml", as a number.
const MAGIC: u32 = 0x6767_6d6c;

/// Whether a file of so many bytes can be what its head says: the numbers are positive and fit together, and filters,
/// vocabulary and weights have room in it. The weights themselves are not looked at.
///
/// The order is that of `whisper_model_load` in whisper.cpp.
///
/// # Errors
/// It cannot be read. One that ends too early is no error but `false`.
pub(super) fn is_plausible(from: impl Read, bytes: u64) -> io::Result<bool> {
    match plausible(from, bytes) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        result => result,
    }
}

fn plausible(mut from: impl Read, bytes: u64) -> io::Result<bool> {
    if number(&mut from)? != MAGIC {
        return Ok(false);
    }
    let mut head = [0_u128; 10];
    for value in &mut head {
        *value = u128::from(number(&mut from)?);
    }
    let _weights_type = number(&mut from)?;
    let [words, sound_steps, width, heads, layers, text_steps, text_width, text_heads, text_layers, bands] = head;
    let positive = head.iter().all(|&value| (1..=i32::MAX as u128).contains(&value));
    // A layer has four matrices of attention and two of its network, which is four times as wide (Vaswani et al. 2017,
    // "Attention Is All You Need"); the decoder's have more. No format of ggml takes less than a bit a weight.
    let weights = width * (sound_steps + text_steps + words) + 12 * width * width * (layers + text_layers);
    let fits = |count: u128, each: u128| count * each <= u128::from(bytes);
    if !positive || width != text_width || width % heads != 0 || width % text_heads != 0 || !fits(weights / 8, 1) {
        return Ok(false);
    }
    let (rows, columns) = (u128::from(number(&mut from)?), u128::from(number(&mut from)?));
    if rows != bands || columns == 0 || !fits(rows * columns, 4) {
        return Ok(false);
    }
    skip(&mut from, (rows * columns * 4) as u64)?;
    let spelt = number(&mut from)?;
    // Each has its length in front of it.
    if spelt == 0 || !fits(u128::from(spelt), 4) {
        return Ok(false);
    }
    for _ in 0..spelt {
        let length = number(&mut from)?;
        skip(&mut from, u64::from(length))?;
    }
    Ok(true)
}

/// A number of 32 bits; a negative one comes out larger than any that is taken.
fn number(from: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn skip(from: &mut impl Read, bytes: u64) -> io::Result<()> {
    match io::copy(&mut from.take(bytes), &mut io::sink())? == bytes {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::speech::{Located, find};

    fn starter() -> Vec<u8> {
        let Located::Present(model) = find(Some("starter"), "en", &[]).unwrap() else { panic!() };
        std::fs::read(model.path).unwrap()
    }

    /// The same file with one number of its head another one, by place.
    fn with(model: &[u8], place: usize, number: u32) -> Vec<u8> {
        let mut bytes = model.to_vec();
        bytes[4 * place..4 * place + 4].copy_from_slice(&number.to_le_bytes());
        bytes
    }

    #[test]
    fn numbers_that_do_not_fit_into_the_file_are_seen() {
        let model = starter();
        let plausible = |bytes: &[u8]| is_plausible(bytes, bytes.len() as u64).unwrap();
        assert!(plausible(&model));
        let filters = 4 * 80 * 201;
        let (vocabulary, word) = (14 + filters / 4, 15 + filters / 4);
        assert_eq!(model[4 * vocabulary..4 * word], 50_257_u32.to_le_bytes(), "the vocabulary is elsewhere");
        // Every number but the type of the weights, whatever stands in them.
        for place in (0..=10).chain([12, 13, vocabulary, word]) {
            for number in [0x7fff_ffff, u32::MAX] {
                assert!(!plausible(&with(&model, place, number)), "{number} at {place}");
            }
            assert!(place == word || !plausible(&with(&model, place, 0)), "0 at {place}");
        }
        for layers in [5, 9] {
            assert!(!plausible(&with(&model, layers, 100_000)), "more layers than the file has room for");
        }
        for cut in [0, 3, 4, 40, 56, 100, 4 * word, 4 * word + 1000] {
            assert!(!plausible(&model[..cut]), "cut to {cut} bytes");
        }
    }
}
