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

/// A stretch of a document that shows the same at each of its moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch {
    /// From so many changes on, until the next.
    Still(usize),
    /// This millisecond alone.
    Moving(i64),
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

    /// The stretch that a moment belongs to.
    pub fn at(&self, millis: i64) -> Stretch {
        match self.moving.iter().any(|range| range.contains(&millis)) {
            true => Stretch::Moving(millis),
            false => Stretch::Still(self.moments.partition_point(|moment| *moment <= millis)),
        }
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
        let at = |millis| changes.at(millis);
        assert_eq!((at(-5), at(0), at(1199)), (Stretch::Still(0), Stretch::Still(0), Stretch::Still(0)));
        assert_eq!((at(1200), at(1999)), (Stretch::Still(1), Stretch::Still(1)));
        assert_eq!((at(2000), at(3_723_449), at(3_723_450)), (Stretch::Still(2), Stretch::Still(2), Stretch::Still(3)));
    }

    #[test]
    fn a_fade_moves_only_while_it_fades() {
        let changes = changes(&[("0:00:01.00", "0:00:03.00", "{\\an7\\fad(0,250)}a")]);
        assert_eq!(changes.at(1000), changes.at(2749));
        assert_eq!((changes.at(2750), changes.at(2999)), (Stretch::Moving(2750), Stretch::Moving(2999)));
        assert!(matches!(changes.at(3000), Stretch::Still(_)));
    }

    #[test]
    fn what_else_moves_or_cannot_be_read_is_never_taken_for_still() {
        for text in ["{\\t(0,500,\\fs20)}a", "{\\move(1,2,3,4)}a", "{\\k20}a{\\k30}b", "{\\fad(x,250)}a", "{\\fad(100"]
        {
            let changes = changes(&[("0:00:01.00", "0:00:03.00", text)]);
            assert_eq!(changes.at(1500), Stretch::Moving(1500), "{text}");
        }
        assert_eq!(changes(&[("soon", "0:00:03.00", "a")]).at(1500), Stretch::Moving(1500));
        assert_eq!(Changes::of("Dialogue: broken").at(1500), Stretch::Moving(1500));
        assert_eq!(Changes::of("").at(1500), Stretch::Still(0));
    }
}
