//! The constant frame rate of the cuts. Pure.

use crate::units::Rate;

/// The rates that every player and platform knows.
const WHOLE: [Rate; 6] =
    [Rate::new(24, 1), Rate::new(25, 1), Rate::new(30, 1), Rate::new(48, 1), Rate::new(50, 1), Rate::new(60, 1)];

/// NTSC's rates, a thousandth below whole ones.
const NTSC: [Rate; 3] = [Rate::new(24_000, 1001), Rate::new(30_000, 1001), Rate::new(60_000, 1001)];

/// How far a measured mean may be from a standard rate to mean that rate: a phone that promises 30 delivers 29.6.
const TOLERANCE: f64 = 0.015;

/// How far it may be from one of NTSC's, which are only 0.1% from a whole one.
const NTSC_TOLERANCE: f64 = 0.000_3;

/// Below this share of the slowest rate allowed, 30 is the better multiple: 15 doubles to it.
const SLOW: f64 = 0.9;

/// The rate of a clip's cuts, within `allowed` (slowest and fastest, in whole frames a second, which include 30).
///
/// Means near a standard rate become that rate, and uneven ones (`constant` false) the nearest. Faster than allowed:
/// every second, third, ... frame is kept, so that motion stays even. Slower than allowed: 30.
pub fn output_rate(recorded: Rate, constant: bool, allowed: (u32, u32)) -> Rate {
    // NTSC's rates count as the whole ones that they are called: 23.976 is "24".
    let fits = |rate: &Rate| (f64::from(allowed.0) * 0.999..=f64::from(allowed.1)).contains(&rate.fps());
    let most = f64::from(allowed.1) * (1.0 + TOLERANCE);
    let every = (recorded.fps() / most).ceil().max(1.0) as u32;
    let thinned = Rate::new(recorded.num, recorded.den.saturating_mul(every));
    let fps = thinned.fps();
    let off = |rate: &Rate| (rate.fps() / fps - 1.0).abs();
    if let Some(rate) = NTSC.into_iter().find(|rate| off(rate) < NTSC_TOLERANCE && fits(rate)) {
        return rate;
    }
    let nearest = WHOLE.into_iter().filter(fits).min_by(|a, b| off(a).total_cmp(&off(b)));
    let slow = fps < f64::from(allowed.0) * SLOW;
    match nearest {
        Some(rate) if off(&rate) <= TOLERANCE => rate,
        _ if slow => Rate::new(30, 1),
        Some(rate) if !constant || !fits(&thinned) => rate,
        _ => thinned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rates_become_what_was_meant() {
        for (recorded, constant, wanted) in [
            (Rate::new(30_000, 1001), true, Rate::new(30_000, 1001)),
            (Rate::new(2997, 100), true, Rate::new(30_000, 1001)),
            (Rate::new(30, 1), true, Rate::new(30, 1)),
            (Rate::new(294, 10), false, Rate::new(30, 1)),
            (Rate::new(29_874, 1000), false, Rate::new(30, 1)),
            (Rate::new(265, 10), false, Rate::new(25, 1)),
            (Rate::new(235, 10), true, Rate::new(24, 1)),
            (Rate::new(28, 1), true, Rate::new(28, 1)),
            (Rate::new(24_000, 1001), true, Rate::new(24_000, 1001)),
            (Rate::new(240, 1), true, Rate::new(60, 1)),
            (Rate::new(120_000, 1001), true, Rate::new(60_000, 1001)),
            (Rate::new(1197, 10), false, Rate::new(60, 1)),
            (Rate::new(605, 10), false, Rate::new(60, 1)),
            (Rate::new(100, 1), true, Rate::new(50, 1)),
            (Rate::new(15, 1), true, Rate::new(30, 1)),
            (Rate::new(20, 1), false, Rate::new(30, 1)),
            (Rate::new(1, 1), false, Rate::new(30, 1)),
        ] {
            assert_eq!(output_rate(recorded, constant, (24, 60)), wanted, "{recorded:?}");
        }
        assert_eq!(output_rate(Rate::new(60, 1), true, (24, 30)), Rate::new(30, 1));
        assert_eq!(output_rate(Rate::new(50, 1), true, (24, 30)), Rate::new(25, 1));
    }

    proptest! {
        #[test]
        fn every_clip_gets_a_rate_that_the_platform_takes(
            num in 1u32..1_000_000,
            den in 1u32..2000,
            constant: bool,
            allowed in (1u32..=30, 30u32..=120),
        ) {
            let rate = output_rate(Rate::new(num, den), constant, allowed);
            let fps = rate.fps();
            prop_assert!(f64::from(allowed.0) * 0.999 <= fps && fps <= f64::from(allowed.1), "{rate:?}, {allowed:?}");
        }
    }
}
