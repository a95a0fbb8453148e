//! Putting copies into a build, and keeping its totals right: each change adds the difference between the old row and
//! the new one, in the same transaction.

use super::rows::{
    ATTEMPTS, LINES, REFUNDS, SALES, Table, attempt_values, from_json, line_values, refund_values,
    sale_values,
};
use crate::database::{DbError, Row, Sql, Value};
use crate::order_group::OrderSummary;
use crate::order_group::outbox::SaleCopy;
use crate::order_group::served_by_values;
use crate::params;
use evertill_shared::order::{OrderState, PaidBy};
use evertill_shared::refund::RefundState;
use evertill_shared::wallet::Wallet;
use std::collections::{BTreeMap, HashMap};

/// How many numbers stand in one `IN (…)`.
const LOOKED_UP: usize = 50;
/// How many parameters a statement may have, on every engine.
const PARAMETERS: usize = 64;

/// What one order, or many, add to a day's totals with a tender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    orders: i64,
    paid: i64,
    refunded: i64,
    held: i64,
}

impl Sums {
    fn add(&mut self, more: Self, sign: i64) {
        self.orders += sign * more.orders;
        self.paid += sign * more.paid;
        self.refunded += sign * more.refunded;
        self.held += sign * more.held;
    }
}

/// Business day, tender, cashier, quarantined.
pub(super) type Account = (String, String, String, bool);

/// What was paid with: the wallet's name, or nothing for cash. An order that was paid in parts is its wallet's.
pub(super) fn tender(order: &OrderSummary) -> &'static str {
    order.paid_by.as_ref().and_then(PaidBy::wallet).map_or("", Wallet::code)
}

/// What surely went back.
pub(super) fn refunded(order: &OrderSummary) -> i64 {
    let done = order.refunds.iter().filter(|refund| refund.state == RefundState::Done);
    done.fold(0, |sum, refund| sum.saturating_add(refund.amount.minor))
}

/// What of an order that was paid in parts went back in cash, and what is held for that; zero of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BackInCash {
    pub refunded: i64,
    pub held: i64,
}

pub(super) fn back_in_cash(copy: &SaleCopy) -> BackInCash {
    let in_cash = copy.order.refunds.iter().filter(|refund| copy.cash_refunds.contains(&refund.id));
    in_cash.fold(BackInCash::default(), |sum, refund| {
        let of = |counts: bool| if counts { refund.amount.minor } else { 0 };
        BackInCash {
            refunded: sum.refunded.saturating_add(of(refund.state == RefundState::Done)),
            held: sum.held.saturating_add(of(refund.state.holds_money())),
        }
    })
}

fn accounts_of(copy: &SaleCopy) -> Vec<(Account, Sums)> {
    let order = &copy.order;
    let (cashier, ..) = served_by_values(order.served_by.as_ref());
    let account =
        (order.business_day.to_string(), tender(order).to_owned(), cashier.to_owned(), order.quarantined);
    let sums = Sums { orders: 1, paid: order.paid.minor, refunded: refunded(order), held: order.held.minor };
    match order.state {
        OrderState::Paid => in_parts(account, sums, order.paid_by.as_ref(), back_in_cash(copy)),
        _ => Vec::new(),
    }
}

/// What was paid in parts counts as an order where its wallet is, and with its cash part beside the orders that were paid
/// in cash. What went back of it counts where it went, whichever of its parts was carried out, refused or withdrawn first.
fn in_parts(
    account: Account,
    sums: Sums,
    paid_by: Option<&PaidBy>,
    back: BackInCash,
) -> Vec<(Account, Sums)> {
    let Some(PaidBy::Split { cash, .. }) = paid_by else { return vec![(account, sums)] };
    let part = Sums { orders: 0, paid: cash.minor, refunded: back.refunded, held: back.held };
    let mut rest = sums;
    rest.add(part, -1);
    let (day, _, cashier, quarantined) = account.clone();
    vec![(account, rest), ((day, String::new(), cashier, quarantined), part)]
}

/// What stands there, as far as it matters.
struct Old {
    version: u64,
    accounts: Vec<(Account, Sums)>,
}

fn old_row(row: &Row) -> Result<(String, Old), DbError> {
    let sums = Sums {
        orders: 1,
        paid: row.get("paid_minor")?,
        refunded: row.get("refunded_minor")?,
        held: row.get("held_minor")?,
    };
    let account =
        (row.get("business_day")?, row.get("tender")?, row.get("cashier")?, row.get("quarantined")?);
    let is_paid = row.get::<String>("state")? == OrderState::Paid.as_str();
    let paid_by: Option<String> = row.get("paid_by")?;
    // What cannot be read is mended by a rebuilding, and stops no copy.
    let paid_by: Option<PaidBy> = paid_by.as_deref().and_then(|text| from_json(text).ok());
    let back = BackInCash { refunded: row.get("cash_refunded_minor")?, held: row.get("cash_held_minor")? };
    let accounts = if is_paid { in_parts(account, sums, paid_by.as_ref(), back) } else { Vec::new() };
    let old = Old { version: row.get("version")?, accounts };
    Ok((row.get("number")?, old))
}

/// Puts the copies that are newer than what is there into the build; gives how many were. The caller has the lock.
pub(super) fn apply(sql: &dyn Sql, build: i64, copies: &[SaleCopy]) -> Result<u64, DbError> {
    let mut old = HashMap::new();
    for numbers in copies.chunks(LOOKED_UP) {
        let statement = "SELECT number, version, state, business_day, tender, cashier, quarantined, paid_minor, \
             refunded_minor, held_minor, cash_refunded_minor, cash_held_minor, paid_by FROM sales WHERE build = ?1 AND number IN";
        let rows = sql.rows(&many(statement), &numbers_of(build, numbers.iter()))?;
        for row in &rows {
            old.extend([old_row(row)?]);
        }
    }
    let mut newest: BTreeMap<&str, &SaleCopy> = BTreeMap::new();
    for copy in copies {
        let number = copy.order.number.as_str();
        let there = newest.get(number).map(|copy| copy.version);
        let there = there.max(old.get(number).map(|old| old.version));
        if there.is_none_or(|version| version < copy.version) {
            newest.insert(number, copy);
        }
    }
    let (again, first): (Vec<&SaleCopy>, Vec<&SaleCopy>) =
        newest.values().copied().partition(|copy| old.contains_key(copy.order.number.as_str()));
    for copies in again.chunks(LOOKED_UP) {
        for table in [&SALES, &ATTEMPTS, &REFUNDS] {
            let statement = many(&format!("DELETE FROM {} WHERE build = ?1 AND number IN", table.name));
            sql.execute(&statement, &numbers_of(build, copies.iter().copied()))?;
        }
    }
    let all = || newest.values().copied();
    insert(sql, &SALES, all().map(|copy| sale_values(build, copy)).collect::<Result<_, _>>()?)?;
    // What was sold never changes.
    insert(sql, &LINES, first.iter().flat_map(|copy| line_values(build, copy)).collect())?;
    insert(sql, &ATTEMPTS, all().flat_map(|copy| attempt_values(build, copy)).collect())?;
    let refunds = all().map(|copy| refund_values(build, copy)).collect::<Result<Vec<_>, _>>()?;
    insert(sql, &REFUNDS, refunds.into_iter().flatten().collect())?;
    let before = |copy: &SaleCopy| old.get(copy.order.number.as_str()).map(|old| old.accounts.clone());
    let gone = all().filter_map(before).flatten();
    let come = all().flat_map(accounts_of);
    book(sql, build, gone.map(|account| (account, -1)).chain(come.map(|account| (account, 1))))?;
    Ok(u64::try_from(newest.len()).unwrap_or(u64::MAX))
}

/// `… (?2, ?3, …)`: always as many, so that the statement is always the same.
fn many(statement: &str) -> String {
    let places: Vec<String> = (0..LOOKED_UP).map(|n| format!("?{}", n + 2)).collect();
    format!("{statement} ({})", places.join(", "))
}

fn numbers_of<'a>(build: i64, copies: impl Iterator<Item = &'a SaleCopy>) -> Vec<Value<'a>> {
    let numbers = copies.map(|copy| Value::from(copy.order.number.as_str()));
    let mut values: Vec<Value<'_>> = std::iter::once(build.into()).chain(numbers).collect();
    let last = values.last().cloned().unwrap_or(Value::Null);
    values.resize(LOOKED_UP + 1, last);
    values
}

/// Inserts rows, several with a statement.
fn insert(sql: &dyn Sql, table: &Table, rows: Vec<Vec<Value<'_>>>) -> Result<(), DbError> {
    let width = table.columns.len();
    let at_once = PARAMETERS / width;
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some: Vec<_> = rows.by_ref().take(at_once).collect();
        if some.len() == at_once {
            sql.execute(&table.insert(at_once), &some.concat())?;
        } else {
            for row in &some {
                sql.execute(&table.insert(1), row)?;
            }
        }
    }
    Ok(())
}

fn book(
    sql: &dyn Sql,
    build: i64,
    changes: impl Iterator<Item = ((Account, Sums), i64)>,
) -> Result<(), DbError> {
    let mut accounts: BTreeMap<Account, Sums> = BTreeMap::new();
    for ((account, sums), sign) in changes {
        accounts.entry(account).or_default().add(sums, sign);
    }
    for ((day, tender, cashier, quarantined), sums) in accounts {
        if sums == Sums::default() {
            continue;
        }
        sql.execute(
            "INSERT INTO totals (build, business_day, tender, cashier, quarantined, orders, paid_minor, \
             refunded_minor, held_minor) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
             ON CONFLICT (build, business_day, tender, cashier, quarantined) DO UPDATE SET \
             orders = totals.orders + excluded.orders, paid_minor = totals.paid_minor + excluded.paid_minor, \
             refunded_minor = totals.refunded_minor + excluded.refunded_minor, \
             held_minor = totals.held_minor + excluded.held_minor",
            &params![
                build,
                day,
                tender,
                cashier,
                quarantined,
                sums.orders,
                sums.paid,
                sums.refunded,
                sums.held,
            ],
        )?;
    }
    Ok(())
}
