//! Many practices on one computer, behind one page: they share it in turns, come and go, and keep apart.

use crate::common::desk::{Desk, samples, small_x};
use crate::day::request;
use housecall::centre::{Shape, Site};
use housecall::fault::Cancel;
use housecall::pipeline::{Event, Patience, Request, Stage, Tenure};
use housecall::review::contract::{PracticeRow, Practices, Refusal};
use housecall::review::day::Setup;
use housecall::review::roster::{self, Roster};
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy computer.
const LONG: Duration = Duration::from_secs(180);

/// A practice in a folder of its own, where somebody has to approve every clip.
fn settle_in(desk: &Desk, id: &str) {
    fs::create_dir(desk.inbox().join(id)).unwrap();
    let text = fs::read_to_string(samples().join("practice.toml")).unwrap();
    let text = format!("{text}\n[review]\nrequire = \"all\"\n{}", small_x());
    desk.drop_file(&format!("{id}/practice.toml"), text.as_bytes());
    desk.drop_file(&format!("{id}/logo.png"), &fs::read(samples().join("logo.png")).unwrap());
}

type Heard = Arc<Mutex<Vec<(String, Event)>>>;

fn open(desk: &Desk) -> (Roster, Heard) {
    let (inbox, out, said) = (desk.inbox(), desk.out(), desk.inbox().join("said"));
    let heard = Heard::default();
    let of_days = heard.clone();
    let root = move || match Shape::of(&inbox, &out, None)? {
        Shape::Many(centre) => Ok(centre),
        Shape::One(site) => panic!("{site:?}"),
    };
    let day = move |site: &Site| {
        let (site, said, heard) = (site.clone(), said.clone(), of_days.clone());
        let id = site.id.clone();
        let request = move || {
            let request = request(site.inbox.clone(), site.out.clone())?;
            Ok(Request { transcripts: Some(said.clone()), ..request })
        };
        let listener = move |event| heard.lock().unwrap().push((id.clone(), event));
        Setup { request: Box::new(request), listener: Box::new(listener) }
    };
    (Roster::open(roster::Setup { root: Box::new(root), day: Box::new(day) }, &Cancel::new()).unwrap(), heard)
}

/// Waits until the row of a practice is as it should be.
fn wait(roster: &Roster, id: &str, is: impl Fn(Option<&PracticeRow>) -> bool) {
    let began = Instant::now();
    loop {
        let centre = roster.centre();
        if is(centre.practices.iter().find(|row| row.id == id)) {
            return;
        }
        assert!(began.elapsed() < LONG, "{id}: {centre:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn practices_take_turns_come_and_go_and_keep_apart() {
    let desk = Desk::new();
    let said = desk.inbox().join("said");
    fs::create_dir(&said).unwrap();
    let clip = desk.clip(1);
    ["alder", "birch", "held"].iter().for_each(|id| settle_in(&desk, id));
    let drop_clip = |id: &str, name: &str| {
        // Each is another file, or what is known of one would be known of all.
        let clip = [&clip[..], &16_u32.to_be_bytes(), b"free", &name.as_bytes()[..8]].concat();
        desk.drop_file(&format!("{id}/{name}.mp4"), &clip);
        fs::write(said.join(name).with_extension("srt"), "1\n00:00:00,100 --> 00:00:00,900\nDrink water.\n").unwrap();
    };
    (0..9).for_each(|n| drop_clip("alder", &format!("alder-{n:02}")));
    drop_clip("birch", "birch-00");
    let cancel = Cancel::new();
    let patience = Patience { wait: false, cancel: &cancel, tell: &|_| () };
    let other = Tenure::take(&desk.out().join("held"), "run", &patience).unwrap();

    let (roster, heard) = open(&desk);
    // Who has one clip does not wait until who has many is done.
    wait(&roster, "birch", |row| row.is_some_and(|row| row.clips.look == 1));
    wait(&roster, "alder", |row| row.is_some_and(|row| row.clips.look == 9));
    let begun: Vec<String> = heard
        .lock()
        .unwrap()
        .iter()
        .filter_map(|(id, event)| match event {
            Event::Entered { stage: Stage::Probe, .. } => Some(id.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(begun.len(), 10, "each is read once: {begun:?}");
    let at = begun.iter().position(|id| id == "birch").unwrap();
    assert!(at <= 4, "{begun:?}");

    // Somebody else works for one: the row says who, and it is opened when they are done.
    wait(&roster, "held", |row| {
        row.is_some_and(|row| !row.open && row.problem.as_ref().is_some_and(|p| p.what.contains("housecall run on")))
    });
    assert!(matches!(roster.day("held"), Err(Refusal::Wrong(fault)) if fault.what().contains("housecall run on")));
    drop(other);
    wait(&roster, "held", |row| row.is_some_and(|row| row.open && row.problem.is_none()));

    // A clip is its practice's alone.
    let of_birch = roster.day("birch").unwrap().day().clips[0].id.clone();
    let alder = roster.day("alder").unwrap();
    assert!(matches!(alder.clip(&of_birch), Err(Refusal::Unknown)));
    assert!(matches!(alder.cover(&of_birch), Err(Refusal::Unknown)));
    assert!(roster.day("birch").unwrap().clip(&of_birch).is_ok());
    let words = housecall::review::contract::Mishearing { heard: "water".into(), meant: "tea".into() };
    let own = alder.day().clips[0].id.clone();
    let elsewhere = alder.elsewhere(&own, &words).unwrap();
    assert!(elsewhere.len() == 8 && elsewhere.iter().all(|clip| clip.name.starts_with("alder")), "{elsewhere:?}");
    alder.learn(&own, &words, true).unwrap();
    assert!(desk.out().join("alder/glossary.toml").is_file() && !desk.out().join("birch/glossary.toml").exists());
    drop(alder);

    // One comes, and one goes; its folder is free then.
    settle_in(&desk, "cedar");
    fs::rename(desk.inbox().join("birch"), desk.inbox().join(".birch")).unwrap();
    wait(&roster, "cedar", |row| row.is_some_and(|row| row.open));
    wait(&roster, "birch", |row| row.is_none());
    assert!(matches!(roster.day("birch"), Err(Refusal::Unknown)));
    let began = Instant::now();
    while Tenure::take(&desk.out().join("birch"), "run", &patience).is_err() {
        assert!(began.elapsed() < LONG, "birch is still held");
        std::thread::sleep(Duration::from_millis(50));
    }
    let began = Instant::now();
    drop(roster);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    // Nothing is held any more.
    Tenure::take(&desk.out().join("alder"), "run", &patience).unwrap();
}
