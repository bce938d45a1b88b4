//! Who is not signed in, and who comes from another page.

use crate::host::{CLIP, Host, PASSPHRASE};
use std::time::{Duration, Instant};

const DECISION: &str = "{\"by\":\"Dana\",\"subject\":\"s\"}";

/// Every address that changes something: method, path, a body that would be taken.
fn writes() -> [(&'static str, String, &'static str); 5] {
    let clip = format!("/api/clip/{CLIP}");
    let words = "{\"heard\":\"a\",\"meant\":\"b\"}";
    [
        ("PUT", clip.clone(), "{\"version\":\"1\"}"),
        ("POST", format!("{clip}/approve"), DECISION),
        ("POST", format!("{clip}/hold"), DECISION),
        ("POST", format!("{clip}/elsewhere"), words),
        ("POST", format!("{clip}/learn"), "{\"heard\":\"a\",\"meant\":\"b\",\"fix\":true}"),
    ]
}

/// Every address that shows something.
fn reads() -> Vec<String> {
    let paths = ["/", "/clip/ID", "/api/day", "/api/clip/ID", "/api/told", "/media/logo", "/media/ID/view"];
    let media = ["/media/ID/cover", "/media/ID/cut/x", "/media/ID/frame?platform=x&at=1.5"];
    paths.into_iter().chain(media).map(|path| path.replace("ID", CLIP)).collect()
}

#[test]
fn the_page_itself_may_do_all_of_it() {
    let host = Host::new();
    for (method, path, body) in writes() {
        let answer = host.change(method, &path, body);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let called = ["save", "approve", "hold", "elsewhere", "learn"].map(|what| format!("{what} {CLIP}"));
    let calls = host.calls();
    assert!(called.iter().all(|what| calls.iter().any(|call| call.starts_with(what))), "{calls:?}");
    assert_eq!(host.get("/").status, 200);
    assert_eq!(host.get(&format!("/clip/{CLIP}")).status, 200);
    let conflict = host.change("PUT", &format!("/api/clip/{CLIP}"), "{\"version\":\"0\"}");
    assert!(conflict.status == 409 && conflict.json()["conflict"]["version"] == "1");
    let wrong = host.change("PUT", &format!("/api/clip/{CLIP}"), "{\"version\":\"wrong\"}");
    assert!(wrong.status == 422 && wrong.json()["advice"] == "write some", "{}", wrong.text());
    let unknown = host.get("/api/clip/0000000000000000");
    assert!(unknown.status == 404 && unknown.text() == "{}");
    let frame = host.get(&format!("/media/{CLIP}/frame?platform=x&at=1.5"));
    assert!(frame.status == 200 && frame.header("content-type") == Some("image/jpeg"));
}

#[test]
fn nobody_sees_or_changes_anything_without_the_cookie() {
    let mut host = Host::new();
    let right = std::mem::replace(&mut host.cookie, "a=b".into());
    let (name, value) = right.split_once('=').unwrap();
    let cookies = [
        "a=b".to_string(),
        format!("{name}="),
        format!("{name}={}", host.token.shown()),
        format!("{name}={}", &value[1..]),
        format!("{name}={value}0"),
        format!("{name}={}", "0".repeat(value.len())),
        format!("other={value}"),
    ];
    for cookie in cookies {
        host.cookie = cookie;
        for path in reads() {
            assert_eq!(host.get(&path).status, 401, "{path} {}", host.cookie);
        }
        for (method, path, body) in writes() {
            assert_eq!(host.change(method, &path, body).status, 401, "{path}");
        }
    }
    assert_eq!(host.calls(), [""; 0]);
    let told = host.get("/api/told");
    assert!(told.json()["advice"].as_str().is_some_and(|advice| advice.contains("address")), "{}", told.text());
    assert!(host.get("/").text().contains("<html"), "a person is told how to get in");
}

#[test]
fn only_the_whole_token_lets_in_and_nothing_repeats_it() {
    let host = Host::new();
    let token = host.token.shown();
    let sign_in = |with: &str| {
        let answer = host.bare(&format!("GET /sign-in{with} HTTP/1.1\r\nHost: {}\r\n", host.here), b"");
        assert!(!answer.text().contains(token) && !answer.header("location").unwrap_or("").contains(token));
        (answer.status, answer.header("set-cookie").map(String::from))
    };
    let longer = format!("?token={token}0");
    let shouted = format!("?token={}", token.to_uppercase() + "%00");
    for wrong in ["", "?", "?token=", "?token=0", &format!("?token={}", &token[..31]), &longer, &shouted] {
        let (status, cookie) = sign_in(wrong);
        assert!(matches!(status, 401 | 429) && cookie.is_none(), "{wrong}: {status}");
    }
    let (status, cookie) = sign_in(&format!("?token={token}"));
    let cookie = cookie.unwrap();
    assert_eq!(status, 303, "who has it is let in however many guessed");
    assert!(["HttpOnly", "SameSite=Strict", "Path=/"].iter().all(|part| cookie.contains(part)), "{cookie}");
    assert!(!cookie.contains(token) && cookie.contains(&host.here.port().to_string()), "{cookie}");
    // What a browser was started with counts once.
    let once = host.keeper.once().unwrap();
    assert_eq!(sign_in(&format!("?token={}", once.shown())).0, 303);
    assert!(sign_in(&format!("?token={}", once.shown())).0 >= 400);
    assert_eq!(host.calls(), [""; 0]);
}

#[test]
fn a_name_that_was_made_to_mean_this_computer_leads_nowhere() {
    let host = Host::new();
    let port = host.here.port();
    let cookie = format!("Cookie: {}\r\n", host.cookie);
    let names = ["evil.example", "127.0.0.1.evil.example", "0.0.0.0", "127.1", "[::1]", "localhost."];
    let names = names.iter().map(|name| format!("{name}:{port}"));
    for name in names.chain(["127.0.0.1".to_string(), format!("127.0.0.1:{}", port ^ 1), String::new(), "a b".into()]) {
        for path in reads().iter().map(String::as_str).chain(["/sign-in", "/assets/base.css"]) {
            let answer = host.bare(&format!("GET {path} HTTP/1.1\r\nHost: {name}\r\n{cookie}"), b"");
            assert_eq!(answer.status, 421, "{name} {path}");
        }
        let page = host.page_sends().replace(&host.here.to_string(), &name);
        let put = host.bare(&format!("PUT /api/clip/{CLIP} HTTP/1.1\r\nHost: {name}\r\n{cookie}{page}"), b"{}");
        assert_eq!(put.status, 421, "{name}");
    }
    let own = format!("Host: {}\r\n", host.here);
    assert_eq!(host.bare(&format!("GET / HTTP/1.1\r\n{cookie}"), b"").status, 421, "no name at all");
    assert_eq!(host.bare(&format!("GET / HTTP/1.1\r\n{own}{own}{cookie}"), b"").status, 421, "two names");
    let absolute = host.bare(&format!("GET http://evil.example/ HTTP/1.1\r\n{own}{cookie}"), b"");
    assert!(absolute.status >= 400, "{absolute:?}");
    assert_eq!(host.calls(), [""; 0]);
    assert_eq!(host.bare(&format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\n{cookie}"), b"").status, 200);
}

#[test]
fn other_pages_change_nothing_though_the_browser_sends_the_cookie() {
    let host = Host::new();
    let own = format!("http://{}", host.here);
    let other_port = format!("http://127.0.0.1:{}", host.here.port() ^ 1);
    let secure = own.replace("http:", "https:");
    let origins = ["null", "", "http://evil.example", &other_port, &secure, "file://", &format!("{own}.evil.example")]
        .map(|origin| format!("Origin: {origin}\r\n"));
    let sites = ["cross-site", "same-site", "none", "nonsense"].map(|site| format!("Sec-Fetch-Site: {site}\r\n"));
    let page = "X-Housecall: page\r\nContent-Type: application/json\r\n";
    let ours = format!("Origin: {own}\r\n");
    for (method, path, body) in writes() {
        let refused = |headers: &str| {
            let answer = host.send(&format!("{method} {path} HTTP/1.1\r\n{headers}"), body.as_bytes());
            assert_eq!(answer.status, 403, "{method} {path} {headers}");
        };
        refused(page);
        origins.iter().for_each(|origin| refused(&format!("{origin}{page}")));
        refused(&format!("{ours}{ours}{page}"));
        sites.iter().for_each(|site| refused(&format!("{ours}{site}{page}")));
        // What a form, and what a script without leave, can send.
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", ""] {
            refused(&format!("{ours}X-Housecall: page\r\nContent-Type: {kind}\r\n"));
            refused(&format!("{ours}Content-Type: {kind}\r\n"));
        }
        refused(&format!("{ours}X-Housecall: page\r\n"));
        refused(&format!("{ours}Content-Type: application/json\r\n"));
    }
    for path in reads() {
        for site in ["cross-site", "same-site"] {
            let answer = host.send(&format!("GET {path} HTTP/1.1\r\nSec-Fetch-Site: {site}\r\n"), b"");
            assert_eq!(answer.status, 403, "{path} {site}");
            assert!(answer.header("access-control-allow-origin").is_none());
        }
    }
    assert_eq!(host.calls(), [""; 0]);
}

#[test]
fn other_methods_are_none_of_the_pages() {
    let host = Host::new();
    for method in ["TRACE", "OPTIONS", "DELETE", "PATCH", "CONNECT", "PROPFIND", "BREW"] {
        let preflight = "Origin: http://evil.example\r\nAccess-Control-Request-Method: PUT\r\nX-Secret: told\r\n";
        let answer = host.send(&format!("{method} /api/clip/{CLIP} HTTP/1.1\r\n{preflight}"), b"");
        assert!(matches!(answer.status, 400 | 405), "{method}: {}", answer.status);
        assert!(answer.header("access-control-allow-origin").is_none() && !answer.text().contains("told"), "{method}");
    }
    // Right methods at the wrong addresses.
    assert_eq!(host.change("POST", &format!("/api/clip/{CLIP}"), "{}").status, 405);
    assert_eq!(host.change("PUT", "/api/day", "{}").status, 405);
    assert_eq!(host.get(&format!("/api/clip/{CLIP}/approve")).status, 405);
    assert_eq!(host.calls(), [""; 0]);
}

#[test]
fn the_passphrase_cannot_be_guessed_and_the_token_is_not_taken_in_the_network() {
    let mut host = Host::spoken();
    let form = |origin: &str, typed: &str| {
        let head = format!("POST /sign-in HTTP/1.1\r\n{origin}Content-Type: application/x-www-form-urlencoded\r\n");
        host.send(&head, format!("passphrase={}", typed.replace(' ', "+")).as_bytes())
    };
    let own = format!("Origin: http://{}\r\n", host.here);
    let by_token = host.get(&format!("/sign-in?token={}", host.token.shown()));
    assert!(by_token.status == 200 && by_token.header("set-cookie").is_none(), "only the form is shown");
    assert!(by_token.text().contains("type=\"password\""));
    for foreign in ["", "Origin: null\r\n", "Origin: http://evil.example\r\n"] {
        assert_eq!(form(foreign, PASSPHRASE).status, 403, "{foreign}");
    }
    for wrong in ["", "five words of a practic", "FIVE WORDS OF A PRACTICE", &"x".repeat(5000), host.token.shown()] {
        let answer = form(&own, wrong);
        assert!(answer.status == 401 && answer.header("set-cookie").is_none(), "{wrong}");
    }
    let too_often = form(&own, PASSPHRASE);
    assert_eq!((too_often.status, too_often.header("retry-after")), (429, Some("1")), "even the right one has to wait");
    assert!(too_often.header("set-cookie").is_none());
    assert_eq!(host.calls(), [""; 0]);
    std::thread::sleep(Duration::from_millis(1050));
    let right = form(&own, &format!(" {PASSPHRASE} "));
    assert_eq!(right.status, 303, "{}", right.text());
    host.cookie = right.header("set-cookie").unwrap().split(';').next().unwrap().to_string();
    assert_eq!(host.get("/").status, 200);
    let named = format!("GET / HTTP/1.1\r\nHost: front-desk.local:{}\r\nCookie: {}\r\n", host.here.port(), host.cookie);
    assert_eq!(host.bare(&named, b"").status, 200);
    assert_eq!(host.get("/media/logo").header("cache-control"), Some("no-store"), "no clip is left on other computers");
}

#[test]
fn many_who_guess_at_once_are_counted_one_by_one() {
    let host = Host::spoken();
    let own = format!("Origin: http://{}\r\nContent-Type: application/x-www-form-urlencoded\r\n", host.here);
    let began = Instant::now();
    let judged = std::thread::scope(|scope| {
        let guess =
            |n: usize| host.send(&format!("POST /sign-in HTTP/1.1\r\n{own}"), format!("passphrase={n}").as_bytes());
        let guesses: Vec<_> = (0..40).map(|n| scope.spawn(move || guess(n).status)).collect();
        guesses.into_iter().map(|guess| guess.join().unwrap()).filter(|status| *status == 401).count()
    });
    let waited = began.elapsed().as_secs() as usize;
    assert!((5..=6 + waited).contains(&judged), "{judged} of 40 guesses were looked at in {waited} s");
}
