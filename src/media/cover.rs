//! The cover: the sharpest of some pictures, with the question on it.

use super::graph::Compositor;
use super::{ffi, jpeg};
use crate::cuts::{Kept, Placement, Recipe};
use crate::fault::Fault;
use crate::units::{Size, Time};
use ffmpeg_next::frame;
use std::path::PathBuf;

/// How far apart the pictures are that are looked at.
const STEP: Time = Time::from_millis(400);
/// The moment of its script that the cover shows.
const SCRIPT_TIME: Time = Time::from_millis(1000);
/// JPEG quality of the cover, 1 to 100.
const QUALITY: u8 = 90;

/// A cover to be made.
pub struct CoverJob {
    /// Canvas, placement, script and marks of the still; its picture is one of those that are kept.
    pub recipe: Recipe,
    /// Temporary JPEG file to write.
    pub file: PathBuf,
}

/// Keeps the sharpest picture of those it is shown.
pub struct SharpestPicture {
    kept: Kept,
    next: Time,
    /// Whether it is kept and how sharp it is, the picture, and its time.
    best: Option<((bool, f64), frame::Video, Time)>,
}

impl SharpestPicture {
    /// Looks at pictures within these parts of the clip.
    pub fn new(kept: Kept) -> Self {
        SharpestPicture { next: kept.start(), kept, best: None }
    }

    /// Where in the clip it looks.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Whether the picture at this time, which stands until the next, should be shown to it.
    pub fn wants(&self, at: Time, next: Option<Time>) -> bool {
        // Where no picture begins within what is kept, it shows the one that stands there already.
        let stands = at < self.kept.start() && next.is_none_or(|next| next > self.kept.start());
        // A clip too short to hold one of them still gets a cover, from its first picture.
        self.best.is_none() || stands || (at >= self.next && self.kept.holds(at))
    }

    /// Looks at an upright picture.
    pub fn consider(&mut self, picture: &frame::Video, at: Time) {
        let held = self.kept.holds(at);
        if held || self.best.is_none() {
            self.next = self.kept.start().max(at + STEP);
        }
        let worth = match held {
            true => sharpness(picture.data(0), picture.stride(0), picture.width() as usize, picture.height() as usize),
            false => 0.0,
        };
        // Of those that are not kept the last one is the nearest.
        if self.best.as_ref().is_none_or(|(best, ..)| (held, worth) > *best || (!held && !best.0)) {
            self.best = Some(((held, worth), ffi::share(picture), at));
        }
    }

    /// Composes the cover and writes it as JPEG, without any metadata.
    pub fn write(self, job: &CoverJob, displayed: Size, working: Size) -> Result<(), Fault> {
        let (_, mut picture, at) =
            self.best.ok_or_else(|| Fault::new("no picture for a cover was found", "run again"))?;
        let marks = job.recipe.marks.iter().map(super::render::load_mark).collect::<Result<Vec<_>, _>>()?;
        // Where the speaker was when the picture was taken, which is not when the script shows it.
        let crop = job.recipe.placement.crop_at(job.recipe.kept.cut_time(at).unwrap_or(Time::ZERO));
        let placement = crop.map_or(job.recipe.placement.clone(), |crop| Placement::Fill { crop });
        let recipe = Recipe { placement, ..job.recipe.clone() };
        let mut compositor = Compositor::new(&recipe, displayed, working, &marks, 1)?;
        picture.set_pts(Some(job.recipe.rate.frames_in(SCRIPT_TIME)));
        let bytes = jpeg::of(&compositor.run(&picture)?, QUALITY)?;
        std::fs::write(&job.file, bytes).map_err(|e| {
            let what = format!("the cover cannot be written ({e})");
            Fault::new(what, "check that the output folder can be written to")
        })
    }
}

/// Variance of the Laplacian over every second pixel: the higher, the more fine detail, so the sharper.
fn sharpness(luma: &[u8], stride: usize, width: usize, height: usize) -> f64 {
    let (mut sum, mut squares, mut count) = (0i64, 0i64, 0i64);
    for y in (1..height.saturating_sub(1)).step_by(2) {
        for x in (1..width.saturating_sub(1)).step_by(2) {
            let at = |dx: usize, dy: usize| i64::from(luma[(y + dy - 1) * stride + x + dx - 1]);
            let laplacian = 4 * at(1, 1) - at(0, 1) - at(2, 1) - at(1, 0) - at(1, 2);
            sum += laplacian;
            squares += laplacian * laplacian;
            count += 1;
        }
    }
    let count = count.max(1) as f64;
    squares as f64 / count - (sum as f64 / count).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;
    use ffmpeg_next::format;

    /// The time of the picture that is taken of those that begin at these milliseconds.
    fn taken(kept: (i64, i64), begin: &[i64]) -> Option<i64> {
        let ms = Time::from_millis;
        let mut sharpest = SharpestPicture::new(Span::new(ms(kept.0), ms(kept.1)).into());
        for (index, &at) in begin.iter().enumerate() {
            let mut picture = frame::Video::new(format::Pixel::YUV420P, 64, 64);
            // The sharpest come first, so that none is taken for being the best.
            picture.data_mut(0).iter_mut().enumerate().for_each(|(i, luma)| *luma = (i % (2 + index)) as u8);
            if sharpest.wants(ms(at), begin.get(index + 1).map(|next| ms(*next))) {
                sharpest.consider(&picture, ms(at));
            }
        }
        sharpest.best.map(|(_, _, at)| at.millis())
    }

    #[test]
    fn one_chosen_picture_is_that_which_stands_there() {
        let even: Vec<i64> = (0..100).map(|n| n * 40).collect();
        assert_eq!(taken((2000, 2040), &even), Some(2000));
        // None begins within it: not the first of the clip, which may be cut away, but the one that still stands.
        assert_eq!(taken((2000, 2040), &[0, 300, 900, 1800, 2100, 2400]), Some(1800));
        assert_eq!(taken((2000, 2040), &[0, 300, 900]), Some(900));
        assert_eq!(taken((0, 40), &[60, 100]), Some(60));
    }

    #[test]
    fn an_edge_is_sharper_than_its_blur() {
        let edge: Vec<u8> = (0..64 * 64).map(|i| if i % 64 < 32 { 20 } else { 220 }).collect();
        let blur: Vec<u8> = (0..64 * 64).map(|i| 20 + (i % 64) as u8 * 3).collect();
        assert!(sharpness(&edge, 64, 64, 64) > 10.0 * sharpness(&blur, 64, 64, 64));
    }
}
