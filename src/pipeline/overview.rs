//! overview.html in the output folder of many practices: how each stands, in numbers. No word and no name of any clip.

use super::centre_file::kept_centre;
use super::desk;
use super::lock::Patience;
use super::session::Session;
use super::sheet_file::About;
use super::state::State;
use super::store::{Store, write_whole};
use crate::centre::{Centre, Site, why_gone};
use crate::config;
use crate::fault::{Cancel, Fault};
use crate::report::{self, ClipReport, PracticeRow};
use std::fs;
use std::path::{Path, PathBuf};

/// Writes the page about all practices, unless it says the same already; its place. One practice is looked at after the
/// other, which may take minutes; nobody waits for that.
///
/// # Errors
/// The disk takes no file.
pub fn overview(centre: &Centre) -> Result<PathBuf, Fault> {
    let gone = centre.gone();
    let before = kept(centre, &gone);
    let mut rows: Vec<PracticeRow> = (0..centre.sites.len() + gone.len()).map(|at| row_at(centre, &gone, at)).collect();
    let _turn = turn(&centre.out)?;
    // What somebody found out meanwhile of one of them is newer.
    if let (Some(before), Some(now)) = (before, kept(centre, &gone)) {
        for at in (0..rows.len()).filter(|at| before[*at] != now[*at]) {
            rows[at] = row_at(centre, &gone, at);
        }
    }
    write(centre, &rows)
}

/// Has the page about all practices say how one of them stands now, the one whose cuts lie in `out`; the others stand there as
/// they were looked at last. Its place; none where `out` is no folder of a centre.
///
/// # Errors
/// What the practices are cannot be read, or the disk takes no file.
pub fn overview_of(out: &Path) -> Result<Option<PathBuf>, Fault> {
    let out = std::path::absolute(out).unwrap_or_else(|_| out.to_path_buf());
    let (Some(above), Some(id)) = (out.parent(), out.file_name()) else { return Ok(None) };
    let Some(centre) = kept_centre(above)? else { return Ok(None) };
    let gone = centre.gone();
    let Some(at) = centre.sites.iter().chain(&gone).position(|site| id == site.id.as_str()) else { return Ok(None) };
    {
        let _turn = turn(&centre.out)?;
        if let Some(mut rows) = kept(&centre, &gone) {
            rows[at] = row_at(&centre, &gone, at);
            return write(&centre, &rows).map(Some);
        }
    }
    overview(&centre).map(Some)
}

/// How all practices stood when they were looked at last; none where practices came or left since, or nobody ever looked.
fn kept(centre: &Centre, gone: &[Site]) -> Option<Vec<PracticeRow>> {
    let rows: Vec<PracticeRow> = store(&centre.out).get("overview", "rows")?;
    let folders = rows.iter().map(|row| (&row.folder, row.gone.is_some()));
    let now = centre.sites.iter().map(|site| (&site.id, false)).chain(gone.iter().map(|site| (&site.id, true)));
    folders.eq(now).then_some(rows)
}

/// How one of the practices stands now, counted through those that are there and then those that left.
fn row_at(centre: &Centre, gone: &[Site], at: usize) -> PracticeRow {
    centre.sites.get(at).map_or_else(|| gone_row(&gone[at - centre.sites.len()]), row)
}

/// Only one program at a time writes down how practices stand, so that what one of them found out is not written over by what
/// another knew before.
fn turn(out: &Path) -> Result<Session, Fault> {
    Session::begin(out, "overview", &Patience { wait: false, cancel: &Cancel::new(), tell: &|_| () })
}

fn store(out: &Path) -> Store {
    Store::new(out.join(".housecall").join("cache"))
}

fn write(centre: &Centre, rows: &[PracticeRow]) -> Result<PathBuf, Fault> {
    // Kept first: a page that was not written is written by whoever comes next.
    store(&centre.out).put("overview", "rows", &rows)?;
    let page = report::overview(rows)?;
    let file = centre.out.join("overview.html");
    if !fs::read(&file).is_ok_and(|there| there == page.as_bytes()) {
        write_whole(&file, page.as_bytes())?;
    }
    Ok(file)
}

/// Whether a clip of that name is known in one practice's output folder.
pub fn knows(out: &Path, clip: &str) -> bool {
    store(out).get::<ClipReport>("clip", clip).is_some()
}

/// Of a practice that left: what of it lies there.
fn gone_row(site: &Site) -> PracticeRow {
    PracticeRow { gone: Some(why_gone(site).to_string()), ..row(site) }
}

fn row(site: &Site) -> PracticeRow {
    let settings = site.settings.as_deref().map(|file| config::load_under(file, site.defaults.as_deref()));
    let (name, mut trouble) = match settings {
        Some(Ok(practice)) => (Some(practice.name), None),
        Some(Err(fault)) => (None, Some(fault)),
        None => (None, None),
    };
    let kept = || store(&site.out).get::<About>("sheet", "about");
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::centre_file::keep_centre;
    use super::*;
    use crate::centre::Shape;

    fn write_file(file: PathBuf, text: &str) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// So many practices without clips.
    fn centre(folder: &Path, practices: usize) -> Centre {
        for id in 0..practices {
            let settings = format!("[practice]\nname = \"Practice {id}\"\n");
            write_file(folder.join(format!("root/p{id}/practice.toml")), &settings);
        }
        let Shape::Many(centre) = Shape::of(&folder.join("root"), &folder.join("cuts"), None).unwrap() else {
            panic!("one")
        };
        keep_centre(&centre).unwrap();
        centre
    }

    fn page(centre: &Centre) -> String {
        fs::read_to_string(centre.out.join("overview.html")).unwrap()
    }

    #[test]
    fn one_practice_is_looked_at_and_the_others_stand_as_they_did() {
        let folder = tempfile::tempdir().unwrap();
        let centre = centre(folder.path(), 3);
        overview(&centre).unwrap();
        let rename = |id: &str| {
            write_file(centre.root.join(id).join("practice.toml"), &format!("[practice]\nname = \"New {id}\"\n"));
        };
        rename("p1");
        rename("p2");
        assert_eq!(
            overview_of(&centre.out.join("p2")).unwrap(),
            Some(std::path::absolute(centre.out.join("overview.html")).unwrap())
        );
        assert!(page(&centre).contains("New p2") && page(&centre).contains("Practice 1"), "{}", page(&centre));
        // Where nobody knows how the others stood, all are looked at; so they are where one came.
        fs::remove_dir_all(centre.out.join(".housecall/cache")).unwrap();
        overview_of(&centre.out.join("p2")).unwrap();
        assert!(page(&centre).contains("New p1"), "{}", page(&centre));
        rename("p0");
        write_file(centre.root.join("p9/practice.toml"), "[practice]\nname = \"Nine\"\n");
        let Shape::Many(more) = Shape::of(&centre.root, &centre.out, None).unwrap() else { panic!("one") };
        keep_centre(&more).unwrap();
        overview_of(&centre.out.join("p2")).unwrap();
        assert!(page(&centre).contains("New p0") && page(&centre).contains("Nine"), "{}", page(&centre));
        // What is no practice of a centre has no such page.
        assert_eq!(overview_of(&centre.out.join("notes")).unwrap(), None);
        assert_eq!(overview_of(&folder.path().join("alone/cuts")).unwrap(), None);
    }

    #[test]
    fn who_left_is_told_of_and_who_is_back_is_one_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let centre = centre(folder.path(), 3);
        fs::create_dir_all(centre.out.join("p1/.housecall")).unwrap();
        fs::rename(centre.root.join("p1"), centre.root.join("renamed")).unwrap();
        let seen = || {
            let Shape::Many(now) = Shape::of(&centre.root, &centre.out, None).unwrap() else { panic!("one") };
            keep_centre(&now).unwrap();
            overview(&now).unwrap();
            page(&now)
        };
        let left = seen();
        assert!(left.contains("3 practices<") && left.contains("Its folder is gone from the root"), "{left}");
        assert!(left.contains("<bdi>p1</bdi>") && left.contains("<bdi>renamed</bdi>"), "{left}");
        // One that left can still be decided about.
        fs::remove_file(centre.out.join("overview.html")).unwrap();
        overview_of(&centre.out.join("p1")).unwrap();
        assert_eq!(page(&centre), left);
        fs::rename(centre.root.join("renamed"), centre.root.join("p1")).unwrap();
        assert!(!seen().contains("gone from the root"));
    }
}
