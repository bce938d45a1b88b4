//! A filming day behind its page: looks at the inbox, reads clips, renders what may go out, and lets people change and
//! decide. All of it is done by the pipeline's calls, under one tenure of the output folder.
//!
//! ```text
//! watcher   what lies in the inbox, practice.toml                (work, when lanes say so)
//! reader    one clip after the other, and a copy to look at      (work, when lanes say so)
//! rounds    what may go out, approved clips first, few at a time (work, when lanes say so)
//! requests  the page's, from any thread                          (requests)
//! ```

use super::cards::{self, At, Standpoint, card};
use super::contract::{ClipCard, ClipId, ClipView, Counts, Problem, Refusal, Told};
use super::lanes::{Bell, Lanes, Looks, Stand};
use super::told::Audience;
use super::view::clip_view;
use super::work;
use crate::fault::{Cancel, Fault};
use crate::intake::{ClipSource, Looked};
use crate::pipeline::{self, Bench, Event, Looker, Patience, Proof, Request, Tenure};
use crate::report::ClipReport;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

mod requests;

/// Progress alone is told this often at most.
const PROGRESS: Duration = Duration::from_millis(250);

/// What a day is made from.
pub struct Setup {
    /// Reads practice.toml anew and gives what is to be made, as `housecall run` would be asked for it. Which clips, how the
    /// inbox was seen and what is held back is the day's own business.
    pub request: Box<dyn Fn() -> Result<Request, Fault> + Send + Sync>,
    /// Told everything that goes on.
    pub listener: Box<dyn Fn(Event) + Send + Sync>,
}

/// A filming day. Dropping it stops all work that holds its cancel token.
pub struct FilmingDay {
    shared: Arc<Shared>,
    /// Where it works alone; else the lanes are those of all days.
    lanes: Option<Lanes>,
}

/// What all threads of a day share.
pub(super) struct Shared {
    pub setup: Setup,
    pub cancel: Cancel,
    pub tenure: Tenure,
    pub looker: Looker,
    pub audience: Audience<Told>,
    /// What only the watcher knows.
    pub watcher: Mutex<work::Watcher>,
    pub looks: Mutex<Looks>,
    /// How the day stands in the reading lane, and in that of the rounds.
    pub reading: Mutex<Stand>,
    pub rendering: Mutex<Stand>,
    state: Mutex<State>,
    /// How often something changed that may give somebody something to do.
    stirred: AtomicU64,
    /// Rung when there is something to do.
    bell: Arc<Bell>,
    /// One clip at a time is changed or decided about, or brought to where it belongs after that.
    deciding: Mutex<()>,
}

/// What is known of a day. Nobody calls the pipeline while holding it: events come back here.
pub(super) struct State {
    pub clips: BTreeMap<ClipId, Clip>,
    pub problem: Option<Problem>,
    pub bench: Bench,
    /// How many benches there were before.
    pub benches: u64,
    /// The inbox as the clips were taken up from it.
    pub looked: Looked,
    /// Since when the report's page may say something else than is true now.
    pub sheet_is_old: Option<Instant>,
    /// The clip that was opened last.
    open: Option<(ClipId, Arc<Proof>)>,
}

/// A clip of the day.
#[derive(Default)]
pub(super) struct Clip {
    pub file: String,
    /// As it was taken up; none before.
    pub source: Option<ClipSource>,
    pub at: At,
    pub progress: Option<f64>,
    pub report: Option<ClipReport>,
    /// The bench that the report was made with.
    pub bench: u64,
    /// Whether something of it can be made now.
    pub may_be_made: bool,
    /// Whether somebody wants to look at it now.
    pub wanted: bool,
    /// Whether no copy to look at can be made of it.
    pub unseen: bool,
    /// What can be changed of it.
    pub version: Option<String>,
    /// The card as it was told last, and when.
    pub told: Option<(ClipCard, Instant)>,
}

impl Clip {
    /// Whether it was taken up and nobody has read it.
    pub fn is_unread(&self) -> bool {
        self.at == At::Unread && self.report.is_none() && self.source.is_some()
    }

    /// Whether something of it can be rendered now.
    pub fn is_ready(&self) -> bool {
        self.may_be_made && self.at == At::Read
    }
}

impl FilmingDay {
    /// Takes the output folder and begins the day's work.
    ///
    /// # Errors
    /// Another Housecall works there; practice.toml, the inbox or the model is not as it has to be.
    pub fn open(setup: Setup, cancel: &Cancel) -> Result<FilmingDay, Fault> {
        let bell = Arc::new(Bell::default());
        let mut day = Self::among(setup, cancel, bell.clone())?;
        let lanes = Lanes::start(cancel, bell)?;
        lanes.join(&day.shared);
        day.lanes = Some(lanes);
        Ok(day)
    }

    /// As [`open`](Self::open), as one day of several: it works once it has [joined](Self::join) their lanes.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(super) fn among(setup: Setup, cancel: &Cancel, bell: Arc<Bell>) -> Result<FilmingDay, Fault> {
        let request = (setup.request)()?;
        let tell = |text: String| (setup.listener)(Event::Note { clip: None, text });
        let patience = Patience { wait: request.wait, cancel, tell: &tell };
        let tenure = Tenure::lasting(&request.out, &request.inbox, "review", &patience)?;
        tenure.tidy()?;
        let looker = Looker::new(request.program.clone(), tenure.state(), request.patience, cancel);
        let watcher = Mutex::new(work::Watcher::new(request.settle));
        let state = State {
            clips: BTreeMap::new(),
            problem: None,
            bench: Bench::new(Request { more_to_come: true, hold_back: true, ..request })?,
            benches: 1,
            looked: Looked::default(),
            sheet_is_old: None,
            open: None,
        };
        let shared = Arc::new(Shared {
            setup,
            cancel: cancel.clone(),
            tenure,
            looker,
            audience: Audience::default(),
            watcher,
            looks: Mutex::default(),
            reading: Mutex::default(),
            rendering: Mutex::default(),
            state: Mutex::new(state),
            stirred: AtomicU64::new(0),
            bell,
            deciding: Mutex::new(()),
        });
        // The page shows the clips that are known at once.
        work::begin(&shared)?;
        Ok(FilmingDay { shared, lanes: None })
    }

    /// Has these lanes do the day's work.
    pub(super) fn join(&self, lanes: &Lanes) {
        lanes.join(&self.shared);
    }

    /// Ends the day's work; nothing of it is begun any more.
    pub(super) fn end(&self) {
        self.shared.cancel.cancel();
        self.shared.wake();
    }

    /// Has the inbox looked at as if nothing were known of it, and the settings read anew: something changed that does not lie
    /// there.
    pub(super) fn look_anew(&self) {
        self.shared.watcher.lock().unwrap_or_else(PoisonError::into_inner).forget();
    }

    /// Whether another computer took the output folder over while this one slept.
    pub(super) fn is_lost(&self) -> bool {
        self.shared.tenure.is_lost()
    }

    /// Lets go what was kept for the next picture of a clip, if nobody asked for one for so long.
    pub(super) fn rest(&self, longest: Duration) {
        self.shared.looker.rest(longest);
    }

    /// Changes whenever something was told.
    pub(super) fn times_told(&self) -> u64 {
        self.shared.audience.times()
    }

    /// The practice's name, how many clips are at what, and what is wrong with the day. Looks at no file.
    pub(super) fn summary(&self) -> (String, Counts, Option<Problem>) {
        let state = self.shared.state();
        let mut counts = Counts::default();
        state.clips.values().for_each(|clip| counts.add(cards::state(clip.at, clip.report.as_ref())));
        (state.bench.request().practice.name.clone(), counts, state.problem.clone())
    }
}

impl Drop for FilmingDay {
    fn drop(&mut self) {
        self.end();
        drop(self.lanes.take());
    }
}

impl Shared {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that there is something to do.
    pub fn wake(&self) {
        self.stir();
        self.bell.ring();
    }

    fn stir(&self) {
        self.stirred.fetch_add(1, Ordering::Relaxed);
    }

    /// Changes whenever there may be something to do that was not there before.
    pub fn stirred(&self) -> u64 {
        self.stirred.load(Ordering::Relaxed)
    }

    fn deciding(&self) -> MutexGuard<'_, ()> {
        self.deciding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes an event on; what the day itself makes of it is told before.
    pub fn listener(&self, event: Event) {
        (self.setup.listener)(event);
    }

    pub fn note(&self, text: String) {
        self.listener(Event::Note { clip: None, text });
    }

    /// Where a copy of a clip to look at lies.
    pub fn seen_file(&self, source: &ClipSource, extension: &str) -> PathBuf {
        self.tenure.copy(&source.digest, extension)
    }

    /// Changes what is known of a clip and tells so, if there is such a clip.
    pub fn change(&self, id: &str, change: impl FnOnce(&mut Clip)) {
        let mut state = self.state();
        let Some(clip) = state.clips.get_mut(id) else { return };
        change(clip);
        self.stir();
        self.tell_card(&mut state, id);
    }

    /// How a clip stands on the page of the day.
    fn card_of(&self, state: &State, clip: &Clip) -> ClipCard {
        let request = state.bench.request();
        let source = clip.source.as_ref();
        let cover = clip.report.as_ref().and_then(|report| report.cover.as_ref());
        let there = |extension: &str| source.is_some_and(|source| self.seen_file(source, extension).is_file());
        card(&Standpoint {
            file: &clip.file,
            taken: source.map(|source| (source.name.as_str(), source.question.as_deref())),
            at: clip.at,
            progress: clip.progress,
            report: clip.report.as_ref(),
            cover: cover.is_some_and(|cover| request.out.join(cover).is_file()) || there("jpg"),
            view: there("mp4"),
            platforms: &request.practice.platforms,
            out: &opened(&request.out),
        })
    }

    /// Tells a card that changed; one on which only the progress did not too often.
    pub fn tell_card(&self, state: &mut State, id: &str) {
        let Some(clip) = state.clips.get(id) else { return };
        let card = self.card_of(state, clip);
        let now = Instant::now();
        let news = clip.told.as_ref().is_none_or(|(before, at)| {
            let waits = ClipCard { progress: before.progress, ..card.clone() } == *before;
            *before != card && (!waits || now.duration_since(*at) >= PROGRESS)
        });
        if news {
            self.audience.tell(&Told::Card(Box::new(card.clone())));
            if let Some(clip) = state.clips.get_mut(id) {
                clip.told = Some((card, now));
            }
        }
    }

    pub fn tell_problem(&self, problem: Option<Problem>) {
        let mut state = self.state();
        if state.problem != problem {
            state.problem.clone_from(&problem);
            self.audience.tell(&Told::Day(problem));
        }
    }

    /// The bench that is used now, which one that is, and the clip as it was taken up.
    fn taken(&self, id: &str) -> Option<(Bench, u64, ClipSource)> {
        let state = self.state();
        let source = state.clips.get(id)?.source.clone()?;
        Some((state.bench.clone(), state.benches, source))
    }

    /// Opens a clip as it is now.
    ///
    /// # Errors
    /// There is no such clip, it was not read yet, or no plan can be made of it.
    fn proof(&self, id: &str) -> Result<(Bench, Arc<Proof>), Refusal> {
        let (bench, _, source) = self.taken(id).ok_or(Refusal::Unknown)?;
        let proof = Proof::of(&self.tenure, &bench, &source, &self.cancel);
        let proof = Arc::new(proof.map_err(|(_, fault)| Refusal::Wrong(fault))?.ok_or(Refusal::Unknown)?);
        self.state().open = Some((id.to_string(), proof.clone()));
        Ok((bench, proof))
    }

    /// What the page shows of a clip that is opened.
    fn view(&self, id: &str, bench: &Bench, proof: &Proof) -> Result<ClipView, Refusal> {
        let source = &proof.planned.source;
        let choices = pipeline::choices(self.tenure.out(), &source.name, &source.digest).map_err(Refusal::Wrong)?;
        let card = {
            let state = self.state();
            let clip = state.clips.get(id).ok_or(Refusal::Unknown)?;
            self.card_of(&state, clip)
        };
        let view = clip_view(proof, bench, choices, card);
        let mut state = self.state();
        if let Some(clip) = state.clips.get_mut(id) {
            let before = clip.version.replace(view.version.clone());
            if before.is_some_and(|before| before != view.version) {
                self.audience.tell(&Told::Changed(id.to_string(), view.version.clone()));
            }
        }
        Ok(view)
    }

    /// Plans a clip as it is now, and brings what was made of it to where it belongs; what the page shows of it then.
    /// Whoever calls is the one who is deciding.
    ///
    /// # Errors
    /// There is no such clip, it was not read yet, it cannot be planned, or the disk takes nothing.
    fn settled(&self, id: &str) -> Result<ClipView, Refusal> {
        let (bench, number, source) = self.taken(id).ok_or(Refusal::Unknown)?;
        let told = |event: Event| self.listener(event);
        let proof = Proof::of(&self.tenure, &bench, &source, &self.cancel);
        let settled = proof.and_then(|proof| {
            let Some(proof) = proof else { return Ok(None) };
            let report = proof.settle(&self.tenure, &bench, &self.cancel, &told)?;
            Ok(Some((Arc::new(proof), report)))
        });
        match settled {
            Ok(Some((proof, report))) => {
                self.change(id, |clip| {
                    let stays = matches!(clip.at, At::Rendering | At::Copying);
                    clip.at = if stays { clip.at } else { At::Read };
                    clip.may_be_made = !report.is_held() && (report.has_unmade() || report.has_failure());
                    clip.report = Some(report);
                    clip.bench = number;
                });
                let view = self.view(id, &bench, &proof);
                let mut state = self.state();
                state.open = Some((id.to_string(), proof));
                state.sheet_is_old = Some(Instant::now());
                self.wake();
                view
            }
            Ok(None) => {
                self.change(id, |clip| (clip.at, clip.report) = (At::Unread, None));
                self.wake();
                Err(Refusal::Unknown)
            }
            // All work stops.
            Err((_, fault @ Fault::Cancelled)) => Err(Refusal::Wrong(fault)),
            Err((stage, fault)) => {
                let failed = pipeline::fail(&self.tenure, &bench, &source, (stage, &fault), &told);
                self.change(id, |clip| {
                    clip.may_be_made = false;
                    clip.report = failed.ok();
                    clip.bench = number;
                });
                Err(Refusal::Wrong(fault))
            }
        }
    }

    /// As [`settled`](Self::settled), for whoever is not deciding.
    pub fn settle(&self, id: &str) {
        let _deciding = self.deciding();
        // Why it cannot be planned stands on its card.
        drop(self.settled(id));
    }

    /// Has every clip use what practice.toml and the glossary say now.
    pub fn renew(&self, request: Request) -> Result<(), Fault> {
        let bench = Bench::new(Request { more_to_come: true, hold_back: true, ..request })?;
        let mut state = self.state();
        state.bench = bench;
        state.benches += 1;
        Ok(())
    }
}

/// A folder as the person at this computer opens it, from wherever they are.
fn opened(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf())
}
