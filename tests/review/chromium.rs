//! Chromium and its driver from the system's packages, one of each for every test: on a free port, with a profile that
//! nothing was ever kept in, and with no way to anything but this computer. They end with the test, whatever becomes of it.

use fantoccini::wd::Capabilities;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A running driver and the folder of the browsers that it starts.
pub struct Driver {
    child: Child,
    profile: TempDir,
    /// Where it takes commands.
    pub address: String,
}

impl Driver {
    /// Starts a driver, which listens on a port that is free.
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut child = tied("chromedriver")
            .args(["--port=0", "--log-level=SEVERE"])
            // What Chromium keeps outside of its profile goes with it.
            .envs(["HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"].map(|name| (name, profile.path())))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("chromedriver: {e}; `make setup` installs chromium and chromium-driver"));
        let told = child.stdout.take().unwrap();
        let mut driver = Driver { child, profile, address: String::new() };
        let mut lines = BufReader::new(told).lines().map_while(Result::ok);
        let port = lines.find_map(|line| Some(line.split_once("started successfully on port ")?.1.to_string()));
        let port = port.expect("chromedriver did not say where it listens");
        driver.address = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
        // A pipe that nobody reads would stop it one day.
        std::thread::spawn(move || lines.for_each(drop));
        driver
    }

    /// What a browser is started with.
    pub fn capabilities(&self) -> Capabilities {
        let mut arguments = [
            "headless=new",
            // Spoken to through a pipe, it ends as soon as nobody is at the other end.
            "remote-debugging-pipe",
            "disable-gpu",
            "disable-quic",
            "disable-dev-shm-usage",
            "no-first-run",
            "no-default-browser-check",
            "disable-background-networking",
            "disable-component-update",
            "disable-domain-reliability",
            "disable-sync",
            "mute-audio",
            "force-color-profile=srgb",
            "lang=en-US",
            // Whatever is not on this computer is asked of a proxy that does not exist.
            "proxy-server=http://127.0.0.1:9",
        ]
        .map(String::from)
        .to_vec();
        arguments.push(format!("user-data-dir={}", self.profile.path().join("profile").display()));
        // Chromium's sandbox does not work for root, which is who runs tests in a container.
        if rustix::process::getuid().is_root() {
            arguments.push("no-sandbox".into());
        }
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        capabilities.as_object().unwrap().clone()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        // The browser has been told to close; one that hangs must not outlive its test.
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until && !users(self.profile.path()).is_empty() {
            std::thread::sleep(Duration::from_millis(20));
        }
        for process in users(self.profile.path()) {
            rustix::process::kill_process(process, rustix::process::Signal::KILL).ok();
        }
    }
}

/// A program that is killed when the thread that starts it ends, even if nothing can be tidied up any more.
pub fn tied(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// The processes that were started with a folder among their arguments.
pub fn users(folder: &Path) -> Vec<rustix::process::Pid> {
    let folder = folder.as_os_str().as_encoded_bytes();
    let names = |about: &std::fs::DirEntry| {
        std::fs::read(about.path().join("cmdline"))
            .is_ok_and(|line| line.windows(folder.len()).any(|part| part == folder))
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten().filter(names);
    processes.filter_map(|about| rustix::process::Pid::from_raw(about.file_name().to_str()?.parse().ok()?)).collect()
}
