//! What lets a person in: the token of the printed address, or the practice's passphrase. Both are compared in constant
//! time, neither is ever printed by accident, and neither goes into a cookie: a browser sends the cookies of 127.0.0.1 to
//! every program that serves a page there.

use crate::fault::Fault;
use crate::plain_file::{self, Links};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The name of the file that keeps token and port, in the program's own folder of the output folder.
const FILE: &str = "review.json";
/// Fewest characters of a passphrase.
const SHORTEST: usize = 12;
/// Longest file with a passphrase, bytes.
const LONGEST: u64 = 1024;
/// How long the address for the browser that the program opens itself may be used, once.
const ONCE: Duration = Duration::from_secs(60);

/// Something that nobody may see. Equality takes as long whatever differs.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// 128 random bits of the system, as 32 hexadecimal digits.
    ///
    /// # Errors
    /// The system has none.
    pub fn random() -> Result<Self, Fault> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|e| Fault::new(format!("the system gives no random numbers ({e})"), "restart the computer"))?;
        Ok(Secret(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// What is written here.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// For those who may see it: its file, and the address that is printed.
    pub fn shown(&self) -> &str {
        &self.0
    }

    /// Whether this text is it.
    pub fn is(&self, text: &str) -> bool {
        // Equality of hashes takes constant time, and their length says nothing of the text's.
        blake3::hash(self.0.as_bytes()) == blake3::hash(text.as_bytes())
    }

    /// What a cookie holds instead: it follows from the secret and does not lead back to it.
    fn cookie(&self, what: &str) -> Secret {
        let derived = blake3::derive_key(&format!("housecall 2026-11 review page, cookie, {what}"), self.0.as_bytes());
        Secret(blake3::Hash::from(derived).to_hex().to_string())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What is kept from one start of the program to the next, so that a bookmark goes on working.
#[derive(Debug, Clone)]
pub struct Key {
    /// Lets in whoever has it, from this computer alone.
    pub token: Secret,
    /// The port that was used last.
    pub port: Option<u16>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    token: String,
    port: Option<u16>,
}

impl Key {
    /// The key in the folder `state`; a new one where there is none, where it is damaged, where others could read it, and
    /// where `renew` says so.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn of(state: &Path, renew: bool) -> Result<Self, Fault> {
        let known = private_text(&state.join(FILE), Links::Refused).ok();
        let known = known.and_then(|text| serde_json::from_str::<Written>(&text).ok());
        let port = known.as_ref().and_then(|known| known.port);
        let is_token = |text: &String| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let token = known.map(|known| known.token).filter(is_token).filter(|_| !renew);
        Ok(Key { token: token.map_or_else(Secret::random, |token| Ok(Secret(token)))?, port })
    }

    /// Keeps it for the next start, where nobody else can read it.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn keep(&self, state: &Path) -> Result<(), Fault> {
        let file = state.join(FILE);
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(state)?;
            // Such a file is made for its owner alone.
            let mut temporary = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(state)?;
            serde_json::to_writer(&mut temporary, &Written { token: self.token.0.clone(), port: self.port })?;
            temporary.as_file_mut().flush()?;
            temporary.as_file().sync_all()?;
            temporary.persist(&file).map(drop).map_err(|error| error.error)
        };
        let unwritable = |e| Fault::new(format!("{} cannot be written ({e})", file.display()), "check the disk");
        write().map_err(unwritable)
    }
}

/// The passphrase in a file that a practice names.
///
/// # Errors
/// It cannot be read, others than its owner can read it, it is no single line, or shorter than 12 characters.
pub fn passphrase(file: &Path) -> Result<Secret, Fault> {
    let name = file.display();
    let text = private_text(file, Links::Followed).map_err(|what| {
        let advice = format!("write the passphrase into that file, and let nobody else read it: chmod 600 \"{name}\"");
        Fault::new(format!("the passphrase in {name} cannot be used: {what}"), advice)
    })?;
    let line = text.trim();
    if line.chars().count() < SHORTEST || line.chars().any(char::is_control) {
        let what = format!("the passphrase in {name} is too short, or more than one line");
        return Err(Fault::new(what, format!("write one line of at least {SHORTEST} characters, such as five words")));
    }
    Ok(Secret::new(line))
}

/// A small text that its owner alone may read; or what is wrong with it.
fn private_text(file: &Path, links: Links) -> Result<String, String> {
    let text = plain_file::text(file, LONGEST, links).map_err(|error| error.to_string())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = File::open(file).and_then(|file| file.metadata()).map_err(|error| error.to_string())?.permissions();
        if mode.mode() & 0o077 != 0 {
            return Err("other people of this computer may read or change it".into());
        }
    }
    Ok(text)
}

/// How somebody shows at a door that they may come in.
#[derive(Debug)]
pub struct Keeper {
    secret: Secret,
    cookie: Secret,
    /// Whether it is a passphrase that people type, and not a token.
    spoken: bool,
    once: Mutex<Option<(Secret, Instant)>>,
}

impl Keeper {
    /// For this computer: whoever has the token comes in.
    pub fn token(token: &Secret) -> Self {
        Keeper { secret: token.clone(), cookie: token.cookie("this computer"), spoken: false, once: Mutex::default() }
    }

    /// For the network: whoever knows the passphrase comes in. A new token or passphrase shows everybody out.
    pub fn passphrase(passphrase: Secret, token: &Secret) -> Self {
        let cookie = Secret(format!("{} {}", token.0, passphrase.0)).cookie("network");
        Keeper { secret: passphrase, cookie, spoken: true, once: Mutex::default() }
    }

    /// Whether people type a passphrase here.
    pub fn is_spoken(&self) -> bool {
        self.spoken
    }

    /// Whether this text lets its bearer in.
    pub fn knows(&self, text: &str) -> bool {
        self.secret.is(text)
    }

    /// What the cookie of somebody who is in holds.
    pub fn cookie(&self) -> &Secret {
        &self.cookie
    }

    /// A token that counts once, and for a minute: what a browser is started with can be seen by everybody on this computer.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn once(&self) -> Result<Secret, Fault> {
        let secret = Secret::random()?;
        *self.once.lock().unwrap_or_else(|e| e.into_inner()) = Some((secret.clone(), Instant::now() + ONCE));
        Ok(secret)
    }

    /// Whether this is the token that counts once; it does not again.
    pub fn spends(&self, text: &str, now: Instant) -> bool {
        let mut once = self.once.lock().unwrap_or_else(|e| e.into_inner());
        let counts = once.as_ref().is_some_and(|(secret, until)| secret.is(text) && now < *until);
        if counts {
            *once = None;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_lasts_until_it_is_renewed_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join(".housecall");
        let mut key = Key::of(&state, false).unwrap();
        assert_eq!((key.token.0.len(), key.port), (32, None));
        key.port = Some(4711);
        key.keep(&state).unwrap();
        let again = Key::of(&state, false).unwrap();
        assert!(again.token.is(&key.token.0) && again.port == Some(4711));
        assert!(!Key::of(&state, true).unwrap().token.is(&key.token.0));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let file = state.join(FILE);
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
            assert!(!Key::of(&state, false).unwrap().token.is(&key.token.0), "others may have read it");
            let elsewhere = folder.path().join("elsewhere");
            fs::rename(&file, &elsewhere).unwrap();
            fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();
            std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
            assert!(!Key::of(&state, false).unwrap().token.is(&key.token.0), "a link is not followed");
            fs::remove_file(&file).unwrap();
        }
        fs::write(state.join(FILE), "{\"token\":\"\",\"port\":1}").unwrap();
        assert!(Key::of(&state, false).unwrap().token.0.len() == 32, "an empty token lets nobody in");
    }

    #[test]
    fn nothing_prints_a_secret() {
        let key = Key { token: Secret::new("not for the log"), port: None };
        assert!(!format!("{key:?} {:?}", Keeper::token(&key.token)).contains("log"));
    }

    #[test]
    fn doors_do_not_open_each_others_and_a_cookie_is_no_token() {
        let (token, words) = (Secret::random().unwrap(), Secret::new("five words of a practice"));
        let (here, there) = (Keeper::token(&token), Keeper::passphrase(words.clone(), &token));
        assert!(here.knows(&token.0) && !here.knows(&words.0) && !there.knows(&token.0) && there.knows(&words.0));
        assert!(!here.cookie().is(&there.cookie().0));
        assert!(!here.knows(&here.cookie().0) && !there.knows(&there.cookie().0));
        let other = Keeper::passphrase(Secret::new("five other words, later"), &token);
        assert!(!there.cookie().is(&other.cookie().0), "a new passphrase shows everybody out");
        for wrong in ["", &token.0[..31], &format!("{}0", token.0), &token.0.to_uppercase().replace('0', "O")] {
            assert!(!here.knows(wrong), "{wrong}");
        }
    }

    #[test]
    fn what_counts_once_counts_once_and_not_for_long() {
        let keeper = Keeper::token(&Secret::random().unwrap());
        let now = Instant::now();
        assert!(!keeper.spends("", now));
        let once = keeper.once().unwrap();
        assert!(!keeper.spends("another", now) && keeper.spends(&once.0, now) && !keeper.spends(&once.0, now));
        let late = keeper.once().unwrap();
        assert!(!keeper.spends(&late.0, Instant::now() + ONCE));
    }

    #[cfg(unix)]
    #[test]
    fn a_passphrase_is_long_enough_and_nobody_elses() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passphrase");
        let try_with = |text: &str, mode| {
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            passphrase(&file)
        };
        assert!(try_with("five words of a practice\n", 0o600).unwrap().is("five words of a practice"));
        for (text, mode) in [("elevenchars", 0o600), ("", 0o600), ("first line of it\nsecond", 0o600)] {
            assert!(try_with(text, mode).unwrap_err().advice().contains("12 characters"), "{text}");
        }
        for mode in [0o644, 0o640, 0o606, 0o660] {
            assert!(try_with("five words of a practice", mode).unwrap_err().advice().contains("chmod 600"), "{mode:o}");
        }
        assert!(try_with(&"long ".repeat(400), 0o600).is_err());
        fs::remove_file(&file).unwrap();
        assert!(passphrase(&file).is_err() && passphrase(folder.path()).is_err());
    }
}
