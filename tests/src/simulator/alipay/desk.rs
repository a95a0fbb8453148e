//! The wallet's desk: bytes in, bytes out. Checks signatures for real, asks the rules, signs, and misbehaves.

use super::bill::Tokens;
use super::kit::Parties;
use super::message::{self, Fields};
use super::rules::{self, Node, Refusal};
use super::teller::SELLER;
use crate::simulator::wallet::http::Response;
use crate::simulator::wallet::{Counter, Endpoint, Fault, bill};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

mod rest;

const JSON: &str = "text/html;charset=utf-8";

/// Both sides as the wallet knows them, and the wallet's books.
pub(super) struct Desk {
    parties: Arc<Parties>,
    counter: Arc<Counter>,
    /// Where its listener is.
    base: String,
    tokens: Tokens,
}

/// A request that is authentic.
struct Asked {
    endpoint: Endpoint,
    content: Node,
    notify_url: Option<String>,
}

impl Desk {
    /// A desk that knows one app.
    pub fn new(parties: Arc<Parties>, counter: Arc<Counter>, base: String) -> Self {
        Self { parties, counter, base, tokens: Tokens::default() }
    }

    /// Its customers, books and switches.
    pub fn counter(&self) -> &Arc<Counter> {
        &self.counter
    }

    /// Answers one call. Fields may stand in the address, in the body, or in both.
    pub async fn serve(&self, query: &str, body: &[u8]) -> Response {
        let read = || {
            let mut fields = message::read_form(query)?;
            fields.extend(message::read_form(std::str::from_utf8(body).ok()?)?);
            Some(fields)
        };
        let Some(fields) = read() else {
            return self.turned_away(None, &Refusal::invalid("isv.invalid-encoding", "字符集错误"), false);
        };
        let by_certificate = fields.contains_key("app_cert_sn");
        let (asked, node) = match self.authentic(&fields) {
            Ok(asked) => asked,
            Err((node, refusal)) => {
                tracing::warn!(?refusal, "a request was not taken");
                return self.turned_away(node, &refusal, by_certificate);
            }
        };
        match self.carry_out(&asked).await {
            Some((answer, fault)) => self.respond(&node, by_certificate, answer, fault.as_ref()),
            None => Response::HangUp,
        }
    }

    /// What came of a request, and what goes wrong with the reply; nothing if the request itself is lost.
    async fn carry_out(&self, asked: &Asked) -> Option<(Result<Node, Refusal>, Option<Fault>)> {
        let fault = self.fault_of(asked);
        match fault {
            Some(Fault::RequestLost) => return None,
            Some(Fault::ArrivesLate { ms }) => tokio::time::sleep(Duration::from_millis(ms)).await,
            _ => {}
        }
        let answer = match &fault {
            Some(Fault::Refuse { err_code }) => Err(Refusal::worded(err_code)),
            _ => self.answer(asked),
        };
        if let Some(Fault::Slow { ms }) = fault {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let answer = match fault {
            Some(Fault::SystemError) => Err(Refusal::system_error(asked.endpoint)),
            Some(Fault::Unavailable) => Err(Refusal::unavailable()),
            _ => answer,
        };
        Some((answer, fault))
    }

    /// Takes the request in, or says where and why not.
    fn authentic(&self, fields: &Fields) -> Result<(Asked, String), (Option<String>, Refusal)> {
        let get = |name: &str| fields.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let nowhere = |sub_code, text| (None, Refusal::invalid(sub_code, text));
        if get("app_id") != Some(&self.parties.app_id) {
            return Err(nowhere("isv.invalid-app-id", "无效的AppID参数"));
        }
        let Some(method) = get("method") else {
            return Err((None, Refusal::missing("isv.missing-method", "缺少方法名参数")));
        };
        let Some(endpoint) = endpoint_of(method) else {
            return Err(nowhere("isv.invalid-method", "不存在的方法名"));
        };
        let node = format!("{}_response", method.replace('.', "_"));
        let not = |sub_code, text| Err((Some(node.clone()), Refusal::invalid(sub_code, text)));
        if get("version") != Some("1.0") || get("format").is_some_and(|f| !f.eq_ignore_ascii_case("json")) {
            return not("isv.invalid-version", "版本或格式错误");
        }
        if !get("charset").is_some_and(|charset| charset.eq_ignore_ascii_case("utf-8")) {
            return not("isv.invalid-charset", "字符集错误");
        }
        if get("sign_type") != Some("RSA2") {
            return not("isv.invalid-signature-type", "无效的签名类型");
        }
        let Some(sign) = get("sign") else {
            return Err((Some(node), Refusal::missing("isv.missing-signature", "缺少签名参数")));
        };
        if !self.parties.app_key.signed(&message::signed_text(fields), sign) {
            return not("isv.invalid-signature", "无效签名");
        }
        let [app, root, _] = &self.parties.serials;
        let named = [("app_cert_sn", app), ("alipay_root_cert_sn", root)];
        let by_certificate = get("app_cert_sn").is_some();
        if by_certificate && named.iter().any(|(name, serial)| get(name) != Some(serial)) {
            return not("isv.invalid-cert-sn", "证书序列号错误");
        }
        let token = self.counter.inside().switches.partner.clone().and_then(|shop| shop.token);
        match (token, get("app_auth_token")) {
            (None, None) => {}
            (Some(given), Some(named)) if given == named => {}
            (Some(_), None) => return Err((Some(node), Refusal::no_permission())),
            (_, Some(_)) => {
                let refusal = Refusal::not_allowed("aop.invalid-app-auth-token", "无效的应用授权令牌");
                return Err((Some(node), refusal));
            }
        }
        if !get("timestamp").is_some_and(is_a_time) {
            return not("isv.invalid-timestamp", "非法的时间戳参数");
        }
        match serde_json::from_str(get("biz_content").unwrap_or("{}")) {
            Ok(Value::Object(content)) => {
                let notify_url = get("notify_url").map(str::to_owned);
                Ok((Asked { endpoint, content, notify_url }, node))
            }
            _ => not("isv.invalid-parameter", "biz_content格式错误"),
        }
    }

    /// What goes wrong with this call: by a switch, or by the code or the order.
    fn fault_of(&self, asked: &Asked) -> Option<Fault> {
        let text = |name: &str| asked.content.get(name).and_then(Value::as_str).map(str::to_owned);
        let by_switch = self.counter.fault_of_switch(asked.endpoint);
        by_switch.or_else(|| {
            let (number, code) = (text("out_trade_no"), text("auth_code"));
            self.counter.fault_of_customer(asked.endpoint, number.as_ref(), code.as_ref())
        })
    }

    /// The bill at an address that was given out, while it is good.
    pub fn download(&self, query: &str) -> Response {
        let token = query.split('&').find_map(|pair| pair.strip_prefix("token=")).unwrap_or_default();
        let made = self.counter.decide(|book, switches, now| {
            let day = self.tokens.day(token, now)?;
            let lines = bill::lines(book, &switches.bill, &day, now)?;
            // A provider that acts for a shop gets the shop's bill.
            let seller = switches.partner.as_ref().map_or(SELLER, |shop| &shop.merchant);
            Some(super::bill::archive(seller, &lines, &day, now, &switches.bill))
        });
        match made {
            Ok(Some(Ok(archive))) => Response::ok("application/zip", archive),
            Ok(Some(Err(error))) => Response::ok(JSON, error.to_string()),
            // As the real one: a page with status 200 that is no bill.
            _ => Response::ok(JSON, "<html>下载链接已失效</html>"),
        }
    }

    fn answer(&self, asked: &Asked) -> Result<Node, Refusal> {
        let decided = self.counter.decide(|book, switches, now| {
            let (endpoint, notify_url) = (asked.endpoint, asked.notify_url.as_deref());
            let request = rules::Request { endpoint, content: &asked.content, notify_url, now };
            let mut node = request.answer(book, switches)?;
            let day = asked.content.get("bill_date").and_then(Value::as_str);
            if let (Endpoint::Bill, Some(day)) = (asked.endpoint, day) {
                let token = self.tokens.give(day, now).ok_or_else(Refusal::unavailable)?;
                let url = format!("{}/billdownload?token={token}", self.base);
                node.insert("bill_download_url".into(), url.into());
            }
            Ok(node)
        });
        decided.unwrap_or_else(|error| {
            tracing::error!(%error, "the books could not be saved");
            Err(Refusal::system_error(asked.endpoint))
        })
    }

    fn respond(
        &self,
        name: &str,
        by_certificate: bool,
        answer: Result<Node, Refusal>,
        fault: Option<&Fault>,
    ) -> Response {
        let mut node = match answer {
            Ok(node) => node,
            Err(refusal) => refusal.node(),
        };
        if let (_, Some(name)) = self.counter.noise() {
            node.insert(name, json!({ "新": ["字段", 1, null] }));
        }
        tamper(&mut node, fault);
        let stranger = matches!(fault, Some(Fault::BadSignature | Fault::OtherMerchant));
        let key = if stranger { &self.parties.other_key } else { &self.parties.own_key };
        let text = written(&node);
        let sign = (fault != Some(&Fault::Unsigned)).then(|| key.sign(&text));
        let text = if fault == Some(&Fault::Altered) {
            text.replacen("\"code\":\"", "\"code\": \"", 1)
        } else {
            text
        };
        match fault {
            Some(Fault::ReplyLost) => Response::HangUp,
            Some(Fault::Garbage) => Response::ok(JSON, b"\x00<html>\xff busy".as_slice()),
            Some(Fault::ServerError) => {
                Response::Reply { status: 502, content_type: "text/html", body: b"Bad Gateway".to_vec() }
            }
            _ => Response::ok(JSON, self.envelope(name, &text, sign.as_deref(), by_certificate)),
        }
    }

    /// What the gateway says to those whom it does not let in: signed where it knows for whom.
    fn turned_away(&self, node: Option<String>, refusal: &Refusal, by_certificate: bool) -> Response {
        let text = written(&refusal.node());
        let sign = node.as_ref().map(|_| self.parties.own_key.sign(&text));
        let name = node.unwrap_or_else(|| "error_response".to_owned());
        Response::ok(JSON, self.envelope(&name, &text, sign.as_deref(), by_certificate))
    }

    fn envelope(&self, name: &str, node: &str, sign: Option<&str>, by_certificate: bool) -> String {
        let mut text = format!("{{\"{name}\":{node}");
        if by_certificate {
            text.push_str(&format!(",\"alipay_cert_sn\":\"{}\"", self.parties.serials[2]));
        }
        if let Some(sign) = sign {
            text.push_str(&format!(",\"sign\":\"{sign}\""));
        }
        text.push('}');
        text
    }
}

/// As the wallet writes it: with its slashes escaped, so that whoever writes it anew writes other bytes.
fn written(node: &Node) -> String {
    Value::Object(node.clone()).to_string().replace('/', "\\/")
}

/// Makes the answer be about something else.
fn tamper(node: &mut Node, fault: Option<&Fault>) {
    match fault {
        Some(Fault::WrongAmount) => {
            for name in ["total_amount", "refund_amount", "refund_fee"] {
                if let Some(fen) = node.get(name).and_then(Value::as_str).and_then(message::fen) {
                    node.insert(name.to_owned(), message::yuan(fen + 1).into());
                }
            }
        }
        Some(Fault::OtherNumber) if node.contains_key("out_trade_no") => {
            node.insert("out_trade_no".into(), "E0000000000000000000000000000001".into());
        }
        _ => {}
    }
}

fn endpoint_of(method: &str) -> Option<Endpoint> {
    match method {
        "alipay.trade.pay" => Some(Endpoint::Pay),
        "alipay.trade.query" => Some(Endpoint::Query),
        "alipay.trade.precreate" => Some(Endpoint::Create),
        "alipay.trade.close" => Some(Endpoint::Close),
        "alipay.trade.cancel" => Some(Endpoint::Reverse),
        "alipay.trade.refund" => Some(Endpoint::Refund),
        "alipay.trade.fastpay.refund.query" => Some(Endpoint::RefundQuery),
        "alipay.data.dataservice.bill.downloadurl.query" => Some(Endpoint::Bill),
        _ => None,
    }
}

/// `2014-07-24 03:07:50`, and nothing else.
fn is_a_time(text: &str) -> bool {
    let shape = "dddd-dd-dd dd:dd:dd";
    let like = |(c, s): (char, char)| if s == 'd' { c.is_ascii_digit() } else { c == s };
    text.len() == shape.len() && text.chars().zip(shape.chars()).all(like)
}
