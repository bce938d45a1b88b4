//! Two who change the same clip: the later one sees both versions, chooses, and nothing is gone.

use super::axe::assert_accessible;
use super::clip::{captions, correct, saved, until};
use super::common::desk::Desk;
use super::host::{Host, practice, say};
use super::page::key;
use std::fs;

fn desk() -> Desk {
    let desk = Desk::new();
    practice(&desk, "[review]\nrequire = \"all\"\n");
    desk.drop_file("advice.mp4", &desk.clip(3));
    say(&desk, "advice.mp4", &[(0.2, "Drink water and rest.")]);
    desk
}

#[test]
fn a_window_against_a_file_that_was_edited_shows_both() {
    let desk = desk();
    let host = Host::given(&desk);
    let mut page = host.visit();
    // That a save was refused is what this is about.
    page.expect(&["409"]);
    host.open(&page, "advice");
    for (mine, theirs, keep, wanted) in [
        ("sleep.", "Drink tea and rest.", "#keep-mine", "Drink water and sleep."),
        ("walk.", "Drink milk and sleep.", "#take-theirs", "Drink milk and sleep."),
    ] {
        let last = captions(&page)[0].rsplit(' ').next().unwrap().to_string();
        host.freeze();
        correct(&page, &last, mine);
        let srt = host.file("advice", "srt");
        let text = fs::read_to_string(&srt).unwrap();
        let before = text.lines().nth(2).unwrap().to_string();
        fs::write(&srt, text.replace(&before, theirs)).unwrap();
        host.go_on();
        page.see("#conflict[open]");
        assert!(page.text("#mine").contains(mine), "{}", page.text("#mine"));
        let shown = page.text("#theirs");
        assert!(theirs.split(' ').all(|word| shown.contains(word)), "{shown}");
        assert_accessible(&page, "a conflict");
        // Nothing was written over the other's file meanwhile.
        assert!(fs::read_to_string(&srt).unwrap().contains(theirs));
        page.click(keep);
        page.see_no("#conflict[open]");
        until("what was chosen is there", || host.captions("advice").join(" ") == wanted);
        saved(&page);
        assert_eq!(captions(&page).join(" "), wanted);
    }
    // What was not chosen can still be had.
    page.chord(&[key::CONTROL], 'z');
    until("mine is back", || host.captions("advice").join(" ").ends_with("walk."));
    saved(&page);
    page.assert_quiet();
}

#[test]
fn two_windows_see_each_other() {
    let desk = desk();
    let host = Host::given(&desk);
    let mut page = host.visit();
    page.expect(&["409"]);
    host.open(&page, "advice");
    let (first, second) = page.new_window();
    page.go(host.origin());
    host.open(&page, "advice");

    // Who has nothing to save gets what the other saved.
    correct(&page, "water", "tea");
    page.to_window(&first);
    page.wait("document.querySelector('#rows').innerText.includes('tea')");

    // Both at once: one of them is asked.
    host.freeze();
    correct(&page, "rest.", "sleep.");
    page.see("#saved[data-saved=saving]");
    page.to_window(&second);
    correct(&page, "rest.", "walk.");
    page.see("#saved[data-saved=saving]");
    host.go_on();
    until("one of them is on the disk", || !host.captions("advice").join(" ").ends_with("rest."));
    let asked = [(&first, "sleep.", "walk."), (&second, "walk.", "sleep.")].into_iter().find(|(window, ..)| {
        page.to_window(window);
        page.wait("document.querySelector('#conflict').open || document.querySelector('#saved[data-saved=saved]')");
        page.run("return document.querySelector('#conflict').open", &[]) == true
    });
    let (asked, mine, theirs) = asked.expect("nobody is asked");
    assert!(page.text("#mine").contains(mine) && page.text("#theirs").contains(theirs));
    page.click("#keep-mine");
    until("mine is there", || host.captions("advice").join(" ") == format!("Drink tea and {mine}"));
    let other = if asked == &first { &second } else { &first };
    page.to_window(other);
    page.wait(&format!("document.querySelector('#rows').innerText.includes('{mine}')"));
    page.assert_quiet();
}
