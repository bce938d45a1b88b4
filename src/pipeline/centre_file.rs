//! `.housecall/centre.json` in the output folder of many practices: what it is of, for whoever names that folder alone.

use super::store::write_whole;
use super::tenure::state_folder;
use crate::centre::{Centre, Site};
use crate::fault::Fault;
use crate::intake;
use crate::plain_file::{self, Links};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A list of so many bytes is no list of practices.
const MOST: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
struct Kept {
    /// The root, by its whole path.
    root: PathBuf,
    /// The defaults, by their whole path.
    defaults: Option<PathBuf>,
    /// The practices' folders in it.
    practices: Vec<String>,
}

fn place(out: &Path) -> PathBuf {
    out.join(".housecall").join("centre.json")
}

/// Remembers in its output folder what a centre is. To be called with all of its practices, also where only some are worked on.
///
/// # Errors
/// The folder holds one practice's cuts already, or cannot be written to.
pub fn keep_centre(centre: &Centre) -> Result<(), Fault> {
    let file = place(&centre.out);
    if !file.exists() && centre.out.join(".housecall/journal.ndjson").exists() {
        let what = format!("{} holds the cuts of one practice", centre.out.display());
        return Err(Fault::new(what, "name another folder for the cuts of many with --out"));
    }
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let defaults = centre.sites.iter().find_map(|site| site.defaults.as_deref());
    let kept = Kept {
        root: whole(&centre.root),
        defaults: defaults.map(whole),
        practices: centre.sites.iter().map(|site| site.id.clone()).collect(),
    };
    let text = serde_json::to_string(&kept)
        .map_err(|e| Fault::new(format!("what the practices are cannot be kept ({e})"), "report this"))?;
    state_folder(&centre.out)?;
    if fs::read(&file).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    write_whole(&file, text.as_bytes())
}

/// The centre whose cuts lie in `out`, as it was when it was last worked on; none where that folder is one practice's. Who
/// came since and has something in `out` is of it. Who left the root since is not, unless nobody at all is there: then the
/// root may lie on a drive that is away.
///
/// # Errors
/// What was kept cannot be read.
pub fn kept_centre(out: &Path) -> Result<Option<Centre>, Fault> {
    let file = place(out);
    let unreadable = |why: String| {
        let what = format!("{} cannot be read ({why})", file.display());
        Fault::new(what, "run `housecall run` on the root of the practices again, which writes it anew")
    };
    let text = match plain_file::text(&file, MOST, Links::Refused) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let kept: Kept = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    // A name is no path: nothing outside of the folder is taken for a practice's.
    let plain = |id: &String| !id.starts_with('.') && !id.is_empty() && !id.contains(['/', std::path::MAIN_SEPARATOR]);
    let sites = kept.practices.into_iter().filter(plain).map(|id| {
        let (inbox, out) = (kept.root.join(&id), out.join(&id));
        Site { settings: Some(inbox.join("practice.toml")), defaults: kept.defaults.clone(), id, inbox, out }
    });
    let mut sites: Vec<Site> = sites.collect();
    let there = |site: &Site| site.settings.as_deref().is_some_and(Path::is_file);
    if sites.iter().any(there) {
        sites.retain(there);
    }
    let mut centre = Centre { root: kept.root, out: out.to_path_buf(), sites, strays: Vec::new() };
    let settings = |site: &Site| Some(site.inbox.join("practice.toml"));
    let unknown = centre.gone().into_iter();
    let came = unknown.map(|site| Site { settings: settings(&site), defaults: kept.defaults.clone(), ..site });
    let came: Vec<Site> = came.filter(there).collect();
    if !came.is_empty() {
        centre.sites.extend(came);
        centre.sites.sort_by(|a, b| intake::natural(&a.id, &b.id));
    }
    Ok(Some(centre))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_centre_is_known_by_its_output_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (root, out) = (folder.path().join("root"), folder.path().join("cuts"));
        let site = |id: &str| Site {
            id: id.into(),
            inbox: root.join(id),
            out: out.join(id),
            settings: Some(root.join(id).join("practice.toml")),
            defaults: None,
        };
        let sites = vec![site("alder"), site("birch")];
        let centre = Centre { root: root.clone(), out: out.clone(), sites, strays: Vec::new() };
        assert_eq!(kept_centre(&out).unwrap(), None);
        keep_centre(&centre).unwrap();
        assert_eq!(kept_centre(&out).unwrap(), Some(centre.clone()));
        // One has left the root; where all have, it is taken to be away.
        fs::create_dir_all(root.join("birch")).unwrap();
        fs::write(root.join("birch/practice.toml"), "").unwrap();
        let ids = || kept_centre(&out).unwrap().unwrap().sites.into_iter().map(|site| site.id).collect::<Vec<_>>();
        assert_eq!(ids(), ["birch"]);
        // One has come, and something of it is there.
        fs::create_dir_all(out.join("aspen/.housecall")).unwrap();
        assert_eq!(ids(), ["birch"]);
        fs::create_dir_all(root.join("aspen")).unwrap();
        fs::write(root.join("aspen/practice.toml"), "").unwrap();
        assert_eq!(ids(), ["aspen", "birch"]);
        fs::rename(&root, folder.path().join("away")).unwrap();
        assert_eq!(ids(), ["alder", "birch"]);
        fs::write(place(&out), "{\"root\":\"/r\",\"defaults\":null,\"practices\":[\"a\",\"../b\",\".c\",\"\"]}")
            .unwrap();
        assert_eq!(kept_centre(&out).unwrap().unwrap().sites.len(), 1);
        fs::write(place(&out), "{").unwrap();
        assert!(kept_centre(&out).unwrap_err().what().contains("centre.json"));

        let alone = folder.path().join("alone");
        fs::create_dir_all(alone.join(".housecall")).unwrap();
        fs::write(alone.join(".housecall/journal.ndjson"), "").unwrap();
        assert!(keep_centre(&Centre { out: alone, ..centre }).unwrap_err().what().contains("one practice"));
    }
}
