//! practice.toml and the presets: raw (serde, what was typed) to resolved (what is meant). Later stages see only the
//! resolved structs of this module's surface.

mod resolved;

pub use resolved::{
    Anchor, CanvasChoice, CardBackground, Corner, EncoderChoice, Encoding, EndCard, Framing, Platform, PostLimits,
    Practice, Source, Style, TooLong, Watermark,
};
