//! A real shop on one machine: the store's files, the wallet simulator and the store server as processes of
//! their own. Tests and the demo bring it up, break it, and bring it up again.

mod databases;
mod further;
mod settings;
mod wallet;

pub use databases::{FrozenGroup, InPostgres};
pub use settings::{Ports, RigOptions, STAFF};
pub use wallet::{WalletControl, WalletOrder};

use crate::load::cores;
use crate::process::{Process, ProcessError};
use crate::scripted_till::ScriptedTill;
use crate::workspace;
use evertill_provisioning::client::{ClientConfig, ClientError, StaffClient};
use evertill_provisioning::pki::{self, PkiError};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::id::TerminalId;
use evertill_shared::protocol::catalogue::Product;
use evertill_shared::protocol::staff::TerminalChange;
use evertill_shared::protocol::store::TrustBundle;
use evertill_shared::secret::SecretText;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// The catalogue of the demo's shop.
pub const CATALOGUE: &str = include_str!("../data/catalogue.json");

/// Why the shop does not come up.
#[derive(Debug, thiserror::Error)]
pub enum RigError {
    /// The programs do not build.
    #[error("{0}")]
    Build(String),
    /// A file.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The store's files were not made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A program does not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The server refused, or did not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The wallet simulator did not do as asked.
    #[error("the wallet simulator: {0}")]
    Wallet(String),
    /// Something is not as it must be.
    #[error("{0}")]
    Unexpected(String),
}

/// A shop.
pub struct StoreRig {
    dir: PathBuf,
    ports: Ports,
    options: RigOptions,
    /// The server, while it runs.
    pub server: Option<Process>,
    /// The wallet simulator, while it runs.
    pub wallet: Option<Process>,
    wallet_section: serde_json::Value,
    wallet_v3_section: serde_json::Value,
    phones_at: String,
    alipay_section: serde_json::Value,
    trust: TrustBundle,
    further: Vec<further::Further>,
    figures_at: Option<String>,
}

impl StoreRig {
    /// Brings up the shop in `dir`: a new one, or the one that is there.
    /// # Errors
    /// See [`RigError`].
    pub async fn open(dir: &Path, options: RigOptions) -> Result<Self, RigError> {
        // The HTTP library finds its crypto here; a second rig in one process finds it set already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        workspace::build_programs().map_err(RigError::Build)?;
        // The programs run in this folder, so that whoever sweeps it finds them: paths must hold from there too.
        let dir = &std::path::absolute(dir).map_err(|error| RigError::File { path: dir.into(), error })?;
        let store = dir.join("store");
        let ports = Ports::of(dir)?;
        let is_new = !store.exists();
        if is_new {
            fs::create_dir_all(dir).map_err(|error| RigError::File { path: dir.into(), error })?;
            pki::create_store(&store, &settings::plan(&ports)?, SystemClock.now())?;
        }
        let trust_file = store.join("trust.json");
        let text =
            fs::read(&trust_file).map_err(|error| RigError::File { path: trust_file.clone(), error })?;
        let trust = serde_json::from_slice(&text)
            .map_err(|error| RigError::Unexpected(format!("{}: {error}", trust_file.display())))?;
        let mut rig = Self {
            dir: dir.into(),
            ports,
            options,
            server: None,
            wallet: None,
            wallet_section: serde_json::Value::Null,
            wallet_v3_section: serde_json::Value::Null,
            phones_at: String::new(),
            alipay_section: serde_json::Value::Null,
            trust,
            further: Vec::new(),
            figures_at: None,
        };
        rig.start_wallet()?;
        settings::write_server_toml(&rig)?;
        rig.start_server()?;
        if is_new {
            rig.fill_catalogue().await?;
        }
        Ok(rig)
    }

    /// The folder of the whole shop.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of the store's own files.
    #[must_use]
    pub fn store_dir(&self) -> PathBuf {
        self.dir.join("store")
    }

    /// The address of the server, as tills know it.
    #[must_use]
    pub fn server_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.server)
    }

    /// What a till trusts.
    #[must_use]
    pub fn trust(&self) -> &TrustBundle {
        &self.trust
    }

    /// How a client reaches this shop.
    #[must_use]
    pub fn client_config(&self) -> ClientConfig {
        ClientConfig::new(vec![self.server_url()], self.trust.clone())
    }

    /// The hand on the wallet simulator.
    #[must_use]
    pub fn wallet_control(&self) -> WalletControl {
        WalletControl::new(self.ports.wallet_control)
    }

    /// Where the customers' phones are, as web pages.
    #[must_use]
    pub fn phones_url(&self) -> &str {
        &self.phones_at
    }

    /// What belongs into the `[wechat]` section of the server's configuration: addresses and papers of the merchant.
    #[must_use]
    pub fn wechat_section(&self) -> &serde_json::Value {
        &self.wallet_section
    }

    /// What belongs into the `[alipay]` section of the server's configuration.
    #[must_use]
    pub fn alipay_section(&self) -> &serde_json::Value {
        &self.alipay_section
    }

    /// The hand on the simulated Alipay.
    #[must_use]
    pub fn alipay_control(&self) -> WalletControl {
        WalletControl::new(self.ports.alipay_control)
    }

    /// The folder of the server's databases.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.store_dir().join("server/data")
    }

    /// The file of the base store.
    #[must_use]
    pub fn base_file(&self) -> PathBuf {
        self.data_dir().join("base.db")
    }

    /// The file of an order group.
    #[must_use]
    pub fn group_file(&self, tag: u8) -> PathBuf {
        self.data_dir().join(format!("groups/{tag:02}.db"))
    }

    /// Starts the wallet simulator.
    /// # Errors
    /// It does not become ready.
    pub fn start_wallet(&mut self) -> Result<(), RigError> {
        let mut command = Command::new(workspace::program("evertill-wallet-simulator"));
        command
            .arg("--dir")
            .arg(self.dir.join("wallet"))
            .args(["--listen", &format!("127.0.0.1:{}", self.ports.wallet)])
            .args(["--secure-listen", &format!("127.0.0.1:{}", self.ports.wallet_secure)])
            .args(["--control", &format!("127.0.0.1:{}", self.ports.wallet_control)])
            .args(["--alipay-listen", &format!("127.0.0.1:{}", self.ports.alipay)])
            .args(["--alipay-control", &format!("127.0.0.1:{}", self.ports.alipay_control)])
            .arg("--notify-trust")
            .arg(self.store_dir().join("trust.json"))
            .current_dir(&self.dir);
        let mut process =
            Process::spawn("wallet simulator", &mut command, &self.dir.join("logs/wallet.log"))?;
        let mut ready = process.ready_line()?;
        (self.wallet_section, self.alipay_section) = (ready["wechat"].take(), ready["alipay"].take());
        self.wallet_v3_section = ready["wechat_v3"].take();
        self.phones_at = ready["phones"].as_str().unwrap_or_default().trim_end_matches('/').to_owned();
        self.wallet = Some(process);
        Ok(())
    }

    /// Starts the server and waits until it is ready.
    /// # Errors
    /// It does not become ready.
    pub fn start_server(&mut self) -> Result<(), RigError> {
        let mut command = self.server_command();
        command.arg("--config").arg(self.store_dir().join("server/server.toml"));
        command.current_dir(&self.dir);
        let log = self.dir.join("logs/server.log");
        let mut spawn = || Process::spawn("store server", &mut command, &log);
        let mut process = match self.options.server_core {
            Some(core) => cores::on(core, spawn).map_err(|e| RigError::Unexpected(e.to_string()))??,
            None => spawn()?,
        };
        let ready = process.ready_line()?;
        self.figures_at = ready["metrics"].as_str().map(str::to_owned);
        self.server = Some(process);
        Ok(())
    }

    /// The first server's figures, as Prometheus reads them.
    /// # Errors
    /// It shows none ([`RigOptions::figures`]), or does not answer.
    pub async fn figures(&self) -> Result<String, RigError> {
        let wrong = |error: &dyn std::fmt::Display| RigError::Unexpected(format!("the figures: {error}"));
        let at = self.figures_at.as_ref().ok_or_else(|| wrong(&"the server shows none"))?;
        let answer = reqwest::get(format!("http://{at}/metrics")).await.map_err(|error| wrong(&error))?;
        answer.text().await.map_err(|error| wrong(&error))
    }

    fn server_command(&self) -> Command {
        let is_turned = self.options.days_ahead != 0 || self.options.clock_file.is_some();
        let program =
            workspace::program(if is_turned { "evertill-server-turned" } else { "evertill-server" });
        let mut command = match self.options.server_under.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        if is_turned {
            command.args(["--days-ahead", &self.options.days_ahead.to_string()]);
        }
        if let Some(file) = &self.options.clock_file {
            command.arg("--clock-file").arg(file);
        }
        command
    }

    /// Lets the server run under another program from its next start on; without words, by itself again.
    pub fn run_server_under(&mut self, words: Vec<String>) {
        self.options.server_under = words;
    }

    /// Stops the server and starts it with its clock turned ahead by whole days.
    /// # Errors
    /// It does not become ready.
    pub fn restart_server_ahead(&mut self, days: u32) -> Result<(), RigError> {
        self.stop_server();
        self.options.days_ahead = days;
        self.start_server()
    }

    /// Kills the server at once.
    pub fn kill_server(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill();
        }
    }

    /// Asks the server to stop.
    pub fn stop_server(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.stop(Duration::from_secs(5));
        }
    }

    /// Opens a session for one of [`STAFF`] by the login.
    /// # Errors
    /// See [`RigError`].
    pub async fn staff(&self, login: &str) -> Result<StaffClient, RigError> {
        let password = SecretText::new(settings::password_of(login));
        Ok(StaffClient::log_in(self.client_config(), Arc::new(SystemClock), login, &password).await?)
    }

    async fn fill_catalogue(&self) -> Result<(), RigError> {
        let products: Vec<Product> = serde_json::from_str(CATALOGUE)
            .map_err(|error| RigError::Unexpected(format!("the demo's catalogue: {error}")))?;
        self.staff("it").await?.put_catalogue(&products).await?;
        Ok(())
    }

    /// A one-time code for a till that will have this name.
    /// # Errors
    /// See [`RigError`].
    pub async fn enrolment_code(&self, name: &str) -> Result<SecretText, RigError> {
        Ok(self.staff("it").await?.enrolment_code(name).await?.code)
    }

    /// Activates a till, comparing the fingerprint that the till shows.
    /// # Errors
    /// See [`RigError`].
    pub async fn activate(&self, terminal: TerminalId, fingerprint: &str) -> Result<(), RigError> {
        let change = TerminalChange::Activate { fingerprint: fingerprint.into() };
        Ok(self.staff("it").await?.change_terminal(terminal, &change).await.map(drop)?)
    }

    /// Blocks a till.
    /// # Errors
    /// See [`RigError`].
    pub async fn block(&self, terminal: TerminalId) -> Result<(), RigError> {
        let change = TerminalChange::Block { reason: "reported stolen".into() };
        Ok(self.staff("it").await?.change_terminal(terminal, &change).await.map(drop)?)
    }

    /// Unblocks a till.
    /// # Errors
    /// See [`RigError`].
    pub async fn unblock(&self, terminal: TerminalId) -> Result<(), RigError> {
        let change = TerminalChange::Unblock { reason: "found in the stock room".into() };
        Ok(self.staff("it").await?.change_terminal(terminal, &change).await.map(drop)?)
    }

    /// A till without a window, registered and active.
    /// # Errors
    /// See [`RigError`].
    pub async fn scripted_till(&self, name: &str) -> Result<ScriptedTill, RigError> {
        let till = self.pending_till(name).await?;
        self.activate(till.enrolled.terminal, &till.device.fingerprint()).await?;
        Ok(till)
    }

    /// A till without a window, registered and still pending.
    /// # Errors
    /// See [`RigError`].
    pub async fn pending_till(&self, name: &str) -> Result<ScriptedTill, RigError> {
        let code = self.enrolment_code(name).await?;
        Ok(ScriptedTill::enrol(self.client_config(), &code).await?)
    }
}
