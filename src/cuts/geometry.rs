//! Where the picture goes on the canvas. Pure arithmetic on displayed pixels.

use super::Placement;
use crate::config::{Anchor, CanvasChoice, Crop, Framing, Platform};
use crate::units::{Rect, Size};

/// A crop may be this share smaller than it could be, where even sides would else stretch the picture.
const GIVEN_UP: f64 = 0.03;
/// Nobody sees a picture that is stretched by less.
const UNSEEN_STRETCH: f64 = 0.004;

/// Share of the picture's height that has to stay for [`Framing::Auto`] to crop top and bottom: below it, a face that
/// is not quite at the anchor would be cut.
const KEPT_HEIGHT: f64 = 0.5;

/// The canvas of the platform that is nearest in shape, by the ratio of the aspects; the first of equals. None only
/// for a platform without any.
pub fn choose_canvas(platform: &Platform, displayed: Size) -> Option<&CanvasChoice> {
    let distance = |canvas: &CanvasChoice| (canvas.size.aspect() / displayed.aspect()).ln().abs();
    platform.canvases.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// Where a picture of that displayed size (at least 2x2) goes on the canvas (even sides).
///
/// [`Framing::Auto`] crops at the sides whatever is lost there, since a clinician who speaks fills little of a wide
/// picture; it crops top and bottom only while half of the height stays.
pub fn place(displayed: Size, canvas: Size, framing: Framing, anchor: Anchor) -> Placement {
    let kept_height = displayed.aspect() / canvas.aspect();
    match framing {
        Framing::Fill => fill(displayed, canvas, anchor),
        Framing::Fit => fit(displayed, canvas),
        Framing::Auto if kept_height >= KEPT_HEIGHT => fill(displayed, canvas, anchor),
        Framing::Auto => fit(displayed, canvas),
    }
}

/// How many times larger the picture stands on the canvas than it was recorded; below 1.0 it is reduced.
pub fn enlargement(displayed: Size, canvas: Size, placement: &Placement) -> f64 {
    match placement {
        Placement::Fill { crop } => f64::from(canvas.width) / f64::from(crop.width),
        Placement::Follow { size, .. } => f64::from(canvas.width) / f64::from(size.width),
        Placement::Fit { picture } => f64::from(picture.width) / f64::from(displayed.width),
    }
}

/// The largest part of the picture with the canvas' aspect, as near to the anchor as it can lie.
fn fill(displayed: Size, canvas: Size, anchor: Anchor) -> Placement {
    let size = window(displayed, canvas);
    let start = |anchor: f64, whole: u32, part: u32| {
        let wanted = anchor * f64::from(whole) - f64::from(part) / 2.0;
        floor_even(wanted.clamp(0.0, f64::from(whole - part)) as u32)
    };
    let (x, y) = (start(anchor.x, displayed.width, size.width), start(anchor.y, displayed.height, size.height));
    Placement::Fill { crop: Rect::new(x, y, size.width, size.height) }
}

/// Size of the largest part of a picture that has the canvas' aspect; even sides. In a small picture the largest even sides
/// may be a whole hundredth off the shape; then the next smaller ones that are not.
fn window(picture: Size, canvas: Size) -> Size {
    let (width, height) = (floor_even(picture.width).max(2), floor_even(picture.height).max(2));
    let wide = picture.aspect() > canvas.aspect();
    let part = |less: u32| match wide {
        true => Size::new(even(f64::from(height - less) * canvas.aspect(), width), height - less),
        false => Size::new(width - less, even(f64::from(width - less) / canvas.aspect(), height)),
    };
    let stretch = |size: &Size| (size.aspect() / canvas.aspect()).ln().abs();
    let most = (f64::from(if wide { height } else { width }) * GIVEN_UP) as u32;
    let mut parts = (0..=most).step_by(2).map(part);
    let largest = part(0);
    parts.find(|size| stretch(size) <= UNSEEN_STRETCH).unwrap_or(largest)
}

/// The largest part of the canvas' aspect inside a crop that somebody chose, in its middle: what was left out of the
/// crop is shown on no canvas.
pub fn chosen(displayed: Size, canvas: Size, crop: Crop) -> Placement {
    let edge = |share: f64, whole: u32| (share * f64::from(whole)).round() as u32;
    let side = |share: f64, whole: u32| edge(share, whole).clamp(2, whole);
    let whole = Size::new(side(crop.width, displayed.width), side(crop.height, displayed.height));
    let size = window(whole, canvas);
    let start = |share: f64, of: u32, whole: u32, part: u32| {
        let from = edge(share, of).min(of - whole);
        floor_even((from + (whole - part) / 2).next_multiple_of(2).min(of - part))
    };
    let x = start(crop.x, displayed.width, whole.width, size.width);
    let y = start(crop.y, displayed.height, whole.height, size.height);
    Placement::Fill { crop: Rect::new(x, y, size.width, size.height) }
}

/// The whole picture, as large as the canvas allows, in its middle.
fn fit(displayed: Size, canvas: Size) -> Placement {
    let size = if displayed.aspect() > canvas.aspect() {
        Size::new(canvas.width, even(f64::from(canvas.width) / displayed.aspect(), canvas.height))
    } else {
        Size::new(even(f64::from(canvas.height) * displayed.aspect(), canvas.width), canvas.height)
    };
    let start = |whole: u32, part: u32| floor_even((whole - part) / 2);
    let (x, y) = (start(canvas.width, size.width), start(canvas.height, size.height));
    Placement::Fit { picture: Rect::new(x, y, size.width, size.height) }
}

/// The nearest even number from 2 to `most`, which is even.
fn even(value: f64, most: u32) -> u32 {
    ((value / 2.0).round() as u32 * 2).clamp(2, most.max(2))
}

/// Chroma is stored for two by two pixels, so edges at odd ones would bleed colour.
pub(super) fn floor_even(value: u32) -> u32 {
    value / 2 * 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIDDLE: Anchor = Anchor { x: 0.5, y: 0.4 };
    const PORTRAIT: Size = Size::new(1080, 1920);
    const LANDSCAPE: Size = Size::new(1920, 1080);

    #[test]
    fn auto_crops_unless_half_of_the_height_is_lost() {
        let auto = |from, to| place(from, to, Framing::Auto, MIDDLE);
        assert_eq!(auto(PORTRAIT, PORTRAIT), Placement::Fill { crop: PORTRAIT.rect() });
        assert_eq!(auto(LANDSCAPE, PORTRAIT), Placement::Fill { crop: Rect::new(656, 0, 608, 1080) });
        assert_eq!(auto(PORTRAIT, LANDSCAPE), Placement::Fit { picture: Rect::new(656, 0, 608, 1080) });
        // 70% of the height stays, and the anchor lifts the crop above the middle.
        assert_eq!(auto(PORTRAIT, Size::new(1080, 1350)), Placement::Fill { crop: Rect::new(0, 92, 1080, 1350) });
        assert!(matches!(auto(PORTRAIT, Size::new(720, 720)), Placement::Fill { .. }));
    }

    #[test]
    fn anchors_move_the_crop_to_the_edges() {
        let crop_x = |x| match place(LANDSCAPE, PORTRAIT, Framing::Fill, Anchor { x, y: 0.5 }) {
            Placement::Fill { crop } => crop.x,
            other => panic!("{other:?}"),
        };
        assert_eq!((crop_x(0.0), crop_x(1.0)), (0, 1920 - 608));
    }

    proptest! {
        #[test]
        fn nothing_leaves_its_frame(
            source in (16u32..5000, 16u32..5000),
            canvas in (120u32..2048, 120u32..2048),
            anchor in (0.0..=1.0f64, 0.0..=1.0f64),
            framing in prop_oneof![Just(Framing::Auto), Just(Framing::Fill), Just(Framing::Fit)],
        ) {
            let displayed = Size::new(source.0, source.1);
            let canvas = Size::new(canvas.0 * 2, canvas.1 * 2);
            let anchor = Anchor { x: anchor.0, y: anchor.1 };
            let placement = place(displayed, canvas, framing, anchor);
            let (rect, frame, aspect) = match placement {
                Placement::Fill { crop } => (crop, displayed, canvas.aspect()),
                Placement::Fit { picture } => (picture, canvas, displayed.aspect()),
                Placement::Follow { .. } => panic!("nobody was seen"),
            };
            prop_assert!(frame.rect().holds(rect), "{rect:?} in {frame}");
            prop_assert!([rect.x, rect.y, rect.width, rect.height].iter().all(|n| n % 2 == 0), "{rect:?}");
            // Each side is at most two pixels from the exact shape; a side of two pixels has none smaller.
            let exact = f64::from(rect.height) * aspect;
            let slack = 2.0 + 2.0 * aspect;
            prop_assert!((f64::from(rect.width) - exact).abs() <= slack.max(2.0), "{rect:?}, {aspect}");
            // It is as large as it can be: one side fills the frame.
            let fills = |side: u32, whole: u32| f64::from(side) > f64::from(whole) * (1.0 - GIVEN_UP) - 2.0;
            prop_assert!(fills(rect.width, frame.width) || fills(rect.height, frame.height));
            prop_assert!(enlargement(displayed, canvas, &placement) > 0.0);
        }
    }
}
