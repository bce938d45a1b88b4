//! Addresses to calls of the day. Whoever comes here may come in; what they name is still only a name.

use super::answers::{Trouble, html, json, with_type};
use super::assets;
use super::contract::{ClipCard, ClipView, Day, Decide, Mishearing, Refusal, Save, Served, Told};
use super::events;
use super::files;
use super::pages;
use super::server::{Caller, Server, over};
use super::sign_in;
use crate::printable::one_line;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http_body_util::channel::Channel;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::watch;

/// Most characters of a name, and of what to remember.
const NAME: usize = 80;
const NOTE: usize = 1000;
/// Longest second that a picture may be asked for.
const LATEST: f64 = 24.0 * 3600.0;
/// A page that takes nothing for so long is not listening.
const DEAF: Duration = Duration::from_secs(60);

type Answer = Result<Response, Trouble>;
type Shared = State<Arc<Server>>;
type One = Result<Path<String>, PathRejection>;

/// All addresses.
pub fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/", get(day_page))
        .route("/clip/{id}", get(clip_page))
        .route("/sign-in", get(sign_in::by_address).post(sign_in::by_passphrase))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .route("/assets/{name}", get(asset))
        .route("/api/day", get(day))
        .route("/api/told", get(told))
        .route("/api/clip/{id}", get(clip).put(save))
        .route("/api/clip/{id}/approve", post(approve))
        .route("/api/clip/{id}/hold", post(hold))
        .route("/api/clip/{id}/elsewhere", post(elsewhere))
        .route("/api/clip/{id}/learn", post(learn))
        .route("/media/logo", get(logo))
        .route("/media/{id}/view", get(view))
        .route("/media/{id}/cover", get(cover))
        .route("/media/{id}/cut/{platform}", get(cut))
        .route("/media/{id}/frame", get(frame))
        .fallback(unknown)
        .with_state(server)
}

async fn unknown(uri: axum::http::Uri) -> Response {
    let for_script = ["/api/", "/media/", "/assets/"].iter().any(|start| uri.path().starts_with(start));
    if for_script { Trouble::UNKNOWN.into_response() } else { Trouble::UNKNOWN.page() }
}

/// A clip's sixteen digits; nothing else reaches the day.
fn id(name: &str) -> Result<String, Trouble> {
    let is_id = name.len() == 16 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_id.then(|| name.to_string()).ok_or(Trouble::UNKNOWN)
}

fn id_of(path: One) -> Result<String, Trouble> {
    id(&path.map_err(|_| Trouble::UNKNOWN)?)
}

/// The id of a platform, by its form.
fn platform(name: &str) -> Result<String, Trouble> {
    let is_id = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_id.then(|| name.to_string()).ok_or(Trouble::UNKNOWN)
}

/// What the page sent.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Trouble> {
    serde_json::from_slice(body).map_err(|error| {
        let what = format!("the page sent something that cannot be read ({error})");
        Trouble::Wrong(StatusCode::BAD_REQUEST, what, "reload the page and do it again".into())
    })
}

async fn day_page(State(server): Shared) -> Response {
    match server.ask(&server.reads, |day| pages::day_page(&day.day())).await {
        Ok(page) => html(StatusCode::OK, page),
        Err(trouble) => trouble.page(),
    }
}

async fn clip_page(State(server): Shared, path: One) -> Response {
    let page = async {
        let id = id_of(path)?;
        server.ask(&server.reads, move |day| written(day, &id)).await?.map_err(Trouble::from)
    };
    match page.await {
        Ok(page) => html(StatusCode::OK, page),
        Err(trouble) => trouble.page(),
    }
}

/// The page of a clip, with the clips before and after it.
fn written(day: &dyn Day, id: &str) -> Result<String, Refusal> {
    let view = day.clip(id)?;
    let clips = day.day().clips;
    let at = clips.iter().position(|card| card.id == id);
    let beside = |step: fn(usize) -> Option<usize>| -> Option<&ClipCard> { clips.get(step(at?)?) };
    Ok(pages::clip_page(&view, beside(|at| at.checked_add(1)), beside(|at| at.checked_sub(1))))
}

async fn asset(path: One, headers: HeaderMap) -> Answer {
    let Path(name) = path.map_err(|_| Trouble::UNKNOWN)?;
    let (kind, bytes) = assets::asset(&name).ok_or(Trouble::UNKNOWN)?;
    let tag = format!("\"{}\"", &blake3::hash(bytes).to_hex()[..32]);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let kept = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache".into())];
    let answer = if known { StatusCode::NOT_MODIFIED.into_response() } else { with_type(StatusCode::OK, kind, bytes) };
    Ok((kept, answer).into_response())
}

async fn day(State(server): Shared) -> Answer {
    let view = server.ask(&server.reads, |day| day.day()).await?;
    Ok(json(StatusCode::OK, &view))
}

async fn clip(State(server): Shared, path: One) -> Answer {
    let id = id_of(path)?;
    let view = server.ask(&server.reads, move |day| day.clip(&id)).await??;
    Ok(json(StatusCode::OK, &view))
}

async fn save(State(server): Shared, path: One, body: Bytes) -> Answer {
    let (id, save) = (id_of(path)?, read::<Save>(&body)?);
    change(&server, move |day| day.save(&id, save)).await
}

async fn approve(State(server): Shared, path: One, body: Bytes) -> Answer {
    let (id, decide) = (id_of(path)?, decision(&body)?);
    change(&server, move |day| day.approve(&id, decide)).await
}

async fn hold(State(server): Shared, path: One, body: Bytes) -> Answer {
    let (id, decide) = (id_of(path)?, decision(&body)?);
    change(&server, move |day| day.hold(&id, decide)).await
}

async fn change(server: &Server, call: impl FnOnce(&dyn Day) -> Result<ClipView, Refusal> + Send + 'static) -> Answer {
    let view = server.ask(&server.writes, call).await??;
    Ok(json(StatusCode::OK, &view))
}

/// A decision in a name that can be read in the record.
fn decision(body: &Bytes) -> Result<Decide, Trouble> {
    let mut decide = read::<Decide>(body)?;
    let unfit = |what: &str, advice| Trouble::Wrong(StatusCode::UNPROCESSABLE_ENTITY, what.into(), advice);
    decide.by = one_line(&decide.by, NAME).map_err(|advice| unfit("the name cannot stand in the record", advice))?;
    let note = decide.note.filter(|note| !note.trim().is_empty());
    let line =
        |note: String| one_line(&note, NOTE).map_err(|advice| unfit("the note cannot stand in the record", advice));
    decide.note = note.map(line).transpose()?;
    Ok(decide)
}

async fn elsewhere(State(server): Shared, path: One, body: Bytes) -> Answer {
    let (id, mishearing) = (id_of(path)?, read::<Mishearing>(&body)?);
    let places = server.ask(&server.reads, move |day| day.elsewhere(&id, &mishearing)).await??;
    Ok(json(StatusCode::OK, &places))
}

/// What the page sends to have a mishearing learned.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Learn {
    heard: String,
    meant: String,
    #[serde(default)]
    fix: bool,
}

async fn learn(State(server): Shared, path: One, body: Bytes) -> Answer {
    let (id, Learn { heard, meant, fix }) = (id_of(path)?, read::<Learn>(&body)?);
    let mishearing = Mishearing { heard, meant };
    let places = server.ask(&server.writes, move |day| day.learn(&id, &mishearing, fix)).await??;
    Ok(json(StatusCode::OK, &places))
}

async fn logo(State(server): Shared, caller: Extension<Arc<Caller>>, method: Method, headers: HeaderMap) -> Answer {
    sent(&server, &caller, &method, &headers, |day| day.logo()).await
}

async fn view(
    State(server): Shared,
    caller: Extension<Arc<Caller>>,
    path: One,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let id = id_of(path)?;
    sent(&server, &caller, &method, &headers, move |day| day.view(&id)).await
}

async fn cover(
    State(server): Shared,
    caller: Extension<Arc<Caller>>,
    path: One,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let id = id_of(path)?;
    sent(&server, &caller, &method, &headers, move |day| day.cover(&id)).await
}

async fn cut(
    State(server): Shared,
    caller: Extension<Arc<Caller>>,
    path: Result<Path<(String, String)>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let Path((clip, of)) = path.map_err(|_| Trouble::UNKNOWN)?;
    let (id, platform) = (id(&clip)?, platform(&of)?);
    sent(&server, &caller, &method, &headers, move |day| day.cut(&id, &platform)).await
}

/// A file of the day. On this computer a browser may keep it and asks whether it is still the same; on others no clip is
/// left behind.
async fn sent(
    server: &Server,
    caller: &Caller,
    method: &Method,
    headers: &HeaderMap,
    call: impl FnOnce(&dyn Day) -> Result<Served, Refusal> + Send + 'static,
) -> Answer {
    let permit = server.files.clone().try_acquire_owned().map_err(|_| Trouble::Busy)?;
    let served = server.ask(&server.reads, call).await??;
    let kept = if caller.keeper.is_spoken() { "no-store" } else { "private, no-cache" };
    files::send(served, method, headers, kept, permit).await
}

/// Which picture is asked for.
#[derive(Deserialize)]
struct Moment {
    platform: String,
    at: f64,
}

async fn frame(State(server): Shared, path: One, query: Result<Query<Moment>, QueryRejection>) -> Answer {
    let id = id_of(path)?;
    let Query(Moment { platform: of, at }) = query.map_err(|_| Trouble::UNKNOWN)?;
    let platform = platform(&of)?;
    if !(0.0..=LATEST).contains(&at) {
        return Err(Trouble::UNKNOWN);
    }
    let picture = server.ask(&server.pictures, move |day| day.frame(&id, &platform, at)).await??;
    Ok(with_type(StatusCode::OK, "image/jpeg", picture))
}

/// What happens, from the cards of all clips on.
async fn told(State(server): Shared) -> Answer {
    let permit = server.streams.clone().try_acquire_owned().map_err(|_| Trouble::Busy)?;
    // From before the cards are read, so that nothing falls between them.
    let news = server.tellers.listen();
    let now = server.ask(&server.reads, |day| {
        let now = day.day();
        let cards = now.clips.into_iter().map(|card| events::event(&Told::Card(Box::new(card))));
        let first = [events::greeting(), events::event(&Told::Day(now.problem))];
        first.into_iter().chain(cards).collect::<Vec<_>>()
    });
    let now = now.await?;
    let (sender, body) = Channel::new(4);
    let closing = server.closing.clone();
    tokio::spawn(async move {
        let _permit = permit;
        tell(sender, now, news, closing).await;
    });
    Ok(with_type(StatusCode::OK, "text/event-stream", Body::new(body)))
}

type Sender = http_body_util::channel::Sender<Bytes, Infallible>;

/// Tells until nobody listens, the listener is too slow, or the program ends.
async fn tell(mut sender: Sender, now: Vec<Bytes>, mut news: Receiver<Bytes>, mut closing: watch::Receiver<bool>) {
    for event in now {
        if !say(&mut sender, event).await {
            return;
        }
    }
    loop {
        let event = tokio::select! {
            () = over(&mut closing) => return,
            event = news.recv() => event,
            () = tokio::time::sleep(events::BEAT) => Ok(events::beat()),
        };
        // Who lags behind asks anew, and is told everything.
        let Ok(event) = event else { return };
        if !say(&mut sender, event).await {
            return;
        }
    }
}

async fn say(sender: &mut Sender, event: Bytes) -> bool {
    tokio::time::timeout(DEAF, sender.send_data(event)).await.is_ok_and(|sent| sent.is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_names_of_our_form_reach_the_day() {
        assert!(id("0123456789abcdef").is_ok());
        for wrong in
            ["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "../3456789abcdef", "０123456789abcd"]
        {
            assert!(id(wrong).is_err(), "{wrong}");
        }
        assert!(platform("youtube-shorts").is_ok() && platform("x").is_ok());
        for wrong in ["", "..", "a/b", "a.mp4", "X", "a%2f", "a\0", &"a".repeat(65)] {
            assert!(platform(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_decision_is_in_a_name_that_can_be_read() {
        let decided = |by: &str, note: &str| {
            decision(&Bytes::from(json!({ "by": by, "note": note, "subject": "s" }).to_string()))
        };
        let decide = decided(" Dana Reed ", " ").ok();
        assert_eq!(decide.map(|decide| (decide.by, decide.note)), Some(("Dana Reed".into(), None)));
        for (by, note) in [("", ""), ("a\nb", ""), ("\u{202e}ana", ""), (&*"a".repeat(81), ""), ("Dana", "a\u{0}")] {
            assert!(decided(by, note).is_err(), "{by:?} {note:?}");
        }
        assert!(decision(&Bytes::from_static(b"{\"by\":\"Dana\",\"subject\":\"s\",\"more\":1}")).is_err());
    }
}
