//! Finished files measured by other programs than Housecall: ffprobe, ffmpeg, and a plain reader of bytes.

use super::{ffmpeg, ffprobe};
use serde_json::Value;
use std::path::Path;

/// What ffprobe says about a file's container and streams.
pub fn describe(file: &Path) -> Value {
    serde_json::from_str(&ffprobe(&["-show_streams", "-show_format", "-of", "json"], file)).unwrap()
}

/// The times at which a file's pictures are shown, in the stream's unit, in order.
pub fn picture_times(file: &Path) -> Vec<i64> {
    let text = ffprobe(&["-select_streams", "v:0", "-show_entries", "packet=pts", "-of", "csv=p=0"], file);
    let mut times: Vec<i64> = text.lines().map(|line| line.trim_end_matches(',').parse().unwrap()).collect();
    times.sort_unstable();
    times
}

/// Integrated loudness in LUFS and true peak in dBTP, by ffmpeg's own meter.
pub fn loudness(file: &Path) -> (f64, f64) {
    let text =
        ffmpeg(&["-nostats", "-i", file.to_str().unwrap(), "-vn", "-af", "ebur128=peak=true", "-f", "null", "-"]);
    let (_, summary) = text.rsplit_once("Summary:").unwrap();
    let number = |label: &str| -> f64 {
        let line = summary.lines().find_map(|line| line.trim().strip_prefix(label)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    (number("I:"), number("Peak:"))
}

/// The names of a file's outermost boxes, in order (ISO/IEC 14496-12, 4.2), and the whole of `moov`.
pub fn outer_boxes(bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
    let (mut names, mut index, mut at) = (Vec::new(), Vec::new(), 0);
    while at < bytes.len() {
        let small = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let size = match small {
            1 => u64::from_be_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize,
            size => size as usize,
        };
        assert!(size >= 8 && at + size <= bytes.len(), "a box does not fit at {at}");
        let name = String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned();
        if name == "moov" {
            index = bytes[at..at + size].to_vec();
        }
        names.push(name);
        at += size;
    }
    (names, index)
}

/// Whether `needle` stands anywhere in `bytes`.
pub fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// A decoded picture, three bytes a pixel.
pub struct Picture {
    width: u32,
    rgb: Vec<u8>,
}

/// A box of pixels; the last ones are outside of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Left and right.
    pub x: (u32, u32),
    /// Top and bottom.
    pub y: (u32, u32),
}

impl Area {
    /// In pixels.
    pub fn width(self) -> u32 {
        self.x.1 - self.x.0
    }

    /// Whether `inner` leaves this box by no more than `tolerance` pixels.
    pub fn holds(self, inner: Area, tolerance: u32) -> bool {
        inner.x.0 + tolerance >= self.x.0
            && inner.x.1 <= self.x.1 + tolerance
            && inner.y.0 + tolerance >= self.y.0
            && inner.y.1 <= self.y.1 + tolerance
    }
}

impl Picture {
    /// The picture that is shown at `seconds`, or a still image.
    pub fn of(file: &Path, seconds: Option<f64>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let raw = folder.path().join("picture.rgb");
        let seek = seconds.map(|s| format!("{s:.3}"));
        let seek: Vec<&str> = seek.iter().flat_map(|s| ["-ss", s]).collect();
        let rest = [
            "-i",
            file.to_str().unwrap(),
            "-frames:v",
            "1",
            "-pix_fmt",
            "rgb24",
            "-f",
            "rawvideo",
            raw.to_str().unwrap(),
        ];
        ffmpeg(&[&seek, &rest[..]].concat());
        let size = &describe(file)["streams"][0];
        let width = size["width"].as_u64().unwrap() as u32;
        let rgb = std::fs::read(raw).unwrap();
        assert_eq!(rgb.len() as u64, u64::from(width) * size["height"].as_u64().unwrap() * 3);
        Picture { width, rgb }
    }

    /// The boxes of what differs from another picture of the same size, from top to bottom: one for each run of rows
    /// that is parted from the next by at least `gap` equal ones. A pixel differs when a channel is more than
    /// `threshold` apart; rows with fewer than three such pixels count as equal, since encoding leaves specks.
    pub fn differences(&self, other: &Picture, threshold: u8, gap: u32) -> Vec<Area> {
        assert_eq!((self.width, self.rgb.len()), (other.width, other.rgb.len()));
        let row_bytes = self.width as usize * 3;
        let mut areas: Vec<Area> = Vec::new();
        for (y, (ours, theirs)) in self.rgb.chunks(row_bytes).zip(other.rgb.chunks(row_bytes)).enumerate() {
            let differs = |x: &usize| (0..3).any(|c| ours[x * 3 + c].abs_diff(theirs[x * 3 + c]) > threshold);
            let found: Vec<usize> = (0..self.width as usize).filter(differs).collect();
            let [first, .., last] = found[..] else { continue };
            if found.len() < 3 {
                continue;
            }
            let (x, y) = ((first as u32, last as u32 + 1), y as u32);
            match areas.last_mut().filter(|area| y < area.y.1 + gap) {
                Some(area) => *area = Area { x: (area.x.0.min(x.0), area.x.1.max(x.1)), y: (area.y.0, y + 1) },
                None => areas.push(Area { x, y: (y, y + 1) }),
            }
        }
        areas
    }
}
