//! What befalls a group that is a SQLite file, brought about from outside of the server.

use super::group::Fault;
use super::hold;
use crate::process::{Process, wait_until};
use crate::rig::Failure;
use crate::rig::packages::{self, Package};
use crate::rig::place::Place;
use crate::rig::small_disk::SmallDisk;
use crate::store_rig::{RigError, StoreRig};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How large the disk is that fills.
const MIB: u32 = 24;

/// A group's file, and the fault that it has.
pub(super) struct FileFault {
    file: PathBuf,
    dir: PathBuf,
    disk: Option<SmallDisk>,
    broken: Option<Broken>,
}

enum Broken {
    /// A process that has the lock.
    Held(Process),
    /// A process that answers the server's calls in the place of the disk.
    Injected(Process),
    Full,
}

impl FileFault {
    /// Prepares what the fault needs: a file that is to have no room is moved onto a disk that can be filled.
    pub(super) fn prepare(
        rig: &mut StoreRig,
        place: &Place,
        tag: u8,
        fault: Fault,
    ) -> Result<Self, RigError> {
        let file = rig.group_file(tag);
        let mut disk = None;
        if fault == Fault::Diskfull {
            rig.stop_server();
            fold(&file)?;
            let small = rig.data_dir().join("small");
            disk = Some(SmallDisk::under(place, &small, MIB).map_err(failed)?);
            let there = small.join(file.file_name().unwrap_or_default());
            let moved = fs::copy(&file, &there).and_then(|_| fs::remove_file(&file));
            let moved = moved.and_then(|()| symlink(&there, &file));
            moved.map_err(|error| RigError::File { path: file.clone(), error })?;
            rig.start_server()?;
        }
        Ok(Self { file, dir: place.dir().into(), disk, broken: None })
    }

    pub(super) fn inflict(&mut self, fault: Fault, server: u32) -> Result<(), RigError> {
        let broken = match fault {
            Fault::Kill => {
                let calls = "openat,pread64,pwrite64,fdatasync,fsync,ftruncate";
                Broken::Injected(self.inject(server, calls, "EIO")?)
            }
            Fault::Readonly => {
                Broken::Injected(self.inject(server, "pwrite64,fdatasync,fsync,ftruncate", "EROFS")?)
            }
            Fault::Freeze => {
                let holder = hold::start(&self.file, &self.dir, &[])?;
                holder.signal(19);
                Broken::Held(holder)
            }
            Fault::Slow => {
                let bursts = ["--for-ms", "300", "--free-ms", "150"];
                Broken::Held(hold::start(&self.file, &self.dir, &bursts)?)
            }
            Fault::Diskfull => {
                if let Some(disk) = &self.disk {
                    disk.fill().map_err(failed)?;
                }
                Broken::Full
            }
            Fault::Connections => {
                let why = "a SQLite file has no connections to run out of: use --engine postgres";
                return Err(RigError::Unexpected(why.into()));
            }
        };
        self.broken = Some(broken);
        Ok(())
    }

    pub(super) fn heal(&mut self) -> Result<(), RigError> {
        match self.broken.take() {
            Some(Broken::Held(mut holder)) => holder.kill(),
            Some(Broken::Injected(mut strace)) => strace.stop(Duration::from_secs(5)),
            Some(Broken::Full) => {
                if let Some(disk) = &self.disk {
                    disk.make_room().map_err(failed)?;
                }
            }
            None => {}
        }
        Ok(())
    }

    /// From now on the system answers the server's calls about this file, and its log, with an error.
    fn inject(&self, server: u32, calls: &str, error: &str) -> Result<Process, RigError> {
        packages::ensure(&[Package::Strace]).map_err(failed)?;
        let log = self.dir.join("logs/strace.log");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-p", &server.to_string()]);
        for beside in ["", "-wal", "-shm"] {
            let mut path = self.file.clone().into_os_string();
            path.push(beside);
            command.arg("-P").arg(path);
        }
        command.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:error={error}")]);
        command.current_dir(&self.dir);
        let process = Process::spawn("strace", &mut command, &log)?;
        if wait_until(Duration::from_secs(5), || is_traced(server)) {
            return Ok(process);
        }
        Err(RigError::Unexpected(format!("strace does not come between; see {}", log.display())))
    }
}

/// Takes the log of a file that nobody uses into it, so that the file is the whole of it.
fn fold(file: &Path) -> Result<(), RigError> {
    let fold = || -> rusqlite::Result<()> {
        let connection = rusqlite::Connection::open(file)?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        connection.close().map_err(|(_, error)| error)
    };
    fold().map_err(|error| RigError::Unexpected(format!("{}: {error}", file.display())))
}

fn failed(failure: Failure) -> RigError {
    RigError::Unexpected(failure.to_string())
}

/// Whether all threads of a process are watched.
fn is_traced(process: u32) -> bool {
    let folder = format!("/proc/{process}/task");
    let Ok(threads) = fs::read_dir(Path::new(&folder)) else { return false };
    threads.flatten().all(|thread| {
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        status.lines().any(|l| l.strip_prefix("TracerPid:").is_some_and(|pid| pid.trim() != "0"))
    })
}
