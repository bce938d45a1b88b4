//! Texts without the words that they quote, for what is kept or told where nobody may read what was said.

/// A text without what stands between quotation marks: a parser's complaint may quote the words that it stumbled over.
pub fn without_quoted(text: &str) -> String {
    let (mut kept, mut inside, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        let mark = matches!(c, '"' | '“' | '”');
        match (inside, mark && !escaped) {
            (false, true) => kept.push_str("\"…\""),
            (false, false) => kept.push(c),
            (true, _) => {}
        }
        inside ^= mark && !escaped;
        escaped = inside && c == '\\' && !escaped;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_left_out() {
        for (text, left) in [
            ("plain", "plain"),
            (
                "line 3: invalid type: string \"Mr. Alvarez\", expected f64",
                "line 3: invalid type: string \"…\", expected f64",
            ),
            (r#"a "b \" c \\" d"#, "a \"…\" d"),
            ("it says “Mr. Alvarez” here", "it says \"…\" here"),
            ("an end that is \"missing", "an end that is \"…\""),
        ] {
            assert_eq!(without_quoted(text), left);
        }
    }
}
