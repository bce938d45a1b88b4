//! From a clip to what is to be made of it, and what decides that.

use super::Batch;
use crate::cuts::{self, Inputs};
use crate::fault::Fault;
use crate::intake::{ClipSource, Digest, KnownTexts};
use crate::pipeline::bench::Role;
use crate::pipeline::edits::{Edits, written_captions};
use crate::pipeline::event::{Event, Stage};
use crate::pipeline::produce::Planned;
use crate::pipeline::signoff::{About, Signoff};
use crate::pipeline::understand::{READ_BY, Reader, Understood, at};
use crate::speech::Word;
use crate::units::{Span, Time};
use crate::wording::{self, Material, Wording};
use std::path::Path;

impl Batch<'_> {
    /// What decides a clip's outputs.
    pub fn fingerprint(&self, source: &ClipSource) -> Digest {
        let own = (&source.digest, &source.name, &source.question, &source.settings, &source.texts);
        let parts = format!("{} {READ_BY:?} {own:?} {}", cuts::ENGINE, self.common());
        Digest(blake3::hash(parts.as_bytes()).to_hex().to_string())
    }

    /// What decides the outputs of all clips. It is put together once: a practice takes longer to write down than a clip.
    fn common(&self) -> &str {
        self.common.get_or_init(|| {
            let ready = &self.bench.ready;
            let practice = &self.request.practice;
            let parts = format!(
                "{} {:?} {:?} {} {}",
                practice.identity(),
                ready.logo.as_ref().map(|logo| &logo.digest),
                self.request.model.key(),
                ready.encoder,
                ready.checks.0,
            );
            // Where nobody added anything it is as it was before anybody could.
            let glossary = &ready.glossary;
            if *glossary == practice.glossary { parts } else { format!("{parts} {glossary:?}") }
        })
    }

    /// How often a person changed the clip so far.
    pub fn changes(&self, source: &ClipSource) -> u64 {
        self.tenure.map_or(0, |tenure| tenure.changes(&source.name))
    }

    pub fn reader<'b>(&'b self, scratch: &'b Path) -> Reader<'b> {
        Reader {
            store: &self.store,
            crew: &self.crew,
            scratch,
            model: &self.request.model,
            language: &self.request.practice.language,
            prompt: self.bench.ready.glossary.prompt(),
            bounds: self.request.practice.bounds,
            budget: self.bench.ready.budget,
            turns: &self.turns,
            trace: &self.request.trace,
            listener: self.listener,
            tally: &self.tally,
            listening: None,
        }
    }

    pub(super) fn plan(&self, reader: &mut Reader, source: &ClipSource) -> Result<Planned, (Stage, Fault)> {
        // From here on every change counts.
        let changes = self.changes(source);
        let learned = self.delivered.learn(&source.digest, &self.store).or_else(at(Stage::Intake))?;
        let understood = match &self.bench.role {
            Role::Gather { .. } => match reader.recall_delivered(source, learned)? {
                Some(understood) => understood,
                None => return Err(self.undelivered(source)),
            },
            Role::Task { .. } => {
                let understood = reader.read(source)?;
                // A task that is killed later on has not listened for nothing.
                self.delivered.give_learned(&source.digest, &self.store).or_else(at(Stage::Speech))?;
                understood
            }
            Role::Whole => reader.read(source)?,
        };
        self.planned(source, understood, changes)
    }

    /// The plan of a clip that was read, `changes` being how often it was changed before.
    pub fn planned(
        &self,
        source: &ClipSource,
        understood: Understood,
        changes: u64,
    ) -> Result<Planned, (Stage, Fault)> {
        let trace = self.request.trace.of(&source.name);
        let _span = trace.span("plan");
        (self.listener)(Event::Entered { clip: source.name.clone(), stage: Stage::Plan });
        let practice = &self.request.practice;
        let within =
            Span::new(source.settings.start.unwrap_or(Time::ZERO), source.settings.end.unwrap_or(Time(i64::MAX)));
        let worded = |texts: &KnownTexts| self.worded(source, &understood, texts, within);
        let mut planned = source.clone();
        if let Some(captions) = &source.texts.corrected {
            let texts = KnownTexts { corrected: None, ..source.texts.clone() };
            let without = worded(&texts);
            let srt = written_captions(&without, &practice.style);
            let edits = Edits { out: &self.request.out, store: &self.store };
            let found = edits.is_correction(&source.name, &source.digest, captions, &without.words, &srt);
            if !found.or_else(at(Stage::Plan))? {
                planned.texts = texts;
            }
        }
        let wording = worded(&planned.texts);
        let source = planned;
        let inputs = Inputs {
            source: &source,
            probe: &understood.probe,
            loudness: &understood.loudness,
            speech: &understood.speech,
            faces: &understood.faces,
            wording: &wording,
            practice: &self.request.practice,
            fonts: &self.bench.ready.fonts,
            logo: self.bench.ready.logo.as_ref(),
            encoder: self.bench.ready.encoder,
        };
        let (plan, drawings) = cuts::plan_drawn(&inputs).or_else(at(Stage::Plan))?;
        let with_cut = practice.platforms.iter().filter(|p| plan.cuts.iter().any(|cut| cut.platform == p.id));
        let posts: Vec<_> =
            with_cut.map(|p| (p.id.clone(), wording::chosen_post(p, practice, &wording, &source.settings))).collect();
        let kept = |word: &&Word| word.span.is_mostly_in(within);
        let heard: Vec<Word> = understood.transcript.words.iter().filter(kept).cloned().collect();
        let about = About {
            name: &source.name,
            clip: &source.digest,
            heard: &heard,
            wording: &wording,
            posts: &posts,
            platforms: &practice.platforms,
            settings: &source.settings,
            rules: &self.bench.ready.rules,
            require: practice.review,
        };
        let signoff = Signoff::of(&about, self.record().last(&source.name));
        let fingerprint = self.fingerprint(&source);
        Ok(Planned { source, fingerprint, understood, wording, plan, drawings, posts, signoff, changes })
    }

    /// What is said in the part `within` of a clip that was read, by what is known of its words.
    pub fn worded(&self, source: &ClipSource, understood: &Understood, texts: &KnownTexts, within: Span) -> Wording {
        wording::wording(&Material {
            heard: &understood.transcript.words,
            language: &understood.transcript.language,
            speech: &understood.speech,
            end: understood.probe.duration,
            within,
            texts,
            question: source.asked(),
            glossary: &self.bench.ready.glossary,
            digits: self.request.practice.digits,
        })
    }

    /// Why nothing of a clip was delivered.
    fn undelivered(&self, source: &ClipSource) -> (Stage, Fault) {
        let receipt = self.delivered.receipt(&source.name);
        let changed = receipt.as_ref().is_some_and(|receipt| receipt.fingerprint != self.fingerprint(source));
        match receipt.filter(|_| !changed).and_then(|receipt| receipt.failed) {
            Some(failure) => (failure.stage, failure.fault()),
            None => (Stage::Intake, not_delivered(changed)),
        }
    }
}

/// Why something that was submitted is not there, where nobody said anything else; `changed` says that the clip or a setting
/// is another one than what was submitted.
pub fn not_delivered(changed: bool) -> Fault {
    match changed {
        true => Fault::new("the clip or a setting changed after it was submitted", "submit again"),
        false => Fault::new(
            "it was not delivered",
            "see whether its task is still at work, and its log; then submit again, which does what is missing",
        ),
    }
}
