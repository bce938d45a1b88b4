//! What staff added to the practice's glossary for one folder of cuts: `glossary.toml` in it.

use super::store::write_whole;
use crate::config::{self, glossary_file};
use crate::fault::Fault;
use crate::plain_file::{self, Links};
use crate::wording::{self, Glossary};
use std::io::ErrorKind;
use std::path::Path;
use toml_edit::{DocumentMut, Item, Table, TomlError, value};

/// Most characters of what is heard, or meant.
const MOST: usize = 200;

/// What a new file begins with.
const HEADING: &str =
    "# What is heard, and what is meant; it goes before practice.toml's own [glossary] for this folder of cuts.\n\n";

/// What was added in this output folder; nothing where there is no such file.
///
/// # Errors
/// The file cannot be read, or holds what it may not; the fault names the line.
pub fn glossary_additions(out: &Path) -> Result<Glossary, Fault> {
    config::glossary_additions(&glossary_file(out))
}

/// Adds a mishearing and what is meant to this output folder's glossary; what stands there already stays, with comments and
/// order. A mark that both end or begin in is no part of them: whoever corrects "oin," to "ointment," means the word.
/// Whether that was not known before.
///
/// # Errors
/// One of them is none, or they would change what is said: a glossary spells. The file that is there cannot be read, with its
/// line. The disk takes no file.
pub fn learn(out: &Path, heard: &str, meant: &str) -> Result<bool, Fault> {
    let (heard, meant) = (tidy(heard, "what was heard")?, tidy(meant, "what is meant")?);
    let (heard, meant) = without_common_marks(&heard, &meant);
    let wrong = |what: &str| Err(Fault::new(what, "correct the captions of that clip instead"));
    if !heard.contains(char::is_alphanumeric) || !meant.contains(char::is_alphanumeric) {
        return wrong("a glossary is of words, and one of these has no letters");
    }
    if heard == meant {
        return wrong("what was heard and what is meant are the same");
    }
    if wording::negations(heard) != wording::negations(meant) {
        return wrong("one of these says no and the other does not, and a glossary must never turn what is said round");
    }
    let file = glossary_file(out);
    let known = config::glossary_additions(&file)?;
    if known.replace.iter().any(|(from, to)| from == heard && to == meant) {
        return Ok(false);
    }
    let before = match plain_file::text(&file, plain_file::MOST_SETTINGS, Links::Followed) {
        Ok(text) => Some(text),
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => {
            return Err(Fault::new(format!("{} cannot be read ({e})", file.display()), "save it again as plain text"));
        }
    };
    let unreadable = |why: String| {
        let what = format!("{} could not be written so that it is read again ({why})", file.display());
        Fault::new(what, "report this")
    };
    let mut document: DocumentMut =
        before.as_deref().unwrap_or_default().parse().map_err(|e: TomlError| unreadable(e.to_string()))?;
    let replace = document.as_table_mut().entry("replace").or_insert_with(|| Item::Table(Table::new()));
    let Some(replace) = replace.as_table_like_mut() else { return Err(unreadable("[replace] is no table".into())) };
    // The same words in other capitals or with spaces around them are the same key to whoever reads it.
    let same = |key: &str| key.trim().to_lowercase() == heard.to_lowercase();
    let others: Vec<String> = replace.iter().map(|(key, _)| key.to_string()).filter(|key| same(key)).collect();
    match others.as_slice() {
        [one] if one == heard => {}
        others => others.iter().for_each(|key| drop(replace.remove(key))),
    }
    replace.insert(heard, value(meant));
    let text = if before.is_some() { document.to_string() } else { format!("{HEADING}{document}") };
    let read = config::glossary_additions_of(&file, &text)?;
    if !read.replace.iter().any(|(from, to)| from == heard && to == meant) {
        return Err(unreadable("it says something else".into()));
    }
    write_whole(&file, text.as_bytes())?;
    Ok(true)
}

/// On one line, with single spaces.
fn tidy(text: &str, name: &str) -> Result<String, Fault> {
    let wrong = |why: &str| Fault::new(format!("{name} {why}"), "correct it and try again");
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(wrong("holds a control character"));
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        0 => Err(wrong("is empty")),
        length if length > MOST => Err(wrong(&format!("is longer than {MOST} characters"))),
        _ => Ok(text),
    }
}

/// Both without the marks that they have in common before and after.
fn without_common_marks<'a>(mut heard: &'a str, mut meant: &'a str) -> (&'a str, &'a str) {
    let is_mark = |c: &char| !c.is_alphanumeric();
    while let (Some(a), Some(b)) = (heard.chars().next_back(), meant.chars().next_back())
        && a == b
        && is_mark(&a)
    {
        (heard, meant) =
            (heard[..heard.len() - a.len_utf8()].trim_end(), meant[..meant.len() - a.len_utf8()].trim_end());
    }
    while let (Some(a), Some(b)) = (heard.chars().next(), meant.chars().next())
        && a == b
        && is_mark(&a)
    {
        (heard, meant) = (heard[a.len_utf8()..].trim_start(), meant[a.len_utf8()..].trim_start());
    }
    (heard, meant)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    #[test]
    fn what_was_learned_is_added_and_what_stands_there_stays() {
        let out = tempfile::tempdir().unwrap();
        let (out, file) = (out.path(), glossary_file(out.path()));
        assert_eq!(glossary_additions(out).unwrap(), Glossary::default());
        assert!(learn(out, " tret in\noin, ", "tretinoin,").unwrap());
        assert!(!learn(out, "tret in oin", "tretinoin").unwrap());
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text, format!("{HEADING}[replace]\n\"tret in oin\" = \"tretinoin\"\n"));

        let ours = "# Ours\nterms = [\"Dr. Lee\"] # she\n\n[replace] # so far\n\"b\" = \"Bee\" # and why\n\"A Cute Tane\" = \"x\"\n";
        fs::write(&file, ours).unwrap();
        assert!(learn(out, "oak a for", "Okafor \"the\" elder").unwrap());
        assert!(learn(out, "a cute tane", "Accutane").unwrap());
        assert!(learn(out, "b", "Bea").unwrap());
        let text = fs::read_to_string(&file).unwrap();
        let kept = ours.lines().take(4).collect::<Vec<_>>().join("\n");
        assert!(text.starts_with(&kept), "{text}");
        let found = glossary_additions(out).unwrap();
        let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
        assert_eq!(found.terms, ["Dr. Lee"]);
        let wanted = [pair("a cute tane", "Accutane"), pair("b", "Bea"), pair("oak a for", "Okafor \"the\" elder")];
        assert_eq!(found.replace, wanted);
    }

    #[test]
    fn it_wins_over_the_practices_own() {
        let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
        let own = Glossary { terms: vec!["Alder Lane".into()], replace: vec![pair("oin", "ointment")] };
        let more = Glossary { terms: vec![], replace: vec![pair("oin", "Oyn")] };
        let heard = [crate::speech::Word { text: "oin.".into(), span: Default::default(), confidence: 1.0 }];
        assert_eq!(own.with(more).apply(&heard).0[0].text, "Oyn.");
    }

    #[test]
    fn what_would_change_what_is_said_or_cannot_be_written_is_refused() {
        let out = tempfile::tempdir().unwrap();
        let (out, file) = (out.path(), glossary_file(out.path()));
        let long = "w".repeat(201);
        for (heard, meant, why) in [
            ("", "a", "is empty"),
            ("a", " \n", "is empty"),
            ("a", "a", "the same"),
            ("a.", "a.", "the same"),
            ("—", "a", "no letters"),
            ("know", "no", "says no"),
            ("can", "can't", "says no"),
            ("a\u{1b}", "b", "control"),
            (&long, "b", "longer"),
        ] {
            let fault = learn(out, heard, meant).unwrap_err();
            assert!(fault.what().contains(why), "{heard} {meant}: {fault}");
            assert!(!file.exists());
        }
        for wrong in ["[replace]\n\"a\" = 1\n", "replace = 1\n", "[replace\n"] {
            fs::write(&file, wrong).unwrap();
            let fault = learn(out, "oin", "ointment").unwrap_err();
            assert!(fault.what().contains("glossary.toml, line "), "{fault}");
            assert_eq!(fs::read_to_string(&file).unwrap(), wrong);
        }
        // A table on one line, and keys that need quotes.
        fs::write(&file, "replace = { \"x y\" = \"z\" }\n").unwrap();
        assert!(learn(out, "say \"ah\" = [x]", "say “ah”").unwrap());
        assert_eq!(glossary_additions(out).unwrap().replace.len(), 2);
    }
}
