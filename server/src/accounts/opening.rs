//! From what rests in the base store to a channel: the settings are the same that the settings file has, with names of
//! secrets where that has paths.

use crate::channel::Channel;
use crate::channel::alipay::{AlipayChannel, AlipaySettings, TIMING};
use crate::channel::files::Files;
use crate::channel::wechat::{WechatChannel, WechatSettings};
use crate::config::check_account;
use evertill_shared::clock::Clock;
use evertill_shared::payment::Policy;
use evertill_shared::wallet::Wallet;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Secrets by name.
pub type Secrets = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// A question to the wallet whether all fits together.
pub(super) type Check = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
/// A channel, and that question.
pub(super) type Opened = (Arc<dyn Channel>, Check);

/// What a secret is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName(pub String);

/// An account's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountSettings {
    /// At WeChat Pay.
    Wechat(Box<WechatSettings>),
    /// At Alipay.
    Alipay(Box<AlipaySettings>),
}

impl AccountSettings {
    /// Reads what [`AccountSettings::text`] wrote.
    /// # Errors
    /// In words: what is wrong with it.
    pub fn read(wallet: Wallet, text: &str) -> Result<Self, String> {
        let wrong = |error: serde_json::Error| format!("the account's settings cannot be read: {error}");
        match wallet {
            Wallet::WeChatPay => {
                serde_json::from_str(text).map(|own| Self::Wechat(Box::new(own))).map_err(wrong)
            }
            Wallet::Alipay => {
                serde_json::from_str(text).map(|own| Self::Alipay(Box::new(own))).map_err(wrong)
            }
        }
    }

    /// As they rest: JSON. When payments are asked about is the wallet's affair, not the account's.
    /// # Errors
    /// They cannot be written, in words.
    pub fn text(&self) -> Result<String, String> {
        let text = match self {
            Self::Wechat(own) => {
                serde_json::to_string(&WechatSettings { policy: Policy::default(), ..(**own).clone() })
            }
            Self::Alipay(own) => serde_json::to_string(&AlipaySettings { policy: TIMING, ..(**own).clone() }),
        };
        text.map_err(|error| error.to_string())
    }

    /// At which wallet.
    #[must_use]
    pub fn wallet(&self) -> Wallet {
        match self {
            Self::Wechat(_) => Wallet::WeChatPay,
            Self::Alipay(_) => Wallet::Alipay,
        }
    }

    /// The account's name at the wallet; of a service provider's, with the shop's that it acts for behind it.
    #[must_use]
    pub fn merchant(&self) -> String {
        match self {
            Self::Wechat(own) => own.account(),
            Self::Alipay(own) => own.account(),
        }
    }

    /// Whether codes can be shown by it.
    #[must_use]
    pub fn can_show(&self) -> bool {
        match self {
            Self::Wechat(own) => own.v3.is_some(),
            Self::Alipay(_) => true,
        }
    }

    /// What the settings name in the place of files, one after the other.
    fn paths(&self) -> Vec<&PathBuf> {
        match self {
            Self::Wechat(own) => {
                let mut paths = vec![&own.api_key_file, &own.client_certificate, &own.client_key];
                paths.extend(&own.ca_certificate);
                if let Some(v3) = &own.v3 {
                    paths.push(&v3.api_v3_key_file);
                    paths.extend(&v3.public_key);
                }
                paths
            }
            Self::Alipay(own) => {
                let mut paths = vec![&own.app_private_key];
                paths.extend(&own.alipay_public_key);
                paths.extend(&own.ca_certificate);
                paths.extend(&own.app_auth_token);
                if let Some(certificates) = &own.certificates {
                    paths.extend([&certificates.app, &certificates.root]);
                    paths.extend(&certificates.alipay);
                }
                paths
            }
        }
    }

    /// The secrets without which it cannot be opened.
    #[must_use]
    pub fn needs(&self) -> Vec<SecretName> {
        self.paths().into_iter().map(|path| SecretName(path.display().to_string())).collect()
    }

    /// The way to the wallet, and a question that tells whether all fits together.
    /// # Errors
    /// In words: an address or a secret is wrong.
    pub(super) fn open(&self, secrets: Secrets, clock: &Arc<dyn Clock>) -> Result<Opened, String> {
        check_account(self).map_err(|problem| problem.to_string())?;
        let held = secrets.into_iter().map(|(name, plain)| (PathBuf::from(name), plain)).collect();
        let files = Files::Held(held);
        match self {
            Self::Wechat(own) => {
                let channel = WechatChannel::with(own, &files, Arc::clone(clock));
                let channel = Arc::new(channel.map_err(|error| error.to_string())?);
                let asked = Arc::clone(&channel);
                Ok((channel, Box::pin(async move { asked.check().await })))
            }
            Self::Alipay(own) => {
                let channel = AlipayChannel::with(own, &files, Arc::clone(clock));
                let channel = Arc::new(channel.map_err(|error| error.to_string())?);
                let asked = Arc::clone(&channel);
                Ok((channel, Box::pin(async move { asked.check().await })))
            }
        }
    }
}
