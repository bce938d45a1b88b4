//! The pages as HTML. Here every value becomes the words that are shown; the templates hold the rest, and askama escapes
//! all of it. No page has script or style of its own in it: they come from [`assets`](super::assets).

use super::contract::{CardState, CentreView, ClipCard, ClipView, Counts, DayView, PracticeRow, Problem};
use super::house;
use crate::report::phrases::{counted, sentence, undirected};
use askama::Template;

/// Where a page is: what stands before its addresses, nothing where there is one practice alone; and the practice's name.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Place<'a> {
    pub base: &'a str,
    pub practice: &'a str,
}

/// The page of the practices.
pub fn centre_page(centre: &CentreView) -> String {
    let mut rows: Vec<Row> = centre.practices.iter().map(Row::of).collect();
    // Those of the same kind stay as a person sorts them.
    rows.sort_by_key(|row| row.rank);
    let all = centre.practices.iter().fold(Counts::default(), |mut all, row| {
        all.all += row.clips.all;
        all.look += row.clips.look;
        all
    });
    written(&CentrePage {
        root: &centre.root,
        needs: needs(all.look, all.all),
        practices: counted(rows.len(), "practice"),
        about: root(centre.problem.as_ref(), &centre.strays),
        rows,
    })
}

/// A practice as the page of the practices has it: one element `li`.
pub fn row(row: &PracticeRow) -> String {
    written(&Row::of(row))
}

/// What is to be said of the root: inside of the element `#about-root`.
pub fn root(problem: Option<&Problem>, strays: &[String]) -> String {
    written(&RootNotes {
        problem: problem.map(|problem| (sentence(&problem.what), sentence(&problem.advice))),
        strays: strays.iter().map(|text| sentence(text)).collect(),
    })
}

/// The page of the day; `base` is what stands before its addresses.
pub fn day_page(day: &DayView, base: &str) -> String {
    let waiting = |card: &&ClipCard| card.state == CardState::NeedsALook;
    let count = |states: &[CardState]| day.clips.iter().filter(|card| states.contains(&card.state)).count();
    let next_look = day.clips.iter().find(waiting).map(|card| format!("{base}/clip/{}", card.id));
    let work =
        [CardState::Copying, CardState::Waiting, CardState::Transcribing, CardState::Approved, CardState::Rendering];
    written(&DayPage {
        base,
        practice: &day.practice,
        inbox: &day.inbox,
        out: &day.out,
        problem: day.problem.as_ref().map(|problem| (sentence(&problem.what), sentence(&problem.advice))),
        needs: needs(count(&[CardState::NeedsALook]), day.clips.len()),
        next_look: next_look.unwrap_or_default(),
        filters: [
            ("all", "All", day.clips.len()),
            ("look", "Needs a look", count(&[CardState::NeedsALook])),
            ("work", "In the works", count(&work)),
            ("done", "Done", count(&[CardState::Done])),
            ("failed", "Failed", count(&[CardState::Failed])),
        ],
        cards: day.clips.iter().map(|card| Card::of(card, base)).collect(),
    })
}

/// A clip as the page of the day has it: one element `li`.
pub fn card(card: &ClipCard, base: &str) -> String {
    written(&Card::of(card, base))
}

/// The page of a clip, and the links to those before and after it.
pub fn clip_page(view: &ClipView, next: Option<&ClipCard>, previous: Option<&ClipCard>, place: &Place) -> String {
    let link = |card: &ClipCard| (card.id.clone(), heading(card).to_string());
    written(&ClipPage {
        place,
        id: &view.card.id,
        heading: heading(&view.card),
        file: &undirected(&view.card.file),
        duration: clock(view.duration),
        state: name_of(view.card.state),
        state_words: words_of(&view.card),
        next: next.map(link),
        previous: previous.map(link),
        json: island(view),
    })
}

/// What somebody sees who has no cookie; `wrong` says that they came with a token or passphrase that is not valid.
pub fn sign_in_page(wrong: bool) -> String {
    written(&SignInPage { wrong })
}

/// A page for whatever cannot be shown: what happened, and what to do.
pub fn refused_page(what: &str, advice: &str) -> String {
    written(&RefusedPage { what: sentence(what), advice: sentence(advice) })
}

#[derive(Template)]
#[template(path = "review/centre.html")]
struct CentrePage<'a> {
    root: &'a str,
    needs: String,
    /// How many there are, in words.
    practices: String,
    about: String,
    rows: Vec<Row<'a>>,
}

#[derive(Template)]
#[template(path = "review/root.html")]
struct RootNotes {
    problem: Option<(String, String)>,
    strays: Vec<String>,
}

#[derive(Template)]
#[template(path = "review/row.html")]
struct Row<'a> {
    id: &'a str,
    /// Address of its day; empty where it cannot be opened.
    address: String,
    name: &'a str,
    /// What the styles know it by.
    state: &'static str,
    state_words: String,
    /// The lower the sooner somebody has to look.
    rank: u8,
    problem: Option<(String, String)>,
    /// Words and count of what there is.
    counts: Vec<(&'static str, usize)>,
}

impl<'a> Row<'a> {
    fn of(row: &'a PracticeRow) -> Self {
        let Counts { all, look, work, done, failed } = row.clips;
        let (state, state_words, rank) = match () {
            () if row.problem.is_some() => ("failed", "Needs to be put right".to_string(), 0),
            () if look > 0 => ("needs-a-look", needs(look, all), 1),
            () if failed > 0 => ("failed", format!("{failed} of {all} could not be made"), 2),
            () if !row.open => ("waiting", "Being opened".into(), 3),
            () if work > 0 => ("rendering", format!("{work} of {all} in the works"), 3),
            () if all > 0 => ("done", "All done".into(), 4),
            () => ("waiting", "No clips yet".into(), 5),
        };
        // What the words say already is not said twice.
        let counts = [("in the works", work), ("done", done), ("failed", failed)].into_iter().filter(|(_, n)| *n > 0);
        Row {
            id: &row.id,
            address: if row.open { format!("{}/", house::base(Some(&row.id))) } else { String::new() },
            name: &row.name,
            state,
            state_words,
            rank,
            problem: row.problem.as_ref().map(|p| (sentence(&p.what), sentence(&p.advice))),
            counts: counts.collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "review/day.html")]
struct DayPage<'a> {
    base: &'a str,
    practice: &'a str,
    inbox: &'a str,
    out: &'a str,
    problem: Option<(String, String)>,
    needs: String,
    /// Address of the first clip that needs a look; empty where none does.
    next_look: String,
    /// Value, words and count of each choice.
    filters: [(&'static str, &'static str, usize); 5],
    cards: Vec<Card<'a>>,
}

#[derive(Template)]
#[template(path = "review/card.html")]
struct Card<'a> {
    base: &'a str,
    id: &'a str,
    heading: &'a str,
    file: String,
    duration: Option<String>,
    state: &'static str,
    state_words: &'static str,
    /// Per cent.
    progress: Option<u8>,
    flags: String,
    reasons: &'a [String],
    approved_by: Option<&'a str>,
    failed: Option<(&'a str, String, String)>,
    cuts: String,
    cover: bool,
    open: bool,
}

impl<'a> Card<'a> {
    fn of(card: &'a ClipCard, base: &'a str) -> Self {
        let made = card.cuts.iter().filter(|cut| cut.failed.is_none()).count();
        let unmade = card.cuts.len() - made;
        let cuts = match (made, unmade) {
            (0, 0) => String::new(),
            (made, 0) => counted(made, "cut"),
            (made, unmade) => format!("{}, {unmade} could not be made", counted(made, "cut")),
        };
        let looked_at = matches!(card.state, CardState::NeedsALook | CardState::Failed);
        let flags = match (card.holds, card.notes) {
            (0, 0) => String::new(),
            (holds, 0) => format!("{holds} must be looked at"),
            (0, notes) => format!("{notes} worth checking"),
            (holds, notes) => format!("{holds} must be looked at, {notes} worth checking"),
        };
        Card {
            base,
            id: &card.id,
            heading: heading(card),
            file: undirected(&card.file),
            duration: card.duration.map(clock),
            state: name_of(card.state),
            state_words: words_of(card),
            progress: card.progress.map(|share| (share.clamp(0.0, 1.0) * 100.0).round() as u8),
            flags: if looked_at { flags } else { String::new() },
            reasons: if card.state == CardState::NeedsALook { &card.reasons } else { &[] },
            approved_by: card.approved_by.as_deref(),
            failed: card.failed.as_ref().map(|(stage, p)| (during(stage), sentence(&p.what), sentence(&p.advice))),
            cuts,
            cover: card.cover,
            open: can_be_opened(card),
        }
    }
}

#[derive(Template)]
#[template(path = "review/clip.html")]
struct ClipPage<'a> {
    place: &'a Place<'a>,
    id: &'a str,
    heading: &'a str,
    file: &'a str,
    duration: String,
    state: &'static str,
    state_words: &'static str,
    /// Id and heading.
    next: Option<(String, String)>,
    previous: Option<(String, String)>,
    json: String,
}

#[derive(Template)]
#[template(path = "review/sign_in.html")]
struct SignInPage {
    wrong: bool,
}

#[derive(Template)]
#[template(path = "review/refused.html")]
struct RefusedPage {
    what: String,
    advice: String,
}

/// Writing to a string fails for no value of these templates.
fn written(page: &impl Template) -> String {
    page.render().unwrap_or_default()
}

/// Whether there is anything to open: it was read.
fn can_be_opened(card: &ClipCard) -> bool {
    match card.state {
        CardState::Copying | CardState::Waiting | CardState::Transcribing => false,
        CardState::NeedsALook | CardState::Approved | CardState::Rendering | CardState::Done => true,
        CardState::Failed => card.duration.is_some(),
    }
}

fn heading(card: &ClipCard) -> &str {
    card.question.as_deref().filter(|question| !question.trim().is_empty()).unwrap_or(&card.name)
}

/// A state as the styles and scripts know it: the same as in JSON.
fn name_of(state: CardState) -> &'static str {
    match state {
        CardState::Copying => "copying",
        CardState::Waiting => "waiting",
        CardState::Transcribing => "transcribing",
        CardState::NeedsALook => "needs-a-look",
        CardState::Approved => "approved",
        CardState::Rendering => "rendering",
        CardState::Done => "done",
        CardState::Failed => "failed",
    }
}

/// What was done with a clip at a stage, as reports name it, in words of the people who read it.
fn during(stage: &str) -> &'static str {
    match stage {
        "" => "",
        "intake" => "taking it up",
        "probe" => "reading it",
        "speech" => "listening to it",
        "plan" => "planning its cuts",
        "verify" => "checking its cuts",
        "publish" => "putting its cuts in place",
        _ => "making its cuts",
    }
}

/// A state as a person reads it; `clip.js` has the same words.
fn words_of(card: &ClipCard) -> &'static str {
    match card.state {
        CardState::Copying => "Being copied",
        CardState::Waiting => "Waiting its turn",
        CardState::Transcribing => "Writing down what is said",
        CardState::NeedsALook => "Needs a look",
        CardState::Approved if card.approved_by.is_none() => "Its cuts come next",
        CardState::Approved => "Approved, its cuts come next",
        CardState::Rendering => "Cuts are being made",
        CardState::Done => "Done",
        CardState::Failed => "Could not be made",
    }
}

/// `3 of 12 need a look`; `day.js` has the same words.
fn needs(waiting: usize, all: usize) -> String {
    match (waiting, all) {
        (_, 0) => "No clips yet".to_string(),
        (0, _) => "Nothing needs a look now".to_string(),
        (1, all) => format!("1 of {all} needs a look"),
        (waiting, all) => format!("{waiting} of {all} need a look"),
    }
}

/// A view as JSON that no text of a person can break out of its script element with, whatever it holds.
fn island(view: &ClipView) -> String {
    let json = serde_json::to_string(view).unwrap_or_else(|_| "null".to_string());
    json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

/// Seconds as `0:07` or `1:02:03`.
fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
