#![allow(clippy::unwrap_used)]

use super::super::contract::*;
use super::*;
use scraper::{ElementRef, Html, Selector};
use std::collections::HashSet;

const ALONE: Place = Place { base: "", practice: "Alder Lane Clinic" };
const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&<!--";

fn clip_card(id: &str, state: CardState) -> ClipCard {
    ClipCard {
        id: id.into(),
        name: format!("clip-{id}"),
        file: format!("{id}.mov"),
        question: None,
        state,
        progress: None,
        duration: Some(31.4),
        holds: 0,
        notes: 0,
        reasons: Vec::new(),
        approved_by: None,
        failed: None,
        cover: false,
        view: false,
        cuts: Vec::new(),
    }
}

fn day(clips: Vec<ClipCard>) -> DayView {
    let (practice, inbox, out) = ("Alder Lane Clinic".into(), "Answers".into(), "/cuts".into());
    DayView { practice, inbox, out, problem: None, clips }
}

fn view(card: ClipCard) -> ClipView {
    let word = |text: &str| WordView {
        text: text.into(),
        start: 0.5,
        end: 0.9,
        marks: vec![MarkKind::Unsure],
        findings: Vec::new(),
    };
    ClipView {
        card,
        version: "v1".into(),
        subject: "s1".into(),
        duration: 31.4,
        displayed: (1080, 1920),
        captions: vec![Caption { start: 0.5, end: 2.0, words: vec![word("Hello"), word(HOSTILE)] }],
        corrected: false,
        findings: Vec::new(),
        choices: Choices::default(),
        defaults: Choices::default(),
        posts: Vec::new(),
        looks: Vec::new(),
        skipped: vec![("X".into(), HOSTILE.into())],
        remarks: Vec::new(),
        held: true,
    }
}

/// A card in which every text that comes from elsewhere is hostile.
fn hostile_card() -> ClipCard {
    let problem = Problem { what: HOSTILE.into(), advice: HOSTILE.into() };
    let cut = CutCard {
        platform: "tiktok".into(),
        platform_name: HOSTILE.into(),
        path: HOSTILE.into(),
        bytes: 1,
        duration: 1.0,
        failed: Some(problem.clone()),
    };
    ClipCard {
        name: HOSTILE.into(),
        file: HOSTILE.into(),
        question: Some(HOSTILE.into()),
        reasons: vec![HOSTILE.into()],
        approved_by: Some(HOSTILE.into()),
        failed: Some((HOSTILE.into(), problem)),
        cuts: vec![cut],
        ..clip_card("00ff", CardState::NeedsALook)
    }
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(page: &Html, selector: &str) -> String {
    all(page, selector).iter().flat_map(|element| element.text()).collect()
}

/// Every page there is, with hostile words wherever somebody's words go.
fn pages() -> Vec<String> {
    let mut hostile = day(vec![hostile_card()]);
    (hostile.practice, hostile.inbox, hostile.out) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
    hostile.problem = Some(Problem { what: HOSTILE.into(), advice: HOSTILE.into() });
    let neighbour = hostile_card();
    vec![
        day_page(&hostile, ""),
        day_page(&day(Vec::new()), ""),
        clip_page(&view(hostile_card()), Some(&neighbour), Some(&neighbour), &ALONE),
        sign_in_page(true),
        refused_page(HOSTILE, HOSTILE),
    ]
}

#[test]
fn no_page_has_script_or_style_of_its_own_and_no_text_becomes_one() {
    for source in pages() {
        let page = Html::parse_document(&source);
        for script in all(&page, "script") {
            let is_data = script.attr("type") == Some("application/json");
            let is_asset =
                script.attr("src").is_some_and(|src| src.starts_with("/assets/")) && script.inner_html().is_empty();
            assert!(is_data || is_asset, "{}", script.html());
        }
        assert!(all(&page, "style, [style], base, iframe, object").is_empty());
        assert!(all(&page, "img[src=x]").is_empty());
        for element in all(&page, "*") {
            assert!(element.value().attrs().all(|(name, _)| !name.starts_with("on")), "{}", element.html());
            for address in ["src", "href", "action"].iter().filter_map(|name| element.attr(name)) {
                assert!(address.is_empty() || address.starts_with('/') || address.starts_with('#'), "{address}");
            }
        }
    }
}

#[test]
fn ids_are_there_once_and_whatever_names_one_finds_it() {
    for source in pages() {
        let page = Html::parse_document(&source);
        let mut ids = HashSet::new();
        for element in all(&page, "[id]") {
            assert!(ids.insert(element.attr("id").unwrap()), "{} is there twice", element.attr("id").unwrap());
        }
        let names = ["for", "aria-labelledby", "aria-describedby", "aria-controls"];
        for element in all(&page, "*") {
            for id in names.iter().filter_map(|name| element.attr(name)).flat_map(str::split_whitespace) {
                assert!(ids.contains(id), "nothing has the id {id}");
            }
            if let Some(id) = element.attr("href").and_then(|href| href.strip_prefix('#')) {
                assert!(ids.contains(id), "nothing has the id {id}");
            }
        }
    }
}

#[test]
fn every_control_has_a_name_and_every_page_a_language_a_title_and_one_heading() {
    for source in pages() {
        let page = Html::parse_document(&source);
        assert_eq!(all(&page, "html[lang=en]").len(), 1);
        assert!(!text(&page, "title").trim().is_empty());
        assert_eq!(all(&page, "h1").len(), 1);
        assert_eq!(all(&page, "main").len(), 1);
        let labelled: HashSet<_> = all(&page, "label[for]").iter().filter_map(|label| label.attr("for")).collect();
        let inside: HashSet<_> = all(&page, "label input, label select").iter().map(|control| control.id()).collect();
        for control in all(&page, "button, a, input, select, textarea") {
            let own = control.text().collect::<String>();
            let named = !own.trim().is_empty() || control.attr("aria-label").is_some_and(|name| !name.is_empty());
            let has_label =
                control.attr("id").is_some_and(|id| labelled.contains(id)) || inside.contains(&control.id());
            assert!(named || has_label, "{} has no name", control.html());
        }
        assert!(all(&page, "img").iter().all(|picture| picture.attr("alt").is_some()));
    }
}

#[test]
fn the_clip_comes_out_of_its_page_as_it_went_in() {
    let view = view(hostile_card());
    let page = Html::parse_document(&clip_page(&view, None, None, &ALONE));
    let json = all(&page, "script#clip")[0].text().collect::<String>();
    assert!(!json.contains(['<', '>', '&']), "{json}");
    assert_eq!(serde_json::from_str::<ClipView>(&json).unwrap(), view);
    assert_eq!(text(&page, "h1"), HOSTILE);
    assert!(all(&page, "#next, #previous").is_empty());
}

#[test]
fn the_page_of_a_clip_leads_to_its_neighbours() {
    let (next, previous) = (clip_card("aa", CardState::Done), clip_card("bb", CardState::NeedsALook));
    let page =
        Html::parse_document(&clip_page(&view(clip_card("cc", CardState::Done)), Some(&next), Some(&previous), &ALONE));
    assert_eq!(all(&page, "#next")[0].attr("href"), Some("/clip/aa"));
    assert_eq!(all(&page, "#previous")[0].attr("aria-label"), Some("Previous clip: clip-bb"));
    assert_eq!(all(&page, "body")[0].attr("data-clip"), Some("cc"));
    assert_eq!(all(&page, "#state")[0].attr("data-state"), Some("done"));
}

#[test]
fn the_day_counts_what_needs_a_look_and_leads_to_it() {
    let states =
        [CardState::Done, CardState::NeedsALook, CardState::Rendering, CardState::NeedsALook, CardState::Failed];
    let cards = states.iter().enumerate().map(|(i, state)| clip_card(&format!("{i:02}"), *state)).collect();
    let page = Html::parse_document(&day_page(&day(cards), ""));
    assert_eq!(text(&page, "#needs"), "2 of 5 need a look");
    assert_eq!(all(&page, "#next-look")[0].attr("href"), Some("/clip/01"));
    let counts: Vec<_> = all(&page, "[data-count]").iter().map(|b| b.text().collect::<String>()).collect();
    assert_eq!(counts, ["5", "2", "1", "1", "1"]);
    let shown: Vec<_> = all(&page, "#cards > li").iter().map(|card| card.attr("data-state").unwrap()).collect();
    assert_eq!(shown, ["done", "needs-a-look", "rendering", "needs-a-look", "failed"]);
    assert!(all(&page, "#empty")[0].attr("hidden").is_some());
}

#[test]
fn an_empty_day_says_what_to_do() {
    let page = Html::parse_document(&day_page(&day(Vec::new()), ""));
    assert!(all(&page, "#empty")[0].attr("hidden").is_none());
    assert!(text(&page, "#empty").contains("Answers"));
    assert!(all(&page, "#day")[0].attr("hidden").is_some() && all(&page, "#next-look")[0].attr("hidden").is_some());
}

#[test]
fn a_card_shows_what_its_clip_is_at() {
    let read = |card: &ClipCard| Html::parse_fragment(&super::card(card, ""));
    let held = ClipCard {
        question: Some("Can I take both?".into()),
        holds: 1,
        notes: 2,
        reasons: vec!["a dose was named".into()],
        ..clip_card("aa", CardState::NeedsALook)
    };
    let page = read(&held);
    assert_eq!(text(&page, "a.open"), "Can I take both?");
    assert_eq!(all(&page, "a.open")[0].attr("href"), Some("/clip/aa"));
    assert_eq!(text(&page, ".state"), "Needs a look");
    assert_eq!(text(&page, ".flags"), "1 must be looked at, 2 worth checking");
    assert_eq!(text(&page, ".reasons"), "a dose was named");
    assert!(text(&page, ".file").ends_with("0:31"));
    assert!(all(&page, "img").is_empty());

    let being_read = ClipCard { progress: Some(0.416), cover: true, ..clip_card("bb", CardState::Transcribing) };
    let page = read(&being_read);
    assert!(all(&page, "a").is_empty(), "there is nothing to open yet");
    assert_eq!(all(&page, "progress")[0].attr("value"), Some("42"));
    assert_eq!(all(&page, "img")[0].attr("src"), Some("/media/bb/cover"));

    let problem = Problem { what: "the file ends in the middle".into(), advice: "copy it again".into() };
    let failed =
        ClipCard { failed: Some(("probe".into(), problem)), duration: None, ..clip_card("cc", CardState::Failed) };
    let page = read(&failed);
    assert_eq!(text(&page, ".failure strong"), "The file ends in the middle.");
    assert!(
        text(&page, ".failure").contains("Copy it again.") && text(&page, ".failure").contains("(while reading it)")
    );
    assert!(all(&page, "a").is_empty());
}

#[test]
fn a_hundred_clips_are_a_page_at_once() {
    let cards = (0..100).map(|i| clip_card(&format!("{i:016x}"), CardState::NeedsALook)).collect();
    let page = day_page(&day(cards), "");
    assert_eq!(page.matches("<li class=\"card\"").count(), 100);
    assert!(page.len() < 120_000, "{}", page.len());
}

#[test]
fn whoever_is_refused_reads_what_to_do() {
    let page = Html::parse_document(&refused_page("there is no such clip", "it may have been taken out of the folder"));
    assert_eq!(text(&page, "h1"), "There is no such clip.");
    assert!(text(&page, "main").contains("It may have been taken out of the folder."));
    assert_eq!(all(&Html::parse_document(&sign_in_page(false)), "[role=alert]").len(), 0);
    assert!(text(&Html::parse_document(&sign_in_page(true)), "[role=alert]").contains("not valid any more"));
}

fn practice(id: &str, clips: Counts) -> PracticeRow {
    PracticeRow { id: id.into(), name: format!("Practice {id}"), open: true, problem: None, clips }
}

#[test]
fn practices_that_need_somebody_come_first_and_lead_to_their_day() {
    let counts = |look, work, done, failed| Counts { all: look + work + done + failed, look, work, done, failed };
    let problem = Problem { what: "another Housecall is working on it".into(), advice: "wait".into() };
    let shut = PracticeRow { open: false, problem: Some(problem), ..practice("held", Counts::default()) };
    let practices = vec![
        practice("a done", counts(0, 0, 3, 0)),
        practice("b work", counts(0, 2, 1, 0)),
        practice("c look", counts(2, 1, 1, 0)),
        practice("d failed", counts(0, 0, 0, 1)),
        shut,
        PracticeRow { open: false, ..practice("e soon", Counts::default()) },
        PracticeRow { name: HOSTILE.into(), ..practice("f <b>", Counts::default()) },
    ];
    let centre = CentreView { root: "Centre".into(), practices, problem: None, strays: vec![HOSTILE.into()] };
    let written = centre_page(&centre);
    assert!(!written.contains("<script>alert") && !written.contains("<img src"), "{written}");
    let page = Html::parse_document(&written);
    let ids: Vec<&str> =
        all(&page, "li.practice").iter().map(|row| row.value().attr("data-practice").unwrap()).collect();
    assert_eq!(ids, ["held", "c look", "d failed", "b work", "e soon", "a done", "f <b>"]);
    assert_eq!(text(&page, "#needs"), "2 of 11 need a look");
    assert_eq!(text(&page, "#many"), "7 practices");
    assert!(text(&page, "li[data-practice=held]").contains("Another Housecall is working on it."));
    let links: Vec<&str> = all(&page, "a.open").iter().map(|link| link.value().attr("href").unwrap()).collect();
    assert_eq!(links, ["/p/c%20look/", "/p/d%20failed/", "/p/b%20work/", "/p/a%20done/", "/p/f%20%3Cb%3E/"]);
    assert!(text(&page, "#about-root").contains("alert(1)"));
    // A row alone is the same element.
    assert!(written.contains(&row(&centre.practices[0])));
}

#[test]
fn every_link_of_a_practice_among_many_stays_with_it() {
    let base = "/p/a%20b";
    let cards =
        vec![ClipCard { cover: true, ..clip_card("aa", CardState::NeedsALook) }, clip_card("bb", CardState::Done)];
    let place = Place { base, practice: "Alder Lane Clinic" };
    let (before, after) = (clip_card("cc", CardState::Done), clip_card("dd", CardState::Done));
    let clip = clip_page(&view(clip_card("aa", CardState::Done)), Some(&after), Some(&before), &place);
    for (written, base_of_page) in [(day_page(&day(cards), base), "day"), (clip, "clip")] {
        let page = Html::parse_document(&written);
        let body = all(&page, "body")[0].value();
        assert_eq!((body.attr("data-base"), body.attr("data-page")), (Some(base), Some(base_of_page)));
        for element in all(&page, "a, img, video") {
            let address = element.value().attr("href").or(element.value().attr("src")).unwrap_or("#");
            let ours = address.starts_with('#') || address == "/" || address.starts_with("/p/a%20b/");
            assert!(ours, "{address}");
        }
    }
}
