//! Many practices behind one page: whoever is signed in may look at each, and under no address of one is another's day asked
//! for anything.

use crate::host::{CLIP, FakeDay, HOSTILE, Host};
use housecall::fault::Fault;
use housecall::review::contract::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The only clip of the other practice.
const OTHER: &str = "bbbbbbbbbbbbbbbb";
/// A folder may be called so, and what stands for it in addresses.
const ODD: (&str, &str) = ("../Dr. Ø & Co?#%2e", "/p/..%2FDr.%20%C3%98%20%26%20Co%3F%23%252e");

/// Practices of the test's own; one of them cannot be opened.
struct FakePractices {
    days: BTreeMap<&'static str, Arc<FakeDay>>,
    listeners: Mutex<Vec<Sender<CentreTold>>>,
}

impl Practices for FakePractices {
    fn centre(&self) -> CentreView {
        let row = |id: &str, open| PracticeRow {
            id: id.into(),
            name: HOSTILE.into(),
            open,
            problem: (!open).then(|| Problem { what: HOSTILE.into(), advice: HOSTILE.into() }),
            clips: Counts { all: 1, look: 1, ..Counts::default() },
        };
        let practices = self.days.keys().map(|id| row(id, true)).chain([row("shut", false)]).collect();
        CentreView { root: HOSTILE.into(), practices, problem: None, strays: vec![HOSTILE.into()] }
    }

    fn day(&self, id: &str) -> Result<Arc<dyn Day>, Refusal> {
        match self.days.get(id) {
            Some(day) => Ok(day.clone()),
            None if id == "shut" => Err(Refusal::Wrong(Fault::new("practice.toml has no name", "write one"))),
            None => Err(Refusal::Unknown),
        }
    }

    fn told(&self) -> Receiver<CentreTold> {
        let (sender, receiver) = channel();
        self.listeners.lock().unwrap().push(sender);
        receiver
    }
}

fn host() -> (Host, Arc<FakePractices>) {
    let mut kept = None;
    let host = Host::many(|folder: &Path| {
        let day = |clip| Arc::new(FakeDay::new(folder, Some(clip)));
        let days = [("alder", day(CLIP)), ("birch", day(OTHER)), (ODD.0, day(CLIP))];
        let practices = Arc::new(FakePractices { days: days.into_iter().collect(), listeners: Mutex::default() });
        kept = Some(practices.clone());
        practices
    });
    std::fs::write(host.folder.path().join("cut.mp4"), b"cut").unwrap();
    (host, kept.unwrap())
}

/// Everything that can be asked about a clip: method, path after the practice, body.
fn asked(clip: &str) -> Vec<(&'static str, String, &'static str)> {
    let (api, decision) = (format!("/api/clip/{clip}"), "{\"by\":\"Dana\",\"subject\":\"s\"}");
    let words = "{\"heard\":\"a\",\"meant\":\"b\"}";
    let media = |what: &str| ("GET", format!("/media/{clip}/{what}"), "");
    vec![
        ("GET", format!("/clip/{clip}"), ""),
        ("GET", api.clone(), ""),
        ("PUT", api.clone(), "{\"version\":\"1\"}"),
        ("POST", format!("{api}/approve"), decision),
        ("POST", format!("{api}/hold"), decision),
        ("POST", format!("{api}/elsewhere"), words),
        ("POST", format!("{api}/learn"), "{\"heard\":\"a\",\"meant\":\"b\",\"fix\":true}"),
        media("view"),
        media("cover"),
        media("cut/x"),
        media("frame?platform=x&at=1.5"),
    ]
}

fn ask(host: &Host, method: &str, path: &str, body: &str) -> u16 {
    if method == "GET" { host.get(path).status } else { host.change(method, path, body).status }
}

#[test]
fn the_clips_of_a_practice_are_reached_under_its_own_name_alone() {
    let (host, practices) = host();
    for (method, path, body) in asked(CLIP) {
        assert_eq!(ask(&host, method, &format!("/p/alder{path}"), body), 200, "{method} {path}");
    }
    assert!(practices.days["alder"].calls().len() >= asked(CLIP).len());
    let before = practices.days["alder"].calls();
    // Another's clip, under the name of one that does not have it, under none, and under names that only look like it.
    let odd = [
        "",
        "/p",
        "/p/",
        "/p/ALDER",
        "/p/alder%2F",
        "/p/alder%00",
        "/p/./alder",
        "/p/birch/../alder",
        "/p/shut",
        "/p/%FF",
    ];
    for base in ["/p/birch"].iter().chain(&odd) {
        for (method, path, body) in asked(CLIP) {
            let status = ask(&host, method, &format!("{base}{path}"), body);
            // `/p/api/clip/ID` is the page of a clip of the practice `api`, to which nothing can be sent.
            let wanted: &[u16] = if *base == "/p/shut" { &[422] } else { &[404, 405] };
            assert!(wanted.contains(&status), "{method} {base}{path}: {status}");
        }
    }
    assert_eq!(practices.days["alder"].calls(), before, "whose clip it is was not asked");
    assert!(practices.days[ODD.0].calls().is_empty());
}

#[test]
fn nobody_sees_any_practice_without_the_cookie_or_from_another_page() {
    let (mut host, practices) = host();
    let cookie = std::mem::replace(&mut host.cookie, "a=b".into());
    let pages = ["/", "/api/practices", "/api/told", "/p/alder", "/p/alder/", "/p/alder/api/day", "/p/alder/api/told"];
    for path in pages {
        assert_eq!(host.get(path).status, 401, "{path}");
    }
    for (method, path, body) in asked(CLIP) {
        assert_eq!(ask(&host, method, &format!("/p/alder{path}"), body), 401, "{method} {path}");
        // What everybody may have is not found behind a practice's name.
        assert_eq!(host.get(&format!("/p/alder/assets{path}")).status, 401);
    }
    host.cookie = cookie;
    for (method, path, body) in asked(CLIP).into_iter().filter(|(method, ..)| *method != "GET") {
        let head = format!("{method} /p/alder{path} HTTP/1.1\r\nOrigin: http://evil.example\r\n");
        assert_eq!(host.send(&head, body.as_bytes()).status, 403, "{path}");
    }
    assert!(practices.days.values().all(|day| day.calls().is_empty()));
}

#[test]
fn every_page_of_a_practice_leads_to_its_own_addresses() {
    let (host, practices) = host();
    let list = host.get("/");
    assert_eq!(list.status, 200);
    let list = list.text();
    assert!(!list.contains("<script>alert") && !list.contains("<img src=x"), "{list}");
    assert!(list.contains("href=\"/p/alder/\"") && list.contains(&format!("href=\"{}/\"", ODD.1)), "{list}");
    assert!(!list.contains("href=\"/p/shut/\""), "what cannot be opened leads nowhere");
    let bare = host.get("/p/alder");
    assert_eq!((bare.status, bare.header("location")), (308, Some("/p/alder/")));
    for (id, base) in [("alder", "/p/alder"), (ODD.0, ODD.1)] {
        for path in [format!("{base}/"), format!("{base}/clip/{CLIP}")] {
            let page = host.get(&path);
            assert_eq!(page.status, 200, "{path}");
            let text = page.text();
            let addresses =
                text.split(['"', '\'']).filter(|part| part.starts_with('/') && !part.starts_with("/assets/"));
            let foreign: Vec<&str> = addresses
                .filter(|address| *address != "/" && !address.starts_with(&format!("{base}/")) && *address != base)
                .collect();
            assert!(foreign.is_empty(), "{path}: {foreign:?}");
        }
        assert!(!practices.days[id].calls().is_empty());
    }
    let shut = host.get("/p/shut/");
    assert!(
        shut.status == 422 && shut.text().contains("write one") || shut.text().contains("Write one"),
        "{}",
        shut.text()
    );
    assert_eq!(host.get("/p/nobody/").status, 404);
    assert_eq!(host.get("/p/nobody/api/day").text(), "{}");
}

#[test]
fn a_page_is_told_of_its_own_practice_alone() {
    use std::io::{Read, Write};
    let (host, practices) = host();
    let mut streams = ["/p/alder/api/told", "/p/birch/api/told", "/api/told"].map(|path| {
        let mut stream = host.connect();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n", host.here, host.cookie);
        stream.write_all(head.as_bytes()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        (stream, String::new())
    });
    let mut hear = |until: &dyn Fn([&str; 3]) -> bool| {
        let began = Instant::now();
        loop {
            for (stream, heard) in &mut streams {
                let mut bytes = [0; 65536];
                if let Ok(read) = stream.read(&mut bytes) {
                    *heard += &String::from_utf8_lossy(&bytes[..read]);
                }
            }
            let heard = [0, 1, 2].map(|at: usize| streams[at].1.as_str());
            if until(heard) || began.elapsed() > Duration::from_secs(20) {
                return heard.map(String::from);
            }
        }
    };
    hear(&|heard| heard.iter().all(|heard| heard.contains("event: ")));
    practices.days["alder"].tell(&Told::Gone("only-alder".into()));
    practices.listeners.lock().unwrap().iter().for_each(|one| drop(one.send(CentreTold::Gone("only-list".into()))));
    let heard = hear(&|heard| heard[0].contains("only-alder") && heard[2].contains("only-list"));
    assert!(heard[0].contains("only-alder") && heard[2].contains("only-list"), "{heard:?}");
    // A beat later the others have still not heard it.
    std::thread::sleep(Duration::from_millis(300));
    let heard = hear(&|_| true);
    assert!(
        !heard[1].contains("only-") && !heard[0].contains("only-list") && !heard[2].contains("only-alder"),
        "{heard:?}"
    );
    assert!(heard[0].contains("/p/alder/") && !heard[0].contains("/p/birch/"), "cards have their own addresses");
}
