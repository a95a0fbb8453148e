//! Running a program under `strace`.

use super::{Failure, Files, Recording, snapshot};
use crate::process::wait_until;
use crate::rig::packages::{self, Package};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// All calls that change what is on a disk. Those that the model does not know are recorded too, so that a
/// program that begins to use them is found out.
const CALLS: &str = "trace=openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,\
                     sync_file_range,ftruncate,truncate,rename,renameat,renameat2,unlink,unlinkat,link,linkat";

/// Records what programs do to the database files in one folder. Several programs may run one after the
/// other; the last may be killed.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    log: PathBuf,
    before: Files,
}

impl Recorder {
    /// Begins with the files as they are now: they count as safely on the disk.
    /// # Errors
    /// `strace` is not there, or the files cannot be read.
    pub fn new(folder: &Path, log: &Path) -> Result<Self, Failure> {
        packages::ensure(&[Package::Strace])?;
        let folder = folder.canonicalize().map_err(Failure::file(folder))?;
        let before = snapshot(&folder)?;
        Ok(Self { folder, log: log.into(), before })
    }

    /// The words to be put before a program and its arguments. The program is then our own child, and `strace`
    /// stands beside it: a signal to the child reaches the program itself.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let log = self.log.to_string_lossy();
        let fixed =
            ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-ttt", "-y", "-xx", "-s", "1048576", "-A"];
        let named = ["-o", &log, "-e", CALLS, "-e", "signal=none", "--"];
        fixed.iter().chain(&named).map(|word| (*word).to_owned()).collect()
    }

    /// Waits until the log of a program that has ended is whole.
    /// # Errors
    /// It does not become so.
    pub fn ended(&self, pid: u32) -> Result<(), Failure> {
        let beside = |id: &u32| {
            let words = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words);
            words.starts_with("strace\0") && words.contains(&*self.log.to_string_lossy())
        };
        let ids = || {
            let entries = std::fs::read_dir("/proc").into_iter().flatten();
            entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        };
        if wait_until(Duration::from_secs(20), || !ids().any(|id| beside(&id))) {
            return Ok(());
        }
        Err(Failure::Machine(format!("strace of process {pid} does not end")))
    }

    /// The whole recording.
    /// # Errors
    /// The log cannot be read, or tells of calls that are not known here.
    pub fn recording(self) -> Result<Recording, Failure> {
        Recording::read(&self.folder, self.before, &self.log)
    }
}
