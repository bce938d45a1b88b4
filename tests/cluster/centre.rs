//! A centre with two practices, what one computer makes of it, and the same clips as jobs of a cluster.

use crate::common::desk::{Desk, Done, samples, small};
use crate::common::torture::make_clip;
use crate::common::tree::{Tree, assert_same, damaged, files, is_on_its_way, tree};
use crate::slurm::Slurm;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

/// The practices, and how many clips each has.
const PRACTICES: [(&str, usize); 2] = [("alder", 4), ("birch", 2)];
/// Clips of all.
pub const CLIPS: usize = 6;
/// What follows the folder.
const ARGUMENTS: [&str; 6] = ["--offline", "--json", "--platforms", "x,youtube", "--transcript", "said"];

/// The centre; what is made of it goes to `cuts`, and what one computer made of it lies in `alone`.
pub struct Centre {
    desk: Desk,
    /// What one computer makes of each practice.
    alone: BTreeMap<&'static str, Tree>,
}

impl Centre {
    /// Two practices with clips of a second, which differ in where their captions go, run on this computer.
    pub fn new() -> Self {
        let desk = Desk::new();
        let said = desk.inbox().with_file_name("said");
        fs::create_dir(&said).unwrap();
        let quick = small("x", &[(320, 240)]) + &small("youtube", &[(480, 360)]);
        let mut number = 0;
        for (practice, clips) in PRACTICES {
            fs::create_dir(desk.inbox().join(practice)).unwrap();
            let settings = fs::read_to_string(samples().join("practice.toml")).unwrap();
            let settings = format!("{settings}\n[end_card]\nenabled = false\n{quick}");
            desk.drop_file(&format!("{practice}/practice.toml"), settings.as_bytes());
            desk.drop_file(&format!("{practice}/logo.png"), &fs::read(samples().join("logo.png")).unwrap());
            for _ in 0..clips {
                number += 1;
                let file = said.with_file_name("made.mp4");
                make_clip(&file, number);
                desk.drop_file(&format!("{practice}/clip-{number}.mp4"), &fs::read(&file).unwrap());
                let words = format!("1\n00:00:00,100 --> 00:00:00,900\nDrink water and rest, part {number}.\n");
                fs::write(said.join(format!("clip-{number}.srt")), words).unwrap();
            }
        }
        let run = |practice: &'static str| {
            // By its whole path, as jobs have it: where the logo lies is part of what makes a clip another one.
            let (inbox, out) = (desk.inbox().join(practice), format!("alone/{practice}"));
            let done = desk.housecall(&[&["run", inbox.to_str().unwrap(), "--out", &out], &ARGUMENTS[..]].concat());
            assert!([0, 3].contains(&done.code), "{done:?}");
            (practice, tree(&desk.out().with_file_name(out)))
        };
        let alone = PRACTICES.map(|(practice, _)| run(practice)).into_iter().collect();
        Centre { desk, alone }
    }

    /// The output folder of all.
    pub fn out(&self) -> PathBuf {
        self.desk.out()
    }

    /// Submits what is missing; what was told of it.
    pub fn submit(&self, slurm: &Slurm) -> Value {
        let mut command = self.desk.command(&[&["submit", "slurm", "inbox", "--out", "cuts"], &ARGUMENTS[..]].concat());
        slurm.known_to(&mut command);
        let done = Done::of(command.output().unwrap());
        assert_eq!(done.code, 0, "{done:?}");
        done.events("submitted").pop().unwrap_or_else(|| panic!("nothing was said: {done:?}"))
    }

    /// The cuts that stand under platforms' names or are held.
    pub fn cuts(&self) -> BTreeSet<PathBuf> {
        self.seen().into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "mp4")).collect()
    }

    /// What a person finds in the output folder.
    fn seen(&self) -> Vec<PathBuf> {
        files(&self.out()).into_iter().filter(|file| !is_own(file) && !is_on_its_way(file)).collect()
    }

    /// Whether a clip has everything that one computer makes of it, by its number.
    pub fn has(&self, number: usize) -> bool {
        let name = format!("clip-{number}");
        let is_its = |file: &&PathBuf| file.file_stem().is_some_and(|stem| *stem == *name) && !is_own(file);
        let wanted = self.alone.iter().flat_map(|(practice, tree)| {
            tree.keys().filter(is_its).map(|file| Path::new(practice).join(file)).collect::<Vec<_>>()
        });
        wanted.into_iter().all(|file| self.out().join(file).exists())
    }

    /// What the tasks wrote into their logs, and the last jobs.
    pub fn logs(&self) -> String {
        let state = self.out().join(".housecall/jobs");
        let is_log = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "log");
        let all = files(&state).into_iter().filter(is_log);
        all.map(|file| {
            format!("== {}\n{}\n", file.display(), fs::read_to_string(state.join(&file)).unwrap_or_default())
        })
        .collect()
    }

    /// Everything that tasks said of clips when they were through: clip, and why there is nothing of it.
    pub fn receipts(&self) -> Vec<(String, Option<String>)> {
        let mut all = Vec::new();
        for (practice, _) in PRACTICES {
            let folder = self.out().join(practice).join(".housecall/delivered");
            for file in files(&folder).into_iter().filter(|file| !is_on_its_way(file)) {
                let Ok(text) = fs::read_to_string(folder.join(&file)) else { continue };
                // Before it stand its checksum and its name.
                let Ok(says) = serde_json::from_str::<Value>(text.lines().next_back().unwrap_or_default()) else {
                    continue;
                };
                if let (Some(clip), Some(cuts)) = (says["clip"].as_str(), says["cuts"].as_array()) {
                    let why = says["failed"]["what"].as_str().or_else(|| cuts.first()?["what"].as_str());
                    all.push((clip.to_string(), why.map(String::from)));
                }
            }
        }
        all
    }

    /// Asserts that each practice has what one computer made of it, byte for byte where people look, and that what Housecall
    /// remembers means the same.
    pub fn assert_as_alone(&self, about: &str) {
        for (practice, wanted) in &self.alone {
            let out = self.out().join(practice);
            assert_eq!(damaged(&out), [""; 0].map(PathBuf::from), "{about}: {practice} is damaged");
            assert_same(&remembered(tree(&out)), &remembered(wanted.clone()), &format!("{about}: {practice}"));
        }
        assert!(self.cuts().len() >= 2 * CLIPS, "{about}: {:?}", self.cuts());
    }

    /// Looks at the output folder until it is asked to stop.
    pub fn watch(&self) -> Watch {
        let (stop, out) = (Arc::new(AtomicBool::new(false)), self.out());
        let stopped = stop.clone();
        let eyes = thread::spawn(move || {
            let (mut seen, mut known) = (Seen::new(), BTreeSet::new());
            while !stopped.load(Ordering::Relaxed) {
                look(&out, &mut seen, &mut known);
                sleep(Duration::from_millis(5));
            }
            look(&out, &mut seen, &mut known);
            seen
        });
        Watch { stop, eyes }
    }

    /// Asserts that whoever looked at any moment found whole files only.
    pub fn assert_always_whole(&self, watch: Watch, about: &str) {
        watch.stop.store(true, Ordering::Relaxed);
        let seen = watch.eyes.join().unwrap();
        let (mut public, mut delivered) = (0, 0);
        for (file, contents) in &seen {
            let mut parts = file.components();
            let practice = parts.next().unwrap().as_os_str().to_str().unwrap();
            let rest = parts.as_path();
            if rest.starts_with(".housecall/delivered") {
                // A second task may deliver the same again, and it is the same.
                assert_eq!(contents.len(), 1, "{about}: {} was not whole from the first", file.display());
                delivered += 1;
                continue;
            }
            let Some(alone) = self.alone.get(practice).filter(|_| rest != Path::new("report.html")) else {
                continue;
            };
            let shelved = rest.strip_prefix("held").unwrap_or(rest);
            let wanted = alone.get(shelved).or_else(|| alone.get(&Path::new("held").join(shelved)));
            for content in contents {
                assert_eq!(Some(content), wanted, "{about}: {} was seen before it was whole", file.display());
            }
            public += 1;
        }
        println!(
            "{about}: {public} files under their names and {delivered} delivered ones were looked at as they came"
        );
        assert!(public >= 2 * CLIPS && delivered > 0, "{about}: too little was seen");
    }
}

/// What was seen under a name: all the contents it ever had.
type Seen = BTreeMap<PathBuf, BTreeSet<String>>;

/// Eyes on an output folder.
pub struct Watch {
    stop: Arc<AtomicBool>,
    eyes: JoinHandle<Seen>,
}

/// Notes every file under a final name whose stamp is new.
fn look(out: &Path, seen: &mut Seen, known: &mut BTreeSet<(PathBuf, u64, u64, i64, i64)>) {
    for file in files(out).into_iter().filter(|file| is_watched(file) && !is_on_its_way(file)) {
        let Ok(about) = fs::symlink_metadata(out.join(&file)) else { continue };
        let stamp = (file.clone(), about.ino(), about.len(), about.mtime(), about.mtime_nsec());
        if known.contains(&stamp) {
            continue;
        }
        let Ok(bytes) = fs::read(out.join(&file)) else { continue };
        seen.entry(file).or_default().insert(blake3::hash(&bytes).to_hex().to_string());
        known.insert(stamp);
    }
}

/// What people see, and the renders that tasks deliver.
fn is_watched(file: &Path) -> bool {
    let is_delivered = file.components().any(|part| part.as_os_str() == "delivered");
    !is_own(file) || (is_delivered && file.extension().is_some_and(|extension| extension == "mp4"))
}

fn is_own(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == ".housecall")
}

/// A tree without what says which computer worked and which files were looked at there.
fn remembered(mut tree: Tree) -> Tree {
    tree.retain(|file, _| !file.starts_with(".housecall") || file == Path::new(".housecall/journal.ndjson"));
    tree
}
