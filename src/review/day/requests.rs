//! What pages ask of a day, from any thread: what they show, what people change and decide. One clip at a time is changed or
//! decided about.

use super::super::contract::{
    ClipCard, ClipView, Day, DayView, Decide, Elsewhere, Mishearing, Refusal, Save, Served, Told,
};
use super::{FilmingDay, Shared, opened};
use crate::captions::Subtitle;
use crate::fault::Fault;
use crate::intake::name_of;
use crate::media::render::shared_size;
use crate::pipeline;
use crate::report::CutState;
use crate::units::{Span, Time};
use crate::wording::{self, Glossary};
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;

/// Longest name of whoever decides, in characters.
const LONGEST_NAME: usize = 80;

impl Shared {
    /// Makes what a person says fit to be remembered.
    fn check_decide(decide: &Decide) -> Result<(), Refusal> {
        let is_line = |text: &str| !text.contains(char::is_control);
        let by = decide.by.trim();
        if by.is_empty() || by.chars().count() > LONGEST_NAME || !is_line(by) {
            let what = "nobody's name was given, or it is longer than a line";
            return Err(Refusal::Wrong(Fault::new(what, "give the name of whoever decides")));
        }
        match decide.note.as_deref().is_none_or(is_line) {
            true => Ok(()),
            false => Err(Refusal::Wrong(Fault::new("the note has more than one line", "write it in one line"))),
        }
    }

    /// Decides about a clip if it is what the person saw.
    fn decide(
        &self,
        id: &str,
        decide: &Decide,
        decision: impl FnOnce(&[String], &str, Option<&str>) -> Result<(), Fault>,
    ) -> Result<ClipView, Refusal> {
        Self::check_decide(decide)?;
        let _deciding = self.deciding();
        // What is decided about is what lies there now, and what was made of it before.
        let view = self.settled(id)?;
        let (_, _, source) = self.taken(id).ok_or(Refusal::Unknown)?;
        if view.subject != decide.subject {
            return Err(Refusal::Conflict(Box::new(view)));
        }
        let note = decide.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
        decision(&[source.name], decide.by.trim(), note).map_err(Refusal::Wrong)?;
        self.settled(id)
    }

    /// Where else what was misheard stands, in clips that were read: the clips, how often, and whether a person corrected
    /// them.
    fn heard_elsewhere(&self, id: &str, mishearing: &Mishearing) -> Vec<Elsewhere> {
        let rule = vec![(mishearing.heard.clone(), mishearing.meant.clone())];
        let glossary = Glossary { terms: Vec::new(), replace: rule };
        let state = self.state();
        let others = state.clips.iter().filter(|(other, _)| *other != id);
        let found = others.filter_map(|(id, clip)| {
            let report = clip.report.as_ref()?;
            let places = glossary.apply(&report.transcript).1.len();
            // The glossary is about what was heard; what a person wrote stands as it is.
            let corrected = matches!(report.origin, wording::Origin::Corrected | wording::Origin::Given);
            (places > 0).then(|| Elsewhere { id: id.clone(), name: report.name.clone(), places, corrected })
        });
        let mut found: Vec<Elsewhere> = found.collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// Mends a mishearing in the captions that a person corrected.
    fn mend(&self, id: &str, mishearing: &Mishearing) -> Result<(), Refusal> {
        let (_, proof) = self.proof(id)?;
        let source = &proof.planned.source;
        let rule = vec![(mishearing.heard.clone(), mishearing.meant.clone())];
        let glossary = Glossary { terms: Vec::new(), replace: rule };
        let captions: Vec<Subtitle> = proof
            .captions
            .iter()
            .map(|cue| {
                let words = cue.lines.concat();
                let texts: Vec<String> = glossary.apply(&words).0.into_iter().map(|word| word.text).collect();
                Subtitle { span: cue.span, text: texts.join(" ") }
            })
            .collect();
        pipeline::save_captions(self.tenure.out(), &source.name, &source.digest, &captions).map_err(Refusal::Wrong)?;
        self.tenure.changed(&source.name);
        Ok(())
    }
}

/// Whether a clip is as it is to be saved already.
fn stands(save: &Save, now: &ClipView) -> bool {
    let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
    let shown =
        now.captions.iter().map(|caption| caption.words.iter().map(|word| word.text.clone()).collect::<Vec<_>>());
    let captions = save.captions.as_ref().is_none_or(|captions| match captions.is_empty() {
        true => !now.corrected,
        false => captions.iter().map(|(_, _, text)| words(text)).eq(shown),
    });
    captions && save.choices.as_ref().is_none_or(|choices| *choices == now.choices)
}

impl Day for FilmingDay {
    fn day(&self) -> DayView {
        let state = self.shared.state();
        let request = state.bench.request();
        let mut clips: Vec<ClipCard> = state.clips.values().map(|clip| self.shared.card_of(&state, clip)).collect();
        clips.sort_by(|a, b| a.file.cmp(&b.file));
        DayView {
            practice: request.practice.name.clone(),
            inbox: name_of(&request.inbox),
            out: opened(&request.out).display().to_string(),
            problem: state.problem.clone(),
            clips,
        }
    }

    fn clip(&self, id: &str) -> Result<ClipView, Refusal> {
        let (bench, proof) = self.shared.proof(id)?;
        self.shared.view(id, &bench, &proof)
    }

    fn save(&self, id: &str, save: Save) -> Result<ClipView, Refusal> {
        let shared = &self.shared;
        let _deciding = shared.deciding();
        let (bench, proof) = shared.proof(id)?;
        let now = shared.view(id, &bench, &proof)?;
        if now.version != save.version {
            // A page that was closed saves once more what it may have saved before.
            return if stands(&save, &now) { Ok(now) } else { Err(Refusal::Conflict(Box::new(now))) };
        }
        let (out, source) = (shared.tenure.out(), &proof.planned.source);
        let files = [pipeline::captions_file(&source.name), pipeline::choices_file(&source.name)];
        let before = Before::of(files.map(|file| out.join(file)))?;
        let put = || -> Result<(), Fault> {
            if let Some(captions) = &save.captions {
                let subtitle = |(start, end, text): &(f64, f64, String)| Subtitle {
                    span: Span::new(Time::from_seconds(*start), Time::from_seconds(*end)),
                    text: text.clone(),
                };
                let captions: Vec<Subtitle> = captions.iter().map(subtitle).collect();
                pipeline::save_captions(out, &source.name, &source.digest, &captions)?;
            }
            if let Some(choices) = &save.choices {
                pipeline::save_choices(out, &source.name, &source.digest, choices)?;
            }
            Ok(())
        };
        let saved = put().map_err(Refusal::Wrong);
        // What is being made of the clip just now is not what the person wants any more.
        shared.tenure.changed(&source.name);
        match saved.and_then(|()| shared.settled(id)) {
            Ok(view) => Ok(view),
            Err(refusal) => {
                // What cannot be planned is not kept: the clip stays as it was.
                before.restore().map_err(Refusal::Wrong)?;
                drop(shared.settled(id));
                Err(refusal)
            }
        }
    }

    fn approve(&self, id: &str, decide: Decide) -> Result<ClipView, Refusal> {
        let tenure = &self.shared.tenure;
        self.shared.decide(id, &decide, |names, by, note| pipeline::approve_under(tenure, names, by, note).map(drop))
    }

    fn hold(&self, id: &str, decide: Decide) -> Result<ClipView, Refusal> {
        let tenure = &self.shared.tenure;
        self.shared.decide(id, &decide, |names, by, note| {
            names.iter().for_each(|name| tenure.changed(name));
            pipeline::hold_under(tenure, names, Some(by), note).map(drop)
        })
    }

    fn elsewhere(&self, id: &str, mishearing: &Mishearing) -> Result<Vec<Elsewhere>, Refusal> {
        self.shared.taken(id).ok_or(Refusal::Unknown)?;
        Ok(self.shared.heard_elsewhere(id, mishearing))
    }

    fn learn(&self, id: &str, mishearing: &Mishearing, fix: bool) -> Result<Vec<Elsewhere>, Refusal> {
        let shared = &self.shared;
        let _deciding = shared.deciding();
        shared.taken(id).ok_or(Refusal::Unknown)?;
        let found = shared.heard_elsewhere(id, mishearing);
        pipeline::learn(shared.tenure.out(), &mishearing.heard, &mishearing.meant).map_err(Refusal::Wrong)?;
        // The other clips follow when the watcher sees the file.
        (shared.setup.request)().and_then(|request| shared.renew(request)).map_err(Refusal::Wrong)?;
        let changed: Vec<Elsewhere> = found.into_iter().filter(|clip| fix || !clip.corrected).collect();
        for clip in &changed {
            if clip.corrected {
                shared.mend(&clip.id, mishearing)?;
            }
            drop(shared.settled(&clip.id));
        }
        drop(shared.settled(id));
        Ok(changed)
    }

    fn view(&self, id: &str) -> Result<Served, Refusal> {
        let (_, _, source) = self.shared.taken(id).ok_or(Refusal::Unknown)?;
        let file = self.shared.seen_file(&source, "mp4");
        if !file.is_file() {
            self.shared.change(id, |clip| clip.wanted = true);
            self.shared.wake();
        }
        served(file, "video/mp4")
    }

    fn cut(&self, id: &str, platform: &str) -> Result<Served, Refusal> {
        let state = self.shared.state();
        let report = state.clips.get(id).and_then(|clip| clip.report.as_ref()).ok_or(Refusal::Unknown)?;
        let cut = report.cuts.iter().find(|cut| cut.platform == platform).ok_or(Refusal::Unknown)?;
        match cut.state {
            CutState::Published | CutState::Held => served(state.bench.request().out.join(&cut.file), "video/mp4"),
            CutState::Unmade | CutState::Failed { .. } => Err(Refusal::Unknown),
        }
    }

    fn cover(&self, id: &str) -> Result<Served, Refusal> {
        let state = self.shared.state();
        let clip = state.clips.get(id).ok_or(Refusal::Unknown)?;
        let made = clip.report.as_ref().and_then(|report| report.cover.as_ref());
        let made = made.and_then(|cover| served(state.bench.request().out.join(cover), "image/jpeg").ok());
        let source = clip.source.as_ref().ok_or(Refusal::Unknown)?;
        made.map_or_else(|| served(self.shared.seen_file(source, "jpg"), "image/jpeg"), Ok)
    }

    fn logo(&self) -> Result<Served, Refusal> {
        let logo = self.shared.state().bench.request().practice.logo.clone();
        // A practice may keep its logo behind a link.
        served(fs::canonicalize(logo.ok_or(Refusal::Unknown)?).map_err(|_| Refusal::Unknown)?, "image/png")
    }

    fn frame(&self, id: &str, platform: &str, at: f64) -> Result<Vec<u8>, Refusal> {
        let shared = &self.shared;
        let (bench, _, source) = shared.taken(id).ok_or(Refusal::Unknown)?;
        let open = shared.state().open.clone().filter(|(open, _)| open == id).map(|(_, proof)| proof);
        let proof = match open.filter(|proof| proof.is_of(&shared.tenure, &bench, &source)) {
            Some(proof) => proof,
            None => shared.proof(id)?.1,
        };
        let (plan, probe) = (&proof.planned.plan, &proof.planned.understood.probe);
        let cut = plan.cuts.iter().find(|cut| cut.platform == platform).ok_or(Refusal::Unknown)?;
        let recipes: Vec<_> = plan.cuts.iter().map(|cut| &cut.recipe).chain(&plan.cover).collect();
        let shared_size = shared_size(probe, &recipes);
        let last = cut.recipe.duration() - cut.recipe.rate.frame();
        let at = Time::from_seconds(if at.is_finite() { at } else { 0.0 }).clamp(Time::ZERO, last.max(Time::ZERO));
        pipeline::frame(&shared.looker, &source.path, probe, &cut.recipe, shared_size, at).map_err(Refusal::Wrong)
    }

    fn told(&self) -> Receiver<Told> {
        self.shared.audience.join()
    }
}

/// A file that may be served, unless it is none: what is served is never behind a link.
fn served(file: PathBuf, kind: &'static str) -> Result<Served, Refusal> {
    let is_file = fs::symlink_metadata(&file).is_ok_and(|about| about.is_file());
    if is_file { Ok(Served { file, kind }) } else { Err(Refusal::Unknown) }
}

/// What people wrote about a clip, as it lay there before it was changed.
struct Before(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Before {
    fn of(files: impl IntoIterator<Item = PathBuf>) -> Result<Self, Refusal> {
        let read = |file: PathBuf| match fs::read(&file) {
            Ok(bytes) => Ok((file, Some(bytes))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok((file, None)),
            Err(e) => {
                let what = format!("{} cannot be read ({e})", file.display());
                Err(Refusal::Wrong(Fault::new(what, "close the program that has it open, and save again")))
            }
        };
        files.into_iter().map(read).collect::<Result<_, _>>().map(Before)
    }

    fn restore(&self) -> Result<(), Fault> {
        for (file, bytes) in &self.0 {
            match bytes {
                Some(bytes) => pipeline::write_whole(file, bytes)?,
                None => drop(fs::remove_file(file)),
            }
        }
        Ok(())
    }
}
