//! A real till: its own process, its own window (drawn without a display), a scanner and a printer on real
//! lines. Driven as a cashier would: by touching what is labelled, and by scanning.

use crate::process::{Process, ProcessError, wait_until};
use crate::simulator::printer::{PrinterConfig, PrinterEmulator};
use crate::simulator::scanner::{ScannerEmulator, Terminator};
use crate::store_rig::{RigError, StoreRig};
use crate::workspace;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command};
use std::time::Duration;

/// A till in its window.
pub struct WindowTill {
    dir: PathBuf,
    log: PathBuf,
    process: Option<Running>,
    /// The scanner at its cable.
    pub scanner: ScannerEmulator,
    /// The printer at its cable.
    pub printer: PrinterEmulator,
    peak_kib: u64,
}

/// The program of a till's window, with its driver's line.
pub(crate) struct Running {
    pub(crate) process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Running {
    /// Starts it.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self, StepError> {
        let mut process = Process::spawn("till", command, log)?;
        let Some((input, output)) = process.take_pipes() else {
            return Err(StepError::Screen("the till has no pipes".into()));
        };
        Ok(Self { process, input, output: BufReader::new(output) })
    }

    /// Gives it a command and waits for what comes of it.
    pub(crate) fn command(&mut self, command: &Value) -> Result<Value, StepError> {
        writeln!(self.input, "{command}")?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(StepError::Ended(self.process.log().to_owned()));
        }
        let mut answer: Value = serde_json::from_str(&line).map_err(std::io::Error::other)?;
        if answer["ok"] == true {
            Ok(answer["result"].take())
        } else {
            Err(StepError::Screen(answer["error"].as_str().unwrap_or("no reason").to_owned()))
        }
    }
}

/// Why a step at the till did not work.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The till does not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The till runs, and something on its screen is not as it should be.
    #[error("{0}")]
    Screen(String),
    /// The till does not run any more.
    #[error("the till ended; its log is {}", .0.display())]
    Ended(PathBuf),
    /// A cable or a file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<StepError> for RigError {
    fn from(error: StepError) -> Self {
        Self::Unexpected(error.to_string())
    }
}

impl WindowTill {
    /// Unpacks a till in `name` under the shop's folder, with its devices plugged in, and starts it.
    /// # Errors
    /// See [`StepError`].
    pub fn start(rig: &StoreRig, name: &str) -> Result<Self, StepError> {
        let scanner = ScannerEmulator::new(Terminator::CrLf)?;
        let printer = PrinterEmulator::on_serial(PrinterConfig::default())?;
        let dir = unpack(rig, name, scanner.path(), printer.path())?;
        let log = rig.dir().join(format!("logs/{name}.log"));
        let mut till = Self { dir, log, process: None, scanner, printer, peak_kib: 0 };
        till.power_on()?;
        Ok(till)
    }

    /// The till's own folder: its journal, its key.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts the program.
    /// # Errors
    /// It does not start.
    pub fn power_on(&mut self) -> Result<(), StepError> {
        let mut command = Command::new(workspace::program("evertill-till-headless"));
        command.arg("--data").arg(&self.dir);
        self.process = Some(Running::start(&mut command, &self.log)?);
        Ok(())
    }

    /// Pulls the plug: kill -9.
    pub fn power_cut(&mut self) {
        self.peak_kib();
        if let Some(mut running) = self.process.take() {
            running.process.kill();
        }
    }

    /// Asks its window to close, as a desktop does for Alt and F4.
    /// # Errors
    /// See [`StepError`].
    pub fn ask_to_close(&mut self) -> Result<(), StepError> {
        self.command(&json!({"cmd": "close"})).map(drop)
    }

    /// What the program ended with, if it has ended by itself.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.process.as_mut().and_then(|running| running.process.exit_code())
    }

    /// The program's process id, while it is switched on.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(|running| running.process.id())
    }

    /// The most memory that the program has held, in KiB.
    pub fn peak_kib(&mut self) -> u64 {
        if let Some(running) = &mut self.process {
            self.peak_kib = self.peak_kib.max(running.process.peak_kib());
        }
        self.peak_kib
    }

    pub(crate) fn command(&mut self, command: &Value) -> Result<Value, StepError> {
        match &mut self.process {
            Some(running) => running.command(command),
            None => Err(StepError::Screen("the till is switched off".into())),
        }
    }

    /// Touches what has this label, once it is there and can be touched.
    /// # Errors
    /// It does not appear within five seconds, or stays disabled.
    pub fn tap(&mut self, label: &str) -> Result<(), StepError> {
        self.wait(label)?;
        self.until_it_works(&json!({"cmd": "tap", "label": label}))
    }

    /// Touches what has this label twice in the same place, with a pause between; with none, before the till has
    /// done anything about the first touch.
    /// # Errors
    /// It does not appear within five seconds, or stays disabled.
    pub fn tap_twice(&mut self, label: &str, pause: Duration) -> Result<(), StepError> {
        self.wait(label)?;
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.until_it_works(&json!({"cmd": "tap_twice", "label": label, "pause_ms": pause_ms}))
    }

    /// Gives a command again and again for up to five seconds, until it can be done; not to a till that has ended.
    fn until_it_works(&mut self, command: &Value) -> Result<(), StepError> {
        let mut last = Ok(Value::Null);
        wait_until(Duration::from_secs(5), || {
            last = self.command(command);
            matches!(last, Ok(_) | Err(StepError::Ended(_) | StepError::Io(_)))
        });
        last.map(drop)
    }

    /// Touches what leads to another page, and touches again if the page has not come: a notice that appears in
    /// that moment moves the buttons, and a person would do the same. Only for what does nothing but open a page.
    /// # Errors
    /// The page does not come.
    pub fn open_page(&mut self, label: &str, title: &str) -> Result<(), StepError> {
        let mut last = Ok(());
        for _ in 0..5 {
            last = self.tap(label);
            let till = &mut *self;
            let there = || till.labels().is_ok_and(|all| all.iter().any(|seen| seen == title));
            if wait_until(Duration::from_secs(2), there) {
                return Ok(());
            }
        }
        last.and_then(|()| Err(StepError::Screen(format!("“{label}” does not lead to “{title}”"))))
    }

    /// Types on a keyboard.
    /// # Errors
    /// See [`StepError`].
    pub fn type_text(&mut self, text: &str) -> Result<(), StepError> {
        self.command(&json!({"cmd": "type", "text": text})).map(drop)
    }

    /// Types on a keyboard that the desktop has given to the customer's window.
    /// # Errors
    /// See [`StepError`].
    pub fn type_at_customer(&mut self, text: &str) -> Result<(), StepError> {
        self.command(&json!({"cmd": "type", "text": text, "customer": true})).map(drop)
    }

    /// Waits up to 15 seconds until something with this label is on the screen.
    /// # Errors
    /// It does not appear; what is visible instead.
    pub fn wait(&mut self, label: &str) -> Result<(), StepError> {
        self.command(&json!({"cmd": "wait", "label": label, "timeout_ms": 15_000})).map(drop)
    }

    /// Waits until any label contains `part`, and gives that label.
    /// # Errors
    /// None does within the time.
    pub fn wait_containing(&mut self, part: &str, patience: Duration) -> Result<String, StepError> {
        let mut found = None;
        let mut seen = Vec::new();
        wait_until(patience, || {
            seen = self.labels().unwrap_or_default();
            found = seen.iter().find(|label| label.contains(part)).cloned();
            found.is_some()
        });
        found.ok_or_else(|| StepError::Screen(format!("nothing says “{part}”; visible: {seen:?}")))
    }

    /// Everything that the screen says.
    /// # Errors
    /// See [`StepError`].
    pub fn labels(&mut self) -> Result<Vec<String>, StepError> {
        let all = self.command(&json!({"cmd": "labels"}))?;
        let label = |element: &Value| element["label"].as_str().map(str::to_owned);
        Ok(all.as_array().map(|all| all.iter().filter_map(label).collect()).unwrap_or_default())
    }

    /// Everything that the customer's screen says.
    /// # Errors
    /// See [`StepError`]; the till may have none.
    pub fn customer_labels(&mut self) -> Result<Vec<String>, StepError> {
        let all = self.command(&json!({"cmd": "labels", "customer": true}))?;
        let label = |element: &Value| element["label"].as_str().map(str::to_owned);
        Ok(all.as_array().map(|all| all.iter().filter_map(label).collect()).unwrap_or_default())
    }

    /// Takes a picture of the customer's screen.
    /// # Errors
    /// See [`StepError`].
    pub fn customer_shot(&mut self, path: &Path) -> Result<(), StepError> {
        let path = std::path::absolute(path)?;
        self.command(&json!({"cmd": "shot", "path": path, "customer": true})).map(drop)
    }

    /// Whether something with this label can be touched now.
    /// # Errors
    /// See [`StepError`].
    pub fn is_enabled(&mut self, label: &str) -> Result<bool, StepError> {
        let all = self.command(&json!({"cmd": "labels"}))?;
        let enabled = |e: &Value| e["label"] == label && e["enabled"] == true;
        Ok(all.as_array().is_some_and(|all| all.iter().any(enabled)))
    }

    /// Takes a picture of the screen.
    /// # Errors
    /// See [`StepError`].
    pub fn shot(&mut self, path: &Path) -> Result<(), StepError> {
        let path = std::path::absolute(path)?;
        self.command(&json!({"cmd": "shot", "path": path})).map(drop)
    }

    /// Gives the window another size.
    /// # Errors
    /// See [`StepError`].
    pub fn size(&mut self, width: u32, height: u32) -> Result<(), StepError> {
        self.command(&json!({"cmd": "size", "width": width, "height": height})).map(drop)
    }

    /// Scans a code.
    /// # Errors
    /// The cable is out.
    pub fn scan(&mut self, code: &str) -> Result<(), StepError> {
        Ok(self.scanner.scan(code)?)
    }
}

/// What IT does with a new till: its settings and the store's trust file into its folder.
/// # Errors
/// The folder cannot be written.
pub fn unpack(rig: &StoreRig, name: &str, scanner: &Path, printer: &Path) -> std::io::Result<PathBuf> {
    let dir = rig.dir().join(name);
    fs::create_dir_all(&dir)?;
    let trust = serde_json::to_vec(rig.trust()).map_err(std::io::Error::other)?;
    fs::write(dir.join("trust.json"), trust)?;
    fs::write(dir.join("till.toml"), till_toml(&rig.server_url(), scanner, printer))?;
    Ok(dir)
}

/// The settings of a till with these devices.
fn till_toml(server: &str, scanner: &Path, printer: &Path) -> String {
    let mut toml = toml::Table::new();
    toml.insert("servers".into(), vec![server.to_owned()].into());
    toml.insert("trust".into(), "trust.json".into());
    toml.insert("language".into(), "en".into());
    let device = |key: &str, path: &Path| {
        let mut table = toml::Table::new();
        table.insert(key.into(), path.to_string_lossy().into_owned().into());
        toml::Value::from(table)
    };
    toml.insert("scanner".into(), device("port", scanner));
    toml.insert("printer".into(), device("serial", printer));
    toml.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::clock::{Clock, SystemClock};

    #[test]
    fn a_till_that_has_ended_is_not_touched_again_and_again() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("till.log");
        let mut till = WindowTill {
            dir: dir.path().to_owned(),
            process: Some(Running::start(&mut Command::new("true"), &log).unwrap()),
            log,
            scanner: ScannerEmulator::new(Terminator::CrLf).unwrap(),
            printer: PrinterEmulator::on_serial(PrinterConfig::default()).unwrap(),
            peak_kib: 0,
        };
        let began = SystemClock.monotonic();
        let touched = till.until_it_works(&json!({"cmd": "tap", "label": "Cash"}));
        assert!(matches!(touched, Err(StepError::Ended(_) | StepError::Io(_))), "{touched:?}");
        assert!(SystemClock.monotonic() - began < Duration::from_secs(4));
    }
}
