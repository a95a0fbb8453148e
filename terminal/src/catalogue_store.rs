//! The goods: kept on the till's disk, so that it sells without the server, and searched in memory.

use evertill_hardware::label::Gtin;
use evertill_shared::protocol::catalogue::Product;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::HashMap;
use std::path::Path;

/// The catalogue could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// SQLite's own words.
    #[error("the catalogue cannot be read or written: {0}")]
    Database(#[from] rusqlite::Error),
    /// What is stored is not a product.
    #[error("a stored product cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// The catalogue's tables in the till's file.
pub struct CatalogueStore {
    connection: Connection,
}

impl CatalogueStore {
    /// Opens the catalogue in the till's file, which the journal has made.
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, CatalogueError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(2))?;
        // Losing the last download in a power cut costs nothing: it is asked for again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        Ok(Self { connection })
    }

    /// The goods as they were last stored, with their version; `None` if never.
    /// # Errors
    /// They cannot be read.
    pub fn load(&self) -> Result<Option<(u64, Vec<Product>)>, CatalogueError> {
        let version: Option<String> = self
            .connection
            .query_row("SELECT value FROM fact WHERE name = 'catalogue_version'", [], |row| row.get(0))
            .optional()?;
        let Some(version) = version.and_then(|text| text.parse().ok()) else { return Ok(None) };
        let mut statement = self.connection.prepare("SELECT record FROM product ORDER BY place")?;
        let records: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let products = records.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?;
        Ok(Some((version, products)))
    }

    /// Replaces all goods.
    /// # Errors
    /// They cannot be written; then the old ones stay.
    pub fn save(&mut self, version: u64, products: &[Product]) -> Result<(), CatalogueError> {
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM product", [])?;
        for (place, product) in products.iter().enumerate() {
            transaction.prepare_cached("INSERT INTO product (place, record) VALUES (?1, ?2)")?.execute(
                params![i64::try_from(place).unwrap_or(i64::MAX), serde_json::to_string(product)?],
            )?;
        }
        transaction.execute(
            "INSERT OR REPLACE INTO fact (name, value) VALUES ('catalogue_version', ?1)",
            [version.to_string()],
        )?;
        transaction.commit()?;
        Ok(())
    }
}

/// The goods in memory.
#[derive(Debug, Default)]
pub struct Goods {
    version: Option<u64>,
    products: Vec<Product>,
    by_code: HashMap<String, usize>,
    by_gtin: HashMap<u64, usize>,
    by_id: HashMap<String, usize>,
    /// The names in small letters, so that a search need not make them anew at each letter that is typed.
    small_names: Vec<String>,
    favourites: Vec<usize>,
}

/// The most matches of a search that are worth showing.
pub const MOST_MATCHES: usize = 20;
/// The most goods to tap: more than anyone looks through.
pub const MOST_FAVOURITES: usize = 120;

impl Goods {
    /// These goods, indexed. Of two with one barcode the first counts.
    #[must_use]
    pub fn new(version: u64, products: Vec<Product>) -> Self {
        let mut goods = Self { version: Some(version), ..Self::default() };
        for (index, product) in products.iter().enumerate() {
            goods.by_id.entry(product.id.clone()).or_insert(index);
            goods.small_names.push(product.name.to_lowercase());
            if product.favourite && goods.favourites.len() < MOST_FAVOURITES {
                goods.favourites.push(index);
            }
            for code in &product.barcodes {
                goods.by_code.entry(code.clone()).or_insert(index);
                if let Ok(gtin) = code.parse::<Gtin>() {
                    goods.by_gtin.entry(gtin.as_u64()).or_insert(index);
                }
            }
        }
        goods.products = products;
        goods
    }

    /// The version; `None` before the first download.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    /// The goods with exactly this barcode; or, as numbers of 14 digits with zeros in front, the same one.
    #[must_use]
    pub fn by_barcode(&self, code: &str) -> Option<&Product> {
        let exact = self.by_code.get(code);
        let padded = || code.parse::<Gtin>().ok().and_then(|gtin| self.by_gtin.get(&gtin.as_u64()));
        exact.or_else(padded).and_then(|index| self.products.get(*index))
    }

    /// The goods with this id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&Product> {
        self.by_id.get(id).and_then(|index| self.products.get(*index))
    }

    /// Goods to tap: [`MOST_FAVOURITES`] at most.
    pub fn favourites(&self) -> impl Iterator<Item = &Product> {
        self.favourites.iter().filter_map(|index| self.products.get(*index))
    }

    /// What matches the text, best first: the code, the beginning of a name or code, the middle of a name.
    #[must_use]
    pub fn search(&self, text: &str) -> Vec<&Product> {
        let wanted = text.trim().to_lowercase();
        if wanted.is_empty() {
            return Vec::new();
        }
        if let Some(exact) = self.by_barcode(&wanted) {
            return vec![exact];
        }
        let rank = |product: &Product, name: &str| {
            if product.id.to_lowercase() == wanted || name == wanted {
                Some(0)
            } else if name.starts_with(&wanted) || product.barcodes.iter().any(|c| c.starts_with(&wanted)) {
                Some(1)
            } else {
                name.contains(&wanted).then_some(2)
            }
        };
        let named = self.products.iter().zip(&self.small_names);
        let mut found: Vec<(u8, &Product)> =
            named.filter_map(|(product, name)| Some((rank(product, name)?, product))).collect();
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().take(MOST_MATCHES).map(|(_, product)| product).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::money::{Amount, Currency};
    use evertill_shared::order::line::TaxRate;

    fn product(id: &str, name: &str, codes: &[&str]) -> Product {
        Product {
            id: id.into(),
            name: name.into(),
            barcodes: codes.iter().map(|c| (*c).to_owned()).collect(),
            price: Amount::new(100, Currency::CNY),
            tax_rate: TaxRate(1300),
            favourite: false,
        }
    }

    fn goods() -> Goods {
        let products = vec![
            product("a", "Green tea", &["0036000291452"]),
            product("b", "Tea bag", &["6901234567892"]),
            product("c", "乌龙茶", &["2112345015002"]),
        ];
        Goods::new(3, products)
    }

    #[test]
    fn a_barcode_is_found_exactly_and_with_zeros_in_front() {
        let goods = goods();
        let id = |code: &str| goods.by_barcode(code).map(|p| p.id.as_str());
        assert_eq!(id("6901234567892"), Some("b"));
        assert_eq!(id("036000291452"), Some("a"), "UPC-A of what is stored as EAN-13");
        assert_eq!(id("00036000291452"), Some("a"), "GTIN-14");
        assert_eq!(
            id("2112345015002"),
            Some("c"),
            "a private label is found before its pattern is looked at"
        );
        assert_eq!(id("6901234567893"), None, "a wrong check digit is no match");
    }

    #[test]
    fn the_search_puts_the_beginning_of_a_name_before_its_middle() {
        let goods = goods();
        let ids = |text: &str| goods.search(text).iter().map(|p| p.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids("tea"), ["b", "a"]);
        assert_eq!(ids("乌龙"), ["c"]);
        assert_eq!(ids(" 690123 "), ["b"]);
        assert!(ids("").is_empty());
    }

    #[test]
    fn goods_survive_a_restart_of_the_till() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("till.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch(
                "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
                 CREATE TABLE product (place INTEGER PRIMARY KEY, record TEXT NOT NULL);",
            )
            .unwrap();
        let mut store = CatalogueStore::open(&path).unwrap();
        assert_eq!(store.load().unwrap(), None);
        let products = vec![product("z", "Last", &[]), product("a", "First", &["1"])];
        store.save(7, &products).unwrap();
        store.save(8, &products).unwrap();
        assert_eq!(CatalogueStore::open(&path).unwrap().load().unwrap(), Some((8, products)));
    }
}
