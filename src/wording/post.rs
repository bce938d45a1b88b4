//! The text that goes with a post, within the platform's limits.

use super::Wording;
use super::checks::{Category, Finding, Place, Severity};
use super::sentences::{asks, sentences, text_of};
use crate::config::{ClipSettings, Platform, Practice};
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

/// Shortest remains of a sentence that are worth showing, in characters.
const SHORTEST_REST: usize = 24;

/// Most characters that are shown of what a platform would cut off.
const SHOWN: usize = 60;

/// What a person pastes beside the cut.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PostText {
    /// Where the platform has a field for it.
    pub title: Option<String>,
    /// Empty where the platform takes no text.
    pub text: String,
}

/// Title and text for one platform: the question, the first sentence of the answer, the call to action with phone, site
/// and handle, the disclaimer and the hashtags.
///
/// What does not fit goes in this order: the sentence's end, the sentence, the call to action, hashtags from the last,
/// the question's end, the question; the disclaimer goes last, and never in part. Where something goes as a whole, the
/// room it leaves is given back to the sentence. The question stands in the title where there is one, else in the text.
pub fn post_text(platform: &Platform, practice: &Practice, wording: &Wording) -> PostText {
    let limits = &platform.post;
    let answer = first_answer(wording).unwrap_or_default();
    let question = wording.question.as_deref().unwrap_or_default();
    let title = limits.title.and_then(|most| {
        let wanted = [question, &answer, &practice.name].into_iter().find(|text| !text.is_empty())?;
        shorten(wanted, most)
    });
    let hashtags = &practice.hashtags[..practice.hashtags.len().min(limits.hashtags.unwrap_or(usize::MAX))];
    let parts = Parts {
        question: if title.is_some() { "" } else { question },
        answer: &answer,
        action: &action(practice),
        disclaimer: practice.disclaimer.as_deref().unwrap_or_default(),
        hashtags,
    };
    PostText { title, text: limits.text.map(|most| parts.within(most)).unwrap_or_default() }
}

/// As [`post_text`], with what a person wrote for that platform in its place: whole, however long it is. What the platform
/// has no field for is left out.
pub fn chosen_post(platform: &Platform, practice: &Practice, wording: &Wording, own: &ClipSettings) -> PostText {
    let made = post_text(platform, practice, wording);
    let Some(own) = own.posts.get(&platform.id) else { return made };
    let title = own.title.clone().or(made.title).filter(|title| platform.post.title.is_some() && !title.is_empty());
    let text = own.text.clone().filter(|_| platform.post.text.is_some()).unwrap_or(made.text);
    PostText { title, text }
}

/// What of a post its platform would not take: a title or a text that is too long, or too many hashtags. The program's own
/// posts fit.
pub fn too_long(platform: &Platform, post: &PostText) -> Vec<Finding> {
    let Platform { id, name, post: limits, .. } = platform;
    let finding = |rule: &str, words: String, what: String| Finding {
        rule: rule.to_string(),
        category: Category::Platform,
        severity: Severity::Hold,
        place: Place::Post(id.clone()),
        words,
        span: None,
        advice: format!("{name} takes {what}. Shorten it under [posts.{id}] in the clip's own .toml."),
    };
    let beyond =
        |text: &str, most: usize| text.graphemes(true).skip(most).take(SHOWN).collect::<String>().trim().to_string();
    let longer = |field: &str, text: &str, most: Option<usize>| {
        let (most, length) = (most?, length(text));
        let what = format!("at most {most} characters of {field}, and this has {length}");
        (length > most).then(|| finding(&format!("{field}-too-long"), beyond(text, most), what))
    };
    let tags: Vec<&str> = post.text.split_whitespace().filter(|word| word.len() > 1 && word.starts_with('#')).collect();
    let hashtags = limits.hashtags.filter(|most| tags.len() > *most).map(|most| {
        let what = format!("at most {most} hashtags, and this has {}", tags.len());
        finding("too-many-hashtags", tags[most..].join(" "), what)
    });
    let title = longer("title", post.title.as_deref().unwrap_or_default(), limits.title);
    [title, longer("text", &post.text, limits.text), hashtags].into_iter().flatten().collect()
}

/// The text as its file holds it: the title in the first line, then an empty one.
pub fn file_text(post: &PostText) -> String {
    let parts = [post.title.as_deref().unwrap_or_default(), &post.text];
    join(&parts, "\n\n") + "\n"
}

/// The parts of a text, empty where there is none.
#[derive(Clone, Copy)]
struct Parts<'a> {
    question: &'a str,
    answer: &'a str,
    action: &'a str,
    disclaimer: &'a str,
    hashtags: &'a [String],
}

impl Parts<'_> {
    fn whole(self) -> String {
        let hashtags = self.hashtags.join(" ");
        join(&[self.question, self.answer, self.action, self.disclaimer, &hashtags], "\n\n")
    }

    /// The text with at most `most` characters.
    fn within(self, most: usize) -> String {
        let bare = Parts { action: "", ..self };
        let fewer = (0..self.hashtags.len()).rev().map(|n| Parts { hashtags: &self.hashtags[..n], ..bare });
        for parts in [self, bare].into_iter().chain(fewer) {
            let fixed = Parts { answer: "", ..parts };
            if length(&fixed.whole()) <= most {
                return parts.with_answer_within(most);
            }
        }
        // Neither call to action nor hashtags: question and disclaimer alone are too long.
        let disclaimer = if length(self.disclaimer) <= most { self.disclaimer } else { "" };
        let beside = if disclaimer.is_empty() { 0 } else { length(disclaimer) + "\n\n".len() };
        let room = most.saturating_sub(beside);
        let question =
            shorten(self.question, room).filter(|rest| disclaimer.is_empty() || length(rest) >= SHORTEST_REST);
        join(&[&question.unwrap_or_default(), disclaimer], "\n\n")
    }

    /// As much of the answer as there is room for beside the other parts, which fit.
    fn with_answer_within(self, most: usize) -> String {
        if length(&self.whole()) <= most {
            return self.whole();
        }
        let fixed = Parts { answer: "", ..self }.whole();
        let room = most.saturating_sub(length(&fixed) + "\n\n".len());
        match shorten(self.answer, room).filter(|rest| length(rest) >= SHORTEST_REST) {
            Some(rest) => Parts { answer: &rest, ..self }.whole(),
            None => fixed,
        }
    }
}

/// The first sentence that answers: the one after the question where that is spoken, else the first that asks nothing.
/// Greetings of one or two words do not count.
fn first_answer(wording: &Wording) -> Option<String> {
    let all: Vec<_> = sentences(&wording.words).collect();
    let asked = wording.question.as_deref().map(plain);
    let spoken = all.iter().position(|s| asks(s) && asked.as_ref().is_some_and(|q| *q == plain(&text_of(s))));
    let after = spoken.map_or(0, |at| at + 1);
    all[after..].iter().find(|s| s.len() > 2 && !asks(s)).map(|s| text_of(s))
}

/// Letters and digits alone, to compare a spoken question with a written one.
fn plain(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// `Book a visit: 555 0100 · alderlane.example · @alderlane`.
fn action(practice: &Practice) -> String {
    let ways = [&practice.phone, &practice.site, &practice.handle].map(|way| way.as_deref().unwrap_or_default());
    join(&[practice.call_to_action.as_deref().unwrap_or_default(), &join(&ways, " · ")], ": ")
}

fn join(parts: &[&str], between: &str) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(between)
}

/// Characters as a reader counts them.
fn length(text: &str) -> usize {
    text.graphemes(true).count()
}

/// The text with at most `most` characters, ended at a word and with `…` if something is left out; none if nothing is
/// left.
fn shorten(text: &str, most: usize) -> Option<String> {
    if length(text) <= most {
        return (!text.is_empty()).then(|| text.into());
    }
    let end = text.grapheme_indices(true).nth(most.checked_sub(1)?)?.0;
    // The next character is white space where the cut falls behind a word.
    let whole_word = text[end..].starts_with(char::is_whitespace);
    let kept = &text[..end];
    let kept = match kept.rfind(char::is_whitespace) {
        Some(space) if !whole_word => &kept[..space],
        _ => kept,
    };
    let kept = kept.trim_end_matches(|c: char| !c.is_alphanumeric() && c.is_ascii());
    (!kept.is_empty()).then(|| format!("{kept}…"))
}

#[cfg(test)]
mod tests {
    use super::super::sentences::tests::spoken;
    use super::*;
    use crate::config::{Anchor, Bounds, CanvasChoice, EncoderChoice, Encoding, Framing, PostLimits, Style, TooLong};
    use crate::units::{Rgb, Size, Time};
    use proptest::prelude::*;

    fn platform(title: Option<usize>, text: Option<usize>, hashtags: Option<usize>) -> Platform {
        let size = Size::new(1080, 1920);
        Platform {
            id: "tiktok".into(),
            name: "TikTok".into(),
            canvases: vec![CanvasChoice { size, text_box: size.rect() }],
            min_duration: Time::ZERO,
            max_duration: Time::from_seconds(60.0),
            max_bytes: 1 << 30,
            frame_rate: (23, 60),
            clean: false,
            sidecar_srt: false,
            post: PostLimits { title, text, hashtags },
            encoding: Encoding {
                preset: "medium".into(),
                crf: 20.0,
                max_rate: 8000,
                target_rate: None,
                gop_seconds: 2.0,
                audio_rate: 128,
            },
            sources: vec![],
        }
    }

    fn practice() -> Practice {
        Practice {
            known: Vec::new(),
            file: "practice.toml".into(),
            name: "Alder Lane Clinic".into(),
            handle: Some("@alderlane".into()),
            phone: Some("555 0100".into()),
            site: Some("alderlane.example".into()),
            call_to_action: Some("Book a visit".into()),
            disclaimer: Some("General information, not medical advice.".into()),
            hashtags: vec!["#skin".into(), "#alderlane".into(), "#ask".into()],
            logo: None,
            colour: Rgb(0, 0, 0),
            watermark: None,
            digits: true,
            glossary: Default::default(),
            review: Default::default(),
            page: Default::default(),
            checks: Default::default(),
            check_files: None,
            style: Style {
                id: "clear".into(),
                fonts: vec![],
                bold: true,
                line_height: 0.07,
                outline: 0.01,
                colour: Rgb(255, 255, 255),
                outline_colour: Rgb(0, 0, 0),
                spoken_colour: None,
                max_chars: (25, 42),
                max_lines: (2, 2),
                aim_cps: 17.0,
                max_cps: 20.0,
                duration: (0.83, 7.0),
                close_gap: 1.0,
            },
            hook: None,
            end_card: None,
            model: None,
            language: "en".into(),
            platforms: vec![],
            framing: Framing::Auto,
            anchor: Anchor { x: 0.5, y: 0.5 },
            follow: true,
            when_too_long: TooLong::Skip,
            trim: true,
            tighten_pauses: None,
            encoder: EncoderChoice::X264,
            bounds: Bounds::default(),
        }
    }

    fn razor_bumps() -> Wording {
        let words = spoken(
            "Hi there. Do razor bumps go away? They settle in about two weeks if you leave them alone. Call us.",
        );
        Wording { words, question: Some("Do razor bumps go away?".into()), ..Wording::default() }
    }

    fn text(most: usize) -> String {
        post_text(&platform(None, Some(most), None), &practice(), &razor_bumps()).text
    }

    #[test]
    fn everything_stands_in_a_text_that_is_long_enough() {
        let expected = "Do razor bumps go away?\n\nThey settle in about two weeks if you leave them alone.\n\n\
                        Book a visit: 555 0100 · alderlane.example · @alderlane\n\n\
                        General information, not medical advice.\n\n#skin #alderlane #ask";
        assert_eq!(text(2200), expected);
        assert_eq!(text(length(expected)), expected);
    }

    #[test]
    fn the_least_important_goes_first_and_the_disclaimer_last() {
        let full = length(&text(2200));
        let disclaimer = "General information, not medical advice.";
        assert!(text(full - 10).contains("They settle in about two weeks if you leave…\n"), "{}", text(full - 10));
        // From here on: no sentence, no call to action but a sentence again, no hashtags, a shorter question, none.
        assert!(!text(full - 40).contains("They") && text(full - 40).contains("Book a visit"));
        assert!(text(full - 60).contains("They settle") && !text(full - 60).contains("Book a visit"));
        assert_eq!(text(80), format!("Do razor bumps go away?\n\n{disclaimer}\n\n#skin"));
        assert_eq!(text(70), format!("Do razor bumps go away?\n\n{disclaimer}"));
        assert_eq!(text(60), disclaimer);
        assert_eq!(text(40), disclaimer);
        assert_eq!(text(20), "Do razor bumps go…");
        assert_eq!(text(0), "");
    }

    #[test]
    fn a_title_holds_the_question_and_the_text_does_not_repeat_it() {
        let post = post_text(&platform(Some(100), Some(5000), Some(1)), &practice(), &razor_bumps());
        assert_eq!(post.title.as_deref(), Some("Do razor bumps go away?"));
        assert!(post.text.starts_with("They settle") && post.text.ends_with("advice.\n\n#skin"), "{}", post.text);
        assert!(file_text(&post).starts_with("Do razor bumps go away?\n\nThey settle"));
        let nobody = Wording::default();
        assert_eq!(post_text(&platform(Some(9), None, None), &practice(), &nobody).title.as_deref(), Some("Alder…"));
    }

    #[test]
    fn a_platform_without_text_gets_none() {
        assert_eq!(post_text(&platform(None, None, None), &practice(), &razor_bumps()), PostText::default());
    }

    #[test]
    fn what_a_person_wrote_stands_as_it_is_and_what_is_too_long_is_told() {
        use crate::config::PostChoice;
        let own = |title: Option<&str>, text: Option<&str>| ClipSettings {
            posts: [("tiktok".to_string(), PostChoice { title: title.map(Into::into), text: text.map(Into::into) })]
                .into(),
            ..ClipSettings::default()
        };
        let post = |platform: &Platform, own: &ClipSettings| chosen_post(platform, &practice(), &razor_bumps(), own);
        let video = platform(Some(20), Some(30), Some(1));
        let made = post_text(&video, &practice(), &razor_bumps());
        assert_eq!(post(&video, &ClipSettings::default()), made);
        assert_eq!(too_long(&video, &made), []);
        let ours = post(&video, &own(None, Some("Ask #us and #all of 👩‍⚕️👩‍⚕️👩‍⚕️👩‍⚕️👩‍⚕️👩‍⚕️👩‍⚕️👩‍⚕️👩‍⚕️👩‍⚕️ us")));
        assert_eq!(ours.title, made.title);
        let found = too_long(&video, &ours);
        let told: Vec<_> = found.iter().map(|f| (f.rule.as_str(), f.words.as_str(), f.place.clone())).collect();
        let place = Place::Post("tiktok".into());
        assert_eq!(told, [("text-too-long", "us", place.clone()), ("too-many-hashtags", "#all", place)]);
        assert!(
            found[0].advice.starts_with("TikTok takes at most 30 characters of text, and this has 33."),
            "{found:?}"
        );
        // An empty one is none, and what the platform has no field for is left out.
        assert_eq!(post(&video, &own(Some(""), Some(""))), PostText::default());
        let bare = platform(None, None, None);
        assert_eq!(post(&bare, &own(Some("a"), Some("b"))), PostText::default());
        let long = post(&video, &own(Some("More than twenty characters"), None));
        assert_eq!(too_long(&video, &long)[0].rule, "title-too-long");
    }

    #[test]
    fn texts_are_shortened_at_words() {
        for (most, expected) in [(11, "one two"), (7, "one two"), (6, "one…"), (4, "one…"), (3, "on…"), (2, "o…")]
        {
            assert_eq!(shorten("one two", most).as_deref(), Some(expected), "{most}");
        }
        assert_eq!(shorten("one, two", 5).as_deref(), Some("one…"));
        assert_eq!(shorten("牙齿美白多久", 4).as_deref(), Some("牙齿美…"));
        for most in [0, 1] {
            assert_eq!(shorten("one", most), None);
        }
    }

    proptest! {
        #[test]
        fn limits_hold_for_every_text(
            title in 0_usize..120,
            text in 0_usize..400,
            tags in 0_usize..5,
            question in "[a-z é\u{301}👩‍⚕️\u{200d}🇩🇪?]{0,160}",
            said in "[a-zA-Z é👍🏽.?ש]{0,200}",
            disclaimer in "[a-z ]{0,80}",
        ) {
            let mut practice = practice();
            practice.disclaimer = Some(disclaimer.clone());
            let wording = Wording { words: spoken(&said), question: Some(question), ..Wording::default() };
            let post = post_text(&platform(Some(title), Some(text), Some(tags)), &practice, &wording);
            prop_assert!(post.title.as_deref().is_none_or(|t| length(t) <= title && !t.is_empty()));
            prop_assert!(length(&post.text) <= text);
            prop_assert!(post.text.matches('#').count() <= tags);
            prop_assert_eq!(post.text.contains(&disclaimer), length(&disclaimer) <= text);
        }
    }
}
