//! The boxes of an MP4 (ISO/IEC 14496-12): which there are, and where. Pure but for reading.

use std::io::{self, Read, Seek, SeekFrom};

/// Boxes that hold further boxes.
const CONTAINERS: [&[u8; 4]; 11] =
    [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf", b"udta", b"meta", b"ilst"];
/// No `moov` of a clip of minutes comes near this; more means a lying header.
const MAX_MOOV: u64 = 64 << 20;
/// Outermost boxes that are passed in search of the index; a minute of fragments has a few hundred.
const MAX_OUTER: usize = 10_000;

/// The four-character codes of all boxes, outermost first, in the order of the file.
///
/// # Errors
/// The file cannot be read or its boxes do not fill it exactly.
pub fn list(mut file: impl Read + Seek) -> io::Result<Vec<[u8; 4]>> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut found = Vec::new();
    walk(&mut file, 0, length, &mut found)?;
    Ok(found)
}

fn walk(file: &mut (impl Read + Seek), mut at: u64, end: u64, found: &mut Vec<[u8; 4]>) -> io::Result<()> {
    let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_string());
    while at < end {
        file.seek(SeekFrom::Start(at))?;
        let mut header = [0; 16];
        file.read_exact(&mut header[..8])?;
        let [a, b, c, d, kind @ ..] = header[..8].try_into().unwrap_or([0; 8]);
        let (size, head) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (end - at, 8),
            1 => {
                file.read_exact(&mut header[8..])?;
                (u64::from_be_bytes(header[8..].try_into().unwrap_or([0; 8])), 16)
            }
            size => (u64::from(size), 8),
        };
        if size < head || at.checked_add(size).is_none_or(|e| e > end) {
            return Err(broken("a box does not fit where it stands"));
        }
        found.push(kind);
        if CONTAINERS.contains(&&kind) {
            if size > MAX_MOOV {
                return Err(broken("the index is too large"));
            }
            // `meta` begins with a version and flags.
            let inside = at + head + if &kind == b"meta" { 4 } else { 0 };
            walk(file, inside, at + size, found)?;
        }
        at += size;
    }
    Ok(())
}

/// The contents of the index (`moov`) of a file that may be damaged; none where there is none of sensible size.
///
/// # Errors
/// Only of reading.
pub fn index(mut file: impl Read + Seek) -> io::Result<Option<Vec<u8>>> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut at = 0_u64;
    for _ in 0..MAX_OUTER {
        if end.saturating_sub(at) < 16 {
            break;
        }
        let mut header = [0; 16];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut header)?;
        let [a, b, c, d, kind @ ..] = header[..8].try_into().unwrap_or([0; 8]);
        let size = match u32::from_be_bytes([a, b, c, d]) {
            0 => end - at,
            1 => u64::from_be_bytes(header[8..].try_into().unwrap_or([0; 8])),
            size => u64::from(size),
        };
        if &kind == b"moov" && (8..=MAX_MOOV).contains(&size) {
            let mut body = Vec::new();
            file.seek(SeekFrom::Start(at + 8))?;
            file.take(size - 8).read_to_end(&mut body)?;
            return Ok(Some(body));
        }
        if size < 8 {
            break;
        }
        at = at.saturating_add(size);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
    }

    #[test]
    fn the_index_is_found_behind_other_boxes_and_missed_where_there_is_none() {
        let file = [boxed(b"ftyp", b"isom"), boxed(b"mdat", &[1; 99]), boxed(b"moov", b"a key of some kind")].concat();
        assert_eq!(index(Cursor::new(&file)).expect("bytes").as_deref(), Some(&b"a key of some kind"[..]));
        assert_eq!(index(Cursor::new(&file[..60])).expect("bytes"), None);
        assert_eq!(index(Cursor::new([&[0, 0, 0, 3][..], &[7; 60]].concat())).expect("bytes"), None);
        assert_eq!(index(Cursor::new([&u32::MAX.to_be_bytes()[..], &[7; 60]].concat())).expect("bytes"), None);
    }

    #[test]
    fn nested_boxes_are_listed_in_order_and_torn_ones_refused() {
        let file = [
            boxed(b"ftyp", b"isom"),
            boxed(b"moov", &boxed(b"trak", &boxed(b"edts", &boxed(b"elst", &[0; 4])))),
            boxed(b"mdat", &[1; 9]),
        ]
        .concat();
        let kinds = list(Cursor::new(&file)).expect("boxes");
        assert_eq!(kinds, [b"ftyp", b"moov", b"trak", b"edts", b"elst", b"mdat"].map(|k| *k));
        for cut in [1, 7, 8, 20, file.len() - 1] {
            assert!(list(Cursor::new(&file[..cut])).is_err(), "cut at {cut}");
        }
    }
}
