//! A filming day, from an empty folder to cuts in their places.

use super::axe::assert_accessible;
use super::clip::{captions, correct, saved, until, word};
use super::common::desk::Desk;
use super::common::measure::describe;
use super::host::{Host, WORK, noted, practice, say};
use super::{all, page::Page};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Notes which states the cards of the day go through, and that the page is still the one that was loaded.
const WATCHED: &str = "
    window.seen = [];
    const note = () => document.querySelectorAll('#cards > li').forEach(card => window.seen.push(card.dataset.state));
    new MutationObserver(note).observe(document.querySelector('#cards'), { subtree: true, childList: true, attributes: true });
    note();";

fn seen(page: &Page) -> Vec<String> {
    let states = page.run("return window.seen", &[]);
    let mut states: Vec<String> =
        states.as_array().expect("the page was loaded anew").iter().map(|s| s.as_str().unwrap().into()).collect();
    states.dedup();
    states
}

#[test]
fn a_day_goes_from_a_dropped_clip_to_an_approved_cut_without_a_command() {
    let desk = Desk::new();
    practice(&desk, "[review]\nrequire = \"all\"\n");
    let mut host = Host::start(&desk, &["--platforms", "x"]);
    let page = host.visit();
    assert_eq!(page.path(), "/", "the token stands in the address bar");
    page.see("#empty");
    assert_accessible(&page, "a day without clips");
    page.run(WATCHED, &[]);

    desk.drop_samples(&["razor-bumps.mov"]);
    page.wait_long("document.querySelector('#cards > li[data-state=needs-a-look] a.open')", WORK);
    page.see_no("#empty");
    let states = seen(&page);
    assert!(states.contains(&"transcribing".to_string()), "{states:?}");
    assert_accessible(&page, "a day with a clip");
    let listed = page.text("#cards > li");
    assert!(listed.contains("How do I get rid of razor bumps?"), "{listed}");

    host.ready(&page, "razor-bumps");
    page.click("#cards a.open");
    page.see("html[data-ready]");
    let heard = captions(&page).join(" ");
    assert!(heard.contains("salicylic acid"), "{heard}");
    assert_accessible(&page, "a clip");

    // A click on a word is a jump to it, and while it plays the words light up.
    let wanted = word(&page, "salicylic", 0);
    page.click(&wanted);
    let view = host.view(&page, "razor-bumps");
    let mut words =
        view["captions"].as_array().unwrap().iter().flat_map(|caption| caption["words"].as_array().unwrap());
    let start = words.find(|word| word["text"] == "salicylic").unwrap()["start"].as_f64().unwrap();
    page.wait(&format!("Math.abs(document.querySelector('#video').currentTime - {start}) < 0.2"));
    page.click("#play");
    page.wait("document.querySelector('.word.spoken')");
    page.wait(&format!("document.querySelector('#video').currentTime > {start} + 0.5"));
    page.click("#play");

    correct(&page, "salicylic", "Salicylic");
    until("the caption is on the disk", || host.captions("razor-bumps").join(" ").contains("Salicylic acid"));
    saved(&page);

    page.fill("#by", "Dana Reed");
    page.click("#approve");
    let id = host.card(&page, "razor-bumps")["id"].as_str().unwrap().to_string();
    page.go(host.origin());
    page.run(WATCHED, &[]);
    page.wait_long("document.querySelector('#cards > li[data-state=done]')", WORK);
    page.go(&format!("{}/clip/{id}", host.origin()));
    page.see("html[data-ready]");
    page.click("#tab-cuts");
    page.see("#cuts [data-cut=x] video");
    let cut = desk.out().join("x/razor-bumps.mp4");
    let about = describe(&cut);
    let seconds: f64 = about["format"]["duration"].as_str().unwrap().parse().unwrap();
    let played = page.promise(
        "const video = document.querySelector('#cuts [data-cut=x] video');
         video.muted = true;
         await video.play();
         video.pause();
         return { seconds: video.duration, width: video.videoWidth }",
    );
    assert!((played["seconds"].as_f64().unwrap() - seconds).abs() < 0.1, "{played} {seconds}");
    assert_eq!(played["width"], 240);
    assert!(page.text("#cuts [data-cut=x] .path").ends_with("x/razor-bumps.mp4"));
    assert_accessible(&page, "a clip with a cut");
    page.assert_quiet();

    let (code, said) = host.stop();
    assert_eq!(code, Some(0), "{said}");
    let status = desk.housecall(&["status", "--json"]);
    assert_eq!(status.code, 0, "{status:?}");
    assert!(status.out.contains("Dana Reed"), "{status:?}");
    let text = fs::read_to_string(desk.out().join("x/razor-bumps.srt")).unwrap();
    assert!(text.contains("Salicylic"), "{text}");
    assert_eq!(inbox_names(&desk), ["logo.png", "practice.toml", "questions.csv", "razor-bumps.mov"]);
}

fn inbox_names(desk: &Desk) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(desk.inbox()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// So many clips of a second, each with other bytes, whose words are given.
pub fn many(desk: &Desk, clips: usize) {
    let bytes = desk.clip(1);
    for n in 1..=clips {
        let name = format!("answer-{n:03}.mp4");
        desk.drop_file(&name, &noted(bytes.clone(), &name));
        say(desk, &name, &[(0.1, &format!("Part {n} is water and rest."))]);
    }
}

#[test]
fn a_day_of_a_hundred_clips_opens_in_under_a_second() {
    if !all() {
        return;
    }
    let desk = Desk::new();
    practice(&desk, "[review]\nrequire = \"all\"\n");
    many(&desk, 100);
    let mut host = Host::given(&desk);
    let page = host.visit();
    let every = "document.querySelectorAll('#cards > li[data-state=needs-a-look]').length === 100";
    page.wait_long(every, WORK * 3);
    // As on the next morning: everything is known, and the program has just begun.
    host.crash();
    host.again();
    let page = host.visit();
    page.wait_long(every, WORK);
    for _ in 0..5 {
        page.reload();
        page.wait(every);
        let times = "const [loaded] = performance.getEntriesByType('navigation');
            const painted = performance.getEntriesByName('first-contentful-paint')[0];
            return painted && [loaded.responseEnd, loaded.domContentLoadedEventEnd, painted.startTime]";
        page.wait("performance.getEntriesByName('first-contentful-paint')[0]?.startTime");
        let times = page.run(times, &[]);
        println!("100 clips: answer, document, first paint after {times} ms");
        assert!(times[2].as_f64().unwrap() < 1000.0, "{times}");
    }
    assert_accessible(&page, "a day of a hundred clips");
    page.assert_quiet();
}

#[test]
fn what_happens_meanwhile_is_seen_without_loading_the_page_again() {
    if !all() {
        return;
    }
    let desk = Desk::new();
    practice(&desk, "");
    say(&desk, "advice.mp4", &[(0.1, "Drink water and rest.")]);
    let host = Host::given(&desk);
    let page = host.visit();
    page.run(WATCHED, &[]);
    desk.drop_file("advice.mp4", &desk.clip(2));
    page.wait_long("document.querySelector('#cards > li[data-state=done]')", WORK);
    let states = seen(&page);
    assert!(states.contains(&"rendering".to_string()), "{states:?}");
    // Where the focus is stays where it is when a card changes.
    page.run("document.querySelector('#cards a.open').focus()", &[]);
    desk.drop_file("broken.mp4", b"nothing that a phone makes");
    page.wait_long("document.querySelectorAll('#cards > li').length === 2", WORK);
    assert_eq!(page.run("return document.activeElement.matches('#cards a.open')", &[]), Value::Bool(true));
    fs::remove_file(desk.inbox().join("advice.mp4")).unwrap();
    page.wait_long("document.querySelectorAll('#cards > li').length === 1", WORK);
    assert!(Path::new(&desk.out()).join("x").exists());
    seen(&page);
    page.assert_quiet();
}
