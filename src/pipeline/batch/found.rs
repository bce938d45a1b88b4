//! Which clips there are, with what is known of them before they are read, and why others cannot be taken up.

use super::{Batch, Request};
use crate::fault::Fault;
use crate::intake::{self, Candidate, ClipSource, DigestCache, KnownTexts, Readiness};
use crate::pipeline::choices;
use crate::pipeline::edits::Edits;
use crate::pipeline::event::{Event, Stage};
use crate::report::ClipReport;
use std::path::Path;

/// What intake found.
#[derive(Debug)]
pub struct Found {
    /// Clips that are whole, with what is known of them.
    pub sources: Vec<ClipSource>,
    /// Clips that could not be taken up.
    pub failed: Vec<ClipReport>,
    /// Files that are still being written, by name.
    pub unsettled: Vec<String>,
}

impl Batch<'_> {
    /// Finds the clips that are at rest, and says what is wrong with the others.
    pub fn intake(&self, state: &Path) -> Result<Found, Fault> {
        let Request { inbox, out, settle, .. } = self.request;
        let trace = &self.request.trace;
        let mut digests = DigestCache::load(&state.join("digests.json"));
        // Whoever watched has told of these already.
        let told = self.request.looked.is_some();
        let note = |text: String| (self.listener)(Event::Note { clip: None, text });
        let looked = match self.request.looked.clone() {
            Some(looked) => looked,
            None => {
                let _span = trace.span("settle");
                intake::settle(inbox, out, *settle, &|clip| digests.knows(clip), self.cancel)?
            }
        };
        looked.strange.iter().filter(|_| !told).for_each(|stranger| note(format!("{}.", stranger.told())));
        let looked = looked.clips;
        let scanned: Vec<Candidate> = looked.iter().map(|(candidate, _)| candidate.clone()).collect();
        let (mut settled, mut failed, mut unsettled) = (Vec::new(), Vec::new(), Vec::new());
        for (candidate, readiness) in looked {
            let file = intake::name_of(&candidate.path);
            match readiness {
                Readiness::Writing => {
                    if !told {
                        note(format!("{file} is still being copied; it waits for the next run."));
                    }
                    unsettled.push(file);
                }
                Readiness::Broken(fault) => failed.push(self.refused(&file, &file, &fault)),
                Readiness::Settled => {
                    let name = candidate.path.file_stem().unwrap_or_default().to_string_lossy();
                    match trace.of(&name).during("digest", || digests.digest(&candidate, *settle, self.cancel)) {
                        Ok(digest) => settled.push((candidate, digest)),
                        Err(Fault::Cancelled) => return Err(Fault::Cancelled),
                        // It changed or went away since it was looked at, which is no failure of the clip.
                        Err(_) if !candidate.is_as_seen() => unsettled.push(file),
                        Err(fault) => failed.push(self.refused(&file, &file, &fault)),
                    }
                }
            }
        }
        digests.keep_only(inbox, &scanned);
        digests.save()?;
        let (mut sources, complaints) = intake::sources(inbox, &scanned, &settled);
        complaints.iter().for_each(|complaint| note(format!("{complaint}.")));
        let alone = scanned.len() == 1 && !self.request.more_to_come;
        // All that follows needs of thousands of clips is in the sources.
        drop((digests, scanned, settled));
        let mut stopped = false;
        sources.retain_mut(|source| {
            // Of what is left as it is, only the name counts.
            if stopped || !self.takes(&source.name) {
                return true;
            }
            let file = intake::name_of(&source.path);
            match self.complete(source, alone) {
                Ok(true) => return true,
                Ok(false) => {
                    let text = "Its captions are being saved just now; it waits for the next run.".to_string();
                    (self.listener)(Event::Note { clip: Some(source.name.clone()), text });
                    unsettled.push(file);
                }
                Err(Fault::Cancelled) => stopped = true,
                Err(fault) => failed.push(self.refused(&source.name, &file, &fault)),
            }
            false
        });
        if stopped {
            return Err(Fault::Cancelled);
        }
        let unused = self.request.transcripts.as_deref().filter(|place| place.is_file()).filter(|_| {
            let may_come = self.request.more_to_come || !failed.is_empty() || !unsettled.is_empty();
            !may_come && !sources.is_empty() && sources.iter().all(|source| source.texts.given.is_none())
        });
        if let Some(place) = unused {
            let what = format!("no clip has the name of the transcript {}", place.display());
            return Err(Fault::new(what, "give it the name of its clip, or name a folder of transcripts"));
        }
        Ok(Found { sources, failed, unsettled })
    }

    /// Adds to a clip what people wrote about it; whether that is at rest.
    fn complete(&self, source: &mut ClipSource, alone: bool) -> Result<bool, Fault> {
        let edits = Edits { out: &self.request.out, store: &self.store };
        let is_at_rest = edits.is_at_rest(&source.name, &source.digest, self.request.settle, self.cancel)?;
        if is_at_rest {
            *source = self.completed(source, alone)?;
        }
        Ok(is_at_rest)
    }

    /// The clip with what people wrote about it, as it lies there now.
    ///
    /// # Errors
    /// Something that they wrote cannot be read.
    pub fn completed(&self, source: &ClipSource, alone: bool) -> Result<ClipSource, Fault> {
        let settings = choices::settings(&self.request.out, source, &self.request.practice.known)?;
        let texts = self.texts(source, alone)?;
        Ok(ClipSource { settings, texts, ..source.clone() })
    }

    /// What is known of a clip's words without listening; `alone` says that no other clip is in the inbox or will be.
    fn texts(&self, source: &ClipSource, alone: bool) -> Result<KnownTexts, Fault> {
        let Request { out, transcripts, .. } = self.request;
        let given = transcripts.as_deref().map(|place| intake::given_transcript(place, source, alone)).transpose()?;
        let corrected = Edits { out, store: &self.store }.look(&source.name, &source.digest)?;
        Ok(KnownTexts { given: given.flatten(), corrected, ..source.texts.clone() })
    }

    /// The report of a clip that cannot be taken up. It is told of where the clip is to be worked on.
    pub(super) fn refused(&self, clip: &str, file: &str, fault: &Fault) -> ClipReport {
        if self.takes_failure(clip) {
            self.failure(clip, file, Stage::Intake, fault)
        } else {
            ClipReport::failed(clip, file, Stage::Intake, fault)
        }
    }
}
