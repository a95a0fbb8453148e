//! The WebDriver protocol, as far as these tests need it: JSON over plain HTTP to a chromedriver of our own.

use evertill_tests::process::Process;
use evertill_tests::rig::packages::{self, Package};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const DRIVER: &str = "/usr/bin/chromedriver";
const BROWSER: &str = "/usr/bin/chromium";
/// Drawing a page takes Chromium seconds when several browsers share two cores.
const PATIENCE: Duration = Duration::from_secs(180);

/// How often a chromedriver is started until one has its port.
const TRIES: usize = 5;

/// A running chromedriver with one session. Dropping it ends the browser too.
pub struct Driver {
    process: Process,
    port: u16,
    session: String,
    browser: Option<u64>,
}

impl Driver {
    /// Starts a browser with a fresh profile in `folder`.
    pub fn start(folder: &Path) -> Self {
        packages::ensure(&[Package::Chromium]).unwrap();
        let (process, port) = (0..TRIES)
            .find_map(|_| listening(folder))
            .expect("chromedriver ended before it was ready; its log says why");
        let mut driver = Self { process, port, session: String::new(), browser: None };
        let asked = json!({ "capabilities": { "alwaysMatch": capabilities(folder) } });
        let (status, answer) = driver.send("POST", "/session", &asked).unwrap();
        assert_eq!(status, 200, "the browser does not start: {answer}");
        driver.session = answer["value"]["sessionId"].as_str().unwrap().to_owned();
        driver.browser = answer["value"]["capabilities"]["goog:processID"].as_u64();
        driver
    }

    /// A command of the session; its value, or the protocol's error.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        self.ask_within(PATIENCE, method, path, body).unwrap()
    }

    /// The same, not waited for any longer than that: then the session is of no more use.
    pub fn ask_within(
        &self,
        time: Duration,
        method: &str,
        path: &str,
        body: &Value,
    ) -> io::Result<Result<Value, Value>> {
        let path = format!("/session/{}{path}", self.session);
        let (status, mut answer) = self.send_within(time, method, &path, body)?;
        let value = answer["value"].take();
        Ok(if status == 200 { Ok(value) } else { Err(value) })
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> io::Result<(u16, Value)> {
        self.send_within(PATIENCE, method, path, body)
    }

    fn send_within(
        &self,
        time: Duration,
        method: &str,
        path: &str,
        body: &Value,
    ) -> io::Result<(u16, Value)> {
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(time))?;
        let (port, length) = (self.port, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(format!("{head}{body}").as_bytes())?;
        let mut reader = BufReader::new(stream);
        let (status, length) = read_head(&mut reader)?;
        let mut text = vec![0; length];
        reader.read_exact(&mut text)?;
        Ok((status, serde_json::from_slice(&text)?))
    }
}

impl Drop for Driver {
    /// Also after a failed test: asked kindly first, and killed if that does not help.
    fn drop(&mut self) {
        let kindly = Duration::from_secs(10);
        let _ = self.send_within(kindly, "DELETE", &format!("/session/{}", self.session), &Value::Null);
        self.process.stop(Duration::from_secs(5));
        if let Some(browser) = self.browser {
            let kill = format!("kill -9 {browser}");
            let _ = Command::new("sh").args(["-c", &kill]).stderr(std::process::Stdio::null()).status();
        }
    }
}

fn read_head(reader: &mut impl BufRead) -> io::Result<(u16, usize)> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split_whitespace().nth(1).and_then(|word| word.parse().ok());
    let status = status.ok_or(io::ErrorKind::InvalidData)?;
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            return Ok((status, length));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
        }
    }
}

/// A chromedriver that listens. It draws a port of one kind of address and wants that of the other kind, too; where something
/// else has that, it ends.
fn listening(folder: &Path) -> Option<(Process, u16)> {
    let mut command = Command::new(DRIVER);
    command
        .args(["--port=0", "--log-level=WARNING"])
        .env("FONTCONFIG_FILE", font_settings(folder))
        .env("HOME", folder)
        .env("TMPDIR", folder);
    let log = folder.join("chromedriver.log");
    let mut process = Process::spawn("chromedriver", &mut command, &log).unwrap();
    let port = port_of(&mut process)?;
    Some((process, port))
}

fn port_of(process: &mut Process) -> Option<u16> {
    let (_, stdout) = process.take_pipes().unwrap();
    let mut lines = BufReader::new(stdout).lines();
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    std::thread::spawn(move || lines.for_each(drop)); // keep the pipe drained
    port
}

fn capabilities(folder: &Path) -> Value {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--ignore-certificate-errors",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        // A window that nobody looks at is drawn like any other.
        "--disable-renderer-backgrounding",
        "--disable-background-timer-throttling",
        "--disable-backgrounding-occluded-windows",
        "--lang=en-US",
        "--disable-features=OptimizationHints,MediaRouter,Translate",
        profile.as_str(),
    ];
    json!({
        "acceptInsecureCerts": true,
        "goog:chromeOptions": { "binary": BROWSER, "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
        "timeouts": { "pageLoad": 20_000, "script": 10_000, "implicit": 0 },
    })
}

/// Lets the browser see the till's fonts, so that pictures have Chinese letters on machines that have none.
fn font_settings(folder: &Path) -> std::path::PathBuf {
    let fonts = evertill_tests::workspace::root().join("terminal/ui/fonts");
    let prefer = |family: &str| {
        format!(
            "<alias binding=\"same\"><family>{family}</family><prefer><family>Noto Sans CJK SC</family></prefer></alias>"
        )
    };
    let text = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE fontconfig SYSTEM \"fonts.dtd\"><fontconfig>\
         <dir>{}</dir><dir>/usr/share/fonts</dir><selectfont><rejectfont><glob>*DejaVuSerif*</glob>\
         <glob>*DejaVuMath*</glob></rejectfont></selectfont><cachedir>{}</cachedir>{}{}</fontconfig>",
        fonts.display(),
        folder.join("fonts-cache").display(),
        prefer("sans-serif"),
        prefer("system-ui"),
    );
    let path = folder.join("fonts.conf");
    std::fs::write(&path, text).unwrap();
    path
}
