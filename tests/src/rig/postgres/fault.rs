//! What befalls a group, for real, and how it is healed.

use super::{APPLICATION, PostgresGroup, SUPERUSER};
use crate::process::{Process, wait_until};
use crate::rig::proxy::Proxy;
use crate::rig::{Failure, packages, server};
use std::io::Write;
use std::process::{ChildStdin, Command};
use std::time::Duration;

/// A fault of a whole group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The primary is killed. Healed by starting it again; or promote a standby and let it rejoin.
    Kill,
    /// The primary stands still: connections stay open, nothing answers.
    Freeze,
    /// The primary takes no writes (`default_transaction_read_only`); connections that are open stay.
    ReadOnly,
    /// The primary was demoted: it comes back as a standby, and nobody was promoted.
    Demoted,
    /// Both standbys stand still: the primary answers reads, and no commit.
    NoQuorum,
    /// Both standbys are that far away, each way: each commit takes at least twice as long as this.
    Slow(Duration),
    /// The primary's disk has no room. Needs [`super::PostgresOptions::small_disk_mib`].
    DiskFull,
    /// All connections that the application might have had are taken by another.
    NoConnections,
}

/// A fault that is there, and what heals it.
pub(super) enum Broken {
    Killed,
    Frozen,
    ReadOnly,
    Demoted,
    NoQuorum,
    Slow(Vec<Proxy>),
    DiskFull,
    NoConnections(Hog),
}

impl PostgresGroup {
    /// Brings a fault upon the group.
    /// # Errors
    /// It cannot be brought about here.
    pub fn inflict(&mut self, fault: Fault) -> Result<(), Failure> {
        let broken = match fault {
            Fault::Kill => {
                self.primary_mut().kill();
                Broken::Killed
            }
            Fault::Freeze => {
                self.primary().freeze()?;
                Broken::Frozen
            }
            Fault::ReadOnly => {
                self.primary_mut().set("default_transaction_read_only", "on")?;
                Broken::ReadOnly
            }
            Fault::Demoted => {
                self.demote()?;
                Broken::Demoted
            }
            Fault::NoQuorum => {
                self.standbys().try_for_each(super::PostgresNode::freeze)?;
                Broken::NoQuorum
            }
            Fault::Slow(by) => Broken::Slow(self.slow(by)?),
            Fault::DiskFull => {
                self.primary().fill_disk()?;
                // Otherwise what is left of the segment in hand would still be written.
                let _ = self.primary().superuser().run("SELECT pg_switch_wal()", Duration::from_secs(2));
                Broken::DiskFull
            }
            Fault::NoConnections => Broken::NoConnections(Hog::new(self)?),
        };
        self.broken.push(broken);
        Ok(())
    }

    /// Takes all faults away, the last one first, and waits until the group is whole.
    /// # Errors
    /// It does not become whole.
    pub fn heal(&mut self) -> Result<(), Failure> {
        while let Some(broken) = self.broken.pop() {
            self.mend(broken)?;
        }
        self.wait_for_standbys(2)
    }

    fn mend(&mut self, broken: Broken) -> Result<(), Failure> {
        match broken {
            Broken::Killed if self.primary_mut().is_running() => self.rejoin(),
            Broken::Killed => self.primary_mut().start(),
            Broken::Frozen => {
                self.nodes.iter().for_each(super::PostgresNode::thaw);
                if self.standbys_mut().all(|node| node.is_running()) { Ok(()) } else { self.rejoin() }
            }
            Broken::ReadOnly => {
                self.nodes.iter_mut().try_for_each(|node| node.unset("default_transaction_read_only"))
            }
            Broken::Demoted => self.primary().promote(),
            Broken::NoQuorum => {
                self.nodes.iter().for_each(super::PostgresNode::thaw);
                Ok(())
            }
            Broken::Slow(lines) => {
                let primary = self.primary().address();
                self.standbys_mut().try_for_each(|node| node.follow(primary))?;
                drop(lines);
                self.wait_for_commit()
            }
            Broken::DiskFull => {
                self.nodes.iter().try_for_each(super::PostgresNode::empty_disk)?;
                if self.primary_mut().is_running() { Ok(()) } else { self.primary_mut().start() }
            }
            Broken::NoConnections(hog) => {
                drop(hog);
                self.wait_for_commit()
            }
        }
    }

    fn wait_for_commit(&self) -> Result<(), Failure> {
        let application = self.primary().application();
        let commits = || {
            let write = "CREATE TEMPORARY TABLE probe (n int); SELECT txid_current()";
            application.run(write, Duration::from_secs(2)).is_ok_and(|outcome| outcome.rows().is_ok())
        };
        if wait_until(Duration::from_secs(20), commits) {
            return Ok(());
        }
        Err(server::failure("the group", "does not commit after the fault", &self.primary().log()))
    }

    /// The primary stops and comes back as a standby with nobody to follow, as a manager's demotion does it.
    fn demote(&mut self) -> Result<(), Failure> {
        let primary = self.primary_mut();
        primary.stop();
        primary.be_standby(None)?;
        primary.start()
    }

    fn slow(&mut self, by: Duration) -> Result<Vec<Proxy>, Failure> {
        let primary = self.primary().address();
        let mut lines = Vec::new();
        for node in self.standbys_mut() {
            let line = Proxy::start(primary)?;
            line.delay(by);
            node.follow(line.address())?;
            lines.push(line);
        }
        let through = |lines: &[Proxy]| lines.iter().all(|line| line.open_connections() > 0);
        if wait_until(Duration::from_secs(20), || through(&lines)) {
            self.wait_for_standbys(2)?;
            return Ok(lines);
        }
        Err(server::failure("the standbys", "did not move to the slow line", &self.primary().log()))
    }
}

/// Holds all the connections that are to be had. One session of the superuser's, in one of the reserved places, opens
/// them from inside the server, after ending those of the application.
pub(super) struct Hog {
    _session: Process,
    _stdin: Option<ChildStdin>,
}

impl Hog {
    fn new(group: &PostgresGroup) -> Result<Self, Failure> {
        let primary = group.primary();
        let superuser = primary.superuser();
        let application = primary.application();
        let log = primary.log().with_extension("hog.log");
        let mut command = Command::new(packages::postgres_programs()?.join("psql"));
        command
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"])
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", primary.address().port().to_string())
            .env("PGUSER", SUPERUSER)
            .env("PGPASSWORD", superuser.password.expose())
            .env("PGDATABASE", SUPERUSER)
            .env("PGGSSENCMODE", "disable");
        let mut session = Process::spawn("psql", &mut command, &log)?;
        let script = format!(
            "SET client_min_messages = error; SET statement_timeout = '60s';
             DO $$
             DECLARE held int := 0; misses int := 0;
             BEGIN
               WHILE misses < 25 LOOP
                 PERFORM pg_stat_clear_snapshot();
                 PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE usename = '{APPLICATION}' AND application_name <> 'hog';
                 BEGIN
                   PERFORM dblink_connect('hog' || held, 'host=127.0.0.1 port={} dbname={APPLICATION} '
                     'user={APPLICATION} password={} application_name=hog connect_timeout=2');
                   held := held + 1;
                   misses := 0;
                 EXCEPTION WHEN OTHERS THEN
                   misses := misses + 1;
                   PERFORM pg_sleep(0.02);
                 END;
               END LOOP;
             END $$;
             SELECT 'held';\n",
            primary.address().port(),
            application.password.expose()
        );
        let (mut stdin, stdout) =
            session.take_pipes().ok_or_else(|| Failure::Machine("psql has no pipes".into()))?;
        stdin.write_all(script.as_bytes()).map_err(Failure::file(&log))?;
        let mut said = String::new();
        let _ = std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut said);
        if said.trim() == "held" {
            return Ok(Self { _session: session, _stdin: Some(stdin) });
        }
        Err(server::failure(primary.name(), "did not give all its connections away", &log))
    }
}
