//! What torture tests share: how long they go on, chance that can be repeated, and clips that are done in a moment.

use super::desk::{Desk, Done, small};
use super::ffmpeg;
use super::tree::{Tree, files, strays, tree};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How often the long form tries; none in the short form, which is part of `make test`.
pub fn long_form() -> Option<u64> {
    let asked = std::env::var("HOUSECALL_TORTURE").ok()?;
    Some(asked.parse().unwrap_or_else(|_| panic!("HOUSECALL_TORTURE={asked} is no number")))
}

/// Chance that comes out the same for the same seed.
pub struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    /// Seeded by `HOUSECALL_SEED`, which is printed, else by a number of our own.
    pub fn new(test: &str) -> Self {
        let seed = std::env::var("HOUSECALL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
        println!("{test}: HOUSECALL_SEED={seed}");
        Dice { seed, thrown: 0 }
    }

    /// One of so many numbers from 0.
    pub fn below(&mut self, count: u64) -> u64 {
        self.thrown += 1;
        let hash = blake3::hash(format!("{} {}", self.seed, self.thrown).as_bytes());
        u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap()) % count
    }

    /// Up to this long.
    pub fn within(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.below(longest.as_micros().max(1) as u64))
    }
}

/// A desk whose clips are done in a moment, and what a run leaves there that nothing disturbs.
pub struct Scene {
    /// The desk; its output folder is moved away before each attempt.
    pub desk: Desk,
    /// What follows `run` or `watch`.
    pub arguments: Vec<String>,
    /// What an undisturbed run leaves.
    pub undisturbed: Tree,
    /// How such a run ends.
    pub code: i32,
    inbox: Tree,
}

impl Scene {
    /// Clips of a second with sound, their words given, on two small platforms; `further` lines of practice.toml.
    pub fn of(clips: usize, further: &str) -> Self {
        let desk = Desk::new();
        let quick = small("x", &[(320, 240)]) + &small("youtube", &[(480, 360)]);
        desk.practice(&format!("[end_card]\nenabled = false\n{quick}{further}"));
        let said = desk.inbox().join("said");
        fs::create_dir(&said).unwrap();
        for n in 1..=clips {
            let file = desk.inbox().join("made.mp4");
            make_clip(&file, n);
            let bytes = fs::read(&file).unwrap();
            fs::remove_file(file).unwrap();
            desk.drop_file(&format!("clip-{n}.mp4"), &bytes);
            let words = format!("1\n00:00:00,100 --> 00:00:00,900\nDrink water and rest, part {n}.\n");
            fs::write(said.join(format!("clip-{n}.srt")), words).unwrap();
        }
        Scene::with(desk, &["--platforms", "x,youtube", "--transcript", "inbox/said"])
    }

    /// The clips that lie on a desk, run with these further arguments.
    pub fn with(desk: Desk, further: &[&str]) -> Self {
        let arguments: Vec<String> =
            ["inbox", "--offline", "--json"].iter().chain(further).map(|argument| argument.to_string()).collect();
        fs::create_dir(desk.out().with_file_name("tmp")).unwrap();
        let mut scene = Scene { desk, arguments, undisturbed: Tree::new(), code: 0, inbox: Tree::new() };
        let done = scene.run();
        assert!([0, 3].contains(&done.code), "{done:?}");
        assert_eq!(scene.leftovers(), [""; 0].map(PathBuf::from));
        (scene.undisturbed, scene.code) = (tree(&scene.out()), done.code);
        scene.inbox = contents(&scene.desk.inbox());
        for cut in scene.undisturbed.keys().filter(|file| file.extension().is_some_and(|e| e == "mp4")) {
            let cut = scene.out().join(cut);
            ffmpeg(&["-v", "error", "-xerror", "-i", cut.to_str().unwrap(), "-f", "null", "-"]);
        }
        scene
    }

    /// Where the cuts go.
    pub fn out(&self) -> PathBuf {
        self.desk.out()
    }

    /// Empties the output folder.
    pub fn begin_anew(&self) {
        drop(fs::remove_dir_all(self.out()));
        fs::create_dir(self.out()).unwrap();
    }

    /// The program with a verb, not yet run.
    pub fn command(&self, verb: &str) -> Command {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let mut command = self.desk.command(&[&[verb], &arguments[..]].concat());
        // So that nothing that lies there is another test's.
        command.env("TMPDIR", self.temporary());
        command
    }

    /// Runs to the end.
    pub fn run(&self) -> Done {
        Done::of(self.command("run").output().unwrap())
    }

    /// The system's temporary folder, as the program sees it.
    pub fn temporary(&self) -> PathBuf {
        self.out().with_file_name("tmp")
    }

    /// What no run that came to its end leaves behind.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        [strays(&self.out()), files(&self.temporary())].concat()
    }

    /// Asserts that all is as if nothing had happened.
    pub fn assert_complete(&self, about: &str) {
        super::tree::assert_same(&tree(&self.out()), &self.undisturbed, about);
        assert_eq!(self.leftovers(), [""; 0].map(PathBuf::from), "{about}");
        super::tree::assert_same(&contents(&self.desk.inbox()), &self.inbox, "the inbox");
    }

    /// Runs once more and asserts that all is as if nothing had happened.
    pub fn assert_completes(&self, about: &str) {
        let done = self.run();
        assert_eq!(done.code, self.code, "{about}: {done:?}");
        self.assert_complete(about);
    }
}

/// Names and contents of all files below a folder.
fn contents(folder: &Path) -> Tree {
    let digest = |file: &Path| blake3::hash(&fs::read(folder.join(file)).unwrap()).to_hex().to_string();
    files(folder).into_iter().map(|file| (file.clone(), digest(&file))).collect()
}

/// A second of moving picture with a tone, a different one for each number.
pub fn make_clip(file: &Path, number: usize) {
    let picture = format!("testsrc2=size=480x360:rate=15:duration=1,hue=h={}", number * 40);
    let tone = format!("sine=frequency={}:duration=1", 200 + 50 * number);
    let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &tone];
    let encoding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    ffmpeg(&[&inputs, &encoding[..], &[file.to_str().unwrap()]].concat());
}
