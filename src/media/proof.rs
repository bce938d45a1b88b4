//! What a finished file has to hold, noted while it is made, so that a check need not decode all of it again.
//!
//! Every packet that goes to the muxer goes into a seal: its time, whether it is a key picture, and its bytes. A file
//! whose packets give the same seals holds exactly what the encoders made, in the same order. That the pictures can be
//! decoded and show what they should is seen from the key pictures and from the last group of pictures: each was noted
//! as a print of its brightness before it went into the encoder.

use ffmpeg_next as ff;
use ffmpeg_next::frame;
use std::collections::BTreeMap;

/// Cells across and down of a print.
const CELLS: usize = 16;
/// A print looks at each so many rows.
const ROWS: usize = 4;
/// Prints of a picture and of what its encoder made of it differ by less than this, in codes, on average over all cells.
/// Encoders keep the mean of an area even where they keep no detail: seen were 0.7 at CRF 23 and 2.1 at CRF 35 on 180x320,
/// and 7 at x264's coarsest. A black picture is some 100 off.
const TOLERANCE: f64 = 8.0;

/// The packets of a track, in order.
#[derive(Debug, Default)]
pub struct Seal {
    hasher: blake3::Hasher,
    packets: i64,
}

/// A closed seal: equal ones are of the same packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// How many packets there are.
    pub packets: i64,
    hash: blake3::Hash,
}

impl Seal {
    /// Adds a packet: its time in frames or samples of the cut (none where it is none of them), whether it can be decoded
    /// without others, and its bytes in `units`, whose borders count.
    pub fn add<'a>(&mut self, at: Option<i64>, key: bool, units: impl Iterator<Item = &'a [u8]>) {
        self.packets += 1;
        self.hasher.update(&at.unwrap_or(i64::MIN).to_le_bytes()).update(&[u8::from(key)]);
        for unit in units {
            self.hasher.update(&(unit.len() as u64).to_le_bytes()).update(unit);
        }
        // No unit is as long, so no packet runs on into the next one.
        self.hasher.update(&u64::MAX.to_le_bytes());
    }

    /// Ends the track.
    pub fn close(self) -> Sealed {
        Sealed { packets: self.packets, hash: self.hasher.finalize() }
    }
}

/// The NAL units of a packet as encoders give them, each behind a start code (ITU-T H.264, Annex B).
pub fn units_by_start_code(packet: &[u8]) -> impl Iterator<Item = &[u8]> {
    let code = |from: usize| packet[from..].windows(3).position(|w| w == [0, 0, 1]).map(|at| from + at);
    let mut next = code(0);
    std::iter::from_fn(move || {
        let start = next? + 3;
        next = code(start);
        // The code may have one more zero, which ends no unit: its last byte is never zero.
        let end = next.map_or(packet.len(), |end| if packet[start..end].ends_with(&[0]) { end - 1 } else { end });
        Some(&packet[start..end])
    })
}

/// The NAL units of a packet as MP4 holds them, each behind its length in four bytes (ISO/IEC 14496-15, 5.3). What is
/// broken ends with what is left of it.
pub fn units_by_length(packet: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = packet;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let (unit, behind) = behind.split_at((u32::from_be_bytes(*length) as usize).min(behind.len()));
        rest = behind;
        Some(unit)
    })
}

/// A time stamp as a whole number of `unit` seconds; none where it lies between two.
pub fn whole(stamp: Option<i64>, base: ff::Rational, unit: ff::Rational) -> Option<i64> {
    let ticks = i128::from(stamp?) * i128::from(base.numerator()) * i128::from(unit.denominator());
    let of = i128::from(base.denominator()) * i128::from(unit.numerator());
    (of != 0 && ticks % of == 0).then(|| i64::try_from(ticks / of).ok()).flatten()
}

/// The mean brightness of every cell of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print(Vec<u8>);

impl Print {
    /// The print of a picture of 8 bits.
    pub fn of(picture: &frame::Video) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let (luma, stride) = (picture.data(0), picture.stride(0));
        let border = |cell: usize, of: usize| cell * of / CELLS;
        let cell = |across: usize, down: usize| {
            let (left, right) = (border(across, width), border(across + 1, width));
            let rows = (border(down, height)..border(down + 1, height)).step_by(ROWS);
            let row = |row: usize| &luma[row * stride + left..row * stride + right];
            let sum = |row: &[u8]| row.iter().map(|v| u32::from(*v)).sum::<u32>();
            let (rows, total) = rows.fold((0, 0), |(rows, total), at| (rows + 1, total + sum(row(at))));
            (total / (rows * (right - left) as u32).max(1)) as u8
        };
        Print((0..CELLS * CELLS).map(|i| cell(i % CELLS, i / CELLS)).collect())
    }

    /// Whether both can be of one picture, before and after it was encoded.
    pub fn is_like(&self, other: &Print) -> bool {
        self.difference(other) < TOLERANCE
    }

    /// How far the cells are apart on average, in codes.
    fn difference(&self, other: &Print) -> f64 {
        let sum: u32 = self.0.iter().zip(&other.0).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        f64::from(sum) / self.0.len() as f64
    }
}

/// Prints of the pictures that went into an encoder, by frame: of key pictures, and of the last group.
#[derive(Debug, Default)]
pub struct Prints {
    kept: BTreeMap<i64, Print>,
    /// Of pictures after the last key picture that came out.
    open: BTreeMap<i64, Print>,
    last_key: i64,
}

impl Prints {
    /// Notes the picture that goes in as this frame.
    pub fn note(&mut self, picture: &frame::Video, number: i64) {
        self.open.insert(number, Print::of(picture));
    }

    /// Sees a packet come out: with a key picture (groups are closed) nothing before it is needed any more.
    pub fn pass(&mut self, packet: &ff::Packet) {
        let Some(number) = packet.pts().filter(|_| packet.is_key()) else { return };
        let after = self.open.split_off(&number);
        self.open = after;
        self.last_key = number;
        self.kept.extend(self.open.get(&number).map(|print| (number, print.clone())));
    }

    /// The prints of what a check decodes.
    pub fn close(mut self) -> Self {
        self.kept.append(&mut self.open);
        self
    }
}

/// The packets of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Seals {
    /// The picture's, with frame numbers.
    pub picture: Sealed,
    /// The sound's, with sample numbers; none without sound.
    pub sound: Option<Sealed>,
}

/// All that is known of a file whose packets went through our hands.
#[derive(Debug)]
pub struct Proof {
    /// What it holds.
    pub seals: Seals,
    /// What pictures looked like.
    pub prints: Prints,
}

impl Proof {
    /// How many pictures a check decodes.
    pub fn looked_at(&self) -> i64 {
        self.prints.kept.len() as i64
    }

    /// Whether a check decodes this frame.
    pub fn looks_at(&self, number: i64, key: bool) -> bool {
        key || number >= self.prints.last_key
    }

    /// Whether a decoded picture is what went into the encoder as this frame.
    pub fn shows(&self, number: i64, picture: &frame::Video) -> bool {
        self.prints.kept.get(&number).is_some_and(|print| print.is_like(&Print::of(picture)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with a bright block at a place, over a slope.
    fn picture(x: usize, y: usize) -> frame::Video {
        let mut picture = frame::Video::new(ff::format::Pixel::YUV420P, 320, 180);
        let stride = picture.stride(0);
        for (i, value) in picture.data_mut(0).iter_mut().enumerate() {
            let (column, row) = (i % stride, i / stride);
            let inside = (x..x + 100).contains(&column) && (y..y + 90).contains(&row);
            *value = if inside { 200 } else { 30 + (column / 4) as u8 };
        }
        picture
    }

    #[test]
    fn both_framings_of_the_same_units_seal_alike() {
        let units: [&[u8]; 3] = [&[0x67, 1, 2, 0, 3], &[0x68, 9], &[0x65, 0, 0, 3, 1, 0x80]];
        let coded: Vec<u8> = units
            .iter()
            .enumerate()
            .flat_map(|(i, unit)| [if i == 1 { &[0, 0, 1][..] } else { &[0, 0, 0, 1][..] }, unit].concat())
            .collect();
        let counted: Vec<u8> =
            units.iter().flat_map(|unit| [&(unit.len() as u32).to_be_bytes()[..], unit].concat()).collect();
        assert_eq!(units_by_start_code(&coded).collect::<Vec<_>>(), units);
        assert_eq!(units_by_length(&counted).collect::<Vec<_>>(), units);
        assert_eq!(units_by_length(&counted[..7]).collect::<Vec<_>>(), [&units[0][..3]]);
    }

    #[test]
    fn a_seal_tells_packets_times_keys_and_order_apart() {
        let sealed = |packets: &[(i64, bool, &[u8])]| {
            let mut seal = Seal::default();
            packets.iter().for_each(|(at, key, bytes)| seal.add(Some(*at), *key, std::iter::once(*bytes)));
            seal.close()
        };
        let whole = sealed(&[(0, true, b"abc"), (2, false, b"de"), (1, false, b"f")]);
        assert_eq!(whole, sealed(&[(0, true, b"abc"), (2, false, b"de"), (1, false, b"f")]));
        for other in [
            sealed(&[(0, true, b"abc"), (2, false, b"de")]),
            sealed(&[(0, true, b"abc"), (2, false, b"dX"), (1, false, b"f")]),
            sealed(&[(0, true, b"abc"), (3, false, b"de"), (1, false, b"f")]),
            sealed(&[(0, true, b"abc"), (2, true, b"de"), (1, false, b"f")]),
            sealed(&[(0, true, b"abc"), (1, false, b"f"), (2, false, b"de")]),
            sealed(&[(0, true, b"ab"), (2, false, b"cde"), (1, false, b"f")]),
        ] {
            assert_ne!(whole, other);
        }
    }

    #[test]
    fn times_are_whole_frames_or_none() {
        let (base, frame) = (ff::Rational::new(1, 30_000), ff::Rational::new(1001, 30_000));
        assert_eq!(whole(Some(1001 * 7), base, frame), Some(7));
        assert_eq!(whole(Some(1001 * 7 + 1), base, frame), None);
        assert_eq!(whole(None, base, frame), None);
    }

    #[test]
    fn a_print_sees_black_frozen_and_shifted_pictures() {
        let here = Print::of(&picture(40, 40));
        let mut black = picture(40, 40);
        black.data_mut(0).fill(16);
        let mut noisy = picture(40, 40);
        noisy.data_mut(0).iter_mut().enumerate().for_each(|(i, v)| *v = v.saturating_add((i * 7 % 13) as u8) - 6);
        assert!(here.is_like(&Print::of(&noisy)), "coding noise: {}", here.difference(&Print::of(&noisy)));
        for (what, other) in [("black", black), ("frozen", picture(90, 40)), ("shifted", picture(40, 90))] {
            assert!(!here.is_like(&Print::of(&other)), "{what}: {}", here.difference(&Print::of(&other)));
        }
    }

    #[test]
    fn prints_are_kept_of_keys_and_of_the_last_group() {
        let mut prints = Prints::default();
        let packet = |number: i64, key: bool| {
            let mut packet = ff::Packet::copy(&[0]);
            packet.set_pts(Some(number));
            packet.set_flags(if key { ff::packet::Flags::KEY } else { ff::packet::Flags::empty() });
            packet
        };
        for number in 0..10 {
            prints.note(&picture(number as usize, 0), number);
            // Four pictures late, as an encoder that looks ahead.
            let out = number - 4;
            if out >= 0 {
                prints.pass(&packet(out, out % 3 == 0));
            }
        }
        assert_eq!(prints.last_key, 3);
        (6..10).for_each(|out| prints.pass(&packet(out, out == 6)));
        let prints = prints.close();
        assert_eq!(prints.kept.keys().copied().collect::<Vec<_>>(), [0, 3, 6, 7, 8, 9]);
        assert_eq!(prints.last_key, 6);
    }
}
