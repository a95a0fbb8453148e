//! More than one server on one shop's data, each a process of its own.

use super::{RigError, StoreRig};
use crate::process::Process;
use crate::workspace;
use evertill_provisioning::pki::{NewServer, add_server};
use evertill_shared::clock::{Clock, SystemClock};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

/// A server besides the first.
pub(super) struct Further {
    id: String,
    address: SocketAddr,
    process: Option<Process>,
}

impl StoreRig {
    /// Adds a server as IT does, and starts it. The first one is started anew before, so that each vouches for both.
    /// # Errors
    /// Its files cannot be made, or one of the servers does not become ready.
    pub fn add_server(&mut self) -> Result<(), RigError> {
        let no_port = |failure: crate::rig::Failure| RigError::Unexpected(failure.to_string());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, crate::rig::ports::free().map_err(no_port)?));
        let id = format!("server-{}", self.further.len() + 2);
        let new = NewServer { id: id.clone(), listen: address, server_names: Vec::new() };
        add_server(&self.store_dir(), &new, None, SystemClock.now())?;
        self.stop_server();
        self.start_server()?;
        self.further.push(Further { id, address, process: None });
        self.start_further(self.further.len() - 1)
    }

    /// Where the first server listens, and the further ones in the order in which they were added.
    #[must_use]
    pub fn server_addresses(&self) -> Vec<SocketAddr> {
        let first = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.server));
        std::iter::once(first).chain(self.further.iter().map(|further| further.address)).collect()
    }

    /// Starts a further server, counted from 0, and waits until it is ready.
    /// # Errors
    /// It does not become ready.
    pub fn start_further(&mut self, index: usize) -> Result<(), RigError> {
        let none = || RigError::Unexpected(format!("there is no further server {index}"));
        let further = self.further.get(index).ok_or_else(none)?;
        let mut command = Command::new(workspace::program("evertill-server"));
        command.arg("--config").arg(self.store_dir().join(&further.id).join("server.toml"));
        command.current_dir(&self.dir);
        let log = self.dir.join(format!("logs/{}.log", further.id));
        let mut process = Process::spawn(&further.id, &mut command, &log)?;
        process.ready_line()?;
        if let Some(further) = self.further.get_mut(index) {
            further.process = Some(process);
        }
        Ok(())
    }

    /// Kills a further server at once.
    pub fn kill_further(&mut self, index: usize) {
        if let Some(mut process) = self.further.get_mut(index).and_then(|further| further.process.take()) {
            process.kill();
        }
    }

    /// Asks a further server to stop, and waits for it.
    pub fn stop_further(&mut self, index: usize, patience: Duration) {
        if let Some(mut process) = self.further.get_mut(index).and_then(|further| further.process.take()) {
            process.stop(patience);
        }
    }
}
