//! Recognised tokens to words. Pure.

use super::Word;
use crate::units::Span;
use unicode_segmentation::UnicodeSegmentation;

/// One text token of the recogniser. A token may hold part of a word, and even part of a character.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    /// UTF-8, possibly cut inside a character. A leading space begins a word.
    pub bytes: Vec<u8>,
    /// When it is spoken, in clip time.
    pub span: Span,
    /// The recogniser's probability, 0.0 to 1.0.
    pub probability: f32,
}

impl Token {
    /// Whether nothing in it is spoken. Part of a character counts as spoken.
    fn is_punctuation(&self) -> bool {
        std::str::from_utf8(&self.bytes).is_ok_and(|text| text.trim().chars().all(is_punctuation))
    }
}

/// The words of consecutive tokens: bytes are joined before they are decoded; a space begins a word, and in scripts
/// without spaces a token does; punctuation joins the word before it.
pub(super) fn words(tokens: &[Token]) -> Vec<Word> {
    let mut bytes = Vec::new();
    let mut token_of_byte = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        bytes.extend_from_slice(&token.bytes);
        token_of_byte.resize(bytes.len(), index);
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut offset = 0;
    let mut spaced = true;
    for chunk in bytes.utf8_chunks() {
        for (at, grapheme) in chunk.valid().grapheme_indices(true) {
            let (first, last) = (token_of_byte[offset + at], token_of_byte[offset + at + grapheme.len() - 1]);
            if grapheme.chars().all(char::is_whitespace) {
                spaced = true;
                continue;
            }
            match pieces.last_mut() {
                Some(piece) if !(spaced || piece.ends_before(grapheme, first)) => piece.push(grapheme, last),
                _ => pieces.push(Piece { text: grapheme.to_string(), first, last }),
            }
            spaced = false;
        }
        // What is no UTF-8 is a character that the recogniser never finished: nothing that could be shown.
        offset += chunk.valid().len() + chunk.invalid().len();
    }
    join_punctuation(pieces).iter().map(|piece| piece.word(tokens)).collect()
}

/// A word in the making: its text, and the tokens that it comes from.
struct Piece {
    text: String,
    first: usize,
    last: usize,
}

impl Piece {
    fn push(&mut self, text: &str, last: usize) {
        self.text.push_str(text);
        self.last = last;
    }

    /// Whether a word ends between this text and `next`, which begins in token `token`, without a space.
    fn ends_before(&self, next: &str, token: usize) -> bool {
        let (Some(before), Some(after)) = (self.text.chars().next_back(), next.chars().next()) else { return false };
        let border = token != self.last && (is_unspaced(before) || is_unspaced(after));
        border && (!is_punctuation(after) || is_opening(after)) && !is_opening(before)
    }

    fn word(&self, tokens: &[Token]) -> Word {
        let all = &tokens[self.first..=self.last];
        // A pause after the word goes to its punctuation, whose probability says nothing about the word either.
        let spoken: Vec<&Token> = all.iter().filter(|t| !t.is_punctuation()).collect();
        let heard = if spoken.is_empty() { all.iter().collect() } else { spoken };
        let confidence = heard.iter().map(|t| t.probability).sum::<f32>() / heard.len() as f32;
        let start = heard.iter().map(|t| t.span.start).min().unwrap_or_default();
        let end = heard.iter().map(|t| t.span.end).max().unwrap_or_default();
        Word { text: self.text.clone(), span: Span::new(start, end), confidence }
    }
}

/// Punctuation alone is no word: it joins the one before, or the one after where it comes first.
fn join_punctuation(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::new();
    for mut piece in pieces {
        let only_punctuation = |p: &Piece| p.text.chars().all(is_punctuation);
        match joined.last_mut() {
            Some(before) if only_punctuation(&piece) => before.push(&piece.text, piece.last),
            Some(before) if only_punctuation(before) => {
                piece.text.insert_str(0, &before.text);
                piece.first = before.first;
                *before = piece;
            }
            _ => joined.push(piece),
        }
    }
    joined.retain(|piece| !piece.text.chars().all(is_punctuation));
    joined
}

/// Marks that are not spoken. Symbols that are ("%", "&", "$", "+") are not among them.
fn is_punctuation(c: char) -> bool {
    matches!(c, '.' | ',' | '!' | '?' | ':' | ';' | '-' | '"' | '\'' | '(' | ')' | '[' | ']' | '{' | '}' | '*')
        || matches!(c, '¡' | '¿' | '«' | '»' | '·' | '،' | '؛' | '؟' | '۔' | '।' | '՝' | '։')
        || matches!(c, '\u{2010}'..='\u{2027}' | '\u{2039}' | '\u{203A}' | '\u{3001}'..='\u{3003}')
        || matches!(c, '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301F}' | '\u{FF01}' | '\u{FF08}' | '\u{FF09}')
        || matches!(c, '\u{FF0C}' | '\u{FF0E}' | '\u{FF1A}' | '\u{FF1B}' | '\u{FF1F}' | '\u{FF61}'..='\u{FF64}')
}

fn is_opening(c: char) -> bool {
    matches!(c, '(' | '[' | '{' | '¡' | '¿' | '«' | '\u{2018}' | '\u{201C}' | '\u{2039}' | '\u{FF08}')
        || matches!(c, '\u{3008}' | '\u{300A}' | '\u{300C}' | '\u{300E}' | '\u{3010}')
}

/// Scripts that put no space between words: Thai, Lao, Myanmar, Khmer, kana and Han, with their punctuation.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{3000}'..='\u{30FF}')
        || matches!(c, '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}')
        || matches!(c, '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3134F}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Time;

    fn tokens(parts: &[&[u8]]) -> Vec<Token> {
        let span = |i: usize| Span::new(Time::from_millis(i as i64 * 100), Time::from_millis(i as i64 * 100 + 100));
        parts
            .iter()
            .enumerate()
            .map(|(i, b)| Token { bytes: b.to_vec(), span: span(i), probability: 0.1 * (i + 1) as f32 })
            .collect()
    }

    fn texts(parts: &[&str]) -> Vec<String> {
        let bytes: Vec<&[u8]> = parts.iter().map(|p| p.as_bytes()).collect();
        words(&tokens(&bytes)).into_iter().map(|w| w.text).collect()
    }

    #[test]
    fn a_space_begins_a_word_and_punctuation_ends_it() {
        assert_eq!(texts(&[" Don", "'t", " wait", ",", " see", " us", "."]), ["Don't", "wait,", "see", "us."]);
        assert_eq!(texts(&[" a", " -", " b"]), ["a-", "b"]);
        assert_eq!(texts(&[" ¿", "Qué", "?"]), ["¿Qué?"]);
        assert_eq!(texts(&[" ¿", " Qué"]), ["¿Qué"]);
        assert_eq!(texts(&[" 5", "%", " of"]), ["5%", "of"]);
        assert_eq!(texts(&["...", " "]), [] as [&str; 0]);
    }

    #[test]
    fn characters_cut_between_tokens_are_whole_again() {
        let e = "é".as_bytes();
        let cut = words(&tokens(&[b" caf", &e[..1], &e[1..], b" au"]));
        assert_eq!(cut.iter().map(|w| w.text.as_str()).collect::<Vec<_>>(), ["café", "au"]);
        assert_eq!(cut[0].span.end, Time::from_millis(300));
        let unfinished = words(&tokens(&[b" yes", &e[..1]]));
        assert_eq!(unfinished[0].text, "yes");
    }

    #[test]
    fn scripts_without_spaces_break_at_tokens() {
        assert_eq!(texts(&["皮膚", "科", "です", "。", "「", "はい", "」"]), ["皮膚", "科", "です。", "「はい」"]);
        assert_eq!(texts(&["UV", "を", "ケア"]), ["UV", "を", "ケア"]);
    }

    #[test]
    fn a_word_ends_before_its_punctuation_and_is_as_sure_as_its_spoken_tokens() {
        let word = &words(&tokens(&[b" hel", b"lo", b"."]))[0];
        assert_eq!(word.span, Span::new(Time::ZERO, Time::from_millis(200)));
        assert!((word.confidence - 0.15).abs() < 1e-6, "{}", word.confidence);
    }
}
