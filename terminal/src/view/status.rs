//! The bar on every page.

/// How amounts are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoneyStyle {
    /// What stands before the digits, such as `¥` (no trailing space), or a code such as `CNY`.
    pub symbol: String,
    /// Digits after the point: 2 for CNY, 0 for JPY, 3 for KWD.
    pub decimals: u8,
}

/// The state of the till in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusBar {
    /// The store's name.
    pub store: String,
    /// The till's name in the store.
    pub till: String,
    /// The time of day in the store's zone, `14:05`.
    pub clock: String,
    /// The line to the server.
    pub link: Link,
    /// True if cash sales work now.
    pub cash_works: bool,
    /// True if payment codes work now.
    pub code_works: bool,
    /// Sales that stand on this till's disk and have not reached the server.
    /// `None` while the journal is not open: then nobody knows.
    pub unsent: Option<UnsentSales>,
    /// The receipt printer.
    pub printer: PrinterState,
    /// The barcode scanner.
    pub scanner: ScannerState,
    /// Who serves, if somebody has logged in.
    pub cashier: Option<String>,
    /// Refunds that wait to be carried out here.
    pub refunds_waiting: u32,
}

/// The line to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Trying for the first time.
    Connecting,
    /// The server answers.
    Online,
    /// No server answers.
    Offline,
}

/// The queue of sales to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnsentSales {
    /// How many.
    pub count: u32,
    /// Age of the oldest in seconds; 0 if there is none.
    pub oldest_seconds: u64,
    /// Entries of the journal, these sales among them, that the server is not known to have.
    pub entries: u64,
}

/// What the printer says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrinterState {
    /// None is configured.
    None,
    /// Ready.
    Ready,
    /// Works, but the roll is nearly empty.
    PaperLow,
    /// No paper.
    PaperOut,
    /// The cover is open.
    CoverOpen,
    /// The cutter is jammed or the head has failed.
    Fault,
    /// Does not answer or is not plugged in.
    Disconnected,
}

/// What the scanner says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScannerState {
    /// None is configured.
    None,
    /// Ready.
    Ready,
    /// Not plugged in.
    Disconnected,
}
