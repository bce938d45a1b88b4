//! Which kinds of sound a written word has. Pure.
//!
//! Not a pronunciation: only what a glance at the sound can tell apart. English spelling is followed a little way; other
//! Latin spellings come out near enough, and any other letter or digit counts as a syllable.

use unicode_normalization::UnicodeNormalization;

/// What a sound is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An open mouth: "a", "ee".
    Vowel,
    /// Voiced and dark: "m", "l", "w".
    Sonorant,
    /// Strong hiss: "s", "sh".
    Hiss,
    /// Weak noise: "f", "th", "h".
    Breath,
    /// The moment of near silence before a stop: "p", "t", "k", "b", "d", "g".
    Closure,
    /// Its release.
    Burst,
}

use Kind::{Breath, Burst, Closure, Hiss, Sonorant, Vowel};

/// A sound of a word, and how long it is against others of its kind.
pub(super) type Phone = (Kind, f32);

const STOP: [Phone; 2] = [(Closure, 1.0), (Burst, 1.0)];
/// "ch" and "j": a stop that ends in a short hiss.
const HISSED_STOP: [Phone; 2] = [(Closure, 1.0), (Hiss, 0.6)];

/// The sounds of a word, in order; at least one.
pub(super) fn phones(word: &str) -> Vec<Phone> {
    let letters: Vec<char> = word.nfd().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect();
    let mut phones = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        at += take(&letters, at, &mut phones);
    }
    if phones.is_empty() {
        phones.push((Vowel, 1.0));
    }
    phones
}

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// Adds the sounds of the letters at `at`, and says how many letters they were.
fn take(letters: &[char], at: usize, phones: &mut Vec<Phone>) -> usize {
    let letter = letters[at];
    let next = letters.get(at + 1).copied().unwrap_or(' ');
    if is_vowel(letter) {
        return take_vowels(letters, at, phones);
    }
    let soft = matches!(next, 'e' | 'i' | 'y');
    let (sounds, length): (&[Phone], usize) = match (letter, next) {
        ('p', 's') | ('k', 'n') | ('w', 'r') if at == 0 => (&[], 1),
        ('c', 'h') => (&[STOP[0], STOP[1], HISSED_STOP[1]], 2),
        ('s', 'h') => (&[(Hiss, 1.0)], 2),
        ('p' | 't', 'h') => (&[(Breath, 1.0)], 2),
        ('w', 'h') => (&[(Sonorant, 1.0)], 2),
        ('n', 'g') => (&[(Sonorant, 1.2)], 2),
        ('c', 'k') => (&STOP, 2),
        ('t', 'i') if letters.get(at + 2) == Some(&'o') => (&[(Hiss, 1.0)], 1),
        ('c', _) if soft => (&[(Hiss, 1.0)], 1),
        ('j', _) => (&HISSED_STOP, 1),
        ('g', 'e' | 'i') if at > 0 => (&HISSED_STOP, 1),
        ('s' | 'z' | 'ß', _) => (&[(Hiss, 1.0)], 1),
        ('x', _) => (&[STOP[0], STOP[1], (Hiss, 1.0)], 1),
        ('f' | 'v' | 'h', _) => (&[(Breath, 1.0)], 1),
        ('m' | 'n' | 'l' | 'r' | 'w', _) => (&[(Sonorant, 1.0)], 1),
        ('b' | 'c' | 'd' | 'g' | 'k' | 'p' | 'q' | 't', _) => (&STOP, 1),
        _ => (&[(Sonorant, 1.0), (Vowel, 1.5)], 1),
    };
    phones.extend_from_slice(sounds);
    // A doubled consonant is one sound.
    if length == 1 && next == letter && letter.is_ascii_alphabetic() { 2 } else { length }
}

/// Vowels in a row are one sound, however they are written.
fn take_vowels(letters: &[char], at: usize, phones: &mut Vec<Phone>) -> usize {
    let run = letters[at..].iter().take_while(|&&c| is_vowel(c)).count();
    let before = at.checked_sub(1).map(|i| letters[i]);
    let after = &letters[at + run..];
    let sounded = letters[..at].iter().any(|&c| is_vowel(c));
    let first = (letters[at], run);
    if first == ('e', 1) && sounded && (after.is_empty() || after == ['d'] && !matches!(before, Some('t' | 'd'))) {
        // "face", "watched"
        return 1;
    }
    if letters[at] == 'y' && at == 0 && run > 1 {
        phones.push((Sonorant, 1.0));
        return 1;
    }
    if first.0 == 'u' && before == Some('q') {
        phones.push((Sonorant, 1.0));
        return 1;
    }
    phones.push((Vowel, if run > 1 { 1.4 } else { 1.0 }));
    // "night", "through"
    if after.starts_with(&['g', 'h']) { run + 2 } else { run }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(word: &str) -> String {
        let letter = |(kind, _): &Phone| match kind {
            Vowel => 'V',
            Sonorant => 'N',
            Hiss => 'S',
            Breath => 'F',
            Closure => '-',
            Burst => '\'',
        };
        phones(word).iter().map(letter).collect()
    }

    #[test]
    fn words_have_the_sounds_that_a_glance_can_tell() {
        for (word, sounds) in [
            ("wash", "NVS"),
            ("face", "FVS"),
            ("watched", "NV-'-'S-'"),
            ("night", "NV-'"),
            ("phone", "FVN"),
            ("quick", "-'NV-'"),
            ("psoriasis", "SVNVSVS"),
            ("yes,", "NVS"),
            ("Lotion", "NVSVN"),
            ("gentle", "-'VN-'N"),
            ("happy", "FV-'V"),
            ("x-ray", "-'SNV"),
        ] {
            assert_eq!(shown(word), sounds, "{word}");
        }
    }

    #[test]
    fn any_writing_has_sounds() {
        assert_eq!(shown("é"), "V");
        assert_eq!(shown("皮膚"), "NVNV");
        assert_eq!(shown("20"), "NVNV");
        assert_eq!(shown("%"), "V");
        assert_eq!(shown("the"), "FV");
    }
}
