//! One page and one watch at a time for a whole centre: whoever starts a second is told at once who has the first, and what
//! else goes on beside them.

use crate::common::desk::{Desk, Done};
use housecall::pipeline;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy computer.
const LONG: Duration = Duration::from_secs(120);

/// The program at work on the root, with `--json`, until it is dropped.
struct Session {
    child: Child,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Session {
    fn start(desk: &Desk, arguments: &[&str]) -> Self {
        let mut child = desk.command(&[arguments, &["inbox", "--offline", "--json"]].concat()).spawn().unwrap();
        let (lines, told) = (BufReader::new(child.stdout.take().unwrap()).lines(), Arc::new(Mutex::new(Vec::new())));
        let heard = told.clone();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| heard.lock().unwrap().push(serde_json::from_str(&line).unwrap()));
        });
        Session { child, told }
    }

    /// How often a note had these words in it.
    fn notes(&self, words: &str) -> usize {
        let told = self.told.lock().unwrap();
        told.iter().filter(|event| event["text"].as_str().is_some_and(|text| text.contains(words))).count()
    }

    fn has_told(&self, event: &str) -> bool {
        self.told.lock().unwrap().iter().any(|told| told["event"] == event)
    }

    fn end(&mut self) -> Option<i32> {
        let process = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LONG, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Two practices without clips.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.drop_file("practice.toml", b"[speech]\nmodel = \"starter\"\n");
    for id in ["alder", "birch"] {
        fs::create_dir(desk.inbox().join(id)).unwrap();
        desk.drop_file(&format!("{id}/practice.toml"), format!("[practice]\nname = \"{id}\"\n").as_bytes());
    }
    desk
}

fn assert_refused(done: &Done, who: &str) {
    let says = format!("another Housecall is working on cuts: housecall {who} on ");
    assert!(done.code == 1 && done.err.contains(&says) && done.err.contains("--wait"), "{done:?}");
    assert!(done.err.contains("since") && !done.out.contains("serving"), "{done:?}");
}

#[test]
fn a_second_page_or_watch_of_a_centre_is_told_who_has_the_first() {
    let desk = desk();
    // The overview cannot be written as long as a folder has its name.
    fs::create_dir_all(desk.out().join("overview.html/in-the-way")).unwrap();
    let mut watch = Session::start(&desk, &["watch"]);
    until("it watches", || pipeline::in_session(&desk.out(), "watch").is_some());
    let second = |verb: &str, only: &[&str]| desk.housecall(&[&[verb, "inbox", "--offline", "--json"], only].concat());
    assert_refused(&second("watch", &[]), "watch");
    assert_refused(&second("watch", &["--only", "alder"]), "watch");
    assert_eq!(second("run", &["--only", "birch"]).code, 2, "it runs, and the overview is in its way too");

    // A page of all goes beside the watch, which leaves the work to it.
    until("the overview is complained of", || watch.notes("overview.html") == 1);
    let mut page = Session::start(&desk, &["review"]);
    until("the page is there", || page.has_told("serving"));
    until("the watch waits for it", || watch.notes("cuts: housecall review on ") == 1);
    assert_refused(&second("review", &[]), "review");
    assert_refused(&second("watch", &["--review"]), "review");
    assert_refused(&second("review", &["--only", "alder,birch"]), "review");
    let practice = second("run", &["--only", "birch"]);
    assert!(practice.out.contains("cuts/birch: housecall review on "), "{practice:?}");
    let mut waiting = Session::start(&desk, &["review", "--wait"]);
    until("it says for whom it waits", || waiting.notes("Waiting until housecall review on ") == 1);
    assert_eq!(page.end(), Some(0));
    until("it is its turn", || waiting.has_told("serving"));
    assert_eq!(waiting.end(), Some(0));

    // What is wrong with the root and with the overview are two things; each is told once, and mended by itself.
    until("it watches on", || watch.notes("That is mended") > 0);
    assert_eq!(watch.notes("overview.html"), 1);
    fs::remove_dir_all(desk.out().join("overview.html")).unwrap();
    until("the overview is written", || desk.out().join("overview.html").is_file());

    // Who is gone without a word keeps nobody out.
    watch.child.kill().unwrap();
    watch.child.wait().unwrap();
    let mut again = Session::start(&desk, &["watch"]);
    until("it watches", || pipeline::in_session(&desk.out(), "watch").is_some());
    assert_eq!(again.end(), Some(0));
}
