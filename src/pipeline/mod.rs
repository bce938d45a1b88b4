//! One clip through all stages; lanes across clips; cache; journal; events.
//!
//! [`batch::run`] is the main job. Whatever touches a clip's bytes or loads a model runs in [workers](crate::worker), which
//! are other processes; planning, keeping, journalling and publishing stay here. `understand` takes a file to words, `produce` takes a plan to files in their places,
//! `publish` is the only code that gives a cut its name. `signoff` says which clips wait for a person, `record` who decided
//! what, `edits` keeps captions that a person corrected, `choices` what they chose, `glossary` what they added to it, `beside` the
//! texts that they changed, `shelf` moves files between the platforms' names and `held/`, and
//! `desk` is where a person decides and asks, `bench` has ready what all clips share, `proof` opens one clip before anything is made
//! of it, `tenure` is the right to work on an output folder, `lock` keeps two programs from one, `logbook` keeps a small log,
//! `shared_folder` tries what a drive can do, `look` shows a person what a clip and its cuts look like before they are made,
//! `sheet_file` writes the report's pages, `clean` removes what no clip needs, `state` says in a word how a clip stands, and
//! `overview` how many practices do, of which `centre_file` remembers which there are, and `session` lets one page and one watch
//! at a time have all of them. Where one computer is not enough, `errand` is what a batch hands to another one and does there,
//! `delivered` is what comes back, until it is put into place here, and `away` says what is not back yet.

mod away;
pub mod batch;
mod bench;
mod beside;
pub mod budget;
mod centre_file;
mod choices;
mod clean;
mod delivered;
mod desk;
mod durable;
mod edits;
mod errand;
pub mod event;
mod glossary;
mod journal;
mod lock;
mod logbook;
mod look;
mod overview;
mod produce;
mod proof;
mod publish;
mod record;
mod session;
mod shared_folder;
mod sheet_file;
mod shelf;
pub mod signoff;
mod state;
mod store;
mod tenure;
mod turns;
mod understand;
mod work;

pub use crate::config::glossary_file;
pub use away::{Away, Handed};
pub use batch::{Found, Outcome, Preview, Request, gather, preview, run, run_under};
pub use bench::{Bench, Role};
pub use budget::{Need, ThreadBudget};
pub use centre_file::{keep_centre, kept_centre};
pub use choices::{choices, choices_file, save_choices};
pub use clean::{Leftover, Tidy, clean};
pub use delivered::{Failure, Receipt, receipt, take_back};
pub use desk::{ClipStatus, Decided, Now, Overview, approve, approve_under, hold, hold_under, status, status_with};
pub use edits::{captions_file, save_captions};
pub use errand::{Errand, Survey, survey, work};
pub use event::{Event, Listener, Stage};
pub use glossary::{glossary_additions, learn};
pub use journal::Step;
pub use lock::{Holder, Patience, is_held};
pub use look::{Looker, frame, poster, view_copy};
pub use overview::{knows, overview, overview_of};
pub use produce::Planned;
pub use proof::{Proof, fail, foreseen, read_clips, take_in};
pub use session::{Session, in_session};
pub use shared_folder::{Trial, Verdict, try_folder};
pub use sheet_file::kept_report;
pub use shelf::Good;
pub use signoff::{Signoff, Standing};
pub use state::State;
pub use store::write_whole;
pub use tenure::{Tenure, state_folder};
pub use understand::{Staged, Understood};
pub use work::Work;
