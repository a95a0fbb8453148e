//! Who the till is, since it registered.

use super::{Config, ConfigError};
use evertill_shared::id::{KeyEpoch, SaleKey, TerminalId};
use evertill_shared::protocol::store::StoreInfo;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Who the till is, since it registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Where its servers are; the one that it registered with first.
    pub servers: Vec<String>,
    /// Its number.
    pub terminal: TerminalId,
    /// What it is called.
    pub name: String,
    /// The epoch of its key.
    pub epoch: KeyEpoch,
    /// By which IT finds it in the list.
    pub registration_code: String,
    /// Its store.
    pub store: StoreInfo,
    /// IT has activated it, and its journal is begun.
    pub activated: bool,
}

const IDENTITY: &str = "identity.json";

impl Identity {
    /// Reads who the till is; `None` before it has registered.
    /// # Errors
    /// The file is there and cannot be read.
    pub fn read(data: &Path) -> Result<Option<Self>, ConfigError> {
        let path = data.join(IDENTITY);
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ConfigError::Io { path, error }),
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| ConfigError::Bad { path, why: error.to_string() }),
        }
    }

    /// Stores it: all of it, or the old one stays.
    /// # Errors
    /// The disk does not take it.
    pub fn write(&self, data: &Path) -> Result<(), ConfigError> {
        let path = data.join(IDENTITY);
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| ConfigError::Bad { path: path.clone(), why: error.to_string() })?;
        let replaced = replace(data, &path, &bytes);
        replaced.map_err(|error| ConfigError::Io { path, error })
    }

    /// Forgets it.
    /// # Errors
    /// The file is there and cannot be removed.
    pub fn forget(data: &Path) -> Result<(), ConfigError> {
        let path = data.join(IDENTITY);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ConfigError::Io { path, error }),
            _ => Ok(()),
        }
    }

    /// The same till at the servers that `till.toml` names now: IT may have moved them since it registered. Without any
    /// there, those that it registered with.
    #[must_use]
    pub fn at_servers_of(mut self, config: &Config) -> Self {
        if !config.servers.is_empty() {
            self.servers.clone_from(&config.servers);
        }
        self
    }

    /// The name of the sale whose journal entry this is.
    #[must_use]
    pub fn sale_key(&self, sequence: u64) -> SaleKey {
        SaleKey { terminal: self.terminal, epoch: self.epoch, sequence }
    }
}

/// Replaces a file: all of it, or the old one stays.
pub(crate) fn replace(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_in_the_settings_count_before_those_of_the_registration() {
        let identity = crate::controller::tests_identity();
        let registered = identity.servers.clone();
        let moved = Config { servers: vec!["https://new.example:8443".into()], ..Config::default() };
        assert_eq!(identity.clone().at_servers_of(&moved).servers, moved.servers);
        assert_eq!(identity.at_servers_of(&Config::default()).servers, registered);
    }
}
