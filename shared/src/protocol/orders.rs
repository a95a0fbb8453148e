//! Orders and payments, between a till and the server.
//!
//! Each request carries the signed journal entries that it rests on, so that the server never has to believe
//! more than what the till signed, and any server can serve it.

use crate::business_day::BusinessDay;
use crate::clock::Timestamp;
use crate::id::{Attempt, SaleKey};
use crate::journal::SignedEntry;
use crate::money::Amount;
use crate::order::{OrderState, PaidBy};
use crate::order_number::OrderNumber;
use crate::payment::{Action, DeclineReason, Payment, PaymentState, Policy};
use crate::refund::Refund;
use crate::secret::AuthCode;
use crate::wallet::Wallet;
use serde::{Deserialize, Serialize};

/// Asks for a number. May be repeated; every answer is only a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateDraft {
    /// The entry of the sale.
    pub sale: SignedEntry,
}

/// A number that the till may adopt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftCreated {
    /// The number. Its end names the group that holds the order.
    pub number: OrderNumber,
    /// The business day that the server gave the order.
    pub business_day: BusinessDay,
    /// How many groups were tried in vain before this one.
    pub jumps: u8,
}

/// Chooses a number for a sale. With `cash` the sale is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdoptOrder {
    /// The entry of the sale.
    pub sale: SignedEntry,
    /// The entry that adopts this number.
    pub adopted: SignedEntry,
    /// The entry that says that cash was taken, for a cash sale.
    pub cash: Option<SignedEntry>,
    /// The entry that says that a part was taken in cash before, if that was only the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cash_part: Option<SignedEntry>,
}

/// Charges a payment code. Adopts the number too, if that has not happened yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartPayment {
    /// The entry of the sale.
    pub sale: SignedEntry,
    /// The entry that adopts this number.
    pub adopted: SignedEntry,
    /// The entry that requests the payment.
    pub requested: SignedEntry,
    /// The entry that says that a part was taken in cash before, if only the rest is requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cash_part: Option<SignedEntry>,
    /// The customer's code.
    pub auth_code: AuthCode,
}

/// Asks for a code to show, for the customer to scan. Adopts the number too, if that has not happened yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowCode {
    /// The entry of the sale.
    pub sale: SignedEntry,
    /// The entry that adopts this number.
    pub adopted: SignedEntry,
    /// The entry that requests the payment.
    pub requested: SignedEntry,
    /// The entry that says that a part was taken in cash before, if only the rest is requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cash_part: Option<SignedEntry>,
}

/// Takes an attempt back instead of waiting on. The body of `POST …/take-back`; it may be empty if the server is
/// known to have the attempt. With the entries, an attempt that never reached the server is recorded as being
/// taken back, so that its number is surely dead before the next one is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeBack {
    /// The entry of the sale.
    pub sale: SignedEntry,
    /// The entry that adopts this number.
    pub adopted: SignedEntry,
    /// The entry that requested the payment.
    pub requested: SignedEntry,
    /// The entry that says that a part was taken in cash before, if only the rest is requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cash_part: Option<SignedEntry>,
}

/// Where an attempt stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentView {
    /// Which try.
    pub attempt: Attempt,
    /// Which wallet.
    pub wallet: Wallet,
    /// How much.
    pub amount: Amount,
    /// Where it stands.
    pub state: PaymentState,
    /// Since when.
    pub since: Timestamp,
    /// When waiting ends and taking back begins.
    pub deadline: Timestamp,
    /// What the server does next about it, and when.
    pub next: Option<NextStep>,
    /// Why it was declined or is being taken back.
    pub reason: Option<DeclineReason>,
    /// The wallet's number of the transaction, once paid.
    pub transaction: Option<String>,
    /// The server's clock at the time of this answer.
    pub server_time: Timestamp,
    /// The attempt is to be paid by a code that the till shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<ShownView>,
}

/// The code of an attempt, for the till to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownView {
    /// What the QR code holds; nothing while there is no code, and once it may not be paid any more.
    pub content: Option<String>,
    /// Nobody can pay by it after this.
    pub until: Timestamp,
    /// Then it is surely over, even if the wallet never says a word about it.
    pub over_at: Timestamp,
}

/// What the server does next about an attempt that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextStep {
    /// Ask the wallet, or take the payment back.
    pub what: StepKind,
    /// When.
    pub at: Timestamp,
}

/// A kind of [`NextStep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Take the payment back.
    TakeBack,
    /// Ask the wallet. So a program reads a step of a newer one, too: it is shown and no more.
    #[serde(other)]
    Ask,
}

impl PaymentView {
    /// The view of a payment at a moment.
    #[must_use]
    pub fn of(payment: &Payment, policy: &Policy, server_time: Timestamp) -> Self {
        let at = payment.next_at;
        let next = match payment.due(at.max(server_time), policy) {
            Some(Action::Query | Action::Show) => Some(NextStep { what: StepKind::Ask, at }),
            Some(Action::Reverse) => Some(NextStep { what: StepKind::TakeBack, at }),
            // The till is done with it.
            Some(Action::LookAgain) | None => None,
        };
        Self {
            attempt: payment.attempt,
            wallet: payment.wallet,
            amount: payment.amount,
            state: payment.state,
            since: payment.since,
            deadline: payment.deadline(policy),
            next,
            reason: payment.reason,
            transaction: payment.transaction.clone(),
            server_time,
            shown: payment.shown.as_ref().map(|shown| ShownView {
                content: payment.code_to_show().map(|(content, _)| content.to_owned()),
                until: shown.until,
                over_at: payment.surely_gone_at(policy),
            }),
        }
    }
}

/// An order as the till that made it sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Its number.
    pub number: OrderNumber,
    /// The sale.
    pub sale: SaleKey,
    /// Where it stands.
    pub state: OrderState,
    /// On which day it was sold.
    pub business_day: BusinessDay,
    /// What was to be paid.
    pub total: Amount,
    /// How it was paid.
    pub paid_by: Option<PaidBy>,
    /// All attempts to pay through a wallet.
    pub payments: Vec<PaymentView>,
    /// All refunds.
    pub refunds: Vec<Refund>,
    /// A till that is blocked handed it in: it waits for a person.
    pub quarantined: bool,
}
