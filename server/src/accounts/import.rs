//! Making accounts of what a settings file names: its settings as they are, its files as sealed secrets.

use super::{AccountSettings, Accounts, ChangeError, Secrets};
use crate::base_store::{AccountFacts, Changer, random};
use crate::channel::adapter::Taken;
use crate::config::Config;
use evertill_shared::id::AccountId;
use evertill_shared::routing::Span;
use evertill_shared::wallet::Wallet;

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

impl Accounts {
    /// Makes an account of each wallet that a settings file names, if there is none of that merchant. It takes new
    /// payments in the place of the settings file's.
    /// # Errors
    /// [`ChangeError`]: a file cannot be read, or is not what it should be.
    pub async fn import(&self, config: &Config, who: &str) -> Result<Vec<Imported>, ChangeError> {
        // All files are read before the first account is made.
        let take = |named: &dyn AccountSettings| -> Result<_, String> {
            let mut taken = Taken::default();
            Ok((named.imported(&mut taken)?, taken.0))
        };
        let found: Result<Vec<_>, String> = config.accounts().into_iter().map(take).collect();
        let mut done = Vec::new();
        for (settings, secrets) in found.map_err(ChangeError::Unusable)? {
            let (wallet, merchant) = (settings.wallet(), settings.merchant());
            let known = self.0.base.wallet_table().await?.accounts;
            let is_known =
                known.iter().any(|row| (row.facts.wallet, &row.facts.merchant) == (wallet, &merchant));
            let account = match is_known {
                true => None,
                false => Some(self.take_in(&*settings, secrets, who).await?),
            };
            done.push(Imported { wallet, merchant, account });
        }
        Ok(done)
    }

    async fn take_in(
        &self,
        settings: &dyn AccountSettings,
        secrets: Secrets,
        who: &str,
    ) -> Result<AccountId, ChangeError> {
        let facts = AccountFacts {
            name: format!("{} {}", settings.wallet(), settings.merchant()),
            wallet: settings.wallet(),
            merchant: settings.merchant(),
            store: None,
            currency: self.0.base.store().currency,
            scanned: true,
            shown: settings.can_show().is_ok(),
            amounts: Span::default(),
            fee: None,
            settings: settings.text().map_err(ChangeError::Unusable)?,
        };
        let request = format!("{who} {}", hex::encode(random::<16>()?));
        self.add(facts, secrets, true, Changer { who: who.to_owned(), request }).await
    }
}
