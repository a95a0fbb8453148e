//! A lane: a thread with one connection that takes what waits, works on it, and takes the next.

use super::connect::{self, Refusal};
use super::link::Link;
use super::pool::{Pool, Task};
use crate::database::DbError;
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::SemaphorePermit;

/// The first wait after a connect that failed; it doubles up to the last.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LAST_WAIT: Duration = Duration::from_millis(1_600);

/// What came of a round of work.
pub(super) struct Round<T> {
    /// Those whose turn did not come.
    pub(super) rest: Vec<T>,
    /// Whether the connection turned out to be closed before anything was begun: on a new one it may work.
    pub(super) try_again: bool,
}

/// How tasks of a kind are worked on.
pub(super) type Work<T> = fn(Vec<T>, &mut Link, &Runtime, &Pool<T>) -> Round<T>;

/// A lane.
pub(super) struct Lane<T> {
    pool: Arc<Pool<T>>,
    runtime: Runtime,
    work: Work<T>,
    link: Option<(Link, u64)>,
    failures: u32,
}

/// Whether the lane goes on.
enum Next<T> {
    On,
    Tasks(Vec<T>),
    End,
}

impl<T: Task> Lane<T> {
    pub(super) fn new(pool: Arc<Pool<T>>, runtime: Runtime, work: Work<T>) -> Self {
        Self { pool, runtime, work, link: None, failures: 0 }
    }

    /// The thread's life.
    pub(super) fn live(mut self) {
        while let Some(tasks) = self.next() {
            self.serve(tasks);
        }
        // Without waiting for a look-up of a name that may hang.
        self.runtime.shutdown_background();
    }

    /// Waits for tasks, with a connection at hand; `None` when no more will come.
    fn next(&mut self) -> Option<Vec<T>> {
        loop {
            let next = if self.link.is_none() { self.reconnect() } else { self.wait() };
            match next {
                Next::On => {}
                Next::Tasks(tasks) => return Some(tasks),
                Next::End => return None,
            }
        }
    }

    fn wait(&mut self) -> Next<T> {
        let Some((link, _)) = &mut self.link else { return Next::On };
        let pool = &self.pool;
        let waited = self.runtime.block_on(async {
            tokio::select! {
                biased;
                reason = link.idle() => Err(reason),
                tasks = pool.take() => Ok(tasks),
            }
        });
        match waited {
            Ok(Some(tasks)) => Next::Tasks(tasks),
            Ok(None) => Next::End,
            Err(reason) => {
                self.drop_link(&reason);
                Next::On
            }
        }
    }

    /// Works on tasks until none of them is left.
    fn serve(&mut self, mut tasks: Vec<T>) {
        let mut tries = 0;
        while !tasks.is_empty() {
            tasks.retain(T::is_wanted);
            if self.link.as_ref().is_some_and(|(_, era)| *era != self.pool.era.load(Ordering::Acquire)) {
                self.drop_link("the database had fallen silent");
            }
            let timeline = self.pool.shared.timeline.load(Ordering::Acquire);
            if self.link.as_ref().is_some_and(|(link, _)| link.timeline() < timeline) {
                self.drop_link("another server has become the primary");
            }
            if self.link.is_none()
                && let Err(refusal) = self.connect(self.pool.shared.settings.limit())
            {
                let error = DbError::NotWritten(refusal.problem);
                return tasks.into_iter().for_each(|task| task.fail(&error));
            }
            let Some((link, _)) = &mut self.link else { continue };
            let round = (self.work)(tasks, link, &self.runtime, &self.pool);
            tasks = round.rest;
            if let Some(reason) = link.lost().map(str::to_owned) {
                self.drop_link(&reason);
            }
            tries += u32::from(round.try_again);
            if tries > 1 {
                let error = DbError::NotWritten("the connection was lost twice before anything began".into());
                return tasks.into_iter().for_each(|task| task.fail(&error));
            }
        }
    }

    /// The socket goes as it is: no word of farewell, and above all no cancel.
    fn drop_link(&mut self, reason: &str) {
        if self.link.take().is_some() {
            self.pool.lost(reason);
        }
    }

    fn connect(&mut self, limit: Duration) -> Result<(), Refusal> {
        let era = self.pool.era.load(Ordering::Acquire);
        let shared = &self.pool.shared;
        let known = shared.timeline.load(Ordering::Acquire);
        let connecting = connect::connect(&shared.settings, &shared.tls, self.pool.role, known, limit);
        let made = self.runtime.block_on(connecting);
        match made {
            Ok(link) => {
                shared.timeline.fetch_max(link.timeline(), Ordering::AcqRel);
                self.link = Some((link, era));
                self.failures = 0;
                self.pool.connected();
                Ok(())
            }
            Err(refusal) => {
                self.failures = self.failures.saturating_add(1);
                self.pool.unreachable(&refusal.problem);
                Err(refusal)
            }
        }
    }

    fn reconnect(&mut self) -> Next<T> {
        let pool = Arc::clone(&self.pool);
        let pause = self.pause();
        let permit = match self.runtime.block_on(before_next_try(&pool, pause)) {
            Ok(permit) => permit,
            Err(next) => return next,
        };
        // While nothing is taken nobody waits for this.
        let settings = &pool.shared.settings;
        let limit = if pool.is_down() { settings.patient_connect() } else { settings.limit() };
        let made = self.connect(limit);
        drop(permit);
        if made.is_err() && pool.is_closing() {
            self.runtime.block_on(pool.refuse_all());
            return Next::End;
        }
        Next::On
    }

    /// How long to leave the database alone: longer with each failure, and never the same for two servers.
    fn pause(&self) -> Duration {
        if self.failures == 0 {
            return Duration::ZERO;
        }
        let wait = FIRST_WAIT.saturating_mul(1 << (self.failures - 1).min(8)).min(LAST_WAIT);
        let mut byte = [0_u8];
        let _ = SystemRandom::new().fill(&mut byte);
        wait + wait * u32::from(byte[0]) / 512
    }
}

/// Waits for the time of the next try, or until another lane has found the database back. Meanwhile what comes in is told
/// at once why it cannot be served, if no other lane can serve it.
async fn before_next_try<T: Task>(
    pool: &Pool<T>,
    pause: Duration,
) -> Result<Option<SemaphorePermit<'_>>, Next<T>> {
    let next = tokio::time::sleep(pause);
    let turn = async {
        if !pool.is_down() {
            next.await;
            return None;
        }
        let permit = pool.probe.acquire().await.ok();
        next.await;
        permit
    };
    let refuse = async {
        if pool.is_down() {
            pool.refuse_all().await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    let was_down = pool.is_down();
    let back = async {
        if was_down {
            pool.until_up().await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        // First of all: nobody is refused once it is back.
        biased;
        () = back => Ok(None),
        permit = turn => Ok(permit),
        () = refuse => Err(Next::End),
        // The last try, and at once.
        () = pool.until_closing(), if !was_down => Ok(None),
    }
}
