//! Copying orders: read as of one moment, written in one transaction, read back and compared.

use super::rows::{Chunk, Span, TABLES, Values, number_of};
use super::{Ends, MoveError, fence};
use crate::database::{Sql, Value};
use crate::params;
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many orders are copied at a time: a customer's request behind them waits for no more than this.
pub(super) const AT_A_TIME: u32 = 500;

impl Ends {
    /// The next orders after this number, with all that belongs to them; nothing if there are none.
    pub(super) async fn next_chunk(&self, after: String) -> Result<Option<Chunk>, MoveError> {
        let pattern = self.pattern();
        self.from
            .read(move |sql| {
                let numbers = sql.rows(
                    "SELECT number FROM orders WHERE number > ?1 AND number LIKE ?2 ORDER BY number LIMIT ?3",
                    &params![&after, &pattern, AT_A_TIME],
                )?;
                let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else { return Ok(None) };
                let span = (first.at(0)?, last.at(0)?);
                Chunk::read(sql, vec![span], &pattern).map(Some)
            })
            .await
    }

    /// These orders, with all that belongs to them, as they are now.
    pub(super) async fn chunk_of(&self, numbers: &[String]) -> Result<Chunk, MoveError> {
        let pattern = self.pattern();
        let spans: Vec<Span> = numbers.iter().map(|number| (number.clone(), number.clone())).collect();
        self.from.read(move |sql| Chunk::read(sql, spans, &pattern)).await
    }

    /// Puts the orders in the place of what is there, and compares. Gives those that were left out: drafts of sales
    /// that have another number there.
    pub(super) async fn put(&self, chunk: Chunk) -> Result<BTreeSet<String>, MoveError> {
        let chunk = Arc::new(chunk);
        let (tag, epoch, pattern) = (self.tag, self.epoch, self.pattern());
        let (writing, like) = (Arc::clone(&chunk), pattern.clone());
        let left_out = self
            .to
            .write(move |sql| {
                fence::arrives(sql.opening(), tag, epoch)?;
                replace(sql, &writing, &like)
            })
            .await?;
        let spans = chunk.spans.clone();
        let there = self
            .to
            .read(move |sql| Chunk::read(sql, spans, &pattern).map(|there| there.checksum(&BTreeSet::new())))
            .await?;
        if there != chunk.checksum(&left_out) {
            let (first, last) = (chunk.spans.first(), chunk.spans.last());
            let of = |span: Option<&Span>| span.map(|(number, _)| number.clone()).unwrap_or_default();
            return Err(MoveError::Stop(format!(
                "what was copied is not what is there: the checksums of the orders from {} to {} differ. Check the disk \
                 of the new database; then abort the move, or begin it again",
                of(first),
                of(last)
            )));
        }
        Ok(left_out)
    }
}

fn replace(sql: &dyn Sql, chunk: &Chunk, pattern: &str) -> Result<BTreeSet<String>, MoveError> {
    for span in &chunk.spans {
        for table in TABLES.iter().rev() {
            table.clear(sql, span, pattern)?;
        }
    }
    let [orders, children @ ..] = &chunk.rows;
    let all: Vec<&Values> = orders.iter().collect();
    let mut left_out = BTreeSet::new();
    if TABLES[0].put(sql, &all)? != orders.len() as u64 {
        for order in orders {
            if !make_room(sql, order)? {
                left_out.insert(number_of(order).to_owned());
            }
        }
    }
    for (table, rows) in TABLES.iter().skip(1).zip(children) {
        let wanted: Vec<&Values> = rows.iter().filter(|row| !left_out.contains(number_of(row))).collect();
        if table.put(sql, &wanted)? != wanted.len() as u64 {
            let problem =
                format!("rows of {} stand against those that arrive: one sale was charged twice", table.name);
            return Err(MoveError::Stop(problem));
        }
    }
    Ok(left_out)
}

/// An order that did not go in, because its sale has another number here. A number that nobody chose gives way; if
/// neither was chosen, the one that arrives is left out: should it be chosen yet, the signed entries bring it in.
fn make_room(sql: &dyn Sql, order: &Values) -> Result<bool, MoveError> {
    let number = number_of(order);
    if sql.row("SELECT number FROM orders WHERE number = ?1", &params![number])?.is_some() {
        return Ok(true);
    }
    let (Some(terminal), Some(epoch), Some(sequence), Some(Value::Text(state))) =
        (order.get(2), order.get(3), order.get(4), order.get(5))
    else {
        return Err(MoveError::Stop(format!("order {number} cannot be read")));
    };
    let key = [terminal.clone(), epoch.clone(), sequence.clone()];
    // Locked: its till may be choosing it at this moment.
    let of_sale = "SELECT number, state FROM orders WHERE terminal = ?1 AND epoch = ?2 AND sequence = ?3";
    let others = sql.rows_locked(of_sale, &key)?;
    let Some(other) = others.first() else {
        return Err(MoveError::Stop(format!("order {number} cannot be written")));
    };
    if is_unchosen(state) {
        return Ok(false);
    }
    let (other, stands): (String, String) = (other.at(0)?, other.at(1)?);
    if !is_unchosen(&stands) {
        return Err(MoveError::Stop(format!(
            "orders {number} and {other} are of one sale, and both were chosen: a person has to look at them first"
        )));
    }
    sql.execute("DELETE FROM story WHERE number = ?1", &params![&other])?;
    sql.execute("DELETE FROM orders WHERE number = ?1", &params![&other])?;
    Ok(TABLES[0].put(sql, &[order])? == 1)
}

fn is_unchosen(state: &str) -> bool {
    matches!(state, "draft" | "expired")
}
