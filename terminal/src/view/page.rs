//! The pages.

use super::{
    AboutPage, AdjustPage, ApprovalPage, AskRefundPage, CountPage, DayPage, DrawerAmountPage, FaultPage,
    HeldPage, LockPage, OrderPage, OrdersPage, PrinterState, RefundsPage, ReportPage, ScannersPage,
    ShiftPage, TakenOff,
};
use evertill_shared::secret::SecretText;
use evertill_shared::wallet::Wallet;

/// The page in the middle of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The till is starting (opening its journal, looking for the server).
    Starting,
    /// Bring-up of a new till.
    Enrol(EnrolPage),
    /// The sale.
    Sale(SalePage),
    /// Changing a line, or the whole sale.
    Adjust(AdjustPage),
    /// A piece waits for its serial number.
    Serial(SerialPage),
    /// The sales that are held.
    Held(HeldPage),
    /// Waiting for the payment code on the customer's phone.
    AwaitCode(AwaitCodePage),
    /// Cash.
    Cash(CashPage),
    /// A payment by a wallet is under way or has ended without a receipt.
    Payment(PaymentPage),
    /// Paid.
    Done(DonePage),
    /// Refunds asked for by managers.
    Refunds(RefundsPage),
    /// Earlier sales of this till.
    Orders(OrdersPage),
    /// One of them.
    Order(Box<OrderPage>),
    /// A refund is asked for here.
    AskRefund(Box<AskRefundPage>),
    /// The till cannot sell.
    Fault(FaultPage),
    /// About this program.
    About(AboutPage),
    /// How the till stands.
    Day(DayPage),
    /// Setting the barcode scanner up.
    Scanners(ScannersPage),
    /// Locked.
    Lock(LockPage),
    /// Somebody is asked to approve something.
    Approval(ApprovalPage),
    /// Why is the drawer to be opened without a sale?
    Drawer,
    /// The drawer and its shift.
    Shift(ShiftPage),
    /// An amount for the drawer.
    DrawerAmount(DrawerAmountPage),
    /// The blind count.
    Count(CountPage),
    /// What happened in a shift.
    Report(ReportPage),
}

/// The steps of bring-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrolPage {
    /// Ask for the server and the code.
    Form(EnrolForm),
    /// Registered; IT has to activate.
    Waiting(EnrolWaiting),
}

/// The form of bring-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolForm {
    /// The server's address to begin with (what was typed before, or what is configured).
    pub server: String,
    /// True while the server is being asked.
    pub busy: bool,
    /// Why the last try did not work.
    pub failure: Option<EnrolFailure>,
    /// The one-time code that was scanned, for the box that it is typed into otherwise.
    pub scanned: Option<ScannedCode>,
}

/// A one-time code that was scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedCode {
    /// The code. It opens a store to whoever has it.
    pub code: SecretText,
    /// How many were scanned, so that the same one scanned again is put into its box again.
    pub times: u32,
}

/// Why bring-up did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrolFailure {
    /// The address cannot be read.
    AddressInvalid,
    /// The code is wrong.
    WrongCode {
        /// Tries that are left, if the server said so.
        tries_left: Option<u32>,
    },
    /// The code is too old or was used before.
    CodeSpent,
    /// Too many wrong codes: this till may not try now.
    Blocked {
        /// Seconds to wait; `None` if IT has to lift it.
        wait_seconds: Option<u64>,
    },
    /// No server answers at this address.
    NoNetwork,
    /// A server answers, but it is not the store's.
    ServerUntrusted,
    /// The till's clock is too far off.
    ClockWrong {
        /// How far, in seconds; positive if the till is ahead.
        ahead_seconds: i64,
    },
    /// The server refused for another reason; the code is for IT.
    Refused {
        /// The server's machine-readable code.
        code: String,
    },
}

/// Registered, not yet active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolWaiting {
    /// The server's address.
    pub server: String,
    /// The code by which IT finds this till.
    pub registration_code: String,
    /// The fingerprint of the till's key, in groups, to be compared by eye.
    pub fingerprint: String,
    /// What the QR code on screen holds.
    pub qr: String,
    /// True if the server answered the last question about activation.
    pub server_answers: bool,
}

/// The sale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalePage {
    /// The lines, oldest first. The newest is scrolled into view.
    pub lines: Vec<CartLine>,
    /// The total in minor units, after everything that was taken off.
    pub total_minor: i64,
    /// The tax inside it, in minor units.
    pub tax_minor: i64,
    /// What is taken off the whole.
    pub discount: Option<TakenOff>,
    /// What the customer wants to be noted; may be empty.
    pub note: String,
    /// Lines that were taken out again.
    pub lines_voided: u32,
    /// Sales that are held.
    pub held: u32,
    /// Items in all.
    pub item_count: u32,
    /// The text that is searched for. Going from some text to none empties the box on screen.
    pub search: String,
    /// What matches the search, best first; at most some twenty are worth showing.
    pub matches: Vec<Good>,
    /// Goods to tap.
    pub favourites: Vec<Good>,
}

/// A line of the sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartLine {
    /// Names the line in actions; stays the same while the sale lasts.
    pub line: u32,
    /// The name of the goods.
    pub name: String,
    /// How much.
    pub quantity: Quantity,
    /// Price of one piece, or of a kilogram, in minor units.
    pub unit_price_minor: i64,
    /// Total of the line in minor units, before its part of what is taken off the whole.
    pub total_minor: i64,
    /// What one cost before the price was overridden.
    pub was_minor: Option<i64>,
    /// What is taken off this line.
    pub discount: Option<TakenOff>,
    /// What is noted; may be empty.
    pub note: String,
    /// The serial number of the piece, if it is sold by one.
    pub serial: Option<String>,
}

/// A piece waits for its serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialPage {
    /// The number of this asking, which no other has.
    pub question: u32,
    /// The name of the goods.
    pub name: String,
    /// Scans that follow after it.
    pub waiting: u32,
}

/// How much of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Pieces; the till can change it.
    Pieces(u32),
    /// Weighed goods, in grams; fixed by the scale.
    Grams(u32),
}

/// Goods to tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Good {
    /// Names the goods in [`UserAction::AddProduct`](super::UserAction::AddProduct).
    pub id: String,
    /// The name.
    pub name: String,
    /// The barcode or short code.
    pub code: String,
    /// Price in minor units.
    pub price_minor: i64,
    /// The name of its picture, if the till has one; only of goods to tap.
    pub picture: Option<String>,
}

/// Waiting for the customer's payment code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwaitCodePage {
    /// The total in minor units.
    pub total_minor: i64,
    /// What of it is in cash in the drawer already, in minor units: the wallet is asked for the rest.
    pub part_minor: i64,
    /// Wallets whose codes are taken here.
    pub wallets: Vec<Wallet>,
    /// Wallets for which the till can show a code.
    pub shows: Vec<Wallet>,
    /// What is known of the drawer that the part was put into; not asked if there is none.
    pub drawer: DrawerState,
}

/// Cash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashPage {
    /// The total in minor units.
    pub total_minor: i64,
    /// What of it is in the drawer already, in minor units; 0 if nothing.
    pub part_minor: i64,
    /// What the customer gave now, in minor units; 0 at first.
    pub given_minor: i64,
    /// What that means.
    pub balance: CashBalance,
    /// Amounts to tap, in minor units: exactly what is left to pay first, then round ones, six at most; then notes that are
    /// less than that, three at most, where the rest can be paid by a wallet.
    pub quick_amounts_minor: Vec<i64>,
    /// What to do about the rest.
    pub rest: CashRest,
    /// What is known of the drawer that the part was put into; not asked if there is none.
    pub drawer: DrawerState,
}

/// What can be done about a rest that is not paid in cash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CashRest {
    /// Nothing: a wallet cannot be asked for it now.
    NotNow,
    /// It can be paid by a wallet, as soon as something is given that leaves one.
    GiveFirst,
    /// It can be paid by a wallet.
    ByWallet,
}

/// Given against total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CashBalance {
    /// More is needed.
    Missing {
        /// How much more, in minor units.
        minor: i64,
    },
    /// Enough: the sale can be completed.
    Change {
        /// To hand back, in minor units; may be 0.
        minor: i64,
    },
}

/// A payment by a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentPage {
    /// The total in minor units.
    pub total_minor: i64,
    /// What of it is in cash in the drawer, in minor units: the wallet is asked for the rest.
    pub part_minor: i64,
    /// Which wallet, as the code said.
    pub wallet: Option<Wallet>,
    /// The order's number, once it is known.
    pub order_number: Option<String>,
    /// Where it stands.
    pub state: PaymentState,
}

/// Where a payment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// On its way to the server and the wallet.
    Sending,
    /// The customer is typing the password.
    CustomerConfirming {
        /// Seconds so far.
        since_seconds: u64,
    },
    /// A code to show is on its way.
    PreparingCode,
    /// The customer may scan the code on the screen.
    ShowingCode {
        /// What the QR code holds.
        code: String,
        /// Seconds until it is closed.
        remaining_seconds: u64,
        /// The server answers; without it the code can be paid all the same, and nobody here hears of it yet.
        server_answers: bool,
    },
    /// Nobody knows yet: not paid, not failed. No second charge may start.
    Unknown {
        /// What is being done about it.
        step: UnknownStep,
        /// Seconds since it became unknown.
        since_seconds: u64,
        /// Seconds until the payment is taken back; `None` once that has begun or while no server answers. With
        /// [`UnknownStep::ClosingCode`]: until it is surely over.
        deadline_seconds: Option<u64>,
        /// True if the cashier may serve the next customer meanwhile.
        can_set_aside: bool,
    },
    /// Paid.
    Paid,
    /// The wallet said no; the customer was not charged.
    Declined(DeclineReason),
    /// It was taken back; the customer was not charged.
    Reversed,
}

/// What is being done about an unknown payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownStep {
    /// The server asks the wallet.
    AskingWallet,
    /// The payment is being taken back.
    TakingBack,
    /// The code that was shown is being closed; somebody may have paid by it.
    ClosingCode,
    /// The till cannot reach the server; it keeps trying.
    NoServer,
    /// The order's database does not answer; it waits for it.
    WaitingForGroup,
}

/// Why a payment was declined. In every case the customer was not charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeclineReason {
    /// Not enough money in the wallet.
    InsufficientFunds,
    /// The payment code was too old or used before.
    CodeExpired,
    /// The wallet does not know this payment code.
    CodeInvalid,
    /// The customer said no, or did not type the password in time.
    CustomerDeclined,
    /// Over a limit of the customer's or the shop's.
    LimitExceeded,
    /// The customer's account or bank refused.
    AccountRefused,
    /// The wallet is out of order.
    WalletUnavailable,
    /// The shop's account at the wallet is not in order: tell the manager.
    MerchantAccount,
    /// The shop's accounts at the wallet take no such amount.
    OutsideLimits,
    /// It never left the till: no network.
    NotSent,
    /// Something else; the code is for IT.
    Other {
        /// The machine-readable code.
        code: String,
    },
}

/// Paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DonePage {
    /// The total in minor units.
    pub total_minor: i64,
    /// How it was paid.
    pub paid_by: PaidBy,
    /// The order's number, or `None` while the sale waits in the queue.
    pub order_number: Option<String>,
    /// The till's own number of the sale, which is on the receipt.
    pub sale_number: String,
    /// The receipt.
    pub receipt: ReceiptState,
    /// The drawer.
    pub drawer: DrawerState,
}

/// What is known of a drawer that was to open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DrawerState {
    /// It was not to, or not since the program began.
    #[default]
    NotAsked,
    /// None is connected.
    NoDrawer,
    /// The printer that it hangs on has not said yet whether it sent the pulse.
    Asked,
    /// The printer sent the pulse.
    Opened,
    /// The printer did not say whether it did.
    Unknown,
    /// The printer surely did not, because it is like this.
    Shut(PrinterState),
    /// In training it stays shut.
    InTraining,
}

impl DrawerState {
    /// Somebody who needs it may have to open it by other means, or ask once more.
    #[must_use]
    pub fn may_be_shut(self) -> bool {
        matches!(self, Self::Unknown | Self::Shut(_))
    }
}

/// How a sale was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidBy {
    /// By a wallet.
    Wallet(Wallet),
    /// In cash.
    Cash {
        /// What the customer gave, in minor units.
        given_minor: i64,
        /// What goes back, in minor units.
        change_minor: i64,
    },
    /// In part in cash, the rest by a wallet.
    Split {
        /// In cash, in minor units.
        cash_minor: i64,
        /// Which wallet.
        wallet: Wallet,
        /// By the wallet, in minor units.
        wallet_minor: i64,
    },
}

/// What became of the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptState {
    /// No printer is configured.
    NoPrinter,
    /// Printing.
    Printing,
    /// The printer said that it is out.
    Printed,
    /// It surely did not come out.
    Failed {
        /// Why, as the printer says.
        printer: PrinterState,
    },
    /// The printer did not say: it may have come out. Only a marked copy may follow.
    Unknown,
}
