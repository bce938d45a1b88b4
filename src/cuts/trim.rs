//! Dead air: what is left out before the first word, after the last one and in long pauses. Pure.
//!
//! Word times may be off by some tenths of a second, so nothing is cut inside a word or inside what the voice activity
//! takes for speech, whichever reaches further. A clip in which no word was heard is left whole.

use super::kept::{Kept, frames_to};
use super::limits::frames_within;
use crate::speech::{Loudness, Word};
use crate::units::{Rate, Span, Time};
use std::cmp::Ordering;
use std::ops::Range;

/// What stays before the first word: enough to see who speaks, and for a breath.
const LEAD: Time = Time::from_millis(300);

/// What stays after the last word: it rings out, and the face comes to rest.
const TAIL: Time = Time::from_millis(600);

/// Less than this at an end is not worth a cut: nobody notices it, and times are not that sure.
const WORTH_AN_END: Time = Time::from_millis(500);

/// Speech that begins or ends so near to a word belongs to it.
const NEAR: Time = Time::from_millis(300);

/// Speech of at least that length is taken for words that were not recognised, and stays: "No." is short, and an answer.
/// Shorter is a click or a chair.
const UNRECOGNISED: Time = Time::from_millis(150);

/// What is left of a long pause: about the pause between two sentences.
const REST: Time = Time::from_millis(600);

/// What stays of a pause on either side at least, so that no word loses its onset or its ring.
const MARGIN: Time = Time::from_millis(200);

/// A pause is shortened by at least that much: the jump is seen, and less is not worth it.
const WORTH_A_JOIN: Time = Time::from_millis(200);

/// How far apart the moments are at which a pause may be cut.
const STEP: Time = Time::from_millis(50);

/// What decides which parts of a clip are kept.
#[derive(Debug, Clone, Copy)]
pub struct Trim<'a> {
    /// Spoken words in clip time.
    pub words: &'a [Word],
    /// Where somebody speaks, by voice activity.
    pub speech: &'a [Span],
    /// How loud the clip is along the way.
    pub loudness: &'a Loudness,
    /// How long the clip is.
    pub duration: Time,
    /// Whether dead air at the ends is left out.
    pub ends: bool,
    /// Pauses longer than this are shortened; none: pauses stay.
    pub tighten: Option<Time>,
    /// Where a person wants the clip to start and end; they win over everything found here.
    pub own: (Option<Time>, Option<Time>),
}

impl Trim<'_> {
    /// The parts of the clip that are kept, of its `frames` frames at `rate`. Where that is less than `least` frames, dead
    /// air is given back until it is enough: at the end, then at the start, then in the pauses; never beyond what a
    /// person asked for.
    pub fn kept(&self, rate: Rate, frames: i64, least: i64) -> Kept {
        let first = self.own.0.map_or(0, |start| rate.frames_in(start)).clamp(0, (frames - 1).max(0));
        let last = self.own.1.map_or(frames, |end| rate.frames_in(end)).clamp(first + 1, frames.max(first + 1));
        let bounds = first..last;
        let guarded = self.guarded(Span::new(rate.time_of(first), rate.time_of(last)));
        let mut ends = self.trimmed_ends(rate, &bounds, &guarded);
        let pauses = self.pauses(rate, &guarded);
        let left_out: i64 = pauses.iter().map(|pause| pause.end - pause.start).sum();
        let missing = (least - (ends.end - ends.start - left_out)).max(0);
        let after = missing.min(bounds.end - ends.end);
        let before = (missing - after).min(ends.start - bounds.start);
        ends = ends.start - before..ends.end + after;
        let pauses = if after + before < missing { Vec::new() } else { pauses };
        let starts = [ends.start].into_iter().chain(pauses.iter().map(|pause| pause.end));
        let stops = pauses.iter().map(|pause| pause.start).chain([ends.end]);
        Kept::of_frames(rate, starts.zip(stops).map(|(start, stop)| start..stop))
    }

    /// What was left out, for the clip's notes; none when all of it is shown.
    pub fn note(&self, kept: &Kept) -> Vec<String> {
        let mut notes = Vec::new();
        let own = match self.own {
            (Some(start), Some(end)) => Some(format!("It starts at {start} and ends at {end}")),
            (Some(start), None) => Some(format!("It starts at {start}")),
            (None, Some(end)) => Some(format!("It ends at {end}")),
            (None, None) => None,
        };
        notes.extend(own.map(|own| format!("{own}, as the clip's own file says.")));
        let tenths = |time: Time| (time.seconds() * 10.0).round() / 10.0;
        let start = tenths(kept.start()).min(if self.own.0.is_some() { 0.0 } else { f64::MAX });
        let end = tenths(self.duration - kept.end()).min(if self.own.1.is_some() { 0.0 } else { f64::MAX });
        // Rounding to frames takes less than a tenth of a second away, and nobody has to know of that.
        let silence = match (start > 0.1, end > 0.1) {
            (true, true) => {
                Some(format!("{start:.1} s of silence at the start and {end:.1} s at the end were left out."))
            }
            (true, false) => Some(format!("{start:.1} s of silence at the start were left out.")),
            (false, true) => Some(format!("{end:.1} s of silence at the end were left out.")),
            (false, false) => None,
        };
        notes.extend(silence);
        let gone = kept.end() - kept.start() - kept.duration();
        match kept.joins().len() {
            0 => {}
            1 => notes.push(format!("A pause was shortened by {:.1} s.", gone.seconds())),
            count => notes.push(format!("{count} pauses were shortened, by {:.1} s in all.", gone.seconds())),
        }
        notes
    }

    /// Where nothing may be cut, in order and not touching: from the first word or its speech to the last. Empty where no
    /// word is heard.
    fn guarded(&self, bounds: Span) -> Vec<Span> {
        let inside = |span: &Span| span.overlaps(bounds);
        let clipped = |span: Span| Span::new(span.start.max(bounds.start), span.end.min(bounds.end));
        let words: Vec<Span> = self.words.iter().map(|word| word.span).filter(inside).map(clipped).collect();
        let speech: Vec<Span> = self.speech.iter().copied().filter(inside).map(clipped).collect();
        let near = |span: &Span| {
            let wide = Span::new(span.start - NEAR, span.end + NEAR);
            words.iter().any(|word| word.overlaps(wide))
        };
        let sure = speech.iter().copied().filter(|span| near(span) || span.duration() >= UNRECOGNISED);
        let sure: Vec<Span> = words.iter().copied().chain(sure).collect();
        let ends = sure.iter().map(|span| span.start).min().zip(sure.iter().map(|span| span.end).max());
        let Some((start, end)) = ends.filter(|_| !words.is_empty()) else { return Vec::new() };
        // Within, a sound that may be speech is as good as a word.
        let doubtful = speech.into_iter().filter(|span| span.overlaps(Span::new(start, end)));
        let mut all: Vec<Span> = sure.into_iter().chain(doubtful).collect();
        all.sort_by_key(|span| span.start);
        let mut guarded: Vec<Span> = Vec::new();
        for span in all {
            match guarded.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => guarded.push(span),
            }
        }
        guarded
    }

    /// From shortly before the first word to shortly after the last, within the bounds.
    fn trimmed_ends(&self, rate: Rate, bounds: &Range<i64>, guarded: &[Span]) -> Range<i64> {
        let (true, [first, ..], [.., last]) = (self.ends, guarded, guarded) else { return bounds.clone() };
        let start = frames_within(rate, first.start - LEAD).max(bounds.start);
        let end = frames_to(rate, last.end + TAIL).min(bounds.end);
        let worth = |frames: i64| rate.time_of(frames) >= WORTH_AN_END;
        // A person's own ends stay where they are.
        let start = if self.own.0.is_none() && worth(start - bounds.start) { start } else { bounds.start };
        let end = if self.own.1.is_none() && worth(bounds.end - end) { end } else { bounds.end };
        start..end
    }

    /// What is taken out of each pause that is too long.
    fn pauses(&self, rate: Rate, guarded: &[Span]) -> Vec<Range<i64>> {
        let Some(longest) = self.tighten else { return Vec::new() };
        let between = guarded.windows(2).map(|pair| Span::new(pair[0].end, pair[1].start));
        let long = between.filter(|pause| pause.duration() > longest);
        let shortened = long.map(|pause| {
            let gone = self.quietest_cut(pause);
            frames_to(rate, gone.start)..frames_within(rate, gone.end)
        });
        shortened.filter(|gone| rate.time_of(gone.end - gone.start) >= WORTH_A_JOIN).collect()
    }

    /// What is taken out of a pause so that [`REST`] stays and the two sides meet where both are quiet; in the middle of
    /// what stays, where that makes no difference.
    fn quietest_cut(&self, pause: Span) -> Span {
        let gone = |kept_before: Time| Span::new(pause.start + kept_before, pause.end - (REST - kept_before));
        let loudest = |span: &Span| self.peak(span.start).max(self.peak(span.end));
        let half = Time(REST.0 / 2);
        let steps = (half - MARGIN).0 / STEP.0;
        let mut cuts: Vec<i64> = (-steps..=steps).collect();
        cuts.sort_by_key(|step| step.abs());
        let quieter = |a: &Span, b: &Span| loudest(a).total_cmp(&loudest(b));
        let cuts = cuts.into_iter().map(|step| gone(half + Time(step * STEP.0)));
        cuts.reduce(|best, cut| if quieter(&cut, &best) == Ordering::Less { cut } else { best }).unwrap_or(gone(half))
    }

    /// The peak of the sound around a moment, in dBTP.
    fn peak(&self, moment: Time) -> f32 {
        let index = usize::try_from(moment.millis() / 100).unwrap_or(0);
        self.loudness.peaks.get(index).copied().unwrap_or(f32::NEG_INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: Rate = Rate::new(30, 1);

    fn seconds(start: f64, end: f64) -> Span {
        Span::new(Time::from_seconds(start), Time::from_seconds(end))
    }

    fn words(spans: &[(f64, f64)]) -> Vec<Word> {
        spans.iter().map(|s| Word { text: "skin".into(), span: seconds(s.0, s.1), confidence: 1.0 }).collect()
    }

    /// A clip of 20 s.
    fn trim<'a>(words: &'a [Word], speech: &'a [Span], loudness: &'a Loudness) -> Trim<'a> {
        let duration = Time::from_seconds(20.0);
        Trim { words, speech, loudness, duration, ends: true, tighten: None, own: (None, None) }
    }

    fn quiet() -> Loudness {
        Loudness::default()
    }

    fn kept(trim: Trim) -> Vec<Span> {
        trim.kept(RATE, 600, 0).spans().to_vec()
    }

    #[test]
    fn dead_air_at_the_ends_goes_and_whichever_is_longer_of_words_and_speech_stays() {
        let (words, quiet) = (words(&[(5.0, 5.5), (15.0, 15.5)]), quiet());
        assert_eq!(kept(trim(&words, &[], &quiet)), [seconds(4.7, 16.1)]);
        let wider = [seconds(4.6, 6.0), seconds(15.1, 16.0)];
        assert_eq!(kept(trim(&words, &wider, &quiet)), [seconds(4.3, 16.6)]);
        let narrower = [seconds(5.2, 5.4), seconds(15.1, 15.2)];
        assert_eq!(kept(trim(&words, &narrower, &quiet)), [seconds(4.7, 16.1)]);
        // A click goes with the dead air; a sentence or a short answer that was not recognised does not.
        assert_eq!(kept(trim(&words, &[seconds(2.0, 2.1)], &quiet)), [seconds(4.7, 16.1)]);
        assert_eq!(kept(trim(&words, &[seconds(2.0, 2.4), seconds(18.0, 18.2)], &quiet)), [seconds(1.7, 18.8)]);
        assert_eq!(kept(trim(&words, &[seconds(2.0, 3.5)], &quiet)), [seconds(1.7, 16.1)]);
        assert_eq!(kept(Trim { ends: false, ..trim(&words, &[], &quiet) }), [seconds(0.0, 20.0)]);
    }

    #[test]
    fn little_dead_air_stays_and_so_does_a_clip_without_words() {
        let quiet = quiet();
        assert_eq!(kept(trim(&words(&[(0.7, 1.0), (18.5, 19.0)]), &[], &quiet)), [seconds(0.0, 20.0)]);
        assert_eq!(kept(trim(&words(&[(0.9, 1.0), (18.5, 18.8)]), &[], &quiet)), [seconds(0.6, 19.4)]);
        assert_eq!(kept(trim(&[], &[seconds(5.0, 9.0)], &quiet)), [seconds(0.0, 20.0)]);
    }

    #[test]
    fn long_pauses_shrink_to_a_rest_and_short_ones_stay() {
        let (words, quiet) = (words(&[(0.5, 2.0), (3.0, 4.0), (7.0, 9.0), (11.0, 19.5)]), quiet());
        let tight = |words, speech| Trim { tighten: Some(Time::from_seconds(1.2)), ..trim(words, speech, &quiet) };
        assert_eq!(kept(tight(&words, &[])), [seconds(0.0, 4.3), seconds(6.7, 9.3), seconds(10.7, 20.0)]);
        // What may be speech counts, also where no word was heard.
        let speech = [seconds(4.0, 4.5), seconds(6.0, 6.2), seconds(9.5, 9.7)];
        assert_eq!(kept(tight(&words, &speech)), [seconds(0.0, 4.8), seconds(5.7, 10.0), seconds(10.7, 20.0)]);
    }

    #[test]
    fn a_pause_is_cut_where_it_is_quietest() {
        let words = words(&[(0.5, 4.0), (7.0, 19.5)]);
        let mut loudness = Loudness { momentary: Vec::new(), peaks: vec![-50.0; 200] };
        // Somebody breathes out after the first part: the cut comes later than the middle.
        loudness.peaks[41..44].fill(-20.0);
        let tight = Trim { tighten: Some(Time::from_seconds(1.2)), ..trim(&words, &[], &loudness) };
        assert_eq!(kept(tight), [seconds(0.0, 4.4), seconds(6.8, 20.0)]);
    }

    #[test]
    fn a_persons_own_ends_win() {
        let (words, quiet) = (words(&[(5.0, 5.5), (15.0, 15.5)]), quiet());
        let own = |start: Option<f64>, end: Option<f64>| Trim {
            own: (start.map(Time::from_seconds), end.map(Time::from_seconds)),
            ..trim(&words, &[], &quiet)
        };
        assert_eq!(kept(own(Some(1.5), None)), [seconds(1.5, 16.1)]);
        assert_eq!(kept(own(None, Some(15.2))), [seconds(4.7, 15.2)]);
        assert_eq!(kept(own(Some(5.2), Some(42.0))), [seconds(5.2, 20.0)]);
        // Only the words between them count.
        assert_eq!(kept(own(Some(6.0), None)), [seconds(6.0, 16.1)]);
        // Dead air is given back, but not beyond them.
        assert_eq!(own(Some(5.2), None).kept(RATE, 600, 600).spans(), [seconds(5.2, 20.0)]);
    }

    #[test]
    fn a_cut_that_would_be_too_short_keeps_more_dead_air() {
        let (words, quiet) = (words(&[(5.0, 5.5), (7.5, 8.0)]), quiet());
        let tight = Trim { tighten: Some(Time::from_seconds(1.2)), ..trim(&words, &[], &quiet) };
        let least = |seconds: f64| tight.kept(RATE, 600, (seconds * 30.0) as i64).spans().to_vec();
        assert_eq!(least(2.0), [seconds(4.7, 5.8), seconds(7.2, 8.6)]);
        assert_eq!(least(5.0), [seconds(4.7, 5.8), seconds(7.2, 11.1)]);
        assert_eq!(least(15.0), [seconds(3.6, 5.8), seconds(7.2, 20.0)]);
        assert_eq!(least(19.0), [seconds(0.0, 20.0)]);
    }

    #[test]
    fn the_note_says_what_was_left_out() {
        let (words, quiet) = (words(&[(3.5, 5.5), (10.0, 18.3)]), quiet());
        let tight = Trim { tighten: Some(Time::from_seconds(1.2)), ..trim(&words, &[], &quiet) };
        let said = |trim: Trim| trim.note(&trim.kept(RATE, 600, 0)).join(" ");
        let wanted =
            "3.2 s of silence at the start and 1.1 s at the end were left out. A pause was shortened by 3.9 s.";
        assert_eq!(said(tight), wanted);
        let own = Trim { own: (Some(Time::from_seconds(2.0)), None), tighten: None, ..tight };
        let wanted = "It starts at 0:02.000, as the clip's own file says. 1.1 s of silence at the end were left out.";
        assert_eq!(said(own), wanted);
        assert_eq!(said(Trim { ends: false, tighten: None, ..tight }), "");
    }

    proptest! {
        #[test]
        fn no_word_and_no_speech_beside_one_is_ever_cut(
            parts in prop::collection::vec((0i64..5_000, 60i64..900, -300i64..300, -300i64..300), 1..40),
            after in 0i64..4_000,
            tighten in prop::option::of(700i64..10_000),
            least in 0i64..900,
            rate in prop::sample::select(vec![Rate::new(24, 1), Rate::new(30_000, 1001), Rate::new(60, 1)]),
        ) {
            let (mut at, mut words, mut speech) = (0, Vec::new(), Vec::<Span>::new());
            for (pause, length, before, behind) in parts {
                let span = Span::new(Time::from_millis(at + pause), Time::from_millis(at + pause + length));
                at += pause + length;
                words.push(Word { text: "skin".into(), span, confidence: 1.0 });
                let start = (span.start + Time::from_millis(before)).max(speech.last().map_or(Time::ZERO, |s| s.end));
                speech.push(Span::new(start, span.end + Time::from_millis(behind)));
            }
            let duration = Time::from_millis(at + after + 300);
            let frames = rate.frames_in(duration);
            let (loudness, own) = (Loudness::default(), (None, None));
            let tighten = tighten.map(Time::from_millis);
            let trim = Trim { words: &words, speech: &speech, loudness: &loudness, duration, ends: true, tighten, own };
            let kept = trim.kept(rate, frames, least);
            prop_assert!(kept.end() <= rate.time_of(frames) && kept.start() >= Time::ZERO);
            prop_assert!(kept.frames(rate) >= least.min(frames));
            let end = rate.time_of(frames);
            for span in words.iter().map(|word| word.span).chain(speech.iter().copied().filter(|s| s.duration() > Time::ZERO)) {
                let with_margin = Span::new((span.start - MARGIN).max(Time::ZERO), (span.end + MARGIN).min(end));
                let whole = kept.spans().iter().any(|part| {
                    part.start <= with_margin.start && with_margin.end <= part.end
                });
                prop_assert!(whole, "{span:?} is cut by {kept:?}");
            }
            let said: Vec<Time> = kept.words(&words).iter().map(|word| word.span.duration()).collect();
            prop_assert_eq!(said, words.iter().map(|word| word.span.duration()).collect::<Vec<_>>());
        }
    }
}
