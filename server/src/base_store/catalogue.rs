//! The catalogue: one version at a time, replaced as a whole.

use super::audit::{self, AuditKind, NewAudit};
use super::{BaseError, BaseStore};
use crate::database::{DbError, Sql};
use crate::params;
use evertill_shared::money::Currency;
use evertill_shared::protocol::catalogue::{Catalogue, Product};
use std::collections::HashSet;

/// The most products that a catalogue may have.
const MAX_PRODUCTS: usize = 50_000;

/// The first thing that is wrong, with the product it is wrong of.
fn check(products: &[Product], currency: Currency) -> Result<(), BaseError> {
    let wrong = |text: String| Err(BaseError::Invalid(text));
    if products.len() > MAX_PRODUCTS {
        return wrong(format!("the catalogue has {} products; the most is {MAX_PRODUCTS}", products.len()));
    }
    let (mut ids, mut codes) = (HashSet::new(), HashSet::new());
    for (index, product) in products.iter().enumerate() {
        let id = &product.id;
        let at = format!("product {} ({id:?})", index + 1);
        if id.trim().is_empty() || id.len() > 64 {
            return wrong(format!("{at}: the id must be 1 to 64 bytes"));
        }
        if !ids.insert(id.as_str()) {
            return wrong(format!("{at}: the id stands twice; give each product its own"));
        }
        if product.name.trim().is_empty() || product.name.chars().count() > 200 {
            return wrong(format!("{at}: the name must be 1 to 200 characters"));
        }
        if product.price.currency != currency {
            return wrong(format!(
                "{at}: the price is in {}, the store's is {currency}",
                product.price.currency
            ));
        }
        if product.price.minor < 0 {
            return wrong(format!("{at}: the price is negative"));
        }
        if product.tax_rate.0 > 10_000 {
            return wrong(format!("{at}: the tax is over 100 %; write basis points, 1300 for 13 %"));
        }
        for code in &product.barcodes {
            if code.is_empty() || code.len() > 64 || code.chars().any(char::is_control) {
                return wrong(format!("{at}: a barcode must be 1 to 64 characters that print"));
            }
            if !codes.insert(code.as_str()) {
                return wrong(format!("{at}: the barcode {code} is another product's too"));
            }
        }
    }
    Ok(())
}

fn read_version(sql: &dyn Sql) -> Result<u64, DbError> {
    sql.value("SELECT version FROM catalogue", &[])?.ok_or_else(none)
}

fn none() -> DbError {
    DbError::nonsense("there is no catalogue, not even an empty one")
}

impl BaseStore {
    /// The catalogue; without products if `since` is its version.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn catalogue(&self, since: Option<u64>) -> Result<Catalogue, BaseError> {
        self.database
            .read(move |sql| -> Result<Catalogue, BaseError> {
                let version = read_version(sql)?;
                if since == Some(version) {
                    return Ok(Catalogue { version, products: None });
                }
                let text: Option<String> = sql.value("SELECT products FROM catalogue", &[])?;
                let text = text.ok_or_else(none)?;
                let products = serde_json::from_str(&text).map_err(DbError::nonsense)?;
                Ok(Catalogue { version, products: Some(products) })
            })
            .await
    }

    /// Replaces the catalogue; answers the new version, without the products.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] names the first product that is wrong; the database's.
    pub async fn put_catalogue(&self, products: Vec<Product>, who: String) -> Result<Catalogue, BaseError> {
        check(&products, self.store.currency)?;
        let text = serde_json::to_string(&products).map_err(DbError::nonsense)?;
        let now = self.clock.now();
        self.database
            .write(move |sql| -> Result<Catalogue, BaseError> {
                let changed = sql.value(
                    "UPDATE catalogue SET version = version + 1, products = ?1 RETURNING version",
                    &params![text],
                )?;
                let version: u64 = changed.ok_or_else(none)?;
                let why = format!("{} products", products.len());
                let what = NewAudit::new(who, AuditKind::CatalogueChanged, format!("version {version}"), why);
                audit::append(sql, &what, now)?;
                Ok(Catalogue { version, products: None })
            })
            .await
    }
}
