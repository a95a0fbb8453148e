//! How the catalogue is stored: everything as it was at one version (the base), and after that, step by step, what each
//! version changed; both in parts that are small enough for one write and one answer.

use super::super::{BaseError, BaseStore};
use crate::database::{DbError, Sql};
use crate::params;
use evertill_shared::order::line::ProductId;
use evertill_shared::protocol::catalogue::{Catalogue, Product};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// What a part brings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Goods {
    pub products: Vec<Product>,
    pub gone: Vec<ProductId>,
}

/// Parts that were written together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    /// Its own name.
    pub name: String,
    /// How many parts it has.
    pub parts: u32,
}

/// What one version changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub version: u64,
    pub upload: Upload,
    /// How many products it names.
    pub items: u64,
}

/// What there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    pub version: u64,
    pub base_version: u64,
    pub base: Upload,
    /// In order, without a gap, up to the version; they may reach back before the base.
    pub steps: Vec<Step>,
    /// `None`: as the products come.
    pub favourites: Option<Vec<ProductId>>,
}

impl Contents {
    /// The step of a version.
    pub fn step(&self, version: u64) -> Option<&Step> {
        self.steps.iter().find(|step| step.version == version)
    }

    /// The name of a version, as far as it is kept: that of what it changed. What stood there before there were steps has its
    /// own.
    pub fn name_of(&self, version: u64) -> Option<&str> {
        let before = || (version == self.base_version).then_some(&self.base);
        self.step(version).map(|step| &step.upload).or_else(before).map(|upload| upload.name.as_str())
    }

    /// Whether that name is one of a version from this one on: then everything before it is what it was when it was given.
    pub fn names(&self, name: &str, from: u64) -> bool {
        (from..=self.version).any(|version| self.name_of(version) == Some(name))
    }

    /// The steps after the base.
    pub fn since_base(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.version > self.base_version)
    }
}

pub(super) fn nothing_there() -> DbError {
    DbError::nonsense("there is no catalogue, not even an empty one")
}

pub(super) fn contents(sql: &dyn Sql) -> Result<Contents, DbError> {
    let row =
        sql.row("SELECT version, base_version, base_upload, base_parts, favourites FROM catalogue", &[])?;
    let row = row.ok_or_else(nothing_there)?;
    let favourites: Option<String> = row.at(4)?;
    let steps = sql.rows("SELECT version, upload, parts, items FROM catalogue_step ORDER BY version", &[])?;
    let step = |row: &crate::database::Row| -> Result<Step, DbError> {
        let upload = Upload { name: row.at(1)?, parts: row.at(2)? };
        Ok(Step { version: row.at(0)?, upload, items: row.at(3)? })
    };
    Ok(Contents {
        version: row.at(0)?,
        base_version: row.at(1)?,
        base: Upload { name: row.at(2)?, parts: row.at(3)? },
        steps: steps.iter().map(step).collect::<Result<_, _>>()?,
        favourites: favourites
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(DbError::nonsense)?,
    })
}

/// Goods by id, in an order that stays: that of their first coming.
#[derive(Debug, Default)]
pub(super) struct Sum {
    products: Vec<Option<Product>>,
    at: HashMap<ProductId, usize>,
}

impl Sum {
    pub fn add(&mut self, goods: Goods) {
        for id in goods.gone {
            if let Some(at) = self.at.remove(&id) {
                self.products[at] = None;
            }
        }
        for product in goods.products {
            match self.at.get(&product.id) {
                Some(at) => self.products[*at] = Some(product),
                None => {
                    self.at.insert(product.id.clone(), self.products.len());
                    self.products.push(Some(product));
                }
            }
        }
    }

    pub fn into_products(self) -> Vec<Product> {
        self.products.into_iter().flatten().collect()
    }
}

/// What leads from some goods to others.
pub(super) fn difference(old: &[Product], new: &[Product]) -> Goods {
    let before: HashMap<&str, &Product> = old.iter().map(|product| (product.id.as_str(), product)).collect();
    let stays: HashSet<&str> = new.iter().map(|product| product.id.as_str()).collect();
    let changed = new.iter().filter(|product| before.get(product.id.as_str()) != Some(product));
    let gone = old.iter().filter(|product| !stays.contains(product.id.as_str()));
    Goods { products: changed.cloned().collect(), gone: gone.map(|product| product.id.clone()).collect() }
}

/// The same in parts that are small enough; at least one, so that every step can be asked for.
pub(super) fn in_parts(goods: &Goods) -> Vec<Goods> {
    let part =
        |products: &[Product], gone: &[ProductId]| Goods { products: products.to_vec(), gone: gone.to_vec() };
    let mut parts: Vec<Goods> = goods.gone.chunks(Catalogue::PART).map(|gone| part(&[], gone)).collect();
    parts.extend(goods.products.chunks(Catalogue::PART).map(|products| part(products, &[])));
    if parts.is_empty() {
        parts.push(Goods::default());
    }
    parts
}

impl BaseStore {
    pub(super) async fn catalogue_contents(&self) -> Result<Contents, BaseError> {
        self.database.read(|sql| contents(sql).map_err(BaseError::from)).await
    }

    /// A part; `None` if it is not there any more.
    pub(super) async fn catalogue_goods(
        &self,
        upload: &Upload,
        part: u32,
    ) -> Result<Option<Goods>, BaseError> {
        let name = upload.name.clone();
        self.database
            .read(move |sql| -> Result<Option<Goods>, BaseError> {
                let text: Option<String> = sql.value(
                    "SELECT goods FROM catalogue_part WHERE upload = ?1 AND part = ?2",
                    &params![&name, part],
                )?;
                Ok(text.map(|text| serde_json::from_str(&text)).transpose().map_err(DbError::nonsense)?)
            })
            .await
    }

    /// All goods, and what there is. Each part is a question of its own: no single one takes long.
    pub(super) async fn whole_catalogue(&self) -> Result<(Contents, Vec<Product>), BaseError> {
        // A base that is replaced meanwhile leaves a gap: then there is a newer one to be read.
        for _ in 0..5 {
            let contents = self.catalogue_contents().await?;
            if let Some(sum) = self.sum_of(&contents).await? {
                return Ok((contents, sum.into_products()));
            }
        }
        Err(DbError::nonsense("parts of the catalogue are missing").into())
    }

    async fn sum_of(&self, contents: &Contents) -> Result<Option<Sum>, BaseError> {
        let mut sum = Sum::default();
        let uploads = std::iter::once(&contents.base).chain(contents.since_base().map(|step| &step.upload));
        for upload in uploads {
            for part in 0..upload.parts {
                match self.catalogue_goods(upload, part).await? {
                    Some(goods) => sum.add(goods),
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(sum))
    }

    /// Writes parts that nothing names yet, each by itself.
    pub(super) async fn upload_catalogue(&self, parts: &[Goods]) -> Result<Upload, BaseError> {
        let name = hex::encode(super::super::random::<12>()?);
        let now = self.clock.now();
        for (number, goods) in parts.iter().enumerate() {
            let text = serde_json::to_string(goods).map_err(DbError::nonsense)?;
            let (name, number) = (name.clone(), u64::try_from(number).unwrap_or(u64::MAX));
            self.database
                .write(move |sql| -> Result<(), BaseError> {
                    sql.execute(
                        "INSERT INTO catalogue_part (upload, part, at_ms, goods) VALUES (?1, ?2, ?3, ?4)",
                        &params![name, number, now.0, text],
                    )?;
                    Ok(())
                })
                .await?;
        }
        Ok(Upload { name, parts: u32::try_from(parts.len()).unwrap_or(u32::MAX) })
    }
}
