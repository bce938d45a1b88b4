//! Where a person decides about clips that were made before: approve, hold, and what waits. Nothing is rendered here.
//!
//! A decision goes into the record first and the files are moved after it. Whoever is stopped in between has decided; the
//! same command, or the next run, moves the rest.

use super::batch::lock;
use super::journal::{Entry, Journal};
use super::record::{Action, Record, Signed};
use super::sheet_file::{self, About};
use super::shelf::{self, Shelf};
use super::signoff::{Consent, Decision, Standing};
use super::store::Store;
use crate::fault::Fault;
use crate::report::{ClipReport, ClipState, CutState};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A clip about which somebody decided.
#[derive(Debug)]
pub struct Decided {
    /// Name of its outputs.
    pub clip: String,
    /// Cuts that stand where they belong now.
    pub cuts: usize,
    /// Whether the same was decided before, so that nothing was added to the record.
    pub known: bool,
}

/// How a clip stands.
#[derive(Debug)]
pub struct ClipStatus {
    /// As the last run told it.
    pub report: ClipReport,
    /// Whether it waits, by the record as it is now.
    pub standing: Standing,
}

/// An output folder in which somebody decides.
struct Desk<'a> {
    out: &'a Path,
    store: Store,
    journal: Journal,
    record: Record,
    clips: BTreeMap<String, ClipReport>,
}

/// Lets clips go out as they are: their files get the platforms' names, and the record says who approved them.
///
/// # Errors
/// A clip is not known, was not made, lacks a consent, or its files are not those that were checked; then nothing at all
/// was done. Or the disk takes nothing.
pub fn approve(out: &Path, clips: &[String], by: &str, note: Option<&str>) -> Result<Vec<Decided>, Fault> {
    let state = state_of(out)?;
    let _lock = lock(&state)?;
    let mut desk = Desk::open(out, &state)?;
    let reports = desk.find(clips)?;
    for report in &reports {
        desk.check(report)?;
    }
    let mut decided = Vec::new();
    for report in reports {
        let known = matches!(report.signoff.decide(desk.record.last(&report.name)), Standing::Approved(_));
        if !known {
            desk.sign(&report, Action::Approve, Some(by), note)?;
        }
        shelf::bring(&report.goods, Shelf::Public, out, &desk.journal)?;
        decided.push(desk.restate(report, known)?);
    }
    desk.tell()?;
    Ok(decided)
}

/// Takes clips away from the platforms' names until somebody approves them.
///
/// # Errors
/// A clip is not known; then nothing at all was done. Or the disk takes nothing.
pub fn hold(out: &Path, clips: &[String], by: Option<&str>, note: Option<&str>) -> Result<Vec<Decided>, Fault> {
    let state = state_of(out)?;
    let _lock = lock(&state)?;
    let mut desk = Desk::open(out, &state)?;
    let mut decided = Vec::new();
    for report in desk.find(clips)? {
        let known = desk.record.last(&report.name).is_some_and(|signed| signed.action == Action::Hold);
        if !known {
            desk.sign(&report, Action::Hold, by, note)?;
        }
        shelf::withdraw(&report.name, out, &desk.journal)?;
        decided.push(desk.restate(report, known)?);
    }
    desk.tell()?;
    Ok(decided)
}

/// How every clip of the last run stands, and every other that still waits; only reads. The flag says whether the record
/// is as it was written.
///
/// # Errors
/// There are no cuts there, or the record cannot be read.
pub fn status(out: &Path) -> Result<(Vec<ClipStatus>, bool), Fault> {
    let state = state_of(out)?;
    let store = Store::new(state.join("cache"));
    let record = Record::open(&state)?;
    let recent: Option<BTreeSet<String>> = store.get("sheet", "clips");
    let clips = kept(&store).into_values().filter_map(|report| {
        let standing = report.signoff.decide(record.last(&report.name));
        let listed = recent.as_ref().is_none_or(|names| names.contains(&report.name));
        let waits = || report.is_held() && report.cuts.iter().any(|cut| out.join(&cut.file).exists());
        (listed || waits()).then_some(ClipStatus { report, standing })
    });
    Ok((clips.collect(), record.is_whole()))
}

fn state_of(out: &Path) -> Result<PathBuf, Fault> {
    let state = out.join(".housecall");
    let missing = || Fault::new(format!("there are no cuts in {}", out.display()), "name their folder with --out");
    state.is_dir().then_some(state).ok_or_else(missing)
}

/// The latest report of every clip by its name.
fn kept(store: &Store) -> BTreeMap<String, ClipReport> {
    store.all::<ClipReport>("clip").into_iter().map(|report| (report.name.clone(), report)).collect()
}

impl<'a> Desk<'a> {
    fn open(out: &'a Path, state: &Path) -> Result<Self, Fault> {
        let store = Store::new(state.join("cache"));
        let clips = kept(&store);
        let journal = Journal::open(&state.join("journal.ndjson"), out)?;
        Ok(Desk { out, store, journal, record: Record::open(state)?, clips })
    }

    /// The clips of these names, each once.
    fn find(&self, names: &[String]) -> Result<Vec<ClipReport>, Fault> {
        let mut seen = BTreeSet::new();
        let wanted = names.iter().filter(|name| seen.insert(name.as_str()));
        wanted.map(|name| self.clips.get(name).cloned().ok_or_else(|| self.unknown(name))).collect()
    }

    fn unknown(&self, name: &str) -> Fault {
        let what = format!("there is no clip \"{name}\" in {}", self.out.display());
        let known = || self.clips.keys();
        let nearest = known().max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
        let guess = match nearest.filter(|nearest| strsim::jaro_winkler(nearest, name) > 0.75) {
            Some(nearest) => format!("perhaps \"{nearest}\" was meant; "),
            None => String::new(),
        };
        let list: Vec<&str> = known().map(String::as_str).collect();
        match list.is_empty() {
            true => Fault::new(what, "make the cuts first with `housecall run`"),
            false => Fault::new(what, format!("{guess}known are {}", list.join(", "))),
        }
    }

    /// Whether a clip can be approved as it is.
    fn check(&self, report: &ClipReport) -> Result<(), Fault> {
        let name = &report.name;
        if matches!(report.state, ClipState::Failed { .. }) {
            let advice = "see in the report what to do, and run again";
            return Err(Fault::new(format!("{name} could not be made, so there is nothing to approve"), advice));
        }
        if report.cuts.is_empty() || report.cuts.iter().any(|cut| matches!(cut.state, CutState::Failed { .. })) {
            let what = format!("not every cut of {name} could be made, and nobody can approve what nobody has seen");
            return Err(Fault::new(what, "see in the report what to do, run again, and approve it then"));
        }
        if report.signoff.consent == Consent::Missing {
            let advice =
                "write consent = \"...\" into the clip's own .toml file, saying where it is filed, and run again";
            return Err(Fault::new(format!("a patient is visible in {name}, and no consent is named"), advice));
        }
        if let Some(file) = shelf::missing(&report.goods, &self.journal).first() {
            let what = format!("{} is gone, or is not the file that was checked", file.display());
            return Err(Fault::new(what, "run `housecall run` again, look at the clip, and approve it then"));
        }
        Ok(())
    }

    fn sign(&mut self, report: &ClipReport, action: Action, by: Option<&str>, note: Option<&str>) -> Result<(), Fault> {
        let consent = report.signoff.consent.reference().map(str::to_string);
        self.record.append(Signed {
            clip: report.name.clone(),
            action,
            decision: Decision {
                by: by.map(str::to_string),
                at: jiff::Timestamp::now().to_string(),
                note: note.map(str::to_string),
            },
            subject: report.signoff.subject.clone(),
            consent,
        })
    }

    /// Keeps the clip's report as it is after the decision, so that the next run finds nothing to do.
    fn restate(&mut self, report: ClipReport, known: bool) -> Result<Decided, Fault> {
        let standing = report.signoff.decide(self.record.last(&report.name));
        let shelf = standing.shelf();
        let before = report.clone();
        let report = report.standing(standing);
        if shelf == Shelf::Public {
            shelf::tidy(&report.goods, self.out);
        }
        self.store.put("clip", &report.name, &report)?;
        if let Some((fingerprint, files)) = self.journal.done(&report.name) {
            let stored: Option<ClipReport> = self.store.get("report", &fingerprint.0);
            // Else what was done is of another time than what was decided about.
            if stored
                .is_some_and(|stored| stored.goods == before.goods && stored.signoff.subject == before.signoff.subject)
            {
                let is_good = |file: &PathBuf| report.goods.iter().any(|good| good.file == Shelf::Public.place(file));
                let place =
                    |(file, stamp): (PathBuf, _)| (if is_good(&file) { shelf.place(&file) } else { file }, stamp);
                let files = files.into_iter().map(place).collect();
                self.store.put("report", &fingerprint.0, &report)?;
                self.journal.append(Entry::Done { clip: report.name.clone(), fingerprint, files })?;
            }
        }
        let decided = Decided { clip: report.name.clone(), cuts: report.made(), known };
        self.clips.insert(report.name.clone(), report);
        Ok(decided)
    }

    /// Writes the decisions into the report's page.
    fn tell(&self) -> Result<(), Fault> {
        let (Some(about), Some(names)) =
            (self.store.get::<About>("sheet", "about"), self.store.get::<Vec<String>>("sheet", "clips"))
        else {
            return Ok(());
        };
        let mut reports: Vec<ClipReport> = names.iter().filter_map(|name| self.clips.get(name).cloned()).collect();
        reports.sort_by(|a, b| a.file.cmp(&b.file));
        sheet_file::write(&self.store, self.out, &about, &reports).map(drop)
    }
}
