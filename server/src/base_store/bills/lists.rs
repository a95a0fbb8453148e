//! What a run found and settled, as it is kept: for people, for files, and for the order centre.

use super::{BaseError, BaseStore, BillsOf, day_of, json};
use crate::database::{DbError, Row};
use crate::params;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::id::AccountId;
use evertill_shared::reconciliation::{Category, FieldDiffers, Finding, Movement};
use evertill_shared::wallet::Wallet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredField {
    /// Its name.
    pub field: String,
    /// As our books have it.
    pub ours: String,
    /// As the bill has it.
    pub theirs: String,
}

/// What stands in one text of a finding's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Details {
    fields: Vec<StoredField>,
    lines: Vec<u64>,
    difference: BTreeMap<String, i64>,
}

impl Details {
    pub fn of(finding: &Finding) -> Self {
        let field = |differs: &FieldDiffers| StoredField {
            field: differs.field.to_owned(),
            ours: differs.ours.clone(),
            theirs: differs.theirs.clone(),
        };
        Self {
            fields: finding.fields.iter().map(field).collect(),
            lines: finding.lines.clone(),
            difference: finding.difference.sums(),
        }
    }
}

/// A finding, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFinding {
    /// What kind.
    pub category: Category,
    /// Which way the money moved.
    pub movement: Movement,
    /// The number that both sides know it by.
    pub number: String,
    /// The order, where our books know it.
    pub order: Option<String>,
    /// Which fields differ.
    pub fields: Vec<StoredField>,
    /// The lines of the bill that say so.
    pub lines: Vec<u64>,
    /// By how much our net is over the bill's, by the currency's code.
    pub difference: BTreeMap<String, i64>,
}

/// What a bill has settled, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSettled {
    /// Of which account's bill.
    pub account: AccountId,
    /// Which of the channel's days.
    pub day: BusinessDay,
    /// Its place among what that day's bill settled.
    pub place: u32,
    /// Which way the money was to move.
    pub movement: Movement,
    /// Its number.
    pub number: String,
    /// The order that it belongs to.
    pub order: String,
    /// Whether it moved.
    pub moved: bool,
    /// The channel's own number.
    pub transaction: Option<String>,
    /// The order centre knows of it.
    pub told: bool,
}

impl BaseStore {
    /// The findings of a day, in the order of their categories; so many at most, from a place on.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn bill_findings(
        &self,
        of: BillsOf,
        day: BusinessDay,
        (from, most): (u64, u32),
    ) -> Result<Vec<StoredFinding>, BaseError> {
        self.database
            .read(move |sql| {
                let rows = sql.rows(
                    "SELECT category, movement, number, order_number, details FROM bill_findings \
                     WHERE channel = ?1 AND account = ?5 AND day = ?2 ORDER BY category, place LIMIT ?3 OFFSET ?4",
                    &params![of.channel.code(), day.to_string(), most, from, of.account.get()],
                )?;
                rows.iter().map(read_finding).collect()
            })
            .await
    }

    /// How many findings of each category a day has.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn bill_categories(
        &self,
        of: BillsOf,
        day: BusinessDay,
    ) -> Result<Vec<(Category, u64)>, BaseError> {
        self.database
            .read(move |sql| {
                let rows = sql.rows(
                    "SELECT category, count(*) AS many FROM bill_findings WHERE channel = ?1 AND account = ?3 \
                     AND day = ?2 GROUP BY category ORDER BY category",
                    &params![of.channel.code(), day.to_string(), of.account.get()],
                )?;
                rows.iter().map(|row| Ok((category(&row.at::<String>(0)?)?, row.at(1)?))).collect()
            })
            .await
    }

    /// What a day's bill has settled; so many at most, from a place on.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn bill_settled(
        &self,
        of: BillsOf,
        day: BusinessDay,
        (from, most): (u64, u32),
    ) -> Result<Vec<StoredSettled>, BaseError> {
        self.database
            .read(move |sql| {
                let rows = sql.rows(
                    &format!(
                        "{SETTLED} WHERE channel = ?1 AND account = ?5 AND day = ?2 ORDER BY place \
                         LIMIT ?3 OFFSET ?4"
                    ),
                    &params![of.channel.code(), day.to_string(), most, from, of.account.get()],
                )?;
                rows.iter().map(read_settled).collect()
            })
            .await
    }

    /// What bills of a channel's runs that are done have settled and the order centre does not know of yet; from the one on
    /// that comes after that account's, day's and place.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn bill_untold(
        &self,
        channel: Wallet,
        after: Option<(AccountId, BusinessDay, u32)>,
        most: u32,
    ) -> Result<Vec<StoredSettled>, BaseError> {
        let (account, day, place) = after.map_or_else(Default::default, |(account, day, place)| {
            (account.get(), day.to_string(), i64::from(place))
        });
        self.database
            .read(move |sql| {
                let rows = sql.rows(
                    &format!(
                        "{SETTLED} WHERE channel = ?1 AND told = 0 AND (account > ?5 \
                         OR account = ?5 AND (day > ?3 OR day = ?3 AND place > ?4)) AND EXISTS \
                         (SELECT 1 FROM bill_runs r WHERE r.channel = ?1 AND r.account = bill_settled.account \
                          AND r.day = bill_settled.day AND r.state = 'done') ORDER BY account, day, place LIMIT ?2"
                    ),
                    &params![channel.code(), most, day, place, account],
                )?;
                rows.iter().map(read_settled).collect()
            })
            .await
    }

    /// The order centre knows of this.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn bill_told(&self, channel: Wallet, settled: &StoredSettled) -> Result<(), BaseError> {
        let (account, day, place) = (settled.account.get(), settled.day.to_string(), settled.place);
        self.database
            .write(move |sql| {
                sql.execute(
                    "UPDATE bill_settled SET told = 1 WHERE channel = ?1 AND account = ?4 AND day = ?2 AND place = ?3",
                    &params![channel.code(), day, place, account],
                )?;
                Ok(())
            })
            .await
    }
}

const SETTLED: &str = "SELECT account, day, place, movement, number, order_number, moved, transaction_number, told FROM bill_settled";

fn category(word: &str) -> Result<Category, BaseError> {
    Ok(Category::from_word(word).ok_or_else(|| DbError::nonsense(word.to_owned()))?)
}

fn movement(word: &str) -> Result<Movement, BaseError> {
    Ok(Movement::from_word(word).ok_or_else(|| DbError::nonsense(word.to_owned()))?)
}

fn read_finding(row: &Row) -> Result<StoredFinding, BaseError> {
    let text = |column: &str| row.get::<String>(column);
    let details: Details = json(&text("details")?)?;
    Ok(StoredFinding {
        category: category(&text("category")?)?,
        movement: movement(&text("movement")?)?,
        number: text("number")?,
        order: row.get("order_number")?,
        fields: details.fields,
        lines: details.lines,
        difference: details.difference,
    })
}

fn read_settled(row: &Row) -> Result<StoredSettled, BaseError> {
    let text = |column: &str| row.get::<String>(column);
    Ok(StoredSettled {
        account: AccountId(row.get("account")?),
        day: day_of(&text("day")?)?,
        place: row.get("place")?,
        movement: movement(&text("movement")?)?,
        number: text("number")?,
        order: text("order_number")?,
        moved: row.get("moved")?,
        transaction: row.get("transaction_number")?,
        told: row.get("told")?,
    })
}
