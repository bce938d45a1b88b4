//! From what was heard, given, scripted and corrected to the words of the captions. Pure.

use super::glossary::Glossary;
use super::{Captioned, Origin, Replaced, Script, Wording, corrected, first_question, follow, given, in_digits};
use crate::intake::{GivenTranscript, KnownTexts};
use crate::speech::Word;
use crate::units::{Span, Time};

/// What a clip's words are made from.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// What the recogniser heard; empty where a transcript was given.
    pub heard: &'a [Word],
    /// The language that it heard, ISO 639-1.
    pub language: &'a str,
    /// Where somebody speaks.
    pub speech: &'a [Span],
    /// The clip's end.
    pub end: Time,
    /// The part of the clip that a person left in it.
    pub within: Span,
    /// What is known without listening.
    pub texts: &'a KnownTexts,
    /// The question that a person names; empty: there is none.
    pub question: Option<&'a str>,
    /// How the practice's words are spelled.
    pub glossary: &'a Glossary,
    /// Whether numbers with a unit are written in digits, in English.
    pub digits: bool,
}

/// What the captions say, and the question: a person's, else the first that is spoken.
///
/// What was heard is spelled as the glossary and the rules for numbers have it. A script that the speaker kept to replaces
/// it. A transcript that was given stands as it is. What a person corrected goes before all of these, with their times.
pub fn wording(material: &Material) -> Wording {
    let mut wording = match &material.texts.given {
        Some(GivenTranscript::Words(words)) => {
            Wording { words: words.clone(), origin: Origin::Given, ..Wording::default() }
        }
        Some(GivenTranscript::Captions(captions)) => {
            let Captioned { words, breaks } = given(captions, material.end);
            Wording { words, breaks: Some(breaks), origin: Origin::Given, ..Wording::default() }
        }
        None => heard(material),
    };
    if let Some(captions) = &material.texts.corrected {
        let Captioned { words, breaks } = corrected(captions, &wording.words, material.speech, material.end);
        wording = Wording { words, breaks: Some(breaks), origin: Origin::Corrected, ..Wording::default() };
    }
    leave_out(&mut wording, material.within);
    wording.question = match material.question {
        Some(question) => Some(question.to_string()).filter(|question| !question.is_empty()),
        None => first_question(&wording.words),
    };
    wording
}

/// Leaves out what a person cut away: it is to be read nowhere, neither in a question nor in a transcript.
fn leave_out(wording: &mut Wording, within: Span) {
    wording.words.retain(|word| word.span.is_mostly_in(within));
    let (first, last) = (wording.words.first(), wording.words.last());
    let shown = first.zip(last).map(|(first, last)| Span::new(first.span.start, last.span.end));
    let is_shown = |at: Time| shown.is_some_and(|shown| shown.contains(at));
    if let Some(breaks) = &mut wording.breaks {
        // A caption that began in what is cut away begins with its first word that is left.
        breaks.iter_mut().for_each(|at| *at = shown.map_or(*at, |shown| shown.start.max(*at)));
        breaks.retain(|at| is_shown(*at));
        breaks.dedup();
    }
    wording.replaced.retain(|change| is_shown(change.at));
    wording.departures.retain(|departure| within.contains(departure.at));
}

/// As it was heard, spelled rightly, or as the script has it.
fn heard(material: &Material) -> Wording {
    let digits = material.digits && material.language == "en";
    let spelled = |words: &[Word]| {
        let (words, mut replaced) = material.glossary.apply(words);
        if !digits {
            return (words, replaced);
        }
        let (words, numbers) = in_digits(&words);
        replaced.extend(numbers);
        replaced.sort_by_key(|change| change.at);
        (words, replaced)
    };
    let (words, replaced) = spelled(material.heard);
    let mut wording = Wording { words, replaced, ..Wording::default() };
    if let Some(script) = &material.texts.script {
        // Written and spoken numbers are the same words once both are in digits.
        let (script, of_script) = if digits { numbers_in_digits(script) } else { (script.clone(), vec![]) };
        match follow(&script, &wording.words, material.speech, material.end) {
            Script::Followed { words, departures } => {
                let replaced = all_replaced(wording.replaced, of_script, &words);
                wording = Wording { words, departures, replaced, origin: Origin::Script, ..Wording::default() };
            }
            Script::Unlike(share) => wording.origin = Origin::ScriptUnlike(share),
        }
    }
    wording
}

/// The script with its numbers in digits, and what that changed, which has no time yet.
fn numbers_in_digits(text: &str) -> (String, Vec<Replaced>) {
    let untimed = |text: &str| Word { text: text.to_string(), span: Span::default(), confidence: 1.0 };
    let (words, replaced) = in_digits(&text.split_whitespace().map(untimed).collect::<Vec<_>>());
    (words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "), replaced)
}

/// What was changed in what was heard and, where the captions show it, in the script, in order. A change that both have is
/// told once.
fn all_replaced(heard: Vec<Replaced>, of_script: Vec<Replaced>, words: &[Word]) -> Vec<Replaced> {
    let mut all = heard;
    let mut from = 0;
    for change in of_script {
        let texts: Vec<&str> = change.shown.split_whitespace().collect();
        let is_there =
            |at: &usize| words[*at..].iter().map(|word| &*word.text).take(texts.len()).eq(texts.iter().copied());
        let Some(at) = (from..words.len()).find(is_there) else { continue };
        from = at + texts.len();
        let at = words[at].span.start;
        if !all.iter().any(|other| other.at == at) {
            all.push(Replaced { at, ..change });
        }
    }
    all.sort_by_key(|change| change.at);
    all
}

#[cfg(test)]
mod tests {
    use super::super::sentences::tests::spoken;
    use super::*;
    use crate::captions::Subtitle;

    const END: Time = Time::from_millis(60_000);

    fn composed(heard: &[Word], texts: &KnownTexts) -> Wording {
        let glossary = Glossary { terms: vec![], replace: vec![("tret in oin".into(), "tretinoin".into())] };
        wording(&Material {
            heard,
            language: "en",
            speech: &[Span::new(Time::ZERO, END)],
            end: END,
            within: Span::new(Time::ZERO, END),
            texts,
            question: None,
            glossary: &glossary,
            digits: true,
        })
    }

    #[test]
    fn a_persons_question_goes_before_the_spoken_one_and_may_be_none() {
        let heard = spoken("Is it safe? Yes it is.");
        let asked = |question: Option<&str>| {
            let (texts, glossary) = (KnownTexts::default(), Glossary::default());
            let (language, digits, end, within) = ("en", true, END, Span::new(Time::ZERO, END));
            let (heard, texts, glossary, speech) = (&heard[..], &texts, &glossary, &[][..]);
            wording(&Material { heard, language, speech, end, within, texts, question, glossary, digits }).question
        };
        assert_eq!(asked(None).as_deref(), Some("Is it safe?"));
        assert_eq!(asked(Some("Does it hurt?")).as_deref(), Some("Does it hurt?"));
        assert_eq!(asked(Some("")), None);
    }

    fn shown(wording: &Wording) -> String {
        wording.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn caption(text: &str) -> Subtitle {
        Subtitle { span: Span::new(Time::ZERO, Time::from_millis(2000)), text: text.into() }
    }

    #[test]
    fn what_was_heard_is_spelled_and_the_changes_told() {
        let wording = composed(&spoken("Is tret in oin safe? Use two milligrams."), &KnownTexts::default());
        assert_eq!(shown(&wording), "Is tretinoin safe? Use 2 mg.");
        assert_eq!((wording.replaced.len(), wording.origin), (2, Origin::Heard));
        assert_eq!(wording.question.as_deref(), Some("Is tretinoin safe?"));
    }

    #[test]
    fn a_script_goes_before_what_was_heard_and_a_correction_before_both() {
        let heard = spoken("use tret in oin about two milligrams each night");
        let script = Some("Use tretinoin, about two milligrams, each night.".to_string());
        let texts = KnownTexts { script, ..KnownTexts::default() };
        let wording = composed(&heard, &texts);
        assert_eq!(
            (shown(&wording).as_str(), wording.origin),
            ("Use tretinoin, about 2 mg, each night.", Origin::Script)
        );
        assert_eq!(wording.departures, []);
        let texts = KnownTexts { corrected: Some(vec![caption("Use tretinoin every night.")]), ..texts };
        let wording = composed(&heard, &texts);
        assert_eq!((shown(&wording).as_str(), wording.origin), ("Use tretinoin every night.", Origin::Corrected));
        assert_eq!(wording.words[0].span, heard[0].span);
    }

    #[test]
    fn with_a_script_every_change_is_told_its_own_too() {
        let script =
            Some("Use tretinoin for two minutes, then wait twenty minutes and add two milligrams.".to_string());
        let texts = KnownTexts { script, ..KnownTexts::default() };
        let heard = spoken("use tret in oin for two minutes then wait twenty minutes and add to milligrams");
        let wording = composed(&heard, &texts);
        assert_eq!(shown(&wording), "Use tretinoin for two minutes, then wait 20 minutes and add 2 mg.");
        let told: Vec<(&str, &str)> = wording.replaced.iter().map(|r| (&*r.heard, &*r.shown)).collect();
        let expected = [("tret in oin", "tretinoin"), ("twenty minutes", "20 minutes"), ("two milligrams.", "2 mg.")];
        assert_eq!(told, expected);
        assert_eq!(wording.replaced[2].at, heard[13].span.start);
    }

    #[test]
    fn what_a_person_cut_away_is_no_question_and_stands_nowhere() {
        let heard = spoken("Is this thing on? Use two milligrams. Is it safe? Ask Maria Lopez");
        let glossary = Glossary::default();
        let within = Span::new(heard[4].span.start, heard[9].span.end);
        let cut = |texts: &KnownTexts| {
            let speech = [Span::new(Time::ZERO, END)];
            let (language, question, digits) = ("en", None, true);
            let (end, glossary, heard) = (END, &glossary, &heard[..]);
            wording(&Material { heard, language, speech: &speech, end, within, texts, question, glossary, digits })
        };
        let found = cut(&KnownTexts::default());
        assert_eq!((shown(&found).as_str(), found.question.as_deref()), ("Use 2 mg. Is it safe?", Some("Is it safe?")));
        let whole = caption("Is this thing on? Use 2 mg. Is it safe? Ask Maria Lopez.");
        let found = cut(&KnownTexts { corrected: Some(vec![whole]), ..KnownTexts::default() });
        assert_eq!((shown(&found).as_str(), found.breaks), ("Use 2 mg. Is it safe?", Some(vec![within.start])));
    }

    #[test]
    fn a_strange_script_is_left_alone_and_a_given_transcript_stands_as_it_is() {
        let heard = spoken("keep your lips clean");
        let texts = KnownTexts { script: Some("Entirely other words here.".into()), ..KnownTexts::default() };
        let wording = composed(&heard, &texts);
        assert_eq!(shown(&wording), "keep your lips clean");
        assert!(matches!(wording.origin, Origin::ScriptUnlike(share) if share < 0.2));
        let given = Some(GivenTranscript::Captions(vec![caption("Tome dos milligrams.")]));
        let wording = composed(&[], &KnownTexts { given, ..KnownTexts::default() });
        assert_eq!((shown(&wording).as_str(), wording.origin), ("Tome dos milligrams.", Origin::Given));
    }
}
