//! Which parts of a clip a cut shows, and how the clip's time maps to the cut's. Pure.

use super::limits::frames_within;
use crate::speech::Word;
use crate::units::{Rate, Span, Time};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The parts of a clip that a cut shows one after the other, in clip time: in order, not touching, each starting and
/// ending on frames of the recipe's rate.
///
/// **Following something that is known in clip time** (a face's path, say) in a cut: frame `n` of the cut shows the clip
/// at `clip_time(rate.time_of(n))`, so ask the path for that moment. At [`Kept::joins`] the picture jumps from one part
/// to the next, and the path has to jump with it: smooth it in clip time before, not in cut time after. Single moments of
/// the path go the other way with [`Kept::cut_time`], which says none for those that are not shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kept(Vec<Span>);

impl From<Span> for Kept {
    fn from(span: Span) -> Self {
        Kept(vec![span])
    }
}

impl Kept {
    /// These frames of the clip, counted at `rate` and in order; parts that touch become one, empty ones vanish.
    pub fn of_frames(rate: Rate, parts: impl IntoIterator<Item = Range<i64>>) -> Self {
        let mut spans: Vec<Span> = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let span = Span::new(rate.time_of(part.start), rate.time_of(part.end));
            match spans.last_mut() {
                Some(last) if last.end >= span.start => last.end = last.end.max(span.end),
                _ => spans.push(span),
            }
        }
        Kept(spans)
    }

    /// The parts, in clip time.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// The first moment of the clip that is shown.
    pub fn start(&self) -> Time {
        self.0.first().map_or(Time::ZERO, |span| span.start)
    }

    /// The first moment of the clip after all that is shown.
    pub fn end(&self) -> Time {
        self.0.last().map_or(Time::ZERO, |span| span.end)
    }

    /// How long all parts last together. Each part is rounded to the microsecond; where the frame matters, count
    /// [`Kept::frames`].
    pub fn duration(&self) -> Time {
        self.0.iter().fold(Time::ZERO, |sum, span| sum + span.duration())
    }

    /// How many frames of the cut the parts fill.
    pub fn frames(&self, rate: Rate) -> i64 {
        self.parts(rate).map(|part| part.end - part.start).sum()
    }

    /// Which frame of the cut the clip's frame `number` is; for one that is left out, the next that is shown.
    pub fn cut_frame(&self, rate: Rate, number: i64) -> i64 {
        self.parts(rate).map(|part| (number.min(part.end) - part.start).max(0)).sum()
    }

    /// Which frame of the clip frame `number` of the cut is; the last one that is shown for all behind it, which a cut
    /// holds.
    pub fn clip_frame(&self, rate: Rate, number: i64) -> i64 {
        let (mut left, mut last) = (number.max(0), 0);
        for part in self.parts(rate).filter(|part| !part.is_empty()) {
            let length = part.end - part.start;
            if left < length {
                return part.start + left;
            }
            (left, last) = (left - length, part.end - 1);
        }
        last
    }

    /// Whether the moment of the clip is shown.
    pub fn holds(&self, moment: Time) -> bool {
        self.0.iter().any(|span| span.contains(moment))
    }

    /// When a moment of the clip is seen in the cut; none when it is left out.
    pub fn cut_time(&self, moment: Time) -> Option<Time> {
        self.placed().find(|(span, _)| span.contains(moment)).map(|(span, at)| moment - span.start + at)
    }

    /// Which moment of the clip is seen at a moment of the cut; after the last part, where it ends.
    pub fn clip_time(&self, moment: Time) -> Time {
        // Frame times are rounded, and the first frame of a part must not be taken for the end of the one before.
        let nearly = Time(1 + self.0.len() as i64);
        let found = self.placed().take_while(|(_, at)| *at <= moment + nearly).last();
        let inside = |(span, at): (Span, Time)| (span.start + moment - at).max(span.start).min(span.end);
        found.map_or(self.start(), inside)
    }

    /// The moments of the cut at which one part follows another.
    pub fn joins(&self) -> Vec<Time> {
        self.placed().skip(1).map(|(_, at)| at).collect()
    }

    /// The words that are heard, in cut time, as far as they are inside. A word of which less than half is heard at an
    /// edge is left out: a caption would put a whole word where there is a click.
    pub fn words(&self, words: &[Word]) -> Vec<Word> {
        let heard = |word: &Word| {
            // A word without any room is shown with the moment that it is at.
            let shown = |span: &Span| {
                span.overlaps(word.span) || (word.span.start == word.span.end && span.contains(word.span.start))
            };
            let inside = self.placed().filter(|(span, _)| shown(span)).map(|(span, at)| {
                let part = Span::new(word.span.start.max(span.start), word.span.end.min(span.end));
                part.shifted(at - span.start)
            });
            let span = inside.reduce(|first, last| Span::new(first.start, last.end))?;
            // What is left out between two parts is no edge: the word begins in one and ends in the other.
            word.span.is_mostly_in(Span::new(self.start(), self.end())).then(|| Word { span, ..word.clone() })
        };
        words.iter().filter_map(heard).collect()
    }

    /// When each moment of the clip is seen in the cut; for one that is left out, the next that is shown.
    pub fn moments(&self, moments: &[Time]) -> Vec<Time> {
        let seen = |moment: &Time| {
            let before = |span: &Span| (span.end.min(*moment) - span.start).max(Time::ZERO);
            self.0.iter().map(before).fold(Time::ZERO, |sum, part| sum + part)
        };
        moments.iter().map(seen).collect()
    }

    /// The parts that these frames of the cut show.
    pub fn part(&self, rate: Rate, frames: Range<i64>) -> Kept {
        let mut before = 0;
        let pieces = self.parts(rate).map(|part| {
            let number = |frame: i64| part.start + (frame - before).clamp(0, part.end - part.start);
            let piece = number(frames.start)..number(frames.end);
            before += part.end - part.start;
            piece
        });
        Kept::of_frames(rate, pieces.collect::<Vec<_>>())
    }

    /// The first `frames` frames of the cut.
    pub fn truncated(&self, rate: Rate, frames: i64) -> Kept {
        self.part(rate, 0..frames)
    }

    /// Each part as frames of the clip.
    pub fn parts(&self, rate: Rate) -> impl Iterator<Item = Range<i64>> + '_ {
        self.0.iter().map(move |span| rate.frames_in(span.start)..rate.frames_in(span.end))
    }

    /// Each part with its start in the cut.
    fn placed(&self) -> impl Iterator<Item = (Span, Time)> + '_ {
        self.0.iter().scan(Time::ZERO, |next, span| {
            let at = *next;
            *next = at + span.duration();
            Some((*span, at))
        })
    }
}

/// The first frame that starts at or after the moment.
pub(super) fn frames_to(rate: Rate, moment: Time) -> i64 {
    let whole = frames_within(rate, moment);
    if rate.time_of(whole) < moment { whole + 1 } else { whole }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const NTSC: Rate = Rate::new(30_000, 1001);

    fn seconds(start: f64, end: f64) -> Span {
        Span::new(Time::from_seconds(start), Time::from_seconds(end))
    }

    fn word(start: f64, end: f64) -> Word {
        Word { text: "skin".into(), span: seconds(start, end), confidence: 1.0 }
    }

    #[test]
    fn words_move_with_their_parts_and_lose_what_is_left_out() {
        let kept = Kept(vec![seconds(1.0, 3.0), seconds(5.0, 6.0)]);
        // Of the first and the last too little is heard.
        let edges = kept.words(&[word(0.5, 1.001), word(0.7, 1.2), word(5.9, 6.2)]);
        assert_eq!(edges, []);
        let words = [word(0.5, 0.9), word(0.8, 1.2), word(2.0, 2.5), word(2.8, 5.2), word(5.4, 5.5), word(6.0, 7.0)];
        let spans: Vec<Span> = kept.words(&words).iter().map(|word| word.span).collect();
        assert_eq!(spans, [seconds(0.0, 0.2), seconds(1.0, 1.5), seconds(1.8, 2.2), seconds(2.4, 2.5)]);
    }

    #[test]
    fn a_word_without_room_is_shown_where_its_moment_is() {
        let kept = Kept(vec![seconds(0.0, 3.0), seconds(5.0, 6.0)]);
        let words = [word(0.0, 0.0), word(1.0, 1.0), word(4.0, 4.0), word(5.0, 5.0), word(6.0, 6.0)];
        let spans: Vec<Span> = kept.words(&words).iter().map(|word| word.span).collect();
        assert_eq!(spans, [seconds(0.0, 0.0), seconds(1.0, 1.0), seconds(3.0, 3.0)]);
    }

    #[test]
    fn a_cut_is_told_where_its_pictures_come_from() {
        let kept = Kept(vec![seconds(1.0, 3.0), seconds(5.0, 6.0)]);
        assert_eq!((kept.duration(), kept.joins()), (Time::from_seconds(3.0), vec![Time::from_seconds(2.0)]));
        for (clip, cut) in [(0.9, None), (1.0, Some(0.0)), (2.5, Some(1.5)), (3.0, None), (5.5, Some(2.5)), (6.0, None)]
        {
            assert_eq!(kept.cut_time(Time::from_seconds(clip)), cut.map(Time::from_seconds), "{clip}");
        }
        for (cut, clip) in [(0.0, 1.0), (1.9, 2.9), (2.0, 5.0), (2.5, 5.5), (9.0, 6.0)] {
            assert_eq!(kept.clip_time(Time::from_seconds(cut)), Time::from_seconds(clip), "{cut}");
        }
    }

    #[test]
    fn it_is_written_as_a_list() {
        let kept = Kept::of_frames(Rate::new(25, 1), [0..25, 25..30, 40..40, 50..75]);
        let text = "[{\"start\":0,\"end\":1200000},{\"start\":2000000,\"end\":3000000}]";
        assert_eq!(serde_json::to_string(&kept).unwrap(), text);
        assert_eq!(serde_json::from_str::<Kept>(text).unwrap(), kept);
    }

    proptest! {
        #[test]
        fn every_frame_of_a_cut_is_one_of_the_clip(
            parts in prop::collection::vec((1i64..200, 1i64..200), 1..60),
            share in 0.0..1.2f64,
        ) {
            let mut at = 0;
            let parts: Vec<Range<i64>> =
                parts.into_iter().map(|(gap, length)| { at += gap + length; at - length..at }).collect();
            let shown: Vec<i64> = parts.iter().cloned().flatten().collect();
            let kept = Kept::of_frames(NTSC, parts.clone());
            prop_assert_eq!(kept.frames(NTSC), shown.len() as i64);
            prop_assert_eq!(kept.joins().len() + 1, parts.len());
            for (n, number) in shown.iter().enumerate() {
                prop_assert_eq!(kept.cut_frame(NTSC, *number), n as i64);
                prop_assert_eq!(kept.clip_frame(NTSC, n as i64), *number);
                let (cut, clip) = (NTSC.time_of(n as i64), NTSC.time_of(*number));
                prop_assert!((kept.clip_time(cut) - clip).0.abs() <= 100, "frame {n} of the cut");
                prop_assert!((kept.cut_time(clip).unwrap() - cut).0.abs() <= 100, "frame {number} of the clip");
            }
            let held = kept.clip_frame(NTSC, shown.len() as i64 + 7);
            prop_assert_eq!(Some(&held), shown.last());
            let some = (shown.len() as f64 * share) as usize;
            let first: Vec<i64> = kept.truncated(NTSC, some as i64).parts(NTSC).flatten().collect();
            prop_assert_eq!(&first[..], &shown[..some.min(shown.len())]);
        }
    }
}
