//! Whether a process lives. What it does can be seen from outside only in what it sends and writes: once it is dead,
//! nothing of that leaves it, at whatever await it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
