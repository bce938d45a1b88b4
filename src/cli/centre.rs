//! What a batch is about: one practice, or the practices of a root, all or those that were named.

use super::{ALL_WELL, Batch, SOME_FAILED};
use crate::centre::{Centre, Shape, Site};
use crate::config;
use crate::fault::{Cancel, Fault};
use crate::pipeline::{self, Event, Patience, Session};
use crate::report::Progress;
use std::path::Path;

/// The practices that a batch is about.
pub enum Task {
    /// One, under no root.
    One(Site),
    /// Those of a root.
    Many {
        /// All of them.
        centre: Centre,
        /// Those that are worked on.
        chosen: Vec<Site>,
    },
}

/// What the arguments are about. What a root's practices are is remembered in the output folder.
///
/// # Errors
/// A folder is not there or is not apart from the other; the defaults of a root are wrong by themselves; a practice that
/// was named is not there; the output folder is of the other kind.
pub fn task(arguments: &Batch) -> Result<Task, Fault> {
    let Batch { inbox, out, practice, only, .. } = arguments;
    if !inbox.is_dir() {
        let advice = "give the folder that the clips are in";
        return Err(Fault::new(format!("{} is not a folder", inbox.display()), advice));
    }
    match Shape::of(inbox, out, practice.as_deref())? {
        Shape::One(_) if !only.is_empty() => {
            let what = format!("no folder in {} has a practice.toml, so that --only names nothing", inbox.display());
            Err(Fault::new(what, "leave --only away, or name the root of the practices"))
        }
        Shape::One(site) => {
            if let Some(centre) = pipeline::kept_centre(out)? {
                return Err(many(&centre, "name another folder for the cuts"));
            }
            Ok(Task::One(site))
        }
        Shape::Many(centre) => {
            if let Some(defaults) = centre.sites.iter().find_map(|site| site.defaults.as_deref()) {
                config::check_defaults(defaults)?;
            }
            let chosen = chosen(&centre, only)?;
            pipeline::keep_centre(&centre)?;
            Ok(Task::Many { centre, chosen })
        }
    }
}

fn chosen(centre: &Centre, only: &[String]) -> Result<Vec<Site>, Fault> {
    if let Some(stray) = only.iter().find(|id| centre.sites.iter().all(|site| site.id != id.trim())) {
        let known: Vec<&str> = centre.sites.iter().map(|site| site.id.as_str()).collect();
        let what = format!("there is no practice \"{stray}\" in {}", centre.root.display());
        return Err(Fault::new(what, format!("--only takes names of folders; there are {}", known.join(", "))));
    }
    let wanted = |site: &&Site| only.is_empty() || only.iter().any(|id| id.trim() == site.id);
    Ok(centre.sites.iter().filter(wanted).cloned().collect())
}

/// Refuses the output folder of many practices where one practice's is needed; `clips` are names of its clips, so that the
/// advice can say whose they are.
///
/// # Errors
/// It is of many.
pub fn of_one(out: &Path, clips: &[String]) -> Result<(), Fault> {
    let Some(centre) = pipeline::kept_centre(out)? else { return Ok(()) };
    let knows = |site: &&Site| !clips.is_empty() && clips.iter().all(|clip| pipeline::knows(&site.out, clip));
    let gone = centre.gone();
    let sites = centre.sites.iter().chain(&gone);
    let owners: Vec<String> = sites.filter(knows).map(|site| format!("--out \"{}\"", site.out.display())).collect();
    if owners.is_empty() {
        return Err(many(&centre, "name one practice's folder in it"));
    }
    Err(many(&centre, &format!("give {}", owners.join(" or "))))
}

/// Has the overview of a centre say how the practice stands now whose cuts lie in `out`, where it is of a centre; the exit
/// code. What was done before stays done where that fails, and it is said.
pub fn told_of(out: &Path) -> u8 {
    match pipeline::overview_of(out) {
        Ok(_) => ALL_WELL,
        Err(fault) => {
            eprintln!("housecall: {}. What to do: {}.", fault.what(), fault.advice());
            SOME_FAILED
        }
    }
}

/// Another computer began to do the same while this one slept.
pub fn taken_over(centre: &Centre) -> Fault {
    let what = format!("another computer took over {} while this one slept", centre.out.display());
    Fault::new(what, "see with `housecall status` who works there, or start this again")
}

/// Takes the right to be the one page, or the one watch, of a whole centre, as `verb` says. Whoever serves or watches some of
/// its practices takes none, and is refused as long as somebody has all of them.
///
/// # Errors
/// Somebody else has it, and nobody wants to wait; or the output folder cannot be written to.
pub fn session(
    arguments: &Batch,
    centre: &Centre,
    verb: &str,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Option<Session>, Fault> {
    let tell = |text| progress.tell(Event::Note { clip: None, text });
    let session = Session::begin(&centre.out, verb, &Patience { wait: arguments.wait, cancel, tell: &tell })?;
    Ok(arguments.only.is_empty().then_some(session))
}

fn many(centre: &Centre, advice: &str) -> Fault {
    let what = format!("{} holds the cuts of many practices", centre.out.display());
    let example =
        centre.sites.first().map_or_else(String::new, |site| format!(", such as --out \"{}\"", site.out.display()));
    let example = if advice.starts_with("give") { String::new() } else { example };
    Fault::new(what, format!("{advice}{example}"))
}
