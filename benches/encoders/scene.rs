//! A made-up scene that is as hard to encode as footage: a face with shading and pores, hair, woven cloth, shelves out of
//! focus, a hand that shakes, a mouth that moves, and a sensor's noise. The same in every run.

use housecall::units::Size;

/// How far the hand may move the picture to any side, in pixels.
const MARGIN: usize = 48;

/// A colour of BT.709 limited range: luma, Cb, Cr.
type Colour = [f32; 3];

const SKIN: Colour = [138.0, 112.0, 150.0];
const HAIR: Colour = [42.0, 126.0, 131.0];
const COAT: Colour = [190.0, 130.0, 126.0];
const SHIRT: Colour = [96.0, 146.0, 116.0];
const WALL: Colour = [150.0, 122.0, 132.0];

/// Two layers, each larger than the picture by the margin: they move by different amounts.
pub struct Scene {
    size: Size,
    /// Row length of the layers.
    stride: usize,
    room: Vec<Colour>,
    /// Opacity, and colour times opacity.
    person: Vec<(f32, Colour)>,
}

impl Scene {
    /// Draws both layers.
    pub fn new(size: Size) -> Self {
        let (w, h) = (size.width as usize + 2 * MARGIN, size.height as usize + 2 * MARGIN);
        let spots =
            || (0..h).flat_map(move |y| (0..w).map(move |x| (x as f32 - MARGIN as f32, y as f32 - MARGIN as f32)));
        let room = spots().map(|(x, y)| room(x, y)).collect();
        let person = spots().map(|(x, y)| person(x, y)).collect();
        Scene { size, stride: w, room, person }
    }

    /// Frame `number` as planar 4:2:0, 8 bits.
    pub fn frame(&self, number: u32) -> Vec<u8> {
        let (w, h) = (self.size.width as usize, self.size.height as usize);
        let t = number as f32 / 30.0;
        // A hand's tremor is strongest below 2 Hz with a little at 8 to 10 Hz; the speaker sways and nods slowly.
        let shake = (
            6.0 * (t * 4.1).sin() + 2.5 * (t * 9.7 + 1.0).sin() + 0.7 * (t * 55.0).sin(),
            5.0 * (t * 3.3 + 2.0).sin() + 2.0 * (t * 11.3).sin() + 0.7 * (t * 61.0).sin(),
        );
        let sway = (shake.0 * 1.15 + 14.0 * (t * 1.7).sin(), shake.1 * 1.15 + 9.0 * (t * 2.9 + 0.5).sin());
        let mouth = 8.0 + 26.0 * (t * 17.0).sin().abs() * (0.6 + 0.4 * (t * 5.3).sin());

        let mut noise = Noise(0x9e37_79b9_7f4a_7c15 ^ (u64::from(number) + 1).wrapping_mul(0xd134_2543_de82_ef95));
        let mut frame = vec![0u8; w * h * 3 / 2];
        let (luma, chroma) = frame.split_at_mut(w * h);
        let (cb, cr) = chroma.split_at_mut(w * h / 4);
        for y in 0..h {
            let mut left = noise.gauss();
            for x in 0..w {
                let colour = self.colour(x as f32, y as f32, shake, sway, mouth);
                // Photon noise grows with the root of the light; demosaicing spreads it to the neighbour. What a phone's
                // own noise reduction leaves has a deviation of about 2.5 codes on skin.
                let here = noise.gauss();
                let grain = (0.5 + 0.045 * colour[0]).sqrt() * (0.8 * here + 0.4 * left);
                left = here;
                luma[y * w + x] = (colour[0] + grain).round().clamp(16.0, 235.0) as u8;
                if x % 2 == 0 && y % 2 == 0 {
                    let at = y / 2 * (w / 2) + x / 2;
                    cb[at] = (colour[1] + 1.6 * noise.gauss()).round().clamp(16.0, 240.0) as u8;
                    cr[at] = (colour[2] + 1.6 * noise.gauss()).round().clamp(16.0, 240.0) as u8;
                }
            }
        }
        frame
    }

    fn colour(&self, x: f32, y: f32, shake: (f32, f32), sway: (f32, f32), mouth: f32) -> Colour {
        let (index, weights) = self.spot(x + sway.0, y + sway.1);
        let mut opacity = 0.0;
        let mut over = [0.0; 3];
        for (at, weight) in index.into_iter().zip(weights) {
            let (a, colour) = self.person[at];
            opacity += weight * a;
            over = mix(over, colour, weight, 1.0);
        }
        let (mx, my) = ((x + sway.0 - 540.0) / 70.0, (y + sway.1 - 900.0) / mouth);
        if mx * mx + my * my < 1.0 {
            return [48.0, 122.0, 142.0];
        }
        if opacity > 0.999 {
            return over;
        }
        let (index, weights) = self.spot(x + shake.0, y + shake.1);
        for (at, weight) in index.into_iter().zip(weights) {
            over = mix(over, self.room[at], weight * (1.0 - opacity), 1.0);
        }
        over
    }

    /// The four pixels of a layer around a place, and how much each counts.
    fn spot(&self, x: f32, y: f32) -> ([usize; 4], [f32; 4]) {
        let (x, y) = (x + MARGIN as f32, y + MARGIN as f32);
        let rows = self.room.len() / self.stride;
        let (left, top) = ((x.max(0.0) as usize).min(self.stride - 2), (y.max(0.0) as usize).min(rows - 2));
        let (fx, fy) = ((x - left as f32).clamp(0.0, 1.0), (y - top as f32).clamp(0.0, 1.0));
        let at = top * self.stride + left;
        (
            [at, at + 1, at + self.stride, at + self.stride + 1],
            [(1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy],
        )
    }
}

/// A wall lit from one side, with shelves of books a little out of focus.
fn room(x: f32, y: f32) -> Colour {
    let light = 0.75 + 0.35 * (x / 1080.0) - 0.15 * (y / 1920.0);
    let plaster = 5.0 * fractal(x / 24.0, y / 24.0, 2);
    let shelf = (y / 300.0).fract();
    let base = if y < 1500.0 && shelf > 0.25 && shelf < 0.92 {
        let (book, row) = ((x / 46.0).floor(), (y / 300.0).floor());
        let (tone, blue, red) = (hash(book, row), hash(book, row + 50.0), hash(book, row + 90.0));
        let edge = ((x / 46.0).fract() - 0.5).abs();
        let soft = 1.0 - ((edge - 0.42) / 0.08).clamp(0.0, 1.0) * 0.6;
        [(50.0 + 120.0 * tone) * soft, 108.0 + 40.0 * blue, 112.0 + 40.0 * red]
    } else {
        WALL
    };
    [base[0] * light + plaster, base[1], base[2]]
}

/// Head, hair, neck, coat and shirt, nothing elsewhere: opacity, and colour times opacity.
fn person(x: f32, y: f32) -> (f32, Colour) {
    let ellipse = |cx: f32, cy: f32, rx: f32, ry: f32| ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2);
    let inside = |value: f32, softness: f32| ((1.0 - value) / softness + 0.5).clamp(0.0, 1.0);
    let head = ellipse(540.0, 720.0, 250.0, 340.0);
    let hair = ellipse(540.0, 620.0, 290.0, 340.0);
    let body = ellipse(540.0, 1900.0, 560.0, 760.0);
    let neck = ellipse(540.0, 1080.0, 120.0, 190.0);

    let mut over = (0.0f32, [0.0; 3]);
    let mut lay = |opacity: f32, colour: Colour| {
        over = (opacity + over.0 * (1.0 - opacity), mix(over.1, colour, opacity, 1.0 - opacity));
    };
    if body < 1.1 {
        let weave = 7.0 * ((x * 1.1).sin() * (y * 1.1).sin()) + 10.0 * fractal(x / 60.0, y / 40.0, 4);
        let shirt = (x - 540.0).abs() < (y - 1100.0).max(0.0) * 0.22;
        let cloth = if shirt { SHIRT } else { COAT };
        let fold = 1.0 - 0.25 * ((x - 540.0) / 560.0).powi(2);
        lay(inside(body, 0.01), [cloth[0] * fold + weave, cloth[1], cloth[2]]);
    }
    lay(inside(neck, 0.04), [SKIN[0] * 0.8, SKIN[1], SKIN[2]]);
    if hair < 1.1 {
        let strands = 22.0 * fractal(x / 2.5 + y / 30.0, y / 50.0, 3) + 14.0 * fractal(x / 40.0, y / 60.0, 2);
        lay(inside(hair, 0.03), [HAIR[0] + strands, HAIR[1], HAIR[2]]);
    }
    if head < 1.1 {
        // The light comes from the upper right; cheeks and forehead are smooth gradients, where bands would show.
        let shade = 1.0 + 0.28 * ((x - 540.0) / 250.0) - 0.18 * ((y - 640.0) / 340.0) - 0.22 * head;
        let pores = 2.5 * fractal(x / 3.0, y / 3.0, 2) + 6.0 * fractal(x / 50.0, y / 50.0, 3);
        let eye = ellipse(440.0, 660.0, 44.0, 20.0).min(ellipse(640.0, 660.0, 44.0, 20.0));
        let brow = ellipse(440.0, 610.0, 70.0, 12.0).min(ellipse(640.0, 610.0, 70.0, 12.0));
        let nose = 18.0 * (1.0 - ellipse(525.0, 780.0, 26.0, 90.0)).max(0.0);
        lay(inside(head, 0.02), [SKIN[0] * shade + pores - nose, SKIN[1], SKIN[2] + 4.0 * shade]);
        lay(inside(eye, 0.1), [170.0, 128.0, 128.0]);
        lay(
            inside(ellipse(440.0, 660.0, 18.0, 18.0).min(ellipse(640.0, 660.0, 18.0, 18.0)), 0.1),
            [30.0, 130.0, 128.0],
        );
        lay(inside(brow, 0.2), HAIR);
    }
    over
}

/// `kept` of the first and `share` of the second.
fn mix(first: Colour, second: Colour, share: f32, kept: f32) -> Colour {
    [0, 1, 2].map(|i| first[i] * kept + second[i] * share)
}

/// Several octaves of value noise, about -1 to 1.
fn fractal(x: f32, y: f32, octaves: u32) -> f32 {
    (0..octaves).map(|o| (value(x * (1 << o) as f32, y * (1 << o) as f32) * 2.0 - 1.0) / (1 << o) as f32).sum()
}

/// Random values at whole numbers, smooth between them; 0 to 1.
fn value(x: f32, y: f32) -> f32 {
    let (x0, y0) = (x.floor(), y.floor());
    let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
    let (u, v) = (smooth(x - x0), smooth(y - y0));
    let line = |y: f32| hash(x0, y) * (1.0 - u) + hash(x0 + 1.0, y) * u;
    line(y0) * (1.0 - v) + line(y0 + 1.0) * v
}

/// A number from 0 to 1 that looks random, the same for the same place.
fn hash(x: f32, y: f32) -> f32 {
    let mut n = (x as i32 as u32).wrapping_mul(0x8da6_b343) ^ (y as i32 as u32).wrapping_mul(0xd816_3841);
    n = (n ^ (n >> 15)).wrapping_mul(0x2c1b_3c6d);
    n = (n ^ (n >> 12)).wrapping_mul(0x297a_2d39);
    (n ^ (n >> 15)) as f32 / u32::MAX as f32
}

/// xorshift64*.
struct Noise(u64);

impl Noise {
    /// Near enough a standard normal number: how many of 64 random bits are set has mean 32 and deviation 4.
    fn gauss(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d).count_ones() as f32 - 32.0) / 4.0
    }
}
