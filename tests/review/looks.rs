//! Every page in every state before axe-core, in the widths that people have, and the pictures of the README.

use super::all;
use super::axe::assert_accessible;
use super::clip::{until, word};
use super::common::desk::Desk;
use super::host::{Host, WORK, practice, say};
use super::page::Page;
use std::fs;
use std::path::PathBuf;

#[test]
fn every_page_and_state_can_be_used_by_everybody() {
    if !all() {
        return;
    }
    let desk = Desk::new();
    practice(&desk, "");
    for (clip, said) in
        [("held.mp4", "My patient Mr. Alvarez takes 20 mg and must not drive."), ("free.mp4", "Drink water and rest.")]
    {
        desk.drop_file(clip, &super::host::noted(desk.clip(4), clip));
        say(&desk, clip, &[(0.2, said)]);
    }
    desk.drop_file("broken.mp4", b"nothing that a phone makes");
    let host = Host::given(&desk);
    let mut page = host.visit();
    for state in ["needs-a-look", "done", "failed"] {
        page.wait_long(&format!("document.querySelector('#cards > li[data-state={state}]')"), WORK);
    }
    let held = host.ready(&page, "held");
    for width in [1440, 1024, 390] {
        page.resize(width, 900);
        page.go(host.origin());
        page.see("#cards");
        assert_fits(&page, &format!("the day at {width}"));
        assert_accessible(&page, &format!("the day, {width} pixels wide"));
        host.open(&page, "held");
        assert_fits(&page, &format!("a clip at {width}"));
        for tab in ["look", "texts", "picture", "cuts"] {
            page.click(&format!("#tab-{tab}"));
            page.see(&format!("#panel-{tab}"));
            assert_accessible(&page, &format!("a clip, {width} pixels wide, {tab}"));
        }
    }
    page.resize(1280, 900);
    page.click("#keys-button");
    page.see("#keys[open]");
    assert_accessible(&page, "the keys");
    page.press(&super::page::key::ESCAPE.to_string());
    page.double_click(&word(&page, "not", 0));
    page.see("input.edit");
    assert_accessible(&page, "a word that is edited");
    page.press(&super::page::key::ESCAPE.to_string());

    // What is wrong with the day as a whole.
    let good = fs::read_to_string(desk.inbox().join("practice.toml")).unwrap();
    page.go(host.origin());
    desk.drop_file("practice.toml", b"[practice]\nname = 5\n");
    page.see("#day-problem");
    assert_accessible(&page, "a day with a problem");
    desk.drop_file("practice.toml", good.as_bytes());
    page.see_no("#day-problem");

    page.expect(&["404", "401"]);
    page.go(&format!("{}/clip/{}", host.origin(), "0".repeat(16)));
    assert_accessible(&page, "a clip that is not there");
    let stranger = Page::new();
    stranger.go(host.origin());
    assert!(!stranger.text("body").contains("Alder Lane"), "{}", stranger.text("body"));
    assert_accessible(&stranger, "a stranger");
    page.go(&format!("{}/clip/{held}", host.origin()));
    page.see("html[data-ready]");
    page.assert_quiet();
}

/// Asserts that nothing has to be scrolled sideways.
fn assert_fits(page: &Page, about: &str) {
    let over = page.run("return document.documentElement.scrollWidth - innerWidth", &[]);
    assert!(over.as_f64().unwrap() <= 0.0, "{about}: {over} pixels too wide");
}

/// Where the pictures go; none unless `make screenshots` asks for them.
fn folder() -> Option<PathBuf> {
    std::env::var_os("HOUSECALL_SCREENSHOTS").map(PathBuf::from)
}

#[test]
fn pictures_of_the_page() {
    let Some(folder) = folder() else { return };
    fs::create_dir_all(&folder).unwrap();
    let desk = Desk::new();
    let quick = ["tiktok", "youtube"].map(|platform| format!("[platform.{platform}]\npreset = \"ultrafast\"\n"));
    desk.practice(&format!("[review]\nrequire = \"all\"\n{}", quick.concat()));
    desk.drop_samples(&["razor-bumps.mov", "headache-medicine.mp4", "dry-skin-in-winter.mp4", "root-canal.m4v"]);
    let host = Host::start(&desk, &["--platforms", "tiktok,youtube"]);
    let mut page = host.visit();
    for clip in ["razor-bumps", "root-canal"] {
        host.open(&page, clip);
        page.fill("#by", "Dana Reed");
        page.click("#approve");
        until("it is approved", || host.card(&page, clip)["approved_by"] == "Dana Reed");
    }
    page.go(host.origin());
    page.wait_long("document.querySelectorAll('#cards > li[data-state=done]').length === 2", WORK * 4);
    for clip in ["headache-medicine", "dry-skin-in-winter"] {
        host.ready(&page, clip);
    }
    // What arrived last is still being listened to.
    desk.drop_samples(&["fever-in-children.mp4", "VID_20260914_101500.mp4"]);
    page.wait_long("document.querySelector('#cards > li[data-state=transcribing]')", WORK);
    page.resize(1280, 530);
    both(&page, &folder, "day");
    page.resize(1280, 800);
    host.open(&page, "headache-medicine");
    page.click(&word(&page, "acetaminophen", 0));
    page.wait_long("document.querySelector('#frames .shown, #frame.shown')", WORK);
    both(&page, &folder, "clip");
}

/// Keeps what is shown, as in light and as in dark surroundings.
fn both(page: &Page, folder: &std::path::Path, name: &str) {
    for (dark, look) in [(false, "light"), (true, "dark")] {
        page.dark(dark);
        page.promise("await new Promise(end => requestAnimationFrame(() => requestAnimationFrame(end)))");
        page.keep_picture(&folder.join(format!("{name}-{look}.png")));
    }
    page.dark(false);
}
