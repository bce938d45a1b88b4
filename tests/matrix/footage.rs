//! What the groups share: which form runs, and a clip's way through probe, render and verify.

use crate::common;
use housecall::cuts::{Limits, Recipe};
use housecall::fault::Cancel;
use housecall::media::Probe;
use housecall::media::probe::probe;
use housecall::media::render::{Job, Setting, render};
use housecall::media::verify::{Verified, verify};
use housecall::units::{Size, Time};
use std::path::Path;

/// Whether all of the matrix is to run.
pub fn long() -> bool {
    std::env::var("HOUSECALL_MATRIX").is_ok_and(|form| form == "all")
}

/// The shapes that the platforms ask for.
pub const CANVASES: [Size; 4] = [
    Size { width: 1080, height: 1920 },
    Size { width: 1080, height: 1350 },
    Size { width: 1080, height: 1080 },
    Size { width: 1920, height: 1080 },
];

/// What the product learns of a clip; a test may not go on with one that it cannot read.
pub fn read(clip: &Path) -> Probe {
    probe(clip, &Cancel::new()).unwrap_or_else(|fault| panic!("{}: {fault}", clip.display()))
}

/// A plan of the whole clip that fills `canvas` from its middle, encoded fast.
pub fn filling(found: &Probe, canvas: Size) -> Recipe {
    let mut recipe = common::recipe(found.video.displayed, canvas, found.duration.seconds());
    recipe.codec.preset = "ultrafast".into();
    recipe.sound = recipe.sound.filter(|_| found.audio.is_some());
    recipe
}

/// Makes and checks every recipe's file from one decode, in `folder`.
pub fn cut(clip: &Path, found: &Probe, recipes: &[Recipe], folder: &Path) -> Vec<Verified> {
    let cancel = Cancel::new();
    let setting = Setting { clip, probe: found, threads: 2, cancel: &cancel, progress: &|_| {} };
    let limits = Limits { min_duration: Time::ZERO, max_duration: Time::from_seconds(3600.0), max_bytes: 1 << 30 };
    let jobs: Vec<Job> =
        recipes.iter().enumerate().map(|(i, recipe)| Job { recipe, file: folder.join(format!("{i}.mp4")) }).collect();
    let check = |i: usize, rendered| verify(rendered, &recipes[i], &[&limits], &cancel);
    let made = render(&setting, &jobs, None, &check).0;
    made.into_iter().map(|r| r.unwrap_or_else(|fault| panic!("{}: {fault}", clip.display()))).collect()
}
