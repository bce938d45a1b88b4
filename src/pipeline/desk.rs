//! Where a person decides about clips that were made before: approve, hold, and what waits. Nothing is rendered here.
//!
//! A decision goes into the record first and the files are moved after it. Whoever is stopped in between has decided; the
//! same command, or the next run, moves the rest.

use super::away::{Away, Handed, away};
use super::delivered::Delivered;
use super::journal::{Entry, Glance, Journal, Stamp, Standpoint, Step};
use super::lock::{self, Holder, Patience};
use super::record::{Action, Record, Signed};
use super::sheet_file::{self, About};
use super::shelf::{self, Shelf};
use super::signoff::{Consent, Decision, Standing};
use super::store::Store;
use super::tenure::Tenure;
use crate::fault::Fault;
use crate::report::{ClipBrief, ClipReport, ClipState, CutState};
use crate::wording::checks::Category;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;

/// A clip about which somebody decided.
#[derive(Debug)]
pub struct Decided {
    /// Name of its outputs.
    pub clip: String,
    /// Cuts that stand where they belong now.
    pub cuts: usize,
    /// Cuts that are still to be made.
    pub unmade: usize,
    /// Whether the same was decided before, so that nothing was added to the record.
    pub known: bool,
    /// What platforms would not take of its posts, and what to do, in whole sentences; it keeps nothing from going out.
    pub beyond: Vec<String>,
}

/// How the clips of an output folder stand.
#[derive(Debug)]
pub struct Overview {
    /// Every clip of the last run, and every other that still waits, by name.
    pub clips: Vec<ClipStatus>,
    /// Whether the record of approvals is as it was written.
    pub record_is_whole: bool,
    /// Lines of the journal that are torn or damaged.
    pub damaged: usize,
    /// Who works there just now.
    pub holder: Option<Holder>,
}

/// How a clip stands.
#[derive(Debug)]
pub struct ClipStatus {
    /// Name of its outputs, or of its file where it has none yet.
    pub name: String,
    /// What it is at.
    pub now: Now,
    /// Since when it is so far, as the journal tells it: UTC, RFC 3339.
    pub since: Option<String>,
    /// As the last run that came to its end with it told it, [in brief](ClipReport::in_brief), and whether it waits, by the
    /// record as it is now.
    pub report: Option<(ClipReport, Standing)>,
}

/// What a clip is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Now {
    /// A batch goes on, and the clip is so far; since when, UTC, RFC 3339.
    Working(Step, String),
    /// A batch was stopped or killed when the clip was so far.
    CutOff(Step),
    /// The last batch could not make it, or not all of it: a step of that kind.
    Failed(Step),
    /// Cuts that were made are gone, or somebody changed them; relative to the output folder.
    Missing(Vec<PathBuf>),
    /// It was handed to a cluster, and is so far; since when, UTC, RFC 3339.
    Away(Away, String),
    /// At rest, held or finished, as the report says; and where that is lost, as this step does.
    Rests(Option<Step>),
}

/// So many names are listed where one is not known.
const LISTED: usize = 100;

/// An output folder in which somebody decides.
struct Desk<'a> {
    out: &'a Path,
    store: Store,
    journal: &'a Journal,
    /// Nobody else gives a file its name, or takes one away, as long as this is open.
    record: MutexGuard<'a, Record>,
}

/// Lets clips go out as they are: their files get the platforms' names, and the record says who approved them. What of
/// them was not made yet is made and published by the next run.
///
/// # Errors
/// A clip is not known, could not be made, lacks a consent, or its files are not those that were checked; then nothing at
/// all was done. Or another Housecall works there, or the disk takes nothing.
pub fn approve(
    out: &Path,
    clips: &[String],
    by: &str,
    note: Option<&str>,
    patience: &Patience,
) -> Result<Vec<Decided>, Fault> {
    let tenure = Tenure::of(out, state_of(out)?, "approve", patience, false)?;
    let decided = approve_under(&tenure, clips, by, note)?;
    Desk::open(&tenure).tell()?;
    Ok(decided)
}

/// As [`approve`], for whoever has the output folder already; the report's page does not say so yet.
///
/// # Errors
/// As [`approve`].
pub fn approve_under(tenure: &Tenure, clips: &[String], by: &str, note: Option<&str>) -> Result<Vec<Decided>, Fault> {
    let out = tenure.out();
    let mut desk = Desk::open(tenure);
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
        shelf::bring(&report.goods, Shelf::Public, out, desk.journal)?;
        decided.push(desk.restate(report, known)?);
    }
    Ok(decided)
}

/// Takes clips away from the platforms' names until somebody approves them.
///
/// # Errors
/// A clip is not known; then nothing at all was done. Or another Housecall works there, or the disk takes nothing.
pub fn hold(
    out: &Path,
    clips: &[String],
    by: Option<&str>,
    note: Option<&str>,
    patience: &Patience,
) -> Result<Vec<Decided>, Fault> {
    let tenure = Tenure::of(out, state_of(out)?, "hold", patience, false)?;
    let decided = hold_under(&tenure, clips, by, note)?;
    Desk::open(&tenure).tell()?;
    Ok(decided)
}

/// As [`hold`], for whoever has the output folder already; the report's page does not say so yet.
///
/// # Errors
/// As [`hold`].
pub fn hold_under(
    tenure: &Tenure,
    clips: &[String],
    by: Option<&str>,
    note: Option<&str>,
) -> Result<Vec<Decided>, Fault> {
    let mut desk = Desk::open(tenure);
    let mut decided = Vec::new();
    for report in desk.find(clips)? {
        let known = desk.record.last(&report.name).is_some_and(|signed| signed.action == Action::Hold);
        if !known {
            desk.sign(&report, Action::Hold, by, note)?;
        }
        shelf::withdraw(&report.name, desk.out, desk.journal)?;
        decided.push(desk.restate(report, known)?);
    }
    Ok(decided)
}

/// How every clip of the last run stands, and every other that still waits; only reads, and may be asked while others work.
///
/// # Errors
/// There are no cuts there, or the journal or the record cannot be read.
pub fn status(out: &Path) -> Result<Overview, Fault> {
    status_with(out, &[])
}

/// As [`status`], of a folder whose clips were `handed` to a cluster, each named once.
///
/// # Errors
/// As [`status`].
pub fn status_with(out: &Path, handed: &[Handed]) -> Result<Overview, Fault> {
    let state = state_of(out)?;
    let holder = lock::holder(&state);
    let journal = Glance::of(&state.join("journal.ndjson"))?;
    let said = journal.said();
    let record = Record::open(&state)?;
    let store = Store::new(state.join("cache"));
    let recent: Option<BTreeSet<String>> = store.get("sheet", "clips");
    let unfinished = said.batch().is_some_and(|batch| batch.ended != Some(false));
    let is_told = |name: &str| {
        let listed = recent.as_ref().is_none_or(|names| names.contains(name));
        listed || said.clips().get(name).is_some_and(|point| point.recent && unfinished)
    };
    let since = |name: &str| said.clips().get(name).map(|point| point.at.clone());
    let mut clips = Vec::new();
    // One report at a time: those of a whole health system fit into no memory.
    for report in store.each::<ClipReport>("clip") {
        let waits = || report.is_held() && report.cuts.iter().any(|cut| out.join(&cut.file).exists());
        if is_told(&report.name) || waits() {
            let now = now(&report.name, &journal, holder.as_ref(), out);
            let standing = report.signoff.decide(record.last(&report.name));
            let (name, since) = (report.name.clone(), since(&report.name));
            clips.push(ClipStatus { name, now, since, report: Some((report.in_brief(), standing)) });
        }
    }
    clips.sort_by(|a, b| a.name.cmp(&b.name));
    let is_new = |name: &&String| clips.binary_search_by(|clip| clip.name.cmp(name)).is_err();
    let others = said.clips().keys().filter(|name| is_told(name)).filter(is_new).map(|name| {
        let now = now(name, &journal, holder.as_ref(), out);
        ClipStatus { name: name.clone(), now, since: since(name), report: None }
    });
    let others: Vec<ClipStatus> = others.collect();
    clips.extend(others);
    clips.sort_by(|a, b| a.name.cmp(&b.name));
    let (delivered, mut strangers) = (Delivered::of(out), Vec::new());
    for handed in handed {
        let known = clips.binary_search_by(|clip| clip.name.cmp(&handed.clip));
        let here = match known {
            Ok(known) => clips[known].now.clone(),
            Err(_) => now(&handed.clip, &journal, holder.as_ref(), out),
        };
        let Some((so_far, since)) = away(handed, &here, &journal, &delivered) else { continue };
        let (now, since) = (Now::Away(so_far, since.clone()), Some(since));
        match known {
            Ok(known) => (clips[known].now, clips[known].since) = (now, since),
            Err(_) => strangers.push(ClipStatus { name: handed.clip.clone(), now, since, report: None }),
        }
    }
    clips.extend(strangers);
    clips.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Overview { clips, record_is_whole: record.is_whole(), damaged: journal.damaged(), holder })
}

/// What a clip is at, by what the journal said and who is at work.
fn now(name: &str, journal: &Glance, holder: Option<&Holder>, out: &Path) -> Now {
    let said = journal.said();
    let goes_on = said.batch().is_some_and(|batch| {
        // Who took the folder after the batch began is at work on something else.
        let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
        batch.ended.is_none() && holder.is_some_and(|holder| time(&holder.since) <= time(&batch.at))
    });
    let over = said.batch().is_some_and(|batch| batch.ended == Some(false));
    match said.clips().get(name) {
        Some(Standpoint { step, at, recent: true }) if step.is_under_way() && goes_on => {
            Now::Working(step.clone(), at.clone())
        }
        Some(Standpoint { step, .. }) if step.is_under_way() && !over => Now::CutOff(step.clone()),
        Some(Standpoint { step: step @ Step::Failed { .. }, recent: true, .. }) => Now::Failed(step.clone()),
        other => {
            let cut = |file: &Path| file.extension().is_some_and(|extension| extension == "mp4");
            let stands = |file: &Path, stamp: &Stamp| {
                [Shelf::Public, Shelf::Held].iter().any(|s| Stamp::of(&out.join(s.place(file))) == Some(*stamp))
            };
            let files = journal.files(name).into_iter().filter(|(file, stamp)| cut(file) && !stands(file, stamp));
            let gone: Vec<PathBuf> = files.map(|(file, _)| file).collect();
            if gone.is_empty() { Now::Rests(other.map(|point| point.step.clone())) } else { Now::Missing(gone) }
        }
    }
}

pub(super) fn state_of(out: &Path) -> Result<PathBuf, Fault> {
    let state = out.join(".housecall");
    let missing = || Fault::new(format!("there are no cuts in {}", out.display()), "name their folder with --out");
    state.is_dir().then_some(state).ok_or_else(missing)
}

impl<'a> Desk<'a> {
    fn open(tenure: &'a Tenure) -> Self {
        Desk { out: tenure.out(), store: tenure.store(), journal: &tenure.journal, record: tenure.record() }
    }

    /// The clips of these names, each once.
    fn find(&self, names: &[String]) -> Result<Vec<ClipReport>, Fault> {
        let mut seen = BTreeSet::new();
        let wanted = names.iter().filter(|name| seen.insert(name.as_str()));
        wanted.map(|name| self.store.get("clip", name).ok_or_else(|| self.unknown(name))).collect()
    }

    fn unknown(&self, name: &str) -> Fault {
        let what = format!("there is no clip \"{name}\" in {}", self.out.display());
        let mut known: Vec<String> = self.store.each::<ClipBrief>("clip").map(|clip| clip.name).collect();
        known.sort();
        let like = |known: &String| strsim::jaro_winkler(known, name);
        let nearest = known.iter().max_by(|a, b| like(a).total_cmp(&like(b)));
        let guess = match nearest.filter(|nearest| like(nearest) > 0.75) {
            Some(nearest) => format!("perhaps \"{nearest}\" was meant; "),
            None => String::new(),
        };
        let more = match known.len().saturating_sub(LISTED) {
            0 => String::new(),
            more => format!(" and {more} more, which `housecall status` lists"),
        };
        known.truncate(LISTED);
        match known.is_empty() {
            true => Fault::new(what, "make the cuts first with `housecall run`"),
            false => Fault::new(what, format!("{guess}known are {}{more}", known.join(", "))),
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
        if let Some(file) = shelf::missing(&report.goods, self.journal).first() {
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
        let unmade = report.cuts.iter().filter(|cut| cut.state == CutState::Unmade).count();
        let step = match shelf {
            Shelf::Held => Step::Held,
            Shelf::Public if unmade > 0 => Step::Waiting,
            Shelf::Public => Step::Finished,
        };
        self.journal.step(&report.name, step);
        let too_long = report.signoff.findings.iter().filter(|finding| finding.category == Category::Platform);
        let beyond = too_long.map(|finding| finding.advice.clone()).collect();
        let decided = Decided { clip: report.name.clone(), cuts: report.made(), unmade, known, beyond };
        Ok(decided)
    }

    /// Writes the decisions into the report's page.
    fn tell(&self) -> Result<(), Fault> {
        let (Some(about), Some(names)) =
            (self.store.get::<About>("sheet", "about"), self.store.get::<Vec<String>>("sheet", "clips"))
        else {
            return Ok(());
        };
        let clips: Vec<ClipBrief> = names.iter().filter_map(|name| self.store.get("clip", name)).collect();
        sheet_file::write(&self.store, self.out, &about, clips.iter().collect()).map(drop)
    }
}
