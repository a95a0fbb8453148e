//! What a group does with refunds.

use super::{GroupError, GroupSet, Guard, KeptEntry, Lease, Refusal, Reply};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, ChannelNumber, Interface, RefundId, TerminalId};
use evertill_shared::money::Amount;
use evertill_shared::order::PaidBy;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::refund::{Refund, RefundEvent};
use evertill_shared::wallet::Wallet;

/// A manager asks for a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefund {
    /// Of which order.
    pub number: OrderNumber,
    /// The asker's own id of the request: the same one asks once.
    pub request: String,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: String,
    /// Who asks, as others see them.
    pub by: String,
    /// The name that they log in with.
    pub login: String,
    /// The till that asks: only one of its own orders. Nobody's in particular where a person asks in the console.
    pub asked_at: Option<TerminalId>,
    /// When the server received it.
    pub at: Timestamp,
    /// The store's business day at that time: decided once, here.
    pub today: BusinessDay,
}

/// What a group has for a till.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inbox {
    /// Refunds that wait for the till or are under way, oldest first.
    pub refunds: Vec<RefundRecord>,
    /// Whether there are others that cannot be read: they need a person, and keep none of these from the till.
    pub is_some_left_out: bool,
}

/// A refund as it stands in its group, with what is needed to carry it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRecord {
    /// The refund.
    pub refund: Refund,
    /// Which till sold the order.
    pub terminal: TerminalId,
    /// How the order was paid, or of one that was paid in parts the part that this refund is about.
    pub paid_by: PaidBy,
    /// How much was paid so.
    pub paid: Amount,
    /// Under which number the wallet was paid.
    pub channel_number: Option<ChannelNumber>,
    /// Which of the merchant's accounts at the wallet was paid.
    pub account: AccountId,
    /// By which version of its interface the wallet was paid.
    pub interface: Interface,
    /// How often the wallet has been asked.
    pub tries: u32,
    /// When somebody last took it up to ask the wallet.
    pub asked_at: Option<Timestamp>,
    /// When to ask again, while it is under way.
    pub next_at: Timestamp,
    /// The wallet's latest word is that a person must finish it.
    pub by_hand: bool,
    /// One more at each change.
    pub version: u64,
    /// What goes back in cash beside it, by the same request: told to whoever asks for it, and to nobody later.
    pub beside: Option<Box<RefundRecord>>,
}

/// The till that sold carries a refund out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarryOut {
    /// Of which order.
    pub number: OrderNumber,
    /// Which refund.
    pub refund: RefundId,
    /// How much, as the till signed it.
    pub amount: Amount,
    /// The till that signed.
    pub terminal: TerminalId,
    /// Who carried it out there, if anybody logs in.
    pub cashier: Option<Cashier>,
    /// The entry that says so.
    pub entry: KeptEntry,
    /// For whoever asks the channel right after this is on disk.
    pub lease: Lease,
    /// Against replays.
    pub guard: Guard,
}

/// What came of carrying out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedOut {
    /// As it stands. A cash refund is done.
    pub record: RefundRecord,
    /// The wallet is to be asked now, and by nobody else.
    pub fresh: bool,
}

/// Something new is known about a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundNews {
    /// Of which order.
    pub number: OrderNumber,
    /// Which refund.
    pub refund: RefundId,
    /// What is known.
    pub event: RefundEvent,
    /// The wallet's words, if it refused.
    pub message: Option<String>,
    /// When it was known.
    pub at: Timestamp,
    /// When to ask again, if it is not settled.
    pub next_at: Timestamp,
}

/// A person has finished at the wallet what it could hand to nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedByHand {
    /// Of which order.
    pub number: OrderNumber,
    /// The number under which the wallet has the money.
    pub refund: RefundId,
    /// The account that it goes back from, if it is another than the attempt's own: several have it under one number. Nothing
    /// in what a page of an older server asks for.
    pub account: Option<AccountId>,
    /// Who says so: the name that others see.
    pub who: String,
    /// The name that they log in with.
    pub login: String,
    /// How it was done.
    pub why: String,
    /// The server's clock.
    pub at: Timestamp,
}

/// What would come of a refund that somebody asks for.
#[derive(Clone, Debug)]
pub enum Foreseen {
    /// Nothing stands in its way.
    Open,
    /// It was asked for before, under the same name, and stands.
    Stands(Box<RefundRecord>),
    /// It would be refused.
    Refused(Refusal),
}

/// Refunds of a group.
pub trait Refunds: Send + Sync {
    /// Reserves the amount in one conditional statement (rules *never-over*, *same-till-same-day*). The same
    /// request again gets the same refund. Of an order that was paid in parts the wallet's part goes back first; what is more
    /// than is left of that is a second refund, in cash.
    fn reserve_refund(&self, refund: NewRefund) -> Reply<RefundRecord>;
    /// What would come of a refund if somebody asked for it at this moment; nothing is decided by it, and nothing changes.
    fn foresee_refund(&self, refund: NewRefund) -> Reply<Foreseen>;
    /// Marks it as sent; a cash refund is done at once. Repeating it only looks.
    fn carry_out_refund(&self, carry_out: CarryOut) -> Reply<CarriedOut>;
    /// Takes in what is newly known; a refusal frees what was reserved in the same transaction. Ends the lease.
    fn record_refund(&self, news: RefundNews) -> Reply<RefundRecord>;
    /// Leases a refund that is under way, if it is still at that version and no other lease lives.
    fn lease_refund(
        &self,
        number: OrderNumber,
        refund: RefundId,
        version: u64,
        lease: Lease,
    ) -> Reply<Option<RefundRecord>>;
    /// Takes in that a person has finished a refund, or what goes back by itself: it is done, in the books as well, and no
    /// program sends it any more. Only what the wallet itself says that a person must finish. Repeating it changes nothing.
    fn finish_by_hand(&self, finished: FinishedByHand) -> Reply<()>;
    /// Refunds of a wallet that are under way, whose time has come, and on which nobody works.
    fn due_refunds(&self, of: (Wallet, AccountId), now: Timestamp, most: u32) -> Reply<Vec<RefundRecord>>;
    /// One refund.
    fn refund(&self, number: OrderNumber, refund: RefundId) -> Reply<RefundRecord>;
    /// Refunds that wait for this till or are under way.
    fn refund_inbox(&self, terminal: TerminalId) -> Reply<Inbox>;
}

impl GroupSet {
    /// Reserves a refund.
    /// # Errors
    /// See [`GroupError`].
    pub async fn reserve_refund(&self, refund: NewRefund) -> Result<RefundRecord, GroupError> {
        self.write(refund.number.tag(), |g| g.reserve_refund(refund.clone())).await
    }

    /// See [`Refunds::foresee_refund`].
    /// # Errors
    /// See [`GroupError`].
    pub async fn foresee_refund(&self, refund: NewRefund) -> Result<Foreseen, GroupError> {
        self.read(refund.number.tag(), |g| g.foresee_refund(refund.clone())).await
    }

    /// Marks a refund as carried out by its till.
    /// # Errors
    /// See [`GroupError`].
    pub async fn carry_out_refund(&self, carry_out: CarryOut) -> Result<CarriedOut, GroupError> {
        self.patient(carry_out.number.tag(), |g| g.carry_out_refund(carry_out.clone())).await
    }

    /// Takes in what is newly known about a refund.
    /// # Errors
    /// See [`GroupError`].
    pub async fn record_refund(&self, news: RefundNews) -> Result<RefundRecord, GroupError> {
        self.patient(news.number.tag(), |g| g.record_refund(news.clone())).await
    }

    /// Takes in that a person has finished a refund, see [`Refunds::finish_by_hand`].
    /// # Errors
    /// [`super::Refusal::NotFound`] if nothing of that number waits for a person; else see [`GroupError`].
    pub async fn finish_by_hand(&self, finished: FinishedByHand) -> Result<(), GroupError> {
        self.write(finished.number.tag(), |g| g.finish_by_hand(finished.clone())).await
    }

    /// Leases a refund that is under way.
    /// # Errors
    /// See [`GroupError`].
    pub async fn lease_refund(
        &self,
        record: &RefundRecord,
        lease: Lease,
    ) -> Result<Option<RefundRecord>, GroupError> {
        let (number, id, version) = (record.refund.order, record.refund.id.clone(), record.version);
        self.write(number.tag(), |g| g.lease_refund(number, id.clone(), version, lease.clone())).await
    }

    /// Refunds of a group and an account at a wallet that are under way and whose time has come.
    /// # Errors
    /// See [`GroupError`].
    pub async fn due_refunds(
        &self,
        tag: GroupTag,
        of: (Wallet, AccountId),
        most: u32,
    ) -> Result<Vec<RefundRecord>, GroupError> {
        let now = self.now();
        self.read(tag, |g| g.due_refunds(of, now, most)).await
    }

    /// One refund of an order.
    /// # Errors
    /// See [`GroupError`].
    pub async fn refund(&self, number: OrderNumber, id: RefundId) -> Result<RefundRecord, GroupError> {
        self.read(number.tag(), |g| g.refund(number, id.clone())).await
    }

    /// Refunds of all groups that wait for this till or are under way, oldest first, and how many groups could
    /// not be asked, or have more that cannot be read. A till asks every few seconds: a group that is skipped is not waited for.
    pub async fn refund_inbox(&self, terminal: TerminalId) -> (Vec<RefundRecord>, u32) {
        let (parts, unreachable) = self.glance_at_all(|g| g.refund_inbox(terminal)).await;
        let incomplete = unreachable.len() + parts.iter().filter(|part| part.is_some_left_out).count();
        let mut refunds: Vec<RefundRecord> = parts.into_iter().flat_map(|part| part.refunds).collect();
        refunds.sort_by_key(|r| (r.refund.requested_at, r.refund.id.clone()));
        (refunds, u32::try_from(incomplete).unwrap_or(u32::MAX))
    }
}
