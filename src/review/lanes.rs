//! Who works when. Three threads do the work of one filming day, or of the days of many practices, which so share the
//! computer: one looks at the inboxes, one reads, one renders. Reading and rendering go from day to day in turns; what a
//! person has open comes first, wherever it is.

use super::day::Shared;
use super::work;
use crate::fault::{Cancel, Fault};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often an inbox is looked at.
const INTERVAL: Duration = Duration::from_secs(2);
/// Looking may take at most one part in so many of the time, however slow the drive is and however many inboxes there are.
const SHARE: u32 = 20;
/// Longest time between two looks at an inbox.
const LONGEST: Duration = Duration::from_secs(60);
/// How often the watcher looks whether it is time.
const TICK: Duration = Duration::from_millis(50);
/// How long a lane sleeps that nobody wakes.
const NAP: Duration = Duration::from_millis(500);
/// A day in which nothing changed is asked again after so long: after a fault, and in case a file went away.
const AGAIN: Duration = Duration::from_secs(10);
/// So many clips of a day are read in one turn where others wait: each turn loads the model once.
const FEW: usize = 4;

/// Rung when there is something to do.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<u64>,
    heard: Condvar,
}

impl Bell {
    /// Wakes whoever waits.
    pub fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.heard.notify_all();
    }

    fn times(&self) -> u64 {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it was rung more often than `times`, or for so long.
    fn wait(&self, times: u64, longest: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.heard.wait_timeout_while(rung, longest, |rung| *rung == times));
    }
}

/// How a day stands in a lane.
#[derive(Debug, Default)]
pub struct Stand {
    /// Number of its last turn; 0: it had none.
    served: u64,
    /// How the day was stirred when there was nothing to do, or something went wrong, and until when that counts.
    quiet: Option<(u64, Instant)>,
}

impl Stand {
    fn rests(&self, day: &Shared, now: Instant) -> bool {
        self.quiet.is_some_and(|(stirred, until)| stirred == day.stirred() && now < until)
    }

    fn rest(&mut self, day: &Shared, now: Instant) {
        self.quiet = Some((day.stirred(), now + AGAIN));
    }
}

/// When a day's inbox is looked at next, and how long the last look took.
#[derive(Debug, Default)]
pub struct Looks {
    next: Option<Instant>,
    took: Duration,
}

/// The threads and the days that they work for. Dropping it ends all of that.
pub struct Lanes {
    hall: Arc<Hall>,
    threads: Vec<JoinHandle<()>>,
}

/// What the lanes share.
struct Hall {
    days: Mutex<Vec<Arc<Shared>>>,
    bell: Arc<Bell>,
    over: Cancel,
    turns: AtomicU64,
}

impl Lanes {
    /// Starts the lanes, which work until `over`. `bell` is the one of all days that will join.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn start(over: &Cancel, bell: Arc<Bell>) -> Result<Self, Fault> {
        let hall = Hall { days: Mutex::default(), bell, over: over.clone(), turns: AtomicU64::new(0) };
        let mut lanes = Lanes { hall: Arc::new(hall), threads: Vec::new() };
        for (name, work) in [("watcher", watch as fn(&Hall)), ("reader", read), ("rounds", rounds)] {
            let hall = lanes.hall.clone();
            let thread = thread::Builder::new().name(name.into()).spawn(move || work(&hall));
            let refused =
                |e| Fault::new(format!("no thread could be started ({e})"), "close other programs and try again");
            lanes.threads.push(thread.map_err(refused)?);
        }
        Ok(lanes)
    }

    /// One more day to work for, until it is cancelled.
    pub fn join(&self, day: &Arc<Shared>) {
        self.hall.all().push(day.clone());
        self.hall.bell.ring();
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.hall.over.cancel();
        self.hall.bell.ring();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

impl Hall {
    fn all(&self) -> MutexGuard<'_, Vec<Arc<Shared>>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The days that go on.
    fn days(&self) -> Vec<Arc<Shared>> {
        self.all().iter().filter(|day| !day.cancel.is_cancelled()).cloned().collect()
    }

    /// The number of a new turn.
    fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes the days out that were cancelled.
    fn ended(&self) -> Vec<Arc<Shared>> {
        let mut all = self.all();
        let (ended, on) = std::mem::take(&mut *all).into_iter().partition(|day| day.cancel.is_cancelled());
        *all = on;
        ended
    }
}

/// Works for a day; a panic there stops neither the lane nor the other days. None: it panicked.
fn alone<T>(day: &Shared, work: impl FnOnce() -> T) -> Option<T> {
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    done.map_err(|_| {
        let advice = "it is tried again by itself; if that stays so, stop housecall review and start it again";
        day.tell_problem(Some(work::problem(&Fault::new("something in housecall itself failed", advice))));
    })
    .ok()
}

fn close(day: &Arc<Shared>) {
    alone(day, || work::close(day));
}

fn stand(of: &Mutex<Stand>) -> MutexGuard<'_, Stand> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn looks(day: &Shared) -> MutexGuard<'_, Looks> {
    day.looks.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at every inbox again and again.
fn watch(hall: &Hall) {
    while !hall.over.is_cancelled() {
        let days = hall.days();
        for day in &days {
            if hall.over.is_cancelled() {
                break;
            }
            let began = Instant::now();
            if day.cancel.is_cancelled() || looks(day).next > Some(began) {
                continue;
            }
            alone(day, || work::look(day));
            looks(day).took = began.elapsed();
            let all: Duration = days.iter().map(|day| looks(day).took).sum();
            looks(day).next = Some(Instant::now() + (all * SHARE).clamp(INTERVAL, LONGEST));
        }
        thread::sleep(TICK);
    }
    hall.bell.ring();
}

/// Reads, one day after the other.
fn read(hall: &Hall) {
    while !hall.over.is_cancelled() {
        let rung = hall.bell.times();
        let (now, days) = (Instant::now(), hall.days());
        let wants = days.iter().filter_map(|day| {
            let mut stand = stand(&day.reading);
            if stand.rests(day, now) {
                return None;
            }
            let what = work::to_read(day);
            if what.is_none() {
                stand.rest(day, now);
            }
            Some((what?, stand.served, day))
        });
        let Some((_, _, day)) = wants.min_by_key(|(what, served, _)| (*what, *served)) else {
            hall.bell.wait(rung, NAP);
            continue;
        };
        stand(&day.reading).served = hall.turn();
        let others = || days.iter().filter(|other| !Arc::ptr_eq(other, day) && !other.cancel.is_cancelled());
        let waits = |other: &&Arc<Shared>| !stand(&other.reading).rests(other, Instant::now());
        let go_on = |read: usize| {
            let is_wanted = || others().any(|other| work::is_wanted(other));
            let is_many = || read >= FEW && others().filter(waits).any(|other| work::unread(other).is_some());
            read == 0 || !(is_wanted() || is_many())
        };
        if alone(day, || work::read(day, &go_on)).is_none_or(|read| read.is_err()) {
            stand(&day.reading).rest(day, Instant::now());
        }
    }
}

/// Renders, one day after the other, and writes the last page of days that end.
fn rounds(hall: &Hall) {
    while !hall.over.is_cancelled() {
        let rung = hall.bell.times();
        hall.ended().iter().for_each(close);
        let (now, days) = (Instant::now(), hall.days());
        let waits = days.iter().filter(|day| !stand(&day.rendering).rests(day, now) && work::to_render(day));
        let Some(day) = waits.min_by_key(|day| stand(&day.rendering).served) else {
            hall.bell.wait(rung, NAP);
            continue;
        };
        stand(&day.rendering).served = hall.turn();
        if alone(day, || work::round(day)).is_none_or(|made| made.is_err()) {
            stand(&day.rendering).rest(day, Instant::now());
        }
    }
    let all = std::mem::take(&mut *hall.all());
    all.iter().for_each(close);
}
