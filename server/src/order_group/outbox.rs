//! What a group tells those who keep copies of its orders: which have changed, and how they stand now. A copy is for
//! looking; nothing here, and nothing made from it, decides about money (rule *no-guess-from-copies*).

use super::{GroupError, GroupSet, OrderGroup, OrderSummary, Reply};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{Attempt, ChannelNumber, RefundId};
use evertill_shared::money::Amount;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::payment::PaymentState;
use evertill_shared::wallet::Wallet;
use std::collections::BTreeSet;
use std::time::Duration;

/// An order as it stood at one of its versions. Drafts are no sales and have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleCopy {
    /// Which version: what has a larger one is newer, and what has the same one is the same.
    pub version: u64,
    /// The order, with its refunds.
    pub order: OrderSummary,
    /// What was sold.
    pub lines: Vec<SoldLine>,
    /// Its attempts to pay through a wallet, oldest first.
    pub attempts: Vec<WalletAttempt>,
    /// Which of its refunds go back in cash, of an order that was paid in parts. Of others the order says it.
    pub cash_refunds: BTreeSet<RefundId>,
}

/// A line of a sale, as people look for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoldLine {
    /// The store's own code of the goods.
    pub code: String,
    /// Their name on the receipt.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// The price of all of them.
    pub amount: Amount,
}

/// An attempt to pay, by its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletAttempt {
    /// Which attempt.
    pub attempt: Attempt,
    /// At which wallet.
    pub wallet: Wallet,
    /// The number that we gave it.
    pub channel_number: ChannelNumber,
    /// The wallet's own number, once it is known.
    pub transaction: Option<String>,
    /// Where it stands.
    pub state: PaymentState,
}

/// A line of an outbox. Lines of two databases may have one number: what a line says tells them apart, and two that
/// say the same are about the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutboxLine {
    /// Its own number.
    pub seq: i64,
    /// Which order changed.
    pub number: OrderNumber,
    /// Which version it then had.
    pub version: i64,
}

/// Some of what changed, with the orders as they stand now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxPart {
    /// The lines of the outbox that this is about.
    pub lines: Vec<OutboxLine>,
    /// The orders that they name, each once, as of one moment.
    pub sales: Vec<SaleCopy>,
    /// Whether the outbox had no more lines at that moment, but those that are left out.
    pub is_all: bool,
    /// Orders that cannot be read: their lines stay where they are until somebody has mended them.
    pub left_out: Vec<LeftOut>,
}

/// Some of the orders of a tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalesPart {
    /// Those that can be read, newest number first.
    pub sales: Vec<SaleCopy>,
    /// Those that cannot.
    pub left_out: Vec<LeftOut>,
    /// There may be more below this number.
    pub rest: Option<OrderNumber>,
}

/// An order that cannot be copied, because a row of it makes no sense: a person has to look at it. It keeps no other from being
/// copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its number, as it stands there.
    pub number: String,
    /// Nothing that was committed before this time is missing because of it.
    pub since: Timestamp,
}

/// Reading a group for a copy.
pub trait Outbox: Send + Sync {
    /// How long the oldest write has been going on whose changes nobody sees yet.
    fn oldest_write(&self) -> Reply<Duration>;
    /// The oldest lines of the outbox about orders of that tag, so many at most.
    fn outbox(&self, tag: GroupTag, most: u32) -> Reply<OutboxPart>;
    /// Forgets exactly these lines: a copy has them durably.
    fn forget_lines(&self, tag: GroupTag, lines: Vec<OutboxLine>) -> Reply<()>;
    /// All orders of that tag, newest number first, so many at most, beginning below a number.
    fn sales(&self, tag: GroupTag, below: Option<OrderNumber>, most: u32) -> Reply<SalesPart>;
    /// Puts orders of that tag into the outbox that are in none of its lines: whoever keeps copies has not got them, and must
    /// not believe that nothing is missing.
    fn still_owed(&self, tag: GroupTag, numbers: Vec<String>) -> Reply<()>;
}

/// The longest that a question of a copy may take.
const PATIENCE: Duration = Duration::from_secs(5);

impl GroupSet {
    /// See [`Outbox::oldest_write`], of the database that serves the tag.
    /// # Errors
    /// See [`GroupError`].
    pub async fn oldest_write(&self, tag: GroupTag) -> Result<Duration, GroupError> {
        self.for_copies(tag, |g| g.oldest_write()).await
    }

    /// See [`Outbox::outbox`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn outbox(&self, tag: GroupTag, most: u32) -> Result<OutboxPart, GroupError> {
        self.for_copies(tag, |g| g.outbox(tag, most)).await
    }

    /// See [`Outbox::forget_lines`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn forget_lines(&self, tag: GroupTag, lines: Vec<OutboxLine>) -> Result<(), GroupError> {
        self.for_copies(tag, |g| g.forget_lines(tag, lines)).await
    }

    /// See [`Outbox::sales`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn sales(
        &self,
        tag: GroupTag,
        below: Option<OrderNumber>,
        most: u32,
    ) -> Result<SalesPart, GroupError> {
        self.for_copies(tag, |g| g.sales(tag, below, most)).await
    }

    /// See [`Outbox::still_owed`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn still_owed(&self, tag: GroupTag, left_out: &[LeftOut]) -> Result<(), GroupError> {
        if left_out.is_empty() {
            return Ok(());
        }
        let numbers = left_out.iter().map(|order| order.number.clone()).collect();
        self.for_copies(tag, |g| g.still_owed(tag, numbers)).await
    }

    /// How this ends says nothing about the group's health: a report must never keep sales away from it.
    pub(super) async fn for_copies<T>(
        &self,
        tag: GroupTag,
        call: impl FnOnce(&dyn OrderGroup) -> Reply<T>,
    ) -> Result<T, GroupError> {
        let reply = call(self.group(tag)?.as_ref());
        let late = |_| Err(GroupError::Unavailable("no answer in time".into()));
        tokio::time::timeout(PATIENCE, reply).await.unwrap_or_else(late)
    }
}
