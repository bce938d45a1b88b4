//! Every colour signalling against a float64 reference, and brand colours in what is drawn over the picture.
//!
//! The reference is written from the standards alone: ITU-R BT.601, BT.709 and BT.2020 for matrices, ranges and
//! primaries, BT.1886 for what a display makes of SDR codes, BT.2100 for HLG and PQ; and for HDR from the curve that
//! docs/encoding.md describes. It shares no code with the program.

use crate::common::{ffmpeg, ffprobe};
use crate::footage::{cut, filling, long, read};
use crate::page;
use housecall::cuts::Recipe;
use housecall::media::{Probe, Transfer};
use housecall::units::{Size, Span, Time};
use std::path::{Path, PathBuf};

type Rgb = [f64; 3];
type Matrix = [[f64; 3]; 3];

const GAMMA: f64 = 2.4;
/// Frames of every clip.
const FRAMES: usize = 10;
const SMALL: Size = Size { width: 192, height: 160 };
/// Patches on a row, and rows.
const GRID: (usize, usize) = (6, 5);
/// BT.709 R'G'B' of skin, from deep to fair.
const SKIN: [Rgb; 4] = [[0.35, 0.23, 0.18], [0.45, 0.32, 0.27], [0.76, 0.59, 0.51], [0.94, 0.76, 0.65]];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Curve {
    Sdr,
    Hlg,
    Pq,
}

/// What codes mean.
#[derive(Debug, Clone, Copy)]
struct Meaning {
    /// The shares of red and blue in luma.
    luma: (f64, f64),
    /// Chromaticities of red, green and blue.
    primaries: [(f64, f64); 3],
    full: bool,
    bits: u32,
    curve: Curve,
}

const BT709: Meaning = Meaning {
    luma: (0.2126, 0.0722),
    primaries: [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)],
    full: false,
    bits: 8,
    curve: Curve::Sdr,
};
const BT601_525: Meaning =
    Meaning { luma: (0.299, 0.114), primaries: [(0.63, 0.34), (0.31, 0.595), (0.155, 0.07)], ..BT709 };
const BT601_625: Meaning =
    Meaning { luma: (0.299, 0.114), primaries: [(0.64, 0.33), (0.29, 0.60), (0.15, 0.06)], ..BT709 };
const BT2020: Meaning =
    Meaning { luma: (0.2627, 0.0593), primaries: [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046)], bits: 10, ..BT709 };
const P3: Meaning = Meaning { primaries: [(0.68, 0.32), (0.265, 0.69), (0.15, 0.06)], ..BT709 };
const HLG: Meaning = Meaning { curve: Curve::Hlg, ..BT2020 };
const PQ: Meaning = Meaning { curve: Curve::Pq, ..BT2020 };

fn times(m: &Matrix, v: Rgb) -> Rgb {
    m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

/// Solves `m * x = v` by Cramer's rule.
fn solve(m: &Matrix, v: Rgb) -> Rgb {
    let determinant = |m: &Matrix| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    [0, 1, 2].map(|column| {
        let mut replaced = *m;
        (0..3).for_each(|row| replaced[row][column] = v[row]);
        determinant(&replaced) / determinant(m)
    })
}

impl Meaning {
    /// Linear RGB to XYZ, white D65.
    fn xyz(&self) -> Matrix {
        let stand = |(x, y): (f64, f64)| [x / y, 1.0, (1.0 - x - y) / y];
        let [r, g, b] = self.primaries.map(stand);
        let m = [0, 1, 2].map(|i| [r[i], g[i], b[i]]);
        let scale = solve(&m, stand((0.3127, 0.3290)));
        m.map(|row| [row[0] * scale[0], row[1] * scale[1], row[2] * scale[2]])
    }

    fn peak_code(&self) -> f64 {
        f64::from((1u32 << self.bits) - 1)
    }

    /// The scale and offset of luma, and those of chroma.
    fn scales(&self) -> [(f64, f64); 2] {
        let step = f64::from(1u32 << (self.bits - 8));
        match self.full {
            true => [(self.peak_code(), 0.0), (self.peak_code(), 128.0 * step)],
            false => [(219.0 * step, 16.0 * step), (224.0 * step, 128.0 * step)],
        }
    }

    fn codes(&self, [r, g, b]: Rgb) -> [f64; 3] {
        let (kr, kb) = self.luma;
        let y = kr * r + (1.0 - kr - kb) * g + kb * b;
        let [(luma, black), (chroma, middle)] = self.scales();
        [
            luma * y + black,
            chroma * (b - y) / (2.0 * (1.0 - kb)) + middle,
            chroma * (r - y) / (2.0 * (1.0 - kr)) + middle,
        ]
    }

    fn signal(&self, [y, cb, cr]: [f64; 3]) -> Rgb {
        let (kr, kb) = self.luma;
        let [(luma, black), (chroma, middle)] = self.scales();
        let (y, cb, cr) = ((y - black) / luma, (cb - middle) / chroma, (cr - middle) / chroma);
        let (r, b) = (y + 2.0 * (1.0 - kr) * cr, y + 2.0 * (1.0 - kb) * cb);
        [r, (y - kr * r - kb * b) / (1.0 - kr - kb), b]
    }

    /// R'G'B' to light: for SDR in shares of white, for HDR in units of 203 nits.
    fn light(&self, signal: Rgb) -> Rgb {
        match self.curve {
            Curve::Sdr => signal.map(|s| s.clamp(0.0, 1.0).powf(GAMMA)),
            Curve::Hlg => {
                let scene = signal.map(hlg_inverse_oetf);
                let luminance = times(&self.xyz(), scene)[1];
                scene.map(|e| 1000.0 / 203.0 * luminance.powf(0.2) * e)
            }
            Curve::Pq => signal.map(|s| pq_eotf(s) / 203.0),
        }
    }

    /// The way back, used to make the chart.
    fn of_light(&self, light: Rgb) -> Rgb {
        match self.curve {
            Curve::Sdr => light.map(|l| l.clamp(0.0, 1.0).powf(1.0 / GAMMA)),
            Curve::Hlg => {
                let display = light.map(|l| l.max(0.0) * 203.0 / 1000.0);
                let luminance = times(&self.xyz(), display)[1].max(1e-12);
                display.map(|d| hlg_oetf(d * luminance.powf(1.0 / 1.2 - 1.0)))
            }
            Curve::Pq => light.map(|l| pq_inverse_eotf(l.max(0.0) * 203.0)),
        }
    }
}

const HLG_A: f64 = 0.17883277;
const HLG_B: f64 = 1.0 - 4.0 * HLG_A;

fn hlg_c() -> f64 {
    0.5 - HLG_A * (4.0 * HLG_A).ln()
}

fn hlg_oetf(e: f64) -> f64 {
    if e <= 1.0 / 12.0 { (3.0 * e).sqrt() } else { HLG_A * (12.0 * e - HLG_B).ln() + hlg_c() }
}

fn hlg_inverse_oetf(s: f64) -> f64 {
    let s = s.max(0.0);
    if s <= 0.5 { s * s / 3.0 } else { (((s - hlg_c()) / HLG_A).exp() + HLG_B) / 12.0 }
}

const PQ_M: (f64, f64) = (0.1593017578125, 78.84375);
const PQ_C: (f64, f64, f64) = (0.8359375, 18.8515625, 18.6875);

fn pq_eotf(s: f64) -> f64 {
    let p = s.clamp(0.0, 1.0).powf(1.0 / PQ_M.1);
    10_000.0 * ((p - PQ_C.0).max(0.0) / (PQ_C.1 - PQ_C.2 * p)).powf(1.0 / PQ_M.0)
}

fn pq_inverse_eotf(nits: f64) -> f64 {
    let y = (nits / 10_000.0).powf(PQ_M.0);
    ((PQ_C.0 + PQ_C.1 * y) / (1.0 + PQ_C.2 * y)).powf(PQ_M.1)
}

/// What the codes of a track should be in a cut. `peak` is HDR's, in nits.
fn reference(of: &Meaning, codes: [f64; 3], peak: f64) -> [f64; 3] {
    let light = solve(&BT709.xyz(), times(&of.xyz(), of.light(of.signal(codes))));
    let shown = match of.curve {
        Curve::Sdr => light,
        _ => {
            let brightest = light.into_iter().fold(1e-9, f64::max);
            let (top, knee) = (peak / 203.0, 0.3);
            let x = brightest.min(top);
            let a = -knee * knee * (top - 1.0) / (knee * knee - 2.0 * knee + top);
            let b = (knee * knee - 2.0 * knee * top + top) / (top - 1.0);
            let bent = match x <= knee {
                true => x,
                false => (b * b + 2.0 * b * knee + knee * knee) / (b - a) * (x + a) / (x + b),
            };
            light.map(|l| l * bent / brightest)
        }
    };
    BT709.codes(shown.map(|l| l.clamp(0.0, 1.0).powf(1.0 / GAMMA)))
}

/// What a patch is for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Grey,
    Colour,
    Skin,
}

/// The chart as light of BT.709, 1 being white, so that every container can hold it and every cut show it.
fn chart(curve: Curve) -> Vec<(Kind, Rgb)> {
    let greys = (0..=10).map(|step| (Kind::Grey, [f64::from(step) / 10.0; 3]));
    let bit = |colour: u32, channel: u32| if colour >> channel & 1 == 1 { 0.75 } else { 0.0 };
    let colours = (1..7).map(|colour| (Kind::Colour, [bit(colour, 0), bit(colour, 1), bit(colour, 2)]));
    let linear = |(kind, signal): (Kind, Rgb)| (kind, signal.map(|s| s.powf(GAMMA)));
    let mut patches: Vec<_> = greys.chain(colours).chain(SKIN.map(|skin| (Kind::Skin, skin))).map(linear).collect();
    if curve != Curve::Sdr {
        // Lamps and windows, up to 1000 nits; and skin in the sun.
        patches.extend([1.5, 2.5, 4.0, 1000.0 / 203.0].map(|light| (Kind::Grey, [light; 3])));
        patches.extend(SKIN.map(|skin| (Kind::Skin, skin.map(|s| 2.0 * s.powf(GAMMA)))));
    }
    assert!(patches.len() <= GRID.0 * GRID.1);
    patches
}

/// The codes of the chart in a track, rounded as a camera must.
fn chart_codes(of: &Meaning) -> Vec<(Kind, Rgb, [f64; 3])> {
    let codes = |light: Rgb| {
        let own = solve(&of.xyz(), times(&BT709.xyz(), light));
        of.codes(of.of_light(own)).map(|code| code.round().clamp(0.0, of.peak_code()))
    };
    chart(of.curve).into_iter().map(|(kind, light)| (kind, light, codes(light))).collect()
}

/// The middle of a patch, and half of its smaller side.
fn patch(size: Size, number: usize) -> (usize, usize, usize) {
    let (width, height) = (size.width as usize / GRID.0, size.height as usize / GRID.1);
    ((number % GRID.0) * width + width / 2, (number / GRID.0) * height + height / 2, width.min(height) / 2)
}

/// How a clip is written.
struct Written<'a> {
    format: &'a str,
    size: Size,
    /// Encoder, tags and what else the ffmpeg command needs.
    options: &'a str,
}

/// A clip of the chart with exactly these codes.
fn clip(folder: &Path, name: &str, of: &Meaning, written: &Written) -> PathBuf {
    let Size { width, height } = written.size;
    let (sub_x, sub_y) = match written.format {
        f if f.contains("444") => (1, 1),
        f if f.contains("422") => (2, 1),
        _ => (2, 2),
    };
    let patches = chart_codes(of);
    let black = of.codes([0.0; 3]);
    let mut frame = Vec::new();
    for plane in 0..3 {
        let (sx, sy) = if plane == 0 { (1, 1) } else { (sub_x, sub_y) };
        for y in 0..height as usize / sy {
            for x in 0..width as usize / sx {
                let column = (x * sx / (width as usize / GRID.0)).min(GRID.0 - 1);
                let row = (y * sy / (height as usize / GRID.1)).min(GRID.1 - 1);
                let code = patches.get(row * GRID.0 + column).map_or(black, |p| p.2)[plane] as u16;
                match of.bits {
                    8 => frame.push(code as u8),
                    _ => frame.extend(code.to_le_bytes()),
                }
            }
        }
    }
    let (raw, file) = (folder.join(format!("{name}.yuv")), folder.join(name));
    std::fs::write(&raw, frame.repeat(FRAMES)).unwrap();
    let size = format!("{width}x{height}");
    let mut arguments =
        vec!["-f", "rawvideo", "-pix_fmt", written.format, "-s", &size, "-r", "30", "-i", raw.to_str().unwrap()];
    arguments.extend(written.options.split_whitespace());
    arguments.push(file.to_str().unwrap());
    ffmpeg(&arguments);
    file
}

/// A plan of the whole clip at its own size, encoded so well that what is measured is the colour.
fn faithful(found: &Probe) -> Recipe {
    let mut recipe = filling(found, found.video.displayed);
    (recipe.codec.crf, recipe.codec.max_rate) = (1.0, 100_000);
    recipe
}

/// The mean codes of every point's surroundings in the first picture of a cut.
fn measured(file: &Path, size: Size, points: impl Iterator<Item = (usize, usize, usize)>) -> Vec<[f64; 3]> {
    let raw = file.with_extension("yuv");
    ffmpeg(&[
        "-i",
        file.to_str().unwrap(),
        "-frames:v",
        "1",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "yuv420p",
        raw.to_str().unwrap(),
    ]);
    let bytes = std::fs::read(raw).unwrap();
    let (width, height) = (size.width as usize, size.height as usize);
    assert_eq!(bytes.len(), width * height * 3 / 2);
    let (luma, chroma) = bytes.split_at(width * height);
    let (cb, cr) = chroma.split_at(chroma.len() / 2);
    let mean = |plane: &[u8], stride: usize, (x, y): (usize, usize), reach: usize| {
        let rows = (y - reach..y + reach).flat_map(|y| &plane[y * stride + x - reach..y * stride + x + reach]);
        rows.map(|code| f64::from(*code)).sum::<f64>() / (4 * reach * reach) as f64
    };
    points
        .map(|(x, y, reach)| {
            let (half, near) = ((x / 2, y / 2), (reach / 4).max(1));
            [mean(luma, width, (x, y), 2 * near), mean(cb, width / 2, half, near), mean(cr, width / 2, half, near)]
        })
        .collect()
}

/// Mean and largest difference.
fn off(pairs: &[([f64; 3], [f64; 3])]) -> (f64, f64) {
    let all = pairs.iter().flat_map(|(got, wanted)| got.iter().zip(wanted).map(|(g, w)| (g - w).abs()));
    let (sum, largest) = all.fold((0.0, 0.0f64), |(sum, largest), off| (sum + off, largest.max(off)));
    (sum / (3 * pairs.len()) as f64, largest)
}

/// Sends a clip through the product and compares every patch with the reference.
fn check(case: &str, clip: &Path, of: &Meaning, peak: f64) {
    let found = read(clip);
    let made = cut(clip, &found, &[faithful(&found)], clip.parent().unwrap());
    let size = found.video.displayed;
    let chart = chart_codes(of);
    let got = measured(made[0].file(), size, (0..chart.len()).map(|i| patch(size, i)));
    let pairs: Vec<_> =
        got.iter().copied().zip(chart.iter().map(|(_, _, codes)| reference(of, *codes, peak))).collect();
    let (mean, largest) = off(&pairs);
    let said = format!("mean {mean:.2}, at most {largest:.2} codes off");
    println!("{case}: {said}");
    page::show("colour", case, clip, made[0].file(), 0.1, &said);
    let worst = || {
        pairs.iter().zip(&chart).map(|(pair, (_, light, _))| format!("{light:.3?}: {pair:.1?}\n")).collect::<String>()
    };
    match of.curve {
        Curve::Sdr => assert!(mean <= 2.0 && largest <= 6.0, "{case}: {said}\n{}", worst()),
        _ => assert!(largest <= 3.0, "{case}: {said}\n{}", worst()),
    }
    let hue = |[_, cb, cr]: [f64; 3]| (cr - 128.0).atan2(cb - 128.0).to_degrees();
    for ((got, _), (kind, light, _)) in pairs.iter().zip(&chart) {
        match kind {
            Kind::Grey => assert!((got[1] - 128.0).abs() <= 1.0 && (got[2] - 128.0).abs() <= 1.0, "{case}: {got:?}"),
            Kind::Skin => {
                let brightest = light.iter().copied().fold(1.0, f64::max);
                let wanted = BT709.codes(light.map(|l| (l / brightest).powf(1.0 / GAMMA)));
                assert!((hue(*got) - hue(wanted)).abs() <= 3.0, "{case}: skin {got:?} for {wanted:?}");
            }
            Kind::Colour => {}
        }
    }
}

const X264: &str = "-c:v libx264 -preset ultrafast -qp 0";
const X265: &str = "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params log-level=error:lossless=1";

#[test]
fn sdr_of_every_signalling_comes_out_in_its_colours() {
    let folder = tempfile::tempdir().unwrap();
    let tags = |matrix: &str, primaries: &str, curve: &str, range: &str| {
        format!("-colorspace {matrix} -color_primaries {primaries} -color_trc {curve} -color_range {range}")
    };
    let full = |of: Meaning| Meaning { full: true, ..of };
    let deep = |of: Meaning| Meaning { bits: 10, ..of };
    let (ntsc, pal, hd) = (
        tags("smpte170m", "smpte170m", "smpte170m", "tv"),
        tags("bt470bg", "bt470bg", "gamma28", "tv"),
        tags("bt709", "bt709", "bt709", "tv"),
    );
    let uhd = tags("bt2020nc", "bt2020", "bt2020-10", "tv");
    let p3 = tags("bt709", "smpte432", "bt709", "tv");
    let cases = [
        ("bt709 8 bit", BT709, "yuv420p", X264, hd.clone()),
        ("bt709 8 bit full range", full(BT709), "yuvj420p", X264, tags("bt709", "bt709", "bt709", "pc")),
        ("bt709 10 bit", deep(BT709), "yuv420p10le", X265, hd.clone()),
        ("bt709 10 bit full range", full(deep(BT709)), "yuv420p10le", X265, tags("bt709", "bt709", "bt709", "pc")),
        ("bt709 4:2:2", BT709, "yuv422p", X264, hd.clone()),
        ("bt709 4:4:4", BT709, "yuv444p", X264, hd),
        ("bt601 of 525 lines", BT601_525, "yuv420p", X264, ntsc),
        ("bt601 of 625 lines", BT601_625, "yuv420p", X264, pal),
        ("bt601 full range", full(BT601_625), "yuvj420p", X264, tags("bt470bg", "bt470bg", "smpte170m", "pc")),
        (
            "bt601 codes of bt709 primaries",
            Meaning { luma: BT601_525.luma, ..BT709 },
            "yuv420p",
            X264,
            tags("smpte170m", "bt709", "bt709", "tv"),
        ),
        ("bt2020 10 bit", BT2020, "yuv420p10le", X265, uhd.clone()),
        ("bt2020 8 bit", Meaning { bits: 8, ..BT2020 }, "yuv420p", X265, uhd),
        ("Display P3", P3, "yuv420p", X264, p3.clone()),
        ("Display P3 10 bit", deep(P3), "yuv420p10le", X265, p3),
    ];
    for (i, (case, of, format, encoder, tags)) in cases.into_iter().enumerate() {
        // No phone is known to record these.
        if !long() && matches!(format, "yuv422p" | "yuv444p") {
            continue;
        }
        let options = format!("{encoder} {tags}");
        let clip = clip(folder.path(), &format!("{i}.mp4"), &of, &Written { format, size: SMALL, options: &options });
        check(case, &clip, &of, 0.0);
    }
}

#[test]
fn untagged_pictures_are_taken_for_what_players_take_them_for() {
    let folder = tempfile::tempdir().unwrap();
    for (case, of, size) in
        [("untagged, small", BT601_525, SMALL), ("untagged, high definition", BT709, Size { width: 720, height: 1280 })]
    {
        let written = Written { format: "yuv420p", size, options: X264 };
        let clip = clip(folder.path(), &format!("{}.mp4", size.height), &of, &written);
        assert!(read(&clip).video.colour.assumed);
        check(case, &clip, &of, 0.0);
    }
}

const HDR: &str = "-colorspace bt2020nc -color_primaries bt2020 -color_range";

#[test]
fn hlg_follows_its_curve() {
    let folder = tempfile::tempdir().unwrap();
    for (i, (case, of, format, range)) in [
        ("HLG", HLG, "yuv420p10le", "tv"),
        ("HLG full range", Meaning { full: true, ..HLG }, "yuv420p10le", "pc"),
        ("HLG 4:2:2", HLG, "yuv422p10le", "tv"),
    ]
    .into_iter()
    .enumerate()
    {
        let options = format!("{X265} {HDR} {range} -color_trc arib-std-b67");
        let clip = clip(folder.path(), &format!("{i}.mov"), &of, &Written { format, size: SMALL, options: &options });
        assert_eq!(read(&clip).video.colour.transfer, Transfer::Hlg);
        check(case, &clip, &of, 1000.0);
    }
}

#[test]
fn pq_follows_its_curve_to_the_peak_that_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let display = |nits: u32| {
        let nits = nits * 10_000;
        format!(":hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L({nits},50)")
    };
    for (i, (case, said, peak)) in [
        ("PQ that says nothing", String::new(), 1000.0),
        ("PQ from a display of 4000 nits", display(4000), 4000.0),
        ("PQ with a brightest pixel of 1600 nits", display(4000) + ":max-cll=1600,300", 1600.0),
    ]
    .into_iter()
    .enumerate()
    {
        let options = format!("{X265}{said} {HDR} tv -color_trc smpte2084");
        let written = Written { format: "yuv420p10le", size: SMALL, options: &options };
        let clip = clip(folder.path(), &format!("{i}.mp4"), &PQ, &written);
        assert_eq!(read(&clip).video.colour.transfer, Transfer::Pq);
        check(case, &clip, &PQ, peak);
    }
}

/// Puts the box in which an iPhone signals Dolby Vision 8.4 into a file whose `moov` comes last: profile 8, level 4,
/// base layer and metadata, compatible with HLG.
fn signal_dolby_vision(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let mut at = 0;
    let mut end = 0;
    for name in ["moov", "trak", "mdia", "minf", "stbl", "stsd", "hvc1"] {
        let found = bytes[at..].windows(4).position(|w| w == name.as_bytes()).unwrap() + at;
        let size = u32::from_be_bytes(bytes[found - 4..found].try_into().unwrap());
        bytes[found - 4..found].copy_from_slice(&(size + 32).to_be_bytes());
        (at, end) = (found + 4, found - 4 + size as usize);
    }
    let mut dolby = vec![0; 32];
    dolby[..8].copy_from_slice(b"\0\0\0\x20dvvC");
    let (profile, level, metadata, base, compatible) = (8u8, 4u8, 1u8, 1u8, 4u8);
    dolby[8] = 1;
    dolby[10] = profile << 1 | level >> 5;
    dolby[11] = level << 3 | metadata << 2 | base;
    dolby[12] = compatible << 4;
    bytes.splice(end..end, dolby);
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn dolby_vision_of_an_iphone_is_taken_for_the_hlg_that_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let options = format!("{X265} {HDR} tv -color_trc arib-std-b67");
    let written = Written { format: "yuv420p10le", size: SMALL, options: &options };
    let clip = clip(folder.path(), "dolby.mov", &HLG, &written);
    signal_dolby_vision(&clip);
    let said = ffprobe(&["-show_streams", "-select_streams", "v"], &clip);
    assert!(said.contains("dv_profile=8") && said.contains("dv_bl_signal_compatibility_id=4"), "{said}");
    check("Dolby Vision 8.4", &clip, &HLG, 1000.0);
}

#[test]
fn brand_colours_are_drawn_as_they_are() {
    // Six of a practice's kind, and greys. What lies outside FFmpeg's own way of drawing is in another test.
    let colours: [[u8; 3]; 8] = [
        [0x1F, 0x6F, 0x5C],
        [0xF2, 0xC1, 0x4E],
        [0x1B, 0x3A, 0x6B],
        [0xC8, 0x55, 0x6E],
        [0x6B, 0x8E, 0xC4],
        [0x8A, 0x5A, 0x9E],
        [0xFF, 0xFF, 0xFF],
        [0x80, 0x80, 0x80],
    ];
    let folder = tempfile::tempdir().unwrap();
    let options = format!("{X264} -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv");
    let clip = clip(folder.path(), "plain.mp4", &BT709, &Written { format: "yuv420p", size: SMALL, options: &options });
    let found = read(&clip);
    let mut recipe = faithful(&found);
    let mut script = format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: {}\nPlayResY: {}\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, \
         PrimaryColour\n",
        SMALL.width, SMALL.height
    );
    // Every second one by its style, the others by an override.
    for (i, [r, g, b]) in colours.iter().enumerate() {
        script.push_str(&format!("Style: S{i},Inter,20,&H00{b:02X}{g:02X}{r:02X}\n"));
    }
    script.push_str("\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n");
    let places: Vec<_> = (0..colours.len()).map(|i| patch(SMALL, i)).collect();
    for (i, (&[r, g, b], &(x, y, reach))) in colours.iter().zip(&places).enumerate() {
        let (style, override_) = if i % 2 == 0 {
            (format!("S{i}"), String::new())
        } else {
            ("S6".into(), format!("\\1c&H{b:02X}{g:02X}{r:02X}&"))
        };
        let side = 2 * reach;
        script.push_str(&format!(
            "Dialogue: 0,0:00:00.00,0:00:09.00,{style},,0,0,0,,{{\\an7\\pos({},{}){override_}\\bord0\\shad0\\p1}}m 0 0 l {side} 0 {side} {side} 0 {side}\n",
            x - reach,
            y - reach
        ));
    }
    recipe.script = Some(script);
    recipe.kept = Span::new(Time::ZERO, Time::from_seconds(0.2)).into();
    let made = cut(&clip, &found, &[recipe], folder.path());
    let got = measured(made[0].file(), SMALL, places.into_iter());
    let wanted = colours.map(|colour| BT709.codes(colour.map(|byte| f64::from(byte) / 255.0)));
    let pairs: Vec<_> = got.into_iter().zip(wanted).collect();
    let (mean, largest) = off(&pairs);
    println!("brand colours: mean {mean:.2}, at most {largest:.2} codes off");
    assert!(largest <= 2.0, "{pairs:.1?}");
}
