//! `<clip>.toml` beside a clip, and beside its transcript: what is different for this one clip.

use super::choices::PostChoice;
use super::practice_file::find;
use super::resolved::{Anchor, ClipSettings, Crop, Framing, Platform};
use super::typed::{Line, Number, Passage, Typed};
use crate::fault::Fault;
use crate::plain_file::{self, Links};
use crate::units::Time;
use serde::Deserialize;
use std::collections::BTreeMap;
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
    question: Option<Spanned<Line>>,
    hook: Option<Spanned<Line>>,
    /// Clip seconds.
    cover: Option<Number<0, 86_400_000>>,
    #[serde(default)]
    posts: BTreeMap<Spanned<String>, PostTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PostTable {
    title: Option<Line>,
    text: Option<Passage>,
}

/// Smallest side of a crop: less would be a smear on any canvas.
const LEAST_CROP: f64 = 0.05;
/// Longest question, in characters: what is longer is no question, and no box holds it.
pub(super) const MOST_QUESTION: usize = 500;
/// Latest moment that a clip may have, in seconds.
pub(super) const LONGEST_MOMENT: f64 = 86_400.0;
pub(super) const ANCHOR: &str = "an anchor is two numbers from 0.0 to 1.0, across and down";
pub(super) const BACKWARDS: &str = "the end has to come after the start; both are seconds of the clip";

/// Reads a clip's own settings; a file that is not there sets nothing. `known` are the platforms that posts may be for.
///
/// # Errors
/// The file cannot be read, or holds what it may not; the fault names the line.
pub fn clip_settings(file: &Path, known: &[Platform]) -> Result<ClipSettings, Fault> {
    match plain_file::text(file, plain_file::MOST_SETTINGS, Links::Refused) {
        Ok(text) => clip_settings_of(file, &text, known),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(ClipSettings::default()),
        Err(e) => Err(Fault::new(format!("{} cannot be read ({e})", file.display()), "save it again as plain text")),
    }
}

/// As [`clip_settings`], of a text that was read already; `file` says where it lies.
///
/// # Errors
/// The text holds what it may not; the fault names the line.
pub fn clip_settings_of(file: &Path, text: &str, known: &[Platform]) -> Result<ClipSettings, Fault> {
    let typed = Typed::of(file, text);
    let ClipFile {
        framing,
        anchor,
        trim,
        start,
        end,
        follow,
        crop,
        patient_visible,
        consent,
        question,
        hook,
        cover,
        posts,
    } = typed.parse()?;
    let anchor = anchor.map(|point| {
        let [x, y] = *point.get_ref();
        let anchor = Anchor { x, y };
        if anchor.is_inside() { Ok(anchor) } else { Err(typed.fault(Some(point.span()), ANCHOR)) }
    });
    let start = start.map(|seconds| Time::from_seconds(seconds.0));
    let end = end.map(|seconds| (Time::from_seconds(seconds.get_ref().0), seconds.span()));
    if let Some((end, place)) = &end
        && *end <= start.unwrap_or(Time::ZERO)
    {
        return Err(typed.fault(Some(place.clone()), BACKWARDS));
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
    // An empty line means something here: no question, no hook.
    let short = |line: Option<Spanned<Line>>| {
        let checked = line.map(|line| {
            let (span, text) = (line.span(), line.into_inner().0.unwrap_or_default());
            let what = format!("a line of at most {MOST_QUESTION} characters is allowed");
            if text.chars().count() <= MOST_QUESTION { Ok(text) } else { Err(typed.fault(Some(span), &what)) }
        });
        checked.transpose()
    };
    Ok(ClipSettings {
        framing,
        anchor,
        trim,
        start,
        end,
        follow,
        crop,
        patient_visible,
        consent,
        question: short(question)?,
        hook: short(hook)?,
        cover: cover.map(|seconds| Time::from_seconds(seconds.0)),
        posts: chosen_posts(&typed, posts, known)?,
    })
}

/// A text for a platform that there is none of would be left out without a word, so it is a mistake like any other.
fn chosen_posts(
    typed: &Typed,
    posts: BTreeMap<Spanned<String>, PostTable>,
    known: &[Platform],
) -> Result<BTreeMap<String, PostChoice>, Fault> {
    let mut chosen = BTreeMap::new();
    for (id, PostTable { title, text }) in posts {
        find(known, id.get_ref()).map_err(|what| typed.fault(Some(id.span()), &what))?;
        let title = title.map(|line| line.0.unwrap_or_default());
        let post = PostChoice { title, text: text.map(|text| text.0) };
        if !post.is_empty() {
            chosen.insert(id.into_inner(), post);
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::platforms_with;

    fn clip_settings(file: &Path) -> Result<ClipSettings, Fault> {
        super::clip_settings(file, &platforms_with(None).unwrap())
    }

    #[test]
    fn a_clips_own_settings_are_read_and_mistakes_named_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("razor-bumps.toml");
        assert_eq!(clip_settings(&file).unwrap(), ClipSettings::default());
        let text = "framing = \"fit\"\nanchor = [0.25, 1.0]\ntrim = false\nstart = 1.5\nend = 42\nfollow = false\n\
                    crop = [0.3, 0, 0.7, 1]\npatient_visible = true\nconsent = \"file 17\"\n\
                    question = \" Does it hurt? \"\nhook = \"\"\ncover = 2.5\n[posts.x]\ntext = \"\"\"\nYes.\r\n\nAsk us.\n\"\"\"\n";
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
            question: Some("Does it hurt?".into()),
            hook: Some(String::new()),
            cover: Some(Time::from_seconds(2.5)),
            posts: [("x".to_string(), PostChoice { title: None, text: Some("Yes.\n\nAsk us.".into()) })].into(),
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
            ("\nquestion = \"a\\nb\"", "line 2"),
            ("cover = -1", "line 1"),
            ("[posts.x]\ntext = \"a\"\n[posts.tiktak]\ntext = \"b\"", "line 3"),
            ("[posts.x]\ntxt = \"a\"", "line 2"),
            ("[posts.x]\ntext = \"a\\u0000b\"", "line 2"),
            (&format!("trim = true\nhook = \"{}\"", "w".repeat(501)), "line 2"),
        ] {
            std::fs::write(&file, wrong).unwrap();
            let fault = clip_settings(&file).unwrap_err();
            assert!(fault.what().contains(line), "{fault}");
        }
    }
}
