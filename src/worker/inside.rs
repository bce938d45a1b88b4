//! What runs in a worker: a job after the other from standard input, until that ends.

use super::job::{Cover, Frame, Hello, Job, Listen, Message, Order, Part, Read, Render};
use super::limits;
use super::verified::{Looks, Passed};
use crate::fault::{Cancel, Fault};
use crate::media::cover::CoverJob;
use crate::media::faces;
use crate::media::render::{self, Rendered, Setting};
use crate::media::still::{self, Moment};
use crate::media::verify::verify;
use crate::media::{self, Probe};
use crate::speech::{self, ModelFile, Recogniser};
use crate::trace::Trace;
use crate::units::Time;
use crossbeam_channel::{Receiver, bounded};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How often a worker whose work goes on says so.
const PULSE: Duration = Duration::from_secs(1);

/// Samples that are written or read at once.
const SAMPLES: usize = 1 << 16;

/// Serves a supervisor: takes jobs from standard input and tells what becomes of them on standard output, one line of
/// JSON each. When the input ends so does the process, whatever it is doing.
pub fn serve() -> ExitCode {
    limits::offer_itself();
    limits::NONE.apply();
    // The supervisor, which gets these too, decides what becomes of its workers.
    drop(ctrlc::set_handler(|| {}));
    std::panic::set_hook(Box::new(|about| {
        // What was put together at run time may hold words of the clip.
        let what = about.payload().downcast_ref::<&str>().copied().unwrap_or("a panic");
        let at = about.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
        drop(writeln!(io::stderr(), "{what}{at}"));
    }));
    let Ok(say) = Say::to_stdout() else { return ExitCode::FAILURE };
    say.tell(&Message::Hello(Hello::ours()));
    let (cancel, orders) = (Cancel::new(), orders());
    tell_of_life(&say, &cancel);
    media::start();
    let mut worker = Worker { say, cancel, recogniser: None };
    for line in orders {
        worker.take(&line);
        worker.say.tell(&Message::Done);
    }
    ExitCode::SUCCESS
}

/// The lines of standard input. Its end is the end of the process: nobody waits for what it does, and it may be stuck in a
/// library.
fn orders() -> Receiver<String> {
    let (sender, orders) = bounded(1);
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(io::Result::ok) {
            // The other end is as long-lived as the process.
            drop(sender.send(line));
        }
        end();
    });
    orders
}

/// Ends this process at once. Libraries are not asked to tidy up, which could hang.
fn end() -> ! {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

/// Says once in a while that work went on, while it does.
fn tell_of_life(say: &Say, cancel: &Cancel) {
    let (say, cancel) = (say.clone(), cancel.clone());
    thread::spawn(move || {
        let moved = || (cancel.checks(), written().saturating_sub(say.said.load(Ordering::Relaxed)));
        let mut before = moved();
        loop {
            thread::sleep(PULSE);
            let now = moved();
            if now != before {
                say.tell(&Message::Alive);
            }
            before = now;
        }
    });
}

/// Bytes that this process wrote to whatever it writes to, where the system tells. When a long file is closed its index is
/// put in front of all its pictures, and nothing but this moves for a while. It ends, since files are bounded.
fn written() -> u64 {
    let text = fs::read_to_string("/proc/self/io").unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse().ok()).unwrap_or(0)
}

/// Where messages go.
#[derive(Clone)]
struct Say {
    to: Arc<Mutex<File>>,
    /// Bytes that were said.
    said: Arc<AtomicU64>,
}

impl Say {
    /// The process' standard output, which from here on nobody else can write to: what a library prints goes to standard
    /// error.
    fn to_stdout() -> io::Result<Self> {
        #[cfg(unix)]
        let to = {
            use std::os::fd::AsFd;
            let to = io::stdout().as_fd().try_clone_to_owned()?;
            rustix::stdio::dup2_stdout(io::stderr())?;
            File::from(to)
        };
        #[cfg(windows)]
        let to = {
            use std::os::windows::io::AsHandle;
            File::from(io::stdout().as_handle().try_clone_to_owned()?)
        };
        Ok(Say { to: Arc::new(Mutex::new(to)), said: Arc::default() })
    }

    /// Tells the supervisor. Without one there is nothing left to do here.
    fn tell(&self, message: &Message) {
        let line = serde_json::to_string(message).map(|text| text + "\n");
        let mut to = self.to.lock().unwrap_or_else(|e| e.into_inner());
        match line {
            Ok(line) if to.write_all(line.as_bytes()).is_ok() => {
                self.said.fetch_add(line.len() as u64, Ordering::Relaxed);
            }
            _ => end(),
        }
    }
}

struct Worker {
    say: Say,
    cancel: Cancel,
    /// The model that was loaded last.
    recogniser: Option<(ModelFile, Option<String>, Recogniser)>,
}

impl Worker {
    /// Does a job as far as it can be done.
    fn take(&mut self, line: &str) {
        let order: Order = match serde_json::from_str(line) {
            Ok(order) => order,
            Err(e) => return self.fail(Fault::new(format!("the job was not understood ({e})"), "report this")),
        };
        if order.hello != Hello::ours() {
            return self.fail(Fault::new("another version of Housecall gave the job", "run the same command again"));
        }
        let trace = if order.trace {
            let say = self.say.clone();
            Trace::relayed(move |event| say.tell(&Message::Trace(event)))
        } else {
            Trace::default()
        };
        let trace = trace.of(&order.clip);
        let work = || match order.job {
            Job::Read(job) => self.read(*job, &trace),
            Job::Listen(job) => self.listen(*job),
            Job::Render(job) => self.render(*job, &trace),
            Job::Check(part) => self.check(*part),
            Job::Frame(job) => self.draw(*job),
        };
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            let advice = "run again; if it happens again, take the clip out of the folder and report it";
            self.fail(Fault::new("the program made a mistake with this clip", advice));
        }
    }

    fn fail(&self, fault: Fault) {
        self.say.tell(&Message::Failed(fault));
    }

    fn read(&self, job: Read, trace: &Trace) {
        limits::unknown(&job.bounds).apply();
        let probe = match job.probe {
            Some(probe) => probe,
            None => {
                let probe = trace
                    .during("probe", || media::probe::probe_within(&job.clip, &job.bounds, &self.cancel))
                    .map(Box::new)
                    .map_err(exhausted);
                self.say.tell(&Message::Probed(probe.clone()));
                let Ok(probe) = probe else { return };
                *probe
            }
        };
        limits::reading(&probe).apply();
        thread::scope(|scope| {
            if job.faces {
                scope.spawn(|| {
                    let seen = trace
                        .during("faces", || faces::look(&job.clip, &probe.video, job.threads, &self.cancel))
                        .map_err(exhausted);
                    self.say.tell(&Message::Seen(seen));
                });
            }
            if let Some(sound) = &job.sound {
                self.say.tell(&Message::Heard(self.hear(&job.clip, &probe, &sound.pcm, trace).map_err(exhausted)));
            }
        });
    }

    /// How loud a clip is and where somebody speaks, and its samples in a file.
    fn hear(
        &self,
        clip: &Path,
        probe: &Probe,
        pcm: &Path,
        trace: &Trace,
    ) -> Result<(speech::Loudness, Vec<crate::units::Span>), Fault> {
        let (samples, loudness) = trace.during("hear", || media::sound::listen(clip, probe, &self.cancel))?;
        let spoken = trace.during("voice activity", || speech::speech_spans(&samples));
        write_samples(pcm, &samples, &self.cancel)?;
        Ok((loudness, spoken))
    }

    fn listen(&mut self, job: Listen) {
        limits::listening(&job).apply();
        let said = self.transcribe(&job).map_err(exhausted);
        self.say.tell(&Message::Said(said));
    }

    fn transcribe(&mut self, job: &Listen) -> Result<speech::Transcript, Fault> {
        let pcm = read_samples(&job.pcm, &self.cancel)?;
        let known = self.recogniser.take().filter(|(model, prompt, _)| (model, prompt) == (&job.model, &job.prompt));
        let (_, _, recogniser) = match known {
            Some(known) => self.recogniser.insert(known),
            None => {
                let recogniser = Recogniser::new(&job.model, job.threads)?.expecting(job.prompt.as_deref());
                self.recogniser.insert((job.model.clone(), job.prompt.clone(), recogniser))
            }
        };
        recogniser.use_threads(job.threads);
        let say = &self.say;
        recogniser.transcribe(&job.clip, &pcm, &job.speech, &job.language, &self.cancel, &mut |done| {
            say.tell(&Message::Listened(done));
        })
    }

    fn render(&self, job: Render, trace: &Trace) {
        limits::rendering(&job).apply();
        let length = job.probe.duration.seconds().max(0.001);
        let told = AtomicU64::new(u64::MAX);
        let progress = |at: Time| {
            // Once a hundredth: a listener has better things to do than to hear of every frame.
            let hundredth = (at.seconds() / length * 100.0) as u64;
            if told.swap(hundredth, Ordering::Relaxed) != hundredth {
                self.say.tell(&Message::At(at));
            }
        };
        let setting = Setting {
            clip: &job.clip,
            probe: &job.probe,
            shared: Some(job.shared),
            threads: job.threads,
            cancel: &self.cancel,
            progress: &progress,
            decoded: &|| self.say.tell(&Message::Decoded),
            trace,
        };
        let jobs: Vec<render::Job> =
            job.parts.iter().map(|part| render::Job { recipe: &part.recipe, file: part.file.clone() }).collect();
        let cover = job.cover.map(|Cover { recipe, file }| CoverJob { recipe, file });
        let (made, cover) = render::render(&setting, &jobs, cover.as_ref(), &|index, rendered| {
            let passed = trace.during("verify", || self.passes(rendered, &job.parts[index]));
            self.say.tell(&Message::Made(index, passed.map_err(|fault| (exhausted(fault), true))));
            Ok(())
        });
        for (index, made) in made.into_iter().enumerate() {
            if let Err(fault) = made {
                self.say.tell(&Message::Made(index, Err((exhausted(fault), false))));
            }
        }
        if let Some(made) = cover {
            self.say.tell(&Message::Cover(made.map_err(exhausted)));
        }
    }

    fn check(&self, part: Part) {
        limits::checking(&part).apply();
        let passed = self.passes(Rendered::again(part.file.clone()), &part);
        self.say.tell(&Message::Checked(passed.map_err(exhausted)));
    }

    fn draw(&self, job: Frame) {
        limits::drawing(&job).apply();
        let Frame { clip, probe, recipe, shared, at, threads, file } = &job;
        let moment = Moment { clip, probe, recipe, shared: *shared, at: *at };
        let drawn = still::jpeg(&moment, *threads, &self.cancel).and_then(|bytes| {
            fs::write(file, bytes).map_err(|e| {
                let advice = "free some space on the disk, or check that the output folder can be written to";
                Fault::new(format!("the picture cannot be put aside in {} ({e})", file.display()), advice)
            })
        });
        self.say.tell(&Message::Drawn(drawn.map_err(exhausted)));
    }

    fn passes(&self, rendered: Rendered, part: &Part) -> Result<Passed, Fault> {
        let before = Looks::of(rendered.file());
        let limits: Vec<_> = part.limits.iter().collect();
        Passed::of(&verify(rendered, &part.recipe, &limits, &self.cancel)?, before)
    }
}

/// A library that gets no memory says so, and the clip is not to blame.
fn exhausted(fault: Fault) -> Fault {
    match fault {
        Fault::Failed { what, .. } if what.contains("Cannot allocate memory") || limits::is_short_of_memory() => {
            Fault::died(format!("there was not enough memory ({what})"), super::outside::MEMORY_ADVICE)
        }
        other => other,
    }
}

fn write_samples(file: &Path, samples: &[f32], cancel: &Cancel) -> Result<(), Fault> {
    let write = || -> io::Result<()> {
        let mut to = BufWriter::new(File::create(file)?);
        for piece in samples.chunks(SAMPLES) {
            // Cancelled work is stopped from outside; this tells that it goes on.
            drop(cancel.check());
            let bytes: Vec<u8> = piece.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            to.write_all(&bytes)?;
        }
        to.flush()
    };
    write().map_err(|e| {
        let advice = "free some space on the disk, or check that the output folder can be written to, and run again";
        Fault::new(format!("the clip's sound cannot be put aside in {} ({e})", file.display()), advice)
    })
}

fn read_samples(file: &Path, cancel: &Cancel) -> Result<Vec<f32>, Fault> {
    let read = || -> io::Result<Vec<f32>> {
        let mut from = BufReader::new(File::open(file)?);
        let count = file.metadata()?.len() / 4;
        let mut samples = Vec::with_capacity(count as usize);
        let mut piece = vec![0; SAMPLES * 4];
        while (samples.len() as u64) < count {
            drop(cancel.check());
            let bytes = (count - samples.len() as u64).min(SAMPLES as u64) as usize * 4;
            from.read_exact(&mut piece[..bytes])?;
            let values = piece[..bytes].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            samples.extend(values);
        }
        Ok(samples)
    };
    read().map_err(|e| Fault::new(format!("the clip's sound cannot be read back ({e})"), "run again"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn samples_come_back_bit_by_bit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pcm");
        let samples: Vec<f32> = (0..SAMPLES + 7).map(|i| (i as f32 * 0.37).sin() / 3.0).collect();
        write_samples(&file, &samples, &Cancel::new()).unwrap();
        assert_eq!(read_samples(&file, &Cancel::new()).unwrap(), samples);
        assert!(read_samples(&folder.path().join("away"), &Cancel::new()).is_err());
    }

    #[test]
    fn what_was_written_is_seen_to_move() {
        if cfg!(target_os = "linux") {
            let before = written();
            fs::write(tempfile::tempdir().unwrap().path().join("a"), [0; 4096]).unwrap();
            assert!(written() >= before + 4096);
        }
    }
}
