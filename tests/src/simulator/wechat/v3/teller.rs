//! What WeChat Pay posts to the merchant when a shown code was paid: sealed, signed, and told again until it is taken
//! with status 200 or 204.

use super::papers::Papers;
use super::{message, rules};
use crate::simulator::wallet::{Counter, Fault, Order, Teller};
use evertill_shared::clock::Timestamp;
use serde_json::json;
use std::sync::Arc;

/// 15 and 15 and 30 seconds; 3, 10, 20, 30, 30, 30 and 60 minutes; 3, 3, 3, 6 and 6 hours.
const LADDER: [u64; 15] =
    [15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600, 10_800, 10_800, 10_800, 21_600, 21_600];

pub(in crate::simulator::wechat) struct WechatTeller {
    pub papers: Arc<Papers>,
    pub counter: Arc<Counter>,
}

impl Teller for WechatTeller {
    fn ladder(&self) -> &'static [u64] {
        &LADDER
    }

    fn worded(
        &self,
        order: &Order,
        due: Timestamp,
        fault: Option<&Fault>,
    ) -> (Vec<(String, String)>, Vec<u8>) {
        // Signed when it is sent, however late that is.
        let now = self.counter.decide(|_, _, now| now).unwrap_or(due);
        let mut content = rules::order_json(&self.papers, order, true);
        super::tamper(&mut content, fault);
        let mut resource = self.papers.sealed(&content.to_string(), "transaction");
        resource["original_type"] = json!("transaction");
        let (noise, strange) = self.counter.noise();
        let mut told = json!({
            "id": format!("EV-{}", order.transaction),
            "create_time": rules::time(order.paid_at.unwrap_or(order.created_at)),
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": resource,
        });
        if let Some(name) = strange {
            told[name] = json!("新字段");
        }
        let body = told.to_string();
        let signs_by = self.counter.inside().switches.signs_by;
        let signer = self.papers.signer(None, signs_by);
        let mut headers = message::signed_headers(signer, &self.papers.stranger, now, noise, &body, fault);
        headers.push(("Content-Type".into(), "application/json".into()));
        headers.push(("User-Agent".into(), "Mozilla/4.0".into()));
        let mut body = body.into_bytes();
        match fault {
            Some(Fault::Altered) => message::alter(&mut body),
            Some(Fault::Garbage) => body = b"\x00<html>\xff busy".to_vec(),
            _ => {}
        }
        (headers, body)
    }

    fn is_thanks(&self, status: u16, _body: &[u8]) -> bool {
        matches!(status, 200 | 204)
    }
}
