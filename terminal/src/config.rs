//! What is fixed on this till: `till.toml`, the trust file, and who the till is once it has registered.

mod display;
mod identity;
mod printers;
mod scanner;
mod spoken;

pub use display::DisplayConfig;
pub use identity::Identity;
pub use scanner::{PrefixName, ScannerConfig, ScannerWay, remember_scanner, remembered_scanner};
pub use spoken::{remember_language, remembered_language};

use evertill_hardware::escpos::profile::{Completion, Profile};
use evertill_hardware::label::in_store::InStoreRule;
use evertill_hardware::serial_line::{Flow, SerialLine};
use evertill_shared::protocol::store::TrustBundle;
use serde::Deserialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The longest time without a touch, in minutes: a day.
const LONGEST_LOCK: u32 = 24 * 60;

/// A file of the till cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// It does not say what it should.
    #[error("{path}: {why}")]
    Bad {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
}

/// `till.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `https://host:port` of each server.
    #[serde(default)]
    pub servers: Vec<String>,
    /// The store's trust file, relative to the data directory.
    #[serde(default = "default_trust")]
    pub trust: PathBuf,
    /// `en` or `zh`.
    #[serde(default = "default_language")]
    pub language: String,
    /// Cover the whole display.
    #[serde(default)]
    pub fullscreen: bool,
    /// After so many minutes without a touch the till locks, if anybody of the store has a PIN; 0 for never.
    #[serde(default = "default_lock")]
    pub lock_after_minutes: u32,
    /// Sell only while a shift is open; otherwise shifts may be used or not.
    #[serde(default)]
    pub demand_shifts: bool,
    /// How the store's own barcodes with a weight or a price inside are built, such as `21IIIIIWWWWWC`; the first that
    /// fits counts. See [`InStoreRule`].
    #[serde(default)]
    pub in_store_codes: Vec<String>,
    /// The barcode scanner, if there is one.
    pub scanner: Option<ScannerConfig>,
    /// The receipt printer, if there is one.
    pub printer: Option<PrinterConfig>,
    /// The customer's display on a pole, if there is one.
    pub display: Option<DisplayConfig>,
}

fn default_trust() -> PathBuf {
    "trust.json".into()
}

fn default_lock() -> u32 {
    5
}

fn default_language() -> String {
    "en".into()
}

/// `[printer]`: on a serial line, by USB or in the network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrinterConfig {
    /// The device file of a printer on a serial line.
    pub serial: Option<PathBuf>,
    /// The device file of a printer of the USB printer class, such as `/dev/usb/lp0`.
    pub usb: Option<PathBuf>,
    /// `host:port` of a printer in the network.
    pub tcp: Option<String>,
    /// Bits per second, for a serial line.
    #[serde(default = "default_baud")]
    pub baud: u32,
    /// Data bits, parity, stop bits, as in `8N1`.
    #[serde(default = "default_frame")]
    pub frame: String,
    /// The handshake of a serial line: `none`, `xon_xoff` or `rts_cts`.
    #[serde(default)]
    pub flow: FlowName,
    /// Its model: one that comes with the till, or one of the shop's own `printers.toml`.
    pub model: Option<String>,
    /// Columns on a line: 48 for 80 mm paper, 32 for 58 mm. Goes before the model's.
    pub columns: Option<u16>,
    /// How it says that a job is done: `paper_status` (most), `process_id` (newer ones) or `none`. Goes before the
    /// model's.
    pub completion: Option<CompletionName>,
    /// What the model can do.
    #[serde(skip)]
    model_profile: Option<Profile>,
}

fn default_baud() -> u32 {
    9_600
}

fn default_frame() -> String {
    "8N1".into()
}

/// The name of a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowName {
    /// No handshake.
    #[default]
    None,
    /// XOFF and XON.
    XonXoff,
    /// The CTS line.
    RtsCts,
}

/// The name of a way to learn that a job is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompletionName {
    /// The paper's state is asked for at the job's end.
    PaperStatus,
    /// The printer echoes the job's number.
    ProcessId,
    /// The printer says nothing.
    None,
}

impl CompletionName {
    fn completion(self) -> Completion {
        match self {
            Self::PaperStatus => Completion::PaperStatus,
            Self::ProcessId => Completion::ProcessId,
            Self::None => Completion::None,
        }
    }
}

impl Default for Config {
    /// No devices, no servers, English.
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            trust: default_trust(),
            language: default_language(),
            fullscreen: false,
            lock_after_minutes: default_lock(),
            demand_shifts: false,
            in_store_codes: Vec::new(),
            scanner: None,
            printer: None,
            display: None,
        }
    }
}

impl Config {
    /// Reads `till.toml` in the till's directory. Without the file everything is as usual: no devices, and the
    /// server is typed in.
    /// # Errors
    /// The file cannot be read, or says something that this program does not know.
    pub fn read(data: &Path) -> Result<Self, ConfigError> {
        let path = data.join("till.toml");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other.map_err(|error| ConfigError::Io { path: path.clone(), error })?,
        };
        let bad = |why: String| ConfigError::Bad { path: path.clone(), why };
        let mut config: Self = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if let Some(printer) = &mut config.printer {
            printer.find_model(data).map_err(|why| bad(format!("[printer] {why}")))?;
        }
        config.check().map_err(bad)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if !["en", "zh"].contains(&self.language.as_str()) {
            return Err(format!("language {:?} is not known: use \"en\" or \"zh\"", self.language));
        }
        if self.lock_after_minutes > LONGEST_LOCK {
            return Err(format!("lock_after_minutes is {LONGEST_LOCK} at most; 0 for never"));
        }
        self.in_store_rules()?;
        if let Some(scanner) = &self.scanner {
            scanner.way().map(drop).map_err(|why| format!("[scanner] {why}"))?;
        }
        if let Some(printer) = &self.printer {
            printer.way().map(drop).map_err(|why| format!("[printer] {why}"))?;
        }
        if let Some(display) = &self.display {
            display.line().map(drop).map_err(|why| format!("[display] {why}"))?;
        }
        Ok(())
    }

    /// How the store's own codes with a weight or a price inside are built.
    /// # Errors
    /// A pattern that is none.
    pub fn in_store_rules(&self) -> Result<Vec<InStoreRule>, String> {
        let rule = |pattern: &String| {
            pattern.parse().map_err(|error| format!("in_store_codes: {pattern:?}: {error}"))
        };
        self.in_store_codes.iter().map(rule).collect()
    }

    /// Reads the trust file.
    /// # Errors
    /// It is missing or damaged: nothing can be trusted without it.
    pub fn trust(&self, data: &Path) -> Result<TrustBundle, ConfigError> {
        let path = data.join(&self.trust);
        let text =
            fs::read_to_string(&path).map_err(|error| ConfigError::Io { path: path.clone(), error })?;
        serde_json::from_str(&text).map_err(|error| ConfigError::Bad { path, why: error.to_string() })
    }
}

/// How the printer is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrinterWay {
    /// Over a serial line.
    Serial(SerialLine),
    /// By USB, as a printer.
    Usb(PathBuf),
    /// Over the network, `host:port`.
    Network(String),
}

impl PrinterConfig {
    /// How the printer is reached.
    /// # Errors
    /// Not one way is given, or the frame is not one.
    pub fn way(&self) -> Result<PrinterWay, String> {
        match (&self.serial, &self.usb, &self.tcp) {
            (Some(path), None, None) => {
                let frame = self.frame.parse().map_err(|error| format!("frame: {error}"))?;
                let flow = match self.flow {
                    FlowName::None => Flow::None,
                    FlowName::XonXoff => Flow::XonXoff,
                    FlowName::RtsCts => Flow::RtsCts,
                };
                Ok(PrinterWay::Serial(SerialLine { path: path.clone(), baud: self.baud, frame, flow }))
            }
            (None, Some(path), None) => Ok(PrinterWay::Usb(path.clone())),
            (None, None, Some(address)) => Ok(PrinterWay::Network(address.clone())),
            _ => Err("give one of serial = \"/dev/…\", usb = \"/dev/usb/lp0\", tcp = \"host:9100\"".into()),
        }
    }

    fn find_model(&mut self, data: &Path) -> Result<(), String> {
        let Some(name) = &self.model else { return Ok(()) };
        let own = match fs::read_to_string(data.join("printers.toml")) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("printers.toml: {error}")),
        };
        self.model_profile = Some(printers::model(name, own.as_deref())?);
        Ok(())
    }

    /// What the printer can do.
    #[must_use]
    pub fn profile(&self) -> Profile {
        let narrow = self.columns.is_some_and(|columns| columns < 42);
        let usual = if narrow { Profile::paper_58mm() } else { Profile::paper_80mm() };
        let model = self.model_profile.clone().unwrap_or(usual);
        Profile {
            columns: self.columns.unwrap_or(model.columns),
            completion: self.completion.map_or(model.completion, CompletionName::completion),
            ..model
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("till.toml"), text).unwrap();
        Config::read(dir.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_till_without_a_file_has_no_devices() {
        let config = Config::read(tempfile::tempdir().unwrap().path()).unwrap();
        assert!(config.servers.is_empty() && config.scanner.is_none() && config.printer.is_none());
    }

    #[test]
    fn devices_are_read_with_their_usual_settings() {
        let config = read(
            "servers = [\"https://127.0.0.1:8443\"]\nlanguage = \"zh\"\n\
             [scanner]\nport = \"/dev/ttyACM0\"\nbaud = 115200\n[printer]\ntcp = \"10.0.0.9:9100\"\ncolumns = 32\n",
        )
        .unwrap();
        let printer = config.printer.unwrap();
        assert_eq!(printer.way(), Ok(PrinterWay::Network("10.0.0.9:9100".into())));
        assert_eq!((printer.profile().columns, printer.profile().dots), (32, 384));
        let ScannerWay::Serial(scanner) = config.scanner.unwrap().way().unwrap() else {
            panic!("not serial")
        };
        assert_eq!(scanner.line.baud, 115_200);
    }

    #[test]
    fn a_printers_model_decides_unless_something_is_said_beside_it() {
        let text = "[printer]\nusb = \"/dev/usb/lp0\"\nmodel = \"epson-tm-t88v\"\ncolumns = 40\n";
        let printer = read(text).unwrap().printer.unwrap();
        assert_eq!(printer.way(), Ok(PrinterWay::Usb("/dev/usb/lp0".into())));
        let profile = printer.profile();
        assert_eq!((profile.columns, profile.dots, profile.completion), (40, 512, Completion::ProcessId));
        assert!(read("[printer]\ntcp = \"x:1\"\nmodel = \"nobody\"").unwrap_err().contains("80mm"));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_place() {
        for (text, word) in [
            ("language = \"fr\"", "language"),
            ("[printer]\n", "serial"),
            ("[scanner]\nport = \"/dev/x\"\nframe = \"9N1\"", "[scanner]"),
            ("colour = 1", "colour"),
            ("in_store_codes = [\"69IIIIIWWWWWC\"]", "in-store"),
            ("[display]\nserial = \"/dev/x\"\nframe = \"9N1\"", "[display]"),
            ("[display]\nserial = \"/dev/x\"\ncommands = \"other\"", "commands"),
            ("[scanner]\n", "wedge"),
            ("[scanner]\nwedge = \"0c2e\"", "wedge"),
            ("[scanner]\nhid = \"0c2e:0b61\"\nport = \"/dev/x\"", "hid"),
            ("[scanner]\nwedge = \"0c2e:0901\"\nprefix = \"码\"", "prefix"),
            ("[scanner]\nport = \"/dev/x\"\nprefixes = \"other\"", "prefixes"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word) && error.contains("till.toml"), "{error}");
        }
    }
}
