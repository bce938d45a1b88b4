//! From the phone's time stamps to a constant frame rate. Pure.

use crate::units::{Rate, Time};

/// How much later than its own time a frame may show a picture that starts then.
pub fn reach(rate: Rate) -> Time {
    Time(rate.frame().0 * 45 / 100)
}

/// The latest moment at which a picture may start that frame `number` shows.
pub fn latest(rate: Rate, number: i64) -> Time {
    rate.time_of(number) + reach(rate)
}

/// Decides for each decoded picture how many frames of the constant rate it fills.
///
/// Frame `n` shows the newest picture that is not later than 45% of a frame after its time, so jitter below that neither
/// drops nor repeats anything, and no picture is shown more than half a frame early. Not half: the pictures of 120 and
/// 240 frames a second lie just there, and rounding would thin them unevenly.
pub struct Clock {
    rate: Rate,
    next: i64,
    end: i64,
}

impl Clock {
    /// A clock for the frames `first..end` of `rate`, counted from the clip's time zero.
    pub fn new(rate: Rate, first: i64, end: i64) -> Self {
        Clock { rate, next: first, end }
    }

    /// The frames that the picture before the one at `next_picture` fills, as a range of frame numbers; may be empty.
    pub fn fill_until(&mut self, next_picture: Time) -> std::ops::Range<i64> {
        let from = self.next;
        while self.next < self.end && latest(self.rate, self.next) < next_picture {
            self.next += 1;
        }
        from..self.next
    }

    /// The frames that remain for the last picture.
    pub fn fill_rest(&mut self) -> std::ops::Range<i64> {
        let from = self.next;
        self.next = self.end;
        from..self.end
    }

    /// Whether every frame is filled.
    pub fn is_done(&self) -> bool {
        self.next >= self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Which picture each frame shows.
    fn shown(rate: Rate, frames: i64, pictures: &[i64]) -> Vec<usize> {
        let mut clock = Clock::new(rate, 0, frames);
        let mut out = Vec::new();
        for (shown, next) in pictures.iter().skip(1).enumerate() {
            out.extend(clock.fill_until(Time(*next)).map(|_| shown));
        }
        out.extend(clock.fill_rest().map(|_| pictures.len() - 1));
        out
    }

    #[test]
    fn jitter_drops_and_repeats_nothing() {
        let rate = Rate::new(30, 1);
        let pictures: Vec<i64> =
            (0..300).map(|n| rate.time_of(n).0 + [0, 9_000, -12_000, 4_000][n as usize % 4]).collect();
        assert_eq!(shown(rate, 300, &pictures), (0..300).collect::<Vec<_>>());
    }

    #[test]
    fn high_speed_footage_is_thinned_evenly() {
        let pictures: Vec<i64> = (0..240).map(|n| Rate::new(240, 1).time_of(n).0).collect();
        let shown = shown(Rate::new(60, 1), 60, &pictures);
        assert!(shown.windows(2).skip(1).all(|w| w[1] - w[0] == 4), "{shown:?}");
    }

    proptest! {
        #[test]
        fn every_frame_is_filled_once_and_in_order(steps in prop::collection::vec(1i64..200_000, 1..200)) {
            let mut at = 0;
            let pictures: Vec<i64> = steps.iter().map(|s| { let t = at; at += s; t }).collect();
            let rate = Rate::new(30_000, 1001);
            let frames = rate.frames_in(Time(at)).max(1);
            let shown = shown(rate, frames, &pictures);
            prop_assert_eq!(shown.len() as i64, frames);
            prop_assert!(shown.windows(2).all(|w| w[0] <= w[1]));
            for (n, picture) in shown.iter().enumerate() {
                let half = rate.frame().0 / 2 + 1;
                prop_assert!(pictures[*picture] <= rate.time_of(n as i64).0 + half || *picture == 0);
            }
        }
    }
}
