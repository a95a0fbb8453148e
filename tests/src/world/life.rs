//! Whether a process lives. What it does can be seen from outside only in what it sends and writes: once it is dead,
//! nothing of that leaves it, at whatever await it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One run of a process.
#[derive(Clone, Debug)]
pub struct Life(Arc<AtomicBool>);

impl Life {
    pub fn begin() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    pub fn end(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    pub fn lives(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Goes on only if the process lives.
    pub async fn or_never(&self) {
        if !self.lives() {
            std::future::pending::<()>().await;
        }
    }
}

/// Something that is under way, and counts as long as it is.
pub struct Flight(Arc<AtomicU64>);

impl Flight {
    /// One more is under way from here on.
    pub fn begin(count: &Arc<AtomicU64>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
