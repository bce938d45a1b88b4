//! One picture of a cut as its encoder would be given it, for whoever wants to see what will be burned in. Nothing is
//! decoded but what leads from the key picture before it to the picture itself.

use super::graph::{Compositor, Normaliser};
use super::{Probe, VideoTrack, clock, decode, jpeg, render};
use crate::cuts::{Mark, Recipe};
use crate::fault::{Cancel, Fault};
use crate::units::{Rate, Size, Span, Time};
use ffmpeg_next::frame;
use image::RgbImage;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

/// How far before a picture its key picture is looked for, one after the other, before the clip is read from its start.
/// Containers find key pictures by when they are decoded, which may be before pictures that are shown earlier.
const BACK: [Time; 3] = [Time::ZERO, Time::from_millis(2_000), Time::from_millis(10_000)];
/// JPEG quality, 1 to 100: letters stay clean, and a picture of 1080x1920 is a few hundred kilobytes.
const QUALITY: u8 = 88;

/// A moment of a cut.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// The clip's file.
    pub clip: &'a Path,
    /// What it holds.
    pub probe: &'a Probe,
    /// The cut.
    pub recipe: &'a Recipe,
    /// See [`render::shared_size`]: of all renders of the clip, or the picture is not the one that the cut will have.
    pub shared: Size,
    /// When, in cut time; after the end it is the last picture.
    pub at: Time,
}

/// The picture as the bytes of a JPEG.
///
/// # Errors
/// The clip cannot be decoded there, the recipe cannot be drawn, or the work was cancelled.
pub fn jpeg(moment: &Moment, threads: usize, cancel: &Cancel) -> Result<Vec<u8>, Fault> {
    jpeg::of(&composed(moment, threads, cancel)?, QUALITY)
}

/// The picture as a screen shows it, before anything is lost to JPEG.
///
/// # Errors
/// As [`jpeg()`].
pub fn draw(moment: &Moment, threads: usize, cancel: &Cancel) -> Result<RgbImage, Fault> {
    jpeg::rgb(&composed(moment, threads, cancel)?)
}

fn composed(moment: &Moment, threads: usize, cancel: &Cancel) -> Result<frame::Video, Fault> {
    let Moment { clip, probe, recipe, shared, at } = *moment;
    let (track, number) = (&probe.video, recipe.frame_at(at));
    // Behind the last part its last picture is held.
    let latest = clock::latest(recipe.rate, recipe.kept.clip_frame(recipe.rate, number));
    let (compositor, picture) = thread::scope(|scope| {
        let decoding = scope.spawn(|| {
            let picture = picture_at(clip, track, latest, threads, cancel)?;
            Normaliser::new(track, &picture, shared, threads)?.run(&picture)
        });
        // Fonts are found meanwhile.
        let recipe = with_marks_at(recipe, number);
        let marks = recipe.marks.iter().map(render::load_mark).collect::<Result<Vec<_>, _>>();
        let compositor = marks.and_then(|marks| Compositor::new(&recipe, track.displayed, shared, &marks, 1));
        (compositor, decoding.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let mut picture = picture?;
    picture.set_pts(Some(number));
    compositor?.run(&picture)
}

/// The recipe with those of its marks that frame `number` shows, at all times. FFmpeg asks whether a mark is seen at the
/// time of whatever came last into its filter, and before the first picture goes out that is the mark itself, at zero.
fn with_marks_at(recipe: &Recipe, number: i64) -> Recipe {
    let Rate { num, den } = recipe.rate;
    let at = number as f64 * (f64::from(den) / f64::from(num));
    let seen = recipe.marks.iter().filter(|mark| (mark.span.start.seconds()..mark.span.end.seconds()).contains(&at));
    let always = |mark: &Mark| Mark { span: Span::new(Time::ZERO, recipe.duration()), ..mark.clone() };
    Recipe { marks: seen.map(always).collect(), ..recipe.clone() }
}

/// The newest picture of the clip that starts no later than `latest`, in clip time; else its first one.
fn picture_at(
    clip: &Path,
    track: &VideoTrack,
    latest: Time,
    threads: usize,
    cancel: &Cancel,
) -> Result<frame::Video, Fault> {
    let search = |from: Option<Time>| {
        let (mut before, mut first) = (None, None);
        let searched = decode::pictures_from(clip, track, from, threads, cancel, &mut |picture, at| {
            if at > latest {
                first = Some(picture);
                return Ok(ControlFlow::Break(()));
            }
            before = Some(picture);
            Ok(ControlFlow::Continue(()))
        });
        searched.map(|_damaged| (before, first))
    };
    for from in BACK.map(|back| latest - back).into_iter().filter(|from| *from > Time::ZERO) {
        // What fails from there may do from the start.
        if let Ok((Some(picture), _)) = search(Some(from)) {
            return Ok(picture);
        }
        cancel.check()?;
    }
    let (before, first) = search(None)?;
    let nothing = || Fault::new("no picture of the clip could be decoded", "copy the clip from the phone again");
    before.or(first).ok_or_else(nothing)
}
