//! Payments: the intent, what is learnt about it, and who works on it.

use super::super::{
    Fact, GroupError, Guard, KeptEntry, Lease, NewPayment, PaymentNews, PaymentRecord, Payments, Policies,
    Refusal, Reply, Started, TakenBack, is_whole, others_of, takes_part,
};
use super::StoredGroup;
use super::books::Books;
use super::give_backs::owe;
use super::lists::story;
use super::orders::{adopt, become_paid};
use super::rows::{
    OrderRow, PAYMENT, all, keep, lock, locked, one, payment_row, readable, to_json, with_spare,
};
use crate::database::Sql;
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, Attempt, ChannelNumber, SaleKey};
use evertill_shared::journal::Body;
use evertill_shared::money::Amount;
use evertill_shared::order::{PaidBy, WalletPart, rest_after};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{Change, Event, Payment, PaymentState};
use evertill_shared::wallet::Wallet;
use std::time::Duration;

/// No pause is nearly as long: a time further ahead means that the clock has been set back.
pub(super) const IMPLAUSIBLE: Duration = Duration::from_secs(3600);
/// The same of a lease.
pub(super) const IMPLAUSIBLE_LEASE: Duration = Duration::from_secs(300);
/// Nothing has happened so far ahead of now, unless the clock has been set back since: then pauses that were counted by the
/// clock of before count for nothing, and it is asked at once.
pub(super) const NOT_YET: Duration = Duration::from_secs(60);

impl Payments for StoredGroup {
    fn start_payment(&self, payment: NewPayment) -> Reply<Started> {
        self.write_once(payment.adoption.number, payment.guard.clone(), move |books| {
            let number = payment.adoption.number;
            let order = adopt(books, &payment.adoption)?;
            if let Some(record) = find(books.sql, number, payment.intent.attempt)? {
                same_attempt(&record.payment, &payment.intent)?;
                return Ok(Started { record, fresh: false });
            }
            let record = begin(books, &order, &payment, Begin::ToCharge)?;
            let fresh = !record.payment.state.is_final();
            Ok(Started { record, fresh })
        })
    }

    fn take_back(
        &self,
        number: OrderNumber,
        attempt: Attempt,
        missing: Option<NewPayment>,
        policies: Policies,
        at: Timestamp,
        guard: Guard,
    ) -> Reply<TakenBack> {
        self.write_once(number, guard, move |books| {
            lock(books.sql, number)?;
            let found = find(books.sql, number, attempt)?;
            let was_missing = found.is_none();
            let mut record = match (found, missing) {
                (Some(record), missing) => {
                    missing.iter().try_for_each(|m| same_attempt(&record.payment, &m.intent))?;
                    record
                }
                (None, Some(missing)) => {
                    let order = adopt(books, &missing.adoption)?;
                    begin(books, &order, &missing, Begin::ToEnd)?
                }
                (None, None) => return Err(Refusal::NotFound("attempt").into()),
            };
            let before = record.payment.clone();
            books.tell(number, at, &Fact::TakeBackAsked { attempt })?;
            record.payment.on(Event::GiveUp, at, policies.of(before.wallet));
            if record.payment != before {
                record = save(books, &before, &record, at)?;
                tell_of(books, &before, &record, at)?;
            }
            Ok(TakenBack { record, was_missing })
        })
    }

    fn record_payment(&self, news: PaymentNews) -> Reply<(PaymentRecord, Change)> {
        self.write(news.number, move |books| {
            let order = locked(books.sql, news.number)?;
            let mut record = get(books.sql, news.number, news.attempt)?;
            let before = record.payment.clone();
            if let Some(account) = news.found_at {
                find_at(books, &mut record, account, &news.event)?;
            }
            let change = record.payment.on(news.event.clone(), news.at, &news.policy);
            let record = save(books, &before, &record, news.at)?;
            tell_of(books, &before, &record, news.at)?;
            match change {
                Change::LateSuccess => late_success(books, &record, news.at)?,
                Change::State if record.payment.state == PaymentState::Paid => {
                    pay_order(books, &order, &record, news.at)?;
                }
                Change::State | Change::None => {}
            }
            Ok((record, change))
        })
    }

    fn tell_once(&self, number: OrderNumber, fact: Fact, at: Timestamp) -> Reply<()> {
        self.write(number, move |books| {
            lock(books.sql, number)?;
            tell_once(books, number, at, &fact)
        })
    }

    fn lease_payment(
        &self,
        number: OrderNumber,
        attempt: Attempt,
        version: u64,
        lease: Lease,
    ) -> Reply<Option<PaymentRecord>> {
        self.write(number, move |books| {
            lock(books.sql, number)?;
            let rows = books.sql.execute(
                "UPDATE payments SET lease_owner = ?4, lease_until = ?5, version = version + 1 \
                 WHERE number = ?1 AND attempt = ?2 AND version = ?3 \
                 AND (state IN ('sent', 'waiting', 'unknown', 'reversing') \
                      OR state IN ('declined', 'reversed') AND looked_again = 0) \
                 AND (lease_until IS NULL OR lease_until <= ?6 OR lease_until > ?7)",
                &params![
                    number.as_str(),
                    attempt,
                    version,
                    lease.owner,
                    lease.until.0,
                    lease.now.0,
                    lease.now.plus(IMPLAUSIBLE_LEASE).0,
                ],
            )?;
            if rows == 1 { find(books.sql, number, attempt) } else { Ok(None) }
        })
    }

    fn due_payments(
        &self,
        (wallet, account): (Wallet, AccountId),
        now: Timestamp,
        most: u32,
    ) -> Reply<Vec<PaymentRecord>> {
        let pattern = self.pattern();
        self.read(move |sql| {
            let (far, far_lease, not_yet) =
                (now.plus(IMPLAUSIBLE).0, now.plus(IMPLAUSIBLE_LEASE).0, now.plus(NOT_YET).0);
            let due = |which: &str, most: u32| {
                let statement = format!(
                    "SELECT {PAYMENT} FROM payments WHERE wallet = ?1 AND account = ?6 AND {which} \
                     AND (next_at <= ?2 OR next_at > ?3 OR since > ?8) \
                     AND (lease_until IS NULL OR lease_until <= ?2 OR lease_until > ?7) \
                     AND number LIKE ?5 ORDER BY next_at LIMIT ?4"
                );
                let parameters = params![
                    wallet.code(),
                    now.0,
                    far,
                    with_spare(most),
                    &pattern,
                    account.get(),
                    far_lease,
                    not_yet
                ];
                readable(sql, &statement, &parameters, most, payment_row)
            };
            let mut all = due("state IN ('sent', 'waiting', 'unknown', 'reversing')", most)?;
            // What is over can wait for a place that nothing else needs.
            let left = most.saturating_sub(u32::try_from(all.len()).unwrap_or(most));
            if left > 0 {
                all.extend(due("state IN ('declined', 'reversed') AND looked_again = 0", left)?);
            }
            Ok(all)
        })
    }

    fn payment(&self, number: OrderNumber, attempt: Attempt) -> Reply<PaymentRecord> {
        self.read(move |sql| get(sql, number, attempt))
    }

    fn payment_of(&self, number: ChannelNumber) -> Reply<Option<PaymentRecord>> {
        let pattern = self.pattern();
        self.read(move |sql| {
            let statement =
                format!("SELECT {PAYMENT} FROM payments WHERE channel_number = ?1 AND number LIKE ?2");
            one(sql, &statement, &params![number.as_str(), pattern], payment_row)
        })
    }
}

/// An attempt of which nobody knew whose it is stands at that account from now on. Decided here, where the story is read
/// under the same lock: whoever says so has asked the wallet, and another may have ended it there in the meantime.
fn find_at(
    books: &Books<'_>,
    record: &mut PaymentRecord,
    account: AccountId,
    event: &Event,
) -> Result<(), GroupError> {
    let (attempt, was) = (record.payment.attempt, record.payment.account);
    let may_be = match event {
        Event::Query(said) | Event::LookedAgain(said) if was == AccountId::NOT_KNOWN => {
            let story = story(books.sql, record.number)?;
            is_whole(&story) && others_of(&story, attempt).may_be_found_at(account, said)
        }
        _ => true,
    };
    if may_be && record.payment.found_at(account) {
        return Ok(());
    }
    tracing::warn!(number = %record.number, attempt, %account, %was,
        "what another account says than an attempt's own is not taken in");
    Err(Refusal::Conflict("the account").into())
}

/// Tells the order's story something, unless it stands there.
pub(super) fn tell_once(
    books: &Books<'_>,
    number: OrderNumber,
    at: Timestamp,
    fact: &Fact,
) -> Result<(), GroupError> {
    let is_told = story(books.sql, number)?.iter().any(|line| line.what == *fact);
    if is_told { Ok(()) } else { books.tell(number, at, fact) }
}

pub(super) fn find(
    sql: &dyn Sql,
    number: OrderNumber,
    attempt: Attempt,
) -> Result<Option<PaymentRecord>, GroupError> {
    let statement = format!("SELECT {PAYMENT} FROM payments WHERE number = ?1 AND attempt = ?2");
    one(sql, &statement, &params![number.as_str(), attempt], payment_row)
}

fn get(sql: &dyn Sql, number: OrderNumber, attempt: Attempt) -> Result<PaymentRecord, GroupError> {
    find(sql, number, attempt)?.ok_or(GroupError::Refused(Refusal::NotFound("attempt")))
}

/// The attempt at an order that is not surely over, if there is one: there is never a second.
pub(super) fn open_attempt(sql: &dyn Sql, number: OrderNumber) -> Result<Option<PaymentRecord>, GroupError> {
    let statement = format!(
        "SELECT {PAYMENT} FROM payments WHERE number = ?1 \
         AND state IN ('sent', 'waiting', 'unknown', 'reversing')"
    );
    one(sql, &statement, &params![number.as_str()], payment_row)
}

pub(super) fn of_order(sql: &dyn Sql, number: OrderNumber) -> Result<Vec<PaymentRecord>, GroupError> {
    let statement = format!("SELECT {PAYMENT} FROM payments WHERE number = ?1 ORDER BY attempt");
    all(sql, &statement, &params![number.as_str()], payment_row)
}

/// The same attempt with other content is a fork or a bug.
fn same_attempt(there: &Payment, new: &Payment) -> Result<(), GroupError> {
    let differs = if there.channel_number != new.channel_number {
        "the channel's number"
    } else if there.amount != new.amount {
        "the amount"
    } else if there.wallet != new.wallet {
        "the wallet"
    } else {
        return Ok(());
    };
    Err(Refusal::Conflict(differs).into())
}

/// What an attempt is written down for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    ToCharge,
    /// It is taken back at once: nobody is charged by it.
    ToEnd,
}

/// Writes the intent, if every attempt before it is surely over. What only ends asks no more than that none of those is
/// open: a group that lost the record of an attempt has lost those of its forerunners, too, and it must end all the same.
fn begin(
    books: &Books<'_>,
    order: &OrderRow,
    new: &NewPayment,
    purpose: Begin,
) -> Result<PaymentRecord, GroupError> {
    let (intent, number) = (&new.intent, new.adoption.number);
    if !order.summary.state.may_be_charged() {
        return Err(Refusal::WrongState(order.summary.state).into());
    }
    if order.summary.quarantined {
        return Err(Refusal::Quarantined.into());
    }
    let cash = cash_before(order, new)?;
    let before = of_order(books.sql, number)?;
    for attempt in 1..intent.attempt {
        let state = before.iter().find(|r| r.payment.attempt == attempt).map(|r| r.payment.state);
        let is_lost = state.is_none() && purpose == Begin::ToEnd;
        if !is_lost && !state.is_some_and(PaymentState::surely_not_charged) {
            return Err(Refusal::AttemptOpen { attempt, state }.into());
        }
    }
    // A later attempt can only be there if this one was over, and then it would be there too.
    if let Some(later) = before.iter().find(|r| r.payment.attempt > intent.attempt) {
        let (attempt, state) = (later.payment.attempt, Some(later.payment.state));
        return Err(Refusal::AttemptOpen { attempt, state }.into());
    }
    keep(books.sql, &new.requested, false)?;
    new.cash_part.iter().try_for_each(|part| keep(books.sql, part, false))?;
    insert(books.sql, number, intent, &new.lease)?;
    if let Some(amount) = cash {
        // It may have gone back since the attempt before, and come again: each says what was there.
        let fact = Fact::CashPart { attempt: Some(intent.attempt), amount };
        books.tell(number, intent.sent_at, &fact)?;
    }
    let fact = Fact::PaymentSent {
        attempt: intent.attempt,
        wallet: intent.wallet,
        amount: intent.amount,
        channel_number: intent.channel_number.clone(),
    };
    books.tell(number, intent.sent_at, &fact)?;
    get(books.sql, number, intent.attempt)
}

/// What the till signed that it has in cash for the order, if it asks the wallet for less than the total: both together must
/// be the total, and the entry that took the part must be there. The entries that are kept say it, and not only whoever
/// calls.
fn cash_before(order: &OrderRow, new: &NewPayment) -> Result<Option<Amount>, GroupError> {
    let (total, asked) = (order.summary.total, new.intent.amount);
    if asked == total && new.cash_part.is_none() {
        return Ok(None);
    }
    let entry = new.requested.signed.read_unverified();
    let Ok(Body::RestRequested { amount, cash, .. }) = entry.map(|entry| entry.body) else {
        return Err(Refusal::WrongAmount.into());
    };
    let right = amount == asked && rest_after(total, cash) == Some(asked);
    let taken = is_taken(new.cash_part.as_ref(), order.summary.sale, cash, &new.requested);
    if right && taken { Ok(Some(cash)) } else { Err(Refusal::WrongAmount.into()) }
}

/// Whether the entry is there by which that much of the sale was taken in cash before another came to rest on it.
pub(super) fn is_taken(part: Option<&KeptEntry>, sale: SaleKey, amount: Amount, rests: &KeptEntry) -> bool {
    let entry = part.and_then(|part| part.signed.read_unverified().ok());
    entry.is_some_and(|entry| takes_part(&entry, sale, amount, rests.place.sequence))
}

fn insert(sql: &dyn Sql, number: OrderNumber, payment: &Payment, lease: &Lease) -> Result<(), GroupError> {
    sql.execute(
        "INSERT INTO payments (number, attempt, wallet, channel_number, currency, amount_minor, state, \
         sent_at, since, next_at, reversals, reversal_accepted, transaction_number, reason, lease_owner, \
         lease_until, shown_until, shown_code, looked_again, account, interface) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
        &params![
            number.as_str(),
            payment.attempt,
            payment.wallet.code(),
            payment.channel_number.as_str(),
            payment.amount.currency.code(),
            payment.amount.minor,
            payment.state.as_str(),
            payment.sent_at.0,
            payment.since.0,
            payment.next_at.0,
            payment.reversals,
            payment.reversal_accepted,
            &payment.transaction,
            payment.reason.as_ref().map(to_json).transpose()?,
            &lease.owner,
            lease.until.0,
            payment.shown.as_ref().map(|shown| shown.until.0),
            payment.shown.as_ref().and_then(|shown| shown.content.as_deref()),
            payment.looked_again,
            payment.account.get(),
            payment.interface.get(),
        ],
    )?;
    Ok(())
}

/// Writes what a payment has become, if nobody wrote since it was read; ends the lease.
pub(super) fn save(
    books: &Books<'_>,
    before: &Payment,
    record: &PaymentRecord,
    at: Timestamp,
) -> Result<PaymentRecord, GroupError> {
    let payment = &record.payment;
    let rows = books.sql.execute(
        "UPDATE payments SET state = ?4, since = ?5, next_at = ?6, reversals = ?7, reversal_accepted = ?8, \
         transaction_number = ?9, reason = ?10, sent_at = ?11, shown_until = ?12, shown_code = ?13, \
         looked_again = ?14, account = ?15, lease_owner = NULL, lease_until = NULL, version = version + 1 \
         WHERE number = ?1 AND attempt = ?2 AND version = ?3",
        &params![
            record.number.as_str(),
            payment.attempt,
            record.version,
            payment.state.as_str(),
            payment.since.0,
            payment.next_at.0,
            payment.reversals,
            payment.reversal_accepted,
            &payment.transaction,
            payment.reason.as_ref().map(to_json).transpose()?,
            payment.sent_at.0,
            payment.shown.as_ref().map(|shown| shown.until.0),
            payment.shown.as_ref().and_then(|shown| shown.content.as_deref()),
            payment.looked_again,
            payment.account.get(),
        ],
    )?;
    if rows != 1 {
        return Err(GroupError::Internal("a payment changed inside its own transaction".into()));
    }
    if payment != before {
        books.note(record.number, at);
    }
    Ok(PaymentRecord { version: record.version + 1, ..record.clone() })
}

/// Tells the order's story that an attempt stands elsewhere, if it does.
pub(super) fn tell_of(
    books: &Books<'_>,
    before: &Payment,
    now: &PaymentRecord,
    at: Timestamp,
) -> Result<(), GroupError> {
    let payment = &now.payment;
    if payment.state == before.state {
        return Ok(());
    }
    let fact = Fact::PaymentIs {
        attempt: payment.attempt,
        state: payment.state,
        reason: payment.reason,
        transaction: payment.transaction.clone(),
    };
    books.tell(now.number, at, &fact)
}

/// What the wallet was not asked for is in cash in the drawer: the till signed that before the wallet was asked.
fn pay_order(
    books: &Books<'_>,
    order: &OrderRow,
    record: &PaymentRecord,
    at: Timestamp,
) -> Result<(), GroupError> {
    let payment = &record.payment;
    let transaction = payment.transaction.clone().unwrap_or_default();
    let part = WalletPart { wallet: payment.wallet, transaction, amount: payment.amount };
    let paid_by = PaidBy::through(order.summary.total, part);
    if become_paid(books, record.number, &paid_by, at)? {
        return Ok(());
    }
    tracing::error!(number = %record.number, attempt = payment.attempt,
        "a wallet paid an order that could not become paid: the money goes back by itself");
    owe(books, record, at)?;
    books.tell(record.number, at, &Fact::PaidTwice { attempt: payment.attempt })
}

fn late_success(books: &Books<'_>, record: &PaymentRecord, at: Timestamp) -> Result<(), GroupError> {
    let attempt = record.payment.attempt;
    let transaction = record.payment.transaction.clone().unwrap_or_default();
    tracing::error!(number = %record.number, attempt, transaction,
        "the wallet says paid of an attempt that is over: the money goes back by itself");
    owe(books, record, at)?;
    books.tell(record.number, at, &Fact::LateSuccess { attempt, transaction })
}
