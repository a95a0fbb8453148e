//! What this one server keeps for the check in front of its handlers: its key, the requests it saw a moment ago,
//! how much is going on, and how often it refused. Nothing here is missed when the process ends: what must not
//! happen twice is guarded in the databases as well.

use evertill_shared::clock::Clock;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::{SIGNATURE_WINDOW_S, path};
use evertill_shared::signing::{SigningKey, Window};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a request is remembered: as long as its signature can count, both clocks' differences included.
const REMEMBER: Duration = Duration::from_secs(2 * SIGNATURE_WINDOW_S + 10);
/// The most requests that are remembered. Only enrolled tills get this far.
const MOST_REMEMBERED: usize = 500_000;
/// The most signed requests at a time.
const PLACES: usize = 600;

/// See the module.
pub struct Door {
    response_key: SigningKey,
    server_keys: String,
    clock: Arc<dyn Clock>,
    seen: Mutex<HashMap<String, Duration>>,
    busy: AtomicUsize,
    refused: Mutex<BTreeMap<String, u64>>,
    ready: tokio::sync::Mutex<Option<(Duration, bool)>>,
}

impl Door {
    /// With the key that signs answers, and the root's statements about it as they are served.
    #[must_use]
    pub fn new(response_key: SigningKey, server_keys: String, clock: Arc<dyn Clock>) -> Self {
        Self {
            response_key,
            server_keys,
            clock,
            seen: Mutex::default(),
            busy: AtomicUsize::new(0),
            refused: Mutex::default(),
            ready: tokio::sync::Mutex::new(None),
        }
    }

    /// The key that signs answers.
    #[must_use]
    pub fn response_key(&self) -> &SigningKey {
        &self.response_key
    }

    /// The root's statements: JSON.
    #[must_use]
    pub fn server_keys(&self) -> &str {
        &self.server_keys
    }

    /// How old or how far ahead a request may be.
    #[must_use]
    pub fn window() -> Window {
        let seconds = Duration::from_secs(SIGNATURE_WINDOW_S);
        Window { max_age: seconds, max_skew: seconds }
    }

    /// Remembers a request whose signature was right; false if it was here before or there is no room.
    pub fn is_first(&self, request_id: &str) -> bool {
        let now = self.clock.monotonic();
        let mut seen = lock(&self.seen);
        if seen.len() >= MOST_REMEMBERED / 2 {
            seen.retain(|_, until| *until > now);
        }
        if seen.len() >= MOST_REMEMBERED {
            return false;
        }
        let until = now + REMEMBER;
        match seen.insert(request_id.to_owned(), until) {
            Some(earlier) if earlier > now => false,
            Some(_) | None => true,
        }
    }

    /// A place for a request, if there is one left for its kind. When there is too much to do, what is under way
    /// is finished first: payments, questions and refunds have all places, uploads fewer, new orders fewer still.
    #[must_use]
    pub fn enter(self: &Arc<Self>, route: &str) -> Option<Place> {
        let most = match route {
            path::DRAFTS | path::CATALOGUE => PLACES / 2,
            path::JOURNAL | path::ADOPT => PLACES / 4 * 3,
            _ => PLACES,
        };
        let entered = self
            .busy
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |busy| (busy < most).then_some(busy + 1));
        entered.ok().map(|_| Place(Arc::clone(self)))
    }

    /// Counts a refusal.
    pub fn count(&self, code: ErrorCode) {
        *lock(&self.refused).entry(code.word()).or_default() += 1;
    }

    /// Refusals since the start, by code.
    #[must_use]
    pub fn refused(&self) -> BTreeMap<String, u64> {
        lock(&self.refused).clone()
    }

    /// What `ask` answered a second ago at most: health checks of many balancers cost one look a second.
    pub async fn ready<F: Future<Output = bool>>(&self, ask: impl FnOnce() -> F) -> bool {
        let mut last = self.ready.lock().await;
        let now = self.clock.monotonic();
        if let Some((at, ready)) = *last
            && now.saturating_sub(at) < Duration::from_secs(1)
        {
            return ready;
        }
        let ready = ask().await;
        *last = Some((self.clock.monotonic(), ready));
        ready
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place that is free again when this is dropped.
pub struct Place(Arc<Door>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::clock::SystemClock;

    fn door() -> Arc<Door> {
        let key = SigningKey::from_seed(&[1; 32], "server-1".into()).unwrap();
        Arc::new(Door::new(key, "[]".into(), Arc::new(SystemClock)))
    }

    #[test]
    fn a_request_is_new_only_once() {
        let door = door();
        assert!(door.is_first("T0001:1 a") && door.is_first("T0002:1 a"));
        assert!(!door.is_first("T0001:1 a"));
    }

    #[test]
    fn when_it_is_full_payments_still_enter_and_new_orders_do_not() {
        let door = door();
        let drafts: Vec<_> = std::iter::from_fn(|| door.enter(path::DRAFTS)).collect();
        assert_eq!(drafts.len(), PLACES / 2);
        let uploads: Vec<_> = std::iter::from_fn(|| door.enter(path::JOURNAL)).collect();
        assert!(!uploads.is_empty());
        let payments: Vec<_> = std::iter::from_fn(|| door.enter(path::PAYMENTS)).collect();
        assert!(!payments.is_empty());
        drop((drafts, uploads, payments));
        assert!(door.enter(path::DRAFTS).is_some());
    }
}
