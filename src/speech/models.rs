//! Which speech models there are, and where they lie.

use super::AudioContext;
use crate::fault::Fault;
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The model for a practice's clips in English, and in any other language.
const DEFAULT_ENGLISH: &str = "small.en";
const DEFAULT_OTHER: &str = "small";
/// The model that comes with the program.
const STARTER: &str = "starter";
/// Overrides the folder that models are kept in.
const FOLDER_VARIABLE: &str = "HOUSECALL_MODELS";

/// A model as `presets/models.toml` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// What `--model` takes: `small.en`.
    pub name: String,
    /// File name in the models folder.
    pub file: String,
    /// Where it is downloaded from; empty for the model that comes with the program.
    pub url: String,
    /// Size of the file.
    pub bytes: u64,
    /// What the file's bytes have to add up to.
    pub checksum: Checksum,
    /// Whether it knows other languages than English.
    pub multilingual: bool,
    /// Attention heads for word times: a preset of whisper.cpp by the model's name, `top-2` for the two top layers, or
    /// `none` for times from time tokens.
    pub dtw: String,
    /// Longest stretch of sound it bears at once, in seconds: 3 to 28 (its window is 30).
    pub stretch_seconds: u32,
    /// How much of its window it goes over for a shorter stretch.
    #[serde(default)]
    pub audio_context: AudioContext,
    /// Whether it was trained to take text before the sound as a hint; Whisper's were.
    #[serde(default = "trained_with_text")]
    pub prompt: bool,
    /// About how much memory it takes while it works, in MB.
    pub memory_mb: u32,
    /// One line for a person who chooses.
    pub about: String,
}

fn trained_with_text() -> bool {
    true
}

/// A published checksum, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Checksum {
    /// 40 digits.
    Sha1(String),
    /// 64 digits.
    Sha256(String),
}

impl TryFrom<String> for Checksum {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let is_hex =
            |hex: &str, digits| hex.len() == digits && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match text.split_once(':') {
            Some(("sha1", hex)) if is_hex(hex, 40) => Ok(Checksum::Sha1(hex.to_string())),
            Some(("sha256", hex)) if is_hex(hex, 64) => Ok(Checksum::Sha256(hex.to_string())),
            _ => Err(format!(
                "\"{text}\" is no checksum; write it as \"sha1:<40 hex digits>\" or \"sha256:<64 hex digits>\""
            )),
        }
    }
}

impl From<Checksum> for String {
    fn from(checksum: Checksum) -> Self {
        match checksum {
            Checksum::Sha1(hex) => format!("sha1:{hex}"),
            Checksum::Sha256(hex) => format!("sha256:{hex}"),
        }
    }
}

/// A model's file on this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Its name in the catalogue, or the file's name without `.bin`: what a transcript says heard it.
    pub name: String,
    /// Where it lies.
    #[serde(with = "crate::exact_path")]
    pub path: PathBuf,
    /// What is known about it; `None` for a file that the catalogue does not name.
    pub entry: Option<ModelEntry>,
}

impl ModelFile {
    /// Whether it was trained to take text before the sound as a hint; a file that the catalogue does not know is taken
    /// for one of Whisper's.
    pub fn takes_prompt(&self) -> bool {
        self.entry.as_ref().is_none_or(|entry| entry.prompt)
    }

    /// What its transcripts are filed under: the name of a published model; for a file of one's own also its size and
    /// date, so that another file under the same name is heard anew.
    pub fn key(&self) -> String {
        let stamp = self.path.metadata().and_then(|m| Ok((m.len(), m.modified()?)));
        match (&self.entry, stamp) {
            (None, Ok((bytes, modified))) => format!("{} {bytes} {modified:?}", self.name),
            _ => self.name.clone(),
        }
    }
}

/// Where a wanted model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// On this computer.
    Present(ModelFile),
    /// It has to be downloaded first.
    Missing {
        /// What to download.
        entry: ModelEntry,
        /// Where to put it.
        target: PathBuf,
    },
}

/// All models that have a name, as `presets/models.toml` lists them.
pub fn catalogue() -> Result<Vec<ModelEntry>, Fault> {
    #[derive(Deserialize)]
    struct File {
        model: Vec<ModelEntry>,
    }
    let file: File = toml::from_str(include_str!("../../presets/models.toml"))
        .map_err(|e| Fault::new(format!("the list of models cannot be read: {e}"), "install Housecall again"))?;
    Ok(file.model)
}

/// The folders that models are looked for in, the one that downloads go to first: `$HOUSECALL_MODELS`, else
/// `housecall/models` in the user's data folder.
pub fn folders() -> Result<Vec<PathBuf>, Fault> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE).filter(|f| !f.is_empty()) {
        return Ok(vec![PathBuf::from(folder)]);
    }
    let base = etcetera::choose_base_strategy().map_err(|_| {
        let advice = format!("set {FOLDER_VARIABLE} to a folder that speech models can be kept in");
        Fault::new("your home folder is not known, so there is no place for speech models", advice)
    })?;
    Ok(vec![base.data_dir().join("housecall").join("models")])
}

/// Finds the model that was asked for: a name of the catalogue, a file (with a slash, or ending in `.bin`), or by
/// default the one for `language` (an ISO 639-1 code, or `auto`). `folders` are looked through in their order, and the
/// first takes downloads.
///
/// # Errors
/// An unknown name, a file that is not there, an English model for another language, or no folder.
pub fn find(name_or_path: Option<&str>, language: &str, folders: &[PathBuf]) -> Result<Located, Fault> {
    let default = if language == "en" { DEFAULT_ENGLISH } else { DEFAULT_OTHER };
    let wanted = name_or_path.unwrap_or(default);
    let all = catalogue()?;
    let path = Path::new(wanted);
    if wanted.contains(['/', std::path::MAIN_SEPARATOR]) || wanted.ends_with(".bin") {
        return file(path, all)
            .and_then(|model| speaks(model.entry.as_ref(), language).map(|()| Located::Present(model)));
    }
    let Some(entry) = all.iter().find(|e| e.name == wanted) else {
        let names: Vec<&str> = all.iter().map(|e| e.name.as_str()).collect();
        let advice = format!("name one of {}, or a model's file", names.join(", "));
        return Err(Fault::new(format!("there is no speech model \"{wanted}\""), advice));
    };
    speaks(Some(entry), language)?;
    let bundled = if entry.name == STARTER { bundled_folders() } else { Vec::new() };
    if let Some(path) = folders.iter().chain(&bundled).map(|f| f.join(&entry.file)).find(|p| p.is_file()) {
        return Ok(Located::Present(ModelFile { name: entry.name.clone(), path, entry: Some(entry.clone()) }));
    }
    if entry.url.is_empty() {
        let advice = "give its file, or name another model: small.en is the one for a practice's clips";
        return Err(Fault::new(format!("the model {} is not beside the program", entry.name), advice));
    }
    let folder = folders
        .first()
        .ok_or_else(|| Fault::new("there is no folder for speech models", format!("set {FOLDER_VARIABLE} to one")))?;
    Ok(Located::Missing { entry: entry.clone(), target: folder.join(&entry.file) })
}

/// A model given as a file. One that is named and sized like a known model is that model.
fn file(path: &Path, all: Vec<ModelEntry>) -> Result<ModelFile, Fault> {
    let size = path.metadata().ok().filter(|m| m.is_file()).map(|m| m.len()).ok_or_else(|| {
        let advice = "check the path, or give the name of a model: small.en is the one for a practice's clips";
        Fault::new(format!("there is no model file {}", path.display()), advice)
    })?;
    let entry = all.into_iter().find(|e| path.file_name().is_some_and(|n| n == e.file.as_str()) && e.bytes == size);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = entry.as_ref().map_or_else(|| stem.into_owned(), |e| e.name.clone());
    Ok(ModelFile { name, path: path.to_path_buf(), entry })
}

/// Whether a known model can hear the language. A file that the catalogue does not know is asked once it is loaded.
fn speaks(entry: Option<&ModelEntry>, language: &str) -> Result<(), Fault> {
    match entry {
        Some(entry) if !entry.multilingual && language != "en" => Err(english_only(&entry.name, language)),
        _ => Ok(()),
    }
}

/// What to say when an English model is to hear `language` (a code, or `auto`).
pub(super) fn english_only(model: &str, language: &str) -> Fault {
    let what = match language {
        "auto" => format!("the model {model} knows only English and cannot tell languages apart"),
        _ => format!("the model {model} knows only English, not \"{language}\""),
    };
    Fault::new(what, "choose a model for any language, such as small, or set the language to \"en\"")
}

/// Where the starter model may lie beside the program: `models` next to any folder above the executable (an installed
/// or a freshly built one), and in the current folder.
fn bundled_folders() -> Vec<PathBuf> {
    let executable = std::env::current_exe().unwrap_or_default();
    executable.ancestors().skip(1).map(|a| a.join("models")).chain([PathBuf::from("models")]).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_model_is_complete() {
        let all = catalogue().unwrap();
        for name in ["tiny.en", "base.en", "small", "small.en", "medium.en", "large-v3-turbo-q5_0", "starter"] {
            assert_eq!(all.iter().filter(|e| e.name == name).count(), 1, "{name}");
        }
        for e in &all {
            assert!((3..=28).contains(&e.stretch_seconds) && e.bytes > 10_000_000, "{}", e.name);
            assert_eq!(e.multilingual, !(e.name.ends_with(".en") || e.name == "starter"), "{}", e.name);
            // Whisper's models repeat themselves in a smaller window than the one they were trained with.
            assert_eq!(e.audio_context, AudioContext::Full, "{}", e.name);
            assert!(e.url.is_empty() || e.url.starts_with("https://") && e.url.ends_with(&e.file), "{}", e.name);
        }
    }

    #[test]
    fn the_default_follows_the_language() {
        let folders = [PathBuf::from("/nowhere")];
        for (language, file) in [("en", "ggml-small.en.bin"), ("de", "ggml-small.bin"), ("auto", "ggml-small.bin")] {
            let Located::Missing { target, .. } = find(None, language, &folders).unwrap() else { panic!("{language}") };
            assert_eq!(target, folders[0].join(file));
        }
    }

    #[test]
    fn english_models_refuse_other_languages() {
        for language in ["fr", "auto"] {
            let fault = find(Some("base.en"), language, &[PathBuf::from("/nowhere")]).unwrap_err();
            assert!(fault.what().contains("only English"), "{fault}");
        }
    }

    #[test]
    fn unknown_names_and_missing_files_say_what_there_is() {
        let fault = find(Some("smal.en"), "en", &[]).unwrap_err();
        assert!(fault.advice().contains("small.en"), "{fault}");
        assert!(find(Some("nowhere/x.bin"), "en", &[]).unwrap_err().what().contains("nowhere/x.bin"));
    }

    #[test]
    fn a_file_counts_as_a_known_model_only_with_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ggml-small.en.bin");
        std::fs::write(&path, b"not that").unwrap();
        let Located::Present(model) = find(path.to_str(), "en", &[]).unwrap() else { panic!() };
        assert_eq!((model.name.as_str(), model.entry), ("ggml-small.en", None));
    }

    #[test]
    fn the_starter_is_found_beside_the_program_or_in_a_folder() {
        let Located::Present(model) = find(Some("starter"), "en", &[]).unwrap() else { panic!() };
        assert_eq!(model.path.metadata().unwrap().len(), model.entry.unwrap().bytes);
    }
}
