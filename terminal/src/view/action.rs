//! Everything that a person can do at the till's screen. Scans are not here: they come from the scanner itself.

use super::{AmountPurpose, Colours, PracticeCustomer, ScannerMarks, TextSize, Wallet};
use evertill_shared::journal::{CashReason, DrawerReason};
use evertill_shared::order::discount::Reason;
use evertill_shared::secret::SecretText;

/// Another day of the list of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayStep {
    /// The last day before on which something was sold.
    Earlier,
    /// The next day after on which something was sold.
    Later,
    /// Today.
    Today,
}

/// A discount as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypedOff {
    /// So many minor units.
    Minor(i64),
    /// So many hundredths of a per cent.
    Points(u16),
}

/// One touch (or key) of the person at the till.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserAction {
    /// Enrol with a server: both as typed.
    EnrolSubmit {
        /// The server's address, as typed.
        server: String,
        /// The one-time enrolment code, as typed.
        code: String,
    },
    /// Give up waiting for activation and enter another server or code.
    EnrolRestart,
    /// Add one of these goods to the sale (a favourite or a match of the search).
    AddProduct {
        /// [`Good::id`](super::Good::id).
        id: String,
    },
    /// The text in the search box has changed.
    SetSearch(String),
    /// Enter was pressed in the search box: add the goods whose code this is, or the only match.
    SubmitSearch(String),
    /// Change the quantity of a line by so many pieces.
    ChangeQuantity {
        /// [`CartLine::line`](super::CartLine::line).
        line: u32,
        /// Pieces to add; negative to take away.
        delta: i32,
    },
    /// Take a line out of the sale.
    RemoveLine {
        /// [`CartLine::line`](super::CartLine::line).
        line: u32,
    },
    /// Open the page that changes a line.
    OpenLine {
        /// [`CartLine::line`](super::CartLine::line).
        line: u32,
    },
    /// Open the page that changes the whole sale.
    OpenWhole,
    /// Sell so many of the goods on that page.
    SetQuantity {
        /// Pieces; none takes the line out.
        quantity: u32,
    },
    /// Take this off what is on that page, instead of what was taken off it before. May need an approval.
    TakeOff {
        /// How much.
        off: TypedOff,
        /// Why.
        reason: Reason,
    },
    /// Take nothing off it any more.
    TakeNothingOff,
    /// Sell the goods on that page at another price. May need an approval.
    OverridePrice {
        /// The price of one in minor units.
        minor: i64,
        /// Why.
        reason: Reason,
    },
    /// Sell them at their own price again.
    RestorePrice,
    /// Note something about what is on that page; nothing takes away what was noted.
    WriteNote {
        /// As typed.
        text: String,
    },
    /// Open the list of held sales.
    OpenHeld,
    /// Hold the sale in hand.
    Hold {
        /// Under which name; it gets a number if this is empty.
        name: String,
    },
    /// Take a held sale in hand.
    Recall {
        /// [`HeldRow::id`](super::HeldRow::id).
        id: u64,
    },
    /// Void the whole sale; the controller asks first with [`Confirm::VoidSale`](super::Confirm::VoidSale).
    VoidSale,
    /// The answer to the question on screen.
    Confirm {
        /// Which one: [`Screen::question`](super::Screen::question). To another one it is no answer.
        question: u32,
        /// Yes or no.
        yes: bool,
    },
    /// To the question whether an earlier customer's cash goes back ([`Confirm::CashLeft`](super::Confirm::CashLeft)): nobody
    /// came for it. The controller asks once more, with [`Confirm::CashKept`](super::Confirm::CashKept).
    NobodyCame {
        /// Which question: [`Screen::question`](super::Screen::question).
        question: u32,
    },
    /// Take this sale by the payment code on the customer's phone.
    TenderCode,
    /// Show a code of this wallet's, for the customer to scan.
    ShowCode {
        /// Whose.
        wallet: Wallet,
    },
    /// Take this sale in cash.
    TenderCash,
    /// What the customer gave so far, as the keypad or a quick amount says.
    CashGiven {
        /// Minor units.
        minor: i64,
    },
    /// The cash is in the drawer: complete the sale.
    CashConfirm,
    /// What was given is a part: it is in the drawer, and the rest is to be paid by a wallet.
    CashPart,
    /// Give the part back that was taken in cash; the controller asks first with
    /// [`Confirm::CashBack`](super::Confirm::CashBack).
    CashBack,
    /// Go back one step (from a tender, a list or a declined payment to the sale).
    Back,
    /// Go on with other customers while this payment stays unknown and is watched.
    SetAside,
    /// Take the payment on screen back now, instead of waiting for its deadline.
    TakeBack,
    /// Begin the next sale.
    NextSale,
    /// Print the receipt that did not come out.
    PrintReceipt,
    /// Open the drawer once more for the sale that is on screen: it did not open, or may not have.
    OpenDrawerAgain,
    /// Print a copy of the receipt on screen, marked as a copy.
    PrintCopy,
    /// Open the list of refunds.
    OpenRefunds,
    /// Carry out this refund; the controller asks first with
    /// [`Confirm::CarryOutRefund`](super::Confirm::CarryOutRefund).
    CarryOutRefund {
        /// [`RefundItem::id`](super::RefundItem::id).
        id: String,
    },
    /// Open the list of orders.
    OpenOrders,
    /// The text in the search of orders has changed.
    SetOrderSearch(String),
    /// Enter was pressed there: open the order that it names.
    SubmitOrderSearch(String),
    /// Turn the list's page: to older ones, or back to newer ones.
    TurnOrders {
        /// To older ones.
        older: bool,
    },
    /// Show another day's orders.
    OrdersOf(DayStep),
    /// Open one order.
    OpenOrder {
        /// [`OrderRow::id`](super::OrderRow::id).
        id: String,
    },
    /// Print a copy of an earlier receipt, marked as a copy.
    Reprint {
        /// [`OrderRow::id`](super::OrderRow::id).
        id: String,
    },
    /// Ask for a refund of the order on screen.
    AskRefund,
    /// So many pieces more of a line of the order come back; negative for less.
    RefundPick {
        /// The place of the line, 0 for the first.
        line: u32,
        /// Pieces.
        delta: i32,
    },
    /// All that is left of the order goes back.
    RefundWhole,
    /// So much goes back.
    RefundAmount {
        /// Minor units.
        minor: i64,
    },
    /// Why it goes back.
    RefundReason(String),
    /// What is asked for is settled: somebody has to approve it. Who, and their PIN, follow with
    /// [`UserAction::ChoosePerson`] and [`UserAction::Unlock`].
    RefundGoOn,
    /// Nobody approves it here: send it to the console, or ask how it stands there.
    RefundToConsole,
    /// Open the page about this program.
    OpenAbout,
    /// End the program that is all that there is on the screen. Takes a right, and a PIN that shows it.
    EndProgram,
    /// Switch the till to training. May need an approval.
    BeginTraining,
    /// In training: end it. All that was practised goes with it.
    EndTraining,
    /// In training: instead of a scan, the practice code of such a customer.
    PracticeScan(PracticeCustomer),
    /// Open the page about how the till stands.
    OpenDay,
    /// There: print something that is no receipt.
    TestPrint,
    /// Open the drawer's page.
    OpenDrawerPage,
    /// Ask why the drawer is to be opened without a sale.
    ChooseNoSale,
    /// Type an amount: a shift's float, or money that is put in or taken out.
    DrawerAmount(AmountPurpose),
    /// What the keypad says so far.
    AmountTyped {
        /// Minor units.
        minor: i64,
    },
    /// Why the money is put in or taken out.
    ChooseCashReason(CashReason),
    /// The amount is right.
    AmountConfirm,
    /// Count the drawer, to end the shift.
    EndShift,
    /// The pieces of this value are typed from here on.
    CountChoose {
        /// [`CountRow::value_minor`](super::CountRow::value_minor).
        value_minor: i64,
    },
    /// A key of the count: a digit, `back`, `clear` or `next`.
    CountKey(String),
    /// All is counted; the controller asks first with [`Confirm::EndShift`](super::Confirm::EndShift).
    CountConfirm,
    /// Show what happened in the shift so far (X report).
    ReadShift,
    /// Show the report of the shift that ended last (Z report).
    LastShift,
    /// Print the report on screen.
    PrintReport,
    /// Open the drawer without a sale.
    NoSale {
        /// What for.
        reason: DrawerReason,
    },
    /// Open the page where the barcode scanner is set up.
    OpenScanners,
    /// Look again which scanners are plugged in.
    FindScanners,
    /// Use this scanner from here on.
    UseScanner {
        /// [`ScannerRow::id`](super::ScannerRow::id).
        id: String,
    },
    /// Use the scanner that `till.toml` names again.
    UseWrittenScanner,
    /// The scanner puts this in front of each code.
    SetScannerMarks(ScannerMarks),
    /// How the scanner ends a code.
    SetScannerEnd {
        /// By a pause; else by Enter, Tab or a line end.
        by_pause: bool,
    },
    /// The scanner on a serial line sends so fast.
    SetScannerBaud {
        /// Bits per second: one of [`USUAL_BAUD`](super::USUAL_BAUD).
        baud: u32,
    },
    /// Whether people type on the scanner's device, too.
    SetScannerTyping(bool),
    /// Lock the till, or let another person take over.
    Lock,
    /// This person is going to type the PIN, at the lock or for an approval.
    ChoosePerson {
        /// [`LockPerson::login`](super::LockPerson::login).
        login: String,
    },
    /// The PIN of the chosen person, at the lock or for an approval.
    Unlock {
        /// The digits.
        pin: SecretText,
    },
    /// The serial number of the piece that waits for it.
    SerialTyped {
        /// The asking that was on screen.
        question: u32,
        /// What was typed; a scanner that nobody has set up types payment codes, too.
        text: SecretText,
    },
    /// The piece that waits for its serial number is not sold.
    NoSerial {
        /// The asking that was on screen.
        question: u32,
    },
    /// Put the notice away.
    DismissNotice,
    /// Try again to recover from the fault on screen.
    RetryFault,
    /// Speak this language.
    Language {
        /// Its code.
        code: String,
    },
    /// Colour the screens like this.
    Colours(Colours),
    /// Write all words so large.
    TextSize(TextSize),
}

impl UserAction {
    /// What stands in it in somebody's own words, and would be written down, sent, printed or shown: the boxes of the screens,
    /// but for the searches, which end otherwise, and for the serial number, which says itself what it is not.
    #[must_use]
    pub fn words(&self) -> [&str; 2] {
        match self {
            Self::EnrolSubmit { server, code } => [server, code],
            Self::WriteNote { text: words } | Self::Hold { name: words } | Self::RefundReason(words) => {
                [words, ""]
            }
            Self::TakeOff { reason, .. } | Self::OverridePrice { reason, .. } => [&reason.text, ""],
            _ => ["", ""],
        }
    }
}
