//! One product is changed: a version of the catalogue like any other, so that tills get it as what changed. Who read another
//! state of the product than the one that stands there changes nothing.

use super::super::audit::{AuditKind, NewAudit};
use super::super::{BaseError, BaseStore};
use super::follow::Followed;
use super::shelf::{KeptProduct, find, keep_withdrawn, put};
use super::stored::{Contents, Goods, Step, Upload, contents, in_parts};
use super::{MAX_PRODUCTS, ProductFault, Publication, STEPS_AFTER_BASE, favourites, kept_from};
use crate::database::{DbError, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::money::Currency;
use evertill_shared::order::line::ProductId;
use evertill_shared::protocol::catalogue::{Catalogue, Product};
use std::time::Duration;

/// How long an edit waits for the rows to be the catalogue's.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest part of a sentence in the trail, in characters.
const LONGEST_WORDS: usize = 300;

/// Where among the goods to tap a favourite stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// Where it was; a new one comes last.
    Stay,
    /// At this place, from 1, or last if there are not so many.
    At(usize),
}

/// What is to become of one product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductEdit {
    /// Which.
    pub id: ProductId,
    /// What it is from now on; nothing if it is no longer sold.
    pub becomes: Option<(Product, Where)>,
    /// The [`KeptProduct::mark`] of what whoever asks for this has seen; nothing for a new product.
    pub seen: Option<String>,
    /// Why, in the person's own words.
    pub why: String,
}

/// Why one product was not changed. Nothing was, then.
#[derive(Debug, thiserror::Error)]
pub enum EditRefused {
    /// It is not, or no longer, what the person has seen.
    #[error("it was changed by somebody else meanwhile: look at it again")]
    Moved,
    /// The rows are not yet the catalogue's.
    #[error("a new catalogue is being taken in: try again in a moment")]
    Behind,
    /// A new product with an id that is in use.
    #[error("there is a product {0} already")]
    Exists(ProductId),
    /// Another product has that barcode.
    #[error("the barcode {code} is that of {by}")]
    CodeTaken {
        /// The barcode.
        code: String,
        /// Whose it is.
        by: ProductId,
    },
    /// It cannot be so.
    #[error(transparent)]
    Fault(#[from] ProductFault),
    /// As many goods can be tapped as tills show.
    #[error("{} goods can be tapped already: take one away first", Catalogue::FAVOURITES)]
    FavouritesFull,
    /// Another price, and no word why.
    #[error("say why the price changes")]
    WhyNeeded,
    /// No more goods fit.
    #[error("the catalogue has {MAX_PRODUCTS} products, and no more may be")]
    TooMany,
    /// The base store.
    #[error(transparent)]
    Base(#[from] BaseError),
}

impl From<DbError> for EditRefused {
    fn from(error: DbError) -> Self {
        Self::Base(error.into())
    }
}

/// The goods to tap after a product became a favourite or none, or has another place.
fn favourites_after(
    mut order: Vec<ProductId>,
    id: &str,
    (was, is): (bool, bool),
    place: Where,
) -> Result<Vec<ProductId>, EditRefused> {
    let stood = order.iter().position(|one| one == id);
    let to = match (is, stood, place) {
        (false, _, _) => None,
        (true, Some(at), Where::Stay) => Some(at),
        // One behind all that tills show stays there until somebody gives it a place.
        (true, None, Where::Stay) if was => None,
        (true, None, Where::Stay) => Some(order.len()),
        (true, _, Where::At(place)) => Some(place.saturating_sub(1)),
    };
    order.retain(|one| one != id);
    if let Some(to) = to {
        if order.len() >= Catalogue::FAVOURITES {
            return Err(EditRefused::FavouritesFull);
        }
        order.insert(to.min(order.len()), id.to_owned());
    }
    Ok(order)
}

/// What changes, from what to what, for the trail.
fn changes(before: Option<&KeptProduct>, after: &Product, place: Option<usize>) -> String {
    let said = |product: &Product, place: Option<usize>| {
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        let place = place.map_or_else(|| yes(product.favourite), |place| place.to_string());
        [
            ("name", product.name.clone()),
            ("price", product.price.to_decimal()),
            ("tax", product.tax_rate.to_percent()),
            ("barcodes", product.barcodes.join(" ")),
            ("favourite", place),
            ("by weight", yes(product.sold_by_weight)),
            ("age", product.least_age.map_or_else(|| "no".into(), |years| years.to_string())),
            ("serial number", yes(product.needs_serial)),
        ]
    };
    let short = |text: &str| text.chars().take(LONGEST_WORDS).collect::<String>();
    let after = said(after, place);
    let parts: Vec<String> = match before {
        None => after.iter().map(|(name, is)| format!("{name}: {}", short(is))).collect(),
        Some(before) => said(&before.product, before.place)
            .iter()
            .zip(&after)
            .filter(|((_, was), (_, is))| was != is)
            .map(|((name, was), (_, is))| format!("{name}: {} → {}", short(was), short(is)))
            .collect(),
    };
    parts.join("; ")
}

/// One edit on its way into the transaction.
struct Writing {
    edit: ProductEdit,
    who: String,
    upload: String,
    currency: Currency,
    /// The goods to tap of a catalogue that says nothing of them.
    usual: Vec<ProductId>,
    now: Timestamp,
}

impl Writing {
    /// Whether anything changed.
    fn write(self, sql: &dyn Sql) -> Result<bool, EditRefused> {
        let contents = contents(sql)?;
        let followed = Followed::read(sql)?;
        if !followed.is_whole(&contents) {
            return Err(EditRefused::Behind);
        }
        let before = find(sql, &contents, &self.edit.id)?;
        if self.is_done(before.as_ref()) {
            return Ok(false);
        }
        match (&before, &self.edit.seen) {
            (Some(before), Some(seen)) if before.mark() == *seen => {}
            (None, None) => {}
            (Some(_), None) => return Err(EditRefused::Exists(self.edit.id)),
            _ => return Err(EditRefused::Moved),
        }
        let order = contents.favourites.clone().unwrap_or_else(|| self.usual.clone());
        let order = match &self.edit.becomes {
            Some((product, place)) => {
                self.check(sql, before.as_ref(), product)?;
                let was = before.as_ref().is_some_and(|kept| !kept.withdrawn && kept.product.favourite);
                favourites_after(order, &self.edit.id, (was, product.favourite), *place)?
            }
            None => favourites_after(order, &self.edit.id, (false, false), Where::Stay)?,
        };
        self.publish(sql, &contents, &followed, before.as_ref(), &order)?;
        Ok(true)
    }

    /// What is asked for is so already: the form was sent twice.
    fn is_done(&self, before: Option<&KeptProduct>) -> bool {
        match (before, &self.edit.becomes) {
            (Some(kept), Some((product, place))) => {
                let stands = *place == Where::Stay || *place == kept.place.map_or(Where::Stay, Where::At);
                !kept.withdrawn && kept.product == *product && (stands || !product.favourite)
            }
            (Some(kept), None) => kept.withdrawn,
            (None, _) => false,
        }
    }

    fn check(
        &self,
        sql: &dyn Sql,
        before: Option<&KeptProduct>,
        product: &Product,
    ) -> Result<(), EditRefused> {
        if let Some(fault) = ProductFault::of(product, self.currency) {
            return Err(fault.into());
        }
        if before.is_some_and(|kept| kept.product.price != product.price) && self.edit.why.trim().is_empty() {
            return Err(EditRefused::WhyNeeded);
        }
        for (at, code) in product.barcodes.iter().enumerate() {
            let twice = product.barcodes.iter().skip(at + 1).any(|other| other == code);
            let by: Option<String> =
                sql.value("SELECT id FROM goods_code WHERE code = ?1", &params![code])?;
            if let Some(by) = by.filter(|by| *by != self.edit.id).or(twice.then(|| self.edit.id.clone())) {
                return Err(EditRefused::CodeTaken { code: code.clone(), by });
            }
        }
        let is_more = before.is_none_or(|kept| kept.withdrawn);
        if is_more && count(sql)? >= MAX_PRODUCTS as u64 {
            return Err(EditRefused::TooMany);
        }
        Ok(())
    }

    fn publish(
        &self,
        sql: &dyn Sql,
        contents: &Contents,
        followed: &Followed,
        before: Option<&KeptProduct>,
        order: &[ProductId],
    ) -> Result<(), EditRefused> {
        let goods = match &self.edit.becomes {
            Some((product, _)) => Goods { products: vec![product.clone()], gone: Vec::new() },
            None => Goods { products: Vec::new(), gone: vec![self.edit.id.clone()] },
        };
        sql.execute(
            "INSERT INTO catalogue_part (upload, part, at_ms, goods) VALUES (?1, 0, ?2, ?3)",
            &params![&self.upload, self.now.0, serde_json::to_string(&goods).map_err(DbError::nonsense)?],
        )?;
        let upload = Upload { name: self.upload.clone(), parts: 1 };
        let step = Step { version: contents.version + 1, upload, items: 1 };
        let products = usize::try_from(count(sql)?).unwrap_or(usize::MAX);
        let version = step.version;
        let publication = Publication {
            base_version: contents.base_version,
            base: contents.base.clone(),
            kept_from: kept_from(contents, &step, contents.base_version, products),
            step,
            favourites: serde_json::to_string(order).map_err(DbError::nonsense)?,
            audit: self.audit(before, order),
            now: self.now,
        };
        let follows = Followed::at(version, &self.upload);
        if !publication.write(sql)? || !followed.go(sql, &follows)? {
            return Err(EditRefused::Behind);
        }
        put(sql, &goods)?;
        match (&self.edit.becomes, before) {
            (Some((product, _)), _) => keep_withdrawn(sql, product, false)?,
            (None, Some(kept)) => keep_withdrawn(sql, &kept.product, true)?,
            (None, None) => {}
        }
        Ok(())
    }

    fn audit(&self, before: Option<&KeptProduct>, order: &[ProductId]) -> NewAudit {
        let place = order.iter().position(|one| *one == self.edit.id).map(|at| at + 1);
        let (what, words) = match &self.edit.becomes {
            None => (AuditKind::ProductWithdrawn, String::new()),
            Some((product, _)) if before.is_none_or(|kept| kept.withdrawn) => {
                (AuditKind::ProductAdded, changes(None, product, place))
            }
            Some((product, _)) => (AuditKind::ProductChanged, changes(before, product, place)),
        };
        let why: String = self.edit.why.trim().chars().take(LONGEST_WORDS).collect();
        let said: Vec<String> = [words, why].into_iter().filter(|part| !part.is_empty()).collect();
        NewAudit::new(self.who.clone(), what, format!("goods {}", self.edit.id), said.join(" — "))
    }
}

/// How many goods are sold.
fn count(sql: &dyn Sql) -> Result<u64, DbError> {
    Ok(sql.value("SELECT count(*) FROM goods WHERE withdrawn = 0", &[])?.unwrap_or_default())
}

impl BaseStore {
    /// Adds, changes or withdraws one product; answers whether anything changed. Tills get it as what changed.
    ///
    /// # Errors
    /// [`EditRefused`]: nothing was changed, unless the base store says unknown.
    pub async fn edit_product(&self, edit: ProductEdit, who: String) -> Result<bool, EditRefused> {
        if !self.follow_catalogue(PATIENCE).await? {
            return Err(EditRefused::Behind);
        }
        let usual = match self.catalogue_contents().await?.favourites {
            Some(_) => Vec::new(),
            None => favourites(&self.whole_catalogue().await?.1),
        };
        let upload = hex::encode(super::super::random::<12>()?);
        let (currency, now) = (self.store.currency, self.clock.now());
        let writing = Writing { edit, who, upload, currency, usual, now };
        self.database.write(move |sql| writing.write(sql)).await
    }

    /// Writes everything anew once there are so many steps that a new till would have to go through them all. Changes
    /// nothing that anybody sees.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn settle_catalogue(&self) -> Result<(), BaseError> {
        let contents = self.catalogue_contents().await?;
        if contents.since_base().count() >= STEPS_AFTER_BASE {
            self.write_base(&contents).await?;
        }
        Ok(())
    }

    /// Writes everything anew, as it is at the present version. If another version comes meanwhile, it was for nothing.
    pub(super) async fn write_base(&self, seen: &Contents) -> Result<(), BaseError> {
        let (contents, products) = self.whole_catalogue().await?;
        if contents.version != seen.version {
            return Ok(());
        }
        let base = self.upload_catalogue(&in_parts(&Goods { products, gone: Vec::new() })).await?;
        self.database
            .write(move |sql| -> Result<(), BaseError> {
                let statement = "UPDATE catalogue SET base_version = ?1, base_upload = ?2, base_parts = ?3
                     WHERE version = ?1 AND base_upload = ?4";
                let row = params![contents.version, &base.name, base.parts, &contents.base.name];
                sql.execute(statement, &row)?;
                Ok(())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(order: &[&str], id: &str, was: bool, is: bool, place: Where) -> Vec<String> {
        let order = order.iter().map(|id| (*id).to_owned()).collect();
        favourites_after(order, id, (was, is), place).unwrap()
    }

    #[test]
    fn a_favourite_stands_where_it_is_put_and_others_keep_their_order() {
        let order = ["a", "b", "c"];
        assert_eq!(after(&order, "b", true, true, Where::Stay), order);
        assert_eq!(after(&order, "c", true, true, Where::At(1)), ["c", "a", "b"]);
        assert_eq!(after(&order, "a", true, true, Where::At(2)), ["b", "a", "c"]);
        assert_eq!(after(&order, "x", false, true, Where::Stay), ["a", "b", "c", "x"]);
        assert_eq!(after(&order, "x", false, true, Where::At(99)), ["a", "b", "c", "x"]);
        assert_eq!(after(&order, "x", false, true, Where::At(0)), ["x", "a", "b", "c"]);
        assert_eq!(after(&order, "b", true, false, Where::At(1)), ["a", "c"]);
        assert_eq!(after(&order, "y", true, true, Where::Stay), order, "one that tills do not show");
    }

    #[test]
    fn no_more_are_to_be_tapped_than_tills_show() {
        let full: Vec<String> = (0..Catalogue::FAVOURITES).map(|n| n.to_string()).collect();
        let one_more = favourites_after(full.clone(), "x", (false, true), Where::At(1));
        assert!(matches!(one_more, Err(EditRefused::FavouritesFull)));
        let moved = favourites_after(full.clone(), "7", (true, true), Where::At(1)).unwrap();
        assert_eq!((moved.len(), moved[0].as_str()), (full.len(), "7"));
    }
}
