//! When words are said, measured against a synthesiser that tells when it spoke each sound; and that where nobody speaks,
//! no word is written. `make test` runs the short form; `make matrix` (`HOUSECALL_MATRIX=all`) runs all of it.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod corpus;
mod invented;
mod onsets;
mod sounds;
mod voices;

use housecall::fault::Cancel;
use housecall::speech::{Located, Recogniser, Word, find, speech_spans};

/// Whether the long form was asked for.
fn all() -> bool {
    std::env::var("HOUSECALL_MATRIX").is_ok_and(|v| v == "all")
}

fn recogniser() -> Recogniser {
    let Located::Present(model) = find(Some("starter"), "en", &[]).unwrap() else { panic!("no starter model") };
    Recogniser::new(&model, 1).unwrap()
}

/// What Housecall makes of a sound.
fn hear(recogniser: &mut Recogniser, pcm: &[f32]) -> Vec<Word> {
    let speech = speech_spans(pcm);
    recogniser.transcribe("a.mov", pcm, &speech, "en", &Cancel::new(), &mut |_| {}).unwrap().words
}
