//! Published files by what they hold and by the clip that they are of, so that one of them is found without looking at all.

use crate::intake::Digest;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where to look. What it gives may have been published anew since: whoever asks compares with what the journal says now.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By the first bytes of the key's BLAKE3: two keys that share them cost a look.
    by_key: HashMap<u64, BTreeSet<Arc<Path>>>,
    by_stem: HashMap<OsString, BTreeSet<Arc<Path>>>,
}

impl Index {
    /// Of all these files.
    pub fn of<'a>(published: impl Iterator<Item = (&'a PathBuf, &'a Digest)>) -> Self {
        let mut index = Index::default();
        published.for_each(|(file, key)| index.add(file, key));
        index
    }

    /// Adds a file that was published under this key.
    pub fn add(&mut self, file: &Path, key: &Digest) {
        let file: Arc<Path> = file.into();
        if let Some(stem) = file.file_stem() {
            self.by_stem.entry(stem.to_os_string()).or_default().insert(file.clone());
        }
        self.by_key.entry(short(key)).or_default().insert(file);
    }

    /// Files that may hold this, in order.
    pub fn holding(&self, key: &Digest) -> impl Iterator<Item = &Path> {
        self.by_key.get(&short(key)).into_iter().flatten().map(|file| &**file)
    }

    /// Files that were published of a clip, in order.
    pub fn of_clip(&self, clip: &str) -> impl Iterator<Item = &Path> {
        self.by_stem.get(std::ffi::OsStr::new(clip)).into_iter().flatten().map(|file| &**file)
    }
}

fn short(key: &Digest) -> u64 {
    let hash = blake3::hash(key.0.as_bytes());
    hash.as_bytes().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
