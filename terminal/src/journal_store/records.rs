//! What the journal says about each sale and refund: pure records that entries are applied to, and the rules that
//! no entry may break (*one-charge*, *channel-number*). The store refuses to write an entry that breaks them, so a
//! mistake elsewhere in the till stops here, before it is signed.

use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{Attempt, ChannelNumber, RefundId};
use evertill_shared::journal::{Body, RefundSettled, Settled};
use evertill_shared::money::Amount;
use evertill_shared::order::{Sale, rest_after};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::shift::{Shift, ShiftError};
use evertill_shared::wallet::Wallet;
use serde::{Deserialize, Serialize};

/// An entry that must not be written: it would break a rule of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleBroken {
    /// No such sale in this journal.
    #[error("the journal holds no sale {0}")]
    NoSuchSale(u64),
    /// No such refund in this journal.
    #[error("the journal holds no refund {0}")]
    NoSuchRefund(RefundId),
    /// A sale takes one order number, once.
    #[error("sale {0} has adopted an order number already")]
    AdoptedBefore(u64),
    /// The sale is paid, or was given up.
    #[error("sale {0} is closed")]
    Closed(u64),
    /// An earlier attempt may still turn out to be paid.
    #[error("attempt {attempt} of sale {sale} is not settled: nothing else may be charged or given up")]
    Unsettled {
        /// The sale.
        sale: u64,
        /// The attempt that is open.
        attempt: Attempt,
    },
    /// Attempts are numbered one by one, and each names the order that the sale adopted and its whole total.
    #[error("the payment of sale {0} does not fit the sale: number, attempt or amount differ")]
    DoesNotFit(u64),
    /// A part of the sale was taken in cash: it goes back to the customer before the sale can be given up.
    #[error("{amount} in cash of sale {sale} is in the drawer: it has to go back first")]
    CashInPlace {
        /// The sale.
        sale: u64,
        /// How much.
        amount: Amount,
    },
    /// Less cash than the total, or change that does not add up.
    #[error("the cash of sale {0} does not add up")]
    CashDiffers(u64),
    /// The refund was carried out, or settled, before.
    #[error("refund {0} was written before")]
    RefundBefore(RefundId),
    /// No shift allows it.
    #[error(transparent)]
    Shift(#[from] ShiftError),
}

/// The order number that a sale adopted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adoption {
    /// The number.
    pub number: OrderNumber,
    /// The entry that says so.
    pub entry: u64,
}

/// One attempt to charge a wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Which try.
    pub attempt: Attempt,
    /// Whose code was scanned.
    pub wallet: Wallet,
    /// The number that the wallet sees.
    pub channel_number: ChannelNumber,
    /// The entry that requested it.
    pub entry: u64,
    /// When it was requested, by the till's clock.
    pub at: Timestamp,
    /// How it ended, once that is surely known.
    pub outcome: Option<Settled>,
}

/// Cash taken for a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CashRecord {
    /// What the customer gave.
    pub given: Amount,
    /// What went back.
    pub change: Amount,
    /// The entry that says so.
    pub entry: u64,
}

/// A part of a sale that was taken in cash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CashPartRecord {
    /// How much.
    pub amount: Amount,
    /// The entry that says so.
    pub entry: u64,
}

/// All that the journal says about one sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleRecord {
    /// The sequence of its entry: with terminal and epoch, its name.
    pub sequence: u64,
    /// The sale.
    pub sale: Sale,
    /// The order number, once one is adopted.
    pub adopted: Option<Adoption>,
    /// Attempts to charge a wallet, oldest first.
    pub attempts: Vec<AttemptRecord>,
    /// Cash, if it was paid so.
    pub cash: Option<CashRecord>,
    /// What was taken in cash of it before the rest is paid, and has not gone back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<CashPartRecord>,
    /// What was taken so and went back last, as long as nothing else was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_back: Option<Amount>,
    /// Given up before it was paid.
    pub voided: bool,
}

impl SaleRecord {
    fn new(sequence: u64, sale: Sale) -> Self {
        Self {
            sequence,
            sale,
            adopted: None,
            attempts: Vec::new(),
            cash: None,
            part: None,
            part_back: None,
            voided: false,
        }
    }

    /// A sale of which nothing else is known.
    #[cfg(test)]
    pub(super) fn of_test(sequence: u64, sale: Sale) -> Self {
        Self::new(sequence, sale)
    }

    /// The attempt whose end is not known, if there is one.
    #[must_use]
    pub fn unsettled(&self) -> Option<&AttemptRecord> {
        self.attempts.iter().find(|attempt| attempt.outcome.is_none())
    }

    /// The attempt that was paid, if one was.
    #[must_use]
    pub fn paid_attempt(&self) -> Option<&AttemptRecord> {
        self.attempts.iter().find(|attempt| matches!(attempt.outcome, Some(Settled::Paid { .. })))
    }

    /// Whether the money is there.
    #[must_use]
    pub fn is_paid(&self) -> bool {
        self.cash.is_some() || self.paid_attempt().is_some()
    }

    /// Whether it is neither paid nor given up.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.voided && !self.is_paid()
    }

    /// What is left to pay after the part that was taken in cash, if one was.
    #[must_use]
    pub fn rest(&self) -> Amount {
        let total = self.sale.total;
        self.part.and_then(|part| rest_after(total, part.amount)).unwrap_or(total)
    }

    /// The entry that took the part in cash on which the entry at that place rests: as long as that one may still be sent,
    /// the part is in place, and nothing that came after the entry is its part.
    #[must_use]
    pub fn part_under(&self, entry: u64) -> Option<u64> {
        self.part.map(|part| part.entry).filter(|part| *part < entry)
    }

    /// The order number, once one is adopted.
    #[must_use]
    pub fn number(&self) -> Option<OrderNumber> {
        self.adopted.map(|adoption| adoption.number)
    }

    /// The number of the next attempt.
    #[must_use]
    pub fn next_attempt(&self) -> Option<Attempt> {
        self.attempts.last().map_or(Some(1), |last| last.attempt.checked_add(1))
    }

    fn may_end(&self) -> Result<(), RuleBroken> {
        if !self.is_open() {
            return Err(RuleBroken::Closed(self.sequence));
        }
        match self.unsettled() {
            Some(open) => Err(RuleBroken::Unsettled { sale: self.sequence, attempt: open.attempt }),
            None => Ok(()),
        }
    }

    /// It is given up, or becomes another.
    fn give_up(&mut self) -> Result<(), RuleBroken> {
        self.may_end()?;
        if let Some(part) = self.part {
            return Err(RuleBroken::CashInPlace { sale: self.sequence, amount: part.amount });
        }
        self.voided = true;
        Ok(())
    }

    fn take_part(&mut self, amount: Amount, entry: u64) -> Result<(), RuleBroken> {
        self.may_end()?;
        if self.part.is_some() || rest_after(self.sale.total, amount).is_none() {
            return Err(RuleBroken::CashDiffers(self.sequence));
        }
        (self.part, self.part_back) = (Some(CashPartRecord { amount, entry }), None);
        Ok(())
    }

    fn give_part_back(&mut self, amount: Amount) -> Result<(), RuleBroken> {
        self.may_end()?;
        if self.part.map(|part| part.amount) != Some(amount) {
            return Err(RuleBroken::CashDiffers(self.sequence));
        }
        (self.part, self.part_back) = (None, Some(amount));
        Ok(())
    }

    /// Nobody came for it.
    fn keep_part(&mut self, amount: Amount) -> Result<(), RuleBroken> {
        self.give_part_back(amount)?;
        self.part_back = None;
        self.give_up()
    }

    fn adopt(&mut self, number: OrderNumber, entry: u64) -> Result<(), RuleBroken> {
        if self.adopted.is_some() {
            return Err(RuleBroken::AdoptedBefore(self.sequence));
        }
        self.adopted = Some(Adoption { number, entry });
        Ok(())
    }

    /// `cash` is what the entry says that is in the drawer for the sale.
    fn request(
        &mut self,
        number: OrderNumber,
        amount: Amount,
        cash: Option<Amount>,
        new: AttemptRecord,
    ) -> Result<(), RuleBroken> {
        self.may_end()?;
        let fits = self.number() == Some(number)
            && self.next_attempt() == Some(new.attempt)
            && amount == self.rest()
            && cash == self.part.map(|part| part.amount);
        if !fits {
            return Err(RuleBroken::DoesNotFit(self.sequence));
        }
        self.attempts.push(new);
        // Whoever goes on with the sale has seen that the part went back.
        self.part_back = None;
        Ok(())
    }

    fn settle(&mut self, attempt: Attempt, outcome: &Settled) -> Result<(), RuleBroken> {
        let open = self.attempts.iter_mut().find(|a| a.attempt == attempt && a.outcome.is_none());
        let open = open.ok_or(RuleBroken::DoesNotFit(self.sequence))?;
        open.outcome = Some(outcome.clone());
        Ok(())
    }

    /// `part` is what the entry says that was in the drawer for the sale already.
    fn take_cash(
        &mut self,
        given: Amount,
        change: Amount,
        part: Option<Amount>,
        entry: u64,
    ) -> Result<(), RuleBroken> {
        self.may_end()?;
        let broken = RuleBroken::CashDiffers(self.sequence);
        let in_place = self.part.map(|part| part.amount);
        if change.minor < 0 || part != in_place || given.checked_sub(change) != Ok(self.rest()) {
            return Err(broken);
        }
        let given = given.checked_add(part.unwrap_or(Amount::zero(given.currency))).map_err(|_| broken)?;
        self.cash = Some(CashRecord { given, change, entry });
        Ok(())
    }
}

/// All that the journal says about one refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRecord {
    /// Which refund.
    pub id: RefundId,
    /// Of which order.
    pub number: OrderNumber,
    /// How much.
    pub amount: Amount,
    /// The entry that carries it out.
    pub entry: u64,
    /// When, by the till's clock.
    pub at: Timestamp,
    /// How it ended, once that is surely known.
    pub outcome: Option<RefundSettled>,
    /// It goes back in cash, of a sale that was paid in parts or is not in this journal. Of others the sale says where it came
    /// from.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_cash: bool,
    /// Who carried it out, if anybody logs in here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cashier: Option<Cashier>,
}

/// What an entry changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Nothing but the chain.
    Nothing,
    /// This sale.
    Sale(Box<SaleRecord>),
    /// This refund.
    Refund(Box<RefundRecord>),
}

/// The records that an entry may refer to.
pub trait Records {
    /// Why a record could not be read.
    type Error: From<RuleBroken>;
    /// A sale by its sequence.
    /// # Errors
    /// It cannot be read.
    fn sale_record(&self, sequence: u64) -> Result<Option<SaleRecord>, Self::Error>;
    /// A refund by its id.
    /// # Errors
    /// It cannot be read.
    fn refund_record(&self, id: &RefundId) -> Result<Option<RefundRecord>, Self::Error>;
    /// The sale that adopted this order number.
    /// # Errors
    /// It cannot be read.
    fn sale_of_order(&self, number: OrderNumber) -> Result<Option<SaleRecord>, Self::Error>;
    /// The newest shift, open or ended.
    /// # Errors
    /// It cannot be read.
    fn last_shift(&self) -> Result<Option<Shift>, Self::Error>;
}

/// What the entry `sequence` with this body changes, if the rules allow it.
/// # Errors
/// The rule that it would break, or a record that cannot be read.
pub fn apply<R: Records>(
    records: &R,
    sequence: u64,
    at: Timestamp,
    body: &Body,
) -> Result<Changed, R::Error> {
    let sale_of = |sale: u64| -> Result<SaleRecord, R::Error> {
        Ok(records.sale_record(sale)?.ok_or(RuleBroken::NoSuchSale(sale))?)
    };
    let record = match body {
        Body::Opened { .. }
        | Body::DrawerOpened { .. }
        | Body::ShiftOpened { .. }
        | Body::CashPaidIn { .. }
        | Body::CashPaidOut { .. }
        | Body::CartVoided { .. }
        | Body::ShiftClosed(_) => return Ok(Changed::Nothing),
        Body::Sale(sale) => SaleRecord::new(sequence, sale.clone()),
        Body::Adopted { sale, number } => {
            let mut record = sale_of(*sale)?;
            record.adopt(*number, sequence)?;
            record
        }
        Body::CashTaken { sale, given, change } => {
            let mut record = sale_of(*sale)?;
            record.take_cash(*given, *change, None, sequence)?;
            record
        }
        Body::CashRest { sale, given, change, part } => {
            let mut record = sale_of(*sale)?;
            record.take_cash(*given, *change, Some(*part), sequence)?;
            record
        }
        Body::CashPart { sale, amount, .. } => {
            let mut record = sale_of(*sale)?;
            record.take_part(*amount, sequence)?;
            record
        }
        Body::CashPartKept { sale, amount, .. } => {
            let mut record = sale_of(*sale)?;
            record.keep_part(*amount)?;
            record
        }
        Body::CashPartBack { sale, amount, .. } => {
            let mut record = sale_of(*sale)?;
            record.give_part_back(*amount)?;
            record
        }
        Body::PaymentRequested { sale, number, attempt, wallet, channel_number, amount }
        | Body::RestRequested { sale, number, attempt, wallet, channel_number, amount, .. } => {
            let cash = match body {
                Body::RestRequested { cash, .. } => Some(*cash),
                _ => None,
            };
            let mut record = sale_of(*sale)?;
            let new = AttemptRecord {
                attempt: *attempt,
                wallet: *wallet,
                channel_number: channel_number.clone(),
                entry: sequence,
                at,
                outcome: None,
            };
            record.request(*number, *amount, cash, new)?;
            record
        }
        Body::PaymentSettled { sale, attempt, outcome } => {
            let mut record = sale_of(*sale)?;
            record.settle(*attempt, outcome)?;
            record
        }
        Body::SaleVoided { sale } | Body::SaleChanged { sale } => {
            let mut record = sale_of(*sale)?;
            record.give_up()?;
            record
        }
        Body::RefundCarriedOut { .. } | Body::CashRefund { .. } | Body::RefundSettled { .. } => {
            return apply_refund(records, sequence, at, body);
        }
    };
    Ok(Changed::Sale(Box::new(record)))
}

fn apply_refund<R: Records>(
    records: &R,
    sequence: u64,
    at: Timestamp,
    body: &Body,
) -> Result<Changed, R::Error> {
    match body {
        Body::RefundCarriedOut { refund, number, amount, cashier }
        | Body::CashRefund { refund, number, amount, cashier } => {
            if records.refund_record(refund)?.is_some() {
                return Err(RuleBroken::RefundBefore(refund.clone()).into());
            }
            let record = RefundRecord {
                id: refund.clone(),
                number: *number,
                amount: *amount,
                entry: sequence,
                at,
                outcome: None,
                in_cash: matches!(body, Body::CashRefund { .. }),
                cashier: cashier.clone(),
            };
            Ok(Changed::Refund(Box::new(record)))
        }
        Body::RefundSettled { refund, outcome } => {
            let mut record =
                records.refund_record(refund)?.ok_or_else(|| RuleBroken::NoSuchRefund(refund.clone()))?;
            if record.outcome.is_some() {
                return Err(RuleBroken::RefundBefore(refund.clone()).into());
            }
            record.outcome = Some(*outcome);
            Ok(Changed::Refund(Box::new(record)))
        }
        _ => Ok(Changed::Nothing),
    }
}
