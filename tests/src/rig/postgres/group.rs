//! A primary with two standbys: what the primary acknowledges is on a standby's disk too.

use super::fault::Broken;
use super::node::Common;
use super::{APPLICATION, Login, PostgresNode, PostgresOptions};
use crate::process::wait_until;
use crate::rig::{Failure, server};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::secret::SecretText;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const NAMES: [&str; 3] = ["p", "s1", "s2"];
const JOIN: Duration = Duration::from_secs(30);

/// How a client reaches a group: any of the hosts may be the primary.
#[derive(Clone, Debug)]
pub struct Conninfo {
    /// All hosts, in the order in which they are tried.
    pub addresses: Vec<SocketAddr>,
    /// The role.
    pub user: String,
    /// Its password.
    pub password: SecretText,
    /// The database.
    pub database: String,
}

impl Conninfo {
    /// As one URL without the password: `postgresql://user@host:port,…/database?target_session_attrs=read-write`.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        format!(
            "postgresql://{}@{}/{}?target_session_attrs=read-write",
            self.user,
            hosts.join(","),
            self.database
        )
    }

    /// As a login for the rig's own SQL.
    #[must_use]
    pub fn login(&self) -> Login {
        Login {
            addresses: self.addresses.clone(),
            needs_primary: true,
            user: self.user.clone(),
            password: self.password.clone(),
            database: self.database.clone(),
        }
    }
}

/// What a promotion did.
#[derive(Clone, Debug)]
pub struct Promotion {
    /// The name of the new primary.
    pub primary: String,
    /// From the decision until the new primary took writes, the old one's fencing included.
    pub took: Duration,
}

/// A primary and two standbys. Dropping it ends and removes all of them.
pub struct PostgresGroup {
    pub(super) nodes: Vec<PostgresNode>,
    pub(super) primary: usize,
    pub(super) broken: Vec<Broken>,
    /// A primary of before that runs as if it still were one.
    astray: Option<usize>,
    common: Arc<Common>,
}

impl PostgresGroup {
    /// A new group, running, its standbys streaming and its commits waiting for them.
    /// # Errors
    /// See [`Failure`].
    pub fn start(name: &str, options: PostgresOptions) -> Result<Self, Failure> {
        let common = Common::new(name, options)?;
        let mut nodes =
            NAMES.iter().map(|name| PostgresNode::prepare(name, &common)).collect::<Result<Vec<_>, _>>()?;
        nodes[0].create()?;
        if let [primary, standbys @ ..] = nodes.as_mut_slice() {
            standbys.iter_mut().try_for_each(|node| node.copy_at_rest(primary))?;
        }
        for (index, node) in nodes.iter_mut().enumerate() {
            let others = NAMES.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, name)| *name);
            let others = others.collect::<Vec<_>>().join(", ");
            node.wait_for(format!("ANY {} ({others})", common.options.quorum));
        }
        start_together(&mut nodes)?;
        let group = Self { nodes, primary: 0, broken: Vec::new(), astray: None, common };
        group.wait_for_standbys(2)?;
        Ok(group)
    }

    /// The node that takes writes.
    #[must_use]
    pub fn primary(&self) -> &PostgresNode {
        &self.nodes[self.primary]
    }

    /// As [`PostgresGroup::primary`], to stop or change it.
    pub fn primary_mut(&mut self) -> &mut PostgresNode {
        &mut self.nodes[self.primary]
    }

    /// The other nodes.
    pub fn standbys(&self) -> impl Iterator<Item = &PostgresNode> {
        let primary = self.primary;
        self.nodes.iter().enumerate().filter(move |(index, _)| *index != primary).map(|(_, node)| node)
    }

    /// As [`PostgresGroup::standbys`], to stop or change them.
    pub fn standbys_mut(&mut self) -> impl Iterator<Item = &mut PostgresNode> {
        let primary = self.primary;
        self.nodes.iter_mut().enumerate().filter(move |(index, _)| *index != primary).map(|(_, node)| node)
    }

    /// All processes of all nodes, for counting what they cost.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        self.nodes.iter().flat_map(PostgresNode::processes).collect()
    }

    /// How the application reaches the group.
    #[must_use]
    pub fn conninfo(&self) -> Conninfo {
        Conninfo {
            addresses: self.nodes.iter().map(PostgresNode::address).collect(),
            user: APPLICATION.into(),
            password: self.common.passwords.application.clone(),
            database: APPLICATION.into(),
        }
    }

    /// Waits until that many standbys stream from the primary.
    /// # Errors
    /// They do not in time.
    pub fn wait_for_standbys(&self, count: usize) -> Result<(), Failure> {
        let wanted = [count.to_string()];
        let counted = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
        let primary = self.primary().superuser();
        let streaming = || {
            let asked = primary.run(counted, Duration::from_secs(5)).ok()?;
            asked.rows().ok()
        };
        if wait_until(JOIN, || streaming().is_some_and(|rows| rows == wanted)) {
            return Ok(());
        }
        let log = self.standbys().next().map(PostgresNode::log).unwrap_or_default();
        Err(server::failure("the standbys", format!("did not stream within {} s", JOIN.as_secs()), &log))
    }

    /// Makes the standby that has received most the primary. The old primary is fenced first (killed, if it still
    /// runs), so that nothing can be acknowledged there afterwards; it stays down until [`PostgresGroup::rejoin`].
    /// # Errors
    /// No standby answers or none becomes the primary.
    pub fn promote_furthest(&mut self) -> Result<Promotion, Failure> {
        let start = SystemClock.monotonic();
        self.primary_mut().kill();
        let mut furthest: Option<(u64, usize)> = None;
        for (index, node) in self.nodes.iter().enumerate().filter(|(index, _)| *index != self.primary) {
            // The position as a number: the distance from the very first.
            let asked = "SELECT pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')";
            let Ok(rows) = node.superuser().run(asked, Duration::from_secs(5))?.rows() else { continue };
            let at = rows.first().and_then(|row| row.parse().ok()).unwrap_or(0);
            if furthest.is_none_or(|(most, _)| at > most) {
                furthest = Some((at, index));
            }
        }
        let none = || Failure::Sql("no standby answers: none can be promoted".into());
        let (_, index) = furthest.ok_or_else(none)?;
        self.nodes[index].promote()?;
        let took = SystemClock.monotonic().saturating_sub(start);
        let old = std::mem::replace(&mut self.primary, index);
        let address = self.primary().address();
        for (other, node) in self.nodes.iter_mut().enumerate() {
            if other != index && other != old {
                node.follow(address)?;
            }
        }
        Ok(Promotion { primary: self.primary().name().into(), took })
    }

    /// Starts the node that is down, which was the primary before, as if nothing had happened: nobody has fenced it, it
    /// takes statements beside the primary of today, and no standby follows it. [`PostgresGroup::rejoin`] ends that.
    /// Gives the application's login at it.
    /// # Errors
    /// No node is down, or it does not start.
    pub fn restart_unfenced(&mut self) -> Result<Login, Failure> {
        let down = (0..self.nodes.len()).find(|index| !self.nodes[*index].is_running());
        let old = down.ok_or_else(|| Failure::Machine("all nodes of the group run".into()))?;
        self.nodes[old].start()?;
        self.astray = Some(old);
        Ok(self.nodes[old].application())
    }

    /// Brings all nodes that are down or astray back as standbys, as copies of the primary of today, and waits for both.
    /// # Errors
    /// See [`Failure`].
    pub fn rejoin(&mut self) -> Result<(), Failure> {
        if let Some(astray) = self.astray.take() {
            self.nodes[astray].kill();
        }
        let address = self.primary().address();
        for node in self.standbys_mut() {
            if !node.is_running() {
                node.copy_from(address)?;
            }
        }
        self.wait_for_standbys(2)
    }
}

fn start_together(nodes: &mut [PostgresNode]) -> Result<(), Failure> {
    std::thread::scope(|scope| {
        let starts: Vec<_> = nodes.iter_mut().map(|node| scope.spawn(|| node.start())).collect();
        let ended = || Failure::Machine("a node's thread ended".into());
        starts.into_iter().try_for_each(|start| start.join().unwrap_or_else(|_| Err(ended())))
    })
}
