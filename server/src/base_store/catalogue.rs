//! The catalogue: replaced as a whole, kept as what each version changed, given to tills in parts.

mod edit;
mod fault;
mod follow;
mod parts;
mod shelf;
mod stored;
mod words;

pub use edit::{EditRefused, ProductEdit, Where};
pub use fault::ProductFault;
pub use shelf::{GoodsList, GoodsSearch, KeptProduct};

use super::audit::{self, AuditKind, NewAudit};
use super::{BaseError, BaseStore};
use crate::database::{DbError, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::money::Currency;
use evertill_shared::order::line::ProductId;
use evertill_shared::protocol::catalogue::{Catalogue, Part, Place, Product};
use parts::{Given, given};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use stored::{Contents, Goods, Step, Upload, difference, in_parts};

/// The most products that a catalogue may have.
const MAX_PRODUCTS: usize = 200_000;
/// So many steps are kept for tills that were switched off, if they name no more products than there are.
const KEPT_STEPS: usize = 200;
/// So many steps may follow a base, and one product in so many be named by them, before a new base is written.
const STEPS_AFTER_BASE: usize = 50;
const SHARE_AFTER_BASE: u64 = 4;
/// Parts that nothing names are kept so long: somebody may be writing them.
const UNNAMED: Duration = Duration::from_secs(3600);
/// How often an import is tried that another one overtakes.
const TRIES: usize = 5;

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
        if let Some(fault) = ProductFault::of(product, currency) {
            return wrong(format!("{at}: {fault}"));
        }
        if !ids.insert(id.as_str()) {
            return wrong(format!("{at}: the id stands twice; give each product its own"));
        }
        for code in &product.barcodes {
            if !codes.insert(code.as_str()) {
                return wrong(format!("{at}: the barcode {code} is another product's too"));
            }
        }
    }
    Ok(())
}

/// The goods to tap, in the order in which they were given: the first [`Catalogue::FAVOURITES`] of them.
fn favourites(products: &[Product]) -> Vec<ProductId> {
    let all = products.iter().filter(|product| product.favourite);
    all.take(Catalogue::FAVOURITES).map(|product| product.id.clone()).collect()
}

/// The goods to tap first and in their order, then the others as they come.
fn favourites_first(products: &mut [Product], order: &[ProductId]) {
    let places: HashMap<&str, usize> = order.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
    let place = |product: &Product| places.get(product.id.as_str()).copied().filter(|_| product.favourite);
    products.sort_by_cached_key(|product| place(product).unwrap_or(usize::MAX));
}

/// Whether everything is to be written anew with this step.
fn wants_base(contents: &Contents, step: &Step, products: usize) -> bool {
    let items: u64 = contents.since_base().map(|step| step.items).sum::<u64>() + step.items;
    let enough = (products as u64 / SHARE_AFTER_BASE).max(2 * Catalogue::PART as u64);
    // A base from before there were parts is one large part.
    let is_one_lump = contents.base.parts == 1 && products > Catalogue::PART;
    items > enough || contents.since_base().count() >= STEPS_AFTER_BASE || is_one_lump
}

/// The first step that is kept once this one is there.
fn kept_from(contents: &Contents, step: &Step, base_version: u64, products: usize) -> u64 {
    let mut items = step.items;
    let mut from = step.version;
    for (count, older) in contents.steps.iter().rev().enumerate() {
        items += older.items;
        let is_needed = older.version > base_version;
        if !is_needed && (count + 2 > KEPT_STEPS || items > products as u64) {
            break;
        }
        from = older.version;
    }
    from
}

/// A new version, ready to be published.
struct Publication {
    step: Step,
    base_version: u64,
    base: Upload,
    kept_from: u64,
    favourites: String,
    audit: NewAudit,
    now: Timestamp,
}

impl Publication {
    /// Publishes it if the version before it is still the present one; false if not.
    fn write(self, sql: &dyn Sql) -> Result<bool, BaseError> {
        let Step { version, upload, items } = &self.step;
        let changed = sql.execute(
            "UPDATE catalogue SET version = ?1, base_version = ?2, base_upload = ?3, base_parts = ?4, favourites = ?5
             WHERE version = ?6",
            &params![*version, self.base_version, &self.base.name, self.base.parts, &self.favourites, *version - 1],
        )?;
        if changed == 0 {
            return Ok(false);
        }
        sql.execute(
            "INSERT INTO catalogue_step (version, upload, parts, items) VALUES (?1, ?2, ?3, ?4)",
            &params![*version, &upload.name, upload.parts, *items],
        )?;
        // One more than is given on: its name is that of the version from which the first of them goes on.
        sql.execute("DELETE FROM catalogue_step WHERE version + 1 < ?1", &params![self.kept_from])?;
        sql.execute(
            "DELETE FROM catalogue_part WHERE at_ms < ?1
             AND upload NOT IN (SELECT upload FROM catalogue_step) AND upload NOT IN (SELECT base_upload FROM catalogue)",
            &params![self.now.minus(UNNAMED).0],
        )?;
        audit::append(sql, &self.audit, self.now)?;
        Ok(true)
    }
}

impl BaseStore {
    /// The whole catalogue, the goods to tap first and in their order; without products if `since` is its version.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn catalogue(&self, since: Option<u64>) -> Result<Catalogue, BaseError> {
        if let Some(since) = since
            && self.catalogue_contents().await?.version == since
        {
            return Ok(Catalogue::unchanged(since));
        }
        let (contents, mut products) = self.whole_catalogue().await?;
        if let Some(order) = &contents.favourites {
            favourites_first(&mut products, order);
        }
        let version = contents.version;
        Ok(Catalogue { version, products: Some(products), gone: Vec::new(), part: None })
    }

    /// A part of what has changed since a version, or of everything: see [`Place`], and [`Part::of`] for the name.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn catalogue_part(
        &self,
        since: u64,
        of: Option<&str>,
        at: Place,
    ) -> Result<Catalogue, BaseError> {
        for at in [at, Place::default()] {
            let contents = self.catalogue_contents().await?;
            let (upload, at, first, next) = match given(&contents, since, of, at) {
                Given::Unchanged => return Ok(Catalogue::unchanged(contents.version)),
                Given::Part { upload, at, first, next } => (upload, at, first, next),
            };
            let found = if upload.parts == 0 {
                Some(Goods::default())
            } else {
                self.catalogue_goods(&upload, at.part).await?
            };
            // What was replaced since a moment ago is looked for anew, from its beginning.
            let Some(Goods { products, gone }) = found else { continue };
            let name = contents.name_of(contents.version).map(str::to_owned);
            let favourites = match (next, contents.favourites) {
                (Some(_), _) => None,
                (None, Some(ids)) => Some(ids.into_iter().take(Catalogue::FAVOURITES).collect()),
                (None, None) => Some(favourites(&self.whole_catalogue().await?.1)),
            };
            let part = Part { whole: at.whole, first, next, favourites, of: name };
            return Ok(Catalogue {
                version: contents.version,
                products: Some(products),
                gone,
                part: Some(part),
            });
        }
        Err(DbError::nonsense("a part of the catalogue is missing").into())
    }

    /// Replaces the catalogue; answers the new version, without the products. Tills get what differs.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] names the first product that is wrong; the database's.
    pub async fn put_catalogue(&self, products: Vec<Product>, who: String) -> Result<Catalogue, BaseError> {
        check(&products, self.store.currency)?;
        let favourites = serde_json::to_string(&favourites(&products)).map_err(DbError::nonsense)?;
        for _ in 0..TRIES {
            let (contents, old) = self.whole_catalogue().await?;
            let publication = self.prepare(&contents, &old, &products, &who, favourites.clone()).await?;
            let version = publication.step.version;
            if self.database.write(move |sql| publication.write(sql)).await? {
                return Ok(Catalogue::unchanged(version));
            }
        }
        let busy = "others are changing the catalogue all the time: nothing was changed, try again";
        Err(DbError::NotWritten(busy.into()).into())
    }

    async fn prepare(
        &self,
        contents: &Contents,
        old: &[Product],
        new: &[Product],
        who: &str,
        favourites: String,
    ) -> Result<Publication, BaseError> {
        let goods = difference(old, new);
        let items = (goods.products.len() + goods.gone.len()) as u64;
        let why = format!(
            "{} products: {} new or changed, {} gone",
            new.len(),
            goods.products.len(),
            goods.gone.len()
        );
        let version = contents.version + 1;
        let upload = self.upload_catalogue(&in_parts(&goods)).await?;
        let step = Step { version, upload, items };
        let (base_version, base) = if !wants_base(contents, &step, new.len()) {
            (contents.base_version, contents.base.clone())
        } else if old.is_empty() {
            // The step is everything.
            (version, step.upload.clone())
        } else {
            let everything = Goods { products: new.to_vec(), gone: Vec::new() };
            (version, self.upload_catalogue(&in_parts(&everything)).await?)
        };
        let kept_from = kept_from(contents, &step, base_version, new.len());
        let audit = NewAudit::new(who, AuditKind::CatalogueChanged, format!("version {version}"), why);
        Ok(Publication { step, base_version, base, kept_from, favourites, audit, now: self.clock.now() })
    }
}

#[cfg(test)]
mod tests;
