//! What is changed on the page is what lies on the disk, what a plan says, and what is burned in.

use super::all;
use super::axe::assert_accessible;
use super::clip::{captions, correct, saved, until, word};
use super::common::desk::Desk;
use super::common::ffmpeg;
use super::host::{Host, WORK, noted, practice, say};
use super::page::key;
use serde_json::Value;
use std::fs;

const SAID: [(f64, &str); 2] = [(0.2, "Drink water and rest for a day."), (3.0, "Call us in the morning.")];

#[test]
fn captions_are_split_joined_undone_and_done_again() {
    let desk = Desk::new();
    practice(&desk, "[review]\nrequire = \"all\"\n");
    desk.drop_file("advice.mp4", &desk.clip(5));
    say(&desk, "advice.mp4", &SAID);
    let host = Host::given(&desk);
    let page = host.visit();
    host.open(&page, "advice");
    super::modules::assert_computes(&page);
    let whole = captions(&page);
    assert_eq!(whole.join(" "), "Drink water and rest for a day. Call us in the morning.");
    let before = host.captions("advice");

    page.click(&word(&page, "rest", 0));
    page.click("#split");
    until("the caption is two", || host.captions("advice").contains(&"Drink water and".to_string()));
    let split = captions(&page);
    assert_eq!((split.len(), &split[1]), (whole.len() + 1, &"rest for a day.".to_string()));
    let times = times(&fs::read_to_string(host.file("advice", "srt")).unwrap());
    assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0) && times.iter().all(|(a, b)| a < b), "{times:?}");

    page.click(&word(&page, "rest", 0));
    page.click("#join");
    until("the caption is one again", || host.captions("advice").len() == before.len());
    assert_eq!(captions(&page), whole);

    correct(&page, "rest", "sleep well");
    until("the words are there", || host.captions("advice").join(" ").contains("and sleep well for"));
    for _ in 0..3 {
        page.chord(&[key::CONTROL], 'z');
    }
    until("all is as it was", || host.captions("advice") == before);
    assert_eq!(captions(&page), whole);
    page.click("#redo");
    page.click("#redo");
    page.chord(&[key::CONTROL, key::SHIFT], 'z');
    until("all is done again", || host.captions("advice").join(" ").contains("and sleep well for"));
    saved(&page);
    page.reload();
    page.see("html[data-ready]");
    assert_eq!(captions(&page).join(" "), "Drink water and sleep well for a day. Call us in the morning.");
    page.assert_quiet();
}

/// Start and end of each caption of an SRT file, as it writes them.
fn times(srt: &str) -> Vec<(String, String)> {
    let lines = srt.lines().filter_map(|line| line.split_once(" --> "));
    lines.map(|(start, end)| (start.to_string(), end.to_string())).collect()
}

#[test]
fn choices_reach_the_file_of_the_clip_its_plan_and_its_cut() {
    let desk = Desk::new();
    practice(&desk, "[review]\nrequire = \"all\"\n[cuts]\nframing = \"fill\"\nfollow = false\n");
    desk.drop_file("advice.mp4", &desk.clip(6));
    say(&desk, "advice.mp4", &[(1.0, "Drink water and rest for a day."), (3.6, "Call us in the morning.")]);
    let host = Host::given(&desk);
    let page = host.visit();
    host.open(&page, "advice");

    page.click("#tab-texts");
    page.fill("#question", "What helps against a cold?");
    page.fill("#hook", "A cold? Do this");
    // What X would not take is said beside the decision, and keeps nobody from it.
    page.fill("#post-x", &"a".repeat(287));
    page.wait("document.querySelector('#beyond').innerText.includes('Text on X is too long (287 of 280')");
    assert_eq!(page.run("return document.querySelector('#approve').disabled", &[]), false);
    assert_accessible(&page, "a text that is too long");
    let count = page.text("#count-x");
    page.fill("#post-x", "Rest, and drink water. \u{1F9D1}\u{200D}\u{2695}\u{FE0F}");
    page.wait(&format!("document.querySelector('#count-x').innerText.trim() !== {count:?}"));
    // A person with a stethoscope is one character to whoever counts them.
    assert!(page.text("#count-x").contains("24"), "{}", page.text("#count-x"));
    page.click("#tab-picture");
    page.fill("#start", "0.5");
    page.press(&key::TAB.to_string());
    page.click(&word(&page, "morning.", 0));
    page.click("#cover-here");
    until("all of it is on the disk", || {
        let choices = host.choices("advice");
        ["question", "hook", "start", "cover", "posts"].iter().all(|key| choices.contains_key(*key))
    });
    saved(&page);
    page.wait("document.querySelector('#beyond').hidden");
    let choices = host.choices("advice");
    assert_eq!(choices["question"].as_str(), Some("What helps against a cold?"));
    assert_eq!(choices["hook"].as_str(), Some("A cold? Do this"));
    assert_eq!(choices["start"].as_float(), Some(0.5));
    let cover = choices["cover"].as_float().unwrap();
    assert!((4.0..6.0).contains(&cover), "{choices}");
    let text = choices["posts"]["x"]["text"].as_str().unwrap();
    assert!(text.starts_with("Rest, and drink water. "), "{text}");

    let planned = desk.batch("plan", &["--platforms", "x", "--transcript", "inbox/said"]);
    assert_eq!(planned.code, 0, "{planned:?}");
    let plan: Value = planned.lines().into_iter().find(|plan| plan["name"] == "advice").unwrap();
    let recipe = &plan["cuts"][0]["recipe"];
    assert_eq!(recipe["kept"][0]["start"], 500_000, "{recipe}");
    assert!(recipe["script"].as_str().unwrap().contains("A cold?"), "{recipe}");
    let shown = plan["cover"]["kept"][0]["start"].as_f64().unwrap() / 1e6;
    assert!((shown - cover).abs() < 0.05, "{shown} {cover}");
    page.assert_quiet();
}

#[test]
fn what_a_crop_keeps_is_dragged_and_moved_by_keys() {
    if !all() {
        return;
    }
    let desk = Desk::new();
    // A picture that lies, on a canvas that stands.
    practice(&desk, "[review]\nrequire = \"all\"\n[cuts]\nframing = \"fill\"\n");
    desk.drop_file("advice.mp4", &desk.clip(3));
    say(&desk, "advice.mp4", &SAID[..1]);
    let host = Host::start(&desk, &["--platforms", "tiktok", "--transcript", "inbox/said"]);
    let page = host.visit();
    host.open(&page, "advice");
    page.click("#tab-picture");
    page.drag("#anchor", (-60, 0));
    until("the anchor is on the disk", || host.choices("advice").contains_key("anchor"));
    saved(&page);
    let across = |host: &Host| host.choices("advice")["anchor"][0].as_float().unwrap();
    let dragged = across(&host);
    assert!(dragged < 0.45, "{dragged}");
    page.run("document.querySelector('#anchor').focus()", &[]);
    page.press(&key::RIGHT.to_string());
    until("the anchor moved", || across(&host) > dragged);
    saved(&page);
    let planned = desk.batch("plan", &["--platforms", "tiktok", "--transcript", "inbox/said"]);
    let plan: Value = planned.lines().into_iter().find(|plan| plan["name"] == "advice").unwrap();
    let crop = &plan["cuts"][0]["recipe"]["placement"]["fill"]["crop"];
    let middle = (crop["x"].as_f64().unwrap() + crop["width"].as_f64().unwrap() / 2.0) / 320.0;
    let wanted = across(&host).max(crop["width"].as_f64().unwrap() / 640.0);
    assert!((middle - wanted).abs() < 0.02, "{crop} {wanted}");
    page.assert_quiet();
}

#[test]
fn a_mishearing_is_learnt_once_for_all_clips() {
    if !all() {
        return;
    }
    let desk = Desk::new();
    practice(&desk, "[review]\nrequire = \"all\"\n");
    for (clip, said) in [("one.mp4", "Take ibu profane with food."), ("two.mp4", "No ibu profane for babies.")] {
        desk.drop_file(clip, &noted(desk.clip(2), clip));
        say(&desk, clip, &[(0.2, said)]);
    }
    let host = Host::given(&desk);
    let page = host.visit();
    // A person was at the other clip before, so that what is learnt has to mend their captions.
    host.open(&page, "two");
    correct(&page, "babies.", "toddlers.");
    until("it is on the disk", || host.captions("two").join(" ").ends_with("toddlers."));
    saved(&page);
    host.open(&page, "one");
    // Two words become one.
    page.click(&word(&page, "ibu", 0));
    page.chord(&[key::SHIFT], key::RIGHT);
    page.press(&key::ENTER.to_string());
    page.see("input.edit");
    page.write("ibuprofen");
    page.press(&key::ENTER.to_string());
    until("it is mended", || host.captions("one").join(" ") == "Take ibuprofen with food.");
    page.press("g");
    page.see("#glossary[open]");
    assert_eq!((page.value("#heard"), page.value("#meant")), ("ibu profane".to_string(), "ibuprofen".to_string()));
    page.wait("document.querySelector('#elsewhere').innerText.includes('two')");
    super::axe::assert_accessible(&page, "the glossary");
    page.click("#learn-fix");
    page.see_no("#glossary[open]");
    let learnt = fs::read_to_string(desk.out().join("glossary.toml")).unwrap();
    assert_eq!(learnt.parse::<toml::Table>().unwrap()["replace"]["ibu profane"].as_str(), Some("ibuprofen"));
    host.open(&page, "two");
    until("the other clip is mended", || host.captions("two").join(" ") == "No ibuprofen for toddlers.");
    assert_eq!(captions(&page).join(" "), "No ibuprofen for toddlers.");
    page.assert_quiet();
}

#[test]
fn what_is_seen_is_what_is_burned() {
    if !all() {
        return;
    }
    let desk = Desk::new();
    practice(&desk, "[review]\nrequire = \"all\"\n[hook]\nseconds = 0.5\n");
    desk.drop_file("advice.mp4", &desk.clip(5));
    say(&desk, "advice.mp4", &SAID);
    let host = Host::given(&desk);
    let page = host.visit();
    host.open(&page, "advice");
    let at = host.view(&page, "advice")["looks"][0]["cues"][0]["start"].as_f64().unwrap() + 0.6;
    let id = host.card(&page, "advice")["id"].as_str().unwrap().to_string();
    // The picture that the page lays over the stage while the clip stands still.
    page.click(&word(&page, "and", 0));
    page.wait_long("document.querySelector('#frames .shown, #frame.shown')", WORK);
    let jpeg = page.promise(&format!(
        "const answer = await fetch('/media/{id}/frame?platform=x&at={at}');
         const bytes = new Uint8Array(await answer.arrayBuffer());
         return btoa(String.fromCharCode(...bytes))"
    ));
    let folder = tempfile::tempdir().unwrap();
    let preview = folder.path().join("preview.jpg");
    use base64::Engine;
    fs::write(&preview, base64::engine::general_purpose::STANDARD.decode(jpeg.as_str().unwrap()).unwrap()).unwrap();
    page.fill("#by", "Dana Reed");
    page.click("#approve");
    let cut = desk.out().join("x/advice.mp4");
    until("the cut is there", || cut.exists());
    let burned = folder.path().join("burned.png");
    ffmpeg(&["-ss", &format!("{at:.3}"), "-i", cut.to_str().unwrap(), "-frames:v", "1", burned.to_str().unwrap()]);
    let (preview, burned) = (image::open(preview).unwrap().to_luma8(), image::open(burned).unwrap().to_luma8());
    assert_eq!(preview.dimensions(), burned.dimensions());
    let apart: u64 =
        preview.iter().zip(burned.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>() / preview.len() as u64;
    // The letters: what is bright in both, as a share of what is bright in one of them.
    let bright = |luma: &u8| *luma > 200;
    let (mut both, mut one) = (0, 0);
    for (ours, theirs) in preview.iter().zip(burned.iter()) {
        both += usize::from(bright(ours) && bright(theirs));
        one += usize::from(bright(ours) || bright(theirs));
    }
    println!("mean difference {apart} of 255, {both} bright pixels of {one} are the same");
    assert!(apart < 8, "{apart}");
    assert!(both > 200 && both * 10 > one * 7, "{both} of {one}");
    page.assert_quiet();
}
