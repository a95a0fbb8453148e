//! What the lanes of one kind share: the queue, and whether the database can be reached.

use super::connect::Role;
use super::settings::PostgresSettings;
use super::tls::Tls;
use crate::database::DbError;
use crate::database::gather::Gather;
use crate::database::turn::{Queued, Waits};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use tokio::sync::{Mutex, Semaphore, mpsc, watch};

/// The most rows that one lane takes at once.
const MOST: usize = 256;
/// The most jobs in one transaction: PostgreSQL keeps 64 savepoints of a transaction at hand, and slows everybody
/// down beyond that.
const MOST_JOBS: usize = 60;

/// What all lanes of an engine share.
pub(super) struct Shared {
    pub(super) settings: PostgresSettings,
    pub(super) tls: Tls,
    pub(super) opening: Option<&'static str>,
    /// The highest timeline that was seen: a primary of a lower one is an old one.
    pub(super) timeline: AtomicU32,
    pub(super) jobs: AtomicU64,
    pub(super) commits: AtomicU64,
    /// Why nothing is taken, for writers and for readers.
    pub(super) down: [watch::Sender<Option<String>>; 2],
}

/// Something that waits for a lane.
pub(super) trait Task: Send + 'static {
    /// Whether somebody still waits for it.
    fn is_wanted(&self) -> bool;
    /// Whether it takes a savepoint and several statements.
    fn is_job(&self) -> bool;
    /// Answers that nothing came of it.
    fn fail(self, error: &DbError);
}

/// What waits, and how long to gather it. One lane at a time does.
struct Queue<T> {
    waiting: mpsc::Receiver<Queued<T>>,
    /// Taken out of the queue already: whoever gathers may be called away, and must not take it along.
    first: Option<Queued<T>>,
    gather: Gather,
}

/// The lanes of one kind.
pub(super) struct Pool<T> {
    pub(super) role: Role,
    pub(super) shared: Arc<Shared>,
    queue: Mutex<Queue<T>>,
    pub(super) waits: Waits,
    connected: AtomicUsize,
    closing: watch::Sender<bool>,
    /// Counts the times that the database fell silent: a connection from before is not trusted.
    pub(super) era: AtomicU64,
    /// One lane at a time tries whether a database is back.
    pub(super) probe: Semaphore,
}

impl<T: Task> Pool<T> {
    pub(super) fn new(role: Role, shared: Arc<Shared>, queue: mpsc::Receiver<Queued<T>>) -> Self {
        Self {
            role,
            shared,
            queue: Mutex::new(Queue { waiting: queue, first: None, gather: Gather::default() }),
            waits: Waits::default(),
            connected: AtomicUsize::new(0),
            closing: watch::Sender::new(false),
            era: AtomicU64::new(0),
            probe: Semaphore::new(1),
        }
    }

    /// Why nothing is taken.
    pub(super) fn check(&self) -> Result<(), DbError> {
        self.down().borrow().as_ref().map_or(Ok(()), |reason| Err(DbError::NotWritten(reason.clone())))
    }

    /// Ends when the database is reachable again.
    pub(super) async fn until_up(&self) {
        let mut down = self.down().subscribe();
        let _ = down.wait_for(Option::is_none).await;
    }

    pub(super) fn is_down(&self) -> bool {
        self.down().borrow().is_some()
    }

    /// No more will come.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    pub(super) fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Ends when no more will come.
    pub(super) async fn until_closing(&self) {
        let mut closing = self.closing.subscribe();
        let _ = closing.wait_for(|closing| *closing).await;
    }

    /// Tells all that wait that nothing came of it; ends when no more will come.
    pub(super) async fn refuse_all(&self) {
        while let Some(tasks) = self.take().await {
            let error = match self.check() {
                Err(error) => error,
                Ok(()) if self.is_closing() => DbError::Closed,
                Ok(()) => DbError::NotWritten("the database came back in this moment: try again".into()),
            };
            tasks.into_iter().for_each(|task| task.fail(&error));
        }
    }

    fn down(&self) -> &watch::Sender<Option<String>> {
        &self.shared.down[self.role as usize]
    }

    /// A lane has a connection. If the database was away, the lanes of the other kind look at once as well, and what comes
    /// for them waits for that: or what was just written through the one would be refused by the other.
    pub(super) fn connected(&self) {
        self.connected.fetch_add(1, Ordering::AcqRel);
        if self.down().send_replace(None).is_some() {
            self.shared.down.iter().for_each(|down| drop(down.send_replace(None)));
            tracing::info!(place = self.shared.settings.place(), role = ?self.role, "the database is back");
        }
    }

    /// The database fell silent: so that no other waits for it in vain, nothing is taken until one lane has found
    /// it well. Said before anybody is told of the failure, who may come again at once.
    pub(super) fn fell_silent(&self, reason: &str) {
        self.era.fetch_add(1, Ordering::AcqRel);
        self.down().send_replace(Some(reason.to_owned()));
    }

    /// A lane has lost its connection.
    pub(super) fn lost(&self, reason: &str) {
        self.connected.fetch_sub(1, Ordering::AcqRel);
        tracing::warn!(place = self.shared.settings.place(), role = ?self.role, reason, "a connection is lost");
    }

    /// A lane found no connection. If no other has one, nothing is taken until one has.
    pub(super) fn unreachable(&self, reason: &str) {
        if self.connected.load(Ordering::Acquire) == 0 || self.is_down() {
            let before = self.down().send_replace(Some(reason.to_owned()));
            if before.as_deref() != Some(reason) {
                tracing::warn!(place = self.shared.settings.place(), role = ?self.role, reason, "the database is away");
            }
        }
    }

    /// What waits; `None` when no more will come.
    pub(super) async fn take(&self) -> Option<Vec<T>> {
        let mut queue = self.queue.lock().await;
        match self.role {
            Role::Writer => queue.gathered(&self.waits).await,
            Role::Reader => queue.one(&self.waits).await.map(|question| vec![question]),
        }
    }
}

impl<T: Task> Queue<T> {
    /// All that shares a commit.
    async fn gathered(&mut self, waits: &Waits) -> Option<Vec<T>> {
        if self.first.is_none() {
            self.first = Some(self.waiting.recv().await?);
        }
        let pause = self.gather.pause();
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let first = self.first.take()?.begins(waits);
        let mut jobs = usize::from(first.is_job());
        let mut tasks = vec![first];
        while tasks.len() < MOST && jobs < MOST_JOBS {
            let Ok(next) = self.waiting.try_recv() else { break };
            let next = next.begins(waits);
            jobs += usize::from(next.is_job());
            tasks.push(next);
        }
        self.gather.committed(tasks.len());
        Some(tasks)
    }

    async fn one(&mut self, waits: &Waits) -> Option<T> {
        self.waiting.recv().await.map(|question| question.begins(waits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Debug, PartialEq, Eq)]
    struct Numbered(u32);

    impl Task for Numbered {
        fn is_wanted(&self) -> bool {
            true
        }

        fn is_job(&self) -> bool {
            false
        }

        fn fail(self, _error: &DbError) {}
    }

    #[tokio::test]
    async fn what_was_being_gathered_when_the_lane_was_called_away_is_not_lost() {
        let (give, waiting) = mpsc::channel(100);
        let waits = Waits::default();
        let mut queue = Queue { waiting, first: None, gather: Gather::default() };
        for number in 0..50 {
            give.try_send(Queued::now(Numbered(number))).unwrap();
        }
        assert_eq!(queue.gathered(&waits).await.map(|tasks| tasks.len()), Some(50));
        give.try_send(Queued::now(Numbered(50))).unwrap();
        // It has taken the one, and waits for more.
        let called_away = tokio::time::timeout(Duration::ZERO, queue.gathered(&waits)).await;
        assert!(called_away.is_err());
        give.try_send(Queued::now(Numbered(51))).unwrap();
        drop(give);
        assert_eq!(queue.gathered(&waits).await, Some(vec![Numbered(50), Numbered(51)]));
        assert_eq!(queue.gathered(&waits).await, None);
    }
}
