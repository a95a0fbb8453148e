//! Which order groups belong to this base store, by random names that stand in both: a group whose disk is not
//! mounted is then found missing, and not made anew, empty.

use super::{BaseError, BaseStore, random};
use crate::database::DbError;
use crate::order_group::Expected;
use crate::params;
use evertill_shared::order_number::GroupTag;

const KNOWN: &str = "SELECT id FROM group_identities WHERE tag = ?1";

impl BaseStore {
    /// What the file of the group with that tag must say of itself.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn expected_group(&self, tag: GroupTag) -> Result<Expected, BaseError> {
        let fresh = hex::encode(random::<16>()?);
        self.database
            .write(move |sql| -> Result<Expected, BaseError> {
                let new = "INSERT INTO identity (one, id) VALUES (1, ?1) ON CONFLICT DO NOTHING";
                sql.execute(new, &params![fresh])?;
                let base = sql.value("SELECT id FROM identity", &[])?;
                let base = base.ok_or_else(|| DbError::nonsense("no identity"))?;
                let group = sql.value(KNOWN, &params![tag.get()])?;
                Ok(Expected { base, group })
            })
            .await
    }

    /// Remembers that this group exists. Remembering it again changes nothing.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if another file is known under this tag; the database's.
    pub async fn remember_group(&self, tag: GroupTag, id: String) -> Result<(), BaseError> {
        let now = self.clock.now();
        let known: String = self
            .database
            .write(move |sql| -> Result<String, BaseError> {
                sql.execute(
                    "INSERT INTO group_identities (tag, id, known_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    &params![tag.get(), &id, now.0],
                )?;
                let known: Option<String> = sql.value(KNOWN, &params![tag.get()])?;
                let same = known.as_ref() == Some(&id);
                Ok(if same { String::new() } else { known.unwrap_or_else(|| "another tag's".into()) })
            })
            .await?;
        if known.is_empty() {
            return Ok(());
        }
        Err(BaseError::Invalid(format!(
            "order group {tag}: another server of this store works with another file under this tag ({known}): \
             name the same file in both"
        )))
    }
}
