//! The settings of a rig's shop: its people, its ports, its server's configuration.

use super::{InPostgres, RigError, StoreRig};
use crate::rig::ports;
use evertill_provisioning::pki::{FirstStaff, NewStore};
use evertill_shared::id::StoreId;
use evertill_shared::money::Currency;
use evertill_shared::payment::Policy;
use evertill_shared::protocol::staff::Role;
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::secret::SecretText;
use serde::{Deserialize, Serialize};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// The people of a rig's shop: login, name, role. Passwords are `LOGIN-evertill`: it is a shop to try things in.
pub const STAFF: [(&str, &str, Role); 3] =
    [("li", "Li Na", Role::Manager), ("wang", "Wang Wei", Role::Manager), ("it", "Zhao Min", Role::It)];

pub(super) fn password_of(login: &str) -> String {
    format!("{login}-evertill")
}

/// How a rig differs from a real shop.
#[derive(Clone, Debug)]
pub struct RigOptions {
    /// When the wallet is asked and payments are taken back. Tests do not wait 45 seconds.
    pub policy: Policy,
    /// How many failures of a group within a period make it be skipped.
    pub failures_per_period: u32,
    /// How long that period is, in milliseconds.
    pub period_ms: u64,
    /// By how many days the server's clock is ahead.
    pub days_ahead: u32,
    /// How many order groups there are.
    pub groups: u8,
    /// Which databases are in PostgreSQL; the others are files.
    pub postgres: InPostgres,
    /// How long a server that was told to stop goes on serving while it says that it is not ready.
    pub drain_ms: u64,
    /// The one core that the server runs on; none: all of them.
    pub server_core: Option<usize>,
    /// A file that says, at any time, by how many milliseconds the server's clock is ahead; see
    /// [`crate::rig::turned_clock`].
    pub clock_file: Option<PathBuf>,
    /// Whether the shop has version 3 of WeChat Pay, too: for codes that tills show.
    pub wechat_v3: bool,
    /// Whether the first server shows its figures: see [`StoreRig::figures`].
    pub figures: bool,
    /// The words of a program that the server is to run under, to be watched.
    pub server_under: Vec<String>,
}

impl Default for RigOptions {
    fn default() -> Self {
        Self {
            policy: Policy {
                query_every_ms: 500,
                give_up_after_ms: 6_000,
                reverse_not_before_ms: 2_000,
                reverse_retry_max_ms: 2_000,
                no_order_after_ms: 9_000,
                show_for_ms: 6_000,
                shown_grace_ms: 1_500,
                ..Policy::default()
            },
            failures_per_period: 3,
            period_ms: 4_000,
            days_ahead: 0,
            groups: 3,
            postgres: InPostgres::default(),
            drain_ms: 0,
            server_core: None,
            clock_file: None,
            wechat_v3: false,
            figures: false,
            server_under: Vec::new(),
        }
    }
}

/// The ports of a shop: chosen once, kept in its folder, so that it comes up where it was.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Ports {
    /// The server's.
    pub server: u16,
    /// The wallet's plain API.
    pub wallet: u16,
    /// The wallet's API that asks for a client certificate.
    pub wallet_secure: u16,
    /// The hand on the wallet simulator.
    pub wallet_control: u16,
    /// Alipay's gateway; 0 in shops that were made without.
    #[serde(default)]
    pub alipay: u16,
    /// The hand on the simulated Alipay.
    #[serde(default)]
    pub alipay_control: u16,
}

impl Ports {
    pub(super) fn of(dir: &Path) -> Result<Self, RigError> {
        let path = dir.join("ports.json");
        let kept = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        let ports = match kept {
            Some(ports) if ports.alipay != 0 => return Ok(ports),
            Some(ports) => {
                let Self { alipay, alipay_control, .. } = Self::free()?;
                Self { alipay, alipay_control, ..ports }
            }
            None => Self::free()?,
        };
        let write = || {
            fs::create_dir_all(dir)?;
            fs::write(&path, serde_json::to_vec(&ports).unwrap_or_default())
        };
        write().map_err(|error| RigError::File { path, error })?;
        Ok(ports)
    }

    fn free() -> Result<Self, RigError> {
        // Not from the kernel's own range: another test's connection could have such a port by the time that a program is
        // started, or started again, with it.
        let port = || ports::free().map_err(|failure| RigError::Unexpected(failure.to_string()));
        Ok(Self {
            server: port()?,
            wallet: port()?,
            wallet_secure: port()?,
            wallet_control: port()?,
            alipay: port()?,
            alipay_control: port()?,
        })
    }
}

pub(super) fn plan(ports: &Ports) -> Result<NewStore, RigError> {
    let wrong = |e: &dyn std::fmt::Display| RigError::Unexpected(e.to_string());
    let info = StoreInfo {
        id: StoreId::try_from(1).map_err(|e| wrong(&e))?,
        name: "常开便利店 Evertill Market".into(),
        address: vec!["上海市静安区南京西路 100 号".into(), "100 Nanjing Road West, Shanghai".into()],
        currency: Currency::CNY,
        zone: "Asia/Shanghai".parse().map_err(|e| wrong(&e))?,
        cut_off_minutes: 0,
    };
    let staff = STAFF
        .iter()
        .map(|(login, name, role)| FirstStaff {
            login: (*login).into(),
            name: (*name).into(),
            role: *role,
            password: SecretText::new(password_of(login)),
        })
        .collect();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.server));
    Ok(NewStore { info, server_names: Vec::new(), listen, staff, root_passphrase: None })
}

/// The server's settings as the store was made with, and the simulator as its wallet.
pub(super) fn write_server_toml(rig: &StoreRig) -> Result<(), RigError> {
    let mut toml = toml::Table::new();
    let folder = rig.store_dir().join("server");
    let postgres = &rig.options.postgres;
    let mut groups: Vec<toml::Value> = Vec::new();
    for tag in 0..rig.options.groups {
        let mut group = toml::Table::new();
        group.insert("tag".into(), i64::from(tag).into());
        match postgres.groups.get(&tag) {
            Some(at) => {
                group.insert("postgres".into(), postgres.setting(&folder, &format!("group-{tag:02}"), at)?)
            }
            None => group.insert("file".into(), format!("groups/{tag:02}.db").into()),
        };
        groups.push(group.into());
    }
    if let Some(at) = &postgres.base {
        let mut base = toml::Table::new();
        base.insert("postgres".into(), postgres.setting(&folder, "base", at)?);
        toml.insert("base".into(), base.into());
    }
    for (key, value) in [
        ("listen", format!("127.0.0.1:{}", rig.ports.server)),
        ("data_dir", "data".into()),
        ("tls_certificate", "tls.pem".into()),
        ("tls_key", "tls.key".into()),
        ("response_key", "response.key".into()),
        ("response_key_id", "server-1".into()),
        ("server_keys", "server-keys.json".into()),
        ("bootstrap", "bootstrap.json".into()),
    ] {
        toml.insert(key.into(), value.into());
    }
    if rig.options.figures {
        toml.insert("metrics_listen".into(), "127.0.0.1:0".into());
    }
    toml.insert("drain_ms".into(), i64::try_from(rig.options.drain_ms).unwrap_or(i64::MAX).into());
    toml.insert("groups".into(), groups.into());
    let mut limits = toml::Table::new();
    limits.insert("failures_per_period".into(), i64::from(rig.options.failures_per_period).into());
    limits.insert("period_ms".into(), i64::try_from(rig.options.period_ms).unwrap_or(i64::MAX).into());
    limits.insert("period_jitter_ms".into(), 500.into());
    toml.insert("group_limits".into(), limits.into());
    let policy = rig.options.policy;
    let mut wechat = account(&rig.wallet_section, policy)?;
    if rig.options.wechat_v3 {
        let wrong = |error: toml::ser::Error| RigError::Wallet(error.to_string());
        let mut v3 = toml::Table::try_from(&rig.wallet_v3_section).map_err(wrong)?;
        let notify_url = format!("{}/v1/notifications/wechat_pay", rig.server_url());
        v3.insert("notify_url".into(), notify_url.into());
        wechat.insert("v3".into(), v3.into());
    }
    toml.insert("wechat".into(), wechat.into());
    // Alipay takes back as soon as it is asked to.
    let policy = Policy { reverse_not_before_ms: 0, ..policy };
    let mut alipay = account(&rig.alipay_section, policy)?;
    let notify_url = format!("{}/v1/notifications/alipay", rig.server_url());
    alipay.insert("notify_url".into(), notify_url.into());
    toml.insert("alipay".into(), alipay.into());
    let path = rig.store_dir().join("server/server.toml");
    fs::write(&path, toml.to_string()).map_err(|error| RigError::File { path, error })
}

/// The account at the simulator, as the simulator itself says that it must be written.
fn account(section: &serde_json::Value, policy: Policy) -> Result<toml::Table, RigError> {
    let wrong = |error: &dyn std::fmt::Display| RigError::Wallet(error.to_string());
    let mut table = toml::Table::try_from(section).map_err(|e| wrong(&e))?;
    let policy = toml::Value::try_from(policy).map_err(|e| wrong(&e))?;
    table.insert("policy".into(), policy);
    Ok(table)
}
