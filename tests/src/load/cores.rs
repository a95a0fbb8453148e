//! Which core does what. What is measured has one core to itself; what measures it has another.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::io;

/// The two cores of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cores {
    /// The server's.
    pub server: usize,
    /// That of the tills, and of everything else.
    pub tills: usize,
}

impl Cores {
    /// The first and the last core that this process may use.
    /// # Errors
    /// There is only one.
    pub fn choose() -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
        match cores.as_slice() {
            [first, .., last] => Ok(Self { server: *last, tills: *first }),
            _ => Err(io::Error::other("two cores are needed: one for the server, one for the tills")),
        }
    }
}

/// Keeps this thread, and the threads and processes that it starts from now on, on one core.
/// # Errors
/// The system does not let it.
pub fn pin(core: usize) -> io::Result<()> {
    let mut one = CpuSet::new();
    one.set(core);
    Ok(sched_setaffinity(None, &one)?)
}

/// Does something on one core, then goes back to where this thread was. A process that is started stays there.
/// # Errors
/// The system does not let it.
pub fn on<T>(core: usize, work: impl FnOnce() -> T) -> io::Result<T> {
    let before = sched_getaffinity(None)?;
    pin(core)?;
    let done = work();
    sched_setaffinity(None, &before)?;
    Ok(done)
}
