//! Comparing what both databases have, and copying what differs.

use super::rows::TABLES;
use super::{Ends, MoveError};
use crate::database::{Database, Sql};
use crate::params;
use std::collections::{BTreeMap, BTreeSet};

/// So many orders are compared at a time, by number and version.
const COMPARED: u32 = 20_000;
/// So many orders that differ are copied at a time.
const COPIED: usize = 200;
/// Above every order number.
const END: &str = "99999999999999999999999999";

/// What a comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    /// Orders in the old home.
    pub orders: u64,
    /// Orders that were copied, or taken away, because they differed.
    pub copied: u64,
    /// Drafts of sales that have another number in the new home.
    pub left_out: BTreeSet<String>,
}

type Versions = BTreeMap<String, i64>;

async fn versions(
    database: &Database,
    pattern: String,
    after: String,
    last: String,
    most: u32,
) -> Result<Versions, MoveError> {
    database
        .read(move |sql| {
            let rows = sql.rows(
                "SELECT number, version FROM orders WHERE number > ?1 AND number <= ?2 AND number LIKE ?3 \
                 ORDER BY number LIMIT ?4",
                &params![&after, &last, &pattern, most],
            )?;
            rows.iter().map(|row| Ok((row.at(0)?, row.at(1)?))).collect::<Result<Versions, MoveError>>()
        })
        .await
}

impl Ends {
    /// Compares all orders by number and version and copies what differs; and `always`, whatever its version: leases
    /// change without one.
    pub(super) async fn catch_up(&self, always: &BTreeSet<String>) -> Result<Compared, MoveError> {
        let (mut compared, mut after) = (Compared::default(), String::new());
        while after != END {
            let here = versions(&self.from, self.pattern(), after.clone(), END.into(), COMPARED).await?;
            let is_last = here.len() < usize::try_from(COMPARED).unwrap_or(usize::MAX);
            let last = match here.keys().next_back() {
                Some(number) if !is_last => number.clone(),
                _ => END.to_owned(),
            };
            let there = versions(&self.to, self.pattern(), after, last.clone(), u32::MAX).await?;
            let differs = |(number, version): &(&String, &i64)| {
                there.get(*number) != Some(version) || always.contains(*number)
            };
            let mut differing: Vec<String> =
                here.iter().filter(differs).map(|(number, _)| number.clone()).collect();
            differing.extend(there.keys().filter(|number| !here.contains_key(*number)).cloned());
            for numbers in differing.chunks(COPIED) {
                let chunk = self.chunk_of(numbers).await?;
                compared.left_out.extend(self.put(chunk).await?);
            }
            compared.orders = compared.orders.saturating_add(here.len() as u64);
            compared.copied = compared.copied.saturating_add(differing.len() as u64);
            after = last;
        }
        Ok(compared)
    }

    /// Orders with something under way: who works on it changes without a version.
    pub(super) async fn under_way(&self) -> Result<BTreeSet<String>, MoveError> {
        let pattern = self.pattern();
        self.from
            .read(move |sql| {
                let rows = sql.rows(
                    "SELECT number FROM payments WHERE state IN ('sent', 'waiting', 'unknown', 'reversing') \
                     AND number LIKE ?1 UNION \
                     SELECT number FROM refunds WHERE state IN ('reserved', 'sent', 'unknown') AND number LIKE ?1 \
                     UNION SELECT number FROM give_backs WHERE state = 'open' AND number LIKE ?1",
                    &params![&pattern],
                )?;
                rows.iter().map(|row| Ok(row.at(0)?)).collect::<Result<_, MoveError>>()
            })
            .await
    }

    /// Counts the rows of every table on both sides; those of what was left out do not count.
    pub(super) async fn counts_are_equal(&self, left_out: BTreeSet<String>) -> Result<(), MoveError> {
        let (pattern, like) = (self.pattern(), self.pattern());
        let here = self.from.read(move |sql| counts(sql, &pattern, &left_out));
        let there = self.to.read(move |sql| counts(sql, &like, &BTreeSet::new()));
        let (here, there) = tokio::join!(here, there);
        let (here, there) = (here?, there?);
        if here == there {
            return Ok(());
        }
        Err(MoveError::Stop(format!(
            "the databases differ: orders, payments, refunds, give-backs and story lines are {here:?} in the old one \
             and {there:?} in the new one. Abort the move, and begin it again when you know why"
        )))
    }
}

fn counts(sql: &dyn Sql, pattern: &str, without: &BTreeSet<String>) -> Result<Vec<u64>, MoveError> {
    let mut counts = Vec::new();
    for table in &TABLES {
        let all: Option<u64> = sql
            .value(&format!("SELECT count(*) FROM {} WHERE number LIKE ?1", table.name), &params![pattern])?;
        let mut count = all.unwrap_or_default();
        for number in without {
            let statement = format!("SELECT count(*) FROM {} WHERE number = ?1", table.name);
            let few: Option<u64> = sql.value(&statement, &params![number])?;
            count = count.saturating_sub(few.unwrap_or_default());
        }
        counts.push(count);
    }
    Ok(counts)
}
