//! Which clips a cluster was given, for whoever asks how an output folder stands. No job is read, and no engine asked.

use super::set::JobSet;
use crate::pipeline::Handed;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The clips of all sets of an output folder that are not over, by the name of their practice's folder, which is empty where
/// there is no root. Of a clip that was submitted several times the last time.
pub fn handed_out(out: &Path) -> BTreeMap<String, Vec<Handed>> {
    let mut last: HashMap<(String, String), Handed> = HashMap::new();
    for set in JobSet::all(out).into_iter().filter(|set| !set.over) {
        for brief in set.briefs() {
            let handed = Handed { clip: brief.clip.clone(), fingerprint: brief.fingerprint, at: set.at.clone() };
            last.insert((brief.practice, brief.clip), handed);
        }
    }
    let mut all: BTreeMap<String, Vec<Handed>> = BTreeMap::new();
    last.into_iter().for_each(|((practice, _), handed)| all.entry(practice).or_default().push(handed));
    all
}
