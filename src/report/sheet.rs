//! report.html: one page for a filming day, whole in itself, for the screen and for paper.
//!
//! Here every value becomes the text that is shown; the template holds the words and the looks. askama escapes all of it.

use super::clip_report::{ClipReport, ClipState, CutReport, CutState};
use super::phrases::{counted, sentence, undirected};
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

/// The report as one HTML page that needs nothing else: no other file, no network, no script.
///
/// `day` is the date as it should be read; `out` is the output folder, from which the covers are taken into the page and
/// which the links lead into; `platform_names` gives names by platform id. A cover that cannot be read is left out.
/// Making the covers small takes some 20 ms for each, so this is not for runs that changed nothing.
///
/// # Errors
/// The page could not be put together.
pub fn sheet(
    practice_name: &str,
    day: &str,
    out: &Path,
    reports: &[ClipReport],
    platform_names: &BTreeMap<String, String>,
) -> Result<String, Fault> {
    let cards: Vec<Card> = reports.iter().enumerate().map(|(i, r)| Card::of(i, r, out, platform_names)).collect();
    let cuts: usize = reports.iter().map(ClipReport::published).sum();
    let skipped: usize = reports.iter().map(|r| r.skipped.len()).sum();
    let problems: Vec<&Card> = cards.iter().filter(|card| card.failures > 0).collect();
    let held: Vec<&Card> = cards.iter().filter(|card| !card.held.is_empty()).collect();
    let page = Page {
        practice: practice_name,
        day,
        clips: counted(reports.len(), "clip"),
        cuts: counted(cuts, "cut"),
        failures: counted(problems.iter().map(|card| card.failures).sum(), "problem"),
        waiting: (!held.is_empty()).then(|| counted(held.len(), "clip")),
        held,
        skipped: (skipped > 0).then(|| counted(skipped, "cut")),
        problems,
        cards: &cards,
    };
    page.render()
        .map_err(|error| Fault::new(format!("the report could not be written ({error})"), "run the same command again"))
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    practice: &'a str,
    day: &'a str,
    clips: String,
    cuts: String,
    failures: String,
    skipped: Option<String>,
    /// How many wait for approval, where any do, and which.
    waiting: Option<String>,
    held: Vec<&'a Card>,
    problems: Vec<&'a Card>,
    cards: &'a [Card],
}

struct Card {
    id: String,
    name: String,
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
    fn of(index: usize, report: &ClipReport, out: &Path, names: &BTreeMap<String, String>) -> Self {
        let rows: Vec<Row> = report.cuts.iter().map(|cut| Row::of(cut, names)).collect();
        let failure = match &report.state {
            ClipState::Failed { stage, what, advice } => Some((stage.clone(), sentence(what), sentence(advice))),
            _ => None,
        };
        let failed_cuts = rows.iter().filter(|row| row.failure.is_some()).count();
        let words: Vec<_> = report.transcript.iter().map(|w| (w.text.clone(), w.confidence < UNSURE)).collect();
        Card {
            id: format!("clip-{}", index + 1),
            name: report.name.clone(),
            heading: report.question.clone().unwrap_or_else(|| report.name.clone()),
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
            cover: report.cover.as_deref().and_then(|cover| embedded(out, cover)),
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
    fn of(cut: &CutReport, names: &BTreeMap<String, String>) -> Self {
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

fn name_of(id: &str, names: &BTreeMap<String, String>) -> String {
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

/// A link from the page to a file in the same folder or below; none for any other place.
fn href(file: &Path) -> Option<String> {
    let mut link = String::from(".");
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
    (link.len() > 1).then_some(link)
}

/// A picture in the output folder, made smaller, as a data address; none if it cannot be read.
fn embedded(out: &Path, cover: &Path) -> Option<String> {
    href(cover)?;
    let picture = image::open(out.join(cover)).ok()?;
    let small = picture.thumbnail(COVER_SIDE, COVER_SIDE).to_rgb8();
    let mut jpeg = Cursor::new(Vec::new());
    small.write_to(&mut jpeg, ImageFormat::Jpeg).ok()?;
    Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg.into_inner())))
}

#[cfg(test)]
#[path = "sheet_tests.rs"]
mod tests;
