//! Rights that nobody held by the list of the staff, and cash that the entries of a till do not show: told to people until
//! somebody has looked into them, and kept for ever.

use super::audit::{self, AuditKind, NewAudit};
use super::shifts::ShiftRecord;
use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql, Value};
use crate::params;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::journal::Entry;
use evertill_shared::rights::Used;
use evertill_shared::shift::PartDoubt;
use serde::{Deserialize, Serialize};

/// So many are given at a time at most.
pub const PAGE: u32 = 100;

/// Which one: an entry may rest on several rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoubtKey {
    /// Whose journal says so.
    pub terminal: TerminalId,
    /// Under which key.
    pub epoch: KeyEpoch,
    /// In which entry.
    pub sequence: u64,
    /// Which of the rights in it.
    pub place: u64,
}

/// Who looked into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The login.
    pub who: String,
    /// What came of it, in their words.
    pub why: String,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// What there is to look into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Doubted {
    /// A right that neither who used it nor who approved it held, by the list of the staff when it was handed in.
    Right(Used),
    /// An entry names another sum of cash of a sale than the entries before it brought into the drawer.
    Cash(PartDoubt),
}

/// Something in an entry that people should look into. The entry counts all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Which.
    pub key: DoubtKey,
    /// When, by the till's clock.
    pub at: Timestamp,
    /// The store's business day of it.
    pub day: BusinessDay,
    /// What.
    pub what: Doubted,
    /// Somebody has looked into it.
    pub settled: Option<Settled>,
}

fn doubt_of(row: &Row) -> Result<Doubt, DbError> {
    let settled = match row.get::<Option<String>>("who")? {
        Some(who) => Some(Settled { who, why: row.get("why")?, at: Timestamp(row.get("settled_at")?) }),
        None => None,
    };
    Ok(Doubt {
        key: DoubtKey {
            terminal: TerminalId::try_from(row.get::<u16>("terminal")?).map_err(DbError::nonsense)?,
            epoch: row.get("epoch")?,
            sequence: row.get("sequence")?,
            place: row.get("place")?,
        },
        at: Timestamp(row.get("at_ms")?),
        day: row.get::<String>("day")?.parse().map_err(DbError::nonsense)?,
        what: serde_json::from_str(&row.get::<String>("used")?).map_err(DbError::nonsense)?,
        settled,
    })
}

/// Writes down that there is something to look into in an entry.
pub(super) fn note(
    sql: &dyn Sql,
    entry: &Entry,
    place: u64,
    what: &Doubted,
    day: BusinessDay,
) -> Result<(), BaseError> {
    let text = serde_json::to_string(what).map_err(DbError::nonsense)?;
    let (terminal, day) = (entry.terminal.get(), day.to_string());
    sql.execute(
        "INSERT INTO doubted_rights (terminal, epoch, sequence, place, at_ms, day, used)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        &params![terminal, entry.epoch, entry.sequence, place, entry.at.0, day, text],
    )?;
    Ok(())
}

const DOUBT: &str =
    "SELECT d.terminal AS terminal, d.epoch AS epoch, d.sequence AS sequence, d.place AS place,
        d.at_ms AS at_ms, d.day AS day, d.used AS used, s.who AS who, s.why AS why, s.at_ms AS settled_at
    FROM doubted_rights d LEFT JOIN doubts_settled s ON s.terminal = d.terminal AND s.epoch = d.epoch
        AND s.sequence = d.sequence AND s.place = d.place";
const BEHIND: &str = "(d.terminal, d.epoch, d.sequence, d.place) > (?1, ?2, ?3, ?4)";

impl BaseStore {
    /// What there is to look into of that day, by till, behind one of them: [`PAGE`] and one more at most.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn doubts_of(
        &self,
        day: BusinessDay,
        after: Option<DoubtKey>,
    ) -> Result<Vec<Doubt>, BaseError> {
        let (terminal, epoch, sequence, place) =
            after.map_or((0, 0, 0, 0), |key| (key.terminal.get(), key.epoch, key.sequence, key.place));
        let values = params![terminal, epoch, sequence, place, day.to_string()].into();
        self.doubts(format!("{BEHIND} AND d.day = ?5"), values).await
    }

    /// The same of a shift: [`PAGE`] and one more at most.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn doubts_in(&self, shift: &ShiftRecord) -> Result<Vec<Doubt>, BaseError> {
        let upto =
            shift.book.closed.as_ref().map_or(u64::try_from(i64::MAX).unwrap_or(0), |closed| closed.entry);
        let values = params![shift.terminal.get(), shift.epoch, shift.book.opened, upto].into();
        let which = "d.terminal = ?1 AND d.epoch = ?2 AND d.sequence BETWEEN ?3 AND ?4";
        self.doubts(which.to_owned(), values).await
    }

    async fn doubts(&self, which: String, values: Vec<Value<'static>>) -> Result<Vec<Doubt>, BaseError> {
        self.database
            .read(move |sql| -> Result<Vec<Doubt>, BaseError> {
                let order = "ORDER BY d.terminal, d.epoch, d.sequence, d.place";
                let text = format!("{DOUBT} WHERE {which} {order} LIMIT {}", PAGE + 1);
                let rows = sql.rows(&text, &values)?;
                Ok(rows.iter().map(doubt_of).collect::<Result<_, DbError>>()?)
            })
            .await
    }

    /// Somebody has looked into it, and says what came of it. The first who did stands there; a second changes nothing.
    ///
    /// # Errors
    /// [`BaseError::NotFound`]: nobody doubts that; the database's.
    pub async fn settle_doubt(&self, key: DoubtKey, who: String, why: String) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| -> Result<(), BaseError> {
                let DoubtKey { terminal, epoch, sequence, place } = key;
                let known: Option<u64> = sql.value(
                    "SELECT sequence FROM doubted_rights
                     WHERE terminal = ?1 AND epoch = ?2 AND sequence = ?3 AND place = ?4",
                    &params![terminal.get(), epoch, sequence, place],
                )?;
                known.ok_or(BaseError::NotFound("doubt"))?;
                let first = sql.execute(
                    "INSERT INTO doubts_settled (terminal, epoch, sequence, place, at_ms, who, why)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                    &params![terminal.get(), epoch, sequence, place, now.0, who.clone(), why.clone()],
                )?;
                if first == 1 {
                    let subject = format!("{terminal}-{epoch}-{sequence}");
                    audit::append(sql, &NewAudit::new(who, AuditKind::DoubtSettled, subject, why), now)?;
                }
                Ok(())
            })
            .await
    }
}
