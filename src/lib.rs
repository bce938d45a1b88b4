//! Housecall turns a folder of phone-recorded answer clips into captioned, watermarked cuts for every platform a
//! practice posts to. This is the way one clip goes; each hop is a struct of its own, made once and not changed later.
//!
//! ```text
//! ClipSource{path, digest}            intake    a settled file in the inbox, with its sidecars
//!   -> Probe{video, audio, ...}       media     what the phone recorded: displayed size, rotation, colour, rate, tracks
//!   -> Heard{pcm, speech, loudness}   speech    16 kHz mono, where somebody speaks, how loud
//!   -> Transcript{words, model}       speech    cached by content
//!   -> Wording{words, question}       wording   what the captions say, which question is answered
//!   -> Vec<CutPlan>                   cuts      fully resolved: canvas, crop, captions, watermark, gain, encoder
//!   -> Rendered{temporary files}      media     one decode, many renders
//!   -> Verified                       media     read again from the disk and measured against the plan
//!   -> Published                      pipeline  renamed into place, journalled
//!   -> ClipReport                     report    what a person reads
//! ```
//!
//! What `media` and `speech` do with a clip runs in a process of its own, see `worker`; the rest never sees its bytes.
//!
//! A module is a room with one job; what it may touch stands in its first lines.

pub mod captions;
pub mod centre;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod cuts;
pub mod exact_path;
pub mod fault;
pub mod intake;
pub mod media;
pub mod pipeline;
pub mod plain_file;
pub mod printable;
pub mod quoted;
pub mod report;
pub mod review;
pub mod speech;
pub mod trace;
pub mod units;
pub mod wording;
pub mod worker;
