//! The cover of a clip: whether it is missing, and its way into its place. One that cannot be made stops nothing.

use super::{Planned, Workshop};
use crate::fault::{Fault, cannot_write};
use crate::intake::Digest;
use crate::pipeline::event::Event;
use crate::pipeline::journal::{Entry, Stamp};
use crate::pipeline::store::write_whole;
use crate::worker::Cover;
use std::fs;
use std::path::{Path, PathBuf};

impl Workshop<'_> {
    /// The cover, unless it is in place.
    pub(super) fn cover_job(&self, planned: &Planned) -> Option<(Cover, Digest)> {
        let recipe = planned.plan.cover.clone()?;
        let key = recipe.key();
        let file = self.scratch_file(planned, &key, "jpg");
        let wanted = !self.journal.holds(&planned.cover_place(), &key) && !self.is_elsewhere(&key);
        wanted.then_some((Cover { recipe, file }, key))
    }

    /// A cover that cannot be made is told of and stops nothing.
    pub(super) fn publish_cover(&self, planned: &Planned, file: &Path, key: Digest, made: Result<(), Fault>) {
        let name = planned.cover_place();
        let target = self.out.join(&name);
        let put = made.and_then(|()| {
            let bytes = fs::read(file).map_err(|e| cannot_write(file, &e))?;
            if self.delivers() {
                self.delivered.give_cover(&key, &bytes)?;
            }
            let _still = self.still(planned)?;
            write_whole(&target, &bytes)?;
            let stamp = Stamp::of(&target).ok_or_else(|| Fault::new("the cover vanished", "run again"))?;
            self.journal.append(Entry::Published { file: name, key, stamp })
        });
        if let Err(fault) = put.or_else(|fault| if fault.is_cancelled() { Ok(()) } else { Err(fault) }) {
            let clip = Some(planned.source.name.clone());
            (self.listener)(Event::Note { clip, text: format!("No cover was made: {fault}.") });
        }
    }
}

/// Where a clip's cover lies among the public files, relative to the output folder.
pub(super) fn cover_file(name: &str) -> PathBuf {
    Path::new("covers").join(format!("{name}.jpg"))
}
