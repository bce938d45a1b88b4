//! report.html in the output folder: written when it has something new to say.

use super::store::{Store, write_whole};
use crate::fault::Fault;
use crate::report::{self, ClipReport, ClipState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the page says besides the clips; kept, so that a decision can be written into it later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    /// Name of the practice.
    pub practice: String,
    /// Names of the platforms by id.
    pub platforms: BTreeMap<String, String>,
}

/// Writes the page, unless it says the same already: a hundred covers take seconds to put into it. Its place, if there is
/// one.
///
/// # Errors
/// The disk takes no file.
pub fn write(store: &Store, out: &Path, about: &About, reports: &[ClipReport]) -> Result<Option<PathBuf>, Fault> {
    let file = out.join("report.html");
    if reports.is_empty() {
        return Ok(file.exists().then_some(file));
    }
    let same = |r: &ClipReport| match r.state {
        ClipState::Unchanged => ClipReport { state: ClipState::Done, ..r.clone() },
        _ => r.clone(),
    };
    let stored = |r: ClipReport| {
        // As it comes back from the cache, where the last digit of a number may differ.
        let text = serde_json::to_string(&r).ok()?;
        serde_json::to_string(&serde_json::from_str::<ClipReport>(&text).ok()?).ok()
    };
    let says: Vec<String> = reports.iter().map(same).filter_map(stored).chain([about.practice.clone()]).collect();
    let says = blake3::hash(says.join("\n").as_bytes()).to_hex().to_string();
    if file.exists() && store.get::<String>("sheet", "says").as_ref() == Some(&says) {
        return Ok(Some(file));
    }
    store.put("sheet", "about", about)?;
    let day = jiff::Zoned::now().strftime("%-d %B %Y").to_string();
    let page = report::sheet(&about.practice, &day, out, reports, &about.platforms)?;
    write_whole(&file, page.as_bytes())?;
    store.put("sheet", "says", &says)?;
    Ok(Some(file))
}
