//! What a platform takes, checked before anything is encoded: too short, too long, too big. Pure.

use super::BUFFER_SECONDS;
use super::kept::frames_to;
use crate::config::{Encoding, Platform, TooLong};
use crate::speech::Word;
use crate::units::{Rate, Size, Time};

/// What MP4 adds to picture and sound: sample tables and interleaving, generously.
const CONTAINER: f64 = 1.03;

/// Lowest peak rate in kbit/s at 1280x720 that still gives a clean picture of somebody who speaks; in proportion to
/// the area elsewhere.
const FLOOR_720P: f64 = 600.0;

/// A trimmed cut stays that far below the longest duration, because AAC's frames may reach a little past the picture.
const MARGIN: Time = Time::from_millis(100);

/// How long the picture goes on after the last word of a trimmed cut, at most.
const TAIL: Time = Time::from_millis(300);

/// Shortest gap between words that counts as a pause.
const PAUSE: Time = Time::from_millis(300);

/// Words that end in a full stop within a sentence.
const ABBREVIATIONS: [&str; 9] = ["dr.", "mr.", "mrs.", "ms.", "st.", "vs.", "e.g.", "i.e.", "approx."];

/// What would be cut, before limits.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Where it goes.
    pub platform: &'a Platform,
    /// Size of the picture.
    pub canvas: Size,
    /// Frames per second of the cut.
    pub rate: Rate,
    /// Frames of what is kept of the clip at that rate: dead air that is left out does not count.
    pub frames: i64,
    /// Frames that the end card adds.
    pub hold: i64,
    /// Spoken words in cut time.
    pub words: &'a [Word],
    /// Whether the clip has sound.
    pub sound: bool,
    /// What the practice wants for a clip that is too long.
    pub when_too_long: TooLong,
}

/// How much of what is kept is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// Frames from the cut's start.
    pub frames: i64,
    /// Where it ends when the rest is left out: `after "ask your doctor."`, `at 0:57.000`.
    pub trimmed: Option<String>,
}

/// How much of what is kept of the clip the platform takes; else why it gets no cut, in whole sentences that name the setting which
/// would change that.
pub fn extent(wanted: &Wanted) -> Result<Extent, String> {
    let Wanted { platform, rate, .. } = *wanted;
    let total = rate.time_of(wanted.frames + wanted.hold);
    let longest = platform.max_duration.min(longest_for_size(wanted));
    if total < platform.min_duration {
        return Err(too_short(wanted, total));
    }
    if total <= longest {
        return Ok(Extent { frames: wanted.frames, trimmed: None });
    }
    let reason = too_long(wanted, total, longest);
    let (name, id) = (&platform.name, &platform.id);
    if wanted.when_too_long == TooLong::Skip {
        let offer = "when_too_long = \"trim\" under [cuts] would end it after the last sentence that fits.";
        return Err(format!("{reason} {offer}{}", without_card(wanted, longest)));
    }
    trimmed(wanted, longest).ok_or_else(|| {
        format!(
            "{reason} No sentence and no pause ends where {name} could stop; record a shorter answer, or change \
             max_seconds or max_megabytes under [platform.{id}].{}",
            without_card(wanted, longest)
        )
    })
}

/// The fewest frames, end card included, that the platform takes.
pub(super) fn least_frames(platform: &Platform, rate: Rate) -> i64 {
    frames_to(rate, platform.min_duration)
}

/// The peak rate in kbit/s that keeps a cut of that duration below the platform's size: the preset's own, or less.
///
/// A constant rate factor under a peak rate bounds the file in one pass: picture <= peak * (duration + rate buffer).
pub fn max_rate(platform: &Platform, duration: Time, sound: bool) -> u32 {
    let seconds = duration.seconds();
    let room = kilobits(platform) - audio_rate(&platform.encoding, sound) * seconds;
    let fitting = (room / (seconds + f64::from(BUFFER_SECONDS))).max(1.0);
    platform.encoding.max_rate.min(fitting as u32)
}

/// The longest cut whose peak rate can stay at or above the floor.
fn longest_for_size(wanted: &Wanted) -> Time {
    let encoding = &wanted.platform.encoding;
    let area = f64::from(wanted.canvas.width) * f64::from(wanted.canvas.height);
    // A practice that asks for less than the floor knows what it wants.
    let floor = (FLOOR_720P * area / (1280.0 * 720.0)).min(f64::from(encoding.max_rate));
    let seconds =
        (kilobits(wanted.platform) - floor * f64::from(BUFFER_SECONDS)) / (floor + audio_rate(encoding, wanted.sound));
    Time::from_seconds(seconds.max(0.0))
}

/// What picture and sound may take together, in kbit.
fn kilobits(platform: &Platform) -> f64 {
    platform.max_bytes as f64 * 8.0 / 1000.0 / CONTAINER
}

fn audio_rate(encoding: &Encoding, sound: bool) -> f64 {
    if sound { f64::from(encoding.audio_rate) } else { 0.0 }
}

fn too_short(wanted: &Wanted, total: Time) -> String {
    let (platform, id) = (wanted.platform, &wanted.platform.id);
    let change = match (platform.clean, wanted.hold) {
        (true, _) => format!("Record a longer answer, or change min_seconds under [platform.{id}]."),
        (false, 0) => "An end card (enabled = true under [end_card]) would make it longer.".to_string(),
        (false, _) => "A longer end card (seconds under [end_card]) would make it long enough.".to_string(),
    };
    format!("The cut would last {total} and {} takes none below {}. {change}", platform.name, platform.min_duration)
}

fn too_long(wanted: &Wanted, total: Time, longest: Time) -> String {
    let platform = wanted.platform;
    let name = &platform.name;
    if longest < platform.max_duration {
        let megabytes = platform.max_bytes as f64 / 1e6;
        return format!(
            "The cut would last {total} and {name} takes files of at most {megabytes} MB, which hold a clean picture \
             for {longest}."
        );
    }
    format!("The cut would last {total} and {name} takes at most {longest}.")
}

/// A hint where the end card alone is what makes the cut too long.
fn without_card(wanted: &Wanted, longest: Time) -> &'static str {
    let fits = wanted.rate.time_of(wanted.frames) <= longest;
    if wanted.hold > 0 && fits { " Without the end card (enabled = false under [end_card]) it would fit." } else { "" }
}

/// The clip up to the last sentence that fits, else the last pause; where nothing is said, as much as fits.
fn trimmed(wanted: &Wanted, longest: Time) -> Option<Extent> {
    let Wanted { rate, words, hold, .. } = *wanted;
    let most = frames_within(rate, longest - MARGIN) - hold;
    let least = (frames_within(rate, wanted.platform.min_duration) + 1 - hold).max(1);
    if words.is_empty() {
        return (most >= least).then(|| Extent { frames: most, trimmed: Some(format!("at {}", rate.time_of(most))) });
    }
    let next_start = |index: usize| words.get(index + 1).map(|next: &Word| next.span.start);
    let end = |index: usize| {
        let tail = words[index].span.end + TAIL;
        let stop = next_start(index).map_or(tail, |next| tail.min(next));
        frames_within(rate, stop).min(most)
    };
    let fits = |index: &usize| frames_within(rate, words[*index].span.end) < most && end(*index) >= least;
    // Nothing follows the last word, whether or not it has its full stop.
    let sentence = |index: &usize| *index + 1 == words.len() || ends_sentence(&words[*index].text);
    let pause = |index: &usize| next_start(*index).is_some_and(|next| next - words[*index].span.end >= PAUSE);
    let stops = || (0..words.len()).rev().filter(fits);
    let last = stops().find(sentence).or_else(|| stops().find(pause))?;
    let heard: Vec<&str> = words[last.saturating_sub(3)..=last].iter().map(|word| &*word.text).collect();
    Some(Extent { frames: end(last), trimmed: Some(format!("after \"{}\"", heard.join(" "))) })
}

/// How many frames end at or before the moment.
pub(super) fn frames_within(rate: Rate, moment: Time) -> i64 {
    let frames = rate.frames_in(moment);
    if rate.time_of(frames) > moment { frames - 1 } else { frames }
}

/// Whether a word closes a sentence: a full stop, question or exclamation mark, perhaps within quotes or brackets.
fn ends_sentence(word: &str) -> bool {
    let bare = word.trim_end_matches(['"', '\'', ')', ']', '\u{201D}', '\u{2019}', '\u{BB}']);
    let stopped = bare.ends_with(['.', '?', '!', '\u{2026}', '\u{3002}', '\u{FF1F}', '\u{FF01}']);
    stopped && !ABBREVIATIONS.contains(&bare.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::platforms_with;
    use crate::units::Span;
    use proptest::prelude::*;

    const RATE: Rate = Rate::new(30, 1);
    const CANVAS: Size = Size::new(720, 1280);

    fn platform(id: &str) -> Platform {
        platforms_with(None).unwrap().into_iter().find(|platform| platform.id == id).unwrap()
    }

    /// Words of 0.4 s, one every 0.5 s, and a longer pause before those that are named.
    fn speech(text: &str, pause_before: &[usize]) -> Vec<Word> {
        let mut start = Time::ZERO;
        let word = |(index, text): (usize, &str)| {
            if pause_before.contains(&index) {
                start = start + Time::from_millis(600);
            }
            let span = Span::new(start, start + Time::from_millis(400));
            start = start + Time::from_millis(500);
            Word { text: text.to_string(), span, confidence: 1.0 }
        };
        text.split(' ').enumerate().map(word).collect()
    }

    fn wanted<'a>(platform: &'a Platform, frames: i64, hold: i64, words: &'a [Word]) -> Wanted<'a> {
        let when_too_long = TooLong::Trim;
        Wanted { platform, canvas: CANVAS, rate: RATE, frames, hold, words, sound: true, when_too_long }
    }

    #[test]
    fn the_last_sentence_that_fits_ends_a_trimmed_cut() {
        let platform = Platform { max_duration: Time::from_seconds(6.0), ..platform("tiktok") };
        let words = speech("Is it safe? Yes, it is. Ask Dr. Smith about (it.) Then we talk", &[]);
        // 6 s less the margin, less 1 s of end card: "(it.)" ends at 4.9 s, too late; "Dr." ends no sentence.
        let extent_of = |hold| extent(&wanted(&platform, 450, hold, &words)).unwrap();
        let short = extent_of(30);
        assert_eq!(short.trimmed.as_deref(), Some("after \"safe? Yes, it is.\""));
        assert_eq!(RATE.time_of(short.frames), Time::from_seconds(3.0));
        assert_eq!(extent_of(0).trimmed.as_deref(), Some("after \"Dr. Smith about (it.)\""));
    }

    #[test]
    fn without_a_sentence_the_last_pause_ends_it_and_without_both_nothing_is_cut() {
        let platform = Platform { max_duration: Time::from_seconds(6.0), ..platform("tiktok") };
        let text = "so the thing is that it goes on and on and on and on";
        let with_pause = speech(text, &[8]);
        let cut = extent(&wanted(&platform, 450, 0, &with_pause)).unwrap();
        assert_eq!(cut.trimmed.as_deref(), Some("after \"that it goes on\""));
        // The last word of all is a good end without a full stop too.
        let said = speech("so the thing is that it goes", &[]);
        assert_eq!(extent(&wanted(&platform, 450, 0, &said)).unwrap().frames, 111);
        let breathless = speech(text, &[]);
        let reason = extent(&wanted(&platform, 450, 0, &breathless)).unwrap_err();
        assert!(reason.contains("[platform.tiktok]"), "{reason}");
    }

    #[test]
    fn too_long_offers_what_would_help() {
        let platform = platform("whatsapp-status");
        let skip = |frames, hold| {
            extent(&Wanted { when_too_long: TooLong::Skip, ..wanted(&platform, frames, hold, &[]) }).unwrap_err()
        };
        assert!(skip(1800, 90).contains("Without the end card"));
        let long = skip(1830, 90);
        assert!(long.contains("\"trim\"") && long.contains("1:00.000") && !long.contains("Without"), "{long}");
        // Nothing is said, so nothing is cut short.
        let cut = extent(&wanted(&platform, 3000, 90, &[])).unwrap();
        assert_eq!(cut, Extent { frames: 1797 - 90, trimmed: Some("at 0:56.900".to_string()) });
    }

    #[test]
    fn too_short_names_the_end_card() {
        let spotlight = platform("snapchat-spotlight");
        let reason = extent(&wanted(&spotlight, 30, 90, &[])).unwrap_err();
        assert!(reason.contains("seconds under [end_card]"), "{reason}");
        assert!(extent(&wanted(&spotlight, 60, 90, &[])).is_ok());
    }

    #[test]
    fn a_size_that_starves_the_picture_counts_as_too_long() {
        let tiny = Platform { max_bytes: 2_000_000, ..platform("whatsapp-status") };
        let ask = Wanted { when_too_long: TooLong::Skip, ..wanted(&tiny, 1200, 0, &[]) };
        let reason = extent(&ask).unwrap_err();
        assert!(reason.contains("2 MB"), "{reason}");
        assert!(extent(&wanted(&tiny, 300, 0, &[])).is_ok());
        let asked_for = Encoding { max_rate: 200, ..tiny.encoding.clone() };
        let knowing = Platform { encoding: asked_for, ..tiny };
        assert!(extent(&wanted(&knowing, 1200, 0, &[])).is_ok());
    }

    proptest! {
        #[test]
        fn no_cut_breaks_a_limit(
            seconds in 0.1..300.0f64,
            hold in 0i64..200,
            max_seconds in 3.0..120.0f64,
            megabytes in 1u64..40,
            sentence in 3usize..40,
        ) {
            let platform = Platform {
                max_duration: Time::from_seconds(max_seconds),
                max_bytes: megabytes * 1_000_000,
                ..platform("tiktok")
            };
            let text: Vec<_> = (0..600).map(|n| if n % sentence == 0 { "end." } else { "word" }).collect();
            let words = speech(&text.join(" "), &[]);
            let frames = RATE.frames_in(Time::from_seconds(seconds));
            if let Ok(extent) = extent(&wanted(&platform, frames, hold, &words)) {
                let duration = RATE.time_of(extent.frames + hold);
                prop_assert!(extent.frames <= frames && extent.frames > 0);
                prop_assert!(platform.min_duration <= duration && duration <= platform.max_duration);
                let rate = f64::from(max_rate(&platform, duration, true));
                prop_assert!(rate >= 599.0, "{rate}");
                let kilobits = (rate * (duration.seconds() + f64::from(BUFFER_SECONDS)) + 128.0 * duration.seconds()) * CONTAINER;
                prop_assert!(kilobits * 125.0 <= platform.max_bytes as f64, "{kilobits}");
                if let Some(last) = extent.trimmed {
                    prop_assert!(last.ends_with("end.\""));
                }
            }
        }
    }
}
