//! What a core gives: machines that are shared with others, and two halves of one core, are not equally quick in every
//! second. A small piece of work that never changes, a few signatures checked, is done on the measured core again and again
//! and its price noted, so that figures of one minute can be held against those of another.

use super::cores;
use super::usage::Used;
use crate::load::wrong;
use crate::store_rig::RigError;
use evertill_shared::signing::SigningKey;
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is laid on: it takes less than a hundredth of the core.
const EVERY: Duration = Duration::from_millis(50);
/// How many signatures are checked each time, after one that warms the core's caches up again.
const CHECKS: usize = 4;

/// See the module. It stops when it is dropped.
pub(crate) struct Yardstick {
    prices: Arc<Mutex<Vec<Duration>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A moment from which on prices are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(usize);

impl Yardstick {
    /// Lays it on that core from now on.
    /// # Errors
    /// The thread cannot be started or kept on the core.
    pub(crate) fn start(core: usize) -> Result<Self, RigError> {
        let (prices, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (kept, stopped) = (Arc::clone(&prices), Arc::clone(&stop));
        let key = SigningKey::from_seed(&[7; 32], "yardstick".into()).map_err(wrong)?;
        let started = cores::on(core, || {
            std::thread::Builder::new().name("yardstick".into()).spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let price = price(&key);
                    kept.lock().unwrap_or_else(PoisonError::into_inner).push(price);
                    std::thread::sleep(EVERY);
                }
            })
        });
        Ok(Self { prices, stop, thread: Some(started.map_err(wrong)?.map_err(wrong)?) })
    }

    /// From now on.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.prices.lock().unwrap_or_else(PoisonError::into_inner).len())
    }

    /// What the core gave the server since that moment, in checks of a signature for each microsecond that went by: the
    /// slower it was and the more others took of it, the less.
    /// # Errors
    /// Nothing was measured meanwhile.
    pub(crate) fn given(&self, since: Mark, used: Used, wall: Duration) -> Result<f64, RigError> {
        let prices = self.prices.lock().unwrap_or_else(PoisonError::into_inner);
        let mut since = prices.get(since.0..).unwrap_or_default().to_vec();
        since.sort_unstable();
        let middle = since.get(since.len() / 2).filter(|price| !price.is_zero());
        let middle = middle.ok_or_else(|| wrong("the yardstick was never laid on"))?;
        let free = 1.0 - (used.others.as_secs_f64() / wall.as_secs_f64().max(0.001)).min(0.9);
        Ok(free / (middle.as_secs_f64() * 1e6))
    }
}

impl Drop for Yardstick {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It cannot panic, and there is nobody to tell.
            thread.join().ok();
        }
    }
}

/// The processor time of one check.
fn price(key: &SigningKey) -> Duration {
    let message = [b'm'; 512];
    let (public, signature) = (key.public(), key.sign(&message));
    let check = || public.verify(black_box(&message), black_box(&signature)).is_ok();
    black_box(check());
    let start = own_time();
    for _ in 0..CHECKS {
        black_box(check());
    }
    own_time().saturating_sub(start) / u32::try_from(CHECKS).unwrap_or(1)
}

/// The processor time of this thread at this very moment; the kernel's files lag behind by a tick.
fn own_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_take_was_not_given() {
        let yardstick = Yardstick::start(cores::Cores::choose().unwrap().server).unwrap();
        let mark = yardstick.mark();
        while yardstick.mark().0 < mark.0 + 3 {
            std::thread::sleep(Duration::from_millis(10));
        }
        let used = |others| Used { process: Duration::ZERO, others: Duration::from_millis(others) };
        let given = |others| yardstick.given(mark, used(others), Duration::from_secs(1)).unwrap();
        let (alone, half) = (given(0), given(500));
        assert!(alone > 0.0 && (half / alone - 0.5).abs() < 0.2, "{alone} {half}");
        assert!(yardstick.given(Mark(usize::MAX), used(0), Duration::from_secs(1)).is_err());
    }
}
