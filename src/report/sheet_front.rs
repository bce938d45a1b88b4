//! report.html where there are more clips than one page holds: what needs somebody, and the pages. Beside the pages stands
//! one with all clips by name. Neither holds a cover or what is said.

use super::brief::ClipBrief;
use super::clip_report::ClipReport;
use super::needs::{Needs, Problem, Totals, Waiting};
use super::phrases::{counted, undirected};
use super::sheet::{Sheet, anchor, leaf_name, rendered};
use crate::fault::Fault;
use askama::Template;

/// How many clips that failed, and how many that wait, are told of one by one; the pages tell of the others. More than
/// these nobody reads through in one go, and the page opens at once.
const TOLD: usize = 200;

/// A page and the clips on it, in their order there.
#[derive(Debug)]
pub struct LeafOf<'a> {
    /// The page's number.
    pub number: usize,
    /// Its clips.
    pub clips: Vec<&'a ClipBrief>,
}

impl Sheet<'_> {
    /// The front page, for the output folder. `report` gives the whole report of the few clips that are told of here.
    ///
    /// # Errors
    /// The page could not be put together.
    pub fn front(&self, leaves: &[LeafOf], report: &dyn Fn(&ClipBrief) -> ClipReport) -> Result<String, Fault> {
        let (mut totals, mut needs) = (Totals::default(), Needs::default());
        let mut rows = Vec::new();
        for leaf in leaves {
            let mut of_page = Totals::default();
            for (index, clip) in leaf.clips.iter().enumerate() {
                totals.add(clip);
                of_page.add(clip);
                let is_problem = clip.has_failure() && needs.problems.len() < TOLD;
                let is_waiting = clip.is_held() && needs.held.len() < TOLD;
                if is_problem || is_waiting {
                    let (report, link) = (report(clip), link("./report/", leaf.number, index));
                    needs.problems.extend(Problem::of(&report, link.clone(), self.platforms).filter(|_| is_problem));
                    needs.held.extend(Waiting::of(&report, link).filter(|_| is_waiting));
                }
            }
            let name = |clip: Option<&&ClipBrief>| clip.map(|clip| undirected(&clip.file)).unwrap_or_default();
            rows.push(Row {
                number: leaf.number,
                link: format!("./report/{}", leaf_name(leaf.number)),
                clips: of_page.clips,
                first: name(leaf.clips.first()),
                last: name(leaf.clips.last()),
                failures: (of_page.failures > 0).then(|| counted(of_page.failures, "problem")),
                waiting: (of_page.held > 0).then_some(of_page.held),
            });
        }
        rendered(&Front { practice: self.practice, day: self.day, needs: totals.told(needs), rows })
    }

    /// All clips by name, for its place beside the pages.
    ///
    /// # Errors
    /// The page could not be put together.
    pub fn names(&self, leaves: &[LeafOf]) -> Result<String, Fault> {
        let entries = leaves.iter().flat_map(|leaf| {
            leaf.clips.iter().enumerate().map(|(index, clip)| Entry {
                file: undirected(&clip.file),
                link: link("./", leaf.number, index),
                failed: clip.has_failure(),
                held: clip.is_held(),
            })
        });
        let mut entries: Vec<Entry> = entries.collect();
        entries.sort_by(|a, b| a.file.cmp(&b.file));
        rendered(&Names { practice: self.practice, day: self.day, entries: &entries })
    }
}

/// Where a clip stands on a page in `folder`.
fn link(folder: &str, leaf: usize, index: usize) -> String {
    format!("{folder}{}#{}", leaf_name(leaf), anchor(index))
}

#[derive(Template)]
#[template(path = "report/front.html")]
struct Front<'a> {
    practice: &'a str,
    day: &'a str,
    needs: Needs,
    rows: Vec<Row>,
}

/// A page in the list of pages.
struct Row {
    number: usize,
    link: String,
    clips: usize,
    /// File names of its first and its last clip.
    first: String,
    last: String,
    failures: Option<String>,
    waiting: Option<usize>,
}

#[derive(Template)]
#[template(path = "report/names.html")]
struct Names<'a> {
    practice: &'a str,
    day: &'a str,
    entries: &'a [Entry],
}

struct Entry {
    file: String,
    link: String,
    failed: bool,
    held: bool,
}
