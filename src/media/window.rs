//! A part of a picture that moves: cut out at fractions of a pixel, since a slow move in whole pixels is seen to jerk.

use super::clock;
use super::ffi::{self, Pool};
use crate::cuts::{Waypoint, follow};
use crate::units::{Rate, Size, Time};
use ffmpeg_next::frame;

/// Places between two pixels that are told apart.
const PHASES: usize = 64;
/// What the four weights of a place add up to, as a power of two.
const WEIGHT_BITS: i32 = 7;

/// Cuts a moving window out of pictures of the working size.
pub struct Window {
    size: Size,
    path: Vec<Waypoint>,
    /// Working pixels for each displayed pixel, across and down.
    scale: (f64, f64),
    rate: Rate,
    weights: Vec<[i32; 4]>,
    pool: Pool,
}

impl Window {
    /// A window of `size` working pixels (even) that goes that way over a clip of `displayed` size, which comes in at
    /// `working` size.
    pub fn new(size: Size, path: &[Waypoint], displayed: Size, working: Size, rate: Rate) -> Self {
        let scale = (
            f64::from(working.width) / f64::from(displayed.width),
            f64::from(working.height) / f64::from(displayed.height),
        );
        Window {
            size,
            path: path.to_vec(),
            scale,
            rate,
            weights: (0..PHASES).map(weights).collect(),
            pool: Pool::new(size),
        }
    }

    /// The part of a `yuv420p` picture that frame `number` of the cut shows.
    pub fn cut(&self, picture: &frame::Video, number: i64) -> frame::Video {
        // A frame shows a picture that comes up to so much later; a jump belongs to the picture.
        let at = clock::latest(self.rate, number);
        let (x, y) = self.corner(picture, at);
        let mut out = self.pool.take();
        for plane in 0..3 {
            let part = if plane == 0 { 1 } else { 2 };
            let of = (picture.width().div_ceil(part) as usize, picture.height().div_ceil(part) as usize);
            let to = ((self.size.width / part) as usize, (self.size.height / part) as usize);
            let from = Plane { data: picture.data(plane), stride: picture.stride(plane), size: of };
            let place = (x / f64::from(part), y / f64::from(part));
            let stride = out.stride(plane);
            self.copy(&from, place, out.data_mut(plane), stride, to);
        }
        ffi::copy_properties(&mut out, picture);
        out
    }

    fn corner(&self, picture: &frame::Video, at: Time) -> (f64, f64) {
        let (x, y) = follow::position(&self.path, at);
        let inside = |value: f64, whole: u32, part: u32| value.clamp(0.0, f64::from(whole.saturating_sub(part)));
        (
            inside(x * self.scale.0, picture.width(), self.size.width),
            inside(y * self.scale.1, picture.height(), self.size.height),
        )
    }

    /// Copies the part of a plane that begins at `place`.
    fn copy(&self, from: &Plane, place: (f64, f64), out: &mut [u8], stride: usize, (width, height): (usize, usize)) {
        let ((x, across), (y, down)) = (split(place.0), split(place.1));
        let row_of = |y: i64| {
            let y = y.clamp(0, from.size.1 as i64 - 1) as usize;
            &from.data[y * from.stride..][..from.size.0]
        };
        if down == 0 {
            for (i, target) in out.chunks_mut(stride).take(height).enumerate() {
                self.shift(row_of((y + i) as i64), x, across, &mut target[..width]);
            }
            return;
        }
        // Rows are shifted once each; the four around the target are mixed.
        let mut rows: [Vec<u8>; 4] = std::array::from_fn(|i| {
            let mut row = vec![0; width];
            self.shift(row_of((y + i) as i64 - 1), x, across, &mut row);
            row
        });
        for (i, target) in out.chunks_mut(stride).take(height).enumerate() {
            let weights = &self.weights[down];
            for (j, value) in target[..width].iter_mut().enumerate() {
                *value = mix([rows[0][j], rows[1][j], rows[2][j], rows[3][j]], weights);
            }
            rows.rotate_left(1);
            self.shift(row_of((y + i) as i64 + 3), x, across, &mut rows[3]);
        }
    }

    /// A row from `x` and a fraction on.
    fn shift(&self, row: &[u8], x: usize, phase: usize, target: &mut [u8]) {
        let last = row.len() - 1;
        if phase == 0 && x + target.len() <= row.len() {
            target.copy_from_slice(&row[x..x + target.len()]);
            return;
        }
        let weights = &self.weights[phase];
        // The edge's pixel goes on beyond the edge.
        let at = |i: usize| row[i.saturating_sub(1).min(last)];
        let padded: Vec<u8> = (x..x + target.len() + 3).map(at).collect();
        for (value, four) in target.iter_mut().zip(padded.windows(4)) {
            *value = mix([four[0], four[1], four[2], four[3]], weights);
        }
    }
}

struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    size: (usize, usize),
}

/// A place as a whole pixel and a phase.
fn split(place: f64) -> (usize, usize) {
    let steps = (place * PHASES as f64).round() as usize;
    (steps / PHASES, steps % PHASES)
}

fn mix(four: [u8; 4], weights: &[i32; 4]) -> u8 {
    let sum: i32 = four.iter().zip(weights).map(|(value, weight)| i32::from(*value) * weight).sum();
    ((sum + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS).clamp(0, 255) as u8
}

/// Catmull-Rom's weights of the two pixels before a place and the two after it: sharper than a straight mean, so that
/// the picture does not breathe while it moves.
fn weights(phase: usize) -> [i32; 4] {
    let t = phase as f64 / PHASES as f64;
    let exact = [
        -0.5 * t + t * t - 0.5 * t * t * t,
        1.0 - 2.5 * t * t + 1.5 * t * t * t,
        0.5 * t + 2.0 * t * t - 1.5 * t * t * t,
        -0.5 * t * t + 0.5 * t * t * t,
    ];
    let mut whole = exact.map(|weight| (weight * f64::from(1 << WEIGHT_BITS)).round() as i32);
    // Flat areas stay as bright as they are.
    whole[if t < 0.5 { 1 } else { 2 }] += (1 << WEIGHT_BITS) - whole.iter().sum::<i32>();
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuts::SUBPIXELS;
    use ffmpeg_next::format;

    /// A smooth wave, so that what lies between pixels is known.
    fn wave(x: f64, y: f64) -> f64 {
        128.0 + 60.0 * (x / 7.0).sin() + 40.0 * (y / 9.0).cos()
    }

    fn picture(size: Size) -> frame::Video {
        let mut picture = frame::Video::new(format::Pixel::YUV420P, size.width, size.height);
        for plane in 0..3 {
            let (part, stride) = (if plane == 0 { 1 } else { 2 }, picture.stride(plane));
            for y in 0..(size.height / part) as usize {
                for x in 0..(size.width / part) as usize {
                    let at = (x as f64 * f64::from(part), y as f64 * f64::from(part));
                    picture.data_mut(plane)[y * stride + x] = wave(at.0, at.1).round() as u8;
                }
            }
        }
        picture
    }

    #[test]
    fn between_pixels_lies_what_should() {
        let (whole, size, rate) = (Size::new(96, 64), Size::new(40, 36), Rate::new(30, 1));
        let picture = picture(whole);
        for (x, y) in
            [(0, 0), (6 * 16, 4 * 16), (5 * 16 + 8, 16), (7, 3 * 16 + 13), (56 * 16, 28 * 16), (55 * 16 + 9, 0)]
        {
            let window = Window::new(size, &[Waypoint { at: Time::ZERO, x, y }], whole, whole, rate);
            let cut = window.cut(&picture, 3);
            let from = [x, y].map(|steps| f64::from(steps) / f64::from(SUBPIXELS));
            for plane in 0..3 {
                let part = if plane == 0 { 1.0 } else { 2.0 };
                // At the border the wave goes on, and the picture does not.
                for j in 2..(36.0 / part) as usize - 3 {
                    for i in 2..(40.0 / part) as usize - 3 {
                        let wanted = wave(from[0] + i as f64 * part, from[1] + j as f64 * part);
                        let found = f64::from(cut.data(plane)[j * cut.stride(plane) + i]);
                        assert!((found - wanted).abs() < 2.5, "({x}, {y}) plane {plane}: {found}, not {wanted}");
                    }
                }
            }
        }
    }

    #[test]
    fn flat_areas_stay_flat() {
        assert!((0..PHASES).all(|phase| weights(phase).iter().sum::<i32>() == 1 << WEIGHT_BITS));
        assert!((0..PHASES).all(|phase| mix([235; 4], &weights(phase)) == 235));
    }
}
