//! How the computer's cores and memory are split between the model, decoders and clips in flight. Pure, but for
//! [`Machine::here`].

use crate::config::Practice;
use crate::units::Size;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

/// Tenths of a core that each further unique render of a clip keeps busy while pictures come. An encoder has one thread, and
/// all wait for the slowest: on the samples four or five renders were as much work as 2.7 to 3.3 of the slowest one
/// (docs/encoding.md).
const TENTHS_A_RENDER: usize = 6;

/// Pictures that an encoder holds: x264's lookahead, its references and half-sample planes. By the peaks that
/// docs/encoding.md shows: 175 MiB for each further render at 1080x1920.
const PICTURES_A_RENDER: u64 = 60;

/// The largest picture that phones record, which the budget is made for before any clip is known.
const LARGEST: Size = Size { width: 3840, height: 2160 };

/// Pictures that a decoder holds: 8 for reference and reordering, and one for each of at most 8 threads.
const PICTURES_A_DECODER: u64 = 8 + 8;

/// Program, fonts, filters and sound of a clip.
const OTHER_BYTES: u64 = 100 << 20;

/// The model's working memory is about as large as its file.
const MODEL_SHARE: u64 = 2;

/// The share of what is free that is taken, in hundredths: people use their computer while it works.
const TAKEN: u64 = 75;

/// What there is to share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// Bytes of memory that are free for this process; none where the system does not say.
    pub memory: Option<u64>,
}

/// What it is shared for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Canvas of every render that a clip may need.
    pub canvases: Vec<Size>,
    /// Size of the model's file in bytes.
    pub model: u64,
    /// Clips that are rendered at once; none: as cores and memory allow.
    pub jobs: Option<usize>,
}

/// Splits the computer's cores between the model, decoders and clips in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadBudget {
    /// Cores that there are.
    pub cores: usize,
    /// Clips that are decoded at once. Each brings a thread for every unique render, whose encoder has one.
    pub clips: usize,
    /// Clips that are under way at once: one more, which is in its tail, if memory allows.
    pub lanes: usize,
    /// Threads of a decoder and of the filters that all renders of a clip share.
    pub decoder: usize,
    /// Threads of the model while clips are rendered. Half of the cores: its threads spin while they wait, which
    /// starves whoever shares a core. Before the first render it may have all.
    pub speech: usize,
}

impl Machine {
    /// This computer, or what of it Slurm gave to the job that this process belongs to.
    pub fn here() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let given = |name: &str| std::env::var(name).ok()?.trim().parse::<u64>().ok();
        Machine { cores, memory: free_memory(Path::new("/")) }
            .within(given("SLURM_CPUS_PER_TASK"), given("SLURM_MEM_PER_NODE"))
    }

    /// No more than so many cores and MiB. Without control groups nothing else holds a job to what it was given.
    fn within(self, cores: Option<u64>, mebibytes: Option<u64>) -> Self {
        let cores = cores.map_or(self.cores, |given| self.cores.min(given.max(1) as usize));
        // Slurm says 0 for all that there is.
        let given = mebibytes.filter(|given| *given > 0).map(|given| given << 20);
        Machine { cores, memory: self.memory.into_iter().chain(given).min() }
    }
}

/// What one clip at a time needs of a computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Need {
    /// Cores that its renders keep busy.
    pub cores: usize,
    /// MiB of memory, with what [`ThreadBudget`] leaves free.
    pub mebibytes: u64,
}

impl Need {
    /// For any clip of a practice, with a model of so many bytes.
    pub fn of(practice: &Practice, model: u64) -> Self {
        Need::for_one(&Demand::of(practice, model, Some(1)))
    }

    fn for_one(demand: &Demand) -> Self {
        let bytes = demand.model * MODEL_SHARE + decoder_bytes() + clip_bytes(demand);
        let cores = busy_tenths(demand).div_ceil(10);
        // To the next 64 MiB, so that practices that are much alike ask for the same.
        Need { cores, mebibytes: (bytes * 100 / TAKEN).div_ceil(64 << 20) * 64 }
    }

    /// What is enough for both.
    pub fn max(self, other: Self) -> Self {
        Need { cores: self.cores.max(other.cores), mebibytes: self.mebibytes.max(other.mebibytes) }
    }
}

/// Tenths of a core that one clip with all its renders keeps busy.
fn busy_tenths(demand: &Demand) -> usize {
    10 + TENTHS_A_RENDER * demand.canvases.len().saturating_sub(1)
}

impl Demand {
    /// What a practice asks for. Platforms that agree on canvases and encoding are taken to share a render; captions may
    /// part them, so that this is about right and no bound.
    pub fn of(practice: &Practice, model: u64, jobs: Option<usize>) -> Self {
        let mut unlike = Vec::new();
        for platform in &practice.platforms {
            let sizes: Vec<Size> = platform.canvases.iter().map(|choice| choice.size).collect();
            let kind = (sizes, &platform.encoding, platform.clean);
            if !unlike.contains(&kind) {
                unlike.push(kind);
            }
        }
        let canvases = unlike.iter().filter_map(|(sizes, ..)| sizes.first().copied()).collect();
        Demand { canvases, model, jobs }
    }
}

impl ThreadBudget {
    /// For a computer and what is to be done on it. As many clips as fill the cores, and no more than memory holds.
    pub fn new(machine: &Machine, demand: &Demand) -> Self {
        let cores = machine.cores.max(1);
        let by_cores = (10 * cores).div_ceil(busy_tenths(demand));
        let fit = machine.memory.map_or(1 + cores / 4, |free| clips_in(free, demand));
        let clips = demand.jobs.unwrap_or(by_cores.min(fit)).max(1);
        let lanes = if fit > clips { clips + 1 } else { clips };
        ThreadBudget { cores, clips, lanes, decoder: (cores / clips).clamp(1, 8), speech: (cores / 2).clamp(1, 8) }
    }
}

/// Clips that fit into so many free bytes, beside the model and the decoder that looks for faces.
fn clips_in(free: u64, demand: &Demand) -> usize {
    let left = (free / 100 * TAKEN).saturating_sub(demand.model * MODEL_SHARE + decoder_bytes());
    (left / clip_bytes(demand)) as usize
}

/// The most memory that one clip in flight takes, in bytes.
fn clip_bytes(demand: &Demand) -> u64 {
    let pixels = |size: &Size| u64::from(size.width) * u64::from(size.height);
    // Pictures to be encoded have 8 bits, one and a half bytes a pixel; the phone's may have 10, in twice as many.
    let renders: u64 = demand.canvases.iter().map(|canvas| pixels(canvas) * 3 / 2 * PICTURES_A_RENDER).sum();
    renders + decoder_bytes() + OTHER_BYTES
}

/// The most memory that a decoder takes, in bytes.
fn decoder_bytes() -> u64 {
    u64::from(LARGEST.width) * u64::from(LARGEST.height) * 3 * PICTURES_A_DECODER
}

/// Bytes that are free for this process: what Linux calls available, and no more than its control groups have left. `root`
/// is where the system's files are.
fn free_memory(root: &Path) -> Option<u64> {
    let read = |file: &Path| fs::read_to_string(root.join(file)).ok();
    let number = |file: PathBuf| read(&file)?.trim().parse::<u64>().ok();
    let available = meminfo(&read(Path::new("proc/meminfo"))?)?;
    let groups = read(Path::new("proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().flat_map(|line| {
        let (base, limit, used) = match line.splitn(3, ':').collect::<Vec<_>>()[..] {
            ["0", "", _] => ("sys/fs/cgroup", "memory.max", "memory.current"),
            [_, "memory", _] => ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
            _ => return Vec::new(),
        };
        let group = line.rsplit(':').next().unwrap_or_default().trim_start_matches('/');
        // A group is bound by those that it lies in. In a container its own path does not exist; the base does.
        let within = Path::new(group).ancestors().map(|group| Path::new(base).join(group));
        let left = |group: PathBuf| {
            let cached = inactive_file(&read(&group.join("memory.stat")).unwrap_or_default());
            let taken = number(group.join(used)).unwrap_or(0).saturating_sub(cached);
            number(group.join(limit)).map(|limit| limit.saturating_sub(taken))
        };
        within.filter_map(left).collect::<Vec<_>>()
    });
    limits.chain([available]).min()
}

/// Bytes of a control group's use that are only copies of files, which the system gives up when asked.
fn inactive_file(stat: &str) -> u64 {
    let line = stat.lines().find_map(|line| line.strip_prefix("inactive_file "));
    line.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0)
}

/// `MemAvailable` of /proc/meminfo, in bytes.
fn meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GIB: u64 = 1 << 30;

    fn upright(renders: usize) -> Demand {
        Demand { canvases: vec![Size::new(1080, 1920); renders], model: 150 << 20, jobs: None }
    }

    fn budget(cores: usize, gib: u64, renders: usize) -> ThreadBudget {
        ThreadBudget::new(&Machine { cores, memory: Some(gib * GIB) }, &upright(renders))
    }

    #[test]
    fn every_computer_gets_at_least_one_of_each_and_uses_all_of_its_cores() {
        for cores in [0, 1, 2, 4, 8, 16, 32, 128] {
            for renders in [0, 1, 5, 13] {
                let b = budget(cores, 1024, renders);
                assert!(b.clips >= 1 && b.decoder >= 1 && b.speech >= 1 && b.lanes >= b.clips, "{cores}: {b:?}");
                assert!(b.clips * renders.max(1) >= cores, "{cores}: {b:?}");
            }
        }
    }

    #[test]
    fn clips_in_flight_grow_with_cores_until_memory_ends() {
        let clips = |gib| [1, 2, 4, 8, 16, 32].map(|cores| budget(cores, gib, 5).clips);
        assert_eq!(clips(4), [1, 1, 1, 1, 1, 1]);
        assert_eq!(clips(8), [1, 1, 2, 3, 3, 3]);
        assert_eq!(clips(16), [1, 1, 2, 3, 5, 8]);
        assert_eq!(clips(64), [1, 1, 2, 3, 5, 10]);
    }

    #[test]
    fn a_computer_that_does_not_tell_its_memory_is_taken_for_a_modest_one() {
        let clips = |cores| ThreadBudget::new(&Machine { cores, memory: None }, &upright(1)).clips;
        assert_eq!([1, 2, 4, 8, 16].map(clips), [1, 1, 2, 3, 5]);
    }

    #[test]
    fn a_clip_in_its_tail_overlaps_the_next_one_only_where_memory_holds_both() {
        assert_eq!((budget(2, 2, 5).clips, budget(2, 2, 5).lanes), (1, 1));
        assert_eq!((budget(2, 8, 5).clips, budget(2, 8, 5).lanes), (1, 2));
    }

    #[test]
    fn many_small_renders_are_no_reason_for_many_clips() {
        assert!(budget(16, 64, 1).clips > budget(16, 64, 5).clips);
        assert_eq!(budget(16, 64, 13).clips, 2);
    }

    #[test]
    fn a_person_knows_better() {
        let machine = Machine { cores: 8, memory: Some(GIB) };
        assert_eq!(ThreadBudget::new(&machine, &Demand { jobs: Some(5), ..upright(5) }).clips, 5);
    }

    #[test]
    fn a_large_model_leaves_less_room_for_clips() {
        let machine = Machine { cores: 32, memory: Some(8 * GIB) };
        let with = |model| ThreadBudget::new(&machine, &Demand { model, ..upright(5) }).clips;
        assert!(with(2 * GIB) < with(0));
    }

    #[test]
    fn what_slurm_gives_binds_as_far_as_it_is_less() {
        let machine = Machine { cores: 16, memory: Some(8 * GIB) };
        let within = |cores, mebibytes| machine.within(cores, mebibytes);
        assert_eq!(within(None, None), machine);
        assert_eq!(within(Some(4), Some(2048)), Machine { cores: 4, memory: Some(2 * GIB) });
        assert_eq!(within(Some(64), Some(1 << 20)), machine);
        assert_eq!(within(Some(0), Some(0)), Machine { cores: 1, memory: Some(8 * GIB) });
        let silent = Machine { cores: 2, memory: None };
        assert_eq!(silent.within(None, Some(1024)), Machine { cores: 2, memory: Some(GIB) });
    }

    #[test]
    fn what_a_task_asks_for_is_enough_for_its_clip() {
        for renders in [0, 1, 5, 13] {
            for model in [0, 17 << 20, 3 * GIB] {
                let demand = Demand { model, jobs: Some(1), ..upright(renders) };
                let need = Need::for_one(&demand);
                assert!(clips_in(need.mebibytes << 20, &demand) >= 1, "{renders} {model}: {need:?}");
                assert!(clips_in((need.mebibytes - 128) << 20, &demand) < 1, "{renders} {model}: {need:?}");
                assert_eq!(need.cores, [1, 1, 4, 9][[0, 1, 5, 13].iter().position(|n| *n == renders).unwrap()]);
            }
        }
    }

    #[test]
    fn a_control_group_binds_more_tightly_than_the_computer() {
        let root = tempfile::tempdir().unwrap();
        let put = |file: &str, text: &str| {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        assert_eq!(free_memory(root.path()), None);
        put("proc/meminfo", "MemTotal:       24684096 kB\nMemAvailable:   19567900 kB\n");
        assert_eq!(free_memory(root.path()), Some(19_567_900 << 10));
        put("proc/self/cgroup", "4:memory:/job/one\n0::/job/one\n");
        put("sys/fs/cgroup/job/one/memory.max", "max\n");
        assert_eq!(free_memory(root.path()), Some(19_567_900 << 10));
        put("sys/fs/cgroup/job/memory.max", "3000\n");
        assert_eq!(free_memory(root.path()), Some(3000));
        put("sys/fs/cgroup/job/memory.current", "2000\n");
        put("sys/fs/cgroup/job/memory.stat", "anon 500\ninactive_file 1200\n");
        assert_eq!(free_memory(root.path()), Some(2200));
        put("sys/fs/cgroup/memory/memory.limit_in_bytes", "700\n");
        assert_eq!(free_memory(root.path()), Some(700));
    }
}
