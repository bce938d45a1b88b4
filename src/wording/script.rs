//! A known script: its words with the voice's times, as far as the speaker kept to it. Pure.
//!
//! The caption says what was said. So the script mends what was misheard and fills in what was not heard, but it never
//! overrules the voice: what the speaker adds stays, what the speaker leaves out goes, where the two have little in common
//! the voice is shown, and where they differ in a word that changes what a patient does (a number, a unit, a negation,
//! "before" and "after") a person is told to listen.

use super::align::{Step, align, plain, plain_words};
use super::timing::{about, timed};
use crate::speech::Word;
use crate::units::{Span, Time};
use serde::{Deserialize, Serialize};

/// Least share of words in common, of both texts together, for a script to be the clip's own.
const MATCH: f64 = 0.6;
/// Least likeness, 0.0 to 1.0, of a stretch and its script for the one to be a mishearing of the other.
const MISHEARD: f64 = 0.45;
/// Least likeness of what was heard and a script without numbers and negations for a negation in it to be none.
const ONE_WORD_IN_PIECES: f64 = 0.8;
/// Share of the time that words take to say which must be speech for them to count as said though nobody heard them.
const SPOKEN: f64 = 0.5;

/// Most words of a script that is looked at; half an hour of fast speech has fewer.
const MOST_WORDS: usize = 6000;

const NUMBERS: &str = "zero half one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
    seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand once twice double triple";
const UP_TO_TWENTY: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
    seventeen eighteen nineteen twenty";
const SOUND_ALIKE: [(&str, &str); 6] =
    [("to", "two"), ("too", "two"), ("for", "four"), ("won", "one"), ("ate", "eight"), ("tent", "ten")];
const NEGATIONS: &str = "not no never none nothing nor neither without cannot stop avoid unless except only until";
/// Words of which another one is another advice, however alike the two sound.
const CONTRARIES: &str = "before after morning afternoon evening night noon bedtime left right above below more less higher lower \
    increase decrease always sometimes hourly daily weekly monthly";
/// What a number counts: the forms of one unit on one line.
const UNITS: [&str; 15] = [
    "mg milligram milligrams",
    "mcg µg microgram micrograms",
    "g gram grams",
    "kg kilogram kilograms",
    "ml milliliter milliliters millilitre millilitres",
    "cm centimeter centimeters centimetre centimetres",
    "mm millimeter millimeters millimetre millimetres",
    "unit units",
    "second seconds",
    "minute minutes",
    "hour hours",
    "day days",
    "week weeks",
    "month months",
    "year years",
];
/// What makes a word its own contrary.
const CONTRARY_PREFIXES: [&str; 8] = ["un", "in", "im", "ir", "il", "dis", "non", "ab"];

/// What became of a script.
#[derive(Debug, Clone, PartialEq)]
pub enum Script {
    /// The captions follow it.
    Followed {
        /// The words with their times.
        words: Vec<Word>,
        /// Where the speaker left it, in order.
        departures: Vec<Departure>,
    },
    /// It has too little in common with what is said: the share of words in common, 0.0 to 1.0.
    Unlike(f64),
}

/// A place where speaker and script differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// When, in clip time.
    pub at: Time,
    /// What the captions show there, as it was heard; empty where nothing was heard.
    pub said: String,
    /// What the script has there; empty where something was added.
    pub script: String,
    /// Whether a number, a unit, a negation or the like is among what differs, so that a person should listen.
    pub grave: bool,
    /// Whether the captions show the script's words although nobody heard them, since somebody speaks there.
    #[serde(default)]
    pub unheard: bool,
}

/// Lays a script under a voice. `heard` are the words as recognised, `speech` where somebody speaks, both in clip time;
/// the clip ends at `end`.
pub fn follow(script: &str, heard: &[Word], speech: &[Span], end: Time) -> Script {
    let texts: Vec<String> = script.split_whitespace().take(MOST_WORDS).map(String::from).collect();
    let wanted: Vec<String> = texts.iter().map(|text| plain(text)).collect();
    let steps = align(&wanted, &plain_words(heard));
    let same = steps.iter().filter(|step| matches!(step, Step::Same(..))).count();
    let share = 2.0 * same as f64 / (texts.len() + heard.len()).max(1) as f64;
    if share < MATCH {
        return Script::Unlike(share);
    }
    let mut shown: Vec<String> = Vec::new();
    let mut departures = Vec::new();
    let mut at = 0;
    while at < steps.len() {
        if let Step::Same(i, _) = steps[at] {
            shown.push(texts[i].clone());
            at += 1;
            continue;
        }
        let length = steps[at..].iter().take_while(|step| !matches!(step, Step::Same(..))).count();
        let stretch = Stretch::new(&steps, at..at + length, &texts, heard);
        match stretch.verdict(speech, end) {
            Verdict::Script => shown.extend(stretch.script.iter().map(|text| text.to_string())),
            Verdict::Unheard => {
                shown.extend(stretch.script.iter().map(|text| text.to_string()));
                departures.push(stretch.departure(false, true));
            }
            Verdict::Voice { grave } => {
                shown.extend(stretch.said.iter().map(|word| word.text.clone()));
                departures.push(stretch.departure(grave, false));
            }
        }
        at += length;
    }
    Script::Followed { words: timed(&shown, heard, speech, end), departures }
}

enum Verdict {
    /// The script's words were said.
    Script,
    /// They were said, as far as anyone can tell without having heard them.
    Unheard,
    /// What was heard is what was said.
    Voice { grave: bool },
}

/// Where script and voice differ, between two places where they agree.
struct Stretch<'a> {
    script: Vec<&'a str>,
    said: Vec<&'a Word>,
    /// The time between the words around it.
    gap: Span,
}

impl<'a> Stretch<'a> {
    fn new(steps: &[Step], range: std::ops::Range<usize>, texts: &'a [String], heard: &'a [Word]) -> Self {
        let (mut script, mut said) = (Vec::new(), Vec::new());
        for step in &steps[range.clone()] {
            match *step {
                Step::Same(i, j) | Step::Changed(i, j) => {
                    script.push(texts[i].as_str());
                    said.push(&heard[j]);
                }
                Step::Missing(i) => script.push(&texts[i]),
                Step::Extra(j) => said.push(&heard[j]),
            }
        }
        let word_of = |step: &Step| match step {
            Step::Same(_, j) => Some(heard[*j].span),
            _ => None,
        };
        let before = range.start.checked_sub(1).and_then(|i| word_of(&steps[i])).map_or(Time::ZERO, |span| span.end);
        let after = steps.get(range.end).and_then(word_of).map(|span| span.start);
        let after = after.or(said.last().map(|word| word.span.end)).unwrap_or(Time(i64::MAX));
        Stretch { script, said, gap: Span::new(before, after.max(before)) }
    }

    fn departure(&self, grave: bool, unheard: bool) -> Departure {
        let said = self.said.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        Departure { at: self.gap.start, said, script: self.script.join(" "), grave, unheard }
    }

    fn verdict(&self, speech: &[Span], end: Time) -> Verdict {
        let ours: Vec<String> = self.script.iter().map(|text| plain(text)).collect();
        let theirs: Vec<String> = self.said.iter().map(|word| plain(&word.text)).collect();
        let theirs = in_figures(sounding_like(&theirs, &ours));
        let ours = in_figures(ours);
        let like = |theirs: &[String]| strsim::normalized_levenshtein(&ours.concat(), &theirs.concat());
        let likeness = like(&theirs);
        let (weighty, heard) = (grave(&ours), grave(&theirs));
        // "tret in no in" says no more "no" than "tretinoin" does: without it, less of the word is there. "No antihistamine"
        // is as much the script's "antihistamines" without it, so that it was said.
        let piece = |at: usize| {
            let without = [&theirs[..at], &theirs[at + 1..]].concat();
            grave(&theirs[at..=at]).is_empty() || like(&without) < likeness
        };
        let in_pieces = weighty.is_empty() && likeness >= ONE_WORD_IN_PIECES && (0..theirs.len()).all(piece);
        let same_letters = ours.concat() == theirs.concat();
        let grave = (weighty != heard && !in_pieces) || (!same_letters && contrary(&ours, &theirs));
        if self.said.is_empty() {
            // Nobody heard it: it was said if somebody speaks there for long enough. What changes an advice is never guessed.
            let gap = Span::new(self.gap.start, self.gap.end.min(end));
            let needed: i64 = self.script.iter().map(|text| about(text).0).sum();
            let spoken: i64 = speech.iter().map(|s| (s.end.min(gap.end) - s.start.max(gap.start)).0.max(0)).sum();
            let said = spoken as f64 >= needed as f64 * SPOKEN && !grave;
            return if said { Verdict::Unheard } else { Verdict::Voice { grave } };
        }
        if self.script.is_empty() || grave || likeness < MISHEARD {
            return Verdict::Voice { grave };
        }
        Verdict::Script
    }
}

fn among(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|entry| entry == word)
}

/// The words that weigh, in order: numbers, units, negations and what has a contrary. The words are in figures.
fn grave(words: &[String]) -> Vec<String> {
    let weighs = |word: &&String| {
        [NUMBERS, NEGATIONS, CONTRARIES].iter().chain(&UNITS).any(|list| among(list, word))
            || word.ends_with("n't")
            || word.contains(|c: char| c.is_numeric())
    };
    words.iter().filter(weighs).cloned().collect()
}

/// How many words of a text say no.
pub fn negations(text: &str) -> usize {
    let words = text.split_whitespace().map(plain);
    words.filter(|word| among(NEGATIONS, word) || word.ends_with("n't")).count()
}

/// The words, with numbers that are one word in digits and each unit in its first form.
fn in_figures(words: Vec<String>) -> Vec<String> {
    let unit = |word: &str| UNITS.iter().find(|forms| among(forms, word)).and_then(|forms| forms.split(' ').next());
    words.into_iter().map(|word| figure(&word).or(unit(&word).map(String::from)).unwrap_or(word)).collect()
}

/// A number up to twenty in digits.
fn figure(word: &str) -> Option<String> {
    UP_TO_TWENTY.split_ascii_whitespace().position(|entry| entry == word).map(|number| number.to_string())
}

/// Whether one text has a word and the other its contrary, as "likely" and "unlikely" are.
fn contrary(ours: &[String], theirs: &[String]) -> bool {
    let negates = |a: &str, b: &str| {
        CONTRARY_PREFIXES.iter().any(|prefix| a.strip_prefix(prefix) == Some(b))
            || a.strip_prefix("hyper").is_some_and(|rest| b.strip_prefix("hypo") == Some(rest))
    };
    ours.iter().any(|a| theirs.iter().any(|b| negates(a, b) || negates(b, a)))
}

/// The words as heard, with those that sound like a number in the script taken for it: "to" for "two".
fn sounding_like(heard: &[String], script: &[String]) -> Vec<String> {
    let meant = |word: &String| {
        let in_script = |number: &str| script.iter().any(|w| w == number || Some(w) == figure(number).as_ref());
        let pair = SOUND_ALIKE.iter().find(|(sound, number)| sound == word && in_script(number));
        pair.map_or_else(|| word.clone(), |(_, number)| number.to_string())
    };
    heard.iter().map(meant).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sentences::tests::spoken;
    use super::*;

    const END: Time = Time::from_millis(60_000);

    fn followed(script: &str, heard: &str) -> (String, Vec<Departure>) {
        let heard = spoken(heard);
        let speech = [Span::new(Time::ZERO, heard.last().map_or(Time::ZERO, |word| word.span.end))];
        match follow(script, &heard, &speech, END) {
            Script::Followed { words, departures } => {
                assert!(words.windows(2).all(|w| w[0].span.end <= w[1].span.start), "{words:?}");
                let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
                (texts.join(" "), departures)
            }
            Script::Unlike(share) => panic!("only {share} in common"),
        }
    }

    #[test]
    fn what_was_misheard_reads_as_the_script_has_it() {
        let script = "Tretinoin makes your skin peel, so use it every other night at first.";
        let (shown, departures) =
            followed(script, "tret in no in makes your skin peel so use it every other night at first");
        assert_eq!(shown, script);
        assert_eq!(departures, []);
    }

    #[test]
    fn what_the_speaker_adds_stays() {
        let (shown, departures) = followed(
            "Wash your face twice a day. Use a soft cloth.",
            "wash your face twice a day I always tell my kids that use a soft cloth",
        );
        assert_eq!(shown, "Wash your face twice a day. I always tell my kids that Use a soft cloth.");
        assert_eq!(departures.len(), 1);
        assert_eq!((&*departures[0].script, departures[0].at), ("", Time::from_millis(3000)));
    }

    #[test]
    fn what_the_speaker_left_out_is_not_shown() {
        let script = "Wash your face twice a day. Never scrub it with a brush. Use a soft cloth and warm water.";
        let (shown, departures) = followed(script, "wash your face twice a day use a soft cloth and warm water");
        assert_eq!(shown, "Wash your face twice a day. Use a soft cloth and warm water.");
        assert_eq!(departures[0].script, "Never scrub it with a brush.");
        assert!(departures[0].grave && departures[0].said.is_empty());
    }

    #[test]
    fn a_dose_or_a_not_is_never_overruled_by_the_script() {
        let (shown, departures) =
            followed("Take two tablets with water each day.", "take five tablets with water each day");
        assert_eq!(shown, "Take five tablets with water each day.");
        assert!(departures[0].grave && departures[0].script == "two", "{departures:?}");
        for (script, heard) in [
            ("Take two tablets with water each day.", "take to tablets with water each day"),
            ("Take two tablets with water each day.", "take 2 tablets with water each day"),
        ] {
            let (shown, departures) = followed(script, heard);
            assert_eq!((shown.as_str(), departures.len()), (script, 0), "{heard}");
        }
        let (shown, departures) = followed("You should not squeeze it at home.", "you should squeeze it at home");
        assert_eq!(shown, "You should squeeze it at home.");
        assert!(departures[0].grave, "{departures:?}");
    }

    #[test]
    fn another_word_is_shown_as_it_was_said_however_short() {
        for (said, script, is_grave) in [
            ("evening", "morning", true),
            ("after", "before", true),
            ("left", "right", true),
            ("unlikely", "likely", true),
            ("hypertension", "hypotension", true),
            ("500 milligrams", "500 mcg", true),
            ("two days", "two weeks", true),
            ("unless", "when", true),
            ("aspirin", "ibuprofen", false),
        ] {
            let script_text = format!("Please remember to tell us about {script} if you call our office.");
            let heard = format!("please remember to tell us about {said} if you call our office");
            let (shown, departures) = followed(&script_text, &heard);
            assert_eq!(shown, script_text.replace(script, said));
            assert_eq!((departures.len(), departures[0].grave), (1, is_grave), "{said}: {departures:?}");
        }
        let script = "Acne is unlikely to scar when you use tretinoin for two milligrams.";
        let (shown, departures) = followed(script, "acne is un likely to scar when you use tretinone for 2 milligram");
        assert_eq!((shown.as_str(), departures), (script, vec![]));
    }

    #[test]
    fn a_negation_that_was_heard_beside_a_misheard_word_was_said() {
        let (shown, departures) = followed("Take antihistamines every day.", "take no antihistamine every day");
        assert_eq!(shown, "Take no antihistamine every day.");
        assert!(departures[0].grave, "{departures:?}");
    }

    #[test]
    fn what_nobody_heard_is_told_and_a_not_or_a_dose_is_never_put_in() {
        let speech = [Span::new(Time::ZERO, END)];
        let follow = |script: &str, speech: &[Span]| {
            let mut heard = spoken("you should squeeze it at home with clean hands");
            for word in &mut heard[2..] {
                word.span = word.span.shifted(Time::from_millis(2000));
            }
            match follow(script, &heard, speech, END) {
                Script::Followed { words, departures } => {
                    (words.iter().map(|word| word.text.clone()).collect::<Vec<_>>().join(" "), departures)
                }
                Script::Unlike(share) => panic!("only {share} in common"),
            }
        };
        for inserted in ["not", "take two and"] {
            let script = format!("You should {inserted} squeeze it at home with clean hands.");
            let (shown, departures) = follow(&script, &speech);
            assert_eq!(shown, "You should squeeze it at home with clean hands.");
            assert!(departures[0].grave && !departures[0].unheard, "{departures:?}");
        }
        let script = "You should gently squeeze it at home with clean hands.";
        let (shown, departures) = follow(script, &speech);
        assert_eq!(shown, script);
        assert!(departures[0].unheard && departures[0].script == "gently", "{departures:?}");
        let (shown, departures) = follow(script, &[]);
        assert_eq!(shown, "You should squeeze it at home with clean hands.");
        assert!(!departures[0].unheard, "nobody speaks there");
    }

    #[test]
    fn a_sentence_in_other_words_is_what_was_said() {
        let (shown, departures) = followed(
            "A cold sore is a virus. Apply the cream five times daily for four days. Keep your lips clean and dry.",
            "a cold sore is a virus my advice would be patience really keep your lips clean and dry",
        );
        assert_eq!(shown, "A cold sore is a virus. my advice would be patience really Keep your lips clean and dry.");
        assert!(departures[0].grave);
    }

    #[test]
    fn another_clips_script_is_left_alone() {
        let heard = spoken("keep your lips clean and dry");
        let Script::Unlike(share) = follow("How long does a fever last? Drink water.", &heard, &[], END) else {
            panic!("it was followed");
        };
        assert!(share < 0.2);
        assert_eq!(follow("", &heard, &[], END), Script::Unlike(0.0));
    }
}
