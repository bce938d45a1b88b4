//! A staff member's desk: folders to drop clips into, and the program as it is run from a shell.

use super::ffmpeg;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// The repository's samples.
pub fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// The table of practice.toml that gives a platform canvases of these few pixels and the fastest preset, for tests that ask
/// what becomes of a clip and not how its picture looks: encoding takes most of a run. Further lines of the table may
/// follow.
pub fn small(platform: &str, canvases: &[(u32, u32)]) -> String {
    let canvas = |&(width, height): &(u32, u32)| {
        let (x, y) = (width / 20, height / 20);
        let text_box = format!("{{ x = {x}, y = {y}, width = {}, height = {} }}", width - 2 * x, height - 2 * y);
        format!("{{ size = {{ width = {width}, height = {height} }}, text_box = {text_box} }}")
    };
    let canvases: Vec<String> = canvases.iter().map(canvas).collect();
    format!("[platform.{platform}]\npreset = \"ultrafast\"\ncanvases = [{}]\n", canvases.join(", "))
}

/// [`small`] for the platform X, with canvases for clips that lie and that stand.
pub fn small_x() -> String {
    small("x", &[(426, 240), (240, 426)])
}

/// A home folder of its own with an inbox, so that nothing of the user who runs the tests plays a part.
pub struct Desk {
    home: TempDir,
}

impl Desk {
    /// An empty inbox and nothing else.
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("inbox")).unwrap();
        Desk { home }
    }

    /// Where the clips are.
    pub fn inbox(&self) -> PathBuf {
        self.home.path().join("inbox")
    }

    /// Where the cuts go.
    pub fn out(&self) -> PathBuf {
        self.home.path().join("cuts")
    }

    /// Writes a file into the inbox; it looks as if it had lain there for an hour.
    pub fn drop_file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let file = self.inbox().join(name);
        fs::write(&file, bytes).unwrap();
        File::options()
            .append(true)
            .open(&file)
            .unwrap()
            .set_modified(SystemTime::now() - Duration::from_secs(3600))
            .unwrap();
        file
    }

    /// Copies sample clips with their sidecars into the inbox.
    pub fn drop_samples(&self, clips: &[&str]) {
        let folder = samples().join("clips");
        for clip in clips {
            self.drop_file(clip, &fs::read(folder.join(clip)).unwrap());
            let sidecar = Path::new(clip).with_extension("question.txt");
            if let Ok(bytes) = fs::read(folder.join(&sidecar)) {
                self.drop_file(sidecar.to_str().unwrap(), &bytes);
            }
        }
        self.drop_file("questions.csv", &fs::read(folder.join("questions.csv")).unwrap());
    }

    /// A silent moving test picture of this length, 320x240, as the bytes of an MP4.
    pub fn clip(&self, seconds: u32) -> Vec<u8> {
        let file = self.home.path().join("made.mp4");
        let picture = format!("testsrc2=size=320x240:rate=30:duration={seconds}");
        let encoding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
        ffmpeg(&[&["-f", "lavfi", "-i", &picture], &encoding[..], &[file.to_str().unwrap()]].concat());
        fs::read(file).unwrap()
    }

    /// Writes the inbox's practice.toml: the invented practice of the samples, with further lines.
    pub fn practice(&self, further: &str) {
        let text = fs::read_to_string(samples().join("practice.toml")).unwrap();
        self.drop_file("practice.toml", (text + "\n" + further).as_bytes());
        self.drop_file("logo.png", &fs::read(samples().join("logo.png")).unwrap());
    }

    /// The program with these arguments, in a home of its own.
    pub fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_housecall"));
        command.args(arguments).current_dir(self.home.path()).env("HOME", self.home.path());
        for variable in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub fn housecall(&self, arguments: &[&str]) -> Done {
        // A program that hangs is a failed test, not a test that never ends.
        Done::of(
            assert_cmd::Command::from_std(self.command(arguments)).timeout(Duration::from_secs(900)).output().unwrap(),
        )
    }

    /// Runs a verb on the inbox with `--json`.
    pub fn batch(&self, verb: &str, further: &[&str]) -> Done {
        self.housecall(&[&[verb, "inbox", "--offline", "--json"], further].concat())
    }

    /// Every file under the output folder, by its path relative to that.
    pub fn files(&self) -> BTreeMap<PathBuf, fs::Metadata> {
        let mut found = BTreeMap::new();
        collect(&self.out(), &self.out(), &mut found);
        found
    }
}

fn collect(folder: &Path, root: &Path, found: &mut BTreeMap<PathBuf, fs::Metadata>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap();
        match entry.metadata().unwrap() {
            about if about.is_dir() => collect(&entry.path(), root, found),
            about => drop(found.insert(entry.path().strip_prefix(root).unwrap().to_path_buf(), about)),
        }
    }
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Done {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Done {
    /// From a finished process, which was not killed.
    pub fn of(output: Output) -> Self {
        Done {
            code: output.status.code().expect("an exit code"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Every line of the output as the JSON that it has to be.
    pub fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    /// The events of one kind.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|event| event["event"] == kind).collect()
    }

    /// How often a clip entered a stage.
    pub fn entered(&self, stage: &str) -> usize {
        self.events("entered").iter().filter(|event| event["stage"] == stage).count()
    }
}
