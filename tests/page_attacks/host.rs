//! A page that is served for a day of the test's own, and a client that sends any bytes it likes.

use housecall::fault::{Cancel, Fault};
use housecall::review::contract::*;
use housecall::review::{Door, House, Keeper, Options, Secret, serve};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub const CLIP: &str = "0123456789abcdef";
/// A clip of which every call panics.
pub const PANICS: &str = "ffffffffffffffff";
/// A clip that saves only when [`FakeDay::let_go`] was called.
pub const SLOW: &str = "aaaaaaaaaaaaaaaa";

/// What a text would need to break out of wherever the page puts it.
pub const HOSTILE: &str = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>\" autofocus onfocus='alert(3)' \u{2028}\u{2029} ${alert(4)} \\u003c]]>";

/// A day that remembers every call.
pub struct FakeDay {
    calls: Mutex<Vec<String>>,
    listeners: Mutex<Vec<Sender<Told>>>,
    folder: PathBuf,
    gate: (Mutex<bool>, Condvar),
    pub saved: Mutex<usize>,
    /// The only clip that it has; none: it has every clip.
    only: Option<&'static str>,
}

impl FakeDay {
    pub fn new(folder: &Path, only: Option<&'static str>) -> Self {
        FakeDay {
            only,
            calls: Mutex::default(),
            listeners: Mutex::default(),
            folder: folder.to_path_buf(),
            gate: (Mutex::new(false), Condvar::new()),
            saved: Mutex::default(),
        }
    }

    fn called(&self, what: String) {
        assert!(!what.contains(PANICS), "as the test wants it");
        self.calls.lock().unwrap().push(what);
    }

    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn owns(&self, id: &str) -> Result<(), Refusal> {
        if self.only.is_none_or(|only| only == id) { Ok(()) } else { Err(Refusal::Unknown) }
    }

    pub fn tell(&self, told: &Told) {
        self.listeners.lock().unwrap().iter().for_each(|listener| drop(listener.send(told.clone())));
    }

    /// Ends what listens, as a day does with one that is too slow.
    pub fn drop_listeners(&self) {
        self.listeners.lock().unwrap().clear();
    }

    pub fn is_listened_to(&self) -> bool {
        !self.listeners.lock().unwrap().is_empty()
    }

    pub fn let_go(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }

    fn file(&self, name: &str, kind: &'static str) -> Result<Served, Refusal> {
        Ok(Served { file: self.folder.join(name), kind })
    }
}

pub fn card(text: &str) -> ClipCard {
    ClipCard {
        id: CLIP.into(),
        name: text.into(),
        file: text.into(),
        question: Some(text.into()),
        state: CardState::NeedsALook,
        progress: Some(0.5),
        duration: Some(2.0),
        holds: 1,
        notes: 0,
        reasons: vec![text.into()],
        approved_by: Some(text.into()),
        failed: Some((text.into(), Problem { what: text.into(), advice: text.into() })),
        cover: true,
        view: true,
        cuts: vec![CutCard {
            platform: "x".into(),
            platform_name: text.into(),
            path: text.into(),
            bytes: 1,
            duration: 2.0,
            failed: Some(Problem { what: text.into(), advice: text.into() }),
        }],
    }
}

fn clip_view() -> ClipView {
    let text = || HOSTILE.to_string();
    let choices = Choices { question: Some(text()), hook: Some(text()), ..Choices::default() };
    ClipView {
        card: card(HOSTILE),
        version: "1".into(),
        subject: "s".into(),
        duration: 2.0,
        displayed: (320, 240),
        captions: vec![Caption {
            start: 0.0,
            end: 1.0,
            words: vec![WordView { text: text(), start: 0.0, end: 1.0, marks: vec![], findings: vec![0] }],
        }],
        corrected: false,
        findings: vec![FindingView {
            category: "privacy".into(),
            holds: true,
            place: text(),
            words: text(),
            start: None,
            advice: text(),
        }],
        choices: choices.clone(),
        defaults: choices,
        posts: vec![PostView {
            platform: "x".into(),
            platform_name: text(),
            title: Some(text()),
            text: text(),
            most_title: None,
            most_text: None,
            most_hashtags: None,
        }],
        looks: vec![],
        skipped: vec![(text(), text())],
        remarks: vec![text()],
        held: true,
    }
}

impl Day for FakeDay {
    fn day(&self) -> DayView {
        self.called("day".into());
        let problem = Some(Problem { what: HOSTILE.into(), advice: HOSTILE.into() });
        let text = HOSTILE.to_string();
        DayView { practice: text.clone(), inbox: text.clone(), out: text, problem, clips: vec![card(HOSTILE)] }
    }

    fn clip(&self, id: &str) -> Result<ClipView, Refusal> {
        self.called(format!("clip {id}"));
        if id == self.only.unwrap_or(CLIP) { Ok(clip_view()) } else { Err(Refusal::Unknown) }
    }

    fn save(&self, id: &str, save: Save) -> Result<ClipView, Refusal> {
        self.called(format!("save {id}"));
        self.owns(id)?;
        if id == SLOW {
            let open = self.gate.0.lock().unwrap();
            drop(self.gate.1.wait_while(open, |open| !*open).unwrap());
        }
        *self.saved.lock().unwrap() += 1;
        match save.version.as_str() {
            "1" => Ok(clip_view()),
            "wrong" => Err(Refusal::Wrong(Fault::new("the text is empty", "write some"))),
            _ => Err(Refusal::Conflict(Box::new(clip_view()))),
        }
    }

    fn approve(&self, id: &str, decide: Decide) -> Result<ClipView, Refusal> {
        self.called(format!("approve {id} {}", decide.by));
        self.owns(id)?;
        Ok(clip_view())
    }

    fn hold(&self, id: &str, decide: Decide) -> Result<ClipView, Refusal> {
        self.called(format!("hold {id} {}", decide.by));
        self.owns(id)?;
        Ok(clip_view())
    }

    fn elsewhere(&self, id: &str, _: &Mishearing) -> Result<Vec<Elsewhere>, Refusal> {
        self.called(format!("elsewhere {id}"));
        self.owns(id)?;
        Ok(vec![Elsewhere { id: CLIP.into(), name: HOSTILE.into(), places: 1, corrected: false }])
    }

    fn learn(&self, id: &str, mishearing: &Mishearing, fix: bool) -> Result<Vec<Elsewhere>, Refusal> {
        self.called(format!("learn {id} {} {} {fix}", mishearing.heard, mishearing.meant));
        self.owns(id)?;
        Ok(vec![])
    }

    fn view(&self, id: &str) -> Result<Served, Refusal> {
        self.called(format!("view {id}"));
        self.owns(id)?;
        self.file("view.mp4", "video/mp4")
    }

    fn cut(&self, id: &str, platform: &str) -> Result<Served, Refusal> {
        self.called(format!("cut {id} {platform}"));
        self.owns(id)?;
        if platform == "x" { self.file("cut.mp4", "video/mp4") } else { Err(Refusal::Unknown) }
    }

    fn cover(&self, id: &str) -> Result<Served, Refusal> {
        self.called(format!("cover {id}"));
        self.owns(id)?;
        self.file("cover.jpg", "image/jpeg")
    }

    fn logo(&self) -> Result<Served, Refusal> {
        self.called("logo".into());
        self.file("logo.png", "image/png")
    }

    fn frame(&self, id: &str, platform: &str, at: f64) -> Result<Vec<u8>, Refusal> {
        self.called(format!("frame {id} {platform} {at}"));
        self.owns(id)?;
        Ok(vec![0xFF, 0xD8])
    }

    fn told(&self) -> Receiver<Told> {
        let (sender, receiver) = channel();
        self.listeners.lock().unwrap().push(sender);
        receiver
    }
}

/// The page, served until it is dropped.
pub struct Host {
    pub day: Arc<FakeDay>,
    pub folder: tempfile::TempDir,
    pub here: SocketAddr,
    pub token: Secret,
    pub keeper: Arc<Keeper>,
    pub cookie: String,
    cancel: Cancel,
    served: Option<JoinHandle<Result<(), Fault>>>,
}

pub const PASSPHRASE: &str = "five words of a practice";

impl Host {
    /// Served to this computer, and signed in.
    pub fn new() -> Self {
        let token = Secret::random().unwrap();
        let mut host = Host::with(Keeper::token(&token), token, Duration::from_secs(15));
        let entered = host.send(&format!("GET /sign-in?token={} HTTP/1.1\r\n", host.token.shown()), b"");
        assert_eq!(entered.status, 303, "{entered:?}");
        host.cookie = entered.header("set-cookie").unwrap().split(';').next().unwrap().to_string();
        host
    }

    /// Served to whoever knows the passphrase; nobody signed in.
    pub fn spoken() -> Self {
        let token = Secret::random().unwrap();
        Host::with(Keeper::passphrase(Secret::new(PASSPHRASE), &token), token, Duration::from_secs(15))
    }

    /// Served to this computer and signed in: the practices that `many` makes of a folder of files.
    pub fn many<P: Practices + 'static>(many: impl FnOnce(&Path) -> Arc<P>) -> Self {
        let token = Secret::random().unwrap();
        let (keeper, arrival) = (Keeper::token(&token), Duration::from_secs(15));
        let mut host = Host::of(keeper, token, arrival, |folder, _| House::Many(many(folder)));
        let entered = host.send(&format!("GET /sign-in?token={} HTTP/1.1\r\n", host.token.shown()), b"");
        host.cookie = entered.header("set-cookie").unwrap().split(';').next().unwrap().to_string();
        host
    }

    /// Nobody signed in; requests may take so long to arrive.
    pub fn with(keeper: Keeper, token: Secret, arrival: Duration) -> Self {
        Host::of(keeper, token, arrival, |_, day| House::One(day))
    }

    fn of(keeper: Keeper, token: Secret, arrival: Duration, house: impl FnOnce(&Path, Arc<FakeDay>) -> House) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/clips/razor-bumps.mov");
        std::fs::copy(clip, folder.path().join("view.mp4")).unwrap();
        std::fs::write(folder.path().join("cover.jpg"), b"picture").unwrap();
        std::fs::write(folder.path().join("logo.png"), b"").unwrap();
        let day = Arc::new(FakeDay::new(folder.path(), None));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = listener.local_addr().unwrap();
        let keeper = Arc::new(keeper);
        let computer = keeper.is_spoken().then(|| "Front-Desk".to_string());
        let doors = vec![Door { listener, keeper: keeper.clone(), computer }];
        let (cancel, house) = (Cancel::new(), house(folder.path(), day.clone()));
        let until = cancel.clone();
        let served = std::thread::spawn(move || serve(house, Options { doors, arrival }, &until));
        Host { day, folder, here, token, keeper, cookie: "a=b".into(), cancel, served: Some(served) }
    }

    /// Everything that the day was asked so far, but for that somebody listens.
    pub fn calls(&self) -> Vec<String> {
        self.day.calls()
    }

    /// What the page sends with every change, but the cookie.
    pub fn page_sends(&self) -> String {
        format!(
            "Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\nX-Housecall: page\r\nContent-Type: application/json\r\n",
            self.here
        )
    }

    /// Sends request line and headers, with `Host`, cookie, length and `Connection: close` added.
    pub fn send(&self, head: &str, body: &[u8]) -> Answer {
        self.bare(&format!("{head}Host: {}\r\nCookie: {}\r\n", self.here, self.cookie), body)
    }

    /// Sends request line and headers, with length and `Connection: close` added.
    pub fn bare(&self, head: &str, body: &[u8]) -> Answer {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let mut bytes = format!("{head}{length}Connection: close\r\n\r\n").into_bytes();
        bytes.extend(body);
        self.raw(&bytes)
    }

    /// Sends these bytes, and reads until the other side closes.
    pub fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        // Whoever refuses early may close before all is sent.
        drop(stream.write_all(bytes));
        Answer::read(&mut stream)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\n"), b"")
    }

    pub fn change(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(&format!("{method} {path} HTTP/1.1\r\n{}", self.page_sends()), body.as_bytes())
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.here).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
        stream
    }

    /// Ends it as Ctrl-C does, and says how long that took.
    pub fn stop(&mut self) -> Duration {
        let began = Instant::now();
        self.cancel.cancel();
        if let Some(served) = self.served.take() {
            served.join().unwrap().unwrap();
        }
        began.elapsed()
    }

    pub fn is_running(&self) -> bool {
        self.served.as_ref().is_some_and(|served| !served.is_finished())
    }

    /// Ends it, without waiting.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.day.let_go();
        self.cancel.cancel();
    }
}

/// An answer, as it came.
#[derive(Debug)]
pub struct Answer {
    /// 0 where the connection was closed without one.
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// All that comes until the other side closes or is silent for long.
    pub fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            match stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => bytes.extend(&chunk[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        Answer::of(&bytes)
    }

    fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else { return Answer { status: 0, headers: vec![], body: vec![] } };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or_default();
        let header = |line: &str| line.split_once(':').map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_string()));
        Answer { status, headers: lines.filter_map(header).collect(), body: bytes[end + 4..].to_vec() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
}
