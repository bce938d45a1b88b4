//! What happens, told to every page that is open: server-sent events. One thread listens for all pages of a practice, as
//! long as one is open.

use super::contract::{CentreTold, Told};
use super::house::{House, base};
use super::pages;
use crate::fault::Cancel;
use axum::body::Bytes;
use serde_json::json;
use std::collections::HashMap;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::broadcast::{self, Receiver, Sender};

/// So many events a page may lag behind before it is cut off; it then asks anew, and is told everything.
const BEHIND: usize = 1024;
/// How often a thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);
/// A page is told at least so often that the connection lives.
pub const BEAT: Duration = Duration::from_secs(15);

/// Where pages are told from: by the practice's name, with what stands at `/` under no name.
pub struct Tellers {
    house: House,
    over: Cancel,
    channels: Mutex<HashMap<String, Sender<Bytes>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What one thread listens to.
enum Ear {
    /// A day, and what stands before its addresses.
    Day(mpsc::Receiver<Told>, String),
    /// The list of practices.
    Practices(mpsc::Receiver<CentreTold>),
}

impl Ear {
    fn hear(&self) -> Result<Bytes, RecvTimeoutError> {
        match self {
            Ear::Day(told, base) => told.recv_timeout(LOOK).map(|news| event(&news, base)),
            Ear::Practices(told) => told.recv_timeout(LOOK).map(|news| centre_event(&news)),
        }
    }
}

impl Tellers {
    /// Starts to listen to what stands at `/`, until `over`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(house: House, over: &Cancel) -> std::io::Result<Arc<Self>> {
        let (channels, threads) = (Mutex::default(), Mutex::default());
        let tellers = Arc::new(Tellers { house, over: over.clone(), channels, threads });
        let ear = tellers.ear("").ok_or_else(|| std::io::Error::other("there is nothing to listen to"))?;
        tellers.open(&mut tellers.channels(), "", ear)?;
        Ok(tellers)
    }

    /// Everything of a practice that is told from now on, as it goes over the wire; none where there is no such practice.
    pub fn listen(self: &Arc<Self>, practice: &str) -> Option<Receiver<Bytes>> {
        let mut channels = self.channels();
        if let Some(sender) = channels.get(practice) {
            return Some(sender.subscribe());
        }
        self.open(&mut channels, practice, self.ear(practice)?).ok()
    }

    /// Waits until all threads have ended, once all is over.
    pub fn join(&self) {
        let threads = std::mem::take(&mut *self.threads());
        threads.into_iter().for_each(|thread| drop(thread.join()));
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<String, Sender<Bytes>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins those who are told by a day; whoever listens holds no day.
    fn ear(&self, practice: &str) -> Option<Ear> {
        match (&self.house, practice) {
            (House::Many(practices), "") => Some(Ear::Practices(practices.told())),
            (house, practice) => {
                let practice = Some(practice).filter(|id| !id.is_empty());
                Some(Ear::Day(house.day(practice).ok()?.told(), base(practice)))
            }
        }
    }

    /// Starts a thread that passes on what it hears.
    fn open(
        self: &Arc<Self>,
        channels: &mut HashMap<String, Sender<Bytes>>,
        practice: &str,
        ear: Ear,
    ) -> std::io::Result<Receiver<Bytes>> {
        let (sender, receiver) = broadcast::channel(BEHIND);
        channels.insert(practice.to_string(), sender.clone());
        let (all, practice) = (self.clone(), practice.to_string());
        let pump = move || all.pass_on(&practice, ear, &sender);
        let thread = std::thread::Builder::new().name("review events".into()).spawn(pump)?;
        let mut threads = self.threads();
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(receiver)
    }

    /// Until all is over, the practice is gone, or nobody has its page open. What stands at `/` is always listened to.
    fn pass_on(&self, practice: &str, mut ear: Ear, sender: &Sender<Bytes>) {
        while !self.over.is_cancelled() {
            match ear.hear() {
                // Nobody listens: no reason to stop.
                Ok(news) => drop(sender.send(news)),
                Err(RecvTimeoutError::Timeout) => {
                    // Whoever comes now waits for this look, and finds a channel of its own or none.
                    let mut channels = self.channels();
                    if !practice.is_empty() && sender.receiver_count() == 0 {
                        channels.remove(practice);
                        return;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    // The day does not wait for whoever is slow, and may have ended. What was missed comes with the cards of a
                    // new listener.
                    std::thread::sleep(LOOK);
                    let mut channels = self.channels();
                    let Some(new) = self.ear(practice) else {
                        channels.remove(practice);
                        return;
                    };
                    drop(channels);
                    ear = new;
                    self.now(practice).into_iter().for_each(|news| drop(sender.send(news)));
                }
            }
        }
    }

    /// All cards, or all rows, as they are now.
    fn now(&self, practice: &str) -> Vec<Bytes> {
        match (&self.house, practice) {
            (House::Many(practices), "") => {
                let rows = practices.centre().practices.into_iter();
                rows.map(|row| centre_event(&CentreTold::Row(Box::new(row)))).collect()
            }
            (house, practice) => {
                let practice = Some(practice).filter(|id| !id.is_empty());
                let cards = house.day(practice).map(|day| day.day().clips).unwrap_or_default();
                cards.into_iter().map(|card| event(&Told::Card(Box::new(card)), &base(practice))).collect()
            }
        }
    }
}

/// An event of a day as it goes over the wire; `base` is what stands before its addresses. JSON has no line breaks, so that
/// no text can end it early.
pub fn event(told: &Told, base: &str) -> Bytes {
    let (name, data) = match told {
        Told::Card(card) => ("card", json!({ "card": card, "html": pages::card(card, base) })),
        Told::Gone(id) => ("gone", json!({ "id": id })),
        Told::Changed(id, version) => ("changed", json!({ "id": id, "version": version })),
        Told::Day(problem) => ("day", json!({ "problem": problem })),
    };
    wire(name, &data)
}

/// Likewise of the list of practices.
pub fn centre_event(told: &CentreTold) -> Bytes {
    let (name, data) = match told {
        CentreTold::Row(row) => ("row", json!({ "row": row, "html": pages::row(row) })),
        CentreTold::Gone(id) => ("gone", json!({ "id": id })),
        CentreTold::Root(problem, strays) => ("root", json!({ "html": pages::root(problem.as_ref(), strays) })),
    };
    wire(name, &data)
}

fn wire(name: &str, data: &serde_json::Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// What keeps a connection alive.
pub fn beat() -> Bytes {
    Bytes::from_static(b": still here\n\n")
}

/// What a page is told first: how long to wait before it asks again, milliseconds.
pub fn greeting() -> Bytes {
    Bytes::from_static(b"retry: 1000\n\n")
}
