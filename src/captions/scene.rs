//! What is drawn over one cut, apart from pictures: times in cut time, places in canvas pixels.

use super::Cue;
use crate::config::{CardBackground, Corner, Style};
use crate::units::{Rect, Rgb, Size, Span};
use serde::{Deserialize, Serialize};

/// Everything that libass draws over one cut.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    /// Size of the picture.
    pub canvas: Size,
    /// The captions, in cut time.
    pub cues: &'a [Cue],
    /// Where captions may stand; they are drawn at its bottom, centred.
    pub caption_box: Rect,
    /// How captions look; hook, mark and card use its fonts.
    pub style: &'a Style,
    /// The question at the start.
    pub hook: Option<Hook>,
    /// The practice's mark, where it is text.
    pub mark_text: Option<MarkText>,
    /// The card at the end.
    pub card: Option<Card>,
}

/// The question that the clip answers, over its first seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    /// The question.
    pub text: String,
    /// When it stands.
    pub span: Span,
    /// The area it may use; drawn at its top, centred.
    pub place: Rect,
    /// The practice's colour, behind the text.
    pub colour: Rgb,
}

/// The practice's mark as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarkText {
    /// Such as the practice's handle.
    pub text: String,
    /// The area it may use.
    pub place: Rect,
    /// Which corner of the area it stands in.
    pub corner: Corner,
    /// 0.0 (invisible) to 1.0 (solid).
    pub opacity: f64,
    /// When it stands.
    pub span: Span,
}

/// The text of the end card; the logo is a picture and drawn elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// When it stands.
    pub span: Span,
    /// The area that its text may use, below the logo; drawn in its middle.
    pub place: Rect,
    /// What lies behind it, on the whole canvas.
    pub background: CardBackground,
    /// The practice's colour.
    pub colour: Rgb,
    /// The practice's name.
    pub name: String,
    /// Stands in a filled pill.
    pub call_to_action: Option<String>,
    /// Phone, site, handle: a line each.
    pub contact: Vec<String>,
    /// Stands last and small, but never below 2% of the canvas' height.
    pub disclaimer: Option<String>,
}
