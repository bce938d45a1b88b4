//! overview.html in the output folder of many practices: how each stands, in numbers. No word and no name of any clip.

use super::desk;
use super::sheet_file::About;
use super::state::State;
use super::store::{Store, write_whole};
use crate::centre::{Centre, Site};
use crate::config;
use crate::fault::Fault;
use crate::report::{self, ClipReport, PracticeRow};
use std::fs;
use std::path::{Path, PathBuf};

/// Writes the page about all practices, unless it says the same already; its place. One practice is looked at after the
/// other.
///
/// # Errors
/// The disk takes no file.
pub fn overview(centre: &Centre) -> Result<PathBuf, Fault> {
    let rows: Vec<PracticeRow> = centre.sites.iter().map(row).collect();
    let page = report::overview(&rows)?;
    let file = centre.out.join("overview.html");
    if !fs::read(&file).is_ok_and(|there| there == page.as_bytes()) {
        write_whole(&file, page.as_bytes())?;
    }
    Ok(file)
}

/// Whether a clip of that name is known in one practice's output folder.
pub fn knows(out: &Path, clip: &str) -> bool {
    Store::new(out.join(".housecall").join("cache")).get::<ClipReport>("clip", clip).is_some()
}

fn row(site: &Site) -> PracticeRow {
    let settings = site.settings.as_deref().map(|file| config::load_under(file, site.defaults.as_deref()));
    let (name, mut trouble) = match settings {
        Some(Ok(practice)) => (Some(practice.name), None),
        Some(Err(fault)) => (None, Some(fault)),
        None => (None, None),
    };
    let kept = || Store::new(site.out.join(".housecall").join("cache")).get::<About>("sheet", "about");
    let name = name.or_else(|| kept().map(|about| about.practice)).unwrap_or_else(|| site.id.clone());
    let mut row = PracticeRow { folder: site.id.clone(), name, ..PracticeRow::default() };
    if site.out.join(".housecall").is_dir() {
        match desk::status(&site.out) {
            Ok(status) => {
                for clip in &status.clips {
                    let state = clip.state();
                    row.clips += 1;
                    match state {
                        State::Held => row.waiting += 1,
                        State::Failed | State::CutOff | State::Missing => row.failed += 1,
                        State::Working | State::Away | State::Back => row.working += 1,
                        State::Approved | State::Done => row.done += 1,
                    }
                    let since = clip.since.as_deref().and_then(|since| since.parse::<jiff::Timestamp>().ok());
                    if matches!(state, State::Held | State::Failed | State::CutOff | State::Missing) {
                        row.since = row.since.into_iter().chain(since).min();
                    }
                }
                row.record_is_damaged = !status.record_is_whole;
            }
            Err(fault) => trouble = trouble.or(Some(fault)),
        }
        row.has_report = site.out.join("report.html").is_file();
    }
    row.trouble = trouble.map(|fault| format!("{}; {}", fault.what(), fault.advice()));
    row
}
