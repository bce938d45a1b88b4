//! The only place that touches ffmpeg: probe, decode, audio, graph, encode, render, verify, log.
//!
//! [`probe`](probe::probe) says what a clip holds, [`listen`](sound::listen) gives its sound for recognition,
//! [`render`](render::render) makes every unique render of it from one decode, [`still`](still::jpeg) a single picture of
//! one, and [`verify`](verify::verify) measures
//! a finished file. All `unsafe` stands in `ffi.rs`.

mod aac_frames;
mod boxes;
mod clock;
mod colour;
pub mod cover;
mod decode;
mod drawn;
mod encode;
pub mod encoders;
pub mod faces;
mod ffi;
mod graph;
mod input;
mod jpeg;
mod lettering;
mod limiter;
pub mod logo;
pub mod loudness;
pub mod lut;
mod mux;
mod orientation;
pub mod probe;
mod probe_types;
mod proof;
pub mod render;
pub mod sound;
mod soundtrack;
mod special;
mod splice;
pub mod still;
pub mod tone;
pub mod verify;
mod window;

pub use ffi::{has_filter, start, version};
pub use probe_types::{AudioTrack, Colour, Orientation, PrivateField, Probe, Special, Transfer, VideoTrack};
