//! What the wallet tells by itself: a form, signed over all of its fields but the signature and its kind. Nothing that
//! is not authentic, and for this app and merchant, is ever returned.

use super::wire::{Merchant, from_yuan, transaction};
use crate::channel::{NotificationError as Bad, Notified};
use std::collections::BTreeMap;

/// No real notification comes near this.
const MAX_BYTES: usize = 32 * 1024;
const MAX_FIELDS: usize = 128;

type Form = BTreeMap<String, String>;

/// Reads a notification.
/// # Errors
/// It is not authentic, or not for this merchant.
pub fn read(merchant: &Merchant, body: &[u8]) -> Result<Notified, Bad> {
    let form = form(body)?;
    let get = |name: &str| form.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let sign = get("sign").ok_or(Bad::NotAuthentic)?;
    if get("sign_type") != Some("RSA2") {
        return Err(Bad::NotAuthentic);
    }
    let text = signed_text(&form);
    if !merchant.trust.keys().any(|key| key.verifies(text.as_bytes(), sign)) {
        return Err(Bad::NotAuthentic);
    }
    if get("app_id") != Some(&merchant.app_id) {
        return Err(Bad::Mismatch("app_id"));
    }
    if merchant.seller_id.is_some() && get("seller_id") != merchant.seller_id.as_deref() {
        return Err(Bad::Mismatch("seller_id"));
    }
    let number = get("out_trade_no").and_then(|text| text.parse().ok());
    Ok(Notified {
        number: number.ok_or(Bad::Mismatch("out_trade_no"))?,
        amount: get("total_amount").and_then(from_yuan).ok_or(Bad::Mismatch("total_amount"))?,
        transaction: transaction(get("trade_no")).ok_or(Bad::Mismatch("trade_no"))?,
    })
}

fn signed_text(form: &Form) -> String {
    let counted = form.iter().filter(|(name, _)| !matches!(name.as_str(), "sign" | "sign_type"));
    counted.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Each field once: which of two were signed would be a guess.
fn form(body: &[u8]) -> Result<Form, Bad> {
    if body.len() > MAX_BYTES {
        return Err(Bad::Unreadable("it is too long"));
    }
    let text = std::str::from_utf8(body).map_err(|_| Bad::Unreadable("it is not UTF-8"))?;
    let mut form = Form::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(Bad::Unreadable("it is not a form"))?;
        let (name, value) = plain(name).zip(plain(value)).ok_or(Bad::Unreadable("it is not a form"))?;
        if form.insert(name, value).is_some() || form.len() > MAX_FIELDS {
            return Err(Bad::Unreadable("it has a field twice, or too many"));
        }
    }
    Ok(form)
}

fn plain(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut given = text.bytes();
    while let Some(byte) = given.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(given.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[path = "notification_tests.rs"]
mod tests;
