//! Caption styles: the embedded presets and a practice's own.

use crate::config::Style;
use crate::fault::Fault;
use crate::units::Size;

const PRESETS: [(&str, &str); 2] = [
    ("clear", include_str!("../../presets/styles/clear.toml")),
    ("spoken", include_str!("../../presets/styles/spoken.toml")),
];

/// The names of the embedded styles, the default first.
pub fn style_names() -> Vec<&'static str> {
    PRESETS.iter().map(|(name, _)| *name).collect()
}

/// The embedded style of that name.
///
/// # Errors
/// There is none of that name; the fault lists those there are.
pub fn style(id: &str) -> Result<Style, Fault> {
    match PRESETS.iter().find(|(name, _)| *name == id) {
        Some((_, text)) => style_from_toml(text),
        None => Err(Fault::new(
            format!("there is no caption style \"{id}\""),
            format!("choose one of: {}", style_names().join(", ")),
        )),
    }
}

/// A style from TOML in the form of `presets/styles/*.toml`, all fields given.
///
/// # Errors
/// The text is not TOML, a field is missing, unknown or out of range; the fault names it.
pub fn style_from_toml(text: &str) -> Result<Style, Fault> {
    let style: Style = toml::from_str(text).map_err(|e| {
        Fault::new(
            format!("the caption style cannot be read: {}", e.to_string().trim()),
            "correct that line of the file",
        )
    })?;
    let wrong = |field: &str, range: &str| {
        Err(Fault::new(format!("{field} of caption style \"{}\" is out of range", style.id), format!("use {range}")))
    };
    let (shortest, longest) = style.duration;
    let name_is_plain = |name: &String| !name.is_empty() && !name.contains([',', '{', '}', '\\', '\n', '\r']);
    if style.fonts.is_empty() || !style.fonts.iter().all(name_is_plain) {
        wrong("fonts", "at least one font family, by its plain name")
    } else if !(0.02..=0.2).contains(&style.line_height) {
        wrong("line_height", "0.02 to 0.2 of the shorter side")
    } else if !(0.0..=0.03).contains(&style.outline) {
        wrong("outline", "0 to 0.03 of the shorter side")
    } else if style.max_chars.0.min(style.max_chars.1) < 8 {
        wrong("max_chars", "8 characters or more")
    } else if !(1..=4).contains(&style.max_lines.0) || !(1..=4).contains(&style.max_lines.1) {
        wrong("max_lines", "1 to 4 lines")
    } else if !(style.aim_cps >= 5.0 && style.max_cps >= style.aim_cps && style.max_cps <= 100.0) {
        wrong("aim_cps or max_cps", "5 to 100 characters a second, max_cps not below aim_cps")
    } else if !(shortest > 0.0 && longest >= 2.0 * shortest && longest <= 60.0) {
        wrong("duration", "above 0 to 60 seconds, the longest at least twice the shortest")
    } else if !(0.0..=5.0).contains(&style.close_gap) {
        wrong("close_gap", "0 to 5 seconds")
    } else {
        Ok(style)
    }
}

/// Height of a caption line in whole pixels on a canvas: what libass takes as font size.
pub fn line_height(style: &Style, canvas: Size) -> f64 {
    share(style.line_height, canvas).round()
}

/// A share of the canvas' shorter side in pixels.
pub(super) fn share(share: f64, canvas: Size) -> f64 {
    share * f64::from(canvas.short_side())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_are_whole_and_only_spoken_colours_words() {
        assert_eq!(style_names(), ["clear", "spoken"]);
        for name in style_names() {
            let preset = style(name).unwrap();
            assert_eq!((preset.id.as_str(), preset.spoken_colour.is_some()), (name, name == "spoken"));
            assert!(super::super::contrast(preset.colour, preset.outline_colour) >= 4.5);
        }
        assert!(style("loud").unwrap_err().to_string().contains("clear, spoken"));
    }

    #[test]
    fn lines_are_as_high_as_the_bbc_asks() {
        for name in style_names() {
            let preset = style(name).unwrap();
            let share = |w, h| line_height(&preset, Size::new(w, h)) / f64::from(h);
            assert!((0.039..=0.045).contains(&share(1080, 1920)), "portrait {}", share(1080, 1920));
            assert!((0.07..=0.08).contains(&share(1920, 1080)), "landscape {}", share(1920, 1080));
            assert!((0.07..=0.08).contains(&share(1080, 1080)), "square {}", share(1080, 1080));
        }
    }

    #[test]
    fn a_wrong_field_is_named() {
        let good = PRESETS[0].1;
        for (from, to, named) in [
            ("line_height = 0.074", "line_height = 0.74", "line_height"),
            ("line_height = 0.074", "line_height = nan", "line_height"),
            ("\"Inter\"", "\"Inter,80\"", "fonts"),
            ("max_cps = 20.0", "max_cps = 10.0", "max_cps"),
            ("bold = true", "bald = true", "bald"),
        ] {
            assert!(good.contains(from));
            let fault = style_from_toml(&good.replace(from, to)).unwrap_err();
            assert!(fault.what().contains(named), "{fault}");
        }
    }
}
