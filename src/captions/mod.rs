//! Words to cues to lines to ASS, SRT and VTT. Pure but for reading the system's fonts.
//!
//! ```text
//! words -> pieces (no wider than a line) -> sentences -> cues and lines (least penalty) -> times -> ASS | SRT | VTT
//! ```

mod ass;
mod boxes;
mod breaks;
mod changes;
mod colour;
mod cues;
mod fonts;
mod hand;
mod lines;
mod read;
mod scene;
mod sidecar;
mod styles;
mod text;
mod tongues;

pub use ass::ass;
pub use boxes::{Fitted, fitted_hook, fitted_mark};
pub use changes::Changes;
pub use colour::{contrast, readable_on};
pub use cues::{Cue, LineLimits, cues, sidecar_cues};
pub use fonts::Fonts;
pub use hand::{handwritten, srt_of};
pub use read::{Subtitle, read_subtitles};
pub use scene::{Card, Hook, MarkText, Scene};
pub use sidecar::{srt, vtt};
pub use styles::{line_height, style, style_from_toml, style_names};
pub use text::is_unspaced;
