//! The shifts told once more, from entries that were handed in before: by a server that kept no shifts yet, or looked at a part
//! of them only. It goes on in small steps beside the tills that hand in, may be stopped anywhere and begun anew, and changes no
//! shift that was seen as a whole.

use super::journal::read_head;
use super::shifts::{business_day, counted_by, read_shift};
use super::{BaseError, BaseStore, drawers};
use crate::database::{DbError, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::journal::Entry;
use evertill_shared::ledger::drawer::{CountBy, NO_SHIFT, Place, moves};
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::shift::{Book, follow};
use std::sync::Arc;

/// How far a journal was told once more.
#[derive(Clone, Debug)]
pub struct Retelling {
    terminal: TerminalId,
    epoch: KeyEpoch,
    /// Up to which entry.
    upto: u64,
    /// The shift that is open there.
    open: Option<Book>,
}

/// What came of a step.
#[derive(Clone, Debug)]
pub struct Retold {
    /// Where it goes on.
    pub next: Retelling,
    /// How many shifts were written anew.
    pub shifts: u64,
    /// The till has handed in nothing behind it.
    pub is_all: bool,
}

impl Retelling {
    /// From the first entry on.
    #[must_use]
    pub fn of(terminal: TerminalId, epoch: KeyEpoch) -> Self {
        Self { terminal, epoch, upto: 0, open: None }
    }

    /// Up to which entry it was told.
    #[must_use]
    pub fn upto(&self) -> u64 {
        self.upto
    }
}

/// What a step is about.
struct Step {
    from: Retelling,
    entries: Vec<Entry>,
    upto: u64,
    store: Arc<StoreInfo>,
    now: Timestamp,
}

impl Step {
    fn carry_out(mut self, sql: &dyn Sql) -> Result<Retold, BaseError> {
        let Retelling { terminal, epoch, upto: before, .. } = self.from;
        // By whoever did not see the shift these stood outside of it.
        sql.execute(
            "DELETE FROM drawer_ledger WHERE terminal = ?1 AND epoch = ?2 AND shift = ?3 AND sequence > ?4 AND sequence <= ?5",
            &params![terminal.get(), epoch, NO_SHIFT, before, self.upto],
        )?;
        let mut open = self.from.open.take();
        let expected = self.upto.saturating_sub(before);
        let has_gap = u64::try_from(self.entries.len()).unwrap_or(0) != expected;
        if let Some(book) = &mut open {
            book.has_gap |= has_gap;
        }
        drawers::post(sql, terminal, epoch, &moves(open.as_ref(), &self.entries))?;
        let mut books = follow(open.clone(), &self.entries);
        // What a gap may have swallowed of a shift that began within the step is not known either.
        books.iter_mut().filter(|book| book.at.is_some()).for_each(|book| book.has_gap |= has_gap);
        let last = books.pop_if(|book| book.is_open());
        // The one that was open is as it was, has ended, or was left behind by another that began.
        let was_open = open.filter(|was| books.iter().chain(&last).all(|book| book.opened != was.opened));
        let open = match (was_open, last) {
            (Some(left), Some(last)) => {
                books.push(left);
                Some(last)
            }
            (was_open, last) => last.or(was_open),
        };
        let is_all = read_head(sql, terminal, epoch)?.sequence == self.upto;
        let mut shifts = 0;
        for book in books.iter().chain(open.iter().filter(|_| is_all)) {
            shifts += u64::from(self.write(sql, book)?);
        }
        Ok(Retold { next: Retelling { terminal, epoch, upto: self.upto, open }, shifts, is_all })
    }

    /// Writes a shift down, unless it was seen as a whole before; true if it did.
    fn write(&self, sql: &dyn Sql, book: &Book) -> Result<bool, BaseError> {
        let Retelling { terminal, epoch, .. } = self.from;
        let known = read_shift(sql, (terminal, epoch, book.opened), self.store.currency)?;
        let is_better = known
            .as_ref()
            .is_none_or(|(known, _)| known.unreadable || (book.seen_whole() && !known.book.seen_whole()));
        let end = book.closed.as_ref().map_or(self.upto, |closed| closed.entry);
        let place = params![terminal.get(), epoch, book.opened];
        if is_better {
            let text = serde_json::to_string(book).map_err(DbError::nonsense)?;
            let day = business_day(book.since(), &self.store, self.now).to_string();
            let quarantined = sql.row(
                "SELECT sequence FROM journal_hashes WHERE terminal = ?1 AND epoch = ?2 AND sequence BETWEEN ?3 AND ?4
                 AND quarantined = 1 LIMIT 1",
                &params![terminal.get(), epoch, book.opened, end],
            )?;
            sql.execute(
                "INSERT INTO shifts (terminal, epoch, opened, day, is_open, quarantined, seen_to, book, in_ledger)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1)
                 ON CONFLICT (terminal, epoch, opened) DO UPDATE SET day = excluded.day, is_open = excluded.is_open,
                     quarantined = excluded.quarantined, seen_to = excluded.seen_to, book = excluded.book, in_ledger = 1",
                &params![
                    terminal.get(),
                    epoch,
                    book.opened,
                    day,
                    book.is_open(),
                    quarantined.is_some(),
                    self.upto,
                    text
                ],
            )?;
        } else {
            let set = "UPDATE shifts SET in_ledger = 1 WHERE terminal = ?1 AND epoch = ?2 AND opened = ?3";
            sql.execute(set, &place)?;
        }
        self.end_again(sql, book.opened)?;
        Ok(is_better)
    }

    /// What the end of a shift moves, or who gave it up, rests on what stood in the ledger then: now there may be more.
    fn end_again(&self, sql: &dyn Sql, opened: u64) -> Result<(), BaseError> {
        let Retelling { terminal, epoch, .. } = self.from;
        // The entry that opens a shift moves its float; what else stands there made up for entries that are told now.
        sql.execute(
            "DELETE FROM drawer_ledger WHERE terminal = ?1 AND epoch = ?2 AND shift = ?3 AND sequence = ?3
             AND what IN ('sale', 'paid_in', 'paid_out')",
            &params![terminal.get(), epoch, opened],
        )?;
        let known = read_shift(sql, (terminal, epoch, opened), self.store.currency)?;
        let Some((shift, _)) = known.filter(|(shift, _)| !shift.unreadable) else { return Ok(()) };
        if let Some(given_up) = &shift.given_up
            && counted_by(true, shift.quarantined, &shift.book) == CountBy::Person
        {
            sql.execute(
                "DELETE FROM drawer_ledger WHERE terminal = ?1 AND epoch = ?2 AND shift = ?3
                 AND what IN ('found', 'missing')",
                &params![terminal.get(), epoch, opened],
            )?;
            let place = Place { sequence: opened, at: given_up.at };
            return Ok(drawers::post_given_up(
                sql,
                terminal,
                epoch,
                &shift.book,
                given_up.found_minor,
                place,
            )?);
        }
        let Some(closed) = &shift.book.closed else { return Ok(()) };
        sql.execute(
            "DELETE FROM drawer_ledger WHERE terminal = ?1 AND epoch = ?2 AND shift = ?3 AND sequence = ?4",
            &params![terminal.get(), epoch, opened, closed.entry],
        )?;
        Ok(drawers::post_end(sql, terminal, epoch, &shift.book)?)
    }
}

impl BaseStore {
    /// Tells the shifts of a journal once more by the entries behind those that were told, up to that place: in order, the very
    /// ones that were handed in, and all of them but those that are nowhere any more.
    ///
    /// # Errors
    /// [`BaseError`]: nothing of the step was done.
    pub async fn retell_shifts(
        &self,
        from: Retelling,
        entries: Vec<Entry>,
        upto: u64,
    ) -> Result<Retold, BaseError> {
        let (now, store) = (self.clock.now(), Arc::clone(&self.store));
        let step = Step { from, entries, upto, store, now };
        self.database.write(move |sql| step.carry_out(sql)).await
    }
}
