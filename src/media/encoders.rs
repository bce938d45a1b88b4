//! Which picture encoders this computer really has.

use super::encode::Encoder;
use crate::cuts::PictureCodec;
use crate::units::{Rate, Size};
use ffmpeg_next::{format, frame};

/// The encoder that every machine has and that gives the same bits everywhere.
pub const SOFTWARE: &str = "libx264";
/// Hardware encoders that take pictures from main memory, the likeliest to be good first.
pub const HARDWARE: [&str; 3] = ["h264_videotoolbox", "h264_nvenc", "h264_amf"];

/// Whether the encoder opens and turns pictures into packets. That a library lists it proves nothing.
pub fn works(encoder: &str) -> bool {
    super::start();
    let settings = PictureCodec {
        encoder: encoder.into(),
        preset: "veryfast".into(),
        crf: 23.0,
        max_rate: 2000,
        target_rate: None,
        gop: 30,
    };
    // Hardware refuses pictures that are very small.
    let size = Size::new(320, 240);
    let Ok(mut opened) = Encoder::open_codec(&settings, size, Rate::new(30, 1)) else { return false };
    let mut grey = frame::Video::new(format::Pixel::YUV420P, size.width, size.height);
    for plane in 0..3 {
        grey.data_mut(plane).fill(128);
    }
    let mut packets = 0;
    for number in 0..8 {
        if opened.send(&grey, number).is_err() {
            return false;
        }
        while let Ok(Some(_)) = opened.packet() {
            packets += 1;
        }
    }
    if opened.finish().is_err() {
        return false;
    }
    while let Ok(Some(_)) = opened.packet() {
        packets += 1;
    }
    packets == 8
}

/// The first hardware encoder that works, if any.
pub fn best_hardware() -> Option<&'static str> {
    HARDWARE.into_iter().find(|name| works(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_turns_pictures_into_packets_works() {
        assert!(works(SOFTWARE));
        assert!(!works("h264_nothing"));
        assert!(!works("aac"));
    }
}
