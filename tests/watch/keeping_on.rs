//! A watch that goes on: over drives that come and go, beside ten thousand files that are no clips, for hours; and ends
//! when it is asked to.

use crate::watching::{Watching, is_torture, other, quick_desk, tiny};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(60);

/// Three that mostly wait, at the same time.
#[test]
fn a_watch_goes_on_at_little_cost_and_ends_well() {
    thread::scope(|scope| {
        scope.spawn(a_drive_that_goes_away_is_told_of_once_and_nothing_is_made_anew_when_it_is_back);
        scope.spawn(ten_thousand_files_that_are_no_clips_cost_next_to_nothing);
        scope.spawn(whatever_asks_it_to_end_it_ends_soon_and_well);
    });
}

fn a_drive_that_goes_away_is_told_of_once_and_nothing_is_made_anew_when_it_is_back() {
    let desk = quick_desk();
    // The settings lie elsewhere, as on a real drive they need not.
    desk.drop_file("skin.mp4", &tiny(&[]));
    let watching = Watching::start(&desk);
    watching.until("the clip", SOON, |w| w.made("skin") == 1);
    let away = desk.inbox().with_file_name("away");
    fs::rename(desk.inbox(), &away).unwrap();
    watching.until("its absence is told", SOON, |w| w.notes("there is no folder") == 1);
    // A drive that is not mounted leaves its folder, which is empty.
    fs::create_dir(desk.inbox()).unwrap();
    watching.until("the empty folder is told of", SOON, |w| w.notes("has no clips any more") == 1);
    thread::sleep(Duration::from_secs(3));
    fs::remove_dir(desk.inbox()).unwrap();
    fs::rename(&away, desk.inbox()).unwrap();
    desk.drop_file("bumps.mp4", &other(&tiny(&[]), 1));
    watching.until("the next clip", SOON, |w| w.made("bumps") == 1);
    assert_eq!(watching.made("skin"), 1, "{:#?}", watching.told());
    assert!(watching.notes("there is no folder") <= 2 && watching.notes("has no clips any more") == 1);
    assert!(desk.out().join("x/skin.mp4").is_file());
    let report = || fs::read_to_string(desk.out().join("report.html")).unwrap();
    watching.until("both are in the report", SOON, |_| report().contains("skin") && report().contains("bumps"));
}

fn ten_thousand_files_that_are_no_clips_cost_next_to_nothing() {
    let desk = quick_desk();
    for number in 0..10_000 {
        let end = ["jpg", "txt", "pdf", "json"][number % 4];
        fs::write(desk.inbox().join(format!("scan-{number}.{end}")), "x").unwrap();
    }
    let watching = Watching::start(&desk);
    thread::sleep(Duration::from_secs(3));
    let (before, began) = (watching.usage().cpu, Instant::now());
    thread::sleep(Duration::from_secs(8));
    let (took, passed) = (watching.usage().cpu - before, began.elapsed());
    println!("{took:?} of processor time in {passed:?}");
    assert!(took < passed / 20, "{took:?} in {passed:?}");
    assert_eq!(watching.end("-INT").0, Some(0));
}

fn whatever_asks_it_to_end_it_ends_soon_and_well() {
    let desk = quick_desk();
    let watches: Vec<(&str, Watching)> =
        ["-INT", "-TERM", "-HUP"].map(|signal| (signal, Watching::start(&desk))).into_iter().collect();
    thread::sleep(Duration::from_secs(2));
    for (signal, watching) in watches {
        let (code, took) = watching.end(signal);
        assert_eq!(code, Some(0), "{signal}");
        assert!(took < Duration::from_secs(3), "{signal}: {took:?}");
    }
}

#[test]
fn the_second_ctrl_c_ends_it_at_once() {
    let desk = quick_desk();
    desk.practice("[platform.x]\npreset = \"veryslow\"");
    desk.drop_file("long.mp4", &desk.clip(10));
    let mut watching = Watching::start(&desk);
    let limit = Duration::from_secs(120);
    watching.until("it renders", limit, |w| w.of("progress", "long").iter().any(|(_, e)| e["stage"] == "render"));
    let began = Instant::now();
    watching.signal("-INT");
    thread::sleep(Duration::from_millis(30));
    watching.signal("-INT");
    let code = watching.child.wait().unwrap().code();
    assert!(matches!(code, Some(0 | 130)), "{code:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(!desk.out().join("x/long.mp4").exists());
}

/// The long form alone: clips arrive for as long as `HOUSECALL_SOAK_MINUTES` says.
#[test]
fn hours_of_arrivals_leave_memory_handles_and_threads_as_they_were() {
    if !is_torture() {
        return;
    }
    let minutes = std::env::var("HOUSECALL_SOAK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_u64);
    let (desk, clip, began) = (quick_desk(), tiny(&[]), Instant::now());
    let watching = Watching::start(&desk);
    let (mut early, mut rounds) = (None, 0);
    while began.elapsed() < Duration::from_secs(60 * minutes) || rounds < 12 {
        // The same few names come again and again, as phones give them.
        let name = format!("take-{}", rounds % 5);
        let made = watching.made(&name);
        desk.drop_file(&format!("{name}.mp4"), &other(&clip, rounds));
        watching.until("the next clip", Duration::from_secs(120), |w| w.made(&name) > made);
        thread::sleep(Duration::from_secs(4));
        rounds += 1;
        let usage = watching.usage();
        println!("{rounds} {usage:?}");
        if rounds == 10 {
            early = Some(usage);
        }
    }
    let (early, late) = (early.unwrap(), watching.usage());
    assert!(late.handles <= early.handles && late.threads <= early.threads, "{early:?} -> {late:?}");
    assert!(late.resident < early.resident + 50, "{early:?} -> {late:?}");
}
