//! Comparing what both databases have, and copying what differs.

use super::rows::{Span, TABLES};
use super::{Ends, MoveError, Side};
use crate::database::Sql;
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
    side: &Side,
    pattern: String,
    after: String,
    last: String,
    most: u32,
) -> Result<Versions, MoveError> {
    side.read(move |sql| {
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
                     SELECT number FROM payments WHERE state IN ('declined', 'reversed') AND looked_again = 0 \
                     AND number LIKE ?1 UNION \
                     SELECT number FROM refunds WHERE state IN ('reserved', 'sent', 'unknown') AND number LIKE ?1 \
                     UNION SELECT number FROM give_backs WHERE state = 'open' AND number LIKE ?1 \
                     UNION SELECT number FROM give_backs_elsewhere WHERE state = 'open' AND number LIKE ?1",
                    &params![&pattern],
                )?;
                rows.iter().map(|row| Ok(row.at(0)?)).collect::<Result<_, MoveError>>()
            })
            .await
    }

    /// Counts the rows of every table on both sides; those of what was left out do not count.
    pub(super) async fn counts_are_equal(&self, left_out: BTreeSet<String>) -> Result<(), MoveError> {
        let (mut here, mut there, mut after) = ([0_u64; 7], [0_u64; 7], String::new());
        while after != END {
            let last = self.part_after(&after).await?;
            let (pattern, like) = (self.pattern(), self.pattern());
            let (span, same) = ((after, last.clone()), last.clone());
            let other = (span.0.clone(), same);
            let old = self.from.read(move |sql| counts(sql, &span, &pattern));
            let new = self.to.read(move |sql| counts(sql, &other, &like));
            let (old, new) = tokio::join!(old, new);
            add(&mut here, old?);
            add(&mut there, new?);
            after = last;
        }
        let without = self.from.read(move |sql| counts_of(sql, &left_out)).await?;
        here.iter_mut().zip(without).for_each(|(all, few)| *all = all.saturating_sub(few));
        if here == there {
            return Ok(());
        }
        Err(MoveError::Stop(format!(
            "the databases differ: orders, payments, refunds, give-backs, ledger rows and story lines are {here:?} in the old one \
             and {there:?} in the new one. Abort the move, and begin it again when you know why"
        )))
    }

    /// How many orders there are in the old home.
    pub(super) async fn count(&self) -> Result<u64, MoveError> {
        let (mut total, mut after) = (0_u64, String::new());
        while after != END {
            let last = self.part_after(&after).await?;
            let (span, pattern) = ((after, last.clone()), self.pattern());
            let count = self.from.read(move |sql| count_in(sql, "orders", &span, &pattern)).await?;
            total = total.saturating_add(count);
            after = last;
        }
        Ok(total)
    }

    /// The end of a part of the orders that is counted in no time: a database's time for an answer is short.
    async fn part_after(&self, after: &str) -> Result<String, MoveError> {
        let (after, pattern) = (after.to_owned(), self.pattern());
        let last: Option<String> = self
            .from
            .read(move |sql| {
                let statement = "SELECT number FROM orders WHERE number > ?1 AND number LIKE ?2 \
                     ORDER BY number LIMIT 1 OFFSET ?3";
                Ok::<_, MoveError>(sql.value(statement, &params![&after, &pattern, COMPARED])?)
            })
            .await?;
        Ok(last.unwrap_or_else(|| END.to_owned()))
    }
}

fn add(sum: &mut [u64; 7], more: [u64; 7]) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.saturating_add(more));
}

/// After the first number, up to the second.
fn count_in(sql: &dyn Sql, table: &str, span: &Span, pattern: &str) -> Result<u64, MoveError> {
    let statement =
        format!("SELECT count(*) FROM {table} WHERE number > ?1 AND number <= ?2 AND number LIKE ?3");
    let count: Option<u64> = sql.value(&statement, &params![&span.0, &span.1, pattern])?;
    Ok(count.unwrap_or_default())
}

fn counts(sql: &dyn Sql, span: &Span, pattern: &str) -> Result<[u64; 7], MoveError> {
    let mut counts = [0; 7];
    for (count, table) in counts.iter_mut().zip(&TABLES) {
        *count = count_in(sql, table.name, span, pattern)?;
    }
    Ok(counts)
}

fn counts_of(sql: &dyn Sql, numbers: &BTreeSet<String>) -> Result<[u64; 7], MoveError> {
    let mut counts = [0_u64; 7];
    for number in numbers {
        for (count, table) in counts.iter_mut().zip(&TABLES) {
            let statement = format!("SELECT count(*) FROM {} WHERE number = ?1", table.name);
            let few: Option<u64> = sql.value(&statement, &params![number])?;
            *count = count.saturating_add(few.unwrap_or_default());
        }
    }
    Ok(counts)
}
