#![allow(clippy::unwrap_used)]
use super::*;
use crate::cuts::{Limits, Skipped};
use crate::pipeline::signoff::{Signoff, Standing, Why};
use crate::report::LeafOf;
use crate::speech::Word;
use crate::units::{Size, Span};
use crate::wording::checks::Category;
use crate::wording::{Departure, Origin, PostText};

fn cut(platform: &str, file: &str) -> CutReport {
    CutReport {
        platform: platform.into(),
        file: file.into(),
        state: CutState::Published,
        canvas: Size::new(1080, 1920),
        bytes: 12_345_678,
        duration: Time::from_millis(14_260),
        loudness: Some(-14.04),
        true_peak: Some(-1.62),
        limits: Limits {
            min_duration: Time::from_seconds(3.0),
            max_duration: Time::from_seconds(180.0),
            max_bytes: 300_000_000,
        },
        shared_with: vec!["youtube-shorts".into()],
        post: Some(PostText { title: None, text: "Ask us.\n\n#skin".into() }),
    }
}

fn clip(question: &str, said: &str) -> ClipReport {
    let word = |text: &str| Word { text: text.into(), span: Span::default(), confidence: 0.9 };
    ClipReport {
        name: "razor-bumps".into(),
        file: "razor bumps.mov".into(),
        question: Some(question.into()),
        state: ClipState::Done,
        duration: Some(Time::from_seconds(14.0)),
        transcript: said.split_whitespace().map(word).collect(),
        origin: Origin::Heard,
        replaced: Vec::new(),
        departures: Vec::new(),
        signoff: Signoff::default(),
        goods: Vec::new(),
        cover: None,
        cuts: vec![cut("tiktok", "tiktok/razor-bumps.mp4")],
        skipped: vec![],
        notes: vec![],
        removed: vec![],
    }
}

fn page(reports: &[ClipReport]) -> String {
    let names = [("tiktok", "TikTok"), ("youtube-shorts", "YouTube Shorts")];
    let names = names.map(|(id, name)| (id.to_string(), name.to_string())).into();
    on(&names).whole(reports.iter().cloned()).unwrap()
}

fn on(platforms: &BTreeMap<String, String>) -> Sheet<'_> {
    Sheet { practice: "Alder Lane Clinic", day: "14 September 2026", out: Path::new("nowhere"), platforms }
}

#[test]
fn a_card_says_what_was_made() {
    let page = page(&[clip("Do razor bumps go away?", "They do.")]);
    for shown in [
        "1 clip<",
        "1 cut ready",
        "No problems",
        "TikTok",
        "same picture and sound as YouTube Shorts",
        "1080 × 1920",
        "12.3\u{A0}MB",
        "0:14.3",
        "−14.0 LUFS",
        "−1.6 dBTP",
        "✓ met",
        "0:03 to 3:00, at most 300\u{A0}MB",
        "href=\"./tiktok/razor-bumps.mp4\"",
        "#skin",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("hard to hear") && !page.contains("What needs you"));
}

#[test]
fn text_from_a_clip_never_becomes_markup() {
    let hostile = "</h2><script>alert('x')</script><img src=x onerror=\"a()\">&quot;";
    let mut report = clip(hostile, hostile);
    report.file = format!("{hostile}.mp4");
    report.notes = vec![hostile.into()];
    report.removed = vec![hostile.into()];
    report.skipped = vec![Skipped { platform: hostile.into(), reason: hostile.into() }];
    report.cuts[0].platform = hostile.into();
    report.cuts[0].file = "tiktok/\"><script>.mp4".into();
    report.cuts[0].post = Some(PostText { title: Some(hostile.into()), text: hostile.into() });
    let mut failed = report.clone();
    failed.state = ClipState::Failed { stage: hostile.into(), what: hostile.into(), advice: hostile.into() };
    let page = page(&[report, failed]);
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("\"a()\""));
    assert!(page.contains("&#60;script&#62;") && page.contains("%22%3E%3Cscript%3E.mp4"));
}

#[test]
fn the_page_needs_no_other_file_and_no_network() {
    let page = page(&[clip("A question?", "An answer.")]);
    for outside in ["http:", "https:", "src=\"/", "<script", "<link", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn failures_come_first_with_what_to_do() {
    let mut failed = clip("Second?", "Said.");
    let kept = Some("failed/razor bumps.mp4".into());
    failed.cuts[0].state = CutState::Failed { what: "the file is too quiet".into(), advice: "run again".into(), kept };
    let mut lost = clip("Third?", "");
    lost.cuts.clear();
    lost.state =
        ClipState::Failed { stage: "probe".into(), what: "no video track".into(), advice: "copy it again".into() };
    let page = page(&[clip("First?", "Said."), failed, lost]);
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(at("What needs you") < at("href=\"#clip-2\"") && at("href=\"#clip-3\"") < at("id=\"clip-1\""));
    assert!(page.contains("✕ 2 problems") && page.contains("1 cut ready"));
    assert!(page.contains("The file is too quiet.") && page.contains("Copy it again."));
    assert!(page.contains("href=\"./failed/razor%20bumps.mp4\""));
}

#[test]
fn limits_that_are_not_met_are_named() {
    let mut long = cut("tiktok", "a.mp4");
    assert!(unmet(&long).is_empty());
    (long.duration, long.bytes) = (Time(180_000_001), 300_000_001);
    assert_eq!(unmet(&long), ["too long", "file too large"]);
    long.duration = Time(2_999_999);
    assert_eq!(unmet(&long), ["too short", "file too large"]);
}

#[test]
fn unsure_words_are_marked_for_eyes_and_ears() {
    let mut report = clip("Dose?", "Take fifteen daily.");
    report.transcript[1].confidence = 0.49;
    let page = page(&[report]);
    assert!(page.contains("Take <mark>fifteen<span class=\"unseen\"> (unsure)</span></mark> daily."));
    assert!(page.contains("1 word that was hard to hear"));
}

#[test]
fn what_is_shown_without_being_heard_is_said_to_be_the_scripts() {
    let departure = |said: &str, unheard| Departure {
        at: Time::ZERO,
        said: said.into(),
        script: "gently".into(),
        grave: false,
        unheard,
    };
    let departures = vec![departure("", true), departure("", false), departure("often", false)];
    let page = page(&[ClipReport { departures, ..clip("Why?", "Because.") }]);
    for shown in [
        "\"<bdi>gently</bdi>\" was not heard and is taken from the script<",
        "the script's \"<bdi>gently</bdi>\" was not said<",
        "\"<bdi>often</bdi>\" instead of \"<bdi>gently</bdi>\"<",
    ] {
        assert_eq!(page.matches(shown).count(), 1, "{shown}");
    }
}

#[test]
fn links_lead_only_into_the_output_folder() {
    let file = Path::new("tiktok/zähne #1?.mp4");
    assert_eq!(href(".", file).unwrap(), "./tiktok/z%C3%A4hne%20%231%3F.mp4");
    assert_eq!(href("..", file).unwrap(), "../tiktok/z%C3%A4hne%20%231%3F.mp4");
    for outside in ["/etc/passwd", "../a.mp4", "a/../../b.mp4", "", "."] {
        assert_eq!(href(".", Path::new(outside)), None, "{outside}");
        assert_eq!(href("..", Path::new(outside)), None, "{outside}");
    }
}

#[test]
fn covers_are_inside_the_page_and_small() {
    let out = tempfile::tempdir().unwrap();
    let picture = image::RgbImage::from_fn(1080, 1920, |x, y| image::Rgb([(x / 5) as u8, (y / 8) as u8, 90]));
    picture.save(out.path().join("cover.jpg")).unwrap();
    let data = embedded(out.path(), Path::new("cover.jpg")).unwrap();
    let jpeg = STANDARD.decode(data.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap();
    let small = image::load_from_memory(&jpeg).unwrap();
    assert_eq!((small.width(), small.height()), (270, 480));
    assert!(jpeg.len() < 40_000, "{}", jpeg.len());
    assert_eq!(embedded(out.path(), Path::new("gone.jpg")), None);
    assert_eq!(embedded(&out.path().join("inner"), Path::new("../cover.jpg")), None);
}

#[test]
fn a_file_name_cannot_hide_its_end() {
    let mut report = clip("A question?", "An answer.");
    report.file = "clip\u{202E}4pm.exe".into();
    assert!(page(&[report]).contains("<bdi>clip4pm.exe</bdi>"));
}

#[test]
fn file_names_keep_their_case() {
    assert_eq!(sentence("the file is too long"), "The file is too long.");
    assert_eq!(sentence("clip.mp4 is broken."), "clip.mp4 is broken.");
    assert_eq!(sentence(" "), "");
}

#[test]
fn numbers_read_as_people_write_them() {
    let clocks = [(0, "0:00"), (7_250, "0:07.3"), (59_960, "1:00"), (720_000, "12:00"), (43_200_000, "12:00:00")];
    for (millis, shown) in clocks {
        assert_eq!(clock(Time::from_millis(millis)), shown);
    }
    for (count, shown) in [(999, "999 B"), (1_500, "1.5 kB"), (16_000_000, "16 MB"), (256_000_000_000, "256 GB")] {
        assert_eq!(bytes(count).replace('\u{A0}', " "), shown);
    }
}

#[test]
fn what_was_flagged_is_shown_once_with_its_places_and_what_holds_the_clip_first() {
    let finding = |rule: &str, severity, place, words: &str, at: Option<i64>| Finding {
        rule: rule.into(),
        category: Category::Privacy,
        severity,
        place,
        words: words.into(),
        span: at.map(|at| Span::new(Time::from_millis(at), Time::from_millis(at + 500))),
        advice: "cut it out".into(),
    };
    let posts = ["tiktok", "youtube-shorts"].map(|id| Place::Post(id.into()));
    let [tiktok, shorts] = posts.map(|place| finding("patient-name", Severity::Hold, place, "Mr. <b>", None));
    let mut held = clip("Dose?", "Mr. <b> takes 2 mg.");
    held.signoff.findings = vec![
        finding("dose", Severity::Note, Place::Transcript, "2 mg", Some(9_000)),
        finding("patient-name", Severity::Hold, Place::Transcript, "Mr. <b>", Some(7_300)),
        tiktok,
        shorts,
        finding("patient-name", Severity::Hold, Place::FileName, "Mr. <b>", None),
    ];
    let held = held.standing(Standing::Held(vec![Why::Flagged(4), Why::NoConsent]));
    assert_eq!((held.published(), held.made(), held.has_failure(), held.is_held()), (0, 1, false, true));
    let page = page(&[clip("Free?", "Said."), held]);
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} in {page}"));
    assert!(at("1 clip waiting for approval") < at("href=\"#clip-2\"") && at("href=\"#clip-2\"") < at("id=\"clip-1\""));
    let places =
        "\"<bdi>Mr. &#60;b&#62;</bdi>\" at 0:07.3, in the file name, in the text for TikTok, YouTube Shorts, flagged";
    assert!(at(places) < at("2 mg</bdi>\" at 0:09: Cut it out."));
    assert_eq!(page.matches("flagged for review. Cut it out.").count(), 1);
    assert!(page.contains("4 places are flagged for review; a patient is visible"));
    assert!(page.contains("href=\"./held/tiktok/razor-bumps.mp4\"") && page.contains("1 cut ready"));
}

#[test]
fn one_of_several_pages_leads_to_the_others_and_to_the_cuts() {
    let names = BTreeMap::new();
    let leaf = |before, after| {
        let place = Leaf { number: 12, before, after };
        on(&names).leaf(place, [clip("Why?", "Because.")].into_iter()).unwrap()
    };
    let page = leaf(Some(7), Some(103));
    for (link, times) in [("../tiktok/razor-bumps.mp4", 1), ("../report.html", 2), ("./007.html", 2), ("./103.html", 2)]
    {
        assert_eq!(page.matches(&format!("href=\"{link}\"")).count(), times, "{link}");
    }
    assert!(
        page.contains("Page 12") && page.contains("<title>Alder Lane Clinic: answers of 14 September 2026, page 12<")
    );
    let alone = leaf(None, None);
    assert!(!alone.contains("Page before") && !alone.contains("Next page") && alone.contains("All pages"));
}

#[test]
fn the_front_page_sums_up_all_pages_and_tells_of_the_first_that_need_somebody() {
    let fails = |name: String| {
        let state = ClipState::Failed { stage: "probe".into(), what: "no video <b>".into(), advice: "copy it".into() };
        ClipReport::bare(&name, &format!("{name}.mov"), state)
    };
    let waits = |name: String| {
        let file = format!("{name}.mov");
        ClipReport { name, file, ..clip("Dose?", "Two.") }.standing(Standing::Held(vec![Why::EveryClip]))
    };
    let failed: Vec<ClipReport> = (0..250).map(|n| fails(format!("f{n}"))).collect();
    let held: Vec<ClipReport> = (0..201).map(|n| waits(format!("h{n}"))).collect();
    let free = [ClipReport { name: "free".into(), file: "free.mov".into(), ..clip("Why?", "Because.") }];
    let all: Vec<&ClipReport> = failed.iter().chain(&held).chain(&free).collect();
    let briefs: Vec<ClipBrief> = all.iter().map(|report| ClipBrief::from(*report)).collect();
    let [first, rest] = [&briefs[..250], &briefs[250..]].map(|clips| clips.iter().collect());
    let leaves = [LeafOf { number: 2, clips: first }, LeafOf { number: 11, clips: rest }];
    let names = BTreeMap::new();
    let whole = |brief: &ClipBrief| all.iter().find(|report| report.name == brief.name).map(|r| (*r).clone()).unwrap();
    let page = on(&names).front(&leaves, &whole).unwrap();
    for (shown, times) in [
        ("<li>452 clips</li>", 1),
        ("<li>1 cut ready", 1),
        ("✕ 250 problems</li>", 1),
        ("⏸ 201 clips waiting", 1),
        ("No video &#60;b&#62;. Copy it.", 200),
        ("And 50 more, on the pages below that are marked ✕.", 1),
        ("And 1 more, on the pages below that are marked ⏸.", 1),
        ("href=\"./report/002.html#clip-200\"", 1),
        ("href=\"./report/011.html#clip-200\"", 1),
        ("href=\"./report/011.html\">Page 11<", 1),
        ("✕ 250 problems</strong>", 1),
        ("⏸ 201 waiting</strong>", 1),
        ("<bdi>h0.mov</bdi>", 1),
        ("<bdi>free.mov</bdi>", 1),
        ("href=\"./report/names.html\"", 1),
    ] {
        assert_eq!(page.matches(shown).count(), times, "{shown} in {page}");
    }
    assert!(!page.contains("src=") && !page.contains("<script"), "nothing else is needed");
    let names = on(&names).names(&leaves).unwrap();
    assert_eq!((names.matches("<li>").count(), names.matches(" problem<").count()), (452, 250));
    assert!(names.contains("<li><a href=\"./011.html#clip-202\"><bdi>free.mov</bdi></a></li>"), "{names}");
    assert!(names.find("<bdi>f99.mov") < names.find("<bdi>free.mov") && names.contains("href=\"../report.html\""));
}
