//! What the files made from a clip are called: safe on every file system, unique, and as like the clip's own name as
//! can be.

use super::scan::{EXTENSIONS, name_of};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// Longest name in bytes of UTF-8. File systems take 255; the rest is for endings, and for folders on Windows, whose
/// whole paths end at 260.
const MOST_BYTES: usize = 100;

/// Names that Windows keeps for devices, with any extension (Microsoft, "Naming Files, Paths, and Namespaces").
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// One name for each clip, in the order given. The names differ even where case does not count.
///
/// A name depends only on the clips whose names are alike: `a.mp4` and `a.mov` give `a` and `a-mov`, whatever else lies
/// in the inbox; a further clip takes a name away from another only if its own file name fits better.
pub fn unique_names(clips: &[impl AsRef<Path>]) -> Vec<String> {
    let files: Vec<File> = clips.iter().map(|clip| File::of(clip.as_ref())).collect();
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|&i| (&files[i].key, &files[i].rank));

    // Who has a name of its own keeps it; only then do the others choose, so that nobody is displaced by a suffix.
    let mut owners: HashMap<&str, usize> = HashMap::new();
    for &i in &order {
        owners.entry(&files[i].key).or_insert(i);
    }
    let mut taken: HashSet<String> = owners.keys().map(|key| key.to_string()).collect();
    let mut names: Vec<String> = files.iter().map(|file| file.base.clone()).collect();
    for &i in &order {
        let (file, owner) = (&files[i], owners[files[i].key.as_str()]);
        if owner == i {
            continue;
        }
        let by_kind = Some(&file.extension).filter(|e| **e != files[owner].extension).cloned();
        let by_number = (2..).map(|n: u64| n.to_string());
        for suffix in by_kind.into_iter().chain(by_number) {
            let end = format!("-{suffix}");
            let name = format!("{}{end}", cut(&file.base, MOST_BYTES - end.len()));
            if taken.insert(name.to_lowercase()) {
                names[i] = name;
                break;
            }
        }
    }
    names
}

struct File {
    /// Safe, but perhaps not unique.
    base: String,
    /// The base where case does not count.
    key: String,
    extension: String,
    /// Smaller goes first: a name that needed no change, the better known kind, then the name itself.
    rank: (bool, usize, String),
}

impl File {
    fn of(clip: &Path) -> Self {
        let name = name_of(clip);
        let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
        let extension: String = extension.to_lowercase().chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        let base = safe(stem);
        let kind = EXTENSIONS.iter().position(|e| *e == extension).unwrap_or(EXTENSIONS.len());
        File { key: base.to_lowercase(), rank: (base != stem, kind, name.clone()), base, extension }
    }
}

/// Letters and digits of any script, `-` and `_`; everything else separates. A dot separates too: what follows it would
/// be taken for an extension.
fn safe(stem: &str) -> String {
    // Composed, since a Mac takes the two spellings of "é" for one name and other systems for two.
    let composed: String = stem.nfc().collect();
    let mut name = String::new();
    for character in composed.graphemes(true) {
        if character == "_" || character.starts_with(char::is_alphanumeric) {
            // Marks belong to their letter; what only steers the direction of text does not.
            name.extend(character.chars().filter(|c| !steers(*c)));
        } else if !matches!(character, "'" | "’" | "ʼ") && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = cut(name.trim_matches('-'), MOST_BYTES - "-clip".len());
    let device = name.to_lowercase();
    let device = device.trim_end_matches(|c: char| c.is_ascii_digit() || "¹²³".contains(c));
    match name {
        "" => "clip".into(),
        _ if RESERVED.contains(&device) => format!("{name}-clip"),
        _ => name.into(),
    }
}

/// Joiners, direction marks and the byte order mark: nothing that can be seen.
fn steers(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// At most `most` bytes, between two characters as a reader counts them, without a separator at the end.
fn cut(name: &str, most: usize) -> &str {
    let end = name.grapheme_indices(true).map(|(at, c)| at + c.len()).take_while(|end| *end <= most).last();
    name[..end.unwrap_or(0)].trim_end_matches('-')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_safe_on_every_file_system() {
        for (file, name) in [
            ("razor-bumps.mp4", "razor-bumps"),
            ("Does it hurt?  Really.mov", "Does-it-hurt-Really"),
            ("what's new (3).mp4", "whats-new-3"),
            ("Müdigkeit nach dem Impfen.mp4", "Müdigkeit-nach-dem-Impfen"),
            ("Mu\u{308}digkeit.mp4", "Müdigkeit"),
            ("牙齿 美白.mp4", "牙齿-美白"),
            ("हिन्दी.mp4", "हिन्दी"),
            ("a\u{202E}4pm.exe.mp4", "a-4pm-exe"),
            ("..\\..\\etc:passwd.mp4", "etc-passwd"),
            ("--help.mp4", "help"),
            ("v1.2.mp4", "v1-2"),
            ("con.mp4", "con-clip"),
            ("LPT9.mov", "LPT9-clip"),
            ("contact.mp4", "contact"),
            ("🦷.mp4", "clip"),
            ("tab\tnew\nline\u{0}.mp4", "tab-new-line"),
        ] {
            assert_eq!(unique_names(&[file]), [name], "{file}");
        }
    }

    #[test]
    fn clips_with_one_stem_get_their_own_names() {
        assert_eq!(unique_names(&["a.mov", "a.mp4"]), ["a-mov", "a"]);
        assert_eq!(unique_names(&["A.MOV", "a.mov", "a.mp4"]), ["A-mov", "a-2", "a"]);
        assert_eq!(unique_names(&["a b.mp4", "a-b.mp4"]), ["a-b-2", "a-b"]);
        // `a-mov.mp4` was there under its own name.
        assert_eq!(unique_names(&["a.mp4", "a.mov", "a-mov.mp4"]), ["a", "a-2", "a-mov"]);
    }

    #[test]
    fn other_clips_do_not_change_a_name() {
        let few = unique_names(&["a.mp4", "a.mov", "IMG_1.mov"]);
        let many = unique_names(&["0.mp4", "a.mp4", "a.mov", "IMG_1.mov", "a.mkv", "z.mp4"]);
        assert_eq!(few, many[1..4]);
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_unicode_is_still_a_name() {
        use std::os::unix::ffi::OsStrExt;
        let odd = std::ffi::OsStr::from_bytes(b"caf\xE9 au lait.mp4");
        assert_eq!(unique_names(&[odd]), ["caf-au-lait"]);
    }

    proptest! {
        #[test]
        fn names_are_unique_short_and_plain(files in prop::collection::vec("[aAé./ \\-\u{301}\u{4e00}]{0,60}\\.(mp4|MOV|webm)", 0..20)) {
            let names = unique_names(&files);
            let keys: HashSet<String> = names.iter().map(|n| n.to_lowercase()).collect();
            prop_assert_eq!(keys.len(), files.len());
            for name in &names {
                prop_assert!(!name.is_empty() && name.len() <= MOST_BYTES);
                prop_assert!(!name.contains(['/', '\\', '.', ' ']) && !name.starts_with('-') && !name.ends_with('-'));
            }
            let mut turned = files.clone();
            turned.reverse();
            // Two equal files may exchange their names; each set of names is the same.
            let sorted = |mut n: Vec<String>| { n.sort(); n };
            prop_assert_eq!(sorted(names), sorted(unique_names(&turned)));
        }
    }
}
