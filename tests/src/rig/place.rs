//! The folder of one rig: all its processes run in it, all its mounts are below it, and all of it goes together.
//!
//! A process belongs to a folder when its working directory is below it. That holds for servers that fork children
//! into sessions of their own, as PostgreSQL does, where process groups do not. A place keeps a lock on a file as long
//! as its owner lives; whoever makes the next place ends and removes those whose owner is gone.

use super::{Failure, server};
use crate::process::wait_until;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const OWNER: &str = "owner.lock";
const PATIENCE: Duration = Duration::from_secs(10);

/// Whom servers run as: PostgreSQL refuses root.
#[derive(Clone, Debug)]
pub struct User {
    /// The login, and its user and group numbers, if we have to change to it.
    other: Option<(String, u32, u32)>,
}

impl User {
    /// The user with this login if we are root, and ourselves if not.
    /// # Errors
    /// There is no such user.
    pub fn unprivileged(login: &str) -> Result<Self, Failure> {
        if !is_root() {
            return Ok(Self { other: None });
        }
        let users = Path::new("/etc/passwd");
        let text = fs::read_to_string(users).map_err(Failure::file(users))?;
        let found = text.lines().find_map(|line| {
            let mut fields = line.split(':');
            let is_it = fields.next() == Some(login);
            let mut numbers = fields.skip(1).map_while(|field| field.parse().ok());
            if is_it { Some((login.to_owned(), numbers.next()?, numbers.next()?)) } else { None }
        });
        let missing = || Failure::Machine(format!("there is no user {login:?}: install its package"));
        Ok(Self { other: Some(found.ok_or_else(missing)?) })
    }

    /// A call of a program as this user. The program replaces the tool that changes the user, so a signal to
    /// the process reaches the program.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let Some((login, ..)) = &self.other else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        command
            .args([&format!("--reuid={login}"), &format!("--regid={login}"), "--init-groups", "--"])
            .arg(program);
        command
    }

    fn give(&self, path: &Path, mode: u32) -> Result<(), Failure> {
        if let Some((_, user, group)) = &self.other {
            chown(path, Some(*user), Some(*group)).map_err(Failure::file(path))?;
        }
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Failure::file(path))
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// A call of a program with all rights: directly as root, by `sudo` without a question otherwise.
#[must_use]
pub(super) fn as_root(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

/// A folder with all that runs in it. Dropping it kills, unmounts and removes all of that.
#[derive(Debug)]
pub struct Place {
    dir: PathBuf,
    user: User,
    _owner: File,
}

impl Place {
    /// Makes a new place, in which servers run as `login`, after removing what ended runs left behind.
    /// # Errors
    /// The folder cannot be made, or not by that user be used.
    pub fn new(name: &str, login: &str) -> Result<Self, Failure> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let user = User::unprivileged(login)?;
        let base = base();
        fs::create_dir_all(&base).map_err(Failure::file(&base))?;
        fs::set_permissions(&base, Permissions::from_mode(0o755)).map_err(Failure::file(&base))?;
        let gate = base.join("gate.lock");
        let gate_file = File::create(&gate).map_err(Failure::file(&gate))?;
        // Held while places come and are swept: a new one is never seen without its owner's lock.
        gate_file.lock().map_err(Failure::file(&gate))?;
        sweep(&base);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = base.join(format!("{name}-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).map_err(Failure::file(&dir))?;
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).map_err(Failure::file(&dir))?;
        let owner = dir.join(OWNER);
        let file = File::create(&owner).map_err(Failure::file(&owner))?;
        file.lock().map_err(Failure::file(&owner))?;
        server::run(
            &format!("{} cannot be entered by {login:?}: choose another TMPDIR", dir.display()),
            user.command("test").arg("-x").arg(&dir),
        )?;
        Ok(Self { dir, user, _owner: file })
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whom its servers run as.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Where a server's log goes: beside its folder, never on a disk that a fault fills.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.log"))
    }

    /// Makes a folder in here that belongs to the servers' user alone.
    /// # Errors
    /// It cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.dir.join(name);
        fs::create_dir_all(&path).map_err(Failure::file(&path))?;
        self.user.give(&path, 0o700)?;
        Ok(path)
    }

    /// Writes a file that belongs to the servers' user alone, in one step.
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path, text: &str) -> Result<(), Failure> {
        let new = path.with_extension("new");
        let _ = fs::remove_file(&new);
        fs::write(&new, text).map_err(Failure::file(&new))?;
        self.user.give(&new, 0o600)?;
        fs::rename(&new, path).map_err(Failure::file(path))
    }

    /// Mounts a disk of its own, in memory, of this size, at a folder in here.
    /// # Errors
    /// This machine does not let us mount.
    pub fn mount(&self, folder: &Path, mib: u32) -> Result<(), Failure> {
        server::run(
            "a small disk (tmpfs) cannot be mounted; this rig needs root, or sudo, and the right to mount",
            as_root("mount").args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"]).arg(folder),
        )?;
        self.user.give(folder, 0o700)
    }

    /// Sets the size of a mounted disk. Smaller than what is in it is refused by the kernel; as large is full.
    /// # Errors
    /// The kernel refuses.
    pub fn resize(&self, folder: &Path, size: &str) -> Result<(), Failure> {
        let option = format!("remount,size={size}");
        server::run("the small disk cannot be resized", as_root("mount").args(["-o", &option]).arg(folder))
            .map(drop)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        remove(&self.dir);
    }
}

fn base() -> PathBuf {
    let user = fs::metadata("/proc/self").map_or(0, |me| me.uid());
    let temp = std::env::temp_dir();
    let temp = temp.canonicalize().unwrap_or(temp);
    temp.join(format!("evertill-rigs-{user}"))
}

/// Removes the places whose owner is gone.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    for dir in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()) {
        let is_gone = File::open(dir.join(OWNER)).map_or(true, |file| file.try_lock().is_ok());
        if is_gone {
            remove(&dir);
        }
    }
}

fn remove(dir: &Path) {
    kill(dir);
    for mount in mounts_below(dir) {
        let quiet = |command: &mut Command| {
            command.arg(&mount).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        if !quiet(&mut as_root("umount")) {
            quiet(as_root("umount").arg("--lazy"));
        }
    }
    if let Err(error) = fs::remove_dir_all(dir)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(dir = %dir.display(), %error, "a rig's folder could not be removed");
    }
}

fn mounts_below(dir: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let points = text.lines().filter_map(|line| line.split(' ').nth(1)).map(PathBuf::from);
    let mut found: Vec<PathBuf> = points.filter(|point| point.starts_with(dir)).collect();
    found.reverse();
    found
}

/// The processes whose working directory is `dir` or below it.
#[must_use]
pub fn processes_in(dir: &Path) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|cwd| cwd.starts_with(dir))).collect()
}

fn signal(name: &str, ids: &[u32]) {
    // The shell's `kill`, so that no unsafe code is needed for one system call.
    let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
    let line = format!("kill -{name} {}", ids.join(" "));
    let _ = Command::new("sh").args(["-c", &line]).stderr(Stdio::null()).status();
}

fn is_stopped(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The state follows the name, which may itself hold spaces and brackets. No such process is as good.
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['T', 'Z', 'X']))
}

/// Stops all processes in a folder where they stand, children that are being born too. Says whether all stand.
pub fn freeze(dir: &Path) -> bool {
    wait_until(PATIENCE, || {
        let moving: Vec<u32> = processes_in(dir).into_iter().filter(|id| !is_stopped(*id)).collect();
        if !moving.is_empty() {
            signal("STOP", &moving);
        }
        moving.is_empty()
    })
}

/// Lets them go on.
pub fn thaw(dir: &Path) {
    signal("CONT", &processes_in(dir));
}

/// Kills all processes in a folder as if the machine had gone: none acts between the first's end and the last's.
/// Says whether all are gone.
pub fn kill(dir: &Path) -> bool {
    if processes_in(dir).is_empty() {
        return true;
    }
    freeze(dir);
    wait_until(PATIENCE, || {
        let left = processes_in(dir);
        if !left.is_empty() {
            signal("KILL", &left);
        }
        left.is_empty()
    })
}
