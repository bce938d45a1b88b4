//! What can be typed.

use crate::cluster::kubernetes::Claim;
use crate::printable::one_line;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Turns a folder of phone-recorded answer clips into captioned, watermarked cuts for every platform a practice posts to.
///
/// Everything happens on this computer: clips are transcribed here, and nothing is sent anywhere. Begin with
/// `housecall init`, then `housecall run FOLDER`.
#[derive(Debug, Parser)]
#[command(name = "housecall", version, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write a practice.toml with every setting explained
    Init {
        /// Folder to write it to: the one that clips are dropped into
        #[arg(default_value = ".", value_name = "FOLDER")]
        folder: PathBuf,
        /// Name of the practice
        #[arg(long)]
        name: Option<String>,
    },
    /// Make every cut of every clip in a folder
    #[command(after_help = RUN_HELP)]
    Run(Batch),
    /// The same, again and again, as clips arrive; stop with Ctrl-C
    Watch {
        /// The clips
        #[command(flatten)]
        batch: Batch,
        /// Serve the page as well, as `housecall review` does
        #[arg(long)]
        review: bool,
        /// The page
        #[command(flatten)]
        page: Page,
    },
    /// Serve a page on this computer where clips are read, fixed and approved as they arrive; stop with Ctrl-C
    #[command(after_help = REVIEW_HELP)]
    Review {
        /// The clips
        #[command(flatten)]
        batch: Batch,
        /// The page
        #[command(flatten)]
        page: Page,
    },
    /// Watch a folder whenever you are logged in, without a window being open (Linux with systemd)
    Service {
        /// What to do about it.
        #[command(subcommand)]
        what: ServiceVerb,
    },
    /// Say what would be made, and why something would be skipped; makes nothing
    Plan(Batch),
    /// Let clips that wait go out: their finished files get the platforms' names
    Approve {
        /// The clips
        #[command(flatten)]
        decide: Decide,
        /// Who approves, for the record
        #[arg(long, value_name = "NAME", value_parser = person)]
        by: String,
    },
    /// Take clips away from the platforms' folders until somebody approves them
    Hold {
        /// The clips
        #[command(flatten)]
        decide: Decide,
        /// Who wants them held, for the record
        #[arg(long, value_name = "NAME", value_parser = person)]
        by: Option<String>,
    },
    /// Say what every clip is at, which ones wait for approval and why; changes nothing
    #[command(after_help = STATUS_HELP)]
    Status {
        /// Folder with the cuts
        #[arg(long, short, value_name = "DIR", default_value = "cuts")]
        out: PathBuf,
        /// Print a line of JSON a clip, and one with the counts
        #[arg(long)]
        json: bool,
    },
    /// Say what no clip needs any more, and with --yes remove it; never cuts, texts, transcripts or approvals
    Clean(Tidying),
    /// List the platforms with their limits and where those come from
    Platforms,
    /// List the speech models and which are on this computer
    Models,
    /// Say whether this computer has all that is needed, and a folder for the cuts if one is named
    Doctor {
        /// Folder for the cuts: try there what a drive that computers share has to do; nothing stays
        #[arg(long, short, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
    /// Hand the clips of a folder to many computers, by an engine that runs there already
    Submit {
        /// Which engine.
        #[command(subcommand)]
        what: SubmitVerb,
    },
    /// Put into place what tasks of a cluster delivered, and say what is missing
    #[command(after_help = GATHER_HELP)]
    Gather {
        /// Folder with the cuts
        #[arg(value_name = "DIR")]
        out: PathBuf,
        /// Only what was submitted with the jobs in this folder [default: all that was submitted]
        #[arg(long, value_name = "FOLDER")]
        jobs: Option<PathBuf>,
        /// Wait until another Housecall is done with that folder
        #[arg(long)]
        wait: bool,
        /// Print events as lines of JSON instead of progress
        #[arg(long)]
        json: bool,
    },
    /// Do one job of a cluster
    #[command(hide = true)]
    Task {
        /// Folder with the jobs
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Number of the job [default: what the engine says]
        #[arg(value_name = "NUMBER")]
        index: Option<usize>,
        /// Folder of this computer's with room for a clip and its cuts [default: the node's own]
        #[arg(long, value_name = "DIR")]
        scratch: Option<PathBuf>,
    },
}

/// Engines that hand out jobs.
#[derive(Debug, Subcommand)]
pub enum SubmitVerb {
    /// Slurm: one array with a task a clip, and a last job that puts into place what they made
    #[command(after_help = SLURM_HELP)]
    Slurm(Slurm),
    /// Kubernetes: writes a manifest with a pod a clip, and prints how to apply it; asks no cluster anything
    #[command(after_help = KUBERNETES_HELP)]
    Kubernetes(Kubernetes),
}

/// What is handed to Slurm, and what is asked of it.
#[derive(Debug, Clone, Args)]
pub struct Slurm {
    /// The clips.
    #[command(flatten)]
    pub batch: Batch,
    /// Partition that the tasks run in [default: Slurm's]
    #[arg(long, value_name = "NAME")]
    pub partition: Option<String>,
    /// Most tasks that run at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub array_limit: Option<u16>,
    /// Generic resources for each task, for a build with an accelerator: gpu:1
    #[arg(long, value_name = "GRES")]
    pub gres: Option<String>,
    /// Say what would be submitted, and submit nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What is written for Kubernetes.
#[derive(Debug, Clone, Args)]
pub struct Kubernetes {
    /// The clips.
    #[command(flatten)]
    pub batch: Batch,
    /// Image of this version of Housecall, as deploy/Containerfile makes it
    #[arg(long, value_name = "IMAGE")]
    pub image: String,
    /// Namespace [default: the one that kubectl has chosen]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// PersistentVolumeClaim with the shared folders, mounted where this computer has them; may be given again
    #[arg(long, value_name = "NAME=MOUNTPATH", required = true)]
    pub claim: Vec<Claim>,
    /// Most pods at once [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub parallelism: Option<u16>,
}

/// What can be done about the service.
#[derive(Debug, Subcommand)]
pub enum ServiceVerb {
    /// Start watching now and at every log-in; again for the same folder: with these settings from now on
    Install {
        /// What `housecall watch` would be given.
        #[command(flatten)]
        batch: Batch,
        /// Name of the service, for more than one folder [default: the folder's name]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Stop watching, and do not start at log-in any more; what was made stays
    Remove {
        /// Which service [default: the only one]
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Say which folders are watched, since when, and what was told last
    Status {
        /// Which service [default: all]
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

/// Clips that were made, about which somebody decides.
#[derive(Debug, Clone, Args)]
pub struct Decide {
    /// Names of the clips, as `housecall status` lists them
    #[arg(value_name = "CLIP", required = true)]
    pub clips: Vec<String>,
    /// What to remember about it
    #[arg(long, value_name = "TEXT", value_parser = remark)]
    pub note: Option<String>,
    /// Folder with the cuts
    #[arg(long, short, value_name = "DIR", default_value = "cuts")]
    pub out: PathBuf,
    /// Wait until another Housecall is done with that folder
    #[arg(long)]
    pub wait: bool,
}

/// What is to be tidied up.
#[derive(Debug, Clone, Args)]
pub struct Tidying {
    /// Folder with the cuts
    #[arg(long, short, value_name = "DIR", default_value = "cuts")]
    pub out: PathBuf,
    /// Folder with the clips [default: that of the last run]
    #[arg(long, value_name = "DIR")]
    pub inbox: Option<PathBuf>,
    /// Remove what is listed
    #[arg(long)]
    pub yes: bool,
    /// Wait until another Housecall is done with that folder
    #[arg(long)]
    pub wait: bool,
}

/// A person's name: what stands in the record has to be readable.
fn person(typed: &str) -> Result<String, String> {
    one_line(typed, 80)
}

fn remark(typed: &str) -> Result<String, String> {
    one_line(typed, 1000)
}

/// A folder of clips and how to treat them.
#[derive(Debug, Clone, Default, Args)]
pub struct Batch {
    /// Folder with the clips, or with one folder a practice; only read, never written to
    #[arg(value_name = "FOLDER")]
    pub inbox: PathBuf,
    /// Folder for the cuts
    #[arg(long, short, value_name = "DIR", default_value = "cuts")]
    pub out: PathBuf,
    /// The practice's settings, or the defaults of all practices [default: practice.toml in FOLDER, then in your config folder]
    #[arg(long, value_name = "FILE")]
    pub practice: Option<PathBuf>,
    /// Only these practices, where FOLDER holds one folder a practice: names of folders, separated by commas
    #[arg(long, value_name = "PRACTICE,PRACTICE", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Only these platforms, separated by commas (see `housecall platforms`)
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub platforms: Vec<String>,
    /// Speech model by name (see `housecall models`) or a file
    #[arg(long, value_name = "NAME|PATH")]
    pub model: Option<String>,
    /// Transcript to use instead of listening (SRT, VTT or JSON), or a folder with one for each clip
    #[arg(long, value_name = "FILE|DIR")]
    pub transcript: Option<PathBuf>,
    /// Clips rendered at once [default: by the number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: Option<u16>,
    /// Never open a network connection, not even to fetch a speech model
    #[arg(long)]
    pub offline: bool,
    /// Wait until another Housecall is done with the folder for the cuts, as watch always does
    #[arg(long)]
    pub wait: bool,
    /// Print events as lines of JSON instead of progress
    #[arg(long)]
    pub json: bool,
    /// Write what each thread did when, for chrome://tracing or ui.perfetto.dev
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

/// The page and how to get to it.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Page {
    /// Port of this computer [default: the one before, else a free one]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Serve it in the network as well, to those who know the passphrase; see [review_page] in docs/review.md
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// Make the address before worthless, and everybody sign in anew
    #[arg(long)]
    pub new_token: bool,
    /// Open the page in the browser
    #[arg(long)]
    pub open: bool,
}

const RUN_HELP: &str = "\
A clip that was done before and has not changed costs no work. Stop with Ctrl-C at any time: what is finished stays, \
and the next run goes on from there.

Exit codes: 0 everything is in place, 1 could not start, 2 some clips or cuts failed, or it was stopped, \
3 nothing failed but some clips wait for approval.";

const SLURM_HELP: &str = "\
Folder, cuts, speech model and this program have to lie where every node sees them under the same names. Submitting again \
does only what is missing. A task takes no lock and gives no file a platform's name: it makes its clip on the node's own \
disk and delivers it.

Exit codes: 0 submitted, or nothing to do, 1 could not start, 2 some clips could not be taken up.";

const KUBERNETES_HELP: &str = "\
Needs Kubernetes 1.33 or newer. Folder, cuts, settings and speech model have to lie under the claims. Nobody tells this \
command what still waits or runs: submit again when the pods are over, and only what is missing is done.

Exit codes: as of submit slurm.";

const GATHER_HELP: &str = "\
The last job does this by itself. It renders nothing; `housecall run` also takes what was delivered, and makes what is missing.
While Slurm still has some of the clips, the others are put into place.

Exit codes: as of run; 2 also while some clips are still with the cluster.";

const REVIEW_HELP: &str = "\
Clips that wait for a person are not rendered before somebody approved them on the page, or with `housecall approve` while \
the page is not served. The address that is printed lets in whoever has it, from this computer alone; a bookmark of it \
goes on working. Of a root with one folder a practice it serves all practices, which share the computer in turns. \
docs/review.md says what is served to whom.";

const STATUS_HELP: &str = "\
It may be asked while a run goes on, and after one was cut off.

Exit codes: 0 all is well or being made, 1 there are no cuts, 2 some clips failed, were cut off, miss a cut, or the record \
of approvals is damaged, 3 nothing of that, but some clips wait for approval.";
