//! Whether a person named a file, or a camera did: only a person's name says what a clip is about.

use unicode_segmentation::UnicodeSegmentation;

/// What cameras, phones and apps put before a number. These say nothing, and neither do digits after them.
const CAMERAS: [&str; 22] = [
    "img",
    "vid",
    "pxl",
    "mvi",
    "dsc",
    "dscn",
    "dscf",
    "mov",
    "gopr",
    "gp",
    "gh",
    "gx",
    "dji",
    "sam",
    "mah",
    "lv",
    "inshot",
    "rpreplay",
    "fullsizerender",
    "signal",
    "snapchat",
    "capcut",
];

/// Words that stand in names without saying what a clip is about, by apps or by habit.
const EMPTY: [&str; 36] = [
    "a",
    "am",
    "at",
    "camera",
    "clip",
    "converted",
    "copy",
    "document",
    "download",
    "edit",
    "edited",
    "export",
    "exported",
    "file",
    "final",
    "facetime",
    "img",
    "mobile",
    "movie",
    "mov",
    "my",
    "new",
    "of",
    "pm",
    "recording",
    "screen",
    "screenrecording",
    "take",
    "telegram",
    "test",
    "the",
    "trim",
    "untitled",
    "v",
    "video",
    "whatsapp",
];

/// The stem of a file name as a question or a subject (`razor-bumps` is `Razor bumps`); none for the names that cameras
/// and apps give (`IMG_1234`, `WhatsApp Video 2026-09-14 at 10.15.00`, `20260914_101500`).
///
/// Numbers of shots, dates and cameras around the words are left out: `IMG_1234 razor bumps` is `Razor bumps` too.
pub(super) fn telling(stem: &str) -> Option<String> {
    // Nobody types these into a question; in a name they make one thing look like another.
    let turns = |c: &char| matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
    let stem = &stem.chars().filter(|c| !turns(c)).collect::<String>();
    let parts: Vec<&str> =
        stem.split(|c: char| c.is_whitespace() || c.is_control() || "_-.()[]{}".contains(c)).collect();
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if is_uuid(stem) || stem.len() >= 16 && parts.len() == 1 && parts[0].bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let start = leading_noise(&parts);
    let words = &parts[start..];
    let end = words.iter().rposition(|word| !is_counter(word)).map_or(0, |last| last + 1);
    let words = &words[..end];
    if !words.iter().any(|word| says_something(word)) {
        return None;
    }
    let sentence = words.join(" ");
    let mut letters = sentence.chars();
    let first: String = letters.next()?.to_uppercase().collect();
    Some(first + letters.as_str())
}

/// How many parts at the start only count: a camera with its numbers, a date, the number of a shot.
fn leading_noise(parts: &[&str]) -> usize {
    let mut by_camera = false;
    let count = parts.iter().take_while(|part| {
        let lower = part.to_lowercase();
        let letters = lower.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = lower.len() - letters.len();
        let camera = CAMERAS.contains(&letters) || digits >= 3 && letters.len() <= 4 && !letters.is_empty();
        // `E1234` after `IMG`, `WA0003` after the date of `VID-20260914-WA0003`.
        let follows = by_camera && digits > 0 && letters.len() <= 2;
        by_camera |= camera;
        camera || follows || is_counter(part)
    });
    count.count()
}

/// Digits that are a date, a time or the number of a shot, and no number that a sentence would hold: `5 ways to...`.
fn is_counter(part: &str) -> bool {
    part.bytes().all(|b| b.is_ascii_digit()) && (part.len() >= 6 || part.starts_with('0'))
}

/// Whether a word is more than digits, single letters and habit. Two characters are a word where words are that short
/// (Chinese, Japanese); in Latin letters three are.
fn says_something(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let letters = word.graphemes(true).filter(|c| c.starts_with(char::is_alphabetic)).count();
    letters >= if word.is_ascii() { 3 } else { 2 } && !EMPTY.contains(&word.to_lowercase().as_str())
}

/// Whether the name holds a UUID (RFC 9562): hexadecimal groups of 8, 4, 4, 4 and 12.
fn is_uuid(stem: &str) -> bool {
    let groups: Vec<&str> = stem.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    groups.windows(5).any(|five| {
        five.iter()
            .zip([8, 4, 4, 4, 12])
            .all(|(g, length)| g.len() == length && g.bytes().all(|b| b.is_ascii_hexdigit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cameras_give_are_no_question() {
        for name in [
            "IMG_1234",
            "IMG_E1234",
            "img 1234 (2)",
            "VID_20260914_101500",
            "VID-20260914-WA0003",
            "PXL_20260914_101500123",
            "PXL_20260914_101500123.TS",
            "MVI_0042",
            "DSC00042",
            "DSC_0042",
            "DSCN1234",
            "GOPR0042",
            "GH010042",
            "GX010042",
            "C0001",
            "P1020304",
            "MAH00012",
            "DJI_0001",
            "WhatsApp Video 2026-09-14 at 10.15.00",
            "WhatsApp Video 2026-09-14 at 10.15.00 PM (1)",
            "Screen Recording 2026-09-14 at 10.15.00",
            "ScreenRecording_09-14-2026 10-15-00_1",
            "20260914_101500",
            "2026-09-14 10.15.00",
            "8f3a2b1c-0d4e-4f5a-9b6c-7d8e9f0a1b2c",
            "trim.8F3A2B1C-0D4E-4F5A-9B6C-7D8E9F0A1B2C",
            "0123456789abcdef0123",
            "video (3)",
            "Video",
            "RPReplay_Final1694675000",
            "FullSizeRender",
            "lv_0_20260914101500",
            "New Recording 12",
            "Untitled",
            "Movie on",
            "1",
            "a",
            "",
            "...",
            "final FINAL v2",
            "Copy of IMG_1234",
            "signal-2026-09-14-101500",
            "Snapchat-1234567890",
            "trim.mov",
            "IMG_1234 copy",
        ] {
            assert_eq!(telling(name), None, "{name}");
        }
    }

    #[test]
    fn names_that_people_give_are_readable() {
        for (name, question) in [
            ("razor-bumps", "Razor bumps"),
            ("Does_retinol_thin_the_skin", "Does retinol thin the skin"),
            ("03 - cold sores", "Cold sores"),
            ("5 ways to floss", "5 ways to floss"),
            ("IMG_1234 razor bumps", "Razor bumps"),
            ("20260914-tooth-whitening-02", "Tooth whitening"),
            ("vitamin b12", "Vitamin b12"),
            ("covid19 vaccine", "Covid19 vaccine"),
            ("SPF 50 or 30", "SPF 50 or 30"),
            ("what is a root canal (final)", "What is a root canal final"),
            ("ältere Haut", "Ältere Haut"),
            ("牙齿美白", "牙齿美白"),
            ("acne", "Acne"),
            ("cold\u{202E} sores", "Cold sores"),
        ] {
            assert_eq!(telling(name).as_deref(), Some(question), "{name}");
        }
    }
}
