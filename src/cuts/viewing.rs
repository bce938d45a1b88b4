//! What a person sees of a whole clip before anything is cut from it: the copy that a page plays, and a small still. Pure.

use super::{PictureCodec, Placement, Recipe, Sound, loudness, rate};
use crate::intake::Digest;
use crate::media::Probe;
use crate::units::{Rate, Rect, Size, Span, Time};

/// Longer side of the copy, in pixels: enough to read lips by, quick to encode.
const COPY_SIDE: u32 = 960;
/// Longer side of the still, in pixels.
const POSTER_SIDE: u32 = 480;
/// Slowest and fastest constant rate of the copy, in frames a second.
const RATES: (u32, u32) = (10, 30);
/// The rate of the copy of a clip whose pictures come unevenly: at a slower one more of them would be shown late.
const UNEVEN: Rate = Rate::new(30, 1);

/// The whole clip, upright, small, without a word on it. A moment of it is the same moment of the clip. There is a key
/// picture every half second, so that a player that jumps has little to decode.
pub fn viewing_recipe(probe: &Probe, digest: &Digest) -> Recipe {
    let video = &probe.video;
    let rate = if video.constant_rate { rate::output_rate(video.rate, true, RATES) } else { UNEVEN };
    let crop = Rect::new(0, 0, even(video.displayed.width), even(video.displayed.height));
    Recipe {
        clip: digest.clone(),
        canvas: within(crop.size(), COPY_SIDE),
        rate,
        kept: Span::new(Time::ZERO, rate.time_of(rate.frames_in(probe.duration).max(1))).into(),
        hold: Time::ZERO,
        placement: Placement::Fill { crop },
        script: None,
        marks: Vec::new(),
        // As loud as it was recorded: whoever looks for what is wrong should hear that too.
        sound: probe.audio.as_ref().map(|_| Sound {
            gain: 0.0,
            target: None,
            ceiling: loudness::CEILING,
            bit_rate: 96,
        }),
        codec: PictureCodec {
            encoder: "libx264".into(),
            preset: "superfast".into(),
            crf: 26.0,
            max_rate: 4000,
            target_rate: None,
            gop: ((rate.fps() / 2.0) as u32).max(1),
        },
    }
}

/// A small still of any moment of the clip, for a list of many clips. It is never encoded as a video.
pub fn poster_recipe(probe: &Probe, digest: &Digest) -> Recipe {
    let whole = viewing_recipe(probe, digest);
    Recipe { canvas: within(whole.canvas, POSTER_SIDE), sound: None, ..whole }
}

fn even(side: u32) -> u32 {
    (side & !1).max(2)
}

/// The size with its longer side no longer than `most`; even.
fn within(size: Size, most: u32) -> Size {
    let scale = (f64::from(most) / f64::from(size.width.max(size.height))).min(1.0);
    let side = |length: u32| ((f64::from(length) * scale / 2.0).round() as u32 * 2).max(2);
    Size::new(side(size.width), side(size.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_their_shape_and_are_even() {
        for (size, most, wanted) in [
            (Size::new(1080, 1920), 960, Size::new(540, 960)),
            (Size::new(3840, 2160), 960, Size::new(960, 540)),
            (Size::new(320, 240), 960, Size::new(320, 240)),
            (Size::new(1082, 1920), 480, Size::new(270, 480)),
            (Size::new(8000, 10), 960, Size::new(960, 2)),
        ] {
            assert_eq!(within(size, most), wanted);
        }
    }
}
