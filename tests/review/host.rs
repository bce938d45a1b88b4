//! The program as it serves the page of a filming day: started as from a shell, and stopped in every way there is.

use super::chromium::{tied, users};
use super::common::desk::{Desk, small};
use super::page::Page;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a clip may take to be read, and a small cut to be made, on a computer that has much to do.
pub const WORK: Duration = Duration::from_secs(180);

/// A practice that posts to one small platform, encoded fast, with what a test adds.
pub fn practice(desk: &Desk, further: &str) {
    desk.practice(&format!("[end_card]\nseconds = 0.5\n{}{further}", small("x", &[(426, 240), (240, 426)])));
}

/// Gives the words of a clip, so that nothing has to be listened to: when each caption begins, and what it says. Each
/// lasts as long as its words take to speak.
pub fn say(desk: &Desk, clip: &str, captions: &[(f64, &str)]) {
    let folder = desk.inbox().join("said");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(clip).with_extension("srt"), srt(captions)).unwrap();
}

fn srt(captions: &[(f64, &str)]) -> String {
    let stamp = |seconds: f64| {
        let ms = (seconds * 1000.0).round() as u64;
        format!("{:02}:{:02}:{:02},{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
    };
    let each = |(n, &(start, text)): (usize, &(f64, &str))| {
        let end = start + 0.28 * text.split(' ').count() as f64;
        format!("{}\n{} --> {}\n{text}\n", n + 1, stamp(start), stamp(end))
    };
    captions.iter().enumerate().map(each).collect::<Vec<_>>().join("\n")
}

/// A clip with a note in a box that players skip (ISO/IEC 14496-12, 8.1.2), so that it is not the same file as another.
pub fn noted(mut clip: Vec<u8>, note: &str) -> Vec<u8> {
    clip.extend((note.len() as u32 + 8).to_be_bytes());
    clip.extend(b"free");
    clip.extend(note.as_bytes());
    clip
}

/// `housecall review` on the inbox of a desk.
pub struct Host<'a> {
    desk: &'a Desk,
    further: Vec<String>,
    child: Child,
    /// What lets a browser in.
    pub sign_in: String,
    heard: Arc<Mutex<String>>,
}

impl<'a> Host<'a> {
    /// Serves the page for clips whose words are given.
    pub fn given(desk: &'a Desk) -> Self {
        Host::start(desk, &["--platforms", "x", "--transcript", "inbox/said"])
    }

    /// Serves the page; `further` arguments follow.
    pub fn start(desk: &'a Desk, further: &[&str]) -> Self {
        let further: Vec<String> = further.iter().map(|argument| argument.to_string()).collect();
        let (child, sign_in, heard) = serve(desk, &further);
        Host { desk, further, child, sign_in, heard }
    }

    /// Starts it again after it ended.
    pub fn again(&mut self) {
        (self.child, self.sign_in, self.heard) = serve(self.desk, &self.further);
    }

    /// Scheme, address and port.
    pub fn origin(&self) -> &str {
        self.sign_in.split("/sign-in").next().unwrap()
    }

    /// Ends it as a power cut does.
    pub fn crash(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it do nothing until [`go_on`](Self::go_on), so that whatever is sent to it stays under way.
    pub fn freeze(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    /// After a [`freeze`](Self::freeze).
    pub fn go_on(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    /// Ends it as Ctrl-C does, and gives its exit code and what it told.
    pub fn stop(&mut self) -> (Option<i32>, String) {
        self.signal(rustix::process::Signal::INT);
        let code = self.child.wait().unwrap().code();
        (code, self.heard.lock().unwrap().clone())
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// A browser that is let in and shows the day.
    pub fn visit(&self) -> Page {
        let page = Page::new();
        page.go(&self.sign_in);
        page.see("body[data-page=day]");
        page
    }

    /// Opens the clip of this name from the page of the day, once a person can look at it.
    pub fn open(&self, page: &Page, clip: &str) {
        let id = self.ready(page, clip);
        page.go(&format!("{}/clip/{id}", self.origin()));
        page.see("html[data-ready]");
    }

    /// Waits until a clip waits for a person and its viewing copy is there; gives its id.
    pub fn ready(&self, page: &Page, clip: &str) -> String {
        let read = "(await (await fetch('/api/day')).json()).clips";
        let wanted = format!("({read}).find(c => c.name === '{clip}' && c.view && c.state === 'needs-a-look')?.id");
        let id = eventually(page, &wanted);
        id.as_str().unwrap().to_string()
    }

    /// What the day says about a clip.
    pub fn card(&self, page: &Page, clip: &str) -> Value {
        page.promise(&format!("return (await (await fetch('/api/day')).json()).clips.find(c => c.name === '{clip}')"))
    }

    /// What the day says about an open clip.
    pub fn view(&self, page: &Page, clip: &str) -> Value {
        let id = self.card(page, clip)["id"].as_str().unwrap().to_string();
        page.promise(&format!("return await (await fetch('/api/clip/{id}')).json()"))
    }

    /// The captions of a clip as they lie on the disk: what each says.
    pub fn captions(&self, clip: &str) -> Vec<String> {
        let text = fs::read_to_string(self.file(clip, "srt")).unwrap_or_default();
        let blocks = text.trim().split("\n\n").filter(|block| !block.is_empty());
        blocks.map(|block| block.lines().skip(2).collect::<Vec<_>>().join(" ")).collect()
    }

    /// What a person chose for a clip, as it lies on the disk.
    pub fn choices(&self, clip: &str) -> toml::Table {
        fs::read_to_string(self.file(clip, "toml")).unwrap_or_default().parse().unwrap()
    }

    /// A file of a clip beside its captions.
    pub fn file(&self, clip: &str, kind: &str) -> PathBuf {
        self.desk.out().join("transcripts").join(clip).with_extension(kind)
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let heard = self.heard.lock().unwrap();
            let tail: Vec<&str> = heard.lines().rev().take(30).collect();
            println!("housecall said last:\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        // What it started goes with it; a worker whose reader is gone ends by itself.
        for _ in 0..100 {
            if users(&self.desk.out()).is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        for process in users(&self.desk.out()) {
            rustix::process::kill_process(process, rustix::process::Signal::KILL).ok();
        }
    }
}

/// Starts the program, and waits until it says where its page is.
fn serve(desk: &Desk, further: &[String]) -> (Child, String, Arc<Mutex<String>>) {
    let further: Vec<&str> = further.iter().map(String::as_str).collect();
    let bare = desk.command(&[&["review", "inbox", "--offline", "--json"], &further[..]].concat());
    let mut command = tied(bare.get_program());
    command.args(bare.get_args()).current_dir(bare.get_current_dir().unwrap());
    for (name, value) in bare.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let heard = Arc::new(Mutex::new(String::new()));
    listen(child.stderr.take().unwrap(), Arc::clone(&heard));
    listen(child.stdout.take().unwrap(), Arc::clone(&heard));
    let began = Instant::now();
    let sign_in = loop {
        if let Some(address) = heard.lock().unwrap().lines().find_map(address) {
            break address;
        }
        if child.try_wait().unwrap().is_some() || began.elapsed() > WORK {
            child.kill().ok();
            panic!("housecall review has no address: {}", heard.lock().unwrap());
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    (child, sign_in, heard)
}

/// The address with which a browser is let in, where a line of JSON tells it.
fn address(line: &str) -> Option<String> {
    let event: Value = serde_json::from_str(line).ok()?;
    (event["event"] == "serving").then(|| event["address"].as_str().map(String::from))?
}

/// Keeps what a stream says.
fn listen(stream: impl Read + Send + 'static, heard: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            *heard.lock().unwrap() += &String::from_utf8_lossy(&line);
            line.clear();
        }
    });
}

/// What an expression that may wait comes to once it is not false or nothing; for what takes work.
pub fn eventually(page: &Page, expression: &str) -> Value {
    let until = Instant::now() + WORK;
    loop {
        let came = page.promise(&format!("return ({expression}) || null"));
        if !came.is_null() {
            return came;
        }
        assert!(Instant::now() < until, "waited for {expression}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
