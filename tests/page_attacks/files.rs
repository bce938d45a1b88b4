//! What is served of the disk: files that the day names, and nothing that a request names.

use crate::host::{CLIP, Host};
use std::fs;

fn view() -> String {
    format!("/media/{CLIP}/view")
}

#[test]
fn no_path_leads_to_the_disk() {
    let host = Host::new();
    let steps = [
        "..",
        ".",
        "%2e%2e",
        "%2E%2E%2F..%2Fetc%2Fpasswd",
        "..%2f..%2fetc%2fpasswd",
        "%252e%252e%252fetc",
        "..%5c..%5cwindows",
        "..;",
        "%00",
        "0123456789abcdef%00",
        "0123456789abcdef%0d%0aX:y",
        "0123456789ABCDEF",
        "0123456789abcde",
        "%ff%fe",
        "0123456789abcdeg",
        "0123456789abcdef0",
        "%c0%ae%c0%ae",
        "~",
        "C:",
        "file:%2f%2f%2fetc%2fpasswd",
        "view.mp4",
    ];
    for step in steps {
        let ids = [
            "/clip/ID",
            "/api/clip/ID",
            "/media/ID/view",
            "/media/ID/cover",
            "/media/ID/cut/x",
            "/media/ID/frame?platform=x&at=1",
        ];
        for path in ids {
            let path = path.replace("ID", step);
            let answer = host.get(&path);
            assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        }
        if step != "view.mp4" && step != "~" {
            let path = format!("/media/{CLIP}/frame?platform={step}&at=1");
            assert!(step.starts_with("0123456789abcde") || host.get(&path).status == 404, "{path}");
        }
        for path in [format!("/assets/{step}"), format!("/assets/{step}/etc/passwd"), format!("/{step}/etc/passwd")] {
            let answer = host.get(&path);
            assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
            assert!(!answer.text().contains("root:"), "{path}");
        }
    }
    for platform in ["..", "%2e%2e", "..%2f..%2fview.mp4", "X", "a%00", "x.mp4", "%20x"] {
        let path = format!("/media/{CLIP}/cut/{platform}");
        assert_eq!(host.get(&path).status, 404, "{path}");
    }
    for second in ["-1", "NaN", "inf", "1e308", "", "0x1", "1;2"] {
        let path = format!("/media/{CLIP}/frame?platform=x&at={second}");
        assert_eq!(host.get(&path).status, 404, "{path}");
    }
    assert_eq!(host.calls(), [""; 0], "nothing that is no name reaches the day");
    assert_eq!(host.get("//etc/passwd").status, 404);
    assert_eq!(host.get(&format!("/{}", "a".repeat(5000))).status, 414);
}

#[cfg(unix)]
#[test]
fn what_took_a_files_place_is_not_sent() {
    let host = Host::new();
    let (file, secret) = (host.folder.path().join("view.mp4"), host.folder.path().join("secret"));
    fs::write(&secret, "not for anybody").unwrap();
    assert_eq!(host.get(&view()).status, 200);
    fs::remove_file(&file).unwrap();
    assert_eq!((host.get(&view()).status, host.get(&view()).text()), (404, "{}".into()), "it is gone");
    let refused = |what: &str| {
        let answer = host.get(&view());
        assert!(answer.status == 404 && !answer.text().contains("anybody"), "{what}");
        fs::remove_file(&file).or_else(|_| fs::remove_dir(&file)).unwrap();
    };
    std::os::unix::fs::symlink(&secret, &file).unwrap();
    refused("a link");
    std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
    refused("a link to a device");
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    refused("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(&file).unwrap();
    refused("a socket");
    fs::create_dir(&file).unwrap();
    refused("a folder");
}

#[test]
fn ranges_give_what_is_there_and_nothing_else() {
    let host = Host::new();
    let file = host.folder.path().join("view.mp4");
    let all = fs::read(&file).unwrap();
    let length = all.len();
    let part = |range: &str| host.send(&format!("GET {} HTTP/1.1\r\nRange: {range}\r\n", view()), b"");
    let whole = host.get(&view());
    assert!(whole.status == 200 && whole.body == all && whole.header("content-type") == Some("video/mp4"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let huge = "9".repeat(300);
    for (range, bytes) in [
        ("bytes=0-0".to_string(), 0..1),
        ("bytes=0-".into(), 0..length),
        ("bytes=1000-1999".into(), 1000..2000),
        ("bytes=-7".into(), length - 7..length),
        (format!("bytes=-{huge}"), 0..length),
        (format!("bytes={}-{huge}", length - 1), length - 1..length),
        ("bytes=5-18446744073709551615".into(), 5..length),
    ] {
        let answer = part(&range);
        assert_eq!(answer.status, 206, "{range}");
        assert!(answer.body == all[bytes.clone()], "{range}");
        let place = format!("bytes {}-{}/{length}", bytes.start, bytes.end - 1);
        assert_eq!(answer.header("content-range"), Some(&*place), "{range}");
        assert_eq!(answer.header("content-length"), Some(&*bytes.len().to_string()), "{range}");
    }
    for range in [
        format!("bytes={length}-"),
        "bytes=-0".into(),
        format!("bytes={huge}-{huge}"),
        "bytes=18446744073709551615-".into(),
    ] {
        let answer = part(&range);
        assert_eq!((answer.status, answer.text()), (416, "{}".into()), "{range}");
        assert_eq!(answer.header("content-range"), Some(&*format!("bytes */{length}")), "{range}");
    }
    // Several, senseless ones and other units are passed over.
    let many = format!("bytes={}", (0..900).map(|n| format!("{n}-")).collect::<Vec<_>>().join(","));
    for range in [&*many, "bytes=0-0,-1", "bytes=9-1", "bytes=a-b", "bytes=", "nonsense", "seconds=1-2"] {
        let answer = part(range);
        assert!(answer.status == 200 && answer.body.len() == length, "{range}");
    }
    assert!(fs::read(&file).unwrap() == all, "and the file is as it was");
}

#[test]
fn parts_of_different_files_are_never_put_together() {
    let host = Host::new();
    let file = host.folder.path().join("view.mp4");
    let with = |headers: &str| host.send(&format!("GET {} HTTP/1.1\r\n{headers}", view()), b"");
    let tag = with("").header("etag").unwrap().to_string();
    assert_eq!(with(&format!("If-None-Match: {tag}\r\n")).status, 304);
    assert_eq!(with(&format!("Range: bytes=1-2\r\nIf-Range: {tag}\r\n")).status, 206);
    let date = "If-Range: Sun, 22 Nov 2026 10:00:00 GMT\r\n";
    assert_eq!(with(&format!("Range: bytes=1-2\r\n{date}")).status, 200, "a date is too coarse to rely on");
    fs::write(host.folder.path().join("new"), b"another file").unwrap();
    fs::rename(host.folder.path().join("new"), &file).unwrap();
    let answer = with(&format!("Range: bytes=1-2\r\nIf-Range: {tag}\r\n"));
    assert!(answer.status == 200 && answer.body == b"another file", "{answer:?}");
    assert_eq!(with(&format!("If-None-Match: {tag}\r\n")).status, 200);
    let head = host.send(&format!("HEAD {} HTTP/1.1\r\n", view()), b"");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("12"), 0));
    let empty = host.send("GET /media/logo HTTP/1.1\r\nRange: bytes=0-\r\n", b"");
    assert_eq!(empty.status, 416, "an empty file has no part");
    assert_eq!((host.get("/media/logo").status, host.get("/media/logo").body.len()), (200, 0));
}
