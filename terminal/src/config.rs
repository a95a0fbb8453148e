//! What is fixed on this till: `till.toml`, the trust file, and who the till is once it has registered.

mod coloured;
mod customer_screen;
mod display;
mod identity;
mod printers;
mod scanner;
mod scanners;
mod spoken;
mod text_size;

pub use coloured::{ColoursName, remember_colours, remembered_colours};
pub use customer_screen::{CustomerScreenConfig, Place};
pub use display::DisplayConfig;
pub use identity::Identity;
pub(crate) use identity::replace;
pub use scanner::{
    PrefixName, ScannerConfig, ScannerWay, forget_scanner, remember_scanner, remembered_scanner,
};
pub use spoken::{remember_language, remembered_language, spoken_languages};
pub use text_size::{remember_text_size, remembered_text_size};

use crate::view::{Language, TextSize};
use evertill_hardware::DrawerKick;
use evertill_hardware::drawer::DrawerPin;
use evertill_hardware::escpos::logo::LogoStore;
use evertill_hardware::escpos::profile::{Completion, Profile};
use evertill_hardware::label::in_store::InStoreRule;
use evertill_hardware::scanner::Where;
use evertill_hardware::serial_line::{Flow, SerialLine};
use evertill_shared::protocol::store::TrustBundle;
use serde::Deserialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The longest time without a touch, in minutes: a day.
const LONGEST_LOCK: u32 = 24 * 60;
/// The shortest time before entries go into the archive, in days: wallets take refunds back for as long, and people ask.
const SOONEST_ARCHIVE: u16 = 7;

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
    /// `en`, `zh`, or the code of a language of [`Config::languages`].
    #[serde(default = "default_language")]
    pub language: String,
    /// Translation files (PO) of more languages, relative to the data directory.
    #[serde(default)]
    pub languages: Vec<PathBuf>,
    /// How the screens are coloured: `light`, `dark` or `high_contrast`.
    #[serde(default)]
    pub colours: ColoursName,
    /// How large words are, in hundredths: 100, 125 or 150.
    #[serde(default, deserialize_with = "text_size::of_settings")]
    pub text_size: TextSize,
    /// Cover the whole display.
    #[serde(default)]
    pub fullscreen: bool,
    /// Be all that there is on the display: it is covered, without a frame, and nothing closes the window but somebody who
    /// holds [`Right::LeaveKiosk`](evertill_shared::rights::Right::LeaveKiosk), by PIN.
    #[serde(default)]
    pub kiosk: bool,
    /// After so many minutes without a touch the till locks, if anybody of the store has a PIN; 0 for never.
    #[serde(default = "default_lock")]
    pub lock_after_minutes: u32,
    /// So many days after a server has countersigned them, entries leave the journal for the archive beside it; 0 for never.
    #[serde(default = "default_archive")]
    pub archive_after_days: u16,
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
    /// The customer's window on a second monitor, if there is one.
    pub customer_screen: Option<CustomerScreenConfig>,
}

fn default_trust() -> PathBuf {
    "trust.json".into()
}

fn default_lock() -> u32 {
    5
}

fn default_archive() -> u16 {
    35
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
    /// A printer of the USB printer class: maker and product, such as `04b8:0202`, one of several with its number or its
    /// socket; or its device file, `/dev/usb/lp0`, whose number changes when printers are replugged.
    pub usb: Option<String>,
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
    /// The number of the logo that the maker's tool has stored in it (FS p): it is printed wherever a logo stands. Goes
    /// before the model's own way to keep logos.
    pub logo_number: Option<u8>,
    /// How it says that a job is done: `paper_status` (most), `process_id` (newer ones) or `none`. Goes before the
    /// model's.
    pub completion: Option<CompletionName>,
    /// The pin of the drawer's plug that gets the pulse: 2 or 5.
    #[serde(default = "default_drawer_pin")]
    pub drawer_pin: u8,
    /// How long the pulse is that opens the drawer.
    #[serde(default = "default_drawer_pulse_ms")]
    pub drawer_pulse_ms: u16,
    /// What the model can do.
    #[serde(skip)]
    model_profile: Option<Profile>,
}

/// A printer by USB that is none.
const BAD_USB: &str = "usb: write maker and product such as 04b8:0202, for one of several with its number \
    (04b8:0202#J6QK012345) or its socket (04b8:0202@1-2), or a device file such as /dev/usb/lp0";
/// So long the next pulse waits at least.
const DRAWER_PAUSE_MS: u16 = 500;

fn default_drawer_pin() -> u8 {
    2
}

fn default_drawer_pulse_ms() -> u16 {
    50
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
            languages: Vec::new(),
            colours: ColoursName::default(),
            text_size: TextSize::default(),
            fullscreen: false,
            kiosk: false,
            lock_after_minutes: default_lock(),
            archive_after_days: default_archive(),
            demand_shifts: false,
            in_store_codes: Vec::new(),
            scanner: None,
            printer: None,
            display: None,
            customer_screen: None,
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
        if let Some(scanner) = &mut config.scanner {
            scanner.find_model(data).map_err(|why| bad(format!("[scanner] {why}")))?;
        }
        config.check().map_err(&bad)?;
        config.check_language(data).map_err(&bad)?;
        Ok(config)
    }

    /// The language to begin with is one that the till speaks. Where a file of its own languages cannot be used, it may be that
    /// one: the till begins in English then, and says what is wrong with the file.
    fn check_language(&self, data: &Path) -> Result<(), String> {
        let own = [Language::English, Language::Chinese];
        if own.iter().any(|language| language.code() == self.language) {
            return Ok(());
        }
        let (spoken, wrong) = spoken_languages(data, self);
        if !wrong.is_empty() || spoken.iter().any(|language| language.code() == self.language) {
            return Ok(());
        }
        let codes: Vec<String> = spoken.iter().map(|language| format!("{:?}", language.code())).collect();
        Err(format!("language {:?} is not known: use {}", self.language, codes.join(" or ")))
    }

    fn check(&self) -> Result<(), String> {
        if self.lock_after_minutes > LONGEST_LOCK {
            return Err(format!("lock_after_minutes is {LONGEST_LOCK} at most; 0 for never"));
        }
        if (1..SOONEST_ARCHIVE).contains(&self.archive_after_days) {
            return Err(format!("archive_after_days is {SOONEST_ARCHIVE} at least; 0 for never"));
        }
        self.in_store_rules()?;
        if let Some(scanner) = &self.scanner {
            scanner.way().map(drop).map_err(|why| format!("[scanner] {why}"))?;
        }
        if let Some(printer) = &self.printer {
            printer.way().map(drop).map_err(|why| format!("[printer] {why}"))?;
            printer.drawer_pulse().map(drop).map_err(|why| format!("[printer] {why}"))?;
        }
        if let Some(display) = &self.display {
            display.line().map(drop).map_err(|why| format!("[display] {why}"))?;
        }
        if let Some(screen) = &self.customer_screen {
            screen.check().map_err(|why| format!("[customer_screen] {why}"))?;
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

/// Whether a `till.toml` that cannot be used says all the same that the till is a kiosk.
#[must_use]
pub fn kiosk_is_meant(data: &Path) -> bool {
    // Whatever is wrong with it: a comment in another encoding does not open the kiosk, nor does a file that is there and
    // cannot be read.
    let text = match fs::read(data.join("till.toml")) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).to_lowercase(),
        Err(error) => return error.kind() != std::io::ErrorKind::NotFound,
    };
    let bare =
        |part: &str| part.trim_matches(|c: char| c.is_whitespace() || "\"'\u{feff}".contains(c)).to_owned();
    let says_so = |line: &str| {
        let (name, value) = line.split_once('=').unwrap_or_default();
        let value = value.split('#').next().unwrap_or_default();
        bare(name) == "kiosk" && bare(value) == "true"
    };
    text.lines().any(says_so)
}

/// How the printer is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrinterWay {
    /// Over a serial line.
    Serial(SerialLine),
    /// By USB, as a printer.
    Usb(Where),
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
            (None, Some(device), None) => device.parse().map(PrinterWay::Usb).map_err(|_| BAD_USB.into()),
            (None, None, Some(address)) => Ok(PrinterWay::Network(address.clone())),
            _ => Err("give one of serial = \"/dev/…\", usb = \"04b8:0202\", tcp = \"host:9100\"".into()),
        }
    }

    /// What it is known by: another one is not taken for it.
    #[must_use]
    pub fn name(&self) -> String {
        let path = self.serial.as_ref().map(|path| path.display().to_string());
        let place = path.as_ref().or(self.usb.as_ref()).or(self.tcp.as_ref());
        format!("{} {}", place.map_or("", String::as_str), self.model.as_deref().unwrap_or_default())
    }

    /// The pulse that opens the drawer.
    /// # Errors
    /// There is no such pin, or the pulse would harm a drawer.
    pub fn drawer_pulse(&self) -> Result<DrawerKick, String> {
        let pin = match self.drawer_pin {
            2 => DrawerPin::Two,
            5 => DrawerPin::Five,
            other => return Err(format!("drawer_pin is 2 or 5, not {other}")),
        };
        // As long a pause as the usual one, and longer where the pulse needs it.
        let pause = self.drawer_pulse_ms.saturating_mul(4).max(DRAWER_PAUSE_MS);
        DrawerKick::new(pin, self.drawer_pulse_ms, pause)
            .map_err(|_| format!("drawer_pulse_ms is 2 to 127, not {}", self.drawer_pulse_ms))
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
            logo: self.logo_number.map_or(model.logo, LogoStore::Number),
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
    fn the_language_to_begin_with_is_any_that_the_till_speaks() {
        let dir = tempfile::tempdir().unwrap();
        let german = "msgid \"\"\nmsgstr \"Language: de\\n\"\n";
        fs::write(dir.path().join("de.po"), german).unwrap();
        let begins = |text: &str| {
            fs::write(dir.path().join("till.toml"), text).unwrap();
            let config = Config::read(dir.path()).map_err(|error| error.to_string())?;
            let (spoken, _) = spoken_languages(dir.path(), &config);
            Ok::<_, String>(remembered_language(dir.path(), &config, &spoken).code().to_owned())
        };
        assert_eq!(begins("language = \"de\"\nlanguages = [\"de.po\"]"), Ok("de".into()));
        assert_eq!(begins("language = \"zh\"\nlanguages = [\"de.po\"]"), Ok("zh".into()));
        for (text, known) in [
            ("language = \"de\"", "use \"en\" or \"zh\""),
            ("language = \"fr\"\nlanguages = [\"de.po\"]", "use \"en\" or \"zh\" or \"de\""),
        ] {
            let error = begins(text).unwrap_err();
            assert!(error.contains(known) && error.contains("till.toml"), "{error}");
        }
        // The file that has it is gone, or damaged: that stops no till. It says so, in English.
        for file in ["gone.po", "damaged.po"] {
            fs::write(dir.path().join("damaged.po"), "msgid \"").unwrap();
            assert_eq!(
                begins(&format!("language = \"fr\"\nlanguages = [{file:?}]")),
                Ok("en".into()),
                "{file}"
            );
        }
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
    fn the_drawers_pulse_is_as_ever_unless_something_else_is_said_and_harms_no_drawer() {
        let pulse = |more: &str| {
            let text = format!("[printer]\nusb = \"/dev/usb/lp0\"\n{more}");
            read(&text).map(|config| config.printer.unwrap().drawer_pulse().unwrap())
        };
        assert_eq!(pulse(""), Ok(DrawerKick::default()));
        let second = DrawerKick::default().on_pin(DrawerPin::Five);
        assert_eq!(pulse("drawer_pin = 5"), Ok(second));
        let longer = DrawerKick::new(DrawerPin::Two, 126, 504).unwrap();
        assert_eq!(pulse("drawer_pulse_ms = 126"), Ok(longer));
        for wrong in ["drawer_pin = 3", "drawer_pulse_ms = 0", "drawer_pulse_ms = 200"] {
            assert!(
                pulse(wrong).unwrap_err().contains("[printer] drawer_pul") || wrong.contains("pin"),
                "{wrong}"
            );
        }
        assert!(pulse("drawer_pin = 3").unwrap_err().contains("2 or 5"));
    }

    #[test]
    fn a_mistake_elsewhere_in_the_file_does_not_open_a_kiosk() {
        let dir = tempfile::tempdir().unwrap();
        for (text, meant) in [
            ("kiosk = true\ncolour = 1", true),
            ("\u{feff}kiosk = true\ncolour = 1", true),
            ("\"kiosk\" = \"True\"", true),
            ("kiosk_mode = true\nkiosk = 1", false),
            ("[[[\n  kiosk=true # all there is", true),
            ("kiosk = false\ncolour = 1", false),
            ("# kiosk = true\ncolour = 1", false),
            ("", false),
        ] {
            fs::write(dir.path().join("till.toml"), text).unwrap();
            assert_eq!(kiosk_is_meant(dir.path()), meant, "{text}");
        }
        fs::write(dir.path().join("till.toml"), b"# \xD6\xD0\xCE\xC4\nkiosk = true\n").unwrap();
        assert!(kiosk_is_meant(dir.path()), "a comment in another encoding");
        fs::remove_file(dir.path().join("till.toml")).unwrap();
        assert!(!kiosk_is_meant(dir.path()), "no file at all is no kiosk");
        fs::create_dir(dir.path().join("till.toml")).unwrap();
        assert!(kiosk_is_meant(dir.path()), "there is something, and it cannot be read");
        assert!(read("kiosk = true").unwrap().kiosk && !read("").unwrap().kiosk);
    }

    #[test]
    fn a_printers_model_decides_unless_something_is_said_beside_it() {
        let text = "[printer]\nusb = \"/dev/usb/lp0\"\nmodel = \"epson-tm-t88v\"\ncolumns = 40\n";
        let printer = read(text).unwrap().printer.unwrap();
        assert_eq!(printer.way(), Ok(PrinterWay::Usb("/dev/usb/lp0".parse().unwrap())));
        let profile = printer.profile();
        assert_eq!((profile.columns, profile.dots, profile.completion), (40, 512, Completion::ProcessId));
        let by_number = read("[printer]\nusb = \"04b8:0202#J6QK012345\"").unwrap().printer.unwrap();
        assert_eq!(by_number.way(), Ok(PrinterWay::Usb("04b8:0202#J6QK012345".parse().unwrap())));
        assert!(read("[printer]\nusb = \"lp0\"").unwrap_err().contains("usb: write maker and product"));
        assert!(read("[printer]\ntcp = \"x:1\"\nmodel = \"nobody\"").unwrap_err().contains("80mm"));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_place() {
        for (text, word) in [
            ("language = \"fr\"", "language"),
            ("[printer]\n", "serial"),
            ("[scanner]\nport = \"/dev/x\"\nframe = \"9N1\"", "[scanner]"),
            ("colour = 1", "colour"),
            ("colours = \"pink\"", "high_contrast"),
            ("text_size = 110", "text_size"),
            ("in_store_codes = [\"69IIIIIWWWWWC\"]", "in-store"),
            ("archive_after_days = 6", "archive_after_days"),
            ("[display]\nserial = \"/dev/x\"\nframe = \"9N1\"", "[display]"),
            ("[display]\nserial = \"/dev/x\"\ncommands = \"other\"", "commands"),
            ("[customer_screen]\nsize = [1024, 600]", "position"),
            ("[customer_screen]\nposition = [0, 0]\nsize = [300, 200]", "[customer_screen]"),
            ("[customer_screen]\nposition = [0, 0]\nsize = [700, 1024]", "wider"),
            ("[customer_screen]\nposition = [0, 70000]\nsize = [1024, 600]", "[customer_screen]"),
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
