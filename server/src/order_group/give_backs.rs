//! Money that a wallet took although the sale did not need it: after the attempt was over, or beside another
//! tender. It goes back by itself, under a number of its own that is made from the attempt's, and people are told.
//!
//! Its row is written in the same transaction as the fact that it rests on, so that no such money is forgotten.

use super::{GroupError, GroupSet, Lease, Reply};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, Attempt, ChannelNumber, Interface, RefundId, TerminalId};
use evertill_shared::money::Amount;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::payment::Stuck;
use evertill_shared::wallet::Wallet;
use std::time::Duration;

/// The longest pause between two tries. A time much further ahead means that the clock has been set back.
pub const LONGEST_ROUND: Duration = Duration::from_secs(12 * 3600);

/// Money that goes back by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiveBack {
    /// Of which order.
    pub number: OrderNumber,
    /// Which attempt took it.
    pub attempt: Attempt,
    /// The till that sold.
    pub terminal: TerminalId,
    /// Whose wallet.
    pub wallet: Wallet,
    /// Which of the merchant's accounts there.
    pub account: AccountId,
    /// It is another account than the attempt's own, which has the money as well.
    pub is_elsewhere: bool,
    /// By which version of the wallet's interface it was taken; of another account's nobody wrote it down.
    pub interface: Interface,
    /// Under which number it was taken.
    pub channel_number: ChannelNumber,
    /// How much.
    pub amount: Amount,
    /// When it was found.
    pub since: Timestamp,
    /// When the wallet is asked next.
    pub next_at: Timestamp,
    /// How often the wallet has been asked.
    pub tries: u32,
    /// How often the wallet has closed it, so that it goes under another number.
    pub round: u8,
    /// What the wallet said last, if it would not.
    pub words: Option<String>,
    /// The wallet has taken it in for good and hands it to nobody: a person finishes it.
    pub by_hand: bool,
    /// It is not settled.
    pub is_open: bool,
    /// One more at each change.
    pub version: u64,
}

impl GiveBack {
    /// The number under which it goes back: the same at every try until the wallet has closed it, and no other money's.
    #[must_use]
    pub fn refund(&self) -> RefundId {
        self.refund_in(self.round)
    }

    /// The number of that round.
    #[must_use]
    pub fn refund_in(&self, round: u8) -> RefundId {
        let first = match self.is_elsewhere {
            true => RefundId::at_another(&self.channel_number),
            false => RefundId::of_itself(&self.channel_number),
        };
        first.in_round(round)
    }

    /// The round of that number, if it is one of the numbers that it was sent under so far.
    #[must_use]
    pub fn round_of(&self, number: &str) -> Option<u8> {
        (0..=self.round).find(|round| self.refund_in(*round).0 == number)
    }

    /// Whether a person may say now that they have finished it at the wallet, see [`Stuck`].
    #[must_use]
    pub fn may_be_finished(&self, now: Timestamp) -> bool {
        let (by_hand, is_refused) = (self.by_hand, self.words.is_some());
        self.is_open && Stuck { by_hand, is_refused, open_for: now.since(self.since) }.may_be_finished()
    }

    /// The account, if it is not the attempt's own.
    #[must_use]
    pub fn elsewhere(&self) -> Option<AccountId> {
        self.is_elsewhere.then_some(self.account)
    }

    /// What came of it in that round.
    #[must_use]
    pub fn news(&self, round: u8, event: GiveBackEvent, at: Timestamp, next_at: Timestamp) -> GiveBackNews {
        let elsewhere = self.elsewhere();
        GiveBackNews { number: self.number, attempt: self.attempt, elsewhere, round, event, at, next_at }
    }
}

/// What came of trying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GiveBackEvent {
    /// The money went back.
    Done,
    /// All of it went back by refunds that somebody asked for at the wallet itself.
    WentBack,
    /// The wallet says that it has none: it has taken the payment back itself.
    NothingTaken,
    /// The wallet has closed it under the number of that round: nothing moved, and nothing ever will under that number. In
    /// its words.
    Closed(String),
    /// The money has left the merchant and reaches nobody: a person finishes it at the wallet. In words.
    NeedsAPerson(String),
    /// The wallet has taken it in and is at work: nobody but it must finish it.
    UnderWay,
    /// Not yet: the wallet gave no definite answer, or would not, in its own words.
    NotYet(Option<String>),
}

/// Something new is known about money that goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiveBackNews {
    /// Of which order.
    pub number: OrderNumber,
    /// Which attempt took it.
    pub attempt: Attempt,
    /// The account, if it is not the attempt's own.
    pub elsewhere: Option<AccountId>,
    /// Under the number of which round: only what is said of the latest one begins another.
    pub round: u8,
    /// What is known.
    pub event: GiveBackEvent,
    /// When.
    pub at: Timestamp,
    /// When to try again, if it is not settled.
    pub next_at: Timestamp,
}

/// What a scan has found in a part of a group's orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// After which order to go on; nothing if all were looked at.
    pub last: Option<OrderNumber>,
    /// Orders of which more was paid than is kept, and does not go back.
    pub found: Vec<OrderNumber>,
}

/// Money that goes back by itself, in a group. It gets there by [`super::Payments::record_payment`], and what that
/// has missed by a scan: an older server, or a database put back to an earlier state, may have left something.
///
/// A scan stays within a group: two orders of one sale in two groups need a till that chose two numbers, and such a
/// till's journal is a fork, which is quarantined.
pub trait GiveBacks: Send + Sync {
    /// What an account at a wallet has to give back and nobody works on, as far as its time has come; the longest due first.
    fn due_give_backs(&self, of: (Wallet, AccountId), now: Timestamp, most: u32) -> Reply<Vec<GiveBack>>;
    /// Leases it, if it is still at that version, is not settled and no other lease lives.
    fn lease_give_back(&self, give_back: GiveBack, lease: Lease) -> Reply<Option<GiveBack>>;
    /// Takes in what is newly known; what is settled stays so. Ends the lease.
    fn record_give_back(&self, news: GiveBackNews) -> Reply<()>;
    /// All that went back by itself of an order, or is to go back.
    fn give_backs_of(&self, number: OrderNumber) -> Reply<Vec<GiveBack>>;
    /// Writes down that another account than the attempt's own has its money as well, and that it goes back from there.
    /// Repeating it changes nothing, nor does it where the attempt stands at that very account.
    fn owe_elsewhere(
        &self,
        number: OrderNumber,
        attempt: Attempt,
        account: AccountId,
        at: Timestamp,
    ) -> Reply<()>;
    /// Looks at the next so many successes of payments, of orders whose numbers come after that text.
    fn scan(&self, after: String, most: u32) -> Reply<Scanned>;
    /// Writes down that what is not needed of an order's successes goes back, see
    /// [`evertill_shared::payment::surplus`]; gives the attempts that were forgotten so far.
    fn owe_surplus(&self, number: OrderNumber, at: Timestamp) -> Reply<Vec<Attempt>>;
}

impl GroupSet {
    /// What a group and an account at a wallet have to give back by themselves and whose time has come.
    /// # Errors
    /// See [`GroupError`].
    pub async fn due_give_backs(
        &self,
        tag: GroupTag,
        of: (Wallet, AccountId),
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<GiveBack>, GroupError> {
        self.read(tag, |g| g.due_give_backs(of, now, most)).await
    }

    /// Leases one.
    /// # Errors
    /// See [`GroupError`].
    pub async fn lease_give_back(
        &self,
        give_back: GiveBack,
        lease: Lease,
    ) -> Result<Option<GiveBack>, GroupError> {
        self.write(give_back.number.tag(), |g| g.lease_give_back(give_back.clone(), lease.clone())).await
    }

    /// All that went back by itself of an order, or is to go back.
    /// # Errors
    /// See [`GroupError`].
    pub async fn give_backs_of(&self, number: OrderNumber) -> Result<Vec<GiveBack>, GroupError> {
        self.read(number.tag(), |g| g.give_backs_of(number)).await
    }

    /// Sends back what another account has of an attempt, see [`GiveBacks::owe_elsewhere`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn owe_elsewhere(
        &self,
        number: OrderNumber,
        attempt: Attempt,
        account: AccountId,
    ) -> Result<(), GroupError> {
        let at = self.now();
        self.write(number.tag(), |g| g.owe_elsewhere(number, attempt, account, at)).await
    }

    /// Looks at the next so many successes of a group, see [`GiveBacks::scan`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn scan(&self, tag: GroupTag, after: &str, most: u32) -> Result<Scanned, GroupError> {
        self.read(tag, |g| g.scan(after.to_owned(), most)).await
    }

    /// Gives back what is not needed of an order's successes, see [`GiveBacks::owe_surplus`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn owe_surplus(&self, number: OrderNumber) -> Result<Vec<Attempt>, GroupError> {
        let at = self.now();
        self.write(number.tag(), |g| g.owe_surplus(number, at)).await
    }

    /// Takes in what is newly known about one.
    /// # Errors
    /// See [`GroupError`].
    pub async fn record_give_back(&self, news: GiveBackNews) -> Result<(), GroupError> {
        self.write(news.number.tag(), |g| g.record_give_back(news.clone())).await
    }
}
