//! Who stands where inside the box that a platform leaves free: watermark, hook, captions, end card. Pure.

use super::geometry::floor_even;
use crate::config::{CanvasChoice, Corner, Watermark};
use crate::units::{Rect, Size};

/// Most of the box's height for the watermark's row, and for the captions.
const ROW: f64 = 0.12;
const CAPTIONS: f64 = 0.45;

/// Height of the watermark's text and of the gaps, as shares of the canvas' shorter side.
const MARK_TEXT: f64 = 0.035;
const GAP: f64 = 0.02;

/// What the outline and the edge of the captions' box add to the height of a caption, in lines.
const CAPTION_EDGE: f64 = 0.2;

/// The end card's logo: most of the box's width and height, and how far it may be enlarged before it looks soft.
const CARD_LOGO: (f64, f64) = (0.6, 0.26);
const CARD_LOGO_ENLARGED: f64 = 2.0;

/// Where the end card's text begins, as a share of the box's height, when a logo stands above it.
const CARD_TEXT: f64 = 0.3;

/// Places on the canvas, in pixels, all even. Watermark, hook and captions never meet; nor do the card's two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The watermark's logo.
    pub mark_logo: Option<Rect>,
    /// The watermark's text, beside the logo; as high as its line.
    pub mark_text: Option<Rect>,
    /// The question.
    pub hook: Rect,
    /// The captions; they stand at its bottom.
    pub captions: Rect,
    /// The end card's logo.
    pub card_logo: Option<Rect>,
    /// The end card's text.
    pub card_text: Rect,
}

/// Divides the canvas' text box. `logo` is the size of the practice's logo, if it has one.
///
/// The watermark takes a row at the top or bottom, the captions the lower part of what is left, the hook the rest.
pub fn layout(canvas: &CanvasChoice, watermark: Option<&Watermark>, logo: Option<Size>) -> Layout {
    let area = even_inside(canvas.text_box);
    let share = |of: f64| floor_even((of * f64::from(canvas.size.short_side())) as u32);
    let gap = share(GAP);
    let (mark_logo, mark_text) = match watermark {
        Some(mark) => mark_row(area, canvas.size, mark, logo, share(MARK_TEXT), gap),
        None => (None, None),
    };
    let row = mark_logo.map_or(0, |r| r.height).max(mark_text.map_or(0, |r| r.height));
    let taken = if row > 0 { row + gap } else { 0 };
    let left = area.height - taken;
    let top = if watermark.is_some_and(|mark| at_top(mark.corner)) { area.y + taken } else { area.y };
    let captions = part(area.height, CAPTIONS).min(part(left, 0.5));
    let (card_logo, card_text) = card(area, logo);
    Layout {
        mark_logo,
        mark_text,
        hook: Rect { y: top, height: left - captions - gap, ..area },
        captions: Rect { y: top + left - captions, height: captions, ..area },
        card_logo,
        card_text,
    }
}

/// Room for captions beside a face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CaptionRoom {
    /// Height of a caption's line in pixels, and of all that the outline adds to a caption.
    pub line: f64,
    /// Most lines of the style.
    pub lines: usize,
    /// Whether the question is shown.
    pub hook: bool,
}

/// Fewest lines that captions are pressed into for a face's sake: single lines would change too fast to be read.
const LEAST_LINES: usize = 2;

impl Layout {
    /// The same places with the captions clear of the face, for the whole cut, so that they never jump: fewer lines at
    /// their bottom, else two lines or more above the face, with the question below it. Where neither is free they get
    /// two lines at the bottom, which covers the chin before it covers the mouth.
    pub fn clear_of(self, face: Option<Rect>, room: CaptionRoom) -> Layout {
        let height = |lines: usize| (lines as f64 * room.line + room.line * CAPTION_EDGE).ceil() as u32;
        let at_bottom = |lines: usize| {
            let height = floor_even(height(lines).next_multiple_of(2)).min(self.captions.height);
            Rect { y: self.captions.bottom() - height, height, ..self.captions }
        };
        let Some(face) = face else { return self };
        // The detector's box ends at the lower lip or the chin.
        let face = Rect { height: face.height + face.height / 12, ..face };
        if !at_bottom(room.lines).meets(face) {
            return self;
        }
        let fewest = LEAST_LINES.min(room.lines);
        let fewer = (fewest..room.lines).rev().map(at_bottom).find(|place| !place.meets(face));
        if let Some(captions) = fewer {
            return Layout { captions, ..self };
        }
        let above = floor_even(face.y.saturating_sub(self.hook.y));
        let below = Rect {
            y: face.bottom().next_multiple_of(2),
            height: floor_even(self.captions.bottom().saturating_sub(face.bottom().next_multiple_of(2))),
            ..self.hook
        };
        let hook_fits = !room.hook || below.height >= height(LEAST_LINES);
        if above >= height(fewest) && hook_fits {
            let height = floor_even(height(room.lines)).min(above);
            let captions = Rect { y: self.hook.y + above - height, height, ..self.captions };
            let hook = if room.hook { below } else { self.hook };
            return Layout { captions, hook, ..self };
        }
        Layout { captions: at_bottom(fewest), ..self }
    }
}

/// The watermark's other corner at the same height.
pub fn opposite(corner: Corner) -> Corner {
    match corner {
        Corner::TopLeft => Corner::TopRight,
        Corner::TopRight => Corner::TopLeft,
        Corner::BottomLeft => Corner::BottomRight,
        Corner::BottomRight => Corner::BottomLeft,
    }
}

fn at_top(corner: Corner) -> bool {
    matches!(corner, Corner::TopLeft | Corner::TopRight)
}

/// The logo in the corner and the text beside it, towards the middle.
fn mark_row(
    area: Rect,
    canvas: Size,
    mark: &Watermark,
    logo: Option<Size>,
    line: u32,
    gap: u32,
) -> (Option<Rect>, Option<Rect>) {
    // Beside text the logo takes at most half of the row.
    let most_width = if mark.text.is_some() { area.width / 2 } else { area.width };
    let frame = Size::new(
        ((mark.size * f64::from(canvas.width)) as u32).min(most_width),
        (ROW * f64::from(area.height)) as u32,
    );
    let logo = logo.filter(|_| mark.logo).map(|logo| scaled(logo, frame, f64::INFINITY));
    let line = line.min(part(area.height, ROW)).max(2);
    let row = logo.map_or(0, |logo| logo.height).max(line);
    let at_left = matches!(mark.corner, Corner::TopLeft | Corner::BottomLeft);
    let y = |height: u32| {
        let row_y = if at_top(mark.corner) { area.y } else { area.bottom() - row };
        row_y + floor_even((row - height) / 2)
    };
    let logo = logo.map(|logo| {
        let x = if at_left { area.x } else { area.right() - logo.width };
        Rect::new(x, y(logo.height), logo.width, logo.height)
    });
    let text = mark.text.as_ref().map(|_| {
        let taken = logo.map_or(0, |logo| logo.width + gap);
        let x = if at_left { area.x + taken } else { area.x };
        Rect::new(x, y(line), area.width - taken, line)
    });
    (logo, text)
}

fn card(area: Rect, logo: Option<Size>) -> (Option<Rect>, Rect) {
    let Some(logo) = logo else { return (None, area) };
    let frame = Size::new(part(area.width, CARD_LOGO.0), part(area.height, CARD_LOGO.1));
    let logo = scaled(logo, frame, CARD_LOGO_ENLARGED);
    let text_top = part(area.height, CARD_TEXT);
    // It stands close to the text, so that the two read as one.
    let x = area.x + floor_even((area.width - logo.width) / 2);
    let y = area.y + part(area.height, CARD_LOGO.1) - logo.height;
    let text = Rect { y: area.y + text_top, height: area.height - text_top, ..area };
    (Some(Rect::new(x, y, logo.width, logo.height)), text)
}

/// The picture's size scaled into the frame, at most `enlarged` times its own, both sides even and at least 2.
fn scaled(picture: Size, frame: Size, enlarged: f64) -> Size {
    let fitting = |frame: u32, side: u32| f64::from(frame) / f64::from(side.max(1));
    let scale = fitting(frame.width, picture.width).min(fitting(frame.height, picture.height)).min(enlarged);
    let side = |side: u32, most: u32| floor_even((f64::from(side) * scale).round() as u32).min(floor_even(most)).max(2);
    Size::new(side(picture.width, frame.width), side(picture.height, frame.height))
}

/// That share of a length, even.
fn part(length: u32, share: f64) -> u32 {
    floor_even((f64::from(length) * share) as u32)
}

/// The largest rectangle with even edges inside.
fn even_inside(rect: Rect) -> Rect {
    let (x, y) = (rect.x.next_multiple_of(2), rect.y.next_multiple_of(2));
    Rect::new(x, y, floor_even(rect.right() - x), floor_even(rect.bottom() - y))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn mark(logo: bool, text: bool, corner: Corner, size: f64) -> Watermark {
        Watermark { logo, text: text.then(|| "@alderlane".to_string()), corner, opacity: 0.8, size }
    }

    const PORTRAIT: CanvasChoice =
        CanvasChoice { size: Size::new(1080, 1920), text_box: Rect::new(120, 288, 660, 960) };

    #[test]
    fn the_portrait_box_is_divided_as_drawn() {
        let mark = mark(true, true, Corner::TopRight, 0.16);
        let layout = layout(&PORTRAIT, Some(&mark), Some(Size::new(400, 200)));
        assert_eq!(layout.mark_logo, Some(Rect::new(608, 288, 172, 86)));
        assert_eq!(layout.mark_text, Some(Rect::new(120, 312, 468, 36)));
        assert_eq!(layout.captions, Rect::new(120, 822, 660, 426));
        assert_eq!(layout.hook, Rect::new(120, 394, 660, 408));
        let card = layout.card_logo.unwrap();
        assert_eq!(card.x + card.width / 2, 450);
    }

    #[test]
    fn without_a_mark_the_hook_starts_at_the_top() {
        let layout = layout(&PORTRAIT, None, None);
        assert_eq!((layout.hook.y, layout.captions.bottom()), (288, 1248));
        assert_eq!(layout.card_text, PORTRAIT.text_box);
    }

    #[test]
    fn captions_give_way_to_the_face() {
        let places = layout(&PORTRAIT, None, None);
        let room = CaptionRoom { line: 80.0, lines: 3, hook: false };
        let captions = |top: u32, bottom: u32, room: CaptionRoom| {
            places.clear_of(Some(Rect::new(400, top, 300, bottom - top)), room).captions
        };
        assert_eq!(places.clear_of(None, room), places);
        assert_eq!(captions(500, 900, room), places.captions);
        // Three lines would begin at 992, two at 1072; the chin is a twelfth below the box.
        assert_eq!(captions(640, 1000, room), Rect::new(120, 1072, 660, 176));
        // Nothing below is free: above it.
        assert_eq!(captions(640, 1100, room), Rect::new(120, 384, 660, 256));
        let asked = CaptionRoom { hook: true, ..room };
        let with_hook = places.clear_of(Some(Rect::new(400, 640, 300, 360 + 40)), asked);
        assert_eq!(with_hook.captions, Rect::new(120, 1072, 660, 176));
        // No room for the question below, so the captions cover the chin.
        assert_eq!(captions(640, 1100, asked), Rect::new(120, 1072, 660, 176));
        // A face beside the captions is in nobody's way.
        assert_eq!(places.clear_of(Some(Rect::new(800, 900, 250, 300)), room), places);
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_box_and_nothing_meets(
            canvas in (120u32..2048, 120u32..2048),
            start in (0.0..0.7f64, 0.0..0.7f64),
            share in (0.25..=1.0f64, 0.25..=1.0f64),
            logo in proptest::option::of((1u32..3000, 1u32..3000)),
            parts in (any::<bool>(), any::<bool>(), any::<bool>()),
            corner in prop_oneof![
                Just(Corner::TopLeft), Just(Corner::TopRight), Just(Corner::BottomLeft), Just(Corner::BottomRight)
            ],
            size in 0.05..=0.5f64,
            face in proptest::option::of((0u32..3000, 0u32..3000, 1u32..2000)),
            (line, lines, hook) in (10.0..120.0f64, 1usize..=4, any::<bool>()),
        ) {
            let canvas = Size::new(canvas.0 * 2, canvas.1 * 2);
            let place = |whole: u32, start: f64, share: f64| {
                let start = (f64::from(whole) * start) as u32;
                let least = whole.div_ceil(4);
                (start, ((f64::from(whole) * share) as u32).clamp(least, (whole - start).max(least)))
            };
            let (x, width) = place(canvas.width, start.0, share.0);
            let (y, height) = place(canvas.height, start.1, share.1);
            let text_box = Rect::new(x, y, width, height);
            let mark = mark(parts.1, parts.2, corner, size);
            let logo = logo.map(|(width, height)| Size::new(width, height));
            let layout = layout(&CanvasChoice { size: canvas, text_box }, parts.0.then_some(&mark), logo);
            let layout = match face {
                Some((x, y, side)) => layout.clear_of(Some(Rect::new(x, y, side, side)), CaptionRoom { line, lines, hook }),
                None => layout,
            };
            // Captions above a face may take the question's place where none is shown.
            let question = Some(layout.hook).filter(|_| hook || face.is_none());
            let shown = [layout.mark_logo, layout.mark_text, question, Some(layout.captions)];
            let shown: Vec<Rect> = shown.into_iter().flatten().collect();
            let card: Vec<Rect> = [layout.card_logo, Some(layout.card_text)].into_iter().flatten().collect();
            for places in [&shown, &card] {
                for (index, one) in places.iter().enumerate() {
                    prop_assert!(text_box.holds(*one), "{one:?} in {text_box:?}");
                    prop_assert!(one.width >= 2 && one.height >= 2, "{one:?}");
                    prop_assert!([one.x, one.y, one.width, one.height].iter().all(|n| n % 2 == 0), "{one:?}");
                    prop_assert!(places[..index].iter().all(|other| !one.meets(*other)), "{layout:?}");
                }
            }
        }
    }
}
