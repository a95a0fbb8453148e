//! The `[wechat]` section of the server's configuration, and what can be wrong with it.

use super::sign::SignType;
use super::v3::{WechatV3Error, WechatV3Settings};
use super::wire::Merchant;
use crate::channel::adapter::over;
use crate::channel::files::Files;
use crate::channel::line::{LineError, Tls};
use evertill_shared::payment::Policy;
use evertill_shared::secret::SecretText;
use serde::{Deserialize, Deserializer, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// When to ask about a payment of this wallet, and when to take it back: it advises to ask every 5 to 10 seconds for 30
/// to 45, refuses to reverse sooner than 15 seconds after the pay call, and takes a payment back within seven days.
pub const TIMING: Policy = Policy {
    query_every_ms: 5_000,
    give_up_after_ms: 45_000,
    reverse_not_before_ms: 15_000,
    reverse_within_ms: 7 * 24 * 60 * 60 * 1_000,
    reverse_retry_max_ms: 60_000,
    no_order_after_ms: 120_000,
    show_for_ms: 90_000,
    shown_grace_ms: 30_000,
    look_again_after_ms: 300_000,
};

/// The merchant's account at WeChat Pay, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WechatSettings {
    /// Addresses for paying and asking, the main one first: `https://api.mch.weixin.qq.com`.
    #[serde(default = "WechatSettings::public_endpoints")]
    pub endpoints: Vec<String>,
    /// Addresses for taking back and refunding, which ask for the client certificate.
    #[serde(default = "WechatSettings::public_endpoints")]
    pub secure_endpoints: Vec<String>,
    /// The app that the merchant is bound to.
    pub app_id: String,
    /// The merchant's number.
    pub merchant_id: String,
    /// A service provider's account: the number of the shop that it acts for. App, merchant and keys are the provider's then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_merchant_id: Option<String>,
    /// The shop's own app, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_app_id: Option<String>,
    /// A file that holds the merchant's API key (v2) and nothing else.
    pub api_key_file: PathBuf,
    /// `apiclient_cert.pem`, as the wallet issued it.
    pub client_certificate: PathBuf,
    /// `apiclient_key.pem`.
    pub client_key: PathBuf,
    /// The only roots to trust; the machine's own, if absent.
    #[serde(default)]
    pub ca_certificate: Option<PathBuf>,
    /// How both sides sign.
    #[serde(default)]
    pub sign_type: SignType,
    /// The store's address on the Internet, for the wallet's risk rules.
    #[serde(default = "WechatSettings::default_client_ip")]
    pub client_ip: String,
    /// The longest wait for one connection, in milliseconds.
    #[serde(default = "WechatSettings::default_connect_ms")]
    pub connect_timeout_ms: u64,
    /// How long a connection may have rested before what moves money goes over it again, in milliseconds; with 0 it
    /// goes over a new one each time. Write less than the wallet lets a connection rest.
    #[serde(default = "WechatSettings::default_keep_alive_ms")]
    pub keep_alive_ms: u64,
    /// The longest wait for a pay call, in milliseconds.
    #[serde(default = "WechatSettings::default_call_ms")]
    pub pay_timeout_ms: u64,
    /// The longest wait for any other call, in milliseconds.
    #[serde(default = "WechatSettings::default_call_ms")]
    pub call_timeout_ms: u64,
    /// When to ask, and when to take back; what is not named is as in [`TIMING`].
    #[serde(default = "WechatSettings::timing", deserialize_with = "over_timing")]
    pub policy: Policy,
    /// Version 3 of the interface, for shown codes and bills.
    #[serde(default)]
    pub v3: Option<WechatV3Settings>,
}

/// A shop for which a service provider acts: it is named in every request, and every answer must be about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubMerchant {
    /// Its number.
    pub merchant_id: String,
    /// Its own app, if it has one.
    pub app_id: Option<String>,
}

/// Why the channel cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum WechatError {
    /// A file of the merchant's cannot be read.
    #[error("cannot read {}: {source}; check the [wechat] section", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The API key is not one.
    #[error("{} does not hold an API key: 32 letters and digits are expected", .0.display())]
    ApiKey(PathBuf),
    /// No line to the wallet.
    #[error(transparent)]
    Line(#[from] LineError),
    /// Version 3 of the interface.
    #[error(transparent)]
    V3(#[from] WechatV3Error),
}

impl WechatSettings {
    fn public_endpoints() -> Vec<String> {
        ["https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com"].map(str::to_owned).into()
    }

    fn default_client_ip() -> String {
        "127.0.0.1".into()
    }

    fn default_connect_ms() -> u64 {
        3_000
    }

    fn default_keep_alive_ms() -> u64 {
        4_000
    }

    fn default_call_ms() -> u64 {
        8_000
    }

    fn timing() -> Policy {
        TIMING
    }

    /// Takes relative paths as relative to `folder`, where the configuration file lies.
    pub fn resolve(&mut self, folder: &Path) {
        let own = [&mut self.api_key_file, &mut self.client_certificate, &mut self.client_key];
        for path in own.into_iter().chain(self.ca_certificate.as_mut()) {
            *path = folder.join(&*path);
        }
        self.v3.iter_mut().for_each(|v3| v3.resolve(folder));
    }

    /// What the account is called: the merchant's number, and behind it the shop's that it acts for.
    #[must_use]
    pub fn account(&self) -> String {
        match &self.sub_merchant_id {
            Some(shop) => format!("{}/{shop}", self.merchant_id),
            None => self.merchant_id.clone(),
        }
    }

    /// The shop that the merchant acts for, if it is a service provider.
    pub(crate) fn shop(&self) -> Option<SubMerchant> {
        let merchant_id = self.sub_merchant_id.clone()?;
        Some(SubMerchant { merchant_id, app_id: self.sub_app_id.clone() })
    }

    /// What is wrong with what stands there of a shop: the field, what it is, and what to write.
    /// # Errors
    /// Something is.
    pub(crate) fn check_shop(&self) -> Result<(), (&'static str, &'static str, &'static str)> {
        let plain = |id: &String| !id.is_empty() && id.len() <= 32 && id.bytes().all(|b| b.is_ascii_digit());
        match (&self.sub_merchant_id, &self.sub_app_id) {
            (Some(shop), _) if !plain(shop) => Err((
                "wechat.sub_merchant_id",
                "is not a merchant's number",
                "sub_merchant_id = \"1900000109\"",
            )),
            (Some(shop), _) if *shop == self.merchant_id => Err((
                "wechat.sub_merchant_id",
                "is the merchant's own number",
                "the shop's, or leave it out where no service provider acts for the shop",
            )),
            (None, Some(_)) => Err((
                "wechat.sub_app_id",
                "needs sub_merchant_id beside it",
                "both, or neither where no service provider acts for the shop",
            )),
            _ => Ok(()),
        }
    }

    /// The merchant, with the API key read from its file.
    /// # Errors
    /// The file cannot be read or holds no key.
    pub(super) fn merchant(&self, files: &Files) -> Result<Merchant, WechatError> {
        let bytes = read(files, &self.api_key_file)?;
        let key = std::str::from_utf8(&bytes).unwrap_or_default().trim();
        if key.len() != 32 || !key.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(WechatError::ApiKey(self.api_key_file.clone()));
        }
        Ok(Merchant {
            app_id: self.app_id.clone(),
            merchant_id: self.merchant_id.clone(),
            shop: self.shop(),
            api_key: SecretText::new(key.to_owned()),
            sign_type: self.sign_type,
            client_ip: self.client_ip.clone(),
        })
    }

    /// What TLS needs for the calls with or without the client certificate.
    /// # Errors
    /// A file cannot be read.
    pub(super) fn tls(&self, files: &Files, with_identity: bool) -> Result<Tls, WechatError> {
        let roots = self.ca_certificate.as_ref().map(|path| read(files, path)).transpose()?;
        let roots = roots.map(|roots| roots.to_vec());
        let mut tls = Tls { roots, identity: None };
        if with_identity {
            let mut pem = read(files, &self.client_certificate)?.to_vec();
            pem.push(b'\n');
            pem.extend_from_slice(&read(files, &self.client_key)?);
            tls.identity = Some(pem);
        }
        Ok(tls)
    }

    /// How long a connection may have rested before it is used again.
    pub(super) fn keep_alive(&self) -> Duration {
        Duration::from_millis(self.keep_alive_ms)
    }

    /// The longest wait for one connection.
    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }
}

fn over_timing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Policy, D::Error> {
    over(TIMING, deserializer)
}

fn read(files: &Files, path: &Path) -> Result<Zeroizing<Vec<u8>>, WechatError> {
    files.read(path).map_err(|source| WechatError::File { path: path.to_owned(), source })
}
