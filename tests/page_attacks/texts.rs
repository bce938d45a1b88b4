//! What people and clips are called may hold anything: no text becomes part of a page's program, and no answer does without
//! what keeps a browser from more than the page needs.

use crate::host::{CLIP, HOSTILE, Host, card};
use housecall::review::contract::{Problem, Told};
use scraper::{Html, Selector};
use std::io::{Read, Write};
use std::time::Duration;

/// Elements of a page that would run, load or act, other than those that come from our own assets.
fn strangers_in(page: &str) -> Vec<String> {
    let page = Html::parse_document(page);
    let every = Selector::parse("*").unwrap();
    let all = page.select(&every).filter(|element| {
        let value = element.value();
        let inline = value.attrs().any(|(name, _)| name.starts_with("on") || name == "style" || name == "srcdoc");
        let away = value.attrs().any(|(name, to)| {
            matches!(name, "src" | "href" | "action" | "formaction" | "data")
                && !(to.starts_with('/') && !to.starts_with("//") || to.starts_with('#'))
        });
        let script = value.name() == "script" && !value.attr("src").is_some_and(|from| from.starts_with("/assets/"));
        let island = value.attr("type") == Some("application/json") && value.attr("id") == Some("clip");
        inline
            || away
            || (script && !island)
            || matches!(value.name(), "iframe" | "object" | "embed" | "base" | "style")
    });
    all.map(|element| element.html()).collect()
}

#[test]
fn no_text_becomes_part_of_a_page() {
    let host = Host::new();
    let day = host.get("/").text();
    assert_eq!(strangers_in(&day), [""; 0]);
    assert!(day.contains("alert(1)"), "the text is shown as text");
    let clip = host.get(&format!("/clip/{CLIP}")).text();
    assert_eq!(strangers_in(&clip), [""; 0]);
    let page = Html::parse_document(&clip);
    let island: String = page.select(&Selector::parse("script#clip").unwrap()).next().unwrap().text().collect();
    let view: serde_json::Value = serde_json::from_str(&island).unwrap();
    assert_eq!(view["captions"][0]["words"][0]["text"], HOSTILE, "what a person wrote arrives as they wrote it");
    assert!(!island.contains("</") && !island.contains("<!--") && !island.contains("<script"));
    let hostile = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for path in
        [format!("/clip/{hostile}"), format!("/{hostile}"), format!("/sign-in?token={hostile}"), format!("/?{hostile}")]
    {
        let answer = host.get(&path);
        assert_eq!(strangers_in(&answer.text()), [""; 0], "{path}");
        assert!(answer.status != 404 || !answer.text().contains("alert"), "{path}");
    }
    let said = host.change("PUT", &format!("/api/clip/{CLIP}"), &format!("{{\"{}\":1}}", "<script>alert(1)</script>"));
    assert!(said.status == 400 && said.header("content-type") == Some("application/json"), "{said:?}");
}

#[test]
fn every_answer_says_what_a_browser_may_do() {
    let host = Host::new();
    let mut answers = vec![
        host.bare("GET / HTTP/1.1\r\nHost: evil.example\r\n", b""),
        host.bare(&format!("GET / HTTP/1.1\r\nHost: {}\r\n", host.here), b""),
        host.bare(&format!("GET /sign-in?token=0 HTTP/1.1\r\nHost: {}\r\n", host.here), b""),
        host.send("TRACE / HTTP/1.1\r\n", b""),
        host.change("PUT", &format!("/api/clip/{CLIP}"), "{"),
        host.change("PUT", &format!("/api/clip/{CLIP}"), "{\"version\":\"0\"}"),
    ];
    let clip = ["/clip/ID", "/api/clip/ID", "/media/ID/view", "/media/ID/cover", "/media/ID/frame?platform=x&at=0"];
    let paths =
        ["/", "/api/day", "/sign-in", "/favicon.ico", "/assets/base.css", "/nowhere", "/media/nowhere", "/media/logo"];
    answers.extend(paths.iter().chain(&clip).map(|path| host.get(&path.replace("ID", CLIP))));
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{answer:?}"));
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{answer:?}");
        }
        let kept = answer.header("cache-control").unwrap();
        assert!(kept.contains("no-store") || kept.contains("no-cache"), "{kept}");
        assert!(answer.header("server").is_none() && answer.header("access-control-allow-origin").is_none());
    }
}

#[test]
fn a_decision_is_only_taken_in_a_readable_name() {
    let host = Host::new();
    let approve = |body: &str| host.change("POST", &format!("/api/clip/{CLIP}/approve"), body).status;
    for by in ["", " ", "a\\nb", "a\\u0000", "\\u202eanaD", "\\u2028", &"a".repeat(81)] {
        assert_eq!(approve(&format!("{{\"by\":\"{by}\",\"subject\":\"s\"}}")), 422, "{by}");
    }
    for nonsense in ["", "{}", "[]", "null", "{\"by\":\"Dana\"}", "{\"by\":1,\"subject\":\"s\"}", &"[".repeat(100_000)]
    {
        assert_eq!(approve(nonsense), 400, "{}", &nonsense[..nonsense.len().min(40)]);
    }
    assert_eq!(approve("{\"by\":\"Dana\",\"subject\":\"s\",\"also\":true}"), 400);
    assert_eq!(host.calls(), [""; 0]);
    assert_eq!(approve("{\"by\":\" Dana Reed \",\"subject\":\"s\"}"), 200);
    assert_eq!(host.calls(), [format!("approve {CLIP} Dana Reed")]);
}

#[test]
fn what_happens_is_told_and_no_text_ends_an_event_early() {
    let host = Host::new();
    let mut stream = host.connect();
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let head = format!("GET /api/told HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n", host.here, host.cookie);
    stream.write_all(head.as_bytes()).unwrap();
    let mut heard = Vec::new();
    let mut wait_for = |what: &str| {
        let mut chunk = [0; 4096];
        for _ in 0..300 {
            if String::from_utf8_lossy(&heard).contains(what) {
                return String::from_utf8_lossy(&heard).into_owned();
            }
            if let Ok(read) = stream.read(&mut chunk) {
                heard.extend(&chunk[..read]);
            }
        }
        panic!("{what} was not told: {}", String::from_utf8_lossy(&heard));
    };
    let first = wait_for("event: card");
    assert!(first.contains("content-type: text/event-stream") && first.contains("event: day"), "{first}");
    host.day.tell(&Told::Changed("a\n\nevent: card\ndata: {}".into(), "2".into()));
    let changed = wait_for("event: changed");
    assert!(changed.contains("a\\n\\nevent: card\\ndata: {}"), "{changed}");
    host.day.tell(&Told::Gone(CLIP.into()));
    wait_for("event: gone");
    // A day that cut off its slow listener is listened to again.
    host.day.drop_listeners();
    while !host.day.is_listened_to() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut other = card("later");
    other.id = "bbbbbbbbbbbbbbbb".into();
    host.day.tell(&Told::Card(Box::new(other)));
    host.day.tell(&Told::Day(Some(Problem { what: "the drive is away".into(), advice: "connect it".into() })));
    let all = wait_for("connect it");
    for line in all.split("\n").filter_map(|line| line.strip_prefix("data: ")) {
        let data: serde_json::Value = serde_json::from_str(line.trim_end()).unwrap();
        if let Some(html) = data["html"].as_str() {
            assert_eq!(strangers_in(html), [""; 0]);
        }
    }
}
