//! How the cut follows the speaker: which of the faces is the speaker's, and the way of a window that keeps it inside
//! without anybody noticing that it moves. Pure.
//!
//! ```text
//! faces seen -> the speaker, a face at most at a time -> a corridor in which the window may lie at each moment
//!            -> the way through it that moves least -> no faster than SPEED -> eased -> waypoints
//! ```
//! All pictures are known beforehand, so the window starts to move before the speaker does, as a good camera operator
//! would, and never overshoots: every step takes means of what lies in the corridor.

use super::geometry::floor_even;
use super::{Placement, SUBPIXELS, Waypoint};
use crate::config::Anchor;
use crate::media::faces::{FaceBox, Faces};
use crate::units::{Rect, Size, Span, Time};

/// How far a face may leave its place in the window before the window follows, as shares of the window.
const ZONE: (f64, f64) = (0.1, 0.07);

/// Where the middle of the face stands in the window when all is still: in the middle, and above it.
const FACE_AT: (f64, f64) = (0.5, 0.4);

/// Fastest way of the window, in its own sides a second.
const SPEED: f64 = 0.5;

/// How long the window takes to get to its speed and to lose it.
const EASE: Time = Time::from_millis(1200);

/// How finely the way is computed.
const TICK: Time = Time::from_millis(50);

/// A face that is gone for longer is not waited for: this long after it was seen, and before it is seen again, the
/// window is at the anchor.
const GONE: Time = Time::from_millis(3000);

/// A face that is found again this much later at most continues the one before it.
const LOST: Time = Time::from_millis(2500);

/// Share of a scene's pictures in which a face must be found, and how many are enough however long the scene is. What is
/// found now and then is a false alarm.
const PERSISTENT: (f64, usize) = (0.2, 6);

/// A moment and the speaker's face then, in displayed pixels.
pub type Sighting = (Time, Rect);

/// The speaker's face in every picture in which it was found: in each scene the one that is largest and longest there,
/// and while it is lost, one that is nearly as large.
pub fn speaker(faces: &Faces, duration: Time) -> Vec<Sighting> {
    scenes(&faces.cuts, duration).into_iter().flat_map(|scene| speaker_in(faces, scene)).collect()
}

/// The scenes of the clip; never empty.
fn scenes(cuts: &[Time], duration: Time) -> Vec<Span> {
    let inside = cuts.iter().copied().filter(|cut| *cut > Time::ZERO && *cut < duration);
    let starts: Vec<Time> = [Time::ZERO].into_iter().chain(inside).collect();
    let ends = starts.iter().skip(1).chain([&duration]);
    starts.iter().zip(ends).map(|(start, end)| Span::new(*start, *end)).collect()
}

fn speaker_in(faces: &Faces, scene: Span) -> Vec<Sighting> {
    let looks: Vec<_> = faces.seen.iter().filter(|seen| scene.contains(seen.at)).collect();
    let mut people: Vec<Vec<Sighting>> = Vec::new();
    for look in &looks {
        let mut taken = vec![false; people.len()];
        let mut by_size: Vec<&FaceBox> = look.faces.iter().collect();
        by_size.sort_by_key(|face| std::cmp::Reverse(face.place.width));
        for FaceBox { place, .. } in by_size {
            let near = |person: &[Sighting]| {
                let (at, last) = person.last().copied()?;
                let apart = distance(middle(last), middle(*place)) / f64::from(last.width.max(place.width));
                let sizes = f64::from(last.width) / f64::from(place.width.max(1));
                (look.at - at <= LOST && apart < 1.5 && (0.6..1.7).contains(&sizes)).then_some(apart)
            };
            let known = (0..taken.len())
                .filter(|i| !taken[*i])
                .filter_map(|i| near(&people[i]).map(|apart| (i, apart)))
                .min_by(|a, b| a.1.total_cmp(&b.1));
            match known {
                Some((i, _)) => {
                    taken[i] = true;
                    people[i].push((look.at, *place));
                }
                None => people.push(vec![(look.at, *place)]),
            }
        }
    }
    let fewest = if looks.len() > 2 { 2 } else { 1 };
    let least = ((looks.len() as f64 * PERSISTENT.0).ceil() as usize).clamp(fewest, PERSISTENT.1);
    people.retain(|person| person.len() >= least);
    let presence = |person: &Vec<Sighting>| person.iter().map(|(_, face)| u64::from(face.width)).sum::<u64>();
    people.sort_by_key(|person| std::cmp::Reverse(presence(person)));
    let Some(first) = people.first() else { return Vec::new() };
    let size = presence(first) as f64 / first.len() as f64;
    let mut found = first.clone();
    for person in &people[1..] {
        let similar = presence(person) as f64 / person.len() as f64 > 0.6 * size;
        let (from, to) = (person[0].0, person[person.len() - 1].0);
        if similar && found.iter().all(|(at, _)| *at < from || *at > to) {
            found.extend(person);
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found
}

fn middle(face: Rect) -> (f64, f64) {
    (f64::from(face.x) + f64::from(face.width) / 2.0, f64::from(face.y) + f64::from(face.height) / 2.0)
}

fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

/// The way of a window of that size over a picture of `displayed` size, in clip time; one waypoint where it never
/// moves. Where nobody is seen for long, it lies at the anchor. None where nobody is seen at all.
pub fn path(
    sightings: &[Sighting],
    cuts: &[Time],
    displayed: Size,
    window: Size,
    anchor: Anchor,
    duration: Time,
) -> Option<Vec<Waypoint>> {
    if sightings.is_empty() {
        return None;
    }
    let mut way: Vec<Waypoint> = Vec::new();
    for scene in scenes(cuts, duration) {
        let here: Vec<Sighting> = sightings.iter().copied().filter(|(at, _)| scene.contains(*at)).collect();
        let axis = |place: fn((f64, f64)) -> f64, whole: u32, part: u32, anchor: f64, face_at: f64, zone: f64| {
            let (part, most) = (f64::from(part), f64::from(whole.saturating_sub(part)));
            let rest = (anchor * f64::from(whole) - part / 2.0).clamp(0.0, most);
            let wanted = |face: Rect| (place(middle(face)) - face_at * part).clamp(0.0, most);
            let targets = targets(&here.iter().map(|(at, face)| (*at, wanted(*face))).collect::<Vec<_>>(), scene, rest);
            steady(&targets, zone * part, SPEED * part * TICK.seconds(), most)
        };
        let x = axis(|p| p.0, displayed.width, window.width, anchor.x, FACE_AT.0, ZONE.0);
        let y = axis(|p| p.1, displayed.height, window.height, anchor.y, FACE_AT.1, ZONE.1);
        let at = |tick: usize| Time(scene.start.0 + tick as i64 * TICK.0).min(scene.end);
        let points = x.iter().zip(&y).enumerate().map(|(i, (x, y))| Waypoint { at: at(i), x: *x, y: *y });
        way.extend(thinned(&points.collect::<Vec<_>>()));
    }
    if way.iter().all(|point| (point.x, point.y) == (way[0].x, way[0].y)) {
        way.truncate(1);
    }
    Some(way)
}

/// Where the window should be at every tick of the scene, by where it should be when the speaker was seen.
fn targets(seen: &[(Time, f64)], scene: Span, rest: f64) -> Vec<f64> {
    let mut known: Vec<(Time, f64)> = Vec::new();
    let values: Vec<f64> = seen.iter().map(|(_, value)| *value).collect();
    for (i, (at, _)) in seen.iter().enumerate() {
        // The median of three: one box that is off moves nothing.
        let mut three = values[i.saturating_sub(1)..(i + 2).min(values.len())].to_vec();
        three.sort_by(f64::total_cmp);
        let value = if three.len() == 3 { three[1] } else { values[i] };
        if let Some((before, _)) = known.last().copied().filter(|(before, _)| *at - *before > GONE + GONE) {
            known.extend([(before + GONE, rest), (*at - GONE, rest)]);
        }
        known.push((*at, value));
    }
    let first = known.first().copied().filter(|(at, _)| *at - scene.start > GONE + GONE);
    let last = known.last().copied().filter(|(at, _)| scene.end - *at > GONE + GONE);
    if let Some((at, _)) = first {
        known.insert(0, (at - GONE, rest));
    }
    if let Some((at, _)) = last {
        known.push((at + GONE, rest));
    }
    let ticks = (scene.duration().0 as usize).div_ceil(TICK.0 as usize);
    let value = |tick: usize| {
        let at = Time(scene.start.0 + tick as i64 * TICK.0);
        let after = known.partition_point(|(known, _)| *known <= at);
        match (after.checked_sub(1).map(|before| known[before]), known.get(after)) {
            (Some(a), Some(b)) => a.1 + (b.1 - a.1) * (at - a.0).seconds() / (b.0 - a.0).seconds(),
            (Some(one), None) => one.1,
            (None, Some(one)) => one.1,
            (None, None) => rest,
        }
    };
    (0..=ticks).map(value).collect()
}

/// A calm way within `zone` of the targets, in [`SUBPIXELS`]: it moves as little as it can, no faster than `fastest` a
/// tick, and gets to its speed and loses it gently. One that never moves lies on even pixels.
fn steady(targets: &[f64], zone: f64, fastest: f64, most: f64) -> Vec<u32> {
    let forward = lazy(targets.iter(), zone);
    let backward = lazy(targets.iter().rev(), zone);
    // One lags behind and the other runs ahead; the mean does half of each.
    let calm: Vec<f64> = forward.iter().zip(backward.iter().rev()).map(|(a, b)| (a + b) / 2.0).collect();
    let eased = eased(&limited(&calm, fastest));
    let steps = |value: f64| (value * f64::from(SUBPIXELS)).round() as u32;
    let way: Vec<u32> = eased.iter().map(|value| steps(*value)).collect();
    match way.first() {
        // Still, but for what rounding makes of a mean of equal numbers.
        Some(first) if way.iter().all(|value| value.abs_diff(*first) <= 1) => {
            let even = ((calm[0] / 2.0).round() * 2.0).min((most / 2.0).floor() * 2.0) as u32;
            vec![even * SUBPIXELS; way.len()]
        }
        _ => way,
    }
}

/// Stays where it is while that is within `zone` of the target, and else goes as far as it must; starts where it can
/// stay longest.
fn lazy<'a>(targets: impl Iterator<Item = &'a f64> + Clone, zone: f64) -> Vec<f64> {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for target in targets.clone() {
        let (next_low, next_high) = (low.max(target - zone), high.min(target + zone));
        if next_low > next_high {
            break;
        }
        (low, high) = (next_low, next_high);
    }
    let mut here = (low + high) / 2.0;
    let step = |target: &f64| {
        here = here.clamp(target - zone, target + zone);
        here
    };
    targets.map(step).collect()
}

/// The way with no step larger than `fastest`: the mean of the nearest such ways below and above it, so that half of
/// what is too fast is made up for before, and half after.
fn limited(way: &[f64], fastest: f64) -> Vec<f64> {
    let envelope = |sign: f64| {
        let mut bound: Vec<f64> = way.iter().map(|value| sign * value).collect();
        for i in 1..bound.len() {
            bound[i] = bound[i].min(bound[i - 1] + fastest);
        }
        for i in (1..bound.len()).rev() {
            bound[i - 1] = bound[i - 1].min(bound[i] + fastest);
        }
        bound
    };
    envelope(1.0).iter().zip(envelope(-1.0)).map(|(below, above)| (below - above) / 2.0).collect()
}

/// The running mean over [`EASE`], weighed by a raised cosine: speed changes no faster than that allows.
fn eased(way: &[f64]) -> Vec<f64> {
    let reach = EASE.0 / TICK.0 / 2;
    let weight = |offset: i64| 1.0 + (std::f64::consts::PI * offset as f64 / (reach + 1) as f64).cos();
    let total: f64 = (-reach..=reach).map(weight).sum();
    let end = way.len() as i64 - 1;
    let mean =
        |at: i64| (-reach..=reach).map(|o| way[(at + o).clamp(0, end) as usize] * weight(o)).sum::<f64>() / total;
    (0..=end).map(mean).collect()
}

/// The waypoints without those that lie, within a step, on the way between the ones that stay.
fn thinned(points: &[Waypoint]) -> Vec<Waypoint> {
    let Some((first, last)) = points.first().zip(points.last()) else { return Vec::new() };
    let mut kept = vec![*first];
    let mut from = 0;
    for to in 2..points.len() {
        let pair = [points[from], points[to]];
        let strays = |point: &Waypoint| {
            let (x, y) = position(&pair, point.at);
            let off = |value: f64, of: u32| (value * f64::from(SUBPIXELS) - f64::from(of)).abs() > 1.0;
            off(x, point.x) || off(y, point.y)
        };
        if points[from + 1..to].iter().any(strays) {
            from = to - 1;
            kept.push(points[from]);
        }
    }
    if points.len() > 1 {
        kept.push(*last);
    }
    kept
}

/// The way over the parts of the clip that a cut shows, in the time of the cut, in which they follow each other.
pub fn in_cut_time(path: &[Waypoint], parts: &[Span]) -> Vec<Waypoint> {
    let mut way: Vec<Waypoint> = Vec::new();
    let mut start = Time::ZERO;
    for part in parts {
        let offset = start - part.start;
        let edge = |at: Time, late: bool| {
            // Just before the end: a jump there belongs to what is not shown.
            let (x, y) = position(path, if late { Time(at.0 - 1) } else { at });
            let steps = |value: f64| (value * f64::from(SUBPIXELS)).round() as u32;
            Waypoint { at: at + offset, x: steps(x), y: steps(y) }
        };
        way.push(edge(part.start, false));
        let inside = path.iter().filter(|point| part.start < point.at && point.at < part.end);
        way.extend(inside.map(|point| Waypoint { at: point.at + offset, ..*point }));
        way.push(edge(part.end, true));
        start = start + part.duration();
    }
    if way.iter().all(|point| (point.x, point.y) == (way[0].x, way[0].y)) {
        way.truncate(1);
    }
    way
}

/// Where the window's top left corner is at a moment, in pixels; before the first waypoint and after the last it rests
/// there. The path is not empty; of an empty one it is the origin.
pub fn position(path: &[Waypoint], at: Time) -> (f64, f64) {
    let pixels = |steps: f64| steps / f64::from(SUBPIXELS);
    let after = path.partition_point(|point| point.at <= at);
    match (after.checked_sub(1).map(|before| path[before]), path.get(after)) {
        (Some(a), Some(b)) => {
            let share = (at - a.at).seconds() / (b.at - a.at).seconds();
            let between = |a: u32, b: u32| pixels(f64::from(a) + (f64::from(b) - f64::from(a)) * share);
            (between(a.x, b.x), between(a.y, b.y))
        }
        (Some(point), None) => (pixels(f64::from(point.x)), pixels(f64::from(point.y))),
        (None, Some(point)) => (pixels(f64::from(point.x)), pixels(f64::from(point.y))),
        (None, None) => (0.0, 0.0),
    }
}

impl Placement {
    /// The part of the picture that fills the canvas at a moment of the cut, at whole even pixels; none where the whole
    /// picture stands on it.
    pub fn crop_at(&self, at: Time) -> Option<Rect> {
        match self {
            Placement::Fill { crop } => Some(*crop),
            Placement::Follow { size, path } => {
                let (x, y) = position(path, at);
                Some(Rect::new(floor_even(x as u32), floor_even(y as u32), size.width, size.height))
            }
            Placement::Fit { .. } => None,
        }
    }
}

/// Where the speaker's face stands on the canvas, over all of a cut that shows these parts of the clip, but for the
/// tenth of the time in which it reaches furthest to each side. None where no face is on the canvas.
pub fn on_canvas(
    sightings: &[Sighting],
    placement: &Placement,
    displayed: Size,
    canvas: Size,
    parts: &[Span],
) -> Option<Rect> {
    let mut edges: [Vec<f64>; 4] = Default::default();
    let mut start = Time::ZERO;
    for part in parts {
        for (at, face) in sightings.iter().filter(|(at, _)| part.contains(*at)) {
            let cut_time = *at - part.start + start;
            let (from, to) = match (placement.crop_at(cut_time), placement) {
                (None, Placement::Fit { picture }) => (displayed.rect(), *picture),
                (crop, _) => (crop?, canvas.rect()),
            };
            let (sx, sy) = (f64::from(to.width) / f64::from(from.width), f64::from(to.height) / f64::from(from.height));
            let x = |x: u32| f64::from(to.x) + (f64::from(x) - f64::from(from.x)) * sx;
            let y = |y: u32| f64::from(to.y) + (f64::from(y) - f64::from(from.y)) * sy;
            let four = [x(face.x), y(face.y), x(face.right()), y(face.bottom())];
            edges.iter_mut().zip(four).for_each(|(edges, edge)| edges.push(edge));
        }
        start = start + part.duration();
    }
    for edges in &mut edges {
        edges.sort_by(f64::total_cmp);
    }
    let count = edges[0].len();
    let (few, most) = (count / 10, count.checked_sub(1 + count / 10)?);
    let [left, top, right, bottom] = [edges[0][few], edges[1][few], edges[2][most], edges[3][most]];
    let within = |value: f64, most: u32| value.clamp(0.0, f64::from(most)).round() as u32;
    let (left, right) = (within(left, canvas.width), within(right, canvas.width));
    let (top, bottom) = (within(top, canvas.height), within(bottom, canvas.height));
    (left < right && top < bottom).then(|| Rect::new(left, top, right - left, bottom - top))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::media::faces::Seen;
    use proptest::prelude::*;

    const WIDE: Size = Size::new(1920, 1080);
    const WINDOW: Size = Size::new(608, 1080);
    const ANCHOR: Anchor = Anchor { x: 0.5, y: 0.4 };

    fn seconds(at: f64) -> Time {
        Time::from_seconds(at)
    }

    /// A face of 200 pixels with its middle there.
    fn face(x: f64) -> FaceBox {
        FaceBox { place: Rect::new(x as u32 - 100, 300, 200, 200), score: 20.0 }
    }

    /// A picture twice a second, for as long, with the faces that are there then.
    fn seen(length: f64, there: impl Fn(f64) -> Vec<FaceBox>) -> Faces {
        let times = (0..(length * 2.0) as usize).map(|i| i as f64 / 2.0);
        Faces { seen: times.map(|at| Seen { at: seconds(at), faces: there(at) }).collect(), cuts: Vec::new() }
    }

    fn way(faces: &Faces, length: f64) -> Option<Vec<Waypoint>> {
        path(&speaker(faces, seconds(length)), &faces.cuts, WIDE, WINDOW, ANCHOR, seconds(length))
    }

    /// The middle of the window.
    fn aims_at(way: &[Waypoint], at: f64) -> f64 {
        position(way, seconds(at)).0 + 304.0
    }

    #[test]
    fn a_face_that_sways_a_little_moves_nothing() {
        let way = way(&seen(20.0, |at| vec![face(800.0 + 50.0 * at.sin())]), 20.0).unwrap();
        assert_eq!(way.len(), 1, "{way:?}");
        assert!((aims_at(&way, 3.0) - 800.0).abs() < 12.0);
        assert_eq!(way[0].x % (2 * SUBPIXELS), 0);
    }

    #[test]
    fn a_walk_is_followed_and_starts_before_the_walker() {
        // From 500 to 1400 between seconds 4 and 8.
        let walk = |at: f64| 500.0 + 900.0 * ((at - 4.0) / 4.0).clamp(0.0, 1.0);
        let way = way(&seen(12.0, |at| vec![face(walk(at))]), 12.0).unwrap();
        for tick in 0..240 {
            let at = f64::from(tick) / 20.0;
            let off = (aims_at(&way, at) - walk(at)).abs() / 608.0;
            assert!(off < 0.15, "{off:.2} of the window at {at} s");
        }
        assert!((aims_at(&way, 0.0) - 500.0).abs() < 62.0 && (aims_at(&way, 11.9) - 1400.0).abs() < 62.0);
        assert!((aims_at(&way, 5.0) - aims_at(&way, 0.0)) > 50.0);
        assert!(way.len() < 80, "{}", way.len());
    }

    #[test]
    fn a_jump_is_made_at_a_cut_and_nowhere_else() {
        let there = |at: f64| vec![face(if at < 5.0 { 400.0 } else { 1500.0 })];
        let cut = Faces { cuts: vec![seconds(5.04)], ..seen(10.0, |at| there(at - 0.04)) };
        let at_cut = way(&cut, 10.0).unwrap();
        let (before, after) = (position(&at_cut, Time(5_039_999)).0, position(&at_cut, seconds(5.04)).0);
        assert_eq!((before, after), (96.0, 1196.0));
        let without = way(&seen(10.0, there), 10.0).unwrap();
        let fastest = without
            .windows(2)
            .map(|p| (f64::from(p[1].x) - f64::from(p[0].x)).abs() / 16.0 / (p[1].at - p[0].at).seconds());
        assert!(fastest.fold(0.0, f64::max) < 608.0 * SPEED * 1.02);
    }

    #[test]
    fn the_speaker_is_the_one_who_is_large_and_stays() {
        let small = |x: u32| FaceBox { place: Rect::new(x, 100, 90, 90), score: 30.0 };
        let faces = seen(20.0, |at| {
            let mut there = vec![small(1700), face(600.0)];
            // A large false alarm, once.
            if at == 7.0 {
                there.push(FaceBox { place: Rect::new(1200, 200, 500, 500), score: 6.0 });
            }
            there
        });
        let found = speaker(&faces, seconds(20.0));
        assert!(found.len() == 40 && found.iter().all(|(_, face)| face.x == 500));
        // Seen once in twenty seconds: not a person.
        let once = seen(20.0, |at| if at == 7.0 { vec![face(600.0)] } else { Vec::new() });
        assert!(speaker(&once, seconds(20.0)).is_empty() && way(&once, 20.0).is_none());
    }

    #[test]
    fn where_nobody_is_seen_for_long_the_anchor_counts() {
        let faces = seen(40.0, |at| if at < 10.0 { vec![face(400.0)] } else { Vec::new() });
        let way = way(&faces, 40.0).unwrap();
        assert!((aims_at(&way, 5.0) - 400.0).abs() < 62.0);
        assert!((aims_at(&way, 30.0) - 960.0).abs() < 62.0, "{}", aims_at(&way, 30.0));
    }

    #[test]
    fn parts_of_a_clip_follow_each_other_in_the_cut() {
        let point = |at: f64, x: u32| Waypoint { at: seconds(at), x, y: 0 };
        let way = [point(0.0, 0), point(10.0, 1600)];
        let parts = [Span::new(seconds(1.0), seconds(2.0)), Span::new(seconds(5.0), seconds(6.0))];
        let cut = in_cut_time(&way, &parts);
        assert_eq!(position(&cut, Time::ZERO), (10.0, 0.0));
        assert_eq!(position(&cut, seconds(1.0)), (50.0, 0.0));
        assert_eq!(position(&cut, seconds(1.5)), (55.0, 0.0));
        assert_eq!(in_cut_time(&way[..1], &parts).len(), 1);
    }

    #[test]
    fn the_face_on_the_canvas_is_where_the_window_puts_it() {
        let faces = seen(10.0, |_| vec![face(800.0)]);
        let sightings = speaker(&faces, seconds(10.0));
        let fill = Placement::Fill { crop: Rect::new(496, 0, 608, 1080) };
        let parts = [Span::new(Time::ZERO, seconds(10.0))];
        let on = |placement: &Placement| on_canvas(&sightings, placement, WIDE, Size::new(1080, 1920), &parts);
        assert_eq!(on(&fill), Some(Rect::new(362, 533, 356, 356)));
        assert_eq!(on(&Placement::Fill { crop: Rect::new(1000, 0, 608, 1080) }), None);
        let fit = Placement::Fit { picture: Rect::new(0, 656, 1080, 608) };
        assert_eq!(on(&fit), Some(Rect::new(394, 825, 112, 112)));
    }

    proptest! {
        #[test]
        fn the_window_stays_inside_keeps_its_speed_and_never_jerks(
            at in proptest::collection::vec(100.0..1820.0f64, 2..40),
        ) {
            let length = at.len() as f64 / 2.0;
            let faces = seen(length, |t| vec![face(at[(t * 2.0) as usize])]);
            let found: Vec<Sighting> = faces.seen.iter().map(|seen| (seen.at, seen.faces[0].place)).collect();
            let way = path(&found, &[], WIDE, WINDOW, ANCHOR, seconds(length)).unwrap();
            let ticks: Vec<f64> = (0..(length * 20.0) as i64).map(|i| position(&way, Time(i * TICK.0)).0).collect();
            prop_assert!(ticks.iter().all(|x| (0.0..=1312.0).contains(x)));
            // Rounding and thinning may each shift a point by a sixteenth of a pixel.
            let speeds: Vec<f64> = ticks.windows(2).map(|p| p[1] - p[0]).collect();
            prop_assert!(speeds.iter().all(|s| s.abs() <= 608.0 * SPEED * 0.05 + 0.3));
            let most = 4.0 * SPEED / EASE.seconds() * 608.0 * 0.05 * 0.05;
            prop_assert!(speeds.windows(2).all(|p| (p[1] - p[0]).abs() <= most + 0.6), "{most}");
        }
    }
}
