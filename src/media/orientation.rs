//! The display matrix: nine numbers in the container that say how the picture has to be turned. Pure.

use super::Orientation;

impl Orientation {
    /// Reads a display matrix as FFmpeg hands it out: nine 32-bit numbers in native order, rows `(a b u) (c d v) (x y w)`
    /// with `a b c d` in 16.16 fixed point (ISO/IEC 14496-12, 8.2.2). A point `(x, y)` of the coded picture is shown at
    /// `(a x + c y, b x + d y)`, y downwards. Anything but quarter turns is taken to the nearest one.
    pub fn from_matrix(bytes: &[u8]) -> Self {
        let entry = |i: usize| -> f64 {
            let at = i * 4;
            bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0.0, |b| f64::from(i32::from_ne_bytes(b)))
        };
        let (a, b, c, d) = (entry(0), entry(1), entry(3), entry(4));
        if a == 0.0 && b == 0.0 && c == 0.0 && d == 0.0 {
            return Orientation::default();
        }
        let mirrored = a * d - b * c < 0.0;
        // Mirrored first, then turned: undo the mirroring in the image of the x axis before reading the angle off it.
        let (x, y) = if mirrored { (-a, -b) } else { (a, b) };
        let degrees = y.atan2(x).to_degrees();
        let quarter = (degrees / 90.0).round().rem_euclid(4.0) as u32;
        Orientation { degrees: quarter * 90, mirrored }
    }

    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        self.degrees % 180 == 90
    }

    /// The filters that turn a coded picture upright, in order.
    pub fn filters(self) -> Vec<&'static str> {
        let mut filters = Vec::new();
        if self.mirrored {
            filters.push("hflip");
        }
        match self.degrees {
            90 => filters.push("transpose=clock"),
            180 => filters.extend(["hflip", "vflip"]),
            270 => filters.push("transpose=cclock"),
            _ => {}
        }
        filters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(a: i32, b: i32, c: i32, d: i32) -> Vec<u8> {
        let one = 1 << 16;
        [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30].iter().flat_map(|v| i32::to_ne_bytes(*v)).collect()
    }

    /// Where the coded corner (right, down from the middle) ends up, by the orientation.
    fn shown(o: Orientation, (mut x, mut y): (i32, i32)) -> (i32, i32) {
        if o.mirrored {
            x = -x;
        }
        for _ in 0..o.degrees / 90 {
            (x, y) = (-y, x);
        }
        (x, y)
    }

    #[test]
    fn every_quarter_turn_and_mirroring_shows_corners_where_the_matrix_says() {
        for (a, b, c, d) in [
            (1, 0, 0, 1),
            (0, 1, -1, 0),
            (-1, 0, 0, -1),
            (0, -1, 1, 0),
            (-1, 0, 0, 1),
            (1, 0, 0, -1),
            (0, 1, 1, 0),
            (0, -1, -1, 0),
        ] {
            let o = Orientation::from_matrix(&matrix(a, b, c, d));
            for (x, y) in [(1, 1), (-1, 1), (1, -1), (-1, -1)] {
                assert_eq!(shown(o, (x, y)), (a * x + c * y, b * x + d * y), "matrix {a} {b} {c} {d} read as {o:?}");
            }
        }
    }

    #[test]
    fn an_empty_or_short_matrix_is_upright() {
        assert_eq!(Orientation::from_matrix(&[]), Orientation::default());
        assert_eq!(Orientation::from_matrix(&[0; 36]), Orientation::default());
    }
}
