//! The audit trail: who did what to whom, why and when, chained like the tills' journals.

use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use serde::{Deserialize, Serialize};

const DOMAIN: &str = "evertill-audit-v1";
const START: &str = "";
/// So many rows are read at a time when the whole trail is followed.
const PAGE: u32 = 500;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// A person was added; the reason names the role.
    StaffAdded,
    /// A one-time code was made for a terminal.
    EnrolmentCodeMade,
    /// A terminal registered its key.
    TerminalEnrolled,
    /// A terminal was activated after its fingerprint was compared.
    TerminalActivated,
    /// A terminal was blocked.
    TerminalBlocked,
    /// A terminal was unblocked.
    TerminalUnblocked,
    /// A terminal was retired.
    TerminalRetired,
    /// Somebody left the staff.
    StaffLeft,
    /// Somebody changed their own password.
    PasswordChanged,
    /// A person was given a PIN for the tills.
    PinSet,
    /// A person's PIN for the tills was taken away.
    PinRemoved,
    /// A card was made for a person, to log in with at the tills. The one before, if there was one, counts no more.
    CardMade,
    /// A person's card was taken away.
    CardRemoved,
    /// Somebody decided to accept an order of a blocked terminal. Whether it was done then is in its story.
    OrderAccepted,
    /// A refund was asked for.
    RefundRequested,
    /// Somebody said that they had finished a refund at the wallet. Whether it was taken in then is in its order's story.
    RefundFinished,
    /// A one-time code was made by which a refund may be approved at a till.
    ApprovalCodeMade,
    /// Such a code approved a refund.
    ApprovalCodeUsed,
    /// A refund that a till had asked for was refused in the console.
    RefundRequestRefused,
    /// The catalogue was replaced.
    CatalogueChanged,
    /// A product was added, or brought back.
    ProductAdded,
    /// A product was changed.
    ProductChanged,
    /// A product was taken out of the catalogue.
    ProductWithdrawn,
    /// An order group was added.
    GroupAdded,
    /// An order group takes no new orders any more.
    GroupDrained,
    /// The orders of a group were sent to another database.
    GroupMoved,
    /// A drain or a move was taken back.
    MoveAborted,
    /// An order group's database was taken out of use.
    GroupRetired,
    /// An account at a wallet was added.
    AccountAdded,
    /// What is said of an account at a wallet was changed, or a secret of it set.
    AccountChanged,
    /// An account at a wallet takes new payments again.
    AccountEnabled,
    /// An account at a wallet takes no new payments any more.
    AccountDisabled,
    /// An account at a wallet was deleted.
    AccountDeleted,
    /// A rule by which accounts are chosen was written down or removed.
    RoutingChanged,
    /// The secrets of accounts were sealed anew under another key.
    SecretsResealed,
    /// A terminal's journal does not continue the chain that the server knows.
    JournalFault,
    /// Somebody looked into a right that nobody held.
    DoubtSettled,
    /// Somebody gave up a shift that its till would never end.
    ShiftGivenUp,
    /// How the receipts of all tills look was changed.
    ReceiptTemplateChanged,
    /// Goods were given a picture, or theirs was taken away.
    PictureChanged,
    /// Something that this server has no name for yet: a newer one that shares the base store did it.
    #[serde(other)]
    Newer,
}

/// Something to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAudit {
    /// The login of the person, or `server`.
    pub who: String,
    /// What was done.
    pub what: AuditKind,
    /// To whom or what: a terminal, a login, an order number.
    pub subject: String,
    /// Why, in the person's own words, or the details.
    pub why: String,
}

impl NewAudit {
    /// All of it.
    pub fn new(
        who: impl Into<String>,
        what: AuditKind,
        subject: impl ToString,
        why: impl Into<String>,
    ) -> Self {
        Self { who: who.into(), what, subject: subject.to_string(), why: why.into() }
    }
}

/// A row of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// 1 for the first.
    pub id: i64,
    /// When, by the server's clock.
    pub at: Timestamp,
    /// The login of the person, or `server`.
    pub who: String,
    /// What was done.
    pub what: AuditKind,
    /// To whom or what.
    pub subject: String,
    /// Why, or the details.
    pub why: String,
}

/// The trail was tampered with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail breaks at row {row}: {what}")]
pub struct AuditBroken {
    /// The first row that is wrong.
    pub row: i64,
    /// How it is wrong.
    pub what: &'static str,
}

/// Adds a row in the transaction of what it tells about.
pub(super) fn append(sql: &dyn Sql, new: &NewAudit, now: Timestamp) -> Result<(), BaseError> {
    let (id, previous) = match sql.row("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1", &[])? {
        Some(last) => (last.at::<i64>(0)? + 1, last.at::<String>(1)?),
        None => (1, START.to_owned()),
    };
    let NewAudit { who, what, subject, why } = new.clone();
    let row = AuditRow { id, at: now, who, what, subject, why };
    let text = serde_json::to_string(&row).map_err(DbError::nonsense)?;
    let hash = hash_of(&previous, &text);
    let row = params![id, text, previous, hash];
    sql.execute("INSERT INTO audit (id, text, previous, hash) VALUES (?1, ?2, ?3, ?4)", &row)?;
    Ok(())
}

fn hash_of(previous: &str, text: &str) -> String {
    super::hash_of(DOMAIN, &format!("{previous}\n{text}"))
}

/// Why a row does not follow the `count` rows before it, the last of which has the hash `last`.
fn fault(row: &Row, count: u64, last: &str) -> Result<Option<&'static str>, DbError> {
    let (id, text, previous, hash): (i64, String, String, String) =
        (row.at(0)?, row.at(1)?, row.at(2)?, row.at(3)?);
    let stated = serde_json::from_str::<AuditRow>(&text).ok().map(|r| r.id);
    Ok(if u64::try_from(id).ok() != Some(count + 1) || stated != Some(id) {
        Some("a row is missing or out of order")
    } else if previous != last {
        Some("it does not follow the row before it")
    } else if hash != hash_of(&previous, &text) {
        Some("its text was changed")
    } else {
        None
    })
}

fn check(sql: &dyn Sql) -> Result<Result<u64, AuditBroken>, BaseError> {
    let statement = "SELECT id, text, previous, hash FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2";
    let (mut count, mut last, mut from) = (0_u64, START.to_owned(), i64::MIN);
    loop {
        let rows = sql.rows(statement, &params![from, PAGE])?;
        if rows.is_empty() {
            return Ok(Ok(count));
        }
        for row in rows {
            from = row.at(0)?;
            if let Some(what) = fault(&row, count, &last)? {
                return Ok(Err(AuditBroken { row: from, what }));
            }
            (count, last) = (count + 1, row.at(3)?);
        }
    }
}

impl BaseStore {
    /// Writes something down by itself. What changes the base store is written down in the same transaction by
    /// the method that changes it.
    ///
    /// # Errors
    /// [`BaseError`]; then nothing was written, unless it says unknown.
    pub async fn audit_append(&self, new: NewAudit) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database.write(move |sql| append(sql, &new, now)).await
    }

    /// Follows the whole chain; answers how many rows it has. A chain that was cut off at its end looks whole:
    /// compare the number with one noted elsewhere.
    ///
    /// # Errors
    /// [`BaseError`] if it cannot be read; inside, [`AuditBroken`] if it was changed.
    pub async fn verify_audit(&self) -> Result<Result<u64, AuditBroken>, BaseError> {
        self.database.read(check).await
    }

    /// The latest rows, newest first, before the row `before` if one is given.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn audit_rows(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>, BaseError> {
        self.database
            .read(move |sql| {
                let rows = sql.rows(
                    "SELECT text FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
                    &params![before.unwrap_or(i64::MAX), limit],
                )?;
                let read = |row: &Row| serde_json::from_str(&row.at::<String>(0)?).map_err(DbError::nonsense);
                Ok(rows.iter().map(read).collect::<Result<_, DbError>>()?)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_newer_server_did_can_be_read_and_hides_no_other_row() {
        let text = r#"{"id":7,"at":5,"who":"li","what":"moon_landed","subject":"T0001","why":"","crew":3}"#;
        let row: AuditRow = serde_json::from_str(text).unwrap();
        assert_eq!((row.id, row.what, row.subject.as_str()), (7, AuditKind::Newer, "T0001"));
    }
}
