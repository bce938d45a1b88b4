//! Transcripts, and the texts beside the cuts.

use super::{Planned, Workshop};
use crate::captions;
use crate::fault::Fault;
use crate::pipeline::beside::{Beside, Laid};
use crate::pipeline::choices;
use crate::pipeline::edits::{Edits, captions_file, written_captions};
use crate::pipeline::event::Event;
use crate::pipeline::store::write_whole;
use crate::report::{ClipReport, CutState};
use crate::speech::Transcript;
use crate::wording;
use std::fs;
use std::path::{Path, PathBuf};

impl Workshop<'_> {
    /// Transcripts, by their place relative to the output folder; sidecar captions and post texts, beside their cuts.
    pub(super) fn write_words(&self, planned: &Planned, report: &ClipReport) -> Result<(Vec<PathBuf>, Laid), Fault> {
        let Planned { source, understood, wording, .. } = planned;
        let style = &self.practice.style;
        let transcripts = Path::new("transcripts");
        let said = Transcript { words: wording.words.clone(), ..understood.transcript.clone() };
        let json = serde_json::to_string_pretty(&said)
            .map_err(|e| Fault::new(format!("the transcript cannot be written ({e})"), "report this"))?;
        let srt = written_captions(wording, style);
        let edits = Edits { out: self.out, store: self.store };
        if let Some(aside) = edits.write(&source.name, &source.digest, &srt)? {
            let text = format!(
                "The clip is another one than before. The captions that were corrected for the old one are kept as {}.",
                aside.display()
            );
            (self.listener)(Event::Note { clip: Some(source.name.clone()), text });
        }
        if let Some(aside) = choices::settle(self.out, &source.name, &source.digest)? {
            let text = format!(
                "The clip is another one than before. What was chosen for the old one is kept as {}.",
                aside.display()
            );
            (self.listener)(Event::Note { clip: Some(source.name.clone()), text });
        }
        let transcript = transcripts.join(format!("{}.json", source.name));
        self.write_text(&transcript, &(json + "\n"))?;
        let mut texts = Vec::new();
        for (cut, plan) in report
            .cuts
            .iter()
            .filter(|c| matches!(c.state, CutState::Published | CutState::Held))
            .filter_map(|c| Some((c, planned.cut(&c.platform)?)))
        {
            let Some(platform) = self.platform(&cut.platform) else { continue };
            // A platform without text gets no empty file.
            if let Some(post) = cut.post.as_ref().filter(|post| post.title.is_some() || !post.text.is_empty()) {
                texts.push((plan.file.with_extension("txt"), wording::file_text(post)));
            }
            if platform.sidecar_srt && !wording.words.is_empty() {
                let words = plan.recipe.kept.words(&wording.words);
                let breaks = wording.breaks.as_ref().map(|breaks| plan.recipe.kept.moments(breaks));
                let cues = captions::sidecar_cues(&words, breaks.as_deref(), style);
                texts.push((plan.file.with_extension("srt"), captions::srt(&cues)));
            }
        }
        let beside = Beside { out: self.out, journal: self.journal };
        let laid = beside.lay(&source.name, &source.digest, &texts, planned.shelf())?;
        for text in &laid.notes {
            (self.listener)(Event::Note { clip: Some(source.name.clone()), text: text.clone() });
        }
        Ok((vec![captions_file(&source.name), transcript], laid))
    }

    /// Writes a text unless it stands there already.
    fn write_text(&self, file: &Path, text: &str) -> Result<(), Fault> {
        let target = self.out.join(file);
        if fs::read(&target).ok().as_deref() != Some(text.as_bytes()) {
            write_whole(&target, text.as_bytes())?;
        }
        Ok(())
    }
}
