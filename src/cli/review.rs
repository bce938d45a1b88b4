//! `housecall review`: a watch with a page where its clips are read, fixed and approved.

use super::centre::{self, Task};
use super::{ALL_WELL, Batch, Page, run};
use crate::centre::{Centre, Shape, Site};
use crate::config::{self, ReviewPage, UNDERSTOOD};
use crate::fault::{Cancel, Fault};
use crate::pipeline::{Event, Request};
use crate::report::Progress;
use crate::review::day::{FilmingDay, Setup};
use crate::review::roster::{self, Roster};
use crate::review::{self, House, Keeper, Key, Options, Secret, limits};
use crate::trace::Trace;
use std::fs;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use toml_edit::DocumentMut;

/// Serves the page until it is stopped.
pub fn review(arguments: &Batch, page: &Page, cancel: &Cancel) -> Result<u8, Fault> {
    let progress = Arc::new(Progress::new(arguments.json, std::io::stderr().is_terminal()));
    match centre::task(arguments)? {
        Task::One(site) => alone(arguments, page, &site, cancel, &progress),
        // One that was named alone is served as if it were alone.
        Task::Many { chosen, .. } if chosen.len() == 1 && !arguments.only.is_empty() => {
            alone(arguments, page, &chosen[0], cancel, &progress)
        }
        Task::Many { centre, .. } => {
            more_files();
            let network = network(page, || page_of_all(&centre))?;
            let session = centre::session(arguments, &centre, "review", cancel, &progress)?;
            let roster = roster(arguments, run::trace(arguments)?, cancel, &progress)?;
            let ended = serve(arguments, page, &centre.out, network, cancel, House::Many(Arc::new(roster)))?;
            match session.is_some_and(|session| session.is_lost()) {
                true => Err(centre::taken_over(&centre)),
                false => Ok(ended),
            }
        }
    }
}

/// Serves the day of one practice.
fn alone(arguments: &Batch, page: &Page, site: &Site, cancel: &Cancel, progress: &Arc<Progress>) -> Result<u8, Fault> {
    // Found out at once, not when the first clip arrives.
    let request = run::request_of(arguments, site, cancel, progress)?;
    let network = network(page, || Ok((request.practice.page.clone(), request.practice.file.clone())))?;
    let day = FilmingDay::open(setup(arguments, site, run::trace(arguments)?, cancel, progress), cancel)?;
    serve(arguments, page, &site.out, network, cancel, House::One(Arc::new(day)))
}

/// Serves what is open; the key of the page lies in the output folder `out`.
fn serve(
    arguments: &Batch,
    page: &Page,
    out: &Path,
    network: Option<(SocketAddr, Secret)>,
    cancel: &Cancel,
    house: House,
) -> Result<u8, Fault> {
    let state = out.join(".housecall");
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
    review::serve(house, Options { doors, arrival: limits::ARRIVAL }, cancel)?;
    Ok(ALL_WELL)
}

/// What a day is made from.
fn setup(arguments: &Batch, site: &Site, trace: Trace, cancel: &Cancel, progress: &Arc<Progress>) -> Setup {
    let (arguments, site, stop, told) = (arguments.clone(), site.clone(), cancel.clone(), progress.clone());
    let (name, progress) = (site.id.clone(), progress.clone());
    // practice.toml is read anew, so that a change there needs no restart.
    let request = move || Ok(Request { trace: trace.clone(), ..run::request_of(&arguments, &site, &stop, &told)? });
    let listener = move |event: Event| progress.tell_of(&name, event);
    Setup { request: Box::new(request), listener: Box::new(listener) }
}

/// The days of all practices, in folders that come and go.
fn roster(arguments: &Batch, trace: Trace, cancel: &Cancel, progress: &Arc<Progress>) -> Result<Roster, Fault> {
    // A practice that somebody else works for does not keep the others waiting.
    let arguments = Batch { wait: false, ..arguments.clone() };
    let of_root = arguments.clone();
    let root = move || {
        let Batch { inbox, out, practice, only, .. } = &of_root;
        match Shape::of(inbox, out, practice.as_deref())? {
            // More than one was chosen, or none: whoever is not there now may come.
            Shape::Many(mut centre) => {
                centre.sites.retain(|site| only.is_empty() || only.contains(&site.id));
                Ok(centre)
            }
            Shape::One(_) => Err(Fault::new(
                format!("no folder in {} has a practice.toml any more", inbox.display()),
                "put the folders of the practices back",
            )),
        }
    };
    let (stop, progress) = (cancel.clone(), progress.clone());
    let day = move |site: &Site| setup(&arguments, site, trace.clone(), &stop, &progress);
    Roster::open(roster::Setup { root: Box::new(root), day: Box::new(day) }, cancel)
}

/// Several hundred output folders are held at a time, each with a lock and a journal that stay open.
fn more_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        // Where that is not allowed, the practices that find no room say so.
        let _refused = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// Where the network is let in, with the passphrase.
fn network(
    page: &Page,
    settings: impl FnOnce() -> Result<(ReviewPage, PathBuf), Fault>,
) -> Result<Option<(SocketAddr, Secret)>, Fault> {
    let Some(address) = page.listen else { return Ok(None) };
    let (settings, file) = settings()?;
    Ok(Some((address, passphrase(&settings, &file, address)?)))
}

/// Who may see the page of all practices: their root's settings decide, no practice's own.
fn page_of_all(centre: &Centre) -> Result<(ReviewPage, PathBuf), Fault> {
    let file = centre.sites.first().and_then(|site| site.defaults.clone()).unwrap_or(centre.root.join("practice.toml"));
    let unreadable = |error: &dyn std::fmt::Display| {
        Fault::new(
            format!("{} decides who may see the page of all practices, and cannot be read ({error})", file.display()),
            "write it; docs/review.md says what stands under [review_page]",
        )
    };
    let text = fs::read_to_string(&file).map_err(|e| unreadable(&e))?;
    let mut settings: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| unreadable(&e.message()))?;
    // It needs no name of its own.
    let root = settings["practice"].or_insert(toml_edit::table());
    if root.get("name").is_none() {
        root["name"] = toml_edit::value("all practices");
    }
    let presets = config::user_folder().map(|folder| folder.join("platforms"));
    let practice = config::practice_of(&file, &settings.to_string(), presets.as_deref())?;
    Ok((practice.page, file))
}

/// The passphrase of whoever wants the network to have the page, as `file` says.
///
/// # Errors
/// It does not say so, or names no passphrase that can be used.
fn passphrase(page: &ReviewPage, file: &Path, address: SocketAddr) -> Result<Secret, Fault> {
    let file = file.display();
    if !page.local_network {
        let what = format!("--listen {address} would show the clips to others, and {file} does not say that you know");
        let advice = format!(
            "read docs/review.md; to go on, write this into {file}: [review_page] and, on the next line, local_network = \"{UNDERSTOOD}\""
        );
        return Err(Fault::new(what, advice));
    }
    let Some(place) = &page.passphrase_file else {
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

    #[cfg(unix)]
    #[test]
    fn the_network_needs_a_sentence_and_a_passphrase() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("practice.toml");
        let asked = |page: &str| {
            fs::write(&file, format!("[practice]\nname = \"A\"\n[review_page]\n{page}")).unwrap();
            passphrase(&config::load_with(&file, None).unwrap().page, &file, "192.168.1.20:8020".parse().unwrap())
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

    #[cfg(unix)]
    #[test]
    fn the_root_decides_about_the_network_for_all_and_needs_no_name() {
        let root = tempfile::tempdir().unwrap();
        for id in ["alder", "birch"] {
            fs::create_dir(root.path().join(id)).unwrap();
            // What a practice says about the network does not count.
            let text = format!("[practice]\nname = \"{id}\"\n[review_page]\nlocal_network = \"{UNDERSTOOD}\"\n");
            fs::write(root.path().join(id).join("practice.toml"), text).unwrap();
        }
        let of_all = || match Shape::of(root.path(), &root.path().join("cuts"), None).unwrap() {
            Shape::Many(centre) => page_of_all(&centre),
            Shape::One(_) => panic!("one"),
        };
        assert!(of_all().unwrap_err().what().contains("practice.toml"));
        let file = root.path().join("practice.toml");
        fs::write(&file, "[practice]\nphone = \"1\"\n").unwrap();
        assert!(!of_all().unwrap().0.local_network);
        fs::write(&file, format!("[review_page]\nlocal_network = \"{UNDERSTOOD}\"\npassphrase_file = \"words\"\n"))
            .unwrap();
        let (page, named) = of_all().unwrap();
        assert!(page.local_network && named == file);
        assert_eq!(page.passphrase_file, Some(root.path().join("words")));
    }
}
