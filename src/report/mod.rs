//! What a person reads: progress bars, plain lines, NDJSON, the HTML sheet.

mod brief;
mod clip_report;
mod needs;
mod overview;
pub(crate) mod phrases;
mod progress;
mod sheet;
mod sheet_front;

pub use brief::ClipBrief;
pub use clip_report::{ClipReport, ClipState, CutReport, CutState};
pub use overview::{PracticeRow, overview};
pub use progress::Progress;
pub use sheet::{Leaf, Sheet, UNSURE, leaf_name};
pub use sheet_front::LeafOf;
