//! A scene as an ASS document (Advanced SubStation Alpha, as libass reads it).
//!
//! Everything stands at explicit pixels: the script's resolution is the canvas, lines are broken here and never by
//! libass, and every event says where it is.

use super::boxes::{card, hook, mark};
use super::fonts::Measure;
use super::text::{directed, join_with_ranges, reads_rtl};
use super::{Cue, Fonts, Scene, line_height, styles};
use crate::units::{Rgb, Span, Time};
use std::fmt::Write;
use std::ops::Range;

/// The whole document for one cut. The words should have passed `Fonts::check`: libass draws an empty box for a
/// character that no font has.
pub fn ass(scene: &Scene, fonts: &Fonts) -> String {
    let mut page = Page { measure: fonts.measure(), events: String::new() };
    let lines: Vec<String> = scene.cues.iter().flat_map(Cue::text).collect();
    let rtl = reads_rtl(lines.iter().map(String::as_str));
    scene.cues.iter().for_each(|cue| caption(&mut page, scene, cue, rtl));
    mark(&mut page, scene);
    hook(&mut page, scene);
    card(&mut page, scene);
    head(scene, page.measure.first()) + &page.events
}

/// Layers, from the back to the front.
#[derive(Clone, Copy)]
pub(super) enum Layer {
    Mark = 0,
    Caption = 1,
    Box = 2,
    BoxText = 3,
}

/// The events written so far.
pub(super) struct Page<'f> {
    /// The fonts of the document.
    pub measure: Measure<'f>,
    events: String,
}

impl Page<'_> {
    /// One event; `body` is overrides and escaped text.
    pub(super) fn event(&mut self, layer: Layer, span: Span, style: &str, body: &str) {
        let (start, end) = (centis(span.start), centis(span.end));
        if start < end && !body.is_empty() {
            let (start, end) = (stamp(start), stamp(end));
            // Writing to a String cannot fail.
            let _ = writeln!(self.events, "Dialogue: {},{start},{end},{style},,0,0,0,,{body}", layer as u8);
        }
    }

    /// A line of text, escaped, each run in a family that has its characters. `height` is that of the line in pixels.
    pub(super) fn line(&self, text: &str, height: f64) -> String {
        self.directed_line(text, height, reads_rtl([text].into_iter()), None)
    }

    /// The same for a line of a text that is read from the right or not, with the bytes of a range in a colour, and back
    /// to another after it.
    fn directed_line(&self, text: &str, height: f64, rtl: bool, mark: Option<(Range<usize>, Rgb, Rgb)>) -> String {
        let controls = directed(text, rtl);
        let mut body = String::new();
        let mut family = self.measure.first();
        let mut at = 0;
        let switch = |body: &mut String, position: usize| {
            body.extend(controls.iter().filter(|(at, _)| *at == position).map(|(_, control)| control));
            if let Some((range, on, off)) = &mark {
                if position == range.start {
                    let _ = write!(body, "{{\\1c{}}}", colour(*on));
                } else if position == range.end {
                    let _ = write!(body, "{{\\1c{}}}", colour(*off));
                }
            }
        };
        for (name, size, run) in self.measure.sized_runs(text, height) {
            if name != family {
                let _ = write!(body, "{{\\fn{name}\\fs{}}}", number(size));
                family = name;
            }
            for (offset, c) in run.char_indices() {
                switch(&mut body, at + offset);
                escape(&mut body, c);
            }
            at += run.len();
        }
        switch(&mut body, at);
        body
    }
}

/// Writes a character such that libass draws it and obeys nothing: braces are escaped; a backslash is followed by a
/// zero-width space, which libass skips, so that `\N`, `\h` and `\{` in a text are only letters. All text of people
/// goes through here, cleaned before of what cannot be seen (`text::clean`).
fn escape(body: &mut String, c: char) {
    match c {
        '{' => body.push_str("\\{"),
        '}' => body.push_str("\\}"),
        '\\' => body.push_str("\\\u{200B}"),
        c if c.is_control() => body.push(' '),
        c => body.push(c),
    }
}

/// `&HBBGGRR&`.
pub(super) fn colour(Rgb(r, g, b): Rgb) -> String {
    format!("&H{b:02X}{g:02X}{r:02X}&")
}

/// Opacity 0.0 to 1.0 as ASS alpha, where 00 is solid.
pub(super) fn alpha(opacity: f64) -> String {
    format!("&H{:02X}&", ((1.0 - opacity.clamp(0.0, 1.0)) * 255.0).round() as u8)
}

/// A cue, an event or more for each line, so that lines stand where they were planned to whatever fonts they need. `rtl`
/// says that the text of all cues is read from the right; a cue may be so alone.
fn caption(page: &mut Page, scene: &Scene, cue: &Cue, rtl: bool) {
    let area = scene.caption_box;
    let height = line_height(scene.style, scene.canvas);
    let edge = f64::from(area.bottom()) - styles::share(scene.style.outline, scene.canvas).ceil();
    let x = number(f64::from(area.x) + f64::from(area.width) / 2.0);
    let texts = cue.text();
    let rtl = rtl || reads_rtl(texts.iter().map(String::as_str));
    let depths: Vec<_> = texts.iter().map(|text| page.measure.depth(text, height)).collect();
    // Letters that reach lower than the first family's line push all lines up, so that the ink stays in the box.
    let last = depths.last().map_or(0.0, |depth| depth.usual.max(depth.ink));

    let words: Vec<_> = cue.lines.iter().flatten().collect();
    let spoken_from = |k: usize| match words.get(k) {
        _ if k == 0 => cue.span.start,
        Some(word) => word.span.start.clamp(cue.span.start, cue.span.end),
        None => cue.span.end,
    };
    let mut first = 0;
    for (i, line) in cue.lines.iter().enumerate() {
        let baseline = edge - last - (cue.lines.len() - 1 - i) as f64 * height;
        let place = format!("{{\\an2\\pos({x},{})}}", number(baseline + depths[i].line));
        let plain = place.clone() + &page.directed_line(&texts[i], height, rtl, None);
        // With encoding -1 libass orders a line as a whole, so a colour between two words moves none of them.
        let Some(on) = scene.style.spoken_colour else {
            page.event(Layer::Caption, cue.span, "Caption", &plain);
            continue;
        };
        // From the start of each word to the start of the next: the line never flickers.
        let after = first + line.len();
        let (text, ranges) = join_with_ranges(line);
        page.event(Layer::Caption, Span::new(cue.span.start, spoken_from(first)), "Caption", &plain);
        for (k, range) in (first..after).zip(ranges) {
            let marked = page.directed_line(&text, height, rtl, Some((range, on, scene.style.colour)));
            let span = Span::new(spoken_from(k), spoken_from(k + 1));
            page.event(Layer::Caption, span, "Caption", &(place.clone() + &marked));
        }
        page.event(Layer::Caption, Span::new(spoken_from(after), cue.span.end), "Caption", &plain);
        first = after;
    }
}

fn head(scene: &Scene, font: &str) -> String {
    let style = scene.style;
    let bold = if style.bold { -1 } else { 0 };
    let height = line_height(style, scene.canvas);
    let outline = styles::share(style.outline, scene.canvas);
    // Encoding -1 lets libass find the direction of each text by itself.
    let row = |name: &str, letters: Rgb, outline: f64, align: u8| {
        let (letters, edge) = (hex(letters), hex(style.outline_colour));
        format!(
            "Style: {name},{},{},&H00{letters},&H00{letters},&H00{edge},&H00{edge},{bold},0,0,0,100,100,0,0,1,{},0,{align},0,0,0,-1\n",
            font,
            number(height),
            number(outline),
        )
    };
    let rows = row("Caption", style.colour, outline, 2)
        + &row("Mark", super::colour::WHITE, outline * 0.5, 7)
        + &row("Plain", super::colour::WHITE, 0.0, 8);
    format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: {}\nPlayResY: {}\nWrapStyle: 2\nScaledBorderAndShadow: yes\n\
         Kerning: yes\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, \
         OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, \
         Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n{rows}\n[Events]\n\
         Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n",
        scene.canvas.width, scene.canvas.height,
    )
}

fn hex(Rgb(r, g, b): Rgb) -> String {
    format!("{b:02X}{g:02X}{r:02X}")
}

/// At most two decimals, as short as can be.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// A moment in centiseconds, such that an event is drawn from the frame that starts then, and two events that touch
/// leave no frame between them and share none. FFmpeg's filter cuts a frame's time down to milliseconds in floating
/// point, which can lose one: so one is taken off first, and the rest is rounded down. That shows an event at most 11 ms
/// early, less than a frame at 60 frames a second.
fn centis(time: Time) -> i64 {
    (time.0 - 1000).div_euclid(10_000).max(0)
}

fn stamp(centis: i64) -> String {
    let seconds = centis / 100;
    format!("{}:{:02}:{:02}.{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60, centis % 100)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Card, Hook, LineLimits, MarkText, cues, fitted_hook, fitted_mark, style};
    use super::*;
    use crate::config::{CardBackground, Corner, Style};
    use crate::speech::Word;
    use crate::units::{Rate, Rect, Size};
    use std::path::Path;

    /// Words at a speaker's pace: 70 ms a character.
    fn speech(text: &str) -> Vec<Word> {
        let mut at = 400;
        let word = |t: &str| {
            let start = at;
            at += 70 * t.chars().count() as i64 + 70;
            let span = Span::new(Time::from_millis(start), Time::from_millis(at - 60));
            Word { text: t.to_string(), span, confidence: 1.0 }
        };
        text.split(' ').map(word).collect()
    }

    fn seconds(start: f64, end: f64) -> Span {
        Span::new(Time::from_seconds(start), Time::from_seconds(end))
    }

    fn fonts(style: &Style) -> Fonts {
        Fonts::load(&style.fonts, style.bold).unwrap()
    }

    /// Captions of a text on a canvas, and what a test adds.
    fn document(name: &str, canvas: Size, area: Rect, text: &str, add: impl Fn(&mut Scene)) -> String {
        let style = style(name).unwrap();
        let fonts = fonts(&style);
        let limits = LineLimits::new(&style, canvas, area);
        let cues = cues(&speech(text), None, &style, &limits, Some(&fonts));
        cues.iter().flat_map(Cue::text).for_each(|line| fonts.check(&line).unwrap());
        let mut scene =
            Scene { canvas, cues: &cues, caption_box: area, style: &style, hook: None, mark_text: None, card: None };
        add(&mut scene);
        ass(&scene, &fonts)
    }

    fn alder_lane(span: Span, place: Rect, background: CardBackground) -> Card {
        Card {
            span,
            place,
            background,
            colour: Rgb(0x1F, 0x6F, 0x5C),
            name: "Alder Lane Clinic".to_string(),
            call_to_action: Some("Book a visit".to_string()),
            contact: vec!["020 7946 0123".to_string(), "alderlane.example".to_string(), "@alderlane".to_string()],
            disclaimer: Some("General information, not medical advice. Ask your own clinician.".to_string()),
        }
    }

    /// Compares with `tests/golden`; `HOUSECALL_BLESS=1` rewrites the file instead.
    fn golden(name: &str, made: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        if std::env::var_os("HOUSECALL_BLESS").is_some() {
            std::fs::write(&path, made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let (old, new): (Vec<_>, Vec<_>) = (kept.lines().collect(), made.lines().collect());
        let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {line}\n"));
        let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}\n"));
        let diff: String = gone.chain(come).collect();
        assert!(kept == made, "{name} is not as blessed (HOUSECALL_BLESS=1 rewrites it):\n{diff}");
    }

    const ADVICE: &str = "Razor bumps are ingrown hairs, and they itch. You should shave with the grain, and rinse the \
        blade often. Do not take more than 2 mg a day unless Dr. Mary Reed tells you to.";

    #[test]
    fn portrait_cut_with_everything_is_as_blessed() {
        let area = Rect::new(120, 288, 660, 960);
        let made = document("clear", Size::new(1080, 1920), area, ADVICE, |scene| {
            let colour = Rgb(0x1F, 0x6F, 0x5C);
            let text = "How do I get rid of razor bumps on my neck?".to_string();
            scene.hook = Some(Hook { text, span: seconds(0.0, 3.0), place: Rect::new(120, 400, 660, 400), colour });
            scene.mark_text = Some(MarkText {
                text: "@alderlane".to_string(),
                place: area,
                corner: Corner::TopLeft,
                opacity: 0.8,
                span: seconds(0.0, 15.0),
            });
            let place = Rect::new(120, 560, 660, 688);
            scene.card = Some(alder_lane(seconds(15.0, 18.0), place, CardBackground::LastFrame));
        });
        golden("portrait-clear.ass", &made);
    }

    #[test]
    fn landscape_cut_with_spoken_words_is_as_blessed() {
        let area = Rect::new(192, 108, 1536, 886);
        let made = document("spoken", Size::new(1920, 1080), area, ADVICE, |scene| {
            let text = "Why do I get razor bumps?".to_string();
            let place = Rect::new(192, 160, 1536, 300);
            scene.hook = Some(Hook { text, span: seconds(0.0, 3.0), place, colour: Rgb(0xF2, 0xC1, 0x4E) });
            let place = Rect::new(192, 380, 1536, 600);
            scene.card = Some(alder_lane(seconds(15.0, 18.0), place, CardBackground::Plain));
        });
        golden("landscape-spoken.ass", &made);
    }

    #[test]
    fn square_cut_in_other_scripts_is_as_blessed() {
        let area = Rect::new(60, 108, 960, 900);
        let text = "يجب أن تأخذ 5 حبات Aspirin (كل يوم) بعد الطعام، ولا تنس شرب الماء. Литр воды \u{2264} 2 л, 50 % больше. \
            पानी पीजिए। ดื่มน้ำมากๆ";
        let made = document("spoken", Size::new(1080, 1080), area, text, |_| ());
        golden("square-scripts.ass", &made);
    }

    #[test]
    fn nobody_writes_commands_into_a_caption() {
        let area = Rect::new(60, 108, 960, 900);
        let text = "{\\b0}a\\Nb \\h\\{d} \u{202E}e\nf {\\i";
        let made = document("clear", Size::new(1080, 1080), area, text, |_| ());
        let body = made.lines().last().unwrap().split_once(",,0,0,0,,").unwrap().1;
        let text = body.trim_start_matches(|c| c != '}').trim_start_matches('}');
        assert_eq!(text, "\\{\\\u{200B}b0\\}a\\\u{200B}Nb \\\u{200B}h\\\u{200B}\\{d\\} e f \\{\\\u{200B}i");
    }

    #[test]
    fn events_meet_on_frames_without_gap_or_overlap() {
        // As FFmpeg's filter reads a frame's time: milliseconds cut down, at worst one too few.
        let drawn = |start: Time, end: Time, ms: i64| centis(start) * 10 <= ms && ms < centis(end) * 10;
        for rate in [Rate::new(24, 1), Rate::new(30_000, 1001), Rate::new(30, 1), Rate::new(60, 1)] {
            for n in 1..2000 {
                let (start, border, end) = (rate.time_of(n - 1), rate.time_of(n), rate.time_of(n + 1));
                for short in [0, 1] {
                    let ms = |t: Time| (t.millis() - short).max(0);
                    assert!(drawn(start, border, ms(start)) && !drawn(border, end, ms(start)), "{rate:?} {n}");
                    assert!(drawn(border, end, ms(border)) && !drawn(start, border, ms(border)), "{rate:?} {n}");
                }
            }
        }
    }

    #[test]
    fn spoken_words_light_up_one_after_the_other_without_a_gap() {
        let area = Rect::new(120, 288, 660, 960);
        let made = document("spoken", Size::new(1080, 1920), area, "Wash your face. Rest.", |_| ());
        let events: Vec<&str> = made.lines().filter(|l| l.starts_with("Dialogue")).collect();
        let times: Vec<Vec<&str>> = events.iter().map(|e| e.split(',').skip(1).take(2).collect()).collect();
        assert_eq!(events.len(), 4);
        assert!(times.windows(2).all(|pair| pair[0][1] == pair[1][0]), "{times:?}");
        assert!(events[1].ends_with("Wash {\\1c&H4DD8FF&}your{\\1c&HFFFFFF&} face."), "{}", events[1]);
    }

    #[test]
    fn texts_shrink_or_are_cut_to_their_place() {
        let style = style("clear").unwrap();
        let fonts = fonts(&style);
        let long = "Why does my skin get so very red and itchy whenever I shave ".repeat(8);
        let first = |words: usize| long.split(' ').take(words).collect::<Vec<_>>().join(" ");
        let (upright, lying) = (Size::new(1080, 1920), Size::new(1920, 1080));
        let one_word = "W".repeat(3000);
        for (text, canvas) in [
            (first(12), upright),
            (first(95), upright),
            (first(95), lying),
            ("why ".repeat(10_000), upright),
            (one_word.clone(), upright),
        ] {
            let name = if text == one_word { &one_word } else { &long };
            let place = Rect::new(120, 300, 660, 300);
            let hook = Some(Hook { text, span: seconds(0.0, 3.0), place, colour: Rgb(0, 0, 0) });
            let mut scene =
                Scene { canvas, cues: &[], caption_box: place, style: &style, hook, mark_text: None, card: None };
            let card_place = Rect::new(120, 500, 660, 420);
            let mut card = alder_lane(seconds(3.0, 6.0), card_place, CardBackground::Plain);
            card.name = name.clone();
            scene.card = Some(card);
            for event in ass(&scene, &fonts).lines().filter(|l| l.contains("\\fs")) {
                let (tags, text) = event.split_once(",,0,0,0,,{").unwrap().1.split_once('}').unwrap();
                let height: f64 = tags.split("\\fs").nth(1).unwrap().split('\\').next().unwrap().parse().unwrap();
                let y: f64 = tags.split([',', ')']).nth(1).unwrap().parse().unwrap();
                let bottom = if event.contains("fad") { 600.0 } else { 920.0 };
                assert!(y <= bottom, "{event}");
                assert!(fonts.width(text, height) <= 660.0, "{event}");
            }
        }
    }

    #[test]
    fn whoever_shows_a_cut_is_told_the_lines_and_sizes_that_are_drawn() {
        let style = style("clear").unwrap();
        let fonts = fonts(&style);
        let (canvas, place) = (Size::new(1080, 1920), Rect::new(120, 300, 660, 300));
        let asked = ["What helps with tennis elbow?".to_string(), "razor bumps, ".repeat(60)];
        for text in asked {
            let hook = Hook { text, span: seconds(0.0, 3.0), place, colour: Rgb(0, 0, 0) };
            let text = "@a.practice.with.a.name.that.is.far.too.long.for.its.place".to_string();
            let span = seconds(0.0, 3.0);
            let mark = MarkText { text, place, corner: Corner::TopLeft, opacity: 1.0, span };
            let (question, name) = (fitted_hook(&hook, canvas, &fonts), fitted_mark(&mark, canvas, &style, &fonts));
            let (hook, mark_text) = (Some(hook), Some(mark));
            let scene = Scene { canvas, cues: &[], caption_box: place, style: &style, hook, mark_text, card: None };
            let drawn = ass(&scene, &fonts);
            assert!(!question.lines.is_empty() && name.lines.len() == 1);
            for (fitted, style) in [(question, "Plain"), (name, "Mark")] {
                let of_style = format!(",{style},,");
                let drawn = drawn.lines().filter(|event| event.contains(&of_style) && !event.contains("\\p1"));
                let drawn: Vec<(&str, &str)> = drawn.map(|event| event.rsplit_once('}').unwrap()).collect();
                let size = format!("\\fs{}\\", number(fitted.line_height));
                assert!(drawn.iter().all(|(tags, _)| tags.contains(&size)), "{drawn:?}: {size}");
                assert_eq!(drawn.iter().map(|(_, text)| *text).collect::<Vec<_>>(), fitted.lines);
            }
        }
    }
}
