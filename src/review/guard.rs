//! Who may ask: judges a request by its head alone, before anything else looks at it. Pure.
//!
//! A page of another site can make a browser on this computer send requests here. What keeps it out, in this order: the
//! name in `Host` is ours (a foreign name that was made to mean 127.0.0.1 is not), the browser says that the request
//! comes from our own page (`Sec-Fetch-Site`, `Origin`), it carries our cookie, which the browser sends with requests
//! of our own page alone, and what changes something carries a header and a type that no form can send.

use super::key::{Keeper, Secret};
use super::limits;
use axum::http::{HeaderMap, Method, StatusCode, header, request::Parts};
use std::net::SocketAddr;

/// What a page of ours says in the header `X-Housecall`.
const PAGE: &str = "page";

/// Why a request goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum No {
    /// A method that nothing here has.
    Method,
    /// The address is longer than any of ours, or of another form.
    Target,
    /// It asks for another computer.
    Host,
    /// Another site sent it.
    Site,
    /// It changes something, and is not of the form that our page sends.
    Form,
    /// Nobody who may come in.
    Stranger,
}

impl No {
    /// The status that says so.
    pub fn status(self) -> StatusCode {
        match self {
            No::Method => StatusCode::METHOD_NOT_ALLOWED,
            No::Target => StatusCode::URI_TOO_LONG,
            No::Host => StatusCode::MISDIRECTED_REQUEST,
            No::Site | No::Form => StatusCode::FORBIDDEN,
            No::Stranger => StatusCode::UNAUTHORIZED,
        }
    }

    /// What a person reads: what happened, and what to do.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            No::Method => ("this page does not know such a request", "reload the page"),
            No::Target => ("this address is not one of this page", "go back to the day"),
            No::Host => (
                "this address leads to another computer than it names",
                "open the address that housecall printed when it started",
            ),
            No::Site => ("another page asked for this", "open the address that housecall printed when it started"),
            No::Form => ("this did not come from the page", "reload the page and do it again"),
            No::Stranger => (
                "you are not signed in here",
                "open the address that housecall printed when it started; housecall review prints it again",
            ),
        }
    }
}

/// Names under which a connection that arrived at `here` may be asked for, in lower case. `computer` is the name of this
/// computer where the door is one of the network.
pub fn hosts(here: SocketAddr, computer: Option<&str>) -> Vec<String> {
    let here = SocketAddr::new(here.ip().to_canonical(), here.port());
    let mut names = vec![if here.is_ipv6() { format!("[{}]", here.ip()) } else { here.ip().to_string() }];
    if here.ip().is_loopback() {
        names.push("localhost".into());
    }
    if let Some(computer) = computer.map(str::to_ascii_lowercase) {
        names.push(format!("{computer}.local"));
        names.push(computer);
    }
    // Browsers leave the usual port away.
    let usual = if here.port() == 80 { names.clone() } else { Vec::new() };
    names.into_iter().map(|name| format!("{name}:{}", here.port())).chain(usual).collect()
}

/// The name of the cookie. A browser sends the cookies of one port to all others of the same computer, so that each port
/// has a name of its own.
pub fn cookie_name(port: u16) -> String {
    format!("housecall-{port}")
}

/// Whether this path is for everybody: the way in, and what it looks like.
fn is_open(path: &str) -> bool {
    path == "/sign-in" || path == "/favicon.ico" || path.starts_with("/assets/")
}

/// Lets a request pass, and says whether whoever sent it is signed in. `hosts` are the names of [`hosts`], `port` the one
/// of the door.
///
/// # Errors
/// It does not pass.
pub fn admit(head: &Parts, keeper: &Keeper, hosts: &[String], port: u16) -> Result<bool, No> {
    let writes = match head.method {
        Method::GET | Method::HEAD => false,
        Method::POST | Method::PUT => true,
        _ => return Err(No::Method),
    };
    // Whoever asks a server, and not a proxy, gives the path alone.
    if head.uri.scheme().is_some() || head.uri.authority().is_some() || !head.uri.path().starts_with('/') {
        return Err(No::Target);
    }
    if head.uri.path_and_query().is_none_or(|target| target.as_str().len() > limits::TARGET) {
        return Err(No::Target);
    }
    let host = one(&head.headers, header::HOST.as_str()).ok().flatten().ok_or(No::Host)?;
    if !hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host)) {
        return Err(No::Host);
    }
    match one(&head.headers, "sec-fetch-site").map_err(|()| No::Site)? {
        // A person typed the address, or opened a bookmark.
        Some("none") if !writes => {}
        Some("same-origin") | None => {}
        Some(_) => return Err(No::Site),
    }
    match one(&head.headers, header::ORIGIN.as_str()).map_err(|()| No::Site)? {
        Some(origin) => {
            let ours = origin.strip_prefix("http://").is_some_and(|name| name.eq_ignore_ascii_case(host));
            ours.then_some(()).ok_or(No::Site)?;
        }
        None if writes => return Err(No::Site),
        None => {}
    }
    let path = head.uri.path();
    if writes && path == "/sign-in" {
        is_of_type(&head.headers, "application/x-www-form-urlencoded").then_some(()).ok_or(No::Form)?;
    } else if writes {
        let from_page = one(&head.headers, "x-housecall") == Ok(Some(PAGE));
        (from_page && is_of_type(&head.headers, "application/json")).then_some(()).ok_or(No::Form)?;
    }
    let signed_in = has_cookie(&head.headers, &cookie_name(port), keeper.cookie());
    if signed_in || is_open(path) { Ok(signed_in) } else { Err(No::Stranger) }
}

/// The value of a header that may be there once.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(());
    }
    first.map(|value| value.to_str().map_err(|_| ())).transpose()
}

fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let given = one(headers, header::CONTENT_TYPE.as_str()).ok().flatten().unwrap_or_default();
    given.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted))
}

/// Whether any cookie of this name is the right one. Another program of this computer may have set more of that name.
fn has_cookie(headers: &HeaderMap, name: &str, wanted: &Secret) -> bool {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.any(|(given, value)| given == name && wanted.is(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::http::Request;

    const OURS: &str = "127.0.0.1:4711";

    fn keeper() -> Keeper {
        Keeper::token(&Secret::new("0123456789abcdef0123456789abcdef"))
    }

    /// What becomes of a request with these headers beside cookie and `Host`.
    fn judged(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<bool, No> {
        let keeper = keeper();
        let cookie = format!("{}={}", cookie_name(4711), keeper.cookie().shown());
        bare(method, target, &[&[("host", OURS), ("cookie", &cookie)], headers].concat())
    }

    fn bare(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<bool, No> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        admit(&head, &keeper(), &hosts(OURS.parse().unwrap(), None), 4711)
    }

    const PAGE_SENDS: [(&str, &str); 4] = [
        ("origin", "http://127.0.0.1:4711"),
        ("sec-fetch-site", "same-origin"),
        ("x-housecall", "page"),
        ("content-type", "application/json; charset=utf-8"),
    ];

    #[test]
    fn what_the_page_sends_passes() {
        assert_eq!(judged("GET", "/", &[]), Ok(true));
        assert_eq!(judged("HEAD", "/media/logo", &[("sec-fetch-site", "same-origin")]), Ok(true));
        assert_eq!(judged("GET", "/api/day?x=1", &[("sec-fetch-site", "none")]), Ok(true));
        assert_eq!(judged("PUT", "/api/clip/0", &PAGE_SENDS), Ok(true));
        // Browsers of some years ago say less.
        let older: Vec<_> = PAGE_SENDS.into_iter().filter(|(name, _)| *name != "sec-fetch-site").collect();
        assert_eq!(judged("POST", "/api/clip/0/hold", &older), Ok(true));
        for path in ["/sign-in?token=0", "/assets/day.css", "/favicon.ico"] {
            assert_eq!(bare("GET", path, &[("host", OURS)]), Ok(false), "{path}");
        }
    }

    #[test]
    fn every_missing_or_foreign_piece_of_a_write_is_refused() {
        for (name, _) in PAGE_SENDS.into_iter().filter(|(name, _)| *name != "sec-fetch-site") {
            let rest: Vec<_> = PAGE_SENDS.into_iter().filter(|(other, _)| *other != name).collect();
            assert!(judged("PUT", "/api/clip/0", &rest).is_err(), "without {name}");
        }
        for (name, value, no) in [
            ("origin", "null", No::Site),
            ("origin", "", No::Site),
            ("origin", "http://127.0.0.1", No::Site),
            ("origin", "http://127.0.0.1:47110", No::Site),
            ("origin", "http://localhost:4711", No::Site),
            ("origin", "https://127.0.0.1:4711", No::Site),
            ("origin", "http://127.0.0.1:4711.evil.example", No::Site),
            ("origin", "http://evil.example", No::Site),
            ("sec-fetch-site", "cross-site", No::Site),
            ("sec-fetch-site", "same-site", No::Site),
            ("sec-fetch-site", "none", No::Site),
            ("sec-fetch-site", "", No::Site),
            ("x-housecall", "", No::Form),
            ("content-type", "text/plain", No::Form),
            ("content-type", "text/plain; application/json", No::Form),
            ("content-type", "application/x-www-form-urlencoded", No::Form),
            ("content-type", "multipart/form-data", No::Form),
        ] {
            let swapped = PAGE_SENDS.map(|(other, usual)| (other, if other == name { value } else { usual }));
            assert_eq!(judged("PUT", "/api/clip/0", &swapped), Err(no), "{name}: {value}");
            assert!(judged("PUT", "/api/clip/0", &[&PAGE_SENDS[..], &[(name, value)]].concat()).is_err(), "two {name}");
        }
    }

    #[test]
    fn foreign_names_methods_and_forms_of_address_are_refused() {
        for host in
            ["evil.example:4711", "127.0.0.1", "127.0.0.1:4712", "127.0.0.1:4711.", "127.1:4711", "", "localhost"]
        {
            assert_eq!(bare("GET", "/assets/a.js", &[("host", host)]), Err(No::Host), "{host}");
        }
        assert_eq!(bare("GET", "/assets/a.js", &[]), Err(No::Host));
        assert_eq!(bare("GET", "/assets/a.js", &[("host", OURS), ("host", OURS)]), Err(No::Host));
        assert_eq!(bare("GET", "/assets/a.js", &[("host", "LOCALHOST:4711")]), Ok(false));
        for method in ["TRACE", "OPTIONS", "DELETE", "PATCH", "CONNECT", "get"] {
            assert_eq!(judged(method, "/api/day", &[]), Err(No::Method), "{method}");
        }
        assert_eq!(judged("GET", "http://127.0.0.1:4711/", &[]), Err(No::Target));
        assert_eq!(judged("GET", &format!("/{}", "a".repeat(2048)), &[]), Err(No::Target));
        assert_eq!(judged("GET", "/", &[("origin", "http://evil.example")]), Err(No::Site));
        for site in ["cross-site", "same-site"] {
            assert_eq!(judged("GET", "/media/logo", &[("sec-fetch-site", site)]), Err(No::Site));
        }
    }

    #[test]
    fn only_the_right_cookie_counts_however_many_there_are() {
        let right = keeper().cookie().shown().to_string();
        let name = cookie_name(4711);
        let with = |cookie: &str| bare("GET", "/", &[("host", OURS), ("cookie", cookie)]);
        for wrong in [
            String::new(),
            name.clone(),
            format!("{name}="),
            format!("{name}={}", &right[1..]),
            format!("{name}={right}0"),
            format!("{name}=0123456789abcdef0123456789abcdef"),
            format!("{}={right}", cookie_name(4712)),
            format!("x{name}={right}"),
        ] {
            assert_eq!(with(&wrong), Err(No::Stranger), "{wrong}");
        }
        assert_eq!(with(&format!("a=b; {name}=planted; {name}={right}; c")), Ok(true));
    }

    #[test]
    fn names_follow_from_where_a_connection_arrived() {
        let of = |here: &str, computer| hosts(here.parse().unwrap(), computer);
        assert_eq!(of("[::1]:80", None), ["[::1]:80", "localhost:80", "[::1]", "localhost"]);
        assert_eq!(of("[::ffff:192.168.1.2]:8020", None), ["192.168.1.2:8020"]);
        let network = of("192.168.1.2:8020", Some("FRONT-DESK"));
        assert_eq!(network, ["192.168.1.2:8020", "front-desk.local:8020", "front-desk:8020"]);
    }

    #[test]
    fn the_passphrase_comes_from_our_own_form_alone() {
        let form = [("origin", "http://127.0.0.1:4711"), ("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(bare("POST", "/sign-in", &[&form[..], &[("host", OURS)]].concat()), Ok(false));
        assert_eq!(bare("POST", "/sign-in", &[form[1], ("host", OURS)]), Err(No::Site));
        assert_eq!(bare("POST", "/sign-in", &[form[0], ("host", OURS), ("content-type", "text/plain")]), Err(No::Form));
    }
}
