//! The ledger of a group: written with the facts, and proved against them.

use super::super::ledger::{Ledger, ProvedPart};
use super::super::{GroupError, Reply};
use super::StoredGroup;
use super::books::Books;
use super::rows::{all, from_json, parsed};
use crate::database::{Row, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::AccountId;
use evertill_shared::ledger::{Entry, LedgerFault, Leg, check};
use evertill_shared::money::Amount;
use evertill_shared::order::PaidBy;
use evertill_shared::order_number::OrderNumber;
use std::collections::BTreeMap;

/// Above every number that can be.
const ABOVE_ALL: &str = "999999999999999999999999999999999999";

/// Writes an entry down, in the transaction that writes its fact. A fact that stands there already is there once.
pub(super) fn post(
    books: &Books<'_>,
    number: OrderNumber,
    entry: &Entry,
    at: Timestamp,
) -> Result<(), GroupError> {
    let [debit, credit] = entry.legs();
    books.sql.execute(
        "INSERT INTO ledger (number, entry, account, currency, debit_minor, credit_minor, at) \
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6), (?1, ?2, ?7, ?4, 0, ?5, ?6) ON CONFLICT DO NOTHING",
        &params![
            number.as_str(),
            &debit.entry,
            &debit.account,
            &debit.currency,
            debit.debit_minor,
            at.0,
            &credit.account,
        ],
    )?;
    Ok(())
}

impl Ledger for StoredGroup {
    fn prove(&self, after: String, most: u32) -> Reply<ProvedPart> {
        let pattern = self.pattern();
        self.read(move |sql| prove(sql, &after, &pattern, most))
    }
}

type OfOrders<T> = BTreeMap<String, Vec<T>>;

fn prove(sql: &dyn Sql, after: &str, pattern: &str, most: u32) -> Result<ProvedPart, GroupError> {
    let numbers: Vec<String> = all(
        sql,
        "SELECT number FROM orders WHERE number > ?1 AND number LIKE ?2 \
         AND state NOT IN ('draft', 'expired') ORDER BY number LIMIT ?3",
        &params![after, pattern, most],
        |row| Ok(row.at(0)?),
    )?;
    let is_more = u32::try_from(numbers.len()) == Ok(most);
    let last = numbers.last().filter(|_| is_more).cloned();
    // Halves that rest on no order at all are in the span, too.
    let span = (after.to_owned(), last.clone().unwrap_or_else(|| ABOVE_ALL.to_owned()), pattern.to_owned());
    let mut facts: OfOrders<Entry> = BTreeMap::new();
    for (statement, read) in FACTS {
        let rows = sql.rows(statement, &params![&span.0, &span.1, &span.2])?;
        for row in &rows {
            facts.entry(row.get("number")?).or_default().extend(read(row)?);
        }
    }
    let mut part = ProvedPart { last, orders: numbers.len() as u64, ..ProvedPart::default() };
    for row in &sql.rows(PAID, &params![&span.0, &span.1, &span.2])? {
        let number: String = row.get("number")?;
        part.faults.extend(other_sum(row)?.map(|fault| (number, fault)));
    }
    let mut ledger: OfOrders<Leg> = BTreeMap::new();
    let statement = "SELECT number, entry, account, currency, debit_minor, credit_minor FROM ledger \
                     WHERE number > ?1 AND number <= ?2 AND number LIKE ?3";
    for row in &sql.rows(statement, &params![&span.0, &span.1, &span.2])? {
        let leg = leg(row)?;
        part.balances.add(&leg);
        ledger.entry(row.get("number")?).or_default().push(leg);
    }
    for (number, facts) in facts {
        let legs = ledger.remove(&number).unwrap_or_default();
        part.faults.extend(check(&facts, &legs).into_iter().map(|fault| (number.clone(), fault)));
    }
    for (number, legs) in ledger {
        part.faults.extend(check(&[], &legs).into_iter().map(|fault| (number.clone(), fault)));
    }
    Ok(part)
}

fn leg(row: &Row) -> Result<Leg, GroupError> {
    Ok(Leg {
        entry: row.get("entry")?,
        account: row.get("account")?,
        currency: row.get("currency")?,
        debit_minor: row.get("debit_minor")?,
        credit_minor: row.get("credit_minor")?,
    })
}

/// Which facts there are in a span of orders, and what entries each is told by.
type Facts = (&'static str, fn(&Row) -> Result<Vec<Entry>, GroupError>);

const FACTS: [Facts; 4] = [
    (
        "SELECT number, currency, paid_minor AS minor, paid_by FROM orders \
         WHERE number > ?1 AND number <= ?2 AND number LIKE ?3 AND state = 'paid'",
        sale,
    ),
    (
        "SELECT number, currency, amount_minor AS minor, id, wallet FROM refunds \
         WHERE number > ?1 AND number <= ?2 AND number LIKE ?3 AND state = 'done'",
        refund,
    ),
    (
        "SELECT g.number AS number, p.currency, p.amount_minor AS minor, g.attempt, g.wallet, g.state, \
         NULL AS account FROM give_backs g JOIN payments p ON p.number = g.number AND p.attempt = g.attempt \
         WHERE g.number > ?1 AND g.number <= ?2 AND g.number LIKE ?3",
        give_back,
    ),
    (
        "SELECT g.number AS number, p.currency, p.amount_minor AS minor, g.attempt, g.wallet, g.state, \
         g.account FROM give_backs_elsewhere g JOIN payments p ON p.number = g.number AND p.attempt = g.attempt \
         WHERE g.number > ?1 AND g.number <= ?2 AND g.number LIKE ?3",
        give_back,
    ),
];

/// Orders that are paid, beside each payment that a wallet made of them.
const PAID: &str = "SELECT o.number, o.currency, o.paid_minor AS minor, o.paid_by, p.amount_minor, \
     p.transaction_number FROM orders o JOIN payments p ON p.number = o.number AND p.state = 'paid' \
     WHERE o.number > ?1 AND o.number <= ?2 AND o.number LIKE ?3 AND o.state = 'paid'";

/// The order and the payment that it was paid by name one transaction, and two sums. Servers refund by what the order says.
fn other_sum(row: &Row) -> Result<Option<LedgerFault>, GroupError> {
    let (paid_by, order): (PaidBy, _) = (from_json(&row.get::<String>("paid_by")?)?, amount(row)?);
    let Some(transaction) = row.get::<Option<String>>("transaction_number")? else { return Ok(None) };
    let said = match paid_by {
        PaidBy::Wallet { transaction: of, .. } if of == transaction => Some(order),
        PaidBy::Split { wallets, .. } => {
            wallets.into_iter().find(|part| part.transaction == transaction).map(|part| part.amount)
        }
        PaidBy::Wallet { .. } | PaidBy::Cash { .. } => None,
    };
    let paid = Amount::new(row.get("amount_minor")?, order.currency);
    let said = said.filter(|said| *said != paid);
    Ok(said.map(|said| LedgerFault::Transaction { transaction, said, paid }))
}

fn amount(row: &Row) -> Result<Amount, GroupError> {
    Ok(Amount::new(row.get("minor")?, parsed(&row.get::<String>("currency")?)?))
}

fn sale(row: &Row) -> Result<Vec<Entry>, GroupError> {
    let paid_by: PaidBy = from_json(&row.get::<String>("paid_by")?)?;
    Ok(Entry::of_sale(&paid_by, amount(row)?))
}

fn refund(row: &Row) -> Result<Vec<Entry>, GroupError> {
    let wallet: Option<String> = row.get("wallet")?;
    let wallet = wallet.as_deref().map(parsed).transpose()?;
    Ok(vec![Entry::Refund { refund: row.get("id")?, wallet, amount: amount(row)? }])
}

fn give_back(row: &Row) -> Result<Vec<Entry>, GroupError> {
    let (attempt, amount) = (row.get("attempt")?, amount(row)?);
    let wallet = parsed(&row.get::<String>("wallet")?)?;
    let elsewhere = row.get::<Option<u32>>("account")?.map(AccountId);
    let mut entries = vec![Entry::Taken { attempt, elsewhere, wallet, amount }];
    if row.get::<String>("state")? != "open" {
        entries.push(Entry::Back { attempt, elsewhere, wallet, amount });
    }
    Ok(entries)
}
