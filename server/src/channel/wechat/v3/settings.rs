//! The `[wechat.v3]` part of the server's configuration, and what can be wrong with it. It is the same account as in
//! `[wechat]`: app, merchant, certificate, key and addresses stand there.

use super::certificates::serial_of;
use super::seal::ApiV3Key;
use super::sign::{KnownKey, PUBLIC_KEY, Signer, Trust};
use super::wire::Merchant;
use crate::channel::files::Files;
use crate::channel::rsa::{AppKey, KeyProblem, WalletKey};
use crate::channel::wechat::WechatSettings;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What version 3 of the interface needs besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WechatV3Settings {
    /// A file that holds the merchant's API v3 key and nothing else.
    pub api_v3_key_file: PathBuf,
    /// Where the wallet tells of payments: an address on the Internet that leads to this server, without a query.
    pub notify_url: String,
    /// The wallet's public key, `pub_key.pem`. Without it the wallet is known by its certificates, which are fetched.
    #[serde(default)]
    pub public_key: Option<PathBuf>,
    /// Its name, `PUB_KEY_ID_…`.
    #[serde(default)]
    pub public_key_id: Option<String>,
    /// Whether customers' codes are charged by version 3, too. Version 2 is the safe choice.
    #[serde(default)]
    pub codepay: bool,
}

/// Why version 3 cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WechatV3Error {
    /// A file cannot be read.
    #[error("cannot read {}: {source}; check the [wechat.v3] section", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The API v3 key is not one.
    #[error("{} does not hold an API v3 key: 32 letters and digits are expected", .0.display())]
    ApiKey(PathBuf),
    /// A key or certificate is not one.
    #[error("{} {problem}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: KeyProblem,
    },
}

impl WechatV3Settings {
    /// Takes relative paths as relative to `folder`, where the configuration file lies.
    pub fn resolve(&mut self, folder: &Path) {
        for path in [&mut self.api_v3_key_file].into_iter().chain(self.public_key.as_mut()) {
            *path = folder.join(&*path);
        }
    }

    /// What is wrong with what stands there: the field, what it is, and what to write.
    /// # Errors
    /// Something is.
    pub fn check(&self) -> Result<(), (&'static str, &'static str, &'static str)> {
        let url = &self.notify_url;
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
        if rest.is_empty() || rest.starts_with('/') || url.contains(['?', '#', ' ']) || url.len() > 255 {
            let what = "is not an address that the wallet can call (no query, at most 255 characters)";
            return Err((
                "wechat.v3.notify_url",
                what,
                "notify_url = \"https://pay.example.com/v1/notifications/wechat_pay\"",
            ));
        }
        let write =
            "both public_key = \"wechat/pub_key.pem\" and public_key_id = \"PUB_KEY_ID_…\", or neither";
        if self.public_key.is_some() != self.public_key_id.is_some() {
            return Err(("wechat.v3.public_key", "needs its name, and the name its key", write));
        }
        match &self.public_key_id {
            Some(id) if !id.starts_with(PUBLIC_KEY) => {
                Err(("wechat.v3.public_key_id", "does not begin with PUB_KEY_ID_", write))
            }
            _ => Ok(()),
        }
    }

    /// The key under which the wallet encrypts for us.
    /// # Errors
    /// The file cannot be read or holds none.
    pub(super) fn api_v3_key(&self, files: &Files) -> Result<ApiV3Key, WechatV3Error> {
        let bytes = read(files, &self.api_v3_key_file)?;
        let key = ApiV3Key::new(std::str::from_utf8(&bytes).unwrap_or_default().trim());
        key.ok_or_else(|| WechatV3Error::ApiKey(self.api_v3_key_file.clone()))
    }

    /// The merchant, with key and certificate of the account read from their files.
    /// # Errors
    /// A file cannot be read, or is not what it must be.
    pub(super) fn merchant(
        &self,
        account: &WechatSettings,
        files: &Files,
    ) -> Result<Merchant, WechatV3Error> {
        let wrong = |path: &Path, problem| WechatV3Error::Key { path: path.to_owned(), problem };
        let certificate = read(files, &account.client_certificate)?;
        let serial = serial_of(&certificate)
            .ok_or_else(|| wrong(&account.client_certificate, KeyProblem::Certificate))?;
        let key = read(files, &account.client_key)?;
        let key = AppKey::read(&key).map_err(|problem| wrong(&account.client_key, problem))?;
        Ok(Merchant {
            app_id: account.app_id.clone(),
            shop: account.shop(),
            signer: Signer { merchant_id: account.merchant_id.clone(), serial, key },
            notify_url: self.notify_url.clone(),
        })
    }

    /// What the wallet is known by before anything was fetched.
    /// # Errors
    /// The file with the public key cannot be read or holds none.
    pub(super) fn trust(&self, files: &Files) -> Result<Trust, WechatV3Error> {
        let (Some(path), Some(id)) = (&self.public_key, &self.public_key_id) else {
            return Ok(Trust::default());
        };
        let key = WalletKey::read(&read(files, path)?)
            .map_err(|problem| WechatV3Error::Key { path: path.clone(), problem })?;
        Ok(Trust(vec![KnownKey { id: id.clone(), key, valid: None }]))
    }
}

fn read(files: &Files, path: &Path) -> Result<Zeroizing<Vec<u8>>, WechatV3Error> {
    files.read(path).map_err(|source| WechatV3Error::File { path: path.to_owned(), source })
}
