//! Addresses to calls of a day. Whoever comes here may come in; what they name is still only a name: of a practice, and of
//! a clip of that practice alone.

use super::answers::{Trouble, html, json, with_type};
use super::assets;
use super::contract::{
    CentreTold, ClipCard, ClipView, Day, Decide, Mishearing, Practices, Refusal, Save, Served, Told,
};
use super::events;
use super::files;
use super::house::{House, base, is_for_script};
use super::pages;
use super::server::{Caller, Server, over};
use super::sign_in;
use crate::printable::one_line;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query, RawPathParams, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
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
type One = Result<Path<ClipPath>, PathRejection>;

/// The clip that an address names.
#[derive(Deserialize)]
pub struct ClipPath {
    id: String,
}

/// All addresses.
pub fn router(server: Arc<Server>) -> Router {
    let common = Router::new()
        .route("/sign-in", get(sign_in::by_address).post(sign_in::by_passphrase))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .route("/assets/{name}", get(asset));
    let all = match &server.house {
        House::One(_) => of_a_day(common, ""),
        House::Many(_) => of_a_day(common, "/p/{practice}")
            .route("/", get(centre_page))
            .route("/api/practices", get(centre))
            .route("/api/told", get(centre_told))
            .route("/p/{practice}", get(|room: Room| async move { Redirect::permanent(&format!("{}/", room.base)) })),
    };
    all.fallback(unknown).with_state(server)
}

/// The addresses of a day, with what stands before them.
fn of_a_day(router: Router<Arc<Server>>, before: &str) -> Router<Arc<Server>> {
    let at = |path: &str| format!("{before}{path}");
    router
        .route(&at("/"), get(day_page))
        .route(&at("/clip/{id}"), get(clip_page))
        .route(&at("/api/day"), get(day))
        .route(&at("/api/told"), get(told))
        .route(&at("/api/clip/{id}"), get(clip).put(save))
        .route(&at("/api/clip/{id}/approve"), post(approve))
        .route(&at("/api/clip/{id}/hold"), post(hold))
        .route(&at("/api/clip/{id}/elsewhere"), post(elsewhere))
        .route(&at("/api/clip/{id}/learn"), post(learn))
        .route(&at("/media/logo"), get(logo))
        .route(&at("/media/{id}/view"), get(view))
        .route(&at("/media/{id}/cover"), get(cover))
        .route(&at("/media/{id}/cut/{platform}"), get(cut))
        .route(&at("/media/{id}/frame"), get(frame))
}

/// The day that an address is about.
struct Room {
    /// Name of the practice's folder; none where there is one practice alone.
    practice: Option<String>,
    /// What stands before its addresses.
    base: String,
    day: Arc<dyn Day>,
}

impl FromRequestParts<Arc<Server>> for Room {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Trouble> {
        let named = RawPathParams::from_request_parts(parts, server).await.map_err(|_| Trouble::UNKNOWN)?;
        let practice = named.iter().find(|(name, _)| *name == "practice").map(|(_, id)| id.to_string());
        let day = server.house.day(practice.as_deref())?;
        Ok(Room { base: base(practice.as_deref()), practice, day })
    }
}

async fn unknown(uri: axum::http::Uri) -> Response {
    if is_for_script(uri.path()) { Trouble::UNKNOWN.into_response() } else { Trouble::UNKNOWN.page() }
}

/// A clip's sixteen digits; nothing else reaches the day.
fn id(name: &str) -> Result<String, Trouble> {
    let is_id = name.len() == 16 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_id.then(|| name.to_string()).ok_or(Trouble::UNKNOWN)
}

fn id_of(path: One) -> Result<String, Trouble> {
    id(&path.map_err(|_| Trouble::UNKNOWN)?.id)
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

async fn centre_page(State(server): Shared) -> Response {
    let page = async {
        let practices = practices(&server)?;
        server.ask(&server.reads, move || pages::centre_page(&practices.centre())).await
    };
    shown(page.await)
}

async fn centre(State(server): Shared) -> Answer {
    let practices = practices(&server)?;
    let view = server.ask(&server.reads, move || practices.centre()).await?;
    Ok(json(StatusCode::OK, &view))
}

fn practices(server: &Server) -> Result<Arc<dyn Practices>, Trouble> {
    match &server.house {
        House::Many(practices) => Ok(practices.clone()),
        House::One(_) => Err(Trouble::UNKNOWN),
    }
}

async fn day_page(State(server): Shared, room: Result<Room, Trouble>) -> Response {
    let page = async {
        let Room { base, day, .. } = room?;
        server.ask(&server.reads, move || pages::day_page(&day.day(), &base)).await
    };
    shown(page.await)
}

async fn clip_page(State(server): Shared, room: Result<Room, Trouble>, path: One) -> Response {
    let page = async {
        let (Room { base, day, .. }, id) = (room?, id_of(path)?);
        server.ask(&server.reads, move || written(&*day, &id, &base)).await?.map_err(Trouble::from)
    };
    shown(page.await)
}

fn shown(page: Result<String, Trouble>) -> Response {
    match page {
        Ok(page) => html(StatusCode::OK, page),
        Err(trouble) => trouble.page(),
    }
}

/// The page of a clip, with the clips before and after it.
fn written(day: &dyn Day, id: &str, base: &str) -> Result<String, Refusal> {
    let view = day.clip(id)?;
    let all = day.day();
    let at = all.clips.iter().position(|card| card.id == id);
    let beside = |step: fn(usize) -> Option<usize>| -> Option<&ClipCard> { all.clips.get(step(at?)?) };
    let (next, previous) = (beside(|at| at.checked_add(1)), beside(|at| at.checked_sub(1)));
    Ok(pages::clip_page(&view, next, previous, &pages::Place { base, practice: &all.practice }))
}

async fn asset(path: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Answer {
    let Path(name) = path.map_err(|_| Trouble::UNKNOWN)?;
    let (kind, bytes) = assets::asset(&name).ok_or(Trouble::UNKNOWN)?;
    let tag = format!("\"{}\"", &blake3::hash(bytes).to_hex()[..32]);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let kept = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache".into())];
    let answer = if known { StatusCode::NOT_MODIFIED.into_response() } else { with_type(StatusCode::OK, kind, bytes) };
    Ok((kept, answer).into_response())
}

async fn day(State(server): Shared, Room { day, .. }: Room) -> Answer {
    let view = server.ask(&server.reads, move || day.day()).await?;
    Ok(json(StatusCode::OK, &view))
}

async fn clip(State(server): Shared, Room { day, .. }: Room, path: One) -> Answer {
    let id = id_of(path)?;
    let view = server.ask(&server.reads, move || day.clip(&id)).await??;
    Ok(json(StatusCode::OK, &view))
}

async fn save(State(server): Shared, Room { day, .. }: Room, path: One, body: Bytes) -> Answer {
    let (id, save) = (id_of(path)?, read::<Save>(&body)?);
    change(&server, move || day.save(&id, save)).await
}

async fn approve(State(server): Shared, Room { day, .. }: Room, path: One, body: Bytes) -> Answer {
    let (id, decide) = (id_of(path)?, decision(&body)?);
    change(&server, move || day.approve(&id, decide)).await
}

async fn hold(State(server): Shared, Room { day, .. }: Room, path: One, body: Bytes) -> Answer {
    let (id, decide) = (id_of(path)?, decision(&body)?);
    change(&server, move || day.hold(&id, decide)).await
}

async fn change(server: &Server, call: impl FnOnce() -> Result<ClipView, Refusal> + Send + 'static) -> Answer {
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

async fn elsewhere(State(server): Shared, Room { day, .. }: Room, path: One, body: Bytes) -> Answer {
    let (id, mishearing) = (id_of(path)?, read::<Mishearing>(&body)?);
    let places = server.ask(&server.reads, move || day.elsewhere(&id, &mishearing)).await??;
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

async fn learn(State(server): Shared, Room { day, .. }: Room, path: One, body: Bytes) -> Answer {
    let (id, Learn { heard, meant, fix }) = (id_of(path)?, read::<Learn>(&body)?);
    let mishearing = Mishearing { heard, meant };
    let places = server.ask(&server.writes, move || day.learn(&id, &mishearing, fix)).await??;
    Ok(json(StatusCode::OK, &places))
}

async fn logo(
    State(server): Shared,
    Room { day, .. }: Room,
    caller: Extension<Arc<Caller>>,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    sent(&server, &caller, &method, &headers, move || day.logo()).await
}

async fn view(
    State(server): Shared,
    Room { day, .. }: Room,
    caller: Extension<Arc<Caller>>,
    path: One,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let id = id_of(path)?;
    sent(&server, &caller, &method, &headers, move || day.view(&id)).await
}

async fn cover(
    State(server): Shared,
    Room { day, .. }: Room,
    caller: Extension<Arc<Caller>>,
    path: One,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let id = id_of(path)?;
    sent(&server, &caller, &method, &headers, move || day.cover(&id)).await
}

/// The cut that an address names.
#[derive(Deserialize)]
struct CutPath {
    id: String,
    platform: String,
}

async fn cut(
    State(server): Shared,
    Room { day, .. }: Room,
    caller: Extension<Arc<Caller>>,
    path: Result<Path<CutPath>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let Path(named) = path.map_err(|_| Trouble::UNKNOWN)?;
    let (id, platform) = (id(&named.id)?, platform(&named.platform)?);
    sent(&server, &caller, &method, &headers, move || day.cut(&id, &platform)).await
}

/// A file of the day. On this computer a browser may keep it and asks whether it is still the same; on others no clip is
/// left behind.
async fn sent(
    server: &Server,
    caller: &Caller,
    method: &Method,
    headers: &HeaderMap,
    call: impl FnOnce() -> Result<Served, Refusal> + Send + 'static,
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

async fn frame(
    State(server): Shared,
    Room { day, .. }: Room,
    path: One,
    query: Result<Query<Moment>, QueryRejection>,
) -> Answer {
    let id = id_of(path)?;
    let Query(Moment { platform: of, at }) = query.map_err(|_| Trouble::UNKNOWN)?;
    let platform = platform(&of)?;
    if !(0.0..=LATEST).contains(&at) {
        return Err(Trouble::UNKNOWN);
    }
    let picture = server.ask(&server.pictures, move || day.frame(&id, &platform, at)).await??;
    Ok(with_type(StatusCode::OK, "image/jpeg", picture))
}

/// What happens in a day, from the cards of all clips on.
async fn told(State(server): Shared, Room { practice, base, day }: Room) -> Answer {
    stream(&server, practice.as_deref().unwrap_or_default(), move || {
        let now = day.day();
        let cards = now.clips.into_iter().map(|card| events::event(&Told::Card(Box::new(card)), &base));
        [events::event(&Told::Day(now.problem), &base)].into_iter().chain(cards).collect()
    })
    .await
}

/// What happens to the practices, from the row of each on.
async fn centre_told(State(server): Shared) -> Answer {
    let practices = practices(&server)?;
    stream(&server, "", move || {
        let now = practices.centre();
        let rows = now.practices.into_iter().map(|row| events::centre_event(&CentreTold::Row(Box::new(row))));
        [events::centre_event(&CentreTold::Root(now.problem, now.strays))].into_iter().chain(rows).collect()
    })
    .await
}

/// Tells everything of `practice` that happens from now on, after what `now` gives.
async fn stream(server: &Arc<Server>, practice: &str, now: impl FnOnce() -> Vec<Bytes> + Send + 'static) -> Answer {
    let permit = server.streams.clone().try_acquire_owned().map_err(|_| Trouble::Busy)?;
    // From before the cards are read, so that nothing falls between them.
    let news = server.tellers.listen(practice).ok_or(Trouble::Broken)?;
    let now = server.ask(&server.reads, now).await?;
    let now = [events::greeting()].into_iter().chain(now).collect();
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
