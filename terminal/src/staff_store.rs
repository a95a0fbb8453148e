//! Who may log in at this till, on its disk: so that they can without the server.
//!
//! The list is sealed with the till's own key. A PIN has so few digits that whoever has its verifier finds it by trying
//! them all; the seal keeps a copy of the till's file alone from giving verifiers away. Whoever has the till's key as
//! well has them, and the till's name too: that is why a PIN opens nothing at the server.

use evertill_provisioning::keystore::DeviceKey;
use evertill_shared::protocol::till_staff::{TillPerson, TillStaff};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What the seal is for.
const PURPOSE: &str = "evertill-till-staff-v1";
const LIST: &str = "till_staff";
const WRONG: &str = "wrong_pins";

/// The list could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StaffStoreError {
    /// SQLite's own words.
    #[error("the list of the staff cannot be read or written: {0}")]
    Database(#[from] rusqlite::Error),
    /// The seal does not open, or what was in it is no list.
    #[error("the stored list of the staff cannot be read: it is damaged, or another till's")]
    Unreadable,
    /// It could not be sealed.
    #[error("the list of the staff cannot be sealed: the system gives no random bytes")]
    NotSealed,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u64,
    people: Vec<TillPerson>,
    /// It was stored by a program that knows of cards.
    #[serde(default)]
    with_cards: bool,
}

/// The list in the till's file, which the journal has made.
pub struct StaffStore {
    connection: Connection,
    key: Arc<DeviceKey>,
}

impl StaffStore {
    /// Opens it.
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path, key: Arc<DeviceKey>) -> Result<Self, StaffStoreError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(2))?;
        // A count of wrong PINs that a power cut takes away gives new tries to whoever pulls the plug. The list could be
        // asked for again, but is written so rarely that its sync costs nothing either.
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(Self { connection, key })
    }

    /// The list as it was last stored; the first one, with nobody on it, if never.
    /// # Errors
    /// It cannot be read.
    pub fn load(&self) -> Result<TillStaff, StaffStoreError> {
        let Some(sealed) = self.fact(LIST)? else { return Ok(TillStaff { version: 0, people: None }) };
        let plain = self.key.unseal(PURPOSE, &sealed).ok_or(StaffStoreError::Unreadable)?;
        let stored: Stored = serde_json::from_slice(&plain).map_err(|_| StaffStoreError::Unreadable)?;
        // One from before counts, but the cards are missing: it is asked for anew, from the beginning.
        let version = if stored.with_cards { stored.version } else { 0 };
        Ok(TillStaff { version, people: Some(stored.people) })
    }

    /// Replaces the list.
    /// # Errors
    /// It cannot be written; then the old one stays.
    pub fn save(&self, staff: &TillStaff) -> Result<(), StaffStoreError> {
        let people = staff.people.clone().unwrap_or_default();
        let stored = Stored { version: staff.version, people, with_cards: true };
        let plain =
            zeroize::Zeroizing::new(serde_json::to_vec(&stored).map_err(|_| StaffStoreError::Unreadable)?);
        let sealed = self.key.seal(PURPOSE, &plain).map_err(|_| StaffStoreError::NotSealed)?;
        self.set_fact(LIST, &sealed)
    }

    /// How many wrong PINs were typed for whom, since the last right one.
    /// # Errors
    /// It cannot be read.
    pub fn wrong_pins(&self) -> Result<BTreeMap<String, u32>, StaffStoreError> {
        let text = self.fact(WRONG)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Keeps that. It is on the disk when this returns, whatever becomes of the power.
    /// # Errors
    /// It cannot be written.
    pub fn keep_wrong_pins(&self, counts: &BTreeMap<String, u32>) -> Result<(), StaffStoreError> {
        let text = serde_json::to_string(counts).map_err(|_| StaffStoreError::Unreadable)?;
        self.set_fact(WRONG, &text)
    }

    fn fact(&self, name: &str) -> Result<Option<String>, StaffStoreError> {
        let statement = "SELECT value FROM fact WHERE name = ?1";
        Ok(self.connection.query_row(statement, [name], |row| row.get(0)).optional()?)
    }

    fn set_fact(&self, name: &str, value: &str) -> Result<(), StaffStoreError> {
        let statement = "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)";
        self.connection.execute(statement, params![name, value])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::protocol::staff::Role;
    use evertill_shared::secret::SecretText;
    use evertill_shared::staff_card::CardCode;

    fn file(dir: &tempfile::TempDir) -> std::path::PathBuf {
        let path = dir.path().join("till.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);").unwrap();
        path
    }

    fn staff() -> TillStaff {
        let person = TillPerson {
            login: "mei".into(),
            name: "Mei".into(),
            role: Role::Cashier,
            verifier: Some(SecretText::new("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into())),
            card: Some(CardCode::of([5; 19]).mark()),
        };
        TillStaff { version: 7, people: Some(vec![person]) }
    }

    #[test]
    fn the_list_survives_a_restart_and_is_no_other_tills() {
        let dir = tempfile::tempdir().unwrap();
        let (path, key) = (file(&dir), Arc::new(DeviceKey::generate().unwrap()));
        let store = StaffStore::open(&path, Arc::clone(&key)).unwrap();
        assert_eq!(store.load().unwrap(), TillStaff { version: 0, people: None });
        store.save(&staff()).unwrap();
        let counts = BTreeMap::from([("mei".to_owned(), 6)]);
        store.keep_wrong_pins(&counts).unwrap();
        drop(store);
        let again = StaffStore::open(&path, key).unwrap();
        assert_eq!((again.load().unwrap(), again.wrong_pins().unwrap()), (staff(), counts));
        let other = StaffStore::open(&path, Arc::new(DeviceKey::generate().unwrap())).unwrap();
        assert!(matches!(other.load(), Err(StaffStoreError::Unreadable)));
    }

    #[test]
    fn the_count_of_wrong_pins_is_synced_when_it_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = StaffStore::open(&file(&dir), Arc::new(DeviceKey::generate().unwrap())).unwrap();
        store.keep_wrong_pins(&BTreeMap::from([("mei".to_owned(), 1)])).unwrap();
        let synchronous: i64 =
            store.connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        // 2 is FULL. What that does in a power cut is tried in `tests/it/faults/power_cut/pins.rs`.
        assert_eq!(synchronous, 2);
    }

    #[test]
    fn a_list_that_a_program_without_cards_stored_counts_and_is_asked_for_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, key) = (file(&dir), Arc::new(DeviceKey::generate().unwrap()));
        let store = StaffStore::open(&path, Arc::clone(&key)).unwrap();
        let old = r#"{"version":7,"people":[{"login":"mei","name":"Mei","role":"manager","verifier":"$argon2id$"}]}"#;
        store.set_fact(LIST, &key.seal(PURPOSE, old.as_bytes()).unwrap()).unwrap();
        let read = store.load().unwrap();
        let people = read.people.unwrap();
        assert_eq!((read.version, people.len(), people[0].role), (0, 1, Role::Manager));
        assert!(people[0].has_pin() && people[0].card.is_none());
    }

    #[test]
    fn the_tills_file_alone_gives_no_verifier_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir);
        let store = StaffStore::open(&path, Arc::new(DeviceKey::generate().unwrap())).unwrap();
        store.save(&staff()).unwrap();
        drop(store);
        let bytes = std::fs::read(&path).unwrap();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
        assert!(!holds(b"argon2id") && !holds(b"aGFzaA") && !holds(b"Mei"));
        assert!(!holds(CardCode::of([5; 19]).mark().as_str().as_bytes()));
    }
}
