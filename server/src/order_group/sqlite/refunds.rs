//! Refunds: the reservation, the till that carries it out, what is learnt of it.

use super::super::{
    CarriedOut, CarryOut, Fact, GroupError, Lease, NewRefund, RefundNews, RefundRecord, Refunds, Refusal,
    Reply, Tidy,
};
use super::SqliteGroup;
use super::payments::IMPLAUSIBLE;
use super::rows::{REFUND, all, get_order, keep, one, readable, refund_row, signed, tell, to_json};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{RefundId, TerminalId};
use evertill_shared::order::PaidBy;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::refund::{RefundEvent, RefundRefused, RefundRequest, RefundState, Refundable};
use evertill_shared::wallet::Wallet;
use rusqlite::Connection;

impl Refunds for SqliteGroup {
    fn reserve_refund(&self, refund: NewRefund) -> Reply<RefundRecord> {
        self.write(move |connection| {
            let (number, request) = (refund.number, refund.request.clone());
            let sql = format!("{REFUND} WHERE r.number = ?1 AND r.request = ?2");
            if let Some(there) = one(connection, &sql, (number.as_str(), &request), refund_row)? {
                return same_request(there, &refund);
            }
            reserve(connection, &refund)
        })
    }

    fn carry_out_refund(&self, carry_out: CarryOut) -> Reply<CarriedOut> {
        self.write_once(carry_out.guard.clone(), move |connection| self::carry_out(connection, &carry_out))
    }

    fn record_refund(&self, news: RefundNews) -> Reply<RefundRecord> {
        self.write(move |connection| {
            let record = get(connection, news.number, &news.refund)?;
            let Ok(state) = record.refund.state.on(news.event) else {
                return contradicted(connection, record, &news);
            };
            let refused = (state == RefundState::Refused)
                .then(|| RefundRefused::ByChannel { message: news.message.clone().unwrap_or_default() });
            settle(connection, &record, state, refused, news.next_at, news.at)
        })
    }

    fn lease_refund(
        &self,
        number: OrderNumber,
        refund: RefundId,
        version: u64,
        lease: Lease,
    ) -> Reply<Option<RefundRecord>> {
        self.write(move |connection| {
            let rows = connection
                .prepare_cached(
                    "UPDATE refunds SET lease_owner = ?4, lease_until = ?5, version = version + 1 \
                     WHERE number = ?1 AND id = ?2 AND version = ?3 AND state IN ('sent', 'unknown') \
                     AND (lease_until IS NULL OR lease_until <= ?6 OR lease_until > ?7)",
                )?
                .execute(rusqlite::params![
                    number.as_str(),
                    refund.0,
                    signed(version)?,
                    lease.owner,
                    lease.until.0,
                    lease.now.0,
                    lease.now.plus(IMPLAUSIBLE).0,
                ])?;
            if rows == 1 { get(connection, number, &refund).map(Some) } else { Ok(None) }
        })
    }

    fn due_refunds(&self, wallet: Wallet, now: Timestamp, most: u32) -> Reply<Vec<RefundRecord>> {
        self.read(move |connection| {
            let sql = format!(
                "{REFUND} WHERE r.wallet = ?1 AND r.state IN ('sent', 'unknown') \
                 AND (r.next_at <= ?2 OR r.next_at > ?3) \
                 AND (r.lease_until IS NULL OR r.lease_until <= ?2 OR r.lease_until > ?3) \
                 ORDER BY r.next_at LIMIT ?4"
            );
            readable(connection, &sql, (wallet.code(), now.0, now.plus(IMPLAUSIBLE).0, most), refund_row)
        })
    }

    fn refund(&self, number: OrderNumber, refund: RefundId) -> Reply<RefundRecord> {
        self.read(move |connection| get(connection, number, &refund))
    }

    fn refund_inbox(&self, terminal: TerminalId) -> Reply<Vec<RefundRecord>> {
        self.read(move |connection| {
            let sql = format!(
                "{REFUND} WHERE r.terminal = ?1 AND r.state IN ('reserved', 'sent', 'unknown') \
                 ORDER BY r.requested_at, r.id LIMIT 200"
            );
            all(connection, &sql, [terminal.get()], refund_row)
        })
    }
}

fn get(connection: &Connection, number: OrderNumber, id: &RefundId) -> Result<RefundRecord, GroupError> {
    let sql = format!("{REFUND} WHERE r.number = ?1 AND r.id = ?2");
    let found = one(connection, &sql, (number.as_str(), &id.0), refund_row)?;
    found.ok_or(GroupError::Refused(Refusal::NotFound("refund")))
}

pub(super) fn of_order(
    connection: &Connection,
    number: OrderNumber,
) -> Result<Vec<RefundRecord>, GroupError> {
    let sql = format!("{REFUND} WHERE r.number = ?1 ORDER BY r.requested_at, r.id");
    all(connection, &sql, [number.as_str()], refund_row)
}

fn same_request(there: RefundRecord, asked: &NewRefund) -> Result<RefundRecord, GroupError> {
    if there.refund.amount != asked.amount {
        return Err(Refusal::Conflict("the amount").into());
    }
    if there.refund.reason != asked.reason {
        return Err(Refusal::Conflict("the reason").into());
    }
    if there.refund.requested_by != asked.by {
        return Err(Refusal::Conflict("the person who asks").into());
    }
    Ok(there)
}

/// One statement decides and reserves: whoever races, the books can never hold more than was paid.
fn reserve(connection: &Connection, new: &NewRefund) -> Result<RefundRecord, GroupError> {
    let (number, amount) = (new.number, new.amount);
    let reserved = connection
        .prepare_cached(
            "UPDATE orders SET held_minor = held_minor + ?2, version = version + 1 WHERE number = ?1 \
             AND state = 'paid' AND business_day = ?3 AND currency = ?4 AND quarantined = 0 \
             AND ?2 > 0 AND ?2 <= paid_minor - held_minor",
        )?
        .execute((number.as_str(), amount.minor, new.today.to_string(), amount.currency.code()))?;
    if reserved != 1 {
        return Err(why_not(connection, new)?);
    }
    let id = next_id(connection, number)?;
    let order = get_order(connection, number)?.summary;
    let wallet = match &order.paid_by {
        Some(PaidBy::Wallet { wallet, .. }) => Some(wallet.code()),
        _ => None,
    };
    connection
        .prepare_cached(
            "INSERT INTO refunds (id, number, terminal, request, wallet, currency, amount_minor, state, who, \
             login, why, requested_at, requested_on, next_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'reserved', ?8, ?9, ?10, ?11, ?12, ?11)",
        )?
        .execute(rusqlite::params![
            id.0,
            number.as_str(),
            order.sale.terminal.get(),
            new.request,
            wallet,
            amount.currency.code(),
            amount.minor,
            new.by,
            new.login,
            new.reason,
            new.at.0,
            new.today.to_string(),
        ])?;
    let fact = Fact::RefundAsked {
        refund: id.clone(),
        amount,
        by: new.by.clone(),
        login: new.login.clone(),
        reason: new.reason.clone(),
    };
    tell(connection, number, new.at, &fact)?;
    get(connection, number, &id)
}

/// `R`, the order's number and a count: 28 characters, inside the 32 of the strictest wallet, and the same
/// again if this group should ever be put back to an older state.
fn next_id(connection: &Connection, number: OrderNumber) -> Result<RefundId, GroupError> {
    let count: u32 = connection
        .prepare_cached("SELECT count(*) FROM refunds WHERE number = ?1")?
        .query_row([number.as_str()], |row| row.get(0))?;
    if count >= 99 {
        return Err(Refusal::TooManyRefunds.into());
    }
    Ok(RefundId(format!("R{number}{:02}", count + 1)))
}

fn why_not(connection: &Connection, new: &NewRefund) -> Result<GroupError, GroupError> {
    let order = get_order(connection, new.number)?.summary;
    if order.quarantined {
        return Ok(Refusal::Quarantined.into());
    }
    let books = Refundable {
        state: order.state,
        terminal: order.sale.terminal,
        business_day: order.business_day,
        paid: order.paid,
        held: order.held,
    };
    let request = RefundRequest { amount: new.amount, received_on: new.today };
    Ok(match books.may_reserve(&request) {
        Err(refused) => Refusal::Refund(refused).into(),
        Ok(()) => GroupError::Internal("the statement refused a refund that the rules allow".into()),
    })
}

fn carry_out(connection: &Connection, asked: &CarryOut) -> Result<CarriedOut, GroupError> {
    let record = get(connection, asked.number, &asked.refund)?;
    if record.terminal != asked.terminal {
        return Err(Refusal::Refund(RefundRefused::AnotherTill { sold_at: record.terminal }).into());
    }
    if record.refund.amount != asked.amount {
        return Err(Refusal::Conflict("the amount").into());
    }
    if record.refund.state != RefundState::Reserved {
        return Ok(CarriedOut { record, fresh: false });
    }
    keep(connection, &asked.entry, false)?;
    let (id, at) = (&record.refund.id, asked.lease.now);
    connection
        .prepare_cached(
            "UPDATE refunds SET state = 'sent', carried_out_at = ?2, next_at = ?2, lease_owner = ?3, \
             lease_until = ?4, version = version + 1 WHERE id = ?1 AND state = 'reserved'",
        )?
        .execute((&id.0, at.0, &asked.lease.owner, asked.lease.until.0))?;
    let fact = Fact::RefundCarriedOut { refund: id.clone(), terminal: asked.terminal };
    tell(connection, asked.number, at, &fact)?;
    let sent = get(connection, asked.number, id)?;
    if matches!(sent.paid_by, PaidBy::Wallet { .. }) {
        return Ok(CarriedOut { record: sent, fresh: true });
    }
    // Cash: the drawer opens on this answer.
    let record = settle(connection, &sent, RefundState::Done, None, at, at)?;
    Ok(CarriedOut { record, fresh: false })
}

/// Moves a refund on; a refusal gives back what was reserved.
fn settle(
    connection: &Connection,
    record: &RefundRecord,
    state: RefundState,
    refused: Option<RefundRefused>,
    next_at: Timestamp,
    at: Timestamp,
) -> Result<RefundRecord, GroupError> {
    let refund = &record.refund;
    let refused_json = refused.as_ref().map(to_json).transpose()?;
    let rows = connection
        .prepare_cached(
            "UPDATE refunds SET state = ?3, refused = coalesce(refused, ?4), next_at = ?5, tries = tries + 1, \
             lease_owner = NULL, lease_until = NULL, version = version + 1 WHERE id = ?1 AND version = ?2",
        )?
        .execute((&refund.id.0, signed(record.version)?, state.as_str(), refused_json, next_at.0))?;
    if rows != 1 {
        return Err(GroupError::Internal("a refund changed inside its own transaction".into()));
    }
    if state != refund.state {
        if !state.holds_money() {
            connection
                .prepare_cached(
                    "UPDATE orders SET held_minor = held_minor - ?2, version = version + 1 WHERE number = ?1",
                )?
                .execute((refund.order.as_str(), refund.amount.minor))?;
        }
        let message = refused.map(|refused| refused.to_string());
        tell(connection, refund.order, at, &Fact::RefundIs { refund: refund.id.clone(), state, message })?;
    }
    get(connection, refund.order, &refund.id)
}

/// A settled refund is never reopened; what contradicts it is written down for a person.
fn contradicted(
    connection: &Connection,
    record: RefundRecord,
    news: &RefundNews,
) -> Result<RefundRecord, GroupError> {
    let state = record.refund.state;
    if news.event == RefundEvent::NoAnswer {
        return Ok(record);
    }
    tracing::error!(refund = %record.refund.id, ?state, event = ?news.event,
        "the wallet contradicts what was settled about a refund");
    let fact = Fact::RefundContradicted { refund: record.refund.id.clone(), state };
    tell(connection, news.number, news.at, &fact)?;
    Ok(record)
}

/// Refunds of past days that no till has fetched: the money they hold is free again.
pub(super) fn withdraw_old(connection: &Connection, tidy: &Tidy, most: u32) -> Result<u64, GroupError> {
    let sql = format!(
        "{REFUND} WHERE r.state = 'reserved' AND r.requested_on < ?1 AND r.requested_at < ?2 LIMIT ?3"
    );
    let old = all(connection, &sql, (tidy.today.to_string(), tidy.refunds_before.0, most), refund_row)?;
    for record in &old {
        let withdrawn = Some(RefundRefused::Withdrawn);
        settle(connection, record, RefundState::Refused, withdrawn, tidy.now, tidy.now)?;
    }
    Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
}
