//! Making accounts of what a settings file names: its settings as they are, its files as sealed secrets.

use super::{AccountSettings, Accounts, ChangeError, Secrets};
use crate::base_store::{AccountFacts, Changer, random};
use crate::channel::alipay::{AlipaySettings, CertificateSettings};
use crate::channel::wechat::WechatSettings;
use crate::channel::wechat_v3::WechatV3Settings;
use crate::config::Config;
use evertill_shared::id::AccountId;
use evertill_shared::routing::Span;
use evertill_shared::wallet::Wallet;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What became of a wallet of the settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Which wallet.
    pub wallet: Wallet,
    /// The merchant there.
    pub merchant: String,
    /// The new account; nothing if there was one of that merchant before.
    pub account: Option<AccountId>,
}

/// A wallet's settings, and what its files hold.
struct Found {
    settings: AccountSettings,
    secrets: Secrets,
}

impl Accounts {
    /// Makes an account of each wallet that a settings file names, if there is none of that merchant. It takes new
    /// payments in the place of the settings file's.
    /// # Errors
    /// [`ChangeError`]: a file cannot be read, or is not what it should be.
    pub async fn import(&self, config: &Config, who: &str) -> Result<Vec<Imported>, ChangeError> {
        let mut done = Vec::new();
        for found in found_in(config).map_err(ChangeError::Unusable)? {
            let (wallet, merchant) = (found.settings.wallet(), found.settings.merchant());
            let known = self.0.base.wallet_table().await?.accounts;
            let is_known =
                known.iter().any(|row| (row.facts.wallet, &row.facts.merchant) == (wallet, &merchant));
            let account = match is_known {
                true => None,
                false => Some(self.take_in(found, who).await?),
            };
            done.push(Imported { wallet, merchant, account });
        }
        Ok(done)
    }

    async fn take_in(&self, found: Found, who: &str) -> Result<AccountId, ChangeError> {
        let settings = &found.settings;
        let facts = AccountFacts {
            name: format!("{} {}", settings.wallet(), settings.merchant()),
            wallet: settings.wallet(),
            merchant: settings.merchant(),
            store: None,
            currency: self.0.base.store().currency,
            scanned: true,
            shown: settings.can_show(),
            amounts: Span::default(),
            settings: settings.text().map_err(ChangeError::Unusable)?,
        };
        let request = format!("{who} {}", hex::encode(random::<16>()?));
        self.add(facts, found.secrets, true, Changer { who: who.to_owned(), request }).await
    }
}

fn found_in(config: &Config) -> Result<Vec<Found>, String> {
    let wechat = config.wechat.as_ref().map(of_wechat).transpose()?;
    let alipay = config.alipay.as_ref().map(of_alipay).transpose()?;
    Ok(wechat.into_iter().chain(alipay).collect())
}

/// Reads a file, and gives the name that stands in its place.
fn take(secrets: &mut Secrets, name: &str, file: &Path) -> Result<PathBuf, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    secrets.insert(name.to_owned(), Zeroizing::new(bytes));
    Ok(name.into())
}

fn of_wechat(file: &WechatSettings) -> Result<Found, String> {
    let (mut secrets, mut own) = (Secrets::new(), file.clone());
    own.api_key_file = take(&mut secrets, "api_key", &file.api_key_file)?;
    own.client_certificate = take(&mut secrets, "client_certificate", &file.client_certificate)?;
    own.client_key = take(&mut secrets, "client_key", &file.client_key)?;
    own.ca_certificate = roots(&mut secrets, file.ca_certificate.as_deref())?;
    own.v3 = match &file.v3 {
        None => None,
        Some(v3) => Some(WechatV3Settings {
            api_v3_key_file: take(&mut secrets, "api_v3_key", &v3.api_v3_key_file)?,
            public_key: match &v3.public_key {
                Some(file) => Some(take(&mut secrets, "wallet_public_key", file)?),
                None => None,
            },
            ..v3.clone()
        }),
    };
    Ok(Found { settings: AccountSettings::Wechat(Box::new(own)), secrets })
}

fn of_alipay(file: &AlipaySettings) -> Result<Found, String> {
    let (mut secrets, mut own) = (Secrets::new(), file.clone());
    own.app_private_key = take(&mut secrets, "app_private_key", &file.app_private_key)?;
    own.ca_certificate = roots(&mut secrets, file.ca_certificate.as_deref())?;
    own.app_auth_token = match &file.app_auth_token {
        Some(file) => Some(take(&mut secrets, "app_auth_token", file)?),
        None => None,
    };
    own.alipay_public_key = match &file.alipay_public_key {
        Some(file) => Some(take(&mut secrets, "wallet_public_key", file)?),
        None => None,
    };
    own.certificates = match &file.certificates {
        None => None,
        Some(files) => {
            let mut alipay = Vec::new();
            for (index, file) in files.alipay.iter().enumerate() {
                alipay.push(take(&mut secrets, &format!("wallet_certificate_{}", index + 1), file)?);
            }
            Some(CertificateSettings {
                app: take(&mut secrets, "app_certificate", &files.app)?,
                root: take(&mut secrets, "root_certificates", &files.root)?,
                alipay,
            })
        }
    };
    Ok(Found { settings: AccountSettings::Alipay(Box::new(own)), secrets })
}

fn roots(secrets: &mut Secrets, file: Option<&Path>) -> Result<Option<PathBuf>, String> {
    file.map(|file| take(secrets, "tls_roots", file)).transpose()
}
