//! Copying what belongs to no single order: the journal entries that orders rest on, and the ids of requests that were
//! handled.

use super::rows::PARAMETERS;
use super::{Ends, MoveError, fence};
use crate::database::{Row, Sql, Value};
use crate::params;
use std::collections::BTreeMap;

/// So many entries are copied at a time.
const AT_A_TIME: u32 = 1_000;
/// A server's clock may be behind another's by this much, in milliseconds; so may what they wrote be late.
const SKEW_MS: i64 = 180_000;

const ENTRY: &str =
    "SELECT terminal, epoch, sequence, hash, text, signature, quarantined FROM journal_entries";
const COLUMNS: usize = 7;

/// (terminal, epoch, sequence).
pub(super) type Spot = (i64, i64, i64);
type Entry = Vec<Value<'static>>;

fn spot_of(entry: &Entry) -> Spot {
    let number = |place: usize| match entry.get(place) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    };
    (number(0), number(1), number(2))
}

fn entries(rows: Vec<Row>) -> Vec<Entry> {
    rows.into_iter().map(Row::into_values).collect()
}

impl Ends {
    /// Copies the next entries after this place; gives the last one's place, or nothing if there are none.
    pub(super) async fn copy_entries(&self, after: Spot) -> Result<Option<Spot>, MoveError> {
        let read = move |sql: &dyn Sql| -> Result<Vec<Entry>, MoveError> {
            let statement = format!(
                "{ENTRY} WHERE (terminal, epoch, sequence) > (?1, ?2, ?3) \
                 ORDER BY terminal, epoch, sequence LIMIT ?4"
            );
            Ok(entries(sql.rows(&statement, &params![after.0, after.1, after.2, AT_A_TIME])?))
        };
        let found = self.from.read(read).await?;
        let Some(last) = found.last().map(spot_of) else { return Ok(None) };
        self.keep(found, move |sql| {
            let statement = format!(
                "{ENTRY} WHERE (terminal, epoch, sequence) > (?1, ?2, ?3) AND (terminal, epoch, sequence) <= (?4, ?5, ?6)"
            );
            let bounds = params![after.0, after.1, after.2, last.0, last.1, last.2];
            Ok(entries(sql.rows(&statement, &bounds)?))
        })
        .await?;
        Ok(Some(last))
    }

    /// The number of the last entry that came late.
    pub(super) async fn last_late(&self) -> Result<i64, MoveError> {
        let last: Option<Option<i64>> = self
            .from
            .read(|sql| Ok::<_, MoveError>(sql.value("SELECT max(seq) FROM late_entries", &[])?))
            .await?;
        Ok(last.flatten().unwrap_or(0))
    }

    /// Copies the entries that came late after this one; gives the last one's number.
    pub(super) async fn copy_late(&self, after: i64) -> Result<i64, MoveError> {
        let mut reached = after;
        loop {
            let read = move |sql: &dyn Sql| -> Result<(i64, Vec<Entry>), MoveError> {
                let late = sql.rows(
                    "SELECT seq, terminal, epoch, sequence FROM late_entries WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                    &params![reached, AT_A_TIME],
                )?;
                let last = late.last().map_or(Ok(reached), |row| row.at(0))?;
                let mut found = Vec::new();
                for row in &late {
                    found.extend(at(sql, (row.at(1)?, row.at(2)?, row.at(3)?))?);
                }
                Ok((last, found))
            };
            let (last, found) = self.from.read(read).await?;
            if found.is_empty() {
                return Ok(last);
            }
            let spots: Vec<Spot> = found.iter().map(spot_of).collect();
            self.keep(found, move |sql| {
                let mut there = Vec::new();
                for spot in &spots {
                    there.extend(at(sql, *spot)?);
                }
                Ok(there)
            })
            .await?;
            reached = last;
        }
    }

    /// Writes entries into the new home and looks whether they are there as they were. Another entry in one's place is
    /// a fork of that till's journal: it is told of, and the entry stays where it was.
    async fn keep(
        &self,
        found: Vec<Entry>,
        look: impl FnOnce(&dyn Sql) -> Result<Vec<Entry>, MoveError> + Send + 'static,
    ) -> Result<(), MoveError> {
        let (tag, epoch) = (self.tag, self.epoch);
        let writing = found.clone();
        self.to
            .write(move |sql| -> Result<(), MoveError> {
                fence::arrives(sql.opening(), tag, epoch)?;
                for block in writing.chunks(PARAMETERS / COLUMNS) {
                    let values: Vec<Value<'_>> = block.iter().flatten().cloned().collect();
                    sql.execute(&insert(block.len()), &values)?;
                }
                Ok(())
            })
            .await?;
        let there = self.to.read(look).await?;
        let there: BTreeMap<Spot, &Entry> = there.iter().map(|entry| (spot_of(entry), entry)).collect();
        for entry in &found {
            let spot = spot_of(entry);
            match there.get(&spot) {
                Some(same) if same[..6] == entry[..6] => {}
                Some(_) => {
                    tracing::error!(
                        ?spot,
                        "two journal entries in one place: a fork; one stays in the old database"
                    );
                }
                None => {
                    return Err(MoveError::Stop(format!("the journal entry at {spot:?} was not written")));
                }
            }
        }
        Ok(())
    }

    /// Copies the lines of the outbox about orders of this tag, once nothing is written about them any more: those who
    /// keep copies go on with them at the new home. Lines of an earlier stay there are in the way and go first.
    pub(super) async fn copy_outbox(&self) -> Result<(), MoveError> {
        let (tag, epoch, pattern) = (self.tag, self.epoch, self.pattern());
        self.to
            .write(move |sql| -> Result<(), MoveError> {
                fence::arrives(sql.opening(), tag, epoch)?;
                sql.execute("DELETE FROM outbox WHERE number LIKE ?1", &params![&pattern])?;
                Ok(())
            })
            .await?;
        let mut reached = i64::MIN;
        loop {
            let (after, pattern) = (reached, self.pattern());
            let read = move |sql: &dyn Sql| -> Result<Vec<Row>, MoveError> {
                Ok(sql.rows(
                    "SELECT seq, number, version, at FROM outbox WHERE seq > ?1 AND number LIKE ?2 \
                     ORDER BY seq LIMIT ?3",
                    &params![after, &pattern, AT_A_TIME],
                )?)
            };
            let found = self.from.read(read).await?;
            let Some(last) = found.last() else { return Ok(()) };
            reached = last.at(0)?;
            let (tag, epoch) = (self.tag, self.epoch);
            self.to
                .write(move |sql| -> Result<(), MoveError> {
                    fence::arrives(sql.opening(), tag, epoch)?;
                    for row in &found {
                        sql.execute(
                            "INSERT INTO outbox (number, version, at) VALUES (?1, ?2, ?3)",
                            &params![row.at::<String>(1)?, row.at::<i64>(2)?, row.at::<i64>(3)?],
                        )?;
                    }
                    Ok(())
                })
                .await?;
        }
    }

    /// Copies the ids of requests that are forgotten after this time; gives the last one's time.
    pub(super) async fn copy_requests(&self, after: i64) -> Result<i64, MoveError> {
        let mut reached = (after.saturating_sub(SKEW_MS), String::new());
        loop {
            let (time, id) = reached.clone();
            let read = move |sql: &dyn Sql| -> Result<Vec<Row>, MoveError> {
                Ok(sql.rows(
                    "SELECT expires_at, request_id FROM requests WHERE (expires_at, request_id) > (?1, ?2) \
                     ORDER BY expires_at, request_id LIMIT ?3",
                    &params![time, id, AT_A_TIME],
                )?)
            };
            let found = self.from.read(read).await?;
            let Some(last) = found.last() else { return Ok(reached.0.max(after)) };
            reached = (last.at(0)?, last.at(1)?);
            let (tag, epoch) = (self.tag, self.epoch);
            self.to
                .write(move |sql| -> Result<(), MoveError> {
                    fence::arrives(sql.opening(), tag, epoch)?;
                    for row in &found {
                        sql.execute(
                            "INSERT INTO requests (request_id, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                            &params![row.at::<String>(1)?, row.at::<i64>(0)?],
                        )?;
                    }
                    Ok(())
                })
                .await?;
        }
    }
}

fn at(sql: &dyn Sql, spot: Spot) -> Result<Vec<Entry>, MoveError> {
    let statement = format!("{ENTRY} WHERE terminal = ?1 AND epoch = ?2 AND sequence = ?3");
    Ok(entries(sql.rows(&statement, &params![spot.0, spot.1, spot.2])?))
}

fn insert(rows: usize) -> String {
    let row = |number: usize| {
        let places: Vec<String> =
            (1..=COLUMNS).map(|place| format!("?{}", number * COLUMNS + place)).collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO journal_entries (terminal, epoch, sequence, hash, text, signature, quarantined) VALUES {} \
         ON CONFLICT DO NOTHING",
        rows.join(", ")
    )
}
