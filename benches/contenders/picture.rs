//! The figures as a picture: bars of wall time, readable on light and dark pages.

use crate::report::{Book, Comparison};
use std::fmt::Write;

const WIDTH: f64 = 760.0;
/// Where bars start, and how long the longest is.
const LEFT: f64 = 96.0;
const LONGEST: f64 = 470.0;
const BAR: f64 = 16.0;
const STEP: f64 = 22.0;

/// Order, name and class of the bars.
const BARS: [(&str, &str, &str); 3] =
    [("housecall", "Housecall", "ours"), ("expert", "expert", "theirs"), ("script", "script", "theirs")];

/// A bar chart of every part that was measured, as SVG.
pub fn draw(book: &Book) -> String {
    let mut body = String::new();
    let mut y = 44.0;
    for (part, comparison) in &book.comparisons {
        y = group(&mut body, y, part, comparison);
    }
    let (height, stamp) = (y + 16.0, book.comparisons.values().next().map(|c| &c.stamp));
    let computer = stamp.map_or(String::new(), |s| format!("{} cores, {}", s.cores, s.processor));
    let _ = write!(
        body,
        "<text class=\"small\" x=\"0\" y=\"{y:.0}\">Shorter is faster. Medians; {}. Script: one ffmpeg a platform. \
         Expert: one ffmpeg with split.</text>",
        escaped(&computer)
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"Seconds that Housecall and two ffmpeg scripts take for the same cuts\">\n\
         <style>\n\
         text {{ font: 13px Inter, \"Segoe UI\", Helvetica, Arial, sans-serif; fill: #24292f }}\n\
         .title {{ font-size: 16px; font-weight: 600 }} .head {{ font-weight: 600 }}\n\
         .small {{ font-size: 11px; fill: #57606a }} .ours {{ fill: #1f6f5c }} .theirs {{ fill: #a8b1bb }}\n\
         @media (prefers-color-scheme: dark) {{\n\
         text {{ fill: #e6edf3 }} .small {{ fill: #9198a1 }} .ours {{ fill: #3fb68f }} .theirs {{ fill: #57606a }}\n\
         }}\n</style>\n\
         <text class=\"title\" x=\"0\" y=\"18\">Seconds for all cuts of eight platforms</text>\n{body}\n</svg>\n"
    )
}

/// Draws one part below `y`; where the next may start.
fn group(body: &mut String, mut y: f64, part: &str, comparison: &Comparison) -> f64 {
    let about = match comparison.clips.as_slice() {
        [one] => one.clone(),
        many => format!("{} mixed clips", many.len()),
    };
    let floor = comparison.over_floor().map_or(String::new(), |by| {
        format!("; Housecall's processor time is {by:.2} times that of decoding once and encoding")
    });
    // Writing to a String cannot fail.
    let _ = writeln!(body, "<text x=\"0\" y=\"{y:.0}\" class=\"head\">{}</text>", escaped(&format!("{part}: {about}")));
    let _ = writeln!(
        body,
        "<text class=\"small\" x=\"0\" y=\"{:.0}\">{}: {:.0} s of clips, {} cuts, {} unique encodes{}</text>",
        y + 16.0,
        escaped(&comparison.stamp.date),
        comparison.clip_seconds,
        comparison.cuts,
        comparison.renders,
        escaped(&floor)
    );
    y += 26.0;
    let most = comparison.contenders.values().map(|f| f.wall_s).fold(0.0, f64::max);
    for (name, label, class) in BARS {
        let Some(figures) = comparison.contenders.get(name) else { continue };
        let length = figures.wall_s / most * LONGEST;
        let ratio = match comparison.wall_ratio(name).filter(|_| name != "housecall") {
            Some(ratio) => format!(" · {ratio:.2} times as long"),
            None => String::new(),
        };
        let _ = writeln!(
            body,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{label}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y:.0}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\">{:.1} s{ratio}</text>",
            LEFT - 8.0,
            y + 13.0,
            LEFT + length + 8.0,
            y + 13.0,
            figures.wall_s
        );
        y += STEP;
    }
    y + 24.0
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
