//! A picture that knows where everything on it belongs: a quarter of each of four colours, a white line around the edge,
//! and a white disc on a black square in the middle. It is drawn as a camera would store it, and looked for in the cuts.

use crate::common::ffmpeg;
use housecall::cuts::Placement;
use housecall::units::{Rect, Size, Time};
use std::fs;
use std::path::{Path, PathBuf};

/// The numbers `a b c d` of a display matrix (ISO/IEC 14496-12, 8.2.2): the coded point `(x, y)` is shown at
/// `(a x + c y, b x + d y)`, y downwards.
pub type Matrix = [i32; 4];

/// Shown as it is stored.
pub const UPRIGHT: Matrix = [1, 0, 0, 1];

/// Clockwise from the top left: red, green, yellow, blue.
const QUARTERS: [[[f64; 3]; 2]; 2] = [[[255.0, 0.0, 0.0], [0.0, 160.0, 0.0]], [[0.0, 0.0, 255.0], [255.0, 255.0, 0.0]]];
/// Diameter of the disc in short sides of the picture.
const DISC: f64 = 0.4;
/// Side of the black square in short sides of the picture.
const SQUARE: f64 = 0.5;
/// The part of the square that is looked at; its own edge stays outside.
const WINDOW: f64 = 0.46;

/// A chart of `shown` size, as a person is to see it.
#[derive(Debug, Clone, Copy)]
pub struct Chart {
    /// Size with square pixels, upright.
    pub shown: Size,
}

impl Chart {
    fn short(self) -> f64 {
        f64::from(self.shown.short_side())
    }

    /// How wide the line at the edge is, in shown pixels.
    fn line(self) -> f64 {
        (self.short() / 30.0).max(4.0)
    }

    /// The colour at a point that is measured from the picture's middle.
    fn colour(self, x: f64, y: f64) -> [f64; 3] {
        let (half_width, half_height) = (f64::from(self.shown.width) / 2.0, f64::from(self.shown.height) / 2.0);
        let to_edge = (half_width - x.abs()).min(half_height - y.abs());
        if to_edge < self.line() || x.hypot(y) < DISC / 2.0 * self.short() {
            [255.0; 3]
        } else if x.abs().max(y.abs()) < SQUARE / 2.0 * self.short() {
            [0.0; 3]
        } else {
            QUARTERS[usize::from(y > 0.0)][usize::from(x > 0.0)]
        }
    }

    /// Writes the still that a camera stores in `coded` pixels so that `matrix` shows it upright, as a PPM.
    pub fn draw(self, coded: Size, matrix: Matrix, file: &Path) {
        let [a, b, c, d] = matrix.map(f64::from);
        let turned = a == 0.0;
        let (width, height) = match turned {
            true => (f64::from(self.shown.height), f64::from(self.shown.width)),
            false => (f64::from(self.shown.width), f64::from(self.shown.height)),
        };
        let mut bytes = format!("P6 {} {} 255\n", coded.width, coded.height).into_bytes();
        // Four samples a pixel, so that the disc's edge is no staircase.
        const OFFSETS: [f64; 2] = [0.25, 0.75];
        for row in 0..coded.height {
            for column in 0..coded.width {
                let mut sum = [0.0; 3];
                for (dx, dy) in OFFSETS.iter().flat_map(|x| OFFSETS.map(|y| (*x, y))) {
                    let x = ((f64::from(column) + dx) / f64::from(coded.width) - 0.5) * width;
                    let y = ((f64::from(row) + dy) / f64::from(coded.height) - 0.5) * height;
                    let colour = self.colour(a * x + c * y, b * x + d * y);
                    sum.iter_mut().zip(colour).for_each(|(sum, part)| *sum += part / 4.0);
                }
                bytes.extend(sum.map(|channel| channel.round() as u8));
            }
        }
        fs::write(file, bytes).unwrap();
    }

    /// Looks for everything in a cut of `canvas` size: the first thing that is not where `placement` puts it.
    pub fn find(self, cut: &Frame, placement: &Placement) -> Result<(), String> {
        let canvas = cut.size;
        let picture = match *placement {
            Placement::Fit { picture } => picture,
            _ => canvas.rect(),
        };
        let (scale, area) = match placement.crop_at(Time::ZERO) {
            Some(crop) => (f64::from(canvas.width) / f64::from(crop.width), canvas.rect()),
            None => (f64::from(picture.width) / f64::from(self.shown.width), picture),
        };
        // Where the middle of the chart lies on the canvas.
        let (middle_x, middle_y) = match placement.crop_at(Time::ZERO) {
            Some(crop) => (
                (f64::from(self.shown.width) / 2.0 - f64::from(crop.x)) * scale,
                (f64::from(self.shown.height) / 2.0 - f64::from(crop.y)) * scale,
            ),
            None => (
                f64::from(picture.x) + f64::from(picture.width) / 2.0,
                f64::from(picture.y) + f64::from(picture.height) / 2.0,
            ),
        };
        self.find_quarters(cut, area, (middle_x, middle_y), scale)?;
        self.find_disc(cut, (middle_x, middle_y), scale)?;
        self.find_edges(cut, placement, area)
    }

    /// Each quarter's colour, near the outer corner of the visible part and beside the black square.
    fn find_quarters(self, cut: &Frame, area: Rect, (x, y): (f64, f64), scale: f64) -> Result<(), String> {
        let line = self.line() * scale;
        for (down, row) in QUARTERS.iter().enumerate() {
            for (right, wanted) in row.iter().enumerate() {
                let outer = |far: usize, start: u32, length: u32| match far {
                    0 => f64::from(start) + line * 1.6,
                    _ => f64::from(start + length) - line * 1.6 - 1.0,
                };
                let corner = (outer(right, area.x, area.width), outer(down, area.y, area.height));
                // Where the crop leaves less than the square, the corner alone is looked at.
                let beside = |far: usize, middle: f64, start: u32, length: u32| {
                    let out = self.short() * scale * (SQUARE / 2.0) + line;
                    let at = if far == 0 { middle - out } else { middle + out };
                    (at > f64::from(start) + line && at < f64::from(start + length) - line).then_some(at)
                };
                let near_x = beside(right, x, area.x, area.width).map(|near| (near, corner.1));
                let near_y = beside(down, y, area.y, area.height).map(|near| (corner.0, near));
                for (px, py) in [Some(corner), near_x, near_y].into_iter().flatten() {
                    let got = cut.at(px as u32, py as u32);
                    // Untagged small pictures have other primaries, by which pure red becomes another by 46.
                    let off = got.iter().zip(wanted).map(|(got, wanted)| (f64::from(*got) - wanted).abs());
                    if off.fold(0.0, f64::max) > 50.0 {
                        return Err(format!("{got:?} instead of {wanted:?} at {px:.0},{py:.0}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// The disc is in its place within a hundredth of the picture's short side, round within 1%, and of its size.
    fn find_disc(self, cut: &Frame, (x, y): (f64, f64), scale: f64) -> Result<(), String> {
        let reach = WINDOW / 2.0 * self.short() * scale;
        let (mut weight, mut sum_x, mut sum_y, mut squares_x, mut squares_y) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let rows = (y - reach).max(0.0) as u32..((y + reach) as u32).min(cut.size.height);
        for row in rows {
            for column in (x - reach).max(0.0) as u32..((x + reach) as u32).min(cut.size.width) {
                // Green is near enough to the brightness, and specks that encoding leaves on black are nothing.
                let light = f64::from(cut.at(column, row)[1].saturating_sub(16)) / 239.0;
                let (dx, dy) = (f64::from(column) + 0.5 - x, f64::from(row) + 0.5 - y);
                weight += light;
                sum_x += light * dx;
                sum_y += light * dy;
                squares_x += light * dx * dx;
                squares_y += light * dy * dy;
            }
        }
        let (off_x, off_y) = (sum_x / weight, sum_y / weight);
        let aspect = ((squares_x / weight - off_x * off_x) / (squares_y / weight - off_y * off_y)).sqrt();
        let size = (weight / std::f64::consts::PI).sqrt() * 2.0 / (DISC * self.short() * scale);
        // What is no number, for want of any light, is not within anything.
        let within = |value: f64, slack: f64| value.abs() <= slack;
        let slack = 0.01 * self.short() * scale + 1.0;
        if !within(off_x, slack) || !within(off_y, slack) {
            return Err(format!("the disc is {off_x:.1},{off_y:.1} pixels off its place"));
        }
        if !within(aspect - 1.0, 0.01) {
            return Err(format!("the disc is {aspect:.4} times as wide as high"));
        }
        if !within(size - 1.0, 0.03) {
            return Err(format!("the disc has {size:.4} of its size"));
        }
        Ok(())
    }

    /// The outermost pixels of every edge that the cut shows are the white line, all along.
    fn find_edges(self, cut: &Frame, placement: &Placement, area: Rect) -> Result<(), String> {
        let (sides, ends) = match placement.crop_at(Time::ZERO) {
            Some(crop) => (crop.width + 1 >= self.shown.width, crop.height + 1 >= self.shown.height),
            None => (true, true),
        };
        let mut edges = Vec::new();
        for row in (area.y..area.bottom()).filter(|_| sides) {
            edges.extend([(area.x, row), (area.right() - 1, row)]);
        }
        for column in (area.x..area.right()).filter(|_| ends) {
            edges.extend([(column, area.y), (column, area.bottom() - 1)]);
        }
        let wrong = edges.into_iter().find(|(x, y)| cut.at(*x, *y).iter().any(|channel| *channel < 170));
        wrong.map_or(Ok(()), |(x, y)| Err(format!("{:?} instead of white on the edge at {x},{y}", cut.at(x, y))))
    }
}

/// A decoded picture of a cut, three bytes a pixel.
pub struct Frame {
    /// In pixels.
    pub size: Size,
    rgb: Vec<u8>,
}

impl Frame {
    /// The pixel in this column and row.
    pub fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let at = (y as usize * self.size.width as usize + x as usize) * 3;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }
}

/// A picture of each file, `at` seconds in; they are decoded together. `files` come with the size that they must have.
pub fn frames(files: &[(PathBuf, Size)], at: f64) -> Vec<Frame> {
    let folder = tempfile::tempdir().unwrap();
    let seek = format!("{at:.3}");
    let mut arguments: Vec<String> = Vec::new();
    for (file, _) in files {
        arguments.extend(["-ss", &seek, "-i", file.to_str().unwrap()].map(String::from));
    }
    let raw = |i: usize| folder.path().join(format!("{i}.rgb"));
    for i in 0..files.len() {
        let (map, target) = (format!("{i}:v:0"), raw(i));
        let output = ["-map", &map, "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", target.to_str().unwrap()];
        arguments.extend(output.map(String::from));
    }
    ffmpeg(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    files
        .iter()
        .enumerate()
        .map(|(i, (file, size))| {
            let rgb = fs::read(raw(i)).unwrap();
            assert_eq!(rgb.len(), (size.width * size.height * 3) as usize, "{}", file.display());
            Frame { size: *size, rgb }
        })
        .collect()
}
