//! Opening a clip for reading.

use crate::fault::Fault;
use crate::plain_file;
use ffmpeg_next as ff;
use ffmpeg_next::format::context::{Input, StreamIo};
use std::path::Path;

/// Read buffer: phone clips are read front to back, so few large reads beat many small ones.
const BUFFER_BYTES: usize = 256 * 1024;

/// Opens a container. The file is handed over as an open stream, never as a name, so that no name can be taken for an
/// address or a filter expression, and names need not be UTF-8.
///
/// # Errors
/// The file cannot be read, or no demuxer knows what it is.
pub fn open(path: &Path) -> Result<Input, Fault> {
    super::start();
    let file = plain_file::open(path).map_err(|e| {
        Fault::new(format!("the file cannot be opened ({e})"), "check that it is still there and may be read")
    })?;
    let broken = |e: ff::Error| {
        Fault::new(
            format!("this is not a video that can be read ({e})"),
            "copy it from the phone again, or take it out of the folder",
        )
    };
    let stream = StreamIo::from_read_seek_with_capacity(file, BUFFER_BYTES).map_err(broken)?;
    // The name serves as a hint for the format alone; its extension is enough for that.
    let hint = path.extension().map(|e| format!("clip.{}", e.to_string_lossy().to_lowercase()));
    ff::format::input_from_stream(stream, hint.as_deref(), None).map_err(broken)
}

/// The next packet of any track; every reader of packets goes through here. `Packet::read` alone would overwrite the one
/// before without giving its memory back, and a clip that is read five times would be held five times over.
///
/// # Errors
/// [`ff::Error::Eof`] at the end, and whatever the demuxer cannot read.
#[expect(clippy::disallowed_methods)]
pub fn read(input: &mut Input, packet: &mut ff::Packet) -> Result<(), ff::Error> {
    *packet = ff::Packet::empty();
    packet.read(input)
}
