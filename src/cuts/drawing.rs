//! What stands where on one cut, apart from the clip's own picture and the logo: what its captions are burned in from, and
//! what else shows them before they are. Times in cut time, places in canvas pixels.

use crate::captions::{Card, Cue, Hook, MarkText, Scene};
use crate::config::Style;
use crate::units::{Rect, Size};
use serde::{Deserialize, Serialize};

/// What is drawn on a cut; the style that all cuts of a practice have is not part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawing {
    /// The part of the canvas that the platform leaves free.
    pub safe: Rect,
    /// The captions.
    pub cues: Vec<Cue>,
    /// Where captions may stand; they are drawn at its bottom, centred.
    pub caption_box: Rect,
    /// The question at the start.
    pub hook: Option<Hook>,
    /// The practice's mark, where it is text.
    pub mark_text: Option<MarkText>,
    /// The card at the end.
    pub card: Option<Card>,
}

impl Drawing {
    /// Of a cut on which nothing is drawn.
    pub fn clean(safe: Rect, caption_box: Rect) -> Self {
        Drawing { safe, cues: Vec::new(), caption_box, hook: None, mark_text: None, card: None }
    }

    /// As libass draws it.
    pub fn scene<'a>(&'a self, canvas: Size, style: &'a Style) -> Scene<'a> {
        Scene {
            canvas,
            cues: &self.cues,
            caption_box: self.caption_box,
            style,
            hook: self.hook.clone(),
            mark_text: self.mark_text.clone(),
            card: self.card.clone(),
        }
    }
}
