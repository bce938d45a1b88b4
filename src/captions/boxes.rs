//! What is drawn beside captions: the hook's box, the mark, the end card. Sizes are shares of the canvas' shorter side;
//! texts shrink until they fit their place.

use super::ass::{Layer, Page, alpha, colour, number};
use super::colour::{WHITE, readable_on};
use super::fonts::{Fonts, Measure};
use super::lines::wrap;
use super::styles::share;
use super::text::clean;
use super::{Card, Hook, MarkText, Scene};
use crate::config::{CardBackground, Corner, Style};
use crate::units::{Rgb, Size, Span};
use unicode_segmentation::UnicodeSegmentation;

/// Line heights of the hook: the largest, and the smallest before its text is cut.
const HOOK: (f64, f64) = (0.066, 0.036);
/// Line height of the mark.
const MARK: f64 = 0.034;
/// Line heights of the end card's texts.
const NAME: f64 = 0.086;
const ACTION: f64 = 0.054;
const CONTACT: f64 = 0.048;
/// The contact lines are read one by one, so they stand apart.
const CONTACT_LEADING: f64 = 1.25;
const DISCLAIMER: f64 = 0.036;
/// The disclaimer is never smaller than this share of the canvas' height.
const LEAST_DISCLAIMER: f64 = 0.02;
/// Space between the card's blocks.
const GAP: f64 = 0.055;
/// How dark the held last picture gets behind the card, so that white text keeps a contrast of 4.5 on a white wall.
const DARKENING: f64 = 0.64;
/// Each step of shrinking.
const SMALLER: f64 = 0.95;

/// Lines of one size, fitted.
struct Block {
    lines: Vec<String>,
    /// In pixels.
    line_height: f64,
    /// From one line to the next, in line heights.
    leading: f64,
}

impl Block {
    fn new(lines: Vec<String>, line_height: f64) -> Self {
        Block { lines, line_height, leading: 1.0 }
    }

    fn height(&self) -> f64 {
        let steps = self.lines.len().saturating_sub(1) as f64;
        (steps * self.leading + 1.0) * self.line_height
    }

    fn width(&self, measure: &Measure) -> f64 {
        self.lines.iter().map(|line| measure.width(line, self.line_height)).fold(0.0, f64::max)
    }

    /// Draws the lines centred below a point.
    fn draw(&self, page: &mut Page, span: Span, (x, y): (f64, f64), letters: Rgb, effect: &str) {
        for (i, line) in self.lines.iter().enumerate() {
            let depth = page.measure.depth(line, self.line_height);
            let bottom = y + (i as f64 * self.leading + 1.0) * self.line_height - depth.usual + depth.line;
            let body = format!(
                "{{\\an2\\pos({},{})\\fs{}\\1c{}{effect}}}{}",
                number(x),
                number(bottom),
                number(self.line_height),
                colour(letters),
                page.line(line, self.line_height)
            );
            page.event(Layer::BoxText, span, "Plain", &body);
        }
    }
}

/// The text at one size on at most `max_lines` lines, cut after a word, or within the only one, and marked with an ellipsis
/// where it must be.
fn cut_to_fit(text: &str, width: f64, max_lines: usize, line_height: f64, measure: &Measure) -> Block {
    let text = clean(text);
    let fitted = |end: usize| {
        let whole = &text[..end];
        let cut = || format!("{}…", whole.trim_end_matches([',', ';', ':', '.']));
        let shown = if end == text.len() { whole.to_string() } else { cut() };
        wrap(&shown, width, max_lines, line_height, measure)
    };
    // The longest that fits, by halving: a text may have ten thousand words.
    let longest =
        |ends: &[usize]| fitted(*ends.get(ends.partition_point(|end| fitted(*end).is_some()).checked_sub(1)?)?);
    let words: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).chain([text.len()]).collect();
    let characters = || text.grapheme_indices(true).map(|(at, c)| at + c.len()).collect::<Vec<_>>();
    let lines = longest(&words).or_else(|| longest(&characters())).unwrap_or_else(|| vec!["…".to_string()]);
    Block::new(lines, line_height)
}

/// Text as it is drawn: its lines, and how high each is.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// From top to bottom.
    pub lines: Vec<String>,
    /// Pixels of the canvas.
    pub line_height: f64,
}

/// The question as it is broken and shrunk on a canvas.
pub fn fitted_hook(hook: &Hook, canvas: Size, fonts: &Fonts) -> Fitted {
    let block = hook_block(hook, canvas, &fonts.measure());
    Fitted { lines: block.lines, line_height: block.line_height }
}

/// The mark as it is shrunk on a canvas.
pub fn fitted_mark(mark: &MarkText, canvas: Size, style: &Style, fonts: &Fonts) -> Fitted {
    let text = clean(&mark.text);
    let line_height = mark_line(mark, &text, canvas, style, &fonts.measure());
    Fitted { lines: vec![text], line_height }
}

/// Space inside the question's box, beside and above its text.
fn hook_padding(line: f64) -> (f64, f64) {
    (0.55 * line, 0.38 * line)
}

fn hook_block(hook: &Hook, canvas: Size, measure: &Measure) -> Block {
    let (width, height) = (f64::from(hook.place.width), f64::from(hook.place.height));
    let fitted = |line: f64| {
        let (beside, above) = hook_padding(line);
        let block = Block::new(wrap(&hook.text, width - 2.0 * beside, 3, line, measure)?, line);
        (block.height() + 2.0 * above <= height).then_some(block)
    };
    let (largest, least) = (share(HOOK.0, canvas).round(), share(HOOK.1, canvas).round());
    let sizes = std::iter::successors(Some(largest), |line| Some((line * SMALLER).floor())).take_while(|l| *l >= least);
    sizes.into_iter().find_map(fitted).unwrap_or_else(|| {
        let (beside, above) = hook_padding(least);
        let most = ((height - 2.0 * above) / least).floor().clamp(1.0, 3.0) as usize;
        cut_to_fit(&hook.text, width - 2.0 * beside, most, least, measure)
    })
}

/// The question on a rounded box at the top of its place, fading out.
pub(super) fn hook(page: &mut Page, scene: &Scene) {
    let Some(hook) = scene.hook.as_ref().filter(|h| !clean(&h.text).is_empty()) else { return };
    let width = f64::from(hook.place.width);
    let block = hook_block(hook, scene.canvas, &page.measure);
    let (beside, above) = hook_padding(block.line_height);
    let box_width = (block.width(&page.measure) + 2.0 * beside).min(width).ceil();
    let (x, y) = (f64::from(hook.place.x) + width / 2.0, f64::from(hook.place.y));
    let size = (box_width, block.height() + 2.0 * above);
    let fade = "\\fad(0,250)";
    filled(page, hook.span, (x - box_width / 2.0, y), size, 0.4 * block.line_height, hook.colour, fade);
    block.draw(page, hook.span, (x, y + above), readable_on(hook.colour), fade);
}

/// Line height of the mark, shrunk to the width of its place.
fn mark_line(mark: &MarkText, text: &str, canvas: Size, style: &Style, measure: &Measure) -> f64 {
    let edge = share(style.outline, canvas) * 0.5;
    let wanted = share(MARK, canvas).round().min(f64::from(mark.place.height) - 2.0 * edge);
    let room = f64::from(mark.place.width) - 2.0 * edge;
    wanted * (room / measure.width(text, wanted).max(1.0)).min(1.0)
}

/// The mark in its corner, shrunk to the width of its place.
pub(super) fn mark(page: &mut Page, scene: &Scene) {
    let Some(mark) = scene.mark_text.as_ref().filter(|m| !clean(&m.text).is_empty()) else { return };
    let text = clean(&mark.text);
    let edge = share(scene.style.outline, scene.canvas) * 0.5;
    let line = mark_line(mark, &text, scene.canvas, scene.style, &page.measure);
    let (left, right) = (f64::from(mark.place.x) + edge, f64::from(mark.place.right()) - edge);
    let (top, bottom) = (f64::from(mark.place.y) + edge, f64::from(mark.place.bottom()) - edge);
    let (align, x, y) = match mark.corner {
        Corner::TopLeft => (7, left, top),
        Corner::TopRight => (9, right, top),
        Corner::BottomLeft => (1, left, bottom),
        Corner::BottomRight => (3, right, bottom),
    };
    let (x, y, size, see_through) = (number(x), number(y), number(line), alpha(mark.opacity));
    let body = format!("{{\\an{align}\\pos({x},{y})\\fs{size}\\alpha{see_through}}}{}", page.line(&text, line));
    page.event(Layer::Mark, mark.span, "Mark", &body);
}

/// The end card: a background over the whole canvas, and its texts one below the other in the middle of their place.
pub(super) fn card(page: &mut Page, scene: &Scene) {
    let Some(card) = &scene.card else { return };
    let letters = match card.background {
        CardBackground::LastFrame => WHITE,
        CardBackground::Plain => readable_on(card.colour),
    };
    let (shade, opacity) = match card.background {
        CardBackground::LastFrame => (Rgb(0, 0, 0), DARKENING),
        CardBackground::Plain => (card.colour, 1.0),
    };
    let canvas = (f64::from(scene.canvas.width), f64::from(scene.canvas.height));
    filled(page, card.span, (0.0, 0.0), canvas, 0.0, shade, &format!("\\1a{}", alpha(opacity)));

    let column = Column::fitted(scene, card, &page.measure);
    let x = f64::from(card.place.x) + f64::from(card.place.width) / 2.0;
    let mut y = f64::from(card.place.y) + ((f64::from(card.place.height) - column.height()) / 2.0).max(0.0);
    for (row, block) in &column.rows {
        match row {
            Row::Action => {
                let (pill, text) = match card.background {
                    CardBackground::LastFrame => (card.colour, readable_on(card.colour)),
                    CardBackground::Plain => (letters, card.colour),
                };
                let (beside, above) = column.pill_padding(block);
                let size = (block.width(&page.measure) + 2.0 * beside, block.height() + 2.0 * above);
                let corner = (block.line_height / 2.0 + above).min(size.1 / 2.0);
                filled(page, card.span, (x - size.0 / 2.0, y), size, corner, pill, "");
                block.draw(page, card.span, (x, y + above), text, "");
            }
            Row::Text => block.draw(page, card.span, (x, y), letters, ""),
        }
        y += column.taken(*row, block) + column.gap;
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Row {
    Text,
    Action,
}

/// The blocks of a card, top to bottom.
struct Column {
    rows: Vec<(Row, Block)>,
    gap: f64,
}

impl Column {
    /// The largest column that fits the card's place; at half size, texts are cut instead.
    fn fitted(scene: &Scene, card: &Card, measure: &Measure) -> Column {
        let sizes = std::iter::successors(Some(1.0), |size| Some(size * SMALLER)).take_while(|size| *size >= 0.5);
        let place = f64::from(card.place.height);
        let whole = |size: f64| Column::of(scene, card, measure, size, false).filter(|c| c.height() <= place);
        let cut = || Column::of(scene, card, measure, 0.5, true);
        sizes.into_iter().find_map(whole).or_else(cut).unwrap_or(Column { rows: Vec::new(), gap: 0.0 })
    }

    fn of(scene: &Scene, card: &Card, measure: &Measure, size: f64, may_cut: bool) -> Option<Column> {
        let px = |part: f64| (share(part, scene.canvas) * size).round();
        let least = (f64::from(scene.canvas.height) * LEAST_DISCLAIMER).ceil();
        let width = f64::from(card.place.width);
        let contact: Vec<&str> = card.contact.iter().map(String::as_str).filter(|t| !clean(t).is_empty()).collect();
        let texts = [
            (Row::Text, Some(card.name.as_str()), px(NAME), 2),
            (Row::Action, card.call_to_action.as_deref(), px(ACTION), 2),
        ];
        let block =
            |text: &str, width: f64, max_lines: usize, line: f64| match wrap(text, width, max_lines, line, measure) {
                Some(lines) => Some(Block::new(lines, line)),
                None if may_cut => Some(cut_to_fit(text, width, max_lines, line, measure)),
                None => None,
            };
        let mut rows = Vec::new();
        for (row, text, line, max_lines) in texts {
            if let Some(text) = text.filter(|t| !clean(t).is_empty()) {
                let inside = if row == Row::Action { width - 2.0 * line } else { width };
                rows.push((row, block(text, inside, max_lines, line)?));
            }
        }
        if !contact.is_empty() {
            let line = px(CONTACT);
            let lines = contact.iter().map(|text| Some(block(text, width, 1, line)?.lines));
            let lines = lines.collect::<Option<Vec<_>>>()?.concat();
            rows.push((Row::Text, Block { leading: CONTACT_LEADING, ..Block::new(lines, line) }));
        }
        if let Some(text) = card.disclaimer.as_deref().filter(|t| !clean(t).is_empty()) {
            rows.push((Row::Text, block(text, width, 4, px(DISCLAIMER).max(least))?));
        }
        Some(Column { rows, gap: px(GAP) })
    }

    fn pill_padding(&self, block: &Block) -> (f64, f64) {
        (block.line_height, block.line_height * 0.4)
    }

    fn taken(&self, row: Row, block: &Block) -> f64 {
        match row {
            Row::Action => block.height() + 2.0 * self.pill_padding(block).1,
            Row::Text => block.height(),
        }
    }

    fn height(&self) -> f64 {
        let gaps = self.gap * self.rows.len().saturating_sub(1) as f64;
        self.rows.iter().map(|(row, block)| self.taken(*row, block)).sum::<f64>() + gaps
    }
}

/// A filled rectangle with rounded corners, as an ASS drawing.
fn filled(page: &mut Page, span: Span, (x, y): (f64, f64), (w, h): (f64, f64), corner: f64, fill: Rgb, effect: &str) {
    // How far the handles of a Bezier quarter circle lie from the corner, as a share of its radius.
    const HANDLE: f64 = 0.4477;
    let (w, h) = (w.round(), h.round());
    let r = corner.min(w / 2.0).min(h / 2.0).round();
    let k = (r * HANDLE).round();
    let path = if r == 0.0 {
        format!("m 0 0 l {w} 0 {w} {h} 0 {h}")
    } else {
        let (wr, hr, wk, hk) = (w - r, h - r, w - k, h - k);
        format!(
            "m {r} 0 l {wr} 0 b {wk} 0 {w} {k} {w} {r} l {w} {hr} b {w} {hk} {wk} {h} {wr} {h} l {r} {h} b {k} {h} 0 {hk} \
             0 {hr} l 0 {r} b 0 {k} {k} 0 {r} 0"
        )
    };
    let (x, y) = (number(x.round()), number(y.round()));
    let body = format!("{{\\an7\\pos({x},{y})\\1c{}{effect}\\p1}}{path}", colour(fill));
    page.event(Layer::Box, span, "Plain", &body);
}
