//! Sign-off: what was flagged in a clip, whether it waits for a person, and what an approval is good for. Pure.
//!
//! An approval is bound to what was approved: the clip itself, its words, its question, its consent and the text of
//! every post. Where any of these changes, nobody has approved what is there now.

use super::record::{Action, Signed};
use super::shelf::Shelf;
use crate::config::{ClipSettings, Platform, Require};
use crate::intake::Digest;
use crate::speech::Word;
use crate::wording::checks::{Finding, Place, Rules, Severity};
use crate::wording::{self, PostText, Wording};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a clip's way out depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Signoff {
    /// What was flagged for review; what holds the clip comes first.
    pub findings: Vec<Finding>,
    /// What an approval has to be of.
    pub subject: Subject,
    /// Whether a patient is visible, and agreed.
    pub consent: Consent,
    /// Which clips the practice wants to wait.
    pub require: Require,
    /// Whether it waits.
    pub standing: Standing,
}

/// What an approval is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Subject {
    /// Of the clip, its words, its question and its consent.
    pub content: Option<Digest>,
    /// Of what is posted with it, by platform id.
    pub posts: BTreeMap<String, Digest>,
    /// What held it, so that an approval is none of what is flagged later by other rules.
    #[serde(default)]
    pub flags: BTreeSet<String>,
}

/// What a clip's own file says of a patient.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// It names none, and no patient is visible.
    #[default]
    NotNeeded,
    /// A patient is visible, and nothing says that they agreed.
    Missing,
    /// Where the consent is filed.
    Given(String),
}

impl Consent {
    /// Where it is filed, if that is said.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Consent::Given(reference) => Some(reference),
            Consent::NotNeeded | Consent::Missing => None,
        }
    }
}

/// Whether a clip waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nobody has to look.
    #[default]
    Free,
    /// A person looked, and nothing has changed since.
    Approved(Decision),
    /// It waits, for at least one reason.
    Held(Vec<Why>),
}

/// Why a clip waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// So many places were flagged.
    Flagged(usize),
    /// The practice wants to look at every clip.
    EveryClip,
    /// A patient is visible, and the clip's own file names no consent.
    NoConsent,
    /// Somebody wants it held.
    Asked(Decision),
    /// It is not what was approved then.
    Changed(Decision),
}

/// Who decided, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Name of the person, if they gave it.
    pub by: Option<String>,
    /// Time in UTC, RFC 3339: `2026-11-22T09:30:00Z`.
    pub at: String,
    /// What they wrote about it.
    pub note: Option<String>,
}

impl Subject {
    /// Whether an approval of this is one of `now` too: the same content, and no post and no flag that was not there.
    fn covers(&self, now: &Subject) -> bool {
        let known = |(platform, text): (&String, &Digest)| self.posts.get(platform) == Some(text);
        self.content.is_some()
            && self.content == now.content
            && now.posts.iter().all(known)
            && now.flags.is_subset(&self.flags)
    }
}

impl Signoff {
    /// Looks at everything of a clip that will be read: what is said, the question, each platform's post, and the name
    /// that its files get. `last` is what a person decided last.
    pub fn of(about: &About, last: Option<&Signed>) -> Self {
        let About { name, clip, heard, wording, posts, platforms, settings, rules, require } = about;
        let mut findings = rules.check_transcript(&wording.words);
        let unshown = only_heard(rules.check_transcript(heard), &findings);
        findings.extend(unshown);
        if let Some(question) = &wording.question {
            findings.extend(rules.check_text(&Place::Question, question));
        }
        if let Some(hook) = settings.hook.as_ref().filter(|hook| Some(*hook) != wording.question.as_ref()) {
            findings.extend(rules.check_text(&Place::Hook, hook));
        }
        for (platform, post) in *posts {
            let text = [post.title.as_deref().unwrap_or_default(), &post.text].join("\n");
            findings.extend(rules.check_text(&Place::Post(platform.clone()), &text));
            // The program's own posts fit.
            let own = platforms.iter().find(|p| p.id == *platform && settings.posts.contains_key(platform));
            findings.extend(own.into_iter().flat_map(|p| wording::too_long(p, post)));
        }
        findings.extend(rules.check_text(&Place::FileName, name));
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let consent = match &settings.consent {
            Some(reference) => Consent::Given(reference.clone()),
            None if settings.patient_visible => Consent::Missing,
            None => Consent::NotNeeded,
        };
        let words: Vec<&str> = wording.words.iter().map(|word| word.text.as_str()).collect();
        // The clip's own settings decide what is seen of it, and what is heard.
        let content = digest(&format!("{:?}", (clip, words, &wording.question, settings, &consent)));
        let posts = posts.iter().map(|(platform, post)| (platform.clone(), digest(&format!("{post:?}")))).collect();
        let holding = findings.iter().filter(|finding| finding.severity == Severity::Hold);
        let flags = holding.map(|finding| format!("{}: {}", finding.rule, finding.words)).collect();
        let subject = Subject { content: Some(content), posts, flags };
        let undecided = Signoff { findings, subject, consent, require: *require, standing: Standing::Free };
        Signoff { standing: undecided.decide(last), ..undecided }
    }

    /// Whether the clip waits, given what a person decided last.
    pub fn decide(&self, last: Option<&Signed>) -> Standing {
        let mut why = Vec::new();
        if self.consent == Consent::Missing {
            why.push(Why::NoConsent);
        }
        let mut asked = self.require != Require::None;
        match last {
            Some(signed) if signed.action == Action::Hold => {
                why.push(Why::Asked(signed.decision.clone()));
                asked = false;
            }
            Some(signed) if signed.subject.covers(&self.subject) => {
                // Nobody can approve a consent that is not there.
                return if why.is_empty() { Standing::Approved(signed.decision.clone()) } else { Standing::Held(why) };
            }
            Some(signed) if asked => why.push(Why::Changed(signed.decision.clone())),
            _ => {}
        }
        let flagged = self.flagged();
        if asked && flagged > 0 {
            why.push(Why::Flagged(flagged));
        }
        if asked && self.require == Require::All && why.is_empty() {
            why.push(Why::EveryClip);
        }
        if why.is_empty() { Standing::Free } else { Standing::Held(why) }
    }

    /// How many findings hold a clip.
    pub fn flagged(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Hold).count()
    }
}

/// What is flagged in what was heard and holds the clip, though the captions do not show it: whoever takes a name out of the
/// captions leaves it in the sound.
fn only_heard(heard: Vec<Finding>, shown: &[Finding]) -> Vec<Finding> {
    let plain = |finding: &Finding| finding.words.to_lowercase();
    let known: BTreeSet<String> = shown.iter().map(plain).collect();
    let unshown = heard.into_iter().filter(|f| f.severity == Severity::Hold && !known.contains(&plain(f)));
    let advice = "It was heard, though the captions do not show it. Listen: if it is said, leave that part out with start and end \
                  in the clip's own .toml, or record again; if it was misheard, approve the clip.";
    unshown.map(|finding| Finding { advice: advice.to_string(), ..finding }).collect()
}

/// What is looked at.
pub struct About<'a> {
    /// Name of the clip's outputs.
    pub name: &'a str,
    /// Its content.
    pub clip: &'a Digest,
    /// What was heard of what the cuts keep, before anything was corrected.
    pub heard: &'a [Word],
    /// What its captions say.
    pub wording: &'a Wording,
    /// What is posted with it, by platform id.
    pub posts: &'a [(String, PostText)],
    /// The practice's platforms.
    pub platforms: &'a [Platform],
    /// What its own file says.
    pub settings: &'a ClipSettings,
    /// What is flagged.
    pub rules: &'a Rules,
    /// Which clips wait.
    pub require: Require,
}

impl Standing {
    /// Where the clip's files belong.
    pub fn shelf(&self) -> Shelf {
        if self.is_held() { Shelf::Held } else { Shelf::Public }
    }

    /// Whether the clip waits for a person.
    pub fn is_held(&self) -> bool {
        matches!(self, Standing::Held(_))
    }

    /// Why the clip waits, in words; nothing where it does not.
    pub fn reasons(&self) -> Vec<String> {
        match self {
            Standing::Held(why) => why.iter().map(Why::to_string).collect(),
            _ => Vec::new(),
        }
    }
}

impl Decision {
    /// `22 November 2026`, as the calendar here has it.
    pub fn day(&self) -> String {
        let time: Option<jiff::Timestamp> = self.at.parse().ok();
        let here = time.map(|time| time.to_zoned(jiff::tz::TimeZone::system()));
        here.map_or_else(|| self.at.clone(), |here| here.strftime("%-d %B %Y").to_string())
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = |decision: &Decision| decision.by.clone().unwrap_or_else(|| "somebody".into());
        match self {
            Why::Flagged(1) => f.write_str("1 place is flagged for review"),
            Why::Flagged(places) => write!(f, "{places} places are flagged for review"),
            Why::EveryClip => f.write_str("every clip waits for an approval here"),
            Why::NoConsent => f.write_str("a patient is visible, and the clip's own .toml names no consent"),
            Why::Asked(decision) => {
                write!(f, "{} held it on {}", who(decision), decision.day())?;
                decision.note.as_ref().map_or(Ok(()), |note| write!(f, " ({note})"))
            }
            Why::Changed(decision) => write!(f, "changed since {} approved it on {}", who(decision), decision.day()),
        }
    }
}

fn digest(text: &str) -> Digest {
    Digest(blake3::hash(text.as_bytes()).to_hex().to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{self, PostChoice};
    use crate::wording::checks::{Category, Switches};

    fn said(words: &str) -> Finding {
        Finding {
            rule: "r".into(),
            category: Category::Privacy,
            severity: Severity::Hold,
            place: Place::Transcript,
            words: words.into(),
            span: None,
            advice: "a".into(),
        }
    }

    #[test]
    fn a_name_that_is_taken_out_of_the_captions_alone_still_holds_the_clip() {
        let unshown = only_heard(vec![said("Maria Alvarez"), said("Ana Reed")], &[said("maria alvarez")]);
        let words: Vec<&str> = unshown.iter().map(|finding| finding.words.as_str()).collect();
        assert_eq!(words, ["Ana Reed"]);
        assert!(unshown[0].advice.starts_with("It was heard"), "{}", unshown[0].advice);
        let note = Finding { severity: Severity::Note, ..said("2 mg") };
        assert_eq!(only_heard(vec![note], &[]), []);
    }

    #[test]
    fn an_approval_is_none_of_what_is_flagged_later() {
        let subject = |flags: &[&str]| Subject {
            content: Some(Digest("now".into())),
            posts: BTreeMap::new(),
            flags: flags.iter().map(|flag| flag.to_string()).collect(),
        };
        assert!(subject(&["a", "b"]).covers(&subject(&["a"])));
        assert!(!subject(&["a"]).covers(&subject(&["a", "b"])));
    }

    fn signoff(require: Require, flagged: bool, consent: Consent) -> Signoff {
        let finding = Finding {
            rule: "r".into(),
            category: Category::Privacy,
            severity: Severity::Hold,
            place: Place::Question,
            words: "w".into(),
            span: None,
            advice: "a".into(),
        };
        let posts = [("x".to_string(), Digest("post".into()))].into();
        let subject = Subject { content: Some(Digest("now".into())), posts, flags: BTreeSet::new() };
        let findings = if flagged { vec![finding] } else { vec![] };
        Signoff { findings, subject, consent, require, standing: Standing::Free }
    }

    fn signed(action: Action, content: &str, posts: &[&str]) -> Signed {
        let posts = posts.iter().map(|id| (id.to_string(), Digest("post".into()))).collect();
        Signed {
            clip: "a".into(),
            action,
            decision: Decision { by: Some("Ana".into()), at: "2026-11-22T12:00:00Z".into(), note: None },
            subject: Subject { content: Some(Digest(content.into())), posts, flags: BTreeSet::new() },
            consent: None,
        }
    }

    #[test]
    fn what_is_required_decides_who_waits() {
        use Require::{All, Flagged, None as Nothing};
        for (require, flagged, consent, held) in [
            (Flagged, false, Consent::NotNeeded, false),
            (Flagged, true, Consent::NotNeeded, true),
            (Flagged, false, Consent::Missing, true),
            (Flagged, false, Consent::Given("17".into()), false),
            (All, false, Consent::NotNeeded, true),
            (Nothing, true, Consent::NotNeeded, false),
            (Nothing, false, Consent::Missing, true),
        ] {
            let standing = signoff(require, flagged, consent.clone()).decide(None);
            assert_eq!(standing.is_held(), held, "{require:?} {flagged} {consent:?}: {standing:?}");
        }
    }

    #[test]
    fn an_approval_is_good_for_what_was_approved_and_for_less() {
        let now = signoff(Require::Flagged, true, Consent::NotNeeded);
        let approved = |content, posts: &[&str]| now.decide(Some(&signed(Action::Approve, content, posts)));
        assert!(matches!(approved("now", &["x"]), Standing::Approved(_)));
        assert!(matches!(approved("now", &["x", "tiktok"]), Standing::Approved(_)));
        for standing in [approved("before", &["x"]), approved("now", &["tiktok"]), approved("now", &[])] {
            let why = standing.reasons();
            assert!(why[0].starts_with("changed since Ana approved it on "), "{why:?}");
        }
        let clean = signoff(Require::Flagged, false, Consent::NotNeeded);
        assert!(clean.decide(Some(&signed(Action::Approve, "before", &["x"]))).is_held(), "a change voids");
        let without = signoff(Require::Flagged, false, Consent::Missing);
        assert!(without.decide(Some(&signed(Action::Approve, "now", &["x"]))).is_held(), "consent is not given away");
    }

    #[test]
    fn whoever_wants_a_clip_held_has_it_held() {
        for require in [Require::None, Require::Flagged, Require::All] {
            let standing = signoff(require, false, Consent::NotNeeded).decide(Some(&signed(Action::Hold, "then", &[])));
            assert_eq!(standing.reasons().len(), 1, "{standing:?}");
            assert!(standing.reasons()[0].starts_with("Ana held it on "));
        }
    }

    #[test]
    fn every_text_is_looked_at_and_its_change_voids() {
        let rules = Rules::load(None, &Switches::default()).unwrap();
        let plain = ClipSettings::default();
        let clean = || Wording { question: Some("Does it hurt?".into()), ..Wording::default() };
        let platforms = config::platforms_with(None).unwrap();
        let look_with = |settings: &ClipSettings, name: &str, wording: &Wording, post: &str| {
            let posts = [("x".to_string(), PostText { title: None, text: post.into() })];
            let (clip, require) = (&Digest("c".into()), Require::Flagged);
            Signoff::of(
                &About {
                    name,
                    clip,
                    heard: &wording.words,
                    wording,
                    posts: &posts,
                    platforms: &platforms,
                    settings,
                    rules: &rules,
                    require,
                },
                None,
            )
        };
        let look = |name: &str, wording: &Wording, post: &str| look_with(&plain, name, wording, post);
        let before = look("does-it-hurt", &clean(), "Ask us.");
        assert_eq!((&before.standing, before.findings.len()), (&Standing::Free, 0));
        let named = "What did Mr. Alvarez ask?";
        let hook = ClipSettings { hook: Some(named.into()), ..ClipSettings::default() };
        let own = PostChoice { title: None, text: Some("a".repeat(30_000)) };
        let long = ClipSettings { posts: [("x".to_string(), own)].into(), ..ClipSettings::default() };
        let asked = Wording { question: Some(named.into()), ..Wording::default() };
        for (place, now) in [
            (Place::Question, look("does-it-hurt", &asked, "Ask us.")),
            (Place::Post("x".into()), look("does-it-hurt", &clean(), named)),
            (Place::FileName, look("mrs-alvarez", &clean(), "Ask us.")),
            (Place::Hook, look_with(&hook, "does-it-hurt", &clean(), "Ask us.")),
            (Place::Post("x".into()), look_with(&long, "does-it-hurt", &clean(), &"a".repeat(30_000))),
        ] {
            assert!(now.standing.is_held() && now.findings.iter().any(|f| f.place == place), "{place}: {now:?}");
            // The name is what the record is kept by.
            assert!(place == Place::FileName || !before.subject.covers(&now.subject), "{place}");
        }
    }
}
