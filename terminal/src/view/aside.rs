//! The pages beside the sale: refunds, orders, faults, about.

/// Refunds asked for by managers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefundsPage {
    /// Newest first.
    pub items: Vec<RefundItem>,
}

/// One refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundItem {
    /// Names the refund in actions.
    pub id: String,
    /// The order that is refunded.
    pub order_number: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// True if the money is handed over from the drawer, false if it goes back to the wallet.
    pub cash: bool,
    /// The manager who asked.
    pub asked_by: String,
    /// The manager's reason, in the manager's words.
    pub why: String,
    /// When it was asked, `14:05`.
    pub asked_at: String,
    /// Where it stands.
    pub state: RefundState,
}

/// Where a refund stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundState {
    /// Waits for this till.
    Waiting,
    /// Under way.
    Working,
    /// Done.
    Done,
    /// No answer yet: it is asked about until it is known. Not to be done again by hand.
    Unknown,
    /// Refused; no money moved.
    Refused(RefundRefusal),
}

/// Why a refund was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundRefusal {
    /// The order was made at another till.
    OtherTerminal,
    /// The order is not of today's business day.
    OtherDay,
    /// More than what was paid and is not yet refunded.
    MoreThanPaid,
    /// The order was never paid.
    NotPaid,
    /// The manager took the request back.
    Withdrawn,
    /// The shop's account at the wallet has not enough money.
    MerchantBalance,
    /// The till cannot reach the server, so nothing was started.
    NoNetwork,
    /// Something else; the code is for IT.
    Other {
        /// The machine-readable code.
        code: String,
    },
}

/// Orders of this till today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrdersPage {
    /// Newest first.
    pub orders: Vec<OrderRow>,
}

/// One order in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Names the order in actions.
    pub id: String,
    /// The order's number, or the till's own number of the sale while it waits in the queue.
    pub number: String,
    /// When it was made, `14:05`.
    pub time: String,
    /// The total in minor units.
    pub total_minor: i64,
    /// Where it stands.
    pub state: OrderState,
    /// True if a copy of its receipt can be printed.
    pub can_reprint: bool,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Not yet paid.
    Open,
    /// Paid and known to the server.
    Paid,
    /// Paid in cash; waits in the queue.
    PaidUnsent,
    /// The payment is unknown.
    Unknown,
    /// The payment was taken back.
    Reversed,
    /// Declined or given up; nothing was charged.
    NotPaid,
    /// Part of it was refunded.
    PartlyRefunded,
    /// All of it was refunded.
    Refunded,
    /// The server keeps it apart until a person decides.
    Quarantined,
}

/// Why the till cannot sell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultPage {
    /// IT has blocked this till.
    Blocked,
    /// IT has retired this till.
    Retired,
    /// The journal on the disk is damaged.
    JournalDamaged {
        /// The first entry that does not verify, if it can be named.
        entry: Option<u64>,
    },
    /// The server has seen another continuation of this till's journal: the disk was put back or copied.
    JournalForked,
    /// Another program holds the journal.
    JournalInUse,
    /// The disk is full.
    DiskFull,
    /// The till's key cannot be read.
    KeyUnreadable,
    /// The configuration cannot be used.
    BadConfiguration {
        /// Which part, for IT.
        detail: String,
    },
    /// Something else; the detail is for IT.
    Other {
        /// A machine-readable code.
        detail: String,
    },
}

/// About this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AboutPage {
    /// The program's version.
    pub version: String,
    /// The server's address.
    pub server: String,
    /// The fingerprint of the till's key.
    pub fingerprint: String,
}
