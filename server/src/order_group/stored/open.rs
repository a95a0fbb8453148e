//! Opening a group's database, in a thread of its own, again and again if need be.

use super::{StoredGroup, identity};
use crate::database::postgres::PostgresSettings;
use crate::database::{Database, DbError, OpenError};
use crate::order_group::{Expected, Place};
use evertill_shared::order_number::GroupTag;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// How long to wait before a database that could not be opened is tried again.
const REOPEN: Duration = Duration::from_secs(1);
/// The same, if nothing but a person can mend it: put the right password, file or version in its place.
const REOPEN_MENDED: Duration = Duration::from_secs(5);
/// How long a broken database is waited for to let go of its files.
const LET_GO: Duration = Duration::from_secs(5);
/// How long the start waits for the first try. One that takes longer goes on by itself.
const FIRST_TRY: Duration = Duration::from_secs(5);

/// Why a group's database cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupOpenError {
    /// Any database's reasons.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// It was there before.
    #[error(
        "{place} is gone, with the orders in it: mount its disk or put the file back. It is looked for again \
         every second, and never made anew"
    )]
    Lost {
        /// Which database.
        place: String,
    },
    /// A database, but another.
    #[error(
        "the database of group {0} is not the one that this group was in before: mount the right disk, or name \
         the right database. If its orders are really lost, take this group out and add one with another tag"
    )]
    NotTheOne(GroupTag),
    /// The base store is another, or a new one.
    #[error(
        "the database of group {0} belongs to another base store: put back the base store that was in use with \
         it. With another one, names of terminals and sales would be used twice, and payments with them"
    )]
    OtherBase(GroupTag),
    /// It could not be looked at.
    #[error("the database of group {tag} cannot be read at the moment: {error}")]
    Unread {
        /// Which group.
        tag: GroupTag,
        /// What it says.
        error: String,
    },
}

impl GroupOpenError {
    pub(super) fn unread(tag: GroupTag, error: &DbError) -> Self {
        Self::Unread { tag, error: error.to_string() }
    }

    /// Whether it may pass by itself.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Database(error) => error.may_pass(),
            Self::Lost { .. } | Self::NotTheOne(_) | Self::Unread { .. } => true,
            Self::OtherBase(_) => false,
        }
    }
}

/// Where an open database is put, once there is one.
pub(super) struct Slot {
    open: Mutex<Option<(Database, String)>>,
    trouble: Mutex<String>,
}

impl Slot {
    /// Opens the database in a thread of its own.
    pub fn start(tag: GroupTag, place: Place, expected: Expected) -> std::io::Result<Arc<Self>> {
        let slot =
            Arc::new(Self { open: Mutex::default(), trouble: Mutex::new("it is being opened".into()) });
        let weak = Arc::downgrade(&slot);
        let (tried, first_try) = mpsc::sync_channel(1);
        let opener = Opener { tag, place, expected };
        std::thread::Builder::new()
            .name(format!("open group {tag}"))
            .spawn(move || opener.run(&weak, &tried))?;
        let _ = first_try.recv_timeout(FIRST_TRY);
        Ok(slot)
    }

    /// With a database that is open.
    pub fn filled(database: Database, identity: String) -> Arc<Self> {
        Arc::new(Self { open: Mutex::new(Some((database, identity))), trouble: Mutex::default() })
    }

    pub fn database(&self) -> Option<Database> {
        self.opened().as_ref().map(|(database, _)| database.clone())
    }

    pub fn identity(&self) -> Option<String> {
        self.opened().as_ref().map(|(_, identity)| identity.clone())
    }

    fn opened(&self) -> MutexGuard<'_, Option<(Database, String)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out a database that will never write again by itself.
    fn take_broken(&self) -> Option<Database> {
        let mut opened = self.opened();
        let (database, _) = opened.as_ref()?;
        let Err(DbError::Broken(reason)) = database.health() else { return None };
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = format!("its database failed ({reason}); it is being checked and opened anew");
        drop(trouble);
        opened.take().map(|(database, _)| database)
    }

    pub fn trouble(&self) -> String {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_in_trouble(&self, tag: GroupTag, error: &GroupOpenError) {
        let text = error.to_string();
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if *trouble != text {
            tracing::error!(%tag, %error, "an order group cannot be opened");
        }
        *trouble = text;
    }
}

struct Opener {
    tag: GroupTag,
    place: Place,
    expected: Expected,
}

impl Opener {
    /// Opens it, and opens it anew when its disk has failed, until nobody wants it any more. What only a person can mend
    /// is tried again too, so that no restart is needed. What is opened is checked as at the start; a damaged file is
    /// not served.
    fn run(&self, slot: &Weak<Slot>, tried: &SyncSender<()>) {
        loop {
            let is_open = slot.upgrade().is_some_and(|slot| slot.opened().is_some());
            let opened = if is_open { None } else { Some(self.open()) };
            let Some(slot) = slot.upgrade() else { return };
            let mut pause = REOPEN;
            match opened {
                None => {
                    if let Some(broken) = slot.take_broken() {
                        tracing::error!(tag = %self.tag, "an order group's database failed and is opened anew");
                        let_go(broken);
                    }
                }
                Some(Ok(open)) => *slot.opened() = Some(open),
                Some(Err(error)) => {
                    slot.is_in_trouble(self.tag, &error);
                    if !error.may_pass() {
                        pause = REOPEN_MENDED;
                    }
                }
            }
            drop(slot);
            let _ = tried.try_send(());
            std::thread::sleep(pause);
        }
    }

    fn open(&self) -> Result<(Database, String), GroupOpenError> {
        let database = match &self.place {
            Place::Sqlite(file) => {
                identity::file_is_there(file, self.tag, &self.expected)?;
                Database::sqlite(file, &StoredGroup::schema(self.tag))?
            }
            Place::Postgres(settings) => {
                let mut settings = PostgresSettings::clone(settings);
                settings.name = format!("{} group {}", settings.name, self.tag).trim_start().to_owned();
                identity::database_is_there(&settings, &self.expected)?;
                Database::postgres(settings, &StoredGroup::schema(self.tag))?
            }
        };
        let unread =
            |error: std::io::Error| GroupOpenError::Unread { tag: self.tag, error: error.to_string() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unread)?;
        let identity = runtime.block_on(identity::claim(&database, self.tag, &self.expected))?;
        Ok((database, identity))
    }
}

/// Closes a database that failed, if it lets itself be closed: two of our own writers must not hold one file.
fn let_go(database: Database) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let closed = runtime.block_on(async { tokio::time::timeout(LET_GO, database.close()).await });
    if closed.is_err() {
        tracing::warn!("a database that failed does not close; it is left to end by itself");
    }
}
