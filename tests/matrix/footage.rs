//! What the groups share: which form runs, and a clip's way through probe, render and verify.

use super::chart::{self, Chart};
use crate::common;
use housecall::config::{Anchor, Framing};
use housecall::cuts::{Limits, Recipe, geometry};
use housecall::fault::Cancel;
use housecall::media::Probe;
use housecall::media::probe::probe;
use housecall::media::render::{Job, Setting, render};
use housecall::media::verify::{Verified, verify};
use housecall::trace::Trace;
use housecall::units::{Size, Time};
use std::path::{Path, PathBuf};

/// Whether all of the matrix is to run.
pub fn long() -> bool {
    std::env::var("HOUSECALL_MATRIX").is_ok_and(|form| form == "all")
}

/// The shapes that the platforms ask for; in the short form at two thirds of their size, as what is looked for is told in
/// shares of them.
pub fn canvases() -> [Size; 4] {
    let shapes = [(1080, 1920), (1080, 1350), (1080, 1080), (1920, 1080)];
    let scaled = |side: u32| if long() { side } else { side * 2 / 3 };
    shapes.map(|(width, height)| Size::new(scaled(width), scaled(height)))
}

/// What the product learns of a clip; a test may not go on with one that it cannot read.
pub fn read(clip: &Path) -> Probe {
    probe(clip, &Cancel::new()).unwrap_or_else(|fault| panic!("{}: {fault}", clip.display()))
}

/// A plan of the whole clip that fills `canvas` from its middle, encoded fast.
pub fn filling(found: &Probe, canvas: Size) -> Recipe {
    let mut recipe = common::recipe(found.video.displayed, canvas, found.duration.seconds());
    recipe.placement = geometry::place(found.video.displayed, canvas, Framing::Fill, Anchor { x: 0.5, y: 0.5 });
    recipe.codec.preset = "ultrafast".into();
    recipe.sound = recipe.sound.filter(|_| found.audio.is_some());
    recipe
}

/// Makes and checks every recipe's file from one decode, in `folder`.
pub fn cut(clip: &Path, found: &Probe, recipes: &[Recipe], folder: &Path) -> Vec<Verified> {
    let cancel = Cancel::new();
    let setting = Setting {
        shared: None,
        clip,
        probe: found,
        threads: 2,
        cancel: &cancel,
        progress: &|_| {},
        decoded: &|| {},
        trace: &Trace::default(),
    };
    let limits = Limits { min_duration: Time::ZERO, max_duration: Time::from_seconds(3600.0), max_bytes: 1 << 30 };
    let jobs: Vec<Job> =
        recipes.iter().enumerate().map(|(i, recipe)| Job { recipe, file: folder.join(format!("{i}.mp4")) }).collect();
    let check = |i: usize, rendered| verify(rendered, &recipes[i], &[&limits], &cancel);
    let made = render(&setting, &jobs, None, &check).0;
    made.into_iter().map(|r| r.unwrap_or_else(|fault| panic!("{}: {fault}", clip.display()))).collect()
}

/// A plan of the whole clip that shows all of it in the middle of `canvas`.
pub fn fitting(found: &Probe, canvas: Size) -> Recipe {
    let mut recipe = filling(found, canvas);
    recipe.placement = geometry::place(found.video.displayed, canvas, Framing::Fit, Anchor { x: 0.5, y: 0.5 });
    recipe
}

/// Cuts `clip` for every shape, filled and fitted, and looks for `chart` in each cut, `at` seconds in. Gives back the
/// files, the plans first to last.
pub fn find_chart(chart: Chart, clip: &Path, at: f64, folder: &Path) -> Vec<PathBuf> {
    let found = read(clip);
    assert_eq!(found.video.displayed, chart.shown, "{}", clip.display());
    let recipes: Vec<Recipe> =
        canvases().into_iter().flat_map(|canvas| [filling(&found, canvas), fitting(&found, canvas)]).collect();
    let made = cut(clip, &found, &recipes, folder);
    let files: Vec<PathBuf> = made.iter().map(|verified| verified.file().to_path_buf()).collect();
    let sized: Vec<_> = files.iter().cloned().zip(recipes.iter().map(|recipe| recipe.canvas)).collect();
    for (recipe, frame) in recipes.iter().zip(chart::frames(&sized, at)) {
        if let Err(wrong) = chart.find(&frame, &recipe.placement) {
            panic!("{}: {wrong}, on {} with {:?}", clip.display(), recipe.canvas, recipe.placement);
        }
    }
    files
}
