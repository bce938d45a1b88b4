//! Whether a file's container is whole, from its outermost structure alone: a few small reads, no decoding.
//!
//! ISO base media files (MP4, MOV, M4V, 3GP) are boxes that tile the file (ISO/IEC 14496-12, section 4.2); Matroska and
//! WebM are an EBML header and one segment (RFC 8794, RFC 9559). The kind is told by the first bytes, since messengers
//! rename one to the other.

use std::io::{self, Read, Seek, SeekFrom};

/// What the outermost structure says about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wholeness {
    /// All of it is there, as far as its structure can tell.
    Whole,
    /// What is there is whole, but nothing proves that it is all: the structure has no end (fragments, a recording of a
    /// browser), or some of the data are zeros, as they are in silence and in room that is not filled yet. Only time tells.
    OpenEnded,
    /// Something is not there yet: it is still being written, or the copy broke off. Says what, without a stop.
    Incomplete(String),
    /// Its structure makes no sense somewhere: it is damaged, or what should stand there is half written. Says where,
    /// without a stop.
    Damaged(String),
    /// It can never become a clip by waiting. Says why, without a stop.
    Broken(String),
}

/// Boxes that stand first in an ISO base media or QuickTime file.
const FIRST_BOXES: [&[u8; 4]; 8] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"];
/// A minute of one-second fragments has a few hundred boxes; far more is a file made to waste time.
const MOST_BOXES: usize = 200_000;
const EBML: u32 = 0x1A45_DFA3;
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1F43_B675;
/// Elements that may stand between header and segment: void and checksum.
const FILLERS: [u32; 2] = [0xEC, 0xBF];
/// Tables of chunks, in which an index says where its pictures and sound lie, are read up to this many chunks; a clip of
/// ten minutes has about a thousand.
const MOST_CHUNKS: u64 = 50_000;
/// Sample entries of codecs in which no picture begins with [`HEAD`] zeros: H.264 and H.265 begin with a length, the others
/// with a header. Pictures that are not compressed may well be black from their first byte.
const CODED: [&[u8; 4]; 18] = [
    b"avc1", b"avc3", b"hvc1", b"hev1", b"dvh1", b"dvhe", b"dva1", b"dvav", b"mp4v", b"s263", b"h263", b"vp08",
    b"vp09", b"av01", b"jpeg", b"apch", b"apcn", b"apcs",
];
/// How many bytes are looked at where a picture or a cluster should begin.
const HEAD: usize = 16;
/// How far apart data are looked at for room that is not filled yet; in very large files farther, see [`MOST_PROBES`].
/// Programs that copy write from front to back in pieces smaller than that, but for the file's end.
const STEP: u64 = 1 << 16;
const MOST_PROBES: u64 = 4096;

/// Reads the outermost structure of `file`, which is `len` bytes long.
///
/// # Errors
/// Only of reading; what the structure says is the answer.
pub fn inspect(file: &mut (impl Read + Seek), len: u64) -> io::Result<Wholeness> {
    if len < 16 {
        return Ok(Wholeness::Incomplete(format!("only {len} bytes are there")));
    }
    let head: [u8; 8] = bytes_at(file, 0)?;
    let verdict = if head[..4] == EBML.to_be_bytes() {
        segment_fits(file, len)?
    } else if FIRST_BOXES.iter().any(|kind| head[4..] == **kind) {
        boxes_fit(file, len)?
    } else if head == [0; 8] {
        // Some programs reserve the room first and fill it later.
        Err(Wholeness::Incomplete("its beginning is still empty".into()))
    } else {
        Err(Wholeness::Broken("it is no MP4, MOV, 3GP, MKV or WebM video".into()))
    };
    Ok(verdict.unwrap_or_else(|flaw| flaw))
}

/// What is wrong, on the error side.
type Verdict<T> = io::Result<Result<T, Wholeness>>;

struct Atom {
    kind: [u8; 4],
    body: u64,
    end: u64,
}

fn boxes_fit(file: &mut (impl Read + Seek), len: u64) -> Verdict<Wholeness> {
    let boxes = match tiles(file, 0, len)? {
        Ok(boxes) => boxes,
        Err(flaw) => return Ok(Err(flaw)),
    };
    let Some(index) = boxes.iter().find(|b| b.kind == *b"moov") else {
        return Ok(Err(Wholeness::Incomplete("its index (moov) is not there".into())));
    };
    // Phones that break off leave the data's header without any data.
    if !boxes.iter().any(|b| b.kind == *b"mdat" && b.end > b.body) {
        return Ok(Err(Wholeness::Incomplete("its pictures and sound (mdat) are not there".into())));
    }
    let inner = match tiles(file, index.body, index.end)? {
        Ok(inner) => inner,
        Err(flaw) => return Ok(Err(flaw)),
    };
    // Room that is reserved for the index reads as padding. QuickTime may hold all of it compressed, in a `cmov`.
    if !inner.iter().any(|b| b.kind == *b"trak" || b.kind == *b"cmov") {
        return Ok(Err(Wholeness::Incomplete("its index (moov) holds no track".into())));
    }
    for track in inner.iter().filter(|b| b.kind == *b"trak") {
        if let Some(place) = empty_picture(file, track, len)? {
            return Ok(Err(Wholeness::Incomplete(format!("the picture at byte {place} is still empty"))));
        }
    }
    // A recording in fragments ends after any of them, unless their index (mfra), which is written last, is there too.
    let fragments = boxes.iter().any(|b| b.kind == *b"moof");
    let ended = boxes.iter().any(|b| b.kind == *b"mfra");
    let mut proven = !fragments || ended;
    // In the index zeros count as padding, after which another track might come.
    for data in boxes.iter().filter(|b| b.kind == *b"mdat" || b.kind == *b"moov") {
        proven = proven && !is_hollow(file, data.body, data.end)?;
    }
    Ok(Ok(if proven { Wholeness::Whole } else { Wholeness::OpenEnded }))
}

/// Whether data hold zeros at their end or at one of the places between that are looked at.
fn is_hollow(file: &mut (impl Read + Seek), start: u64, end: u64) -> io::Result<bool> {
    let Some(last) = end.checked_sub(HEAD as u64).filter(|last| *last >= start) else { return Ok(false) };
    let step = STEP.max((end - start) / MOST_PROBES);
    // The end first: it is what a copy from front to back lacks.
    let mut at = last;
    loop {
        if bytes_at::<HEAD>(file, at)? == [0; HEAD] {
            return Ok(true);
        }
        match at.checked_sub(step).filter(|next| *next >= start) {
            Some(next) => at = next,
            None => return Ok(false),
        }
    }
}

/// The place of the first chunk of a video track that lies outside of the file or where nothing was written yet; none for
/// other tracks, and where all is there. A program that copies may reserve the room first, or write the end before the
/// middle: the boxes then fit, and only their content is missing.
fn empty_picture(file: &mut (impl Read + Seek), track: &Atom, len: u64) -> io::Result<Option<u64>> {
    let Some(media) = find(file, track, b"mdia")? else { return Ok(None) };
    let Some(handler) = find(file, &media, b"hdlr")? else { return Ok(None) };
    // Version and flags, a word that QuickTime uses, then the kind of track.
    if handler.end - handler.body < 12 || bytes_at::<4>(file, handler.body + 8)? != *b"vide" {
        return Ok(None);
    }
    let Some(information) = find(file, &media, b"minf")? else { return Ok(None) };
    let Some(table) = find(file, &information, b"stbl")? else { return Ok(None) };
    let Some(entries) = find(file, &table, b"stsd")? else { return Ok(None) };
    // Version, flags, a count, the first entry's length, then its codec.
    let coded = |codec: [u8; 4]| CODED.iter().any(|known| **known == codec);
    if entries.end - entries.body < 16 || !coded(bytes_at(file, entries.body + 12)?) {
        return Ok(None);
    }
    let (offsets, width) = match (find(file, &table, b"stco")?, find(file, &table, b"co64")?) {
        (Some(offsets), _) => (offsets, 4),
        (None, Some(offsets)) => (offsets, 8),
        (None, None) => return Ok(None),
    };
    let room = offsets.end - offsets.body;
    if room < 8 {
        return Ok(None);
    }
    let count = u64::from(u32::from_be_bytes(bytes_at(file, offsets.body + 4)?)).min((room - 8) / width);
    let mut places = vec![0; (count.min(MOST_CHUNKS) * width) as usize];
    file.seek(SeekFrom::Start(offsets.body + 8))?;
    file.read_exact(&mut places)?;
    for place in places.chunks_exact(width as usize) {
        let place = place.iter().fold(0, |place, byte| place << 8 | u64::from(*byte));
        let beyond = place.checked_add(HEAD as u64).is_none_or(|end| end > len);
        // No chunk lies at the very beginning: this part of the table is not there yet.
        if place == 0 {
            return Ok(Some(0));
        }
        // The last chunk may be shorter than a head; that the boxes fit was seen already.
        if !beyond && bytes_at::<HEAD>(file, place)? == [0; HEAD] {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// The first box of this kind in another one; none, too, where its structure is damaged: other readers say what is wrong.
fn find(file: &mut (impl Read + Seek), parent: &Atom, kind: &[u8; 4]) -> io::Result<Option<Atom>> {
    Ok(tiles(file, parent.body, parent.end)?.ok().and_then(|boxes| boxes.into_iter().find(|b| b.kind == *kind)))
}

/// The boxes from `start` to `end`, which they have to fill exactly; zeros after the last one are padding.
fn tiles(file: &mut (impl Read + Seek), start: u64, end: u64) -> Verdict<Vec<Atom>> {
    let cut_off =
        |at: u64| Ok(Err(Wholeness::Incomplete(format!("it breaks off in the part that starts at byte {at}"))));
    let damaged = |at: u64| Ok(Err(Wholeness::Damaged(format!("its structure is damaged at byte {at}"))));
    let mut boxes = Vec::new();
    let mut at = start;
    while at < end {
        let room = end - at;
        if room < 8 {
            // QuickTime closes some lists with four zeros.
            let mut rest = [0xFF; 7];
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut rest[..room as usize])?;
            return if rest[..room as usize].iter().all(|b| *b == 0) { Ok(Ok(boxes)) } else { cut_off(at) };
        }
        let head: [u8; 8] = bytes_at(file, at)?;
        if head == [0; 8] {
            return Ok(Ok(boxes));
        }
        let [a, b, c, d, kind @ ..] = head;
        // 0xA9 is the (c) of QuickTime's user data.
        if boxes.len() >= MOST_BOXES || !kind.iter().all(|b| (0x20..0x7F).contains(b) || *b == 0xA9) {
            return damaged(at);
        }
        let (header, size) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (8, room),
            1 if room < 16 => return cut_off(at),
            1 => (16, u64::from_be_bytes(bytes_at(file, at + 8)?)),
            size => (8, u64::from(size)),
        };
        if size < header {
            return damaged(at);
        }
        if size > room {
            return cut_off(at);
        }
        boxes.push(Atom { kind, body: at + header, end: at + size });
        at += size;
    }
    Ok(Ok(boxes))
}

fn segment_fits(file: &mut (impl Read + Seek), len: u64) -> Verdict<Wholeness> {
    let mut at = 0;
    loop {
        let Some((id, body, size)) = element(file, at, len)? else {
            return Ok(Err(Wholeness::Incomplete("its segment is not there".into())));
        };
        let end = size.map(|size| body.saturating_add(size));
        match (id, end) {
            // An unknown size, as browsers record, says nothing; only time tells whether such a file is finished.
            (SEGMENT, None) if body < len => return Ok(Ok(Wholeness::OpenEnded)),
            (SEGMENT, Some(end)) if end <= len && end > body => return clusters_fit(file, body, end),
            (SEGMENT, _) => return Ok(Err(Wholeness::Incomplete("it breaks off before its end".into()))),
            (EBML, Some(end)) if at == 0 => at = end,
            (id, Some(end)) if FILLERS.contains(&id) => at = end,
            _ => return Ok(Err(Wholeness::Damaged(format!("its structure is damaged at byte {at}")))),
        }
    }
}

/// Whether the elements of a segment, and what its clusters begin with, were written: where room was reserved and not
/// filled yet there are zeros, which are no element. Other damage is left to the decoder, which makes the best of it.
fn clusters_fit(file: &mut (impl Read + Seek), start: u64, end: u64) -> Verdict<Wholeness> {
    let mut at = start;
    for _ in 0..MOST_BOXES {
        if at.saturating_add(HEAD as u64) > end {
            break;
        }
        let Some((id, body, size)) = element(file, at, end)? else {
            let empty = bytes_at::<HEAD>(file, at)? == [0; HEAD];
            return Ok(if empty {
                Err(Wholeness::Incomplete(format!("it is still empty at byte {at}")))
            } else {
                Ok(Wholeness::Whole)
            });
        };
        // Without a size nobody knows where the next one starts.
        let Some(next) = size.map(|size| body.saturating_add(size)).filter(|next| *next <= end) else { break };
        if id == CLUSTER && next - body >= HEAD as u64 && bytes_at::<HEAD>(file, body)? == [0; HEAD] {
            return Ok(Err(Wholeness::Incomplete(format!("the pictures at byte {body} are still empty"))));
        }
        at = next;
    }
    Ok(Ok(Wholeness::Whole))
}

/// An element's identifier, where its body starts, and how long that is (none: unknown); none where the file ends.
fn element(file: &mut (impl Read + Seek), at: u64, len: u64) -> io::Result<Option<(u32, u64, Option<u64>)>> {
    // Identifiers have at most 4 bytes, sizes at most 8; the first bit that is set tells how many.
    let Some((id, id_length)) = vint(file, at, len, 4)? else { return Ok(None) };
    let Some((size, size_length)) = vint(file, at + id_length, len, 8)? else { return Ok(None) };
    let mask = (1_u64 << (7 * size_length)) - 1;
    let size = Some(size & mask).filter(|size| *size != mask);
    Ok(Some((id as u32, at + id_length + size_length, size)))
}

/// A variable-length integer with its marker bit, and its length in bytes.
fn vint(file: &mut (impl Read + Seek), at: u64, len: u64, most: u64) -> io::Result<Option<(u64, u64)>> {
    if at >= len {
        return Ok(None);
    }
    let [first] = bytes_at(file, at)?;
    let length = u64::from(first.leading_zeros()) + 1;
    if length > most || len - at < length {
        return Ok(None);
    }
    let mut value = [0; 8];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut value[8 - length as usize..])?;
    Ok(Some((u64::from_be_bytes(value), length)))
}

fn bytes_at<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Cursor;

    pub fn atom(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(8 + body.len() as u32).to_be_bytes()[..], kind, body].concat()
    }

    /// The smallest file that is whole: type, index with one track, some data.
    pub fn mp4() -> Vec<u8> {
        let index = atom(b"moov", &[atom(b"mvhd", &[0; 12]), atom(b"trak", &[])].concat());
        [atom(b"ftyp", b"isomiso2"), atom(b"mdat", &[7; 40]), index].concat()
    }

    fn look(bytes: &[u8]) -> Wholeness {
        inspect(&mut Cursor::new(bytes), bytes.len() as u64).unwrap()
    }

    #[test]
    fn every_cut_off_copy_is_incomplete() {
        let whole = mp4();
        assert_eq!(look(&whole), Wholeness::Whole);
        for end in 0..whole.len() {
            assert!(matches!(look(&whole[..end]), Wholeness::Incomplete(_)), "cut at {end}");
        }
    }

    #[test]
    fn room_that_is_reserved_but_not_filled_is_incomplete() {
        let whole = mp4();
        // Nothing; the type; half of the data; all of the data, but no index.
        for filled in [0, 16, 40, 64] {
            let mut bytes = whole.clone();
            bytes[filled..].fill(0);
            assert!(matches!(look(&bytes), Wholeness::Incomplete(_)), "filled to {filled}");
        }
        let index = atom(b"moov", &atom(b"trak", &[]));
        let no_data = [atom(b"ftyp", b"isomiso2"), atom(b"mdat", &[]), index].concat();
        assert!(matches!(look(&no_data), Wholeness::Incomplete(_)));
        let reserved = [atom(b"ftyp", b"isomiso2"), atom(b"moov", &[0; 64]), atom(b"mdat", &[7; 40])].concat();
        assert!(matches!(look(&reserved), Wholeness::Incomplete(_)));
    }

    #[test]
    fn odd_but_whole_files_are_whole() {
        let index = atom(b"moov", &[atom(b"trak", &[]), vec![0; 4]].concat());
        let wide = [&1_u32.to_be_bytes()[..], b"mdat", &24_u64.to_be_bytes(), &[7; 8]].concat();
        let open = [&0_u32.to_be_bytes()[..], b"mdat", &[7; 99]].concat();
        for bytes in [
            [atom(b"ftyp", b"qt  "), index.clone(), wide].concat(),
            [atom(b"ftyp", b"qt  "), index.clone(), open].concat(),
            [atom(b"wide", &[]), atom(b"mdat", &[1]), index.clone(), vec![0; 100]].concat(),
        ] {
            assert_eq!(look(&bytes), Wholeness::Whole, "{bytes:?}");
        }
    }

    #[test]
    fn fragments_have_an_end_only_where_their_index_is() {
        assert_eq!(look(&fragments()), Wholeness::OpenEnded);
        assert_eq!(look(&[fragments(), atom(b"mfra", &[])].concat()), Wholeness::Whole);
    }

    /// A clip with its index first, as it is after a copy: three chunks of H.264 after it.
    pub fn index_first() -> Vec<u8> {
        let head = |places: &[u32]| {
            let handler = atom(b"hdlr", &[&[0; 8][..], b"vide", &[0; 12]].concat());
            let codec = atom(b"avc1", &[0; 78]);
            let described = atom(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &codec].concat());
            let places: Vec<u8> = places.iter().flat_map(|place| place.to_be_bytes()).collect();
            let chunks = atom(b"stco", &[&[0, 0, 0, 0, 0, 0, 0, 3][..], &places].concat());
            let table = atom(b"minf", &atom(b"stbl", &[described, chunks].concat()));
            let track = atom(b"trak", &atom(b"mdia", &[handler, table].concat()));
            [atom(b"ftyp", b"isomiso2"), atom(b"moov", &track)].concat()
        };
        let start = head(&[0; 3]).len() as u32 + 8;
        [head(&[start, start + 100, start + 200]), atom(b"mdat", &[0x65; 300])].concat()
    }

    /// A recording in fragments, without an index of them.
    pub fn fragments() -> Vec<u8> {
        let index = atom(b"moov", &atom(b"trak", &[]));
        let one = [atom(b"moof", &[1; 40]), atom(b"mdat", &[7; 100])].concat();
        [atom(b"ftyp", b"isom"), index, one.clone(), one].concat()
    }

    #[test]
    fn a_copy_with_room_for_pictures_that_are_not_there_yet_is_incomplete() {
        let whole = index_first();
        assert_eq!(look(&whole), Wholeness::Whole);
        let start = whole.len() - 300;
        for hole in [0..300, 0..16, 100..200, 190..216, 200..300] {
            let mut bytes = whole.clone();
            bytes[start + hole.start..start + hole.end].fill(0);
            assert!(matches!(look(&bytes), Wholeness::Incomplete(_)), "{hole:?}");
        }
        // What is not compressed may be black.
        let mut raw = whole.clone();
        let codec = raw.windows(4).position(|four| four == b"avc1").unwrap();
        raw[codec..codec + 4].copy_from_slice(b"raw ");
        raw[start..].fill(0);
        assert_eq!(look(&raw), Wholeness::OpenEnded);
    }

    #[test]
    fn room_in_the_middle_of_data_without_a_table_is_seen_where_it_is_large() {
        let index = atom(b"moov", &atom(b"trak", &[]));
        let clip = |hole: std::ops::Range<usize>| {
            let mut data = vec![7; 5 << 20];
            data[hole].fill(0);
            [atom(b"ftyp", b"isom"), atom(b"mdat", &data), index.clone()].concat()
        };
        assert_eq!(look(&clip(0..0)), Wholeness::Whole);
        for hole in [0..1 << 21, 2 << 20..4 << 20, (5 << 20) - 64..5 << 20] {
            assert_eq!(look(&clip(hole.clone())), Wholeness::OpenEnded, "{hole:?}");
        }
    }

    #[test]
    fn an_index_that_lies_about_its_chunks_is_read_in_bounds() {
        let whole = index_first();
        let table = whole.windows(4).position(|four| four == b"stco").unwrap();
        for (at, bytes) in [(table + 8, [0xFF; 4]), (table + 12, [0xFF; 4]), (table - 4, [0, 0, 0, 9])] {
            let mut lying = whole.clone();
            lying[at..at + 4].copy_from_slice(&bytes);
            look(&lying);
        }
    }

    #[test]
    fn a_segment_with_room_that_is_not_filled_is_incomplete() {
        let header = [&EBML.to_be_bytes()[..], &[0x84], b"webm", &SEGMENT.to_be_bytes()].concat();
        let cluster = [&CLUSTER.to_be_bytes()[..], &[0x80 | 40], &[0xE7, 0x81, 0], &[0xA3, 0xA3], &[7; 35]].concat();
        let file = |body: &[u8]| [&header[..], &[0x40, body.len() as u8], body].concat();
        let two = [&cluster[..], &cluster].concat();
        assert_eq!(look(&file(&two)), Wholeness::Whole);
        for hole in [45..90, 5..45, 50..90, 0..90] {
            let mut body = two.clone();
            body[hole.clone()].fill(0);
            assert!(matches!(look(&file(&body)), Wholeness::Incomplete(_)), "{hole:?}");
        }
        // Another damage is the decoder's business.
        let mut body = two.clone();
        body[45] = 0x05;
        assert_eq!(look(&file(&body)), Wholeness::Whole);
    }

    #[test]
    fn files_that_waiting_cannot_mend_are_broken() {
        let huge = [&1_u32.to_be_bytes()[..], b"mdat", &3_u64.to_be_bytes(), &[7; 30]].concat();
        assert!(matches!(look(b"this is a shopping list, not a video"), Wholeness::Broken(_)));
        for bytes in [
            [atom(b"ftyp", b"isom"), huge].concat(),
            [atom(b"ftyp", b"isom"), vec![0, 0, 0, 4], b"mdatxxxxxxxx".to_vec()].concat(),
            [atom(b"ftyp", b"isom"), vec![0xFF; 64]].concat(),
        ] {
            assert!(matches!(look(&bytes), Wholeness::Damaged(_)), "{:?}", look(&bytes));
        }
    }

    #[test]
    fn a_size_near_the_largest_number_does_not_overflow() {
        let size = (u64::MAX - 3).to_be_bytes();
        let bytes = [&atom(b"ftyp", b"isom")[..], &1_u32.to_be_bytes(), b"mdat", &size, &[7; 30]].concat();
        assert!(matches!(look(&bytes), Wholeness::Incomplete(_)));
    }

    #[test]
    fn a_segment_has_to_fit_into_the_file() {
        let header = [&EBML.to_be_bytes()[..], &[0x84], b"webm"].concat();
        let segment = SEGMENT.to_be_bytes();
        let known = [&header[..], &[0xEC, 0x81, 0], &segment, &[0x08, 0, 0, 0, 0x0A], &[9; 10]].concat();
        assert_eq!(look(&known), Wholeness::Whole);
        for end in 0..known.len() {
            assert!(matches!(look(&known[..end]), Wholeness::Incomplete(_)), "cut at {end}");
        }
        let unknown = [&header[..], &segment, &[0x01], &[0xFF; 7], &[9; 10]].concat();
        assert_eq!(look(&unknown), Wholeness::OpenEnded);
        assert!(matches!(look(&[&header[..], &[0x42; 20]].concat()), Wholeness::Damaged(_)));
    }
}
