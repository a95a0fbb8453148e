//! What Alipay posts to the merchant when a shown code was paid: a signed form, told again until it reads `success`.

use super::kit::Parties;
use super::message::{self, Fields, yuan};
use crate::simulator::wallet::{Counter, Fault, Order, Refund, Teller, china_time};
use evertill_shared::clock::Timestamp;
use std::sync::Arc;

/// The merchant's own number at the wallet.
pub const SELLER: &str = "2088102146225135";

/// 4, 10, 10 minutes; 1, 2, 6, 15 hours.
const LADDER: [u64; 7] = [240, 600, 600, 3_600, 7_200, 21_600, 54_000];

pub(super) struct AlipayTeller(pub Arc<Parties>, pub Arc<Counter>);

impl Teller for AlipayTeller {
    fn ladder(&self) -> &'static [u64] {
        &LADDER
    }

    fn worded(
        &self,
        order: &Order,
        // It tells of payments alone: nobody asks it to tell of refunds.
        _refund: Option<&Refund>,
        now: Timestamp,
        fault: Option<&Fault>,
    ) -> (Vec<(String, String)>, Vec<u8>) {
        let time = |at: Timestamp| china_time(at, "%Y-%m-%d %H:%M:%S");
        let extra = i64::from(fault == Some(&Fault::WrongAmount));
        let total = yuan(order.total_minor + extra);
        let number = match fault {
            Some(Fault::OtherNumber) => "E000001000100001999999999999001",
            _ => &order.number,
        };
        let app = if fault == Some(&Fault::OtherMerchant) { "2021000000000000" } else { &self.0.app_id };
        let shop = self.1.inside().switches.partner.clone();
        let seller = shop.map_or(SELLER.to_owned(), |shop| shop.merchant);
        let mut fields: Fields = [
            ("app_id", app),
            ("auth_app_id", app),
            ("buyer_logon_id", "159****5620"),
            ("charset", "utf-8"),
            ("gmt_create", &time(order.created_at)),
            ("gmt_payment", &time(order.paid_at.unwrap_or(order.created_at))),
            ("notify_id", &format!("{}{:08}", message::md5(&order.number), now.0 % 100_000_000)),
            ("notify_time", &time(now)),
            ("notify_type", "trade_status_sync"),
            ("out_trade_no", number),
            ("receipt_amount", &total),
            ("seller_id", &seller),
            ("subject", &order.description),
            ("total_amount", &total),
            ("trade_no", &order.transaction),
            ("trade_status", "TRADE_SUCCESS"),
            ("version", "1.0"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        fields.retain(|_, value| !value.is_empty());
        let key = if fault == Some(&Fault::BadSignature) { &self.0.other_key } else { &self.0.own_key };
        if fault != Some(&Fault::Unsigned) {
            let sign = key.sign(&message::signed_text(&fields));
            fields.extend([("sign".to_owned(), sign), ("sign_type".to_owned(), "RSA2".to_owned())]);
        }
        if fault == Some(&Fault::Altered) {
            fields.insert("total_amount".into(), yuan(order.total_minor + 1));
        }
        let body = match fault {
            Some(Fault::Garbage) => b"\x00<html>\xff busy".to_vec(),
            _ => message::written_form(&fields).into_bytes(),
        };
        let kind = ("content-type".to_owned(), "application/x-www-form-urlencoded; charset=utf-8".to_owned());
        (vec![kind], body)
    }

    fn is_thanks(&self, status: u16, body: &[u8]) -> bool {
        status == 200 && body == b"success"
    }
}
