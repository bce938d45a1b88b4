//! One page and one watch at a time for a centre as a whole, and who writes its overview. The folder of each practice has its
//! own lock, which is what keeps cuts from being made twice; these here are so that whoever starts a second page or watch is
//! told at once who has the first, and not of a thousand practices one by one.
//!
//! A page and a watch of the same centre go together, as they do for one practice: a watch that is installed as a service
//! waits as long as somebody has the page.

use super::durable::make_folder;
use super::lock::{self, Holder, Lock, Patience};
use super::tenure::state_folder;
use crate::fault::{Fault, cannot_write};
use std::path::{Path, PathBuf};

/// The right to do something for all practices of a centre that one program does at a time, until it is dropped.
#[derive(Debug)]
pub struct Session(Lock);

impl Session {
    /// Begins what `verb` does (`review`, `watch`, `overview`) for the centre whose cuts go to `out`, waiting as long as
    /// `patience` has.
    ///
    /// # Errors
    /// Somebody else does that already; the fault says who, where and since when. The folder cannot be written to.
    /// [`Fault::Cancelled`].
    pub fn begin(out: &Path, verb: &str, patience: &Patience) -> Result<Self, Fault> {
        state_folder(out)?;
        let folder = place(out, verb);
        make_folder(&folder).map_err(|e| cannot_write(&folder, &e))?;
        Lock::take(&folder, verb, patience).map(Session)
    }

    /// Whether another computer took this over while this one slept.
    pub fn is_lost(&self) -> bool {
        self.0.is_lost()
    }
}

/// Who does what `verb` does for all practices whose cuts go to `out`, as far as can be told without touching anything.
pub fn in_session(out: &Path, verb: &str) -> Option<Holder> {
    lock::holder(&place(out, verb))
}

fn place(out: &Path, verb: &str) -> PathBuf {
    out.join(".housecall").join("locks").join(verb)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fault::Cancel;

    #[test]
    fn a_second_session_of_a_kind_is_told_who_has_the_first() {
        let out = tempfile::tempdir().unwrap();
        let (out, cancel) = (out.path(), Cancel::new());
        let patience = Patience { wait: false, cancel: &cancel, tell: &|_| () };
        assert!(in_session(out, "review").is_none());
        let review = Session::begin(out, "review", &patience).unwrap();
        let fault = Session::begin(out, "review", &patience).unwrap_err();
        let who = format!("working on {}: {}", out.display(), in_session(out, "review").unwrap().in_words());
        assert!(fault.what().ends_with(&who) && fault.advice().contains("--wait"), "{fault}");
        // Neither a watch nor a practice's own folder is kept by it.
        let watch = Session::begin(out, "watch", &patience).unwrap();
        assert!(in_session(out, "watch").is_some_and(|holder| holder.verb == "watch") && !watch.is_lost());
        drop(Lock::take(&state_folder(&out.join("alder")).unwrap(), "run", &patience).unwrap());
        drop(review);
        assert!(in_session(out, "review").is_none());
        Session::begin(out, "review", &patience).unwrap();
    }
}
