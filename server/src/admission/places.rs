//! Letting in, with real waiting.

use super::pace::Pace;
use super::{Admission, Arrival, Class, Engine, INTERVAL};
use evertill_shared::clock::Clock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// The most refusals that are held back at a time: each holds a connection's memory.
const MOST_HELD: usize = 4_096;
/// How often the groups are looked at.
const ENGINE_EVERY: Duration = Duration::from_millis(100);

/// Told the time at which it was let in.
type Waiter = (Class, oneshot::Sender<Duration>);

struct State {
    admission: Admission<Waiter>,
    pace: Pace,
    engine_at: Option<Duration>,
}

/// The places of one server.
pub struct Places {
    state: Mutex<State>,
    held: AtomicUsize,
    clock: Arc<dyn Clock>,
}

/// A request that is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shed {
    /// What it was.
    pub class: Class,
    /// How the order groups are: if hardly one is usable, that is why.
    pub engine: Engine,
    /// After what time to ask again.
    pub retry_after: Duration,
    /// How long to hold the refusal back: see [`super::pace`].
    pub hold: Duration,
}

impl Places {
    /// All free.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let admission = Admission::new(clock.monotonic());
        let state = Mutex::new(State { admission, pace: Pace::default(), engine_at: None });
        Self { state, held: AtomicUsize::new(0), clock }
    }

    /// A place for a request of that class, perhaps after a short wait. `quick`: see [`Class::is_quick`]. `engine`
    /// tells how the order groups are; it is asked ten times a second at most.
    ///
    /// # Errors
    /// There is too much to do.
    pub async fn enter(
        self: &Arc<Self>,
        class: Class,
        quick: bool,
        engine: impl FnOnce() -> Engine,
    ) -> Result<Place, Shed> {
        let since = self.clock.monotonic();
        self.look_at_engine(since, engine);
        let (sender, receiver) = oneshot::channel();
        // What waited too long hears so by losing its sender.
        let (arrival, moved) = self.state().admission.arrive(class, since, || (class, sender));
        self.grant(moved.admitted, since);
        let place = |entered| Place { places: Arc::clone(self), class, entered, quick };
        match arrival {
            Arrival::Admitted => Ok(place(since)),
            Arrival::Refused => Err(self.shed(class)),
            Arrival::Waits(name) => {
                let mut waiting = Waiting { places: self, class, name, receiver: Some(receiver) };
                let admitted = waiting.wait().await;
                let waited = self.clock.monotonic().saturating_sub(since);
                metrics::histogram!("evertill_door_wait_seconds", "class" => class.word())
                    .record(waited.as_secs_f64());
                admitted.map(place).ok_or_else(|| self.shed(class))
            }
        }
    }

    /// Holds a refusal back for its time, if not too many are held already.
    pub async fn hold(&self, shed: &Shed) {
        if shed.hold.is_zero() {
            return;
        }
        let _held = Held::new(&self.held);
        if self.held.load(Ordering::Acquire) <= MOST_HELD {
            tokio::time::sleep(shed.hold).await;
        }
    }

    /// Requests of that class that have a place, and those that wait for one.
    #[must_use]
    pub fn count(&self, class: Class) -> (usize, usize) {
        self.state().admission.count(class)
    }

    /// How many quick requests are let in at a time just now.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.state().admission.limit()
    }

    fn look_at_engine(&self, now: Duration, engine: impl FnOnce() -> Engine) {
        let due = |at: Option<Duration>| at.is_none_or(|at| now.saturating_sub(at) >= ENGINE_EVERY);
        {
            let mut state = self.state();
            if !due(state.engine_at) {
                return;
            }
            state.engine_at = Some(now);
        }
        let engine = engine();
        self.state().admission.set_engine(engine);
    }

    /// A refusal of that class.
    pub(super) fn shed(&self, class: Class) -> Shed {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let hold = state.pace.hold(now, class.longest_hold());
        // The time that it is held back is part of the time that it is asked to stay away.
        let pause = state.admission.retry_after(class).as_secs().saturating_sub(hold.as_secs());
        let retry_after = Duration::from_secs(pause.max(1));
        Shed { class, engine: state.admission.engine(), retry_after, hold }
    }

    fn leave(&self, class: Class, entered: Duration, quick: bool) {
        let now = self.clock.monotonic();
        let moved = self.state().admission.leave(class, entered, now, quick);
        self.grant(moved.admitted, now);
    }

    /// Tells those who waited that they are in. The place of one who is gone is free again.
    fn grant(&self, admitted: Vec<Waiter>, now: Duration) {
        for (class, waiter) in admitted {
            if waiter.send(now).is_err() {
                self.leave(class, now, false);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is free again when this is dropped.
pub struct Place {
    places: Arc<Places>,
    class: Class,
    entered: Duration,
    quick: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.leave(self.class, self.entered, self.quick);
    }
}

/// A request that waits. If it goes away, its name goes too, or the place that it was given in that moment.
struct Waiting<'a> {
    places: &'a Places,
    class: Class,
    name: u64,
    receiver: Option<oneshot::Receiver<Duration>>,
}

impl Waiting<'_> {
    /// When it was let in.
    async fn wait(&mut self) -> Option<Duration> {
        let answer = tokio::time::timeout(INTERVAL, self.receiver.as_mut()?).await.ok()?;
        self.receiver = None;
        answer.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(mut receiver) = self.receiver.take() else { return };
        let now = self.places.clock.monotonic();
        if self.places.state().admission.give_up(self.class, self.name, now) {
            return;
        }
        // Not waiting any more: either refused, or let in a moment ago. Once this end is closed, a place either has
        // come, or whoever brings it finds nobody and takes it back.
        receiver.close();
        if let Ok(entered) = receiver.try_recv() {
            self.places.leave(self.class, entered, false);
        }
    }
}

/// One of those that are held back.
struct Held<'a>(&'a AtomicUsize);

impl<'a> Held<'a> {
    fn new(held: &'a AtomicUsize) -> Self {
        held.fetch_add(1, Ordering::AcqRel);
        Self(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
