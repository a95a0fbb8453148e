//! Goods.

use crate::money::Amount;
use crate::order::line::{ProductId, TaxRate};
use serde::{Deserialize, Serialize};

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The store's own name of it.
    pub id: ProductId,
    /// As shown on screen and receipt.
    pub name: String,
    /// What may be scanned for it: EAN, UPC, in-store codes.
    pub barcodes: Vec<String>,
    /// The price of one, tax included.
    pub price: Amount,
    /// The tax inside.
    pub tax_rate: TaxRate,
    /// Shown on the sale screen to be tapped.
    pub favourite: bool,
}

/// The answer to `GET /v1/catalogue?since=N`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// The version of what follows.
    pub version: u64,
    /// All products, or nothing where `since` is this version already.
    pub products: Option<Vec<Product>>,
}
