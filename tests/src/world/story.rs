//! What happened, in order, with virtual time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;

/// The story of one run; all clones tell the same one.
#[derive(Clone, Debug)]
pub struct Story {
    start: Instant,
    told: Arc<Mutex<Told>>,
}

#[derive(Debug)]
struct Told {
    lines: Vec<String>,
    keep: bool,
    hash: DefaultHasher,
    count: u64,
}

impl Story {
    /// A story that begins now. Only its hash is kept, unless its lines are wanted.
    pub fn new(start: Instant, keep: bool) -> Self {
        // DefaultHasher::new has fixed keys: the same story has the same hash in every run.
        let told = Told { lines: Vec::new(), keep, hash: DefaultHasher::new(), count: 0 };
        Self { start, told: Arc::new(Mutex::new(told)) }
    }

    /// Tells one thing.
    pub fn tell(&self, what: impl AsRef<str>) {
        let at = self.start.elapsed().as_millis();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        (at, what.as_ref()).hash(&mut told.hash);
        told.count += 1;
        if told.keep {
            let line = format!("{:>5}.{:03}  {}", at / 1000, at % 1000, what.as_ref());
            told.lines.push(line);
        }
    }

    /// What tells this story from others.
    pub fn hash(&self) -> u64 {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).hash.finish()
    }

    /// Its lines, if they were kept.
    pub fn lines(&self) -> Vec<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }
}
