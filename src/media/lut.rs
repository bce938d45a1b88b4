//! The tone map as a table, and pictures brought through it: 10-bit Y'CbCr 4:2:0 in, 8-bit out.
//!
//! Every axis has a node each 16 codes, which is fine enough for most of a curve that is made for eyes as codes are. A colour lies in a prism of six nodes: a triangle in chroma by a step in luma. The pixels of a 2x2
//! block share their chroma, thus the triangle and its weights.
//!
//! Where the map bends too sharply for that, as on the border of what BT.709 can show, where a colour that gets close to
//! zero meets the steep end of the display's gamma, the map itself is asked for the pixel. Few pixels of real
//! footage are so saturated, but the noise of a dark room is; so every answer is kept.

use super::tone::ToneMap;
use super::{Colour, ffi};
use ffmpeg_next as ff;
use ffmpeg_next::frame;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

/// Codes between nodes, as powers of two.
const LUMA_STEP: usize = 4;
const CHROMA_STEP: usize = 4;
/// Nodes along each axis of 10 bits.
const LUMA_NODES: usize = (1024 >> LUMA_STEP) + 1;
const CHROMA_NODES: usize = (1024 >> CHROMA_STEP) + 1;
/// Fraction bits of a node's value.
const PRECISION: usize = 6;
/// Output codes that a column of luma nodes leads to. Each holds its node's in the low half and the next one's in the
/// high half, so that one multiplication weighs both.
type Column = [u64; LUMA_NODES];

/// More than this many codes off, in a cell, and the table is not used there.
const TOLERANCE: f64 = 1.5;

/// The most cells whose answers are kept: 64 MiB of them.
const MOST_CELLS: usize = 4096;
/// Colours in a cell.
const COLOURS: usize = 1 << (LUMA_STEP + 2 * CHROMA_STEP);
/// Marks an answer that is known; its codes are in the lower bytes.
const KNOWN: u32 = 1 << 31;

/// The map's answers for the colours of one cell, of those that were asked for.
type Cell = Box<[AtomicU32]>;

/// The table.
pub struct Lut {
    map: ToneMap,
    /// For luma, Cb and Cr, by Cb and Cr.
    columns: [Vec<Column>; 3],
    /// By Cb and Cr: a bit for each step of luma in which the table is not good enough.
    rough: Vec<u64>,
    /// Of the steps that are not, by Cb, Cr and luma.
    cells: Vec<OnceLock<Cell>>,
    /// Cells that are kept or were about to be.
    kept: AtomicUsize,
}

/// Three columns and how much each weighs, of `1 << CHROMA_STEP` together.
struct Triangle {
    columns: [usize; 3],
    weights: [u64; 3],
}

impl Triangle {
    fn of(cb: u16, cr: u16) -> Self {
        let (cb, cr) = (usize::from(cb & 1023), usize::from(cr & 1023));
        let rest = (1 << CHROMA_STEP) - 1;
        let (over, beside) = ((cb & rest) as u64, (cr & rest) as u64);
        let origin = (cb >> CHROMA_STEP) * CHROMA_NODES + (cr >> CHROMA_STEP);
        let (step, far, near) = if over >= beside { (CHROMA_NODES, over, beside) } else { (1, beside, over) };
        Triangle {
            columns: [origin, origin + step, origin + CHROMA_NODES + 1],
            weights: [(1 << CHROMA_STEP) - far, far - near, near],
        }
    }

    /// The value for a luma of `10 + extra` bits, with `PRECISION` fraction bits.
    fn value(&self, columns: &[Column], luma: usize, extra: usize) -> u64 {
        let step = LUMA_STEP + extra;
        let (node, rest) = ((luma >> step) & (LUMA_NODES - 2), (luma & ((1 << step) - 1)) as u64);
        let weighed = |i: usize| columns[self.columns[i]][node] * self.weights[i];
        let both = weighed(0) + weighed(1) + weighed(2);
        let (low, high) = (both & 0xFFFF_FFFF, both >> 32);
        (low * ((1 << step) - rest) + high * rest) >> (CHROMA_STEP + step)
    }
}

/// A value with `PRECISION` fraction bits as a code.
fn code(value: u64) -> u8 {
    ((value + (1 << (PRECISION - 1))) >> PRECISION) as u8
}

/// The table for pictures of that colour. The last one is kept: a process that draws one picture of a clip after the other
/// needs the same each time, and it takes as long to compute as some of them to decode.
pub fn of(colour: &Colour) -> Arc<Lut> {
    static LAST: Mutex<Option<(Colour, Arc<Lut>)>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(|e| e.into_inner());
    match &*last {
        Some((of, lut)) if of == colour => lut.clone(),
        _ => {
            let lut = Arc::new(Lut::new(ToneMap::new(colour)));
            last.insert((colour.clone(), lut)).1.clone()
        }
    }
}

impl Lut {
    /// Computes the map at every node, and finds where that is not enough.
    pub fn new(map: ToneMap) -> Self {
        let mut columns = [const { Vec::new() }; 3];
        for chroma in 0..CHROMA_NODES * CHROMA_NODES {
            let (cb, cr) = (chroma / CHROMA_NODES, chroma % CHROMA_NODES);
            let code = |node: usize, step: usize| (node << step) as f64;
            let values: Vec<[f64; 3]> = (0..LUMA_NODES)
                .map(|node| map.codes([code(node, LUMA_STEP), code(cb, CHROMA_STEP), code(cr, CHROMA_STEP)]))
                .collect();
            for (plane, columns) in columns.iter_mut().enumerate() {
                let fixed = |node: usize| {
                    let value = values[node.min(LUMA_NODES - 1)][plane].clamp(0.0, 255.0);
                    (value * f64::from(1 << PRECISION)).round() as u64
                };
                columns.push(std::array::from_fn(|node| fixed(node) | fixed(node + 1) << 32));
            }
        }
        let rough = vec![0; CHROMA_NODES * CHROMA_NODES];
        let mut lut = Lut { map, columns, rough, cells: Vec::new(), kept: AtomicUsize::new(0) };
        for cb in 0..CHROMA_NODES - 1 {
            for cr in 0..CHROMA_NODES - 1 {
                let rough = (0..LUMA_NODES - 1).filter(|luma| lut.is_rough(*luma, cb, cr));
                let bits = rough.fold(0u64, |bits, luma| bits | 1 << luma);
                // What bends the map may touch a neighbour too, between the points that were looked at.
                lut.rough[cb * CHROMA_NODES + cr] = bits | bits << 1 | bits >> 1;
            }
        }
        lut.cells.resize_with(lut.rough.len() << (10 - LUMA_STEP), OnceLock::new);
        lut
    }

    /// The map itself for a colour of 10-bit codes, rounded to codes of 8 bits.
    fn exact(&self, luma: usize, cb: u16, cr: u16) -> [u8; 3] {
        let [luma, cb, cr] = [luma & 1023, usize::from(cb & 1023), usize::from(cr & 1023)];
        let asked = || self.map.codes([luma, cb, cr].map(|code| code as f64)).map(|code| code.round() as u8);
        let chroma = (cb >> CHROMA_STEP) * CHROMA_NODES + (cr >> CHROMA_STEP);
        let cell = &self.cells[chroma << (10 - LUMA_STEP) | luma >> LUMA_STEP];
        let answers = match cell.get() {
            Some(answers) => answers,
            None if self.kept.fetch_add(1, Ordering::Relaxed) < MOST_CELLS => {
                cell.get_or_init(|| (0..COLOURS).map(|_| AtomicU32::new(0)).collect())
            }
            None => {
                self.kept.fetch_sub(1, Ordering::Relaxed);
                return asked();
            }
        };
        let rest = |code: usize, step: usize| code & ((1 << step) - 1);
        let within = (rest(luma, LUMA_STEP) << CHROMA_STEP | rest(cb, CHROMA_STEP)) << CHROMA_STEP;
        // Whoever comes first writes it; another thread's answer is the same.
        let answer = &answers[within | rest(cr, CHROMA_STEP)];
        let known = answer.load(Ordering::Relaxed);
        if known & KNOWN != 0 {
            let [luma, cb, cr, _] = known.to_le_bytes();
            return [luma, cb, cr];
        }
        let [luma, cb, cr] = asked();
        answer.store(u32::from_le_bytes([luma, cb, cr, 0]) | KNOWN, Ordering::Relaxed);
        [luma, cb, cr]
    }

    /// Whether the table strays from the map within the cell that begins at these nodes.
    fn is_rough(&self, luma: usize, cb: usize, cr: usize) -> bool {
        let at = |node: usize, step: usize, eighths: usize| (node << step) + (eighths << step) / 8;
        [(4, 2, 6), (4, 6, 2), (2, 1, 1), (6, 7, 7), (2, 4, 4), (6, 4, 4)].into_iter().any(|(y, b, r)| {
            let codes = [at(luma, LUMA_STEP, y), at(cb, CHROMA_STEP, b), at(cr, CHROMA_STEP, r)];
            let triangle = Triangle::of(codes[1] as u16, codes[2] as u16);
            let exact = self.map.codes(codes.map(|code| code as f64));
            exact.iter().zip(&self.columns).any(|(exact, columns)| {
                let tabled = triangle.value(columns, codes[0], 0) as f64 / f64::from(1 << PRECISION);
                (exact - tabled).abs() > TOLERANCE
            })
        })
    }

    /// A `yuv420p10le` picture of even size as `yuv420p`, marked as BT.709 limited range, written into `out`, which has its
    /// size; the work is split in `threads`.
    pub fn run(&self, picture: &frame::Video, mut out: frame::Video, threads: usize) -> frame::Video {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let (from, to) = ([0, 1, 2].map(|plane| picture.stride(plane)), [0, 1, 2].map(|plane| out.stride(plane)));
        // Pairs of luma rows, and the chroma row that they share.
        let pairs = (height / 2).div_ceil(threads.max(1)).max(1);
        let [luma, cb, cr] = ffi::planes_mut(&mut out);
        let strips =
            luma.chunks_mut(pairs * 2 * to[0]).zip(cb.chunks_mut(pairs * to[1]).zip(cr.chunks_mut(pairs * to[2])));
        thread::scope(|scope| {
            for (number, (luma, (cb, cr))) in strips.enumerate() {
                let first = number * pairs;
                let mut work = move || {
                    let rows = luma.chunks_mut(2 * to[0]).zip(cb.chunks_mut(to[1]).zip(cr.chunks_mut(to[2])));
                    for (pair, (luma, (cb, cr))) in (first..height / 2).zip(rows) {
                        let row = |plane: usize, row: usize| &picture.data(plane)[row * from[plane]..];
                        let (upper, lower) = luma.split_at_mut(to[0]);
                        self.pair(
                            [&row(0, 2 * pair)[..width * 2], &row(0, 2 * pair + 1)[..width * 2]],
                            [&row(1, pair)[..width], &row(2, pair)[..width]],
                            [&mut upper[..width], &mut lower[..width]],
                            [&mut cb[..width / 2], &mut cr[..width / 2]],
                        );
                    }
                };
                // A picture that is not split stays on this thread.
                if threads > 1 { drop(scope.spawn(work)) } else { work() }
            }
        });
        out.set_pts(picture.pts());
        out.set_color_space(ff::color::Space::BT709);
        out.set_color_primaries(ff::color::Primaries::BT709);
        out.set_color_transfer_characteristic(ff::color::TransferCharacteristic::BT709);
        out.set_color_range(ff::color::Range::MPEG);
        out
    }

    /// Two rows of luma and the row of chroma that belongs to them.
    fn pair(&self, luma: [&[u8]; 2], chroma: [&[u8]; 2], luma_out: [&mut [u8]; 2], chroma_out: [&mut [u8]; 2]) {
        let sample = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
        let [upper_out, lower_out] = luma_out;
        let [cb_out, cr_out] = chroma_out;
        let inputs = luma[0].chunks_exact(4).zip(luma[1].chunks_exact(4));
        let chromas = chroma[0].chunks_exact(2).zip(chroma[1].chunks_exact(2));
        let outputs = upper_out.chunks_exact_mut(2).zip(lower_out.chunks_exact_mut(2));
        let chroma_outputs = cb_out.iter_mut().zip(cr_out.iter_mut());
        for (((upper, lower), (cb, cr)), ((upper_out, lower_out), (cb_out, cr_out))) in
            inputs.zip(chromas).zip(outputs.zip(chroma_outputs))
        {
            let (cb, cr) = (sample(cb), sample(cr));
            let triangle = Triangle::of(cb, cr);
            let rough = self.rough[triangle.columns[0]];
            let mut sum = 0;
            for (from, to) in [(upper, upper_out), (lower, lower_out)] {
                for (from, to) in from.chunks_exact(2).zip(to) {
                    let luma = usize::from(sample(from) & 1023);
                    sum += luma;
                    *to = match rough >> (luma >> LUMA_STEP) & 1 {
                        0 => code(triangle.value(&self.columns[0], luma, 0)),
                        _ => self.exact(luma, cb, cr)[0],
                    };
                }
            }
            // The sum of four is their mean with two more bits.
            if rough >> (sum >> (LUMA_STEP + 2)) & 1 == 0 {
                *cb_out = code(triangle.value(&self.columns[1], sum, 2));
                *cr_out = code(triangle.value(&self.columns[2], sum, 2));
            } else {
                [_, *cb_out, *cr_out] = self.exact((sum + 2) >> 2, cb, cr);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Colour, Transfer};

    /// Colours of HLG all over what BT.2020 can hold, in flat blocks of 2x2.
    fn blocks(side: usize) -> frame::Video {
        let mut picture = frame::Video::new(ff::format::Pixel::YUV420P10LE, 2 * side as u32, 2 * side as u32);
        let strides = [0, 1, 2].map(|plane| picture.stride(plane));
        let spread = |i: usize, by: f64| (i as f64 * by).fract();
        for i in 0..side * side {
            let [r, g, b] = [0.754_877, 0.569_840, 0.430_159].map(|by| spread(i, by));
            let y = 0.2627 * r + 0.678 * g + 0.0593 * b;
            let codes = [64.0 + 876.0 * y, 512.0 + 896.0 * (b - y) / 1.8814, 512.0 + 896.0 * (r - y) / 1.4746];
            let [y, cb, cr] = codes.map(|code| (code.round() as u16).to_le_bytes());
            let (column, row) = (i % side, i / side);
            for at in [0, 2, strides[0], strides[0] + 2].map(|by| 2 * row * strides[0] + 4 * column + by) {
                picture.data_mut(0)[at..at + 2].copy_from_slice(&y);
            }
            picture.data_mut(1)[row * strides[1] + 2 * column..][..2].copy_from_slice(&cb);
            picture.data_mut(2)[row * strides[2] + 2 * column..][..2].copy_from_slice(&cr);
        }
        picture
    }

    #[test]
    fn all_colours_come_out_as_defined_however_the_work_is_split() {
        let (matrix, primaries, transfer) = ("2020_ncl".into(), "2020".into(), Transfer::Hlg);
        let colour = Colour { full_range: false, matrix, primaries, transfer, peak: None, assumed: false };
        let lut = Lut::new(ToneMap::new(&colour));
        let (side, mut worst, mut sum) = (100, 0.0f64, 0.0);
        let picture = blocks(side);
        let blank = || frame::Video::new(ff::format::Pixel::YUV420P, picture.width(), picture.height());
        let (whole, split) = (lut.run(&picture, blank(), 1), lut.run(&picture, blank(), 3));
        for i in 0..side * side {
            let (column, row) = (i % side, i / side);
            let from = |plane: usize, scale: usize| {
                let at = scale * row * picture.stride(plane) + 2 * scale * column;
                f64::from(u16::from_le_bytes([picture.data(plane)[at], picture.data(plane)[at + 1]]))
            };
            let wanted = lut.map.codes([from(0, 2), from(1, 1), from(2, 1)]);
            for (plane, scale) in [(0, 2), (1, 1), (2, 1)] {
                let got = [&whole, &split].map(|out| out.data(plane)[scale * (row * out.stride(plane) + column)]);
                assert_eq!(got[0], got[1]);
                let off = (f64::from(got[0]) - wanted[plane]).abs();
                (worst, sum) = (worst.max(off), sum + off);
            }
        }
        let mean = sum / (3 * side * side) as f64;
        assert!(mean < 0.4 && worst < 3.0, "mean {mean:.3}, at most {worst:.2} codes off");
    }
}
