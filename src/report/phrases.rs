//! How values are said on every page that a person reads.

/// A file name without the marks that turn the direction of text: `clip4pm.exe` must not look like `clipexe.mp4`.
pub fn undirected(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')).collect()
}

/// `1 clip`, `2 clips`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A fault's words with a stop, and with a capital unless they begin with a file name or a setting.
pub fn sentence(text: &str) -> String {
    let text = text.trim();
    let plain = text.split_whitespace().next().is_some_and(|word| word.chars().all(char::is_lowercase));
    let mut letters = text.chars();
    let sentence = match letters.next() {
        None => return String::new(),
        Some(first) if plain => first.to_uppercase().chain(letters).collect(),
        Some(_) => text.to_string(),
    };
    if sentence.ends_with(['.', '!', '?']) { sentence } else { sentence + "." }
}
