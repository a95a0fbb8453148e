//! Drafts: the only thing that a group takes without being named.

use super::super::{Created, Drafts, Fact, GroupError, NewDraft, Refusal, Reply, SaleOfTill};
use super::SqliteGroup;
use super::rows::{ORDER, OrderRow, keep, one, order_row, signed, tell};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::SaleKey;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use rusqlite::Connection;

impl Drafts for SqliteGroup {
    fn tag(&self) -> GroupTag {
        self.tag
    }

    fn probe(&self, server: String, at: Timestamp) -> Reply<()> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO probe (server, at, count) VALUES (?1, ?2, 1) \
                     ON CONFLICT (server) DO UPDATE SET at = ?2, count = count + 1",
                )?
                .execute((server, at.0))?;
            Ok(())
        })
    }

    fn create_draft(&self, draft: NewDraft) -> Reply<Created> {
        let tag = self.tag;
        self.write_once(draft.guard.clone(), move |connection| create(connection, &draft, tag))
    }
}

fn create(connection: &Connection, draft: &NewDraft, tag: GroupTag) -> Result<Created, GroupError> {
    if let Some(there) = find_by_sale(connection, draft.sale.key)? {
        same_sale(&there, &draft.sale)?;
        return Ok(Created { number: there.summary.number, business_day: there.summary.business_day });
    }
    for random in draft.random {
        let number = OrderNumber::new(draft.at, random, tag)
            .map_err(|error| GroupError::Internal(format!("the server's clock is wrong: {error}")))?;
        if insert(connection, number, &draft.sale, draft.business_day, draft.at, false)? {
            keep(connection, &draft.sale.entry, false)?;
            tell(connection, number, draft.at, &Fact::DraftCreated { server: draft.server.clone() })?;
            return Ok(Created { number, business_day: draft.business_day });
        }
    }
    Err(GroupError::Unavailable("no free order number in this millisecond".into()))
}

/// Inserts an order as a draft; `false` if the number is taken.
pub(super) fn insert(
    connection: &Connection,
    number: OrderNumber,
    sale: &SaleOfTill,
    day: BusinessDay,
    at: Timestamp,
    quarantined: bool,
) -> Result<bool, GroupError> {
    let key = sale.key;
    let rows = connection
        .prepare_cached(
            "INSERT INTO orders (number, terminal, epoch, sequence, sale, sale_hash, state, business_day, \
             currency, total_minor, quarantined, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'draft', ?7, ?8, ?9, ?10, ?11) ON CONFLICT (number) DO NOTHING",
        )?
        .execute(rusqlite::params![
            number.as_str(),
            key.terminal.get(),
            key.epoch,
            signed(key.sequence)?,
            sale.entry.signed.text,
            sale.entry.signed.hash().to_string(),
            day.to_string(),
            sale.sale.total.currency.code(),
            sale.sale.total.minor,
            quarantined,
            at.0,
        ])?;
    Ok(rows == 1)
}

pub(super) fn find_by_sale(connection: &Connection, key: SaleKey) -> Result<Option<OrderRow>, GroupError> {
    let sql = format!("SELECT {ORDER} FROM orders WHERE terminal = ?1 AND epoch = ?2 AND sequence = ?3");
    one(connection, &sql, (key.terminal.get(), key.epoch, signed(key.sequence)?), order_row)
}

/// The same name and other content is a fork of the till's journal (or a bug): never merged.
pub(super) fn same_sale(there: &OrderRow, sale: &SaleOfTill) -> Result<(), GroupError> {
    if there.summary.sale != sale.key {
        return Err(Refusal::Conflict("the sale of this order").into());
    }
    if there.sale_hash != sale.entry.signed.hash().to_string() {
        return Err(Refusal::Conflict("the content of the sale").into());
    }
    Ok(())
}
