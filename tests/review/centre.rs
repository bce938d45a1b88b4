//! Many practices behind one page: what is decided in one leaves the others as they are.

use super::axe::assert_accessible;
use super::clip::until;
use super::common::desk::{Desk, samples, small};
use super::host::{Host, eventually, say};
use super::page::Page;
use std::fs;

/// A root with two practices that have a clip of the same name each, and one whose settings are wrong.
fn desk() -> Desk {
    let desk = Desk::new();
    let settings = fs::read_to_string(samples().join("practice.toml")).unwrap();
    let x = small("x", &[(426, 240), (240, 426)]);
    for (folder, name) in [("alder", "Alder Lane Clinic"), ("birch", "Birch Street Surgery")] {
        fs::create_dir(desk.inbox().join(folder)).unwrap();
        let own = settings
            .lines()
            .map(|line| if line.starts_with("name = ") { format!("name = \"{name}\"") } else { line.to_string() });
        let own = own.collect::<Vec<_>>().join("\n");
        let text = format!("{own}\n[review]\nrequire = \"all\"\n[end_card]\nseconds = 0.5\n{x}");
        desk.drop_file(&format!("{folder}/practice.toml"), text.as_bytes());
        desk.drop_file(&format!("{folder}/logo.png"), &fs::read(samples().join("logo.png")).unwrap());
        desk.drop_file(&format!("{folder}/advice.mp4"), &desk.clip(2));
    }
    fs::create_dir(desk.inbox().join("cedar")).unwrap();
    desk.drop_file("cedar/practice.toml", b"[practice]\nnmae = \"Cedar\"\n");
    say(&desk, "advice.mp4", &[(0.2, "Drink water and rest.")]);
    desk
}

/// What the list says of a practice.
fn row(page: &Page, id: &str) -> String {
    page.text(&format!("#practices > li[data-practice={id}]"))
}

#[test]
fn practices_stand_beside_each_other_and_leave_each_other_alone() {
    let desk = desk();
    let host = Host::given(&desk);
    let mut page = Page::new();
    page.go(&host.sign_in);
    page.see("body[data-page=centre]");
    page.see("html[data-ready]");
    // Live, without loading the page again.
    for id in ["alder", "birch"] {
        let row = format!("#practices > li[data-practice={id}][data-state=needs-a-look]");
        page.wait_long(&format!("document.querySelector('{row}')"), super::host::WORK);
    }
    assert!(row(&page, "alder").contains("Alder Lane Clinic") && row(&page, "alder").contains("1 of 1 needs a look"));
    assert!(row(&page, "cedar").contains("nmae"), "{}", row(&page, "cedar"));
    assert_eq!(page.run("return document.querySelector('#practices > li').dataset.practice", &[]), "cedar");
    assert_accessible(&page, "the practices");
    pictures(&mut page, "centre");
    page.fill("#find", "birch");
    page.wait("document.querySelector('[data-practice=alder]').hidden");

    // The same name in both, so the same digits in both addresses.
    page.go(&format!("{}/p/alder/", host.origin()));
    page.see("body[data-page=day]");
    let clips = "(await (await fetch('/p/alder/api/day')).json()).clips";
    let id = eventually(&page, &format!("({clips}).find(c => c.view && c.state === 'needs-a-look')?.id"));
    let id = id.as_str().unwrap();
    assert_accessible(&page, "the day of a practice");
    pictures(&mut page, "centre-day");
    page.go(&format!("{}/p/alder/clip/{id}", host.origin()));
    page.see("html[data-ready]");
    assert!(page.text("header").contains("Alder Lane Clinic"));
    page.see("#video");
    page.wait("document.querySelector('#video').readyState > 0");
    // A draft stays with its practice.
    page.promise("const { keepDraft } = await import('/assets/drafts.js'); keepDraft('x', { version: '1', captions: null, choices: {} })");
    assert_eq!(
        page.run("return Object.keys(localStorage).filter(key => key.includes('draft')).join()", &[]),
        "housecall:draft:/p/alder:x"
    );
    page.fill("#by", "Dana Reed");
    page.click("#approve");
    let alder =
        |what: &str| page.promise(&format!("return (await (await fetch('/p/alder/api/day')).json()).clips[0].{what}"));
    let birch =
        |what: &str| page.promise(&format!("return (await (await fetch('/p/birch/api/day')).json()).clips[0].{what}"));
    until("its cut is made", || alder("state") == "done");
    assert_eq!(alder("approved_by"), "Dana Reed");
    assert_eq!((birch("state"), birch("approved_by")), ("needs-a-look".into(), serde_json::Value::Null));
    assert_eq!(birch("id"), id);
    assert!(desk.out().join("alder/x/advice.mp4").is_file());
    assert!(!desk.out().join("birch/x").exists() && !desk.out().join("x").exists());

    // A practice that comes is there by itself, and so is one that is put right.
    let text = fs::read_to_string(desk.inbox().join("alder/practice.toml")).unwrap();
    desk.drop_file("cedar/practice.toml", text.replace("Alder Lane Clinic", "Cedar House").as_bytes());
    desk.drop_file("cedar/logo.png", &fs::read(samples().join("logo.png")).unwrap());
    page.go(host.origin());
    page.wait_long(
        "document.querySelector('[data-practice=cedar]')?.innerText.includes('Cedar House')",
        super::host::WORK,
    );
    assert!(row(&page, "alder").contains("All done"), "{}", row(&page, "alder"));
    page.assert_quiet();
}

/// What is shown, at two widths, in light and in dark, where pictures are asked for.
fn pictures(page: &mut Page, name: &str) {
    let Some(folder) = std::env::var_os("HOUSECALL_CENTRE_PICTURES").map(std::path::PathBuf::from) else { return };
    for (width, height) in [(1280, 800), (390, 800)] {
        page.resize(width, height);
        for (dark, look) in [(false, "light"), (true, "dark")] {
            page.dark(dark);
            page.promise("await new Promise(end => requestAnimationFrame(() => requestAnimationFrame(end)))");
            page.keep_picture(&folder.join(format!("{name}-{width}-{look}.png")));
        }
    }
    page.dark(false);
    page.resize(1280, 800);
}
