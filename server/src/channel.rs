//! Payment channels: one trait, a folder per wallet, and a line in [`registered`]. Which wallet and account serves a sale
//! is data.
//!
//! A channel reports what it *knows*. Every outcome distinguishes the channel's authentic, definite word from
//! everything else; everything else is unknown (rule *known-or-unknown*). Answers are compared with what was
//! asked (number, amount, merchant): a mismatch is unknown, and told loudly, see [`mismatch`].

pub mod adapter;
pub mod alipay;
pub mod bills;
mod domains;
pub mod files;
pub mod line;
pub mod mismatch;
pub mod registered;
mod rsa;
mod silence;
pub mod wechat;
pub(crate) mod words;

use bills::Bills;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{ChannelNumber, Interface, RefundId};
use evertill_shared::money::Amount;
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome, ShownOutcome};
use evertill_shared::secret::AuthCode;
use evertill_shared::wallet::Wallet;
use line::DomainHealth;
use mismatch::Mismatches;
use std::future::Future;
use std::pin::Pin;

/// A boxed future, so that channels can stand behind `dyn`.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is asked of a channel when a code is charged.
#[derive(Clone, Debug)]
pub struct Charge {
    /// The number that the channel sees.
    pub number: ChannelNumber,
    /// How much.
    pub amount: Amount,
    /// By which version of the wallet's interface, as it stands in the intent.
    pub interface: Interface,
    /// The customer's code. Never stored, never logged.
    pub auth_code: AuthCode,
    /// What the customer's wallet shows: the store's name.
    pub description: String,
    /// Which till, as the wallet's bill shows it.
    pub device: String,
}

/// What is asked of a channel when money goes back.
#[derive(Clone, Debug)]
pub struct ChannelRefund {
    /// The refund's own number: the same at every retry.
    pub refund: RefundId,
    /// The number under which was paid.
    pub number: ChannelNumber,
    /// How much was paid.
    pub paid: Amount,
    /// How much goes back.
    pub amount: Amount,
    /// By which version of the wallet's interface was paid.
    pub interface: Interface,
    /// Why, as the customer may see it.
    pub reason: String,
}

/// What is said about a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelRefundOutcome {
    /// The money goes back: the channel's authentic word.
    Done,
    /// The channel has accepted it and is at work: ask later.
    Processing,
    /// The money has left the merchant and does not reach the customer: a person finishes it at the wallet. In words.
    NeedsAPerson(String),
    /// Surely not, in the channel's own words. Asked again it may do it.
    Refused(String),
    /// The channel knows the refund and has closed it: under this number no money moved, and none ever will. In words.
    Closed(String),
    /// No such refund: provisional; send it again under the same number.
    NoSuchRefund,
    /// No definite answer: ask, and send again under the same number.
    Unknown,
}

/// One wallet's protocol and account. Every call has its own time limit inside and returns within it.
pub trait Channel: Send + Sync {
    /// Which wallet it speaks to.
    fn wallet(&self) -> Wallet;
    /// Charges a code. What can be made ready, a signature say, is made ready at once; nothing leaves before the answer is
    /// first polled, and the intent must be durable before that (rule *intent-first*).
    fn pay<'a>(&'a self, charge: &'a Charge) -> Answer<'a, PayOutcome>;
    /// Asks where an attempt stands. `amount` is compared with the answer.
    fn query<'a>(&'a self, number: &'a ChannelNumber, amount: Amount) -> Answer<'a, QueryOutcome>;
    /// Takes an attempt back.
    fn reverse<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome>;
    /// The same of an attempt that was made by that version of the wallet's interface, where the wallet has several.
    fn reverse_made_by<'a>(
        &'a self,
        number: &'a ChannelNumber,
        interface: Interface,
    ) -> Answer<'a, ReverseOutcome> {
        let _ = interface;
        self.reverse(number)
    }
    /// By which version of the wallet's interface a code is charged as things are set up now: it is written down with the
    /// intent, and the attempt stays with it, whatever is set up later.
    fn interface(&self) -> Interface {
        Interface::NOT_KNOWN
    }
    /// Gives money back.
    fn refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome>;
    /// Asks where a refund stands.
    fn query_refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome>;
    /// How much of what was paid under a number has surely gone back, by all of its refunds and whoever asked for them; nothing
    /// if the wallet does not tell, or gave no definite answer.
    fn went_back<'a>(&'a self, number: &'a ChannelNumber, paid: Amount) -> Answer<'a, Option<Amount>> {
        let _ = (number, paid);
        Box::pin(async { None })
    }

    /// The answers that were about something else than was asked, if it keeps note of them.
    fn mismatches(&self) -> Option<&Mismatches> {
        None
    }

    /// How the addresses that it calls stand.
    fn domains(&self) -> Vec<DomainHealth> {
        Vec::new()
    }

    /// Its bills, if it has any.
    fn bills(&self) -> Option<&dyn Bills> {
        None
    }
    /// Codes for the till to show, if this wallet has them.
    fn shown(&self) -> Option<&dyn ShownCodes> {
        None
    }
}

/// A code to be made, for the customer to scan.
#[derive(Clone, Debug)]
pub struct ShownOrder {
    /// The number that the channel sees.
    pub number: ChannelNumber,
    /// How much.
    pub amount: Amount,
    /// What the customer's wallet shows: the store's name.
    pub description: String,
    /// Which till, as the wallet's bill shows it.
    pub device: String,
    /// The channel itself must take no payment by the code after this.
    pub until: Timestamp,
}

/// What an authentic notification speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notified {
    /// Which attempt.
    pub number: ChannelNumber,
    /// How much, as it says.
    pub amount: Amount,
    /// The wallet's number of the transaction.
    pub transaction: String,
}

/// Why a notification is not taken in. Nothing changes by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    /// No notification of that wallet at all.
    #[error("the notification cannot be read: {0}")]
    Unreadable(&'static str),
    /// Not signed by the wallet, or changed since.
    #[error("the notification is not authentic")]
    NotAuthentic,
    /// Authentic, and yet not for this merchant, or without what it must say.
    #[error("the notification's {0} is missing, or is not ours")]
    Mismatch(&'static str),
}

/// Codes that the till shows and the customer scans.
pub trait ShownCodes: Send + Sync {
    /// Asks for a code under this number. Repeating it under the same number with the same content takes no money; but
    /// the newest code may be the only one that can be paid.
    fn create<'a>(&'a self, order: &'a ShownOrder) -> Answer<'a, ShownOutcome>;
    /// Closes an unpaid order for good. Takes no money back.
    fn close<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome>;
    /// Whether an order was made as such a code, and not by charging a customer's; nothing if the wallet does not say so.
    /// Where the wallet takes back either kind by the same call, nobody needs to know.
    fn was_shown<'a>(&'a self, number: &'a ChannelNumber, amount: Amount) -> Answer<'a, Option<bool>> {
        let _ = (number, amount);
        Box::pin(async { None })
    }
    /// Verifies and reads a notification: what it says of which number.
    /// # Errors
    /// It is not authentic, or not for us.
    fn notification(&self, headers: &[(String, String)], body: &[u8]) -> Result<Notified, NotificationError>;
    /// The exact answer that the wallet wants after it was taken in: status, content type, body.
    fn thanks(&self) -> (u16, &'static str, Vec<u8>);
}

/// What is true of a refund after the answer to it and the answer to a question about it. "Accepted" is not "arrived";
/// and "refused" may mean that an earlier request under the same number is done already: it counts only where the
/// question, too, finds no such refund.
fn after_asking(answer: ChannelRefundOutcome, asked: ChannelRefundOutcome) -> ChannelRefundOutcome {
    use ChannelRefundOutcome as R;
    match (answer, asked) {
        (_, R::Done) => R::Done,
        (_, stuck @ R::NeedsAPerson(_)) => stuck,
        (_, closed @ R::Closed(_)) => closed,
        (refused @ R::Refused(_), R::NoSuchRefund) => refused,
        (_, refused @ R::Refused(_)) => refused,
        (R::Refused(_), _) => R::Unknown,
        (answer, _) => answer,
    }
}

/// What is true of a charge whose code "was used already", once the wallet was asked about the charge's own number:
/// it may have been used by this very payment, if the request was doubled on its way.
fn used_by_whom(asked: QueryOutcome, reason: DeclineReason) -> PayOutcome {
    match asked {
        QueryOutcome::Paid { transaction } => PayOutcome::ConfirmedSuccess { transaction },
        QueryOutcome::Waiting => PayOutcome::Waiting,
        QueryOutcome::NoSuchOrder | QueryOutcome::Failed(_) => PayOutcome::ConfirmedFailure(reason),
        // The first copy of the request may be in work: what is not paid now may be paid in a moment.
        QueryOutcome::NotPaid | QueryOutcome::Reversed | QueryOutcome::Unknown => PayOutcome::Unknown,
    }
}
