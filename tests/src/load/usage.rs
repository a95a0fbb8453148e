//! What a process and a core have used so far, as the kernel counts it. A figure that cannot be read is an error, never a
//! nought that looks like a good one.

use crate::load::wrong;
use crate::store_rig::RigError;
use rustix::param::clock_ticks_per_second;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// The processor time of a whole process, user and system, in hundredths of a second: threads that ended included, and
/// children that it has seen end.
/// # Errors
/// There is no such process.
pub(crate) fn cpu_of(pid: u32) -> Result<Duration, RigError> {
    time_of_process(&read(format!("/proc/{pid}/stat"))?)
}

/// The same of several processes. One that has ended since it was listed counts nothing: whoever waited for it has its time.
/// # Errors
/// What is there cannot be read.
pub(crate) fn cpu_of_all(processes: &[u32]) -> Result<Duration, RigError> {
    let of = |pid: &u32| match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(text) => time_of_process(&text),
        Err(error) if is_gone(&error) => Ok(Duration::ZERO),
        Err(error) => Err(wrong(format!("/proc/{pid}/stat: {error}"))),
    };
    processes.iter().map(of).sum()
}

/// The file is not there any more, or its process ended while it was read.
fn is_gone(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

fn time_of_process(stat: &str) -> Result<Duration, RigError> {
    // The program's name may hold spaces; what counts comes after its closing bracket.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<u64> = fields.split_whitespace().skip(11).take(4).map_while(|t| t.parse().ok()).collect();
    if ticks.len() < 4 {
        return Err(wrong(format!("no times of a process: {stat}")));
    }
    Ok(of_ticks(ticks.iter().sum()))
}

fn of_ticks(ticks: u64) -> Duration {
    Duration::from_millis(ticks.saturating_mul(1000) / clock_ticks_per_second().max(1))
}

/// The processor time of this thread, to the nanosecond.
/// # Errors
/// The kernel does not count it.
pub(crate) fn cpu_of_this_thread() -> Result<Duration, RigError> {
    let text = read("/proc/thread-self/schedstat")?;
    let ns = text.split_whitespace().next().and_then(|ns| ns.parse().ok()).filter(|ns| *ns > 0);
    ns.map(Duration::from_nanos).ok_or_else(|| wrong("the kernel does not count the time of threads"))
}

/// The most memory that a process has held, in MiB.
/// # Errors
/// There is no such process.
pub(crate) fn peak_mib(pid: u32) -> Result<f64, RigError> {
    mib(&status(pid)?, "VmHWM:")
}

/// The memory that a process would give back if it ended, in MiB: its own, and its share of what it shares with others,
/// such as the picture that a display server reads from it.
/// # Errors
/// There is no such process, or it is somebody else's.
pub(crate) fn proportional_mib(pid: u32) -> Result<f64, RigError> {
    mib(&read(format!("/proc/{pid}/smaps_rollup"))?, "Pss:")
}

/// The memory that a process holds now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// All that is in memory, in MiB: its own, and what it has read of its program and its files.
    pub resident: f64,
    /// Of that what is in no file: what it has allocated, and its threads' stacks.
    pub anonymous: f64,
}

impl Memory {
    /// Of this process.
    /// # Errors
    /// There is no such process.
    pub(crate) fn of(pid: u32) -> Result<Self, RigError> {
        let status = status(pid)?;
        Ok(Self { resident: mib(&status, "VmRSS:")?, anonymous: mib(&status, "RssAnon:")? })
    }
}

fn status(pid: u32) -> Result<String, RigError> {
    read(format!("/proc/{pid}/status"))
}

/// What the kernel tells in this file.
fn read(path: impl AsRef<Path>) -> Result<String, RigError> {
    let path = path.as_ref();
    fs::read_to_string(path).map_err(|error| wrong(format!("{}: {error}", path.display())))
}

fn mib(status: &str, what: &str) -> Result<f64, RigError> {
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u32>().ok());
    // A process that has ended and was not waited for has no memory any more, and no such line.
    kib.map(|kib| f64::from(kib) / 1024.0)
        .ok_or_else(|| wrong(format!("the kernel tells no {what} of a process")))
}

/// How long a core has been busy with anything at all, interrupts and the host's own work included.
/// # Errors
/// There is no such core.
pub(crate) fn busy(core: usize) -> Result<Duration, RigError> {
    let stat = read("/proc/stat")?;
    let name = format!("cpu{core}");
    let line = stat.lines().find(|line| line.split_whitespace().next() == Some(&name));
    let line = line.ok_or_else(|| wrong(format!("the kernel knows no {name}")))?;
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|t| t.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; guest time is counted in user time already.
    Ok(of_ticks([0, 1, 2, 5, 6, 7].iter().filter_map(|at| ticks.get(*at)).sum()))
}

/// What was used between two moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// By the processes.
    pub process: Duration,
    /// Of the core's time by others: the kernel's own threads, and neighbours that disturb the measurement.
    pub others: Duration,
}

/// A moment from which on usage is counted.
pub(crate) struct Meter<P> {
    /// Tells which processes there are: a database's come and go.
    processes: P,
    core: usize,
    process: Duration,
    busy: Duration,
}

impl<P: Fn() -> Vec<u32>> Meter<P> {
    /// Of these processes, on this core.
    /// # Errors
    /// The kernel does not tell.
    pub(crate) fn start(processes: P, core: usize) -> Result<Self, RigError> {
        let process = cpu_of_all(&processes())?;
        Ok(Self { processes, core, process, busy: busy(core)? })
    }

    /// # Errors
    /// The kernel does not tell.
    pub(crate) fn read(self) -> Result<Used, RigError> {
        let process = cpu_of_all(&(self.processes)())?.saturating_sub(self.process);
        let all = busy(self.core)?.saturating_sub(self.busy);
        Ok(Used { process, others: all.saturating_sub(process) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::wait_until;
    use std::process::{Command, id};

    #[test]
    fn what_cannot_be_read_is_an_error_and_not_nought() {
        let mut ended = Command::new("true").spawn().unwrap();
        let pid = ended.id();
        ended.wait().unwrap();
        assert!(
            cpu_of(pid).is_err()
                && peak_mib(pid).is_err()
                && Memory::of(pid).is_err()
                && proportional_mib(pid).is_err()
        );
        assert!(cpu_of_all(&[pid]).is_ok_and(|time| time.is_zero()), "whoever waited for it has its time");
        assert!(busy(usize::MAX).is_err());
        assert!(mib("VmPeak:	 1 kB\n", "VmRSS:").is_err());
        assert!(time_of_process("1 (a program) S 1 2 3").is_err());
    }

    #[test]
    fn a_living_process_has_memory_and_a_name_with_brackets_hides_no_times() {
        let memory = Memory::of(id()).unwrap();
        assert!(memory.resident > memory.anonymous && memory.anonymous > 0.0);
        let share = proportional_mib(id()).unwrap();
        assert!(share > 0.0 && share <= peak_mib(id()).unwrap(), "{share}");
        assert!(peak_mib(id()).unwrap() > 0.0);
        assert!(busy(0).is_ok());
        // The kernel brings a thread's time forward with its clock's ticks.
        let counted = || cpu_of_this_thread().is_ok_and(|time| !time.is_zero());
        assert!(wait_until(Duration::from_secs(10), || std::hint::black_box((0..100_000).sum::<u64>()) > 0
            && counted()));
        let hundredths = clock_ticks_per_second() / 100;
        let stat =
            format!("7 (a) b) S 1 1 1 0 -1 0 0 0 0 0 {} {hundredths} 0 {hundredths} 20 0", 3 * hundredths);
        assert_eq!(time_of_process(&stat).unwrap(), Duration::from_millis(50));
    }
}
