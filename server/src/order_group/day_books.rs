//! What our books say of a channel's day, to be held against its bill.

use super::{GroupError, GroupSet, Reply};
use evertill_shared::clock::Timestamp;
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
    /// Refunds, by when they were carried out.
    Refunds,
    /// Money that goes back by itself, by when it was found.
    GiveBacks,
}

impl DayList {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Payments, Self::Refunds, Self::GiveBacks];
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
}

/// Reading a group for a bill.
pub trait DayBooks: Send + Sync {
    /// The rows of a part of a day, oldest first.
    fn day_part(&self, part: DayPart) -> Reply<Vec<DayRow>>;
    /// Everything that moved, or was to move, for one order through wallets.
    fn movements(&self, number: OrderNumber) -> Reply<Vec<BookRow>>;
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
        mut take: impl FnMut(BookRow),
    ) -> Result<(), GroupError> {
        for list in DayList::ALL {
            let mut part = DayPart { wallet, list, from, after: String::new(), until, most: PART };
            loop {
                let rows = self.for_copies(tag, |g| g.day_part(part.clone())).await?;
                let is_last = rows.len() < usize::try_from(PART).unwrap_or(usize::MAX);
                if let Some(last) = rows.last() {
                    (part.from, part.after) = (last.at, last.row.number.clone());
                }
                rows.into_iter().for_each(|row| take(row.row));
                if is_last {
                    break;
                }
            }
        }
        Ok(())
    }

    /// See [`DayBooks::movements`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn movements(&self, number: OrderNumber) -> Result<Vec<BookRow>, GroupError> {
        self.for_copies(number.tag(), |g| g.movements(number)).await
    }
}
