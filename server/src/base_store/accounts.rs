//! The merchant's accounts at the wallets, and the rules by which one of them is chosen for a sale. What is secret of
//! them is sealed before it comes here.

mod rules;

use super::audit::{self, AuditKind, NewAudit};
use super::{BaseError, BaseStore, guard};
use crate::database::{DbError, Row, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, StoreId};
use evertill_shared::money::Currency;
use evertill_shared::routing::{Account, Rule, Span};
use evertill_shared::wallet::Wallet;
use std::collections::{BTreeMap, BTreeSet};

/// A secret of an account, as it rests.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// What it is.
    pub name: String,
    /// Which key opens it.
    pub key_id: String,
    /// The sealed bytes, as text.
    pub sealed: String,
    /// When it was set.
    pub set_at: Timestamp,
}

impl std::fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedSecret({} of {:?}, …)", self.name, self.set_at)
    }
}

/// What IT says of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFacts {
    /// What people call it.
    pub name: String,
    /// At which wallet.
    pub wallet: Wallet,
    /// Its name at the wallet: the merchant's number, or the app's. No two rows have the same.
    pub merchant: String,
    /// For this store only.
    pub store: Option<StoreId>,
    /// The only currency that it takes.
    pub currency: Currency,
    /// Whether customers' codes are charged by it.
    pub scanned: bool,
    /// Whether codes are shown by it.
    pub shown: bool,
    /// How much at a time.
    pub amounts: Span,
    /// What the wallet keeps of each payment by its agreement, in ten-thousandths of the amount; nothing if nobody has said.
    pub fee: Option<u32>,
    /// The rest, as the wallet's adapter reads it: JSON.
    pub settings: String,
}

/// An account as it stands in the base store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its number.
    pub id: AccountId,
    /// What IT says of it.
    pub facts: AccountFacts,
    /// Whether it is the very account that servers' settings files name: their payments are asked of it.
    pub is_the_files: bool,
    /// Whether it takes new payments.
    pub enabled: bool,
    /// Since when that is so.
    pub enabled_at: Timestamp,
    /// When anything of it changed last.
    pub changed_at: Timestamp,
    /// One more at each change.
    pub version: u64,
    /// Its secrets, sealed.
    pub secrets: Vec<SealedSecret>,
}

impl AccountRow {
    /// What the table of routing says of it.
    #[must_use]
    pub fn routed(&self) -> Account {
        let facts = &self.facts;
        Account {
            id: self.id,
            wallet: facts.wallet,
            store: facts.store,
            enabled: self.enabled,
            since: self.enabled_at,
            scanned: facts.scanned,
            shown: facts.shown,
            currency: facts.currency,
            amounts: facts.amounts,
        }
    }

    /// Whether the account itself may be deleted now, whatever rests on it: it takes no new payments, and so long since
    /// that nobody will hear any more of an attempt that it may have. A server that had not heard of the disabling yet may
    /// have charged it, too.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] while it takes payments; [`BaseError::MayHold`].
    pub fn may_be_deleted(&self, now: Timestamp) -> Result<(), BaseError> {
        match self.routed().may_hold_until() {
            None => Err(BaseError::Invalid("disable the account first".into())),
            Some(until) if now <= until => Err(BaseError::MayHold { since: self.enabled_at, until }),
            Some(_) => Ok(()),
        }
    }
}

/// Accounts and rules, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalletTable {
    /// Another one means that something is other.
    pub version: u64,
    /// All accounts.
    pub accounts: Vec<AccountRow>,
    /// All rules, by their priority.
    pub rules: Vec<Rule>,
    /// The merchants whose account servers' settings files have named, from the first on: payments of
    /// [`AccountId::OF_THE_FILE`] are theirs.
    pub of_the_file: BTreeMap<Wallet, String>,
    /// The wallets among those at which no payment rests on that account any more: it was a row, and was deleted.
    pub closed: BTreeSet<Wallet>,
}

/// Who changes something, and by which request: the same one again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changer {
    /// The login of the person, or `server`.
    pub who: String,
    /// The request's own id, with the sender's name in front.
    pub request: String,
}

/// Seals what belongs to an account, once it has its number.
pub type Sealing = dyn Fn(AccountId) -> Result<Vec<SealedSecret>, BaseError> + Send + Sync;

const ACCOUNT: &str = "SELECT id, name, wallet, merchant, store, currency, scanned, shown, lowest, highest, fee, \
     settings, is_the_files, enabled, enabled_at, changed_at, version FROM wallet_accounts";

fn account_row(row: &Row) -> Result<AccountRow, DbError> {
    let text = |column: &str| row.get::<String>(column);
    let store: Option<u32> = row.get("store")?;
    let facts = AccountFacts {
        name: text("name")?,
        wallet: text("wallet")?.parse().map_err(DbError::nonsense)?,
        merchant: text("merchant")?,
        store: store.map(StoreId::try_from).transpose().map_err(DbError::nonsense)?,
        currency: text("currency")?.parse().map_err(DbError::nonsense)?,
        scanned: row.get("scanned")?,
        shown: row.get("shown")?,
        amounts: Span { lowest: row.get("lowest")?, highest: row.get("highest")? },
        fee: row.get("fee")?,
        settings: text("settings")?,
    };
    Ok(AccountRow {
        id: AccountId(row.get("id")?),
        facts,
        is_the_files: row.get("is_the_files")?,
        enabled: row.get("enabled")?,
        enabled_at: Timestamp(row.get("enabled_at")?),
        changed_at: Timestamp(row.get("changed_at")?),
        version: row.get("version")?,
        secrets: Vec::new(),
    })
}

fn version(sql: &dyn Sql) -> Result<u64, BaseError> {
    let found = sql.value("SELECT version FROM wallet_table", &[])?;
    Ok(found.ok_or_else(|| DbError::nonsense("the table of accounts has no version"))?)
}

fn changed(sql: &dyn Sql) -> Result<(), BaseError> {
    sql.execute("UPDATE wallet_table SET version = version + 1", &[])?;
    Ok(())
}

fn read(sql: &dyn Sql) -> Result<WalletTable, BaseError> {
    let rows = sql.rows(&format!("{ACCOUNT} ORDER BY id"), &[])?;
    let mut accounts: Vec<AccountRow> = rows.iter().map(account_row).collect::<Result<_, _>>()?;
    let secrets = sql.rows(
        "SELECT account, name, key_id, sealed, set_at FROM wallet_secrets ORDER BY account, name",
        &[],
    )?;
    for row in &secrets {
        let account = AccountId(row.at(0)?);
        let set_at = Timestamp(row.at(4)?);
        let secret = SealedSecret { name: row.at(1)?, key_id: row.at(2)?, sealed: row.at(3)?, set_at };
        if let Some(owner) = accounts.iter_mut().find(|owner| owner.id == account) {
            owner.secrets.push(secret);
        }
    }
    let rules = sql.rows("SELECT rule FROM wallet_rules ORDER BY priority", &[])?;
    let rule = |row: &Row| serde_json::from_str(&row.at::<String>(0)?).map_err(DbError::nonsense);
    let rules = rules.iter().map(rule).collect::<Result<_, DbError>>()?;
    let (version, of_the_file, closed) = (version(sql)?, of_the_file(sql)?, closed(sql)?);
    Ok(WalletTable { version, accounts, rules, of_the_file, closed })
}

fn closed(sql: &dyn Sql) -> Result<BTreeSet<Wallet>, BaseError> {
    let rows = sql.rows("SELECT wallet FROM wallet_of_the_file WHERE closed = 1", &[])?;
    let read = |row: &Row| row.at::<String>(0)?.parse().map_err(DbError::nonsense);
    Ok(rows.iter().map(read).collect::<Result<_, DbError>>()?)
}

fn of_the_file(sql: &dyn Sql) -> Result<BTreeMap<Wallet, String>, BaseError> {
    let rows = sql.rows("SELECT wallet, merchant FROM wallet_of_the_file", &[])?;
    let read = |row: &Row| {
        let wallet: Wallet = row.at::<String>(0)?.parse().map_err(DbError::nonsense)?;
        Ok((wallet, row.at::<String>(1)?))
    };
    Ok(rows.iter().map(read).collect::<Result<_, DbError>>()?)
}

fn find(sql: &dyn Sql, id: AccountId) -> Result<AccountRow, BaseError> {
    read(sql)?.accounts.into_iter().find(|row| row.id == id).ok_or(BaseError::NotFound("account"))
}

/// Somebody else changed it since it was looked at.
fn moved() -> BaseError {
    BaseError::Invalid("the account was changed in the meantime: look at it again".into())
}

fn keep_secrets(sql: &dyn Sql, id: AccountId, secrets: &[SealedSecret]) -> Result<(), BaseError> {
    for secret in secrets {
        sql.execute(
            "INSERT INTO wallet_secrets (account, name, key_id, sealed, set_at) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (account, name) DO UPDATE \
             SET key_id = excluded.key_id, sealed = excluded.sealed, set_at = excluded.set_at",
            &params![id.get(), &secret.name, &secret.key_id, &secret.sealed, secret.set_at.0],
        )?;
    }
    Ok(())
}

fn insert(sql: &dyn Sql, new: &AccountRow, now: Timestamp) -> Result<(), BaseError> {
    let facts = &new.facts;
    let inserted = sql.execute(
        "INSERT INTO wallet_accounts (id, name, wallet, merchant, store, currency, scanned, shown, lowest, highest, \
         settings, is_the_files, enabled, enabled_at, changed_at, fee, version) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15, 1) ON CONFLICT DO NOTHING",
        &params![
            new.id.get(),
            &facts.name,
            facts.wallet.code(),
            &facts.merchant,
            facts.store.map(StoreId::get),
            facts.currency.code(),
            facts.scanned,
            facts.shown,
            facts.amounts.lowest,
            facts.amounts.highest,
            &facts.settings,
            new.is_the_files,
            new.enabled,
            now.0,
            facts.fee,
        ],
    )?;
    if inserted == 1 { Ok(()) } else { Err(taken(facts)) }
}

fn taken(facts: &AccountFacts) -> BaseError {
    BaseError::Invalid(format!("{} {} is there already: change that one", facts.wallet, facts.merchant))
}

fn names_in(changed: &[SealedSecret]) -> String {
    let names: Vec<&str> = changed.iter().map(|secret| secret.name.as_str()).collect();
    if names.is_empty() { String::new() } else { format!("; set: {}", names.join(", ")) }
}

fn in_words(facts: &AccountFacts) -> String {
    let limit = |minor: Option<i64>| minor.map_or("-".to_owned(), |minor| minor.to_string());
    format!(
        "{}, {} {}, store {}, {} {}..{}, scanned {}, shown {}, fee {}",
        facts.name,
        facts.wallet,
        facts.merchant,
        facts.store.map_or("all".to_owned(), |store| store.to_string()),
        facts.currency.code(),
        limit(facts.amounts.lowest),
        limit(facts.amounts.highest),
        facts.scanned,
        facts.shown,
        facts.fee.map_or("-".to_owned(), |fee| format!("{fee}/10000"))
    )
}

impl BaseStore {
    /// The version of accounts and rules.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn wallet_table_version(&self) -> Result<u64, BaseError> {
        self.database.read(version).await
    }

    /// Accounts and rules, as of one moment.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn wallet_table(&self) -> Result<WalletTable, BaseError> {
        self.database.read(read).await
    }

    /// The merchants of the settings files, once and for all: what this server's names is written down for wallets of which
    /// no server has named any before. Gives what stands there.
    ///
    /// # Errors
    /// The database's.
    pub async fn merchants_of_the_file(
        &self,
        own: BTreeMap<Wallet, String>,
    ) -> Result<BTreeMap<Wallet, String>, BaseError> {
        let known = self.database.read(of_the_file).await?;
        if own.keys().all(|wallet| known.contains_key(wallet)) {
            return Ok(known);
        }
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                for (wallet, merchant) in &own {
                    sql.execute(
                        "INSERT INTO wallet_of_the_file (wallet, merchant, since) VALUES (?1, ?2, ?3) \
                         ON CONFLICT DO NOTHING",
                        &params![wallet.code(), merchant, now.0],
                    )?;
                }
                changed(sql)?;
                of_the_file(sql)
            })
            .await
    }

    /// Adds an account. It takes new payments from the moment servers hear of it, if it is enabled.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if there is a row for that merchant already; [`BaseError::Replayed`]; the database's.
    pub async fn add_account(
        &self,
        facts: AccountFacts,
        enabled: bool,
        seal: Box<Sealing>,
        by: Changer,
    ) -> Result<AccountId, BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                guard(sql, &by.request, now)?;
                let next: Option<u32> =
                    sql.value("UPDATE wallet_table SET next_id = next_id + 1 RETURNING next_id - 1", &[])?;
                let next =
                    next.ok_or_else(|| DbError::nonsense("the table of accounts has no next number"))?;
                let id = AccountId(next);
                let secrets = seal(id)?;
                let is_the_files = of_the_file(sql)?.get(&facts.wallet) == Some(&facts.merchant);
                let new = AccountRow {
                    id,
                    facts: facts.clone(),
                    is_the_files,
                    enabled,
                    enabled_at: now,
                    changed_at: now,
                    version: 1,
                    secrets: Vec::new(),
                };
                insert(sql, &new, now)?;
                keep_secrets(sql, id, &secrets)?;
                changed(sql)?;
                let words = format!("{}, enabled {enabled}{}", in_words(&facts), names_in(&secrets));
                audit::append(sql, &NewAudit::new(&by.who, AuditKind::AccountAdded, id, words), now)?;
                Ok(id)
            })
            .await
    }

    /// Changes what IT says of an account, and sets the secrets that are given; the others stay. Its wallet and merchant
    /// stay what they are: payments rest on them.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if it was changed since that version; [`BaseError::NotFound`], [`BaseError::Replayed`];
    /// the database's.
    pub async fn change_account(
        &self,
        (id, seen): (AccountId, u64),
        facts: AccountFacts,
        secrets: Vec<SealedSecret>,
        by: Changer,
    ) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                guard(sql, &by.request, now)?;
                let known = find(sql, id)?;
                if known.version != seen {
                    return Err(moved());
                }
                if (known.facts.wallet, &known.facts.merchant) != (facts.wallet, &facts.merchant) {
                    return Err(BaseError::Invalid(
                        "an account's merchant number stays: payments rest on it. Add another account".into(),
                    ));
                }
                sql.execute(
                    "UPDATE wallet_accounts SET name = ?2, store = ?3, currency = ?4, scanned = ?5, shown = ?6, \
                     lowest = ?7, highest = ?8, settings = ?9, changed_at = ?10, fee = ?11, version = version + 1 WHERE id = ?1",
                    &params![
                        id.get(),
                        &facts.name,
                        facts.store.map(StoreId::get),
                        facts.currency.code(),
                        facts.scanned,
                        facts.shown,
                        facts.amounts.lowest,
                        facts.amounts.highest,
                        &facts.settings,
                        now.0,
                        facts.fee,
                    ],
                )?;
                keep_secrets(sql, id, &secrets)?;
                changed(sql)?;
                let words = format!("{}{}", in_words(&facts), names_in(&secrets));
                audit::append(sql, &NewAudit::new(&by.who, AuditKind::AccountChanged, id, words), now)
            })
            .await
    }

    /// From now on the account takes new payments, or none. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`BaseError::NotFound`]; the database's.
    pub async fn enable_account(
        &self,
        id: AccountId,
        enabled: bool,
        why: String,
        who: String,
    ) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                if find(sql, id)?.enabled == enabled {
                    return Ok(());
                }
                sql.execute(
                    "UPDATE wallet_accounts SET enabled = ?2, enabled_at = ?3, changed_at = ?3 WHERE id = ?1",
                    &params![id.get(), enabled, now.0],
                )?;
                changed(sql)?;
                let kind = if enabled { AuditKind::AccountEnabled } else { AuditKind::AccountDisabled };
                audit::append(sql, &NewAudit::new(&who, kind, id, &why), now)
            })
            .await
    }

    /// Deletes an account that nothing rests on any more: whoever asks has looked at the order groups. Its number is
    /// never given out again. If it stands for the settings files' account, nothing rests on that one either.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if it takes new payments, or a rule names it; [`BaseError::MayHold`] if it did so not long
    /// ago; [`BaseError::NotFound`]; the database's.
    pub async fn delete_account(&self, id: AccountId, why: String, who: String) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                let table = read(sql)?;
                let known = table.accounts.iter().find(|row| row.id == id);
                let known = known.ok_or(BaseError::NotFound("account"))?;
                known.may_be_deleted(now)?;
                if let Some(rule) = table.rules.iter().find(|rule| rule.accounts.contains(&id)) {
                    return Err(BaseError::Invalid(format!(
                        "rule {} names the account: change the rule first",
                        rule.priority
                    )));
                }
                let wallet = known.facts.wallet;
                let is_last = !table.accounts.iter().any(|row| row.id != id && row.facts.wallet == wallet);
                if is_last && table.of_the_file.contains_key(&wallet) {
                    return Err(BaseError::Invalid(
                        "it is the last account at this wallet: without it the account in the servers' settings would take \
                         new payments again. Leave it disabled"
                            .into(),
                    ));
                }
                sql.execute("DELETE FROM wallet_secrets WHERE account = ?1", &params![id.get()])?;
                sql.execute("DELETE FROM wallet_accounts WHERE id = ?1", &params![id.get()])?;
                if known.is_the_files {
                    let row = params![wallet.code()];
                    sql.execute("UPDATE wallet_of_the_file SET closed = 1 WHERE wallet = ?1", &row)?;
                }
                changed(sql)?;
                let words = format!("{}: {why}", in_words(&known.facts));
                audit::append(sql, &NewAudit::new(&who, AuditKind::AccountDeleted, id, words), now)
            })
            .await
    }

    /// Writes a rule down, or removes the one of that priority. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if another rule stands there, or it names accounts that are not there;
    /// the database's.
    pub async fn set_rule(&self, priority: u32, rule: Option<Rule>, who: String) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                let table = read(sql)?;
                let there = table.rules.iter().find(|known| known.priority == priority);
                if there == rule.as_ref() {
                    return Ok(());
                }
                let words = match &rule {
                    Some(new) => {
                        if there.is_some() {
                            return Err(BaseError::Invalid(format!(
                                "there is a rule {priority} already: give this one another priority, or change that one"
                            )));
                        }
                        fits(new, &table.accounts)?;
                        let text = serde_json::to_string(new).map_err(DbError::nonsense)?;
                        let row = params![priority, &text];
                        sql.execute("INSERT INTO wallet_rules (priority, rule) VALUES (?1, ?2)", &row)?;
                        text
                    }
                    None => {
                        sql.execute("DELETE FROM wallet_rules WHERE priority = ?1", &params![priority])?;
                        "removed".to_owned()
                    }
                };
                changed(sql)?;
                let subject = format!("rule {priority}");
                audit::append(sql, &NewAudit::new(&who, AuditKind::RoutingChanged, subject, words), now)
            })
            .await
    }

    /// Puts secrets that were sealed anew in the place of the old ones, all or none; each must be what it was. Gives how
    /// many there were.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if one was set in the meantime; the database's.
    pub async fn reseal(
        &self,
        anew: Vec<(AccountId, String, SealedSecret)>,
        who: String,
    ) -> Result<usize, BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                for (account, before, secret) in &anew {
                    let rows = sql.execute(
                        "UPDATE wallet_secrets SET key_id = ?4, sealed = ?5 \
                         WHERE account = ?1 AND name = ?2 AND sealed = ?3",
                        &params![account.get(), &secret.name, before, &secret.key_id, &secret.sealed],
                    )?;
                    if rows != 1 {
                        return Err(BaseError::Invalid("a secret was set in the meantime: try again".into()));
                    }
                }
                if anew.is_empty() {
                    return Ok(0);
                }
                let key = anew.first().map(|(_, _, secret)| secret.key_id.clone()).unwrap_or_default();
                let words = format!("{} secrets are sealed under key {key}", anew.len());
                audit::append(sql, &NewAudit::new(&who, AuditKind::SecretsResealed, "accounts", words), now)?;
                Ok(anew.len())
            })
            .await
    }
}

fn fits(rule: &Rule, accounts: &[AccountRow]) -> Result<(), BaseError> {
    let wrong = |text: &str| Err(BaseError::Invalid(text.to_owned()));
    if !rule.amounts.is_possible() {
        return wrong("the lowest amount is above the highest: no sale would fit");
    }
    let is_there =
        |id: &AccountId| accounts.iter().any(|row| row.id == *id && row.facts.wallet == rule.wallet);
    if !rule.accounts.iter().all(is_there) {
        return wrong("the rule names an account that is not at that wallet");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
