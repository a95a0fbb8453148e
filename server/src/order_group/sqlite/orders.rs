//! Adoption, cash, tidying up.

use super::super::{Adopt, Adoption, Cash, Fact, GroupError, Orders, Policies, Refusal, Reply, Tidied, Tidy};
use super::SqliteGroup;
use super::drafts::{find_by_sale, insert, same_sale};
use super::payments::{open_attempt, save, tell_of};
use super::refunds::withdraw_old;
use super::rows::{OrderRow, find_order, get_order, keep, parsed, tell, to_json};
use evertill_shared::clock::Timestamp;
use evertill_shared::order::{OrderEvent, OrderState, PaidBy};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::Event;
use rusqlite::Connection;

/// How much is tidied in one transaction: nobody shall wait for it.
const AT_A_TIME: u32 = 200;

impl Orders for SqliteGroup {
    fn adopt(&self, adopt: Adopt) -> Reply<()> {
        self.write_once(adopt.guard.clone(), move |connection| {
            let order = self::adopt(connection, &adopt.adoption)?;
            match &adopt.cash {
                Some(cash) => take_cash(connection, &order, &adopt.adoption, cash, &adopt.policies),
                None => Ok(()),
            }
        })
    }

    fn tidy(&self, tidy: Tidy) -> Reply<Tidied> {
        self.write(move |connection| {
            let drafts = expire_drafts(connection, &tidy)?;
            let refunds = withdraw_old(connection, &tidy, AT_A_TIME)?;
            let requests = connection.execute(
                "DELETE FROM requests WHERE request_id IN \
                 (SELECT request_id FROM requests WHERE expires_at < ?1 LIMIT 5000)",
                [tidy.now.0],
            )?;
            let requests = u64::try_from(requests).unwrap_or(u64::MAX);
            Ok(Tidied { drafts, refunds, requests })
        })
    }
}

/// Brings the order to `adopted` if it is not further already; makes it first if this group has never had it
/// or lost it: the signed entries hold all there is to know.
pub(super) fn adopt(connection: &Connection, adoption: &Adoption) -> Result<OrderRow, GroupError> {
    let order = match find_order(connection, adoption.number)? {
        Some(order) => order,
        None => bring_in(connection, adoption)?,
    };
    same_sale(&order, &adoption.sale)?;
    keep(connection, &adoption.sale.entry, adoption.quarantine)?;
    keep(connection, &adoption.adopted, adoption.quarantine)?;
    let state = order.summary.state;
    let next = state.on(OrderEvent::Adopt).map_err(|refused| Refusal::WrongState(refused.state))?;
    if next == state {
        return Ok(order);
    }
    connection
        .prepare_cached(
            "UPDATE orders SET state = ?2, adopted_at = ?3, quarantined = max(quarantined, ?4), \
             version = version + 1 WHERE number = ?1 AND state = ?5",
        )?
        .execute((
            adoption.number.as_str(),
            next.as_str(),
            adoption.at.0,
            adoption.quarantine,
            state.as_str(),
        ))?;
    tell(connection, adoption.number, adoption.at, &Fact::Adopted { quarantined: adoption.quarantine })?;
    get_order(connection, adoption.number)
}

fn bring_in(connection: &Connection, adoption: &Adoption) -> Result<OrderRow, GroupError> {
    if let Some(other) = find_by_sale(connection, adoption.sale.key)? {
        same_sale(&other, &adoption.sale)?;
        let other = other.summary;
        // The group lost the draft that the till chose and gave the sale another number later. Only a number
        // that nobody chose may go.
        if !matches!(other.state, OrderState::Draft | OrderState::Expired) {
            return Err(Refusal::Conflict("the number of this sale").into());
        }
        connection.execute("DELETE FROM story WHERE number = ?1", [other.number.as_str()])?;
        connection.execute("DELETE FROM orders WHERE number = ?1", [other.number.as_str()])?;
    }
    insert(
        connection,
        adoption.number,
        &adoption.sale,
        adoption.business_day,
        adoption.at,
        adoption.quarantine,
    )?;
    get_order(connection, adoption.number)
}

fn take_cash(
    connection: &Connection,
    order: &OrderRow,
    adoption: &Adoption,
    cash: &Cash,
    policies: &Policies,
) -> Result<(), GroupError> {
    let paid_by = PaidBy::Cash { given: cash.given, change: cash.change };
    keep(connection, &cash.entry, adoption.quarantine)?;
    if order.summary.state == OrderState::Paid {
        let same = order.summary.paid_by.as_ref() == Some(&paid_by);
        return if same { Ok(()) } else { Err(Refusal::PaidOtherwise.into()) };
    }
    // Cash in the drawer is a fact. A wallet that might pay as well is taken back.
    if let Some(mut open) = open_attempt(connection, adoption.number)? {
        if adoption.quarantine {
            // A blocked till's word starts nothing that moves money: the payment is finished first.
            let (attempt, state) = (open.payment.attempt, Some(open.payment.state));
            return Err(Refusal::AttemptOpen { attempt, state }.into());
        }
        let policy = policies.of(open.payment.wallet);
        let before = open.payment.clone();
        open.payment.on(Event::GiveUp, adoption.at, policy);
        save(connection, &open)?;
        tell_of(connection, &before, &open, adoption.at)?;
    }
    become_paid(connection, adoption.number, &paid_by, adoption.at)?;
    if adoption.quarantine {
        connection
            .execute("UPDATE orders SET quarantined = 1 WHERE number = ?1", [adoption.number.as_str()])?;
    }
    let fact = Fact::CashTaken { given: cash.given, change: cash.change, quarantined: adoption.quarantine };
    tell(connection, adoption.number, adoption.at, &fact)
}

/// Makes an adopted order paid in full; `false` if it is not adopted (any more).
pub(super) fn become_paid(
    connection: &Connection,
    number: OrderNumber,
    paid_by: &PaidBy,
    at: Timestamp,
) -> Result<bool, GroupError> {
    let rows = connection
        .prepare_cached(
            "UPDATE orders SET state = 'paid', paid_minor = total_minor, paid_at = ?2, paid_by = ?3, \
             version = version + 1 WHERE number = ?1 AND state = 'adopted'",
        )?
        .execute((number.as_str(), at.0, to_json(paid_by)?))?;
    Ok(rows == 1)
}

fn expire_drafts(connection: &Connection, tidy: &Tidy) -> Result<u64, GroupError> {
    let old: Vec<String> = connection
        .prepare_cached(
            "UPDATE orders SET state = 'expired', version = version + 1 WHERE number IN \
             (SELECT number FROM orders WHERE state = 'draft' AND created_at < ?1 LIMIT ?2) RETURNING number",
        )?
        .query_map((tidy.drafts_before.0, AT_A_TIME), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for number in &old {
        tell(connection, parsed(number)?, tidy.now, &Fact::DraftExpired)?;
    }
    Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
}
