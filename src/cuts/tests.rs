//! Whole plans, made without any media.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::captions::Fonts;
use crate::config::{self, Anchor, CardBackground, ClipSettings, Crop, Practice, TooLong};
use crate::fault::Fault;
use crate::intake::{ClipSource, Digest};
use crate::media::faces::{FaceBox, Faces, Seen};
use crate::media::{AudioTrack, Colour, Orientation, Probe, Special, Transfer, VideoTrack};
use crate::speech::{Loudness, Word};
use crate::units::{Rate, Rect, Size, Span, Time};
use crate::wording::Wording;
use std::path::{Path, PathBuf};

/// A clip as the earlier stages leave it.
struct Clip {
    source: ClipSource,
    probe: Probe,
    loudness: Loudness,
    speech: Vec<Span>,
    faces: Faces,
    wording: Wording,
    practice: Practice,
    logo: Logo,
}

impl Clip {
    /// `seconds` of a phone held upright, in which somebody says a word every half second, ten to a sentence.
    fn upright(seconds: u32) -> Clip {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("practice.toml");
        let text = "[practice]\nname = \"Alder Lane Clinic\"\nhandle = \"@alderlane\"\nphone = \"(555) 010-0199\"\n\
                    call_to_action = \"Book a visit\"\ndisclaimer = \"General information, not medical advice.\"\n";
        std::fs::write(&file, text).unwrap();
        let practice = Practice { file: PathBuf::new(), ..config::load_with(&file, None).unwrap() };
        let word = |n: u32| {
            let start = Time::from_millis(i64::from(n) * 500 + 200);
            let text = if n % 10 == 9 { "heals." } else { "skin" };
            Word { text: text.to_string(), span: Span::new(start, start + Time::from_millis(400)), confidence: 0.9 }
        };
        let steps = seconds as usize * 10;
        Clip {
            source: ClipSource {
                path: PathBuf::from("razor-bumps.mov"),
                name: "razor-bumps".to_string(),
                digest: Digest("c11b".repeat(16)),
                looked: None,
                question: None,
                settings: Default::default(),
                texts: Default::default(),
            },
            probe: Probe {
                container: "mov".to_string(),
                duration: Time::from_seconds(f64::from(seconds)),
                video: VideoTrack {
                    index: 0,
                    codec: "hevc".to_string(),
                    coded: Size::new(1920, 1080),
                    orientation: Orientation { degrees: 90, mirrored: false },
                    sample_aspect: (1, 1),
                    displayed: Size::new(1080, 1920),
                    rate: Rate::new(30_000, 1001),
                    constant_rate: true,
                    start: Time::ZERO,
                    bits: 10,
                    pixel_format: "yuv420p10le".to_string(),
                    colour: Colour {
                        full_range: false,
                        matrix: "2020_ncl".to_string(),
                        primaries: "2020".to_string(),
                        transfer: Transfer::Hlg,
                        peak: None,
                        assumed: false,
                    },
                },
                audio: Some(AudioTrack {
                    index: 1,
                    codec: "aac".to_string(),
                    sample_rate: 48_000,
                    channels: 2,
                    start: Time::ZERO,
                    only: None,
                }),
                ignored: Vec::new(),
                private: Vec::new(),
                special: Vec::new(),
            },
            faces: Faces::default(),
            loudness: Loudness { momentary: vec![-23.0; steps], peaks: vec![-6.0; steps] },
            speech: Vec::new(),
            wording: Wording {
                words: (0..seconds * 2 - 1).map(word).collect(),
                question: Some("How do I treat razor bumps?".to_string()),
                ..Wording::default()
            },
            practice,
            logo: Logo {
                file: PathBuf::from("logo.png"),
                digest: Digest("1090".repeat(16)),
                size: Size::new(600, 200),
            },
        }
    }

    /// The same held sideways.
    fn sideways(seconds: u32) -> Clip {
        let mut clip = Clip::upright(seconds);
        clip.probe.video.displayed = Size::new(1280, 720);
        clip
    }

    fn plan(&self) -> ClipPlan {
        self.planned().unwrap()
    }

    fn planned(&self) -> Result<ClipPlan, Fault> {
        let style = &self.practice.style;
        let fonts = Fonts::load(&style.fonts, style.bold).unwrap();
        plan_clip(&Inputs {
            source: &self.source,
            probe: &self.probe,
            loudness: &self.loudness,
            speech: &self.speech,
            faces: &self.faces,
            wording: &self.wording,
            practice: &self.practice,
            fonts: &fonts,
            logo: self.practice.watermark.as_ref().is_some_and(|mark| mark.logo).then_some(&self.logo),
            encoder: "libx264",
        })
    }

    /// The same where nobody speaks before and after these seconds.
    fn speaking(mut self, from: f64, until: f64) -> Clip {
        let spoken = Span::new(Time::from_seconds(from), Time::from_seconds(until));
        self.wording.words.retain(|word| spoken.contains(word.span.start));
        self
    }

    fn with_logo(mut self) -> Clip {
        self.practice.watermark.as_mut().unwrap().logo = true;
        self
    }

    fn to(mut self, platforms: &[&str]) -> Clip {
        let ids: Vec<String> = platforms.iter().map(|id| id.to_string()).collect();
        self.practice = self.practice.with_platforms(&ids).unwrap();
        self
    }
}

fn cut<'a>(plan: &'a ClipPlan, platform: &str) -> &'a CutPlan {
    plan.cuts.iter().find(|cut| cut.platform == platform).unwrap()
}

fn skipped(plan: &ClipPlan) -> Vec<&str> {
    plan.skipped.iter().map(|skip| &*skip.platform).collect()
}

/// Compares byte for byte with `tests/golden/plan-<name>.json`; HOUSECALL_BLESS=1 rewrites it.
fn golden(name: &str, plan: &ClipPlan) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/plan-{name}.json"));
    let made = serde_json::to_string_pretty(plan).unwrap() + "\n";
    if std::env::var_os("HOUSECALL_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &made).unwrap();
    }
    let wanted = std::fs::read_to_string(&file).unwrap();
    assert!(made == wanted, "the plan differs from {}; HOUSECALL_BLESS=1 accepts it", file.display());
    assert_eq!(serde_json::from_str::<ClipPlan>(&made).unwrap(), *plan);
}

#[test]
fn golden_upright() {
    golden("upright", &Clip::upright(12).with_logo().to(&["tiktok", "youtube", "google-business"]).plan());
}

#[test]
fn golden_sideways() {
    golden("sideways", &Clip::sideways(12).to(&["instagram-reels", "x", "whatsapp-status"]).plan());
}

#[test]
fn portrait_platforms_share_one_render() {
    for clip in [Clip::upright(20).with_logo(), Clip::sideways(20)] {
        let ids = ["tiktok", "instagram-reels", "youtube-shorts", "snapchat-spotlight", "facebook-reels", "pinterest"];
        let plan = clip.to(&ids).plan();
        let renders = renders(&plan);
        assert_eq!((renders.len(), renders[0].cuts.len()), (1, 6));
    }
    // LinkedIn joins them for an upright clip.
    let plan = Clip::upright(20).to(&["tiktok", "linkedin"]).plan();
    assert_eq!(renders(&plan).len(), 1);
}

#[test]
fn thirteen_platforms_need_six_renders() {
    let plan = Clip::upright(20).plan();
    assert_eq!((plan.cuts.len(), renders(&plan).len()), (13, 6));
}

#[test]
fn the_key_follows_the_logo_not_its_folder() {
    let clip = Clip::upright(12).with_logo();
    let key = |clip: &Clip| cut(&clip.plan(), "tiktok").recipe.key();
    let first = key(&clip);
    let moved = Clip { logo: Logo { file: PathBuf::from("elsewhere/logo.png"), ..clip.logo.clone() }, ..clip };
    assert_eq!(key(&moved), first);
    let redrawn = Clip { logo: Logo { digest: Digest("2222".repeat(16)), ..moved.logo.clone() }, ..moved };
    assert_ne!(key(&redrawn), first);
}

#[test]
fn a_clean_cut_carries_nothing() {
    let plan = Clip::upright(12).with_logo().plan();
    let clean = &cut(&plan, "google-business").recipe;
    assert_eq!((clean.script.as_ref(), clean.marks.len(), clean.hold), (None, 0, Time::ZERO));
    assert_eq!(clean.frames(), 360);
}

#[test]
fn the_end_card_follows_the_last_frame() {
    let mut clip = Clip::upright(12).with_logo();
    clip.practice.end_card.as_mut().unwrap().background = CardBackground::Plain;
    let plan = clip.plan();
    let recipe = &cut(&plan, "tiktok").recipe;
    assert_eq!(recipe.frames(), 360 + 90);
    let [corner, card] = &recipe.marks[..] else { panic!("{:?}", recipe.marks) };
    assert_eq!(corner.span, Span::new(Time::ZERO, recipe.kept.end()));
    assert_eq!(card.span, Span::new(recipe.kept.end(), recipe.kept.end() + recipe.hold));
    assert!(Rect::new(120, 288, 660, 960).holds(corner.place) && card.opacity == 1.0);
}

#[test]
fn sound_is_brought_to_the_target() {
    let plan = Clip::upright(12).plan();
    let sound = cut(&plan, "tiktok").recipe.sound.clone().unwrap();
    assert_eq!((sound.gain, sound.target, sound.ceiling), (9.0, Some(-14.0), -1.5));
}

#[test]
fn a_small_file_limit_lowers_the_peak_rate_and_only_there() {
    let plan = Clip::upright(50).plan();
    let whatsapp = &cut(&plan, "whatsapp-status").recipe;
    // 16 MB hold 124,272 kbit; less 53.020 s of sound, spread over 55.020 s.
    assert_eq!(whatsapp.codec.max_rate, 2135);
    assert_eq!(cut(&plan, "tiktok").recipe.codec.max_rate, 12000);
    let x = &cut(&plan, "x").recipe.codec;
    assert_eq!((x.target_rate, x.gop), (Some(5500), 60));
    assert_eq!(cut(&plan, "youtube").recipe.codec.gop, 15);
}

#[test]
fn long_clips_are_skipped_or_trimmed_and_it_says_so() {
    let mut clip = Clip::upright(100);
    let plan = clip.plan();
    let wanted = ["instagram-feed", "facebook-reels", "snapchat-spotlight", "whatsapp-status", "google-business"];
    assert_eq!(skipped(&plan), wanted);
    clip.practice.when_too_long = TooLong::Trim;
    let plan = clip.plan();
    assert!(plan.skipped.is_empty());
    let spotlight = &cut(&plan, "snapchat-spotlight").recipe;
    assert!(spotlight.duration() <= Time::from_seconds(60.0));
    // Sentences end every 5 s; the last one that leaves room for the card ends at 55.1 s.
    assert!((Time::from_seconds(55.0)..Time::from_seconds(55.2)).contains(&spotlight.kept.end()));
    assert!(plan.notes.iter().any(|note| note.contains("Snapchat Spotlight") && note.contains("heals.")));
}

#[test]
fn what_a_person_should_know_is_noted() {
    let noted = |clip: &Clip, what: &str| clip.plan().notes.iter().any(|note| note.contains(what));
    let mut clip = Clip::upright(12);
    clip.probe.video.colour.transfer = Transfer::Sdr;
    assert!(clip.plan().notes.is_empty(), "{:?}", clip.plan().notes);
    clip.probe.video.rate = Rate::new(240, 1);
    clip.wording = Wording::default();
    clip.loudness.momentary = vec![-60.0; 120];
    for what in ["slow motion", "No speech", "so quiet", "which question"] {
        assert!(noted(&clip, what), "{what}");
    }
    assert_eq!(cut(&clip.plan(), "tiktok").recipe.rate, Rate::new(60, 1));
    clip.probe.audio = None;
    assert!(noted(&clip, "no sound"));
    assert!(cut(&clip.plan(), "tiktok").recipe.sound.is_none());
    assert!(noted(&Clip::sideways(12), "2.7 times"));
}

#[test]
fn dead_air_counts_for_nothing() {
    let mut clip = Clip::upright(100).speaking(30.0, 70.0).to(&["tiktok", "snapchat-spotlight"]);
    // Noise before anybody speaks must not make the voice quieter.
    clip.loudness.momentary[..280].fill(-8.0);
    let plan = clip.plan();
    // The first word is from 30.2 to 30.6 s, the last one ends at 70.1 s; a minute takes that and the card.
    assert_eq!(skipped(&plan), Vec::<&str>::new());
    assert_eq!(plan.notes[1..], ["29.9 s of silence at the start and 29.3 s at the end were left out."]);
    let recipe = &cut(&plan, "snapchat-spotlight").recipe;
    let seconds = recipe.duration().seconds();
    assert!((43.7..43.9).contains(&seconds), "{seconds}");
    assert_eq!(recipe.sound.as_ref().unwrap().gain, 9.0);
    // Captions count from the first picture of the cut, and the card follows the last.
    let script = recipe.script.as_ref().unwrap();
    let first = script.lines().find(|line| line.starts_with("Dialogue:") && line.contains("skin")).unwrap();
    assert!(first.contains("0:00:00.3"), "{first}");
    let cover = plan.cover.as_ref().unwrap();
    assert!(recipe.kept.start() < cover.kept.start() && cover.kept.end() < recipe.kept.end(), "{:?}", cover.kept);

    clip.source.settings = ClipSettings { trim: Some(false), ..ClipSettings::default() };
    assert_eq!(skipped(&clip.plan()), ["snapchat-spotlight"]);
    clip.source.settings = ClipSettings { start: Some(Time::from_seconds(50.0)), ..ClipSettings::default() };
    let plan = clip.plan();
    assert!((50.0..50.04).contains(&cut(&plan, "tiktok").recipe.kept.start().seconds()));
    assert!(plan.notes[1].contains("starts at 0:50.000"), "{:?}", plan.notes);
    clip.source.settings = ClipSettings { start: Some(Time::from_seconds(100.0)), ..ClipSettings::default() };
    let fault = clip.planned().unwrap_err();
    assert!(fault.what().contains("1:40.000") && fault.advice().contains(".toml"), "{fault}");
}

#[test]
fn dead_air_is_given_back_where_a_platform_takes_no_cut_as_short() {
    let clip = Clip::upright(12).speaking(5.0, 6.0).to(&["tiktok", "snapchat-spotlight"]);
    let plan = clip.plan();
    let duration = |platform| cut(&plan, platform).recipe.duration();
    assert!(duration("tiktok") < Time::from_seconds(4.95), "{}", duration("tiktok"));
    assert!((Time::from_seconds(5.0)..Time::from_seconds(5.04)).contains(&duration("snapchat-spotlight")));
    let [.., left_out, kept] = &plan.notes[..] else { panic!("{:?}", plan.notes) };
    assert!(left_out.contains("silence at the start and"), "{left_out}");
    assert_eq!(kept, "More of the silence was kept for Snapchat Spotlight, which would not take a shorter cut.");
}

#[test]
fn pauses_are_shortened_where_the_practice_wants_it() {
    let mut clip = Clip::upright(12).to(&["tiktok"]);
    let pause = Span::new(Time::from_seconds(4.0), Time::from_seconds(7.0));
    clip.wording.words.retain(|word| !pause.contains(word.span.start));
    assert_eq!(cut(&clip.plan(), "tiktok").recipe.kept.joins(), []);
    clip.practice.tighten_pauses = Some(Time::from_seconds(1.2));
    let plan = clip.plan();
    let recipe = &cut(&plan, "tiktok").recipe;
    // From 4.1 s, where a word ends, to 7.2 s, where the next begins.
    assert_eq!(recipe.kept.joins().len(), 1);
    assert_eq!(plan.notes[1..], ["A pause was shortened by 2.5 s."]);
    // What may be speech in the pause stays.
    clip.speech = vec![Span::new(Time::from_seconds(5.4), Time::from_seconds(5.9))];
    assert!(cut(&clip.plan(), "tiktok").recipe.kept.holds(Time::from_seconds(5.6)));
    clip.source.settings = ClipSettings { trim: Some(false), ..ClipSettings::default() };
    assert_eq!(cut(&clip.plan(), "tiktok").recipe.kept.joins(), []);
}

#[test]
fn special_modes_of_the_camera_are_named() {
    let notes = |change: &dyn Fn(&mut Probe)| {
        let mut clip = Clip::upright(12);
        clip.probe.video.colour.transfer = Transfer::Sdr;
        change(&mut clip.probe);
        clip.plan().notes
    };
    let one = |change: &dyn Fn(&mut Probe), what: &str| {
        let notes = notes(change);
        assert!(notes.len() == 1 && notes[0].contains(what), "{what}: {notes:?}");
    };
    one(&|p| p.video.rate = Rate::new(120, 1), "120 frames a second (slow motion)");
    one(&|p| p.video.colour.transfer = Transfer::Hlg, "HDR (HLG)");
    one(&|p| p.video.colour.transfer = Transfer::Pq, "HDR (PQ, as HDR10)");
    let dolby = |p: &mut Probe| {
        p.video.colour.transfer = Transfer::Hlg;
        p.special = vec![Special::DolbyVision];
    };
    one(&dolby, "HDR (Dolby Vision)");
    one(&|p| p.special = vec![Special::Cinematic], "Cinematic mode");
    one(&|p| p.special = vec![Special::ScreenRecording], "recording of a screen");
    one(&|p| p.special = vec![Special::SpatialAudio], "spatial sound (apac) was left out");
    one(&|p| p.special = vec![Special::Captured { fps: 240 }], "saved it slowed down to 30");
    // Said of ordinary clips too, where it says nothing new.
    assert!(notes(&|p| p.special = vec![Special::Captured { fps: 30 }]).is_empty());
    assert!(notes(&|p| p.special = vec![Special::Captured { fps: 60 }]).is_empty());
    let only_spatial = notes(&|p| (p.audio, p.special) = (None, vec![Special::SpatialAudio]));
    assert!(only_spatial.iter().any(|note| note.contains("record stereo")), "{only_spatial:?}");
}

/// A face of `size` pixels seen twice a second with its middle there.
fn faces(seconds: u32, size: u32, there: impl Fn(f64) -> (u32, u32)) -> Faces {
    let look = |i: u32| {
        let (x, y) = there(f64::from(i) / 2.0);
        let place = Rect::new(x - size / 2, y - size / 2, size, size);
        Seen { at: Time::from_millis(i64::from(i) * 500), faces: vec![FaceBox { place, score: 20.0 }] }
    };
    Faces { seen: (0..seconds * 2).map(look).collect(), cuts: Vec::new() }
}

#[test]
fn a_crop_keeps_the_speaker_and_a_clips_own_settings_win() {
    let crop = |clip: &Clip| match &cut(&clip.plan(), "tiktok").recipe.placement {
        Placement::Fill { crop } => *crop,
        other => panic!("{other:?}"),
    };
    let mut clip = Clip::sideways(12).to(&["tiktok", "instagram-reels"]);
    let middle = Rect::new(436, 0, 406, 720);
    assert_eq!(crop(&clip), middle);
    clip.faces = faces(12, 160, |_| (900, 280));
    assert_eq!(crop(&clip), Rect::new(698, 0, 406, 720));
    clip.source.settings.anchor = Some(Anchor { x: 0.5, y: 0.4 });
    assert_eq!(crop(&clip), middle);
    clip.source.settings.anchor = None;
    clip.source.settings.follow = Some(false);
    assert_eq!(crop(&clip), middle);
    clip.source.settings.follow = None;
    clip.practice.follow = false;
    assert_eq!(crop(&clip), middle);
    clip.source.settings.follow = Some(true);
    assert_eq!(crop(&clip), Rect::new(698, 0, 406, 720));
    // The left half, and nothing else, on every canvas.
    clip.source.settings.crop = Some(Crop { x: 0.0, y: 0.0, width: 0.5, height: 1.0 });
    assert_eq!(crop(&clip), Rect::new(118, 0, 406, 720));
}

#[test]
fn a_walker_is_followed_by_one_render_for_all_platforms_of_that_shape() {
    let mut clip = Clip::sideways(12).to(&["tiktok", "instagram-reels"]);
    clip.faces = faces(12, 160, |at| (300 + (at * 50.0) as u32, 280));
    let plan = clip.plan();
    assert!(matches!(cut(&plan, "tiktok").recipe.placement, Placement::Follow { .. }));
    assert_eq!(renders(&plan).len(), 1);
    // The cover's way starts where the cover's range does.
    let cover = plan.cover.unwrap();
    let at_start = |recipe: &Recipe, at| recipe.placement.crop_at(at).unwrap();
    let same = (at_start(&cover, Time::ZERO), at_start(&plan.cuts[0].recipe, cover.kept.start()));
    assert!(same.0.x.abs_diff(same.1.x) <= 2, "{same:?}");
}

#[test]
fn the_cover_shows_the_moment_that_a_person_chose_where_the_speaker_is_then() {
    let mut clip = Clip::sideways(12).to(&["tiktok"]);
    clip.faces = faces(12, 160, |at| (300 + (at * 50.0) as u32, 280));
    let usual = clip.plan();
    clip.source.settings.cover = Some(Time::from_seconds(9.01));
    let plan = clip.plan();
    assert_eq!(plan.cuts, usual.cuts);
    let (cover, recipe) = (plan.cover.unwrap(), &plan.cuts[0].recipe);
    let Rate { num, den } = recipe.rate;
    assert_eq!((num, den), (30_000, 1001));
    // Frame 270 begins at 9.009 s.
    assert_eq!(cover.kept, Kept::of_frames(recipe.rate, std::iter::once(270..271)));
    let at = |recipe: &Recipe, at| recipe.placement.crop_at(at).unwrap();
    let then = recipe.kept.cut_time(cover.kept.start()).unwrap();
    let (ours, theirs) = (at(&cover, Time::ZERO), at(recipe, then));
    assert!(ours.x.abs_diff(theirs.x) <= 2 && ours != at(recipe, Time::ZERO), "{ours:?} {theirs:?}");
    assert_eq!(cover.script, usual.cover.unwrap().script);

    // What a person cut away is not on the cover either.
    clip.source.settings.end = Some(Time::from_seconds(6.0));
    let plan = clip.plan();
    let shown = plan.cover.unwrap().kept;
    assert!((5.9..=6.0).contains(&shown.end().seconds()), "{shown:?}");
    assert!(plan.notes.iter().any(|note| note.contains("cover is cut away")), "{:?}", plan.notes);
    clip.source.settings.end = None;
    clip.source.settings.cover = Some(Time::from_seconds(11.999));
    assert_eq!(clip.plan().cover.unwrap().kept.spans().len(), 1);
    clip.source.settings.cover = Some(Time::from_seconds(12.0));
    assert!(clip.planned().unwrap_err().what().contains("show its cover at 0:12.000"));
}

#[test]
fn a_chosen_hook_stands_on_the_cuts_and_the_question_on_the_cover() {
    let mut clip = Clip::upright(12).to(&["tiktok"]);
    let texts = |clip: &Clip| {
        let plan = clip.plan();
        let (script, cover) = (plan.cuts[0].recipe.script.clone().unwrap(), plan.cover.unwrap().script);
        (script, cover, plan.notes)
    };
    let (usual, usual_cover, usual_notes) = texts(&clip);
    assert!(usual.contains("razor bumps"));
    clip.source.settings.hook = Some("Watch until the end".into());
    let (script, cover, notes) = texts(&clip);
    assert!(script.contains("Watch until the end") && !script.contains("razor bumps"), "{script}");
    assert_eq!((&cover, &notes), (&usual_cover, &usual_notes));
    clip.source.settings.hook = Some(String::new());
    let (script, cover, _) = texts(&clip);
    assert!(!script.contains("razor bumps") && script.len() < usual.len());
    assert_eq!(cover, usual_cover);
    // Nobody knows a question, and nobody misses one.
    clip.wording.question = None;
    clip.source.settings.hook = Some("Watch until the end".into());
    let (script, cover, notes) = texts(&clip);
    assert!(script.contains("Watch until the end") && cover.is_none() && notes == usual_notes, "{notes:?}");
    clip.practice.hook = None;
    let (script, _, notes) = texts(&clip);
    let is_told = notes.iter().any(|note| note.contains("[hook] switched off"));
    assert!(!script.contains("Watch until") && is_told, "{notes:?}");
    clip.practice.hook = Some(Time::from_seconds(3.0));
    clip.source.settings.hook = Some("\u{10FFFD}".into());
    assert!(clip.planned().unwrap_err().what().starts_with("the hook: "));
}

#[test]
fn captions_and_watermark_stay_clear_of_the_face() {
    // Where a caption's last event stands, by its `\\pos`.
    let rows = |clip: &Clip| -> Vec<f64> {
        let plan = clip.plan();
        let script = cut(&plan, "tiktok").recipe.script.clone().unwrap();
        let captions = script.lines().filter(|line| line.starts_with("Dialogue: 1,"));
        captions
            .map(|line| line.split("\\pos(").nth(1).unwrap().split([',', ')']).nth(1).unwrap().parse().unwrap())
            .collect()
    };
    let mut clip = Clip::upright(12).to(&["tiktok"]);
    clip.wording.question = None;
    assert!(rows(&clip).iter().all(|y| *y > 1100.0));
    clip.faces = faces(12, 400, |_| (540, 700));
    assert!(rows(&clip).iter().all(|y| *y > 1100.0));
    // One that fills the lower part: above it.
    clip.faces = faces(12, 600, |_| (540, 900));
    assert!(rows(&clip).iter().all(|y| *y <= 600.0), "{:?}", rows(&clip));
    assert!(clip.plan().notes.iter().all(|note| !note.contains("watermark")), "{:?}", clip.plan().notes);
    // A face in the upper right corner, where the mark is.
    clip.faces = faces(12, 260, |_| (700, 330));
    assert!(clip.plan().notes.iter().any(|note| note.contains("TikTok") && note.contains("other corner")));
    let script = cut(&clip.plan(), "tiktok").recipe.script.clone().unwrap();
    assert!(script.lines().any(|line| line.contains("{\\an7\\pos(12") && line.contains("@alderlane")), "{script}");
}
