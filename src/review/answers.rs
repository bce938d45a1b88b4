//! What goes back: JSON for scripts, a page for people, and on all of it what keeps a browser from doing more than the page
//! needs.

use super::contract::Refusal;
use super::pages;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

/// On every answer. Scripts, styles, pictures and everything else come from this program alone, nothing is written into
/// the pages themselves, and no other page may hold, frame or open ours and keep a hand on it.
const ALWAYS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; \
         font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // With `no-referrer` a browser writes `Origin: null` into what its forms send, also to us.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), display-capture=(), payment=(), usb=(), midi=()",
    ),
    (header::VARY, "Cookie"),
];

/// Why a request was not answered as it should be.
#[derive(Debug)]
pub enum Trouble {
    /// The day refused.
    Refused(Refusal),
    /// Too many requests wait already.
    Busy,
    /// The program is ending.
    Closing,
    /// A call panicked.
    Broken,
    /// It cannot be understood, or goes too far: status, what happened, what to do.
    Wrong(StatusCode, String, String),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Trouble::Refused(refusal)
    }
}

impl Trouble {
    /// What is asked for is not there.
    pub const UNKNOWN: Trouble = Trouble::Refused(Refusal::Unknown);

    /// A trouble with these words.
    pub fn wrong(status: StatusCode, what: &str, advice: &str) -> Self {
        Trouble::Wrong(status, what.into(), advice.into())
    }

    /// As a page that a person reads.
    pub fn page(self) -> Response {
        let (status, what, advice) = self.words();
        html(status, pages::refused_page(&what, &advice))
    }

    fn words(self) -> (StatusCode, String, String) {
        let (status, what, advice) = match self {
            Trouble::Refused(Refusal::Unknown) => {
                (StatusCode::NOT_FOUND, "there is no such page", "go back to the day")
            }
            Trouble::Refused(Refusal::Conflict(_)) => {
                (StatusCode::CONFLICT, "somebody else saved first", "reload the page")
            }
            Trouble::Refused(Refusal::Wrong(fault)) => {
                let status = if fault.is_cancelled() {
                    StatusCode::SERVICE_UNAVAILABLE
                } else {
                    StatusCode::UNPROCESSABLE_ENTITY
                };
                return (status, fault.what().into(), fault.advice().into());
            }
            Trouble::Busy => {
                (StatusCode::SERVICE_UNAVAILABLE, "too much is asked for at once", "wait a moment and reload the page")
            }
            Trouble::Closing => {
                (StatusCode::SERVICE_UNAVAILABLE, "housecall is being stopped", "start it again with housecall review")
            }
            Trouble::Broken => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "something in housecall itself failed",
                "do it again; if that stays so, stop housecall review and start it again",
            ),
            Trouble::Wrong(status, what, advice) => return (status, what, advice),
        };
        (status, what.into(), advice.into())
    }
}

impl IntoResponse for Trouble {
    /// As a script reads it.
    fn into_response(self) -> Response {
        match self {
            Trouble::Refused(Refusal::Unknown) => json(StatusCode::NOT_FOUND, &json!({})),
            Trouble::Refused(Refusal::Conflict(now)) => json(StatusCode::CONFLICT, &json!({ "conflict": now })),
            other => {
                let (status, what, advice) = other.words();
                json(status, &json!({ "what": what, "advice": advice }))
            }
        }
    }
}

/// An answer for a script.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => with_type(status, "application/json", bytes),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// An answer for a person.
pub fn html(status: StatusCode, page: String) -> Response {
    with_type(status, "text/html; charset=utf-8", page)
}

/// An answer of a type.
pub fn with_type(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, kind)], body.into()).into_response()
}

/// Puts onto an answer what every answer has. What does not say how long it may be kept is not kept at all.
pub fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
