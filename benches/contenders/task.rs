//! What there is to do: an inbox of clips, a practice, and Housecall's own plan of it, which all contenders follow.

use crate::common::{self, Cost};
use anyhow::{Context, Result, ensure};
use housecall::cuts::{self, ClipPlan, Render};
use housecall::fault::Cancel;
use housecall::media::{self, Probe, probe::probe};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

const HOUSECALL: &str = env!("CARGO_BIN_EXE_housecall");
/// Sample clips, practice and logo.
pub const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
/// Where every clip is posted.
pub const PLATFORMS: [&str; 8] =
    ["tiktok", "instagram-reels", "youtube-shorts", "snapchat-spotlight", "facebook-feed", "linkedin", "x", "youtube"];

/// A folder of clips and how Housecall is asked to treat them.
pub struct Desk {
    inbox: PathBuf,
    practice: PathBuf,
    /// What `--transcript` names.
    transcripts: Option<PathBuf>,
    platforms: String,
}

/// A clip and everything that every contender needs to know of it.
pub struct Task {
    /// The file.
    pub clip: PathBuf,
    /// What it holds.
    pub probe: Probe,
    /// What becomes of it.
    pub plan: ClipPlan,
}

impl Task {
    /// The unique encodes.
    pub fn renders(&self) -> Vec<Render<'_>> {
        cuts::renders(&self.plan)
    }
}

impl Desk {
    /// A desk in `folder` with these clips. The practice is that of the samples with `settings` added; no clip waits for
    /// approval.
    pub fn new(folder: &Path, clips: &[(String, PathBuf)], settings: &str, platforms: &[&str]) -> Result<Self> {
        let (inbox, office) = (folder.join("inbox"), folder.join("practice"));
        fs::create_dir_all(&inbox)?;
        fs::create_dir_all(&office)?;
        // Old enough that nobody waits for them to settle.
        let old = SystemTime::now() - Duration::from_secs(3600);
        for (name, clip) in clips {
            let target = inbox.join(name);
            fs::copy(clip, &target)?;
            File::options().write(true).open(&target)?.set_modified(old)?;
        }
        let samples = Path::new(SAMPLES);
        fs::copy(samples.join("logo.png"), office.join("logo.png"))?;
        let text = fs::read_to_string(samples.join("practice.toml"))?;
        let practice = office.join("practice.toml");
        fs::write(&practice, format!("{text}\n[review]\nrequire = \"none\"\n{settings}"))?;
        Ok(Desk { inbox, practice, transcripts: None, platforms: platforms.join(",") })
    }

    /// The same with transcripts from a folder.
    pub fn with_transcripts(self, folder: PathBuf) -> Self {
        Desk { transcripts: Some(folder), ..self }
    }

    fn command(&self, verb: &str, out: &Path) -> Command {
        let mut command = Command::new(HOUSECALL);
        command.arg(verb).arg(&self.inbox).arg("--out").arg(out).args(["--offline", "--json"]);
        command.arg("--practice").arg(&self.practice).arg("--platforms").arg(&self.platforms);
        if let Some(folder) = &self.transcripts {
            command.arg("--transcript").arg(folder);
        }
        command
    }

    /// Lets Housecall read and transcribe the clips; what it would make of each. What it learned is left in `prepared`.
    pub fn plan(&self, prepared: &Path) -> Result<Vec<Task>> {
        let printed = self.command("plan", prepared).stderr(Stdio::inherit()).output()?;
        ensure!(printed.status.success(), "the clips could not be planned");
        media::start();
        let mut tasks = Vec::new();
        for line in String::from_utf8(printed.stdout)?.lines() {
            let plan: ClipPlan = serde_json::from_str(line)?;
            let named = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem.to_string_lossy() == plan.name);
            let clip = fs::read_dir(&self.inbox)?
                .filter_map(|entry| entry.ok().map(|entry| entry.path()))
                .find(named)
                .with_context(|| format!("no clip is called {}", plan.name))?;
            let probe = probe(&clip, &Cancel::new()).map_err(|fault| anyhow::anyhow!("{fault}"))?;
            tasks.push(Task { clip, probe, plan });
        }
        ensure!(!tasks.is_empty(), "nothing was planned");
        Ok(tasks)
    }

    /// Lets Housecall make every cut; starts from what lies in `prepared`, if anything is given.
    pub fn run(&self, prepared: Option<&Path>, out: &Path) -> Result<Cost> {
        self.run_until_published(prepared, out).map(|(cost, _)| cost)
    }

    /// The same, and after how many seconds the first cut stood in its place.
    pub fn run_until_published(&self, prepared: Option<&Path>, out: &Path) -> Result<(Cost, Option<f64>)> {
        if let Some(prepared) = prepared {
            copy_folder(prepared, out)?;
        }
        let mut command = self.command("run", out);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        common::measure_until(&mut command, &[0], |line| line.contains(r#""event":"published""#))
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
