//! Finished pictures as JPEG, without any metadata.

use super::ffi;
use crate::fault::Fault;
use ffmpeg_next as ff;
use ffmpeg_next::software::scaling;
use ffmpeg_next::{format, frame};
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

/// The bytes of a JPEG of a BT.709 picture. `quality` is 1 to 100.
///
/// # Errors
/// The picture cannot be converted.
pub fn of(picture: &frame::Video, quality: u8) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&rgb(picture)?);
    encoded.map_err(|e| unable(e.to_string()))?;
    Ok(bytes)
}

/// A BT.709 picture as a screen shows it.
///
/// # Errors
/// The picture cannot be converted.
pub fn rgb(picture: &frame::Video) -> Result<RgbImage, Fault> {
    let (width, height) = (picture.width(), picture.height());
    let mut rgb = frame::Video::empty();
    let mut converter = scaling::Context::get(
        picture.format(),
        width,
        height,
        format::Pixel::RGB24,
        width,
        height,
        scaling::Flags::BICUBIC | scaling::Flags::ACCURATE_RND | scaling::Flags::FULL_CHR_H_INT,
    )
    .map_err(|e: ff::Error| unable(e.to_string()))?;
    ffi::set_bt709(&mut converter);
    converter.run(picture, &mut rgb).map_err(|e| unable(e.to_string()))?;
    let rows = rgb.data(0).chunks(rgb.stride(0)).take(height as usize);
    let pixels = rows.flat_map(|row| &row[..width as usize * 3]).copied().collect();
    RgbImage::from_raw(width, height, pixels).ok_or_else(|| unable("a row is missing".into()))
}

fn unable(what: String) -> Fault {
    Fault::new(format!("a picture cannot be made a JPEG ({what})"), "run again; if it happens again, report the clip")
}
