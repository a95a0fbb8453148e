//! The tills' shifts, and the rights that were used there: brought forward with the head of the journal, in its transaction,
//! so that each entry counts once, whichever server takes it and however often it is sent.
//!
//! Nothing is refused here: what a till has signed has happened. It is kept, and told to people.

use super::journal::HandInTaken;
use super::staff::{PERSON, person_of};
use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql, Value};
use crate::params;
use evertill_shared::business_day::{BusinessDay, business_day_of};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::journal::Entry;
use evertill_shared::protocol::staff::StaffRow;
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::rights::{Used, used};
use evertill_shared::shift::{Book, follow};
use std::collections::BTreeMap;

/// So many shifts, or doubts, are given at most.
const MOST: u32 = 500;

/// A shift of a till.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShiftRecord {
    /// Whose.
    pub terminal: TerminalId,
    /// Under which key.
    pub epoch: KeyEpoch,
    /// The store's business day of its beginning.
    pub day: BusinessDay,
    /// Something of it was handed in by a blocked till.
    pub quarantined: bool,
    /// What happened in it.
    pub book: Book,
}

/// A right that neither who used it nor who approved it held, by the list of the staff when it was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubtedRight {
    /// Whose journal says so.
    pub terminal: TerminalId,
    /// Under which key.
    pub epoch: KeyEpoch,
    /// In which place.
    pub sequence: u64,
    /// When, by the till's clock.
    pub at: Timestamp,
    /// Which right, and by whom.
    pub used: Used,
}

/// Follows the shifts through entries that are taken, and looks at the rights that they rest on.
pub(super) fn take_in(
    sql: &dyn Sql,
    taken: &HandInTaken,
    store: &StoreInfo,
    now: Timestamp,
) -> Result<(), BaseError> {
    // A till's clock that is ahead names no day that has not come.
    let day = |at: Timestamp| business_day_of(at.min(now), &store.zone, store.cut_off_minutes);
    follow_shifts(sql, taken, &day)?;
    doubt_rights(sql, taken, &day)
}

/// The shift that is open, and whether something of it was handed in by a blocked till.
fn open_shift(sql: &dyn Sql, taken: &HandInTaken) -> Result<Option<(Book, bool)>, BaseError> {
    let row = sql.row(
        "SELECT seen_to, quarantined, book FROM shifts WHERE terminal = ?1 AND epoch = ?2 AND is_open = 1
         AND opened = (SELECT MAX(opened) FROM shifts WHERE terminal = ?1 AND epoch = ?2)",
        &params![taken.from.terminal.get(), taken.from.epoch],
    )?;
    let Some(row) = row else { return Ok(None) };
    match serde_json::from_str::<Book>(&row.at::<String>(2)?) {
        Ok(mut book) => {
            book.has_gap |= row.at::<u64>(0)? != taken.from.sequence;
            Ok(Some((book, row.at(1)?)))
        }
        // No journal waits for a record that can be looked at only.
        Err(error) => {
            tracing::error!(%error, terminal = %taken.from.terminal, "a shift's record cannot be read");
            Ok(None)
        }
    }
}

fn follow_shifts(
    sql: &dyn Sql,
    taken: &HandInTaken,
    day: &dyn Fn(Timestamp) -> BusinessDay,
) -> Result<(), BaseError> {
    let (terminal, epoch) = (taken.from.terminal.get(), taken.from.epoch);
    let Some((upto, _)) = taken.entries.last() else { return Ok(()) };
    let open = open_shift(sql, taken)?;
    let (opened, was_quarantined) =
        open.as_ref().map_or((None, false), |(book, quarantined)| (Some(book.opened), *quarantined));
    for book in follow(open.map(|(book, _)| book), &taken.told) {
        let quarantined = taken.quarantined || (was_quarantined && opened == Some(book.opened));
        let text = serde_json::to_string(&book).map_err(DbError::nonsense)?;
        let day = day(book.since()).to_string();
        sql.execute(
            "INSERT INTO shifts (terminal, epoch, opened, day, is_open, quarantined, seen_to, book)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (terminal, epoch, opened) DO UPDATE SET is_open = excluded.is_open,
                 quarantined = excluded.quarantined, book = excluded.book WHERE shifts.is_open = 1",
            &params![terminal, epoch, book.opened, day, book.is_open(), quarantined, *upto, text],
        )?;
    }
    sql.execute(
        "UPDATE shifts SET seen_to = ?3 WHERE terminal = ?1 AND epoch = ?2 AND is_open = 1 AND seen_to = ?4",
        &params![terminal, epoch, *upto, taken.from.sequence],
    )?;
    Ok(())
}

fn doubt_rights(
    sql: &dyn Sql,
    taken: &HandInTaken,
    day: &dyn Fn(Timestamp) -> BusinessDay,
) -> Result<(), BaseError> {
    let all = taken.told.iter().map(|entry| (entry, used(&entry.body)));
    let all: Vec<(&Entry, Vec<Used>)> = all.filter(|(_, used)| !used.is_empty()).collect();
    if all.is_empty() {
        return Ok(());
    }
    let rows = sql.rows(PERSON, &[])?;
    // No journal waits for a person whom this server cannot read, as one with a later role.
    let readable = |row| {
        person_of(row).inspect_err(|error| tracing::error!(%error, "a person's row cannot be read")).ok()
    };
    let people = rows.iter().filter_map(readable).map(|person| (person.login.clone(), person));
    let people: BTreeMap<String, StaffRow> = people.collect();
    for (entry, used) in all {
        // Who has left since had the right while they were there.
        let was_there = |person: &&StaffRow| person.left_at.is_none_or(|left| entry.at < left);
        let role_of = |login: &str| people.get(login).filter(was_there).map(|person| person.role);
        let doubted = used.into_iter().filter(|used| !used.was_held(role_of));
        for (place, used) in doubted.enumerate() {
            tracing::warn!(terminal = %entry.terminal, sequence = entry.sequence, right = ?used.right, "nobody held a right");
            note(sql, entry, u64::try_from(place).unwrap_or(u64::MAX), &used, day(entry.at))?;
        }
    }
    Ok(())
}

fn note(sql: &dyn Sql, entry: &Entry, place: u64, used: &Used, day: BusinessDay) -> Result<(), BaseError> {
    let text = serde_json::to_string(used).map_err(DbError::nonsense)?;
    let (terminal, day) = (entry.terminal.get(), day.to_string());
    sql.execute(
        "INSERT INTO doubted_rights (terminal, epoch, sequence, place, at_ms, day, used)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        &params![terminal, entry.epoch, entry.sequence, place, entry.at.0, day, text],
    )?;
    Ok(())
}

fn terminal_of(row: &Row) -> Result<TerminalId, DbError> {
    TerminalId::try_from(row.get::<u16>("terminal")?).map_err(DbError::nonsense)
}

fn shift_of(row: &Row) -> Result<ShiftRecord, DbError> {
    Ok(ShiftRecord {
        terminal: terminal_of(row)?,
        epoch: row.get("epoch")?,
        day: row.get::<String>("day")?.parse().map_err(DbError::nonsense)?,
        quarantined: row.get("quarantined")?,
        book: serde_json::from_str(&row.get::<String>("book")?).map_err(DbError::nonsense)?,
    })
}

fn doubt_of(row: &Row) -> Result<DoubtedRight, DbError> {
    Ok(DoubtedRight {
        terminal: terminal_of(row)?,
        epoch: row.get("epoch")?,
        sequence: row.get("sequence")?,
        at: Timestamp(row.get("at_ms")?),
        used: serde_json::from_str(&row.get::<String>("used")?).map_err(DbError::nonsense)?,
    })
}

const SHIFT: &str = "SELECT terminal, epoch, day, quarantined, book FROM shifts";
const DOUBT: &str = "SELECT terminal, epoch, sequence, at_ms, used FROM doubted_rights";

impl BaseStore {
    /// The shifts that began on that day, by till; with those of days before that have not ended, if that is wanted.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn shifts(&self, day: BusinessDay, with_open: bool) -> Result<Vec<ShiftRecord>, BaseError> {
        self.database
            .read(move |sql| -> Result<Vec<ShiftRecord>, BaseError> {
                let rows = sql.rows(
                    &format!(
                        "{SHIFT} WHERE day = ?1 OR (?2 = 1 AND is_open = 1 AND day < ?1)
                         ORDER BY terminal, epoch, opened LIMIT ?3"
                    ),
                    &params![day.to_string(), with_open, MOST],
                )?;
                Ok(rows.iter().map(shift_of).collect::<Result<_, DbError>>()?)
            })
            .await
    }

    /// One shift, by the place of the entry that opened it.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn shift(
        &self,
        terminal: TerminalId,
        epoch: KeyEpoch,
        opened: u64,
    ) -> Result<Option<ShiftRecord>, BaseError> {
        self.database
            .read(move |sql| -> Result<Option<ShiftRecord>, BaseError> {
                let row = sql.row(
                    &format!("{SHIFT} WHERE terminal = ?1 AND epoch = ?2 AND opened = ?3"),
                    &params![terminal.get(), epoch, opened],
                )?;
                Ok(row.as_ref().map(shift_of).transpose()?)
            })
            .await
    }

    /// The rights of that day that nobody held, by till.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn doubted_rights(&self, day: BusinessDay) -> Result<Vec<DoubtedRight>, BaseError> {
        self.doubts("day = ?1", params![day.to_string()].into()).await
    }

    /// Those that were used in a shift.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn doubted_rights_in(&self, shift: &ShiftRecord) -> Result<Vec<DoubtedRight>, BaseError> {
        let upto =
            shift.book.closed.as_ref().map_or(u64::try_from(i64::MAX).unwrap_or(0), |closed| closed.entry);
        let values: Vec<Value<'static>> =
            params![shift.terminal.get(), shift.epoch, shift.book.opened, upto].into();
        self.doubts("terminal = ?1 AND epoch = ?2 AND sequence BETWEEN ?3 AND ?4", values).await
    }

    async fn doubts(
        &self,
        which: &'static str,
        values: Vec<Value<'static>>,
    ) -> Result<Vec<DoubtedRight>, BaseError> {
        self.database
            .read(move |sql| -> Result<Vec<DoubtedRight>, BaseError> {
                let order = "ORDER BY terminal, epoch, sequence, place";
                let rows = sql.rows(&format!("{DOUBT} WHERE {which} {order} LIMIT {MOST}"), &values)?;
                Ok(rows.iter().map(doubt_of).collect::<Result<_, DbError>>()?)
            })
            .await
    }
}
