//! A function of colours as a table, and pictures brought through it: 10-bit Y'CbCr 4:2:0 in, 8-bit out.
//!
//! Luma has a node every 16 codes and each chroma one every 32, which is fine enough for curves that are made for eyes
//! as codes are. A colour lies in a prism of six nodes: a triangle in chroma by a step in luma. The pixels of a 2x2
//! block share their chroma, thus the triangle and its weights. All arithmetic is exact in integers, so the result does
//! not depend on the computer.

use super::ffi;
use ffmpeg_next as ff;
use ffmpeg_next::frame;
use std::thread;

/// Codes between nodes, as powers of two.
const LUMA_STEP: usize = 4;
const CHROMA_STEP: usize = 5;
/// Nodes along each axis of 10 bits.
const LUMA_NODES: usize = (1024 >> LUMA_STEP) + 1;
const CHROMA_NODES: usize = (1024 >> CHROMA_STEP) + 1;
/// Fraction bits of a node's value.
const PRECISION: usize = 6;
/// Output codes that a column of luma nodes leads to. Each holds its node's in the low half and the next one's in the
/// high half, so that one multiplication weighs both.
type Column = [u64; LUMA_NODES];

/// The table.
pub struct Lut {
    /// For luma, Cb and Cr, by Cb and Cr.
    columns: [Vec<Column>; 3],
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

    /// The value for a luma of `10 + extra` bits.
    fn value(&self, columns: &[Column], luma: usize, extra: usize) -> u8 {
        let step = LUMA_STEP + extra;
        let (node, rest) = ((luma >> step) & (LUMA_NODES - 2), (luma & ((1 << step) - 1)) as u64);
        let weighed = |i: usize| columns[self.columns[i]][node] * self.weights[i];
        let both = weighed(0) + weighed(1) + weighed(2);
        let (low, high) = (both & 0xFFFF_FFFF, both >> 32);
        let bits = PRECISION + CHROMA_STEP + step;
        ((low * ((1 << step) - rest) + high * rest + (1 << (bits - 1))) >> bits) as u8
    }
}

impl Lut {
    /// Takes `function`, which leads from codes of 10 bits to codes of 8 bits, at every node.
    pub fn new(function: impl Fn([f64; 3]) -> [f64; 3]) -> Self {
        let mut columns = [const { Vec::new() }; 3];
        for chroma in 0..CHROMA_NODES * CHROMA_NODES {
            let (cb, cr) = (chroma / CHROMA_NODES, chroma % CHROMA_NODES);
            let code = |node: usize, step: usize| (node << step) as f64;
            let values: Vec<[f64; 3]> = (0..LUMA_NODES)
                .map(|node| function([code(node, LUMA_STEP), code(cb, CHROMA_STEP), code(cr, CHROMA_STEP)]))
                .collect();
            for (plane, columns) in columns.iter_mut().enumerate() {
                let fixed = |node: usize| {
                    let value = values[node.min(LUMA_NODES - 1)][plane].clamp(0.0, 255.0);
                    (value * f64::from(1 << PRECISION)).round() as u64
                };
                columns.push(std::array::from_fn(|node| fixed(node) | fixed(node + 1) << 32));
            }
        }
        Lut { columns }
    }

    /// A `yuv420p10le` picture of even size as `yuv420p`, marked as BT.709 limited range; the work is split in `threads`.
    pub fn run(&self, picture: &frame::Video, threads: usize) -> frame::Video {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let mut out = frame::Video::new(ff::format::Pixel::YUV420P, picture.width(), picture.height());
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
            let triangle = Triangle::of(sample(cb), sample(cr));
            let mut sum = 0;
            for (from, to) in [(upper, upper_out), (lower, lower_out)] {
                for (from, to) in from.chunks_exact(2).zip(to) {
                    let luma = usize::from(sample(from) & 1023);
                    sum += luma;
                    *to = triangle.value(&self.columns[0], luma, 0);
                }
            }
            // The sum of four is their mean with two more bits.
            *cb_out = triangle.value(&self.columns[1], sum, 2);
            *cr_out = triangle.value(&self.columns[2], sum, 2);
        }
    }
}
