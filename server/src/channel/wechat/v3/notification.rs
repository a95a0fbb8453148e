//! What the wallet tells by itself. It never settles anything: it makes us ask at once.

use super::judge::Us;
use super::seal::ApiV3Key;
use super::sign::Trust;
use super::wire::{Unusable, same, text, transaction};
use crate::channel::{NotificationError, Notified};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::{Amount, Currency};
use serde_json::Value;

/// The one event that we wait for.
const PAID: &str = "TRANSACTION.SUCCESS";

/// Verifies, opens and reads a notification.
/// # Errors
/// It is not the wallet's, not of now, does not open, or tells of something else than a payment to us.
pub fn open(
    (headers, body): (&[(String, String)], &[u8]),
    trust: &Trust,
    key: &ApiV3Key,
    us: Us<'_>,
    now: Timestamp,
) -> Result<Notified, NotificationError> {
    use NotificationError::Unreadable as E;
    trust.verify(headers, body, now).map_err(|why| {
        tracing::warn!(%why, "what came as a notification of WeChat Pay's is not known to be one");
        NotificationError::NotAuthentic
    })?;
    let outside: Value = serde_json::from_slice(body).map_err(|_| E("it is no JSON"))?;
    if text(&outside, "/event_type") != Some(PAID) {
        return Err(E("it tells of something else than a payment"));
    }
    if text(&outside, "/resource_type") != Some("encrypt-resource") {
        return Err(E("its content is not sealed"));
    }
    let sealed = outside.pointer("/resource").ok_or(E("it has no content"))?;
    let opened = key.open_object(sealed);
    let opened = opened.ok_or(E("its content does not open: check `api_v3_key_file` in [wechat.v3]"))?;
    let said: Value = serde_json::from_slice(&opened).map_err(|_| E("its content is no JSON"))?;
    content(&said, us).map_err(|why| match why {
        Unusable::Mismatch(field) => NotificationError::Mismatch(field),
        _ => E("its content is no payment"),
    })
}

fn content(said: &Value, us: Us<'_>) -> Result<Notified, Unusable> {
    us.addressed(said)?;
    same(said, "/trade_state", "SUCCESS")?;
    let wrong = Unusable::Mismatch;
    let number = text(said, "/out_trade_no").ok_or(wrong("/out_trade_no"))?;
    let number: ChannelNumber = number.parse().map_err(|_| wrong("/out_trade_no"))?;
    let minor = said.pointer("/amount/total").and_then(Value::as_i64).filter(|minor| *minor > 0);
    let currency = text(said, "/amount/currency").unwrap_or("CNY");
    let currency: Currency = currency.parse().map_err(|_| wrong("/amount/currency"))?;
    let amount = Amount::new(minor.ok_or(wrong("/amount/total"))?, currency);
    Ok(Notified { number, amount, transaction: transaction(said)? })
}

#[cfg(test)]
#[path = "notification_tests.rs"]
mod tests;
