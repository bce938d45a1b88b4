//! The only place that touches ffmpeg: probe, decode, audio, graph, encode, render, verify, log.

mod probe_types;

pub use probe_types::{AudioTrack, Colour, Orientation, PrivateField, Probe, Transfer, VideoTrack};
