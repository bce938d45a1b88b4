//! What is known of clips from before, and what is kept of them for later.

use super::Batch;
use crate::fault::Fault;
use crate::intake::ClipSource;
use crate::pipeline::sheet_file;
use crate::pipeline::tenure::Tenure;
use crate::report::{ClipBrief, ClipReport, ClipState};
use std::collections::BTreeSet;
use std::path::PathBuf;

impl Batch<'_> {
    /// The report of a clip that is wholly in place. It is what is known of the clip from here on, whatever was planned or
    /// failed meanwhile.
    ///
    /// # Errors
    /// The disk takes nothing.
    pub(super) fn known_report(&self, source: &ClipSource, tenure: &Tenure) -> Result<Option<ClipReport>, Fault> {
        let fingerprint = self.fingerprint(source);
        if !tenure.journal.is_done(&source.name, &fingerprint) {
            return Ok(None);
        }
        let known: Option<ClipReport> = self.store.get("report", &fingerprint.0);
        // Nobody decides about it while it is looked at; somebody may have done so after it was made.
        let record = self.record();
        let known = known.filter(|report| report.signoff.decide(record.last(&source.name)) == report.signoff.standing);
        known.as_ref().map_or(Ok(()), |report| self.store.put("clip", &source.name, report))?;
        Ok(known.map(|report| ClipReport { state: ClipState::Unchanged, ..report }))
    }

    /// What an earlier plan of the clip as it is now said, with what people decided since; none where nobody planned it, or
    /// where something that was made is gone.
    pub fn foreseen(&self, source: &ClipSource, tenure: &Tenure) -> Option<ClipReport> {
        let fingerprint = self.fingerprint(source);
        let report: ClipReport = self.store.get("report", &fingerprint.0)?;
        let standing = report.signoff.decide(self.record().last(&source.name));
        let moved = standing.shelf() != report.signoff.standing.shelf();
        let in_place = tenure.journal.is_done(&source.name, &fingerprint) && !moved;
        (in_place || report.made() == 0).then(|| report.standing(standing))
    }

    /// Keeps what is known of all clips now and writes the report; its file, if there is one. `others` are of clips of the
    /// inbox that were not worked on.
    pub(super) fn keep(
        &self,
        sources: &[ClipSource],
        reports: &[ClipBrief],
        others: &[ClipBrief],
    ) -> Result<Option<PathBuf>, Fault> {
        // What a person decides about later; those that are made, or were before, are kept already.
        for clip in reports.iter().filter(|clip| matches!(clip.state, ClipState::Failed { .. })) {
            self.store.put("clip", &clip.name, &sheet_file::whole_report(&self.store, clip))?;
        }
        let sheet: Vec<&ClipBrief> = reports.iter().chain(others).collect();
        let names = sources.iter().map(|source| &source.name);
        let clips: BTreeSet<&String> = names.chain(sheet.iter().map(|report| &report.name)).collect();
        // A file that could not be taken up is told of under its own name until it can, or is gone.
        for name in self.store.get::<BTreeSet<String>>("sheet", "clips").unwrap_or_default() {
            let nameless = |report: ClipBrief| report.name == report.file;
            if !clips.contains(&name) && self.store.get("clip", &name).is_some_and(nameless) {
                self.store.remove("clip", &name);
            }
        }
        self.store.put("sheet", "clips", &clips)?;
        let platforms = self.request.practice.platforms.iter().map(|p| (p.id.clone(), p.name.clone())).collect();
        let about = sheet_file::About { practice: self.request.practice.name.clone(), platforms };
        sheet_file::write(&self.store, &self.request.out, &about, sheet)
    }
}
