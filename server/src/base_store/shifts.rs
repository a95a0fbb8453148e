//! The tills' shifts, and the rights that were used there: brought forward with the head of the journal, in its transaction,
//! so that each entry counts once, whichever server takes it and however often it is sent.
//!
//! Nothing is refused here: what a till has signed has happened. It is kept, and told to people.

use super::audit::{self, AuditKind, NewAudit};
use super::cache::read_record;
use super::cash_parts;
use super::doubts::{self, Doubted};
use super::drawers;
use super::journal::HandInTaken;
use super::staff::{PERSON, person_of};
use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql};
use crate::params;
use evertill_shared::business_day::{BusinessDay, business_day_of};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::journal::Entry;
use evertill_shared::ledger::drawer::{self, CountBy};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::protocol::staff::StaffRow;
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::rights::{Used, names_somebody, used};
use evertill_shared::shift::{Book, follow};
use evertill_shared::terminal_state::TerminalState;
use std::collections::BTreeMap;

/// So many shifts are given at a time at most.
pub const PAGE: u32 = 100;

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
    /// Its record cannot be read by this server, so that nothing of that is known: it was made by a later program, or is
    /// damaged.
    pub unreadable: bool,
    /// A person gave it up, because its till would never end it.
    pub given_up: Option<GivenUp>,
}

/// Who gave up a shift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// The login.
    pub who: String,
    /// Why, in their words.
    pub why: String,
    /// When, by the server's clock.
    pub at: Timestamp,
    /// What they found in the drawer, in minor units of the shift's currency.
    pub found_minor: i64,
}

/// The store's business day of that time by a till's clock. One that is ahead names no day that has not come.
pub(super) fn business_day(at: Timestamp, store: &StoreInfo, now: Timestamp) -> BusinessDay {
    business_day_of(at.min(now), &store.zone, store.cut_off_minutes)
}

/// Follows the shifts through entries that are taken, and looks at the rights that they rest on.
pub(super) fn take_in(
    sql: &dyn Sql,
    taken: &HandInTaken,
    store: &StoreInfo,
    now: Timestamp,
) -> Result<(), BaseError> {
    let day = |at: Timestamp| business_day(at, store, now);
    follow_shifts(sql, taken, &day)?;
    cash_parts::take_in(sql, taken, &day)?;
    doubt_rights(sql, taken, &day)
}

/// The shift that is open before a journal is handed in.
struct OpenShift {
    book: Book,
    /// Something of it was handed in by a blocked till.
    quarantined: bool,
    /// A person gave it up, and found so much.
    found_minor: Option<i64>,
}

fn open_shift(sql: &dyn Sql, taken: &HandInTaken) -> Result<Option<OpenShift>, BaseError> {
    let row = sql.row(
        "SELECT s.seen_to, s.quarantined, s.book, g.found_minor FROM shifts s LEFT JOIN shifts_given_up g
             ON g.terminal = s.terminal AND g.epoch = s.epoch AND g.opened = s.opened
         WHERE s.terminal = ?1 AND s.epoch = ?2 AND s.is_open = 1
             AND s.opened = (SELECT MAX(opened) FROM shifts WHERE terminal = ?1 AND epoch = ?2)",
        &params![taken.from.terminal.get(), taken.from.epoch],
    )?;
    let Some(row) = row else { return Ok(None) };
    match serde_json::from_str::<Book>(&row.at::<String>(2)?) {
        Ok(mut book) => {
            book.has_gap |= row.at::<u64>(0)? != taken.from.sequence;
            Ok(Some(OpenShift { book, quarantined: row.at(1)?, found_minor: row.at(3)? }))
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
    let (opened, was_quarantined, found_minor) = open
        .as_ref()
        .map_or((None, false, None), |open| (Some(open.book.opened), open.quarantined, open.found_minor));
    let moves = drawer::moves(open.as_ref().map(|open| &open.book), &taken.told);
    drawers::post(sql, taken.from.terminal, epoch, &moves)?;
    for book in follow(open.map(|open| open.book), &taken.told) {
        let was_open = opened == Some(book.opened);
        let quarantined = taken.quarantined || (was_quarantined && was_open);
        let text = serde_json::to_string(&book).map_err(DbError::nonsense)?;
        let day = day(book.since()).to_string();
        let changed = sql.execute(
            "INSERT INTO shifts (terminal, epoch, opened, day, is_open, quarantined, seen_to, book, in_ledger)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1)
             ON CONFLICT (terminal, epoch, opened) DO UPDATE SET is_open = excluded.is_open,
                 quarantined = excluded.quarantined, book = excluded.book,
                 in_ledger = CASE excluded.is_open WHEN 0 THEN 1 ELSE shifts.in_ledger END WHERE shifts.is_open = 1",
            &params![terminal, epoch, book.opened, day, book.is_open(), quarantined, *upto, text],
        )?;
        // An end that comes twice moves nothing.
        if changed == 0 {
            continue;
        }
        match found_minor.filter(|_| was_open) {
            Some(found_minor) if counted_by(true, quarantined, &book) == CountBy::Person => {
                let place = drawer::Place { sequence: *upto, at: book.since() };
                drawers::post_given_up(sql, taken.from.terminal, epoch, &book, found_minor, place)?;
            }
            _ if book.is_open() => {}
            _ => drawers::post_end(sql, taken.from.terminal, epoch, &book)?,
        }
    }
    // Only what was followed was seen: a record that this server could not read has a gap from here on.
    if let Some(opened) = opened {
        sql.execute(
            "UPDATE shifts SET seen_to = ?3 WHERE terminal = ?1 AND epoch = ?2 AND opened = ?5 AND is_open = 1
                AND seen_to = ?4",
            &params![terminal, epoch, *upto, taken.from.sequence, opened],
        )?;
    }
    Ok(())
}

/// Whose word counts for what was in the drawer of a shift. A till that was blocked does not take back what a person counted
/// after it had gone: what it hands in may be made up by whoever has it.
pub(super) fn counted_by(given_up: bool, quarantined: bool, book: &Book) -> CountBy {
    if given_up && (book.is_open() || quarantined) { CountBy::Person } else { CountBy::Till }
}

/// The entry by which the journal first named somebody, 0 if it did in an earlier hand-in; none if it never did.
fn named_before(sql: &dyn Sql, taken: &HandInTaken) -> Result<Option<u64>, DbError> {
    let journal = params![taken.from.terminal.get(), taken.from.epoch];
    let statement = "SELECT named FROM journal_heads WHERE terminal = ?1 AND epoch = ?2";
    if sql.value::<bool>(statement, &journal)? == Some(true) {
        return Ok(Some(0));
    }
    let first = taken.told.iter().find(|entry| names_somebody(&entry.body)).map(|entry| entry.sequence);
    if first.is_some() {
        let statement = "UPDATE journal_heads SET named = 1 WHERE terminal = ?1 AND epoch = ?2";
        sql.execute(statement, &journal)?;
    }
    Ok(first)
}

fn doubt_rights(
    sql: &dyn Sql,
    taken: &HandInTaken,
    day: &dyn Fn(Timestamp) -> BusinessDay,
) -> Result<(), BaseError> {
    let named = named_before(sql, taken)?;
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
    // A till that has named somebody does so as long as anybody of the store logs in: who leaves the names out hides them.
    let log_in =
        people.values().any(|person| person.left_at.is_none() && (person.has_pin || person.has_card));
    for (entry, used) in all {
        let names_people = log_in && named.is_some_and(|since| entry.sequence > since);
        // Who has left since had the right while they were there.
        let was_there = |person: &&StaffRow| person.left_at.is_none_or(|left| entry.at < left);
        let role_of = |login: &str| people.get(login).filter(was_there).map(|person| person.role);
        let doubted = used.into_iter().filter(|used| !used.was_held(names_people, role_of));
        for (place, used) in doubted.enumerate() {
            tracing::warn!(terminal = %entry.terminal, sequence = entry.sequence, right = ?used.right, "nobody held a right");
            let place = u64::try_from(place).unwrap_or(u64::MAX);
            doubts::note(sql, entry, place, &Doubted::Right(used), day(entry.at))?;
        }
    }
    Ok(())
}

fn terminal_of(row: &Row) -> Result<TerminalId, DbError> {
    TerminalId::try_from(row.get::<u16>("terminal")?).map_err(DbError::nonsense)
}

fn given_up_of(row: &Row) -> Result<Option<GivenUp>, DbError> {
    let Some(who) = row.get::<Option<String>>("who")? else { return Ok(None) };
    let (why, at) = (row.get("why")?, Timestamp(row.get("given_up_at")?));
    Ok(Some(GivenUp { who, why, at, found_minor: row.get("found_minor")? }))
}

fn shift_of(row: &Row, currency: Currency) -> Result<ShiftRecord, DbError> {
    let opened: u64 = row.get("opened")?;
    // One record that cannot be read hides none of the others, nor itself.
    let (book, unreadable) = match serde_json::from_str::<Book>(&row.get::<String>("book")?) {
        Ok(book) => (book, false),
        Err(error) => {
            tracing::error!(%error, opened, "a shift's record cannot be read");
            (Book::not_known(opened, Amount::new(0, currency)), true)
        }
    };
    Ok(ShiftRecord {
        terminal: terminal_of(row)?,
        epoch: row.get("epoch")?,
        day: row.get::<String>("day")?.parse().map_err(DbError::nonsense)?,
        quarantined: row.get("quarantined")?,
        book,
        unreadable,
        given_up: given_up_of(row)?,
    })
}

const SHIFT: &str =
    "SELECT s.terminal AS terminal, s.epoch AS epoch, s.opened AS opened, s.day AS day, s.quarantined AS quarantined,
         s.book AS book, g.who AS who, g.why AS why, g.at_ms AS given_up_at, g.found_minor AS found_minor
     FROM shifts s LEFT JOIN shifts_given_up g ON g.terminal = s.terminal AND g.epoch = s.epoch AND g.opened = s.opened";

/// A shift, and whether it is open by the database: of one that cannot be read only that says so.
pub(super) fn read_shift(
    sql: &dyn Sql,
    (terminal, epoch, opened): (TerminalId, KeyEpoch, u64),
    currency: Currency,
) -> Result<Option<(ShiftRecord, bool)>, DbError> {
    let place = params![terminal.get(), epoch, opened];
    let row =
        sql.row(&format!("{SHIFT} WHERE s.terminal = ?1 AND s.epoch = ?2 AND s.opened = ?3"), &place)?;
    let Some(row) = row else { return Ok(None) };
    let is_open: Option<bool> =
        sql.value("SELECT is_open FROM shifts WHERE terminal = ?1 AND epoch = ?2 AND opened = ?3", &place)?;
    Ok(Some((shift_of(&row, currency)?, is_open == Some(true))))
}

/// What a person says of a shift that its till will never end.
struct GivingUp {
    place: (TerminalId, KeyEpoch, u64),
    found_minor: i64,
    who: String,
    why: String,
    now: Timestamp,
}

impl GivingUp {
    fn write(&self, sql: &dyn Sql, shift: &ShiftRecord) -> Result<(), BaseError> {
        let (terminal, epoch, opened) = self.place;
        let first = sql.execute(
            "INSERT INTO shifts_given_up (terminal, epoch, opened, at_ms, who, why, found_minor)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            &params![terminal.get(), epoch, opened, self.now.0, &self.who, &self.why, self.found_minor],
        )?;
        if first != 1 {
            return Ok(());
        }
        if !shift.unreadable {
            let place = drawer::Place { sequence: opened, at: self.now };
            drawers::post_given_up(sql, terminal, epoch, &shift.book, self.found_minor, place)?;
            sql.execute(
                "UPDATE shifts SET in_ledger = 1 WHERE terminal = ?1 AND epoch = ?2 AND opened = ?3",
                &params![terminal.get(), epoch, opened],
            )?;
        }
        let subject = format!("{terminal}-{epoch}-{opened}");
        audit::append(sql, &NewAudit::new(&self.who, AuditKind::ShiftGivenUp, subject, &self.why), self.now)
    }
}

impl BaseStore {
    /// The shifts that began on that day, by till; with those of days before that have not ended, if that is wanted and
    /// nothing came after them: a till that was stolen, or began a new journal, ends none of the old ones. Those behind one of
    /// them, by its till, key and opening entry. [`PAGE`] and one more at most, which says that there are more.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn shifts(
        &self,
        day: BusinessDay,
        with_open: bool,
        after: Option<(TerminalId, KeyEpoch, u64)>,
    ) -> Result<Vec<ShiftRecord>, BaseError> {
        let (terminal, epoch, opened) =
            after.map_or((0, 0, 0), |(terminal, epoch, opened)| (terminal.get(), epoch, opened));
        let currency = self.store.currency;
        self.database
            .read(move |sql| -> Result<Vec<ShiftRecord>, BaseError> {
                let rows = sql.rows(
                    &format!(
                        "{SHIFT} WHERE (s.day = ?1 OR (?2 = 1 AND s.is_open = 1 AND s.day < ?1 AND g.who IS NULL
                             AND NOT EXISTS (SELECT 1 FROM shifts l WHERE l.terminal = s.terminal
                                 AND (l.epoch > s.epoch OR (l.epoch = s.epoch AND l.opened > s.opened)))))
                             AND (s.terminal, s.epoch, s.opened) > (?4, ?5, ?6)
                         ORDER BY s.terminal, s.epoch, s.opened LIMIT ?3"
                    ),
                    &params![day.to_string(), with_open, PAGE + 1, terminal, epoch, opened],
                )?;
                Ok(rows.iter().map(|row| shift_of(row, currency)).collect::<Result<_, DbError>>()?)
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
        let (currency, place) = (self.store.currency, (terminal, epoch, opened));
        self.database
            .read(move |sql| -> Result<Option<ShiftRecord>, BaseError> {
                Ok(read_shift(sql, place, currency)?.map(|(shift, _)| shift))
            })
            .await
    }

    /// A person gives up a shift that its till will never end, and says what they found in the drawer, in minor units of the
    /// shift's currency. The first who did stands there; if the till ends it after all, that counts, unless it was blocked.
    ///
    /// # Errors
    /// [`BaseError::NotFound`]; [`BaseError::Invalid`]: it has ended, or its till may end it yet; the database's.
    pub async fn give_up_shift(
        &self,
        place: (TerminalId, KeyEpoch, u64),
        found_minor: i64,
        who: String,
        why: String,
    ) -> Result<(), BaseError> {
        let (now, currency) = (self.clock.now(), self.store.currency);
        let today = self.business_day(now);
        let giving_up = GivingUp { place, found_minor, who, why, now };
        self.database
            .write(move |sql| -> Result<(), BaseError> {
                let shift = read_shift(sql, place, currency)?;
                let (shift, is_open) = shift.ok_or(BaseError::NotFound("shift"))?;
                let till = read_record(sql, shift.terminal)?.map(|till| till.state);
                let words = if !is_open {
                    "the shift has ended"
                } else if shift.day >= today && till == Some(TerminalState::Active) {
                    "the till sells, and can end the shift itself: end it there"
                } else if found_minor < 0 {
                    "less than nothing is in no drawer"
                } else {
                    return giving_up.write(sql, &shift);
                };
                Err(BaseError::Invalid(words.into()))
            })
            .await
    }
}
