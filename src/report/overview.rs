//! overview.html: one page for a centre, a row a practice. Numbers and links, no word of any clip and no clip's name.

use super::phrases::{counted, sentence, undirected};
use crate::fault::Fault;
use askama::Template;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How one practice stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PracticeRow {
    /// Its folder in the root and in the output folder.
    pub folder: String,
    /// Its name.
    pub name: String,
    /// Clips in all.
    pub clips: usize,
    /// Of these, ready.
    pub done: usize,
    /// Of these, waiting for a person.
    pub waiting: usize,
    /// Of these, failed, cut off, or lacking a cut.
    pub failed: usize,
    /// Of these, being made just now.
    pub working: usize,
    /// Since when the clip waits or fails that has done so for longest.
    #[serde(with = "as_text")]
    pub since: Option<Timestamp>,
    /// Whether it has a report.
    pub has_report: bool,
    /// Whether the record of its approvals was changed by hand or is damaged.
    pub record_is_damaged: bool,
    /// Why nothing can be made for it, and what to do.
    pub trouble: Option<String>,
    /// Why it is not one of those that are worked for any more, though its cuts are there; without a stop.
    pub gone: Option<String>,
}

/// A time as RFC 3339 has it.
mod as_text {
    use super::{Deserialize, Timestamp};
    use serde::{Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(since: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&since.map(|since| since.to_string()).unwrap_or_default())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        let text = String::deserialize(from)?;
        (!text.is_empty()).then(|| text.parse()).transpose().map_err(de::Error::custom)
    }
}

impl PracticeRow {
    fn needs_somebody(&self) -> bool {
        self.trouble.is_some() || self.record_is_damaged || self.waiting + self.failed > 0
    }
}

/// The page about all practices, which needs nothing else: no other file, no network, no script. Those that need somebody
/// come first; the others keep their order. Those that are gone stand below, by themselves, and need nobody.
///
/// # Errors
/// The page could not be put together.
pub fn overview(practices: &[PracticeRow]) -> Result<String, Fault> {
    let (gone, there): (Vec<&PracticeRow>, Vec<&PracticeRow>) = practices.iter().partition(|row| row.gone.is_some());
    let mut sorted = there.clone();
    sorted.sort_by_key(|row| (!row.needs_somebody(), row.trouble.is_none() && row.failed == 0));
    let sum = |count: fn(&PracticeRow) -> usize| there.iter().map(|row| count(row)).sum::<usize>();
    let page = Page {
        practices: counted(there.len(), "practice"),
        needing: there.iter().filter(|row| row.needs_somebody()).count(),
        clips: sum(|row| row.clips),
        done: sum(|row| row.done),
        waiting: sum(|row| row.waiting),
        failed: sum(|row| row.failed),
        working: sum(|row| row.working),
        rows: sorted.into_iter().map(Row::of).collect(),
        gone: gone.into_iter().map(Row::of).collect(),
    };
    page.render().map_err(|error| {
        Fault::new(format!("the overview could not be written ({error})"), "run the same command again")
    })
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Page<'a> {
    practices: String,
    needing: usize,
    clips: usize,
    done: usize,
    waiting: usize,
    failed: usize,
    working: usize,
    rows: Vec<Row<'a>>,
    gone: Vec<Row<'a>>,
}

struct Row<'a> {
    practice: &'a PracticeRow,
    name: String,
    folder: String,
    needs_somebody: bool,
    /// Address of its report below the page.
    link: Option<String>,
    since: Option<String>,
    trouble: Option<String>,
    /// Why it is gone.
    gone: String,
    /// `3 clips`.
    clips: String,
}

impl<'a> Row<'a> {
    fn of(practice: &'a PracticeRow) -> Self {
        let day =
            |since: Timestamp| since.to_zoned(jiff::tz::TimeZone::system()).strftime("%-d %B %Y, %H:%M").to_string();
        Row {
            practice,
            name: undirected(&practice.name),
            folder: undirected(&practice.folder),
            needs_somebody: practice.needs_somebody(),
            link: practice.has_report.then(|| format!("{}/report.html", escaped(&practice.folder))),
            since: practice.since.map(day),
            trouble: practice.trouble.as_deref().map(sentence),
            gone: practice.gone.as_deref().map(sentence).unwrap_or_default(),
            clips: counted(practice.clips, "clip"),
        }
    }
}

/// A folder's name as a part of an address (RFC 3986): what is not unreserved is written as its bytes.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use scraper::{Html, Selector};

    fn row(folder: &str, waiting: usize, failed: usize) -> PracticeRow {
        let counts = PracticeRow { clips: 5, done: 5 - waiting - failed, waiting, failed, ..PracticeRow::default() };
        PracticeRow { folder: folder.into(), name: format!("{folder} <Clinic>"), has_report: true, ..counts }
    }

    fn texts(page: &Html, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        let all = page.select(&selector).map(|found| found.text().collect::<String>());
        all.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn who_needs_somebody_comes_first_and_sums_are_those_of_all() {
        let broken = PracticeRow { trouble: Some("line 3: <b>wrong</b>".into()), ..row("dark & deep", 0, 0) };
        let text = overview(&[row("alder", 0, 0), row("birch", 1, 0), row("cedar", 2, 1), broken]).unwrap();
        let page = Html::parse_document(&text);
        let names = texts(&page, "tbody th a");
        assert_eq!(names, ["cedar <Clinic>", "dark & deep <Clinic>", "birch <Clinic>", "alder <Clinic>"]);
        assert_eq!(texts(&page, "tfoot td"), ["20", "16", "3", "1", ""]);
        assert!(texts(&page, "tbody td").iter().any(|cell| cell.contains("Line 3: <b>wrong</b>.")), "{text}");
        let links = Selector::parse("tbody th a").unwrap();
        let links: Vec<_> = page.select(&links).filter_map(|link| link.attr("href")).collect();
        assert_eq!(links[1], "dark%20%26%20deep/report.html");
        assert!(!text.contains("<script") && !text.contains("src="), "nothing else is needed");
        assert!(texts(&page, ".counts").join(" ").contains("3 practices need somebody"), "{text}");
    }

    #[test]
    fn a_centre_at_rest_says_so() {
        let text = overview(&[row("alder", 0, 0), PracticeRow { has_report: false, ..row("birch", 0, 0) }]).unwrap();
        assert!(text.contains("Nobody is needed"), "{text}");
        assert_eq!(texts(&Html::parse_document(&text), "tbody th a"), ["alder <Clinic>"]);
    }

    #[test]
    fn who_is_gone_is_listed_apart_and_counts_nowhere() {
        let why = || Some("its folder is gone from the root; its cuts stay".to_string());
        let rows = [row("alder", 0, 0), PracticeRow { gone: why(), ..row("birch", 2, 1) }];
        let text = overview(&rows).unwrap();
        let page = Html::parse_document(&text);
        assert!(text.contains("Nobody is needed") && !text.contains("waiting for approval"), "{text}");
        assert_eq!(
            (texts(&page, "tbody th a"), texts(&page, "tfoot td")),
            (vec!["alder <Clinic>".into()], ["5", "5", "0", "0", ""].map(String::from).to_vec())
        );
        let gone = texts(&page, ".gone li");
        assert_eq!(gone, ["birch <Clinic> birch: 5 clips. Its folder is gone from the root; its cuts stay."]);
        assert!(text.contains("href=\"birch/report.html\""));
        assert!(!overview(&rows[..1]).unwrap().contains("class=\"gone\""));
        // As it is kept from one page to the next.
        let dated = PracticeRow { since: Some("2026-11-22T14:02:00.5Z".parse().unwrap()), ..rows[1].clone() };
        let kept = serde_json::to_string(&[dated.clone(), rows[0].clone()]).unwrap();
        assert_eq!(serde_json::from_str::<Vec<PracticeRow>>(&kept).unwrap(), [dated, rows[0].clone()]);
    }

    #[test]
    fn a_name_cannot_hide_its_end() {
        let mut turned = row("a\u{202E}b", 0, 0);
        turned.name = "Clinic\u{2066}evil".into();
        let page = overview(&[turned]).unwrap();
        assert!(page.contains("<bdi>Clinicevil</bdi>") && page.contains("<bdi>ab</bdi>"), "{page}");
        assert!(page.contains("href=\"a%E2%80%AEb/report.html\""), "{page}");
    }
}
