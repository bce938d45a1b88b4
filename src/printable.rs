//! Texts as a terminal may show them. Names of files and what people wrote can hold control sequences, which a terminal
//! obeys: they move the cursor, change titles, hide lines.

use std::borrow::Cow;

/// The text on one line with every control and every mark that turns the direction of text written out: `\u{1b}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let written = |c: char| if is_obeyed(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(written).collect())
}

/// What a person typed as one line: 1 to `most` characters that can be seen, without spaces around them.
///
/// # Errors
/// It is empty, longer, or holds controls or marks that would make one name look like another; says what to write.
pub fn one_line(typed: &str, most: usize) -> Result<String, String> {
    let text = typed.trim();
    let turns =
        |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}');
    let printable = text.chars().all(|c| !c.is_control() && !turns(c) && !matches!(c, '\u{2028}' | '\u{2029}'));
    let fits = (1..=most).contains(&text.chars().count());
    if fits && printable { Ok(text.to_string()) } else { Err(format!("write 1 to {most} printable characters")) }
}

/// Whether a character does something to the text around it instead of being seen.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert!(matches!(printable("müde – 牙齿 عربي"), Cow::Borrowed(_)));
        assert_eq!(printable("a\u{1b}[31m\nb\r\u{9b}2J"), "a\\u{1b}[31m\\nb\\r\\u{9b}2J");
        assert_eq!(printable("clip\u{202e}4pm.exe"), "clip\\u{202e}4pm.exe");
    }
}
