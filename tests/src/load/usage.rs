//! What a process and a core have used so far, as the kernel counts it.

use rustix::param::clock_ticks_per_second;
use std::fs;
use std::time::Duration;

/// The processor time of a whole process, user and system: threads that ended included, and children that it has seen
/// end.
pub(crate) fn cpu_of(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The program's name may hold spaces; what counts comes after its closing bracket.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = fields.split_whitespace().skip(11).take(4).filter_map(|t| t.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks.saturating_mul(1000) / clock_ticks_per_second().max(1))
}

/// The same of several processes.
pub(crate) fn cpu_of_all(processes: &[u32]) -> Duration {
    processes.iter().map(|id| cpu_of(*id)).sum()
}

/// The processor time of this thread, to the nanosecond.
pub(crate) fn cpu_of_this_thread() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

/// The processor time of all threads of a process that live now, to the nanosecond: for what uses hardly any.
pub(crate) fn cpu_of_threads(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        text.split_whitespace()
            .next()
            .and_then(|ns| ns.parse().ok())
            .map_or(Duration::ZERO, Duration::from_nanos)
    };
    threads.map(of).sum()
}

/// The most memory that a process has held, in MiB.
pub(crate) fn peak_mib(pid: u32) -> f64 {
    mib(pid, "VmHWM:")
}

/// The memory that a process holds now, in MiB: its own, and what it has read of its program and its files.
pub(crate) fn resident_mib(pid: u32) -> f64 {
    mib(pid, "VmRSS:")
}

fn mib(pid: u32, what: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u32>().ok());
    f64::from(kib.unwrap_or(0)) / 1024.0
}

/// How long a core has been busy with anything at all, interrupts and the host's own work included.
pub(crate) fn busy(core: usize) -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let name = format!("cpu{core}");
    let Some(line) = stat.lines().find(|line| line.split_whitespace().next() == Some(&name)) else {
        return Duration::ZERO;
    };
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|t| t.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; guest time is counted in user time already.
    let busy: u64 = [0, 1, 2, 5, 6, 7].iter().filter_map(|at| ticks.get(*at)).sum();
    Duration::from_millis(busy.saturating_mul(1000) / clock_ticks_per_second().max(1))
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
    pub(crate) fn start(processes: P, core: usize) -> Self {
        let process = cpu_of_all(&processes());
        Self { processes, core, process, busy: busy(core) }
    }

    pub(crate) fn read(self) -> Used {
        let process = cpu_of_all(&(self.processes)()).saturating_sub(self.process);
        let all = busy(self.core).saturating_sub(self.busy);
        Used { process, others: all.saturating_sub(process) }
    }
}
