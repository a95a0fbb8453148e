//! What came of holding each day's bill of each of the merchant's accounts against our books. One server at a time works on
//! an account: whoever takes it over adds one to the epoch, and nothing more is written by whoever had it before.
//!
//! A long result goes in piece by piece, so that nobody waits long for the base store; it counts from the moment on at
//! which its run is done, and what a dead server left of one that is not is taken away by the next.

mod lists;
#[cfg(test)]
mod tests;

pub use lists::{StoredField, StoredFinding, StoredSettled};

use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql};
use crate::params;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::AccountId;
use evertill_shared::reconciliation::{Carried, Finding, Reconciled, SettledByBill};
use evertill_shared::wallet::Wallet;
use lists::Details;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::time::Duration;

/// Whose bills: those of one of the merchant's accounts at a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillsOf {
    /// Which channel.
    pub channel: Wallet,
    /// Which account there.
    pub account: AccountId,
    /// The account whose place it has taken, and whose days it goes on with; itself, if none.
    pub before: AccountId,
}

impl BillsOf {
    /// Those of an account that has taken nobody's place.
    #[must_use]
    pub const fn new(channel: Wallet, account: AccountId) -> Self {
        Self { channel, account, before: account }
    }
}

/// How long an account's bills are left alone after whoever works on them was last heard of.
pub const BILL_LEASE: Duration = Duration::from_secs(180);
/// So many rows go in at once.
const PIECE: usize = 500;

/// Where a day's run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// The channel has no bill of that day yet, or does not answer.
    Waiting,
    /// What came was refused as a whole.
    Refused,
    /// The day is compared.
    Done,
}

impl RunState {
    /// The word in the database and in lists.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Done => "done",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Refused, Self::Done].into_iter().find(|state| state.as_str() == word)
    }
}

/// A day of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRun {
    /// Which channel.
    pub channel: Wallet,
    /// Which of the merchant's accounts there. What was compared before each was compared by itself stands under
    /// [`AccountId::OF_THE_FILE`].
    pub account: AccountId,
    /// Which of its days.
    pub day: BusinessDay,
    /// Where it stands.
    pub state: RunState,
    /// How often it was tried.
    pub tries: u32,
    /// When it was last tried.
    pub tried_at: Timestamp,
    /// When it is tried again, if it is not done.
    pub next_at: Timestamp,
    /// Why it is not done.
    pub problem: Option<String>,
    /// How long it was, and what came of it.
    pub figures: RunFigures,
    /// Our net minus the bill's, of all rows that went in, by the currency's code.
    pub difference: BTreeMap<String, i64>,
}

/// How many rows there were, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunFigures {
    /// Lines of the bill.
    pub bill_rows: u64,
    /// Movements in our books.
    pub book_rows: u64,
    /// Movements that agree.
    pub agreed: u64,
    /// What a person must be told of.
    pub findings: u64,
    /// What the bill has settled.
    pub settled: u64,
    /// Rows that wait for the next day's bill.
    pub carried: u64,
}

/// The right to work on an account's bills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillLease {
    /// Of which account.
    pub of: BillsOf,
    epoch: u64,
}

const RUN: &str = "SELECT channel, account, day, state, tries, tried_at, next_at, problem, bill_rows, book_rows, agreed, findings, \
     settled, carried, difference FROM bill_runs";

fn read_run(row: &Row) -> Result<BillRun, BaseError> {
    let text = |column: &str| row.get::<String>(column);
    let state = text("state")?;
    Ok(BillRun {
        channel: text("channel")?.parse().map_err(DbError::nonsense)?,
        account: AccountId(row.get("account")?),
        day: day_of(&text("day")?)?,
        state: RunState::from_word(&state).ok_or_else(|| DbError::nonsense(state))?,
        tries: row.get("tries")?,
        tried_at: Timestamp(row.get("tried_at")?),
        next_at: Timestamp(row.get("next_at")?),
        problem: row.get("problem")?,
        figures: RunFigures {
            bill_rows: row.get("bill_rows")?,
            book_rows: row.get("book_rows")?,
            agreed: row.get("agreed")?,
            findings: row.get("findings")?,
            settled: row.get("settled")?,
            carried: row.get("carried")?,
        },
        difference: json(&text("difference")?)?,
    })
}

fn day_of(text: &str) -> Result<BusinessDay, BaseError> {
    Ok(text.parse().map_err(DbError::nonsense)?)
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, BaseError> {
    Ok(serde_json::from_str(text).map_err(DbError::nonsense)?)
}

fn text<T: Serialize>(value: &T) -> Result<String, BaseError> {
    Ok(serde_json::to_string(value).map_err(DbError::nonsense)?)
}

/// Keeps the lease, or refuses: another server has taken the account over.
fn keep(sql: &dyn Sql, lease: BillLease, now: Timestamp) -> Result<(), BaseError> {
    let rows = sql.execute(
        "UPDATE bill_leases SET lease_until = ?3 WHERE channel = ?1 AND epoch = ?2 AND account = ?4",
        &params![lease.of.channel.code(), lease.epoch, now.plus(BILL_LEASE).0, lease.of.account.get()],
    )?;
    if rows == 1 {
        Ok(())
    } else {
        Err(BaseError::Invalid("another server has taken these bills over".into()))
    }
}

fn save_run(sql: &dyn Sql, run: &BillRun) -> Result<(), BaseError> {
    let figures = &run.figures;
    sql.execute(
        "INSERT INTO bill_runs (channel, day, state, tries, tried_at, next_at, problem, bill_rows, book_rows, agreed, \
         findings, settled, carried, difference, account) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
         ON CONFLICT (channel, account, day) DO UPDATE SET state = ?3, tries = ?4, tried_at = ?5, next_at = ?6, problem = ?7, \
         bill_rows = ?8, book_rows = ?9, agreed = ?10, findings = ?11, settled = ?12, carried = ?13, difference = ?14",
        &params![
            run.channel.code(),
            run.day.to_string(),
            run.state.as_str(),
            run.tries,
            run.tried_at.0,
            run.next_at.0,
            &run.problem,
            figures.bill_rows,
            figures.book_rows,
            figures.agreed,
            figures.findings,
            figures.settled,
            figures.carried,
            text(&run.difference)?,
            run.account.get(),
        ],
    )?;
    Ok(())
}

/// A row on its way into one of the three lists of a run.
enum Piece {
    Finding(Box<Finding>),
    Settled(SettledByBill),
    Carried(Carried),
}

fn put(sql: &dyn Sql, of: BillsOf, (day, place): (&str, u32), piece: Piece) -> Result<(), BaseError> {
    let (channel, account) = (of.channel.code(), of.account.get());
    match piece {
        Piece::Finding(finding) => {
            let details = Details::of(&finding);
            let (category, movement) = (finding.category.as_str(), finding.movement.as_str());
            sql.execute(
                "INSERT INTO bill_findings (channel, day, place, category, movement, number, order_number, details, \
                 account) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                &params![
                    channel,
                    day,
                    place,
                    category,
                    movement,
                    finding.number,
                    finding.order,
                    text(&details)?,
                    account
                ],
            )?;
        }
        Piece::Settled(one) => {
            sql.execute(
                "INSERT INTO bill_settled (channel, day, place, movement, number, order_number, moved, \
                 transaction_number, told, account) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9)",
                &params![
                    channel,
                    day,
                    place,
                    one.movement.as_str(),
                    one.number,
                    one.order,
                    one.moved,
                    one.transaction,
                    account
                ],
            )?;
        }
        Piece::Carried(carried) => {
            sql.execute(
                "INSERT INTO bill_carried (channel, day, place, carried, account) VALUES (?1, ?2, ?3, ?4, ?5)",
                &params![channel, day, place, text(&carried)?, account],
            )?;
        }
    }
    Ok(())
}

impl BaseStore {
    /// Takes an account's bills in hand, if no other server is at work on them.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn take_bills(&self, of: BillsOf, owner: String) -> Result<Option<BillLease>, BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                sql.execute(
                    "INSERT INTO bill_leases (channel, account, epoch, lease_until) VALUES (?1, ?2, 0, 0) \
                     ON CONFLICT DO NOTHING",
                    &params![of.channel.code(), of.account.get()],
                )?;
                let epoch: Option<u64> = sql.value(
                    "UPDATE bill_leases SET epoch = epoch + 1, lease_owner = ?2, lease_until = ?3 WHERE channel = ?1 \
                     AND account = ?6 AND (lease_until <= ?4 OR lease_until > ?5 OR lease_owner = ?2) RETURNING epoch",
                    // A lease that ends far ahead is of a clock that was set back since.
                    &params![
                        of.channel.code(),
                        owner,
                        now.plus(BILL_LEASE).0,
                        now.0,
                        now.plus(BILL_LEASE * 20).0,
                        of.account.get()
                    ],
                )?;
                Ok(epoch.map(|epoch| BillLease { of, epoch }))
            })
            .await
    }

    /// Keeps an account's bills in hand.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if another server has them by now; the database's.
    pub async fn keep_bills(&self, lease: BillLease) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database.write(move |sql| keep(sql, lease, now)).await
    }

    /// Lets another server take them at once.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn leave_bills(&self, lease: BillLease) -> Result<(), BaseError> {
        self.database
            .write(move |sql| {
                sql.execute(
                    "UPDATE bill_leases SET lease_until = 0 WHERE channel = ?1 AND epoch = ?2 AND account = ?3",
                    &params![lease.of.channel.code(), lease.epoch, lease.of.account.get()],
                )?;
                Ok(())
            })
            .await
    }

    /// A day's run, if there is one.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn bill_run(&self, of: BillsOf, day: BusinessDay) -> Result<Option<BillRun>, BaseError> {
        self.database
            .read(move |sql| {
                let statement = format!("{RUN} WHERE channel = ?1 AND account = ?2 AND day = ?3");
                let values = params![of.channel.code(), of.account.get(), day.to_string()];
                let row = sql.row(&statement, &values)?;
                row.as_ref().map(read_run).transpose()
            })
            .await
    }

    /// The latest runs of all accounts, the newest day first.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn bill_runs(&self, most: u32) -> Result<Vec<BillRun>, BaseError> {
        self.database
            .read(move |sql| {
                let statement = format!("{RUN} ORDER BY day DESC, channel, account LIMIT ?1");
                let rows = sql.rows(&statement, &params![most])?;
                rows.iter().map(read_run).collect()
            })
            .await
    }

    /// The last day of an account that is compared, by it or by the one whose place it has taken; and the first that was
    /// tried after it and is not.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn bill_days(&self, of: BillsOf) -> Result<(Option<BusinessDay>, Option<BillRun>), BaseError> {
        self.database
            .read(move |sql| {
                let last = "SELECT max(day) AS day FROM bill_runs WHERE channel = ?1 AND account IN (?2, ?3) \
                            AND state = 'done'";
                let (channel, own, before) = (of.channel.code(), of.account.get(), of.before.get());
                let last: Option<Option<String>> = sql.value(last, &params![channel, own, before])?;
                let last = last.flatten();
                let after = last.clone().unwrap_or_default();
                let statement = format!(
                    "{RUN} WHERE channel = ?1 AND account IN (?3, ?4) AND day > ?2 AND state <> 'done' \
                     ORDER BY day, account DESC LIMIT 1"
                );
                let open = sql.row(&statement, &params![channel, after, own, before])?;
                Ok((last.as_deref().map(day_of).transpose()?, open.as_ref().map(read_run).transpose()?))
            })
            .await
    }

    /// Writes down that a day could not be compared, and why.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if another server has the bills by now; the database's.
    pub async fn bill_not_done(&self, lease: BillLease, run: BillRun) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                keep(sql, lease, now)?;
                save_run(sql, &run)
            })
            .await
    }

    /// What the last compared day before this one left over.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn bill_carried(&self, of: BillsOf, day: BusinessDay) -> Result<Vec<Carried>, BaseError> {
        self.database
            .read(move |sql| {
                let rows = sql.rows(
                    "SELECT carried FROM bill_carried WHERE channel = ?1 AND account IN (?3, ?4) AND day = \
                     (SELECT max(day) FROM bill_runs WHERE channel = ?1 AND account IN (?3, ?4) AND state = 'done' \
                      AND day < ?2) ORDER BY account, place",
                    &params![of.channel.code(), day.to_string(), of.account.get(), of.before.get()],
                )?;
                rows.iter().map(|row| json(&row.at::<String>(0)?)).collect()
            })
            .await
    }

    /// Writes down what came of a day: all of it, or as if it had not been.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if another server has the bills by now; the database's.
    pub async fn bill_done(
        &self,
        lease: BillLease,
        run: BillRun,
        result: Reconciled,
    ) -> Result<(), BaseError> {
        let (channel, day, now) = (lease.of.channel.code(), run.day.to_string(), self.clock.now());
        let (own, account, before) = (day.clone(), lease.of.account.get(), lease.of.before.get());
        self.database
            .write(move |sql| {
                keep(sql, lease, now)?;
                for table in ["bill_findings", "bill_settled", "bill_carried"] {
                    let statement =
                        format!("DELETE FROM {table} WHERE channel = ?1 AND account = ?2 AND day = ?3");
                    sql.execute(&statement, &params![channel, account, &own])?;
                }
                Ok::<_, BaseError>(())
            })
            .await?;
        let Reconciled { findings, settled, carried, .. } = result;
        self.put_all(lease, &day, findings.into_iter().map(|one| Piece::Finding(Box::new(one)))).await?;
        self.put_all(lease, &day, settled.into_iter().map(Piece::Settled)).await?;
        self.put_all(lease, &day, carried.into_iter().map(Piece::Carried)).await?;
        self.database
            .write(move |sql| {
                keep(sql, lease, now)?;
                save_run(sql, &run)?;
                // What was carried here is used up.
                let statement =
                    "DELETE FROM bill_carried WHERE channel = ?1 AND account IN (?3, ?4) AND day < ?2";
                sql.execute(statement, &params![channel, &day, account, before])?;
                Ok(())
            })
            .await
    }

    async fn put_all(
        &self,
        lease: BillLease,
        day: &str,
        pieces: impl Iterator<Item = Piece>,
    ) -> Result<(), BaseError> {
        let mut pieces = (0_u32..).zip(pieces).peekable();
        while pieces.peek().is_some() {
            let (some, day) = (pieces.by_ref().take(PIECE).collect::<Vec<_>>(), day.to_owned());
            let now = self.clock.now();
            let job = move |sql: &dyn Sql| {
                keep(sql, lease, now)?;
                some.into_iter().try_for_each(|(place, piece)| put(sql, lease.of, (&day, place), piece))
            };
            self.database.write(job).await?;
        }
        Ok(())
    }
}
