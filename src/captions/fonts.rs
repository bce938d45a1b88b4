//! The fonts that captions are drawn with: which are installed, which characters they have, how wide text is.

use super::text::{clean, is_joiner, is_unspaced};
use crate::fault::Fault;
use rustybuzz::{Direction, Face, Script, ShapePlan, UnicodeBuffer};
use std::cell::RefCell;
use std::collections::HashMap;

/// The installed families of a style, in the order they are tried for each character. Loading reads the system's font
/// list; load once for a batch.
#[derive(Debug)]
pub struct Fonts {
    families: Vec<Loaded>,
}

struct Loaded {
    name: String,
    data: Vec<u8>,
    index: u32,
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
    /// No family is given, or the first is not installed.
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
                Some((data, index)) => loaded.push(Loaded { name: name.clone(), data, index }),
                None if place == 0 => {
                    return Err(Fault::new(
                        format!("the caption font {name} is not installed"),
                        format!("install {}, then run the same command again", package_of(name)),
                    ));
                }
                None => {}
            }
        }
        if loaded.is_empty() {
            return Err(Fault::new("the caption style names no font", "name one in its `fonts`, such as \"Inter\""));
        }
        Ok(Fonts { families: loaded })
    }

    /// How wide one line of text is drawn, in pixels, at a line height (ascent and descent, as libass takes a font
    /// size) in pixels.
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

    /// The name of the first family.
    pub(super) fn first(&self) -> &str {
        self.families.first().map_or("", |f| &f.name)
    }

    /// The faces opened, for measuring many texts.
    pub(super) fn measure(&self) -> Measure<'_> {
        let faces = self.families.iter().filter_map(|f| Face::from_slice(&f.data, f.index)).map(Opened::new).collect();
        Measure { faces }
    }
}

/// The faces of `Fonts`, opened. Opening takes longer than measuring a line.
pub(super) struct Measure<'f> {
    faces: Vec<Opened<'f>>,
}

struct Opened<'f> {
    face: Face<'f>,
    /// Lines a font unit: advances times this, times the line height in pixels, are pixels.
    scale: f64,
    plans: RefCell<HashMap<(u32, u32), ShapePlan>>,
}

impl<'f> Opened<'f> {
    fn new(face: Face<'f>) -> Self {
        // libass scales a face so that its Windows ascent and descent fill the font size (ass_font.c,
        // set_font_metrics), and uses the horizontal header where those are 0.
        let windows =
            face.tables().os2.map_or(0, |os2| i32::from(os2.windows_ascender()) - i32::from(os2.windows_descender()));
        let header = i32::from(face.ascender()) - i32::from(face.descender());
        let units = if windows > 0 { windows } else { header.max(1) };
        Opened { face, scale: 1.0 / f64::from(units), plans: RefCell::default() }
    }

    fn has(&self, c: char) -> bool {
        self.face.glyph_index(c).is_some()
    }

    /// Width of a run in lines.
    fn width(&self, run: &str) -> f64 {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(run);
        buffer.guess_segment_properties();
        let (script, direction) = (buffer.script(), buffer.direction());
        let key = (script.tag().0, u32::from(direction == Direction::RightToLeft));
        let mut plans = self.plans.borrow_mut();
        let plan = plans.entry(key).or_insert_with(|| plan(&self.face, script, direction));
        let shaped = rustybuzz::shape_with_plan(&self.face, plan, buffer);
        f64::from(shaped.glyph_positions().iter().map(|g| g.x_advance).sum::<i32>()) * self.scale
    }
}

fn plan(face: &Face, script: Script, direction: Direction) -> ShapePlan {
    ShapePlan::new(face, direction, Some(script), None, &[])
}

impl Measure<'_> {
    /// See `Fonts::width`.
    pub(super) fn width(&self, text: &str, line_height: f64) -> f64 {
        self.runs(text).into_iter().map(|(face, run)| self.faces[face].width(run)).sum::<f64>() * line_height
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

/// The Debian package of a family.
fn package_of(family: &str) -> String {
    match family {
        "Inter" => "the package fonts-inter".to_string(),
        f if f.starts_with("Noto Sans CJK") || f.starts_with("Noto Serif CJK") => {
            "the package fonts-noto-cjk".to_string()
        }
        f if f.starts_with("Noto ") => "the package fonts-noto-core".to_string(),
        f => format!("the font {f}"),
    }
}

/// What helps when no family has the character.
fn advice_for(c: char) -> String {
    let package = match u32::from(c) {
        0x1F000..=0x1FAFF => return "take it out of the text: emoji cannot be drawn in captions".to_string(),
        0xE000..=0xF8FF => return "take it out of the text: it has no meaning outside one font".to_string(),
        0x1100..=0x11FF | 0xAC00..=0xD7FF => "fonts-noto-cjk",
        _ if is_unspaced(c) && u32::from(c) >= 0x2E80 => "fonts-noto-cjk",
        _ => "fonts-noto-core",
    };
    format!("install the package {package} (and name its family in the style's `fonts`), or change the text")
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
    fn a_missing_glyph_is_named_with_what_helps() {
        let fonts = clear();
        assert!(fonts.check("½ dose ≤ 5 µg → “done”…\u{202E}\n").is_ok());
        let fault = fonts.check("well 😀").unwrap_err().to_string();
        assert!(fault.contains("U+1F600") && fault.contains("emoji"), "{fault}");
        let latin = Fonts::load(&["Inter".to_string()], true).unwrap();
        let fault = latin.check("飲").unwrap_err().to_string();
        assert!(fault.contains("U+98F2") && fault.contains("fonts-noto-cjk"), "{fault}");
        assert!(latin.check("خذ").unwrap_err().to_string().contains("fonts-noto-core"));
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
