//! Values as a person types them into our TOML files: what may stand there, and where in the file a wrong one stands.

use super::layers;
use crate::fault::Fault;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::DeTable;

/// What the parser says, and what a person at the front desk would call it.
const PLAIN_WORDS: [(&str, &str); 4] = [
    ("unknown field", "unknown option"),
    ("missing field", "missing option"),
    ("unknown variant", "unknown value"),
    ("expected one of", "allowed are"),
];

/// A TOML file's text and path, so that a fault can name the line; and what holds where it says nothing.
pub(crate) struct Typed<'a> {
    file: &'a Path,
    text: &'a str,
    below: Option<&'a Typed<'a>>,
}

impl<'a> Typed<'a> {
    /// A file alone.
    pub fn of(file: &'a Path, text: &'a str) -> Self {
        Typed { file, text, below: None }
    }

    /// A file over another, key by key: places in `below` count on from the end of the first text.
    pub fn over(file: &'a Path, text: &'a str, below: &'a Typed<'a>) -> Self {
        Typed { file, text, below: Some(below) }
    }

    /// Parses the file, or both together; fails with the file, the line and what is allowed there.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let own = self.table()?;
        let all = match self.below {
            Some(below) => layers::over(own, layers::shifted(below.table()?, self.text.len() + 1)),
            None => own,
        };
        T::deserialize(toml::Deserializer::from(all)).map_err(|error| self.refused(&error))
    }

    fn table(&self) -> Result<Spanned<DeTable<'a>>, Fault> {
        DeTable::parse(self.text).map_err(|error| self.refused(&error))
    }

    fn refused(&self, error: &toml::de::Error) -> Fault {
        // The parser's message may continue on lines of its own: one sentence is enough for a fault.
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let plain = PLAIN_WORDS.iter().fold(message, |message, (parser, ours)| message.replace(parser, ours));
        self.fault(error.span(), &plain)
    }

    /// A fault about the value at `span` (bytes of the text).
    pub fn fault(&self, span: Option<Range<usize>>, what: &str) -> Fault {
        let Some(span) = span else {
            return Fault::new(format!("{}: {what}", self.file.display()), "correct the file and run again");
        };
        let (file, text, at) = self.place(span.start);
        let name = file.display();
        let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        Fault::new(format!("{name}, line {line}: {what}"), format!("correct line {line} and run again"))
    }

    /// A path that a person typed at `span`, which counts from the folder of the file that it stands in.
    pub fn path(&self, span: Range<usize>, typed: &str) -> PathBuf {
        let (file, ..) = self.place(span.start);
        file.parent().unwrap_or(Path::new("")).join(typed)
    }

    /// Which file a byte is of, its text, and which byte of that.
    fn place(&self, at: usize) -> (&'a Path, &'a str, usize) {
        match self.below {
            Some(below) if at > self.text.len() => below.place(at - self.text.len() - 1),
            _ => (self.file, self.text, at),
        }
    }
}

/// A number from `MIN` to `MAX` thousandths, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number<const MIN: u64, const MAX: u64>(pub f64);

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(input)?;
        let (low, high) = (MIN as f64 / 1000.0, MAX as f64 / 1000.0);
        if (low..=high).contains(&value) {
            Ok(Number(value))
        } else {
            Err(D::Error::custom(format!("{value} is out of range, a number from {low} to {high} is allowed")))
        }
    }
}

/// Longest line of text; what is longer fits no card and no post.
pub(super) const MOST_CHARACTERS: usize = 1000;
/// Longest text of several lines; no platform takes a longer post.
const MOST_OF_PASSAGE: usize = 10_000;

/// A line as it counts, without spaces around it; or why it is none, for a person.
pub(super) fn one_line(text: &str, most: usize) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("line breaks and other control characters are not allowed, write it on one line".into());
    }
    let text = text.trim();
    match text.chars().count() <= most {
        true => Ok(text.to_string()),
        false => Err(format!("a line of at most {most} characters is allowed")),
    }
}

/// A text of any number of lines as it counts, without white space around it; or why it is none, for a person.
pub(super) fn passage(text: &str) -> Result<String, String> {
    let text = text.replace("\r\n", "\n");
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err("control characters are not allowed, but for line breaks".into());
    }
    let text = text.trim();
    match text.chars().count() <= MOST_OF_PASSAGE {
        true => Ok(text.to_string()),
        false => Err(format!("a text of at most {MOST_OF_PASSAGE} characters is allowed")),
    }
}

/// One line of text, without spaces around it; an empty one counts as not given.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Line(pub Option<String>);

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = one_line(&String::deserialize(input)?, MOST_CHARACTERS).map_err(D::Error::custom)?;
        Ok(Line((!text.is_empty()).then_some(text)))
    }
}

/// Text of any number of lines, without white space around it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Passage(pub String);

impl<'de> Deserialize<'de> for Passage {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        passage(&String::deserialize(input)?).map(Passage).map_err(D::Error::custom)
    }
}
