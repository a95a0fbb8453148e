//! A PostgreSQL primary, with standbys or without. A few *lanes* write: each is a thread with one connection that
//! takes what waits into one transaction, so that one durable commit serves many. Others read.
//!
//! All waiting has an end, and it is ours: the server's own time-outs do not reach a commit that waits for
//! standbys. A commit that does not answer is *unknown*; its connection is dropped as it is and never
//! cancelled, since a cancelled wait is answered as if all were well (rule *known-or-unknown*). While such a
//! commit hangs, and while no server can be reached, nothing is taken: who comes is told at once, and why; one lane
//! at a time tries whether the database is back.
//!
//! Statements are written as for SQLite. What PostgreSQL sees differs in this: `?1` is `$1`; parameters are
//! BIGINT, TEXT or BYTEA, by the value given, and a parameter that is nothing is the word NULL; a function that
//! wants another type (`substr(…, INTEGER)`) needs a CAST; `SUM` of BIGINT is a NUMERIC, which is no value of ours,
//! and needs one too.

mod batch;
mod connect;
mod dialect;
mod failure;
mod insert;
mod lane;
mod link;
mod migrate;
mod pool;
mod session;
mod settings;
mod tls;

pub use migrate::Found;
pub use settings::PostgresSettings;

use super::turn::Queued;
use super::{DbError, Engine, Job, OpenError, Query, Schema, Waiting, WaitingRow, WriteCounts};
use batch::{Question, Write};
use connect::Role;
use lane::{Lane, Work};
use pool::{Pool, Shared, Task};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tls::Tls;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, mpsc, watch};

/// The lanes of one kind, seen from outside: they end when `queue` is taken away and empty.
struct Lanes<T: Task> {
    queue: RwLock<Option<mpsc::Sender<Queued<T>>>>,
    pool: Arc<Pool<T>>,
    /// Ends when the last lane has.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl<T: Task> Lanes<T> {
    fn start(role: Role, number: usize, shared: &Arc<Shared>, work: Work<T>) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(shared.settings.queue);
        let pool = Arc::new(Pool::new(role, Arc::clone(shared), waiting));
        let (alive, ended) = mpsc::channel(1);
        for lane in 0..number {
            let (pool, alive, runtime) = (Arc::clone(&pool), alive.clone(), runtime()?);
            let name = format!("{role:?} {lane} {}", shared.settings.name);
            std::thread::Builder::new().name(name.to_lowercase()).spawn(move || {
                Lane::new(pool, runtime, work).live();
                drop(alive);
            })?;
        }
        Ok(Self { queue: RwLock::new(Some(queue)), pool, ended: Mutex::new(ended) })
    }

    fn submit(&self, task: T) -> Result<(), DbError> {
        let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_ref().ok_or(DbError::Closed)?;
        self.pool.check()?;
        queue.try_send(Queued::now(task)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => DbError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => DbError::Closed,
        })
    }

    /// How many wait for a lane.
    fn waiting(&self) -> usize {
        let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
        queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    async fn close(&self) {
        self.queue.write().unwrap_or_else(PoisonError::into_inner).take();
        self.pool.close();
        while self.ended.lock().await.recv().await.is_some() {}
    }
}

impl<T: Task> Drop for Lanes<T> {
    fn drop(&mut self) {
        self.pool.close();
    }
}

/// Connections to a PostgreSQL database. When it goes, they finish what waits and end.
pub struct PostgresEngine {
    writers: Lanes<Write>,
    readers: Lanes<Question>,
    shared: Arc<Shared>,
}

impl PostgresEngine {
    /// Brings the database up to the last step of its schema and starts the lanes. Waits for the database.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the database and what to do about it.
    pub fn open(settings: PostgresSettings, schema: &Schema) -> Result<Self, OpenError> {
        let tls = prepare(&settings, |runtime, tls| {
            migrate::migrate(&settings, tls, runtime, schema)?;
            Ok(tls.clone())
        })?;
        let place = settings.place();
        let (writers, readers) = (settings.writers, settings.readers);
        let shared = Arc::new(Shared {
            settings,
            tls,
            opening: schema.opening.map(|opening| opening.postgres),
            timeline: AtomicU32::new(0),
            jobs: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            down: [watch::Sender::new(None), watch::Sender::new(None)],
        });
        let no_thread = |error: std::io::Error| OpenError::Server {
            place: place.clone(),
            problem: format!("no thread can be started: {error}"),
            may_pass: true,
        };
        let writers = Lanes::start(Role::Writer, writers, &shared, batch::write).map_err(no_thread)?;
        let readers = Lanes::start(Role::Reader, readers, &shared, batch::ask).map_err(no_thread)?;
        Ok(Self { writers, readers, shared })
    }
}

/// Looks at a database without changing anything. Waits for it, as [`PostgresEngine::open`] does.
///
/// # Errors
/// [`OpenError::Server`]: it cannot be reached or used.
pub fn looks(settings: &PostgresSettings) -> Result<Found, OpenError> {
    prepare(settings, |runtime, tls| migrate::look(settings, tls, runtime))
}

/// Does what waits on a thread of its own: the caller's may belong to a runtime, which must not be entered twice.
fn prepare<T: Send>(
    settings: &PostgresSettings,
    work: impl FnOnce(&Runtime, &Tls) -> Result<T, OpenError> + Send,
) -> Result<T, OpenError> {
    let server = |problem: String, may_pass| OpenError::Server { place: settings.place(), problem, may_pass };
    settings
        .check()
        .map_err(|(field, what, write)| server(format!("`{field}` {what}. Write {write}"), false))?;
    let tls = Tls::load(settings.tls_root.as_deref()).map_err(|problem| server(problem, false))?;
    let runtime = runtime().map_err(|error| server(error.to_string(), true))?;
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || {
            let done = work(&runtime, &tls);
            runtime.shutdown_background();
            done
        });
        worker.join().unwrap_or_else(|_| Err(server("opening it failed in our own code".into(), false)))
    })
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

impl Engine for PostgresEngine {
    fn submit(&self, job: Box<dyn Job>) -> Result<(), DbError> {
        self.writers.submit(Write::Job(job))
    }

    fn insert(&self, row: WaitingRow) -> Result<(), DbError> {
        self.writers.submit(Write::Row(row))
    }

    fn ask(&self, query: Box<dyn Query>) -> Result<(), DbError> {
        self.readers.submit(Question(query))
    }

    fn health(&self) -> Result<(), DbError> {
        self.writers.pool.check()
    }

    fn counts(&self) -> WriteCounts {
        WriteCounts {
            jobs: self.shared.jobs.load(Ordering::Relaxed),
            commits: self.shared.commits.load(Ordering::Relaxed),
            waited: self.writers.pool.waits.sum(),
            waiting: self.writers.waiting(),
        }
    }

    fn close(&self) -> Waiting<'_> {
        Box::pin(async move {
            self.readers.close().await;
            self.writers.close().await;
        })
    }
}
