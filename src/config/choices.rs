//! What a person chose for one clip, and how it goes with what the clip's own file in the inbox says.

use super::clip_file::{ANCHOR, BACKWARDS, LONGEST_MOMENT, MOST_QUESTION};
use super::resolved::{Anchor, ClipSettings, Platform};
use super::typed::{one_line, passage};
use crate::fault::Fault;
use crate::units::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a person can choose for one clip; what is none is left to the program. Kept in `transcripts/<clip>.toml` of the output
/// folder, whose keys are these, and which goes before the clip's own `.toml` in the inbox.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Choices {
    /// The question: in the post, on the cover, and as the hook; empty: it answers none.
    pub question: Option<String>,
    /// What stands over the first seconds instead of the question; empty: nothing.
    pub hook: Option<String>,
    /// Where the cuts begin, seconds of the clip.
    pub start: Option<f64>,
    /// Where they end, seconds of the clip.
    pub end: Option<f64>,
    /// What a crop keeps in its middle: shares of the picture, across and down, 0.0 to 1.0.
    pub anchor: Option<(f64, f64)>,
    /// The moment that the cover shows, seconds of the clip.
    pub cover: Option<f64>,
    /// Texts of posts by platform id.
    pub posts: BTreeMap<String, PostChoice>,
}

/// The text of a post as a person wrote it; what is none is the program's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PostChoice {
    /// The title, where the platform has one; empty: none.
    pub title: Option<String>,
    /// The text; empty: none.
    pub text: Option<String>,
}

impl PostChoice {
    /// Whether everything is left to the program.
    pub fn is_empty(&self) -> bool {
        self.title.is_none() && self.text.is_none()
    }
}

impl Choices {
    /// What of a clip's settings can be chosen here.
    pub fn of(settings: &ClipSettings) -> Choices {
        let seconds = |moment: Option<Time>| moment.map(Time::seconds);
        Choices {
            question: settings.question.clone(),
            hook: settings.hook.clone(),
            start: seconds(settings.start),
            end: seconds(settings.end),
            anchor: settings.anchor.map(|anchor| (anchor.x, anchor.y)),
            cover: seconds(settings.cover),
            posts: settings.posts.clone(),
        }
    }

    /// As settings: texts without spaces around them, moments to the microsecond.
    ///
    /// # Errors
    /// A text is of several lines where it has to be of one, or holds what cannot be printed, or is longer than any
    /// platform takes; a moment or a share is out of its range. The fault says which.
    pub fn settings(&self) -> Result<ClipSettings, Fault> {
        let line = |name: &str, text: &Option<String>, most: usize| {
            let checked = text.as_deref().map(|text| one_line(text, most)).transpose();
            checked.map_err(|why| wrong(name, &why))
        };
        let moment = |name: &str, seconds: Option<f64>| match seconds {
            Some(seconds) if !(0.0..=LONGEST_MOMENT).contains(&seconds) => {
                Err(wrong(name, "a moment is given in seconds of the clip"))
            }
            seconds => Ok(seconds.map(Time::from_seconds)),
        };
        let (start, end) = (moment("the start", self.start)?, moment("the end", self.end)?);
        if end.is_some_and(|end| end <= start.unwrap_or(Time::ZERO)) {
            return Err(wrong("the end", BACKWARDS));
        }
        let anchor = self.anchor.map(|(x, y)| Anchor { x, y });
        if anchor.is_some_and(|anchor| !anchor.is_inside()) {
            return Err(wrong("the anchor", ANCHOR));
        }
        let mut posts = BTreeMap::new();
        for (platform, post) in self.posts.iter().filter(|(_, post)| !post.is_empty()) {
            let title = line(&format!("the title for {platform}"), &post.title, super::typed::MOST_CHARACTERS)?;
            let text = post.text.as_deref().map(passage).transpose();
            let text = text.map_err(|why| wrong(&format!("the text for {platform}"), &why))?;
            posts.insert(platform.clone(), PostChoice { title, text });
        }
        Ok(ClipSettings {
            question: line("the question", &self.question, MOST_QUESTION)?,
            hook: line("the hook", &self.hook, MOST_QUESTION)?,
            start,
            end,
            anchor,
            cover: moment("the cover's moment", self.cover)?,
            posts,
            ..ClipSettings::default()
        })
    }

    /// Whether the posts are for platforms that there are.
    ///
    /// # Errors
    /// One is not; the fault names it and those that are known.
    pub fn check_platforms(&self, known: &[Platform]) -> Result<(), Fault> {
        let found = self.posts.keys().try_for_each(|id| super::practice_file::find(known, id).map(drop));
        found.map_err(|what| Fault::new(what, "write the post under the platform's own name"))
    }
}

fn wrong(name: &str, why: &str) -> Fault {
    Fault::new(format!("{name}: {why}"), "change it and save again")
}

impl ClipSettings {
    /// Whether a clip of that duration has the moments that are named.
    ///
    /// # Errors
    /// It is to start, or to show its cover, after its end.
    pub fn fits(&self, duration: Time) -> Result<(), Fault> {
        let check = |key: &str, does: &str, moment: Option<Time>| match moment.filter(|moment| *moment >= duration) {
            Some(moment) => Err(Fault::new(
                format!("its own file has it {does} at {moment}, and it lasts only {duration}"),
                format!("correct {key} in the .toml file beside the clip, in seconds, and run again"),
            )),
            None => Ok(()),
        };
        check("start", "start", self.start)?;
        check("cover", "show its cover", self.cover)
    }

    /// These settings where `above` says nothing, key by key; the posts text by text. A patient whom either names stays
    /// named: one file must not take back the other's care.
    ///
    /// # Errors
    /// The end that one gives does not come after the start that the other gives.
    pub fn under(self, above: ClipSettings) -> Result<ClipSettings, Fault> {
        let mut posts = self.posts;
        for (platform, post) in above.posts {
            let ours = posts.entry(platform).or_default();
            ours.title = post.title.or(ours.title.take());
            ours.text = post.text.or(ours.text.take());
        }
        let (start, end) = (above.start.or(self.start), above.end.or(self.end));
        if let Some(end) = end.filter(|end| *end <= start.unwrap_or(Time::ZERO)) {
            let what =
                format!("its own files together have it start at {} and end at {end}", start.unwrap_or(Time::ZERO));
            let advice = "correct start and end in the .toml file beside the clip, or in the one beside its transcript";
            return Err(Fault::new(what, advice));
        }
        Ok(ClipSettings {
            framing: above.framing.or(self.framing),
            anchor: above.anchor.or(self.anchor),
            trim: above.trim.or(self.trim),
            start,
            end,
            follow: above.follow.or(self.follow),
            crop: above.crop.or(self.crop),
            patient_visible: above.patient_visible || self.patient_visible,
            consent: above.consent.or(self.consent),
            question: above.question.or(self.question),
            hook: above.hook.or(self.hook),
            cover: above.cover.or(self.cover),
            posts,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn post(title: Option<&str>, text: Option<&str>) -> PostChoice {
        PostChoice { title: title.map(String::from), text: text.map(String::from) }
    }

    #[test]
    fn what_is_chosen_goes_before_the_clips_own_file_key_by_key() {
        let own = ClipSettings {
            start: Some(Time::from_seconds(2.0)),
            end: Some(Time::from_seconds(9.0)),
            question: Some("Own?".into()),
            patient_visible: true,
            posts: [("x".to_string(), post(Some("Own"), Some("own")))].into(),
            ..ClipSettings::default()
        };
        let chosen = Choices {
            question: Some(" Chosen? ".into()),
            hook: Some(String::new()),
            end: Some(8.0),
            cover: Some(3.5),
            posts: [("x".to_string(), post(None, Some("chosen"))), ("tiktok".to_string(), post(None, None))].into(),
            ..Choices::default()
        };
        let both = own.clone().under(chosen.settings().unwrap()).unwrap();
        assert_eq!(both.question.as_deref(), Some("Chosen?"));
        assert_eq!((both.hook.as_deref(), both.start, both.end), (Some(""), own.start, Some(Time::from_seconds(8.0))));
        assert_eq!(both.posts, [("x".to_string(), post(Some("Own"), Some("chosen")))].into());
        assert!(both.patient_visible && both.cover == Some(Time::from_seconds(3.5)));
        assert_eq!(own.clone().under(ClipSettings::default()).unwrap(), own);
        assert!(both.fits(Time::from_seconds(3.6)).is_ok());
        let fault = both.fits(Time::from_seconds(3.5)).unwrap_err();
        assert!(fault.what().contains("cover at 0:03.500"), "{fault}");
        let early = Choices { end: Some(1.5), ..Choices::default() };
        let fault = own.under(early.settings().unwrap()).unwrap_err();
        assert!(fault.what().contains("start at 0:02.000 and end at 0:01.500"), "{fault}");
    }

    #[test]
    fn what_cannot_be_chosen_is_named() {
        let long = "w".repeat(501);
        for (choices, name) in [
            (Choices { question: Some("a\nb".into()), ..Choices::default() }, "the question"),
            (Choices { question: Some(long), ..Choices::default() }, "at most 500"),
            (Choices { hook: Some("a\u{1b}b".into()), ..Choices::default() }, "the hook"),
            (Choices { start: Some(-0.1), ..Choices::default() }, "the start"),
            (Choices { cover: Some(f64::NAN), ..Choices::default() }, "the cover"),
            (Choices { start: Some(3.0), end: Some(3.0), ..Choices::default() }, "the end"),
            (Choices { anchor: Some((0.5, f64::INFINITY)), ..Choices::default() }, "the anchor"),
            (
                Choices { posts: [("x".into(), post(Some("a\rb"), None))].into(), ..Choices::default() },
                "the title for x",
            ),
            (
                Choices { posts: [("x".into(), post(None, Some("a\0b")))].into(), ..Choices::default() },
                "the text for x",
            ),
        ] {
            let fault = choices.settings().unwrap_err();
            assert!(fault.what().contains(name), "{fault}");
        }
        let stray = Choices { posts: [("tiktak".into(), post(None, Some("a")))].into(), ..Choices::default() };
        let fault = stray.check_platforms(&crate::config::platforms_with(None).unwrap()).unwrap_err();
        assert!(fault.what().contains("\"tiktok\""), "{fault}");
    }
}
