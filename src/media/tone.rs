//! How HDR becomes SDR: the definition, in float64, that the table of `lut.rs` is computed from. Pure.
//!
//! 1. Codes to R'G'B' by the track's matrix and range.
//! 2. R'G'B' to light, in units of 203 nits, HDR's diffuse white (ITU-R BT.2408). HLG: the inverse OETF and the OOTF of
//!    a display of 1000 nits (ITU-R BT.2100: gamma 1.2, no black lift). PQ: the EOTF of SMPTE ST 2084.
//! 3. The track's primaries to those of BT.709.
//! 4. The largest of R, G and B is bent by a Mobius curve that leaves what lies below 0.3 as it is, meets it there with
//!    the same slope, and takes the peak to 1; the others keep their ratio to it, so hue stays. Faces lie around
//!    the knee and keep their contrast; with HLG, codes of 38, 75 and 100 % become luma 109, 202 and 235. The peak is
//!    1000 nits for HLG; for PQ it is the content's brightest pixel (`MaxCLL`) if the clip says so, else its mastering
//!    display's, else 1000 nits. Light above the peak is shown as the peak.
//! 5. What BT.709 cannot show is cut off at 0, and the light becomes BT.709 limited range codes for a display of
//!    gamma 2.4 (ITU-R BT.1886).

use super::{Colour, Transfer};

/// HDR's diffuse white, in nits.
const WHITE: f64 = 203.0;
/// The peak of an HLG display, and that of a PQ clip which says nothing, in nits.
const USUAL_PEAK: f64 = 1000.0;
/// Peaks that can be meant; a clip whose metadata claims another is taken for one that says nothing.
const PEAKS: std::ops::RangeInclusive<u32> = 300..=10_000;
/// Light below this stays as it is.
const KNEE: f64 = 0.3;
/// Gamma of a BT.1886 display.
const GAMMA: f64 = 2.4;

type Matrix = [[f64; 3]; 3];

/// The way from a track's codes to those of a cut.
pub struct ToneMap {
    transfer: Transfer,
    full_range: bool,
    /// The shares of red and blue in luma.
    luma: (f64, f64),
    /// The track's primaries to BT.709.
    primaries: Matrix,
    /// The shares of R, G and B in the track's luminance.
    luminance: [f64; 3],
    /// In units of diffuse white.
    peak: f64,
    /// Signal to light, before HLG's OOTF; the root of luminance to HLG's gain; the root of light to signal.
    curve: Tabled,
    gain: Tabled,
    signal: Tabled,
}

/// A function of one number, tabled finely enough that nobody can tell: every picture has pixels that need it.
struct Tabled {
    values: Vec<f64>,
}

impl Tabled {
    /// Values a unit.
    const FINE: usize = 4096;

    /// From 0 to a little above 1: limited range has codes brighter than white.
    fn new(function: impl Fn(f64) -> f64) -> Self {
        let values = (0..=Self::FINE * 9 / 8 + 1).map(|i| function(i as f64 / Self::FINE as f64)).collect();
        Tabled { values }
    }

    fn at(&self, x: f64) -> f64 {
        let x = x.clamp(0.0, 1.125) * Self::FINE as f64;
        let (below, part) = (x as usize, x.fract());
        self.values[below] + part * (self.values[below + 1] - self.values[below])
    }
}

impl ToneMap {
    /// For a track of that colour.
    pub fn new(colour: &Colour) -> Self {
        let source = to_xyz(&colour.primaries);
        let peak = match (colour.transfer, colour.peak) {
            (Transfer::Pq, Some(said)) if PEAKS.contains(&said) => f64::from(said),
            _ => USUAL_PEAK,
        };
        ToneMap {
            transfer: colour.transfer,
            full_range: colour.full_range,
            luma: match colour.matrix.as_str() {
                "709" => (0.2126, 0.0722),
                "170m" | "bt470bg" => (0.299, 0.114),
                _ => (0.2627, 0.0593),
            },
            primaries: product(&inverse(&to_xyz("709")), &source),
            luminance: source[1],
            peak: peak / WHITE,
            curve: match colour.transfer {
                Transfer::Hlg => Tabled::new(hlg_scene),
                Transfer::Pq => Tabled::new(|signal| pq_light(signal) / WHITE),
                Transfer::Sdr => Tabled::new(|signal| signal.powf(GAMMA)),
            },
            gain: Tabled::new(|root| root.powf(0.4) * USUAL_PEAK / WHITE),
            signal: Tabled::new(|root| root.min(1.0).powf(2.0 / GAMMA)),
        }
    }

    /// Codes of 10 bits to codes of 8 bits, not rounded.
    pub fn codes(&self, [y, cb, cr]: [f64; 3]) -> [f64; 3] {
        let (luma, chroma) = match self.full_range {
            true => (y / 1023.0, 1023.0),
            false => ((y - 64.0) / 876.0, 896.0),
        };
        let (cb, cr) = ((cb - 512.0) / chroma, (cr - 512.0) / chroma);
        let (red, blue) = self.luma;
        let r = luma + 2.0 * (1.0 - red) * cr;
        let b = luma + 2.0 * (1.0 - blue) * cb;
        let g = (luma - red * r - blue * b) / (1.0 - red - blue);

        let light = apply(&self.primaries, self.light([r, g, b]));
        let brightest = light.into_iter().fold(1e-9, f64::max);
        let ratio = mobius(brightest.min(self.peak), self.peak) / brightest;
        let [r, g, b] = light.map(|c| self.signal.at((c * ratio).max(0.0).sqrt()));
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        [16.0 + 219.0 * y, 128.0 + 224.0 * (b - y) / 1.8556, 128.0 + 224.0 * (r - y) / 1.5748]
    }

    /// R'G'B' to light in units of diffuse white.
    fn light(&self, signal: [f64; 3]) -> [f64; 3] {
        let light = signal.map(|c| self.curve.at(c));
        if self.transfer != Transfer::Hlg {
            return light;
        }
        let luminance: f64 = light.iter().zip(self.luminance).map(|(c, share)| c * share).sum();
        let gain = self.gain.at(luminance.sqrt());
        light.map(|c| c * gain)
    }
}

/// The inverse OETF of HLG (ITU-R BT.2100, table 5). 0 to 1.
fn hlg_scene(signal: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 0.284_668_92;
    const C: f64 = 0.559_910_73;
    if signal <= 0.5 { signal * signal / 3.0 } else { (((signal - C) / A).exp() + B) / 12.0 }
}

/// The EOTF of PQ (ITU-R BT.2100, table 4), in nits.
fn pq_light(signal: f64) -> f64 {
    const M1: f64 = 2610.0 / 16384.0;
    const M2: f64 = 2523.0 / 32.0;
    const C1: f64 = 107.0 / 128.0;
    const C2: f64 = 2413.0 / 128.0;
    const C3: f64 = 2392.0 / 128.0;
    let root = signal.clamp(0.0, 1.0).powf(1.0 / M2);
    10_000.0 * ((root - C1).max(0.0) / (C2 - C3 * root)).powf(1.0 / M1)
}

/// Leaves light below the knee as it is and takes `peak` to 1.
fn mobius(light: f64, peak: f64) -> f64 {
    if light <= KNEE {
        return light;
    }
    let a = -KNEE * KNEE * (peak - 1.0) / (KNEE * KNEE - 2.0 * KNEE + peak);
    let b = (KNEE * KNEE - 2.0 * KNEE * peak + peak) / (peak - 1.0);
    (b * b + 2.0 * b * KNEE + KNEE * KNEE) / (b - a) * (light + a) / (light + b)
}

/// Linear RGB of these primaries, with the white D65, to CIE XYZ.
fn to_xyz(primaries: &str) -> Matrix {
    let xy = match primaries {
        "709" => [(0.640, 0.330), (0.300, 0.600), (0.150, 0.060)],
        "170m" => [(0.630, 0.340), (0.310, 0.595), (0.155, 0.070)],
        "bt470bg" => [(0.640, 0.330), (0.290, 0.600), (0.150, 0.060)],
        "smpte432" => [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)],
        _ => [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046)],
    };
    let column = |(x, y): (f64, f64)| [x / y, 1.0, (1.0 - x - y) / y];
    let [r, g, b] = xy.map(column);
    let unscaled = [0, 1, 2].map(|row| [r[row], g[row], b[row]]);
    let scale = apply(&inverse(&unscaled), column((0.3127, 0.3290)));
    unscaled.map(|row| [row[0] * scale[0], row[1] * scale[1], row[2] * scale[2]])
}

fn apply(m: &Matrix, v: [f64; 3]) -> [f64; 3] {
    m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    a.map(|row| [0, 1, 2].map(|column| (0..3).map(|i| row[i] * b[i][column]).sum()))
}

fn inverse(m: &Matrix) -> Matrix {
    let cofactor = |row: usize, column: usize| {
        let (r1, r2, c1, c2) = ((row + 1) % 3, (row + 2) % 3, (column + 1) % 3, (column + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * cofactor(0, column)).sum();
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| cofactor(column, row) / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hdr(transfer: Transfer, peak: Option<u32>) -> ToneMap {
        let (matrix, primaries) = ("2020_ncl".into(), "2020".into());
        ToneMap::new(&Colour { full_range: false, matrix, primaries, transfer, peak, assumed: false })
    }

    #[test]
    fn hlg_greys_become_the_luma_that_was_chosen() {
        let map = hdr(Transfer::Hlg, None);
        for (signal, luma) in [(0.0, 16.0), (0.38, 109.0), (0.75, 202.0), (1.0, 235.0)] {
            let [y, cb, cr] = map.codes([64.0 + 876.0 * signal, 512.0, 512.0]);
            assert!((y - luma).abs() < 0.6, "{signal}: {y}");
            assert!((cb - 128.0).abs() < 1e-6 && (cr - 128.0).abs() < 1e-6);
        }
    }

    #[test]
    fn the_peak_of_a_pq_clip_becomes_white() {
        // PQ codes of 1000 and 4000 nits (ITU-R BT.2100).
        let (thousand, four_thousand) = (0.751_827, 0.902_572);
        let luma = |peak, signal: f64| hdr(Transfer::Pq, peak).codes([64.0 + 876.0 * signal, 512.0, 512.0])[0];
        assert!((luma(None, thousand) - 235.0).abs() < 0.01);
        assert!((luma(Some(4000), four_thousand) - 235.0).abs() < 0.01);
        assert!(luma(Some(4000), thousand) < luma(None, thousand) - 4.0);
        assert_eq!(luma(Some(7), thousand), luma(None, thousand), "no display has a peak of 7 nits");
    }

    #[test]
    fn bt2020_primaries_are_those_of_its_published_matrix() {
        let published = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]];
        for (ours, theirs) in hdr(Transfer::Pq, None).primaries.iter().zip(published) {
            for (a, b) in ours.iter().zip(theirs) {
                assert!((a - b).abs() < 1e-4, "{ours:?}");
            }
        }
    }
}
