//! Time and plane: integer ticks and pixels, so that plans compare and hash exactly.
//!
//! Seconds as `f64` appear only where a person reads or writes them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

/// A moment or a duration in microseconds. Moments count from the clip's first picture, or from the cut's start where
/// the field says so. May be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// The start.
    pub const ZERO: Time = Time(0);

    /// From seconds, rounded to the microsecond.
    pub fn from_seconds(seconds: f64) -> Self {
        Time((seconds * 1e6).round() as i64)
    }

    /// From whole milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Time(millis * 1000)
    }

    /// As seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// As milliseconds, rounded down.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment that `count` samples at `rate` per second take, rounded to the microsecond.
    pub fn of_samples(count: u64, rate: u32) -> Self {
        Time((count as i128 * 1_000_000 / i128::from(rate)) as i64)
    }

    /// How many samples at `rate` per second fit before this moment (0 when negative).
    pub fn samples(self, rate: u32) -> usize {
        (self.0.max(0) as i128 * i128::from(rate) / 1_000_000) as usize
    }
}

impl Add for Time {
    type Output = Time;
    fn add(self, other: Time) -> Time {
        Time(self.0 + other.0)
    }
}

impl Sub for Time {
    type Output = Time;
    fn sub(self, other: Time) -> Time {
        Time(self.0 - other.0)
    }
}

impl fmt::Display for Time {
    /// `0:07.250`, as a person reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let ms = self.0.abs() / 1000;
        write!(f, "{sign}{}:{:02}.{:03}", ms / 60_000, ms / 1000 % 60, ms % 1000)
    }
}

/// From `start` (included) to `end` (not included).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Span {
    /// First moment inside.
    pub start: Time,
    /// First moment after.
    pub end: Time,
}

impl Span {
    /// From `start` to `end`; an end before the start gives an empty span at `start`.
    pub fn new(start: Time, end: Time) -> Self {
        Span { start, end: end.max(start) }
    }

    /// How long it is.
    pub fn duration(self) -> Time {
        self.end - self.start
    }

    /// Whether the moment lies inside.
    pub fn contains(self, moment: Time) -> bool {
        self.start <= moment && moment < self.end
    }

    /// Whether the two share more than a border.
    pub fn overlaps(self, other: Span) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether at least half of the span lies in the other; for one without length, whether it lies there.
    pub fn is_mostly_in(self, other: Span) -> bool {
        let shared = self.end.min(other.end) - self.start.max(other.start);
        shared >= Time::ZERO && shared.0 * 2 >= self.duration().0
    }

    /// The same span with `offset` added to both ends.
    pub fn shifted(self, offset: Time) -> Self {
        Span { start: self.start + offset, end: self.end + offset }
    }
}

/// Frames per second as a fraction, both parts above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rate {
    /// Frames ...
    pub num: u32,
    /// ... in this many seconds.
    pub den: u32,
}

impl Rate {
    /// `num / den` frames per second.
    pub const fn new(num: u32, den: u32) -> Self {
        Rate { num, den }
    }

    /// As frames per second.
    pub fn fps(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// When frame `index` starts, rounded to the microsecond.
    pub fn time_of(self, index: i64) -> Time {
        let (num, den) = (i128::from(self.num), i128::from(self.den));
        Time(((i128::from(index) * den * 1_000_000 + num / 2).div_euclid(num)) as i64)
    }

    /// How many frames a duration holds, rounded to the nearest.
    pub fn frames_in(self, duration: Time) -> i64 {
        let (num, den) = (i128::from(self.num), i128::from(self.den));
        ((i128::from(duration.0) * num + den * 500_000).div_euclid(den * 1_000_000)) as i64
    }

    /// How long one frame is.
    pub fn frame(self) -> Time {
        self.time_of(1)
    }
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// `width` by `height` pixels.
    pub const fn new(width: u32, height: u32) -> Self {
        Size { width, height }
    }

    /// Width over height; 1.0 is square, below is portrait.
    pub fn aspect(self) -> f64 {
        f64::from(self.width) / f64::from(self.height)
    }

    /// The shorter side in pixels.
    pub fn short_side(self) -> u32 {
        self.width.min(self.height)
    }

    /// Whether it is taller than wide.
    pub fn is_portrait(self) -> bool {
        self.height > self.width
    }

    /// The whole area as a rectangle at the origin.
    pub fn rect(self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A rectangle in pixels, origin at the top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Rect {
    /// A rectangle from its top left corner and its size.
    pub const fn new(x: u32, y: u32, width: u32, height: u32) -> Self {
        Rect { x, y, width, height }
    }

    /// First column to the right of it.
    pub fn right(self) -> u32 {
        self.x + self.width
    }

    /// First row below it.
    pub fn bottom(self) -> u32 {
        self.y + self.height
    }

    /// Width and height.
    pub fn size(self) -> Size {
        Size::new(self.width, self.height)
    }

    /// Whether `inner` lies wholly inside.
    pub fn holds(self, inner: Rect) -> bool {
        inner.x >= self.x && inner.y >= self.y && inner.right() <= self.right() && inner.bottom() <= self.bottom()
    }

    /// Whether the two share a pixel.
    pub fn meets(self, other: Rect) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }
}

/// An opaque sRGB colour, written `#RRGGBB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rgb(pub u8, pub u8, pub u8);

impl TryFrom<String> for Rgb {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let hex = text.strip_prefix('#').filter(|h| h.len() == 6 && h.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = |h: &str, at: usize| u8::from_str_radix(&h[at..at + 2], 16).unwrap_or(0);
        match hex {
            Some(h) => Ok(Rgb(byte(h, 0), byte(h, 2), byte(h, 4))),
            None => Err(format!("\"{text}\" is not a colour; write it as \"#1F6F5C\"")),
        }
    }
}

impl From<Rgb> for String {
    fn from(Rgb(r, g, b): Rgb) -> String {
        format!("#{r:02X}{g:02X}{b:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_times_do_not_drift() {
        let ntsc = Rate::new(30_000, 1001);
        assert_eq!(ntsc.time_of(30_000), Time::from_seconds(1001.0));
        for n in [0, 1, 29, 1_799, 53_946] {
            assert_eq!(ntsc.frames_in(ntsc.time_of(n)), n);
        }
    }

    #[test]
    fn colours_are_six_hex_digits() {
        assert_eq!(Rgb::try_from("#1f6F5C".to_string()), Ok(Rgb(0x1f, 0x6f, 0x5c)));
        for bad in ["1F6F5C", "#1F6F5", "#1F6F5é", "green"] {
            assert!(Rgb::try_from(bad.to_string()).is_err(), "{bad}");
        }
    }
}
