//! Drafts: the only thing that a group takes without being named. One row, and nothing besides.

use super::super::{Created, Drafts, GroupError, NewDraft, Refusal, Reply, SaleOfTill};
use super::rows::{ORDER, OrderRow, one, order_row};
use super::{StoredGroup, tags};
use crate::database::{Database, Insert, Inserted, Kind, Sql, Value};
use crate::params;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::SaleKey;
use evertill_shared::order_number::{GroupTag, OrderNumber};

/// An order as it is born, by the till's wish or, when it is adopted unknown, by the till's word.
static DRAFT: Insert = Insert::new(
    "orders",
    &[
        ("number", Kind::Text),
        ("terminal", Kind::Int),
        ("epoch", Kind::Int),
        ("sequence", Kind::Int),
        ("sale", Kind::Text),
        ("sale_hash", Kind::Text),
        ("state", Kind::Text),
        ("business_day", Kind::Text),
        ("currency", Kind::Text),
        ("total_minor", Kind::Int),
        ("quarantined", Kind::Int),
        ("created_at", Kind::Int),
        ("created_by", Kind::Text),
    ],
);

impl Drafts for StoredGroup {
    fn tag(&self) -> GroupTag {
        self.tag
    }

    fn probe(&self, server: String, at: Timestamp) -> Reply<()> {
        let (database, tag) = (self.database(), self.tag);
        Box::pin(async move {
            let job = move |sql: &dyn Sql| -> Result<(), GroupError> {
                if !tags::takes_drafts(sql.opening(), tag) {
                    return Err(GroupError::NotTaking);
                }
                sql.execute(
                    "INSERT INTO probe (server, at, count) VALUES (?1, ?2, 1) \
                     ON CONFLICT (server) DO UPDATE SET at = ?2, count = probe.count + 1",
                    &params![server, at.0],
                )?;
                Ok(())
            };
            database?.write(job).await
        })
    }

    fn create_draft(&self, draft: NewDraft) -> Reply<Created> {
        let (database, tag) = (self.database(), self.tag);
        Box::pin(async move { create(&database?, &draft, tag).await })
    }
}

async fn create(database: &Database, draft: &NewDraft, tag: GroupTag) -> Result<Created, GroupError> {
    for random in draft.random {
        let number = OrderNumber::new(draft.at, random, tag)
            .map_err(|error| GroupError::Internal(format!("the server's clock is wrong: {error}")))?;
        let mut values = values(number, &draft.sale, draft.business_day, draft.at, false);
        values.push(draft.server.clone().into());
        let allowed = Box::new(move |opening: &[_]| tags::takes_drafts(opening, tag));
        match database.insert(&DRAFT, values, allowed).await? {
            Inserted::Yes => return Ok(Created { number, business_day: draft.business_day }),
            Inserted::NotAllowed => return Err(GroupError::NotTaking),
            Inserted::Conflict => {}
        }
        // The sale is there already, or the number is another sale's.
        if let Some(there) = there_already(database, number, &draft.sale).await? {
            return Ok(there);
        }
    }
    Err(GroupError::Unavailable("no free order number in this millisecond".into()))
}

/// The draft of that sale, as it stands at the end of all that was written before.
async fn there_already(
    database: &Database,
    number: OrderNumber,
    sale: &SaleOfTill,
) -> Result<Option<Created>, GroupError> {
    let (key, hash) = (sale.key, sale.entry.hash.to_string());
    let job = move |sql: &dyn Sql| -> Result<Option<Created>, GroupError> {
        let Some(there) = find_by_sale(sql, key)? else { return Ok(None) };
        same_content(&there, &hash)?;
        Ok(Some(Created { number: there.summary.number, business_day: there.summary.business_day }))
    };
    database.write_to(number.to_string(), job).await
}

/// The columns of [`DRAFT`], but for the last.
fn values(
    number: OrderNumber,
    sale: &SaleOfTill,
    day: BusinessDay,
    at: Timestamp,
    quarantined: bool,
) -> Vec<Value<'static>> {
    let key = sale.key;
    vec![
        number.to_string().into(),
        key.terminal.get().into(),
        key.epoch.into(),
        key.sequence.into(),
        sale.entry.signed.text.clone().into(),
        sale.entry.hash.to_string().into(),
        "draft".into(),
        day.to_string().into(),
        sale.sale.total.currency.code().to_owned().into(),
        sale.sale.total.minor.into(),
        quarantined.into(),
        at.0.into(),
    ]
}

/// Inserts an order that no server has given out, if neither its number nor its sale is there.
pub(super) fn insert(
    sql: &dyn Sql,
    number: OrderNumber,
    sale: &SaleOfTill,
    day: BusinessDay,
    at: Timestamp,
    quarantined: bool,
) -> Result<(), GroupError> {
    let mut values = values(number, sale, day, at, quarantined);
    values.push(Value::Null);
    sql.execute(DRAFT.statement(), &values)?;
    Ok(())
}

pub(super) fn find_by_sale(sql: &dyn Sql, key: SaleKey) -> Result<Option<OrderRow>, GroupError> {
    let statement =
        format!("SELECT {ORDER} FROM orders WHERE terminal = ?1 AND epoch = ?2 AND sequence = ?3");
    one(sql, &statement, &params![key.terminal.get(), key.epoch, key.sequence], order_row)
}

/// The same name and other content is a fork of the till's journal (or a bug): never merged.
pub(super) fn same_sale(there: &OrderRow, sale: &SaleOfTill) -> Result<(), GroupError> {
    if there.summary.sale != sale.key {
        return Err(Refusal::Conflict("the sale of this order").into());
    }
    same_content(there, &sale.entry.hash.to_string())
}

fn same_content(there: &OrderRow, hash: &str) -> Result<(), GroupError> {
    if there.sale_hash == hash { Ok(()) } else { Err(Refusal::Conflict("the content of the sale").into()) }
}
