//! The merchant's accounts at the wallets: rows of the base store, opened and served by every server of the store.
//!
//! Each server looks at the table's version each second and goes by the new table when there is one; a table that cannot be
//! read stays as it was. An account that cannot be opened here is told of and left out: the others serve on.

pub mod import;
pub mod keyring;
mod opening;
#[cfg(test)]
mod tests;

pub use crate::channel::adapter::{AccountSettings, Secrets};
pub use keyring::{Keyring, KeyringError, SealError};
pub use opening::{SecretName, needs, read};

use crate::base_store::{
    AccountFacts, AccountRow, BaseError, BaseStore, BillsOf, Changer, SealedSecret, WalletTable,
};
use crate::channel::adapter::Opened;
use crate::channel::registered;
use crate::config::Config;
use crate::order_centre::{OpenAccount, OrderCentre, Serving};
use crate::order_group::day_books::AccountUse;
use crate::order_group::{GroupError, GroupSet};
use evertill_shared::business_day::{BusinessDay, moment_on};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::id::AccountId;
use evertill_shared::routing::{Rule, Table};
use evertill_shared::wallet::Wallet;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::task::AbortHandle;

/// How often the table's version is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Bills are compared for so long after a payment: until then its account is needed.
const NEEDED_FOR: Duration = Duration::from_secs(4 * 24 * 3600);
/// So long rows of a compared day may wait for their line in a later bill.
const CARRIED: Duration = Duration::from_secs(3 * 24 * 3600);

/// All of an amount, in ten-thousandths of it.
const LARGEST_FEE: u32 = 10_000;

/// How an account stands on this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was opened, and the wallet has not been asked yet.
    Opened,
    /// The wallet has answered: addresses, merchant and keys fit together.
    Fits,
    /// It cannot be used, or the wallet turns it away, in words for IT.
    Wrong(String),
}

/// Why the accounts cannot be served when a server starts.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The base store.
    #[error("the accounts at the wallets: {0}")]
    Base(#[from] BaseError),
    /// The settings file names another merchant than the one whose payments stand under the settings file's name.
    #[error(
        "{wallet}: the settings name the merchant {named}, and payments of {known} rest on the settings' account there. Write \
         {known} into server.toml again and start; then add {named} as an account of its own: in the console, under Wallets"
    )]
    OtherMerchant {
        /// At which wallet.
        wallet: Wallet,
        /// Whom the settings name.
        named: String,
        /// Whom the first settings named.
        known: String,
    },
    /// The rules contradict each other.
    #[error("the rules for accounts: {0}")]
    Table(String),
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The base store's reason.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// What was given cannot be an account, in words for IT.
    #[error("{0}")]
    Unusable(String),
    /// Secrets cannot be sealed or opened here.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Something rests on the account still.
    #[error(
        "payments of the last four days or of days whose bills are not compared yet, or what is not settled yet, rest on this account: leave it disabled"
    )]
    InUse,
    /// Whether something rests on it is not known.
    #[error("an order group cannot be read, and may know of payments of this account: {0}")]
    Group(#[from] GroupError),
}

struct Inside {
    base: BaseStore,
    groups: GroupSet,
    centre: OrderCentre,
    keys: Keyring,
    of_the_file: BTreeMap<Wallet, String>,
    clock: Arc<dyn Clock>,
    /// The version that is served.
    served: tokio::sync::Mutex<Option<u64>>,
    standings: Mutex<BTreeMap<AccountId, (u64, Standing)>>,
}

/// The accounts, as one server serves and changes them. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Inside>);

/// Stops following the table when it is dropped.
#[derive(Debug)]
pub struct Following(AbortHandle);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Accounts {
    /// The accounts of that base store, for that order centre. `of_the_file` names the merchants of the settings file.
    /// Nothing is served yet: see [`Accounts::start`].
    #[must_use]
    pub fn new(
        (base, groups, centre): (BaseStore, GroupSet, OrderCentre),
        keys: Keyring,
        of_the_file: BTreeMap<Wallet, String>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (served, standings) = (tokio::sync::Mutex::default(), Mutex::default());
        Self(Arc::new(Inside { base, groups, centre, keys, of_the_file, clock, served, standings }))
    }

    /// Serves the table for the first time. What cannot be opened with this server's keys is told of and left out, as it is
    /// later: one account must not keep a server from all others.
    /// # Errors
    /// [`AccountsError`]: the table cannot be read, or the settings name another merchant than the first ones did.
    pub async fn start(&self) -> Result<(), AccountsError> {
        let known = self.0.base.merchants_of_the_file(self.0.of_the_file.clone()).await?;
        for (wallet, named) in &self.0.of_the_file {
            if let Some(known) = known.get(wallet).filter(|known| *known != named) {
                let (wallet, named, known) = (*wallet, named.clone(), known.clone());
                return Err(AccountsError::OtherMerchant { wallet, named, known });
            }
        }
        let table = self.0.base.wallet_table().await?;
        let mut served = self.0.served.lock().await;
        self.go_by(&table).map_err(AccountsError::Table)?;
        *served = Some(table.version);
        for (wallet, merchant) in self.forsaken(&table).await {
            tracing::error!(%wallet, merchant,
                "payments rest on an account that the settings named and do not name any more: this server asks about none of \
                 them, takes none back and refunds none. Put its section into server.toml again; to be rid of the section, run \
                 `evertill-server accounts import` first");
        }
        Ok(())
    }

    /// The merchants whose account the settings of servers have named, that this server's do not name, and that no row stands
    /// for, if payments rest on it.
    pub async fn forsaken(&self, table: &WalletTable) -> Vec<(Wallet, String)> {
        let mut forsaken = Vec::new();
        for (wallet, merchant) in &table.of_the_file {
            let is_a_row = |row: &AccountRow| row.is_the_files && row.facts.wallet == *wallet;
            let is_served = self.0.of_the_file.contains_key(wallet) || table.accounts.iter().any(is_a_row);
            if is_served || table.closed.contains(wallet) {
                continue;
            }
            let (account, from, until) = (AccountId::OF_THE_FILE, Timestamp(0), Timestamp(i64::MAX));
            let ever = AccountUse { account, wallet: *wallet, from, until };
            // A group that cannot be read may know of some.
            if self.0.groups.account_was_used(ever).await.unwrap_or(true) {
                forsaken.push((*wallet, merchant.clone()));
            }
        }
        forsaken
    }

    /// Follows the table, for as long as what this gives lives.
    #[must_use = "dropping it stops the following"]
    pub fn follow(&self) -> Following {
        let weak = Arc::downgrade(&self.0);
        Following(tokio::spawn(go_on(weak)).abort_handle())
    }

    /// Looks whether there is another table, and goes by it.
    /// # Errors
    /// In words: it cannot be read.
    pub async fn refresh(&self) -> Result<(), String> {
        let mut served = self.0.served.lock().await;
        let version = self.0.base.wallet_table_version().await.map_err(|error| error.to_string())?;
        if *served == Some(version) {
            return Ok(());
        }
        let table = self.0.base.wallet_table().await.map_err(|error| error.to_string())?;
        self.go_by(&table)?;
        tracing::info!(
            version = table.version,
            accounts = table.accounts.len(),
            rules = table.rules.len(),
            "the accounts at the wallets are other ones now"
        );
        *served = Some(table.version);
        Ok(())
    }

    fn go_by(&self, table: &WalletTable) -> Result<(), String> {
        let routed = table.accounts.iter().map(AccountRow::routed).collect();
        let routed = Table::new(routed, table.rules.clone()).map_err(|error| error.to_string())?;
        let accounts = table.accounts.iter().filter_map(|row| self.opened(row)).collect();
        // One that is a row counts as that row, whether or not it can be opened here.
        let is_row = |wallet: &Wallet| {
            table.accounts.iter().any(|row| row.is_the_files && row.facts.wallet == *wallet)
        };
        let may_hold = |wallet: &Wallet| !table.closed.contains(wallet) && !is_row(wallet);
        let of_the_file = table.of_the_file.keys().copied().filter(may_hold).collect();
        self.0.centre.serve(Serving { accounts, table: routed, of_the_file });
        let there = |id: &AccountId| table.accounts.iter().any(|row| row.id == *id);
        self.standings().retain(|id, _| there(id));
        Ok(())
    }

    /// The account, opened now or before. One that cannot be opened any more serves on as it was; and one that is the very
    /// account of this server's settings file, by that.
    fn opened(&self, row: &AccountRow) -> Option<OpenAccount> {
        let (id, wallet, is_the_files) = (row.id, row.facts.wallet, row.is_the_files);
        let served = self.0.centre.served(wallet, id);
        if let Some((version, channel)) = served.clone().filter(|(version, _)| *version == row.version) {
            return Some(OpenAccount { id, version, is_the_files, channel });
        }
        match self.open(row) {
            Ok((channel, check)) => {
                self.stands(row, Standing::Opened);
                let (accounts, row, version) = (self.clone(), row.clone(), row.version);
                // The connections that are made by it stay where payments are made.
                self.0.centre.spawn(async move {
                    let standing = check.await.map_or_else(Standing::Wrong, |()| Standing::Fits);
                    accounts.stands(&row, standing);
                });
                Some(OpenAccount { id, version, is_the_files, channel })
            }
            Err(problem) => {
                self.stands(row, Standing::Wrong(problem));
                let is_named = self.of_the_file(wallet) == Some(row.facts.merchant.as_str());
                let by_the_file = || self.0.centre.served(wallet, AccountId::OF_THE_FILE);
                let by_the_file = || by_the_file().map(|(_, channel)| (row.version, channel));
                let served = served.or_else(|| by_the_file().filter(|_| is_the_files && is_named));
                served.map(|(version, channel)| OpenAccount { id, version, is_the_files, channel })
            }
        }
    }

    fn open(&self, row: &AccountRow) -> Result<Opened, String> {
        let settings = read(row.facts.wallet, &row.facts.settings)?;
        let secrets = self.secrets(row).map_err(|error| error.to_string())?;
        opening::open(&*settings, secrets, &self.0.clock)
    }

    fn secrets(&self, row: &AccountRow) -> Result<Secrets, SealError> {
        let open = |secret: &SealedSecret| {
            let plain = self.0.keys.open(row.id, &secret.name, (&secret.key_id, &secret.sealed))?;
            Ok((secret.name.clone(), plain))
        };
        row.secrets.iter().map(open).collect()
    }

    fn stands(&self, row: &AccountRow, standing: Standing) {
        let (account, name, wallet) = (row.id, &row.facts.name, row.facts.wallet);
        match &standing {
            Standing::Opened => {}
            Standing::Fits => {
                tracing::info!(%account, name, %wallet, "an account answers; its addresses, merchant and keys fit together");
            }
            Standing::Wrong(problem) => {
                tracing::error!(%account, name, %wallet, problem, "payments through an account will fail until this is mended");
            }
        }
        let mut standings = self.standings();
        // What an older version was like is no news any more.
        if standings.get(&row.id).is_none_or(|(version, _)| *version <= row.version) {
            standings.insert(row.id, (row.version, standing));
        }
    }

    fn standings(&self) -> std::sync::MutexGuard<'_, BTreeMap<AccountId, (u64, Standing)>> {
        self.0.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How an account stands on this server; nothing if it has not heard of it.
    #[must_use]
    pub fn standing(&self, id: AccountId) -> Option<Standing> {
        self.standings().get(&id).map(|(_, standing)| standing.clone())
    }

    /// The merchant at that wallet in this server's settings file.
    #[must_use]
    pub fn of_the_file(&self, wallet: Wallet) -> Option<&str> {
        self.0.of_the_file.get(&wallet).map(String::as_str)
    }

    /// Whether secrets can be sealed here.
    #[must_use]
    pub fn can_seal(&self) -> bool {
        self.0.keys.sealing().is_some()
    }

    /// Adds an account, if it can be opened with these secrets. It is served here when this returns.
    /// # Errors
    /// [`ChangeError`].
    pub async fn add(
        &self,
        facts: AccountFacts,
        secrets: Secrets,
        enabled: bool,
        by: Changer,
    ) -> Result<AccountId, ChangeError> {
        let facts = self.checked(facts, secrets.clone())?;
        if !self.can_seal() {
            return Err(SealError::NoKeys.into());
        }
        let (accounts, now) = (self.clone(), self.0.clock.now());
        let seal = move |id| {
            accounts.sealed(id, &secrets, now).map_err(|error| BaseError::Invalid(error.to_string()))
        };
        let id = self.0.base.add_account(facts, enabled, Box::new(seal), by).await?;
        self.hear().await;
        Ok(id)
    }

    /// Changes an account that was seen at that version; secrets that are not given stay.
    /// # Errors
    /// [`ChangeError`].
    pub async fn change(
        &self,
        (id, seen): (AccountId, u64),
        facts: AccountFacts,
        secrets: Secrets,
        by: Changer,
    ) -> Result<(), ChangeError> {
        let row = self.row(id).await?;
        let mut whole = self.secrets(&row)?;
        whole.extend(secrets.clone());
        let facts = self.checked(facts, whole)?;
        let shows = |settings: &str| read(facts.wallet, settings).is_ok_and(|own| own.can_show().is_ok());
        if shows(&row.facts.settings) && !shows(&facts.settings) {
            return Err(ChangeError::Unusable(
                "codes that were shown through this account are closed by the same way as they were made: it stays. Leave \
                 shown codes off instead"
                    .into(),
            ));
        }
        let sealed = self.sealed(id, &secrets, self.0.clock.now())?;
        self.0.base.change_account((id, seen), facts, sealed, by).await?;
        self.hear().await;
        Ok(())
    }

    /// From now on the account takes new payments, or none.
    /// # Errors
    /// [`ChangeError`].
    pub async fn enable(
        &self,
        id: AccountId,
        enabled: bool,
        why: String,
        who: String,
    ) -> Result<(), ChangeError> {
        self.0.base.enable_account(id, enabled, why, who).await?;
        self.hear().await;
        Ok(())
    }

    /// Deletes an account, if nothing rests on it, and nothing will turn out to.
    /// # Errors
    /// [`ChangeError`].
    pub async fn delete(&self, id: AccountId, why: String, who: String) -> Result<(), ChangeError> {
        let row = self.row(id).await?;
        row.may_be_deleted(self.0.clock.now())?;
        let own = if row.is_the_files { vec![id, AccountId::OF_THE_FILE] } else { vec![id] };
        let wallet = row.facts.wallet;
        let before = own.last().copied().unwrap_or(id);
        let from = self.needed_from(BillsOf { channel: wallet, account: id, before }).await?;
        let lost_until = row.routed().may_hold_until().unwrap_or(Timestamp(i64::MAX));
        for account in own {
            let lately = AccountUse { account, wallet, from, until: Timestamp(i64::MAX) };
            if self.0.groups.account_is_owed(account, wallet, lost_until).await?
                || self.0.groups.account_was_used(lately).await?
            {
                return Err(ChangeError::InUse);
            }
        }
        self.0.base.delete_account(id, why, who).await?;
        self.hear().await;
        Ok(())
    }

    /// Payments from that time on need their account still: their day is not compared yet, or what of it waits for a line of
    /// a later bill.
    async fn needed_from(&self, of: BillsOf) -> Result<Timestamp, BaseError> {
        let lately = self.0.clock.now().minus(NEEDED_FOR);
        let (last, open) = self.0.base.bill_days(of).await?;
        let next = last.map(BusinessDay::next).or(open.map(|run| run.day));
        let begins = next.and_then(|day| moment_on(day, 0, &registered::of(of.channel).days(), 0));
        Ok(begins.map_or(lately, |begins| lately.min(begins.minus(CARRIED))))
    }

    /// Writes a rule down.
    /// # Errors
    /// [`ChangeError`].
    pub async fn add_rule(&self, rule: Rule, who: String) -> Result<(), ChangeError> {
        self.0.base.set_rule(rule.priority, Some(rule), who).await?;
        self.hear().await;
        Ok(())
    }

    /// Puts a rule in the place of `was`, at once.
    /// # Errors
    /// [`ChangeError`].
    pub async fn replace_rule(&self, was: Rule, rule: Rule, who: String) -> Result<(), ChangeError> {
        self.0.base.replace_rule(was, rule, who).await?;
        self.hear().await;
        Ok(())
    }

    /// Removes the rule of that priority.
    /// # Errors
    /// [`ChangeError`].
    pub async fn remove_rule(&self, priority: u32, who: String) -> Result<(), ChangeError> {
        self.0.base.set_rule(priority, None, who).await?;
        self.hear().await;
        Ok(())
    }

    /// Seals everything anew that is not under the first key; gives how many secrets that were.
    /// # Errors
    /// [`ChangeError`]: nothing was changed.
    pub async fn reseal(&self, who: String) -> Result<usize, ChangeError> {
        let first = self.0.keys.sealing().ok_or(SealError::NoKeys)?;
        let mut anew = Vec::new();
        for row in self.0.base.wallet_table().await?.accounts {
            for secret in row.secrets.iter().filter(|secret| secret.key_id != first) {
                let plain = self.0.keys.open(row.id, &secret.name, (&secret.key_id, &secret.sealed))?;
                let (key_id, sealed) = self.0.keys.seal(row.id, &secret.name, &plain)?;
                anew.push((row.id, secret.sealed.clone(), SealedSecret { key_id, sealed, ..secret.clone() }));
            }
        }
        Ok(self.0.base.reseal(anew, who).await?)
    }

    async fn row(&self, id: AccountId) -> Result<AccountRow, BaseError> {
        let mut accounts = self.0.base.wallet_table().await?.accounts.into_iter();
        accounts.find(|row| row.id == id).ok_or(BaseError::NotFound("account"))
    }

    /// What is written down of it, if an account can be opened so.
    fn checked(&self, facts: AccountFacts, secrets: Secrets) -> Result<AccountFacts, ChangeError> {
        if facts.name.trim().is_empty() || facts.name.chars().count() > 60 {
            return Err(ChangeError::Unusable("give the account a name of 1 to 60 characters".into()));
        }
        if !facts.amounts.is_possible() || facts.amounts.lowest.is_some_and(|minor| minor < 0) {
            return Err(ChangeError::Unusable(
                "the lowest amount is above the highest, or below nothing".into(),
            ));
        }
        if !registered::of(facts.wallet).takes(facts.currency) {
            let (wallet, currency) = (facts.wallet, facts.currency);
            return Err(ChangeError::Unusable(format!(
                "{wallet} takes no {currency}: choose another currency"
            )));
        }
        if facts.fee.is_some_and(|fee| fee > LARGEST_FEE) {
            return Err(ChangeError::Unusable("the wallet cannot keep more than the amount itself".into()));
        }
        let settings = read(facts.wallet, &facts.settings).map_err(ChangeError::Unusable)?;
        if settings.merchant() != facts.merchant {
            return Err(ChangeError::Unusable("the merchant's number is another one in the settings".into()));
        }
        if let (true, Err(why)) = (facts.shown, settings.can_show()) {
            return Err(ChangeError::Unusable(why.into()));
        }
        let missing: Vec<SecretName> =
            needs(&*settings).into_iter().filter(|name| !secrets.contains_key(name.0.as_str())).collect();
        if let Some(first) = missing.first() {
            return Err(ChangeError::Unusable(format!("{} is missing", first.0)));
        }
        opening::open(&*settings, secrets, &self.0.clock).map(drop).map_err(ChangeError::Unusable)?;
        Ok(facts)
    }

    fn sealed(
        &self,
        id: AccountId,
        secrets: &Secrets,
        now: Timestamp,
    ) -> Result<Vec<SealedSecret>, SealError> {
        let seal = |(name, plain): (&String, &zeroize::Zeroizing<Vec<u8>>)| {
            let (key_id, sealed) = self.0.keys.seal(id, name, plain)?;
            Ok(SealedSecret { name: name.clone(), key_id, sealed, set_at: now })
        };
        secrets.iter().map(seal).collect()
    }

    /// What was just changed is served here at once; elsewhere within the second.
    async fn hear(&self) {
        if let Err(error) = self.refresh().await {
            tracing::warn!(error, "the accounts were changed, and cannot be read again yet");
        }
    }
}

async fn go_on(weak: Weak<Inside>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(inside) = weak.upgrade() else { return };
        if let Err(error) = Accounts(inside).refresh().await {
            tracing::warn!(error, "the accounts at the wallets cannot be read: going by the old ones");
        }
    }
}

/// The merchants that a settings file names.
#[must_use]
pub fn merchants_of(config: &Config) -> BTreeMap<Wallet, String> {
    config.accounts().into_iter().map(|own| (own.wallet(), own.merchant())).collect()
}
