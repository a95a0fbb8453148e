//! What our books say of a channel's day, to be held against its bill.

use super::{GroupError, GroupSet, Reply};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::AccountId;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::reconciliation::BookRow;
use evertill_shared::wallet::Wallet;

/// How many rows are read at once: a payment behind them waits for no more than this.
const PART: u32 = 5_000;

/// Which lists there are; each is read in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayList {
    /// Attempts to pay, by when they were sent.
    Payments,
    /// The same at other accounts than the attempts' own, which took their money as well.
    PaymentsElsewhere,
    /// Refunds, by when they were carried out.
    Refunds,
    /// Money that goes back by itself, by when it was found.
    GiveBacks,
    /// The same from other accounts than the attempts' own.
    GiveBacksElsewhere,
}

impl DayList {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Payments, Self::PaymentsElsewhere, Self::Refunds, Self::GiveBacks, Self::GiveBacksElsewhere];
}

/// A part of a wallet's day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayPart {
    /// Of which wallet.
    pub wallet: Wallet,
    /// Of which list.
    pub list: DayList,
    /// From this moment on.
    pub from: Timestamp,
    /// And after this number, of rows of that very moment.
    pub after: String,
    /// Before this moment.
    pub until: Timestamp,
    /// So many rows at most.
    pub most: u32,
}

/// A movement in our books, and when it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRow {
    /// When.
    pub at: Timestamp,
    /// What.
    pub row: BookRow,
    /// Through which of the merchant's accounts at the wallet.
    pub account: AccountId,
}

/// What is asked about an account's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountUse {
    /// Which account.
    pub account: AccountId,
    /// At which wallet.
    pub wallet: Wallet,
    /// From this moment on.
    pub from: Timestamp,
    /// Before this moment.
    pub until: Timestamp,
}

/// Reading a group for a bill.
pub trait DayBooks: Send + Sync {
    /// Whether anything was sent to an account, or was to go back from it, in that time.
    fn account_was_used(&self, asked: AccountUse) -> Reply<bool>;
    /// Whether anything of an account's is not settled yet, whenever it was: payments that are open or to be looked at
    /// again, refunds, and what goes back by itself. What was sent nobody knows where counts, too, if it was heard of
    /// until that time.
    fn account_is_owed(&self, account: AccountId, wallet: Wallet, until: Timestamp) -> Reply<bool>;
    /// Every account of which anything is not settled yet.
    fn accounts_owed(&self) -> Reply<Vec<(Wallet, AccountId)>>;
    /// The rows of a part of a day, oldest first.
    fn day_part(&self, part: DayPart) -> Reply<Vec<DayRow>>;
    /// Everything that moved, or was to move, for one order through wallets.
    fn movements(&self, number: OrderNumber) -> Reply<Vec<DayRow>>;
}

impl GroupSet {
    /// A wallet's day in the orders of one tag; `take` gets the rows part by part.
    /// # Errors
    /// See [`GroupError`].
    pub async fn read_day(
        &self,
        tag: GroupTag,
        wallet: Wallet,
        (from, until): (Timestamp, Timestamp),
        mut take: impl FnMut(DayRow),
    ) -> Result<(), GroupError> {
        for list in DayList::ALL {
            let mut part = DayPart { wallet, list, from, after: String::new(), until, most: PART };
            loop {
                let rows = self.for_copies(tag, |g| g.day_part(part.clone())).await?;
                let is_last = rows.len() < usize::try_from(PART).unwrap_or(usize::MAX);
                if let Some(last) = rows.last() {
                    (part.from, part.after) = (last.at, last.row.number.clone());
                }
                rows.into_iter().for_each(&mut take);
                if is_last {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether an account was used in that time, in any group; see [`DayBooks::account_was_used`].
    /// # Errors
    /// See [`GroupError`]: a group that cannot be read might know of something.
    pub async fn account_was_used(&self, asked: AccountUse) -> Result<bool, GroupError> {
        for tag in self.tags() {
            if self.for_copies(tag, |g| g.account_was_used(asked)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether anything of an account's is not settled in any group; see [`DayBooks::account_is_owed`].
    /// # Errors
    /// As for [`GroupSet::account_was_used`].
    pub async fn account_is_owed(
        &self,
        account: AccountId,
        wallet: Wallet,
        until: Timestamp,
    ) -> Result<bool, GroupError> {
        for tag in self.tags() {
            if self.for_copies(tag, |g| g.account_is_owed(account, wallet, until)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// See [`DayBooks::accounts_owed`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn accounts_owed(&self, tag: GroupTag) -> Result<Vec<(Wallet, AccountId)>, GroupError> {
        self.for_copies(tag, |g| g.accounts_owed()).await
    }

    /// See [`DayBooks::movements`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn movements(&self, number: OrderNumber) -> Result<Vec<DayRow>, GroupError> {
        self.for_copies(number.tag(), |g| g.movements(number)).await
    }
}
