//! Text is text: what looks like a command to libass, libavfilter, a browser, a shell, a file system or a terminal is
//! shown, or left out, and never obeyed.

use crate::common::desk::small_x;
use crate::footage::early;
use crate::watched::{Seen, assert_whole, contents, watched};
use scraper::{ElementRef, Html, Selector};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Folders whose names mean something to filters, shells and formats.
const FOLDERS: [&str; 3] = ["in:box;[a],b'c\" %d {x} \\N é", "cuts;:[out],'q' %s =movie\\", "t:m,p;[x]'\\%{} é"];

/// What a practice, a patient and a speaker might write, to the harm of whoever believes it.
const SAID: &str = "{\\pos(0,0)}Take \\N two\\hmilligrams <script>alert(1)</script> {\\an8\\fs300}& \"each\" 'night' \\ \
                    %{pts} [in];movie=/etc/passwd,null[out]: C:\\new\\{x\\} $(touch hacked) --> `id` ../../x javascript:alert(1)";
const QUESTION: &str = "Is <img src=x onerror=alert(2)> {\\pos(9,9)} \\N \"safe\"? %n 'x':y;[z]";
const NAME: &str = "Alder </title><script>alert(3)</script> {\\p1}m 0 0 \\N";

/// A home with folders of strange names.
struct Strange {
    home: TempDir,
}

impl Strange {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        FOLDERS.iter().for_each(|folder| fs::create_dir(home.path().join(folder)).unwrap());
        fs::create_dir(home.path().join("words")).unwrap();
        Strange { home }
    }

    fn at(&self, place: &str) -> PathBuf {
        self.home.path().join(place)
    }

    fn inbox(&self) -> PathBuf {
        self.at(FOLDERS[0])
    }

    fn out(&self) -> PathBuf {
        self.at(FOLDERS[1])
    }

    /// Puts a clip into the inbox, with its words.
    fn clip(&self, stem: &OsStr, ending: &str, words: &str) {
        let named = |folder: PathBuf, end: &str| {
            let mut name = stem.to_os_string();
            name.push(end);
            folder.join(name)
        };
        let file = named(self.inbox(), ending);
        fs::write(&file, early()).unwrap();
        let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        fs::File::options().append(true).open(&file).unwrap().set_modified(hour_ago).unwrap();
        let kind = if words.starts_with('{') { ".json" } else { ".srt" };
        fs::write(named(self.at("words"), kind), words).unwrap();
    }

    fn practice(&self, about: &str) {
        let text = format!("[practice]\n{about}\n[speech]\nmodel = \"starter\"\n{}min_seconds = 0.2\n", small_x());
        fs::write(self.inbox().join("practice.toml"), text).unwrap();
    }

    fn run(&self) -> Seen {
        let mut command = Command::new(env!("CARGO_BIN_EXE_housecall"));
        command.arg("run").arg(FOLDERS[0]).args(["--out", FOLDERS[1], "--offline", "--platforms", "x"]);
        command.args(["--transcript", "words"]).current_dir(self.home.path());
        command.env("HOME", self.home.path()).env("TMPDIR", self.at(FOLDERS[2]));
        for variable in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let seen = watched(command);
        seen.assert_sound();
        // A terminal obeys none of what is told.
        let obeyed =
            |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        assert!(!seen.err.contains(obeyed) && !seen.out.contains(obeyed), "{seen:?}");
        // Nothing was made anywhere but in the output folder.
        let there: BTreeSet<OsString> =
            fs::read_dir(self.home.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        let ours: BTreeSet<OsString> = FOLDERS.iter().chain(&["words"]).map(OsString::from).collect();
        assert!(there.iter().all(|name| ours.contains(name) || name == ".cache"), "{there:?}");
        assert!(contents(&self.at(FOLDERS[2])).is_empty());
        seen
    }

    /// The cuts, by what stands in their file names.
    fn cuts(&self) -> Vec<PathBuf> {
        let all = ["x", "held/x"].map(|folder| contents(&self.out().join(folder)));
        all.into_iter()
            .flatten()
            .map(|(file, _)| file)
            .filter(|file| file.extension().is_some_and(|e| e == "mp4"))
            .collect()
    }

    fn page(&self) -> Html {
        let page = fs::read_to_string(self.out().join("report.html")).unwrap();
        let document = Html::parse_document(&page);
        assert_inert(&document);
        document
    }
}

/// Asserts that a page holds nothing that a browser would run, load or send.
fn assert_inert(page: &Html) {
    let known = "html head meta title style body a header h1 h2 h3 h4 p ul li main section article div img strong bdi span mark \
                 details summary table caption thead tbody tr th td code footer br";
    for element in page.select(&Selector::parse("*").unwrap()) {
        let name = element.value().name();
        assert!(known.split(' ').any(|known| known == name), "<{name}>");
        for (attribute, value) in element.value().attrs() {
            let harmless = match attribute {
                "href" => value.starts_with('#') || value.starts_with("./"),
                "src" => name == "img" && value.starts_with("data:image/jpeg;base64,"),
                "http-equiv" => value == "Content-Security-Policy",
                _ => {
                    !attribute.starts_with("on")
                        && !["style", "srcdoc", "action", "formaction", "background", "xlink:href"].contains(&attribute)
                }
            };
            assert!(harmless, "<{name} {attribute}=\"{value}\">");
        }
    }
}

fn text_of(page: &Html) -> String {
    let body = page.select(&Selector::parse("body").unwrap()).next().unwrap();
    ElementRef::text(&body).collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn json(words: &[&str]) -> String {
    let length = 0.9 / words.len() as f64;
    let word = |(n, text): (usize, &&str)| {
        let start = n as f64 * length;
        serde_json::json!({ "text": text, "start": start, "end": start + length * 0.9, "confidence": 0.9 })
    };
    let words: Vec<_> = words.iter().enumerate().map(word).collect();
    serde_json::json!({ "clip": "c", "model": "m", "language": "en", "words": words }).to_string()
}

#[test]
fn what_people_write_is_shown_and_never_obeyed() {
    let desk = Strange::new();
    // TOML's own literal strings take everything but three quotation marks in a row.
    desk.practice(&format!(
        "name = '''{NAME}'''\nhandle = '''@a{{\\b1}}<b>'''\nphone = '''5%s'''\nsite = '''javascript:alert(4)'''\n\
         call_to_action = '''Book \\N now{{\\fs1}}'''\ndisclaimer = '''\"Not\" <i>advice</i> \\h'''\n\
         [glossary]\nterms = ['''{{\\pos(1,1)}}''']\nreplace = {{ 'a' = '''<b>{{\\i1}}''' }}\n[hook]\nseconds = 0.5"
    ));
    let words: Vec<&str> = SAID.split_whitespace().collect();
    desk.clip(OsStr::new("text"), ".mp4", &json(&words));
    let quoted = QUESTION.replace('"', "\"\"");
    fs::write(desk.inbox().join("questions.csv"), format!("file,question\ntext.mp4,\"{quoted}\"\n")).unwrap();
    // What no font can draw, what hides other text, and words without end.
    let zalgo: String = "a\u{301}".chars().chain("\u{351}\u{36b}\u{343}".repeat(500).chars()).collect();
    for (stem, words) in [
        ("emoji", vec!["Take", "👩\u{200D}⚕\u{FE0F}", "🏳\u{FE0F}\u{200D}🌈"]),
        ("bidi", vec!["\u{202E}evil\u{2066}", "قلم", "2", "mg", "\u{2069}\u{202C}עברית"]),
        ("piles", vec![&*zalgo, "b"]),
        ("control", vec!["a\u{0}b\u{1b}[31m", "c\nd\r\n\n1\n00:00:00,000", "-->", "00:00:09,000", "e"]),
        ("one-word", vec![&*"W".repeat(10_000)]),
    ] {
        desk.clip(OsStr::new(stem), ".mp4", &json(&words));
    }
    desk.clip(OsStr::new("many-words"), ".mp4", &json(&["a"; 10_000]));
    let seen = desk.run();
    println!("peak {} MiB\n{}", seen.peak >> 20, seen.err);
    let made: Vec<String> =
        desk.cuts().iter().map(|cut| cut.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    for stem in ["text", "bidi", "control"] {
        assert!(made.iter().any(|made| made == stem), "{stem}: {}", seen.err);
    }
    for stem in ["emoji", "piles", "one-word", "many-words"] {
        assert!(
            made.iter().any(|made| made == stem) || seen.err.contains(&format!("{stem}: failed while")),
            "{stem}: {}",
            seen.err
        );
    }
    desk.cuts().iter().for_each(|cut| assert_whole(cut));
    let page = desk.page();
    let shown = text_of(&page);
    for text in [SAID, QUESTION, NAME] {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(&text), "{text} in {shown}");
    }
    let captions = fs::read_to_string(desk.out().join("transcripts/text.srt")).unwrap();
    let lines = captions.lines().filter(|line| !line.contains(" --> ") && !line.chars().all(|c| c.is_ascii_digit()));
    let line = lines.collect::<Vec<_>>().join(" ").replace('→', "-->");
    assert_eq!(line, SAID.split_whitespace().collect::<Vec<_>>().join(" "));
    let post = contents(&desk.out()).into_iter().find(|(file, _)| file.ends_with("x/text.txt")).unwrap().1;
    assert!(String::from_utf8(post).unwrap().contains(QUESTION));
}

#[test]
fn file_names_are_names_and_nothing_else() {
    let desk = Strange::new();
    desk.practice("name = \"Alder Lane Clinic\"\n[hook]\nseconds = 0.5\n[end_card]\nenabled = false");
    let long = "é".repeat(125);
    let mut stems: Vec<OsString> = [
        "--help",
        "-rf",
        "a b'c\"d%s%n",
        "<img src=x onerror=alert(1)>",
        "[in];movie=x,'",
        "{\\pos(0,0)}\\N",
        "$(touch hacked)",
        "`id`;&|",
        "clip\u{202E}4pm",
        "line\nbreak",
        "\u{1b}[31mred\u{7}",
        "Same",
        "same",
        "caf\u{e9}",
        "cafe\u{301}",
        "CON",
        "a..b",
        "%2e%2e",
        &long,
    ]
    .iter()
    .map(OsString::from)
    .collect();
    stems.push(OsString::from_vec(b"bad\xFF\xFEname".to_vec()));
    for stem in &stems {
        desk.clip(stem, ".mp4", "1\n00:00:00,100 --> 00:00:00,800\nAsk us.\n");
    }
    // One that cannot be taken up is told of by its name, too.
    fs::write(desk.inbox().join("broken\u{1b}]0;x\u{7}\u{202E}.mp4"), b"minutes of the meeting").unwrap();
    let seen = desk.run();
    let cuts = desk.cuts();
    assert_eq!(cuts.len(), stems.len(), "{}\n{cuts:?}", seen.err);
    cuts.iter().for_each(|cut| assert_whole(cut));
    // Every file that is made can lie on every file system, and differs where case does not count.
    let mut names = BTreeSet::new();
    for cut in &cuts {
        let name = cut.file_name().unwrap().to_str().unwrap();
        assert!(names.insert(name.to_lowercase()), "{name}");
        assert!(name.len() < 120 && !name.starts_with(['-', '.']), "{name}");
        assert!(!name.contains(|c: char| c.is_control() || "<>:\"/\\|?*%;&'`$[]{}\u{202E}".contains(c)), "{name}");
        assert_ne!(name, "CON.mp4");
    }
    assert!(seen.err.contains("broken\\u{1b}]0;x\\u{7}"), "{}", seen.err);
    let shown = text_of(&desk.page());
    for stem in stems.iter().filter(|stem| stem.to_str().is_some_and(|stem| !stem.contains(char::is_control))) {
        let name = format!("{}.mp4", stem.to_str().unwrap().replace('\u{202E}', ""));
        assert!(shown.contains(&name), "{name} in {shown}");
    }
}
