//! Fetches a speech model: resumed, checked, and only then under its name.

use super::models::{Checksum, ModelEntry};
use crate::fault::{Cancel, Fault};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};
use ureq::Agent;

/// Bytes taken from the connection at a time.
const CHUNK: usize = 256 << 10;
/// How long a connection, an answer or the next bytes may take before the attempt counts as cut. The whole download may
/// take as long as it needs.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a waiting download looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(50);
/// Pauses before another attempt; an attempt that brought new bytes starts over with the first.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(10), Duration::from_secs(20)];

/// Writes a chunk to the file: a parameter so that a full disk can be tested anywhere.
type WriteChunk<'a> = &'a mut dyn FnMut(&mut File, &[u8]) -> io::Result<()>;

/// Downloads `entry` to `target` with `progress(bytes done, bytes in all)`.
///
/// The bytes go to a `.part` file beside the target, which a later call resumes; only a whole file with the right
/// checksum is renamed to `target`. Cut connections are tried again a few times. `HTTPS_PROXY` and its kin are honoured.
///
/// # Errors
/// [`Fault::Cancelled`] at once when cancelled (the part stays); no connection (it stays); no space left (it stays); an
/// answer that is no file, or a wrong checksum (it is deleted).
pub fn download(
    entry: &ModelEntry,
    target: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), Fault> {
    fetch(entry, target, cancel, progress, &PAUSES, &mut |file, bytes| file.write_all(bytes))
}

/// What to say when a model is missing and no connection may be made: which file to fetch from where, and where to put
/// it.
pub fn offline_fault(entry: &ModelEntry, target: &Path) -> Fault {
    let what = format!("the speech model {} is not on this computer, and --offline forbids fetching it", entry.name);
    let advice = format!("download {} ({}) and save it as {}", entry.url, megabytes(entry.bytes), target.display());
    Fault::new(what, advice)
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

/// Why an attempt ended without the whole file.
enum Cut {
    /// Worth another attempt: what happened.
    Again(String),
    /// Not worth one.
    Stop(Fault),
}

fn fetch(
    entry: &ModelEntry,
    target: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(u64, u64),
    pauses: &[Duration],
    write: WriteChunk,
) -> Result<(), Fault> {
    let part = part_of(target);
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(|e| file_fault(entry, folder, &e))?;
    }
    let mut pauses_left = pauses.iter();
    loop {
        let before = size(&part);
        match attempt(entry, &part, cancel, progress, write) {
            Ok(()) => break,
            Err(Cut::Stop(fault)) => return Err(fault),
            Err(Cut::Again(why)) => {
                if size(&part) > before {
                    pauses_left = pauses.iter();
                }
                let Some(pause) = pauses_left.next() else {
                    let what = format!("the speech model {} could not be downloaded ({why})", entry.name);
                    let advice = "check the connection and run the same command again: it goes on where it stopped";
                    return Err(Fault::new(what, advice));
                };
                wait(*pause, cancel)?;
            }
        }
    }
    if !is_whole(entry, &part, cancel)? {
        fs::remove_file(&part).map_err(|e| file_fault(entry, &part, &e))?;
        let what =
            format!("the speech model {} did not arrive as published (wrong checksum) and was deleted", entry.name);
        return Err(Fault::new(
            what,
            "run the same command again; if it stays, a proxy or virus scanner changes the file",
        ));
    }
    let placed = File::open(&part).and_then(|f| f.sync_all()).and_then(|()| fs::rename(&part, target));
    placed.map_err(|e| file_fault(entry, target, &e))
}

/// Where a download is collected until it is whole.
fn part_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |m| m.len())
}

fn wait(pause: Duration, cancel: &Cancel) -> Result<(), Fault> {
    let until = Instant::now() + pause;
    while Instant::now() < until {
        cancel.check()?;
        std::thread::sleep(LOOK.min(pause));
    }
    cancel.check()
}

/// One connection: brings the part to its full size, or says why not.
fn attempt(
    entry: &ModelEntry,
    part: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(u64, u64),
    write: WriteChunk,
) -> Result<(), Cut> {
    let stop = |e: &io::Error| Cut::Stop(file_fault(entry, part, e));
    let mut done = size(part);
    if done == entry.bytes {
        return Ok(());
    }
    if done > entry.bytes {
        fs::remove_file(part).map_err(|e| stop(&e))?;
        done = 0;
    }
    let inbox = connect(entry.url.clone(), done).map_err(|e| stop(&e))?;
    match next(&inbox, cancel)? {
        Event::Answer { status: 206, start } if done > 0 && start == Some(done) => {}
        // The server sends the whole file, whatever was asked for.
        Event::Answer { status: 200, .. } => done = 0,
        Event::Answer { status: 206 | 416, .. } => {
            // What is there is not a part of what the server has.
            fs::remove_file(part).map_err(|e| stop(&e))?;
            return Err(Cut::Again("the server has another file".into()));
        }
        Event::Answer { status: status @ (408 | 429 | 500..=599), .. } => {
            return Err(Cut::Again(format!("the server answered {status}")));
        }
        Event::Answer { status, .. } => {
            let what = format!("the speech model {} is not at {} (answer {status})", entry.name, entry.url);
            return Err(Cut::Stop(Fault::new(what, "choose another model, or download its file by hand and name it")));
        }
        Event::Bytes(_) | Event::End(None) => return Err(Cut::Again("the connection was cut".into())),
        Event::End(Some(why)) => return Err(Cut::Again(why)),
    }
    let mut file = OpenOptions::new()
        .create(true)
        .append(done > 0)
        .write(true)
        .truncate(done == 0)
        .open(part)
        .map_err(|e| stop(&e))?;
    progress(done, entry.bytes);
    while done < entry.bytes {
        match next(&inbox, cancel)? {
            Event::Bytes(bytes) => {
                write(&mut file, &bytes).map_err(|e| stop(&e))?;
                done += bytes.len() as u64;
                progress(done.min(entry.bytes), entry.bytes);
            }
            Event::End(why) => return Err(Cut::Again(why.unwrap_or_else(|| "the connection was cut".into()))),
            Event::Answer { .. } => {}
        }
    }
    Ok(())
}

/// What a connection brings, in this order.
enum Event {
    /// The HTTP status, and the first byte that a partial answer holds.
    Answer { status: u16, start: Option<u64> },
    /// The next bytes of the file.
    Bytes(Vec<u8>),
    /// Nothing more; with a reason if it was cut.
    End(Option<String>),
}

fn next(inbox: &Receiver<Event>, cancel: &Cancel) -> Result<Event, Cut> {
    loop {
        cancel.check().map_err(Cut::Stop)?;
        match inbox.recv_timeout(LOOK) {
            Ok(event) => return Ok(event),
            Err(RecvTimeoutError::Disconnected) => return Ok(Event::End(None)),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Requests the file from byte `from` on, on a thread of its own: a stalled connection cannot be interrupted, but it can
/// be left behind; it ends at its own timeout.
fn connect(url: String, from: u64) -> io::Result<Receiver<Event>> {
    let (events, inbox) = mpsc::sync_channel(4);
    std::thread::Builder::new().name("download".into()).spawn(move || {
        let why = receive(&url, from, &events).err().map(|e| e.to_string());
        // Nobody listens any more once the download was cancelled.
        let _ = events.send(Event::End(why));
    })?;
    Ok(inbox)
}

fn receive(url: &str, from: u64, events: &SyncSender<Event>) -> Result<(), ureq::Error> {
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_resolve(Some(PATIENCE))
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_per_read(Some(PATIENCE))
        .build()
        .into();
    // Compressed bytes could not be counted or resumed.
    let mut request = agent.get(url).header("accept-encoding", "identity");
    if from > 0 {
        request = request.header("range", format!("bytes={from}-"));
    }
    let response = request.call()?;
    let range = response.headers().get("content-range").and_then(|v| v.to_str().ok());
    let start = range.and_then(|r| r.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
    let mut listening = events.send(Event::Answer { status: response.status().as_u16(), start }).is_ok();
    let mut body = response.into_body().into_reader();
    while listening {
        let mut bytes = vec![0; CHUNK];
        let length = body.read(&mut bytes)?;
        if length == 0 {
            break;
        }
        bytes.truncate(length);
        listening = events.send(Event::Bytes(bytes)).is_ok();
    }
    Ok(())
}

/// Whether the part's bytes add up to the published checksum.
fn is_whole(entry: &ModelEntry, part: &Path, cancel: &Cancel) -> Result<bool, Fault> {
    let (sum, published) = match &entry.checksum {
        Checksum::Sha1(hex) => (digest::<Sha1>(part, cancel), hex),
        Checksum::Sha256(hex) => (digest::<Sha256>(part, cancel), hex),
    };
    match sum {
        Ok(sum) => Ok(sum == *published),
        Err(e) if e.kind() == ErrorKind::Interrupted => Err(Fault::Cancelled),
        Err(e) => Err(file_fault(entry, part, &e)),
    }
}

/// The digest of a file in lower-case hex; `Interrupted` when cancelled.
fn digest<D: Digest>(path: &Path, cancel: &Cancel) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = D::new();
    let mut bytes = vec![0; CHUNK];
    loop {
        cancel.check().map_err(|_| ErrorKind::Interrupted)?;
        match file.read(&mut bytes)? {
            0 => return Ok(digest.finalize().iter().map(|b| format!("{b:02x}")).collect()),
            length => digest.update(&bytes[..length]),
        }
    }
}

/// What to say when a file or folder of the download cannot be used.
fn file_fault(entry: &ModelEntry, path: &Path, error: &io::Error) -> Fault {
    let folder = path.parent().unwrap_or(path).display();
    if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        let what = format!("there is no space left for the speech model {} in {folder}", entry.name);
        let advice =
            format!("it takes {} there: free some space and run the same command again", megabytes(entry.bytes));
        return Fault::new(what, advice);
    }
    let what = format!("the speech model {} cannot be saved at {} ({error})", entry.name, path.display());
    Fault::new(what, "set HOUSECALL_MODELS to a folder that you may write to")
}

#[cfg(test)]
mod tests;
