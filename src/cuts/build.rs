//! From what is known about a clip to its plan. Pure but for the fonts, which measure and check text.

use super::kept::frames_to;
use super::layout::{CaptionRoom, Layout, layout, opposite};
use super::limits::{self, Extent, Wanted};
use super::{
    ClipPlan, CutPlan, Drawing, Kept, Limits, MAX_GAIN, Mark, PictureCodec, Placement, Recipe, Skipped, Sound, Trim,
    follow, geometry, loudness, rate, special,
};
use crate::captions::{self, Card, Fonts, Hook, LineLimits, MarkText, Scene};
use crate::config::{CanvasChoice, Corner, Encoding, EndCard, Platform, Practice, Watermark};
use crate::fault::Fault;
use crate::intake::{ClipSource, Digest};
use crate::media::Probe;
use crate::media::faces::Faces;
use crate::speech::Loudness;
use crate::units::{Rate, Rect, Size, Span, Time};
use crate::wording::{Origin, Wording};
use std::path::{Path, PathBuf};

/// Enlarged more than this, a picture looks soft enough to be worth a note.
const SOFT: f64 = 2.0;

/// Everything that decides what is cut from a clip.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The file.
    pub source: &'a ClipSource,
    /// What the phone recorded.
    pub probe: &'a Probe,
    /// How loud it is.
    pub loudness: &'a Loudness,
    /// Where somebody speaks in it, by voice activity.
    pub speech: &'a [Span],
    /// Where faces are in it.
    pub faces: &'a Faces,
    /// What is said and asked in it.
    pub wording: &'a Wording,
    /// Who posts it, and where.
    pub practice: &'a Practice,
    /// The style's fonts.
    pub fonts: &'a Fonts,
    /// The practice's logo; none without one.
    pub logo: Option<&'a Logo>,
    /// ffmpeg's name of the encoder that this machine and the practice's choice come to: `libx264`.
    pub encoder: &'a str,
}

/// A practice's logo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// PNG with alpha.
    pub file: PathBuf,
    /// Its bytes.
    pub digest: Digest,
    /// Its size in pixels.
    pub size: Size,
}

/// Plans every cut of a clip, one for each of the practice's platforms that takes it.
///
/// Fails on a clip of no duration, and on text that no font can show.
pub fn plan_clip(inputs: &Inputs) -> Result<ClipPlan, Fault> {
    plan_drawn(inputs).map(|(plan, _)| plan)
}

/// As [`plan_clip`], with what stands where on each of the cuts, in their order.
pub fn plan_drawn(inputs: &Inputs) -> Result<(ClipPlan, Vec<Drawing>), Fault> {
    if inputs.probe.duration <= Time::ZERO {
        return Err(Fault::new("the clip lasts no time at all", "copy it from the phone again"));
    }
    check_text(inputs)?;
    inputs.source.settings.fits(inputs.probe.duration)?;
    let (name, notes) = (inputs.source.name.clone(), notes(inputs));
    let mut plan = ClipPlan { name, cuts: Vec::new(), skipped: Vec::new(), cover: None, notes };
    let mut cover: Option<(bool, Recipe)> = None;
    let mut soft: Vec<(&str, f64)> = Vec::new();
    let mut drawings = Vec::new();
    let (mut shortest, mut lengthened): (Option<Kept>, Vec<String>) = (None, Vec::new());
    let mut moved: Vec<&str> = Vec::new();
    let sightings = follow::speaker(inputs.faces, inputs.probe.duration);
    for platform in &inputs.practice.platforms {
        let draft = match Draft::new(inputs, &sightings, platform) {
            Ok(draft) => draft,
            Err(reason) => {
                plan.skipped.push(Skipped { platform: platform.id.clone(), reason });
                continue;
            }
        };
        if let Some(end) = &draft.extent.trimmed {
            plan.notes.push(format!("The cut for {} ends early, {end}.", platform.name));
        }
        if shortest.as_ref().is_none_or(|kept| draft.whole.duration() < kept.duration()) {
            shortest = Some(draft.whole.clone());
        }
        if draft.lengthened {
            lengthened.push(platform.name.clone());
        }
        let (cut, drawing, aside) = draft.cut();
        drawings.push(drawing);
        moved.extend(aside.then_some(&*platform.name));
        let displayed = inputs.probe.video.displayed;
        let times = geometry::enlargement(displayed, cut.recipe.canvas, &cut.recipe.placement);
        if times > SOFT {
            soft.push((&platform.name, times));
        }
        // The first platform that is decorated gives the cover its shape.
        if cover.as_ref().is_none_or(|(clean, _)| *clean && !platform.clean) {
            cover = Some((platform.clean, draft.cover(&cut.recipe)));
        }
        plan.cuts.push(cut);
    }
    if let Some(times) = soft.iter().map(|(_, times)| *times).max_by(f64::total_cmp) {
        let names = soft.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        plan.notes.push(format!(
            "The picture is enlarged up to {times:.1} times and may look soft on {names}; record upright and in full \
             resolution."
        ));
    }
    plan.notes.extend(shortest.iter().flat_map(|kept| trim(inputs).note(kept)));
    if !lengthened.is_empty() {
        let names = lengthened.join(", ");
        plan.notes.push(format!("More of the silence was kept for {names}, which would not take a shorter cut."));
    }
    if !moved.is_empty() {
        let names = moved.join(", ");
        plan.notes.push(format!("The watermark stands in the other corner on {names}; it would cover the face."));
    }
    plan.cover = cover.map(|(_, recipe)| recipe);
    Ok((plan, drawings))
}

/// What decides which parts of the clip are kept.
fn trim<'a>(inputs: &Inputs<'a>) -> Trim<'a> {
    let Inputs { source, probe, loudness, speech, wording, practice, .. } = *inputs;
    let own = &source.settings;
    Trim {
        words: &wording.words,
        speech,
        loudness,
        duration: probe.duration,
        ends: own.trim.unwrap_or(practice.trim),
        tighten: practice.tighten_pauses.filter(|_| own.trim != Some(false)),
        own: (own.start, own.end),
    }
}

/// What stands over the first seconds: what a person chose, else the question.
fn hook_text<'a>(inputs: &Inputs<'a>) -> Option<&'a String> {
    let chosen = inputs.source.settings.hook.as_ref();
    chosen.or(inputs.wording.question.as_ref()).filter(|text| !text.is_empty())
}

/// What a person should know about the clip, whatever is cut from it.
fn notes(inputs: &Inputs) -> Vec<String> {
    let Inputs { probe, wording, practice, .. } = inputs;
    let mut notes = special::notes(probe);
    if probe.audio.is_none() {
        notes.push("It has no sound.".to_string());
    } else if wording.words.is_empty() {
        notes.push("No speech was found, so it has no captions.".to_string());
    }
    if let Some(only) = probe.audio.as_ref().and_then(|track| track.only) {
        let side = if only == 0 { "left" } else { "right" };
        notes.push(format!(
            "Only its {side} channel has sound, so both sides play that one; check the microphone's plug."
        ));
    }
    let whole = Span::new(Time::ZERO, probe.duration);
    if probe.audio.is_some() && loudness::gain(inputs.loudness, &[whole]) >= MAX_GAIN {
        notes.push("It is so quiet that it cannot be brought to full loudness; listen before you post it.".to_string());
    }
    notes.extend(match wording.origin {
        Origin::Heard => None,
        Origin::ScriptUnlike(share) => Some(format!(
            "The script beside it has little in common with what is said ({:.0}%), so it was not used.",
            share * 100.0
        )),
        Origin::Script => Some("The captions have the words of the script beside it.".to_string()),
        Origin::Given => Some("The captions have the words of the transcript that was given.".to_string()),
        Origin::Corrected => Some("The captions were corrected by a person.".to_string()),
    });
    let own = &inputs.source.settings;
    if practice.hook.is_none() && own.hook.as_ref().is_some_and(|hook| !hook.is_empty()) {
        notes.push("Its hook is not shown, since practice.toml has [hook] switched off.".to_string());
    }
    if own.cover.is_some_and(|cover| cover < own.start.unwrap_or(Time::ZERO) || own.end.is_some_and(|end| cover >= end))
    {
        notes.push(
            "The moment that was chosen for the cover is cut away; the nearest one that is left is shown.".into(),
        );
    }
    if practice.hook.is_some() && wording.question.is_none() && own.question.is_none() && own.hook.is_none() {
        notes.push("Nobody said which question it answers, so none is shown; questions.csv can.".to_string());
    }
    notes
}

/// About where the watermark's text stands in its place; letters are half as wide as high, or a little more.
fn place_of(text: &str, place: Rect, watermark: &Watermark) -> Rect {
    let width = ((text.chars().count() as f64 * 0.55 * f64::from(place.height)) as u32).min(place.width);
    let at_right = matches!(watermark.corner, Corner::TopRight | Corner::BottomRight);
    Rect { x: if at_right { place.right() - width } else { place.x }, width, ..place }
}

/// Fails on the first text that no font can show.
fn check_text(inputs: &Inputs) -> Result<(), Fault> {
    let Inputs { practice, wording, .. } = inputs;
    if practice.platforms.iter().all(|platform| platform.clean) {
        return Ok(());
    }
    let check = |place: &str, text: &str| {
        inputs.fonts.check(text).map_err(|fault| Fault::new(format!("{place}: {}", fault.what()), fault.advice()))
    };
    let words: Vec<&str> = wording.words.iter().map(|word| &*word.text).collect();
    check("the captions", &words.join(" "))?;
    if practice.hook.is_some() {
        wording.question.iter().try_for_each(|question| check("the question", question))?;
        inputs.source.settings.hook.iter().try_for_each(|hook| check("the hook", hook))?;
    }
    if let Some(text) = practice.watermark.as_ref().and_then(|mark| mark.text.as_ref()) {
        check("the watermark", text)?;
    }
    if practice.end_card.is_some() {
        let lines = [&practice.call_to_action, &practice.phone, &practice.site, &practice.handle, &practice.disclaimer];
        for line in lines.into_iter().flatten().chain([&practice.name]) {
            check("the end card", line)?;
        }
    }
    Ok(())
}

/// A cut on its way: limits are met, times are known.
struct Draft<'a> {
    inputs: &'a Inputs<'a>,
    sightings: &'a [follow::Sighting],
    platform: &'a Platform,
    canvas: &'a CanvasChoice,
    rate: Rate,
    extent: Extent,
    /// What is kept of the clip before the platform's longest duration is met.
    whole: Kept,
    /// Whether dead air was given back, so that the platform's shortest duration is met.
    lengthened: bool,
    /// Frames of the end card.
    hold: i64,
}

impl<'a> Draft<'a> {
    /// Fails with the reason why the platform gets no cut.
    fn new(
        inputs: &'a Inputs<'a>,
        sightings: &'a [follow::Sighting],
        platform: &'a Platform,
    ) -> Result<Draft<'a>, String> {
        let video = &inputs.probe.video;
        let rate = rate::output_rate(video.rate, video.constant_rate, platform.frame_rate);
        let frames = rate.frames_in(inputs.probe.duration).max(1);
        let Some(canvas) = geometry::choose_canvas(platform, video.displayed) else {
            return Err(format!("{} has no canvas. Add one under [platform.{}].", platform.name, platform.id));
        };
        let card = inputs.practice.end_card.filter(|_| !platform.clean);
        let hold = card.map_or(0, |card| rate.frames_in(card.duration).max(1));
        let trim = trim(inputs);
        let whole = trim.kept(rate, frames, limits::least_frames(platform, rate) - hold);
        let lengthened = whole != trim.kept(rate, frames, 0);
        let extent = limits::extent(&Wanted {
            platform,
            canvas: canvas.size,
            rate,
            frames: whole.frames(rate),
            hold,
            words: &whole.words(&inputs.wording.words),
            sound: inputs.probe.audio.is_some(),
            when_too_long: inputs.practice.when_too_long,
        });
        Ok(Draft { inputs, sightings, platform, canvas, rate, extent: extent?, whole, lengthened, hold })
    }

    /// The cut, what stands where on it, and whether its watermark had to leave its corner for the face.
    fn cut(&self) -> (CutPlan, Drawing, bool) {
        let Draft { inputs, platform, canvas, rate, .. } = *self;
        let kept = self.whole.truncated(rate, self.extent.frames);
        let hold = rate.time_of(self.hold);
        let placement = self.placement(&kept);
        let (watermark, aside) = self.watermark(&placement, &kept);
        let places = self.places(watermark.as_ref(), &placement, &kept, hook_text(inputs));
        let (drawing, marks) = match platform.clean {
            true => (Drawing::clean(canvas.text_box, places.captions), Vec::new()),
            false => (self.drawing(&places, watermark.as_ref(), &kept), self.marks(&places)),
        };
        let scene = drawing.scene(canvas.size, &inputs.practice.style);
        let script = (!platform.clean).then(|| captions::ass(&scene, inputs.fonts));
        let recipe = Recipe {
            clip: inputs.source.digest.clone(),
            canvas: canvas.size,
            rate,
            hold,
            placement,
            script,
            marks,
            sound: inputs.probe.audio.as_ref().map(|_| Sound {
                gain: loudness::gain(inputs.loudness, kept.spans()),
                target: Some(loudness::TARGET),
                ceiling: loudness::CEILING,
                bit_rate: platform.encoding.audio_rate,
            }),
            codec: self.codec(&platform.encoding),
            kept,
        };
        let cut = CutPlan {
            platform: platform.id.clone(),
            file: Path::new(&platform.id).join(format!("{}.mp4", inputs.source.name)),
            limits: Limits {
                min_duration: platform.min_duration,
                max_duration: platform.max_duration,
                max_bytes: platform.max_bytes,
            },
            recipe,
        };
        (cut, drawing, aside && !platform.clean)
    }

    /// Where the picture goes: where the clip's own settings say, else after the speaker, else to the anchor.
    fn placement(&self, kept: &Kept) -> Placement {
        let (inputs, canvas) = (self.inputs, self.canvas.size);
        let (own, practice, video) = (&inputs.source.settings, inputs.practice, &inputs.probe.video);
        if let Some(crop) = own.crop {
            return geometry::chosen(video.displayed, canvas, crop);
        }
        let (framing, anchor) = (own.framing.unwrap_or(practice.framing), own.anchor.unwrap_or(practice.anchor));
        let resting = geometry::place(video.displayed, canvas, framing, anchor);
        let follows = own.anchor.is_none() && own.follow.unwrap_or(practice.follow);
        let Some(Rect { width, height, .. }) = resting.crop_at(Time::ZERO).filter(|_| follows) else { return resting };
        let (size, cuts) = (Size::new(width, height), &inputs.faces.cuts);
        let path = follow::path(self.sightings, cuts, video.displayed, size, anchor, inputs.probe.duration);
        let Some(path) = path else { return resting };
        let placement = Placement::Follow { size, path: follow::in_cut_time(&path, kept.spans()) };
        match (&placement, placement.crop_at(Time::ZERO)) {
            // Mostly the speaker stands still enough for a window that does too.
            (Placement::Follow { path, .. }, Some(crop)) if path.len() == 1 => Placement::Fill { crop },
            _ => placement,
        }
    }

    /// The watermark, in the other corner of its row where it would cover the face in its own and not in that; and
    /// whether it is.
    fn watermark(&self, placement: &Placement, kept: &Kept) -> (Option<Watermark>, bool) {
        let Some(chosen) = self.inputs.practice.watermark.clone() else { return (None, false) };
        let covers = |watermark: &Watermark| {
            let places = layout(self.canvas, Some(watermark), self.inputs.logo.map(|logo| logo.size));
            let logo = places.mark_logo.filter(|_| self.inputs.logo.is_some());
            let text =
                places.mark_text.zip(watermark.text.as_ref()).map(|(place, text)| place_of(text, place, watermark));
            self.face(placement, kept).is_some_and(|face| [logo, text].into_iter().flatten().any(|m| m.meets(face)))
        };
        let other = Watermark { corner: opposite(chosen.corner), ..chosen.clone() };
        match covers(&chosen) && !covers(&other) {
            true => (Some(other), true),
            false => (Some(chosen), false),
        }
    }

    /// Where the speaker's face is on the canvas.
    fn face(&self, placement: &Placement, kept: &Kept) -> Option<Rect> {
        let displayed = self.inputs.probe.video.displayed;
        follow::on_canvas(self.sightings, placement, displayed, self.canvas.size, kept.spans())
    }

    /// Who stands where, clear of the face; `text` is what stands at the start.
    fn places(
        &self,
        watermark: Option<&Watermark>,
        placement: &Placement,
        kept: &Kept,
        text: Option<&String>,
    ) -> Layout {
        let (inputs, canvas, style) = (self.inputs, self.canvas, &self.inputs.practice.style);
        let places = layout(canvas, watermark, inputs.logo.map(|logo| logo.size));
        let limits = LineLimits::new(style, canvas.size, places.captions);
        let hook = inputs.practice.hook.is_some() && text.is_some();
        let room = CaptionRoom { line: limits.line_height, lines: limits.max_lines, hook };
        places.clear_of(self.face(placement, kept), room)
    }

    /// The still of a cut: the same place on the same canvas, with the question and the watermark and nothing else. Its
    /// picture is the one that a person chose, else comes from the middle of the cut, when nobody reaches for the phone.
    fn cover(&self, cut: &Recipe) -> Recipe {
        let Draft { inputs, canvas, .. } = *self;
        let practice = inputs.practice;
        let frames = self.extent.frames;
        let chosen = inputs.source.settings.cover.map(|moment| self.picture_at(moment));
        let kept = chosen.unwrap_or_else(|| cut.kept.part(cut.rate, frames / 8..frames - frames / 8));
        // A crop that moves is where it is at these moments; one that rests stays.
        let placement = match &cut.placement {
            Placement::Follow { .. } => self.placement(&kept),
            still => still.clone(),
        };
        // The still is taken a second into its script, when the question has faded in.
        let still = Span::new(Time::ZERO, Time::from_millis(2000));
        let places =
            self.places(practice.watermark.as_ref(), &cut.placement, &cut.kept, inputs.wording.question.as_ref());
        let question = inputs.wording.question.clone().filter(|_| cut.script.is_some());
        let script = question.map(|text| {
            let hook = Hook { text, span: still, place: places.hook, colour: practice.colour };
            let (style, caption_box) = (&practice.style, places.captions);
            let scene = Scene {
                canvas: canvas.size,
                cues: &[],
                caption_box,
                style,
                hook: Some(hook),
                mark_text: None,
                card: None,
            };
            captions::ass(&scene, inputs.fonts)
        });
        Recipe {
            kept,
            placement,
            hold: Time::ZERO,
            script,
            marks: cut.marks.iter().filter(|mark| mark.span.start == Time::ZERO).cloned().collect(),
            sound: None,
            ..cut.clone()
        }
    }

    /// The picture that a moment of the clip shows, or the nearest that a person left in the clip: what they cut away is to be
    /// seen nowhere.
    fn picture_at(&self, moment: Time) -> Kept {
        let (own, rate) = (&self.inputs.source.settings, self.rate);
        let end = own.end.map_or(self.inputs.probe.duration, |end| end.min(self.inputs.probe.duration));
        let first = frames_to(rate, own.start.unwrap_or(Time::ZERO));
        let last = (limits::frames_within(rate, end) - 1).max(first);
        let frame = limits::frames_within(rate, moment).clamp(first, last);
        Kept::of_frames(rate, std::iter::once(frame..frame + 1))
    }

    fn codec(&self, encoding: &Encoding) -> PictureCodec {
        let duration = self.rate.time_of(self.extent.frames + self.hold);
        let max_rate = limits::max_rate(self.platform, duration, self.inputs.probe.audio.is_some());
        PictureCodec {
            encoder: self.inputs.encoder.to_string(),
            preset: encoding.preset.clone(),
            crf: encoding.crf,
            max_rate,
            target_rate: encoding.target_rate.map(|target| target.min(max_rate)),
            gop: (encoding.gop_seconds * self.rate.fps()).round().max(1.0) as u32,
        }
    }

    /// Captions, hook, watermark text and end card.
    fn drawing(&self, places: &Layout, watermark: Option<&Watermark>, kept: &Kept) -> Drawing {
        let (practice, style) = (self.inputs.practice, &self.inputs.practice.style);
        let canvas = self.canvas.size;
        let shown = Span::new(Time::ZERO, self.rate.time_of(self.extent.frames));
        let mut limits = LineLimits::new(style, canvas, places.captions);
        let room = (f64::from(places.captions.height) / limits.line_height) as usize;
        limits.max_lines = limits.max_lines.min(room).max(1);
        let Wording { words, breaks, .. } = self.inputs.wording;
        let breaks = breaks.as_ref().map(|breaks| kept.moments(breaks));
        let mut cues = captions::cues(&kept.words(words), breaks.as_deref(), style, &limits, Some(self.inputs.fonts));
        // A cue may stand longer than its words, but not into the end card.
        for cue in &mut cues {
            cue.span.end = cue.span.end.min(shown.end);
        }
        let hook = practice.hook.zip(hook_text(self.inputs).cloned()).map(|(stands, text)| Hook {
            text,
            span: Span::new(Time::ZERO, stands.min(shown.end)),
            place: places.hook,
            colour: practice.colour,
        });
        let text = |mark: &Watermark| mark.text.clone().map(|text| (text, mark.corner, mark.opacity));
        let mark_text = watermark.and_then(text).zip(places.mark_text);
        Drawing {
            safe: self.canvas.text_box,
            cues,
            caption_box: places.captions,
            hook,
            mark_text: mark_text.map(|((text, corner, opacity), place)| MarkText {
                text,
                place,
                corner,
                opacity,
                span: shown,
            }),
            card: practice.end_card.map(|card| self.card(card, places, shown.end)),
        }
    }

    fn card(&self, card: EndCard, places: &Layout, start: Time) -> Card {
        let practice = self.inputs.practice;
        Card {
            span: Span::new(start, start + self.rate.time_of(self.hold)),
            place: places.card_text,
            background: card.background,
            colour: practice.colour,
            name: practice.name.clone(),
            call_to_action: practice.call_to_action.clone(),
            contact: [&practice.phone, &practice.site, &practice.handle].into_iter().flatten().cloned().collect(),
            disclaimer: practice.disclaimer.clone(),
        }
    }

    /// The logo in its corner until the end card, and on the card.
    fn marks(&self, places: &Layout) -> Vec<Mark> {
        let Some(logo) = self.inputs.logo else { return Vec::new() };
        let end = self.rate.time_of(self.extent.frames);
        let mark =
            |place, opacity, span| Mark { file: logo.file.clone(), digest: logo.digest.clone(), place, opacity, span };
        let watermark = self.inputs.practice.watermark.as_ref().zip(places.mark_logo);
        let corner = watermark.map(|(watermark, place)| mark(place, watermark.opacity, Span::new(Time::ZERO, end)));
        let card = places.card_logo.filter(|_| self.hold > 0);
        let card = card.map(|place| mark(place, 1.0, Span::new(end, end + self.rate.time_of(self.hold))));
        corner.into_iter().chain(card).collect()
    }
}
