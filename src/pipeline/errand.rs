//! One clip that is made on another computer: what is handed over, and the work there. The computer that works has a folder
//! of its own, in which it does what a run does; what it made it delivers into the practice's output folder, which it takes
//! no lock of and in which it gives nothing a platform's name.

use super::batch::{Batch, Request};
use super::bench::{Bench, Role};
use super::delivered::{Delivered, Failure, Receipt};
use super::edits::{Edits, Packed};
use super::event::{Event, Listener, Stage};
use super::journal::{Replay, Stamp};
use super::lock::Patience;
use super::record::Record;
use super::store::{Store, write_whole};
use super::tenure::{Tenure, state_folder};
use super::understand::probe_key;
use crate::config::glossary_file;
use crate::fault::{Cancel, Fault, cannot_write};
use crate::intake::{self, ClipSource, Digest};
use crate::media::{Probe, encoders};
use crate::plain_file::{self, Links};
use crate::report::{ClipReport, ClipState, CutState};
use crate::units::Time;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Bytes that a second of a phone's clip takes in 1080p (16.7 Mbit/s), for clips that nobody has read yet.
const BYTES_A_SECOND: u64 = 2_100_000;

/// Bytes that are copied at once; between two the cancel token is asked.
const CHUNK: usize = 1 << 20;

/// A clip with everything about it that decides what is made, as it was when it was handed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Errand {
    /// The clip, with what people wrote about it.
    pub source: ClipSource,
    /// What decides its outputs.
    pub fingerprint: Digest,
    /// Its captions as they lie in the output folder, where somebody changed them.
    captions: Option<Packed>,
    /// What people added to the glossary in the output folder: the file's text.
    glossary: Option<String>,
    /// Keys of what is in place already.
    have: BTreeSet<Digest>,
}

/// What intake found for other computers to do.
#[derive(Debug, Default)]
pub struct Survey {
    /// Names of the outputs of all clips that can be made, also of those that are.
    pub clips: Vec<String>,
    /// Of these, those that are in place already.
    pub in_place: usize,
    /// Of these, those that wait to be put into place.
    pub delivered: usize,
    /// Clips that cannot be taken up.
    pub failed: Vec<ClipReport>,
    /// Files that are still being written, by name.
    pub unsettled: Vec<String>,
}

/// Finds what is to be done for the clips of an inbox, by what is known without reading them, and hands each errand to
/// `take`, with how long its clip is, as far as that is known. Takes no lock, as planning takes none.
///
/// # Errors
/// What keeps a batch from working; computers may disagree about the encoder; those of `take`.
pub fn survey(
    request: &Request,
    cancel: &Cancel,
    listener: Listener,
    take: &mut dyn FnMut(Errand, Time) -> Result<(), Fault>,
) -> Result<Survey, Fault> {
    let state = state_folder(&request.out)?;
    let (bench, record) = (Bench::new(request.clone())?, Mutex::new(Record::open(&state)?));
    if bench.ready.encoder != encoders::SOFTWARE {
        let what = format!(
            "the practice leaves it to each computer how it encodes, and this one would use {}, which others may not have",
            bench.ready.encoder
        );
        return Err(Fault::new(what, "write encoder = \"x264\" under [cuts] in practice.toml"));
    }
    let batch = Batch::new(&bench, &state, &record, cancel, listener);
    let found = batch.intake(&state)?;
    let (said, _) = Replay::read(&state.join("journal.ndjson"))?;
    let mut published: HashMap<&str, Vec<(&Path, &Digest, Stamp)>> = HashMap::new();
    for (file, key, stamp) in said.stamped() {
        let Some(clip) = file.file_stem().and_then(|stem| stem.to_str()) else { continue };
        published.entry(clip).or_default().push((file, key, stamp));
    }
    let glossary = match plain_file::text(&glossary_file(&request.out), plain_file::MOST_SETTINGS, Links::Followed) {
        Ok(text) => Some(text),
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => return Err(Fault::new(format!("glossary.toml cannot be read ({e})"), "save it again as plain text")),
    };
    let edits = Edits { out: &request.out, store: &batch.store };
    let mut survey = Survey { failed: found.failed, unsettled: found.unsettled, ..Survey::default() };
    for source in found.sources {
        cancel.check()?;
        let fingerprint = batch.fingerprint(&source);
        survey.clips.push(source.name.clone());
        if said.is_done(&request.out, &source.name, &fingerprint) {
            survey.in_place += 1;
            continue;
        }
        let receipt = batch.delivered.receipt(&source.name).filter(|receipt| receipt.fingerprint == fingerprint);
        if receipt.is_some_and(|receipt| batch.delivered.has_all(&receipt)) {
            survey.delivered += 1;
            continue;
        }
        let captions = source.texts.corrected.is_some().then(|| edits.pack(&source.name)).transpose()?.flatten();
        let files = published.get(source.name.as_str()).into_iter().flatten();
        let there = files.filter(|(file, _, stamp)| Stamp::of(&request.out.join(file)) == Some(*stamp));
        let have = there.map(|(_, key, _)| (*key).clone()).collect();
        let length = length(&source, &batch.store);
        take(Errand { source, fingerprint, captions, glossary: glossary.clone(), have }, length)?;
    }
    Ok(survey)
}

/// How long a clip is: as it was read before, else by the size of its file.
fn length(source: &ClipSource, store: &Store) -> Time {
    let probe: Option<Probe> = store.get("probe", &probe_key(&source.digest));
    let guessed = || {
        let bytes = source.looked.map_or(0, |(bytes, _)| bytes);
        Time::from_seconds(bytes as f64 / BYTES_A_SECOND as f64)
    };
    probe.map_or_else(guessed, |probe| probe.duration)
}

/// Does an errand and delivers what came of it into `home`, the practice's output folder; what became of the clip, which is
/// delivered as well. `prepare` gives what a run of the practice would be asked, with an output folder of this computer's own
/// that holds nothing yet; a fault of it fails the clip.
///
/// # Errors
/// [`Fault::Cancelled`]; nothing can be delivered.
pub fn work(
    prepare: &dyn Fn() -> Result<Request, Fault>,
    home: &Path,
    errand: &Errand,
    cancel: &Cancel,
    listener: Listener,
) -> Result<Receipt, Fault> {
    let delivered = Delivered::of(home);
    let failures = Mutex::new(Vec::new());
    let told = |event: Event| {
        if let Event::Failed { platforms, stage, what, advice, .. } = &event {
            let (platforms, stage, what, advice) = (platforms.clone(), *stage, what.clone(), advice.clone());
            let failure = Failure { platforms, stage, what, advice };
            failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
        }
        listener(event);
    };
    let made = prepare().and_then(|request| {
        let report = make(&request, home, errand, cancel, &told)?;
        let rejected = rejected(&report, &request.out, &delivered, cancel);
        Ok((report, rejected))
    });
    cancel.check()?;
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (mut whole, cuts): (Vec<Failure>, Vec<Failure>) =
        failures.into_iter().partition(|failure| failure.platforms.is_empty());
    let (mut renders, mut cover, mut rejected) = (Vec::new(), None, BTreeMap::new());
    match made {
        Ok((report, kept)) => {
            let failed = matches!(report.state, ClipState::Failed { .. });
            let is = |file: &Path, kind: &str| file.extension().is_some_and(|extension| extension == kind);
            cover = report.goods.iter().find(|good| is(&good.file, "jpg")).map(|good| good.key.clone());
            renders.extend(report.goods.into_iter().filter(|good| is(&good.file, "mp4")).map(|good| good.key));
            rejected = kept;
            if !failed {
                whole.clear();
            }
        }
        Err(fault) => {
            let (what, advice) = (fault.what().to_string(), fault.advice().to_string());
            let failure = Failure { platforms: Vec::new(), stage: Stage::Intake, what, advice };
            listener(Event::Failed {
                clip: errand.source.name.clone(),
                platforms: Vec::new(),
                stage: failure.stage,
                what: failure.what.clone(),
                advice: failure.advice.clone(),
            });
            whole.push(failure);
        }
    }
    renders.sort();
    renders.dedup();
    let receipt = Receipt {
        clip: errand.source.name.clone(),
        content: errand.source.digest.clone(),
        fingerprint: errand.fingerprint.clone(),
        computer: gethostname::gethostname().to_string_lossy().into_owned(),
        at: jiff::Timestamp::now().to_string(),
        failed: whole.pop(),
        cuts,
        renders,
        cover,
        rejected,
    };
    delivered.give_receipt(&receipt)?;
    Ok(receipt)
}

/// Delivers the files of a clip that did not pass their check. A person may want to see them; who cannot have them misses
/// nothing else.
fn rejected(report: &ClipReport, out: &Path, delivered: &Delivered, cancel: &Cancel) -> BTreeMap<String, Digest> {
    let kept = report.cuts.iter().filter_map(|cut| match &cut.state {
        CutState::Failed { kept: Some(file), .. } => Some(file),
        _ => None,
    });
    // Cuts that share a render share its file.
    let files: BTreeSet<&PathBuf> = kept.collect();
    let give = |file: &PathBuf| Some((intake::name_of(file), delivered.give_rejected(&out.join(file), cancel).ok()?));
    files.into_iter().filter_map(give).collect()
}

/// Makes the clip in the request's own output folder.
fn make(request: &Request, home: &Path, errand: &Errand, cancel: &Cancel, told: Listener) -> Result<ClipReport, Fault> {
    let out = &request.out;
    let tell = |text| told(Event::Note { clip: None, text });
    let tenure = Tenure::take(out, "task", &Patience { wait: false, cancel, tell: &tell })?;
    tenure.tidy()?;
    tenure.journal.begin("task", &request.inbox);
    let name = &errand.source.name;
    if let Some(packed) = &errand.captions {
        let store = Store::new(tenure.state().join("cache"));
        Edits { out, store: &store }.unpack(name, packed)?;
    }
    if let Some(text) = &errand.glossary {
        write_whole(&glossary_file(out), text.as_bytes())?;
    }
    let source = fetched(&errand.source, &tenure.state().join("clip"), cancel)?;
    let role = Role::Task { home: home.to_path_buf(), have: errand.have.clone() };
    let bench = Bench::in_role(request.clone(), role)?;
    let told = |event: Event| {
        tenure.tell(&event);
        told(event);
    };
    let batch = Batch::under(&tenure, &bench, cancel, &told);
    if batch.fingerprint(&source) != errand.fingerprint {
        let what = "a setting changed after the clip was submitted, or this computer has other presets";
        return Err(Fault::new(what, "submit again; if it stays, compare ~/.config/housecall on both computers"));
    }
    let told = Mutex::new(None);
    batch.process(std::slice::from_ref(&source), &tenure, &|report| {
        *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
    });
    cancel.check()?;
    // What changed meanwhile is another clip, of which nothing was made.
    errand.source.check_unchanged()?;
    told.into_inner().unwrap_or_else(PoisonError::into_inner).ok_or(Fault::Cancelled)
}

/// The clip as a file of this computer. A shared folder is read once, from the first byte to the last; what reads the clip
/// later on jumps about in it, and reads it several times.
fn fetched(source: &ClipSource, folder: &Path, cancel: &Cancel) -> Result<ClipSource, Fault> {
    source.check_unchanged()?;
    let file = folder.join(source.path.file_name().unwrap_or_default());
    fs::create_dir_all(folder).map_err(|e| cannot_write(folder, &e))?;
    let digest = copied(&source.path, &file, cancel)?;
    source.check_unchanged()?;
    if digest != source.digest {
        let what = format!("{} is not what it was when it was submitted", intake::name_of(&source.path));
        return Err(Fault::new(what, "submit again"));
    }
    let about = fs::symlink_metadata(&file).and_then(|about| Ok((about.len(), about.modified()?)));
    let looked = Some(about.map_err(|e| cannot_write(&file, &e))?);
    Ok(ClipSource { path: file, looked, ..source.clone() })
}

/// Copies a clip; BLAKE3 of what was copied.
fn copied(from: &Path, to: &PathBuf, cancel: &Cancel) -> Result<Digest, Fault> {
    let unreadable = |e: std::io::Error| {
        let what = format!("{} cannot be read ({e})", intake::name_of(from));
        Fault::new(what, "check that this computer sees the folder with the clips, and submit again")
    };
    let mut source = plain_file::open(from).map_err(unreadable)?;
    let mut target = File::create(to).map_err(|e| cannot_write(to, &e))?;
    let (mut hasher, mut chunk) = (blake3::Hasher::new(), vec![0; CHUNK]);
    loop {
        cancel.check()?;
        match source.read(&mut chunk) {
            Ok(0) => return Ok(Digest(hasher.finalize().to_hex().to_string())),
            Ok(count) => {
                hasher.update(&chunk[..count]);
                target.write_all(&chunk[..count]).map_err(|e| cannot_write(to, &e))?;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(unreadable(e)),
        }
    }
}
