//! Words that are shown: which question is answered, what goes with the post. Pure.

use crate::speech::Word;

pub mod checks;
mod post;
mod question;
mod sentences;

pub use post::{PostText, file_text, post_text};
pub use question::{first_question, wording};
pub use sentences::sentences;

/// What the captions say and what the clip answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Wording {
    /// The words in the order of speaking.
    pub words: Vec<Word>,
    /// The question that the clip answers, if anyone knows it.
    pub question: Option<String>,
}
