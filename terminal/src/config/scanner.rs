//! How the barcode scanner is reached and set: as `till.toml` says, or as somebody chose on the screen.

use super::identity::replace;
use super::scanners::{self, ScannerModel};
use super::{Config, ConfigError, default_baud, default_frame};
use evertill_hardware::label::Prefixes;
use evertill_hardware::scanner::assembler::{AssemblerConfig, Framing};
use evertill_hardware::scanner::hid_pos::Layout;
use evertill_hardware::scanner::{
    HidPosScannerConfig, Marks, Places, SerialScannerConfig, Trim, Typing, WedgeScannerConfig, WedgeSettings,
    Where,
};
use evertill_hardware::serial_line::{Flow, SerialLine};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What was chosen on the screen, in the till's directory.
const FILE: &str = "scanner.toml";
/// The slowest scanner that is told from typing, in milliseconds between two characters.
const SLOWEST_GAP: u64 = 100;

/// `[scanner]`: on a serial line, as a keyboard, or by USB reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScannerConfig {
    /// The device file of a scanner on a serial line; prefer `/dev/serial/by-id/…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<PathBuf>,
    /// A scanner that behaves as a keyboard: `/dev/input/by-id/…`, or maker and product such as `0c2e:0901`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wedge: Option<String>,
    /// A scanner by USB reports (HID point-of-sale): `/dev/hidraw…`, or maker and product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hid: Option<String>,
    /// Bits per second of a serial line.
    #[serde(default = "default_baud")]
    pub baud: u32,
    /// Data bits, parity, stop bits of a serial line, as in `8N1`.
    #[serde(default = "default_frame")]
    pub frame: String,
    /// For scanners that send no line end: a pause of so many milliseconds ends a scan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<u64>,
    /// The same code again within so many milliseconds is one scan; 0 for never.
    #[serde(default)]
    pub duplicate_window_ms: u64,
    /// People type on the device that behaves as a keyboard, too: then scans are told from typing by time.
    #[serde(default)]
    pub typing: bool,
    /// Characters of a code follow each other within so many milliseconds, where people type too.
    #[serde(default = "default_gap")]
    pub typing_gap_ms: u64,
    /// What the scanner was set to send before each code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// What the scanner was set to send after each code, before the line end.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suffix: String,
    /// What the scanner puts in front of each code: `aim` (or nothing), or its maker's letters, `zebra` or `datalogic`.
    #[serde(default)]
    pub prefixes: PrefixName,
    /// Its model, for what is particular about it: one that comes with the till, or one of the shop's own `scanners.toml`. Its
    /// marks go before `prefixes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What is particular about it.
    #[serde(skip)]
    pub(crate) particular: Option<ScannerModel>,
    /// Where a code stands in USB reports, if the device does not say it itself: `with_aim` or `without_aim`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports: Option<ReportsName>,
}

fn default_gap() -> u64 {
    35
}

/// The name of a way to mark what kind of code was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrefixName {
    /// AIM identifiers, or nothing.
    #[default]
    Aim,
    /// Zebra's and Symbol's letters.
    Zebra,
    /// Datalogic's letters.
    Datalogic,
}

/// The name of a way to build reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportsName {
    /// As Honeywell and Access-IS.
    WithAim,
    /// As Newland and Unitech.
    WithoutAim,
}

/// How the scanner is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScannerWay {
    /// On a serial line.
    Serial(SerialScannerConfig),
    /// As a keyboard.
    Wedge(WedgeScannerConfig),
    /// By USB reports.
    Hid(HidPosScannerConfig),
}

impl Default for ScannerConfig {
    /// No device, the usual settings.
    fn default() -> Self {
        Self {
            port: None,
            wedge: None,
            hid: None,
            baud: default_baud(),
            frame: default_frame(),
            idle_ms: None,
            duplicate_window_ms: 0,
            typing: false,
            typing_gap_ms: default_gap(),
            prefix: String::new(),
            suffix: String::new(),
            prefixes: PrefixName::Aim,
            model: None,
            particular: None,
            reports: None,
        }
    }
}

impl ScannerConfig {
    /// What stands in front of each code.
    #[must_use]
    pub fn prefixes(&self) -> Prefixes {
        if let Some(marks) = self.particular.and_then(|model| model.marks) {
            return Prefixes::Own(marks);
        }
        match self.prefixes {
            PrefixName::Aim => Prefixes::Aim,
            PrefixName::Zebra => Prefixes::Zebra,
            PrefixName::Datalogic => Prefixes::Datalogic,
        }
    }

    /// How the scanner is reached.
    /// # Errors
    /// Not one way is given, or a setting is none.
    pub fn way(&self) -> Result<ScannerWay, String> {
        let printable = |text: &str| text.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
        if !printable(&self.prefix) || !printable(&self.suffix) {
            return Err("prefix and suffix are characters of ASCII".into());
        }
        let place = |key: &str, text: &str| text.parse::<Where>().map_err(|error| format!("{key}: {error}"));
        match (&self.port, &self.wedge, &self.hid) {
            (Some(path), None, None) => {
                let frame = self.frame.parse().map_err(|error| format!("frame: {error}"))?;
                let line = SerialLine { path: path.clone(), baud: self.baud, frame, flow: Flow::None };
                Ok(ScannerWay::Serial(SerialScannerConfig {
                    line,
                    assembler: self.assembler(),
                    trim: self.trim(),
                }))
            }
            (None, Some(device), None) => Ok(ScannerWay::Wedge(WedgeScannerConfig {
                device: place("wedge", device)?,
                places: Places::default(),
                settings: WedgeSettings {
                    assembler: self.assembler(),
                    typing: self.typing()?,
                    trim: self.trim(),
                },
                exclusive: true,
            })),
            (None, None, Some(device)) => Ok(ScannerWay::Hid(HidPosScannerConfig {
                device: place("hid", device)?,
                places: Places::default(),
                layout: self.reports.map(|name| match name {
                    ReportsName::WithAim => Layout::with_aim(),
                    ReportsName::WithoutAim => Layout::without_aim(),
                }),
                duplicate_window: Duration::from_millis(self.duplicate_window_ms),
                trim: self.trim(),
            })),
            _ => {
                Err("give one of port = \"/dev/serial/…\", wedge = \"0c2e:0901\", hid = \"0c2e:0b61\"".into())
            }
        }
    }

    /// Chooses what stands in front of each code, whatever the model says of that.
    pub fn set_prefixes(&mut self, prefixes: PrefixName) {
        self.prefixes = prefixes;
        if self.particular.is_some_and(|model| model.marks.is_some()) {
            (self.model, self.particular) = (None, None);
        }
    }

    /// Looks its model up, also in the shop's own list.
    /// # Errors
    /// There is no such model, or the list is none.
    pub(super) fn find_model(&mut self, data: &Path) -> Result<(), String> {
        let Some(name) = &self.model else { return Ok(()) };
        let own = match fs::read_to_string(data.join("scanners.toml")) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("scanners.toml: {error}")),
        };
        let model = scanners::model(name, own.as_deref())?;
        if model.frame == Marks::StxEtx && self.port.is_none() {
            return Err(format!("model {name:?} is for a port: keyboards and reports have no such frames"));
        }
        self.particular = Some(model);
        Ok(())
    }

    fn trim(&self) -> Trim {
        Trim { prefix: self.prefix.clone(), suffix: self.suffix.clone() }
    }

    fn typing(&self) -> Result<Typing, String> {
        if !(1..=SLOWEST_GAP).contains(&self.typing_gap_ms) {
            return Err(format!("typing_gap_ms is 1 to {SLOWEST_GAP}"));
        }
        let gap = Duration::from_millis(self.typing_gap_ms);
        Ok(if self.typing {
            Typing::ByTime { gap, shortest: evertill_hardware::scanner::wedge::USUAL_SHORTEST }
        } else {
            Typing::Never
        })
    }

    fn assembler(&self) -> AssemblerConfig {
        let usual = AssemblerConfig::default();
        AssemblerConfig {
            framing: self
                .idle_ms
                .map_or(usual.framing, |ms| Framing::Idle { idle: Duration::from_millis(ms) }),
            marks: self.particular.map_or(usual.marks, |model| model.frame),
            duplicate_window: Duration::from_millis(self.duplicate_window_ms),
        }
    }
}

/// The scanner to begin with: as last chosen on the screen, else as `till.toml` says.
#[must_use]
pub fn remembered_scanner(data: &Path, config: &Config) -> Option<ScannerConfig> {
    match fs::read_to_string(data.join(FILE)) {
        Ok(text) => match read(data, &text) {
            Ok(chosen) => {
                if config.scanner.as_ref().is_some_and(|written| *written != chosen) {
                    tracing::info!(
                        "the scanner is the one that was chosen on the screen, not the one of till.toml; \
                         delete {FILE} to go back"
                    );
                }
                return Some(chosen);
            }
            // Sales are not to wait for it: somebody chooses again.
            Err(why) => tracing::error!(why, "what was chosen as scanner cannot be used"),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::error!(%error, "what was chosen as scanner cannot be read"),
    }
    config.scanner.clone()
}

fn read(data: &Path, text: &str) -> Result<ScannerConfig, String> {
    let mut chosen: ScannerConfig = toml::from_str(text).map_err(|error| error.to_string())?;
    chosen.find_model(data)?;
    chosen.way()?;
    Ok(chosen)
}

/// Keeps the scanner for the next start.
/// # Errors
/// The disk does not take it; then the scanner before stays.
pub fn remember_scanner(data: &Path, scanner: &ScannerConfig) -> Result<(), ConfigError> {
    let path = data.join(FILE);
    let text = toml::to_string(scanner)
        .map_err(|error| ConfigError::Bad { path: path.clone(), why: error.to_string() })?;
    replace(data, &path, text.as_bytes()).map_err(|error| ConfigError::Io { path, error })
}

/// Forgets the scanner that was chosen on the screen: from the next start on it is the one of `till.toml`.
/// # Errors
/// The disk does not let go of it.
pub fn forget_scanner(data: &Path) -> Result<(), ConfigError> {
    let path = data.join(FILE);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ConfigError::Io { path, error }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scanner_that_is_only_a_scanner_is_never_typed_on_unless_that_is_said() {
        let wedge =
            |typing| ScannerConfig { wedge: Some("0c2e:0901".into()), typing, ..ScannerConfig::default() };
        let Ok(ScannerWay::Wedge(only)) = wedge(false).way() else { panic!("no wedge") };
        assert_eq!((only.settings.typing, only.exclusive), (Typing::Never, true));
        let Ok(ScannerWay::Wedge(both)) = wedge(true).way() else { panic!("no wedge") };
        assert_eq!(both.settings.typing, Typing::default());
        assert!(ScannerConfig { typing_gap_ms: 0, ..wedge(true) }.way().is_err());
    }

    #[test]
    fn a_model_says_what_stands_around_a_code_and_in_front_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            fs::write(dir.path().join("till.toml"), text).unwrap();
            Config::read(dir.path()).map(|config| config.scanner.unwrap()).map_err(|error| error.to_string())
        };
        let framed = read("[scanner]\nport = \"/dev/ttyS0\"\nmodel = \"stx-etx\"").unwrap();
        let Ok(ScannerWay::Serial(serial)) = framed.way() else { panic!("no port") };
        assert_eq!((serial.assembler.marks, framed.prefixes()), (Marks::StxEtx, Prefixes::Aim));
        let marked = read("[scanner]\nwedge = \"0c2e:0901\"\nmodel = \"honeywell\"").unwrap();
        assert!(matches!(marked.prefixes(), Prefixes::Own(_)));
        remember_scanner(dir.path(), &marked).unwrap();
        assert_eq!(
            remembered_scanner(dir.path(), &Config::default()),
            Some(marked.clone()),
            "also after a restart"
        );
        let mut other = marked;
        other.set_prefixes(PrefixName::Zebra);
        assert_eq!(
            (other.prefixes(), other.model),
            (Prefixes::Zebra, None),
            "what is chosen on the screen counts"
        );
        for (wrong, told) in [
            ("wedge = \"0c2e:0901\"\nmodel = \"stx-etx\"", "for a port"),
            ("port = \"/dev/ttyS0\"\nmodel = \"nobody\"", "known are"),
        ] {
            let said = read(&format!("[scanner]\n{wrong}")).unwrap_err();
            assert!(said.contains("[scanner]") && said.contains(told), "{said}");
        }
    }

    #[test]
    fn the_scanner_chosen_on_the_screen_outlives_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let serial = ScannerConfig { port: Some("/dev/ttyACM0".into()), ..ScannerConfig::default() };
        let config = Config { scanner: Some(serial.clone()), ..Config::default() };
        assert_eq!(remembered_scanner(dir.path(), &config), Some(serial.clone()));
        let chosen = ScannerConfig {
            hid: Some("0c2e:0b61".into()),
            prefixes: PrefixName::Zebra,
            reports: Some(ReportsName::WithoutAim),
            prefix: "~".into(),
            ..ScannerConfig::default()
        };
        remember_scanner(dir.path(), &chosen).unwrap();
        assert_eq!(remembered_scanner(dir.path(), &config), Some(chosen.clone()));
        for _ in 0..2 {
            forget_scanner(dir.path()).unwrap();
            assert_eq!(remembered_scanner(dir.path(), &config), Some(serial.clone()));
        }
        remember_scanner(dir.path(), &chosen).unwrap();
        fs::write(dir.path().join(FILE), "hid = 7").unwrap();
        assert_eq!(remembered_scanner(dir.path(), &config), Some(serial), "nonsense is no choice");
    }
}
