//! What lies in an output folder, by meaning: two runs that made the same have the same tree, whenever they ran and
//! whatever cut them off.

use regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Files by their path relative to the output folder, each with what it says.
pub type Tree = BTreeMap<PathBuf, String>;

/// Every file below a folder, by its path relative to that; links are not followed.
pub fn files(root: &Path) -> Vec<PathBuf> {
    fn collect(folder: &Path, root: &Path, found: &mut Vec<PathBuf>) {
        // A run that goes on meanwhile may take any of it away.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => collect(&entry.path(), root, found),
                _ => found.push(entry.path().strip_prefix(root).unwrap().to_path_buf()),
            }
        }
    }
    let mut found = Vec::new();
    collect(root, root, &mut found);
    found.sort();
    found
}

/// The files that people see, and of Housecall's own what decides about later runs: cache, journal, record, digests.
pub fn tree(out: &Path) -> Tree {
    let says = |file: &PathBuf| meaning(out, file).map(|says| (file.clone(), says));
    files(out).iter().filter(|file| !is_on_its_way(file)).filter_map(says).collect()
}

/// Those of them that people see.
pub fn public(out: &Path) -> Tree {
    tree(out).into_iter().filter(|(file, _)| !file.starts_with(".housecall")).collect()
}

/// Files that no run leaves behind when it comes to its end.
pub fn strays(out: &Path) -> Vec<PathBuf> {
    let stray = |file: &PathBuf| is_on_its_way(file) || file.starts_with(".housecall/scratch");
    files(out).into_iter().filter(stray).collect()
}

/// Whether a file is one that has not got its name yet: no uploader takes what begins with a dot.
pub fn is_on_its_way(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_string_lossy();
    name.starts_with('.') && (name.ends_with(".part") || name.starts_with(".tmp"))
}

/// Entries of the cache and the records that are not as they were written.
pub fn damaged(out: &Path) -> Vec<PathBuf> {
    let state = |file: &PathBuf| {
        ["cache", "beside", "captions"].iter().any(|kind| file.starts_with(Path::new(".housecall").join(kind)))
    };
    let broken = |file: &PathBuf| {
        let text = fs::read_to_string(out.join(file)).unwrap();
        text.split_once('\n').is_none_or(|(sum, body)| blake3::hash(body.as_bytes()).to_hex().as_str() != sum)
    };
    files(out).into_iter().filter(|file| state(file) && !is_on_its_way(file)).filter(broken).collect()
}

/// What a file says, without the times at which things happened; none for what tells nothing else.
fn meaning(out: &Path, file: &Path) -> Option<String> {
    let path = out.join(file);
    let text = || fs::read_to_string(&path).unwrap();
    match file.strip_prefix(".housecall") {
        Err(_) if file == Path::new("report.html") => Some(without_days(&text())),
        Err(_) => Some(blake3::hash(&fs::read(&path).unwrap()).to_hex().to_string()),
        Ok(own) if own == Path::new("journal.ndjson") => Some(journal(out, &text())),
        Ok(own) if own == Path::new("record.ndjson") => Some(record(&text())),
        Ok(own) if own == Path::new("digests.json") => Some(digests(&text())),
        // Which page was written last: it stands in the page.
        Ok(own) if own.starts_with("cache/sheet") => None,
        Ok(own) if ["cache", "beside", "captions"].iter().any(|kind| own.starts_with(kind)) => {
            let text = text();
            let body = text.split_once('\n').map_or("", |(_, body)| body);
            // How a clip failed is remembered under its file's name, and after it was made under that of its cuts.
            let failed = serde_json::from_str::<Value>(body).is_ok_and(|report| report["state"].is_object());
            (!failed).then(|| without_times(body))
        }
        Ok(_) => None,
    }
}

fn without_times(text: &str) -> String {
    Regex::new(r"\d{4}-\d\d-\d\dT[0-9:.]+Z").unwrap().replace_all(text, "TIME").into_owned()
}

/// The report without days, and without which of its runs made a clip.
fn without_days(text: &str) -> String {
    let page = Regex::new(r"\b\d{1,2} [A-Z][a-z]+ 20\d\d\b").unwrap().replace_all(text, "DAY").into_owned();
    page.replace("✓ Unchanged", "✓ Made")
}

/// The bodies of a file's lines that are whole.
fn lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines().filter_map(|line| serde_json::from_str(line.split_once(' ')?.1).ok())
}

/// Which files are there and hold what, and which clips are done with which files.
fn journal(out: &Path, text: &str) -> String {
    let mut says = BTreeMap::new();
    for line in lines(text) {
        match line["event"].as_str() {
            Some("published") if out.join(line["file"].as_str().unwrap()).exists() => {
                says.insert(line["file"].to_string(), line["key"].to_string());
            }
            Some("done") => {
                let mut files: Vec<String> =
                    line["files"].as_array().unwrap().iter().map(|file| file[0].to_string()).collect();
                files.sort();
                says.insert(line["clip"].to_string(), format!("{} {}", line["fingerprint"], files.join(" ")));
            }
            _ => {}
        }
    }
    format!("{says:#?}")
}

/// Who decided what about which clip, in order.
fn record(text: &str) -> String {
    lines(text).map(|line| format!("{} {} {}\n", line["clip"], line["action"], line["by"])).collect()
}

fn digests(text: &str) -> String {
    // The checksum stands before it.
    let all: BTreeMap<String, Value> = serde_json::from_str(text.split_once('\n').unwrap().1).unwrap();
    all.into_iter().map(|(clip, about)| format!("{clip} {}\n", about["digest"])).collect()
}

/// Asserts that two trees are the same, and says where they are not.
pub fn assert_same(found: &Tree, wanted: &Tree, about: &str) {
    let mut differences = Vec::new();
    for file in found.keys().chain(wanted.keys().filter(|file| !found.contains_key(*file))) {
        match (found.get(file), wanted.get(file)) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => {
                let at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
                let near = |text: &str| {
                    let bytes = &text.as_bytes()[at.saturating_sub(200)..text.len().min(at + 200)];
                    String::from_utf8_lossy(bytes).into_owned()
                };
                differences.push(format!("{} differs:\n{}\n---\n{}", file.display(), near(a), near(b)));
            }
            (Some(_), None) => differences.push(format!("{} should not be there", file.display())),
            (None, _) => differences.push(format!("{} is missing", file.display())),
        }
    }
    assert!(differences.is_empty(), "{about}: {}", differences.join("\n"));
}

/// Asserts that what was left by a run that broke off is whole: each file under a name that people see is the one of a
/// run that nothing disturbed, on whichever shelf it stands, and what Housecall remembers is not damaged.
pub fn assert_whole(out: &Path, undisturbed: &Tree, about: &str) {
    for (file, says) in public(out) {
        if file == Path::new("report.html") {
            assert!(says.trim_end().ends_with("</html>"), "{about}: the report is not whole");
            continue;
        }
        let name = file.strip_prefix("held").unwrap_or(&file);
        let wanted = undisturbed.get(name).or_else(|| undisturbed.get(&Path::new("held").join(name)));
        assert_eq!(Some(&says), wanted, "{about}: {}", file.display());
    }
    assert_eq!(damaged(out), [""; 0].map(PathBuf::from), "{about}: damaged");
}
