//! Making the view again from the groups, beside the one that is shown, while sales go on: from its beginning each
//! change goes into both; then all orders are copied, both are compared, and the new one takes the place of the old
//! one in one transaction.

use super::apply::Account;
use super::build::{self, Builds};
use super::feeder::FeedError;
use super::rows::{SALE, sale_row, with_all};
use super::{MerchantView, ViewError, apply};
use crate::database::{DbError, Sql};
use crate::order_group::outbox::{SaleCopy, SalesPart};
use crate::order_group::{GroupError, GroupSet};
use crate::params;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many orders are copied, or compared, at once.
const CHUNK: u32 = 500;
/// How often a group that does not answer is asked again, and how long to wait between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);
/// How many orders that differ are named.
const NAMED: usize = 20;
/// What stands in the view by build and number.
const TABLES: [&str; 4] = ["sales", "lines", "attempts", "refunds"];

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many orders of that group are copied.
    Copied(GroupTag, u64),
    /// So many orders are compared.
    Compared(u64),
    /// The new view is shown; the old one is being removed.
    Removing,
}

/// How the view that was there differed from the groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Orders that were missing in it, or could not be read.
    pub missing: u64,
    /// Orders that are in no group.
    pub extra: u64,
    /// Orders that stood otherwise.
    pub changed: u64,
    /// Totals of a day and tender that were others.
    pub totals: u64,
    /// The numbers of some of these orders.
    pub named: Vec<String>,
}

impl Differences {
    /// The view that was there was right.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.missing == 0 && self.extra == 0 && self.changed == 0 && self.totals == 0
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// How many orders are in the new view.
    pub sales: u64,
    /// How the one before differed.
    pub differences: Differences,
    /// Orders that cannot be read in their group, and are not in it for that: a person has to look at their rows. The feeding
    /// brings them in when they are mended.
    pub left_out: BTreeSet<String>,
}

/// Why the view stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RebuildError {
    /// A group cannot be read.
    #[error(
        "group {tag} cannot be read: {error}. The view stays as it was; try again when the group is back"
    )]
    Group {
        /// Which group.
        tag: GroupTag,
        /// Why not.
        error: GroupError,
    },
    /// The view's own database.
    #[error("{0}. The view stays as it was")]
    View(#[from] ViewError),
    /// Somebody else makes it too.
    #[error("another rebuilding of the view has begun after this one, and goes on instead of it")]
    Another,
}

impl From<DbError> for RebuildError {
    fn from(error: DbError) -> Self {
        Self::View(error.into())
    }
}

/// What one look at both builds found.
struct Compared {
    upto: String,
    sales: u64,
    differences: Differences,
}

impl MerchantView {
    /// Makes the view anew from all groups. Sales, and the feeding of the view, go on meanwhile.
    /// # Errors
    /// [`RebuildError`]: the view stays as it was.
    pub async fn rebuild(
        &self,
        groups: &GroupSet,
        mut progress: impl FnMut(Progress),
    ) -> Result<Rebuilt, RebuildError> {
        let tags = groups.tags();
        let new = self.begin(tags.clone()).await?;
        match self.make(groups, &tags, new, &mut progress).await {
            Ok(rebuilt) => {
                progress(Progress::Removing);
                self.remove_others().await?;
                Ok(rebuilt)
            }
            Err(error) => {
                let given_up = self.write(move |sql| {
                    let statement = "UPDATE builds SET next = NULL WHERE next = ?1";
                    Ok::<_, ViewError>(sql.execute(statement, &params![new])?)
                });
                if let Err(error) = given_up.await {
                    tracing::warn!(%error, "a rebuilding of the view that failed goes on getting changes");
                }
                Err(error)
            }
        }
    }

    async fn begin(&self, tags: Vec<GroupTag>) -> Result<i64, RebuildError> {
        let begun = self.write(move |sql| -> Result<i64, ViewError> {
            let Builds { live, next } = build::lock(sql)?;
            // Never the name of one that was given up: rows of it may be left.
            let used: Option<i64> = sql.value("SELECT coalesce(max(build), 0) FROM feeds", &[])?;
            let new = live.max(next.unwrap_or(0)).max(used.unwrap_or(0)) + 1;
            sql.execute("UPDATE builds SET next = ?1", &params![new])?;
            tags.iter().try_for_each(|tag| build::feed(sql, new, *tag).map(drop))?;
            Ok(new)
        });
        Ok(begun.await?)
    }

    async fn make(
        &self,
        groups: &GroupSet,
        tags: &[GroupTag],
        new: i64,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Rebuilt, RebuildError> {
        let mut left_out = BTreeSet::new();
        for tag in tags {
            left_out.extend(self.copy(groups, *tag, new, progress).await?);
        }
        for tag in tags {
            self.empty_outbox(groups, *tag).await?;
        }
        let (mut after, mut rebuilt) =
            (String::new(), Rebuilt { sales: 0, differences: Differences::default(), left_out });
        while let Some(part) = self.compare(after, new, rebuilt.left_out.clone()).await? {
            after = part.upto;
            rebuilt.sales += part.sales;
            rebuilt.differences.add(part.differences);
            progress(Progress::Compared(rebuilt.sales));
        }
        rebuilt.differences.totals = self.swap(new).await?;
        Ok(rebuilt)
    }

    async fn copy(
        &self,
        groups: &GroupSet,
        tag: GroupTag,
        new: i64,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Vec<String>, RebuildError> {
        let (mut below, mut copied, mut all_left_out) = (None, 0_u64, Vec::new());
        loop {
            let mut tries = 1;
            let SalesPart { sales, left_out, rest } = loop {
                match sales_or_owed(groups, tag, below).await {
                    Ok(part) => break part,
                    Err(_) if tries < TRIES => tokio::time::sleep(PAUSE).await,
                    Err(error) => return Err(RebuildError::Group { tag, error }),
                }
                tries += 1;
            };
            copied += u64::try_from(sales.len()).unwrap_or(0);
            let missing = left_out.iter().map(|order| order.since).min();
            all_left_out.extend(left_out.into_iter().map(|order| order.number));
            below = rest;
            let job = self.write(move |sql| {
                if build::lock(sql)?.next != Some(new) {
                    return Err(RebuildError::Another);
                }
                apply::apply(sql, new, &sales)?;
                missing.iter().try_for_each(|since| build::missing_since(sql, tag, *since))?;
                Ok(build::scanned(sql, new, tag, below)?)
            });
            job.await?;
            progress(Progress::Copied(tag, copied));
            if below.is_none() {
                return Ok(all_left_out);
            }
        }
    }

    /// What changed before now is in both builds afterwards, so that they can be compared.
    async fn empty_outbox(&self, groups: &GroupSet, tag: GroupTag) -> Result<(), RebuildError> {
        loop {
            match self.feed(groups, tag, None, false).await {
                Ok((fed, _)) if fed.is_all => return Ok(()),
                Ok(_) => {}
                Err(FeedError::Group(error)) => return Err(RebuildError::Group { tag, error }),
                Err(FeedError::View(error)) => return Err(error.into()),
            }
        }
    }

    async fn compare(
        &self,
        after: String,
        new: i64,
        left_out: BTreeSet<String>,
    ) -> Result<Option<Compared>, RebuildError> {
        let compared = self.read(move |sql| {
            let live = build::look(sql)?.live;
            Ok(compare(sql, live, new, &after, &left_out)?)
        });
        compared.await
    }

    /// Shows the new build; gives how many totals were others.
    async fn swap(&self, new: i64) -> Result<u64, RebuildError> {
        let swapped = self.write(move |sql| {
            let builds = build::lock(sql)?;
            if builds.next != Some(new) {
                return Err(RebuildError::Another);
            }
            let (old, now) = (totals(sql, builds.live)?, totals(sql, new)?);
            let gone = old.keys().filter(|account| !now.contains_key(*account)).count();
            let others = now.iter().filter(|(account, sums)| old.get(*account) != Some(sums)).count();
            sql.execute("UPDATE builds SET live = ?1, next = NULL", &params![new])?;
            Ok(u64::try_from(gone + others).unwrap_or(u64::MAX))
        });
        swapped.await
    }

    /// Removes what is not shown and not in the making, a part at a time so that nobody waits long.
    async fn remove_others(&self) -> Result<(), RebuildError> {
        while self.write(|sql| Ok::<_, RebuildError>(remove_some(sql)?)).await? {}
        Ok(())
    }
}

impl Differences {
    fn add(&mut self, more: Self) {
        self.missing += more.missing;
        self.extra += more.extra;
        self.changed += more.changed;
        self.named.extend(more.named);
        self.named.truncate(NAMED);
    }
}

/// The next orders of a group. Those that cannot be read stand in its outbox from then on, so that nobody is promised that
/// nothing is missing.
async fn sales_or_owed(
    groups: &GroupSet,
    tag: GroupTag,
    below: Option<OrderNumber>,
) -> Result<SalesPart, GroupError> {
    let part = groups.sales(tag, below, CHUNK).await?;
    if !part.left_out.is_empty() {
        tracing::error!(%tag, orders = super::feeder::named(&part.left_out),
            "orders cannot be read and are left out of the merchant view: look at their rows");
    }
    groups.still_owed(tag, &part.left_out).await?;
    Ok(part)
}

/// A row as it stands, with the columns that are made from others.
type Stored = (SaleCopy, String, [i64; 3]);

fn stored(sql: &dyn Sql, build: i64, after: &str, upto: &str) -> Result<BTreeMap<String, Stored>, DbError> {
    let statement = format!(
        "SELECT {SALE}, tender, refunded_minor, cash_refunded_minor, cash_held_minor FROM sales WHERE build = ?1 AND number > ?2 AND number <= ?3 \
         ORDER BY number DESC"
    );
    let rows = sql.rows(&statement, &params![build, after, upto])?;
    let mut copies = rows.iter().map(sale_row).collect::<Result<Vec<_>, _>>()?;
    with_all(sql, build, &mut copies)?;
    let made = |(copy, row): (SaleCopy, &crate::database::Row)| {
        let sums = [row.get("refunded_minor")?, row.get("cash_refunded_minor")?, row.get("cash_held_minor")?];
        Ok((copy.order.number.to_string(), (copy, row.get("tender")?, sums)))
    };
    copies.into_iter().zip(&rows).map(made).collect()
}

fn compare(
    sql: &dyn Sql,
    old: i64,
    new: i64,
    after: &str,
    left_out: &BTreeSet<String>,
) -> Result<Option<Compared>, DbError> {
    let next = |build: i64| -> Result<Vec<String>, DbError> {
        let statement = "SELECT number FROM sales WHERE build = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
        sql.rows(statement, &params![build, after, CHUNK])?.iter().map(|row| row.at(0)).collect()
    };
    let (old_numbers, new_numbers) = (next(old)?, next(new)?);
    // As far as both lists are known.
    let is_cut = |numbers: &[String]| numbers.len() == usize::try_from(CHUNK).unwrap_or(usize::MAX);
    let cut = [&old_numbers, &new_numbers].into_iter().filter(|numbers| is_cut(numbers));
    let upto = cut.filter_map(|numbers| numbers.last()).min().cloned();
    let Some(upto) = upto.or_else(|| old_numbers.last().max(new_numbers.last()).cloned()) else {
        return Ok(None);
    };
    let now = stored(sql, new, after, &upto)?;
    let was = match stored(sql, old, after, &upto) {
        // Rows that cannot be read are as good as none: this is how they are mended.
        Err(DbError::Nonsense(_)) => BTreeMap::new(),
        read => read?,
    };
    let mut differences = Differences::default();
    for (number, row) in &now {
        match was.get(number) {
            None => differences.missing += 1,
            Some(before) if before != row => differences.changed += 1,
            Some(_) => continue,
        }
        differences.named.push(number.clone());
    }
    let is_gone = |number: &&String| !now.contains_key(*number) && !left_out.contains(*number);
    for number in was.keys().filter(is_gone) {
        differences.extra += 1;
        differences.named.push(number.clone());
    }
    let sales = u64::try_from(now.len()).unwrap_or(u64::MAX);
    Ok(Some(Compared { upto, sales, differences }))
}

fn totals(sql: &dyn Sql, build: i64) -> Result<BTreeMap<Account, [i64; 4]>, DbError> {
    let statement = "SELECT business_day, tender, cashier, quarantined, orders, paid_minor, refunded_minor, \
         held_minor FROM totals WHERE build = ?1";
    let mut found = BTreeMap::new();
    for row in sql.rows(statement, &params![build])? {
        let sums =
            [row.get("orders")?, row.get("paid_minor")?, row.get("refunded_minor")?, row.get("held_minor")?];
        // An account that came to nothing again is as good as none.
        if sums != [0; 4] {
            let (day, tender) = (row.get("business_day")?, row.get("tender")?);
            found.insert((day, tender, row.get("cashier")?, row.get("quarantined")?), sums);
        }
    }
    Ok(found)
}

/// Removes some rows; tells whether there may be more.
fn remove_some(sql: &dyn Sql) -> Result<bool, DbError> {
    let Builds { live, next } = build::lock(sql)?;
    let kept = params![live, next.unwrap_or(live)];
    let first = sql.row("SELECT build FROM sales WHERE build <> ?1 AND build <> ?2 LIMIT 1", &kept)?;
    let Some(first) = first else {
        for table in TABLES.iter().chain(&["totals", "feeds"]) {
            sql.execute(&format!("DELETE FROM {table} WHERE build <> ?1 AND build <> ?2"), &kept)?;
        }
        return Ok(false);
    };
    let build: i64 = first.at(0)?;
    let last = "SELECT max(number) FROM (SELECT number FROM sales WHERE build = ?1 ORDER BY number LIMIT ?2) AS part";
    let last: Option<Option<String>> = sql.value(last, &params![build, CHUNK])?;
    let last = last.flatten().unwrap_or_default();
    for table in TABLES {
        let statement = format!("DELETE FROM {table} WHERE build = ?1 AND number <= ?2");
        sql.execute(&statement, &params![build, &last])?;
    }
    Ok(true)
}
