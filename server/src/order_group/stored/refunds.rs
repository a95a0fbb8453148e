//! Refunds: the reservation, the till that carries it out, what is learnt of it.

use super::super::set::join;
use super::super::{
    CarriedOut, CarryOut, Fact, FinishedByHand, Foreseen, GroupError, Inbox, KeptEntry, Lease, NewRefund,
    RefundNews, RefundRecord, Refunds, Refusal, Reply, Tidy,
};
use super::StoredGroup;
use super::books::Books;
use super::give_backs;
use super::ledger::post;
use super::lists::story;
use super::orders::AT_A_TIME;
use super::payments::{IMPLAUSIBLE, IMPLAUSIBLE_LEASE, NOT_YET, tell_once};
use super::rows::{
    ORDER, OrderRow, REFUND, all, keep, lock, locked, one, order_row, read_of, readable, refund_row, to_json,
    with_spare,
};
use crate::database::Sql;
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, RefundId, TerminalId};
use evertill_shared::journal::Body;
use evertill_shared::ledger::Entry;
use evertill_shared::money::Amount;
use evertill_shared::order::{PaidBy, Parts};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::refund::{RefundEvent, RefundRefused, RefundRequest, RefundState, Refundable};
use evertill_shared::wallet::Wallet;

impl Refunds for StoredGroup {
    fn reserve_refund(&self, refund: NewRefund) -> Reply<RefundRecord> {
        self.write(refund.number, move |books| {
            let order = locked(books.sql, refund.number)?;
            is_for_this_till(&order, &refund)?;
            if let Some(there) = by_request(books.sql, refund.number, &refund.request)? {
                return same_request(there, &refund);
            }
            reserve(books, &order, &refund)
        })
    }

    fn foresee_refund(&self, refund: NewRefund) -> Reply<Foreseen> {
        self.read(move |sql| {
            let statement = format!("SELECT {ORDER} FROM orders WHERE number = ?1");
            let order = one(sql, &statement, &params![refund.number.as_str()], order_row)?;
            let order = order.ok_or(GroupError::Refused(Refusal::NotFound("order")))?;
            if let Err(refusal) = is_for_this_till(&order, &refund) {
                return Ok(Foreseen::Refused(refusal));
            }
            if let Some(there) = by_request(sql, refund.number, &refund.request)? {
                let same = same_refund(&there, &refund);
                return Ok(same.map_or_else(Foreseen::Refused, |()| Foreseen::Stands(Box::new(there))));
            }
            Ok(refusal_of(&order, &refund).map_or(Foreseen::Open, Foreseen::Refused))
        })
    }

    fn carry_out_refund(&self, carry_out: CarryOut) -> Reply<CarriedOut> {
        self.write_once(carry_out.number, carry_out.guard.clone(), move |books| {
            self::carry_out(books, &carry_out)
        })
    }

    fn record_refund(&self, news: RefundNews) -> Reply<RefundRecord> {
        self.write(news.number, move |books| {
            lock(books.sql, news.number)?;
            let record = get(books.sql, news.number, &news.refund)?;
            let news = RefundNews { event: heard(&record, &news), ..news.clone() };
            let Ok(state) = record.refund.state.on(news.event) else {
                return contradicted(books, record, &news);
            };
            let waits_for_somebody = news.event == RefundEvent::UnderWay && news.message.is_some();
            if waits_for_somebody && !record.by_hand {
                tracing::error!(refund = %news.refund, words = news.message,
                    "a refund waits for a person: finish it in the wallet's merchant system, and say so on its order's page");
            }
            if let Some(message) = news.message.clone().filter(|_| waits_for_somebody) {
                let fact = Fact::RefundNeedsAPerson { refund: news.refund.clone(), message };
                tell_once(books, news.number, news.at, &fact)?;
            }
            // Silence says nothing about it; every other word is the latest.
            if news.event != RefundEvent::NoAnswer {
                books.sql.execute(
                    "UPDATE refunds SET by_hand = ?2 WHERE id = ?1",
                    &params![&news.refund.0, waits_for_somebody],
                )?;
            }
            let refused = (state == RefundState::Refused)
                .then(|| RefundRefused::ByChannel { message: news.message.clone().unwrap_or_default() });
            settle(books, &record, state, refused, news.next_at, news.at)
        })
    }

    fn lease_refund(
        &self,
        number: OrderNumber,
        refund: RefundId,
        version: u64,
        lease: Lease,
    ) -> Reply<Option<RefundRecord>> {
        self.write(number, move |books| {
            lock(books.sql, number)?;
            let rows = books.sql.execute(
                "UPDATE refunds SET lease_owner = ?4, lease_until = ?5, asked_at = ?6, version = version + 1 \
                 WHERE number = ?1 AND id = ?2 AND version = ?3 AND state IN ('sent', 'unknown') \
                 AND (lease_until IS NULL OR lease_until <= ?6 OR lease_until > ?7)",
                &params![
                    number.as_str(),
                    &refund.0,
                    version,
                    lease.owner,
                    lease.until.0,
                    lease.now.0,
                    lease.now.plus(IMPLAUSIBLE_LEASE).0,
                ],
            )?;
            if rows == 1 { get(books.sql, number, &refund).map(Some) } else { Ok(None) }
        })
    }

    fn finish_by_hand(&self, finished: FinishedByHand) -> Reply<()> {
        self.write(finished.number, move |books| self::finish_by_hand(books, &finished))
    }

    fn due_refunds(
        &self,
        (wallet, account): (Wallet, AccountId),
        now: Timestamp,
        most: u32,
    ) -> Reply<Vec<RefundRecord>> {
        let pattern = self.pattern();
        self.read(move |sql| {
            let statement = format!(
                "{REFUND} WHERE r.wallet = ?1 AND COALESCE(p.account, 0) = ?6 AND r.state IN ('sent', 'unknown') \
                 AND (r.next_at <= ?2 OR r.next_at > ?3 OR r.asked_at > ?8) \
                 AND (r.lease_until IS NULL OR r.lease_until <= ?2 OR r.lease_until > ?7) \
                 AND r.number LIKE ?5 ORDER BY r.next_at LIMIT ?4"
            );
            let parameters = params![
                wallet.code(),
                now.0,
                now.plus(IMPLAUSIBLE).0,
                with_spare(most),
                pattern,
                account.get(),
                now.plus(IMPLAUSIBLE_LEASE).0,
                now.plus(NOT_YET).0
            ];
            readable(sql, &statement, &parameters, most, refund_row)
        })
    }

    fn refund(&self, number: OrderNumber, refund: RefundId) -> Reply<RefundRecord> {
        self.read(move |sql| get(sql, number, &refund))
    }

    fn refund_inbox(&self, terminal: TerminalId) -> Reply<Inbox> {
        let pattern = self.pattern();
        self.read(move |sql| {
            let statement = format!(
                "{REFUND} WHERE r.terminal = ?1 AND r.state IN ('reserved', 'sent', 'unknown') \
                 AND r.number LIKE ?2 ORDER BY r.requested_at, r.id LIMIT 200"
            );
            let rows = sql.rows(&statement, &params![terminal.get(), pattern])?;
            let refunds = read_of(&rows, refund_row);
            Ok(Inbox { is_some_left_out: refunds.len() < rows.len(), refunds })
        })
    }
}

/// Only where the wallet's own word is that it hands the money to nobody: everything else may be on its way still, and
/// would reach the customer twice.
fn finish_by_hand(books: &Books<'_>, finished: &FinishedByHand) -> Result<(), GroupError> {
    let FinishedByHand { number, refund, account, who, login, why, at } = finished.clone();
    locked(books.sql, number)?;
    if story(books.sql, number)?.iter().any(|line| line.what.is_finished(&refund, account)) {
        return Ok(());
    }
    let statement = format!("{REFUND} WHERE r.number = ?1 AND r.id = ?2");
    let record = one(books.sql, &statement, &params![number.as_str(), &refund.0], refund_row)?;
    let is_finished = match record.filter(|record| record.by_hand && !record.refund.state.is_final()) {
        Some(record) => settle(books, &record, RefundState::Done, None, at, at).map(|_| true)?,
        None => give_backs::finish_by_hand(books, number, (&refund, account), at)?,
    };
    if !is_finished {
        return Err(Refusal::NotFound("refund that waits for a person").into());
    }
    books.tell(number, at, &Fact::FinishedByHand { refund, account, who, login, why })
}

/// What a word of the wallet means for a refund. That it closed or refused one which a person was told to finish frees nothing:
/// they may have, and the same money would go back twice.
fn heard(record: &RefundRecord, news: &RefundNews) -> RefundEvent {
    let waits = record.by_hand && !record.refund.state.is_final();
    if waits && news.event == RefundEvent::Refused { RefundEvent::UnderWay } else { news.event }
}

fn get(sql: &dyn Sql, number: OrderNumber, id: &RefundId) -> Result<RefundRecord, GroupError> {
    let statement = format!("{REFUND} WHERE r.number = ?1 AND r.id = ?2");
    let found = one(sql, &statement, &params![number.as_str(), &id.0], refund_row)?;
    found.ok_or(GroupError::Refused(Refusal::NotFound("refund")))
}

pub(super) fn of_order(sql: &dyn Sql, number: OrderNumber) -> Result<Vec<RefundRecord>, GroupError> {
    let statement = format!("{REFUND} WHERE r.number = ?1 ORDER BY r.requested_at, r.id");
    all(sql, &statement, &params![number.as_str()], refund_row)
}

/// The name of the cash part of what was asked for. No request has such a name: only letters, digits and dashes are taken.
fn in_cash(request: &str) -> String {
    format!("{request}:cash")
}

fn by_request(sql: &dyn Sql, number: OrderNumber, request: &str) -> Result<Option<RefundRecord>, GroupError> {
    let statement = format!("{REFUND} WHERE r.number = ?1 AND r.request = ?2");
    let named = |name: &str| one(sql, &statement, &params![number.as_str(), name], refund_row);
    let Some(there) = named(request)? else { return Ok(None) };
    let beside = named(&in_cash(request))?.map(Box::new);
    Ok(Some(RefundRecord { beside, ..there }))
}

fn same_request(there: RefundRecord, asked: &NewRefund) -> Result<RefundRecord, GroupError> {
    if there.refund.requested_by != asked.by {
        return Err(Refusal::Conflict("the person who asks").into());
    }
    same_refund(&there, asked).map_err(GroupError::Refused)?;
    Ok(there)
}

/// The same, whoever asks for it.
fn same_refund(there: &RefundRecord, asked: &NewRefund) -> Result<(), Refusal> {
    let beside = there.beside.as_ref().map_or(0, |beside| beside.refund.amount.minor);
    let both = Amount::new(there.refund.amount.minor.saturating_add(beside), there.refund.amount.currency);
    if both != asked.amount {
        return Err(Refusal::Conflict("the amount"));
    }
    if there.refund.reason != asked.reason {
        return Err(Refusal::Conflict("the reason"));
    }
    Ok(())
}

/// One statement decides and reserves: whoever races, the books can never hold more than was paid.
fn reserve(books: &Books<'_>, order: &OrderRow, new: &NewRefund) -> Result<RefundRecord, GroupError> {
    let (number, amount) = (new.number, new.amount);
    let reserved = books.sql.execute(
        "UPDATE orders SET held_minor = held_minor + ?2 WHERE number = ?1 \
         AND ?2 <= paid_minor - held_minor AND ?2 > 0 \
         AND state = 'paid' AND business_day = ?3 AND currency = ?4 AND quarantined = 0",
        &params![number.as_str(), amount.minor, new.today.to_string(), amount.currency.code()],
    )?;
    if reserved != 1 {
        return Err(why_not(order, new));
    }
    let from = from_parts(books.sql, order, amount)?;
    let wallet = order.summary.paid_by.as_ref().and_then(PaidBy::wallet);
    if from.wallet.is_positive() {
        keep_reserved(books, order, &NewRefund { amount: from.wallet, ..new.clone() }, wallet)?;
    }
    if from.cash.is_positive() {
        // The first one has the request's own name.
        let request = if from.wallet.is_positive() { in_cash(&new.request) } else { new.request.clone() };
        keep_reserved(books, order, &NewRefund { amount: from.cash, request, ..new.clone() }, None)?;
    }
    by_request(books.sql, number, &new.request)?
        .ok_or_else(|| GroupError::Internal("a refund of nothing was reserved".into()))
}

/// From which parts of the order the money comes, by what each part has left. The order is locked, and what is left of all
/// of it is enough; of its parts it may not be, if a wallet gave money back that it had refused before.
fn from_parts(sql: &dyn Sql, order: &OrderRow, amount: Amount) -> Result<Parts, GroupError> {
    let order = &order.summary;
    let Some(paid_by) = &order.paid_by else { return Err(Refusal::Refund(RefundRefused::NotPaid).into()) };
    let paid = paid_by.parts_of(order.paid);
    let of = |minor| Amount::new(minor, order.paid.currency);
    let held = |is_cash: &str| -> Result<Amount, GroupError> {
        let statement = format!(
            "SELECT CAST(COALESCE(sum(amount_minor), 0) AS BIGINT) FROM refunds \
             WHERE number = ?1 AND state <> 'refused' AND wallet {is_cash}"
        );
        Ok(of(sql.value(&statement, &params![order.number.as_str()])?.unwrap_or_default()))
    };
    let left = paid.less(&Parts { wallet: held("IS NOT NULL")?, cash: held("IS NULL")? });
    left.refund(amount).ok_or_else(|| {
        let left = of(left.wallet.minor.saturating_add(left.cash.minor));
        Refusal::Refund(RefundRefused::TooMuch { asked: amount, left }).into()
    })
}

fn keep_reserved(
    books: &Books<'_>,
    order: &OrderRow,
    new: &NewRefund,
    wallet: Option<Wallet>,
) -> Result<(), GroupError> {
    let id = next_id(books.sql, new.number)?;
    insert(books.sql, order, new, &id, wallet)?;
    let fact = Fact::RefundAsked {
        refund: id,
        amount: new.amount,
        by: new.by.clone(),
        login: new.login.clone(),
        reason: new.reason.clone(),
    };
    books.tell(new.number, new.at, &fact)
}

fn insert(
    sql: &dyn Sql,
    order: &OrderRow,
    new: &NewRefund,
    id: &RefundId,
    wallet: Option<Wallet>,
) -> Result<(), GroupError> {
    sql.execute(
        "INSERT INTO refunds (id, number, terminal, request, wallet, currency, amount_minor, state, who, \
         login, why, requested_at, requested_on, next_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'reserved', ?8, ?9, ?10, ?11, ?12, ?11)",
        &params![
            &id.0,
            new.number.as_str(),
            order.summary.sale.terminal.get(),
            &new.request,
            wallet.map(Wallet::code),
            new.amount.currency.code(),
            new.amount.minor,
            &new.by,
            &new.login,
            &new.reason,
            new.at.0,
            new.today.to_string(),
        ],
    )?;
    Ok(())
}

/// `R`, the order's number and a count: 28 characters, inside the 32 of the strictest wallet, and the same
/// again if this group should ever be put back to an older state.
fn next_id(sql: &dyn Sql, number: OrderNumber) -> Result<RefundId, GroupError> {
    let count: Option<u32> =
        sql.value("SELECT count(*) FROM refunds WHERE number = ?1", &params![number.as_str()])?;
    let count = count.unwrap_or_default();
    if count >= 99 {
        return Err(Refusal::TooManyRefunds.into());
    }
    Ok(RefundId(format!("R{number}{:02}", count + 1)))
}

/// Only the till that sold asks for a refund of its order.
fn is_for_this_till(order: &OrderRow, new: &NewRefund) -> Result<(), Refusal> {
    let sold_at = order.summary.sale.terminal;
    match new.asked_at {
        Some(till) if till != sold_at => Err(Refusal::Refund(RefundRefused::AnotherTill { sold_at })),
        _ => Ok(()),
    }
}

fn why_not(order: &OrderRow, new: &NewRefund) -> GroupError {
    refusal_of(order, new).map_or_else(
        || GroupError::Internal("the statement refused a refund that the rules allow".into()),
        GroupError::Refused,
    )
}

/// Why the rules do not allow it.
fn refusal_of(order: &OrderRow, new: &NewRefund) -> Option<Refusal> {
    let order = &order.summary;
    if order.quarantined {
        return Some(Refusal::Quarantined);
    }
    let books = Refundable {
        state: order.state,
        terminal: order.sale.terminal,
        business_day: order.business_day,
        paid: order.paid,
        held: order.held,
    };
    let request = RefundRequest { amount: new.amount, received_on: new.today };
    books.may_reserve(&request).err().map(Refusal::Refund)
}

fn carry_out(books: &Books<'_>, asked: &CarryOut) -> Result<CarriedOut, GroupError> {
    let sql = books.sql;
    let order = locked(sql, asked.number)?;
    let record = get(sql, asked.number, &asked.refund)?;
    if record.terminal != asked.terminal {
        return Err(Refusal::Refund(RefundRefused::AnotherTill { sold_at: record.terminal }).into());
    }
    if record.refund.amount != asked.amount {
        return Err(Refusal::Conflict("the amount").into());
    }
    if record.refund.state != RefundState::Reserved {
        return Ok(CarriedOut { record, fresh: false });
    }
    fits_its_part(&order, &record, &asked.entry)?;
    keep(sql, &asked.entry, false)?;
    let (id, at) = (&record.refund.id, asked.lease.now);
    sql.execute(
        "UPDATE refunds SET state = 'sent', carried_out_at = ?2, next_at = ?2, asked_at = ?2, lease_owner = ?3, \
         lease_until = ?4, version = version + 1 WHERE id = ?1 AND state = 'reserved'",
        &params![&id.0, at.0, &asked.lease.owner, asked.lease.until.0],
    )?;
    let (terminal, cashier) = (asked.terminal, asked.cashier.clone());
    let fact = Fact::RefundCarriedOut { refund: id.clone(), terminal, cashier };
    books.tell(asked.number, at, &fact)?;
    let sent = get(sql, asked.number, id)?;
    if matches!(sent.paid_by, PaidBy::Wallet { .. }) {
        return Ok(CarriedOut { record: sent, fresh: true });
    }
    // Cash: the drawer opens on this answer.
    let record = settle(books, &sent, RefundState::Done, None, at, at)?;
    Ok(CarriedOut { record, fresh: false })
}

/// The entry says whether the drawer or the wallet gives the money back, and counts in the till's own books as it says: of
/// an order that was paid in parts it must be the part that was reserved.
fn fits_its_part(order: &OrderRow, record: &RefundRecord, entry: &KeptEntry) -> Result<(), GroupError> {
    let in_cash = matches!(record.paid_by, PaidBy::Cash { .. });
    let is_split = matches!(order.summary.paid_by, Some(PaidBy::Split { .. }));
    let fits = match entry.signed.read_unverified().map(|entry| entry.body) {
        Ok(Body::CashRefund { .. }) => in_cash,
        // Of what was paid in one way the sale says how it goes back.
        Ok(Body::RefundCarriedOut { .. }) => !(in_cash && is_split),
        _ => false,
    };
    if fits { Ok(()) } else { Err(Refusal::WrongPart.into()) }
}

/// Moves a refund on; a refusal gives back what was reserved.
fn settle(
    books: &Books<'_>,
    record: &RefundRecord,
    state: RefundState,
    refused: Option<RefundRefused>,
    next_at: Timestamp,
    at: Timestamp,
) -> Result<RefundRecord, GroupError> {
    let (sql, refund) = (books.sql, &record.refund);
    // Repeated refusals keep the first one's words; one that was taken up again is refused no more.
    let refused = if state == RefundState::Refused { refund.refused.clone().or(refused) } else { None };
    let refused_json = refused.as_ref().map(to_json).transpose()?;
    let rows = sql.execute(
        "UPDATE refunds SET state = ?3, refused = ?4, next_at = ?5, tries = tries + 1, \
         lease_owner = NULL, lease_until = NULL, version = version + 1 WHERE id = ?1 AND version = ?2",
        &params![&refund.id.0, record.version, state.as_str(), refused_json, next_at.0],
    )?;
    if rows != 1 {
        return Err(GroupError::Internal("a refund changed inside its own transaction".into()));
    }
    books.note(refund.order, at);
    if state != refund.state {
        if !state.holds_money() {
            sql.execute(
                "UPDATE orders SET held_minor = held_minor - ?2 WHERE number = ?1",
                &params![refund.order.as_str(), refund.amount.minor],
            )?;
        }
        if state == RefundState::Done {
            let (wallet, amount) = (record.paid_by.wallet(), refund.amount);
            post(books, refund.order, &Entry::Refund { refund: refund.id.0.clone(), wallet, amount }, at)?;
        }
        let message = refused.map(|refused| refused.to_string());
        books.tell(refund.order, at, &Fact::RefundIs { refund: refund.id.clone(), state, message })?;
    }
    get(sql, refund.order, &refund.id)
}

/// What contradicts a settled refund is written down for a person; and if the wallet gave money back although it was
/// believed to have refused, that money is held again, as far as there is any left: nobody may give it a second time.
fn contradicted(
    books: &Books<'_>,
    record: RefundRecord,
    news: &RefundNews,
) -> Result<RefundRecord, GroupError> {
    let state = record.refund.state;
    let by_the_wallet = matches!(record.refund.refused, Some(RefundRefused::ByChannel { .. }));
    if let Some(now) = state.taken_up_again(news.event).filter(|_| by_the_wallet)
        && held_again(books, &record)?
    {
        tracing::error!(refund = %record.refund.id, event = ?news.event,
            "a wallet carries out a refund that it had refused: its money is held again");
        return settle(books, &record, now, None, news.next_at, news.at);
    }
    // That the wallet works on what it has done already is an older word than that it is done.
    let is_late = (state, news.event) == (RefundState::Done, RefundEvent::UnderWay);
    if news.event == RefundEvent::NoAnswer || is_late {
        return Ok(record);
    }
    tracing::error!(refund = %record.refund.id, ?state, event = ?news.event,
        "the wallet contradicts what was settled about a refund");
    let fact = Fact::RefundContradicted { refund: record.refund.id.clone(), state };
    books.tell(news.number, news.at, &fact)?;
    Ok(record)
}

fn held_again(books: &Books<'_>, record: &RefundRecord) -> Result<bool, GroupError> {
    let rows = books.sql.execute(
        "UPDATE orders SET held_minor = held_minor + ?2 WHERE number = ?1 AND ?2 <= paid_minor - held_minor",
        &params![record.refund.order.as_str(), record.refund.amount.minor],
    )?;
    Ok(rows == 1)
}

/// Refunds of past days that no till has fetched: the money they hold is free again. One job for each: jobs that
/// change several orders would wait for each other's locks.
pub(super) async fn withdraw_old(group: &StoredGroup, tidy: &Tidy) -> Result<u64, GroupError> {
    let (today, before, now) = (tidy.today.to_string(), tidy.refunds_before, tidy.now);
    let pattern = group.pattern();
    let old = group.read(move |sql| {
        let statement = format!(
            "{REFUND} WHERE r.state = 'reserved' AND r.requested_on < ?1 AND r.requested_at < ?2 \
             AND r.number LIKE ?4 LIMIT ?3"
        );
        let parameters = params![today, before.0, with_spare(AT_A_TIME), pattern];
        readable(sql, &statement, &parameters, AT_A_TIME, refund_row)
    });
    let withdraw = |old: RefundRecord| {
        group.write(old.refund.order, move |books| {
            lock(books.sql, old.refund.order)?;
            let record = get(books.sql, old.refund.order, &old.refund.id)?;
            if record.refund.state != RefundState::Reserved {
                return Ok(0);
            }
            let withdrawn = Some(RefundRefused::Withdrawn);
            settle(books, &record, RefundState::Refused, withdrawn, now, now)?;
            Ok(1)
        })
    };
    let withdrawn = join(old.await?.into_iter().map(withdraw).collect()).await;
    withdrawn.into_iter().sum()
}
