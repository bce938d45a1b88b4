//! What a person looks at before anything is made: a picture of a cut as it will be burned in, a copy of the whole clip
//! that any browser plays, and a small still of it. All of it comes from workers, as everything that touches a clip's bytes
//! does, and none of it is ever posted.

use super::durable::make_folder;
use super::store::write_whole;
use super::understand::unanswered;
use crate::cuts::{self, Recipe};
use crate::fault::{Cancel, Fault, cannot_write};
use crate::intake::Digest;
use crate::media::Probe;
use crate::media::render::shared_size;
use crate::trace::Trace;
use crate::units::{Size, Time};
use crate::worker::{self, Crew, Job, Kind, Message, Part, Verified, Worker};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// Folder for files on their way, in the program's own folder. Those of another time are of no use to anyone.
pub const FOLDER: &str = "look";

/// More threads than this do not bring a picture sooner: it waits for those before it.
const MOST_THREADS: usize = 4;

/// How often somebody who waits looks whether all was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// Has workers make what a person looks at. Calls may come from any thread. There is one for an output folder.
#[derive(Debug)]
pub struct Looker {
    crew: Crew,
    folder: PathBuf,
    /// Threads of a decoder.
    threads: usize,
    /// How many files there were until now; each has a name of its own.
    files: AtomicU64,
    frames: Turnstile,
    /// Whoever drew last, and of which clip. It has loaded what it needs, and draws the next one of that clip sooner.
    idle: Mutex<Option<Idle>>,
}

/// A worker that drew a picture of a clip, and when.
type Idle = (PathBuf, Worker, Instant);

impl Looker {
    /// `program` is this one, `state` the program's own folder in the output folder, `patience` as [`Crew::patience`].
    pub fn new(program: PathBuf, state: &Path, patience: Duration, cancel: &Cancel) -> Self {
        let logs = state.join("logs");
        let crew = Crew { program, logs, patience, cancel: cancel.clone(), trace: Trace::default() };
        let folder = state.join(FOLDER);
        drop(fs::remove_dir_all(&folder));
        let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let (files, frames, idle) = (AtomicU64::new(0), Turnstile::default(), Mutex::new(None));
        Looker { crew, folder, threads, files, frames, idle }
    }

    /// A name for a file on its way, in a folder that is there.
    fn passing(&self, extension: &str) -> Result<Passing, Fault> {
        fs::create_dir_all(&self.folder).map_err(|e| cannot_write(&self.folder, &e))?;
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        Ok(Passing(self.folder.join(format!("{number}.{extension}"))))
    }

    /// A picture of a cut as the bytes of a JPEG, drawn by a worker; and that worker, for more of the same clip.
    fn draw(&self, worker: Option<Worker>, clip: &Path, picture: &Picture) -> Result<(Worker, Vec<u8>), Fault> {
        let file = self.passing("jpg")?;
        let Picture { probe, recipe, shared, at } = *picture;
        let job = worker::Frame {
            clip: clip.to_path_buf(),
            probe: probe.clone(),
            recipe: recipe.clone(),
            shared,
            at,
            threads: self.threads,
            file: file.0.clone(),
        };
        let name = name_of(clip);
        let mut worker = worker.map_or_else(|| self.crew.start(Kind::Frame, &name), Ok)?;
        worker.give(&name, Job::Frame(Box::new(job)))?;
        let mut drawn = Err(unanswered());
        while let Some(message) = worker.told()? {
            if let Message::Drawn(done) = message {
                drawn = done;
            }
        }
        drawn?;
        Ok((worker, fs::read(&file.0).map_err(|e| cannot_write(&file.0, &e))?))
    }

    /// Ends whoever drew last, if nobody asked for another picture for so long.
    pub fn rest(&self, longest: Duration) {
        let ended = self.idle().take_if(|(_, _, since)| since.elapsed() >= longest);
        drop(ended);
    }

    fn idle(&self) -> MutexGuard<'_, Option<Idle>> {
        self.idle.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// What is to be drawn of a clip.
struct Picture<'a> {
    probe: &'a Probe,
    recipe: &'a Recipe,
    shared: Size,
    at: Time,
}

impl Drop for Looker {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The picture of a cut at a moment of it, as it will be burned in: the bytes of a JPEG of the cut's size. `shared` is
/// [`shared_size`] of all recipes of the clip's plan, the cover's among them. While one is drawn, the newest of those that
/// are asked for of the same clip waits, and the others are not drawn any more.
///
/// # Errors
/// The clip cannot be decoded there, or the recipe cannot be drawn; [`Fault::Cancelled`] where a newer one of the same clip
/// was asked for, or all work is to stop.
pub fn frame(
    looker: &Looker,
    clip: &Path,
    probe: &Probe,
    recipe: &Recipe,
    shared: Size,
    at: Time,
) -> Result<Vec<u8>, Fault> {
    let _turn = looker.frames.enter(clip, &looker.crew.cancel)?;
    let picture = Picture { probe, recipe, shared, at };
    let before = looker.idle().take().filter(|(of, ..)| of == clip).map(|(_, worker, _)| worker);
    let was_there = before.is_some();
    let drawn = match looker.draw(before, clip, &picture) {
        // It may have ended long ago.
        Err(fault) if was_there && fault.is_death() => looker.draw(None, clip, &picture),
        drawn => drawn,
    };
    let (worker, bytes) = drawn?;
    *looker.idle() = Some((clip.to_path_buf(), worker, Instant::now()));
    Ok(bytes)
}

/// Writes a small JPEG of the clip at a moment of it, in clip time: when somebody begins to speak, say.
///
/// # Errors
/// The clip cannot be decoded there, the file cannot be written, or the work was cancelled. Then no file is there.
pub fn poster(
    looker: &Looker,
    clip: &Path,
    probe: &Probe,
    digest: &Digest,
    at: Time,
    file: &Path,
) -> Result<(), Fault> {
    let recipe = cuts::poster_recipe(probe, digest);
    let picture = Picture { probe, recipe: &recipe, shared: shared_size(probe, &[&recipe]), at };
    let (_, bytes) = looker.draw(None, clip, &picture)?;
    write_whole(file, &bytes)
}

/// Writes a copy of the whole clip that any browser plays and jumps in, see [`cuts::viewing_recipe`]. It is checked like a
/// cut, and nothing private of the clip is in it. `file` lies on the same file system as the program's own folder.
///
/// # Errors
/// The clip cannot be decoded, the copy fails its check, the file cannot be written, or the work was cancelled. Then no
/// file is there.
pub fn view_copy(looker: &Looker, clip: &Path, probe: &Probe, digest: &Digest, file: &Path) -> Result<(), Fault> {
    let made = looker.passing("mp4")?;
    let recipe = cuts::viewing_recipe(probe, digest);
    let shared = shared_size(probe, &[&recipe]);
    // No platform has a say in it.
    let parts = vec![Part { recipe, file: made.0.clone(), limits: Vec::new() }];
    let (clip, name, threads) = (clip.to_path_buf(), name_of(clip), looker.threads);
    let job = worker::Render { clip, probe: probe.clone(), shared, threads, parts, cover: None };
    let mut worker = looker.crew.start(Kind::Render, &name)?;
    worker.give(&name, Job::Render(Box::new(job)))?;
    while let Some(message) = worker.told()? {
        if let Message::Made(_, passed) = message {
            let verified = Verified::receive(passed.map_err(|(fault, _)| fault)?, &made.0)?;
            let folder = file.parent().unwrap_or(Path::new("."));
            let put = make_folder(folder).and_then(|()| fs::rename(verified.file(), file));
            return put.map_err(|e| cannot_write(file, &e));
        }
    }
    Err(unanswered())
}

/// What a clip is called in logs.
fn name_of(clip: &Path) -> String {
    clip.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A file that lasts only while it is passed on.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        // One that was never made, or has got its name, is not there.
        drop(fs::remove_file(&self.0));
    }
}

/// Lets one at a time work on each clip, and of those who wait for it only whoever came last.
#[derive(Debug, Default)]
struct Turnstile {
    clips: Mutex<HashMap<PathBuf, Queue>>,
    moved: Condvar,
}

/// Who is at a clip.
#[derive(Debug, Default)]
struct Queue {
    busy: bool,
    /// The number of whoever came last.
    newest: u64,
}

/// Somebody's turn at a clip.
#[derive(Debug)]
struct Turn<'a> {
    of: &'a Turnstile,
    clip: PathBuf,
}

impl Turnstile {
    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Fault::Cancelled`]: somebody came later and takes the place, or all work is to stop.
    fn enter(&self, clip: &Path, cancel: &Cancel) -> Result<Turn<'_>, Fault> {
        let mut clips = self.clips();
        let queue = clips.entry(clip.to_path_buf()).or_default();
        queue.newest += 1;
        let number = queue.newest;
        // Whoever waited until now goes.
        self.moved.notify_all();
        loop {
            let queue = clips.entry(clip.to_path_buf()).or_default();
            if queue.newest != number || cancel.is_cancelled() {
                return Err(Fault::Cancelled);
            }
            if !queue.busy {
                queue.busy = true;
                return Ok(Turn { of: self, clip: clip.to_path_buf() });
            }
            clips = self.moved.wait_timeout(clips, LOOK).map_or_else(|e| e.into_inner().0, |(clips, _)| clips);
        }
    }

    fn clips(&self) -> MutexGuard<'_, HashMap<PathBuf, Queue>> {
        self.clips.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.of.clips().entry(std::mem::take(&mut self.clip)).or_default().busy = false;
        self.of.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Instant;

    /// Waits until somebody came to the clip so often.
    fn came(turnstile: &Turnstile, clip: &Path, times: u64) {
        let began = Instant::now();
        while turnstile.clips().get(clip).is_none_or(|queue| queue.newest < times) {
            assert!(began.elapsed() < Duration::from_secs(20));
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn of_those_who_wait_for_a_clip_only_the_last_one_gets_a_turn() {
        let (turnstile, cancel) = (Turnstile::default(), Cancel::new());
        let (a, b) = (Path::new("a.mov"), Path::new("b.mov"));
        let turn = turnstile.enter(a, &cancel).unwrap();
        thread::scope(|scope| {
            let ask = || scope.spawn(|| turnstile.enter(a, &cancel).map(drop));
            let first = ask();
            came(&turnstile, a, 2);
            let second = ask();
            came(&turnstile, a, 3);
            assert!(first.join().unwrap().unwrap_err().is_cancelled());
            let third = ask();
            came(&turnstile, a, 4);
            assert!(second.join().unwrap().unwrap_err().is_cancelled());
            // Another clip is not in their way, and nobody who works is sent off.
            drop(turnstile.enter(b, &cancel).unwrap());
            assert!(!third.is_finished());
            drop(turn);
            third.join().unwrap().unwrap();
        });
        drop(turnstile.enter(a, &cancel).unwrap());
    }

    #[test]
    fn whoever_waits_when_all_stops_goes() {
        let (turnstile, cancel) = (Turnstile::default(), Cancel::new());
        let clip = Path::new("a.mov");
        let _turn = turnstile.enter(clip, &cancel).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| turnstile.enter(clip, &cancel).map(drop));
            came(&turnstile, clip, 2);
            cancel.cancel();
            assert!(waiting.join().unwrap().unwrap_err().is_cancelled());
        });
    }
}
