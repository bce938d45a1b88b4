//! What is fuzzed: one function a parser of our own, each on the bytes of a file. A target must come back soon, whatever
//! the bytes are, and what comes out must keep the promises that later stages build on. Used by the fuzz targets and by
//! the tests, which run the corpus and a few mutations of it.

use housecall::captions::{Card, Cue, Fonts, Hook, LineLimits, MarkText, Scene};
use housecall::captions::{ass, cues, handwritten, read_subtitles, sidecar_cues, srt, srt_of, style, vtt};
use housecall::config::{CardBackground, Corner, Practice, clip_settings_of, practice_of};
use housecall::fault::Fault;
use housecall::intake::{GivenTranscript, KnownTexts, inspect, questions_of, transcript_of};
use housecall::speech::Word;
use housecall::units::{Rect, Rgb, Size, Span, Time};
use housecall::wording::checks::{Place, Rules, Switches};
use housecall::wording::{Glossary, Material, file_text, post_text, wording};
use std::io::Cursor;
use std::path::Path;
use std::sync::LazyLock;

/// Our own look at boxes and elements of a clip.
pub fn container(bytes: &[u8]) {
    inspect(&mut Cursor::new(bytes), bytes.len() as u64).expect("reading from memory");
    // A file that is shorter than it was when it was listed.
    drop(inspect(&mut Cursor::new(bytes), bytes.len() as u64 + 9));
}

/// questions.csv.
pub fn questions(bytes: &[u8]) {
    let (list, faults) = questions_of(bytes);
    for (file, question) in list {
        assert!(!file.is_empty() && !question.is_empty());
        assert!(!question.chars().any(char::is_control), "{question:?}");
    }
    faults.iter().for_each(told);
}

/// `<clip>.toml`.
pub fn clip_toml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match clip_settings_of(Path::new("clip.toml"), text, &PRACTICE.known) {
        Ok(settings) => {
            assert!(settings.end.is_none_or(|end| end > settings.start.unwrap_or(Time::ZERO)));
            for line in [&settings.question, &settings.hook].into_iter().flatten() {
                assert!(!line.chars().any(char::is_control) && line.trim() == line, "{line:?}");
            }
            assert!(settings.posts.keys().all(|id| PRACTICE.known.iter().any(|platform| platform.id == *id)));
            assert!(settings.crop.is_none_or(|c| c.x + c.width <= 1.001 && c.y + c.height <= 1.001 && c.width > 0.0));
        }
        Err(fault) => told(&fault),
    }
}

/// practice.toml, and the text of a post made with it.
pub fn practice_toml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match practice_of(Path::new("practice.toml"), text, None) {
        Ok(practice) => {
            assert!(!practice.name.trim().is_empty() && !practice.platforms.is_empty());
            for platform in &practice.platforms {
                for canvas in &platform.canvases {
                    let Rect { x, y, width, height } = canvas.text_box;
                    assert!(width > 0 && height > 0 && canvas.size.width % 2 == 0 && canvas.size.height % 2 == 0);
                    assert!(x + width <= canvas.size.width && y + height <= canvas.size.height);
                }
                file_text(&post_text(platform, &practice, &Default::default()));
            }
        }
        Err(fault) => told(&fault),
    }
}

/// SRT and WebVTT, read and written again.
pub fn subtitles(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match read_subtitles(&text) {
        Ok(captions) => {
            assert!(captions.is_sorted_by_key(|caption| caption.span.start));
            assert!(captions.iter().all(|c| !c.text.is_empty() && c.span.start <= c.span.end));
            // What a person saves is read again as it was, or refused.
            if let Ok(saved) = srt_of(&captions) {
                assert_eq!(read_subtitles(&saved).ok(), handwritten(&captions).ok());
            }
            let texts = KnownTexts { given: Some(GivenTranscript::Captions(captions)), ..KnownTexts::default() };
            worded(&texts, &[]);
        }
        Err(fault) => told(&fault),
    }
}

/// A transcript in JSON, as Housecall and others write it.
pub fn transcript(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match transcript_of(Path::new("clip.json"), text) {
        Ok(given) => {
            if let GivenTranscript::Words(words) = &given {
                assert!(words.iter().all(|word| (0.0..=1.0).contains(&word.confidence)));
                assert!(words.iter().all(|word| !word.text.is_empty() && !word.text.contains(char::is_control)));
            }
            worded(&KnownTexts { given: Some(given), ..KnownTexts::default() }, &[]);
        }
        Err(fault) => told(&fault),
    }
}

/// Words to cues to ASS, SRT and VTT: nothing in a text is obeyed. The first line is the hook, the second the practice's
/// name and the like, the rest is what is said.
pub fn captions(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (hook, rest) = text.split_once('\n').unwrap_or(("", &text));
    let (name, said) = rest.split_once('\n').unwrap_or(("", rest));
    drawn(hook, name, &spoken(said));
}

/// A word every 0.3 s; `|` is a pause of a second.
fn spoken(text: &str) -> Vec<Word> {
    let mut at = 200;
    let mut words = Vec::new();
    for text in text.split(' ').filter(|text| !text.is_empty()) {
        let span = Span::new(Time::from_millis(at), Time::from_millis(at + 260));
        at += if text == "|" { 1000 } else { 300 };
        words.push(Word { text: text.to_string(), span, confidence: 0.9 });
    }
    words
}

/// Everything that wording and captions make of texts.
fn worded(texts: &KnownTexts, heard: &[Word]) {
    let end = Time::from_millis(600_000);
    let whole = Span::new(Time::ZERO, end);
    let made = wording(&Material {
        heard,
        language: "en",
        speech: &[whole],
        end,
        within: whole,
        texts,
        question: None,
        glossary: &Glossary::default(),
        digits: true,
    });
    drawn(made.question.as_deref().unwrap_or(""), "", &made.words);
    RULES.check_transcript(&made.words);
    let practice = &*PRACTICE;
    for platform in &practice.platforms {
        let post = post_text(platform, practice, &made);
        let most = platform.post.text.unwrap_or(0);
        assert!(unicode_segmentation::UnicodeSegmentation::graphemes(&*post.text, true).count() <= most);
        RULES.check_text(&Place::Post(platform.id.clone()), &file_text(&post));
    }
}

static PRACTICE: LazyLock<Practice> = LazyLock::new(|| {
    let text = "[practice]\nname = \"Alder Lane Clinic\"\nhashtags = [\"#a\"]\ncall_to_action = \"Book a visit\"\n\
                [cuts]\nplatforms = [\"x\", \"youtube\"]\n";
    practice_of(Path::new("practice.toml"), text, None).expect("a practice")
});
static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::load(None, &Switches::default()).expect("rules"));
static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let clear = style("clear").expect("a style");
    // Latin, Arabic and Hebrew. Every further family is opened anew for each document, which is most of the time.
    Fonts::load(&clear.fonts[..4], clear.bold).expect("the fonts that `make` installs")
});

fn drawn(hook: &str, name: &str, words: &[Word]) {
    // The style that also colours single words: all that the other writes, and more.
    let style = style("spoken").expect("a style");
    let (canvas, area) = (Size::new(540, 960), Rect::new(40, 600, 400, 200));
    let limits = LineLimits::new(&style, canvas, area);
    let cues = cues(words, None, &style, &limits, Some(&FONTS));
    assert!(cues.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start), "cues overlap");
    let place = Rect::new(40, 40, 400, 300);
    let span = Span::new(Time::ZERO, Time::from_millis(3000));
    let some = |text: &str| (!text.is_empty()).then(|| text.to_string());
    let scene = Scene {
        canvas,
        cues: &cues,
        caption_box: area,
        style: &style,
        hook: Some(Hook { text: hook.into(), span, place, colour: Rgb(1, 2, 3) }),
        mark_text: Some(MarkText { text: name.into(), place, corner: Corner::TopLeft, opacity: 0.5, span }),
        card: Some(Card {
            span,
            place,
            background: CardBackground::Plain,
            colour: Rgb(4, 5, 6),
            name: name.into(),
            call_to_action: some(name),
            contact: vec![name.into()],
            disclaimer: some(hook),
        }),
    };
    nothing_is_obeyed(&ass(&scene, &FONTS));
    let beside: Vec<Cue> = sidecar_cues(words, None, &style);
    read_subtitles(&vtt(&beside)).expect("what we write is read");
    read_subtitles(&srt(&beside)).expect("what we write is read");
}

/// Reads a document as libass does: every override in it is one that this program writes, every line an event.
pub fn nothing_is_obeyed(document: &str) {
    let (head, events) = document.split_once("[Events]\n").expect("events");
    assert!(!head.contains("Dialogue"));
    for line in events.lines().skip(1) {
        let fields: Vec<&str> = line.splitn(10, ',').collect();
        assert!(line.starts_with("Dialogue: ") && fields.len() == 10, "{line:?}");
        let mut rest = fields[9];
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix('\\') {
                // What libass obeys after a backslash: braces as letters; N, n and h.
                assert!(after.starts_with(['{', '}', '\u{200B}']), "{line:?}");
                rest = &after[after.chars().next().map_or(0, char::len_utf8)..];
            } else if let Some(after) = rest.strip_prefix('{') {
                let (inside, after) = after.split_once('}').expect("an override that ends");
                assert!(inside.split('\\').skip(1).all(is_ours), "{line:?}");
                assert!(inside.starts_with('\\') && !inside.contains('{'), "{line:?}");
                rest = after;
            } else {
                assert!(!c.is_control(), "{line:?}");
                rest = &rest[c.len_utf8()..];
            }
        }
    }
}

/// Whether this is an override that `captions` writes, with nothing but numbers, colours or an installed font after it.
fn is_ours(tag: &str) -> bool {
    let values = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit() || "(),.&H-".contains(c));
    let known = ["an", "pos", "fs", "1c", "1a", "alpha", "fad", "p1"];
    tag.strip_prefix("fn").is_some_and(|font| FONT_NAMES.iter().any(|known| known == font))
        || known.iter().any(|name| tag.strip_prefix(name).is_some_and(values))
}

static FONT_NAMES: LazyLock<Vec<String>> = LazyLock::new(|| style("clear").expect("a style").fonts);

/// A fault has to say something, on one line, that a terminal shows as it is.
fn told(fault: &Fault) {
    assert!(!fault.what().trim().is_empty() && !fault.advice().trim().is_empty(), "{fault:?}");
}
