//! What a script shows, over pictures. It is drawn anew only where it changes, and put on every picture from what was
//! kept: libavfilter's `ass` blends each letter's bitmap pixel by pixel, which took a tenth of all the time of a cut.
//! What moves, as a hook that fades, is left to the filter.
//!
//! However many layers a script has, what it makes of a sample is `keep` of it and something added. A black and a white
//! picture that are drawn over tell both for every sample of every plane.

use super::drawn;
use super::ffi::{self, Pool};
use super::graph::Drawing;
use crate::captions::Changes;
use crate::fault::Fault;
use crate::units::{Rate, Size};
use ffmpeg_next::{format, frame};

/// A script that is put on pictures.
pub struct Lettering {
    drawing: Drawing,
    changes: Changes,
    size: Size,
    rate: Rate,
    /// What the script shows in the stretch of this number.
    shown: Option<(usize, Layer)>,
    /// For copies of pictures that others hold.
    pool: Pool,
}

impl Lettering {
    /// Makes an ASS document ready for pictures of a size, whose time stamps count frames.
    pub fn new(script: &str, size: Size, rate: Rate) -> Result<Self, Fault> {
        let drawing = Drawing::new(size, rate, drawn::script_file(script)?.path())?;
        Ok(Lettering { drawing, changes: Changes::of(script), size, rate, shown: None, pool: Pool::new(size) })
    }

    /// The picture with what the script shows at its time.
    pub fn put(&mut self, mut picture: frame::Video) -> Result<frame::Video, Fault> {
        let number = picture.pts().unwrap_or_default();
        let Some(stretch) = self.changes.still_at(filter_millis(number, self.rate)) else {
            return self.drawing.over(picture);
        };
        let layer = match self.shown.take() {
            Some((of, layer)) if of == stretch => layer,
            _ => self.draw(number)?,
        };
        if !layer.runs.is_empty() {
            picture = self.pool.own(picture);
            layer.put(&mut picture);
        }
        self.shown = Some((stretch, layer));
        Ok(picture)
    }

    fn draw(&mut self, number: i64) -> Result<Layer, Fault> {
        let mut over = |code: u8| {
            let mut plain = frame::Video::new(format::Pixel::YUV420P, self.size.width, self.size.height);
            (0..3).for_each(|plane| plain.data_mut(plane).fill(code));
            plain.set_pts(Some(number));
            self.drawing.over(plain)
        };
        Ok(Layer::between(&over(0)?, &over(255)?))
    }
}

/// The time of a frame as FFmpeg's filter reckons it, down to the same rounding.
fn filter_millis(number: i64, rate: Rate) -> i64 {
    (number as f64 * (f64::from(rate.den) / f64::from(rate.num)) * 1000.0) as i64
}

/// Samples in a row that something is drawn over.
struct Run {
    plane: usize,
    row: usize,
    from: usize,
    length: usize,
}

/// What is drawn over a picture.
#[derive(Default)]
struct Layer {
    runs: Vec<Run>,
    /// How much of each sample of the runs stays, in 255ths.
    keep: Vec<u8>,
    /// What is added to each.
    add: Vec<u8>,
}

impl Layer {
    /// What was drawn over two pictures, of which one was all 0 and the other all 255.
    fn between(black: &frame::Video, white: &frame::Video) -> Layer {
        let mut layer = Layer::default();
        for plane in 0..3 {
            let (width, height) = (black.plane_width(plane) as usize, black.plane_height(plane) as usize);
            let untouched = (vec![0; width], vec![255; width]);
            let rows = black.data(plane).chunks(black.stride(plane)).zip(white.data(plane).chunks(white.stride(plane)));
            for (row, (black, white)) in rows.take(height).enumerate() {
                let (black, white) = (&black[..width], &white[..width]);
                if (black, white) == (&untouched.0, &untouched.1) {
                    continue;
                }
                let touched = |x: &usize| (black[*x], white[*x]) != (0, 255);
                let Some((first, last)) = (0..width).find(touched).zip((0..width).rfind(touched)) else { continue };
                layer.runs.push(Run { plane, row, from: first, length: last + 1 - first });
                let (black, white) = (&black[first..=last], &white[first..=last]);
                layer.keep.extend(black.iter().zip(white).map(|(black, white)| white.saturating_sub(*black)));
                layer.add.extend_from_slice(black);
            }
        }
        layer
    }

    /// Draws into a picture whose pixels nobody else holds.
    fn put(&self, picture: &mut frame::Video) {
        let strides = [0, 1, 2].map(|plane| picture.stride(plane));
        let planes = ffi::planes_mut(picture);
        let mut at = 0;
        for Run { plane, row, from, length } in &self.runs {
            let start = row * strides[*plane] + from;
            let parts = at..at + length;
            blend(&mut planes[*plane][start..start + length], &self.keep[parts.clone()], &self.add[parts]);
            at += length;
        }
    }
}

/// Sixteen bits hold all of it and each sample is written once, so that the compiler takes many at once; by itself, where
/// it knows that the three do not overlap.
#[inline(never)]
fn blend(samples: &mut [u8], keep: &[u8], add: &[u8]) {
    for ((sample, keep), add) in samples.iter_mut().zip(keep).zip(add) {
        // A product of two bytes, divided by 255 and rounded.
        let kept = u16::from(*sample) * u16::from(*keep) + 128;
        *sample = (((kept + (kept >> 8)) >> 8) as u8).saturating_add(*add);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Every sample different from its neighbours, all codes that pictures have.
    fn busy(size: Size, number: i64) -> frame::Video {
        let mut picture = frame::Video::new(format::Pixel::YUV420P, size.width, size.height);
        for plane in 0..3 {
            for (i, sample) in picture.data_mut(plane).iter_mut().enumerate() {
                *sample = ((i as u64 + number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8;
            }
        }
        picture.set_pts(Some(number));
        picture
    }

    /// How many samples of the second differ from the first, and by how much at most.
    fn apart(a: &frame::Video, b: &frame::Video) -> (usize, u8) {
        let mut differ = (0, 0);
        for plane in 0..3 {
            let width = a.plane_width(plane) as usize;
            for (a, b) in a.data(plane).chunks(a.stride(plane)).zip(b.data(plane).chunks(b.stride(plane))) {
                for (a, b) in a[..width].iter().zip(&b[..width]) {
                    differ = (differ.0 + usize::from(a != b), differ.1.max(a.abs_diff(*b)));
                }
            }
        }
        differ
    }

    /// Frame by frame as the filter itself draws it: captions, words that light up, a hook that fades, a mark, a card.
    #[test]
    fn pictures_come_out_as_the_filter_draws_them() {
        crate::media::start();
        for (script, size, rate) in [
            (include_str!("../../tests/golden/portrait-clear.ass"), Size::new(1080, 1920), Rate::new(30, 1)),
            (include_str!("../../tests/golden/landscape-spoken.ass"), Size::new(1920, 1080), Rate::new(30000, 1001)),
        ] {
            let mut direct = Drawing::new(size, rate, drawn::script_file(script).unwrap().path()).unwrap();
            let mut lettering = Lettering::new(script, size, rate).unwrap();
            let mut drawn_over = 0;
            // The whole of the hook's fade, and then a few pictures of each second.
            for number in (0..80).step_by(9).chain(80..95).chain((95..560).step_by(13)) {
                let wanted = direct.over(busy(size, number)).unwrap();
                let made = lettering.put(busy(size, number)).unwrap();
                let (differ, most) = apart(&wanted, &made);
                assert!(most <= 2, "frame {number} of {size}: {differ} samples differ, by up to {most}");
                assert_eq!(made.pts(), Some(number));
                drawn_over += usize::from(apart(&busy(size, number), &made).0 > 0);
            }
            assert!(drawn_over > 40, "something is shown in {drawn_over} pictures only");
        }
    }

    #[test]
    fn a_picture_that_others_hold_is_not_drawn_into() {
        crate::media::start();
        let size = Size::new(1080, 1920);
        let script = include_str!("../../tests/golden/portrait-clear.ass");
        let mut lettering = Lettering::new(script, size, Rate::new(30, 1)).unwrap();
        let picture = busy(size, 45);
        let made = lettering.put(ffi::share(&picture)).unwrap();
        assert_eq!(apart(&picture, &busy(size, 45)), (0, 0));
        assert!(apart(&picture, &made).0 > 0);
    }
}
