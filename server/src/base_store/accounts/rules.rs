//! A rule in another's place, at once: in between, every enabled account would take what the rule rules.

use super::{BaseError, BaseStore, changed, fits, read};
use crate::base_store::audit;
use crate::base_store::{AuditKind, NewAudit};
use crate::database::DbError;
use crate::params;
use evertill_shared::routing::Rule;

impl BaseStore {
    /// Puts a rule in the place of `was`, in one step. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if `was` does not stand there any more, the new one's priority is another rule's, or it names
    /// accounts that are not there; [`BaseError::Db`] if the database cannot be used.
    pub async fn replace_rule(&self, was: Rule, rule: Rule, who: String) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                let table = read(sql)?;
                let there = |priority: u32| table.rules.iter().find(|known| known.priority == priority);
                let is_gone = was.priority == rule.priority || there(was.priority).is_none();
                if there(rule.priority) == Some(&rule) && is_gone {
                    return Ok(());
                }
                if there(was.priority) != Some(&was) {
                    let words =
                        format!("rule {} is not what it was any more: look at it again", was.priority);
                    return Err(BaseError::Invalid(words));
                }
                if was.priority != rule.priority && there(rule.priority).is_some() {
                    let words =
                        format!("there is a rule {} already: give this one another priority", rule.priority);
                    return Err(BaseError::Invalid(words));
                }
                fits(&rule, &table.accounts)?;
                let text = serde_json::to_string(&rule).map_err(DbError::nonsense)?;
                sql.execute("DELETE FROM wallet_rules WHERE priority = ?1", &params![was.priority])?;
                let row = params![rule.priority, &text];
                sql.execute("INSERT INTO wallet_rules (priority, rule) VALUES (?1, ?2)", &row)?;
                changed(sql)?;
                let before = serde_json::to_string(&was).map_err(DbError::nonsense)?;
                let (subject, words) =
                    (format!("rule {}", was.priority), format!("{text} in the place of {before}"));
                audit::append(sql, &NewAudit::new(&who, AuditKind::RoutingChanged, subject, words), now)
            })
            .await
    }
}
