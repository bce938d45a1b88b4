//! What people chose for single clips, in `transcripts/<clip>.toml` of the output folder: found, honoured before the inbox's
//! own file, saved with whatever else a person wrote there, and set aside when the clip that they belong to is another one.

use super::edits::{remove, set_aside};
use super::store::{Store, write_whole};
use crate::config::{self, Choices, ClipSettings, Platform, PostChoice};
use crate::fault::Fault;
use crate::intake::{ClipSource, Digest};
use crate::plain_file::{self, Links};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value, value};

/// Where the choices for a clip lie, relative to the output folder.
pub fn choices_file(clip: &str) -> PathBuf {
    Path::new("transcripts").join(format!("{clip}.toml"))
}

/// What a new file begins with.
const HEADING: &str =
    "# What was chosen for this clip; it goes before the file beside the clip. Times are seconds of the clip.\n";

/// For which clip the choices under a name were made.
#[derive(Serialize, Deserialize)]
struct Bound {
    clip: Digest,
}

/// Records lie beside the journal, as those of captions do.
fn records(out: &Path) -> Store {
    Store::new(out.join(".housecall"))
}

/// Whether what lies under that name was chosen for another clip.
fn is_of_another(out: &Path, name: &str, clip: &Digest) -> bool {
    records(out).get("choices", name).is_some_and(|bound: Bound| bound.clip != *clip)
}

/// Everything that a clip's own files say: the one beside its transcript before the one beside the clip.
///
/// # Errors
/// One cannot be read, or holds what it may not, with its line; together they end before they start.
pub(super) fn settings(out: &Path, source: &ClipSource, known: &[Platform]) -> Result<ClipSettings, Fault> {
    let own = config::clip_settings(&source.path.with_extension("toml"), known)?;
    own.under(chosen(out, &source.name, &source.digest, known)?)
}

/// What is chosen for the clip of that name and content; nothing where the file belongs to another clip that had the name. A
/// file that nobody knows belongs to this clip from now on.
fn chosen(out: &Path, name: &str, clip: &Digest, known: &[Platform]) -> Result<ClipSettings, Fault> {
    let Some(text) = present(out, name)? else {
        // Whoever writes one from now on means the clip that is there.
        records(out).remove("choices", name);
        return Ok(ClipSettings::default());
    };
    if is_of_another(out, name, clip) {
        return Ok(ClipSettings::default());
    }
    let settings = config::clip_settings_of(&choices_file(name), &text, known)?;
    records(out).put("choices", name, &Bound { clip: clip.clone() })?;
    Ok(settings)
}

fn present(out: &Path, name: &str) -> Result<Option<String>, Fault> {
    let relative = choices_file(name);
    match plain_file::text(&out.join(&relative), plain_file::MOST_SETTINGS, Links::Followed) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => {
            let what = format!("{} cannot be read ({e})", relative.display());
            Err(Fault::new(what, "save it again as plain text, or delete it to take the choices back"))
        }
    }
}

/// Gives choices that belong to another clip a dated name, and says which, relative to the output folder.
///
/// # Errors
/// The disk does not take it.
pub(super) fn settle(out: &Path, name: &str, clip: &Digest) -> Result<Option<PathBuf>, Fault> {
    if !is_of_another(out, name, clip) {
        return Ok(None);
    }
    let relative = choices_file(name);
    let aside = out.join(&relative).exists().then(|| set_aside(out, &relative)).transpose()?;
    // Whoever writes one from now on means the clip that is there.
    records(out).remove("choices", name);
    Ok(aside)
}

/// What a person chose for the clip of that name and content in the output folder; what is none is left to the clip's own
/// file in the inbox, and to the program.
///
/// # Errors
/// The file cannot be read, or holds what it may not; the fault names the line.
pub fn choices(out: &Path, name: &str, clip: &Digest) -> Result<Choices, Fault> {
    chosen(out, name, clip, &config::platforms()?).map(|settings| Choices::of(&settings))
}

/// Keeps what a person chose as a TOML file that they can read and edit. Other keys that stand there, comments and order
/// stay; where no key is left, the file goes. Choices for another clip that had the name are kept under a dated one.
///
/// # Errors
/// A choice is none, and why; the file that is there cannot be read, with its line; the disk takes no file. What was there
/// stays.
pub fn save_choices(out: &Path, name: &str, clip: &Digest, choices: &Choices) -> Result<(), Fault> {
    let known = config::platforms()?;
    let choices = Choices::of(&choices.settings()?);
    choices.check_platforms(&known)?;
    let relative = choices_file(name);
    let file = out.join(&relative);
    let other = is_of_another(out, name, clip);
    let before = if other { None } else { present(out, name)? };
    if let Some(before) = &before {
        // A mistake in it has to be corrected by whoever made it: nobody else knows what was meant.
        config::clip_settings_of(&relative, before, &known)?;
    }
    let unreadable = |why: String| {
        let what = format!("{} could not be written so that it is read again ({why})", relative.display());
        Fault::new(what, "report this")
    };
    let mut document: DocumentMut =
        before.as_deref().unwrap_or_default().parse().map_err(|e: toml_edit::TomlError| unreadable(e.to_string()))?;
    put_all(&mut document, &choices);
    settle(out, name, clip)?;
    if document.as_table().is_empty() {
        remove(&file)?;
        records(out).remove("choices", name);
        return Ok(());
    }
    let text = if before.is_some() { document.to_string() } else { format!("{HEADING}{document}") };
    let read = config::clip_settings_of(&relative, &text, &known)?;
    if Choices::of(&read) != choices {
        return Err(unreadable("it says something else".into()));
    }
    // Remembered first: a file that is there without a record would be anyone's.
    records(out).put("choices", name, &Bound { clip: clip.clone() })?;
    if before.as_deref() == Some(&text) { Ok(()) } else { write_whole(&file, text.as_bytes()) }
}

/// Makes a document say what was chosen, and nothing of what was not.
fn put_all(document: &mut DocumentMut, choices: &Choices) {
    let Choices { question, hook, start, end, anchor, cover, posts } = choices;
    let table = document.as_table_mut();
    put(table, "question", question.clone().map(Value::from));
    put(table, "hook", hook.clone().map(Value::from));
    put(table, "start", start.map(Value::from));
    put(table, "end", end.map(Value::from));
    put(table, "anchor", anchor.map(|(x, y)| Value::from(Array::from_iter([x, y]))));
    put(table, "cover", cover.map(Value::from));
    let own = |table: Table| Item::Table(table);
    let folded = || {
        let mut table = Table::new();
        // Only the platforms' tables have headings.
        table.set_implicit(true);
        own(table)
    };
    let Some(all) = table.entry("posts").or_insert_with(folded).as_table_like_mut() else { return };
    let mut platforms: Vec<String> = all.iter().map(|(platform, _)| platform.to_string()).collect();
    platforms.extend(posts.keys().filter(|platform| !all.contains_key(platform)).cloned());
    for platform in platforms {
        let PostChoice { title, text } = posts.get(&platform).cloned().unwrap_or_default();
        let Some(post) = all.entry(&platform).or_insert_with(|| own(Table::new())).as_table_like_mut() else {
            continue;
        };
        put(post, "title", title.map(Value::from));
        put(post, "text", text.map(Value::from));
        if post.is_empty() {
            all.remove(&platform);
        }
    }
    if all.is_empty() {
        table.remove("posts");
    }
}

/// Sets a key or takes it away; one that says the same already stays as somebody wrote it.
fn put(table: &mut dyn TableLike, key: &str, wanted: Option<Value>) {
    let Some(mut wanted) = wanted else {
        table.remove(key);
        return;
    };
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(there) if same(there, &wanted) => {}
        Some(there) => {
            // What stands around the value is the person's.
            *wanted.decor_mut() = there.decor().clone();
            *there = wanted;
        }
        None => drop(table.insert(key, value(wanted))),
    }
}

/// Whether two values say the same: `5` is `5.0`.
fn same(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| value.as_float().or(value.as_integer().map(|whole| whole as f64));
    match (one.as_array(), other.as_array()) {
        (Some(one), Some(other)) => one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(a, b)),
        _ => match (one.as_str(), other.as_str()) {
            (Some(one), Some(other)) => one == other,
            _ => number(one).is_some() && number(one) == number(other),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::fs;

    fn clip(name: &str) -> Digest {
        Digest(name.into())
    }

    fn asked(question: &str) -> Choices {
        Choices { question: Some(question.into()), ..Choices::default() }
    }

    #[test]
    fn what_is_chosen_is_read_again_and_a_person_may_edit_it() {
        let out = tempfile::tempdir().unwrap();
        let out = out.path();
        assert_eq!(choices(out, "a", &clip("1")).unwrap(), Choices::default());
        save_choices(out, "a", &clip("1"), &Choices::default()).unwrap();
        let file = out.join(choices_file("a"));
        assert!(!file.exists(), "nothing was chosen");
        let post = PostChoice { title: None, text: Some("It does not.\n\n\"Ask\" us: #skin".into()) };
        let all = Choices {
            question: Some("Does it hurt?".into()),
            hook: Some(String::new()),
            start: Some(1.5),
            end: Some(42.0),
            anchor: Some((0.25, 1.0)),
            cover: Some(3.2),
            posts: [("tiktok".to_string(), post)].into(),
        };
        save_choices(out, "a", &clip("1"), &all).unwrap();
        assert_eq!(choices(out, "a", &clip("1")).unwrap(), all);
        let text = fs::read_to_string(&file).unwrap();
        let wanted = format!(
            "{HEADING}question = \"Does it hurt?\"\nhook = \"\"\nstart = 1.5\nend = 42.0\nanchor = [0.25, 1.0]\ncover = 3.2\n\n\
             [posts.tiktok]\ntext = \"\"\"\nIt does not.\n\n\"Ask\" us: #skin\"\"\"\n"
        );
        assert_eq!(text, wanted);

        // A person adds what the page does not know; changes of other keys leave it alone.
        let edited = text.replace("start = 1.5", "framing = \"fit\" # all of it\nstart = 2 # later");
        fs::write(&file, &edited).unwrap();
        assert_eq!(choices(out, "a", &clip("1")).unwrap().start, Some(2.0));
        let fewer = Choices { start: Some(2.0), end: Some(40.0), posts: BTreeMap::new(), ..all.clone() };
        save_choices(out, "a", &clip("1"), &fewer).unwrap();
        let wanted = edited.replace("42.0", "40.0");
        let wanted = wanted.split("\n[posts").next().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), wanted);
        save_choices(out, "a", &clip("1"), &Choices::default()).unwrap();
        assert!(fs::read_to_string(&file).unwrap().contains("framing = \"fit\" # all of it"));
        fs::write(&file, "question = \"Why?\"").unwrap();
        save_choices(out, "a", &clip("1"), &Choices::default()).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn a_file_with_a_mistake_is_not_written_over() {
        let out = tempfile::tempdir().unwrap();
        let file = out.path().join(choices_file("a"));
        for (wrong, line) in [
            ("question = \"Why?\"\nstart = soon\n", "transcripts/a.toml, line 2"),
            ("[posts.tiktak]\ntext = \"a\"", "transcripts/a.toml, line 1"),
        ] {
            write_whole(&file, wrong.as_bytes()).unwrap();
            for fault in [
                choices(out.path(), "a", &clip("1")).unwrap_err(),
                save_choices(out.path(), "a", &clip("1"), &asked("Why not?")).unwrap_err(),
            ] {
                assert!(fault.what().contains(line), "{fault}");
            }
            assert_eq!(fs::read_to_string(&file).unwrap(), wrong);
        }
        fs::write(&file, vec![b'#'; 2 << 20]).unwrap();
        assert!(choices(out.path(), "a", &clip("1")).unwrap_err().what().contains("too large"));
        // What cannot be chosen is refused before anything is touched.
        fs::write(&file, "hook = \"Look\"").unwrap();
        let stray = [("tiktak".to_string(), PostChoice { title: None, text: Some("a".into()) })].into();
        for wrong in [asked("a\nb"), Choices { posts: stray, ..Choices::default() }] {
            assert!(save_choices(out.path(), "a", &clip("1"), &wrong).is_err());
            assert_eq!(fs::read_to_string(&file).unwrap(), "hook = \"Look\"");
        }
    }

    #[test]
    fn choices_for_another_clip_are_set_aside_and_never_lost() {
        let out = tempfile::tempdir().unwrap();
        let out = out.path();
        let lying = || {
            let files = fs::read_dir(out.join("transcripts")).unwrap().map(|file| file.unwrap().path());
            let mut texts: Vec<String> = files.map(|file| fs::read_to_string(file).unwrap()).collect();
            texts.sort();
            texts.iter().map(|text| text.lines().last().unwrap().to_string()).collect::<Vec<_>>()
        };
        save_choices(out, "IMG_1", &clip("1"), &asked("One?")).unwrap();
        // The phone begins to count anew.
        assert_eq!(choices(out, "IMG_1", &clip("2")).unwrap(), Choices::default());
        save_choices(out, "IMG_1", &clip("2"), &asked("Two?")).unwrap();
        assert_eq!(lying(), ["question = \"One?\"", "question = \"Two?\""]);
        let aside = settle(out, "IMG_1", &clip("3")).unwrap().unwrap();
        assert!(aside.to_string_lossy().starts_with("transcripts/IMG_1.20"), "{aside:?}");
        assert_eq!(lying(), ["question = \"One?\"", "question = \"Two?\""]);
        assert_eq!(settle(out, "IMG_1", &clip("3")).unwrap(), None);
        // A file by hand belongs to the clip that is there when it is found.
        fs::write(out.join(choices_file("IMG_1")), "question = \"Three?\"").unwrap();
        assert_eq!(choices(out, "IMG_1", &clip("3")).unwrap(), asked("Three?"));
        assert_eq!(choices(out, "IMG_1", &clip("4")).unwrap(), Choices::default());
        // One that was deleted binds nobody.
        fs::remove_file(out.join(choices_file("IMG_1"))).unwrap();
        assert_eq!(choices(out, "IMG_1", &clip("4")).unwrap(), Choices::default());
        fs::write(out.join(choices_file("IMG_1")), "question = \"Four?\"").unwrap();
        assert_eq!(choices(out, "IMG_1", &clip("4")).unwrap(), asked("Four?"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_saved_is_read_again(
            question in prop::option::of("([ -~]|\\PC){0,40}"),
            text in prop::option::of("([ -~]|\\PC|[\n\"'\\\\#]){0,60}"),
            title in prop::option::of("([ -~]|\\PC){0,20}"),
            start in prop::option::of(0.0..100.0f64),
            length in prop::option::of(0.001..100.0f64),
            anchor in prop::option::of((0.0..=1.0f64, 0.0..=1.0f64)),
        ) {
            let out = tempfile::tempdir().unwrap();
            let end = length.map(|length| start.unwrap_or(0.0) + length);
            let posts = [("x".to_string(), PostChoice { title, text })].into();
            let wanted = Choices { question, hook: None, start, end, anchor, cover: start, posts };
            save_choices(out.path(), "a", &clip("1"), &wanted).unwrap();
            let read = choices(out.path(), "a", &clip("1")).unwrap();
            prop_assert_eq!(&read, &Choices::of(&wanted.settings().unwrap()));
            let before = fs::read(out.path().join(choices_file("a"))).ok();
            save_choices(out.path(), "a", &clip("1"), &read).unwrap();
            prop_assert_eq!(fs::read(out.path().join(choices_file("a"))).ok(), before);
        }
    }
}
