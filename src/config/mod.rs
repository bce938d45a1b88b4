//! practice.toml and the presets: raw (serde, what was typed) to resolved (what is meant). Later stages see only the
//! resolved structs of this module's surface.

mod choices;
mod clip_file;
mod glossary_file;
mod layers;
mod platform_file;
mod practice_file;
mod resolved;
mod template;
#[cfg(test)]
mod tests;
mod typed;

pub use choices::{Choices, PostChoice};
pub use clip_file::{clip_settings, clip_settings_of};
pub use glossary_file::{glossary_additions, glossary_additions_of, glossary_file};
pub use resolved::{
    Anchor, Bounds, CanvasChoice, CardBackground, ClipSettings, Corner, Crop, EncoderChoice, Encoding, EndCard,
    Framing, Platform, PostLimits, Practice, Require, ReviewPage, Source, Style, TooLong, UNDERSTOOD, Watermark,
};
pub use template::template;
pub(crate) use typed::Typed;

use crate::fault::Fault;
use etcetera::BaseStrategy;
use std::path::{Path, PathBuf};

/// Reads and checks a practice.toml. The user's own platform presets replace the embedded ones.
///
/// Fails on the first thing that is wrong, with its line and what is allowed there.
pub fn load(file: &Path) -> Result<Practice, Fault> {
    load_under(file, None)
}

/// As [`load`], over defaults that hold where the practice's own file says nothing: key by key, tables merged, everything
/// else replaced. The defaults need no name; a path counts from the folder of the file that it stands in.
///
/// # Errors
/// As [`load`]; the fault names the file of the two that is wrong.
pub fn load_under(file: &Path, defaults: Option<&Path>) -> Result<Practice, Fault> {
    practice_file::load(file, defaults, own_presets().as_deref())
}

/// Whether a file of defaults is right by itself, whatever a practice says. That a logo is wished for and not there is left
/// to each practice.
///
/// # Errors
/// As [`load`].
pub fn check_defaults(file: &Path) -> Result<(), Fault> {
    practice_file::check_defaults(file, own_presets().as_deref())
}

/// As [`load`], with the folder that holds the user's own presets (`<id>.toml`); none: the embedded ones alone.
pub fn load_with(file: &Path, presets: Option<&Path>) -> Result<Practice, Fault> {
    practice_file::load(file, None, presets)
}

/// As [`load_with`], of a text that was read already; `file` says where it lies.
///
/// # Errors
/// As [`load`].
pub fn practice_of(file: &Path, text: &str, presets: Option<&Path>) -> Result<Practice, Fault> {
    practice_file::parse(&Typed::of(file, text), file, presets)
}

/// Which practice.toml counts: the one that was named, else the inbox's, else the one in the user's config folder.
///
/// Fails where there is none; the fault names `housecall init`.
pub fn find_practice(explicit: Option<&Path>, inbox: &Path) -> Result<PathBuf, Fault> {
    find_practice_in(explicit, inbox, user_folder().as_deref())
}

fn find_practice_in(explicit: Option<&Path>, inbox: &Path, user: Option<&Path>) -> Result<PathBuf, Fault> {
    let advice = "write one with `housecall init`, or name yours with --practice FILE";
    if let Some(file) = explicit {
        let missing = || Fault::new(format!("there is no practice file at {}", file.display()), advice);
        return file.is_file().then(|| file.to_path_buf()).ok_or_else(missing);
    }
    let folders = [Some(inbox), user];
    let mut candidates = folders.into_iter().flatten().map(|folder| folder.join("practice.toml"));
    candidates.find(|file| file.is_file()).ok_or_else(|| {
        let user = user.map(|folder| format!(" or in {}", folder.display())).unwrap_or_default();
        Fault::new(format!("there is no practice.toml in {}{user}", inbox.display()), advice)
    })
}

/// Every platform that there is, without any practice's overrides, in the order in which they are listed.
///
/// Fails on a faulty preset of the user's own.
pub fn platforms() -> Result<Vec<Platform>, Fault> {
    platforms_with(own_presets().as_deref())
}

/// As [`platforms`], with the folder that holds the user's own presets; none: the embedded ones alone.
pub fn platforms_with(presets: Option<&Path>) -> Result<Vec<Platform>, Fault> {
    platform_file::presets(presets)?.into_iter().map(|(id, fields)| fields.resolve(&id)).collect()
}

fn own_presets() -> Option<PathBuf> {
    user_folder().map(|folder| folder.join("platforms"))
}

/// Housecall's folder in the user's config folder (`~/.config/housecall`); none where there is no home folder.
pub fn user_folder() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|strategy| strategy.config_dir().join("housecall"))
}

impl Practice {
    /// Everything that may change what is made of a clip, as text. Where its files lie is left out, since a practice's folder
    /// may move and a value may be written in the defaults: what the logo and the checks hold counts elsewhere.
    pub fn identity(&self) -> String {
        let placeless = Practice {
            file: PathBuf::new(),
            logo: self.logo.as_ref().map(|_| PathBuf::new()),
            check_files: None,
            page: ReviewPage::default(),
            ..self.clone()
        };
        format!("{placeless:?}")
    }

    /// The same practice posting to these platforms (`--platforms a,b`), its overrides applied.
    ///
    /// Fails on an id that is unknown and lists those that are known.
    pub fn with_platforms(&self, ids: &[String]) -> Result<Practice, Fault> {
        let find = |id: &String| {
            practice_file::find(&self.known, id.trim()).map_err(|what| Fault::new(what, "correct --platforms"))
        };
        let platforms = practice_file::distinct(ids.iter().map(find).collect::<Result<_, _>>()?);
        if platforms.is_empty() {
            return Err(Fault::new("--platforms names no platform", "write --platforms tiktok,youtube"));
        }
        Ok(Practice { platforms, ..self.clone() })
    }
}
