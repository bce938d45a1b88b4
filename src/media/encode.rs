//! The picture encoder of one render.

use super::decode::is_ready;
use super::ffi;
use crate::cuts::{PictureCodec, Recipe};
use crate::fault::Fault;
use crate::units::{Rate, Size};
use ffmpeg_next as ff;
use ffmpeg_next::{Dictionary, Rational, codec, color, format, frame};

/// Frames go in in order, packets come out whose time stamps count frames.
pub struct Encoder(codec::encoder::video::Encoder);

impl Encoder {
    /// Opens the encoder that the recipe names.
    pub fn open(recipe: &Recipe) -> Result<Self, Fault> {
        Self::open_codec(&recipe.codec, recipe.canvas, recipe.rate)
    }

    /// Opens an encoder for pictures of `canvas` at `rate`.
    pub fn open_codec(settings: &PictureCodec, canvas: Size, rate: Rate) -> Result<Self, Fault> {
        let missing = |e: ff::Error| {
            Fault::new(
                format!("the encoder {} cannot be used ({e})", settings.encoder),
                "run `housecall doctor` to see what this computer lacks",
            )
        };
        let found =
            codec::encoder::find_by_name(&settings.encoder).ok_or_else(|| missing(ff::Error::EncoderNotFound))?;
        let mut context = codec::Context::new_with_codec(found);
        context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::CLOSED_GOP);
        let mut encoder = context.encoder().video().map_err(missing)?;
        encoder.set_width(canvas.width);
        encoder.set_height(canvas.height);
        encoder.set_format(format::Pixel::YUV420P);
        encoder.set_time_base(Rational::new(rate.den as i32, rate.num as i32));
        encoder.set_frame_rate(Some(Rational::new(rate.num as i32, rate.den as i32)));
        encoder.set_aspect_ratio(Rational::new(1, 1));
        encoder.set_gop(settings.gop);
        encoder.set_max_b_frames(2);
        encoder.set_colorspace(color::Space::BT709);
        encoder.set_color_range(color::Range::MPEG);
        encoder.set_color_primaries(color::Primaries::BT709);
        encoder.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
        let opened = encoder.open_as_with(found, options(settings)).map_err(missing)?;
        Ok(Encoder(opened))
    }

    /// The context, for the file's stream parameters.
    pub fn context(&self) -> &codec::Context {
        &self.0
    }

    /// Hands in frame `number` of the cut.
    pub fn send(&mut self, picture: &frame::Video, number: i64) -> Result<(), Fault> {
        let mut handle = ffi::share(picture);
        handle.set_pts(Some(number));
        // A picture type left over from the phone's stream would force the encoder's hand.
        handle.set_kind(ff::picture::Type::None);
        self.0.send_frame(&handle).map_err(encoding)
    }

    /// Says that no frame follows.
    pub fn finish(&mut self) -> Result<(), Fault> {
        self.0.send_eof().map_err(encoding)
    }

    /// The next packet that is ready.
    pub fn packet(&mut self) -> Result<Option<ff::Packet>, Fault> {
        let mut packet = ff::Packet::empty();
        Ok(is_ready(self.0.receive_packet(&mut packet)).map_err(encoding)?.then_some(packet))
    }
}

fn encoding(e: ff::Error) -> Fault {
    Fault::new(format!("the picture could not be encoded ({e})"), "run again; if it happens again, report the clip")
}

/// The options of one encoder. For x264 the thread count is part of the settings, since it decides the bits.
fn options(settings: &PictureCodec) -> Dictionary<'static> {
    let mut options = Dictionary::new();
    let (peak, mean) = (settings.max_rate, settings.target_rate);
    options.set("maxrate", &format!("{peak}k"));
    options.set("bufsize", &format!("{}k", peak * crate::cuts::BUFFER_SECONDS));
    options.set("profile", "high");
    if settings.encoder == "libx264" {
        options.set("preset", &settings.preset);
        // All presets but `ultrafast` use it; without, x264 marks the file as Main, whatever profile was asked for.
        options.set("8x8dct", "1");
        options.set("threads", &crate::cuts::ENCODER_THREADS.to_string());
        match mean {
            Some(mean) => options.set("b", &format!("{mean}k")),
            None => options.set("crf", &settings.crf.to_string()),
        }
    } else {
        // Hardware encoders know no CRF that is alike; they get a mean rate below the peak.
        options.set("b", &format!("{}k", mean.unwrap_or(peak * 3 / 5)));
    }
    options
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config;

    /// What x264 writes into its first packet about how it was set.
    fn told(settings: &PictureCodec) -> String {
        let size = Size::new(320, 240);
        let mut encoder = Encoder::open_codec(settings, size, Rate::new(30, 1)).unwrap();
        let mut grey = frame::Video::new(format::Pixel::YUV420P, size.width, size.height);
        for plane in 0..3 {
            grey.data_mut(plane).fill(128);
        }
        encoder.send(&grey, 0).unwrap();
        encoder.finish().unwrap();
        String::from_utf8_lossy(encoder.packet().unwrap().unwrap().data().unwrap()).into_owned()
    }

    #[test]
    fn every_platform_gets_what_all_of_them_ask_for_whatever_its_preset_leaves_out() {
        crate::media::start();
        for platform in config::platforms_with(None).unwrap() {
            let encoding = platform.encoding;
            let told = told(&PictureCodec {
                encoder: "libx264".into(),
                preset: encoding.preset,
                crf: encoding.crf,
                max_rate: encoding.max_rate,
                target_rate: encoding.target_rate,
                gop: 60,
            });
            // CABAC and 8x8 transforms are what makes a file High.
            for wanted in ["cabac=1", "8x8dct=1", "bframes=2", "open_gop=0", "keyint=60"] {
                assert!(told.contains(wanted), "{}: {wanted} is not in {told}", platform.id);
            }
        }
    }
}
