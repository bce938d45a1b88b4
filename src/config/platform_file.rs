//! Platforms: the embedded presets, a user's own preset files, and a practice's overrides of single fields.

use super::resolved::{CanvasChoice, Encoding, Platform, PostLimits, Source};
use super::typed::{Line, Number, Typed};
use crate::fault::Fault;
use crate::plain_file::{self, Links};
use crate::units::{Rect, Size, Time};
use serde::Deserialize;
use std::path::Path;

/// Lowest and highest sensible durations and sizes, in thousandths: 0.1 s to 100 h, 0.1 MB to 1 TB.
type Seconds = Number<100, 360_000_000>;
type Megabytes = Number<100, 1_000_000_000>;

/// The presets in the order in which they are listed.
const EMBEDDED: [(&str, &str); 13] = [
    ("tiktok", include_str!("../../presets/platforms/tiktok.toml")),
    ("instagram-reels", include_str!("../../presets/platforms/instagram-reels.toml")),
    ("instagram-feed", include_str!("../../presets/platforms/instagram-feed.toml")),
    ("youtube-shorts", include_str!("../../presets/platforms/youtube-shorts.toml")),
    ("youtube", include_str!("../../presets/platforms/youtube.toml")),
    ("facebook-reels", include_str!("../../presets/platforms/facebook-reels.toml")),
    ("facebook-feed", include_str!("../../presets/platforms/facebook-feed.toml")),
    ("x", include_str!("../../presets/platforms/x.toml")),
    ("linkedin", include_str!("../../presets/platforms/linkedin.toml")),
    ("pinterest", include_str!("../../presets/platforms/pinterest.toml")),
    ("snapchat-spotlight", include_str!("../../presets/platforms/snapchat-spotlight.toml")),
    ("whatsapp-status", include_str!("../../presets/platforms/whatsapp-status.toml")),
    ("google-business", include_str!("../../presets/platforms/google-business.toml")),
];

/// Folders that stand beside those of the platforms in the output folder.
const OWN_FOLDERS: [&str; 6] = [".housecall", "covers", "held", "report", "set-aside", "transcripts"];

macro_rules! fields {
    ($($(#[$about:meta])* $name:ident: $kind:ty,)*) => {
        /// What a preset file holds, and what a `[platform.<id>]` table of practice.toml may replace.
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct PlatformFields { $($(#[$about])* pub $name: Option<$kind>,)* }

        impl PlatformFields {
            /// These fields, and those of `base` where none is given.
            pub fn over(self, base: PlatformFields) -> PlatformFields {
                PlatformFields { $($name: self.$name.or(base.$name),)* }
            }
        }
    };
}

fields! {
    /// As a person reads it.
    name: Line,
    min_seconds: Seconds,
    max_seconds: Seconds,
    /// Of 1,000,000 bytes, the stricter reading of "MB".
    max_megabytes: Megabytes,
    /// Slowest and fastest, in whole frames a second.
    frame_rate: (u32, u32),
    clean: bool,
    sidecar_srt: bool,
    title_characters: usize,
    text_characters: usize,
    max_hashtags: usize,
    /// x264 preset.
    preset: Preset,
    crf: Number<0, 51_000>,
    /// kbit/s.
    max_rate: u32,
    /// kbit/s; 0 for none, so that a practice can turn it off.
    target_rate: u32,
    gop_seconds: Number<100, 10_000>,
    /// kbit/s; AAC-LC in stereo at 48 kHz takes no more than 576.
    audio_rate: u32,
    canvases: Vec<CanvasFields>,
    sources: Vec<SourceFields>,
}

/// x264's presets that keep up with a day's clips and compress worth their name.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Preset {
    Ultrafast,
    Superfast,
    Veryfast,
    Faster,
    Fast,
    Medium,
    Slow,
    Slower,
    Veryslow,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CanvasFields {
    size: Size,
    text_box: Rect,
    /// What the platform lays over the picture: buttons, names, its own text.
    #[serde(default)]
    covered: Vec<Rect>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceFields {
    page: String,
    checked: String,
    note: Option<String>,
}

/// Every preset with its id: the embedded ones, each replaced by `<folder>/<id>.toml` where there is one, then the
/// folder's other files by name.
///
/// Fails on a file that cannot be read or parsed.
pub(super) fn presets(folder: Option<&Path>) -> Result<Vec<(String, PlatformFields)>, Fault> {
    let mut all = Vec::new();
    for (id, text) in EMBEDDED {
        all.push((id.to_string(), Typed::of(Path::new(id), text).parse()?));
    }
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else { return Ok(all) };
    let unreadable = |file: &Path, error: std::io::Error| {
        Fault::new(format!("cannot read {}: {error}", file.display()), "correct its permissions or move it away")
    };
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry.map_err(|error| unreadable(folder, error))?.path());
    }
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "toml")) {
        let text = plain_file::text(file, plain_file::MOST_SETTINGS, Links::Followed)
            .map_err(|error| unreadable(file, error))?;
        let fields = Typed::of(file, &text).parse()?;
        let id = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // There are file systems to which both names are one.
        if OWN_FOLDERS.contains(&id.to_lowercase().as_str()) {
            let what =
                format!("no platform can be called {id}: the folder of that name holds other files of Housecall's");
            return Err(Fault::new(what, format!("give {} another name", file.display())));
        }
        match all.iter_mut().find(|(known, _)| *known == id) {
            Some(preset) => preset.1 = fields,
            None => all.push((id, fields)),
        }
    }
    Ok(all)
}

impl PlatformFields {
    /// The platform that these fields describe.
    ///
    /// Fails on a missing field, and on limits and boxes that contradict each other. The fault names the platform.
    pub fn resolve(self, id: &str) -> Result<Platform, Fault> {
        let wrong = |what: String| {
            let place = format!("[platform.{id}] of practice.toml or platforms/{id}.toml in the config folder");
            Fault::new(format!("platform {id}: {what}"), format!("correct it in {place}"))
        };
        let missing = |field: &str| wrong(format!("{field} is missing"));
        let min = self.min_seconds.ok_or_else(|| missing("min_seconds"))?.0;
        let max = self.max_seconds.ok_or_else(|| missing("max_seconds"))?.0;
        if min >= max {
            return Err(wrong(format!("min_seconds ({min}) has to be below max_seconds ({max})")));
        }
        let frame_rate = self.frame_rate.unwrap_or((24, 60));
        if frame_rate.0 > 30 || frame_rate.1 < 30 {
            // Every cut can be made at 30 frames a second, whatever the clip's rate is.
            return Err(wrong(format!("frame_rate [{}, {}] has to include 30", frame_rate.0, frame_rate.1)));
        }
        let max_rate = self.max_rate.ok_or_else(|| missing("max_rate"))?;
        if !(200..=200_000).contains(&max_rate) {
            return Err(wrong(format!("max_rate ({max_rate} kbit/s) has to lie between 200 and 200000")));
        }
        let audio_rate = self.audio_rate.unwrap_or(128);
        if !(64..=512).contains(&audio_rate) {
            return Err(wrong(format!("audio_rate ({audio_rate} kbit/s) has to lie between 64 and 512")));
        }
        let canvases = self.canvases.filter(|list| !list.is_empty()).ok_or_else(|| missing("canvases"))?;
        if let Some(what) = canvases.iter().find_map(CanvasFields::contradiction) {
            return Err(wrong(what));
        }
        Ok(Platform {
            id: id.to_string(),
            name: self.name.and_then(|name| name.0).unwrap_or_else(|| id.to_string()),
            canvases: canvases.iter().map(|c| CanvasChoice { size: c.size, text_box: c.text_box }).collect(),
            min_duration: Time::from_seconds(min),
            max_duration: Time::from_seconds(max),
            max_bytes: (self.max_megabytes.ok_or_else(|| missing("max_megabytes"))?.0 * 1e6).round() as u64,
            frame_rate,
            clean: self.clean.unwrap_or(false),
            sidecar_srt: self.sidecar_srt.unwrap_or(false),
            post: PostLimits { title: self.title_characters, text: self.text_characters, hashtags: self.max_hashtags },
            encoding: Encoding {
                preset: format!("{:?}", self.preset.unwrap_or(Preset::Fast)).to_lowercase(),
                crf: self.crf.map_or(20.0, |crf| crf.0),
                max_rate,
                target_rate: self.target_rate.filter(|rate| *rate > 0),
                gop_seconds: self.gop_seconds.map_or(2.0, |seconds| seconds.0),
                audio_rate,
            },
            sources: self.sources.unwrap_or_default().into_iter().map(SourceFields::resolve).collect(),
        })
    }
}

impl CanvasFields {
    /// What is wrong with the canvas, if anything.
    fn contradiction(&self) -> Option<String> {
        let (size, text) = (self.size, self.text_box);
        let even = |n: u32| n.is_multiple_of(2) && (240..=4096).contains(&n);
        let inside = |rect: Rect| {
            rect.x.checked_add(rect.width).is_some_and(|right| right <= size.width)
                && rect.y.checked_add(rect.height).is_some_and(|bottom| bottom <= size.height)
        };
        // A box that is smaller holds no two lines of captions beside the question.
        let roomy = text.width >= size.width / 4 && text.height >= size.height / 4;
        if !even(size.width) || !even(size.height) {
            Some(format!("canvas {size}: both sides have to be even and between 240 and 4096"))
        } else if !inside(text) || !self.covered.iter().all(|covered| inside(*covered)) {
            Some(format!("canvas {size}: its text_box or a covered area leaves the canvas"))
        } else if !roomy {
            Some(format!("canvas {size}: its text_box has to take at least a quarter of each side"))
        } else if self.covered.iter().any(|covered| covered.meets(text)) {
            Some(format!("canvas {size}: its text_box meets an area that the platform covers"))
        } else {
            None
        }
    }
}

impl SourceFields {
    fn resolve(self) -> Source {
        Source { page: self.page, checked: self.checked, note: self.note }
    }
}
