//! A phase of a run: requests that were prepared, sent over many lines, and everything that came of them.

use super::line::{Answer, Dialler, Line};
use super::sales::Prepared;
use crate::load::wrong;
use crate::store_rig::RigError;
use evertill_shared::clock::{Clock, SystemClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::task::{AbortHandle, JoinSet};

/// What became of one request.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Which of the prepared ones.
    pub index: usize,
    /// When it was to be sent, counted from the start of the phase.
    pub due: Duration,
    /// From then to the end of its answer.
    pub took: Duration,
    /// The answer; none if the line broke.
    pub answer: Option<Answer>,
}

impl Record {
    /// Whether it was done.
    pub(crate) fn is_good(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| (200..300).contains(&answer.status))
    }
}

/// A phase that is over.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub records: Vec<Record>,
    /// From the first request to the last answer.
    pub wall: Duration,
    /// When requests were due whose time came while every till was still busy with another.
    pub not_sent: Vec<Duration>,
}

impl Done {
    pub(crate) fn good(&self) -> usize {
        self.records.iter().filter(|record| record.is_good()).count()
    }

    /// What was due before a moment, and what was due from then on, counted anew from there.
    pub(crate) fn split(self, at: Duration) -> (Self, Self) {
        let (before, mut after): (Vec<_>, Vec<_>) =
            self.records.into_iter().partition(|record| record.due < at);
        after.iter_mut().for_each(|record| record.due -= at);
        let (early, late) = self.not_sent.into_iter().partition(|due| *due < at);
        let first = Self { records: before, wall: at, not_sent: early };
        (first, Self { records: after, wall: self.wall.saturating_sub(at), not_sent: late })
    }

    /// The times of all that were done.
    pub(crate) fn times(&self) -> Vec<Duration> {
        self.records.iter().filter(|record| record.is_good()).map(|record| record.took).collect()
    }
}

/// Keeps the tills' core from falling asleep until this is dropped: the server's core would have to wake it for nearly
/// each answer, which costs a virtual machine some microseconds, and a till on a line of its own nothing.
pub(crate) struct Awake(AbortHandle);

impl Awake {
    pub(crate) fn new() -> Self {
        let spin = async {
            loop {
                tokio::task::yield_now().await;
            }
        };
        Self(tokio::spawn(spin).abort_handle())
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The tills' lines. A line that breaks is opened anew.
pub(crate) struct Lines {
    dialler: Dialler,
    lines: Vec<Line>,
}

impl Lines {
    pub(crate) async fn open(dialler: Dialler, count: usize) -> Result<Self, RigError> {
        let mut lines = Vec::with_capacity(count);
        for _ in 0..count {
            lines.push(dialler.open().await.map_err(wrong)?);
        }
        Ok(Self { dialler, lines })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Every till sends its next request as soon as it has the answer to the one before.
    pub(crate) async fn closed(
        &mut self,
        work: &Arc<Vec<Prepared>>,
        time: Duration,
    ) -> Result<Done, RigError> {
        let _awake = Awake::new();
        let start = SystemClock.monotonic();
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for mut line in self.lines.drain(..) {
            let (work, next, dialler) = (Arc::clone(work), Arc::clone(&next), self.dialler.clone());
            tasks.spawn(async move {
                let mut records = Vec::new();
                loop {
                    let due = SystemClock.monotonic().saturating_sub(start);
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = work.get(index).filter(|_| due < time) else { break };
                    let answer = ask(&mut line, &dialler, request).await;
                    let took = SystemClock.monotonic().saturating_sub(start).saturating_sub(due);
                    records.push(Record { index, due, took, answer });
                }
                (line, records)
            });
        }
        let mut done = self.gather(tasks).await?;
        done.wall = SystemClock.monotonic().saturating_sub(start);
        Ok(done)
    }

    /// Requests come at random moments, so many a second on average, whatever became of those before; each step has a
    /// rate and a length. A request whose moment comes while every till is busy is not sent.
    pub(crate) async fn open_loop(
        &mut self,
        work: &Arc<Vec<Prepared>>,
        steps: &[(f64, Duration)],
    ) -> Result<Done, RigError> {
        let (give, take) = mpsc::channel::<(usize, Duration)>(self.lines.len().max(1));
        let take = Arc::new(Mutex::new(take));
        let idle = Arc::new(AtomicUsize::new(self.lines.len()));
        let _awake = Awake::new();
        let start = SystemClock.monotonic();
        let mut tasks = JoinSet::new();
        for mut line in self.lines.drain(..) {
            let (work, take, idle) = (Arc::clone(work), Arc::clone(&take), Arc::clone(&idle));
            let dialler = self.dialler.clone();
            tasks.spawn(async move {
                let mut records = Vec::new();
                loop {
                    let given = take.lock().await.recv().await;
                    let Some((index, due)) = given else { break };
                    let Some(request) = work.get(index) else { break };
                    let answer = ask(&mut line, &dialler, request).await;
                    let took = SystemClock.monotonic().saturating_sub(start).saturating_sub(due);
                    records.push(Record { index, due, took, answer });
                    idle.fetch_add(1, Ordering::AcqRel);
                }
                (line, records)
            });
        }
        let mut not_sent = Vec::new();
        let mut moments = Moments::new();
        let mut index = 0;
        let (mut due, mut end) = (Duration::ZERO, Duration::ZERO);
        for (per_second, time) in steps {
            due = due.max(end) + moments.gap(*per_second);
            end += *time;
            while due < end && index < work.len() {
                let now = SystemClock.monotonic().saturating_sub(start);
                if now < due {
                    tokio::time::sleep((due - now).min(Duration::from_millis(1))).await;
                    continue;
                }
                let free =
                    idle.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1)).is_ok();
                if free && give.try_send((index, due)).is_ok() {
                    index += 1;
                } else {
                    not_sent.push(due);
                }
                due += moments.gap(*per_second);
                // The lines run on this thread too: let them, however much is due.
                if (index + not_sent.len()) % 16 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        }
        drop(give);
        let mut done = self.gather(tasks).await?;
        done.wall = SystemClock.monotonic().saturating_sub(start);
        done.not_sent = not_sent;
        Ok(done)
    }

    async fn gather(&mut self, mut tasks: JoinSet<(Line, Vec<Record>)>) -> Result<Done, RigError> {
        let mut done = Done::default();
        while let Some(joined) = tasks.join_next().await {
            let (line, records) = joined.map_err(wrong)?;
            self.lines.push(line);
            done.records.extend(records);
        }
        done.records.sort_by_key(|record| record.due);
        Ok(done)
    }
}

async fn ask(line: &mut Line, dialler: &Dialler, request: &Prepared) -> Option<Answer> {
    if let Ok(answer) = line.ask(request.bytes()).await {
        return Some(answer);
    }
    if let Ok(new) = dialler.open().await {
        *line = new;
    }
    None
}

/// Moments of arrivals that know nothing of each other: the gaps between them are exponentially distributed. The same
/// in each run.
pub(crate) struct Moments(u64);

impl Moments {
    pub(crate) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn gap(&mut self, per_second: f64) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let high = u32::try_from(self.0 >> 32).unwrap_or(u32::MAX);
        let uniform = (f64::from(high) + 1.0) / (f64::from(u32::MAX) + 1.0);
        Duration::from_secs_f64(-uniform.ln() / per_second.max(0.001))
    }
}
