//! Reading bodies, so that nobody who sends one slowly keeps anybody out.
//!
//! Whoever has sent the head of a request and not its body has shown nothing yet: no signature, no session. So it holds no
//! place that money needs, and what it may hold instead has three bounds: a time, a number of all, and a smaller number of
//! those that take long. Where there are more, the one that has been at it longest goes: a body that is on its way is here in
//! moments, so those that stay are the ones that do not mean to end. And what hangs here takes no place from its class, since
//! fewer may be slow than a class lets step aside ([`super::busy`]).

use super::busy::{HANGS, MOST_ASIDE};
use crate::failure::Failure;
use axum::body::{Body, Bytes, HttpBody};
use evertill_shared::clock::Clock;
use evertill_shared::protocol::MAX_BODY_BYTES;
use evertill_shared::protocol::error::ErrorCode;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a body may take to come.
pub const BODY_WAIT: Duration = Duration::from_secs(20);
/// The longest body that is read before it is known what belongs to it, in bytes: the longest form of a person, or request of a
/// till.
pub const LONGEST: usize = {
    let form = 4 * evertill_shared::receipt::template::LONGEST;
    if form > MAX_BODY_BYTES { form } else { MAX_BODY_BYTES }
};
/// So many may be at it at a time.
const MOST: usize = 1_024;
/// So many of them for longer than [`HANGS`].
const MOST_SLOW: usize = 200;
const _: () = assert!(MOST_SLOW < MOST_ASIDE && MOST_SLOW < MOST);

/// Those who are reading, the longest first. Pure: time is a parameter.
#[derive(Debug)]
struct Reading<W> {
    all: VecDeque<(u64, Duration, W)>,
    names: u64,
}

impl<W> Reading<W> {
    const fn new() -> Self {
        Self { all: VecDeque::new(), names: 0 }
    }

    /// One more, under the name that this gives.
    fn begin(&mut self, now: Duration, waiter: W) -> u64 {
        self.names += 1;
        self.all.push_back((self.names, now, waiter));
        self.names
    }

    /// Those that go, because there are too many.
    fn tidy(&mut self, now: Duration) -> Vec<W> {
        let mut gone = Vec::new();
        while self.all.len() > MOST || self.has_too_many_slow(now) {
            gone.extend(self.all.pop_front().map(|(_, _, waiter)| waiter));
        }
        gone
    }

    fn has_too_many_slow(&self, now: Duration) -> bool {
        self.all.get(MOST_SLOW).is_some_and(|(_, since, _)| now.saturating_sub(*since) >= HANGS)
    }

    fn end(&mut self, name: u64) {
        if let Ok(at) = self.all.binary_search_by_key(&name, |(name, _, _)| *name) {
            self.all.remove(at);
        }
    }
}

/// Why a body was not read to its end. Nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is longer than this many bytes.
    TooLong(usize),
    /// The line broke off.
    BrokeOff,
    /// It took too long.
    TooSlow,
    /// Too many others came meanwhile.
    Crowded,
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLong(most) => Self::new(
                ErrorCode::TooLarge,
                format!("the request is longer than {most} bytes: send less at a time"),
            ),
            Unread::BrokeOff => Self::bad_request("the request broke off: send it again"),
            Unread::TooSlow => Self::bad_request("the request came too slowly: send it again"),
            Unread::Crowded => {
                Self::new(ErrorCode::Overloaded, "the server has too much to do: send it again in a moment")
                    .after(Duration::from_secs(1))
            }
        }
    }
}

/// Those whose bodies this server is reading.
pub struct Readers {
    // Whoever has to go hears so by losing its sender.
    state: Mutex<Reading<oneshot::Sender<()>>>,
    clock: Arc<dyn Clock>,
}

impl Readers {
    /// Nobody yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { state: Mutex::new(Reading::new()), clock }
    }

    /// All of a body, of so many bytes at most, within [`BODY_WAIT`].
    ///
    /// # Errors
    /// [`Unread`].
    pub async fn read(&self, body: Body, most: usize) -> Result<Bytes, Unread> {
        self.read_within(body, most, BODY_WAIT).await
    }

    /// The same, within another time.
    ///
    /// # Errors
    /// [`Unread`].
    pub async fn read_within(&self, body: Body, most: usize, wait: Duration) -> Result<Bytes, Unread> {
        let bytes = self.wait_for(beginning(body, most), wait).await??;
        if bytes.len() > most { Err(Unread::TooLong(most)) } else { Ok(bytes) }
    }

    /// The body as whoever knows what belongs there will look at it: one that is longer than [`LONGEST`] ends soon after that,
    /// too long for anybody.
    pub(super) async fn read_ahead(&self, body: Body) -> Result<Bytes, Unread> {
        self.wait_for(beginning(body, LONGEST), BODY_WAIT).await?
    }

    /// Sends those away that have been at it for too long, if there are too many of them.
    pub(super) fn tidy(&self) {
        let now = self.clock.monotonic();
        let gone = self.state().tidy(now);
        if !gone.is_empty() {
            metrics::counter!("evertill_slow_bodies_total").increment(gone.len() as u64);
            tracing::debug!(count = gone.len(), "requests whose bodies came slowly made room for others");
        }
    }

    /// How many are at it, beside those whose body was here at once.
    #[must_use]
    pub fn count(&self) -> usize {
        self.state().all.len()
    }

    async fn wait_for<T>(&self, work: impl Future<Output = T>, wait: Duration) -> Result<T, Unread> {
        let mut work = pin!(work);
        // Most are here already, and nobody needs to hear of them.
        if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
            return Ok(done);
        }
        let (sender, gone) = oneshot::channel();
        let name = self.state().begin(self.clock.monotonic(), sender);
        let _reader = Reader { readers: self, name };
        self.tidy();
        tokio::select! {
            biased;
            done = work => Ok(done),
            _ = gone => Err(Unread::Crowded),
            () = tokio::time::sleep(wait) => Err(Unread::TooSlow),
        }
    }

    fn state(&self) -> MutexGuard<'_, Reading<oneshot::Sender<()>>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body up to its end, or until it is longer than so many bytes.
async fn beginning(mut body: Body, most: usize) -> Result<Bytes, Unread> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame.map_err(|_| Unread::BrokeOff)?.into_data() else { continue };
        if bytes.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        bytes.extend_from_slice(&data);
        if bytes.len() > most {
            break;
        }
    }
    Ok(bytes.into())
}

struct Reader<'a> {
    readers: &'a Readers,
    name: u64,
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.readers.state().end(self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order_group::testing::ManualClock;
    use evertill_shared::clock::SystemClock;
    use std::future::pending;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_crowd_that_has_just_come_stays_and_those_that_hang_make_room_from_the_longest_on() {
        let mut reading = Reading::new();
        for n in 0..500 {
            reading.begin(ms(n), n);
        }
        let gone = reading.tidy(ms(499));
        assert_eq!((gone.len(), gone[0]), (50, 0), "of the 250 that are slow by now 200 stay");
        assert!(reading.tidy(ms(499)).is_empty());
        let gone = reading.tidy(ms(10_000));
        assert_eq!((gone.len(), gone[0], reading.all.len(), reading.all[0].2), (250, 50, 200, 300));
    }

    #[test]
    fn there_are_never_more_than_so_many_however_fast_they_come() {
        let mut reading = Reading::new();
        for n in 0..3_000_u64 {
            reading.begin(ms(1), n);
            let gone = reading.tidy(ms(1));
            assert_eq!(gone, if n < MOST as u64 { vec![] } else { vec![n - MOST as u64] });
        }
        reading.end(2_999 + 1);
        assert_eq!(reading.all.len(), MOST - 1);
        reading.end(7);
        assert_eq!(reading.all.len(), MOST - 1, "who is gone is gone");
    }

    #[tokio::test]
    async fn what_is_here_at_once_is_read_and_what_is_too_long_is_not() {
        let readers = Readers::new(Arc::new(SystemClock));
        assert_eq!(readers.read(Body::from("abc"), 3).await.unwrap(), "abc");
        assert_eq!(readers.read(Body::empty(), 0).await.unwrap(), "");
        assert_eq!(readers.read(Body::from("abcd"), 3).await, Err(Unread::TooLong(3)));
        assert!(readers.read_ahead(Body::from(vec![0; LONGEST + 1])).await.unwrap().len() > LONGEST);
    }

    #[tokio::test]
    async fn who_hangs_is_waited_for_as_long_as_said_and_no_longer_than_others_have_room() {
        let clock = ManualClock::new();
        let readers = Arc::new(Readers::new(Arc::clone(&clock) as Arc<dyn Clock>));
        assert_eq!(readers.wait_for(pending::<()>(), ms(5)).await, Err(Unread::TooSlow));
        assert_eq!(readers.count(), 0);
        let hang = || {
            let readers = Arc::clone(&readers);
            tokio::spawn(async move { readers.wait_for(pending::<()>(), ms(60_000)).await })
        };
        let mut hanging = Vec::new();
        for _ in 0..=MOST {
            hanging.push(hang());
            tokio::task::yield_now().await;
        }
        assert_eq!(hanging.remove(0).await.unwrap(), Err(Unread::Crowded));
        assert_eq!(readers.count(), MOST);
        clock.advance(HANGS);
        readers.tidy();
        assert_eq!(hanging.remove(0).await.unwrap(), Err(Unread::Crowded));
        assert_eq!(readers.count(), MOST_SLOW);
        hanging.iter().for_each(tokio::task::JoinHandle::abort);
        for hung in hanging {
            let _ = hung.await;
        }
        assert_eq!(readers.count(), 0, "whoever goes away is forgotten");
    }
}
