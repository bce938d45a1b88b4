//! What the phone recorded, as far as later stages need it.

use crate::units::{Rate, Size, Time};
use serde::{Deserialize, Serialize};

/// A clip's tracks and what they need to be shown right. Holds no value of any private field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Container by its short ffmpeg name: `mov,mp4,m4a,3gp,3g2,mj2`, `matroska,webm`.
    pub container: String,
    /// From the first picture to the end of the longest chosen track.
    pub duration: Time,
    /// The picture.
    pub video: VideoTrack,
    /// The first audio track that decodes, if any.
    pub audio: Option<AudioTrack>,
    /// Tracks left out, each with the reason: `audio track 1 (apac): no decoder`.
    pub ignored: Vec<String>,
    /// Private metadata the file carries; none of it reaches an output.
    pub private: Vec<PrivateField>,
    /// Special modes of the camera that it was recorded in.
    pub special: Vec<Special>,
}

/// A special mode of the camera, or another thing about the recording that a person wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Special {
    /// The file says how many frames a second the camera took, which may be more than it plays (Android).
    Captured {
        /// Frames a second, 1 to 10 000.
        fps: u32,
    },
    /// Apple's Cinematic mode: the player blurs the background by a hidden track.
    Cinematic,
    /// Dolby Vision metadata beside the HDR picture.
    DolbyVision,
    /// A track of spatial sound in Apple's own codec.
    SpatialAudio,
    /// What was on a phone's screen.
    ScreenRecording,
}

/// The video track that is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VideoTrack {
    /// Index of the stream in the container.
    pub index: usize,
    /// Codec by its ffmpeg name: `hevc`.
    pub codec: String,
    /// Size of the coded picture, before rotation and sample aspect.
    pub coded: Size,
    /// How the coded picture has to be turned.
    pub orientation: Orientation,
    /// Sample aspect ratio, width to height; (1, 1) for square pixels.
    pub sample_aspect: (u32, u32),
    /// Size as a person sees it: turned, with square pixels. The size that all geometry is planned on.
    pub displayed: Size,
    /// Mean frames per second.
    pub rate: Rate,
    /// Whether frames come evenly (each step within 2% of the mean).
    pub constant_rate: bool,
    /// First time stamp in container time, which is the clip's time zero.
    pub start: Time,
    /// Bits a sample: 8, 10, 12.
    pub bits: u32,
    /// Pixel format by its ffmpeg name.
    pub pixel_format: String,
    /// How codes mean colours.
    pub colour: Colour,
}

/// How a coded picture has to be turned to stand upright: first mirrored left to right if `mirrored`, then turned
/// clockwise by `degrees`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Orientation {
    /// Clockwise: 0, 90, 180 or 270.
    pub degrees: u32,
    /// Whether left and right are exchanged before the turn.
    pub mirrored: bool,
}

/// Colour description with every gap filled in: what is untagged gets what players assume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colour {
    /// `true` for 0-255 codes, `false` for 16-235.
    pub full_range: bool,
    /// Matrix by its zscale name: `709`, `170m`, `bt470bg`, `2020_ncl`.
    pub matrix: String,
    /// Primaries by their zscale name: `709`, `170m`, `bt470bg`, `2020`.
    pub primaries: String,
    /// Transfer curve.
    pub transfer: Transfer,
    /// The brightest that a PQ clip says it gets, in nits: its brightest pixel, else its mastering display.
    #[serde(default)]
    pub peak: Option<u32>,
    /// Whether the file itself said nothing and this is an assumption.
    pub assumed: bool,
}

/// The transfer curves that need different treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transfer {
    /// BT.709 and its equals: no tone-mapping.
    Sdr,
    /// Hybrid log-gamma, ARIB STD-B67 (the iPhone's default, Dolby Vision 8.4 among it).
    Hlg,
    /// Perceptual quantiser, SMPTE ST 2084 (HDR10).
    Pq,
}

/// The audio track that is heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioTrack {
    /// Index of the stream in the container.
    pub index: usize,
    /// Codec by its ffmpeg name: `aac`.
    pub codec: String,
    /// Samples a second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// When its first sample plays, relative to the first picture. May be negative.
    pub start: Time,
    /// The one channel that carries sound (0 left, 1 right) where the other of two is dead, as with a microphone plugged
    /// into half of a stereo input. Both ears get it.
    pub only: Option<usize>,
}

/// Where private metadata lies: never what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateField {
    /// `container`, `stream 2`, `chapter 1`.
    pub place: String,
    /// The key: `com.apple.quicktime.location.ISO6709`.
    pub key: String,
}
