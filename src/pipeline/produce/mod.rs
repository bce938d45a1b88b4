//! From a plan to files in their places: what is missing is rendered from one decode, checked, published; what is there
//! is left alone.
//!
//! `renders` has what is missing made, `taken` takes what tasks delivered, `covers` and `words` add the cover and the texts, and
//! `account` says what became of it.

use super::bench::Role;
use super::delivered::Delivered;
use super::event::{Event, Listener, Stage};
use super::journal::{Entry, Journal, Stamp};
use super::record::Record;
use super::shelf::{self, Good, Shelf};
use super::signoff::Signoff;
use super::store::Store;
use super::tenure::Tenure;
use super::turns::Turn;
use super::understand::Understood;
use super::work::Tally;
use crate::config::{Platform, Practice};
use crate::cuts::{self, ClipPlan, CutPlan, Drawing, Recipe, Render};
use crate::fault::{Cancel, Fault};
use crate::intake::{ClipSource, Digest};
use crate::report::ClipReport;
use crate::trace::Trace;
use crate::wording::{PostText, Wording};
use crate::worker::Crew;
use covers::cover_file;
use renders::Rejected;
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;

mod account;
mod covers;
mod renders;
mod taken;
mod words;

/// Where files lie that did not pass their check, relative to the output folder.
const FAILED: &str = ".housecall/failed";

/// A clip that is ready to be rendered.
pub struct Planned {
    /// The file.
    pub source: ClipSource,
    /// What decides its outputs.
    pub fingerprint: Digest,
    /// What is known of it.
    pub understood: Understood,
    /// What its captions say.
    pub wording: Wording,
    /// What is made from it.
    pub plan: ClipPlan,
    /// What stands where on each cut, in the order of the plan's cuts.
    pub drawings: Vec<Drawing>,
    /// The text of each platform's post, by the platform's id.
    pub posts: Vec<(String, PostText)>,
    /// Whether it waits for a person.
    pub signoff: Signoff,
    /// How often a person had changed the clip when this was begun.
    pub changes: u64,
}

/// What all clips of a batch share on their way out.
pub struct Workshop<'a> {
    /// Output folder.
    pub out: &'a Path,
    /// Folder for files on their way, on the same file system.
    pub scratch: &'a Path,
    /// Who posts.
    pub practice: &'a Practice,
    /// The right to give files their names.
    pub tenure: &'a Tenure,
    /// What is in place.
    pub journal: &'a Journal,
    /// What is known.
    pub store: &'a Store,
    /// Threads of a decoder.
    pub threads: usize,
    /// Whether a clip that waits is made only when somebody approved it.
    pub hold_back: bool,
    /// What tasks delivered, or are to deliver.
    pub delivered: &'a Delivered,
    /// What part of the work is done here.
    pub role: &'a Role,
    /// Starts workers.
    pub crew: &'a Crew,
    /// Stops the work.
    pub cancel: &'a Cancel,
    /// Told of everything.
    pub listener: Listener<'a>,
    /// Counts what is costly.
    pub tally: &'a Tally,
    /// Told what goes on when.
    pub trace: &'a Trace,
}

/// Whether a clip whose worker dies will be tried once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Nothing is made at all; what is missing waits.
    None,
    /// It will; until then nothing is said of it.
    First,
    /// It will not; what is missing then has failed.
    Last,
}

impl Workshop<'_> {
    /// Makes and publishes everything of one clip that is not in place, and gives its turn on as soon as another clip may
    /// be decoded.
    ///
    /// # Errors
    /// Cancellation, a disk that takes no file, or a worker that died at the first attempt. What fails for single cuts
    /// stands in the report.
    pub fn produce(&self, planned: &Planned, turn: &Turn, attempt: Attempt) -> Result<ClipReport, (Stage, Fault)> {
        let renders = cuts::renders(&planned.plan);
        let shelf = planned.shelf();
        let attempt = if self.hold_back && shelf == Shelf::Held { Attempt::None } else { attempt };
        self.shelve(planned, &renders).map_err(|fault| (Stage::Publish, fault))?;
        let outcomes = self.make(planned, &renders, turn, attempt)?;
        let _still = self.still(planned).map_err(|fault| (Stage::Publish, fault))?;
        // Something was refused for what was a change for a moment.
        let refused = |made: &Result<(), Rejected>| {
            made.as_ref().is_err_and(|rejected| rejected.stage == Stage::Publish && rejected.fault.is_cancelled())
        };
        if outcomes.values().any(refused) {
            return Err((Stage::Publish, Fault::Cancelled));
        }
        let mut report = self.report(planned, &renders, &outcomes);
        let made: Vec<Good> = planned.goods(&renders).into_iter().filter(|g| self.has(planned, g)).collect();
        let cover = cover_file(&planned.source.name);
        let has_cover = made.iter().any(|good| good.file == cover);
        report.cover = has_cover.then(|| shelf.place(&cover));
        let (mut files, laid) = self.write_words(planned, &report).map_err(|fault| (Stage::Publish, fault))?;
        report.goods = made.into_iter().chain(laid.goods).collect();
        let kept = |file: &PathBuf| {
            format!("{} was changed by a person; what stands in it was not checked.", shelf.place(file).display())
        };
        report.notes.extend(laid.kept.iter().map(kept));
        if shelf == Shelf::Public {
            shelf::tidy(&report.goods, self.out);
        }
        let planned_cover = &planned.plan.cover;
        let is_whole = !report.has_failure() && !report.has_unmade() && has_cover == planned_cover.is_some();
        self.store.put("clip", &planned.source.name, &report).map_err(|fault| (Stage::Publish, fault))?;
        if report.has_unmade() {
            // What is foreseen is found again without planning.
            self.store.put("report", &planned.fingerprint.0, &report).map_err(|fault| (Stage::Publish, fault))?;
            return Ok(report);
        }
        // With anything missing the clip is not done, and the next run tries again.
        if is_whole {
            files.extend(report.goods.iter().map(|good| shelf.place(&good.file)));
            let stamp = |file: PathBuf| Stamp::of(&self.out.join(&file)).map(|stamp| (file, stamp));
            if let Some(files) = files.into_iter().map(stamp).collect::<Option<Vec<_>>>() {
                let (clip, fingerprint) = (planned.source.name.clone(), planned.fingerprint.clone());
                let done = self.store.put("report", &planned.fingerprint.0, &report);
                done.and_then(|()| self.journal.append(Entry::Done { clip, fingerprint, files }))
                    .map_err(|fault| (Stage::Publish, fault))?;
            }
        }
        if is_whole && !self.delivers() {
            let keys: Vec<&Digest> = renders.iter().map(|render| &render.key).collect();
            let cover = planned_cover.as_ref().map(Recipe::key);
            let Planned { source, fingerprint, .. } = planned;
            self.delivered.forget(&source.name, &source.digest, fingerprint, &keys, cover.as_ref());
        }
        Ok(report)
    }

    /// That what was planned still is what people want, as long as the answer is kept.
    ///
    /// # Errors
    /// [`Fault::Cancelled`]: somebody changed the clip since, or decided about it. What is made of it then is not published.
    fn still(&self, planned: &Planned) -> Result<MutexGuard<'_, Record>, Fault> {
        let (record, name) = (self.tenure.record(), &planned.source.name);
        let shelf = planned.signoff.decide(record.last(name)).shelf();
        let same = shelf == planned.shelf() && self.tenure.changes(name) == planned.changes;
        if same { Ok(record) } else { Err(Fault::Cancelled) }
    }

    /// Brings what was made before to where it belongs now. What waits is nowhere under a platform's name from here on.
    fn shelve(&self, planned: &Planned, renders: &[Render]) -> Result<(), Fault> {
        let _still = self.still(planned)?;
        if planned.shelf() == Shelf::Held {
            return shelf::withdraw(&planned.source.name, self.out, self.journal);
        }
        for file in shelf::bring(&planned.goods(renders), Shelf::Public, self.out, self.journal)? {
            if let Some(cut) = planned.plan.cuts.iter().find(|cut| cut.file == file) {
                let (clip, platform) = (planned.source.name.clone(), cut.platform.clone());
                (self.listener)(Event::Published { clip, platform, file });
            }
        }
        Ok(())
    }

    /// Whether a file is where it belongs.
    fn has(&self, planned: &Planned, good: &Good) -> bool {
        self.journal.holds(&planned.shelf().place(&good.file), &good.key)
    }

    /// Whether it is in place where this is delivered to.
    fn is_elsewhere(&self, key: &Digest) -> bool {
        matches!(self.role, Role::Task { have, .. } if have.contains(key))
    }

    /// Whether what is made here is delivered elsewhere.
    fn delivers(&self) -> bool {
        matches!(self.role, Role::Task { .. })
    }

    /// A file on its way. Its name holds the clip's too: two clips of the same bytes ask for the same render.
    fn scratch_file(&self, planned: &Planned, key: &Digest, extension: &str) -> PathBuf {
        self.scratch.join(format!("{}-{}.{extension}", planned.source.name, &key.0[..16]))
    }

    fn platform(&self, id: &str) -> Option<&Platform> {
        self.practice.platforms.iter().find(|p| p.id == id)
    }
}

impl Planned {
    /// Where its files belong.
    fn shelf(&self) -> Shelf {
        self.signoff.standing.shelf()
    }

    fn cover_place(&self) -> PathBuf {
        self.shelf().place(&cover_file(&self.source.name))
    }

    /// Its cuts and its cover.
    fn goods(&self, renders: &[Render]) -> Vec<Good> {
        let cuts = renders.iter().flat_map(|render| render.cuts.iter().map(|cut| good(cut, render)));
        let cover =
            self.plan.cover.as_ref().map(|recipe| Good { file: cover_file(&self.source.name), key: recipe.key() });
        cuts.chain(cover).collect()
    }

    fn cut(&self, platform: &str) -> Option<&CutPlan> {
        self.plan.cuts.iter().find(|c| c.platform == platform)
    }
}

fn good(cut: &CutPlan, render: &Render) -> Good {
    Good { file: cut.file.clone(), key: render.key.clone() }
}
