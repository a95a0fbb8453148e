//! The wallet's books on disk, so that a simulator that was stopped goes on with the same money.

use super::book::{Book, Code, Order};
use super::shown::ShownCode;
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// The file under the books.
pub(in crate::simulator) struct Store {
    connection: Connection,
}

/// The books cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database says no.
    #[error("the simulator's books: {0}")]
    Database(#[from] rusqlite::Error),
    /// An entry is not one of ours.
    #[error("the simulator's books hold something unreadable: {0}; delete the folder to start anew")]
    Entry(#[from] serde_json::Error),
}

impl Store {
    /// Opens or makes the file.
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000;",
        )?;
        Self::on(connection)
    }

    /// Books that end with this process.
    /// # Errors
    /// SQLite's own.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::on(Connection::open_in_memory()?)
    }

    fn on(connection: Connection) -> Result<Self, StoreError> {
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS code (name TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT;
             CREATE TABLE IF NOT EXISTS trade (name TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT;
             CREATE TABLE IF NOT EXISTS shown (name TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT;
             CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT;",
        )?;
        Ok(Self { connection })
    }

    /// Everything there is.
    /// # Errors
    /// The file cannot be read.
    pub fn load(&self) -> Result<Book, StoreError> {
        let mut book = Book::default();
        for code in self.all::<Code>("SELECT entry FROM code")? {
            book.codes.insert(code.digits.clone(), code);
        }
        for code in self.all::<ShownCode>("SELECT entry FROM shown ORDER BY rowid")? {
            book.show(code);
        }
        book.changed_shown.clear();
        for order in self.all::<Order>("SELECT entry FROM trade")? {
            book.insert(order);
        }
        Ok(book)
    }

    fn all<T: DeserializeOwned>(&self, query: &str) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare(query)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let mut entries = Vec::new();
        for row in rows {
            entries.push(serde_json::from_str(&row?)?);
        }
        Ok(entries)
    }

    /// Saves what has changed, in one commit.
    /// # Errors
    /// The file cannot be written.
    pub fn save(&mut self, book: &mut Book) -> Result<(), StoreError> {
        if book.changed_codes.is_empty() && book.changed_orders.is_empty() && book.changed_shown.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        {
            let put = |table: &str, name: &str, entry: String| -> Result<(), StoreError> {
                transaction.prepare_cached(&put_into(table))?.execute((name, entry))?;
                Ok(())
            };
            for code in book.changed_codes.iter().filter_map(|digits| book.codes.get(digits)) {
                put("code", &code.digits, serde_json::to_string(code)?)?;
            }
            for code in book.changed_shown.iter().filter_map(|content| book.shown.get(content)) {
                put("shown", &code.content, serde_json::to_string(code)?)?;
            }
            for order in book.changed_orders.iter().filter_map(|number| book.orders.get(number)) {
                put("trade", &order.number, serde_json::to_string(order)?)?;
            }
        }
        transaction.commit()?;
        book.changed_codes.clear();
        book.changed_orders.clear();
        book.changed_shown.clear();
        Ok(())
    }

    /// A setting that was saved, if any.
    /// # Errors
    /// The file cannot be read.
    pub fn setting<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        let mut statement = self.connection.prepare("SELECT entry FROM setting WHERE name = ?1")?;
        let mut rows = statement.query([name])?;
        match rows.next()? {
            Some(row) => Ok(Some(serde_json::from_str(&row.get::<_, String>(0)?)?)),
            None => Ok(None),
        }
    }

    /// Saves a setting.
    /// # Errors
    /// The file cannot be written.
    pub fn set<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StoreError> {
        let entry = serde_json::to_string(value)?;
        self.connection.execute(&put_into("setting"), (name, entry))?;
        Ok(())
    }
}

/// Puts an entry in, or another in its place: not a new row, since the order of rows is the order of their making.
fn put_into(table: &str) -> String {
    format!(
        "INSERT INTO {table} (name, entry) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET entry = excluded.entry"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::clock::Timestamp;

    fn code(content: &str) -> ShownCode {
        ShownCode {
            content: content.into(),
            number: "S0001T0001E01N0000001A1".into(),
            total_minor: 1250,
            description: "Corner Store".into(),
            device: "T0001".into(),
            until: Timestamp(1_000),
            closed: false,
            notify_url: None,
        }
    }

    #[test]
    fn the_last_code_of_a_number_stays_the_last_when_an_earlier_one_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("books.db");
        let mut store = Store::open(&path).unwrap();
        let mut book = Book::default();
        for content in ["https://first", "https://second"] {
            book.show(code(content));
            store.save(&mut book).unwrap();
        }
        book.shown.get_mut("https://first").unwrap().closed = true;
        book.changed_shown.insert("https://first".into());
        store.save(&mut book).unwrap();
        drop(store);
        let again = Store::open(&path).unwrap().load().unwrap();
        assert!(again.shown["https://first"].closed, "written");
        assert_eq!(again.shown_of("S0001T0001E01N0000001A1").unwrap().content, "https://second");
    }
}
