//! What happens, told to every page that is open: server-sent events. One thread listens to the day for all of them.

use super::contract::{Day, Told};
use super::pages;
use axum::body::Bytes;
use serde_json::json;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::broadcast::{self, Receiver, Sender};

/// So many events a page may lag behind before it is cut off; it then asks anew, and is told everything.
const BEHIND: usize = 1024;
/// How often the thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);
/// A page is told at least so often that the connection lives.
pub const BEAT: Duration = Duration::from_secs(15);

/// Where pages are told from.
#[derive(Debug)]
pub struct Tellers {
    sender: Sender<Bytes>,
}

impl Tellers {
    /// Everything that is told from now on, as it goes over the wire.
    pub fn listen(&self) -> Receiver<Bytes> {
        self.sender.subscribe()
    }
}

/// Starts to listen to the day, until `is_over`.
///
/// # Errors
/// The system gives no thread.
pub fn start(
    day: Arc<dyn Day>,
    is_over: impl Fn() -> bool + Send + 'static,
) -> std::io::Result<(Arc<Tellers>, JoinHandle<()>)> {
    let tellers = Arc::new(Tellers { sender: broadcast::channel(BEHIND).0 });
    let of_pages = tellers.clone();
    let pump = move || {
        let mut told = day.told();
        while !is_over() {
            match told.recv_timeout(LOOK) {
                // Nobody listens: no reason to stop.
                Ok(news) => drop(of_pages.sender.send(event(&news))),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    // The day does not wait for whoever is slow. What was missed comes with the cards of a new listener.
                    std::thread::sleep(LOOK);
                    told = day.told();
                    for card in day.day().clips {
                        drop(of_pages.sender.send(event(&Told::Card(Box::new(card)))));
                    }
                }
            }
        }
    };
    let thread = std::thread::Builder::new().name("review events".into()).spawn(pump)?;
    Ok((tellers, thread))
}

/// An event as it goes over the wire. JSON has no line breaks, so that no text can end it early.
pub fn event(told: &Told) -> Bytes {
    let (name, data) = match told {
        Told::Card(card) => ("card", json!({ "card": card, "html": pages::card(card) })),
        Told::Gone(id) => ("gone", json!({ "id": id })),
        Told::Changed(id, version) => ("changed", json!({ "id": id, "version": version })),
        Told::Day(problem) => ("day", json!({ "problem": problem })),
    };
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
