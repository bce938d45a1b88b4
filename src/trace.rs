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

#[derive(Debug)]
struct State {
    file: File,
    empty: bool,
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
        let state = State { file, empty: true, rows: Vec::new(), threads: HashMap::new(), open: HashMap::new() };
        let log = Log { began: Instant::now(), state: Mutex::new(state) };
        Ok(Trace { log: Some(Arc::new(log)), clip: String::new() })
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
            state.write(&json!({
                "name": name, "ph": "X", "ts": from, "dur": to - from, "pid": 1, "tid": row, "args": about,
            }));
            state.count(name, -1, to);
            state.leave();
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
        // A full disk ends the trace, not the run.
        drop(state.file.write_all(if state.empty { b"[\n]\n" } else { b"\n]\n" }));
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
        let name = thread.name().unwrap_or(span);
        let free = self.rows.iter().position(|(of, taken)| of == name && !taken);
        let row = free.unwrap_or_else(|| {
            let tid = self.rows.len();
            self.rows.push((name.to_string(), true));
            self.write(&json!({"name": "thread_name", "ph": "M", "pid": 1, "tid": tid, "args": {"name": name}}));
            tid
        });
        self.rows[row].1 = true;
        self.threads.insert(thread.id(), (row, 1));
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
            self.write(&json!({"name": name, "ph": "C", "ts": at, "pid": 1, "args": {"at once": open}}));
        }
    }

    fn write(&mut self, event: &Value) {
        let start = if self.empty { "[\n" } else { ",\n" };
        self.empty = false;
        // A full disk ends the trace, not the run.
        drop(self.file.write_all(format!("{start}{event}").as_bytes()));
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
    fn without_a_file_nothing_is_recorded() {
        assert!(Trace::default().of("a").span("probe").0.is_none());
    }
}
