//! What a worker may take. It binds itself before it opens anything of a clip.
//!
//! The bounds are generous: no clip that is honest meets them, and one that is not cannot take the computer along.

use crate::config::Bounds;
use crate::media::Probe;
use crate::units::{Size, Time};
use crate::worker::job::{Frame, Listen, Part, Render};

/// Program, libraries, fonts, stacks of threads.
const BASE: u64 = 1 << 30;

/// How much more than what was reckoned may be taken.
const SLACK: u64 = 2;

/// Pictures that a decoder and the filters behind it hold at most: references, one for each thread, and those that wait.
const PICTURES_A_DECODER: u64 = 48;

/// Pictures that an encoder holds: lookahead, references and their half-sample planes.
const PICTURES_A_RENDER: u64 = 80;

/// Pictures of the finished size, three bytes a pixel, that are held while one is drawn.
const PICTURES_A_CANVAS: u64 = 16;

/// Bytes of a second of sound for recognition: 16 kHz of `f32`.
const PCM_A_SECOND: u64 = 64_000;

/// Files may grow so much beyond what was reckoned: indexes, which are written twice.
const FILE_SLACK: u64 = 64 << 20;

/// What a worker may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bind {
    /// Bytes of writable memory of its own; none where a driver may map as much as it likes.
    pub memory: Option<u64>,
    /// Bytes of each file that it writes.
    pub file: Option<u64>,
}

/// Nothing but that no image of the memory is written when the process crashes: it would hold the clip.
pub(super) const NONE: Bind = Bind { memory: None, file: None };

/// Before a clip's tracks are known: whatever the largest one that is taken can need.
pub(super) fn unknown(bounds: &Bounds) -> Bind {
    let side = bounds.max_side;
    let pcm = pcm_bytes(bounds.max_duration);
    Bind { memory: Some(BASE + SLACK * (decoder_bytes(Size::new(side, side)) + pcm)), file: Some(pcm + FILE_SLACK) }
}

/// To read a clip of these tracks.
pub(super) fn reading(probe: &Probe) -> Bind {
    let pcm = pcm_bytes(probe.duration);
    Bind { memory: Some(BASE + SLACK * (decoder_bytes(probe.video.coded) + pcm)), file: Some(SLACK * pcm + FILE_SLACK) }
}

/// To listen. A graphics card's driver maps what it likes, so where one may be used memory is not bound.
pub(super) fn listening(job: &Listen) -> Bind {
    let accelerated = cfg!(any(feature = "cuda", feature = "vulkan", feature = "metal", feature = "hipblas"));
    let size = |file: &std::path::Path| file.metadata().map_or(0, |about| about.len());
    let memory = BASE + SLACK * (2 * size(&job.model.path) + size(&job.pcm));
    Bind { memory: (!accelerated).then_some(memory), file: None }
}

/// To render.
pub(super) fn rendering(job: &Render) -> Bind {
    let canvas = |part: &Part| pixels(part.recipe.canvas) * 3 / 2 * PICTURES_A_RENDER;
    let sound = job.probe.duration.seconds().max(0.0) as u64 * PCM_A_SECOND;
    let memory =
        BASE + SLACK * (decoder_bytes(job.probe.video.coded) + sound + job.parts.iter().map(canvas).sum::<u64>());
    // A graphics card's driver maps what it likes.
    let software = job.parts.iter().all(|part| part.recipe.codec.encoder == crate::media::encoders::SOFTWARE);
    let largest = job.parts.iter().map(file_bytes).max().unwrap_or(0);
    Bind { memory: software.then_some(memory), file: Some(largest + FILE_SLACK) }
}

/// To check a file: it is decoded once more.
pub(super) fn checking(part: &Part) -> Bind {
    Bind { memory: Some(BASE + SLACK * decoder_bytes(part.recipe.canvas)), file: Some(0) }
}

/// To draw a picture.
pub(super) fn drawing(job: &Frame) -> Bind {
    let canvas = pixels(job.recipe.canvas) * 3;
    let memory = BASE + SLACK * (decoder_bytes(job.probe.video.coded) + PICTURES_A_CANVAS * canvas);
    Bind { memory: Some(memory), file: Some(canvas + FILE_SLACK) }
}

/// The most that a render can write: at its peak rate all along, or as much as its platforms take if that is less. What
/// is a little larger than they take is for the check to find.
fn file_bytes(part: &Part) -> u64 {
    let recipe = &part.recipe;
    let kilobits = u64::from(recipe.codec.max_rate) + recipe.sound.as_ref().map_or(0, |s| u64::from(s.bit_rate));
    let seconds = recipe.duration().seconds().max(0.0).ceil() as u64 + u64::from(crate::cuts::BUFFER_SECONDS);
    let taken = part.limits.iter().map(|limits| limits.max_bytes).max().unwrap_or(u64::MAX);
    (SLACK * kilobits * 125 * seconds).min(taken.saturating_mul(SLACK))
}

fn pixels(size: Size) -> u64 {
    u64::from(size.width) * u64::from(size.height)
}

/// Pictures of a phone may have more than 8 bits, in two bytes a sample.
fn decoder_bytes(coded: Size) -> u64 {
    pixels(coded) * 3 * PICTURES_A_DECODER
}

fn pcm_bytes(duration: Time) -> u64 {
    duration.seconds().max(0.0).ceil() as u64 * PCM_A_SECOND
}

impl Bind {
    /// Binds this process, from here on; a bound that is tighter already stays. What the system does not know is left out:
    /// then the supervisor's patience is the bound.
    pub fn apply(self) {
        #[cfg(unix)]
        {
            use rustix::process::Resource;
            lower(Resource::Core, 0);
            if let Some(bytes) = self.memory {
                // Writable memory of its own, whether it is in use or not. Address space would count what is mapped for
                // later too, which drivers and allocators do by the gigabyte.
                lower(Resource::Data, bytes);
            }
            if let Some(bytes) = self.file {
                lower(Resource::Fsize, bytes);
            }
        }
    }
}

/// Lowers the bound that counts. That which it may be raised to again stays, so that a later job can have another.
#[cfg(unix)]
fn lower(resource: rustix::process::Resource, to: u64) {
    use rustix::process::{Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(resource);
    let current = maximum.map_or(to, |most| most.min(to));
    // Refused only above what may be set, which this is not.
    let _ = setrlimit(resource, Rlimit { current: Some(current), maximum });
}

/// Whether this process came close to the memory that it may have. A library that gets none may call the clip broken.
pub(super) fn is_short_of_memory() -> bool {
    #[cfg(target_os = "linux")]
    {
        let bound = rustix::process::getrlimit(rustix::process::Resource::Data).current;
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        bound.zip(most_memory(&status)).is_some_and(|(bound, most)| most >= bound / 10 * 8)
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// The most writable memory of its own that a process ever had, in bytes, by what proc(5) tells of it: the most of all
/// kinds, less what is of other kinds, which stays about the same.
#[cfg(target_os = "linux")]
fn most_memory(status: &str) -> Option<u64> {
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    let others = kib("VmSize:")?.saturating_sub(kib("VmData:")?);
    Some(kib("VmPeak:")?.saturating_sub(others) << 10)
}

/// Has the system, when it runs out of memory, end this process before the supervisor and before what people work with.
pub(super) fn offer_itself() {
    #[cfg(target_os = "linux")]
    drop(std::fs::write("/proc/self/oom_score_adj", "1000"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Bounds;

    #[test]
    fn whatever_may_be_taken_fits_into_what_is_allowed_before_it_is_known() {
        let Bind { memory, file } = unknown(&Bounds::default());
        // Eight references and a picture for each of eight threads, at 8192x8192 with 10 bits.
        assert!(memory > Some(16 * 8192 * 8192 * 3) && file > Some(30 * 60 * PCM_A_SECOND));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_most_memory_is_told_after_it_was_given_back() {
        let status = "VmPeak:\t  900 kB\nVmSize:\t  500 kB\nVmData:\t  200 kB\n";
        assert_eq!(most_memory(status), Some(600 << 10));
        assert_eq!(most_memory("VmPeak: 9 kB"), None);
        assert!(!is_short_of_memory(), "this process is not bound");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_bound_can_be_raised_again_up_to_what_the_system_gives() {
        use rustix::process::{Resource, getrlimit};
        // Of core files alone: the other tests of this process write files and need memory.
        lower(Resource::Core, 0);
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        let most = getrlimit(Resource::Core).maximum;
        lower(Resource::Core, 4096);
        assert_eq!(getrlimit(Resource::Core).current, Some(most.map_or(4096, |most| most.min(4096))));
        lower(Resource::Core, 0);
    }
}
