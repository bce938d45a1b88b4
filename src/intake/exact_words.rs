//! Words in JSON with their times as they are: a transcript's own file has them to the millisecond alone.
//! For `#[serde(with = "exact_words")]`.

use crate::speech::Word;
use crate::units::Span;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
struct Exact {
    text: String,
    span: Span,
    confidence: f32,
}

/// Writes words.
///
/// # Errors
/// Those of the writer.
pub fn serialize<S: Serializer>(words: &[Word], serializer: S) -> Result<S::Ok, S::Error> {
    let exact = |word: &Word| Exact { text: word.text.clone(), span: word.span, confidence: word.confidence };
    serializer.collect_seq(words.iter().map(exact))
}

/// Reads words back.
///
/// # Errors
/// Those of the reader.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Word>, D::Error> {
    let words = Vec::<Exact>::deserialize(deserializer)?;
    Ok(words.into_iter().map(|Exact { text, span, confidence }| Word { text, span, confidence }).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::intake::GivenTranscript;
    use crate::speech::Word;
    use crate::units::{Span, Time};

    #[test]
    fn no_microsecond_is_lost() {
        let word = |n: i64| Word { text: format!("w{n}"), span: Span::new(Time(n), Time(n + 7)), confidence: 0.1 };
        let given = GivenTranscript::Words([1, 1_234_567, 9_999_999_999].map(word).to_vec());
        let text = serde_json::to_string(&given).unwrap();
        assert_eq!(serde_json::from_str::<GivenTranscript>(&text).unwrap(), given);
    }
}
