//! From a clip as it would be made to what the page shows of it. Pure.

use super::contract::{
    Area, Caption, Choices, ClipCard, ClipView, CueView, FindingView, Look, MarkKind, PlacementView, PostChoice,
    PostView, StyleView, TextView, WordView,
};
use crate::captions::{self, Cue, Fitted, Fonts};
use crate::config::{Platform, Practice, Style};
use crate::cuts::{CutPlan, Drawing, Placement, SUBPIXELS};
use crate::pipeline::{Bench, Proof, Signoff};
use crate::report::UNSURE;
use crate::speech::Word;
use crate::units::{Rect, Rgb, Size, Span, Time};
use crate::wording::checks::{Category, Finding, Place, Severity};
use crate::wording::{self, Origin, Replaced, Wording};
use serde::Serialize;

/// Hexadecimal digits of a version.
const DIGITS: usize = 32;

/// What the page shows of an open clip; `choices` is what a person chose for it, `card` how it stands on the page of the
/// day.
pub fn clip_view(proof: &Proof, bench: &Bench, choices: Choices, card: ClipCard) -> ClipView {
    let practice = &bench.request().practice;
    let planned = &proof.planned;
    let captions = captions_of(&Said {
        captions: &proof.captions,
        whole: &proof.whole,
        heard: &planned.understood.transcript.words,
        language: &planned.understood.transcript.language,
        findings: &planned.signoff.findings,
    });
    let displayed = planned.understood.probe.video.displayed;
    let platform = |id: &str| practice.platforms.iter().find(|platform| platform.id == id);
    let looks = planned.plan.cuts.iter().zip(&planned.drawings).map(|(cut, drawing)| {
        let name = platform(&cut.platform).map_or_else(|| cut.platform.clone(), |platform| platform.name.clone());
        look_of(cut, drawing, name, &practice.style, bench.fonts())
    });
    let posts = planned.posts.iter().filter_map(|(id, post)| Some((platform(id)?, post)));
    let posts = posts.map(|(platform, post)| PostView {
        platform: platform.id.clone(),
        platform_name: platform.name.clone(),
        title: post.title.clone(),
        text: post.text.clone(),
        most_title: platform.post.title,
        most_text: platform.post.text,
        most_hashtags: platform.post.hashtags,
    });
    let skipped = planned.plan.skipped.iter().map(|skipped| {
        let name = platform(&skipped.platform).map_or(&skipped.platform, |platform| &platform.name);
        (name.clone(), skipped.reason.clone())
    });
    ClipView {
        version: version(&captions, &choices),
        subject: subject(&planned.signoff),
        duration: planned.understood.probe.duration.seconds(),
        displayed: (displayed.width, displayed.height),
        captions,
        corrected: planned.source.texts.corrected.is_some(),
        findings: planned.signoff.findings.iter().map(finding_of).collect(),
        defaults: defaults(proof, practice, &choices),
        choices,
        posts: posts.collect(),
        looks: looks.collect(),
        skipped: skipped.collect(),
        remarks: planned.plan.notes.clone(),
        held: planned.signoff.standing.is_held(),
        card,
    }
}

/// Changes exactly when something changes that a person sees and can change: the captions' words and where captions begin,
/// and what was chosen.
pub fn version(captions: &[Caption], choices: &Choices) -> String {
    let texts = |caption: &Caption| caption.words.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
    let texts: Vec<Vec<String>> = captions.iter().map(texts).collect();
    digest(&(texts, choices))
}

/// What an approval is bound to.
pub fn subject(signoff: &Signoff) -> String {
    digest(&signoff.subject)
}

fn digest(value: &impl Serialize) -> String {
    // What is written here are our own plain structures: there is nothing in them that JSON does not know.
    let text = serde_json::to_string(value).unwrap_or_default();
    blake3::hash(text.as_bytes()).to_hex()[..DIGITS].to_string()
}

/// What is said in a clip, and all that marks its words.
struct Said<'a> {
    captions: &'a [Cue],
    whole: &'a Wording,
    heard: &'a [Word],
    language: &'a str,
    findings: &'a [Finding],
}

fn captions_of(said: &Said) -> Vec<Caption> {
    let words: Vec<&Word> = said.captions.iter().flat_map(|cue| cue.lines.iter().flatten()).collect();
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let doses = wording::amounts(&texts);
    let replaced = replaced(&words, &said.whole.replaced);
    let views = words.iter().enumerate().map(|(at, word)| {
        let spoken = said.findings.iter().enumerate().filter(|(_, finding)| finding.place == Place::Transcript);
        let findings: Vec<(usize, &Finding)> =
            spoken.filter(|(_, finding)| finding.span.is_some_and(|span| lies_in(word.span, span))).collect();
        let found = |severity: Severity| findings.iter().any(|(_, finding)| finding.severity == severity);
        let dose = doses[at] || findings.iter().any(|(_, finding)| finding.rule == "dose");
        let marks = [
            (MarkKind::Unsure, is_unsure(word, said)),
            (MarkKind::Dose, dose),
            (MarkKind::Number, !dose && wording::is_number(&word.text)),
            (MarkKind::Negation, wording::is_negation(&word.text, said.language)),
            (MarkKind::Replaced, replaced[at]),
            (MarkKind::Holds, found(Severity::Hold)),
            (MarkKind::Noted, found(Severity::Note)),
        ];
        WordView {
            text: word.text.clone(),
            start: word.span.start.seconds(),
            end: word.span.end.seconds(),
            marks: marks.into_iter().filter(|(_, set)| *set).map(|(mark, _)| mark).collect(),
            findings: findings.into_iter().map(|(index, _)| index).collect(),
        }
    });
    let mut views = views;
    let captions = said.captions.iter().map(|cue| Caption {
        start: cue.span.start.seconds(),
        end: cue.span.end.seconds(),
        words: views.by_ref().take(cue.lines.iter().map(Vec::len).sum()).collect(),
    });
    captions.collect()
}

/// Whether the model was not sure of a word that still is as it heard it: what a person wrote or a script says is sure.
fn is_unsure(word: &Word, said: &Said) -> bool {
    let as_heard = || {
        let same = |heard: &Word| heard.text == word.text && heard.span.overlaps(word.span);
        said.heard.iter().any(same)
    };
    word.confidence < UNSURE && (matches!(said.whole.origin, Origin::Heard | Origin::ScriptUnlike(_)) || as_heard())
}

/// Whether a word is part of what is spoken in a span; one that takes no time lies where it begins.
fn lies_in(word: Span, span: Span) -> bool {
    let middle = Time((word.start.0 + word.end.0) / 2);
    span.start <= middle && middle <= span.end
}

/// Which words stand where others were heard.
fn replaced(words: &[&Word], changes: &[Replaced]) -> Vec<bool> {
    let mut marked = vec![false; words.len()];
    for change in changes {
        let texts: Vec<&str> = change.shown.split_whitespace().collect();
        let from = words.partition_point(|word| word.span.start < change.at);
        let there = words[from..].iter().map(|word| word.text.as_str()).take(texts.len()).eq(texts.iter().copied());
        if there {
            marked[from..from + texts.len()].fill(true);
        }
    }
    marked
}

fn finding_of(finding: &Finding) -> FindingView {
    FindingView {
        category: category(finding.category),
        holds: finding.severity == Severity::Hold,
        place: finding.place.to_string(),
        words: finding.words.clone(),
        start: finding.span.map(|span| span.start.seconds()),
        advice: finding.advice.clone(),
    }
}

/// As rule files and reports name it: `privacy`.
fn category(category: Category) -> String {
    serde_json::to_value(category).ok().and_then(|name| Some(name.as_str()?.to_string())).unwrap_or_default()
}

/// What stands where a person chose nothing. Of the moments where the cuts begin and end nobody knows once they were chosen;
/// then it is the whole clip.
fn defaults(proof: &Proof, practice: &Practice, choices: &Choices) -> Choices {
    let planned = &proof.planned;
    let (source, whole) = (&planned.source, planned.understood.probe.duration);
    let question = source.question.clone().or_else(|| wording::first_question(&planned.wording.words));
    let kept = planned.plan.cuts.first().map(|cut| cut.recipe.kept.spans()).unwrap_or_default();
    let (first, last) = (kept.first(), kept.last());
    let start = first.filter(|_| choices.start.is_none()).map_or(Time::ZERO, |span| span.start);
    let end = last.filter(|_| choices.end.is_none()).map_or(whole, |span| span.end);
    let cover = planned.plan.cover.as_ref().filter(|_| choices.cover.is_none()).and_then(|cover| {
        let spans = cover.kept.spans();
        spans.get(spans.len() / 2).map(|span| Time((span.start.0 + span.end.0) / 2).seconds())
    });
    let with_cut = |platform: &&Platform| planned.plan.cuts.iter().any(|cut| cut.platform == platform.id);
    let posts = practice.platforms.iter().filter(with_cut).map(|platform| {
        let post =
            wording::post_text(platform, practice, &Wording { question: question.clone(), ..planned.wording.clone() });
        (platform.id.clone(), PostChoice { title: post.title, text: Some(post.text) })
    });
    Choices {
        hook: choices.question.clone().or_else(|| question.clone()).filter(|_| practice.hook.is_some()),
        posts: posts.collect(),
        question,
        start: Some(start.seconds()),
        end: Some(end.seconds()),
        anchor: Some((practice.anchor.x, practice.anchor.y)),
        cover,
    }
}

fn look_of(cut: &CutPlan, drawing: &Drawing, platform_name: String, style: &Style, fonts: &Fonts) -> Look {
    let recipe = &cut.recipe;
    let text = |Fitted { lines, line_height }, place, span: Span, of: Rgb, opacity| TextView {
        lines,
        line_height,
        place: area(place),
        start: span.start.seconds(),
        end: span.end.seconds(),
        colour: colour(of),
        opacity,
    };
    let seconds = |span: &Span| (span.start.seconds(), span.end.seconds());
    let hook = drawing
        .hook
        .as_ref()
        .map(|hook| text(captions::fitted_hook(hook, recipe.canvas, fonts), hook.place, hook.span, hook.colour, 1.0));
    let mark_text = drawing.mark_text.as_ref().map(|mark| {
        let fitted = captions::fitted_mark(mark, recipe.canvas, style, fonts);
        text(fitted, mark.place, mark.span, Rgb(255, 255, 255), mark.opacity)
    });
    // The one that stands from the start is the watermark's; the end card has its own.
    let logo = recipe.marks.iter().find(|mark| mark.span.start == Time::ZERO);
    Look {
        platform: cut.platform.clone(),
        platform_name,
        canvas: (recipe.canvas.width, recipe.canvas.height),
        safe: area(drawing.safe),
        kept: recipe.kept.spans().iter().map(seconds).collect(),
        duration: recipe.duration().seconds(),
        placement: placement(&recipe.placement),
        cues: drawing.cues.iter().map(cue_of).collect(),
        caption_box: area(drawing.caption_box),
        style: style_of(style, recipe.canvas),
        hook,
        mark_text,
        logo: logo.map(|mark| area(mark.place)),
        logo_opacity: logo.map_or(1.0, |mark| mark.opacity),
        card_from: drawing.card.as_ref().map(|card| card.span.start.seconds()),
    }
}

fn placement(placement: &Placement) -> PlacementView {
    match placement {
        Placement::Fill { crop } => PlacementView::Fill { crop: area(*crop) },
        Placement::Fit { picture } => PlacementView::Fit { picture: area(*picture) },
        Placement::Follow { size, path } => {
            let pixels = |at: u32| f64::from(at) / f64::from(SUBPIXELS);
            let path = path.iter().map(|point| (point.at.seconds(), pixels(point.x), pixels(point.y)));
            PlacementView::Follow { size: (size.width, size.height), path: path.collect() }
        }
    }
}

fn cue_of(cue: &Cue) -> CueView {
    let line = |line: &Vec<Word>| line.iter().map(|word| (word.text.clone(), word.span.start.seconds())).collect();
    CueView {
        start: cue.span.start.seconds(),
        end: cue.span.end.seconds(),
        lines: cue.lines.iter().map(line).collect(),
    }
}

fn style_of(style: &Style, canvas: Size) -> StyleView {
    StyleView {
        fonts: style.fonts.clone(),
        bold: style.bold,
        line_height: captions::line_height(style, canvas),
        outline: style.outline * f64::from(canvas.short_side()),
        colour: colour(style.colour),
        outline_colour: colour(style.outline_colour),
        spoken_colour: style.spoken_colour.map(colour),
    }
}

fn area(Rect { x, y, width, height }: Rect) -> Area {
    Area { x, y, width, height }
}

fn colour(rgb: Rgb) -> String {
    String::from(rgb).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, at: i64, confidence: f32) -> Word {
        Word { text: text.into(), span: Span::new(Time::from_millis(at), Time::from_millis(at + 300)), confidence }
    }

    /// Words of 300 ms, one right after the other, in captions of so many each.
    fn cues(text: &str, each: usize) -> Vec<Cue> {
        let words: Vec<Word> = text.split(' ').zip(0..).map(|(text, at)| word(text, at * 300, 0.9)).collect();
        let cue = |words: &[Word]| Cue {
            span: Span::new(words[0].span.start, words[words.len() - 1].span.end),
            lines: words.chunks(2).map(<[Word]>::to_vec).collect(),
        };
        words.chunks(each).map(cue).collect()
    }

    fn finding(rule: &str, severity: Severity, from: i64, to: i64) -> Finding {
        Finding {
            rule: rule.into(),
            category: Category::Care,
            severity,
            place: Place::Transcript,
            words: String::new(),
            span: Some(Span::new(Time::from_millis(from), Time::from_millis(to))),
            advice: String::new(),
        }
    }

    fn seen(captions: &[Cue], whole: &Wording, heard: &[Word], findings: &[Finding]) -> Vec<Caption> {
        captions_of(&Said { captions, whole, heard, language: "en", findings })
    }

    fn marks(captions: &[Caption]) -> Vec<(&str, Vec<MarkKind>)> {
        let words = captions.iter().flat_map(|caption| &caption.words);
        words.filter(|word| !word.marks.is_empty()).map(|word| (word.text.as_str(), word.marks.clone())).collect()
    }

    #[test]
    fn words_keep_their_captions_and_are_marked_for_what_is_risky() {
        let cues = cues("Do not take more than 2 mg of Botox for twenty days", 5);
        let findings =
            [finding("patient-name", Severity::Hold, 2400, 2700), finding("dose", Severity::Note, 1500, 2100)];
        let change = Replaced { at: Time::from_millis(2400), heard: "bow tox".into(), shown: "Botox".into() };
        let whole = Wording { replaced: vec![change], ..Wording::default() };
        let captions = seen(&cues, &whole, &[], &findings);
        let lengths: Vec<usize> = captions.iter().map(|caption| caption.words.len()).collect();
        assert_eq!(lengths, [5, 5, 2]);
        let wanted = [
            ("not", vec![MarkKind::Negation]),
            ("2", vec![MarkKind::Dose, MarkKind::Noted]),
            ("mg", vec![MarkKind::Dose, MarkKind::Noted]),
            ("Botox", vec![MarkKind::Replaced, MarkKind::Holds]),
            ("twenty", vec![MarkKind::Number]),
        ];
        assert_eq!(marks(&captions), wanted);
        assert_eq!(captions[1].words[3].findings, [0]);
    }

    #[test]
    fn what_a_person_wrote_is_sure_and_what_they_left_is_not() {
        let mut cues = cues("Use a mild soap", 4);
        cues[0].lines.iter_mut().flatten().for_each(|word| word.confidence = 0.3);
        let heard = [word("Use", 0, 0.3), word("wild", 600, 0.3), word("soap", 5000, 0.3)];
        let unsure = |origin| {
            let whole = Wording { origin, ..Wording::default() };
            let captions = seen(&cues, &whole, &heard, &[]);
            marks(&captions).into_iter().map(|(text, _)| text.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(unsure(Origin::Heard), ["Use", "a", "mild", "soap"]);
        assert_eq!(unsure(Origin::Corrected), ["Use"], "the other words were heard as others, or elsewhere");
    }

    #[test]
    fn the_version_changes_exactly_when_something_does_that_a_person_sees_and_can_change() {
        let choices = Choices::default();
        let of = |cues: &[Cue], choices: &Choices| version(&seen(cues, &Wording::default(), &[], &[]), choices);
        let before = of(&cues("Drink some water", 3), &choices);
        assert_eq!(before.len(), DIGITS);
        let mut later = cues("Drink some water", 3);
        later[0].lines[0][0].confidence = 0.1;
        assert_eq!(of(&later, &choices), before, "how sure the model is, is nothing that a person changes");
        for (what, now) in [
            ("a word", of(&cues("Drink warm water", 3), &choices)),
            ("where a caption begins", of(&cues("Drink some water", 2), &choices)),
            ("a choice", of(&cues("Drink some water", 3), &Choices { start: Some(0.0), ..Choices::default() })),
            (
                "a choice of nothing",
                of(&cues("Drink some water", 3), &Choices { hook: Some(String::new()), ..choices.clone() }),
            ),
        ] {
            assert_ne!(now, before, "{what}");
        }
        // Two words are not one with a space in it.
        assert_ne!(of(&cues("a b", 2), &choices), of(&cues("a\u{a0}b", 2), &choices));
    }

    #[test]
    fn the_subject_is_of_what_an_approval_is_bound_to() {
        let mut signoff = Signoff::default();
        let before = subject(&signoff);
        signoff.findings.push(finding("dose", Severity::Note, 0, 1));
        assert_eq!(subject(&signoff), before);
        signoff.subject.posts.insert("x".into(), crate::intake::Digest("1".into()));
        assert_ne!(subject(&signoff), before);
    }
}
