//! The rows of the goods follow the catalogue as a till does: part by part, each in a transaction of its own, from whatever
//! version they have. Any server may take the next step; two that take the same one take it once.

use super::super::{BaseError, BaseStore};
use super::parts::{Given, given};
use super::shelf::put;
use super::stored::{Contents, Goods, contents};
use crate::database::{DbError, Sql};
use crate::params;
use evertill_shared::protocol::catalogue::{Catalogue, Place};
use std::time::Duration;

/// So many rows are taken out at a time.
const AT_A_TIME: u32 = 2_000;

/// How far the rows have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Followed {
    version: u64,
    /// The version's name; on the way, that of the one to which it leads.
    name: String,
    place: Place,
}

impl Followed {
    /// The rows are those of a version.
    pub fn at(version: u64, name: &str) -> Self {
        Self { version, name: name.to_owned(), place: Place::default() }
    }

    pub fn read(sql: &dyn Sql) -> Result<Self, DbError> {
        let row = sql.row("SELECT version, name, place FROM goods_follow", &[])?;
        let row = row.ok_or_else(|| DbError::nonsense("nothing says how far the goods have come"))?;
        let place = row.at::<String>(2)?.parse().map_err(DbError::nonsense)?;
        Ok(Self { version: row.at(0)?, name: row.at(1)?, place })
    }

    /// Whether the rows are the catalogue's, all of it.
    pub fn is_whole(&self, contents: &Contents) -> bool {
        matches!(given(contents, self.version, Some(&self.name), self.place), Given::Unchanged)
    }

    /// Goes on from here to `next`; false if somebody else has gone on meanwhile.
    pub fn go(&self, sql: &dyn Sql, next: &Self) -> Result<bool, DbError> {
        let changed = sql.execute(
            "UPDATE goods_follow SET version = ?1, name = ?2, place = ?3
             WHERE version = ?4 AND name = ?5 AND place = ?6",
            &params![
                next.version,
                &next.name,
                next.place.to_string(),
                self.version,
                &self.name,
                self.place.to_string()
            ],
        )?;
        Ok(changed == 1)
    }
}

/// Takes out some of the rows of what is sold; false if there are none, or somebody else has gone on.
fn empty(sql: &dyn Sql, from: &Followed) -> Result<bool, DbError> {
    if Followed::read(sql)? != *from {
        return Ok(false);
    }
    let some = "(SELECT id FROM goods WHERE withdrawn = 0 ORDER BY id LIMIT ?1)";
    sql.execute(&format!("DELETE FROM goods_code WHERE id IN {some}"), &params![AT_A_TIME])?;
    let gone =
        sql.execute(&format!("DELETE FROM goods WHERE withdrawn = 0 AND id IN {some}"), &params![AT_A_TIME])?;
    Ok(gone > 0)
}

impl BaseStore {
    /// Brings the rows of the goods up to the catalogue; answers whether they are, after at most so long.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn follow_catalogue(&self, patience: Duration) -> Result<bool, BaseError> {
        let until = self.clock.monotonic().saturating_add(patience);
        loop {
            let (contents, from) = self
                .database
                .read(|sql| -> Result<_, BaseError> { Ok((contents(sql)?, Followed::read(sql)?)) })
                .await?;
            if !self.follow_one(contents, from).await? {
                return Ok(true);
            }
            if self.clock.monotonic() >= until {
                return Ok(false);
            }
        }
    }

    /// Takes one step; false if there is none to take.
    async fn follow_one(&self, contents: Contents, from: Followed) -> Result<bool, BaseError> {
        let (upload, at, first, next) = match given(&contents, from.version, Some(&from.name), from.place) {
            Given::Unchanged => return Ok(false),
            Given::Part { upload, at, first, next } => (upload, at, first, next),
        };
        let goods = match upload.parts {
            0 => Some(Goods::default()),
            _ => self.catalogue_goods(&upload, at.part).await?,
        };
        let name = contents.name_of(contents.version).unwrap_or_default().to_owned();
        let to = match next {
            Some(place) => Followed { version: from.version, name, place },
            None => Followed::at(contents.version, &name),
        };
        // What was replaced since a moment ago is looked for anew.
        let Some(goods) = goods else { return Ok(true) };
        if goods.products.len() > 2 * Catalogue::PART {
            // Everything in one lump, from before there were parts: nobody is to wait for that.
            self.write_base(&contents).await?;
            return Ok(true);
        }
        self.database
            .write(move |sql| -> Result<bool, BaseError> {
                if at.whole && first && empty(sql, &from)? {
                    return Ok(true);
                }
                if from.go(sql, &to)? {
                    put(sql, &goods)?;
                }
                Ok(true)
            })
            .await
    }
}
