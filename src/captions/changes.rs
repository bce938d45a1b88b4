//! When what an ASS document shows changes, told from its text: between two changes it need be drawn only once.

use std::ops::Range;

/// Overrides under which an event never stands still.
const MOVING: [&str; 5] = ["\\t(", "\\move(", "\\fade(", "\\k", "\\K"];

/// When a document's picture changes, in milliseconds.
#[derive(Debug, Default)]
pub struct Changes {
    /// Moments from which on something else is shown, in order.
    moments: Vec<i64>,
    /// Where each moment looks different from the next.
    moving: Vec<Range<i64>>,
}

impl Changes {
    /// Reads the times of a document's events. An event that cannot be read counts as one that always moves.
    pub fn of(script: &str) -> Self {
        let mut changes = Changes::default();
        for event in script.lines().filter_map(|line| line.strip_prefix("Dialogue:")) {
            if changes.add(event).is_none() {
                changes.moving.push(i64::MIN..i64::MAX);
            }
        }
        changes.moments.sort_unstable();
        changes.moments.dedup();
        changes
    }

    /// The number of the stretch that a moment belongs to, in which all moments show the same; none where it moves.
    pub fn still_at(&self, millis: i64) -> Option<usize> {
        let moves = self.moving.iter().any(|range| range.contains(&millis));
        (!moves).then(|| self.moments.partition_point(|moment| *moment <= millis))
    }

    /// Adds what stands behind `Dialogue:`.
    fn add(&mut self, event: &str) -> Option<()> {
        let fields: Vec<&str> = event.splitn(10, ',').collect();
        let [_, start, end, _, _, _, _, _, effect, text] = fields.as_slice() else { return None };
        let (start, end) = (millis(start)?, millis(end)?);
        self.moments.extend([start, end]);
        if !effect.is_empty() || MOVING.iter().any(|tag| text.contains(tag)) {
            self.moving.push(start..end);
        }
        for (at, tag) in text.match_indices("\\fad(") {
            let (times, _) = text[at + tag.len()..].split_once(')')?;
            let (fade_in, fade_out) = times.split_once(',')?;
            let (fade_in, fade_out) = (fade_in.parse::<i64>().ok()?, fade_out.parse::<i64>().ok()?);
            self.moments.extend([start + fade_in, end - fade_out]);
            self.moving.extend([start..start + fade_in, end - fade_out..end]);
        }
        Some(())
    }
}

/// `0:00:00.00` in milliseconds.
fn millis(stamp: &str) -> Option<i64> {
    let (whole, centis) = stamp.trim().split_once('.')?;
    let parts = whole.split(':').map(|part| part.parse().ok()).collect::<Option<Vec<i64>>>()?;
    let [hours, minutes, seconds] = parts.as_slice() else { return None };
    Some((hours * 3600 + minutes * 60 + seconds) * 1000 + centis.parse::<i64>().ok()? * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(events: &[(&str, &str, &str)]) -> Changes {
        let line = |(start, end, text): &(&str, &str, &str)| format!("Dialogue: 1,{start},{end},A,,0,0,0,,{text}\n");
        Changes::of(&format!("[Events]\n{}", events.iter().map(line).collect::<String>()))
    }

    #[test]
    fn an_event_changes_the_picture_where_it_starts_and_ends() {
        let changes = changes(&[("0:00:01.20", "0:00:02.00", "a, b"), ("0:00:02.00", "1:02:03.45", "c")]);
        let at = |millis| changes.still_at(millis);
        assert_eq!((at(-5), at(0), at(1199)), (Some(0), Some(0), Some(0)));
        assert_eq!((at(1200), at(1999)), (Some(1), Some(1)));
        assert_eq!((at(2000), at(3_723_449), at(3_723_450)), (Some(2), Some(2), Some(3)));
    }

    #[test]
    fn a_fade_moves_only_while_it_fades() {
        let changes = changes(&[("0:00:01.00", "0:00:03.00", "{\\an7\\fad(0,250)}a")]);
        assert_eq!(changes.still_at(1000), changes.still_at(2749));
        assert_eq!((changes.still_at(2750), changes.still_at(2999)), (None, None));
        assert!(changes.still_at(3000).is_some_and(|after| Some(after) != changes.still_at(1000)));
    }

    #[test]
    fn what_else_moves_or_cannot_be_read_is_never_taken_for_still() {
        for text in ["{\\t(0,500,\\fs20)}a", "{\\move(1,2,3,4)}a", "{\\k20}a{\\k30}b", "{\\fad(x,250)}a", "{\\fad(100"]
        {
            let changes = changes(&[("0:00:01.00", "0:00:03.00", text)]);
            assert_eq!(changes.still_at(1500), None, "{text}");
        }
        assert_eq!(changes(&[("soon", "0:00:03.00", "a")]).still_at(1500), None);
        assert_eq!(Changes::of("Dialogue: broken").still_at(1500), None);
        assert_eq!(Changes::of("").still_at(1500), Some(0));
    }
}
