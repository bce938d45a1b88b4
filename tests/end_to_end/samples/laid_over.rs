//! What is laid over the pictures of one sample clip, and where: its published cuts are compared with the same pictures that
//! have neither captions nor question nor watermark.

use super::{INBOXES, cues, ran};
use crate::common::measure::{Area, Picture};
use housecall::cuts::{ClipPlan, CutPlan, PictureCodec, Recipe};
use housecall::fault::Cancel;
use housecall::media::cover::CoverJob;
use housecall::media::probe::probe;
use housecall::media::render::{Job, Setting, render};
use housecall::trace::Trace;
use housecall::units::{Rect, Size, Time};
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use tempfile::TempDir;

/// The clip whose pictures are looked at.
const LOOKED_AT: &str = "razor-bumps";

impl From<Rect> for Area {
    fn from(rect: Rect) -> Self {
        Area { x: (rect.x, rect.right()), y: (rect.y, rect.bottom()) }
    }
}

/// The same picture as a recipe's, up to this many seconds, with nothing laid over it.
fn undecorated(recipe: &Recipe, until: f64) -> Recipe {
    let kept = recipe.kept.truncated(recipe.rate, recipe.rate.frames_in(Time::from_seconds(until)));
    let codec = PictureCodec { preset: "ultrafast".into(), crf: 8.0, max_rate: 100_000, ..recipe.codec.clone() };
    Recipe { kept, hold: Time::ZERO, script: None, marks: Vec::new(), sound: None, codec, ..recipe.clone() }
}

/// Whether two recipes show the same picture, apart from what is laid over it.
fn same_picture(one: &Recipe, other: &Recipe) -> bool {
    (one.canvas, one.rate, &one.placement) == (other.canvas, other.rate, &other.placement)
}

/// A pixel differs when a channel is this much further apart than encoding makes it.
const THRESHOLD: u8 = 56;
/// So many equal rows part one thing from another.
const GAP: u32 = 8;
/// Pixels by which the outline of letters may leave its box.
const TOLERANCE: u32 = 4;

/// The pictures of one clip with nothing laid over them, and where to look at them.
struct Undecorated {
    folder: TempDir,
    recipes: Vec<Recipe>,
    /// When the question is there and no caption is.
    asked: f64,
    /// When a caption is there and the question is gone.
    captioned: f64,
}

impl Undecorated {
    /// The plan of the clip that is looked at.
    fn plan() -> &'static ClipPlan {
        ran()[0].plans.iter().find(|plan| plan.name == LOOKED_AT).unwrap()
    }

    /// Renders what the plan asks for, without script and marks.
    fn new() -> Self {
        let (ran, plan) = (&ran()[0], Self::plan());
        let cues = cues(&ran.desk.out().join(format!("transcripts/{LOOKED_AT}.srt")));
        let spoken = cues.iter().find(|cue| cue.0 >= 3.1).unwrap();
        let (asked, captioned) = (cues[0].0 - 0.1, spoken.0 + 0.5);
        assert!(asked > 0.35 && captioned < spoken.1 - 0.2, "no moment to look at: {cues:?}");

        let mut recipes: Vec<Recipe> = Vec::new();
        for cut in &plan.cuts {
            let recipe = undecorated(&cut.recipe, captioned + 0.5);
            if !recipes.iter().any(|known| same_picture(known, &recipe)) {
                recipes.push(recipe);
            }
        }
        let (folder, cancel) = (tempfile::tempdir().unwrap(), Cancel::new());
        let bare = Undecorated { folder, recipes, asked, captioned };
        let clip = ran.desk.inbox().join(INBOXES[0].clips[0]);
        let probed = probe(&clip, &cancel).unwrap();
        let setting = Setting {
            shared: None,
            clip: &clip,
            probe: &probed,
            threads: 2,
            cancel: &cancel,
            progress: &|_| {},
            decoded: &|| {},
            trace: &Trace::default(),
        };
        let jobs: Vec<Job> = bare.recipes.iter().map(|recipe| Job { recipe, file: bare.file(recipe) }).collect();
        let recipe = Recipe { script: None, ..plan.cover.clone().unwrap() };
        let cover = CoverJob { recipe, file: bare.cover() };
        let (made, made_cover) = render(&setting, &jobs, Some(&cover), &|_, _| Ok(()));
        made.into_iter().chain(made_cover).for_each(|result| result.unwrap());
        bare
    }

    fn file(&self, recipe: &Recipe) -> PathBuf {
        let index = self.recipes.iter().position(|known| same_picture(known, recipe)).unwrap();
        self.folder.path().join(format!("{index}.mp4"))
    }

    fn cover(&self) -> PathBuf {
        self.folder.path().join("cover.jpg")
    }

    /// What is laid over a published cut at this moment, from top to bottom.
    fn laid_over(&self, cut: &CutPlan, moment: f64) -> Vec<Area> {
        let published = Picture::of(&ran()[0].desk.out().join(&cut.file), Some(moment));
        published.differences(&Picture::of(&self.file(&cut.recipe), Some(moment)), THRESHOLD, GAP)
    }
}

fn stripped() -> &'static Undecorated {
    static BARE: OnceLock<Undecorated> = OnceLock::new();
    BARE.get_or_init(Undecorated::new)
}

/// The area of a cut that its platform leaves free.
fn free_area(platform: &str, canvas: Size) -> Area {
    let platform = ran()[0].platforms.iter().find(|p| p.id == platform).unwrap();
    platform.canvases.iter().find(|choice| choice.size == canvas).unwrap().text_box.into()
}

/// Pixels of published cuts are compared with those of the same pictures without captions, question and watermark.
#[test]
fn what_is_laid_over_stands_where_the_platform_leaves_room() {
    let bare = stripped();
    let decorated = Undecorated::plan().cuts.iter().filter(|cut| cut.recipe.script.is_some());
    assert_eq!(decorated.clone().count(), ran()[0].platforms.iter().filter(|p| !p.clean).count());
    // Cuts that share a file are looked at once.
    let mut seen: HashMap<u64, [Vec<Area>; 2]> = HashMap::new();
    for cut in decorated {
        let id = &cut.platform;
        let file = fs::metadata(ran()[0].desk.out().join(&cut.file)).unwrap().ino();
        let moments = [bare.asked, bare.captioned];
        let found = seen.entry(file).or_insert_with(|| moments.map(|moment| bare.laid_over(cut, moment)));
        let free = free_area(id, cut.recipe.canvas);
        let logo_place = Area::from(cut.recipe.marks[0].place);
        let [asked, captioned] = [0, 1].map(|i| {
            let (moment, areas) = (moments[i], &found[i]);
            println!("{id} at {moment:.2} s, free {free:?}: {areas:?}");
            assert!(areas.iter().all(|area| free.holds(*area, TOLERANCE)), "{id}: {areas:?} leaves {free:?}");
            let Some((logo, text)) = areas.split_first().filter(|(_, text)| !text.is_empty()) else {
                panic!("{id} at {moment} s: {areas:?} is no watermark with text below")
            };
            assert!(logo_place.holds(*logo, TOLERANCE), "{id}: {logo:?} leaves {logo_place:?}");
            assert!(logo.width() * 10 >= logo_place.width() * 7, "{id}: {logo:?} of {logo_place:?}");
            // A line of text, not a speck.
            assert!(text.iter().any(|area| area.width() * 10 >= free.width() * 3), "{id}: {text:?}");
            text.to_vec()
        });
        assert!(asked[asked.len() - 1].y.1 < captioned[0].y.0, "{id}: {asked:?} stands on {captioned:?}");
    }
}

#[test]
fn a_platform_that_wants_a_clean_picture_gets_one() {
    let clean = Undecorated::plan().cuts.iter().find(|cut| cut.recipe.script.is_none()).unwrap();
    assert_eq!(stripped().laid_over(clean, stripped().captioned), Vec::<Area>::new(), "{}", clean.platform);
}

#[test]
fn the_question_stands_on_the_cover() {
    let plan = Undecorated::plan();
    let published = Picture::of(&ran()[0].desk.out().join(format!("covers/{LOOKED_AT}.jpg")), None);
    let areas = published.differences(&Picture::of(&stripped().cover(), None), THRESHOLD, GAP);
    let free = free_area(&plan.cuts[0].platform, plan.cover.as_ref().unwrap().canvas);
    println!("cover, free {free:?}: {areas:?}");
    assert!(areas.iter().all(|area| free.holds(*area, TOLERANCE)), "{areas:?} leaves {free:?}");
    assert!(areas.iter().any(|area| area.width() * 2 >= free.width()), "no question in {areas:?}");
}
