//! What the page and the day say to each other, as JSON where it goes over the wire. Times are seconds: of the clip, or of
//! the cut where a field says so. Rectangles are pixels of the canvas, or of the displayed picture where a field says so.

pub use crate::config::{Choices, PostChoice};
use crate::fault::Fault;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Sixteen hexadecimal digits that stand for a clip's file in every address; the same as long as the file has its name.
pub type ClipId = String;

/// How a filming day stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DayView {
    /// Name of the practice.
    pub practice: String,
    /// Name of the folder with the clips, without where it lies.
    pub inbox: String,
    /// Where the cuts go, as the person at this computer opens it.
    pub out: String,
    /// What is wrong with the day as a whole, such as a faulty practice.toml; the clips are as they were then.
    pub problem: Option<Problem>,
    /// By name.
    pub clips: Vec<ClipCard>,
}

/// What happened, and what to do next; without stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Problem {
    pub what: String,
    pub advice: String,
}

/// A clip on the page of the day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipCard {
    /// Stands for it in addresses.
    pub id: ClipId,
    /// Name of its outputs, or of its file where it has none yet.
    pub name: String,
    /// Its file's name.
    pub file: String,
    /// The question that it answers.
    pub question: Option<String>,
    /// What it is at.
    pub state: CardState,
    /// Of the work that goes on with it, 0.0 to 1.0.
    pub progress: Option<f64>,
    /// Seconds; none before it was read.
    pub duration: Option<f64>,
    /// Findings that hold it.
    pub holds: usize,
    /// Findings that are only shown.
    pub notes: usize,
    /// Why it waits, one sentence each, without a stop.
    pub reasons: Vec<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// Why it failed: at which stage, what, and what to do.
    pub failed: Option<(String, Problem)>,
    /// Whether there is a picture of it: `/media/{id}/cover`.
    pub cover: bool,
    /// Whether its viewing copy is there: `/media/{id}/view`.
    pub view: bool,
    /// What was made of it, once it is there.
    pub cuts: Vec<CutCard>,
}

/// What a clip is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardState {
    /// It is still being copied into the folder.
    Copying,
    /// Nobody has begun with it.
    Waiting,
    /// It is read, and what is said is written down.
    Transcribing,
    /// A person has to look at it before anything is made.
    NeedsALook,
    /// Its cuts will be made: somebody approved it, or nobody has to.
    Approved,
    /// Its cuts are being made.
    Rendering,
    /// All cuts are in their places.
    Done,
    /// It, or some of its cuts, could not be made.
    Failed,
}

/// A finished cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CutCard {
    /// Platform id; the file is `/media/{id}/cut/{platform}`.
    pub platform: String,
    /// Its name, as a person reads it.
    pub platform_name: String,
    /// Where the file lies, as the person at this computer opens it.
    pub path: String,
    /// Bytes.
    pub bytes: u64,
    /// Seconds.
    pub duration: f64,
    /// Why there is none.
    pub failed: Option<Problem>,
}

/// A clip that is open: everything that is read, fixed and approved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipView {
    /// As on the page of the day.
    pub card: ClipCard,
    /// Of everything that a person can change here. What is saved says which version it was made from.
    pub version: String,
    /// What an approval is of: it is refused where this is not what the page showed.
    pub subject: String,
    /// Seconds.
    pub duration: f64,
    /// Width and height of the picture as it is shown, pixels.
    pub displayed: (u32, u32),
    /// What is said, in captions as they lie in the SRT file.
    pub captions: Vec<Caption>,
    /// Whether a person corrected them.
    pub corrected: bool,
    /// What was flagged; marks and lists name a finding by its place here.
    pub findings: Vec<FindingView>,
    /// What a person chose for this clip, and what stands where they chose nothing.
    pub choices: Choices,
    /// What would stand if nothing was chosen.
    pub defaults: Choices,
    /// A text a platform that takes one, as it would be posted.
    pub posts: Vec<PostView>,
    /// How it will look, a platform each.
    pub looks: Vec<Look>,
    /// Platforms that get no cut: the platform's name, and why.
    pub skipped: Vec<(String, String)>,
    /// What else a person should know, in whole sentences.
    pub remarks: Vec<String>,
    /// Whether it waits for an approval.
    pub held: bool,
}

/// A caption of the SRT file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Caption {
    /// When its first word begins.
    pub start: f64,
    /// When it goes.
    pub end: f64,
    /// Its words; never empty.
    pub words: Vec<WordView>,
}

/// A word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WordView {
    /// As it is written, punctuation included, without spaces.
    pub text: String,
    /// When it is spoken.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// Why a person should look at it; empty for most.
    pub marks: Vec<MarkKind>,
    /// Findings that it is part of, by their place in [`ClipView::findings`].
    pub findings: Vec<usize>,
}

/// Why a person should look at a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// The model was not sure.
    Unsure,
    /// Part of a dose.
    Dose,
    /// A number.
    Number,
    /// A negation: "not", "never", "without".
    Negation,
    /// It differs from what was heard, by the glossary or a rule.
    Replaced,
    /// A finding holds the clip for it.
    Holds,
    /// A finding is shown for it.
    Noted,
}

/// Something flagged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingView {
    /// `privacy`, `claims`, `care`.
    pub category: String,
    /// Whether it holds the clip.
    pub holds: bool,
    /// Where, in words: `what is said`, `the post for tiktok`.
    pub place: String,
    /// The words.
    pub words: String,
    /// When they are spoken.
    pub start: Option<f64>,
    /// What to do.
    pub advice: String,
}

/// The text of a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostView {
    /// Platform id.
    pub platform: String,
    /// Its name.
    pub platform_name: String,
    /// None where the platform has no title.
    pub title: Option<String>,
    /// Empty where it takes none.
    pub text: String,
    /// Most characters of the title.
    pub most_title: Option<usize>,
    /// Most characters of the text.
    pub most_text: Option<usize>,
    /// Most hashtags.
    pub most_hashtags: Option<usize>,
}

/// A place on a canvas or in a picture, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Area {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// How a cut will look on one platform. Times are seconds of the cut, but for [`kept`](Self::kept).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Platform id.
    pub platform: String,
    /// Its name.
    pub platform_name: String,
    /// Width and height of the canvas, pixels.
    pub canvas: (u32, u32),
    /// Where captions, hook, watermark and end card may stand.
    pub safe: Area,
    /// The parts of the clip that are shown one after the other, start and end, seconds of the clip.
    pub kept: Vec<(f64, f64)>,
    /// Seconds, end card included.
    pub duration: f64,
    /// Where the picture goes.
    pub placement: PlacementView,
    /// The captions, as they are burned in.
    pub cues: Vec<CueView>,
    /// Where captions stand: at its bottom, centred.
    pub caption_box: Area,
    /// How captions look.
    pub style: StyleView,
    /// The question at the start.
    pub hook: Option<TextView>,
    /// The practice's mark, where it is text.
    pub mark_text: Option<TextView>,
    /// The logo: `/media/logo`.
    pub logo: Option<Area>,
    /// Of the logo, 0.0 to 1.0.
    pub logo_opacity: f64,
    /// From when the end card stands.
    pub card_from: Option<f64>,
}

/// Where the clip's picture goes on the canvas. Rectangles are in the displayed picture, but for `fit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum PlacementView {
    /// This part fills the canvas.
    Fill {
        /// In the displayed picture.
        crop: Area,
    },
    /// A part that moves fills the canvas.
    Follow {
        /// Width and height of the part.
        size: (u32, u32),
        /// Second of the cut, left and top edge; it moves evenly between two.
        path: Vec<(f64, f64, f64)>,
    },
    /// The whole picture stands here on the canvas, over a blurred copy of itself.
    Fit {
        /// On the canvas.
        picture: Area,
    },
}

/// A caption as it is burned in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CueView {
    /// Seconds of the cut.
    pub start: f64,
    /// Seconds of the cut.
    pub end: f64,
    /// Its lines: text and start of each word, seconds of the cut.
    pub lines: Vec<Vec<(String, f64)>>,
}

/// How captions look; lengths in pixels of the canvas, colours as `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StyleView {
    pub fonts: Vec<String>,
    pub bold: bool,
    pub line_height: f64,
    pub outline: f64,
    pub colour: String,
    pub outline_colour: String,
    /// Of the word that is spoken.
    pub spoken_colour: Option<String>,
}

/// Text at one place of the canvas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextView {
    /// The text, in lines as the engine breaks it.
    pub lines: Vec<String>,
    /// Pixels from one line to the next, as the engine shrinks it.
    pub line_height: f64,
    /// The area that it may use.
    pub place: Area,
    /// From when, seconds of the cut.
    pub start: f64,
    /// Until when.
    pub end: f64,
    /// Behind or of the text, `#rrggbb`.
    pub colour: String,
    /// 0.0 to 1.0.
    pub opacity: f64,
}

/// What a person changed. What is none stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Save {
    /// [`ClipView::version`] that it was made from.
    pub version: String,
    /// All captions: start, end and text of each. They go into the SRT file; an empty list gives up every correction.
    pub captions: Option<Vec<(f64, f64, String)>>,
    /// All choices.
    pub choices: Option<Choices>,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// Who decides: one line of at most 80 printable characters.
    pub by: String,
    /// What to remember about it.
    #[serde(default)]
    pub note: Option<String>,
    /// [`ClipView::subject`] that the person saw.
    pub subject: String,
}

/// A mishearing and what is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mishearing {
    /// What was written.
    pub heard: String,
    /// What it should be.
    pub meant: String,
}

/// Where else a mishearing stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The clip.
    pub id: ClipId,
    /// Its name.
    pub name: String,
    /// How often.
    pub places: usize,
    /// Whether a person wrote that clip's captions or its transcript, so that the glossary alone does not reach it.
    pub corrected: bool,
}

/// Why something was not done.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// There is no such clip, or it has no such thing yet.
    Unknown,
    /// Somebody else saved first; this is how the clip is now.
    Conflict(Box<ClipView>),
    /// What was asked cannot be done.
    Wrong(Fault),
}

/// What is told while the page is open.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A clip is new, or at something else, or went on.
    Card(Box<ClipCard>),
    /// A clip is not in the folder any more.
    Gone(ClipId),
    /// What can be changed of a clip is another now: its version.
    Changed(ClipId, String),
    /// The day as a whole: its problem.
    Day(Option<Problem>),
}

/// A file that may be served, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The file; checked to be of this day.
    pub file: PathBuf,
    /// `video/mp4`, `image/jpeg`, `image/png`.
    pub kind: &'static str,
}

/// How many clips of a day are at what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Clips.
    pub all: usize,
    /// Those that wait for a person.
    pub look: usize,
    /// Those that are copied, read or made, or wait for that.
    pub work: usize,
    /// Those of which all is made.
    pub done: usize,
    /// Those of which something could not be made.
    pub failed: usize,
}

impl Counts {
    /// Counts a clip.
    pub fn add(&mut self, state: CardState) {
        self.all += 1;
        *match state {
            CardState::NeedsALook => &mut self.look,
            CardState::Done => &mut self.done,
            CardState::Failed => &mut self.failed,
            CardState::Copying
            | CardState::Waiting
            | CardState::Transcribing
            | CardState::Approved
            | CardState::Rendering => &mut self.work,
        } += 1;
    }
}

/// A practice among many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PracticeRow {
    /// Name of its folder in the root, which stands for it in addresses: `/p/{id}/`.
    pub id: String,
    /// Its name; that of its folder before its settings were read.
    pub name: String,
    /// Whether its day can be opened.
    pub open: bool,
    /// What is wrong with it as a whole, such as a faulty practice.toml.
    pub problem: Option<Problem>,
    /// Its clips.
    pub clips: Counts,
}

/// All practices under one root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CentreView {
    /// Name of the root, without where it lies.
    pub root: String,
    /// As a person sorts their folders.
    pub practices: Vec<PracticeRow>,
    /// What is wrong with the root as a whole.
    pub problem: Option<Problem>,
    /// What lies in the root and is nobody's, in whole sentences without a stop.
    pub strays: Vec<String>,
}

/// What is told while the page of the practices is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CentreTold {
    /// A practice is new, or stands otherwise.
    Row(Box<PracticeRow>),
    /// A practice has no folder any more.
    Gone(String),
    /// The root as a whole: its problem, and what is nobody's.
    Root(Option<Problem>, Vec<String>),
}

/// What the server asks of many practices. No call waits for a day's work.
pub trait Practices: Send + Sync {
    /// How they stand.
    fn centre(&self) -> CentreView;
    /// The day of a practice, by the name of its folder. Whoever asks does not keep it longer than a request takes.
    ///
    /// # Errors
    /// [`Refusal::Unknown`]; or its day cannot be opened now, and why.
    fn day(&self, id: &str) -> Result<Arc<dyn Day>, Refusal>;
    /// Everything that is told from now on.
    fn told(&self) -> Receiver<CentreTold>;
}

/// What the server asks of the day. Calls may take as long as a picture takes to render, and come from any thread.
pub trait Day: Send + Sync {
    /// How the day stands.
    fn day(&self) -> DayView;
    /// An open clip.
    ///
    /// # Errors
    /// [`Refusal::Unknown`]; or it cannot be planned, and why.
    fn clip(&self, id: &str) -> Result<ClipView, Refusal>;
    /// Saves what a person changed.
    ///
    /// # Errors
    /// Somebody saved first; what is written cannot be taken; the disk takes nothing.
    fn save(&self, id: &str, save: Save) -> Result<ClipView, Refusal>;
    /// Lets a clip go out; what is missing of it is rendered.
    ///
    /// # Errors
    /// It is not what the person saw; it lacks a consent; it failed.
    fn approve(&self, id: &str, decide: Decide) -> Result<ClipView, Refusal>;
    /// Takes a clip back.
    ///
    /// # Errors
    /// It is not what the person saw, or the disk takes nothing.
    fn hold(&self, id: &str, decide: Decide) -> Result<ClipView, Refusal>;
    /// Where else a mishearing stands.
    fn elsewhere(&self, id: &str, mishearing: &Mishearing) -> Result<Vec<Elsewhere>, Refusal>;
    /// Adds a mishearing to the practice's glossary for this folder of cuts; with `fix`, also mends it in captions that
    /// people corrected. Gives the clips that changed.
    ///
    /// # Errors
    /// One of them is empty, or the disk takes nothing.
    fn learn(&self, id: &str, mishearing: &Mishearing, fix: bool) -> Result<Vec<Elsewhere>, Refusal>;
    /// The viewing copy of a clip: upright, H.264 and AAC, quick to jump in; asks for it where it is not there yet.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] until it is there.
    fn view(&self, id: &str) -> Result<Served, Refusal>;
    /// A finished cut.
    ///
    /// # Errors
    /// [`Refusal::Unknown`].
    fn cut(&self, id: &str, platform: &str) -> Result<Served, Refusal>;
    /// A picture of the clip.
    ///
    /// # Errors
    /// [`Refusal::Unknown`].
    fn cover(&self, id: &str) -> Result<Served, Refusal>;
    /// The practice's logo.
    ///
    /// # Errors
    /// [`Refusal::Unknown`].
    fn logo(&self) -> Result<Served, Refusal>;
    /// The picture of a cut at a second of the cut, as it will be burned in: the bytes of a JPEG.
    ///
    /// # Errors
    /// There is no such cut, or it cannot be drawn.
    fn frame(&self, id: &str, platform: &str, at: f64) -> Result<Vec<u8>, Refusal>;
    /// Everything that is told from now on.
    fn told(&self) -> Receiver<Told>;
}
