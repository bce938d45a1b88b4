//! Numbers with a unit as a person writes them: "two milligrams" is "2 mg". English. Pure.
//!
//! Only what is surely one number with a unit is touched, and its value never changes: "one to two", "nineteen ninety
//! four" and "five five five" stay as they were said. Doses follow the rules of the Institute for Safe Medication Practices (list of
//! error-prone abbreviations): a zero before the point, none at the end after it, commas in thousands, "mcg" and not "µg",
//! "units" written out.

use super::align::{OPENERS, plain};
use super::replaced::{Replaced, replace};
use crate::speech::Word;

/// Unit as said, one word or two; as written; whether it joins the number; from which value on digits are used.
const UNITS: [(&str, &str, bool, u64); 31] = [
    ("milligram", "mg", false, 0),
    ("milligrams", "mg", false, 0),
    ("microgram", "mcg", false, 0),
    ("micrograms", "mcg", false, 0),
    ("gram", "g", false, 0),
    ("grams", "g", false, 0),
    ("kilogram", "kg", false, 0),
    ("kilograms", "kg", false, 0),
    ("milliliter", "mL", false, 0),
    ("milliliters", "mL", false, 0),
    ("millilitre", "mL", false, 0),
    ("millilitres", "mL", false, 0),
    ("centimeter", "cm", false, 0),
    ("centimeters", "cm", false, 0),
    ("centimetre", "cm", false, 0),
    ("centimetres", "cm", false, 0),
    ("millimeter", "mm", false, 0),
    ("millimeters", "mm", false, 0),
    ("millimetre", "mm", false, 0),
    ("millimetres", "mm", false, 0),
    ("percent", "%", true, 0),
    ("per cent", "%", true, 0),
    ("degrees", "degrees", false, 0),
    ("units", "units", false, 0),
    ("seconds", "seconds", false, 10),
    ("minutes", "minutes", false, 10),
    ("hours", "hours", false, 10),
    ("days", "days", false, 10),
    ("weeks", "weeks", false, 10),
    ("months", "months", false, 10),
    ("years", "years", false, 10),
];

const SMALL: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
    seventeen eighteen nineteen";
const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety";
/// How a nought among digits is said; "oh" and "o" are also other things.
const NOUGHTS: [&str; 5] = ["oh", "o", "nought", "naught", "zero"];
/// Most characters of a number in digits.
const MOST_DIGITS: usize = 9;

/// A word of a number and which word of the text it is of.
type Token<'a> = (&'a str, usize);
/// What reads a part of a number.
type Part = fn(&[Token], &mut usize) -> Option<u64>;

/// The words with such numbers in digits, and what was changed. Times stay: a number takes the time of the words that said
/// it.
pub fn in_digits(words: &[Word]) -> (Vec<Word>, Vec<Replaced>) {
    let said: Vec<Said> = words.iter().map(Said::new).collect();
    let ends_in_number = |at: usize| said[at].parts.last().is_some_and(|part| is_of_number(part));
    // "Two to three hundred" and "a hundred and fifty": what comes after may be half of a longer number.
    let joins =
        |at: usize| matches!(said[at].parts[..], [ref p] if matches!(&**p, "and" | "to" | "or" | "through" | "a"));
    let follows_number = |at: usize| match at {
        0 => false,
        at if joins(at - 1) && at > 1 => ends_in_number(at - 2) || (joins(at - 2) && at > 2 && ends_in_number(at - 3)),
        at => !said[at - 1].closed && ends_in_number(at - 1),
    };
    replace(words, |at| if follows_number(at) { None } else { phrase(&said[at..]) })
}

/// A word as it is read here.
struct Said {
    /// Lower case, without signs; the parts of "twenty-five" are two. A word with a digit is one part: the number, or what
    /// can never be read as one.
    parts: Vec<String>,
    /// Whether a sign stands before it, other than the point of ".5".
    opens: bool,
    /// Whether that sign may mean something: it is no bracket and no quotation mark.
    signed: bool,
    /// Whether a sign follows that ends a phrase.
    closed: bool,
}

impl Said {
    fn new(word: &Word) -> Self {
        let closed = word.text.ends_with(|c: char| !c.is_alphanumeric() && c != '%');
        let bare = word.text.trim_start_matches(OPENERS);
        let digits = number_in_digits(&word.text);
        let signed = digits.is_none() && bare.starts_with(|c: char| !c.is_alphanumeric());
        let opens = signed || bare.len() < word.text.len();
        let parts = match digits {
            Some(digits) => vec![digits],
            None if word.text.contains(|c: char| c.is_ascii_digit()) => vec![bare.to_lowercase()],
            None => word.text.split('-').map(plain).collect(),
        };
        Said { parts, opens, signed, closed }
    }
}

/// "1,000" or "2.5," as digits without commas and without brackets and stops around them; nothing where a sign is left that
/// means something: "1/2", "5-10", "1,5", "-5" and "10:30" are no such numbers.
fn number_in_digits(text: &str) -> Option<String> {
    let ends = |c: char| ".,;:!?)]}\"'".contains(c) || matches!(c, '\u{201D}' | '\u{2019}' | '\u{BB}' | '\u{2026}');
    let bare = text.trim_start_matches(OPENERS).trim_end_matches(ends);
    let (whole, fraction) = bare.split_once('.').unwrap_or((bare, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let mut thousands = groups.clone().peekable();
    let grouped = thousands.peek().is_none() || first.len() <= 3;
    let whole_reads = (digits(first) && grouped && thousands.all(|group| group.len() == 3 && digits(group)))
        || (whole.is_empty() && bare.len() > 1);
    let number = format!("{}{}", if whole.is_empty() { "0" } else { "" }, bare.replace(',', ""));
    (whole_reads && digits(fraction) && number.len() <= MOST_DIGITS).then_some(number)
}

/// What the words at the start become, and how many they are: a number, or a range of two, with its unit.
fn phrase(said: &[Said]) -> Option<(usize, Vec<String>)> {
    let (first, length) = number(said)?;
    let mut at = length;
    let mut second = None;
    if let Some(between) =
        said.get(at).filter(|w| matches!(w.parts[..], [ref p] if p == "to" || p == "or") && !w.closed)
        && let Some((number, length)) = number(&said[at + 1..])
    {
        // "Two to three hundred" may be two hundred to three hundred.
        let shared = |multiplied: fn(&Number) -> bool| multiplied(&number) && !multiplied(&first);
        if shared(|n| n.hundred || n.thousand) || (number.hundred && shared(|n| n.thousand)) {
            return None;
        }
        second = Some((between.parts[0].clone(), number));
        at += 1 + length;
    }
    // A number that touches another one was no number: a year, a telephone number, "twenty four seven".
    if said.get(at).is_some_and(|next| is_of_number(&next.parts[0])) {
        return None;
    }
    let (unit, joined, from, length) = unit(&said[at..])?;
    // Signs inside would be lost, and with them what they mean.
    let all = &said[..at + length];
    if all[0].signed || all[1..].iter().any(|word| word.opens) || all[..all.len() - 1].iter().any(|word| word.closed) {
        return None;
    }
    let last = second.as_ref().map_or(&first, |(_, number)| number);
    // "A hundred percent" and "a thousand years" are seldom counted.
    if (first.article || last.article) && (joined || from > 0) {
        return None;
    }
    if last.value() < from as f64 {
        return None;
    }
    let mut texts = vec![first.text()];
    if let Some((between, number)) = &second {
        texts.extend([between.clone(), number.text()]);
    }
    match texts.last_mut().filter(|_| joined) {
        Some(number) => number.push_str(unit),
        None => texts.push(unit.to_string()),
    }
    Some((at + length, texts))
}

/// As written, whether it joins the number, from which value on, and how many words it is.
fn unit(said: &[Said]) -> Option<(&'static str, bool, u64, usize)> {
    let [word] = &said.first()?.parts[..] else { return None };
    let two = said.get(1).filter(|_| !said[0].closed).map(|next| format!("{word} {}", next.parts.concat()));
    let found = |name: &str| UNITS.iter().find(|(said, ..)| *said == name);
    let (length, entry) = match two.and_then(|two| found(&two)) {
        Some(entry) => (2, entry),
        None => (1, found(word)?),
    };
    Some((entry.1, entry.2, entry.3, length))
}

/// A number as digits: whole part and, after the point, its fraction; and how it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Number {
    whole: u64,
    fraction: String,
    /// With "hundred", with "thousand".
    hundred: bool,
    thousand: bool,
    /// As "a hundred" or "a thousand".
    article: bool,
}

impl Number {
    fn value(&self) -> f64 {
        format!("{}.{}", self.whole, self.fraction).parse().unwrap_or(self.whole as f64)
    }

    fn text(&self) -> String {
        let digits = self.whole.to_string();
        let mut text = String::new();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        let fraction = self.fraction.trim_end_matches('0');
        if !fraction.is_empty() {
            text.push('.');
            text.push_str(fraction);
        }
        text
    }
}

/// The number at the start, and how many words it is; none unless it is surely one.
fn number(said: &[Said]) -> Option<(Number, usize)> {
    // Signs end a number, so only the words up to the first of them belong to it.
    let open = said.iter().take_while(|word| !word.closed).count();
    let tokens: Vec<Token> = said[..(open + 1).min(said.len())]
        .iter()
        .take(16)
        .enumerate()
        .flat_map(|(i, word)| word.parts.iter().map(move |part| (part.as_str(), i)))
        .collect();
    let mut at = 0;
    let mut number = parse(&tokens, &mut at)?;
    let with = |name: &str| tokens[..at].iter().any(|(word, _)| *word == name);
    (number.hundred, number.thousand, number.article) = (with("hundred"), with("thousand"), tokens[0].0 == "a");
    let words = tokens[at - 1].1 + 1;
    // "twenty-five-year-old" is one word and no number.
    let whole_words = tokens.get(at).is_none_or(|(_, word)| *word == words);
    whole_words.then_some((number, words))
}

fn parse(tokens: &[Token], at: &mut usize) -> Option<Number> {
    let peek = |at: usize| tokens.get(at).map(|(word, _)| *word);
    let made = |whole, fraction| Number { whole, fraction, hundred: false, thousand: false, article: false };
    if let Some(digits) = peek(*at).filter(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        *at += 1;
        let digits = number_in_digits(digits)?;
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        return Some(made(whole.parse().ok()?, fraction.to_string()));
    }
    if peek(*at).is_some_and(|word| NOUGHTS.contains(&word)) && peek(*at + 1) == Some("point") {
        *at += 1;
    }
    let whole = if peek(*at) == Some("point") { 0 } else { cardinal(tokens, at)? };
    let mut fraction = String::new();
    if peek(*at) == Some("point") {
        *at += 1;
        let digit = |word: &str| if NOUGHTS.contains(&word) { Some(0) } else { index(SMALL, word) };
        while let Some(digit) = peek(*at).and_then(digit).filter(|digit| *digit < 10) {
            fraction.push_str(&digit.to_string());
            *at += 1;
        }
        if fraction.is_empty() {
            return None;
        }
    } else if [Some("and"), Some("a"), Some("half")] == [peek(*at), peek(*at + 1), peek(*at + 2)] {
        *at += 3;
        fraction.push('5');
    }
    Some(made(whole, fraction))
}

/// Zero to 999,999 in words.
fn cardinal(tokens: &[Token], at: &mut usize) -> Option<u64> {
    let thousands = below_thousand(tokens, at)?;
    if tokens.get(*at).map(|(word, _)| *word) != Some("thousand") {
        return Some(thousands);
    }
    *at += 1;
    Some(thousands * 1000 + rest(tokens, at, below_thousand))
}

fn below_thousand(tokens: &[Token], at: &mut usize) -> Option<u64> {
    let hundreds = below_hundred(tokens, at)?;
    if tokens.get(*at).map(|(word, _)| *word) != Some("hundred") || hundreds == 0 {
        return Some(hundreds);
    }
    *at += 1;
    Some(hundreds * 100 + rest(tokens, at, below_hundred))
}

fn below_hundred(tokens: &[Token], at: &mut usize) -> Option<u64> {
    let word = tokens.get(*at)?.0;
    if word == "a" && tokens.get(*at + 1).is_some_and(|(next, _)| matches!(*next, "hundred" | "thousand")) {
        *at += 1;
        return Some(1);
    }
    if let Some(small) = index(SMALL, word) {
        *at += 1;
        return Some(small);
    }
    let tens = (index(TENS, word)? + 2) * 10;
    *at += 1;
    match tokens.get(*at).and_then(|(word, _)| index(SMALL, word)).filter(|unit| (1..10).contains(unit)) {
        Some(unit) => {
            *at += 1;
            Some(tens + unit)
        }
        None => Some(tens),
    }
}

/// What follows "hundred" or "thousand", with or without "and"; nothing where that is no number.
fn rest(tokens: &[Token], at: &mut usize, part: Part) -> u64 {
    let and = usize::from(tokens.get(*at).is_some_and(|(word, _)| *word == "and"));
    let mut ahead = *at + and;
    match part(tokens, &mut ahead) {
        Some(value) if value > 0 => {
            *at = ahead;
            value
        }
        _ => 0,
    }
}

fn index(list: &str, word: &str) -> Option<u64> {
    list.split_ascii_whitespace().position(|entry| entry == word).map(|at| at as u64)
}

pub(super) fn is_number_word(word: &str) -> bool {
    index(SMALL, word).is_some()
        || index(TENS, word).is_some()
        || matches!(word, "hundred" | "thousand" | "million" | "point")
        || word.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a word is part of a number, or may be: what stands beside it is not read without it.
fn is_of_number(word: &str) -> bool {
    is_number_word(word)
        || NOUGHTS.contains(&word)
        || matches!(word, "half" | "quarter")
        || word.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::sentences::tests::spoken;
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let (words, _) = in_digits(&spoken(text));
        words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn doses_read_as_a_person_writes_them() {
        for (said, wanted) in [
            ("Take two milligrams, twice a day.", "Take 2 mg, twice a day."),
            ("Take five hundred milligrams.", "Take 500 mg."),
            ("one thousand two hundred and fifty milligrams daily", "1,250 mg daily"),
            ("zero point zero two five percent cream", "0.025% cream"),
            ("a point five milligram tablet", "a 0.5 mg tablet"),
            ("two and a half milliliters", "2.5 mL"),
            ("five point zero milligrams", "5 mg"),
            ("twenty-five micrograms.", "25 mcg."),
            ("twenty five micrograms", "25 mcg"),
            ("two to four milligrams", "2 to 4 mg"),
            ("Twenty to thirty minutes.", "20 to 30 minutes."),
            ("for ninety days", "for 90 days"),
            ("2.5 milligrams and 1,000 units", "2.5 mg and 1,000 units"),
            ("ten per cent", "10%"),
            ("38.5 degrees", "38.5 degrees"),
            (".25 to .5 milligrams", "0.25 to 0.5 mg"),
            ("(.5 milligrams)", "(0.5 mg)"),
            ("point oh five percent", "0.05%"),
            ("zero point oh five percent", "0.05%"),
            ("nought point o two five percent", "0.025%"),
            ("a hundred and fifty milligrams", "150 mg"),
            ("two hundred to three hundred milligrams", "200 to 300 mg"),
            ("five hundred to one thousand milligrams", "500 to 1,000 mg"),
            ("take 12,500 units", "take 12,500 units"),
        ] {
            assert_eq!(written(said), wanted, "{said}");
        }
    }

    #[test]
    fn what_is_not_surely_a_number_with_a_unit_stays() {
        for said in [
            "one to two weeks",
            "since nineteen ninety four milligrams",
            "call five five five oh one two three",
            "twenty four seven days",
            "twice a day for three days",
            "one of the milligrams",
            "two, three milligrams a",
            "a hundred percent",
            "a twenty-five-year-old",
            "point taken percent",
            "and a half milligrams",
            "five milligram-sized",
            // Signs that mean something.
            "1/2 milligram",
            "2½ milligrams",
            "5\u{2013}10 milligrams",
            "1,5 milligrams",
            "1,00 milligrams",
            "1234,500 milligrams",
            "10:30 minutes",
            "-196 degrees for 20-30 seconds",
            "\u{2212}20 milligrams",
            "two to -5 milligrams",
            "5% milligrams",
            "two 1/2 milligrams",
            "1/2 two milligrams",
            "for twenty. Minutes later",
            // "Hundred" may be of both.
            "two to three hundred milligrams",
            "two or three hundred milligrams",
            "between two and three hundred milligrams",
            "five to ten thousand units",
            "two hundred to three hundred thousand units",
            // The end of a longer number.
            "one oh five milligrams",
            "a million and fifty milligrams",
            "several hundred and fifty milligrams",
            "half a thousand units",
            "a hundred and fifty percent",
            "point twenty five milligrams",
        ] {
            let unchanged = written(said);
            let kept = if said.starts_with("two,") { "two, 3 mg a" } else { said };
            assert_eq!(unchanged, kept);
        }
    }

    #[test]
    fn times_and_changes_are_told() {
        let heard = spoken("take five hundred milligrams now");
        let (words, replaced) = in_digits(&heard);
        assert_eq!(words[1].span.start, heard[1].span.start);
        assert_eq!(words[2].span.end, heard[3].span.end);
        assert_eq!(words[3], heard[4]);
        assert_eq!((&*replaced[0].heard, &*replaced[0].shown), ("five hundred milligrams", "500 mg"));
    }

    /// The number in words.
    fn spell(n: u64, and: bool) -> String {
        let word =
            |list: &str, at: u64| list.split(' ').filter(|w| !w.is_empty()).nth(at as usize).unwrap_or("").to_string();
        let joined = |head: String, rest: u64| match rest {
            0 => head,
            rest => format!("{head} {}{}", if and { "and " } else { "" }, spell(rest, and)),
        };
        match n {
            0..20 => word(SMALL, n),
            20..100 if n.is_multiple_of(10) => word(TENS, n / 10 - 2),
            20..100 => format!("{} {}", word(TENS, n / 10 - 2), word(SMALL, n % 10)),
            100..1000 => joined(format!("{} hundred", word(SMALL, n / 100)), n % 100),
            _ => match n % 1000 {
                rest if rest >= 100 => format!("{} thousand {}", spell(n / 1000, and), spell(rest, and)),
                rest => joined(format!("{} thousand", spell(n / 1000, and)), rest),
            },
        }
    }

    proptest! {
        #[test]
        fn no_value_ever_changes(n in 0u64..1_000_000, fraction in "[0-9]{0,3}", and: bool) {
            let digits: Vec<String> = fraction.chars().map(|d| spell(u64::from(d as u8 - b'0'), false)).collect();
            let point = if digits.is_empty() { String::new() } else { format!(" point {}", digits.join(" ")) };
            let shown = written(&format!("{}{point} milligrams", spell(n, and)));
            let value: f64 = shown.strip_suffix(" mg").map(|v| v.replace(',', "")).and_then(|v| v.parse().ok()).unwrap_or(f64::NAN);
            let wanted: f64 = format!("{n}.{fraction}0").parse().unwrap_or(f64::NAN);
            prop_assert!((value - wanted).abs() < 1e-9, "{} became {}", spell(n, and), shown);
        }

        #[test]
        fn any_words_go_through(words in prop::collection::vec("two|hundred|and|a|half|point|mg|percent|-|2\\.5|,|to|milligrams|ninety-|\\PC{0,4}", 0..12)) {
            let heard = spoken(&words.join(" "));
            let (shown, _) = in_digits(&heard);
            prop_assert!(shown.windows(2).all(|w| w[0].span.end <= w[1].span.start));
        }
    }
}
