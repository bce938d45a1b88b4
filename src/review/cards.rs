//! How a clip stands on the page of the day. Pure.

use super::contract::{CardState, ClipCard, ClipId, CutCard, Problem};
use crate::config::Platform;
use crate::pipeline::Standing;
use crate::report::{ClipReport, ClipState, CutReport, CutState};
use crate::wording::checks::Severity;
use std::path::Path;

/// Hexadecimal digits that stand for a file.
const DIGITS: usize = 16;

/// What goes on with a clip just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum At {
    /// Its file is still being written.
    Copying,
    /// Nobody has begun to read it.
    #[default]
    Unread,
    /// It is read.
    Reading,
    /// It was read, and nothing is made of it now.
    Read,
    /// Its cuts are made.
    Rendering,
}

/// Everything that a card is made from.
#[derive(Debug, Clone, Copy)]
pub struct Standpoint<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Name of the outputs and question of the inbox, once the clip was taken up.
    pub taken: Option<(&'a str, Option<&'a str>)>,
    /// What goes on with it.
    pub at: At,
    /// How far that is.
    pub progress: Option<f64>,
    /// What became of it, or will.
    pub report: Option<&'a ClipReport>,
    /// Whether there is a picture of it.
    pub cover: bool,
    /// Whether there is a copy to look at.
    pub view: bool,
    /// The practice's platforms.
    pub platforms: &'a [Platform],
    /// The output folder.
    pub out: &'a Path,
}

/// What stands for a file in every address: nothing can be learned from it, and nothing but a known one leads anywhere.
pub fn id_of(file: &str) -> ClipId {
    blake3::hash(file.as_bytes()).to_hex()[..DIGITS].to_string()
}

/// The clip's card.
pub fn card(clip: &Standpoint) -> ClipCard {
    let report = clip.report;
    let state = state(clip.at, report);
    let count = |severity: Severity| {
        report.map_or(0, |report| report.signoff.findings.iter().filter(|f| f.severity == severity).count())
    };
    let held = state == CardState::NeedsALook;
    let approved_by = report.and_then(|report| match &report.signoff.standing {
        Standing::Approved(decision) => Some(decision.by.clone().unwrap_or_else(|| "somebody".into())),
        Standing::Free | Standing::Held(_) => None,
    });
    let question = report.and_then(|report| report.question.clone());
    let cuts = report.map_or(&[][..], |report| &report.cuts);
    ClipCard {
        id: id_of(clip.file),
        name: clip.taken.map_or(clip.file, |(name, _)| name).to_string(),
        file: clip.file.to_string(),
        question: question.or_else(|| clip.taken.and_then(|(_, question)| question.map(str::to_string))),
        state,
        progress: clip.progress.filter(|_| matches!(state, CardState::Transcribing | CardState::Rendering)),
        duration: report.and_then(|report| report.duration).map(|duration| duration.seconds()),
        holds: count(Severity::Hold),
        notes: count(Severity::Note),
        reasons: report.filter(|_| held).map_or_else(Vec::new, |report| report.signoff.standing.reasons()),
        approved_by,
        failed: report.filter(|_| state == CardState::Failed).and_then(failure),
        cover: clip.cover,
        view: clip.view,
        cuts: cuts.iter().filter_map(|cut| cut_card(cut, clip)).collect(),
    }
}

/// What a clip is at.
pub fn state(at: At, report: Option<&ClipReport>) -> CardState {
    let failed = |report: &ClipReport| matches!(report.state, ClipState::Failed { .. });
    match (at, report) {
        (At::Copying, _) => CardState::Copying,
        (At::Reading, _) => CardState::Transcribing,
        (At::Rendering, _) => CardState::Rendering,
        (At::Unread | At::Read, Some(report)) if failed(report) => CardState::Failed,
        (At::Unread, _) => CardState::Waiting,
        // It is planned in a moment.
        (At::Read, None) => CardState::Transcribing,
        (At::Read, Some(report)) if report.is_held() => CardState::NeedsALook,
        (At::Read, Some(report)) if report.has_failure() => CardState::Failed,
        (At::Read, Some(report)) if report.has_unmade() => CardState::Approved,
        (At::Read, Some(_)) => CardState::Done,
    }
}

/// Where it failed, and why.
fn failure(report: &ClipReport) -> Option<(String, Problem)> {
    let problem = |what: &str, advice: &str| Problem { what: what.into(), advice: advice.into() };
    match &report.state {
        ClipState::Failed { stage, what, advice } => Some((stage.clone(), problem(what, advice))),
        ClipState::Done | ClipState::Unchanged => report.cuts.iter().find_map(|cut| match &cut.state {
            CutState::Failed { what, advice, .. } => Some(("render".to_string(), problem(what, advice))),
            _ => None,
        }),
    }
}

fn cut_card(cut: &CutReport, clip: &Standpoint) -> Option<CutCard> {
    let failed = match &cut.state {
        CutState::Unmade => return None,
        CutState::Failed { what, advice, .. } => Some(Problem { what: what.clone(), advice: advice.clone() }),
        CutState::Published | CutState::Held => None,
    };
    let platform = clip.platforms.iter().find(|platform| platform.id == cut.platform);
    Some(CutCard {
        platform: cut.platform.clone(),
        platform_name: platform.map_or_else(|| cut.platform.clone(), |platform| platform.name.clone()),
        path: clip.out.join(&cut.file).display().to_string(),
        bytes: cut.bytes,
        duration: cut.duration.seconds(),
        failed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use crate::pipeline::{Signoff, Stage};
    use crate::units::{Size, Time};

    fn cut(state: CutState) -> CutReport {
        CutReport {
            platform: "x".into(),
            file: "x/a.mp4".into(),
            state,
            canvas: Size::new(426, 240),
            bytes: 5,
            duration: Time::from_millis(1500),
            loudness: None,
            true_peak: None,
            limits: crate::cuts::Limits { min_duration: Time::ZERO, max_duration: Time(9), max_bytes: 9 },
            shared_with: Vec::new(),
            post: None,
        }
    }

    fn report(cuts: Vec<CutReport>, standing: Standing) -> ClipReport {
        let fault = Fault::new("", "");
        let empty = ClipReport::failed("a", "a.mp4", Stage::Intake, &fault);
        let signoff = Signoff { standing, ..Signoff::default() };
        ClipReport { state: ClipState::Done, cuts, signoff, question: Some("Does it hurt?".into()), ..empty }
    }

    fn card_of(at: At, report: Option<&ClipReport>) -> ClipCard {
        card(&Standpoint {
            file: "a.mp4",
            taken: report.map(|_| ("a", None)),
            at,
            progress: Some(0.5),
            report,
            cover: false,
            view: false,
            platforms: &[],
            out: Path::new("/cuts"),
        })
    }

    #[test]
    fn a_card_says_what_goes_on_and_what_became_of_the_clip() {
        let unmade = || vec![cut(CutState::Unmade)];
        let held = report(unmade(), Standing::Held(vec![crate::pipeline::signoff::Why::EveryClip]));
        let free = report(unmade(), Standing::Free);
        let done = report(vec![cut(CutState::Published)], Standing::Free);
        let failed_cut = CutState::Failed { what: "the disk is full".into(), advice: "free some".into(), kept: None };
        let partly = report(vec![cut(CutState::Published), cut(failed_cut)], Standing::Free);
        let broken = ClipReport::failed("a.mp4", "a.mp4", Stage::Intake, &Fault::new("no video", "copy it again"));
        for (at, report, wanted) in [
            (At::Copying, None, CardState::Copying),
            (At::Unread, None, CardState::Waiting),
            (At::Reading, Some(&broken), CardState::Transcribing),
            (At::Read, None, CardState::Transcribing),
            (At::Read, Some(&held), CardState::NeedsALook),
            (At::Read, Some(&free), CardState::Approved),
            (At::Rendering, Some(&free), CardState::Rendering),
            (At::Read, Some(&done), CardState::Done),
            (At::Read, Some(&partly), CardState::Failed),
            (At::Unread, Some(&broken), CardState::Failed),
        ] {
            let card = card_of(at, report);
            assert_eq!(card.state, wanted, "{at:?}");
            let busy = matches!(wanted, CardState::Transcribing | CardState::Rendering);
            assert_eq!(card.progress.is_some(), busy, "{at:?}");
        }
        assert_eq!(card_of(At::Read, Some(&held)).reasons, ["every clip waits for an approval here"]);
        assert!(card_of(At::Read, Some(&free)).cuts.is_empty(), "what is not made yet is no cut");
        let card = card_of(At::Read, Some(&partly));
        assert_eq!(
            card.failed,
            Some(("render".into(), Problem { what: "the disk is full".into(), advice: "free some".into() }))
        );
        assert_eq!((card.cuts.len(), card.cuts[0].path.as_str()), (2, "/cuts/x/a.mp4"));
        assert_eq!(card_of(At::Unread, Some(&broken)).failed.map(|(stage, _)| stage), Some("intake".into()));
    }

    #[test]
    fn an_address_says_nothing_of_the_file() {
        let id = id_of("../../etc/passwd.mp4");
        assert!(id.len() == DIGITS && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        assert_ne!(id_of("a.mp4"), id_of("b.mp4"));
        assert_eq!(id, id_of("../../etc/passwd.mp4"), "as long as the file has its name");
    }
}
