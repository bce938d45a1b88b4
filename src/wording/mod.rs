//! Words that are shown: which question is answered, what goes with the post. Pure.

use crate::speech::Word;
use crate::units::Time;
use serde::{Deserialize, Serialize};

mod align;
pub mod checks;
mod compose;
mod edit;
mod glossary;
mod marks;
mod numbers;
mod post;
mod question;
mod replaced;
mod script;
mod sentences;
mod timing;

pub use compose::{Material, wording};
pub use edit::{Captioned, corrected, given};
pub use glossary::Glossary;
pub use marks::{amounts, is_negation, is_number};
pub use numbers::in_digits;
pub use post::{PostText, chosen_post, file_text, post_text, too_long};
pub use question::first_question;
pub use replaced::Replaced;
pub use script::{Departure, Script, follow, negations};
pub use sentences::sentences;
pub use timing::timed;

/// What the captions say and what the clip answers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wording {
    /// The words in the order of speaking, in clip time.
    pub words: Vec<Word>,
    /// Where a person wants each caption to begin, in clip time; none where that is left to the program.
    pub breaks: Option<Vec<Time>>,
    /// The question that the clip answers, if anyone knows it.
    pub question: Option<String>,
    /// Where the words come from.
    pub origin: Origin,
    /// Where the captions show other words than were heard, by glossary and rules.
    pub replaced: Vec<Replaced>,
    /// Where the speaker left the script.
    pub departures: Vec<Departure>,
}

/// Where the words of the captions come from.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The recogniser.
    #[default]
    Heard,
    /// The recogniser; a script lies beside the clip, but has too little in common with what is said: the share, 0.0 to
    /// 1.0.
    ScriptUnlike(f64),
    /// The script, as far as the speaker kept to it.
    Script,
    /// A transcript that was given with the clip; nobody listened.
    Given,
    /// A person who corrected the captions.
    Corrected,
}
