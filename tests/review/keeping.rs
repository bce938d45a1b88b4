//! Nothing that was typed is lost: the page is loaded again, its tab is closed, the program crashes while it saves.

use super::all;
use super::clip::{captions, correct, saved, until};
use super::common::desk::Desk;
use super::common::torture::Dice;
use super::host::{Host, practice, say};
use super::page::Page;
use std::time::Duration;

fn desk() -> Desk {
    let desk = Desk::new();
    practice(&desk, "[review]\nrequire = \"all\"\n");
    desk.drop_file("advice.mp4", &desk.clip(3));
    say(&desk, "advice.mp4", &[(0.2, "Drink water and rest.")]);
    desk
}

/// Complaints of a browser whose server is away.
const AWAY: [&str; 3] = ["ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE_CHUNKED"];

#[test]
fn a_crash_while_saving_loses_nothing() {
    let desk = desk();
    let mut host = Host::given(&desk);
    let mut page = host.visit();
    page.expect(&AWAY);
    host.open(&page, "advice");

    // It is on its way and nobody has taken it when the program dies. A page that stays open waits for the next one.
    host.freeze();
    correct(&page, "rest.", "sleep.");
    page.see("#saved[data-saved=saving]");
    host.crash();
    page.see("#saved[data-saved=failed]");
    let (origin, sign_in) = (host.origin().to_string(), host.sign_in.clone());
    host.again();
    assert_eq!(host.origin(), origin, "a page that is open finds the program no more");
    assert_eq!(host.sign_in, sign_in, "a page that is open is not let in any more");
    until("it is saved", || host.captions("advice").join(" ") == "Drink water and sleep.");
    saved(&page);

    // A tab that is closed meanwhile has it when it is opened again.
    host.freeze();
    correct(&page, "water", "tea");
    page.see("#saved[data-saved=saving]");
    page.go("about:blank");
    host.crash();
    host.again();
    page.go(&host.sign_in);
    host.open(&page, "advice");
    bring_back(&page);
    until("it is saved", || host.captions("advice").join(" ") == "Drink tea and sleep.");
    assert_eq!(captions(&page).join(" "), "Drink tea and sleep.");
    saved(&page);
    // What was taken up is not offered again.
    page.reload();
    page.see("html[data-ready]");
    page.see_no("#draft");
    page.assert_quiet();
}

fn bring_back(page: &Page) {
    page.see("html[data-ready]");
    page.see("#draft");
    super::axe::assert_accessible(page, "changes that were not saved");
    page.click("#draft-restore");
    page.see_no("#draft");
}

/// Brings back what is offered, if anything is; the offer goes by itself when what it has arrives meanwhile.
fn accept(page: &Page) {
    page.run(
        "if (document.querySelector('#draft').checkVisibility()) document.querySelector('#draft-restore').click()",
        &[],
    );
}

#[test]
fn a_crash_at_any_moment_of_a_save_loses_nothing() {
    if !all() {
        return;
    }
    let desk = desk();
    let mut host = Host::given(&desk);
    let mut page = host.visit();
    page.expect(&AWAY);
    // What it took just before it died is there before the page brings it back.
    page.expect(&["409"]);
    host.open(&page, "advice");
    let mut dice = Dice::new("review");
    let mut last = "rest.".to_string();
    for n in 1..=20 {
        let next = format!("rest{n}.");
        correct(&page, &last, &next);
        std::thread::sleep(dice.within(Duration::from_millis(600)));
        host.crash();
        host.again();
        page.go(&host.sign_in);
        host.open(&page, "advice");
        accept(&page);
        let wanted = format!("Drink water and {next}");
        until("it is saved", || host.captions("advice").join(" ") == wanted);
        assert_eq!(captions(&page).join(" "), wanted);
        saved(&page);
        last = next;
    }
    page.assert_quiet();
}

#[test]
fn a_tab_that_is_closed_at_once_has_saved() {
    if !all() {
        return;
    }
    let desk = desk();
    let host = Host::given(&desk);
    let mut page = host.visit();
    // What the closing tab sent may be there before what the new one brings back.
    page.expect(&["409"]);
    host.open(&page, "advice");
    for (from, to) in [("rest.", "sleep."), ("water", "tea")] {
        correct(&page, from, to);
        page.go("about:blank");
        page.go(&host.sign_in);
        host.open(&page, "advice");
        accept(&page);
        until("it is saved", || host.captions("advice").join(" ").contains(to));
        // Nobody is asked to choose between what they wrote and what they wrote.
        saved(&page);
        page.see_no("#conflict[open]");
        assert!(captions(&page).join(" ").contains(to), "{:?}", captions(&page));
    }
    page.assert_quiet();
}
