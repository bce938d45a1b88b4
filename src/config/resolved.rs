//! Configuration as later stages see it: complete, checked, with every default filled in.

use super::choices::PostChoice;
use crate::units::{Rect, Rgb, Size, Time};
use crate::wording::Glossary;
use crate::wording::checks::Switches;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// One practice, from practice.toml.
#[derive(Debug, Clone, PartialEq)]
pub struct Practice {
    /// The file it was read from.
    pub file: PathBuf,
    /// `Alder Lane Clinic`.
    pub name: String,
    /// `@alderlane`.
    pub handle: Option<String>,
    /// As it should be printed.
    pub phone: Option<String>,
    /// Web address as it should be printed.
    pub site: Option<String>,
    /// `Book a visit`.
    pub call_to_action: Option<String>,
    /// `General information, not medical advice.`
    pub disclaimer: Option<String>,
    /// Each with its `#`.
    pub hashtags: Vec<String>,
    /// PNG with alpha; the path is resolved against practice.toml's folder and the file exists.
    pub logo: Option<PathBuf>,
    /// Brand colour, used behind the hook and the end card.
    pub colour: Rgb,
    /// What stands in the corner all the time; none when turned off.
    pub watermark: Option<Watermark>,
    /// How captions look.
    pub style: Style,
    /// Whether numbers with a unit are written in digits, as far as the captions are in English.
    pub digits: bool,
    /// How the practice's words are spelled.
    pub glossary: Glossary,
    /// Which clips wait for an approval.
    pub review: Require,
    /// Where the page for reading and approving may be served besides this computer.
    pub page: ReviewPage,
    /// What the practice changes about the checks; its own name, handle, phone and site may always be said.
    pub checks: Switches,
    /// Folder with the practice's own files of checks; it need not exist.
    pub check_files: Option<PathBuf>,
    /// How long the question stands at the start; none when turned off.
    pub hook: Option<Time>,
    /// What stands at the end; none when turned off.
    pub end_card: Option<EndCard>,
    /// Whisper model by name or path; none: the default for the language.
    pub model: Option<String>,
    /// ISO 639-1 code, or `auto`.
    pub language: String,
    /// Where the practice posts to, in its order, overrides applied.
    pub platforms: Vec<Platform>,
    /// Every platform that there is, overrides applied; what `--platforms` chooses from.
    pub known: Vec<Platform>,
    /// How a picture of another shape fills the canvas.
    pub framing: Framing,
    /// Which part of the picture stays when it is cropped and nobody's face is seen.
    pub anchor: Anchor,
    /// Whether a crop follows the speaker's face.
    pub follow: bool,
    /// What happens to a clip that is too long for a platform.
    pub when_too_long: TooLong,
    /// Whether dead air before the first and after the last word is left out.
    pub trim: bool,
    /// Pauses longer than this are shortened; none: pauses stay.
    pub tighten_pauses: Option<Time>,
    /// Which video encoder to use.
    pub encoder: EncoderChoice,
    /// What is too large or too long to be taken.
    pub bounds: Bounds,
}

/// What a practice writes into practice.toml before the page is served in its network.
pub const UNDERSTOOD: &str =
    "I understand that everyone in this network who has the passphrase can see and approve clips";

/// Where the page for reading and approving may be served besides this computer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReviewPage {
    /// Whether the practice wrote [`UNDERSTOOD`].
    pub local_network: bool,
    /// Where its passphrase lies; never in practice.toml itself, which lies beside the clips.
    pub passphrase_file: Option<PathBuf>,
}

/// What is too large or too long to be taken. A header may claim anything, and each claim costs memory or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Longest side of the coded picture, in pixels.
    pub max_side: u32,
    /// Longest clip.
    pub max_duration: Time,
}

impl Default for Bounds {
    fn default() -> Self {
        // The largest that any phone records, and far more than anyone answers a question in.
        Bounds { max_side: 8192, max_duration: Time::from_millis(30 * 60 * 1000) }
    }
}

/// The practice's mark in a corner of every cut that is not clean.
#[derive(Debug, Clone, PartialEq)]
pub struct Watermark {
    /// Whether the logo is part of it.
    pub logo: bool,
    /// Text that stands with it or instead of it.
    pub text: Option<String>,
    /// Which corner of the area that is free.
    pub corner: Corner,
    /// 0.0 (invisible) to 1.0 (solid).
    pub opacity: f64,
    /// Width of the logo as a share of the canvas width, 0.05 to 0.5; less for a tall one (see `cuts::layout`).
    pub size: f64,
}

/// A corner of the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Corner {
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
}

/// The card that closes a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndCard {
    /// How long it stands.
    pub duration: Time,
    /// What lies behind its text.
    pub background: CardBackground,
}

/// What lies behind the end card's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardBackground {
    /// The last picture, held and darkened.
    LastFrame,
    /// The practice's colour.
    Plain,
}

/// Which clips wait for an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Require {
    /// Those in which something was flagged.
    #[default]
    Flagged,
    /// All.
    All,
    /// None, except those that somebody holds and those that lack a consent.
    None,
}

/// How a picture of another shape than the canvas is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// Crop, unless that would throw away more than half of the picture's height; then fit.
    Auto,
    /// Always crop.
    Fill,
    /// Show all of it over a blurred copy of itself.
    Fit,
}

/// The point of the picture that a crop keeps as near to its middle as it can; 0.0 is left/top, 1.0 right/bottom.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Anchor {
    /// Across.
    pub x: f64,
    /// Down.
    pub y: f64,
}

impl Anchor {
    /// Whether it is a point of the picture.
    pub fn is_inside(self) -> bool {
        (0.0..=1.0).contains(&self.x) && (0.0..=1.0).contains(&self.y)
    }
}

/// What one clip's own file says; the practice's settings stand where it says nothing.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClipSettings {
    /// How its picture fills a canvas of another shape.
    pub framing: Option<Framing>,
    /// Which part of its picture stays when it is cropped; a face is not followed then.
    pub anchor: Option<Anchor>,
    /// Whether dead air is left out.
    pub trim: Option<bool>,
    /// Where it starts, in clip time; below `end`.
    pub start: Option<Time>,
    /// Where it ends, in clip time.
    pub end: Option<Time>,
    /// Whether a crop follows the speaker's face.
    pub follow: Option<bool>,
    /// The part of its picture that is used, on every canvas; nothing outside of it is shown.
    pub crop: Option<Crop>,
    /// Whether a patient can be seen or heard in it.
    pub patient_visible: bool,
    /// Where the patient's consent is filed.
    pub consent: Option<String>,
    /// The question that it answers, whatever else names one; empty: none.
    pub question: Option<String>,
    /// What stands over the first seconds instead of the question; empty: nothing. The cover has the question all the same.
    pub hook: Option<String>,
    /// Which moment the cover shows, in clip time.
    pub cover: Option<Time>,
    /// Texts of posts by platform id.
    pub posts: BTreeMap<String, PostChoice>,
}

impl fmt::Debug for ClipSettings {
    /// Approvals and what is done are bound to a digest of this form. What came to it later is left out where nobody sets
    /// it, so that an approval of an earlier version still is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ClipSettings { framing, anchor, trim, start, end, follow, crop, patient_visible, consent, .. } = self;
        let ClipSettings { question, hook, cover, posts, .. } = self;
        let mut form = f.debug_struct("ClipSettings");
        form.field("framing", framing).field("anchor", anchor).field("trim", trim).field("start", start);
        form.field("end", end).field("follow", follow).field("crop", crop).field("patient_visible", patient_visible);
        form.field("consent", consent);
        let later: [(&str, bool, &dyn fmt::Debug); 4] = [
            ("question", question.is_some(), question),
            ("hook", hook.is_some(), hook),
            ("cover", cover.is_some(), cover),
            ("posts", !posts.is_empty(), posts),
        ];
        for (name, _, value) in later.into_iter().filter(|(_, is_set, _)| *is_set) {
            form.field(name, value);
        }
        form.finish()
    }
}

/// A part of a picture: shares of its width and height.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Crop {
    /// Left edge, 0.0 to 0.95.
    pub x: f64,
    /// Top edge, 0.0 to 0.95.
    pub y: f64,
    /// Width, 0.05 to 1.0.
    pub width: f64,
    /// Height, 0.05 to 1.0.
    pub height: f64,
}

/// What happens to a clip that is too long for a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TooLong {
    /// No cut for that platform; the report says so.
    Skip,
    /// End after the last sentence that fits.
    Trim,
}

/// Which video encoder to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncoderChoice {
    /// libx264, the same bits on every machine.
    X264,
    /// A hardware encoder that passes a real test encode, else libx264.
    Auto,
}

/// Where a cut goes, from `presets/platforms/*.toml` and the practice's overrides.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// Folder and command-line name: `instagram-reels`.
    pub id: String,
    /// As a person reads it: `Instagram Reels`.
    pub name: String,
    /// The canvases it takes, best first; the one nearest in aspect to the clip is chosen. Not empty.
    pub canvases: Vec<CanvasChoice>,
    /// Shortest cut it takes.
    pub min_duration: Time,
    /// Longest cut it takes.
    pub max_duration: Time,
    /// Largest file it takes, in bytes.
    pub max_bytes: u64,
    /// Slowest and fastest frame rates it takes.
    pub frame_rate: (u32, u32),
    /// No captions burned in, no watermark, no hook, no end card.
    pub clean: bool,
    /// Whether it takes an SRT beside the file.
    pub sidecar_srt: bool,
    /// Text that goes with the post.
    pub post: PostLimits,
    /// How it wants files encoded.
    pub encoding: Encoding,
    /// Where the limits come from.
    pub sources: Vec<Source>,
}

/// One canvas of a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanvasChoice {
    /// Size in pixels, both even.
    pub size: Size,
    /// Where captions, hook, watermark and end card may stand: free of the platform's own buttons and text.
    pub text_box: Rect,
}

/// Limits of the text that goes with a post, in characters as a reader counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostLimits {
    /// Longest title; none where the platform has no title.
    pub title: Option<usize>,
    /// Longest text; none where the platform takes no text.
    pub text: Option<usize>,
    /// Most hashtags it takes.
    pub hashtags: Option<usize>,
}

/// Encoder settings of a platform. H.264 High, yuv420p, closed GOP, AAC-LC stereo at 48 kHz throughout.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// x264 preset: `medium`.
    pub preset: String,
    /// Constant rate factor, 0 (lossless) to 51.
    pub crf: f64,
    /// Peak bit rate of the picture in kbit/s.
    pub max_rate: u32,
    /// Mean bit rate of the picture in kbit/s that is aimed at instead of the quality, where a platform wants one.
    pub target_rate: Option<u32>,
    /// Length of a group of pictures in seconds.
    pub gop_seconds: f64,
    /// Bit rate of the sound in kbit/s.
    pub audio_rate: u32,
}

/// Where a limit comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Page address without the scheme.
    pub page: String,
    /// Month or day it was checked: `2026-11`, `2026-11-01`.
    pub checked: String,
    /// What it says, or how far it can be trusted.
    pub note: Option<String>,
}

/// How captions look, from `presets/styles/*.toml`. Lengths are shares of the canvas' shorter side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Style {
    /// `clear`.
    pub id: String,
    /// Font families in the order they are tried for each character.
    pub fonts: Vec<String>,
    /// Whether the bold face is used.
    pub bold: bool,
    /// Height of a line (ascent and descent), a share of the shorter side: 0.074 is 80 px on 1080x1920.
    pub line_height: f64,
    /// Width of the outline, a share of the shorter side.
    pub outline: f64,
    /// Colour of the letters.
    pub colour: Rgb,
    /// Colour of the outline.
    pub outline_colour: Rgb,
    /// Colour of the word that is being spoken; none: the words look alike.
    pub spoken_colour: Option<Rgb>,
    /// Most characters in a line on portrait canvases and on others.
    pub max_chars: (usize, usize),
    /// Most lines of a cue on portrait canvases and on others.
    pub max_lines: (usize, usize),
    /// Reading speed aimed at, characters a second.
    pub aim_cps: f64,
    /// Reading speed above which a cue is flagged, characters a second.
    pub max_cps: f64,
    /// Shortest and longest time a cue stands, in seconds.
    pub duration: (f64, f64),
    /// Gaps shorter than this many seconds are closed.
    pub close_gap: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_approval_is_bound_to_is_written_as_ever_where_nothing_new_is_set() {
        let before = "ClipSettings { framing: None, anchor: None, trim: Some(true), start: None, end: Some(Time(1500000)), \
                      follow: None, crop: None, patient_visible: false, consent: None }";
        let settings = ClipSettings { trim: Some(true), end: Some(Time::from_millis(1500)), ..ClipSettings::default() };
        assert_eq!(format!("{settings:?}"), before);
        let posts = [("x".to_string(), PostChoice::default())].into();
        for set in [
            ClipSettings { question: Some(String::new()), ..settings.clone() },
            ClipSettings { hook: Some(String::new()), ..settings.clone() },
            ClipSettings { cover: Some(Time::ZERO), ..settings.clone() },
            ClipSettings { posts, ..settings.clone() },
        ] {
            assert_ne!(format!("{set:?}"), before);
        }
    }
}
