//! `housecall watch`: a run whenever the inbox has something new that is at rest.

use super::centre::{self, Task};
use super::run::{self, Models};
use super::{ALL_WELL, Batch};
use crate::centre::{Centre, Shape, Site};
use crate::fault::{Cancel, Fault};
use crate::intake::{self, Drive, Places, Readiness, SETTLE, Sight, Vigil};
use crate::pipeline::{self, Event, Outcome, Request};
use crate::report::{ClipState, Progress};
use crate::trace::Trace;
use std::collections::{BTreeSet, HashMap};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant, SystemTime};

/// How often the inbox is looked at. Looking is one listing of a folder; network drives send no reliable notices.
const INTERVAL: Duration = Duration::from_secs(2);
/// A look may take at most one part in so many of the time, however slow the drive is.
const SHARE: u32 = 20;
/// Longest time between two looks.
const LONGEST: Duration = Duration::from_secs(60);

/// One folder of clips that is watched.
struct Watched {
    vigil: Vigil,
    drive: Drive,
    complaint: Complaint,
}

impl Default for Watched {
    fn default() -> Self {
        Watched { vigil: Vigil::new(SETTLE), drive: Drive::default(), complaint: Complaint::default() }
    }
}

/// What is wrong now, which is told once and may be mended while we wait.
#[derive(Default)]
struct Complaint(Option<String>);

impl Complaint {
    /// Takes in how a look or a run ended.
    ///
    /// # Errors
    /// [`Fault::Cancelled`]: all is to stop.
    fn take(&mut self, ended: Result<(), Fault>, note: &dyn Fn(String)) -> Result<(), Fault> {
        match ended {
            Ok(()) => {
                if self.0.take().is_some() {
                    note("That is mended; watching goes on.".into());
                }
            }
            Err(Fault::Cancelled) => return Err(Fault::Cancelled),
            Err(fault) => {
                let text = format!("{}. What to do: {}.", fault.what(), fault.advice());
                if self.0.as_ref() != Some(&text) {
                    note(format!("{text} Still watching."));
                    self.0 = Some(text);
                }
            }
        }
        Ok(())
    }
}

/// What all looks have in common.
struct Watch<'a> {
    arguments: &'a Batch,
    trace: Trace,
    progress: Progress,
    cancel: &'a Cancel,
}

/// Runs until it is stopped.
pub fn watch(arguments: &Batch, cancel: &Cancel) -> Result<u8, Fault> {
    let progress = Progress::new(arguments.json, std::io::stderr().is_terminal());
    let trace = run::trace(arguments)?;
    let task = centre::task(arguments)?;
    let session = match &task {
        Task::One(_) => None,
        Task::Many { centre, .. } => centre::session(arguments, centre, "watch", cancel, &progress)?,
    };
    // Found out at once, not when the first clip arrives at the end of a filming day.
    run::foresee(arguments, cancel, &progress)?;
    if !arguments.json {
        // A terminal that was closed must not stop the work.
        drop(writeln!(std::io::stderr(), "Watching {}. Stop with Ctrl-C.", arguments.inbox.display()));
    }
    let watch = Watch { arguments, trace, progress, cancel };
    let ended = match &task {
        Task::One(site) => watch.one(site),
        Task::Many { .. } => watch.many(),
    };
    match (ended, task) {
        (Err(Fault::Cancelled), Task::Many { centre, .. }) if session.is_some_and(|session| session.is_lost()) => {
            Err(centre::taken_over(&centre))
        }
        (Err(Fault::Cancelled) | Ok(()), _) => Ok(ALL_WELL),
        (Err(fault), _) => Err(fault),
    }
}

impl Watch<'_> {
    fn one(&self, site: &Site) -> Result<(), Fault> {
        let mut watched = Watched::default();
        loop {
            let (mut looking, mut ran) = (Duration::ZERO, false);
            self.look(site, &mut watched, &Models::default(), &mut looking, &mut ran)?;
            if ran {
                centre::told_of(&site.out);
            }
            self.pause(looking)?;
        }
    }

    /// Looks at all practices in turn; each has at most one batch before the next one is looked at. Which there are, and
    /// their defaults, is found out anew each time.
    fn many(&self) -> Result<(), Fault> {
        let mut watched: HashMap<String, Watched> = HashMap::new();
        let mut drive = Drive::default();
        // What is wrong with the root is not what is wrong with the overview.
        let (mut of_root, mut of_overview) = (Complaint::default(), Complaint::default());
        let mut told: BTreeSet<String> = BTreeSet::new();
        let note = |text: String| self.progress.tell(Event::Note { clip: None, text });
        // The overview may be of another day.
        let mut news = true;
        loop {
            let began = Instant::now();
            let found = drive.check(&self.arguments.out).and_then(|()| self.centre());
            let mut looking = began.elapsed();
            let (found, ended) = match found {
                Ok(found) => (Some(found), Ok(())),
                Err(fault) => (None, Err(fault)),
            };
            of_root.take(ended, &note)?;
            if let Some((centre, chosen)) = found {
                let strays: BTreeSet<String> = centre.strays.iter().cloned().collect();
                strays.difference(&told).for_each(|stray| note(format!("{stray}.")));
                told = strays;
                let before = watched.len();
                watched.retain(|id, _| chosen.iter().any(|site| site.id == *id));
                news |= watched.len() != before;
                // Once for all of them; the next look finds a model that came or went.
                let models = Models::default();
                for site in &chosen {
                    let (mut took, mut ran) = (Duration::ZERO, false);
                    let known = watched.contains_key(&site.id);
                    let before = watched.entry(site.id.clone()).or_default();
                    let complained = before.complaint.0.clone();
                    self.look(site, before, &models, &mut took, &mut ran)?;
                    looking += took;
                    news |= ran || !known || before.complaint.0 != complained;
                }
                if news {
                    let began = Instant::now();
                    let written = pipeline::overview(&centre).map(drop);
                    looking += began.elapsed();
                    // One that could not be written is written at the next look.
                    news = written.is_err();
                    of_overview.take(written, &note)?;
                }
            }
            self.pause(looking)?;
        }
    }

    /// The practices as they are now.
    ///
    /// # Errors
    /// As [`centre::task`], or there are none any more: a drive that is away leaves an empty folder. Or somebody has the page
    /// of all of them, which makes what is to be made.
    fn centre(&self) -> Result<(Centre, Vec<Site>), Fault> {
        if let Some(holder) = pipeline::in_session(&self.arguments.out, "review") {
            let out = self.arguments.out.display();
            let what = format!("another Housecall is working on {out}: {}", holder.in_words());
            return Err(Fault::new(what, "nothing: it makes what comes, and this watch goes on when it is done"));
        }
        match centre::task(self.arguments) {
            Ok(Task::Many { centre, chosen }) => Ok((centre, chosen)),
            // What was made is of many practices, so that one alone is refused.
            Ok(Task::One(_)) | Err(_) if self.is_empty() => {
                let what = format!(
                    "{} has no practices any more; nothing is changed for that",
                    self.arguments.inbox.display()
                );
                Err(Fault::new(what, "if it lies on a drive, check that the drive is connected"))
            }
            Ok(Task::One(_)) => Err(Fault::new("there are no practices any more", "start anew to watch one practice")),
            Err(fault) => Err(fault),
        }
    }

    /// Whether no practice is in the root.
    fn is_empty(&self) -> bool {
        let Batch { inbox, out, practice, .. } = self.arguments;
        matches!(Shape::of(inbox, out, practice.as_deref()), Ok(Shape::One(_)))
    }

    fn look(
        &self,
        site: &Site,
        watched: &mut Watched,
        models: &Models,
        took: &mut Duration,
        ran: &mut bool,
    ) -> Result<(), Fault> {
        self.cancel.check()?;
        let ended = self.round(site, watched, models, took, ran);
        watched.complaint.take(ended, &|text| self.progress.tell_of(&site.id, Event::Note { clip: None, text }))
    }

    /// Looks once, and runs if there is something new. `took` becomes how long the look alone took, `ran` whether it ran.
    fn round(
        &self,
        site: &Site,
        watched: &mut Watched,
        models: &Models,
        took: &mut Duration,
        ran: &mut bool,
    ) -> Result<(), Fault> {
        let (arguments, began) = (self.arguments, Instant::now());
        let Watched { vigil, drive, .. } = watched;
        drive.check(&site.out)?;
        let sight = Sight::of(&Places {
            inbox: &site.inbox,
            out: &site.out,
            practice: site.settings.as_deref(),
            defaults: site.defaults.as_deref(),
            transcripts: arguments.transcript.as_deref(),
        })?;
        let seen = vigil.look(&sight, SystemTime::now());
        *took = began.elapsed();
        let tell = |event| self.progress.tell_of(&site.id, event);
        seen.news.into_iter().for_each(|text| tell(Event::Note { clip: None, text }));
        let Some(looked) = seen.run else { return Ok(()) };
        // practice.toml is read anew, so that a change there needs no restart.
        let request = run::request_with(arguments, site, models, self.cancel, &self.progress)?;
        let copying: Vec<String> = looked
            .clips
            .iter()
            .filter(|(_, stand)| matches!(stand, Readiness::Writing))
            .map(|(clip, _)| intake::name_of(&clip.path))
            .collect();
        // The others must not wait for a practice on which somebody else works; its turn comes again.
        let wait = site.id.is_empty();
        let request = Request { more_to_come: true, wait, looked: Some(looked), trace: self.trace.clone(), ..request };
        let outcome = pipeline::run(&request, self.cancel, &tell);
        self.progress.clear();
        let outcome = outcome?;
        *ran = true;
        if let Some(fault) = outcome.unreported {
            return Err(fault);
        }
        // What this run itself wrote is looked at once more; there is nothing to tell of it.
        let news = vigil.is_first() || run::has_news(&outcome);
        if !arguments.json && news {
            run::summarise(&request, &outcome);
        }
        let whole = outcome.unsettled.iter().all(|name| copying.contains(name));
        vigil.ran(whole, may_mend(&outcome), SystemTime::now());
        drive.check(&site.out)
    }

    /// Waits until the next look.
    fn pause(&self, looking: Duration) -> Result<(), Fault> {
        let next = Instant::now() + (looking * SHARE).clamp(INTERVAL, LONGEST);
        while Instant::now() < next {
            self.cancel.check()?;
            std::thread::sleep(Duration::from_millis(50));
        }
        self.cancel.check()
    }
}

/// Whether something failed that waiting may mend, such as a disk without room. What is wrong with a clip itself stays
/// wrong until the clip changes.
fn may_mend(outcome: &Outcome) -> bool {
    let of_the_clip = |state: &ClipState| matches!(state, ClipState::Failed { stage, .. } if stage == "intake");
    outcome.reports.iter().any(|report| report.has_failure() && !of_the_clip(&report.state))
}
