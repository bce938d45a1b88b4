//! report.html in the output folder, and the pages beside it where there are many clips: written when they have something
//! new to say.
//!
//! A clip keeps its page as long as it is there. New ones come onto the last page, so that what comes today is read
//! together, and the other pages stay as they are.

use super::store::{Store, write_whole};
use crate::fault::{Fault, cannot_write};
use crate::report::{ClipBrief, ClipReport, ClipState, Leaf, LeafOf, Sheet, leaf_name};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Folder for the pages, in the output folder.
pub(super) const FOLDER: &str = "report";

/// How many clips stand on one page: with a cover each, 2 to 3 MB (samples on one platform). A thousand would be 24 MB, and
/// each new one would take a thousand covers to be read again.
const CLIPS: usize = 100;

/// What the page says besides the clips; kept, so that a decision can be written into it later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    /// Name of the practice.
    pub practice: String,
    /// Names of the platforms by id.
    pub platforms: BTreeMap<String, String>,
}

/// A page, and the clips on it by their files' names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    number: usize,
    clips: Vec<String>,
}

/// Writes what there is to say of these clips, unless it is said already: a hundred covers take seconds to put into a page.
/// The place of report.html, if there is one. One report is in memory at a time, but for those of the page that is made.
///
/// # Errors
/// The disk takes no file.
pub fn write(store: &Store, out: &Path, about: &About, mut clips: Vec<&ClipBrief>) -> Result<Option<PathBuf>, Fault> {
    let file = out.join("report.html");
    if clips.is_empty() {
        return Ok(file.exists().then_some(file));
    }
    clips.sort_by(|a, b| a.file.cmp(&b.file));
    let day = jiff::Zoned::now().strftime("%-d %B %Y").to_string();
    let sheet = Sheet { practice: &about.practice, day: &day, out, platforms: &about.platforms };
    let desk = Desk { store, out, about, sheet };
    let kept: Vec<Kept> = store.get("sheet", "pages").unwrap_or_default();
    if clips.len() <= CLIPS {
        let says = desk.says(&clips);
        desk.write(Path::new("report.html"), "says", &says, || {
            sheet.whole(clips.iter().map(|clip| desk.report(clip)))
        })?;
        if !kept.is_empty() {
            desk.remove(&HashSet::new())?;
            store.remove("sheet", "pages");
        }
        return Ok(Some(file));
    }
    let names: Vec<&str> = clips.iter().map(|clip| clip.file.as_str()).collect();
    let pages = arranged(kept, &names);
    store.put("sheet", "pages", &pages)?;
    desk.write_all(&leaves(&pages, &clips))?;
    Ok(Some(file))
}

/// What became of a clip, with all that was kept of it.
pub(super) fn whole_report(store: &Store, clip: &ClipBrief) -> ClipReport {
    if let ClipState::Failed { .. } = clip.state {
        return ClipReport::bare(&clip.name, &clip.file, clip.state.clone());
    }
    let kept: Option<ClipReport> = store.get("clip", &clip.name);
    match kept.filter(|kept| kept.file == clip.file) {
        Some(kept) => ClipReport { state: clip.state.clone(), ..kept },
        None => {
            let fault = Fault::new("what is known of this clip cannot be read any more", "run again");
            ClipReport::failed(&clip.name, &clip.file, super::event::Stage::Publish, &fault)
        }
    }
}

/// What became of a clip that a batch told of, with all that was kept of it in the output folder `out`.
pub fn kept_report(out: &Path, clip: &ClipBrief) -> ClipReport {
    whole_report(&Store::new(out.join(".housecall").join("cache")), clip)
}

/// Where pages are written.
struct Desk<'a> {
    store: &'a Store,
    out: &'a Path,
    about: &'a About,
    sheet: Sheet<'a>,
}

impl Desk<'_> {
    fn report(&self, clip: &ClipBrief) -> ClipReport {
        whole_report(self.store, clip)
    }

    /// Digest of everything that a page with these clips says. That a clip was made before is nothing new.
    fn says(&self, clips: &[&ClipBrief]) -> blake3::Hasher {
        let mut says = blake3::Hasher::new();
        for clip in clips {
            says.update(clip.file.as_bytes()).update(b"\n");
            let text = match &clip.state {
                state @ ClipState::Failed { .. } => serde_json::to_string(state).ok(),
                ClipState::Done | ClipState::Unchanged => self.store.text("clip", &clip.name),
            };
            says.update(text.unwrap_or_default().as_bytes()).update(b"\n");
            // The front page counts by the brief, which may be older than what is kept by now.
            let counted = (clip.is_held(), clip.published(), clip.failures(), clip.skipped());
            says.update(format!("{counted:?}").as_bytes());
        }
        says.update(serde_json::to_string(self.about).unwrap_or_default().as_bytes());
        says
    }

    /// Writes the file unless it is there and says the same; `key` is what the digest is kept under.
    fn write(
        &self,
        file: &Path,
        key: &str,
        says: &blake3::Hasher,
        page: impl FnOnce() -> Result<String, Fault>,
    ) -> Result<(), Fault> {
        let (file, says) = (self.out.join(file), says.finalize().to_hex().to_string());
        if file.exists() && self.store.get::<String>("sheet", key).as_ref() == Some(&says) {
            return Ok(());
        }
        self.store.put("sheet", "about", self.about)?;
        write_whole(&file, page()?.as_bytes())?;
        self.store.put("sheet", key, &says)
    }

    /// Writes all pages, and the front page after them, so that none of its links leads to nothing.
    fn write_all(&self, leaves: &[LeafOf]) -> Result<(), Fault> {
        let mut all = blake3::Hasher::new();
        let number = |at: Option<usize>| at.and_then(|at| leaves.get(at)).map(|leaf: &LeafOf| leaf.number);
        for (at, leaf) in leaves.iter().enumerate() {
            let beside = (number(at.checked_sub(1)), number(Some(at + 1)));
            let place = Leaf { number: leaf.number, before: beside.0, after: beside.1 };
            let mut says = self.says(&leaf.clips);
            all.update(format!("{} ", leaf.number).as_bytes()).update(says.finalize().as_bytes());
            says.update(format!("{beside:?}").as_bytes());
            let name = leaf_name(leaf.number);
            let page = || self.sheet.leaf(place, leaf.clips.iter().map(|clip| self.report(clip)));
            self.write(&Path::new(FOLDER).join(&name), &name, &says, page)?;
        }
        self.write(&Path::new(FOLDER).join(NAMES), NAMES, &all, || self.sheet.names(leaves))?;
        self.write(Path::new("report.html"), "says", &all, || self.sheet.front(leaves, &|clip| self.report(clip)))?;
        self.remove(&leaves.iter().map(|leaf| leaf_name(leaf.number)).chain([NAMES.to_string()]).collect())
    }

    /// Removes the pages that are not among these any more; files that no page is called like are left alone.
    fn remove(&self, needed: &HashSet<String>) -> Result<(), Fault> {
        let folder = self.out.join(FOLDER);
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_page = is_page(&name) && entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_page && !needed.contains(&name) {
                match fs::remove_file(entry.path()) {
                    Err(e) if e.kind() != ErrorKind::NotFound => return Err(cannot_write(&entry.path(), &e)),
                    _ => self.store.remove("sheet", &name),
                }
            }
        }
        if needed.is_empty() {
            // It stays where something else lies in it.
            drop(fs::remove_dir(folder));
        }
        Ok(())
    }
}

/// File name of the page with all clips by name.
const NAMES: &str = "names.html";

/// Whether a file has the name of a page: `003.html`, `names.html`.
fn is_page(name: &str) -> bool {
    let number: Option<usize> = name.strip_suffix(".html").and_then(|stem| stem.parse().ok());
    name == NAMES || number.is_some_and(|number| name == leaf_name(number))
}

/// Each page with its clips in the order of `clips`.
fn leaves<'a>(pages: &[Kept], clips: &[&'a ClipBrief]) -> Vec<LeafOf<'a>> {
    let on = pages.iter().enumerate().flat_map(|(at, page)| page.clips.iter().map(move |clip| (clip.as_str(), at)));
    let on: HashMap<&str, usize> = on.collect();
    let mut leaves: Vec<LeafOf> = pages.iter().map(|page| LeafOf { number: page.number, clips: Vec::new() }).collect();
    for clip in clips {
        if let Some(leaf) = on.get(clip.file.as_str()).and_then(|at| leaves.get_mut(*at)) {
            leaf.clips.push(clip);
        }
    }
    leaves
}

/// On which pages the clips stand, given where they stood: a clip stays on its page, new ones come onto the last in the
/// order of `clips`. Where so many are gone that half of the pages would do, all are laid out anew.
fn arranged(kept: Vec<Kept>, clips: &[&str]) -> Vec<Kept> {
    let at: HashMap<&str, usize> = clips.iter().enumerate().map(|(at, clip)| (*clip, at)).collect();
    let mut placed = vec![false; clips.len()];
    let mut place = |clip: &str| at.get(clip).is_some_and(|at| !std::mem::replace(&mut placed[*at], true));
    let mut pages = kept;
    pages.iter_mut().for_each(|page| page.clips.retain(|clip| place(clip)));
    pages.retain(|page| !page.clips.is_empty());
    if pages.len() > 2 * at.len().div_ceil(CLIPS) {
        return arranged(Vec::new(), clips);
    }
    for clip in clips.iter().filter(|clip| place(clip)) {
        match pages.last_mut().filter(|page| page.clips.len() < CLIPS) {
            Some(page) => page.clips.push(clip.to_string()),
            None => {
                let number = pages.iter().map(|page| page.number).max().unwrap_or(0) + 1;
                pages.push(Kept { number, clips: vec![clip.to_string()] });
            }
        }
    }
    pages
}

#[cfg(test)]
#[path = "sheet_file_tests.rs"]
mod tests;
