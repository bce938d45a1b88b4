//! What is cut from a clip for each platform: geometry, safe areas, limits, which cuts share a render. Pure.

mod plan;

pub use plan::{ClipPlan, CutPlan, Limits, Mark, PictureCodec, Placement, Recipe, Skipped, Sound};
