//! report.html: one page for a filming day, whole in itself, for the screen and for paper. Where there are more clips than
//! one page holds, they stand on pages beside it, each whole in itself, and report.html is the [front page](super::sheet_front).
//!
//! Here every value becomes the text that is shown; the template holds the words and the looks. askama escapes all of it.

use super::brief::ClipBrief;
use super::clip_report::{ClipReport, ClipState, CutReport, CutState};
use super::needs::{Needs, Problem, Totals, Waiting};
use super::phrases::{sentence, undirected};
use crate::fault::Fault;
use crate::pipeline::Standing;
use crate::units::Time;
use crate::wording::checks::{Finding, Place, Severity};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::ImageFormat;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Cursor;
use std::path::{Component, Path};

/// Words below this confidence are marked: of the words that Whisper gets wrong, most lie below.
pub const UNSURE: f32 = 0.5;

/// Longest side of a cover on the page, in pixels: sharp at twice its size on paper and on dense screens, and about
/// 20 kB, so that a hundred clips stay a page that opens at once.
const COVER_SIDE: u32 = 480;

/// What all pages of a report share.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// Name of the practice.
    pub practice: &'a str,
    /// The date as it should be read.
    pub day: &'a str,
    /// The output folder, from which the covers are taken into a page and which the links lead into.
    pub out: &'a Path,
    /// Names of the platforms by id.
    pub platforms: &'a BTreeMap<String, String>,
}

/// Which of several pages one is: `report/003.html`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// Its own number, by which it is called as long as it is there; from 1.
    pub number: usize,
    /// Number of the page before it, if there is one.
    pub before: Option<usize>,
    /// Number of the page after it, if there is one.
    pub after: Option<usize>,
}

impl Sheet<'_> {
    /// All clips on one page that needs nothing else: no other file, no network, no script. A cover that cannot be read is
    /// left out.
    /// Making the covers small takes some 20 ms for each, so this is not for runs that changed nothing.
    ///
    /// # Errors
    /// The page could not be put together.
    pub fn whole(&self, reports: impl Iterator<Item = ClipReport>) -> Result<String, Fault> {
        self.clips(reports, None)
    }

    /// One of several pages, for its place beside the others in the folder `report`.
    ///
    /// # Errors
    /// As [`whole`](Self::whole).
    pub fn leaf(&self, leaf: Leaf, reports: impl Iterator<Item = ClipReport>) -> Result<String, Fault> {
        self.clips(reports, Some(leaf))
    }

    fn clips(&self, reports: impl Iterator<Item = ClipReport>, leaf: Option<Leaf>) -> Result<String, Fault> {
        let root = if leaf.is_some() { ".." } else { "." };
        let mut needs = Needs::default();
        let (mut totals, mut cards) = (Totals::default(), Vec::new());
        for report in reports {
            let card = Card::of(cards.len(), &report, self, root);
            let link = format!("#{}", card.id);
            totals.add(&ClipBrief::from(&report));
            needs.problems.extend(Problem::of(&report, link.clone(), self.platforms));
            needs.held.extend(Waiting::of(&report, link));
            cards.push(card);
        }
        let place = leaf.map(|leaf| Neighbours {
            number: leaf.number,
            before: leaf.before.map(|number| format!("./{}", leaf_name(number))),
            after: leaf.after.map(|number| format!("./{}", leaf_name(number))),
        });
        let (practice, day) = (self.practice, self.day);
        rendered(&Page { practice, day, needs: totals.told(needs), place, cards: &cards })
    }
}

/// File name of one of several pages: `003.html`.
pub fn leaf_name(number: usize) -> String {
    format!("{number:03}.html")
}

/// The page as text.
pub(super) fn rendered(page: &impl Template) -> Result<String, Fault> {
    page.render()
        .map_err(|error| Fault::new(format!("the report could not be written ({error})"), "run the same command again"))
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    practice: &'a str,
    day: &'a str,
    needs: Needs,
    /// Where it stands among several pages.
    place: Option<Neighbours>,
    cards: &'a [Card],
}

/// Links to the pages beside one.
struct Neighbours {
    number: usize,
    before: Option<String>,
    after: Option<String>,
}

struct Card {
    id: String,
    heading: String,
    file: String,
    duration: Option<String>,
    state: &'static str,
    failures: usize,
    /// What failed for the clip as a whole: stage, what, advice.
    failure: Option<(String, String, String)>,
    /// Why it waits for approval.
    held: Vec<String>,
    /// Who approved it and when, and what they wrote.
    approved: Option<(String, String, Option<String>)>,
    /// Where the patient's consent is filed.
    consent: Option<String>,
    /// What was flagged for review: what holds a clip first.
    flagged: Vec<Flagged>,
    noted: Vec<Flagged>,
    cover: Option<String>,
    words: Vec<(String, bool)>,
    unsure: usize,
    /// Where the speaker left the script: when, what is shown, what the script has, whether it weighs, whether
    /// the script stands although nobody heard it.
    departures: Vec<(String, String, String, bool, bool)>,
    /// What is shown instead of what was heard: when, heard, shown.
    replaced: Vec<(String, String, String)>,
    rows: Vec<Row>,
    skipped: Vec<(String, String)>,
    notes: Vec<String>,
    removed: String,
}

/// The same words flagged by the same rule, wherever they stand.
struct Flagged {
    words: String,
    /// When and where: `0:07.3 in what is said, in the question`.
    places: String,
    rule: String,
    advice: String,
}

impl Flagged {
    /// The findings of a severity, each once.
    fn all(findings: &[Finding], severity: Severity, names: &BTreeMap<String, String>) -> Vec<Flagged> {
        let mut all: Vec<Flagged> = Vec::new();
        // Which posts each stands in: one place for all of them.
        let mut posts: Vec<Vec<String>> = Vec::new();
        for finding in findings.iter().filter(|finding| finding.severity == severity) {
            let known = all.iter().position(|other| other.rule == finding.rule && other.words == finding.words);
            let index = known.unwrap_or_else(|| {
                let (words, rule, advice) = (finding.words.clone(), finding.rule.clone(), sentence(&finding.advice));
                all.push(Flagged { words, places: String::new(), rule, advice });
                posts.push(Vec::new());
                all.len() - 1
            });
            if let Place::Post(platform) = &finding.place {
                posts[index].push(name_of(platform, names));
                continue;
            }
            let place = match finding.span {
                Some(span) => format!("at {}", clock(span.start)),
                None => format!("in {}", finding.place),
            };
            let places = &mut all[index].places;
            places.push_str(if places.is_empty() { "" } else { ", " });
            places.push_str(&place);
        }
        for (flagged, platforms) in all.iter_mut().zip(posts).filter(|(_, platforms)| !platforms.is_empty()) {
            let places = &mut flagged.places;
            places.push_str(if places.is_empty() { "" } else { ", " });
            places.push_str(&format!("in the text for {}", platforms.join(", ")));
        }
        all
    }
}

struct Row {
    platform: String,
    shared_with: String,
    link: Option<String>,
    file: String,
    canvas: String,
    size: String,
    duration: String,
    loudness: String,
    peak: String,
    /// What the platform takes, and what of it is not met.
    limits: String,
    unmet: String,
    /// Whether it is made later.
    unmade: bool,
    /// What failed, what to do, and a link to the file that was kept.
    failure: Option<(String, String, Option<String>)>,
    title: Option<String>,
    post: String,
}

impl Card {
    /// The card of the clip that has that place on its page; `root` leads from the page to the output folder.
    fn of(index: usize, report: &ClipReport, sheet: &Sheet, root: &str) -> Self {
        let names = sheet.platforms;
        let rows: Vec<Row> = report.cuts.iter().map(|cut| Row::of(cut, names, root)).collect();
        let failure = match &report.state {
            ClipState::Failed { stage, what, advice } => Some((stage.clone(), sentence(what), sentence(advice))),
            _ => None,
        };
        let failed_cuts = rows.iter().filter(|row| row.failure.is_some()).count();
        let words: Vec<_> = report.transcript.iter().map(|w| (w.text.clone(), w.confidence < UNSURE)).collect();
        Card {
            id: anchor(index),
            heading: heading(report).to_string(),
            file: undirected(&report.file),
            duration: report.duration.map(clock),
            state: match report.state {
                ClipState::Failed { .. } => "Not made",
                _ if failed_cuts > 0 => "Partly made",
                _ if report.is_held() => "Waiting for approval",
                _ if report.has_unmade() => "To be made",
                ClipState::Unchanged => "Unchanged",
                ClipState::Done => "Made",
            },
            failures: failed_cuts + usize::from(failure.is_some()),
            failure,
            held: if report.is_held() { report.signoff.standing.reasons() } else { Vec::new() },
            approved: match &report.signoff.standing {
                Standing::Approved(decision) => {
                    let by = decision.by.clone().unwrap_or_default();
                    Some((by, decision.day(), decision.note.clone()))
                }
                Standing::Free | Standing::Held(_) => None,
            },
            consent: report.signoff.consent.reference().map(str::to_string),
            flagged: Flagged::all(&report.signoff.findings, Severity::Hold, names),
            noted: Flagged::all(&report.signoff.findings, Severity::Note, names),
            cover: report.cover.as_deref().and_then(|cover| embedded(sheet.out, cover)),
            unsure: words.iter().filter(|(_, unsure)| *unsure).count(),
            words,
            departures: report
                .departures
                .iter()
                .map(|d| (clock(d.at), d.said.clone(), d.script.clone(), d.grave, d.unheard))
                .collect(),
            replaced: report.replaced.iter().map(|r| (clock(r.at), r.heard.clone(), r.shown.clone())).collect(),
            rows,
            skipped: report.skipped.iter().map(|s| (name_of(&s.platform, names), sentence(&s.reason))).collect(),
            notes: report.notes.clone(),
            removed: report.removed.join(", "),
        }
    }

    fn has_posts(&self) -> bool {
        self.rows.iter().any(|row| row.title.is_some() || !row.post.is_empty())
    }
}

impl Row {
    fn of(cut: &CutReport, names: &BTreeMap<String, String>, root: &str) -> Self {
        let href = |file: &Path| href(root, file);
        let (link, failure) = match &cut.state {
            CutState::Published | CutState::Held => (href(&cut.file), None),
            CutState::Unmade => (None, None),
            CutState::Failed { what, advice, kept } => {
                (None, Some((sentence(what), sentence(advice), kept.as_deref().and_then(href))))
            }
        };
        let shared: Vec<_> = cut.shared_with.iter().map(|id| name_of(id, names)).collect();
        let post = cut.post.clone().unwrap_or_default();
        let level =
            |value: Option<f64>, unit| value.map_or("–".into(), |v| format!("{v:.1} {unit}").replace('-', "−"));
        Row {
            platform: name_of(&cut.platform, names),
            shared_with: shared.join(", "),
            link,
            file: cut.file.to_string_lossy().replace('\\', "/"),
            canvas: cut.canvas.to_string().replace('x', " × "),
            size: bytes(cut.bytes),
            duration: clock(cut.duration),
            loudness: level(cut.loudness, "LUFS"),
            peak: level(cut.true_peak, "dBTP"),
            limits: format!(
                "{} to {}, at most {}",
                clock(cut.limits.min_duration),
                clock(cut.limits.max_duration),
                bytes(cut.limits.max_bytes)
            ),
            unmet: unmet(cut).join(", "),
            unmade: cut.state == CutState::Unmade,
            failure,
            title: post.title,
            post: post.text,
        }
    }
}

/// Which of the platform's limits the cut does not keep.
fn unmet(cut: &CutReport) -> Vec<&'static str> {
    let limits = &cut.limits;
    let checks = [
        (cut.duration < limits.min_duration, "too short"),
        (cut.duration > limits.max_duration, "too long"),
        (cut.bytes > limits.max_bytes, "file too large"),
    ];
    checks.into_iter().filter(|(broken, _)| *broken).map(|(_, what)| what).collect()
}

/// What a clip is called on its page.
pub(super) fn heading(report: &ClipReport) -> &str {
    report.question.as_deref().unwrap_or(&report.name)
}

/// Where a clip stands on its page; `index` counts from 0.
pub(super) fn anchor(index: usize) -> String {
    format!("clip-{}", index + 1)
}

pub(super) fn name_of(id: &str, names: &BTreeMap<String, String>) -> String {
    names.get(id).cloned().unwrap_or_else(|| id.into())
}

/// `0:07.3`, `12:00`, `1:02:03`: tenths only where they matter and are not nought.
fn clock(time: Time) -> String {
    let tenths = (time.0.max(0) + 50_000) / 100_000;
    let (hours, minutes, seconds) = (tenths / 36_000, tenths / 600 % 60, tenths / 10 % 60);
    match (hours, tenths % 10) {
        (0, 0) => format!("{minutes}:{seconds:02}"),
        (0, tenth) => format!("{minutes}:{seconds:02}.{tenth}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// A file's size in the decimal units that platforms and phones count in.
fn bytes(count: u64) -> String {
    // The space does not break, so that a number keeps its unit.
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    match units.into_iter().find(|(unit, _)| count as f64 >= *unit) {
        None => format!("{count}\u{A0}B"),
        Some((unit, name)) => {
            let number = format!("{:.1}", count as f64 / unit);
            format!("{}\u{A0}{name}", number.strip_suffix(".0").unwrap_or(&number))
        }
    }
}

/// A link to a file in the output folder or below it, to which `root` leads; none for any other place.
fn href(root: &str, file: &Path) -> Option<String> {
    let mut link = String::from(root);
    for part in file.components() {
        let Component::Normal(part) = part else { return None };
        link.push('/');
        for byte in part.to_string_lossy().bytes() {
            // RFC 3986, section 2.3: these never need encoding.
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => link.push(char::from(byte)),
                _ => write!(link, "%{byte:02X}").ok()?,
            }
        }
    }
    (link.len() > root.len()).then_some(link)
}

/// A picture in the output folder, made smaller, as a data address; none if it cannot be read.
fn embedded(out: &Path, cover: &Path) -> Option<String> {
    href(".", cover)?;
    let picture = image::open(out.join(cover)).ok()?;
    let small = picture.thumbnail(COVER_SIDE, COVER_SIDE).to_rgb8();
    let mut jpeg = Cursor::new(Vec::new());
    small.write_to(&mut jpeg, ImageFormat::Jpeg).ok()?;
    Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg.into_inner())))
}

#[cfg(test)]
#[path = "sheet_tests.rs"]
mod tests;
