//! Too much, too slow, too often; what breaks; and the end.

use crate::host::{Answer, CLIP, Host, PANICS, SLOW};
use housecall::review::{Keeper, Secret, limits};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn too_much_at_once_is_not_even_read() {
    let host = Host::new();
    let path = format!("/api/clip/{CLIP}");
    let large = vec![b' '; 2 << 20];
    let head = format!("PUT {path} HTTP/1.1\r\n{}", host.page_sends());
    let answer = host.send(&head, &large);
    // Whoever goes on sending may see the connection closed before the answer.
    assert!(matches!(answer.status, 413 | 0), "{answer:?}");
    let claimed = host.send(&format!("{head}Content-Length: 99999999999\r\nExpect: 100-continue\r\n"), b"");
    assert_eq!(claimed.status, 413, "what is only claimed");
    let mut chunked =
        format!("{head}Host: {}\r\nCookie: {}\r\nTransfer-Encoding: chunked\r\n\r\n", host.here, host.cookie)
            .into_bytes();
    for _ in 0..20 {
        chunked.extend(b"10000\r\n");
        chunked.extend(vec![b' '; 0x10000]);
        chunked.extend(b"\r\n");
    }
    assert!(matches!(host.raw(&chunked).status, 413 | 0), "what does not say how much it is");
    let both = format!(
        "{head}Host: {}\r\nCookie: {}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        host.here, host.cookie
    );
    assert_eq!(host.calls(), [""; 0]);
    let smuggled = host.raw(both.as_bytes());
    assert!(smuggled.status >= 400, "{smuggled:?}");
    let headers: String = (0..10_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    assert!(matches!(host.send(&format!("GET / HTTP/1.1\r\n{headers}"), b"").status, 400 | 431 | 0));
    let long = format!("GET / HTTP/1.1\r\nX-Long: {}\r\n", "a".repeat(1 << 20));
    assert!(matches!(host.send(&long, b"").status, 400 | 431 | 0));
    let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(1 << 17));
    assert!(matches!(host.send(&long, b"").status, 400 | 414 | 431 | 0));
    for nonsense in [
        &b"\0\0\0\0"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = host.connect();
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        stream.write_all(nonsense).unwrap();
        let answer = Answer::read(&mut stream);
        assert!(answer.status == 0 || answer.status >= 400, "{answer:?}");
    }
    assert_eq!(host.calls(), [""; 0]);
    assert_eq!(host.get("/api/day").status, 200);
}

#[test]
fn who_sends_drop_by_drop_is_cut_off_and_keeps_nobody_waiting() {
    let token = Secret::random().unwrap();
    let mut host = Host::with(Keeper::token(&token), token, Duration::from_millis(700));
    let entered = host.get(&format!("/sign-in?token={}", host.token.shown()));
    host.cookie = entered.header("set-cookie").unwrap().split(';').next().unwrap().to_string();
    let began = Instant::now();
    let mut head = host.connect();
    let mut body = host.connect();
    let mut idle = host.connect();
    let sends = format!("PUT /api/clip/{CLIP} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n", host.here, host.cookie);
    write!(body, "{sends}{}Content-Length: 1000\r\n\r\n", host.page_sends()).unwrap();
    write!(head, "GET / HTTP/1.1\r\n").unwrap();
    for connection in [&head, &body, &idle] {
        connection.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    }
    let mut open = vec![true; 3];
    while open.iter().any(|open| *open) {
        assert!(began.elapsed() < Duration::from_secs(5), "{open:?}");
        for (place, connection) in [&mut head, &mut body, &mut idle].into_iter().enumerate() {
            if open[place] {
                // A drop in time is not enough.
                let drop: &[u8] = [&b"X"[..], b" ", b""][place];
                let sent = connection.write_all(drop);
                open[place] = sent.is_ok() && !is_closed(connection);
            }
        }
        assert_eq!(host.get("/assets/base.css").status, 200, "others are answered meanwhile");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(began.elapsed() >= Duration::from_millis(600));
    assert_eq!(host.calls(), [""; 0]);
}

/// Whether the other side closed it, read past whatever it said.
fn is_closed(stream: &mut TcpStream) -> bool {
    let mut chunk = [0; 1024];
    match stream.read(&mut chunk) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
    }
}

#[cfg(unix)]
#[test]
fn a_thousand_connections_keep_nobody_out() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let most = now.maximum.unwrap_or(8192).min(8192);
    setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: now.maximum }).unwrap();
    let host = Host::new();
    let mut crowd: Vec<TcpStream> = (0..1000).map(|_| host.connect()).collect();
    for connection in &mut crowd {
        drop(connection.write_all(b"GET / HTTP/1.1\r\nX"));
    }
    let began = Instant::now();
    assert_eq!(host.get("/api/day").status, 200);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let is_open = |connection: &mut TcpStream| {
        connection.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        !is_closed(connection)
    };
    let open = crowd.iter_mut().filter_map(|connection| is_open(connection).then_some(())).count();
    assert!(open <= limits::STRANGERS, "{open} are held open");
}

#[test]
fn one_connection_cannot_ask_without_end() {
    let host = Host::new();
    let mut stream = host.connect();
    let request = format!("GET /favicon.ico HTTP/1.1\r\nHost: {}\r\n\r\n", host.here);
    stream.write_all(request.repeat(3000).as_bytes()).ok();
    let mut heard = String::new();
    drop(stream.read_to_string(&mut heard));
    let answered = heard.matches("HTTP/1.1 204").count();
    assert!(answered < 1500, "{answered} of 3000");
    assert_eq!(host.get("/api/day").status, 200);
}

#[test]
fn what_panics_fails_alone() {
    let host = Host::new();
    for path in [format!("/clip/{PANICS}"), format!("/api/clip/{PANICS}"), format!("/media/{PANICS}/view")] {
        let answer = host.get(&path);
        assert_eq!(answer.status, 500, "{path}");
        assert!(!answer.text().contains("as the test wants it"), "{}", answer.text());
    }
    assert_eq!(host.change("PUT", &format!("/api/clip/{PANICS}"), "{\"version\":\"1\"}").status, 500);
    for _ in 0..2 * limits::WRITES {
        assert_eq!(host.change("PUT", &format!("/api/clip/{PANICS}"), "{\"version\":\"1\"}").status, 500);
    }
    assert_eq!(host.change("PUT", &format!("/api/clip/{CLIP}"), "{\"version\":\"1\"}").status, 200);
    assert!(host.is_running());
}

#[test]
fn the_end_is_at_once_but_waits_for_what_is_being_saved() {
    let mut host = Host::new();
    let mut listening = host.connect();
    write!(listening, "GET /api/told HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n", host.here, host.cookie).unwrap();
    let mut resting = host.connect();
    write!(resting, "GET /api/told HTTP/1.1\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(host.stop() < Duration::from_secs(3), "neither a page that listens nor one that dawdles is waited for");

    let mut host = Host::new();
    let saves = format!(
        "PUT /api/clip/{SLOW} HTTP/1.1\r\n{}Host: {}\r\nCookie: {}\r\nContent-Length: 15\r\n\r\n{{\"version\":\"1\"}}",
        host.page_sends(),
        host.here,
        host.cookie
    );
    let mut gone = host.connect();
    gone.write_all(saves.as_bytes()).unwrap();
    let mut waits = host.connect();
    waits.write_all(saves.as_bytes()).unwrap();
    while host.calls().len() < 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    // One closed the tab meanwhile.
    drop(gone);
    host.cancel();
    std::thread::sleep(Duration::from_millis(400));
    assert!(host.is_running() && *host.day.saved.lock().unwrap() == 0);
    host.day.let_go();
    assert!(host.stop() < Duration::from_secs(3));
    assert_eq!(*host.day.saved.lock().unwrap(), 2);
    assert_eq!(Answer::read(&mut waits).status, 200, "and who still waits is told that it was saved");
}
