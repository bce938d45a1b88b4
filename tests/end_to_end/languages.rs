//! Captions in other languages than English: real cuts from a transcript of one's own, looked at as pictures.

use housecall::captions::{Cue, Fonts, LineLimits, Scene, ass, cues, read_subtitles, srt, style, vtt};
use housecall::units::{Rect, Size, Time};
use housecall::wording::given;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What a clinician says, a language each; a caption a sentence.
const SPANISH: &str = "¿Qué hago si tengo fiebre? No tome más de 2 mg al día sin hablar con la Dra. Ruiz. Beba mucha agua \
    y descanse. Si la fiebre dura más de tres días, ¡llámenos!";
const FRENCH: &str = "Comment\u{A0}soigner l\u{2019}acné\u{202F}? Ne prenez pas plus de 2 mg par jour. Voici mon \
    conseil\u{202F}: lavez le visage avec de l\u{2019}eau tiède. On dit «\u{A0}sans savon\u{A0}», mais un savon doux \
    n\u{2019}est pas dangereux\u{202F}!";
const GERMAN: &str = "Warum juckt meine Haut? Nehmen Sie nicht mehr als 2 mg am Tag. Fragen Sie den Arzt, wenn die \
    Krankenversicherungskartenverwaltung nicht hilft. Eine Blutzuckermessung dauert nur zwei Minuten.";
const ARABIC: &str = "ما هو فيروس HPV؟ لا تأخذ أكثر من 2 mg في اليوم (3 مرات). اشرب الماء بعد الطعام، واسترح. اتصل بنا إذا \
    استمرت الحمى.";
const JAPANESE: &str = "熱が出たらどうすればいいですか？ 薬は1日2回、食後に飲んでください。 2 mgより多く飲まないでください。 \
    「ワクチン」の注射は、インフルエンザを防ぎます。";

/// The text as an SRT file: sentence after sentence, at a speaker's pace.
fn subtitles(text: &str) -> String {
    let mut at = 0.0;
    let mut file = String::new();
    let sentences = text.split_inclusive(['.', '?', '!', '？', '。', '؟']).map(str::trim);
    let mut kept: Vec<String> = Vec::new();
    for sentence in sentences.filter(|s| !s.is_empty()) {
        match kept.last_mut().filter(|last| last.ends_with("Dra.")) {
            Some(last) => *last += &format!(" {sentence}"),
            None => kept.push(sentence.to_string()),
        }
    }
    for (i, sentence) in kept.iter().enumerate() {
        let end = at + 0.075 * sentence.chars().count() as f64;
        let stamp = |s: f64| format!("00:00:{:02},{:03}", s as u32, (s.fract() * 1000.0) as u32);
        file += &format!("{}\n{} --> {}\n{sentence}\n\n", i + 1, stamp(at), stamp(end));
        at = end;
    }
    file
}

fn laid_out(text: &str, canvas: Size) -> Vec<Cue> {
    let style = style("clear").unwrap();
    let fonts = Fonts::load(&style.fonts, style.bold).unwrap();
    let words = given(&read_subtitles(&subtitles(text)).unwrap(), Time::from_seconds(60.0));
    let limits = LineLimits::new(&style, canvas, area(canvas));
    cues(&words.words, Some(&words.breaks), &style, &limits, Some(&fonts))
}

fn area(canvas: Size) -> Rect {
    let (w, h) = (canvas.width, canvas.height);
    Rect::new(w / 9, h / 9, w - 2 * (w / 9), h - 2 * (h / 9))
}

const PORTRAIT: Size = Size { width: 1080, height: 1920 };
const LANDSCAPE: Size = Size { width: 1920, height: 1080 };

/// The cues' lines, lines parted by " / ".
fn shown(text: &str, canvas: Size) -> Vec<String> {
    laid_out(text, canvas).iter().map(|cue| cue.text().join(" / ")).collect()
}

#[test]
fn lines_break_as_a_reader_of_the_language_does() {
    assert_eq!(
        shown(SPANISH, PORTRAIT),
        [
            "¿Qué hago / si tengo fiebre?",
            "No tome más de 2 mg / al día sin hablar",
            "con la Dra. Ruiz.",
            "Beba mucha agua / y descanse.",
            "Si la fiebre dura más / de tres días, ¡llámenos!",
        ]
    );
    assert_eq!(shown(SPANISH, LANDSCAPE)[1], "No tome más de 2 mg al día / sin hablar con la Dra. Ruiz.");
    assert_eq!(
        shown(FRENCH, PORTRAIT),
        [
            "Comment soigner / l\u{2019}acné ?",
            "Ne prenez pas plus / de 2 mg par jour.",
            "Voici mon conseil :",
            "lavez le visage / avec de l\u{2019}eau tiède.",
            "On dit « sans savon »,",
            "mais un savon doux / n\u{2019}est pas dangereux !",
        ]
    );
    assert_eq!(
        shown(GERMAN, PORTRAIT),
        [
            "Warum juckt / meine Haut?",
            "Nehmen Sie nicht mehr / als 2 mg am Tag.",
            "Fragen Sie den Arzt,",
            "wenn die / Krankenversicherungs-",
            "kartenverwaltung / nicht hilft.",
            "Eine Blutzuckermessung / dauert nur zwei Minuten.",
        ]
    );
    assert_eq!(
        shown(ARABIC, PORTRAIT),
        [
            "ما هو فيروس HPV؟",
            "لا تأخذ أكثر من 2 mg / في اليوم (3 مرات).",
            "اشرب الماء بعد الطعام، / واسترح.",
            "اتصل بنا / إذا استمرت الحمى.",
        ]
    );
    assert_eq!(
        shown(JAPANESE, PORTRAIT),
        [
            "熱が出たらどうすれば / いいですか？",
            "薬は1日2回、食後に / 飲んでください。",
            "2 mgより多く / 飲まないでください。",
            "「ワクチン」の注射は、 / インフルエンザを / 防ぎます。",
        ]
    );
    assert_eq!(shown(JAPANESE, LANDSCAPE)[3], "「ワクチン」の注射は、 / インフルエンザを防ぎます。");
}

/// The picture that libass draws of a script on grey, in RGB.
fn drawn(folder: &Path, script: &str, canvas: Size, at: f64) -> Vec<u8> {
    fs::write(folder.join("a.ass"), script).unwrap();
    let picture = format!("color=c=gray:s={}x{}:r=25:d={}", canvas.width, canvas.height, at + 0.2);
    let done = Command::new("ffmpeg")
        .current_dir(folder)
        .args(["-v", "error", "-f", "lavfi", "-i", &picture, "-vf", "ass=a.ass", "-ss", &at.to_string()])
        .args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// The captions of a text in a style without outline, so that all ink is letters.
fn script(name: &str, text: &str, canvas: Size) -> String {
    let mut style = style(name).unwrap();
    style.outline = 0.0;
    let fonts = Fonts::load(&style.fonts, style.bold).unwrap();
    let cues = laid_out(text, canvas);
    let scene = Scene {
        canvas,
        cues: &cues,
        caption_box: area(canvas),
        style: &style,
        hook: None,
        mark_text: None,
        card: None,
    };
    ass(&scene, &fonts)
}

#[test]
fn sidecars_hold_the_words_in_reading_order_without_controls() {
    for text in [SPANISH, FRENCH, GERMAN, ARABIC, JAPANESE] {
        let cues = laid_out(text, LANDSCAPE);
        for file in [srt(&cues), vtt(&cues)] {
            let read = read_subtitles(&file).unwrap();
            let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>();
            let all: String = read.iter().map(|s| squeezed(&s.text)).collect();
            assert_eq!(all, squeezed(text));
            assert!(!file.contains(['\u{200E}', '\u{200F}', '\u{202A}', '\u{202C}']));
        }
    }
}

/// The middle of the coloured ink across the picture, and which pixels are ink at all.
fn coloured(picture: &[u8], canvas: Size) -> (f64, Vec<bool>) {
    let pixels = || picture.as_chunks::<3>().0.iter();
    let is_coloured = |&[r, g, b]: &[u8; 3]| r > 200 && g > 160 && b < 140;
    let places = pixels().enumerate().filter(|(_, pixel)| is_coloured(pixel));
    let (sum, count) =
        places.fold((0.0, 0.0), |(sum, count), (at, _)| (sum + (at % canvas.width as usize) as f64, count + 1.0));
    assert!(count > 30.0, "nothing is coloured");
    (sum / count, pixels().map(|&[r, g, _]| r > 180 && g > 160).collect())
}

#[test]
fn arabic_words_are_coloured_from_right_to_left_and_doses_from_left_to_right() {
    let folder = tempfile::tempdir().unwrap();
    let canvas = Size { width: 640, height: 360 };
    let text = "HPV فيروس شائع جدا. خذ 2 mg من الدواء.";
    let (spoken, clear) = (script("spoken", text, canvas), script("clear", text, canvas));
    for cue in laid_out(text, canvas) {
        assert_eq!(cue.lines.len(), 1, "{:?}", cue.text());
        let mut before: Option<(String, f64)> = None;
        for word in &cue.lines[0] {
            let at = (word.span.start.seconds() + word.span.end.seconds()) / 2.0;
            let (middle, ink) = coloured(&drawn(folder.path(), &spoken, canvas, at), canvas);
            println!("{:<8} at {middle:.0} px", word.text);
            if let Some((last, place)) = before {
                let forwards = last == "2" && word.text == "mg";
                assert_eq!(middle > place, forwards, "{last} is at {place:.0}, {} at {middle:.0}", word.text);
            }
            // The colour changes no letter's shape or place.
            let plain = drawn(folder.path(), &clear, canvas, at);
            let plain = plain.as_chunks::<3>().0.iter().map(|&[r, g, _]| r > 180 && g > 160);
            let ink_there = ink.iter().filter(|ink| **ink).count();
            let other = plain.zip(&ink).filter(|(a, b)| a != *b).count();
            assert!(other * 20 < ink_there, "{other} of {ink_there} pixels of {} moved", word.text);
            before = Some((word.text.clone(), middle));
        }
    }
}
