//! Whoever has the page open is told what goes on. Nobody is waited for: one who does not listen is dropped, and asks for
//! everything anew when the page connects again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

/// What may wait for one listener. A day of a hundred clips tells less than this at once.
const WAITING: usize = 1024;

/// Listeners at one time; more pages than a practice has people.
const MOST: usize = 64;

/// Everybody who listens.
#[derive(Debug)]
pub struct Audience<T> {
    listeners: Mutex<Vec<SyncSender<T>>>,
    times: AtomicU64,
}

impl<T> Default for Audience<T> {
    fn default() -> Self {
        Audience { listeners: Mutex::default(), times: AtomicU64::new(0) }
    }
}

impl<T: Clone> Audience<T> {
    /// One more listener; where there are too many, the one who came first goes.
    pub fn join(&self) -> Receiver<T> {
        let (sender, receiver) = sync_channel(WAITING);
        let mut all = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.remove(0);
        }
        all.push(sender);
        receiver
    }

    /// Tells everybody who still listens.
    pub fn tell(&self, told: &T) {
        self.times.fetch_add(1, Ordering::Relaxed);
        let mut all = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|listener| listener.try_send(told.clone()).is_ok());
    }

    /// How often something was told.
    pub fn times(&self) -> u64 {
        self.times.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::contract::Told;

    fn gone(id: usize) -> Told {
        Told::Gone(id.to_string())
    }

    #[test]
    fn everybody_hears_everything_and_who_does_not_listen_holds_nobody_up() {
        let audience = Audience::default();
        let (quick, slow, left) = (audience.join(), audience.join(), audience.join());
        drop(left);
        for id in 0..WAITING + 5 {
            audience.tell(&gone(id));
            assert_eq!(quick.recv().ok(), Some(gone(id)));
        }
        assert_eq!(slow.try_iter().count(), WAITING, "what was told before it was dropped");
        assert!(slow.recv().is_err(), "and then the end, so that the page connects again");
        audience.tell(&gone(0));
        assert_eq!(quick.try_iter().count(), 1);
    }

    #[test]
    fn listeners_are_bounded() {
        let audience = Audience::default();
        let first = audience.join();
        let others: Vec<_> = (0..MOST).map(|_| audience.join()).collect();
        audience.tell(&gone(1));
        assert!(first.recv().is_err());
        assert!(others.iter().all(|listener| listener.recv().is_ok()));
    }
}
