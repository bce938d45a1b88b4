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
    // One after the other: the texts of thousands of clips fit into no memory.
    let mut says = blake3::Hasher::new();
    for report in reports {
        if let Some(text) = stored(report) {
            says.update(text.as_bytes()).update(b"\n");
        }
    }
    let says = says.update(about.practice.as_bytes()).finalize().to_hex().to_string();
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

/// What a report says, as it comes back from the cache, where the last digit of a number may differ.
fn stored(report: &ClipReport) -> Option<String> {
    let done = match report.state {
        ClipState::Unchanged => Some(ClipReport { state: ClipState::Done, ..report.clone() }),
        _ => None,
    };
    let text = serde_json::to_string(done.as_ref().unwrap_or(report)).ok()?;
    serde_json::to_string(&serde_json::from_str::<ClipReport>(&text).ok()?).ok()
}
