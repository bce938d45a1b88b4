//! One decode, many renders: every unique render of a clip from a single pass over its pictures.

use super::clock::Clock;
use super::cover::{CoverJob, SharpestPicture};
use super::encode::Encoder;
use super::graph::{Compositor, Normaliser, working_size};
use super::loudness::Measured;
use super::mux::Muxer;
use super::proof::{Prints, Proof, Seals};
use super::sound::{self, Mastered};
use super::{Probe, decode, ffi, splice};
use crate::cuts::{Mark, Recipe};
use crate::fault::{Cancel, Fault};
use crate::trace::Trace;
use crate::units::{Size, Time};
use crossbeam_channel::{Receiver, Sender, bounded};
use ffmpeg_next as ff;
use ffmpeg_next::frame;
use image::RgbaImage;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

/// Pictures that wait before a render. Few, since each may hold 3 MB; enough to ride out an uneven encoder.
const QUEUE: usize = 4;

/// Bytes of finished pictures that wait for the sound to be mastered. Then the render itself waits: some seconds of a
/// long clip's sound, where the pictures of those seconds would take more memory than all else.
const MOST_PENDING: usize = 16 << 20;

/// One unique render to be made.
pub struct Job<'a> {
    /// What to make.
    pub recipe: &'a Recipe,
    /// Temporary file to write; its folder exists.
    pub file: PathBuf,
}

/// A file that is written but not checked. Only [`super::verify::verify`] makes something publishable of it.
#[derive(Debug)]
pub struct Rendered {
    pub(super) file: PathBuf,
    /// What the sound of the file decodes to, by the encoder's own measurement.
    pub sound: Option<Measured>,
    /// Pictures of the clip that were damaged and were bridged or patched on the way.
    pub damaged: usize,
    /// What the file has to hold; none for one that was not made here and now.
    pub(super) proof: Option<Proof>,
}

impl Rendered {
    /// A file that was published before and is to be checked again for another platform.
    pub fn again(file: PathBuf) -> Self {
        Rendered { file, sound: None, damaged: 0, proof: None }
    }

    /// The temporary file.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

/// What all renders of a clip share.
pub struct Setting<'a> {
    /// The clip's file.
    pub clip: &'a Path,
    /// What it holds.
    pub probe: &'a Probe,
    /// The size at which the renders share the clip's pictures; none: as large as those that are made now need. Where some
    /// of a clip's renders are in place already it has to be [`shared_size`] of all, or a cut would depend on which others
    /// are made with it.
    pub shared: Option<Size>,
    /// Threads of the decoder and of the shared filters.
    pub threads: usize,
    /// Stops the work.
    pub cancel: &'a Cancel,
    /// Told how far the clip is decoded, in clip time.
    pub progress: &'a (dyn Fn(Time) + Sync),
    /// Told when the last picture was handed out, or decoding failed; the renders may still have much to do.
    pub decoded: &'a (dyn Fn() + Sync),
    /// Told what goes on when.
    pub trace: &'a Trace,
}

/// What became of every job, in their order, and of the cover.
pub type Made<T> = (Vec<Result<T, Fault>>, Option<Result<(), Fault>>);

/// A render's finished sound; none for a clip that has none.
type MaybeSound = Result<Option<Arc<Mastered>>, Fault>;

/// What a render thread receives.
enum Message {
    /// Frame of the cut by number, upright and in BT.709.
    Picture(frame::Video, i64),
    /// Every frame that is kept has been sent, and so many pictures of the clip were damaged. A channel that closes
    /// without it was cut off by a failure.
    End(usize),
}

/// Makes every job's file from one decode, and the cover if one is asked for. `then` runs on a render's own thread as
/// soon as its file is written; what it returns is the job's result. A job that fails fails alone; a clip that does not
/// decode fails all of them with that cause. The cover's result comes second.
pub fn render<T: Send>(
    setting: &Setting,
    jobs: &[Job],
    cover: Option<&CoverJob>,
    then: &(dyn Fn(usize, Rendered) -> Result<T, Fault> + Sync),
) -> Made<T> {
    let recipes: Vec<&Recipe> = jobs.iter().map(|j| j.recipe).chain(cover.map(|c| &c.recipe)).collect();
    let working = setting.shared.unwrap_or_else(|| shared_size(setting.probe, &recipes));
    let mut sharpest = cover.map(|c| SharpestPicture::new(c.recipe.kept.clone()));

    let (results, decoded) = thread::scope(|scope| {
        let mut feeds = Vec::new();
        let mut sounds = Vec::new();
        let mut threads = Vec::new();
        for (index, job) in jobs.iter().enumerate() {
            let (pictures, received) = bounded(QUEUE);
            let (sound, mastered) = bounded(1);
            feeds.push(Feed::new(job.recipe, pictures));
            sounds.push(sound);
            let displayed = setting.probe.video.displayed;
            let work = move || -> Result<T, Fault> {
                let work = || render_one(job, displayed, working, received, mastered, setting.cancel);
                then(index, setting.trace.during("encode", work)?)
            };
            threads.push(spawn(scope, &format!("render-{index}"), work));
        }
        let sound_thread =
            spawn(scope, "sound", move || setting.trace.during("sound", || master_all(setting, jobs, &sounds)));
        let decoded = setting.trace.during("decode", || fan_out(setting, working, feeds, sharpest.as_mut()));
        (setting.decoded)();
        let results: Vec<Result<T, Fault>> = threads.into_iter().map(join).collect();
        // Sound that could not be mastered is told through the channels; a thread that broke off is told here.
        let decoded = decoded.and(join(sound_thread));
        (results, decoded)
    });
    // The root cause beats its echo: a render that was cut off says why the decoder stopped.
    let results = results
        .into_iter()
        .map(|result| match (&decoded, result) {
            (Err(cause), Err(_)) => Err(cause.clone()),
            (_, result) => result,
        })
        .collect();
    let cover = cover.zip(sharpest).map(|(job, sharpest)| {
        decoded?;
        let _span = setting.trace.span("cover");
        sharpest.write(job, setting.probe.video.displayed, working)
    });
    (results, cover)
}

/// The size at which these renders of a clip share its pictures, upright: as large as the largest of them needs.
pub fn shared_size(probe: &Probe, recipes: &[&Recipe]) -> Size {
    working_size(probe.video.displayed, recipes)
}

fn spawn<'scope, 'env, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, 'env>,
    name: &str,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'scope,
) -> Result<thread::ScopedJoinHandle<'scope, Result<T, Fault>>, Fault> {
    thread::Builder::new()
        .name(name.to_string())
        .spawn_scoped(scope, work)
        .map_err(|e| Fault::new(format!("no thread could be started ({e})"), "close other programs and run again"))
}

fn join<T>(handle: Result<thread::ScopedJoinHandle<'_, Result<T, Fault>>, Fault>) -> Result<T, Fault> {
    handle?.join().unwrap_or_else(|_| {
        Err(Fault::new(
            "the render broke off by a fault of the program",
            "run again; if it happens again, report the clip",
        ))
    })
}

/// Where one render's pictures go.
struct Feed<'a> {
    clock: Clock,
    recipe: &'a Recipe,
    /// None once the render has ended, well or badly.
    to: Option<Sender<Message>>,
}

impl<'a> Feed<'a> {
    fn new(recipe: &'a Recipe, to: Sender<Message>) -> Self {
        let (kept, rate) = (&recipe.kept, recipe.rate);
        let clock = Clock::new(rate, rate.frames_in(kept.start()), rate.frames_in(kept.end()));
        Feed { clock, recipe, to: Some(to) }
    }

    /// The frames of the cut that the picture before the one at `next_picture` fills; all that remain for the last one.
    fn fill(&mut self, next_picture: Option<Time>) -> std::ops::Range<i64> {
        let frames = match next_picture {
            Some(next) => self.clock.fill_until(next),
            None => self.clock.fill_rest(),
        };
        // Kept parts follow each other without a gap, so frames in a row stay in a row.
        let Recipe { kept, rate, .. } = self.recipe;
        kept.cut_frame(*rate, frames.start)..kept.cut_frame(*rate, frames.end)
    }

    /// Sends the picture as these frames of the cut. A render that has gone is not an error here: its own result tells.
    fn send(&mut self, picture: &frame::Video, frames: std::ops::Range<i64>) {
        for number in frames {
            let message = Message::Picture(ffi::share(picture), number);
            if self.to.as_ref().is_some_and(|to| to.send(message).is_err()) {
                self.to = None;
            }
        }
    }

    fn is_done(&self) -> bool {
        self.to.is_none() || self.clock.is_done()
    }
}

/// Decodes the clip once and hands each picture, normalised once, to every render whose frames it fills.
fn fan_out(
    setting: &Setting,
    working: Size,
    mut feeds: Vec<Feed>,
    mut sharpest: Option<&mut SharpestPicture>,
) -> Result<(), Fault> {
    let track = &setting.probe.video;
    let cover_end = sharpest.as_ref().map_or(Time::ZERO, |s| s.kept().end());
    let mut normaliser: Option<(Normaliser, _)> = None;
    let mut waiting: Option<(frame::Video, Time)> = None;
    let mut place =
        |(picture, at): (frame::Video, Time), next: Option<Time>, feeds: &mut Vec<Feed>| -> Result<(), Fault> {
            let frames: Vec<_> = feeds.iter_mut().map(|feed| feed.fill(next)).collect();
            let wanted = sharpest.as_ref().is_some_and(|s| s.wants(at, next));
            if !wanted && frames.iter().all(|f| f.is_empty()) {
                return Ok(());
            }
            let shape = (picture.width(), picture.height(), picture.format());
            let normaliser = match &mut normaliser {
                Some((normaliser, of)) if *of == shape => normaliser,
                // A track may change its size or format half-way; filters that were set up for another must not see it.
                other => &mut other.insert((Normaliser::new(track, &picture, working, setting.threads)?, shape)).0,
            };
            let upright = normaliser.run(&picture)?;
            if let Some(sharpest) = sharpest.as_mut().filter(|_| wanted) {
                sharpest.consider(&upright, at);
            }
            for (feed, frames) in feeds.iter_mut().zip(frames) {
                feed.send(&upright, frames);
            }
            (setting.progress)(at);
            Ok(())
        };
    let damaged = decode::pictures(setting.clip, track, setting.threads, setting.cancel, &mut |picture, at| {
        if let Some(before) = waiting.replace((picture, at)) {
            place(before, Some(at), &mut feeds)?;
        }
        let done = feeds.iter().all(Feed::is_done) && at >= cover_end;
        Ok(if done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    let Some(last) = waiting else {
        return Err(Fault::new("no picture of the clip could be decoded", "copy the clip from the phone again"));
    };
    if last.1 < cover_end || !feeds.iter().all(Feed::is_done) {
        place(last, None, &mut feeds)?;
    }
    for to in feeds.into_iter().filter_map(|feed| feed.to) {
        // A render that has gone tells by its own result.
        let _gone = to.send(Message::End(damaged));
    }
    Ok(())
}

/// Masters each distinct sound once and gives it to every render that needs it.
fn master_all(setting: &Setting, jobs: &[Job], to: &[Sender<MaybeSound>]) -> Result<(), Fault> {
    let key = |r: &Recipe| {
        (
            splice::pieces(&r.kept, r.rate),
            r.hold,
            r.sound.as_ref().map(|s| (s.gain.to_bits(), s.target.map(f64::to_bits), s.ceiling.to_bits(), s.bit_rate)),
        )
    };
    let mut done = Vec::<(_, MaybeSound)>::new();
    for (job, to) in jobs.iter().zip(to) {
        let recipe = job.recipe;
        let key = key(recipe);
        let known = done.iter().find(|(k, _)| *k == key).map(|(_, result)| result.clone());
        let result = known.unwrap_or_else(|| {
            let sound = recipe.sound.as_ref();
            let mastered =
                sound.map(|s| sound::master(setting.clip, setting.probe, &key.0, recipe.hold, s, setting.cancel));
            let result = mastered.transpose().map(|m| m.map(Arc::new));
            done.push((key, result.clone()));
            result
        });
        // A render that has gone tells by its own result.
        let _gone = to.send(result);
    }
    Ok(())
}

/// One render from first picture to closed file.
fn render_one(
    job: &Job,
    displayed: Size,
    working: Size,
    pictures: Receiver<Message>,
    sound: Receiver<MaybeSound>,
    cancel: &Cancel,
) -> Result<Rendered, Fault> {
    let recipe = job.recipe;
    let marks = recipe.marks.iter().map(load_mark).collect::<Result<Vec<_>, _>>()?;
    let mut compositor = Compositor::new(recipe, displayed, working, &marks, 1)?;
    let mut encoder = Encoder::open(recipe)?;
    let mut writer = Writer::new(&job.file, recipe, sound);
    let mut prints = Prints::default();
    let mut last = None;
    let mut next = 0;
    let mut take =
        |mut picture: frame::Video, number: i64, next: &mut i64, writer: &mut Writer| -> Result<frame::Video, Fault> {
            cancel.check()?;
            picture.set_pts(Some(number));
            let finished = compositor.run(&picture)?;
            prints.note(&finished, number);
            encoder.send(&finished, number)?;
            *next = number + 1;
            while let Some(packet) = encoder.packet()? {
                prints.pass(&packet);
                writer.add(packet, encoder.context())?;
            }
            Ok(picture)
        };
    let mut ended = None;
    for message in pictures {
        match message {
            Message::Picture(picture, number) => last = Some(take(picture, number, &mut next, &mut writer)?),
            Message::End(damaged) => ended = Some(damaged),
        }
    }
    let (last, damaged) = last.zip(ended).ok_or(Fault::Cancelled)?;
    while next < recipe.frames() {
        let number = next;
        take(ffi::share(&last), number, &mut next, &mut writer)?;
    }
    encoder.finish()?;
    while let Some(packet) = encoder.packet()? {
        cancel.check()?;
        prints.pass(&packet);
        writer.add(packet, encoder.context())?;
    }
    let (measured, seals) = writer.finish(encoder.context())?;
    // What a computer's own encoder makes is as good as its driver: all of it is decoded again.
    let trusted = recipe.codec.encoder == "libx264";
    let proof = trusted.then(|| Proof { seals, prints: prints.close() });
    Ok(Rendered { file: job.file.clone(), sound: measured, damaged, proof })
}

/// Reads a mark's picture and brings it to the size and opacity that the plan asks for.
pub(super) fn load_mark(mark: &Mark) -> Result<RgbaImage, Fault> {
    let mut image = super::logo::read(&mark.file)?.1.into_rgba8();
    // Scaling mixes neighbours; colour weighs as much as it is solid, so that no dark rim appears.
    for pixel in image.pixels_mut() {
        let alpha = u16::from(pixel.0[3]);
        for c in &mut pixel.0[..3] {
            *c = (u16::from(*c) * alpha / 255) as u8;
        }
    }
    let mut image =
        image::imageops::resize(&image, mark.place.width, mark.place.height, image::imageops::FilterType::Lanczos3);
    for pixel in image.pixels_mut() {
        let alpha = u16::from(pixel.0[3]).max(1);
        for c in &mut pixel.0[..3] {
            *c = (u16::from(*c) * 255 / alpha).min(255) as u8;
        }
        pixel.0[3] = (f64::from(pixel.0[3]) * mark.opacity.clamp(0.0, 1.0)).round() as u8;
    }
    Ok(image)
}

/// Holds picture packets back until the sound is mastered, then writes both. It holds [`MOST_PENDING`] at most and then
/// waits.
struct Writer<'a> {
    file: &'a Path,
    recipe: &'a Recipe,
    sound: Receiver<MaybeSound>,
    pending: Vec<ff::Packet>,
    /// Bytes of these.
    held: usize,
    muxer: Option<Muxer>,
    measured: Option<Measured>,
}

impl<'a> Writer<'a> {
    fn new(file: &'a Path, recipe: &'a Recipe, sound: Receiver<MaybeSound>) -> Self {
        Writer { file, recipe, sound, pending: Vec::new(), held: 0, muxer: None, measured: None }
    }

    fn add(&mut self, packet: ff::Packet, encoder: &ff::codec::Context) -> Result<(), Fault> {
        if self.muxer.is_none() {
            let sound = match self.held < MOST_PENDING {
                true => self.sound.try_recv().ok(),
                false => Some(self.sound.recv().map_err(|_| Fault::Cancelled)?),
            };
            match sound {
                Some(sound) => self.open(sound?, encoder)?,
                None => {
                    self.held += packet.size();
                    self.pending.push(packet);
                    return Ok(());
                }
            }
        }
        match &mut self.muxer {
            Some(muxer) => muxer.write(packet),
            None => Ok(()),
        }
    }

    fn open(&mut self, sound: Option<Arc<Mastered>>, encoder: &ff::codec::Context) -> Result<(), Fault> {
        self.measured = sound.as_ref().map(|s| s.measured);
        let mut muxer = Muxer::create(self.file, encoder, self.recipe.rate, sound)?;
        for packet in self.pending.drain(..) {
            muxer.write(packet)?;
        }
        self.muxer = Some(muxer);
        Ok(())
    }

    /// What the sound decodes to, and the seals of both tracks.
    fn finish(mut self, encoder: &ff::codec::Context) -> Result<(Option<Measured>, Seals), Fault> {
        if self.muxer.is_none() {
            let sound = self.sound.recv().map_err(|_| Fault::Cancelled)??;
            self.open(sound, encoder)?;
        }
        let muxer = self.muxer.take().ok_or(Fault::Cancelled)?;
        Ok((self.measured, muxer.finish()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuts::{PictureCodec, Placement};
    use crate::intake::Digest;
    use crate::units::{Rate, Rect, Span};
    use std::time::Duration;

    #[test]
    fn pictures_wait_for_their_sound_only_up_to_a_limit() {
        crate::media::start();
        let folder = tempfile::tempdir().expect("a folder");
        let (file, size) = (folder.path().join("cut.mp4"), Size::new(64, 64));
        let codec = PictureCodec {
            encoder: "libx264".into(),
            preset: "ultrafast".into(),
            crf: 30.0,
            max_rate: 1000,
            target_rate: None,
            gop: 30,
        };
        let recipe = Recipe {
            clip: Digest("test".into()),
            canvas: size,
            rate: Rate::new(30, 1),
            kept: Span::new(Time::ZERO, Time::from_seconds(1.0)).into(),
            hold: Time::ZERO,
            placement: Placement::Fill { crop: Rect::new(0, 0, 64, 64) },
            script: None,
            marks: Vec::new(),
            sound: None,
            codec,
        };
        let encoder = Encoder::open(&recipe).expect("an encoder");
        // Only whoever waits gets what goes through a channel without room.
        let (mastered, sound) = bounded(0);
        let mut writer = Writer::new(&file, &recipe, sound);
        let packet = |number: i64| {
            // Behind a start code, as x264 writes it; the file would leave out anything else.
            let mut packet = ff::Packet::copy(&[&[0, 0, 0, 1][..], &vec![1; MOST_PENDING / 4]].concat());
            packet.set_pts(Some(number));
            packet.set_dts(Some(number));
            packet
        };
        for number in 0..4 {
            writer.add(packet(number), encoder.context()).expect("held");
        }
        assert_eq!((writer.pending.len(), writer.muxer.is_some()), (4, false));
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(100));
                // Fails where the writer did not wait, and then the test does.
                drop(mastered.send_timeout(Ok(None), Duration::from_secs(5)));
            });
            writer.add(packet(4), encoder.context()).expect("written");
        });
        assert_eq!((writer.pending.len(), writer.muxer.is_some()), (0, true));
        writer.finish(encoder.context()).expect("closed");
        assert!(file.metadata().expect("a file").len() as usize > MOST_PENDING / 4 * 5);
    }
}
