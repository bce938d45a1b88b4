//! A model of random weights in the shape of Whisper's base.en, in whisper.cpp's ggml format: what it hears is nonsense, but
//! it takes the time that base.en takes.
//!
//! The layout is that of whisper.cpp's `whisper_model_load`: magic and sizes, mel filters, vocabulary, then each tensor
//! with its dimensions, name and kind. Filters and vocabulary are the starter's, which are Whisper's own.

use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

/// Width of base.en.
const WIDTH: u32 = 512;
const HEADS: u32 = 8;
const LAYERS: u32 = 6;
const VOCABULARY: u32 = 51_864;
const AUDIO_POSITIONS: u32 = 1500;
const TEXT_POSITIONS: u32 = 448;
const MELS: u32 = 80;
/// Magic and eleven sizes, four bytes each.
const HEADER: usize = 4 * 12;
/// ggml's numbers for kinds of values.
const F32: u32 = 0;
const F16: u32 = 1;

/// What a tensor holds.
#[derive(Clone, Copy)]
enum Values {
    /// Small numbers of either sign, 2^-6 to 2^-5, as 16-bit floats: about as large as those of a trained model.
    Weights,
    /// The same as 32-bit floats.
    Places,
    /// Zeros.
    Bias,
    /// Ones.
    Scale,
}

/// Writes the model to `file`; `starter` is the starter model.
pub fn write(file: &Path, starter: &Path) -> Result<()> {
    let known = fs::read(starter).with_context(|| format!("{} cannot be read", starter.display()))?;
    let out = File::create(file).with_context(|| format!("{} cannot be written", file.display()))?;
    let mut model = Model { out: BufWriter::new(out), dice: 0x9E37_79B9_7F4A_7C15 };
    let sizes = [
        VOCABULARY,
        AUDIO_POSITIONS,
        WIDTH,
        HEADS,
        LAYERS,
        TEXT_POSITIONS,
        WIDTH,
        HEADS,
        LAYERS,
        MELS,
        F16, // of the weights as a whole
    ];
    model.out.write_all(&known[..4])?;
    model.numbers(&sizes)?;
    model.out.write_all(&known[HEADER..end_of_vocabulary(&known)?])?;

    model.tensor("encoder.positional_embedding", &[WIDTH, AUDIO_POSITIONS], Values::Places)?;
    model.tensor("encoder.conv1.weight", &[3, MELS, WIDTH], Values::Weights)?;
    model.tensor("encoder.conv1.bias", &[1, WIDTH], Values::Bias)?;
    model.tensor("encoder.conv2.weight", &[3, WIDTH, WIDTH], Values::Weights)?;
    model.tensor("encoder.conv2.bias", &[1, WIDTH], Values::Bias)?;
    for layer in 0..LAYERS {
        model.block(&format!("encoder.blocks.{layer}"), &["attn"])?;
    }
    model.norm("encoder.ln_post")?;
    model.tensor("decoder.positional_embedding", &[WIDTH, TEXT_POSITIONS], Values::Places)?;
    model.tensor("decoder.token_embedding.weight", &[WIDTH, VOCABULARY], Values::Weights)?;
    for layer in 0..LAYERS {
        model.block(&format!("decoder.blocks.{layer}"), &["attn", "cross_attn"])?;
    }
    model.norm("decoder.ln")?;
    model.out.flush()?;
    Ok(())
}

/// Where the starter's vocabulary ends.
fn end_of_vocabulary(model: &[u8]) -> Result<usize> {
    let number = |at: usize| -> Result<usize> {
        let bytes = model.get(at..at + 4).context("the starter model is cut off")?;
        Ok(u32::from_le_bytes(bytes.try_into()?) as usize)
    };
    let (mels, bins) = (number(HEADER)?, number(HEADER + 4)?);
    ensure!(mels == MELS as usize, "the starter has {mels} mel bands");
    let mut at = HEADER + 8 + 4 * mels * bins;
    let words = number(at)?;
    at += 4;
    for _ in 0..words {
        at += 4 + number(at)?;
    }
    Ok(at)
}

struct Model {
    out: BufWriter<File>,
    /// State of the random numbers (xorshift).
    dice: u64,
}

impl Model {
    /// One layer: its attentions, each with what stands before it, and the two steps after.
    fn block(&mut self, name: &str, attentions: &[&str]) -> Result<()> {
        for attention in attentions {
            self.norm(&format!("{name}.{attention}_ln"))?;
            for part in ["query", "key", "value", "out"] {
                let part_name = format!("{name}.{attention}.{part}");
                self.tensor(&format!("{part_name}.weight"), &[WIDTH, WIDTH], Values::Weights)?;
                if part != "key" {
                    self.tensor(&format!("{part_name}.bias"), &[WIDTH], Values::Bias)?;
                }
            }
        }
        self.norm(&format!("{name}.mlp_ln"))?;
        for (part, from, to) in [("0", WIDTH, 4 * WIDTH), ("2", 4 * WIDTH, WIDTH)] {
            self.tensor(&format!("{name}.mlp.{part}.weight"), &[from, to], Values::Weights)?;
            self.tensor(&format!("{name}.mlp.{part}.bias"), &[to], Values::Bias)?;
        }
        Ok(())
    }

    fn norm(&mut self, name: &str) -> Result<()> {
        self.tensor(&format!("{name}.weight"), &[WIDTH], Values::Scale)?;
        self.tensor(&format!("{name}.bias"), &[WIDTH], Values::Bias)
    }

    fn tensor(&mut self, name: &str, shape: &[u32], values: Values) -> Result<()> {
        let kind = if matches!(values, Values::Weights) { F16 } else { F32 };
        self.numbers(&[shape.len() as u32, name.len() as u32, kind])?;
        self.numbers(shape)?;
        self.out.write_all(name.as_bytes())?;
        for _ in 0..shape.iter().product::<u32>() {
            match values {
                Values::Weights => {
                    // Sign and fraction at random; the exponent 9 of a 16-bit float is 2^-6.
                    let half = (self.random() & 0x83FF) | 9 << 10;
                    self.out.write_all(&(half as u16).to_le_bytes())?;
                }
                Values::Places => {
                    let number = f32::from_bits((self.random() & 0x807F_FFFF) | 121 << 23);
                    self.out.write_all(&number.to_le_bytes())?;
                }
                Values::Bias => self.out.write_all(&0f32.to_le_bytes())?,
                Values::Scale => self.out.write_all(&1f32.to_le_bytes())?,
            }
        }
        Ok(())
    }

    fn numbers(&mut self, numbers: &[u32]) -> Result<()> {
        for number in numbers {
            self.out.write_all(&number.to_le_bytes())?;
        }
        Ok(())
    }

    fn random(&mut self) -> u32 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 32) as u32
    }
}
