//! The builds of the view, how far each tag has come in them, and which server feeds it.

use crate::database::{DbError, Row, Sql};
use crate::order_group::Lease;
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use std::time::Duration;

/// A lease that ends later than this is from a clock that has been set back since.
const IMPLAUSIBLE: Duration = Duration::from_secs(3600);

/// Which build is shown, and which is in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Builds {
    pub live: i64,
    pub next: Option<i64>,
}

impl Builds {
    /// Both, to write the same into each.
    pub fn all(self) -> impl Iterator<Item = i64> {
        std::iter::once(self.live).chain(self.next)
    }
}

const BUILDS: &str = "SELECT live, next FROM builds WHERE one = 1";

fn builds(rows: &[Row]) -> Result<Builds, DbError> {
    let row = rows.first().ok_or_else(|| DbError::nonsense("the view has no build"))?;
    Ok(Builds { live: row.get("live")?, next: row.get("next")? })
}

/// As they stand.
pub(super) fn look(sql: &dyn Sql) -> Result<Builds, DbError> {
    builds(&sql.rows(BUILDS, &[])?)
}

/// The same for whoever writes: nobody else does until the end of this transaction, so that what is read before it
/// is written stays true.
pub(super) fn lock(sql: &dyn Sql) -> Result<Builds, DbError> {
    builds(&sql.rows_locked(BUILDS, &[])?)
}

/// How far a tag has come in a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Feed {
    pub tag: GroupTag,
    pub filled: bool,
    pub scanned_to: Option<OrderNumber>,
    pub complete_until: Option<Timestamp>,
}

const FEED: &str = "SELECT tag, filled, scanned_to, complete_until FROM feeds";

fn feed_row(row: &Row) -> Result<Feed, DbError> {
    let scanned_to: Option<String> = row.get("scanned_to")?;
    Ok(Feed {
        tag: GroupTag::try_from(row.get::<u8>("tag")?).map_err(DbError::nonsense)?,
        filled: row.get("filled")?,
        scanned_to: scanned_to.map(|text| text.parse().map_err(DbError::nonsense)).transpose()?,
        complete_until: row.get::<Option<i64>>("complete_until")?.map(Timestamp),
    })
}

/// Of all tags.
pub(super) fn feeds(sql: &dyn Sql, build: i64) -> Result<Vec<Feed>, DbError> {
    let rows = sql.rows(&format!("{FEED} WHERE build = ?1 ORDER BY tag"), &params![build])?;
    rows.iter().map(feed_row).collect()
}

/// Of one tag, which it makes if the tag is new here.
pub(super) fn feed(sql: &dyn Sql, build: i64, tag: GroupTag) -> Result<Feed, DbError> {
    let new = "INSERT INTO feeds (build, tag) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    sql.execute(new, &params![build, tag.get()])?;
    let row = sql.row(&format!("{FEED} WHERE build = ?1 AND tag = ?2"), &params![build, tag.get()])?;
    feed_row(&row.ok_or_else(|| DbError::nonsense("a feed is gone"))?)
}

/// Nothing from before that time is missing any more, in any build.
pub(super) fn complete(sql: &dyn Sql, tag: GroupTag, until: Timestamp) -> Result<(), DbError> {
    let statement = "UPDATE feeds SET complete_until = ?2 WHERE tag = ?1";
    sql.execute(statement, &params![tag.get(), until.0]).map(drop)
}

/// Something from that time on is missing, in every build, whatever was promised before.
pub(super) fn missing_since(sql: &dyn Sql, tag: GroupTag, since: Timestamp) -> Result<(), DbError> {
    let statement = "UPDATE feeds SET complete_until = ?2 WHERE tag = ?1 AND complete_until > ?2";
    sql.execute(statement, &params![tag.get(), since.0]).map(drop)
}

/// The tag's orders from that number on upwards are in the build; or all are.
pub(super) fn scanned(
    sql: &dyn Sql,
    build: i64,
    tag: GroupTag,
    to: Option<OrderNumber>,
) -> Result<(), DbError> {
    let (build, tag) = (build, tag.get());
    match to {
        Some(number) => sql.execute(
            "UPDATE feeds SET scanned_to = ?3 WHERE build = ?1 AND tag = ?2 \
             AND (scanned_to IS NULL OR scanned_to > ?3)",
            &params![build, tag, number.as_str()],
        ),
        None => {
            sql.execute("UPDATE feeds SET filled = 1 WHERE build = ?1 AND tag = ?2", &params![build, tag])
        }
    }
    .map(drop)
}

/// Whether another server feeds the tag now.
pub(super) fn is_leased(sql: &dyn Sql, tag: GroupTag, owner: &str, now: Timestamp) -> Result<bool, DbError> {
    let statement = "SELECT lease_until FROM feeders WHERE tag = ?1 AND owner <> ?2";
    let until: Option<i64> = sql.value(statement, &params![tag.get(), owner])?;
    Ok(until.is_some_and(|until| until > now.0 && until < now.plus(IMPLAUSIBLE).0))
}

/// This server feeds the tag.
pub(super) fn lease(sql: &dyn Sql, tag: GroupTag, lease: &Lease) -> Result<(), DbError> {
    sql.execute(
        "INSERT INTO feeders (tag, owner, lease_until) VALUES (?1, ?2, ?3) \
         ON CONFLICT (tag) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until",
        &params![tag.get(), &lease.owner, lease.until.0],
    )
    .map(drop)
}
