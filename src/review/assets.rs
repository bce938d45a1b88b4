//! The scripts, styles and pictures of the pages, inside the program.

/// Content type and bytes of the file of that name under `/assets/`; none where there is no such file.
pub fn asset(name: &str) -> Option<(&'static str, &'static [u8])> {
    let (_, bytes) = ASSETS.iter().find(|(known, _)| *known == name)?;
    let kind = match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "image/svg+xml",
    };
    Some((kind, bytes))
}

/// Each file under its name.
macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("assets/", $name)) as &[u8])),*]
    };
}

static ASSETS: [(&str, &[u8]); 33] = assets![
    "api.js",
    "approve.js",
    "base.css",
    "base.js",
    "captions.js",
    "centre.css",
    "centre.js",
    "clip.css",
    "clip.js",
    "conflict.js",
    "counts.js",
    "cuts.js",
    "day.css",
    "day.js",
    "differences.js",
    "dom.js",
    "drafts.js",
    "glossary.js",
    "icon.svg",
    "keys.js",
    "marks.js",
    "overlay.js",
    "picture.js",
    "placing.js",
    "posts.js",
    "save.js",
    "stage.js",
    "store.js",
    "tabs.js",
    "times.js",
    "told.js",
    "transcript.js",
    "choices.js",
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_script_or_a_page_asks_for_is_inside() {
        let pages = ["frame", "centre", "day", "clip"].map(|page| {
            let file = format!("{}/templates/review/{page}.html", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(file).unwrap()
        });
        let scripts = ASSETS.iter().filter(|(name, _)| name.ends_with(".js"));
        let texts = scripts.map(|(_, bytes)| String::from_utf8(bytes.to_vec()).unwrap()).chain(pages);
        let wanted = regex::Regex::new(r#"(?:from "\./|"/assets/)([a-z_.]+)""#).unwrap();
        let mut seen = 0;
        for text in texts {
            for found in wanted.captures_iter(&text) {
                assert!(asset(&found[1]).is_some(), "{} is not among the assets", &found[1]);
                seen += 1;
            }
        }
        assert!(seen > 30, "{seen}");
    }

    #[test]
    fn nothing_comes_from_outside() {
        for (name, bytes) in ASSETS {
            let text = String::from_utf8(bytes.to_vec()).unwrap().replace("http://www.w3.org/2000/svg", "");
            for outside in ["http://", "https://", "//cdn", "@import", "eval(", "innerHTML"] {
                assert!(!text.contains(outside), "{name} has {outside}");
            }
        }
    }

    #[test]
    fn kinds_are_those_that_browsers_insist_on() {
        assert_eq!(asset("clip.js").unwrap().0, "text/javascript; charset=utf-8");
        assert_eq!(asset("base.css").unwrap().0, "text/css; charset=utf-8");
        assert_eq!(asset("icon.svg").unwrap().0, "image/svg+xml");
        for absent in ["", "..", "../pages.rs", "clip", "CLIP.JS", "assets/clip.js"] {
            assert!(asset(absent).is_none(), "{absent}");
        }
    }
}
