//! Who may log in at tills: PINs (cards stand in `cards.rs`), the list that tills get, and whether a cashier that a till names is on the staff.

use super::audit::{self, AuditKind, NewAudit};
use super::people::read_person;
use super::staff::{PERSON, person_of};
use super::{BaseError, BaseStore};
use crate::database::{DbError, Sql};
use crate::params;
use evertill_shared::protocol::staff::StaffRow;
use evertill_shared::protocol::till_staff::{TillPerson, TillStaff};
use evertill_shared::secret::SecretText;
use evertill_shared::staff_card::CardMark;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a list of who is on the staff counts before it is read anew.
const FRESH: Duration = Duration::from_secs(2);

/// The versions of what tills keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Of the catalogue.
    pub catalogue: u64,
    /// The name of that version.
    pub catalogue_name: String,
    /// Of the list of those who may log in at tills.
    pub staff: u64,
    /// What the shop's template for receipts is known by; empty if it has none.
    pub receipt_template: String,
    /// What the list of the goods' pictures is known by; empty if there are none.
    pub pictures: String,
}

/// When the staff was read, and who was on it.
type Seen = (Duration, Arc<BTreeSet<String>>);

/// Who is on the staff, as it was read a moment ago. For a flag on an order, never for a right.
#[derive(Clone, Default)]
pub(super) struct OnStaff(Arc<Mutex<Option<Seen>>>);

impl OnStaff {
    fn known(&self) -> Option<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, at: Duration, logins: Arc<BTreeSet<String>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, logins));
    }
}

/// Those who have a PIN: they can approve something.
pub(super) const PIN_PERSON: &str = "SELECT login, name, role, left_at, pin_hash, card_mark FROM staff
    WHERE pin_hash IS NOT NULL AND left_at IS NULL";

/// The list that tills have is another one now.
pub(super) fn changed(sql: &dyn Sql) -> Result<(), DbError> {
    sql.execute("UPDATE till_staff SET version = version + 1", &params![]).map(drop)
}

fn version(sql: &dyn Sql) -> Result<u64, DbError> {
    let found = sql.value("SELECT version FROM till_staff", &[])?;
    found.ok_or_else(|| DbError::nonsense("the list of the tills' staff has no version"))
}

impl BaseStore {
    /// Gives a person a PIN, hashed already, or takes it away. The audit trail says which, and never the PIN.
    ///
    /// # Errors
    /// [`BaseError::NotFound`] for a stranger or somebody who left; the database's.
    pub async fn set_pin(
        &self,
        login: &str,
        hash: Option<String>,
        who: String,
    ) -> Result<StaffRow, BaseError> {
        let (login, now) = (login.trim().to_owned(), self.clock.now());
        self.database
            .write(move |sql| -> Result<StaffRow, BaseError> {
                let person = read_person(sql, &login)?;
                if person.left_at.is_some() {
                    return Err(BaseError::NotFound("person"));
                }
                let what = match &hash {
                    Some(hash) => {
                        let statement = "UPDATE staff SET pin_hash = ?2 WHERE login = ?1";
                        sql.execute(statement, &params![&person.login, hash])?;
                        AuditKind::PinSet
                    }
                    None if !person.has_pin => return Ok(person),
                    None => {
                        let statement = "UPDATE staff SET pin_hash = NULL WHERE login = ?1";
                        sql.execute(statement, &params![&person.login])?;
                        AuditKind::PinRemoved
                    }
                };
                changed(sql)?;
                audit::append(sql, &NewAudit::new(who, what, &person.login, ""), now)?;
                Ok(StaffRow { has_pin: hash.is_some(), ..person })
            })
            .await
    }

    /// Those who may log in at tills; without people if `since` is the list's version.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn till_staff(&self, since: Option<u64>) -> Result<TillStaff, BaseError> {
        self.database
            .read(move |sql| -> Result<TillStaff, BaseError> {
                let version = version(sql)?;
                if since == Some(version) {
                    return Ok(TillStaff { version, people: None });
                }
                let may = "left_at IS NULL AND (pin_hash IS NOT NULL OR card_mark IS NOT NULL)";
                let rows = sql.rows(&format!("{PERSON} WHERE {may} ORDER BY login"), &[])?;
                let person = |row| -> Result<TillPerson, DbError> {
                    let StaffRow { login, name, role, .. } = person_of(row)?;
                    let verifier = row.get::<Option<String>>("pin_hash")?.map(SecretText::new);
                    let card = row.get::<Option<String>>("card_mark")?.map(CardMark::new);
                    Ok(TillPerson { login, name, role, verifier, card })
                };
                Ok(TillStaff { version, people: Some(rows.iter().map(person).collect::<Result<_, _>>()?) })
            })
            .await
    }

    /// The versions of what tills keep, with one question.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn versions(&self) -> Result<Versions, BaseError> {
        self.database
            .read(|sql| {
                let row = sql.row(
                    "SELECT c.version, s.version, COALESCE(l.upload, c.base_upload) AS name,
                         (SELECT name FROM receipt_template) AS receipts,
                         (SELECT name FROM picture_list) AS pictures
                     FROM till_staff s, catalogue c LEFT JOIN catalogue_step l ON l.version = c.version",
                    &[],
                )?;
                let row =
                    row.ok_or_else(|| DbError::nonsense("there is no catalogue, not even an empty one"))?;
                let receipt_template = row.at::<Option<String>>(3)?.unwrap_or_default();
                let pictures = row.at::<Option<String>>(4)?.unwrap_or_default();
                let (catalogue, staff, catalogue_name) = (row.at(0)?, row.at(1)?, row.at(2)?);
                Ok(Versions { catalogue, catalogue_name, staff, receipt_template, pictures })
            })
            .await
    }

    /// Whether somebody of that login is on the staff now, or was two seconds ago. If the base store cannot be read,
    /// what was known counts; if nothing was, the answer is no: it decides about nothing but a flag on an order.
    pub async fn is_on_staff(&self, login: &str) -> bool {
        let now = self.clock.monotonic();
        let known = self.on_staff.known();
        if let Some((read_at, logins)) = &known
            && now.saturating_sub(*read_at) < FRESH
        {
            return logins.contains(login);
        }
        let read = self.database.read(|sql| -> Result<BTreeSet<String>, BaseError> {
            let rows = sql.rows(&format!("{PERSON} WHERE left_at IS NULL"), &[])?;
            Ok(rows.iter().map(|row| row.get("login")).collect::<Result<_, _>>()?)
        });
        match read.await {
            Ok(logins) => {
                let logins = Arc::new(logins);
                self.on_staff.keep(now, Arc::clone(&logins));
                logins.contains(login)
            }
            Err(error) => {
                tracing::warn!(%error, "who is on the staff cannot be read: going by what was known");
                known.is_some_and(|(_, logins)| logins.contains(login))
            }
        }
    }
}
