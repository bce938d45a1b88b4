//! What all work on one practice's clips shares and what takes a moment to get ready: fonts, logo, checks, encoder. Made
//! once and kept, as long as nothing of it changes.

use super::batch::Request;
use super::budget::{Demand, Machine, ThreadBudget};
use super::glossary::glossary_additions;
use crate::captions::Fonts;
use crate::config::EncoderChoice;
use crate::cuts::Logo;
use crate::fault::Fault;
use crate::intake::Digest;
use crate::media::{encoders, logo};
use crate::units::Size;
use crate::wording::Glossary;
use crate::wording::checks::Rules;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What part of the work is done here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// All of it. What tasks delivered is taken and not made again.
    Whole,
    /// A clip is made in an output folder of its own, and what is made is delivered.
    Task {
        /// The practice's output folder. What is known there counts; it is not worked on.
        home: PathBuf,
        /// Keys of what is in place there, and is not made again.
        have: BTreeSet<Digest>,
    },
    /// What tasks delivered is put into place, and nothing is made.
    Gather {
        /// Names of the outputs of the clips that were submitted and are due.
        submitted: Arc<BTreeSet<String>>,
        /// Of those that a cluster has at work still, or will have.
        away: Arc<BTreeSet<String>>,
    },
}

/// A request with everything that is made ready for it.
#[derive(Debug, Clone)]
pub struct Bench {
    /// What is to be done.
    pub(super) request: Request,
    pub(super) role: Role,
    pub(super) ready: Arc<Ready>,
}

/// What is the same for all clips of a request.
#[derive(Debug)]
pub(super) struct Ready {
    pub fonts: Fonts,
    pub logo: Option<Logo>,
    pub encoder: &'static str,
    pub budget: ThreadBudget,
    /// The practice's, and what people added to it in the output folder.
    pub glossary: Glossary,
    pub rules: Rules,
    /// Of the rules.
    pub checks: Digest,
}

impl Bench {
    /// Makes everything ready.
    ///
    /// # Errors
    /// A font of the style is not installed, the logo cannot be read, a check is wrong.
    pub fn new(request: Request) -> Result<Self, Fault> {
        Bench::in_role(request, Role::Whole)
    }

    /// Makes everything ready for a part of the work.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn in_role(request: Request, role: Role) -> Result<Self, Fault> {
        let practice = &request.practice;
        let fonts = Fonts::load(&practice.style.fonts, practice.style.bold)?;
        let logo = practice.logo.as_deref().map(read_logo).transpose()?;
        let encoder = match practice.encoder {
            EncoderChoice::Auto if role == Role::Whole => encoders::best_hardware().unwrap_or(encoders::SOFTWARE),
            // What one computer plans another one has to find: they may have other hardware.
            EncoderChoice::X264 | EncoderChoice::Auto => encoders::SOFTWARE,
        };
        let model = request.model.path.metadata().map_or(0, |about| about.len());
        let budget = ThreadBudget::new(&Machine::here(), &Demand::of(practice, model, request.jobs));
        let rules = Rules::load(practice.check_files.as_deref(), &practice.checks)?;
        let checks = Digest(blake3::hash(format!("{rules:?}").as_bytes()).to_hex().to_string());
        let glossary = practice.glossary.clone().with(glossary_additions(&request.out)?);
        let ready = Arc::new(Ready { fonts, logo, encoder, budget, glossary, rules, checks });
        Ok(Bench { request, role, ready })
    }

    /// The same for a part of the work: `change` says which clips, and how the inbox was seen. Practice and model stay.
    pub fn with(&self, change: impl FnOnce(&mut Request)) -> Self {
        let mut bench = self.clone();
        change(&mut bench.request);
        bench
    }

    /// What is to be done.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The fonts of the practice's style.
    pub fn fonts(&self) -> &Fonts {
        &self.ready.fonts
    }

    /// How many clips are decoded at once.
    pub fn clips_at_once(&self) -> usize {
        self.ready.budget.clips
    }
}

fn read_logo(file: &Path) -> Result<Logo, Fault> {
    let (bytes, picture) = logo::read(file)?;
    let digest = Digest(blake3::hash(&bytes).to_hex().to_string());
    Ok(Logo { file: file.to_path_buf(), digest, size: Size::new(picture.width(), picture.height()) })
}
