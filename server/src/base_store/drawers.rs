//! The drawers' part of the ledger: written with the shifts, in the transaction that takes what the tills hand in, and proved
//! against them.
//!
//! It decides nothing, and nothing waits for it: what cannot be added up is found when it is proved.

use super::shifts::counted_by;
use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql, Value};
use crate::params;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::ledger::drawer::{Move, NO_SHIFT, Place, Posted, What, at_end, at_giving_up, differs};
use evertill_shared::ledger::{Balances, Leg};
use evertill_shared::money::Amount;
use evertill_shared::shift::Book;

/// So many movements go into one statement: with two values for all and nine for each no more than every engine takes.
const TOGETHER: usize = 4;
/// So many shifts are proved in one look.
const PART: usize = 50;
/// Sums are added up in two parts, so that none is too large for the database whatever a till has signed.
const PARTS: i64 = 1_000_000;

/// Writes movements down. One that stands there already is there once.
pub(super) fn post(
    sql: &dyn Sql,
    terminal: TerminalId,
    epoch: KeyEpoch,
    moves: &[Move],
) -> Result<(), DbError> {
    for piece in moves.chunks(TOGETHER) {
        let row = |index: usize| {
            let n = 3 + index * 8;
            let [what, debit, credit, currency, minor, at] = [2, 3, 4, 5, 6, 7].map(|more| n + more);
            let place = format!("?1, ?2, ?{n}, ?{}, ?{what}", n + 1);
            format!(
                "({place}, ?{debit}, ?{currency}, ?{minor}, 0, ?{at}), ({place}, ?{credit}, ?{currency}, 0, ?{minor}, ?{at})"
            )
        };
        let rows: Vec<String> = (0..piece.len()).map(row).collect();
        let legs: Vec<[Leg; 2]> = piece.iter().map(Move::legs).collect();
        let mut values: Vec<Value<'_>> = params![terminal.get(), epoch].into();
        for (one, [debit, credit]) in piece.iter().zip(&legs) {
            values.extend(params![
                one.shift,
                one.sequence,
                &debit.entry,
                &debit.account,
                &credit.account,
                &debit.currency,
                debit.debit_minor,
                one.at.0
            ]);
        }
        let into = "INSERT INTO drawer_ledger
            (terminal, epoch, shift, sequence, what, account, currency, debit_minor, credit_minor, at_ms) VALUES";
        sql.execute(&format!("{into} {} ON CONFLICT DO NOTHING", rows.join(", ")), &values)?;
    }
    Ok(())
}

/// What the drawer of a shift has in the ledger.
pub(super) fn posted(
    sql: &dyn Sql,
    terminal: TerminalId,
    epoch: KeyEpoch,
    book: &Book,
) -> Result<Posted, DbError> {
    let rows = sql.rows(
        &format!(
            "SELECT what, CAST(SUM((debit_minor - credit_minor) / {PARTS}) AS BIGINT) AS high,
                 CAST(SUM((debit_minor - credit_minor) % {PARTS}) AS BIGINT) AS low
             FROM drawer_ledger WHERE terminal = ?1 AND epoch = ?2 AND shift = ?3 AND account = 'drawer' AND currency = ?4
             GROUP BY what"
        ),
        &params![terminal.get(), epoch, book.opened, book.float.currency.code()],
    )?;
    let mut posted = Posted::default();
    for row in &rows {
        let word: String = row.get("what")?;
        let minor = row.get::<i64>("high")?.saturating_mul(PARTS).saturating_add(row.get("low")?);
        match What::ALL.into_iter().find(|what| what.as_str() == word) {
            Some(what) => posted.add(what, minor),
            // A later program's. No journal waits for it: what it makes differ is found when this is proved.
            None => {
                tracing::error!(%terminal, opened = book.opened, word, "a drawer's account has a word that is not known")
            }
        }
    }
    Ok(posted)
}

/// Writes down what the end of a shift moves.
pub(super) fn post_end(
    sql: &dyn Sql,
    terminal: TerminalId,
    epoch: KeyEpoch,
    book: &Book,
) -> Result<(), DbError> {
    let moves = at_end(book, posted(sql, terminal, epoch, book)?);
    post(sql, terminal, epoch, &moves)
}

/// Writes down what moves when a person gives a shift up and finds so much, as far as it does not stand there yet.
pub(super) fn post_given_up(
    sql: &dyn Sql,
    terminal: TerminalId,
    epoch: KeyEpoch,
    book: &Book,
    found_minor: i64,
    place: Place,
) -> Result<(), DbError> {
    let found = Amount::new(found_minor, book.float.currency);
    let moves = at_giving_up(book, posted(sql, terminal, epoch, book)?, found, place);
    post(sql, terminal, epoch, &moves)
}

/// Something about a drawer's account that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawerFault {
    /// Whose drawer.
    pub terminal: TerminalId,
    /// Under which key.
    pub epoch: KeyEpoch,
    /// Of which shift, by the place of the entry that opened it.
    pub shift: u64,
    /// What, in words.
    pub what: String,
}

/// What proving the drawers of a till came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedDrawer {
    /// Whose.
    pub terminal: TerminalId,
    /// Under which key.
    pub epoch: KeyEpoch,
    /// How many shifts there are.
    pub shifts: u64,
    /// How many of them are from before there was this ledger, as a whole or in part: told from the journal once more, they
    /// are in it.
    pub from_before: u64,
    /// What was found.
    pub faults: Vec<DrawerFault>,
    /// What the accounts come to.
    pub balances: Balances,
}

/// The next place behind this one at which there is a shift, or something in the ledger.
fn next_shift(sql: &dyn Sql, (terminal, epoch): (u16, KeyEpoch), after: u64) -> Result<Option<u64>, DbError> {
    let least = |statement: &str| -> Result<Option<u64>, DbError> {
        sql.value(statement, &params![terminal, epoch, after])
    };
    let known = least(
        "SELECT opened FROM shifts WHERE terminal = ?1 AND epoch = ?2 AND opened > ?3 ORDER BY opened LIMIT 1",
    )?;
    let posted = least(
        "SELECT shift FROM drawer_ledger WHERE terminal = ?1 AND epoch = ?2 AND shift > ?3 ORDER BY shift LIMIT 1",
    )?;
    Ok([known, posted].into_iter().flatten().min())
}

impl ProvedDrawer {
    fn fault(&mut self, shift: u64, what: String) {
        let (terminal, epoch) = (self.terminal, self.epoch);
        self.faults.push(DrawerFault { terminal, epoch, shift, what });
    }

    /// Each entry against itself; the sums.
    fn entries(&mut self, sql: &dyn Sql, shift: u64) -> Result<(), DbError> {
        let place = params![self.terminal.get(), self.epoch, shift];
        let wrong = sql.rows(
            "SELECT sequence, what FROM drawer_ledger WHERE terminal = ?1 AND epoch = ?2 AND shift = ?3
             GROUP BY sequence, what, currency HAVING SUM(debit_minor) <> SUM(credit_minor) ORDER BY sequence LIMIT 20",
            &place,
        )?;
        for row in &wrong {
            let (sequence, what): (u64, String) = (row.at(0)?, row.at(1)?);
            self.fault(shift, format!("entry {sequence}, {what}: its debits are not its credits"));
        }
        let split = |column: &str| {
            format!(
                "CAST(SUM({column} / {PARTS}) AS BIGINT) AS {column}_high,
                 CAST(SUM({column} % {PARTS}) AS BIGINT) AS {column}_low"
            )
        };
        let sums = sql.rows(
            &format!(
                "SELECT account, currency, {}, {} FROM drawer_ledger
                 WHERE terminal = ?1 AND epoch = ?2 AND shift = ?3 GROUP BY account, currency",
                split("debit_minor"),
                split("credit_minor")
            ),
            &place,
        )?;
        for row in &sums {
            let whole = |column: &str| -> Result<i64, DbError> {
                let high: i64 = row.get(&format!("{column}_high"))?;
                Ok(high.saturating_mul(PARTS).saturating_add(row.get(&format!("{column}_low"))?))
            };
            self.balances.add(&Leg {
                entry: String::new(),
                account: row.get("account")?,
                currency: row.get("currency")?,
                debit_minor: whole("debit_minor")?,
                credit_minor: whole("credit_minor")?,
            });
        }
        Ok(())
    }

    fn shift(&mut self, sql: &dyn Sql, opened: u64) -> Result<(), DbError> {
        let row = sql.row(
            "SELECT s.book, s.in_ledger, s.quarantined, g.found_minor FROM shifts s LEFT JOIN shifts_given_up g
                 ON g.terminal = s.terminal AND g.epoch = s.epoch AND g.opened = s.opened
             WHERE s.terminal = ?1 AND s.epoch = ?2 AND s.opened = ?3",
            &params![self.terminal.get(), self.epoch, opened],
        )?;
        match row {
            Some(row) => self.known_shift(sql, opened, &row)?,
            None => self.fault(opened, "there is no such shift".into()),
        }
        self.entries(sql, opened)
    }

    fn known_shift(&mut self, sql: &dyn Sql, opened: u64, row: &Row) -> Result<(), DbError> {
        self.shifts += 1;
        let book: Book = match serde_json::from_str(&row.at::<String>(0)?) {
            Ok(book) => book,
            Err(error) => {
                self.fault(opened, format!("the shift's record cannot be read: {error}"));
                return Ok(());
            }
        };
        if !row.at::<bool>(1)? {
            self.from_before += 1;
            return Ok(());
        }
        let posted = posted(sql, self.terminal, self.epoch, &book)?;
        let counted = counted_by(row.at::<Option<i64>>(3)?.is_some(), row.at(2)?, &book);
        for what in differs(&book, &posted, counted) {
            self.fault(opened, what);
        }
        Ok(())
    }

    /// The shifts behind that one, so many at most; the last, if there may be more.
    fn part(mut self, sql: &dyn Sql, after: u64) -> Result<(Self, Option<u64>), DbError> {
        let mut last = after;
        for _ in 0..PART {
            match next_shift(sql, (self.terminal.get(), self.epoch), last)? {
                Some(opened) => {
                    self.shift(sql, opened)?;
                    last = opened;
                }
                None => return Ok((self, None)),
            }
        }
        Ok((self, Some(last)))
    }
}

impl BaseStore {
    /// All journals of which something was handed in.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn journals(&self) -> Result<Vec<(TerminalId, KeyEpoch)>, BaseError> {
        self.database
            .read(|sql| -> Result<_, BaseError> {
                let rows =
                    sql.rows("SELECT terminal, epoch FROM journal_heads ORDER BY terminal, epoch", &[])?;
                let journal = |row: &Row| -> Result<_, DbError> {
                    Ok((TerminalId::try_from(row.at::<u16>(0)?).map_err(DbError::nonsense)?, row.at(1)?))
                };
                Ok(rows.iter().map(journal).collect::<Result<_, DbError>>()?)
            })
            .await
    }

    /// Proves the account of a till's drawer: against itself, and against what its shifts say. `told` hears how many shifts were
    /// looked at.
    ///
    /// # Errors
    /// [`BaseError`]. What is wrong with an account is no error but part of the answer.
    pub async fn prove_drawer(
        &self,
        terminal: TerminalId,
        epoch: KeyEpoch,
        mut told: impl FnMut(u64),
    ) -> Result<ProvedDrawer, BaseError> {
        let (faults, balances) = (Vec::new(), Balances::default());
        let mut proved = ProvedDrawer { terminal, epoch, shifts: 0, from_before: 0, faults, balances };
        let mut after = None;
        loop {
            let (so_far, from) = (proved, after);
            let part = move |sql: &dyn Sql| -> Result<_, BaseError> {
                let mut so_far = so_far;
                // What moved outside of shifts comes first.
                if from.is_none() {
                    so_far.entries(sql, NO_SHIFT)?;
                }
                Ok(so_far.part(sql, from.unwrap_or(NO_SHIFT))?)
            };
            (proved, after) = self.database.read(part).await?;
            told(proved.shifts);
            if after.is_none() {
                return Ok(proved);
            }
        }
    }
}
