//! Adoption, cash, tidying up.

use super::super::set::join;
use super::super::{Adopt, Adoption, Cash, Fact, GroupError, Orders, Policies, Refusal, Reply, Tidied, Tidy};
use super::StoredGroup;
use super::books::Books;
use super::drafts::{find_by_sale, insert, same_sale};
use super::ledger::post;
use super::payments::{is_taken, open_attempt, save, tell_of};
use super::rows::{OrderRow, keep, lock, locked, parsed, to_json};
use crate::database::Sql;
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::journal::Body;
use evertill_shared::ledger::Entry;
use evertill_shared::money::Amount;
use evertill_shared::order::{OrderEvent, OrderState, PaidBy};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::Event;

/// How much is tidied at a time: nobody shall wait for it.
pub(super) const AT_A_TIME: u32 = 200;

impl Orders for StoredGroup {
    fn adopt(&self, adopt: Adopt) -> Reply<()> {
        self.write_once(adopt.adoption.number, adopt.guard.clone(), move |books| {
            let order = self::adopt(books, &adopt.adoption)?;
            match &adopt.cash {
                Some(cash) => take_cash(books, &order, &adopt.adoption, cash, &adopt.policies),
                None => Ok(()),
            }
        })
    }

    fn tidy(&self, tidy: Tidy) -> Reply<Tidied> {
        let group = Self { tag: self.tag, slot: std::sync::Arc::clone(&self.slot) };
        Box::pin(async move {
            // What goes wrong with one kind keeps no other from being tidied.
            let drafts = expire_drafts(&group, &tidy).await;
            let refunds = super::refunds::withdraw_old(&group, &tidy).await;
            let requests = group.write_beside(move |sql| forget_requests(sql, tidy.now)).await;
            Ok(Tidied { drafts: drafts?, refunds: refunds?, requests: requests? })
        })
    }
}

fn forget_requests(sql: &dyn Sql, now: Timestamp) -> Result<u64, GroupError> {
    Ok(sql.execute(
        "DELETE FROM requests WHERE request_id IN \
         (SELECT request_id FROM requests WHERE expires_at < ?1 ORDER BY expires_at, request_id LIMIT 5000)",
        &params![now.0],
    )?)
}

/// Brings the order to `adopted` if it is not further already; makes it first if this group has never had it
/// or lost it: the signed entries hold all there is to know.
pub(super) fn adopt(books: &Books<'_>, adoption: &Adoption) -> Result<OrderRow, GroupError> {
    let sql = books.sql;
    let order = match lock(sql, adoption.number)? {
        Some(order) => order,
        None => bring_in(sql, adoption)?,
    };
    same_sale(&order, &adoption.sale)?;
    keep(sql, &adoption.sale.entry, adoption.quarantine)?;
    keep(sql, &adoption.adopted, adoption.quarantine)?;
    let state = order.summary.state;
    let next = state.on(OrderEvent::Adopt).map_err(|refused| Refusal::WrongState(refused.state))?;
    if next == state {
        return Ok(order);
    }
    let (cashier, name, known) = super::rows::served_by_values(adoption.served_by.as_ref());
    sql.execute(
        "UPDATE orders SET state = ?2, adopted_at = ?3, \
         quarantined = CASE WHEN quarantined = 1 THEN quarantined ELSE ?4 END, \
         cashier = ?6, cashier_name = ?7, cashier_known = ?8 WHERE number = ?1 AND state = ?5",
        &params![
            adoption.number.as_str(),
            next.as_str(),
            adoption.at.0,
            adoption.quarantine,
            state.as_str(),
            cashier,
            name,
            known,
        ],
    )?;
    books.tell(adoption.number, adoption.at, &Fact::Adopted { quarantined: adoption.quarantine })?;
    locked(sql, adoption.number)
}

fn bring_in(sql: &dyn Sql, adoption: &Adoption) -> Result<OrderRow, GroupError> {
    // Another server may be giving the sale a number at this moment: then what it did is looked at.
    for _ in 0..2 {
        if let Some(other) = find_by_sale(sql, adoption.sale.key)? {
            give_way(sql, other.summary.number, adoption)?;
        }
        let (number, sale, day) = (adoption.number, &adoption.sale, adoption.business_day);
        insert(sql, number, sale, day, adoption.at, adoption.quarantine)?;
        if let Some(order) = lock(sql, adoption.number)? {
            return Ok(order);
        }
    }
    Err(GroupError::Unavailable("another number of the same sale is just being written".into()))
}

/// The group lost the draft that the till chose and gave the sale another number later. Only a number that nobody
/// chose may go.
fn give_way(sql: &dyn Sql, number: OrderNumber, adoption: &Adoption) -> Result<(), GroupError> {
    let Some(other) = lock(sql, number)? else { return Ok(()) };
    same_sale(&other, &adoption.sale)?;
    if !matches!(other.summary.state, OrderState::Draft | OrderState::Expired) {
        return Err(Refusal::Conflict("the number of this sale").into());
    }
    sql.execute("DELETE FROM story WHERE number = ?1", &params![number.as_str()])?;
    sql.execute("DELETE FROM orders WHERE number = ?1", &params![number.as_str()])?;
    Ok(())
}

fn take_cash(
    books: &Books<'_>,
    order: &OrderRow,
    adoption: &Adoption,
    cash: &Cash,
    policies: &Policies,
) -> Result<(), GroupError> {
    let (sql, number) = (books.sql, adoption.number);
    let paid_by = PaidBy::Cash { given: cash.given, change: cash.change };
    rests_on_its_part(order, cash)?;
    keep(sql, &cash.entry, adoption.quarantine)?;
    cash.part.iter().try_for_each(|part| keep(sql, part, adoption.quarantine))?;
    if order.summary.state == OrderState::Paid {
        let same = order.summary.paid_by.as_ref() == Some(&paid_by);
        return if same { Ok(()) } else { Err(Refusal::PaidOtherwise.into()) };
    }
    // Cash in the drawer is a fact. A wallet that might pay as well is taken back.
    if let Some(mut open) = open_attempt(sql, number)? {
        if adoption.quarantine {
            // A blocked till's word starts nothing that moves money: the payment is finished first.
            let (attempt, state) = (open.payment.attempt, Some(open.payment.state));
            return Err(Refusal::AttemptOpen { attempt, state }.into());
        }
        let policy = policies.of(open.payment.wallet);
        let before = open.payment.clone();
        open.payment.on(Event::GiveUp, adoption.at, policy);
        save(books, &before, &open, adoption.at)?;
        tell_of(books, &before, &open, adoption.at)?;
    }
    become_paid(books, number, &paid_by, adoption.at)?;
    if adoption.quarantine {
        sql.execute("UPDATE orders SET quarantined = 1 WHERE number = ?1", &params![number.as_str()])?;
    }
    let fact = Fact::CashTaken { given: cash.given, change: cash.change, quarantined: adoption.quarantine };
    books.tell(number, adoption.at, &fact)
}

/// What was only the rest rests on the entry that took the part before, which is kept beside it.
fn rests_on_its_part(order: &OrderRow, cash: &Cash) -> Result<(), GroupError> {
    let entry = cash.entry.signed.read_unverified();
    let holds = match entry.map(|entry| entry.body) {
        Ok(Body::CashRest { part, .. }) => {
            is_taken(cash.part.as_ref(), order.summary.sale, part, &cash.entry)
        }
        _ => cash.part.is_none(),
    };
    if holds { Ok(()) } else { Err(Refusal::WrongAmount.into()) }
}

/// Makes an adopted order paid in full; `false` if it is not adopted (any more).
pub(super) fn become_paid(
    books: &Books<'_>,
    number: OrderNumber,
    paid_by: &PaidBy,
    at: Timestamp,
) -> Result<bool, GroupError> {
    let paid = books.sql.row(
        "UPDATE orders SET state = 'paid', paid_minor = total_minor, paid_at = ?2, paid_by = ?3 \
         WHERE number = ?1 AND state = 'adopted' RETURNING currency, paid_minor",
        &params![number.as_str(), at.0, to_json(paid_by)?],
    )?;
    let Some(paid) = paid else { return Ok(false) };
    books.note(number, at);
    let amount = Amount::new(paid.at(1)?, parsed(&paid.at::<String>(0)?)?);
    for entry in Entry::of_sale(paid_by, amount) {
        post(books, number, &entry, at)?;
    }
    Ok(true)
}

/// One job for each order: jobs that change several would wait for each other's locks.
async fn expire_drafts(group: &StoredGroup, tidy: &Tidy) -> Result<u64, GroupError> {
    let (before, now, pattern) = (tidy.drafts_before, tidy.now, group.pattern());
    let old = group.read(move |sql| {
        let rows = sql.rows(
            "SELECT number FROM orders WHERE state = 'draft' AND created_at < ?1 AND number LIKE ?2 \
             ORDER BY created_at LIMIT ?3",
            &params![before.0, pattern, AT_A_TIME],
        )?;
        rows.iter().map(|row| parsed(&row.at::<String>(0)?)).collect::<Result<Vec<OrderNumber>, GroupError>>()
    });
    let expire = |number: OrderNumber| {
        group.write(number, move |books| {
            let rows = books.sql.execute(
                "UPDATE orders SET state = 'expired', version = version + 1 \
                 WHERE number = ?1 AND state = 'draft' AND created_at < ?2",
                &params![number.as_str(), before.0],
            )?;
            if rows == 1 {
                books.tell(number, now, &Fact::DraftExpired)?;
            }
            Ok(rows)
        })
    };
    let expired = join(old.await?.into_iter().map(expire).collect()).await;
    expired.into_iter().sum()
}
