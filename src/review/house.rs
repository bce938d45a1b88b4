//! What is served: the day of one practice, or those of many; and what stands before the addresses of each.

use super::contract::{Day, Practices, Refusal};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;

/// What stands in addresses as it is (RFC 3986, 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is served.
#[derive(Clone)]
pub enum House {
    /// One practice alone: its day is at `/`.
    One(Arc<dyn Day>),
    /// Many: they are listed at `/`, and each has its day at `/p/NAME/`.
    Many(Arc<dyn Practices>),
}

impl<D: Day + 'static> From<Arc<D>> for House {
    fn from(day: Arc<D>) -> Self {
        House::One(day)
    }
}

impl House {
    /// The day of a practice; of the only one, where there is one.
    ///
    /// # Errors
    /// [`Refusal::Unknown`]; or its day cannot be opened now, and why.
    pub fn day(&self, practice: Option<&str>) -> Result<Arc<dyn Day>, Refusal> {
        match (self, practice) {
            (House::One(day), None) => Ok(day.clone()),
            (House::Many(practices), Some(id)) => practices.day(id),
            _ => Err(Refusal::Unknown),
        }
    }
}

/// What stands before every address of a practice: nothing where there is one practice alone.
pub fn base(practice: Option<&str>) -> String {
    practice.map_or_else(String::new, |id| format!("/p/{}", utf8_percent_encode(id, ENCODED)))
}

/// Whether a script asks for this address, and not a person.
pub fn is_for_script(path: &str) -> bool {
    // After the name of a practice the addresses are the same.
    let within = path.strip_prefix("/p/").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
    let starts = |path: &str| ["/api/", "/media/", "/assets/"].iter().any(|start| path.starts_with(start));
    starts(within.unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_may_have_any_name() {
        assert_eq!(base(None), "");
        assert_eq!(base(Some("alder")), "/p/alder");
        assert_eq!(base(Some("Dr. Müller & Co/?#%")), "/p/Dr.%20M%C3%BCller%20%26%20Co%2F%3F%23%25");
    }

    #[test]
    fn scripts_are_answered_as_scripts_in_every_practice() {
        for path in ["/api/day", "/media/logo", "/assets/base.css", "/p/alder/api/day", "/p/a%2Fb/media/x/view"] {
            assert!(is_for_script(path), "{path}");
        }
        for path in ["/", "/clip/0", "/p/alder/", "/p/alder", "/p/alder/clip/0", "/p/api/", "/p//clip/api/"] {
            assert!(!is_for_script(path), "{path}");
        }
    }
}
