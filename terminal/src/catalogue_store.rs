//! The goods: kept on the till's disk in a file of their own, found there by code, and by name through a small index in
//! memory. A hundred thousand of them cost a till some megabytes and no time.
//!
//! What the server sends is taken in part by part, each in one transaction with the place where it ended: whenever the till
//! stops, it has the goods that it had and the parts that came, and goes on where it was. Goods that are gone go at the
//! end of the parts that say so, never before.

mod search;
mod shelf;

pub use search::SearchText;

use evertill_hardware::label::Gtin;
use evertill_shared::protocol::catalogue::{Catalogue, Place, Product};
use rusqlite::Connection;
pub use shelf::Standing;
use shelf::{Row, Shelf};
use std::path::Path;

/// The most matches of a search that are worth showing.
pub const MOST_MATCHES: usize = 20;

/// The catalogue could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// SQLite's own words.
    #[error("the catalogue cannot be read or written: {0}")]
    Database(#[from] rusqlite::Error),
    /// What is stored is not a product.
    #[error("a stored product cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A later program has written the file.
    #[error("the goods were stored by a newer program (tables {0}); install that version again")]
    Newer(i64),
}

/// The index of names: on its way, with what has changed since it was begun, or there.
#[derive(Debug)]
enum Index {
    Coming { changed: Vec<i64> },
    Here(SearchText),
}

/// The goods of the store.
#[derive(Debug)]
pub struct Goods {
    shelf: Option<Shelf>,
    standing: Standing,
    favourites: Vec<Product>,
    index: Index,
    /// One more at each change.
    changes: u64,
}

impl Default for Goods {
    /// None yet.
    fn default() -> Self {
        let index = Index::Here(SearchText::default());
        Self { shelf: None, standing: Standing::default(), favourites: Vec::new(), index, changes: 0 }
    }
}

impl Goods {
    /// Opens the goods' own file, or makes it. The index of names is not there yet: whoever opens them has
    /// [`SearchText::read`] read it beside, and gives it to [`Goods::index_is_here`].
    /// # Errors
    /// The file cannot be used.
    pub fn open(path: &Path) -> Result<Self, CatalogueError> {
        let shelf = Shelf::open(Connection::open(path)?)?;
        Self::on(shelf, Index::Coming { changed: Vec::new() })
    }

    /// Opens the goods' own file to look them up, and never to write: whatever was sent would not be taken in.
    /// # Errors
    /// There is no such file, or it cannot be used.
    pub fn open_to_read(path: &Path) -> Result<Self, CatalogueError> {
        Self::on(Shelf::to_read(path)?, Index::Coming { changed: Vec::new() })
    }

    /// These goods in memory, under this version.
    /// # Errors
    /// SQLite's own.
    pub fn in_memory(version: u64, products: &[Product]) -> Result<Self, CatalogueError> {
        let shelf = Shelf::open(Connection::open_in_memory()?)?;
        let mut goods = Self::on(shelf, Index::Here(SearchText::default()))?;
        let products = Some(products.to_vec());
        goods.take_in(&Catalogue { version, products, gone: Vec::new(), part: None })?;
        Ok(goods)
    }

    /// A till that was brought up to date has its goods beside its journal, where they stood before they had a file of their
    /// own. It need not wait for the server to sell them.
    /// # Errors
    /// They cannot be read, or not be stored.
    pub fn take_over(&mut self, journal: &Path) -> Result<(), CatalogueError> {
        if self.standing.version.is_none()
            && self.standing.next.is_none()
            && let Some(old) = shelf::goods_beside(journal)?
        {
            self.take_in(&old)?;
        }
        Ok(())
    }

    fn on(shelf: Shelf, index: Index) -> Result<Self, CatalogueError> {
        let standing = shelf.standing()?;
        let favourites = shelf.favourites(Catalogue::FAVOURITES)?;
        Ok(Self { shelf: Some(shelf), standing, favourites, index, changes: 0 })
    }

    /// The version; `None` before the first load has ended.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.standing.version
    }

    /// Where the load that is under way goes on; the beginning if none is.
    #[must_use]
    pub fn next(&self) -> Place {
        self.standing.next.unwrap_or_default()
    }

    /// The version, and the load that is under way.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Tells whether something is different from before.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Takes in what the server sent.
    /// # Errors
    /// It cannot be written; then nothing of it is.
    pub fn take_in(&mut self, news: &Catalogue) -> Result<(), CatalogueError> {
        let Some(shelf) = &mut self.shelf else { return Ok(()) };
        let rows = shelf.take_in(news)?;
        self.standing = shelf.standing()?;
        if self.standing.next.is_none() || self.favourites.is_empty() {
            self.favourites = shelf.favourites(Catalogue::FAVOURITES)?;
        }
        match &mut self.index {
            Index::Here(text) => rows.into_iter().for_each(|row| text.set(row)),
            Index::Coming { changed } => changed.extend(rows.iter().map(|row| row.place)),
        }
        self.changes += 1;
        Ok(())
    }

    /// The index of names has been read. What changed meanwhile is put right.
    /// # Errors
    /// What changed cannot be read.
    pub fn index_is_here(&mut self, mut text: SearchText) -> Result<(), CatalogueError> {
        let Some(shelf) = &self.shelf else { return Ok(()) };
        if let Index::Coming { changed } = &self.index {
            for place in changed {
                text.set(Row { place: *place, words: shelf.words_at(*place)? });
            }
            self.index = Index::Here(text);
            self.changes += 1;
        }
        Ok(())
    }

    /// The goods with exactly this barcode; or, as numbers of 14 digits with zeros in front, the same one.
    #[must_use]
    pub fn by_barcode(&self, code: &str) -> Option<Product> {
        self.look(|shelf| {
            let padded = || code.parse::<Gtin>().ok().map(|gtin| shelf.by_gtin(gtin.as_u64()));
            Ok(match shelf.by_code(code)? {
                Some(product) => Some(product),
                None => padded().transpose()?.flatten(),
            })
        })
    }

    /// The goods with this id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<Product> {
        self.look(|shelf| shelf.by_id(id))
    }

    /// Goods to tap: [`Catalogue::FAVOURITES`] at most.
    pub fn favourites(&self) -> impl Iterator<Item = &Product> {
        self.favourites.iter()
    }

    /// What matches the text, best first: the goods with this code alone, or else names that are or begin with the text,
    /// codes that begin with it, words of names that begin so in any order, the middles of names, and the letters that the
    /// characters of Chinese names begin with. [`MOST_MATCHES`] at most.
    #[must_use]
    pub fn search(&self, text: &str) -> Vec<Product> {
        let wanted = text.trim();
        if wanted.is_empty() {
            return Vec::new();
        }
        if let Some(exact) = self.by_barcode(wanted) {
            return vec![exact];
        }
        let found = self.look(|shelf| {
            let mut places = match &self.index {
                Index::Here(text) => text.search(wanted, MOST_MATCHES),
                Index::Coming { .. } => Vec::new(),
            };
            // Behind what is called so, before what only contains it.
            let begins = places.iter().take_while(|found| found.is_beginning()).count();
            let coded = shelf.code_begins(wanted, MOST_MATCHES)?;
            let mut all: Vec<i64> = places.drain(..begins).map(|found| found.place).collect();
            all.extend(coded.into_iter().chain(places.into_iter().map(|found| found.place)));
            let mut seen = std::collections::HashSet::new();
            all.retain(|place| seen.insert(*place));
            all.truncate(MOST_MATCHES);
            let products: Result<Vec<_>, _> = all.into_iter().map(|place| shelf.at(place)).collect();
            Ok(Some(products?.into_iter().flatten().collect()))
        });
        found.unwrap_or_default()
    }

    /// Looks something up. A shelf that cannot be read has nothing on it: the journal, on the same disk, says so on the
    /// screen.
    fn look<T>(&self, look: impl FnOnce(&Shelf) -> Result<Option<T>, CatalogueError>) -> Option<T> {
        look(self.shelf.as_ref()?).unwrap_or_else(|error| {
            tracing::error!(%error, "the goods cannot be looked up");
            None
        })
    }
}

#[cfg(test)]
mod tests;
