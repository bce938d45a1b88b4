//! What a practice may always say: its own name, numbers, addresses and people.

use std::ops::Range;

/// Fewest letters and digits of something that is allowed: less would be found in anything.
const SHORTEST: usize = 3;

/// Texts that are no finding wherever they stand, compared by letters and digits alone, digits spoken or written.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowed(Vec<String>);

impl Allowed {
    pub fn new(texts: &[String]) -> Self {
        let keys = texts.iter().map(|text| text.split_whitespace().flat_map(pieces).map(|(_, key)| key).collect());
        Allowed(keys.filter(|key: &String| key.chars().count() >= SHORTEST).collect())
    }

    /// Whether what stands at a place of `text` is free: it lies within one of the `places` where something allowed is
    /// said, or is one of the practice's own numbers behind words that say what it is (`call 555 0142`).
    pub fn frees(places: &[Range<usize>], text: &str, at: &Range<usize>) -> bool {
        let digits =
            |part: &str| part.split_whitespace().flat_map(pieces).any(|(_, key)| key.contains(char::is_numeric));
        places.iter().any(|free| {
            let ends_in_it = at.end <= free.end && free.start < at.end;
            ends_in_it
                && (free.start <= at.start || (digits(&text[free.clone()]) && !digits(&text[at.start..free.start])))
        })
    }

    /// Where a text says something that is allowed.
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        if self.0.is_empty() {
            return Vec::new();
        }
        // The keys of all the pieces in one string, each with where it starts there and where it stands in the text.
        let mut joined = String::new();
        let mut places = Vec::new();
        let mut start = 0;
        for word in text.split_inclusive([' ', '\n']) {
            for (at, key) in pieces(word) {
                places.push((joined.len(), start + at.start..start + at.end));
                joined.push_str(&key);
            }
            start += word.len();
        }
        let begins = |at: usize| places.binary_search_by_key(&at, |(start, _)| *start).ok();
        let found = |key: &String| -> Vec<Range<usize>> {
            let hits = joined.match_indices(key.as_str());
            let whole = hits.filter_map(|(at, hit)| {
                let first = begins(at)?;
                let after = at + hit.len();
                let next = if after == joined.len() { places.len() } else { begins(after)? };
                Some(places[first].1.start..places[next - 1].1.end)
            });
            whole.collect()
        };
        self.0.iter().flat_map(found).collect()
    }
}

/// The runs of letters and digits in a word with their places, each as it is compared; none for a spoken sign.
fn pieces(word: &str) -> Vec<(Range<usize>, String)> {
    let mut all = Vec::new();
    let mut from = 0;
    for run in word.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let bare = run.trim_end_matches(|c: char| !c.is_alphanumeric());
        let key = key(bare);
        if !key.is_empty() {
            all.push((from..from + bare.len(), key));
        }
        from += run.len();
    }
    all
}

fn key(run: &str) -> String {
    let small = run.to_lowercase();
    let digit = match small.as_str() {
        "dot" | "slash" | "underscore" | "dash" | "hyphen" => "",
        "zero" | "oh" | "o" => "0",
        "one" => "1",
        "two" => "2",
        "three" => "3",
        "four" => "4",
        "five" => "5",
        "six" => "6",
        "seven" => "7",
        "eight" => "8",
        "nine" => "9",
        _ => return small,
    };
    digit.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(allowed: &[&str], text: &str) -> Vec<String> {
        let texts: Vec<String> = allowed.iter().map(|text| text.to_string()).collect();
        Allowed::new(&texts).places(text).into_iter().map(|at| text[at].to_string()).collect()
    }

    #[test]
    fn what_is_allowed_is_found_spoken_and_written() {
        assert_eq!(found(&["555 0142"], "Call 555-0142, now."), ["555-0142"]);
        assert_eq!(found(&["555 0142"], "call five five five oh one four two."), ["five five five oh one four two"]);
        assert_eq!(found(&["alderlane.example"], "see Alderlane dot example!"), ["Alderlane dot example"]);
        assert_eq!(found(&["Alder Lane Clinic"], "the alder lane\nclinic is"), ["alder lane\nclinic"]);
    }

    #[test]
    fn a_part_of_something_else_is_not_allowed() {
        assert_eq!(found(&["555 0142"], "call 555 01429 or 1555 0142"), [""; 0]);
        assert_eq!(found(&["Lee"], "a sleepy lee-way"), ["lee"]);
        assert_eq!(found(&["x", "", "-"], "x - y"), [""; 0]);
    }
}
