//! Which server, and who is asking.

use super::ask;
use clap::Args;
use evertill_provisioning::client::{ClientConfig, StaffClient};
use evertill_shared::clock::SystemClock;
use evertill_shared::protocol::store::TrustBundle;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the servers are and what is trusted.
#[derive(Args)]
pub struct Servers {
    /// Address of a server, like https://192.168.1.10:8443. May be given several times.
    #[arg(long = "server", value_name = "URL", required = true)]
    servers: Vec<String>,
    /// The store's trust.json: no other certificate authority counts.
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
}

impl Servers {
    /// Read from the options.
    pub fn config(&self) -> Result<ClientConfig, Box<dyn Error>> {
        let text = std::fs::read(&self.trust)
            .map_err(|e| format!("cannot read the trust file {}: {e}", self.trust.display()))?;
        let trust: TrustBundle = serde_json::from_slice(&text)
            .map_err(|e| format!("{} is not a trust file: {e}", self.trust.display()))?;
        Ok(ClientConfig::new(self.servers.clone(), trust))
    }
}

/// A server and a person.
#[derive(Args)]
pub struct Connection {
    #[command(flatten)]
    pub servers: Servers,
    /// Your name to log in with.
    #[arg(long, value_name = "NAME")]
    login: String,
    /// A file (mode 0600) with your password, or - for standard input. Without it you are asked.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Connection {
    /// Logs in.
    pub async fn open(&self) -> Result<StaffClient, Box<dyn Error>> {
        let config = self.servers.config()?;
        let password = match &self.password_file {
            Some(file) => ask::secret_from(file)?,
            None => ask::hidden(&format!("Password of {}: ", self.login), "--password-file FILE")?,
        };
        Ok(StaffClient::log_in(config, Arc::new(SystemClock), &self.login, &password).await?)
    }
}
