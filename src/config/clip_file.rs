//! `<clip>.toml` beside a clip: what is different for this one clip.

use super::resolved::{Anchor, ClipSettings, Framing};
use super::typed::Typed;
use crate::fault::Fault;
use serde::Deserialize;
use std::path::Path;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClipFile {
    framing: Option<Framing>,
    anchor: Option<Spanned<[f64; 2]>>,
}

/// Reads a clip's own settings; a file that is not there sets nothing.
///
/// # Errors
/// The file cannot be read, or holds what it may not; the fault names the line.
pub fn clip_settings(file: &Path) -> Result<ClipSettings, Fault> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(ClipSettings::default()),
        Err(e) => {
            return Err(Fault::new(format!("{} cannot be read ({e})", file.display()), "save it again as plain text"));
        }
    };
    let typed = Typed { file, text: &text };
    let ClipFile { framing, anchor } = typed.parse()?;
    let anchor = anchor.map(|point| {
        let [x, y] = *point.get_ref();
        let inside = (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y);
        let what = "an anchor is two numbers from 0.0 to 1.0, across and down";
        if inside { Ok(Anchor { x, y }) } else { Err(typed.fault(Some(point.span()), what)) }
    });
    Ok(ClipSettings { framing, anchor: anchor.transpose()? })
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
        std::fs::write(&file, "framing = \"fit\"\nanchor = [0.25, 1.0]\n").unwrap();
        let wanted = ClipSettings { framing: Some(Framing::Fit), anchor: Some(Anchor { x: 0.25, y: 1.0 }) };
        assert_eq!(clip_settings(&file).unwrap(), wanted);
        for (wrong, line) in [("framing = \"fit\"\nanchor = [2, 0]", "line 2"), ("ankor = [0, 0]", "line 1")] {
            std::fs::write(&file, wrong).unwrap();
            let fault = clip_settings(&file).unwrap_err();
            assert!(fault.what().contains(line), "{fault}");
        }
    }
}
