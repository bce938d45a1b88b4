//! The fonts that captions are drawn with: which are installed, which characters they have, how wide text is.

use super::text::{clean, is_joiner};
use crate::fault::Fault;
use crate::intake::Digest;
use rustybuzz::ttf_parser::GlyphId;
use rustybuzz::{Direction, Face, GlyphBuffer, ShapePlan, UnicodeBuffer};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The installed families of a style, in the order they are tried for each character. Loading reads the system's font
/// list; load once for a batch.
#[derive(Debug)]
pub struct Fonts {
    families: Vec<Loaded>,
}

struct Loaded {
    name: String,
    data: Arc<Vec<u8>>,
    index: u32,
}

/// The files of fonts that somebody has loaded: megabytes each, and the same for most practices of a computer.
static FILES: Mutex<Vec<Weak<Vec<u8>>>> = Mutex::new(Vec::new());

/// A font's file, kept once however many have loaded it.
fn shared(data: Vec<u8>) -> Arc<Vec<u8>> {
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    files.retain(|file| file.strong_count() > 0);
    if let Some(same) = files.iter().filter_map(Weak::upgrade).find(|file| **file == data) {
        return same;
    }
    let data = Arc::new(data);
    files.push(Arc::downgrade(&data));
    data
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.name, self.data.len())
    }
}

impl Fonts {
    /// Reads the faces of the families, bold or regular. Families after the first that are not installed are left out:
    /// `check` tells when a text would need one.
    ///
    /// # Errors
    /// No family is given, or the first is not installed; no more files can be opened.
    pub fn load(families: &[String], bold: bool) -> Result<Fonts, Fault> {
        let mut system = fontdb::Database::new();
        system.load_system_fonts();
        let weight = if bold { fontdb::Weight::BOLD } else { fontdb::Weight::NORMAL };
        let mut loaded = Vec::new();
        for (place, name) in families.iter().enumerate() {
            let wanted = [fontdb::Family::Name(name)];
            let face = system
                .query(&fontdb::Query { families: &wanted, weight, ..Default::default() })
                .and_then(|id| system.with_face_data(id, |data, index| (data.to_vec(), index)))
                .filter(|(data, index)| Face::from_slice(data, *index).is_some());
            match face {
                Some((data, index)) => loaded.push(Loaded { name: name.clone(), data: shared(data), index }),
                None => {
                    // Where no file can be opened every font is missing, and fontdb tells nobody why.
                    can_open_files().map_err(|e| {
                        let advice = "close other programs, or allow more open files (`ulimit -n`), and run again";
                        Fault::new(format!("the caption font {name} could not be looked for ({e})"), advice)
                    })?;
                    if place == 0 {
                        return Err(Fault::new(
                            format!("the caption font {name} is not installed"),
                            format!("install {}, then run the same command again", package_of(name)),
                        ));
                    }
                }
            }
        }
        if loaded.is_empty() {
            return Err(Fault::new("the caption style names no font", "name one in its `fonts`, such as \"Inter\""));
        }
        Ok(Fonts { families: loaded })
    }

    /// What tells these faces from others: plans that were measured with others are others. Reads all of their bytes, so ask
    /// once.
    pub fn digest(&self) -> Digest {
        let mut hasher = blake3::Hasher::new();
        for Loaded { name, data, index } in &self.families {
            hasher.update(format!("{name} {index} {}\n", data.len()).as_bytes()).update(data);
        }
        Digest(hasher.finalize().to_hex().to_string())
    }

    /// How wide one line of text is drawn, in pixels, at a line height (ascent and descent, as libass takes a font
    /// size) in pixels. Opens the fonts (half a millisecond): for a few texts, not for thousands.
    pub fn width(&self, text: &str, line_height: f64) -> f64 {
        self.measure().width(text, line_height)
    }

    /// Whether every character has a glyph in some family.
    ///
    /// # Errors
    /// One has none: libass would draw an empty box. The fault names the character and the package that has it.
    pub fn check(&self, text: &str) -> Result<(), Fault> {
        let measure = self.measure();
        let lacks = |c: &char| !c.is_whitespace() && !is_joiner(*c) && !measure.faces.iter().any(|f| f.has(*c));
        match clean(text).chars().find(lacks) {
            None => Ok(()),
            Some(c) => Err(Fault::new(
                format!("no installed caption font has the character \"{c}\" (U+{:04X})", u32::from(c)),
                advice_for(c),
            )),
        }
    }

    /// The text in runs of one family each. A character goes to the first family that has it; characters that belong
    /// to no script (spaces, digits, punctuation) stay with the letters before them, or after them at the start, where
    /// that family has them, so that a sentence is not patched together from two designs.
    pub fn runs<'t>(&self, text: &'t str) -> Vec<(&str, &'t str)> {
        self.measure().runs(text).into_iter().map(|(face, run)| (self.families[face].name.as_str(), run)).collect()
    }

    /// The faces opened, for measuring many texts.
    pub(super) fn measure(&self) -> Measure<'_> {
        let faces = self
            .families
            .iter()
            .filter_map(|f| Some(Opened::new(&f.name, Face::from_slice(&f.data, f.index)?)))
            .collect();
        Measure { faces }
    }
}

/// The most that a family is scaled to match the first.
const MOST_SCALED: f64 = 1.35;

/// The faces of `Fonts`, opened; never empty. Opening takes longer than measuring a line.
pub(super) struct Measure<'f> {
    faces: Vec<Opened<'f>>,
}

struct Opened<'f> {
    name: &'f str,
    face: Face<'f>,
    /// Font units an em.
    em: f64,
    /// Height of the line that libass makes of it, and the part of it below the baseline, in ems.
    line: (f64, f64),
    plans: RefCell<HashMap<(u32, bool), ShapePlan>>,
}

impl<'f> Opened<'f> {
    fn new(name: &'f str, face: Face<'f>) -> Self {
        // libass scales a face so that its Windows ascent and descent fill the font size (ass_font.c,
        // set_font_metrics), and uses the horizontal header where those are 0.
        let windows = face.tables().os2.map(|os2| (os2.windows_ascender(), os2.windows_descender()));
        let (up, down) = windows.filter(|&(up, down)| up > down).unwrap_or((face.ascender(), face.descender()));
        let em = f64::from(face.units_per_em().max(1));
        let line = (((f64::from(up) - f64::from(down)) / em).max(0.1), -f64::from(down) / em);
        Opened { name, face, em, line, plans: RefCell::default() }
    }

    fn has(&self, c: char) -> bool {
        self.face.glyph_index(c).is_some()
    }

    fn shape(&self, run: &str) -> GlyphBuffer {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(run);
        buffer.guess_segment_properties();
        let (script, direction) = (buffer.script(), buffer.direction());
        let mut plans = self.plans.borrow_mut();
        let key = (script.tag().0, direction == Direction::RightToLeft);
        let plan = plans.entry(key).or_insert_with(|| ShapePlan::new(&self.face, direction, Some(script), None, &[]));
        rustybuzz::shape_with_plan(&self.face, plan, buffer)
    }

    /// Width of a run in ems.
    fn width(&self, run: &str) -> f64 {
        f64::from(self.shape(run).glyph_positions().iter().map(|g| g.x_advance).sum::<i32>()) / self.em
    }

    /// How far the ink of a run reaches below the baseline, in ems.
    fn depth(&self, run: &str) -> f64 {
        let shaped = self.shape(run);
        let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions());
        let lowest = glyphs.filter_map(|(glyph, position)| {
            let ink = self.face.glyph_bounding_box(GlyphId(u16::try_from(glyph.glyph_id).ok()?))?;
            Some(i32::from(ink.y_min) + position.y_offset)
        });
        -f64::from(lowest.min().unwrap_or(0).min(0)) / self.em
    }
}

/// How a line stands on its baseline, in pixels below it.
pub(super) struct Depth {
    /// Where a line of the first family ends.
    pub usual: f64,
    /// Where libass takes this line to end.
    pub line: f64,
    /// Where its ink ends.
    pub ink: f64,
}

impl Measure<'_> {
    /// See `Fonts::width`.
    pub(super) fn width(&self, text: &str, line_height: f64) -> f64 {
        let em = |face: usize| self.size(face, line_height) / self.faces[face].line.0;
        self.runs(text).into_iter().map(|(face, run)| self.faces[face].width(run) * em(face)).sum()
    }

    /// The name of the first family.
    pub(super) fn first(&self) -> &str {
        self.faces[0].name
    }

    /// See `Fonts::runs`; each run with its family's ASS font size at a line height in pixels.
    pub(super) fn sized_runs<'t>(&self, text: &'t str, line_height: f64) -> Vec<(&str, f64, &'t str)> {
        let runs = self.runs(text).into_iter();
        runs.map(|(face, run)| (self.faces[face].name, self.size(face, line_height), run)).collect()
    }

    /// How a line of text stands on its baseline.
    pub(super) fn depth(&self, text: &str, line_height: f64) -> Depth {
        let em = |face: usize| self.size(face, line_height) / self.faces[face].line.0;
        let below = |face: usize| self.faces[face].line.1 * em(face);
        let runs = self.runs(text);
        Depth {
            usual: below(0),
            line: runs.iter().map(|&(face, _)| below(face)).reduce(f64::max).unwrap_or(below(0)),
            ink: runs.iter().map(|&(face, run)| self.faces[face].depth(run) * em(face)).fold(0.0, f64::max),
        }
    }

    /// The ASS font size of a family beside the first at a line height. At equal font sizes, families with tall marks
    /// come out with small letters; so they are enlarged to the first family's em, but not so far that lines touch.
    fn size(&self, face: usize, line_height: f64) -> f64 {
        line_height * (self.faces[face].line.0 / self.faces[0].line.0).clamp(1.0 / MOST_SCALED, MOST_SCALED)
    }

    /// See `Fonts::runs`; each run with its family's place in the chain.
    fn runs<'t>(&self, text: &'t str) -> Vec<(usize, &'t str)> {
        let first_with = |c: char| self.faces.iter().position(|f| f.has(c)).unwrap_or(0);
        let neutral = |c: char| !c.is_alphabetic();
        let opening = text.chars().find(|c| !neutral(*c)).map_or(0, first_with);
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (at, c) in text.char_indices() {
            let current = runs.last().map_or(opening, |&(face, _)| face);
            let stays = is_joiner(c) || (neutral(c) && self.faces[current].has(c));
            let face = if stays { current } else { first_with(c) };
            if runs.last().is_none_or(|&(last, _)| last != face) {
                runs.push((face, at));
            }
        }
        let ends = runs.iter().skip(1).map(|&(_, at)| at).chain([text.len()]);
        runs.iter().zip(ends).map(|(&(face, start), end)| (face, &text[start..end])).collect()
    }
}

/// Whether as many files can be opened at once as looking for a font takes: nested folders and the font. Needs no file that
/// may itself be missing.
fn can_open_files() -> io::Result<()> {
    // Two each.
    let _open = [io::pipe()?, io::pipe()?];
    Ok(())
}

/// The Debian package of a family.
fn package_of(family: &str) -> String {
    match family {
        "Inter" => "the package fonts-inter".to_string(),
        "MotoyaLCedar" => "the package fonts-motoya-l-cedar".to_string(),
        f if f.starts_with("Noto Sans CJK") || f.starts_with("Noto Serif CJK") => {
            "the package fonts-noto-cjk".to_string()
        }
        f if f.starts_with("Noto ") => "the package fonts-noto-core".to_string(),
        f => format!("the font {f}"),
    }
}

/// What helps when no family has the character: which writing it is, and the package of a font that the caption styles
/// look for.
fn advice_for(c: char) -> String {
    let (writing, package) = match u32::from(c) {
        0x1F000..=0x1FAFF => return "take it out of the text: emoji cannot be drawn in captions".to_string(),
        0xE000..=0xF8FF => return "take it out of the text: it has no meaning outside one font".to_string(),
        0x3040..=0x30FF | 0x31F0..=0x31FF | 0xFF66..=0xFF9F => ("Japanese", "fonts-motoya-l-cedar"),
        0x1100..=0x11FF | 0x3130..=0x318F | 0xAC00..=0xD7FF => ("Korean", "fonts-noto-cjk"),
        0x3000..=0x303F | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF00..=0xFFEF | 0x20000..=0x3FFFF => {
            ("Chinese, Japanese or Korean", "fonts-noto-cjk")
        }
        0x0590..=0x05FF | 0xFB1D..=0xFB4F => ("Hebrew", "fonts-noto-core"),
        0x0600..=0x077F | 0x08A0..=0x08FF | 0xFB50..=0xFDFF | 0xFE70..=0xFEFC => ("Arabic", "fonts-noto-core"),
        0x0370..=0x03FF => ("Greek", "fonts-noto-core"),
        0x0400..=0x052F => ("Cyrillic", "fonts-noto-core"),
        0x0900..=0x0DFF => ("an Indian script", "fonts-noto-core"),
        0x0E00..=0x0E7F => ("Thai", "fonts-noto-core"),
        _ => return "install the package fonts-noto-core, or change the text".to_string(),
    };
    format!("this is {writing}: install the package {package}, then run the same command again")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn clear() -> Fonts {
        Fonts::load(&super::super::style("clear").unwrap().fonts, true).unwrap()
    }

    #[test]
    fn a_missing_first_family_names_its_package() {
        let fault = Fonts::load(&["Noto Sans CJK XX".to_string()], true).unwrap_err();
        assert!(fault.to_string().contains("fonts-noto-cjk"), "{fault}");
        assert!(Fonts::load(&["Inter".to_string(), "No Such Font".to_string()], true).is_ok());
        assert!(Fonts::load(&[], true).is_err());
    }

    #[test]
    fn widths_grow_with_the_line_and_the_text() {
        let fonts = clear();
        let width = fonts.width("You should shave", 80.0);
        assert!((width * 0.5 - fonts.width("You should shave", 40.0)).abs() < 0.01);
        assert!(fonts.width("You should shave with", 80.0) > width);
        assert!((400.0..800.0).contains(&width), "{width}");
        assert_eq!(fonts.width("", 80.0), 0.0);
    }

    #[test]
    fn other_scripts_are_enlarged_and_stand_on_the_same_baseline() {
        let fonts = clear();
        let measure = fonts.measure();
        let sizes: Vec<f64> = measure.sized_runs("دواء Aspirin", 80.0).iter().map(|&(_, size, _)| size).collect();
        assert!(sizes[0] > 100.0 && sizes[0] <= 80.0 * MOST_SCALED && sizes[1] == 80.0, "{sizes:?}");
        let (latin, arabic) = (measure.depth("gap", 80.0), measure.depth("يوم", 80.0));
        assert!(latin.line == latin.usual && latin.ink < latin.usual && latin.ink > 10.0);
        assert!(arabic.line > arabic.usual && arabic.ink < arabic.line);
    }

    #[test]
    fn a_missing_glyph_is_named_with_what_helps() {
        let fonts = clear();
        assert!(fonts.check("½ dose ≤ 5 µg → “done”…\u{202E}\n").is_ok());
        let fault = fonts.check("well 😀").unwrap_err().to_string();
        assert!(fault.contains("U+1F600") && fault.contains("emoji"), "{fault}");
        let latin = Fonts::load(&["Inter".to_string()], true).unwrap();
        let fault = latin.check("飲").unwrap_err().to_string();
        assert!(fault.contains("U+98F2") && fault.contains("fonts-noto-cjk"), "{fault}");
        for (text, writing, package) in [
            ("خذ", "Arabic", "fonts-noto-core"),
            ("の", "Japanese", "fonts-motoya-l-cedar"),
            ("약", "Korean", "fonts-noto-cjk"),
            ("\u{5EA}", "Hebrew", "fonts-noto-core"),
        ] {
            let fault = latin.check(text).unwrap_err().to_string();
            assert!(fault.contains(writing) && fault.contains(package), "{fault}");
        }
    }

    #[test]
    fn every_languages_letters_and_spaces_have_glyphs() {
        let fonts = clear();
        for text in [
            "¿Qué? ¡Sí! año pingüino",
            "« Où ? » cœur, ça, naïve",
            "Größe, „Übung“, ẞ",
            "ما هو؟ ٥٠٪، «نعم»؛ مئة",
            "薬は、１日２回「食後」に。疹痒腫々ーヴぁ〜・！？",
        ] {
            fonts.check(text).unwrap();
        }
        let measure = fonts.measure();
        for space in ['\u{A0}', '\u{202F}'] {
            assert!(measure.faces[0].has(space), "U+{:04X} would be a box", u32::from(space));
        }
    }

    #[test]
    fn neutral_characters_stay_with_their_neighbours() {
        let fonts = clear();
        assert_eq!(fonts.runs("take 2 mg."), [("Inter", "take 2 mg.")]);
        assert_eq!(fonts.runs("5 خذ 5 مرات."), [("Noto Sans Arabic", "5 خذ 5 مرات.")]);
        assert_eq!(fonts.runs("دواء Aspirin"), [("Noto Sans Arabic", "دواء "), ("Inter", "Aspirin")]);
        assert!(fonts.runs("").is_empty());
    }
}
