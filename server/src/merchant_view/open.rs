//! Opening the view's database, in a thread of its own: a shop sells without it.

use crate::database::postgres::PostgresSettings;
use crate::database::{Database, Migration, OpenError, Schema};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

/// `EV` and `V1`: a database of the merchant view.
const APPLICATION: i32 = 0x4556_5631;

/// What the view's database is made of.
pub const VIEW: Schema = Schema {
    application: APPLICATION,
    migrations: &[
        Migration {
            number: 1,
            name: "sales",
            sqlite: include_str!("../../migrations/sqlite/view_0001_sales.sql"),
            postgres: include_str!("../../migrations/postgres/view_0001_sales.sql"),
        },
        Migration {
            number: 2,
            name: "cashiers",
            sqlite: include_str!("../../migrations/sqlite/view_0002_cashiers.sql"),
            postgres: include_str!("../../migrations/postgres/view_0002_cashiers.sql"),
        },
        Migration {
            number: 3,
            name: "cash_refunds",
            sqlite: include_str!("../../migrations/sqlite/view_0003_cash_refunds.sql"),
            postgres: include_str!("../../migrations/postgres/view_0003_cash_refunds.sql"),
        },
    ],
    opening: None,
};

/// How long to wait before a database that could not be opened is tried again.
const REOPEN: Duration = Duration::from_secs(2);

/// Where the view is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewPlace {
    /// In a SQLite file; made if it is not there, since it can be filled again.
    Sqlite(PathBuf),
    /// In PostgreSQL, for servers on several machines.
    Postgres(Box<PostgresSettings>),
}

impl ViewPlace {
    /// Opens it. Waits for it: not for a thread that serves others.
    /// # Errors
    /// [`OpenError`] says what is wrong and what to do.
    pub fn open(&self) -> Result<Database, OpenError> {
        match self {
            Self::Sqlite(file) => Database::sqlite(file, &VIEW),
            Self::Postgres(settings) => {
                // All that writes waits for one lock: more lanes would only wait there.
                let settings = PostgresSettings {
                    name: format!("{} view", settings.name).trim_start().to_owned(),
                    writers: 1,
                    ..PostgresSettings::clone(settings)
                };
                Database::postgres(settings, &VIEW)
            }
        }
    }
}

/// Where the open database is put, once there is one.
pub(super) struct Slot {
    open: OnceLock<Database>,
    trouble: Mutex<String>,
}

impl Slot {
    /// Opens the database in a thread of its own, again and again if need be.
    pub fn start(place: ViewPlace) -> std::io::Result<Arc<Self>> {
        let slot = Arc::new(Self { open: OnceLock::new(), trouble: Mutex::new("it is being opened".into()) });
        let weak = Arc::downgrade(&slot);
        std::thread::Builder::new().name("open view".into()).spawn(move || run(&place, &weak))?;
        Ok(slot)
    }

    /// With a database that is open.
    pub fn filled(database: Database) -> Arc<Self> {
        Arc::new(Self { open: OnceLock::from(database), trouble: Mutex::default() })
    }

    /// Without one, for good.
    pub fn missing(why: &str) -> Arc<Self> {
        Arc::new(Self { open: OnceLock::new(), trouble: Mutex::new(why.to_owned()) })
    }

    pub fn database(&self) -> Option<Database> {
        self.open.get().cloned()
    }

    pub fn trouble(&self) -> String {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_in_trouble(&self, error: &OpenError) {
        let mut text = error.to_string();
        if matches!(error, OpenError::Damaged { .. }) {
            text.push_str(". Or remove it: the view is filled again from the order groups by itself");
        }
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if *trouble != text {
            tracing::error!(error = text, "the merchant view cannot be opened: lists and totals are missing");
        }
        *trouble = text;
    }
}

fn run(place: &ViewPlace, slot: &Weak<Slot>) {
    loop {
        let opened = place.open();
        let Some(slot) = slot.upgrade() else { return };
        match opened {
            Ok(database) => {
                let _ = slot.open.set(database);
                return;
            }
            // Whatever it is: it can be mended from outside while sales go on.
            Err(error) => slot.is_in_trouble(&error),
        }
        drop(slot);
        std::thread::sleep(REOPEN);
    }
}
