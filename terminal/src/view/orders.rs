//! Earlier sales of this till: the list, and one of them.

use evertill_shared::protocol::refunds::CodeRefused;

use super::{DeclineReason, LockPerson, LockState, ReceiptState, RefundRefusal, RefundState, Wallet};

/// Orders of this till.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrdersPage {
    /// Newest first; a page of them.
    pub orders: Vec<OrderRow>,
    /// What is searched for, as typed. Going from some text to none empties the box on screen.
    pub search: String,
    /// What the list shows, or what is wrong with what was typed.
    pub hint: OrdersHint,
    /// The day of the list, `2026-11-20`; of a search over all days the day that it began from.
    pub day: String,
    /// That day is today.
    pub is_today: bool,
    /// There are newer ones on the page before.
    pub has_newer: bool,
    /// There are older ones on a page after this.
    pub has_older: bool,
    /// There was a sale on an earlier day.
    pub has_earlier_day: bool,
    /// There was a sale on a later day.
    pub has_later_day: bool,
    /// They cannot be shown, since this file of the archive is missing or damaged.
    pub archive_missing: Option<String>,
}

/// What a list of orders shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrdersHint {
    /// A day's orders.
    #[default]
    Day,
    /// That day's orders up to a time.
    Time,
    /// Orders of all days with this total.
    Amount {
        /// Which, in minor units.
        minor: i64,
    },
    /// The one order that was named.
    Named,
    /// An order number that is not finished yet.
    MoreDigits {
        /// How many digits there are.
        have: u32,
    },
    /// Longer than any order number.
    TooManyDigits {
        /// How many digits there are.
        have: u32,
    },
    /// The check digit says that something is mistyped.
    Mistyped,
    /// Neither a number nor an amount, a time or a day.
    NotUnderstood,
}

/// One order in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Names the order in actions.
    pub id: String,
    /// The order's number, or the till's own number of the sale while it waits in the queue.
    pub number: String,
    /// When it was made, `14:05`; with the day where the list goes over several.
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

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderPage {
    /// Names the order in actions.
    pub id: String,
    /// The order's number in groups of five digits; none while the sale waits in the queue.
    pub number: Option<String>,
    /// The till's own number of the sale.
    pub sale_number: String,
    /// When it was closed for payment, `2026-11-20 14:03`.
    pub at: String,
    /// Who served, if anybody logs in.
    pub cashier: Option<String>,
    /// The total in minor units.
    pub total_minor: i64,
    /// Where it stands.
    pub state: OrderState,
    /// What to do about it now.
    pub advice: OrderAdvice,
    /// The goods.
    pub lines: Vec<OrderLine>,
    /// How it was paid.
    pub tenders: Vec<OrderTender>,
    /// Attempts to charge a wallet, oldest first.
    pub attempts: Vec<OrderAttempt>,
    /// Money that went back or is to go back, oldest first.
    pub refunds: Vec<OrderRefund>,
    /// What became of its receipt.
    pub receipt: ReceiptState,
    /// How many copies of it may be on paper.
    pub copies: u32,
    /// True if a copy of its receipt can be printed.
    pub can_reprint: bool,
    /// True if its receipt surely did not come out and can be printed still.
    pub can_print: bool,
    /// True if a refund can be asked for here.
    pub can_refund: bool,
}

/// What to do about an order now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderAdvice {
    /// It is in hand: go back to the sale.
    FinishSale,
    /// The payment is unknown: wait, and charge nothing.
    Wait,
    /// It is paid, and goes to the server by itself.
    SendsItself,
    /// Nothing was charged: it can be sold again.
    SellAgain,
    /// A manager has to accept it in the console.
    Quarantined,
    /// A refund waits under "Refunds".
    RefundWaits,
    /// A refund is under way or unknown: not to be done again.
    RefundUnderWay,
    /// All of it went back.
    AllRefunded,
    /// It is of another day: refunds go through the wallet's own merchant system.
    AnotherDay,
    /// Nothing: it is paid.
    Nothing,
}

/// Goods of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// What it is.
    pub name: String,
    /// The serial number of the piece, if it was sold by one.
    pub serial: Option<String>,
    /// How many.
    pub quantity: u32,
    /// The price of one, in minor units.
    pub unit_price_minor: i64,
    /// The price of all, in minor units.
    pub total_minor: i64,
}

/// How an order was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderTender {
    /// In cash.
    Cash {
        /// What the customer gave, in minor units.
        given_minor: i64,
        /// What went back, in minor units.
        change_minor: i64,
    },
    /// By a wallet.
    Wallet {
        /// Whose.
        wallet: Wallet,
        /// How much, in minor units.
        minor: i64,
        /// The wallet's own number of the payment.
        transaction: Option<String>,
    },
}

/// One attempt to charge a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderAttempt {
    /// Which try, 1 for the first.
    pub number: u32,
    /// Whose code it was.
    pub wallet: Wallet,
    /// When, `14:05`.
    pub time: String,
    /// How it ended.
    pub end: AttemptEnd,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// Nobody knows yet.
    Unknown,
    /// Paid.
    Paid,
    /// The wallet said no.
    Declined(DeclineReason),
    /// Taken back; the customer was not charged.
    Reversed,
}

/// Money of an order that went back, or is to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRefund {
    /// How much, in minor units.
    pub amount_minor: i64,
    /// When it was asked for or carried out, `14:05`.
    pub time: String,
    /// Who approved it, if that is known here.
    pub approved_by: Option<String>,
    /// Where it stands.
    pub state: RefundState,
}

/// A refund that is asked for at this till.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskRefundPage {
    /// The order's number in groups of five digits.
    pub order_number: String,
    /// The goods of the order, and how many of each come back.
    pub lines: Vec<AskedLine>,
    /// What may still go back, as far as the till knows, in minor units.
    pub left_minor: i64,
    /// What is asked for, in minor units.
    pub amount_minor: i64,
    /// Of an order that was paid in parts, where that goes: to the wallet and in cash, in minor units.
    pub parts_minor: Option<(i64, i64)>,
    /// Why; empty until something is chosen.
    pub reason: String,
    /// What is asked for is settled; somebody has to approve it.
    pub approving: bool,
    /// It can be asked for: an amount within what is left, and a reason.
    pub ready: bool,
    /// It can be sent to the console, for a manager there.
    pub may_wait: bool,
    /// Who may approve it.
    pub people: Vec<LockPerson>,
    /// The login of the person whose PIN is typed.
    pub chosen: Option<String>,
    /// How it stands with the PIN.
    pub pin: LockState,
    /// What the last try came to.
    pub said: AskedSaid,
}

/// Goods that may come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedLine {
    /// What it is.
    pub name: String,
    /// The serial number of the piece, if it was sold by one.
    pub serial: Option<String>,
    /// How many were sold.
    pub quantity: u32,
    /// How many come back.
    pub picked: u32,
    /// The price of all that were sold, in minor units.
    pub total_minor: i64,
}

/// What asking for a refund came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedSaid {
    /// Nothing yet.
    Nothing,
    /// The server refused; nothing was reserved.
    Refused(RefundRefusal),
    /// The person may not approve refunds any more.
    NotApprover,
    /// The code that was scanned approves nothing here; nothing was asked for.
    CodeRefused(CodeRefused),
    /// No server can be reached; nothing was asked for.
    Offline,
    /// No answer came: it may have been reserved. Only the same may be asked for again, and counts once.
    NoAnswer,
    /// The same was asked for before, and approved by somebody else: it waits under "Refunds".
    AskedBefore,
    /// It waits for a manager in the console; nothing is reserved.
    WaitsInConsole,
    /// This manager refused it in the console.
    RefusedInConsole(String),
    /// It waited in the console, and nobody approved it on the day of the sale.
    Expired,
}
