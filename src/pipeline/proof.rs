//! One clip at a time, for whoever looks at it before anything is made: read, opened as it will be made, and brought to
//! where it belongs. What a batch does with many clips is done here with the same code.

use super::batch::{Batch, Found};
use super::bench::Bench;
use super::event::{Event, Listener, Stage};
use super::journal::Step;
use super::produce::{Attempt, Planned};
use super::tenure::{BESIDE, Tenure};
use super::understand::{Staged, at};
use crate::captions::{self, Cue};
use crate::fault::{Cancel, Fault, cannot_write};
use crate::intake::{self, ClipSource};
use crate::report::ClipReport;
use crate::speech::Word;
use crate::units::{Span, Time};
use crate::wording::{Origin, Wording};

/// A clip as it would be made now.
pub struct Proof {
    /// Everything that is known of it, and its plan.
    pub planned: Planned,
    /// What is said in all of it, also in what a person cut away: what they can correct.
    pub whole: Wording,
    /// That in captions, as they lie in the file that a person corrects; in clip time.
    pub captions: Vec<Cue>,
}

/// Finds the clips of the inbox that are at rest, with what people wrote about them, and keeps why others cannot be taken up.
///
/// # Errors
/// The inbox cannot be read; [`Fault::Cancelled`].
pub fn take_in(tenure: &Tenure, bench: &Bench, cancel: &Cancel, listener: Listener) -> Result<Found, Fault> {
    let told = |event: Event| {
        tenure.tell(&event);
        listener(event);
    };
    let batch = Batch::under(tenure, bench, cancel, &told);
    let found = batch.intake(tenure.state())?;
    found.failed.iter().try_for_each(|report| batch.store.put("clip", &report.name, report))?;
    Ok(found)
}

/// What was planned of a clip as it is now when it was last looked at, with what people decided since. Reads two files and
/// no clip.
pub fn foreseen(tenure: &Tenure, bench: &Bench, source: &ClipSource) -> Option<ClipReport> {
    Batch::under(tenure, bench, &Cancel::new(), &|_| ()).foreseen(source, tenure)
}

/// Reads clips one after the other, keeping the model until there is none left. `next` names the clips; `read` is told how
/// each went: the report of one that could not be read.
///
/// # Errors
/// The disk takes nothing.
pub fn read_clips(
    tenure: &Tenure,
    bench: &Bench,
    cancel: &Cancel,
    listener: Listener,
    next: &mut dyn FnMut() -> Option<ClipSource>,
    read: &mut dyn FnMut(&ClipSource, Option<ClipReport>),
) -> Result<(), Fault> {
    let told = |event: Event| {
        tenure.tell(&event);
        listener(event);
    };
    let batch = Batch::under(tenure, bench, cancel, &told);
    let state = tenure.state();
    let scratch = tempfile::Builder::new().prefix(BESIDE).tempdir_in(state).map_err(|e| cannot_write(state, &e))?;
    let mut reader = batch.reader(scratch.path());
    while let Some(source) = next() {
        let result = match reader.read(&source) {
            // Nothing else is read, so it is tried once more at once, with all of the memory.
            Err((_, fault)) if fault.is_death() => {
                reader = batch.reader(scratch.path());
                reader.read(&source)
            }
            result => result,
        };
        match result {
            Ok(_) => {
                tenure.journal.step(&source.name, Step::At { stage: Stage::Plan });
                read(&source, None);
            }
            Err((_, Fault::Cancelled)) => return Err(Fault::Cancelled),
            Err((stage, fault)) => {
                let report = batch.failure(&source.name, &intake::name_of(&source.path), stage, &fault);
                batch.store.put("clip", &source.name, &report)?;
                read(&source, Some(report));
            }
        }
    }
    Ok(())
}

/// Keeps that a clip could not be opened, as a run would; what stands in its report.
///
/// # Errors
/// The disk takes nothing.
pub fn fail(
    tenure: &Tenure,
    bench: &Bench,
    source: &ClipSource,
    (stage, fault): (Stage, &Fault),
    listener: Listener,
) -> Result<ClipReport, Fault> {
    let told = |event: Event| {
        tenure.tell(&event);
        listener(event);
    };
    let cancel = Cancel::new();
    let batch = Batch::under(tenure, bench, &cancel, &told);
    let report = batch.failure(&source.name, &intake::name_of(&source.path), stage, fault);
    batch.store.put("clip", &source.name, &report)?;
    Ok(report)
}

impl Proof {
    /// Opens a clip with what people wrote about it by now; none where it was not read yet. Starts no worker.
    ///
    /// # Errors
    /// What they wrote cannot be taken, or no plan can be made of it.
    pub fn of(tenure: &Tenure, bench: &Bench, source: &ClipSource, cancel: &Cancel) -> Staged<Option<Proof>> {
        let batch = Batch::under(tenure, bench, cancel, &|_| ());
        let changes = batch.changes(source);
        let source = batch.completed(source, false).or_else(at(Stage::Intake))?;
        let Some(understood) = batch.reader(tenure.state()).recall(&source)? else { return Ok(None) };
        let planned = batch.planned(&source, understood, changes)?;
        let everything = Span::new(Time::ZERO, Time(i64::MAX));
        let whole = batch.worded(&planned.source, &planned.understood, &planned.source.texts, everything);
        let style = &bench.request.practice.style;
        let captions = match &whole.breaks {
            Some(breaks) if whole.origin == Origin::Corrected => parted(&whole.words, breaks),
            breaks => captions::sidecar_cues(&whole.words, breaks.as_deref(), style),
        };
        Ok(Some(Proof { planned, whole, captions }))
    }

    /// Whether the proof is of the clip as it is now, with what people wrote about it by now.
    pub fn is_of(&self, tenure: &Tenure, bench: &Bench, source: &ClipSource) -> bool {
        let cancel = Cancel::new();
        let batch = Batch::under(tenure, bench, &cancel, &|_| ());
        let source = batch.completed(source, false).map(|source| batch.fingerprint(&source));
        let name = &self.planned.source.name;
        let standing = self.planned.signoff.decide(tenure.record().last(name));
        source.is_ok_and(|now| now == self.planned.fingerprint) && standing == self.planned.signoff.standing
    }

    /// Brings what was made of the clip before to where it belongs now, and keeps what is foreseen of it. Nothing is made:
    /// what is missing stands in the report as such.
    ///
    /// # Errors
    /// The disk takes nothing; [`Fault::Cancelled`] where somebody changed the clip meanwhile.
    pub fn settle(&self, tenure: &Tenure, bench: &Bench, cancel: &Cancel, listener: Listener) -> Staged<ClipReport> {
        let told = |event: Event| {
            tenure.tell(&event);
            listener(event);
        };
        let batch = Batch::under(tenure, bench, cancel, &told);
        let scratch = tenure.scratch();
        let (workshop, turn) = (batch.workshop(tenure, &scratch), batch.turn(&self.planned.source.digest));
        let report = workshop.produce(&self.planned, &turn, Attempt::None)?;
        let step = match (report.is_held(), report.has_unmade()) {
            (true, _) => Step::Held,
            (false, true) => Step::Waiting,
            (false, false) => Step::Finished,
        };
        tenure.journal.step(&report.name, step);
        Ok(report)
    }
}

/// Captions that begin where a person wants them to, each on one line.
fn parted(words: &[Word], breaks: &[Time]) -> Vec<Cue> {
    let mut cues: Vec<Cue> = Vec::new();
    let mut breaks = breaks.iter().peekable();
    for word in words {
        let mut begins = cues.is_empty();
        while breaks.next_if(|at| **at <= word.span.start).is_some() {
            begins = true;
        }
        match cues.last_mut().filter(|_| !begins) {
            Some(cue) => {
                cue.span.end = cue.span.end.max(word.span.end);
                cue.lines[0].push(word.clone());
            }
            None => cues.push(Cue { span: word.span, lines: vec![vec![word.clone()]] }),
        }
    }
    cues
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_begin_where_a_person_began_them() {
        let word = |text: &str, at: i64| Word {
            text: text.into(),
            span: Span::new(Time::from_millis(at), Time::from_millis(at + 300)),
            confidence: 1.0,
        };
        let words = [word("Drink", 100), word("water", 400), word("and", 700), word("rest.", 1100)];
        let texts = |breaks: &[i64]| -> Vec<String> {
            let breaks: Vec<Time> = breaks.iter().map(|at| Time::from_millis(*at)).collect();
            parted(&words, &breaks).iter().map(|cue| cue.text().join("/")).collect()
        };
        assert_eq!(texts(&[100, 700]), ["Drink water", "and rest."]);
        assert_eq!(texts(&[]), ["Drink water and rest."]);
        assert_eq!(texts(&[100, 100, 1100]), ["Drink water and", "rest."], "two breaks at one place are one");
        assert!(parted(&[], &[Time::ZERO]).is_empty());
        assert_eq!(parted(&words, &[])[0].span, Span::new(Time::from_millis(100), Time::from_millis(1400)));
    }
}
