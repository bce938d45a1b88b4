//! `presets/checks/*.toml`: the embedded rules, and a practice's own files.

use super::finding::{Category, Place, Severity};
use crate::config::Typed;
use crate::fault::Fault;
use regex::{Captures, Regex, RegexBuilder};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

const EMBEDDED: [(&str, &str); 4] = [
    ("parts", include_str!("../../../presets/checks/parts.toml")),
    ("privacy", include_str!("../../../presets/checks/privacy.toml")),
    ("claims", include_str!("../../../presets/checks/claims.toml")),
    ("care", include_str!("../../../presets/checks/care.toml")),
];

/// How often parts may stand within parts.
const DEEPEST: usize = 8;
/// Most bytes that one compiled rule may take: a slip such as `\w{1000}{1000}` is told instead of filling the memory.
const LARGEST: usize = 32 << 20;

/// One file of rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    /// Of all its rules.
    category: Option<Category>,
    /// Of those that have none of their own.
    severity: Option<Severity>,
    /// Alternatives that patterns name in braces: `{month}`. All files share them; a later one replaces.
    #[serde(default)]
    parts: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    rule: Vec<RuleFields>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFields {
    id: String,
    severity: Option<Severity>,
    /// Where it is looked for; none: everywhere.
    places: Option<Vec<PlaceKind>>,
    /// Regular expressions over whole words; capitals count only within `(?-i:...)`.
    #[serde(default)]
    patterns: Vec<String>,
    /// Look-alikes: a match that touches one of these is none.
    #[serde(default)]
    except: Vec<String>,
    /// Instead of patterns: words that the speech engine was less sure of.
    confidence_below: Option<f32>,
    advice: String,
}

/// A [`Place`] without its platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PlaceKind {
    Transcript,
    Question,
    Post,
    FileName,
}

/// A rule that is ready to be matched.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub id: String,
    pub category: Category,
    pub severity: Severity,
    places: Option<Vec<PlaceKind>>,
    pub what: What,
    pub advice: String,
}

/// What a rule looks for.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// Matches of the first that touch none of the second.
    Wording { patterns: Regex, except: Option<Regex> },
    /// Spoken words of a lower confidence.
    Unsure(f32),
}

impl Rule {
    /// Whether the rule counts there.
    pub fn reads(&self, place: &Place) -> bool {
        let kind = match place {
            Place::Transcript => PlaceKind::Transcript,
            Place::Question => PlaceKind::Question,
            Place::Post(_) => PlaceKind::Post,
            Place::FileName => PlaceKind::FileName,
        };
        self.places.as_ref().is_none_or(|places| places.contains(&kind))
    }
}

/// Every rule: the embedded files, each replaced by `<folder>/<name>.toml` where there is one, then the folder's others
/// by name. A rule with the id of an earlier one replaces it.
///
/// Fails on a file that cannot be read, and on the first rule that is wrong; the fault names both.
pub(super) fn load(folder: Option<&Path>) -> Result<Vec<Rule>, Fault> {
    let mut texts: Vec<(String, String)> = EMBEDDED.map(|(name, text)| (name.into(), text.into())).into();
    for (name, file, text) in own_files(folder)? {
        match texts.iter_mut().find(|(known, _)| known == name.trim_end_matches(".toml")) {
            Some(embedded) => *embedded = (file, text),
            None => texts.push((file, text)),
        }
    }
    let mut files = Vec::new();
    for (name, text) in &texts {
        let file: RuleFile = Typed { file: Path::new(name), text }.parse()?;
        files.push((name, file));
    }
    let parts: BTreeMap<String, String> =
        files.iter().flat_map(|(_, file)| &file.parts).map(|(name, part)| (name.clone(), either(part))).collect();
    let mut rules: Vec<Rule> = Vec::new();
    for (name, file) in files {
        for fields in file.rule {
            let id = fields.id.clone();
            let rule = fields.compile(file.category, file.severity, &parts).map_err(|what| {
                Fault::new(format!("{name}: rule \"{id}\": {what}"), "correct that rule, or move the file away")
            })?;
            match rules.iter_mut().find(|known| known.id == rule.id) {
                Some(known) => *known = rule,
                None => rules.push(rule),
            }
        }
    }
    Ok(rules)
}

/// Name, path and text of each TOML file in the folder, by name.
fn own_files(folder: Option<&Path>) -> Result<Vec<(String, String, String)>, Fault> {
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else { return Ok(Vec::new()) };
    let unreadable = |file: &Path, error: std::io::Error| {
        Fault::new(format!("cannot read {}: {error}", file.display()), "correct its permissions or move it away")
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let file = entry.map_err(|error| unreadable(folder, error))?.path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, error))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, file.display().to_string(), text));
        }
    }
    files.sort();
    Ok(files)
}

impl RuleFields {
    fn compile(
        self,
        category: Option<Category>,
        severity: Option<Severity>,
        parts: &BTreeMap<String, String>,
    ) -> Result<Rule, String> {
        let what = match (self.confidence_below, self.patterns.is_empty()) {
            (Some(least), true) => What::Unsure(least),
            (None, false) => What::Wording {
                patterns: regex(&self.patterns, parts)?,
                except: if self.except.is_empty() { None } else { Some(regex(&self.except, parts)?) },
            },
            _ => return Err("it needs either patterns or confidence_below".into()),
        };
        Ok(Rule {
            id: self.id,
            category: category.ok_or("its file names no category")?,
            severity: self.severity.or(severity).unwrap_or(Severity::Note),
            places: self.places,
            what,
            advice: self.advice,
        })
    }
}

/// All the patterns as one, over whole words, parts filled in.
///
/// `\w`, `\d`, `\b` and small letters for capitals are those of ASCII, which keeps a rule small and quick: the rules know
/// English only. The matcher takes back what begins or ends within a word of other letters.
fn regex(patterns: &[String], parts: &BTreeMap<String, String>) -> Result<Regex, String> {
    let whole = format!(r"\b{{start-half}}{}\b{{end-half}}", filled(&either(patterns), parts)?);
    let told = |error| match error {
        regex::Error::CompiledTooBig(_) => "its patterns are too large, repeat less in them".to_string(),
        // The parser shows the whole pattern; the last line says what is wrong with it.
        error => match error.to_string().lines().last().unwrap_or_default().trim() {
            line if line.contains("UTF-8") => r"write (?u:...) around \S, \D, \W, [^...] and the full stop".to_string(),
            line => line.trim_start_matches("error: ").to_string(),
        },
    };
    let mut builder = RegexBuilder::new(&whole);
    builder.unicode(false).case_insensitive(true).size_limit(LARGEST).dfa_size_limit(LARGEST).build().map_err(told)
}

fn either(patterns: &[String]) -> String {
    format!("(?:{})", patterns.join("|"))
}

/// The pattern with each `{part}` in its place.
fn filled(pattern: &str, parts: &BTreeMap<String, String>) -> Result<String, String> {
    #[allow(clippy::unwrap_used)] // A constant that the tests compile.
    let name = Regex::new(r"\{([a-z_]+)\}").unwrap();
    let mut filled = pattern.to_string();
    for _ in 0..DEEPEST {
        if let Some(unknown) = name.captures_iter(&filled).find(|found| !parts.contains_key(&found[1])) {
            return Err(format!("there is no part {{{}}}", &unknown[1]));
        }
        let next = name.replace_all(&filled, |found: &Captures| parts[&found[1]].clone()).into_owned();
        if next == filled {
            return Ok(filled);
        }
        filled = next;
    }
    Err("its parts contain each other".into())
}
