//! What a group does with payments.

use super::{Adoption, Fact, Guard, KeptEntry, Reply};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, Attempt, ChannelNumber, TerminalId};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{Change, Event, Payment, Policy};
use evertill_shared::wallet::{PerWallet, Wallet};

/// The policy of each wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policies(PerWallet<Policy>);

impl Policies {
    /// What that gives for each wallet.
    #[must_use]
    pub fn new(each: impl FnMut(Wallet) -> Policy) -> Self {
        Self(PerWallet::new(each))
    }

    /// That wallet's policy.
    #[must_use]
    pub const fn of(&self, wallet: Wallet) -> &Policy {
        self.0.of(wallet)
    }

    /// From now on that wallet goes by another.
    pub fn set(&mut self, wallet: Wallet, own: Policy) {
        self.0.set(wallet, own);
    }
}

/// Who works on a payment or refund, and until when no other does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The server process.
    pub owner: String,
    /// The server's clock.
    pub now: Timestamp,
    /// When the lease ends by itself.
    pub until: Timestamp,
}

/// A payment about to be made: the intent, and the signed entries that it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPayment {
    /// The till's choice of the number.
    pub adoption: Adoption,
    /// The entry that requests the payment.
    pub requested: KeptEntry,
    /// The entry that says that a part was taken in cash before, if only the rest is requested.
    pub cash_part: Option<KeptEntry>,
    /// The intent.
    pub intent: Payment,
    /// For whoever calls the channel right after this is on disk.
    pub lease: Lease,
    /// Against replays.
    pub guard: Guard,
}

/// A payment as it stands in its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRecord {
    /// Of which order.
    pub number: OrderNumber,
    /// The till that sold.
    pub terminal: TerminalId,
    /// The attempt.
    pub payment: Payment,
    /// One more at each change.
    pub version: u64,
}

/// What came of starting a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// As it stands.
    pub record: PaymentRecord,
    /// It was not there before: the channel is to be called now, and by nobody else.
    pub fresh: bool,
}

/// Something new is known about a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentNews {
    /// Of which order.
    pub number: OrderNumber,
    /// Which attempt.
    pub attempt: Attempt,
    /// What is known.
    pub event: Event,
    /// Which account knows it, if nobody knew that before.
    pub found_at: Option<AccountId>,
    /// When it was known, by the server's clock.
    pub at: Timestamp,
    /// The wallet's policy.
    pub policy: Policy,
}

/// What came of taking a payment back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// As it stands.
    pub record: PaymentRecord,
    /// The server had never heard of the attempt.
    pub was_missing: bool,
}

/// Payments of a group.
pub trait Payments: Send + Sync {
    /// Adopts the order if need be and makes the intent durable, in one transaction. An attempt that is there
    /// already is only looked at. Refused while an earlier attempt is not surely over.
    fn start_payment(&self, payment: NewPayment) -> Reply<Started>;
    /// Takes an attempt back; `missing` records one that never arrived, as being taken back.
    fn take_back(
        &self,
        number: OrderNumber,
        attempt: Attempt,
        missing: Option<NewPayment>,
        policies: Policies,
        at: Timestamp,
        guard: Guard,
    ) -> Reply<TakenBack>;
    /// Takes in what is newly known, by [`Payment::on`], in the transaction that reads the payment; a payment
    /// that becomes paid makes its order paid in the same transaction. Ends the lease. Taking in the same news
    /// twice changes nothing that counts. Refused if what is said is another account's than the attempt's, or that of one
    /// at which the attempt is being ended because another is kept.
    fn record_payment(&self, news: PaymentNews) -> Reply<(PaymentRecord, Change)>;
    /// Writes a fact into the order's story, unless it stands there: what is going to be done about an attempt elsewhere than
    /// at its own account, before it is done.
    fn tell_once(&self, number: OrderNumber, fact: Fact, at: Timestamp) -> Reply<()>;
    /// Leases an open payment, or one to be looked at again, if it is still at that version and no other lease lives.
    fn lease_payment(
        &self,
        number: OrderNumber,
        attempt: Attempt,
        version: u64,
        lease: Lease,
    ) -> Reply<Option<PaymentRecord>>;
    /// Open payments of an account at a wallet whose time has come and on which nobody works, the longest due first; then, if there
    /// are no more, those that ended without money and are to be looked at again. Times
    /// far in the future count as due: the clock has been set back since.
    fn due_payments(&self, of: (Wallet, AccountId), now: Timestamp, most: u32) -> Reply<Vec<PaymentRecord>>;
    /// One attempt.
    fn payment(&self, number: OrderNumber, attempt: Attempt) -> Reply<PaymentRecord>;
    /// The attempt that the channel knows by this number, if it lives here.
    fn payment_of(&self, number: ChannelNumber) -> Reply<Option<PaymentRecord>>;
}
