//! What is fixed on this till: `till.toml`, the trust file, and who the till is once it has registered.

mod identity;
mod spoken;

pub use identity::Identity;
pub use spoken::{remember_language, remembered_language};

use evertill_hardware::escpos::profile::{Completion, Profile};
use evertill_hardware::scanner::assembler::{AssemblerConfig, Framing};
use evertill_hardware::serial_line::{Flow, SerialLine};
use evertill_shared::protocol::store::TrustBundle;
use serde::Deserialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// The barcode scanner, if there is one.
    pub scanner: Option<ScannerConfig>,
    /// The receipt printer, if there is one.
    pub printer: Option<PrinterConfig>,
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

/// `[scanner]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScannerConfig {
    /// The device file; prefer `/dev/serial/by-id/…`.
    pub port: PathBuf,
    /// Bits per second.
    #[serde(default = "default_baud")]
    pub baud: u32,
    /// Data bits, parity, stop bits, as in `8N1`.
    #[serde(default = "default_frame")]
    pub frame: String,
    /// For scanners that send no line end: a pause of so many milliseconds ends a scan.
    pub idle_ms: Option<u64>,
    /// The same code again within so many milliseconds is one scan; 0 for never.
    #[serde(default)]
    pub duplicate_window_ms: u64,
}

/// `[printer]`: on a serial line or in the network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrinterConfig {
    /// The device file of a printer on a serial line.
    pub serial: Option<PathBuf>,
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
    /// Columns on a line: 48 for 80 mm paper, 32 for 58 mm.
    #[serde(default = "default_columns")]
    pub columns: u16,
    /// How it says that a job is done: `paper_status` (most), `process_id` (newer ones) or `none`.
    #[serde(default)]
    pub completion: CompletionName,
}

fn default_baud() -> u32 {
    9_600
}

fn default_frame() -> String {
    "8N1".into()
}

fn default_columns() -> u16 {
    48
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompletionName {
    /// The paper's state is asked for at the job's end.
    #[default]
    PaperStatus,
    /// The printer echoes the job's number.
    ProcessId,
    /// The printer says nothing.
    None,
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
            scanner: None,
            printer: None,
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
        let config: Self = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
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
        if let Some(scanner) = &self.scanner {
            scanner.line().map_err(|why| format!("[scanner] frame: {why}"))?;
        }
        if let Some(printer) = &self.printer {
            printer.way().map(drop).map_err(|why| format!("[printer] {why}"))?;
        }
        Ok(())
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

impl ScannerConfig {
    /// The serial line.
    /// # Errors
    /// The frame is not one.
    pub fn line(&self) -> Result<SerialLine, String> {
        let frame = self.frame.parse().map_err(|error| format!("{error}"))?;
        Ok(SerialLine { path: self.port.clone(), baud: self.baud, frame, flow: Flow::None })
    }

    /// How bytes become scans.
    #[must_use]
    pub fn assembler(&self) -> AssemblerConfig {
        let usual = AssemblerConfig::default();
        AssemblerConfig {
            framing: self
                .idle_ms
                .map_or(usual.framing, |ms| Framing::Idle { idle: Duration::from_millis(ms) }),
            duplicate_window: Duration::from_millis(self.duplicate_window_ms),
        }
    }
}

/// How the printer is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrinterWay {
    /// Over a serial line.
    Serial(SerialLine),
    /// Over the network, `host:port`.
    Network(String),
}

impl PrinterConfig {
    /// How the printer is reached.
    /// # Errors
    /// Neither or both ways are given, or the frame is not one.
    pub fn way(&self) -> Result<PrinterWay, String> {
        match (&self.serial, &self.tcp) {
            (Some(path), None) => {
                let frame = self.frame.parse().map_err(|error| format!("frame: {error}"))?;
                let flow = match self.flow {
                    FlowName::None => Flow::None,
                    FlowName::XonXoff => Flow::XonXoff,
                    FlowName::RtsCts => Flow::RtsCts,
                };
                Ok(PrinterWay::Serial(SerialLine { path: path.clone(), baud: self.baud, frame, flow }))
            }
            (None, Some(address)) => Ok(PrinterWay::Network(address.clone())),
            _ => Err("give either serial = \"/dev/…\" or tcp = \"host:9100\"".into()),
        }
    }

    /// What the printer can do.
    #[must_use]
    pub fn profile(&self) -> Profile {
        let usual = if self.columns < 42 { Profile::paper_58mm() } else { Profile::paper_80mm() };
        let completion = match self.completion {
            CompletionName::PaperStatus => Completion::PaperStatus,
            CompletionName::ProcessId => Completion::ProcessId,
            CompletionName::None => Completion::None,
        };
        Profile { columns: self.columns, completion, ..usual }
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
        assert_eq!(config.scanner.unwrap().line().unwrap().baud, 115_200);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_place() {
        for (text, word) in [
            ("language = \"fr\"", "language"),
            ("[printer]\n", "serial"),
            ("[scanner]\nport = \"/dev/x\"\nframe = \"9N1\"", "[scanner]"),
            ("colour = 1", "colour"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word) && error.contains("till.toml"), "{error}");
        }
    }
}
