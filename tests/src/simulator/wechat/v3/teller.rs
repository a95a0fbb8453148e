//! What WeChat Pay posts to the merchant when a shown code was paid, or a refund has arrived: sealed, signed, and told again until it is taken
//! with status 200 or 204.

use super::papers::Papers;
use super::{message, rules};
use crate::simulator::wallet::{Counter, Fault, Order, Refund, RefundEnd, Teller};
use evertill_shared::clock::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

/// 15 and 15 and 30 seconds; 3, 10, 20, 30, 30, 30 and 60 minutes; 3, 3, 3, 6 and 6 hours.
const LADDER: [u64; 15] =
    [15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600, 10_800, 10_800, 10_800, 21_600, 21_600];

pub(in crate::simulator::wechat) struct WechatTeller {
    pub papers: Arc<Papers>,
    pub counter: Arc<Counter>,
}

/// What is told, before it is sealed.
struct About<'a> {
    kind: &'static str,
    event: &'static str,
    summary: &'static str,
    number: &'a str,
    at: Timestamp,
    content: Value,
}

fn about_payment<'a>(papers: &Papers, order: &'a Order) -> About<'a> {
    About {
        kind: "transaction",
        event: "TRANSACTION.SUCCESS",
        summary: "支付成功",
        number: &order.transaction,
        at: order.paid_at.unwrap_or(order.created_at),
        content: rules::order_json(papers, order, true),
    }
}

fn about_refund<'a>(papers: &Papers, order: &Order, refund: &'a Refund) -> About<'a> {
    let (status, event, summary) = match refund.end {
        RefundEnd::Arrives => ("SUCCESS", "REFUND.SUCCESS", "退款成功"),
        RefundEnd::Abnormal => ("ABNORMAL", "REFUND.ABNORMAL", "退款异常"),
        RefundEnd::Closed => ("CLOSED", "REFUND.CLOSED", "退款关闭"),
    };
    let amount = json!({
        "total": order.total_minor, "refund": refund.amount_minor,
        "payer_total": order.total_minor, "payer_refund": refund.amount_minor,
    });
    let mut content = json!({
        "mchid": papers.merchant_id, "transaction_id": order.transaction, "out_trade_no": order.number,
        "refund_id": refund.refund_id, "out_refund_no": refund.number, "refund_status": status,
        "user_received_account": "支付用户零钱", "amount": amount,
    });
    if refund.end == RefundEnd::Arrives {
        content["success_time"] = json!(rules::time(refund.arrives_at));
    }
    About { kind: "refund", event, summary, number: &refund.refund_id, at: refund.arrives_at, content }
}

impl Teller for WechatTeller {
    fn ladder(&self) -> &'static [u64] {
        &LADDER
    }

    fn worded(
        &self,
        order: &Order,
        refund: Option<&Refund>,
        due: Timestamp,
        fault: Option<&Fault>,
    ) -> (Vec<(String, String)>, Vec<u8>) {
        // Signed when it is sent, however late that is.
        let now = self.counter.decide(|_, _, now| now).unwrap_or(due);
        let about = match refund {
            Some(refund) => about_refund(&self.papers, order, refund),
            None => about_payment(&self.papers, order),
        };
        let shop = self.counter.inside().switches.partner.clone();
        let mut content = super::partner::as_partners(shop.as_ref(), about.content);
        super::tamper(&mut content, fault);
        let mut resource = self.papers.sealed(&content.to_string(), about.kind);
        resource["original_type"] = json!(about.kind);
        let (noise, strange) = self.counter.noise();
        let mut told = json!({
            "id": format!("EV-{}", about.number),
            "create_time": rules::time(about.at),
            "resource_type": "encrypt-resource",
            "event_type": about.event,
            "summary": about.summary,
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
