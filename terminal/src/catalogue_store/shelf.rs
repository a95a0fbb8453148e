//! The goods' file: its tables, and what is read and written there.

use super::CatalogueError;
use super::search::words_of;
use evertill_hardware::label::Gtin;
use evertill_shared::protocol::catalogue::{Catalogue, Part, Place, Product};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Params, Transaction, params};
use std::path::Path;
use std::time::Duration;

/// The version of the tables below.
const VERSION: i64 = 3;
/// The ones before: their goods came without the ages and the serial numbers that they ask for.
const EARLIER: std::ops::Range<i64> = 1..VERSION;

/// How the words of goods are made; others than these are made anew when the file is opened. 2: each character in all its
/// readings.
const WORDS: u32 = 2;

/// `round` tells on which way through everything goods were last named: what the last way has not named is gone.
const TABLES: &str = "
CREATE TABLE good (
    place  INTEGER PRIMARY KEY,
    id     TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL,
    words  TEXT NOT NULL,
    round  INTEGER NOT NULL
) STRICT;
CREATE TABLE barcode (
    code TEXT PRIMARY KEY,
    gtin INTEGER,
    good INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX barcode_by_gtin ON barcode (gtin) WHERE gtin IS NOT NULL;
CREATE INDEX barcode_by_good ON barcode (good);
CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Something that changed: its place, and the words that it is found by; none if it is gone.
#[derive(Debug)]
pub(super) struct Row {
    pub place: i64,
    pub words: Option<String>,
}

/// The version that is whole, and the load that is under way. Names as in [`Part::of`]; empty from a server that names
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The version; `None` before the first load has ended.
    pub version: Option<u64>,
    /// Its name.
    pub name: String,
    /// Where the load that is under way goes on.
    pub next: Option<Place>,
    /// The name of the version that it leads to.
    pub next_name: String,
}

/// Words that an earlier program made in another way are made anew, once.
fn refresh_words(connection: &mut Connection) -> Result<(), CatalogueError> {
    if fact(connection, "words")?.as_deref() == Some(WORDS.to_string().as_str()) {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    {
        let mut records = transaction.prepare("SELECT place, record FROM good")?;
        let mut update = transaction.prepare("UPDATE good SET words = ?2 WHERE place = ?1")?;
        let mut rows = records.query([])?;
        while let Some(row) = rows.next()? {
            let (place, record): (i64, String) = (row.get(0)?, row.get(1)?);
            // What cannot be read is told of when it is sold; the search is no reason not to start.
            if let Ok(product) = serde_json::from_str::<Product>(&record) {
                update.execute(params![place, words_of(&product)])?;
            }
        }
    }
    set_fact(&transaction, "words", &WORDS.to_string())?;
    transaction.commit()?;
    Ok(())
}

#[derive(Debug)]
pub(super) struct Shelf {
    connection: Connection,
}

impl Shelf {
    /// Makes the tables if there are none yet.
    pub fn open(mut connection: Connection) -> Result<Self, CatalogueError> {
        connection.busy_timeout(Duration::from_secs(2))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A power cut may cost the last parts: they are asked for again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.set_prepared_statement_cache_capacity(32);
        match connection.pragma_query_value(None, "user_version", |row| row.get(0))? {
            0_i64 => {
                let transaction = connection.transaction()?;
                transaction.execute_batch(TABLES)?;
                transaction.pragma_update(None, "user_version", VERSION)?;
                set_fact(&transaction, "words", &WORDS.to_string())?;
                transaction.commit()?;
            }
            earlier if EARLIER.contains(&earlier) => {
                let transaction = connection.transaction()?;
                forget_its_name(&transaction)?;
                transaction.pragma_update(None, "user_version", VERSION)?;
                transaction.commit()?;
                refresh_words(&mut connection)?;
            }
            VERSION => refresh_words(&mut connection)?,
            newer => return Err(CatalogueError::Newer(newer)),
        }
        Ok(Self { connection })
    }

    /// As it stands in the file, which is not written to.
    pub fn to_read(path: &Path) -> Result<Self, CatalogueError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        match connection.pragma_query_value(None, "user_version", |row| row.get(0))? {
            VERSION => Ok(Self { connection }),
            other => Err(CatalogueError::Newer(other)),
        }
    }

    fn fact<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, CatalogueError> {
        Ok(fact(&self.connection, name)?.and_then(|text| text.parse().ok()))
    }

    /// The version that is whole, and where the load under way goes on.
    pub fn standing(&self) -> Result<Standing, CatalogueError> {
        Ok(Standing {
            version: self.fact("version")?,
            name: self.fact("name")?.unwrap_or_default(),
            next: self.fact("next")?,
            next_name: self.fact("next_name")?.unwrap_or_default(),
        })
    }

    /// Takes a part in, with where it ended, or nothing of it.
    pub fn take_in(&mut self, news: &Catalogue) -> Result<Vec<Row>, CatalogueError> {
        let everything = Part { whole: true, first: true, next: None, favourites: None, of: None };
        let nothing = Part { whole: false, ..everything.clone() };
        let part = match (&news.part, &news.products) {
            (Some(part), _) => part,
            (None, Some(_)) => &everything,
            (None, None) => &nothing,
        };
        let transaction = self.connection.transaction()?;
        let mut round = fact(&transaction, "round")?.and_then(|text| text.parse().ok()).unwrap_or(0_i64);
        if part.whole && part.first {
            round += 1;
            set_fact(&transaction, "round", &round.to_string())?;
        }
        let mut rows = Vec::new();
        for id in &news.gone {
            rows.extend(remove(&transaction, id)?);
        }
        for product in news.products.iter().flatten() {
            rows.push(put(&transaction, product, round)?);
        }
        let name = part.of.as_deref().unwrap_or_default();
        if let Some(next) = &part.next {
            set_fact(&transaction, "next", &next.to_string())?;
            set_fact(&transaction, "next_name", name)?;
        } else {
            if part.whole {
                rows.extend(sweep(&transaction, round)?);
            }
            set_fact(&transaction, "version", &news.version.to_string())?;
            // That nothing has changed is said of the version whose name the till sent: it stays.
            if news.part.is_some() || news.products.is_some() {
                set_fact(&transaction, "name", name)?;
            }
            let over = "DELETE FROM fact WHERE name IN ('next', 'next_name')";
            transaction.prepare_cached(over)?.execute([])?;
            let in_order = part.favourites.clone().or_else(|| {
                let all = news.products.iter().flatten().filter(|product| product.favourite);
                news.part.is_none().then(|| all.map(|product| product.id.clone()).collect())
            });
            if let (Some(ids), true) = (in_order, news.part.is_some() || news.products.is_some()) {
                set_fact(&transaction, "favourites", &serde_json::to_string(&ids)?)?;
            }
        }
        transaction.commit()?;
        Ok(rows)
    }

    /// The goods to tap, in their order, so far as they are here.
    pub fn favourites(&self, most: usize) -> Result<Vec<Product>, CatalogueError> {
        let ids: Vec<String> = match fact(&self.connection, "favourites")? {
            Some(text) => serde_json::from_str(&text)?,
            None => return Ok(Vec::new()),
        };
        let mut found = Vec::new();
        for id in ids {
            if found.len() == most {
                break;
            }
            found.extend(self.by_id(&id)?.filter(|product| product.favourite));
        }
        Ok(found)
    }

    pub fn by_id(&self, id: &str) -> Result<Option<Product>, CatalogueError> {
        self.one("SELECT record FROM good WHERE id = ?1", [id])
    }

    pub fn at(&self, place: i64) -> Result<Option<Product>, CatalogueError> {
        self.one("SELECT record FROM good WHERE place = ?1", [place])
    }

    pub fn by_code(&self, code: &str) -> Result<Option<Product>, CatalogueError> {
        self.one("SELECT g.record FROM barcode b JOIN good g ON g.place = b.good WHERE b.code = ?1", [code])
    }

    pub fn by_gtin(&self, gtin: u64) -> Result<Option<Product>, CatalogueError> {
        let Ok(gtin) = i64::try_from(gtin) else { return Ok(None) };
        self.one(
            "SELECT g.record FROM barcode b JOIN good g ON g.place = b.good WHERE b.gtin = ?1
             ORDER BY b.code LIMIT 1",
            [gtin],
        )
    }

    /// The places of goods whose code begins so.
    pub fn code_begins(&self, start: &str, most: usize) -> Result<Vec<i64>, CatalogueError> {
        // The first text behind all that begin so: no character comes after the last one that there is.
        let end = format!("{start}{}", char::MAX);
        let mut statement = self.connection.prepare_cached(
            "SELECT good FROM barcode WHERE code >= ?1 AND code < ?2 ORDER BY code LIMIT ?3",
        )?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![start, end, most], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The words of the goods at a place; none if they are gone.
    pub fn words_at(&self, place: i64) -> Result<Option<String>, CatalogueError> {
        let mut statement = self.connection.prepare_cached("SELECT words FROM good WHERE place = ?1")?;
        Ok(statement.query_row([place], |row| row.get(0)).optional()?)
    }

    fn one(&self, statement: &str, parameters: impl Params) -> Result<Option<Product>, CatalogueError> {
        let mut statement = self.connection.prepare_cached(statement)?;
        let record: Option<String> = statement.query_row(parameters, |row| row.get(0)).optional()?;
        Ok(record.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// Everything that is there, by id: for tests that compare.
    #[cfg(test)]
    pub fn everything(&self) -> Vec<Product> {
        let mut statement = self.connection.prepare("SELECT record FROM good ORDER BY id").unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|text| serde_json::from_str(&text.unwrap()).unwrap()).collect()
    }
}

/// The goods that an earlier program stored beside the journal.
pub(super) fn goods_beside(journal: &Path) -> Result<Option<Catalogue>, CatalogueError> {
    let connection = Connection::open_with_flags(journal, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let version = fact(&connection, "catalogue_version")?.and_then(|text| text.parse().ok());
    let Some(version) = version else { return Ok(None) };
    let mut statement = connection.prepare("SELECT record FROM product ORDER BY place")?;
    let records: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let products: Result<Vec<Product>, _> = records.iter().map(|text| serde_json::from_str(text)).collect();
    Ok(Some(Catalogue { version, products: Some(products?), gone: Vec::new(), part: None }))
}

fn fact(connection: &Connection, name: &str) -> Result<Option<String>, CatalogueError> {
    let mut statement = connection.prepare_cached("SELECT value FROM fact WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

/// The version that is here is no longer the server's, whatever its number: everything is asked for anew, and what is here is
/// sold until it has come.
fn forget_its_name(connection: &Connection) -> Result<(), CatalogueError> {
    let gone = "DELETE FROM fact WHERE name IN ('name', 'next', 'next_name')";
    connection.prepare_cached(gone)?.execute([])?;
    Ok(())
}

fn set_fact(connection: &Connection, name: &str, value: &str) -> Result<(), CatalogueError> {
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)")?;
    statement.execute([name, value])?;
    Ok(())
}

/// Puts a product in its place, or in a new one. A code is that of whoever came with it last.
fn put(transaction: &Transaction<'_>, product: &Product, round: i64) -> Result<Row, CatalogueError> {
    let words = words_of(product);
    let place: i64 = transaction
        .prepare_cached(
            "INSERT INTO good (id, record, words, round) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET record = excluded.record, words = excluded.words, round = excluded.round
             RETURNING place",
        )?
        .query_row(params![product.id, serde_json::to_string(product)?, words, round], |row| row.get(0))?;
    transaction.prepare_cached("DELETE FROM barcode WHERE good = ?1")?.execute([place])?;
    let mut insert = transaction
        .prepare_cached("INSERT OR REPLACE INTO barcode (code, gtin, good) VALUES (?1, ?2, ?3)")?;
    for code in &product.barcodes {
        let gtin = code.parse::<Gtin>().ok().and_then(|gtin| i64::try_from(gtin.as_u64()).ok());
        insert.execute(params![code, gtin, place])?;
    }
    Ok(Row { place, words: Some(words) })
}

fn remove(transaction: &Transaction<'_>, id: &str) -> Result<Option<Row>, CatalogueError> {
    let mut delete = transaction.prepare_cached("DELETE FROM good WHERE id = ?1 RETURNING place")?;
    let place: Option<i64> = delete.query_row([id], |row| row.get(0)).optional()?;
    let Some(place) = place else { return Ok(None) };
    transaction.prepare_cached("DELETE FROM barcode WHERE good = ?1")?.execute([place])?;
    Ok(Some(Row { place, words: None }))
}

/// Takes away what this way through everything has not named.
fn sweep(transaction: &Transaction<'_>, round: i64) -> Result<Vec<Row>, CatalogueError> {
    let mut statement = transaction.prepare_cached("DELETE FROM good WHERE round <> ?1 RETURNING place")?;
    let places: Vec<i64> = statement.query_map([round], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut codes = transaction.prepare_cached("DELETE FROM barcode WHERE good = ?1")?;
    for place in &places {
        codes.execute([place])?;
    }
    Ok(places.into_iter().map(|place| Row { place, words: None }).collect())
}
