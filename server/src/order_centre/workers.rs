//! Threads for money that is under way.

use std::io;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use tokio::runtime::{Builder, Handle, Runtime};

/// One thread for so many processors: a payment waits most of the time, and costs little meanwhile.
const PROCESSORS_EACH: usize = 4;

/// Threads of the order centre's own. At the door a task stands in line behind whatever came in before it, and a payment
/// does so a dozen times from its intent to its answer. Here there is nothing but payments and refunds, and the
/// operating system shares the processors between those threads and the door's: however many stand at the door, what has
/// begun is finished.
#[derive(Debug)]
pub struct Workers {
    handle: Handle,
    /// Until they are dropped.
    runtime: Option<Runtime>,
}

impl Workers {
    /// Starts them.
    /// # Errors
    /// The system gives no threads.
    pub fn start() -> io::Result<Self> {
        let threads = available_parallelism().map_or(1, NonZeroUsize::get).div_ceil(PROCESSORS_EACH);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads).thread_name("payments").enable_all();
        let runtime = builder.build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Where they take work; nothing is done there any more once they are dropped.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // It may be dropped by a task, which must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
