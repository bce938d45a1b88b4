//! Many practices behind one page: finds their folders, opens the day of each, and says how they stand. Their days share
//! one set of [lanes](super::lanes) and nothing else: each has its own tenure, journal and words.

use super::contract::{CentreTold, CentreView, Counts, Day, PracticeRow, Practices, Problem, Refusal};
use super::day::{self, FilmingDay};
use super::lanes::{Bell, Lanes};
use super::told::Audience;
use super::work::problem;
use crate::centre::{Centre, Site};
use crate::fault::{Cancel, Fault};
use crate::intake;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

/// How often the root is looked at.
const INTERVAL: Duration = Duration::from_secs(3);
/// A look may take at most one part in so many of the time, however slow the drive is.
const SHARE: u32 = 20;
/// Longest time between two looks.
const LONGEST: Duration = Duration::from_secs(60);
/// When a practice is tried again that could not be opened.
const AGAIN: Duration = Duration::from_secs(5);
/// How often is looked which practices stand otherwise.
const TELL: Duration = Duration::from_millis(200);
/// How often a thread that waits looks whether it is to end.
const TICK: Duration = Duration::from_millis(50);
/// Whoever drew a picture waits so long for the next of the same clip.
const IDLE: Duration = Duration::from_secs(60);

/// What a roster is made from.
pub struct Setup {
    /// Looks which practices there are.
    pub root: Box<dyn Fn() -> Result<Centre, Fault> + Send + Sync>,
    /// What the day of a practice is made from.
    pub day: Box<dyn Fn(&Site) -> day::Setup + Send + Sync>,
}

/// Many practices and their days. Dropping it stops all their work.
pub struct Roster {
    hall: Arc<Hall>,
    threads: Vec<JoinHandle<()>>,
}

struct Hall {
    setup: Setup,
    /// Of all days; each has a part of it.
    cancel: Cancel,
    bell: Arc<Bell>,
    lanes: Lanes,
    rooms: Mutex<BTreeMap<String, Room>>,
    root: Mutex<Root>,
    audience: Audience<CentreTold>,
}

/// What is known of the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Root {
    name: String,
    problem: Option<Problem>,
    strays: Vec<String>,
}

/// A practice.
struct Room {
    site: Site,
    /// None: it is not open.
    day: Option<Arc<FilmingDay>>,
    /// Why not.
    shut: Option<Problem>,
    /// When it is tried to open it.
    due: Instant,
    /// Whether its folder was not there at the last look: an editor may be writing its settings anew.
    missed: bool,
}

impl Room {
    fn new(site: Site) -> Self {
        Room { site, day: None, shut: None, due: Instant::now(), missed: false }
    }

    /// Ends its day. What was begun of it ends with it, and the folder is free then.
    fn close(&mut self) {
        if let Some(day) = self.day.take() {
            day.end();
        }
    }
}

/// How a practice stood a moment ago; asked without keeping anybody from the others.
struct Standing {
    id: String,
    day: Option<Arc<FilmingDay>>,
    shut: Option<Problem>,
}

impl Standing {
    fn row(self) -> PracticeRow {
        let Standing { id, day, shut } = self;
        match day {
            Some(day) => {
                let (name, clips, problem) = day.summary();
                PracticeRow { id, name, open: true, problem, clips }
            }
            None => PracticeRow { name: id.clone(), id, open: false, problem: shut, clips: Counts::default() },
        }
    }

    /// Whether it is as it was when this row was told, and its day so often.
    fn is_as(&self, (row, times): &(PracticeRow, u64)) -> bool {
        match &self.day {
            Some(day) => row.open && *times == day.times_told(),
            None => !row.open && row.problem == self.shut,
        }
    }
}

impl Roster {
    /// Finds the practices and begins to open their days, one after the other.
    ///
    /// # Errors
    /// The root cannot be read; the system gives no threads.
    pub fn open(setup: Setup, cancel: &Cancel) -> Result<Self, Fault> {
        let centre = (setup.root)()?;
        let (cancel, bell) = (cancel.part(), Arc::new(Bell::default()));
        let lanes = Lanes::start(&cancel, bell.clone())?;
        let (rooms, root, audience) = (Mutex::default(), Mutex::default(), Audience::default());
        let hall = Arc::new(Hall { setup, cancel, bell, lanes, rooms, root, audience });
        let defaults = stamp(&centre);
        hall.enrol(centre);
        let mut roster = Roster { hall, threads: Vec::new() };
        roster.begin("roster", move |hall| hall.keep(defaults))?;
        roster.begin("rows", Hall::tell)?;
        Ok(roster)
    }

    fn begin(&mut self, name: &str, work: impl FnOnce(&Hall) + Send + 'static) -> Result<(), Fault> {
        let hall = self.hall.clone();
        let thread = thread::Builder::new().name(name.into()).spawn(move || work(&hall));
        let refused = |e| Fault::new(format!("no thread could be started ({e})"), "close other programs and try again");
        self.threads.push(thread.map_err(refused)?);
        Ok(())
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        self.hall.cancel.cancel();
        self.hall.bell.ring();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

impl Hall {
    fn rooms(&self) -> MutexGuard<'_, BTreeMap<String, Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn root(&self) -> MutexGuard<'_, Root> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the root again and again, and opens the days of practices that are not open.
    fn keep(&self, mut defaults: Option<Stamp>) {
        let mut next = Instant::now() + INTERVAL;
        while !self.cancel.is_cancelled() {
            if next <= Instant::now() {
                let began = Instant::now();
                match (self.setup.root)() {
                    Ok(centre) => {
                        let now = stamp(&centre);
                        self.enrol(centre);
                        if std::mem::replace(&mut defaults, now) != now {
                            // Every practice may be another with it.
                            self.days().iter().for_each(|day| day.look_anew());
                        }
                    }
                    // A drive that is away for a moment is no reason to close anything.
                    Err(fault) => self.about_root(|root| root.problem = Some(problem(&fault))),
                }
                self.days().iter().for_each(|day| day.rest(IDLE));
                next = Instant::now() + (began.elapsed() * SHARE).clamp(INTERVAL, LONGEST);
            }
            if !self.open_one() {
                thread::sleep(TICK);
            }
        }
    }

    fn days(&self) -> Vec<Arc<FilmingDay>> {
        self.rooms().values().filter_map(|room| room.day.clone()).collect()
    }

    /// Takes over which practices there are.
    fn enrol(&self, centre: Centre) {
        let mut rooms = self.rooms();
        let there: BTreeSet<&str> = centre.sites.iter().map(|site| site.id.as_str()).collect();
        let missed = rooms.iter_mut().filter(|(id, _)| !there.contains(id.as_str()));
        let gone = missed.filter_map(|(id, room)| std::mem::replace(&mut room.missed, true).then(|| id.clone()));
        let gone: Vec<String> = gone.collect();
        for id in gone {
            rooms.remove(&id).iter_mut().for_each(Room::close);
            self.audience.tell(&CentreTold::Gone(id));
        }
        for site in centre.sites {
            match rooms.get_mut(&site.id) {
                Some(room) if room.site == site => room.missed = false,
                // Other defaults: it begins anew.
                Some(room) => {
                    room.close();
                    (room.site, room.due) = (site, Instant::now());
                }
                None => drop(rooms.insert(site.id.clone(), Room::new(site))),
            }
        }
        // A folder that another computer took over while this one slept is not ours any more.
        for room in rooms.values_mut().filter(|room| room.day.as_ref().is_some_and(|day| day.is_lost())) {
            room.close();
            room.due = Instant::now();
        }
        drop(rooms);
        let (name, strays) = (intake::name_of(&centre.root), centre.strays);
        self.about_root(|root| *root = Root { name, problem: None, strays });
    }

    fn about_root(&self, change: impl FnOnce(&mut Root)) {
        let mut root = self.root();
        let before = root.clone();
        change(&mut root);
        if *root != before {
            self.audience.tell(&CentreTold::Root(root.problem.clone(), root.strays.clone()));
        }
    }

    /// Opens the day of one practice that is due; whether there was one.
    fn open_one(&self) -> bool {
        let due = |room: &&Room| room.day.is_none() && room.due <= Instant::now();
        let Some(site) = self.rooms().values().find(due).map(|room| room.site.clone()) else { return false };
        let cancel = self.cancel.part();
        let opened = FilmingDay::among((self.setup.day)(&site), &cancel, self.bell.clone());
        let mut rooms = self.rooms();
        // It may have gone, or have got other defaults, meanwhile.
        let Some(room) = rooms.get_mut(&site.id).filter(|room| room.site == site) else { return true };
        match opened {
            Ok(day) => {
                day.join(&self.lanes);
                (room.day, room.shut) = (Some(Arc::new(day)), None);
            }
            Err(fault) => {
                room.due = Instant::now() + AGAIN;
                room.shut = Some(problem(&fault)).filter(|_| !fault.is_cancelled());
            }
        }
        true
    }

    fn standings(&self) -> Vec<Standing> {
        let standing =
            |(id, room): (&String, &Room)| Standing { id: id.clone(), day: room.day.clone(), shut: room.shut.clone() };
        self.rooms().iter().map(standing).collect()
    }

    /// Tells which practices stand otherwise, again and again.
    fn tell(&self) {
        let mut told: BTreeMap<String, (PracticeRow, u64)> = BTreeMap::new();
        while !self.cancel.is_cancelled() {
            let standings = self.standings();
            told.retain(|id, _| standings.binary_search_by(|standing| standing.id.cmp(id)).is_ok());
            for standing in standings {
                let before = told.get(&standing.id);
                if before.is_some_and(|before| standing.is_as(before)) {
                    continue;
                }
                let times = standing.day.as_ref().map_or(0, |day| day.times_told());
                let row = standing.row();
                if before.is_none_or(|(before, _)| *before != row) {
                    self.audience.tell(&CentreTold::Row(Box::new(row.clone())));
                }
                told.insert(row.id.clone(), (row, times));
            }
            thread::sleep(TELL);
        }
    }
}

impl Practices for Roster {
    fn centre(&self) -> CentreView {
        let mut practices: Vec<PracticeRow> = self.hall.standings().into_iter().map(Standing::row).collect();
        practices.sort_by(|a, b| intake::natural(&a.id, &b.id));
        let Root { name, problem, strays } = self.hall.root().clone();
        CentreView { root: name, practices, problem, strays }
    }

    fn day(&self, id: &str) -> Result<Arc<dyn Day>, Refusal> {
        let rooms = self.hall.rooms();
        let room = rooms.get(id).ok_or(Refusal::Unknown)?;
        let shut = || match &room.shut {
            Some(Problem { what, advice }) => Fault::new(what, advice),
            None => Fault::new("this practice is being opened", "wait a moment and load the page again"),
        };
        room.day.clone().map(|day| day as Arc<dyn Day>).ok_or_else(|| Refusal::Wrong(shut()))
    }

    fn told(&self) -> Receiver<CentreTold> {
        self.hall.audience.join()
    }
}

/// Size and date of a file.
type Stamp = (u64, Option<SystemTime>);

/// Of the settings that hold for all.
fn stamp(centre: &Centre) -> Option<Stamp> {
    let of = |file: &Path| fs::metadata(file).ok().map(|about| (about.len(), about.modified().ok()));
    centre.sites.first().and_then(|site| site.defaults.as_deref()).and_then(of)
}
