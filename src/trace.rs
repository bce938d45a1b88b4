//! What every thread of a run did when, as a file that Chrome's tracing page and Perfetto open. For whoever wants to see
//! what idles. It holds names of clips, never what was said.
//!
//! The file is a JSON array of trace events (Trace Event Format: complete events `X` with microseconds, metadata `M`,
//! counters `C`). Each event is written when it ends; readers bear an array without its end, so that the file of a run
//! that was killed opens too.

use crate::fault::Fault;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Instant;

/// Spans of these names are also drawn as a curve of how many are open.
const COUNTED: [&str; 3] = ["transcribe", "decode", "encode"];

/// Where spans go; by default nowhere, which costs nothing. Clones write to the same file.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    log: Option<Arc<Log>>,
    clip: String,
}

#[derive(Debug)]
struct Log {
    began: Instant,
    state: Mutex<State>,
}

/// Where events go.
enum Sink {
    /// The first of them has not been written yet, or it has.
    File { file: File, empty: bool },
    /// To the process that has the file.
    Relay(Box<dyn FnMut(Value) + Send>),
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Sink::File { .. } => "File",
            Sink::Relay(_) => "Relay",
        })
    }
}

/// The spans of another process, which are written with ours. What it had open when it ended is closed.
#[derive(Debug)]
pub struct Adopted {
    log: Option<Arc<Log>>,
    /// When the other process began to count, in our microseconds.
    began: u64,
    /// Its rows and ours.
    rows: HashMap<u64, usize>,
    /// How many spans it has open, of those that are counted.
    open: [usize; COUNTED.len()],
}

#[derive(Debug)]
struct State {
    sink: Sink,
    /// Rows of the picture: the name of the thread that each was made for, and whether a thread has it now. Threads that
    /// come one after the other share a row, else a hundred clips would be a thousand rows.
    rows: Vec<(String, bool)>,
    /// The row of each thread that is in a span, and in how many it is.
    threads: HashMap<ThreadId, (usize, usize)>,
    open: HashMap<&'static str, usize>,
}

/// Something that goes on until this is dropped. Spans of one thread end in the reverse order of their beginnings.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span<'a>(Option<Open<'a>>);

#[derive(Debug)]
struct Open<'a> {
    trace: &'a Trace,
    log: &'a Log,
    name: &'static str,
    began: Instant,
    /// What the thread had run and waited before, in nanoseconds.
    before: Option<(u64, u64)>,
    row: usize,
}

impl Trace {
    /// Writes to this file; one that stands there is replaced.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn to_file(file: &Path) -> Result<Self, Fault> {
        let unwritable = |e: std::io::Error| {
            let advice = "give --trace a file in a folder that you may write to";
            Fault::new(format!("the trace {} cannot be written ({e})", file.display()), advice)
        };
        let file = File::create(file).map_err(unwritable)?;
        Ok(Trace::into(Sink::File { file, empty: true }))
    }

    /// Hands every event to the process that has the file; see [`Trace::adopt`].
    pub fn relayed(to: impl FnMut(Value) + Send + 'static) -> Self {
        Trace::into(Sink::Relay(Box::new(to)))
    }

    fn into(sink: Sink) -> Self {
        let state = State { sink, rows: Vec::new(), threads: HashMap::new(), open: HashMap::new() };
        let log = Log { began: Instant::now(), state: Mutex::new(state) };
        Trace { log: Some(Arc::new(log)), clip: String::new() }
    }

    /// Whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.log.is_some()
    }

    /// Takes up the events that another process relays, which begins to count now.
    pub fn adopt(&self) -> Adopted {
        let began = self.log.as_ref().map_or(0, |log| log.micros(Instant::now()));
        Adopted { log: self.log.clone(), began, rows: HashMap::new(), open: Default::default() }
    }

    /// The same, about one clip.
    pub fn of(&self, clip: &str) -> Self {
        let clip = if self.log.is_some() { clip.to_string() } else { String::new() };
        Trace { log: self.log.clone(), clip }
    }

    /// Begins a span of the thread that calls.
    pub fn span(&self, name: &'static str) -> Span<'_> {
        let Some(log) = self.log.as_deref() else { return Span(None) };
        let began = Instant::now();
        let row = log.lock(|state| {
            let row = state.enter(name);
            state.count(name, 1, log.micros(began));
            row
        });
        Span(Some(Open { trace: self, log, name, began, before: scheduled(), row }))
    }

    /// Does this within a span.
    pub fn during<T>(&self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let _span = self.span(name);
        work()
    }
}

impl Drop for Span<'_> {
    fn drop(&mut self) {
        let Some(Open { trace, log, name, began, before, row }) = self.0.take() else { return };
        let now = Instant::now();
        let mut about = json!({});
        if !trace.clip.is_empty() {
            about["clip"] = json!(trace.clip);
        }
        if let Some((before, after)) = before.zip(scheduled()) {
            let ms = |from: u64, to: u64| json!(to.saturating_sub(from) as f64 / 1e6);
            about["ran_ms"] = ms(before.0, after.0);
            about["waited_for_a_core_ms"] = ms(before.1, after.1);
        }
        let (from, to) = (log.micros(began), log.micros(now));
        log.lock(|state| {
            state.write(json!({
                "name": name, "ph": "X", "ts": from, "dur": to - from, "pid": 1, "tid": row, "args": about,
            }));
            state.count(name, -1, to);
            state.leave();
        });
    }
}

impl Adopted {
    /// Writes an event with the row and the time that it has here. What is none is passed over.
    pub fn add(&mut self, mut event: Value) {
        let Some(log) = &self.log else { return };
        let row = event["tid"].as_u64().unwrap_or_default();
        let at = event["ts"].as_u64().unwrap_or_default().saturating_add(self.began);
        log.lock(|state| match event["ph"].as_str() {
            Some("M") => {
                let ours = state.take_row(event["args"]["name"].as_str().unwrap_or("worker"));
                self.rows.insert(row, ours);
            }
            Some("X") => {
                if let Some(ours) = self.rows.get(&row) {
                    event["tid"] = json!(ours);
                    event["ts"] = json!(at);
                    state.write(event);
                }
            }
            Some("C") => {
                if let Some(which) = COUNTED.iter().position(|name| event["name"] == *name) {
                    let now = event["args"]["at once"].as_u64().unwrap_or_default().min(1 << 16) as usize;
                    state.count(COUNTED[which], now as isize - self.open[which] as isize, at);
                    self.open[which] = now;
                }
            }
            _ => {}
        });
    }
}

impl Drop for Adopted {
    fn drop(&mut self) {
        let Some(log) = &self.log else { return };
        let now = log.micros(Instant::now());
        log.lock(|state| {
            for (name, open) in COUNTED.iter().zip(self.open).filter(|(_, open)| *open > 0) {
                state.count(name, -(open as isize), now);
            }
            self.rows.values().for_each(|row| state.rows[*row].1 = false);
        });
    }
}

impl Log {
    fn micros(&self, at: Instant) -> u64 {
        at.duration_since(self.began).as_micros() as u64
    }

    fn lock<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(|e| e.into_inner()))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(|e| e.into_inner());
        if let Sink::File { file, empty } = &mut state.sink {
            // A full disk ends the trace, not the run.
            drop(file.write_all(if *empty { b"[\n]\n" } else { b"\n]\n" }));
        }
    }
}

impl State {
    /// The row of this thread, which enters one more span. A thread without a name is called by what it does first.
    fn enter(&mut self, span: &'static str) -> usize {
        let thread = thread::current();
        if let Some((row, depth)) = self.threads.get_mut(&thread.id()) {
            *depth += 1;
            return *row;
        }
        let row = self.take_row(thread.name().unwrap_or(span));
        self.threads.insert(thread.id(), (row, 1));
        row
    }

    /// A row of this name that nobody has.
    fn take_row(&mut self, name: &str) -> usize {
        let free = self.rows.iter().position(|(of, taken)| of == name && !taken);
        let row = free.unwrap_or_else(|| {
            let tid = self.rows.len();
            self.rows.push((name.to_string(), true));
            self.write(json!({"name": "thread_name", "ph": "M", "pid": 1, "tid": tid, "args": {"name": name}}));
            tid
        });
        self.rows[row].1 = true;
        row
    }

    fn leave(&mut self) {
        let thread = thread::current().id();
        if let Some((row, depth)) = self.threads.get_mut(&thread) {
            *depth -= 1;
            if *depth == 0 {
                self.rows[*row].1 = false;
                self.threads.remove(&thread);
            }
        }
    }

    fn count(&mut self, name: &'static str, by: isize, at: u64) {
        if COUNTED.contains(&name) {
            let open = self.open.entry(name).or_default();
            *open = open.saturating_add_signed(by);
            let open = *open;
            self.write(json!({"name": name, "ph": "C", "ts": at, "pid": 1, "args": {"at once": open}}));
        }
    }

    fn write(&mut self, event: Value) {
        match &mut self.sink {
            Sink::File { file, empty } => {
                let start = if *empty { "[\n" } else { ",\n" };
                *empty = false;
                // A full disk ends the trace, not the run.
                drop(file.write_all(format!("{start}{event}").as_bytes()));
            }
            Sink::Relay(to) => to(event),
        }
    }
}

/// For how long this thread has run, and waited for a core, in nanoseconds; where Linux says it.
fn scheduled() -> Option<(u64, u64)> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let mut numbers = text.split_whitespace().map_while(|n| n.parse().ok());
    numbers.next().zip(numbers.next())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn traced(work: impl FnOnce(&Trace)) -> Vec<Value> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trace.json");
        let trace = Trace::to_file(&file).unwrap();
        work(&trace);
        drop(trace);
        serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
    }

    #[test]
    fn a_span_within_another_lies_within_it_on_the_same_row() {
        let events = traced(|trace| {
            let clip = trace.of("razor-bumps");
            let _outer = clip.span("render");
            drop(clip.span("cover"));
        });
        let find = |name: &str| events.iter().find(|e| e["ph"] == "X" && e["name"] == name).unwrap();
        let (outer, inner) = (find("render"), find("cover"));
        let end = |e: &Value| e["ts"].as_u64().unwrap() + e["dur"].as_u64().unwrap();
        assert!(outer["ts"].as_u64() <= inner["ts"].as_u64() && end(inner) <= end(outer));
        assert_eq!(outer["tid"], inner["tid"]);
        assert_eq!(inner["args"]["clip"], "razor-bumps");
    }

    #[test]
    fn threads_in_turn_share_a_row_and_threads_at_once_do_not() {
        let named = |work: Box<dyn FnOnce() + Send>| thread::Builder::new().name("x".into()).spawn(work).unwrap();
        let events = traced(|trace| {
            let span = |trace: Trace| move || drop(trace.span("encode"));
            named(Box::new(span(trace.clone()))).join().unwrap();
            named(Box::new(span(trace.clone()))).join().unwrap();
            let _here = trace.span("decode");
            named(Box::new(span(trace.clone()))).join().unwrap();
        });
        let rows: Vec<_> =
            events.iter().filter(|e| e["name"] == "encode" && e["ph"] == "X").map(|e| &e["tid"]).collect();
        assert!(rows.len() == 3 && rows.iter().all(|row| row == &rows[0]), "{rows:?}");
        let decode = events.iter().find(|e| e["name"] == "decode" && e["ph"] == "X").unwrap();
        assert_ne!(&decode["tid"], rows[0]);
        let most = events.iter().filter(|e| e["ph"] == "C").map(|e| e["args"]["at once"].as_u64().unwrap()).max();
        assert_eq!(most, Some(1));
    }

    #[test]
    fn a_run_that_was_killed_leaves_an_array_that_lacks_only_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trace.json");
        let trace = Trace::to_file(&file).unwrap();
        drop(trace.span("probe"));
        let text = fs::read_to_string(&file).unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_err());
        let events: Vec<Value> = serde_json::from_str(&(text + "]")).unwrap();
        assert_eq!(events.iter().filter(|e| e["ph"] == "X").count(), 1);
    }

    #[test]
    fn spans_of_another_process_get_rows_of_their_own_and_are_closed_with_it() {
        let events = traced(|trace| {
            let _here = trace.span("decode");
            for whole in [true, false] {
                let mut adopted = trace.adopt();
                let (sender, relayed) = std::sync::mpsc::channel();
                let other = Trace::relayed(move |event| drop(sender.send(event))).of("a");
                let span = other.span("decode");
                // A process that was killed does not end its spans.
                if whole {
                    drop(span)
                } else {
                    std::mem::forget(span)
                }
                relayed.try_iter().for_each(|event| adopted.add(event));
                adopted.add(json!("nonsense"));
            }
        });
        let decodes: Vec<&Value> = events.iter().filter(|e| e["ph"] == "X").collect();
        assert_eq!(decodes.len(), 2, "{events:?}");
        assert_ne!(decodes[0]["tid"], decodes[1]["tid"]);
        assert_eq!(events.iter().filter(|e| e["ph"] == "M").count(), 2, "both processes had the same row: {events:?}");
        let counts: Vec<u64> =
            events.iter().filter(|e| e["ph"] == "C").map(|e| e["args"]["at once"].as_u64().unwrap()).collect();
        assert_eq!(counts, [1, 2, 1, 2, 1, 0]);
    }

    #[test]
    fn without_a_file_nothing_is_recorded() {
        assert!(Trace::default().of("a").span("probe").0.is_none());
    }
}
