//! The downloader against a server on this computer that misbehaves in every way seen.
#![allow(clippy::unwrap_used)]

use super::*;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

const FILE: usize = 3_000_000;

fn content() -> Vec<u8> {
    (0..FILE as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// How the server answers one request; the last repeats.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    /// As asked, ranges too.
    Good,
    /// As asked, but the connection is cut after this many bytes.
    CutAfter(usize),
    /// The whole file, whatever range was asked for.
    IgnoresRange,
    /// Sends this many bytes and then nothing more, without closing.
    StallsAfter(usize),
    /// Only a status.
    Status(u16),
}

/// A server, its address, and the bytes of body that it sent to each request.
struct Server {
    url: String,
    sent: Arc<Mutex<Vec<usize>>>,
}

fn serve(answers: &'static [Answer]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ggml-test.bin", listener.local_addr().unwrap());
    let sent = Arc::new(Mutex::new(Vec::new()));
    let log = sent.clone();
    std::thread::spawn(move || {
        for (i, stream) in listener.incoming().enumerate() {
            let answer = answers[i.min(answers.len() - 1)];
            log.lock().unwrap().push(0);
            // A client that goes away is part of the tests.
            let _ = reply(stream.unwrap(), answer, &mut |bytes| log.lock().unwrap()[i] += bytes);
        }
    });
    Server { url, sent }
}

fn reply(mut stream: TcpStream, answer: Answer, count: &mut dyn FnMut(usize)) -> io::Result<()> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request).to_lowercase();
    let from: Option<usize> = request
        .lines()
        .find_map(|l| l.strip_prefix("range: bytes="))
        .and_then(|r| r.trim_end_matches('-').parse().ok())
        .filter(|_| answer != Answer::IgnoresRange);
    let all = content();
    let (status, body) = match (answer, from) {
        (Answer::Status(status), _) => (format!("{status} X"), &[][..]),
        (_, Some(from)) if from >= FILE => ("416 Range Not Satisfiable".to_string(), &[][..]),
        (_, Some(from)) => {
            let range = format!("206 Partial Content\r\ncontent-range: bytes {from}-{}/{FILE}", FILE - 1);
            (range, &all[from..])
        }
        (_, None) => ("200 OK".to_string(), &all[..]),
    };
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len())?;
    let length = match answer {
        Answer::CutAfter(bytes) | Answer::StallsAfter(bytes) => bytes.min(body.len()),
        _ => body.len(),
    };
    for chunk in body[..length].chunks(50_000) {
        stream.write_all(chunk)?;
        count(chunk.len());
    }
    if let Answer::StallsAfter(_) = answer {
        std::thread::sleep(Duration::from_secs(20));
    }
    stream.shutdown(Shutdown::Write)
}

struct Download {
    folder: tempfile::TempDir,
    entry: ModelEntry,
    cancel: Cancel,
    steps: Vec<u64>,
}

impl Download {
    fn from(url: &str) -> Self {
        let sha1 = Sha1::digest(content()).iter().map(|b| format!("{b:02x}")).collect();
        let mut entry = super::super::catalogue().unwrap().swap_remove(0);
        entry.url = url.to_string();
        entry.bytes = FILE as u64;
        entry.checksum = Checksum::Sha1(sha1);
        Download { folder: tempfile::tempdir().unwrap(), entry, cancel: Cancel::new(), steps: Vec::new() }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("models").join("ggml-test.bin")
    }

    fn start_with_part(&self, bytes: &[u8]) {
        fs::create_dir_all(self.target().parent().unwrap()).unwrap();
        fs::write(part_of(&self.target()), bytes).unwrap();
    }

    fn run(&mut self) -> Result<(), Fault> {
        self.run_with(&mut |file, bytes| file.write_all(bytes))
    }

    fn run_with(&mut self, write: WriteChunk) -> Result<(), Fault> {
        let steps = &mut self.steps;
        let target = self.folder.path().join("models").join("ggml-test.bin");
        let pauses = [Duration::from_millis(5); 3];
        fetch(&self.entry, &target, &self.cancel, &mut |done, _| steps.push(done), &pauses, write)
    }

    fn assert_arrived(&self) {
        assert!(fs::read(self.target()).unwrap() == content(), "the file is not what was served");
        assert!(!part_of(&self.target()).exists());
    }
}

#[test]
fn a_whole_download_lands_under_its_name() {
    let server = serve(&[Answer::Good]);
    let mut d = Download::from(&server.url);
    d.run().unwrap();
    d.assert_arrived();
    assert!(d.steps.is_sorted() && d.steps.last() == Some(&(FILE as u64)), "{:?}", d.steps);
}

#[test]
fn cut_connections_are_resumed_and_nothing_is_fetched_twice() {
    let server = serve(&[Answer::CutAfter(1_000_000), Answer::CutAfter(500_000), Answer::Status(503), Answer::Good]);
    let mut d = Download::from(&server.url);
    d.run().unwrap();
    d.assert_arrived();
    assert_eq!(*server.sent.lock().unwrap(), [1_000_000, 500_000, 0, 1_500_000]);
}

#[test]
fn a_server_that_ignores_ranges_starts_over() {
    let server = serve(&[Answer::IgnoresRange]);
    let mut d = Download::from(&server.url);
    d.start_with_part(&[7; 1_234]);
    d.run().unwrap();
    d.assert_arrived();
}

#[test]
fn a_refused_range_starts_over() {
    let server = serve(&[Answer::Status(416), Answer::Good]);
    let mut d = Download::from(&server.url);
    d.start_with_part(&[7; 1_234]);
    d.run().unwrap();
    d.assert_arrived();
}

#[test]
fn a_part_that_is_too_long_starts_over() {
    let server = serve(&[Answer::Good]);
    let mut d = Download::from(&server.url);
    d.start_with_part(&vec![7; FILE + 1]);
    d.run().unwrap();
    d.assert_arrived();
}

#[test]
fn a_wrong_checksum_deletes_the_part_and_says_so() {
    let server = serve(&[Answer::Good]);
    let mut d = Download::from(&server.url);
    d.start_with_part(&[7; 1_234]);
    let fault = d.run().unwrap_err();
    assert!(fault.what().contains("wrong checksum"), "{fault}");
    assert!(!d.target().exists() && !part_of(&d.target()).exists());
    d.run().unwrap();
    d.assert_arrived();
}

#[test]
fn a_full_disk_names_the_need_and_the_folder_and_keeps_the_part() {
    let server = serve(&[Answer::Good]);
    let mut d = Download::from(&server.url);
    let mut room = 1_000_000usize;
    let fault = d
        .run_with(&mut |file, bytes| {
            room = room.checked_sub(bytes.len()).ok_or(ErrorKind::StorageFull)?;
            file.write_all(bytes)
        })
        .unwrap_err();
    let folder = d.target().parent().unwrap().display().to_string();
    assert!(fault.what().contains("no space") && fault.what().contains(&folder), "{fault}");
    assert!(fault.advice().contains("3 MB"), "{fault}");
    assert!(size(&part_of(&d.target())) > 0);
    d.run().unwrap();
    d.assert_arrived();
}

#[test]
fn cancelling_answers_at_once_and_keeps_the_part() {
    let server = serve(&[Answer::StallsAfter(1_000_000)]);
    let mut d = Download::from(&server.url);
    let cancel = d.cancel.clone();
    let begun = Instant::now();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        cancel.cancel();
    });
    assert!(d.run().unwrap_err().is_cancelled());
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    assert_eq!(size(&part_of(&d.target())), 1_000_000);
}

#[test]
fn what_stays_away_is_told_apart_from_what_is_not_there() {
    let server = serve(&[Answer::Status(404)]);
    let fault = Download::from(&server.url).run().unwrap_err();
    assert!(fault.what().contains("answer 404"), "{fault}");
    assert_eq!(server.sent.lock().unwrap().len(), 1, "a missing file is not asked for again");
    let server = serve(&[Answer::Status(500)]);
    let fault = Download::from(&server.url).run().unwrap_err();
    assert!(fault.what().contains("answered 500") && fault.advice().contains("connection"), "{fault}");
    assert_eq!(server.sent.lock().unwrap().len(), 4);
}

#[test]
fn offline_says_what_to_fetch_and_where_to_put_it() {
    let d = Download::from("https://example.org/m.bin");
    let fault = offline_fault(&d.entry, &d.target()).to_string();
    assert!(
        fault.contains("https://example.org/m.bin") && fault.contains(&d.target().display().to_string()),
        "{fault}"
    );
}
