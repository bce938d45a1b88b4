//! Which bytes of a file are asked for (RFC 9110, section 14). Pure.

use std::ops::Range;

/// What a `Range` header means for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// All of it: there is no such header, or one that a server may pass over: another unit, nonsense, several ranges. No
    /// browser asks for several, and each of them would cost the work of a request.
    Whole,
    /// These bytes; never empty, and within the file.
    Part(Range<u64>),
    /// Nothing that the file has.
    Beyond,
}

/// What a `Range` header asks of a file of `length` bytes.
pub fn asked(header: &str, length: u64) -> Asked {
    let Some((unit, ranges)) = header.split_once('=') else { return Asked::Whole };
    let ranges = ranges.trim();
    if !unit.trim().eq_ignore_ascii_case("bytes") || ranges.contains(',') {
        return Asked::Whole;
    }
    let Some((first, last)) = ranges.split_once('-') else { return Asked::Whole };
    match (number(first), number(last)) {
        // The last so many bytes; all of them where there are not so many.
        (None, Some(count)) if first.is_empty() => part(length.saturating_sub(count)..length),
        (Some(first), Some(last)) if last < first => Asked::Whole,
        (Some(first), Some(last)) => part(first..last.saturating_add(1).min(length)),
        (Some(first), None) if last.is_empty() => part(first..length),
        _ => Asked::Whole,
    }
}

fn part(bytes: Range<u64>) -> Asked {
    if bytes.is_empty() { Asked::Beyond } else { Asked::Part(bytes) }
}

/// Decimal digits alone. A number that is larger than any file is as good as the largest.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_mean_what_the_standard_says() {
        let huge = "9".repeat(400);
        for (header, meant) in [
            ("bytes=0-", Asked::Part(0..100)),
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=99-", Asked::Part(99..100)),
            ("bytes=99-99", Asked::Part(99..100)),
            ("Bytes = 10-19", Asked::Part(10..20)),
            ("bytes=10-1000", Asked::Part(10..100)),
            ("bytes=10-18446744073709551615", Asked::Part(10..100)),
            ("bytes=-10", Asked::Part(90..100)),
            ("bytes=-1000", Asked::Part(0..100)),
            ("bytes=100-", Asked::Beyond),
            ("bytes=100-200", Asked::Beyond),
            ("bytes=18446744073709551615-18446744073709551615", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=20-10", Asked::Whole),
            ("bytes=0-1,5-6", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes", Asked::Whole),
            ("", Asked::Whole),
            ("bytes=+1-+2", Asked::Whole),
            ("bytes=--5", Asked::Whole),
            ("bytes=1-2-3", Asked::Whole),
            ("bytes=0x1-", Asked::Whole),
            ("lines=1-2", Asked::Whole),
        ] {
            assert_eq!(asked(header, 100), meant, "{header}");
        }
        assert_eq!(asked(&format!("bytes=10-{huge}"), 100), Asked::Part(10..100));
        assert_eq!(asked(&format!("bytes={huge}-"), 100), Asked::Beyond);
        assert_eq!(asked(&format!("bytes=-{huge}"), 100), Asked::Part(0..100));
        for header in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            assert_eq!(asked(header, 0), Asked::Beyond, "an empty file: {header}");
        }
    }

    proptest! {
        #[test]
        fn no_header_leads_out_of_the_file(header in "(bytes=)?[0-9]{0,22}[-,]?[0-9]{0,22}", length in any::<u64>()) {
            if let Asked::Part(bytes) = asked(&header, length) {
                prop_assert!(bytes.start < bytes.end && bytes.end <= length);
            }
        }
    }
}
