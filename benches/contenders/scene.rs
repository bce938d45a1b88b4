//! What the phone sees: somebody who speaks in front of a wall, held in a hand that is never still, through a sensor
//! that is never quiet.
//!
//! Layers at different depths move against each other by parts of a pixel, as hand-held footage does; every layer has
//! texture down to single pixels, and noise is new in each picture and stronger in the dark. All values are codes of 10
//! bits; SDR is written with 8.

use std::f64::consts::TAU;
use std::io::{Result, Write};

/// Length of the noise that is drawn once and read from another place for each line.
const NOISE: usize = 1 << 20;
/// Steps of a pixel in which layers move.
const STEPS: f64 = 16.0;
/// How far beyond the picture the background reaches on each side, as a share of the picture's longer side.
const MARGIN: f64 = 0.03;

/// One plane of numbers.
struct Plane {
    width: usize,
    height: usize,
    data: Vec<u16>,
}

impl Plane {
    fn new(width: usize, height: usize) -> Self {
        Plane { width, height, data: vec![0; width * height] }
    }

    /// A line of the plane from (`x`, `y`) on, between its pixels; beyond its borders the last ones go on.
    fn line(&self, x: f64, y: f64, out: &mut [u16]) {
        let (x, y) = ((x * STEPS).round() as i64, (y * STEPS).round() as i64);
        let steps = STEPS as i64;
        let (fx, fy) = (x.rem_euclid(steps) as u32, y.rem_euclid(steps) as u32);
        let (x, y) = (x.div_euclid(steps), y.div_euclid(steps));
        let row = |y: i64| {
            let at = y.clamp(0, self.height as i64 - 1) as usize * self.width;
            &self.data[at..at + self.width]
        };
        let (upper, lower) = (row(y), row(y + 1));
        let steps = steps as u32;
        let weights = [(steps - fx) * (steps - fy), fx * (steps - fy), (steps - fx) * fy, fx * fy];
        let last = self.width as i64 - 1;
        for (i, out) in out.iter_mut().enumerate() {
            let (a, b) = ((x + i as i64).clamp(0, last) as usize, (x + i as i64 + 1).clamp(0, last) as usize);
            let sum = u32::from(upper[a]) * weights[0]
                + u32::from(upper[b]) * weights[1]
                + u32::from(lower[a]) * weights[2]
                + u32::from(lower[b]) * weights[3];
            *out = (sum / (steps * steps)) as u16;
        }
    }
}

/// Something that moves as one: Y, Cb and Cr, and how solid it is (0 to 256) for luma and for chroma.
struct Layer {
    planes: [Plane; 3],
    solid: Option<[Plane; 2]>,
    /// Where its upper left corner stands when nothing moves, in pixels of the picture.
    place: (f64, f64),
}

/// The clip's pictures, one after the other.
pub struct Scene {
    size: (usize, usize),
    hdr: bool,
    phase: f64,
    back: Layer,
    body: Layer,
    head: Layer,
    mouth: Layer,
    noise: Vec<i8>,
    picture: [Plane; 3],
}

impl Scene {
    /// A scene for pictures of this width and height; `seed` decides what stands where.
    pub fn new(size: (usize, usize), hdr: bool, seed: u32) -> Self {
        let (width, height) = size;
        let (w, h) = (width as f64, height as f64);
        let margin = (w.max(h) * MARGIN / 2.0).round() * 2.0;
        let unit = h.min(w * 1.4);
        let even = |length: f64| (length / 2.0).round() as usize * 2;
        let paint = |size, place, solid, colour: &dyn Fn(f64, f64) -> [f64; 4]| layer(size, place, solid, hdr, colour);

        let grain = unit / 540.0;
        let texture = |u: f64, v: f64, number: u32| clouds(u * unit, v * unit, grain, seed.wrapping_mul(31) + number);
        let wall = |x: f64, y: f64| room((x - margin) / unit, (y - margin) / unit, w / unit, &texture, seed);
        let back = paint((width + 2 * margin as usize, height + 2 * margin as usize), (-margin, -margin), false, &wall);

        let (body_w, body_h) = (0.62 * unit, 0.62 * unit);
        let shirt = |x: f64, y: f64| {
            let (u, v) = (x / body_w - 0.5, y / body_h);
            let edge = (0.5 - (u.abs() / (0.34 + 0.14 * v.min(0.5))).powi(3) * 0.5).min(v * 4.0 - 0.2 * u.abs());
            let check = ((u * 60.0 * TAU).sin() * 0.05) + ((v * 60.0 * TAU).sin() * 0.05);
            let fold = texture(u * 0.6, v * 0.6, 5) - 0.5;
            let shade = 0.42 + check + 0.5 * fold - 0.25 * u;
            [shade * 0.45, shade * 0.75, shade, (edge * 40.0).clamp(0.0, 1.0)]
        };
        let body = paint((even(body_w), even(body_h)), (w / 2.0 - body_w / 2.0, h - body_h * 0.86), true, &shirt);

        let (head_w, head_h) = (0.27 * unit, 0.36 * unit);
        let place = (w / 2.0 - head_w / 2.0, h - body_h * 0.86 - head_h * 0.8);
        let face = |x: f64, y: f64| {
            let (u, v) = (x / head_w - 0.5, y / head_h - 0.5);
            let edge = 1.0 - (u / 0.44).powi(2) - (v / 0.47).powi(2);
            let hair = v < -0.2 + 0.5 * u * u + 0.03 * (u * 90.0).sin();
            let eye = [-0.17, 0.17].iter().any(|at| ((u - at) / 0.07).powi(2) + ((v + 0.04) / 0.03).powi(2) < 1.0);
            let solid = (edge * 30.0).clamp(0.0, 1.0);
            if hair {
                let strand = 0.16 + 0.22 * (texture(u * 1.6, v * 0.1, 6) - 0.4);
                return [strand * 1.2, strand * 0.9, strand * 0.7, solid];
            }
            if eye {
                return [0.12, 0.1, 0.1, solid];
            }
            let light = 0.72 - 0.3 * u - 0.12 * v + 0.14 * (texture(u * 0.4, v * 0.4, 7) - 0.5);
            [light, light * 0.74, light * 0.6, solid]
        };
        let head = paint((even(head_w), even(head_h)), place, true, &face);

        let (mouth_w, mouth_h) = (0.1 * unit, 0.045 * unit);
        let lips = |x: f64, y: f64| {
            let (u, v) = (x / mouth_w * 2.0 - 1.0, y / mouth_h * 2.0 - 1.0);
            let edge = 1.0 - u * u - v * v;
            [0.35 - 0.2 * edge, 0.12, 0.12, (edge * 3.0).clamp(0.0, 1.0)]
        };
        let under = (place.0 + head_w / 2.0 - mouth_w / 2.0, place.1 + head_h * 0.72);
        let mouth = paint((even(mouth_w), even(mouth_h)), under, true, &lips);

        let picture = [Plane::new(width, height), Plane::new(width / 2, height / 2), Plane::new(width / 2, height / 2)];
        Scene { size, hdr, phase: f64::from(seed), back, body, head, mouth, noise: gauss(seed), picture }
    }

    /// Draws the picture at `moment` seconds, the `number`th.
    pub fn draw(&mut self, moment: f64, number: usize) {
        let unit = (self.size.1 as f64).min(self.size.0 as f64 * 1.4);
        let wave = |hertz: f64, turn: f64| (TAU * (hertz * moment + turn) + self.phase).sin();
        // A hand drifts slowly and trembles quickly.
        let sway = (
            unit * (0.012 * wave(0.23, 0.1) + 0.005 * wave(0.9, 0.4) + 0.0012 * wave(6.1, 0.7)),
            unit * (0.010 * wave(0.31, 0.6) + 0.004 * wave(1.1, 0.2) + 0.0012 * wave(7.3, 0.3)),
        );
        let near = |depth: f64, own: (f64, f64)| (sway.0 * depth + own.0 * unit, sway.1 * depth + own.1 * unit);
        let breath = (0.006 * wave(0.4, 0.0), 0.003 * wave(0.27, 0.5));
        let nod = (
            breath.0 + 0.010 * wave(0.52, 0.3) + 0.004 * wave(1.7, 0.9),
            breath.1 + 0.008 * wave(0.75, 0.8) + 0.003 * wave(2.1, 0.2),
        );
        let open = (0.5 + 0.5 * wave(3.7, 0.0)) * (0.6 + 0.4 * wave(1.3, 0.5)).clamp(0.0, 1.0);
        let moved = [
            (&self.back, near(0.6, (0.0, 0.0)), 1.0),
            (&self.body, near(1.0, breath), 1.0),
            (&self.head, near(1.05, nod), 1.0),
            (&self.mouth, near(1.05, nod), open),
        ];
        for (kind, plane) in self.picture.iter_mut().enumerate() {
            compose(plane, kind, &moved);
            // Chroma noise is coarser and weaker, since phones smooth it most.
            expose(plane, kind, number, self.hdr, &self.noise);
        }
    }

    /// Writes the picture's planes: 16-bit little-endian numbers of 10 bits for HDR, else 8 bits.
    pub fn write(&self, out: &mut impl Write) -> Result<()> {
        for plane in &self.picture {
            let bytes: Vec<u8> = match self.hdr {
                true => plane.data.iter().flat_map(|code| code.to_le_bytes()).collect(),
                false => plane.data.iter().map(|code| (code >> 2) as u8).collect(),
            };
            out.write_all(&bytes)?;
        }
        Ok(())
    }
}

/// Lays the layers over each other, each moved by so many pixels and so solid.
fn compose(plane: &mut Plane, kind: usize, layers: &[(&Layer, (f64, f64), f64)]) {
    let scale = if kind == 0 { 1.0 } else { 2.0 };
    let width = plane.width;
    let (mut colours, mut alphas) = (vec![0; width], vec![0; width]);
    for (layer, by, opacity) in layers {
        let source = &layer.planes[kind];
        let (left, top) = ((layer.place.0 + by.0) / scale, (layer.place.1 + by.1) / scale);
        let first = (left.ceil().max(0.0) as usize).min(width);
        let last = ((left + source.width as f64).floor().max(0.0) as usize).min(width);
        let rows = (top.ceil().max(0.0) as usize)..((top + source.height as f64).floor().max(0.0) as usize);
        for y in rows.start..rows.end.min(plane.height) {
            let target = &mut plane.data[y * width + first..y * width + last.max(first)];
            let (x, line) = (first as f64 - left, y as f64 - top);
            let Some(solid) = &layer.solid else {
                source.line(x, line, target);
                continue;
            };
            let (colours, alphas) = (&mut colours[..target.len()], &mut alphas[..target.len()]);
            source.line(x, line, colours);
            solid[kind.min(1)].line(x, line, alphas);
            let opacity = (opacity * 256.0) as u32;
            for ((target, colour), alpha) in target.iter_mut().zip(colours).zip(alphas) {
                let alpha = u32::from(*alpha) * opacity / 256;
                *target = ((u32::from(*target) * (256 - alpha) + u32::from(*colour) * alpha) / 256) as u16;
            }
        }
    }
}

/// Adds the sensor's noise.
fn expose(plane: &mut Plane, kind: usize, number: usize, hdr: bool, noise: &[i8]) {
    // Deviation in codes of 10 bits, times four: shot noise after gamma is strongest in the shadows.
    let gain = |code: usize| match kind {
        0 => 26.0 - 14.0 * code as f64 / 1023.0,
        _ => 9.0,
    };
    let softer = if hdr { 0.8 } else { 1.0 };
    let gains: Vec<i32> = (0..1024).map(|code| (gain(code) * softer) as i32).collect();
    let (least, most) = if kind == 0 { (64, 940) } else { (64, 960) };
    let width = plane.width;
    for (y, line) in plane.data.chunks_exact_mut(width).enumerate() {
        let place = mixed(number as u32, y as u32, kind as u32) as usize % (NOISE - width);
        for (code, noise) in line.iter_mut().zip(&noise[place..]) {
            let value = i32::from(*code);
            let added = i32::from(*noise) * gains[value.clamp(0, 1023) as usize] / 128;
            *code = (value + added).clamp(least, most) as u16;
        }
    }
}

/// Paints a layer. `colour` gives R', G', B' from 0 to 1 and how solid the pixel is.
fn layer(
    (width, height): (usize, usize),
    place: (f64, f64),
    solid: bool,
    hdr: bool,
    colour: &dyn Fn(f64, f64) -> [f64; 4],
) -> Layer {
    let (half_w, half_h) = (width / 2, height / 2);
    let mut planes = [Plane::new(width, height), Plane::new(half_w, half_h), Plane::new(half_w, half_h)];
    let mut alpha = [Plane::new(width, height), Plane::new(half_w, half_h)];
    // In HLG a white shirt lies near 75 %; above are lamps.
    let (exposure, [red, blue]) = if hdr { (0.74, [0.2627, 0.0593]) } else { (0.95, [0.2126, 0.0722]) };
    for y in 0..height {
        for x in 0..width {
            let [r, g, b, a] = colour(x as f64, y as f64);
            let [r, g, b] = [r, g, b].map(|c| c.clamp(0.0, 1.3) * exposure);
            let luma = red * r + (1.0 - red - blue) * g + blue * b;
            planes[0].data[y * width + x] = (64.0 + 876.0 * luma.min(1.0)) as u16;
            alpha[0].data[y * width + x] = (a * 256.0) as u16;
            if x % 2 == 0 && y % 2 == 0 && x / 2 < half_w && y / 2 < half_h {
                let at = y / 2 * half_w + x / 2;
                let code = |part: f64, weight: f64| (512.0 + 448.0 * (part - luma) / (1.0 - weight)) as u16;
                planes[1].data[at] = code(b, blue);
                planes[2].data[at] = code(r, red);
                alpha[1].data[at] = (a * 256.0) as u16;
            }
        }
    }
    Layer { planes, solid: solid.then_some(alpha), place }
}

/// A wall with a window on the left and shelves of books on the right. `u` and `v` are 1 in the picture's unit.
fn room(u: f64, v: f64, width: f64, texture: &dyn Fn(f64, f64, u32) -> f64, seed: u32) -> [f64; 4] {
    let grain = texture(u, v, 1) - 0.5;
    if u < width * 0.24 && (0.08..0.62).contains(&v) {
        // Slats of a blind, the sky between them.
        let slat = (v * 22.0).fract();
        let light = if slat < 0.35 { 1.25 } else { 0.62 + 0.3 * slat } + 0.12 * grain;
        return [light * 0.94, light * 0.98, light, 1.0];
    }
    if u > width * 0.62 && v < 0.7 {
        let shelf = (v / 0.175).floor();
        let (inside, place) = ((v / 0.175).fract(), (u - width * 0.62) / 0.026);
        let book = place.floor();
        let draw = |number: u32| f64::from(mixed(book as u32, shelf as u32 + 17 * seed, number) & 0xff) / 255.0;
        if inside > 0.94 {
            return [0.34 + 0.2 * grain, 0.24 + 0.15 * grain, 0.16 + 0.1 * grain, 1.0];
        }
        if inside < 0.1 + 0.3 * draw(0) {
            return [0.07 + 0.05 * grain, 0.06 + 0.05 * grain, 0.06 + 0.05 * grain, 1.0];
        }
        // Letters on the spine: little marks, some missing.
        let line = (inside * 40.0).floor();
        let letter = (place.fract() - 0.5).abs() < 0.2 && !mixed(line as u32, book as u32, 9).is_multiple_of(3);
        let shade = 1.0 - 1.6 * (place.fract() - 0.5).powi(2) + 0.5 * grain;
        let ink = if letter && (inside * 40.0).fract() < 0.6 { 0.35 } else { 0.0 };
        let [r, g, b] = [1, 2, 3].map(|colour| (0.15 + 0.5 * draw(colour)) * shade + ink);
        return [r, g, b, 1.0];
    }
    let fall = 0.68 - 0.22 * u / width + 0.06 * v + 0.22 * grain;
    [fall, fall * 0.95, fall * 0.86, 1.0]
}

/// Noise of five octaves whose finest cells are `grain` pixels wide, 0 to 1: plaster, cloth, hair.
fn clouds(x: f64, y: f64, grain: f64, seed: u32) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for octave in 0..5u32 {
        let (cell, weight) = (grain * f64::from(1 << (2 * octave)), f64::from(octave + 2));
        sum += weight * smooth(x / cell, y / cell, seed + octave);
        total += weight;
    }
    sum / total
}

/// Random values at whole places, blended between them.
fn smooth(x: f64, y: f64, seed: u32) -> f64 {
    let (left, top) = (x.floor(), y.floor());
    let ease = |t: f64| t * t * (3.0 - 2.0 * t);
    let (tx, ty) = (ease(x - left), ease(y - top));
    let (column, row) = (left as i64 as u32, top as i64 as u32);
    let at = |dx: u32, dy: u32| {
        f64::from(mixed(column.wrapping_add(dx), row.wrapping_add(dy), seed) >> 8) / f64::from(1 << 24)
    };
    let upper = at(0, 0) + (at(1, 0) - at(0, 0)) * tx;
    let lower = at(0, 1) + (at(1, 1) - at(0, 1)) * tx;
    upper + (lower - upper) * ty
}

/// A number that looks random but is the same for the same three.
fn mixed(a: u32, b: u32, c: u32) -> u32 {
    let mut hash = a.wrapping_mul(0x9E37_79B1) ^ b.wrapping_mul(0x85EB_CA77) ^ c.wrapping_mul(0xC2B2_AE3D);
    hash = (hash ^ (hash >> 15)).wrapping_mul(0x2C1B_3C6D);
    hash = (hash ^ (hash >> 12)).wrapping_mul(0x297A_2D39);
    hash ^ (hash >> 15)
}

/// Noise with a deviation of 32, nearly normal, and alike between neighbours as after a phone's demosaicing.
fn gauss(seed: u32) -> Vec<i8> {
    let draw = |i: usize| (0..4).map(|k| (mixed(i as u32, seed, k) & 0xff) as f64 - 127.5).sum::<f64>();
    // Four evenly spread numbers add up to a deviation of 147.8; the blend of neighbours takes it down to 0.73 of that.
    let (mut last, mut out) = (draw(NOISE), Vec::with_capacity(NOISE));
    for i in 0..NOISE {
        let next = draw(i);
        out.push(((0.65 * next + 0.35 * last) * 32.0 / (147.8 * 0.738)).round().clamp(-127.0, 127.0) as i8);
        last = next;
    }
    out
}
