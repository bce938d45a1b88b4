//! Sound of every kind: level, true peak and the absence of clicks.

use std::path::Path;

/// Writes interleaved samples as a WAV file of 32-bit floats (RIFF, format 3).
pub fn write_wav(file: &Path, rate: u32, channels: u16, samples: &[f32]) {
    let (block, bytes) = (channels * 4, samples.len() as u32 * 4);
    let mut out = Vec::with_capacity(bytes as usize + 44);
    out.extend(b"RIFF");
    out.extend((bytes + 36).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x03\0");
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend((rate * u32::from(block)).to_le_bytes());
    out.extend(block.to_le_bytes());
    out.extend(b"\x20\0data");
    out.extend(bytes.to_le_bytes());
    out.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    std::fs::write(file, out).unwrap();
}
