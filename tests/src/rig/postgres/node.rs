//! One PostgreSQL server: its folder, its settings, its process.

use super::{APPLICATION, Conninfo, HBA, Login, Passwords, PostgresOptions, REPLICATOR, SUPERUSER};
use crate::process::{Process, wait_until};
use crate::rig::place::{self, Place};
use crate::rig::{Failure, packages, ports, server};
use evertill_shared::secret::SecretText;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(20);

/// What the nodes of one group share.
pub(super) struct Common {
    pub(super) place: Place,
    pub(super) passwords: Passwords,
    pub(super) options: PostgresOptions,
    pub(super) programs: PathBuf,
}

impl Common {
    pub(super) fn new(name: &str, options: PostgresOptions) -> Result<Arc<Self>, Failure> {
        packages::ensure(&[packages::Package::Postgresql])?;
        Ok(Arc::new(Self {
            place: Place::new(name, SUPERUSER)?,
            passwords: Passwords::new()?,
            options,
            programs: packages::postgres_programs()?,
        }))
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = self.place.user().command(self.programs.join(name));
        command.current_dir(self.place.dir()).env("LC_ALL", "C.UTF-8").env("PGGSSENCMODE", "disable");
        command
    }
}

/// One PostgreSQL server. Its address stays the same when it is started again.
pub struct PostgresNode {
    name: String,
    common: Arc<Common>,
    /// The folder that its processes run below; a disk of its own, if it has one.
    home: PathBuf,
    /// The folder of its settings: never on the disk that a fault fills.
    config: PathBuf,
    port: u16,
    settings: BTreeMap<String, String>,
    process: Option<Process>,
}

impl PostgresNode {
    /// A new server alone, running, with the application's role and database.
    /// # Errors
    /// See [`Failure`].
    pub fn start_alone(name: &str, options: PostgresOptions) -> Result<Self, Failure> {
        let mut node = Self::prepare("p", &Common::new(name, options)?)?;
        node.create()?;
        node.start()?;
        Ok(node)
    }

    /// The folders of a node, and nothing in them.
    pub(super) fn prepare(name: &str, common: &Arc<Common>) -> Result<Self, Failure> {
        let home = common.place.folder(name)?;
        let config = common.place.folder(&format!("{name}.conf.d"))?;
        if let Some(mib) = common.options.small_disk_mib {
            common.place.mount(&home, mib)?;
        }
        let port = ports::free()?;
        let mut settings = common.options.base_settings();
        settings.insert("port".into(), port.to_string());
        let common = Arc::clone(common);
        Ok(Self { name: name.into(), common, home, config, port, settings, process: None })
    }

    /// Makes a new database cluster with roles and the application's database in it. It is not started yet.
    pub(super) fn create(&self) -> Result<(), Failure> {
        let secret = self.config.join("superuser");
        self.common.place.write(&secret, self.common.passwords.superuser.expose())?;
        let mut initdb = self.common.tool("initdb");
        initdb.arg("-D").arg(self.data()).arg(format!("--pwfile={}", secret.display()));
        initdb.args(["-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"]);
        initdb.args(["--no-sync", "--no-instructions"]);
        if self.common.options.small_disk_mib.is_some() {
            initdb.arg("--wal-segsize=1");
        }
        server::run("initdb", &mut initdb)?;
        self.write_settings()?;
        let passwords = &self.common.passwords;
        // A line each, for a server without a network, which is quicker than starting one to stop it again.
        let script = format!(
            "CREATE ROLE {REPLICATOR} REPLICATION LOGIN PASSWORD '{}'\n\
             CREATE ROLE {APPLICATION} LOGIN PASSWORD '{}'\n\
             CREATE DATABASE {APPLICATION} OWNER {APPLICATION}\n\
             CREATE EXTENSION dblink\n",
            passwords.replicator.expose(),
            passwords.application.expose()
        );
        let mut single = self.common.tool("postgres");
        single.args(["--single", "-c", "fsync=off", "-c", "log_min_messages=error"]);
        // With our settings already: a standby needs as many connections as the primary was last run with.
        single
            .arg("-c")
            .arg(format!("config_file={}", self.config.join("postgresql.conf").display()))
            .arg("-D");
        let (_, said) =
            server::feed("filling a new database", single.arg(self.data()).arg(SUPERUSER), &script)?;
        if said.contains("ERROR") {
            return Err(Failure::Sql(format!("filling a new database: {said}")));
        }
        Ok(())
    }

    /// Becomes a copy of a node that is not running, and its standby. It is not started yet.
    pub(super) fn copy_at_rest(&mut self, from: &Self) -> Result<(), Failure> {
        let mut copy = self.common.place.user().command("cp");
        server::run("copying a database", copy.arg("-a").arg(from.data()).arg(self.data()))?;
        self.be_standby(Some(from.address()))
    }

    /// Chooses whose acknowledgement its commits wait for, before it is started.
    pub(super) fn wait_for(&mut self, names: String) {
        self.settings.insert("synchronous_standby_names".into(), names);
    }

    /// Becomes a standby of the server at `primary`: what was here goes, a copy of that server comes.
    pub(super) fn copy_from(&mut self, primary: SocketAddr) -> Result<(), Failure> {
        self.kill();
        let data = self.data();
        if data.exists() {
            fs::remove_dir_all(&data).map_err(Failure::file(&data))?;
        }
        let mut copy = self.common.tool("pg_basebackup");
        copy.arg("-D").arg(&data).args(["--checkpoint=fast", "--no-sync", "-w"]);
        copy.args(["-h", "127.0.0.1", "-p", &primary.port().to_string(), "-U", REPLICATOR]);
        copy.env("PGPASSWORD", self.common.passwords.replicator.expose());
        server::run(&format!("{}: copying the primary", self.name), &mut copy)?;
        self.be_standby(Some(primary))?;
        self.start()
    }

    /// Writes down that it starts as a standby, of that server or of none.
    pub(super) fn be_standby(&mut self, primary: Option<SocketAddr>) -> Result<(), Failure> {
        self.common.place.write(&self.data().join("standby.signal"), "")?;
        self.settings.remove("primary_conninfo");
        primary.map_or(Ok(()), |primary| self.aim(primary))
    }

    fn aim(&mut self, primary: SocketAddr) -> Result<(), Failure> {
        let secret = self.config.join("replicator");
        let line = format!("*:*:*:*:{}\n", self.common.passwords.replicator.expose());
        self.common.place.write(&secret, &line)?;
        let whence = format!(
            "host=127.0.0.1 port={} user={REPLICATOR} passfile={} application_name={}",
            primary.port(),
            secret.display(),
            self.name
        );
        self.settings.insert("primary_conninfo".into(), whence);
        self.write_settings()
    }

    /// As a running standby: streams from that server from here on.
    /// # Errors
    /// See [`Failure`].
    pub fn follow(&mut self, primary: SocketAddr) -> Result<(), Failure> {
        self.aim(primary)?;
        self.reload();
        Ok(())
    }

    fn write_settings(&self) -> Result<(), Failure> {
        let mut text = String::new();
        for (name, value) in &self.settings {
            let _ = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
        }
        self.common.place.write(&self.config.join("postgresql.conf"), &text)?;
        self.common.place.write(&self.config.join("pg_hba.conf"), HBA)
    }

    fn reload(&self) {
        if let Some(process) = &self.process {
            process.signal(1);
        }
    }

    /// Changes a setting that a running server takes up, and waits until it has. A frozen or overfull server takes it
    /// up when it can.
    /// # Errors
    /// See [`Failure`].
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        self.settings.insert(name.into(), value.into());
        self.apply()
    }

    /// Takes a setting back to what it is by default.
    /// # Errors
    /// See [`Failure`].
    pub fn unset(&mut self, name: &str) -> Result<(), Failure> {
        self.settings.remove(name);
        self.apply()
    }

    fn apply(&self) -> Result<(), Failure> {
        let loaded = || {
            let asked = self.superuser().run("SELECT pg_conf_load_time()", Duration::from_secs(2)).ok()?;
            asked.rows().ok()
        };
        let before = loaded();
        self.write_settings()?;
        self.reload();
        if before.is_some() && !wait_until(STOP, || loaded().is_some_and(|now| Some(now) != before)) {
            return Err(server::failure(&self.name, "did not take up new settings", &self.log()));
        }
        Ok(())
    }

    /// Starts it and waits until it answers.
    /// # Errors
    /// See [`Failure`].
    pub fn start(&mut self) -> Result<(), Failure> {
        self.kill();
        self.write_settings()?;
        let mut command = self.common.tool("postgres");
        command.current_dir(&self.home).arg("-D").arg(self.data());
        for file in ["config_file=postgresql.conf", "hba_file=pg_hba.conf"] {
            let (setting, name) = file.split_once('=').unwrap_or_default();
            command.arg("-c").arg(format!("{setting}={}", self.config.join(name).display()));
        }
        let mut process = Process::spawn(&self.name, &mut command, &self.log())?;
        let mut asked = self.common.tool("pg_isready");
        asked.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-t", "2"]);
        server::wait_ready(&self.name, &mut process, START, || {
            asked.status().is_ok_and(|status| status.success())
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Asks it to stop: sessions end, all is written.
    pub fn stop(&mut self) {
        if let Some(process) = &self.process {
            process.signal(2);
        }
        let is_gone = wait_until(STOP, || !self.is_running());
        if !is_gone {
            self.kill();
        }
        self.process = None;
    }

    /// Kills all its processes at once, as if its machine had lost power (what it wrote and did not sync is kept).
    pub fn kill(&mut self) {
        place::kill(&self.home);
        self.process = None;
    }

    /// Stops it and starts it again.
    /// # Errors
    /// See [`Failure`].
    pub fn restart(&mut self) -> Result<(), Failure> {
        self.stop();
        self.start()
    }

    /// Stops all its processes where they stand (SIGSTOP): connections stay open and nothing answers.
    /// # Errors
    /// Some process cannot be stopped.
    pub fn freeze(&self) -> Result<(), Failure> {
        if place::freeze(&self.home) {
            return Ok(());
        }
        Err(server::failure(&self.name, "has processes that cannot be frozen", &self.log()))
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        place::thaw(&self.home);
    }

    /// Makes a standby a primary, and waits until it takes writes.
    /// # Errors
    /// It does not become one.
    pub fn promote(&self) -> Result<(), Failure> {
        let rows = self.superuser().rows("SELECT pg_promote(true, 15)")?;
        if rows == ["t"] {
            return Ok(());
        }
        Err(server::failure(&self.name, "was not promoted within 15 s", &self.log()))
    }

    /// Leaves no room on its disk.
    /// # Errors
    /// It has no disk of its own, or the kernel refuses.
    pub fn fill_disk(&self) -> Result<(), Failure> {
        if self.common.options.small_disk_mib.is_none() {
            return Err(Failure::Machine("a disk fills only on a node made with small_disk_mib".into()));
        }
        let mut refused = None;
        // As small as what is in it; it grows between the look and the change, so a few tries.
        for _ in 0..50 {
            let used = server::run("df", Command::new("df").args(["-k", "--output=used"]).arg(&self.home))?;
            let used: u64 = used.lines().nth(1).and_then(|line| line.trim().parse().ok()).unwrap_or(0);
            match self.common.place.resize(&self.home, &format!("{used}k")) {
                Ok(()) => return Ok(()),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.unwrap_or_else(|| Failure::Machine("the disk cannot be filled".into())))
    }

    /// Gives the disk its room back.
    /// # Errors
    /// The kernel refuses.
    pub fn empty_disk(&self) -> Result<(), Failure> {
        match self.common.options.small_disk_mib {
            Some(mib) => self.common.place.resize(&self.home, &format!("{mib}m")),
            None => Ok(()),
        }
    }

    /// Whether its main process runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(Process::is_running)
    }

    /// How its standby calls itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        ports::loopback(self.port)
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.common.place.log(&self.name)
    }

    /// All its processes, for counting what they cost.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        place::processes_in(&self.home)
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Its superuser, who has connections reserved.
    #[must_use]
    pub fn superuser(&self) -> Login {
        self.login(SUPERUSER, &self.common.passwords.superuser, SUPERUSER)
    }

    /// A new database of the application's, beside its first one, and how to reach it on this node.
    /// # Errors
    /// It cannot be made.
    pub fn create_database(&self, name: &str) -> Result<Conninfo, Failure> {
        self.superuser().rows(&format!("CREATE DATABASE {name} OWNER {APPLICATION}"))?;
        Ok(Conninfo {
            addresses: vec![self.address()],
            user: APPLICATION.into(),
            password: self.common.passwords.application.clone(),
            database: name.into(),
        })
    }

    /// The application's role, in the application's database.
    #[must_use]
    pub fn application(&self) -> Login {
        self.login(APPLICATION, &self.common.passwords.application, APPLICATION)
    }

    fn login(&self, user: &str, password: &SecretText, database: &str) -> Login {
        Login {
            addresses: vec![self.address()],
            needs_primary: false,
            user: user.into(),
            password: password.clone(),
            database: database.into(),
        }
    }
}

impl Drop for PostgresNode {
    fn drop(&mut self) {
        self.kill();
    }
}
