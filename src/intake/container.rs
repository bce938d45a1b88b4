//! Whether a file's container is whole, from its outermost structure alone: a few small reads, no decoding.
//!
//! ISO base media files (MP4, MOV, M4V, 3GP) are boxes that tile the file (ISO/IEC 14496-12, section 4.2); Matroska and
//! WebM are an EBML header and one segment (RFC 8794, RFC 9559). The kind is told by the first bytes, since messengers
//! rename one to the other.

use std::io::{self, Read, Seek, SeekFrom};

/// What the outermost structure says about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wholeness {
    /// All of it is there.
    Whole,
    /// Something is not there yet: it is still being written, or the copy broke off. Says what, without a stop.
    Incomplete(String),
    /// It can never become a clip by waiting. Says why, without a stop.
    Broken(String),
}

/// Boxes that stand first in an ISO base media or QuickTime file.
const FIRST_BOXES: [&[u8; 4]; 8] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"];
/// A minute of one-second fragments has a few hundred boxes; far more is a file made to waste time.
const MOST_BOXES: usize = 200_000;
const EBML: u32 = 0x1A45_DFA3;
const SEGMENT: u32 = 0x1853_8067;
/// Elements that may stand between header and segment: void and checksum.
const FILLERS: [u32; 2] = [0xEC, 0xBF];

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
    Ok(verdict.err().unwrap_or(Wholeness::Whole))
}

/// What is wrong, on the error side, so that `?` ends the look.
type Verdict<T> = io::Result<Result<T, Wholeness>>;

struct Atom {
    kind: [u8; 4],
    body: u64,
    end: u64,
}

fn boxes_fit(file: &mut (impl Read + Seek), len: u64) -> Verdict<()> {
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
    Ok(Ok(()))
}

/// The boxes from `start` to `end`, which they have to fill exactly; zeros after the last one are padding.
fn tiles(file: &mut (impl Read + Seek), start: u64, end: u64) -> Verdict<Vec<Atom>> {
    let cut_off =
        |at: u64| Ok(Err(Wholeness::Incomplete(format!("it breaks off in the part that starts at byte {at}"))));
    let damaged = |at: u64| Ok(Err(Wholeness::Broken(format!("its structure is damaged at byte {at}"))));
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

fn segment_fits(file: &mut (impl Read + Seek), len: u64) -> Verdict<()> {
    let mut at = 0;
    loop {
        let Some((id, body, size)) = element(file, at, len)? else {
            return Ok(Err(Wholeness::Incomplete("its segment is not there".into())));
        };
        let end = size.map(|size| body.saturating_add(size));
        match (id, end) {
            // An unknown size, as browsers record, says nothing; only time tells whether such a file is finished.
            (SEGMENT, None) if body < len => return Ok(Ok(())),
            (SEGMENT, Some(end)) if end <= len && end > body => return Ok(Ok(())),
            (SEGMENT, _) => return Ok(Err(Wholeness::Incomplete("it breaks off before its end".into()))),
            (EBML, Some(end)) if at == 0 => at = end,
            (id, Some(end)) if FILLERS.contains(&id) => at = end,
            _ => return Ok(Err(Wholeness::Broken(format!("its structure is damaged at byte {at}")))),
        }
    }
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
            [atom(b"ftyp", b"isom"), index, atom(b"moof", &[]), atom(b"mdat", &[1])].concat(),
        ] {
            assert_eq!(look(&bytes), Wholeness::Whole, "{bytes:?}");
        }
    }

    #[test]
    fn files_that_waiting_cannot_mend_are_broken() {
        let huge = [&1_u32.to_be_bytes()[..], b"mdat", &3_u64.to_be_bytes(), &[7; 30]].concat();
        for bytes in [
            b"this is a shopping list, not a video".to_vec(),
            [atom(b"ftyp", b"isom"), huge].concat(),
            [atom(b"ftyp", b"isom"), vec![0, 0, 0, 4], b"mdatxxxxxxxx".to_vec()].concat(),
            [atom(b"ftyp", b"isom"), vec![0xFF; 64]].concat(),
        ] {
            assert!(matches!(look(&bytes), Wholeness::Broken(_)), "{:?}", look(&bytes));
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
        assert_eq!(look(&unknown), Wholeness::Whole);
        assert!(matches!(look(&[&header[..], &[0x42; 20]].concat()), Wholeness::Broken(_)));
    }
}
