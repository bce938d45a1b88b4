//! What a person reads: progress bars, plain lines, NDJSON, the HTML sheet.

mod clip_report;
mod overview;
pub(crate) mod phrases;
mod progress;
mod sheet;

pub use clip_report::{ClipReport, ClipState, CutReport, CutState};
pub use overview::{PracticeRow, overview};
pub use progress::Progress;
pub use sheet::{UNSURE, sheet};
