//! How much one may ask for, and how often. The bounds are far above what a front desk needs, and low enough that
//! nobody on the same network can wear the program out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Most bytes that a request may carry: many times what the captions of the longest clip are.
pub const BODY: usize = 1 << 20;
/// Longest address, with its query.
pub const TARGET: usize = 2048;
/// Most headers of a request.
pub const HEADERS: usize = 64;
/// Most bytes of a request before its body.
pub const HEAD: usize = 32 << 10;
/// How long a request may take to arrive, and a connection may rest.
pub const ARRIVAL: Duration = Duration::from_secs(15);
/// Most connections at a time.
pub const CONNECTIONS: usize = 256;
/// Most of them that have not shown yet that they may come in.
pub const STRANGERS: usize = 64;
/// Most pages that are told what happens.
pub const STREAMS: usize = 64;
/// Most files that are sent at a time.
pub const FILES: usize = 128;
/// Calls of the day at a time that only read.
pub const READS: usize = 8;
/// Calls of the day at a time that change something.
pub const WRITES: usize = 4;
/// Pictures that are drawn at a time: each takes a core.
pub const PICTURES: usize = 2;
/// Most requests that wait for any of them.
pub const WAITING: usize = 128;
/// Requests that a connection may make at once.
const BURST: f64 = 400.0;
/// Requests that a connection may make in a second, over a longer time.
const RATE: f64 = 100.0;

/// How many requests a connection has left.
#[derive(Debug)]
pub struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub fn new(now: Instant) -> Self {
        Bucket { left: BURST, at: now }
    }

    /// Whether there is one left; takes it.
    pub fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left, self.at) = ((self.left + passed * RATE).min(BURST), now);
        let some = self.left >= 1.0;
        self.left -= if some { 1.0 } else { 0.0 };
        some
    }
}

/// Wrong tries that cost nothing: people mistype.
const FREE: u32 = 5;
/// Likewise of all addresses together.
const FREE_IN_ALL: u32 = 50;
/// Longest wait of an address.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Longest wait for all: short, or anybody could keep everybody out.
const LONGEST_IN_ALL: Duration = Duration::from_secs(30);
/// Wrong tries so long ago are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// Most addresses that are remembered; of more, the one that tried longest ago is forgotten.
const ADDRESSES: usize = 1024;

/// Who guessed how often. After a few wrong tries each further one has to wait, twice as long as the one before.
#[derive(Debug, Default)]
pub struct Throttle {
    by: HashMap<IpAddr, Tries>,
    all: Tries,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tries {
    wrong: u32,
    last: Option<Instant>,
}

impl Tries {
    /// Until when nobody may try again.
    fn until(&self, free: u32, longest: Duration) -> Option<Instant> {
        let beyond = self.wrong.checked_sub(free)?;
        let wait = Duration::from_secs(1 << beyond.min(16)).min(longest);
        self.last.map(|last| last + wait)
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now.saturating_duration_since(last) > FORGOTTEN)
    }

    fn add(&mut self, now: Instant) {
        let before = if self.is_forgotten(now) { 0 } else { self.wrong };
        *self = Tries { wrong: before.saturating_add(1), last: Some(now) };
    }
}

impl Throttle {
    /// How long this address has to wait before it may try; none: it may.
    pub fn wait(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        let own = self.by.get(&one(from)).and_then(|tries| tries.until(FREE, LONGEST));
        let until = own.max(self.all.until(FREE_IN_ALL, LONGEST_IN_ALL))?;
        until.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }

    /// A wrong try.
    pub fn wrong(&mut self, from: IpAddr, now: Instant) {
        self.by.retain(|_, tries| !tries.is_forgotten(now));
        let from = one(from);
        if self.by.len() >= ADDRESSES && !self.by.contains_key(&from) {
            let oldest = self.by.iter().min_by_key(|(_, tries)| tries.last).map(|(address, _)| *address);
            oldest.map(|address| self.by.remove(&address));
        }
        self.by.entry(from).or_default().add(now);
        self.all.add(now);
    }

    /// A right try: whoever made it mistyped before.
    pub fn right(&mut self, from: IpAddr) {
        self.by.remove(&one(from));
    }
}

/// What counts as one address: a computer has as many of IPv6 as it likes, all in one network of 64 bits.
fn one(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_connection_may_ask_much_but_not_without_end() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        assert_eq!((0..1000).filter(|_| bucket.take(start)).count(), 400);
        assert_eq!((0..1000).filter(|_| bucket.take(start + SECOND)).count(), 100);
        assert_eq!((0..1000).filter(|_| bucket.take(start + 100 * SECOND)).count(), 400);
    }

    #[test]
    fn who_guesses_waits_longer_and_longer_and_others_do_not() {
        let (guesser, staff) = (IpAddr::from([192, 168, 1, 7]), IpAddr::from([192, 168, 1, 8]));
        let mut now = Instant::now();
        let mut throttle = Throttle::default();
        let mut waits = Vec::new();
        for _ in 0..20 {
            let wait = throttle.wait(guesser, now).unwrap_or_default();
            waits.push(wait.as_secs());
            now += wait;
            throttle.wrong(guesser, now);
        }
        assert_eq!(waits[..8], [0, 0, 0, 0, 0, 1, 2, 4]);
        assert_eq!(waits[19], 900);
        assert_eq!(throttle.wait(staff, now), None);
        throttle.right(guesser);
        assert_eq!(throttle.wait(guesser, now), None);
        throttle.wrong(guesser, now);
        assert_eq!(throttle.by.values().next().unwrap().wrong, 1);
    }

    #[test]
    fn many_addresses_together_are_slowed_down_and_cost_no_memory_without_end() {
        let now = Instant::now();
        let mut throttle = Throttle::default();
        for n in 0..5000_u32 {
            throttle.wrong(IpAddr::from(n.to_be_bytes()), now);
        }
        assert_eq!(throttle.by.len(), ADDRESSES);
        let other = IpAddr::from([10, 9, 9, 9]);
        assert_eq!(throttle.wait(other, now), Some(30 * SECOND));
        assert_eq!(throttle.wait(other, now + 30 * SECOND), None);
    }

    #[test]
    fn one_computers_many_addresses_of_ipv6_are_one() {
        let now = Instant::now();
        let mut throttle = Throttle::default();
        for n in 0..9 {
            throttle.wrong(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]), now);
        }
        assert!(throttle.wait(IpAddr::from([0x2001, 0xdb8, 0, 1, 7, 7, 7, 7]), now).is_some());
        assert!(throttle.wait(IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]), now).is_none());
    }

    #[test]
    fn wrong_tries_are_forgotten_after_a_while() {
        let (from, now) = (IpAddr::from([127, 0, 0, 1]), Instant::now());
        let mut throttle = Throttle::default();
        (0..9).for_each(|_| throttle.wrong(from, now));
        throttle.wrong(from, now + 2 * FORGOTTEN);
        assert_eq!(throttle.wait(from, now + 2 * FORGOTTEN), None);
    }
}
