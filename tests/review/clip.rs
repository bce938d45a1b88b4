//! What a person does with an open clip.

use super::host::WORK;
use super::page::{Page, key};
use serde_json::json;
use std::time::{Duration, Instant};

/// The selector of the button of a word, by what it says; the `nth` of those, from 0.
pub fn word(page: &Page, says: &str, nth: usize) -> String {
    let script = "[...document.querySelectorAll('#rows .word')].filter(word => word.textContent.trim() === SAYS)[NTH]";
    let script = script.replace("SAYS", &json!(says).to_string()).replace("NTH", &nth.to_string());
    page.wait(&script);
    let place = format!("const word = {script}; return [word.closest('.row').dataset.row, word.dataset.word]");
    let place = page.run(&place, &[]);
    format!(".row[data-row={}] .word[data-word={}]", json!(as_text(&place[0])), json!(as_text(&place[1])))
}

fn as_text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

/// Writes another word in the place of one.
pub fn correct(page: &Page, says: &str, means: &str) {
    page.double_click(&word(page, says, 0));
    page.see("input.edit");
    page.write(means);
    page.press(&key::ENTER.to_string());
    page.see_no("input.edit");
}

/// What the captions say, one each.
pub fn captions(page: &Page) -> Vec<String> {
    let script = "return [...document.querySelectorAll('#rows .row')].map(row => \
                  [...row.querySelectorAll('.word')].map(word => word.textContent.trim()).join(' '))";
    page.run(script, &[]).as_array().unwrap().iter().map(as_text).collect()
}

/// Waits until something is so, which no page tells of.
pub fn until(about: &str, mut so: impl FnMut() -> bool) {
    let until = Instant::now() + WORK;
    while !so() {
        assert!(Instant::now() < until, "waited until {about}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until everything is saved.
pub fn saved(page: &Page) {
    page.see("#saved[data-saved=saved]");
}
