//! Glossaries: the packs in presets/glossaries, the user's own packs, what practice.toml adds, and what people added for
//! one folder of cuts.

use super::typed::Typed;
use crate::fault::Fault;
use crate::plain_file::{self, Links};
use crate::wording::Glossary;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The packs that come with the program, by the name that practice.toml uses.
const EMBEDDED: [(&str, &str); 4] = [
    ("dental", include_str!("../../presets/glossaries/dental.toml")),
    ("dermatology", include_str!("../../presets/glossaries/dermatology.toml")),
    ("general-practice", include_str!("../../presets/glossaries/general-practice.toml")),
    ("physiotherapy", include_str!("../../presets/glossaries/physiotherapy.toml")),
];

/// `[glossary]` of practice.toml.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GlossaryTable {
    packs: Vec<Spanned<String>>,
    terms: Vec<Spanned<String>>,
    /// What is heard, and what is meant.
    replace: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    #[serde(rename = "name")]
    _name: String,
    term: Vec<Term>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    /// As it is to be written.
    word: String,
    /// What recognisers make of it.
    #[serde(default)]
    heard: Vec<String>,
}

impl GlossaryTable {
    /// The whole glossary of the practice of that name: packs first, then its own, so that its own win. `folder` holds the
    /// user's own packs (`<name>.toml`).
    pub(super) fn resolve(self, typed: &Typed, name: &str, folder: Option<&Path>) -> Result<Glossary, Fault> {
        let mut glossary = Glossary::default();
        for id in &self.packs {
            let Pack { term, .. } = pack(id.get_ref(), folder)?.ok_or_else(|| {
                let known = EMBEDDED.map(|(known, _)| known).join(", ");
                let what = format!("there is no glossary \"{}\" (known are {known})", id.get_ref());
                typed.fault(Some(id.span()), &what)
            })?;
            for Term { word, heard } in term {
                glossary.replace.extend(heard.into_iter().map(|heard| (heard, word.clone())));
                glossary.terms.push(word);
            }
        }
        own_words(self.replace, self.terms, typed, &mut glossary)?;
        glossary.terms.push(name.to_string());
        Ok(glossary)
    }
}

/// `glossary.toml` in an output folder: what staff added there.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Additions {
    terms: Vec<Spanned<String>>,
    replace: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// Where an output folder's additions to the glossary lie.
pub fn glossary_file(out: &Path) -> PathBuf {
    out.join("glossary.toml")
}

/// What a glossary.toml adds to the practice's glossary; a file that is not there adds nothing.
///
/// # Errors
/// The file cannot be read, or holds what it may not; the fault names the line.
pub fn glossary_additions(file: &Path) -> Result<Glossary, Fault> {
    match plain_file::text(file, plain_file::MOST_SETTINGS, Links::Followed) {
        Ok(text) => glossary_additions_of(file, &text),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Glossary::default()),
        Err(e) => Err(Fault::new(format!("{} cannot be read ({e})", file.display()), "save it again as plain text")),
    }
}

/// As [`glossary_additions`], of a text that was read already; `file` says where it lies.
///
/// # Errors
/// The text holds what it may not; the fault names the line.
pub fn glossary_additions_of(file: &Path, text: &str) -> Result<Glossary, Fault> {
    let typed = Typed::of(file, text);
    let Additions { terms, replace } = typed.parse()?;
    let mut glossary = Glossary::default();
    own_words(replace, terms, &typed, &mut glossary)?;
    Ok(glossary)
}

/// Adds what people wrote themselves, checked.
fn own_words(
    replace: BTreeMap<Spanned<String>, Spanned<String>>,
    terms: Vec<Spanned<String>>,
    typed: &Typed,
    glossary: &mut Glossary,
) -> Result<(), Fault> {
    for (heard, meant) in replace {
        let text = meant.get_ref().trim();
        if heard.get_ref().trim().is_empty() || text.is_empty() {
            return Err(typed.fault(Some(meant.span()), "a replacement needs what is heard and what is meant"));
        }
        glossary.replace.push((heard.get_ref().trim().to_string(), text.to_string()));
    }
    for term in terms {
        let text = term.get_ref().trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(typed.fault(Some(term.span()), "a term is one line of text"));
        }
        glossary.terms.push(text.to_string());
    }
    Ok(())
}

fn pack(id: &str, folder: Option<&Path>) -> Result<Option<Pack>, Fault> {
    // A name is no path: nothing outside the folder is read.
    let plain = !id.is_empty() && id.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
    let own = folder.filter(|_| plain).map(|folder| folder.join(format!("{id}.toml"))).filter(|file| file.is_file());
    if let Some(file) = own {
        let text = plain_file::text(&file, plain_file::MOST_SETTINGS, Links::Followed).map_err(|e| {
            Fault::new(format!("cannot read {}: {e}", file.display()), "correct its permissions or move it away")
        })?;
        return Typed::of(&file, &text).parse().map(Some);
    }
    let embedded = EMBEDDED.iter().find(|(known, _)| *known == id);
    embedded.map(|(id, text)| Typed::of(Path::new(id), text).parse()).transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn resolved(text: &str, folder: Option<&Path>) -> Result<Glossary, Fault> {
        let typed = Typed::of(Path::new("practice.toml"), text);
        typed.parse::<GlossaryTable>()?.resolve(&typed, "Alder Lane Clinic", folder)
    }

    #[test]
    fn every_pack_loads_and_no_right_word_is_taken_for_a_wrong_one() {
        let mut right = Vec::new();
        let mut wrong = Vec::new();
        for (id, _) in EMBEDDED {
            let pack = pack(id, None).unwrap().unwrap();
            assert!(pack.term.len() >= 50, "{id}");
            for Term { word, heard } in pack.term {
                assert!(!heard.is_empty(), "{id}: {word}");
                wrong.extend(heard.into_iter().map(|heard| (heard, word.clone())));
                right.push(word.to_lowercase());
            }
        }
        for (heard, word) in wrong {
            assert!(!right.contains(&heard.to_lowercase()), "{heard} is no mishearing of {word}");
            // One short common word would change innocent sentences.
            assert!(heard.contains(' ') || heard.len() >= 5, "{heard} for {word}");
        }
    }

    #[test]
    fn the_practices_own_words_come_last_and_win() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ours.toml"), "name = \"Ours\"\n[[term]]\nword = \"Botox\"\n").unwrap();
        let text = "packs = [\"ours\", \"dental\"]\nterms = [\"Dr. Lee\"]\n[replace]\n\"bow tox\" = \"Botox\"\n";
        let glossary = resolved(text, Some(folder.path())).unwrap();
        assert_eq!(glossary.terms[0], "Botox");
        assert_eq!(glossary.terms[glossary.terms.len() - 2..], ["Dr. Lee", "Alder Lane Clinic"]);
        assert_eq!(glossary.replace.last().unwrap(), &("bow tox".to_string(), "Botox".to_string()));
    }

    #[test]
    fn what_staff_added_is_read_and_its_mistakes_are_named_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("glossary.toml");
        assert_eq!(glossary_additions(&file).unwrap(), Glossary::default());
        std::fs::write(&file, "terms = [\"Dr. Lee\"]\n[replace]\n\"bow tox\" = \" Botox \"\n").unwrap();
        let replace = vec![("bow tox".to_string(), "Botox".to_string())];
        assert_eq!(glossary_additions(&file).unwrap(), Glossary { terms: vec!["Dr. Lee".into()], replace });
        for (text, line) in [
            ("packs = [\"dental\"]", "line 1"),
            ("terms = [\"a\",\n\" \"]", "line 2"),
            ("[replace]\n\"a b\" = \" \"", "line 2"),
            ("[replace]\n\"a\" = \"b\"\n\"a\" = \"c\"", "line 3"),
        ] {
            std::fs::write(&file, text).unwrap();
            let fault = glossary_additions(&file).unwrap_err();
            assert!(fault.what().contains(line) && fault.what().contains("glossary.toml"), "{fault}");
        }
    }

    #[test]
    fn mistakes_are_named_by_line() {
        for (text, line) in [
            ("packs = [\"dentel\"]", "line 1"),
            ("packs = [\"../secret\"]", "line 1"),
            ("terms = [\"a\",\n\" \"]", "line 2"),
            ("[replace]\n\"a b\" = \" \"", "line 2"),
            ("pack = []", "line 1"),
        ] {
            let fault = resolved(text, None).unwrap_err();
            assert!(fault.what().contains(line), "{fault}");
        }
    }
}
