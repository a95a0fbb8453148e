//! The wallet's desk: bytes in, bytes out. Checks signatures for real, asks the rules, signs, and misbehaves.

use super::bill::{Trade, is_of};
use super::message::{self, Fields};
use super::rules::{self, Refusal, pairs};
use crate::simulator::wallet::http::Response;
use crate::simulator::wallet::{Behaviour, Counter, Endpoint, Fault, bill};
use evertill_shared::secret::SecretText;
use std::sync::Arc;
use std::time::Duration;

const XML: &str = "text/xml; charset=utf-8";

/// The merchant as the wallet knows it, and the wallet's books.
pub(super) struct Desk {
    app_id: String,
    merchant_id: String,
    api_key: SecretText,
    counter: Arc<Counter>,
}

impl Desk {
    /// A desk that knows one merchant (app, number, API key).
    pub fn new((app_id, merchant_id, api_key): (String, String, SecretText), counter: Arc<Counter>) -> Self {
        Self { app_id, merchant_id, api_key, counter }
    }

    /// Its customers, books and switches.
    pub fn counter(&self) -> &Arc<Counter> {
        &self.counter
    }

    /// Answers one call.
    pub async fn serve(&self, endpoint: Endpoint, body: &[u8], negative_test: Option<&str>) -> Response {
        let Some(fields) = message::read(body) else { return not_taken("XML格式错误") };
        if let Err(why) = self.authentic(&fields) {
            tracing::warn!(?endpoint, why, "a request was not taken");
            return not_taken(why);
        }
        let negative_test = negative_test.and_then(behaviour_of);
        let fault = self.fault_of(endpoint, &fields, negative_test);
        match fault {
            Some(Fault::RequestLost) => return Response::HangUp,
            Some(Fault::ArrivesLate { ms }) => tokio::time::sleep(Duration::from_millis(ms)).await,
            _ => {}
        }
        if endpoint == Endpoint::Bill {
            return self.bill(&fields, fault.as_ref());
        }
        let answer = match &fault {
            Some(Fault::Refuse { err_code }) => rules::refuse(err_code, "模拟的错误"),
            _ => self.answer(endpoint, &fields, negative_test),
        };
        if let Some(Fault::Slow { ms }) = fault {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        self.respond(&fields, answer, fault.as_ref())
    }

    /// The packed bill itself, or an error that is not signed.
    fn bill(&self, fields: &Fields, fault: Option<&Fault>) -> Response {
        let get = |name: &str| fields.get(name).map_or("", String::as_str);
        let day = get("bill_date");
        if day.len() != 8 || !day.bytes().all(|b| b.is_ascii_digit()) {
            return not_taken("data format error");
        }
        let kind = match get("bill_type") {
            "ALL" => Trade::All,
            "SUCCESS" => Trade::Success,
            "REFUND" => Trade::Refund,
            _ => return not_taken("invalid bill_type"),
        };
        if get("tar_type") != "GZIP" {
            return not_taken("invalid tar_type");
        }
        let day = format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]);
        let made = self.counter.decide(|book, switches, now| {
            let lines = bill::lines(book, &switches.bill, &day, now)?;
            Some((lines, switches.bill.clone()))
        });
        match (fault, made) {
            (Some(Fault::ReplyLost), _) => Response::HangUp,
            (Some(Fault::Garbage), _) => Response::ok(XML, b"\x00<html>\xff busy".as_slice()),
            (Some(Fault::ServerError), _) => {
                Response::Reply { status: 502, content_type: "text/html", body: b"Bad Gateway".to_vec() }
            }
            (Some(Fault::SystemError | Fault::Unavailable), _) | (_, Err(_)) => not_taken("SYSTEMERROR"),
            (Some(Fault::Refuse { err_code }), _) => not_taken(err_code),
            (_, Ok(None)) => not_taken("Bill Creating"),
            (_, Ok(Some((lines, _)))) if !lines.iter().any(|line| is_of(kind, line)) => {
                not_taken("No Bill Exist")
            }
            (_, Ok(Some((lines, faults)))) => {
                let shop = self.counter.inside().switches.partner.clone();
                let shop = shop.map_or("0".to_owned(), |shop| shop.merchant);
                let merchant = (self.app_id.as_str(), self.merchant_id.as_str(), shop.as_str());
                let text = super::bill::text(kind, &lines, merchant, &faults);
                match super::bill::gzip(&text) {
                    Ok(packed) => Response::ok("application/gzip", packed),
                    Err(error) => not_taken(&format!("CompressGZip Error {error}")),
                }
            }
        }
    }

    fn authentic(&self, fields: &Fields) -> Result<(), &'static str> {
        let is = |name: &str, value: &str| fields.get(name).is_some_and(|v| v == value);
        if !is("appid", &self.app_id) {
            return Err("appid不存在");
        }
        if !is("mch_id", &self.merchant_id) {
            return Err("商户号mch_id与appid不匹配");
        }
        self.names_the_shop(fields)?;
        let sign_type = fields.get("sign_type").map(String::as_str);
        match message::signature(fields, sign_type, &self.api_key) {
            Some(signature) if is("sign", &signature) => Ok(()),
            _ => Err("SIGNERROR 签名错误，请检查后再试"),
        }
    }

    /// Where the merchant is a service provider, a request names the shop that it acts for; nobody else's does.
    fn names_the_shop(&self, fields: &Fields) -> Result<(), &'static str> {
        let named = |name: &str| fields.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let shop = self.counter.inside().switches.partner.clone();
        match (&shop, named("sub_mch_id"), named("sub_appid")) {
            (None, None, None) => Ok(()),
            (None, ..) => Err("商户不是服务商，不能传入sub_mch_id"),
            (Some(_), None, _) => Err("受理机构必须传入sub_mch_id"),
            (Some(shop), Some(id), _) if id != shop.merchant => Err("sub_mch_id与mch_id不匹配"),
            (Some(shop), _, Some(app)) if shop.app.as_deref() != Some(app) => {
                Err("sub_appid与sub_mch_id不匹配")
            }
            (Some(_), Some(_), _) => Ok(()),
        }
    }

    /// What goes wrong with this call: by a switch, by the header, or by the code or the order.
    fn fault_of(&self, endpoint: Endpoint, fields: &Fields, header: Option<Behaviour>) -> Option<Fault> {
        let by_switch = self.counter.fault_of_switch(endpoint);
        match (by_switch, header) {
            (Some(fault), _) => Some(fault),
            (None, Some(behaviour)) => behaviour.fault(endpoint, 0),
            (None, None) => {
                let (number, code) = (fields.get("out_trade_no"), fields.get("auth_code"));
                self.counter.fault_of_customer(endpoint, number, code)
            }
        }
    }

    fn answer(
        &self,
        endpoint: Endpoint,
        fields: &Fields,
        negative_test: Option<Behaviour>,
    ) -> Result<Fields, Refusal> {
        let decided = self.counter.decide(|book, switches, now| {
            rules::Request { endpoint, fields, now, negative_test }.answer(book, switches)
        });
        decided.unwrap_or_else(|error| {
            tracing::error!(%error, "the books could not be saved");
            rules::refuse("SYSTEMERROR", "系统错误")
        })
    }

    fn respond(&self, asked: &Fields, answer: Result<Fields, Refusal>, fault: Option<&Fault>) -> Response {
        let mut reply = match answer {
            Ok(fields) => {
                let mut reply = pairs(&[("result_code", "SUCCESS")]);
                reply.extend(fields);
                reply
            }
            Err(refusal) => refused(&refusal),
        };
        let unsure = match fault {
            Some(Fault::SystemError) => Some(("SYSTEMERROR", "系统超时")),
            Some(Fault::Unavailable) => Some(("BANKERROR", "银行系统异常")),
            _ => None,
        };
        if let Some((code, text)) = unsure {
            reply = refused(&Refusal { code: code.into(), text: text.into(), recall: true });
        }
        reply.extend(pairs(&[
            ("return_code", "SUCCESS"),
            ("return_msg", "OK"),
            ("appid", &self.app_id),
            ("mch_id", &self.merchant_id),
        ]));
        if let Some(shop) = &self.counter.inside().switches.partner {
            let app = shop.app.as_deref().unwrap_or_default();
            reply.extend(pairs(&[("sub_mch_id", &shop.merchant), ("sub_appid", app)]));
        }
        self.add_noise(&mut reply);
        reply.retain(|_, value| !value.is_empty());
        tamper(&mut reply, fault);
        let wrong_key = SecretText::new("0".repeat(32));
        let key = if fault == Some(&Fault::BadSignature) { &wrong_key } else { &self.api_key };
        if fault != Some(&Fault::Unsigned) {
            let sign_type = asked.get("sign_type").map(String::as_str);
            reply.insert("sign".into(), message::signature(&reply, sign_type, key).unwrap_or_default());
        }
        if fault == Some(&Fault::Altered) {
            reply.insert("device_info".into(), "altered".into());
        }
        match fault {
            Some(Fault::ReplyLost) => Response::HangUp,
            Some(Fault::Garbage) => Response::ok(XML, b"\x00<html>\xff busy".as_slice()),
            Some(Fault::ServerError) => {
                Response::Reply { status: 502, content_type: "text/html", body: b"Bad Gateway".to_vec() }
            }
            _ => Response::ok(XML, message::write(&reply)),
        }
    }

    fn add_noise(&self, reply: &mut Fields) {
        let (noise, strange) = self.counter.noise();
        reply.insert("nonce_str".into(), format!("{noise:016x}"));
        if let Some(name) = strange {
            reply.insert(name, "新字段".into());
        }
    }
}

fn not_taken(why: &str) -> Response {
    Response::ok(XML, message::write(&pairs(&[("return_code", "FAIL"), ("return_msg", why)])))
}

fn refused(refusal: &Refusal) -> Fields {
    pairs(&[
        ("result_code", "FAIL"),
        ("err_code", &refusal.code),
        ("err_code_des", &refusal.text),
        ("recall", if refusal.recall { "Y" } else { "" }),
    ])
}

/// Makes the reply be about something else.
fn tamper(reply: &mut Fields, fault: Option<&Fault>) {
    match fault {
        Some(Fault::WrongAmount) => {
            for (name, value) in reply.iter_mut().filter(|(name, _)| name.contains("_fee")) {
                if let Ok(minor) = value.parse::<i64>() {
                    tracing::debug!(name, "amount made wrong");
                    *value = (minor + 1).to_string();
                }
            }
        }
        Some(Fault::OtherNumber) => {
            reply.insert("out_trade_no".into(), "E0000000000000000000000000000001".into());
        }
        Some(Fault::OtherMerchant) => {
            let name = if reply.contains_key("sub_mch_id") { "sub_mch_id" } else { "mch_id" };
            reply.insert(name.into(), "1900000999".into());
        }
        _ => {}
    }
}

/// The behaviour that an official `Wechatpay-Negative-Test` header asks for.
pub(super) fn behaviour_of(header: &str) -> Option<Behaviour> {
    let official = [
        ("MICROPAY_USERPAYING", Behaviour::MicropayUserpaying),
        ("MICROPAY_TIMEOUT", Behaviour::MicropayTimeout),
        ("MICROPAY_PAYERROR", Behaviour::MicropayPayerror),
        ("MICROPAY_PAY_QUERY_TIMEOUT", Behaviour::MicropayPayQueryTimeout),
    ];
    official.into_iter().find(|(name, _)| *name == header).map(|(_, behaviour)| behaviour)
}
