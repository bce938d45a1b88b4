//! `housecall review`: a watch with a page where its clips are read, fixed and approved.

use super::{ALL_WELL, Batch, Page, run};
use crate::config::{Practice, UNDERSTOOD};
use crate::fault::{Cancel, Fault};
use crate::pipeline::Request;
use crate::report::Progress;
use crate::review::day::{FilmingDay, Setup};
use crate::review::{self, Keeper, Key, Options, Secret, limits};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Serves the page until it is stopped.
pub fn review(arguments: &Batch, page: &Page, cancel: &Cancel) -> Result<u8, Fault> {
    let progress = Arc::new(Progress::new(arguments.json, std::io::stderr().is_terminal()));
    // Found out at once, not when the first clip arrives.
    let request = run::request(arguments, cancel, &progress)?;
    let network = page.listen.map(|address| Ok((address, passphrase(&request.practice, address)?))).transpose()?;
    let day = open(arguments, &progress, cancel)?;
    let state = arguments.out.join(".housecall");
    let mut key = Key::of(&state, page.new_token)?;
    let keeper = Arc::new(Keeper::token(&key.token));
    let (mut doors, port) = review::local(page.port, key.port, &keeper)?;
    let mut further = None;
    if let Some((address, passphrase)) = network {
        let door = review::network(address, passphrase, &key.token)?;
        further = Some(review::address(address, door.computer.as_deref()));
        doors.push(door);
    }
    key.port = Some(port);
    key.keep(&state)?;
    tell(arguments, port, &key.token, further.as_deref());
    if page.open {
        open_browser(format!("http://127.0.0.1:{port}/sign-in?token={}", keeper.once()?.shown()));
    }
    review::serve(Arc::new(day), Options { doors, arrival: limits::ARRIVAL }, cancel)?;
    Ok(ALL_WELL)
}

/// The day that the page is about.
fn open(arguments: &Batch, progress: &Arc<Progress>, cancel: &Cancel) -> Result<FilmingDay, Fault> {
    let trace = run::trace(arguments)?;
    let (arguments, stop, told) = (arguments.clone(), cancel.clone(), progress.clone());
    // practice.toml is read anew, so that a change there needs no restart.
    let request = move || Ok(Request { trace: trace.clone(), ..run::request(&arguments, &stop, &told)? });
    let progress = progress.clone();
    let listener = move |event| progress.tell(event);
    FilmingDay::open(Setup { request: Box::new(request), listener: Box::new(listener) }, cancel)
}

/// The passphrase of a practice that wants its network to have the page.
///
/// # Errors
/// It did not say so, or has no passphrase that can be used.
fn passphrase(practice: &Practice, address: SocketAddr) -> Result<Secret, Fault> {
    let file = practice.file.display();
    if !practice.page.local_network {
        let what = format!("--listen {address} would show the clips to others, and {file} does not say that you know");
        let advice = format!(
            "read docs/review.md; to go on, write this into {file}: [review_page] and, on the next line, local_network = \"{UNDERSTOOD}\""
        );
        return Err(Fault::new(what, advice));
    }
    let Some(place) = &practice.page.passphrase_file else {
        let what = format!("--listen {address} needs a passphrase, and {file} names none");
        let advice = "write one line of at least 12 characters into a file that only you can read (chmod 600), and name it \
                      under [review_page]: passphrase_file = \"FILE\"";
        return Err(Fault::new(what, advice));
    };
    review::passphrase(place)
}

/// Says where the page is. The whole address lets in whoever has it, so that it goes to a person or a program, never to a log.
fn tell(arguments: &Batch, port: u16, token: &Secret, network: Option<&str>) {
    let address = format!("http://127.0.0.1:{port}/sign-in?token={}", token.shown());
    if arguments.json {
        data!(serde_json::json!({ "event": "serving", "address": address, "network": network }));
        return;
    }
    if std::io::stdout().is_terminal() {
        say!("The page: {address}");
        eprintln!("Whoever has this address can see and approve the clips, from this computer. Stop with Ctrl-C.");
    } else {
        eprintln!(
            "The page is served at http://127.0.0.1:{port}/. What lets a browser in is printed on a terminal only, or with --json."
        );
    }
    if let Some(network) = network {
        eprintln!("In the network, for those who know the passphrase: {network}");
        eprintln!("What goes over the network can be read by whoever can listen there: it is not encrypted.");
    }
}

/// Opens the page; a computer that cannot is no reason to stop.
fn open_browser(address: String) {
    let (program, before): (_, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else {
        ("xdg-open", &[])
    };
    let mut command = Command::new(program);
    command.args(before).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let opened = std::thread::Builder::new().name("browser".into()).spawn(move || {
        if !command.status().is_ok_and(|status| status.success()) {
            eprintln!("No browser could be opened ({program}). Open the address yourself.");
        }
    });
    drop(opened);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config;
    use std::fs;

    #[cfg(unix)]
    #[test]
    fn the_network_needs_a_sentence_and_a_passphrase() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("practice.toml");
        let asked = |page: &str| {
            fs::write(&file, format!("[practice]\nname = \"A\"\n[review_page]\n{page}")).unwrap();
            passphrase(&config::load_with(&file, None).unwrap(), "192.168.1.20:8020".parse().unwrap())
        };
        let words = folder.path().join("words");
        fs::write(&words, "five words of a practice\n").unwrap();
        fs::set_permissions(&words, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(asked("").unwrap_err().advice().contains(UNDERSTOOD));
        assert!(asked("passphrase_file = \"words\"").unwrap_err().advice().contains(UNDERSTOOD));
        let sentence = format!("local_network = \"{UNDERSTOOD}\"\n");
        assert!(asked(&sentence).unwrap_err().advice().contains("passphrase_file"));
        assert!(asked(&format!("{sentence}passphrase_file = \"gone\"")).unwrap_err().what().contains("gone"));
        assert!(asked(&format!("{sentence}passphrase_file = \"words\"")).unwrap().is("five words of a practice"));
        fs::set_permissions(&words, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(asked(&format!("{sentence}passphrase_file = \"words\"")).unwrap_err().advice().contains("chmod 600"));
    }
}
