//! What is cut from a clip for each platform: geometry, safe areas, limits, which cuts share a render. Pure.

mod build;
mod drawing;
pub mod follow;
pub mod geometry;
mod kept;
pub mod layout;
pub mod limits;
pub mod loudness;
mod plan;
pub mod rate;
mod share;
mod special;
#[cfg(test)]
mod tests;
mod trim;
mod viewing;

pub use build::{Inputs, Logo, plan_clip, plan_drawn};
pub use drawing::Drawing;
pub use kept::Kept;
pub use plan::{
    BUFFER_SECONDS, ClipPlan, CutPlan, ENCODER_THREADS, Limits, MAX_GAIN, Mark, PictureCodec, Placement, Recipe,
    SUBPIXELS, Skipped, Sound, Waypoint,
};
pub use share::{ENGINE, Render, renders};
pub use trim::Trim;
pub use viewing::{poster_recipe, viewing_recipe};
