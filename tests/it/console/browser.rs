//! A person's hands and eyes in a browser.

use super::webdriver::Driver;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use evertill_tests::process::wait_until;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::io;
use std::path::Path;
use std::time::Duration;

const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const PATIENCE: Duration = Duration::from_secs(10);

/// A screenshot of a page that is there takes a second. Now and then, on a busy machine, Chromium never makes one.
const SCREENSHOT: Duration = Duration::from_secs(60);

/// A browser at a shop's console.
pub struct Browser {
    window: RefCell<Window>,
    base: String,
    size: Cell<(u32, u32)>,
}

/// A browser's processes and what they have on the disk.
struct Window {
    driver: Driver,
    _folder: tempfile::TempDir,
}

impl Window {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { driver: Driver::start(folder.path()), _folder: folder }
    }
}

impl Browser {
    /// A fresh browser; `base` is the server's address.
    pub fn open(base: &str) -> Self {
        let (window, size) = (RefCell::new(Window::open()), Cell::new((1024, 768)));
        let browser = Self { window, base: base.to_owned(), size };
        browser.resize(1024, 768);
        browser
    }

    fn try_ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        self.window.borrow().driver.ask(method, path, body)
    }

    fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        self.try_ask(method, path, &body).unwrap_or_else(|error| {
            panic!("{method} {path} {body}: {error}\non {}:\n{}", self.address(), self.text("body"))
        })
    }

    /// Opens a page of the console, by its path.
    pub fn go(&self, path: &str) {
        self.ask("POST", "/url", json!({ "url": format!("{}{path}", self.base) }));
    }

    /// Where it is, without the server's name.
    pub fn address(&self) -> String {
        let url = self.try_ask("GET", "/url", &Value::Null).unwrap_or_default();
        url.as_str().unwrap_or_default().replace(&self.base, "")
    }

    /// The size of what the page may fill.
    pub fn resize(&self, width: u32, height: u32) {
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.chrome("Emulation.setDeviceMetricsOverride", params);
        self.size.set((width, height));
    }

    fn chrome(&self, command: &str, params: Value) -> Value {
        self.ask("POST", "/goog/cdp/execute", json!({ "cmd": command, "params": params }))
    }

    /// Runs a script in the page.
    pub fn script(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", json!({ "script": script, "args": [] }))
    }

    fn find(&self, css: &str) -> String {
        let found = self.ask("POST", "/element", json!({ "using": "css selector", "value": css }));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// How many there are.
    pub fn count(&self, css: &str) -> usize {
        let found = self.ask("POST", "/elements", json!({ "using": "css selector", "value": css }));
        found.as_array().unwrap().len()
    }

    /// What is to be read there; empty if it is not there.
    pub fn text(&self, css: &str) -> String {
        let script =
            format!("const it = document.querySelector({}); return it ? it.innerText : ''", Value::from(css));
        let text = self.try_ask("POST", "/execute/sync", &json!({ "script": script, "args": [] }));
        text.unwrap_or_default().as_str().unwrap_or_default().to_owned()
    }

    /// Presses something.
    pub fn press(&self, css: &str) {
        let element = self.find(css);
        self.ask("POST", &format!("/element/{element}/click"), json!({}));
    }

    /// Types into a field, in place of what stands there.
    pub fn write(&self, css: &str, text: &str) {
        let element = self.find(css);
        self.ask("POST", &format!("/element/{element}/clear"), json!({}));
        self.ask("POST", &format!("/element/{element}/value"), json!({ "text": text }));
    }

    /// Waits until this is to be read on the page.
    pub fn expect(&self, text: &str) {
        self.expect_in("body", text);
    }

    /// Waits until this is to be read there.
    pub fn expect_in(&self, css: &str, text: &str) {
        let came = wait_until(PATIENCE, || self.text(css).contains(text));
        assert!(came, "{text:?} did not come at {}:\n{}", self.address(), self.text(css));
    }

    /// Waits until there are so many.
    pub fn expect_count(&self, css: &str, count: usize) {
        let came = wait_until(PATIENCE, || self.count(css) == count);
        assert!(came, "{} of {css} instead of {count} at {}", self.count(css), self.address());
    }

    /// The page as a person with a screen of that size sees it, and the whole of it.
    pub fn picture(&self, file: &Path) {
        let (address, cookies) = (self.address(), self.ask("GET", "/cookie", Value::Null));
        let answer = self.screenshot().or_else(|hangs| {
            println!("no screenshot of {address}: {hangs}; another browser makes it");
            self.open_again(&address, &cookies);
            self.screenshot()
        });
        let bytes = BASE64.decode(answer.unwrap()["data"].as_str().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    fn screenshot(&self) -> io::Result<Value> {
        let params = json!({ "format": "png", "captureBeyondViewport": false });
        let body = json!({ "cmd": "Page.captureScreenshot", "params": params });
        let window = self.window.borrow();
        let answer = window.driver.ask_within(SCREENSHOT, "POST", "/goog/cdp/execute", &body)?;
        answer.map_err(|error| io::Error::other(error.to_string()))
    }

    /// The same person at the same page, in another browser.
    fn open_again(&self, address: &str, cookies: &Value) {
        self.window.replace(Window::open());
        self.go("/console/login");
        for cookie in cookies.as_array().unwrap() {
            self.ask("POST", "/cookie", json!({ "cookie": cookie }));
        }
        let (width, height) = self.size.get();
        self.resize(width, height);
        self.go(address);
    }

    /// What the browser's console holds that it should not: refused scripts, broken styles, errors. Forms that
    /// were refused with a sentence (422) are no complaint.
    pub fn complaints(&self) -> Vec<String> {
        let lines = self.ask("POST", "/se/log", json!({ "type": "browser" }));
        let lines = lines.as_array().unwrap().iter().filter(|line| line["level"] == "SEVERE");
        let lines = lines.map(|line| line["message"].as_str().unwrap_or_default().to_owned());
        lines.filter(|line| !line.contains("status of 422")).collect()
    }

    /// A cookie's value and whether scripts can see it.
    pub fn cookie(&self, name: &str) -> Value {
        self.ask("GET", &format!("/cookie/{name}"), Value::Null)
    }

    /// Logs somebody of the rig in.
    pub fn log_in(&self, login: &str) {
        self.go("/console/login");
        self.write("[name=login]", login);
        self.write("[name=password]", &format!("{login}-evertill"));
        self.press("#log-in");
        self.expect_in("h1", "orders");
    }

    /// Logs out.
    pub fn log_out(&self) {
        self.press("#log-out");
        self.expect("You are logged out.");
    }
}
