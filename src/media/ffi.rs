//! Every `unsafe` block of the media room, each with its reason. What is here, `ffmpeg-next` offers no safe call for.
#![allow(unsafe_code)]

use crate::units::Size;
use ffmpeg_next as ff;
use ffmpeg_next::filter::Graph;
use ffmpeg_next::frame;
use std::sync::Once;

/// The most bytes that the libraries may ask for at once. A picture of the largest size that is taken needs half of it;
/// opening a file already decodes a little, and a few hostile bytes could ask for far more there.
const MAX_ALLOCATION: usize = 512 << 20;

/// Blocks of at least so many bytes are mapped one by one. Pictures and the tables of an encoder are larger, packets and
/// what our own code holds are smaller.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_MAPPING: i32 = 1 << 20;

/// Pools of smaller blocks that all threads share. A batch took no more CPU time with two than with glibc's own number.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS: i32 = 2;

/// Makes the libraries ready; does its work once however often it is called. The libraries' own chatter is turned
/// off: what matters comes back as an error.
pub fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Registering components cannot fail on any FFmpeg that the build accepts.
        let _ = ff::init();
        ff::log::set_level(ff::log::Level::Quiet);
        // SAFETY: sets one atomic limit; it holds no pointer.
        unsafe { ff::ffi::av_max_alloc(MAX_ALLOCATION) };
        keep_memory_flat();
    });
}

/// Keeps memory flat over a batch. Blocks the size of a picture go back to the system as soon as they are free; by itself
/// glibc raises the size from which they do to that of the largest block ever freed, and keeps most of what a clip took
/// until the program ends: 127 MiB instead of 36 after a 10 s clip of 1080x1920. And there are few pools for smaller
/// blocks, since every clip brings new threads and each pool keeps its holes.
fn keep_memory_flat() {
    // SAFETY: sets two numbers of the allocator, under its own lock; no block that is in use is touched.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_MAPPING);
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
    }
}

/// A second handle on the same picture: the pixels are shared by reference count, not copied. `frame::Video::clone`
/// would copy them.
pub(super) fn share(picture: &frame::Video) -> frame::Video {
    let mut shared = frame::Video::empty();
    // SAFETY: both pointers are live for the whole call; `av_frame_ref` only reads the source and fills the empty
    // target, and the reference counts of the buffers are atomic, so the handles may go to different threads.
    let code = unsafe { ff::ffi::av_frame_ref(shared.as_mut_ptr(), picture.as_ptr()) };
    assert!(code >= 0, "out of memory while sharing a picture");
    shared
}

/// Memory for `yuv420p` pictures of one size, which comes back when the last handle on a picture is gone. Memory that is
/// asked for anew for each picture is mapped and cleared by the system each time: an eleventh of all the time of a cut.
pub(super) struct Pool {
    size: Size,
    /// Bytes of a row, and where the planes come from.
    planes: [(usize, *mut ff::ffi::AVBufferPool); 3],
}

impl Pool {
    /// For pictures of that size; takes no memory yet.
    pub fn new(size: Size) -> Self {
        let plane = |part: u32| {
            // Vectorised code reads and writes whole blocks, as FFmpeg's own pools allow it to.
            let stride = size.width.div_ceil(part).next_multiple_of(64) as usize;
            let bytes = stride * size.height.div_ceil(part).next_multiple_of(32) as usize + 64;
            // SAFETY: no pointer goes in; a null that comes back is refused below.
            let pool = unsafe { ff::ffi::av_buffer_pool_init(bytes as _, None) };
            assert!(!pool.is_null(), "out of memory for pictures");
            (stride, pool)
        };
        Pool { size, planes: [plane(1), plane(2), plane(2)] }
    }

    /// A picture whose pixels nobody else holds and which shows anything.
    pub fn take(&self) -> frame::Video {
        let mut picture = frame::Video::empty();
        // SAFETY: the frame is live and empty, and takes over each reference that it is given. The planes are as long as
        // the stride and the height that it tells; the pool is alive, and locks itself.
        unsafe {
            let raw = picture.as_mut_ptr();
            (*raw).format = ff::ffi::AVPixelFormat::from(ff::format::Pixel::YUV420P) as i32;
            (*raw).width = self.size.width as i32;
            (*raw).height = self.size.height as i32;
            for (plane, (stride, pool)) in self.planes.iter().enumerate() {
                let buffer = ff::ffi::av_buffer_pool_get(*pool);
                assert!(!buffer.is_null(), "out of memory for a picture");
                (*raw).buf[plane] = buffer;
                (*raw).data[plane] = (*buffer).data;
                (*raw).linesize[plane] = *stride as i32;
            }
        }
        picture
    }

    /// The picture, which has the pool's size, with pixels that nobody else holds: as it is, or a copy.
    pub fn own(&self, picture: frame::Video) -> frame::Video {
        // SAFETY: reads the reference counts of a live frame.
        if unsafe { ff::ffi::av_frame_is_writable(picture.as_ptr().cast_mut()) } > 0 {
            return picture;
        }
        let mut copy = self.take();
        // SAFETY: both frames are live; the call refuses frames whose size or format differ.
        let code = unsafe { ff::ffi::av_frame_copy(copy.as_mut_ptr(), picture.as_ptr()) };
        assert!(code >= 0, "a picture is not as large as was planned");
        copy_properties(&mut copy, &picture);
        copy
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for (_, pool) in &mut self.planes {
            // SAFETY: the pool is ours; what is still in use of it lives on until it is given back.
            unsafe { ff::ffi::av_buffer_pool_uninit(pool) };
        }
    }
}

/// Gives a picture the time stamp, colour tags and kin of another; its pixels stay its own.
pub(super) fn copy_properties(to: &mut frame::Video, from: &frame::Video) {
    // SAFETY: both pointers are live for the whole call; `av_frame_copy_props` only reads the source.
    let code = unsafe { ff::ffi::av_frame_copy_props(to.as_mut_ptr(), from.as_ptr()) };
    assert!(code >= 0, "out of memory while a picture was cut out");
}

/// Limits a filter graph to `threads` worker threads; by default every graph takes all cores.
pub(super) fn set_graph_threads(graph: &mut Graph, threads: usize) {
    // SAFETY: the graph is live and not configured yet, which is when FFmpeg reads the field.
    unsafe { (*graph.as_mut_ptr()).nb_threads = threads.max(1) as i32 };
}

/// A picture's sample aspect ratio set to square, so that no filter or encoder carries an old one on.
pub(super) fn set_square_pixels(picture: &mut frame::Video) {
    // SAFETY: a plain field of a live frame that we hold exclusively.
    unsafe { (*picture.as_mut_ptr()).sample_aspect_ratio = ff::ffi::AVRational { num: 1, den: 1 } };
}

/// The luma and both chroma planes of a picture, writable at once; `frame::Video::data_mut` lends one at a time.
pub(super) fn planes_mut(picture: &mut frame::Video) -> [&mut [u8]; 3] {
    [0, 1, 2].map(|plane| {
        let length = picture.data(plane).len();
        // SAFETY: `data` checked the plane and gave its length; the planes of a picture do not overlap; the borrows
        // last no longer than that of the picture, which is exclusive.
        unsafe { std::slice::from_raw_parts_mut((*picture.as_mut_ptr()).data[plane], length) }
    })
}

/// The size, in samples, of the coded pictures of a track, as its container declares it, before any decoder is made.
pub(super) fn declared_size(parameters: &ff::codec::Parameters) -> (i64, i64) {
    // SAFETY: reads two plain fields of live codec parameters.
    unsafe { (i64::from((*parameters.as_ptr()).width), i64::from((*parameters.as_ptr()).height)) }
}

/// The sample aspect ratio of a track: what its container says, else what its codec says, as players have it. Zero where
/// neither says anything.
pub(super) fn sample_aspect(stream: &ff::Stream) -> ff::Rational {
    // SAFETY: reads plain fields of a live stream and of the parameters that it owns.
    let (container, codec) = unsafe {
        let stream = stream.as_ptr();
        ((*stream).sample_aspect_ratio, (*(*stream).codecpar).sample_aspect_ratio)
    };
    let said = if container.num > 0 && container.den > 0 { container } else { codec };
    ff::Rational::new(said.num, said.den)
}

/// Has a decoder refuse pictures of more than `pixels` before it asks for their memory.
pub(super) fn set_max_pixels(context: &mut ff::codec::Context, pixels: i64) {
    // SAFETY: the context is live and not opened yet, so that threads which are made of it know the limit.
    unsafe { (*context.as_mut_ptr()).max_pixels = pixels };
}

/// The four-character code that the container gives a track.
pub(super) fn codec_tag(parameters: &ff::codec::Parameters) -> [u8; 4] {
    // SAFETY: reads one plain field of live codec parameters.
    unsafe { (*parameters.as_ptr()).codec_tag.to_le_bytes() }
}

/// Tells a scaler that its input is BT.709 limited range; by itself it assumes BT.601.
pub(super) fn set_bt709(scaler: &mut ff::software::scaling::Context) {
    // SAFETY: the context is live; the coefficient tables are static; 0 and 1 are the ranges, 1 << 16 means unchanged.
    unsafe {
        let bt709 = ff::ffi::sws_getCoefficients(ff::ffi::SWS_CS_ITU709);
        ff::ffi::sws_setColorspaceDetails(scaler.as_mut_ptr(), bt709, 0, bt709, 1, 0, 1 << 16, 1 << 16);
    }
}

/// Whether an edit list marks the packet as needed for decoding only, not for showing.
pub(super) fn is_discarded(packet: &ff::Packet) -> bool {
    use ff::packet::Ref;
    // SAFETY: reads one plain field of a live packet.
    unsafe { (*packet.as_ptr()).flags & ff::ffi::AV_PKT_FLAG_DISCARD != 0 }
}

/// Whether the libraries have a filter of that name.
pub fn has_filter(name: &str) -> bool {
    start();
    ff::filter::find(name).is_some()
}

/// Version of the libraries, for people: `FFmpeg libavcodec 59.37.100`.
pub fn version() -> String {
    let version = ff::codec::version();
    format!("FFmpeg libavcodec {}.{}.{}", version >> 16, (version >> 8) & 0xff, version & 0xff)
}

#[cfg(test)]
mod tests {
    /// Names of the functions of a source that hold an `unsafe` block.
    fn unsafe_functions(source: &str) -> Vec<&str> {
        let mut name = "";
        let mut found = Vec::new();
        for line in source.lines() {
            if let Some((_, rest)) = line.split_once("fn ") {
                name = rest.split(['(', '<']).next().unwrap_or_default();
            }
            let block = line.contains("unsafe {") && !line.trim_start().starts_with("//");
            if block && found.last() != Some(&name) {
                found.push(name);
            }
        }
        found
    }

    #[test]
    fn every_unsafe_block_is_told_of() {
        let (source, _) = include_str!("ffi.rs").split_once("#[cfg(test)]\nmod tests").unwrap_or_default();
        let told = include_str!("../../docs/safety.md");
        let found = unsafe_functions(source);
        assert!(found.len() > 10, "{found:?}");
        let untold: Vec<&&str> = found.iter().filter(|name| !told.contains(&format!("`{name}`"))).collect();
        assert!(untold.is_empty(), "docs/safety.md does not tell of {untold:?}");
    }
}
