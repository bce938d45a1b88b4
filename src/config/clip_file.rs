//! `<clip>.toml` beside a clip: what is different for this one clip.

use super::resolved::{Anchor, ClipSettings, Crop, Framing};
use super::typed::{Line, Number, Typed};
use crate::fault::Fault;
use crate::plain_file::{self, Links};
use crate::units::Time;
use serde::Deserialize;
use std::path::Path;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClipFile {
    framing: Option<Framing>,
    anchor: Option<Spanned<[f64; 2]>>,
    trim: Option<bool>,
    /// Clip seconds.
    start: Option<Number<0, 86_400_000>>,
    /// Clip seconds.
    end: Option<Spanned<Number<0, 86_400_000>>>,
    follow: Option<bool>,
    crop: Option<Spanned<[f64; 4]>>,
    #[serde(default)]
    patient_visible: bool,
    #[serde(default)]
    consent: Line,
}

/// Smallest side of a crop: less would be a smear on any canvas.
const LEAST_CROP: f64 = 0.05;

/// Reads a clip's own settings; a file that is not there sets nothing.
///
/// # Errors
/// The file cannot be read, or holds what it may not; the fault names the line.
pub fn clip_settings(file: &Path) -> Result<ClipSettings, Fault> {
    match plain_file::text(file, plain_file::MOST_SETTINGS, Links::Refused) {
        Ok(text) => clip_settings_of(file, &text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(ClipSettings::default()),
        Err(e) => Err(Fault::new(format!("{} cannot be read ({e})", file.display()), "save it again as plain text")),
    }
}

/// As [`clip_settings`], of a text that was read already; `file` says where it lies.
///
/// # Errors
/// The text holds what it may not; the fault names the line.
pub fn clip_settings_of(file: &Path, text: &str) -> Result<ClipSettings, Fault> {
    let typed = Typed { file, text };
    let ClipFile { framing, anchor, trim, start, end, follow, crop, patient_visible, consent } = typed.parse()?;
    let anchor = anchor.map(|point| {
        let [x, y] = *point.get_ref();
        let inside = (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y);
        let what = "an anchor is two numbers from 0.0 to 1.0, across and down";
        if inside { Ok(Anchor { x, y }) } else { Err(typed.fault(Some(point.span()), what)) }
    });
    let start = start.map(|seconds| Time::from_seconds(seconds.0));
    let end = end.map(|seconds| (Time::from_seconds(seconds.get_ref().0), seconds.span()));
    if let Some((end, place)) = &end
        && *end <= start.unwrap_or(Time::ZERO)
    {
        return Err(
            typed.fault(Some(place.clone()), "the end has to come after the start; both are seconds of the clip")
        );
    }
    let end = end.map(|(end, _)| end);
    let crop = crop.map(|part| {
        let [x, y, width, height] = *part.get_ref();
        // Shares such as 0.7 and 0.3 add up to a hair more than one.
        let inside = |from: f64, length: f64| from >= 0.0 && length >= LEAST_CROP && from + length <= 1.0 + 1e-9;
        let what = "a crop is four shares of the picture from 0.0 to 1.0: left, top, width and height, and lies inside";
        match inside(x, width) && inside(y, height) {
            true => Ok(Crop { x, y, width, height }),
            false => Err(typed.fault(Some(part.span()), what)),
        }
    });
    let (anchor, crop, consent) = (anchor.transpose()?, crop.transpose()?, consent.0);
    Ok(ClipSettings { framing, anchor, trim, start, end, follow, crop, patient_visible, consent })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_clips_own_settings_are_read_and_mistakes_named_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("razor-bumps.toml");
        assert_eq!(clip_settings(&file).unwrap(), ClipSettings::default());
        let text = "framing = \"fit\"\nanchor = [0.25, 1.0]\ntrim = false\nstart = 1.5\nend = 42\nfollow = false\n\
                    crop = [0.3, 0, 0.7, 1]\npatient_visible = true\nconsent = \"file 17\"\n";
        std::fs::write(&file, text).unwrap();
        let wanted = ClipSettings {
            framing: Some(Framing::Fit),
            anchor: Some(Anchor { x: 0.25, y: 1.0 }),
            trim: Some(false),
            start: Some(Time::from_seconds(1.5)),
            end: Some(Time::from_seconds(42.0)),
            follow: Some(false),
            crop: Some(Crop { x: 0.3, y: 0.0, width: 0.7, height: 1.0 }),
            patient_visible: true,
            consent: Some("file 17".into()),
        };
        assert_eq!(clip_settings(&file).unwrap(), wanted);
        for (wrong, line) in [
            ("framing = \"fit\"\nanchor = [2, 0]", "line 2"),
            ("ankor = [0, 0]", "line 1"),
            ("start = 5\nend = 4.5", "line 2"),
            ("end = 0", "line 1"),
            ("trim = true\nstart = -1", "line 2"),
            ("crop = [0.5, 0, 0.6, 1]", "line 1"),
            ("\ncrop = [0, 0, 0.01, 1]", "line 2"),
            ("crop = [nan, 0, 1, 1]", "line 1"),
        ] {
            std::fs::write(&file, wrong).unwrap();
            let fault = clip_settings(&file).unwrap_err();
            assert!(fault.what().contains(line), "{fault}");
        }
    }
}
