//! Colours that can be read on each other (WCAG 2.1, relative luminance and contrast ratio).

use crate::units::Rgb;

/// Black, as drawn on light colours.
pub(super) const BLACK: Rgb = Rgb(0x10, 0x10, 0x10);
/// White, as drawn on dark colours.
pub(super) const WHITE: Rgb = Rgb(0xFF, 0xFF, 0xFF);

/// Contrast ratio of two opaque colours, 1.0 (the same) to 21.0 (black on white).
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// White where it can be read on `background`, else near-black; the better of the two in any case. White is preferred
/// because brand colours of middle brightness look calmer under it. 4.5 is WCAG's bound for text of any size.
pub fn readable_on(background: Rgb) -> Rgb {
    if contrast(WHITE, background) >= 4.5 {
        WHITE
    } else if contrast(BLACK, background) >= 4.5 {
        BLACK
    } else {
        Rgb(0, 0, 0)
    }
}

fn luminance(Rgb(r, g, b): Rgb) -> f64 {
    let linear = |byte: u8| {
        let c = f64::from(byte) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_background_gets_readable_text() {
        assert!((contrast(Rgb(0, 0, 0), WHITE) - 21.0).abs() < 1e-9);
        for r in (0..=255).step_by(15) {
            for g in (0..=255).step_by(5) {
                for b in (0..=255).step_by(15) {
                    let background = Rgb(r, g as u8, b);
                    assert!(contrast(readable_on(background), background) >= 4.5, "{background:?}");
                }
            }
        }
    }
}
