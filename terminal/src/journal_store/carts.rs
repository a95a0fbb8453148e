//! The cart in hand and the sales that are held: kept beside the journal so that they outlive the program. They are no
//! facts about money and no entries; what is closed for payment is the journal's alone.

use super::JournalStore;
use super::error::JournalError;
use super::schema::{db, from_db};
use evertill_shared::clock::Timestamp;
use evertill_shared::journal::{Body, Settled};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

/// Tables that files from before there were held sales get when they are opened; programs of before do not mind them.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS cart (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    sale   INTEGER,
    record TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS held (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms  INTEGER NOT NULL,
    name   TEXT NOT NULL,
    record TEXT NOT NULL
) STRICT;
";

/// The cart as it was last kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCart {
    /// The goods, as whoever kept them wrote them.
    pub record: String,
    /// The entry of the sale that these goods were closed for payment as, if they were.
    pub sale: Option<u64>,
}

/// A sale that was parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSale {
    /// Its number, never used twice.
    pub id: u64,
    /// When it was parked, by the till's clock.
    pub at: Timestamp,
    /// Under which name; empty if nobody gave it one.
    pub name: String,
    /// The goods, as whoever parked them wrote them.
    pub record: String,
}

/// The cart and the held sales on the till's disk.
pub trait Carts {
    /// The cart as it was last kept.
    /// # Errors
    /// It cannot be read.
    fn kept_cart(&self) -> Result<Option<KeptCart>, JournalError>;
    /// Keeps the cart, or that there is none. It outlives the program at once; a power cut may cost the last touches, as
    /// long as nothing was closed, held or recalled since, but never brings back what was emptied.
    /// # Errors
    /// It cannot be written.
    fn keep_cart(&mut self, record: Option<&str>) -> Result<(), JournalError>;
    /// Parks a sale and empties the kept cart, both or neither. Gives its number.
    /// # Errors
    /// It cannot be written.
    fn hold(&mut self, name: &str, record: &str, at: Timestamp) -> Result<u64, JournalError>;
    /// Takes a held sale out, and keeps it as the cart: both or neither. False if it is not held any more.
    /// # Errors
    /// It cannot be written.
    fn recall(&mut self, id: u64) -> Result<bool, JournalError>;
    /// The sales that are held, oldest first.
    /// # Errors
    /// They cannot be read.
    fn held(&self) -> Result<Vec<HeldSale>, JournalError>;
}

pub fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)
}

/// What an entry means for the kept cart, in the entry's own transaction: closed for payment it is that sale's, and when
/// that is paid, or goods are given up, they are gone. So no crash brings those back.
pub fn follow(connection: &Connection, sequence: u64, body: &Body) -> rusqlite::Result<()> {
    match body {
        Body::Sale(_) => connection.execute("UPDATE cart SET sale = ?1", [db(sequence)])?,
        Body::CashTaken { sale, .. }
        | Body::CashRest { sale, .. }
        | Body::PaymentSettled { sale, outcome: Settled::Paid { .. }, .. }
        | Body::CashPartKept { sale, .. }
        | Body::SaleVoided { sale } => connection.execute("DELETE FROM cart WHERE sale = ?1", [db(*sale)])?,
        Body::CartVoided { .. } => connection.execute("DELETE FROM cart", [])?,
        _ => 0,
    };
    Ok(())
}

fn put_cart(connection: &Connection, record: Option<&str>) -> rusqlite::Result<()> {
    match record {
        Some(record) => connection
            .prepare_cached("INSERT OR REPLACE INTO cart (only, sale, record) VALUES (1, NULL, ?1)")?
            .execute([record])?,
        // With the condition an empty table is not written to: nothing waits for the disk then.
        None => connection.prepare_cached("DELETE FROM cart WHERE only = 1")?.execute([])?,
    };
    Ok(())
}

impl JournalStore {
    /// Writes what is no money: it never uses up the space that is reserved to finish payments.
    fn aside<T>(
        &mut self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        self.check_usable()?;
        let done = (|| {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = write(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })();
        self.watch(done)
    }
}

impl Carts for JournalStore {
    fn kept_cart(&self) -> Result<Option<KeptCart>, JournalError> {
        let row: Option<(Option<i64>, String)> = self
            .connection
            .prepare_cached("SELECT sale, record FROM cart")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(row.map(|(sale, record)| KeptCart { record, sale: sale.map(from_db) }))
    }

    fn keep_cart(&mut self, record: Option<&str>) -> Result<(), JournalError> {
        self.check_usable()?;
        if record.is_none() {
            // What was voided or sold does not come back after a power cut.
            return self.aside(|connection| put_cart(connection, None));
        }
        // Without waiting for the disk: a scan is on screen at once, and a program that is killed has written it all
        // the same. The next entry, which does wait, takes it along.
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        let done = self.aside(|connection| put_cart(connection, record));
        if let Err(error) = self.connection.pragma_update(None, "synchronous", "FULL") {
            // No entry may be written that does not wait for the disk.
            self.broken = Some(format!("its entries would not wait for the disk: {error}"));
            return self.check_usable();
        }
        done
    }

    fn hold(&mut self, name: &str, record: &str, at: Timestamp) -> Result<u64, JournalError> {
        self.aside(|connection| {
            connection
                .prepare_cached("INSERT INTO held (at_ms, name, record) VALUES (?1, ?2, ?3)")?
                .execute(params![at.0, name, record])?;
            let id = from_db(connection.last_insert_rowid());
            put_cart(connection, None)?;
            Ok(id)
        })
    }

    fn recall(&mut self, id: u64) -> Result<bool, JournalError> {
        self.aside(|connection| {
            let record: Option<String> = connection
                .prepare_cached("DELETE FROM held WHERE id = ?1 RETURNING record")?
                .query_row([db(id)], |row| row.get(0))
                .optional()?;
            if let Some(record) = &record {
                put_cart(connection, Some(record))?;
            }
            Ok(record.is_some())
        })
    }

    fn held(&self) -> Result<Vec<HeldSale>, JournalError> {
        Ok(self
            .connection
            .prepare_cached("SELECT id, at_ms, name, record FROM held ORDER BY id")?
            .query_map([], |row| {
                let (id, at) = (from_db(row.get(0)?), Timestamp(row.get(1)?));
                Ok(HeldSale { id, at, name: row.get(2)?, record: row.get(3)? })
            })?
            .collect::<Result<_, _>>()?)
    }
}
