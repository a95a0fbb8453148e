//! What the controller is told, and what it orders.

use super::PictureShelf;
use crate::catalogue_store::{Goods, SearchText};
use crate::config::{Identity, ScannerConfig};
use crate::journal_store::{Journal, JournalError};
use crate::sync::{Answer, Request};
use crate::view::{
    Colours, DisplayState, EnrolFailure, FaultPage, Language, PrinterState, ScannerState, Screen, TextSize,
    UserAction,
};
use evertill_hardware::ScanText;
use evertill_hardware::label::in_store::InStoreRule;
use evertill_hardware::scanner::Found;
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::enrol::Enrolled;
use evertill_shared::protocol::pictures::Pictures;
use evertill_shared::protocol::till_staff::TillStaff;
use evertill_shared::receipt::Receipt;
use evertill_shared::secret::SecretText;
use std::collections::BTreeMap;
use std::time::Duration;

/// A moment by both clocks of the till.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the clock on the wall; may be wrong and may jump.
    pub wall: Timestamp,
    /// Since the program began; for waiting and measuring.
    pub monotonic: Duration,
}

/// What is fixed while the program runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The language to begin with.
    pub language: Language,
    /// All that the till speaks, in the order in which one touch leads through them.
    pub languages: Vec<Language>,
    /// What is wrong with the files of others, in words.
    pub languages_wrong: Vec<String>,
    /// The colours to begin with.
    pub colours: Colours,
    /// The size of words to begin with.
    pub text_size: TextSize,
    /// The program's version.
    pub version: String,
    /// The servers that are configured.
    pub servers: Vec<String>,
    /// A printer is configured.
    pub has_printer: bool,
    /// The scanner to begin with, if there is one.
    pub scanner: Option<ScannerConfig>,
    /// What the shop's template for receipts is known by that the till has; empty if it has none.
    pub receipt_template: String,
    /// The goods' pictures that the till has.
    pub pictures: PictureShelf,
    /// The one that `till.toml` names, whatever was chosen here since.
    pub written_scanner: Option<ScannerConfig>,
    /// How the store's own codes with a weight or a price inside are built.
    pub in_store: Vec<InStoreRule>,
    /// After so long without a touch the till locks, if anybody has a PIN; zero for never.
    pub lock_after: Duration,
    /// So many days after a server has countersigned them entries go into the archive; 0 for never.
    pub archive_after_days: u16,
    /// The store sells only while a shift is open.
    pub demand_shifts: bool,
    /// The program is all that there is on the screen, and only a right ends it.
    pub kiosk: bool,
}

/// Something that happened.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time comes in; the large one is the server's answer, which is the commonest"
)]
pub enum Input {
    /// A person touched the screen.
    Action(UserAction),
    /// Something was scanned.
    Scan(ScanText),
    /// Something was scanned that must not be used.
    ScanRefused,
    /// The scanner came or went.
    Scanner(ScannerState),
    /// The end of [`Command::FindScanners`].
    ScannersFound(Vec<Found>),
    /// The printer says how it is.
    Printer(PrinterState),
    /// What became of a print job.
    Printed {
        /// Its number.
        job: u64,
        /// What is known of it.
        report: PrintReport,
    },
    /// What became of a kick of the drawer.
    Kicked {
        /// Its number.
        kick: u64,
        /// What is known of it.
        report: PrintReport,
    },
    /// What became of a test print.
    TestPrinted(PrintReport),
    /// What became of a picture that was to be kept.
    PictureKept {
        /// Its name.
        name: String,
        /// It can be shown.
        is_good: bool,
    },
    /// The customer's display came or went.
    Display(DisplayState),
    /// The key is there, and what the till knows of itself.
    Started {
        /// Who it is; none before it has registered.
        identity: Option<Identity>,
        /// The fingerprint of its key.
        fingerprint: String,
    },
    /// The till cannot begin.
    CannotStart(FaultPage),
    /// The end of [`Command::Enrol`].
    Enrolled(Result<EnrolledAs, EnrolError>),
    /// The end of [`Command::OpenJournal`].
    JournalOpened(Result<Box<dyn Journal>, JournalError>),
    /// The goods on the till's disk.
    GoodsOpened(Box<Goods>),
    /// Their names, to be searched.
    NamesRead(SearchText),
    /// Who may log in, as it stands on the till's disk, and how often somebody guessed.
    StaffLoaded {
        /// Who.
        staff: TillStaff,
        /// Wrong PINs since the last right one, by login.
        wrong: BTreeMap<String, u32>,
    },
    /// The end of [`Command::CheckPin`].
    PinChecked {
        /// Whose.
        login: String,
        /// It is theirs.
        right: bool,
    },
    /// The server's answer, or its absence.
    Net(Answer),
    /// Time has passed.
    Tick,
}

/// The till has registered.
#[derive(Clone, Debug)]
pub struct EnrolledAs {
    /// The server that took it.
    pub server: String,
    /// What it is now.
    pub enrolled: Enrolled,
}

/// Why registering did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolError(pub EnrolFailure);

/// What is known of a print job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintReport {
    /// It is on paper.
    Confirmed,
    /// Nobody knows.
    Unknown,
    /// Not a byte went out.
    NotStarted(PrinterState),
}

/// One thing for the printer's thread to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintOrder {
    /// The number under which it is stored.
    pub job: u64,
    /// What.
    pub receipt: Receipt,
    /// In which language.
    pub language: Language,
}

/// Something to do.
pub enum Command {
    /// Show this.
    Show(Box<Screen>),
    /// Ask the server.
    Send(Request),
    /// Print this, once.
    Print(Box<PrintOrder>),
    /// Print something that is no receipt, then [`Input::TestPrinted`].
    TestPrint {
        /// In which language.
        language: Language,
    },
    /// Keep which goods have which picture, and no picture besides.
    KeepPictures(Pictures),
    /// Keep this picture if it can be shown, then [`Input::PictureKept`].
    KeepPicture {
        /// What it is known by.
        name: String,
        /// As it came.
        bytes: Vec<u8>,
    },
    /// Open the drawer, once, then [`Input::Kicked`].
    KickDrawer {
        /// The number of the kick, since the program began.
        kick: u64,
    },
    /// Begin anew: the key, who the till is, then [`Input::Started`].
    Start,
    /// Register with this server.
    Enrol {
        /// `https://host:port`.
        server: String,
        /// The one-time code.
        code: SecretText,
    },
    /// Store who the till is, and talk to the server as that from here on.
    SaveIdentity(Box<Identity>),
    /// Forget who the till was about to become.
    ForgetIdentity,
    /// Speak this language at the next start too.
    KeepLanguage(Language),
    /// Have these colours at the next start too.
    KeepColours(Colours),
    /// Have words of this size at the next start too.
    KeepTextSize(TextSize),
    /// Open the journal and load the goods.
    OpenJournal(Box<Identity>),
    /// Look which scanners are plugged in, then [`Input::ScannersFound`].
    FindScanners,
    /// Use this scanner from here on, and at the next start too.
    UseScanner(Box<ScannerConfig>),
    /// Use the scanner that `till.toml` names, here and at the next start: what was chosen here is forgotten.
    UseWrittenScanner,
    /// Keep the shop's template for receipts, or forget it; it counts from the next receipt on.
    KeepReceiptTemplate(Option<String>),
    /// End the program: somebody who may has said so.
    EndProgram,
    /// Find what a training is made of, for [`Front`](crate::front::Front) to begin it.
    BeginTraining,
    /// Store who may log in.
    SaveStaff(TillStaff),
    /// Store how often somebody guessed.
    KeepWrongPins(BTreeMap<String, u32>),
    /// Check a PIN, then [`Input::PinChecked`].
    CheckPin {
        /// Whose.
        login: String,
        /// What was typed.
        pin: SecretText,
        /// What it is checked against.
        verifier: SecretText,
    },
}
