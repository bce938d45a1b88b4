//! Which question a clip answers.

use super::sentences::{asks, sentences, text_of};
use crate::speech::Word;
use unicode_segmentation::UnicodeSegmentation;

/// Fewest words of a question that stands for itself: `Right?` and `Okay, why?` do not.
const FEWEST_WORDS: usize = 3;
/// Most characters of a question that can be read in the seconds that it stands over the picture.
const MOST_CHARACTERS: usize = 120;

/// The first sentence that asks something and can stand for itself, beginning with a capital.
pub fn first_question(words: &[Word]) -> Option<String> {
    sentences(words)
        .filter(|sentence| asks(sentence) && sentence.len() >= FEWEST_WORDS)
        .map(text_of)
        .find(|text| text.graphemes(true).count() <= MOST_CHARACTERS)
}

#[cfg(test)]
mod tests {
    use super::super::sentences::tests::spoken;
    use super::*;

    #[test]
    fn the_first_question_that_can_stand_for_itself_is_found() {
        for (said, question) in [
            ("Hello. Do razor bumps go away? Yes, does it hurt? No.", Some("Do razor bumps go away?")),
            ("Okay? Right, why? how long does it take?", Some("How long does it take?")),
            ("Patients ask \"does it hurt?\" It does not.", Some("Patients ask \"does it hurt?\"")),
            ("It does not hurt.", None),
            ("", None),
        ] {
            assert_eq!(first_question(&spoken(said)).as_deref(), question, "{said}");
        }
        let long = format!("{}why? But does it hurt?", "really ".repeat(30));
        assert_eq!(first_question(&spoken(&long)).as_deref(), Some("But does it hurt?"));
    }
}
