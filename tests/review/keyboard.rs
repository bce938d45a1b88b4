//! A filming day by keyboard alone, and as assistive technology is told of it.

use super::clip::{captions, saved, until};
use super::common::desk::Desk;
use super::host::{Host, noted, practice, say};
use super::page::key;
use std::fs;

#[test]
fn two_clips_are_read_fixed_and_approved_without_a_mouse() {
    let desk = Desk::new();
    practice(&desk, "[review]\nrequire = \"all\"\n");
    for clip in ["first.mp4", "second.mp4"] {
        desk.drop_file(clip, &noted(desk.clip(4), clip));
        say(&desk, clip, &[(0.2, "Drink watter and rest."), (2.0, "Call us in the morning.")]);
    }
    let host = Host::given(&desk);
    let page = host.visit().without_mouse();
    host.ready(&page, "first");
    host.ready(&page, "second");

    // The first card, and into it.
    page.press("j");
    let (role, name) = page.focus();
    assert_eq!(role, "link", "{name}");
    page.press(&key::ENTER.to_string());
    page.see("html[data-ready]");
    assert!(page.is_named("button", "Approve"));
    assert!(page.is_named("textbox", "Your name"));

    for (clip, by) in [("first", Some("Dana Reed")), ("second", None)] {
        page.wait("document.querySelectorAll('#rows .word').length === 9");
        assert!(page.text("header").contains(clip), "{}", page.text("header"));
        // Tab comes to the words as to one thing; arrows go from word to word.
        page.tab_to("button", "Drink");
        page.press(&key::RIGHT.to_string());
        assert!(page.focus().1.starts_with("watter"), "{:?}", page.focus());
        page.press(&key::ENTER.to_string());
        page.see("input.edit");
        page.write("water");
        page.press(&key::ENTER.to_string());
        page.see_no("input.edit");
        until("the caption is on the disk", || host.captions(clip).join(" ").starts_with("Drink water and rest."));
        saved(&page);
        assert_eq!(captions(&page).join(" "), "Drink water and rest. Call us in the morning.");
        page.press("a");
        // The name is asked for once.
        if let Some(by) = by {
            assert_eq!(page.focus(), ("textbox".to_string(), "Your name".to_string()));
            page.write(by);
        } else {
            assert_eq!(page.focus(), ("button".to_string(), "Approve".to_string()));
            assert_eq!(page.value("#by"), "Dana Reed");
        }
        let before = page.path();
        page.press(&key::ENTER.to_string());
        if clip == "first" {
            page.wait(&format!("location.pathname !== '{before}' && document.documentElement.dataset.ready != null"));
        }
    }
    for clip in ["first", "second"] {
        let cut = desk.out().join(format!("x/{clip}.mp4"));
        until("the cut is there", || cut.exists());
        let record = fs::read_to_string(desk.out().join(".housecall/record.ndjson")).unwrap();
        assert!(record.lines().any(|line| line.contains(clip) && line.contains("Dana Reed")), "{record}");
    }
    page.assert_quiet();
}
