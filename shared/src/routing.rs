//! Which of the merchant's accounts at a wallet is asked for a sale's money: the table that IT keeps, and the choice
//! among accounts that may all be asked.
//!
//! The table only says what *may* be asked for a new payment. What an attempt was sent to is written down with it before
//! anything is sent, and everything later about that attempt goes there, whatever the table has become.

use crate::clock::Timestamp;
use crate::id::{AccountId, StoreId};
use crate::money::{Amount, Currency};
use crate::wallet::Wallet;
use serde::{Deserialize, Serialize};
use std::time::Duration;

mod window;

pub use window::{Window, pick};

#[cfg(test)]
mod tests;

/// An attempt whose record was lost is heard of again, by the till that made it, so much later at most: until then an
/// account that was disabled may have it. As long as a wallet takes a payment back.
const HEARD_OF_WITHIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// How the customer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The customer's code is scanned.
    Scanned,
    /// The till shows a code.
    Shown,
}

/// Which amounts, in minor units of one currency; both ends are inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Span {
    /// Not less than this.
    pub lowest: Option<i64>,
    /// Not more than this.
    pub highest: Option<i64>,
}

impl Span {
    /// Whether an amount lies inside.
    #[must_use]
    pub fn holds(&self, minor: i64) -> bool {
        self.lowest.is_none_or(|lowest| minor >= lowest)
            && self.highest.is_none_or(|highest| minor <= highest)
    }

    /// Whether any amount can lie inside.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        match (self.lowest, self.highest) {
            (Some(lowest), Some(highest)) => lowest <= highest,
            _ => true,
        }
    }
}

/// What an account takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name for ever.
    pub id: AccountId,
    /// At which wallet.
    pub wallet: Wallet,
    /// For this store only; for all, if none is named.
    pub store: Option<StoreId>,
    /// Whether it takes new payments. One that does not is still asked about its old ones, and gives back.
    pub enabled: bool,
    /// Since when that is so.
    pub since: Timestamp,
    /// Whether customers' codes are charged by it.
    pub scanned: bool,
    /// Whether codes are shown by it.
    pub shown: bool,
    /// The only currency that it takes.
    pub currency: Currency,
    /// How much at a time.
    pub amounts: Span,
}

impl Account {
    /// Up to when an attempt that nobody knows the account of may be this one's, by the time at which it was heard of;
    /// nothing while the account takes new payments.
    #[must_use]
    pub fn may_hold_until(&self) -> Option<Timestamp> {
        (!self.enabled).then(|| self.since.plus(HEARD_OF_WITHIN))
    }

    /// Whether an attempt that was heard of at that time may be this account's. One that was disabled long before was
    /// surely not asked for it.
    #[must_use]
    pub fn may_hold(&self, heard_of: Timestamp) -> bool {
        self.may_hold_until().is_none_or(|until| heard_of <= until)
    }

    fn takes(&self, sale: &Sale) -> bool {
        let kind = match sale.kind {
            Kind::Scanned => self.scanned,
            Kind::Shown => self.shown,
        };
        self.enabled
            && kind
            && self.wallet == sale.wallet
            && self.store.is_none_or(|store| store == sale.store)
            && self.currency == sale.amount.currency
            && self.amounts.holds(sale.amount.minor)
    }
}

/// A line of the table. What it does not name, it does not ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The smallest that fits decides. No two rules have the same.
    pub priority: u32,
    /// At which wallet.
    pub wallet: Wallet,
    /// In which store.
    pub store: Option<StoreId>,
    /// In which currency.
    pub currency: Option<Currency>,
    /// How much; in minor units of whatever currency it is.
    pub amounts: Span,
    /// The accounts that may be asked; none of them means that such sales are not taken.
    pub accounts: Vec<AccountId>,
}

impl Rule {
    fn fits(&self, sale: &Sale) -> bool {
        self.wallet == sale.wallet
            && self.store.is_none_or(|store| store == sale.store)
            && self.currency.is_none_or(|currency| currency == sale.amount.currency)
            && self.amounts.holds(sale.amount.minor)
    }
}

/// What is to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    /// Where.
    pub store: StoreId,
    /// By which wallet.
    pub wallet: Wallet,
    /// How much.
    pub amount: Amount,
    /// By whose code.
    pub kind: Kind,
}

/// Why no account may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAccount {
    /// There are rules for this wallet, and none fits.
    #[error("no routing rule fits this sale")]
    NoRule,
    /// None of the accounts that the rule names takes this sale.
    #[error("routing rule {0} fits this sale, and none of its accounts takes it")]
    NotByRule(u32),
    /// There are accounts without rules, and none takes this sale.
    #[error("none of the accounts takes this sale")]
    NotByAccounts,
}

/// What is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Two rules of one priority: nobody could say which decides.
    #[error("two rules have the priority {0}: give one of them another")]
    SamePriority(u32),
}

/// Accounts and rules, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    accounts: Vec<Account>,
    rules: Vec<Rule>,
}

impl Table {
    /// A table of these.
    /// # Errors
    /// [`TableError`].
    pub fn new(accounts: Vec<Account>, mut rules: Vec<Rule>) -> Result<Self, TableError> {
        rules.sort_by_key(|rule| rule.priority);
        match rules.windows(2).find(|two| two[0].priority == two[1].priority) {
            Some(two) => Err(TableError::SamePriority(two[0].priority)),
            None => Ok(Self { accounts, rules }),
        }
    }

    /// The accounts in it.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// The accounts that may be asked for this sale's money: at least one, each once.
    ///
    /// - A wallet without a single account in the table is the settings file's affair:
    ///   [`AccountId::OF_THE_FILE`]; unless the first rule that fits names no account at all.
    /// - Are there rules for the wallet, the first that fits decides alone: nothing falls through to the next.
    /// - Without rules every account that takes the sale may be asked.
    /// # Errors
    /// [`NoAccount`].
    pub fn may_be_asked(&self, sale: &Sale) -> Result<Vec<AccountId>, NoAccount> {
        if !self.knows(sale.wallet) {
            let mut fitting = self.rules.iter().filter(|rule| rule.fits(sale));
            return match fitting.next().filter(|rule| rule.accounts.is_empty()) {
                Some(rule) => Err(NoAccount::NotByRule(rule.priority)),
                None => Ok(vec![AccountId::OF_THE_FILE]),
            };
        }
        let takers = self.accounts.iter().filter(|account| account.takes(sale)).map(|account| account.id);
        let mut rules = self.rules.iter().filter(|rule| rule.wallet == sale.wallet).peekable();
        if rules.peek().is_none() {
            let takers: Vec<AccountId> = takers.collect();
            return if takers.is_empty() { Err(NoAccount::NotByAccounts) } else { Ok(takers) };
        }
        let rule = rules.find(|rule| rule.fits(sale)).ok_or(NoAccount::NoRule)?;
        let named: Vec<AccountId> = takers.filter(|id| rule.accounts.contains(id)).collect();
        if named.is_empty() { Err(NoAccount::NotByRule(rule.priority)) } else { Ok(named) }
    }

    /// Whether a sale like this one is taken if its amount is another: where none may be asked for it, that is why. Which
    /// rule decides, and who takes it, changes only at the ends of spans: looking there, and beside them, is looking
    /// everywhere.
    #[must_use]
    pub fn takes_other_amounts(&self, sale: &Sale) -> bool {
        let spans = self.accounts.iter().map(|account| account.amounts);
        let ends = spans.chain(self.rules.iter().map(|rule| rule.amounts));
        let ends = ends.flat_map(|span| [span.lowest, span.highest]).flatten();
        let beside = ends.flat_map(|end| [end.saturating_sub(1), end, end.saturating_add(1)]);
        let is_taken = |minor: i64| {
            let amount = Amount::new(minor, sale.amount.currency);
            amount.is_positive() && self.may_be_asked(&Sale { amount, ..*sale }).is_ok()
        };
        std::iter::once(1).chain(beside).any(is_taken)
    }

    /// Whether there are accounts of that wallet: then the settings file's takes no new payments.
    #[must_use]
    pub fn knows(&self, wallet: Wallet) -> bool {
        self.accounts.iter().any(|account| account.wallet == wallet)
    }

    /// Whether payments of that kind may be taken in that store at all, whatever the amount.
    #[must_use]
    pub fn offers(&self, wallet: Wallet, store: StoreId, kind: Kind) -> bool {
        let kind_is_on = |account: &Account| match kind {
            Kind::Scanned => account.scanned,
            Kind::Shown => account.shown,
        };
        let mut own = self.accounts.iter().filter(|account| account.wallet == wallet).peekable();
        own.peek().is_none()
            || own.any(|account| {
                account.enabled && kind_is_on(account) && account.store.is_none_or(|only| only == store)
            })
    }
}
