//! The shop under load: the real server on a core of its own, and many tills that were enrolled and activated through
//! its public API.

use super::cores::Cores;
use super::engine::{Databases, Engine};
use super::line::Dialler;
use super::phase::Lines;
use super::sales::{Prepared, Seller, prepare};
use super::usage::Meter;
use crate::load::{say, wrong};
use crate::scripted_till::ScriptedTill;
use crate::store_rig::{RigError, StoreRig};
use crate::workspace;
use evertill_provisioning::client::verify_statement;
use evertill_shared::protocol::staff::TerminalChange;
use evertill_shared::protocol::store::ServerKeyStatement;
use evertill_shared::signing::VerifyingKey;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// See the module. Nothing of it is left when it is dropped.
pub(crate) struct Shop {
    // Before its databases and the folder: the server ends before they go.
    pub rig: StoreRig,
    pub databases: Databases,
    pub sellers: Vec<Seller>,
    pub cores: Cores,
    server_key: VerifyingKey,
    _dir: TempDir,
}

/// A folder for a run's databases, beside the programs and so on a real disk: where `/tmp` is in memory, a durable write
/// would cost nothing.
pub(crate) fn folder() -> Result<TempDir, RigError> {
    let target = workspace::target();
    fs::create_dir_all(&target).map_err(wrong)?;
    tempfile::Builder::new().prefix("load-").tempdir_in(&target).map_err(wrong)
}

impl Shop {
    pub(crate) async fn open(
        engine: Engine,
        groups: u8,
        tills: usize,
        cores: Cores,
    ) -> Result<Self, RigError> {
        let dir = folder()?;
        say(format_args!("building the programs, starting the server on core {}", cores.server));
        let (databases, options) = engine.start(groups, cores.server)?;
        let rig = StoreRig::open(dir.path(), options).await?;
        say(format_args!("enrolling and activating {tills} tills"));
        let staff = rig.staff("it").await?;
        let authority = rig.server_url().trim_start_matches("https://").to_owned();
        let mut sellers = Vec::new();
        for n in 0..tills {
            let code = staff.enrolment_code(&format!("Till {n}")).await?.code;
            let till = ScriptedTill::enrol(rig.client_config(), &code).await?;
            let change = TerminalChange::Activate { fingerprint: till.device.fingerprint() };
            staff.change_terminal(till.enrolled.terminal, &change).await?;
            sellers.push(Seller::new(&till, &authority)?);
        }
        let server_key = server_key(&rig)?;
        Ok(Self { rig, databases, sellers, cores, server_key, _dir: dir })
    }

    /// So many lines to the server.
    pub(crate) async fn lines(&self, count: usize) -> Result<Lines, RigError> {
        Lines::open(Dialler::new(self.rig.trust(), self.port()?)?, count).await
    }

    fn port(&self) -> Result<u16, RigError> {
        let url = self.rig.server_url();
        url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).ok_or_else(|| wrong("no port"))
    }

    /// The process of the server.
    pub(crate) fn server_pid(&self) -> u32 {
        self.rig.server.as_ref().map_or(0, |server| server.id())
    }

    /// Counts from now on what the server uses, its databases included.
    pub(crate) fn meter(&self) -> Result<Meter<impl Fn() -> Vec<u32> + '_>, RigError> {
        let processes = || {
            let mut processes = self.databases.processes();
            processes.push(self.server_pid());
            processes
        };
        Meter::start(processes, self.cores.server)
    }

    /// The key that signs the server's answers; the store's root vouches for it.
    pub(crate) fn server_key(&self) -> &VerifyingKey {
        &self.server_key
    }

    /// The server's certificate and its key, for a server of another kind.
    pub(crate) fn certificate(&self) -> (PathBuf, PathBuf) {
        let folder = self.rig.store_dir().join("server");
        (folder.join("tls.pem"), folder.join("tls.key"))
    }

    /// So many new sales, and the requests for their numbers.
    pub(crate) fn drafts(&mut self, count: usize) -> Result<Vec<Prepared>, RigError> {
        let each = count.div_ceil(self.sellers.len().max(1));
        prepare(&mut self.sellers, each, self.cores, Seller::draft)
    }
}

fn server_key(rig: &StoreRig) -> Result<VerifyingKey, RigError> {
    let text = fs::read(rig.store_dir().join("server/server-keys.json")).map_err(wrong)?;
    let statements: Vec<ServerKeyStatement> = serde_json::from_slice(&text).map_err(wrong)?;
    let first = statements.first().ok_or_else(|| wrong("the server has no key"))?;
    Ok(verify_statement(rig.trust(), first).map_err(wrong)?.public_key)
}
