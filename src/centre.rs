//! Many practices under one roof: a root folder with one folder a practice, each with its own practice.toml, and an output
//! folder in which each has a folder of the same name. What a practice has there is whole by itself: its journal, its
//! report, its approvals; nothing of it is shared with another.

use crate::fault::Fault;
use crate::intake;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The file that makes a folder a practice's, and that holds the defaults of all practices where it lies in their root.
const SETTINGS: &str = "practice.toml";

/// What a folder that somebody names is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// The inbox of one practice.
    One(Site),
    /// The root of many.
    Many(Centre),
}

/// Where one practice's clips lie and where its cuts go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Name of its folder in the root; empty where there is no root.
    pub id: String,
    /// Folder with its clips.
    pub inbox: PathBuf,
    /// Its output folder.
    pub out: PathBuf,
    /// Its own practice.toml; none: it is looked for, as [`find_practice`](crate::config::find_practice) does.
    pub settings: Option<PathBuf>,
    /// What holds for every practice that does not say otherwise.
    pub defaults: Option<PathBuf>,
}

/// A root with many practices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Centre {
    /// The root.
    pub root: PathBuf,
    /// Output folder of all.
    pub out: PathBuf,
    /// One a practice, sorted as a person sorts.
    pub sites: Vec<Site>,
    /// What lies in the root and is nobody's, in whole sentences without a stop.
    pub strays: Vec<String>,
}

impl Site {
    /// Of a practice that is under no root; `settings` is its practice.toml where one was named.
    pub fn alone(inbox: &Path, out: &Path, settings: Option<&Path>) -> Self {
        let (inbox, out, settings) = (inbox.to_path_buf(), out.to_path_buf(), settings.map(PathBuf::from));
        Site { id: String::new(), inbox, out, settings, defaults: None }
    }
}

impl Centre {
    /// Practices that are not in the root any more though something of theirs lies in the output folder: they are listed, and
    /// nothing is ever made for them. Only names are looked at.
    pub fn gone(&self) -> Vec<Site> {
        let entries = fs::read_dir(&self.out).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
        let known: HashSet<&str> = self.sites.iter().map(|site| site.id.as_str()).collect();
        let left = names.filter(|id| !id.starts_with('.') && !known.contains(id.as_str()));
        let left = left.filter(|id| self.out.join(id).join(".housecall").is_dir());
        let site = |id: String| Site {
            inbox: self.root.join(&id),
            out: self.out.join(&id),
            id,
            settings: None,
            defaults: None,
        };
        let mut sites: Vec<Site> = left.map(site).collect();
        sites.sort_by(|a, b| intake::natural(&a.id, &b.id));
        sites
    }
}

/// Why nothing is made for a practice that is [gone](Centre::gone), without a stop.
pub fn why_gone(site: &Site) -> &'static str {
    match site.inbox.is_dir() {
        true => "its folder in the root has no practice.toml any more; its cuts stay",
        false => "its folder is gone from the root; its cuts stay",
    }
}

impl Shape {
    /// What `root` is: the root of many practices if a folder in it has a practice.toml. `practice` is what was named as the
    /// practice's settings: for a root, the defaults of all. Only names are looked at, and links are not followed.
    ///
    /// # Errors
    /// The folder cannot be read, or is not apart from the output folder.
    pub fn of(root: &Path, out: &Path, practice: Option<&Path>) -> Result<Self, Fault> {
        intake::apart(root, out)?;
        let unreadable = |error: std::io::Error| {
            Fault::new(format!("{} cannot be read ({error})", root.display()), "give a folder that you may open")
        };
        let own_output = fs::canonicalize(out).ok();
        let (mut sites, mut strays) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(root).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let (name, inbox) = (entry.file_name(), entry.path());
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let hidden = name.to_string_lossy().starts_with('.');
            if !is_folder || hidden || fs::canonicalize(&inbox).ok() == own_output {
                continue;
            }
            let settings = inbox.join(SETTINGS);
            let has_settings = fs::symlink_metadata(&settings).is_ok_and(|about| about.is_file());
            match name.into_string() {
                Ok(id) if has_settings => {
                    sites.push(Site { out: out.join(&id), id, inbox, settings: Some(settings), defaults: None });
                }
                Err(name) if has_settings => strays.push(format!(
                    "the folder {} has a name that is no text, so that it is passed over; give it another name",
                    name.display()
                )),
                // Only what has clips is missed.
                _ if has_clips(&inbox, out) => strays.push(format!(
                    "the folder {} has clips and no {SETTINGS}, so that it is passed over; write one with `housecall init \"{}\"`",
                    intake::name_of(&inbox),
                    inbox.display()
                )),
                _ => {}
            }
        }
        if sites.is_empty() {
            return Ok(Shape::One(Site::alone(root, out, practice)));
        }
        let in_root = root.join(SETTINGS);
        let defaults = practice.map(PathBuf::from).or_else(|| in_root.is_file().then_some(in_root));
        sites.iter_mut().for_each(|site| site.defaults.clone_from(&defaults));
        sites.sort_by(|a, b| intake::natural(&a.id, &b.id));
        let clips = intake::survey(root, out)?.clips;
        strays.extend(clips.iter().map(|clip| {
            format!(
                "{} lies beside the folders of the practices and belongs to none, so that it is passed over; move it into one",
                intake::name_of(&clip.path)
            )
        }));
        strays.sort();
        Ok(Shape::Many(Centre { root: root.to_path_buf(), out: out.to_path_buf(), sites, strays }))
    }

    /// Its practices; one where there is no root.
    pub fn sites(&self) -> &[Site] {
        match self {
            Shape::One(site) => std::slice::from_ref(site),
            Shape::Many(centre) => &centre.sites,
        }
    }
}

fn has_clips(folder: &Path, out: &Path) -> bool {
    intake::survey(folder, out).is_ok_and(|survey| !survey.clips.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A root with these files, each in its folder.
    fn root(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        root
    }

    fn shape(root: &Path) -> Shape {
        Shape::of(root, &root.join("cuts"), None).unwrap()
    }

    #[test]
    fn a_folder_without_practices_in_it_is_one_practice() {
        let root = root(&["practice.toml", "a.mp4", "old/b.mp4", "cuts/practice.toml", ".hidden/practice.toml"]);
        let Shape::One(site) = shape(root.path()) else { panic!("many") };
        assert_eq!((site.id.as_str(), site.inbox.as_path(), site.settings), ("", root.path(), None));
        assert_eq!(site.out, root.path().join("cuts"));
    }

    #[test]
    fn each_folder_with_settings_is_a_practice_with_an_output_folder_of_its_own() {
        let files = ["practice.toml", "b10/practice.toml", "b2/practice.toml", "b2/a.mp4", "cuts/practice.toml"];
        let root = root(&files);
        let Shape::Many(centre) = shape(root.path()) else { panic!("one") };
        let ids: Vec<&str> = centre.sites.iter().map(|site| site.id.as_str()).collect();
        assert_eq!(ids, ["b2", "b10"]);
        assert_eq!(centre.sites[0].out, root.path().join("cuts/b2"));
        assert_eq!(centre.sites[0].defaults, Some(root.path().join("practice.toml")));
        assert!(centre.strays.is_empty(), "{:?}", centre.strays);
    }

    #[test]
    fn what_is_nobodys_is_told_of() {
        let root = root(&["alder/practice.toml", "birch/a.mp4", "empty/notes.txt", "stray.mp4"]);
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.path().join("alder"), root.path().join("link")).unwrap();
        let Shape::Many(centre) = shape(root.path()) else { panic!("one") };
        assert_eq!((centre.sites.len(), centre.strays.len()), (1, 2), "{centre:?}");
        assert!(centre.strays[0].starts_with("stray.mp4 lies beside"), "{:?}", centre.strays);
        assert!(centre.strays[1].contains("birch has clips and no practice.toml"), "{:?}", centre.strays);
        assert_eq!(centre.sites[0].defaults, None);
    }

    #[test]
    fn a_practice_that_left_the_root_is_known_by_its_cuts() {
        let files = ["alder/practice.toml", "birch/a.mp4", "cuts/overview.html", "cuts/.housecall/centre.json"];
        let root = root(&files);
        for id in ["alder", "birch", "cedar10", "cedar2"] {
            fs::create_dir_all(root.path().join("cuts").join(id).join(".housecall")).unwrap();
        }
        fs::create_dir_all(root.path().join("cuts/notes")).unwrap();
        let gone = || match shape(root.path()) {
            Shape::Many(centre) => centre.gone(),
            Shape::One(_) => panic!("one"),
        };
        let ids: Vec<String> = gone().into_iter().map(|site| site.id).collect();
        assert_eq!(ids, ["birch", "cedar2", "cedar10"]);
        assert!(
            why_gone(&gone()[0]).contains("no practice.toml") && why_gone(&gone()[1]).contains("gone from the root")
        );
        fs::create_dir(root.path().join("cedar2")).unwrap();
        fs::write(root.path().join("cedar2/practice.toml"), "").unwrap();
        assert_eq!(gone().len(), 2, "it is back");
    }
}
