#![allow(clippy::unwrap_used)]

use super::*;
use crate::units::Time;

/// A folder with a practice.toml and a logo.png.
fn practice_folder(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("practice.toml");
    std::fs::write(&file, text).unwrap();
    std::fs::write(folder.path().join("logo.png"), b"png").unwrap();
    (folder, file)
}

fn load_text(text: &str) -> Result<Practice, Fault> {
    let (_folder, file) = practice_folder(text);
    load_with(&file, None)
}

fn complaint(text: &str) -> String {
    load_text(text).unwrap_err().to_string()
}

fn uncommented(template: &str) -> String {
    let option = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    template.lines().map(option).collect()
}

#[test]
fn the_name_is_enough() {
    let practice = load_text("[practice]\nname = \"Alder Lane\"").unwrap();
    assert_eq!(practice.platforms.len(), 13);
    assert_eq!(practice.hook, Some(Time::from_seconds(3.0)));
    assert_eq!((practice.trim, practice.tighten_pauses), (true, None));
    assert_eq!(practice.watermark.unwrap().text.as_deref(), Some("Alder Lane"));
}

#[test]
fn pauses_are_tightened_above_a_number_of_seconds() {
    let load = |value: &str| load_text(&format!("[practice]\nname = \"Alder Lane\"\n[cuts]\ntighten_pauses = {value}"));
    for (value, seconds) in [("false", None), ("1.2", Some(1.2)), ("1", Some(1.0)), ("10", Some(10.0))] {
        assert_eq!(load(value).unwrap().tighten_pauses, seconds.map(Time::from_seconds), "{value}");
    }
    for value in ["true", "0.5", "11", "\"long\""] {
        let said = load(value).unwrap_err().to_string();
        assert!(said.contains("line 4: write false") && said.contains("0.7 to 10"), "{said}");
    }
}

#[test]
fn the_template_loads_and_tells_the_true_defaults() {
    let text = template("Dr. \"Al\" O'Neil \\ Sons");
    let bare = load_text(&text).unwrap();
    assert_eq!(bare.name, "Dr. \"Al\" O'Neil \\ Sons");

    let (_folder, file) = practice_folder(&uncommented(&text));
    let all = load_with(&file, None).unwrap();
    let (bare_mark, all_mark) = (bare.watermark.clone().unwrap(), all.watermark.clone().unwrap());
    assert_eq!(all.disclaimer.as_deref(), Some("General information, not medical advice."));
    assert_eq!((all.colour, all.hook, all.end_card), (bare.colour, bare.hook, bare.end_card));
    assert_eq!((&all.style, &all.language), (&bare.style, &bare.language));
    assert_eq!((all.framing, all.anchor, all.when_too_long), (bare.framing, bare.anchor, bare.when_too_long));
    assert_eq!((all.trim, all.tighten_pauses), (bare.trim, bare.tighten_pauses));
    assert_eq!((all.encoder, all.bounds, all.review), (bare.encoder, bare.bounds, bare.review));
    let said = crate::wording::checks::Rules::load(None, &all.checks);
    assert!(said.is_ok(), "the checks that the template names are there: {said:?}");
    assert_eq!((all_mark.corner, all_mark.opacity), (bare_mark.corner, bare_mark.opacity));
    assert_eq!(all_mark.size, bare_mark.size);
    assert_eq!(all.platforms.len(), 4);
    let x = all.known.iter().find(|platform| platform.id == "x").unwrap();
    assert_eq!((x.max_duration, x.max_bytes), (Time::from_seconds(1200.0), 8_000_000_000));
}

#[test]
fn the_template_names_every_option() {
    let template = uncommented(&template("A"));
    for table in [
        "practice",
        "brand",
        "watermark",
        "captions",
        "hook",
        "end_card",
        "speech",
        "intake",
        "review",
        "checks",
        "cuts",
    ] {
        let section = template.split(&format!("[{table}]\n")).nth(1).unwrap().split("\n[").next().unwrap();
        // The parser's complaint lists the options that it knows, each between backticks, after the unknown one.
        let said = complaint(&format!("[{table}]\nnonsense = 1"));
        let known: Vec<_> = said.split('`').skip(3).step_by(2).collect();
        assert!(!known.is_empty(), "{said}");
        for option in known {
            assert!(section.lines().any(|line| line.starts_with(&format!("{option} = "))), "{table}.{option}");
        }
    }
}

#[test]
fn a_wrong_value_is_named_with_its_line_and_what_is_allowed() {
    let head = "[practice]\nname = \"A\"\n";
    for (text, line, hints) in [
        ("[watermark]\ncolor = 1", 4, vec!["unknown option `color`", "corner"]),
        ("[watermark]\nopacity = 7", 4, vec!["0.05", "1"]),
        ("[watermark]\nlogo = true", 4, vec!["[brand]"]),
        ("[cuts]\nplatforms = [\n\"tiktok\",\n\"tictoc\"]", 6, vec!["tictoc", "perhaps \"tiktok\"", "youtube-shorts"]),
        ("[cuts]\nframing = \"zoom\"", 4, vec!["fill", "fit"]),
        ("[cuts]\nanchor = [0.5, 2]", 4, vec!["0", "1"]),
        ("[brand]\ncolour = \"green\"", 4, vec!["#1F6F5C"]),
        ("[brand]\nlogo = \"gone.png\"", 4, vec!["gone.png"]),
        ("[speech]\nlanguage = \"English\"", 4, vec!["en"]),
        ("[platform.tiktok]\nmax_second = 3", 4, vec!["max_seconds"]),
        ("[platform.tictok]\nmax_seconds = 3", 3, vec!["tiktok"]),
        ("[captions]\nstyle = \"loud\"", 4, vec!["loud", "clear"]),
    ] {
        let said = complaint(&format!("{head}{text}"));
        assert!(said.contains(&format!("line {line}")), "{said}");
        assert!(hints.iter().all(|hint| said.contains(hint)), "{said}");
    }
    assert!(complaint("[practice]\nname = \" \"").contains("line 2"));
    assert!(complaint("").contains("practice"));
    assert!(complaint("[practice]\nname = \"A\"\nhashtags = [\"two words\"]").contains("line 3"));
}

#[test]
fn contradicting_limits_are_refused() {
    let head = "[practice]\nname = \"A\"\n[platform.tiktok]\n";
    let canvas = "canvases = [{ size = { width = 1080, height = 1920 }, ";
    let rect = |x: u32, width: u32| format!("{{ x = {x}, y = 0, width = {width}, height = 900 }}");
    for (text, hint) in [
        ("min_seconds = 700".to_string(), "below max_seconds"),
        ("frame_rate = [50, 60]".to_string(), "include 30"),
        ("max_rate = 8".to_string(), "max_rate"),
        ("audio_rate = 8".to_string(), "audio_rate"),
        ("canvases = []".to_string(), "canvases"),
        (format!("{canvas}text_box = {} }}]", rect(900, 400)), "leaves the canvas"),
        (format!("{canvas}text_box = {} }}]", rect(4_294_967_295, 400)), "leaves the canvas"),
        (format!("{canvas}text_box = {} }}]", rect(0, 90)), "quarter"),
        (format!("{canvas}text_box = {}, covered = [{}] }}]", rect(0, 900), rect(800, 200)), "covers"),
    ] {
        let said = complaint(&format!("{head}{text}"));
        assert!(said.contains(hint) && said.contains("tiktok"), "{said}");
    }
}

#[test]
fn overrides_change_one_field_and_keep_the_rest() {
    let text = "[practice]\nname = \"A\"\n[platform.x]\ntarget_rate = 0\nmax_seconds = 60\n[platform.google-business]\nclean = false";
    let practice = load_text(text).unwrap();
    let of = |id: &str| practice.platforms.iter().find(|platform| platform.id == id).unwrap().clone();
    assert_eq!(of("x").encoding.target_rate, None);
    assert_eq!(of("x").max_duration, Time::from_seconds(60.0));
    assert_eq!(of("x").canvases.len(), 3);
    assert!(!of("google-business").clean);
}

#[test]
fn a_users_preset_replaces_the_embedded_one_and_new_ones_join() {
    let text = "[practice]\nname = \"A\"\n[cuts]\nplatforms = [\"waiting-room\", \"x\", \"x\"]";
    let (_folder, file) = practice_folder(text);
    let presets = tempfile::tempdir().unwrap();
    let youtube = include_str!("../../presets/platforms/youtube.toml");
    std::fs::write(presets.path().join("waiting-room.toml"), youtube).unwrap();
    std::fs::write(presets.path().join("x.toml"), youtube.replace("43200", "77")).unwrap();
    let practice = load_with(&file, Some(presets.path())).unwrap();
    let ids: Vec<_> = practice.platforms.iter().map(|platform| &*platform.id).collect();
    assert_eq!(ids, ["waiting-room", "x"]);
    assert_eq!(practice.platforms[1].max_duration, Time::from_seconds(77.0));
    assert_eq!(practice.known.len(), 14);
}

#[test]
fn platforms_of_the_command_line_keep_the_practices_overrides() {
    let practice =
        load_text("[practice]\nname = \"A\"\n[cuts]\nplatforms = [\"x\"]\n[platform.tiktok]\nmax_seconds = 50")
            .unwrap();
    let chosen = practice.with_platforms(&["tiktok".into(), " tiktok".into()]).unwrap();
    assert_eq!(chosen.platforms.len(), 1);
    assert_eq!(chosen.platforms[0].max_duration, Time::from_seconds(50.0));
    let said = practice.with_platforms(&["instagram".into()]).unwrap_err().to_string();
    assert!(said.contains("instagram-") && said.contains("pinterest"), "{said}");
    assert!(practice.with_platforms(&[]).is_err());
}

#[test]
fn the_practice_file_is_looked_for_in_order() {
    let inbox = tempfile::tempdir().unwrap();
    let user = tempfile::tempdir().unwrap();
    let find = |explicit: Option<&Path>| find_practice_in(explicit, inbox.path(), Some(user.path()));
    assert!(find(None).unwrap_err().advice().contains("housecall init"));
    std::fs::write(user.path().join("practice.toml"), "").unwrap();
    assert!(find(None).unwrap().starts_with(user.path()));
    std::fs::write(inbox.path().join("practice.toml"), "").unwrap();
    assert!(find(None).unwrap().starts_with(inbox.path()));
    assert!(find(Some(&inbox.path().join("other.toml"))).is_err());
    assert!(find(Some(&user.path().join("practice.toml"))).unwrap().starts_with(user.path()));
}

#[test]
fn presets_are_complete_and_sourced() {
    for platform in platforms_with(None).unwrap() {
        assert!(!platform.sources.is_empty() && platform.name != platform.id, "{}", platform.id);
        assert!(platform.sources.iter().all(|source| source.checked.starts_with("20")), "{}", platform.id);
        assert!(platform.encoding.max_rate <= 25_000, "{}", platform.id);
    }
}

#[test]
fn no_platform_takes_a_folder_that_holds_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let preset = include_str!("../../presets/platforms/x.toml");
    for (id, wrong) in [("report", true), ("Held", true), ("set-aside", true), ("reports", false), ("my-held", false)] {
        let file = folder.path().join(format!("{id}.toml"));
        std::fs::write(&file, preset).unwrap();
        let said = platforms_with(Some(folder.path())).map_err(|fault| fault.to_string());
        assert_eq!(said.is_err(), wrong, "{id}");
        assert!(said.map_or_else(|said| said.contains(&*file.to_string_lossy()), |all| all.iter().any(|p| p.id == id)));
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn portrait_platforms_agree_so_that_they_share_a_render() {
    let all = platforms_with(None).unwrap();
    let of = |id: &str| all.iter().find(|platform| platform.id == id).unwrap();
    let tiktok = of("tiktok");
    for id in ["instagram-reels", "youtube-shorts", "snapchat-spotlight", "facebook-reels", "pinterest", "linkedin"] {
        let other = of(id);
        assert_eq!(other.canvases[0], tiktok.canvases[0], "{id}");
        assert_eq!(other.encoding, tiktok.encoding, "{id}");
        assert_eq!(other.frame_rate, tiktok.frame_rate, "{id}");
    }
    let (instagram, facebook) = (of("instagram-feed"), of("facebook-feed"));
    assert_eq!((&instagram.canvases, &instagram.encoding), (&facebook.canvases, &facebook.encoding));
}

#[test]
fn what_is_too_large_to_be_taken_can_be_changed() {
    let bounds = |text: &str| load_text(&format!("[practice]\nname = \"A\"\n[intake]\n{text}")).map(|p| p.bounds);
    assert_eq!(bounds("").unwrap(), Bounds { max_side: 8192, max_duration: Time::from_seconds(1800.0) });
    let small = bounds("max_side = 640\nmax_minutes = 0.5").unwrap();
    assert_eq!(small, Bounds { max_side: 640, max_duration: Time::from_seconds(30.0) });
    assert!(bounds("max_side = 100000").unwrap_err().to_string().contains("line 4: 100000 is out of range"));
    assert!(bounds("max_minutes = 0").unwrap_err().to_string().contains("from 0.1 to 600 is allowed"));
}

#[test]
fn the_network_is_served_only_to_who_wrote_that_they_understand() {
    let page = |text: &str| load_text(&format!("[practice]\nname = \"A\"\n[review_page]\n{text}")).map(|p| p.page);
    assert_eq!(page("").unwrap(), ReviewPage::default());
    for wrong in ["yes", "", "true", "I understand", &UNDERSTOOD.to_uppercase()] {
        let said = page(&format!("local_network = \"{wrong}\"")).unwrap_err().to_string();
        assert!(said.contains("line 4") && said.contains(UNDERSTOOD), "{said}");
    }
    assert!(page("local_network = true").is_err() && page("passphrase = \"five words\"").is_err());
    let understood = page(&format!("local_network = \"{UNDERSTOOD}\"\npassphrase_file = \"passphrase\"")).unwrap();
    assert!(understood.local_network);
    assert!(understood.passphrase_file.is_some_and(|file| file.is_absolute() && file.ends_with("passphrase")));
}

/// A centre's defaults and a practice's file over them.
fn under(defaults: &str, own: &str) -> (tempfile::TempDir, Result<Practice, Fault>) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("alder");
    std::fs::create_dir(&folder).unwrap();
    let files = [root.path().join("practice.toml"), folder.join("practice.toml")];
    std::fs::write(&files[0], defaults).unwrap();
    std::fs::write(&files[1], own).unwrap();
    for place in [root.path(), &folder] {
        std::fs::write(place.join("logo.png"), b"png").unwrap();
    }
    let loaded = practice_file::load(&files[1], Some(&files[0]), None);
    (root, loaded)
}

#[test]
fn a_practice_inherits_what_it_does_not_say_key_by_key() {
    let defaults = "[practice]\nphone = \"1\"\nsite = \"a.example\"\n[brand]\nlogo = \"logo.png\"\n[review_page]\n\
                    passphrase_file = \"words\"\n[glossary]\nterms = [\"Shared\"]\nreplace = { \"a b\" = \"AB\", c = \"C\" }\n\
                    [platform.x]\nmax_seconds = 60\nmax_megabytes = 8";
    let own = "[practice]\nname = \"Alder\"\nphone = \"2\"\n[glossary]\nterms = [\"Own\"]\nreplace = { c = \"K\" }\n\
               [platform.x]\nmax_seconds = 50";
    let (root, practice) = under(defaults, own);
    let practice = practice.unwrap();
    assert_eq!((practice.phone.as_deref(), practice.site.as_deref()), (Some("2"), Some("a.example")));
    assert_eq!(practice.logo, Some(root.path().join("logo.png")), "a path counts from where it stands");
    assert_eq!(practice.page.passphrase_file, Some(root.path().join("words")));
    assert_eq!(practice.file, root.path().join("alder/practice.toml"));
    assert_eq!(practice.glossary.terms, ["Own", "Alder"]);
    assert_eq!(practice.glossary.replace, [("a b", "AB"), ("c", "K")].map(|(a, b)| (a.to_string(), b.to_string())));
    let x = practice.known.iter().find(|platform| platform.id == "x").unwrap();
    assert_eq!((x.max_duration, x.max_bytes), (Time::from_seconds(50.0), 8_000_000));
    let (root, practice) =
        under("[brand]\nlogo = \"gone.png\"", "[practice]\nname = \"A\"\n[brand]\nlogo = \"logo.png\"");
    assert_eq!(practice.unwrap().logo, Some(root.path().join("alder/logo.png")));
}

#[test]
fn a_mistake_is_named_in_the_file_that_it_stands_in() {
    let named = "[practice]\nname = \"Alder\"\n";
    for (defaults, own, place) in [
        ("[cuts]\n\nframing = \"zoom\"", named, "ROOT/practice.toml, line 3"),
        ("[cuts\n", named, "ROOT/practice.toml, line 1"),
        ("[cuts]\nplatforms = [\n\"x\",\n\"tictoc\"]", named, "ROOT/practice.toml, line 4"),
        ("[platform.x]\nmin_seconds = 70\nmax_seconds = 60", named, "ROOT/practice.toml, line 1"),
        ("[practice]\nhashtags = [\"two words\"]", named, "ROOT/practice.toml, line 2"),
        ("[brand]\nlogo = \"gone.png\"", named, "ROOT/gone.png"),
        (
            "[cuts]\n\nframing = \"zoom\"",
            "[practice]\nname = \"A\"\n[cuts]\nframing = \"loom\"",
            "ROOT/alder/practice.toml, line 4",
        ),
        ("[brand]\ncolour = \"#000000\"", "[practice]\nname = \"A\"\nnonsense = 1", "ROOT/alder/practice.toml, line 3"),
        ("[brand]\ncolour = \"#000000\"", "[practice]\nname = \"A\"\n[", "ROOT/alder/practice.toml, line 3"),
        ("", "", "ROOT/alder/practice.toml: missing option `name`"),
        ("[practice]\nphone = \"1\"", "[cuts]", "ROOT/alder/practice.toml: missing option `name`"),
    ] {
        let (root, practice) = under(defaults, own);
        let said = practice.unwrap_err().to_string();
        let place = place.replace("ROOT", root.path().to_str().unwrap());
        assert!(said.contains(&place), "{defaults:?} {own:?}: {said}");
    }
}

#[test]
fn defaults_are_right_or_wrong_by_themselves() {
    let check = |text: &str| {
        let (_folder, file) = practice_folder(text);
        practice_file::check_defaults(&file, None)
    };
    for right in ["", "[watermark]\nlogo = true", "[brand]\nlogo = \"logo.png\"", "[practice]\nname = \"A\""] {
        assert!(check(right).is_ok(), "{right}");
    }
    for (wrong, line) in [("[watermark]\nlogos = true", 2), ("[brand]\nlogo = \"gone.png\"", 2), ("\n[cuts", 2)] {
        let said = check(wrong).unwrap_err().to_string();
        assert!(said.contains(&format!("line {line}")), "{said}");
    }
}

#[test]
fn where_a_value_is_written_does_not_count() {
    let text = "[practice]\nname = \"A\"\n[brand]\nlogo = \"logo.png\"\n[hook]\nseconds = 2";
    let (_root, alone) = under("", text);
    let (_other, inherited) = under("[brand]\nlogo = \"logo.png\"\n[hook]\nseconds = 2", "[practice]\nname = \"A\"");
    let [alone, inherited] = [alone, inherited].map(|practice| practice.unwrap().identity());
    assert_eq!(alone, inherited);
    let (_root, different) = under("[hook]\nseconds = 3", text.split("[hook]").next().unwrap());
    assert_ne!(different.unwrap().identity(), alone);
}
