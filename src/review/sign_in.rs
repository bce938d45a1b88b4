//! The way in: the token of the printed address on this computer, the practice's passphrase on the network.

use super::answers::{Trouble, html};
use super::guard::cookie_name;
use super::pages;
use super::server::{Caller, Server};
use askama::Template;
use axum::Extension;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the address for signing in may say.
#[derive(Deserialize)]
pub struct Bearer {
    token: Option<String>,
}

/// What the form sends.
#[derive(Deserialize)]
pub struct Spoken {
    passphrase: String,
}

/// Where people of the practice's network type its passphrase.
#[derive(Template)]
#[template(path = "review/passphrase.html")]
struct PassphrasePage {
    wrong: bool,
}

/// `GET /sign-in`, with the token where there is one.
pub async fn by_address(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Arc<Caller>>,
    query: Result<Query<Bearer>, QueryRejection>,
) -> Response {
    if caller.keeper.is_spoken() {
        return passphrase_page(StatusCode::OK, false);
    }
    let Some(token) = query.ok().and_then(|Query(bearer)| bearer.token) else {
        return html(StatusCode::UNAUTHORIZED, pages::sign_in_page(false));
    };
    // Nobody guesses 128 bits: the wait is for those who try, and never keeps out who has it.
    if caller.keeper.knows(&token) || caller.keeper.spends(&token, Instant::now()) {
        return enter(&caller);
    }
    match guess(&server, &caller, || false) {
        Err(wait) => later(wait),
        Ok(_) => html(StatusCode::UNAUTHORIZED, pages::sign_in_page(true)),
    }
}

/// `POST /sign-in`: the form with the passphrase.
pub async fn by_passphrase(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Arc<Caller>>,
    form: Result<Form<Spoken>, FormRejection>,
) -> Response {
    if !caller.keeper.is_spoken() {
        return Trouble::UNKNOWN.page();
    }
    let typed = form.map_or_else(|_| String::new(), |Form(spoken)| spoken.passphrase);
    match guess(&server, &caller, || caller.keeper.knows(typed.trim())) {
        Err(wait) => later(wait),
        Ok(true) => enter(&caller),
        Ok(false) => passphrase_page(StatusCode::UNAUTHORIZED, true),
    }
}

/// What somebody sees who is not signed in.
pub fn stranger(caller: &Caller) -> Response {
    if caller.keeper.is_spoken() {
        passphrase_page(StatusCode::UNAUTHORIZED, false)
    } else {
        html(StatusCode::UNAUTHORIZED, pages::sign_in_page(false))
    }
}

/// Whether a guess is right, or how long to wait until the next may be made. No two guesses are judged at once, so that
/// nobody makes many before the first is counted.
fn guess(server: &Server, caller: &Caller, is_right: impl FnOnce() -> bool) -> Result<bool, Duration> {
    let (from, now) = (caller.peer.ip(), Instant::now());
    let mut throttle = server.throttle.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(wait) = throttle.wait(from, now) {
        return Err(wait);
    }
    let right = is_right();
    if right {
        throttle.right(from)
    } else {
        throttle.wrong(from, now)
    }
    Ok(right)
}

/// Signs in. The cookie goes to this page alone, no script reads it, and it is gone with the browser.
fn enter(caller: &Caller) -> Response {
    let (name, value) = (cookie_name(caller.here.port()), caller.keeper.cookie().shown());
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict");
    match HeaderValue::from_str(&cookie) {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response(),
        Err(_) => Trouble::Broken.page(),
    }
}

fn later(wait: Duration) -> Response {
    let seconds = wait.as_secs_f64().ceil() as u64;
    let what = "somebody tried too often to get in";
    let advice = format!("wait {seconds} {}, and try again", if seconds == 1 { "second" } else { "seconds" });
    let page = Trouble::wrong(StatusCode::TOO_MANY_REQUESTS, what, &advice).page();
    ([(header::RETRY_AFTER, seconds.to_string())], page).into_response()
}

fn passphrase_page(status: StatusCode, wrong: bool) -> Response {
    html(status, PassphrasePage { wrong }.render().unwrap_or_default())
}
