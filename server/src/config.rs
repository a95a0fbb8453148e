//! `server.toml`: what it may say, and what to write where it is wrong.

use crate::channel::adapter::AccountSettings;
use crate::channel::alipay::AlipaySettings;
use crate::channel::wechat::WechatSettings;
use crate::database::postgres::PostgresSettings;
use crate::merchant_view::ViewPlace;
use crate::order_group::Place;
use crate::reconciling::ReconcilingSettings;
use evertill_shared::order_number::GroupTag;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

mod read;
pub use read::Problem;
pub(crate) use read::{check_addresses, field};

/// The whole of `server.toml`. Paths are absolute or relative to the file's folder; [`Config::load`] has made
/// them usable as they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where to serve figures for Prometheus, if at all; port 0 takes any free one. Not encrypted, and for anyone who
    /// reaches it: an address of this machine, or of a network for monitoring.
    pub metrics_listen: Option<SocketAddr>,
    /// How long the server goes on serving after it was told to stop, while it says that it is not ready, in
    /// milliseconds: behind a balancer longer than this takes to notice. 0 without one.
    #[serde(default)]
    pub drain_ms: u64,
    /// The folder of `base.db` and of relative group files.
    pub data_dir: PathBuf,
    /// The TLS certificate chain, PEM.
    pub tls_certificate: PathBuf,
    /// Its private key, PEM (PKCS #8).
    pub tls_key: PathBuf,
    /// The key that signs responses: PKCS #8, Ed25519, DER or PEM.
    pub response_key: PathBuf,
    /// The name under which tills know that key.
    pub response_key_id: String,
    /// The root's statements about response keys: JSON, `Vec<ServerKeyStatement>`.
    pub server_keys: PathBuf,
    /// The store and its first staff; read once, when `base.db` is made.
    pub bootstrap: PathBuf,
    /// The base store, if it is not in `base.db`: servers on more than one machine share a PostgreSQL database.
    pub base: Option<BaseConfig>,
    /// The merchant view, if it is not in `view.db`: servers on more than one machine share a PostgreSQL database.
    pub view: Option<ViewConfig>,
    /// The order groups.
    #[serde(default = "read::three_groups")]
    pub groups: Vec<GroupConfig>,
    /// When a group is skipped.
    #[serde(default)]
    pub group_limits: GroupLimits,
    /// WeChat Pay, if the store takes it.
    pub wechat: Option<WechatSettings>,
    /// Alipay, if the store takes it.
    pub alipay: Option<AlipaySettings>,
    /// Files with the keys under which the secrets of accounts in the base store are sealed, as
    /// `evertill-server accounts make-key` makes them. The first seals; all open.
    #[serde(default)]
    pub account_keys: Vec<PathBuf>,
    /// When the wallets' bills are compared with the books.
    #[serde(default)]
    pub reconciling: ReconcilingSettings,
}

/// One order group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupConfig {
    /// The tag at the end of its order numbers, 0 to 99.
    pub tag: GroupTag,
    /// Its SQLite file; relative to `data_dir`.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// Or its PostgreSQL database.
    #[serde(default)]
    pub postgres: Option<PostgresSettings>,
}

impl GroupConfig {
    /// Where its database is.
    #[must_use]
    pub fn place(&self) -> Place {
        match (&self.postgres, &self.file) {
            (Some(settings), _) => Place::Postgres(Box::new(settings.clone())),
            (None, file) => Place::Sqlite(file.clone().unwrap_or_default()),
        }
    }
}

/// Where the base store is, if not in `base.db`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseConfig {
    /// Its PostgreSQL database.
    pub postgres: PostgresSettings,
}

/// Where the merchant view is, if not in `view.db`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewConfig {
    /// Its PostgreSQL database.
    pub postgres: PostgresSettings,
}

/// When a group counts as failed, and for how long it is skipped.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupLimits {
    /// The longest that any call to a group may take, in milliseconds.
    pub call_ms: u64,
    /// So many failures in one period, and new orders go elsewhere.
    pub failures_per_period: u32,
    /// How long a period is, in milliseconds.
    pub period_ms: u64,
    /// By how much periods differ at random, in milliseconds, so that servers do not retry together.
    pub period_jitter_ms: u64,
}

impl Default for GroupLimits {
    fn default() -> Self {
        Self { call_ms: 1_000, failures_per_period: 3, period_ms: 60_000, period_jitter_ms: 10_000 }
    }
}

/// What is wrong with the configuration, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", file.display())]
pub struct ConfigError {
    /// Which file.
    pub file: PathBuf,
    /// What is wrong, where, and what to write instead.
    pub problem: Problem,
}

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// [`ConfigError`], naming the field and what to write.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let wrong = |problem| ConfigError { file: file.to_owned(), problem };
        let text =
            std::fs::read_to_string(file).map_err(|error| wrong(Problem::Unreadable(error.to_string())))?;
        let folder = file.parent().unwrap_or(Path::new("."));
        Self::parse(&text, folder).map_err(wrong)
    }

    /// Reads and checks the text of a configuration whose relative paths start in `folder`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Problem> {
        let mut config: Self = toml::from_str(text).map_err(|error| read::explain(&error))?;
        config.check()?;
        config.resolve(folder);
        Ok(config)
    }

    /// The accounts at wallets that the file names. Only the first two wallets have sections: those of later ones, and all
    /// but one of each, are rows of the base store.
    #[must_use]
    pub fn accounts(&self) -> Vec<&dyn AccountSettings> {
        let wechat = self.wechat.as_ref().map(|own| own as &dyn AccountSettings);
        let alipay = self.alipay.as_ref().map(|own| own as &dyn AccountSettings);
        wechat.into_iter().chain(alipay).collect()
    }

    /// Where the base store's file is.
    #[must_use]
    pub fn base_file(&self) -> PathBuf {
        self.data_dir.join("base.db")
    }

    /// Where the merchant view is; nothing if it would be in a file of this machine's while other machines share
    /// the base store: each outbox feeds one view, and two would have a part each.
    #[must_use]
    pub fn view_place(&self) -> Option<ViewPlace> {
        match &self.view {
            Some(view) => {
                let mut settings = view.postgres.clone();
                settings.name.clone_from(&self.response_key_id);
                Some(ViewPlace::Postgres(Box::new(settings)))
            }
            None if self.base.is_some() => None,
            None => Some(ViewPlace::Sqlite(self.data_dir.join("view.db"))),
        }
    }
}
