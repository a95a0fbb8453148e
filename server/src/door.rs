//! What this one server keeps for the check in front of its handlers: its key, the requests it saw a moment ago,
//! who is let in, and how often it refused. Nothing here is missed when the process ends: what must not
//! happen twice is guarded in the databases as well.

mod seen;

use crate::admission::{Class, Places, Readers, Shed, Sources};
use evertill_shared::clock::Clock;
use evertill_shared::protocol::SIGNATURE_WINDOW_S;
use evertill_shared::protocol::countersign::{Countersigned, DayStatement};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::store::{ServerKey, ServerKeyStatement};
use evertill_shared::signing::{SigningKey, Window};
use seen::Seen;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a request is remembered: as long as its signature can count, both clocks' differences included.
const REMEMBER: Duration = Duration::from_secs(2 * SIGNATURE_WINDOW_S + 10);
/// Requests that were not let in are told of in the log so often at most, by class; the counts are exact.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Requests that were not let in since the log last told of some.
#[derive(Clone, Copy, Debug, Default)]
struct Untold {
    count: u64,
    told_at: Option<Duration>,
}

/// What was found out about being ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The base store can be read, and takes writes.
    pub base_store: bool,
    /// One group at least has just taken a write.
    pub can_create: bool,
}

/// See the module.
pub struct Door {
    response_key: SigningKey,
    server_keys: String,
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
    places: Arc<Places>,
    readers: Readers,
    log_ins: Sources,
    shed: Mutex<[Untold; Class::COUNT]>,
    refused: Mutex<BTreeMap<String, u64>>,
    ready: tokio::sync::Mutex<Option<(Duration, Readiness)>>,
    stopping: AtomicBool,
}

impl Door {
    /// With the key that signs answers, and the root's statements about it as they are served.
    #[must_use]
    pub fn new(response_key: SigningKey, server_keys: String, clock: Arc<dyn Clock>) -> Self {
        Self {
            response_key,
            server_keys,
            places: Arc::new(Places::new(Arc::clone(&clock))),
            readers: Readers::new(Arc::clone(&clock)),
            log_ins: Sources::default(),
            seen: Mutex::new(Seen::new(REMEMBER, clock.monotonic())),
            clock,
            shed: Mutex::default(),
            refused: Mutex::default(),
            ready: tokio::sync::Mutex::new(None),
            stopping: AtomicBool::new(false),
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

    /// Signs a statement about a till's journal, with the root's word about the key.
    /// # Errors
    /// The root's statements do not name the key, in words for the log.
    pub fn countersign(&self, statement: &DayStatement) -> Result<Countersigned, String> {
        let all: Vec<ServerKeyStatement> =
            serde_json::from_str(&self.server_keys).map_err(|error| error.to_string())?;
        let key = &self.response_key;
        let ours = |found: &ServerKeyStatement| {
            serde_json::from_str::<ServerKey>(&found.text).is_ok_and(|found| {
                found.public_key == key.public()
                    && (found.not_before..=found.not_after).contains(&statement.at)
            })
        };
        let server = all.into_iter().find(ours).ok_or("the root's word about this server's key is over")?;
        Countersigned::sign(statement, key, server).map_err(|error| error.to_string())
    }

    /// How old or how far ahead a request may be.
    #[must_use]
    pub fn window() -> Window {
        let seconds = Duration::from_secs(SIGNATURE_WINDOW_S);
        Window { max_age: seconds, max_skew: seconds }
    }

    /// Remembers a request whose signature was right; false if it was here before or there is no room. Only enrolled
    /// tills get this far.
    pub fn is_first(&self, request_id: &str) -> bool {
        let now = self.clock.monotonic();
        lock(&self.seen).is_first(request_id, now)
    }

    /// Who is let in.
    #[must_use]
    pub fn places(&self) -> &Arc<Places> {
        &self.places
    }

    /// How many log in, by where they come from.
    #[must_use]
    pub fn log_ins(&self) -> &Sources {
        &self.log_ins
    }

    /// Whose bodies are being read.
    #[must_use]
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Counts a request that was not let in, and tells of it once a second.
    pub fn shed(&self, shed: &Shed) {
        metrics::counter!("evertill_sheds_total", "class" => shed.class.word()).increment(1);
        let now = self.clock.monotonic();
        let count = {
            let mut all = lock(&self.shed);
            let Some(untold) = all.get_mut(shed.class as usize) else { return };
            untold.count += 1;
            if untold.told_at.is_some_and(|at| now.saturating_sub(at) < TELL_EVERY) {
                return;
            }
            untold.told_at = Some(now);
            std::mem::take(&mut untold.count)
        };
        let retry_after_ms = u64::try_from(shed.retry_after.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(
            class = shed.class.word(),
            count,
            retry_after_ms,
            groups_usable = shed.engine.usable,
            groups = shed.engine.groups,
            "too much to do: requests were not let in"
        );
    }

    /// From now on the server says that it is not ready: it is about to stop.
    pub fn begin_stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether the server is about to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Counts a refusal.
    pub fn count(&self, code: ErrorCode) {
        metrics::counter!("evertill_refusals_total", "code" => code.word()).increment(1);
        *lock(&self.refused).entry(code.word()).or_default() += 1;
    }

    /// Refusals since the start, by code.
    #[must_use]
    pub fn refused(&self) -> BTreeMap<String, u64> {
        lock(&self.refused).clone()
    }

    /// What `ask` answered a second ago at most: health checks of many balancers cost one look a second.
    pub async fn ready<F: Future<Output = Readiness>>(&self, ask: impl FnOnce() -> F) -> Readiness {
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

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::clock::SystemClock;
    use std::sync::atomic::AtomicUsize;

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

    #[tokio::test]
    async fn readiness_is_found_out_once_a_second() {
        let door = door();
        let asked = AtomicUsize::new(0);
        for _ in 0..5 {
            let ready = door.ready(|| async {
                asked.fetch_add(1, Ordering::SeqCst);
                Readiness { base_store: true, can_create: true }
            });
            assert!(ready.await.can_create);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
