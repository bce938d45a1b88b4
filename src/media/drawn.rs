//! Colours in a script such that they come out right in a cut.
//!
//! FFmpeg's `ass` filter turns the RGB that libass draws into Y'CbCr with the matrix of BT.601, at least up to version
//! 5.1, whatever the picture's own is. Our pictures are BT.709, so a brand colour came out up to 28 codes off. A patch is
//! drawn once to see which matrix it is; if it is BT.601's, every colour of a script is replaced by the one whose BT.601
//! codes are nearest to the BT.709 codes that are wanted.
//!
//! Saturated colours, about a sixth of all, have none within two codes and get the nearest there is; the purest, as
//! green and magenta, stay 23 codes off.

use super::graph::Drawing;
use crate::fault::Fault;
use crate::units::{Rate, Rgb, Size};
use ffmpeg_next as ff;
use ffmpeg_next::frame;
#[cfg(target_os = "linux")]
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The shares of red and blue in luma.
const BT601: (f64, f64) = (0.299, 0.114);
const BT709: (f64, f64) = (0.2126, 0.0722);
/// Side of the patch, in pixels.
const SIDE: u32 = 32;

/// A file that is there for as long as this is: libass reads files only.
///
/// On Linux it is in memory and has no name: what somebody said stays behind nowhere, whatever kills the program, and no
/// temporary folder is needed.
pub struct ScriptFile {
    #[cfg(target_os = "linux")]
    _open: File,
    #[cfg(not(target_os = "linux"))]
    _open: tempfile::NamedTempFile,
    path: PathBuf,
}

impl ScriptFile {
    /// Where libass finds it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    #[cfg(target_os = "linux")]
    fn write(text: &str) -> std::io::Result<Self> {
        use std::os::fd::AsRawFd;
        let mut open = File::from(rustix::fs::memfd_create("captions", rustix::fs::MemfdFlags::CLOEXEC)?);
        open.write_all(text.as_bytes())?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()));
        Ok(ScriptFile { _open: open, path })
    }

    #[cfg(not(target_os = "linux"))]
    fn write(text: &str) -> std::io::Result<Self> {
        let mut open = tempfile::Builder::new().prefix("housecall-").suffix(".ass").tempfile()?;
        open.write_all(text.as_bytes())?;
        let path = open.path().to_path_buf();
        Ok(ScriptFile { _open: open, path })
    }
}

/// An ASS document in a file of its own, with the colours that make the filter draw those that the document names.
///
/// # Errors
/// The filter cannot be set up, or no file can be made.
pub fn script_file(script: &str) -> Result<ScriptFile, Fault> {
    static BY_BT601: OnceLock<bool> = OnceLock::new();
    let by_bt601 = match BY_BT601.get() {
        Some(known) => *known,
        None => *BY_BT601.get_or_init({
            let found = draws_by_bt601()?;
            move || found
        }),
    };
    if by_bt601 { write(&recoloured(script, &nearest)) } else { write(script) }
}

fn write(text: &str) -> Result<ScriptFile, Fault> {
    let failed = |e: std::io::Error| {
        let what = format!("no temporary file can be made for the captions ({e})");
        Fault::new(what, "close other programs or free some space on the disk, and run again")
    };
    ScriptFile::write(text).map_err(failed)
}

/// Draws red and looks at its luma.
fn draws_by_bt601() -> Result<bool, Fault> {
    let script = format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: {SIDE}\nPlayResY: {SIDE}\n\n[V4+ Styles]\nFormat: Name, Fontname, \
         Fontsize, PrimaryColour\nStyle: Red,sans-serif,20,&H000000FF\n\n[Events]\nFormat: Layer, Start, End, Style, \
         Name, MarginL, MarginR, MarginV, Effect, Text\nDialogue: 0,0:00:00.00,0:01:00.00,Red,,0,0,0,,\
         {{\\an7\\pos(0,0)\\bord0\\shad0\\p1}}m 0 0 l {SIDE} 0 {SIDE} {SIDE} 0 {SIDE}\n"
    );
    let file = write(&script)?;
    let mut picture = frame::Video::new(ff::format::Pixel::YUV420P, SIDE, SIDE);
    for (plane, code) in [(0, 16), (1, 128), (2, 128)] {
        picture.data_mut(plane).fill(code);
    }
    picture.set_pts(Some(0));
    let drawn = Drawing::new(Size::new(SIDE, SIDE), Rate::new(30, 1), file.path())?.over(picture)?;
    let middle = drawn.data(0)[(SIDE / 2) as usize * (drawn.stride(0) + 1)];
    let off = |matrix| (codes(Rgb(255, 0, 0), matrix)[0] - f64::from(middle)).abs();
    Ok(off(BT601) < off(BT709))
}

/// Limited range codes of a colour.
fn codes(Rgb(r, g, b): Rgb, (red, blue): (f64, f64)) -> [f64; 3] {
    let [r, g, b] = [r, g, b].map(|byte| f64::from(byte) / 255.0);
    let y = red * r + (1.0 - red - blue) * g + blue * b;
    [16.0 + 219.0 * y, 128.0 + 112.0 * (b - y) / (1.0 - blue), 128.0 + 112.0 * (r - y) / (1.0 - red)]
}

/// The colour whose BT.601 codes are nearest to the BT.709 codes of this one. The distance has one valley, so walking
/// down it from the colour itself, in smaller and smaller steps, ends at its floor.
fn nearest(colour: Rgb) -> Rgb {
    let wanted = codes(colour, BT709);
    let distance = |c: Rgb| -> f64 { codes(c, BT601).iter().zip(wanted).map(|(a, b)| (a - b) * (a - b)).sum() };
    let mut best = (distance(colour), colour);
    for step in [16, 4, 1] {
        loop {
            let steps = || [-step, 0, step].into_iter();
            let moved = |byte: u8, by: i16| (i16::from(byte) + by).clamp(0, 255) as u8;
            let around = steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| (r, g, b))));
            let Rgb(r, g, b) = best.1;
            let next = around
                .map(|by| Rgb(moved(r, by.0), moved(g, by.1), moved(b, by.2)))
                .map(|c| (distance(c), c))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            match next {
                Some(next) if next.0 < best.0 => best = next,
                _ => break,
            }
        }
    }
    best.1
}

/// Changes the colours of styles and of overrides. Text is left alone, whatever it spells: colours count only in
/// a line that begins a style, or within braces that are not escaped.
fn recoloured(script: &str, change: &dyn Fn(Rgb) -> Rgb) -> String {
    let mut out = String::with_capacity(script.len());
    for line in script.split_inclusive('\n') {
        if line.starts_with("Style:") {
            replace(&mut out, line, 8, change);
            continue;
        }
        let mut rest = line;
        while let Some(open) = unescaped_brace(rest) {
            let (text, override_) = rest.split_at(open);
            let end = override_.find('}').map_or(override_.len(), |at| at + 1);
            out.push_str(text);
            replace(&mut out, &override_[..end], 6, change);
            rest = &override_[end..];
        }
        out.push_str(rest);
    }
    out
}

fn unescaped_brace(text: &str) -> Option<usize> {
    text.match_indices('{').map(|(at, _)| at).find(|at| !text[..*at].ends_with('\\'))
}

/// Copies `part` with each `&H` number of so many digits changed; its last six digits are blue, green and red.
fn replace(out: &mut String, part: &str, digits: usize, change: &dyn Fn(Rgb) -> Rgb) {
    let mut rest = part;
    while let Some(at) = rest.find("&H") {
        let (before, after) = rest.split_at(at + 2);
        out.push_str(before);
        let length = after.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (number, after) = after.split_at(length);
        rest = after;
        match u32::from_str_radix(number, 16) {
            Ok(value) if length == digits => {
                let [_, blue, green, red] = value.to_be_bytes();
                let Rgb(red, green, blue) = change(Rgb(red, green, blue));
                out.push_str(&format!("{}{blue:02X}{green:02X}{red:02X}", &number[..digits - 6]));
            }
            _ => out.push_str(number),
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// How far the codes of a colour are from those wanted, at worst and in luma.
    fn left_over(colour: Rgb) -> (f64, f64) {
        let (got, wanted) = (codes(nearest(colour), BT601), codes(colour, BT709));
        let off = [0, 1, 2].map(|i| (got[i] - wanted[i]).abs());
        (off.into_iter().fold(0.0, f64::max), off[0])
    }

    #[test]
    fn most_colours_come_out_within_a_code_and_pure_ones_as_near_as_can_be() {
        let steps = || (0..=255u8).step_by(17);
        let all: Vec<f64> =
            steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| left_over(Rgb(r, g, b)).0))).collect();
        let share = |bound: f64| all.iter().filter(|off| **off <= bound).count() as f64 / all.len() as f64;
        let worst = all.iter().copied().fold(0.0, f64::max);
        let said = format!("within 1 code {:.3}, within 2 {:.3}, worst {worst:.2}", share(1.0), share(2.0));
        assert!(share(1.0) > 0.8 && worst < 23.5, "{said}");
        assert_eq!(nearest(Rgb(255, 255, 255)), Rgb(255, 255, 255));
        assert_eq!(nearest(Rgb(16, 16, 16)), Rgb(16, 16, 16));
    }

    #[test]
    fn only_colours_are_changed_and_text_that_looks_like_one_is_not() {
        let turned = |script: &str| recoloured(script, &|Rgb(r, g, b)| Rgb(b, g, r));
        assert_eq!(turned("Style: A,B,5,&H00112233,&H80AABBCC,-1\n"), "Style: A,B,5,&H00332211,&H80CCBBAA,-1\n");
        assert_eq!(
            turned("Dialogue: 0,{\\1a&H40&\\1c&H112233&}a &H112233& \\{\\1c&H112233&\\}{\\1c&H445566&}é\n"),
            "Dialogue: 0,{\\1a&H40&\\1c&H332211&}a &H112233& \\{\\1c&H112233&\\}{\\1c&H665544&}é\n"
        );
        assert_eq!(turned("Title: &H112233&\nDialogue: {\\1c&H"), "Title: &H112233&\nDialogue: {\\1c&H");
    }
}
