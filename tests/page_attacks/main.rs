//! What somebody may try who is not to get in: each attack against the page as it is served, over a socket, and what must
//! not have happened for it.
#![allow(clippy::unwrap_used)]

mod crowds;
mod files;
mod host;
mod practices;
mod strangers;
mod texts;
