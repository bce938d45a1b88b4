//! Serves the page: connections, who may speak on them, and an orderly end. What is asked for is in `routes`.

use super::answers::{Trouble, guarded};
use super::doors::Door;
use super::events::Tellers;
use super::guard::{self, No};
use super::house::{House, is_for_script};
use super::key::Keeper;
use super::limits::{self, Bucket, Throttle};
use super::{routes, sign_in};
use crate::fault::{Cancel, Fault};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};

/// How often is looked whether to end.
const LOOK: Duration = Duration::from_millis(50);
/// What is being saved may take so long when the program ends.
const SAVING: Duration = Duration::from_secs(10);
/// Answers may take so long to go out when the program ends.
const PARTING: Duration = Duration::from_millis(300);

/// Where the page is served, and how patiently.
#[derive(Debug)]
pub struct Options {
    /// Where connections arrive.
    pub doors: Vec<Door>,
    /// How long a request may take to arrive, and a connection may rest; [`limits::ARRIVAL`].
    pub arrival: Duration,
}

/// What every request has to do with.
pub struct Server {
    pub(super) house: House,
    pub(super) tellers: Arc<Tellers>,
    pub(super) throttle: Mutex<Throttle>,
    pub(super) reads: Arc<Semaphore>,
    pub(super) writes: Arc<Semaphore>,
    pub(super) pictures: Arc<Semaphore>,
    pub(super) files: Arc<Semaphore>,
    pub(super) streams: Arc<Semaphore>,
    /// True once the program ends.
    pub(super) closing: watch::Receiver<bool>,
    waiting: Semaphore,
    arrival: Duration,
}

/// A connection.
pub struct Caller {
    /// Who may come in where it arrived.
    pub(super) keeper: Arc<Keeper>,
    /// From where.
    pub(super) peer: SocketAddr,
    /// Where it arrived.
    pub(super) here: SocketAddr,
    hosts: Vec<String>,
    bucket: Mutex<Bucket>,
    number: u64,
    strangers: Arc<Strangers>,
}

impl Server {
    /// A call of a day, on a thread that may wait; as many at a time as `lane` has room for.
    ///
    /// # Errors
    /// Too many wait already, the program ends, or the call panicked.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        lane: &Arc<Semaphore>,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Trouble> {
        let waiting = self.waiting.try_acquire().map_err(|_| Trouble::Busy)?;
        let permit = lane.clone().acquire_owned().await.map_err(|_| Trouble::Closing)?;
        drop(waiting);
        let called = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            call()
        });
        called.await.map_err(|_| Trouble::Broken)
    }
}

/// Serves the page of this day, or the pages of these practices, until `cancel`. It then ends at once, but for what is being
/// saved.
///
/// # Errors
/// The system gives no threads or sockets.
pub fn serve(house: impl Into<House>, options: Options, cancel: &Cancel) -> Result<(), Fault> {
    let unable = |error: std::io::Error| {
        Fault::new(format!("the page cannot be served ({error})"), "close other programs and start it again")
    };
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).max_blocking_threads(64).thread_name("review").enable_all().build();
    let runtime = runtime.map_err(unable)?;
    let house = house.into();
    let tellers = Tellers::start(house.clone(), cancel).map_err(unable)?;
    let served = runtime.block_on(attend_all(house, options, tellers.clone(), cancel));
    // A picture that is being drawn is wanted by nobody any more.
    runtime.shutdown_background();
    if served.is_ok() {
        tellers.join();
    }
    served.map_err(unable)
}

async fn attend_all(house: House, options: Options, tellers: Arc<Tellers>, cancel: &Cancel) -> std::io::Result<()> {
    let (close, closing) = watch::channel(false);
    let server = Arc::new(Server {
        house,
        tellers,
        throttle: Mutex::default(),
        reads: Arc::new(Semaphore::new(limits::READS)),
        writes: Arc::new(Semaphore::new(limits::WRITES)),
        pictures: Arc::new(Semaphore::new(limits::PICTURES)),
        files: Arc::new(Semaphore::new(limits::FILES)),
        streams: Arc::new(Semaphore::new(limits::STREAMS)),
        closing,
        waiting: Semaphore::new(limits::WAITING),
        arrival: options.arrival,
    });
    let router = routes::router(server.clone());
    let mut doors = JoinSet::new();
    for door in options.doors {
        door.listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(door.listener)?;
        doors.spawn(attend(listener, door.keeper, door.computer, server.clone(), router.clone()));
    }
    while !cancel.is_cancelled() {
        tokio::time::sleep(LOOK).await;
    }
    close.send_replace(true);
    drop(tokio::time::timeout(SAVING, server.writes.acquire_many(limits::WRITES as u32)).await);
    let all_gone = async { while doors.join_next().await.is_some() {} };
    drop(tokio::time::timeout(PARTING, all_gone).await);
    Ok(())
}

/// Takes in whoever comes to a door.
async fn attend(
    listener: TcpListener,
    keeper: Arc<Keeper>,
    computer: Option<String>,
    server: Arc<Server>,
    router: Router,
) {
    let mut closing = server.closing.clone();
    let mut connections = JoinSet::new();
    let strangers = Arc::new(Strangers::default());
    let mut number = 0;
    loop {
        let (stream, peer) = tokio::select! {
            () = over(&mut closing) => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // Too many files are open; some will be closed.
                Err(_) => {
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
            },
        };
        let Ok(here) = stream.local_addr() else { continue };
        if connections.len() >= limits::CONNECTIONS {
            continue;
        }
        number += 1;
        let caller = Arc::new(Caller {
            keeper: keeper.clone(),
            peer,
            here,
            hosts: guard::hosts(here, computer.as_deref()),
            bucket: Mutex::new(Bucket::new(Instant::now())),
            number,
            strangers: strangers.clone(),
        });
        let handle = connections.spawn(converse(stream, caller, server.clone(), router.clone()));
        strangers.add(number, handle);
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Connections that have not shown yet that they may come in. Of too many, the oldest is cut off: who holds a hundred open
/// keeps nobody out.
#[derive(Default)]
struct Strangers(Mutex<VecDeque<(u64, AbortHandle)>>);

impl Strangers {
    fn add(&self, number: u64, handle: AbortHandle) {
        let mut all = self.0.lock().unwrap_or_else(|e| e.into_inner());
        all.retain(|(_, handle)| !handle.is_finished());
        all.push_back((number, handle));
        if all.len() > limits::STRANGERS
            && let Some((_, oldest)) = all.pop_front()
        {
            oldest.abort();
        }
    }

    fn know(&self, number: u64) {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).retain(|(other, _)| *other != number);
    }
}

/// Waits until the program ends.
pub(super) async fn over(closing: &mut watch::Receiver<bool>) {
    drop(closing.wait_for(|closing| *closing).await);
}

/// One connection, to its end.
async fn converse(stream: TcpStream, caller: Arc<Caller>, server: Arc<Server>, router: Router) {
    // Small answers should not wait for one another.
    drop(stream.set_nodelay(true));
    let mut closing = server.closing.clone();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(server.arrival)
        .max_headers(limits::HEADERS)
        .max_buf_size(limits::HEAD)
        .half_close(false);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request| {
        let (caller, server, router) = (caller.clone(), server.clone(), router.clone());
        async move { Ok::<_, Infallible>(guarded(answer(request, caller, server, router).await)) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return drop(ended),
        () = over(&mut closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    drop(connection.await);
}

async fn answer(
    request: Request<Incoming>,
    caller: Arc<Caller>,
    server: Arc<Server>,
    router: TowerToHyperService<Router>,
) -> Response {
    let (head, body) = request.into_parts();
    let for_script = is_for_script(head.uri.path());
    let said = |trouble: Trouble| if for_script { trouble.into_response() } else { trouble.page() };
    let in_time = caller.bucket.lock().unwrap_or_else(|e| e.into_inner()).take(Instant::now());
    if !in_time {
        let advice = "wait a moment and reload the page";
        return last(said(Trouble::wrong(StatusCode::TOO_MANY_REQUESTS, "too much is asked for at once", advice)));
    }
    match guard::admit(&head, &caller.keeper, &caller.hosts, caller.here.port()) {
        Ok(true) => caller.strangers.know(caller.number),
        Ok(false) => {}
        Err(No::Stranger) if !for_script => return sign_in::stranger(&caller),
        Err(no) => {
            let (what, advice) = no.words();
            return said(Trouble::wrong(no.status(), what, advice));
        }
    }
    let writes = matches!(head.method, Method::POST | Method::PUT);
    let body = match if writes { whole(body, server.arrival).await } else { Ok(Body::empty()) } {
        Ok(body) => body,
        Err(trouble) => return last(said(trouble)),
    };
    let mut request = Request::from_parts(head, body);
    request.extensions_mut().insert(caller);
    match if writes { detached(router, request).await } else { attached(router, request).await } {
        Some(response) => response,
        None => said(Trouble::Broken),
    }
}

/// What changes something goes on, even if whoever asked for it goes away. None if it panicked.
async fn detached(router: TowerToHyperService<Router>, request: Request<Body>) -> Option<Response> {
    tokio::spawn(async move { router.call(request).await }).await.ok().and_then(Result::ok)
}

/// What only reads ends when nobody waits for it any more. None if it panicked.
async fn attached(router: TowerToHyperService<Router>, request: Request<Body>) -> Option<Response> {
    let mut alone = JoinSet::new();
    alone.spawn(async move { router.call(request).await });
    alone.join_next().await.and_then(Result::ok).and_then(Result::ok)
}

/// The last answer of a connection.
fn last(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// All that a request carries.
///
/// # Errors
/// It is too much, or too slow.
async fn whole(body: Incoming, arrival: Duration) -> Result<Body, Trouble> {
    let too_large = || {
        Trouble::wrong(StatusCode::PAYLOAD_TOO_LARGE, "that is too much text at once", "write less, and save it again")
    };
    if body.size_hint().lower() > limits::BODY as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(arrival, Limited::new(body, limits::BODY).collect()).await {
        Ok(Ok(collected)) => Ok(Body::from(collected.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        _ => {
            let what = "the request did not arrive whole";
            Err(Trouble::wrong(StatusCode::REQUEST_TIMEOUT, what, "check the connection, and do it again"))
        }
    }
}
