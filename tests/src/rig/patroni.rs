//! A group of three PostgreSQL servers whose fail-over belongs to Patroni, with etcd as its store.

use super::haproxy::{Backend, Check, Haproxy};
use super::place::{self, Place};
use super::postgres::{APPLICATION, Conninfo, Login, Passwords, REPLICATOR, SUPERUSER};
use super::{Failure, packages, ports, server};
use crate::process::{Process, tail};
use evertill_shared::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const SCOPE: &str = "evertill";
const START: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(2);

/// How Patroni watches the group. Shorter than its defaults (30, 10, 10), so that a drill is short; the time of a
/// promotion is bounded by `ttl_s` plus a loop.
#[derive(Clone, Debug)]
pub struct PatroniOptions {
    /// How long a primary that is not heard from stays the primary, in seconds.
    pub ttl_s: u32,
    /// How often each node looks, in seconds.
    pub loop_s: u32,
    /// How long a node tries to reach the store before it gives up being the primary, in seconds.
    pub retry_s: u32,
    /// How many connections each server takes.
    pub max_connections: u32,
}

impl Default for PatroniOptions {
    fn default() -> Self {
        Self { ttl_s: 5, loop_s: 1, retry_s: 2, max_connections: 60 }
    }
}

struct Member {
    name: String,
    home: PathBuf,
    port: u16,
    rest: u16,
    process: Option<Process>,
}

/// Three servers under Patroni. Dropping it ends and removes all of it.
pub struct PatroniGroup {
    members: Vec<Member>,
    etcd: Option<Process>,
    etcd_port: u16,
    passwords: Passwords,
    options: PatroniOptions,
    programs: PathBuf,
    place: Place,
}

impl PatroniGroup {
    /// A new group, running: one primary, and at least one standby that has all that is acknowledged.
    /// # Errors
    /// See [`Failure`].
    pub fn start(options: PatroniOptions) -> Result<Self, Failure> {
        use packages::Package::{Etcd, Patroni, Postgresql};
        packages::ensure(&[Postgresql, Patroni, Etcd])?;
        let mut group = Self {
            members: Vec::new(),
            etcd: None,
            etcd_port: ports::free()?,
            passwords: Passwords::new()?,
            options,
            programs: packages::postgres_programs()?,
            place: Place::new("patroni", SUPERUSER)?,
        };
        group.start_etcd()?;
        for number in 1..=3 {
            let name = format!("n{number}");
            let home = group.place.folder(&name)?;
            let member = Member { name, home, port: ports::free()?, rest: ports::free()?, process: None };
            group.members.push(member);
        }
        (0..group.members.len()).try_for_each(|index| group.start_member(index))?;
        group.wait_until_whole(|| ())?;
        group.create_application()?;
        Ok(group)
    }

    fn start_etcd(&mut self) -> Result<(), Failure> {
        let home = self.place.folder("etcd")?;
        let client = format!("http://127.0.0.1:{}", self.etcd_port);
        let peer = format!("http://127.0.0.1:{}", ports::free()?);
        let mut command = self.place.user().command("/usr/bin/etcd");
        command.current_dir(&home).args(["--name", "store", "--data-dir"]).arg(home.join("data"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("store={peer}"), "--logger", "zap"]);
        let mut process = Process::spawn("etcd", &mut command, &self.place.log("etcd"))?;
        let address = ports::loopback(self.etcd_port);
        server::wait_ready("etcd", &mut process, START, || {
            server::http(address, "GET", "/health", ANSWER).is_some_and(|(status, _)| status == 200)
        })?;
        self.etcd = Some(process);
        Ok(())
    }

    fn start_member(&mut self, index: usize) -> Result<(), Failure> {
        let config = self.config(&self.members[index]);
        let member = &mut self.members[index];
        let file = member.home.join("patroni.yml");
        // JSON is YAML.
        self.place.write(&file, &config.to_string())?;
        let mut command: Command = self.place.user().command("/usr/bin/patroni");
        command.current_dir(&member.home).arg(&file).env("LC_ALL", "C.UTF-8").env("HOME", &member.home);
        member.process = Some(Process::spawn("Patroni", &mut command, &self.place.log(&member.name))?);
        Ok(())
    }

    fn config(&self, member: &Member) -> Value {
        let login = |user: &str, password: &evertill_shared::secret::SecretText| json!({ "username": user, "password": password.expose() });
        json!({
            "scope": SCOPE,
            "name": member.name,
            "restapi": {
                "listen": ports::loopback(member.rest).to_string(),
                "connect_address": ports::loopback(member.rest).to_string(),
            },
            "etcd3": { "host": ports::loopback(self.etcd_port).to_string() },
            "bootstrap": {
                "dcs": self.watch(),
                "initdb": [{ "encoding": "UTF8" }, { "locale": "C.UTF-8" }, "data-checksums", "no-sync"],
            },
            "postgresql": {
                "listen": ports::loopback(member.port).to_string(),
                "connect_address": ports::loopback(member.port).to_string(),
                "data_dir": member.home.join("data").display().to_string(),
                "bin_dir": self.programs.display().to_string(),
                "pgpass": member.home.join("pgpass").display().to_string(),
                "authentication": {
                    "superuser": login(SUPERUSER, &self.passwords.superuser),
                    "replication": login(REPLICATOR, &self.passwords.replicator),
                },
                "pg_hba": super::postgres::HBA.lines().collect::<Vec<_>>(),
                "parameters": { "unix_socket_directories": "" },
                "basebackup": [{ "checkpoint": "fast" }, "no-sync"],
            },
        })
    }

    /// What all members agree on. Strict: without a standby that has it, nothing is acknowledged.
    fn watch(&self) -> Value {
        json!({
            "ttl": self.options.ttl_s,
            "loop_wait": self.options.loop_s,
            "retry_timeout": self.options.retry_s,
            "primary_start_timeout": 0,
            "synchronous_mode": true,
            "synchronous_mode_strict": true,
            "synchronous_node_count": 1,
            "postgresql": {
                "use_pg_rewind": true,
                "use_slots": true,
                "parameters": {
                    "max_connections": self.options.max_connections,
                    "shared_buffers": "32MB",
                    "fsync": "on",
                    "synchronous_commit": "on",
                    "wal_log_hints": "on",
                    "wal_keep_size": "128MB",
                    "max_wal_senders": 8,
                    "jit": "off",
                    "max_parallel_workers": 0,
                    "autovacuum_naptime": "10min",
                    "wal_retrieve_retry_interval": "200ms",
                },
            },
        })
    }

    fn wait_until_whole(&mut self, mut meanwhile: impl FnMut()) -> Result<(), Failure> {
        let settled = wait_calmly(START, || {
            meanwhile();
            let running =
                self.members.iter_mut().all(|m| m.process.as_mut().is_some_and(Process::is_running));
            !running
                || (self.primary().is_some()
                    && self.answering("/sync") >= 1
                    && self.answering("/replica") >= 2)
        });
        let running = self.members.iter_mut().all(|m| m.process.as_mut().is_some_and(Process::is_running));
        if settled && running {
            return Ok(());
        }
        let tails = self
            .members
            .iter()
            .map(|member| format!("{}:\n{}", member.name, tail(&self.place.log(&member.name))));
        Err(Failure::Server {
            name: "Patroni".into(),
            what: format!("was not a whole group within {} s", START.as_secs()),
            tail: tails.collect::<Vec<_>>().join("\n"),
        })
    }

    fn create_application(&self) -> Result<(), Failure> {
        let script = format!(
            "CREATE ROLE {APPLICATION} LOGIN PASSWORD '{}'; CREATE DATABASE {APPLICATION} OWNER {APPLICATION}",
            self.passwords.application.expose()
        );
        self.superuser().rows(&script).map(drop)
    }

    fn superuser(&self) -> Login {
        let password = self.passwords.superuser.clone();
        let user = || SUPERUSER.to_owned();
        Conninfo { user: user(), password, database: user(), ..self.conninfo() }.login()
    }

    fn says(&self, member: &Member, path: &str) -> bool {
        let answer = server::http(ports::loopback(member.rest), "GET", path, ANSWER);
        answer.is_some_and(|(status, _)| status == 200)
    }

    fn answering(&self, path: &str) -> usize {
        self.members.iter().filter(|member| self.says(member, path)).count()
    }

    /// The name of the member that says that it is the primary.
    #[must_use]
    pub fn primary(&self) -> Option<String> {
        self.members.iter().find(|member| self.says(member, "/primary")).map(|member| member.name.clone())
    }

    /// How the application reaches the group by its list of hosts.
    #[must_use]
    pub fn conninfo(&self) -> Conninfo {
        Conninfo {
            addresses: self.members.iter().map(|member| ports::loopback(member.port)).collect(),
            user: APPLICATION.into(),
            password: self.passwords.application.clone(),
            database: APPLICATION.into(),
        }
    }

    /// How the application reaches the group through one address, a balancer's.
    #[must_use]
    pub fn login_at(&self, address: SocketAddr) -> Login {
        Login { addresses: vec![address], needs_primary: false, ..self.conninfo().login() }
    }

    /// A HAProxy that leads to whoever is the primary, by Patroni's own word.
    /// # Errors
    /// It does not start.
    pub fn balancer(&self) -> Result<Haproxy, Failure> {
        let backends: Vec<Backend> = self
            .members
            .iter()
            .map(|member| Backend {
                name: member.name.clone(),
                address: ports::loopback(member.port),
                health: ports::loopback(member.rest),
            })
            .collect();
        Haproxy::start(Check::Http { path: "/primary".into() }, &backends)
    }

    fn index(&self, name: &str) -> Result<usize, Failure> {
        let found = self.members.iter().position(|member| member.name == name);
        found.ok_or_else(|| Failure::Machine(format!("there is no member {name:?}")))
    }

    /// Kills a member with its Patroni, as if its machine had gone.
    /// # Errors
    /// There is no such member.
    pub fn kill(&mut self, name: &str) -> Result<(), Failure> {
        let index = self.index(name)?;
        place::kill(&self.members[index].home);
        self.members[index].process = None;
        Ok(())
    }

    /// Stops a member and its Patroni where they stand.
    /// # Errors
    /// There is no such member, or some process cannot be stopped.
    pub fn freeze(&self, name: &str) -> Result<(), Failure> {
        let member = &self.members[self.index(name)?];
        if place::freeze(&member.home) {
            return Ok(());
        }
        Err(server::failure(name, "has processes that cannot be frozen", &self.place.log(name)))
    }

    /// Lets it go on.
    /// # Errors
    /// There is no such member.
    pub fn thaw(&self, name: &str) -> Result<(), Failure> {
        place::thaw(&self.members[self.index(name)?].home);
        Ok(())
    }

    /// Starts a member again and waits until the group is whole.
    /// # Errors
    /// See [`Failure`].
    pub fn start_again(&mut self, name: &str) -> Result<(), Failure> {
        let index = self.index(name)?;
        self.start_member(index)?;
        // A member that was rewound is ready once it has all up to where the primary was writing at that moment; in
        // a group without work the primary may keep that to itself, so it is asked to write it out.
        let mut written = SystemClock.monotonic();
        let superuser = self.superuser();
        self.wait_until_whole(|| {
            let now = SystemClock.monotonic();
            if now.saturating_sub(written) > Duration::from_secs(5) {
                written = now;
                let _ = superuser.run("SELECT pg_switch_wal()", ANSWER);
            }
        })
    }

    /// Waits until a member other than `old` is the primary; its name, and how long that took.
    /// # Errors
    /// None is in time.
    pub fn wait_for_other_primary(
        &self,
        old: &str,
        patience: Duration,
    ) -> Result<(String, Duration), Failure> {
        let start = SystemClock.monotonic();
        let mut found = None;
        wait_calmly(patience, || {
            found = self.members.iter().find(|m| m.name != old && self.says(m, "/primary"));
            found.is_some()
        });
        let took = SystemClock.monotonic().saturating_sub(start);
        let log = self.members.iter().find(|member| member.name != old).map(|m| self.place.log(&m.name));
        found.map(|member| (member.name.clone(), took)).ok_or_else(|| {
            let what = format!("promoted nobody within {} s", patience.as_secs());
            server::failure("Patroni", what, &log.unwrap_or_default())
        })
    }
}

impl Drop for PatroniGroup {
    fn drop(&mut self) {
        for member in &mut self.members {
            place::kill(&member.home);
            member.process = None;
        }
        self.etcd = None;
    }
}

/// Asks four times a second: each of Patroni's answers costs the server behind it a query, or a connection.
fn wait_calmly(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    crate::process::wait_until(patience, || {
        let so = is_so();
        if !so {
            std::thread::sleep(Duration::from_millis(225));
        }
        so
    })
}
