//! Small pictures of goods. They belong to the goods' id and not to a version of the catalogue, so that an import of prices takes
//! none away.

use super::audit::{self, AuditKind, NewAudit};
use super::{BaseError, BaseStore};
use crate::database::{DbError, Sql};
use crate::params;
use evertill_shared::protocol::pictures::{MOST, Pictures, look, name_of};

fn list(sql: &dyn Sql) -> Result<Pictures, BaseError> {
    let rows = sql.rows("SELECT product, name FROM product_picture", &[])?;
    let pair = |row: &crate::database::Row| Ok((row.get("product")?, row.get("name")?));
    Ok(Pictures { of: rows.iter().map(pair).collect::<Result<_, DbError>>()? })
}

impl BaseStore {
    /// Which goods have which picture.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn pictures(&self) -> Result<Pictures, BaseError> {
        self.database.read(list).await
    }

    /// The bytes of a picture by its name; nothing if no goods have it any more.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn picture(&self, name: String) -> Result<Option<Vec<u8>>, BaseError> {
        self.database
            .read(move |sql| -> Result<_, BaseError> {
                let row = sql.row("SELECT bytes FROM picture WHERE name = ?1", &params![&name])?;
                row.map(|row| row.at(0)).transpose().map_err(BaseError::from)
            })
            .await
    }

    /// Gives goods a picture, or takes theirs away; the tills get it with their next question. The same again changes nothing.
    ///
    /// # Errors
    /// [`BaseError::Invalid`]: it is no picture, an impossible id, or there are too many; the database's. Nothing was changed.
    pub async fn set_picture(
        &self,
        product: &str,
        picture: Option<Vec<u8>>,
        who: String,
    ) -> Result<(), BaseError> {
        let product = product.trim().to_owned();
        if product.is_empty() || product.len() > 64 || product.chars().any(char::is_control) {
            return Err(BaseError::Invalid("the goods' id must be 1 to 64 bytes that print".into()));
        }
        if let Some(bytes) = &picture {
            look(bytes).map_err(|error| BaseError::Invalid(format!("the picture of {product}: {error}")))?;
        }
        let now = self.clock.now();
        self.database
            .write(move |sql| -> Result<(), BaseError> {
                let before = list(sql)?;
                let name = picture.as_deref().map(name_of);
                if before.of.get(&product) == name.as_ref() {
                    return Ok(());
                }
                if !before.of.contains_key(&product) && before.of.len() >= MOST {
                    return Err(BaseError::Invalid(format!("{MOST} goods have a picture, and no more may")));
                }
                write(sql, &product, name.as_deref(), picture)?;
                let subject = format!("goods {product}");
                let why = name.map_or_else(|| "none".to_owned(), |name| name.chars().take(12).collect());
                audit::append(sql, &NewAudit::new(who, AuditKind::PictureChanged, subject, why), now)
            })
            .await
    }
}

fn write(
    sql: &dyn Sql,
    product: &str,
    name: Option<&str>,
    picture: Option<Vec<u8>>,
) -> Result<(), BaseError> {
    if let (Some(name), Some(bytes)) = (name, picture) {
        sql.execute(
            "INSERT INTO picture (name, bytes) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
            &params![name, bytes],
        )?;
        sql.execute(
            "INSERT INTO product_picture (product, name) VALUES (?1, ?2)
             ON CONFLICT (product) DO UPDATE SET name = excluded.name",
            &params![product, name],
        )?;
    } else {
        sql.execute("DELETE FROM product_picture WHERE product = ?1", &params![product])?;
    }
    sql.execute("DELETE FROM picture WHERE name NOT IN (SELECT name FROM product_picture)", &[])?;
    sql.execute(
        "INSERT INTO picture_list (one, name) VALUES (1, ?1)
         ON CONFLICT (one) DO UPDATE SET name = excluded.name",
        &params![list(sql)?.name()],
    )?;
    Ok(())
}
