//! Reading a logo: any picture that a person may name, within bounds, since a file of a few bytes may claim any size.

use crate::fault::Fault;
use crate::plain_file::{self, Links};
use image::{DynamicImage, ImageReader};
use std::io::Cursor;
use std::path::Path;

/// Longest side in pixels; what is drawn is never larger than half of a canvas.
const MOST_SIDE: u32 = 8192;
/// Most pixels, four bytes each once decoded.
const MOST_PIXELS: u64 = 16 << 20;
/// Largest file in bytes.
const MOST_BYTES: u64 = 32 << 20;

/// The file's bytes and the picture that they hold.
///
/// # Errors
/// The file cannot be read, is no picture, or is larger than any logo; the fault names it.
pub fn read(file: &Path) -> Result<(Vec<u8>, DynamicImage), Fault> {
    let wrong = |what: &dyn std::fmt::Display| {
        Fault::new(
            format!("the logo {} cannot be read ({what})", file.display()),
            "save it as a PNG and name it in practice.toml",
        )
    };
    let bytes = plain_file::bytes(file, MOST_BYTES, Links::Followed).map_err(|e| wrong(&e))?;
    let reader = || ImageReader::new(Cursor::new(&bytes)).with_guessed_format().map_err(|e| wrong(&e));
    // The header alone first: nothing is reserved for a size that is refused.
    let (width, height) = reader()?.into_dimensions().map_err(|e| wrong(&e))?;
    if width.max(height) > MOST_SIDE || u64::from(width) * u64::from(height) > MOST_PIXELS {
        let what = format!("the logo {} has {width}x{height} pixels, which is too large", file.display());
        return Err(Fault::new(what, "save it as a PNG of 2000 pixels a side at most"));
    }
    let picture = reader()?.decode().map_err(|e| wrong(&e))?;
    Ok((bytes, picture))
}
