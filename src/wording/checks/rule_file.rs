//! `presets/checks/*.toml`: the embedded rules, and a practice's own files.

use super::finding::{Category, Place, Severity};
use super::names::{self, NameFields, Names};
use crate::config::Typed;
use crate::fault::Fault;
use crate::plain_file::{self, Links};
use regex::{Captures, Regex, bytes};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{LazyLock, OnceLock};

const EMBEDDED: [(&str, &str); 5] = [
    ("names", include_str!("../../../presets/checks/names.toml")),
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
    /// Names to look up. All files add to them.
    #[serde(default)]
    names: NameFields,
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
    /// Matches of the first that touch none of the second, in the text with marks before names or the one without.
    Wording { patterns: Pattern, except: Option<Pattern>, marks: bool },
    /// Spoken words of a lower confidence.
    Unsure(f32),
}

impl Rule {
    /// Whether the rule counts there.
    pub fn reads(&self, place: &Place) -> bool {
        let kind = match place {
            Place::Transcript => PlaceKind::Transcript,
            // It stands where the question would.
            Place::Question | Place::Hook => PlaceKind::Question,
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
pub(super) fn load(folder: Option<&Path>) -> Result<(Vec<Rule>, Names), Fault> {
    let mut texts: Vec<(String, String)> = EMBEDDED.map(|(name, text)| (name.into(), text.into())).into();
    for (name, file, text) in own_files(folder)? {
        match texts.iter_mut().find(|(known, _)| known == name.trim_end_matches(".toml")) {
            Some(embedded) => *embedded = (file, text),
            None => texts.push((file, text)),
        }
    }
    let mut files = Vec::new();
    let mut names = Names::default();
    for (name, text) in &texts {
        let file: RuleFile = Typed::of(Path::new(name), text).parse()?;
        names.extend(&file.names);
        files.push((name, file));
    }
    let mut parts: BTreeMap<String, String> =
        files.iter().flat_map(|(_, file)| &file.parts).map(|(name, part)| (name.clone(), either(part))).collect();
    parts.extend(names::PARTS.map(|(name, part)| (name.into(), part.into())));
    let mut rules: Vec<Rule> = Vec::new();
    let is_own = |name: &String| EMBEDDED.iter().all(|(known, _)| known != name);
    let own_parts = files.iter().any(|(name, file)| is_own(name) && !file.parts.is_empty());
    for (name, file) in files {
        let own = is_own(name);
        for fields in file.rule {
            let id = fields.id.clone();
            let checked = fields.rule(file.category, file.severity, &parts).and_then(|rule| {
                // Ours are right unless a practice's parts stand in them.
                let wrong = if own || own_parts { rule.check() } else { Ok(()) };
                wrong.map(|()| rule)
            });
            let rule = checked.map_err(|what| {
                Fault::new(format!("{name}: rule \"{id}\": {what}"), "correct that rule, or move the file away")
            })?;
            match rules.iter_mut().find(|known| known.id == rule.id) {
                Some(known) => *known = rule,
                None => rules.push(rule),
            }
        }
    }
    Ok((rules, names))
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
            let text = plain_file::text(&file, plain_file::MOST_SETTINGS, Links::Followed)
                .map_err(|error| unreadable(&file, error))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, file.display().to_string(), text));
        }
    }
    files.sort();
    Ok(files)
}

impl RuleFields {
    fn rule(
        self,
        category: Option<Category>,
        severity: Option<Severity>,
        parts: &BTreeMap<String, String>,
    ) -> Result<Rule, String> {
        let what = match (self.confidence_below, self.patterns.is_empty()) {
            (Some(least), true) => What::Unsure(least),
            (None, false) => {
                let patterns = Pattern::new(&self.patterns, parts)?;
                let except = (!self.except.is_empty()).then(|| Pattern::new(&self.except, parts)).transpose()?;
                let marks = names::needs_marks(&patterns.whole);
                What::Wording { patterns, except, marks }
            }
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

/// All the patterns of a rule as one, over whole words; compiled when a text first needs it, since that takes longer
/// than to read a clip with it.
///
/// `\w`, `\d`, `\b` and small letters for capitals are those of ASCII, which keeps a rule small and quick: the rules know
/// English only. They read bytes, so that any class may be negated; the matcher takes back what begins or ends within a
/// word of other letters.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    whole: String,
    compiled: OnceLock<bytes::Regex>,
}

impl Pattern {
    fn new(patterns: &[String], parts: &BTreeMap<String, String>) -> Result<Self, String> {
        let whole = format!(r"\b{{start-half}}{}\b{{end-half}}", filled(&either(patterns), parts)?);
        Ok(Pattern { whole, compiled: OnceLock::new() })
    }

    /// Ready to be matched.
    #[allow(clippy::expect_used)] // A practice's own were compiled when they were loaded, and the tests compile ours.
    pub fn regex(&self) -> &bytes::Regex {
        self.compiled.get_or_init(|| self.compile().expect("a pattern that was checked"))
    }

    /// Compiles it now, to tell what is wrong with it.
    fn check(&self) -> Result<(), String> {
        let regex = self.compile()?;
        self.compiled.get_or_init(|| regex);
        Ok(())
    }

    fn compile(&self) -> Result<bytes::Regex, String> {
        let told = |error: regex::Error| match error {
            regex::Error::CompiledTooBig(_) => "its patterns are too large, repeat less in them".to_string(),
            // The parser shows the whole pattern; the last line says what is wrong with it.
            error => {
                let all = error.to_string();
                all.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_string()
            }
        };
        let mut builder = bytes::RegexBuilder::new(&self.whole);
        builder.unicode(false).case_insensitive(true).size_limit(LARGEST).dfa_size_limit(LARGEST).build().map_err(told)
    }
}

impl Rule {
    /// Compiles its patterns now, to tell what is wrong with them.
    fn check(&self) -> Result<(), String> {
        match &self.what {
            What::Wording { patterns, except, .. } => {
                patterns.check()?;
                except.as_ref().map_or(Ok(()), Pattern::check)
            }
            What::Unsure(_) => Ok(()),
        }
    }
}

fn either(patterns: &[String]) -> String {
    format!("(?:{})", patterns.join("|"))
}

/// The pattern with each `{part}` in its place.
fn filled(pattern: &str, parts: &BTreeMap<String, String>) -> Result<String, String> {
    #[allow(clippy::unwrap_used)] // A constant that the tests compile.
    static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{([a-z_]+)\}").unwrap());
    let mut filled = pattern.to_string();
    for _ in 0..DEEPEST {
        if let Some(unknown) = NAME.captures_iter(&filled).find(|found| !parts.contains_key(&found[1])) {
            return Err(format!("there is no part {{{}}}", &unknown[1]));
        }
        let next = NAME.replace_all(&filled, |found: &Captures| parts[&found[1]].clone()).into_owned();
        if next == filled {
            return Ok(filled);
        }
        filled = next;
    }
    Err("its parts contain each other".into())
}
