//! The form by which a rule is written down, or another put in its place.

use super::words::{Words, fill};
use crate::base_store::WalletTable;
use evertill_shared::id::StoreId;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::routing::Rule;

/// What the form shows: nothing, or the rule that is to be changed.
pub(super) struct RuleForm {
    pub heading: String,
    pub button: &'static str,
    /// The rule as it was shown, word for word: another is put in its place only if it is still that one.
    pub was: String,
    pub priority: String,
    pub wallet: &'static str,
    /// The store's number, if it is for one that is not this.
    pub other_store: Option<String>,
    pub this_store: bool,
    pub currency: String,
    pub lowest: String,
    pub highest: String,
    pub accounts: String,
}

impl RuleForm {
    /// To be filled.
    pub fn empty(own: Currency, t: &'static Words) -> Self {
        Self {
            heading: t.rule_add.to_owned(),
            button: t.rule_add,
            was: String::new(),
            priority: String::new(),
            wallet: "",
            other_store: None,
            this_store: false,
            currency: own.code().to_owned(),
            lowest: String::new(),
            highest: String::new(),
            accounts: String::new(),
        }
    }

    /// With the rule of that number in it; nothing if there is none.
    pub fn of(
        priority: u32,
        table: &WalletTable,
        (this, own): (StoreId, Currency),
        t: &'static Words,
    ) -> Option<Self> {
        let rule = table.rules.iter().find(|rule| rule.priority == priority)?;
        let amount = |minor: Option<i64>| {
            let amount = minor.map(|minor| Amount::new(minor, rule.currency.unwrap_or(own)));
            amount.map(|amount| amount.to_decimal()).unwrap_or_default()
        };
        let accounts: Vec<String> = rule.accounts.iter().map(ToString::to_string).collect();
        Some(Self {
            heading: fill(t.rule_change_of, &[&priority.to_string()]),
            button: t.rule_change,
            was: serde_json::to_string(rule).ok()?,
            priority: priority.to_string(),
            wallet: rule.wallet.code(),
            other_store: rule.store.filter(|store| *store != this).map(|store| store.to_string()),
            this_store: rule.store == Some(this),
            currency: rule.currency.map(|only| only.code().to_owned()).unwrap_or_default(),
            lowest: amount(rule.amounts.lowest),
            highest: amount(rule.amounts.highest),
            accounts: accounts.join(", "),
        })
    }
}

/// The rule that a form was opened with; nothing if it is to be a new one.
/// # Errors
/// It is no rule.
pub(super) fn opened_with(was: &str) -> Result<Option<Rule>, serde_json::Error> {
    if was.is_empty() { Ok(None) } else { serde_json::from_str(was).map(Some) }
}
