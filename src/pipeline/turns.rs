//! Whose turn it is to be decoded. A clip gives its turn on as soon as what is left of it keeps the cores no longer busy,
//! so that the next one fills them while it is checked and published.

use crate::intake::Digest;
use std::sync::{Condvar, Mutex, MutexGuard};

/// Cores that one render keeps busy: its encoder has one thread, and the check of its file, which has two, is short.
const CORES_A_RENDER: usize = 1;

/// The turns of a batch.
#[derive(Debug)]
pub struct Turns {
    cores: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// Content of the clips that are under way, also of those that gave their turn on.
    under_way: Vec<Digest>,
}

/// A clip's turn; it ends at the latest when this is dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
    clip: Digest,
    stand: Mutex<Stand>,
}

#[derive(Debug, Default)]
struct Stand {
    decoded: bool,
    renders: usize,
    over: bool,
}

impl Turns {
    /// So many turns at once, on a computer with so many cores.
    pub fn new(turns: usize, cores: usize) -> Self {
        let state = State { free: turns, under_way: Vec::new() };
        Turns { cores, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Waits for a turn. Clips of the same content follow each other: the second one finds what the first one made.
    pub fn take(&self, clip: &Digest) -> Turn<'_> {
        let blocked = |state: &mut State| state.free == 0 || state.under_way.contains(clip);
        let mut state = self.changed.wait_while(self.lock(), blocked).unwrap_or_else(|e| e.into_inner());
        state.free -= 1;
        state.under_way.push(clip.clone());
        Turn { turns: self, clip: clip.clone(), stand: Mutex::default() }
    }

    /// Whether no clip is under way, in its tail either.
    pub fn is_idle(&self) -> bool {
        self.lock().under_way.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Turn<'_> {
    /// So many renders begin.
    pub fn renders(&self, count: usize) {
        self.change(|stand| stand.renders = count);
    }

    /// A render is encoded, checked and published, or has failed its check. One that fails before keeps the turn until
    /// the clip is done.
    pub fn render_is_over(&self) {
        self.change(|stand| stand.renders = stand.renders.saturating_sub(1));
    }

    /// All pictures were handed out.
    pub fn decoded(&self) {
        self.change(|stand| stand.decoded = true);
    }

    fn change(&self, change: impl FnOnce(&mut Stand)) {
        let mut stand = self.stand.lock().unwrap_or_else(|e| e.into_inner());
        change(&mut stand);
        if !stand.over && stand.decoded && stand.renders * CORES_A_RENDER <= self.turns.cores {
            stand.over = true;
            self.turns.lock().free += 1;
            self.turns.changed.notify_all();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let over = self.stand.get_mut().unwrap_or_else(|e| e.into_inner()).over;
        let mut state = self.turns.lock();
        state.free += usize::from(!over);
        if let Some(place) = state.under_way.iter().position(|clip| *clip == self.clip) {
            state.under_way.swap_remove(place);
        }
        self.turns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    fn clip(name: &str) -> Digest {
        Digest(name.into())
    }

    /// Whether the turn of `next` came while `during` was going on, and not before.
    fn comes(turns: &Turns, next: &str, during: impl FnOnce()) -> bool {
        let came = AtomicBool::new(false);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let _turn = turns.take(&clip(next));
                came.store(true, Ordering::SeqCst);
            });
            thread::sleep(Duration::from_millis(30));
            assert!(!came.load(Ordering::SeqCst), "before its time");
            during();
            drop(waiting.join());
        });
        came.into_inner()
    }

    #[test]
    fn a_turn_is_given_on_when_few_renders_are_left_of_a_decoded_clip() {
        let turns = Turns::new(1, 2);
        assert!(turns.is_idle());
        let first = turns.take(&clip("a"));
        first.renders(3);
        assert!(!turns.is_idle());
        assert!(comes(&turns, "b", || {
            first.decoded();
            assert!(!turns.is_idle(), "three renders more than fill two cores");
            first.render_is_over();
        }));
        assert!(!turns.is_idle(), "its tail is under way");
        drop(first);
        assert!(turns.is_idle());
        assert_eq!(turns.lock().free, 1, "a turn is given back once");
    }

    #[test]
    fn a_render_that_fails_early_does_not_end_the_turn_of_a_clip_that_is_being_decoded() {
        let turns = Turns::new(1, 2);
        let first = turns.take(&clip("a"));
        first.renders(1);
        first.render_is_over();
        assert!(!turns.is_idle());
        drop(first);
        assert!(turns.is_idle());
    }

    #[test]
    fn clips_of_the_same_content_follow_each_other() {
        let turns = Turns::new(2, 8);
        let first = turns.take(&clip("a"));
        drop(turns.take(&clip("b")));
        first.decoded();
        assert_eq!(turns.lock().free, 2);
        assert!(comes(&turns, "a", || drop(first)));
    }
}
