//! How the shop wants its receipts to look: one template for all its tills. What a till could not print never gets here.

use super::audit::{self, AuditKind, NewAudit};
use super::{BaseError, BaseStore};
use crate::params;
use evertill_shared::protocol::receipts::ShopTemplate;
use evertill_shared::receipt::template::Template;

impl BaseStore {
    /// The shop's template.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn receipt_template(&self) -> Result<ShopTemplate, BaseError> {
        self.database
            .read(|sql| -> Result<ShopTemplate, BaseError> {
                Ok(ShopTemplate { text: sql.value("SELECT text FROM receipt_template", &[])? })
            })
            .await
    }

    /// Sets the shop's template, or takes it away; the tills get it with their next question.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] names the first line that is wrong, and why: nothing was changed; the database's.
    pub async fn set_receipt_template(&self, template: ShopTemplate, who: String) -> Result<(), BaseError> {
        if let Some(text) = &template.text {
            Template::parse(text).map_err(|error| BaseError::Invalid(error.to_string()))?;
        }
        let now = self.clock.now();
        self.database
            .write(move |sql| -> Result<(), BaseError> {
                let name = template.name();
                let before: Option<String> = sql.value("SELECT name FROM receipt_template", &[])?;
                if before.unwrap_or_default() == name {
                    return Ok(());
                }
                match &template.text {
                    Some(text) => sql.execute(
                        "INSERT INTO receipt_template (one, name, text) VALUES (1, ?1, ?2)
                         ON CONFLICT (one) DO UPDATE SET name = excluded.name, text = excluded.text",
                        &params![&name, text],
                    )?,
                    None => sql.execute("DELETE FROM receipt_template", &[])?,
                };
                let subject = if name.is_empty() { "none" } else { name.get(..12).unwrap_or(&name) };
                audit::append(sql, &NewAudit::new(who, AuditKind::ReceiptTemplateChanged, subject, ""), now)
            })
            .await
    }
}
