//! A window of a real browser, as a person has it: what can be seen and named in it, keys, the mouse, and what the browser
//! itself complained about. Everything waits for what it needs, and says what was there instead when it does not come.

use super::chromium::Driver;
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How long what comes at once may take on a computer that has much to do.
const SOON: Duration = Duration::from_secs(30);

/// Keys that write nothing, as WebDriver spells them (<https://www.w3.org/TR/webdriver2/#keyboard-actions>).
pub mod key {
    #![allow(missing_docs)]
    pub const TAB: char = '\u{E004}';
    pub const ENTER: char = '\u{E007}';
    pub const SHIFT: char = '\u{E008}';
    pub const CONTROL: char = '\u{E009}';
    pub const ESCAPE: char = '\u{E00C}';
    pub const RIGHT: char = '\u{E014}';
}

/// A browser with one window in front.
pub struct Page {
    client: Client,
    runtime: Runtime,
    mouse: bool,
    expected: Vec<&'static str>,
    // Ends last.
    _driver: Driver,
}

impl Page {
    /// A new browser of 1280 by 900 pixels that shows nothing yet.
    pub fn new() -> Self {
        let driver = Driver::start();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connecting = async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(driver.capabilities()).connect(&driver.address).await
        };
        let client = runtime.block_on(connecting).unwrap_or_else(|e| panic!("Chromium does not start: {e}"));
        let mut page = Page { client, runtime, mouse: true, expected: Vec::new(), _driver: driver };
        page.resize(1280, 900);
        page
    }

    fn done<T>(&self, about: &str, doing: impl Future<Output = Result<T, CmdError>>) -> T {
        self.runtime.block_on(doing).unwrap_or_else(|e| self.failed(&format!("{about}: {e}")))
    }

    /// Ends the test, with what the window shows and what the browser says.
    fn failed(&self, what: &str) -> ! {
        let shown = self.runtime.block_on(self.client.execute("return document.body.innerText.slice(0, 3000)", vec![]));
        let at = self.runtime.block_on(self.client.current_url()).map(|at| at.path().to_string());
        let file = std::env::temp_dir().join(format!("housecall-page-{}.png", std::process::id()));
        let kept = self.runtime.block_on(self.client.screenshot()).map(|png| std::fs::write(&file, png));
        let kept = kept.map_or(String::new(), |_| format!(", picture in {}", file.display()));
        let said: Vec<String> = self.said().iter().map(Value::to_string).collect();
        panic!("{what}\nat {at:?}{kept}\nthe browser says: {}\nthe page shows: {shown:?}", said.join("\n"));
    }

    /// Goes to an address, and waits until its page and scripts are there.
    pub fn go(&self, address: &str) {
        self.done(address, self.client.goto(address));
    }

    /// Loads the page anew.
    pub fn reload(&self) {
        self.done("to reload", self.client.refresh());
    }

    /// Path and query of what is shown.
    pub fn path(&self) -> String {
        let url = self.done("the address", self.client.current_url());
        url.query().map_or(url.path().to_string(), |query| format!("{}?{query}", url.path()))
    }

    /// Runs JavaScript in the page; `arguments` is what it is given.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.done(script, self.client.execute(script, arguments.to_vec()))
    }

    /// Runs JavaScript that has to come to a promise.
    pub fn promise(&self, script: &str) -> Value {
        let script = format!(
            "const end = arguments[arguments.length - 1];
             (async () => {{ {script} }})().then(value => end({{ value }}), error => end({{ error: String(error) }}));"
        );
        let came = self.done(&script, self.client.execute_async(&script, vec![]));
        assert!(came["error"].is_null(), "{}", came["error"]);
        came["value"].clone()
    }

    /// What an expression comes to once it is not false, empty or nothing.
    pub fn wait(&self, expression: &str) -> Value {
        self.wait_long(expression, SOON)
    }

    /// The same, for what takes work.
    pub fn wait_long(&self, expression: &str, longest: Duration) -> Value {
        let until = Instant::now() + longest;
        let script = format!("return ({expression}) || null");
        loop {
            match self.runtime.block_on(self.client.execute(&script, vec![])) {
                Ok(Value::Null) => {}
                Ok(came) => return came,
                // A page that is about to be left.
                Err(e) if Instant::now() > until => self.failed(&format!("{expression}: {e}")),
                Err(_) => {}
            }
            if Instant::now() > until {
                self.failed(&format!("waited for: {expression}"));
            }
            std::thread::sleep(Duration::from_millis(15));
        }
    }

    /// Waits until something matches and can be seen.
    pub fn see(&self, css: &str) {
        self.wait(&format!("document.querySelector({})?.checkVisibility({{ visibilityProperty: true }})", json!(css)));
    }

    /// Waits until nothing that matches can be seen.
    pub fn see_no(&self, css: &str) {
        let seen = "?.checkVisibility({ visibilityProperty: true })";
        self.wait(&format!("!document.querySelector({}){seen}", json!(css)));
    }

    /// The text of the first that matches, as it is shown.
    pub fn text(&self, css: &str) -> String {
        let text =
            self.wait(&format!("[document.querySelector({})?.innerText].filter(text => text != null)", one(css)));
        text[0].as_str().unwrap().trim().to_string()
    }

    /// What stands in a field.
    pub fn value(&self, css: &str) -> String {
        self.run("return document.querySelector(arguments[0]).value", &[json!(css)]).as_str().unwrap().to_string()
    }

    /// Clicks with the mouse, once it can be.
    pub fn click(&self, css: &str) {
        self.assert_mouse();
        self.see(css);
        let until = Instant::now() + SOON;
        loop {
            let clicking = async { self.client.find(Locator::Css(css)).await?.click().await };
            match self.runtime.block_on(clicking) {
                Ok(()) => return,
                // Something is still moving, or was drawn anew.
                Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(30)),
                Err(e) => self.failed(&format!("click on {css}: {e}")),
            }
        }
    }

    /// Clicks twice in a row.
    pub fn double_click(&self, css: &str) {
        self.assert_mouse();
        let element = self.element(css);
        let button = |kind| json!({ "type": kind, "button": 0 });
        let clicks = ["pointerDown", "pointerUp", "pointerDown", "pointerUp"].map(button);
        let mut actions = vec![json!({ "type": "pointerMove", "origin": element, "x": 0, "y": 0, "duration": 0 })];
        actions.extend(clicks);
        self.act("pointer", actions);
    }

    /// Drags from the middle of one thing by so many pixels, in steps as a hand does.
    pub fn drag(&self, css: &str, by: (i32, i32)) {
        self.assert_mouse();
        let element = self.element(css);
        let to = |share: i32| {
            let (x, y) = (by.0 * share / 4, by.1 * share / 4);
            json!({ "type": "pointerMove", "origin": element, "x": x, "y": y, "duration": 20 })
        };
        let button = |kind| json!({ "type": kind, "button": 0 });
        self.act("pointer", vec![to(0), button("pointerDown"), to(1), to(2), to(3), to(4), button("pointerUp")]);
    }

    /// The element that WebDriver knows as the first that matches.
    fn element(&self, css: &str) -> Value {
        self.see(css);
        let found = "const found = document.querySelector(arguments[0]); \
                     found.scrollIntoView({ block: 'center', behavior: 'instant' }); return found";
        self.run(found, &[json!(css)])
    }

    fn act(&self, kind: &str, actions: Vec<Value>) {
        let mut device = json!({ "type": kind, "id": kind, "actions": actions });
        if kind == "pointer" {
            device["parameters"] = json!({ "pointerType": "mouse" });
        }
        self.send("POST", "actions", json!({ "actions": [device] }));
    }

    fn assert_mouse(&self) {
        assert!(self.mouse, "this test has no mouse");
    }

    /// From now on a click fails the test.
    pub fn without_mouse(mut self) -> Self {
        self.mouse = false;
        self
    }

    /// Presses and lets go one key after the other: characters, and those of [`key`].
    pub fn press(&self, keys: &str) {
        let one = |key: char| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key }));
        self.act("key", keys.chars().flat_map(one).collect());
    }

    /// Presses a key while others are held.
    pub fn chord(&self, held: &[char], key: char) {
        let event = |kind: &str, key: char| json!({ "type": kind, "value": key });
        let downs = held.iter().map(|&key| event("keyDown", key));
        let ups = held.iter().rev().map(|&key| event("keyUp", key));
        self.act("key", downs.chain([event("keyDown", key), event("keyUp", key)]).chain(ups).collect());
    }

    /// Replaces what stands in the field that has the focus.
    pub fn write(&self, text: &str) {
        self.chord(&[key::CONTROL], 'a');
        self.press(text);
    }

    /// Clicks into a field and replaces what stands there.
    pub fn fill(&self, css: &str, text: &str) {
        self.click(css);
        self.write(text);
    }

    /// Role and name of what has the focus, as assistive technology is told (<https://www.w3.org/TR/accname-1.2/>).
    pub fn focus(&self) -> (String, String) {
        let about = async {
            let element = self.client.active_element().await?;
            let asked = |what: &str| Command::get(format!("element/{}/{what}", element.element_id().as_ref()));
            let role = self.client.issue_cmd(asked("computedrole")).await?;
            let name = self.client.issue_cmd(asked("computedlabel")).await?;
            Ok((role.as_str().unwrap_or_default().to_string(), name.as_str().unwrap_or_default().to_string()))
        };
        self.done("the focus", about)
    }

    /// Presses Tab until the focus is where something has this role, and a name that begins so.
    pub fn tab_to(&self, role: &str, name: &str) {
        let mut passed = Vec::new();
        for _ in 0..200 {
            self.press(&key::TAB.to_string());
            let found = self.focus();
            if found.0 == role && found.1.starts_with(name) {
                return;
            }
            passed.push(found);
        }
        self.failed(&format!("Tab does not come to the {role} {name:?}, but to {passed:?}"));
    }

    /// Whether assistive technology is told of something with this role and name.
    pub fn is_named(&self, role: &str, name: &str) -> bool {
        let document = self.devtools("Runtime.evaluate", json!({ "expression": "document" }));
        let object = document["result"]["objectId"].clone();
        let asked = json!({ "objectId": object, "role": role, "accessibleName": name });
        !self.devtools("Accessibility.queryAXTree", asked)["nodes"].as_array().unwrap().is_empty()
    }

    /// What the window shows, as PNG.
    pub fn picture(&self) -> Vec<u8> {
        self.done("a screenshot", self.client.screenshot())
    }

    /// Writes what the window shows into a file.
    pub fn keep_picture(&self, file: &Path) {
        std::fs::write(file, self.picture()).unwrap();
    }

    /// Sets the size of what is shown, in pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size);
    }

    /// Shows pages as to a person whose computer is set to a dark appearance, or to a light one.
    pub fn dark(&self, dark: bool) {
        let scheme = json!({ "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [scheme] }));
    }

    /// Runs JavaScript in every page from now on, before its own.
    pub fn before_each(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
    }

    /// A second window, in front of the first; gives what [`to_window`](Self::to_window) takes, for the one before and this.
    pub fn new_window(&self) -> (String, String) {
        let before = self.done("the window", self.client.window());
        let opened = self.done("a window", self.client.new_window(false));
        let names = (String::from(before), String::from(opened.handle));
        self.to_window(&names.1);
        names
    }

    /// Brings a window to the front.
    pub fn to_window(&self, window: &str) {
        self.send("POST", "window", json!({ "handle": window }));
    }

    /// A command of Chromium's own protocol (<https://chromedevtools.github.io/devtools-protocol/>).
    fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.send("POST", "goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
    }

    fn send(&self, method: &'static str, path: &str, body: Value) -> Value {
        let command = Command { path: path.to_string(), method, body: Some(body) };
        self.done(path, self.client.issue_cmd(command))
    }

    /// What the browser said since it was asked last.
    fn said(&self) -> Vec<Value> {
        let command = Command { path: "se/log".into(), method: "POST", body: Some(json!({ "type": "browser" })) };
        let said = self.runtime.block_on(self.client.issue_cmd(command));
        said.ok().and_then(|said| said.as_array().cloned()).unwrap_or_default()
    }

    /// Complaints that hold one of these are what the test is about.
    pub fn expect(&mut self, complaints: &[&'static str]) {
        self.expected.extend(complaints);
    }

    /// Asserts that no script failed, nothing was missing and nothing was refused by the page's own policy.
    pub fn assert_quiet(&self) {
        let loud = |line: &Value| {
            let text = line["message"].as_str().unwrap_or_default();
            line["level"] == "SEVERE" && !self.expected.iter().any(|expected| text.contains(expected))
        };
        let said: Vec<String> = self.said().iter().filter(|line| loud(line)).map(Value::to_string).collect();
        assert!(said.is_empty(), "the browser complains: {}", said.join("\n"));
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Closes the browser; where that fails the driver's end does it.
        let closing = self.client.clone().close();
        drop(self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(5), closing).await }));
    }
}

/// A selector as JavaScript writes it.
fn one(css: &str) -> Value {
    json!(css)
}

/// A command that the client has no name for.
#[derive(Debug)]
struct Command {
    path: String,
    method: &'static str,
    body: Option<Value>,
}

impl Command {
    fn get(path: String) -> Self {
        Command { path, method: "GET", body: None }
    }
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let method = if self.method == "GET" { http::Method::GET } else { http::Method::POST };
        (method, self.body.as_ref().map(Value::to_string))
    }
}
