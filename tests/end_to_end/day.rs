//! A filming day behind its page, from dropped clips to published cuts: what a person sees, changes and decides, and what
//! lies in the output folder then.

use crate::common::desk::{Desk, small_x};
use housecall::config;
use housecall::fault::{Cancel, Fault};
use housecall::pipeline::Request;
use housecall::review::contract::{
    CardState, Choices, ClipCard, ClipView, Day, DayView, Decide, Mishearing, Refusal, Save, Told,
};
use housecall::review::day::{FilmingDay, Setup};
use housecall::speech::ModelFile;
use housecall::trace::Trace;
use housecall::worker::PATIENCE;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy computer.
const LONG: Duration = Duration::from_secs(300);

pub fn request(inbox: PathBuf, out: PathBuf) -> Result<Request, Fault> {
    let practice = config::load(&inbox.join("practice.toml"))?.with_platforms(&["x".to_string()])?;
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/starter.bin");
    Ok(Request {
        inbox,
        out,
        practice,
        defaults: None,
        model: ModelFile { name: "starter".into(), path: model, entry: None },
        transcripts: None,
        jobs: None,
        settle: Duration::ZERO,
        more_to_come: false,
        wait: false,
        looked: None,
        only: None,
        hold_back: false,
        trace: Trace::default(),
        program: env!("CARGO_BIN_EXE_housecall").into(),
        patience: PATIENCE,
    })
}

fn open(desk: &Desk) -> FilmingDay {
    let (inbox, out) = (desk.inbox(), desk.out());
    let setup = Setup { request: Box::new(move || request(inbox.clone(), out.clone())), listener: Box::new(|_| ()) };
    FilmingDay::open(setup, &Cancel::new()).unwrap()
}

fn card(day: &FilmingDay, name: &str) -> Option<ClipCard> {
    day.day().clips.into_iter().find(|card| card.name == name)
}

/// Waits until the card of that name is as it should be.
fn wait(day: &FilmingDay, name: &str, is: impl Fn(&ClipCard) -> bool) -> ClipCard {
    let began = Instant::now();
    loop {
        let now = card(day, name);
        if let Some(card) = now.as_ref().filter(|card| is(card)) {
            return card.clone();
        }
        assert!(began.elapsed() < LONG, "{now:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn texts(view: &ClipView) -> Vec<(f64, f64, String)> {
    let text = |caption: &housecall::review::contract::Caption| {
        caption.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    view.captions.iter().map(|caption| (caption.start, caption.end, text(caption))).collect()
}

fn decide(subject: &str) -> Decide {
    Decide { by: "Ana Silva".into(), note: None, subject: subject.into() }
}

fn conflict(refused: Result<ClipView, Refusal>) -> ClipView {
    match refused {
        Err(Refusal::Conflict(now)) => *now,
        other => panic!("{other:?}"),
    }
}

/// Cuts below the output folder, wherever they stand.
fn cuts(desk: &Desk) -> Vec<String> {
    let files = desk.files().into_keys().filter(|file| !file.starts_with(".housecall"));
    let cuts = files.filter(|file| file.extension().is_some_and(|extension| extension == "mp4"));
    cuts.map(|file| file.display().to_string()).collect()
}

#[test]
fn a_day_goes_from_dropped_clips_to_published_cuts() {
    let desk = Desk::new();
    desk.practice(&format!("{}[review]\nrequire = \"all\"\n", small_x()));
    desk.drop_samples(&["root-canal.m4v", "headache-medicine.mp4"]);
    let day = open(&desk);
    let told = day.told();

    // Both are read, and nothing is made before somebody looked.
    let first = wait(&day, "root-canal", |card| card.state == CardState::NeedsALook && card.view && card.cover);
    wait(&day, "headache-medicine", |card| card.state == CardState::NeedsALook && card.view);
    assert_eq!((cuts(&desk), first.reasons.len()), (Vec::<String>::new(), 1), "{first:?}");
    assert!(day.view(&first.id).unwrap().file.is_file() && day.cover(&first.id).unwrap().file.is_file());
    assert!(matches!(day.cut(&first.id, "x"), Err(Refusal::Unknown)));
    let states: Vec<CardState> = told
        .try_iter()
        .filter_map(|told| match told {
            Told::Card(card) if card.id == first.id => Some(card.state),
            _ => None,
        })
        .collect();
    assert!(states.contains(&CardState::Transcribing), "{states:?}");
    // Whoever else comes is told who is at work.
    let other = desk.batch("run", &[]);
    assert!(other.code == 1 && other.err.contains("housecall review"), "{} {}", other.code, other.err);

    // What the model misheard in one clip is looked for in the others, and learnt for all.
    let id = card(&day, "headache-medicine").unwrap().id;
    let view = day.clip(&id).unwrap();
    let word = view.captions[0].words[0].text.clone();
    let heard = Mishearing { heard: word.trim_matches(|c: char| !c.is_alphanumeric()).into(), meant: "Zog".into() };
    assert_eq!(day.elsewhere(&first.id, &heard).unwrap()[0].id, id);
    day.learn(&first.id, &heard, false).unwrap();
    let view = day.clip(&id).unwrap();
    assert!(view.captions[0].words[0].text.starts_with("Zog"), "{:?}", view.captions[0]);

    // A word is mended and the end chosen; whoever started from what was there before is refused, and so is an approval.
    let before = day.clip(&first.id).unwrap();
    assert!(before.looks.len() == 1 && !before.captions.is_empty() && before.held && !before.corrected);
    let mut captions = texts(&before);
    captions[0].2 = format!("Certainly {}", captions[0].2);
    let choices = Choices { end: Some(before.duration - 0.5), ..Choices::default() };
    let save =
        Save { version: before.version.clone(), captions: Some(captions.clone()), choices: Some(choices.clone()) };
    let after = day.save(&first.id, save.clone()).unwrap();
    assert_eq!((after.captions[0].words[0].text.as_str(), after.corrected), ("Certainly", true));
    assert_eq!((&after.choices, texts(&after).len()), (&choices, captions.len()));
    assert!(after.looks[0].duration < before.looks[0].duration && after.looks[0].cues[0].lines[0][0].0 == "Certainly");
    assert_eq!(day.save(&first.id, save.clone()).unwrap().version, after.version, "the same once more");
    let later = Save { choices: Some(Choices::default()), ..save };
    assert_eq!(conflict(day.save(&first.id, later)).version, after.version, "the later save is refused");
    assert_eq!(conflict(day.approve(&first.id, decide(&before.subject))).subject, after.subject);
    let nobody = Decide { by: "  ".into(), ..decide(&after.subject) };
    assert!(matches!(day.approve(&first.id, nobody), Err(Refusal::Wrong(_))));
    // What cannot be planned is not kept.
    let late = Choices { start: Some(5000.0), ..Choices::default() };
    let wrong = day.save(&first.id, Save { version: after.version.clone(), captions: None, choices: Some(late) });
    assert!(matches!(wrong, Err(Refusal::Wrong(_))), "{wrong:?}");
    assert_eq!(day.clip(&first.id).unwrap().version, after.version);
    let srt = fs::read_to_string(desk.out().join("transcripts/root-canal.srt")).unwrap();
    assert!(srt.contains("Certainly"), "{srt}");

    // Approved, it is made and published as it was seen, and the other one still waits.
    let picture = day.frame(&first.id, "x", 0.5).unwrap();
    assert!(picture.starts_with(&[0xFF, 0xD8]), "a JPEG");
    let approved = day.approve(&first.id, decide(&after.subject)).unwrap();
    assert!(!approved.held && approved.card.approved_by.as_deref() == Some("Ana Silva"));
    let done = wait(&day, "root-canal", |card| card.state == CardState::Done);
    assert_eq!(cuts(&desk), ["x/root-canal.mp4"]);
    assert!(Path::new(&done.cuts[0].path).is_file() && day.cut(&first.id, "x").unwrap().file.is_file());
    let beside = fs::read_to_string(desk.out().join("x/root-canal.srt")).unwrap();
    assert!(beside.starts_with("1\n") && beside.contains("Certainly"), "{beside}");

    // Taken back, nothing of it stands under the platform's name; approved again, nothing is made anew.
    let now = day.clip(&first.id).unwrap();
    assert!(day.hold(&first.id, decide(&now.subject)).unwrap().held);
    assert_eq!(cuts(&desk), ["held/x/root-canal.mp4"]);
    let made = fs::metadata(desk.out().join("held/x/root-canal.mp4")).unwrap().modified().unwrap();
    day.approve(&first.id, decide(&now.subject)).unwrap();
    wait(&day, "root-canal", |card| card.state == CardState::Done);
    assert_eq!(fs::metadata(desk.out().join("x/root-canal.mp4")).unwrap().modified().unwrap(), made);

    // Stopped while the second one is made, and begun again: the page knows both at once, and goes on.
    let view = day.clip(&id).unwrap();
    day.approve(&id, decide(&view.subject)).unwrap();
    wait(&day, "headache-medicine", |card| matches!(card.state, CardState::Rendering | CardState::Done));
    drop(day);
    let day = open(&desk);
    let states: Vec<CardState> = day.day().clips.iter().map(|card| card.state).collect();
    assert!(
        states.iter().all(|state| matches!(state, CardState::Done | CardState::Approved | CardState::Rendering)),
        "{states:?}"
    );
    wait(&day, "headache-medicine", |card| card.state == CardState::Done);
    wait(&day, "root-canal", |card| card.state == CardState::Done);
    assert_eq!(cuts(&desk), ["x/headache-medicine.mp4", "x/root-canal.mp4"]);

    // A clip that is taken away is no longer shown.
    fs::remove_file(desk.inbox().join("root-canal.m4v")).unwrap();
    let began = Instant::now();
    while card(&day, "root-canal").is_some() {
        assert!(began.elapsed() < LONG);
        thread::sleep(Duration::from_millis(50));
    }
    drop(day);
    let status = desk.housecall(&["status", "--json"]);
    let first = &status.lines()[0];
    assert!(first["state"] == "approved" && status.code == 0, "{}", status.out);
}

#[test]
fn a_day_of_one_practice_of_many_follows_what_holds_for_all() {
    let desk = Desk::new();
    let own = desk.inbox().join("alder");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("practice.toml"), "[practice]\nname = \"Alder\"\n").unwrap();
    // A clip that is none is known at once, and costs nothing.
    desk.drop_file("alder/none.mp4", b"no video at all");
    let defaults = desk.inbox().join("practice.toml");
    fs::write(&defaults, "[cuts]\nframing = \"fit\"\n").unwrap();
    let (out, of_all) = (desk.out().join("alder"), defaults.clone());
    let request = move || {
        let practice = config::load_under(&own.join("practice.toml"), Some(&of_all))?;
        Ok(Request { practice, defaults: Some(of_all.clone()), ..request(own.clone(), out.clone())? })
    };
    let setup = Setup { request: Box::new(request), listener: Box::new(|_| ()) };
    let day = FilmingDay::open(setup, &Cancel::new()).unwrap();
    let until = |what: &str, is: &dyn Fn(&DayView) -> bool| {
        let began = Instant::now();
        while !is(&day.day()) {
            assert!(began.elapsed() < LONG, "{what}: {:?}", day.day());
            thread::sleep(Duration::from_millis(50));
        }
    };
    until("it is looked at", &|day| day.clips.iter().any(|card| card.failed.is_some()));
    // Nothing in the practice's own folder changes.
    fs::write(&defaults, "[cuts]\nframing = \"zoom\"\n").unwrap();
    until("the mistake is told", &|day| day.problem.as_ref().is_some_and(|problem| problem.what.contains("zoom")));
    fs::write(&defaults, "[cuts]\nframing = \"fill\"\n").unwrap();
    until("it is put right", &|day| day.problem.is_none());
}
