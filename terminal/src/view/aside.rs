//! The pages beside the sale: refunds, faults, about.

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
    /// When it was carried out here, `14:05`; empty before.
    pub begun_at: String,
    /// When the server asks the wallet again, `14:05`; empty where it does not, or does not say.
    pub next_at: String,
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
    /// The program is all that there is on the screen: somebody who may can end it here.
    pub may_end: bool,
}
