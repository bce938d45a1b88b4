//! Files of the day, sent in whole or in part. What counts is the file that was opened: nothing that takes its place
//! meanwhile is sent, no link is followed, and no path comes from the network.

use super::answers::{Trouble, json};
use super::contract::Served;
use super::ranges::{Asked, asked};
use crate::plain_file;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::channel::{Channel, Sender};
use serde_json::json;
use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind, SeekFrom};
use std::ops::Range;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::OwnedSemaphorePermit;

/// Bytes that are read at a time.
const CHUNK: u64 = 64 << 10;

/// Answers with a file, or the part of it that `headers` ask for. `kept` is how a browser may keep it; `permit` is held
/// until all is sent.
///
/// # Errors
/// There is no such file any more, or something else in its place.
pub async fn send(
    served: Served,
    method: &Method,
    headers: &HeaderMap,
    kept: &'static str,
    permit: OwnedSemaphorePermit,
) -> Result<Response, Trouble> {
    let Served { file, kind } = served;
    let opened = tokio::task::spawn_blocking(move || {
        let file = plain_file::open(&file)?;
        let about = file.metadata()?;
        Ok::<_, Error>((file, about))
    });
    let (file, about) = opened.await.map_err(|_| Trouble::Broken)?.map_err(|_| Trouble::UNKNOWN)?;
    let length = about.len();
    let tag = tag(&about);
    let named = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let common =
        [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, kept.into()), (header::ACCEPT_RANGES, "bytes".into())];
    if named(header::IF_NONE_MATCH).is_some_and(|known| known.split(',').any(|known| known.trim() == tag)) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    // A part goes with the parts that the browser has only if those are of this very file.
    let is_of_this = named(header::IF_RANGE).is_none_or(|known| known == tag);
    let wanted = match named(header::RANGE).filter(|_| is_of_this) {
        Some(range) => asked(range, length),
        None => Asked::Whole,
    };
    let (status, bytes) = match wanted {
        Asked::Whole => (StatusCode::OK, 0..length),
        Asked::Part(bytes) => (StatusCode::PARTIAL_CONTENT, bytes),
        Asked::Beyond => {
            let all = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok((all, json(StatusCode::RANGE_NOT_SATISFIABLE, &json!({}))).into_response());
        }
    };
    let place = (status == StatusCode::PARTIAL_CONTENT)
        .then(|| [(header::CONTENT_RANGE, format!("bytes {}-{}/{length}", bytes.start, bytes.end - 1))]);
    let about =
        [(header::CONTENT_TYPE, kind.to_string()), (header::CONTENT_LENGTH, (bytes.end - bytes.start).to_string())];
    let body = if method == Method::HEAD { Body::empty() } else { body(file, bytes, permit) };
    Ok((status, common, place, about, body).into_response())
}

/// Tells this content of the file from every other that it had or will have.
fn tag(about: &Metadata) -> String {
    #[cfg(unix)]
    let identity = {
        use std::os::unix::fs::MetadataExt;
        format!("{} {} {} {}", about.dev(), about.ino(), about.mtime(), about.mtime_nsec())
    };
    #[cfg(not(unix))]
    let identity = format!("{:?}", about.modified().ok());
    let hash = blake3::hash(format!("{identity} {}", about.len()).as_bytes()).to_hex();
    format!("\"{}\"", &hash[..32])
}

/// The bytes as they are read, no faster than they are taken.
fn body(file: File, bytes: Range<u64>, permit: OwnedSemaphorePermit) -> Body {
    let (mut sender, body) = Channel::<Bytes, Error>::new(2);
    tokio::spawn(async move {
        let _permit = permit;
        if let Err(error) = pour(file, bytes, &mut sender).await {
            // The browser sees a torn answer, not a short file.
            sender.abort(error);
        }
    });
    Body::new(body)
}

async fn pour(file: File, bytes: Range<u64>, sender: &mut Sender<Bytes, Error>) -> Result<(), Error> {
    let mut file = tokio::fs::File::from_std(file);
    file.seek(SeekFrom::Start(bytes.start)).await?;
    let mut left = bytes.end - bytes.start;
    while left > 0 {
        let mut chunk = vec![0; left.min(CHUNK) as usize];
        let read = file.read(&mut chunk).await?;
        if read == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the file became shorter"));
        }
        chunk.truncate(read);
        left -= read as u64;
        // Whoever asked went away: nothing is left to do.
        if sender.send_data(chunk.into()).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
