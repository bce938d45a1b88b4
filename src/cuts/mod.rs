//! What is cut from a clip for each platform: geometry, safe areas, limits, which cuts share a render. Pure.

mod plan;

pub use plan::{
    BUFFER_SECONDS, ClipPlan, CutPlan, ENCODER_THREADS, Limits, MAX_GAIN, Mark, PictureCodec, Placement, Recipe,
    Skipped, Sound,
};
